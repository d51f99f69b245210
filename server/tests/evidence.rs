//! The evidence, checked as a stranger checks it: by the script that comes along, with ssh-keygen and sha256sum, in an empty environment. What was exported is
//! accepted; each copy with something changed is refused, by the name of the file.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
#[allow(dead_code, reason = "each test file uses its part")]
mod evidence_kit;

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use deadwax_domain::Time;
use deadwax_server::evidence::{Folder, StudioKey, VERIFY};
use evidence_kit::{Bench, Object, Signer, T0, Unpacked, run, sha256, uuid};

/// Three approvals of three kinds by three people, one of them with a key from ssh-keygen.
fn signed() -> (Bench, Vec<Signer>) {
    let mut bench = Bench::new(0x9e0);
    let people = vec![Signer::new(1, 11), Signer::new(2, 22), Signer::by_ssh_keygen(3, bench.studio.path())];
    people.iter().for_each(|signer| bench.enrol(signer));
    bench.approve(&people[0], "artist", Object::Mix);
    bench.approve(&people[1], "mastering-engineer", Object::Spacing);
    bench.approve(&people[2], "label", Object::Record);
    (bench, people)
}

#[track_caller]
fn accepted((code, said): (i32, String)) -> String {
    assert!(code == 0 && said.starts_with("ACCEPTED."), "{code}: {said}");
    said
}

/// Refused in one sentence that names the file.
#[track_caller]
fn refused((code, said): (i32, String), file: &str) -> String {
    assert!(code == 1 && said.starts_with("REFUSED. ") && said.contains(file), "{file}: {code}: {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

fn script() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("verify.sh");
    fs::write(&path, VERIFY).unwrap();
    (folder, path)
}

#[tokio::test]
async fn what_was_exported_is_accepted_by_every_shell() {
    let (bench, _) = signed();
    let there = bench.unpacked().await;
    let said = accepted(there.verify(&[]));
    assert!(said.contains("3 statements by 3 people, 4 files named; a history of 9 entries"), "{said}");
    let key = bench.key().fingerprint().unwrap();
    assert!(said.contains(&key), "{said}");
    accepted(there.verify(&["-k", &key]));
    refused(there.verify(&["-k", "SHA256:AAAA"]), "studio_signers");
    for shell in
        [&["dash"][..], &["bash", "--posix"], &["busybox", "sh"], &["ksh"], &["zsh", "--emulate", "sh"]]
    {
        let installed = ["/usr/bin", "/bin"].iter().any(|at| Path::new(at).join(shell[0]).exists());
        if installed {
            accepted(run(&there.path("verify.sh"), shell, &[]));
        }
    }
    let code: String = VERIFY.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    for word in ["[[", "local ", "<<<", "source ", "mktemp", "$RANDOM", "pipefail", "&>"] {
        assert!(!code.contains(word), "{word} is not POSIX");
    }
}

/// By hand, with nothing of ours: the commands of the README.
#[tokio::test]
async fn one_statement_is_checked_by_hand() {
    let (bench, people) = signed();
    let there = bench.unpacked().await;
    let time = bench.statements[1].lines().find_map(|line| line.strip_prefix("time: ")).unwrap();
    let time: String = time.chars().filter(|c| c.is_ascii_alphanumeric() && *c != 'T').collect();
    let verify = |statement: &str| {
        let verified = Command::new("ssh-keygen")
            .args(["-Y", "verify", "-f", "allowed_signers", "-n", "statement@deadwax", "-I"])
            .arg(uuid(people[1].person.0))
            .args(["-O", &format!("verify-time={time}"), "-s", "statements/000002.txt.sig"])
            .stdin(fs::File::open(there.path(statement)).unwrap())
            .current_dir(there.folder.path())
            .output();
        verified.unwrap().status.success()
    };
    assert!(verify("statements/000002.txt"));
    assert!(!verify("statements/000001.txt"));
    let sums = Command::new("sha256sum")
        .args(["--strict", "-c", "SHA256SUMS"])
        .current_dir(there.folder.path())
        .output();
    assert!(sums.unwrap().status.success());
}

#[tokio::test]
async fn the_papers_say_what_was_agreed() {
    let (mut bench, people) = signed();
    bench.revoke(&people[0]);
    let folder = bench.export().await;
    let text = |name: &str| {
        let paper = folder.papers.iter().find(|paper| paper.name == name).unwrap();
        String::from_utf8(paper.bytes.clone()).unwrap()
    };
    assert_eq!(folder.name, "evidence-NachtLied-3");
    let names: Vec<&str> = folder.papers.iter().map(|paper| paper.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "CHAIN",
            "FILES",
            "README.txt",
            "SHA256SUMS",
            "SHA256SUMS.sig",
            "allowed_signers",
            "checkpoint.txt",
            "checkpoint.txt.sig",
            "names.csv",
            "statements/000001.txt",
            "statements/000001.txt.sig",
            "statements/000002.txt",
            "statements/000002.txt.sig",
            "statements/000003.txt",
            "statements/000003.txt.sig",
            "studio_signers",
            "verify.sh"
        ]
    );
    assert_eq!(text("statements/000002.txt"), bench.statements[1]);
    let signers = text("allowed_signers");
    let first = signers.lines().next().unwrap();
    assert_eq!(
        first,
        format!(
            "{} namespaces=\"statement@deadwax\",valid-after=\"20261118111040Z\",valid-before=\"20261118111640Z\" {}",
            uuid(1),
            people[0].line()
        )
    );
    assert_eq!(signers.lines().filter(|line| line.contains("valid-before")).count(), 1);
    // A name is a name for every spreadsheet too.
    assert_eq!(
        text("names.csv"),
        format!(
            "person,name\n{},Ana\n{},\"'=HYPERLINK(\"\"http://x\"\")\"\n{},\"Lou, the \"\"label\"\"\"\n",
            uuid(1),
            uuid(2),
            uuid(3)
        )
    );
    let digest = |bytes: &[u8]| sha256(bytes).to_string();
    assert_eq!(
        text("FILES"),
        format!(
            "{}  Record2/cd/IMAGE.DAT\n{}  Record2/cue.txt\n{}  ZoesSong_Mix1/Ana_ZoesSong_Inst_v01_48k24b.wav\n\
             {}  ZoesSong_Mix1/Ana_ZoesSong_Main_v01_48k24b.wav\n",
            digest(b"image"),
            digest(b"cue sheet"),
            digest(b"tone inst"),
            digest(b"tone main")
        )
    );
    let chain = text("CHAIN");
    assert_eq!(chain.lines().count(), bench.events.len());
    assert_eq!(chain.lines().filter(|line| line.split(' ').count() == 3).count(), 3);
    let readme = text("README.txt");
    assert!(
        readme.contains("000002  2026-11-18T11:14:40Z  Spacing 3, as mastering-engineer, by =HYPERLINK"),
        "{readme}"
    );
    assert!(
        text("studio_signers").starts_with("GoldRoom namespaces=\"checkpoint@deadwax\" ssh-ed25519 AAAA")
    );
}

