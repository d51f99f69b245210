//! Letters that wait for the mail server: kept in a file until they are gone or a day old. Never here: who gets one, and what it says.

use deadwax_domain::{PersonId, ProjectId};
use serde::{Deserialize, Serialize};

use super::pause::{Dice, PATIENCE_MS, pause_ms};

/// More than a large studio writes in a day; beyond it the oldest are given up.
const LETTERS_MAX: usize = 2000;
/// Tries of a letter that the mail server refuses for good: such answers are sometimes wrong, and rarely twice.
const REFUSALS_MAX: u32 = 3;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Of its content; the same for every try.
    pub id: String,
    pub person: PersonText,
    /// What it speaks of: whoever left one of these does not get it any more.
    pub projects: Vec<ProjectText>,
    pub subject: String,
    pub body: String,
    pub made_ms: i64,
    pub tries: u32,
    pub next_ms: i64,
}

/// Ids as text, as everywhere outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonText(pub PersonId);
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectText(pub ProjectId);

fn id(text: &str) -> Result<u128, uuid::Error> {
    uuid::Uuid::try_parse(text).map(|id| id.as_u128())
}

impl TryFrom<String> for PersonText {
    type Error = uuid::Error;
    fn try_from(text: String) -> Result<Self, uuid::Error> {
        id(&text).map(|id| Self(PersonId(id)))
    }
}
impl TryFrom<String> for ProjectText {
    type Error = uuid::Error;
    fn try_from(text: String) -> Result<Self, uuid::Error> {
        id(&text).map(|id| Self(ProjectId(id)))
    }
}
impl From<PersonText> for String {
    fn from(id: PersonText) -> Self {
        crate::wire::id(id.0.0)
    }
}
impl From<ProjectText> for String {
    fn from(id: ProjectText) -> Self {
        crate::wire::id(id.0.0)
    }
}

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    Gone,
    /// Nothing would go now; this letter is not to blame.
    NoServer,
    /// The mail server refused this letter.
    Refused {
        final_answer: bool,
    },
    /// It cannot be sent to anybody, or must not.
    Never,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    letters: Vec<Waiting>,
    /// Tries in a row that found no mail server.
    #[serde(default)]
    failures: u32,
    #[serde(default)]
    next_ms: i64,
}

impl Outbox {
    pub fn len(&self) -> usize {
        self.letters.len()
    }

    /// The second letter with an id is the same letter. Returns how many were given up to make room.
    pub fn put(&mut self, letter: Waiting) -> usize {
        if self.letters.iter().any(|one| one.id == letter.id) {
            return 0;
        }
        self.letters.push(letter);
        let over = self.letters.len().saturating_sub(LETTERS_MAX);
        self.letters.drain(..over);
        over
    }

    /// The next one to try.
    pub fn due(&self, now_ms: i64) -> Option<&Waiting> {
        if self.next_ms > now_ms {
            return None;
        }
        self.letters.iter().find(|letter| letter.next_ms <= now_ms)
    }

    /// Returns how many letters were given up.
    pub fn tried(&mut self, id: &str, tried: Tried, now_ms: i64, dice: &Dice) -> usize {
        let before = self.letters.len();
        match tried {
            Tried::Gone => {
                self.letters.retain(|letter| letter.id != id);
                (self.failures, self.next_ms) = (0, 0);
                return 0;
            }
            Tried::Never => self.letters.retain(|letter| letter.id != id),
            Tried::NoServer => {
                self.failures = self.failures.saturating_add(1);
                self.next_ms = now_ms + pause_ms(self.failures, dice);
            }
            Tried::Refused { final_answer } => {
                if let Some(letter) = self.letters.iter_mut().find(|letter| letter.id == id) {
                    letter.tries = letter.tries.saturating_add(1);
                    letter.next_ms = now_ms + pause_ms(letter.tries + 2, dice);
                    if final_answer && letter.tries >= REFUSALS_MAX {
                        self.letters.retain(|letter| letter.id != id);
                    }
                }
                (self.failures, self.next_ms) = (0, 0);
            }
        }
        // Only after a try: what a server that was down for two days finds here gets one.
        self.letters.retain(|letter| now_ms - letter.made_ms < PATIENCE_MS);
        before - self.letters.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn letter(id: &str, made_ms: i64) -> Waiting {
        Waiting {
            id: id.into(),
            person: PersonText(PersonId(1)),
            projects: vec![ProjectText(ProjectId(2))],
            subject: String::new(),
            body: String::new(),
            made_ms,
            tries: 0,
            next_ms: 0,
        }
    }

    fn due(outbox: &Outbox, now_ms: i64) -> Option<&str> {
        outbox.due(now_ms).map(|letter| letter.id.as_str())
    }

    fn middle() -> Dice {
        Arc::new(|| 0.5)
    }

    #[test]
    fn a_letter_is_put_in_once_and_goes_in_turn() {
        let mut outbox = Outbox::default();
        outbox.put(letter("a", 0));
        outbox.put(letter("a", 5));
        outbox.put(letter("b", 1));
        assert_eq!((outbox.len(), due(&outbox, 2)), (2, Some("a")));
        outbox.tried("a", Tried::Gone, 2, &middle());
        assert_eq!(due(&outbox, 2), Some("b"));
    }

    #[test]
    fn a_server_that_is_down_holds_all_and_blames_none_for_a_day() {
        let mut outbox = Outbox::default();
        outbox.put(letter("a", 0));
        outbox.put(letter("b", PATIENCE_MS / 2));
        assert_eq!(outbox.tried("a", Tried::NoServer, 0, &middle()), 0);
        assert_eq!((due(&outbox, 9_999), due(&outbox, 10_000)), (None, Some("a")));
        assert_eq!(outbox.tried("a", Tried::NoServer, PATIENCE_MS, &middle()), 1);
        assert_eq!((outbox.len(), due(&outbox, PATIENCE_MS + 30_000)), (1, Some("b")));
        outbox.tried("b", Tried::Gone, PATIENCE_MS, &middle());
        assert_eq!(outbox.len(), 0);
    }

    #[test]
    fn a_refused_letter_lets_others_pass_and_is_given_up_after_three_final_answers() {
        let mut outbox = Outbox::default();
        outbox.put(letter("a", 0));
        outbox.put(letter("b", 0));
        outbox.tried("a", Tried::Refused { final_answer: true }, 0, &middle());
        assert_eq!(due(&outbox, 0), Some("b"));
        outbox.tried("a", Tried::Refused { final_answer: true }, 0, &middle());
        assert_eq!(outbox.tried("a", Tried::Refused { final_answer: true }, 0, &middle()), 1);
        for _ in 0..10 {
            outbox.tried("b", Tried::Refused { final_answer: false }, 0, &middle());
        }
        assert_eq!(outbox.len(), 1, "what may pass later is tried for a day");
    }

    #[test]
    fn the_box_is_not_endless() {
        let mut outbox = Outbox::default();
        let given_up: usize = (0..LETTERS_MAX + 3).map(|at| outbox.put(letter(&at.to_string(), 0))).sum();
        assert_eq!((outbox.len(), given_up, due(&outbox, 0)), (LETTERS_MAX, 3, Some("3")));
        let text = serde_json::to_string(&outbox).unwrap();
        assert_eq!(serde_json::from_str::<Outbox>(&text).unwrap(), outbox);
    }
}
