//! The way to a server, over real TCP and TLS: whom the pin lets through, what a refusal becomes, what survives a cut.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod net_fake;

use std::{net::SocketAddr, sync::Arc};

use deadwax_client::{
    cache::audio::AudioCache,
    net::{Client, Followed, Link, Local, NetError, follow, look},
    profile::Profile,
    receipt::bytes::{Listed, Of, fetch},
};
use deadwax_proto::v1::{self, action::Action};
use futures::StreamExt as _;
use net_fake::Fake;
use rustls::{ServerConfig, pki_types::PrivateKeyDer, sign::CertifiedKey};
use sha2::{Digest as _, Sha256};

fn certificate() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["studio.example".to_owned()]).unwrap()
}

fn fingerprint(made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> String {
    hex::encode(Sha256::digest(made.cert.der()))
}

fn profile(address: SocketAddr, fingerprint: Option<String>) -> Profile {
    let scheme = if fingerprint.is_some() { "deadwax" } else { "deadwax+http" };
    Profile {
        name: "test".into(),
        url: format!("{scheme}://{address}"),
        fingerprint,
        token: Some("tok-1".into()),
        ..Profile::default()
    }
}

/// A TLS listener that shows `shown` and signs with the key of `signed`, and tells whether any byte of a call reached it.
async fn impostor(
    shown: &rcgen::CertifiedKey<rcgen::KeyPair>,
    signed: &rcgen::CertifiedKey<rcgen::KeyPair>,
) -> (SocketAddr, tokio::sync::oneshot::Receiver<bool>) {
    #[derive(Debug)]
    struct Always(Arc<CertifiedKey>);
    impl rustls::server::ResolvesServerCert for Always {
        fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(self.0.clone())
        }
    }
    let key = PrivateKeyDer::Pkcs8(signed.signing_key.serialize_der().into());
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let certified = CertifiedKey::new(vec![shown.cert.der().clone()], key);
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Always(Arc::new(certified))));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let accepted = tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(tcp).await;
        let got = match accepted {
            Ok(mut stream) => {
                use tokio::io::AsyncReadExt as _;
                stream.read_u8().await.is_ok()
            }
            Err(_) => false,
        };
        // Nobody asks where the test has ended already.
        let _ = tell.send(got);
    });
    (address, told)
}

#[tokio::test]
async fn the_pinned_server_is_let_through_and_gets_the_token() {
    let made = certificate();
    let fake = Fake::default();
    let address = fake.serve(Some((made.cert.pem(), made.signing_key.serialize_pem()))).await;
    let client = Client::connect(&profile(address, Some(fingerprint(&made)))).await.unwrap();
    let person = client.who_am_i().await.unwrap();
    assert_eq!(person.name, "Ana", "scrubbed as it is decoded");
    assert_eq!(fake.seen().authorizations, [Some("Bearer tok-1".to_owned())]);
    assert_eq!(client.server_info().await.unwrap().studio, "House]0;x");
    let link: Link = format!("deadwax://{address}").parse().unwrap();
    assert_eq!(look(&link).await.unwrap().to_string(), fingerprint(&made));
}

