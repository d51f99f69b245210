//! Checking receipts without any server: an evidence as a folder or zip, or one statement with its signature. Everything that the script in the evidence checks, by
//! code that shares nothing with whoever wrote it. Every finding names the file. Never here: the line, printing.

mod audio;
pub mod folder;
pub mod lists;
pub mod statement;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

pub use self::statement::Read;
use self::{
    folder::Files,
    lists::{Checkpoint, Link, Signer},
};
use super::{CHECKPOINT, STATEMENT, Trouble, ZEROS, digest, sign};
use crate::scrub;

const SUMS: &str = "SHA256SUMS";
/// The studio's signature over that list: what ties keys, times and names to its word.
const SEAL: &str = "SHA256SUMS.sig";
const SIGNERS: &str = "allowed_signers";
const STUDIO: &str = "studio_signers";
const CHAIN: &str = "CHAIN";
const CHECK: &str = "checkpoint.txt";
const LISTED: &str = "FILES";
/// All that an evidence holds beside its statements.
const OTHERS: [&str; 11] = [
    "README.txt",
    SIGNERS,
    STUDIO,
    "names.csv",
    CHAIN,
    CHECK,
    "checkpoint.txt.sig",
    LISTED,
    SUMS,
    SEAL,
    "verify.sh",
];
/// More are not told: the first ones say where to look.
const FINDINGS_MAX: usize = 50;
const TEXT_BYTES_MAX: u64 = 8 << 20;

/// What is wrong, and with which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub file: String,
    pub text: String,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In their order; those that could not be read are missing.
    pub statements: Vec<Read>,
    /// Names of people, as the evidence has them. Nobody signed these.
    pub names: BTreeMap<String, String>,
    pub checkpoint: Option<Checkpoint>,
    /// Fingerprint of the studio's key.
    pub studio_key: String,
    pub chain: String,
    /// Files of sound that were read and are those that were signed.
    pub heard: usize,
    pub findings: Vec<Finding>,
}

impl Report {
    fn find(&mut self, file: &str, text: impl Into<String>) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { file: scrub::line(file), text: scrub::line(&text.into()) });
        }
    }

    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    /// Of a person: the name that stands in the evidence, else the id.
    pub fn name<'a>(&'a self, person: &'a str) -> &'a str {
        self.names.get(person).map_or(person, String::as_str)
    }
}

/// An evidence, and files or folders of sound that shall be what was signed.
///
/// # Errors
/// Where it cannot be read at all; what is wrong with it is in the report.
pub fn evidence(path: &Path, sound: &[PathBuf]) -> Result<Report, Trouble> {
    let (_, files) = folder::read(path)?;
    let mut report = check(&files);
    for given in sound {
        if given.is_dir() {
            let listed = text(&files, LISTED).unwrap_or_default();
            audio::folder(&mut report, given, listed);
        } else {
            audio::file(&mut report, given);
        }
    }
    Ok(report)
}

/// The same of files that were read already, without sound.
pub fn check(files: &Files) -> Report {
    let mut report = Report::default();
    sums(&mut report, files);
    let signers = signers(&mut report, files);
    statements(&mut report, files, &signers);
    let links = chain(&mut report, files);
    checkpoint(&mut report, files, &links);
    listed(&mut report, files);
    report.names = names(files);
    report
}

/// One statement, its signature beside it, and the key: a public key, or a list of allowed signers.
pub fn single(path: &Path, key: &Path, sound: &[PathBuf]) -> Result<Report, Trouble> {
    let (text, key) = (small(path)?, small(key)?);
    let beside = PathBuf::from(format!("{}.sig", path.display()));
    let signature = small(&beside)?;
    let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let mut report = Report::default();
    let signers = match sign::Public::read(&key) {
        Some(public) => Signers::One(public),
        None => Signers::List(lists::signers(&key).map_err(|(line, what)| {
            Trouble::no(
                "KEY_INVALID",
                format!("The key that was given is neither a public key nor a list of signers: line {line} {what}."),
                "Give the .pub file of the signer, or allowed_signers of an evidence.",
            )
        })?),
    };
    if let Some(read) = statement(&mut report, &name, &text, &signature, &signers) {
        report.statements.push(read);
    }
    for given in sound {
        if given.is_dir() {
            audio::search(&mut report, given);
        } else {
            audio::file(&mut report, given);
        }
    }
    Ok(report)
}

fn small(path: &Path) -> Result<String, Trouble> {
    let file = File::open(path).map_err(|e| Trouble::file(path, "read", &e))?;
    let mut text = String::new();
    file.take(TEXT_BYTES_MAX).read_to_string(&mut text).map_err(|e| Trouble::file(path, "read", &e))?;
    Ok(text)
}

