//! The facts of a project out of a store, with the commands that made them. Never here: judgement.

use anyhow::{Context as _, Result, bail};
use deadwax_domain::ProjectId;
use deadwax_proto::ledger::v1 as stored;
use deadwax_server::{
    store::{Store, StreamId},
    wire::ledger::{Read, decode},
};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use super::Fact;

pub async fn facts_of(store: &dyn Store, project: ProjectId) -> Result<Vec<Fact>> {
    let entries = store.read(StreamId(project.0), 0, usize::MAX).await.context("reading the facts")?;
    let fact = |entry: deadwax_server::store::Entry| {
        let payload = entry.payload.context("an entry was erased")?;
        let Read::Event(event) = decode(&payload).context("reading a fact")? else {
            bail!("a fact of a newer server")
        };
        let command = stored::Fact::decode(payload.as_ref())?.command;
        let command = command[..].try_into().map(u128::from_be_bytes).context("a command without an id")?;
        Ok(Fact { command, sha256: Sha256::digest(&payload).into(), event })
    };
    entries.into_iter().map(fact).collect()
}

/// Stands for all of these facts in this order.
pub fn prefix(facts: &[Fact]) -> [u8; 32] {
    let mut all = Sha256::new();
    facts.iter().for_each(|fact| all.update(fact.sha256));
    all.finalize().into()
}
