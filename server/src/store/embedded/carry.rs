//! Both ends of a move: a journal read record by record, beside a server that writes it or alone, and a journal written from what another engine gives. Beside a
//! server only what is proven to be synced counts, and nothing is changed. Never here: another engine, audio, and when a move is done.

use std::{
    collections::HashSet,
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;

use super::{
    OpenError,
    journal::{Cursor, Found, Journal, Position, damaged},
    lock,
    moved::{MovedEntry, MovedRecord, SEGMENT_BYTES},
    record::{Hash, Head, PayloadMark, What},
    verify::existing,
};
use crate::{
    disk::Drive,
    store::{
        StreamId,
        moving::{Carried, Moving, Tally},
    },
};

const NOTHING_KNOWN: Position = Position { segment: 0, offset: 0 };
/// Beside a server that writes, a record may lie there in part, and look like damage. That is believed when it looks so at so many looks.
const LOOKS: u32 = 5;
const REST: Duration = Duration::from_millis(40);

/// Called with each step; an error of its ends the reading.
pub type Each<'a> = &'a mut dyn FnMut(Moving) -> Result<(), OpenError>;

/// A journal that facts are taken from.
pub struct Taking {
    root: PathBuf,
    journal: Journal,
    walk: Walk,
    /// `None`: a server may write to it meanwhile.
    held: Option<File>,
}

/// How far a journal was read, and what stood there.
struct Walk {
    cursor: Cursor,
    /// Records that are no redactions: a redaction may be written twice.
    appends: u64,
    tally: Tally,
}

impl Taking {
    /// Beside a server.
    pub fn beside(root: &Path) -> Result<Self, OpenError> {
        let journal = Journal::open_beside(Drive::real(), &existing(root)?)?;
        let walk = Walk::new(&journal);
        Ok(Self { root: root.to_owned(), journal, walk, held: None })
    }

    /// Keeps servers out from now on, where none is in.
    ///
    /// # Errors
    /// [`OpenError::Locked`] while there is one.
    pub fn hold(&mut self) -> Result<(), OpenError> {
        if self.held.is_none() {
            let held = lock(&self.root)?;
            self.journal = Journal::open(Drive::real(), &existing(&self.root)?)?;
            // As a server does at its start, and nothing is cut off that was taken already.
            let mut known = self.walk.cursor.index == 0;
            let scan = self.journal.scan(self.journal.start(), NOTHING_KNOWN, &mut |found| {
                known |= (found.next.index, found.next.previous)
                    == (self.walk.cursor.index, self.walk.cursor.previous);
                Ok(())
            })?;
            if !known {
                let other = io::Error::other(
                    "it is not the journal that was read before: begin the move anew, into an empty target",
                );
                return Err(OpenError::io(&format!("going on with {}", self.root.display()))(other));
            }
            self.journal.settle(&scan).map_err(OpenError::io("settling the end of the journal"))?;
            self.held = Some(held);
        }
        Ok(())
    }

    /// What claims are hashed with, and the name of this journal.
    pub fn seed(&self) -> Hash {
        self.journal.id
    }

    /// How many records were read, redactions left out.
    pub fn appends(&self) -> u64 {
        self.walk.appends
    }

    pub fn tally(&self) -> &Tally {
        &self.walk.tally
    }

    /// Reads on, up to the end or until so many records (redactions left out) were read. Answers how many records lie behind where it stopped, those that may not be synced
    /// yet included.
    pub fn read(&mut self, upto: Option<u64>, each: Each<'_>) -> Result<u64, OpenError> {
        let mut looks = if self.held.is_some() { 1 } else { LOOKS };
        loop {
            looks -= 1;
            match self.look(upto, each) {
                // Only the journal itself is called damaged; what went to `each` is counted by then, and does not go there again.
                Err(OpenError::Damaged { .. }) if looks > 0 => std::thread::sleep(REST),
                read => return read,
            }
        }
    }

    fn look(&mut self, upto: Option<u64>, each: Each<'_>) -> Result<u64, OpenError> {
        if self.held.is_none() {
            self.journal.look_again()?;
        }
        // What somebody has already was synced when it was taken, also where no later record proves it.
        self.walk.on(&self.journal, self.held.is_some() || upto.is_some(), upto, each)
    }
}

impl Walk {
    fn new(journal: &Journal) -> Self {
        Self { cursor: journal.start(), appends: 0, tally: Tally::default() }
    }

    fn on(
        &mut self,
        journal: &Journal,
        all: bool,
        upto: Option<u64>,
        each: Each<'_>,
    ) -> Result<u64, OpenError> {
        let last = journal.segment_count();
        let mut proven = Position { segment: last, offset: 0 };
        let scan = journal.scan(self.cursor, NOTHING_KNOWN, &mut |found| {
            if found.at.segment == last {
                proven.offset = proven.offset.max(found.head.durable_before);
            }
            Ok(())
        })?;
        if all {
            proven = scan.end.at;
        }
        let (mut stopped, mut next) = (false, self.cursor);
        let (tally, appends) = (&mut self.tally, &mut self.appends);
        let read = journal.scan(self.cursor, NOTHING_KNOWN, &mut |found| {
            let is_append = matches!(found.head.what, What::Append { .. });
            // Also before a redaction: it may not have come along with the records before it.
            let beyond = upto.is_some_and(|upto| *appends >= upto);
            stopped |= beyond || found.next.at > proven || found.next.at > scan.end.at;
            if stopped {
                return Ok(());
            }
            let gone = |seq, stream| {
                scan.redacted.contains(&(stream, seq)) || redacted_since(journal, scan.end, (stream, seq))
            };
            let moving = moving(journal, &found, &gone)?;
            count(tally, &moving, &found)?;
            *appends += u64::from(is_append);
            next = found.next;
            each(moving)
        });
        self.cursor = next;
        read.map(|_| scan.end.index.saturating_sub(next.index))
    }
}

/// Whether a redaction was written behind a place that was read before. Asked where bytes are gone that were there a moment ago.
fn redacted_since(journal: &Journal, end: Cursor, entry: (StreamId, u64)) -> bool {
    let looked = journal.scan(end, NOTHING_KNOWN, &mut |_| Ok(()));
    looked.is_ok_and(|scan| scan.redacted.contains(&entry))
}

fn moving(
    journal: &Journal,
    found: &Found,
    gone: &dyn Fn(u64, StreamId) -> bool,
) -> Result<Moving, OpenError> {
    let (stream, first_seq, command, payloads, claims, desk) = match &found.head.what {
        What::Redact { stream, seq } => return Ok(Moving::Redact { stream: *stream, seq: *seq }),
        What::Append { stream, first_seq, command, payloads, claims, desk } => {
            (*stream, *first_seq, *command, payloads, claims.clone(), desk.clone())
        }
    };
    let mut entries = Vec::with_capacity(payloads.len());
    for ((seq, mark), at) in (first_seq..).zip(payloads).zip(&found.payloads) {
        let salted = journal.salted(*at, mark).map_err(OpenError::read)?;
        if salted.is_none() && !gone(seq, stream) {
            let what = format!("entry {seq} of stream {:032x} does not match its hash", stream.0);
            return Err(damaged(found.at.segment, found.at.offset, Some(found.head.index), what));
        }
        entries.push(MovedEntry { sha256: mark.sha256, bytes: mark.bytes, salted });
    }
    Ok(Moving::Append(Carried { record: MovedRecord { stream, first_seq, command, entries }, claims, desk }))
}

fn count(tally: &mut Tally, moving: &Moving, found: &Found) -> Result<(), OpenError> {
    match moving {
        Moving::Redact { stream, seq } => drop(tally.redacted.insert((*stream, *seq))),
        Moving::Append(Carried { record, claims, desk }) => {
            let MovedRecord { stream, first_seq, command, entries } = record;
            let head = tally.head(*stream);
            if *first_seq != head + 1 {
                let what = format!("stream {:032x} goes from {head} to {first_seq}", stream.0);
                return Err(damaged(found.at.segment, found.at.offset, Some(found.head.index), what));
            }
            for entry in entries {
                tally.roots.take(*stream, &entry.sha256);
            }
            tally.command(command, *stream, (*first_seq, first_seq + entries.len() as u64 - 1));
            claims.iter().for_each(|claim| tally.claim(claim));
            for change in desk {
                tally.desk(change.owner, &change.key, change.row.as_deref());
            }
        }
    }
    Ok(())
}

/// A journal that is written from another engine, in a folder that its caller holds.
pub struct Filling {
    journal: Journal,
    cursor: Cursor,
    /// Synced up to here, of the segment that is written.
    durable: u64,
    back: Walk,
    appends: u64,
    commands: HashSet<u128>,
    claims: HashSet<Hash>,
    redacted: HashSet<(StreamId, u64)>,
}

impl Filling {
    /// Goes on with a journal that was begun, or begins one. `seed`: what the studio's claims are hashed with; `None`: they were hashed without one.
    pub fn open(root: &Path, seed: Option<Hash>) -> Result<Self, OpenError> {
        let journal = Journal::open_as(Drive::real(), &root.join("journal"), seed)?;
        if seed.is_some_and(|seed| seed != journal.id) {
            let there = io::ErrorKind::AlreadyExists;
            let other = io::Error::new(there, "the journal there was begun for another studio");
            return Err(OpenError::io(&format!("writing to {}", root.display()))(other));
        }
        let scan = journal.scan(journal.start(), NOTHING_KNOWN, &mut |_| Ok(()))?;
        journal.settle(&scan).map_err(OpenError::io("settling the end of the journal"))?;
        let (mut appends, mut commands, mut claims) = (0, HashSet::new(), HashSet::new());
        // What was cut off is not counted: it comes again.
        let scan = journal.scan(journal.start(), NOTHING_KNOWN, &mut |found| {
            if let What::Append { command, claims: some, .. } = &found.head.what {
                appends += 1;
                commands.insert(command.id);
                claims.extend(some.iter().copied());
            }
            Ok(())
        })?;
        let (back, durable) = (Walk::new(&journal), scan.end.at.offset);
        let (cursor, redacted) = (scan.end, scan.redacted);
        Ok(Self { journal, cursor, durable, back, appends, commands, claims, redacted })
    }

    /// How many records are in it, redactions left out.
    pub fn appends(&self) -> u64 {
        self.appends
    }

    /// How far each stream came, in what lies there now.
    pub fn heads(&self) -> Result<Tally, OpenError> {
        let mut walk = Walk::new(&self.journal);
        walk.on(&self.journal, true, None, &mut |_| Ok(()))?;
        Ok(walk.tally)
    }

    /// Which of these claims are not in it.
    pub fn lacks(&self, claims: &[Hash]) -> Vec<Hash> {
        claims.iter().filter(|claim| !self.claims.contains(*claim)).copied().collect()
    }

    /// A command or a redaction that is in it already is left out. Durable after [`sync`](Self::sync).
    pub fn append(&mut self, moving: &Moving) -> Result<(), OpenError> {
        let Carried { record, claims, desk } = match moving {
            Moving::Redact { stream, seq } => return self.redact(&[(*stream, *seq)], Vec::new()),
            Moving::Append(carried) => carried,
        };
        let MovedRecord { stream, first_seq, command, entries } = record;
        if !self.commands.insert(command.id) {
            return Ok(());
        }
        self.claims.extend(claims.iter().copied());
        let mark = |it: &MovedEntry| PayloadMark { bytes: it.bytes, sha256: it.sha256 };
        let payloads: Vec<PayloadMark> = entries.iter().map(mark).collect();
        let mut area = Vec::new();
        for (entry, mark) in entries.iter().zip(&payloads) {
            match &entry.salted {
                Some(salted) => area.extend_from_slice(salted),
                None => area.resize(area.len() + mark.salted_bytes(), 0),
            }
        }
        let gone = (*first_seq..).zip(entries).filter(|(_, entry)| entry.salted.is_none());
        let gone: Vec<(StreamId, u64)> = gone.map(|(seq, _)| (*stream, seq)).collect();
        let (stream, first_seq, command) = (*stream, *first_seq, *command);
        let (claims, desk) = (claims.clone(), desk.clone());
        let what = What::Append { stream, first_seq, command, payloads, claims, desk };
        self.appends += 1;
        // In one write: erased bytes without their redaction would be damage.
        self.redact(&gone, vec![(what, area)])
    }

    fn redact(
        &mut self,
        gone: &[(StreamId, u64)],
        mut records: Vec<(What, Vec<u8>)>,
    ) -> Result<(), OpenError> {
        for (stream, seq) in gone {
            if self.redacted.insert((*stream, *seq)) {
                records.push((What::Redact { stream: *stream, seq: *seq }, Vec::new()));
            }
        }
        if records.is_empty() { Ok(()) } else { self.write(records) }
    }

    fn write(&mut self, records: Vec<(What, Vec<u8>)>) -> Result<(), OpenError> {
        let failed = OpenError::io("writing the journal of the target");
        if self.cursor.at.offset >= SEGMENT_BYTES {
            self.sync()?;
            let Cursor { index, previous, .. } = self.cursor;
            self.cursor = self.journal.begin_segment(index, previous).map_err(&failed)?;
            self.durable = self.cursor.at.offset;
        }
        let (at, mut cursor, mut frames) = (self.cursor.at, self.cursor, Vec::new());
        for (what, area) in records {
            let Cursor { index, previous, .. } = cursor;
            let head = Head { index, previous, durable_before: self.durable, what };
            let (frame, hash) = head.frame(&self.journal.id, &area);
            frames.extend_from_slice(&frame);
            let next = Position { offset: at.offset + frames.len() as u64, ..at };
            cursor = Cursor { at: next, index: index + 1, previous: hash };
        }
        self.journal.write(at, &frames).map_err(&failed)?;
        self.cursor = cursor;
        Ok(())
    }

    pub fn sync(&mut self) -> Result<(), OpenError> {
        if self.durable < self.cursor.at.offset {
            let synced = self.journal.sync(self.cursor.at.segment);
            synced.map_err(OpenError::io("syncing the journal of the target"))?;
            self.durable = self.cursor.at.offset;
        }
        Ok(())
    }

    /// Reads from the disk what was written since the last call; `each` is told of every entry with its place and its bytes.
    pub fn read_back(
        &mut self,
        each: &mut dyn FnMut(StreamId, u64, Option<Bytes>),
    ) -> Result<&Tally, OpenError> {
        self.sync()?;
        self.back.on(&self.journal, true, None, &mut |moving| {
            if let Moving::Append(carried) = moving {
                let record = carried.record;
                for (seq, entry) in (record.first_seq..).zip(&record.entries) {
                    each(record.stream, seq, entry.payload());
                }
            }
            Ok(())
        })?;
        Ok(&self.back.tally)
    }
}
