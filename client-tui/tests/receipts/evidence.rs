//! An evidence that is as it was signed holds; one that anybody touched does not, and the finding names the file.

use deadwax_client::receipt::verify::{self, Report};
use proptest::prelude::*;

use super::set::{self, Files, LENA, MAIN, Set, TRACK, sha, signed};

fn told(report: &Report) -> String {
    report.findings.iter().map(|it| format!("{}: {}\n", it.file, it.text)).collect()
}

/// Somebody who tampers lists their files anew: the lists alone must not be what finds it.
#[track_caller]
fn refused(files: &Files, file: &str, text: &str) {
    let mut files = files.clone();
    set::sum(&mut files);
    let report = verify::check(&files);
    let found = report.findings.iter().any(|it| it.file == file && it.text.contains(text));
    assert!(found, "{file}: {text}\nfound:\n{}", told(&report));
}

fn replace(files: &mut Files, name: &str, from: &str, to: &str) {
    let text = String::from_utf8(files[name].clone()).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    files.insert(name.into(), text.replacen(from, to, 1).into_bytes());
}

#[test]
fn a_true_evidence_holds_as_a_folder_and_as_a_zip() {
    let files = Set::new().files();
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("evidence-NightDriveEP-3");
    set::write(&files, &folder);
    let sound = dir.path().join("sound");
    std::fs::create_dir_all(sound.join("Night Drive")).unwrap();
    std::fs::create_dir_all(sound.join("Record 2/hi-res")).unwrap();
    std::fs::write(sound.join("Night Drive/main.wav"), MAIN).unwrap();
    std::fs::write(sound.join("Record 2/hi-res/01 Night Drive.wav"), TRACK).unwrap();
    let report = verify::evidence(&folder, &[sound.clone(), sound.join("Night Drive/main.wav")]).unwrap();
    assert_eq!(told(&report), "");
    assert_eq!((report.statements.len(), report.heard), (3, 3));
    assert_eq!(report.name(LENA), "Lena Ruiz");
    let zipped = dir.path().join("evidence.zip");
    std::fs::write(&zipped, set::zip(&files, "evidence-NightDriveEP-3")).unwrap();
    assert_eq!(told(&verify::evidence(&zipped, &[]).unwrap()), "");

    // Two files of one length change places, and one byte of another.
    std::fs::write(sound.join("Night Drive/main.wav"), TRACK).unwrap();
    std::fs::write(sound.join("Record 2/hi-res/01 Night Drive.wav"), MAIN).unwrap();
    let swapped = verify::evidence(&folder, std::slice::from_ref(&sound)).unwrap();
    assert_eq!(swapped.findings.len(), 2, "{}", told(&swapped));
    assert_eq!(swapped.findings[0].file, "Night Drive/main.wav");
    let other = sound.join("other.wav");
    std::fs::write(&other, b"the main of the Master").unwrap();
    let report = verify::evidence(&folder, std::slice::from_ref(&other)).unwrap();
    assert!(told(&report).contains("no statement names these bytes"), "{}", told(&report));
}

#[test]
fn a_changed_statement_is_refused() {
    let set = Set::new();
    for (from, to) in [
        ("role: artist", "role: label"),
        ("decision: approve", "decision: approvE"),
        ("22 main", "23 main"),
        ("Night Drive", "Night Drivf"),
        ("2026-11-21T20:15:00Z", "2026-11-21T20:15:01Z"),
    ] {
        let mut files = set.files();
        replace(&mut files, "statements/000001.txt", from, to);
        let name = "statements/000001.txt";
        let mut listed = files.clone();
        set::sum(&mut listed);
        let report = verify::check(&listed);
        assert!(report.findings.iter().any(|it| it.file == name), "{from}: {}", told(&report));
    }
}

#[test]
fn a_statement_that_is_signed_anew_with_another_role_is_refused_by_the_record() {
    let mut set = Set::new();
    let before = set.files();
    let text = set.statements[0].0.replace("role: artist", "role: manager");
    let signature = signed(&set.ana, "statement@deadwax", &text);
    set.statements[0] = (text, signature);
    let mut files = before;
    let now = set.files();
    for name in ["statements/000001.txt", "statements/000001.txt.sig"] {
        files.insert(name.into(), now[name].clone());
    }
    refused(&files, "statements/000001.txt", "does not stand in its place in CHAIN");
    refused(&files, "statements/000002.txt", "the one before is another");
}

