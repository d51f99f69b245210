//! Webhooks and mail through a whole server: what its wire lets through, its settings, and that both tasks run and stop with it.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
mod notify_kit;

use std::time::Duration;

use common::{House, Seat, id_text, refused, within};
use deadwax_domain::{Command, Role};
use deadwax_proto::v1::{self, action::Action, projects_client::ProjectsClient};
use deadwax_server::config::{Mail, Security};
use notify_kit::{MailSink, WebSink};

const HOOK: u128 = 0x7001;

async fn set(seat: &Seat, project: &str, url: &str) -> Result<v1::PerformResponse, tonic::Status> {
    let action = v1::SetWebhook { webhook_id: id_text(HOOK), url: url.into(), codes: Vec::new() };
    let asked = v1::PerformRequest {
        command_id: uuid::Uuid::now_v7().to_string(),
        project_id: project.into(),
        action: Some(v1::Action { action: Some(Action::SetWebhook(action)) }),
        ..v1::PerformRequest::default()
    };
    let done = ProjectsClient::new(seat.channel.clone()).perform(seat.with(asked)).await?;
    Ok(done.into_inner())
}

async fn secret(seat: &Seat, project: &str, webhook: u128) -> Result<String, tonic::Status> {
    let asked = v1::WebhookSecretRequest { project_id: project.into(), webhook_id: id_text(webhook) };
    let told = ProjectsClient::new(seat.channel.clone()).webhook_secret(seat.with(asked)).await?;
    Ok(told.into_inner().secret)
}

async fn set_mail(seat: &Seat, choice: v1::MailChoice) -> Result<v1::Person, tonic::Status> {
    let asked = v1::SetMailRequest { choice: choice.into() };
    Ok(seat.sessions.clone().set_mail(seat.with(asked)).await?.into_inner())
}

async fn who_am_i(seat: &Seat) -> v1::Person {
    seat.sessions.clone().who_am_i(seat.with(v1::WhoAmIRequest {})).await.unwrap().into_inner()
}

#[tokio::test]
async fn a_webhook_to_a_private_address_is_refused_where_it_is_set() {
    let house = House::open().await;
    let manager = house.person("Olga", true).await;
    let project = house.project(&manager).await;
    let text = id_text(project.0);
    for url in [
        "http://hooks.example.org/",
        "https://127.0.0.1/",
        "https://[::ffff:127.0.0.1]/",
        "https://2130706433/",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/",
        "https://user:word@hooks.example.org/",
    ] {
        let status = refused(set(&manager, &text, url).await, "RULE_INVALID");
        assert!(status.message().contains("webhook"), "{status:?}");
    }
    set(&manager, &text, "https://hooks.example.org/x").await.unwrap();
}

#[tokio::test]
async fn a_server_tells_a_webhook_signed_with_the_secret_that_only_managers_see() {
    let house = House::open_with(|config| config.webhooks.allow_private = true).await;
    let sink = WebSink::open().await;
    let manager = house.person("Olga", true).await;
    let artist = house.person("Ana", false).await;
    let stranger = house.person("Eve", false).await;
    let project = house.project(&manager).await;
    let add = Command::AddMember { person: artist.id, roles: [Role::Artist].into() };
    house.perform(&manager, project, add).await;
    let text = id_text(project.0);
    refused(set(&artist, &text, &sink.url()).await, "NOT_YOUR_ROLE");
    set(&manager, &text, &sink.url()).await.unwrap();
    let heard = sink.until_heard(1).await;
    let told = secret(&manager, &text, HOOK).await.unwrap();
    assert!(heard[0].is_signed_with(&told), "{:?}", heard[0]);
    assert_eq!(heard[0].json()["studio"], "Gold Room");
    assert_eq!(secret(&manager, &text, HOOK).await.unwrap(), told, "it can be shown again");
    refused(secret(&artist, &text, HOOK).await, "NOT_YOUR_ROLE");
    refused(secret(&stranger, &text, HOOK).await, "NO_SUCH_PROJECT");
    refused(secret(&manager, &text, HOOK + 1).await, "NO_SUCH_WEBHOOK");
    house.stop.cancel();
    within(Duration::from_secs(15), "stopping", house.served).await.unwrap().unwrap();
    assert!(house.folder.path().join("notify/webhooks.json").exists());
}

