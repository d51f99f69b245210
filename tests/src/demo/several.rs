//! The end of the job where the house stands on several machines: each server dies in turn while people go on at the other, and at the end every file in the object
//! store is what its name says. Never here: work on the song.

use std::{thread, time::Duration};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{
    cast::{self, exported},
    studio::Studio,
};
use crate::harness::{House, Seat};

/// Until a balancer has asked a server that came back, and lets people in again.
const FOUND_AGAIN: Duration = Duration::from_millis(2500);
/// Of the calls of the whole job, at each server at least.
const CALLS_MIN: u64 = 40;

/// kill -9 of one server, then of the other: the one that is left answers everybody alike.
pub fn servers_die_in_turn(on: &mut Studio) -> Result<()> {
    on.log.step("Each server is killed without a word in turn; people go on at the other");
    let calls = on.scale.as_ref().context("there is one server only")?.calls()?;
    on.log.check(
        calls.iter().all(|count| *count >= CALLS_MIN),
        format!("both served until now: {} and {} calls answered", calls[0], calls[1]),
    )?;
    once_each(on)?;
    let seats = [&on.cast.owner, &on.cast.label, &on.cast.mixer].map(Clone::clone);
    let before = seats.iter().map(exported).collect::<Result<Vec<_>>>()?;
    for first in [true, false] {
        let what = if first { "the first" } else { "the second" };
        server(on, first)?.kill()?;
        same(on, (&seats, &before), &format!("while {what} is down"))?;
        server(on, first)?.open()?;
        thread::sleep(FOUND_AGAIN);
    }
    same(on, (&seats, &before), "when both are back")
}

/// Two servers pack and a worker renders and examines; whoever had it, each piece of work was done once.
fn once_each(on: &Studio) -> Result<()> {
    let lines = exported(&on.cast.owner)?;
    let count = |code: &str| lines.iter().filter(|it| it["row"] == "history" && it["code"] == code).count();
    for (begun, ended, what) in [
        ("HANDOFF_MADE", "PACKAGE_MADE", "handoffs were packed"),
        ("RENDER_QUEUED", "RENDER_COMPLETED", "renders were done"),
        ("RENDER_LEASED", "RENDER_COMPLETED", "attempts came to their end"),
        ("VERSION_ADDED", "VERSION_EXAMINED", "versions were examined"),
    ] {
        let (begun, ended) = (count(begun), count(ended));
        on.log.check(ended > 0 && begun == ended, format!("{ended} of {begun} {what}, each once"))?;
    }
    Ok(())
}

fn server(on: &mut Studio, first: bool) -> Result<&mut House> {
    match first {
        true => Ok(&mut on.house),
        false => Ok(&mut on.scale.as_mut().context("there is one server only")?.second),
    }
}

fn same(on: &Studio, (seats, before): (&[Seat], &[Vec<Value>]), when: &str) -> Result<()> {
    for (seat, before) in seats.iter().zip(before) {
        let now = seen(on, seat)?;
        let what = format!(
            "{when} {} sees the same {} rows and entries as before",
            cast::profile(seat)?.person,
            before.len()
        );
        on.log.check(now == *before, what)?;
    }
    Ok(())
}

/// Through the balancer; without one, at whichever server answers.
fn seen(on: &Studio, seat: &Seat) -> Result<Vec<Value>> {
    match exported(seat) {
        Err(_) if on.scale.as_ref().is_some_and(|it| it.balancer.is_none()) => {
            on.lead(seat)?;
            exported(seat)
        }
        told => told,
    }
}

/// SIGTERM to all of them, then every finished file in the object store is read.
pub fn stop(on: &mut Studio) -> Result<()> {
    on.log.step("Servers and worker are stopped, and every file in the object store is read");
    let scale = on.scale.as_mut().context("there is one server only")?;
    scale.worker.close()?;
    scale.second.close()?;
    on.house.close()?;
    on.log.check(true, "all three ended by themselves when asked")?;
    let stored = on.scale.as_ref().context("there is one server only")?.stored()?;
    for (name, digest) in &stored {
        if name != digest {
            on.log.check(false, format!("{name} holds other bytes: their SHA-256 is {digest}"))?;
        }
    }
    on.log.check(
        stored.len() > 10,
        format!("each of {} files there has the SHA-256 that is its name", stored.len()),
    )
}
