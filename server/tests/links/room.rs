//! A project with two songs, those who work on it, and what every test asks of it. Never here: what should come of it.

use deadwax_domain::{
    Alternate, Command, Fact, NewFile, PersonId, ProjectId, Role, SongId, VersionId, VersionKind,
};
use deadwax_proto::v1::{
    self, audit_client::AuditClient, link_scope::Of, links_client::LinksClient,
    projects_client::ProjectsClient, records_client::RecordsClient,
};
use tonic::Status;

use crate::{
    common::{House, Seat, id_text},
    media_kit::{self, sha256, tone},
};

pub const DAY_MS: i64 = 86_400_000;

/// Ember has Take 1 and Take 2, Ash has Take 1; each of these is another file.
pub struct Room {
    pub house: House,
    /// Owner of the studio, manager and producer here.
    pub manager: Seat,
    pub label: Seat,
    pub mixer: Seat,
    pub project: ProjectId,
    pub ember: SongId,
    pub ash: SongId,
    pub takes: [VersionId; 3],
}

pub fn new_id() -> u128 {
    uuid::Uuid::now_v7().as_u128()
}

/// Of the takes, in their order.
pub fn bytes_of(take: usize) -> Vec<u8> {
    tone(1000 + take)
}

impl Room {
    pub async fn open() -> Room {
        Room::of(House::open().await).await
    }

    pub async fn of(house: House) -> Room {
        let mut manager = house.person("Olga Brandt", true).await;
        let (label, mixer) = (house.person("Lena Ruiz", false).await, house.person("Max Weil", false).await);
        let project = house.project(&manager).await;
        let roles = [Role::Manager, Role::Producer].into();
        house.perform(&manager, project, Command::ChangeRoles { person: manager.id, roles }).await;
        for (person, role) in [(label.id, Role::Label), (mixer.id, Role::MixEngineer)] {
            house.perform(&manager, project, Command::AddMember { person, roles: [role].into() }).await;
        }
        let (ember, ash) = (SongId(new_id()), SongId(new_id()));
        for (song, title) in [(ember, "Ember"), (ash, "Ash")] {
            let add = Command::AddSong { song, title: title.into(), isrc: String::new() };
            house.perform(&manager, project, add).await;
        }
        let takes = [VersionId(new_id()), VersionId(new_id()), VersionId(new_id())];
        for (take, (version, song)) in takes.into_iter().zip([ember, ember, ash]).enumerate() {
            add_take(&house, &mut manager, project, (version, song, &bytes_of(take))).await;
        }
        Room { house, manager, label, mixer, project, ember, ash, takes }
    }

    pub fn scope(&self, take: usize) -> Of {
        Of::VersionId(id_text(self.takes[take].0))
    }

    pub async fn make(
        &self,
        by: &Seat,
        scope: Of,
        change: impl FnOnce(&mut v1::MakeLinkRequest),
    ) -> Result<v1::MakeLinkResponse, Status> {
        let mut asked = v1::MakeLinkRequest {
            command_id: id_text(new_id()),
            project_id: id_text(self.project.0),
            scope: Some(v1::LinkScope { of: Some(scope) }),
            recipient: "Dana Holt".into(),
            ..v1::MakeLinkRequest::default()
        };
        change(&mut asked);
        let mut links = LinksClient::new(by.channel.clone());
        links.make(by.with(asked)).await.map(tonic::Response::into_inner)
    }

    pub async fn list(&self, by: &Seat) -> Result<Vec<v1::LinkInfo>, Status> {
        let asked = by.with(v1::ListLinksRequest { project_id: id_text(self.project.0) });
        Ok(LinksClient::new(by.channel.clone()).list(asked).await?.into_inner().links)
    }

    pub async fn revoke(&self, by: &Seat, link_id: &str) -> Result<u32, Status> {
        let asked = by.with(v1::RevokeLinkRequest {
            command_id: id_text(new_id()),
            project_id: id_text(self.project.0),
            link_id: link_id.into(),
        });
        Ok(LinksClient::new(by.channel.clone()).revoke(asked).await?.into_inner().sessions_ended)
    }

