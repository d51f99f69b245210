//! The journal: numbered segment files of hash-chained records, and the rules by which a folder of them is judged at a start.
//! A tail that was never acknowledged is told apart from damage by evidence: each record says up to where everything was synced
//! before it was written. It knows nothing of the index; nothing here decides what may be appended.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use bytes::{Buf, BufMut, Bytes};

use super::{
    OpenError,
    record::{Hash, Head, MAGIC, PREFIX_BYTES, PayloadMark, Prefix, What},
};
use crate::{
    disk::{Access, Drive, DriveFile, Room, Site, is_full},
    planted::planted,
    store::{ReadError, StreamId},
};

const SEGMENT_MAGIC: &[u8; 8] = b"DEADWAXJ";
const FORMAT: u32 = 1;
pub(super) const HEADER_BYTES: u64 = 92;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// From 1.
    pub segment: u32,
    pub offset: u64,
}

/// Where the next record goes, and what it must continue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub at: Position,
    pub index: u64,
    pub previous: Hash,
}

pub(super) struct Journal {
    drive: Drive,
    folder: PathBuf,
    pub id: Hash,
    segments: RwLock<Vec<DriveFile>>,
}

/// A record whose head is whole and continues the chain.
pub(super) struct Found {
    pub at: Position,
    pub head: Head,
    pub next: Cursor,
    /// Positions of the payloads (salt first), as marked in the head.
    pub payloads: Vec<Position>,
    /// Which payloads do not match their mark: redacted, torn or damaged.
    pub bad: Vec<usize>,
}

#[derive(Debug)]
pub(super) struct Scan {
    pub end: Cursor,
    pub redacted: HashSet<(StreamId, u64)>,
    /// Bytes after `end` that no acknowledged record lies in.
    pub torn_bytes: u64,
    /// Where the last group of the last segment begins: written, perhaps never synced.
    last_group: Option<u64>,
}

impl Journal {
    /// Opens the segments of a folder, or begins the first. Reads headers only.
    pub(super) fn open(drive: Drive, folder: &Path) -> Result<Self, OpenError> {
        Self::open_as(drive, folder, None)
    }

    /// As [`open`](Self::open); `id`: of a journal that is begun here, instead of one by lot.
    pub(super) fn open_as(drive: Drive, folder: &Path, id: Option<Hash>) -> Result<Self, OpenError> {
        drive.make_dir(Site::JournalFolder, folder).map_err(OpenError::io("making the journal folder"))?;
        if let Some(parent) = folder.parent() {
            drive
                .sync_dir(Site::StudioFolderSync, parent)
                .map_err(OpenError::io("syncing the studio folder"))?;
        }
        let names =
            drive.list(Site::JournalList, folder).map_err(OpenError::io("listing the journal folder"))?;
        let names: Vec<_> = names.into_iter().filter(|name| name.ends_with(".journal")).collect();
        let mut journal = Self { drive, folder: folder.to_owned(), id: [0; 32], segments: RwLock::default() };
        let mut previous_header = None;
        for (number, name) in (1u32..).zip(&names) {
            if *name != segment_name(number) {
                let what = format!("{} is missing; restore it from a backup", segment_name(number));
                return Err(damaged(number, 0, None, what));
            }
            let opened = journal.drive.open(Site::SegmentOpen, &folder.join(name), Access::ReadWrite);
            let file = opened.map_err(OpenError::io(name))?;
            match read_header(&file, number)? {
                Some(header) => {
                    if previous_header.is_some_and(|id| id != header.id) {
                        return Err(damaged(number, 0, None, "it belongs to another journal".into()));
                    }
                    previous_header = Some(header.id);
                    journal.segments_mut().push(file);
                }
                // Its header is synced before anything else is written, so nothing in it was acknowledged.
                None if number as usize == names.len() => {
                    tracing::warn!(segment = %name, "removed a journal segment that was never begun");
                    let removed = journal.drive.remove(Site::SegmentUnbegun, &folder.join(name));
                    removed.map_err(OpenError::io(name))?;
                }
                None => return Err(damaged(number, 0, None, "its header is torn".into())),
            }
        }
        match previous_header {
            Some(id) => journal.id = id,
            None => {
                match id {
                    Some(id) => journal.id = id,
                    None => getrandom::fill(&mut journal.id).map_err(|error| {
                        OpenError::io("drawing the journal's id")(io::Error::other(error.to_string()))
                    })?,
                }
                let start = journal.begin_segment(0, journal.id);
                start.map_err(OpenError::io("beginning the journal"))?;
            }
        }
        Ok(journal)
    }

