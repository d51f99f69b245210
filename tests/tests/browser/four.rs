//! Four people and one song, two of them at terminals and two at browsers: from the first mix to the signed master, each seeing at once what the others do.

use deadwax_tests::{
    browser::{self, Tab},
    demo::{mastering, mixing},
    evidence,
};

use super::world::{World, one_mix, unharmed, world};

/// A signature with the key of this browser, over what stands there.
fn signs(tab: &Tab, version: &str, receipt: u32) {
    tab.press_on(&format!(".takes button:nth-child({})", place_of(tab, version))).unwrap();
    tab.wait(
        &format!("document.querySelector('.takes [aria-checked=true]').innerText.startsWith('{version}')"),
        version,
    )
    .unwrap();
    tab.press("Approve").unwrap();
    tab.wait("!!document.querySelector('dialog[open]')", "the question").unwrap();
    tab.press(&format!("Approve {version}")).unwrap();
    tab.sees(&format!("You approved {version}, receipt {receipt}.")).unwrap();
}

fn place_of(tab: &Tab, version: &str) -> u64 {
    let find = format!(
        "[...document.querySelectorAll('.takes button')].findIndex((it) => it.innerText.startsWith('{version}')) + 1"
    );
    tab.wait(&find, version).unwrap().as_u64().unwrap()
}

/// A render takes as long as it takes.
fn comes(tab: &Tab, version: &str) {
    let is = format!("document.querySelector('.takes')?.innerText.includes('{version}')");
    let found = (0..4).any(|_| tab.wait(&is, version).is_ok());
    assert!(found, "{version} did not come");
}

#[test]
fn two_at_terminals_and_two_at_browsers_bring_a_song_from_a_mix_to_a_signed_master() {
    let Some(world) = world(&one_mix()) else { return };
    let on = &world.on;
    let artist = world.enter(&on.cast.artist, browser::PHONE);
    let label = world.enter(&on.cast.label, browser::DESKTOP);
    for tab in [&artist, &label] {
        world.open_song(tab);
    }

    // The artist asks for a revision in her browser; the label and the engineer at his terminal see it.
    artist.press("Ask for a revision").unwrap();
    artist.wait("!!document.querySelector('dialog[open]')", "what belongs to it").unwrap();
    artist.fill("#revision-message", "Nearly there.").unwrap();
    artist.press("Ask for a revision").unwrap();
    artist.sees("The revision was asked for.").unwrap();
    label
        .wait("document.querySelector('.waiting').innerText.includes('revision')", "what it waits for")
        .unwrap();
    mixing::second_mix(on).unwrap();
    for tab in [&artist, &label] {
        comes(tab, "Mix 2");
    }
    mixing::examined(on, "mix", 2).unwrap();
    signs(&artist, "Mix 2", 1);
    label.sees("Mara Lind").unwrap();
    signs(&label, "Mix 2", 2);
    for tab in [&artist, &label] {
        tab.wait("document.querySelector('.head .pill').innerText === 'Mastering'", "the gate opened")
            .unwrap();
    }

    mastering::handoff(on).unwrap();
    for tab in [&artist, &label] {
        comes(tab, "Master 1");
    }
    mixing::examined(on, "master", 1).unwrap();
    signs(&artist, "Master 1", 3);
    signs(&label, "Master 1", 4);
    for tab in [&artist, &label] {
        tab.wait("document.querySelector('.head .pill').innerText === 'Delivered'", "it is signed").unwrap();
    }
    holds(&world);
    for tab in [&artist, &label] {
        unharmed(tab);
    }
}

/// Four receipts in one chain, by the house's own tool and by everybody's.
fn holds(world: &World) {
    let on = &world.on;
    let folder = world.root.path().join("evidence");
    on.cast.label.verb(["evidence", "-o", folder.to_str().unwrap()]).unwrap();
    let folder = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let said = on.cast.label.try_verb(["verify", folder.to_str().unwrap()]).unwrap();
    assert_eq!(said.code, 0, "{:?} {}", said.lines, said.stderr);
    if let Some((holds, said)) = evidence::script(&folder, &[]).unwrap() {
        assert!(holds, "{said}");
    }
    let receipts = on.cast.label.verb(["receipts"]).unwrap().lines;
    let receipts: Vec<_> = receipts.iter().filter(|it| it["sequence"].is_u64()).collect();
    assert_eq!(receipts.len(), 4, "{receipts:?}");
}
