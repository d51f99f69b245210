//! Records through a whole server: made, fetched, approved, delivered; and what happens when the child dies or lies, when it is cancelled, when its server
//! goes away. The child is a script where the test is about the worker.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
mod record_kit;

use std::{collections::BTreeSet, time::Duration};

use common::{House, Seat, id_text, refused, within};
use deadwax_domain::{
    Alternate, Fact, ProjectId, RecordId, RecordProfile, RecordSource, RecordState, VersionId,
};
use deadwax_proto::v1::{self, action::Action, row::Row as Kind};
use record_kit::*;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const RECORD: u128 = 7;
const HOUSES: [(&str, &str); 1] = [("house", HOUSE)];

fn cancel(record: u128) -> Action {
    Action::CancelRecord(v1::CancelRecord { record_id: id_text(record) })
}

fn deliver(record: u128) -> Action {
    Action::DeliverRecord(v1::DeliverRecord { record_id: id_text(record) })
}

async fn row(press: &Press, by: &Seat, record: u128) -> v1::RecordRow {
    let mut projects = v1::projects_client::ProjectsClient::new(by.channel.clone());
    let asked = by.with(v1::GetRequest { project_id: id_text(press.project.0) });
    let rows = projects.get(asked).await.unwrap().into_inner().upserts;
    let mut records = rows.into_iter().filter_map(|row| match row.row {
        Some(Kind::Record(row)) => Some(row),
        _ => None,
    });
    records.find(|row| row.record_id == id_text(record)).unwrap()
}

/// Approved by the label, delivered by the manager; its manifest.
async fn signed_and_delivered(press: &Press, record: u128) -> Value {
    refused(press.perform(&press.manager, deliver(record)).await, "RECORD_NOT_APPROVED");
    let fingerprint = row(press, &press.label, record).await.fingerprint;
    let approve = Action::ApproveRecord(v1::ApproveRecord {
        approval_id: id_text(0x2a),
        record_id: id_text(record),
        role: v1::Role::Label.into(),
        fingerprint,
        receipt: None,
    });
    press.perform(&press.label, approve).await.unwrap();
    press.perform(&press.manager, deliver(record)).await.unwrap();
    refused(press.perform(&press.manager, deliver(record)).await, "DELIVERED_ALREADY");
    serde_json::from_str(&row(press, &press.label, record).await.manifest_json).unwrap()
}

#[tokio::test]
async fn a_record_is_made_fetched_approved_and_delivered() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, MAKES), 3).await;
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    let made = press.until("the record", |record| !record.is_alive()).await;
    assert_eq!((made.state, made.reason.as_str(), made.attempt), (RecordState::Made, "", 1));
    assert_eq!(made.engine, deadwax_dsp::render::ENGINE);
    assert_eq!(made.files.len(), 2);
    press.folder_empties().await;

    let row = row(&press, &press.label, RECORD).await;
    let of = |name: &str| row.files.iter().find(|file| file.name == name).unwrap().sha256.clone();
    let one = of("a.wav");
    assert_eq!(press.fetch(&press.label, RECORD, &one, (0, 0)).await.unwrap(), b"one");
    assert_eq!(press.fetch(&press.label, RECORD, &one, (1, 1)).await.unwrap(), b"n");
    assert_eq!(press.fetch(&press.label, RECORD, &one, (3, 0)).await.unwrap(), b"");
    refused(press.fetch(&press.label, RECORD, &one, (4, 0)).await, "MALFORMED");
    refused(press.fetch(&press.label, 99, &one, (0, 0)).await, "NO_SUCH_RECORD");
    refused(press.fetch(&press.label, RECORD, "00", (0, 0)).await, "MALFORMED");
    // A digest is no permission: this one is stored, and belongs to a master.
    let master =
        press.project().await.versions.get(record_kit::master(0)).unwrap().files[0].digest.to_string();
    refused(press.fetch(&press.label, RECORD, &master, (0, 0)).await, "NO_SUCH_FILE");
    refused(press.fetch(&press.listener, RECORD, &one, (0, 0)).await, "ORIGINALS_CLOSED");
    let eve = press.house.person("Eve", true).await;
    refused(press.fetch(&eve, RECORD, &one, (0, 0)).await, "NO_SUCH_PROJECT");

    let manifest = signed_and_delivered(&press, RECORD).await;
    assert_eq!(manifest["files"][0]["sha256"], one);
    assert_eq!(manifest["record"]["fingerprint"], row.fingerprint);
    assert_eq!(manifest["profiles"][0]["sha256"], hex::encode(Sha256::digest(HOUSE)));
    let fingerprint = press.project().await.versions.get(record_kit::master(1)).unwrap().fingerprint;
    assert_eq!(manifest["masters"][1]["fingerprint"], fingerprint.to_string());
    assert_eq!(manifest["masters"][1]["title"], "Ash/Ashes");
    assert_eq!(manifest["spacing"]["items"][1]["gap_ms"], 500);
    assert_eq!(
        (&manifest["approvals"][0]["name"], &manifest["approvals"][0]["role"]),
        (&"Lena".into(), &"label".into())
    );
    assert_eq!(manifest["differs"], Value::Array(Vec::new()));
    // What is delivered can be fetched for ever.
    assert_eq!(press.fetch(&press.label, RECORD, &of("b.txt"), (0, 0)).await.unwrap(), b"two");

    // The same files once more make no second record to sign.
    press.perform(&press.manager, start(8, &HOUSES)).await.unwrap();
    let twin = press.until("the twin", |record| record.id == RecordId(8) && !record.is_alive()).await;
    assert_eq!(twin.state, RecordState::Cancelled);
    assert!(twin.reason.contains("Record 1"), "{}", twin.reason);
    let told = self::row(&press, &press.label, 8).await;
    assert_eq!((told.same_as, told.asked_roles().collect::<Vec<_>>()), (1, vec![v1::Role::Label]));
    assert_eq!(self::row(&press, &press.label, 7).await.same_as, 0, "the one that stands");
    assert_eq!(press.fetch(&press.label, RECORD, &one, (0, 0)).await.unwrap(), b"one");
}