#[tokio::test]
async fn where_no_mail_is_sent_nothing_can_be_chosen() {
    let house = House::open().await;
    let ana = house.person("Ana", false).await;
    assert_eq!(who_am_i(&ana).await.mail(), v1::MailChoice::Unspecified);
    refused(set_mail(&ana, v1::MailChoice::Each).await, "MAIL_NOT_SET_UP");
    refused(set_mail(&ana, v1::MailChoice::Unspecified).await, "MALFORMED");
}

#[tokio::test]
async fn a_server_mails_what_was_chosen() {
    let sink = MailSink::open().await;
    let at = sink.address;
    let house = House::open_with(move |config| {
        config.mail = Mail {
            host: at.ip().to_string(),
            port: at.port(),
            security: Security::None,
            from: "deadwax@gold.example".into(),
            ..Mail::default()
        };
    })
    .await;
    let ana = house.person("Ana", true).await;
    assert_eq!(who_am_i(&ana).await.mail(), v1::MailChoice::Digest, "until she chooses");
    assert_eq!(set_mail(&ana, v1::MailChoice::Each).await.unwrap().mail(), v1::MailChoice::Each);
    assert_eq!(
        set_mail(&ana, v1::MailChoice::Each).await.unwrap().mail(),
        v1::MailChoice::Each,
        "again is no error"
    );
    assert_eq!(who_am_i(&ana).await.mail(), v1::MailChoice::Each);

    let project = house.project(&ana).await;
    let roles = [Role::Manager, Role::Artist].into();
    house.perform(&ana, project, Command::ChangeRoles { person: ana.id, roles }).await;
    let song = deadwax_domain::SongId(100);
    let add = Command::AddSong { song, title: "Nachtlied".into(), isrc: String::new() };
    house.perform(&ana, project, add).await;
    let book = house.folder.path().join("notify/mail.json");
    notify_kit::until("the row", || std::fs::read_to_string(&book).ok()?.contains("UPLOAD").then_some(()))
        .await;
    house.clock.0.fetch_add(60_000, std::sync::atomic::Ordering::SeqCst);
    let mails = sink.until_mails(1).await;
    assert_eq!(mails[0].header("Subject"), "Gold Room: Nachtlied - Upload the first take.");
    assert_eq!(mails[0].to, ["RCPT TO:<ana@example.org>"]);
    house.stop.cancel();
    within(Duration::from_secs(15), "stopping", house.served).await.unwrap().unwrap();
}

#[tokio::test]
async fn the_choice_outlives_the_process() {
    use std::sync::Arc;

    use deadwax_server::{
        auth::{MailChoice, People},
        ledger::Clock,
        store::{MemoryStore, Store},
    };
    use tokio_util::sync::CancellationToken;

    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let clock = || Arc::new(common::Hand(std::sync::atomic::AtomicI64::new(1))) as Arc<dyn Clock>;
    let open = || People::open(Arc::clone(&store), clock(), CancellationToken::new());
    let people = open().await.unwrap();
    let ana = people.add("Ana", "ana@example.org", true).await.unwrap().id;
    assert_eq!(people.mail(ana), MailChoice::Digest);
    people.set_mail(ana, MailChoice::None).await.unwrap();
    people.set_mail(ana, MailChoice::Each).await.unwrap();
    assert_eq!(open().await.unwrap().mail(ana), MailChoice::Each);
    let nobody = people.set_mail(deadwax_domain::PersonId(9), MailChoice::Each).await;
    assert!(nobody.is_err());
}