#[tokio::test]
async fn the_same_facts_make_the_same_folder_but_for_the_checkpoints_time() {
    let (bench, _) = signed();
    let (first, again) = (bench.export().await, bench.export().await);
    assert_eq!(first, again);
    let zip = |folder: Folder| async move {
        folder.write(std::io::Cursor::new(Vec::new()), Time(T0)).await.unwrap().into_inner()
    };
    let later = bench.export_at(Time(T0 + 90_000_000)).await;
    let differ: Vec<&str> = first
        .papers
        .iter()
        .zip(&later.papers)
        .filter(|(one, other)| one != other)
        .map(|(one, _)| one.name.as_str())
        .collect();
    assert_eq!(differ, ["SHA256SUMS", "SHA256SUMS.sig", "checkpoint.txt", "checkpoint.txt.sig"]);
    let bytes = zip(first).await;
    assert_eq!(bytes, zip(again).await);
    // An ordinary tool unpacks it, and the script runs where it was unpacked.
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("e.zip"), bytes).unwrap();
    let mut archive = zip::ZipArchive::new(fs::File::open(out.path().join("e.zip")).unwrap()).unwrap();
    archive.extract(out.path()).unwrap();
    accepted(run(&out.path().join("evidence-NachtLied-3/verify.sh"), &["sh"], &[]));
}

