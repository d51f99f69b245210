//! A song whose mix was just approved, in a whole server: its render is queued. Shared by the tests of renders and of several workers.
#![allow(dead_code)] // Each test file uses its part of this.

use std::time::Duration;

use deadwax_domain::{
    Alternate, ApprovalId, Command, Digest, NewFile, PersonId, Project, ProjectId, ReceivedFile, Render,
    RenderId, Role, SongId, VersionId, VersionKind,
};
use deadwax_proto::v1::{self, row::Row as Kind};
use deadwax_server::render::Program;
use sha2::{Digest as _, Sha256};

use crate::common::{House, Seat, child, facts, id_text, within};

pub const SONG: SongId = SongId(100);
pub const MIX: VersionId = VersionId(20);
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Says that it began, then stays; `pid` tells who it is.
pub const HANGS: &str = "echo $$ > $home/pid.new; mv $home/pid.new $home/pid
echo '{\"progress\":{\"step\":\"main\",\"fraction\":0.5}}'
exec sleep 600";

pub fn wav(seconds: u32) -> Vec<u8> {
    child::wav(48_000, 16, seconds, 440.0)
}

pub struct Job {
    pub house: House,
    pub project: ProjectId,
    pub engineer: Seat,
}

impl Job {
    /// A song whose mix (a main and an instrumental) was just approved: its render is queued.
    pub async fn open(program: Program, seconds: u32) -> Self {
        Self::open_in(House::open_rendering(program).await, seconds).await
    }

    pub async fn open_in(house: House, seconds: u32) -> Self {
        let manager = house.person("Olga", true).await;
        let (mixer, ana, lena) = (
            house.person("Mia", false).await,
            house.person("Ana", false).await,
            house.person("Lena", false).await,
        );
        let engineer = house.person("Max", false).await;
        let project = house.project(&manager).await;
        let members = [
            (&mixer, Role::MixEngineer),
            (&ana, Role::Artist),
            (&lena, Role::Label),
            (&engineer, Role::MasteringEngineer),
        ];
        for (seat, role) in members {
            let command = Command::AddMember { person: seat.id, roles: [role].into() };
            house.perform(&manager, project, command).await;
        }
        let song = Command::AddSong { song: SONG, title: "Nachtlied".into(), isrc: String::new() };
        house.perform(&manager, project, song).await;
        let main = wav(seconds);
        let mut instrumental = main.clone();
        instrumental[44..].chunks_exact_mut(2).for_each(|sample| sample[0] &= 0xf0);
        let main = receive(&house, &mixer, project, main).await;
        let instrumental = receive(&house, &mixer, project, instrumental).await;
        let files = [(Alternate::Main, main), (Alternate::Instrumental, instrumental)];
        let job = Self { house, project, engineer };
        job.version(&mixer, VersionId(10), VersionKind::Take, &files[..1]).await;
        job.approve(&ana, 1, VersionId(10), Role::Artist).await;
        job.version(&mixer, MIX, VersionKind::Mix, &files).await;
        job.approve(&ana, 2, MIX, Role::Artist).await;
        job.approve(&lena, 3, MIX, Role::Label).await;
        job
    }

    pub async fn version(
        &self,
        by: &Seat,
        version: VersionId,
        kind: VersionKind,
        files: &[(Alternate, Digest)],
    ) {
        let files = files.iter().map(|(alternate, digest)| {
            let (alternate, digest) = (*alternate, *digest);
            NewFile { alternate, digest, name: format!("{alternate}.wav") }
        });
        let (title, changelog) = (String::new(), String::new());
        let files = files.collect();
        let add = Command::AddVersion { version, song: SONG, kind, title, changelog, files };
        self.house.perform(by, self.project, add).await;
        self.house.nothing_found(self.project).await;
    }

    pub async fn approve(&self, by: &Seat, id: u128, version: VersionId, role: Role) {
        let fingerprint = self.project().await.versions.get(version).unwrap().fingerprint;
        let approve = Command::Approve { approval: ApprovalId(id), version, role, fingerprint };
        self.house.perform(by, self.project, approve).await;
    }

    pub async fn project(&self) -> Project {
        self.house.studio.ledger.project(self.project).await.unwrap().unwrap().project.clone()
    }

    pub async fn render(&self) -> Render {
        self.project().await.renders_of(SONG).next_back().unwrap().clone()
    }

    /// Waits until the newest render is as asked.
    pub async fn until(&self, what: &str, is: impl Fn(&Render) -> bool) -> Render {
        let newest = |project: &Project| project.renders_of(SONG).next_back().filter(|it| is(it)).cloned();
        self.house.until(self.project, (PATIENCE, what), newest).await
    }

    pub async fn row(&self, id: RenderId) -> v1::RenderRow {
        let mut projects = v1::projects_client::ProjectsClient::new(self.engineer.channel.clone());
        let asked = self.engineer.with(v1::GetRequest { project_id: id_text(self.project.0) });
        let rows = projects.get(asked).await.unwrap().into_inner().upserts;
        rows.into_iter()
            .find_map(|row| match row.row {
                Some(Kind::Render(row)) if row.render_id == id_text(id.0) => Some(row),
                _ => None,
            })
            .unwrap()
    }

    /// Soon after the ledger knew: the folder goes last.
    pub async fn work_folder_empties(&self) {
        within(PATIENCE, "an empty work folder", async {
            while !self.work_folder_is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    pub async fn by_manager(&self, manager: PersonId, command: Command) {
        let seat = Seat { id: manager, ..self.engineer.clone() };
        self.house.perform(&seat, self.project, command).await;
    }

    pub fn work_folder_is_empty(&self) -> bool {
        std::fs::read_dir(self.house.folder.path().join("renders")).unwrap().next().is_none()
    }
}

async fn receive(house: &House, by: &Seat, project: ProjectId, bytes: Vec<u8>) -> Digest {
    let digest = Digest(Sha256::digest(&bytes).into());
    let facts = facts(bytes.len() as u64);
    house.studio.blobs.put(bytes.into()).await.unwrap();
    let file = ReceivedFile { digest, name: "mix.wav".into(), facts };
    house.perform(by, project, Command::ReceiveFile { file }).await;
    digest
}
