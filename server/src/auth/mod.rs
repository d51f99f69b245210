//! People, invites, sessions: the studio's own stream. Tokens and codes are stored as SHA-256 only and never logged. Here is the only place
//! that appends to `store::STUDIO`. Never here: projects and their roles (the domain's), the wire (`layer` and `rpc/session` have it).

mod again;
pub mod device;
mod fold;
mod follow;
mod invites;
pub mod layer;
mod links;
pub mod passphrase;
pub mod secret;
mod sessions;
mod sign_in;
#[cfg(test)]
mod tests;
pub mod tries;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, atomic::Ordering,
    },
    time::Duration,
};

use bytes::Bytes;
use deadwax_domain::PersonId;
use deadwax_proto::ledger::v1::{self as stored, StudioFact, studio_fact::Fact};
use prost::Message as _;
use tokio_util::sync::CancellationToken;

pub use self::{
    again::{Proof, Shown},
    invites::{InviteLine, Issued},
    links::{KeepLink, LinkLine, LinkPlace, NotOpened, OpenLink, OpeningLine},
    sessions::SessionLine,
    sign_in::{Again, Redeem},
};
use self::{
    device::Challenges,
    fold::State,
    follow::Looking,
    passphrase::Hasher,
    secret::{Kind, Secret},
    tries::{Tries, Way},
};
use crate::{
    egress::Transit,
    ledger::Clock,
    name,
    store::{Append, AppendError, CommandKey, ReadError, STUDIO, Store},
};

/// How long an invite's code can be used.
pub const CODE_TTL: Duration = Duration::from_secs(72 * 3600);
/// How long a session lives, used or not.
pub const SESSION_TTL: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long a session lives that nobody uses.
pub const SESSION_IDLE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Wrong codes or passphrases from one address before it must wait.
pub const ADDRESS_TRIES: usize = 30;
/// Wrong passphrases with the codes of one person, by one machine or under one session, before that way must wait.
pub const TRIES: usize = 10;
/// How long a wrong try counts.
pub const TRIES_WINDOW: Duration = Duration::from_secs(15 * 60);
/// Open sessions of one person; a machine that signs in daily must not grow the list for ever.
const SESSIONS_MAX: usize = 64;
/// Codes of one person that are neither used nor expired.
const CODES_MAX: usize = 32;
/// Facts read from the store at once.
const PAGE: usize = 1024;
/// How often something is decided again because another server wrote in between.
const ATTEMPTS: u32 = 32;
/// After this many it asks for a turn.
const PATIENT: u32 = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    pub name: String,
    /// Empty: the guest of a link.
    pub email: String,
    pub studio_owner: bool,
}

impl Person {
    /// Made for one link: no member of anything, and nobody who can be invited, for an invite goes by the e-mail.
    pub fn is_guest(&self) -> bool {
        self.email.is_empty()
    }
}

/// How somebody hears by mail of what waits on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MailChoice {
    /// As soon as it waits.
    Each,
    #[default]
    Digest,
    None,
}

/// Names for views, as they stood at one moment.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub people: HashMap<PersonId, Person>,
}

impl Directory {
    /// "somebody who left" where a person was redacted.
    pub fn name(&self, id: PersonId) -> &str {
        self.people.get(&id).map_or("somebody who left", |person| person.name.as_str())
    }
}

/// Who calls: put into the request's extensions by the interceptor, taken out by every handler.
#[derive(Clone, Debug)]
pub struct Caller {
    pub person: Person,
    pub session_id: u128,
    /// Where the request came from, as the connection tells it.
    pub address: Option<IpAddr>,
    /// Cancelled within a second of the session's end, and when the server stops: every stream selects on it.
    pub ended: CancellationToken,
    /// Of the bytes that this call is given.
    pub transit: Transit,
}