/// The real child, with every kind of file that three short songs can have.
#[tokio::test]
async fn what_is_made_is_what_was_planned() {
    let press = Press::open(server(), 3).await;
    press.set_label_copy().await;
    press.set_cover().await;
    let shipped = ["hi-res", "cd", "archive", "sync", "vinyl-toss", "reference"];
    let profiles: Vec<_> = [("house", HOUSE)].into_iter().chain(shipped.map(|name| (name, ""))).collect();
    let plan = press.plan(&press.manager, &profiles).await.unwrap();
    let blocks: Vec<_> = plan.findings.iter().filter(|it| it.block).collect();
    assert!(blocks.is_empty(), "{blocks:?}");
    press.perform(&press.manager, start(RECORD, &profiles)).await.unwrap();
    let made = press.until("the record", |record| !record.is_alive()).await;
    assert_eq!((made.state, made.reason.as_str(), made.attempt), (RecordState::Made, "", 1));
    press.folder_empties().await;
    assert_eq!(made.files.len(), plan.files.len());
    let row = row(&press, &press.label, RECORD).await;
    for (file, planned) in row.files.iter().zip(&plan.files) {
        let place = (&file.profile, &file.folder, &file.name, &file.kind);
        assert_eq!(place, (&planned.profile, &planned.folder, &planned.name, &planned.kind));
        let sound = (file.sample_rate, file.frames, file.exact);
        assert_eq!(sound, (planned.sample_rate, planned.frames, planned.exact), "{}", file.name);
        assert_eq!(file.over_full_scale, (file.sample_rate > 0).then_some(0), "{}", file.name);
        if !planned.estimated {
            assert_eq!(file.bytes, planned.bytes, "{}", file.name);
        }
        let bytes = press.fetch(&press.label, RECORD, &file.sha256, (0, 0)).await.unwrap();
        assert_eq!(
            (bytes.len() as u64, hex::encode(Sha256::digest(&bytes))),
            (file.bytes, file.sha256.clone())
        );
    }
    assert!(
        made.files.iter().filter(|it| it.exact).count() >= 3,
        "a track without a gap behind it at the least"
    );
    let kinds: BTreeSet<&str> = row.files.iter().map(|it| it.kind.as_str()).collect();
    for kind in ["track", "song", "side", "whole", "ddp-image", "ddp-file", "disc-image", "cue", "md5"] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
    let report: Value = serde_json::from_str(&made.report_json).unwrap();
    assert!(report.is_object() && made.report_json.len() <= 100 * 1024);

    let manifest = signed_and_delivered(&press, RECORD).await;
    assert_eq!(manifest["files"].as_array().unwrap().len(), plan.files.len());
    for file in &made.files {
        assert_eq!(press.house.studio.blobs.verify(file.digest).await.unwrap(), file.bytes);
    }
}

