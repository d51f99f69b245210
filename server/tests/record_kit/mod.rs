//! A project whose masters are signed, in a whole server that makes records, and the words of its people. The way to the signatures is told by other tests:
//! here it stands as facts.
#![allow(dead_code)] // Each test file uses its part of this.

use std::time::Duration;

use deadwax_domain::{
    Alternate, Command, Cover, Digest, Event, Fact, FadeShape, File, PersonId, Project, ProjectId, Record,
    Role, SongId, SpacingItem, Stage, Time, VersionId, VersionKind, fingerprint,
};
use deadwax_proto::v1::{
    self, action::Action, projects_client::ProjectsClient, records_client::RecordsClient,
};
use deadwax_server::{
    render::Program,
    store::{Append, CommandKey, Store, StreamId},
    wire,
};
use sha2::{Digest as _, Sha256};
use tonic::{Status, transport::Channel};

pub use crate::common::child::*;
use crate::common::{House, Seat, child, facts, id_text, within};

pub const PATIENCE: Duration = Duration::from_secs(120);
/// Of every song: a track of a disc has four at least.
pub const SECONDS: u32 = 5;
pub const TITLES: [&str; 3] = ["Ember", "Ash/Ashes", "Low Beam"];

/// A child that is a shell script: it finds `$home` (its own folder), `$job` (the file) and `$out` (where files go).
pub fn script(home: &tempfile::TempDir, body: &str) -> Program {
    const HEAD: &str =
        "for job in \"$@\"; do :; done\nout=$(sed 's/.*\"out_dir\":\"\\([^\"]*\\)\".*/\\1/' \"$job\")\n";
    child::script(home, &format!("{HEAD}{body}"))
}

/// Says that it began, then stays; `pid` tells who it is.
pub const HANGS: &str = "echo $$ > $home/pid.new; mv $home/pid.new $home/pid
echo '{\"progress\":{\"step\":\"house: track 1 of 3\",\"fraction\":0.5,\"files_done\":1,\"files\":5}}'
exec sleep 600";

/// Writes two files and says so, without a look at the masters.
pub const MAKES: &str = "mkdir -p $out/house; printf 'one' > $out/house/a.wav; printf 'two' > $out/house/b.txt
sum() { sha256sum $out/house/$1 | cut -d' ' -f1; }
file() { echo '{\"profile\":\"house\",\"folder\":\"house\",\"name\":\"'$1'\",\"kind\":\"'$2'\",\"sha256\":\"'$(sum $1)'\",\"bytes\":3,\"sample_rate\":0,\"bits\":0,\"channels\":0,\"frames\":0,\"exact\":false,\"integrated_lufs\":null,\"true_peak_dbtp\":null}'; }
echo '{\"done\":{\"files\":['$(file a.wav track)','$(file b.txt sha256)'],\"report_json\":\"{}\"}}'";

/// A profile of our own: a file of every kind that a small record can have.
pub const HOUSE: &str = r#"
name = "house"
dated = "2026-11-21"
sources = ["the house"]

[limits]
channels = [1, 2]

[[file]]
kind = "track"
encoding = "wav24"
folder = "BWF"
name = "{track}_{title}"
tags = true
bext = true

[[file]]
kind = "whole"
encoding = "flac16"
name = "{artist}_{album}"

[[file]]
kind = "label-copy-json"
name = "LabelCopy"

[[file]]
kind = "sha256"
name = "SHA256SUMS"
"#;

pub struct Press {
    pub house: House,
    pub project: ProjectId,
    pub manager: Seat,
    pub label: Seat,
    pub listener: Seat,
}

pub fn song(nth: usize) -> SongId {
    SongId(100 + nth as u128)
}

pub fn master(nth: usize) -> VersionId {
    VersionId(200 + nth as u128)
}

fn item(nth: usize) -> SpacingItem {
    SpacingItem {
        song: song(nth),
        gap_ms: if nth == 0 { 0 } else { 500 },
        crossfade_ms: 0,
        fade_in_ms: 0,
        fade_out_ms: 0,
        shape: FadeShape::EqualPower,
        gain_cb: 0,
        trim_in_ms: 0,
        trim_out_ms: 0,
        hidden: false,
        begins_side: nth == 2,
    }
}

impl Press {
    /// Three songs, of which the first `signed` have a signed master and the others a mix.
    pub async fn open(program: Program, signed: usize) -> Press {
        let house = House::open_rendering(program.clone()).await;
        let manager = house.person("Olga", true).await;
        let (label, listener) = (house.person("Lena", false).await, house.person("Lou", false).await);
        let project = ProjectId(uuid::Uuid::now_v7().as_u128());
        let seats = [manager.clone(), label.clone(), listener.clone()];
        facts_of(&house, project, &seats, signed).await;
        let press = Press { house, project, manager, label, listener };
        press.restart(program).await
    }

