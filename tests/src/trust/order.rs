//! What happens once, in which order, and whose: retries, races, a clock that jumps. Never here: the parts that decide.

use super::{
    gate::{Gate, Goal},
    named::Named,
};

pub const GATES: &[Gate] = &[
    Gate {
        id: "IDEM",
        what: "changes that are asked for again: after the answer, at the same time, with another body, over a new start",
        goal: Goal {
            quick: Some("500 changes, 500 effects; another body refused, all"),
            full: "10,000 changes, 10,000 effects; another body refused, all",
        },
        run: |run| Named::test("order", "idem::").run(run, "IDEM"),
    },
    Gate {
        id: "RACE",
        what: "64 writers who decide on the same sight of a project",
        goal: Goal {
            quick: Some(
                "2,000 tries: as many winners as entries, every loser told where it stands, 0 lost updates",
            ),
            full: "1,000,000 tries: as many winners as entries, every loser told where it stands, 0 lost updates",
        },
        run: |run| Named::test("order", "race::").run(run, "RACE"),
    },
    Gate {
        id: "CLOCK",
        what: "the wall clock set back an hour and ahead a day under writers, watchers, sign-ins and renders",
        goal: Goal {
            quick: Some("0 orders changed, 0 leases lost or doubled, sessions and throttle as the hours say"),
            full: "0 orders changed, 0 leases lost or doubled, sessions and throttle as the hours say",
        },
        run: |run| Named::test("order", "clock::").run(run, "CLOCK"),
    },
];
