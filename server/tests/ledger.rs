//! The ledger: a retry gives the first answer (L-3), whoever follows is told what moved, nothing is lost or doubled between writers, what a newer server wrote is kept and never built upon.
#![allow(clippy::unwrap_used)]

mod ledger_rig;

use std::sync::atomic::Ordering;

use deadwax_domain::*;
use deadwax_server::{
    ledger::{Kept, LedgerError},
    store::{Append, AppendError, CommandKey, StreamId},
};
use ledger_rig::*;

#[tokio::test]
async fn a_retry_gives_the_first_answer_and_changes_nothing() {
    let rig = Rig::mixing().await;
    let edit = |title: &str| Command::EditSong { song: SONG, title: Some(title.into()), isrc: None };
    let first = rig.ledger.perform(perform(77_777, actor(Role::Artist), edit("One"))).await.unwrap();
    rig.ok(Role::Artist, edit("Two")).await;
    let head = rig.project().await.seq;
    let again = rig.ledger.perform(perform(77_777, actor(Role::Artist), edit("One"))).await.unwrap();
    assert!(again.repeated && !first.repeated);
    assert_eq!(
        (again.first_seq, again.last_seq, &again.events),
        (first.first_seq, first.last_seq, &first.events)
    );
    assert_eq!(rig.project().await.seq, head);
    assert_eq!(rig.project().await.project.songs.get(SONG).unwrap().title, "Two");
    let mut other = perform(77_777, actor(Role::Artist), edit("One"));
    other.request_sha256 = [2; 32];
    let reused = rig.ledger.perform(other).await;
    assert!(matches!(reused, Err(LedgerError::Append(AppendError::CommandReused(_)))));
}

#[tokio::test]
async fn retries_that_arrive_together_are_done_once() {
    let rig = Rig::mixing().await;
    let head = rig.project().await.seq;
    let note = note(1, VersionId(0x3002), "once", false);
    let tries = (0..16).map(|_| rig.ledger.perform(perform(88_888, actor(Role::Label), note.clone())));
    let answers = futures::future::join_all(tries).await;
    let fresh = answers.iter().filter(|one| !one.as_ref().unwrap().repeated).count();
    assert_eq!((fresh, rig.project().await.seq), (1, head + 1));
}

#[tokio::test]
async fn expected_refuses_what_was_decided_on_an_older_sight() {
    let rig = Rig::mixing().await;
    let head = rig.project().await.seq;
    let mut stale = perform(99_999, actor(Role::Label), note(1, VersionId(0x3002), "late", false));
    stale.expected = Some(head - 1);
    assert!(
        matches!(rig.ledger.perform(stale.clone()).await, Err(LedgerError::Conflict { head: at, .. }) if at == head)
    );
    stale.actor = Actor::Person { id: PersonId(4711), studio_owner: false };
    let stranger = rig.ledger.perform(stale).await;
    assert!(
        matches!(&stranger, Err(LedgerError::Refused(no)) if no.reason == Reason::NotAMember),
        "a stranger does not learn where the project stands: {stranger:?}"
    );
}

#[tokio::test]
async fn a_second_writer_makes_the_ledger_fold_and_decide_again() {
    let rig = Rig::mixing().await;
    let other = Rig::over(rig.store.clone()).await;
    let by_other = perform(50_001, actor(Role::Label), note(1, VersionId(0x3002), "a", false));
    other.ledger.perform(by_other).await.unwrap();
    let done = rig.note(Role::Artist, 2, "b", false).await.unwrap();
    assert_eq!(done.last_seq, other.project().await.seq + 1);
    assert_eq!(rig.project().await.project.notes.len(), 2);
}

#[tokio::test]
async fn a_new_ledger_over_the_same_store_stands_where_the_old_one_stood() {
    let rig = Rig::mixing().await;
    rig.note(Role::MixEngineer, 2, "b", true).await.unwrap();
    let again = Rig::over(rig.store.clone()).await;
    let (old, new) = (rig.project().await, again.project().await);
    assert_eq!((old.seq, &old.project), (new.seq, &new.project));
    assert_eq!(again.ledger.projects_of(who(Role::Listener)).await.unwrap().len(), 1);
    assert_eq!(again.ledger.projects_of(PersonId(4711)).await.unwrap().len(), 0);
}

#[tokio::test]
async fn time_never_falls_within_a_stream() {
    let rig = Rig::mixing().await;
    let last = rig.events().await.last().unwrap().at;
    rig.clock.0.store(-5_000_000, Ordering::Relaxed);
    let done = rig.note(Role::Label, 1, "a", false).await.unwrap();
    assert!(done.events[0].at >= last);
}

