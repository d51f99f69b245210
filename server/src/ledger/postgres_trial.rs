//! Two ledgers on one database, as in two servers: every decision counts once, and each sees what the other did. Says `not-run` without a Postgres.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, Instant},
};

use deadwax_domain::{PersonId, SongId};

use super::*;
use crate::store::postgres::tests::{opened, place};

struct Wall(AtomicI64);

impl Clock for Wall {
    fn now_ms(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

const PROJECT: ProjectId = ProjectId(0x1000);

async fn server(options: &crate::store::postgres::Options) -> Arc<Ledger> {
    Ledger::open(opened(options).await, Arc::new(Wall(AtomicI64::new(1_000)))).await.unwrap()
}

fn perform(id: u128, project: ProjectId, command: Command) -> Perform {
    let actor = Actor::Person { id: PersonId(1), studio_owner: true };
    Perform { command_id: id, request_sha256: [1; 32], project, actor, expected: None, command }
}

fn create() -> Command {
    Command::CreateProject { title: "Night".into(), artist: "Ana".into() }
}

fn song(id: u128) -> Command {
    Command::AddSong { song: SongId(id), title: format!("Song {id}"), isrc: String::new() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_writers_on_two_servers_are_all_counted_once() {
    let Some(options) = place() else { return };
    let servers = [server(&options).await, server(&options).await];
    let created = servers[0].perform(perform(1, PROJECT, create())).await.unwrap().last_seq;
    let writers = (0..64u128).map(|writer| {
        let ledger = Arc::clone(&servers[writer as usize % 2]);
        tokio::spawn(async move {
            let mut won = 0u64;
            for turn in 0..3u128 {
                let id = 100 + writer * 10 + turn;
                // However often the other server is faster: nobody is told of it.
                let done = ledger.perform(perform(id, PROJECT, song(id))).await.unwrap();
                won += done.last_seq + 1 - done.first_seq;
            }
            won
        })
    });
    let won: u64 = futures::future::join_all(writers).await.into_iter().map(|won| won.unwrap()).sum();
    let entries = servers[1].events(PROJECT, 0, usize::MAX).await.unwrap();
    assert_eq!(entries.len() as u64, won + created, "winners are entries");
    let third = server(&options).await.project(PROJECT).await.unwrap().unwrap();
    assert_eq!(third.project.songs.iter().count(), 192);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_server_appends_the_watchers_of_the_other_see() {
    let Some(options) = place() else { return };
    for listen in [true, false] {
        let project = ProjectId(0x2000 + u128::from(listen));
        let options = crate::store::postgres::Options { listen, ..options.clone() };
        let (here, there) = (server(&options).await, server(&options).await);
        here.perform(perform(project.0, project, create())).await.unwrap();
        // At once, without having been heard of.
        assert!(there.project(project).await.unwrap().is_some());
        let mut head = there.watch(project);
        let mut slowest = Duration::ZERO;
        for turn in 0..10u128 {
            head.mark_unchanged();
            let began = Instant::now();
            let seq =
                here.perform(perform(project.0 << 8 | turn, project, song(turn))).await.unwrap().last_seq;
            let seen = head.wait_for(|head| *head >= seq);
            // A second is the promise; a machine under load gets more before it counts as lost.
            tokio::time::timeout(Duration::from_secs(15), seen).await.expect("the watcher is told").unwrap();
            slowest = slowest.max(began.elapsed());
        }
        println!("listen {listen}: the slowest of ten took {slowest:?}, append included");
        assert_eq!(there.project(project).await.unwrap().unwrap().project.songs.iter().count(), 10);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_sent_at_one_server_counts_at_the_other_and_at_the_next() {
    let Some(options) = place() else { return };
    let (here, there) = (server(&options).await, server(&options).await);
    here.perform(perform(1, PROJECT, create())).await.unwrap();
    for number in 1..=3u8 {
        let receive = Command::ReceiveFile { file: super::sent::tests::file(number, 100) };
        here.perform(perform(u128::from(number) + 1, PROJECT, receive)).await.unwrap();
    }
    let sent = Sent { files: 3, bytes: 300 };
    assert_eq!(here.sent(PersonId(1)), sent);
    // Whoever begins an upload asks for the project first.
    there.project(PROJECT).await.unwrap();
    assert_eq!(there.sent(PersonId(1)), sent);
    assert_eq!(server(&options).await.sent(PersonId(1)), sent);
    assert_eq!(there.sent(PersonId(2)), Sent::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_no_is_given_on_what_stands_there_now_and_a_retry_at_the_other_server_is_answered() {
    let Some(options) = place() else { return };
    let (here, there) = (server(&options).await, server(&options).await);
    let first = here.perform(perform(1, PROJECT, create())).await.unwrap();
    let again = there.perform(perform(1, PROJECT, create())).await.unwrap();
    assert_eq!((again.repeated, again.first_seq, again.last_seq), (true, first.first_seq, first.last_seq));
    for turn in 0..20u128 {
        here.perform(perform(100 + turn, PROJECT, song(turn))).await.unwrap();
        // Refused where the song is not known: `there` may not have heard of it yet.
        let edit = Command::EditSong { song: SongId(turn), title: Some(format!("New {turn}")), isrc: None };
        there.perform(perform(200 + turn, PROJECT, edit)).await.unwrap();
    }
    let mut old = perform(300, PROJECT, song(99));
    old.expected = Some(1);
    assert!(matches!(here.perform(old).await, Err(LedgerError::Conflict { .. })));
}
