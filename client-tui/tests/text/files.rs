//! Names that mean harm through everything that writes a file: `pull`, a package, a record, markers, and files of this machine that are called so. Nothing stands
//! outside of the folder that was asked for, nothing inside under a name that somebody else chose. Never here: what a terminal is told (`verbs`, `screens`).

use std::{collections::BTreeMap, path::Path};

use deadwax_proto::v1::{self, row::Row};

use crate::{
    harm::{self, cells, is_formula, is_obeyed, is_plain_file, names},
    kit::{self, House, code, sha},
    seed,
    sink::{Kind, faults},
    tell, times,
};

fn row(key: &str, row: Row) -> v1::Row {
    v1::Row { key: key.into(), row: Some(row) }
}

fn file(nth: usize, name: &str) -> v1::VersionFile {
    v1::VersionFile {
        alternate: if nth == 0 { "main".into() } else { name.into() },
        name: name.into(),
        sha256: sha(bytes(nth)),
        may_fetch: true,
        facts: Some(v1::AudioFacts {
            container: name.into(),
            codec: name.into(),
            bytes: bytes(nth).len() as u64,
            sample_rate: 48_000,
            frames: 4_800_000,
            ..v1::AudioFacts::default()
        }),
    }
}

/// No title begins so.
fn song_id(at: usize) -> String {
    uuid::Uuid::from_u128(0x5000_0000_0000_0000_0000_0000_0000_0000 + at as u128).to_string()
}

fn bytes(nth: usize) -> Vec<u8> {
    format!("sound {nth}").into_bytes()
}

/// One song for each of `titles`; the first has a mix of as many files as there are `names`, the others one of one file.
fn rows(titles: &[String], names: &[String]) -> Vec<v1::Row> {
    let first = titles.first().cloned().unwrap_or_default();
    let project = v1::ProjectRow {
        project_id: "proj-1".into(),
        title: first.clone(),
        artist: first,
        ..v1::ProjectRow::default()
    };
    let mut rows = vec![row("project", Row::Project(project))];
    for (at, title) in titles.iter().enumerate() {
        let song = v1::SongRow {
            song_id: song_id(at),
            title: title.clone(),
            position: at as u32 + 1,
            stage: v1::Stage::Mixing as i32,
            candidate_version_id: format!("v{at}"),
            ..v1::SongRow::default()
        };
        let files = match at {
            0 => names.iter().enumerate().map(|(nth, name)| file(nth, name)).collect(),
            _ => vec![file(0, title)],
        };
        let version = v1::VersionRow {
            version_id: format!("v{at}"),
            song_id: song_id(at),
            kind: v1::VersionKind::Mix as i32,
            number: 1,
            title: title.clone(),
            files,
            ..v1::VersionRow::default()
        };
        rows.push(row(&format!("song/{at}"), Row::Song(song)));
        rows.push(row(&format!("version/{at}"), Row::Version(version)));
    }
    rows
}

