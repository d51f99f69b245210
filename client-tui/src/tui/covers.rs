//! The cover from a file of this machine to the studio, and back into one. A file that is there is never written over. Never here: what a cover may be.

use std::path::{Path, PathBuf};

use deadwax_proto::v1::PutCoverResponse;
use tokio::sync::mpsc::Sender;

use super::{
    effects::failure,
    label_copy::{News, Order},
    mover::at_home,
    msg::{Failure, Msg},
};
use crate::{
    net::Client,
    scrub,
    verbs::{picture_of, place_cover},
};

pub(super) async fn run(client: Client, out: Sender<Msg>, order: Order) {
    let news = match order {
        Order::PutCover { project_id, path } => News::Put(put(&client, &project_id, at_home(&path)).await),
        Order::FetchCover { project_id, path } => {
            News::Fetched(fetch(&client, &project_id, at_home(&path)).await)
        }
    };
    drop(out.send(Msg::LabelCopy(news)).await);
}

fn here(text: String, hint: &str) -> Failure {
    Failure::Refused { reason: "INPUT".into(), text, hint: hint.into() }
}

async fn put(client: &Client, project_id: &str, path: PathBuf) -> Result<PutCoverResponse, Failure> {
    let read = tokio::task::spawn_blocking(move || picture(&path)).await;
    let bytes = read.map_err(|e| here(e.to_string(), ""))??;
    client.put_cover(project_id, bytes.into()).await.map_err(failure)
}

fn picture(path: &Path) -> Result<Vec<u8>, Failure> {
    picture_of(path).map_err(|error| here(error.to_string(), "Name a JPEG or PNG of this machine."))
}

async fn fetch(client: &Client, project_id: &str, path: PathBuf) -> Result<String, Failure> {
    let (_, bytes) = client.cover(project_id).await.map_err(failure)?;
    let placed = tokio::task::spawn_blocking(move || place_cover(&path, &bytes)).await;
    let path = placed.map_err(|e| here(e.to_string(), ""))?;
    let path = path.map_err(|e| here(e.to_string(), e.next_step()))?;
    Ok(scrub::line(&path.to_string_lossy()))
}
