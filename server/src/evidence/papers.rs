//! The papers of the evidence that are lists: statements with their signatures, keys with their times, names of people, digests of files. Never here: what
//! is said to people (`readme`), the studio's signature.

use std::collections::{BTreeMap, BTreeSet};

use deadwax_domain::{Digest, Kept, Key, Project, limits};
use ssh_key::{LineEnding, SshSig};

use super::{
    Facts, Paper,
    checkpoint::{compact, one_line},
    line, version_of,
};
use crate::{handoff::names, rpc::id_text};

/// Of a digest, where two paths would be alike.
const DIGITS: usize = 12;

/// `statements/000001.txt`, `statements/000001.txt.sig`, ...
pub fn statements(project: &Project) -> Vec<Paper> {
    let both = |kept: &Kept| {
        let name = format!("statements/{:06}.txt", kept.sequence);
        let signature = Paper { name: format!("{name}.sig"), bytes: armour(&kept.receipt.signature).into() };
        [Paper { name, bytes: kept.receipt.statement.clone().into() }, signature]
    };
    project.receipts.iter().flat_map(both).collect()
}

/// The signature as every tool writes it: whoever sent it may have broken its lines otherwise.
fn armour(signature: &str) -> String {
    let same = SshSig::from_pem(signature).and_then(|signature| signature.to_pem(LineEnding::LF));
    same.unwrap_or_else(|_| signature.to_owned())
}

/// One line a key, in the order in which they came.
pub fn allowed_signers(project: &Project) -> String {
    let mut keys: Vec<&Key> = project.keys.values().collect();
    keys.sort_by_key(|key| (key.enrolled_at, key.id));
    let line = |key: &&Key| {
        let (after, before) = held(project, key);
        let before = before.map(|at| format!(",valid-before=\"{}\"", compact(at))).unwrap_or_default();
        let (person, after) = (id_text(key.person.0), compact(after));
        format!(
            "{person} namespaces=\"statement@deadwax\",valid-after=\"{after}\"{before} {}\n",
            key.public_key
        )
    };
    keys.iter().map(line).collect()
}

/// From when until when a key held, in seconds of the time that stands in statements: the signer's clock. The server took a statement by its own clock, while
/// the key held; where the two clocks differ, by no more than the server allows, the time in the statement counts.
fn held(project: &Project, key: &Key) -> (i64, Option<i64>) {
    let (mut after, mut before) = (key.enrolled_at.0.div_euclid(1000), None);
    let revoked_ms = key.revoked.as_ref().map(|revoked| revoked.at.0);
    if let Some(revoked_ms) = revoked_ms {
        before = Some(revoked_ms.div_euclid(1000));
    }
    for kept in project.receipts.iter().filter(|kept| kept.receipt.key == key.id) {
        let held = key.enrolled_at <= kept.at && revoked_ms.is_none_or(|revoked| kept.at.0 <= revoked);
        let Some(signed) = signed_at(kept)
            .filter(|signed| held && (signed * 1000 - kept.at.0).abs() <= limits::STATEMENT_TIME_MS)
        else {
            continue;
        };
        after = after.min(signed);
        // Some read the second time as "up to", some as "up to and with".
        before = before.map(|before| before.max(signed + 1));
    }
    (after, before)
}

/// In seconds.
fn signed_at(kept: &Kept) -> Option<i64> {
    let time: jiff::Timestamp = line(&kept.receipt.statement, "time")?.parse().ok()?;
    Some(time.as_second())
}

/// The studio under one word, since the file knows no others.
pub fn studio_signers(studio: &str, public_key: &str) -> String {
    format!("{} namespaces=\"checkpoint@deadwax\" {public_key}\n", names::camel(studio, "Studio"))
}

/// Who signed and who has a key.
pub fn names(facts: &Facts<'_>) -> String {
    let project = facts.project;
    let signers = project.receipts.iter().map(|kept| kept.person);
    let owners = project.keys.values().map(|key| key.person);
    let people: BTreeSet<_> = signers.chain(owners).collect();
    let line =
        |person| format!("{},{}\n", id_text(person), cell(&(facts.names)(deadwax_domain::PersonId(person))));
    let lines: String = people.into_iter().map(|person| line(person.0)).collect();
    format!("person,name\n{lines}")
}