/// Every file below `folder` but those of the home, by its path from there.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(at) = waiting.pop() {
        for entry in std::fs::read_dir(at).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("home") {
                waiting.push(path);
            } else if !path.is_dir() {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(what());
        }
    }

    fn printed(&mut self, what: &str, output: &std::process::Output) {
        let all = [&output.stdout, &output.stderr].into_iter().flat_map(|it| faults(it, Kind::Lines));
        self.0.extend(all.map(|it| format!("{what}: {it}")));
    }

    fn tell(&self, figures: &str) {
        let few: Vec<&String> = self.0.iter().take(12).collect();
        tell(self.0.is_empty(), &format!("{figures}: {} effects {few:?}", self.0.len()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_pulled_has_names_of_our_own() {
    let names = names(seed(), times(120, 300, 2_000));
    let titles: Vec<String> = names.iter().take(times(12, 60, 2_000)).cloned().collect();
    let house = House::open(rows(&titles, &names)).await;
    for nth in 0..names.len() {
        house.fake.seen().files.insert(sha(bytes(nth)), bytes(nth));
    }
    let mut wrong = Wrong::default();
    let first = song_id(0);
    for way in
        [&["pull", "--song", &first, "--", "out"][..], &["--json", "pull", "--song", &first, "--", "out"]]
    {
        let output = house.run(way).await;
        wrong.check(code(&output) == 0, || format!("{way:?}: {}", output.stderr.escape_ascii()));
        wrong.printed("pull", &output);
    }
    let found = tree(house.path());
    wrong.check(found.len() == names.len() + 1, || format!("{} files of {}", found.len(), names.len()));
    for (path, held) in &found {
        let name = path.strip_prefix("out/").unwrap_or("/");
        let ours = name == "SHA256SUMS" || held.starts_with(b"sound ");
        wrong.check(is_plain_file(name) && ours, || format!("{path:?} was written"));
    }
    // Folders are named after songs where nobody names them.
    for (at, title) in titles.iter().enumerate().skip(1) {
        let output = house.run(&["pull", "--song", &song_id(at)]).await;
        wrong.check(code(&output) == 0, || format!("{title:?}: {}", output.stderr.escape_ascii()));
        wrong.printed("pull", &output);
    }
    let found = tree(house.path());
    for path in found.keys() {
        let parts: Vec<&str> = path.split('/').collect();
        wrong.check(parts.len() == 2 && parts.iter().all(|it| is_plain_file(it)), || format!("{path:?}"));
    }
    wrong.tell(&format!(
        "pull: {} files called otherwise, {} folders after songs",
        names.len(),
        titles.len()
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_and_a_record_lie_inside_or_not_at_all() {
    let names = names(seed(), times(16, 60, 1_000));
    let house = House::open(rows(&["Song".into()], &["main".into()])).await;
    let mut wrong = Wrong::default();
    let (mut fetched, mut refused) = (0, 0);
    for (nth, name) in names.iter().enumerate() {
        house.fake.seen().package = Some((name.clone(), b"no package".to_vec()));
        let output = house.run(&["handoff", "-o", "out"]).await;
        wrong.printed("handoff", &output);
        let record = v1::RecordRow {
            record_id: "r1".into(),
            number: 1,
            state: v1::RecordState::Made as i32,
            files: vec![v1::RecordFile {
                profile: "cd".into(),
                folder: "cd".into(),
                name: name.clone(),
                sha256: sha(b"evil"),
                bytes: 4,
                ..v1::RecordFile::default()
            }],
            ..v1::RecordRow::default()
        };
        let fingerprint = deadwax_client::receipt::approve::of_record(&record).own_fingerprint();
        let mut all = rows(&["Song".into()], &["main".into()]);
        all.push(row("record/r1", Row::Record(v1::RecordRow { fingerprint, ..record })));
        house.fake.seen().rows = all;
        house.fake.seen().files.insert(sha(b"evil"), b"evil".to_vec());
        let output = house.run(&["record", "fetch", "--to", &format!("out-{nth}")]).await;
        wrong.printed("record fetch", &output);
        (fetched, refused) = match code(&output) {
            0 => (fetched + 1, refused),
            _ => (fetched, refused + 1),
        };
    }
    for path in tree(house.path()).keys() {
        let inside = path.strip_prefix("out").and_then(|it| it.split_once('/')).map_or("..", |it| it.1);
        // A record's names are the studio's, and every system must keep them as they are.
        let last = inside.rsplit('/').next().unwrap_or_default();
        let sound = !last.starts_with(['.', '-', ' '])
            && !last.ends_with(['.', ' '])
            && inside.split('/').count() <= 2;
        let kept = !last.contains(['\\', ':', '*', '?', '"', '<', '>', '|']) && !last.chars().any(is_obeyed);
        wrong.check(sound && kept && !inside.contains(".."), || format!("{path:?}"));
    }
    wrong.tell(&format!(
        "packages and records: {} names, {fetched} records taken, {refused} refused",
        names.len()
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_marker_is_a_formula_or_a_second_line() {
    let names = names(seed(), times(120, 300, 2_000));
    let mut all = rows(&["Song".into()], &["main".into()]);
    for (at, name) in names.iter().enumerate() {
        let note = v1::NoteRow {
            note_id: uuid::Uuid::from_u128(at as u128 + 1).to_string(),
            song_id: song_id(0),
            version_id: "v0".into(),
            author: name.clone(),
            start_ms: Some(at as u64 * 50),
            text: name.clone(),
            state: v1::NoteState::Open as i32,
            ..v1::NoteRow::default()
        };
        all.push(row(&format!("note/{at}"), Row::Note(note)));
    }
    let house = House::open(all).await;
    let mut wrong = Wrong::default();
    let mut count = 0;
    for (format, ending) in
        [("csv", "csv"), ("reaper", "csv"), ("protools", "txt"), ("edl", "edl"), ("midi", "mid")]
    {
        let path = format!("markers-{format}.{ending}");
        let output =
            house.run(&["notes", "export", "--format", format, "--fps", "25", "--output", &path]).await;
        wrong.check(code(&output) == 0, || format!("{format}: {}", output.stderr.escape_ascii()));
        wrong.printed(format, &output);
        if format == "midi" || code(&output) != 0 {
            continue;
        }
        let text = String::from_utf8(std::fs::read(house.path().join(&path)).unwrap()).unwrap();
        let held = |c: char| is_obeyed(c) && !matches!(c, '\n' | '\r' | '\t');
        wrong.check(!text.chars().any(held), || format!("{format} holds what a terminal obeys"));
        if ending == "csv" {
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
            match cells(text) {
                Err(error) => wrong.0.push(format!("{format}: {error}")),
                Ok(rows) => {
                    count += rows.len();
                    let columns = rows.first().map_or(0, Vec::len);
                    wrong.check(rows.iter().all(|it| it.len() == columns), || format!("{format}: torn rows"));
                    let formula = rows.iter().flatten().find(|it| is_formula(it));
                    wrong.check(formula.is_none(), || format!("{format}: {formula:?}"));
                }
            }
        }
    }
    wrong.check(count > names.len(), || format!("only {count} rows"));
    wrong.tell(&format!("markers: {} notes in five formats, {count} rows of tables", names.len()));
}

/// Names that a file can have here, some of them no text at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_called_so_are_told_without_harm() {
    use std::os::unix::ffi::OsStringExt as _;
    let house = House::open(rows(&["Song".into()], &["main".into()])).await;
    let folder = house.path().join("bounces");
    std::fs::create_dir(&folder).unwrap();
    let mut given = Vec::new();
    let raw = [&b"\x9b7331m.wav"[..], b"\xff\xfe\x1b]0;x\x07.wav", b"-i", b"--json", b"--\n.wav"];
    let texts = names(seed(), times(120, 300, 2_000)).into_iter().map(String::into_bytes);
    for name in texts.chain(raw.map(<[u8]>::to_vec)) {
        let fits =
            name.len() <= 255 && !name.contains(&b'/') && !name.contains(&0) && name != b"." && name != b"..";
        let name = std::ffi::OsString::from_vec(name);
        if fits && !given.contains(&name) && std::fs::write(folder.join(&name), b"no sound").is_ok() {
            given.push(name);
        }
    }
    let mut wrong = Wrong::default();
    for way in
        [&["measure", "--"][..], &["--json", "measure", "--"], &["check", "--"], &["--json", "check", "--"]]
    {
        let mut command = kit::program(house.path(), way);
        command.current_dir(&folder).args(&given);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        wrong.check(code(&output) == 3, || format!("{way:?} ended with {:?}", output.status));
        wrong.printed(way[way.len() - 2], &output);
    }
    let output = house.run(&["watch-folder", "--once", "--yes", "--calm", "0.1", "--", "bounces"]).await;
    wrong.printed("watch-folder", &output);
    let uploads = house.fake.seen().uploads.len();
    for stray in tree(house.path()).keys().filter(|it| !it.starts_with("bounces/")) {
        wrong.check(stray.starts_with("home/"), || format!("{stray:?}"));
    }
    wrong.check(std::fs::read_dir(&folder).unwrap().count() == given.len(), || "a file came or went".into());
    wrong.check(!harm::OWNED.is_empty() && uploads == 0, || format!("{uploads} uploads of no sound"));
    wrong.tell(&format!("files here: {} names", given.len()));
}