    /// The segments of a folder that a server may write to meanwhile; nothing is changed and nothing begun.
    pub(super) fn open_beside(drive: Drive, folder: &Path) -> Result<Self, OpenError> {
        let mut journal = Self { drive, folder: folder.to_owned(), id: [0; 32], segments: RwLock::default() };
        journal.look_again()?;
        if journal.segment_count() == 0 {
            let empty = io::Error::new(io::ErrorKind::NotFound, "no segment of a journal has begun there");
            return Err(OpenError::io(&format!("reading {}", folder.display()))(empty));
        }
        Ok(journal)
    }

    /// Segments that were begun since. One whose header is not whole yet comes the next time.
    pub(super) fn look_again(&mut self) -> Result<(), OpenError> {
        loop {
            let number = self.segment_count() + 1;
            let name = segment_name(number);
            let file = match self.drive.open(Site::SegmentOpen, &self.folder.join(&name), Access::Read) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                opened => opened.map_err(OpenError::io(&name))?,
            };
            let Some(header) = read_header(&file, number)? else { return Ok(()) };
            if number > 1 && header.id != self.id {
                return Err(damaged(number, 0, None, "it belongs to another journal".into()));
            }
            self.id = header.id;
            self.segments_mut().push(file);
        }
    }

    pub(super) fn start(&self) -> Cursor {
        Cursor { at: Position { segment: 1, offset: HEADER_BYTES }, index: 0, previous: self.id }
    }

    pub(super) fn segment_count(&self) -> u32 {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).len() as u32
    }

    pub(super) fn room(&self) -> io::Result<Room> {
        self.drive.room(Site::JournalRoom, &self.folder)
    }

    /// A new segment that goes on after `previous`; durable on return. Where it fails for want of room nothing of it stays, or the latch falls.
    pub(super) fn begin_segment(&self, index: u64, previous: Hash) -> io::Result<Cursor> {
        let segment = self.segment_count() + 1;
        let path = self.folder.join(segment_name(segment));
        let file = self.drive.create(Site::SegmentCreate, &path)?;
        if let Err(error) =
            file.write_at(Site::SegmentHeader, 0, &header_bytes(segment, &self.id, index, &previous))
        {
            // One that stays would be taken for the last segment at the next start.
            self.drive
                .remove(Site::SegmentUnbegun, &path)
                .map_err(|stays| self.stop(Site::SegmentUnbegun, &stays))?;
            return Err(error);
        }
        file.sync_data(Site::SegmentHeaderSync)?;
        self.drive.sync_dir(Site::JournalFolderSync, &self.folder)?;
        self.segments_mut().push(file);
        Ok(Cursor { at: Position { segment, offset: HEADER_BYTES }, index, previous })
    }

    /// Writes records behind all others. Where it fails they are taken back, or the latch falls.
    pub(super) fn write(&self, at: Position, bytes: &[u8]) -> io::Result<()> {
        let file = self.file(at.segment)?;
        let Err(error) = file.write_at(Site::RecordWrite, at.offset, bytes) else { return Ok(()) };
        if !is_full(&error) {
            return Err(self.stop(Site::RecordWrite, &error));
        }
        file.truncate(Site::RecordUndo, at.offset).map_err(|stays| self.stop(Site::RecordUndo, &stays))?;
        Err(error)
    }

    fn stop(&self, site: Site, error: &io::Error) -> io::Error {
        self.drive.latch().fall(format!("{site}: {error}")).into()
    }

    pub(super) fn sync(&self, segment: u32) -> io::Result<()> {
        self.file(segment)?.sync_data(Site::RecordSync)
    }

    /// A payload, checked against its mark. `None` where the bytes do not match.
    pub(super) fn payload(&self, at: Position, mark: &PayloadMark) -> Result<Option<Bytes>, ReadError> {
        Ok(self.salted(at, mark)?.map(|salted| salted.slice(super::record::SALT_BYTES..)))
    }

    /// The same with its salt before it.
    pub(super) fn salted(&self, at: Position, mark: &PayloadMark) -> Result<Option<Bytes>, ReadError> {
        let mut salted = vec![0; mark.salted_bytes()];
        let read = self.file(at.segment)?.read_at(Site::PayloadRead, at.offset, &mut salted)?;
        if read < salted.len() || !mark.matches(&salted) {
            return Ok(None);
        }
        Ok(Some(Bytes::from(salted)))
    }

    /// Overwrites a payload and its salt with zeros; durable on return.
    pub(super) fn erase(&self, at: Position, mark: &PayloadMark) -> io::Result<()> {
        let file = self.file(at.segment)?;
        file.write_at(Site::EraseWrite, at.offset, &vec![0; mark.salted_bytes()])?;
        file.sync_data(Site::EraseSync)
    }

    pub(super) fn is_erased(&self, at: Position, mark: &PayloadMark) -> io::Result<bool> {
        let mut salted = vec![1; mark.salted_bytes()];
        let read = self.file(at.segment)?.read_at(Site::PayloadRead, at.offset, &mut salted)?;
        Ok(read == salted.len() && salted.iter().all(|byte| *byte == 0))
    }

    /// Walks every record from `from` to the end and judges what it meets. `durable` is a place that is known to have been synced;
    /// anything wrong before it is damage. Nothing is changed.
    pub(super) fn scan(
        &self,
        from: Cursor,
        durable: Position,
        visit: &mut dyn FnMut(Found) -> Result<(), OpenError>,
    ) -> Result<Scan, OpenError> {
        let last = self.segment_count();
        let mut scan = Scan { end: from, redacted: HashSet::new(), torn_bytes: 0, last_group: None };
        let mut suspects: Vec<(Cursor, StreamId, u64)> = Vec::new();
        // Up to where the last segment is proven to have been synced.
        let mut proven = if durable.segment == last { durable.offset } else { 0 };
        loop {
            let cursor = scan.end;
            let len = self.len(cursor.at.segment)?;
            if cursor.at.offset == len && cursor.at.segment < last {
                scan.end = self.next_segment(cursor)?;
                continue;
            }
            if cursor.at.offset >= len {
                break;
            }
            let Some(found) = self.record(cursor)? else {
                let torn = cursor.at.segment == last;
                let what = "a record is unreadable; restore the segment from a backup".to_owned();
                if !torn || cursor.at.offset < proven.max(self.evidence_after(cursor.at)?) {
                    return Err(damaged(cursor.at.segment, cursor.at.offset, Some(cursor.index), what));
                }
                if planted!("torn-tail-empties") {
                    scan.end = from;
                }
                break;
            };
            if cursor.at.segment == last {
                proven = proven.max(found.head.durable_before);
                scan.last_group = Some(found.head.durable_before);
            }
            match &found.head.what {
                What::Append { stream, first_seq, .. } => {
                    suspects.extend(found.bad.iter().map(|bad| (cursor, *stream, first_seq + *bad as u64)));
                }
                What::Redact { stream, seq } => {
                    scan.redacted.insert((*stream, *seq));
                }
            }
            scan.end = found.next;
            visit(found)?;
        }
        for (cursor, stream, seq) in suspects {
            if scan.redacted.contains(&(stream, seq)) {
                continue;
            }
            if cursor.at.segment != last || cursor.at.offset < proven {
                let what = format!("entry {seq} of stream {:032x} does not match its hash", stream.0);
                return Err(damaged(cursor.at.segment, cursor.at.offset, Some(cursor.index), what));
            }
            scan.end = cursor;
            break;
        }
        scan.torn_bytes = self.len(scan.end.at.segment)?.saturating_sub(scan.end.at.offset);
        Ok(scan)
    }

    /// Makes what `scan` found safe to serve: the torn tail goes, and the last group is written and synced once more. The process
    /// before may have died, or failed, between its write and its sync; then these bytes are in memory only.
    pub(super) fn settle(&self, scan: &Scan) -> io::Result<()> {
        let file = self.file(scan.end.at.segment)?;
        if scan.torn_bytes > 0 {
            let Position { segment, offset } = scan.end.at;
            tracing::warn!(
                segment,
                offset,
                bytes = scan.torn_bytes,
                "cut off a torn tail that was never acknowledged"
            );
            file.truncate(Site::TailCut, scan.end.at.offset)?;
        }
        let from = if scan.end.at.offset == HEADER_BYTES { Some(0) } else { scan.last_group };
        if let Some(from) = from.filter(|from| *from < scan.end.at.offset) {
            let mut bytes = vec![0; (scan.end.at.offset - from) as usize];
            file.read_at(Site::TailRead, from, &mut bytes)?;
            file.write_at(Site::TailWrite, from, &bytes)?;
        }
        file.sync_data(Site::TailSync)?;
        self.drive.sync_dir(Site::JournalFolderSync, &self.folder)
    }

    /// The record at `cursor`; `None` where none can be read that continues the chain there.
    pub(super) fn record(&self, cursor: Cursor) -> Result<Option<Found>, OpenError> {
        let Position { segment, offset } = cursor.at;
        let Some((prefix, head, hash)) = self.head_at(segment, offset)? else { return Ok(None) };
        let goes_on = head.previous == cursor.previous || planted!("previous-hash-ignored");
        if head.index != cursor.index || !goes_on {
            return Ok(None);
        }
        let mut area = vec![0; prefix.area_bytes];
        let mut at = Position { segment, offset: offset + (PREFIX_BYTES + prefix.head_bytes) as u64 };
        self.read_at(at, &mut area)?;
        let (mut payloads, mut bad, mut rest) = (Vec::new(), Vec::new(), &area[..]);
        for (number, mark) in head.payloads().iter().enumerate() {
            let (salted, after) = rest.split_at(mark.salted_bytes());
            if !mark.matches(salted) {
                bad.push(number);
            }
            payloads.push(at);
            at.offset += mark.salted_bytes() as u64;
            rest = after;
        }
        let next = Position { segment, offset: offset + prefix.frame_bytes() };
        let next = Cursor { at: next, index: head.index + 1, previous: hash };
        Ok(Some(Found { at: cursor.at, head, next, payloads, bad }))
    }

    /// Whether the record at `last` is whole and ends at `cursor`. Tells an index of this journal from a stale one.
    pub(super) fn ends_at(&self, last: Position, cursor: Cursor) -> Result<bool, OpenError> {
        if last.segment != cursor.at.segment {
            return Ok(false);
        }
        Ok(self.head_at(last.segment, last.offset)?.is_some_and(|(prefix, head, hash)| {
            let end = last.offset + prefix.frame_bytes();
            end == cursor.at.offset && head.index + 1 == cursor.index && hash == cursor.previous
        }))
    }

    fn head_at(&self, segment: u32, offset: u64) -> Result<Option<(Prefix, Head, Hash)>, OpenError> {
        let mut start = [0; PREFIX_BYTES];
        self.read_at(Position { segment, offset }, &mut start)?;
        let Some(prefix) = Prefix::parse(&start) else { return Ok(None) };
        if offset + prefix.frame_bytes() > self.len(segment)? {
            return Ok(None);
        }
        let mut head = vec![0; prefix.head_bytes];
        self.read_at(Position { segment, offset: offset + PREFIX_BYTES as u64 }, &mut head)?;
        Ok(prefix.head(&self.id, &head).map(|(head, hash)| (prefix, head, hash)))
    }

    /// The furthest `durable_before` of any whole record after a bad one, however it is aligned. Only a bad frame comes here.
    fn evidence_after(&self, at: Position) -> Result<u64, OpenError> {
        let mut rest = vec![0; self.len(at.segment)?.saturating_sub(at.offset) as usize];
        self.read_at(at, &mut rest)?;
        let mut furthest = 0;
        for (skip, window) in rest.windows(4).enumerate().skip(1) {
            if window == MAGIC.to_le_bytes() {
                let head = self.head_at(at.segment, at.offset + skip as u64)?;
                furthest = furthest.max(head.map_or(0, |(_, head, _)| head.durable_before));
            }
        }
        Ok(furthest)
    }

    /// The first cursor of the next segment, whose header must go on where this one ends.
    fn next_segment(&self, cursor: Cursor) -> Result<Cursor, OpenError> {
        let segment = cursor.at.segment + 1;
        let file = self.file(segment).map_err(OpenError::io("opening a segment"))?;
        let header = read_header(&file, segment)?;
        let goes_on = header.is_some_and(|h| h.index == cursor.index && h.previous == cursor.previous);
        if !goes_on {
            return Err(damaged(segment, 0, None, "it does not go on where the segment before ends".into()));
        }
        Ok(Cursor { at: Position { segment, offset: HEADER_BYTES }, ..cursor })
    }

    pub(super) fn len(&self, segment: u32) -> Result<u64, OpenError> {
        let file = self.file(segment).map_err(OpenError::io("opening a segment"))?;
        let meta = file.meta(Site::SegmentMeta).map_err(OpenError::io("measuring a segment"))?;
        Ok(meta.bytes)
    }

    fn read_at(&self, at: Position, buffer: &mut [u8]) -> Result<usize, OpenError> {
        let file = self.file(at.segment).map_err(OpenError::io("opening a segment"))?;
        file.read_at(Site::RecordRead, at.offset, buffer)
            .map_err(OpenError::io(&format!("reading {}", segment_name(at.segment))))
    }

    fn file(&self, segment: u32) -> io::Result<DriveFile> {
        let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
        let file = (segment as usize).checked_sub(1).and_then(|at| segments.get(at)).cloned();
        file.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, segment_name(segment)))
    }

    fn segments_mut(&self) -> std::sync::RwLockWriteGuard<'_, Vec<DriveFile>> {
        self.segments.write().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn segment_name(segment: u32) -> String {
    format!("{segment:08}.journal")
}

