//! Webhooks against receivers of our own: what goes out, signed with what, how often, and to whom it never goes.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod ledger_rig;
mod notify_kit;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadwax_domain::{Command, Role, Roles, WebhookId};
use deadwax_server::{
    ledger::Clock,
    metrics::NewsFigures,
    notify::{
        address::Bounds,
        hooks::Hooks,
        kept::Place,
        post::{Delivery, PostError, Poster, Resolve, SystemResolver},
        secret::Secrets,
    },
};
use futures::{FutureExt as _, future::BoxFuture};
use ledger_rig::{CANARY, Rig, names, who};
use notify_kit::{A_WHILE, Answer, WebSink, until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const HOOK: WebhookId = WebhookId(0x7001);
const OTHER: WebhookId = WebhookId(0x7002);
const HOUR_MS: i64 = 3_600_000;

fn poster(allow_private: bool) -> Poster {
    let mut poster = Poster::new(Bounds::wide(allow_private), None, Arc::new(SystemResolver)).unwrap();
    poster.timeout = Duration::from_millis(300);
    poster
}

struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

/// The task that tells webhooks, over the rig's ledger; the folder is what outlives a restart.
fn start(rig: &Rig, folder: &tempfile::TempDir) -> Running {
    let stop = CancellationToken::new();
    let hooks = Hooks {
        ledger: Arc::clone(&rig.ledger),
        clock: Arc::clone(&rig.clock) as Arc<dyn Clock>,
        names: names(),
        studio: "Gold Room".into(),
        kept: Place::Folder(folder.path().to_owned()),
        secrets: Arc::new(Secrets::of(folder.path())),
        poster: poster(true),
        dice: Arc::new(|| 0.5),
        enabled: true,
        tick: Duration::from_millis(5),
        shutdown: stop.clone(),
        figures: NewsFigures::default(),
    };
    Running { task: tokio::spawn(hooks.run()), stop }
}

async fn set(rig: &Rig, webhook: WebhookId, url: String, codes: &[&str]) {
    let codes = codes.iter().map(ToString::to_string).collect();
    rig.ok(Role::Manager, Command::SetWebhook { webhook, url, codes }).await;
}

async fn rename(rig: &Rig, title: &str) {
    let title = Some(title.to_owned());
    rig.ok(Role::Artist, Command::EditSong { song: ledger_rig::SONG, title, isrc: None }).await;
}

/// Until a failure is written down. A test moves the clock after that: the next try is counted from the time of the failure.
async fn until_failed(folder: &tempfile::TempDir, times: usize) {
    let (file, failures) = (folder.path().join("notify/webhooks.json"), format!("\"failures\":{times},"));
    until(&failures, || std::fs::read_to_string(&file).ok()?.contains(&failures).then_some(())).await;
}

fn pass(rig: &Rig, ms: i64) {
    rig.clock.0.fetch_add(ms, Ordering::Relaxed);
}

#[tokio::test]
async fn a_delivery_is_signed_says_what_the_history_says_and_comes_once() {
    let (rig, folder, sink) = (Rig::mixing().await, tempfile::tempdir().unwrap(), WebSink::open().await);
    let running = start(&rig, &folder);
    set(&rig, HOOK, sink.url(), &[]).await;
    rename(&rig, "Morgenlied").await;
    let heard = sink.until_heard(2).await;
    assert_eq!(sink.codes(), ["WEBHOOK_SET", "SONG_EDITED"], "its own setting first, then in order");
    let secret = Secrets::of(folder.path()).secret(HOOK.0).unwrap();
    assert!(heard.iter().all(|one| one.is_signed_with(&secret)));
    assert!(!heard[1].is_signed_with(&Secrets::of(folder.path()).secret(OTHER.0).unwrap()));

    let (body, head) = (heard[1].json(), &heard[1].head);
    assert!(head.starts_with("POST /hook?token=a HTTP/1.1\r\n"), "{head}");
    assert_eq!(heard[1].header("host"), sink.address.to_string());
    assert_eq!(heard[1].header("content-type"), "application/json");
    let seq = rig.project().await.seq;
    let id = format!("00000000-0000-0000-0000-000000001000/{seq}/00000000-0000-0000-0000-000000007001");
    assert_eq!(
        (heard[1].header("deadwax-delivery"), body["delivery"].as_str()),
        (id.as_str(), Some(id.as_str()))
    );
    assert_eq!(body["studio"], "Gold Room");
    assert_eq!(body["project"], "Night");
    assert_eq!(body["seq"], seq);
    assert_eq!(body["who"], "Name of artist");
    assert_eq!(body["text"], "Name of artist set a song to \"Morgenlied\".");
    assert_eq!(body["song"], "Morgenlied");
    assert!(body["at"].as_str().unwrap().starts_with("1970-01-01T00:00:"), "{body}");

    running.stop().await;
    let running = start(&rig, &folder);
    rename(&rig, "Abendlied").await;
    // A stop between the sink's answer and its mark tells the newest again, under its first id: receivers drop that.
    let mut count = 3;
    let heard = loop {
        let heard = sink.until_heard(count).await;
        if heard.last().is_some_and(|it| it.json()["song"] == "Abendlied") {
            break heard;
        }
        count += 1;
    };
    let ids: std::collections::BTreeSet<_> =
        heard.iter().map(|it| it.header("deadwax-delivery").to_owned()).collect();
    assert_eq!(ids.len(), 3, "nothing is told twice under another id");
    running.stop().await;
}

#[tokio::test]
async fn a_first_start_begins_at_the_head() {
    let (rig, folder, sink) = (Rig::mixing().await, tempfile::tempdir().unwrap(), WebSink::open().await);
    set(&rig, HOOK, sink.url(), &[]).await;
    rename(&rig, "Old news").await;
    let running = start(&rig, &folder);
    until("the first mark", || folder.path().join("notify/webhooks.json").exists().then_some(())).await;
    rename(&rig, "New news").await;
    let heard = sink.until_heard(1).await;
    assert_eq!(heard[0].json()["song"], "New news");
    running.stop().await;
    // Set while nobody ran: that is no first start any more.
    set(&rig, OTHER, sink.url(), &["WEBHOOK_SET"]).await;
    let running = start(&rig, &folder);
    let heard = sink.until_heard(3).await;
    assert_eq!(heard[1].code() + &heard[2].code(), "WEBHOOK_SETWEBHOOK_SET", "one for each webhook");
    running.stop().await;
}

#[tokio::test]
async fn what_fails_is_tried_again_under_the_same_id_and_later_each_time() {
    let (rig, folder, sink) = (Rig::mixing().await, tempfile::tempdir().unwrap(), WebSink::open().await);
    sink.then([Answer::Status(500), Answer::Hang, Answer::Close, Answer::Garbage, Answer::Status(302)]);
    let running = start(&rig, &folder);
    set(&rig, HOOK, sink.url(), &[]).await;
    rename(&rig, "Morgenlied").await;
    for (tries, pause_s) in [(1, 10), (2, 30), (3, 90), (4, 270), (5, 810)] {
        sink.until_heard(tries).await;
        until_failed(&folder, tries).await;
        pass(&rig, (pause_s - 1) * 1000);
        tokio::time::sleep(Duration::from_millis(40)).await;
        assert_eq!(sink.heard().len(), tries, "no sooner than {pause_s} s");
        pass(&rig, 1000);
    }
    let heard = sink.until_heard(7).await;
    let ids: Vec<&str> = heard.iter().map(|one| one.header("deadwax-delivery")).collect();
    assert!(ids[..6].iter().all(|id| *id == ids[0]) && ids[6] != ids[0], "{ids:?}");
    assert_eq!(heard[5].code() + &heard[6].code(), "WEBHOOK_SETSONG_EDITED", "in order, then up to date");
    let signatures: Vec<&str> = heard.iter().map(|one| one.header("deadwax-signature")).collect();
    assert_ne!(signatures[0], signatures[5], "each try is signed at its own time");
    running.stop().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (sink, elsewhere) = (WebSink::open().await, WebSink::open().await);
    sink.usually(Answer::Redirect(elsewhere.url()));
    let error = poster(true).post(&sink.url(), &delivery()).await.unwrap_err();
    assert!(matches!(error, PostError::Answer(status) if status == 307), "{error}");
    assert_eq!((sink.connections(), elsewhere.connections()), (1, 0));
}

#[tokio::test]
async fn one_that_refuses_for_good_holds_nothing_up_and_one_that_hangs_holds_up_itself() {
    let (rig, folder) = (Rig::mixing().await, tempfile::tempdir().unwrap());
    let (sink, hangs) = (WebSink::open().await, WebSink::open().await);
    sink.then([Answer::Status(422)]);
    hangs.usually(Answer::Hang);
    let running = start(&rig, &folder);
    set(&rig, OTHER, hangs.url(), &[]).await;
    hangs.until_heard(1).await;
    let began = std::time::Instant::now();
    set(&rig, HOOK, sink.url(), &[]).await;
    rename(&rig, "Morgenlied").await;
    sink.until_heard(2).await;
    assert_eq!(sink.codes(), ["WEBHOOK_SET", "SONG_EDITED"]);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "the ledger and the others went on: {took:?}");
    running.stop().await;
}

