//! Which bounces of a folder are whole: what was seen and when it last changed, sorted into versions by their names. Pure: a listing and the time in, groups
//! out. Never here: files, the line, the clock.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use crate::name::{self, Guess, Kind};

/// What bounces are written as.
const ENDINGS: [&str; 9] = ["wav", "wave", "bwf", "rf64", "w64", "aif", "aiff", "flac", "m4a"];

/// A file as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub path: PathBuf,
    pub bytes: u64,
    pub changed: SystemTime,
}

/// Files that are one version: same title, kind and number.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub title: String,
    pub files: Vec<(PathBuf, Guess)>,
}

impl Group {
    pub fn paths(&self) -> Vec<PathBuf> {
        self.files.iter().map(|(path, _)| path.clone()).collect()
    }
}

type Key = (String, Option<u8>, Option<u32>);

struct File {
    seen: Seen,
    /// When it was first seen as it is.
    since: Duration,
    guess: Guess,
    /// Dealt with as it is: pushed, refused, or no sound.
    done: bool,
}

pub struct Folder {
    calm: Duration,
    files: BTreeMap<PathBuf, File>,
    /// Groups without a main that were told.
    told: BTreeSet<Key>,
}

/// What a look at the folder found.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// Whole, with their main: to be pushed.
    pub ready: Vec<Group>,
    /// Whole but without a main; each told once.
    pub without_main: Vec<Group>,
    /// How long until something may be ready; `None`: nothing is awaited.
    pub again_in: Option<Duration>,
}

impl Folder {
    pub fn new(calm: Duration) -> Folder {
        Folder { calm, files: BTreeMap::new(), told: BTreeSet::new() }
    }

    /// `now` grows from look to look, from any beginning.
    pub fn look(&mut self, listing: Vec<Seen>, now: Duration) -> Found {
        let listing: Vec<Seen> = listing.into_iter().filter(|seen| is_bounce(&seen.path)).collect();
        let there: BTreeSet<&Path> = listing.iter().map(|seen| seen.path.as_path()).collect();
        self.files.retain(|path, _| there.contains(path.as_path()));
        for seen in listing {
            let unchanged = |file: &File| file.seen == seen;
            if !self.files.get(&seen.path).is_some_and(unchanged) {
                let guess = name::parse(&seen.path.to_string_lossy());
                self.told.remove(&key(&guess));
                let file = File { since: now, guess, done: false, seen };
                self.files.insert(file.seen.path.clone(), file);
            }
        }
        self.sort(now)
    }

    fn sort(&mut self, now: Duration) -> Found {
        let mut groups: BTreeMap<Key, Vec<&File>> = BTreeMap::new();
        let mut changed: BTreeMap<String, Duration> = BTreeMap::new();
        for file in self.files.values() {
            let key = key(&file.guess);
            // Any file of the song that changes, of another version too, says that bouncing goes on.
            let last = changed.entry(key.0.clone()).or_default();
            *last = (*last).max(file.since);
            if !file.done {
                groups.entry(key).or_default().push(file);
            }
        }
        let mut found = Found::default();
        for (key, files) in groups {
            let calm_at = changed.get(&key.0).copied().unwrap_or_default() + self.calm;
            if now < calm_at || files.iter().any(|file| file.seen.bytes == 0) {
                let wait = calm_at.saturating_sub(now).max(Duration::from_millis(100));
                found.again_in = Some(found.again_in.map_or(wait, |least| least.min(wait)));
                continue;
            }
            let group = Group {
                title: files[0].guess.title.clone(),
                files: files.iter().map(|file| (file.seen.path.clone(), file.guess.clone())).collect(),
            };
            if group.files.iter().any(|(_, guess)| guess.alternate == "main") {
                found.ready.push(group);
            } else if self.told.insert(key) {
                found.without_main.push(group);
            }
        }
        found
    }

    /// These were dealt with as they are; they come again only when they change.
    pub fn done(&mut self, paths: &[PathBuf]) {
        for path in paths {
            if let Some(file) = self.files.get_mut(path) {
                file.done = true;
            }
        }
    }

    /// All of these were, or are gone.
    pub fn is_done(&self, paths: &[PathBuf]) -> bool {
        paths.iter().all(|path| self.files.get(path).is_none_or(|file| file.done))
    }
}

fn key(guess: &Guess) -> Key {
    let kind = guess.kind.map(|kind| match kind {
        Kind::Take => 0,
        Kind::Mix => 1,
        Kind::Master => 2,
    });
    (name::key(&guess.title), kind, guess.number)
}

