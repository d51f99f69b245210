//! The chain list on its way out, with the studio's signature on the whole of it. It tells hashes alone, so that every member who sees the work may have all of
//! it, also while mixes compete. Never here: how the list is made (`evidence`).

use std::sync::Arc;

use deadwax_domain::{ProjectId, Time};
use deadwax_proto::v1;
use futures::{StreamExt as _, stream};
use tonic::Status;

use super::{Service, allowed, project_id, sees_work};
use crate::{
    auth::Caller,
    evidence::{Chain, Checkpoint, LINES_AT_ONCE},
    ledger::Snapshot,
    rpc::until::{Answers, until_ended},
    status,
};

impl Service {
    pub(super) async fn chain(
        &self,
        caller: &Caller,
        asked: v1::GetChainRequest,
    ) -> Result<Answers<v1::ChainChunk>, Status> {
        let id = project_id(&asked.project_id)?;
        let (snapshot, chain) = self.chain_for(caller, id).await?;
        if asked.from_line > chain.entries {
            let text = format!("`from_line` is past the end: the list has {} lines.", chain.entries);
            return Err(status::malformed(text));
        }
        let checkpoint = self.checkpoint(&snapshot, &chain)?;
        let head = v1::ChainChunk {
            checkpoint: Some(v1::Checkpoint {
                text: checkpoint.text,
                signature: checkpoint.signature,
                public_key: checkpoint.public_key,
            }),
            lines: String::new(),
        };
        let studio = Arc::clone(&self.studio);
        let body = stream::unfold(asked.from_line, move |after| {
            let (studio, chain) = (Arc::clone(&studio), chain.clone());
            async move {
                if after >= chain.entries {
                    return None;
                }
                let to = chain.entries.min(after + LINES_AT_ONCE);
                let lines = studio.chains.text(id, &chain, after, to).await;
                let next = if lines.is_ok() { to } else { chain.entries };
                let chunk = lines.map(|lines| v1::ChainChunk { checkpoint: None, lines });
                Some((chunk.map_err(status::ledger), next))
            }
        });
        let all = stream::once(async move { Ok(head) }).chain(body);
        Ok(until_ended(&self.studio, caller, id, sees_work(caller.person.id), all))
    }

    /// The project with the list of the same moment. Nothing is read for somebody who may not have it.
    pub(super) async fn chain_for(
        &self,
        caller: &Caller,
        id: ProjectId,
    ) -> Result<(Arc<Snapshot>, Chain), Status> {
        self.project(caller, id).await?;
        let (snapshot, chain) = self.studio.chains.now(id).await.map_err(status::ledger)?.unzip();
        let snapshot = allowed(snapshot, caller.person.id)?;
        let chain = chain.ok_or_else(|| status::not_found("NO_SUCH_PROJECT", "project"))?;
        Ok((snapshot, chain))
    }

    /// Time never falls behind the facts, whatever the clock does.
    pub(super) fn checkpoint(&self, snapshot: &Snapshot, chain: &Chain) -> Result<Checkpoint, Status> {
        let config = self.studio.config();
        let studio = (config.name.as_str(), &*self.studio.key);
        let now = Time(self.studio.clock.now_ms()).max(snapshot.project.as_of);
        Checkpoint::of(studio, (snapshot.id, &snapshot.project), chain, now)
            .map_err(|error| status::internal(&format!("{error:#}")))
    }
}
