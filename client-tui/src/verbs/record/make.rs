//! The dry run, the start, how far it is, and the stop of a record. A stop of this program leaves the record being made, and says so. Never here: what may be made.

use std::{io::IsTerminal as _, pin::pin};

use deadwax_proto::v1::{self, action::Action};
use futures::StreamExt as _;
use serde_json::json;

use super::{
    ask, enter, show,
    told::{self, ended_well, is_under_way},
};
use crate::{
    cli::{InProject, RecordAsk, WhichRecord},
    net::{Client, Followed, follow_record, new_id},
    verbs::{
        Context, VerbError,
        house::{House, ask_allowed},
        json as row_json,
        out::Bar,
        studio, words,
    },
};

pub async fn plan(c: &Context, asked: &RecordAsk, at: &InProject) -> Result<(), VerbError> {
    let request = ask::request(asked, "")?;
    let (client, house) = studio::enter(c, at).await?;
    let project_id = house.project.project_id.clone();
    let plan = client.plan_record(v1::PlanRequest { project_id, ..request }).await?;
    c.out.both(&show::plan_text(&house, &plan), &show::plan_object(&plan))?;
    if told::blocks(&plan) == 0 { Ok(()) } else { Err(VerbError::Said(1)) }
}

pub async fn start(
    c: &Context,
    asked: &RecordAsk,
    (stays, yes): (bool, bool),
    at: &InProject,
) -> Result<(), VerbError> {
    let request = ask::request(asked, "")?;
    let (client, house) = studio::enter(c, at).await?;
    let project_id = house.project.project_id.clone();
    ask_allowed(&house.project.allowed, "start_record")?;
    let plan =
        client.plan_record(v1::PlanRequest { project_id: project_id.clone(), ..request.clone() }).await?;
    c.out.aside(&format!("{}{}", show::findings_text(&house, &plan), told::sum(&plan)));
    if let Some(first) = plan.findings.iter().find(|it| it.block) {
        let hint = if first.mend.is_empty() { "See `deadwax record plan`." } else { first.mend.as_str() };
        return Err(VerbError::no("PLAN_BLOCKED", first.text.clone(), hint));
    }
    let question = format!("Make the record for {}?", names(&request));
    c.out.confirm(&question, yes).await?;
    let record_id = new_id();
    let action = Action::StartRecord(v1::StartRecord {
        record_id: record_id.clone(),
        spacing: plan.spacing,
        profiles: request.profiles,
        loudest_track_lufs: request.loudest_track_lufs,
        medium: request.medium,
        basis: plan.basis,
    });
    let done = client.perform(&project_id, action).await?;
    let after = House::fetch(&client, &project_id).await?;
    let number = after.records.iter().find(|it| it.record_id == record_id).map(|it| it.number);
    c.tell(&done, json!({ "record_id": record_id, "number": number }))?;
    if stays {
        return follow(c, &client, &project_id, &record_id, number.unwrap_or_default()).await;
    }
    c.out.text("Look how far it is with `deadwax record watch`.")
}

fn names(request: &v1::PlanRequest) -> String {
    request.profiles.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ")
}

pub async fn cancel(c: &Context, which: &WhichRecord) -> Result<(), VerbError> {
    let (client, house, at) = enter(c, which).await?;
    let row = &house.records[at];
    ask_allowed(&row.allowed, "cancel_record")?;
    let action = Action::CancelRecord(v1::CancelRecord { record_id: row.record_id.clone() });
    let done = client.perform(&house.project.project_id, action).await?;
    c.tell(&done, json!({ "record_id": row.record_id, "number": row.number }))
}

pub async fn watch(c: &Context, which: &WhichRecord) -> Result<(), VerbError> {
    let (client, house, at) = enter(c, which).await?;
    let (project_id, row) = (&house.project.project_id, &house.records[at]);
    follow(c, &client, project_id, &row.record_id, row.number).await
}

