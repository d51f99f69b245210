//! What can go wrong between here and a server, sorted by what a person does next. The reason of a refusal is a stable code; its text is
//! for reading only. All text of a server is scrubbed here (S-1).

use std::time::Duration;

use tonic::Code;
use tonic_types::StatusExt as _;

use super::{link::Fingerprint, tls::ConnectError};
use crate::scrub;

const TOO_MANY_CALLS: &str = "TOO_MANY_CALLS";
/// Longer than this nobody is made to wait without a word, whatever a server says.
const BUSY_MAX: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, thiserror::Error)]
pub enum NetError {
    /// The server's answer is no. `reason` is the stable code, `hint` the next step (may be empty).
    #[error("{text}")]
    Refused { code: Code, reason: String, text: String, hint: String, offset: Option<u64> },
    /// Too many calls at once; nothing was done, and the same call is let in after `wait`.
    #[error("{text}")]
    Busy { text: String, hint: String, wait: Duration },
    #[error("{url} could not be reached: {what}")]
    Unreachable { url: String, what: String },
    /// Hard stop: somebody else answers under this address, or the studio changed its certificate.
    #[error(
        "{url} shows another certificate than the one pinned.\n  pinned {pinned}\n  shown  {shown}\nNothing was sent."
    )]
    PinDiffers { url: String, pinned: Fingerprint, shown: Fingerprint },
    #[error("{url}: {what}. Nothing was sent.")]
    Handshake { url: String, what: String },
    #[error("{url} asks for a certificate of this machine, and the profile has none. Nothing was sent.")]
    CertificateNeeded { url: String },
    #[error("{url}: {what}. Nothing was sent.")]
    CertificateRefused { url: String, what: String },
    #[error("the fingerprint of {url} is not known yet")]
    NotPinned { url: String },
    #[error("{url} would send the token in the clear; plain HTTP is for loopback only")]
    PlainNotLoopback { url: String },
    #[error("{0}")]
    Address(String),
    #[error("the server did not answer within {seconds} s")]
    TimedOut { seconds: u64 },
    #[error("{0}")]
    ApiVersion(String),
    /// The server's answer does not fit the contract.
    #[error("the server's answer makes no sense: {0}")]
    Odd(String),
    #[error("{what}: {source}")]
    File { what: String, source: std::sync::Arc<std::io::Error> },
}

impl NetError {
    pub(super) fn connecting(url: &str, error: &ConnectError) -> NetError {
        let url = url.to_owned();
        match error {
            ConnectError::Pin { pinned, shown } => {
                NetError::PinDiffers { url, pinned: *pinned, shown: *shown }
            }
            ConnectError::Asked => NetError::CertificateNeeded { url },
            ConnectError::Turned(_) => {
                NetError::CertificateRefused { url, what: scrub::line(&error.to_string()) }
            }
            ConnectError::Handshake(_) => NetError::Handshake { url, what: scrub::line(&error.to_string()) },
            ConnectError::Tcp(_) | ConnectError::Slow | ConnectError::Name(_) => {
                NetError::Unreachable { url, what: scrub::line(&error.to_string()) }
            }
        }
    }

