//! What the server finds out about a version by itself, with real sound in real children: what changed, what became of notes and where they stand, whether
//! alternates are what they are called, how like the version before it is. And that nothing waits for ever where nothing can be found out.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
#[allow(dead_code)]
#[path = "../../dsp/tests/forensics_kit/mod.rs"]
mod forensics_kit;
#[allow(dead_code)]
mod media_kit;

use std::{path::PathBuf, process::Command as Shell, time::Duration};

use common::{child::server, *};
use deadwax_domain::{
    Alternate, ApprovalId, Command, Digest, Examined, GateRule, Need, NewFile, NoteId, NoteOutcome,
    PlaceKind, Project, ProjectId, Role, Sameness, SongId, Span, Stage, Time, Verdict, VersionId,
    VersionKind, gate,
};
use deadwax_dsp::{
    Block,
    write::{AudioWriter, Encoding},
};
use deadwax_proto::v1;
use deadwax_server::{ledger::Clock as _, render::Program};
use forensics_kit::{RATE, Song, db, song, sum, times};
use media_kit::{sha256, upload};

const PATIENCE: Duration = Duration::from_secs(60);
const SONG: SongId = SongId(100);
const VERSE: NoteId = NoteId(1);

struct Room {
    house: House,
    project: ProjectId,
    ana: Seat,
}

impl Room {
    async fn open(program: Program) -> Room {
        Room::begin(House::open_examining(program).await).await
    }

    /// Ana records and produces.
    async fn begin(house: House) -> Room {
        let ana = house.person("Ana", true).await;
        let project = house.project(&ana).await;
        let roles = [Role::Manager, Role::Producer].into();
        house.perform(&ana, project, Command::ChangeRoles { person: ana.id, roles }).await;
        let song = Command::AddSong { song: SONG, title: "Nachtlied".into(), isrc: String::new() };
        house.perform(&ana, project, song).await;
        Room { house, project, ana }
    }

    async fn add(&mut self, id: u128, files: &[(Alternate, Vec<u8>)]) -> VersionId {
        self.add_a(VersionKind::Take, id, files).await
    }

    async fn add_a(&mut self, kind: VersionKind, id: u128, files: &[(Alternate, Vec<u8>)]) -> VersionId {
        let mut sent = Vec::new();
        for (alternate, bytes) in files {
            // Bytes that the project has are not sent again.
            if !self.now().await.received.contains(sha256(bytes)) {
                upload(&mut self.ana, self.project, bytes).await.unwrap();
            }
            sent.push(NewFile {
                alternate: *alternate,
                digest: sha256(bytes),
                name: format!("{alternate}.wav"),
            });
        }
        let version = VersionId(id);
        let (title, changelog) = (String::new(), String::new());
        let add = Command::AddVersion { version, song: SONG, kind, title, changelog, files: sent };
        self.house.perform(&self.ana, self.project, add).await;
        version
    }

    async fn approve(&self, by: &Seat, id: u128, version: VersionId) {
        let fingerprint = self.now().await.versions.get(version).unwrap().fingerprint;
        let (approval, role) = (ApprovalId(id), Role::Artist);
        let approve = Command::Approve { approval, version, role, fingerprint };
        self.house.perform(by, self.project, approve).await;
    }

    /// Bob, the artist, says that the first take is enough.
    async fn now_mixing(&mut self) -> Seat {
        let take = self.add(1, &main_of(song())).await;
        let bob = self.house.person("Bob", false).await;
        let add = Command::AddMember { person: bob.id, roles: [Role::Artist].into() };
        self.house.perform(&self.ana, self.project, add).await;
        self.approve(&bob, 1, take).await;
        bob
    }

    async fn note(
        &self,
        id: u128,
        version: VersionId,
        span: Option<(u64, Option<u64>)>,
        alternate: Option<Alternate>,
    ) {
        let span = span.map(|(start_ms, end_ms)| Span { start_ms, end_ms });
        let note = Command::AddNote {
            note: NoteId(id),
            version,
            alternate,
            span,
            text: "Listen here.".into(),
            internal: id >= 50,
            addressee: None,
            checklist: Vec::new(),
            parent: None,
        };
        self.house.perform(&self.ana, self.project, note).await;
    }

    async fn now(&self) -> Project {
        self.house.studio.ledger.project(self.project).await.unwrap().unwrap().project.clone()
    }

