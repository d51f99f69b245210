//! Mail against a mail server of our own: who gets a letter, when, what stands in it, and what a mail server that is down costs.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod ledger_rig;
mod notify_kit;

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use deadwax_domain::{Actor, Command, FollowLevel, Role, VersionKind};
use deadwax_server::{
    auth::{Caller, MailChoice, People, Person},
    config::{Mail as Settings, Security},
    disk::Drive,
    egress::{EgressBook, Gift, Transit, Way},
    ledger::Clock,
    notify::{kept::Place, mail::PostOffice, mailer::Mailer},
};
use ledger_rig::{CANARY, ROLES, Rig, who};
use notify_kit::{A_WHILE, MailSink, Manner, until};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

fn settings(server: SocketAddr) -> Settings {
    Settings {
        host: server.ip().to_string(),
        port: server.port(),
        security: Security::None,
        from: "deadwax@gold.example".into(),
        ..Settings::default()
    }
}

/// A project with everybody in it, people with addresses, and a place for what is kept.
struct Stand {
    rig: Rig,
    people: Arc<People>,
    egress: Arc<EgressBook>,
    folder: tempfile::TempDir,
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

impl Stand {
    async fn open() -> Self {
        let rig = Rig::mixing().await;
        let clock = Arc::clone(&rig.clock) as Arc<dyn Clock>;
        let people = People::open(Arc::clone(&rig.store), clock, CancellationToken::new()).await.unwrap();
        for role in ROLES {
            let (name, email) =
                (format!("Name of {role}"), format!("{}@x.example", role.to_string().replace(' ', "-")));
            people.add_as(who(role), &name, &email, role == Role::Manager).await.unwrap();
        }
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::clone(&rig.clock) as Arc<dyn Clock>);
        let (drive, place) = (Drive::real(), folder.path().join("egress"));
        let egress = EgressBook::open(&drive, &place, clock).await.unwrap();
        Self { rig, people, egress, folder }
    }

    async fn choose(&self, role: Role, choice: MailChoice) {
        self.people.set_mail(who(role), choice).await.unwrap();
    }

    /// Returns once the first marks are written: what happens from now on is news.
    async fn start(&self, settings: &Settings) -> Running {
        let office = PostOffice::open(settings, self.folder.path(), "Gold Room").unwrap().unwrap();
        let mut office = office;
        office.timeout = Duration::from_millis(400);
        let stop = CancellationToken::new();
        let mailer = Mailer {
            ledger: Arc::clone(&self.rig.ledger),
            clock: Arc::clone(&self.rig.clock) as Arc<dyn Clock>,
            people: Arc::clone(&self.people),
            egress: Arc::clone(&self.egress),
            studio: "Gold Room".into(),
            kept: Place::Folder(self.folder.path().to_owned()),
            office: Arc::new(office),
            digest_hour: 6,
            dice: Arc::new(|| 0.5),
            tick: Duration::from_millis(5),
            shutdown: stop.clone(),
            figures: deadwax_server::metrics::NewsFigures::default(),
        };
        let running = Running { task: tokio::spawn(mailer.run()), stop };
        let book = self.folder.path().join("notify/mail.json");
        until("the first mark", || book.exists().then_some(())).await;
        running
    }

    fn pass(&self, ms: i64) {
        self.rig.clock.0.fetch_add(ms, Ordering::Relaxed);
    }

    /// Waits until something stands in the book.
    async fn until_kept(&self, words: &str) {
        let book = self.folder.path().join("notify/mail.json");
        until(words, || std::fs::read_to_string(&book).ok()?.contains(words).then_some(())).await;
    }

    /// A mix that the house has examined: from then on it waits on who approves.
    async fn mix(&self, number: u8) {
        self.rig.upload(Role::MixEngineer, VersionKind::Mix, number).await.unwrap();
        let version = self.rig.project().await.project.candidate(ledger_rig::SONG).unwrap().id;
        let examined = deadwax_domain::Examined::default();
        let record = Command::RecordExamination { version, examined };
        let id = uuid::Uuid::now_v7().as_u128();
        self.rig.ledger.perform(ledger_rig::perform(id, Actor::Worker, record)).await.unwrap();
    }

