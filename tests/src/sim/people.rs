//! People at work on one project over a line that breaks: each watches, and asks for what their role may do by what the screen shows. Everything is written
//! into the book of the history. Works over any line, simulated or real. Never here: faults, and what is right (`history`).

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadwax_domain::{Actor, Command, Digest, PersonId, ProjectId};
use deadwax_proto::v1::{
    self, Role, action::Action, media_client::MediaClient, projects_client::ProjectsClient,
};
use deadwax_server::{disk::faulty::Dice, status, wire::action};
use futures::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use tokio::time::{sleep, timeout};
use tonic::{Request, Status, transport::Channel};

use super::wishes::{Wish, wish};
use crate::history::{Answer, Book, Heard, Screen};

/// A new line to the server.
pub type Dial = Arc<dyn Fn() -> BoxFuture<'static, Result<Channel, tonic::transport::Error>> + Send + Sync>;

#[derive(Clone)]
pub struct Seat {
    pub name: &'static str,
    pub person: PersonId,
    pub role: Role,
    pub studio_owner: bool,
    pub token: String,
}

/// What all of them share.
pub struct Place {
    pub project: ProjectId,
    pub dial: Dial,
    pub book: Book,
    pub phase: Phase,
    /// Told what was done, in words that a second run of the same seed repeats.
    pub tell: Box<dyn Fn(fmt::Arguments<'_>) + Send + Sync>,
    /// Another song each time, as bytes.
    pub bounce: fn(&mut Dice) -> Vec<u8>,
    /// An answer that takes longer is given up.
    pub patience: Duration,
    /// Between two things that one person does, at most.
    pub pause: Duration,
}

/// First everybody works, then what was begun is brought to its end, then everybody goes.
#[derive(Default)]
pub struct Phase {
    now: AtomicU8,
    pub at_rest: AtomicUsize,
}

impl Phase {
    pub fn next(&self) {
        self.now.fetch_add(1, Ordering::SeqCst);
    }

    fn is_work(&self) -> bool {
        self.now.load(Ordering::SeqCst) == 0
    }

    fn is_over(&self) -> bool {
        self.now.load(Ordering::SeqCst) >= 2
    }
}

pub struct Person {
    seat: Seat,
    place: Arc<Place>,
    dice: Dice,
    screen: Arc<Mutex<Screen>>,
    line: Option<Channel>,
}

/// Sendings of one command before somebody gives up.
const TRIES: usize = 40;
const CHUNK: usize = 2048;

impl Person {
    pub fn new(seat: Seat, place: Arc<Place>, seed: u64) -> Self {
        let dice = Dice::from_seed(seed ^ (seat.person.0 as u64) << 48);
        Self { seat, place, dice, screen: Arc::default(), line: None }
    }

    /// Until everybody goes; the seq of what stands on the screen then.
    pub async fn live(mut self) -> u64 {
        let (seat, place, screen) = (self.seat.clone(), Arc::clone(&self.place), Arc::clone(&self.screen));
        let pauses = Dice::from_seed(self.dice.roll());
        let place_of_work = Arc::clone(&place);
        let work = async {
            while place_of_work.phase.is_work() {
                self.rest().await;
                if let Some(wish) = self.wish() {
                    self.do_it(wish).await;
                }
            }
            place_of_work.phase.at_rest.fetch_add(1, Ordering::SeqCst);
        };
        tokio::join!(work, watch(&seat, &place, &screen, pauses));
        let seq = lock(&screen).seq;
        (place.tell)(format_args!("{} ends at {seq}", seat.name));
        seq
    }

    async fn rest(&mut self) {
        let most = self.place.pause.as_millis() as u64;
        sleep(Duration::from_millis(self.dice.below(most.max(1)) + 1)).await;
    }

    fn wish(&mut self) -> Option<Wish> {
        let screen = Arc::clone(&self.screen);
        let screen = lock(&screen);
        wish(&self.seat, &screen, &mut self.dice)
    }

