//! Who gets a letter, and when: what newly waits on somebody, at once or once a day, what happened in what they follow, and
//! to owners of the studio who took unusually much. Computed from the
//! ledger; a mark for each project says up to where it was looked at, so that a restart neither repeats nor forgets. One task owns the book and
//! writes it; the mail server is spoken to beside it. Never here: what a letter says (`letter`), a connection (`mail`).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use deadwax_domain::{PersonId, ProjectId, SongId};
use deadwax_proto::v1::DeskRow;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{
    kept::Place,
    letter,
    mail::{Letter, MailError, PostOffice},
    outbox::{Outbox, PersonText, ProjectText, Tried, Waiting},
    pause::Dice,
};
use crate::{
    auth::{MailChoice, People},
    egress::{EgressBook, Unusual},
    ledger::{Clock, Ledger, LedgerError, Snapshot},
    metrics::NewsFigures,
    wire,
};

const FILE: &str = "mail.json";
/// What comes within this time is one letter.
const TOGETHER_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 3_600_000;
const HOUR_MS: i64 = 3_600_000;
/// A letter that is on its way when the server stops.
const STOPPING: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct Mailer {
    pub ledger: Arc<Ledger>,
    pub clock: Arc<dyn Clock>,
    pub people: Arc<People>,
    /// Tells who took unusually much.
    pub egress: Arc<EgressBook>,
    /// The studio's name.
    pub studio: String,
    pub kept: Place,
    pub office: Arc<PostOffice>,
    /// In UTC.
    pub digest_hour: u8,
    pub dice: Dice,
    /// How often to look at the clock.
    pub tick: Duration,
    pub shutdown: CancellationToken,
    pub figures: NewsFigures,
}

/// Up to which seq a project was looked at.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Marks {
    pub desk: u64,
    pub digest: u64,
}

/// Rows that are to be told to somebody who is told at once.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Pending {
    since_ms: i64,
    keys: BTreeSet<String>,
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct Book {
    pub projects: BTreeMap<ProjectText, Marks>,
    /// Counted from 1970, in UTC.
    digest_day: i64,
    pending: BTreeMap<PersonText, Pending>,
    /// Whoever took unusually much until then was told of, and when that was.
    #[serde(default)]
    unusual_until_ms: i64,
    #[serde(default)]
    unusual_told_ms: i64,
    pub outbox: Outbox,
}

/// The rows of a project at the last look.
struct Seen {
    seq: u64,
    keys: HashSet<(PersonId, String)>,
}

type Sending = JoinHandle<(String, Tried)>;

