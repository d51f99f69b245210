//! Dates of gates: when one has come the ledger is told, once. Never here: what follows from it (the domain decides).

use std::{sync::Arc, time::Duration};

use deadwax_domain::{Command, ProjectId, Stage, Time};
use tokio_util::sync::CancellationToken;

use crate::ledger::{Ledger, LedgerError, Perform};

/// Clocks are set right and machines sleep: the time until the next date is looked at again this often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Runs until shutdown. What is due is a query on state: a date that came while the server was off is told at the next start.
pub async fn watch(ledger: Arc<Ledger>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        for (project, stage) in due(&ledger).await {
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

async fn due(ledger: &Ledger) -> Vec<(ProjectId, Stage)> {
    let projects = match ledger.projects().await {
        Ok(projects) => projects,
        Err(error) => {
            tracing::error!(%error, "the dates of the projects could not be read");
            return Vec::new();
        }
    };
    let now: Time = ledger.now();
    let stages =
        projects.iter().flat_map(|one| one.project.deadlines_due(now).into_iter().map(|it| (one.id, it)));
    stages.collect()
}

async fn pass(ledger: &Ledger, project: ProjectId, stage: Stage) -> Result<(), LedgerError> {
    ledger.perform(Perform::by_worker(project, Command::PassDeadline { stage })).await.map(drop)
}
