//! A script of a studio at work, drawn from a seed: appends of several projects alone and in groups, redactions, audio that arrives in every way, bytes that
//! are given to somebody, a restart in the middle. It writes down what was asked and, with its moment, what was acknowledged. Never here: what has to hold afterwards (`check`).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use deadwax_domain::{Digest, PersonId, ProjectId};
use futures::{TryStreamExt as _, future::join_all};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{Caller, Person},
    blob::{BlobError, Blobs},
    disk::{
        Drive,
        faulty::{Dice, FaultyDisk},
    },
    egress::{EgressBook, Gift, Of, Reception, Transit, Way},
    ledger::Clock,
    store::{
        Append, AppendError, Appended, DeskChange, EmbeddedStore, Store as _, StreamId, conformance::append,
        embedded::Options,
    },
};

pub(super) const STREAMS: u128 = 4;
const SEGMENT_BYTES: u64 = 6000;
/// The largest piece that an upload sends at once.
const CHUNK: u64 = 1500;

/// An open studio.
pub(super) struct Rooms {
    pub store: EmbeddedStore,
    pub blobs: Arc<Blobs>,
    pub book: Arc<EgressBook>,
    pub drive: Drive,
}

struct Stopped;

impl Clock for Stopped {
    fn now_ms(&self) -> i64 {
        1_795_000_000_000
    }
}

pub(super) async fn open(disk: &FaultyDisk) -> Result<Rooms, String> {
    let drive = Drive::on(Arc::new(disk.clone()));
    let options = Options { root: "studio".into(), reserve_bytes: 0, segment_bytes: SEGMENT_BYTES };
    let store = EmbeddedStore::open_on_disk(&options, drive.clone()).map_err(|error| error.to_string())?;
    let blobs = Blobs::open_on(drive.clone(), "studio".into(), 0).await.map_err(|error| error.to_string())?;
    let book = EgressBook::open(&drive, "studio/egress".as_ref(), Arc::new(Stopped)).await;
    let book = book.map_err(|error| error.to_string())?;
    Ok(Rooms { store, blobs, book, drive })
}

/// After how many changes of the disk something was acknowledged.
pub(super) type Moment = usize;

pub(super) struct Sound {
    pub bytes: Bytes,
    pub acked: Option<Moment>,
}

pub(super) struct Upload {
    pub bytes: Bytes,
    pub digest: Digest,
    /// How far it was told to have come, and when.
    pub told: Vec<(u64, Moment)>,
    pub finishing: bool,
}

/// Bytes that somebody was given.
pub(super) struct Given {
    pub sent: u64,
    pub begun: Option<Moment>,
    pub ended: Option<Moment>,
}

#[derive(Default)]
pub(super) struct History {
    pub disk: FaultyDisk,
    pub appends: BTreeMap<u128, (Append, Option<(Appended, Moment)>)>,
    pub redactions: Vec<(StreamId, u64, Option<Moment>)>,
    pub sounds: BTreeMap<[u8; 32], Sound>,
    pub uploads: BTreeMap<u128, Upload>,
    /// By a digest of their own.
    pub given: BTreeMap<[u8; 32], Given>,
    /// What was not acknowledged, and why.
    pub refused: Vec<String>,
    /// Acknowledged after the latch had fallen.
    pub late: usize,
    pub acks: usize,
    files: u64,
    current: Option<u128>,
}

/// What a run of the script came to.
pub(super) struct Ran {
    pub history: History,
    pub refused_starts: Vec<String>,
    /// The latch fell.
    pub stopped: bool,
    /// Reading failed after that.
    pub blind: Vec<String>,
}

