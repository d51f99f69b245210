//! The studio's certificate: self-signed, made once by `init`, pinned by its SHA-256 fingerprint, which stands in every invite link. Never here: a
//! decision to trust somebody else's certificate (the client pins ours, and the server asks for none).

use std::{fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path, sync::Arc};

use anyhow::Context as _;
use deadwax_domain::Digest;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    version::TLS13,
};
use sha2::{Digest as _, Sha256};

pub const CERTIFICATE_FILE: &str = "certificate.pem";
pub const KEY_FILE: &str = "key.pem";

/// A certificate and its key, as loaded.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
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
    pub fn load(folder: &Path) -> anyhow::Result<Self> {
        let (certificate, key) = (folder.join(CERTIFICATE_FILE), folder.join(KEY_FILE));
        let chain = CertificateDer::pem_file_iter(&certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("reading the certificate {} failed", certificate.display()))?;
        anyhow::ensure!(!chain.is_empty(), "{} holds no certificate", certificate.display());
        let key = PrivateKeyDer::from_pem_file(&key)
            .with_context(|| format!("reading the key {} failed", key.display()))?;
        Ok(Self { chain, key })
    }

    /// SHA-256 of the certificate in DER: what a client pins, and what `openssl x509 -fingerprint -sha256` prints.
    pub fn fingerprint(&self) -> Digest {
        Digest(self.chain.first().map(|certificate| Sha256::digest(certificate).into()).unwrap_or_default())
    }

    /// TLS 1.3 with ring, HTTP/2 only.
    pub fn server_config(&self) -> anyhow::Result<Arc<ServerConfig>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .context("TLS 1.3 is not there")?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .context("the key does not belong to the certificate")?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }
}
