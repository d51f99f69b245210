//! Packages by honest and by hostile hands.

use std::{fs, io::Write as _};

use serde_json::json;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;

const FOLDER: &str = "Ana_Nachtlied_Mix2_Handoff1";
const AUDIO: &[u8] = b"RIFF and so on";

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// The papers of a package with one file of audio and a brief.
struct Made {
    audio_name: String,
    manifest: serde_json::Value,
    sums: Option<String>,
    more: Vec<(String, Vec<u8>)>,
    method: CompressionMethod,
    audio: Vec<u8>,
    folder: String,
}

impl Made {
    fn honest() -> Self {
        let fingerprint = sha256(format!("deadwax-fingerprint-1\nmain {}\n", sha256(AUDIO)).as_bytes());
        let name = "Ana_Nachtlied_Main_v02_48k24b.wav";
        let manifest = json!({
            "deadwax_handoff": 1, "project": { "artist": "Ana" }, "song": { "title": "Nachtlied" },
            "version": { "name": "Mix 2", "fingerprint": fingerprint },
            "files": [
                { "name": name, "sha256": sha256(AUDIO), "bytes": AUDIO.len(), "alternate": "main" },
                { "name": "brief.txt", "sha256": sha256(b"Read me."), "bytes": 8 },
            ],
        });
        Self {
            audio_name: name.into(),
            manifest,
            sums: None,
            more: Vec::new(),
            method: CompressionMethod::Stored,
            audio: AUDIO.into(),
            folder: FOLDER.into(),
        }
    }