#[test]
fn statements_that_were_dropped_swapped_doubled_or_put_in_are_refused() {
    let files = Set::new().files();
    let pair = |at: usize| [format!("statements/{at:06}.txt"), format!("statements/{at:06}.txt.sig")];
    let mut dropped = files.clone();
    pair(2).iter().for_each(|name| drop(dropped.remove(name)));
    refused(&dropped, "statements/000002.txt", "the numbers have a gap");
    let mut last = files.clone();
    pair(3).iter().for_each(|name| drop(last.remove(name)));
    refused(&last, "CHAIN", "it holds 3 statements, of which 2 are here");
    let mut swapped = files.clone();
    for (a, b) in pair(2).iter().zip(&pair(3)) {
        swapped.insert(a.clone(), files[b].clone());
        swapped.insert(b.clone(), files[a].clone());
    }
    refused(&swapped, "statements/000002.txt", "it is number 3");
    let mut doubled = files.clone();
    for (a, b) in pair(3).iter().zip(&pair(4)) {
        doubled.insert(b.clone(), files[a].clone());
    }
    refused(&doubled, "statements/000004.txt", "its approval was signed before");
    let mut more = files.clone();
    more.insert("statements/x.txt.sig".into(), b"x".to_vec());
    refused(&more, "statements/x.txt.sig", "belongs to no statement");
}

#[test]
fn entries_of_the_record_that_were_dropped_or_moved_are_refused() {
    let files = Set::new().files();
    let text = String::from_utf8(files["CHAIN"].clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let with = |lines: &[&str]| {
        let mut files = files.clone();
        files.insert(
            "CHAIN".into(),
            lines.iter().map(|it| format!("{it}\n")).collect::<String>().into_bytes(),
        );
        files
    };
    let mut dropped = lines.clone();
    dropped.remove(2);
    refused(&with(&dropped), "checkpoint.txt", "it signs another list");
    let mut moved = lines.clone();
    moved.swap(1, 3);
    refused(&with(&moved), "CHAIN", "does not come after the one before");
    // The studio's own list cannot leave one out either: the statements are held against it.
    let mut set = Set::new();
    set.statements.remove(1);
    let mut files = Set::new().files();
    for (name, bytes) in set.files() {
        if !name.starts_with("statements/") {
            files.insert(name, bytes);
        }
    }
    refused(&files, "statements/000002.txt", "does not stand in its place in CHAIN");
}

#[test]
fn a_foreign_key_and_a_revoked_one_are_refused() {
    let mut set = Set::new();
    // Mallory signs in Lena's name with a key of their own.
    let text = set.statements[1].0.clone();
    let mallory = set::key(7);
    set.statements[1] = (text.clone(), signed(&mallory, "statement@deadwax", &text));
    refused(&set.files(), "statements/000002.txt", "not among the allowed signers");
    refused(&set.files(), "statements/000002.txt", "another key than it names");
    // And with Ana's, which is hers alone.
    let text = text.replace(&set::fingerprint(&set.lena), &set::fingerprint(&set.ana));
    set.statements[1] = (text.clone(), signed(&set.ana, "statement@deadwax", &text));
    refused(&set.files(), "statements/000002.txt", "its key is that of somebody else");

    let mut set = Set::new();
    set.allowed = set.allowed.replace("20261201000000Z", "20261121202500Z");
    refused(&set.files(), "statements/000003.txt", "its key did not hold");
    let report = verify::check(&set.files());
    assert!(
        report.findings.iter().all(|it| it.file == "statements/000003.txt"),
        "the one before holds: {}",
        told(&report)
    );
    set.allowed = set.allowed.replacen("20261101000000Z", "20261121201501Z", 1);
    refused(&set.files(), "statements/000001.txt", "its key did not hold");
}

#[test]
fn signatures_for_another_purpose_and_another_studio_are_refused() {
    let mut set = Set::new();
    let text = set.statements[0].0.clone();
    set.statements[0].1 = signed(&set.ana, "file", &text);
    refused(&set.files(), "statements/000001.txt", "made for another purpose");
    let mut set = Set::new();
    let listed = set.files()["studio_signers"].clone();
    set.studio = set::key(8);
    let mut files = set.files();
    files.insert("studio_signers".into(), listed);
    refused(&files, "checkpoint.txt", "not the studio's");
}

#[test]
fn files_that_were_signed_are_all_listed_and_no_others() {
    let mut files = Set::new().files();
    let other = sha(b"another");
    replace(&mut files, "FILES", &sha(MAIN), &other);
    refused(&files, "FILES", &sha(MAIN));
    refused(&files, "FILES", &other);
}

#[test]
fn what_is_no_evidence_is_refused_without_harm() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.zip");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        verify::evidence(&path, &[]).unwrap_err().to_string()
    };
    assert!(read(b"nothing").contains("neither a folder nor a zip"));
    let mut files = Files::new();
    files.insert("../../x".into(), b"x".to_vec());
    assert!(read(&set::zip(&files, "evidence")).contains("no plain file"));
    files.clear();
    files.insert("README.txt".into(), b"x".to_vec());
    assert!(read(&set::zip(&files, "..")).contains("no plain file"));
    // A link in a folder leads out of it.
    let folder = dir.path().join("f");
    set::write(&Set::new().files(), &folder);
    std::fs::remove_file(folder.join("CHAIN")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.join("CHAIN")).unwrap();
    assert!(verify::evidence(&folder, &[]).unwrap_err().to_string().contains("no plain file"));
    // An empty one is read, and everything is missing.
    let empty = tempfile::tempdir().unwrap();
    assert!(!verify::evidence(empty.path(), &[]).unwrap().is_sound());
    // A path in the list that leads out of the folder is not followed.
    let mut files = Set::new().files();
    replace(&mut files, "FILES", "Night Drive/main.wav", "../../../etc/hostname");
    set::sum(&mut files);
    let folder = dir.path().join("g");
    set::write(&files, &folder);
    let report = verify::evidence(&folder, &[dir.path().to_owned()]).unwrap();
    assert!(told(&report).contains("no place within a folder"), "{}", told(&report));
}