    async fn follow(&self, role: Role, level: FollowLevel) {
        self.rig.ok(role, Command::Follow { song: None, level }).await;
    }
}

/// Long enough for a letter that must not come.
async fn a_while() {
    tokio::time::sleep(A_WHILE).await;
}

#[tokio::test]
async fn who_is_told_at_once_gets_one_letter_of_what_came_within_a_minute() {
    let (stand, sink) = (Stand::open().await, MailSink::open().await);
    stand.choose(Role::Label, MailChoice::Each).await;
    stand.choose(Role::MixEngineer, MailChoice::Each).await;
    let running = stand.start(&settings(sink.address)).await;
    stand.rig.note(Role::Artist, 1, "The text of a note.", false).await.unwrap();
    stand.until_kept("NOTE").await;
    stand.pass(MINUTE_MS / 2);
    stand.rig.note(Role::Producer, 2, "The text of a note.", false).await.unwrap();
    stand.until_kept("5002").await;
    a_while().await;
    assert_eq!(sink.mails().len(), 0, "the minute is not over");
    stand.pass(MINUTE_MS / 2);
    let mails = sink.until_mails(1).await;
    let mail = &mails[0];
    assert_eq!(mail.to, ["RCPT TO:<mix-engineer@x.example>"]);
    assert!(mail.from.starts_with("MAIL FROM:<deadwax@gold.example>"), "{}", mail.from);
    assert_eq!(mail.header("From"), "\"Gold Room\" <deadwax@gold.example>");
    assert_eq!(mail.header("Subject"), "Gold Room: 2 things wait on you");
    let body = mail.body();
    assert!(body.contains("Night / Nachtlied: Answer a note of the artist.\r\n"), "{body}");
    assert!(body.contains("Answer a note of the producer."), "{body}");
    assert!(!mail.text.contains("The text of a note"), "{}", mail.text);

    running.stop().await;
    let running = stand.start(&settings(sink.address)).await;
    stand.pass(2 * HOUR_MS);
    a_while().await;
    assert_eq!(sink.mails().len(), 1, "a restart tells nothing twice, and the label had nothing new");
    stand.mix(3).await;
    stand.until_kept("APPROVE").await;
    stand.pass(MINUTE_MS);
    let mails = sink.until_mails(2).await;
    assert!(mails.iter().any(|mail| mail.to == ["RCPT TO:<label@x.example>"]), "{mails:?}");
    running.stop().await;
}

#[tokio::test]
async fn what_is_muted_or_done_or_not_wanted_is_not_told() {
    let (stand, sink) = (Stand::open().await, MailSink::open().await);
    for role in [Role::Label, Role::Artist, Role::MixEngineer] {
        stand.choose(role, MailChoice::Each).await;
    }
    stand.follow(Role::Label, FollowLevel::Muted).await;
    let song = Some(ledger_rig::SONG);
    stand.rig.ok(Role::MixEngineer, Command::Follow { song, level: FollowLevel::Muted }).await;
    let running = stand.start(&settings(sink.address)).await;
    stand.rig.note(Role::Producer, 1, "x", false).await.unwrap();
    stand.mix(3).await;
    stand.until_kept("APPROVE").await;
    // The artist approves within the minute: nothing waits any more.
    stand.rig.approve(Role::Artist, 7).await.unwrap();
    stand.pass(2 * MINUTE_MS);
    a_while().await;
    stand.mix(4).await;
    stand.until_kept("APPROVE").await;
    stand.choose(Role::Artist, MailChoice::None).await;
    stand.pass(2 * MINUTE_MS);
    a_while().await;
    assert_eq!(sink.lines(), Vec::<String>::new(), "nobody was even connected to");
    running.stop().await;
}

