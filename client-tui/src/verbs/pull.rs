//! Fetch the files of a version, the handoff package, or a delivery. File names are made here from facts; what the server calls a file is
//! never used as a path.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use deadwax_proto::v1::{self, SongRow, VersionFile, VersionRow};
use serde_json::{Value, json};

use super::{
    Context, VerbError,
    house::House,
    json as row_json,
    out::Bar,
    place::{Wanted, make_folder, place_bytes, place_download, place_sums, sums},
    words,
};
use crate::{cli::Pull, name::Name, net::Client};

pub async fn pull(c: &Context, pull: Pull) -> Result<(), VerbError> {
    let place = &pull.which.place;
    let client = c.client(&place.who).await?;
    let house = House::find(&client, place.project.as_deref()).await?;
    let song = house.song(place.song.as_deref())?;
    if pull.delivery {
        return delivery(c, &client, &house, song, pull.folder).await;
    }
    if pull.handoff {
        return handoff(c, &client, &house, song, pull.folder).await;
    }
    let version = house.version(song, pull.which.version.as_deref())?;
    let folder = pull.folder.unwrap_or_else(|| default_folder(song, version, ""));
    let files: Vec<&VersionFile> = version
        .files
        .iter()
        .filter(|f| pull.alternate.is_empty() || pull.alternate.contains(&f.alternate))
        .collect();
    if let Some(missing) = pull.alternate.iter().find(|a| !version.files.iter().any(|f| f.alternate == **a)) {
        let list: Vec<&str> = version.files.iter().map(|f| f.alternate.as_str()).collect();
        return Err(VerbError::Usage(format!(
            "{} has no {missing:?}; it has {}",
            words::version(version),
            list.join(", ")
        )));
    }
    let fetched = fetch(c, &client, &house, song, version, &files, &folder).await?;
    place_sums(&folder, &fetched)?;
    done(c, &folder, fetched.len())
}

fn done(c: &Context, folder: &Path, count: usize) -> Result<(), VerbError> {
    c.out.text(&format!("{count} file(s) in {}, every digest checked.", folder.display()))
}

/// "NightDrive_Mix02"
fn default_folder(song: &SongRow, version: &VersionRow, after: &str) -> PathBuf {
    let name = Name {
        artist: &song.title,
        title: &words::version(version),
        alternate: "main",
        number: 0,
        rate_hz: 0,
        bits: 0,
        float: false,
        engineer: "",
        extension: "",
    };
    let built = name.build();
    let mut parts = built.split('_');
    let (title, kind) = (parts.next().unwrap_or("Song"), parts.next().unwrap_or("Version"));
    PathBuf::from(format!("{title}_{kind}{after}"))
}

/// Names for files, each once: where two would be alike, digits of the digest tell them apart.
pub fn names_for(house: &House, song: &SongRow, version: &VersionRow, files: &[&VersionFile]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names = Vec::new();
    for file in files {
        let facts = file.facts.clone().unwrap_or_default();
        let extension = match (facts.container.as_str(), facts.codec.as_str()) {
            ("wav" | "rf64" | "bwf" | "", _) => "wav",
            ("aiff", _) => "aiff",
            ("flac", _) => "flac",
            ("mp3", _) => "mp3",
            ("mp4", _) => "m4a",
            ("ogg", "opus") => "opus",
            ("ogg", _) => "ogg",
            _ => "bin",
        };
        let mut name = Name {
            artist: &house.project.artist,
            title: &song.title,
            alternate: &file.alternate,
            number: version.number,
            rate_hz: facts.sample_rate,
            bits: facts.bits,
            float: facts.float,
            engineer: "",
            extension,
        }
        .build();
        if !taken.insert(name.to_ascii_lowercase()) {
            let digits: String = file.sha256.chars().filter(char::is_ascii_hexdigit).take(12).collect();
            let (stem, ext) = name.rsplit_once('.').unwrap_or((&name, "bin"));
            name = format!("{stem}_{digits}.{ext}");
            taken.insert(name.to_ascii_lowercase());
        }
        names.push(name);
    }
    names
}

