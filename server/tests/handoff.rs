//! The handoff as one file, through a whole server: it is packed by itself, goes out from any byte on, and holds exactly what was signed.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
mod ledger_rig;

use std::{
    io::{Cursor, Read as _},
    sync::Arc,
    time::Duration,
};

use common::{House, Seat, facts, id_text, refused, within};
use deadwax_domain::{
    Alternate, ApprovalId, Command, Digest, GateRule, HandoffState, Need, NewFile, NoteId, Package, Project,
    ProjectId, ReceivedFile, Role, SongId, Stage, VersionId, VersionKind,
};
use deadwax_proto::v1;
use deadwax_server::{
    blob::Blobs,
    handoff::{Maker, Troubles},
    leases::{self, Leasing},
};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use tonic::Status;

const PROJECT: ProjectId = ProjectId(0x77);
const SONG: SongId = SongId(100);
const TAKE: VersionId = VersionId(10);
const MIX: VersionId = VersionId(20);
const PATIENCE: Duration = Duration::from_secs(60);

fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// Bytes that differ by seed and are not the same when moved.
fn sound(seed: u32, bytes: usize) -> Vec<u8> {
    (0..bytes as u32).map(|n| (n.wrapping_mul(2_654_435_761).wrapping_add(seed * 97) >> 24) as u8).collect()
}

/// A song whose mix waits for its last signature; everybody is there.
struct Desk {
    house: House,
    manager: Seat,
    artist: Seat,
    label: Seat,
    mixer: Seat,
    engineer: Seat,
    listener: Seat,
    files: Vec<(Alternate, Vec<u8>)>,
}

impl Desk {
    async fn open(files: Vec<(Alternate, Vec<u8>)>) -> Self {
        let house = House::open_with(|config| config.render.workers = 0).await;
        let manager = house.person("Olga", true).await;
        let [artist, label, mixer, engineer, listener] = [
            house.person("Ana", false).await,
            house.person("Lena", false).await,
            house.person("Mia", false).await,
            house.person("Max", false).await,
            house.person("Lou", false).await,
        ];
        let create = Command::CreateProject { title: "Nacht".into(), artist: "Ana Ruiz".into() };
        house.perform(&manager, PROJECT, create).await;
        let roles = [
            (&artist, Role::Artist),
            (&label, Role::Label),
            (&mixer, Role::MixEngineer),
            (&engineer, Role::MasteringEngineer),
            (&listener, Role::Listener),
        ];
        for (seat, role) in roles {
            let add = Command::AddMember { person: seat.id, roles: [role].into() };
            house.perform(&manager, PROJECT, add).await;
        }
        let song = Command::AddSong { song: SONG, title: "Nachtlied".into(), isrc: String::new() };
        house.perform(&manager, PROJECT, song).await;
        // Bytes that stand for sound cannot be examined; what that keeps shut is not asked here.
        let asked = |role| Need { any_of: [role].into(), count: 1 };
        let rule = GateRule::new(Stage::Mixing, vec![asked(Role::Artist), asked(Role::Label)]);
        let rule = GateRule { preflight_ignored: true, ..rule };
        house.perform(&manager, PROJECT, Command::SetGate { rule }).await;
        let desk = Self { house, manager, artist, label, mixer, engineer, listener, files };
        desk.version(TAKE, VersionKind::Take, &[(Alternate::Main, sound(1, 1000))]).await;
        desk.approve(&desk.artist, 1, TAKE, Role::Artist).await;
        desk.version(MIX, VersionKind::Mix, &desk.files).await;
        desk.approve(&desk.artist, 2, MIX, Role::Artist).await;
        desk
    }

    async fn handed_over(files: Vec<(Alternate, Vec<u8>)>) -> Self {
        let desk = Self::open(files).await;
        desk.hand_over(3).await;
        desk
    }

    async fn hand_over(&self, id: u128) {
        self.approve(&self.label, id, MIX, Role::Label).await;
    }

    async fn version(&self, version: VersionId, kind: VersionKind, files: &[(Alternate, Vec<u8>)]) {
        let mut named = Vec::new();
        for (alternate, bytes) in files {
            let (digest, facts) = (sha256(bytes), facts(bytes.len() as u64));
            self.house.studio.blobs.put(bytes.clone().into()).await.unwrap();
            let file = ReceivedFile { digest, name: "bounce.wav".into(), facts };
            self.does(&self.mixer, Command::ReceiveFile { file }).await;
            named.push(NewFile { alternate: *alternate, digest, name: format!("{alternate}.wav") });
        }
        let (title, changelog) = (String::new(), String::new());
        let add = Command::AddVersion { version, song: SONG, kind, title, changelog, files: named };
        self.does(&self.mixer, add).await;
    }

