//! Commands that come without what only the server knows, and that speak of the project at one seq: a delivery and its manifest, a record and its plan.
//! Never here: rules, what a manifest or a plan holds.

use std::sync::Arc;

use deadwax_domain::{Actor, Command, PersonId};
use tonic::{Code, Status};

use super::Service;
use crate::{
    ledger::{LedgerError, Perform, Performed, Snapshot},
    render::record::plans::{Dry, Told},
    rpc::planner::Planner,
    status,
    wire::{
        self,
        sheet::{Laid, Wish},
    },
};

/// What is made of the project at one seq is refused at another.
const ATTEMPTS: usize = 8;

/// Whether a command is one of those.
pub(super) fn is_frozen(command: &Command) -> bool {
    matches!(
        command,
        Command::MakeDelivery { .. } | Command::DeliverRecord { .. } | Command::StartRecord { .. }
    )
}

impl Service {
    pub(super) async fn freeze(&self, mut asked: Perform) -> Result<Performed, Status> {
        if let Command::StartRecord { profiles, .. } = &mut asked.command {
            let given = std::mem::take(profiles);
            *profiles = self.planner()?.profiles(given).await?.texts;
        }
        let mut last = LedgerError::Conflict { expected: 0, head: 0 };
        for _ in 0..ATTEMPTS {
            let mut perform = asked.clone();
            if let Some(now) = self.ledger.project(asked.project).await.map_err(status::ledger)? {
                self.fill(&now, &mut perform).await?;
                perform.expected = asked.expected.or(Some(now.seq));
            }
            match self.ledger.perform(perform).await {
                Err(conflict @ LedgerError::Conflict { .. }) if asked.expected.is_none() => last = conflict,
                answer => return answer.map_err(status::ledger),
            }
        }
        Err(status::ledger(last))
    }

    /// Absent where the service stands alone, without a studio.
    fn planner(&self) -> Result<&Planner, Status> {
        self.planner.as_deref().ok_or_else(|| Status::unimplemented("no records here"))
    }

    async fn fill(&self, now: &Arc<Snapshot>, perform: &mut Perform) -> Result<(), Status> {
        let names = self.hub.names();
        let name = |person: PersonId| names.name(person).to_owned();
        // Whoever may not do it gets that answer from the ledger, and so does whoever asks again for what was done.
        let stale = perform.expected.is_some_and(|expected| expected != now.seq);
        let refused = stale || self.ledger.dry(now, &perform.actor, &perform.command).is_err();
        match &mut perform.command {
            Command::MakeDelivery { song, manifest_json, .. } => {
                let manifest = wire::manifest::manifest(now.id, &now.project, *song, &name);
                *manifest_json = manifest.unwrap_or_default();
            }
            Command::DeliverRecord { record, manifest_json } if !refused => {
                let manifest = wire::record_manifest::manifest(now.id, &now.project, *record, &name);
                *manifest_json = manifest.unwrap_or_default();
            }
            Command::StartRecord { profiles, loudest_track_lufs, medium, .. } if !refused => {
                let profiles = profiles.clone();
                let wish = Wish { loudest_track_lufs: *loudest_track_lufs, medium: medium.trim().to_owned() };
                let Actor::Person { id, .. } = perform.actor else { return Ok(()) };
                // A record that cannot be made is not queued: the dry run of the same facts says why.
                let no = |_: &Laid, dry: &Dry| dry.blocked().map(|(first, count)| blocked(first, count));
                let planned = self.planner()?.laid_and_planned(&now.project, (id, wish), profiles, no);
                if let Some(Some(no)) = planned.await? {
                    return Err(no);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn blocked(first: &Told, count: usize) -> Status {
    let it = &first.finding;
    let of = if first.profile.is_empty() { String::new() } else { format!("{}: ", first.profile) };
    let more = match count - 1 {
        0 => String::new(),
        1 => " One more thing blocks.".to_owned(),
        more => format!(" {more} more things block."),
    };
    let text = wire::text::scrub(&format!("{of}{}{more}", it.text));
    let hint = wire::text::scrub(&format!("{} Source: {}.", it.mend, it.source.trim_end_matches('.')));
    let said = [("block", it.code.to_owned()), ("blocks", count.to_string())];
    status::refuse_with(Code::FailedPrecondition, "PLAN_BLOCKED", text, hint, said)
}