/// Fetches files into a folder and answers (name, digest) of each.
pub async fn fetch(
    c: &Context,
    client: &Client,
    house: &House,
    song: &SongRow,
    version: &VersionRow,
    files: &[&VersionFile],
    folder: &Path,
) -> Result<Vec<(String, String)>, VerbError> {
    if let Some(closed) = files.iter().find(|f| !f.may_fetch) {
        return Err(VerbError::no(
            "ORIGINALS_CLOSED",
            format!("You may hear {} of {} but not fetch it.", closed.alternate, words::version(version)),
            "Ask a manager for another role.",
        ));
    }
    make_folder(folder)?;
    let mut fetched = Vec::new();
    for (file, name) in files.iter().zip(names_for(house, song, version, files)) {
        let bytes = file.facts.as_ref().map_or(0, |f| f.bytes);
        let wanted = Wanted {
            project_id: &house.project.project_id,
            version_id: &version.version_id,
            sha256: &file.sha256,
            bytes,
            name: name.clone(),
        };
        let bar = Bar::bytes(&name, bytes);
        let new = place_download(client, folder, &wanted, &|done, _| bar.set(done)).await?;
        drop(bar);
        let path = folder.join(&name);
        let state = if new { "fetched" } else { "already here" };
        c.out.both(
            &format!("{}  {state}", path.display()),
            &json!({
                "file": path.to_string_lossy(), "alternate": file.alternate, "sha256": file.sha256, "bytes": bytes, "fetched": new,
            }),
        )?;
        fetched.push((name, file.sha256.clone()));
    }
    Ok(fetched)
}

async fn delivery(
    c: &Context,
    client: &Client,
    house: &House,
    song: &SongRow,
    folder: Option<PathBuf>,
) -> Result<(), VerbError> {
    let delivery = house.deliveries.iter().rev().find(|d| d.song_id == song.song_id).ok_or_else(|| {
        VerbError::no(
            "NO_DELIVERY",
            format!("{} has no delivery yet.", song.title),
            "Make one with `deadwax deliver` once the label signed.",
        )
    })?;
    let version = house
        .version_by_id(&delivery.version_id)
        .ok_or_else(|| VerbError::no("NO_VERSION", "You may not see the version that was delivered.", ""))?;
    let folder = folder.unwrap_or_else(|| default_folder(song, version, "_Delivery"));
    let files: Vec<&VersionFile> = delivery.files.iter().collect();
    let mut fetched = fetch(c, client, house, song, version, &files, &folder).await?;
    // The frozen manifest goes out byte for byte as it was frozen.
    let manifest = if delivery.manifest_json.trim().is_empty() {
        pretty(&row_json::delivery(delivery))
    } else {
        delivery.manifest_json.clone().into_bytes()
    };
    let signed = pretty(&json!({
        "fingerprint": delivery.fingerprint,
        "version": words::version(version),
        "signed_by": delivery.signed_by.iter().map(row_json::approval).collect::<Vec<_>>(),
        "files": fetched.iter().map(|(name, sha256)| json!({ "file": name, "sha256": sha256 })).collect::<Vec<_>>(),
    }));
    for (name, bytes) in [("manifest.json", &manifest), ("signatures.json", &signed)] {
        place_bytes(&folder, name, bytes)?;
        fetched.push((name.to_owned(), digest(bytes)));
    }
    place_bytes(&folder, "SHA256SUMS", sums(&fetched).as_bytes())?;
    done(c, &folder, fetched.len())
}