    /// Stops in order and starts again on the same ledger and folder.
    pub async fn restart(self, program: Program) -> Press {
        let Press { house, project, manager, label, listener } = self;
        let house = house.restart(program).await;
        let mut seats = Vec::new();
        for old in [manager, label, listener] {
            let fresh = house.stranger().await;
            seats.push(Seat { id: old.id, token: old.token, ..fresh });
        }
        let [manager, label, listener] = seats.try_into().unwrap_or_else(|_| panic!("three"));
        Press { house, project, manager, label, listener }
    }

    pub async fn project(&self) -> Project {
        self.house.studio.ledger.project(self.project).await.unwrap().unwrap().project.clone()
    }

    pub async fn record(&self) -> Record {
        self.project().await.records.last().unwrap().clone()
    }

    /// Waits until the newest record is as asked.
    pub async fn until(&self, what: &str, is: impl Fn(&Record) -> bool) -> Record {
        let newest = |project: &Project| project.records.last().filter(|it| is(it)).cloned();
        self.house.until(self.project, (PATIENCE, what), newest).await
    }

    pub async fn perform(&self, by: &Seat, action: Action) -> Result<v1::PerformResponse, Status> {
        self.perform_as(by, uuid::Uuid::now_v7().as_u128(), action).await
    }

    pub async fn perform_as(
        &self,
        by: &Seat,
        command: u128,
        action: Action,
    ) -> Result<v1::PerformResponse, Status> {
        let asked = v1::PerformRequest {
            command_id: id_text(command),
            project_id: id_text(self.project.0),
            expected: None,
            action: Some(v1::Action { action: Some(action) }),
        };
        let done = ProjectsClient::new(by.channel.clone()).perform(by.with(asked)).await;
        done.map(tonic::Response::into_inner)
    }

    /// Everything that stores and labels ask for.
    pub async fn set_label_copy(&self) {
        let copy = v1::LabelCopy {
            upc: "036000291452".into(),
            catalogue: "MOTH-001".into(),
            label: "Moth Records".into(),
            p_line: "2026 Moth Records".into(),
            c_line: "2026 Moth Records".into(),
            release_date: "2026-12-04".into(),
            genre: "Pop".into(),
            language: "en".into(),
            ..v1::LabelCopy::default()
        };
        let set = Action::SetLabelCopy(v1::SetLabelCopy { copy: Some(copy) });
        self.perform(&self.manager, set).await.unwrap();
        for nth in 0..TITLES.len() {
            let song_id = id_text(song(nth).0);
            let isrc = Some(format!("SEAYE260000{nth}"));
            let edit = v1::EditSong { song_id: song_id.clone(), isrc, ..v1::EditSong::default() };
            self.perform(&self.manager, Action::EditSong(edit)).await.unwrap();
            let copy = v1::SongCopy { explicit: v1::Explicit::No.into(), ..v1::SongCopy::default() };
            let set = Action::SetSongCopy(v1::SetSongCopy { song_id, copy: Some(copy) });
            self.perform(&self.manager, set).await.unwrap();
        }
    }

    /// The head of a PNG of one pixel, which is what is looked at.
    pub async fn set_cover(&self) {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0".to_vec();
        png.extend([0x90, 0x77, 0x53, 0xde]);
        let bytes = png.len() as u64;
        let digest = self.house.studio.blobs.put(png.into()).await.unwrap();
        let cover = Cover { digest, bytes, mime: "image/png".into(), width: 1, height: 1 };
        self.house.perform(&self.manager, self.project, Command::SetCover { cover: Some(cover) }).await;
    }

    pub async fn plan(&self, by: &Seat, profiles: &[(&str, &str)]) -> Result<v1::PlanResponse, Status> {
        let asked = v1::PlanRequest {
            project_id: id_text(self.project.0),
            profiles: profiles.iter().map(profile).collect(),
            ..v1::PlanRequest::default()
        };
        records(by).plan(by.with(asked)).await.map(tonic::Response::into_inner)
    }

    pub async fn fetch(
        &self,
        by: &Seat,
        record: u128,
        sha256: &str,
        range: (u64, u64),
    ) -> Result<Vec<u8>, Status> {
        let asked = v1::FetchRequest {
            project_id: id_text(self.project.0),
            record_id: id_text(record),
            sha256: sha256.into(),
            offset: range.0,
            limit: range.1,
        };
        let mut answer = records(by).fetch(by.with(asked)).await?.into_inner();
        let head = answer.message().await?.unwrap();
        assert!(head.total_bytes > 0 && head.data.is_empty());
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.message().await? {
            bytes.extend(chunk.data);
        }
        Ok(bytes)
    }

    pub async fn watch(
        &self,
        by: &Seat,
        record: u128,
    ) -> Result<tonic::Streaming<v1::RecordProgress>, Status> {
        let asked =
            v1::WatchRecordRequest { project_id: id_text(self.project.0), record_id: id_text(record) };
        records(by).watch_record(by.with(asked)).await.map(tonic::Response::into_inner)
    }

