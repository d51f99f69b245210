//! Four people at four terminals, from the take to the delivery by keys alone: a range note, a revision, a comparison, signatures, a master, a delivery. A window is
//! pulled to another size, the server is killed and comes back, and somebody writes what attacks a terminal.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::path::Path;

use anyhow::{Result, ensure};
use deadwax_client::net::new_id;
use deadwax_proto::v1::{self, action::Action};
use deadwax_tests::{
    demo::{Log, Material, Studio, cast},
    pane::Pane,
    song,
};

/// A title of a window and a clipboard: the house takes no such text.
const COMMANDS: &str = "so quiet\u{1b}]0;pwned\u{7} \u{1b}]52;c;ZXZpbA==\u{7}";
/// A turned reading direction and letters that nobody sees: whoever writes from right to left may send it, and whoever shows it scrubs it.
const TURNED: &str = "so quiet \u{202e}lanif\u{2066} \u{e0041}";

struct House {
    on: Studio,
    artist: Pane,
    mixer: Pane,
    masterer: Pane,
    label: Pane,
}

#[test]
fn four_people_bring_a_song_from_the_take_to_the_delivery_by_keys_alone() {
    let root = tempfile::tempdir().unwrap();
    let mut house = open(root.path()).unwrap();
    take(&mut house).unwrap();
    first_mix(&mut house).unwrap();
    line_is_cut(&mut house).unwrap();
    second_mix(&mut house).unwrap();
    mix_is_signed(&mut house).unwrap();
    master(&mut house).unwrap();
    delivery(&mut house).unwrap();
    for pane in [house.artist, house.mixer, house.masterer, house.label] {
        assert!(!pane.ever_wrote(b"]0;pwned\x07"), "{} let a title through", pane.name);
        assert!(!pane.ever_wrote(b"]52;c;ZXZ"), "{} let a clipboard through", pane.name);
        for mark in ["\u{202e}", "\u{2066}", "\u{e0041}"] {
            assert!(!pane.ever_wrote(mark.as_bytes()), "{} let {mark:?} through", pane.name);
        }
        assert_eq!(pane.leave().unwrap(), 0);
    }
}

fn open(root: &Path) -> Result<House> {
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    let material = Material::Song(Box::new(song::arrange().begun_at_the_bridge()));
    let on = Studio::found(exe, root, material, Log::new(true))?;
    let pane = |seat: &deadwax_tests::harness::Seat, size| Pane::open(exe, &seat.home, &seat.name, size);
    let artist = pane(&on.cast.artist, (80, 24))?;
    let mixer = pane(&on.cast.mixer, (120, 40))?;
    let masterer = pane(&on.cast.masterer, (80, 24))?;
    let label = pane(&on.cast.label, (120, 40))?;
    let mut house = House { on, artist, mixer, masterer, label };
    for pane in [&mut house.artist, &mut house.mixer, &mut house.masterer, &mut house.label] {
        pane.sees("● live")?;
        // To the project, then to its only song.
        pane.does("2", "Night Drive")?;
        pane.does("<enter>", "Recording")?;
    }
    Ok(house)
}

/// The main alone: what an engineer exports is made outside of this house.
fn push(on: &Studio, number: u32, stage: &str) -> Result<()> {
    let folder = on.folder("files")?;
    let seat = if stage == "take" { &on.cast.artist } else { &on.cast.mixer };
    let file = match stage {
        "take" => on.material.take(&folder)?,
        _ => on.material.mix(number, &folder)?.remove(0).path,
    };
    seat.verb([
        "push".into(),
        file.into_os_string(),
        "--stage".into(),
        stage.into(),
        "--alternate".into(),
        "main".into(),
        "--yes".into(),
    ])?;
    Ok(())
}

fn take(house: &mut House) -> Result<()> {
    push(&house.on, 1, "take")?;
    house.mixer.does("<enter>", "Take 1")?;
    sign(&mut house.mixer, "Take 1")?;
    house.mixer.sees("Mixing")
}

/// `a`, read what is signed, `y`.
fn sign(pane: &mut Pane, version: &str) -> Result<()> {
    pane.sees(version)?;
    pane.does("a", "Approve: sign these exact files?")?;
    pane.sees("You sign as")?;
    pane.keys("y")?;
    pane.sees_no("sign these exact files?")
}