    fn write(&self, path: &Path) {
        let mut zip = ZipWriter::new(File::create(path).unwrap());
        let options = SimpleFileOptions::default().compression_method(self.method);
        let manifest = self.manifest.to_string();
        let listed = self.manifest["files"].as_array().unwrap();
        let line = |file: &serde_json::Value| {
            format!("{}  {}\n", file["sha256"].as_str().unwrap(), file["name"].as_str().unwrap())
        };
        let sums = listed.iter().map(line).collect::<String>();
        let sums = format!("{sums}{}  manifest.json\n", sha256(manifest.as_bytes()));
        let own = [
            (self.audio_name.as_str(), self.audio.as_slice()),
            ("brief.txt", b"Read me."),
            ("manifest.json", manifest.as_bytes()),
            ("SHA256SUMS", self.sums.as_ref().unwrap_or(&sums).as_bytes()),
        ];
        let own = own.map(|(name, bytes)| (format!("{}/{name}", self.folder), bytes));
        let more = self.more.iter().map(|(name, bytes)| (name.clone(), bytes.as_slice()));
        for (name, bytes) in own.into_iter().chain(more) {
            zip.start_file(name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
    }
}

/// What opening, checking and unpacking say; the folder is looked into afterwards.
fn tried(made: &Made) -> (Result<Checked, VerbError>, Result<PathBuf, VerbError>, tempfile::TempDir) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("it.zip");
    made.write(&path);
    let checked = Package::open(&path).and_then(|mut package| package.check());
    let into = home.path().join("into");
    fs::create_dir(&into).unwrap();
    let unpacked = Package::open(&path).and_then(|mut package| package.unpack(&into));
    (checked, unpacked, home)
}

#[track_caller]
fn refused(made: &Made, word: &str) {
    let (checked, unpacked, home) = tried(made);
    for error in [checked.map(drop).unwrap_err(), unpacked.map(drop).unwrap_err()] {
        assert_eq!(error.exit_code(), 3, "{error}");
        assert!(error.to_string().contains(word), "{error}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
    let named = |folder: &Path| {
        fs::read_dir(folder).map_or(0, |all| all.filter(|it| it.as_ref().unwrap().path().is_file()).count())
    };
    assert_eq!(named(&home.path().join("into")) + named(&home.path().join("into").join(FOLDER)), 0);
    assert_eq!(named(home.path()), 1, "only the zip itself");
}

#[test]
fn an_honest_package_is_checked_and_unpacked_once_and_again() {
    let (checked, unpacked, home) = tried(&Made::honest());
    let checked = checked.unwrap();
    assert_eq!((checked.files, checked.version.as_str()), (2, "Mix 2"));
    let into = unpacked.unwrap();
    assert_eq!(into, home.path().join("into").join(FOLDER));
    assert_eq!(fs::read(into.join("Ana_Nachtlied_Main_v02_48k24b.wav")).unwrap(), AUDIO);
    assert_eq!(fs::read_dir(&into).unwrap().count(), 4);
    // What is there already stays; what has other bytes is left alone.
    let path = home.path().join("it.zip");
    Package::open(&path).unwrap().unpack(&home.path().join("into")).unwrap();
    fs::write(into.join("brief.txt"), "mine").unwrap();
    let kept = Package::open(&path).unwrap().unpack(&home.path().join("into")).unwrap_err();
    assert_eq!(kept.reason(), "FILE_EXISTS");
    assert_eq!(fs::read(into.join("brief.txt")).unwrap(), b"mine");
}

#[test]
fn names_that_reach_out_of_the_folder_are_refused() {
    for name in [
        "../evil.txt",
        "/tmp/evil.txt",
        "evil.txt",
        "Ana_Nachtlied_Mix2_Handoff1/../../evil.txt",
        "..\\evil.txt",
        "Ana_Nachtlied_Mix2_Handoff1/deep/evil.txt",
        "Ana_Nachtlied_Mix2_Handoff1/.profile",
        "Ana_Nachtlied_Mix2_Handoff1/NUL.txt",
        "Ana_Nachtlied_Mix2_Handoff1/C:evil",
        "Ana_Nachtlied_Mix2_Handoff1/a\u{1b}[2Jb",
        "Ana_Nachtlied_Mix2_Handoff1/gnp\u{202e}.exe",
        "Ana_Nachtlied_Mix2_Handoff1/",
    ] {
        let mut made = Made::honest();
        made.more.push((name.into(), b"evil".into()));
        refused(&made, "no plain name");
    }
    let mut made = Made::honest();
    made.folder = "..".into();
    refused(&made, "no plain name");
    let mut made = Made::honest();
    made.more.push(("Other_Folder/a.txt".into(), b"x".into()));
    refused(&made, "more than one folder");
}

#[test]
fn a_link_inside_or_outside_is_never_followed() {
    let home = tempfile::tempdir().unwrap();
    let (path, outside) = (home.path().join("it.zip"), home.path().join("outside"));
    fs::create_dir(&outside).unwrap();
    Made::honest().write(&path);
    #[cfg(unix)]
    std::os::unix::fs::symlink(&outside, home.path().join(FOLDER)).unwrap();
    let refused = Package::open(&path).unwrap().unpack(home.path()).unwrap_err();
    assert_eq!(refused.reason(), "FILE_EXISTS");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    let mut zip = ZipWriter::new(File::create(&path).unwrap());
    zip.add_symlink(format!("{FOLDER}/a"), "/etc/passwd", SimpleFileOptions::default()).unwrap();
    zip.finish().unwrap();
    assert!(Package::open(&path).map(drop).unwrap_err().to_string().contains("not a file"));
}

#[test]
fn what_is_not_as_the_manifest_says_is_told() {
    let mut other = Made::honest();
    other.audio[0] ^= 1;
    refused(&other, "damaged");
    let mut longer = Made::honest();
    longer.audio.push(0);
    refused(&longer, "another size");
    let mut more = Made::honest();
    more.more.push((format!("{FOLDER}/extra.wav"), b"x".into()));
    refused(&more, "extra.wav is in it and not in the manifest");
    let mut twice = Made::honest();
    twice.more.push((format!("{FOLDER}/BRIEF.txt"), b"Read me.".into()));
    refused(&twice, "twice");
    let mut less = Made::honest();
    let gone = json!({ "name": "gone.wav", "sha256": sha256(b""), "bytes": 0, "alternate": "tv" });
    less.manifest["files"].as_array_mut().unwrap().push(gone);
    refused(&less, "gone.wav is in the manifest and not in it");
    let mut sums = Made::honest();
    sums.sums = Some(format!("{}  brief.txt\n", sha256(b"Read me.")));
    refused(&sums, "SHA256SUMS");
}

#[test]
fn other_audio_than_was_signed_is_told_even_where_the_manifest_fits() {
    let mut made = Made::honest();
    made.audio = b"another song".into();
    made.manifest["files"][0]["sha256"] = sha256(b"another song").into();
    made.manifest["files"][0]["bytes"] = 12.into();
    refused(&made, "not the set of files that was signed");
}

#[test]
fn what_is_no_package_or_a_newer_one_is_told() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("it.zip");
    fs::write(&path, b"PK\x03\x04 nothing more").unwrap();
    assert!(Package::open(&path).map(drop).unwrap_err().to_string().contains("no whole zip"));
    Made::honest().write(&path);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 30]).unwrap();
    assert!(Package::open(&path).map(drop).unwrap_err().to_string().contains("no whole zip"));
    let mut newer = Made::honest();
    newer.manifest["deadwax_handoff"] = 2.into();
    newer.write(&path);
    assert_eq!(Package::open(&path).map(drop).unwrap_err().reason(), "PACKAGE_IS_NEWER");
    let missing = Package::open(&home.path().join("absent.zip")).map(drop).unwrap_err();
    assert_eq!(missing.exit_code(), 3);
}

proptest::proptest! {
    /// Whatever became of the bytes on their way: no panic, and what is called sound or gets a name is what was signed.
    #[test]
    fn a_mangled_package_is_refused_or_unharmed(
        flips in proptest::collection::vec((proptest::prelude::any::<proptest::sample::Index>(), 1..=255u8), 0..4),
        cut in proptest::option::of(proptest::prelude::any::<proptest::sample::Index>()),
    ) {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("it.zip");
        Made::honest().write(&path);
        let mut bytes = fs::read(&path).unwrap();
        for (at, with) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= with;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        fs::write(&path, bytes).unwrap();
        let into = home.path().join("into");
        fs::create_dir(&into).unwrap();
        if let Ok(mut package) = Package::open(&path) {
            let sound = package.check().is_ok();
            let unpacked = package.unpack(&into);
            proptest::prop_assert!(!sound || unpacked.is_ok());
        }
        let audio = into.join(FOLDER).join("Ana_Nachtlied_Main_v02_48k24b.wav");
        proptest::prop_assert!(!audio.exists() || fs::read(&audio).unwrap() == AUDIO);
        proptest::prop_assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
    }
}