#[tokio::test]
async fn what_a_newer_server_wrote_is_kept_shown_and_not_built_upon() {
    let rig = Rig::mixing().await;
    let head = rig.project().await.seq;
    // Field 99 of the fact: a kind that this server does not know.
    let newer = vec![8, 0x90, 0x4e, 0x9a, 6, 0];
    let append = Append {
        stream: StreamId(PROJECT.0),
        expected: head,
        command: CommandKey { id: 1 << 100, request_sha256: [0; 32] },
        entries: vec![newer.into()],
        claims: Vec::new(),
        desk: Vec::new(),
    };
    rig.store.append(append).await.unwrap();
    let again = Rig::over(rig.store.clone()).await;
    let now = again.project().await;
    assert_eq!((now.seq, &now.project), (head + 1, &rig.project().await.project));
    let kept = again.ledger.events(PROJECT, head, 9).await.unwrap();
    assert!(matches!(kept[0].kept, Kept::Newer { at: Time(10_000), by: None }), "{kept:?}");
    let write = perform(60_001, actor(Role::Label), note(1, VersionId(0x3002), "a", false));
    let refused = again.ledger.perform(write).await;
    assert!(matches!(refused, Err(LedgerError::Newer { seq, .. }) if seq == head + 1), "{refused:?}");
}

#[tokio::test]
async fn every_place_in_the_past_can_be_folded_to() {
    let rig = Rig::mixing().await;
    let events = rig.events().await;
    for seq in 1..=events.len() {
        let then = rig.ledger.fold_to(PROJECT, seq as u64).await.unwrap().unwrap();
        let mut folded = Project::named(PROJECT);
        folded.apply_all(&events[..seq]);
        assert_eq!(then.project, folded);
    }
    assert!(rig.ledger.fold_to(PROJECT, events.len() as u64 + 1).await.unwrap().is_none());
}

#[tokio::test]
async fn asking_for_projects_that_do_not_exist_leaves_nothing_behind() {
    let rig = Rig::empty().await;
    let edit = Command::EditSong { song: SONG, title: None, isrc: None };
    assert!(rig.send(Role::Manager, edit).await.is_err());
    let create = Command::CreateProject { title: "T".into(), artist: "A".into() };
    assert!(rig.send(Role::Artist, create).await.is_err(), "only an owner creates");
    assert!(rig.ledger.projects().await.unwrap().is_empty());
    assert!(rig.ledger.project(PROJECT).await.unwrap().is_none());
}

/// Goal: L-3 holds where the same request would be refused by now, and where nothing would follow from it. Method: a note is added and sent again; a title is
/// set, set back, and the first is sent again.
#[tokio::test]
async fn a_retry_hears_the_first_answer_where_it_would_hear_a_no_by_now() {
    let rig = Rig::mixing().await;
    let note = note(1, VersionId(0x3002), "once", false);
    let first = rig.ledger.perform(perform(66_001, actor(Role::Label), note.clone())).await.unwrap();
    let fresh_id = rig.ledger.perform(perform(66_002, actor(Role::Label), note.clone())).await;
    assert!(matches!(fresh_id, Err(LedgerError::Refused(_))), "{fresh_id:?}");
    let again = rig.ledger.perform(perform(66_001, actor(Role::Label), note.clone())).await.unwrap();
    assert!(again.repeated && again.events == first.events);
    let edit = Command::EditSong { song: SONG, title: Some("One".into()), isrc: None };
    let first = rig.ledger.perform(perform(66_003, actor(Role::Artist), edit.clone())).await.unwrap();
    let again = rig.ledger.perform(perform(66_003, actor(Role::Artist), edit)).await.unwrap();
    assert!(again.repeated && again.last_seq == first.last_seq && again.events == first.events);
    let mut stale = perform(66_001, actor(Role::Label), note);
    stale.expected = Some(1);
    let again = rig.ledger.perform(stale).await.unwrap();
    assert!(again.repeated, "it was done, wherever the project stands now");
}

#[tokio::test]
async fn whoever_follows_is_told_which_projects_moved_and_each_once() {
    let rig = Rig::mixing().await;
    let news = rig.ledger.news();
    let ids = |news: &deadwax_server::ledger::News| news.take().iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(ids(&news), [PROJECT], "all of them at first");
    assert!(ids(&news).is_empty());
    let late = rig.ledger.news();
    for id in 1..4 {
        rig.note(Role::Artist, id, "a", false).await.unwrap();
    }
    let told = tokio::time::timeout(std::time::Duration::from_secs(5), news.changed()).await;
    assert!(told.is_ok(), "nobody was woken");
    let moved = news.take();
    assert_eq!((moved.len(), moved[0].seq), (1, rig.project().await.seq), "once, as it stands now");
    assert_eq!(ids(&late), [PROJECT], "each reader has a list of its own");
    drop(late);
    rig.note(Role::Artist, 9, "a", false).await.unwrap();
    assert_eq!(ids(&news), [PROJECT]);
}

#[tokio::test]
async fn a_desk_is_looked_at_again_only_where_one_of_its_own_projects_moved() {
    let rig = Rig::mixing().await;
    let mut desks = [who(Role::Label), PersonId(4711)].map(|person| rig.ledger.desk_news(person));
    let woken = |desk: &mut deadwax_server::ledger::DeskNews| {
        futures::FutureExt::now_or_never(desk.changed()).is_some()
    };
    rig.note(Role::Artist, 1, "a", false).await.unwrap();
    assert_eq!(desks.each_mut().map(woken), [true, false], "a stranger is not woken");
    let gone = Command::RemoveMember { person: who(Role::Label) };
    rig.ok(Role::Manager, gone).await;
    assert_eq!(desks.each_mut().map(woken), [true, false], "who left loses the rows of it");
    rig.note(Role::Artist, 2, "a", false).await.unwrap();
    assert_eq!(desks.each_mut().map(woken), [false, false]);
}
