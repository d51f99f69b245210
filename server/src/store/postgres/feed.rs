//! What others append: asked for again and again, and at once when the engine says that there is something (NOTIFY). The word carries nothing: what is new is
//! always read from the tables, so that engines without NOTIFY, lost words and strangers' words change how soon, never what. Never here: writing facts.

use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{StreamExt as _, stream, stream::BoxStream};
use tokio::{
    sync::{Notify, broadcast, watch},
    time::{Instant, sleep},
};
use tokio_postgres::AsyncMessage;

use super::{fault::Fault, link::Link, moved::serving, seq_of};
use crate::{disk::Latch, store::StreamId};

/// Others are heard within this, whatever happens to a word.
const ASK_EVERY: Duration = Duration::from_millis(400);
/// Words come singly and appends by the hundred: asked and told no oftener than this.
const BREATH: Duration = Duration::from_millis(15);
/// Seconds that are looked back over. A row is stamped before it is committed, and clocks of engines with many machines differ: a short look each time, a long one
/// that no transaction outlives every few seconds, and all rows now and then.
const SHORT_S: f64 = 2.0;
const LONG_S: f64 = 60.0;
const LONG_EVERY: Duration = Duration::from_secs(3);
const ALL_EVERY: Duration = Duration::from_secs(300);
/// News that a slow listener may be behind; beyond it, it gets all heads anew.
const BEHIND: usize = 4096;
/// One look; it takes a few milliseconds.
const LOOK: Duration = Duration::from_secs(5);
/// A database that is restarted, or whose standby takes over, is away for a moment: after this it is told to whoever asks for this server's health.
const PATIENT_FOR: Duration = Duration::from_secs(5);
const CHANNEL: &str = "deadwax";

const CHANGED: &str = "SELECT stream, head FROM deadwax_streams WHERE changed_at > clock_timestamp() - $1::float8 * interval '1 second'";
const ALL: &str = "SELECT stream, head FROM deadwax_streams";
pub(super) const HEAD: &str = "SELECT head FROM deadwax_streams WHERE stream = $1";

pub(super) struct Feed {
    /// The highest head of each stream that was read or acknowledged here.
    known: Mutex<HashMap<StreamId, u64>>,
    told: broadcast::Sender<(StreamId, u64)>,
    /// Somebody appended, says the engine.
    heard: Notify,
    /// This server appended: the others may be told.
    said: Notify,
    /// The line that listens may lead to an engine that hangs or is no longer written to.
    renew: Notify,
    /// When the last question was asked that was answered.
    asked: Mutex<Instant>,
    /// No answer for longer than [`PATIENT_FOR`].
    pub away: watch::Sender<bool>,
}