    async fn does(&self, by: &Seat, command: Command) {
        self.house.perform(by, PROJECT, command).await;
    }

    async fn approve(&self, by: &Seat, id: u128, version: VersionId, role: Role) {
        let fingerprint = self.project().await.versions.get(version).unwrap().fingerprint;
        self.does(by, Command::Approve { approval: ApprovalId(id), version, role, fingerprint }).await;
    }

    async fn returns(&self, reason: &str) {
        let back = Command::ReturnHandoff { song: SONG, reason: reason.into(), items: Vec::new() };
        self.does(&self.engineer, back).await;
    }

    async fn project(&self) -> Project {
        self.house.studio.ledger.project(PROJECT).await.unwrap().unwrap().project.clone()
    }

    async fn made(&self) -> Option<Package> {
        self.project().await.songs.get(SONG).unwrap().handoff.clone().and_then(|handoff| handoff.package)
    }

    async fn package(&self) -> Package {
        let mut seq = self.house.studio.ledger.watch(PROJECT);
        within(PATIENCE, "the package", async {
            loop {
                seq.borrow_and_update();
                if let Some(package) = self.made().await {
                    return package;
                }
                seq.changed().await.unwrap();
            }
        })
        .await
    }

    async fn ask(&self, seat: &Seat, offset: u64) -> Result<tonic::Streaming<v1::HandoffChunk>, Status> {
        let asked =
            v1::GetHandoffRequest { project_id: id_text(PROJECT.0), song_id: id_text(SONG.0), offset };
        Ok(seat.media.clone().get_handoff(seat.with(asked)).await?.into_inner())
    }

    async fn get(&self, offset: u64) -> Result<(v1::Package, Vec<u8>), Status> {
        let mut chunks = self.ask(&self.engineer, offset).await?;
        let (mut told, mut bytes) = (None, Vec::new());
        while let Some(chunk) = chunks.message().await? {
            assert!(
                chunk.package.is_some() == told.is_none(),
                "the first message tells the package, no other"
            );
            told = told.or(chunk.package);
            bytes.extend_from_slice(&chunk.data);
        }
        Ok((told.unwrap(), bytes))
    }

    /// Turns one bit of a stored file over, and back again with the second call.
    async fn flip(&self, bytes: &[u8]) {
        let path = self.house.studio.blobs.local_path(sha256(bytes)).await.unwrap();
        let mut stored = std::fs::read(&path).unwrap();
        stored[bytes.len() / 2] ^= 1;
        std::fs::write(&path, stored).unwrap();
    }