fn text<'a>(files: &'a Files, name: &str) -> Option<&'a str> {
    std::str::from_utf8(files.get(name)?).ok()
}

/// The text, or a finding that it is not there.
fn wanted<'a>(report: &mut Report, files: &'a Files, name: &str) -> &'a str {
    text(files, name).unwrap_or_else(|| {
        report.find(name, if files.contains_key(name) { "it is no text" } else { "it is missing" });
        ""
    })
}

/// Every file is listed with its digest, and every listed file is there.
fn sums(report: &mut Report, files: &Files) {
    let listed = wanted(report, files, SUMS);
    let listed = match lists::sums(listed) {
        Ok(listed) => listed,
        Err((line, what)) => return report.find(SUMS, format!("line {line} {what}")),
    };
    for (name, sha256) in &listed {
        match files.get(*name) {
            None => report.find(name, "it is listed in SHA256SUMS and missing"),
            Some(bytes) if digest(bytes) != *sha256 => {
                report.find(name, "its bytes are not those that SHA256SUMS lists");
            }
            Some(_) => {}
        }
    }
    for name in files.keys() {
        if name != SUMS && name != SEAL && !listed.contains_key(name.as_str()) {
            report.find(name, "it is not listed in SHA256SUMS");
        }
        if !OTHERS.contains(&name.as_str()) && !name.starts_with("statements/") {
            report.find(name, "it is no file of an evidence");
        }
    }
}

enum Signers {
    List(Vec<Signer>),
    /// Whoever has this key.
    One(sign::Public),
}

fn signers(report: &mut Report, files: &Files) -> Signers {
    let listed = wanted(report, files, SIGNERS);
    let found = lists::signers(listed).unwrap_or_else(|(line, what)| {
        report.find(SIGNERS, format!("line {line} {what}"));
        Vec::new()
    });
    Signers::List(found)
}

/// One statement by itself: its form, its signature, its signer's key at its time.
fn statement(
    report: &mut Report,
    name: &str,
    text: &str,
    signature: &str,
    signers: &Signers,
) -> Option<Read> {
    let read = match statement::read(text) {
        Ok(read) => read,
        Err(what) => {
            report.find(name, what);
            return None;
        }
    };
    let by = match sign::verify(STATEMENT, text, signature) {
        Ok(by) => by,
        Err(what) => {
            report.find(name, format!("its signature does not hold: {what}"));
            return Some(read);
        }
    };
    if by.fingerprint != read.key {
        report.find(name, "it is signed with another key than it names");
    }
    match signers {
        Signers::One(key) if *key == by => {}
        Signers::One(_) => report.find(name, "it is signed with another key than the one that was given"),
        Signers::List(list) => {
            let of_key: Vec<&Signer> =
                list.iter().filter(|it| it.key == by && it.namespace == STATEMENT).collect();
            let own: Vec<&&Signer> = of_key.iter().filter(|it| it.principal == read.signer).collect();
            if of_key.is_empty() {
                report.find(name, "its key is not among the allowed signers");
            } else if own.is_empty() {
                report.find(name, "its key is that of somebody else than its signer");
            } else if !own.iter().any(|it| it.held_at(read.at_s())) {
                report.find(name, "its key did not hold when it was signed");
            }
        }
    }
    Some(read)
}

/// All of them, from the first on, each naming the one before.
fn statements(report: &mut Report, files: &Files, signers: &Signers) {
    let mut left: BTreeSet<&str> =
        files.keys().map(String::as_str).filter(|it| it.starts_with("statements/")).collect();
    let mut previous = ZEROS.to_owned();
    let mut approvals = BTreeSet::new();
    let count = left.iter().filter(|it| it.ends_with(".txt")).count();
    for at in 1..=count {
        let name = format!("statements/{at:06}.txt");
        let beside = format!("{name}.sig");
        left.remove(name.as_str());
        left.remove(beside.as_str());
        let bytes = files.get(&name).map(Vec::as_slice);
        let Some(bytes) = bytes else {
            report.find(&name, "it is missing: the numbers have a gap");
            continue;
        };
        let (Ok(text), signature) = (std::str::from_utf8(bytes), wanted(report, files, &beside)) else {
            report.find(&name, "it is no text");
            continue;
        };
        let read = statement(report, &name, text, signature, signers);
        let own = digest(bytes);
        if let Some(read) = read {
            if read.sequence != at as u64 {
                report.find(&name, format!("it is number {} of its project, not {at}", read.sequence));
            }
            if read.previous != previous {
                report.find(&name, "the statement that it names as the one before is another");
            }
            if report.statements.first().is_some_and(|first| first.project != read.project) {
                report.find(&name, "it is of another project than the first one");
            }
            if !approvals.insert(read.approval.clone()) {
                report.find(&name, "its approval was signed before");
            }
            report.statements.push(read);
        }
        previous = own;
    }
    for name in left {
        report.find(name, "it belongs to no statement of the chain");
    }
    if count == 0 {
        report.find("statements", "there is none");
    }
}

