//! Receipts: a person's own signature under exact bytes. Keys and how they sign, the statement that is signed, what this machine remembers of a studio's
//! record, and checking all of it without any server. It shares no line with the server: each side reads and writes the forms of docs/RECEIPTS.md by itself.
//! Never here: rules of the studio, screens, printing. Private keys and passphrases stay in `keys`, `agent` and `secret`.

pub mod agent;
pub mod approve;
pub mod bytes;
pub mod chain;
pub mod device;
pub mod keys;
pub mod secret;
pub mod sign;
pub mod statement;
mod trouble;
pub mod verify;

pub use trouble::Trouble;

/// What people sign.
pub const STATEMENT: &str = "statement@deadwax";
/// What shows that somebody has a key.
pub const KEY: &str = "key@deadwax";
/// What a studio signs over the chain list of a project.
pub const CHECKPOINT: &str = "checkpoint@deadwax";

/// Of nothing before: the first statement of a project names this one.
pub const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// SHA-256 in hex.
pub fn digest(bytes: impl AsRef<[u8]>) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(bytes.as_ref()))
}

/// 64 lower-case hex digits.
pub fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The first digits, for people.
pub fn short(fingerprint: &str) -> String {
    fingerprint.chars().take(12).collect()
}
