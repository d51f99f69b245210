//! The chain list and the evidence over the wire: who may have them, that a later list begins with every earlier one, and that what comes is what a stranger
//! can check.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
#[allow(dead_code, reason = "each test file uses its part")]
mod evidence_kit;
#[allow(dead_code)]
mod media_kit;

use std::{os::unix::fs::PermissionsExt as _, process::Command as Process, sync::Arc, time::Duration};

use common::*;
use deadwax_domain::{
    Actor, Alternate, ApprovalId, Command, Fact, Kept, Line, NewFile, Project, ProjectId, Receipt, Role,
    ShootoutId, SongId, Time, VersionId, VersionKind,
};
use deadwax_proto::v1::{self, records_client::RecordsClient};
use deadwax_server::{
    evidence::{self, CHECKPOINT, Chains, KEY_FILE, KEY_FOLDER, StudioKey},
    ledger::{Clock, Ledger, Perform},
    signature,
    store::{MemoryStore, Store, StreamId},
};
use evidence_kit::{Bench, Object, Signer, run, uuid};
use media_kit::{sha256, take, tone, upload};
use proptest::prelude::*;
use tonic::{Status, Streaming, transport::Channel};

fn records(seat: &Seat) -> RecordsClient<Channel> {
    RecordsClient::new(seat.channel.clone())
}

/// Checkpoint and lines.
async fn chain(seat: &Seat, project: ProjectId, from_line: u64) -> Result<(v1::Checkpoint, String), Status> {
    let asked = v1::GetChainRequest { project_id: id_text(project.0), from_line };
    let mut answer = records(seat).get_chain(seat.with(asked)).await?.into_inner();
    let mut checkpoint = None;
    let mut lines = String::new();
    while let Some(chunk) = answer.message().await? {
        assert_eq!(chunk.checkpoint.is_some(), checkpoint.is_none(), "in the first message only");
        checkpoint = checkpoint.or(chunk.checkpoint);
        lines.push_str(&chunk.lines);
    }
    Ok((checkpoint.unwrap(), lines))
}

async fn asked_evidence(
    seat: &Seat,
    project: ProjectId,
    song_id: &str,
) -> Result<Streaming<v1::EvidenceChunk>, Status> {
    let asked = v1::GetEvidenceRequest { project_id: id_text(project.0), song_id: song_id.into() };
    records(seat).get_evidence(seat.with(asked)).await.map(tonic::Response::into_inner)
}

async fn zip_of(mut answer: Streaming<v1::EvidenceChunk>) -> (String, Vec<u8>) {
    let head = answer.message().await.unwrap().unwrap();
    let mut bytes = head.data.to_vec();
    while let Some(chunk) = answer.message().await.unwrap() {
        bytes.extend(chunk.data);
    }
    assert_eq!(bytes.len() as u64, head.total_bytes);
    (head.name, bytes)
}

async fn song_of(house: &House, project: ProjectId) -> SongId {
    house.studio.ledger.project(project).await.unwrap().unwrap().project.running_order[0]
}

async fn join(house: &House, owner: &Seat, project: ProjectId, name: &str, role: Role) -> Seat {
    let seat = house.person(name, false).await;
    house.perform(owner, project, Command::AddMember { person: seat.id, roles: [role].into() }).await;
    seat
}

