//! Bytes from outside: broken files of every format through the child, broken messages, text that means harm. Never here: decoders.

use super::{
    gate::{Gate, Goal},
    named::Named,
};

const fn outside(name: &'static str) -> Named {
    Named::test("outside", name)
}

pub const GATES: &[Gate] = &[
    Gate {
        id: "ISOLATION",
        what: "a child that decodes reaches its own files: no foreign file, no network, no other program",
        goal: Goal { quick: Some("every way out refused or ended"), full: "every way out refused or ended" },
        run: |run| outside("reach::").run(run, "ISOLATION"),
    },
    Gate {
        id: "G8",
        what: "broken files of every accepted format through the child's work, under its limits",
        goal: Goal {
            quick: Some("21,000 files, 0 deaths of a child, 512 MiB at most"),
            full: "1,000,000 files a format, 0 deaths of a child, 512 MiB at most",
        },
        run: |run| outside("files::").run(run, "G8"),
    },
    Gate {
        id: "G8w",
        what: "broken messages under every call of a real server",
        goal: Goal {
            quick: Some("10,000 requests, 0 panics, 0 inner errors, under 1 GiB"),
            full: "1,000,000 requests, 0 panics, 0 inner errors, under 1 GiB",
        },
        run: |run| outside("wire::").run(run, "G8w"),
    },
    Gate {
        id: "TEXT",
        what: "names that mean harm, through fields, files, packages, records, tables, the log, every verb, every screen",
        goal: Goal {
            quick: Some("300 names: 0 effects, 0 bytes on a terminal that are not ours"),
            full: "2,000 names: 0 effects, 0 bytes on a terminal that are not ours",
        },
        run: |run| {
            let server = outside("text::").run(run, "TEXT")?;
            Ok(server.and(Named::test("text", "").run(run, "TEXT")?))
        },
    },
    Gate {
        id: "MODES",
        what: "every path that server and client make, under umask 000",
        goal: Goal { quick: Some("folders 0700, files 0600, all"), full: "folders 0700, files 0600, all" },
        run: |run| Named::test("modes", "whatever_is_made_belongs_to_its_user_alone").run(run, "MODES"),
    },
    Gate {
        id: "CANARY",
        what: "a word in every field of text of every call; tokens and codes",
        goal: Goal {
            quick: Some("0 in the log at TRACE, 0 secrets in stored files"),
            full: "0 in the log at TRACE, 0 secrets in stored files",
        },
        run: |run| outside("canary::").run(run, "CANARY"),
    },
];
