//! Every verb of the command line, found by the command line's own description, against a server that means harm: what it prints for people, for programs and beside
//! is ends of lines and plain text. A new verb is in it by itself. Never here: what a verb should say.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use clap::CommandFactory as _;
use deadwax_client::cli::Cli;

use crate::{
    harm::{self, OWNED},
    seed,
    server::{self, Mood},
    sign_in,
    sink::{Kind, faults},
    tell, times,
};

/// A verb that watches is ended then; what it said until then counts.
const PATIENCE: Duration = Duration::from_secs(4);
/// At a time: most of the time they wait for the server.
const AT_ONCE: usize = 4;
/// A word that stands in every text of the server: where it is printed, somebody else's text was.
const HEARD: &str = "Kuckuck";

/// A verb with everything that it asks for.
struct Asked {
    words: Vec<String>,
}

/// What stands where nothing can be left out, by its name in the help.
fn value(id: &str, name: &str, room: &Path) -> String {
    let inside = |file: &str| room.join(file).to_string_lossy().into_owned();
    match id {
        "url" if name == "webhook add" => "https://example.org/x".to_owned(),
        "url" => "deadwax://127.0.0.1:1/CODE".to_owned(),
        "email" => "ana@example.org".to_owned(),
        "files" | "file" | "input" | "before" | "after" | "a" | "b" | "words" if name != "follow" => {
            inside("tone\u{202e}\u{1b}]0;x.wav")
        }
        "folder" | "output" | "out" | "to" => inside("out"),
        "song" | "of" | "songs" => "1".to_owned(),
        "version" => "mix 2".to_owned(),
        "roles" => "label".to_owned(),
        "settings" => "LONG_HEAD=warn".to_owned(),
        "words" => "all".to_owned(),
        "shell" => "bash".to_owned(),
        "recipe" => "reference".to_owned(),
        _ => format!("{HEARD} \u{202e}\u{9b}7331m"),
    }
}

/// What is said although nobody must: otherwise a verb would end at a question.
fn is_said(id: &str) -> bool {
    matches!(id, "yes" | "song" | "once" | "no_passphrase" | "no_audio" | "here_only")
}

fn all(room: &Path) -> Vec<Asked> {
    let mut found = Vec::new();
    let mut root = Cli::command();
    root.build();
    leaves(&root, &mut Vec::new(), room, &mut found);
    found
}

fn leaves(command: &clap::Command, path: &mut Vec<String>, room: &Path, found: &mut Vec<Asked>) {
    for sub in command.get_subcommands().filter(|it| it.get_name() != "help") {
        path.push(sub.get_name().to_owned());
        leaves(sub, path, room, found);
        path.pop();
    }
    if path.is_empty() || (command.is_subcommand_required_set() && command.has_subcommands()) {
        return;
    }
    let name = path.join(" ");
    let mut words = path.clone();
    let mut last = Vec::new();
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        // A group that wants one of its members names none of them as required.
        let is_wanted = arg.is_required_set() || (arg.is_positional() && name != "login" && id != "of");
        let is_told = is_said(id) && arg.get_long().is_some();
        if !(is_wanted || is_told) {
            continue;
        }
        if let Some(long) = arg.get_long() {
            words.push(format!("--{long}"));
        }
        if arg.get_action().takes_values() {
            let value = value(id, &name, room);
            if arg.is_positional() { last.push(value) } else { words.push(value) }
        }
    }
    if !last.is_empty() {
        words.push("--".to_owned());
        words.extend(last);
    }
    found.push(Asked { words });
}

/// A second of nothing: enough for what wants a file.
fn wav() -> Vec<u8> {
    let mut bytes =
        b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x80\x3e\0\0"
            .to_vec();
    bytes.extend((0..8_000i16).flat_map(|n| (n % 100 * 50).to_le_bytes()));
    let riff = u32::try_from(bytes.len() - 8).unwrap();
    bytes[4..8].copy_from_slice(&riff.to_le_bytes());
    bytes
}

/// A folder of its own for every run: home, a file with a hostile name, and a place for what is written.
fn room(address: std::net::SocketAddr) -> tempfile::TempDir {
    let room = tempfile::tempdir().unwrap();
    std::fs::write(room.path().join("tone\u{202e}\u{1b}]0;x.wav"), wav()).unwrap();
    sign_in(&room.path().join("home"), address);
    room
}

struct Ran {
    out: Vec<u8>,
    err: Vec<u8>,
    ended: Option<i32>,
}

fn run(room: &Path, words: &[String]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_deadwax"))
        .args(words)
        .current_dir(room)
        .env("DEADWAX_HOME", room.join("home"))
        .env("TZ", "UTC")
        .env("RUST_BACKTRACE", "0")
        .env_remove("DEADWAX_PROFILE")
        .env_remove("SSH_AUTH_SOCK")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let out = drained(child.stdout.take().unwrap());
    let err = drained(child.stderr.take().unwrap());
    let ended = ended(&mut child);
    Ran { out: out.join().unwrap(), err: err.join().unwrap(), ended }
}

