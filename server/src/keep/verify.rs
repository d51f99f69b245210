//! `deadwax-server verify`: the journal record by record, the index beside it, every file that facts name, the egress book, and the bytes of all audio
//! or of a sample. It changes nothing and says what to do about what it finds. Never here: repair.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use anyhow::Context as _;
use deadwax_domain::Digest;

use super::{Finding, audio_in, backup, blob_path, book, elsewhere::Elsewhere, hash_file, named};
use crate::{
    egress::Whole,
    store::{
        STUDIO,
        embedded::{self, IndexState, Met, OpenError, VerifyReport},
    },
    wire::ledger::{self, Read},
};

/// Which of the audio is read to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample {
    All,
    /// 0 to 1, drawn by lot anew each time.
    Share(f64),
}

impl std::str::FromStr for Sample {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = text.strip_suffix('%').unwrap_or(text).parse::<f64>().ok();
        match percent.filter(|percent| (0.0..=100.0).contains(percent)) {
            Some(percent) => Ok(Self::Share(percent / 100.0)),
            None => Err("it must be a share in percent, such as 5%".into()),
        }
    }
}

#[derive(Debug, Default)]
pub struct Report {
    /// `None` where the journal itself is damaged.
    pub journal: Option<VerifyReport>,
    pub index: Option<IndexState>,
    /// Files that facts name.
    pub named: u64,
    /// Facts that a newer server wrote: kept and not looked into.
    pub newer: u64,
    pub audio: u64,
    pub audio_bytes: u64,
    pub read: u64,
    /// In an object store.
    pub far: u64,
    pub far_bytes: u64,
    pub far_read: u64,
    pub book: Option<Whole>,
    /// Audio that no fact names, and files that are none. The server collects the first by itself.
    pub strangers: Vec<String>,
    pub damage: Vec<Finding>,
}

const FROM_BACKUP: &str = "restore it from a backup: see docs/HARDENING.md, stored bytes are damaged";

/// What the facts of a journal name.
#[derive(Default)]
pub struct Names {
    /// With the length that facts say, where they do.
    pub files: BTreeMap<Digest, Option<u64>>,
    /// Everything that could be a digest.
    pub mentioned: HashSet<Digest>,
    pub newer: u64,
    pub unreadable: Vec<String>,
}

impl Names {
    /// `there`: the digests that are worth remembering.
    pub fn meet(&mut self, met: &Met, there: &HashSet<Digest>) {
        let Some(payload) = &met.payload else { return };
        named::mentioned(payload, |digest| {
            if there.contains(&digest) {
                self.mentioned.insert(digest);
            }
        });
        if met.stream == STUDIO {
            return;
        }
        match ledger::decode(payload) {
            Ok(Read::Event(event)) => {
                for (digest, bytes) in named::files_of(&event.fact) {
                    let known = self.files.entry(digest).or_default();
                    *known = known.or(bytes);
                }
            }
            Ok(Read::Newer { .. }) => self.newer += 1,
            Err(broken) => {
                let (seq, project) = (met.seq, uuid::Uuid::from_u128(met.stream.0));
                self.unreadable.push(format!("entry {seq} of project {project} cannot be read: {broken}"));
            }
        }
    }

    /// How many of the files that facts name lie elsewhere and not in `root`.
    pub fn far(&self, root: &Path, elsewhere: &Elsewhere) -> u64 {
        let far =
            |digest: &Digest| elsewhere.files.contains_key(digest) && !blob_path(root, *digest).exists();
        self.files.keys().filter(|digest| far(digest)).count() as u64
    }

    /// The files that facts name and that lie neither in `root` nor elsewhere as they should.
    pub fn missing(&self, root: &Path, elsewhere: &Elsewhere) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (digest, said) in &self.files {
            let found = std::fs::metadata(blob_path(root, *digest)).ok().map(|found| found.len());
            let found = found.or_else(|| elsewhere.files.get(digest).copied());
            match (found, said) {
                (None, _) => findings.push(Finding::new(
                    format!("facts name the file {digest}, and it is not stored"),
                    FROM_BACKUP,
                )),
                (Some(found), Some(said)) if found != *said => findings.push(Finding::new(
                    format!("the file {digest} has {found} bytes, and facts say {said}"),
                    FROM_BACKUP,
                )),
                _ => {}
            }
        }
        findings
    }
}

/// Looks at a studio folder, or at a backup of one, under its lock.
pub fn verify(dir: &Path, sample: Sample) -> anyhow::Result<Report> {
    verify_beside(dir, sample, &Elsewhere::default())
}

