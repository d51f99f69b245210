//! The dry run over the wire, and that a record that cannot be made is not queued.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
mod record_kit;

use common::{id_text, refused};
use deadwax_domain::{
    ApprovalId, Command, Fact, GateRule, Line, NoteId, RenderId, Role, ShootoutId, Stage, VersionId,
    VersionKind, gate,
};
use deadwax_proto::v1::{self, action::Action};
use record_kit::*;
use serde_json::Value;
use tonic::Code;

#[tokio::test]
async fn a_plan_lists_every_file_before_anything_is_made() {
    let press = Press::open(server(), 3).await;
    let plan = press.plan(&press.label, &[("house", HOUSE)]).await.unwrap();
    let places: Vec<String> = plan.files.iter().map(|it| format!("{}/{}", it.folder, it.name)).collect();
    assert_eq!(
        places,
        [
            "house/BWF/01_Ember.wav",
            "house/BWF/02_AshAshes.wav",
            "house/BWF/03_LowBeam.wav",
            "house/Ana_Dust.flac",
            "house/LabelCopy.json",
            "house/SHA256SUMS.txt"
        ]
    );
    let (first, second) = (&plan.files[0], &plan.files[1]);
    assert_eq!((first.format.as_str(), first.kind.as_str()), ("WAV 24 bit 48 kHz", "track"));
    assert_eq!(first.song_ids, [id_text(song(0).0)]);
    // The gap before the next belongs to a track. Without a look at the one of 32 kHz that the master holds too.
    assert_eq!((first.sample_rate, first.frames), (48_000, 5 * 48_000 + 24_000));
    assert_eq!((second.sample_rate, second.frames), (44_100, 5 * 44_100 + 22_050));
    assert_eq!(plan.files[3].song_ids.len(), 3);
    assert!(plan.files[3].estimated && !first.estimated);
    assert_eq!(plan.bytes, plan.files.iter().map(|it| it.bytes).sum::<u64>());
    assert_eq!(plan.spacing, 1);
    assert!(plan.findings.iter().all(|it| !it.block), "{:?}", plan.findings);
    let consistency: Value = serde_json::from_str(&plan.consistency_json).unwrap();
    assert_eq!(consistency["songs"][1]["song_id"], id_text(song(1).0));
    assert_eq!(consistency["songs"][2]["integrated_lufs"], -16.0);
    assert_eq!(consistency["songs"][2]["step_lu"], -1.0);
    assert!(
        press.project().await.records.is_empty()
            && std::fs::read_dir(press.folder()).unwrap().next().is_none()
    );
}

#[tokio::test]
async fn levels_are_those_of_the_record() {
    let press = Press::open(server(), 3).await;
    let asked = |loudest| v1::PlanRequest {
        project_id: id_text(press.project.0),
        profiles: vec![profile(&("streaming", ""))],
        loudest_track_lufs: loudest,
        ..v1::PlanRequest::default()
    };
    let label = &press.label;
    let plan = async |loudest| {
        records(label).plan(label.with(asked(loudest))).await.map(tonic::Response::into_inner)
    };
    let moved = plan(Some(-10.0)).await.unwrap();
    let consistency: Value = serde_json::from_str(&moved.consistency_json).unwrap();
    assert_eq!(consistency["songs"][0]["integrated_lufs"], -10.0, "the loudest stands where it was asked");
    assert_eq!(consistency["songs"][2]["integrated_lufs"], -12.0, "and the others as far from it as before");
    let services: Value = serde_json::from_str(&moved.penalties_json).unwrap();
    let spotify = services.as_array().unwrap().iter().find(|it| it["service"] == "Spotify").unwrap();
    assert_eq!(spotify["tracks"][0]["change_db"], -4.0, "{spotify}");
    assert_eq!(spotify["tracks"][2]["song_id"], id_text(song(2).0));
    for loud in [-5.0, f64::NAN, f64::INFINITY] {
        refused(plan(Some(loud)).await, "RULE_INVALID");
    }
}

#[tokio::test]
async fn a_song_without_a_signed_master_stands_in_it_with_a_block() {
    let press = Press::open(server(), 2).await;
    let plan = press.plan(&press.label, &[("house", HOUSE), ("cd", "")]).await.unwrap();
    assert_eq!(plan.files.iter().filter(|it| it.kind == "track").count(), 3, "it is planned all the same");
    let first = &plan.findings[0];
    assert_eq!((first.block, first.code.as_str()), (true, "MASTER_NOT_SIGNED"));
    assert!(first.text.contains("Low Beam") && first.text.contains("Mix 1"), "{}", first.text);
    assert_eq!((first.song_id.as_str(), first.profile.as_str()), (id_text(song(2).0).as_str(), ""));
    assert!(!first.mend.is_empty() && !first.source.is_empty());
    refused(press.perform(&press.label, start(7, &[("house", HOUSE)])).await, "NOT_DELIVERED_YET");
}

