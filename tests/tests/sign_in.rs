//! A person's ways in, at a real command line: link, passphrase, another session by the machine's key, another machine, and the end of it all.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{fs, path::Path};

use deadwax_tests::harness::{House, Seat};

const WORDS: &str = "four old tape machines";

fn link(by: &Seat, args: &[&str]) -> String {
    let said = by.verb([&["invite"], args].concat()).unwrap();
    said.first()["link"].as_str().unwrap().to_owned()
}

#[test]
fn the_passphrase_and_the_machine_open_the_next_session_and_either_alone_opens_none() {
    let root = tempfile::tempdir().unwrap();
    let mut house = House::found(Path::new(env!("CARGO_BIN_EXE_demo")), root.path()).unwrap();
    house.open().unwrap();
    let (words, others) = (root.path().join("words"), root.path().join("others"));
    fs::write(&words, format!("{WORDS}\n")).unwrap();
    fs::write(&others, "seven rusty razor blades\n").unwrap();
    let (words, others) = (words.to_str().unwrap(), others.to_str().unwrap());

    let noor = house.seat(root.path(), "noor").unwrap();
    let said = noor.verb(["login", &house.owner_link]).unwrap();
    assert_eq!(said.first()["has_passphrase"], false);
    noor.refused("PASSPHRASE_NEEDED", ["passphrase"]).unwrap();
    noor.verb(["passphrase", "--new-file", words]).unwrap();
    noor.refused("PASSPHRASE_WRONG", ["passphrase", "--current-file", others, "--new-file", others]).unwrap();

    // The same machine, again; the session before it has ended by that.
    let said = noor.verb(["login", "--passphrase-file", words]).unwrap();
    assert_eq!(said.first()["has_passphrase"], true);
    noor.verb(["status"]).unwrap();
    noor.refused("SIGN_IN_REFUSED", ["login", "--passphrase-file", others]).unwrap();
    noor.verb(["status"]).unwrap();

    // The journal holds it over a restart.
    house.kill().unwrap();
    house.open().unwrap();
    noor.verb(["login", "--passphrase-file", words]).unwrap();

    // Another machine needs a link and the passphrase, and tells so without using the link up.
    let further = link(&noor, &[]);
    let phone = house.seat(root.path(), "phone").unwrap();
    phone.refused("PASSPHRASE_NEEDED", ["login", &further]).unwrap();
    phone.verb(["login", &further, "--passphrase-file", words]).unwrap();
    phone.verb(["status"]).unwrap();

    // A profile that was copied without its key is no machine.
    let bare = house.seat(root.path(), "bare").unwrap();
    let profile = noor.home.join("profiles/noor-haddad.toml");
    let text = fs::read_to_string(&profile).unwrap();
    let (head, _) = text.split_once("device = ").unwrap();
    fs::create_dir_all(bare.home.join("profiles")).unwrap();
    fs::write(bare.home.join("profiles/noor-haddad.toml"), head).unwrap();
    bare.refused("LINK_NEEDED", ["login", "--profile", "noor-haddad", "--passphrase-file", words]).unwrap();
    // Its token works, and changes no way in: that takes the key that stayed behind.
    bare.verb(["status"]).unwrap();
    bare.refused("PROOF_NEEDED", ["invite"]).unwrap();
    let change = ["passphrase", "--current-file", words, "--new-file", others];
    bare.refused("PROOF_NEEDED", change).unwrap();
    link(&noor, &[]);

    // Signed out: the key is worthless, here and there.
    phone.verb(["logout"]).unwrap();
    assert!(phone.try_verb(["login", "--passphrase-file", words]).unwrap().code != 0);
    let log = house.log().join("\n");
    assert!(!log.contains(WORDS) && !log.contains("seven rusty"), "no passphrase stands in the log");
}

#[test]
fn an_owner_ends_every_way_in_of_somebody_who_left() {
    let root = tempfile::tempdir().unwrap();
    let mut house = House::found(Path::new(env!("CARGO_BIN_EXE_demo")), root.path()).unwrap();
    house.open().unwrap();
    let noor = house.seat(root.path(), "noor").unwrap();
    noor.verb(["login", &house.owner_link]).unwrap();
    noor.verb(["project", "create", "Night Drive", "--artist", "Ana"]).unwrap();
    let bob = house.seat(root.path(), "bob").unwrap();
    let invite = ["Bob Kern", "bob@mix.example", "mix-engineer"];
    let asked = ["--name", invite[0], "--email", invite[1], "--roles", invite[2], "--project", "Night Drive"];
    bob.verb(["login", &link(&noor, &asked)]).unwrap();
    bob.verb(["status"]).unwrap();
    bob.refused("NOT_YOUR_ROLE", ["end-access", "noor@goldroom.example", "--yes"]).unwrap();

    let said = noor.verb(["end-access", "bob@mix.example", "--leave-projects", "--yes"]).unwrap();
    assert_eq!((&said.first()["sessions_ended"], &said.first()["projects_left"]), (&1.into(), &1.into()));
    bob.refused("SESSION_ENDED", ["status"]).unwrap();
    noor.refused("YOURSELF", ["end-access", "noor@goldroom.example", "--yes"]).unwrap();
    noor.refused("NO_SUCH_PERSON", ["end-access", "nobody@mix.example", "--yes"]).unwrap();
}