/// As `verify`, of a studio whose audio lies elsewhere: what the folder holds of it are copies.
pub fn verify_beside(dir: &Path, sample: Sample, elsewhere: &Elsewhere) -> anyhow::Result<Report> {
    let audio = audio_in(dir).context("listing the audio failed")?;
    let mut there: HashSet<Digest> = audio.iter().filter_map(|(digest, ..)| *digest).collect();
    there.extend(elsewhere.files.keys());
    let (mut report, mut names) = (Report::default(), Names::default());
    match embedded::survey(dir, &mut |met| names.meet(&met, &there)) {
        Ok((journal, index)) => {
            if let IndexState::Broken(what) = &index {
                let next = format!("run deadwax-server rebuild-index {}", dir.display());
                report.damage.push(Finding::new(format!("the index is broken: {what}"), next));
            }
            report.damage.extend(backup::differs(dir, &journal)?);
            report.damage.extend(names.missing(dir, elsewhere));
            (report.journal, report.index) = (Some(journal), Some(index));
        }
        Err(error @ (OpenError::Damaged { .. } | OpenError::Short { .. })) => {
            report.damage.push(Finding::new(error.to_string(), FROM_BACKUP));
        }
        Err(error) => return Err(error).context("the journal does not verify"),
    }
    let unreadable = names.unreadable.drain(..);
    report.damage.extend(unreadable.map(|what| Finding::new(what, FROM_BACKUP)));
    (report.named, report.newer) = (names.files.len() as u64, names.newer);
    let (book, damaged) = book::look(dir)?;
    report.book = book;
    report.damage.extend(damaged);
    (report.far, report.far_bytes) = (elsewhere.files.len() as u64, elsewhere.files.values().sum());
    if report.journal.is_some() {
        let unnamed = |digest: &&Digest| !names.mentioned.contains(*digest);
        report.strangers.extend(elsewhere.files.keys().filter(unnamed).map(Digest::to_string));
    }
    let mut lot = [0; 8];
    getrandom::fill(&mut lot).map_err(|error| anyhow::anyhow!("drawing the sample failed: {error}"))?;
    for (digest, path, bytes) in &audio {
        let Some(digest) = digest else {
            report.strangers.push(path.display().to_string());
            continue;
        };
        report.audio += 1;
        report.audio_bytes += bytes;
        let told = elsewhere.files.contains_key(digest);
        if report.journal.is_some() && !told && !names.mentioned.contains(digest) {
            report.strangers.push(digest.to_string());
        }
        if !chosen(*digest, sample, u64::from_le_bytes(lot)) {
            continue;
        }
        report.read += 1;
        let (found, _) = hash_file(path).with_context(|| format!("reading {} failed", path.display()))?;
        if found != *digest {
            let what = format!("the bytes of {} do not match their names", path.display());
            report.damage.push(Finding::new(what, FROM_BACKUP));
        }
    }
    Ok(report)
}

pub(super) fn chosen(digest: Digest, sample: Sample, lot: u64) -> bool {
    let Sample::Share(share) = sample else { return true };
    let mut start = [0; 8];
    start.copy_from_slice(&digest.0[..8]);
    // Digests are spread evenly; the lot only has to turn them.
    let drawn = u64::from_le_bytes(start) ^ lot;
    (drawn as f64) < share * u64::MAX as f64
}

impl Report {
    pub fn json(&self) -> serde_json::Value {
        let journal = self.journal.as_ref();
        let index = self.index.as_ref().map(index_word);
        let damaged = self.damage.iter().map(|it| serde_json::json!({ "what": it.what, "next": it.next }));
        serde_json::json!({
            "segments": journal.map(|it| it.segments), "records": journal.map(|it| it.records),
            "entries": journal.map(|it| it.entries), "streams": journal.map(|it| it.streams),
            "redactions": journal.map(|it| it.redactions), "journal_bytes": journal.map(|it| it.bytes),
            "torn_bytes": journal.map(|it| it.torn_bytes), "chain": journal.map(|it| hex::encode(it.chain)),
            "root": journal.map(|it| hex::encode(it.root)), "projects_root": journal.map(|it| hex::encode(it.projects)), "index": index, "named": self.named,
            "receptions": self.book.as_ref().map(|it| it.receptions), "book_pages": self.book.as_ref().map(|it| it.pages),
            "newer": self.newer, "blobs": self.audio, "blob_bytes": self.audio_bytes, "blobs_read": self.read,
            "far": self.far, "far_bytes": self.far_bytes, "far_read": self.far_read,
            "strangers": self.strangers, "damaged": damaged.collect::<Vec<_>>(),
        })
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Some(it) = &self.journal {
            text += &format!(
                "Journal: {} records, {} entries in {} streams, {} bytes; chain {}.\nRoot: {}\nRoot of the projects: {}\n",
                it.records,
                it.entries,
                it.streams,
                it.bytes,
                hex::encode(it.chain),
                hex::encode(it.root),
                hex::encode(it.projects)
            );
        }
        if let Some(index) = &self.index {
            text += &format!("Index: {}.\n", index_word(index));
        }
        text += &format!(
            "Audio: {} files, {} bytes, {} of them read; {} named by facts, {} strangers.\n",
            self.audio,
            self.audio_bytes,
            self.read,
            self.named,
            self.strangers.len()
        );
        if self.far > 0 {
            let (far, bytes, read) = (self.far, self.far_bytes, self.far_read);
            text += &format!("In the object store: {far} files, {bytes} bytes, {read} of them read.\n");
        }
        if let Some(book) = &self.book {
            let (pages, receptions, link) = (book.pages, book.receptions, hex::encode(book.link));
            text += &format!("Egress book: {pages} pages, bytes given {receptions} times; chain {link}.\n");
        }
        if self.newer > 0 {
            text +=
                &format!("{} facts were written by a newer server: kept, and not looked into.\n", self.newer);
        }
        self.strangers.iter().for_each(|it| text += &format!("stranger: {it}\n"));
        self.damage.iter().for_each(|it| text += &format!("damaged: {}\n  next: {}\n", it.what, it.next));
        text
    }
}

fn index_word(index: &IndexState) -> String {
    match index {
        IndexState::Absent => "absent, made at the next start".into(),
        IndexState::Unclean => "not closed cleanly, made again at the next start".into(),
        IndexState::Behind(records) => format!("{records} records behind, taken in at the next start"),
        IndexState::Same => "as the journal says".into(),
        IndexState::Broken(what) => format!("broken: {what}"),
    }
}
