//! Who is here now: one room a project, in memory alone. A seat lives as long as its stream; those at other servers are put here as these tell of them
//! (`others`). Pure of the network and of rules: who may see what of a seat is asked where it is shown. Never here: anything that is kept or logged.

mod others;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use deadwax_domain::{Alternate, PersonId, ProjectId, SongId, VersionId};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

pub use self::others::meet;

/// Streams of one person in one project.
pub const SEATS_PER_PERSON: usize = 8;

/// Where somebody is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub song: Option<SongId>,
    pub version: Option<VersionId>,
    /// `None`: the Main.
    pub alternate: Option<Alternate>,
    /// `None`: not shared.
    pub playhead_ms: Option<u64>,
    pub playing: bool,
    /// Asks to lead the song's listening session.
    pub leading: bool,
}

/// A place in a queue that servers have in common: microseconds by the wall, and of two at once the seat that was made first.
type Turn = (u64, u128);

/// Somebody who is here, once for each of their streams.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seat {
    pub id: u128,
    pub person: PersonId,
    pub place: Place,
    pub told: Instant,
    /// When it asked to lead this song.
    asked: Option<Turn>,
    /// Leads the song's session: of all that ask, the one that asked first.
    pub leads: bool,
    /// The other server that it is at.
    at: Option<u128>,
}

#[derive(Default)]
pub struct Hub {
    rooms: Mutex<Rooms>,
    /// Something is otherwise at this server.
    stirred: Notify,
}

#[derive(Default)]
struct Rooms {
    by_project: HashMap<ProjectId, Room>,
    /// Of the newest turn: time does not stand still within a server, whatever its clock does.
    last: u64,
    /// Grows with every change of a seat of this server.
    version: u64,
}

struct Room {
    /// In the order in which they came.
    seats: BTreeMap<Turn, Seat>,
    changed: watch::Sender<u64>,
}

/// A place in a room; left when dropped.
pub struct Attending {
    hub: Arc<Hub>,
    project: ProjectId,
    came: Turn,
    pub id: u128,
    pub changed: watch::Receiver<u64>,
}

