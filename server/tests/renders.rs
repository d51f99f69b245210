//! Renders through a whole server: what comes out, and what happens when the child dies, hangs, is cancelled, or its server goes away.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
mod render_kit;

use std::{path::PathBuf, process::Stdio, time::Duration};

use common::{
    Seat,
    child::{dies, is_dead, kill, pid_in, script, server, signal},
    id_text, refused, within,
};
use deadwax_domain::{Alternate, Command, RenderId, RenderState, Role, VersionKind};
use deadwax_dsp::recipe::Recipe;
use deadwax_proto::v1::{self, mastering_client::MasteringClient};
use deadwax_server::render::shift::PAUSE;
use render_kit::{HANGS, Job, MIX, PATIENCE, SONG, wav};

#[tokio::test]
async fn an_approved_mix_becomes_a_master_that_tells_its_recipe() {
    let job = Job::open(server(), 3).await;
    let done = job.until("the render", |render| !render.is_alive()).await;
    assert_eq!((done.state, done.reason.as_str()), (RenderState::Done, ""));
    let project = job.project().await;
    let master = project.versions.get(done.made.unwrap()).unwrap();
    let encodings = |alternate| master.files.iter().filter(|file| file.alternate == alternate).count();
    assert_eq!((master.kind, master.number, master.by), (VersionKind::Master, 1, None));
    assert!(encodings(Alternate::Main) > 0);
    assert_eq!(encodings(Alternate::Main), encodings(Alternate::Instrumental));
    for file in &master.files {
        assert_eq!(job.house.studio.blobs.verify(file.digest).await.unwrap(), file.facts.bytes);
    }
    // D-1 can be checked for ever: the default recipe stands there, whatever the default is tomorrow.
    let row = job.row(done.id).await;
    let default = Recipe::default();
    assert_eq!(row.recipe_toml, default.canonical_toml());
    assert_eq!(row.recipe_hash, hex::encode(default.hash()));
    assert_eq!(row.engine, deadwax_dsp::render::ENGINE);
    assert!(!row.report_json.is_empty());
    job.work_folder_empties().await;
}

#[tokio::test]
async fn a_child_that_always_dies_is_parked_after_three_attempts_and_can_be_started_again() {
    let home = tempfile::tempdir().unwrap();
    let job = Job::open(script(&home, "echo x >> $home/tries; echo poison >&2; exit 9"), 1).await;
    // Two pauses lie between three attempts.
    let parked = within(PAUSE * 2 + PATIENCE, "parking", job.until("parking", |it| !it.is_alive())).await;
    assert_eq!((parked.state, parked.attempt, parked.failures), (RenderState::Failed, 3, 3));
    assert!(parked.reason.contains("poison") && parked.reason.contains("memory"), "{}", parked.reason);
    assert_eq!(std::fs::read_to_string(home.path().join("tries")).unwrap().lines().count(), 3);
    assert!(!job.row(parked.id).await.reason.is_empty());
    job.work_folder_empties().await;
    let start = Command::StartRender { render: RenderId(7), song: SONG, recipe: None };
    job.house.perform(&job.engineer, job.project, start).await;
    job.until("the next one", |render| render.id == RenderId(7) && render.attempt == 1).await;
}

#[tokio::test]
async fn a_killed_child_costs_one_attempt() {
    let home = tempfile::tempdir().unwrap();
    let real = env!("CARGO_BIN_EXE_deadwax-server");
    // The first one stays until it is killed; later ones are the real thing.
    let body = format!("if [ ! -e $home/once ]; then touch $home/once\n{HANGS}\nfi\nexec {real} \"$@\"");
    let job = Job::open(script(&home, &body), 2).await;
    let child = pid_in(&home).await;
    kill(child);
    let failed = job.until("the failure", |render| render.failures == 1).await;
    assert!(failed.reason.contains("signal: 9"), "{}", failed.reason);
    let done = job.until("the end", |render| !render.is_alive()).await;
    assert_eq!((done.state, done.attempt), (RenderState::Done, 2));
    assert_eq!(job.row(done.id).await.reason, "", "the trouble before is over");
}