#[tokio::test]
async fn a_mail_server_that_is_down_gets_the_letter_once_when_it_is_back() {
    let stand = Stand::open().await;
    stand.choose(Role::Label, MailChoice::Each).await;
    // A port that nobody listens on is had by asking for one and letting it go.
    let down = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let running = stand.start(&settings(down)).await;
    stand.mix(3).await;
    stand.until_kept("APPROVE").await;
    stand.pass(MINUTE_MS);
    stand.until_kept("\"failures\":1").await;
    let began = std::time::Instant::now();
    stand.mix(4).await;
    assert!(began.elapsed() < Duration::from_secs(2), "the ledger does not wait for mail");
    stand.pass(10_000);
    stand.until_kept("\"failures\":2").await;
    // The server under test stops and starts meanwhile: the letter waits in its file.
    running.stop().await;
    let sink = MailSink::open_at(down).await;
    let running = stand.start(&settings(down)).await;
    stand.pass(30_000);
    let mails = sink.until_mails(1).await;
    let id = mails[0].header("Message-ID");
    assert!(id.starts_with('<') && id.ends_with("@gold.example>"), "{id}");
    a_while().await;
    assert_eq!(sink.mails().iter().filter(|mail| mail.header("Message-ID") == id).count(), 1);
    running.stop().await;
}

#[tokio::test]
async fn a_retry_has_the_same_message_id_and_a_silent_server_is_left() {
    let (stand, sink) = (Stand::open().await, MailSink::open().await);
    stand.choose(Role::Label, MailChoice::Each).await;
    sink.behaves(Manner { silent: true, ..Manner::default() });
    let running = stand.start(&settings(sink.address)).await;
    stand.mix(3).await;
    stand.until_kept("APPROVE").await;
    stand.pass(MINUTE_MS);
    stand.until_kept("\"failures\":1").await;
    sink.behaves(Manner { rcpt: Some("450 later"), ..Manner::default() });
    stand.pass(10_000);
    stand.until_kept("\"tries\":1").await;
    sink.behaves(Manner::default());
    stand.pass(HOUR_MS);
    sink.until_mails(1).await;
    a_while().await;
    assert_eq!(sink.mails().len(), 1);
    running.stop().await;
}

#[tokio::test]
async fn an_address_that_is_refused_holds_no_other_letter_up() {
    let (stand, sink) = (Stand::open().await, MailSink::open().await);
    stand.choose(Role::Label, MailChoice::Each).await;
    stand.choose(Role::MixEngineer, MailChoice::Each).await;
    sink.behaves(Manner { rcpt: Some("550 nobody here"), ..Manner::default() });
    let running = stand.start(&settings(sink.address)).await;
    stand.mix(3).await;
    stand.until_kept("APPROVE").await;
    stand.pass(MINUTE_MS);
    stand.until_kept("\"tries\":1").await;
    sink.behaves(Manner::default());
    stand.rig.note(Role::Producer, 1, "x", false).await.unwrap();
    stand.until_kept("NOTE").await;
    stand.pass(MINUTE_MS);
    let mails = sink.until_mails(1).await;
    assert_eq!(mails[0].to, ["RCPT TO:<mix-engineer@x.example>"]);
    running.stop().await;
}

