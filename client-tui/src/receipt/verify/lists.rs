//! The small texts of an evidence, read strictly: what is not exactly of the form is not of it. Errors are parts of a sentence. Never here: files, signatures.

use std::collections::BTreeMap;

use super::super::{ZEROS, digest, is_digest, sign::Public, statement::read_time};

/// One entry of a project's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub seq: u64,
    pub payload: String,
    /// The digest of the statement that it keeps, where it keeps one.
    pub statement: Option<String>,
}

/// What a studio signed over the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub studio: String,
    pub project: String,
    pub entries: u64,
    pub chain_sha256: String,
    pub receipts: u64,
    pub last_statement: String,
    pub time: String,
}

/// A number as it is written: no sign, no zeros before it.
pub fn number(text: &str) -> Option<u64> {
    let plain = text == "0" || !text.starts_with('0');
    (plain && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// The lines of a text, each of which ends with a line end.
pub fn lines(text: &str) -> Option<Vec<&str>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    Some(text.strip_suffix('\n')?.split('\n').collect())
}

/// The number of the line that is wrong, and what is wrong with it.
pub fn chain(text: &str) -> Result<Vec<Link>, (usize, &'static str)> {
    let mut links: Vec<Link> = Vec::new();
    for (at, line) in lines(text).ok_or((text.lines().count(), "has no end"))?.into_iter().enumerate() {
        let words: Vec<&str> = line.split(' ').collect();
        let (seq, payload, statement) = match words.as_slice() {
            [seq, payload] => (number(seq), *payload, None),
            [seq, payload, statement] => (number(seq), *payload, Some(*statement)),
            _ => return Err((at + 1, "is not of the form")),
        };
        let seq = seq.ok_or((at + 1, "has no number"))?;
        if !is_digest(payload) || !statement.is_none_or(is_digest) {
            return Err((at + 1, "has no digest where one must be"));
        }
        if links.last().is_some_and(|before| before.seq >= seq) {
            return Err((at + 1, "does not come after the one before"));
        }
        links.push(Link { seq, payload: payload.to_owned(), statement: statement.map(str::to_owned) });
    }
    Ok(links)
}

pub fn checkpoint(text: &str) -> Result<Checkpoint, &'static str> {
    let lines = lines(text).ok_or("it has no end")?;
    let names = ["studio", "project", "entries", "chain-sha256", "receipts", "last-statement", "time"];
    if lines.len() != names.len() + 1 || lines[0] != "deadwax-checkpoint/1" {
        return Err("it is not of the form");
    }
    let mut values = Vec::new();
    for (line, name) in lines[1..].iter().zip(names) {
        let value = line.strip_prefix(name).and_then(|it| it.strip_prefix(": "));
        values.push(value.ok_or("it is not of the form")?.to_owned());
    }
    let [studio, project, entries, chain_sha256, receipts, last_statement, time] =
        <[String; 7]>::try_from(values).map_err(|_| "it is not of the form")?;
    let counts = (number(&entries), number(&receipts));
    let (Some(entries), Some(receipts)) = counts else { return Err("a number in it is none") };
    if !is_digest(&chain_sha256) || !is_digest(&last_statement) {
        return Err("a digest in it is none");
    }
    read_time(&time).ok_or("its time is none")?;
    Ok(Checkpoint { studio, project, entries, chain_sha256, receipts, last_statement, time })
}

/// The checkpoint is of exactly this list.
pub fn fits(checkpoint: &Checkpoint, links: &[Link], text: &str) -> Result<(), &'static str> {
    let statements: Vec<&str> = links.iter().filter_map(|it| it.statement.as_deref()).collect();
    if checkpoint.chain_sha256 != digest(text) {
        return Err("it signs another list");
    }
    if checkpoint.entries != links.len() as u64 {
        return Err("it counts other entries than the list has");
    }
    if checkpoint.receipts != statements.len() as u64 {
        return Err("it counts other receipts than the list has");
    }
    if checkpoint.last_statement != *statements.last().unwrap_or(&ZEROS) {
        return Err("its newest statement is not that of the list");
    }
    Ok(())
}

/// `<digest>  <name>`, each name once: the digest by the name.
pub fn sums(text: &str) -> Result<BTreeMap<&str, &str>, (usize, &'static str)> {
    let mut found = BTreeMap::new();
    for (at, line) in lines(text).ok_or((text.lines().count(), "has no end"))?.into_iter().enumerate() {
        let (sha256, name) = line.split_once("  ").ok_or((at + 1, "is not of the form"))?;
        if !is_digest(sha256) || name.is_empty() || name.starts_with(' ') {
            return Err((at + 1, "is not of the form"));
        }
        if found.insert(name, sha256).is_some() {
            return Err((at + 1, "names a file a second time"));
        }
    }
    Ok(found)
}

/// Who may sign with which key, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    pub principal: String,
    pub namespace: String,
    pub key: Public,
    /// Seconds since 1970; from it on, and up to and without it.
    pub after_s: Option<i64>,
    pub before_s: Option<i64>,
}

impl Signer {
    pub fn held_at(&self, at_s: i64) -> bool {
        self.after_s.is_none_or(|after| at_s >= after) && self.before_s.is_none_or(|before| at_s < before)
    }
}

/// Lines as `ssh-keygen -Y verify` reads them, with the options that this house writes and no others.
pub fn signers(text: &str) -> Result<Vec<Signer>, (usize, &'static str)> {
    let mut found = Vec::new();
    for (at, line) in lines(text).ok_or((text.lines().count(), "has no end"))?.into_iter().enumerate() {
        found.push(signer(line).map_err(|what| (at + 1, what))?);
    }
    Ok(found)
}

fn signer(line: &str) -> Result<Signer, &'static str> {
    let form = "is not of the form";
    let (principal, rest) = line.split_once(' ').ok_or(form)?;
    let (options, key) = rest.split_once(' ').ok_or(form)?;
    let key = Public::read(key).filter(|it| it.line == key).ok_or("names no Ed25519 key")?;
    if principal.is_empty() || principal.contains(['*', '?', '!', ',', '"']) {
        return Err("names nobody");
    }
    let mut signer = Signer {
        principal: principal.to_owned(),
        namespace: String::new(),
        key,
        after_s: None,
        before_s: None,
    };
    for option in options.split(',') {
        let (name, value) = option.split_once('=').ok_or(form)?;
        let value = value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).ok_or(form)?;
        match name {
            "namespaces" if signer.namespace.is_empty() => signer.namespace = value.to_owned(),
            "valid-after" if signer.after_s.is_none() => {
                signer.after_s = Some(stamp(value).ok_or("has a time that is none")?);
            }
            "valid-before" if signer.before_s.is_none() => {
                signer.before_s = Some(stamp(value).ok_or("has a time that is none")?);
            }
            _ => return Err("has an option that is not known here"),
        }
    }
    if signer.namespace.is_empty() {
        return Err("does not say what the key is for");
    }
    Ok(signer)
}

/// 20261121201500Z
fn stamp(text: &str) -> Option<i64> {
    let digits =
        text.strip_suffix('Z').filter(|it| it.len() == 14 && it.bytes().all(|b| b.is_ascii_digit()))?;
    let part = |from: usize, to: usize| &digits[from..to];
    let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
    read_time(&format!("{year}-{month}-{day}T{}:{}:{}Z", part(8, 10), part(10, 12), part(12, 14)))
}
