//! Which rows answer which question, in the order in which screens show them: lists of slots. A row whose place did not change costs
//! nothing here. Never here: the rows themselves.

use std::{
    cmp::Ordering,
    collections::{BTreeSet, HashMap},
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use deadwax_proto::v1::{Stage, row::Row as Of};

use super::{
    is_settled,
    pack::{self, Kind},
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
    numbers: HashMap<Box<[u8]>, u32>,
    by_song: Vec<OfSong>,
    /// Songs whose lists are out of order while many rows come in; `None` while each row goes to its place at once.
    loose: Option<BTreeSet<u32>>,
}

/// The lists of one song, or with an empty id those of the project.
#[derive(Clone, Debug, Default)]
pub(super) struct OfSong {
    pub versions: Vec<u32>,
    /// Those that are no replies.
    pub notes: Vec<u32>,
    /// Of them those that are not settled.
    pub open_notes: Vec<u32>,
    rare: Option<Box<Rare>>,
}

/// What most songs of a large project have none of.
#[derive(Clone, Debug, Default)]
pub(super) struct Rare {
    pub replies: Vec<u32>,
    pub requests: Vec<u32>,
    pub renders: Vec<u32>,
    pub recipes: Vec<u32>,
    pub deliveries: Vec<u32>,
}

const NONE: &OfSong = &OfSong { versions: Vec::new(), notes: Vec::new(), open_notes: Vec::new(), rare: None };

const NO_RARE: &Rare = &Rare {
    replies: Vec::new(),
    requests: Vec::new(),
    renders: Vec::new(),
    recipes: Vec::new(),
    deliveries: Vec::new(),
};

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

    pub(super) fn of_song(&self, song_id: &str) -> &OfSong {
        let number = self.numbers.get(pack::pack_id(song_id).as_slice());
        number.and_then(|at| self.by_song.get(*at as usize)).unwrap_or(NONE)
    }

    /// The replies to this note are among these: those whose parents share its hash.
    pub(super) fn replies_to(&self, store: &Store, song_id: &str, note_id: &str) -> &[u32] {
        let all = &self.of_song(song_id).rare().replies;
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

    fn number(&mut self, song_id: &str) -> u32 {
        let id = pack::pack_id(song_id);
        if let Some(&number) = self.numbers.get(id.as_slice()) {
            return number;
        }
        let number = u32::try_from(self.by_song.len()).expect("fewer songs than rows");
        self.by_song.push(OfSong::default());
        self.numbers.insert(id.into(), number);
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
                of.all().for_each(sort);
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
        match place.kind {
            Kind::Note if place.part & REPLY != 0 => [Some(&mut of.rare_mut().replies), None],
            Kind::Note => [Some(&mut of.notes), (place.part & OPEN != 0).then_some(&mut of.open_notes)],
            Kind::Version => [Some(&mut of.versions), None],
            Kind::Request => [Some(&mut of.rare_mut().requests), None],
            Kind::Render => [Some(&mut of.rare_mut().renders), None],
            Kind::Recipe => [Some(&mut of.rare_mut().recipes), None],
            Kind::Delivery => [Some(&mut of.rare_mut().deliveries), None],
            Kind::Project | Kind::Gate | Kind::Member | Kind::Song | Kind::Record => [None, None],
        }
    }
}

impl OfSong {
    pub(super) fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(NO_RARE)
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Vec<u32>> {
        let rare = self.rare.as_deref_mut().map(|it| {
            [&mut it.replies, &mut it.requests, &mut it.renders, &mut it.recipes, &mut it.deliveries]
        });
        [&mut self.versions, &mut self.notes, &mut self.open_notes]
            .into_iter()
            .chain(rare.into_iter().flatten())
    }
}

/// By place, then by key; of renders the later key first.
fn compare(store: &Store, a: u32, b: u32) -> Ordering {
    let (place_a, place_b) = (store.place(a), store.place(b));
    place_a.order.cmp(&place_b.order).then_with(|| {
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
