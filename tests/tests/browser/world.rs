//! A studio with a song in it, and people at browsers. Never here: what is tested.

use std::path::{Path, PathBuf};

use deadwax_tests::{
    browser::{self, Browser, Size, Tab},
    demo::{Log, Material, Studio, mixing},
    harness::Seat,
    song,
};

pub const PASSPHRASE: &str = "four candles by the window";

pub struct World {
    pub browser: Browser,
    pub on: Studio,
    pub root: tempfile::TempDir,
}

/// `None`: there is no browser here.
pub fn world(steps: &[fn(&Studio) -> anyhow::Result<()>]) -> Option<World> {
    let program: PathBuf = browser::program().unwrap()?;
    let root = tempfile::tempdir().unwrap();
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    let material = Material::Song(Box::new(song::arrange().begun_at_the_bridge()));
    let on = Studio::found(exe, root.path(), material, Log::new(true)).unwrap();
    for step in steps {
        step(&on).unwrap();
    }
    let browser = Browser::open(&program, &root.path().join("browser")).unwrap();
    Some(World { browser, on, root })
}

/// Up to Mix 1 with its notes.
pub fn one_mix() -> Vec<fn(&Studio) -> anyhow::Result<()>> {
    vec![mixing::take, mixing::first_mix, mixing::notes]
}

/// Up to Mix 2, which waits for its signatures.
pub fn two_mixes() -> Vec<fn(&Studio) -> anyhow::Result<()>> {
    let examined: fn(&Studio) -> anyhow::Result<()> = |on| mixing::examined(on, "mix", 2);
    vec![mixing::take, mixing::first_mix, mixing::notes, mixing::revision, mixing::second_mix, examined]
}

impl World {
    pub fn address(&self) -> String {
        format!("https://{}", self.on.house.address)
    }

    /// A link for a further machine of somebody, as a browser opens it.
    pub fn link(&self, seat: &Seat) -> String {
        let said = seat.verb(["invite"]).unwrap();
        said.first()["browser"].as_str().unwrap().to_owned()
    }

    /// Somebody who has come in, with a passphrase.
    pub fn enter(&self, seat: &Seat, size: Size) -> Tab {
        let tab = self.browser.tab(size).unwrap();
        self.come_in(&tab, seat);
        tab
    }

    pub fn come_in(&self, tab: &Tab, seat: &Seat) {
        tab.go(&self.link(seat)).unwrap();
        tab.sees("Welcome to Gold Room").unwrap();
        // The code is out of the address before anything else is.
        assert_eq!(tab.run("location.pathname + location.hash").unwrap(), "/");
        tab.fill("input[type=password]", PASSPHRASE).unwrap();
        tab.press("Come in").unwrap();
        tab.sees("Hello,").unwrap();
    }

    /// The song, open before them.
    pub fn open_song(&self, tab: &Tab) {
        tab.press("Night Drive").unwrap();
        tab.wait("!!document.querySelector('.takes button')", "the versions").unwrap();
    }
}

/// Nothing went wrong in the page by itself.
pub fn unharmed(tab: &Tab) {
    let complaints = tab.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
}
