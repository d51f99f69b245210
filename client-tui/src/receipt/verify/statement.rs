//! A statement, read line by line. What is not exactly of the form of docs/RECEIPTS.md is refused with the line by name. Never here: signatures, the chain.

use super::{
    super::{digest, is_digest, statement::Hashed, statement::read_time},
    lists::{lines, number},
};
use crate::scrub;

/// A version has a few files, a record a few hundred.
const LINES_MAX: usize = 20_000;
const ROLES: [&str; 6] = ["artist", "producer", "mix-engineer", "mastering-engineer", "label", "manager"];
const STAGES: [&str; 3] = ["recording", "mixing", "mastering"];

/// What somebody signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    pub project: String,
    pub project_title: String,
    /// "version", "spacing" or "record".
    pub object: String,
    pub object_id: String,
    /// "Master 2"
    pub name: String,
    /// Of a version: id, title and stage of the song.
    pub song: Option<(String, String, String)>,
    pub role: String,
    pub signer: String,
    pub key: String,
    pub approval: String,
    pub fingerprint: String,
    pub files: Vec<Hashed>,
    pub items: usize,
    pub previous: String,
    pub sequence: u64,
    pub time: String,
    /// Of the text.
    pub digest: String,
}

impl Read {
    pub fn at_s(&self) -> i64 {
        read_time(&self.time).unwrap_or(0)
    }
}

struct Rest<'a> {
    lines: std::iter::Peekable<std::vec::IntoIter<&'a str>>,
}

impl<'a> Rest<'a> {
    fn value(&mut self, name: &str) -> Result<&'a str, String> {
        let line = self.lines.next().ok_or_else(|| format!("its line \u{201c}{name}:\u{201d} is missing"))?;
        line.strip_prefix(name)
            .and_then(|it| it.strip_prefix(": "))
            .filter(|it| !it.is_empty())
            .ok_or_else(|| format!("its line \u{201c}{name}:\u{201d} is not where it must be"))
    }

    fn of(&mut self, name: &str, right: impl Fn(&str) -> bool) -> Result<String, String> {
        let value = self.value(name)?;
        if right(value) {
            Ok(value.to_owned())
        } else {
            Err(format!("its line \u{201c}{name}:\u{201d} has no value that can be"))
        }
    }

    /// All lines of this name that follow on each other.
    fn all(&mut self, name: &str) -> Vec<&'a str> {
        let mut found = Vec::new();
        while let Some(value) = self.lines.peek().and_then(|it| it.strip_prefix(name)?.strip_prefix(": ")) {
            found.push(value);
            self.lines.next();
        }
        found
    }
}

fn is_id(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok_and(|id| id.hyphenated().to_string() == text)
}

/// # Errors
/// A part of a sentence.
pub fn read(text: &str) -> Result<Read, String> {
    if text.chars().any(|c| c != '\n' && scrub::is_hostile(c)) {
        return Err("it has characters that no statement has".into());
    }
    let all = lines(text).filter(|it| it.len() <= LINES_MAX).ok_or("it is not of the form")?;
    let mut rest = Rest { lines: all.into_iter().peekable() };
    if rest.lines.next() != Some("deadwax-statement/1") {
        return Err("it is no statement of this form".into());
    }
    let any = |_: &str| true;
    let project = rest.of("project", is_id)?;
    let project_title = rest.of("project-title", any)?;
    rest.of("decision", |it| it == "approve")?;
    let object = rest.of("object", |it| ["version", "spacing", "record"].contains(&it))?;
    let object_id = rest.of("object-id", is_id)?;
    if object == "spacing" && object_id != project {
        return Err("its spacing is of another project".into());
    }
    let name = rest.of("name", any)?;
    let song = match object.as_str() {
        "version" => Some((
            rest.of("song", is_id)?,
            rest.of("song-title", any)?,
            rest.of("stage", |it| STAGES.contains(&it))?,
        )),
        _ => None,
    };
    let role = rest.of("role", |it| ROLES.contains(&it))?;
    let signer = rest.of("signer", is_id)?;
    let key = rest.of("key", is_digest)?;
    let approval = rest.of("approval", is_id)?;
    let fingerprint = rest.of("fingerprint", is_digest)?;
    let (files, items) = (rest.all("file"), rest.all("item"));
    let spacing = object == "spacing";
    if files.is_empty() != spacing || items.is_empty() == spacing {
        return Err("it does not name what it approves".into());
    }
    let files = files
        .into_iter()
        .map(file)
        .collect::<Option<Vec<Hashed>>>()
        .ok_or("a line \u{201c}file:\u{201d} of it is not of the form")?;
    if !files.is_sorted_by(|a, b| a.name <= b.name) {
        return Err("its files are not in their order".into());
    }
    must_fit(&object, &fingerprint, &files, &items)?;
    let previous = rest.of("previous", is_digest)?;
    let sequence = rest.value("sequence")?;
    let sequence = number(sequence).filter(|it| *it > 0).ok_or("its sequence is no number")?;
    let time = rest.of("time", |it| read_time(it).is_some())?;
    if rest.lines.next().is_some() {
        return Err("it goes on after its end".into());
    }
    let (items, digest) = (items.len(), digest(text));
    Ok(Read {
        project,
        project_title,
        object,
        object_id,
        name,
        song,
        role,
        signer,
        key,
        approval,
        fingerprint,
        files,
        items,
        previous,
        sequence,
        time,
        digest,
    })
}

fn file(value: &str) -> Option<Hashed> {
    let (sha256, rest) = value.split_once(' ')?;
    let (bytes, name) = rest.split_once(' ')?;
    let right = is_digest(sha256) && !name.is_empty();
    Some(Hashed { sha256: sha256.to_owned(), bytes: number(bytes)?, name: name.to_owned() }).filter(|_| right)
}

/// The fingerprint is that of the lines.
fn must_fit(object: &str, fingerprint: &str, files: &[Hashed], items: &[&str]) -> Result<(), String> {
    let mut lines: Vec<String> = match object {
        "version" => files.iter().map(|it| format!("{} {}\n", it.name, it.sha256)).collect(),
        "record" => {
            let place = |name: &str| if name.contains('/') { name.to_owned() } else { format!("/{name}") };
            files.iter().map(|it| format!("{} {}\n", place(&it.name), it.sha256)).collect()
        }
        _ => items.iter().map(|it| format!("item: {it}\n")).collect(),
    };
    let head = if object == "version" { "deadwax-fingerprint-1\n" } else { "" };
    if object != "spacing" {
        lines.sort_unstable();
    }
    match digest(format!("{head}{}", lines.concat())) == fingerprint {
        true => Ok(()),
        false => Err("its fingerprint is not that of what it names".into()),
    }
}
