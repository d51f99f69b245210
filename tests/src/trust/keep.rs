//! What is kept stays whole: verify, scrub, backup, restore, and the rubbish that goes. Never here: the parts that fail.

use super::{
    gate::{Gate, Goal},
    named::Named,
};

fn test(name: &'static str) -> Named {
    Named::test("keep", name)
}

pub const GATES: &[Gate] = &[
    Gate {
        id: "G4",
        what: "one bit flipped in journal, index, audio or its checksums",
        goal: Goal {
            quick: Some("300 flips, all noticed, 0 wrong bytes served, damage bounded to its record or file"),
            full: "10,000 flips, all noticed, 0 wrong bytes served, damage bounded to its record or file",
        },
        run: |run| test("flips::").run(run, "G4"),
    },
    Gate {
        id: "G11",
        what: "backups while 64 writers run, restored, also to a random record",
        goal: Goal {
            quick: Some("5 of 5 drills with equal root hash, 0 acknowledged lost"),
            full: "100 of 100 drills with equal root hash, 0 acknowledged lost",
        },
        run: |run| test("drills::").run(run, "G11"),
    },
    Gate {
        id: "EXPORT",
        what: "projects drawn by lot go out as files and come back",
        goal: Goal {
            quick: Some("3 studios, equal root, chain lists, entries and files"),
            full: "100 studios, equal root, chain lists, entries and files",
        },
        run: |run| test("travel::").run(run, "EXPORT"),
    },
    Gate {
        id: "GC",
        what: "collection beside uploads, facts and restarts, in random orders",
        goal: Goal {
            quick: Some("1,500 orders, 0 files removed that a fact names; the control loses"),
            full: "1,000,000 orders, 0 files removed that a fact names; the control loses",
        },
        run: |run| test("collect::").run(run, "GC"),
    },
    Gate {
        id: "SCRUB",
        what: "a flip planted in stored audio",
        goal: Goal {
            quick: Some("10 of 10 found and told in one round, put right from a backup"),
            full: "200 of 200 found and told in one round, put right from a backup",
        },
        run: |run| test("scrubbed::").run(run, "SCRUB"),
    },
];
