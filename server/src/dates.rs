//! Dates of gates: when one has come the ledger is told, once. Never here: what follows from it (the domain decides).

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use deadwax_domain::{Command, ProjectId, Stage, Time};
use tokio_util::sync::CancellationToken;

use crate::ledger::{Ledger, LedgerError, Perform};

/// Clocks are set right and machines sleep: the time until the next date is looked at again this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Runs until shutdown. What is due is a query on state: a date that came while the server was off is told at the next start.
pub async fn watch(ledger: Arc<Ledger>, shutdown: CancellationToken) {
    let (news, mut dated) = (ledger.news(), BTreeSet::new());
    while !shutdown.is_cancelled() {
        for snapshot in news.take() {
            // A date of any time: whether it has come is asked each second, of these projects only.
            if snapshot.project.deadlines_due(Time(i64::MAX)).is_empty() {
                dated.remove(&snapshot.id);
            } else {
                dated.insert(snapshot.id);
            }
        }
        for (project, stage) in due(&ledger, &dated) {
            match pass(&ledger, project, stage).await {
                Ok(()) => {}
                // Somebody moved the date in the same moment.
                Err(LedgerError::Refused(_)) => {}
                Err(error) => tracing::error!(?project, %error, "a date could not be recorded"),
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

fn due(ledger: &Ledger, dated: &BTreeSet<ProjectId>) -> Vec<(ProjectId, Stage)> {
    let now: Time = ledger.now();
    let known = dated.iter().filter_map(|id| ledger.known(*id));
    known.flat_map(|one| one.project.deadlines_due(now).into_iter().map(move |it| (one.id, it))).collect()
}

async fn pass(ledger: &Ledger, project: ProjectId, stage: Stage) -> Result<(), LedgerError> {
    ledger.perform(Perform::by_worker(project, Command::PassDeadline { stage })).await.map(drop)
}
