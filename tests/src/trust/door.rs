//! Who stands at the door: limits of connections, streams, headers, calls; attacks on the raw line; the slow and the old; an orderly stop. Never here: the limits
//! themselves.

use super::{
    gate::{Gate, Goal},
    named::Named,
};

const fn attacks(name: &'static str) -> Named {
    Named::test("attacks", name)
}

pub const GATES: &[Gate] = &[
    Gate {
        id: "LIMITS",
        what: "the first beyond a limit of connections, streams, headers, messages is refused",
        goal: Goal {
            quick: Some("each refused, others unharmed, <= 32 MiB"),
            full: "each refused, others unharmed, <= 32 MiB",
        },
        run: |run| attacks("limits::").run(run, "LIMITS"),
    },
    Gate {
        id: "RATES",
        what: "a person who calls ten times too often",
        goal: Goal {
            quick: Some(
                "no more than their share, told how long to wait; another's p99 <= 5 x max(idle, 10 ms)",
            ),
            full: "no more than their share, told how long to wait; another's p99 <= 5 x max(idle, 10 ms)",
        },
        run: |run| attacks("rates::").run(run, "RATES"),
    },
    Gate {
        id: "SLOW",
        what: "an upload that trickles, a watcher who never reads",
        goal: Goal {
            quick: Some(
                "given up with its bytes kept; others' p99 <= 3 x max(without, 10 ms), <= 32 MiB, nothing queued",
            ),
            full: "given up with its bytes kept; others' p99 <= 3 x max(without, 10 ms), <= 32 MiB, nothing queued",
        },
        run: |run| attacks("slow::").run(run, "SLOW"),
    },
    Gate {
        id: "ATTACK",
        what: "eight floods and six kinds of silence on the raw line",
        goal: Goal {
            quick: Some(
                "4 s each: alive, <= 32 MiB, hung up on, nobody at work fails, p99 <= 10 x max(idle, 10 ms)",
            ),
            full: "60 s each: alive, <= 32 MiB, hung up on, nobody at work fails, p99 <= 10 x max(idle, 10 ms)",
        },
        run: |run| attacks("attack_").run(run, "ATTACK"),
    },
    Gate {
        id: "AGE",
        what: "a connection that has grown old is cut under a watcher",
        goal: Goal { quick: Some(">= 2 cuts, 0 gaps, 0 doubles"), full: ">= 2 cuts, 0 gaps, 0 doubles" },
        run: |run| Named::test("door", "a_watcher_goes_on_when_its_connection_has_grown_old").run(run, "AGE"),
    },
    Gate {
        id: "STOP",
        what: "SIGTERM under 16 clients and 4 watchers, and a second one",
        goal: Goal {
            quick: Some("2 times: 0 acknowledged lost, 0 gaps, 0 doubles, exit 0; the second at once"),
            full: "20 times: 0 acknowledged lost, 0 gaps, 0 doubles, exit 0; the second at once",
        },
        run: |run| attacks("stop::").run(run, "STOP"),
    },
];
