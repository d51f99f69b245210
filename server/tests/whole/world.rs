//! Many people at work and what they were told: sixty-four who retitle songs, four who upload, one who has masters rendered. After every end of the server what
//! was told is held against what is there. Never here: how the server ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use deadwax_proto::v1::{self, RenderState, Role, VersionKind, action::Action, row::Row as Kind};
use deadwax_server::store::{EmbeddedStore, Store as _, embedded::Options};
use tokio::task::JoinHandle;

use crate::{
    Dice,
    house::House,
    pieces::{ON_THE_LINE, Piece, SYNC_BYTES},
    seats::{Seat, new_id, retitled},
};

pub const WRITERS: usize = 64;
pub const UPLOADERS: usize = 4;
const PROJECTS: usize = 4;
/// A quick person's pace, so that uploads and renders have their share of two cores.
const BREATH: Duration = Duration::from_millis(15);
/// A render of two seconds that nobody disturbs.
const RENDER_PATIENCE: Duration = Duration::from_secs(60);

/// Somebody's song: its title is a number that only grows.
#[derive(Clone)]
struct Song {
    project: String,
    id: String,
    /// The last title that was acknowledged.
    told: u64,
    /// Asked for and cut off.
    cut: Option<(String, u64)>,
}

struct Told {
    command: String,
    project: String,
    song: String,
    title: u64,
    seq: u64,
}

impl Told {
    /// Of the song's newest title.
    fn new(command: String, song: &Song, seq: u64) -> Self {
        Self { command, project: song.project.clone(), song: song.id.clone(), title: song.told, seq }
    }
}

#[derive(Default)]
pub struct Sum {
    pub entries: u64,
    pub cut_off: u64,
    pub uploads: u64,
    pub uploads_resumed: u64,
    pub again_most: u64,
    pub renders: u64,
    pub renders_parked: u64,
    pub leases: u64,
}

impl Sum {
    pub fn add(&mut self, more: &Sum) {
        self.entries += more.entries;
        self.cut_off += more.cut_off;
        self.uploads += more.uploads;
        self.uploads_resumed += more.uploads_resumed;
        self.again_most = self.again_most.max(more.again_most);
        self.renders += more.renders;
        self.renders_parked += more.renders_parked;
        self.leases += more.leases;
    }
}

pub struct World {
    owner: Seat,
    songs: Vec<Song>,
    told: Vec<Told>,
    pieces: Vec<Piece>,
    /// Acknowledged whole since the last check.
    fresh: Vec<Piece>,
    /// The digests of those before.
    kept: Vec<String>,
    sizes: (u64, u64),
    mastering: Mastering,
    pub sum: Sum,
}

/// A song in mastering, and its renders.
struct Mastering {
    project: String,
    song: String,
    /// By render: the master that it was told to have made.
    done: BTreeMap<String, String>,
    started: u64,
    /// Asked for and cut off.
    cut: Option<(String, Action)>,
}

impl World {
    /// On a running server. `sizes`: of the uploads, in bytes.
    pub async fn found(house: &House, dice: &mut Dice, sizes: (u64, u64)) -> Self {
        let owner = Seat::login(house.channel().await, &house.owner_code).await.unwrap();
        let mut songs = Vec::new();
        for _ in 0..PROJECTS {
            let project = owner.new_project().await;
            for _ in 0..WRITERS / PROJECTS {
                let (project, id) = (project.clone(), owner.new_song(&project).await);
                songs.push(Song { project, id, told: 0, cut: None });
            }
        }
        let mastering = Mastering::found(&owner, dice).await;
        let pieces = (0..UPLOADERS).map(|n| piece(dice, &songs[n * WRITERS / UPLOADERS].project, sizes));
        let pieces = pieces.collect();
        let (told, fresh, kept, sum) = (Vec::new(), Vec::new(), Vec::new(), Sum::default());
        Self { owner, songs, told, pieces, fresh, kept, sizes, mastering, sum }
    }

