//! Three times what the studio can take: what comes beyond is turned away, who is in is answered as before, and a moment later all is well again. The calls are
//! the bare ones, without the waits of the real client, which would not make an overload. Never here: the limit that turns them away.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use deadwax_client::net::{Client, new_id};
use deadwax_proto::v1;
use tokio::task::JoinSet;
use tonic::Code;

use super::{
    Size,
    figures::{Line, Spread},
    performs,
    stand::{Place, Stand},
};

/// Of the greatest rate of as many writers as the goals speak of.
const NORMAL: f64 = 0.5;
const TOO_MUCH: f64 = 3.0;
const MAY_GROW: f64 = 3.0;
const WELL_AGAIN: Duration = Duration::from_secs(10);
/// Calls that this generator keeps open at most; more would measure its own memory.
const OPEN_MAX: usize = 20_000;

#[derive(Clone, Default)]
struct Seen {
    taken: Spread,
    turned_away: Spread,
    /// By code and words.
    other: BTreeMap<String, u64>,
    /// How late calls left, because the generator has the same two cores.
    lag: Spread,
}

impl Seen {
    fn failed(&self) -> u64 {
        self.other.values().sum()
    }
}

/// "3 (Aborted: ... 2 times, Unknown: ... 1 times)".
fn others(seen: &Seen) -> String {
    let each: Vec<String> = seen.other.iter().map(|(what, times)| format!("{what} {times} times")).collect();
    match each[..] {
        [] => "0".to_owned(),
        _ => format!("{} ({})", seen.failed(), each.join(", ")),
    }
}

pub async fn measure(stand: &Stand, size: &Size) -> Result<Vec<Line>> {
    let places = stand.places(size.writers * 4).await?;
    let mut clients = Vec::new();
    for _ in 0..size.writers {
        clients.push(stand.client().await?);
    }
    let (time, warm) = (Duration::from_secs(size.seconds), Duration::from_secs(size.seconds.min(5)));
    let (count, _) = performs::at_once(stand, &places[..size.writers], warm).await?;
    let most = count as f64 / warm.as_secs_f64();
    let normal = press(&clients, &places, most * NORMAL, time).await?;
    let before = stand.usage()?;
    let pressed = press(&clients, &places, most * TOO_MUCH, time).await?;
    let used = stand.usage()?;
    let again = well_again(&clients, &places, most * NORMAL, &normal).await?;
    let (taken, away) = (pressed.taken.count(), pressed.turned_away.count());
    let offered = (taken + away + pressed.failed()) as f64 / time.as_secs_f64();
    let grown = pressed.taken.ms(0.99) / normal.taken.ms(0.99).max(0.1);
    let is_over = away > 0 || offered < most;
    Ok(vec![
        Line::told(
            format!("normal: {:.0} performs/s", most * NORMAL),
            format!(
                "{}; {} turned away, other errors: {}",
                normal.taken,
                normal.turned_away.count(),
                others(&normal)
            ),
        ),
        Line::judged(
            format!("overload: {TOO_MUCH:.0} times the greatest rate of {most:.0}/s"),
            format!(
                "{offered:.0}/s came: {:.0}/s taken, {:.0}/s turned away with RESOURCE_EXHAUSTED in {}, other errors: {}; calls left {} late; {} MB more at most",
                taken as f64 / time.as_secs_f64(),
                away as f64 / time.as_secs_f64(),
                pressed.turned_away,
                others(&pressed),
                pressed.lag,
                used.memory_most.saturating_sub(before.memory) >> 20
            ),
            "turned away, and no other error",
            is_over && pressed.failed() == 0,
        ),
        Line::judged(
            "who is let in during it",
            format!("{}: {grown:.1} times the p99 of normal", pressed.taken),
            format!("p99 <= {MAY_GROW:.0} times normal"),
            grown <= MAY_GROW,
        ),
        Line::judged(
            "back to normal",
            again.map_or_else(
                || format!("not within {} s", WELL_AGAIN.as_secs() * 3),
                |took| format!("after {:.0} s", took.as_secs_f64()),
            ),
            format!("<= {} s", WELL_AGAIN.as_secs()),
            again.is_some_and(|took| took <= WELL_AGAIN),
        ),
    ])
}

/// Seconds until one of them is as the seconds before the overload were: nobody turned away, and waits of at most twice theirs.
async fn well_again(
    clients: &[Client],
    places: &[Place],
    rate: f64,
    normal: &Seen,
) -> Result<Option<Duration>> {
    let begun = Instant::now();
    while begun.elapsed() < WELL_AGAIN * 3 {
        let second = press(clients, places, rate, Duration::from_secs(1)).await?;
        let quick = second.taken.ms(0.99) <= 2.0 * normal.taken.ms(0.99).max(1.0);
        if quick && second.turned_away.count() + second.failed() == 0 {
            return Ok(Some(begun.elapsed()));
        }
    }
    Ok(None)
}

/// Calls by the clock, whether or not the ones before have come back. A wait counts from when the call left: at three times of everything this generator cannot
/// keep its own clock, and `lag` tells by how much.
async fn press(clients: &[Client], places: &[Place], rate: f64, time: Duration) -> Result<Seen> {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let (begun, mut hands) = (Instant::now(), JoinSet::new());
    for turn in 0..(rate * time.as_secs_f64()) as usize {
        let due = begun + Duration::from_secs_f64(turn as f64 / rate);
        if begun.elapsed() > time || hands.len() >= OPEN_MAX {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        while hands.try_join_next().is_some() {}
        let (client, place) = (clients[turn % clients.len()].clone(), places[turn % places.len()].clone());
        let seen = Arc::clone(&seen);
        hands.spawn(async move {
            let asked = v1::PerformRequest {
                command_id: new_id(),
                project_id: place.project.clone(),
                expected: None,
                action: Some(v1::Action { action: Some(place.title(&format!("o {}", new_id()))) }),
            };
            let left = Instant::now();
            let answer = client.projects().perform(asked).await;
            let took = left.elapsed();
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.lag.add(left.saturating_duration_since(due));
            match answer {
                Ok(_) => seen.taken.add(took),
                Err(no) if no.code() == Code::ResourceExhausted => seen.turned_away.add(took),
                Err(no) => {
                    let words: String = no.message().chars().take(80).collect();
                    *seen.other.entry(format!("{:?}: {words}", no.code())).or_default() += 1;
                }
            }
        });
    }
    while let Some(hand) = hands.join_next().await {
        hand.context("a call")?;
    }
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(seen)
}
