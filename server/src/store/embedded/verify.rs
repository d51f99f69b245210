//! Offline checks of a studio folder's journal, under its lock: read everything, believe nothing, change nothing but the index.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{
    Keep, OpenError, SledRows,
    index::Index,
    journal::{Cursor, Found, Journal, Position, damaged},
    lock, open_index,
    record::{Hash, PayloadMark, What},
    rows::Distrust,
    trusted_start,
};
use crate::{
    disk::Drive,
    store::{STUDIO, StreamId},
};

const NOTHING_KNOWN: Position = Position { segment: 0, offset: 0 };

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    pub segments: u32,
    pub records: u64,
    pub entries: u64,
    pub streams: u64,
    pub redactions: u64,
    /// Redacted entries whose bytes still lie there; the next start of the server overwrites them.
    pub unfinished_redactions: u64,
    pub bytes: u64,
    /// Bytes after the last whole record, never acknowledged; the next start cuts them off.
    pub torn_bytes: u64,
    /// The hash at the end of the chain: equal in two journals means equal in every record.
    pub chain: Hash,
    /// The hash over the chains of all streams: equal in two stores means equal facts, each at its place. Redaction does not change it.
    pub root: Hash,
    /// The same without the studio's own stream: equal after an export and an import.
    pub projects: Hash,
}

/// What the index is worth beside the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// The next start makes it.
    Absent,
    /// The machine stopped before it was closed; the next start makes it again.
    Unclean,
    /// Right as far as it goes; the next start takes in the rest.
    Behind(u64),
    Same,
    /// It cannot be read, or says what the journal does not; the next start makes it again where it notices, `rebuild-index` always.
    Broken(String),
}

/// One entry, as somebody who walks a journal meets it.
pub struct Met {
    /// Counts records from 0 over the whole journal: one for each append.
    pub record: u64,
    pub stream: StreamId,
    pub seq: u64,
    /// `None`: redacted.
    pub payload: Option<Bytes>,
}

/// Reads every record: checksum, chain, payload hashes, sequence numbers, command ids, redactions.
pub fn verify(root: &Path) -> Result<VerifyReport, OpenError> {
    let folder = existing(root)?;
    let _lock = lock(root)?;
    verify_journal(&Journal::open(Drive::real(), &folder)?)
}

/// As [`verify`], and holds the index against it. `each` meets every entry.
pub fn survey(root: &Path, each: &mut dyn FnMut(Met)) -> Result<(VerifyReport, IndexState), OpenError> {
    let folder = existing(root)?;
    let _lock = lock(root)?;
    let journal = Journal::open(Drive::real(), &folder)?;
    let mut durable = NOTHING_KNOWN;
    let index = opened_index(&journal, &root.join("index"), &mut durable)?;
    let report = walk(&journal, durable, None, each)?;
    let state = match index {
        Ok((index, applied)) => {
            // sled 0.34 may notice a broken file late, and by a panic.
            let compared =
                catch_unwind(AssertUnwindSafe(|| compared(&journal, durable, &index, applied, &report)));
            match compared {
                Ok(Ok(state)) => state,
                Ok(Err(OpenError::Index(error))) => IndexState::Broken(error.to_string()),
                Ok(Err(error)) => return Err(error),
                Err(_) => IndexState::Broken("sled panicked".into()),
            }
        }
        Err(state) => state,
    };
    Ok((report, state))
}

/// The first `records` records of a copy that nobody writes to; `None`: all of them. The index is not looked at.
pub fn survey_copy(
    root: &Path,
    records: Option<u64>,
    each: &mut dyn FnMut(Met),
) -> Result<VerifyReport, OpenError> {
    walk(&Journal::open(Drive::real(), &existing(root)?)?, NOTHING_KNOWN, records, each)
}

pub(super) fn verify_journal(journal: &Journal) -> Result<VerifyReport, OpenError> {
    walk(journal, NOTHING_KNOWN, None, &mut |_| ())
}