impl Hub {
    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` where this person is here `most` times already.
    pub fn enter(
        self: &Arc<Self>,
        project: ProjectId,
        (person, most): (PersonId, usize),
        place: Place,
    ) -> Option<Attending> {
        let mut rooms = self.rooms();
        let theirs = rooms.by_project.get(&project).map_or(0, |room| room.seats_of(person));
        if theirs >= most {
            return None;
        }
        let id = uuid::Uuid::now_v7().as_u128();
        let (came, asked) = ((rooms.stamp(), id), (rooms.stamp(), id));
        let empty = Place::default();
        let seat =
            Seat { id, person, place: empty, told: Instant::now(), asked: None, leads: false, at: None };
        let room = rooms.by_project.entry(project).or_insert_with(Room::new);
        room.seats.insert(came, seat);
        let changed = room.changed.subscribe();
        room.tell(came, place, asked);
        rooms.version += 1;
        drop(rooms);
        self.stirred.notify_one();
        Some(Attending { hub: Arc::clone(self), project, came, id, changed })
    }
}

impl Rooms {
    fn stamp(&mut self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.last = u64::try_from(now.as_micros()).unwrap_or(u64::MAX).max(self.last.saturating_add(1));
        self.last
    }
}

impl Room {
    fn new() -> Self {
        Room { seats: BTreeMap::new(), changed: watch::Sender::new(0) }
    }

    fn seats_of(&self, person: PersonId) -> usize {
        self.seats.values().filter(|seat| seat.person == person).count()
    }

    /// `now`: its place in the queue, should it begin to ask.
    fn tell(&mut self, came: Turn, place: Place, now: Turn) {
        let Some(seat) = self.seats.get_mut(&came) else { return };
        let stays = seat.asked.is_some() && seat.place.song == place.song;
        let wants = place.leading && place.song.is_some();
        seat.asked = if !wants {
            None
        } else if stays {
            seat.asked
        } else {
            Some(now)
        };
        (seat.place, seat.told) = (place, Instant::now());
        self.settle();
    }

    /// Who leads where; then everybody is woken.
    fn settle(&mut self) {
        let mut first: HashMap<SongId, Turn> = HashMap::new();
        for seat in self.seats.values() {
            if let (Some(song), Some(asked)) = (seat.place.song, seat.asked) {
                let earliest = first.entry(song).or_insert(asked);
                *earliest = asked.min(*earliest);
            }
        }
        for seat in self.seats.values_mut() {
            let earliest = seat.place.song.and_then(|song| first.get(&song));
            seat.leads = seat.asked.is_some() && earliest == seat.asked.as_ref();
        }
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Attending {
    pub fn tell(&self, place: Place) {
        let mut rooms = self.hub.rooms();
        let now = (rooms.stamp(), self.id);
        if let Some(room) = rooms.by_project.get_mut(&self.project) {
            room.tell(self.came, place, now);
        }
        rooms.version += 1;
        drop(rooms);
        self.hub.stirred.notify_one();
    }

    /// Everybody who is here, in the order in which they came.
    pub fn everybody(&self) -> Vec<Seat> {
        let rooms = self.hub.rooms();
        rooms.by_project.get(&self.project).map_or(Vec::new(), |room| room.seats.values().copied().collect())
    }
}

impl Drop for Attending {
    fn drop(&mut self) {
        let mut rooms = self.hub.rooms();
        rooms.version += 1;
        if let Some(room) = rooms.by_project.get_mut(&self.project) {
            room.seats.remove(&self.came);
            room.settle();
            if room.seats.is_empty() {
                rooms.by_project.remove(&self.project);
            }
        }
        drop(rooms);
        self.hub.stirred.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: ProjectId = ProjectId(1);
    const ANA: PersonId = PersonId(1);
    const BEN: PersonId = PersonId(2);

    fn on(song: u128, leading: bool) -> Place {
        Place { song: Some(SongId(song)), leading, ..Place::default() }
    }

    fn leaders(of: &Attending) -> Vec<bool> {
        of.everybody().iter().map(|seat| seat.leads).collect()
    }

    #[tokio::test]
    async fn whoever_asked_first_leads_until_they_stop() {
        let hub = Arc::new(Hub::default());
        let ana = hub.enter(PROJECT, (ANA, SEATS_PER_PERSON), on(1, false)).unwrap();
        let ben = hub.enter(PROJECT, (BEN, SEATS_PER_PERSON), on(1, true)).unwrap();
        assert_eq!(leaders(&ana), [false, true]);
        ana.tell(on(1, true));
        assert_eq!(leaders(&ana), [false, true], "the second waits");
        ben.tell(Place { playing: true, ..on(1, true) });
        assert_eq!(leaders(&ana), [false, true], "telling more is no stopping");
        ben.tell(on(1, false));
        assert_eq!(leaders(&ana), [true, false]);
        ben.tell(on(1, true));
        assert_eq!(leaders(&ana), [true, false], "and is last in the queue now");
        ana.tell(on(2, true));
        assert_eq!(leaders(&ana), [true, true], "each song has its own");
        ana.tell(on(1, true));
        assert_eq!(leaders(&ana), [false, true]);
        drop(ben);
        assert_eq!(leaders(&ana), [true]);
        ana.tell(Place { leading: true, ..Place::default() });
        assert_eq!(leaders(&ana), [false], "nothing to lead");
    }

    #[tokio::test]
    async fn a_room_is_as_long_as_somebody_is_in_it() {
        let hub = Arc::new(Hub::default());
        let mut seats: Vec<_> = (0..SEATS_PER_PERSON)
            .map(|_| hub.enter(PROJECT, (ANA, SEATS_PER_PERSON), Place::default()).unwrap())
            .collect();
        assert!(hub.enter(PROJECT, (ANA, SEATS_PER_PERSON), Place::default()).is_none());
        let ben = hub.enter(PROJECT, (BEN, SEATS_PER_PERSON), Place::default()).unwrap();
        assert!(hub.enter(ProjectId(2), (ANA, SEATS_PER_PERSON), Place::default()).is_some());
        assert_eq!(ben.everybody().len(), SEATS_PER_PERSON + 1);
        seats.pop();
        assert_eq!(ben.everybody().len(), SEATS_PER_PERSON);
        drop((seats, ben));
        assert!(hub.rooms().by_project.is_empty());
    }
}
