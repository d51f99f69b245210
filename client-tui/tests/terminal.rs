//! The client on a real terminal of its own: whatever ends it, the terminal is given back as it was. No server is there; the client shows
//! that it is offline, which is a screen like any other.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "../../tests/src/harm.rs"]
mod harm;
#[path = "../../tests/src/sink.rs"]
mod sink;

use std::{
    io::{Read as _, Write as _},
    num::NonZeroU16,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::sink::{Kind, faults};
use deadwax_client::{
    profile::{Home, Profile},
    tui::terminal,
};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Set for the child that shall panic.
const PANICS: &str = "DEADWAX_TEST_PANICS";
const LINES: NonZeroU16 = NonZeroU16::new(24).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).unwrap();
const PATIENCE: Duration = Duration::from_secs(20);

struct Seat {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn std::io::Write + Send>>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// Every byte that came out.
    raw: Arc<Mutex<Vec<u8>>>,
    /// The reading side too must let go before the terminal is gone.
    gone: Arc<AtomicBool>,
    reading: Option<std::thread::JoinHandle<()>>,
    _home: tempfile::TempDir,
}

impl Seat {
    fn open(command: CommandBuilder) -> Seat {
        Seat::with(command, "")
    }

    /// With a file of the person's own.
    fn with(mut command: CommandBuilder, config: &str) -> Seat {
        let home = tempfile::tempdir().unwrap();
        if !config.is_empty() {
            std::fs::write(home.path().join("config.toml"), config).unwrap();
        }
        let profile = Profile {
            name: "ana".into(),
            // Nobody listens on port 1 of this machine.
            url: "deadwax+http://127.0.0.1:1".into(),
            token: Some("token".into()),
            ..Profile::default()
        };
        Home::at(home.path().to_owned()).save(&profile).unwrap();
        command.env("DEADWAX_HOME", home.path());
        command.env_remove("DEADWAX_PROFILE");
        command.env("RUST_BACKTRACE", "0");
        command.env("TERM", "xterm-256color");
        for gone in ["NO_COLOR", "COLORTERM", "COLORFGBG", "TMUX"] {
            command.env_remove(gone);
        }
        let size = PtySize { rows: LINES.get(), cols: COLUMNS.get(), pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(LINES, COLUMNS, 0)));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (seen, gone) = (screen.clone(), Arc::new(AtomicBool::new(false)));
        let stop = gone.clone();
        let raw = Arc::<Mutex<Vec<u8>>>::default();
        let all = raw.clone();
        let reading = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                all.lock().unwrap().extend_from_slice(&bytes[..count]);
                seen.lock().unwrap().process(&bytes[..count]);
                if stop.load(Ordering::Relaxed) {
                    return;
                }
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Seat {
            child,
            master: Some(pair.master),
            writer: Some(writer),
            screen,
            raw,
            gone,
            reading: Some(reading),
            _home: home,
        }
    }

    fn client() -> Seat {
        let seat = Seat::open(CommandBuilder::new(env!("CARGO_BIN_EXE_deadwax")));
        seat.wait("the client took the terminal over", |screen| {
            screen.alternate_screen() && screen.bracketed_paste() && screen.contents().contains("offline")
        });
        seat
    }

    fn wait(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) {
        let begun = Instant::now();
        while !is_so(self.screen.lock().unwrap().screen()) {
            let shown = || self.screen.lock().unwrap().screen().contents();
            assert!(begun.elapsed() < PATIENCE, "not so: {what}\n{}", shown());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its exit code, once it ended.
    fn end(&mut self) -> u32 {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            if begun.elapsed() > PATIENCE {
                self.child.kill().unwrap();
                panic!("it did not end");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn is_given_back(&self) {
        self.wait("the terminal is given back", |screen| {
            let mouse = screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None;
            mouse && !screen.alternate_screen() && !screen.bracketed_paste() && !screen.hide_cursor()
        });
        let termios = self.master.as_ref().unwrap().get_termios().unwrap();
        assert!(format!("{termios:?}").contains("ICANON"), "what is typed shows again: {termios:?}");
    }

    fn type_in(&mut self, keys: &[u8]) {
        let writer = self.writer.as_mut().unwrap();
        writer.write_all(keys).unwrap();
        writer.flush().unwrap();
    }

    fn signal(&self, name: &str) {
        let id = self.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([name, &id]).status().unwrap().success());
    }
}

#[test]
fn the_terminal_comes_back_after_q_and_after_ctrl_c() {
    for keys in [&b"q"[..], b"\x03"] {
        let mut seat = Seat::client();
        seat.type_in(keys);
        assert_eq!(seat.end(), 0, "{keys:?}");
        seat.is_given_back();
    }
}

#[test]
fn the_terminal_comes_back_after_a_signal() {
    for name in ["-TERM", "-INT"] {
        let mut seat = Seat::client();
        seat.signal(name);
        assert_eq!(seat.end(), 0, "{name}");
        seat.is_given_back();
    }
}

#[test]
fn a_terminal_that_went_away_ends_the_client() {
    let mut seat = Seat::client();
    seat.gone.store(true, Ordering::Relaxed);
    // The reading side lets go once it was sent something more, and a client that waits sends nothing unasked.
    seat.type_in(b"?");
    seat.reading.take().unwrap().join().unwrap();
    seat.writer = None;
    seat.master = None;
    seat.end();
}

#[test]
fn the_terminal_comes_back_before_a_panic_is_told() {
    for place in ["here", "in a task"] {
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args(["--exact", "the_child_that_panics", "--nocapture", "--test-threads=1"]);
        command.env(PANICS, place);
        let mut seat = Seat::open(command);
        assert_ne!(seat.end(), 0, "{place}");
        seat.is_given_back();
        let told = seat.screen.lock().unwrap().screen().contents();
        assert!(told.contains("on purpose"), "the message stands where it can be read: {told}");
        let wrong = faults(&seat.raw.lock().unwrap(), Kind::Run);
        assert!(wrong.is_empty(), "{place}: {wrong:?}");
    }
}

/// As where a text of somebody else's stands in the words of a panic.
const ON_PURPOSE: &str = "on purpose \x1b]0;pwned7331\x07\u{9b}7331m\u{202e}";

/// Not a test of its own: the body of the child above.
#[test]
fn the_child_that_panics() {
    let Ok(place) = std::env::var(PANICS) else { return };
    let mut screen = terminal::enter().unwrap();
    screen.draw(|frame| frame.render_widget("a screen", frame.area())).unwrap();
    assert!(!terminal::is_lost());
    if place == "in a task" {
        std::thread::spawn(|| panic!("{ON_PURPOSE}")).join().unwrap_err();
        assert!(terminal::is_lost(), "the loop is told");
    }
    panic!("{ON_PURPOSE}");
}

fn mouse(seat: &Seat) -> vt100::MouseProtocolMode {
    seat.screen.lock().unwrap().screen().mouse_protocol_mode()
}

#[test]
fn the_mouse_is_taken_without_bare_movement_unless_the_file_leaves_it_to_the_terminal() {
    let seat = Seat::client();
    assert_eq!(mouse(&seat), vt100::MouseProtocolMode::ButtonMotion);
    let seat = Seat::with(CommandBuilder::new(env!("CARGO_BIN_EXE_deadwax")), "[mouse]\ncapture = false\n");
    seat.wait("it is drawn", |screen| screen.contents().contains("offline"));
    assert_eq!(mouse(&seat), vt100::MouseProtocolMode::None);
}

#[test]
fn a_fault_in_the_file_is_shown_with_its_line_and_the_client_starts_all_the_same() {
    let config = "[theme]\nground = \"dark\"\n[keys.song]\naprove = \"f2\"\n";
    let seat = Seat::with(CommandBuilder::new(env!("CARGO_BIN_EXE_deadwax")), config);
    seat.wait("the line and the way to mend it", |screen| {
        let text = screen.contents();
        text.contains("line 4") && text.contains("deadwax config check") && text.contains("offline")
    });
}

#[test]
fn an_answer_about_the_ground_presses_no_key() {
    let mut seat = Seat::client();
    // "1", "2" and "?" of it would each lead elsewhere.
    seat.type_in(b"\x1b]11;rgb:1212/ffff/2222\x1b\\?");
    seat.wait("the key after it counts", |screen| screen.contents().contains("Keys of Desk"));
    seat.type_in(b"q");
    seat.wait("and only that one", |screen| !screen.contents().contains("Keys of Desk"));
    assert!(seat.screen.lock().unwrap().screen().contents().contains("leave"), "on the first screen");
}

#[test]
fn put_to_sleep_it_gives_the_terminal_back_and_takes_it_again() {
    let mut command = CommandBuilder::new("sh");
    let script = format!(
        "set -m; '{}'; echo asleep; read go; fg >/dev/null; echo over",
        env!("CARGO_BIN_EXE_deadwax")
    );
    command.args(["-c", &script]);
    let mut seat = Seat::open(command);
    let drawn = |screen: &vt100::Screen| screen.alternate_screen() && screen.contents().contains("offline");
    seat.wait("it is drawn", drawn);
    seat.type_in(b"?");
    seat.wait("the help", |screen| screen.contents().contains("Keys of Desk"));
    seat.type_in(b"\x1a");
    seat.wait("the shell has the terminal, as it was", |screen| {
        !screen.alternate_screen() && !screen.bracketed_paste() && screen.contents().contains("asleep")
    });
    seat.type_in(b"on\n");
    seat.wait("it is drawn again, where it was", |screen| {
        drawn(screen) && screen.contents().contains("Keys of Desk")
    });
    seat.type_in(b"\x03");
    seat.wait("the shell had its turn twice", |screen| {
        let text = screen.contents();
        text.contains("asleep") && text.contains("over")
    });
    assert_eq!(seat.end(), 0);
    seat.is_given_back();
}
