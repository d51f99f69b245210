//! Who is here at other servers over the same store: told and asked a few times a second while somebody is here, and not at all while nobody is. A server that
//! does not tell any more is gone, and so is everybody there. Never here: who may see what; what a store does with the bytes.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use deadwax_domain::{Alternate, PersonId, ProjectId, SongId, VersionId};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Hub, Place, Room, Seat};
use crate::store::{
    Neighbours,
    neighbours::{Here, There},
};

/// Between two meetings while somebody is here: what is told at one server is seen at the others within two of them.
const MEET_EVERY: Duration = Duration::from_millis(200);
/// One that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(3);
/// What others told before the store went away is good for this long.
const GOOD_FOR: Duration = Duration::from_secs(4);

/// A seat on its way to another server. Ids alone: names are looked up where they are shown.
#[derive(Serialize, Deserialize)]
struct Told {
    project: u128,
    came: u64,
    seat: u128,
    person: u128,
    song: Option<u128>,
    version: Option<u128>,
    alternate: Option<String>,
    playhead_ms: Option<u64>,
    playing: bool,
    leading: bool,
    asked: Option<u64>,
    /// How long before this was written its place was told.
    age_ms: u64,
}

impl Told {
    fn of(project: ProjectId, came: u64, seat: &Seat) -> Self {
        let Seat { id, person, place, told, asked, .. } = *seat;
        Self {
            project: project.0,
            came,
            seat: id,
            person: person.0,
            song: place.song.map(|it| it.0),
            version: place.version.map(|it| it.0),
            alternate: place.alternate.map(|it| it.to_string()),
            playhead_ms: place.playhead_ms,
            playing: place.playing,
            leading: place.leading,
            asked: asked.map(|it| it.0),
            age_ms: u64::try_from(told.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn seat(&self, at: u128, age: Duration) -> Seat {
        let place = Place {
            song: self.song.map(SongId),
            version: self.version.map(VersionId),
            alternate: self.alternate.as_deref().and_then(Alternate::parse),
            playhead_ms: self.playhead_ms,
            playing: self.playing,
            leading: self.leading,
        };
        let ago = age.saturating_add(Duration::from_millis(self.age_ms));
        let now = Instant::now();
        let told = now.checked_sub(ago).unwrap_or(now);
        let asked = self.asked.map(|asked| (asked, self.seat));
        Seat { id: self.seat, person: PersonId(self.person), place, told, asked, leads: false, at: Some(at) }
    }
}

impl Hub {
    /// Who is here at this server, and the version of it; `None` where nobody is.
    fn ours(&self) -> Option<(u64, Bytes)> {
        let rooms = self.rooms();
        let seats = rooms.by_project.iter().flat_map(|(project, room)| {
            let ours = room.seats.iter().filter(|(_, seat)| seat.at.is_none());
            ours.map(|(came, seat)| Told::of(*project, came.0, seat))
        });
        let seats: Vec<Told> = seats.collect();
        if seats.is_empty() {
            return None;
        }
        // Numbers and short words: nothing that cannot be written.
        Some((rooms.version, serde_json::to_vec(&seats).unwrap_or_default().into()))
    }

    /// Everybody who is at one other server, instead of who was there before.
    fn theirs(&self, server: u128, seats: &[Told], age: Duration) {
        let mut rooms = self.rooms();
        let mut changed: HashSet<ProjectId> = HashSet::new();
        for (project, room) in &mut rooms.by_project {
            let before = room.seats.len();
            room.seats.retain(|_, seat| seat.at != Some(server));
            if room.seats.len() < before {
                changed.insert(*project);
            }
        }
        for told in seats {
            let project = ProjectId(told.project);
            let room = rooms.by_project.entry(project).or_insert_with(Room::new);
            room.seats.insert((told.came, told.seat), told.seat(server, age));
            changed.insert(project);
        }
        for project in changed {
            if let Some(room) = rooms.by_project.get_mut(&project) {
                room.settle();
            }
        }
        rooms.by_project.retain(|_, room| !room.seats.is_empty());
    }
}

/// What was last heard of the others.
#[derive(Default)]
struct Heard {
    versions: HashMap<u128, u64>,
    at: Option<Instant>,
}

impl Heard {
    fn take(&mut self, hub: &Hub, there: Vec<There>) {
        let gone: Vec<u128> = self
            .versions
            .keys()
            .filter(|server| there.iter().all(|it| it.server != **server))
            .copied()
            .collect();
        for server in gone {
            self.versions.remove(&server);
            hub.theirs(server, &[], Duration::ZERO);
        }
        for one in there {
            let Some(bytes) = one.seats else { continue };
            // One of a newer server that cannot be read is nobody there.
            let seats: Vec<Told> = serde_json::from_slice(&bytes).unwrap_or_default();
            hub.theirs(one.server, &seats, one.age);
            self.versions.insert(one.server, one.version);
        }
        self.at = Some(Instant::now());
    }

    fn forget(&mut self, hub: &Hub) {
        self.take(hub, Vec::new());
        self.at = None;
    }
}

/// Meets the other servers until `closing`.
pub async fn meet(hub: Arc<Hub>, neighbours: Arc<dyn Neighbours>, closing: CancellationToken) {
    let server = uuid::Uuid::now_v7().as_u128();
    let mut heard = Heard::default();
    let mut told = false;
    while !closing.is_cancelled() {
        let Some((version, seats)) = hub.ours() else {
            heard.forget(&hub);
            if std::mem::take(&mut told) {
                let _gone_by_itself_otherwise = timeout(PATIENCE, neighbours.leave(server)).await;
            }
            tokio::select! {
                () = hub.stirred.notified() => continue,
                () = closing.cancelled() => break,
            }
        };
        told = true;
        let known = heard.versions.iter().map(|(server, version)| (*server, *version)).collect();
        let meeting = neighbours.meet(Here { server, version, seats }, known);
        match timeout(PATIENCE, meeting).await {
            Ok(Ok(there)) => heard.take(&hub, there),
            // Told by whoever asks the store for facts.
            Ok(Err(_)) | Err(_) => {
                if heard.at.is_some_and(|at| at.elapsed() > GOOD_FOR) {
                    heard.forget(&hub);
                }
            }
        }
        tokio::select! {
            () = sleep(MEET_EVERY) => {}
            () = closing.cancelled() => {}
        }
    }
    if told {
        let _gone_by_itself_otherwise = timeout(PATIENCE, neighbours.leave(server)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::SEATS_PER_PERSON;

    const PROJECT: ProjectId = ProjectId(1);

    fn on(song: u128, leading: bool) -> Place {
        Place { song: Some(SongId(song)), playhead_ms: Some(5), leading, ..Place::default() }
    }

    fn send(from: &Hub, server: u128, to: &Hub) {
        let seats = from.ours().map_or(Vec::new(), |it| serde_json::from_slice::<Vec<Told>>(&it.1).unwrap());
        to.theirs(server, &seats, Duration::from_secs(1));
    }

    #[tokio::test]
    async fn who_is_at_another_server_is_here_in_the_order_in_which_they_came_and_one_leads() {
        let (here, there) = (Arc::new(Hub::default()), Arc::new(Hub::default()));
        let mut ana = here.enter(PROJECT, (PersonId(1), SEATS_PER_PERSON), on(7, true)).unwrap();
        let ben = there.enter(PROJECT, (PersonId(2), SEATS_PER_PERSON), on(7, true)).unwrap();
        ana.changed.mark_unchanged();
        send(&there, 20, &here);
        send(&here, 10, &there);
        assert!(ana.changed.has_changed().unwrap());
        for seats in [ana.everybody(), ben.everybody()] {
            assert_eq!(seats.iter().map(|it| it.person.0).collect::<Vec<_>>(), [1, 2]);
            assert_eq!(seats.iter().map(|it| it.leads).collect::<Vec<_>>(), [true, false]);
            assert_eq!(seats[1].place, on(7, true));
        }
        assert!(ana.everybody()[1].told.elapsed() >= Duration::from_secs(1), "its age came along");
        // Whoever leads goes; the other server hears of it.
        drop(ana);
        send(&here, 10, &there);
        assert_eq!(ben.everybody().iter().map(|it| (it.person.0, it.leads)).collect::<Vec<_>>(), [(2, true)]);
    }

    #[tokio::test]
    async fn seats_are_counted_everywhere_and_told_on_by_their_own_server_alone() {
        let (here, there) = (Arc::new(Hub::default()), Arc::new(Hub::default()));
        let theirs: Vec<_> = (0..super::super::SEATS_PER_PERSON)
            .map(|_| there.enter(PROJECT, (PersonId(1), SEATS_PER_PERSON), Place::default()).unwrap())
            .collect();
        send(&there, 20, &here);
        assert!(here.enter(PROJECT, (PersonId(1), SEATS_PER_PERSON), Place::default()).is_none());
        assert!(here.ours().is_none(), "nobody is at this server");
        drop(theirs);
        send(&there, 20, &here);
        assert!(
            here.rooms().by_project.is_empty()
                && here.enter(PROJECT, (PersonId(1), SEATS_PER_PERSON), Place::default()).is_some()
        );
    }
}