#[tokio::test]
async fn signing_in_uses_the_password_file_and_a_wrong_password_loses_no_letter() {
    let (stand, sink) = (Stand::open().await, MailSink::open().await);
    stand.choose(Role::Label, MailChoice::Each).await;
    sink.behaves(Manner { auth: Some("535 wrong"), ..Manner::default() });
    let password = stand.folder.path().join("mail.password");
    std::fs::write(&password, "open sesame\n").unwrap();
    std::fs::set_permissions(&password, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let with_password =
        Settings { user: "gold".into(), password_file: "mail.password".into(), ..settings(sink.address) };
    let running = stand.start(&with_password).await;
    stand.mix(3).await;
    stand.until_kept("APPROVE").await;
    stand.pass(MINUTE_MS);
    stand.until_kept("\"failures\":1").await;
    // "\0gold\0open sesame" in base64.
    assert!(sink.lines().contains(&"AUTH PLAIN AGdvbGQAb3BlbiBzZXNhbWU=".to_owned()), "{:?}", sink.lines());
    sink.behaves(Manner { auth: Some("235 welcome"), ..Manner::default() });
    stand.pass(10_000);
    sink.until_mails(1).await;
    let book = std::fs::read_to_string(stand.folder.path().join("notify/mail.json")).unwrap();
    assert!(!book.contains("sesame"));
    running.stop().await;
}

#[tokio::test]
async fn where_encryption_is_asked_for_nothing_goes_in_the_clear() {
    let (stand, sink) = (Stand::open().await, MailSink::open().await);
    stand.choose(Role::Label, MailChoice::Each).await;
    let starttls = Settings { security: Security::StartTls, ..settings(sink.address) };
    let running = stand.start(&starttls).await;
    stand.mix(3).await;
    stand.until_kept("APPROVE").await;
    stand.pass(MINUTE_MS);
    stand.until_kept("\"failures\":1").await;
    assert!(sink.lines().iter().all(|line| line.starts_with("EHLO") || line == "QUIT"), "{:?}", sink.lines());
    running.stop().await;
}

#[tokio::test]
async fn a_digest_comes_once_a_day_and_only_with_something_new() {
    let (stand, sink) = (Stand::open().await, MailSink::open().await);
    for role in ROLES.into_iter().filter(|role| *role != Role::Label) {
        stand.choose(role, MailChoice::None).await;
    }
    let running = stand.start(&settings(sink.address)).await;
    stand.mix(3).await;
    stand.pass(5 * HOUR_MS);
    a_while().await;
    assert_eq!(sink.mails().len(), 0, "it is five o'clock");
    stand.pass(HOUR_MS);
    let mails = sink.until_mails(1).await;
    assert_eq!(mails[0].to, ["RCPT TO:<label@x.example>"], "a digest where nothing was chosen");
    assert_eq!(mails[0].header("Subject"), "Gold Room: 1 thing waits on you");
    let body = mails[0].body();
    assert!(
        body.contains("Night / Nachtlied: Approve Mix 2 as label.\r\n    since 1 Jan 1970 (new)\r\n"),
        "{body}"
    );

    stand.mix(4).await;
    stand.pass(17 * HOUR_MS);
    running.stop().await;
    let running = stand.start(&settings(sink.address)).await;
    a_while().await;
    assert_eq!(sink.mails().len(), 1, "once a day, also over a restart");
    stand.pass(7 * HOUR_MS);
    let mails = sink.until_mails(2).await;
    assert!(mails[1].body().contains("Approve Mix 3 as label."), "{}", mails[1].body());
    assert_ne!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    stand.pass(24 * HOUR_MS);
    stand.until_kept("\"digest_day\":2").await;
    a_while().await;
    assert_eq!(sink.mails().len(), 2, "what waits still is no news");
    running.stop().await;
}

#[tokio::test]
async fn who_follows_all_hears_what_others_did_and_nothing_of_the_workshop() {
    let (stand, sink) = (Stand::open().await, MailSink::open().await);
    for role in ROLES {
        stand.choose(role, MailChoice::None).await;
    }
    stand.choose(Role::Artist, MailChoice::Digest).await;
    stand.choose(Role::Manager, MailChoice::Each).await;
    stand.follow(Role::Artist, FollowLevel::All).await;
    stand.follow(Role::Manager, FollowLevel::All).await;
    stand.follow(Role::Producer, FollowLevel::All).await;
    let running = stand.start(&settings(sink.address)).await;
    stand.rig.note(Role::MixEngineer, 1, CANARY, true).await.unwrap();
    stand.rig.note(Role::Label, 2, "The text of a note.", false).await.unwrap();
    let edit =
        |title: &str| Command::EditSong { song: ledger_rig::SONG, title: Some(title.into()), isrc: None };
    stand.rig.ok(Role::Artist, edit("Morgenlied")).await;
    stand.pass(7 * HOUR_MS);
    let mut mails = sink.until_mails(2).await;
    mails.sort_by(|a, b| a.to.cmp(&b.to));
    assert_eq!(mails[0].to, ["RCPT TO:<artist@x.example>"]);
    let body = mails[0].body();
    assert!(body.contains("Name of label wrote a note on Mix 1."), "{body}");
    assert!(!body.contains("set a song to"), "one's own deeds are no news: {body}");
    let body = mails[1].body();
    assert_eq!(mails[1].to, ["RCPT TO:<manager@x.example>"], "told at once, and still of what they follow");
    assert!(body.contains("set a song to \"Morgenlied\"") && !body.contains("wait"), "{body}");
    let all: String = mails.iter().map(|mail| mail.text.clone()).collect();
    assert!(!all.contains(CANARY) && !all.contains("internal") && !all.contains("The text of"), "{all}");
    running.stop().await;
}

#[tokio::test]
async fn who_left_while_the_mail_server_was_down_hears_nothing_any_more() {
    let (stand, sink) = (Stand::open().await, MailSink::open().await);
    stand.choose(Role::Label, MailChoice::Each).await;
    stand.choose(Role::Artist, MailChoice::Each).await;
    sink.behaves(Manner { silent: true, ..Manner::default() });
    let running = stand.start(&settings(sink.address)).await;
    stand.mix(3).await;
    stand.until_kept("APPROVE").await;
    stand.pass(MINUTE_MS);
    stand.until_kept("\"failures\":1").await;
    stand.rig.ok(Role::Manager, Command::RemoveMember { person: who(Role::Label) }).await;
    stand.people.redact(who(Role::Artist)).await.unwrap();
    sink.behaves(Manner::default());
    stand.pass(HOUR_MS);
    stand.until_kept("\"letters\":[]").await;
    assert_eq!(sink.mails().len(), 0);
    running.stop().await;
}

#[tokio::test]
async fn titles_make_no_headers() {
    let sink = MailSink::open().await;
    let office =
        PostOffice::open(&settings(sink.address), Path::new("/nowhere"), "Gold Room").unwrap().unwrap();
    let letter = deadwax_server::notify::mail::Letter {
        id: "one",
        name: "Ana\r\nBcc: eve@evil.example",
        email: "ana@x.example",
        subject: "Night\r\nBcc: eve@evil.example\r\n\r\nbody",
        body: "Line.\r\n.\r\nMAIL FROM:<eve@evil.example>\r\nRCPT TO:<bob@x.example>\r\nDATA\r\n",
        at_ms: 0,
    };
    office.send(&letter).await.unwrap();
    let mails = sink.mails();
    assert_eq!((mails.len(), mails[0].to.len()), (1, 1));
    assert_eq!(mails[0].header("Subject"), "Night Bcc: eve@evil.example body");
    assert!(mails[0].body().contains("MAIL FROM:<eve@evil.example>"), "a body stays a body");
    assert!(!sink.lines().iter().any(|line| line.contains("evil")), "{:?}", sink.lines());
}

/// An owner hears of it once, whatever else that person takes, and of nothing that was before the first start.
#[tokio::test(flavor = "multi_thread")]
async fn owners_of_the_studio_are_told_of_unusual_amounts_and_nobody_else() {
    let stand = Stand::open().await;
    let sink = MailSink::open().await;
    // The clock here begins in 1970, and a letter within the first hour would come too soon after none.
    stand.pass(2 * 3_600_000);
    let running = stand.start(&settings(sink.address)).await;
    let taker = stand.people.person(who(Role::Artist)).unwrap();
    for work in 0..40 {
        let (project, digest) = (deadwax_domain::ProjectId(1), deadwax_domain::Digest([work; 32]));
        let (way, work) = (Way::Download, u128::from(work));
        let gift = Gift { way, project, object: 1, work, digest, offset: 0, file_bytes: 5 };
        stand.pass(1);
        drop(stand.egress.begin(&caller(&taker), gift).await.unwrap());
    }
    let mails = sink.until_mails(1).await;
    a_while().await;
    assert_eq!(sink.mails().len(), 1);
    assert_eq!(mails[0].to, ["RCPT TO:<manager@x.example>"]);
    assert!(mails[0].header("Subject").contains("took 21 songs within a day"), "{}", mails[0].text);
    running.stop().await;
    // A restart tells it no second time.
    let running = stand.start(&settings(sink.address)).await;
    a_while().await;
    assert_eq!(sink.mails().len(), 1);
    running.stop().await;
}

fn caller(person: &Person) -> Caller {
    let (ended, transit) = (CancellationToken::new(), Transit::default());
    Caller { person: person.clone(), session_id: 1, address: None, ended, transit }
}