async fn handoff(
    c: &Context,
    client: &Client,
    house: &House,
    song: &SongRow,
    folder: Option<PathBuf>,
) -> Result<(), VerbError> {
    let handoff = song.handoff.as_ref().ok_or_else(|| {
        VerbError::no(
            "NO_HANDOFF",
            format!("{} was not handed to mastering yet.", song.title),
            "The mix gate makes the handoff when it is met.",
        )
    })?;
    let version = house.version_by_id(&handoff.version_id).ok_or_else(|| {
        VerbError::no("NO_VERSION", "You may not see the version that was handed over.", "")
    })?;
    let folder = folder.unwrap_or_else(|| default_folder(song, version, "_Handoff"));
    let files: Vec<&VersionFile> = version.files.iter().collect();
    let audio = fetch(c, client, house, song, version, &files, &folder).await?;
    let notes: Vec<&v1::NoteRow> = house.notes.iter().filter(|n| n.song_id == song.song_id).collect();
    let papers = [
        ("notes.csv", notes_csv(house, &notes).into_bytes()),
        ("notes.md", notes_md(house, song, &notes).into_bytes()),
        ("brief.md", brief_md(house, song, version, handoff).into_bytes()),
        ("preflight.md", preflight_md(version).into_bytes()),
        ("manifest.json", pretty(&handoff_manifest(house, song, version, handoff, &audio))),
    ];
    let mut all = audio;
    for (name, bytes) in &papers {
        place_bytes(&folder, name, bytes)?;
        all.push(((*name).to_owned(), digest(bytes)));
    }
    place_bytes(&folder, "SHA256SUMS", sums(&all).as_bytes())?;
    done(c, &folder, all.len())
}

fn digest(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(bytes))
}

fn pretty(value: &Value) -> Vec<u8> {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    text.push('\n');
    text.into_bytes()
}

/// A spreadsheet's cell: quoted, and never a formula.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

fn span(note: &v1::NoteRow) -> (String, String) {
    let at = |ms: Option<u64>| ms.map(|ms| words::clock(ms as f64 / 1000.0)).unwrap_or_default();
    (at(note.start_ms), at(note.end_ms))
}

fn note_version(house: &House, note: &v1::NoteRow) -> String {
    house.version_by_id(&note.version_id).map(words::version).unwrap_or_default()
}

fn notes_csv(house: &House, notes: &[&v1::NoteRow]) -> String {
    let mut out = String::from("start,end,version,alternate,author,role,state,text,reason\n");
    for note in notes {
        let (start, end) = span(note);
        let version = note_version(house, note);
        let state = words::note_state(note.state);
        let cells = [
            start.as_str(),
            &end,
            &version,
            &note.alternate,
            &note.author,
            words::role(note.author_role),
            &state,
            &note.text,
            &note.reason,
        ];
        out += &cells.map(cell).join(",");
        out.push('\n');
    }
    out
}

fn notes_md(house: &House, song: &SongRow, notes: &[&v1::NoteRow]) -> String {
    let mut out = format!("# Notes on {}\n\n", song.title);
    if notes.is_empty() {
        out += "None.\n";
    }
    for note in notes {
        let (start, end) = span(note);
        let at = match (start.is_empty(), end.is_empty()) {
            (true, _) => "whole song".to_owned(),
            (_, true) => start,
            _ => format!("{start} to {end}"),
        };
        out += &format!(
            "- **{at}** ({}, {}, {}): {}\n",
            note.author,
            note_version(house, note),
            words::note_state(note.state),
            note.text.replace('\n', "\n  ")
        );
    }
    out
}

