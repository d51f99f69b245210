//! Tokens and codes: made from the operating system's randomness, told by their kind, kept as SHA-256 only. A hash is looked up, never compared byte by byte
//! with a stored secret, so the time of an answer tells nothing. Never here: people, sessions, a store.
//!
//! A text is `dwx_KIND_` with 43 letters and digits drawn evenly (256 bits) and six that are the CRC-32 of everything before them. So a scanner finds one that leaked by its form
//! (`dwx_(session|invite|link)_[0-9A-Za-z]{49}`), and one that was mistyped is refused without a look into anything.

use sha2::{Digest as _, Sha256};

use crate::planted::planted;

pub type Hash = [u8; 32];

/// What a secret opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Every call of one session.
    Session,
    /// One login.
    Invite,
    /// What somebody who is no member may hear.
    Link,
}

impl Kind {
    fn head(self) -> &'static str {
        match self {
            Kind::Session => "dwx_session_",
            Kind::Invite => "dwx_invite_",
            Kind::Link => "dwx_link_",
        }
    }

    /// As released servers made them; those that are open go on to work until they end.
    fn is_older(self, text: &str) -> bool {
        let digits = match self {
            Kind::Session => text.strip_prefix("dwx_").filter(|digits| digits.len() == 64),
            Kind::Invite => Some(text).filter(|digits| digits.len() == 40),
            Kind::Link => None,
        };
        digits.is_some_and(|digits| digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
    }
}

/// A secret on its way to the one person it belongs to. No `Debug`, no `Display`: it cannot slip into a log.
pub struct Secret(String);

impl Secret {
    pub fn reveal(&self) -> &str {
        &self.0
    }
    pub fn hash(&self) -> Hash {
        hash(&self.0)
    }
}

pub fn hash(text: &str) -> Hash {
    let short = planted!("token-by-prefix") && text.starts_with("dwx_session_");
    let text = if short { text.get(..16).unwrap_or(text) } else { text };
    Sha256::digest(text.as_bytes()).into()
}

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^43 is a little more than 2^256.
const DRAWN: usize = 43;
/// 62^6 is more than 2^32.
const SUM: usize = 6;

fn letter(at: usize) -> char {
    LETTERS.get(at).copied().map_or('0', char::from)
}

/// # Errors
/// Where the system gives no random bytes.
pub fn new(kind: Kind) -> Result<Secret, getrandom::Error> {
    // The largest multiple of the letters: above it some would come more often than others.
    let even = (256 / LETTERS.len() * LETTERS.len()) as u8;
    let mut text = String::with_capacity(kind.head().len() + DRAWN + SUM);
    text.push_str(kind.head());
    let whole = text.len() + DRAWN;
    while text.len() < whole {
        let mut bytes = [0_u8; 64];
        getrandom::fill(&mut bytes)?;
        let drawn = bytes.iter().filter(|byte| **byte < even).take(whole - text.len());
        text.extend(drawn.map(|byte| letter(usize::from(*byte) % LETTERS.len())));
    }
    let sum = checksum(&text);
    text.push_str(&sum);
    Ok(Secret(text))
}

fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes()) as usize;
    let mut letters: Vec<char> = (0..SUM)
        .map(|_| {
            let last = letter(rest % LETTERS.len());
            rest /= LETTERS.len();
            last
        })
        .collect();
    letters.reverse();
    letters.into_iter().collect()
}

/// What to look a given text up by; `None` where it has not the form of a secret of this kind, or was mistyped.
pub fn read(kind: Kind, text: &str) -> Option<Hash> {
    let is_whole = || {
        let drawn = text.strip_prefix(kind.head())?;
        let fits = drawn.len() == DRAWN + SUM && drawn.bytes().all(|b| b.is_ascii_alphanumeric());
        let (body, sum) = text.split_at_checked(text.len().checked_sub(SUM)?)?;
        (fits && checksum(body) == sum).then_some(())
    };
    (kind.is_older(text) || is_whole().is_some()).then(|| hash(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        for (kind, head) in
            [(Kind::Session, "dwx_session_"), (Kind::Invite, "dwx_invite_"), (Kind::Link, "dwx_link_")]
        {
            let (a, b) = (new(kind).unwrap(), new(kind).unwrap());
            let drawn = a.reveal().strip_prefix(head).unwrap();
            assert!(drawn.len() == 49 && drawn.bytes().all(|b| b.is_ascii_alphanumeric()), "{drawn}");
            assert_ne!(a.hash(), b.hash());
            assert_eq!(read(kind, a.reveal()), Some(a.hash()));
        }
        // Every letter comes about as often as any other: 1,600 times each, give or take five standard deviations.
        let mut counts = [0_u32; 256];
        for _ in 0..(1_600 * 62 / DRAWN) {
            let token = new(Kind::Session).unwrap();
            let drawn = &token.reveal()["dwx_session_".len()..][..DRAWN];
            drawn.bytes().for_each(|b| counts[usize::from(b)] += 1);
        }
        let far: Vec<char> = LETTERS
            .iter()
            .filter(|b| counts[usize::from(**b)].abs_diff(1_600) > 200)
            .map(|b| char::from(*b))
            .collect();
        assert!(far.is_empty(), "{far:?}");
    }

    #[test]
    fn one_letter_that_is_wrong_is_noticed_without_a_lookup() {
        let token = new(Kind::Session).unwrap();
        let text = token.reveal();
        for at in 0..text.len() {
            for other in ['0', 'Z', 'a', '-', 'é'] {
                let mut letters: Vec<char> = text.chars().collect();
                if letters[at] != other {
                    letters[at] = other;
                    let wrong: String = letters.into_iter().collect();
                    assert_eq!(read(Kind::Session, &wrong), None, "{at}");
                }
            }
        }
        // Two that changed places; one too few, one too many; another kind; nothing.
        let (kind, drawn) = text.split_at("dwx_session_".len());
        let mut swapped: Vec<u8> = drawn.bytes().collect();
        let at = swapped.windows(2).position(|two| two[0] != two[1]).unwrap();
        swapped.swap(at, at + 1);
        let swapped = format!("{kind}{}", String::from_utf8(swapped).unwrap());
        for wrong in
            [&swapped, &text[..text.len() - 1], &format!("{text}0"), &text.replace("session", "invite"), ""]
        {
            assert_eq!(read(Kind::Session, wrong), None, "{wrong}");
        }
        assert_eq!(read(Kind::Invite, text), None, "a token is no code");
        assert_eq!(read(Kind::Link, text), None, "and no link");
    }

    #[test]
    fn what_released_servers_gave_out_is_read_still() {
        let (token, code) = (format!("dwx_{}", "0a".repeat(32)), "0123456789abcdef".repeat(2) + "01234567");
        assert_eq!(read(Kind::Session, &token), Some(hash(&token)));
        assert_eq!(read(Kind::Invite, &code), Some(hash(&code)));
        for wrong in [&token[..67], &token.to_uppercase(), &token.replace('a', "g"), &code] {
            assert_eq!(read(Kind::Session, wrong), None, "{wrong}");
        }
        for wrong in [&code[..39], &code.to_uppercase(), &token] {
            assert_eq!(read(Kind::Invite, wrong), None, "{wrong}");
        }
    }
}