/// What was edited between the start and the first attempt reaches into nothing: the files say what the dry run said, and the row what is another by now.
#[tokio::test]
async fn a_record_is_made_of_the_texts_of_its_start() {
    let press = Press::open(server(), 3).await;
    let now = press.project().await;
    let source = |nth: usize| {
        let version: VersionId = record_kit::master(nth);
        let fingerprint = now.versions.get(version).unwrap().fingerprint;
        RecordSource { song: song(nth), version, fingerprint }
    };
    let queued = Fact::RecordQueued {
        record: RecordId(RECORD),
        number: 1,
        spacing: 1,
        sources: (0..TITLES.len()).map(source).collect(),
        profiles: vec![RecordProfile { name: "house".into(), toml: HOUSE.into() }],
        loudest_track_lufs: None,
        medium: "12\" 33 rpm".into(),
    };
    let edited = Fact::SongEdited { song: song(0), title: "Cinder".into(), isrc: "SEAYE2600009".into() };
    let by = Some(press.manager.id);
    append(&press.house, press.project, vec![(by, queued), (by, edited)]).await;
    let press = press.restart(server()).await;
    let made = press.until("the record", |record| !record.is_alive()).await;
    assert_eq!((made.state, made.reason.as_str()), (RecordState::Made, ""));
    let row = row(&press, &press.label, RECORD).await;
    let named = |name: &str| row.files.iter().find(|it| it.name == name).unwrap();
    assert_eq!(named("01_Ember.wav").kind, "track");
    let copy = press.fetch(&press.label, RECORD, &named("LabelCopy.json").sha256, (0, 0)).await.unwrap();
    let copy = String::from_utf8(copy).unwrap();
    assert!(copy.contains("Ember") && !copy.contains("Cinder") && !copy.contains("SEAYE2600009"), "{copy}");
    assert_eq!(row.medium, "12\" 33 rpm");
    assert!(row.outdated);
    assert_eq!(row.outdated_by, ["\"Cinder\" differs in title and ISRC."]);
    assert_eq!(row.cautions, ["Spacing 1 is approved by nobody."]);
}

/// The studio's backup copies what lies in the blob store, and so the files of records with the masters.
#[tokio::test]
async fn every_file_of_a_record_lies_where_the_backup_finds_it() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, MAKES), 3).await;
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    let made = press.until("the record", |record| !record.is_alive()).await;
    for file in &made.files {
        let hex = file.digest.to_string();
        let path = press.house.folder.path().join("blobs").join(&hex[..2]).join(&hex[2..]);
        assert_eq!(hex::encode(Sha256::digest(std::fs::read(path).unwrap())), hex);
    }
    assert_eq!(
        std::fs::read_dir(press.house.folder.path().join("uploads")).unwrap().count(),
        0,
        "nothing half is left"
    );
}

#[tokio::test]
async fn one_record_at_a_time_and_a_retry_gives_the_first_answer() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, HANGS), 3).await;
    let first = press.perform_as(&press.manager, 5, start(RECORD, &HOUSES)).await.unwrap();
    pid_in(&home).await;
    refused(press.perform(&press.manager, start(8, &HOUSES)).await, "RECORD_RUNNING");
    let again = press.perform_as(&press.manager, 5, start(RECORD, &HOUSES)).await.unwrap();
    assert_eq!((again.first_seq, again.seq), (first.first_seq, first.seq));
    assert_eq!(press.project().await.records.len(), 1);
    press.perform(&press.manager, cancel(RECORD)).await.unwrap();
    // Also when it could be done now: the answer is the one of then.
    let again = press.perform_as(&press.manager, 5, start(RECORD, &HOUSES)).await.unwrap();
    assert_eq!((again.seq, press.project().await.records.len()), (first.seq, 1));
}

