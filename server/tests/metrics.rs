//! Figures and probes as an operator's programs meet them: over a plain socket. Goal: what is promised is there, in a format that others read, and no text of
//! people and no endless labels are. Method: calls good and hostile, then the page taken apart line by line.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use common::{House, within};
use deadwax_proto::v1;
use deadwax_server::metrics::{Metrics, calls};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Stands in names, titles and paths, and must stand in no figure.
const CANARY: &str = "kanarienvogel7zq";

async fn open() -> House {
    House::open_with(|config| config.metrics.listen = "127.0.0.1:0".into()).await
}

/// Status, head and body of one answer.
async fn ask(at: SocketAddr, request: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(at).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    // A door that hangs up without an answer has said what it has to say.
    let _read = within(Duration::from_secs(20), "the answer", stream.read_to_end(&mut bytes)).await;
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0);
    (status, head.to_lowercase(), body.to_owned())
}

async fn get(at: SocketAddr, path: &str) -> (u16, String, String) {
    ask(at, &format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")).await
}

/// A line of a page: its name, its labels, its value.
#[derive(Debug)]
struct Line {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// The page by the rules of the text format 0.0.4; kinds by family.
fn read(page: &str) -> (BTreeMap<String, String>, Vec<Line>) {
    let (mut kinds, mut lines) = (BTreeMap::new(), Vec::new());
    for line in page.lines() {
        if let Some(about) = line.strip_prefix("# TYPE ") {
            let (name, kind) = about.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "twice: {line}");
        } else if !line.starts_with("# HELP ") {
            let (left, value) = line.rsplit_once(' ').unwrap();
            let value = value.parse().unwrap_or_else(|_| panic!("{line}"));
            let (name, labels) = left.split_once('{').unwrap_or((left, "}"));
            let labels = labels.strip_suffix('}').unwrap();
            let labels = labels.split(',').filter(|it| !it.is_empty()).map(|label| {
                let (key, text) = label.split_once('=').unwrap();
                (key.to_owned(), text.trim_matches('"').to_owned())
            });
            lines.push(Line { name: name.to_owned(), labels: labels.collect(), value });
        }
    }
    for line in &lines {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
            line.name.strip_suffix(end).filter(|of| kinds.get(*of).is_some_and(|kind| kind == "histogram"))
        });
        assert!(kinds.contains_key(family.unwrap_or(&line.name)), "of no family: {line:?}");
    }
    (kinds, lines)
}

fn value(page: &str, name: &str, labels: &[(&str, &str)]) -> f64 {
    let (_, lines) = read(page);
    let is_it = |line: &&Line| {
        line.name == name
            && labels.iter().all(|(key, text)| line.labels.get(*key).is_some_and(|it| it == text))
    };
    lines.iter().find(is_it).map_or(0.0, |line| line.value)
}