impl Mailer {
    /// Runs until shutdown; what was not sent then is sent after the next start.
    pub async fn run(self) {
        let mut book = match self.begin().await {
            Ok(book) => book,
            Err(error) if self.kept.is_shared() => {
                tracing::warn!(error = format!("{error:#}"), "mail waits: what was told could not be read");
                return;
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "no mail is sent until a restart");
                return;
            }
        };
        let (mut seen, mut sending): (HashMap<ProjectId, Seen>, Option<Sending>) = (HashMap::new(), None);
        let news = self.ledger.news();
        while !self.shutdown.is_cancelled() {
            match self.look(&mut book, &mut seen, &news.take()).await {
                Ok(false) => {}
                Ok(true) => self.keep(&book).await,
                Err(error) => tracing::warn!(%error, "mail waits: the projects could not be read"),
            }
            if sending.is_none() {
                let waiting = book.outbox.len();
                sending = self.send_next(&mut book).await;
                if book.outbox.len() != waiting {
                    self.keep(&book).await;
                }
            }
            self.figures.letters_waiting.set(i64::try_from(book.outbox.len()).unwrap_or(i64::MAX));
            tokio::select! {
                () = self.shutdown.cancelled() => {}
                () = news.changed() => {}
                tried = ended(&mut sending) => {
                    sending = None;
                    self.note(&mut book, tried);
                    self.keep(&book).await;
                }
                () = tokio::time::sleep(self.tick) => {}
            }
        }
        if let Some(running) = sending
            && let Ok(Ok(tried)) = tokio::time::timeout(STOPPING, running).await
        {
            self.note(&mut book, Some(tried));
        }
        self.keep(&book).await;
        // Of several servers the one that mails tells how many wait.
        self.figures.letters_waiting.set(0);
    }

    /// A first start begins at the head of every project.
    async fn begin(&self) -> anyhow::Result<Book> {
        if let Some(book) = self.kept.read::<Book>(FILE).await? {
            return Ok(book);
        }
        let heads = self.ledger.projects().await?.into_iter();
        let marks = heads.map(|it| (ProjectText(it.id), Marks { desk: it.seq, digest: it.seq })).collect();
        let (day, hour) = self.day_and_hour();
        let digest_day = if hour >= i64::from(self.digest_hour) { day } else { day - 1 };
        let unusual_until_ms = self.clock.now_ms();
        let book = Book { projects: marks, digest_day, unusual_until_ms, ..Book::default() };
        self.kept.write(FILE, &book).await?;
        Ok(book)
    }

    fn day_and_hour(&self) -> (i64, i64) {
        let now = self.clock.now_ms();
        (now.div_euclid(DAY_MS), now.rem_euclid(DAY_MS) / HOUR_MS)
    }

    /// Whether the book changed in what must not be lost. `moved`: the projects that may have something new.
    async fn look(
        &self,
        book: &mut Book,
        seen: &mut HashMap<ProjectId, Seen>,
        moved: &[Arc<Snapshot>],
    ) -> Result<bool, LedgerError> {
        let mut changed = false;
        for snapshot in moved {
            match self.compare(book, seen, snapshot).await {
                Ok(fresh) => changed |= fresh,
                Err(error) => {
                    let project = wire::id(snapshot.id.0);
                    tracing::warn!(%error, project, "what came onto desks here is not mailed: the project could not be read");
                    seen.insert(snapshot.id, Seen { seq: snapshot.seq, keys: keys(snapshot) });
                }
            }
        }
        changed |= self.write_each(book).await?;
        changed |= self.write_unusual(book);
        let (day, hour) = self.day_and_hour();
        if day > book.digest_day && hour >= i64::from(self.digest_hour) {
            let all = self.ledger.projects().await?;
            for (person, text, projects) in self.digests(book, &all).await {
                let id = format!("digest {day} {}", wire::id(person.0));
                self.put(book, person, id, text, projects);
            }
            book.digest_day = day;
            changed = true;
        }
        Ok(changed)
    }

    /// Which rows came onto desks since the last look.
    async fn compare(
        &self,
        book: &mut Book,
        seen: &mut HashMap<ProjectId, Seen>,
        snapshot: &Arc<Snapshot>,
    ) -> Result<bool, LedgerError> {
        let marks = book.projects.entry(ProjectText(snapshot.id)).or_default();
        let before = match seen.remove(&snapshot.id) {
            Some(before) => before,
            None => {
                let then = self.ledger.fold_to(snapshot.id, marks.desk).await?;
                let then = then.unwrap_or_else(|| Arc::clone(snapshot));
                Seen { seq: then.seq, keys: keys(&then) }
            }
        };
        if before.seq >= snapshot.seq {
            seen.insert(snapshot.id, before);
            return Ok(false);
        }
        let now = keys(snapshot);
        let fresh =
            now.difference(&before.keys).filter(|(person, _)| self.people.mail(*person) == MailChoice::Each);
        let mut changed = false;
        for (person, key) in fresh {
            let since_ms = self.clock.now_ms();
            let pending = book.pending.entry(PersonText(*person));
            let pending = pending.or_insert_with(|| Pending { since_ms, keys: BTreeSet::new() });
            changed |= pending.keys.insert(key.clone());
        }
        marks.desk = snapshot.seq;
        seen.insert(snapshot.id, Seen { seq: snapshot.seq, keys: now });
        Ok(changed)
    }

    /// The letters of those who are told at once. What is done or muted by now is not told.
    async fn write_each(&self, book: &mut Book) -> Result<bool, LedgerError> {
        let now = self.clock.now_ms();
        let ripe = book.pending.iter().filter(|(_, pending)| now - pending.since_ms >= TOGETHER_MS);
        let ripe: Vec<PersonText> = ripe.map(|(person, _)| *person).collect();
        if ripe.is_empty() {
            return Ok(false);
        }
        let projects = self.ledger.projects().await?;
        for person in &ripe {
            let Some(pending) = book.pending.remove(person) else { continue };
            let person = person.0;
            let Some(known) =
                self.people.person(person).filter(|_| self.people.mail(person) == MailChoice::Each)
            else {
                continue;
            };
            let of_it =
                |it: &&Arc<Snapshot>| pending.keys.iter().any(|key| key.starts_with(&wire::id(it.id.0)));
            let mut rows: Vec<DeskRow> = Vec::new();
            for snapshot in projects.iter().filter(of_it) {
                let theirs = desk_rows(snapshot)
                    .into_iter()
                    .filter(|(of, row)| *of == person && pending.keys.contains(&row.key));
                rows.extend(theirs.map(|(_, row)| row));
            }
            if rows.is_empty() {
                continue;
            }
            let named = named_in(&rows);
            let id = format!("each {} {} {}", wire::id(person.0), pending.since_ms, hash(&pending.keys));
            let text = letter::each(&self.studio, &known.name, rows);
            self.put(book, person, id, text, named);
        }
        Ok(true)
    }

    /// One letter to each owner of the studio, at most once in an hour: whatever else comes within it stands in the next one.
    fn write_unusual(&self, book: &mut Book) -> bool {
        let now = self.clock.now_ms();
        let fresh = self.egress.unusual().into_iter().filter(|it| it.at_ms > book.unusual_until_ms);
        let fresh: Vec<Unusual> = fresh.collect();
        let Some(newest) = fresh.iter().map(|it| it.at_ms).max() else { return false };
        if now.saturating_sub(book.unusual_told_ms) < HOUR_MS {
            return false;
        }
        let names = self.people.directory();
        let lines: Vec<letter::Taker> = fresh
            .iter()
            .map(|it| letter::Taker {
                name: names.name(it.person).to_owned(),
                person: wire::id(it.person.0),
                at_ms: it.at_ms,
                works: it.works,
                median: it.median,
            })
            .collect();
        for owner in self.people.list().into_iter().filter(|person| person.studio_owner) {
            let id = format!("unusual {} {newest}", wire::id(owner.id.0));
            let text = letter::unusual(&self.studio, &owner.name, &lines);
            self.put(book, owner.id, id, text, BTreeSet::new());
        }
        (book.unusual_until_ms, book.unusual_told_ms) = (newest, now);
        true
    }

    fn put(
        &self,
        book: &mut Book,
        person: PersonId,
        id: String,
        text: letter::Text,
        projects: BTreeSet<ProjectText>,
    ) {
        let made_ms = self.clock.now_ms();
        let letter::Text { subject, body } = text;
        let projects = projects.into_iter().collect();
        let person = PersonText(person);
        let waiting = Waiting { id, person, projects, subject, body, made_ms, tries: 0, next_ms: 0 };
        let given_up = book.outbox.put(waiting);
        if given_up > 0 {
            self.figures.letters_given_up.inc_by(given_up as u64);
            tracing::error!(given_up, "more letters wait than are kept; the oldest are given up");
        }
    }

    /// Begins to send the next letter, if one is due.
    async fn send_next(&self, book: &mut Book) -> Option<Sending> {
        loop {
            let now = self.clock.now_ms();
            let waiting = book.outbox.due(now)?.clone();
            let person = self.people.person(waiting.person.0);
            let wanted = self.people.mail(waiting.person.0) != MailChoice::None;
            let Some(person) = person.filter(|_| wanted) else {
                book.outbox.tried(&waiting.id, Tried::Never, now, &self.dice);
                continue;
            };
            if !self.is_member_of_all(&waiting).await {
                book.outbox.tried(&waiting.id, Tried::Never, now, &self.dice);
                continue;
            }
            let office = Arc::clone(&self.office);
            return Some(tokio::spawn(async move {
                let letter = Letter {
                    id: &waiting.id,
                    name: &person.name,
                    email: &person.email,
                    subject: &waiting.subject,
                    body: &waiting.body,
                    at_ms: waiting.made_ms,
                };
                let tried = tried(office.send(&letter).await, waiting.person);
                (waiting.id, tried)
            }));
        }
    }

    /// V-1: who left a project while the mail server was down hears nothing of it any more.
    async fn is_member_of_all(&self, waiting: &Waiting) -> bool {
        for project in &waiting.projects {
            let snapshot = self.ledger.project(project.0).await.ok().flatten();
            if snapshot.is_none_or(|it| it.project.roles_of(waiting.person.0).is_none()) {
                return false;
            }
        }
        true
    }

    fn note(&self, book: &mut Book, tried: Option<(String, Tried)>) {
        // A task that died took its letter's answer along: as if there had been no server.
        let (id, tried) = tried.unwrap_or((String::new(), Tried::NoServer));
        let given_up = book.outbox.tried(&id, tried, self.clock.now_ms(), &self.dice);
        if given_up > 0 {
            self.figures.letters_given_up.inc_by(given_up as u64);
            let waiting = book.outbox.len();
            tracing::error!(given_up, waiting, "letters were given up");
        }
    }

    /// Where the disk refuses, a restart may send what was sent: under the same Message-ID.
    async fn keep(&self, book: &Book) {
        if let Err(error) = self.kept.write(FILE, book).await {
            tracing::warn!(error = format!("{error:#}"), "what was mailed could not be kept");
        }
    }
}

