//! Files on their way to the studio and from it, as the screens see them; orders to the mover and what it tells. Paths that were pasted or dropped are read
//! here. Never here: IO.

use std::path::{Path, PathBuf};

use deadwax_proto::v1::{AddVersion, RecordRow, VersionKind};
use ratatui_textarea::TextArea;

use crate::{name, scrub, verbs::record::files::Asked};

#[derive(Clone, Debug, Default)]
pub struct Transfers {
    /// The newest first.
    pub list: Vec<Transfer>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    pub id: u64,
    /// "Mix 2 of Glass Hour, 4 files"
    pub title: String,
    /// Where to: a folder of this machine, or a song of the studio.
    pub place: String,
    pub way: Way,
    pub state: State,
    /// What is done at the moment: "reading Main.wav", or what came of it.
    pub step: String,
    pub bytes: u64,
    pub bytes_done: u64,
    /// Over the last seconds.
    pub bytes_per_s: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    Running,
    Paused,
    /// The line is down: it goes on by itself when it is back.
    Cut {
        text: String,
    },
    Done,
    Failed {
        text: String,
        hint: String,
    },
}

impl State {
    /// Whether leaving now would stop something.
    pub fn is_under_way(&self) -> bool {
        matches!(self, State::Waiting | State::Running | State::Cut { .. })
    }

    pub fn has_ended(&self) -> bool {
        matches!(self, State::Done | State::Failed { .. })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    Start(Job),
    Pause {
        id: u64,
    },
    /// Also of one that failed: it is tried again from where it stopped.
    Resume {
        id: u64,
    },
    /// Forgets it. An unfinished file is removed; whole ones stay, and so does what the studio has already.
    Cancel {
        id: u64,
    },
    /// What lies under these paths: sizes of files, and of a folder the audio in it.
    Look {
        ticket: u64,
        paths: Vec<String>,
    },
}

/// What is to be moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: u64,
    pub title: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Files of a version or of a delivery, under their canonical names, into a folder; papers are written beside them.
    Fetch {
        project_id: String,
        version_id: String,
        files: Vec<Wanted>,
        papers: Vec<(String, Vec<u8>)>,
        folder: PathBuf,
    },
    /// Files of a record, each in the folder of its profile, with the manifest where it is delivered.
    Record(Box<OfRecord>),
    /// The package of a song's handoff.
    Package { project_id: String, song_id: String, sha256: String, bytes: u64, folder: PathBuf },
    /// Files from this machine; when all are there the version is added with them.
    /// `twins`: the project only warns where two of them are the same file.
    Send { project_id: String, files: Vec<Sent>, add: Box<AddVersion>, command_id: String, twins: bool },
}

#[derive(Clone, Debug, PartialEq)]
pub struct OfRecord {
    pub project_id: String,
    pub record_id: String,
    pub asked: Asked,
    pub folder: PathBuf,
}

impl OfRecord {
    /// The files of these profiles, or of all, each in its checked place, and the manifest, which was read. An error is a sentence.
    pub fn asked(row: &RecordRow, only: &[String]) -> Result<Asked, String> {
        Asked::of(row, only).map_err(|error| scrub::line(&error.to_string()))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub sha256: String,
    pub name: String,
    pub bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub path: PathBuf,
    pub alternate: String,
    pub bytes: u64,
}

impl What {
    pub fn way(&self) -> Way {
        if matches!(self, What::Send { .. }) { Way::Up } else { Way::Down }
    }

