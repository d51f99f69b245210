//! The page on the wire, by a client of bare HTTP/2: three GETs without a token and nothing else, calls framed as a browser frames them under the same rules as everybody's.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;

use std::sync::{Arc, Mutex};

use common::House;
use deadwax_proto::v1;
use deadwax_server::{config, page, telemetry};
use http::{Method, Request, Response, header};
use prost::Message as _;

/// One request on a line of its own, and all that came back: head, bytes, trailers.
async fn ask(house: &House, request: Request<()>, body: Option<Vec<u8>>) -> (Response<()>, Vec<u8>) {
    let line = tokio::net::TcpStream::connect(house.address).await.unwrap();
    let (mut calls, connection) = h2::client::handshake(line).await.unwrap();
    let connection = tokio::spawn(connection);
    let (answer, mut out) = calls.send_request(request, body.is_none()).unwrap();
    if let Some(body) = body {
        out.send_data(body.into(), true).unwrap();
    }
    let (head, mut body) = answer.await.unwrap().into_parts();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        bytes.extend_from_slice(&data);
    }
    connection.abort();
    (Response::from_parts(head, ()), bytes)
}

fn get(house: &House, method: Method, path: &str) -> Request<()> {
    Request::builder().method(method).uri(format!("http://{}{path}", house.address)).body(()).unwrap()
}

/// A call as a browser makes it.
async fn call(house: &House, path: &str, token: &str, asked: Vec<u8>) -> (Response<()>, Vec<u8>) {
    let mut request = Request::post(format!("http://{}/deadwax.v1.{path}", house.address))
        .header(header::CONTENT_TYPE, "application/grpc-web+proto")
        .header(header::ORIGIN, "https://elsewhere.example");
    if !token.is_empty() {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let mut framed = vec![0];
    framed.extend(u32::try_from(asked.len()).unwrap().to_be_bytes());
    framed.extend(asked);
    ask(house, request.body(()).unwrap(), Some(framed)).await
}

/// The messages of an answer, and what stands in its last frame.
fn frames(mut bytes: &[u8]) -> (Vec<Vec<u8>>, String) {
    let (mut messages, mut trailers) = (Vec::new(), String::new());
    while let Some((head, rest)) = bytes.split_at_checked(5) {
        let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        let (frame, rest) = rest.split_at(length);
        match head[0] & 0x80 {
            0 => messages.push(frame.to_vec()),
            _ => trailers = String::from_utf8(frame.to_vec()).unwrap(),
        }
        bytes = rest;
    }
    (messages, trailers)
}

#[tokio::test]
async fn the_page_is_there_for_everybody_at_three_addresses_and_nowhere_else() {
    let house = House::open().await;
    for path in ["/", "/s", "/i", "/?x=1"] {
        let (answer, bytes) = ask(&house, get(&house, Method::GET, path), None).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert!(bytes == page::page().html, "{path}: not the page");
        assert_eq!(answer.headers()["content-security-policy"], page::page().policy.as_str());
        assert!(page::page().policy.contains("frame-ancestors 'none'"), "nobody frames it");
        assert_eq!(answer.headers()["x-frame-options"], "DENY");
    }
    let others = [
        (Method::GET, "/x"),
        (Method::HEAD, "/"),
        (Method::POST, "/"),
        (Method::OPTIONS, "/"),
        (Method::GET, "/deadwax.v1.Projects/List"),
    ];
    for (method, path) in others {
        let (answer, bytes) = ask(&house, get(&house, method.clone(), path), None).await;
        assert_eq!(answer.headers()["grpc-status"], "16", "{method} {path}");
        assert!(bytes.is_empty(), "{method} {path}");
    }
}

#[tokio::test]
async fn a_call_of_a_browser_is_a_call_like_any_other() {
    let house = House::open().await;
    let ana = house.person("Ana", true).await;
    let (answer, bytes) = call(&house, "Sessions/GetServerInfo", "", Vec::new()).await;
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/grpc-web+proto");
    assert!(!answer.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "no other site is let in");
    let (messages, trailers) = frames(&bytes);
    assert_eq!(v1::ServerInfo::decode(&*messages[0]).unwrap().studio, "Gold Room");
    assert!(trailers.contains("grpc-status:0"), "{trailers}");

    // What any site may make a browser send: the same call as plain text.
    let plain = Request::post(format!("http://{}/deadwax.v1.Sessions/GetServerInfo", house.address))
        .header(header::CONTENT_TYPE, "text/plain;charset=UTF-8")
        .header(header::ORIGIN, "https://elsewhere.example");
    let (answer, bytes) = ask(&house, plain.body(()).unwrap(), Some(vec![0; 5])).await;
    assert_eq!(answer.headers()["grpc-status"], "16");
    assert!(bytes.is_empty(), "no call was made");

    // Without a token, with a wrong one, and with the right one.
    for token in ["", "dwx_session_wrong"] {
        let (answer, bytes) = call(&house, "Sessions/WhoAmI", token, Vec::new()).await;
        assert_eq!(answer.headers()["grpc-status"], "16");
        assert!(frames(&bytes).0.is_empty());
    }
    let (_, bytes) = call(&house, "Sessions/WhoAmI", &ana.token, Vec::new()).await;
    assert_eq!(v1::Person::decode(&*frames(&bytes).0[0]).unwrap().person_id.len(), 36);
    // A refusal travels with its reason, and a message that is too long is none.
    let asked = v1::GetRequest { project_id: common::id_text(7) }.encode_to_vec();
    let (answer, bytes) = call(&house, "Projects/Get", &ana.token, asked).await;
    let told = answer
        .headers()
        .get("grpc-status")
        .map_or_else(|| frames(&bytes).1, |it| format!("grpc-status:{}", it.to_str().unwrap()));
    assert!(told.lines().any(|line| line.trim() == "grpc-status:5"), "{told}");
    let (answer, bytes) = call(&house, "Projects/Get", &ana.token, vec![0; 2 << 20]).await;
    let refused = answer.headers().contains_key("grpc-status") || frames(&bytes).1.contains("grpc-status:");
    assert!(refused && frames(&bytes).0.is_empty());
}

#[tokio::test]
async fn who_asks_too_often_gets_no_page_either() {
    let house = House::open_with(|config| {
        config.door.calls_burst = 3;
        config.door.calls_per_s = 1;
    })
    .await;
    let mut turned_away = 0;
    for _ in 0..8 {
        let (answer, _) = ask(&house, get(&house, Method::GET, "/"), None).await;
        turned_away += usize::from(answer.headers().get("grpc-status").is_some_and(|it| it == "8"));
    }
    assert!(turned_away >= 4, "{turned_away}");
}

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "current_thread")]
async fn the_log_knows_the_page_by_its_name() {
    let paper = Paper::default();
    let log = config::Log { format: config::LogFormat::Json, level: config::LogLevel::Info };
    let writer = paper.clone();
    let _here = tracing::subscriber::set_default(telemetry::subscriber(&log, move || writer.clone()));
    // Beside one log alone a thread of another test may decide that nobody listens.
    let _other = tracing::Dispatch::new(telemetry::subscriber(&log, std::io::sink));
    let house = House::open().await;
    ask(&house, get(&house, Method::GET, "/i?dwx_invite_canary"), None).await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let said = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    let line =
        said.lines().find(|line| line.contains("\"method\":\"page\"")).unwrap_or_else(|| panic!("{said}"));
    assert!(line.contains("\"code\":\"Ok\""), "{line}");
    assert!(!said.contains("canary"), "{said}");
}
