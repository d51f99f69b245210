//! Whom a profile trusts at the other end, and what it shows of this machine: a pin, or the authority that a studio has of its own; and the certificate that some studios ask
//! for. Files are read when a connection is prepared, so that renewed ones count at the next. Never here: a handshake (`tls`).

use std::{path::Path, sync::Arc};

use rustls::{
    RootCertStore,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject as _},
    },
    sign::CertifiedKey,
};

use super::{
    NetError,
    link::{Fingerprint, Link},
};
use crate::profile::Profile;

/// What must be true of the server's certificate.
#[derive(Clone, Debug)]
pub(super) enum Whom {
    /// Nothing: only to look at an unknown server before anything is sent.
    Anybody,
    /// It is this very one. Neither authority nor name nor date is asked.
    Pinned(Fingerprint),
    /// It is of this authority, for this name, and in its time.
    Of(Arc<RootCertStore>),
}

#[derive(Clone)]
pub(super) struct Trust {
    pub whom: Whom,
    /// What this machine shows where the server asks for it.
    pub own: Option<Arc<CertifiedKey>>,
}

impl Trust {
    pub(super) const ANYBODY: Trust = Trust { whom: Whom::Anybody, own: None };

    /// As the profile says. An authority takes the place of the pin.
    ///
    /// # Errors
    /// `NotPinned`; `File` where a file cannot be read or holds something else.
    pub(super) fn of(profile: &Profile, link: &Link) -> Result<Trust, NetError> {
        let whom = match (&profile.authority, &profile.fingerprint) {
            (Some(path), _) => Whom::Of(Arc::new(authority(Path::new(path))?)),
            (None, Some(pin)) => Whom::Pinned(pin.parse()?),
            (None, None) => return Err(NetError::NotPinned { url: link.url() }),
        };
        let own = match (&profile.certificate, &profile.certificate_key) {
            (Some(certificate), Some(key)) => Some(Arc::new(own(Path::new(certificate), Path::new(key))?)),
            _ => None,
        };
        Ok(Trust { whom, own })
    }
}

fn unusable(what: &str, path: &Path, why: std::io::Error) -> NetError {
    NetError::File { what: format!("{what} {} cannot be used", path.display()), source: Arc::new(why) }
}

fn odd(error: impl ToString) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string())
}

fn unread(error: pem::Error) -> std::io::Error {
    match error {
        pem::Error::Io(error) => error,
        pem::Error::NoItemsFound => odd("it holds none in PEM"),
        error => odd(error),
    }
}

fn certificates(what: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, NetError> {
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| unusable(what, path, unread(error)))?;
    if found.is_empty() {
        return Err(unusable(what, path, unread(pem::Error::NoItemsFound)));
    }
    Ok(found)
}

fn authority(path: &Path) -> Result<RootCertStore, NetError> {
    const WHAT: &str = "the authority";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(WHAT, path)? {
        roots.add(certificate).map_err(|error| unusable(WHAT, path, odd(error)))?;
    }
    Ok(roots)
}

fn own(certificate: &Path, key: &Path) -> Result<CertifiedKey, NetError> {
    let chain = certificates("the certificate of this machine", certificate)?;
    let what = "the key of this machine's certificate";
    let read = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(what, key, unread(error)))?;
    CertifiedKey::from_der(chain, read, &ring::default_provider())
        .map_err(|error| unusable(what, key, odd(error)))
}
