//! Where a webhook may go: the shape of its URL, asked when it is set, and the addresses that a name may lead to, asked each time before a
//! connection is made. Pure. Never here: resolving, connecting.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use deadwax_domain::{Reason, Refusal};
use url::{Host, Url};

/// A longer address is a mistake or an attack.
const URL_BYTES_MAX: usize = 2048;

/// Names that mean this machine or its own network wherever they are asked for.
const LOCAL_NAMES: [&str; 8] =
    ["localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa", "corp"];

/// Whom an address belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Public,
    /// This machine, or a network that is not everybody's: only where the operator allows it.
    Private,
    /// Nobody's to call: groups, link-local ones (where clouds tell their secrets), reserved ones.
    Never,
}

/// What the operator lets webhooks reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// This machine and private networks too, and http.
    pub allow_private: bool,
    /// Hosts by name or address; `*.example.org` means all below it and not itself. Empty: any host.
    pub hosts: Vec<String>,
}

impl Bounds {
    /// Any host.
    pub fn wide(allow_private: bool) -> Self {
        Self { allow_private, hosts: Vec::new() }
    }

    /// `host` as a reader of URLs writes it: in small letters, IDNA done, an address of six in brackets.
    fn lists(&self, host: &str) -> bool {
        let plain = |text: &str| text.trim_end_matches('.').to_ascii_lowercase();
        let host = plain(host);
        self.hosts.is_empty()
            || self.hosts.iter().any(|listed| match plain(listed).strip_prefix('*') {
                Some(below) => host.len() > below.len() && below.starts_with('.') && host.ends_with(below),
                None => plain(listed) == host,
            })
    }
}

/// Whether a line of `webhooks.hosts` can ever name a host; the reason where it cannot.
pub fn check_host(listed: &str) -> Result<(), &'static str> {
    let name = listed.strip_prefix("*.").unwrap_or(listed);
    match Host::parse(name) {
        Ok(Host::Domain(_)) if !name.contains('*') => Ok(()),
        Ok(Host::Ipv4(_) | Host::Ipv6(_)) if name == listed => Ok(()),
        _ => Err("is no name of a host: write it as hooks.example.org, or *.example.org for all below it"),
    }
}

/// The address of a webhook, read as browsers read it, so that no spelling of a host gets past. Refused with RULE_INVALID.
pub fn check(text: &str, bounds: &Bounds) -> Result<Url, Refusal> {
    let no = |text: &str, hint: &str| {
        Err(Refusal { reason: Reason::RuleInvalid, text: text.to_owned(), hint: hint.to_owned() })
    };
    const EXAMPLE: &str = "Give an address such as https://hooks.example.org/deadwax.";
    // A reader of URLs drops these in silence; what is shown in the list would not be what is called.
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '\\' || crate::name::misleading(c);
    if text.len() > URL_BYTES_MAX || text.chars().any(odd) {
        return no(
            "The webhook's address is too long or holds spaces, backslashes or control characters.",
            EXAMPLE,
        );
    }
    let Ok(url) = Url::parse(text) else {
        return no("The webhook's address is not a URL.", EXAMPLE);
    };
    match url.scheme() {
        "https" => {}
        "http" if bounds.allow_private => {}
        "http" => {
            return no(
                "The webhook's address is http: what happens here would travel in the clear.",
                "Use https, or ask the studio's operator to allow it (webhooks.allow_private in studio.toml).",
            );
        }
        _ => return no("The webhook's address is neither https nor http.", EXAMPLE),
    }
    if !url.username().is_empty() || url.password().is_some() || authority(text).contains('@') {
        return no(
            "The webhook's address holds a user or a password, and every manager would see it.",
            "Leave it out: each delivery is signed, and the receiver can check that.",
        );
    }
    if url.port() == Some(0) {
        return no("The webhook's address has port 0, where nobody listens.", EXAMPLE);
    }
    let reach = match url.host() {
        Some(Host::Ipv4(ip)) => reach(ip.into()),
        Some(Host::Ipv6(ip)) => reach(ip.into()),
        Some(Host::Domain(name)) => reach_of_name(name),
        None => return no("The webhook's address names no host.", EXAMPLE),
    };
    if !url.host_str().is_some_and(|host| bounds.lists(host)) {
        return no(
            "The webhook's address leads to a host that is not on this studio's list.",
            "Ask the studio's operator to put the host on it (webhooks.hosts in studio.toml).",
        );
    }
    if permitted(reach, bounds.allow_private) {
        return Ok(url);
    }
    no(
        "The webhook's address leads to this machine or a private network.",
        "Use one that everybody can reach, or ask the studio's operator to allow it (webhooks.allow_private in studio.toml).",
    )
}