#[tokio::test]
async fn a_changed_byte_in_any_file_is_refused_by_its_name() {
    let (bench, _) = signed();
    let there = bench.unpacked().await;
    let (_kept, script) = script();
    for name in there.names() {
        let good = fs::read(there.path(&name)).unwrap();
        let last = good.len() - 1;
        let mut places = vec![0, 1, last / 3, last / 2, last * 2 / 3, last - 1, last];
        // The one file that no list covers: every line of its armour.
        if name == "SHA256SUMS.sig" {
            places = (0..=last).step_by(11).chain([last]).collect();
            places.extend(good.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at));
        }
        for at in places {
            let mut bad = good.clone();
            bad[at] ^= [0x01, 0x20, 0x80][at % 3];
            fs::write(there.path(&name), bad).unwrap();
            let said = there.verify_with(&script, &[]);
            assert!(said.0 == 1 && said.1.contains(&name), "{name} byte {at}: {said:?}");
        }
        fs::write(there.path(&name), &good[..last / 2]).unwrap();
        refused(there.verify_with(&script, &[]), &name);
        fs::remove_file(there.path(&name)).unwrap();
        refused(there.verify_with(&script, &[]), &name);
        fs::write(there.path(&name), &good).unwrap();
    }
    accepted(there.verify(&[]));
}

/// One change of the folder, and the file that is to be named.
type Tamper = (&'static str, fn(&Unpacked, &[Signer]), &'static str);

fn swap(there: &Unpacked, one: &str, other: &str) {
    for end in ["", ".sig"] {
        let (one, other) = (format!("{one}{end}"), format!("{other}{end}"));
        let (a, b) = (there.text(&one), there.text(&other));
        there.write(&one, &b);
        there.write(&other, &a);
    }
}

fn move_down(there: &Unpacked, from: &str, to: &str) {
    for end in ["", ".sig"] {
        there.copy(&format!("{from}{end}"), &format!("{to}{end}"));
        there.remove(&format!("{from}{end}"));
    }
}

const ONE: &str = "statements/000001.txt";
const TWO: &str = "statements/000002.txt";
const THREE: &str = "statements/000003.txt";

/// What nobody can do without the key of whoever signed, the studio neither.
const AGAINST_SIGNERS: [Tamper; 13] = [
    ("a changed role", |it, _| it.edit(ONE, "role: artist", "role: label"), ONE),
    ("a changed role in the last", |it, _| it.edit(THREE, "role: label", "role: artist"), THREE),
    (
        "a swapped digest",
        |it, _| it.edit(ONE, &sha256(b"tone main").to_string(), &sha256(b"tone inst").to_string()),
        ONE,
    ),
    ("a changed time", |it, _| it.edit(TWO, "time: 2026-", "time: 2027-"), TWO),
    ("re-ordered", |it, _| swap(it, ONE, TWO), ONE),
    (
        "the first dropped",
        |it, _| {
            move_down(it, TWO, ONE);
            move_down(it, THREE, TWO);
        },
        ONE,
    ),
    ("the middle dropped", |it, _| move_down(it, THREE, TWO), TWO),
    (
        "duplicated",
        |it, _| {
            it.copy(THREE, "statements/000004.txt");
            it.copy("statements/000003.txt.sig", "statements/000004.txt.sig");
        },
        "statements/000004.txt",
    ),
    (
        "a foreign key's signature",
        |it, _| {
            let stranger = Signer::new(1, 99);
            it.write("statements/000001.txt.sig", &stranger.sign("statement@deadwax", &it.text(ONE)));
        },
        ONE,
    ),
    (
        "another signer's signature",
        |it, people| {
            it.write("statements/000001.txt.sig", &people[1].sign("statement@deadwax", &it.text(ONE)));
        },
        ONE,
    ),
    (
        "a signature for something else",
        |it, people| {
            it.write("statements/000001.txt.sig", &people[0].sign("key@deadwax", &it.text(ONE)));
        },
        ONE,
    ),
    (
        "another signer's name",
        |it, people| {
            it.edit(ONE, &uuid(people[0].person.0), &uuid(people[1].person.0));
        },
        ONE,
    ),
    (
        "another key named",
        |it, people| {
            it.edit(ONE, &people[0].id().to_string(), &people[1].id().to_string());
            it.write("statements/000001.txt.sig", &people[0].sign("statement@deadwax", &it.text(ONE)));
        },
        ONE,
    ),
];

#[tokio::test]
async fn no_statement_is_changed_moved_dropped_or_forged_by_anybody() {
    let (bench, people) = signed();
    let (_kept, script) = script();
    for (what, tamper, file) in AGAINST_SIGNERS {
        // Somebody who only has the folder.
        let there = bench.unpacked().await;
        tamper(&there, &people);
        let (code, said) = there.verify_with(&script, &[]);
        assert!(code == 1 && said.starts_with("REFUSED. "), "{what}: {said}");
        // Who also writes a new list of digests: the studio did not sign that one.
        there.list_again();
        refused(there.verify_with(&script, &[]), "SHA256SUMS");
        // The studio itself, with its own key.
        there.sign_again(&bench.key());
        let said = there.verify_with(&script, &[]);
        assert!(said.0 == 1 && said.1.starts_with(&format!("REFUSED. {file}")), "{what}: {said:?}");
    }
}