#[tokio::test]
async fn what_fails_for_a_day_is_given_up_and_news_go_on() {
    let (rig, folder, sink) = (Rig::mixing().await, tempfile::tempdir().unwrap(), WebSink::open().await);
    sink.usually(Answer::Status(503));
    let running = start(&rig, &folder);
    set(&rig, HOOK, sink.url(), &[]).await;
    rename(&rig, "Old").await;
    for tries in 1..=12 {
        sink.until_heard(tries).await;
        until_failed(&folder, tries).await;
        pass(&rig, 2 * HOUR_MS);
    }
    sink.until_heard(13).await;
    until_failed(&folder, 13).await;
    assert!(sink.codes().iter().all(|code| code == "WEBHOOK_SET"), "in order, for a day: {:?}", sink.codes());
    sink.usually(Answer::Status(200));
    let before = sink.heard().len();
    rename(&rig, "New").await;
    pass(&rig, 3 * HOUR_MS);
    let heard = sink.until_heard(before + 1).await;
    assert_eq!(heard[before].json()["song"], "New", "what is older than a day is not told any more");
    running.stop().await;
}

#[tokio::test]
async fn what_the_workshop_says_never_goes_out() {
    let (rig, folder, sink) = (Rig::mixing().await, tempfile::tempdir().unwrap(), WebSink::open().await);
    let running = start(&rig, &folder);
    set(&rig, HOOK, sink.url(), &[]).await;
    rig.note(Role::MixEngineer, 1, CANARY, true).await.unwrap();
    rig.note(Role::Artist, 2, "The text of a note.", false).await.unwrap();
    let version = rig.project().await.project.candidate(ledger_rig::SONG).unwrap().id;
    rig.ok(Role::MixEngineer, ledger_rig::note(3, version, CANARY, true)).await;
    rig.ok(
        Role::MixEngineer,
        Command::DeclineNote { note: deadwax_domain::NoteId(0x5001), reason: CANARY.into() },
    )
    .await;
    rename(&rig, "End").await;
    sink.until_heard(3).await;
    assert_eq!(sink.codes(), ["WEBHOOK_SET", "NOTE_ADDED", "SONG_EDITED"]);
    // Nor where the manager is of the workshop themselves: who reads at the other end is not.
    let both = Roles::from([Role::Manager, Role::Producer]);
    rig.ok(Role::Manager, Command::ChangeRoles { person: who(Role::Manager), roles: both }).await;
    rig.note(Role::MixEngineer, 4, CANARY, true).await.unwrap();
    let level = deadwax_domain::FollowLevel::All;
    rig.ok(Role::Manager, Command::Follow { song: None, level }).await;
    rename(&rig, "The very end").await;
    sink.until_heard(5).await;
    assert_eq!(
        sink.codes()[3..],
        ["ROLES_CHANGED", "SONG_EDITED"],
        "and how one follows is one's own affair"
    );
    let all: String = sink.heard().iter().map(|one| one.body.clone()).collect();
    assert!(!all.contains(CANARY) && !all.contains("The text of a note"), "{all}");
    running.stop().await;
}