    pub fn bytes(&self) -> u64 {
        match self {
            What::Fetch { files, .. } => files.iter().map(|it| it.bytes).sum(),
            What::Record(it) => it.asked.files.iter().fold(0, |sum, it| sum.saturating_add(it.bytes)),
            What::Package { bytes, .. } => *bytes,
            What::Send { files, .. } => files.iter().map(|it| it.bytes).sum(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Moved {
        id: u64,
        bytes: u64,
        bytes_done: u64,
        bytes_per_s: u64,
    },
    Step {
        id: u64,
        text: String,
    },
    Changed {
        id: u64,
        state: State,
    },
    /// It was cancelled.
    Gone {
        id: u64,
    },
    Looked {
        ticket: u64,
        found: Vec<Found>,
    },
}

/// What lies under a path of this machine: its size, or why it cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub path: PathBuf,
    pub bytes: Result<u64, String>,
}

/// Files of this machine that are to become a version.
#[derive(Clone, Debug)]
pub struct UploadAsk {
    pub project: String,
    pub song: String,
    pub song_title: String,
    pub kind: VersionKind,
    /// What the server says follows from it. May be empty.
    pub consequence: String,
    /// What was pasted, dropped or typed.
    pub paths: TextArea<'static>,
    pub files: Vec<Sending>,
    pub title: TextArea<'static>,
    pub changelog: TextArea<'static>,
    pub pane: Pane,
    pub at: usize,
    /// Of the newest look at the paths, while its answer is awaited.
    pub ticket: Option<u64>,
    pub problem: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Sending {
    pub found: Found,
    /// What its name says.
    pub guess: name::Guess,
    /// What it will be sent as.
    pub alternate: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    Paths,
    Files,
    Title,
    Changelog,
}

pub const PANES: [Pane; 4] = [Pane::Paths, Pane::Files, Pane::Title, Pane::Changelog];

/// What a file can be sent as by a key; the others by their name.
pub const ALTERNATES: [&str; 14] = [
    "main",
    "instrumental",
    "tv",
    "tv-lowered",
    "a-cappella",
    "vocal-up+0.5",
    "vocal-up+1.0",
    "vocal-down-0.5",
    "vocal-down-1.0",
    "clean",
    "radio-edit",
    "lead-vocal-only",
    "limited",
    "unlimited",
];

/// Endings of files that are sent when a whole folder was named.
pub const AUDIO: [&str; 10] = ["wav", "aif", "aiff", "flac", "mp3", "m4a", "ogg", "opus", "w64", "rf64"];

pub fn is_audio(path: &Path) -> bool {
    let ending = path.extension().map(|it| it.to_string_lossy().to_lowercase());
    ending.is_some_and(|it| AUDIO.contains(&it.as_str()))
}

/// Paths as terminals paste what is dropped on them: in quotes, with backslashes, as `file://`, one a line or beside each other. A plain space
/// belongs to a name unless a new path begins behind it.
pub fn paths_of(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut rest = line.trim();
        while !rest.is_empty() {
            let (path, after) = first_path(rest);
            if !path.is_empty() {
                found.push(path);
            }
            rest = after.trim_start();
        }
    }
    found.dedup();
    found
}

fn first_path(text: &str) -> (String, &str) {
    let url = text.strip_prefix("file://");
    let mut out = String::new();
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', Some('"') | None) => match chars.next() {
                // In double quotes a backslash protects only what is special there.
                Some((_, next)) if quote.is_none() || matches!(next, '"' | '\\' | '$' | '`') => {
                    out.push(next);
                }
                Some((_, next)) => out.extend(['\\', next]),
                None => out.push('\\'),
            },
            // An apostrophe inside a name is one; at its beginning, or where a quote was just closed, it opens.
            ('\'' | '"', None) if closes_later(text, at, c) => quote = Some(c),
            (c, None) if c.is_whitespace() && begins_path(text[at..].trim_start()) => {
                return (finished(out, url.is_some()), &text[at..]);
            }
            (c, _) => out.push(c),
        }
    }
    (finished(out, url.is_some()), "")
}

fn closes_later(text: &str, at: usize, quote: char) -> bool {
    let before = text[..at].chars().next_back();
    let opens = before.is_none_or(|c| c.is_whitespace() || matches!(c, '\'' | '"' | '/') || c == '\\');
    let escaped = text[..at].ends_with("\\'");
    (opens || escaped) && text[at + quote.len_utf8()..].contains(quote)
}