/// One cell of a table. What a spreadsheet would take for a formula gets an apostrophe before it.
pub(crate) fn cell(text: &str) -> String {
    let text = one_line(text);
    let formula = text
        .trim_start()
        .trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let text = if formula { format!("'{text}") } else { text };
    if text.contains([',', '"', ';', '\'']) || text.starts_with(' ') || text.ends_with(' ') {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// In the form of `sha256sum -c`, sorted by path: every file that a statement names, once.
pub fn files(project: &Project) -> String {
    let mut by_path: BTreeMap<String, Digest> = BTreeMap::new();
    for kept in &project.receipts {
        for (path, digest) in named(project, kept) {
            match by_path.get(&path) {
                Some(known) if *known == digest => {}
                Some(_) => {
                    let path = with_digits(&path, digest);
                    by_path.insert(path, digest);
                }
                None => {
                    by_path.insert(path, digest);
                }
            }
        }
    }
    by_path.into_iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect()
}

fn with_digits(path: &str, digest: Digest) -> String {
    let digits: String = digest.to_string().chars().take(DIGITS).collect();
    match path.rsplit_once('.') {
        Some((stem, extension)) if !extension.contains('/') => format!("{stem}_{digits}.{extension}"),
        _ => format!("{path}_{digits}"),
    }
}

/// The files of a statement under the paths that they have here. The digests are the statement's own: it is what was signed.
fn named(project: &Project, kept: &Kept) -> Vec<(String, Digest)> {
    let statement = &kept.receipt.statement;
    let version = version_of(project, kept).and_then(|id| project.versions.get(id));
    let names = version.map(|version| {
        let title = project.songs.get(version.song).map_or("", |song| song.title.as_str());
        let names = names::of_files(&project.artist, title, version);
        (version.files.iter().map(|file| file.digest).zip(names).collect::<Vec<_>>(), title)
    });
    let folder = match (&version, &names) {
        (Some(version), Some((_, title))) => {
            format!("{}_{}", names::camel(title, "Song"), names::camel(&version.name(), "Version"))
        }
        _ => names::camel(line(statement, "name").unwrap_or_default(), "Record"),
    };
    let file = |line: &str| {
        let mut words = line.strip_prefix("file: ")?.splitn(3, ' ');
        let digest: Digest = digest(words.next()?)?;
        let last = words.nth(1)?;
        let known = names.iter().flat_map(|(files, _)| files).find(|(of, _)| *of == digest);
        let name = known.map_or_else(|| plain(last), |(_, name)| name.clone());
        Some((format!("{folder}/{name}"), digest))
    };
    statement.lines().filter_map(file).collect()
}

fn digest(text: &str) -> Option<Digest> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(Digest(bytes))
}

/// A path of a delivery as `sha256sum` takes it: one line, and never out of the folder.
fn plain(path: &str) -> String {
    let part = |part: &str| match part {
        "" | "." | ".." => "_".to_owned(),
        part => one_line(part).replace('\\', "_"),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_never_a_formula_and_never_a_second_cell_or_line() {
        for (name, cell_of) in [
            ("Ana", "Ana"),
            ("=1+1", "\"'=1+1\""),
            ("+49", "\"'+49\""),
            ("-x", "\"'-x\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("  =1", "\"'  =1\""),
            ("'=1", "\"''=1\""),
            ("\t=1\n2", "\"' =1 2\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("A, \"B\"", "\"A, \"\"B\"\"\""),
            ("a;b", "\"a;b\""),
            ("O'Neil", "\"O'Neil\""),
            ("", ""),
        ] {
            assert_eq!(cell(name), cell_of, "{name:?}");
        }
    }

    #[test]
    fn no_path_leads_out_of_the_folder_or_onto_a_second_line() {
        for (path, safe) in [
            ("cd/IMAGE.DAT", "cd/IMAGE.DAT"),
            ("../../etc/passwd", "_/_/etc/passwd"),
            ("/etc/passwd", "_/etc/passwd"),
            ("a//b/./c", "a/_/b/_/c"),
            ("a\\b\nc", "a_b c"),
            ("Zoë 夜.wav", "Zoë 夜.wav"),
        ] {
            assert_eq!(plain(path), safe);
        }
        assert_eq!(with_digits("a/b.wav", Digest([0xab; 32])), "a/b_abababababab.wav");
        assert_eq!(with_digits("a.b/c", Digest([0xab; 32])), "a.b/c_abababababab");
    }

    #[test]
    fn a_signature_whose_lines_were_broken_otherwise_is_written_as_every_tool_writes_it() {
        let studio = tempfile::tempdir().unwrap();
        let signature =
            super::super::StudioKey::of(studio.path()).sign("x@deadwax", "text").unwrap().signature;
        assert_eq!(armour(&signature), signature);
        assert_eq!(armour(&signature.replace('\n', "\r\n")), signature);
        assert_eq!(armour("no signature"), "no signature");
    }
}