    async fn examined(&self, version: VersionId) -> Examined {
        let mut seq = self.house.studio.ledger.watch(self.project);
        within(PATIENCE, "an examination", async {
            loop {
                seq.borrow_and_update();
                if let Some(examined) = self.now().await.examinations.get(version) {
                    return examined.clone();
                }
                seq.changed().await.unwrap();
            }
        })
        .await
    }

    fn blob(&self, digest: Digest) -> PathBuf {
        let found = Shell::new("find")
            .arg(self.house.folder.path().join("blobs"))
            .args(["-type", "f"])
            .output()
            .unwrap();
        let paths = String::from_utf8(found.stdout).unwrap();
        let name = digest.to_string();
        paths.lines().find(|path| path.replace('/', "").ends_with(&name)).unwrap().into()
    }
}

fn bytes_of(block: &Block, encoding: Encoding) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sound");
    let mut writer = AudioWriter::create(&path, encoding, RATE, block.channels.len(), None).unwrap();
    writer.write(block).unwrap();
    writer.finish().unwrap();
    std::fs::read(path).unwrap()
}

fn wav(block: &Block) -> Vec<u8> {
    bytes_of(block, Encoding::Wav24)
}

fn frames(seconds: f64) -> usize {
    (seconds * f64::from(RATE)) as usize
}

fn without_head(block: &Block, seconds: f64) -> Block {
    Block { channels: block.channels.iter().map(|plane| plane[frames(seconds)..].to_vec()).collect() }
}

/// The lead louder between two moments.
fn lead_up(song: &Song, gain_db: f64, from_s: f64, until_s: f64) -> Song {
    let mut song = song.clone();
    for plane in &mut song.lead.channels {
        plane[frames(from_s)..frames(until_s)].iter_mut().for_each(|sample| *sample *= db(gain_db));
    }
    song
}

fn main_of(song: &Song) -> Vec<(Alternate, Vec<u8>)> {
    vec![(Alternate::Main, wav(&song.main()))]
}

fn printed(song: &Song) -> Vec<(Alternate, Vec<u8>)> {
    let mut files = main_of(song);
    files.push((Alternate::Instrumental, wav(&song.band)));
    files.push((Alternate::ACappella, wav(&sum(&[&song.lead, &song.backing]))));
    files
}

fn of(examined: &Examined, note: u128) -> &NoteOutcome {
    examined.notes.iter().find(|outcome| outcome.note == NoteId(note)).unwrap()
}

#[tokio::test]
async fn a_note_that_was_worked_on_is_told_from_one_that_was_not() {
    let mut room = Room::open(server()).await;
    let first = room.add(10, &printed(song())).await;
    room.note(1, first, Some((6_000, Some(9_000))), None).await;
    room.note(2, first, Some((14_500, None)), None).await;
    room.note(3, first, None, None).await;
    room.note(4, first, Some((7_000, None)), Some(Alternate::Instrumental)).await;
    room.note(50, first, Some((7_000, None)), None).await;
    let second = room.add(11, &printed(&lead_up(song(), 2.0, 5.5, 9.5))).await;
    let examined = room.examined(second).await;
    assert_eq!((examined.against, &examined.failed), (Some(first), &None));
    assert_eq!(examined.found, []);

    let verse = of(&examined, 1);
    assert_eq!(verse.verdict, Verdict::Changed, "{}", verse.text);
    assert!(verse.text.starts_with("change found at 0:06: ") && verse.text.contains("dB"), "{}", verse.text);
    assert_eq!(verse.place.unwrap().kind, PlaceKind::Same);
    assert_eq!(of(&examined, 2).verdict, Verdict::Untouched);
    assert_eq!(of(&examined, 2).text, "no change found at 0:14.5");
    assert_eq!((of(&examined, 3).verdict, of(&examined, 3).place), (Verdict::Changed, None));
    assert_eq!(of(&examined, 4).verdict, Verdict::Untouched, "{}", of(&examined, 4).text);
    assert_eq!(of(&examined, 50).verdict, Verdict::Changed, "what engineers tell each other is judged too");
    let kept = room.now().await;
    let verdicts = &kept.notes.get(VERSE).unwrap().verdicts;
    assert_eq!(
        verdicts.iter().map(|it| (it.version, it.verdict)).collect::<Vec<_>>(),
        [(second, Verdict::Changed)]
    );

    // The instrumental is the same and the voice is not.
    assert_eq!(examined.same, Sameness::Residual);
    let left = examined.residual_db.unwrap();
    assert!((-20.0..0.0).contains(&left), "{left}");
    assert!(
        examined.changes.iter().any(|text| text.contains("a-cappella") || text.contains("dB")),
        "{:?}",
        examined.changes
    );
    assert!(
        examined.changes.iter().any(|text| text.starts_with("a cappella: up to ")),
        "{:?}",
        examined.changes
    );

    // Somebody who opens the changes now is told from the same page.
    let derived = room.house.folder.path().join("derived");
    let pages: Vec<PathBuf> = std::fs::read_dir(derived)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "comparison"))
        .collect();
    assert_eq!(pages.len(), 2, "the mains, and the instrumental that a note is about");
    pages.iter().for_each(|page| std::fs::write(page, "{\"kept\":true}").unwrap());
    for alternate in ["main", "instrumental"] {
        let asked = v1::CompareRequest {
            project_id: id_text(room.project.0),
            version_a: id_text(first.0),
            version_b: id_text(second.0),
            alternate_a: alternate.into(),
            alternate_b: alternate.into(),
        };
        let asked = room.ana.with(asked);
        assert_eq!(
            room.ana.media.compare(asked).await.unwrap().into_inner().comparison_json,
            "{\"kept\":true}"
        );
    }
}