#[tokio::test]
async fn the_chain_grows_at_its_end_and_the_studio_signs_the_whole_of_it() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let (project, _) = take(&house, &mut ana, &tone(100)).await;
    let (checkpoint, first) = chain(&ana, project, 0).await.unwrap();
    let count = first.lines().count();
    assert!(
        count > 3 && first.lines().zip(1..).all(|(line, n)| line.starts_with(&format!("{n} "))),
        "{first}"
    );
    let says = |checkpoint: &v1::Checkpoint, line: String| {
        assert!(checkpoint.text.lines().any(|it| it == line), "{line}: {}", checkpoint.text);
    };
    says(&checkpoint, format!("entries: {count}"));
    says(&checkpoint, format!("chain-sha256: {}", sha256(first.as_bytes())));
    says(&checkpoint, format!("project: {}", id_text(project.0)));
    says(&checkpoint, "studio: Gold Room".into());
    says(&checkpoint, "receipts: 0".into());
    says(&checkpoint, format!("last-statement: {}", "0".repeat(64)));
    says(&checkpoint, "time: 2026-11-18T11:06:40Z".into());
    let by = signature::verify(CHECKPOINT, &checkpoint.text, &checkpoint.signature).unwrap();
    assert_eq!(by, signature::public_key(&checkpoint.public_key).unwrap().0);
    let path = house.folder.path().join(KEY_FOLDER).join(KEY_FILE);
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);

    let add = Command::AddSong { song: SongId(9), title: "Second".into(), isrc: String::new() };
    house.perform(&ana, project, add).await;
    let (later, second) = chain(&ana, project, 0).await.unwrap();
    assert!(second.starts_with(&first) && second.len() > first.len());
    assert_eq!(later.public_key, checkpoint.public_key);
    // From where somebody stands; the checkpoint is over the whole all the same.
    let (same, rest) = chain(&ana, project, count as u64).await.unwrap();
    assert_eq!((format!("{first}{rest}"), same.text), (second.clone(), later.text));
    let lines = second.lines().count() as u64;
    assert_eq!(chain(&ana, project, lines).await.unwrap().1, "");
    refused(chain(&ana, project, lines + 1).await, "MALFORMED");
    // The same after a restart.
    let nowhere = deadwax_server::render::inspect::Program { exe: "/nowhere".into(), prefix: Vec::new() };
    let token = ana.token.clone();
    let house = house.restart(nowhere).await;
    let again = Seat { token, id: ana.id, ..house.stranger().await };
    let (after, text) = chain(&again, project, 0).await.unwrap();
    assert_eq!((text, after.public_key), (second, checkpoint.public_key));
}

#[tokio::test]
async fn strangers_listeners_and_those_who_left_get_nothing() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let (project, _) = take(&house, &mut ana, &tone(100)).await;
    let lou = join(&house, &ana, project, "Lou", Role::Listener).await;
    let eve = house.person("Eve", true).await;
    let nobody = house.stranger().await;
    for (seat, why) in [(&lou, "NOT_YOUR_ROLE"), (&eve, "NO_SUCH_PROJECT"), (&nobody, "SESSION_ENDED")] {
        refused(chain(seat, project, 0).await, why);
        refused(asked_evidence(seat, project, "").await, why);
    }
    refused(chain(&ana, ProjectId(77), 0).await, "NO_SUCH_PROJECT");
    let bad = v1::GetChainRequest { project_id: "x".into(), from_line: 0 };
    refused(records(&ana).get_chain(ana.with(bad)).await, "MALFORMED");
    refused(asked_evidence(&ana, project, "").await, "NO_RECEIPTS");
    refused(asked_evidence(&ana, project, &id_text(77)).await, "NO_SUCH_SONG");
    refused(asked_evidence(&ana, project, "x").await, "MALFORMED");
    let song = id_text(song_of(&house, project).await.0);
    refused(asked_evidence(&ana, project, &song).await, "NO_RECEIPTS");

    let max = join(&house, &ana, project, "Max", Role::Artist).await;
    chain(&max, project, 0).await.unwrap();
    house.perform(&ana, project, Command::RemoveMember { person: max.id }).await;
    refused(chain(&max, project, 0).await, "NO_SUCH_PROJECT");
}