#[tokio::test]
async fn profiles_that_are_wrong_are_told_with_their_line() {
    let press = Press::open(server(), 3).await;
    let typo = HOUSE.replace("channels", "chanels");
    for (profiles, words) in [
        (vec![("hires", "")], vec!["did you mean hi-res?"]),
        (vec![("house", typo.as_str())], vec!["line 7", "did you mean channels?"]),
        (vec![("home", HOUSE)], vec!["calls itself \"house\""]),
        (vec![(".house", &HOUSE.replace("\"house\"", "\".house\""))], vec!["folder"]),
        (vec![("house", HOUSE), ("HOUSE", &HOUSE.replace("\"house\"", "\"HOUSE\""))], vec!["twice"]),
        (vec![], vec!["no profile"]),
    ] {
        let planned = refused(press.plan(&press.label, &profiles).await, "PROFILE_INVALID");
        let started = refused(press.perform(&press.label, start(7, &profiles)).await, "PROFILE_INVALID");
        for word in words {
            assert!(planned.message().contains(word), "{word}: {}", planned.message());
        }
        assert_eq!(planned.message(), started.message());
    }
    assert!(press.project().await.records.is_empty());
}

/// 64 KiB of asks, times the songs, times the profiles: nobody's memory is spent on it.
#[tokio::test]
async fn a_plan_of_far_too_many_files_is_blocked_and_short() {
    let press = Press::open(server(), 3).await;
    let asks = "[[file]]\nkind = \"track\"\nencoding = \"wav24\"\nname = \"{title}\"\n".repeat(900);
    let profiles: Vec<(String, String)> = (0..3)
        .map(|nth| (format!("h{nth}"), HOUSE.replace("\"house\"", &format!("\"h{nth}\"")) + &asks))
        .collect();
    let profiles: Vec<_> = profiles.iter().map(|(name, toml)| (name.as_str(), toml.as_str())).collect();
    let plan = press.plan(&press.label, &profiles).await.unwrap();
    assert_eq!((plan.files.len(), plan.findings[0].code.as_str()), (0, "TOO_MANY_FILES"));
    let one = press.plan(&press.label, &profiles[..1]).await.unwrap();
    assert_eq!((one.files.len(), one.findings[0].code.as_str()), (600, "TOO_MANY_FILES"));
    refused(press.perform(&press.label, start(7, &profiles[..1])).await, "PLAN_BLOCKED");
}

#[tokio::test]
async fn a_plan_that_blocks_is_not_queued() {
    let press = Press::open(server(), 3).await;
    // The archive asks for codes that nobody gave.
    let profiles = [("archive", ""), ("house", HOUSE)];
    let plan = press.plan(&press.label, &profiles).await.unwrap();
    let block = plan.findings.iter().find(|it| it.block).unwrap();
    let no = refused(press.perform(&press.label, start(7, &profiles)).await, "PLAN_BLOCKED");
    assert_eq!(no.code(), Code::FailedPrecondition);
    assert!(no.message().contains(&block.text), "{}: {}", block.text, no.message());
    use tonic_types::StatusExt as _;
    let details = no.get_error_details();
    let info = details.error_info().unwrap();
    assert!(
        info.metadata["hint"].contains(&block.mend)
            && info.metadata["hint"].contains(block.source.trim_end_matches('.'))
    );
    assert_eq!(info.metadata["block"], block.code);
    let blocks = plan.findings.iter().filter(|it| it.block).count();
    assert_eq!(info.metadata["blocks"], blocks.to_string());
    assert!(press.project().await.records.is_empty());
    // Who may not start one hears that, and not what stands in the plan.
    refused(press.perform(&press.listener, start(7, &profiles)).await, "NOT_YOUR_ROLE");
    let old = Action::StartRecord(v1::StartRecord {
        record_id: id_text(7),
        spacing: 9,
        profiles: vec![profile(&("house", HOUSE))],
        ..v1::StartRecord::default()
    });
    refused(press.perform(&press.label, old).await, "SPACING_CHANGED");
}

#[tokio::test]
async fn strangers_and_listeners_plan_nothing() {
    let press = Press::open(server(), 3).await;
    let eve = press.house.person("Eve", true).await;
    refused(press.plan(&eve, &[("house", HOUSE)]).await, "NO_SUCH_PROJECT");
    refused(press.plan(&press.listener, &[("house", HOUSE)]).await, "NOT_YOUR_ROLE");
    let other = press.house.project(&press.manager).await;
    let asked = v1::PlanRequest {
        project_id: id_text(other.0),
        profiles: vec![profile(&("cd", ""))],
        ..v1::PlanRequest::default()
    };
    refused(records(&press.manager).plan(press.manager.with(asked)).await, "NO_SPACING");
}

