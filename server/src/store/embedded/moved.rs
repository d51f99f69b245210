//! Facts on their way from one studio to another: each with its salt, so that its hash stays, and an erased one as its hash alone. Only on folders that no server
//! holds; what is written takes the journal's place as a whole or not at all. Never here: what a fact says, and the files that they travel in.

use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    OpenError,
    backup::{copy_segments, replace},
    cut::cut,
    journal::{Cursor, Journal, Position},
    lock,
    record::{Head, PayloadMark, SALT_BYTES, What},
    verify::{VerifyReport, existing, verify_journal},
};
use crate::{
    disk::Drive,
    store::{CommandKey, DeskChange, STUDIO, StreamId},
};

pub(super) const SEGMENT_BYTES: u64 = 64 << 20;
const NOTHING_KNOWN: Position = Position { segment: 0, offset: 0 };

/// What one command appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedRecord {
    pub stream: StreamId,
    pub first_seq: u64,
    pub command: CommandKey,
    pub entries: Vec<MovedEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedEntry {
    pub sha256: [u8; 32],
    /// Without the salt.
    pub bytes: u32,
    /// A salt of 16 bytes, then the bytes; `None`: erased.
    pub salted: Option<Bytes>,
}

impl MovedEntry {
    /// Without its salt; `None`: erased.
    pub fn payload(&self) -> Option<Bytes> {
        let salted = self.salted.as_ref()?;
        Some(salted.slice(SALT_BYTES.min(salted.len())..))
    }

    /// Whether its bytes are those that its hash is of.
    pub fn is_sound(&self) -> bool {
        let mark = PayloadMark { bytes: self.bytes, sha256: self.sha256 };
        self.salted.as_ref().is_none_or(|salted| mark.matches(salted))
    }
}

/// Every record of every project of a studio folder, under its lock. Damage ends it.
pub fn moved_records(root: &Path, each: &mut dyn FnMut(MovedRecord)) -> Result<(), OpenError> {
    let folder = existing(root)?;
    let _lock = lock(root)?;
    let journal = Journal::open(Drive::real(), &folder)?;
    // What was erased stands further on than what it was.
    let scan = journal.scan(journal.start(), NOTHING_KNOWN, &mut |_| Ok(()))?;
    journal.scan(journal.start(), NOTHING_KNOWN, &mut |found| {
        let What::Append { stream, first_seq, command, payloads, .. } = &found.head.what else {
            return Ok(());
        };
        if *stream == STUDIO || found.at >= scan.end.at {
            return Ok(());
        }
        let mut entries = Vec::with_capacity(payloads.len());
        for ((seq, mark), at) in (*first_seq..).zip(payloads).zip(&found.payloads) {
            let salted = match scan.redacted.contains(&(*stream, seq)) {
                true => None,
                false => journal.salted(*at, mark).map_err(OpenError::read)?,
            };
            entries.push(MovedEntry { sha256: mark.sha256, bytes: mark.bytes, salted });
        }
        each(MovedRecord { stream: *stream, first_seq: *first_seq, command: *command, entries });
        Ok(())
    })?;
    Ok(())
}

/// A journal to which records of another studio are added.
pub struct Importing {
    root: PathBuf,
    partial: PathBuf,
    journal: Journal,
    cursor: Cursor,
    commands: HashSet<u128>,
    _lock: File,
}

impl Importing {
    /// Refuses a studio that has projects.
    pub fn begin(root: &Path) -> Result<Self, OpenError> {
        let folder = existing(root)?;
        let held = lock(root)?;
        let partial = root.join("journal.partial");
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(OpenError::io("removing an unfinished import"))?;
        }
        copy_segments(&folder, &partial).map_err(OpenError::io("copying the journal"))?;
        cut(&partial, u64::MAX)?;
        let journal = Journal::open(Drive::real(), &partial)?;
        let (mut commands, mut projects) = (HashSet::new(), HashSet::new());
        let scan = journal.scan(journal.start(), NOTHING_KNOWN, &mut |found| {
            if let What::Append { stream, command, .. } = &found.head.what {
                commands.insert(command.id);
                projects.insert(*stream);
            }
            Ok(())
        })?;
        projects.remove(&STUDIO);
        if !projects.is_empty() {
            let text = format!("it has {} projects already; import into a new folder", projects.len());
            return Err(refused(io::ErrorKind::AlreadyExists, text));
        }
        let cursor = scan.end;
        Ok(Self { root: root.to_owned(), partial, journal, cursor, commands, _lock: held })
    }

    /// `desk`: what the record changes on desks. Its entries must be sound.
    pub fn append(&mut self, record: &MovedRecord, desk: Vec<DeskChange>) -> Result<(), OpenError> {
        let MovedRecord { stream, first_seq, command, entries } = record;
        if !self.commands.insert(command.id) {
            let text = format!("command {:032x} is in it twice", command.id);
            return Err(refused(io::ErrorKind::InvalidData, text));
        }
        let payloads =
            entries.iter().map(|it| PayloadMark { bytes: it.bytes, sha256: it.sha256 }).collect::<Vec<_>>();
        let mut area = Vec::new();
        for (entry, mark) in entries.iter().zip(&payloads) {
            match &entry.salted {
                Some(salted) => area.extend_from_slice(salted),
                None => area.resize(area.len() + mark.salted_bytes(), 0),
            }
        }
        let (stream, first_seq, command) = (*stream, *first_seq, *command);
        let claims = Vec::new();
        self.write(What::Append { stream, first_seq, command, payloads, claims, desk }, &area)?;
        for (seq, _) in (first_seq..).zip(entries).filter(|(_, entry)| entry.salted.is_none()) {
            self.write(What::Redact { stream, seq }, &[])?;
        }
        Ok(())
    }

    fn write(&mut self, what: What, area: &[u8]) -> Result<(), OpenError> {
        let failed = OpenError::io("writing the journal");
        let at = self.cursor.at;
        if at.offset >= SEGMENT_BYTES {
            self.journal.sync(at.segment).map_err(&failed)?;
            self.cursor =
                self.journal.begin_segment(self.cursor.index, self.cursor.previous).map_err(&failed)?;
        }
        let Cursor { at, index, previous } = self.cursor;
        // It is synced as a whole before it takes its place.
        let head = Head { index, previous, durable_before: at.offset, what };
        let (frame, hash) = head.frame(&self.journal.id, area);
        self.journal.write(at, &frame).map_err(&failed)?;
        let next = Position { offset: at.offset + frame.len() as u64, ..at };
        self.cursor = Cursor { at: next, index: index + 1, previous: hash };
        Ok(())
    }

    /// The journal as it will be, read from the disk again. Nothing has taken its place yet.
    pub fn written(&self) -> Result<VerifyReport, OpenError> {
        self.journal.sync(self.cursor.at.segment).map_err(OpenError::io("syncing the journal"))?;
        verify_journal(&Journal::open(Drive::real(), &self.partial)?)
    }

    /// It takes the journal's place; the next start makes the index from it.
    pub fn finish(self) -> Result<(), OpenError> {
        let failed = OpenError::io("putting the new journal in its place");
        let index = self.root.join("index");
        if index.exists() {
            fs::remove_dir_all(index).map_err(&failed)?;
        }
        replace(&self.partial, &self.root.join("journal")).map_err(&failed)?;
        File::open(&self.root).and_then(|folder| folder.sync_all()).map_err(&failed)
    }
}

fn refused(kind: io::ErrorKind, text: String) -> OpenError {
    OpenError::io("importing into this studio")(io::Error::new(kind, text))
}
