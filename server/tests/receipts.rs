//! Keys, receipts and records through the wire and the ledger: real signatures by real keys, rows as each role sees them. What a statement must say is told
//! in the domain's own tests.
#![allow(clippy::unwrap_used)]

mod ledger_rig;

use deadwax_domain::*;
use deadwax_proto::v1::{self, action::Action, row::Row as Kind};
use deadwax_server::{
    ledger::LedgerError,
    signature,
    wire::{
        self,
        action::{ActionError, command},
        view::{self, Rows, Viewer},
    },
};
use ledger_rig::*;
use ssh_key::{HashAlg, LineEnding, PrivateKey, private::Ed25519Keypair};

const VERSION: VersionId = VersionId(0x3002);

fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

fn line(key: &PrivateKey) -> String {
    key.public_key().to_openssh().unwrap()
}

fn id(key: &PrivateKey) -> String {
    signature::public_key(&line(key)).unwrap().0.to_string()
}

fn sign(key: &PrivateKey, namespace: &str, text: &str) -> String {
    let signature = key.sign(namespace, HashAlg::Sha512, text.as_bytes()).unwrap();
    signature.to_pem(LineEnding::LF).unwrap()
}

fn asked(action: Action) -> Result<Command, ActionError> {
    command(Some(v1::Action { action: Some(action) }))
}

fn reason(answer: Result<Command, ActionError>) -> Reason {
    match answer {
        Err(ActionError::Refused(no)) => no.reason,
        other => panic!("it was not refused: {other:?}"),
    }
}

fn enrol(new: &PrivateKey, proof: String, vouch: String) -> Result<Command, ActionError> {
    let public_key = format!("{} me@laptop", line(new));
    asked(Action::EnrolKey(v1::EnrolKey { public_key, proof, vouch }))
}

fn first(new: &PrivateKey) -> Command {
    enrol(new, sign(new, signature::KEY, &line(new)), String::new()).unwrap()
}

#[test]
fn whoever_has_the_key_shows_it() {
    let (new, other) = (key(1), key(2));
    let proof = sign(&new, signature::KEY, &line(&new));
    let Command::EnrolKey { key: digest, public_key, vouched_by, .. } =
        enrol(&new, proof.clone(), String::new()).unwrap()
    else {
        panic!("another command");
    };
    assert_eq!((public_key, vouched_by), (line(&new), None), "without its comment");
    assert_eq!(digest.to_string(), id(&new));
    let by_other = sign(&other, signature::KEY, &line(&new));
    let Command::EnrolKey { vouched_by, .. } = enrol(&new, proof.clone(), by_other.clone()).unwrap() else {
        panic!("another command");
    };
    assert_eq!(vouched_by.unwrap().to_string(), id(&other));
    assert_eq!(reason(enrol(&new, by_other, String::new())), Reason::SignatureInvalid);
    let elsewhere = sign(&new, signature::STATEMENT, &line(&new));
    assert_eq!(reason(enrol(&new, elsewhere, String::new())), Reason::SignatureInvalid);
    assert_eq!(reason(enrol(&new, String::new(), String::new())), Reason::SignatureInvalid);
    let rubbish = v1::EnrolKey { public_key: "ssh-rsa AAAA".into(), proof, vouch: String::new() };
    assert_eq!(reason(asked(Action::EnrolKey(rubbish))), Reason::KeyInvalid);
}

/// As the label would write it, after `sequence - 1` others.
fn statement(by: Role, with: &PrivateKey, approval: u128, previous: &str, sequence: u32) -> String {
    let mix =
        File { alternate: Alternate::Main, digest: Digest([2; 32]), name: String::new(), facts: facts() };
    format!(
        "deadwax-statement/1\nproject: {}\nproject-title: Night\ndecision: approve\nobject: version\nobject-id: {}\nname: Mix 1\n\
         song: {}\nsong-title: Nachtlied\nstage: mixing\nrole: {}\nsigner: {}\nkey: {}\napproval: {}\nfingerprint: {}\n\
         file: {} 17280044 main\nprevious: {previous}\nsequence: {sequence}\ntime: 1970-01-01T00:00:10Z\n",
        wire::id(PROJECT.0),
        wire::id(VERSION.0),
        wire::id(SONG.0),
        by.token(),
        wire::id(who(by).0),
        id(with),
        wire::id(approval),
        fingerprint([&mix]),
        "02".repeat(32),
    )
}

