//! Settings read again while the server runs. Goal: what can change changes for those who come from then on, what cannot is named, and what is wrong changes
//! nothing. Method: a house whose file is written anew, and the real program under SIGHUP.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;

use std::{
    io::{BufRead as _, BufReader},
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
    sync::{Arc, mpsc},
    time::Duration,
};

use common::{House, within};
use deadwax_proto::v1::{self, sessions_client::SessionsClient};
use deadwax_server::{
    config::{Config, FILE},
    reload::{Reloader, Taken},
};
use tonic::{
    Code,
    transport::{Certificate, ClientTlsConfig, Endpoint},
};

/// Writes the settings that hold now, changed.
fn write(house: &House, change: impl FnOnce(&mut Config)) {
    let mut config = (*house.studio.config()).clone();
    change(&mut config);
    std::fs::write(house.folder.path().join(FILE), toml::to_string(&config).unwrap()).unwrap();
}

fn reloader(house: &House) -> Reloader {
    Reloader {
        studio: Arc::clone(&house.studio),
        folder: house.folder.path().to_owned(),
        listen: None,
        variables: Vec::new(),
    }
}

async fn info(house: &House) -> Result<v1::ServerInfo, tonic::Status> {
    let mut seat = house.stranger().await;
    seat.sessions.get_server_info(v1::GetServerInfoRequest {}).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn what_can_change_changes_and_what_cannot_is_named() {
    let house = House::open().await;
    write(&house, |config| {
        config.limits.max_upload_bytes = 4096;
        (config.door.calls_per_s, config.door.calls_burst) = (1, 2);
        config.keep.scrub_bytes_per_s = 0;
        config.render.workers = 7;
        config.name = "Another".into();
    });
    let taken = reloader(&house).take().await.unwrap();
    let changed =
        ["door.calls_burst", "door.calls_per_s", "keep.scrub_bytes_per_s", "limits.max_upload_bytes"];
    assert_eq!(taken.changed, changed);
    assert_eq!(taken.waiting, ["name", "render.workers"]);
    let now = info(&house).await.unwrap();
    assert_eq!((now.studio.as_str(), now.max_upload_bytes), ("Gold Room", 4096));
    within(Duration::from_secs(10), "the door's new pace", async {
        while !info(&house).await.is_err_and(|no| no.code() == Code::ResourceExhausted) {}
    })
    .await;
    // Read again without a change: nothing is told, and what waits still waits.
    let again = reloader(&house).take().await.unwrap();
    assert_eq!(again, Taken { changed: vec![], waiting: taken.waiting, fingerprint: None });
}

#[tokio::test]
async fn what_is_wrong_changes_nothing_and_is_told_with_its_line() {
    let house = House::open().await;
    let before = house.studio.config();
    let file = house.folder.path().join(FILE);
    let no = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let reloader = reloader(&house);
        async move { reloader.take().await.unwrap_err().to_string() }
    };
    let told = no("name = \"x\"\n[limits]\nmax_upload_bytes = \"much\"").await;
    assert!(told.contains("line 3") && told.contains("max_upload_bytes"), "{told}");
    let told = no("tls = false\n[door]\ncalls_burst = 0").await;
    assert!(told.contains("door.calls_burst"), "{told}");
    // What a setting names must be there too, or nothing changes.
    let mail = "tls = false\n[limits]\nmax_upload_bytes = 100\n[mail]\nhost = \"m.example\"\nfrom = \"a@b.example\"\nuser = \"u\"\npassword_file = \"nowhere\"";
    let told = no(mail).await;
    assert!(told.contains("nowhere"), "{told}");
    std::fs::remove_file(&file).unwrap();
    let told = reloader(&house).take().await.unwrap_err().to_string();
    assert!(told.contains(FILE), "{told}");
    assert_eq!(house.studio.config(), before);
    reloader(&house).read_again().await;
    let page = house.studio.metrics.page(&house.studio).await;
    assert!(page.contains("deadwax_settings_refused 1\n"), "{page}");
}

#[tokio::test]
async fn fewer_connections_count_for_those_who_come() {
    let house = House::open().await;
    let mut there = house.stranger().await;
    there.sessions.get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    let mut second = house.stranger().await;
    second.sessions.get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    write(&house, |config| config.limits.connections_per_address = 2);
    reloader(&house).take().await.unwrap();
    let endpoint = Endpoint::from_shared(format!("http://{}", house.address)).unwrap();
    within(Duration::from_secs(10), "the third is sent away", async {
        loop {
            let refused = match endpoint.connect().await {
                Ok(channel) => {
                    SessionsClient::new(channel).get_server_info(v1::GetServerInfoRequest {}).await.is_err()
                }
                Err(_) => true,
            };
            if refused {
                return;
            }
        }
    })
    .await;
    there.sessions.get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
}

