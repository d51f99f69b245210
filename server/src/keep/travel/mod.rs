//! The open form of a studio: projects as files that anybody can read without us, and the way back into an empty studio with the same hashes. Never here: what
//! a backup is for (all of a studio, its people's ways in included).

pub mod export;
pub mod import;
mod text;

use std::{collections::BTreeMap, fs, io, path::Path};

use anyhow::{Context as _, bail, ensure};
use bytes::Bytes;
use deadwax_domain::Digest;
use serde::{Deserialize, Serialize};

use super::{files_below, hash_file};
use crate::{
    rpc::id_text,
    store::{
        CommandKey, StreamId,
        embedded::{MovedEntry, MovedRecord},
    },
};

/// What the folder says of itself.
pub const PAGE: &str = "export.json";
/// In the form of `sha256sum -c`: every other file.
pub const SUMS: &str = "SHA256SUMS";
pub const PEOPLE: &str = "people.jsonl";
/// In the folder of each project.
pub const ENTRIES: &str = "entries.jsonl";
/// The newest form that this server reads.
const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub format: u32,
    pub studio: String,
    pub made_ms: u64,
    /// The hash over the chains of these projects, in hexadecimal digits: equal in the studio that they came from, if it has no others, and where they go.
    pub root: String,
    pub projects: Vec<Moved>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub id: String,
    pub title: String,
    pub folder: String,
    pub entries: u64,
    /// The hash over the hashes of its entries.
    pub chain: String,
}

/// Somebody whom the record names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    pub person_id: String,
    pub name: String,
    pub email: String,
}

/// One entry of a project, a line each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    seq: u64,
    command: String,
    /// The hash of what the command asked.
    request: String,
    /// Of salt and bytes.
    sha256: String,
    /// Without the salt.
    bytes: u32,
    /// 16 bytes of salt, then those of the entry, in hexadecimal digits; absent where it was erased.
    salted: Option<String>,
}

fn lines_of(record: &MovedRecord) -> Vec<Line> {
    let (command, request) = (id_text(record.command.id), hex::encode(record.command.request_sha256));
    let line = |(seq, entry): (u64, &MovedEntry)| Line {
        seq,
        command: command.clone(),
        request: request.clone(),
        sha256: hex::encode(entry.sha256),
        bytes: entry.bytes,
        salted: entry.salted.as_ref().map(hex::encode),
    };
    (record.first_seq..).zip(&record.entries).map(line).collect()
}

/// The records of a project as its lines tell them, with all that a line can say wrongly looked at.
fn records_of(stream: StreamId, text: &str) -> anyhow::Result<Vec<MovedRecord>> {
    let mut records: Vec<MovedRecord> = Vec::new();
    for (number, line) in (1u64..).zip(text.lines()) {
        let (record, seq) = one_of(stream, line).with_context(|| format!("line {number} cannot be read"))?;
        ensure!(seq == number, "line {number} says that it is entry {seq}: one is missing or out of place");
        let entry = record.entries.first().is_some_and(MovedEntry::is_sound);
        ensure!(entry, "entry {seq} in line {number} does not match its hash: it was changed");
        match records.last_mut().filter(|last| last.command.id == record.command.id) {
            Some(last) => {
                ensure!(
                    last.command == record.command,
                    "line {number} tells its command otherwise than before"
                );
                last.entries.extend(record.entries);
            }
            None => records.push(record),
        }
    }
    Ok(records)
}

fn one_of(stream: StreamId, line: &str) -> anyhow::Result<(MovedRecord, u64)> {
    let line: Line = serde_json::from_str(line)?;
    let hash = |text: &str| -> anyhow::Result<[u8; 32]> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(bytes)
    };
    let id = id_of(&line.command)?;
    let command = CommandKey { id, request_sha256: hash(&line.request)? };
    let salted = line.salted.as_deref().map(hex::decode).transpose()?.map(Bytes::from);
    let entry = MovedEntry { sha256: hash(&line.sha256)?, bytes: line.bytes, salted };
    Ok((MovedRecord { stream, first_seq: line.seq, command, entries: vec![entry] }, line.seq))
}

fn id_of(text: &str) -> anyhow::Result<u128> {
    Ok(uuid::Uuid::try_parse(text).with_context(|| format!("{text:?} is no id"))?.as_u128())
}

/// Every file below, by its path within: name and digest.
fn sums_of(root: &Path) -> anyhow::Result<BTreeMap<String, Digest>> {
    let mut sums = BTreeMap::new();
    for file in files_below(root).context("listing the folder failed")? {
        let within = file.strip_prefix(root).context("a file lies elsewhere")?;
        let Some(name) = within.to_str() else { bail!("the name of {} cannot be read", within.display()) };
        if name != SUMS {
            let (digest, _) = hash_file(&file).with_context(|| format!("reading {name} failed"))?;
            sums.insert(name.to_owned(), digest);
        }
    }
    Ok(sums)
}

fn sums_text(sums: &BTreeMap<String, Digest>) -> String {
    sums.iter().map(|(name, digest)| format!("{digest}  {name}\n")).collect()
}

fn write(root: &Path, name: &str, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let path = root.join(name);
    let written =
        path.parent().map_or(Ok(()), super::make_private_dir).and_then(|()| write_new(&path, bytes));
    written.with_context(|| format!("writing {name} failed"))
}

fn write_new(path: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes.as_ref())?;
    file.sync_all()
}