    /// Until the maker has failed at it.
    async fn in_trouble(&self) -> Status {
        within(PATIENCE, "the trouble", async {
            loop {
                let status = self.ask(&self.engineer, 0).await.map(drop).unwrap_err();
                if status.code() != tonic::Code::Unavailable {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
    }

    fn work_folder_is_empty(&self) -> bool {
        std::fs::read_dir(self.house.folder.path().join("handoffs")).unwrap().next().is_none()
    }
}

/// Every entry without its folder.
fn entries(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    let count = zip.len();
    let read = |at| {
        let mut entry = zip.by_index(at).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.name().unwrap().rsplit('/').next().unwrap().to_owned(), bytes)
    };
    (0..count).map(read).collect()
}

fn of<'a>(entries: &'a [(String, Vec<u8>)], name: &str) -> &'a [u8] {
    &entries.iter().find(|(it, _)| it == name).unwrap_or_else(|| panic!("{name} is in it")).1
}

fn two() -> Vec<(Alternate, Vec<u8>)> {
    vec![(Alternate::Main, sound(2, 700_001)), (Alternate::Limited, sound(3, 400_000))]
}

#[tokio::test]
async fn an_approved_mix_is_packed_with_thirty_alternates_bit_for_bit() {
    let stems = (1..=28).map(|n| (Alternate::Stem(n), sound(u32::from(n) + 10, 20_000 + usize::from(n))));
    let files: Vec<_> = two().into_iter().chain(stems).collect();
    let desk = Desk::handed_over(files).await;
    let package = desk.package().await;
    assert_eq!(package.name, "AnaRuiz_Nachtlied_Mix1_Handoff1.zip");
    let (told, zip) = desk.get(0).await.unwrap();
    assert_eq!(
        (told.name, told.bytes, told.sha256),
        (package.name, zip.len() as u64, sha256(&zip).to_string())
    );
    assert_eq!(package.digest, sha256(&zip));
    let entries = entries(&zip);
    assert_eq!(of(&entries, "AnaRuiz_Nachtlied_Main_v01_48k24b.wav"), desk.files[0].1);
    assert_eq!(of(&entries, "AnaRuiz_Nachtlied_Limited_v01_48k24b.wav"), desk.files[1].1);
    let sums = std::str::from_utf8(of(&entries, "SHA256SUMS")).unwrap();
    assert_eq!(sums.lines().count(), entries.len() - 1);
    for line in sums.lines() {
        let (digest, name) = line.split_once("  ").unwrap();
        assert_eq!(sha256(of(&entries, name)).to_string(), digest, "{name}");
    }
    for (alternate, bytes) in &desk.files {
        assert!(entries.iter().any(|(_, found)| found == bytes), "{alternate}");
    }
    let brief = String::from_utf8_lossy(of(&entries, "brief.txt")).into_owned();
    assert!(brief.contains("Ana as artist") && brief.contains("mixed by Mia"), "{brief}");
    assert!(desk.work_folder_is_empty());
}

#[tokio::test]
async fn a_cut_download_goes_on_at_any_byte() {
    let desk = Desk::handed_over(two()).await;
    desk.package().await;
    let (_, whole) = desk.get(0).await.unwrap();
    for offset in [1, 300_000, whole.len() - 1, whole.len()] {
        let (told, rest) = desk.get(offset as u64).await.unwrap();
        assert_eq!((told.bytes as usize, rest.as_slice()), (whole.len(), &whole[offset..]));
    }
    refused(desk.get(whole.len() as u64 + 1).await, "MALFORMED");
    desk.flip(&whole).await;
    refused(desk.get(0).await, "STORED_BYTES_DAMAGED");
}

#[tokio::test]
async fn only_members_who_may_fetch_get_it() {
    let desk = Desk::open(two()).await;
    refused(desk.get(0).await, "NO_HANDOFF");
    desk.hand_over(3).await;
    desk.package().await;
    refused(desk.ask(&desk.listener, 0).await, "ORIGINALS_CLOSED");
    let stranger = desk.house.person("Sam", false).await;
    refused(desk.ask(&stranger, 0).await, "NO_SUCH_PROJECT");
    for seat in [&desk.artist, &desk.label, &desk.mixer, &desk.engineer, &desk.manager] {
        desk.ask(seat, 0).await.unwrap();
    }
    let (project_id, song_id) = (id_text(PROJECT.0), id_text(999));
    let other = desk.engineer.with(v1::GetHandoffRequest { project_id, song_id, offset: 0 });
    refused(desk.engineer.media.clone().get_handoff(other).await, "NO_SUCH_SONG");
}

#[tokio::test]
async fn who_leaves_the_project_gets_no_further_byte() {
    let desk = Desk::handed_over(vec![(Alternate::Main, sound(2, 24 << 20))]).await;
    let package = desk.package().await;
    let mut chunks = desk.ask(&desk.mixer, 0).await.unwrap();
    chunks.message().await.unwrap().unwrap();
    desk.does(&desk.manager, Command::RemoveMember { person: desk.mixer.id }).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut bytes = 0;
    let ended = loop {
        match chunks.message().await {
            Ok(Some(chunk)) => bytes += chunk.data.len() as u64,
            Ok(None) => panic!("the whole package came"),
            Err(status) => break status,
        }
    };
    refused::<()>(Err(ended), "NO_SUCH_PROJECT");
    assert!(bytes < package.bytes);
}

/// The same handoff is the same bytes, whatever happened until it could be packed (and in another house with other ids of people).
#[tokio::test]
async fn a_damaged_file_is_never_packed_and_a_mended_one_makes_the_same_package() {
    let one = vec![(Alternate::Main, sound(2, 700_001))];
    let (sound_house, desk) = (Desk::handed_over(one.clone()).await, Desk::open(one).await);
    let expected = sound_house.package().await;
    desk.flip(&desk.files[0].1).await;
    desk.hand_over(3).await;
    let told = refused::<()>(Err(desk.in_trouble().await), "PACKAGE_NOT_MADE");
    let words = ["AnaRuiz_Nachtlied_Main_v01_48k24b.wav", "damaged", &sha256(&desk.files[0].1).to_string()];
    assert!(words.iter().all(|word| told.message().contains(word)), "{told}");
    assert!(!desk.house.folder.path().to_str().is_some_and(|path| told.message().contains(path)));
    assert!(desk.work_folder_is_empty(), "nothing half packed stays");
    // What comes later is not part of what was handed over.
    let rename = Command::EditSong { song: SONG, title: Some("Renamed".into()), isrc: None };
    desk.does(&desk.artist, rename).await;
    let note = Command::AddNote {
        note: NoteId(1),
        version: MIX,
        alternate: None,
        parent: None,
        span: None,
        text: "later".into(),
        internal: false,
        addressee: None,
        checklist: Vec::new(),
    };
    desk.does(&desk.artist, note).await;
    assert!(desk.made().await.is_none());
    desk.flip(&desk.files[0].1).await;
    let package = desk.package().await;
    assert_eq!((package.digest, package.name), (expected.digest, expected.name));
}

#[tokio::test]
async fn what_a_stopped_server_left_is_packed_by_the_next_one() {
    let desk = Desk::open(two()).await;
    desk.flip(&desk.files[0].1).await;
    desk.hand_over(3).await;
    desk.in_trouble().await;
    let Desk { house, manager, artist, label, mixer, engineer, listener, files } = desk;
    let left = house.folder.path().join("handoffs/half.zip");
    std::fs::write(&left, "half").unwrap();
    let nowhere = deadwax_server::render::Program { exe: "/nowhere".into(), prefix: Vec::new() };
    let house = house.restart(nowhere).await;
    let desk = Desk { house, manager, artist, label, mixer, engineer, listener, files };
    desk.flip(&desk.files[0].1).await;
    desk.package().await;
    assert!(!left.exists());
}

#[tokio::test]
async fn the_next_handoff_has_a_package_of_its_own_and_the_old_bytes_stay() {
    let desk = Desk::handed_over(two()).await;
    let first = desk.package().await;
    desk.returns("The kick clips.").await;
    // Until the next one there is still the package that was returned.
    assert_eq!(desk.get(0).await.unwrap().0.sha256, first.digest.to_string());
    // Looked into, and meant as it is: only then it is signed again.
    desk.does(&desk.mixer, Command::PutForward { version: MIX, reason: "It is meant so.".into() }).await;
    desk.approve(&desk.artist, 4, MIX, Role::Artist).await;
    desk.hand_over(5).await;
    let second = desk.package().await;
    assert_eq!(second.name, "AnaRuiz_Nachtlied_Mix1_Handoff2.zip");
    assert_ne!(first.digest, second.digest);
    let (told, zip) = desk.get(0).await.unwrap();
    assert_eq!(told.sha256, second.digest.to_string());
    let brief = String::from_utf8_lossy(of(&entries(&zip), "brief.txt")).into_owned();
    assert!(brief.contains("The kick clips."), "{brief}");
    assert_eq!(desk.house.studio.blobs.verify(first.digest).await.unwrap(), first.bytes);
}

#[tokio::test]
async fn a_handoff_that_went_back_before_it_was_packed_says_so() {
    let desk = Desk::open(two()).await;
    desk.flip(&desk.files[0].1).await;
    desk.hand_over(3).await;
    desk.in_trouble().await;
    desk.returns("The wrong mix.").await;
    let told =
        refused::<()>(Err(desk.ask(&desk.engineer, 0).await.map(drop).unwrap_err()), "PACKAGE_NOT_MADE");
    assert!(told.message().contains("went back"), "{told}");
    let handoff = desk.project().await.songs.get(SONG).unwrap().handoff.clone().unwrap();
    assert_eq!((handoff.state, handoff.package), (HandoffState::Returned, None));
}

#[tokio::test]
async fn a_disk_without_room_is_told_and_nothing_is_begun() {
    let rig = ledger_rig::Rig::mixing().await;
    rig.approve(Role::Artist, 2).await.unwrap();
    rig.approve(Role::Label, 3).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let troubles = Arc::<Troubles>::default();
    let shutdown = CancellationToken::new();
    let maker = Maker {
        ledger: Arc::clone(&rig.ledger),
        leasing: Leasing::alone(leases::SPAN),
        blobs: Blobs::open_with(folder.path().to_owned(), 1 << 60).await.unwrap(),
        names: ledger_rig::names(),
        troubles: Arc::clone(&troubles),
        work_dir: folder.path().join("handoffs"),
        pause: Duration::from_millis(10),
        shutdown: shutdown.clone(),
    };
    let running = tokio::spawn(maker.run());
    let told = within(PATIENCE, "the trouble", async {
        loop {
            if let Some(told) = troubles.of(ledger_rig::PROJECT, ledger_rig::SONG) {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(told.contains("no room"), "{told}");
    assert!(std::fs::read_dir(folder.path().join("handoffs")).unwrap().next().is_none());
    shutdown.cancel();
    within(PATIENCE, "the end", running).await.unwrap();
}
