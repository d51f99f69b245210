//! `deadwax-server received`: who received which bytes, asked at the machine itself, where the book can be read without anybody's leave. Never here: the
//! question over the wire, which knows who asks (`rpc/audit`).

use std::{collections::HashSet, fmt::Write as _, sync::Arc};

use anyhow::Context as _;
use deadwax_domain::{Digest, Project, ProjectId};
use tokio_util::sync::CancellationToken;

use crate::{
    admin,
    auth::{Directory, People},
    cli::{Failure, Received},
    config::{self, Config},
    egress::{self, Reception},
    evidence,
    ledger::{Ledger, Snapshot},
    rpc::{audit, id_text},
    studio::SystemClock,
    wire::text::scrub,
};

const HEAD: [&str; 15] = [
    "line",
    "begun",
    "ended",
    "person_id",
    "name",
    "session_id",
    "address",
    "way",
    "project_id",
    "project",
    "what",
    "sha256",
    "offset",
    "file_bytes",
    "sent_bytes",
];

/// What somebody asked for.
#[derive(Default)]
struct Wanted {
    digests: HashSet<Digest>,
    /// Project and version.
    objects: HashSet<(ProjectId, u128)>,
}

pub async fn received(asked: &Received) -> Result<(), Failure> {
    let config = Config::load(&asked.dir, config::environment())?;
    let store = admin::store(&asked.dir, &config)
        .await
        .context("while a server runs on this folder ask it: deadwax received")?;
    let clock = Arc::new(SystemClock);
    let people = People::open(Arc::clone(&store), Arc::clone(&clock) as _, CancellationToken::new());
    let people = people.await.context("reading the people of the studio failed")?;
    let ledger = Ledger::open(store, clock).await.context("reading the ledger failed")?;
    let projects = ledger.projects().await.context("reading the projects failed")?;
    let wanted = match digest(&asked.what) {
        Some(digest) => Wanted { digests: [digest].into(), ..Wanted::default() },
        None => named(&projects, &asked.what)?,
    };
    let all = egress::every(&asked.dir).context("reading the egress book failed")?;
    let told: Vec<Reception> = all.into_iter().filter(|it| wanted.takes(it)).collect();
    let names = people.directory();
    let rows = told.iter().rev().map(|it| cells(it, &projects, &names));
    match asked.csv {
        true => print!("{}", csv(rows)),
        false => print!("{}", table(rows)),
    }
    match told.is_empty() {
        true => Err(anyhow::anyhow!("the egress book knows of nobody who received it").into()),
        false => Ok(()),
    }
}

fn digest(text: &str) -> Option<Digest> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).ok()?;
    Some(Digest(bytes))
}

/// Words alone: however somebody writes the quotes and the comma that histories put there.
fn plain(text: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() { c.to_lowercase().collect() } else { " ".to_owned() };
    let text: String = text.chars().map(kept).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn named(projects: &[Arc<Snapshot>], what: &str) -> Result<Wanted, Failure> {
    let (what, mut wanted) = (plain(what), Wanted::default());
    for snapshot in projects {
        let project = &snapshot.project;
        for version in project.versions.values() {
            let song = project.songs.get(version.song).map_or("", |song| song.title.as_str());
            let name = format!("{song} {}", version.name());
            if !what.is_empty() && [plain(song), plain(&name)].contains(&what) {
                wanted.objects.insert((snapshot.id, version.id.0));
                wanted.digests.extend(version.files.iter().map(|file| file.digest));
            }
        }
    }
    if wanted.objects.is_empty() {
        let text = "no version bears that name: give a song and its version as \"Nachtlied Mix 2\", or a SHA-256 of 64 digits";
        return Err(Failure::BadInput(text.into()));
    }
    Ok(wanted)
}

impl Wanted {
    /// The bytes in any form in which they were given: as they are, or as a copy for listening of that version.
    fn takes(&self, reception: &Reception) -> bool {
        let begun = &reception.begun;
        self.digests.contains(&begun.digest) || self.objects.contains(&(begun.project, begun.object))
    }
}

fn cells(reception: &Reception, projects: &[Arc<Snapshot>], names: &Directory) -> [String; 15] {
    let Reception { begun, ended } = reception;
    let project: Option<&Project> =
        projects.iter().find(|it| it.id == begun.project).map(|snapshot| &snapshot.project);
    let what = project.map(|it| audit::in_words(it, begun)).unwrap_or_default();
    [
        begun.number.to_string(),
        time(begun.at_ms),
        ended.map(|it| time(it.at_ms)).unwrap_or_default(),
        id_text(begun.person.0),
        scrub(names.name(begun.person)),
        id_text(begun.session),
        begun.address.map(|it| it.to_string()).unwrap_or_default(),
        begun.way.word().to_owned(),
        id_text(begun.project.0),
        scrub(project.map_or("", |it| it.title.as_str())),
        scrub(&what),
        begun.digest.to_string(),
        begun.offset.to_string(),
        begun.file_bytes.to_string(),
        ended.map(|it| it.sent.to_string()).unwrap_or_default(),
    ]
}

fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|time| time.to_string()).unwrap_or_default()
}

fn csv(rows: impl Iterator<Item = [String; 15]>) -> String {
    let line = |cells: &[String]| cells.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(",") + "\r\n";
    let head = HEAD.map(str::to_owned);
    std::iter::once(line(&head)).chain(rows.map(|row| line(&row))).collect()
}

/// What a spreadsheet would take for a formula has an apostrophe before it.
fn quoted(text: &str) -> String {
    let cell = evidence::cell(text);
    if cell.starts_with('"') && cell.len() > 1 { cell } else { format!("\"{cell}\"") }
}

fn table(rows: impl Iterator<Item = [String; 15]>) -> String {
    let mut text = String::new();
    for row in rows {
        let [line, begun, ended, _, name, _, address, way, _, project, what, sha256, offset, of, sent] = row;
        let sent = if ended.is_empty() { "not ended".to_owned() } else { format!("{sent} bytes") };
        let from = if offset == "0" { String::new() } else { format!(" from {offset}") };
        let address = if address.is_empty() { String::new() } else { format!(" at {address}") };
        let _ = writeln!(
            text,
            "{line:>6}  {begun}  {name}{address}  {way}  {sent}{from} of {of}\n        {project}: {what}  {sha256}"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_however_its_quotes_are_written() {
        for text in ["Nachtlied Mix 2", "\"Nachtlied\", Mix 2", " nachtlied  MIX 2 "] {
            assert_eq!(plain(text), "nachtlied mix 2");
        }
        assert_eq!(plain("夜の歌, Mix 1"), "夜の歌 mix 1");
        assert_eq!(plain("\"'"), "");
    }

    #[test]
    fn every_cell_is_quoted_and_none_is_a_formula_or_a_second_line() {
        for (text, cell) in [
            ("Ana", "\"Ana\""),
            ("", "\"\""),
            ("\"", "\"\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("a\",\"b", "\"a\"\",\"\"b\""),
            ("a\nb", "\"a b\""),
        ] {
            assert_eq!(quoted(text), cell, "{text:?}");
        }
    }
}