    /// A guest who came by a link to this.
    pub async fn guest(&self, scope: Of, change: impl FnOnce(&mut v1::MakeLinkRequest)) -> Seat {
        let made = self.make(&self.manager, scope, change).await.unwrap();
        open(&self.house, &made, "").await.unwrap().0
    }

    pub async fn rows(&self, by: &Seat) -> Result<Vec<v1::Row>, Status> {
        let asked = by.with(v1::GetRequest { project_id: id_text(self.project.0) });
        Ok(ProjectsClient::new(by.channel.clone()).get(asked).await?.into_inner().upserts)
    }

    /// The keys of their rows, in words.
    pub async fn keys(&self, by: &Seat) -> Vec<String> {
        let named = [("Ember", self.ember.0), ("Ash", self.ash.0)];
        let takes = ["Ember 1", "Ember 2", "Ash 1"].into_iter().zip(self.takes.map(|take| take.0));
        let named: Vec<(&str, String)> =
            named.into_iter().chain(takes).map(|(word, id)| (word, id_text(id))).collect();
        let told = |row: v1::Row| named.iter().fold(row.key, |key, (word, id)| key.replace(id, word));
        let mut keys: Vec<String> = self.rows(by).await.unwrap().into_iter().map(told).collect();
        keys.sort();
        keys
    }

    pub fn asked(&self, take: usize) -> v1::DownloadRequest {
        media_kit::fetch(self.project, self.takes[take], sha256(&bytes_of(take)))
    }

    pub async fn listen(&self, by: &Seat, asked: v1::DownloadRequest) -> Result<Vec<u8>, Status> {
        let v1::DownloadRequest { project_id, version_id, sha256, offset, limit } = asked;
        let asked = v1::ListenRequest { project_id, version_id, sha256, offset, limit };
        let mut chunks = by.media.clone().listen(by.with(asked)).await?.into_inner();
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.message().await? {
            bytes.extend_from_slice(&chunk.data);
        }
        Ok(bytes)
    }

    pub async fn note(&self, by: &Seat, asked: v1::AddNote) -> Result<v1::PerformResponse, Status> {
        let asked = v1::PerformRequest {
            command_id: id_text(new_id()),
            project_id: id_text(self.project.0),
            expected: None,
            action: Some(v1::Action { action: Some(v1::action::Action::AddNote(asked)) }),
        };
        let mut projects = ProjectsClient::new(by.channel.clone());
        projects.perform(by.with(asked)).await.map(tonic::Response::into_inner)
    }

    /// A record of Ember's second take and Ash's, as the worker would have made it.
    pub async fn record(&self) -> (String, Vec<u8>) {
        use deadwax_domain::{
            Event, RecordFile, RecordId, RecordProfile, RecordSource, Time, record::record_fingerprint,
        };
        use deadwax_server::store::{Append, CommandKey, Store as _, StreamId};
        let track = b"a track of the record".to_vec();
        self.house.studio.blobs.put(track.clone().into()).await.unwrap();
        let now = self.house.studio.ledger.project(self.project).await.unwrap().unwrap();
        let record = RecordId(new_id());
        let source = |take: usize, song| RecordSource {
            song,
            version: self.takes[take],
            fingerprint: now.project.versions.get(self.takes[take]).unwrap().fingerprint,
        };
        let files = vec![RecordFile {
            profile: "house".into(),
            folder: String::new(),
            name: "01_Ember.wav".into(),
            digest: sha256(&track),
            bytes: track.len() as u64,
            kind: "track".into(),
            sample_rate_hz: 48_000,
            bits: 24,
            frames: 48_000,
            exact: true,
            integrated_lufs: None,
            true_peak_dbtp: None,
            over_full_scale: None,
        }];
        let queued = Fact::RecordQueued {
            record,
            number: 1,
            spacing: 1,
            sources: vec![source(1, self.ember), source(2, self.ash)],
            profiles: vec![RecordProfile { name: "house".into(), toml: "x".into() }],
            loudest_track_lufs: None,
            medium: String::new(),
        };
        let fingerprint = record_fingerprint(&files);
        let facts = [
            (Some(self.manager.id), queued),
            (None, Fact::RecordLeased { record, attempt: 1, engine: "test".into() }),
            (None, Fact::RecordMade { record, files, fingerprint, report_json: "{}".into() }),
        ];
        let at = Time(1_795_000_000_000);
        let encode = |(by, fact)| deadwax_server::wire::ledger::encode(&Event { at, by, fact }, 1);
        let append = Append {
            stream: StreamId(self.project.0),
            expected: now.seq,
            command: CommandKey { id: new_id(), request_sha256: [0; 32] },
            entries: facts.into_iter().map(encode).collect(),
            claims: Vec::new(),
            desk: Vec::new(),
        };
        self.house.store.append(append).await.unwrap();
        // The ledger reads what it did not write itself as soon as it has to write.
        let edit = Command::EditSong { song: self.ash, title: Some("Ash Grove".into()), isrc: None };
        self.house.perform(&self.manager, self.project, edit).await;
        (id_text(record.0), track)
    }

