//! Share links in a browser: what a guest sees and hears is what the link names and nothing else, and whatever is wrong with a link is said in words. A link that is taken
//! back stops the sound.

use std::{fs, time::Instant};

use deadwax_proto::v1::{self, link_scope::Of};
use deadwax_tests::{
    browser::{self, Tab},
    demo::{cast, studio::digest},
};
use serde_json::{Value, json};

use super::world::{World, two_mixes, unharmed, world};

const PASSWORD: &str = "amber wolf 12";
/// "Within seconds", on a machine that has other work.
const ENDS_WITHIN_S: f64 = 10.0;

/// What makes sound in the page, and what the studio refused it, written down by something that stands before it.
const WATCH: &str = r"
(() => {
  window.contexts = [];
  window.refused = [];
  const Real = window.AudioContext;
  window.AudioContext = class extends Real { constructor(...all) { super(...all); window.contexts.push(this); } };
  const fetched = window.fetch;
  window.fetch = async (...all) => {
    const reply = await fetched(...all);
    const status = reply.headers.get('grpc-status');
    if (status && status !== '0') window.refused.push(`${all[0]}: ${status}`);
    return reply;
  };
})();
";

fn made(world: &World, more: &[&str]) -> Value {
    let asked = [&["link", "make", "--for"], more].concat();
    world.on.cast.label.verb(asked).unwrap().first().clone()
}

/// A window of somebody who was sent this.
fn sent(world: &World, link: &str) -> Tab {
    let tab = world.browser.tab(browser::DESKTOP).unwrap();
    tab.before_each_page(WATCH).unwrap();
    tab.go(link).unwrap();
    tab.sees("Gold Room").unwrap();
    assert_eq!(tab.run("location.pathname + location.hash").unwrap(), "/", "the secret left the address");
    tab
}

fn opened(world: &World, more: &[&str]) -> Tab {
    let tab = sent(world, made(world, more)["link"].as_str().unwrap());
    tab.press("Open").unwrap();
    tab.wait("!!document.querySelector('.takes button')", "what there is to hear").unwrap();
    tab
}

