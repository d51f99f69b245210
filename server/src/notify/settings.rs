//! The `[mail]` and `[webhooks]` tables of `studio.toml`. Never here: the password of the mail server (a file of its own has it), sending.

use std::{net::IpAddr, path::PathBuf};

use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};

use super::address::{self, Bounds};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// The mail server. Empty: this studio sends no mail.
    pub host: String,
    /// 0: the usual one for `security` (587, 465, 25).
    pub port: u16,
    pub security: Security,
    /// Empty: the mail server asks for no password.
    pub user: String,
    /// A file with the password alone, readable by nobody else; relative paths begin at the studio folder.
    pub password_file: PathBuf,
    /// Who the mail is from: an address, or `Name <address>`. Without a name, the studio's.
    pub from: String,
    /// From which hour of the day on the digest is sent, in UTC.
    pub digest_hour: u8,
    /// Lets `security = "none"` send to another machine.
    pub allow_plain: bool,
    /// Authorities trusted beside the public ones, a PEM file: for a mail server with a certificate of the house.
    pub roots: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Security {
    /// Encrypted after the first words; refused where the server cannot.
    StartTls,
    /// Encrypted from the first byte.
    Tls,
    None,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhooks {
    /// Off: nothing is sent, and what happens meanwhile is not told later.
    pub enabled: bool,
    /// Lets webhooks go to this machine and to private networks, and over http.
    pub allow_private: bool,
    /// The only hosts they may go to; `*.example.org` is all below it. Empty: any.
    pub hosts: Vec<String>,
    /// Authorities trusted beside the public ones, a PEM file.
    pub roots: PathBuf,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 0,
            security: Security::StartTls,
            user: String::new(),
            password_file: PathBuf::new(),
            from: String::new(),
            digest_hour: 6,
            allow_plain: false,
            roots: PathBuf::new(),
        }
    }
}

impl Default for Webhooks {
    fn default() -> Self {
        Self { enabled: true, allow_private: false, hosts: Vec::new(), roots: PathBuf::new() }
    }
}

impl Webhooks {
    pub fn bounds(&self) -> Bounds {
        Bounds { allow_private: self.allow_private, hosts: self.hosts.clone() }
    }

    /// The key that is wrong, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let wrong = self.hosts.iter().find_map(|host| address::check_host(host).err().map(|why| (host, why)));
        wrong.map_or(Ok(()), |(host, why)| {
            Err(("webhooks.hosts", format!("\"{}\" {why}.", host.escape_debug())))
        })
    }
}

impl Mail {
    /// Whether this studio sends mail at all.
    pub fn is_set_up(&self) -> bool {
        !self.host.is_empty()
    }

    pub fn port_or_usual(&self) -> u16 {
        match (self.port, self.security) {
            (0, Security::StartTls) => 587,
            (0, Security::Tls) => 465,
            (0, Security::None) => 25,
            (port, _) => port,
        }
    }

    /// The key that is wrong, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let no = |key: &'static str, what: &str| Err((key, what.to_owned()));
        if self.digest_hour > 23 {
            return no("mail.digest_hour", "it must be 0 to 23, an hour of the day in UTC.");
        }
        if !self.is_set_up() {
            let used = [("mail.from", &self.from), ("mail.user", &self.user)];
            return match used.into_iter().find(|(_, text)| !text.is_empty()) {
                Some((key, _)) => no(key, "it does nothing without `mail.host`, the mail server."),
                None => Ok(()),
            };
        }
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if !self.host.chars().all(sound) {
            return no("mail.host", "it must be a host name or an address alone; the port is `mail.port`.");
        }
        if self.mailbox("").is_none() {
            return no(
                "mail.from",
                "it must be an address such as deadwax@studio.example, or Name <address>.",
            );
        }
        if self.user.chars().any(char::is_control) {
            return no("mail.user", "it holds control characters.");
        }
        if self.user.is_empty() != self.password_file.as_os_str().is_empty() {
            return no(
                "mail.password_file",
                "`mail.user` and `mail.password_file` go together: set both or neither.",
            );
        }
        let near = self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if self.security == Security::None && !near && !self.allow_plain {
            return no(
                "mail.security",
                "\"none\" sends mail and password in the clear; use \"starttls\" or \"tls\", or set `mail.allow_plain`.",
            );
        }
        Ok(())
    }

    /// Who the mail is from; `studio` where no name is set.
    pub fn mailbox(&self, studio: &str) -> Option<Mailbox> {
        if self.from.chars().any(crate::name::misleading) {
            return None;
        }
        let mut mailbox: Mailbox = self.from.parse().ok()?;
        if mailbox.name.is_none() && !studio.is_empty() {
            mailbox.name = Some(studio.to_owned());
        }
        Some(mailbox)
    }
}