/// `record`: its number in the whole journal, where the damage lies in one.
pub(super) fn damaged(segment: u32, offset: u64, record: Option<u64>, what: String) -> OpenError {
    let record = record.map(|number| format!(" (record {number})")).unwrap_or_default();
    OpenError::Damaged { segment: segment_name(segment), offset, record, what }
}

struct Header {
    id: Hash,
    index: u64,
    previous: Hash,
}

fn header_bytes(segment: u32, id: &Hash, index: u64, previous: &Hash) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES as usize);
    out.put_slice(SEGMENT_MAGIC);
    out.put_u32_le(FORMAT);
    out.put_u32_le(segment);
    out.put_slice(id);
    out.put_u64_le(index);
    out.put_slice(previous);
    out.put_u32_le(crc32c::crc32c(&out));
    out
}

/// `None`: the file ends within or at its header, and the header is not whole. Anything longer with a bad header is damage.
fn read_header(file: &DriveFile, segment: u32) -> Result<Option<Header>, OpenError> {
    let mut bytes = [0; HEADER_BYTES as usize];
    let read = file
        .read_at(Site::SegmentHeaderRead, 0, &mut bytes)
        .map_err(OpenError::io(&segment_name(segment)))?;
    let mut rest = &bytes[..];
    let (body, crc) = bytes.split_at(bytes.len() - 4);
    let magic_fits = rest.copy_to_bytes(8) == SEGMENT_MAGIC[..];
    let format = rest.get_u32_le();
    if magic_fits && format > FORMAT {
        return Err(OpenError::Newer { segment: segment_name(segment), format, known: FORMAT });
    }
    if read < bytes.len() || !magic_fits || crc != crc32c::crc32c(body).to_le_bytes() {
        let meta = file.meta(Site::SegmentMeta).map_err(OpenError::io(&segment_name(segment)))?;
        if meta.bytes <= HEADER_BYTES {
            return Ok(None);
        }
        return Err(damaged(segment, 0, None, "its header is unreadable; restore it from a backup".into()));
    }
    if rest.get_u32_le() != segment {
        return Err(damaged(segment, 0, None, "it bears another number inside; it was renamed".into()));
    }
    let (mut id, mut previous) = ([0; 32], [0; 32]);
    rest.copy_to_slice(&mut id);
    let index = rest.get_u64_le();
    rest.copy_to_slice(&mut previous);
    Ok(Some(Header { id, index, previous }))
}
