//! The disk that fails: cuts at every change, errors at every site, the disk that is full. Never here: the parts that fail.

use anyhow::Result;

use super::{
    gate::{Found, Gate, Goal, Run, Verdict},
    named::Named,
};

const fn inside(name: &'static str) -> Named {
    Named::unit(name)
}

const fn outside(file: &'static str, name: &'static str) -> Named {
    Named::test(file, name)
}

pub const GATES: &[Gate] = &[
    Gate {
        id: "G2a",
        what: "the power fails after every change of the disk: un-synced bytes and names lost, torn, reordered; a drive that lies about its syncs must lose",
        goal: Goal {
            quick: Some("1 script of 200 steps, every 5th change, 0 lost, 0 by half; the control loses"),
            full: "50 scripts of 200 steps, every change, 0 lost, 0 by half; the control loses",
        },
        run: |run| inside("disk::trial::crash").run(run, "G2a"),
    },
    Gate {
        id: "G3",
        what: "EIO, ENOSPC, EINTR, short write at every site: no acknowledgement after a failed sync, reads go on, a restart mends",
        goal: Goal { quick: Some("every site, 0 wrong"), full: "every site, 0 wrong" },
        run: |run| inside("disk::trial::sites").run(run, "G3"),
    },
    Gate {
        id: "G3-RO",
        what: "a server whose disk failed: uploads, changes, renders and what was heard are refused, reads and health tell the truth",
        goal: Goal { quick: Some("within 1 s"), full: "within 1 s" },
        run: |run| outside("read_only", "").run(run, "G3-RO"),
    },
    Gate {
        id: "TAIL",
        what: "a torn tail told apart from damage in the middle",
        goal: Goal {
            quick: Some("every cut opens; 4,000 flipped bits, 0 passed over"),
            full: "every cut opens; 200,000 flipped bits, 0 passed over",
        },
        run: |run| inside("disk::trial::tail").run(run, "TAIL"),
    },
    Gate {
        id: "FULL",
        what: "the disk fills up, bytes and names: refused early, people go on, room again is work again",
        goal: Goal { quick: Some("0 lost, no restart"), full: "0 lost, no restart" },
        run: full,
    },
];

/// By a figure in memory, and on a real small file system where one can be mounted.
fn full(run: &Run) -> Result<Found> {
    let mut told = inside("disk::trial::full").run(run, "FULL")?;
    let real = outside("full_disk", "").run(run, "FULL")?;
    let said = match &real.verdict {
        Verdict::NotRun(why) => format!("on a real disk not run: {why}"),
        Verdict::Held | Verdict::Missed => real.measured,
    };
    told.measured = format!("{}; {said}", told.measured);
    if real.verdict == Verdict::Missed {
        told.verdict = Verdict::Missed;
    }
    told.notes.extend(real.notes);
    Ok(told)
}