/// The record holds exactly these statements, in this order.
fn chain(report: &mut Report, files: &Files) -> Vec<Link> {
    let text = wanted(report, files, CHAIN);
    text.clone_into(&mut report.chain);
    let links = match lists::chain(text) {
        Ok(links) => links,
        Err((line, what)) => {
            report.find(CHAIN, format!("line {line} {what}"));
            return Vec::new();
        }
    };
    let kept: Vec<&str> = links.iter().filter_map(|it| it.statement.as_deref()).collect();
    let mut at = 0;
    while let Some(bytes) = files.get(&format!("statements/{:06}.txt", at + 1)) {
        let own = digest(bytes);
        if kept.get(at) != Some(&own.as_str()) {
            let name = format!("statements/{:06}.txt", at + 1);
            report.find(&name, "it does not stand in its place in CHAIN");
        }
        at += 1;
    }
    if kept.len() > at {
        report.find(CHAIN, format!("it holds {} statements, of which {at} are here", kept.len()));
    }
    links
}

fn checkpoint(report: &mut Report, files: &Files, links: &[Link]) {
    let (told, signature) = (wanted(report, files, CHECK), wanted(report, files, "checkpoint.txt.sig"));
    let read = match lists::checkpoint(told) {
        Ok(read) => read,
        Err(what) => return report.find(CHECK, what),
    };
    if let Err(what) = lists::fits(&read, links, &report.chain) {
        report.find(CHECK, what);
    }
    if report.statements.first().is_some_and(|first| first.project != read.project) {
        report.find(CHECK, "it is of another project than the statements");
    }
    let listed = wanted(report, files, STUDIO);
    let studio = match lists::signers(listed) {
        Ok(studio) => studio,
        Err((line, what)) => return report.find(STUDIO, format!("line {line} {what}")),
    };
    match sign::verify(CHECKPOINT, told, signature) {
        Err(what) => report.find(CHECK, format!("its signature does not hold: {what}")),
        Ok(by) if !studio.iter().any(|it| it.key == by && it.namespace == CHECKPOINT) => {
            report.find(CHECK, "it is signed with a key that is not the studio's");
        }
        Ok(by) => report.studio_key = by.fingerprint,
    }
    report.checkpoint = Some(read);
    // The same key stands behind the list of all files: else whoever has the folder could change names and times of keys, and write a new list.
    let (list, seal) = (wanted(report, files, SUMS), wanted(report, files, SEAL));
    match sign::verify(CHECKPOINT, list, seal) {
        Err(what) => report.find(SEAL, format!("it is no signature over {SUMS}: {what}")),
        Ok(by) if !studio.iter().any(|it| it.key == by && it.namespace == CHECKPOINT) => {
            report.find(SEAL, "it is made with a key that is not the studio's");
        }
        // No digest stands for this file: it is held to the one way in which it is written.
        Ok(_) if !sign::is_plain(seal) => report.find(SEAL, "it was written anew"),
        Ok(_) => {}
    }
}

/// FILES lists every file that a statement names, and no other.
fn listed(report: &mut Report, files: &Files) {
    let listed = match lists::sums(wanted(report, files, LISTED)) {
        Ok(listed) => listed,
        Err((line, what)) => return report.find(LISTED, format!("line {line} {what}")),
    };
    let listed: BTreeSet<&str> = listed.values().copied().collect();
    let named: BTreeSet<String> =
        report.statements.iter().flat_map(|it| &it.files).map(|it| it.sha256.clone()).collect();
    if let Some(missing) = named.iter().find(|it| !listed.contains(it.as_str())) {
        report.find(LISTED, format!("it does not list {missing}, which was signed"));
    }
    if let Some(more) = listed.iter().find(|it| !named.contains(**it)) {
        report.find(LISTED, format!("it lists {more}, which nobody signed"));
    }
}

/// Nobody signed these: they help to read, no more.
fn names(files: &Files) -> BTreeMap<String, String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(files.get("names.csv").map_or(&[][..], Vec::as_slice));
    let rows = reader.records().filter_map(Result::ok);
    rows.filter_map(|row| Some((row.get(0)?.to_owned(), scrub::cut(&scrub::line(row.get(1)?), 60)))).collect()
}
