//! Watching: whoever applies every update holds exactly the rows of now, from whatever place they resume; and the service as a client meets it.
#![allow(clippy::unwrap_used)]

mod ledger_rig;

use std::sync::Arc;

use deadwax_domain::*;
use deadwax_proto::v1::{
    self, action::Action, projects_client::ProjectsClient, projects_server::ProjectsServer,
};
use deadwax_server::{
    auth::Caller,
    rpc::project::Service,
    watch::{Ended, Hub},
    wire::{self, view::Rows},
};
use futures::{FutureExt as _, StreamExt as _};
use ledger_rig::*;
use proptest::{collection::vec, prelude::*};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, transport::Channel};

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What a client does with an update.
fn apply(rows: &mut Rows, update: v1::Update) {
    if update.snapshot {
        rows.clear();
    }
    for key in update.removals {
        rows.remove(&key);
    }
    rows.extend(update.upserts.into_iter().map(|row| (row.key.clone(), row)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_resumed_watch_ends_at_the_rows_of_now(
        choices in vec(any::<(u8, u8, u8)>(), 1..30), cut in 0..30usize, who_at in 0..7usize,
    ) {
        block_on(async {
            let rig = Rig::mixing().await;
            let hub = Hub::new(Arc::clone(&rig.ledger), names());
            let person = who(ROLES[who_at]);
            let cut = cut.min(choices.len());
            rig.walk(&choices[..cut]).await;
            let mut held = Rows::new();
            let live = hub.watch(PROJECT, person, 0, CancellationToken::new()).await.unwrap();
            let mut live = Box::pin(live);
            let first = live.next().await.unwrap().unwrap();
            let from = first.seq;
            apply(&mut held, first);
            let mut resumed = held.clone();
            for (at, choice) in choices.iter().enumerate().skip(cut) {
                rig.step(at, *choice).await;
            }
            let now = hub.rows(PROJECT, person).await.unwrap();
            // A slow reader: everything that happened comes at once, or in as many steps as it likes.
            while let Some(Some(update)) = live.next().now_or_never() {
                apply(&mut held, update.unwrap());
            }
            assert_eq!(&held, &now.rows);
            let again = hub.watch(PROJECT, person, from, CancellationToken::new()).await.unwrap();
            let update = Box::pin(again).next().await.unwrap().unwrap();
            assert_eq!(update.seq, now.seq);
            apply(&mut resumed, update);
            assert_eq!(&resumed, &now.rows);
        });
    }
}

/// Of one person, from every seq that they ever stood at.
#[tokio::test]
async fn a_watch_resumed_at_any_seq_misses_nothing() {
    let rig = Rig::mixing().await;
    let hub = Hub::new(Arc::clone(&rig.ledger), names());
    let person = who(Role::Producer);
    let mut live = Box::pin(hub.watch(PROJECT, person, 0, CancellationToken::new()).await.unwrap());
    let (mut held, mut stood) = (Rows::new(), Vec::new());
    for number in 0..12u128 {
        let update = live.next().await.unwrap().unwrap();
        let seq = update.seq;
        apply(&mut held, update);
        stood.push((seq, held.clone()));
        rig.ok(Role::Label, note(0x9_0000 + number, VersionId(0x3002), &format!("note {number}"), false))
            .await;
    }
    let now = hub.rows(PROJECT, person).await.unwrap();
    for (seq, mut rows) in stood {
        let resumed = hub.watch(PROJECT, person, seq, CancellationToken::new()).await.unwrap();
        let update = Box::pin(resumed).next().await.unwrap().unwrap();
        assert!(!update.snapshot, "resumed at {seq}: only what changed is sent");
        apply(&mut rows, update);
        assert!(rows == now.rows, "resumed at {seq}, rows are missing or old");
    }
}

#[tokio::test]
async fn nothing_queues_for_a_watcher_that_does_not_read() {
    let rig = Rig::mixing().await;
    let hub = Hub::new(Arc::clone(&rig.ledger), names());
    let watch = hub.watch(PROJECT, who(Role::Producer), 0, CancellationToken::new()).await.unwrap();
    let mut watch = Box::pin(watch);
    watch.next().await.unwrap().unwrap();
    for number in 0..40u128 {
        rig.ok(Role::Label, note(0x9_0000 + number, VersionId(0x3002), "louder", false)).await;
    }
    let head = rig.project().await.seq;
    let update = watch.next().await.unwrap().unwrap();
    assert_eq!(update.seq, head, "what it reads next is one step to now, however long it slept");
    assert!(watch.next().now_or_never().is_none(), "and nothing is left behind it");
}

#[tokio::test]
async fn a_watch_ends_with_session_or_membership() {
    let rig = Rig::mixing().await;
    let hub = Hub::new(Arc::clone(&rig.ledger), names());
    let session = CancellationToken::new();
    let watch =
        |session: &CancellationToken, from| hub.watch(PROJECT, who(Role::Label), from, session.clone());
    let mut live = Box::pin(watch(&session, 0).await.unwrap());
    live.next().await.unwrap().unwrap();
    let mut beyond = Box::pin(watch(&session, 10_000).await.unwrap());
    assert!(
        beyond.next().await.unwrap().unwrap().snapshot,
        "a place ahead of the head begins with a snapshot"
    );
    rig.ok(Role::Manager, Command::RemoveMember { person: who(Role::Label) }).await;
    assert!(matches!(live.next().await, Some(Err(Ended::NotAMember))));
    assert!(live.next().await.is_none());
    assert!(matches!(watch(&session, 0).await.err(), Some(Ended::NotAMember)));
    let session = CancellationToken::new();
    let artist = hub.watch(PROJECT, who(Role::Artist), 0, session.clone()).await.unwrap();
    let mut artist = Box::pin(artist);
    artist.next().await.unwrap().unwrap();
    session.cancel();
    assert!(matches!(artist.next().await, Some(Err(Ended::Session))));
}

/// A server on loopback; the person is named by the metadata entry `who`, in place of a token.
async fn serve(rig: &Rig) -> ProjectsClient<Channel> {
    let service = Service::new(Arc::clone(&rig.ledger), names(), CancellationToken::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let inject = |mut request: Request<()>| {
        let id: u128 = request.metadata().get("who").unwrap().to_str().unwrap().parse().unwrap();
        let known = directory().people.get(&PersonId(id)).cloned();
        let stranger = deadwax_server::auth::Person {
            id: PersonId(id),
            name: "Stranger".into(),
            email: "s@x.example".into(),
            studio_owner: false,
        };
        let person = known.unwrap_or(stranger);
        request.extensions_mut().insert(Caller {
            person,
            session_id: 1,
            address: None,
            ended: CancellationToken::new(),
            transit: deadwax_server::egress::Transit::default(),
        });
        Ok(request)
    };
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let server =
        tonic::transport::Server::builder().add_service(ProjectsServer::with_interceptor(service, inject));
    tokio::spawn(server.serve_with_incoming(incoming));
    ProjectsClient::connect(format!("http://{address}")).await.unwrap()
}

fn by<T>(person: PersonId, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("who", person.0.to_string().parse().unwrap());
    request
}

fn note_request(command: u128, text: &str) -> v1::PerformRequest {
    let note = v1::AddNote {
        note_id: wire::id(0x5001),
        version_id: wire::id(0x3002),
        text: text.into(),
        ..v1::AddNote::default()
    };
    v1::PerformRequest {
        command_id: wire::id(command),
        project_id: wire::id(PROJECT.0),
        expected: None,
        action: Some(v1::Action { action: Some(Action::AddNote(note)) }),
    }
}

#[tokio::test]
async fn a_client_performs_retries_watches_and_reads_the_history() {
    let rig = Rig::mixing().await;
    let mut client = serve(&rig).await;
    let label = who(Role::Label);
    let watch = v1::WatchRequest { project_id: wire::id(PROJECT.0), from: 0 };
    let mut updates = client.watch(by(who(Role::Artist), watch)).await.unwrap().into_inner();
    assert!(updates.message().await.unwrap().unwrap().snapshot);
    let first = client.perform(by(label, note_request(1 << 90, "louder"))).await.unwrap().into_inner();
    let again = client.perform(by(label, note_request(1 << 90, "louder"))).await.unwrap().into_inner();
    assert_eq!(first, again);
    assert_eq!(first.effects.len(), 1);
    assert!(first.effects[0].starts_with("Name of label"), "{:?}", first.effects);
    let update = updates.message().await.unwrap().unwrap();
    assert_eq!(update.seq, first.seq);
    assert!(update.upserts.iter().any(|row| row.key == format!("note/{}", wire::id(0x5001))));
    let other = client.perform(by(label, note_request(1 << 90, "softer"))).await.unwrap_err();
    assert_eq!(deadwax_server::status::reason_of(&other).as_deref(), Some("COMMAND_ID_REUSED"));
    let theirs = client.perform(by(who(Role::Artist), note_request(1 << 90, "louder"))).await.unwrap_err();
    assert_eq!(theirs.code(), Code::FailedPrecondition, "nobody gets another person's answer");
    let mut before_seq = 0;
    let mut seqs = Vec::new();
    loop {
        let ask = v1::HistoryRequest {
            project_id: wire::id(PROJECT.0),
            before_seq,
            limit: 2,
            song_id: String::new(),
        };
        let page = client.history(by(label, ask)).await.unwrap().into_inner();
        seqs.extend(page.entries.iter().map(|entry| entry.seq));
        before_seq = page.next_before_seq;
        if before_seq == 0 {
            break;
        }
    }
    assert_eq!(seqs[0], first.seq);
    assert!(seqs.is_sorted_by(|a, b| a > b) && *seqs.last().unwrap() == 1, "{seqs:?}");
}

#[tokio::test]
async fn strangers_and_absent_projects_get_the_same_answer_everywhere() {
    let rig = Rig::mixing().await;
    let mut client = serve(&rig).await;
    let stranger = PersonId(4711);
    let mut answers = Vec::new();
    for project in [PROJECT.0, 0xdead] {
        let project_id = wire::id(project);
        let get = v1::GetRequest { project_id: project_id.clone() };
        answers.push(client.get(by(stranger, get)).await.unwrap_err());
        let watch = v1::WatchRequest { project_id: project_id.clone(), from: 0 };
        answers.push(client.watch(by(stranger, watch)).await.unwrap_err());
        let history = v1::HistoryRequest { project_id: project_id.clone(), ..Default::default() };
        answers.push(client.history(by(stranger, history)).await.unwrap_err());
        for expected in [None, Some(3)] {
            let perform =
                v1::PerformRequest { project_id: project_id.clone(), expected, ..note_request(1 << 91, "x") };
            answers.push(client.perform(by(stranger, perform)).await.unwrap_err());
        }
    }
    for answer in &answers {
        assert_eq!((answer.code(), answer.message()), (Code::NotFound, answers[0].message()));
        assert_eq!(answer.details(), answers[0].details());
    }
    let mine = client.list(by(stranger, v1::ListRequest {})).await.unwrap().into_inner();
    assert!(mine.projects.is_empty());
}

#[tokio::test]
async fn a_malformed_request_names_its_field_and_the_desk_follows() {
    let rig = Rig::mixing().await;
    let mut client = serve(&rig).await;
    let label = who(Role::Label);
    let bad = v1::PerformRequest { command_id: "x".into(), ..note_request(1, "x") };
    let no = client.perform(by(label, bad)).await.unwrap_err();
    assert!(no.code() == Code::InvalidArgument && no.message().contains("command_id"), "{no:?}");
    let newer = v1::PerformRequest { action: None, ..note_request(1, "x") };
    let no = client.perform(by(label, newer)).await.unwrap_err();
    assert_eq!(deadwax_server::status::reason_of(&no).as_deref(), Some("ACTION_UNKNOWN"));
    let mut desk = client.watch_desk(by(label, v1::DeskRequest {})).await.unwrap().into_inner();
    let waiting = desk.message().await.unwrap().unwrap();
    assert_eq!(waiting.rows[0].text, "Approve Mix 1 as label.");
    rig.approve(Role::Label, 7).await.unwrap();
    assert!(desk.message().await.unwrap().unwrap().rows.is_empty());
}

#[test]
fn a_large_project_comes_in_pieces_that_can_be_cut_anywhere() {
    block_on(async {
        let rig = Rig::mixing().await;
        let version = rig.project().await.project.candidate(SONG).unwrap().id;
        for id in 0..400u128 {
            rig.ok(Role::Artist, note(0x9_0000 + id, version, &"la ".repeat(1200), false)).await;
        }
        let hub = Hub::new(Arc::clone(&rig.ledger), names());
        let person = who(Role::Producer);
        let began = std::time::Instant::now();
        let now = hub.rows(PROJECT, person).await.unwrap();
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
        let mut live = Box::pin(hub.watch(PROJECT, person, 0, CancellationToken::new()).await.unwrap());
        let (mut held, mut pieces, mut seq) = (Rows::new(), 0, 0);
        while seq < now.seq {
            let update = live.next().await.unwrap().unwrap();
            assert!(prost::Message::encoded_len(&update) < 2 << 20);
            (seq, pieces) = (update.seq, pieces + 1);
            assert_eq!(update.snapshot, pieces == 1);
            assert!(seq == 0 || seq == now.seq, "cut here, a client resumes from {seq}");
            apply(&mut held, update);
        }
        assert!(pieces > 2, "{pieces}");
        assert_eq!(held, now.rows);
    });
}