/// kill -9: the next attempt finds the same job, whatever the label copy says by now, and the files that were finished.
#[tokio::test]
async fn a_killed_child_goes_on_with_the_same_job_and_files() {
    let home = tempfile::tempdir().unwrap();
    let body = format!(
        "if [ ! -e $home/job.1 ]; then cp $job $home/job.1; mkdir -p $out; echo done > $out/finished\n{HANGS}\nfi\n\
         cp $job $home/job.2; cp $out/finished $home/finished\n{MAKES}"
    );
    let press = Press::open(script(&home, &body), 3).await;
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    let child = pid_in(&home).await;
    let copy = v1::LabelCopy { catalogue: "MOTH-002".into(), ..v1::LabelCopy::default() };
    press.perform(&press.manager, Action::SetLabelCopy(v1::SetLabelCopy { copy: Some(copy) })).await.unwrap();
    kill(child);
    let failed = press.until("the failure", |record| record.failures == 1).await;
    assert!(failed.reason.contains("signal: 9"), "{}", failed.reason);
    let made = press.until("the end", |record| !record.is_alive()).await;
    assert_eq!((made.state, made.attempt), (RecordState::Made, 2));
    let job = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
    assert_eq!(job("job.1"), job("job.2"));
    assert!(!job("job.2").contains("MOTH-002"));
    assert_eq!(job("finished"), "done\n");
    press.folder_empties().await;
}

#[tokio::test]
async fn a_record_that_was_made_when_its_server_stopped_goes_on_in_its_folder() {
    let home = tempfile::tempdir().unwrap();
    let press =
        Press::open(script(&home, &format!("mkdir -p $out; echo done > $out/finished\n{HANGS}")), 3).await;
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    let child = pid_in(&home).await;
    let again = script(&home, &format!("cp $out/finished $home/finished\n{MAKES}"));
    let press = press.restart(again).await;
    dies(child).await;
    let made = press.until("the end", |record| !record.is_alive()).await;
    assert_eq!((made.state, made.attempt, made.failures), (RecordState::Made, 2, 0));
    assert!(home.path().join("finished").exists(), "the folder outlived the server");
    press.folder_empties().await;
}

/// The server stopped when the child had told its files and the ledger did not know: only their names were missing, and nothing is made twice.
#[tokio::test]
async fn what_a_child_has_finished_is_not_made_again() {
    let home = tempfile::tempdir().unwrap();
    let tells = MAKES.replace("}}'", "}}' > $home/told");
    let press = Press::open(script(&home, &format!("{tells}\n{HANGS}")), 3).await;
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    pid_in(&home).await;
    let told: Value = serde_json::from_slice(&std::fs::read(home.path().join("told")).unwrap()).unwrap();
    std::fs::write(press.its_folder().join("made.json"), told["done"].to_string()).unwrap();
    // One of the two has its name already, and is gone from the folder.
    press.house.studio.blobs.put(b"two".as_slice().into()).await.unwrap();
    std::fs::remove_file(press.its_folder().join("files/house/b.txt")).unwrap();
    let press = press.restart(script(&home, "exit 9")).await;
    let made = press.until("the end", |record| !record.is_alive()).await;
    assert_eq!((made.state, made.attempt, made.reason.as_str()), (RecordState::Made, 2, ""));
    assert!(press.has(b"one").await && press.has(b"two").await);
}

#[tokio::test]
async fn a_cancelled_record_dies_at_once_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(
        script(&home, &format!("mkdir -p $out/house; printf one > $out/house/a.wav\n{HANGS}")),
        3,
    )
    .await;
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    let child = pid_in(&home).await;
    refused(press.watch(&press.listener, RECORD).await, "NOT_YOUR_ROLE");
    refused(press.watch(&press.label, 99).await, "NO_SUCH_RECORD");
    let mut told = press.watch(&press.label, RECORD).await.unwrap();
    let now = within(PATIENCE, "progress", async {
        loop {
            let now = told.message().await.unwrap().unwrap();
            if now.files > 0 {
                return now;
            }
        }
    })
    .await;
    assert_eq!(
        (now.step.as_str(), now.files_done, now.files, now.ended),
        ("house: track 1 of 3", 1, 5, false)
    );
    assert!((0.4..0.6).contains(&now.fraction), "{}", now.fraction);
    refused(press.perform(&press.listener, cancel(RECORD)).await, "NOT_YOUR_ROLE");
    press.perform(&press.manager, cancel(RECORD)).await.unwrap();
    dies(child).await;
    let last = within(PATIENCE, "the end of the stream", async {
        let mut last = now;
        while let Some(now) = told.message().await.unwrap() {
            last = now;
        }
        last
    })
    .await;
    assert!(last.ended && last.fraction == 1.0);
    press.folder_empties().await;
    assert_eq!(press.record().await.state, RecordState::Cancelled);
    assert!(!press.has(b"one").await, "nobody refers to it");
    // One that ended already ends at once.
    let mut told = press.watch(&press.label, RECORD).await.unwrap();
    assert!(told.message().await.unwrap().unwrap().ended);
    assert!(told.message().await.unwrap().is_none());
}