#[tokio::test]
async fn a_cancelled_render_dies_at_once_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let job = Job::open(script(&home, HANGS), 1).await;
    let child = pid_in(&home).await;
    let render = job.render().await;
    let progress = within(PATIENCE, "progress", async {
        loop {
            let now =
                job.house.studio.renders.watch(&(job.project, render.id)).map(|it| it.borrow().fraction);
            if let Some(fraction) = now.filter(|fraction| *fraction > 0.0) {
                return fraction;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!((0.0..0.5).contains(&progress), "storing and measuring come after the child's half: {progress}");
    job.house.perform(&job.engineer, job.project, Command::CancelRender { render: render.id }).await;
    dies(child).await;
    within(PATIENCE, "the end of its work", async {
        while job.house.studio.renders.watch(&(job.project, render.id)).is_some()
            || !job.work_folder_is_empty()
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert_eq!(job.render().await.state, RenderState::Cancelled);
}

#[tokio::test]
async fn a_song_that_goes_back_to_mixing_stops_its_render() {
    let home = tempfile::tempdir().unwrap();
    let job = Job::open(script(&home, HANGS), 1).await;
    let child = pid_in(&home).await;
    let back = Command::ReturnHandoff { song: SONG, reason: "The mix clips.".into(), items: Vec::new() };
    job.house.perform(&job.engineer, job.project, back).await;
    dies(child).await;
    assert_eq!(job.render().await.state, RenderState::Cancelled);
    assert!(job.project().await.newest(SONG, VersionKind::Master).is_none());
}

#[tokio::test]
async fn a_render_that_ran_when_its_server_stopped_is_leased_again() {
    let home = tempfile::tempdir().unwrap();
    let job = Job::open(script(&home, HANGS), 2).await;
    let child = pid_in(&home).await;
    let Job { house, project, engineer } = job;
    let house = house.restart(server()).await;
    dies(child).await;
    let job = Job { house, project, engineer };
    let done = job.until("the end", |render| !render.is_alive()).await;
    assert_eq!((done.state, done.attempt, done.failures), (RenderState::Done, 2, 0));
    job.work_folder_empties().await;
}

#[tokio::test]
async fn a_child_that_hears_of_the_stop_before_its_server_costs_no_failure() {
    let home = tempfile::tempdir().unwrap();
    let job = Job::open(script(&home, HANGS), 2).await;
    let child = pid_in(&home).await;
    let Job { house, project, engineer } = job;
    signal(child, rustix::process::Signal::TERM);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let house = house.restart(server()).await;
    let job = Job { house, project, engineer };
    let done = job.until("the end", |render| !render.is_alive()).await;
    assert_eq!((done.state, done.attempt, done.failures), (RenderState::Done, 2, 0));
}

#[tokio::test]
async fn damaged_bytes_are_never_rendered() {
    let home = tempfile::tempdir().unwrap();
    let job = Job::open(script(&home, HANGS), 1).await;
    pid_in(&home).await;
    let render = job.render().await.id;
    job.house.perform(&job.engineer, job.project, Command::CancelRender { render }).await;
    let files = job.project().await.versions.get(MIX).unwrap().files.clone();
    assert_eq!(files.len(), 2);
    for (render, file) in [RenderId(7), RenderId(8)].into_iter().zip(&files) {
        let path = job.house.studio.blobs.local_path(file.digest).await.unwrap();
        let good = std::fs::read(&path).unwrap();
        let mut damaged = good.clone();
        damaged[1000] ^= 1;
        std::fs::write(&path, damaged).unwrap();
        let start = Command::StartRender { render, song: SONG, recipe: None };
        job.house.perform(&job.engineer, job.project, start).await;
        let failed = job.until("the failure", |it| it.id == render && !it.is_alive()).await;
        assert_eq!((failed.state, failed.attempt), (RenderState::Failed, 1), "{}", failed.reason);
        let told = [file.digest.to_string(), file.alternate.to_string(), "damaged".to_owned()];
        assert!(told.iter().all(|word| failed.reason.contains(word)), "{}", failed.reason);
        assert!(!home.path().join("pid").exists(), "no child saw the damaged bytes");
        std::fs::write(&path, good).unwrap();
    }
    job.work_folder_empties().await;
    let start = Command::StartRender { render: RenderId(9), song: SONG, recipe: None };
    job.house.perform(&job.engineer, job.project, start).await;
    pid_in(&home).await;
}

#[tokio::test]
async fn progress_is_for_members_who_see_renders() {
    let home = tempfile::tempdir().unwrap();
    let job = Job::open(script(&home, HANGS), 1).await;
    let render = job.render().await.id;
    let watch = async |seat: &Seat| {
        let asked =
            v1::WatchRenderRequest { project_id: id_text(job.project.0), render_id: id_text(render.0) };
        MasteringClient::new(seat.channel.clone()).watch_render(seat.with(asked)).await
    };
    let lou = job.house.person("Lou", false).await;
    refused(watch(&lou).await, "NO_SUCH_PROJECT");
    let manager = job.project().await.members.keys().next().unwrap();
    let roles = [Role::Listener].into();
    job.by_manager(manager, Command::AddMember { person: lou.id, roles }).await;
    refused(watch(&lou).await, "NO_SUCH_RENDER");
    let mut told = watch(&job.engineer).await.unwrap().into_inner();
    assert!(!told.message().await.unwrap().unwrap().ended);
    job.by_manager(manager, Command::RemoveMember { person: job.engineer.id }).await;
    let end = within(PATIENCE, "the end of the stream", async {
        loop {
            if let Err(end) = told.message().await {
                return end;
            }
        }
    })
    .await;
    refused::<()>(Err(end), "NO_SUCH_PROJECT");
}

/// kill -9 of the server: its children die with it, so that none writes into a folder that the next server has emptied.
#[tokio::test]
async fn a_child_dies_with_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let (main, out_dir) = (folder.path().join("main.wav"), folder.path().join("out"));
    std::fs::write(&main, wav(120)).unwrap();
    std::fs::create_dir(&out_dir).unwrap();
    let recipe_toml = Recipe::default().canonical_toml();
    let job = serde_json::json!({
        "main": main, "alternates": [], "sums": [], "inserts": {}, "recipe_toml": recipe_toml, "out_dir": out_dir, "stem": "x",
    });
    let job_path: PathBuf = folder.path().join("job.json");
    std::fs::write(&job_path, job.to_string()).unwrap();
    let mut parent = std::process::Command::new("/bin/sh")
        .arg("-c")
        .arg("\"$0\" child render --memory-bytes 536870912 --cpu-seconds 600 \"$1\" > /dev/null & echo $! > \"$2\"; wait")
        .args([env!("CARGO_BIN_EXE_deadwax-server").as_ref(), job_path.as_os_str()])
        .arg(folder.path().join("pid"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let child = pid_in(&folder).await;
    // It works: something was written.
    within(PATIENCE, "the first output", async {
        while std::fs::read_dir(&out_dir).unwrap().next().is_none() {
            assert!(!is_dead(child), "the child ended by itself");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(!is_dead(child));
    kill(parent.id());
    parent.wait().unwrap();
    dies(child).await;
}