    /// Everybody works for `time`; then `end` takes the server away under their hands.
    pub async fn work(
        &mut self,
        house: &mut House,
        dice: &mut Dice,
        time: Duration,
        end: impl FnOnce(&mut House),
    ) {
        let ended = Arc::new(AtomicBool::new(false));
        let mut writers = Vec::new();
        for group in self.songs.chunks(WRITERS / 8) {
            let seat = self.owner.over(house.channel().await);
            let each = group.iter().map(|song| write(seat.clone(), song.clone(), Arc::clone(&ended)));
            writers.extend(each);
        }
        let mut uploaders = Vec::new();
        for piece in self.pieces.drain(..) {
            let seat = self.owner.over(house.channel().await);
            let (mut dice, sizes) = (Dice(dice.next()), self.sizes);
            uploaders.push(tokio::spawn(async move { bring(seat, piece, &mut dice, sizes).await }));
        }
        tokio::time::sleep(time).await;
        end(house);
        ended.store(true, Ordering::Relaxed);
        let patience = Duration::from_secs(60);
        self.songs.clear();
        for writer in writers {
            let (song, told) = tokio::time::timeout(patience, writer).await.unwrap().unwrap();
            self.songs.push(song);
            self.sum.entries += told.len() as u64;
            self.told.extend(told);
        }
        for uploader in uploaders {
            let (piece, kept) = tokio::time::timeout(patience, uploader).await.unwrap().unwrap();
            self.sum.uploads += kept.len() as u64;
            self.fresh.extend(kept);
            self.pieces.push(piece);
        }
    }

    /// After a new start: what was told is there, what was cut off is done once when it is asked for again, uploads go on where they may, and the next render
    /// is asked for.
    pub async fn check(&mut self, house: &House) {
        self.owner = self.owner.over(house.channel().await);
        self.check_songs().await;
        for mut piece in self.fresh.drain(..) {
            assert!(piece.begin(&self.owner).await.unwrap().done, "{} was acknowledged", piece.sha256);
            assert!(piece.lies_in(&house.studio), "{} was acknowledged and is not there", piece.sha256);
            self.kept.push(piece.sha256);
        }
        for piece in &mut self.pieces {
            let state = piece.begin(&self.owner).await.unwrap();
            let again = if state.done { 0 } else { piece.again(state.offset) };
            assert!(again <= SYNC_BYTES + ON_THE_LINE, "{again} bytes of an upload are to be sent again");
            self.sum.uploads_resumed += u64::from(state.offset > 0 && !state.done);
            self.sum.again_most = self.sum.again_most.max(again);
        }
        let rows = rows(&self.owner, &self.mastering.project).await;
        self.mastering.check(&rows);
        self.mastering.go_on(&self.owner, &rows).await;
    }

    async fn check_songs(&mut self) {
        let projects: BTreeSet<String> = self.songs.iter().map(|song| song.project.clone()).collect();
        let mut titles = BTreeMap::new();
        for project in &projects {
            for row in rows(&self.owner, project).await {
                if let Some(Kind::Song(row)) = row.row {
                    titles.insert(row.song_id, row.title.parse::<u64>().unwrap());
                }
            }
        }
        // The newest acknowledgements: the same command is answered with the same place. All of them are asked for at the end.
        for told in self.told.iter().rev().take(WRITERS) {
            let action = retitled(&told.song, told.title);
            let again = self.owner.perform_as(&told.command, &told.project, action).await;
            assert_eq!(again.ok(), Some(told.seq), "{} was acknowledged", told.command);
        }
        for song in &mut self.songs {
            let there = titles[&song.id];
            let cut = song.cut.take();
            let may_be = [Some(song.told), cut.as_ref().map(|it| it.1)];
            assert!(may_be.contains(&Some(there)), "{} is not {} nor {cut:?}", there, song.told);
            if let Some((command, title)) = cut {
                let action = retitled(&song.id, title);
                let seq = self.owner.perform_as(&command, &song.project, action).await.unwrap();
                song.told = title;
                self.sum.cut_off += 1;
                self.told.push(Told::new(command, song, seq));
            }
        }
    }

