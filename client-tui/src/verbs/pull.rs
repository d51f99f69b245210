//! Fetch the files of a version, or a delivery; the package of a handoff is `handoff`'s. File names are made here from facts; what the server calls a file is
//! never used as a path.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use deadwax_proto::v1::{DeliveryRow, SongRow, VersionFile, VersionKind, VersionRow};
use serde_json::{Value, json};

use super::{
    Context, VerbError, handoff,
    house::House,
    json as row_json,
    out::Bar,
    place::{Wanted, make_folder, place_bytes, place_download, place_sums, sums},
    words,
};
use crate::{
    cli::{HandoffArgs, Pull},
    name::Name,
    net::Client,
};

pub async fn pull(c: &Context, pull: Pull) -> Result<(), VerbError> {
    if pull.handoff {
        let place = pull.which.place;
        let asked = HandoffArgs { of: None, out: pull.folder, unpack: true, place, work: None };
        return handoff::fetch(c, asked).await;
    }
    let place = &pull.which.place;
    let client = c.client(&place.who).await?;
    let house = House::find(&client, place.project.as_deref()).await?;
    let song = house.song(place.song.as_deref())?;
    if pull.delivery {
        return delivery(c, &client, &house, song, pull.folder).await;
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
        master: false,
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
pub fn names_for(artist: &str, song: &SongRow, version: &VersionRow, files: &[&VersionFile]) -> Vec<String> {
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
            artist,
            title: &song.title,
            alternate: &file.alternate,
            number: version.number,
            master: version.kind() == VersionKind::Master,
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
    for (file, name) in files.iter().zip(names_for(&house.project.artist, song, version, files)) {
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
    for (name, bytes) in papers(delivery, version, &fetched) {
        place_bytes(&folder, name, &bytes)?;
        fetched.push((name.to_owned(), digest(&bytes)));
    }
    place_bytes(&folder, "SHA256SUMS", sums(&fetched).as_bytes())?;
    done(c, &folder, fetched.len())
}

/// What lies beside the files of a delivery: the frozen manifest, byte for byte as it was frozen, and who signed which file. `files`: names and digests.
pub fn papers(
    delivery: &DeliveryRow,
    version: &VersionRow,
    files: &[(String, String)],
) -> [(&'static str, Vec<u8>); 2] {
    let manifest = if delivery.manifest_json.trim().is_empty() {
        pretty(&row_json::delivery(delivery))
    } else {
        delivery.manifest_json.clone().into_bytes()
    };
    let signed = pretty(&json!({
        "fingerprint": delivery.fingerprint,
        "version": words::version(version),
        "signed_by": delivery.signed_by.iter().map(row_json::approval).collect::<Vec<_>>(),
        "files": files.iter().map(|(name, sha256)| json!({ "file": name, "sha256": sha256 })).collect::<Vec<_>>(),
    }));
    [("manifest.json", manifest), ("signatures.json", signed)]
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

#[cfg(test)]
mod tests {
    use deadwax_proto::v1;

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
        let song = SongRow { title: "/etc/\u{202e}x".into(), ..SongRow::default() };
        let version = VersionRow { number: 2, ..VersionRow::default() };
        let names = names_for("../..", &song, &version, &[&a, &b]);
        assert_ne!(names[0], names[1]);
        for name in &names {
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.'), "{name}");
            assert!(!name.starts_with('.') && !name.contains(".."), "{name}");
        }
        assert_eq!(default_folder(&song, &version, "_Handoff").components().count(), 1);
    }
}
