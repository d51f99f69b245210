//! The dry run as the services ask for it. What only the server knows (the profiles of the studio, whom a plant may ask, the balance of masters, the cover) is
//! added here and nowhere else, so that what may start is what was shown; and here is how many run at once. Never here: who may ask, what an answer looks like.

use std::{path::PathBuf, sync::Arc};

use deadwax_domain::{Digest, PersonId, Project, RecordProfile, Refusal};
use tokio::sync::Semaphore;
use tonic::Status;

use crate::{
    blob::Blobs,
    render::record::{
        offered::Offered,
        plans::{self, Dry, Profiles},
        tones,
    },
    status,
    wire::sheet::{self, Laid, Wish},
};

/// Dry runs at the same time, whoever asks: each takes a processor.
const AT_ONCE: usize = 2;

pub struct Planner {
    blobs: Arc<Blobs>,
    /// Whom a plant may ask.
    contact: String,
    pub offered: Arc<Offered>,
    permits: Semaphore,
}

impl Planner {
    pub fn new(blobs: Arc<Blobs>, contact: String, offered: Offered) -> Planner {
        Planner { blobs, contact, offered: Arc::new(offered), permits: Semaphore::new(AT_ONCE) }
    }

    /// With the texts of those that the studio offers. Errors: `PROFILE_INVALID`.
    pub async fn profiles(&self, given: Vec<RecordProfile>) -> Result<Profiles, Status> {
        let offered = Arc::clone(&self.offered);
        self.bounded(move || Profiles::read(given, &offered)).await?.map_err(status::refusal)
    }

    /// The record as it would be made now for this person, and what would be made of it, handed to `then` where time may be taken. `None`: there is no spacing.
    pub async fn laid_and_planned<T: Send + 'static>(
        &self,
        project: &Project,
        (person, wish): (PersonId, Wish),
        profiles: Vec<RecordProfile>,
        then: impl FnOnce(&Laid, &Dry) -> T + Send + 'static,
    ) -> Result<Option<T>, Status> {
        let Some(mut laid) = sheet::newest(project, person, &wish) else { return Ok(None) };
        // As the worker does: what is made is what was planned.
        laid.sheet.contact.clone_from(&self.contact);
        tones::add(&self.blobs, project, &mut laid).await;
        let cover = self.cover_path(laid.cover).await;
        let offered = Arc::clone(&self.offered);
        let planned = move || -> Result<T, Refusal> {
            let profiles = Profiles::read(profiles, &offered)?;
            laid.sheet.cover = plans::cover(cover.as_deref());
            let dry = Dry::of(&profiles.read, &laid.sheet, laid.findings.clone());
            Ok(then(&laid, &dry))
        };
        self.bounded(planned).await?.map(Some).map_err(status::refusal)
    }

    /// One that is gone is found when the files are made.
    async fn cover_path(&self, cover: Option<Digest>) -> Option<PathBuf> {
        self.blobs.local_path(cover?).await.ok()
    }

    async fn bounded<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Status> {
        let permit = self.permits.acquire().await.map_err(|_| status::closing())?;
        let done = tokio::task::spawn_blocking(work).await;
        drop(permit);
        done.map_err(|gone| status::internal(&gone))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;

    /// Each waits until it is let go: more than there is room for would meet.
    #[tokio::test]
    async fn no_more_dry_runs_are_under_way_than_there_is_room_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open_with(folder.path().to_owned(), 0).await.expect("a store");
        let offered = Offered::new(&[]).expect("the shipped ones");
        let planner = Arc::new(Planner::new(blobs, String::new(), offered));
        let (running, (begun, mut begins)) =
            (Arc::new(AtomicUsize::new(0)), tokio::sync::mpsc::unbounded_channel());
        let (go, goes) = mpsc::channel::<()>();
        let goes = Arc::new(Mutex::new(goes));
        let mut all = Vec::new();
        for _ in 0..2 * AT_ONCE {
            let (planner, running) = (Arc::clone(&planner), Arc::clone(&running));
            let (begun, goes) = (begun.clone(), Arc::clone(&goes));
            all.push(tokio::spawn(async move {
                let work = move || {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    begun.send(now).expect("somebody counts");
                    goes.lock().expect("nobody panicked").recv().expect("it is let go");
                    running.fetch_sub(1, Ordering::SeqCst);
                };
                planner.bounded(work).await.expect("it ran");
            }));
        }
        for _ in 0..2 * AT_ONCE {
            let now = begins.recv().await.expect("one begins");
            assert!(now <= AT_ONCE, "{now} at once");
            go.send(()).expect("somebody waits");
        }
        for one in all {
            one.await.expect("it ended");
        }
    }
}
