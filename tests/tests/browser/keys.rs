//! The key of a browser beside the key of a terminal: the older one vouches for the newer, by one line that is copied, and what was begun goes on by itself.

use deadwax_tests::{browser, demo::cast};
use serde_json::Value;

use super::world::{two_mixes, unharmed, world};

fn keys(world: &super::world::World, name: &str) -> Vec<Value> {
    let rows = cast::rows(&world.on.cast.owner).unwrap();
    let member = rows.values().find(|row| row["row"] == "member" && row["name"] == name).unwrap();
    member["keys"].as_array().unwrap().clone()
}

#[test]
fn whoever_signs_in_a_terminal_lets_its_key_vouch_for_the_browser_and_the_approval_goes_on() {
    let Some(world) = world(&two_mixes()) else { return };
    let on = &world.on;
    on.cast.label.verb(["key", "new", "--no-passphrase"]).unwrap();
    on.cast.label.verb(["key", "enrol"]).unwrap();
    let older = keys(&world, "Lena Ruiz")[0]["fingerprint"].as_str().unwrap().to_owned();

    let tab = world.enter(&on.cast.label, browser::DESKTOP);
    world.open_song(&tab);
    tab.press("Approve").unwrap();
    tab.wait("!!document.querySelector('dialog[open]')", "the question").unwrap();
    tab.press("Approve Mix 2").unwrap();
    tab.sees("It has to vouch for this browser, once.").unwrap();
    assert!(!tab.shows("You approved").unwrap());
    let said = tab.run("document.querySelector('dialog .shell').innerText").unwrap();
    let words: Vec<&str> = said.as_str().unwrap().split_whitespace().collect();
    assert_eq!((words[0], words.len()), ("deadwax", 6), "{said}");

    // Not by somebody else, not without a yes, not a line that was cut.
    on.cast.artist.refused("KEY_NOT_VOUCHED", [&words[1..], &["--yes"]].concat()).unwrap();
    let unasked = on.cast.label.try_verb(words[1..].iter().copied()).unwrap();
    assert_eq!(unasked.code, 2, "{}", unasked.stderr);
    let cut = words[3].split_at(60).0;
    let cut = on.cast.label.try_verb(["key", "vouch", cut, "--yes"]).unwrap();
    assert_eq!(cut.code, 2, "{}", cut.stderr);
    assert_eq!(keys(&world, "Lena Ruiz").len(), 1);

    let done = on.cast.label.verb([&words[1..], &["--yes"]].concat()).unwrap();
    let shown = tab.run("document.querySelector('dialog .problem b')?.innerText ?? ''").unwrap();
    let fingerprint = done.first()["fingerprint"].as_str().unwrap();
    assert!(shown == "" || fingerprint.starts_with(shown.as_str().unwrap()), "{shown} of {fingerprint}");
    tab.sees("You approved Mix 2, receipt 1.").unwrap();
    let keys = keys(&world, "Lena Ruiz");
    let newer = keys.iter().find(|key| key["fingerprint"] == fingerprint).unwrap();
    assert_eq!(newer["vouched_by"], older.as_str(), "{newer}");
    on.cast.label.verb([&words[1..], &["--yes"]].concat()).unwrap();

    let zip = world.root.path().join("evidence.zip");
    on.cast.label.verb(["evidence", "-o", zip.to_str().unwrap()]).unwrap();
    let said = on.cast.label.try_verb(["verify", zip.to_str().unwrap()]).unwrap();
    assert_eq!(said.code, 0, "{:?} {}", said.lines, said.stderr);
    unharmed(&tab);
}