fn takes(tab: &Tab) -> Vec<String> {
    let said = tab
        .run("[...document.querySelectorAll('.takes button')].map((it) => it.innerText.split('\\n')[0].replace(/[^\\w ]/g, '').trim())")
        .unwrap();
    said.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

fn plays(tab: &Tab) {
    tab.press("Play").unwrap();
    tab.wait(
        "document.querySelector('.transport .clock').innerText.split(' ')[0] > '0:01.0'",
        "a second of it",
    )
    .unwrap();
}

fn line(world: &World, who: &str) -> Value {
    let all = world.on.cast.owner.verb(["link", "list"]).unwrap().lines;
    all.into_iter().find(|link| link["recipient"] == who).unwrap()
}

/// Nothing of what a guest may not do is offered, and nothing was asked for that is closed to guests.
fn decides_nothing(tab: &Tab) {
    for word in [
        "Approve",
        "Ask for a revision",
        "The gate",
        "Signatures",
        "Resolve",
        "Decline",
        "Withdraw",
        "Waits on you",
    ] {
        assert!(!tab.shows(word).unwrap(), "{word} is shown to a guest");
    }
    let refused = tab.run("window.refused").unwrap();
    assert_eq!(refused, json!([]), "the page asked for what is closed");
}

#[test]
fn a_guest_hears_one_version_writes_a_note_and_the_sound_stops_when_the_link_is_taken_back() {
    let Some(world) = world(&two_mixes()) else { return };
    let on = &world.on;
    on.cast.artist.verb(["note", "Between the band and the studio alone.", "--at", "0:03"]).unwrap();
    let made = made(&world, &["Dana Holt", "--version", "mix 1", "--notes"]);
    let tab = sent(&world, made["link"].as_str().unwrap());
    tab.press("Open").unwrap();
    tab.wait("!!document.querySelector('.takes button')", "what there is to hear").unwrap();
    tab.sees("Night Drive").unwrap();
    tab.sees("for Dana Holt, from Gold Room").unwrap();
    assert_eq!(takes(&tab), ["Mix 1"], "one version and no other");
    for hidden in ["Mix 2", "Between the band", "Blind", "Lena Ruiz"] {
        assert!(!tab.shows(hidden).unwrap(), "{hidden:?} is shown");
    }
    plays(&tab);
    tab.press("Pause").unwrap();

    // A note of the guest comes to the members with the name that the link was made for; the answer comes back, and nothing else does.
    tab.fill("#note-text", "The first line could be nearer.").unwrap();
    tab.press("Add note").unwrap();
    tab.sees("The note is with the studio.").unwrap();
    let rows = cast::rows(&on.cast.artist).unwrap();
    let note = rows.values().find(|row| row["text"] == "The first line could be nearer.").unwrap();
    assert_eq!(note["author"], "Dana Holt");
    on.cast
        .artist
        .verb(["note", "It is, in the next one.", "--reply", note["note_id"].as_str().unwrap()])
        .unwrap();
    tab.sees("It is, in the next one.").unwrap();
    decides_nothing(&tab);

    // A page that is loaded again goes on in its session.
    tab.reload().unwrap();
    tab.wait("!!document.querySelector('.takes button')", "the song again").unwrap();
    tab.sees("It is, in the next one.").unwrap();
    let listed = line(&world, "Dana Holt");
    assert_eq!(listed["sessions_used"], 1, "{listed}");

    // So does a second click on the link in the same browser, and no other browser.
    let beside = world.browser.beside(&tab, browser::PHONE).unwrap();
    beside.go(made["link"].as_str().unwrap()).unwrap();
    beside.wait("!!document.querySelector('.takes button')", "the same session").unwrap();
    let listed = line(&world, "Dana Holt");
    assert_eq!(listed["sessions_used"], 1, "{listed}");

    // What lies behind another window is not drawn.
    tab.ask("Page.bringToFront", json!({})).unwrap();
    plays(&tab);
    assert_eq!(tab.run("window.contexts.map((it) => it.state)").unwrap(), json!(["running"]));
    on.cast.owner.verb(["link", "revoke", "dana", "--yes"]).unwrap();
    let since = Instant::now();
    tab.sees("This link has ended").unwrap();
    let silent = "window.contexts.length > 0 && window.contexts.every((it) => it.state === 'closed')";
    tab.wait(silent, "silence").unwrap();
    let took = since.elapsed().as_secs_f64();
    println!("LINKPAGE ended and silent {took:.1} s after it was taken back");
    assert!(took < ENDS_WITHIN_S, "{took}");
    beside.sees("This link has ended").unwrap();
    assert!(!tab.shows("Night Drive").unwrap(), "nothing of it stays on the page");
    tab.reload().unwrap();
    tab.sees("Invite link").unwrap();
    unharmed(&tab);
}

#[test]
fn each_scope_shows_itself_and_whatever_is_wrong_with_a_link_is_said() {
    let Some(world) = world(&two_mixes()) else { return };
    let mix = cast::version(&world.on.cast.label, "mix", 2).unwrap();
    let sha256 = cast::file(&mix, "main").unwrap()["sha256"].as_str().unwrap().to_owned();
    let project_id = world.on.project_id().unwrap();
    world.on.cast.owner.verb(["song", "add", "Second Song"]).unwrap();
    let song = opened(&world, &["Teo Kern", "--song", "Night Drive", "--download"]);
    assert_eq!(takes(&song), ["Mix 2", "Mix 1", "Take 1"]);
    assert!(
        song.run("document.querySelector('#note-text').getClientRects().length === 0").unwrap() == true,
        "no notes by this link"
    );
    plays(&song);
    fetched(&world, &song, &sha256);
    decides_nothing(&song);
    // There is no way to anywhere else.
    song.run("location.hash = '#/'").unwrap();
    song.wait(
        "location.hash.startsWith('#/p/') && !!document.querySelector('.takes button')",
        "its one place",
    )
    .unwrap();
    assert!(!song.shows("Second Song").unwrap(), "a song that the link does not name");

    let album = opened(&world, &["Ana Prell", "--album"]);
    assert_eq!(takes(&album), ["Mix 2"], "of each song what counts now");
    plays(&album);
    assert!(!album.shows("Download").unwrap(), "this link gives no originals");
    decides_nothing(&album);

    password(&world);
    used_up_and_guessed(&world);
    over_while_open(&world, project_id);
    for tab in [&song, &album] {
        unharmed(tab);
    }
}

/// The original comes into the browser's folder, byte by byte as the studio has it.
fn fetched(world: &World, tab: &Tab, sha256: &str) {
    let folder = world.root.path().join("downloads");
    fs::create_dir_all(&folder).unwrap();
    let asked = json!({ "behavior": "allow", "downloadPath": folder.to_str().unwrap() });
    tab.ask("Page.setDownloadBehavior", asked).unwrap();
    tab.press("Download").unwrap();
    let since = Instant::now();
    loop {
        let there: Vec<_> = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
        if there.iter().any(|path| digest(path).is_ok_and(|digest| digest == sha256)) {
            return;
        }
        assert!(since.elapsed().as_secs() < 60, "it never came: {there:?} {:?}", tab.complaints());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

fn says(tab: &Tab, reason: &str, words: &str) {
    tab.wait(&format!("document.querySelector('[data-reason]')?.dataset.reason === '{reason}'"), reason)
        .unwrap();
    tab.sees(words).unwrap();
}

fn password(world: &World) {
    let file = world.root.path().join("words");
    fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    let with = ["Kim Roe", "--song", "Night Drive", "--password-file", file.to_str().unwrap()];
    let link = made(world, &with)["link"].as_str().unwrap().to_owned();
    let tab = sent(world, &link);
    tab.press("Open").unwrap();
    tab.wait("!!document.querySelector('input[type=password]')", "it asks for the password").unwrap();
    let again = |words: &str| {
        tab.run("document.querySelector('input[type=password]').value = ''").unwrap();
        tab.fill("input[type=password]", words).unwrap();
        tab.press("Open").unwrap();
    };
    again("amber wolf 13");
    says(&tab, "LINK_PASSWORD_WRONG", "That is not the password of this link.");
    again(PASSWORD);
    tab.wait("!!document.querySelector('.takes button')", "it opens").unwrap();
    // Somebody who guesses is stopped, and told for how long.
    let thief = sent(world, &link);
    thief.press("Open").unwrap();
    thief.wait("!!document.querySelector('input[type=password]')", "it asks for the password").unwrap();
    let mut tries = 0;
    while thief.run("document.querySelector('[data-reason]')?.dataset.reason ?? ''").unwrap()
        != "TOO_MANY_TRIES"
    {
        tries += 1;
        assert!(tries < 14, "nobody stops it");
        thief.wait("!document.querySelector('form button').disabled", "the answer").unwrap();
        thief.fill("input[type=password]", "x").unwrap();
        thief.press("Open").unwrap();
        thief.wait("!document.querySelector('form button').disabled", "the answer").unwrap();
    }
    println!("LINKPAGE stopped after {tries} tries");
    says(&thief, "TOO_MANY_TRIES", "minute");
}

fn used_up_and_guessed(world: &World) {
    let link = made(world, &["Ida Voss", "--song", "Night Drive", "--times", "1"])["link"]
        .as_str()
        .unwrap()
        .to_owned();
    let first = sent(world, &link);
    first.press("Open").unwrap();
    first.wait("!!document.querySelector('.takes button')", "it opens").unwrap();
    let second = sent(world, &link);
    second.press("Open").unwrap();
    says(&second, "LINK_USED_UP", "This link was opened as often as it may be.");
    let (address, secret) = link.split_once('#').unwrap();
    let mut guess: Vec<char> = secret.chars().collect();
    let last = guess.pop().unwrap();
    guess.push(if last == 'a' { 'b' } else { 'a' });
    let guessed = sent(world, &format!("{address}#{}", guess.iter().collect::<String>()));
    guessed.press("Open").unwrap();
    says(&guessed, "LINK_UNKNOWN", "No link of this studio is like that.");
    let cut = sent(world, &format!("{address}#dwx_li"));
    says(&cut, "LINK_UNKNOWN", "This link is not whole.");
}

/// A link whose time is over while its page is open; loaded again and opened again it is told the same.
fn over_while_open(world: &World, project_id: String) {
    let on = &world.on;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let made = on.runtime.block_on(async {
        let client = cast::client(&on.cast.label).await.unwrap();
        let asked = v1::MakeLinkRequest {
            project_id,
            scope: Some(v1::LinkScope { of: Some(Of::Album(true)) }),
            recipient: "Max Ode".into(),
            expires_ms: i64::try_from(now).unwrap() + 25_000,
            ..v1::MakeLinkRequest::default()
        };
        client.make_link(asked).await.unwrap()
    });
    let tab = sent(world, &made.link);
    tab.press("Open").unwrap();
    tab.wait("!!document.querySelector('.takes button')", "it opens").unwrap();
    tab.sees("This link has ended").unwrap();
    let late = sent(world, &made.link);
    late.press("Open").unwrap();
    late.sees("This link has ended").unwrap();
    for tab in [&tab, &late] {
        unharmed(tab);
    }
}
