//! A list of rows of one kind that unpacks only what is looked at: its length, its window on the screen and the place of one row cost
//! nothing for the others.

use std::marker::PhantomData;

use deadwax_proto::v1::{
    DeliveryRow, GateRow, MemberRow, NoteRow, ProjectRow, RecipeRow, RecordRow, RenderRow, RequestRow,
    SongRow, VersionRow, row::Row as Of,
};

use super::{
    pack::{self, Brief},
    store::Store,
};

/// One kind of row.
pub trait Pick: Sized + 'static {
    fn pick(row: &Of) -> Option<&Self>;
    /// How its key begins.
    const PREFIX: &'static str;
}

macro_rules! pick {
    ($($row:ident $of:ident $prefix:literal),*) => {
        $(impl Pick for $row {
            fn pick(row: &Of) -> Option<&Self> {
                match row {
                    Of::$of(it) => Some(it),
                    _ => None,
                }
            }
            const PREFIX: &'static str = $prefix;
        })*
    };
}

pick!(
    ProjectRow Project "project", MemberRow Member "member/", SongRow Song "song/", GateRow Gate "gate/",
    VersionRow Version "version/", NoteRow Note "note/", RequestRow Request "request/",
    RenderRow Render "render/", DeliveryRow Delivery "delivery/", RecipeRow Recipe "recipe/", RecordRow Record "record/"
);

pub struct List<'a, T> {
    pub(super) store: &'a Store,
    pub(super) slots: &'a [u32],
    pub(super) of: PhantomData<fn() -> T>,
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<'a, T: Pick> List<'a, T> {
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub fn get(&self, at: usize) -> Option<&'a T> {
        self.slots.get(at).map(|slot| row(self.store, *slot))
    }

    pub fn first(&self) -> Option<&'a T> {
        self.get(0)
    }

    pub fn last(&self) -> Option<&'a T> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Where the row with this id stands, without unpacking any.
    pub fn place_of(&self, id: &str) -> Option<usize> {
        let slot = self.store.find(&format!("{}{id}", T::PREFIX))?;
        self.slots.iter().position(|it| *it == slot)
    }

    /// `skip` and `nth` unpack nothing of what they pass over.
    pub fn iter(&self) -> Rows<'a, T> {
        Rows { store: self.store, slots: self.slots.iter(), of: PhantomData }
    }
}

impl List<'_, SongRow> {
    /// Without unpacking any.
    pub fn ids(&self) -> impl Iterator<Item = String> {
        self.slots.iter().map(|slot| pack::id_of(&self.store.key(*slot)).to_owned())
    }

    /// The places of the songs that the judge keeps, none of them unpacked. An answer holds for this question until its song changes, so that the same
    /// question costs next to nothing again.
    pub fn sift(&self, question: &str, judge: impl Fn(&Brief<'_>) -> bool) -> Vec<usize> {
        let kept =
            self.slots.iter().enumerate().filter(|(_, slot)| self.store.keeps(**slot, question, &judge));
        kept.map(|(at, _)| at).collect()
    }
}

impl<'a, T: Pick> IntoIterator for List<'a, T> {
    type Item = &'a T;
    type IntoIter = Rows<'a, T>;

    fn into_iter(self) -> Rows<'a, T> {
        self.iter()
    }
}

pub struct Rows<'a, T> {
    store: &'a Store,
    slots: std::slice::Iter<'a, u32>,
    of: PhantomData<fn() -> T>,
}

impl<'a, T: Pick> Iterator for Rows<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        self.slots.next().map(|slot| row(self.store, *slot))
    }

    fn nth(&mut self, count: usize) -> Option<&'a T> {
        self.slots.nth(count).map(|slot| row(self.store, *slot))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.slots.size_hint()
    }
}

impl<T: Pick> DoubleEndedIterator for Rows<'_, T> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.slots.next_back().map(|slot| row(self.store, *slot))
    }
}

impl<T: Pick> ExactSizeIterator for Rows<'_, T> {}

fn row<T: Pick>(store: &Store, slot: u32) -> &T {
    T::pick(store.row(slot)).expect("the index puts a row into lists of its kind only")
}
