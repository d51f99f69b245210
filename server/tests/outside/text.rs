//! TEXT: names that mean harm through the server: refused, or kept as a name. What comes out of it again (rows, history, packages, plans, tables, sheets, the log)
//! holds nothing that a terminal, a path, a spreadsheet or a page would obey, and no name makes a path on the disk. Never here: what the client makes of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Read as _},
    path::Path,
    time::Duration,
};

use deadwax_domain::{
    Alternate, ApprovalId, Command, Digest, GateRule, Need, NewFile, PersonId, ProjectId, ReceivedFile, Role,
    SongId, Stage, VersionId, VersionKind,
};
use deadwax_dsp::profile::{
    AudioFile, Profile, RecordSheet, SongSheet, label_copy,
    label_copy::{Credit, LabelCopy, TrackCopy},
    places, plan, planned_disc, shipped,
};
use deadwax_proto::v1::{self, action::Action, projects_client::ProjectsClient};
use sha2::{Digest as _, Sha256};
use tonic::Status;

use crate::{
    common::{House, Seat, facts, id_text, within},
    harm::{OWNED, cells, is_formula, is_obeyed, is_plain_file, names},
    log::Said,
    seed, tell, times,
};

const PATIENCE: Duration = Duration::from_secs(60);
/// Of a project; it may hold 200.
const SONGS: usize = 50;

#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn check(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(what());
        }
    }

    fn tell(&self, figures: &str) {
        let few: Vec<&String> = self.0.iter().take(12).collect();
        tell("TEXT", self.0.is_empty(), &format!("{figures}: {} effects {few:?}", self.0.len()));
    }
}

fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// How often each field was taken and refused.
#[derive(Default)]
struct Taken(BTreeMap<&'static str, (usize, usize)>);

impl Taken {
    fn count<T>(&mut self, field: &'static str, answer: Result<T, Status>, wrong: &mut Wrong) -> Option<T> {
        let both = self.0.entry(field).or_default();
        match answer {
            Ok(done) => {
                both.0 += 1;
                Some(done)
            }
            Err(status) => {
                both.1 += 1;
                let refused =
                    matches!(status.code(), tonic::Code::InvalidArgument | tonic::Code::FailedPrecondition);
                wrong.check(refused, || format!("{field}: {status:?}"));
                wrong.check(!status.message().chars().any(is_obeyed), || {
                    format!("{field}: {:?}", status.message())
                });
                None
            }
        }
    }
}

struct Desk {
    house: House,
    owner: Seat,
    project: String,
    taken: Taken,
    wrong: Wrong,
}

impl Desk {
    async fn act(&self, project: &str, action: Action) -> Result<v1::PerformResponse, Status> {
        let asked = v1::PerformRequest {
            command_id: new_id(),
            project_id: project.to_owned(),
            action: Some(v1::Action { action: Some(action) }),
            ..v1::PerformRequest::default()
        };
        let mut projects = ProjectsClient::new(self.owner.channel.clone());
        projects.perform(self.owner.with(asked)).await.map(tonic::Response::into_inner)
    }

    async fn does(&mut self, field: &'static str, action: Action) -> bool {
        let answer = self.act(&self.project, action).await;
        self.taken.count(field, answer, &mut self.wrong).is_some()
    }

    /// Another project; the old one was looked at.
    async fn next_project(&mut self) {
        let project = self.house.project(&self.owner).await;
        let roles = [Role::Manager, Role::Producer, Role::Artist].into();
        self.house.perform(&self.owner, project, Command::ChangeRoles { person: self.owner.id, roles }).await;
        self.project = id_text(project.0);
    }

    /// One name into every field that a person fills.
    async fn fill(&mut self, name: &str) {
        let create = v1::CreateProject { title: name.into(), artist: name.into() };
        let answer = self.act(&new_id(), Action::CreateProject(create)).await;
        self.taken.count("project", answer, &mut self.wrong);
        let begin = v1::BeginUploadRequest {
            project_id: self.project.clone(),
            sha256: hex::encode(Sha256::digest(name)),
            bytes: 10,
            name: name.into(),
        };
        let answer = self.owner.media.clone().begin_upload(self.owner.with(begin)).await;
        if let Some(begun) = self.taken.count("upload", answer, &mut self.wrong) {
            let chunk = v1::UploadChunk {
                upload_id: begun.into_inner().upload_id,
                offset: 0,
                data: b"toneofsome".to_vec().into(),
            };
            // Bytes of another digest: what was begun is thrown away, and the next may begin.
            let sent = self.owner.media.clone().upload(self.owner.with(tokio_stream::iter([chunk]))).await;
            self.wrong.check(sent.is_err(), || "foreign bytes were taken".to_owned());
        }
        let song = new_id();
        let add = |title: &str| {
            Action::AddSong(v1::AddSong { song_id: song.clone(), title: title.into(), isrc: String::new() })
        };
        if !self.does("song", add(name)).await {
            self.does("song under another name", add("Song")).await;
        }
        let copy = v1::LabelCopy {
            label: name.into(),
            p_line: name.into(),
            c_line: name.into(),
            genre: name.into(),
            catalogue: name.into(),
            ..v1::LabelCopy::default()
        };
        self.does("label copy", Action::SetLabelCopy(v1::SetLabelCopy { copy: Some(copy) })).await;
        let credits = vec![v1::Credit { role: "producer".into(), name: name.into() }];
        let copy = v1::SongCopy { version_title: name.into(), credits, ..v1::SongCopy::default() };
        let set = v1::SetSongCopy { song_id: song.clone(), copy: Some(copy) };
        self.does("credits", Action::SetSongCopy(set)).await;
        self.version(name, &song).await;
        let answer = self.house.studio.people.add(name, &format!("{}@example.org", new_id()), false).await;
        let both = self.taken.0.entry("person").or_default();
        *both = if answer.is_ok() { (both.0 + 1, both.1) } else { (both.0, both.1 + 1) };
    }

    async fn version(&mut self, name: &str, song: &str) {
        let sound = format!("tone{song}");
        let (digest, project) =
            (Digest(Sha256::digest(&sound).into()), ProjectId(crate::common::uuid_of(&self.project)));
        self.house.studio.blobs.put(sound.clone().into()).await.unwrap();
        let file = ReceivedFile { digest, name: "tone.wav".into(), facts: facts(sound.len() as u64) };
        self.house.perform(&self.owner, project, Command::ReceiveFile { file }).await;
        let version = new_id();
        let add = |words: &str| {
            let files = vec![v1::NewFile {
                alternate: "main".into(),
                sha256: digest.to_string(),
                name: words.into(),
            }];
            Action::AddVersion(v1::AddVersion {
                version_id: version.clone(),
                song_id: song.into(),
                kind: v1::VersionKind::Take as i32,
                title: words.into(),
                changelog: words.into(),
                files,
            })
        };
        if !self.does("version and file", add(name)).await {
            self.does("version under another name", add("Take")).await;
        }
        let note = v1::AddNote {
            note_id: new_id(),
            version_id: version.clone(),
            text: name.into(),
            checklist: vec![name.into()],
            ..v1::AddNote::default()
        };
        self.does("note", Action::AddNote(note)).await;
        let sections = vec![v1::Section { start_ms: 0, name: name.into() }];
        self.does("section", Action::SetSections(v1::SetSections { version_id: version, sections })).await;
    }

    /// What a client is told of the project: every text of it.
    async fn told(&mut self) -> usize {
        let mut projects = ProjectsClient::new(self.owner.channel.clone());
        let get = v1::GetRequest { project_id: self.project.clone() };
        let rows = projects.get(self.owner.with(get)).await.unwrap().into_inner();
        let history = v1::HistoryRequest {
            project_id: self.project.clone(),
            limit: 500,
            ..v1::HistoryRequest::default()
        };
        let history = projects.history(self.owner.with(history)).await.unwrap().into_inner();
        // Debug writes what a terminal obeys as an escape, and nothing else so.
        let (rows, history) = (format!("{rows:?}"), format!("{history:?}"));
        for (what, text) in [("rows", &rows), ("history", &history)] {
            for obeyed in ["\\u{1b}", "\\u{7}", "\\u{9b}", "\\u{7f}", "\\0", "\\u{8}"] {
                self.wrong.check(!text.contains(obeyed), || format!("{what} hold {obeyed}"));
            }
        }
        rows.len() + history.len()
    }
}

/// Every file below, by its path from there.
fn tree(folder: &Path) -> Vec<String> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(at) = waiting.pop() {
        for entry in std::fs::read_dir(at).unwrap().flatten() {
            let path = entry.path();
            found.push(path.strip_prefix(folder).unwrap().to_string_lossy().into_owned());
            if path.is_dir() {
                waiting.push(path);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_refused_or_kept_and_nothing_obeys_them() {
    let said = Said::heard();
    let outer = tempfile::tempdir().unwrap();
    let house = House::open_embedded(tempfile::TempDir::new_in(outer.path()).unwrap(), |_| {}).await;
    let owner = house.person("Ana Maia", true).await;
    let mut desk =
        Desk { house, owner, project: String::new(), taken: Taken::default(), wrong: Wrong::default() };
    let names = names(seed(), times(60, 300, 2_000));
    let mut told = 0;
    for (nth, name) in names.iter().enumerate() {
        if nth % SONGS == 0 {
            if nth > 0 {
                told += desk.told().await;
            }
            desk.next_project().await;
        }
        desk.fill(name).await;
    }
    told += desk.told().await;
    let Desk { house, taken, mut wrong, .. } = desk;
    for path in tree(outer.path()) {
        let parts: Vec<&str> = path.split('/').collect();
        // The first is the folder of the test itself.
        let ours = parts[1..].iter().all(|it| is_plain_file(it));
        wrong.check(ours && !path.contains(OWNED), || format!("{path:?} on the disk"));
    }
    wrong.check(std::fs::read_dir(outer.path()).unwrap().count() == 1, || {
        "something beside the folder".into()
    });
    let here = std::env::current_dir().unwrap();
    for stray in [Path::new("/tmp").join(OWNED), here.join(OWNED)] {
        wrong.check(!stray.exists(), || format!("{stray:?} exists"));
    }
    let log = said.bytes();
    wrong.check(log.windows(9).any(|it| it == b"/Perform\""), || "the log says nothing".into());
    for line in String::from_utf8_lossy(&log).lines() {
        let is_one = serde_json::from_str::<serde_json::Value>(line).is_ok_and(|it| it.is_object());
        let quiet = !line.chars().any(is_obeyed) && !line.contains(OWNED) && !line.contains("pwned7331");
        wrong.check(is_one && quiet, || format!("in the log: {line:?}"));
    }
    drop(house);
    let of = |(field, (yes, no)): (&&str, &(usize, usize))| format!("{field} {yes}/{no}");
    let counts: Vec<String> = taken.0.iter().map(of).collect();
    let figures = format!(
        "server: {} names taken/refused ({}), {} KiB of rows, {} KiB of log",
        names.len(),
        counts.join(", "),
        told >> 10,
        log.len() >> 10
    );
    wrong.check(taken.0.values().all(|it| it.0 > 0), || "a field takes nothing, so nothing is proved".into());
    wrong.tell(&figures);
}

/// What the house takes as a name.
fn taken(all: &[String]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let kept = all.iter().filter_map(|it| deadwax_domain::text::name("It", it).ok());
    kept.filter(|it| seen.insert(it.clone())).collect()
}

struct Press {
    house: House,
    manager: Seat,
    artist: Seat,
    label: Seat,
    mixer: Seat,
    engineer: Seat,
}

impl Press {
    async fn open() -> Press {
        let house = House::open_with(|config| config.render.workers = 0).await;
        let manager = house.person("Olga", true).await;
        let artist = house.person("Ana", false).await;
        let label = house.person("Lena", false).await;
        let mixer = house.person("Mia", false).await;
        let engineer = house.person("Max", false).await;
        Press { house, manager, artist, label, mixer, engineer }
    }

    async fn version(&self, project: ProjectId, (version, kind): (u128, VersionKind), name: &str) {
        let bytes = format!("tone of {kind}").into_bytes();
        let digest = Digest(Sha256::digest(&bytes).into());
        let file = ReceivedFile { digest, name: name.into(), facts: facts(bytes.len() as u64) };
        self.house.studio.blobs.put(bytes.into()).await.unwrap();
        self.house.perform(&self.mixer, project, Command::ReceiveFile { file }).await;
        let (version, song) = (VersionId(version), SongId(100));
        let files = vec![NewFile { alternate: Alternate::Main, digest, name: name.into() }];
        let (title, changelog) = (name.to_owned(), name.to_owned());
        let add = Command::AddVersion { version, song, kind, title, changelog, files };
        self.house.perform(&self.mixer, project, add).await;
    }

    async fn approve(&self, project: ProjectId, by: &Seat, (id, version): (u128, u128), role: Role) {
        let now = self.house.studio.ledger.project(project).await.unwrap().unwrap();
        let fingerprint = now.project.versions.get(VersionId(version)).unwrap().fingerprint;
        let approve =
            Command::Approve { approval: ApprovalId(id), version: VersionId(version), role, fingerprint };
        self.house.perform(by, project, approve).await;
    }

    /// Everything in it is called so; the package that mastering is sent.
    async fn package(&self, name: &str) -> (v1::Package, Vec<u8>) {
        let project = ProjectId(uuid::Uuid::now_v7().as_u128());
        let create = Command::CreateProject { title: name.into(), artist: name.into() };
        self.house.perform(&self.manager, project, create).await;
        let roles: [(PersonId, Role); 4] = [
            (self.artist.id, Role::Artist),
            (self.label.id, Role::Label),
            (self.mixer.id, Role::MixEngineer),
            (self.engineer.id, Role::MasteringEngineer),
        ];
        for (person, role) in roles {
            self.house
                .perform(&self.manager, project, Command::AddMember { person, roles: [role].into() })
                .await;
        }
        let song = Command::AddSong { song: SongId(100), title: name.into(), isrc: String::new() };
        self.house.perform(&self.manager, project, song).await;
        let asked = |role| Need { any_of: [role].into(), count: 1 };
        let rule = GateRule::new(Stage::Mixing, vec![asked(Role::Artist), asked(Role::Label)]);
        let rule = GateRule { preflight_ignored: true, open_notes_allowed: true, ..rule };
        self.house.perform(&self.manager, project, Command::SetGate { rule }).await;
        self.version(project, (10, VersionKind::Take), name).await;
        self.approve(project, &self.artist, (1, 10), Role::Artist).await;
        self.version(project, (20, VersionKind::Mix), name).await;
        let note = Command::AddNote {
            note: deadwax_domain::NoteId(1),
            version: VersionId(20),
            alternate: None,
            parent: None,
            span: None,
            text: name.into(),
            internal: false,
            addressee: None,
            checklist: vec![name.to_owned()],
        };
        self.house.perform(&self.artist, project, note).await;
        self.approve(project, &self.artist, (2, 20), Role::Artist).await;
        self.approve(project, &self.label, (3, 20), Role::Label).await;
        let song_of = |it: &deadwax_domain::Project| it.songs.get(SongId(100))?.handoff.clone()?.package;
        self.house.until(project, (PATIENCE, "the package"), song_of).await;
        let asked =
            v1::GetHandoffRequest { project_id: id_text(project.0), song_id: id_text(100), offset: 0 };
        let mut chunks =
            self.engineer.media.clone().get_handoff(self.engineer.with(asked)).await.unwrap().into_inner();
        let (mut told, mut bytes) = (None, Vec::new());
        while let Some(chunk) = chunks.message().await.unwrap() {
            told = told.or(chunk.package);
            bytes.extend_from_slice(&chunk.data);
        }
        (told.unwrap(), bytes)
    }
}

fn look_into(name: &str, zip: &[u8], wrong: &mut Wrong) -> usize {
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    for at in 0..zip.len() {
        let mut entry = zip.by_index(at).unwrap();
        let path = entry.name().unwrap().to_string();
        let parts: Vec<&str> = path.split('/').collect();
        let ours = parts.len() == 2 && parts.iter().all(|it| is_plain_file(it)) && entry.is_file();
        wrong.check(ours, || format!("{name:?}: the entry {path:?}"));
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if path.ends_with(".wav") {
            continue;
        }
        let text = String::from_utf8(bytes).unwrap_or_default();
        let held = text.chars().find(|c| is_obeyed(*c) && !matches!(c, '\n'));
        wrong.check(held.is_none(), || format!("{name:?}: {path} holds {held:?}"));
        if path.ends_with(".html") {
            let tags = ["<script>alert", "<img src=x", "</pre>\"", "<b>"];
            let tag = tags.iter().find(|it| text.contains(*it) && name.contains(*it));
            wrong.check(tag.is_none(), || format!("{name:?}: {path} holds {tag:?}"));
        }
    }
    zip.len()
}

/// By somebody else's program: what it writes lies inside, and is as many files as we say.
fn unzipped(zip: &[u8], entries: usize, wrong: &mut Wrong) -> bool {
    let room = tempfile::tempdir().unwrap();
    let (path, into) = (room.path().join("package.zip"), room.path().join("into"));
    std::fs::write(&path, zip).unwrap();
    let ran = std::process::Command::new("unzip").arg("-q").arg(&path).arg("-d").arg(&into).output();
    let Ok(ran) = ran else { return false };
    wrong.check(ran.status.success(), || format!("unzip: {}", ran.stderr.escape_ascii()));
    let all = tree(room.path());
    let files = all.iter().filter(|it| room.path().join(it).is_file() && it.starts_with("into/")).count();
    let outside = all.iter().any(|it| it != "package.zip" && it != "into" && !it.starts_with("into/"));
    wrong.check(files == entries && !outside, || format!("unzip wrote {all:?}"));
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packages_hold_names_of_our_own() {
    let press = Press::open().await;
    let all = taken(&names(seed(), times(60, 300, 2_000)));
    let (mut wrong, mut entries, mut by_others) = (Wrong::default(), 0, 0);
    let some: Vec<&String> = all.iter().take(times(8, 40, 2_000)).collect();
    for (nth, name) in some.iter().enumerate() {
        let (package, zip) = within(PATIENCE, "a package", press.package(name)).await;
        wrong.check(is_plain_file(&package.name), || format!("{name:?}: the package {:?}", package.name));
        let count = look_into(name, &zip, &mut wrong);
        entries += count;
        if nth % 10 == 0 {
            by_others += usize::from(unzipped(&zip, count, &mut wrong));
        }
    }
    wrong.check(entries > some.len() * 3, || format!("only {entries} entries"));
    wrong.tell(&format!("packages: {}, {entries} entries, {by_others} unpacked by unzip", some.len()));
}

/// A record whose every word is one of these.
fn record(words: &[String]) -> RecordSheet {
    let word = |nth: usize| words[nth % words.len()].clone();
    let track = |(nth, title): (usize, &String)| TrackCopy {
        title: title.clone(),
        version_title: word(nth + 1),
        artist: word(nth + 2),
        credits: vec![Credit { role: word(nth + 3), name: word(nth + 4) }],
        ..TrackCopy::default()
    };
    let source = AudioFile {
        container: "wav".into(),
        codec: "pcm".into(),
        sample_rate: 44_100,
        bits: Some(24),
        float: false,
        channels: 2,
        frames: 44_100 * 200,
    };
    RecordSheet {
        number: 1,
        copy: LabelCopy {
            artist: word(0),
            title: word(1),
            catalogue: word(2),
            label: word(3),
            p_line: word(4),
            c_line: word(5),
            genre: word(6),
            language: word(7),
            upc: word(8),
            tracks: words.iter().enumerate().map(track).collect(),
            ..LabelCopy::default()
        },
        songs: words.iter().map(|_| SongSheet { source: source.clone(), ..SongSheet::default() }).collect(),
        contact: word(9),
        ..RecordSheet::default()
    }
}

#[test]
fn files_tables_and_sheets_of_a_record_obey_no_name() {
    let profiles: Vec<Profile> = shipped().iter().filter_map(|(_, text)| Profile::parse(text).ok()).collect();
    assert!(profiles.len() > 10, "{}", profiles.len());
    let all = names(seed(), times(60, 300, 2_000));
    let clean = taken(&all);
    let (mut wrong, mut files, mut tables, mut sheets) = (Wrong::default(), 0, 0, 0);
    for words in all.chunks(12).chain(clean.chunks(12)) {
        let sheet = record(words);
        for profile in &profiles {
            let plan = plan(profile, &sheet);
            for file in &plan.files {
                files += 1;
                let folder = plan.folder_of(file);
                let plain = is_plain_file(&file.name) && folder.split('/').all(is_plain_file);
                wrong.check(plain, || format!("{}: {folder:?} {:?}", profile.name, file.name));
            }
        }
        match cells(&label_copy::csv(&sheet.copy, &places(&sheet))) {
            Err(error) => wrong.0.push(format!("label copy: {error}")),
            Ok(rows) => {
                tables += rows.len();
                let columns = rows[0].len();
                let whole = rows.len() == words.len() + 1 && rows.iter().all(|it| it.len() == columns);
                wrong.check(whole, || format!("label copy: {} rows of {}", rows.len(), words.len()));
                let formula = rows.iter().flatten().find(|it| is_formula(it));
                wrong.check(formula.is_none(), || format!("label copy: {formula:?}"));
            }
        }
    }
    // A sheet for a burner is read line by line, and a title ends at its quote.
    for words in clean.chunks(12) {
        let (theirs, plain) = (record(words), record(&vec!["Plain".to_owned(); words.len()]));
        let (Some(disc), Some(other)) = (planned_disc(&theirs), planned_disc(&plain)) else { continue };
        sheets += 1;
        let cue = deadwax_dsp::disc::cue(&disc, "image.bin");
        wrong.check(
            cue.lines().count() == deadwax_dsp::disc::cue(&other, "image.bin").lines().count(),
            || cue.clone(),
        );
        let torn = cue.lines().find(|it| it.matches('"').count() % 2 == 1 || it.chars().any(is_obeyed));
        wrong.check(torn.is_none(), || format!("cue: {torn:?}"));
        let toc = deadwax_dsp::disc::toc(&disc, "image.bin");
        let lines = deadwax_dsp::disc::toc(&other, "image.bin").lines().count();
        wrong.check(toc.lines().count() == lines, || toc.clone());
    }
    wrong.check(sheets > 0, || "no disc was planned".into());
    wrong.tell(&format!("records: {files} planned files, {tables} rows of label copy, {sheets} discs"));
}