fn drained(mut from: impl std::io::Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

fn ended(child: &mut Child) -> Option<i32> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            // Killed by a signal is no end of its own.
            return Some(status.code().unwrap_or(-1));
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[derive(Default)]
struct Found {
    runs: usize,
    fine: usize,
    heard: usize,
    bytes: usize,
    wrong: Vec<String>,
}

impl Found {
    fn take(&mut self, words: &[String], room: &Path, ran: &Ran) {
        self.runs += 1;
        self.fine += usize::from(ran.ended == Some(0));
        self.bytes += ran.out.len() + ran.err.len();
        let said = [&ran.out[..], &ran.err[..]].concat();
        self.heard += usize::from(String::from_utf8_lossy(&said).contains(HEARD));
        let mut wrong: Vec<String> =
            [&ran.out, &ran.err].iter().flat_map(|it| faults(it, Kind::Lines)).collect();
        if said.windows(9).any(|it| it == b"panicked ")
            || ran.ended.is_some_and(|code| !(0..=3).contains(&code))
        {
            wrong.push(format!("ended with {:?}: {}", ran.ended, ran.err.escape_ascii()));
        }
        wrong.extend(strangers(room).into_iter().map(|path| format!("wrote {path:?}")));
        self.wrong.extend(wrong.into_iter().map(|it| format!("{words:?}: {it}")));
    }
}

/// Files under names that are not ours: beside `home`, `out` and what was there before, only names of plain letters may appear.
fn strangers(room: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![room.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if name.starts_with("tone") || name == ".deadwax-part" {
                continue;
            }
            let hidden_of_ours = path.starts_with(room.join("home"));
            if (!hidden_of_ours && !harm::is_plain_file(&name)) || name.contains(OWNED) {
                found.push(path.clone());
            }
            if path.is_dir() {
                waiting.push(path);
            }
        }
    }
    found
}

/// What the server says everywhere: the word, then a few of the corpus, so that few rounds hold all of it.
fn sayings(rounds: usize) -> Vec<String> {
    let names = harm::names(seed(), 300);
    let attacks: Vec<&String> = names.iter().filter(|it| it.len() < 400).collect();
    let each = attacks.len().div_ceil(rounds);
    attacks.chunks(each).map(|some| some.iter().fold(HEARD.to_owned(), |all, it| all + it + " ")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_verb_prints_what_a_terminal_obeys() {
    let mut jobs = Vec::new();
    for (at, words) in sayings(times(1, 4, 40)).iter().enumerate() {
        let moods = if at == 0 { vec![Mood::Answers, Mood::Refuses] } else { vec![Mood::Answers] };
        for mood in moods {
            let address = server::serve(mood, words).await;
            // Each saying by a part of the verbs in the short form, by all of them in the long one.
            jobs.push((address, at, mood));
        }
    }
    let rounds = jobs.len();
    let work: Vec<(std::net::SocketAddr, bool, usize)> = jobs
        .iter()
        .enumerate()
        .flat_map(|(nth, (address, ..))| [false, true].map(|json| (*address, json, nth)))
        .collect();
    let found = tokio::task::spawn_blocking(move || swept(&work, rounds)).await.unwrap();
    let figures = format!(
        "verbs: {} runs against a hostile server, {} said its words, {} went through, {} KiB printed: {} faults {:?}",
        found.runs,
        found.heard,
        found.fine,
        found.bytes >> 10,
        found.wrong.len(),
        found.wrong.iter().take(12).collect::<Vec<_>>()
    );
    // Where nobody repeated the server's words, nothing was tried.
    tell(found.wrong.is_empty() && found.heard * 4 > found.runs && found.fine > 20, &figures);
}

fn swept(work: &[(std::net::SocketAddr, bool, usize)], rounds: usize) -> Found {
    let whole = times(false, false, true);
    let count = all(Path::new("/")).len();
    assert!(count > 80, "only {count} verbs were found");
    let jobs: Vec<(std::net::SocketAddr, bool, usize)> = work
        .iter()
        .flat_map(|(address, json, nth)| {
            (0..count)
                .filter(move |verb| whole || *nth < 2 || (verb + nth) % rounds == 0)
                .map(move |verb| (*address, *json, verb))
        })
        .collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Found::default()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((address, json, verb)) = jobs.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let room = room(*address);
                    let mut words = all(room.path()).swap_remove(*verb).words;
                    if *json {
                        words.insert(0, "--json".to_owned());
                    }
                    let ran = run(room.path(), &words);
                    found.lock().unwrap().take(&words, room.path(), &ran);
                }
            });
        }
    });
    found.into_inner().unwrap()
}