    async fn do_it(&mut self, wish: Wish) {
        match wish {
            Wish::Ask { action, expected } => {
                self.perform(*action, expected).await;
            }
            Wish::Upload { song_id, kind } => {
                let Some(digest) = self.upload().await else { return };
                let (alternate, name) = ("main".to_owned(), "bounce.wav".to_owned());
                let file = v1::NewFile { alternate, sha256: digest.to_string(), name };
                let (version_id, files) = (self.id(), vec![file]);
                let kind = kind.into();
                let (title, changelog) = (String::new(), "louder".into());
                let add = v1::AddVersion { version_id, song_id, kind, title, changelog, files };
                self.perform(Action::AddVersion(add), None).await;
            }
        }
    }

    fn id(&mut self) -> String {
        new_id(&mut self.dice)
    }

    /// The same command, until it is answered; now and then once more after that.
    async fn perform(&mut self, action: Action, expected: Option<u64>) {
        let asked = v1::PerformRequest {
            command_id: self.id(),
            project_id: uuid_text(self.place.project.0),
            expected,
            action: Some(v1::Action { action: Some(action) }),
        };
        let Ok(command) = action::command(asked.action.clone()) else { return };
        for _ in 0..TRIES {
            match self.send(&asked, &command).await {
                Answer::Unknown => self.rest().await,
                Answer::Done { .. } if self.dice.below(5) == 0 => {
                    self.rest().await;
                    self.send(&asked, &command).await;
                    return;
                }
                _ => return,
            }
        }
    }

    async fn send(&mut self, asked: &v1::PerformRequest, command: &Command) -> Answer {
        let Seat { name, person: id, studio_owner, .. } = self.seat;
        let actor = Actor::Person { id, studio_owner };
        let command_id = uuid::Uuid::parse_str(&asked.command_id).unwrap_or_default().as_u128();
        let written = self.place.book.begin(actor, (command_id, command), asked.expected);
        let answer = match self.call(asked).await {
            Ok(done) => Answer::Done { first: done.first_seq, last: done.seq },
            Err(status) => answer_of(&status),
        };
        if answer == Answer::Unknown {
            self.line = None;
        }
        let kind = format!("{command:?}");
        let kind = kind.split([' ', '{']).next().unwrap_or_default().to_owned();
        (self.place.tell)(format_args!("{name} {kind} {} {answer:?}", asked.command_id));
        self.place.book.answered(written, answer.clone());
        answer
    }

    async fn call(&mut self, asked: &v1::PerformRequest) -> Result<v1::PerformResponse, Status> {
        let (line, patience) = (self.line().await?, self.place.patience);
        let request = with(&self.seat, asked.clone());
        let answer = timeout(patience, ProjectsClient::new(line).perform(request)).await;
        Ok(answer.map_err(|_| Status::unavailable("no answer"))??.into_inner())
    }

    async fn line(&mut self) -> Result<Channel, Status> {
        let dialled = match self.line.take() {
            Some(line) => line,
            None => dial(&self.place).await?,
        };
        self.line = Some(dialled.clone());
        Ok(dialled)
    }

    /// Goes on where it was cut, until all of it is there.
    async fn upload(&mut self) -> Option<Digest> {
        let bytes = (self.place.bounce)(&mut self.dice);
        let digest = Digest(Sha256::digest(&bytes).into());
        let begun = self.place.book.tick();
        for _ in 0..TRIES {
            match self.offer(&bytes, digest).await {
                Ok(true) => {
                    self.place.book.received(digest, begun);
                    (self.place.tell)(format_args!("{} brought {digest}", self.seat.name));
                    return Some(digest);
                }
                Ok(false) => {}
                Err(_) => self.line = None,
            }
            self.rest().await;
        }
        None
    }

