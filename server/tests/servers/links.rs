//! A share link counts at every server: it opens at the other in the same breath, no more often than it may at all of them together, and ends at all of them. Never
//! here: what a guest hears (`server/tests/links`).

use std::time::Instant;

use deadwax_proto::v1::{self, link_scope::Of, links_client::LinksClient};
use tokio::time::timeout;
use tonic::{Code, Status, transport::Channel};

use crate::{
    cluster,
    house::House,
    seats::{Seat, new_id, refused},
    together::{LOST, end, watch, within_a_second},
};

async fn make(owner: &Seat, project: &str, song: &str, sessions_max: u32) -> v1::MakeLinkResponse {
    let asked = v1::MakeLinkRequest {
        command_id: new_id(),
        project_id: project.into(),
        scope: Some(v1::LinkScope { of: Some(Of::SongId(song.into())) }),
        recipient: "Dana Holt".into(),
        sessions_max,
        ..v1::MakeLinkRequest::default()
    };
    LinksClient::new(owner.channel.clone()).make(owner.with(asked)).await.unwrap().into_inner()
}

async fn open(channel: Channel, link: &str) -> Result<Seat, Status> {
    let secret = link.split_once('#').unwrap().1.to_owned();
    let asked =
        v1::OpenLinkRequest { secret, device: "a browser".into(), api: 1, ..v1::OpenLinkRequest::default() };
    let opened = LinksClient::new(channel.clone()).open(asked).await?.into_inner();
    Ok(Seat { channel, token: opened.token })
}

async fn revoke(owner: &Seat, project: &str, link_id: String) {
    let asked = v1::RevokeLinkRequest { command_id: new_id(), project_id: project.into(), link_id };
    LinksClient::new(owner.channel.clone()).revoke(owner.with(asked)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_opens_at_every_server_as_often_as_it_may_and_ends_at_all() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster, 2);
    let (here, there) = (house.channel(0).await, house.channel(1).await);
    let owner = Seat::login(here.clone(), &house.owner_code).await.unwrap();
    let project = owner.new_project().await;
    let song = owner.new_song(&project).await;
    let (mut streams, mut calls) = (Vec::new(), Vec::new());
    for turn in 0..6 {
        let made = make(&owner, &project, &song, 3).await;
        let guest = open(there.clone(), &made.link).await.unwrap();
        // The session counts where it was not opened, too.
        let at_both = [guest.clone(), guest.over(here.clone())];
        for seat in &at_both {
            assert_eq!(seat.who_am_i().await.unwrap().name, "Dana Holt");
        }
        let mut pages = Vec::new();
        for seat in &at_both {
            pages.push(watch(seat, &project, 0).await.unwrap());
        }
        let tries = (0..8).map(|at| open(if at % 2 == 0 { here.clone() } else { there.clone() }, &made.link));
        let answers = futures::future::join_all(tries).await;
        assert_eq!(answers.iter().filter(|it| it.is_ok()).count(), 2, "one of three was opened before");
        for no in answers.into_iter().filter(Result::is_err) {
            refused(no, "LINK_USED_UP");
        }
        // By turns at each of them.
        let at = if turn % 2 == 0 { &owner } else { &owner.over(there.clone()) };
        revoke(at, &project, made.link_id.clone()).await;
        let told = Instant::now();
        for page in &mut pages {
            let why = timeout(LOST, end(page)).await.expect("the page is ended");
            // Of two streams of facts either may come first: that the link has ended, or that its session has.
            assert!([Code::Unauthenticated, Code::NotFound].contains(&why.code()), "{why:?}");
        }
        streams.push(told.elapsed());
        for seat in &at_both {
            assert_eq!(seat.who_am_i().await.unwrap_err().code(), Code::Unauthenticated);
        }
        calls.push(told.elapsed());
        for channel in [&here, &there] {
            refused(open(channel.clone(), &made.link).await, "LINK_ENDED");
        }
    }
    within_a_second("a link revoked at one server, its pages at both", streams);
    within_a_second("and their next call refused", calls);
}
