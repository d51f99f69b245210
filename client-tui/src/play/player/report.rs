//! Tells the studio what was heard: now and then while it plays, at every pause, and what could not be told as soon as it can. Never here: what was heard.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::mpsc::Sender, time::Instant};
use tokio_util::task::AbortOnDropHandle;

use crate::{
    net::Client,
    play::{News, Track, told::Told},
};

const EVERY: Duration = Duration::from_secs(10);

pub(super) struct Reports {
    client: Client,
    news: Sender<News>,
    told: Arc<Mutex<Told>>,
    last: Instant,
    running: Option<AbortOnDropHandle<()>>,
}

impl Reports {
    pub(super) fn new(client: Client, path: Option<PathBuf>, news: Sender<News>) -> Reports {
        let told = Arc::new(Mutex::new(Told::open(path)));
        Reports { client, news, told, last: Instant::now(), running: None }
    }

    pub(super) fn heard(&self, track: &Track, rate: u32, from: u64, to: u64) {
        lock(&self.told).add(track, rate, from, to);
    }

    pub(super) fn tell_sometimes(&mut self) {
        if self.last.elapsed() >= EVERY {
            self.tell();
        }
    }

    /// Begins to tell what waits, unless it is being told.
    pub(super) fn tell(&mut self) {
        if lock(&self.told).is_empty() || self.running.as_ref().is_some_and(|it| !it.is_finished()) {
            return;
        }
        self.last = Instant::now();
        let (client, news, told) = (self.client.clone(), self.news.clone(), self.told.clone());
        // On the disk first: a kill while the line is slow loses nothing. What the disk does not take is told all the same.
        drop(lock(&told).save());
        self.running = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            let requests = lock(&told).requests();
            for request in requests {
                let (version_id, alternate) = (request.version_id.clone(), request.alternate.clone());
                match client.report_heard(request.clone()).await {
                    Ok(percent) => {
                        lock(&told).done(&request);
                        drop(news.send(News::Heard { version_id, alternate, percent }).await);
                    }
                    // The line is down: the next report takes it along.
                    Err(error) if error.is_passing() => break,
                    // A version that is gone, or is not to be seen any more: nobody wants to know.
                    Err(_) => lock(&told).done(&request),
                }
            }
            drop(lock(&told).save());
        })));
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        drop(lock(&self.told).save());
    }
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}