#[tokio::test]
async fn another_certificate_is_a_hard_stop_that_shows_both_fingerprints() {
    let (ours, theirs) = (certificate(), certificate());
    let (address, got) = impostor(&theirs, &theirs).await;
    let error = Client::connect(&profile(address, Some(fingerprint(&ours)))).await.unwrap_err();
    assert!(matches!(error, NetError::PinDiffers { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&fingerprint(&ours)) && text.contains(&fingerprint(&theirs)), "{text}");
    assert!(!got.await.unwrap(), "nothing may be sent to a stranger");
}

#[tokio::test]
async fn the_pinned_certificate_with_another_key_is_refused() {
    let (ours, theirs) = (certificate(), certificate());
    let (address, got) = impostor(&ours, &theirs).await;
    let connected = Client::connect(&profile(address, Some(fingerprint(&ours)))).await;
    let error = connected.expect_err("a copied certificate was let through");
    assert!(matches!(error, NetError::Handshake { .. }), "{error:?}");
    assert!(!got.await.unwrap(), "nothing may be sent to a stranger");
    // Looking is no softer: a fingerprint is told only by who holds the key.
    let (address, _) = impostor(&ours, &theirs).await;
    let link: Link = format!("deadwax://{address}").parse().unwrap();
    assert!(matches!(look(&link).await, Err(NetError::Handshake { .. })));
    // The control: the same listener with the right key is let through.
    let (address, got) = impostor(&ours, &ours).await;
    let client = Client::connect(&profile(address, Some(fingerprint(&ours)))).await;
    assert!(client.is_ok() && got.await.unwrap());
}

#[tokio::test]
async fn without_a_pin_no_tls_and_nobody_there_is_said_so() {
    let unpinned = Profile { url: "deadwax://127.0.0.1:1".into(), ..Profile::default() };
    assert!(matches!(Client::connect(&unpinned).await, Err(NetError::NotPinned { .. })));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = Client::connect(&profile(address, None)).await.unwrap_err();
    assert!(matches!(error, NetError::Unreachable { .. }) && error.is_passing(), "{error:?}");
}

#[tokio::test]
async fn a_refusal_keeps_its_code_and_hint_and_loses_its_escapes() {
    let fake = Fake::default();
    let address = fake.serve(None).await;
    let client = Client::connect(&profile(address, None)).await.unwrap();
    let error = client.perform("p", Action::Approve(v1::Approve::default())).await.unwrap_err();
    assert_eq!(error.reason(), "VERSION_SUPERSEDED");
    assert_eq!(error.to_string(), "Mix 1 was[2J replaced by Mix 2.");
    assert_eq!(error.hint(), "Look at Mix 2.");
    assert_eq!(error.exit_code(), 1);
    assert_eq!(fake.seen().commands.len(), 1, "a no is not asked again");
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_command_id() {
    let fake = Fake::default();
    fake.seen().lose_answers = 2;
    let address = fake.serve(None).await;
    let client = Client::connect(&profile(address, None)).await.unwrap();
    let done = client.perform("p", Action::AddSong(v1::AddSong::default())).await.unwrap();
    assert_eq!(done.effects, ["Done.31m"]);
    let commands = fake.seen().commands.clone();
    assert_eq!(commands.len(), 3);
    assert!(commands.iter().all(|id| *id == commands[0]), "{commands:?}");
}

#[tokio::test]
async fn following_goes_on_from_the_last_seq_after_a_cut() {
    let fake = Fake::default();
    let address = fake.serve(None).await;
    let client = Client::connect(&profile(address, None)).await.unwrap();
    let items: Vec<_> = follow(client, "p".into(), 0).collect().await;
    let seqs: Vec<u64> =
        items.iter().filter_map(|i| if let Followed::Row(u) = i { Some(u.seq) } else { None }).collect();
    assert_eq!(seqs, [1, 2, 3], "no gap, no double, no heartbeat");
    assert_eq!(fake.seen().watches_from, [0, 2, 3]);
    assert_eq!(items.iter().filter(|i| matches!(i, Followed::Lost { .. })).count(), 2);
    let Some(Followed::Ended(error)) = items.last() else { panic!("{items:?}") };
    assert_eq!(error.reason(), "SESSION_ENDED");
}

#[tokio::test]
async fn an_upload_goes_on_after_a_cut_where_the_server_stands() {
    let fake = Fake::default();
    let address = fake.serve(None).await;
    let client = Client::connect(&profile(address, None)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mix.wav");
    let bytes: Vec<u8> = (0..1_500_000u32).map(|i| (i * 7 % 251) as u8).collect();
    std::fs::write(&path, &bytes).unwrap();
    let local = Local::open(&path, |_| {}).unwrap();
    assert_eq!(local.sha256, hex::encode(Sha256::digest(&bytes)));
    fake.seen().cut_at = Some(600_000);
    let facts = client.upload("p", &local, |_| {}).await.unwrap();
    assert_eq!(facts.bytes, bytes.len() as u64);
    let seen = fake.seen();
    assert_eq!(seen.uploads[&local.sha256], bytes);
    assert_eq!(seen.upload_offsets.len(), 2);
    assert!(seen.upload_offsets[1] >= 600_000, "began anew: {:?}", seen.upload_offsets);
}

#[tokio::test]
async fn what_a_server_lists_is_not_believed_about_the_bytes_it_sends() {
    let (listed, sent) = (b"the master that was heard", b"the master that is served");
    let fake = Fake::default();
    let address = fake.serve(None).await;
    let client = Client::connect(&profile(address, None)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cache = AudioCache::open(folder.path(), 0).unwrap();
    let sha256 = hex::encode(Sha256::digest(listed));
    let (of, bytes) = (Of::Version("v-1"), listed.len() as u64);
    let wanted = Listed { of, sha256: &sha256, bytes, name: "main" };
    fake.seen().files.insert(sha256.clone(), sent.to_vec());
    let answer = fetch(&client, &cache, "p-1", &wanted, &|_| {}).await;
    let refused = answer.expect_err("other bytes were answered as the listed ones, ready to be signed");
    assert_eq!(refused.reason(), "BYTES_DIFFER");
    fake.seen().files.insert(sha256.clone(), listed.to_vec());
    assert_eq!(fetch(&client, &cache, "p-1", &wanted, &|_| {}).await.unwrap().sha256, sha256);
}

#[tokio::test]
async fn a_wrong_file_is_told_apart_from_a_no() {
    let folder = tempfile::tempdir().unwrap();
    let error = Local::open(&folder.path().join("none.wav"), |_| {}).unwrap_err();
    assert_eq!(error.exit_code(), 3);
    assert_eq!(Local::open(folder.path(), |_| {}).unwrap_err().exit_code(), 3);
    let fake = Fake::default();
    let address = fake.serve(None).await;
    let client = Client::connect(&profile(address, None)).await.unwrap();
    let path = folder.path().join("changes.wav");
    std::fs::write(&path, b"one").unwrap();
    let local = Local::open(&path, |_| {}).unwrap();
    std::fs::write(&path, b"two").unwrap();
    let error = client.upload("p", &local, |_| {}).await.unwrap_err();
    assert_eq!((error.reason(), error.exit_code()), ("DIGEST_DIFFERS", 3));
}