fn brief_md(house: &House, song: &SongRow, version: &VersionRow, handoff: &v1::Handoff) -> String {
    let mut out = format!(
        "# {} by {}\n\nProject: {}\nPosition: {}\nISRC: {}\nApproved: {} ({})\nHanded over: {}\n\n",
        song.title,
        house.project.artist,
        house.project.title,
        song.position,
        if song.isrc.is_empty() { "not given" } else { &song.isrc },
        words::version(version),
        version.fingerprint,
        words::moment(handoff.made_ms),
    );
    if !version.changelog.is_empty() {
        out += &format!("## What changed\n\n{}\n\n", version.changelog);
    }
    out += "## Files\n\n| alternate | LUFS | dBTP | length | rate | bits |\n| --- | --- | --- | --- | --- | --- |\n";
    for file in &version.files {
        let f = file.facts.clone().unwrap_or_default();
        out += &format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            file.alternate,
            words::level(f.integrated_lufs),
            words::level(f.true_peak_dbtp),
            words::clock(words::length_s(&f)),
            f.sample_rate,
            f.bits
        );
    }
    out += "\n## Signatures\n\n";
    let signed = house.gates.iter().filter(|g| g.song_id == song.song_id).flat_map(|g| &g.approvals);
    for a in signed.filter(|a| a.version_id == version.version_id) {
        let state = words::approval_state(a.state);
        out += &format!("- {} as {} on {} ({state})\n", a.name, words::role(a.role), words::moment(a.at_ms));
    }
    let gate = house.project.gates.iter().find(|rule| rule.stage() == v1::Stage::Mastering);
    let needs = gate.iter().flat_map(|rule| &rule.needs).map(|need| {
        let who = words::roles(&need.any_of).join(" or ");
        if need.count > 1 { format!("{} of {who}", need.count) } else { who }
    });
    let needs = needs.collect::<Vec<_>>().join("; ");
    out += &format!("\nWho signs off the master: {}\n", if needs.is_empty() { "not said" } else { &needs });
    if !song.recipe_toml.trim().is_empty() {
        out += &format!("\n## Recipe\n\n```toml\n{}\n```\n", song.recipe_toml.trim_end());
    }
    out
}

fn preflight_md(version: &VersionRow) -> String {
    let mut out = format!("# Preflight of {}\n\n", words::version(version));
    if version.preflight.is_empty() {
        out += "Nothing found.\n";
    }
    for finding in &version.preflight {
        let weight = if finding.block { "BLOCK" } else { "warning" };
        out += &format!("- {weight} {} [{}]: {}\n", finding.code, finding.alternate, finding.text);
    }
    out
}

fn handoff_manifest(
    house: &House,
    song: &SongRow,
    version: &VersionRow,
    handoff: &v1::Handoff,
    audio: &[(String, String)],
) -> Value {
    let files: Vec<Value> = version
        .files
        .iter()
        .zip(audio)
        .map(|(file, (name, sha256))| {
            json!({
                "file": name, "alternate": file.alternate, "sha256": sha256, "called": file.name,
                "facts": file.facts.as_ref().map(row_json::facts),
            })
        })
        .collect();
    json!({
        "kind": "deadwax-handoff/1", "project": house.project.title, "artist": house.project.artist, "song": song.title, "isrc": song.isrc,
        "position": song.position, "version": words::version(version), "version_id": version.version_id,
        "fingerprint": version.fingerprint, "made_ms": handoff.made_ms, "files": files,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_names_never_become_paths_and_never_collide() {
        let file = |name: &str, sha: &str| VersionFile {
            alternate: "main".into(),
            name: name.into(),
            sha256: sha.repeat(32),
            facts: Some(v1::AudioFacts { container: "../x".into(), ..v1::AudioFacts::default() }),
            may_fetch: true,
        };
        let (a, b) = (file("../../.bashrc", "ab"), file("/etc/passwd", "cd"));
        let mut house = House::default();
        house.project.artist = "../..".into();
        let song = SongRow { title: "/etc/\u{202e}x".into(), ..SongRow::default() };
        let version = VersionRow { number: 2, ..VersionRow::default() };
        let names = names_for(&house, &song, &version, &[&a, &b]);
        assert_ne!(names[0], names[1]);
        for name in &names {
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.'), "{name}");
            assert!(!name.starts_with('.') && !name.contains(".."), "{name}");
        }
        assert_eq!(default_folder(&song, &version, "_Handoff").components().count(), 1);
    }

    #[test]
    fn a_cell_is_never_a_formula() {
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
        assert_eq!(cell("say \"hi\""), "\"say \"\"hi\"\"\"");
    }
}
