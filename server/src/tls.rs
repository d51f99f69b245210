//! The studio's certificate: self-signed and made once by `init`, or one that the studio brings along; pinned by its SHA-256 fingerprint, which stands in every invite link. And, where the
//! settings ask for it, the authority whose certificate a machine has to show before it may say anything. Never here: who somebody is (a certificate names no person: `auth`).

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path, sync::Arc};

use anyhow::Context as _;
use deadwax_domain::Digest;
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    version::TLS13,
};
use sha2::{Digest as _, Sha256};

use crate::config::Certificate;

pub const CERTIFICATE_FILE: &str = "certificate.pem";
pub const KEY_FILE: &str = "key.pem";

/// A certificate and its key, as loaded, and whose machines may connect.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// Authorities of machines; `None`: every machine may.
    machines: Option<RootCertStore>,
}

/// Makes the certificate of a new studio. `host`: its public name, where it has one.
pub fn make(folder: &Path, studio: &str, host: Option<&str>) -> anyhow::Result<()> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    for name in [Some(crate::config::host_name()), host.map(str::to_owned)].into_iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut parameters =
        rcgen::CertificateParams::new(names).context("a host name cannot stand in a certificate")?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, format!("Deadwax: {studio}"));
    let key = rcgen::KeyPair::generate().context("making a key failed")?;
    let certificate = parameters.self_signed(&key).context("signing the certificate failed")?;
    write_new(&folder.join(CERTIFICATE_FILE), &certificate.pem(), 0o644)?;
    write_new(&folder.join(KEY_FILE), &key.serialize_pem(), 0o600)
}

/// Durable, and never over an existing file.
pub fn write_new(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().with_context(|| format!("writing {} failed", path.display()))
}

impl Identity {
    /// The pair that `init` made.
    pub fn load(folder: &Path) -> anyhow::Result<Self> {
        Self::of(folder, &Certificate::default())
    }

    /// As the settings say; relative paths begin at the studio's folder.
    pub fn of(folder: &Path, settings: &Certificate) -> anyhow::Result<Self> {
        let place = |set: &Path, usual: &str| {
            folder.join(if set.as_os_str().is_empty() { Path::new(usual) } else { set })
        };
        let chain = certificates(&place(&settings.file, CERTIFICATE_FILE), "reading the certificate")?;
        let key = place(&settings.key, KEY_FILE);
        let key = PrivateKeyDer::from_pem_file(&key)
            .with_context(|| format!("reading the key {} failed", key.display()))?;
        let authority = Some(&settings.client_authority).filter(|path| !path.as_os_str().is_empty());
        let machines = authority.map(|path| -> anyhow::Result<RootCertStore> {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(&folder.join(path), "reading the authority")? {
                roots
                    .add(certificate)
                    .context("a certificate of `certificate.client_authority` is no authority")?;
            }
            Ok(roots)
        });
        Ok(Self { chain, key, machines: machines.transpose()? })
    }

    /// SHA-256 of the certificate in DER: what a client pins, and what `openssl x509 -fingerprint -sha256` prints.
    pub fn fingerprint(&self) -> Digest {
        Digest(self.chain.first().map(|certificate| Sha256::digest(certificate).into()).unwrap_or_default())
    }

    /// TLS 1.3 with ring and nothing older, HTTP/2 only. Where there is an authority of machines, a handshake without a certificate of it fails.
    pub fn server_config(&self) -> anyhow::Result<Arc<ServerConfig>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .context("TLS 1.3 is not there")?
            .with_client_cert_verifier(self.machines()?)
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .context("the key does not belong to the certificate")?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }

    fn machines(&self) -> anyhow::Result<Arc<dyn ClientCertVerifier>> {
        let Some(roots) = &self.machines else { return Ok(WebPkiClientVerifier::no_client_auth()) };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots.clone()), provider);
        let verifier = verifier.build().context("`certificate.client_authority` cannot be used")?;
        Ok(verifier)
    }
}

fn certificates(path: &Path, what: &str) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| format!("{what} {} failed", path.display()))?;
    anyhow::ensure!(!found.is_empty(), "{} holds no certificate", path.display());
    Ok(found)
}
