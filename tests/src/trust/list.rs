//! Every gate, in the order of the table. A package has its own file; one whose gates are not built yet is named in `OPEN`, so that nobody takes the table for
//! whole. Never here: how a gate is run.

use super::{bytes, crash, disk, door, gate::Gate, history, keep, load, order, planted, who};

pub fn all() -> impl Iterator<Item = &'static Gate> {
    [
        disk::GATES,
        crash::GATES,
        history::GATES,
        order::GATES,
        keep::GATES,
        who::GATES,
        bytes::GATES,
        door::GATES,
        load::GATES,
        // Last: it builds programs of its own.
        planted::GATES,
    ]
    .into_iter()
    .flatten()
}

/// What the papers ask and no gate measures yet.
pub const OPEN: &[(&str, &str)] = &[];