/// Until it ended. The row decides that: a line that is cut, or a stream that ends, says nothing of the record.
async fn follow(
    c: &Context,
    client: &Client,
    project_id: &str,
    record_id: &str,
    number: u32,
) -> Result<(), VerbError> {
    c.goes_on(
        format!("Stopped looking. Record {number} goes on being made."),
        format!(
            "Look again with `deadwax record watch {number}`; `deadwax record cancel {number}` stops it."
        ),
    );
    let (mut row, mut teller) = (find(client, project_id, record_id).await?, Teller::new(c, number));
    while is_under_way(&row) {
        let heard = follow_record(client.clone(), project_id.to_owned(), record_id.to_owned());
        let mut heard = pin!(heard);
        while let Some(item) = heard.next().await {
            match item {
                Followed::Live => {}
                Followed::Row(progress) => {
                    teller.tell(&progress)?;
                    if progress.ended {
                        break;
                    }
                }
                Followed::Lost { error, wait } => {
                    teller.lost(&error.to_string(), wait);
                    // It may have ended meanwhile; where nobody answers, the next try comes by itself.
                    if find(client, project_id, record_id).await.is_ok_and(|row| !is_under_way(&row)) {
                        break;
                    }
                }
                Followed::Ended(error) => return Err(error.into()),
            }
        }
        // The word that it ended and the row of it may come in either order.
        let before = row.state;
        row = find(client, project_id, record_id).await?;
        if is_under_way(&row) && row.state == before {
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    }
    drop(teller);
    let mut text = format!("Record {}: {}.", row.number, words::record_state(row.state));
    if told::files(&row) > 0 {
        let files = told::count(told::files(&row), "file", "files");
        text += &format!(" {files}, {}, fingerprint {}.", told::size(told::bytes(&row)), row.fingerprint);
    }
    for more in [&row.reason, &row.waits_for] {
        if !more.is_empty() {
            text += &format!("\n{more}");
        }
    }
    c.out.both(&text, &row_json::record(&row))?;
    if row.same_as > 0 {
        c.out.aside(&format!("Nothing changed: look at it with `deadwax record show {}`.", row.same_as));
    }
    if ended_well(&row) { Ok(()) } else { Err(VerbError::Said(1)) }
}

async fn find(client: &Client, project_id: &str, record_id: &str) -> Result<v1::RecordRow, VerbError> {
    let house = House::fetch(client, project_id).await?;
    house
        .records
        .into_iter()
        .find(|it| it.record_id == record_id)
        .ok_or_else(|| VerbError::no("NO_SUCH_RECORD", "The record is gone.", "See `deadwax record show`."))
}

/// Progress beside the result: a bar on a terminal, else a line for each step.
struct Teller<'a> {
    c: &'a Context,
    bar: Bar,
    number: u32,
    step: String,
    lines: bool,
}

impl<'a> Teller<'a> {
    fn new(c: &'a Context, number: u32) -> Teller<'a> {
        let bar = Bar::share(&format!("Record {number}"));
        let lines = !c.out.json && !std::io::stderr().is_terminal();
        Teller { c, bar, number, step: String::new(), lines }
    }

    fn tell(&mut self, it: &v1::RecordProgress) -> Result<(), VerbError> {
        let files = if it.files > 0 { format!(" {}/{}", it.files_done, it.files) } else { String::new() };
        self.bar.step(&format!("{}{files}", it.step), it.fraction);
        if self.lines && !it.step.is_empty() && it.step != self.step {
            self.step.clone_from(&it.step);
            let percent = (it.fraction.clamp(0.0, 1.0) * 100.0).floor();
            self.c.out.aside(&format!("Record {}: {percent:3.0} %  {}{files}", self.number, it.step));
        }
        self.c.out.object(&json!({
            "row": "record_progress", "number": self.number, "step": it.step, "fraction": it.fraction, "files_done": it.files_done,
            "files": it.files, "ended": it.ended,
        }))
    }

    fn lost(&self, why: &str, wait: std::time::Duration) {
        if !self.c.out.json {
            self.c.out.aside(&format!("{why}; the next try comes in {:.1} s.", wait.as_secs_f64()));
        }
    }
}