    pub fn folder(&self) -> std::path::PathBuf {
        self.house.folder.path().join("records")
    }

    /// Of the record that is made now.
    pub fn its_folder(&self) -> std::path::PathBuf {
        std::fs::read_dir(self.folder()).unwrap().next().unwrap().unwrap().path()
    }

    /// Soon after the ledger knew: the folder goes last.
    pub async fn folder_empties(&self) {
        within(PATIENCE, "an empty folder", async {
            while std::fs::read_dir(self.folder()).unwrap().next().is_some() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    pub async fn has(&self, bytes: &[u8]) -> bool {
        self.house.studio.blobs.has(Digest(Sha256::digest(bytes).into())).await.unwrap()
    }
}

pub fn records(by: &Seat) -> RecordsClient<Channel> {
    RecordsClient::new(by.channel.clone())
}

pub fn profile((name, toml): &(&str, &str)) -> v1::RecordProfile {
    v1::RecordProfile { name: (*name).into(), toml: (*toml).into() }
}

pub fn start(record: u128, profiles: &[(&str, &str)]) -> Action {
    Action::StartRecord(v1::StartRecord {
        record_id: id_text(record),
        spacing: 1,
        profiles: profiles.iter().map(profile).collect(),
        ..v1::StartRecord::default()
    })
}

/// Straight into the store: whoever serves it reads it at the next start.
pub async fn append(house: &House, project: ProjectId, facts: Vec<(Option<PersonId>, Fact)>) {
    let event = |(by, fact)| Event { at: Time(1_795_000_000_000), by, fact };
    let entries = facts.into_iter().map(|fact| wire::ledger::encode(&event(fact), 1)).collect();
    let heads = house.store.heads().await.unwrap();
    let head = heads.iter().find(|(stream, _)| *stream == StreamId(project.0)).map_or(0, |(_, head)| *head);
    let append = Append {
        stream: StreamId(project.0),
        expected: head,
        command: CommandKey { id: uuid::Uuid::now_v7().as_u128(), request_sha256: [0; 32] },
        entries,
        claims: Vec::new(),
        desk: Vec::new(),
    };
    house.store.append(append).await.unwrap();
}

pub async fn facts_of(house: &House, project: ProjectId, seats: &[Seat; 3], signed: usize) {
    let by = Some(seats[0].id);
    let mut all = vec![(by, Fact::ProjectCreated { title: "Dust".into(), artist: "Ana".into() })];
    for (seat, role) in seats.iter().zip([Role::Manager, Role::Label, Role::Listener]) {
        all.push((by, Fact::MemberAdded { person: seat.id, roles: [role].into() }));
    }
    for (nth, title) in TITLES.iter().enumerate() {
        all.push((by, Fact::SongAdded { song: song(nth), title: (*title).into(), isrc: String::new() }));
        let is_signed = nth < signed;
        let version = master(nth);
        let files = files_of(house, nth).await;
        let left = |from, to| Fact::StageLeft { song: song(nth), from, to, version };
        let kind = if is_signed { VersionKind::Master } else { VersionKind::Mix };
        all.push((by, left(Stage::Recording, Stage::Mixing)));
        if is_signed {
            all.push((by, left(Stage::Mixing, Stage::Mastering)));
        }
        all.push((
            by,
            Fact::VersionAdded {
                version,
                song: song(nth),
                kind,
                number: 1,
                title: String::new(),
                changelog: String::new(),
                fingerprint: fingerprint(&files),
                files,
                render: None,
                line: None,
            },
        ));
        if is_signed {
            all.push((by, left(Stage::Mastering, Stage::Delivered)));
        }
    }
    let items = (0..TITLES.len()).map(item).collect();
    all.push((by, Fact::SpacingSet { number: 1, items }));
    append(house, project, all).await;
}

/// A main of 24 bits, the same at a lower rate as a listening copy would be, and an instrumental.
async fn files_of(house: &House, nth: usize) -> Vec<File> {
    let rate = [48_000, 44_100, 48_000][nth];
    let mut files = Vec::new();
    for (alternate, rate, hz) in [
        (Alternate::Main, rate, 440.0),
        (Alternate::Main, 32_000, 440.0),
        (Alternate::Instrumental, rate, 220.0),
    ] {
        let bytes = child::wav(rate, 24, SECONDS, hz + nth as f64);
        let digest = Digest(Sha256::digest(&bytes).into());
        let mut facts = facts(bytes.len() as u64);
        (facts.sample_rate_hz, facts.frames) = (rate, u64::from(rate * SECONDS));
        facts.integrated_lufs = -14.0 - nth as f64;
        house.studio.blobs.put(bytes.into()).await.unwrap();
        files.push(File { alternate, digest, name: format!("{nth}-{alternate}.wav"), facts });
    }
    files
}
