//! Sixty-four who each add one to the same number, on the sight they had of it. Goal: whoever was faster wins, everybody else is told where it stands and
//! changes nothing; the number is as high as there were winners.

use std::sync::atomic::{AtomicU64, Ordering};

use deadwax_domain::ProjectId;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{
    beside,
    common::{House, Seat, refused},
    gate, new_id, now, perform, retitled, song, times, title_of,
};

const WRITERS: usize = 64;
const CONNECTIONS: usize = 8;

#[derive(Default)]
struct Sum {
    tries: AtomicU64,
    wins: AtomicU64,
    losses: AtomicU64,
}

async fn add_one_after_the_other(seat: Seat, project: ProjectId, song: String, tries: u64, sum: &Sum) {
    let mut sight = now(&seat, project).await;
    while sum.tries.fetch_add(1, Ordering::Relaxed) < tries {
        let next = title_of(&sight, &song) + 1;
        match perform(&seat, &new_id(), project, Some(sight.seq), retitled(&song, next)).await {
            Ok(done) => {
                assert_eq!(done.seq, sight.seq + 1, "it was decided on what stood there");
                sum.wins.fetch_add(1, Ordering::Relaxed);
            }
            Err(no) => {
                let no = refused::<()>(Err(no), "SOMEBODY_WAS_FASTER");
                assert_eq!(no.code(), Code::Aborted);
                let told: u64 = no.get_details_error_info().unwrap().metadata["seq"].parse().unwrap();
                assert!(told > sight.seq, "{told} is no news to whoever saw {}", sight.seq);
                sum.losses.fetch_add(1, Ordering::Relaxed);
            }
        }
        let before = sight.seq;
        sight = now(&seat, project).await;
        assert!(sight.seq > before, "whoever asked anew sees what made them lose, or their own");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixty_four_on_one_sight_one_wins() {
    let tries = times(1_000_000, 2_000, 300);
    let house = House::open_embedded(tempfile::tempdir().unwrap(), |_| {}).await;
    let owner = house.person("Olga", true).await;
    let project = house.project(&owner).await;
    let song = song(&owner, project).await;
    let begun = now(&owner, project).await.seq;
    let mut lines = Vec::new();
    for _ in 0..CONNECTIONS {
        lines.push(beside(&house, &owner).await);
    }
    let sum = Sum::default();
    let writers = (0..WRITERS)
        .map(|n| add_one_after_the_other(lines[n % CONNECTIONS].clone(), project, song.clone(), tries, &sum));
    futures::future::join_all(writers).await;
    let there = now(&owner, project).await;
    let (wins, losses) = (sum.wins.load(Ordering::Relaxed), sum.losses.load(Ordering::Relaxed));
    let (entries, number) = (there.seq - begun, title_of(&there, &song));
    let held = entries == wins && number == wins && wins + losses == tries && losses > 0;
    let figures = format!(
        "{WRITERS} writers, {tries} tries: {wins} winners, {entries} entries, the number stands at {number}; {losses} losers, each told the newest place; {} lost updates",
        wins.abs_diff(number)
    );
    gate("RACE", held, &figures);
    assert!(held, "{figures}");
}
