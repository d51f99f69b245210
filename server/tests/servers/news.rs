//! News leave the studio once, whichever server is asked and whichever is killed: of several servers one at a time tells, and the next one goes on where it stood.
//! Never here: what a letter or a delivery says.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use deadwax_proto::v1::{self, action::Action};

use crate::{
    cluster,
    house::House,
    news_kit::{Heard, MailSink, WebSink},
    seats::{Seat, new_id, retitled},
    together::invited,
};

/// So that another server takes over within a moment.
const LEASE: (&str, &str) = ("RENDER__LEASE_SECONDS", "3");
/// Until what was told is kept, and until another server has taken over, on a machine with other work.
const KEPT: Duration = Duration::from_secs(1);
const TAKEN_OVER: Duration = Duration::from_secs(8);
/// What comes within a minute is one letter.
const LETTER: Duration = Duration::from_secs(100);

async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

fn ids(heard: &[Heard]) -> BTreeSet<String> {
    heard.iter().map(|it| it.json()["delivery"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_servers_one_tells_a_webhook_and_the_other_goes_on_where_it_was_killed() {
    let Some(cluster) = cluster::shared() else { return };
    let sink = WebSink::open().await;
    let mut house = House::open_with(cluster, 2, &[LEASE, ("WEBHOOKS__ALLOW_PRIVATE", "true")]);
    let owner = Seat::login(house.channel(0).await, &house.owner_code).await.unwrap();
    let project = owner.new_project().await;
    let song = owner.new_song(&project).await;
    let hook = v1::SetWebhook { webhook_id: new_id(), url: sink.url(), codes: vec!["SONG_EDITED".into()] };
    owner.perform(&project, Action::SetWebhook(hook)).await.unwrap();
    let mut title = 0;
    for round in 0..5 {
        // Nobody, the first, the second, and each of them once more: whoever tells is killed twice at least.
        let down: Option<usize> = [None, Some(0), Some(1), Some(0), Some(1)][round];
        if let Some(down) = down {
            house.servers[down].kill();
        }
        for turn in 0..4usize {
            let server = down.map_or(turn % 2, |down| 1 - down);
            title += 1;
            let seat = owner.over(house.channel(server).await);
            seat.perform(&project, retitled(&song, title)).await.unwrap();
        }
        let heard = sink.until_heard(title as usize).await;
        assert_eq!(ids(&heard).len(), title as usize, "round {round}");
        pause(KEPT).await;
        if let Some(down) = down {
            house.servers[down].start();
        }
    }
    pause(TAKEN_OVER).await;
    let heard = sink.heard();
    // A title stands there as it is when it is told; which fact it is tells the seq.
    let told: Vec<u64> = heard.iter().map(|it| it.json()["seq"].as_u64().unwrap()).collect();
    assert_eq!(told.len() as u64, title, "each once: {told:?}");
    assert!(told.is_sorted_by(|one, next| one < next), "in order: {told:?}");
    let signed = heard[0].header("deadwax-signature").len();
    assert!(heard.iter().all(|it| it.header("deadwax-signature").len() == signed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_is_sent_once_and_by_the_other_server_where_one_was_killed() {
    let Some(cluster) = cluster::shared() else { return };
    let sink = MailSink::open().await;
    let port = sink.address.port().to_string();
    let mail = [
        LEASE,
        ("MAIL__HOST", "127.0.0.1"),
        ("MAIL__PORT", &port),
        ("MAIL__SECURITY", "none"),
        ("MAIL__FROM", "deadwax@gold.example"),
    ];
    let mut house = House::open_with(cluster, 2, &mail);
    let owner = Seat::login(house.channel(0).await, &house.owner_code).await.unwrap();
    let project = owner.new_project().await;
    let code = invited(&owner, "Ana", &project).await.unwrap();
    let ana = Seat::login(house.channel(1).await, &code).await.unwrap();
    let choice = v1::MailChoice::Each.into();
    ana.sessions().set_mail(ana.with(v1::SetMailRequest { choice })).await.unwrap();
    pause(KEPT).await;
    // A song without a take waits on the artist.
    owner.new_song(&project).await;
    let begun = Instant::now();
    pause(KEPT * 2).await;
    for server in [0, 1] {
        house.servers[server].kill();
        pause(TAKEN_OVER).await;
        house.servers[server].start();
    }
    while sink.mails().is_empty() {
        assert!(begun.elapsed() < LETTER, "no letter came: {}", house.logs());
        pause(Duration::from_millis(50)).await;
    }
    println!("the letter came {:?} after what it tells of", begun.elapsed());
    pause(TAKEN_OVER).await;
    let mails = sink.mails();
    assert_eq!(mails.len(), 1, "one letter, not two");
    assert!(mails[0].to[0].to_lowercase().contains("ana@x.example"), "{:?}", mails[0].to);
}
