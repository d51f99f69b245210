//! What is kept of records: which of them carry their files in the rows of a project, any of them whole on request, the report of how one was made, and the
//! profiles that a studio adds to those that come along.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
mod record_kit;

use std::sync::{Arc, atomic::AtomicI64};

use common::{FakeInspect, Hand, Seat, id_text, refused};
use deadwax_domain::{RecordId, RecordState};
use deadwax_proto::v1::{self, action::Action, row::Row as Kind};
use deadwax_server::{
    config::Config,
    store::MemoryStore,
    studio::{Parts, Studio},
};
use record_kit::*;
use serde_json::Value;

const HOUSES: [(&str, &str); 1] = [("house", HOUSE)];
/// Writes other bytes each time, so that no record is the twin of another; the report names what attacks a terminal.
const COUNTS: &str = "n=$(cat $home/n 2>/dev/null); n=x$n; printf $n > $home/n
mkdir -p $out/house; printf one > $out/house/a.wav; printf $n > $out/house/b.txt
sum() { sha256sum $out/house/$1 | cut -d' ' -f1; }
file() { echo '{\"profile\":\"house\",\"folder\":\"house\",\"name\":\"'$1'\",\"kind\":\"'$2'\",\"sha256\":\"'$(sum $1)'\",\"bytes\":'$(wc -c < $out/house/$1)',\"sample_rate\":0,\"bits\":0,\"channels\":0,\"frames\":0,\"exact\":false,\"integrated_lufs\":null,\"true_peak_dbtp\":null}'; }
echo '{\"done\":{\"files\":['$(file a.wav track)','$(file b.txt sha256)'],\"report_json\":\"{\\\"made_by\\\":\\\"a \\u202e b\\\"}\"}}'";

async fn rows(press: &Press, by: &Seat) -> Vec<v1::RecordRow> {
    let mut projects = v1::projects_client::ProjectsClient::new(by.channel.clone());
    let asked = by.with(v1::GetRequest { project_id: id_text(press.project.0) });
    let rows = projects.get(asked).await.unwrap().into_inner().upserts;
    let mut records: Vec<_> = rows
        .into_iter()
        .filter_map(|row| match row.row {
            Some(Kind::Record(row)) => Some(row),
            _ => None,
        })
        .collect();
    records.sort_by_key(|row| row.number);
    records
}

async fn whole(press: &Press, by: &Seat, record: u128) -> Result<v1::RecordRow, tonic::Status> {
    let asked = v1::GetRecordRequest { project_id: id_text(press.project.0), record_id: id_text(record) };
    let answer = records(by).get_record(by.with(asked)).await?;
    Ok(answer.into_inner().record.unwrap())
}

async fn report(press: &Press, by: &Seat, record: u128) -> Result<String, tonic::Status> {
    let asked = v1::GetReportRequest { project_id: id_text(press.project.0), record_id: id_text(record) };
    Ok(records(by).get_report(by.with(asked)).await?.into_inner().report_json)
}

async fn make(press: &Press, record: u128) {
    press.perform(&press.manager, start(record, &HOUSES)).await.unwrap();
    let made = press.until("the record", |it| it.id == RecordId(record) && !it.is_alive()).await;
    assert_eq!((made.state, made.reason.as_str()), (RecordState::Made, ""));
}

async fn sign_and_deliver(press: &Press, record: u128) {
    let fingerprint = whole(press, &press.label, record).await.unwrap().fingerprint;
    let approve = Action::ApproveRecord(v1::ApproveRecord {
        approval_id: id_text(0x2a),
        record_id: id_text(record),
        role: v1::Role::Label.into(),
        fingerprint,
        receipt: None,
    });
    press.perform(&press.label, approve).await.unwrap();
    let deliver = Action::DeliverRecord(v1::DeliverRecord { record_id: id_text(record) });
    press.perform(&press.manager, deliver).await.unwrap();
}

