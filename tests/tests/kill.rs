//! kill -9 of the server in the middle of an upload, of approvals, of a render. Goal: after a restart everything that was acknowledged is there,
//! nothing happened twice, and the work goes on by itself. Method: a real server process, real clients that are in the middle of something.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use deadwax_client::net::{Client, new_id};
use deadwax_dsp::{
    Block,
    write::{AudioWriter, Encoding},
};
use deadwax_proto::v1::{self, Role, action::Action};
use deadwax_tests::{
    demo::{Log, Material, Studio, cast, mixing, studio::text},
    harness::Said,
    song,
};
use serde_json::Value;

const EXE: &str = env!("CARGO_BIN_EXE_demo");

fn studio(root: &Path) -> Studio {
    let material = Material::Song(Box::new(song::arrange().begun_at_the_bridge()));
    Studio::found(Path::new(EXE), root, material, Log::new(true)).unwrap()
}

/// Every stored byte is read after an orderly stop.
fn close_and_verify(mut on: Studio) {
    on.house.close().unwrap();
    let output = on.house.server_verb("verify", &["--json"]).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// 24-bit stereo noise, so that a file is as long as it says on every disk.
fn long_take(path: &Path, seconds: usize) {
    let mut writer = AudioWriter::create(path, Encoding::Wav24, 48_000, 2, None).unwrap();
    let mut state = 0x2545_f491_4f6c_dd1du64;
    for _ in 0..seconds {
        let mut block = Block::new(2, 48_000);
        for sample in block.channels.iter_mut().flatten() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *sample = (state >> 40) as f64 / f64::from(1 << 24) - 0.5;
        }
        writer.write(&block).unwrap();
    }
    writer.finish().unwrap();
}

/// Bytes that the server has taken of uploads so far.
fn staged_bytes(on: &Studio) -> u64 {
    let parts = fs::read_dir(on.house.studio.join("uploads")).unwrap().flatten();
    parts
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "part"))
        .filter_map(|entry| Some(entry.metadata().ok()?.len()))
        .sum()
}

#[test]
fn an_upload_goes_on_after_the_server_died() {
    let root = tempfile::tempdir().unwrap();
    let mut on = studio(root.path());
    let path = root.path().join("MaraLind_NightDrive_Main_v01_48k24b.wav");
    long_take(&path, 400);
    let total = fs::metadata(&path).unwrap().len();

    let seat = on.cast.artist.clone();
    let file = path.clone();
    let push = thread::spawn(move || {
        let args = ["push", file.to_str().unwrap(), "--stage", "take", "--alternate", "main", "--yes"];
        seat.try_verb(args).unwrap()
    });
    let since = Instant::now();
    while staged_bytes(&on) < total / 8 {
        assert!(
            !push.is_finished() && since.elapsed() < Duration::from_secs(60),
            "the upload never got going"
        );
        thread::sleep(Duration::from_millis(1));
    }
    let staged = staged_bytes(&on);
    assert!(staged < total, "the server was killed in the middle");
    on.house.kill().unwrap();
    thread::sleep(Duration::from_millis(300));
    on.house.open().unwrap();

    let said: Said = push.join().unwrap();
    assert_eq!(said.code, 0, "the same push ends well: {}", said.stderr);
    let take = cast::version(&on.cast.artist, "take", 1).unwrap();
    let main = cast::file(&take, "main").unwrap();
    assert_eq!(text(main, "sha256"), deadwax_tests::demo::studio::digest(&path).unwrap());
    assert_eq!(staged_bytes(&on), 0, "nothing of the upload lies about");
    close_and_verify(on);
}

/// What one client asked for and what it knows about it.
struct Asked {
    command_id: String,
    note_id: String,
    acknowledged: bool,
}

#[test]
fn approvals_and_notes_that_were_acknowledged_outlive_the_server() {
    let root = tempfile::tempdir().unwrap();
    let mut on = studio(root.path());
    mixing::take(&on).unwrap();
    mixing::first_mix(&on).unwrap();
    let mix = cast::version(&on.cast.artist, "mix", 1).unwrap();
    let project_id = on.project_id().unwrap();

    for round in 0..6u64 {
        let profile = cast::profile(&on.cast.artist).unwrap();
        let (candidate, project) = (mix.clone(), project_id.clone());
        let busy = on.runtime.spawn(async move {
            ask_until_cut(&Client::connect(&profile).await.unwrap(), &project, &candidate).await
        });
        thread::sleep(Duration::from_millis(120 + 17 * round));
        on.house.kill().unwrap();
        on.house.open().unwrap();
        let (asked, approval) = on.runtime.block_on(busy).unwrap();
        assert!(
            asked.iter().any(|one| one.acknowledged),
            "round {round}: the server did nothing before it died"
        );

        let client = on.runtime.block_on(cast::client(&on.cast.artist)).unwrap();
        let there = keys(&on, &client, &project_id);
        for one in asked.iter().filter(|one| one.acknowledged) {
            assert!(
                there.contains(&format!("note/{}", one.note_id)),
                "round {round}: an acknowledged note is missing"
            );
        }
        // Whoever was cut off asks once more with the same id: done once, whatever had happened before.
        for one in asked.iter().filter(|one| !one.acknowledged) {
            on.runtime
                .block_on(client.perform_as(&one.command_id, &project_id, None, note(&mix, &one.note_id)))
                .unwrap();
        }
        let there = keys(&on, &client, &project_id);
        for one in &asked {
            assert_eq!(there.iter().filter(|key| **key == format!("note/{}", one.note_id)).count(), 1);
        }
        approval_counts_once(&on, &approval);
        on.cast.artist.verb(["withdraw"]).unwrap();
    }
    close_and_verify(on);
}