/// What the label signs comes from the bytes and not from the child's word; and three failures park a record.
#[tokio::test]
async fn a_child_that_lies_is_parked_and_no_byte_of_it_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let lies =
        MAKES.replace("printf 'two'", "printf 'thr'").replace("sum() {", "sum() { echo x >> $home/tries;");
    let lies = lies.replace("echo '{\"done\"", "printf 'two' > $out/house/b.txt; echo '{\"done\"");
    let lies = lies
        .replace("$(file a.wav track)','$(file b.txt sha256)", "$a','$b")
        .replace("printf 'two' > $out", "a=$(file a.wav track); b=$(file b.txt sha256); printf 'two' > $out");
    let press = Press::open(script(&home, &lies), 3).await;
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    let parked = press.until("parking", |record| !record.is_alive()).await;
    assert_eq!((parked.state, parked.attempt, parked.failures), (RecordState::Failed, 3, 3));
    assert!(parked.reason.contains("house/b.txt does not hold the bytes"), "{}", parked.reason);
    for bytes in [b"one", b"two", b"thr"] {
        assert!(!press.has(bytes).await);
    }
    press.folder_empties().await;
    press.perform(&press.manager, start(8, &HOUSES)).await.unwrap();
    press.until("the next one", |record| record.id == RecordId(8) && record.attempt == 1).await;
}

/// One byte of this alternate of the second song is another on the disk. Its digest.
async fn damage(press: &Press, alternate: Alternate) -> String {
    let files = press.project().await.versions.get(master(1)).unwrap().files.clone();
    let damaged = files.iter().find(|file| file.alternate == alternate).unwrap();
    let path = press.house.studio.blobs.local_path(damaged.digest).await.unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    damaged.digest.to_string()
}

#[tokio::test]
async fn damaged_masters_make_no_record() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, HANGS), 3).await;
    let digest = damage(&press, Alternate::Main).await;
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    let failed = press.until("the failure", |record| !record.is_alive()).await;
    assert_eq!((failed.state, failed.attempt), (RecordState::Failed, 1));
    for word in ["Ash/Ashes", "main", "damaged", &digest, "backup"] {
        assert!(failed.reason.contains(word), "{word}: {}", failed.reason);
    }
    assert!(!home.path().join("pid").exists(), "no child saw the damaged bytes");
}

/// An alternate is read where a file is made of it, and only there.
#[tokio::test]
async fn a_damaged_alternate_stops_the_records_that_need_it_and_no_other() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, &format!("cp $job $home/job.json\n{MAKES}")), 3).await;
    let digest = damage(&press, Alternate::Instrumental).await;
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    let made = press.until("the record", |record| !record.is_alive()).await;
    assert_eq!((made.state, made.reason.as_str()), (RecordState::Made, ""));
    let job: Value = serde_json::from_slice(&std::fs::read(home.path().join("job.json")).unwrap()).unwrap();
    let song = &job["songs"][1];
    assert_eq!(song["alternates"][0]["file"]["sha256"], digest, "it stands in the job by its digest");
    assert_eq!(song["alternates"][0]["file"]["path"], "");
    assert_ne!(song["main"]["path"], "");

    let asks = "[[file]]\nkind = \"song\"\nalternate = \"instrumental\"\nencoding = \"wav24\"\nname = \"{title}_inst\"\n";
    let with = format!("{HOUSE}\n{asks}");
    press.perform(&press.manager, start(8, &[("house", &with)])).await.unwrap();
    let failed = press.until("the failure", |it| it.id == RecordId(8) && !it.is_alive()).await;
    assert_eq!((failed.state, failed.attempt), (RecordState::Failed, 1));
    for word in ["Ash/Ashes", "instrumental", "damaged", &digest, "backup"] {
        assert!(failed.reason.contains(word), "{word}: {}", failed.reason);
    }
}