fn approve(by: Role, approval: u128, statement: &str, signature: String) -> Result<Command, ActionError> {
    let mix =
        File { alternate: Alternate::Main, digest: Digest([2; 32]), name: String::new(), facts: facts() };
    asked(Action::Approve(v1::Approve {
        approval_id: wire::id(approval),
        version_id: wire::id(VERSION.0),
        role: wire::words::role(by).into(),
        fingerprint: fingerprint([&mix]).to_string(),
        receipt: Some(v1::Receipt { statement: statement.to_owned(), signature }),
    }))
}

fn rows(project: &Project, role: Role) -> Rows {
    let names = directory();
    view::rows(&Viewer::new(PROJECT, project, who(role), &names).unwrap())
}

fn project_row(project: &Project, role: Role) -> v1::ProjectRow {
    match rows(project, role)["project"].row.clone() {
        Some(Kind::Project(row)) => row,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_signature_counts_for_the_text_it_was_made_over_and_the_chain_goes_on_after_a_restart() {
    let rig = Rig::mixing().await;
    let (label, artist, foreign) = (key(1), key(2), key(3));
    rig.ok(Role::Label, first(&label)).await;
    rig.ok(Role::Artist, first(&artist)).await;
    let zeros = "0".repeat(64);
    let text = statement(Role::Label, &label, 0x77, &zeros, 1);
    let signature = sign(&label, signature::STATEMENT, &text);
    // One letter more, another text, another key, another purpose.
    let changed = text.replace("role: label", "role: artist");
    assert_eq!(reason(approve(Role::Label, 0x77, &changed, signature.clone())), Reason::SignatureInvalid);
    let as_key = sign(&label, signature::KEY, &text);
    assert_eq!(reason(approve(Role::Label, 0x77, &text, as_key)), Reason::SignatureInvalid);
    let refused = |role, command: Command| {
        let rig = &rig;
        async move {
            match rig.send(role, command).await {
                Err(LedgerError::Refused(no)) => no.reason,
                other => panic!("it was not refused: {other:?}"),
            }
        }
    };
    let theirs = statement(Role::Label, &foreign, 0x77, &zeros, 1);
    let theirs = approve(Role::Label, 0x77, &theirs, sign(&foreign, signature::STATEMENT, &theirs)).unwrap();
    assert_eq!(refused(Role::Label, theirs).await, Reason::NoSuchKey);
    let lied = approve(Role::Label, 0x77, &changed, sign(&label, signature::STATEMENT, &changed)).unwrap();
    assert_eq!(refused(Role::Label, lied).await, Reason::StatementInvalid);
    let signed = approve(Role::Label, 0x77, &text, signature).unwrap();
    rig.ok(Role::Label, signed).await;
    // Somebody else opens the same store: the id of the project is known to the fold, and the chain goes on.
    let again = Rig::over(rig.store.clone()).await;
    again.clock.0.store(60_000, std::sync::atomic::Ordering::Relaxed);
    let now = again.project().await;
    let head = project_row(&now.project, Role::Artist).receipts.unwrap();
    assert_eq!((head.sequence, &head.statement_sha256), (1, &receipt::digest_of(&text).to_string()));
    let next = statement(Role::Artist, &artist, 0x78, &head.statement_sha256, 2);
    let next = approve(Role::Artist, 0x78, &next, sign(&artist, signature::STATEMENT, &next)).unwrap();
    let done = again.ledger.perform(perform(90_001, actor(Role::Artist), next)).await.unwrap();
    assert!(done.last_seq > done.first_seq + 1, "its receipt, and what follows from a met gate");
    let now = again.project().await.project.clone();
    assert_eq!(now.songs.get(SONG).unwrap().stage, Stage::Mastering);
    assert_eq!(now.receipts.iter().map(|kept| kept.sequence).collect::<Vec<_>>(), [1, 2]);
    // Keys are nobody's secret; the chain is for who sees the work.
    let listener = rows(&now, Role::Listener);
    assert!(project_row(&now, Role::Listener).receipts.is_none());
    let member = format!("member/{}", wire::id(who(Role::Label).0));
    let Some(Kind::Member(member)) = &listener[&member].row else { panic!() };
    assert_eq!(member.keys[0].fingerprint, id(&label));
    assert_eq!(member.keys[0].public_key, line(&label));
}

/// Through both gates by the manager's word, then a record of it.
#[tokio::test]
async fn a_record_is_a_row_for_who_sees_the_work_and_waits_on_the_label() {
    let rig = Rig::mixing().await;
    let over = || Command::OverrideGate { song: SONG, version: None, reason: "For the record.".to_owned() };
    rig.ok(Role::Manager, over()).await;
    rig.upload(Role::MasteringEngineer, VersionKind::Master, 3).await.unwrap();
    rig.ok(Role::Manager, over()).await;
    rig.ok(Role::Producer, Command::SetSpacing { items: vec![SpacingItem::after(SONG, 0)] }).await;
    let (record, profiles) =
        (RecordId(0x7000), vec![RecordProfile { name: "cd".into(), toml: "a = 1".into() }]);
    let start = Command::StartRecord {
        record,
        spacing: 1,
        profiles,
        loudest_track_lufs: Some(-14.0),
        medium: String::new(),
        basis: None,
    };
    rig.ok(Role::MasteringEngineer, start).await;
    let file = RecordFile {
        profile: "cd".into(),
        folder: "cd".into(),
        name: "image.bin".into(),
        digest: Digest([9; 32]),
        bytes: 1000,
        kind: "image".into(),
        sample_rate_hz: 44_100,
        bits: 16,
        frames: 250,
        exact: false,
        integrated_lufs: Some(f64::NEG_INFINITY),
        true_peak_dbtp: None,
        over_full_scale: None,
    };
    let lease = Command::LeaseRecord { record, engine: "press".into() };
    let files = vec![file.clone()];
    let made = Command::CompleteRecord { record, attempt: 1, files, report_json: "{}".into() };
    for (at, command) in [lease, made].into_iter().enumerate() {
        rig.ledger.perform(perform(70_000 + at as u128, Actor::Worker, command)).await.unwrap();
    }
    let now = rig.project().await.project.clone();
    let Some(Kind::Record(row)) = rows(&now, Role::Label)["record/1"].row.clone() else { panic!() };
    assert_eq!((row.number, row.state()), (1, v1::RecordState::Made));
    assert_eq!(row.fingerprint, record_fingerprint(&[file]).to_string());
    assert_eq!(row.waits_for, "Record 1 waits for the approval of Name of label.");
    assert_eq!(row.loudest_track_lufs, Some(-14.0));
    let may = |action: &str| row.allowed.iter().find(|it| it.action == action).unwrap().yes;
    assert!(may("approve_record") && !may("deliver_record") && !may("cancel_record"));
    assert!(!rows(&now, Role::Listener).keys().any(|key| key.starts_with("record/")));
    let desk = wire::desk::rows(PROJECT, &now);
    let of = |role| desk.iter().filter(move |(person, _)| *person == who(role)).map(|(_, row)| row);
    let waits = of(Role::Label).find(|row| row.target_key == "record/1").unwrap();
    assert_eq!((waits.song_id.as_str(), waits.kind()), ("", v1::DeskKind::Approve));
    assert_eq!(waits.text, "Approve Record 1 as label.");
    let approve = Command::ApproveRecord {
        approval: ApprovalId(0x7100),
        record,
        role: Role::Label,
        fingerprint: now.record(record).unwrap().fingerprint.unwrap(),
    };
    rig.ok(Role::Label, approve).await;
    rig.ok(Role::Manager, Command::DeliverRecord { record, manifest_json: "{}".into() }).await;
    let now = rig.project().await.project.clone();
    let Some(Kind::Record(row)) = rows(&now, Role::Artist)["record/1"].row.clone() else { panic!() };
    assert_eq!((row.state(), row.delivered_by.as_str()), (v1::RecordState::Delivered, "Name of manager"));
    assert_eq!(row.approvals[0].state(), v1::ApprovalState::Counts);
    assert_eq!(row.waits_for, "");
    assert!(wire::desk::rows(PROJECT, &now).iter().all(|(_, row)| !row.target_key.starts_with("record/")));
}