/// What becomes known on the way.
#[derive(Default)]
struct Walked {
    records: u64,
    entries: u64,
    /// Head and chain of each stream.
    streams: BTreeMap<StreamId, (u64, Hash)>,
    commands: HashSet<u128>,
    redactions: Vec<(StreamId, u64)>,
    unread: HashMap<(StreamId, u64), (Position, PayloadMark)>,
    chain: Option<Hash>,
}

fn walk(
    journal: &Journal,
    durable: Position,
    upto: Option<u64>,
    each: &mut dyn FnMut(Met),
) -> Result<VerifyReport, OpenError> {
    let mut walked = Walked::default();
    let scan = journal.scan(journal.start(), durable, &mut |_| Ok(()))?;
    // Only now is it known where the journal ends: a record in a torn tail is none.
    journal.scan(journal.start(), durable, &mut |found| {
        let beyond = upto.is_some_and(|upto| found.head.index >= upto);
        if found.at >= scan.end.at || beyond {
            return Ok(());
        }
        walked.take(&found)?;
        let What::Append { stream, first_seq, payloads, .. } = &found.head.what else { return Ok(()) };
        for (number, mark) in payloads.iter().enumerate() {
            let (record, seq) = (found.head.index, first_seq + number as u64);
            let read = || journal.payload(found.payloads[number], mark);
            let payload = if found.bad.contains(&number) { None } else { read().map_err(OpenError::read)? };
            each(Met { record, stream: *stream, seq, payload });
        }
        Ok(())
    })?;
    let mut unfinished_redactions = 0;
    for entry in &walked.redactions {
        let erased = match walked.unread.get(entry) {
            Some((at, mark)) => {
                journal.is_erased(*at, mark).map_err(OpenError::io("reading a redacted entry"))?
            }
            None => false,
        };
        unfinished_redactions += u64::from(!erased);
    }
    let segments = journal.segment_count();
    let lengths: Result<Vec<u64>, _> = (1..=segments).map(|segment| journal.len(segment)).collect();
    walked.streams.retain(|_, (head, _)| *head > 0);
    Ok(VerifyReport {
        segments,
        records: walked.records,
        entries: walked.entries,
        streams: walked.streams.len() as u64,
        redactions: walked.redactions.len() as u64,
        unfinished_redactions,
        bytes: lengths?.iter().sum(),
        torn_bytes: scan.torn_bytes,
        chain: walked.chain.unwrap_or(journal.id),
        root: root_of(walked.streams.iter()),
        projects: root_of(walked.streams.iter().filter(|(stream, _)| **stream != STUDIO)),
    })
}

impl Walked {
    fn take(&mut self, found: &Found) -> Result<(), OpenError> {
        self.records += 1;
        self.chain = Some(found.next.previous);
        let wrong = |what| Err(damaged(found.at.segment, found.at.offset, Some(found.head.index), what));
        match &found.head.what {
            What::Append { stream, first_seq, command, payloads, .. } => {
                let (head, chain) = self.streams.entry(*stream).or_default();
                if *first_seq != *head + 1 {
                    return wrong(format!("stream {:032x} goes from {head} to {first_seq}", stream.0));
                }
                for mark in payloads {
                    *head += 1;
                    *chain = chained(chain, *head, &mark.sha256);
                }
                self.entries += payloads.len() as u64;
                if !self.commands.insert(command.id) {
                    return wrong(format!("command {:032x} was done twice", command.id));
                }
                for bad in &found.bad {
                    let place = (found.payloads[*bad], payloads[*bad]);
                    self.unread.insert((*stream, first_seq + *bad as u64), place);
                }
            }
            What::Redact { stream, seq } => {
                if *seq == 0 || self.streams.get(stream).is_none_or(|(head, _)| seq > head) {
                    return wrong(format!(
                        "entry {seq} of stream {:032x} was redacted and never was",
                        stream.0
                    ));
                }
                self.redactions.push((*stream, *seq));
            }
        }
        Ok(())
    }
}