fn begins_path(text: &str) -> bool {
    ["/", "~/", "./", "../", "file://", "'/", "\"/", "'~/", "\"~/"].iter().any(|it| text.starts_with(it))
}

fn finished(path: String, url: bool) -> String {
    let path = path.trim_end();
    let Some(rest) = path.strip_prefix("file://").filter(|_| url) else { return path.to_owned() };
    // What stands before the first slash is the machine.
    let rest = rest.find('/').map_or(rest, |at| &rest[at..]);
    let mut bytes = Vec::with_capacity(rest.len());
    let mut left = rest.as_bytes();
    while let Some((first, after)) = left.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%').and_then(|it| std::str::from_utf8(it).ok());
        match digits.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                left = &after[2..];
            }
            None => {
                bytes.push(*first);
                left = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A part of a path made from a name of somebody: no separators, no dots in front, not long.
pub fn folder_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || " -_()&'".contains(c) { c } else { '_' };
    let name: String = crate::scrub::line(name).chars().map(plain).take(60).collect();
    let name = name.trim();
    if name.is_empty() { "Untitled".into() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_paths_are_read_as_terminals_write_them() {
        for (given, wanted) in [
            ("/a/Mix 2.wav", vec!["/a/Mix 2.wav"]),
            ("'/a/Mix 2.wav' '/a/Inst.wav'", vec!["/a/Mix 2.wav", "/a/Inst.wav"]),
            ("/a/Mix\\ 2.wav /a/In\\(st\\).wav", vec!["/a/Mix 2.wav", "/a/In(st).wav"]),
            ("/a/Mix 2.wav /b/x.wav", vec!["/a/Mix 2.wav", "/b/x.wav"]),
            ("file:///a/Mix%202.wav\nfile://host/b/%E5%A4%9C.wav\r\n", vec!["/a/Mix 2.wav", "/b/夜.wav"]),
            ("\"~/Bounces/it's \\\"loud\\\".wav\"", vec!["~/Bounces/it's \"loud\".wav"]),
            ("'/a/it'\\''s.wav'", vec!["/a/it's.wav"]),
            ("/a/it's.wav", vec!["/a/it's.wav"]),
            ("/a/Don't.wav /b/Won't.wav", vec!["/a/Don't.wav", "/b/Won't.wav"]),
            ("mix.wav", vec!["mix.wav"]),
            ("  \n", vec![]),
            ("/a/100%.wav", vec!["/a/100%.wav"]),
        ] {
            assert_eq!(paths_of(given), wanted, "{given}");
        }
    }

    #[test]
    fn a_title_never_leads_out_of_its_folder() {
        for (given, wanted) in [
            ("Glass Hour", "Glass Hour"),
            ("../../etc", "______etc"),
            ("..", "__"),
            ("a/b\\c\u{202e}", "a_b_c"),
            ("夜のドライブ", "夜のドライブ"),
            ("  ", "Untitled"),
        ] {
            assert_eq!(folder_name(given), wanted, "{given}");
        }
        assert!(folder_name(&"x".repeat(10_000)).len() <= 60);
    }

    mod any {
        use super::*;
        use proptest::prelude::*;

        proptest! {
            #[test]
            fn any_paste_is_read_to_its_end(text in "[ -~\\n夜'\"\\\\%]{0,60}") {
                for path in paths_of(&text) {
                    prop_assert!(!path.is_empty() && path.trim_end() == path);
                }
            }

            #[test]
            fn what_a_shell_would_quote_comes_back_whole(name in "[a-z '夜%()]{1,20}") {
                let path = format!("/music/x{name}x.wav");
                prop_assume!(!name.contains(" '/"));
                let quoted = format!("'{}'", path.replace('\'', r"'\''"));
                prop_assert_eq!(paths_of(&quoted), vec![path]);
            }
        }
    }
}