/// Whatever the studio stores already: a child says which files it wrote, and not which blobs become files of a record. Not with its second try either.
#[tokio::test]
async fn a_child_cannot_name_a_blob_that_it_did_not_write() {
    let home = tempfile::tempdir().unwrap();
    let names = MAKES.replace("'$(file b.txt sha256)'", "'$b'");
    // Nor by a note in the worker's place, which a next attempt would trust.
    let forged = "b=$(file b.txt sha256); rm $out/house/b.txt
echo '{\"files\":['$(file a.wav track)','$b'],\"report_json\":\"{}\"}' > $(dirname $job)/made.json
echo '{\"done\"";
    let names = names.replace("echo '{\"done\"", forged);
    let press = Press::open(script(&home, &names), 3).await;
    press.house.studio.blobs.put(b"two".as_slice().into()).await.unwrap();
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    let parked = press.until("parking", |record| !record.is_alive()).await;
    assert_eq!((parked.state, parked.attempt, parked.failures), (RecordState::Failed, 3, 3));
    assert!(parked.reason.contains("house/b.txt was not made"), "{}", parked.reason);
    assert!(parked.files.is_empty() && !press.has(b"one").await);
    press.folder_empties().await;
}

/// Ids come from clients: the same one in another project is another record, with a folder of its own.
#[tokio::test]
async fn records_of_two_projects_with_one_id_do_not_meet() {
    let home = tempfile::tempdir().unwrap();
    let body = format!("cp $job $home/$(basename $(dirname $job))\n{MAKES}");
    let press = Press::open(script(&home, &body), 3).await;
    let other = ProjectId(uuid::Uuid::now_v7().as_u128());
    second_project(&press.house, other, [&press.manager, &press.label, &press.listener]).await;
    let press = press.restart(script(&home, &body)).await;
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    press.until("the first", |record| record.state == RecordState::Made).await;
    let first = press.project;
    let press = Press { project: other, ..press };
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    press.until("the second", |record| record.state == RecordState::Made).await;
    for project in [first, other] {
        assert!(home.path().join(format!("{:032x}-{RECORD:032x}", project.0)).exists());
    }
}

async fn second_project(house: &House, project: ProjectId, seats: [&Seat; 3]) {
    record_kit::facts_of(house, project, &seats.map(Clone::clone), 3).await;
}

/// What cannot be taken away yet is not forgotten: it is tried again with the next look.
#[tokio::test]
async fn a_folder_that_stays_is_swept_later() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, MAKES), 3).await;
    let stray = press.folder().join(format!("{:032x}-{:032x}", press.project.0, 99));
    std::fs::write(&stray, "in the way of a folder").unwrap();
    let press = press.restart(script(&home, MAKES)).await;
    // A record that was made in between: the worker has looked around more than once.
    press.perform(&press.manager, start(RECORD, &HOUSES)).await.unwrap();
    press.until("the record", |record| record.state == RecordState::Made).await;
    assert!(stray.exists(), "a file is no folder of ours and cannot go as one");
    // In one step: a look between the file and the folder would see that it is gone, and rightly look no more.
    let folder = home.path().join("folder");
    std::fs::create_dir_all(folder.join("files")).unwrap();
    renameat_with(CWD, &folder, CWD, &stray, RenameFlags::EXCHANGE).unwrap();
    press.folder_empties().await;
    drop(press);
}

/// The folder of a record that ended while no server ran is swept at the start.
#[tokio::test]
async fn folders_of_records_that_ended_are_swept() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, MAKES), 3).await;
    let stray = press.folder().join(format!("{:032x}-{:032x}", press.project.0, 99));
    std::fs::create_dir_all(stray.join("files")).unwrap();
    let foreign = press.folder().join("notes of the operator");
    std::fs::write(&foreign, "keep").unwrap();
    let press = press.restart(script(&home, MAKES)).await;
    within(PATIENCE, "the sweep", async {
        while stray.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(foreign.exists(), "what is not ours stays");
    drop(press);
}
