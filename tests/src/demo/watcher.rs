//! Somebody who only watches, through the client library, from the first row to the last: across the server's end and its new start.
//! Never here: questions; what it knows came over the stream.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use deadwax_client::net::{Client, Followed, follow};
use deadwax_proto::v1::{Row, Update};
use futures::StreamExt as _;
use tokio::runtime::Runtime;

#[derive(Clone, Default)]
pub struct Seen {
    pub rows: BTreeMap<String, Row>,
    pub seq: u64,
    pub updates: u64,
    pub snapshots: u64,
    /// Times that the line was cut.
    pub lost: u64,
    pub ended: Option<String>,
}

impl Seen {
    fn take(&mut self, update: Update) {
        self.updates += 1;
        if update.snapshot {
            self.snapshots += 1;
            self.rows.clear();
        }
        for key in update.removals {
            self.rows.remove(&key);
        }
        self.rows.extend(update.upserts.into_iter().map(|row| (row.key.clone(), row)));
        self.seq = update.seq;
    }
}

pub struct Watcher {
    seen: Arc<Mutex<Seen>>,
    client: Client,
    project_id: String,
}

impl Watcher {
    pub fn start(runtime: &Runtime, client: Client, project_id: &str) -> Watcher {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (into, mut stream) =
            (Arc::clone(&seen), Box::pin(follow(client.clone(), project_id.to_owned(), 0)));
        runtime.spawn(async move {
            while let Some(item) = stream.next().await {
                let mut seen = into.lock().unwrap_or_else(PoisonError::into_inner);
                match item {
                    Followed::Live => {}
                    Followed::Row(update) => seen.take(update),
                    Followed::Lost { .. } => seen.lost += 1,
                    Followed::Ended(error) => seen.ended = Some(error.to_string()),
                }
            }
        });
        Watcher { seen, client, project_id: project_id.to_owned() }
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What `Get` says now, and what the stream made of it, given a few seconds to come so far.
    pub fn beside_get(&self, runtime: &Runtime) -> Result<(BTreeMap<String, Row>, Seen)> {
        let fresh = runtime.block_on(self.client.get(&self.project_id))?;
        let rows: BTreeMap<String, Row> =
            fresh.upserts.into_iter().map(|row| (row.key.clone(), row)).collect();
        let since = Instant::now();
        loop {
            let seen = self.seen();
            if (seen.seq >= fresh.seq && seen.rows == rows) || since.elapsed() > Duration::from_secs(15) {
                return Ok((rows, seen));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
