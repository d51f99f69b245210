//! Trust by an authority instead of a pin, and the certificate that a studio may ask of this machine: what is let through, what is refused, and in which words.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod kit;
mod net_fake;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use deadwax_client::{
    net::{Client, NetError},
    profile::{Home, Profile},
};
use kit::{code, err, objects};
use net_fake::Fake;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{ServerConfig, pki_types::PrivateKeyDer, version::TLS12, version::TLS13};
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// In PEM.
struct Pair {
    chain: String,
    key: String,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { pem, issuer: Issuer::new(params, key) }
    }

    fn sign(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        Pair { chain: params.signed_by(&key, &self.issuer).unwrap().pem(), key: key.serialize_pem() }
    }
}

fn expired(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
}

fn not_yet(params: &mut CertificateParams) {
    params.not_before = rcgen::date_time_ymd(2090, 1, 1);
    params.not_after = rcgen::date_time_ymd(2091, 1, 1);
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn text(path: &Path) -> Option<String> {
    Some(path.to_str().unwrap().to_owned())
}

async fn serve(fake: &Fake, pair: &Pair, machines: Option<&Authority>) -> SocketAddr {
    let mut tls = ServerTlsConfig::new().identity(Identity::from_pem(&pair.chain, &pair.key));
    if let Some(machines) = machines {
        tls = tls.client_ca_root(Certificate::from_pem(&machines.pem));
    }
    fake.serve_with("127.0.0.1:0".parse().unwrap(), Some(tls)).await
}

fn profile(address: SocketAddr, authority: &Path) -> Profile {
    Profile {
        name: "test".into(),
        url: format!("deadwax://{address}"),
        authority: text(authority),
        token: Some("tok-1".into()),
        ..Profile::default()
    }
}

#[tokio::test]
async fn an_authority_vouches_for_a_name_and_a_time_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("The label's own"), Authority::new("Somebody else's"));
    let file = write(folder.path(), "authority.pem", &ours.pem);
    let fake = Fake::default();
    // Renewed ones of the same authority are let through without a word: that is what it is for.
    for _ in 0..2 {
        let address = serve(&fake, &ours.sign("127.0.0.1", |_| {}), None).await;
        let client = Client::connect(&profile(address, &file)).await.unwrap();
        assert_eq!(client.who_am_i().await.unwrap().name, "Ana");
    }
    let before = fake.seen().authorizations.len();
    for (pair, word) in [
        (ours.sign("studio.example", |_| {}), "another name"),
        (theirs.sign("127.0.0.1", |_| {}), "not of the authority"),
        (ours.sign("127.0.0.1", expired), "has expired"),
        (ours.sign("127.0.0.1", not_yet), "not valid yet"),
    ] {
        let address = serve(&fake, &pair, None).await;
        let error = Client::connect(&profile(address, &file)).await.unwrap_err();
        assert!(matches!(error, NetError::Handshake { .. }) && !error.is_passing(), "{error:?}");
        assert!(error.to_string().contains(word), "{word}: {error}");
    }
    assert_eq!(fake.seen().authorizations.len(), before, "nothing is sent to a stranger");
    println!("\n#gate TLS held servers: 4 of 4 wrong ones refused by their authority, nothing sent");
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_is_named_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let empty = write(folder.path(), "empty.pem", "nothing\n");
    for path in [folder.path().join("gone.pem"), empty] {
        let error = Client::connect(&profile(address, &path)).await.unwrap_err();
        assert!(matches!(error, NetError::File { .. }), "{error:?}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        assert_eq!(error.exit_code(), 3);
    }
}