/// A studio that drops the last statement makes a shorter story that holds. Who kept an earlier list, or knows the newest statement, sees it.
#[tokio::test]
async fn a_dropped_last_statement_is_seen_by_who_kept_the_chain() {
    let (bench, _) = signed();
    let there = bench.unpacked().await;
    let kept = tempfile::tempdir().unwrap();
    let earlier = kept.path().join("CHAIN");
    fs::copy(there.path("CHAIN"), &earlier).unwrap();
    let earlier = earlier.to_str().unwrap();
    accepted(there.verify(&["-c", earlier]));
    there.remove(THREE);
    there.remove("statements/000003.txt.sig");
    refused(there.verify(&[]), THREE);
    there.list_again();
    refused(there.verify(&[]), "SHA256SUMS");
    there.seal_again(&bench.key());
    refused(there.verify(&[]), "CHAIN");
    // The studio cuts the history before it.
    let chain = there.text("CHAIN");
    let cut: String = chain
        .lines()
        .filter(|line| line.split(' ').count() < 3 || !line.starts_with("9 "))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_ne!(cut, chain);
    there.write("CHAIN", &cut);
    there.sign_again(&bench.key());
    let files: String = there
        .text("FILES")
        .lines()
        .filter(|line| !line.contains("Record2"))
        .map(|line| format!("{line}\n"))
        .collect();
    there.write("FILES", &files);
    there.seal_again(&bench.key());
    accepted(there.verify(&[]));
    refused(there.verify(&["-c", earlier]), "CHAIN");
}

#[tokio::test]
async fn another_projects_statement_is_refused() {
    let (bench, people) = signed();
    let mut other = Bench::new(0x9e1);
    people.iter().for_each(|signer| other.enrol(signer));
    other.approve(&people[0], "artist", Object::Mix);
    let there = bench.unpacked().await;
    let foreign = &other.statements[0];
    there.write(ONE, foreign);
    there.write("statements/000001.txt.sig", &people[0].sign("statement@deadwax", foreign));
    refused(there.verify(&[]), ONE);
    there.sign_again(&bench.key());
    let said = refused(there.verify(&[]), ONE);
    assert!(said.contains("another project"), "{said}");
}

#[tokio::test]
async fn a_history_that_was_cut_or_written_anew_is_refused() {
    let (bench, _) = signed();
    let stranger = tempfile::tempdir().unwrap();
    let stranger = StudioKey::of(stranger.path());
    let last = sha256(bench.statements[2].as_bytes()).to_string();

    let cut = bench.unpacked().await;
    let chain = cut.text("CHAIN");
    cut.write("CHAIN", &chain[..chain.trim_end().rfind('\n').unwrap() + 1]);
    refused(cut.verify(&[]), "CHAIN");
    cut.list_again();
    refused(cut.verify(&[]), "SHA256SUMS");
    cut.seal_again(&bench.key());
    refused(cut.verify(&[]), "CHAIN");

    let anew = bench.unpacked().await;
    anew.edit("CHAIN", "2 ", "2 0");
    anew.edit("CHAIN", "\n2 0", "\n2 ");
    let chain = anew.text("CHAIN");
    let second = chain.lines().nth(1).unwrap().to_owned();
    anew.write("CHAIN", &chain.replace(&second, &format!("2 {}", sha256(b"another fact"))));
    anew.point_again(&stranger, 3, &last);
    refused(anew.verify(&[]), "SHA256SUMS");
    // With the stranger's key in the place of the studio's it hangs together, and is another studio's word.
    anew.write(
        "studio_signers",
        &format!("GoldRoom namespaces=\"checkpoint@deadwax\" {}\n", stranger.public_key().unwrap()),
    );
    anew.seal_again(&stranger);
    let said = accepted(anew.verify(&[]));
    assert!(said.contains(&stranger.fingerprint().unwrap()), "{said}");
    refused(anew.verify(&["-k", &bench.key().fingerprint().unwrap()]), "studio_signers");
    let kept = bench.unpacked().await;
    refused(anew.verify(&["-c", kept.path("CHAIN").to_str().unwrap()]), "CHAIN");
    // A studio that counts wrongly.
    let miscounted = bench.unpacked().await;
    miscounted.point_again(&bench.key(), 2, &last);
    refused(miscounted.verify(&[]), "checkpoint.txt");
    miscounted.point_again(&bench.key(), 3, &sha256(b"x").to_string());
    refused(miscounted.verify(&[]), THREE);
}