#[tokio::test]
async fn notes_follow_the_music_through_cuts_and_keep_where_they_were_written() {
    let mut room = Room::open(server()).await;
    let first = room.add(10, &main_of(song())).await;
    room.note(1, first, Some((10_000, Some(12_000))), None).await;
    room.note(2, first, Some((1_000, None)), None).await;
    let main = song().main();
    // Both are there before the first is looked at: the later one waits for what the earlier one says.
    let second = room.add(11, &[(Alternate::Main, wav(&without_head(&main, 3.0)))]).await;
    let third = room.add(12, &[(Alternate::Main, wav(&without_head(&main, 5.0)))]).await;
    let examined = room.examined(third).await;
    assert_eq!(examined.same, Sameness::Other);
    let kept = room.now().await;
    let verse = kept.notes.get(VERSE).unwrap();
    assert_eq!(verse.span, Some(Span { start_ms: 10_000, end_ms: Some(12_000) }), "written there for ever");
    let near = |span: Span, start_ms: u64, end_ms: u64| {
        assert!(
            span.start_ms.abs_diff(start_ms) <= 5 && span.end_ms.unwrap().abs_diff(end_ms) <= 5,
            "{span:?}"
        );
    };
    near(verse.span_in(second).unwrap(), 7_000, 9_000);
    near(verse.span_in(third).unwrap(), 5_000, 7_000);
    assert!(verse.places.iter().all(|place| place.kind == PlaceKind::Moved));
    let cut = kept.notes.get(NoteId(2)).unwrap();
    assert_eq!(cut.places[0].kind, PlaceKind::Gone);
    assert_eq!(cut.span_in(second).unwrap().start_ms, 0);
    assert!(
        cut.verdicts[0].text.starts_with("change found at 0:01: 3.00 s removed"),
        "{}",
        cut.verdicts[0].text
    );
}

#[tokio::test]
async fn alternates_that_are_not_what_they_are_called_are_found() {
    let mut room = Room::open(server()).await;
    let mut files = printed(song());
    let (instrumental, voices) = (files[1].1.clone(), files[2].1.clone());
    (files[1].1, files[2].1) = (voices, instrumental);
    let wrong = room.add(10, &files).await;
    let examined = room.examined(wrong).await;
    assert_eq!(examined.against, None);
    let swapped = examined.found.iter().find(|found| found.code == "ALT_SWAPPED").unwrap();
    assert!(
        swapped.block && swapped.alternate != Alternate::Main && swapped.text.ends_with('.'),
        "{swapped:?}"
    );
    // Put right, and nobody is blamed any more.
    let right = room.add(11, &printed(song())).await;
    let examined = room.examined(right).await;
    assert_eq!(examined.found, []);
    assert!(
        examined
            .changes
            .iter()
            .any(|text| text == "instrumental: other sound than before"
                || text.starts_with("instrumental: up to")),
        "{:?}",
        examined.changes
    );
}

/// The same WAV with a chunk of text in front of its end.
fn tagged(mut wav: Vec<u8>, text: &[u8; 8]) -> Vec<u8> {
    wav.extend(b"note");
    wav.extend(8u32.to_le_bytes());
    wav.extend(text);
    let size = u32::try_from(wav.len() - 8).unwrap();
    wav[4..8].copy_from_slice(&size.to_le_bytes());
    wav
}

