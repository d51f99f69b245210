//! The process that dies and the line that goes: kill -9 and the loss of power. Never here: the store that is killed.

use super::{
    gate::{Gate, Goal},
    named::Named,
};

pub const GATES: &[Gate] = &[
    Gate {
        id: "G1",
        what: "kill -9 while writers and an upload run (journal and audio)",
        goal: Goal {
            quick: Some("12 cycles, 0 acknowledged lost, 0 refused starts"),
            full: "1,000 cycles, 0 acknowledged lost, 0 refused starts",
        },
        run: |run| {
            let test = Named { package: "deadwax-server", file: Some("crash"), name: "kill", features: &[] };
            test.run(run, "G1")
        },
    },
    Gate {
        id: "G2b",
        what: "the power fails under the journal (FUSE); a store that trusts sled's flush must lose",
        goal: Goal {
            quick: Some("4 cuts, 0 acknowledged lost; the control loses"),
            full: "500 cuts, 0 acknowledged lost; the control loses",
        },
        run: |run| {
            let test = Named { package: "deadwax-server", file: Some("crash"), name: "power", features: &[] };
            test.run(run, "G2b")
        },
    },
];
