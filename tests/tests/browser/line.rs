//! A line that is cut, slow, or gone for a restart; a session that is ended elsewhere: each is said, and nothing that was typed is lost.

use std::time::Instant;

use deadwax_tests::browser;

use super::world::{one_mix, unharmed, world};

#[test]
fn a_note_that_was_written_without_a_line_arrives_once() {
    let Some(mut world) = world(&one_mix()) else { return };
    let tab = world.enter(&world.on.cast.label, browser::DESKTOP);
    world.open_song(&tab);
    tab.fill("#note-text", "Half a tho").unwrap();
    // The browser is closed in the middle of a word, and opened again.
    tab.reload().unwrap();
    tab.wait("document.querySelector('#note-text')?.value === 'Half a tho'", "the draft").unwrap();

    world.on.house.kill().unwrap();
    tab.sees("The line to the studio is cut").unwrap();
    tab.fill("#note-text", "ught, now whole.").unwrap();
    tab.press("Add note").unwrap();
    tab.sees("Not sent yet").unwrap();
    world.on.house.open().unwrap();
    tab.wait("!document.body.innerText.includes('Not sent yet') && document.querySelector('.threads').innerText.includes('thought, now whole.')", "it was sent").unwrap();
    tab.wait("document.querySelector('.banner').hidden", "the line stands again").unwrap();
    let rows = deadwax_tests::demo::cast::rows(&world.on.cast.artist).unwrap();
    let written = rows.values().filter(|row| row["text"] == "Half a thought, now whole.").count();
    assert_eq!(written, 1);
    unharmed(&tab);
}

#[test]
fn the_first_sound_comes_soon_on_a_slow_line_and_a_session_ended_elsewhere_stops_it() {
    let Some(world) = world(&one_mix()) else { return };
    let tab = world.enter(&world.on.cast.label, browser::PHONE);
    world.open_song(&tab);
    tab.wait("!!document.querySelector('.go:not(:disabled)')", "the page is there").unwrap();
    // The copy is made at first need; here the line is asked about, not LAME.
    tab.press("Play").unwrap();
    tab.wait("document.querySelector('.transport .clock').innerText.split(' ')[0] > '0:00.5'", "sound")
        .unwrap();
    tab.reload().unwrap();
    tab.wait("!!document.querySelector('.go:not(:disabled)')", "the page is there").unwrap();
    // 1.6 Mbit/s and 150 ms: what browsers' tools call slow 4G, and radio engineers a good 3G.
    tab.throttle(Some((200_000.0, 150.0))).unwrap();
    let since = Instant::now();
    tab.press("Play").unwrap();
    tab.wait(
        "document.querySelector('.transport .clock').innerText.split(' ')[0] > '0:00.0'",
        "the first sound",
    )
    .unwrap();
    let took = since.elapsed();
    println!("first sound after {} ms on 1.6 Mbit/s with 150 ms", took.as_millis());
    assert!(took.as_secs_f64() < 2.0, "{took:?}");
    tab.throttle(None).unwrap();

    world.on.cast.owner.verb(["end-access", "lena@lamplight.example", "--yes"]).unwrap();
    tab.sees("Your session ended").unwrap();
    unharmed(&tab);
}