#[tokio::test]
async fn how_like_the_version_before_it_is() {
    let mut room = Room::open(server()).await;
    let main = song().main();
    room.add(10, &[(Alternate::Main, wav(&main))]).await;
    let relabelled = room.add(11, &[(Alternate::Main, tagged(wav(&main), b"retagged"))]).await;
    let examined = room.examined(relabelled).await;
    assert_eq!((examined.same, examined.residual_db), (Sameness::Metadata, None));

    let packed = room.add(12, &[(Alternate::Main, bytes_of(&main, Encoding::Flac24))]).await;
    let examined = room.examined(packed).await;
    assert_eq!((examined.same, examined.residual_db), (Sameness::Pcm, None));

    // A thousandth more: no ear hears it, and it is not nothing.
    let louder = room.add(13, &[(Alternate::Main, wav(&times(&main, 1.001)))]).await;
    let examined = room.examined(louder).await;
    assert_eq!(examined.same, Sameness::Residual);
    let left = examined.residual_db.unwrap();
    assert!((-61.0..-52.0).contains(&left), "{left}");

    // An alternate that was not there is another set of files, whatever the main is.
    let more = room
        .add(
            14,
            &[
                (Alternate::Main, tagged(wav(&times(&main, 1.001)), b"and more")),
                (Alternate::Instrumental, wav(&song().band)),
            ],
        )
        .await;
    let examined = room.examined(more).await;
    assert_eq!((examined.same, examined.residual_db), (Sameness::Other, None));
    assert!(examined.changes.contains(&"new: instrumental".to_owned()), "{:?}", examined.changes);

    // And one that is not there any more cannot answer a note.
    room.note(1, more, Some((7_000, None)), Some(Alternate::Instrumental)).await;
    let less = room.add(15, &[(Alternate::Main, wav(&times(&main, 0.9)))]).await;
    let examined = room.examined(less).await;
    assert!(
        examined.changes.contains(&"not there any more: instrumental".to_owned()),
        "{:?}",
        examined.changes
    );
    let absent = of(&examined, 1);
    assert_eq!(absent.verdict, Verdict::Unknown);
    assert_eq!(absent.text, "not judged: the instrumental could not be compared with the one before");
    assert_eq!(absent.place.unwrap().span, Span { start_ms: 7_000, end_ms: None });
}

#[tokio::test]
async fn b1_damaged_bytes_are_told_and_hold_nothing_up() {
    // Nobody examines yet.
    let mut room = Room::begin(House::open_with_children().await).await;
    let first = room.add(10, &main_of(song())).await;
    room.note(1, first, Some((10_000, None)), None).await;
    let louder = wav(&lead_up(song(), 2.0, 5.0, 9.0).main());
    let second = room.add(11, &[(Alternate::Main, louder.clone())]).await;
    let third = room.add(12, &[(Alternate::Main, wav(&times(&song().main(), 0.5)))]).await;
    let path = room.blob(sha256(&louder));
    let mut bytes = louder;
    bytes[100_000] ^= 1;
    Shell::new("chmod").arg("u+w").arg(&path).status().unwrap();
    std::fs::write(&path, bytes).unwrap();

    let Room { house, project, ana } = room;
    let room = Room { house: house.restart_examining(server()).await, project, ana };
    let examined = room.examined(second).await;
    let why = examined.failed.unwrap();
    assert!(why.starts_with("The stored file of \u{201c}main\u{201d} is damaged or gone"), "{why}");
    assert!(why.ends_with("then upload the version again."), "{why}");
    assert_eq!(examined.notes[0].verdict, Verdict::Unknown);
    assert_eq!(examined.notes[0].place.unwrap().span.start_ms, 10_000, "it stays where it was");
    let why = room.examined(third).await.failed.unwrap();
    assert!(
        why.starts_with("Of the version before: The stored file of \u{201c}main\u{201d} is damaged"),
        "{why}"
    );
    assert!(room.now().await.unexamined().is_empty());
}

