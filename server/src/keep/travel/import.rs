//! `deadwax-server import`: an export becomes a new studio, with the same hashes. Everything is read and held against its sums before anything is written. Never
//! here: making the studio itself and its first owner (`admin`).

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs,
    path::Path,
};

use anyhow::{Context as _, bail, ensure};
use deadwax_domain::{Digest, PersonId, Project, ProjectId};

use super::{ENTRIES, FORMAT, Moved, Named, PAGE, PEOPLE, Page, SUMS, id_of, records_of, sums_of};
use crate::{
    desk,
    keep::named,
    ledger::Snapshot,
    store::{
        DeskChange, MAX_ENTRY_BYTES, MAX_KEY_BYTES, STUDIO, StreamId,
        embedded::{Importing, MovedRecord, Roots, put_blob},
    },
    wire::ledger::{self, Read},
};

/// An export that was read and is whole.
pub struct Checked {
    pub page: Page,
    pub people: Vec<Named>,
    projects: Vec<Vec<MovedRecord>>,
    /// What becomes audio again, and in which file it lies.
    audio: BTreeMap<Digest, String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Imported {
    pub entries: u64,
    pub audio: u64,
    pub root: String,
}

/// Reads every byte of an export.
///
/// # Errors
/// The first file that is missing, changed or not in the list, by its name; whatever does not match its hash.
pub fn check(folder: &Path) -> anyhow::Result<Checked> {
    let files = listed(folder)?;
    let text =
        |name: &str| fs::read_to_string(folder.join(name)).with_context(|| format!("reading {name} failed"));
    let page: Page = serde_json::from_str(&text(PAGE)?).with_context(|| format!("{PAGE} cannot be read"))?;
    ensure!(
        page.format <= FORMAT,
        "{PAGE} has format {}; this server reads up to {FORMAT}. Use a newer deadwax-server",
        page.format
    );
    let people = text(PEOPLE)?;
    let people: Result<Vec<Named>, _> = people.lines().map(serde_json::from_str).collect();
    let people = people.with_context(|| format!("{PEOPLE} cannot be read"))?;
    let by_digest: HashMap<Digest, &String> = files.iter().map(|(name, digest)| (*digest, name)).collect();
    let (mut roots, mut projects, mut audio) = (Roots::default(), Vec::new(), BTreeMap::new());
    let mut seen = HashSet::new();
    for moved in &page.projects {
        let name = format!("{}/{ENTRIES}", moved.folder);
        ensure!(files.contains_key(&name), "{name} is missing");
        ensure!(seen.insert(&moved.id), "{PAGE} names the project {} twice", moved.id);
        let records = records_of(stream(moved)?, &text(&name)?).with_context(|| format!("in {name}"))?;
        chained(moved, &records, &mut roots).with_context(|| format!("in {name}"))?;
        for record in &records {
            needed(record, &by_digest, &mut audio).with_context(|| format!("in {name}"))?;
        }
        projects.push(records);
    }
    ensure!(
        hex::encode(roots.root()) == page.root,
        "the root of the projects is not the one that {PAGE} tells"
    );
    Ok(Checked { page, people, projects, audio })
}

/// The id of somebody whom the record names.
pub fn person(named: &Named) -> anyhow::Result<PersonId> {
    Ok(PersonId(id_of(&named.person_id)?))
}

/// The list of files, each of them held against it.
fn listed(folder: &Path) -> anyhow::Result<BTreeMap<String, Digest>> {
    let list = fs::read_to_string(folder.join(SUMS))
        .with_context(|| format!("reading {SUMS} failed: is {} an export, and whole?", folder.display()))?;
    let mut named = BTreeMap::new();
    for (number, line) in (1..).zip(list.lines()) {
        let entry = line.split_once("  ").and_then(|(digest, name)| {
            let mut bytes = [0; 32];
            hex::decode_to_slice(digest, &mut bytes).ok()?;
            // One way to write it: a list that was touched is another list.
            (Digest(bytes).to_string() == digest).then(|| (name.to_owned(), Digest(bytes)))
        });
        let Some((name, digest)) = entry else { bail!("line {number} of {SUMS} cannot be read") };
        ensure!(named.insert(name, digest).is_none(), "line {number} of {SUMS} names a file again");
    }
    let found = sums_of(folder)?;
    for (name, digest) in &named {
        match found.get(name) {
            None => bail!("{name} is missing; take the export from where it was whole"),
            Some(found) if found != digest => {
                bail!("{name} was changed: its SHA-256 is {found}, not {digest}")
            }
            Some(_) => {}
        }
    }
    if let Some(name) = found.keys().find(|name| !named.contains_key(*name)) {
        bail!("{name} is not in {SUMS}: take it away, or the export from where it was whole");
    }
    Ok(named)
}

fn stream(moved: &Moved) -> anyhow::Result<StreamId> {
    let stream = StreamId(id_of(&moved.id)?);
    ensure!(stream != STUDIO, "{PAGE} names a project that is none");
    Ok(stream)
}

/// The chain is what the page tells, and no entry is larger than a store takes.
fn chained(moved: &Moved, records: &[MovedRecord], roots: &mut Roots) -> anyhow::Result<()> {
    let stream = stream(moved)?;
    for entry in records.iter().flat_map(|record| &record.entries) {
        let seq = roots.take(stream, &entry.sha256);
        ensure!(entry.bytes as usize <= MAX_ENTRY_BYTES, "entry {seq} is larger than any store takes");
    }
    let (entries, chain) = roots.of(stream);
    let (told, chain) = ((moved.entries, moved.chain.as_str()), hex::encode(chain));
    ensure!((entries, chain.as_str()) == told, "the chain of the entries is not the one that {PAGE} tells");
    Ok(())
}

/// The files that an entry needs, and those of the export that it speaks of in any way.
fn needed(
    record: &MovedRecord,
    files: &HashMap<Digest, &String>,
    audio: &mut BTreeMap<Digest, String>,
) -> anyhow::Result<()> {
    for entry in &record.entries {
        let Some(payload) = entry.payload() else { continue };
        named::mentioned(&payload, |digest| {
            if let Some(name) = files.get(&digest) {
                audio.insert(digest, (*name).clone());
            }
        });
        if let Ok(Read::Event(event)) = ledger::decode(&payload) {
            for (digest, _) in named::files_of(&event.fact) {
                ensure!(
                    files.contains_key(&digest),
                    "facts name the file {digest}, and it is in none of the files"
                );
            }
        }
    }
    Ok(())
}

impl Checked {
    /// Into a studio that has no projects and no server; its journal changes as a whole, last.
    pub fn write(&self, folder: &Path, dir: &Path) -> anyhow::Result<Imported> {
        let mut importing = Importing::begin(dir)?;
        for (digest, name) in &self.audio {
            let sound = put_blob(&folder.join(name), dir, &digest.to_string());
            let sound = sound.with_context(|| format!("copying {name} failed"))?;
            ensure!(sound, "{name} was changed while it was copied");
        }
        for records in &self.projects {
            let desk = desk_of(records);
            for (number, record) in (1..).zip(records) {
                // What waits on people is told with the last record, as it stands at the end.
                let desk = if number == records.len() { desk.clone() } else { Vec::new() };
                importing.append(record, desk)?;
            }
        }
        let written = importing.written()?;
        let root = hex::encode(written.projects);
        ensure!(root == self.page.root, "what was written has the root {root}, not {}", self.page.root);
        importing.finish()?;
        let entries = self.projects.iter().flatten().map(|record| record.entries.len() as u64).sum();
        Ok(Imported { entries, audio: self.audio.len() as u64, root })
    }
}

fn desk_of(records: &[MovedRecord]) -> Vec<DeskChange> {
    let Some(first) = records.first() else { return Vec::new() };
    let id = ProjectId(first.stream.0);
    let mut project = Project::named(id);
    let mut seq = 0;
    for entry in records.iter().flat_map(|record| &record.entries) {
        seq += 1;
        if let Some(Ok(Read::Event(event))) = entry.payload().map(|payload| ledger::decode(&payload)) {
            project.apply(&event);
        }
    }
    let snapshot = Snapshot { id, seq, project };
    let rows = desk::rows(&snapshot).into_iter().filter(|((_, key), _)| key.len() <= MAX_KEY_BYTES);
    rows.map(|((owner, key), row)| DeskChange { owner: owner.0, key, row: Some(row) }).collect()
}