#[tokio::test]
async fn every_figure_is_there_and_none_tells_of_people() {
    let house = open().await;
    let at = house.studio.probes_at().unwrap();
    let mut ana = house.person(&format!("Ana {CANARY}"), true).await;
    house.project(&ana).await;
    ana.sessions.get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    let (status, head, page) = get(at, "/metrics").await;
    assert_eq!(status, 200);
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let (kinds, _) = read(&page);
    let known = house.studio.metrics.known();
    for family in &known {
        // Families with labels appear with their first figure.
        if let Some(kind) = kinds.get(&family.name) {
            assert_eq!(kind, family.kind, "{}", family.name);
        }
    }
    let known: BTreeSet<&str> = known.iter().map(|it| it.name.as_str()).collect();
    assert!(kinds.keys().all(|name| known.contains(name.as_str())), "{kinds:?}");
    assert!(kinds.len() >= 30, "{} of {} families", kinds.len(), known.len());

    let info = [("method", "deadwax.v1.Sessions/GetServerInfo")];
    assert!(value(&page, "deadwax_calls_total", &[info[0], ("code", "OK")]) >= 1.0);
    assert!(value(&page, "deadwax_call_seconds_count", &info) >= 1.0);
    assert_eq!(value(&page, "deadwax_ready", &[]), 1.0);
    assert_eq!(value(&page, "deadwax_latch_fallen", &[]), 0.0);
    assert_eq!(value(&page, "deadwax_projects", &[]), 1.0);
    assert!(value(&page, "deadwax_connections_open", &[]) >= 1.0);
    assert!(value(&page, "deadwax_connections_total", &[("verdict", "let_in")]) >= 1.0);
    assert!(value(&page, "deadwax_received_bytes_total", &[]) > 100.0);
    assert!(value(&page, "deadwax_sent_bytes_total", &[]) > 100.0);
    assert!(value(&page, "deadwax_disk_free_bytes", &[]) > 1e6);
    assert!(value(&page, "process_resident_memory_bytes", &[]) > 1e6);
    let lower = page.to_lowercase();
    for foreign in [CANARY, "example.org", "nachtlied", "127.0.0.1", "gold room"] {
        assert!(
            !lower.lines().filter(|line| !line.starts_with('#')).any(|line| line.contains(foreign)),
            "{foreign}"
        );
    }
}

#[tokio::test]
async fn nobody_outside_can_make_lines() {
    let house = open().await;
    let at = house.studio.probes_at().unwrap();
    let channel = house.channel().await;
    let call = async |path: String| {
        let mut grpc = tonic::client::Grpc::new(channel.clone());
        grpc.ready().await.unwrap();
        let path = http::uri::PathAndQuery::try_from(path).unwrap();
        let codec = tonic_prost::ProstCodec::<v1::GetServerInfoRequest, v1::ServerInfo>::default();
        let _refused = grpc.unary(tonic::Request::new(v1::GetServerInfoRequest {}), path, codec).await;
    };
    call(format!("/{CANARY}/First")).await;
    let lines = |page: &str| read(page).1.len();
    let before = lines(&get(at, "/metrics").await.2);
    for number in 0..200 {
        call(format!("/deadwax.v1.{CANARY}{number}/Call{number}?q={CANARY}")).await;
        call(format!("/deadwax.v1.Sessions/{CANARY}{number}")).await;
    }
    let page = get(at, "/metrics").await.2;
    assert!(lines(&page) <= before + 4, "{} lines became {}", before, lines(&page));
    assert!(!page.contains(CANARY));
    let ended = value(&page, "deadwax_calls_total", &[("method", "other")]);
    assert!(ended >= 400.0, "{ended}");
    for line in read(&page).1 {
        let sound = |(key, text): (&String, &String)| match key.as_str() {
            "method" => text == "other" || calls::method(text) == text,
            _ => text.len() <= 60,
        };
        assert!(line.labels.iter().all(sound), "{line:?}");
    }
    // However many methods and codes there are: a page that a scraper reads in a moment.
    assert!(page.len() < 1 << 20);
}