/// A long answer ends with membership and session, as every stream here.
#[tokio::test]
async fn a_chain_on_its_way_ends_with_membership() {
    let house = House::open().await;
    let ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let max = join(&house, &ana, project, "Max", Role::Artist).await;
    // More than a connection holds in flight, so that it is still on its way.
    let head = house.studio.ledger.project(project).await.unwrap().unwrap().seq;
    let fact = Fact::SongAdded { song: SongId(1), title: "x".into(), isrc: String::new() };
    let event = deadwax_domain::Event { at: Time(1_795_000_000_000), by: Some(ana.id), fact };
    let mut expected = head;
    for n in 0..20_u128 {
        let entries = vec![deadwax_server::wire::ledger::encode(&event, 1); 4096];
        let command = deadwax_server::store::CommandKey { id: 0xffff + n, request_sha256: [0; 32] };
        let (claims, desk) = (Vec::new(), Vec::new());
        let append = deadwax_server::store::Append {
            stream: StreamId(project.0),
            expected,
            command,
            entries,
            claims,
            desk,
        };
        expected = house.store.append(append).await.unwrap().last_seq;
    }
    let nowhere = deadwax_server::render::inspect::Program { exe: "/nowhere".into(), prefix: Vec::new() };
    let (anas, maxs) = ((ana.id, ana.token.clone()), (max.id, max.token.clone()));
    let house = house.restart(nowhere).await;
    let ana = Seat { id: anas.0, token: anas.1, ..house.stranger().await };
    let max = Seat { id: maxs.0, token: maxs.1, ..house.stranger().await };
    let whole = chain(&ana, project, 0).await.unwrap().1;
    assert_eq!(whole.lines().count() as u64, expected);
    assert!(
        whole.lines().zip(1..).all(|(line, n)| line.starts_with(&format!("{n} "))),
        "every piece in its place"
    );
    let asked = v1::GetChainRequest { project_id: id_text(project.0), from_line: 0 };
    let mut answer = records(&max).get_chain(max.with(asked)).await.unwrap().into_inner();
    answer.message().await.unwrap().unwrap();
    house.perform(&ana, project, Command::RemoveMember { person: max.id }).await;
    let end = within(Duration::from_secs(20), "the end", async {
        loop {
            match answer.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("all of it came, though the right to it was gone"),
                Err(status) => return status,
            }
        }
    });
    refused::<()>(Err(end.await), "NO_SUCH_PROJECT");
}

struct Still;

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        1_795_000_000_000
    }
}

async fn add_songs(ledger: &Ledger, project: ProjectId, count: u128, from: u128) {
    for n in 0..count {
        let title = format!("Song {n}");
        let command = match from + n {
            0 => Command::CreateProject { title, artist: "Ana".into() },
            n => Command::AddSong { song: SongId(n), title, isrc: String::new() },
        };
        let actor = Actor::Person { id: deadwax_domain::PersonId(1), studio_owner: true };
        let perform = Perform { actor, ..Perform::by_worker(project, command) };
        ledger.perform(perform).await.unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is appended and whatever is erased: every earlier list is the beginning of every later one, and the digest is that of the text.
    #[test]
    fn a_later_list_begins_with_every_earlier_one(steps in proptest::collection::vec((1_u128..7, any::<Option<u8>>()), 1..8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = Arc::new(MemoryStore::new());
            let ledger = Ledger::open(store.clone(), Arc::new(Still)).await.unwrap();
            let chains = Chains::new(ledger.clone(), store.clone());
            let (project, mut before, mut added) = (ProjectId(5), String::new(), 0);
            for (count, erased) in steps {
                add_songs(&ledger, project, count, added).await;
                added += count;
                if let Some(erased) = erased {
                    let head = ledger.project(project).await.unwrap().unwrap().seq;
                    store.redact(StreamId(project.0), u64::from(erased) % head + 1).await.unwrap();
                }
                let (snapshot, chain) = chains.now(project).await.unwrap().unwrap();
                let text = chains.text(project, &chain, 0, chain.entries).await.unwrap();
                assert!(text.starts_with(&before) && text.len() > before.len());
                assert_eq!((chain.entries, text.lines().count() as u64), (snapshot.seq, snapshot.seq));
                assert_eq!(chain.digest, sha256(text.as_bytes()));
                // One who begins anew, after a restart, reads the same.
                let (_, anew) = Chains::new(ledger.clone(), store.clone()).now(project).await.unwrap().unwrap();
                assert_eq!(anew.digest, chain.digest);
                before = text;
            }
        });
    }
}

/// A statement about a version, as it would stand in the project.
fn statement_about(mut project: Project, version: VersionId, by: &Seat) -> Project {
    let statement = format!("deadwax-statement/1\nobject: version\nobject-id: {}\n", id_text(version.0));
    let digest = sha256(statement.as_bytes());
    let receipt = Receipt { statement, signature: String::new(), key: digest };
    let (approval, at) = (ApprovalId(1), Time(0));
    project.receipts.push(Kept { approval, sequence: 1, person: by.id, at, digest, receipt });
    project
}

