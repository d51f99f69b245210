//! Addresses of servers: `deadwax://host:port/CODE#sha256=FINGERPRINT`. Plain HTTP (`deadwax+http://`, `http://`) is for loopback only:
//! anywhere else a token would travel in the clear.

use std::{fmt, net::IpAddr, str::FromStr};

use super::NetError;

/// The port that a link without one means.
pub const DEFAULT_PORT: u16 = 4747;

/// SHA-256 of a server's certificate (DER).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = NetError;
    /// 64 hex digits; colons, blanks, capitals and a leading `sha256=` or `SHA256:` are let through, as openssl and ssh print them so.
    fn from_str(text: &str) -> Result<Self, NetError> {
        let lower = text.trim().to_ascii_lowercase();
        let bare = lower.strip_prefix("sha256=").or_else(|| lower.strip_prefix("sha256:")).unwrap_or(&lower);
        let digits: String = bare.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
        let mut bytes = [0; 32];
        hex::decode_to_slice(&digits, &mut bytes).map_err(|_| {
            NetError::Address(format!("{:?} is not a SHA-256 fingerprint", crate::scrub::line(text)))
        })?;
        Ok(Fingerprint(bytes))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub tls: bool,
    /// Without brackets.
    pub host: String,
    pub port: u16,
    /// The one-time code of an invite; empty in a bare address.
    pub code: String,
    pub fingerprint: Option<Fingerprint>,
}

impl Link {
    /// The address without code and fingerprint, as a profile keeps it.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "deadwax" } else { "deadwax+http" }, self.authority())
    }

    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// An invite as a browser opens it: the same code, for the page of the same server. Behind the # nothing is sent. `None` without TLS or code.
    pub fn for_browser(&self) -> Option<String> {
        let opens = self.tls && !self.code.is_empty();
        opens.then(|| format!("https://{}/i#{}", self.authority(), self.code))
    }

    fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Link {
    type Err = NetError;
    fn from_str(text: &str) -> Result<Self, NetError> {
        // As it stands in a message: with the quotes or brackets that were copied along.
        let text = text
            .trim()
            .trim_matches(['\'', '"', '`', '<', '>', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}']);
        let shown =
            || crate::scrub::cut(&crate::scrub::line(text.split(['#', '?']).next().unwrap_or("")), 80);
        let wrong = |what: &str| NetError::Address(format!("{:?} is not a server address: {what}", shown()));
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("it begins with deadwax://"))?;
        let tls = match scheme {
            "deadwax" => true,
            "deadwax+http" | "http" => false,
            _ => return Err(wrong("it begins with deadwax://")),
        };
        let (rest, fingerprint) = match rest.split_once('#') {
            Some((rest, fragment)) => (rest, Some(fragment.parse()?)),
            None => (rest, None),
        };
        let (authority, code) = rest.split_once('/').unwrap_or((rest, ""));
        let (host, port) = match authority.strip_prefix('[') {
            Some(v6) => {
                let (host, port) = v6.split_once(']').ok_or_else(|| wrong("the bracket is not closed"))?;
                (host, port.strip_prefix(':'))
            }
            None => match authority.rsplit_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let port = match port {
            Some(port) => port.parse().map_err(|_| wrong("the port is not a number"))?,
            None => DEFAULT_PORT,
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
        if host.is_empty() || !host.chars().all(plain) {
            return Err(wrong("the host is not a name or an address"));
        }
        if !code.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
            return Err(wrong("the code after the host holds strange characters"));
        }
        let link = Link { tls, host: host.to_owned(), port, code: code.to_owned(), fingerprint };
        if !link.tls && !link.is_loopback() {
            return Err(NetError::PlainNotLoopback { url: link.url() });
        }
        Ok(link)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_taken_apart() {
        let fp = "0a".repeat(32);
        let link: Link = format!("deadwax://studio.example:7000/AB-cd#sha256={fp}").parse().unwrap();
        assert_eq!((link.host.as_str(), link.port, link.code.as_str()), ("studio.example", 7000, "AB-cd"));
        assert_eq!(link.fingerprint, Some(Fingerprint([10; 32])));
        assert_eq!(link.url(), "deadwax://studio.example:7000");
        let link: Link = "deadwax://[::1]".parse().unwrap();
        assert_eq!(link.authority(), format!("[::1]:{DEFAULT_PORT}"));
        for (before, after) in [("'", "'"), ("\"", "\""), (" <", "> "), ("\u{201c}", "\u{201d}")] {
            let link: Link =
                format!("{before}deadwax://studio.example/AB#sha256={fp}{after}").parse().unwrap();
            assert_eq!((link.code.as_str(), link.fingerprint), ("AB", Some(Fingerprint([10; 32]))));
        }
        let spaced = "0A:".repeat(31) + "0A";
        assert_eq!(spaced.parse::<Fingerprint>().unwrap(), Fingerprint([10; 32]));
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        assert!("http://127.0.0.1:1/x".parse::<Link>().is_ok());
        assert!("deadwax+http://localhost:1".parse::<Link>().is_ok());
        for url in ["http://10.0.0.1:1", "deadwax+http://studio.example", "http://127.0.0.1.example:1"] {
            assert!(matches!(url.parse::<Link>(), Err(NetError::PlainNotLoopback { .. })), "{url}");
        }
    }

    #[test]
    fn wrong_addresses_are_refused_with_words() {
        for url in [
            "",
            "studio",
            "ftp://x",
            "deadwax://",
            "deadwax://a:b",
            "deadwax://a/b c",
            "deadwax://a#sha256=12",
        ] {
            assert!(matches!(url.parse::<Link>(), Err(NetError::Address(_))), "{url}");
        }
    }
}
