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
        id: "TRIES",
        what: "wrong passphrases at once: by a code, by a known machine, under a session",
        goal: Goal {
            quick: Some("of 100 at once 10 hashed, each way for itself"),
            full: "of 100 at once 10 hashed, each way for itself",
        },
        run: |run| {
            Named::unit("auth::tests::of_a_hundred_wrong_ones_at_once_ten_are_hashed").run(run, "TRIES")
        },
    },
    Gate {
        id: "TOKENS",
        what: "tokens and codes that were given out, looked for in every file of the folder",
        goal: Goal { quick: Some("300: 0 found"), full: "10,000: 0 found" },
        run: |run| Named::test("access_tokens", "").run(run, "TOKENS"),
    },
    Gate {
        id: "REVOKE",
        what: "every kind of open stream, when its session ends by its person, another session, an owner, the clock",
        goal: Goal {
            quick: Some("all of 8 kinds end; on a quiet machine within 1 s"),
            full: "all of 8 kinds end; on a quiet machine within 1 s",
        },
        run: |run| Named::test("matrix", "ended::every_open_stream_ends_with_its_session").run(run, "REVOKE"),
    },
    Gate {
        id: "TLS",
        what: "wrong, foreign, expired and older: certificates of servers and of machines, versions",
        goal: Goal {
            quick: Some("0 let through, 0 right ones refused"),
            full: "0 let through, 0 right ones refused",
        },
        run: |run| {
            let servers = Named::test("tls", "").run(run, "TLS")?;
            Ok(servers.and(Named::test("net_trust", "").run(run, "TLS")?))
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
        run: |run| Named::test("matrix", "cut::").run(run, "EGRESS"),
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