    pub async fn fetch(&self, by: &Seat, record_id: &str, bytes: &[u8]) -> Result<Vec<u8>, Status> {
        let asked = by.with(v1::FetchRequest {
            project_id: id_text(self.project.0),
            record_id: record_id.into(),
            sha256: sha256(bytes).to_string(),
            offset: 0,
            limit: 0,
        });
        let mut chunks = RecordsClient::new(by.channel.clone()).fetch(asked).await?.into_inner();
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.message().await? {
            bytes.extend_from_slice(&chunk.data);
        }
        Ok(bytes)
    }

    pub async fn received(&self, by: &Seat) -> Vec<v1::Reception> {
        self.house.studio.egress.flush().await;
        let asked =
            v1::ReceivedRequest { project_id: id_text(self.project.0), ..v1::ReceivedRequest::default() };
        let mut audit = AuditClient::new(by.channel.clone());
        audit.received(by.with(asked)).await.unwrap().into_inner().receptions
    }
}

async fn add_take(
    house: &House,
    by: &mut Seat,
    project: ProjectId,
    (version, song, bytes): (VersionId, SongId, &[u8]),
) {
    media_kit::upload(by, project, bytes).await.unwrap();
    let files = vec![NewFile { alternate: Alternate::Main, digest: sha256(bytes), name: "take.wav".into() }];
    let (title, changelog, kind) = (String::new(), String::new(), VersionKind::Take);
    let add = Command::AddVersion { version, song, kind, title, changelog, files };
    house.perform(by, project, add).await;
}

/// Another take of Ember.
pub async fn one_more(room: &mut Room, bytes: &[u8]) -> VersionId {
    let version = VersionId(new_id());
    let (project, song) = (room.project, room.ember);
    add_take(&room.house, &mut room.manager, project, (version, song, bytes)).await;
    version
}

pub fn secret_of(made: &v1::MakeLinkResponse) -> String {
    made.link.split_once("/s#").unwrap().1.to_owned()
}

/// Somebody in a browser.
pub async fn open(
    house: &House,
    made: &v1::MakeLinkResponse,
    password: &str,
) -> Result<(Seat, v1::OpenLinkResponse), Status> {
    open_with(house, &secret_of(made), password).await
}

pub async fn open_with(
    house: &House,
    secret: &str,
    password: &str,
) -> Result<(Seat, v1::OpenLinkResponse), Status> {
    let mut seat = house.stranger().await;
    let asked = v1::OpenLinkRequest {
        secret: secret.into(),
        password: password.into(),
        device: "Firefox on Android".into(),
        api: deadwax_proto::API,
    };
    let opened = LinksClient::new(seat.channel.clone()).open(asked).await?.into_inner();
    seat.token.clone_from(&opened.token);
    seat.id = PersonId(crate::common::uuid_of(&opened.guest.as_ref().unwrap().person_id));
    Ok((seat, opened))
}
