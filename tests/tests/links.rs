//! Share links at a real command line, over TLS: made, listed, opened by whoever holds one, revoked; and what stays of them when the project goes to another studio.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{fs, path::Path, process::Command};

use deadwax_client::{net::Client, profile::Profile};
use deadwax_proto::v1;
use deadwax_tests::harness::{House, Seat};
use tonic_types::StatusExt as _;

const PASSWORD: &str = "amber wolf 12";

/// Somebody who has nothing but the link: they trust the certificate that it was shown with.
fn open(house: &House, made: &serde_json::Value, password: &str) -> Result<v1::OpenLinkResponse, String> {
    let (address, secret) = made["link"].as_str().unwrap().split_once("/s#").unwrap();
    assert_eq!(address, format!("https://{}", house.address));
    let profile = Profile {
        url: format!("deadwax://{}", house.address),
        fingerprint: Some(made["fingerprint"].as_str().unwrap().to_owned()),
        ..Profile::default()
    };
    let asked = v1::OpenLinkRequest {
        secret: secret.into(),
        password: password.into(),
        device: "a browser".into(),
        api: deadwax_proto::API,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = Client::connect(&profile).await.unwrap();
        let opened = client.links().open(asked).await;
        opened.map(tonic::Response::into_inner).map_err(|status| {
            status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
        })
    })
}

fn invited(house: &House, root: &Path, by: &Seat, (name, role): (&str, &str)) -> Seat {
    let email = format!("{name}@mix.example");
    let said = by.verb(["invite", "--name", name, "--email", &email, "--roles", role]).unwrap();
    let seat = house.seat(root, name).unwrap();
    seat.verb(["login", said.first()["link"].as_str().unwrap()]).unwrap();
    seat
}

#[test]
fn a_link_is_made_listed_opened_and_revoked_and_stays_behind_when_the_project_travels() {
    let root = tempfile::tempdir().unwrap();
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    let mut house = House::found(exe, root.path()).unwrap();
    house.open().unwrap();
    let noor = house.seat(root.path(), "noor").unwrap();
    noor.verb(["login", &house.owner_link]).unwrap();
    noor.verb(["project", "create", "Night Drive", "--artist", "Ana"]).unwrap();
    noor.verb(["song", "add", "Ember"]).unwrap();
    let lena = invited(&house, root.path(), &noor, ("Lena", "label"));
    let max = invited(&house, root.path(), &noor, ("Max", "mix-engineer"));
    let words = root.path().join("words");
    fs::write(&words, format!("{PASSWORD}\n")).unwrap();

    let for_dana = ["link", "make", "--for", "Dana Holt", "--song", "Ember", "--times", "2", "--notes"];
    let with_password = [&for_dana[..], &["--password-file", words.to_str().unwrap()]].concat();
    let made = lena.verb(with_password).unwrap().first().clone();
    max.refused("NOT_YOUR_ROLE", for_dana).unwrap();
    let two_things = lena.try_verb(["link", "make", "--for", "Dana", "--album", "--song", "Ember"]).unwrap();
    assert_eq!(two_things.code, 2, "{}", two_things.stderr);
    let for_ever = ["link", "make", "--for", "Teo Kern", "--album", "--until", "2099-01-01"];
    let for_ever = noor.try_verb(for_ever).unwrap();
    assert_eq!(for_ever.code, 2);
    assert!(for_ever.stderr.contains("LINK_TERMS_INVALID"), "{}", for_ever.stderr);

    assert_eq!(open(&house, &made, "").unwrap_err(), "LINK_PASSWORD_NEEDED");
    let opened = open(&house, &made, PASSWORD).unwrap();
    assert_eq!(opened.guest.unwrap().name, "Dana Holt");
    let listed = noor.verb(["link", "list"]).unwrap();
    let link = listed.first();
    assert_eq!((&link["recipient"], &link["scope_words"]), (&"Dana Holt".into(), &"\"Ember\"".into()));
    assert_eq!((&link["sessions_used"], &link["sessions_max"]), (&1.into(), &2.into()));
    assert_eq!((&link["state"], &link["made_by"]), (&"live".into(), &"Lena".into()));
    assert_eq!(link["opened"][0]["device"], "a browser");
    max.refused("NOT_YOUR_ROLE", ["link", "list"]).unwrap();

    // The journal holds it over a restart.
    house.kill().unwrap();
    house.open().unwrap();
    open(&house, &made, PASSWORD).unwrap();
    assert_eq!(open(&house, &made, PASSWORD).unwrap_err(), "LINK_USED_UP");
    noor.refused("NO_SUCH_LINK", ["link", "revoke", "Mara", "--yes"]).unwrap();
    let ended = noor.verb(["link", "revoke", "dana", "--yes"]).unwrap();
    assert_eq!(ended.first()["sessions_ended"], 2);
    assert_eq!(open(&house, &made, PASSWORD).unwrap_err(), "LINK_ENDED");
    let second = noor.verb(["link", "make", "--for", "Teo Kern", "--album"]).unwrap().first().clone();
    open(&house, &second, "").unwrap();
    let log = house.log().join("\n");
    let secret = made["link"].as_str().unwrap().split_once('#').unwrap().1;
    assert!(!log.contains(secret) && !log.contains(PASSWORD) && !log.contains("Dana"), "{log}");

    // To another studio: the guest travels as a name, and nothing opens the link there.
    house.close().unwrap();
    let (to, there) = (root.path().join("export"), root.path().join("there"));
    let done = house.server_verb("export", &["--to", to.to_str().unwrap()]).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let people = fs::read_to_string(to.join("people.jsonl")).unwrap();
    assert!(people.contains("Teo Kern") && !people.contains("dwx_link_"), "{people}");
    let import = ["server", "import", to.to_str().unwrap(), "--to", there.to_str().unwrap()];
    let import = Command::new(exe).args(import).args(["--email", "noor@goldroom.example"]).output().unwrap();
    assert!(import.status.success(), "{}", String::from_utf8_lossy(&import.stderr));
    let verify = Command::new(exe).args(["server", "verify"]).arg(&there).output().unwrap();
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stderr));
}
