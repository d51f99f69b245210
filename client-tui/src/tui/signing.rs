//! Signing with a person's key, as the screens see it: which key there is, how far a signature is, what became of it. Data only; the key itself and what is done with it
//! are never here.

use crate::receipt::{approve::Wish, secret::Secret};

use super::msg::Failure;

#[derive(Clone, Debug, Default)]
pub struct Room {
    pub key: Key,
    pub run: Option<Run>,
    /// A prompt that signs is open, and the key was looked for since.
    pub looked: bool,
    /// A yes came before it was known which key there is.
    pub waits: bool,
    /// Why the last try brought nothing, while its prompt is open: what, and the next step.
    pub problem: Option<(String, String)>,
}

/// The key of the profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Key {
    /// It is looked for: nothing is signed and nothing is sent until it is known.
    #[default]
    Unknown,
    None,
    Ready {
        label: String,
    },
    /// Needs its passphrase.
    Locked {
        label: String,
    },
    /// There is one and it cannot be used: why, and the next step.
    Broken {
        text: String,
        hint: String,
    },
}

/// A signature under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub ticket: u64,
    /// "the approval of Mix 2"
    pub say: String,
    pub step: String,
    /// Bytes, while files are fetched.
    pub done: u64,
    pub total: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Which key is there?
    Look,
    Sign {
        ticket: u64,
        wish: Box<Wish>,
        passphrase: Option<Secret>,
    },
    Stop,
}

#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Key(Key),
    Step {
        ticket: u64,
        step: String,
        done: u64,
        total: u64,
    },
    /// What was said of it: the number of the receipt, and whether the key was new.
    Ended {
        ticket: u64,
        outcome: Result<(u32, bool), Failure>,
    },
}