/// V-1: while mixes compete, a plan is made with those that the asker may know of; another engineer's level shows nowhere.
#[tokio::test]
async fn v1_a_hidden_mix_does_not_show_through_figures() {
    let mut press = Press::open(server(), 2).await;
    let (max, sue) = (press.house.person("Max", false).await, press.house.person("Sue", false).await);
    let by = Some(press.manager.id);
    let now = press.project().await;
    let files = now.versions.get(master(2)).unwrap().files.clone();
    let mut facts = Vec::new();
    for seat in [&max, &sue] {
        facts.push((by, Fact::MemberAdded { person: seat.id, roles: [Role::MixEngineer].into() }));
    }
    let entrants = vec![max.id, sue.id];
    facts.push((by, Fact::ShootoutOpened { shootout: ShootoutId(1), song: song(2), entrants, blind: true }));
    for (nth, (seat, lufs)) in [(&max, -9.0), (&sue, -20.0)].into_iter().enumerate() {
        let mut files = files.clone();
        for file in &mut files {
            file.facts.integrated_lufs = lufs;
            file.facts.sample_rate_hz = if nth == 0 { 96_000 } else { 88_200 };
        }
        let mix = Fact::VersionAdded {
            version: VersionId(900 + nth as u128),
            song: song(2),
            kind: VersionKind::Mix,
            number: 1,
            title: String::new(),
            changelog: String::new(),
            fingerprint: deadwax_domain::fingerprint(&files),
            files,
            render: None,
            line: Some(Line(nth as u8 + 1)),
        };
        facts.push((Some(seat.id), mix));
    }
    let seats = [(max.id, max.token.clone()), (sue.id, sue.token.clone())];
    append(&press.house, press.project, facts).await;
    press = press.restart(server()).await;
    let level = async |seat: &common::Seat| {
        let plan = press.plan(seat, &[("house", HOUSE)]).await.unwrap();
        let consistency: Value = serde_json::from_str(&plan.consistency_json).unwrap();
        let rate = plan.files.iter().find(|it| it.name.starts_with("03_")).unwrap().sample_rate;
        (consistency["songs"][2]["integrated_lufs"].as_f64().unwrap(), rate, format!("{plan:?}"))
    };
    for ((id, token), own, other) in
        [(seats[0].clone(), (-9.0, 96_000), "88200"), (seats[1].clone(), (-20.0, 88_200), "96000")]
    {
        let seat = common::Seat { id, token, ..press.house.stranger().await };
        let (lufs, rate, all) = level(&seat).await;
        assert_eq!((lufs, rate), own);
        assert!(!all.contains(other), "{all}");
    }
    assert_eq!(level(&press.manager).await.0, -20.0, "who compares them sees the newest");
}

/// The balance of a master that was rendered here is known from the page of its render; nothing is decoded for one that was uploaded.
#[tokio::test]
async fn the_balance_of_a_rendered_master_stands_in_the_consistency() {
    let press = Press::open(server(), 3).await;
    let page = r#"{"after":{"spectrum":[{"hz":100.0,"dbfs":-20.0},{"hz":1000.0,"dbfs":-26.0}]}}"#;
    let sheet = Some(press.house.studio.blobs.put(page.into()).await.unwrap());
    let (by, render, version) = (Some(press.manager.id), RenderId(1), VersionId(300));
    let files = press.project().await.versions.get(master(0)).unwrap().files.clone();
    let facts = [
        Fact::RenderQueued { render, song: song(0), version: master(0), recipe: None },
        Fact::RenderLeased { render, attempt: 1, engine: "x".into(), recipe: None },
        Fact::VersionAdded {
            version,
            song: song(0),
            kind: VersionKind::Master,
            number: 2,
            title: String::new(),
            changelog: String::new(),
            fingerprint: deadwax_domain::fingerprint(&files),
            files,
            render: Some(render),
            line: None,
        },
        Fact::RenderCompleted { render, version, report_json: "{}".into(), sheet },
    ];
    append(&press.house, press.project, facts.map(|fact| (by, fact)).into()).await;
    let press = press.restart(server()).await;
    let plan = press.plan(&press.label, &[("house", HOUSE)]).await.unwrap();
    let consistency: Value = serde_json::from_str(&plan.consistency_json).unwrap();
    let bands = |nth: usize| &consistency["songs"][nth]["bands_db"];
    assert_eq!(
        (&bands(0)[1], &bands(0)[4], &bands(0)[7]),
        (&0.0.into(), &0.0.into(), &Value::Null),
        "{consistency}"
    );
    assert!(bands(1).is_null());
}

