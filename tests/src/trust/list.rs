//! Every gate, in the order of the table. A package has its own file; one whose gates are not built yet is named in `OPEN`, so that nobody takes the table for
//! whole. Never here: how a gate is run.

use super::{bytes, crash, disk, door, gate::Gate, keep, order, planted, who};

pub fn all() -> impl Iterator<Item = &'static Gate> {
    // Last: it builds programs of its own.
    [
        disk::GATES,
        crash::GATES,
        order::GATES,
        keep::GATES,
        who::GATES,
        bytes::GATES,
        door::GATES,
        planted::GATES,
    ]
    .into_iter()
    .flatten()
}

/// What the papers ask and no gate measures yet.
pub const OPEN: &[(&str, &str)] = &[
    ("G5", "history of 16 clients under kills: linearizable, watch gapless"),
    ("G6", "simulation of the whole server: 200 seeds, 10,000 seeds"),
    ("G10", "load on two cores"),
];