fn first_mix(house: &mut House) -> Result<()> {
    push(&house.on, 1, "mix")?;
    house.artist.does("<enter>", "Mix 1")?;
    // Heard elsewhere, and says so.
    house.artist.does("E", "Please confirm")?;
    house.artist.does("y", "heard")?;
    // A range, by an action found with its words: whoever does not know the key finds it so.
    house.artist.keys("llllllllll")?;
    house.artist.does(":", "Find an action")?;
    house.artist.does("start a range", "Start a range")?;
    house.artist.keys("<enter>")?;
    house.artist.sees_no("Find an action")?;
    house.artist.keys("llllllllllllllll")?;
    house.artist.does("n", "Note on Mix 1")?;
    house.artist.does("The last chorus needs more voice<enter>", "more voice")?;
    house.artist.sees_no("Note on Mix 1, at")?;
    // Live at the others, who did nothing.
    house.mixer.sees("The last chorus needs more voice")?;
    attack(&house.on)?;
    house.artist.sees("so quiet")?;
    house.label.does("<enter>", "so quiet")?;
    // Text that was left behind comes back.
    house.artist.does("N", "as a whole")?;
    house.artist.does("not yet", "not yet")?;
    house.artist.does("<esc>", "Esc again")?;
    house.artist.keys("<esc>")?;
    // The prompt is gone before another key comes: Esc and a letter in one breath are Alt and the letter.
    house.artist.sees_no("as a whole")?;
    house.artist.does("U", "not yet")?;
    house.artist.does("<esc>", "Esc again")?;
    house.artist.keys("<esc>")?;
    // The prompt is gone before another key comes: Esc and a letter in one breath are Alt and the letter.
    house.artist.sees_no("as a whole")?;
    house.artist.does("R", "Ask for a revision of Mix 1")?;
    house.artist.keys("<enter>")?;
    house.artist.keys("Nearly there")?;
    house.artist.keys("<enter>")?;
    house.artist.sees_no("Ask for a revision")?;
    house.mixer.sees("round 1 of")
}

/// A client that does not scrub sends it; the house or the others' clients must stop it.
fn attack(on: &Studio) -> Result<()> {
    let mix = cast::version(&on.cast.label, "mix", 1)?;
    let note = |text: &str| {
        Action::AddNote(v1::AddNote {
            note_id: new_id(),
            version_id: mix["version_id"].as_str().unwrap_or_default().to_owned(),
            text: text.to_owned(),
            ..v1::AddNote::default()
        })
    };
    let project_id = on.project_id()?;
    on.runtime.block_on(async {
        let client = cast::client(&on.cast.label).await?;
        let refused = client.perform(&project_id, note(COMMANDS)).await;
        ensure!(refused.is_err(), "the house took what commands a terminal");
        client.perform(&project_id, note(TURNED)).await?;
        anyhow::Ok(())
    })
}

fn line_is_cut(house: &mut House) -> Result<()> {
    house.on.house.kill()?;
    for pane in [&house.artist, &house.label] {
        pane.sees("Offline for")?;
    }
    // What was here can still be read, and the window can still be pulled.
    house.artist.resize(120, 40)?;
    house.artist.sees("more voice")?;
    house.artist.resize(80, 24)?;
    house.artist.sees("× offline")?;
    house.on.house.open()?;
    for pane in [&house.artist, &house.mixer, &house.masterer, &house.label] {
        pane.sees("● live")?;
    }
    Ok(())
}

fn second_mix(house: &mut House) -> Result<()> {
    push(&house.on, 2, "mix")?;
    for pane in [&house.artist, &house.mixer, &house.label] {
        pane.sees("Mix 2")?;
    }
    // Both notes are done with one key.
    house.mixer.does("**", "2 chosen")?;
    house.mixer.does("d", "2 of 2 done")?;
    accept(&mut house.artist, "more voice", "1 settled hidden")?;
    accept(&mut house.label, "so quiet", "2 settled hidden")?;
    house.artist.does("C", "Compare")?;
    house.artist.keys("<esc>")?;
    house.artist.sees("Notes")
}

/// The author finds the own note by a word of it and accepts what was done.
fn accept(pane: &mut Pane, word: &str, then: &str) -> Result<()> {
    pane.does(&format!("/{word}"), "shown")?;
    pane.keys("<enter>")?;
    pane.sees("/ changes it")?;
    pane.does("c", then)?;
    pane.keys("<esc>")?;
    pane.sees_no("/ changes it")
}

fn mix_is_signed(house: &mut House) -> Result<()> {
    deadwax_tests::demo::mixing::examined(&house.on, "mix", 2)?;
    sign(&mut house.artist, "Mix 2")?;
    sign(&mut house.label, "Mix 2")?;
    house.label.sees("Mastering")
}

fn master(house: &mut House) -> Result<()> {
    let pane = &mut house.masterer;
    pane.does("m", "Master")?;
    pane.does("g", "Accept the handoff")?;
    pane.keys("y")?;
    pane.sees_no("Please confirm")?;
    pane.sees("Master 1")?;
    for pane in [&mut house.artist, &mut house.label] {
        pane.sees("Master 1")?;
    }
    deadwax_tests::demo::mixing::examined(&house.on, "master", 1)?;
    sign(&mut house.artist, "Master 1")?;
    sign(&mut house.label, "Master 1")
}

fn delivery(house: &mut House) -> Result<()> {
    house.label.sees("Delivered")?;
    house.label.does("D", "Make the delivery")?;
    house.label.keys("y")?;
    house.label.sees_no("Please confirm")?;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let rows = cast::rows(&house.on.cast.label)?;
        if cast::of_kind(&rows, "delivery").next().is_some() {
            return Ok(());
        }
        ensure!(std::time::Instant::now() < deadline, "no delivery was made:\n{}", house.label.screen());
    }
}
