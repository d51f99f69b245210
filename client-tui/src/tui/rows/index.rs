//! Which rows answer which question, in the order in which screens show them: lists of slots. A row whose place did not change costs
//! nothing here. Never here: the rows themselves.

use std::{
    cmp::Ordering,
    collections::BTreeSet,
    hash::{BuildHasher as _, DefaultHasher, Hash as _, Hasher as _, RandomState},
};

use deadwax_proto::v1::{Stage, row::Row as Of};
use hashbrown::HashTable;

use super::{
    is_settled,
    pack::{Id, Kind},
    store::Store,
};

/// Of which lists a row is a part, and where in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// By these two, then by key.
    order: (u64, u64),
    /// As `Index` numbers them.
    song: u32,
    pub(super) kind: Kind,
    /// Of a song its stage, of a note `OPEN` and `REPLY`: a hundred thousand rows have a place, so it is kept small.
    part: u8,
    /// Written here and not yet answered: no row of the server's.
    pub(super) ours: bool,
}

/// A note that is not settled.
const OPEN: u8 = 1;
/// A note that answers another.
const REPLY: u8 = 2;

impl Default for Place {
    fn default() -> Place {
        Place { order: (0, 0), song: 0, kind: Kind::Project, part: 0, ours: false }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    members: Vec<u32>,
    /// The newest first.
    records: Vec<u32>,
    songs: Vec<u32>,
    stages: [Vec<u32>; 5],
    /// By the id of their song.
    numbers: HashTable<u32>,
    hasher: RandomState,
    by_song: Vec<OfSong>,
    /// Songs whose lists are out of order while many rows come in; `None` while each row goes to its place at once.
    loose: Option<BTreeSet<u32>>,
}

/// The rows of one song, or with an empty id those of the project. Two lists and no more: of ten thousand songs each further one would cost more than what
/// stands in it.
#[derive(Clone, Debug)]
struct OfSong {
    id: Id,
    /// By rank, those of one rank in their order.
    all: Vec<u32>,
    /// Notes that are neither replies nor settled, once more.
    open_notes: Vec<u32>,
}

impl Index {
    pub(super) fn members(&self) -> &[u32] {
        &self.members
    }

    pub(super) fn records(&self) -> &[u32] {
        &self.records
    }

    pub(super) fn songs(&self) -> &[u32] {
        &self.songs
    }

    pub(super) fn stage(&self, stage: Stage) -> &[u32] {
        &self.stages[usize::from(number_of(stage))]
    }

    fn of_song(&self, song_id: &str) -> Option<&OfSong> {
        self.by_song.get(self.find(&Id::of(song_id))? as usize)
    }

    /// The rows of one kind; of notes those that are no replies.
    pub(super) fn of_kind(&self, store: &Store, song_id: &str, kind: Kind) -> &[u32] {
        self.of_song(song_id).map_or(&[], |it| it.ranked(store, rank(kind, false)))
    }

    /// Notes that are neither replies nor settled.
    pub(super) fn open_notes(&self, song_id: &str) -> &[u32] {
        self.of_song(song_id).map_or(&[], |it| &it.open_notes)
    }

    /// The replies to this note are among these: those whose parents share its hash.
    pub(super) fn replies_to(&self, store: &Store, song_id: &str, note_id: &str) -> &[u32] {
        let Some(of) = self.of_song(song_id) else { return &[] };
        let all = of.ranked(store, rank(Kind::Note, true));
        let wanted = hash(note_id);
        let from = all.partition_point(|slot| store.place(*slot).order.0 < wanted);
        let to = all.partition_point(|slot| store.place(*slot).order.0 <= wanted);
        &all[from..to]
    }

    /// Where a row belongs. Gives its song a number if it has none.
    pub(super) fn place(&mut self, row: &Of) -> Place {
        let mut place = Place { kind: Kind::of(row), ..Place::default() };
        let song_id = match row {
            Of::Project(_) | Of::Member(_) | Of::Gate(_) => return place,
            Of::Record(it) => {
                place.order.0 = !u64::from(it.number);
                return place;
            }
            Of::Song(it) => {
                place.order.0 = it.position.into();
                place.part = number_of(it.stage());
                return place;
            }
            Of::Version(it) => {
                let kind = u64::from(it.kind.cast_unsigned() ^ (1 << 31));
                place.order = (!(kind << 32 | u64::from(it.number)), !signed(it.at_ms));
                &it.song_id
            }
            Of::Note(it) => {
                let reply = !it.parent_note_id.is_empty();
                place.part = (u8::from(!is_settled(it)) * OPEN) | (u8::from(reply) * REPLY);
                let start = it.start_ms.map_or(0, |ms| ms.saturating_add(1));
                place.order.0 = if reply { hash(&it.parent_note_id) } else { start };
                place.order.1 = signed(it.at_ms);
                &it.song_id
            }
            Of::Request(it) => {
                place.order = (!signed(it.at_ms), !u64::from(it.round));
                &it.song_id
            }
            Of::Render(it) => {
                place.order.0 = !signed(it.at_ms);
                &it.song_id
            }
            Of::Recipe(it) => {
                place.order.0 = !u64::from(it.number);
                &it.song_id
            }
            Of::Delivery(it) => {
                place.order.0 = !signed(it.at_ms);
                &it.song_id
            }
        };
        place.song = self.number(song_id);
        place
    }

