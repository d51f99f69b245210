//! Hands letters to the studio's mail server. Never here: what a letter says, and the password anywhere but in memory.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, ensure};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    address::Address,
    message::{
        Mailbox,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use sha2::{Digest as _, Sha256};

use super::settings::{Mail, Security};

/// The whole conversation about one letter.
pub const TIMEOUT: Duration = Duration::from_secs(30);
const PASSWORD_BYTES_MAX: u64 = 1024;
const SUBJECT_CHARS_MAX: usize = 160;

/// A letter that is ready to go.
pub struct Letter<'a> {
    /// The same for every try, so that a receiver who gets it twice can drop one.
    pub id: &'a str,
    pub name: &'a str,
    pub email: &'a str,
    pub subject: &'a str,
    pub body: &'a str,
    pub at_ms: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// No connection, no encryption, a wrong password: no letter would go.
    #[error("the mail server cannot be used: {0}")]
    Server(String),
    /// This letter alone; others may go.
    #[error("the mail server refused it with {code}")]
    Refused { code: String, final_answer: bool },
    #[error("it cannot be written as a mail: {0}")]
    Unwritable(String),
}

pub struct PostOffice {
    from: Mailbox,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    pub timeout: Duration,
}

impl PostOffice {
    /// `None` where the studio sends no mail. Reads the password; nothing is sent yet.
    pub fn open(settings: &Mail, folder: &Path, studio: &str) -> anyhow::Result<Option<Self>> {
        if !settings.is_set_up() {
            return Ok(None);
        }
        let from = settings.mailbox(studio).context("`mail.from` is no address")?;
        let tls = || -> anyhow::Result<TlsParameters> {
            let mut tls = TlsParameters::builder(settings.host.clone());
            if !settings.roots.as_os_str().is_empty() {
                let path = folder.join(&settings.roots);
                let pem = fs::read(&path)
                    .with_context(|| format!("reading `mail.roots` {} failed", path.display()))?;
                let roots = Certificate::from_pem(&pem)
                    .with_context(|| format!("`mail.roots` {} holds no certificate", path.display()))?;
                tls = tls.add_root_certificate(roots);
            }
            tls.build_rustls().context("`mail.roots` cannot be used")
        };
        let security = match settings.security {
            Security::StartTls => Tls::Required(tls()?),
            Security::Tls => Tls::Wrapper(tls()?),
            Security::None => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port_or_usual())
            .tls(security)
            .hello_name(ClientId::Domain(crate::config::host_name()))
            .timeout(Some(TIMEOUT));
        if !settings.user.is_empty() {
            let password = password(&folder.join(&settings.password_file))?;
            transport = transport.credentials(Credentials::new(settings.user.clone(), password));
        }
        Ok(Some(Self { from, transport: transport.build(), timeout: TIMEOUT }))
    }

    pub async fn send(&self, letter: &Letter<'_>) -> Result<(), MailError> {
        let message = self.message(letter)?;
        let sent = tokio::time::timeout(self.timeout, self.transport.send(message)).await;
        let error = match sent {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => return Err(MailError::Server("it did not answer in time".to_owned())),
        };
        match error.status().map(|code| code.to_string()) {
            // About signing in or about the server's own state, not about this letter.
            Some(code) if !is_of_one_letter(&code) => Err(MailError::Server(format!("it answered {code}"))),
            Some(code) => Err(MailError::Refused { code, final_answer: error.is_permanent() }),
            None => Err(MailError::Server(kind_of(&error))),
        }
    }

    fn message(&self, letter: &Letter<'_>) -> Result<Message, MailError> {
        let unwritable = |error: &dyn std::fmt::Display| MailError::Unwritable(error.to_string());
        let address: Address = letter.email.parse().map_err(|error| unwritable(&error))?;
        let date =
            SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(letter.at_ms).unwrap_or_default());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(Some(one_line(letter.name)), address))
            .subject(one_line(letter.subject).chars().take(SUBJECT_CHARS_MAX).collect::<String>())
            .date(date)
            .message_id(Some(self.message_id(letter.id)))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.body.to_owned())
            .map_err(|error| unwritable(&error))
    }

    fn message_id(&self, id: &str) -> String {
        let hash = hex::encode(Sha256::digest(format!("deadwax-mail-1 {id}")));
        format!("<{}@{}>", &hash[..40], self.from.email.domain())
    }
}

