//! The process that dies, the machine that dies and the line that goes. Never here: what is killed and cut.

use super::{
    gate::{Gate, Goal},
    named::Named,
};

pub const GATES: &[Gate] = &[
    Gate {
        id: "G1",
        what: "kill -9 after 0.05 to 1.2 s under 64 writers, 4 uploads and renders (the whole server); under 6 writers and an upload (its store)",
        goal: Goal {
            quick: Some(
                "50 and 12 cycles: 0 acknowledged lost, 0 refused starts, verify finds nothing, each render done once or parked",
            ),
            full: "1,000 and 1,000 cycles: 0 acknowledged lost, 0 refused starts, verify finds nothing, each render done once or parked",
        },
        run: |run| {
            let whole = Named::test("whole", "killed::").run(run, "G1")?;
            Ok(whole.and(Named::test("crash", "kill").run(run, "G1")?))
        },
    },
    Gate {
        id: "G2b",
        what: "the power fails under the whole server and under its store (FUSE); a store that trusts sled's flush must lose",
        goal: Goal {
            quick: Some("4 and 4 cuts, 0 acknowledged lost, 0 refused starts; the control loses"),
            full: "500 and 500 cuts, 0 acknowledged lost, 0 refused starts; the control loses",
        },
        run: |run| {
            let whole = Named::test("whole", "power::").run(run, "G2b")?;
            Ok(whole.and(Named::test("crash", "power").run(run, "G2b")?))
        },
    },
    Gate {
        id: "RESUME",
        what: "uploads cut at random bytes, the client and the server ended in turn, pieces sent twice and out of order",
        goal: Goal {
            quick: Some("20 cuts, every digest right, 8 MiB at most taken a second time"),
            full: "200 cuts, every digest right, 8 MiB at most taken a second time",
        },
        run: |run| Named::test("whole", "resume::").run(run, "RESUME"),
    },
    Gate {
        id: "LEASES",
        what: "a worker process stopped (SIGSTOP) past its lease in the middle of a render, another one takes over, the first one wakes before or after the end",
        goal: Goal {
            quick: Some("4 cycles: one output of each accepted, the same bytes every time"),
            full: "1,000 cycles: one output of each accepted, the same bytes every time",
        },
        run: |run| Named::test("machines", "a_worker_that_is_stopped_past_its_lease").run(run, "LEASES"),
    },
];