#[tokio::test]
async fn a_webhook_of_somebody_who_left_is_silent_and_one_for_some_codes_hears_those() {
    let (rig, folder, sink) = (Rig::mixing().await, tempfile::tempdir().unwrap(), WebSink::open().await);
    let both = Roles::from([Role::Manager, Role::Producer]);
    rig.ok(Role::Manager, Command::ChangeRoles { person: who(Role::Producer), roles: both }).await;
    let running = start(&rig, &folder);
    let set_by_producer = Command::SetWebhook {
        webhook: OTHER,
        url: format!("{}&who=producer", sink.url()),
        codes: Vec::new(),
    };
    rig.ok(Role::Producer, set_by_producer).await;
    sink.until_heard(1).await;
    set(&rig, HOOK, sink.url(), &["SONG_EDITED"]).await;
    sink.until_heard(2).await;
    rig.ok(Role::Manager, Command::RemoveMember { person: who(Role::Producer) }).await;
    rename(&rig, "First").await;
    sink.until_heard(3).await;
    rename(&rig, "Second").await;
    sink.until_heard(4).await;
    tokio::time::sleep(A_WHILE).await;
    let heard: Vec<(bool, String)> =
        sink.heard().iter().map(|one| (one.head.contains("who=producer"), one.code())).collect();
    let of =
        |codes: &[(bool, &str)]| codes.iter().map(|(by, code)| (*by, code.to_string())).collect::<Vec<_>>();
    let expected =
        of(&[(true, "WEBHOOK_SET"), (true, "WEBHOOK_SET"), (false, "SONG_EDITED"), (false, "SONG_EDITED")]);
    assert_eq!(heard, expected, "the producer's heard both being set and nothing since they left");

    rig.ok(Role::Manager, Command::RemoveWebhook { webhook: HOOK }).await;
    rename(&rig, "Third").await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(sink.heard().len(), 4, "a removed webhook is called no more");
    running.stop().await;
}

