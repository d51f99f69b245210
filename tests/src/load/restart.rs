//! A large journal, a process that died, a cold cache: how long until the first answer. Never here: how the entries came to be.

use std::{fs, time::Duration};

use anyhow::Result;

use super::{Size, figures::Line, performs, stand::Stand};

const GOAL: Duration = Duration::from_secs(2);
const WRITERS: usize = 128;

pub async fn measure(stand: &mut Stand, size: &Size) -> Result<Vec<Line>> {
    let places = stand.places(WRITERS).await?;
    let mut entries = places.iter().map(|place| place.seq).sum::<u64>();
    while entries < size.entries {
        entries += performs::at_once(stand, &places, Duration::from_secs(2)).await?.0;
    }
    stand.kill()?;
    // Needs root; where it is refused the figure is told as warm.
    let cold = fs::write("/proc/sys/vm/drop_caches", "1").is_ok();
    let took = stand.start()?;
    let used = stand.usage()?;
    Ok(vec![Line::judged(
        format!("start with {entries} entries after kill -9, {} cache", if cold { "cold" } else { "warm" }),
        format!("{:.2} s until it answers; {} MB", took.as_secs_f64(), used.memory >> 20),
        "<= 2 s with 1,000,000",
        took <= GOAL,
    )])
}