#[tokio::test]
async fn a_studio_that_asks_for_a_certificate_of_this_machine_gets_the_right_one_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new("Gold Room"), Authority::new("Somebody else's"));
    let file = write(folder.path(), "authority.pem", &ours.pem);
    let fake = Fake::default();
    let address = serve(&fake, &ours.sign("127.0.0.1", |_| {}), Some(&ours)).await;
    let with = |name: &str, pair: &Pair| Profile {
        certificate: text(&write(folder.path(), &format!("{name}.pem"), &pair.chain)),
        certificate_key: text(&write(folder.path(), &format!("{name}-key.pem"), &pair.key)),
        ..profile(address, &file)
    };
    let right = with("right", &ours.sign("ana-laptop", |_| {}));
    let client = Client::connect(&right).await.unwrap();
    assert_eq!(client.who_am_i().await.unwrap().name, "Ana");
    let before = fake.seen().authorizations.len();

    let error = Client::connect(&profile(address, &file)).await.unwrap_err();
    assert_eq!(error.reason(), "CERTIFICATE_NEEDED", "{error:?}");
    assert!(error.hint().contains("--certificate"), "{}", error.hint());
    for (name, pair, word) in [
        ("foreign", theirs.sign("ana-laptop", |_| {}), "authority"),
        ("expired", ours.sign("ana-laptop", expired), "expired"),
    ] {
        let error = Client::connect(&with(name, &pair)).await.unwrap_err();
        assert_eq!(error.reason(), "CERTIFICATE_REFUSED", "{name}: {error:?}");
        assert!(error.to_string().contains(word) && !error.is_passing(), "{name}: {error}");
    }
    let mixed =
        Profile { certificate_key: with("other", &theirs.sign("x", |_| {})).certificate_key, ..right };
    let error = Client::connect(&mixed).await.unwrap_err();
    assert!(matches!(error, NetError::File { .. }), "a key of another certificate: {error:?}");
    assert_eq!(fake.seen().authorizations.len(), before, "no call was made");
    println!("\n#gate TLS held a machine without the right certificate is told so, no call made");
}

/// A TLS listener that speaks these versions and says nothing.
async fn speaking(pair: &Pair, versions: &[&'static rustls::SupportedProtocolVersion]) -> SocketAddr {
    use rustls::pki_types::{CertificateDer, pem::PemObject as _};
    let chain = vec![CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            if let Ok(open) = acceptor.accept(tcp).await {
                tokio::spawn(async move {
                    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
                    drop(open);
                });
            }
        }
    });
    address
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_1_3_is_no_server() {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new("The label's own");
    let (file, pair) = (write(folder.path(), "authority.pem", &ours.pem), ours.sign("127.0.0.1", |_| {}));
    let older = speaking(&pair, &[&TLS12]).await;
    let error = Client::connect(&profile(older, &file)).await.unwrap_err();
    assert!(matches!(error, NetError::Handshake { .. }), "{error:?}");
    let newer = speaking(&pair, &[&TLS13]).await;
    assert!(Client::connect(&profile(newer, &file)).await.is_ok());
    println!("\n#gate TLS held the client speaks 1.3 alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn login_keeps_where_the_files_are_and_every_later_verb_uses_them() {
    let (ours, theirs) = (Authority::new("The label's own"), Authority::new("Somebody else's"));
    let fake = Fake::default();
    let address = serve(&fake, &ours.sign("127.0.0.1", |_| {}), Some(&ours)).await;
    let house = kit::House::open(Vec::new()).await;
    let laptop = ours.sign("ana-laptop", |_| {});
    for (name, text) in [
        ("authority.pem", &ours.pem),
        ("theirs.pem", &theirs.pem),
        ("laptop.pem", &laptop.chain),
        ("laptop-key.pem", &laptop.key),
    ] {
        write(house.path(), name, text);
    }
    let at = |name: &str| house.path().join(name).to_str().unwrap().to_owned();
    let (authority, certificate, key) = (at("authority.pem"), at("laptop.pem"), at("laptop-key.pem"));
    let link = format!("deadwax://{address}/GOOD-code");
    let files = ["--certificate", certificate.as_str(), "--key", key.as_str()];
    let login = |more: &[&str]| {
        let whole: Vec<String> = [&["login", link.as_str(), "--profile", "tls", "--json"], more]
            .concat()
            .iter()
            .map(|it| (*it).to_owned())
            .collect();
        let house = &house;
        async move {
            let args: Vec<&str> = whole.iter().map(String::as_str).collect();
            house.run(&args).await
        }
    };
    let output = login(&["--authority", &at("theirs.pem"), files[0], files[1], files[2], files[3]]).await;
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert!(err(&output).contains("not of the authority"), "{}", err(&output));
    let output = login(&["--authority", &authority]).await;
    assert!(code(&output) == 1 && err(&output).contains("--certificate"), "{}", err(&output));
    assert_eq!(code(&login(&["--certificate", &certificate]).await), 2, "half a pair is wrong usage");
    assert_eq!(code(&login(&["--authority", &authority, "--trust", &"0".repeat(64)]).await), 2);

    let output = login(&["--authority", &authority, files[0], files[1], files[2], files[3]]).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(objects(&output)[0]["name"], "Ana");
    let kept = Home::at(house.path().join("home")).load(Some("tls")).unwrap();
    assert_eq!((kept.authority, kept.fingerprint), (Some(authority), None));
    assert_eq!((kept.certificate, kept.certificate_key), (Some(certificate), Some(key)));
    let output = house.run(&["desk", "--profile", "tls"]).await;
    assert_eq!(code(&output), 0, "{}", err(&output));
}
