//! Before and around the services: TLS, silent and too many connections, sizes, and what the log may never hold.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;

use std::{
    io::Write,
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{House, id_text, refused, within};
use deadwax_proto::v1::{self, sessions_client::SessionsClient};
use deadwax_server::{config, telemetry};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{
    Code,
    transport::{Certificate, ClientTlsConfig, Endpoint},
};

#[tokio::test]
async fn tls_is_spoken_with_the_certificate_of_the_link() {
    let house = House::open_with(|config| config.tls = true).await;
    let pem = std::fs::read(house.folder.path().join("certificate.pem")).unwrap();
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)).domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{}", house.address)).unwrap();
    let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
    let info = SessionsClient::new(channel).get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    assert_eq!(info.into_inner().studio, "Gold Room");

    let ana = house.studio.people.add("Ana", "ana@example.org", true).await.unwrap();
    let issued = house.studio.people.issue_code(ana.id).await.unwrap();
    let link = house.studio.invite_link(&issued.code);
    let fingerprint = house.studio.fingerprint().unwrap();
    assert_eq!(link, format!("deadwax://{}/{}#sha256={fingerprint}", house.address, issued.code.reveal()));
    // Without TLS nobody gets an answer.
    let plain = Endpoint::from_shared(format!("http://{}", house.address)).unwrap();
    let answer = async {
        SessionsClient::new(plain.connect().await?)
            .get_server_info(v1::GetServerInfoRequest {})
            .await
            .map_err(|status| -> Box<dyn std::error::Error> { Box::new(status) })
    };
    assert!(within(Duration::from_secs(8), "refusing", answer).await.is_err());
}

#[tokio::test]
async fn a_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let house = House::open_with(|config| config.tls = true).await;
    let mode = house.folder.path().join("key.pem").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Reads until the other side hangs up.
async fn hung_up(mut stream: TcpStream) {
    let mut buffer = [0; 1024];
    while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {}
}

#[tokio::test]
async fn one_address_has_a_number_of_connections() {
    let house = House::open_with(|config| config.limits.connections_per_address = 2).await;
    let mut first = house.stranger().await;
    let second = house.stranger().await;
    let third = TcpStream::connect(house.address).await.unwrap();
    within(Duration::from_secs(2), "closing the third", hung_up(third)).await;
    first.sessions.get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    drop(second);
    tokio::time::sleep(Duration::from_millis(200)).await;
    house.stranger().await.sessions.get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let asked = ana.with(v1::CreateInviteRequest { name: "x".repeat((1 << 20) + 1), ..Default::default() });
    let no = ana.sessions.create_invite(asked).await.unwrap_err();
    assert!(matches!(no.code(), Code::OutOfRange | Code::ResourceExhausted), "{no:?}");
    let mut asked = ana.with(v1::WhoAmIRequest {});
    asked.metadata_mut().insert("x-large", "y".repeat(17 << 10).parse().unwrap());
    assert!(ana.sessions.who_am_i(asked).await.is_err(), "headers over 16 KiB");
}

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// While there is one log alone, tracing asks the thread that comes first by a line whether anybody wants it; that may be the thread of a test that hears nothing,
/// and then nobody hears it.
fn another_log() -> tracing::Dispatch {
    let log = config::Log { format: config::LogFormat::Json, level: config::LogLevel::Trace };
    tracing::Dispatch::new(telemetry::subscriber(&log, std::io::sink))
}

/// One thread, so that this test's subscriber hears all that the server says.
#[tokio::test(flavor = "current_thread")]
async fn the_log_tells_who_did_what_and_no_secret() {
    let paper = Paper::default();
    let log = config::Log { format: config::LogFormat::Json, level: config::LogLevel::Trace };
    let writer = paper.clone();
    let subscriber = telemetry::subscriber(&log, move || writer.clone());
    let (_here, _other) = (tracing::subscriber::set_default(subscriber), another_log());

    let house = House::open().await;
    let ana = house.studio.people.add("Ana Canary", "ana@canary.example", true).await.unwrap();
    let code = house.studio.people.issue_code(ana.id).await.unwrap().code.reveal().to_owned();
    let mut seat = house.stranger().await;
    refused(seat.login("wrongcanarycode").await, "INVITE_UNKNOWN");
    seat.login(&code).await.unwrap();
    let asked = seat.with(v1::WhoAmIRequest {});
    seat.sessions.who_am_i(asked).await.unwrap();
    let project = house.project(&seat).await;
    let asked = seat.with(v1::BeginUploadRequest {
        project_id: common::id_text(project.0),
        sha256: "ab".repeat(32),
        bytes: 10,
        name: "canarysong.wav".into(),
    });
    seat.media.begin_upload(asked).await.unwrap();
    let asked = seat.with(v1::CreateInviteRequest {
        name: "Canary Friend".into(),
        email: "friend@canary.example".into(),
        ..Default::default()
    });
    let link = seat.sessions.create_invite(asked).await.unwrap().into_inner().link;
    let token = seat.token.clone();
    seat.token = "dwx_canarytoken".into();
    let asked = seat.with(v1::WhoAmIRequest {});
    refused(seat.sessions.who_am_i(asked).await, "SESSION_ENDED");
    drop(seat);
    tokio::time::sleep(Duration::from_millis(50)).await;

    let said = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    assert!(said.contains("deadwax.v1.Sessions/WhoAmI"), "{said}");
    assert!(said.contains(&id_text(ana.id.0)), "requests carry the person's id: {said}");
    assert!(said.contains("Unauthenticated"), "and the outcome: {said}");
    let lines: Vec<serde_json::Value> =
        said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let line_of = |is: &dyn Fn(&serde_json::Value) -> bool| lines.iter().find(|line| is(line)).unwrap();
    let call = line_of(&|it| it["method"] == "deadwax.v1.Sessions/WhoAmI" && it["code"] == "Ok");
    assert_eq!(call["address"], "127.0.0.1", "where from: {call}");
    assert_eq!(call["session"].as_str().map(str::len), Some(36), "in which session: {call}");
    let come = line_of(&|it| it["message"] == "signed in");
    assert_eq!((&come["by"], &come["address"]), (&"a code".into(), &"127.0.0.1".into()), "{come}");
    for secret in [&token, &token[4..], &code, &common::code_of(&link), "canary", "Canary"] {
        assert!(!said.contains(secret), "{secret} is in the log: {said}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn whoever_is_sent_away_at_the_door_is_told_in_the_log() {
    let paper = Paper::default();
    let log = config::Log { format: config::LogFormat::Json, level: config::LogLevel::Warn };
    let writer = paper.clone();
    let _here = tracing::subscriber::set_default(telemetry::subscriber(&log, move || writer.clone()));
    let _other = another_log();
    let house = House::open_with(|config| {
        config.tls = true;
        config.limits.connections_per_address = 1;
    })
    .await;
    let mut wrong = TcpStream::connect(house.address).await.unwrap();
    wrong.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    within(Duration::from_secs(5), "no TLS", hung_up(wrong)).await;
    within(Duration::from_secs(5), "one too many", async {
        let _first = TcpStream::connect(house.address).await.unwrap();
        hung_up(TcpStream::connect(house.address).await.unwrap()).await;
    })
    .await;
    let said = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    let lines = said.lines().filter(|line| line.contains("connections were sent away at the door"));
    let reasons = ["no TLS handshake", "limits.connections_per_address are open from there"];
    assert_eq!(lines.clone().count(), 2, "{said}");
    for reason in reasons {
        assert!(
            lines.clone().any(|line| line.contains(reason) && line.contains("127.0.0.1")),
            "{reason}: {said}"
        );
    }
}
