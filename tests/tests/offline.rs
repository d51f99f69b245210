//! A person writes while the line is cut and starts the client anew meanwhile. Goal: what was read before is there, and what was written
//! arrives exactly once, in its order, with the server's verdict shown. Method: a real server that is killed, the real client in a terminal.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::path::{Path, PathBuf};

use deadwax_dsp::{
    Block,
    write::{AudioWriter, Encoding},
};
use deadwax_tests::{
    harness::{House, Seat},
    terminal::Terminal,
};

const EXE: &str = env!("CARGO_BIN_EXE_demo");

fn tone(folder: &Path) -> PathBuf {
    let path = folder.join("GlassHour.wav");
    let mut writer = AudioWriter::create(&path, Encoding::Wav24, 48_000, 2, None).unwrap();
    let mut block = Block::new(2, 48_000 * 3);
    for (at, sample) in block.channels.iter_mut().flat_map(|it| it.iter_mut().enumerate()) {
        *sample = (at as f64 / 48_000.0 * 220.0 * std::f64::consts::TAU).sin() / 4.0;
    }
    writer.write(&block).unwrap();
    writer.finish().unwrap();
    path
}

/// A studio of one person with one song that has a take.
fn house(root: &Path) -> (House, Seat) {
    let mut house = House::found(Path::new(EXE), root).unwrap();
    house.open().unwrap();
    let seat = house.seat(root, "noor").unwrap();
    seat.verb(["login", house.owner_link.as_str()]).unwrap();
    seat.verb(["project", "create", "Night Drive", "--artist", "Noor"]).unwrap();
    seat.verb(["song", "add", "Glass Hour"]).unwrap();
    seat.verb(["member", "roles", "Noor", "artist,manager"]).unwrap();
    let file = tone(root);
    seat.verb(["push", file.to_str().unwrap(), "--stage", "take", "--alternate", "main", "--yes"]).unwrap();
    (house, seat)
}

fn client(seat: &Seat) -> Terminal {
    Terminal::start(Path::new(EXE), Some("client"), &seat.home, (120, 40)).unwrap()
}

fn notes(seat: &Seat) -> Vec<String> {
    let said = seat.verb(["notes", "list"]).unwrap();
    let text = |line: &serde_json::Value| line["text"].as_str().map(str::to_owned);
    let mut texts: Vec<String> = said.lines.iter().filter_map(text).collect();
    texts.sort();
    texts
}

#[test]
fn what_was_written_without_a_line_arrives_once_even_after_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let (mut house, seat) = house(root.path());
    let mut terminal = client(&seat);
    terminal.wait("live", |screen| screen.contains("● live")).unwrap();
    terminal.press("2\r").unwrap();
    terminal.wait("the board", |screen| screen.contains("Glass Hour")).unwrap();
    terminal.press("\r").unwrap();
    terminal.wait("the song", |screen| screen.contains("Take 1")).unwrap();
    house.kill().unwrap();
    terminal.wait("the cut is told", |screen| screen.contains("Offline for")).unwrap();
    terminal.press("nFirst word\r").unwrap();
    terminal
        .wait("it stands there and waits", |screen| {
            screen.contains("… First word") || (screen.contains("First word") && screen.contains("Kept here"))
        })
        .unwrap();
    terminal.leave().unwrap();

    // Nobody answers: desk, project, song and the note that waits come from disk.
    let mut terminal = client(&seat);
    terminal.wait("offline", |screen| screen.contains("Offline for")).unwrap();
    terminal.press("2").unwrap();
    terminal.wait("the list is there", |screen| screen.contains("Night Drive")).unwrap();
    terminal.press("\r").unwrap();
    terminal.wait("the board is there", |screen| screen.contains("Glass Hour")).unwrap();
    terminal.press("\r").unwrap();
    terminal.wait("the note is there", |screen| screen.contains("First word")).unwrap();
    terminal.press("nSecond word\r").unwrap();
    terminal.wait("both wait", |screen| screen.contains("Second word")).unwrap();
    terminal.press("9").unwrap();
    terminal
        .wait("both are listed", |screen| screen.contains("1. the note") && screen.contains("2. the note"))
        .unwrap();
    // No orderly end: what waits is on disk since it was written.
    terminal.kill().unwrap();

    let mut terminal = client(&seat);
    terminal.wait("offline again", |screen| screen.contains("Offline for")).unwrap();
    house.open().unwrap();
    terminal
        .wait("the line is back and both were sent", |screen| screen.contains("2 sent, none refused"))
        .unwrap();
    assert_eq!(notes(&seat), ["First word", "Second word"]);
    terminal.press("9").unwrap();
    terminal.wait("each verdict is told", |screen| screen.matches("✓ sent: the note").count() == 2).unwrap();
    terminal.leave().unwrap();

    let mut terminal = client(&seat);
    terminal.wait("live", |screen| screen.contains("● live")).unwrap();
    terminal.press("9").unwrap();
    terminal.wait("nothing is left to send", |screen| screen.contains("Nothing waits")).unwrap();
    terminal.leave().unwrap();
    assert_eq!(notes(&seat).len(), 2, "nothing is sent twice");
}
