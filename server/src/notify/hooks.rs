//! Webhooks: what happened in a project, told to addresses that its managers set. The ledger itself is the queue: each webhook has a cursor, the
//! last seq that it was told, kept in a file; so nothing waits in memory, nothing is lost by a crash, and a receiver that hangs costs only its own
//! turns. At least once and in order. Never here: who may set one (the domain), and a connection (`post`).

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use deadwax_domain::{Event, Fact, PersonId, Project, ProjectId, Role, Roles, Webhook, WebhookId};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    kept::Place,
    pause::{Dice, PATIENCE_MS, pause_ms},
    post::{Delivery, PostError, Poster},
    secret::{self, Secrets},
};
use crate::{
    ledger::{Clock, Kept, Ledger, LedgerError, News, Recorded, Snapshot},
    metrics::NewsFigures,
    watch::Names,
    wire,
};

const FILE: &str = "webhooks.json";
/// Receivers that are spoken to at the same time.
const AT_ONCE: usize = 32;
/// Facts read at once, and told in one turn before others get theirs.
const PAGE: usize = 64;
const SCAN: u64 = 512;

/// Where one webhook stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// Everything up to this seq was told, is not for this webhook, or was given up.
    told: u64,
    /// In a row.
    failures: u32,
    /// No sooner than this.
    next_ms: i64,
}

type Key = (ProjectId, WebhookId);
type Cursors = BTreeMap<Key, Cursor>;

#[derive(Clone)]
pub struct Hooks {
    pub ledger: Arc<Ledger>,
    pub clock: Arc<dyn Clock>,
    pub names: Names,
    /// The studio's name.
    pub studio: String,
    pub kept: Place,
    pub secrets: Arc<Secrets>,
    pub poster: Poster,
    pub dice: Dice,
    /// `webhooks.enabled`.
    pub enabled: bool,
    /// How often to look at the clock.
    pub tick: Duration,
    pub shutdown: CancellationToken,
    pub figures: NewsFigures,
}

/// What one run shares between its turns.
struct Run {
    hooks: Hooks,
    cursors: Mutex<Cursors>,
    /// One writer of the file at a time: an older state must not overtake a newer one.
    writing: tokio::sync::Mutex<()>,
    speaking: Mutex<HashSet<Key>>,
    ended: Notify,
}

/// The projects that have webhooks, as they stand.
struct Hooked {
    news: News,
    projects: BTreeMap<ProjectId, Arc<Snapshot>>,
}

impl Hooked {
    fn of(ledger: &Arc<Ledger>) -> Self {
        Self { news: ledger.news(), projects: BTreeMap::new() }
    }

    fn look(&mut self) {
        for snapshot in self.news.take() {
            if snapshot.project.webhooks.is_empty() {
                self.projects.remove(&snapshot.id);
            } else {
                self.projects.insert(snapshot.id, snapshot);
            }
        }
    }
}