fn started(record: u128, basis: &str, medium: &str) -> Action {
    let Action::StartRecord(it) = start(record, &[("house", HOUSE)]) else { unreachable!() };
    Action::StartRecord(v1::StartRecord { basis: basis.into(), medium: medium.into(), ..it })
}

fn found<'a>(plan: &'a v1::PlanResponse, code: &str) -> Option<&'a v1::PlanFinding> {
    plan.findings.iter().find(|it| it.code == code)
}

/// Whoever said yes to a dry run gets a record of what stood in it, or an answer.
#[tokio::test]
async fn a_start_holds_to_the_dry_run_that_was_seen() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, MAKES), 3).await;
    let house = [("house", HOUSE)];
    let seen = press.plan(&press.label, &house).await.unwrap().basis;
    assert_eq!(seen, press.plan(&press.manager, &house).await.unwrap().basis, "whoever asks");
    let title = Some("Cinder".to_owned());
    let edit = v1::EditSong { song_id: id_text(song(1).0), title, ..v1::EditSong::default() };
    press.perform(&press.manager, Action::EditSong(edit)).await.unwrap();
    refused(press.perform(&press.label, started(7, &seen, "")).await, "PLAN_CHANGED");
    refused(press.perform(&press.label, started(7, "x", "")).await, "MALFORMED");
    assert!(press.project().await.records.is_empty());
    let now = press.plan(&press.label, &house).await.unwrap().basis;
    assert_ne!(now, seen);
    press.perform(&press.label, started(7, &now, "")).await.unwrap();
    assert_eq!(press.record().await.number, 1);
}

#[tokio::test]
async fn a_spacing_that_nobody_approved_warns_and_blocks_where_the_gate_asks() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, MAKES), 3).await;
    let perform = async |by: &common::Seat, command| press.house.perform(by, press.project, command).await;
    let note = Command::AddSpacingNote { note: NoteId(5), number: 1, song: None, text: "Long.".into() };
    perform(&press.label, note).await;
    let house = [("house", HOUSE)];
    let plan = press.plan(&press.label, &house).await.unwrap();
    let of = |plan: &v1::PlanResponse, code: &str| {
        found(plan, code).map(|it| (it.block, it.text.clone(), it.mend.is_empty()))
    };
    let said = |block, text: &str| Some((block, text.to_owned(), false));
    assert_eq!(of(&plan, "SPACING_NOT_APPROVED"), said(false, "Spacing 1 is approved by nobody."));
    assert_eq!(of(&plan, "SPACING_NOTES_OPEN"), said(false, "1 note on the spacing is open."));

    let rule = gate::default_rule(Stage::Mastering).unwrap();
    let rule = GateRule { spacing_roles: [Role::Label].into(), ..rule };
    perform(&press.manager, Command::SetGate { rule }).await;
    let plan = press.plan(&press.label, &house).await.unwrap();
    assert_eq!(of(&plan, "SPACING_NOT_APPROVED"), said(true, "Spacing 1 is not approved by the label."));
    assert_eq!(of(&plan, "SPACING_NOTES_OPEN"), said(true, "1 note on the spacing is open."));
    refused(press.perform(&press.label, start(7, &house)).await, "PLAN_BLOCKED");

    perform(&press.label, Command::ApproveSpacing { approval: ApprovalId(9), number: 1, role: Role::Label })
        .await;
    perform(&press.label, Command::CloseSpacingNote { note: NoteId(5), answer: String::new() }).await;
    let plan = press.plan(&press.label, &house).await.unwrap();
    assert!(plan.findings.iter().all(|it| !it.code.starts_with("SPACING")), "{:?}", plan.findings);
    press.perform(&press.label, start(7, &house)).await.unwrap();
}

#[tokio::test]
async fn sides_are_planned_for_the_medium_that_was_named() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(script(&home, MAKES), 3).await;
    let asked = |medium: &str| v1::PlanRequest {
        project_id: id_text(press.project.0),
        profiles: vec![profile(&("vinyl-toss", ""))],
        medium: medium.into(),
        ..v1::PlanRequest::default()
    };
    let label = &press.label;
    let plan =
        async |medium| records(label).plan(label.with(asked(medium))).await.map(tonic::Response::into_inner);
    let block = |plan: &v1::PlanResponse| found(plan, "MEDIUM").map(|it| it.block);
    assert_eq!(block(&plan("").await.unwrap()), Some(false), "nobody said");
    assert_eq!(block(&plan("12\" 33 rpm").await.unwrap()), None);
    assert_eq!(block(&plan("a wax cylinder").await.unwrap()), Some(true));
    refused(plan("12\u{1b}[2J").await, "NAME_INVALID");
    press.perform(label, started(7, "", "12\" 33 rpm")).await.unwrap();
    let made = press.until("the record", |record| !record.is_alive()).await;
    assert_eq!(made.medium, "12\" 33 rpm");
}
