//! What a person was given goes on only while it is theirs: every long answer ends with the session, with the right to have it, and with the server.
//! Never here: what that right is.

use std::{future::Future as _, pin::Pin, sync::Arc, task::Poll};

use deadwax_domain::{PersonId, Project, ProjectId};
use futures::{Stream, StreamExt as _, stream};
use tonic::Status;

use crate::{auth::Caller, status, studio::Studio};

pub type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The stream ends with the session or with the right to have it, within a second, wherever it stands.
pub fn until_ended<T, S>(
    studio: &Arc<Studio>,
    caller: &Caller,
    project: ProjectId,
    may: impl Fn(&Project) -> bool + Send + 'static,
    chunks: S,
) -> Answers<T>
where
    T: 'static,
    S: Stream<Item = Result<T, Status>> + Send + 'static,
{
    let (ended, closing) = (caller.ended.clone().cancelled_owned(), studio.closing.clone());
    let mut chunks = chunks.boxed();
    let mut ended = Box::pin(ended);
    let mut revoked = Box::pin(revoked(Arc::clone(studio), project, caller.person.id, may));
    let mut finished = false;
    Box::pin(stream::poll_fn(move |context| {
        if finished {
            return Poll::Ready(None);
        }
        if ended.as_mut().poll(context).is_ready() {
            finished = true;
            let why = if closing.is_cancelled() { status::closing() } else { status::unauthenticated() };
            return Poll::Ready(Some(Err(why)));
        }
        if let Poll::Ready(why) = revoked.as_mut().poll(context) {
            finished = true;
            return Poll::Ready(Some(Err(why)));
        }
        chunks.poll_next_unpin(context)
    }))
}

/// Returns once what a person was given is not theirs to have any more (V-1), with what a stranger would be told.
async fn revoked(
    studio: Arc<Studio>,
    project: ProjectId,
    person: PersonId,
    may: impl Fn(&Project) -> bool + Send + 'static,
) -> Status {
    let mut seq = studio.ledger.watch(project);
    loop {
        seq.borrow_and_update();
        let snapshot = match studio.ledger.project(project).await {
            Ok(snapshot) => snapshot,
            Err(error) => return status::ledger(error),
        };
        let of = snapshot.as_ref().map(|snapshot| &snapshot.project);
        if !of.is_some_and(&may) {
            // A guest whose link goes on with another scope is told so much: their page is still open.
            let moved_on = of.is_some_and(|project| project.guest(person).is_some());
            return match moved_on {
                true => status::not_found("NO_SUCH_FILE", "file"),
                false => status::not_found("NO_SUCH_PROJECT", "project"),
            };
        }
        if seq.changed().await.is_err() {
            // No ledger, no change: the session's end is told elsewhere.
            std::future::pending::<()>().await;
        }
    }
}
