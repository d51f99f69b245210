//! TLS as a studio can set it up: a certificate that it brings along, machines that have to show one of their own, and nothing older than TLS 1.3. What the client makes of it is tested with
//! the client (`client-tui/tests/net_trust.rs`).
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;

use std::{io, path::Path, sync::Arc, time::Duration};

use common::{House, within};
use deadwax_server::{config::Certificate, tls::Identity};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    version::{TLS12, TLS13},
};
use sha2::Digest as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// An authority, and what it has signed.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key.
struct Pair {
    chain: String,
    key: KeyPair,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn sign(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.issuer).unwrap();
        Pair { chain: signed.pem(), key }
    }
}

fn expired(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
}

fn write(folder: &Path, name: &str, text: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().unwrap()
}

/// Whether a client that trusts these roots, shows this pair and speaks these versions hears the first frame of HTTP/2.
async fn greeted(
    house: &House,
    roots: &str,
    shows: Option<&Pair>,
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<()> {
    let mut trusted = RootCertStore::empty();
    for certificate in certificates(roots) {
        trusted.add(certificate).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let config = config.with_root_certificates(trusted);
    let mut config = match shows {
        None => config.with_no_client_auth(),
        Some(pair) => {
            let key = PrivateKeyDer::Pkcs8(pair.key.serialize_der().into());
            config.with_client_auth_cert(certificates(&pair.chain), key).unwrap()
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let tcp = TcpStream::connect(house.address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let talk = async {
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await?;
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await?;
        stream.read_u8().await.map(drop)
    };
    within(Duration::from_secs(15), "the greeting", talk).await
}

fn alert(answer: io::Result<()>) -> String {
    format!("{:?}", answer.expect_err("it was greeted"))
}

#[tokio::test]
async fn only_machines_of_the_authority_get_through_the_handshake() {
    let (ours, theirs) = (Authority::new("Gold Room machines"), Authority::new("Somebody else's"));
    let folder = tempfile::tempdir().unwrap();
    let authority = write(folder.path(), "machines.pem", &ours.pem);
    let house = House::open_with(|config| {
        config.tls = true;
        config.certificate.client_authority = authority;
    })
    .await;
    let roots = std::fs::read_to_string(house.folder.path().join("certificate.pem")).unwrap();
    let for_clients = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    let right = ours.sign("ana-laptop", for_clients);
    greeted(&house, &roots, Some(&right), &[&TLS13]).await.unwrap();
    let for_servers = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    };
    let wrong = [
        ("none", None),
        ("foreign", Some(theirs.sign("ana-laptop", for_clients))),
        ("expired", Some(ours.sign("ana-laptop", expired))),
        ("a server's", Some(ours.sign("ana-laptop", for_servers))),
    ];
    for (what, pair) in &wrong {
        let said = alert(greeted(&house, &roots, pair.as_ref(), &[&TLS13]).await);
        assert!(said.contains("AlertReceived"), "{what}: {said}");
    }
    greeted(&house, &roots, Some(&right), &[&TLS13]).await.unwrap();
    println!(
        "\n#gate TLS held machines: {} of {} wrong ones ended in the handshake",
        wrong.len(),
        wrong.len()
    );
}

#[tokio::test]
async fn a_certificate_that_the_studio_brings_along_is_shown_and_stands_in_the_links() {
    let authority = Authority::new("The label's own");
    let folder = tempfile::tempdir().unwrap();
    let pair = authority.sign("localhost", |_| {});
    let (file, key) = (
        write(folder.path(), "own.pem", &pair.chain),
        write(folder.path(), "own-key.pem", &pair.key.serialize_pem()),
    );
    let house = House::open_with(|config| {
        config.tls = true;
        config.certificate = Certificate { file, key, ..Certificate::default() };
    })
    .await;
    greeted(&house, &authority.pem, None, &[&TLS13]).await.unwrap();
    let made = std::fs::read_to_string(house.folder.path().join("certificate.pem")).unwrap();
    let said = alert(greeted(&house, &made, None, &[&TLS13]).await);
    assert!(said.contains("UnknownIssuer"), "{said}");
    let fingerprint = hex::encode(sha2::Sha256::digest(&certificates(&pair.chain)[0]));
    assert_eq!(house.studio.fingerprint().unwrap().to_string(), fingerprint);
}

#[tokio::test]
async fn nothing_older_than_tls_1_3_is_spoken() {
    let house = House::open_with(|config| config.tls = true).await;
    let roots = std::fs::read_to_string(house.folder.path().join("certificate.pem")).unwrap();
    let said = alert(greeted(&house, &roots, None, &[&TLS12]).await);
    assert!(said.contains("ProtocolVersion"), "{said}");
    greeted(&house, &roots, None, &[&TLS13, &TLS12]).await.unwrap();
    greeted(&house, &roots, None, &[&TLS13]).await.unwrap();
    println!("\n#gate TLS held the server speaks 1.3 alone");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("Gold Room");
    let (one, other) = (authority.sign("localhost", |_| {}), authority.sign("localhost", |_| {}));
    write(folder.path(), "one.pem", &one.chain);
    write(folder.path(), "other.pem", &other.key.serialize_pem());
    write(folder.path(), "empty.pem", "nothing\n");
    let of = |file: &str, key: &str, machines: &str| {
        let settings = Certificate { file: file.into(), key: key.into(), client_authority: machines.into() };
        let config = Identity::of(folder.path(), &settings).and_then(|it| it.server_config());
        format!("{:#}", config.expect_err("it was taken"))
    };
    for (settings, word) in [
        (("none.pem", "other.pem", ""), "none.pem"),
        (("empty.pem", "other.pem", ""), "empty.pem"),
        (("one.pem", "empty.pem", ""), "empty.pem"),
        (("one.pem", "other.pem", ""), "does not belong"),
        (("one.pem", "other.pem", "gone.pem"), "gone.pem"),
        (("one.pem", "other.pem", "empty.pem"), "empty.pem"),
    ] {
        let said = of(settings.0, settings.1, settings.2);
        assert!(said.contains(word), "{settings:?}: {said}");
    }
}