/// So that no holiday notice answers.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }
    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Nothing that ends a header line or misleads who reads it.
pub fn one_line(text: &str) -> String {
    let clean = |c: char| if crate::name::misleading(c) { ' ' } else { c };
    text.chars().map(clean).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// 421 and 454 speak of the server; 530 to 538 of signing in.
fn is_of_one_letter(code: &str) -> bool {
    !matches!(code, "421" | "432" | "454" | "500" | "502" | "503" | "504" | "530" | "534" | "535" | "538")
}

fn kind_of(error: &lettre::transport::smtp::Error) -> String {
    use std::error::Error as _;
    let io = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    match io {
        Some(io) => format!("no connection ({})", io.kind()),
        None if error.is_tls() => "no encrypted connection".to_owned(),
        None if error.is_client() => {
            "it lacks what the settings ask for (encryption, or a way to sign in)".to_owned()
        }
        None => "the conversation broke off".to_owned(),
    }
}

fn password(path: &Path) -> anyhow::Result<String> {
    let reading = || format!("reading `mail.password_file` {} failed", path.display());
    let facts = fs::metadata(path).with_context(reading)?;
    ensure!(
        facts.permissions().mode() & 0o077 == 0,
        "`mail.password_file` {}: others can read it; make it 0600",
        path.display()
    );
    ensure!(
        facts.is_file() && facts.len() <= PASSWORD_BYTES_MAX,
        "`mail.password_file` {} is not a file with a password alone",
        path.display()
    );
    let text = fs::read_to_string(path).with_context(reading)?;
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    ensure!(!password.is_empty(), "`mail.password_file` {} is empty", path.display());
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Mail {
        Mail {
            host: "127.0.0.1".into(),
            security: Security::None,
            from: "deadwax@gold.example".into(),
            ..Mail::default()
        }
    }

    #[test]
    fn nothing_that_people_wrote_makes_a_header() {
        let office =
            PostOffice::open(&settings(), Path::new("/nowhere"), "Gold \"Room\", Inc").unwrap().unwrap();
        let letter = Letter {
            id: "one",
            name: "Ana\r\nBcc: eve@evil.example",
            email: "ana@example.org",
            subject: "Nacht\r\nBcc: eve@evil.example\r\n\r\nlied \u{202e}",
            body: "First line.\r\nBcc: eve@evil.example\n.\nQUIT\n",
            at_ms: 1_795_000_000_000,
        };
        let bytes = office.message(&letter).unwrap().formatted();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{head}");
        assert!(body.starts_with("First line."), "{body}");
        assert_eq!(head.matches("Message-ID: <").count(), 1, "{head}");
        assert!(head.contains("Auto-Submitted: auto-generated") && head.contains("@gold.example>"), "{head}");
        assert!(head.contains("Date: Wed, 18 Nov 2026"), "{head}");
        assert_eq!(office.message(&letter).unwrap().envelope().to().len(), 1);
        let other = Letter { id: "two", ..letter };
        assert_ne!(office.message(&other).unwrap().formatted(), text.as_bytes());
    }

    #[test]
    fn a_password_belongs_to_a_file_of_ones_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        let mail = Mail { user: "deadwax".into(), password_file: "password".into(), ..settings() };
        let open = || PostOffice::open(&mail, folder.path(), "x").err().map(|error| format!("{error:#}"));
        assert!(open().unwrap().contains("mail.password_file"));
        fs::write(&path, "word\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(open().unwrap().contains("0600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(open(), None);
        assert_eq!(password(&path).unwrap(), "word");
        fs::write(&path, "\n").unwrap();
        assert!(open().unwrap().contains("empty"));
    }

    #[test]
    fn a_studio_without_a_mail_server_has_no_post_office() {
        assert!(PostOffice::open(&Mail::default(), Path::new("/nowhere"), "x").unwrap().is_none());
    }

    #[test]
    fn a_name_stands_in_one_line() {
        assert_eq!(one_line(" a\r\n\tb\u{2028}c\u{85}d\0 "), "a b c d");
    }
}