/// Approves first, then leaves notes until the line is cut.
async fn ask_until_cut(client: &Client, project: &str, mix: &Value) -> (Vec<Asked>, String) {
    let approval_id = new_id();
    let approve = Action::Approve(v1::Approve {
        receipt: None,
        approval_id: approval_id.clone(),
        version_id: text(mix, "version_id").to_owned(),
        role: Role::Artist as i32,
        fingerprint: text(mix, "fingerprint").to_owned(),
    });
    client.perform(project, approve).await.unwrap();
    let mut asked = Vec::new();
    loop {
        let (command_id, note_id) = (new_id(), new_id());
        // The generated client: it does not try again by itself.
        let request = v1::PerformRequest {
            command_id: command_id.clone(),
            project_id: project.to_owned(),
            expected: None,
            action: Some(v1::Action { action: Some(note(mix, &note_id)) }),
        };
        let acknowledged = client.projects().perform(request).await.is_ok();
        asked.push(Asked { command_id, note_id, acknowledged });
        if !acknowledged {
            return (asked, approval_id);
        }
    }
}

fn note(mix: &Value, note_id: &str) -> Action {
    Action::AddNote(v1::AddNote {
        note_id: note_id.to_owned(),
        version_id: text(mix, "version_id").to_owned(),
        start_ms: Some(1_000),
        text: "A little less here.".into(),
        ..v1::AddNote::default()
    })
}

fn keys(on: &Studio, client: &Client, project: &str) -> Vec<String> {
    let update = on.runtime.block_on(client.get(project)).unwrap();
    update.upserts.into_iter().map(|row| row.key).collect()
}

fn approval_counts_once(on: &Studio, approval_id: &str) {
    let rows = cast::rows(&on.cast.label).unwrap();
    let gate = cast::of_kind(&rows, "gate").next().unwrap();
    let of_artist: Vec<&Value> = gate["approvals"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|a| a["state"] == "counts" && a["role"] == "artist")
        .collect();
    assert_eq!(of_artist.len(), 1, "{gate}");
    assert_eq!(of_artist[0]["approval_id"], approval_id);
}

#[test]
fn a_render_that_died_with_its_server_is_taken_up_again() {
    let root = tempfile::tempdir().unwrap();
    let mut on = studio(root.path());
    for step in [
        mixing::take,
        mixing::first_mix,
        mixing::notes,
        mixing::revision,
        mixing::second_mix,
        mixing::mix_approvals,
    ] {
        step(&on).unwrap();
    }
    for _ in 0..2 {
        wait_for_render(&on, |render| render["state"] == "running");
        thread::sleep(Duration::from_millis(700));
        on.house.kill().unwrap();
        on.house.open().unwrap();
        let song = cast::song(&on.cast.label).unwrap();
        assert_eq!((text(&song, "stage"), text(&song["handoff"], "state")), ("mastering", "offered"));
    }
    let render = wait_for_render(&on, |render| render["state"] == "done");
    assert_eq!(render["attempt"], 3, "each start takes the render up once more");
    let rows = cast::rows(&on.cast.masterer).unwrap();
    let masters: Vec<&Value> =
        cast::of_kind(&rows, "version").filter(|row| row["kind"] == "master").collect();
    assert_eq!(masters.len(), 1, "one master, not one for each attempt");
    assert_eq!(masters[0]["version_id"], render["master_version_id"]);
    close_and_verify(on);
}

fn wait_for_render(on: &Studio, is: impl Fn(&Value) -> bool) -> Value {
    let since = Instant::now();
    loop {
        let rows = cast::rows(&on.cast.masterer).unwrap();
        let render = cast::of_kind(&rows, "render").next().unwrap().clone();
        if is(&render) {
            return render;
        }
        assert!(since.elapsed() < Duration::from_secs(120), "the render stands still: {render}");
        thread::sleep(Duration::from_millis(50));
    }
}