impl Hooks {
    /// Runs until shutdown. Deliveries that are on their way then are told again at the next start.
    pub async fn run(self) {
        let cursors = match self.begin().await {
            Ok(cursors) => cursors,
            Err(error) if self.kept.is_shared() => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "webhooks wait: what was told could not be read"
                );
                return;
            }
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "webhooks are not told until a restart");
                return;
            }
        };
        let run = Arc::new(Run::of(self, cursors));
        let (turns, places) = (TaskTracker::new(), Arc::new(Semaphore::new(AT_ONCE)));
        let mut hooked = Hooked::of(&run.hooks.ledger);
        while !run.hooks.shutdown.is_cancelled() {
            hooked.look();
            for key in run.due(&hooked).await {
                let Ok(place) = Arc::clone(&places).try_acquire_owned() else { break };
                lock(&run.speaking).insert(key);
                let run = Arc::clone(&run);
                turns.spawn(async move {
                    tokio::select! {
                        () = run.hooks.shutdown.cancelled() => {}
                        () = run.turn(key) => {}
                    }
                    lock(&run.speaking).remove(&key);
                    drop(place);
                    run.ended.notify_one();
                });
            }
            tokio::select! {
                () = run.hooks.shutdown.cancelled() => {}
                () = hooked.news.changed() => {}
                () = run.ended.notified() => {}
                () = tokio::time::sleep(run.hooks.tick) => {}
            }
        }
        turns.close();
        turns.wait().await;
        run.keep().await;
        run.hooks.figures.hooks_behind.set(0);
        run.hooks.figures.hooks_failing.set(0);
    }

    /// Where webhooks are switched off what happens meanwhile is not told later: all of it counts as told.
    pub async fn skip(self) {
        match self.begin().await {
            Ok(cursors) => {
                let run = Run::of(self, cursors);
                let mut hooked = Hooked::of(&run.hooks.ledger);
                hooked.look();
                let _nothing_is_due = run.due(&hooked).await;
                run.keep().await;
            }
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "webhooks wait: what was told could not be read"
                );
            }
        }
    }

    /// A first start begins at the head of every project: nobody wants the news of a year at once.
    async fn begin(&self) -> anyhow::Result<Cursors> {
        if let Some(kept) = self.kept.read::<BTreeMap<String, Cursor>>(FILE).await? {
            return Ok(kept.iter().filter_map(|(key, cursor)| Some((read_key(key)?, *cursor))).collect());
        }
        let mut cursors = Cursors::new();
        for snapshot in self.ledger.projects().await? {
            for webhook in snapshot.project.webhooks.keys() {
                let cursor = Cursor { told: snapshot.seq, ..Cursor::default() };
                cursors.insert((snapshot.id, webhook), cursor);
            }
        }
        self.kept.write(FILE, &texts(&cursors)).await?;
        Ok(cursors)
    }
}

impl Run {
    fn of(hooks: Hooks, cursors: Cursors) -> Self {
        Self {
            hooks,
            cursors: Mutex::new(cursors),
            writing: tokio::sync::Mutex::default(),
            speaking: Mutex::default(),
            ended: Notify::new(),
        }
    }

    /// Webhooks that have something to hear and may hear it now.
    async fn due(&self, hooked: &Hooked) -> Vec<Key> {
        let mut new_one = self.forget_removed(hooked);
        let (now, mut due) = (self.hooks.clock.now_ms(), Vec::new());
        let (mut behind, mut failing) = (0, 0);
        for snapshot in hooked.projects.values() {
            for webhook in snapshot.project.webhooks.keys() {
                let key = (snapshot.id, webhook);
                let known = lock(&self.cursors).get(&key).copied();
                let cursor = match known {
                    Some(cursor) => cursor,
                    None => {
                        let Some(told) = self.set_at(snapshot, webhook).await else { continue };
                        new_one = true;
                        let cursor = Cursor { told, ..Cursor::default() };
                        *lock(&self.cursors).entry(key).or_insert(cursor)
                    }
                };
                behind += i64::from(self.hooks.enabled && cursor.told < snapshot.seq);
                failing += i64::from(cursor.failures > 0);
                if !self.hooks.enabled {
                    self.change(key, |cursor| cursor.told = cursor.told.max(snapshot.seq));
                } else if cursor.told < snapshot.seq
                    && cursor.next_ms <= now
                    && !lock(&self.speaking).contains(&key)
                {
                    due.push(key);
                }
            }
        }
        self.hooks.figures.hooks_behind.set(behind);
        self.hooks.figures.hooks_failing.set(failing);
        if new_one {
            self.keep().await;
        }
        // The one that waits longest first, where there are more than places.
        let cursors = lock(&self.cursors);
        due.sort_by_key(|key| cursors.get(key).map(|cursor| cursor.next_ms));
        due
    }

    fn forget_removed(&self, hooked: &Hooked) -> bool {
        let there: HashSet<Key> = hooked
            .projects
            .values()
            .flat_map(|it| it.project.webhooks.keys().map(|webhook| (it.id, webhook)))
            .collect();
        let mut cursors = lock(&self.cursors);
        let before = cursors.len();
        cursors.retain(|key, _| there.contains(key));
        cursors.len() != before
    }

