//! The Presence service: who is here, to whom of it what may be told (V-1), and not too often. See `presence.proto`. Never here: anything that is kept; the
//! rooms themselves (`presence`).

use std::{sync::Arc, time::Duration};

use deadwax_domain::{Alternate, PersonId, Project, ProjectId, SongId, VersionId, audience};
use deadwax_proto::v1;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{id_text, parse_id};
use crate::{
    auth::Caller,
    ledger::Snapshot,
    presence::{self, Attending, Hub, Place, SEATS_PER_PERSON, Seat},
    status,
    studio::Studio,
    wire::text::scrub,
};

/// Between two answers on one stream.
const ANSWER_EVERY: Duration = Duration::from_millis(100);
/// Between two messages that are looked at; of what comes in between the newest counts.
const LISTEN_EVERY: Duration = Duration::from_millis(50);

pub struct Service {
    studio: Arc<Studio>,
    hub: Arc<Hub>,
}

impl Service {
    pub fn new(studio: Arc<Studio>) -> Self {
        let hub: Arc<Hub> = Arc::default();
        if let Some(neighbours) = studio.store.neighbours() {
            tokio::spawn(presence::meet(Arc::clone(&hub), neighbours, studio.closing.clone()));
        }
        Self { studio, hub }
    }
}

type Answers = ReceiverStream<Result<v1::Attendance, Status>>;

#[tonic::async_trait]
impl v1::presence_server::Presence for Service {
    type AttendStream = Answers;