    async fn offer(&mut self, bytes: &[u8], digest: Digest) -> Result<bool, Status> {
        let begin = v1::BeginUploadRequest {
            project_id: uuid_text(self.place.project.0),
            sha256: digest.to_string(),
            bytes: bytes.len() as u64,
            name: "bounce.wav".into(),
        };
        let mut media = MediaClient::new(self.line().await?);
        let patience = self.place.patience;
        let late = |_| Status::unavailable("no answer");
        let state = timeout(patience, media.begin_upload(with(&self.seat, begin))).await.map_err(late)??;
        let v1::UploadState { upload_id, offset, done, .. } = state.into_inner();
        if done {
            return Ok(true);
        }
        let first = v1::UploadChunk { upload_id, offset, data: bytes::Bytes::new() };
        let rest = bytes.get(offset as usize..).unwrap_or_default();
        let chunk = |data: &[u8]| v1::UploadChunk { data: data.to_vec().into(), ..Default::default() };
        let chunks: Vec<_> = std::iter::once(first).chain(rest.chunks(CHUNK).map(chunk)).collect();
        let sent = media.upload(with(&self.seat, tokio_stream::iter(chunks)));
        Ok(timeout(patience, sent).await.map_err(late)??.into_inner().done)
    }
}

async fn dial(place: &Place) -> Result<Channel, Status> {
    let dialled = timeout(place.patience, (place.dial)()).await;
    let line = dialled.map_err(|_| Status::unavailable("no line"))?;
    line.map_err(|error| Status::unavailable(error.to_string()))
}

/// Keeps the screen up to date over any number of lines.
async fn watch(seat: &Seat, place: &Place, screen: &Mutex<Screen>, mut dice: Dice) {
    while !place.phase.is_over() {
        let from = lock(screen).seq;
        let mut heard = Heard { person: seat.person, from, updates: Vec::new(), screen: Default::default() };
        let ended = follow(seat, place, (screen, &mut heard)).await;
        heard.screen = {
            let mut screen = lock(screen);
            screen.cut();
            screen.rows.clone()
        };
        let code = ended.err().map(|status| status.code());
        (place.tell)(format_args!("{} watched {} updates, then {code:?}", seat.name, heard.updates.len()));
        if !heard.updates.is_empty() {
            place.book.heard(heard);
        }
        sleep(Duration::from_millis(dice.below(300) + 20)).await;
    }
}

async fn follow(
    seat: &Seat,
    place: &Place,
    (screen, heard): (&Mutex<Screen>, &mut Heard),
) -> Result<(), Status> {
    let mut client = ProjectsClient::new(dial(place).await?);
    let asked = v1::WatchRequest { project_id: uuid_text(place.project.0), from: heard.from };
    let late = |_| Status::unavailable("no answer");
    let watching = timeout(place.patience, client.watch(with(seat, asked))).await;
    let mut updates = watching.map_err(late)??.into_inner();
    while !place.phase.is_over() {
        // Looks up now and then, so that it ends with the others.
        let Ok(update) = timeout(Duration::from_millis(500), updates.message()).await else { continue };
        let Some(update) = update? else { return Ok(()) };
        let at = place.book.tick();
        heard.updates.extend(lock(screen).take(at, update));
    }
    Ok(())
}

fn answer_of(status: &Status) -> Answer {
    match status::reason_of(status).as_deref() {
        Some("SOMEBODY_WAS_FASTER") => Answer::Conflict,
        // The door, the disk, a store or a line that went: it says nothing of the rules.
        None
        | Some(
            "READ_ONLY"
            | "SERVER_STOPPING"
            | "DISK_NEARLY_FULL"
            | "INTERNAL"
            | "STORED_BYTES_DAMAGED"
            | "STORE_UNAVAILABLE"
            | "TOO_MANY_CALLS"
            | "TOO_MANY_CONNECTIONS",
        ) => Answer::Unknown,
        Some(reason) => Answer::Refused(reason.to_owned()),
    }
}

pub fn with<T>(seat: &Seat, message: T) -> Request<T> {
    let mut request = Request::new(message);
    if let Ok(token) = format!("Bearer {}", seat.token).parse() {
        request.metadata_mut().insert("authorization", token);
    }
    request
}

pub fn new_id(dice: &mut Dice) -> String {
    uuid_text(u128::from(dice.roll()) << 64 | u128::from(dice.roll()))
}

pub fn uuid_text(id: u128) -> String {
    uuid::Uuid::from_u128(id).to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