#[tokio::test]
async fn probes_tell_what_the_health_service_tells() {
    let house = open().await;
    let at = house.studio.probes_at().unwrap();
    assert_eq!(get(at, "/readyz").await.0, 200);
    assert_eq!(deadwax_server::metrics::http::ask_ready(at).await.unwrap(), "serving");
    house.studio.store.drive().latch().fall("a test");
    let (status, _, why) = get(at, "/readyz").await;
    assert_eq!(status, 503);
    assert!(why.contains("disk failed"), "{why}");
    let no = deadwax_server::metrics::http::ask_ready(at).await.unwrap_err();
    assert!(no.to_string().contains("disk failed"), "{no}");
    assert_eq!(get(at, "/healthz").await.0, 200, "it lives, and reads go on");
    let page = get(at, "/metrics").await.2;
    assert_eq!(value(&page, "deadwax_latch_fallen", &[]), 1.0);
    assert_eq!(value(&page, "deadwax_ready", &[]), 0.0);
    let mut health = tonic_health::pb::health_client::HealthClient::new(house.channel().await);
    let said = async |service: &str| {
        let asked = tonic_health::pb::HealthCheckRequest { service: service.into() };
        health.clone().check(asked).await.unwrap().into_inner().status
    };
    let not_serving = tonic_health::pb::health_check_response::ServingStatus::NotServing as i32;
    within(Duration::from_secs(5), "the health service", async {
        while said("").await != not_serving {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    drop(health.check(tonic_health::pb::HealthCheckRequest { service: String::new() }).await);
}

#[tokio::test]
async fn the_door_for_probes_opens_for_nothing_else() {
    let house = open().await;
    let at = house.studio.probes_at().unwrap();
    assert_eq!(get(at, "/").await.0, 404);
    assert_eq!(get(at, "/metrics/../key.pem").await.0, 404);
    let post = ask(at, "POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc").await;
    assert_eq!(post.0, 405);
    assert!(post.1.contains("allow: get, head"), "{}", post.1);
    let huge = format!("GET /metrics HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(64 << 10));
    assert!(matches!(ask(at, &huge).await.0, 0 | 400..=431), "a head without end is refused");
    // One answer a connection.
    assert!(get(at, "/healthz").await.1.contains("connection: close"));
    // Places are few and come back: whoever says nothing loses theirs, others are answered meanwhile or soon.
    let silent: Vec<TcpStream> = futures::future::join_all((0..40).map(|_| TcpStream::connect(at)))
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    within(Duration::from_secs(30), "an answer beside those who say nothing", async {
        while get(at, "/healthz").await.0 != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    drop(silent);
}

#[tokio::test]
async fn it_is_closed_unless_it_is_asked_for() {
    let house = House::open().await;
    assert_eq!(house.studio.probes_at(), None);
}

#[tokio::test]
async fn what_is_turned_away_is_counted() {
    let house = House::open_with(|config| {
        config.metrics.listen = "127.0.0.1:0".into();
        (config.door.calls_per_s, config.door.calls_burst) = (1, 3);
        config.limits.connections_per_address = 2;
    })
    .await;
    let at = house.studio.probes_at().unwrap();
    let mut ana = house.stranger().await;
    for _ in 0..40 {
        let _refused = ana.sessions.get_server_info(v1::GetServerInfoRequest {}).await;
    }
    let _second = house.stranger().await;
    let mut third = TcpStream::connect(house.address).await.unwrap();
    let _closed = within(Duration::from_secs(5), "closing the third", third.read(&mut [0; 1])).await;
    let page = get(at, "/metrics").await.2;
    assert!(value(&page, "deadwax_turned_away_total", &[("too_many", "calls")]) >= 4.0);
    assert!(value(&page, "deadwax_connections_total", &[("verdict", "address_full")]) >= 1.0);
    assert_eq!(value(&page, "deadwax_connections_open", &[]), 2.0);
}

#[tokio::test]
async fn the_journal_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let house = House::open_embedded(folder, |config| config.metrics.listen = "127.0.0.1:0".into()).await;
    let at = house.studio.probes_at().unwrap();
    let ana = house.person("Ana", true).await;
    house.project(&ana).await;
    let page = get(at, "/metrics").await.2;
    assert!(value(&page, "deadwax_journal_append_seconds_count", &[]) >= 3.0);
    assert!(value(&page, "deadwax_journal_group_appends_count", &[]) >= 3.0);
    let of = [("of", deadwax_server::disk::Site::RecordSync.words())];
    assert!(value(&page, "deadwax_sync_seconds_count", &of) >= 3.0, "{page}");
    assert_eq!(value(&page, "deadwax_journal_waiting", &[]), 0.0);
}

#[test]
fn a_page_without_a_server_knows_its_families() {
    let known = Metrics::new(&deadwax_server::disk::Figures::default()).known();
    assert!(known.len() >= 35, "{}", known.len());
}
