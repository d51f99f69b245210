//! Two people over a real server and the client's own net layer: they see each other, a cut removes and mends, the membership ends it. What the screens make
//! of it is tested where the screens are.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{path::Path, time::Duration};

use deadwax_client::{
    net::{self, Client, Followed},
    profile::Home,
};
use deadwax_proto::v1::{Attendance, Attendee, Attending};
use deadwax_tests::{
    harness::{House, Seat},
    line::Line,
};
use futures::{Stream, StreamExt as _};
use tokio::sync::watch;

async fn client(seat: &Seat, through: Option<&Line>) -> Client {
    let mut profile = Home::at(&seat.home).load(None).unwrap();
    if let Some(line) = through {
        profile.url = format!("deadwax://{}", line.address);
    }
    Client::connect(&profile).await.unwrap()
}

async fn until<T>(
    stream: &mut (impl Stream<Item = Followed<Attendance>> + Unpin),
    what: &str,
    is: impl Fn(&Followed<Attendance>) -> Option<T>,
) -> T {
    let found = async {
        loop {
            let item = stream.next().await.unwrap_or_else(|| panic!("{what}: it ended"));
            if let Some(found) = is(&item) {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), found)
        .await
        .unwrap_or_else(|_| panic!("{what}: it never came"))
}

fn here(item: &Followed<Attendance>, is: impl Fn(&[Attendee]) -> bool) -> Option<Vec<Attendee>> {
    match item {
        Followed::Row(answer) if is(&answer.attendees) => Some(answer.attendees.clone()),
        _ => None,
    }
}

#[test]
fn two_clients_hear_of_each_other_through_a_cut_and_no_longer_than_they_may() {
    let root = tempfile::tempdir().unwrap();
    let mut house = House::found(Path::new(env!("CARGO_BIN_EXE_demo")), root.path()).unwrap();
    house.open().unwrap();
    let noor = house.seat(root.path(), "noor").unwrap();
    noor.verb(["login", house.owner_link.as_str()]).unwrap();
    noor.verb(["project", "create", "Night Drive", "--artist", "Mara Lind"]).unwrap();
    noor.verb(["song", "add", "Night Drive"]).unwrap();
    let invite = ["invite", "--name", "Lena", "--email", "lena@lamplight.example", "--roles", "listener"];
    let link = noor.verb(invite).unwrap().first()["link"].as_str().unwrap().to_owned();
    let lena = house.seat(root.path(), "lena").unwrap();
    lena.verb(["login", link.as_str()]).unwrap();
    let rows = noor.verb(["export", "--no-audio"]).unwrap().lines;
    let of = |kind: &str, id: &str| {
        rows.iter().find(|row| row["row"] == kind).and_then(|row| row[id].as_str()).unwrap().to_owned()
    };
    let (project_id, song_id) = (of("project", "project_id"), of("song", "song_id"));

    let line = Line::to(&house.address).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let place = Attending { project_id: project_id.clone(), ..Attending::default() };
        let (_noors_place, places) = watch::channel(place.clone());
        let mut noors = Box::pin(net::attend(client(&noor, None).await, places));
        until(&mut noors, "oneself", |item| here(item, |all| all.len() == 1)).await;

        let (lenas_place, places) = watch::channel(Attending { song_id: song_id.clone(), ..place.clone() });
        let mut lenas = Box::pin(net::attend(client(&lena, Some(&line)).await, places));
        let both = until(&mut lenas, "both", |item| here(item, |all| all.len() == 2)).await;
        assert!(both[1].you && both[1].name == "Lena" && both[1].song_id == song_id);
        lenas_place.send_replace(Attending {
            song_id: song_id.clone(),
            playhead_ms: Some(83_000),
            leading: true,
            ..place.clone()
        });
        let seen =
            until(&mut noors, "that she leads", |item| here(item, |all| all.len() == 2 && all[1].leading))
                .await;
        assert_eq!(
            (seen[1].name.as_str(), seen[1].playhead_ms),
            ("Lena", None),
            "no version, no place in it"
        );

        line.cut();
        until(&mut lenas, "the cut", |item| matches!(item, Followed::Lost { .. }).then_some(())).await;
        until(&mut noors, "her gone", |item| here(item, |all| all.len() == 1)).await;
        line.mend();
        // She told nothing new: what was true is told again by itself.
        let back = until(&mut lenas, "the line", |item| here(item, |all| all.len() == 2)).await;
        assert!(back[1].you && back[1].leading);
        // Before she goes: who comes and goes between two answers was never here.
        until(&mut noors, "her back", |item| here(item, |all| all.len() == 2)).await;

        let seat = noor.clone();
        tokio::task::spawn_blocking(move || seat.verb(["member", "remove", "Lena", "--yes"]).unwrap())
            .await
            .unwrap();
        until(&mut lenas, "the end", |item| matches!(item, Followed::Ended(_)).then_some(())).await;
        assert!(lenas.next().await.is_none());
        until(&mut noors, "her gone for good", |item| here(item, |all| all.len() == 1)).await;
    });
}
