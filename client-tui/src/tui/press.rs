//! The tasks behind a record on the screens: what it can be made for, its dry run, how far it is. Dropped, each stops where it waits. Never here: what is asked of a
//! person, how the answer is shown.

use std::{path::Path, pin::pin};

use deadwax_proto::v1::{PlanRequest, RecordProfile};
use futures::StreamExt as _;
use tokio::sync::mpsc::Sender;

use super::{
    effects::failure,
    mover::at_home,
    msg::{Failure, Msg},
    record::News,
};
use crate::{
    net::{Client, Followed, follow_record},
    verbs::{VerbError, record::own_profile},
};

async fn tell(out: &Sender<Msg>, news: News) {
    drop(out.send(Msg::Record(news)).await);
}

pub async fn profiles(client: Client, out: Sender<Msg>, ticket: u64) {
    let outcome = client.list_profiles().await.map_err(failure);
    tell(&out, News::Profiles { ticket, outcome }).await;
}

/// What is to be planned.
pub struct Asked {
    pub project_id: String,
    pub names: Vec<String>,
    pub own: Vec<String>,
    pub loudest: Option<f64>,
    pub medium: String,
}

pub async fn plan(client: Client, out: Sender<Msg>, ticket: u64, asked: Asked) {
    let planned = async {
        let mut profiles: Vec<RecordProfile> =
            asked.names.into_iter().map(|name| RecordProfile { name, toml: String::new() }).collect();
        profiles.extend(read(asked.own).await?);
        let request = PlanRequest {
            project_id: asked.project_id,
            profiles: profiles.clone(),
            loudest_track_lufs: asked.loudest,
            medium: asked.medium,
        };
        let plan = client.plan_record(request).await.map_err(failure)?;
        Ok((profiles, Box::new(plan)))
    };
    let outcome = planned.await;
    tell(&out, News::Planned { ticket, outcome }).await;
}

/// Files of this machine: read and parsed beside the threads that talk and draw.
async fn read(paths: Vec<String>) -> Result<Vec<RecordProfile>, Failure> {
    let work = move || paths.iter().map(|it| own_profile(&at_home(Path::new(it)))).collect();
    let read: Result<Vec<RecordProfile>, VerbError> = match tokio::task::spawn_blocking(work).await {
        Ok(read) => read,
        Err(_) => Err(VerbError::Input("the profile could not be read".into())),
    };
    read.map_err(|error| {
        let text = error.to_string();
        let (text, hint) = text.split_once('\n').unwrap_or((&text, "Mend the file, then try again."));
        Failure::Refused { reason: "INPUT".into(), text: text.to_owned(), hint: hint.to_owned() }
    })
}

/// Until it ended. A cut of the line is told by those that watch the project.
pub async fn watch(client: Client, out: Sender<Msg>, project_id: String, record_id: String) {
    let mut heard = pin!(follow_record(client, project_id, record_id.clone()));
    while let Some(item) = heard.next().await {
        match item {
            Followed::Row(progress) => {
                tell(&out, News::Progress { record_id: record_id.clone(), progress }).await;
            }
            Followed::Ended(_) => return,
            Followed::Live | Followed::Lost { .. } => {}
        }
    }
}

pub async fn whole(client: Client, out: Sender<Msg>, project: String, record_id: String) {
    let outcome = client.get_record(&project, &record_id).await.map(Box::new).map_err(failure);
    tell(&out, News::Whole { project, outcome }).await;
}

pub async fn report(client: Client, out: Sender<Msg>, ticket: u64, (project, record_id): (String, String)) {
    let outcome = client.record_report(&project, &record_id).await.map_err(failure);
    tell(&out, News::Report { ticket, outcome }).await;
}
