//! The desk: what waits on each person, across projects. Computed in the append path and stored with the facts, so that it never lags; a pure
//! function of the project, so that it can be rebuilt. Never here: the rules of who waits for what (`deadwax_domain::waits`).

use std::collections::BTreeMap;

use bytes::Bytes;
use deadwax_domain::PersonId;

use crate::{ledger::Snapshot, store::DeskChange, wire};

/// Every row of a project by its owner and key.
pub type Rows = BTreeMap<(PersonId, Bytes), Bytes>;

/// All rows that a project puts on desks, as they are stored.
pub fn rows(snapshot: &Snapshot) -> Rows {
    wire::desk::rows(snapshot.id, &snapshot.project)
        .into_iter()
        .map(|(person, row)| ((person, row.key.clone().into()), wire::desk::encode(&row)))
        .collect()
}

/// What an append changes on the desks.
pub fn changes(before: &Snapshot, after: &Snapshot) -> Vec<DeskChange> {
    let (old, new) = (rows(before), rows(after));
    let gone = old.keys().filter(|at| !new.contains_key(*at));
    let removed = gone.map(|(person, key)| DeskChange { owner: person.0, key: key.clone(), row: None });
    let fresh = new.iter().filter(|(at, row)| old.get(*at) != Some(*row));
    let put = fresh.map(|((person, key), row)| DeskChange {
        owner: person.0,
        key: key.clone(),
        row: Some(row.clone()),
    });
    removed.chain(put).collect()
}
