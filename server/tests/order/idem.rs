//! Changes that are asked for again, with the same command id: after the answer, while the first is on its way, after the line was cut, over a new start, and
//! with another body. Goal: as many entries as changes, each retry answered with the first answer, another body refused.

use std::time::Duration;

use deadwax_domain::ProjectId;
use tonic::Code;

use crate::{
    Dice, beside,
    common::{House, Seat, refused, within},
    gate, new_id, now, perform, retitled, song, times, title_of,
};

const LANES: u64 = 8;

#[derive(Clone)]
struct Done {
    command: String,
    title: u64,
    first_seq: u64,
    seq: u64,
}

#[derive(Default)]
struct Sum {
    done: Vec<Done>,
    retries: u64,
    together: u64,
    cut: u64,
    other_bodies: u64,
}

/// One song of one person; every change is asked for several times.
async fn lane(seats: Vec<Seat>, project: ProjectId, song: String, changes: u64, mut dice: Dice) -> Sum {
    let mut sum = Sum::default();
    for title in 1..=changes {
        let command = new_id();
        let ask = |seat: usize| {
            let (seat, command, action) = (&seats[seat], &command, retitled(&song, title));
            async move { perform(seat, command, project, None, action).await }
        };
        let mut answers = Vec::new();
        match dice.below(3) {
            0 => {
                answers.push(ask(0).await.unwrap());
                sum.retries += 1;
                answers.push(ask(1).await.unwrap());
            }
            1 => {
                let all = futures::future::join_all((0..3).map(|n| ask(n % seats.len()))).await;
                answers.extend(all.into_iter().map(Result::unwrap));
                sum.together += 2;
            }
            _ => {
                // Whether it was done before the line went is not known.
                let moment = Duration::from_micros(dice.below(2_000));
                answers.extend(tokio::time::timeout(moment, ask(0)).await.ok().map(Result::unwrap));
                answers.push(ask(1).await.unwrap());
                sum.cut += 1;
            }
        }
        let first = answers[0].clone();
        assert!(
            answers.iter().all(|it| (it.first_seq, it.seq) == (first.first_seq, first.seq)),
            "{answers:?}"
        );
        if dice.below(4) == 0 {
            let other = perform(&seats[0], &command, project, None, retitled(&song, title + 1)).await;
            assert_eq!(refused(other, "COMMAND_ID_REUSED").code(), Code::FailedPrecondition);
            sum.other_bodies += 1;
        }
        sum.done.push(Done { command, title, first_seq: first.first_seq, seq: first.seq });
    }
    sum
}

/// Stops in order and opens the same folder again.
async fn reopened(house: House) -> House {
    let House { folder, studio, served, stop, .. } = house;
    stop.cancel();
    within(Duration::from_secs(30), "stopping", served).await.unwrap().unwrap();
    drop(studio);
    within(Duration::from_secs(30), "the folder's lock", async {
        let config = deadwax_server::config::Config::default();
        while deadwax_server::admin::open_store(folder.path(), &config).is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    House::open_embedded(folder, |_| {}).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_is_asked_for_again_is_done_once() {
    let changes = times(10_000, 500, 80) / LANES * LANES;
    let house = House::open_embedded(tempfile::tempdir().unwrap(), |_| {}).await;
    let owner = house.person("Olga", true).await;
    let project = house.project(&owner).await;
    let mut songs = Vec::new();
    for _ in 0..LANES {
        songs.push(song(&owner, project).await);
    }
    let begun = now(&owner, project).await.seq;
    let mut dice = Dice::seeded();
    let mut lanes = Vec::new();
    for song in &songs {
        let seats = vec![beside(&house, &owner).await, beside(&house, &owner).await];
        let dice = Dice(dice.below(u64::MAX));
        lanes.push(tokio::spawn(lane(seats, project, song.clone(), changes / LANES, dice)));
    }
    let mut sums = Vec::new();
    for lane in lanes {
        sums.push(lane.await.unwrap());
    }
    let there = now(&owner, project).await;
    let entries = there.seq - begun;
    assert!(songs.iter().all(|song| title_of(&there, song) == changes / LANES), "no change was undone");

    let token = owner.token.clone();
    let house = reopened(house).await;
    let owner = Seat { token, ..house.stranger().await };
    let mut after_start = 0;
    for (song, sum) in songs.iter().zip(&sums) {
        for done in sum.done.iter().step_by(5) {
            let again =
                perform(&owner, &done.command, project, None, retitled(song, done.title)).await.unwrap();
            assert_eq!((again.first_seq, again.seq), (done.first_seq, done.seq));
            let other = perform(&owner, &done.command, project, None, retitled(song, done.title + 7)).await;
            refused(other, "COMMAND_ID_REUSED");
            after_start += 1;
        }
    }
    let still = now(&owner, project).await.seq - begun;
    let all = |of: fn(&Sum) -> u64| sums.iter().map(of).sum::<u64>();
    let held = entries == changes && still == changes;
    let figures = format!(
        "{changes} changes, {entries} entries; {} asked again after the answer, {} at the same time, {} after a cut, {after_start} after a new start; another body {} times, refused each time",
        all(|it| it.retries),
        all(|it| it.together),
        all(|it| it.cut),
        all(|it| it.other_bodies) + after_start,
    );
    gate("IDEM", held, &figures);
    assert!(held, "{figures}");
}