    fn find(&self, id: &Id) -> Option<u32> {
        let is = |number: &u32| self.by_song[*number as usize].id == *id;
        self.numbers.find(self.hasher.hash_one(id), is).copied()
    }

    fn number(&mut self, song_id: &str) -> u32 {
        let id = Id::of(song_id);
        if let Some(number) = self.find(&id) {
            return number;
        }
        let Index { numbers, hasher, by_song, .. } = self;
        let number = u32::try_from(by_song.len()).expect("fewer songs than rows");
        let hash = hasher.hash_one(&id);
        by_song.push(OfSong { id, all: Vec::new(), open_notes: Vec::new() });
        numbers.insert_unique(hash, number, |other| hasher.hash_one(&by_song[*other as usize].id));
        number
    }

    /// Many rows follow: they are put in order together, when all of them are here.
    pub(super) fn begin_many(&mut self) {
        self.loose = Some(BTreeSet::new());
    }

    pub(super) fn end_many(&mut self, store: &Store) {
        let Some(loose) = self.loose.take() else { return };
        let sort = |list: &mut Vec<u32>| list.sort_by(|a, b| compare(store, *a, *b));
        [&mut self.members, &mut self.records, &mut self.songs]
            .into_iter()
            .chain(&mut self.stages)
            .for_each(sort);
        for song in loose {
            if let Some(of) = self.by_song.get_mut(song as usize) {
                sort(&mut of.all);
                sort(&mut of.open_notes);
            }
        }
    }

    /// The store must have it at its place already.
    pub(super) fn insert(&mut self, store: &Store, slot: u32) {
        let place = store.place(slot);
        let loose = self.loose.is_some();
        for list in self.lists(place).into_iter().flatten() {
            let at = if loose {
                list.len()
            } else {
                list.partition_point(|other| compare(store, *other, slot) == Ordering::Less)
            };
            list.insert(at, slot);
        }
        if let Some(loose) = &mut self.loose {
            loose.insert(place.song);
        }
    }

    /// The store must have it at its old place still.
    pub(super) fn remove(&mut self, store: &Store, slot: u32) {
        let loose = self.loose.is_some();
        for list in self.lists(store.place(slot)).into_iter().flatten() {
            let found = if loose {
                None
            } else {
                let at = list.partition_point(|other| compare(store, *other, slot) == Ordering::Less);
                (list.get(at) == Some(&slot)).then_some(at)
            };
            if let Some(at) = found.or_else(|| list.iter().position(|other| *other == slot)) {
                list.remove(at);
            }
        }
    }

    fn lists(&mut self, place: Place) -> [Option<&mut Vec<u32>>; 2] {
        match place.kind {
            Kind::Project | Kind::Gate => return [None, None],
            Kind::Member => return [Some(&mut self.members), None],
            Kind::Record => return [Some(&mut self.records), None],
            Kind::Song => {
                return [Some(&mut self.songs), self.stages.get_mut(usize::from(place.part))];
            }
            _ => {}
        }
        let Some(of) = self.by_song.get_mut(place.song as usize) else { return [None, None] };
        let is_open = place.kind == Kind::Note && place.part & (OPEN | REPLY) == OPEN;
        [Some(&mut of.all), is_open.then_some(&mut of.open_notes)]
    }
}

impl OfSong {
    fn ranked(&self, store: &Store, wanted: u8) -> &[u32] {
        let from = self.all.partition_point(|slot| rank_of(store.place(*slot)) < wanted);
        let to = self.all.partition_point(|slot| rank_of(store.place(*slot)) <= wanted);
        &self.all[from..to]
    }
}

/// Where the rows of a kind stand among all of a song. Replies are as a kind of their own.
fn rank(kind: Kind, reply: bool) -> u8 {
    (kind as u8) << 1 | u8::from(reply)
}

fn rank_of(place: Place) -> u8 {
    rank(place.kind, place.kind == Kind::Note && place.part & REPLY != 0)
}

/// By rank, then by place, then by key; of renders the later key first.
fn compare(store: &Store, a: u32, b: u32) -> Ordering {
    let (place_a, place_b) = (store.place(a), store.place(b));
    let by_place = (rank_of(place_a), place_a.order).cmp(&(rank_of(place_b), place_b.order));
    by_place.then_with(|| {
        if a == b {
            return Ordering::Equal;
        }
        let by_key = store.key(a).cmp(&store.key(b));
        if place_a.kind == Kind::Render { by_key.reverse() } else { by_key }
    })
}

fn number_of(stage: Stage) -> u8 {
    u8::try_from(i32::from(stage)).unwrap_or(0).min(4)
}

/// So that numbers with a sign sort among those without.
fn signed(value: i64) -> u64 {
    value.cast_unsigned() ^ (1 << 63)
}

/// Of a parent: replies to one note stand together, whatever their ids look like.
fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
