//! What everybody saw, held against the facts: of a real server under kills and cuts, of two over one database, and of the whole server simulated. Never here: the judge.

use super::{
    gate::{Gate, Goal},
    named::Named,
};

const fn sim(name: &'static str) -> Named {
    Named::test("sim", name)
}

pub const GATES: &[Gate] = &[
    Gate {
        id: "G5",
        what: "16 clients at a real server that is killed, over lines that are cut: linearizable, retries once, watches gapless, one winner a gate",
        goal: Goal {
            quick: Some("25 s, 0 wrong, judged within 60 s"),
            full: "50 studios of 45 s, 0 wrong, each judged within 60 s",
        },
        run: |run| sim("a_real_server_under_kills_and_cuts").run(run, "G5"),
    },
    Gate {
        id: "SERVERS",
        what: "16 clients at two servers over one Postgres, servers killed and stopped, lines cut, the database killed: one history, linearizable, retries once across servers, watches gapless to the last fact, one winner a gate",
        goal: Goal {
            quick: Some("25 s, 0 wrong, judged within 60 s"),
            full: "50 studios of 45 s, 0 wrong, each judged within 60 s",
        },
        run: |run| sim("two_servers_over_one_database_under_kills_and_cuts").run(run, "SERVERS"),
    },
    Gate {
        id: "G6",
        what: "the whole server simulated: lines, power, disk and clock fail by seed; histories judged, 3 seeds run twice",
        goal: Goal {
            quick: Some("200 seeds, 0 wrong, 3 of 3 traces equal"),
            full: "10,000 seeds, 0 wrong, 3 of 3 traces equal",
        },
        run: |run| sim("simulated::").run(run, "G6"),
    },
];