impl Caller {
    /// The caller of a request that came through [`layer::Access`].
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Self, tonic::Status> {
        request.extensions().get::<Self>().cloned().ok_or_else(crate::status::unauthenticated)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error("the code is unknown, used or expired")]
    CodeUnknown,
    #[error("too many wrong tries; wait {wait_s} s")]
    TooManyTries { wait_s: u64 },
    #[error("a passphrase is needed")]
    PassphraseNeeded { choose: bool },
    #[error("the passphrase is not right")]
    PassphraseWrong,
    #[error("{0}")]
    PassphraseWeak(String),
    #[error("the device, its signature, the challenge or the passphrase is not right")]
    SignInRefused,
    #[error("the machine of this session has not shown its key again")]
    ProofNeeded,
    #[error("the machine's key, its signature or the challenge is not right")]
    ProofRefused,
    #[error("this session began without a machine's key")]
    NoMachineKey,
    #[error(transparent)]
    Key(#[from] deadwax_domain::Refusal),
    #[error("too many sign in at once")]
    Busy,
    #[error("a passphrase could not be hashed: {0}")]
    Hash(String),
    #[error("an owner cannot end their own access")]
    Yourself,
    #[error("a person with this e-mail is already here")]
    EmailTaken,
    #[error("there is no such person")]
    NoSuchPerson,
    #[error("there is no such session")]
    NoSuchSession,
    #[error(transparent)]
    Link(#[from] NotOpened),
    #[error("{0}")]
    NameInvalid(String),
    #[error("{0}")]
    EmailInvalid(String),
    #[error("this is the studio's only owner")]
    LastOwner,
    #[error("{0}")]
    LimitReached(String),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("entry {seq} of the studio's stream cannot be read: {what}")]
    Unreadable { seq: u64, what: String },
    /// It holds, and is not written down.
    #[error("the way in is ended as long as this server runs; the disk did not take it")]
    EndedUntilRestart,
    #[error("the system gave no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

impl From<getrandom::Error> for AuthError {
    fn from(error: getrandom::Error) -> Self {
        Self::NoRandomness(error)
    }
}

/// A session that has just begun. The token is shown once.
pub struct Opened {
    pub token: Secret,
    pub person: Person,
    pub session_id: u128,
    pub expires_ms: i64,
}

pub struct People {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    state: RwLock<State>,
    /// One writer at a time in this process.
    writing: tokio::sync::Mutex<()>,
    /// Ends that hold in memory alone, because the disk did not take them.
    held: Mutex<Vec<Fact>>,
    addresses: Tries<IpAddr>,
    ways: Tries<Way>,
    hasher: Hasher,
    challenges: Challenges,
    /// Others write to the same store.
    shared: bool,
    looking: Looking,
}

/// Keys that must be free in the whole store.
type Claims = Vec<Bytes>;

/// What is to be written, what it claims, and the answer once it is there.
type Ruling<T> = Result<(Vec<Fact>, Claims, T), AuthError>;

impl People {
    /// Folds the studio's stream. `closing` ends every session's streams when the server stops.
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        closing: CancellationToken,
    ) -> Result<Arc<Self>, AuthError> {
        let seal = match store.neighbours() {
            Some(neighbours) => Some(neighbours.seal().await?),
            None => None,
        };
        let people = Arc::new(Self {
            shared: store.changes().is_some(),
            looking: Looking::default(),
            store,
            clock,
            state: RwLock::new(State::new(closing)),
            writing: tokio::sync::Mutex::new(()),
            held: Mutex::default(),
            addresses: Tries::new(ADDRESS_TRIES, TRIES_WINDOW),
            ways: Tries::new(TRIES, TRIES_WINDOW),
            hasher: Hasher::new()?,
            challenges: Challenges::new(seal)?,
        });
        people.follow();
        people.catch_up().await?;
        // When sessions were used before this process began, where other servers know it.
        people.share_uses().await;
        people.sweep();
        // A crash between the fact and the erasure leaves names behind: finish what was begun.
        let unfinished: Vec<PersonId> = people.state().redacted();
        for person in unfinished {
            people.erase(person).await?;
        }
        Ok(people)
    }

    /// Passphrases that are hashed or wait for it.
    pub fn hashes_waiting(&self) -> usize {
        self.hasher.waiting()
    }

    /// Every session's streams end now, and no call begins: the server stops.
    pub fn is_closing(&self) -> bool {
        self.state().is_closing()
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    async fn catch_up(&self) -> Result<(), AuthError> {
        loop {
            let after = self.state().seq;
            let entries = self.store.read(STUDIO, after, PAGE).await?;
            let mut state = self.state_mut();
            // Two may read the same page; each fact is folded once.
            let known = state.seq;
            for entry in entries.iter().filter(|entry| entry.seq > known) {
                state
                    .apply(entry)
                    .map_err(|error| AuthError::Unreadable { seq: entry.seq, what: error.to_string() })?;
            }
            if entries.len() < PAGE {
                return Ok(());
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, Vec<Fact>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends facts at the place that was folded, then folds them; before them what the disk did not take earlier. Called with `writing` held.
    async fn write(&self, facts: Vec<Fact>, claims: Claims) -> Result<(), AppendError> {
        let at_ms = self.clock.now_ms();
        let held = self.held().clone();
        let late = held.len();
        let entries: Vec<Bytes> = held
            .into_iter()
            .chain(facts)
            .map(|fact| StudioFact { at_ms, fact: Some(fact) }.encode_to_vec().into())
            .collect();
        let command =
            CommandKey { id: uuid::Uuid::now_v7().as_u128(), request_sha256: secret::hash("studio") };
        let expected = self.state().seq;
        let append =
            Append { stream: STUDIO, expected, command, entries: entries.clone(), claims, desk: Vec::new() };
        let appended = match self.store.append(append).await {
            Err(conflict @ AppendError::Conflict { .. }) => {
                // Another server wrote to the stream a moment ago: the next try stands on what it wrote.
                let _told_with_the_next_try = self.catch_up().await;
                return Err(conflict);
            }
            appended => appended?,
        };
        if late > 0 {
            self.held().clear();
            tracing::info!(ends = late, "what is ended in memory alone is written down");
        }
        let mut state = self.state_mut();
        let known = state.seq;
        for (seq, payload) in (appended.first_seq..).zip(entries).filter(|(seq, _)| *seq > known) {
            let entry = crate::store::Entry { seq, payload: Some(payload) };
            if let Err(error) = state.apply(&entry) {
                tracing::error!(%error, seq, "a fact that was just written cannot be read");
            }
        }
        Ok(())
    }

    /// Decides on what stands in the store now, and writes what follows; decides again where another server was faster. A no is given on what stands there now.
    async fn decided<T>(&self, decide: impl Fn() -> Ruling<T> + Send + Sync) -> Result<T, AuthError> {
        let _writing = self.writing.lock().await;
        self.look().await?;
        self.decide(&decide).await.map_err(|(error, _)| error)
    }

    /// Takes a way in from somebody. Where the disk does not take the facts they hold all the same, as long as this process runs: whoever is to be out is out.
    ///
    /// # Errors
    /// `EndedUntilRestart` where it holds in memory alone: nothing is acknowledged that is not durable (L-1).
    async fn ended_by<T>(&self, decide: impl Fn() -> Ruling<T> + Send + Sync) -> Result<T, AuthError> {
        let _writing = self.writing.lock().await;
        // A store that is away keeps nobody in.
        let _what_is_known_counts = self.look().await;
        match self.decide(&decide).await {
            Err((
                AuthError::Append(
                    AppendError::ReadOnly(_)
                    | AppendError::DiskNearlyFull { .. }
                    | AppendError::Unavailable(_),
                ),
                facts,
            )) => {
                let at_ms = self.clock.now_ms();
                let mut state = self.state_mut();
                facts.iter().for_each(|fact| state.hold(at_ms, fact.clone()));
                drop(state);
                self.held().extend(facts);
                tracing::error!(
                    "a way in is ended in memory alone: after a restart it is open again, unless the disk takes it before"
                );
                Err(AuthError::EndedUntilRestart)
            }
            done => done.map_err(|(error, _)| error),
        }
    }

    /// Answers what was to be written, where it could not be. Called with `writing` held.
    async fn decide<T>(&self, decide: &(impl Fn() -> Ruling<T> + Sync)) -> Result<T, (AuthError, Vec<Fact>)> {
        let (mut attempt, mut turn) = (0, None);
        loop {
            if attempt >= PATIENT && turn.is_none() {
                turn = self.store.turn(STUDIO).await;
                let _told_by_the_next_try = self.catch_up().await;
            }
            let (facts, claims, answer) = decide().map_err(|no| (no, Vec::new()))?;
            attempt += 1;
            match self.write(facts.clone(), claims).await {
                Ok(()) => return Ok(answer),
                Err(AppendError::Conflict { .. }) if attempt < ATTEMPTS => {}
                Err(error) => return Err((error.into(), facts)),
            }
        }
    }

    /// Tries again to write down what was ended in memory alone; after a disk that was full there is room again. The server calls it every second.
    pub async fn write_held(&self) {
        if self.held().is_empty() {
            return;
        }
        let _writing = self.writing.lock().await;
        if !self.held().is_empty() {
            // Why not was told when it was ended.
            let _still_held = self.write(Vec::new(), Vec::new()).await;
        }
    }

    /// Names as they stand now; cheap to take and to keep for one answer.
    pub fn directory(&self) -> Arc<Directory> {
        self.state().directory()
    }

    pub fn person(&self, id: PersonId) -> Option<Person> {
        self.state().person(id)
    }

    pub fn by_email(&self, email: &str) -> Option<Person> {
        self.state().by_email(&name::email(email).ok()?)
    }

    /// Who holds this token, while its session lives.
    pub fn caller(&self, token: &str) -> Option<Caller> {
        let token = secret::read(Kind::Session, token)?;
        let state = self.state();
        let session = state.session_by_token(&token)?;
        if session.expires_ms <= self.clock.now_ms() || session.ended.is_cancelled() {
            return None;
        }
        session.used_ms.store(self.clock.now_ms(), Ordering::Relaxed);
        let person = state.person(session.person)?;
        let (session_id, ended) = (session.id, session.ended.clone());
        Some(Caller { person, session_id, address: None, ended, transit: Transit::default() })
    }

    /// A new person. The e-mail is claimed in the whole studio.
    pub async fn add(&self, name: &str, email: &str, studio_owner: bool) -> Result<Person, AuthError> {
        self.add_as(PersonId(uuid::Uuid::now_v7().as_u128()), name, email, studio_owner).await
    }

    /// As [`People::add`], under an id that the caller made.
    pub async fn add_as(
        &self,
        id: PersonId,
        name: &str,
        email: &str,
        studio_owner: bool,
    ) -> Result<Person, AuthError> {
        let name = name::clean("name", name, name::PERSON_MAX).map_err(AuthError::NameInvalid)?;
        let email = name::email(email).map_err(AuthError::EmailInvalid)?;
        let added = self.decided(|| {
            let state = self.state();
            if state.by_email(&email).is_some() {
                return Err(AuthError::EmailTaken);
            }
            let person_id = id.0.to_be_bytes().to_vec();
            let (name, claim) = (name.clone(), state.email_claim(&email));
            let facts = vec![
                Fact::PersonAdded(stored::PersonAdded { person_id: person_id.clone(), studio_owner }),
                Fact::PersonNamed(stored::PersonNamed { person_id, name, email: email.clone() }),
            ];
            Ok((facts, vec![claim.into()], ()))
        });
        match added.await {
            Ok(()) => self.person(id).ok_or(AuthError::NoSuchPerson),
            Err(AuthError::Append(AppendError::ClaimTaken(_))) => Err(AuthError::EmailTaken),
            Err(error) => Err(error),
        }
    }

    /// Whether this person has ever used a code.
    pub fn has_signed_in(&self, id: PersonId) -> bool {
        self.state().has_signed_in(id)
    }

    /// Everybody but the guests of links, by name.
    pub fn list(&self) -> Vec<Person> {
        let directory = self.directory();
        let all = directory.people.values().filter(|person| !person.is_guest());
        let mut people: Vec<Person> = all.cloned().collect();
        people.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        people
    }

    pub fn mail(&self, id: PersonId) -> MailChoice {
        self.state().mail(id)
    }

    pub async fn set_mail(&self, id: PersonId, choice: MailChoice) -> Result<(), AuthError> {
        self.look().await?;
        self.person(id).ok_or(AuthError::NoSuchPerson)?;
        if self.mail(id) == choice {
            return Ok(());
        }
        let choice = match choice {
            MailChoice::Each => stored::MailChoice::Each,
            MailChoice::Digest => stored::MailChoice::Digest,
            MailChoice::None => stored::MailChoice::None,
        };
        self.decided(|| {
            self.person(id).ok_or(AuthError::NoSuchPerson)?;
            let person_id = id.0.to_be_bytes().to_vec();
            let fact = Fact::MailChosen(stored::MailChosen { person_id, choice: choice.into() });
            Ok((vec![fact], Vec::new(), ()))
        })
        .await
    }

    /// Takes name, e-mail and device names out of the journal, and every way in. What the person did stays, under no name.
    pub async fn redact(&self, person: PersonId) -> Result<(), AuthError> {
        self.decided(|| {
            let known = self.person(person).ok_or(AuthError::NoSuchPerson)?;
            if known.studio_owner && self.state().owners() == 1 {
                return Err(AuthError::LastOwner);
            }
            let fact = Fact::PersonRedacted(stored::PersonRedacted {
                person_id: person.0.to_be_bytes().to_vec(),
                email_sha256: fold::email_hash(&known.email).to_vec(),
            });
            Ok((vec![fact], Vec::new(), ()))
        })
        .await?;
        self.erase(person).await
    }

    async fn erase(&self, person: PersonId) -> Result<(), AuthError> {
        let entries = self.state().personal_entries(person);
        for seq in entries {
            self.store.redact(STUDIO, seq).await?;
        }
        Ok(())
    }

    /// Ends sessions and codes that have run out. The server calls it every second.
    pub fn sweep(&self) {
        let now_ms = self.clock.now_ms();
        self.state_mut().expire(now_ms, SESSION_IDLE.as_millis() as i64);
    }
}
