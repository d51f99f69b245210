//! The progress of work that runs here, until the ledger says that it is over or the asker may not see it any more. Never here: what is told of it.

use std::{hash::Hash, sync::Arc, time::Duration};

use deadwax_domain::{PersonId, Project, ProjectId, Reason, audience};
use futures::Stream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use crate::{auth::Caller, render::shift::Running, status, studio::Studio};

/// A screen draws sixty times a second at most; ten lines a second are plenty.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// One piece of work and how it is told.
pub struct Followed<Key, Now, Line> {
    pub project: ProjectId,
    pub running: Arc<Running<Key, Now>>,
    pub key: Key,
    /// Whether it goes on, asked with each fact.
    pub alive: fn(&Project, &Key) -> bool,
    pub line: fn(Now) -> Line,
    /// The last line.
    pub ended: fn() -> Line,
}

/// Those who see no work (V-1) learn nothing of one, not even that it is there.
fn sees_work(project: &Project, person: PersonId) -> bool {
    project.roles_of(person).is_some_and(audience::sees_work)
}

pub fn progress<Key, Now, Line>(
    studio: &Arc<Studio>,
    caller: &Caller,
    of: Followed<Key, Now, Line>,
) -> impl Stream<Item = Result<Line, Status>> + Send + use<Key, Now, Line>
where
    Key: Eq + Hash + Send + Sync + 'static,
    Now: Clone + Default + Send + Sync + 'static,
    Line: Send + 'static,
{
    let (person, closing, ended) = (caller.person.id, studio.closing.clone(), caller.ended.clone());
    let (tell, told) = mpsc::channel(4);
    let studio = Arc::clone(studio);
    tokio::spawn(async move {
        tokio::select! {
            () = ended.cancelled() => {
                let stopping = closing.is_cancelled();
                let why = if stopping { status::closing() } else { status::unauthenticated() };
                let _ = tell.send(Err(why)).await;
            }
            () = follow(&studio, &of, person, &tell) => {}
            () = tell.closed() => {}
        }
    });
    ReceiverStream::new(told)
}

/// Between attempts there is nothing to tell and the stream waits.
async fn follow<Key: Eq + Hash, Now: Clone + Default, Line>(
    studio: &Studio,
    of: &Followed<Key, Now, Line>,
    person: PersonId,
    tell: &mpsc::Sender<Result<Line, Status>>,
) {
    let mut seq = studio.ledger.watch(of.project);
    loop {
        seq.borrow_and_update();
        let now = studio.ledger.project(of.project).await.ok().flatten();
        let Some(now) = now.filter(|now| sees_work(&now.project, person)) else {
            let _ = tell.send(Err(status::not_found(Reason::NoSuchProject.code(), "project"))).await;
            return;
        };
        if !(of.alive)(&now.project, &of.key) {
            let _ = tell.send(Ok((of.ended)())).await;
            return;
        }
        match of.running.watch(&of.key) {
            Some(mut progress) => loop {
                let now = progress.borrow_and_update().clone();
                if tell.send(Ok((of.line)(now))).await.is_err() {
                    return;
                }
                tokio::time::sleep(TELL_EVERY).await;
                // Any fact of the project may have ended the work or the membership: look again.
                let same = tokio::select! {
                    more = progress.changed() => more.is_ok() && !seq.has_changed().unwrap_or(true),
                    _ = seq.changed() => false,
                };
                if !same {
                    break;
                }
            },
            None => tokio::select! {
                _ = seq.changed() => {}
                () = tokio::time::sleep(TELL_EVERY * 5) => {}
            },
        }
    }
}