/// The script from its first start, with a restart in the middle that finds a torn tail and a segment that was never begun.
pub(super) async fn run(disk: &FaultyDisk, seed: u64, steps: usize) -> Ran {
    let history = History { disk: disk.clone(), ..History::default() };
    let mut ran = Ran { history, refused_starts: Vec::new(), stopped: false, blind: Vec::new() };
    let mut dice = Dice::from_seed(seed);
    for half in 0..2 {
        if half == 1 {
            leave_remains(disk);
        }
        let rooms = match open(disk).await {
            Ok(rooms) => rooms,
            Err(why) => {
                ran.refused_starts.push(why);
                continue;
            }
        };
        ran.history.learn(&rooms).await;
        ran.history.go_on(&rooms, &mut dice, 1).await;
        for _ in 0..steps / 2 {
            ran.history.step(&rooms, &mut dice).await;
        }
        // An upload is always on its way over the restart.
        ran.history.begin(&rooms, &mut dice).await;
        ran.history.go_on(&rooms, &mut dice, 1).await;
        if rooms.drive.latch().reason().is_some() {
            ran.stopped = true;
            ran.blind.extend(ran.history.look(&rooms).await.err());
        }
    }
    ran
}

/// As if the process had died while it wrote and while it began a segment.
fn leave_remains(disk: &FaultyDisk) {
    let segment = |number: u32| PathBuf::from(format!("studio/journal/{number:08}.journal"));
    let mut last = 1;
    while disk.bytes(&segment(last + 1)).is_some() {
        last += 1;
    }
    if let Some(bytes) = disk.bytes(&segment(last)).filter(|bytes| bytes.len() > 92) {
        disk.scribble(&segment(last), bytes.len() as u64, b"DWXr and then no more");
        disk.plant(&segment(last + 1), b"DEADWAXJ");
    }
    let book = Path::new("studio/egress/book");
    if let Some(bytes) = disk.bytes(book).filter(|bytes| bytes.len() > 224) {
        disk.scribble(book, bytes.len() as u64, b"half a page");
    }
}

impl History {
    async fn step(&mut self, rooms: &Rooms, dice: &mut Dice) {
        match dice.below(18) {
            0..=3 => {
                let stream = u128::from(dice.below(STREAMS as u64));
                let next = self.next_append(stream, dice);
                self.append(rooms, vec![next]).await;
            }
            4 => {
                let group = (0..STREAMS).map(|stream| self.next_append(stream, dice)).collect();
                self.append(rooms, group).await;
            }
            5 => self.redact(rooms, dice).await,
            6 | 7 => self.put(rooms, dice).await,
            8 => self.begin(rooms, dice).await,
            9..=11 => {
                let chunks = 1 + dice.below(3);
                self.go_on(rooms, dice, chunks).await;
            }
            12 => self.adopt(rooms, dice, "studio/renders").await,
            13 => self.adopt(rooms, dice, "elsewhere").await,
            14 => self.seal(rooms, dice).await,
            15 | 16 => self.give(rooms, dice).await,
            _ => self.derive(rooms, dice).await,
        }
    }

    /// A studio that was started again works in every way.
    pub(super) async fn go_on_after(&mut self, rooms: &Rooms, seed: u64) {
        let mut dice = Dice::from_seed(seed + 1);
        self.current = None;
        self.learn(rooms).await;
        for _ in 0..24 {
            self.step(rooms, &mut dice).await;
        }
    }

    /// What an attempt came to that was not acknowledged is known after a restart.
    async fn learn(&mut self, rooms: &Rooms) {
        let now = self.disk.recorded();
        for (id, (_, acked)) in &mut self.appends {
            if let Ok(Some((done, _))) = rooms.store.command(*id).await {
                acked.get_or_insert((done, now));
            }
        }
    }

    pub(super) fn head(&self, stream: StreamId) -> u64 {
        let acked = self.appends.values().filter_map(|(_, acked)| acked.as_ref());
        acked.filter(|(done, _)| done.stream == stream).map(|(done, _)| done.last_seq).max().unwrap_or(0)
    }