/// V-1: while mixes compete, a statement about one of them is nothing for who may not know of it, and nothing that tells whose it is for who may not know that.
#[tokio::test]
async fn v1_what_was_signed_about_a_hidden_mix_is_not_told() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let (project, first) = take(&house, &mut ana, &tone(100)).await;
    let song = song_of(&house, project).await;
    let mut max = join(&house, &ana, project, "Max", Role::MixEngineer).await;
    let sue = join(&house, &ana, project, "Sue", Role::MixEngineer).await;
    let lia = join(&house, &ana, project, "Lia", Role::Artist).await;
    house.nothing_found(project).await;
    let fingerprint = {
        let now = house.studio.ledger.project(project).await.unwrap().unwrap();
        now.project.versions.get(first).unwrap().fingerprint
    };
    let approve =
        Command::Approve { approval: ApprovalId(3), version: first, role: Role::Artist, fingerprint };
    house.perform(&lia, project, approve).await;
    let entrants = vec![max.id, sue.id];
    let open = Command::OpenShootout { shootout: ShootoutId(1), song, entrants, blind: true };
    house.perform(&ana, project, open).await;
    let bytes = tone(200);
    upload(&mut max, project, &bytes).await.unwrap();
    let mix = VersionId(uuid::Uuid::now_v7().as_u128());
    let files = vec![NewFile { alternate: Alternate::Main, digest: sha256(&bytes), name: "a.wav".into() }];
    let (title, changelog) = (String::new(), String::new());
    let add = Command::AddVersion { version: mix, song, kind: VersionKind::Mix, title, changelog, files };
    house.perform(&max, project, add).await;
    let now = house.studio.ledger.project(project).await.unwrap().unwrap().project.clone();
    let hidden = |project: &Project| {
        [&ana, &max, &sue, &lia].map(|seat| evidence::hidden_song(project, seat.id).is_some())
    };
    assert_eq!(hidden(&statement_about(now.clone(), first, &lia)), [false; 4], "the take is known to all");
    // Signed by somebody else: only who competes against it may not know of it.
    assert_eq!(hidden(&statement_about(now.clone(), mix, &ana)), [false, false, true, false]);
    // Signed by its engineer: the name would tell whose mix it is.
    assert_eq!(hidden(&statement_about(now, mix, &max)), [false, false, true, true]);
}

/// The same over the wire: a chain with a hole would prove nothing, so that there is none at all until a mix was picked. The list of hashes goes on.
#[tokio::test]
async fn v1_no_evidence_of_a_hidden_mix_leaves_the_studio() {
    let house = House::open().await;
    let ana = house.person("Ana", true).await;
    let (max, sue) = (house.person("Max", false).await, house.person("Sue", false).await);
    let mut bench = Bench::new(uuid::Uuid::now_v7().as_u128());
    for (seat, role) in [(&ana, Role::Manager), (&max, Role::MixEngineer), (&sue, Role::MixEngineer)] {
        bench.fact(None, Fact::MemberAdded { person: seat.id, roles: [role].into() });
    }
    let entrants = vec![max.id, sue.id];
    let (shootout, song) = (ShootoutId(1), evidence_kit::SONG);
    bench.fact(Some(ana.id), Fact::ShootoutOpened { shootout, song, entrants, blind: true });
    bench.mix = VersionId(0x72);
    let mix = Fact::VersionAdded {
        version: bench.mix,
        song,
        kind: VersionKind::Mix,
        number: 1,
        title: String::new(),
        changelog: String::new(),
        fingerprint: deadwax_domain::version::fingerprint(&bench.files),
        files: bench.files.clone(),
        render: None,
        line: Some(Line(1)),
    };
    bench.fact(Some(max.id), mix);
    let signer = Signer { person: ana.id, ..Signer::new(1, 7) };
    bench.enrol(&signer);
    bench.approve(&signer, "manager", Object::Mix);
    bench.append_to(&*house.store).await;
    let nowhere = deadwax_server::render::inspect::Program { exe: "/nowhere".into(), prefix: Vec::new() };
    let seats = [ana, max, sue].map(|seat| (seat.id, seat.token.clone()));
    let house = house.restart(nowhere).await;
    let mut again = Vec::new();
    for (id, token) in seats {
        again.push(Seat { id, token, ..house.stranger().await });
    }
    let [ana, max, sue] = &again[..] else { panic!("three") };
    for seat in [ana, max] {
        zip_of(asked_evidence(seat, bench.id, "").await.unwrap()).await;
    }
    let no = refused(asked_evidence(sue, bench.id, "").await, "SHOOTOUT_OPEN");
    assert!(!no.message().contains("Max") && !no.message().contains("Mix A"), "{no:?}");
    let (_, list) = chain(sue, bench.id, 0).await.unwrap();
    assert_eq!(list.lines().count(), bench.events.len());
}

