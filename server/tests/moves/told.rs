//! News leave the studio once and in order over its moves, also where the first server at the new place is another than the one whose folder was filled, and are signed
//! with the same secret. Never here: what a delivery says.

use std::{path::Path, time::Duration};

use deadwax_proto::v1::{self, action::Action};

use crate::{
    cluster,
    news_kit::{Heard, WebSink, until},
    process::connect,
    seats::{Seat, new_id, retitled},
    studio::{Studio, in_database, moved, secret},
};

/// Until what was told is kept.
const KEPT: Duration = Duration::from_secs(2);

struct Desk {
    owner: Seat,
    project: String,
    song: String,
    /// The seqs of what was done, which a webhook hears of.
    told: Vec<u64>,
    /// When a server was stopped.
    on_their_way: usize,
}

impl Desk {
    async fn at(&self, studio: &Studio) -> Seat {
        self.owner.over(connect(studio.address.unwrap()).await.unwrap())
    }

    async fn retitles(&mut self, studio: &Studio, times: usize) {
        let seat = self.at(studio).await;
        for _ in 0..times {
            let title = 1 + self.told.len() as u64;
            self.told.push(seat.perform(&self.project, retitled(&self.song, title)).await.unwrap());
        }
    }
}

fn private_hooks(folder: &Path) {
    let path = folder.join("studio.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    secret(&path, &format!("{settings}[webhooks]\nallow_private = true\n"));
}

/// Everything up to now was heard, each once and in order.
async fn must_be_told(sink: &WebSink, desk: &Desk) {
    let seq = |it: &Heard| -> u64 {
        let delivery = it.json()["delivery"].as_str().unwrap().to_owned();
        delivery.split('/').nth(1).unwrap().parse().unwrap()
    };
    let last = desk.told.last().copied();
    until("the last one", || sink.heard().iter().any(|it| Some(seq(it)) == last).then_some(())).await;
    tokio::time::sleep(KEPT).await;
    let mut seqs: Vec<u64> = sink.heard().iter().map(seq).collect();
    let heard = seqs.len();
    seqs.dedup();
    assert_eq!(seqs, desk.told, "each once, and in order");
    assert!(heard <= desk.told.len() + desk.on_their_way, "{heard}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_are_told_once_over_a_move_to_a_database_and_back() {
    let Some(cluster) = cluster::shared() else { return };
    let (root, sink) = (tempfile::tempdir().unwrap(), WebSink::open().await);
    let (mut old, code) = Studio::init(root.path().join("old"));
    private_hooks(&old.folder);
    old.start(None);
    let owner = Seat::login(connect(old.address.unwrap()).await.unwrap(), &code).await.unwrap();
    let project = owner.new_project().await;
    let song = owner.new_song(&project).await;
    let hook = new_id();
    let set = v1::SetWebhook { webhook_id: hook.clone(), url: sink.url(), codes: vec!["SONG_EDITED".into()] };
    owner.perform(&project, Action::SetWebhook(set)).await.unwrap();
    let asked = v1::WebhookSecretRequest { project_id: project.clone(), webhook_id: hook };
    let mut desk = Desk { owner, project, song, told: Vec::new(), on_their_way: 0 };
    desk.retitles(&old, 5).await;
    must_be_told(&sink, &desk).await;
    // What comes just before the end is told by whoever is there later; what was on its way may come twice.
    desk.retitles(&old, 3).await;
    desk.on_their_way = 1;
    old.stop();

    let url = root.path().join("url");
    secret(&url, cluster.place().url.reveal());
    let new = Studio::settled(root.path().join("new"), &in_database(&url, None));
    private_hooks(&new.folder);
    tokio::task::block_in_place(|| moved(&old.folder, &new.folder));
    // Not the folder that was filled: what was told lies where every server finds it.
    let mut twin = new.twin(root.path().join("twin"));
    twin.start(None);
    must_be_told(&sink, &desk).await;
    desk.retitles(&twin, 4).await;
    must_be_told(&sink, &desk).await;
    twin.stop();

    let mut back = Studio::settled(root.path().join("back"), "");
    private_hooks(&back.folder);
    tokio::task::block_in_place(|| moved(&new.folder, &back.folder));
    back.start(None);
    desk.retitles(&back, 4).await;
    must_be_told(&sink, &desk).await;
    let seat = desk.at(&back).await;
    let secret = seat.projects().webhook_secret(seat.with(asked)).await.unwrap().into_inner().secret;
    assert!(sink.heard().iter().all(|it| it.is_signed_with(&secret)), "signed with another secret");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_webhooks_that_servers_made_of_their_seal_is_kept() {
    let Some(cluster) = cluster::shared() else { return };
    let (root, sink) = (tempfile::tempdir().unwrap(), WebSink::open().await);
    let (old, code) = Studio::init(root.path().join("old"));
    let (first, second) = (root.path().join("first"), root.path().join("second"));
    for url in [&first, &second] {
        secret(url, cluster.place().url.reveal());
    }
    let new = Studio::settled(root.path().join("new"), &in_database(&first, None));
    tokio::task::block_in_place(|| moved(&old.folder, &new.folder));
    let mut twin = new.twin(root.path().join("twin"));
    private_hooks(&twin.folder);
    twin.start(None);
    let owner = Seat::login(connect(twin.address.unwrap()).await.unwrap(), &code).await.unwrap();
    let project = owner.new_project().await;
    let hook = new_id();
    let set = v1::SetWebhook { webhook_id: hook.clone(), url: sink.url(), codes: Vec::new() };
    owner.perform(&project, Action::SetWebhook(set)).await.unwrap();
    let asked = v1::WebhookSecretRequest { project_id: project, webhook_id: hook };
    let before =
        owner.projects().webhook_secret(owner.with(asked.clone())).await.unwrap().into_inner().secret;
    twin.stop();
    assert!(!new.folder.join("webhooks.key").exists(), "the key lies at the other server");
    // To another database, whose servers make the same key, and from there into a folder.
    let next = Studio::settled(root.path().join("next"), &in_database(&second, None));
    tokio::task::block_in_place(|| moved(&new.folder, &next.folder));
    let mut back = Studio::settled(root.path().join("back"), "");
    tokio::task::block_in_place(|| moved(&next.folder, &back.folder));
    back.start(None);
    let seat = owner.over(connect(back.address.unwrap()).await.unwrap());
    let after = seat.projects().webhook_secret(seat.with(asked)).await.unwrap().into_inner().secret;
    assert_eq!(before, after);
}
