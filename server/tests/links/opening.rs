//! How a link is opened: by the right secret, the right password, and as often as it may be. Never here: what its guest hears then.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use deadwax_domain::{Command, LinkId, LinkScope, PersonId, Time};
use deadwax_proto::v1::{self, link_scope::Of, links_client::LinksClient};
use deadwax_server::{
    auth::KeepLink,
    disk::Drive,
    store::{
        Append, AppendError, Appended, Done, Entry, Mark, MemoryStore, ReadError, STUDIO, Store, StreamId,
    },
};
use futures::{FutureExt as _, future::BoxFuture};

use crate::{
    common::{House, id_text, refused, within},
    room::{DAY_MS, Room, new_id, open, open_with, secret_of},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_is_shown_once_and_opens_a_session_of_its_own_guest() {
    let room = Room::open().await;
    let made = room.make(&room.label, room.scope(0), |_| {}).await.unwrap();
    assert!(made.link.starts_with("http://127.0.0.1:"), "without TLS: {}", made.link);
    let secret = secret_of(&made);
    assert!(secret.starts_with("dwx_link_") && secret.len() == "dwx_link_".len() + 49);
    let now_ms = room.house.clock.0.load(Ordering::SeqCst);
    assert_eq!(made.expires_ms, now_ms + 14 * DAY_MS);
    let (first, opened) = open(&room.house, &made, "").await.unwrap();
    let (second, _) = open(&room.house, &made, "").await.unwrap();
    assert_eq!(first.id, second.id, "one person, however often it is opened");
    assert_ne!(first.token, second.token);
    assert_eq!(opened.expires_ms, made.expires_ms, "a session ends with its link");
    let guest = opened.guest.unwrap();
    assert_eq!((guest.name.as_str(), guest.email.as_str()), ("Dana Holt", ""));
    assert_eq!((opened.studio.as_str(), opened.project_id), ("Gold Room", id_text(room.project.0)));
    assert_eq!(opened.scope.unwrap().of, Some(room.scope(0)));
    let me = first.sessions.clone().who_am_i(first.with(v1::WhoAmIRequest {})).await.unwrap();
    assert_eq!(me.into_inner().person_id, made.guest_id);
    // Of another link another person comes.
    let other = room.make(&room.label, room.scope(0), |_| {}).await.unwrap();
    assert_ne!(other.guest_id, made.guest_id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_ten_who_open_it_at_once_exactly_as_many_get_in_as_may() {
    let room = Room::open().await;
    for most in [1_u32, 3, 7] {
        let made = room.make(&room.manager, room.scope(0), |asked| asked.sessions_max = most).await.unwrap();
        let tries = (0..10).map(|_| open(&room.house, &made, ""));
        let done = futures::future::join_all(tries).await;
        let (inside, outside): (Vec<_>, Vec<_>) = done.into_iter().partition(Result::is_ok);
        assert_eq!(inside.len(), most as usize);
        for no in outside {
            refused(no.map(drop), "LINK_USED_UP");
        }
        refused(open(&room.house, &made, "").await.map(drop), "LINK_USED_UP");
        for (seat, _) in inside.into_iter().flatten() {
            assert!(!room.listen(&seat, room.asked(0)).await.unwrap().is_empty(), "those who are in stay in");
        }
        let links = room.list(&room.manager).await.unwrap();
        let link = links.iter().find(|link| link.link_id == made.link_id).unwrap();
        assert_eq!((link.sessions_used, link.state()), (most, v1::LinkState::UsedUp));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_asked_for_and_guessing_ends_after_ten() {
    let room = Room::open().await;
    let with = |asked: &mut v1::MakeLinkRequest| asked.password = "amber wolf 12".into();
    let made = room.make(&room.manager, room.scope(0), with).await.unwrap();
    let beside = room.make(&room.manager, room.scope(0), with).await.unwrap();
    refused(open(&room.house, &made, "").await.map(drop), "LINK_PASSWORD_NEEDED");
    open(&room.house, &made, "amber wolf 12").await.unwrap();
    for _ in 0..10 {
        refused(open(&room.house, &made, "amber wolf 13").await.map(drop), "LINK_PASSWORD_WRONG");
    }
    let told = refused(open(&room.house, &made, "amber wolf 12").await.map(drop), "TOO_MANY_TRIES");
    let more = tonic_types::StatusExt::get_error_details(&told);
    let wait_s: u64 = more.error_info().unwrap().metadata["retry_after_s"].parse().unwrap();
    assert!((1..=900).contains(&wait_s));
    open(&room.house, &beside, "amber wolf 12").await.unwrap();
    let links = room.list(&room.manager).await.unwrap();
    assert!(
        links.iter().all(|link| link.has_password && link.sessions_used == 1),
        "a wrong one uses up nothing"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessed_links_are_unknown_and_thirty_close_the_address() {
    let room = Room::open().await;
    let made = room.make(&room.manager, room.scope(0), |_| {}).await.unwrap();
    let secret = secret_of(&made);
    let mistyped = format!("{}x", &secret[..secret.len() - 1]);
    let other = deadwax_server::auth::secret::new(deadwax_server::auth::secret::Kind::Link).unwrap();
    for wrong in ["", "dwx_link_", &mistyped, other.reveal(), &secret.replace("link", "session")] {
        refused(open_with(&room.house, wrong, "").await.map(drop), "LINK_UNKNOWN");
    }
    for _ in 5..30 {
        refused(open_with(&room.house, &mistyped, "").await.map(drop), "LINK_UNKNOWN");
    }
    refused(open_with(&room.house, &mistyped, "").await.map(drop), "TOO_MANY_TRIES");
    refused(open(&room.house, &made, "").await.map(drop), "TOO_MANY_TRIES");
}

/// By the manager, to the album.
async fn album(
    room: &Room,
    change: &dyn Fn(&mut v1::MakeLinkRequest),
) -> Result<v1::MakeLinkResponse, tonic::Status> {
    room.make(&room.manager, Of::Album(true), |asked| change(asked)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_link_may_be_is_said_at_once() {
    let room = Room::open().await;
    let now_ms = room.house.clock.0.load(Ordering::SeqCst);
    refused(album(&room, &|it| it.scope = None).await, "LINK_TERMS_INVALID");
    refused(
        album(&room, &|it| it.scope = Some(v1::LinkScope { of: Some(Of::Album(false)) })).await,
        "LINK_TERMS_INVALID",
    );
    refused(album(&room, &|it| it.expires_ms = now_ms - 1).await, "LINK_TERMS_INVALID");
    refused(album(&room, &|it| it.expires_ms = now_ms + 91 * DAY_MS).await, "LINK_TERMS_INVALID");
    refused(album(&room, &|it| it.sessions_max = 101).await, "LINK_TERMS_INVALID");
    refused(album(&room, &|it| it.recipient = " ".into()).await, "NAME_INVALID");
    refused(album(&room, &|it| it.recipient = "Dana\u{202e}".into()).await, "NAME_INVALID");
    for weak in ["short", "password", "aaaaaaaa", "dana holt"] {
        refused(album(&room, &|it| it.password = weak.into()).await, "LINK_PASSWORD_WEAK");
    }
    refused(album(&room, &|it| it.command_id = "7".into()).await, "MALFORMED");
    refused(room.make(&room.mixer, Of::Album(true), |_| {}).await, "NOT_YOUR_ROLE");
    refused(room.make(&room.manager, Of::SongId(id_text(new_id())), |_| {}).await, "NO_SUCH_SONG");
    refused(room.make(&room.manager, Of::RecordId(id_text(new_id())), |_| {}).await, "NO_SUCH_RECORD");
    let stranger = room.house.person("Eva Stern", false).await;
    refused(room.make(&stranger, Of::Album(true), |_| {}).await, "NO_SUCH_PROJECT");
    assert!(room.list(&room.manager).await.unwrap().is_empty(), "a refused link makes nobody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_makes_no_second_link_and_the_secret_before_it_opens_nothing() {
    let room = Room::open().await;
    let command_id = id_text(new_id());
    let again = |asked: &mut v1::MakeLinkRequest| asked.command_id.clone_from(&command_id);
    let first = room.make(&room.manager, room.scope(0), again).await.unwrap();
    room.house.clock.0.fetch_add(1000, Ordering::SeqCst);
    let second = room.make(&room.manager, room.scope(0), again).await.unwrap();
    assert_eq!(
        (&first.link_id, &first.guest_id, first.expires_ms),
        (&second.link_id, &second.guest_id, second.expires_ms)
    );
    assert_ne!(first.link, second.link);
    refused(open(&room.house, &first, "").await.map(drop), "LINK_UNKNOWN");
    open(&room.house, &second, "").await.unwrap();
    assert_eq!(room.list(&room.manager).await.unwrap().len(), 1);
    let otherwise = room.make(&room.manager, room.scope(1), again).await;
    refused(otherwise, "COMMAND_ID_REUSED");
    // The same id of somebody else is somebody else's.
    refused(room.make(&room.label, room.scope(0), again).await, "COMMAND_ID_REUSED");
    room.revoke(&room.manager, &second.link_id).await.unwrap();
    refused(room.make(&room.manager, room.scope(0), again).await, "LINK_ENDED");
}

/// Takes nothing of the studio's own for as long as a test says so: a crash between the two streams.
struct Between {
    store: Arc<MemoryStore>,
    cut: Arc<AtomicBool>,
}

impl Store for Between {
    fn read(&self, of: StreamId, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Entry>, ReadError>> {
        self.store.read(of, after, limit)
    }
    fn marks(&self, of: StreamId, after: u64, limit: usize) -> BoxFuture<'_, Result<Vec<Mark>, ReadError>> {
        self.store.marks(of, after, limit)
    }
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        if append.stream == STUDIO && self.cut.load(Ordering::SeqCst) {
            return async { Err(AppendError::DiskNearlyFull { free: 1, needed: 2 }) }.boxed();
        }
        self.store.append(append)
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_between_the_two_streams_opens_nothing_and_the_next_try_completes_it() {
    let cut = Arc::new(AtomicBool::new(false));
    let between = Arc::clone(&cut);
    let house = House::open_between(move |store| Arc::new(Between { store, cut: between })).await;
    let room = Room::of(house).await;
    let command_id = id_text(new_id());
    let again = |asked: &mut v1::MakeLinkRequest| asked.command_id.clone_from(&command_id);
    cut.store(true, Ordering::SeqCst);
    refused(room.make(&room.manager, room.scope(0), again).await, "DISK_NEARLY_FULL");
    let links = room.list(&room.manager).await.unwrap();
    assert_eq!((links.len(), links[0].state(), links[0].sessions_used), (1, v1::LinkState::Revoked, 0));
    cut.store(false, Ordering::SeqCst);
    let made = room.make(&room.manager, room.scope(0), again).await.unwrap();
    assert_eq!(made.link_id, links[0].link_id);
    let (guest, _) = open(&room.house, &made, "").await.unwrap();
    assert!(!room.listen(&guest, room.asked(0)).await.unwrap().is_empty());
    let links = room.list(&room.manager).await.unwrap();
    assert_eq!((links.len(), links[0].state()), (1, v1::LinkState::Live));
    // The other way round: what opens a link, and no fact of it.
    let keep = KeepLink {
        link: LinkId(new_id()),
        guest: PersonId(new_id()),
        recipient: "Dana Holt".into(),
        project: room.project,
        by: room.manager.id,
        expires_ms: made.expires_ms,
        sessions_max: 3,
        phc: None,
    };
    let alone = room.house.studio.people.keep_link(keep).await.unwrap();
    refused(open_with(&room.house, alone.reveal(), "").await.map(drop), "LINK_UNKNOWN");
    // A fact that names the guest of another link opens nothing by it.
    let make = Command::MakeLink {
        link: LinkId(new_id()),
        guest: guest.id,
        scope: LinkScope::Album,
        expires: Time(made.expires_ms),
        sessions_max: 3,
        download: true,
        notes: true,
        has_password: false,
    };
    let other = room.house.project(&room.manager).await;
    let add = Command::AddSong {
        song: deadwax_domain::SongId(new_id()),
        title: "Night".into(),
        isrc: String::new(),
    };
    room.house.perform(&room.manager, other, add).await;
    room.house.perform(&room.manager, other, make).await;
    let (_, opened) = open(&room.house, &made, "").await.unwrap();
    assert_eq!(opened.project_id, id_text(room.project.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_that_was_cut_short_counts_and_the_next_try_writes_down_the_rest() {
    let room = Room::open().await;
    let made = room.make(&room.manager, room.scope(0), |_| {}).await.unwrap();
    let link = LinkId(crate::common::uuid_of(&made.link_id));
    room.house.studio.people.end_link(link).await.unwrap();
    refused(open(&room.house, &made, "").await.map(drop), "LINK_ENDED");
    let links = room.list(&room.manager).await.unwrap();
    assert_eq!((links[0].state(), links[0].revoked_ms), (v1::LinkState::Revoked, 0));
    assert_eq!(room.revoke(&room.manager, &made.link_id).await.unwrap(), 0);
    let links = room.list(&room.manager).await.unwrap();
    assert_eq!((links[0].state(), links[0].revoked_by.as_str()), (v1::LinkState::Revoked, "Olga Brandt"));
    assert!(links[0].revoked_ms > 0);
    assert_eq!(room.revoke(&room.manager, &made.link_id).await.unwrap(), 0, "it stays so");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_tomorrow_is_told_so() {
    let room = Room::open().await;
    let made = room.make(&room.manager, room.scope(0), |_| {}).await.unwrap();
    let seat = room.house.stranger().await;
    let asked = v1::OpenLinkRequest { secret: secret_of(&made), api: 99, ..v1::OpenLinkRequest::default() };
    let mut links = LinksClient::new(seat.channel.clone());
    let answer = within(Duration::from_secs(15), "the answer", links.open(asked)).await;
    refused(answer, "API_VERSION");
}