impl Feed {
    pub(super) fn new() -> Arc<Self> {
        let (told, _) = broadcast::channel(BEHIND);
        Arc::new(Self {
            known: Mutex::default(),
            told,
            heard: Notify::new(),
            said: Notify::new(),
            renew: Notify::new(),
            asked: Mutex::new(Instant::now()),
            away: watch::Sender::new(false),
        })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<StreamId, u64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn asked(&self) -> Instant {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn head(&self, stream: StreamId) -> u64 {
        self.known().get(&stream).copied().unwrap_or(0)
    }

    /// A head as it stands or stood; told on where it is news. Answers whether it is lower than one that was seen before.
    pub(super) fn saw(&self, stream: StreamId, head: u64) -> bool {
        let mut known = self.known();
        let before = known.get(&stream).copied().unwrap_or(0);
        if head > before {
            known.insert(stream, head);
            drop(known);
            // Nobody may be listening.
            let _unheard = self.told.send((stream, head));
        }
        head < before
    }

    pub(super) fn appended(&self, stream: StreamId, head: u64) {
        self.saw(stream, head);
        self.said.notify_one();
    }

    /// All heads of now, then every newer one, as long as the store is open.
    pub(super) fn changes(self: &Arc<Self>) -> BoxStream<'static, (StreamId, u64)> {
        let begin = (Arc::downgrade(self), self.told.subscribe(), self.all());
        stream::unfold(begin, |(feed, mut receiver, mut waiting)| async move {
            loop {
                if let Some(change) = waiting.pop_front() {
                    return Some((change, (feed, receiver, waiting)));
                }
                match receiver.recv().await {
                    Ok(change) => return Some((change, (feed, receiver, waiting))),
                    Err(broadcast::error::RecvError::Lagged(_)) => waiting = feed.upgrade()?.all(),
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        })
        .boxed()
    }

    fn all(&self) -> VecDeque<(StreamId, u64)> {
        self.known().iter().map(|(stream, head)| (*stream, *head)).collect()
    }
}

/// What changed since the last look, and a little before it.
pub(super) async fn lately(link: &Link, feed: &Feed) -> Result<Vec<(StreamId, u64)>, Fault> {
    let back = feed.asked().elapsed().as_secs_f64() + SHORT_S;
    let client = link.client().await?;
    let statement = client.prepare_cached(CHANGED).await?;
    let rows = client.query(&statement, &[&back]).await?;
    let head = |row: &tokio_postgres::Row| {
        let stream: uuid::Uuid = row.try_get(0)?;
        Ok((StreamId(stream.as_u128()), seq_of(row.try_get(1)?)))
    };
    rows.iter().map(head).collect()
}

/// Asks for what changed until it is dropped.
pub(super) async fn ask(link: Link, feed: Arc<Feed>, latch: Latch) {
    let (mut long, mut all, mut away) = (Instant::now(), None::<Instant>, None::<Instant>);
    loop {
        let back = match all {
            Some(at) if at.elapsed() < ALL_EVERY && long.elapsed() < LONG_EVERY => Some(SHORT_S),
            Some(at) if at.elapsed() < ALL_EVERY => Some(LONG_S),
            _ => None,
        };
        let asked = Instant::now();
        match link.in_time(LOOK, look(&link, &feed, &latch, back)).await {
            Ok(()) => {
                *feed.asked.lock().unwrap_or_else(PoisonError::into_inner) = asked;
                if back != Some(SHORT_S) {
                    long = Instant::now();
                }
                if back.is_none() {
                    all = Some(long);
                }
                if away.take().is_some() {
                    tracing::info!("the database answers again");
                    feed.away.send_replace(false);
                }
            }
            Err(fault) => {
                // What was missed while it was away may be older than any look back.
                all = None;
                feed.renew.notify_one();
                let why = fault.sentence();
                match away {
                    None => {
                        away = Some(Instant::now());
                        tracing::warn!(%why, "the database does not answer; asked again until it does");
                    }
                    Some(since) if since.elapsed() > PATIENT_FOR => {
                        feed.away.send_if_modified(|away| !std::mem::replace(away, true));
                    }
                    Some(_) => {}
                }
            }
        }
        sleep(BREATH).await;
        let _soon = tokio::time::timeout(ASK_EVERY, feed.heard.notified()).await;
    }
}

async fn look(link: &Link, feed: &Feed, latch: &Latch, back: Option<f64>) -> Result<(), Fault> {
    let client = link.client().await?;
    let rows = match back {
        Some(seconds) => {
            let statement = client.prepare_cached(CHANGED).await?;
            client.query(&statement, &[&seconds]).await?
        }
        None => client.query(ALL, &[]).await?,
    };
    for row in rows {
        let stream: uuid::Uuid = row.try_get(0)?;
        let (stream, head) = (StreamId(stream.as_u128()), seq_of(row.try_get(1)?));
        if head > 0 && feed.saw(stream, head) {
            // This row may have been read before an append that was acknowledged meanwhile: ask once more.
            let seen = feed.head(stream);
            let row = client.query_opt(HEAD, &[&uuid::Uuid::from_u128(stream.0)]).await?;
            let head = row.map(|row| row.try_get(0)).transpose()?.map_or(0, seq_of);
            went_back(latch, stream, seen, head);
        }
    }
    Ok(())
}

/// Whatever `seen` was, it was committed: a database that stands below has lost it (a standby that lagged took over, or an older backup was put in its place).
/// Going on would write other facts under the same numbers.
pub(super) fn went_back(latch: &Latch, stream: StreamId, seen: u64, head: u64) {
    if head < seen {
        latch.fall(format!(
            "the database went back: stream {:032x} stands at {head}, {seen} had been committed",
            stream.0
        ));
    }
}

/// Listens for the engine's word on a connection of its own until it is dropped, or the engine has no such thing.
pub(super) async fn listen(link: Link, feed: Arc<Feed>) {
    loop {
        if let Err(Fault::Unknown(why)) = listen_once(&link, &feed).await {
            tracing::info!(%why, "the database has no LISTEN: other servers are heard by asking");
            return;
        }
        sleep(ASK_EVERY).await;
    }
}

async fn listen_once(link: &Link, feed: &Feed) -> Result<(), Fault> {
    let (client, mut connection) = link.connect().await?;
    let line = async {
        while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
            if let AsyncMessage::Notification(_) = message? {
                feed.heard.notify_one();
            }
        }
        Err::<(), Fault>(Fault::Lost("the line ended".into()))
    };
    let ask = async {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
        // What came between the last look and now.
        feed.heard.notify_one();
        // Whoever moves the studio away waits until nobody shares it. An engine without such locks has only the closing of the table.
        if let Ok(key) = serving(&client).await {
            let _shared = client.execute("SELECT pg_advisory_lock_shared($1)", &[&key]).await;
        }
        std::future::pending::<Result<(), Fault>>().await
    };
    tokio::select! {
        ended = line => ended,
        refused = ask => refused,
        () = feed.renew.notified() => Err(Fault::Lost("the database does not answer".into())),
    }
}

/// Tells the others after appends of this server, as a hint: many appends, one word.
pub(super) async fn tell(link: Link, feed: Arc<Feed>) {
    loop {
        feed.said.notified().await;
        let tell = async { Ok(link.client().await?.batch_execute(&format!("NOTIFY {CHANNEL}")).await?) };
        if let Err(Fault::Unknown(why)) = link.in_time(LOOK, tell).await {
            tracing::info!(%why, "the database has no NOTIFY: other servers hear by asking");
            return;
        }
        sleep(BREATH).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn news_is_told_once_and_who_lags_gets_all_heads() {
        let feed = Feed::new();
        feed.saw(StreamId(1), 5);
        let mut changes = feed.changes();
        assert_eq!(changes.next().await, Some((StreamId(1), 5)));
        assert!(!feed.saw(StreamId(1), 5) && feed.saw(StreamId(1), 4));
        feed.saw(StreamId(1), 6);
        assert_eq!(changes.next().await, Some((StreamId(1), 6)));
        for head in 7..7 + 2 * BEHIND as u64 {
            feed.saw(StreamId(1), head);
        }
        feed.saw(StreamId(2), 1);
        let mut last = HashMap::new();
        while last.len() < 2 || last[&StreamId(1)] < 6 + 2 * BEHIND as u64 {
            let (stream, head) = changes.next().await.unwrap();
            last.insert(stream, head);
        }
        assert_eq!(last[&StreamId(2)], 1);
    }

    #[test]
    fn a_database_that_went_back_is_not_written_to() {
        let latch = Latch::default();
        went_back(&latch, StreamId(1), 5, 5);
        assert_eq!(latch.reason(), None);
        went_back(&latch, StreamId(1), 5, 4);
        assert!(latch.reason().unwrap().contains("stands at 4"));
    }
}