/// Never, where nothing is being sent.
async fn ended(sending: &mut Option<Sending>) -> Option<(String, Tried)> {
    match sending {
        Some(running) => running.await.ok(),
        None => std::future::pending().await,
    }
}

/// For the operators' log: no name and no address stands in it.
fn tried(sent: Result<(), MailError>, person: PersonText) -> Tried {
    let person = String::from(person);
    match sent {
        Ok(()) => Tried::Gone,
        Err(error @ MailError::Server(_)) => {
            tracing::warn!(%error, "mail waits and is tried again");
            Tried::NoServer
        }
        Err(MailError::Refused { code, final_answer }) => {
            tracing::warn!(person, code, "the mail server refused a letter");
            Tried::Refused { final_answer }
        }
        Err(MailError::Unwritable(_)) => {
            tracing::warn!(person, "a letter cannot be written: is the e-mail sound?");
            Tried::Never
        }
    }
}

pub(super) fn song_of(text: &str) -> Option<SongId> {
    uuid::Uuid::try_parse(text).ok().map(|id| SongId(id.as_u128()))
}

/// The rows of a project with their owners. What was muted is not among them.
pub(super) fn desk_rows(snapshot: &Snapshot) -> Vec<(PersonId, DeskRow)> {
    wire::desk::rows(snapshot.id, &snapshot.project)
}

pub(super) fn keys(snapshot: &Snapshot) -> HashSet<(PersonId, String)> {
    desk_rows(snapshot).into_iter().map(|(person, row)| (person, row.key)).collect()
}

pub(super) fn named_in(rows: &[DeskRow]) -> BTreeSet<ProjectText> {
    rows.iter().filter_map(|row| ProjectText::try_from(row.project_id.clone()).ok()).collect()
}

fn hash(keys: &BTreeSet<String>) -> String {
    let all: Vec<&str> = keys.iter().map(String::as_str).collect();
    hex::encode(&Sha256::digest(all.join("\n"))[..16])
}
