//! The two questions that are put to an ssh-agent: which keys it holds, and a signature by one. Every length that it tells is bounded before anything is
//! read or made room for. Never here: keys in files, what is signed.

use std::{
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use super::Trouble;

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
/// OpenSSH's own bound.
const MESSAGE_BYTES_MAX: usize = 256 << 10;
const KEYS_MAX: u32 = 1000;
/// Some agents ask a person first, or a token that has to be touched.
const PATIENCE: Duration = Duration::from_secs(120);
const ED25519: &[u8] = b"ssh-ed25519";
const ED25519_BYTES: usize = 64;

#[derive(Clone, Debug)]
pub struct Agent {
    socket: PathBuf,
}

/// A key that the agent holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// As OpenSSH encodes it.
    pub blob: Vec<u8>,
    pub comment: String,
}

impl Agent {
    /// The one that SSH_AUTH_SOCK names.
    ///
    /// # Errors
    /// `NO_AGENT` where it names none.
    pub fn find() -> Result<Agent, Trouble> {
        let socket = std::env::var_os("SSH_AUTH_SOCK").filter(|it| !it.is_empty());
        socket.map(|socket| Agent::at(PathBuf::from(socket))).ok_or_else(|| {
            Trouble::no(
                "NO_AGENT",
                "SSH_AUTH_SOCK names no ssh-agent.",
                "Start one with `eval $(ssh-agent)` and `ssh-add KEY`, or use a file with `deadwax key use FILE`.",
            )
        })
    }

    pub fn at(socket: impl Into<PathBuf>) -> Agent {
        Agent { socket: socket.into() }
    }

    /// Every Ed25519 key that it holds.
    pub fn identities(&self) -> Result<Vec<Identity>, Trouble> {
        let answer = self.ask(&[REQUEST_IDENTITIES])?;
        let read = || -> Option<Vec<Identity>> {
            let mut rest = answer.strip_prefix(&[IDENTITIES_ANSWER])?;
            let count = number(&mut rest)?;
            if count > KEYS_MAX {
                return None;
            }
            let mut found = Vec::new();
            for _ in 0..count {
                let blob = string(&mut rest)?.to_vec();
                let comment = crate::scrub::line(&String::from_utf8_lossy(string(&mut rest)?));
                let mut inner = blob.as_slice();
                if string(&mut inner) == Some(ED25519) {
                    found.push(Identity { blob, comment });
                }
            }
            rest.is_empty().then_some(found)
        };
        read().ok_or_else(|| self.odd("its list of keys cannot be read"))
    }

    /// 64 bytes: the bare signature.
    pub fn sign(&self, blob: &[u8], data: &[u8]) -> Result<Vec<u8>, Trouble> {
        let mut question = vec![SIGN_REQUEST];
        for part in [blob, data] {
            let length = u32::try_from(part.len()).map_err(|_| self.odd("the text is too long"))?;
            question.extend(length.to_be_bytes());
            question.extend(part);
        }
        question.extend(0u32.to_be_bytes());
        let answer = self.ask(&question)?;
        let read = || -> Option<Vec<u8>> {
            let mut rest = answer.strip_prefix(&[SIGN_RESPONSE])?;
            let mut signature = string(&mut rest)?;
            let kind = string(&mut signature)?;
            let raw = string(&mut signature)?;
            let right = kind == ED25519 && raw.len() == ED25519_BYTES && signature.is_empty();
            (right && rest.is_empty()).then(|| raw.to_vec())
        };
        read().ok_or_else(|| {
            Trouble::no(
                "NOT_SIGNED",
                "The ssh-agent did not sign.",
                "Look with `ssh-add -l` whether it holds the key and is not locked; nothing was sent.",
            )
        })
    }

    fn odd(&self, what: &str) -> Trouble {
        let socket = crate::scrub::line(&self.socket.to_string_lossy());
        Trouble::no(
            "AGENT_FAILED",
            format!("The ssh-agent at {socket} failed: {what}."),
            "Look with `ssh-add -l` whether it runs, or use a file with `deadwax key use FILE`.",
        )
    }

    fn ask(&self, question: &[u8]) -> Result<Vec<u8>, Trouble> {
        exchange(&self.socket, question).map_err(|error| self.odd(&error.to_string()))
    }
}

#[cfg(unix)]
fn exchange(socket: &Path, question: &[u8]) -> io::Result<Vec<u8>> {
    let mut line = std::os::unix::net::UnixStream::connect(socket)?;
    line.set_read_timeout(Some(PATIENCE))?;
    line.set_write_timeout(Some(PATIENCE))?;
    let length = u32::try_from(question.len()).ok().filter(|it| *it as usize <= MESSAGE_BYTES_MAX);
    let length = length.ok_or_else(|| io::Error::other("the question is too long"))?;
    line.write_all(&length.to_be_bytes())?;
    line.write_all(question)?;
    let mut length = [0; 4];
    line.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length == 0 || length > MESSAGE_BYTES_MAX {
        return Err(io::Error::other("its answer has no length that can be"));
    }
    let mut answer = vec![0; length];
    line.read_exact(&mut answer)?;
    Ok(answer)
}

#[cfg(not(unix))]
fn exchange(_: &Path, _: &[u8]) -> io::Result<Vec<u8>> {
    Err(io::Error::other("agents are reached on Unix alone"))
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_be_bytes(*head))
}

fn string<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(rest)? as usize;
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}