#[tokio::test]
async fn what_was_running_when_the_server_stopped_is_begun_again() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("child.sh");
    let pid = home.path().join("pid");
    std::fs::write(&path, format!("echo $$ > {0}.new; mv {0}.new {0}\nexec sleep 600\n", pid.display()))
        .unwrap();
    let hangs = Program { exe: "/bin/sh".into(), prefix: vec![path.into_os_string()] };
    let mut room = Room::open(hangs).await;
    let version = room.add(10, &printed(song())).await;
    within(PATIENCE, "a child", async {
        while !pid.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let child = std::fs::read_to_string(&pid).unwrap();
    let Room { house, project, ana } = room;
    let room = Room { house: house.restart_examining(server()).await, project, ana };
    assert!(!PathBuf::from(format!("/proc/{}", child.trim())).exists(), "the child ended with its server");
    let examined = room.examined(version).await;
    assert_eq!((examined.failed, examined.found), (None, Vec::new()));
}

#[tokio::test]
async fn what_fails_three_times_is_told_and_not_tried_for_ever() {
    let mut room = Room::open(Program { exe: "/nowhere".into(), prefix: Vec::new() }).await;
    let version = room.add(10, &printed(song())).await;
    let examined = room.examined(version).await;
    let why = examined.failed.unwrap();
    assert!(why.starts_with("It was tried 3 times.") && why.contains("could not be started"), "{why}");
    assert!(room.now().await.unexamined().is_empty());
}

#[tokio::test]
async fn a_gate_waits_for_the_examination_and_for_what_it_finds() {
    let home = tempfile::tempdir().unwrap();
    let go = home.path().join("go");
    // A child that waits for a word before it begins.
    let path = home.path().join("child.sh");
    let (go_path, exe) = (go.display(), env!("CARGO_BIN_EXE_deadwax-server"));
    let body = format!("while [ ! -e {go_path} ]; do sleep 0.02; done\nexec {exe} \"$@\"\n");
    std::fs::write(&path, body).unwrap();
    let waits = Program { exe: "/bin/sh".into(), prefix: vec![path.into_os_string()] };
    let mut room = Room::open(waits).await;
    let bob = room.now_mixing().await;
    let needs = vec![Need { any_of: [Role::Artist].into(), count: 1 }];
    let rule = GateRule::new(Stage::Mixing, needs);
    room.house.perform(&room.ana, room.project, Command::SetGate { rule }).await;
    let mut files = printed(song());
    let (instrumental, voices) = (files[1].1.clone(), files[2].1.clone());
    (files[1].1, files[2].1) = (voices, instrumental);
    let version = room.add_a(VersionKind::Mix, 10, &files).await;
    let line = |project: &Project, code: &str| {
        let report = gate::report(project, SONG).unwrap();
        report.lines.into_iter().find(|line| line.code == code)
    };
    assert!(!line(&room.now().await, "EXAMINATION").unwrap().met);
    std::fs::write(&go, "").unwrap();
    room.examined(version).await;
    let now = room.now().await;
    assert!(line(&now, "EXAMINATION").is_none_or(|line| line.met));
    let preflight = line(&now, "PREFLIGHT").unwrap();
    assert!(!preflight.met, "{}", preflight.text);
    // The next is right, and approved before anybody has looked into it: it goes on as soon as that is done.
    std::fs::remove_file(&go).unwrap();
    let right = room.add_a(VersionKind::Mix, 11, &printed(song())).await;
    room.approve(&bob, 2, right).await;
    assert_eq!(room.now().await.songs.get(SONG).unwrap().stage, Stage::Mixing);
    std::fs::write(&go, "").unwrap();
    room.examined(right).await;
    assert_eq!(room.now().await.songs.get(SONG).unwrap().stage, Stage::Mastering);
}

#[tokio::test]
async fn a_date_that_comes_is_told_once_by_the_clock_of_the_studio() {
    let room = Room::begin(House::open().await).await;
    let due = Time(room.house.clock.now_ms() + 3_600_000);
    let needs = vec![Need { any_of: [Role::Artist].into(), count: 1 }];
    let rule = GateRule { due: Some(due), ..GateRule::new(Stage::Mixing, needs) };
    let title = Command::SetGate { rule };
    room.house.perform(&room.ana, room.project, title).await;
    let passed = async |room: &Room| room.now().await.deadlines_passed;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert!(passed(&room).await.is_empty(), "an hour has not gone by");
    let seq = room.house.studio.ledger.project(room.project).await.unwrap().unwrap().seq;
    room.house.clock.0.store(due.0, std::sync::atomic::Ordering::SeqCst);
    within(PATIENCE, "the date", async {
        while passed(&room).await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(passed(&room).await, [(Stage::Mixing, due)].into());
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let now = room.house.studio.ledger.project(room.project).await.unwrap().unwrap();
    assert_eq!(now.seq, seq + 1, "once");
}