#[tokio::test]
async fn another_certificate_is_shown_to_whoever_comes_and_a_wrong_key_is_refused() {
    let house = House::open_with(|config| config.tls = true).await;
    let folder = house.folder.path();
    write(&house, |_| {});
    let before = house.studio.fingerprint().unwrap();
    let call = async |pem: &[u8]| {
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)).domain_name("localhost");
        let endpoint = Endpoint::from_shared(format!("https://{}", house.address)).unwrap();
        let channel = endpoint.tls_config(tls).unwrap().connect().await.map_err(|error| error.to_string())?;
        let answer = SessionsClient::new(channel).get_server_info(v1::GetServerInfoRequest {}).await;
        answer.map(drop).map_err(|status| status.to_string())
    };
    let old = std::fs::read(folder.join("certificate.pem")).unwrap();
    call(&old).await.unwrap();

    let fresh = tempfile::tempdir().unwrap();
    deadwax_server::tls::make(fresh.path(), "Gold Room", None).unwrap();
    std::fs::copy(fresh.path().join("certificate.pem"), folder.join("certificate.pem")).unwrap();
    let no = reloader(&house).take().await.unwrap_err().to_string();
    assert!(no.contains("key"), "{no}");
    call(&old).await.unwrap();
    assert_eq!(house.studio.fingerprint(), Some(before));

    std::fs::copy(fresh.path().join("key.pem"), folder.join("key.pem")).unwrap();
    let taken = reloader(&house).take().await.unwrap();
    let shown = taken.fingerprint.unwrap();
    assert_ne!(shown, before);
    assert_eq!(house.studio.fingerprint(), Some(shown), "invites carry the new one");
    let new = std::fs::read(folder.join("certificate.pem")).unwrap();
    within(Duration::from_secs(10), "the new certificate", async { while call(&new).await.is_err() {} })
        .await;
    assert!(call(&old).await.is_err());
}

const EXE: &str = env!("CARGO_BIN_EXE_deadwax-server");

#[test]
fn sighup_reads_again_and_systemd_hears_of_the_start() {
    let root = tempfile::tempdir().unwrap();
    let (dir, socket) = (root.path().join("studio"), root.path().join("notify"));
    let heard = UnixDatagram::bind(&socket).unwrap();
    heard.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let run = |args: &[&str]| {
        let mut command = Command::new(EXE);
        command.args(args).env("NOTIFY_SOCKET", &socket);
        command
    };
    let init = run(&["init", dir.to_str().unwrap(), "--owner", "Noor", "--email", "noor@x.example"]).output();
    assert!(init.unwrap().status.success());
    let file = dir.join(FILE);
    let probes = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("listen = \"\"", &format!("listen = \"{probes}\""));
    std::fs::write(&file, &text).unwrap();
    let ready = || run(&["ready", dir.to_str().unwrap()]).output().unwrap();
    assert_eq!(ready().status.code(), Some(1), "nobody answers yet");
    let mut server = run(&["serve", dir.to_str().unwrap(), "--listen", "127.0.0.1:0"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (tell, told) = mpsc::channel();
    let log = BufReader::new(server.stderr.take().unwrap());
    std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    let wait_for = |words: &str| loop {
        let line = told.recv_timeout(Duration::from_secs(60)).expect(words);
        if line.contains(words) {
            return line;
        }
    };
    let word = || {
        let mut bytes = [0; 64];
        let length = heard.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    };
    assert_eq!(word(), "READY=1");
    let asked = ready();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));

    let pid = rustix::process::Pid::from_child(&server);
    let signal = |signal| rustix::process::kill_process(pid, signal).unwrap();
    std::fs::write(
        &file,
        text.replace("level = \"info\"", "level = \"debug\"").replace("workers = 1", "workers = 2"),
    )
    .unwrap();
    signal(rustix::process::Signal::HUP);
    assert!(wait_for("the settings were read again").contains("log.level"));
    assert!(wait_for("count after a restart only").contains("render.workers"));
    std::fs::write(&file, "name = 3\n").unwrap();
    signal(rustix::process::Signal::HUP);
    assert!(wait_for("those from before hold on").contains("line 1"));
    signal(rustix::process::Signal::TERM);
    assert_eq!(word(), "STOPPING=1");
    assert!(server.wait().unwrap().success());
}
