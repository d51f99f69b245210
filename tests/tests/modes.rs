//! MODES: whatever server and client make belongs to their user alone, folders 0700 and files 0600, also where the umask gives everything to everybody. Method:
//! the programs run under umask 000 while somebody looks at the folders all the time, so that files which lie there for a moment count too.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

#[allow(dead_code, reason = "broken files are for others")]
mod bad_audio;

use std::{
    collections::BTreeMap,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use bad_audio::{noise, wav};
use deadwax_tests::demo::{Log, Material, Studio, mixing};
use rustix::{fs::Mode, process::umask};

/// Every path that was seen, with its mode.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<BTreeMap<PathBuf, u32>>>);

impl Seen {
    fn look(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            // It may be gone by now.
            let Ok(about) = std::fs::symlink_metadata(&path) else { continue };
            if about.is_symlink() {
                continue;
            }
            if about.is_dir() {
                self.look(&path);
            }
            let kind = if about.is_dir() { "/" } else { "" };
            let path = PathBuf::from(format!("{}{kind}", path.display()));
            *self.0.lock().unwrap().entry(path).or_insert(0) |= about.permissions().mode() & 0o7777;
        }
    }

    /// Those that anybody but their user may touch.
    fn open_to_others(&self) -> Vec<String> {
        let all = self.0.lock().unwrap();
        let wrong = all.iter().filter(|(path, mode)| {
            let is_dir = path.display().to_string().ends_with('/');
            **mode & 0o077 != 0 || (!is_dir && **mode & 0o100 != 0)
        });
        wrong.map(|(path, mode)| format!("{mode:04o} {}", path.display())).collect()
    }
}

#[test]
fn whatever_is_made_belongs_to_its_user_alone() {
    umask(Mode::empty());
    let root = tempfile::tempdir().unwrap();
    let probe = root.path().join("probe");
    std::fs::write(&probe, "").unwrap();
    assert_eq!(std::fs::metadata(&probe).unwrap().mode() & 0o777, 0o666, "the control: nothing is held back");

    let on = Studio::found(
        Path::new(env!("CARGO_BIN_EXE_demo")),
        root.path(),
        Material::Song(Box::default()),
        Log::new(true),
    )
    .unwrap();
    let (seen, stop) = (Seen::default(), Arc::new(AtomicBool::new(false)));
    let folders = [on.house.studio.clone(), root.path().join("people")];
    let watcher = {
        let (seen, stop, folders) = (seen.clone(), stop.clone(), folders.clone());
        thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                folders.iter().for_each(|folder| seen.look(folder));
                thread::sleep(Duration::from_millis(5));
            }
        })
    };
    let push = |seat: &deadwax_tests::harness::Seat, stage: &str, seconds: usize| {
        let path = root.path().join("NightDrive.wav");
        std::fs::write(&path, wav(1, 24, 2, 48_000, &noise(48_000 * 6 * seconds))).unwrap();
        seat.verb(["push", path.to_str().unwrap(), "--stage", stage, "--alternate", "main", "--yes"])
            .unwrap();
    };
    push(&on.cast.artist, "take", 2);
    on.cast.mixer.verb(["approve", "--role", "mix-engineer", "--yes"]).unwrap();
    push(&on.cast.mixer, "mix", 3);
    push(&on.cast.mixer, "mix", 4);
    mixing::examined(&on, "mix", 2).unwrap();
    on.cast.label.verb(["key", "new", "--no-passphrase"]).unwrap();
    on.cast.label.verb(["key", "enrol"]).unwrap();
    on.cast.label.verb(["note", "Louder.", "--at", "0:01"]).unwrap();
    let out = root.path().join("people/out");
    on.cast.label.verb(["status"]).unwrap();
    let backup = root.path().join("backup");
    let copied = on.house.server_verb("backup", &[backup.to_str().unwrap()]).unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    stop.store(true, Ordering::SeqCst);
    watcher.join().unwrap();
    [&folders[0], &folders[1], &backup].into_iter().for_each(|folder| seen.look(folder));
    assert!(!out.exists());

    // The test itself made the folder of each person.
    let people = root.path().join("people");
    let own = |line: &String| {
        line.split_once(' ').is_some_and(|(_, path)| Path::new(path).parent() == Some(people.as_path()))
    };
    let wrong: Vec<String> = seen.open_to_others().into_iter().filter(|line| !own(line)).collect();
    let count = seen.0.lock().unwrap().len();
    let held = wrong.is_empty() && count > 60;
    let word = if held { "held" } else { "missed" };
    println!(
        "\n#gate MODES {word} {count} paths seen under umask 000, {} open to others: {wrong:?}",
        wrong.len()
    );
    assert!(held, "{count} paths, open to others: {wrong:#?}");
}
