//! The verbs of keys and receipts as a person runs them.

use std::process::Command;

use deadwax_proto::v1::action::Action;
use serde_json::Value;

use super::{
    kit::House,
    net_fake::{Fake, records::Book},
    set::{self, ANA, MAIN, PROJECT, Set, TRACK, sha},
    signing::rows,
};

/// Ana, and a book that has none of her keys yet.
async fn open() -> House {
    let house = House::of(ANA, rows()).await;
    let mut seen = house.fake.seen();
    seen.book = Some(Book::new(PROJECT, ANA));
    for bytes in [MAIN, TRACK] {
        seen.files.insert(sha(bytes), bytes.to_vec());
    }
    drop(seen);
    house
}

impl House {
    async fn fine(&self, args: &[&str]) -> (String, String) {
        let output = self.run(args).await;
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    }

    async fn no(&self, args: &[&str]) -> (i32, String) {
        let output = self.run(args).await;
        let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
        (output.status.code().unwrap(), told)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn an_approval_is_signed_once_there_is_a_key() {
    let house = open().await;
    let (code, told) = house.no(&["approve", "--role", "label", "--yes"]).await;
    assert_eq!(code, 1);
    assert!(told.contains("NOT_SIGNED") || told.contains("asks for a receipt"), "{told}");
    assert!(told.contains("deadwax key new"), "{told}");
    let (code, told) = house.no(&["key", "show"]).await;
    assert!(code == 1 && told.contains("deadwax key new"), "{told}");

    let (made, aside) = house.fine(&["key", "new"]).await;
    assert!(made.starts_with("ssh-ed25519 ") && aside.contains("no passphrase"), "{made}{aside}");
    let (shown, _) = house.fine(&["key", "show"]).await;
    assert!(shown.contains("Night Drive EP: not enrolled"), "{shown}");
    let (done, aside) = house.fine(&["--json", "approve", "--role", "label", "--yes"]).await;
    assert!(aside.contains("made known first"), "{aside}");
    let done: Value = serde_json::from_str(&done).unwrap();
    assert_eq!(
        (done["receipt"]["sequence"].as_u64(), done["receipt"]["enrolled"].as_bool()),
        (Some(1), Some(true))
    );
    assert!(done["receipt"]["statement"].as_str().unwrap().starts_with("deadwax-statement/1\n"));
    house.fine(&["spacing", "approve", "--role", "label", "--yes"]).await;
    let actions = house.fake.seen().actions.clone();
    assert!(
        matches!(actions.last(), Some(Action::ApproveSpacing(it)) if it.receipt.is_some() && it.number == 3)
    );
    let (code, _) = house.no(&["approve", "--role", "label", "--yes", "--no-key"]).await;
    assert_eq!(code, 1);
    let last = house.fake.seen().actions.last().cloned();
    assert!(matches!(last, Some(Action::Approve(it)) if it.receipt.is_none()));
    // Nothing of the key or the token is told by anybody.
    let secret = std::fs::read_to_string(house.path().join("home/keys/ana")).unwrap();
    let inside: String = secret.lines().nth(2).unwrap().chars().take(30).collect();
    assert!(!format!("{made}{shown}{done}").contains(&inside));

    let (shown, _) = house.fine(&["--json", "key", "show"]).await;
    let key: Value = serde_json::from_str(&shown).unwrap();
    let key = key["fingerprint"].as_str().unwrap().to_owned();
    let (code, told) = house.no(&["key", "revoke", "ffffffff", "--reason", "lost", "--yes"]).await;
    assert!(code == 2 && told.contains("no key in"), "{told}");
    house.fine(&["key", "revoke", &key[..12], "--reason", "lost", "--yes"]).await;
    let (code, told) = house.no(&["approve", "--role", "label", "--yes"]).await;
    assert!(code == 1 && told.contains("revoked") && told.contains("--again"), "{told}");
    let (shown, _) = house.fine(&["key", "show"]).await;
    assert!(shown.contains("revoked"), "{shown}");
    // The first after all others were revoked needs nobody to vouch.
    house.fine(&["key", "new", "--again"]).await;
    let (done, _) = house.fine(&["key", "enrol"]).await;
    assert!(done.contains("enrolled"), "{done}");
    let (again, _) = house.fine(&["key", "enrol", "--all"]).await;
    assert!(again.contains("known already"), "{again}");
}

#[tokio::test]
async fn a_key_in_a_file_is_used_where_it_is() {
    let house = open().await;
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f", "k"])
        .current_dir(house.path())
        .status();
    if !made.is_ok_and(|it| it.success()) {
        eprintln!("SKIPPED: there is no ssh-keygen on this machine");
        return;
    }
    let (told, _) = house.fine(&["key", "use", "k"]).await;
    let public = std::fs::read_to_string(house.path().join("k.pub")).unwrap();
    assert!(public.starts_with(told.lines().next().unwrap()), "{told}");
    let (code, told) = house.no(&["key", "use", "k.pub"]).await;
    assert!(code == 1 && (told.contains("public half") || told.contains("read by others")), "{told}");
    let (code, told) = house.no(&["key", "agent"]).await;
    assert!(code == 1 && told.contains("SSH_AUTH_SOCK"), "{told}");
    let (shown, _) = house.fine(&["key", "show"]).await;
    assert!(shown.contains("/k"), "what could not be used was not written down: {shown}");
}

/// The record that the evidence is of, as the studio shows it now.
fn shows(fake: &Fake, set: &Set) {
    let mut seen = fake.seen();
    let book = seen.book.as_mut().unwrap();
    book.lines = set.chain().lines().map(str::to_owned).collect();
    book.studio = set.studio.clone();
    book.evidence = set::zip(&set.files(), "evidence-NightDriveEP-3");
}

#[tokio::test]
async fn evidence_is_checked_before_it_is_put_in_place() {
    let house = open().await;
    let set = Set::new();
    let (told, _) = house.fine(&["receipts"]).await;
    assert!(told.contains("Nothing was signed"), "{told}");
    shows(&house.fake, &set);
    let (list, _) = house.fine(&["receipts"]).await;
    assert_eq!(list.lines().count(), 3, "{list}");
    assert!(list.contains("#1") && list.contains("Ana as artist: Master 2 of Night Drive"), "{list}");
    let (list, _) = house.fine(&["receipts", "Night Drive"]).await;
    assert_eq!(list.lines().count(), 1, "{list}");
    house.fine(&["evidence"]).await;
    assert!(house.path().join("evidence-NightDriveEP-3.zip").is_file());
    house.fine(&["evidence", "-o", "out"]).await;
    let folder = house.path().join("out/evidence-NightDriveEP-3");
    assert!(folder.join("statements/000003.txt.sig").is_file());

    // Offline, from here on.
    let (told, _) = house.fine(&["verify", "out/evidence-NightDriveEP-3"]).await;
    assert!(told.contains("holds: 3 statement(s)"), "{told}");
    std::fs::write(house.path().join("main.wav"), MAIN).unwrap();
    let (told, _) = house.fine(&["--json", "verify", "evidence-NightDriveEP-3.zip", "main.wav"]).await;
    let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!((last["holds"].as_bool(), last["sound_files"].as_u64()), (Some(true), Some(1)));
    std::fs::write(house.path().join("main.wav"), b"something else").unwrap();
    let (code, told) = house.no(&["verify", "evidence-NightDriveEP-3.zip", "main.wav"]).await;
    assert!(code == 1 && told.contains("main.wav") && told.contains("DOES NOT HOLD"), "{told}");
    let statement = "out/evidence-NightDriveEP-3/statements/000001.txt";
    let (code, told) = house.no(&["verify", statement]).await;
    assert!(code == 2 && told.contains("--key"), "{told}");
    house.fine(&["verify", statement, "--key", "out/evidence-NightDriveEP-3/allowed_signers"]).await;
    std::fs::write(folder.join("names.csv"), "x").unwrap();
    let (code, told) = house.no(&["verify", "out/evidence-NightDriveEP-3"]).await;
    assert!(code == 1 && told.contains("names.csv"), "{told}");
}

#[tokio::test]
async fn evidence_that_does_not_hold_is_not_put_in_place() {
    let house = open().await;
    let mut set = Set::new();
    shows(&house.fake, &set);
    let text = set.statements[1].0.clone();
    set.statements[1].1 = set::signed(&set::key(7), "statement@deadwax", &text);
    house.fake.seen().book.as_mut().unwrap().evidence = set::zip(&set.files(), "evidence");
    let (code, told) = house.no(&["evidence", "-o", "e.zip"]).await;
    assert!(code == 1 && told.contains("statements/000002.txt"), "{told}");
    assert!(!house.path().join("e.zip").exists());
    // A true one of another record than the studio shows.
    house.fake.seen().book.as_mut().unwrap().evidence = set::zip(&Set::new().files(), "evidence");
    house.fake.seen().book.as_mut().unwrap().lines[0] = format!("1 {}", "ab".repeat(32));
    let (code, told) = house.no(&["evidence", "-o", "e.zip"]).await;
    assert!(code == 1 && told.contains("was rewritten"), "{told}");
    assert!(!house.path().join("e.zip").exists());
}