/// What stands between `//` and the path: a reader drops an empty user in silence.
fn authority(text: &str) -> &str {
    let rest = text.split_once("//").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

pub fn permitted(reach: Reach, allow_private: bool) -> bool {
    match reach {
        Reach::Public => true,
        Reach::Private => allow_private,
        Reach::Never => false,
    }
}

/// A name without a dot is looked up in one's own network.
fn reach_of_name(name: &str) -> Reach {
    let name = name.strip_suffix('.').unwrap_or(name);
    let within =
        |local: &str| name == local || name.strip_suffix(local).is_some_and(|rest| rest.ends_with('.'));
    if !name.contains('.') || LOCAL_NAMES.into_iter().any(within) { Reach::Private } else { Reach::Public }
}

/// By the registries of special-purpose addresses (RFC 6890 and its successors).
pub fn reach(ip: IpAddr) -> Reach {
    match ip {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => reach_v6(ip),
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    match ip.octets() {
        [127 | 10, ..] | [192, 168, ..] => Reach::Private,
        [172, second, ..] if second & 0xf0 == 16 => Reach::Private,
        // Where a cloud tells its secrets although the block is not link-local.
        [100, 100, 100, 200] => Reach::Never,
        [100, second, ..] if second & 0xc0 == 64 => Reach::Private,
        [0, ..] | [169, 254, ..] | [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => Reach::Never,
        [198, 51, 100, _] | [203, 0, 113, _] | [224..=255, ..] => Reach::Never,
        _ => Reach::Public,
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        reach_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Private,
        // An older address in a newer coat: mapped, compatible, translated (NAT64).
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => Reach::Never,
        [first, ..] if first & 0xfe00 == 0xfc00 => Reach::Private,
        // Of the global block: what tunnels to elsewhere, and what is for documents.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => Reach::Never,
        [0x2002 | 0x3fff, ..] => Reach::Never,
        [first, ..] if first & 0xe000 == 0x2000 => Reach::Public,
        _ => Reach::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_private_host_are_refused() {
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "printer",
            "nas.local",
            "metadata.google.internal",
            "router.lan",
            "box.home.arpa",
            "127.0.0.1",
            "127.1",
            "127.0.0.1.",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "\u{ff11}27.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
            "0",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "100.100.100.200",
            "169.254.169.254",
            "169.254.1",
            "0xa9fea9fe",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.0.192",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[fe80::1]",
            "[fd00::1]",
            "[fd00:ec2::254]",
            "[ff02::1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[2001:db8::1]",
        ] {
            let refused = check(&format!("https://{host}/x"), &Bounds::wide(false)).expect_err(host);
            assert_eq!(refused.reason, Reason::RuleInvalid, "{host}");
            assert!(!refused.hint.is_empty(), "{host}");
        }
    }

    #[test]
    fn public_hosts_are_taken() {
        for host in [
            "hooks.example.org",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "[2606:4700::1111]",
            "[::ffff:8.8.8.8]",
            "localhost.org",
        ] {
            assert!(check(&format!("https://{host}:8443/x?y=z"), &Bounds::wide(false)).is_ok(), "{host}");
        }
    }

    #[test]
    fn shapes_that_mislead_are_refused() {
        for text in [
            "",
            "hooks.example.org",
            "http://hooks.example.org/",
            "ftp://hooks.example.org/",
            "file:///etc/passwd",
            "https://user@hooks.example.org/",
            "https://user:word@hooks.example.org/",
            "https://@hooks.example.org/",
            "https://:@hooks.example.org/",
            "https://hooks.example.org:0/",
            "https://hooks.example.org\\@127.0.0.1/",
            "https://hooks.example.org/a b",
            "https://hooks.example.org/\n",
            "https://127.0.0.1\t.example.org/",
            "https:///x",
            "https://hooks.example.org/\u{202e}",
            "https://[::1",
            "https://a%00b/",
        ] {
            assert!(check(text, &Bounds::wide(false)).is_err(), "{text:?}");
        }
        assert!(
            check(&format!("https://hooks.example.org/{}", "x".repeat(3000)), &Bounds::wide(false)).is_err()
        );
        assert!(
            check("https://hooks.example.org/@me?to=a@b", &Bounds::wide(false)).is_ok(),
            "an @ in the path is no user"
        );
    }

    #[test]
    fn allowing_private_networks_allows_no_secrets_of_a_cloud_and_no_groups() {
        for good in ["http://localhost:9000/", "http://10.0.0.7/", "https://[fd12::1]/", "http://hooks/"] {
            assert!(check(good, &Bounds::wide(true)).is_ok(), "{good}");
        }
        for bad in [
            "http://169.254.169.254/",
            "http://[fd00:ec2::254]/",
            "http://100.100.100.200/",
            "http://224.0.0.1/",
            "http://0/",
        ] {
            assert!(check(bad, &Bounds::wide(true)).is_err(), "{bad}");
        }
    }

    #[test]
    fn with_a_list_only_what_it_names_is_called() {
        let hosts = ["hooks.example.org", "*.label.example", "LOUD.example.", "8.8.8.8", "[2606:4700::1111]"];
        let bounds = Bounds { allow_private: false, hosts: hosts.map(str::to_owned).into() };
        for good in [
            "hooks.example.org",
            "HOOKS.example.org.",
            "a.label.example",
            "a.b.label.example:8443",
            "loud.example",
            "8.8.8.8",
            "[2606:4700:0::1111]",
        ] {
            assert!(check(&format!("https://{good}/x"), &bounds).is_ok(), "{good}");
        }
        for bad in [
            "example.org",
            "a.hooks.example.org",
            "label.example",
            "notlabel.example",
            "hooks.example.org.evil.example",
            "8.8.4.4",
            "[2606:4700::1112]",
        ] {
            let refused = check(&format!("https://{bad}/x"), &bounds).expect_err(bad);
            assert!(refused.hint.contains("webhooks.hosts"), "{bad}: {}", refused.hint);
        }
        // The list widens nothing.
        let near = Bounds { allow_private: false, hosts: vec!["10.0.0.7".into(), "nas.local".into()] };
        assert!(check("https://10.0.0.7/", &near).is_err() && check("https://nas.local/", &near).is_err());
    }

    #[test]
    fn a_line_that_can_never_name_a_host_is_a_fault_of_the_settings() {
        for good in ["hooks.example.org", "*.example.org", "10.0.0.7", "[fd12::1]", "nas"] {
            assert_eq!(check_host(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "*",
            "*.",
            "a.*.org",
            "https://a.example",
            "a.example/x",
            "a b",
            "*.10.0.0.7",
            "a.example:443",
        ] {
            assert!(check_host(bad).is_err(), "{bad}");
        }
    }
}
