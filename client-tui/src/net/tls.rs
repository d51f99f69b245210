//! Trust in a server: the SHA-256 of its certificate, pinned at first use. No authority is asked and no name is compared: the pin is both.
//! The handshake signature is always verified; without that, anybody could show a copied certificate and pass.

use std::sync::{Arc, Mutex};

use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    NetError,
    link::{Fingerprint, Link},
};
use crate::planted::planted;

/// What the connector fails with; travels inside tonic's error and is found again by `NetError`.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("{0}")]
    Tcp(#[source] std::io::Error),
    #[error("the server took too long to answer")]
    Slow,
    #[error("the certificate is not the pinned one")]
    Pin { pinned: Fingerprint, shown: Fingerprint },
    #[error("the TLS handshake failed: {0}")]
    Handshake(#[source] std::io::Error),
    #[error("{0:?} cannot be a server's name")]
    Name(String),
}

#[derive(Debug)]
struct PinVerifier {
    /// `None` only while looking at an unknown server before anything is sent.
    pin: Option<Fingerprint>,
    shown: Mutex<Option<Fingerprint>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Fingerprint(Sha256::digest(end_entity.as_ref()).into());
        if let Ok(mut slot) = self.shown.lock() {
            *slot = Some(shown);
        }
        match self.pin {
            Some(pin) if pin != shown => Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::ApplicationVerificationFailure,
            )),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        if planted!("signature-unchecked") {
            return Ok(HandshakeSignatureValid::assertion());
        }
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// One TLS 1.3 connection. With a pin: only to the holder of that certificate's key. Answers the fingerprint that was shown.
pub(super) async fn handshake(
    link: &Link,
    pin: Option<Fingerprint>,
) -> Result<(TlsStream<TcpStream>, Fingerprint), ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Arc::new(PinVerifier { pin, shown: Mutex::new(None), provider: provider.clone() });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring supports TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    // A resumed session would skip the certificate.
    config.resumption = rustls::client::Resumption::disabled();
    let name = ServerName::try_from(link.host.clone()).map_err(|_| ConnectError::Name(link.host.clone()))?;
    let tcp = dial(link).await?;
    let answer = TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
    let shown = verifier.shown.lock().ok().and_then(|slot| *slot);
    match (answer, pin, shown) {
        (Ok(stream), _, Some(shown)) => Ok((stream, shown)),
        (_, Some(pinned), Some(shown)) if pinned != shown => Err(ConnectError::Pin { pinned, shown }),
        // What is wrong with the other side's TLS comes as invalid data; anything else is the line, and a cut line may be mended.
        (Err(e), ..) if e.kind() != std::io::ErrorKind::InvalidData => Err(ConnectError::Tcp(e)),
        (Err(e), ..) => Err(ConnectError::Handshake(e)),
        (Ok(_), _, None) => Err(ConnectError::Handshake(std::io::Error::other("no certificate was shown"))),
    }
}

pub(super) async fn dial(link: &Link) -> Result<TcpStream, ConnectError> {
    let stream = TcpStream::connect((link.host.as_str(), link.port)).await.map_err(ConnectError::Tcp)?;
    stream.set_nodelay(true).map_err(ConnectError::Tcp)?;
    Ok(stream)
}

/// The fingerprint that a server shows now, with proof that it holds the key. Nothing is sent to it. For the question at first use.
pub async fn look(link: &Link) -> Result<Fingerprint, NetError> {
    let looked = tokio::time::timeout(super::CONNECT_TIMEOUT, handshake(link, None)).await;
    match looked.unwrap_or(Err(ConnectError::Slow)) {
        Ok((_, shown)) => Ok(shown),
        Err(e) => Err(NetError::connecting(&link.url(), &e)),
    }
}
