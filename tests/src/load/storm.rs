//! The storm: the server dies under a crowd and comes back; how soon everybody has what they missed. The waits between tries are the real client's own.
//! Never here: who sits in the crowd.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use anyhow::Result;

use super::{
    Size,
    figures::Line,
    stand::Stand,
    watchers::{A_PROJECT, Crowd},
};

const GOAL: Duration = Duration::from_secs(15);

pub async fn measure(stand: &mut Stand, size: &Size) -> Result<Vec<Line>> {
    let people = stand.people(A_PROJECT).await?;
    let crowd = Crowd::gather(stand, size.returning, A_PROJECT, &people).await?;
    let lines = crowd.told.lines.load(Ordering::Relaxed);
    stand.kill()?;
    // As long as an update of the program takes; by then everybody has tried in vain.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let start = stand.start()?;
    let begun = Instant::now();
    let client = stand.client().await?;
    crowd.write_to_all(&client, "after the storm").await?;
    let missed = crowd.missed(Duration::from_secs(60)).await;
    let took = begun.elapsed();
    let again = crowd.told.lines.load(Ordering::Relaxed) - lines;
    Ok(vec![
        Line::judged(
            format!("{} clients return after kill -9", size.returning),
            format!(
                "{:.1} s from the first answer (the start took {:.2} s); {again} streams opened again",
                took.as_secs_f64(),
                start.as_secs_f64()
            ),
            format!("<= {} s", GOAL.as_secs()),
            took <= GOAL && missed == 0,
        ),
        Line::judged("of them without what they missed", missed.to_string(), "0", missed == 0),
    ])
}
