//! What a call costs as the studio grows: the same calls at 1, 10 and 100 times as many projects. Never here: goals in seconds; only the ratio counts.

use std::time::{Duration, Instant};

use anyhow::Result;
use deadwax_client::net::Client;

use super::{
    Size,
    figures::{Line, Spread},
    stand::{Place, Stand},
};

const CALLS: usize = 200;
/// A call may cost so much more with a hundred times the projects; noise of two busy cores is half of it.
const MAY_GROW: f64 = 2.0;

struct Cost {
    perform: Spread,
    rows: Spread,
    cpu: Duration,
    memory: u64,
}

pub async fn measure(stand: &Stand, size: &Size) -> Result<Vec<Line>> {
    let client = stand.client().await?;
    let mut places: Vec<Place> = Vec::new();
    let mut costs = Vec::new();
    for times in [1, 10, 100] {
        let wanted = size.projects * times;
        let more = stand.places(wanted - places.len()).await?;
        places.extend(more);
        costs.push((wanted, cost(stand, &client, &places).await?));
    }
    let mut lines: Vec<Line> = costs.iter().map(|(projects, cost)| told(*projects, cost)).collect();
    if let ([first, .., last], true) = (&costs[..], size.projects > 0) {
        let grown = |of: fn(&Cost) -> f64| of(&last.1) / of(&first.1).max(0.001);
        let (perform, rows) = (grown(|it| it.perform.ms(0.5)), grown(|it| it.rows.ms(0.5)));
        let cpu = grown(|it| it.cpu.as_secs_f64());
        lines.push(Line::judged(
            "100 times the projects",
            format!("a perform takes {perform:.2} times, its rows {rows:.2} times as long; processor {cpu:.2} times"),
            format!("<= {MAY_GROW} times"),
            perform <= MAY_GROW && rows <= MAY_GROW && cpu <= MAY_GROW,
        ));
    }
    Ok(lines)
}

async fn cost(stand: &Stand, client: &Client, places: &[Place]) -> Result<Cost> {
    let before = stand.usage()?;
    let (mut perform, mut rows) = (Spread::default(), Spread::default());
    for turn in 0..CALLS {
        // Spread over all of them, so that the few that are warm do not stand for the many.
        let place = &places[turn * 7919 % places.len()];
        let asked = Instant::now();
        client.perform(&place.project, place.title(&format!("g {turn}"))).await?;
        perform.add(asked.elapsed());
        let asked = Instant::now();
        client.get(&place.project).await?;
        rows.add(asked.elapsed());
    }
    let after = stand.usage()?;
    Ok(Cost { perform, rows, cpu: after.cpu - before.cpu, memory: after.memory })
}

fn told(projects: usize, cost: &Cost) -> Line {
    let each = cost.cpu.as_secs_f64() * 1000.0 / (2 * CALLS) as f64;
    let measured = format!(
        "perform {}; rows {}; {each:.2} ms of processor a call; {} MB",
        cost.perform,
        cost.rows,
        cost.memory >> 20
    );
    Line::told(format!("{projects} projects"), measured)
}