/// By its name: sound, and not what a workstation, a browser or a sync tool is still writing.
fn is_bounce(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(OsStr::to_str) else { return false };
    let lower = name.to_lowercase();
    let ending = lower.rsplit_once('.').map_or("", |(_, ending)| ending);
    let stem = lower.rsplit_once('.').map_or(lower.as_str(), |(stem, _)| stem);
    let unfinished = lower.starts_with(['.', '~'])
        || [".tmp", ".temp", ".part", ".partial", "~"].iter().any(|mark| stem.ends_with(mark));
    ENDINGS.contains(&ending) && !unfinished
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(name: &str, bytes: u64) -> Seen {
        Seen { path: Path::new("/b").join(name), bytes, changed: SystemTime::UNIX_EPOCH }
    }

    fn at(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn names(group: &Group) -> Vec<(String, &str)> {
        let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
        group.files.iter().map(|(path, guess)| (name(path), guess.alternate.as_str())).collect()
    }

    #[test]
    fn a_bounce_is_whole_when_nothing_of_its_song_changes_any_more() {
        let mut folder = Folder::new(at(10));
        let main = |bytes| seen("Lamps_Main_v02.wav", bytes);
        let inst = |bytes| seen("Lamps_Inst_v02.wav", bytes);
        assert_eq!(folder.look(vec![main(10)], at(0)).again_in, Some(at(10)));
        assert_eq!(folder.look(vec![main(20)], at(5)).again_in, Some(at(10)), "it grows");
        // The next file of the same song begins before the first was calm.
        let found = folder.look(vec![main(20), inst(0)], at(14));
        assert_eq!((found.ready.len(), found.again_in), (0, Some(at(10))));
        assert!(folder.look(vec![main(20), inst(5)], at(20)).ready.is_empty());
        assert!(folder.look(vec![main(20), inst(5)], at(29)).ready.is_empty());
        let found = folder.look(vec![main(20), inst(5)], at(30));
        assert_eq!((found.ready.len(), found.again_in), (1, None));
        let wanted =
            [("Lamps_Inst_v02.wav".to_owned(), "instrumental"), ("Lamps_Main_v02.wav".to_owned(), "main")];
        assert_eq!(names(&found.ready[0]), wanted);
        assert!(!folder.is_done(&found.ready[0].paths()));
        folder.done(&found.ready[0].paths());
        assert_eq!(folder.look(vec![main(20), inst(5)], at(99)), Found::default());
        assert!(folder.is_done(&found.ready[0].paths()));
        // Written again it is another bounce.
        assert_eq!(folder.look(vec![main(21), inst(5)], at(100)).again_in, Some(at(10)));
        assert_eq!(names(&folder.look(vec![main(21), inst(5)], at(110)).ready[0]).len(), 1);
    }

    #[test]
    fn songs_and_versions_are_kept_apart_and_what_has_no_main_waits_for_it() {
        let mut folder = Folder::new(at(10));
        let all = || {
            vec![
                seen("Lamps_Main_v02.wav", 1),
                seen("Lamps_Main_v03.wav", 1),
                seen("NightDrive_Main_v02.wav", 1),
                seen("Harbour_Inst_v01.wav", 1),
            ]
        };
        folder.look(all(), at(0));
        let found = folder.look(all(), at(10));
        assert_eq!((found.ready.len(), found.without_main.len()), (3, 1));
        assert!(folder.look(all(), at(11)).without_main.is_empty(), "told once");
        let with_main = || [all(), vec![seen("Harbour_Main_v01.wav", 1)]].concat();
        folder.look(with_main(), at(20));
        let found = folder.look(with_main(), at(30));
        assert!(found.ready.iter().any(|group| group.files.len() == 2 && group.title == "Harbour"));
    }

    #[test]
    fn what_is_still_being_written_and_what_is_no_sound_is_left_alone() {
        for name in
            [".Lamps.wav", "~Lamps.wav", "Lamps.wav.part", "Lamps.tmp.wav", "Lamps.txt", "Lamps~.wav", "wav"]
        {
            assert!(!is_bounce(Path::new(name)), "{name}");
        }
        for name in ["Lamps.wav", "Lamps v2.AIFF", "Lamps.Temple.flac", "Temp.wav"] {
            assert!(is_bounce(Path::new(name)), "{name}");
        }
        let mut folder = Folder::new(at(1));
        folder.look(vec![seen("Empty.wav", 0)], at(0));
        assert!(folder.look(vec![seen("Empty.wav", 0)], at(100)).ready.is_empty());
    }
}
