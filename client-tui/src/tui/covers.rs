//! The cover from a file of this machine to the studio, and back into one. A file that is there is never written over. Never here: what a cover may be.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use deadwax_proto::v1::PutCoverResponse;
use tokio::sync::mpsc::Sender;

use super::{
    label_copy::{News, Order},
    mover::at_home,
    msg::{Failure, Msg},
};
use crate::{
    net::{Client, NetError},
    scrub,
    verbs::place_cover,
};

/// The server's own limit is lower; this one only keeps a wrong file from being read whole.
const PICTURE_BYTES_MAX: u64 = 64 << 20;

pub(super) async fn run(client: Client, out: Sender<Msg>, order: Order) {
    let news = match order {
        Order::PutCover { project_id, path } => News::Put(put(&client, &project_id, at_home(&path)).await),
        Order::FetchCover { project_id, path } => {
            News::Fetched(fetch(&client, &project_id, at_home(&path)).await)
        }
    };
    drop(out.send(Msg::LabelCopy(news)).await);
}

fn failure(error: NetError) -> Failure {
    if error.is_passing() {
        return Failure::Offline(error.to_string());
    }
    Failure::Refused {
        reason: error.reason().to_owned(),
        text: error.to_string(),
        hint: error.hint().to_owned(),
    }
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
    let shown = scrub::line(&path.to_string_lossy());
    let hint = "Name a JPEG or PNG of this machine.";
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|it| it.take(PICTURE_BYTES_MAX + 1).read_to_end(&mut bytes));
    match read {
        Err(e) => Err(here(format!("{shown} could not be read: {e}."), hint)),
        Ok(_) if bytes.len() as u64 > PICTURE_BYTES_MAX => {
            Err(here(format!("{shown} is too large for a cover."), "Save it smaller."))
        }
        Ok(_) => Ok(bytes),
    }
}

async fn fetch(client: &Client, project_id: &str, path: PathBuf) -> Result<String, Failure> {
    let (_, bytes) = client.cover(project_id).await.map_err(failure)?;
    let placed = tokio::task::spawn_blocking(move || place_cover(&path, &bytes)).await;
    let path = placed.map_err(|e| here(e.to_string(), ""))?;
    let path = path.map_err(|e| here(e.to_string(), e.next_step()))?;
    Ok(scrub::line(&path.to_string_lossy()))
}
