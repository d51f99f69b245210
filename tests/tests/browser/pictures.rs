//! The pictures of the page in `docs/pictures/page`: made anew where `DEADWAX_TEST_PICTURES` names a folder, else only that each place comes up at each width and nothing hangs
//! over its edge. Where `DEADWAX_TEST_AXE` names axe-core (axe.min.js, which is no part of this house), it finds nothing serious in any of them.

use std::{env, path::PathBuf};

use deadwax_tests::browser::{DESKTOP, PHONE, Size, TABLET, Tab};

use super::world::{two_mixes, unharmed, world};

const WIDTHS: [(&str, Size); 3] = [("360", PHONE), ("768", TABLET), ("1280", DESKTOP)];

fn take(tab: &Tab, name: &str) {
    let over =
        tab.run("document.documentElement.scrollWidth - document.documentElement.clientWidth").unwrap();
    assert_eq!(over, 0, "{name} hangs over its edge");
    looked_at_by_axe(tab, name);
    let Some(folder) = env::var_os("DEADWAX_TEST_PICTURES").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(600));
    tab.picture(&folder.join(format!("{name}.png"))).unwrap();
}

/// In Chromium's own words it runs as the page's tools do: the policy of the page holds for the page alone.
fn looked_at_by_axe(tab: &Tab, name: &str) {
    let Some(file) = env::var_os("DEADWAX_TEST_AXE").map(PathBuf::from) else { return };
    if tab.run("typeof axe").unwrap() == "undefined" {
        let source = std::fs::read_to_string(&file).unwrap();
        tab.run(&format!("{source};\n'there'")).unwrap();
    }
    let found = tab
        .run(
            "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.filter((it) => ['serious', 'critical'].includes(it.impact))\
             .map((it) => `${it.id}: ${it.nodes.map((node) => `${node.target.join(' ')} ${node.failureSummary}`).join('; ')}`))",
        )
        .unwrap();
    assert_eq!(found, serde_json::json!([]), "{name}: axe-core found something serious");
}

/// Every place at one width.
fn walk(tab: &Tab, width: &str, look: &str) {
    let name = |place: &str| format!("{place}-{width}{look}");
    tab.run("location.hash = '#/'").unwrap();
    tab.sees("Waits on you").unwrap();
    take(tab, &name("desk"));
    tab.press("Night Drive").unwrap();
    tab.wait("!!document.querySelector('.takes button')", "the song").unwrap();
    tab.wait(
        "document.querySelector('.message').hidden && document.querySelector('canvas').width > 300",
        "the waveform",
    )
    .unwrap();
    tab.press("Play").unwrap();
    tab.wait(
        "document.querySelector('.transport .clock').innerText.split(' ')[0] > '0:04.0'",
        "four seconds",
    )
    .unwrap();
    tab.press("Pause").unwrap();
    tab.run("document.activeElement.blur(); window.scrollTo(0, 0)").unwrap();
    take(tab, &name("song"));
    tab.run("document.querySelector('.columns').scrollIntoView({ behavior: 'instant' })").unwrap();
    take(tab, &name("notes"));
    tab.press("Approve").unwrap();
    tab.wait("!!document.querySelector('dialog[open]')", "the question").unwrap();
    take(tab, &name("approve"));
    tab.press("Not now").unwrap();
    tab.run("window.scrollTo(0, 0)").unwrap();
    tab.press("Blind").unwrap();
    tab.press("Begin").unwrap();
    tab.sees("Which is better?").unwrap();
    take(tab, &name("blind"));
    tab.press("Close").unwrap();
}

#[test]
fn every_place_fits_at_every_width() {
    let Some(world) = world(&two_mixes()) else { return };
    let on = &world.on;
    for (words, at) in [
        ("The echo behind \u{201c}drive\u{201d} is a hair too long. Could it end with the snare?", "0:06.5"),
        ("Lovely how the bass opens here.", "0:12.2"),
    ] {
        on.cast.artist.verb(["note", words, "--at", at]).unwrap();
    }
    on.cast
        .label
        .verb(["note", "Is the low end the same on small speakers?", "--at", "0:16", "--to", "0:20"])
        .unwrap();
    let tab = world.browser.tab(DESKTOP).unwrap();
    tab.light(false).unwrap();
    tab.go(&world.address()).unwrap();
    tab.sees("Invite link").unwrap();
    for (width, size) in WIDTHS {
        tab.size(size).unwrap();
        take(&tab, &format!("door-{width}"));
    }
    world.come_in(&tab, &on.cast.label);
    for (width, size) in WIDTHS {
        tab.size(size).unwrap();
        tab.light(false).unwrap();
        walk(&tab, width, "");
        tab.light(true).unwrap();
        walk(&tab, width, "-light");
    }
    unharmed(&tab);
}