fn delivery() -> Delivery {
    Delivery { id: "a/1/b".into(), signature: "t=1,v1=00".into(), body: "{}".into() }
}

/// A name server whose second answer is another one.
struct Rebinding {
    first: Vec<SocketAddr>,
    then: SocketAddr,
    asked: AtomicUsize,
}

impl Resolve for Rebinding {
    fn resolve<'a>(&'a self, _: &'a str, _: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        let first = self.asked.fetch_add(1, Ordering::SeqCst) == 0;
        let found = if first { self.first.clone() } else { vec![self.then] };
        async move { Ok(found) }.boxed()
    }
}

#[tokio::test]
async fn a_public_name_that_leads_to_a_private_address_is_not_called() {
    let sink = WebSink::open().await;
    for private in [sink.address, format!("[::ffff:127.0.0.1]:{}", sink.address.port()).parse().unwrap()] {
        let metadata: SocketAddr = "169.254.169.254:80".parse().unwrap();
        let names =
            Rebinding { first: vec![private, metadata], then: sink.address, asked: AtomicUsize::new(0) };
        let poster = Poster::new(Bounds::wide(false), None, Arc::new(names)).unwrap();
        let error = poster.post("https://hooks.example.org/", &delivery()).await.unwrap_err();
        assert!(matches!(error, PostError::NotPublic), "{error}");
    }
    // The literal address, asked again although it was stored.
    let error = poster(false).post(&sink.url(), &delivery()).await.unwrap_err();
    assert!(matches!(error, PostError::Address), "{error}");
    // Allowed to call its own network, it still calls no cloud's secrets.
    let names = Rebinding {
        first: vec!["169.254.169.254:80".parse().unwrap()],
        then: sink.address,
        asked: AtomicUsize::new(0),
    };
    let error = Poster::new(Bounds::wide(true), None, Arc::new(names))
        .unwrap()
        .post("http://a.example/", &delivery())
        .await;
    assert!(matches!(error, Err(PostError::NotPublic)));
    assert_eq!(sink.connections(), 0);
}