    /// The seq before the fact that set it: its own setting is the first thing that it hears, so that its maker sees that it works.
    async fn set_at(&self, snapshot: &Snapshot, webhook: WebhookId) -> Option<u64> {
        let mut before = snapshot.seq + 1;
        while before > 1 {
            let after = before.saturating_sub(SCAN + 1);
            let count = usize::try_from(before - 1 - after).unwrap_or(PAGE);
            let page = match self.hooks.ledger.events(snapshot.id, after, count).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "a webhook waits: the facts of its project could not be read");
                    return None;
                }
            };
            if let Some(found) = page.iter().rev().find(|one| sets(one, webhook)) {
                return Some(found.seq - 1);
            }
            before = after + 1;
        }
        Some(snapshot.seq)
    }

    /// Tells one webhook what it has not heard, until it is up to date, it fails, or others are to have their turn.
    async fn turn(&self, key: Key) {
        if let Err(error) = self.try_turn(key).await {
            tracing::warn!(%error, webhook = %text(key), "a webhook waits: its project could not be read");
            let now = self.hooks.clock.now_ms();
            self.change(key, |cursor| cursor.next_ms = now + pause_ms(1, &self.hooks.dice));
        }
    }

    async fn try_turn(&self, key: Key) -> Result<(), LedgerError> {
        let Some(cursor) = lock(&self.cursors).get(&key).copied() else { return Ok(()) };
        let page = self.hooks.ledger.events(key.0, cursor.told, PAGE).await?;
        let mut skipped = false;
        for recorded in &page {
            // Read anew for each: a manager who left, a webhook that was removed and a note that was hidden take effect at once.
            let Some(snapshot) = self.hooks.ledger.project(key.0).await? else { return Ok(()) };
            let Some(webhook) = snapshot.project.webhooks.get(key.1) else { return Ok(()) };
            let Some(body) = self.body(&snapshot, webhook, recorded) else {
                self.change(key, |cursor| cursor.told = recorded.seq);
                skipped = true;
                continue;
            };
            let told = self.tell(key, webhook, recorded.seq, body).await;
            skipped = false;
            match told {
                Ok(()) => {
                    self.change(key, |cursor| *cursor = Cursor { told: recorded.seq, ..Cursor::default() });
                }
                Err(error) if error.is_final() => {
                    let seq = recorded.seq;
                    tracing::warn!(%error, webhook = %text(key), seq, "a webhook will never take a delivery; the next one follows");
                    self.change(key, |cursor| *cursor = Cursor { told: seq, ..Cursor::default() });
                }
                Err(error) => {
                    self.failed(key, recorded, &error).await?;
                    self.keep().await;
                    return Ok(());
                }
            }
            self.keep().await;
        }
        if skipped {
            self.keep().await;
        }
        Ok(())
    }

    /// Later again; what is older than a day is given up, all of it at once: a receiver that comes back should hear what is new.
    async fn failed(&self, key: Key, recorded: &Recorded, error: &PostError) -> Result<(), LedgerError> {
        let now = self.hooks.clock.now_ms();
        let (mut given_up, mut after) = (0_u64, recorded.seq - 1);
        'pages: loop {
            let page = self.hooks.ledger.events(key.0, after, PAGE).await?;
            for one in &page {
                if at_ms(one).is_some_and(|at| now - at < PATIENCE_MS) {
                    break 'pages;
                }
                given_up += 1;
                after = one.seq;
            }
            if page.is_empty() {
                break;
            }
        }
        let mut failures = 0;
        self.change(key, |cursor| {
            cursor.told = after;
            cursor.failures = cursor.failures.saturating_add(1);
            cursor.next_ms = now + pause_ms(cursor.failures, &self.hooks.dice);
            failures = cursor.failures;
        });
        let (webhook, seq) = (text(key), recorded.seq);
        if given_up > 0 {
            tracing::error!(%error, %webhook, seq, given_up, failures, "a webhook failed for a day; what is older is given up");
        } else {
            tracing::warn!(%error, %webhook, seq, failures, "a webhook failed; it is tried again");
        }
        Ok(())
    }

    async fn tell(&self, key: Key, webhook: &Webhook, seq: u64, body: String) -> Result<(), PostError> {
        let secret = match self.hooks.secrets.secret(key.1.0) {
            Ok(secret) => secret,
            Err(error) => {
                // Unsigned it must not go.
                tracing::error!(error = format!("{error:#}"), "webhooks cannot be signed");
                return Err(PostError::Unsigned);
            }
        };
        let signature = secret::signature(&secret, self.hooks.clock.now_ms() / 1000, &body);
        let delivery = Delivery { id: delivery_id(key, seq), signature, body };
        self.hooks.poster.post(&webhook.url, &delivery).await
    }

    /// `None` where this webhook is not to hear of it.
    fn body(&self, snapshot: &Snapshot, webhook: &Webhook, recorded: &Recorded) -> Option<String> {
        let project = &snapshot.project;
        let ears = ears(project, webhook)?;
        if !matches!(recorded.kept, Kept::Event(_)) {
            return None;
        }
        let entry = wire::history::entry(&ears, EARS, &(self.hooks.names)(), recorded, None)?;
        if !webhook.codes.is_empty() && !webhook.codes.contains(&entry.code) {
            return None;
        }
        let song = project.songs.values().find(|song| wire::id(song.id.0) == entry.song_id);
        let body = serde_json::json!({
            "delivery": delivery_id((snapshot.id, webhook.id), recorded.seq),
            "studio": self.hooks.studio,
            "project_id": wire::id(snapshot.id.0),
            "project": wire::text::scrub(&project.title),
            "seq": recorded.seq,
            "at_ms": entry.at_ms,
            "at": super::letter::rfc3339(entry.at_ms),
            "code": entry.code,
            "who": entry.who,
            "text": entry.text,
            "song_id": entry.song_id,
            "song": song.map(|song| wire::text::scrub(&song.title)).unwrap_or_default(),
        });
        Some(body.to_string())
    }

    fn change(&self, key: Key, change: impl FnOnce(&mut Cursor)) {
        if let Some(cursor) = lock(&self.cursors).get_mut(&key) {
            change(cursor);
        }
    }

    /// Where the disk refuses, deliveries are told again after a restart: at least once.
    async fn keep(&self) {
        let _writing = self.writing.lock().await;
        let cursors = texts(&lock(&self.cursors));
        if let Err(error) = self.hooks.kept.write(FILE, &cursors).await {
            tracing::warn!(error = format!("{error:#}"), "what webhooks were told could not be kept");
        }
    }
}