    fn next_append(&self, stream: u128, dice: &mut Dice) -> Append {
        let id = 1000 + self.appends.len() as u128 * STREAMS + stream;
        let mut next = append(stream, self.head(StreamId(stream)), id, &[]);
        let text = |at| Bytes::from(format!("{id}.{at} ").repeat(1 + dice.below(30) as usize));
        next.entries = (0..1 + id as u64 % 3).map(text).collect();
        let acked = self.sounds.iter().filter(|(_, sound)| sound.acked.is_some()).map(|(digest, _)| digest);
        if let Some(digest) = acked.last() {
            next.entries.push(Bytes::from(format!("blob:{}", Digest(*digest))));
        }
        next.claims = vec![Bytes::from(format!("claim {id}"))];
        let row = Some(Bytes::from(format!("{id}")));
        next.desk = vec![DeskChange { owner: stream, key: Bytes::from(format!("{id}")), row }];
        next
    }

    async fn append(&mut self, rooms: &Rooms, group: Vec<Append>) {
        for next in &group {
            self.appends.insert(next.command.id, (next.clone(), None));
        }
        let stopped = is_stopped(rooms);
        let answers = join_all(group.into_iter().map(|next| async {
            let id = next.command.id;
            (id, rooms.store.append(next).await)
        }));
        for (id, answer) in answers.await {
            if let Some(done) = self.hear(stopped, answer.map_err(|error| refused_append(rooms, error)))
                && let Some((_, acked)) = self.appends.get_mut(&id)
            {
                *acked = Some((done, self.disk.recorded()));
            }
        }
    }

    async fn redact(&mut self, rooms: &Rooms, dice: &mut Dice) {
        let stream = StreamId(u128::from(dice.below(STREAMS as u64)));
        let head = self.head(stream);
        if head == 0 {
            return;
        }
        let seq = 1 + dice.below(head);
        self.redactions.push((stream, seq, None));
        let stopped = is_stopped(rooms);
        let answer = rooms.store.redact(stream, seq).await.map_err(|error| refused_append(rooms, error));
        if self.hear(stopped, answer).is_some()
            && let Some(last) = self.redactions.last_mut()
        {
            last.2 = Some(self.disk.recorded());
        }
    }

    /// Bytes that no other call makes.
    fn sound(&mut self, dice: &mut Dice, least: usize) -> (Bytes, Digest) {
        self.files += 1;
        let mut bytes = self.files.to_le_bytes().to_vec();
        bytes.resize_with(least + dice.below(4000) as usize, || dice.roll() as u8);
        let digest = Digest(Sha256::digest(&bytes).into());
        let bytes = Bytes::from(bytes);
        self.sounds.insert(digest.0, Sound { bytes: bytes.clone(), acked: None });
        (bytes, digest)
    }

    fn named(&mut self, stopped: bool, answer: Result<Digest, BlobError>) {
        let answer = answer.map_err(|error| error.to_string());
        if let Some(digest) = self.hear(stopped, answer)
            && let Some(sound) = self.sounds.get_mut(&digest.0)
        {
            sound.acked.get_or_insert(self.disk.recorded());
        }
    }

    async fn put(&mut self, rooms: &Rooms, dice: &mut Dice) {
        let (bytes, _) = self.sound(dice, 8);
        let stopped = is_stopped(rooms);
        let answer = rooms.blobs.put(bytes).await;
        self.named(stopped, answer);
    }

    /// A file as a child leaves it.
    fn made(&mut self, dice: &mut Dice, folder: &str) -> (PathBuf, Digest) {
        let (bytes, digest) = self.sound(dice, 8);
        let path = Path::new(folder).join(format!("{}.wav", self.files));
        self.disk.plant(&path, &[]);
        self.disk.scribble(&path, 0, &bytes);
        (path, digest)
    }

    async fn adopt(&mut self, rooms: &Rooms, dice: &mut Dice, folder: &str) {
        let (path, digest) = self.made(dice, folder);
        let stopped = is_stopped(rooms);
        let answer = rooms.blobs.adopt(path).await.map(|(found, _)| {
            assert_eq!(found, digest);
            found
        });
        self.named(stopped, answer);
    }

