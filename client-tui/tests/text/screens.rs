//! The screens as a process on a terminal of its own, in front of a server that means harm: somebody presses whatever there is, and every byte that reaches the
//! terminal from the first to the last is held against what is ours. Never here: what a screen shows (`tests/screens` looks at each of them).

use std::{
    io::{Read as _, Write as _},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

use crate::{
    harm::names,
    seed,
    server::{self, Mood},
    sign_in,
    sink::{Kind, faults},
    tell, times,
};

const PATIENCE: Duration = Duration::from_secs(30);
/// As fast as somebody who leans on the keys.
const BETWEEN: Duration = Duration::from_millis(15);
/// Which keys: rooms, lists, prompts, texts; nothing that leaves or goes to sleep.
const KEYS: [&str; 60] = [
    "1", "2", "3", "4", "5", "6", "7", "8", "\r", "\r", "\r", "\t", "\x1b", "\x1b", "\x1b[A", "\x1b[B",
    "\x1b[C", "\x1b[D", "?", ":", "/", " ", "a", "b", "c", "d", "e", "g", "h", "i", "j", "k", "l", "m", "n",
    "o", "p", "r", "s", "t", "u", "v", "w", "x", "y", "z", "A", "C", "D", "G", "H", "N", "R", "S", "T", "V",
    "Y", "[", "]", "%",
];

struct Pane {
    child: Box<dyn Child + Send + Sync>,
    writer: Box<dyn std::io::Write + Send>,
    raw: Arc<Mutex<Vec<u8>>>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
    _home: tempfile::TempDir,
}

impl Pane {
    fn open(address: std::net::SocketAddr, (columns, rows): (u16, u16)) -> Pane {
        let home = tempfile::tempdir().unwrap();
        sign_in(home.path(), address);
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_deadwax"));
        command.env("DEADWAX_HOME", home.path());
        command.env("TERM", "xterm-256color");
        // An editor that changes nothing.
        command.env("EDITOR", "true");
        command.env("VISUAL", "true");
        for gone in ["NO_COLOR", "COLORTERM", "COLORFGBG", "TMUX", "DEADWAX_PROFILE", "SSH_AUTH_SOCK"] {
            command.env_remove(gone);
        }
        command.cwd(home.path());
        let pair = native_pty_system()
            .openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 })
            .unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let raw = Arc::new(Mutex::new(Vec::new()));
        let (mut reader, into) = (pair.master.try_clone_reader().unwrap(), raw.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                into.lock().unwrap().extend_from_slice(&bytes[..count]);
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Pane { child, writer, raw, _master: pair.master, _home: home }
    }

    fn types(&mut self, keys: &str) {
        // Where it has ended, that is what is told.
        drop(self.writer.write_all(keys.as_bytes()).and_then(|()| self.writer.flush()));
    }

    fn has(&self, text: &str) -> bool {
        let raw = self.raw.lock().unwrap();
        raw.windows(text.len()).any(|it| it == text.as_bytes())
    }

    fn waits(&self, what: &str, is_so: impl Fn(&Pane) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(
                begun.elapsed() < PATIENCE,
                "not so: {what}\n{}",
                self.raw.lock().unwrap().escape_ascii()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its exit code, after Ctrl-C.
    fn leaves(&mut self) -> u32 {
        let begun = Instant::now();
        loop {
            self.types("\x03");
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(begun.elapsed() < PATIENCE, "it cannot be left");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// A few of the corpus behind one word, so that the names stay as long as names are.
fn words(nth: usize) -> String {
    let all = names(seed(), 200);
    let few: String =
        (0..6).map(|at| all[(nth * 6 + at) % 130].chars().take(60).collect::<String>()).collect();
    format!("Kuckuck{few}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_ours_reaches_the_terminal_whatever_is_pressed() {
    let (people, presses) = (times(4, 8, 60), times(80, 150, 2_000));
    let (mut bytes, mut wrong) = (0, Vec::new());
    for nth in 0..people {
        let mood = if nth % 4 == 3 { Mood::Refuses } else { Mood::Stays };
        let address = server::serve(mood, &words(nth)).await;
        let ran = tokio::task::spawn_blocking(move || {
            let size = [(80, 24), (120, 40), (41, 13)][nth % 3];
            let mut pane = Pane::open(address, size);
            pane.waits("it is drawn", |it| {
                it.has(if mood == Mood::Refuses { "\x1b[?1049h" } else { "Kuckuck" })
            });
            let mut lot = seed() + nth as u64;
            for _ in 0..presses {
                lot = lot.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                pane.types(KEYS[(lot >> 33) as usize % KEYS.len()]);
                std::thread::sleep(BETWEEN);
            }
            let code = pane.leaves();
            pane.waits("the terminal is given back", |it| it.has("\x1b[?1049l"));
            (code, pane.raw.lock().unwrap().clone())
        });
        let (code, raw) = ran.await.unwrap();
        bytes += raw.len();
        if code != 0 {
            wrong.push(format!(
                "person {nth} was thrown out with {code}: {}",
                raw[raw.len().saturating_sub(600)..].escape_ascii()
            ));
        }
        wrong.extend(faults(&raw, Kind::Run).into_iter().map(|it| format!("person {nth}: {it}")));
    }
    let few: Vec<&String> = wrong.iter().take(12).collect();
    let figures = format!(
        "screens: {people} people, {presses} keys each against a hostile server, {} KiB drawn: {} faults {few:?}",
        bytes >> 10,
        wrong.len()
    );
    tell(wrong.is_empty() && bytes > people * 5_000, &figures);
}
