//! What a call costs as the studio grows: the same calls at 1, 10 and 100 times as many projects, notes in a project, and watchers of other projects. Never here:
//! goals in seconds; only the ratio counts.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use deadwax_client::net::{Client, new_id};
use deadwax_proto::v1::{self, action::Action};
use futures::StreamExt as _;

use super::{
    Size,
    figures::{Line, Spread},
    stand::{Place, Stand},
    transfers,
    watchers::{A_PROJECT, Crowd},
};

const CALLS: usize = 200;
/// A call may cost so much more with a hundred times the projects; noise of two busy cores is half of it.
const MAY_GROW: f64 = 2.0;
const TIMES: [usize; 3] = [1, 10, 100];

struct Cost {
    perform: Spread,
    rows: Spread,
    perform_cpu: Duration,
    rows_cpu: Duration,
    memory: u64,
}

pub async fn measure(stand: &Stand, size: &Size) -> Result<Vec<Line>> {
    let mut lines = of_projects(stand, size).await?;
    lines.extend(of_notes(stand, size).await?);
    lines.extend(of_watchers(stand, size).await?);
    Ok(lines)
}

async fn of_projects(stand: &Stand, size: &Size) -> Result<Vec<Line>> {
    let client = stand.client().await?;
    let (mut places, mut costs): (Vec<Place>, Vec<_>) = (Vec::new(), Vec::new());
    for times in TIMES {
        let wanted = size.projects * times;
        places.extend(stand.places(wanted - places.len()).await?);
        costs.push((wanted, cost(stand, &client, &places).await?));
    }
    Ok(told(&costs, "projects", Judged::All))
}

/// In one project, open, on one version: what a record has after a year of work, and a hundred times that.
async fn of_notes(stand: &Stand, size: &Size) -> Result<Vec<Line>> {
    let client = stand.client().await?;
    let place = stand.places(1).await?.pop().context("a project")?;
    let file = transfers::noise(&stand.folder, 1 << 20, 77)?;
    transfers::uploaded(&client, &place, &file).await?;
    let version = transfers::version(&client, &place, &file).await?.version_id;
    let (mut written, mut costs) = (0, Vec::new());
    for times in TIMES {
        let wanted = size.notes * times;
        let notes = (written..wanted).map(|number| {
            let action = note(&version, number);
            client.perform(&place.project, action)
        });
        let all: Vec<_> = futures::stream::iter(notes).buffer_unordered(16).collect().await;
        all.into_iter().try_for_each(|note| note.map(drop))?;
        written = wanted;
        costs.push((wanted, cost(stand, &client, std::slice::from_ref(&place)).await?));
    }
    // All rows of a project are as many as it has notes: only the perform is judged.
    Ok(told(&costs, "notes in the project", Judged::Performs))
}

fn note(version: &str, number: usize) -> Action {
    Action::AddNote(v1::AddNote {
        note_id: new_id(),
        version_id: version.to_owned(),
        start_ms: Some(number as u64 % 3_000),
        text: format!("The snare of bar {number} is a little loud."),
        ..Default::default()
    })
}

/// Each on a connection of its own, in other projects than the one that is asked.
async fn of_watchers(stand: &Stand, size: &Size) -> Result<Vec<Line>> {
    let client = stand.client().await?;
    let (people, mut crowds, mut costs) = (stand.people(A_PROJECT).await?, Vec::new(), Vec::new());
    let (places, mut there) = (stand.places(size.projects).await?, 0);
    for times in TIMES {
        let wanted = (size.watchers / 100).max(A_PROJECT) * times;
        crowds.push(Crowd::gather(stand, wanted - there, A_PROJECT, &people).await?);
        there = wanted;
        costs.push((wanted, cost(stand, &client, &places).await?));
    }
    Ok(told(&costs, "watchers of other projects", Judged::All))
}

async fn cost(stand: &Stand, client: &Client, places: &[Place]) -> Result<Cost> {
    let (mut perform, mut rows) = (Spread::default(), Spread::default());
    // Spread over all of them, so that the few that are warm do not stand for the many.
    let place = |turn: usize| &places[turn * 7919 % places.len()];
    let before = stand.usage()?;
    for turn in 0..CALLS {
        let asked = Instant::now();
        client.perform(&place(turn).project, place(turn).title(&format!("g {}", new_id()))).await?;
        perform.add(asked.elapsed());
    }
    let between = stand.usage()?;
    for turn in 0..CALLS {
        let asked = Instant::now();
        client.get(&place(turn).project).await?;
        rows.add(asked.elapsed());
    }
    let after = stand.usage()?;
    let (perform_cpu, rows_cpu) = (between.cpu - before.cpu, after.cpu - between.cpu);
    Ok(Cost { perform, rows, perform_cpu, rows_cpu, memory: after.memory })
}

/// What must not grow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Judged {
    All,
    Performs,
}

fn told(costs: &[(usize, Cost)], of_what: &str, judged: Judged) -> Vec<Line> {
    let each = |cpu: Duration| cpu.as_secs_f64() * 1000.0 / CALLS as f64;
    let line = |(count, cost): &(usize, Cost)| {
        let measured = format!(
            "perform {}, {:.2} ms of processor; rows {}, {:.2} ms of processor; {} MB",
            cost.perform,
            each(cost.perform_cpu),
            cost.rows,
            each(cost.rows_cpu),
            cost.memory >> 20
        );
        Line::told(format!("{count} {of_what}"), measured)
    };
    let mut lines: Vec<Line> = costs.iter().map(line).collect();
    if let [(_, first), .., (_, last)] = costs {
        // Hundredths of a second is how finely the system tells it.
        let tick = Duration::from_millis(10);
        let cpu = last.perform_cpu.as_secs_f64() / first.perform_cpu.max(tick).as_secs_f64();
        let perform = last.perform.ms(0.5) / first.perform.ms(0.5).max(0.001);
        let rows = last.rows.ms(0.5) / first.rows.ms(0.5).max(0.001);
        let held = perform <= MAY_GROW && cpu <= MAY_GROW && (judged == Judged::Performs || rows <= MAY_GROW);
        let measured = format!(
            "a perform takes {perform:.2} times as long and {cpu:.2} times the processor; its rows take {rows:.2} times as long"
        );
        let goal = match judged {
            Judged::All => format!("<= {MAY_GROW} times"),
            Judged::Performs => format!("the perform <= {MAY_GROW} times"),
        };
        lines.push(Line::judged(format!("100 times the {of_what}"), measured, goal, held));
    }
    lines
}
