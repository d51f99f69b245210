//! The end of a way in where the disk has failed or is full: whoever is to be out is out at once, nobody is told that it is written down, and it is written as soon as it can be.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use common::{House, Seat, id_text, refused, within};
use deadwax_proto::v1::{self, projects_client::ProjectsClient};
use deadwax_server::{
    auth::{AuthError, People, Redeem, Shown},
    disk::Drive,
    store::{Append, AppendError, Appended, Done, Entry, Mark, MemoryStore, ReadError, Store, StreamId},
    studio::SystemClock,
};
use futures::{FutureExt as _, future::BoxFuture};
use tokio_util::sync::CancellationToken;
use tonic::Code;

async fn works(seat: &mut Seat) -> bool {
    let asked = seat.with(v1::WhoAmIRequest {});
    seat.sessions.who_am_i(asked).await.is_ok()
}

fn session_of(house: &House, seat: &Seat) -> String {
    id_text(house.studio.people.caller(&seat.token).unwrap().session_id)
}

async fn stopped(house: House) -> tempfile::TempDir {
    let House { stop, served, folder, studio, .. } = house;
    stop.cancel();
    within(Duration::from_secs(15), "stopping", served).await.unwrap().unwrap();
    drop(studio);
    folder
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_disk_failed_whoever_is_to_be_out_is_out_until_the_restart() {
    let house = House::open_embedded(tempfile::tempdir().unwrap(), |_| {}).await;
    let mut ana = house.person("Ana", true).await;
    let (mut bob, mut lou, mut eva) =
        (house.person("Bob", true).await, house.person("Lou", false).await, house.person("Eva", false).await);
    let project = house.project(&bob).await;
    let open_link = bob.further().await.unwrap();
    let asked = bob.with(v1::WatchRequest { project_id: id_text(project.0), from: 0 });
    let mut watch = ProjectsClient::new(bob.channel.clone()).watch(asked).await.unwrap().into_inner();
    let lous = session_of(&house, &lou);

    house.studio.store.drive().latch().fall("a sync failed, for this test");
    // An owner ends everything of Bob's, and a session of Lou's; Eva signs out.
    let end = v1::EndAccessRequest { person_id: id_text(bob.id.0), ..v1::EndAccessRequest::default() };
    let told = refused(ana.end_access(end.clone()).await, "ENDED_UNTIL_RESTART");
    assert_eq!(told.code(), Code::FailedPrecondition, "nobody tries it again by itself");
    assert!(told.message().contains("ended at once") && told.message().contains("restart"), "{told:?}");
    let ended = within(Duration::from_secs(15), "the end of the watch", async {
        loop {
            match watch.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ended without a word"),
                Err(status) => return status,
            }
        }
    });
    refused::<()>(Err(ended.await), "SESSION_ENDED");
    assert!(!works(&mut bob).await);
    refused(bob.login(&open_link).await, "INVITE_UNKNOWN");
    refused(ana.revoke(&lous).await, "ENDED_UNTIL_RESTART");
    assert!(!works(&mut lou).await);
    refused(ana.revoke(&lous).await, "NO_SUCH_SESSION");
    let asked = eva.with(v1::LogoutRequest {});
    refused(eva.sessions.logout(asked).await, "ENDED_UNTIL_RESTART");
    assert!(!works(&mut eva).await);
    assert!(works(&mut ana).await, "and nobody else");
    // The server tries to write it, and cannot.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(!works(&mut bob).await);

    // As it was told: after the restart it has to be ended again, and then it is.
    let came_with = [&ana, &bob, &lou, &eva].map(|seat| (seat.token.clone(), seat.machine.clone()));
    let house = House::open_embedded(stopped(house).await, |_| {}).await;
    let mut seats = Vec::new();
    for (token, machine) in came_with {
        seats.push(Seat { token, machine, ..house.stranger().await });
    }
    let [ana, mut bob, mut lou, mut eva] = <[Seat; 4]>::try_from(seats).unwrap_or_else(|_| panic!("four"));
    assert!(works(&mut bob).await && works(&mut lou).await && works(&mut eva).await);
    assert_eq!(ana.end_access(end).await.unwrap().sessions_ended, 1);
    ana.revoke(&lous).await.unwrap();
    assert!(!works(&mut bob).await && !works(&mut lou).await);
    let folder = stopped(house).await;
    let house = House::open_embedded(folder, |_| {}).await;
    let mut bob = Seat { token: bob.token, ..house.stranger().await };
    assert!(!works(&mut bob).await, "now it holds over a restart");
    stopped(house).await;
}

/// A store on a disk that is full for as long as a test says so.
struct Crowded {
    store: MemoryStore,
    full: AtomicBool,
}

impl Store for Crowded {
    fn read(&self, of: StreamId, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Entry>, ReadError>> {
        self.store.read(of, after, limit)
    }
    fn marks(&self, of: StreamId, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Mark>, ReadError>> {
        self.store.marks(of, after, limit)
    }
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        match self.full.load(Ordering::SeqCst) {
            true => async { Err(AppendError::DiskNearlyFull { free: 1, needed: 2 }) }.boxed(),
            false => self.store.append(append),
        }
    }
    fn command(&self, id: u128) -> BoxFuture<'_, Result<Option<Done>, ReadError>> {
        self.store.command(id)
    }
    fn heads(&self) -> BoxFuture<'_, Result<Vec<(StreamId, u64)>, ReadError>> {
        self.store.heads()
    }
    fn desk(&self, owner: u128) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, ReadError>> {
        self.store.desk(owner)
    }
    fn redact(&self, of: StreamId, seq: u64) -> BoxFuture<'_, Result<(), AppendError>> {
        self.store.redact(of, seq)
    }
    fn drive(&self) -> &Drive {
        self.store.drive()
    }
}

#[tokio::test]
async fn what_a_full_disk_did_not_take_is_written_before_anything_else_when_there_is_room() {
    let store = Arc::new(Crowded { store: MemoryStore::new(), full: AtomicBool::new(false) });
    let open = async || {
        let store: Arc<dyn Store> = store.clone();
        People::open(store, Arc::new(SystemClock), CancellationToken::new()).await.unwrap()
    };
    let people = open().await;
    let ana = people.add("Ana", "ana@example.org", true).await.unwrap().id;
    let bob = people.add("Bob", "bob@example.org", false).await.unwrap().id;
    let session = async |of| {
        let code = people.issue_code(of).await.unwrap().code;
        people.redeem(Redeem { code: code.reveal(), device: "x", ..Redeem::default() }).await.unwrap()
    };
    let (anas, bobs) = (session(ana).await, session(bob).await);

    store.full.store(true, Ordering::SeqCst);
    assert!(matches!(people.end_access(bob, Shown::default()).await, Err(AuthError::EndedUntilRestart)));
    assert!(matches!(
        people.end_session(anas.session_id, Shown::default()).await,
        Err(AuthError::EndedUntilRestart)
    ));
    people.write_held().await;
    assert!(people.caller(bobs.token.reveal()).is_none() && people.caller(anas.token.reveal()).is_none());
    let after_a_restart = open().await;
    assert!(after_a_restart.caller(bobs.token.reveal()).is_some(), "so far it stands nowhere");

    // There is room. Bob is asked back at once: what ended his access comes before it, not after.
    store.full.store(false, Ordering::SeqCst);
    let back = session(bob).await;
    people.write_held().await;
    for people in [&people, &open().await] {
        assert!(people.caller(bobs.token.reveal()).is_none() && people.caller(anas.token.reveal()).is_none());
        assert!(people.caller(back.token.reveal()).is_some());
    }
}
