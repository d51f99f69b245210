//! The label's part of the main job, in a browser: come in, listen, write a note that the others see at once, read the gate, sign with a key of the browser; and the
//! receipt holds for the same tools. Then the tab is closed and opened again.

use deadwax_tests::{
    browser::{self, Tab},
    demo, evidence,
};
use serde_json::Value;

use super::world::{PASSPHRASE, World, two_mixes, unharmed, world};

fn receipts(on: &demo::Studio) -> Vec<Value> {
    on.cast
        .label
        .try_verb(["receipts"])
        .unwrap()
        .lines
        .into_iter()
        .filter(|it| it["sequence"].is_u64())
        .collect()
}

#[test]
fn the_label_listens_notes_and_signs_and_the_receipt_holds() {
    let Some(world) = world(&two_mixes()) else { return };
    let on = &world.on;
    let tab = world.enter(&on.cast.label, browser::DESKTOP);
    tab.sees("Approve Mix 2").unwrap();
    world.open_song(&tab);
    tab.wait(
        "document.querySelector('.takes [aria-checked=true]')?.innerText.includes('Mix 2')",
        "Mix 2 is chosen",
    )
    .unwrap();
    tab.sees("The gate of mixing").unwrap();
    tab.sees("Lena Ruiz").unwrap();

    // It sounds, and the studio counts what was heard.
    tab.press("Play").unwrap();
    tab.wait("document.querySelector('.transport .clock').innerText.split(' ')[0] > '0:02.0'", "two seconds")
        .unwrap();
    tab.press("Pause").unwrap();

    let artist = notes(&world, &tab);
    signs(on, &tab);
    holds(&world, &tab);
    let later = comes_back(&world, &tab);
    for tab in [&tab, &artist, &later] {
        unharmed(tab);
    }
}

/// A note at a time, seen by the others without being asked for; theirs is seen here. Answers the artist's window.
fn notes(world: &World, tab: &Tab) -> Tab {
    let on = &world.on;
    let artist = world.enter(&on.cast.artist, browser::PHONE);
    world.open_song(&artist);
    tab.fill("#note-text", "The bridge breathes now. Leave it so.").unwrap();
    tab.press("Add note").unwrap();
    artist.sees("The bridge breathes now. Leave it so.").unwrap();
    on.cast.artist.verb(["note", "And the echo behind it is mine.", "--at", "0:03"]).unwrap();
    tab.sees("And the echo behind it is mine.").unwrap();
    tab.press("Resolve").unwrap();
    tab.wait(
        "!document.querySelector('.threads').innerText.includes('The bridge breathes')",
        "it is settled",
    )
    .unwrap();
    // Each settles what they wrote; the gate waits for that.
    artist.press("Resolve").unwrap();
    tab.sees("Every note is settled.").unwrap();
    artist
}

/// The artist signs in a terminal, the label here: what is quoted is what is signed.
fn signs(on: &demo::Studio, tab: &Tab) {
    on.cast.artist.verb(["approve", "--version", "mix 2", "--role", "artist", "--yes"]).unwrap();
    tab.sees("Mara Lind").unwrap();
    let before = receipts(on).len();
    let mix = demo::cast::version(&on.cast.label, "mix", 2).unwrap();
    tab.press("Approve").unwrap();
    tab.wait("!!document.querySelector('dialog[open]')", "the question").unwrap();
    for quoted in ["Night Drive", "LUFS", "Length"] {
        tab.sees(quoted).unwrap();
    }
    let fingerprint = mix["fingerprint"].as_str().unwrap();
    assert_eq!(tab.run("document.querySelector('dialog .print').title").unwrap(), fingerprint);
    // Not Enter on the page, not a key: only the button that says what it does.
    tab.key("Enter").unwrap();
    tab.press("Approve Mix 2").unwrap();
    tab.sees("You approved Mix 2, receipt 1.").unwrap();
    let signed = receipts(on);
    assert_eq!(signed.len(), before + 1, "{signed:?}");
}

/// By the house's own tool and by everybody's; and the gate opened by it.
fn holds(world: &World, tab: &Tab) {
    let on = &world.on;
    let zip = world.root.path().join("evidence.zip");
    on.cast.label.verb(["evidence", "-o", zip.to_str().unwrap()]).unwrap();
    let said = on.cast.label.try_verb(["verify", zip.to_str().unwrap()]).unwrap();
    assert_eq!(said.code, 0, "{:?} {}", said.lines, said.stderr);
    let folder = world.root.path().join("evidence");
    on.cast.label.verb(["evidence", "-o", folder.to_str().unwrap()]).unwrap();
    let folder = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    if let Some((holds, said)) = evidence::script(&folder, &[]).unwrap() {
        assert!(holds, "{said}");
    }
    let song = demo::cast::song(&on.cast.label).unwrap();
    assert_eq!(song["stage"], "mastering", "the gate was met by it");
    tab.sees("Mastering").unwrap();
}

/// The tab keeps its session; another one asks for the passphrase, and a wrong one is none.
fn comes_back(world: &World, tab: &Tab) -> Tab {
    tab.reload().unwrap();
    tab.wait("!!document.querySelector('.takes button')", "the song again").unwrap();
    let later = world.browser.beside(tab, browser::TABLET).unwrap();
    later.go(&world.address()).unwrap();
    later.sees("Welcome back, Lena Ruiz").unwrap();
    later.fill("input[type=password]", "not the one that she chose").unwrap();
    later.press("Sign in").unwrap();
    later
        .wait("document.querySelector('.problem')?.dataset.reason === 'SIGN_IN_REFUSED'", "the refusal")
        .unwrap();
    later.run("document.querySelector('input[type=password]').value = ''").unwrap();
    later.fill("input[type=password]", PASSPHRASE).unwrap();
    later.press("Sign in").unwrap();
    later.sees("Hello, Lena").unwrap();
    // The session before it ended with it: the tab that is open says so.
    tab.sees("Your session ended").unwrap();
    later
}