#[tokio::test]
async fn rows_carry_the_files_of_the_newest_records_and_any_is_had_whole() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, COUNTS), 3).await;
    make(&press, 7).await;
    sign_and_deliver(&press, 7).await;
    for record in [8, 9] {
        make(&press, record).await;
    }
    let told = rows(&press, &press.label).await;
    let carried: Vec<_> = told.iter().map(|it| (it.files.len(), it.file_count, it.bytes)).collect();
    // Delivered, between, newest: only the one between is told by its counts alone.
    assert_eq!(carried, [(2, 2, 4), (0, 2, 5), (2, 2, 6)]);
    let manifests: Vec<bool> = told.iter().map(|it| !it.manifest_json.is_empty()).collect();
    assert_eq!(manifests, [true, false, false]);

    let one = whole(&press, &press.label, 8).await.unwrap();
    assert_eq!(one.files.len(), 2);
    assert_eq!(one.fingerprint, told[1].fingerprint);
    let counted = v1::RecordRow { files: Vec::new(), ..one.clone() };
    assert_eq!(counted, told[1], "it is the row, with its files");
    let name = |row: &v1::RecordRow| row.files.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    assert_eq!(name(&one), ["a.wav", "b.txt"]);
    assert_eq!(whole(&press, &press.label, 7).await.unwrap(), told[0], "what is whole already is the same");

    refused(whole(&press, &press.label, 99).await, "NO_SUCH_RECORD");
    refused(whole(&press, &press.listener, 8).await, "NOT_YOUR_ROLE");
    let eve = press.house.person("Eve", true).await;
    refused(whole(&press, &eve, 8).await, "NO_SUCH_PROJECT");
}

#[tokio::test]
async fn the_report_of_a_made_record_is_read_by_its_members() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, COUNTS), 3).await;
    make(&press, 7).await;
    let told: Value = serde_json::from_str(&report(&press, &press.label, 7).await.unwrap()).unwrap();
    assert_eq!(told["made_by"], "a \u{fffd} b", "what would turn a line around is gone");
    refused(report(&press, &press.label, 99).await, "NO_SUCH_RECORD");
    refused(report(&press, &press.listener, 7).await, "NOT_YOUR_ROLE");
    let eve = press.house.person("Eve", true).await;
    refused(report(&press, &eve, 7).await, "NO_SUCH_PROJECT");

    let press = press.restart(script(&home, HANGS)).await;
    press.perform(&press.manager, start(8, &HOUSES)).await.unwrap();
    pid_in(&home).await;
    let no = refused(report(&press, &press.label, 8).await, "RECORD_NOT_MADE");
    assert!(no.message().contains("Record 2"), "{}", no.message());
    let cancel = Action::CancelRecord(v1::CancelRecord { record_id: id_text(8) });
    press.perform(&press.manager, cancel).await.unwrap();
}

#[tokio::test]
async fn profiles_of_the_studio_are_offered_planned_and_kept_with_the_record() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, MAKES), 3).await;
    let folder = press.house.folder.path().join("profiles");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("ours.toml"), HOUSE).unwrap();
    refused(press.plan(&press.label, &[("house", "")]).await, "PROFILE_INVALID");
    // They are read at the start.
    let press = press.restart(script(&home, MAKES)).await;
    let asked = press.label.with(v1::ListProfilesRequest {});
    let listed = records(&press.label).list_profiles(asked).await.unwrap().into_inner().profiles;
    let ours: Vec<_> = listed.iter().filter(|it| it.of_the_studio).collect();
    assert_eq!(ours.len(), 1);
    assert_eq!((ours[0].name.as_str(), ours[0].toml.as_str()), ("house", HOUSE));
    assert!(listed.iter().any(|it| it.name == "cd" && !it.of_the_studio));
    let by_name = press.plan(&press.label, &[("house", "")]).await.unwrap();
    let by_text = press.plan(&press.label, &HOUSES).await.unwrap();
    assert_eq!(by_name, by_text);
    press.perform(&press.manager, start(7, &[("house", "")])).await.unwrap();
    let made = press.until("the record", |record| !record.is_alive()).await;
    assert_eq!(made.profiles[0].toml, HOUSE, "a later change of the folder changes no record");
    assert_eq!(made.state, RecordState::Made);
}

/// As with the recipe of the studio: nobody finds out with the first record.
#[tokio::test]
async fn a_studio_with_a_broken_profile_does_not_start_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("profiles")).unwrap();
    let typo = HOUSE.replace("channels", "chanels");
    std::fs::write(folder.path().join("profiles/ours.toml"), typo).unwrap();
    let parts = Parts {
        store: Arc::new(MemoryStore::new()),
        clock: Arc::new(Hand(AtomicI64::new(1_795_000_000_000))),
        inspect: Arc::new(FakeInspect),
        program: server(),
        fingerprint: None,
    };
    let told = Studio::assemble(folder.path(), Config::default(), parts).await.err().unwrap();
    let told = format!("{told:#}");
    for word in ["ours.toml", "line 7", "did you mean channels?"] {
        assert!(told.contains(word), "{word}: {told}");
    }
}