#[test]
fn one_statement_holds_with_its_key_and_with_no_other() {
    let set = Set::new();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("000001.txt");
    std::fs::write(&path, &set.statements[0].0).unwrap();
    std::fs::write(dir.path().join("000001.txt.sig"), &set.statements[0].1).unwrap();
    std::fs::write(dir.path().join("main.wav"), MAIN).unwrap();
    let key = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let ana = key("ana.pub", &format!("{} ana@label\n", set::public(&set.ana)));
    let lena = key("lena.pub", &set::public(&set.lena));
    let list = key("allowed_signers", &set.allowed);
    for key in [&ana, &list] {
        let report = verify::single(&path, key, &[dir.path().to_owned()]).unwrap();
        assert_eq!((told(&report).as_str(), report.heard), ("", 1));
    }
    let report = verify::single(&path, &lena, &[]).unwrap();
    assert!(told(&report).contains("another key than the one that was given"), "{}", told(&report));
    assert!(verify::single(&path, &key("none", "hello"), &[]).is_err());
}

#[test]
fn a_list_written_anew_by_somebody_else_is_refused() {
    let mut files = Set::new().files();
    replace(&mut files, "allowed_signers", "20261201000000Z", "20291201000000Z");
    let mut lists = files.clone();
    set::sum(&mut lists);
    let text = String::from_utf8(lists["SHA256SUMS"].clone()).unwrap();
    files.insert("SHA256SUMS".into(), text.clone().into_bytes());
    assert!(told(&verify::check(&files)).contains("SHA256SUMS.sig: it is no signature over SHA256SUMS"));
    files.insert("SHA256SUMS.sig".into(), signed(&set::key(7), "checkpoint@deadwax", &text).into_bytes());
    assert!(
        told(&verify::check(&files))
            .contains("SHA256SUMS.sig: it is made with a key that is not the studio's")
    );
}

/// Made once: signatures take their time without optimisation.
fn whole() -> Files {
    static FILES: std::sync::OnceLock<Files> = std::sync::OnceLock::new();
    FILES.get_or_init(|| Set::new().files()).clone()
}

/// Without new lists: what a careless hand or a bad disk does.
fn edited(at: usize, byte: u8) -> Option<(String, Report)> {
    let mut files = whole();
    let total: usize = files.values().map(Vec::len).sum();
    let mut left = at % total;
    let (name, bytes) = files.iter_mut().find(|(_, bytes)| {
        let inside = left < bytes.len();
        left -= if inside { 0 } else { bytes.len() };
        inside
    })?;
    if bytes[left] == byte {
        return None;
    }
    bytes[left] = byte;
    let name = name.clone();
    Some((name, verify::check(&files)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_single_changed_byte_is_always_found(at in any::<usize>(), byte in any::<u8>()) {
        if let Some((name, report)) = edited(at, byte) {
            prop_assert!(!report.is_sound(), "{name}: {byte}");
            // SHA256SUMS names the file whose line was touched.
            prop_assert!(name == "SHA256SUMS" || report.findings.iter().any(|it| it.file == name), "{name}: {}", told(&report));
        }
    }

    #[test]
    fn readers_take_anything_without_harm(text in ".{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(verify::statement::read(&text));
        drop(verify::lists::chain(&text));
        drop(verify::lists::checkpoint(&text));
        drop(verify::lists::signers(&text));
        let mut files = whole();
        for name in ["CHAIN", "checkpoint.txt.sig", "statements/000002.txt.sig", "names.csv", "allowed_signers"] {
            files.insert(name.into(), bytes.clone());
        }
        prop_assert!(!verify::check(&files).is_sound());
    }
}