#[tokio::test]
async fn a_key_counts_from_when_it_came_until_it_was_revoked() {
    // Revoked afterwards: what it signed stays signed.
    let (mut bench, people) = signed();
    bench.revoke(&people[0]);
    accepted(bench.unpacked().await.verify(&[]));
    // Revoked before it signed: no server takes that, and where one did, the evidence tells.
    bench.approve(&people[0], "artist", Object::Mix);
    let there = bench.unpacked().await;
    let said = refused(there.verify(&[]), "statements/000004.txt");
    assert!(said.contains("expired"), "{said}");
    // Nobody but the studio can change from when until when.
    let text = there.text("allowed_signers");
    let without = text.find(",valid-before").map(|at| text[..at].to_owned() + &text[at + 31..]).unwrap();
    there.write("allowed_signers", &without);
    refused(there.verify(&[]), "allowed_signers");
    there.list_again();
    refused(there.verify(&[]), "SHA256SUMS");

    // Used before it came.
    let mut early = Bench::new(0x9e0);
    let ana = Signer::new(1, 11);
    early.enrol(&ana);
    early.approve_at(&ana, "artist", Object::Mix, -20 * 60_000);
    let there = early.unpacked().await;
    assert!(refused(there.verify(&[]), ONE).contains("not yet valid"));
}

/// The time in a statement is the signer's: a clock that goes otherwise than the studio's, within what the rules allow, makes no true receipt a false one.
#[tokio::test]
async fn clocks_that_differ_do_not_matter() {
    for ahead_ms in [-14 * 60_000, 14 * 60_000] {
        let mut bench = Bench::new(0x9e0);
        let ana = Signer::new(1, 11);
        bench.enrol(&ana);
        bench.approve_at(&ana, "artist", Object::Mix, ahead_ms);
        bench.revoke(&ana);
        accepted(bench.unpacked().await.verify(&[]));
    }
}

#[tokio::test]
async fn the_audio_is_held_against_what_was_signed() {
    let (bench, _) = signed();
    let there = bench.unpacked().await;
    let audio = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = audio.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let folder = audio.path().to_str().unwrap();
    put("Record2/cd/IMAGE.DAT", b"image");
    put("Record2/cue.txt", b"cue sheet");
    put("ZoesSong_Mix1/Ana_ZoesSong_Inst_v01_48k24b.wav", b"tone inst");
    assert!(refused(there.verify(&[folder]), "Ana_ZoesSong_Main_v01_48k24b.wav").contains("not there"));
    // Under another name it is the same bytes.
    put("a name of, their 'own'.wav", b"tone main");
    assert!(accepted(there.verify(&[folder])).contains("4 files hold exactly the bytes that were signed"));
    // Two of one length, swapped: both are there, neither is what its name says.
    put("ZoesSong_Mix1/Ana_ZoesSong_Main_v01_48k24b.wav", b"tone inst");
    put("ZoesSong_Mix1/Ana_ZoesSong_Inst_v01_48k24b.wav", b"tone main");
    assert!(refused(there.verify(&[folder]), "v01_48k24b.wav").contains("other bytes"));
    let one = |name: &str| there.verify(&[audio.path().join(name).to_str().unwrap()]);
    accepted(one("Record2/cue.txt"));
    put("else.wav", b"tone mainx");
    refused(one("else.wav"), "else.wav");
    refused(one("nothing.wav"), "nothing.wav");
    // A list that names what nobody signed, by a studio that lies.
    let text = there.text("FILES");
    there.write("FILES", &text.replace(&sha256(b"image").to_string(), &sha256(b"IMAGE").to_string()));
    refused(there.verify(&[]), "FILES");
    there.seal_again(&bench.key());
    refused(there.verify(&[]), "FILES");
}

#[tokio::test]
async fn a_hundred_approvals_take_no_ten_seconds() {
    let mut bench = Bench::new(0x9e0);
    let people: Vec<Signer> = (1..=5).map(|n| Signer::new(n, n as u8)).collect();
    people.iter().for_each(|signer| bench.enrol(signer));
    for n in 0..100 {
        bench.approve(&people[n % 5], "artist", [Object::Mix, Object::Spacing, Object::Record][n % 3]);
    }
    let there = bench.unpacked().await;
    let begun = Instant::now();
    accepted(there.verify(&[]));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    swap(&there, "statements/000050.txt", "statements/000051.txt");
    there.sign_again(&bench.key());
    refused(there.verify(&[]), "statements/000050.txt");
}