/// The key is what makes later checkpoints those of the same studio: a backup without it would restore another.
#[tokio::test]
async fn the_backup_holds_the_studios_key() {
    let folder = tempfile::tempdir().unwrap();
    let (studio, backup) = (folder.path().join("studio"), folder.path().join("backup"));
    let server = |words: &[&str]| {
        let said = Process::new(env!("CARGO_BIN_EXE_deadwax-server")).args(words).output().unwrap();
        assert!(said.status.success(), "{words:?}: {}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned()
    };
    let (at, to) = (studio.to_str().unwrap(), backup.to_str().unwrap());
    server(&["init", at, "--name", "Gold Room", "--owner", "Ana", "--email", "ana@example.org"]);
    let key = StudioKey::of(&studio).public_key().unwrap();
    let said = server(&["backup", at, to]);
    assert!(!said.contains("OPENSSH"), "{said}");
    assert_eq!(StudioKey::of(&backup).public_key().unwrap(), key);
    let mode = |path: std::path::PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(backup.join(KEY_FOLDER)), 0o700);
    assert_eq!(mode(backup.join(KEY_FOLDER).join(KEY_FILE)), 0o600);
}

/// From the wire to a stranger's shell.
#[tokio::test]
async fn the_zip_that_comes_over_the_wire_is_accepted() {
    let house = House::open().await;
    let ana = house.person("Ana", true).await;
    let mut bench = Bench::new(uuid::Uuid::now_v7().as_u128());
    let member = Fact::MemberAdded { person: ana.id, roles: [Role::Manager, Role::Artist].into() };
    bench.fact(None, member);
    let signer = Signer { person: ana.id, ..Signer::new(1, 7) };
    bench.enrol(&signer);
    bench.approve(&signer, "artist", Object::Mix);
    bench.approve(&signer, "artist", Object::Record);
    bench.append_to(&*house.store).await;
    let nowhere = deadwax_server::render::inspect::Program { exe: "/nowhere".into(), prefix: Vec::new() };
    let (id, token) = (ana.id, ana.token.clone());
    let house = house.restart(nowhere).await;
    let ana = Seat { id, token, ..house.stranger().await };
    let about_song = asked_evidence(&ana, bench.id, &uuid(evidence_kit::SONG.0)).await.unwrap();
    let (_, bytes) = zip_of(about_song).await;
    let (name, whole) = zip_of(asked_evidence(&ana, bench.id, "").await.unwrap()).await;
    assert_eq!(bytes, whole, "the statements are always all of them");
    assert_eq!(name, "evidence-NachtLied-2.zip");
    let out = tempfile::tempdir().unwrap();
    zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap().extract(out.path()).unwrap();
    let script = out.path().join("evidence-NachtLied-2/verify.sh");
    let (code, said) = run(&script, &["sh"], &[]);
    assert!(code == 0 && said.starts_with("ACCEPTED. 2 statements by 1 people"), "{said}");
    let folder = out.path().join("evidence-NachtLied-2");
    let (_, list) = chain(&ana, bench.id, 0).await.unwrap();
    assert_eq!(std::fs::read_to_string(folder.join("CHAIN")).unwrap(), list);
    assert_eq!(list.lines().filter(|line| line.split(' ').count() == 3).count(), 2);
    assert!(std::fs::read_to_string(folder.join("names.csv")).unwrap().contains(",Ana\n"));
}