    async fn attend(
        &self,
        request: Request<Streaming<v1::Attending>>,
    ) -> Result<Response<Self::AttendStream>, Status> {
        let caller = Caller::of(&request)?;
        let mut messages = request.into_inner();
        let first = tokio::select! {
            first = messages.message() => first?,
            () = caller.ended.cancelled() => return Err(ended(&self.studio)),
        };
        let first = first
            .ok_or_else(|| status::malformed("The stream is empty: its first message names the project."))?;
        let project = ProjectId(parse_id("project_id", &first.project_id)?);
        // With what other servers know of it; found first, so that there is something to watch.
        self.studio.ledger.project(project).await.map_err(status::ledger)?;
        let facts = self.studio.ledger.watch(project);
        let snapshot = project_of(&self.studio, project, caller.person.id)?;
        let place = led(&caller, place(&first)?);
        let seat = self.hub.enter(project, caller.person.id, place).ok_or_else(|| {
            let text = format!("You are in this project {SEATS_PER_PERSON} times already.");
            status::refuse(Code::ResourceExhausted, "LIMIT_REACHED", text, "Close one of your clients.")
        })?;
        let (answers, receiver) = mpsc::channel(1);
        let studio = Arc::clone(&self.studio);
        let stream = Stream { studio, caller, project, snapshot, facts, seat, messages, told: None };
        tokio::spawn(stream.run(answers));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

fn ended(studio: &Studio) -> Status {
    if studio.closing.is_cancelled() { status::closing() } else { status::unauthenticated() }
}

/// The project, where this person is a member of it.
fn project_of(studio: &Studio, id: ProjectId, person: PersonId) -> Result<Arc<Snapshot>, Status> {
    studio
        .ledger
        .known(id)
        .filter(|snapshot| snapshot.project.roles_of(person).is_some())
        .ok_or_else(|| status::not_found("NO_SUCH_PROJECT", "project"))
}

fn place(told: &v1::Attending) -> Result<Place, Status> {
    let optional = |field: &str, text: &str| match text {
        "" => Ok(None),
        text => parse_id(field, text).map(Some),
    };
    let alternate = match told.alternate.as_str() {
        "" | "main" => None,
        token => {
            Some(Alternate::parse(token).ok_or_else(|| status::malformed("`alternate` is not known here."))?)
        }
    };
    Ok(Place {
        song: optional("song_id", &told.song_id)?.map(SongId),
        version: optional("version_id", &told.version_id)?.map(VersionId),
        alternate,
        playhead_ms: told.playhead_ms,
        playing: told.playing,
        leading: told.leading,
    })
}

/// A guest leads nobody's listening.
fn led(caller: &Caller, place: Place) -> Place {
    Place { leading: place.leading && !caller.person.is_guest(), ..place }
}

/// One stream, from the first message to its end.
struct Stream {
    studio: Arc<Studio>,
    caller: Caller,
    project: ProjectId,
    snapshot: Arc<Snapshot>,
    facts: watch::Receiver<u64>,
    seat: Attending,
    messages: Streaming<v1::Attending>,
    /// What was sent last, without its age.
    told: Option<Vec<v1::Attendee>>,
}

impl Stream {
    async fn run(mut self, answers: mpsc::Sender<Result<v1::Attendance, Status>>) {
        if let Some(why) = self.go_on(&answers).await {
            // Whoever does not listen any more need not hear why.
            let _ = answers.send(Err(why)).await;
        }
    }

    /// `None`: the other side left.
    async fn go_on(&mut self, answers: &mpsc::Sender<Result<v1::Attendance, Status>>) -> Option<Status> {
        let mut said: Option<v1::Attending> = None;
        let (mut listens_at, mut answers_at) = (Instant::now() + LISTEN_EVERY, Instant::now());
        let mut stale = true;
        loop {
            let session = self.caller.ended.clone();
            tokio::select! {
                biased;
                () = session.cancelled() => return Some(ended(&self.studio)),
                () = answers.closed() => return None,
                // Pulled: a slow reader gets one newer answer later, nothing queues for it.
                room = room_at(answers, answers_at), if stale => {
                    let room = room?;
                    stale = false;
                    let (seen, aged) = self.view();
                    if self.told.as_ref() != Some(&seen) {
                        room.send(Ok(v1::Attendance { attendees: aged }));
                        self.told = Some(seen);
                        answers_at = Instant::now() + ANSWER_EVERY;
                    }
                }
                () = sleep_until(listens_at), if said.is_some() => {
                    listens_at = Instant::now() + LISTEN_EVERY;
                    if let Some(Err(why)) = said.take().map(|said| self.hear(&said)) {
                        return Some(why);
                    }
                }
                changed = self.facts.changed() => {
                    if changed.is_err() {
                        return Some(status::closing());
                    }
                    match project_of(&self.studio, self.project, self.caller.person.id) {
                        Ok(snapshot) => self.snapshot = snapshot,
                        Err(why) => return Some(why),
                    }
                    stale = true;
                }
                changed = self.seat.changed.changed() => {
                    changed.ok()?;
                    stale = true;
                }
                message = self.messages.message() => match message {
                    Ok(Some(message)) => said = Some(message),
                    // A broken line and an orderly goodbye are the same here.
                    Ok(None) | Err(_) => return None,
                },
            }
        }
    }

    fn hear(&self, said: &v1::Attending) -> Result<(), Status> {
        let of = &said.project_id;
        if !of.is_empty() && parse_id("project_id", of)? != self.project.0 {
            return Err(status::malformed("`project_id` cannot change: open another stream."));
        }
        self.seat.tell(led(&self.caller, place(said)?));
        Ok(())
    }

    /// As this viewer may see it: once without ages, to know whether anything is new, and once with them.
    fn view(&self) -> (Vec<v1::Attendee>, Vec<v1::Attendee>) {
        let names = self.studio.people.directory();
        let project = &self.snapshot.project;
        let here = self.seat.everybody();
        let me = self.caller.person.id;
        // A guest does not learn who else belongs to the project.
        let shown = |seat: &&Seat| seat.person == me || !audience::is_guest(project, me);
        let members = here.iter().filter(|seat| project.roles_of(seat.person).is_some()).filter(shown);
        let seen = members.map(|seat| {
            let you = seat.id == self.seat.id;
            let place = if you { seat.place } else { visible(project, self.caller.person.id, &seat.place) };
            (attendee(seat, place, scrub(names.name(seat.person)), you), seat)
        });
        let seen: Vec<(v1::Attendee, &Seat)> = seen.collect();
        let now = Instant::now();
        let aged = |(attendee, seat): &(v1::Attendee, &Seat)| {
            let age = now.saturating_duration_since(seat.told).as_millis();
            v1::Attendee { age_ms: u32::try_from(age).unwrap_or(u32::MAX), ..attendee.clone() }
        };
        let aged = seen.iter().map(aged).collect();
        (seen.into_iter().map(|(attendee, _)| attendee).collect(), aged)
    }
}

/// A free place for one answer, not before it is time.
async fn room_at<T>(answers: &mpsc::Sender<T>, at: Instant) -> Option<mpsc::Permit<'_, T>> {
    sleep_until(at).await;
    answers.reserve().await.ok()
}

/// V-1: a version that the viewer may not see is not there, and where nobody is to know whose mix is whose, nobody is seen on one.
fn visible(project: &Project, viewer: PersonId, place: &Place) -> Place {
    let song = place.song.filter(|song| project.songs.contains(*song));
    let version = place.version.and_then(|version| project.versions.get(version)).filter(|version| {
        Some(version.song) == song
            && audience::sees_version(project, viewer, version)
            && audience::knows_maker(project, viewer, version)
    });
    let nowhere = Place { song, leading: place.leading, ..Place::default() };
    match version {
        Some(_) => Place { song, ..*place },
        None => nowhere,
    }
}

fn attendee(seat: &Seat, place: Place, name: String, you: bool) -> v1::Attendee {
    v1::Attendee {
        attendee_id: id_text(seat.id),
        person_id: id_text(seat.person.0),
        name,
        song_id: place.song.map(|song| id_text(song.0)).unwrap_or_default(),
        version_id: place.version.map(|version| id_text(version.0)).unwrap_or_default(),
        alternate: place.alternate.map(|one| one.to_string()).unwrap_or_default(),
        playhead_ms: place.playhead_ms,
        playing: place.playing,
        leading: seat.leads,
        age_ms: 0,
        you,
    }
}
