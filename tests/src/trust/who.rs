//! Who may do what, and who received what. Never here: the parts that fail.

use super::{
    gate::{Gate, Goal},
    named::Named,
};

/// One run goes through the whole table and tells three gates.
const MATRIX: Named = Named::test("matrix", "everybody_may_do_what_the_table_says_and_nothing_else");

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
        run: |run| Named::test("matrix", "hash::knowing_a_hash_grants_nothing").run(run, "HASH"),
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
        run: |run| Named::test("roles", "").run(run, "ROLES"),
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
            for part in [Named::test("matrix", "egress::"), Named::unit("egress::tests::")] {
                found = found.and(part.run(run, "G14")?);
            }
            Ok(found)
        },
    },
];
