//! Who may do what, and who received what. Never here: the parts that fail.

use super::{
    gate::{Gate, Goal},
    named::Named,
};

/// One run goes through the whole table and tells three gates.
const MATRIX: Named = Named {
    package: "deadwax-server",
    file: Some("matrix"),
    name: "everybody_may_do_what_the_table_says_and_nothing_else",
    features: &[],
};

pub const GATES: &[Gate] = &[
    Gate {
        id: "AUTHZ",
        what: "every call and every action by every role, of one's own, somebody else's and nothing",
        goal: Goal {
            quick: Some("0 cells wrong, 0 calls or actions without a row, foreign as absent"),
            full: "0 cells wrong, 0 calls or actions without a row, foreign as absent",
        },
        run: |run| MATRIX.run(run, "AUTHZ"),
    },
    Gate {
        id: "HASH",
        what: "the digest of another project's master opens no door and sounds like any other",
        goal: Goal { quick: Some("0 doors"), full: "0 doors" },
        run: |run| {
            let name = "hash::knowing_a_hash_grants_nothing";
            Named { name, ..MATRIX }.run(run, "HASH")
        },
    },
    Gate {
        id: "DENIED",
        what: "every denied call stands in the log once, with who, which call, from where and why",
        goal: Goal { quick: Some("0 told otherwise"), full: "0 told otherwise" },
        run: |run| MATRIX.run(run, "DENIED"),
    },
    Gate {
        id: "ROLES",
        what: "truth table of an approval: roles asked, held and spoken in, own upload or not",
        goal: Goal {
            quick: Some("each role, each two and all that a gate may ask: 0 otherwise"),
            full: "all 63 sets that a gate may ask: 0 otherwise",
        },
        run: |run| {
            Named { package: "deadwax-domain", file: Some("roles"), name: "", features: &[] }
                .run(run, "ROLES")
        },
    },
    Gate {
        id: "EGRESS",
        what: "downloads that are cut, counted on both sides of the line",
        goal: Goal {
            quick: Some(
                "20 cut: the book tells what arrived, at most 16 KiB more of each, 0 less; whole ones exactly",
            ),
            full: "100 cut: the book tells what arrived, at most 16 KiB more of each, 0 less; whole ones exactly",
        },
        run: |run| Named { name: "cut::", ..MATRIX }.run(run, "EGRESS"),
    },
    Gate {
        id: "G14",
        what: "who received these bytes: the egress book against the bytes of every answer",
        goal: Goal {
            quick: Some("every answer with bytes once, to the byte; a digest of 50,000 receptions in 100 ms"),
            full: "every answer with bytes once, to the byte; a digest of 1,000,000 receptions in 100 ms",
        },
        run: |run| {
            let mut found = MATRIX.run(run, "G14")?;
            let parts = [("matrix", "egress::"), ("", "egress::tests::")];
            for (file, name) in parts {
                let file = Some(file).filter(|file| !file.is_empty());
                let more = Named { file, name, ..MATRIX }.run(run, "G14")?;
                found.measured = format!("{}; {}", found.measured, more.measured);
                found.notes.extend(more.notes);
                if found.verdict == super::gate::Verdict::Held {
                    found.verdict = more.verdict;
                }
            }
            Ok(found)
        },
    },
];