#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() {
    let (sink, elsewhere) = (WebSink::open().await, WebSink::open().await);
    let names = Arc::new(Rebinding {
        first: vec!["0.0.0.0:1".parse().unwrap(), sink.address],
        then: elsewhere.address,
        asked: AtomicUsize::new(0),
    });
    let poster = Poster::new(Bounds::wide(true), None, Arc::clone(&names) as Arc<dyn Resolve>).unwrap();
    poster.post(&format!("http://hooks.example.org:{}/", sink.address.port()), &delivery()).await.unwrap();
    assert_eq!(names.asked.load(Ordering::SeqCst), 1, "a name is looked up once");
    assert_eq!((sink.connections(), elsewhere.connections()), (1, 0));
    assert_eq!(sink.heard()[0].header("host"), format!("hooks.example.org:{}", sink.address.port()));
}

#[tokio::test]
async fn tls_asks_for_a_certificate_of_a_known_authority_and_of_that_name() {
    let made = rcgen::generate_simple_self_signed(vec!["hooks.example.org".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let sink = WebSink::open_with(Some(tokio_rustls::TlsAcceptor::from(Arc::new(config)))).await;
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, made.cert.pem()).unwrap();
    let names = || {
        let asked = AtomicUsize::new(0);
        Arc::new(Rebinding { first: vec![sink.address], then: sink.address, asked }) as Arc<dyn Resolve>
    };
    let post = |poster: Poster, host: &'static str| async move {
        poster.post(&format!("https://{host}/"), &delivery()).await
    };
    let unknown = post(Poster::new(Bounds::wide(true), None, names()).unwrap(), "hooks.example.org").await;
    assert!(matches!(unknown, Err(PostError::Tls(_))), "{unknown:?}");
    let another =
        post(Poster::new(Bounds::wide(true), Some(&roots), names()).unwrap(), "other.example.org").await;
    assert!(matches!(another, Err(PostError::Tls(_))), "{another:?}");
    assert!(sink.heard().is_empty(), "nothing is said before the certificate is known");
    post(Poster::new(Bounds::wide(true), Some(&roots), names()).unwrap(), "hooks.example.org").await.unwrap();
    assert_eq!(sink.heard().len(), 1);
    assert!(Poster::new(Bounds::wide(true), Some(&folder.path().join("absent.pem")), names()).is_err());
}

#[tokio::test]
async fn switched_off_nothing_goes_out_and_nothing_is_told_later() {
    let (rig, folder, sink) = (Rig::mixing().await, tempfile::tempdir().unwrap(), WebSink::open().await);
    let running = start(&rig, &folder);
    set(&rig, HOOK, sink.url(), &[]).await;
    sink.until_heard(1).await;
    running.stop().await;
    let stop = CancellationToken::new();
    let off = Hooks {
        ledger: Arc::clone(&rig.ledger),
        clock: Arc::clone(&rig.clock) as Arc<dyn Clock>,
        names: names(),
        studio: String::new(),
        kept: Place::Folder(folder.path().to_owned()),
        secrets: Arc::new(Secrets::of(folder.path())),
        poster: poster(true),
        dice: Arc::new(|| 0.5),
        enabled: false,
        tick: Duration::from_millis(5),
        shutdown: stop.clone(),
        figures: NewsFigures::default(),
    };
    let off = Running { task: tokio::spawn(off.run()), stop };
    rename(&rig, "Meanwhile").await;
    tokio::time::sleep(A_WHILE).await;
    off.stop().await;
    let running = start(&rig, &folder);
    rename(&rig, "Later").await;
    let heard = sink.until_heard(2).await;
    assert_eq!(heard[1].json()["song"], "Later");
    running.stop().await;
}
