//! The page for a browser: one HTML with its script and style in it, for GET of three addresses, under a policy that lets nothing else run. What it calls are the services of
//! `rpc`, by gRPC-web (tonic-web), through the same access layer and door as every client. Never here: a rule of the studio, a cookie, anything made for one person.

mod bundle;
pub mod layer;
mod schema;

use std::{io::Write as _, sync::LazyLock};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use ring::digest;

/// A share link (`/s`) and an invite (`/i`) carry what opens them behind the #, which no browser sends.
const PATHS: [&str; 3] = ["/", "/s", "/i"];

const HTML: &str = include_str!("../../page/page.html");
const STYLE: &str = include_str!("../../page/page.css");

/// Whether this is asked for by GET and by everybody.
pub fn is_asked_for(method: &http::Method, path: &str) -> bool {
    method == http::Method::GET && PATHS.contains(&path)
}

/// Put into the answer, for the log and the figures: no gRPC status stands in it.
#[derive(Clone, Copy)]
pub struct Shown;

/// As it is sent, made once.
pub struct Page {
    pub html: Bytes,
    /// The same for whoever takes it so. Nothing secret stands in it, so its length tells nothing.
    pub gzip: Option<Bytes>,
    /// `Content-Security-Policy`: the hashes of its own script and style, and nothing else that could run or be fetched.
    pub policy: String,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let script = bundle::script(&schema::of(deadwax_proto::DESCRIPTORS, &bundle::sources()));
    let style = bundle::style(STYLE);
    let html = HTML.replacen("/*STYLE*/", &style, 1).replacen("/*SCRIPT*/", &script, 1);
    Page {
        gzip: gzip(html.as_bytes()).ok().map(Bytes::from),
        html: Bytes::from(html),
        policy: policy(&script, &style),
    }
});

/// The page of this server.
pub fn page() -> &'static Page {
    &PAGE
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut made = GzEncoder::new(Vec::new(), Compression::best());
    made.write_all(bytes)?;
    made.finish()
}

fn policy(script: &str, style: &str) -> String {
    let (script, style) = (hash(script), hash(style));
    format!(
        "default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    )
}

fn hash(text: &str) -> String {
    format!("sha256-{}", base64(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()))
}

/// As RFC 4648 has it, with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let at = |index: usize| u32::from(three.get(index).copied().unwrap_or(0));
        let bits = (at(0) << 16) | (at(1) << 8) | at(2);
        for place in 0..4 {
            let letter = LETTERS[((bits >> (18 - 6 * place)) & 63) as usize];
            text.push(if place > three.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_names_exactly_what_stands_in_the_page() {
        let page = page();
        let html = std::str::from_utf8(&page.html).unwrap();
        let between = |from: &str, to: &str| {
            let rest = html.split_once(from).unwrap().1;
            rest.split_once(to).unwrap().0.to_owned()
        };
        let (script, style) = (between("<script>", "</script>"), between("<style>", "</style>"));
        assert!(script.len() > 50_000 && style.len() > 5_000);
        assert!(page.policy.contains(&format!("script-src '{}'", hash(&script))), "{}", page.policy);
        assert!(page.policy.contains(&format!("style-src '{}'", hash(&style))));
        assert!(page.policy.starts_with("default-src 'none';") && !page.policy.contains("unsafe"));
        // One script, one style, nothing from anywhere else, and no place where markup could run something.
        assert_eq!((html.matches("<script").count(), html.matches("</script").count()), (1, 1));
        let outside = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!outside.contains("http://") && !outside.contains(" src=") && !outside.contains("style="));
    }

    #[test]
    fn nothing_in_the_sources_reads_text_as_markup_or_as_code() {
        for (name, text) in bundle::sources() {
            let ways = [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                "srcdoc",
                "DOMParser",
                "javascript:",
                "document.cookie",
            ];
            for way in ways {
                assert!(!text.contains(way), "{name} uses {way}");
            }
        }
    }

    #[test]
    fn three_addresses_by_get_and_no_other() {
        use http::Method;
        for path in PATHS {
            assert!(is_asked_for(&Method::GET, path) && !is_asked_for(&Method::POST, path));
        }
        for path in ["", "//", "/S", "/s/", "/i/x", "/deadwax.v1.Projects/List", "/page.html"] {
            assert!(!is_asked_for(&Method::GET, path), "{path}");
        }
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (from, to) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(from.as_bytes()), to);
        }
    }
}