    /// Sorts a transport error or a status: our own connector's error wherever it is buried, else the outer text.
    pub(super) fn find(url: &str, error: &(dyn std::error::Error + 'static)) -> Option<NetError> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(own) = error.downcast_ref::<ConnectError>() {
                return Some(NetError::connecting(url, own));
            }
            next = error.source();
        }
        None
    }

    pub fn from_status(url: &str, status: &tonic::Status) -> NetError {
        if let Some(error) = NetError::find(url, status) {
            return error;
        }
        let info = status.get_details_error_info().filter(|info| info.domain == "deadwax");
        let offset = status.metadata().get("offset").and_then(|v| v.to_str().ok()?.parse().ok());
        let text = scrub::line(status.message());
        if let Some(info) = info {
            let meta = |key: &str| info.metadata.get(key).map(|v| scrub::line(v)).unwrap_or_default();
            if info.reason == TOO_MANY_CALLS {
                let wait = Duration::from_millis(meta("retry_after_ms").parse().unwrap_or(1_000));
                return NetError::Busy { text, hint: meta("hint"), wait: wait.min(BUSY_MAX) };
            }
            return NetError::Refused {
                code: status.code(),
                reason: scrub::line(&info.reason),
                text,
                hint: meta("hint"),
                offset: offset.or_else(|| meta("offset").parse().ok()),
            };
        }
        // Not one of the studio's own refusals. A status made by the transport has a cause of its own, a server's has none.
        let torn = std::error::Error::source(status).is_some();
        if status.code() == Code::Unavailable || torn {
            let what = if text.is_empty() { "the connection was cut".to_owned() } else { text };
            return NetError::Unreachable { url: url.to_owned(), what };
        }
        let reason = format!("{:?}", status.code());
        let text = if text.is_empty() { status.code().description().to_owned() } else { text };
        NetError::Refused { code: status.code(), reason, text, hint: String::new(), offset }
    }

    /// The stable code of a refusal; for the others a code of this client's own.
    pub fn reason(&self) -> &str {
        match self {
            NetError::Refused { reason, .. } => reason,
            NetError::Busy { .. } => TOO_MANY_CALLS,
            NetError::Unreachable { .. } => "UNREACHABLE",
            NetError::PinDiffers { .. } => "CERTIFICATE_DIFFERS",
            NetError::Handshake { .. } => "HANDSHAKE_FAILED",
            NetError::CertificateNeeded { .. } => "CERTIFICATE_NEEDED",
            NetError::CertificateRefused { .. } => "CERTIFICATE_REFUSED",
            NetError::NotPinned { .. } => "CERTIFICATE_UNKNOWN",
            NetError::PlainNotLoopback { .. } => "PLAIN_NOT_LOOPBACK",
            NetError::Address(_) => "ADDRESS_INVALID",
            NetError::TimedOut { .. } => "TIMED_OUT",
            NetError::ApiVersion(_) => "API_VERSION",
            NetError::Odd(_) => "ANSWER_INVALID",
            NetError::File { .. } => "FILE",
        }
    }

    /// The next step for a person; empty where there is none.
    pub fn hint(&self) -> &str {
        match self {
            NetError::Refused { hint, .. } | NetError::Busy { hint, .. } if !hint.is_empty() => hint,
            NetError::Refused { code: Code::Unauthenticated, .. } => {
                "Sign in again with `deadwax login`; a machine without a key needs a link, which another of your devices or a studio owner can make."
            }
            NetError::Unreachable { .. } | NetError::TimedOut { .. } => {
                "Check the address and that the server runs, then try again; nothing was lost."
            }
            NetError::PinDiffers { .. } => {
                "Ask the studio over another way for its fingerprint. Only if it really changed: `deadwax login` with a new link."
            }
            NetError::Handshake { .. } => "Ask the studio whether this address is really its own.",
            NetError::CertificateNeeded { .. } | NetError::CertificateRefused { .. } => {
                "Ask the studio's operator for a certificate of this machine and its key, then sign in with them: deadwax login --certificate FILE --key FILE, with the link of your invite at the first time."
            }
            NetError::NotPinned { .. } => {
                "Sign in with the whole link of the invite, or give --trust FINGERPRINT."
            }
            NetError::PlainNotLoopback { .. } | NetError::Address(_) => {
                "Use a link such as deadwax://studio.example:4747/CODE#sha256=FINGERPRINT."
            }
            _ => "",
        }
    }

    /// True where the same call may succeed later: nothing is known to have been refused.
    pub fn is_passing(&self) -> bool {
        match self {
            NetError::Unreachable { .. } | NetError::TimedOut { .. } | NetError::Busy { .. } => true,
            NetError::Refused { code, .. } => *code == Code::Unavailable,
            _ => false,
        }
    }

    /// 1 the answer is no, 2 wrong usage, 3 bad input file.
    pub fn exit_code(&self) -> u8 {
        match self {
            NetError::Refused { reason, code, .. } => match reason.as_str() {
                "NOT_AUDIO" | "COVER_INVALID" | "AUDIO_HOSTILE" | "AUDIO_UNSUPPORTED" | "UPLOAD_EMPTY"
                | "DIGEST_DIFFERS" | "UPLOAD_TOO_LARGE" => 3,
                _ if *code == Code::InvalidArgument => 2,
                _ => 1,
            },
            NetError::Address(_) | NetError::PlainNotLoopback { .. } => 2,
            NetError::File { .. } => 3,
            _ => 1,
        }
    }
}