/// Who listens at a webhook. Nobody has this id.
const EARS: PersonId = PersonId(u128::MAX);

/// The project with a member who manages and does nothing else. A webhook hears what they would: its address is read by people whom nobody
/// knows here, so that what its maker sees beyond (as an engineer in the workshop, of their own vote or line) stays here. Nothing where the maker
/// left or manages no more.
fn ears(project: &Project, webhook: &Webhook) -> Option<Project> {
    if !project.holds_role(webhook.by, Role::Manager) {
        return None;
    }
    let mut ears = project.clone();
    // Of a blind shootout they hear as the label does: a manager would be told whose mix is whose.
    let blind = project.songs.keys().any(|song| project.open_shootout(song).is_some_and(|open| open.blind));
    let role = if blind { Role::Label } else { Role::Manager };
    let fact = Fact::MemberAdded { person: EARS, roles: Roles::from([role]) };
    ears.apply(&Event { at: webhook.at, by: None, fact });
    Some(ears)
}

fn sets(recorded: &Recorded, id: WebhookId) -> bool {
    match &recorded.kept {
        Kept::Event(event) => {
            matches!(&event.fact, Fact::WebhookSet { webhook, .. } if *webhook == id)
        }
        Kept::Newer { .. } | Kept::Redacted => false,
    }
}

fn at_ms(recorded: &Recorded) -> Option<i64> {
    match &recorded.kept {
        Kept::Event(event) => Some(event.at.0),
        Kept::Newer { at, .. } => Some(at.0),
        Kept::Redacted => None,
    }
}

/// The same for every try of it: a receiver that has seen it drops the repeat.
fn delivery_id(key: Key, seq: u64) -> String {
    format!("{}/{seq}/{}", wire::id(key.0.0), wire::id(key.1.0))
}

fn text(key: Key) -> String {
    format!("{}/{}", wire::id(key.0.0), wire::id(key.1.0))
}

fn texts(cursors: &Cursors) -> BTreeMap<String, Cursor> {
    cursors.iter().map(|(key, cursor)| (text(*key), *cursor)).collect()
}

fn read_key(text: &str) -> Option<Key> {
    let (project, webhook) = text.split_once('/')?;
    let id = |text: &str| uuid::Uuid::try_parse(text).ok().map(|id| id.as_u128());
    Some((ProjectId(id(project)?), WebhookId(id(webhook)?)))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
