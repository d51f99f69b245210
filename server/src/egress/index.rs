//! Where the pages of the book lie, in memory: by digest and by person. Eight bytes for each time that bytes were given, and two places in a list; what a page
//! says is read from the file. Made anew at each start from the book itself. Never here: the file, and who may ask.

use std::collections::HashMap;

use deadwax_domain::{Digest, PersonId};

use super::page::{Begun, Ended};

/// Which page of the file, from 0. None is the place of the head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place(pub u32);

/// The two pages of one time that bytes were given.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    pub begun: Place,
    /// `Place(0)`: it goes on, or the server ended before it did.
    pub ended: Place,
}

#[derive(Default)]
pub struct Index {
    /// All that the book has.
    pub pages: u32,
    /// By number, from 1.
    pairs: Vec<Pair>,
    by_digest: HashMap<Digest, Vec<u32>>,
    by_person: HashMap<PersonId, Vec<u32>>,
}

/// Whose numbers are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    Digest(Digest),
    Person(PersonId),
    All,
}

impl Index {
    /// Numbers come in order; one that does not is of no book that was written here.
    #[must_use]
    pub fn begun(&mut self, begun: &Begun, place: Place) -> bool {
        if begun.number != self.pairs.len() as u64 + 1 {
            return false;
        }
        let Ok(number) = u32::try_from(begun.number) else { return false };
        self.pairs.push(Pair { begun: place, ended: Place(0) });
        self.by_digest.entry(begun.digest).or_default().push(number);
        self.by_person.entry(begun.person).or_default().push(number);
        true
    }

    /// Likewise: it ends what was begun, once.
    #[must_use]
    pub fn ended(&mut self, ended: Ended, place: Place) -> bool {
        let at = usize::try_from(ended.number).ok().and_then(|number| number.checked_sub(1));
        match at.and_then(|at| self.pairs.get_mut(at)) {
            Some(pair) if pair.ended == Place(0) => {
                pair.ended = place;
                true
            }
            _ => false,
        }
    }

    pub fn count(&self) -> u64 {
        self.pairs.len() as u64
    }

    pub fn pair(&self, number: u64) -> Option<Pair> {
        usize::try_from(number.checked_sub(1)?).ok().and_then(|at| self.pairs.get(at)).copied()
    }

    /// The newest first, of those below `before`, at most `most`.
    pub fn numbers(&self, of: Of, before: u64, most: usize) -> Vec<u64> {
        let listed = |list: Option<&Vec<u32>>| {
            let Some(list) = list else { return Vec::new() };
            let end = list.partition_point(|number| u64::from(*number) < before);
            list[..end].iter().rev().take(most).map(|number| u64::from(*number)).collect()
        };
        match of {
            Of::Digest(digest) => listed(self.by_digest.get(&digest)),
            Of::Person(person) => listed(self.by_person.get(&person)),
            Of::All => (1..before.min(self.count() + 1)).rev().take(most).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::page::tests::begun, *};

    #[test]
    fn numbers_come_newest_first_and_go_on_where_they_ended() {
        let mut index = Index::default();
        for number in 1..=10 {
            let digest = Digest([number as u8 % 2; 32]);
            assert!(index.begun(&Begun { digest, ..begun(number) }, Place(number as u32)));
        }
        assert_eq!(index.numbers(Of::Digest(Digest([1; 32])), u64::MAX, 2), [9, 7]);
        assert_eq!(index.numbers(Of::Digest(Digest([1; 32])), 7, 9), [5, 3, 1]);
        assert_eq!(index.numbers(Of::Person(PersonId(7)), 3, 9), [2, 1]);
        assert_eq!(index.numbers(Of::Person(PersonId(8)), 3, 9), [0; 0]);
        assert_eq!(index.numbers(Of::All, u64::MAX, 2), [10, 9]);
        assert_eq!(index.numbers(Of::All, 0, 2), [0; 0]);
    }

    #[test]
    fn what_no_book_could_hold_is_not_taken() {
        let mut index = Index::default();
        assert!(!index.begun(&begun(2), Place(1)));
        assert!(index.begun(&begun(1), Place(1)));
        assert!(!index.begun(&begun(1), Place(2)));
        let ended = Ended { number: 1, at_ms: 0, sent: 0 };
        assert!(!index.ended(Ended { number: 2, ..ended }, Place(2)));
        assert!(!index.ended(Ended { number: 0, ..ended }, Place(2)));
        assert!(index.ended(ended, Place(2)));
        assert!(!index.ended(ended, Place(3)));
    }
}
