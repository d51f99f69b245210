//! One TLS 1.3 connection, to whom the profile trusts: the holder of the pinned certificate (no authority is asked and no name is compared: the pin is both), or whoever an authority of
//! the studio's own vouches for. The handshake signature is always verified; without that, anybody could show a copied certificate and pass.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::{
        ResolvesClientCert, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
};
use sha2::{Digest as _, Sha256};
use tokio::{io::AsyncBufReadExt as _, net::TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    NetError,
    link::{Fingerprint, Link},
    trust::{Trust, Whom},
};
use crate::planted::planted;

/// A server says at once whether it takes this machine's certificate; one that says nothing for this long is believed to.
const VERDICT: Duration = Duration::from_secs(3);

/// What the connector fails with; travels inside tonic's error and is found again by `NetError`.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("{0}")]
    Tcp(#[source] io::Error),
    #[error("the server took too long to answer")]
    Slow,
    #[error("the certificate is not the pinned one")]
    Pin { pinned: Fingerprint, shown: Fingerprint },
    #[error("the TLS handshake failed: {0}")]
    Handshake(#[source] io::Error),
    #[error("{0:?} cannot be a server's name")]
    Name(String),
    #[error("the studio asks for a certificate of this machine")]
    Asked,
    #[error("the studio does not take the certificate of this machine: {0}")]
    Turned(String),
}

#[derive(Debug)]
struct Verifier {
    whom: Whom,
    shown: Mutex<Option<Fingerprint>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Fingerprint(Sha256::digest(end_entity.as_ref()).into());
        if let Ok(mut slot) = self.shown.lock() {
            *slot = Some(shown);
        }
        match &self.whom {
            Whom::Anybody => Ok(ServerCertVerified::assertion()),
            Whom::Pinned(pin) if *pin == shown => Ok(ServerCertVerified::assertion()),
            Whom::Pinned(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
            Whom::Of(roots) => {
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(roots.clone(), self.provider.clone())
                        .build()
                        .map_err(|error| rustls::Error::General(error.to_string()))?;
                verifier.verify_server_cert(end_entity, intermediates, name, ocsp, now)
            }
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

/// What this machine shows, and whether it was asked for.
#[derive(Debug)]
struct Own {
    key: Option<Arc<CertifiedKey>>,
    asked: AtomicBool,
}

impl ResolvesClientCert for Own {
    fn resolve(&self, _authorities: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        self.key.is_some()
    }
}

/// A connection, whose it is, and whether the other side asked for a certificate of this machine.
struct Shaken {
    stream: TlsStream<TcpStream>,
    shown: Fingerprint,
    asked: bool,
}

async fn handshake(link: &Link, trust: &Trust) -> Result<Shaken, ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let verifier =
        Arc::new(Verifier { whom: trust.whom.clone(), shown: Mutex::new(None), provider: provider.clone() });
    let own = Arc::new(Own { key: trust.own.clone(), asked: AtomicBool::new(false) });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("ring supports TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_client_cert_resolver(own.clone());
    config.alpn_protocols = vec![b"h2".to_vec()];
    // A resumed session would skip the certificate.
    config.resumption = rustls::client::Resumption::disabled();
    let name = ServerName::try_from(link.host.clone()).map_err(|_| ConnectError::Name(link.host.clone()))?;
    let tcp = dial(link).await?;
    let answer = TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
    let shown = verifier.shown.lock().ok().and_then(|slot| *slot);
    match (answer, &trust.whom, shown) {
        (Ok(stream), _, Some(shown)) => {
            Ok(Shaken { stream, shown, asked: own.asked.load(Ordering::Relaxed) })
        }
        (_, Whom::Pinned(pinned), Some(shown)) if *pinned != shown => {
            Err(ConnectError::Pin { pinned: *pinned, shown })
        }
        // What is wrong with the other side's TLS comes as invalid data; anything else is the line, and a cut line may be mended.
        (Err(e), ..) if e.kind() != io::ErrorKind::InvalidData => Err(ConnectError::Tcp(e)),
        (Err(e), ..) => Err(ConnectError::Handshake(in_words(e))),
        (Ok(_), _, None) => Err(ConnectError::Handshake(io::Error::other("no certificate was shown"))),
    }
}

/// One connection that calls can be sent over: the other side is trusted, and has taken this machine's certificate where it asks for one.
pub(super) async fn connect(link: &Link, trust: &Trust) -> Result<TlsStream<TcpStream>, ConnectError> {
    let Shaken { mut stream, asked, .. } = handshake(link, trust).await?;
    if !asked {
        return Ok(stream);
    }
    if trust.own.is_none() {
        return Err(ConnectError::Asked);
    }
    // In TLS 1.3 a client is ready before the server has looked at its certificate: what comes first tells.
    match tokio::time::timeout(VERDICT, stream.fill_buf()).await {
        Ok(Err(error)) => Err(turned(error)),
        Ok(Ok([])) => Err(ConnectError::Tcp(io::ErrorKind::UnexpectedEof.into())),
        Ok(Ok(_)) | Err(_) => Ok(stream),
    }
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn turned(error: io::Error) -> ConnectError {
    match tls_error(&error) {
        Some(rustls::Error::AlertReceived(alert)) => ConnectError::Turned(match alert {
            AlertDescription::UnknownCA => "it is not of the studio's authority".to_owned(),
            AlertDescription::CertificateExpired => "it has expired, or is not valid yet".to_owned(),
            alert => format!("{alert:?}"),
        }),
        _ => ConnectError::Tcp(error),
    }
}

/// What an authority has against a certificate, for a person.
fn in_words(error: io::Error) -> io::Error {
    use CertificateError as Bad;
    let Some(rustls::Error::InvalidCertificate(bad)) = tls_error(&error) else { return error };
    let text = match bad {
        Bad::UnknownIssuer => "its certificate is not of the authority that this profile trusts",
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => "its certificate is for another name",
        Bad::Expired | Bad::ExpiredContext { .. } => "its certificate has expired",
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => "its certificate is not valid yet",
        _ => return error,
    };
    io::Error::new(io::ErrorKind::InvalidData, text)
}

pub(super) async fn dial(link: &Link) -> Result<TcpStream, ConnectError> {
    let stream = TcpStream::connect((link.host.as_str(), link.port)).await.map_err(ConnectError::Tcp)?;
    stream.set_nodelay(true).map_err(ConnectError::Tcp)?;
    Ok(stream)
}

/// The fingerprint that a server shows now, with proof that it holds the key. Nothing is sent to it. For the question at first use.
pub async fn look(link: &Link) -> Result<Fingerprint, NetError> {
    let looked = tokio::time::timeout(super::CONNECT_TIMEOUT, handshake(link, &Trust::ANYBODY)).await;
    match looked.unwrap_or(Err(ConnectError::Slow)) {
        Ok(shaken) => Ok(shaken.shown),
        Err(e) => Err(NetError::connecting(&link.url(), &e)),
    }
}