    async fn seal(&mut self, rooms: &Rooms, dice: &mut Dice) {
        let (path, digest) = self.made(dice, "studio/renders");
        let stopped = is_stopped(rooms);
        let answer = match rooms.blobs.seal(path.clone()).await {
            Ok((sealed, _)) => rooms.blobs.adopt_sealed(path, sealed).await.map(|()| digest),
            Err(error) => Err(error),
        };
        self.named(stopped, answer);
    }

    pub(super) async fn begin(&mut self, rooms: &Rooms, dice: &mut Dice) {
        // More than one chunk: one that has begun is never done at once.
        let (bytes, digest) = self.sound(dice, 2 * CHUNK as usize);
        let stopped = is_stopped(rooms);
        let answer = rooms.blobs.stage(digest, bytes.len() as u64, "ann".into()).await;
        if let Some(staged) = self.hear(stopped, answer.map_err(|error| error.to_string())) {
            let told = vec![(staged.offset, self.disk.recorded())];
            self.uploads.insert(staged.id, Upload { bytes, digest, told, finishing: false });
            self.current = Some(staged.id);
        }
    }

    pub(super) async fn go_on(&mut self, rooms: &Rooms, dice: &mut Dice, chunks: u64) {
        let Some(id) = self.current else { return };
        let staged = match rooms.blobs.staged(id).await {
            Ok(staged) => staged,
            Err(error) => return self.note::<(), _>(Err(error)),
        };
        let mut offset = staged.offset;
        self.tell(id, offset);
        for _ in 0..chunks {
            let Some(upload) = self.uploads.get(&id) else { return };
            let end = (offset + 1 + dice.below(CHUNK)).min(staged.bytes);
            let chunk = upload.bytes.slice(offset as usize..end as usize);
            match rooms.blobs.write_staged(id, offset, chunk).await {
                Ok(now) => offset = now,
                Err(error) => self.note::<(), _>(Err(error)),
            }
        }
        let stopped = is_stopped(rooms);
        let answer = rooms.blobs.sync_staged(id).await.map_err(|error| error.to_string());
        let Some(durable) = self.hear(stopped, answer) else { return };
        self.tell(id, durable);
        if durable == staged.bytes {
            if let Some(upload) = self.uploads.get_mut(&id) {
                upload.finishing = true;
            }
            let stopped = is_stopped(rooms);
            let answer = rooms.blobs.finish_staged(id).await;
            if answer.is_ok() {
                self.current = None;
            }
            self.named(stopped, answer);
        }
    }

    fn tell(&mut self, id: u128, offset: u64) {
        let moment = self.disk.recorded();
        if let Some(upload) = self.uploads.get_mut(&id) {
            upload.told.push((offset, moment));
        }
    }

    /// Bytes leave when the book says so, and the book knows how many.
    async fn give(&mut self, rooms: &Rooms, dice: &mut Dice) {
        let mut digest = [0xe6; 32];
        digest[..8].copy_from_slice(&(self.given.len() as u64).to_be_bytes());
        let sent = dice.below(100_000);
        self.given.insert(digest, Given { sent, begun: None, ended: None });
        let stopped = is_stopped(rooms);
        let answer = rooms.book.begin(&somebody(), gift(digest)).await;
        let Some(mut giving) = self.hear(stopped, answer.map_err(|error| error.to_string())) else { return };
        let begun = self.disk.recorded();
        giving.sent(sent as usize);
        drop(giving);
        rooms.book.flush().await;
        let told = receptions(rooms, digest).await;
        let is_ended = told.as_ref().is_ok_and(|told| told.iter().any(|it| it.ended.is_some()));
        self.note(told);
        if let Some(given) = self.given.get_mut(&digest) {
            given.begun = Some(begun);
            given.ended = is_ended.then_some(self.disk.recorded());
        }
    }

