//! Every gate, in the order of the table. A package has its own file.
//! Never here: how a gate is run.

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