fn chained(chain: &Hash, seq: u64, sha256: &Hash) -> Hash {
    let link = Sha256::new().chain_update(chain).chain_update(seq.to_be_bytes());
    link.chain_update(sha256).finalize().into()
}

fn root_of<'a>(streams: impl Iterator<Item = (&'a StreamId, &'a (u64, Hash))>) -> Hash {
    let mut root = Sha256::new().chain_update(b"deadwax root 1\n");
    for (stream, (head, chain)) in streams {
        root.update(stream.0.to_be_bytes());
        root.update(head.to_be_bytes());
        root.update(chain);
    }
    root.finalize().into()
}

/// The chains of streams and the root over them, told entry by entry.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    streams: BTreeMap<StreamId, (u64, Hash)>,
}

impl Roots {
    /// The next entry of a stream; its place.
    pub fn take(&mut self, stream: StreamId, sha256: &Hash) -> u64 {
        let (head, chain) = self.streams.entry(stream).or_default();
        *head += 1;
        *chain = chained(chain, *head, sha256);
        *head
    }

    /// How many entries a stream has, and the hash over them.
    pub fn of(&self, stream: StreamId) -> (u64, Hash) {
        self.streams.get(&stream).copied().unwrap_or_default()
    }

    /// Every stream with how many entries it has.
    pub fn heads(&self) -> impl Iterator<Item = (StreamId, u64)> {
        self.streams.iter().map(|(stream, (head, _))| (*stream, *head))
    }

    pub fn root(&self) -> Hash {
        root_of(self.streams.iter().filter(|(_, (head, _))| *head > 0))
    }
}

/// The index and how far it came, or why it cannot be held against anything. A journal that ends before what the index has seen is damage.
fn opened_index(
    journal: &Journal,
    folder: &Path,
    durable: &mut Position,
) -> Result<Result<(Index, Cursor), IndexState>, OpenError> {
    if !folder.join("sled").exists() {
        return Ok(Err(IndexState::Absent));
    }
    let rows = match SledRows::open(folder) {
        Ok(rows) => rows,
        Err(Distrust::Unclean) => return Ok(Err(IndexState::Unclean)),
        Err(Distrust::Broken(what)) => return Ok(Err(IndexState::Broken(what))),
        Err(Distrust::Full) => return Err(OpenError::Full),
    };
    let index = Index::new(Box::new(rows));
    match catch_unwind(AssertUnwindSafe(|| trusted_start(journal, &index, durable))) {
        Ok(Ok(applied)) => Ok(Ok((index, applied))),
        Ok(Err(OpenError::Index(error))) => Ok(Err(IndexState::Broken(error.to_string()))),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(Err(IndexState::Broken("sled panicked".into()))),
    }
}

/// What a row of the index may say: what the records up to where it came made of it, and, since it says last how far it came, what any record behind them made.
struct May<T>(Vec<T>);

impl<T: PartialEq> May<T> {
    fn say(&mut self, word: T, is_taken_in: bool) {
        if is_taken_in {
            self.0.clear();
        }
        self.0.push(word);
    }
}

/// Every row of the index beside the record that it was made from.
fn compared(
    journal: &Journal,
    durable: Position,
    index: &Index,
    applied: Cursor,
    report: &VerifyReport,
) -> Result<IndexState, OpenError> {
    let mut differs = None;
    let (mut heads, mut desks) = (Heads::new(), Desks::new());
    let scan = journal.scan(journal.start(), durable, &mut |_| Ok(()))?;
    journal.scan(journal.start(), durable, &mut |found| {
        let is_taken_in = found.head.index < applied.index;
        if differs.is_some() || found.at >= scan.end.at {
            return Ok(());
        }
        if is_taken_in {
            differs = difference(index, &found, &scan.redacted).map_err(OpenError::Index)?;
        }
        let What::Append { stream, first_seq, payloads, desk, .. } = &found.head.what else { return Ok(()) };
        let last = first_seq + payloads.len() as u64 - 1;
        heads.entry(*stream).or_insert_with(|| May(vec![0])).say(last, is_taken_in);
        for change in desk {
            let rows = desks.entry(change.owner).or_default();
            let row = rows.entry(change.key.clone()).or_insert_with(|| May(vec![None]));
            row.say(change.row.clone(), is_taken_in);
        }
        Ok(())
    })?;
    let differs = match differs {
        Some(differs) => Some(differs),
        None => other_ends(index, &heads, &desks).map_err(OpenError::Index)?,
    };
    Ok(match differs {
        Some(what) => IndexState::Broken(what),
        None if applied.index < report.records => IndexState::Behind(report.records - applied.index),
        None => IndexState::Same,
    })
}