    /// What can be made again is not missed; a retry, and what is asked of the audio, are answered.
    async fn derive(&mut self, rooms: &Rooms, dice: &mut Dice) {
        let digest = Digest([7; 32]);
        let bytes = Bytes::from(vec![dice.roll() as u8; 300]);
        let written = rooms.blobs.write_derived(digest, "waveform", bytes).await;
        self.note(written);
        match rooms.blobs.read_derived(digest, "waveform", 0, None).await {
            Ok(Some((_, chunks))) => self.note(chunks.try_collect::<Vec<_>>().await),
            Ok(None) => {}
            Err(error) => self.note::<(), _>(Err(error)),
        }
        let acked =
            self.appends.values().find_map(|(append, acked)| Some((append.clone(), acked.as_ref()?.0)));
        if let Some((append, done)) = acked {
            let again = rooms.store.append(append).await;
            if let Ok(again) = &again {
                assert_eq!(*again, Appended { repeated: true, ..done });
            }
            self.note(again);
        }
        let acked =
            self.sounds.iter().find(|(_, sound)| sound.acked.is_some()).map(|(digest, _)| Digest(*digest));
        if let Some(digest) = acked {
            let has = rooms.blobs.has(digest).await;
            assert_ne!(has.as_ref().ok(), Some(&false));
            self.note(has);
            self.note(rooms.blobs.verify(digest).await);
        }
        let discarded = discard(&rooms.blobs).await;
        self.note(discarded);
    }

    /// Takes note of what did not work and is nobody's loss.
    fn note<T, E: std::fmt::Display>(&mut self, answer: Result<T, E>) {
        self.refused.extend(answer.err().map(|error| error.to_string()));
    }

    /// Takes note of an answer.
    fn hear<T>(&mut self, stopped: bool, answer: Result<T, String>) -> Option<T> {
        match answer {
            Ok(done) => {
                self.acks += 1;
                self.late += usize::from(stopped);
                Some(done)
            }
            Err(why) => {
                self.refused.push(why);
                None
            }
        }
    }
}

fn somebody() -> Caller {
    let (name, email) = (String::from("Ann"), String::from("ann@example.org"));
    let person = Person { id: PersonId(7), name, email, studio_owner: false };
    let ended = CancellationToken::new();
    Caller { person, session_id: 8, address: None, ended, transit: Transit::default() }
}

fn gift(digest: [u8; 32]) -> Gift {
    let (way, project, digest) = (Way::Download, ProjectId(1), Digest(digest));
    Gift { way, project, object: 2, work: 3, digest, offset: 0, file_bytes: 100_000 }
}

/// What the book tells of bytes.
pub(super) async fn receptions(rooms: &Rooms, digest: [u8; 32]) -> Result<Vec<Reception>, String> {
    let of = Of::Digest(Digest(digest));
    let told = rooms.book.received(of, u64::MAX, (1000, 1000), |_| true).await;
    told.map(|(told, _)| told).map_err(|error| error.to_string())
}

/// Audio that no fact names leaves, comes back, and leaves for good.
async fn discard(blobs: &Blobs) -> Result<(), BlobError> {
    let digest = blobs.put(Bytes::from_static(b"nobody's")).await?;
    for last in [false, true] {
        blobs.take_touched();
        blobs.discard(digest, 1).await?;
        let lies_there = blobs.trash().await?.into_iter().find(|it| it.digest == digest);
        match lies_there {
            Some(discarded) if last => blobs.erase(discarded).await?,
            Some(discarded) => drop(blobs.put_back(discarded).await?),
            None => {}
        }
    }
    Ok(())
}

fn is_stopped(rooms: &Rooms) -> bool {
    rooms.drive.latch().reason().is_some()
}

fn refused_append(rooms: &Rooms, error: AppendError) -> String {
    match &error {
        AppendError::ReadOnly(_) => assert!(is_stopped(rooms), "read-only without the latch"),
        AppendError::DiskNearlyFull { .. } => {}
        other => panic!("{other}"),
    }
    error.to_string()
}