    /// Everything settles, the server is told to stop, and every acknowledgement ever given is held against the folder.
    pub async fn close(&mut self, house: &mut House) {
        let begun = Instant::now();
        let mut last = false;
        loop {
            let rows = rows(&self.owner, &self.mastering.project).await;
            self.mastering.check(&rows);
            let alive = renders(&rows).any(is_alive);
            if !alive && last {
                break;
            }
            if !alive {
                // One more that nobody disturbs: it must come to its end.
                self.mastering.go_on(&self.owner, &rows).await;
                last = true;
            }
            assert!(
                begun.elapsed() < 2 * RENDER_PATIENCE,
                "a render is stuck: {:?}",
                renders(&rows).next_back()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let rows = rows(&self.owner, &self.mastering.project).await;
        self.mastering.must_be_whole(&rows, &mut self.sum);
        for piece in &mut self.pieces {
            assert!(piece.upload(&self.owner).await.unwrap(), "an upload that was cut comes to its end");
            self.kept.push(piece.sha256.clone());
        }
        house.stop();
        house.verify();
        let there: BTreeSet<String> = house.names_in("derived").into_iter().collect();
        assert!(there.iter().all(|name| !name.starts_with("room-")), "left over: {there:?}");
        assert_eq!(house.panics(), 0, "{}", house.log_tail());
        for sha256 in &self.kept {
            let path = house.studio.join("blobs").join(&sha256[..2]).join(&sha256[2..]);
            assert!(path.is_file(), "{sha256} was acknowledged and is gone");
        }
        let store = EmbeddedStore::open(Options::new(&house.studio)).unwrap();
        for told in &self.told {
            let id = |text: &str| uuid::Uuid::parse_str(text).unwrap().as_u128();
            let found = store.command(id(&told.command)).await.unwrap();
            let (done, _) = found.unwrap_or_else(|| panic!("{} was acknowledged and is gone", told.command));
            assert_eq!((done.stream.0, done.last_seq), (id(&told.project), told.seq));
        }
    }
}

/// Mostly small ones, which come to their end between two kills, and some that take several.
fn piece(dice: &mut Dice, project: &str, (from, to): (u64, u64)) -> Piece {
    let share = dice.between(0, 1_000) as f64 / 1_000.0;
    let bytes = from + ((to - from) as f64 * share.powi(3)) as u64;
    Piece::new(dice, project, bytes as usize)
}

/// One title after the other until the server goes away.
fn write(seat: Seat, mut song: Song, ended: Arc<AtomicBool>) -> JoinHandle<(Song, Vec<Told>)> {
    tokio::spawn(async move {
        let mut told = Vec::new();
        while !ended.load(Ordering::Relaxed) {
            let (command, title) = (new_id(), song.told + 1);
            let Ok(seq) = seat.perform_as(&command, &song.project, retitled(&song.id, title)).await else {
                song.cut = Some((command, title));
                break;
            };
            song.told = title;
            told.push(Told::new(command, &song, seq));
            tokio::time::sleep(BREATH).await;
        }
        (song, told)
    })
}

/// One piece after the other until the server goes away; the last is cut. What was acknowledged whole comes along.
async fn bring(seat: Seat, mut piece: Piece, dice: &mut Dice, sizes: (u64, u64)) -> (Piece, Vec<Piece>) {
    let mut kept = Vec::new();
    while let Ok(done) = piece.upload(&seat).await {
        assert!(done, "a stream that was sent whole is an upload that is done");
        let next = self::piece(dice, &piece.project, sizes);
        kept.push(std::mem::replace(&mut piece, next));
    }
    (piece, kept)
}

async fn rows(seat: &Seat, project: &str) -> Vec<v1::Row> {
    let asked = v1::GetRequest { project_id: project.into() };
    seat.projects().get(seat.with(asked)).await.unwrap().into_inner().upserts
}

fn renders(rows: &[v1::Row]) -> impl DoubleEndedIterator<Item = &v1::RenderRow> {
    rows.iter().filter_map(|row| match &row.row {
        Some(Kind::Render(row)) => Some(row),
        _ => None,
    })
}

fn is_alive(row: &v1::RenderRow) -> bool {
    matches!(row.state(), RenderState::Queued | RenderState::Running)
}

impl Mastering {
    /// A song of two seconds whose mix was waved through; the gate of mixing has its first render queued.
    async fn found(owner: &Seat, dice: &mut Dice) -> Self {
        let (project, me) = (owner.new_project().await, owner.who_am_i().await.unwrap().person_id);
        let roles = [Role::Manager, Role::Producer, Role::MixEngineer, Role::MasteringEngineer];
        let roles = roles.map(i32::from).to_vec();
        let change = v1::ChangeRoles { person_id: me, roles };
        owner.perform(&project, Action::ChangeRoles(change)).await.unwrap();
        let song = owner.new_song(&project).await;
        for kind in [VersionKind::Take, VersionKind::Mix] {
            let mut piece = Piece::new(dice, &project, 44 + 2 * 44_100 * 4);
            assert!(piece.upload(owner).await.unwrap());
            let file = v1::NewFile {
                alternate: "main".into(),
                sha256: piece.sha256.clone(),
                name: "noise.wav".into(),
            };
            let version = v1::AddVersion {
                version_id: new_id(),
                song_id: song.clone(),
                kind: kind.into(),
                files: vec![file],
                ..Default::default()
            };
            owner.perform(&project, Action::AddVersion(version)).await.unwrap();
            let (song_id, reason) = (song.clone(), "For the test.".into());
            let over = v1::OverrideGate { song_id, reason, version_id: String::new() };
            owner.perform(&project, Action::OverrideGate(over)).await.unwrap();
        }
        Self { project, song, done: BTreeMap::new(), started: 1, cut: None }
    }

    /// What is done stays done and has one master.
    fn check(&mut self, rows: &[v1::Row]) {
        for row in renders(rows) {
            let before = self.done.get(&row.render_id);
            match row.state() {
                RenderState::Done => {
                    assert!(before.is_none_or(|master| *master == row.master_version_id), "{row:?}");
                    self.done.insert(row.render_id.clone(), row.master_version_id.clone());
                }
                RenderState::Failed => {
                    assert!(row.reason.contains("attempts were begun"), "a kill is no failure: {row:?}");
                }
                state => assert!(before.is_none(), "it was done and is {state:?}"),
            }
        }
    }

    /// Where none is on its way the next is asked for, each with another target: equal bytes would be one master.
    async fn go_on(&mut self, owner: &Seat, rows: &[v1::Row]) {
        if let Some((command, action)) = self.cut.take() {
            let _done_or_not = owner.perform_as(&command, &self.project, action).await;
        } else if !renders(rows).any(is_alive) {
            let target = -14.0 - 0.1 * (self.started % 80) as f64;
            let recipe_toml = format!(
                "name = \"render {}\"\ntarget_lufs = {target:.1}\nceiling_dbtp = -1.0\n[limiter]\n[[output]]\nencoding = \"wav16\"\n",
                self.started
            );
            let start = v1::StartRender { render_id: new_id(), song_id: self.song.clone(), recipe_toml };
            self.started += 1;
            owner.perform(&self.project, Action::StartRender(start)).await.unwrap();
        }
    }

    /// Nothing is under way: every render that is done has its own master, and there is no master beside them.
    fn must_be_whole(&self, rows: &[v1::Row], sum: &mut Sum) {
        let mut masters = BTreeMap::new();
        for row in rows {
            if let Some(Kind::Version(version)) = &row.row
                && version.kind() == VersionKind::Master
            {
                masters.insert(version.version_id.clone(), version.render_id.clone());
            }
        }
        let all: Vec<&v1::RenderRow> = renders(rows).collect();
        assert_eq!(all.len() as u64, self.started, "none was started twice, none is missing");
        let newest = all.last().unwrap();
        assert!(all.iter().any(|row| row.state() == RenderState::Done), "none came to its end: {newest:?}");
        for row in &all {
            sum.leases += u64::from(row.attempt);
            match row.state() {
                RenderState::Done => {
                    sum.renders += 1;
                    assert_eq!(masters.get(&row.master_version_id), Some(&row.render_id), "{row:?}");
                }
                _ => sum.renders_parked += 1,
            }
        }
        assert_eq!(masters.len() as u64, sum.renders, "one accepted output for each render that is done");
    }
}