type Heads = HashMap<StreamId, May<u64>>;
type Desks = BTreeMap<u128, BTreeMap<Bytes, May<Option<Bytes>>>>;

/// The rows that later records change.
fn other_ends(index: &Index, heads: &Heads, desks: &Desks) -> io::Result<Option<String>> {
    let known: HashMap<StreamId, u64> = index.heads()?.into_iter().collect();
    let strange = known.keys().any(|stream| !heads.contains_key(stream));
    let fits =
        |(stream, may): (&StreamId, &May<u64>)| may.0.contains(&known.get(stream).copied().unwrap_or(0));
    if strange || !heads.iter().all(fits) {
        return Ok(Some("it knows other streams than the journal, or other ends of them".into()));
    }
    for (owner, rows) in desks {
        let known: BTreeMap<Bytes, Bytes> = index.desk(*owner)?.into_iter().collect();
        let strange = known.keys().any(|key| !rows.contains_key(key));
        if strange || !rows.iter().all(|(key, may)| may.0.contains(&known.get(key).cloned())) {
            return Ok(Some(format!("it holds another desk of {owner:032x} than the journal")));
        }
    }
    Ok(None)
}

fn difference(
    index: &Index,
    found: &Found,
    redacted: &HashSet<(StreamId, u64)>,
) -> io::Result<Option<String>> {
    let What::Append { stream, first_seq, command, payloads, claims, .. } = &found.head.what else {
        return Ok(None);
    };
    for ((seq, mark), at) in (*first_seq..).zip(payloads).zip(&found.payloads) {
        let fits = index.place(*stream, seq)?.is_some_and(|place| {
            let redacted = !place.redacted || redacted.contains(&(*stream, seq));
            place.at == *at && place.mark == *mark && redacted
        });
        if !fits {
            return Ok(Some(format!("entry {seq} of stream {:032x} lies elsewhere", stream.0)));
        }
    }
    let last_seq = first_seq + payloads.len() as u64 - 1;
    let known = index.command(command.id)?;
    let fits = known.is_some_and(|(done, request)| {
        (done.stream, done.first_seq, done.last_seq) == (*stream, *first_seq, last_seq)
            && request == command.request_sha256
    });
    if !fits {
        return Ok(Some(format!("it does not know what command {:032x} did", command.id)));
    }
    for claim in claims {
        if !index.is_claimed(claim)? {
            return Ok(Some(format!("a claim of stream {:032x} is not in it", stream.0)));
        }
    }
    Ok(None)
}

/// Throws the index away and makes it again. Returns how many records it was made from.
pub fn rebuild_index(root: &Path) -> Result<u64, OpenError> {
    let folder = existing(root)?;
    let _lock = lock(root)?;
    let journal = Journal::open(Drive::real(), &folder)?;
    let index = root.join("index");
    drop(SledRows::fresh(&index, &Distrust::Unclean).map_err(OpenError::Index)?);
    let (_, cursor) = open_index(&journal, &Keep::Sled(index))?;
    Ok(cursor.index)
}

pub(super) fn existing(root: &Path) -> Result<PathBuf, OpenError> {
    let folder = root.join("journal");
    match fs::metadata(&folder) {
        Ok(found) if found.is_dir() => Ok(folder),
        Ok(_) => Err(OpenError::io("opening the journal folder")(io::ErrorKind::NotADirectory.into())),
        Err(error) => Err(OpenError::io(&format!("looking for {}", folder.display()))(error)),
    }
}
