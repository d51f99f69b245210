//! Everything out again in open forms: export, history, and rows as they change.

use std::path::PathBuf;

use deadwax_proto::v1::{self, row::Row};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::{
    Context, VerbError,
    house::House,
    json as row_json,
    place::{make_folder, place_bytes, sums},
    pull,
    review::enter,
    words,
};
use crate::{
    cli::Where,
    net::{Client, Followed, follow},
};

const PAGE: u32 = 500;

/// All entries of a song (or of the project), newest first; `limit` 0 is all.
async fn entries(
    client: &Client,
    project_id: &str,
    song_id: &str,
    limit: u32,
) -> Result<Vec<v1::HistoryEntry>, VerbError> {
    let mut all: Vec<v1::HistoryEntry> = Vec::new();
    let mut before_seq = 0;
    loop {
        let missing = if limit == 0 { PAGE } else { (limit - all.len() as u32).min(PAGE) };
        let page = client
            .history(v1::HistoryRequest {
                project_id: project_id.to_owned(),
                before_seq,
                limit: missing,
                song_id: song_id.to_owned(),
            })
            .await?;
        let empty = page.entries.is_empty();
        all.extend(page.entries);
        let full = limit != 0 && all.len() as u32 >= limit;
        // A cursor that does not move backwards would never end.
        let stuck = before_seq != 0 && page.next_before_seq >= before_seq;
        if page.next_before_seq == 0 || full || empty || stuck {
            if limit != 0 {
                all.truncate(limit as usize);
            }
            return Ok(all);
        }
        before_seq = page.next_before_seq;
    }
}

pub async fn history(c: &Context, limit: u32, place: &Where) -> Result<(), VerbError> {
    let (client, house) = enter(c, place).await?;
    let song_id = match &place.song {
        Some(wanted) => house.song(Some(wanted))?.song_id.clone(),
        None => String::new(),
    };
    for entry in entries(&client, &house.project.project_id, &song_id, limit).await? {
        c.out.both(&format!("{}  {}", words::moment(entry.at_ms), entry.text), &row_json::entry(&entry))?;
    }
    Ok(())
}

/// Rows that speak of this song, and the project's own.
fn belongs(row: &v1::Row, song_id: &str) -> bool {
    match &row.row {
        Some(Row::Project(_) | Row::Member(_) | Row::Record(_)) => true,
        Some(Row::Song(r)) => r.song_id == song_id,
        Some(Row::Gate(r)) => r.song_id == song_id,
        Some(Row::Version(r)) => r.song_id == song_id,
        Some(Row::Note(r)) => r.song_id == song_id,
        Some(Row::Request(r)) => r.song_id == song_id,
        Some(Row::Render(r)) => r.song_id == song_id,
        Some(Row::Delivery(r)) => r.song_id == song_id,
        Some(Row::Recipe(r)) => r.song_id == song_id || r.song_id.is_empty(),
        None => false,
    }
}

pub async fn export(
    c: &Context,
    folder: Option<PathBuf>,
    no_audio: bool,
    place: &Where,
) -> Result<(), VerbError> {
    let client = c.client(&place.who).await?;
    let found = House::find(&client, place.project.as_deref()).await?;
    let song = found.song(place.song.as_deref())?.clone();
    let update = client.get(&found.project.project_id).await?;
    let rows: Vec<Value> =
        update.upserts.iter().filter(|r| belongs(r, &song.song_id)).map(row_json::row).collect();
    let house = House::from_update(update);
    let past: Vec<Value> = entries(&client, &house.project.project_id, &song.song_id, 0)
        .await?
        .iter()
        .map(row_json::entry)
        .collect();
    let Some(folder) = folder else {
        for value in rows.iter().chain(&past) {
            super::Out { json: true }.object(value)?;
        }
        return Ok(());
    };
    make_folder(&folder)?;
    let lines = |values: &[Value]| values.iter().map(|v| format!("{v}\n")).collect::<String>();
    let mut all = Vec::new();
    for (name, text) in [("rows.jsonl", lines(&rows)), ("history.jsonl", lines(&past))] {
        use sha2::Digest as _;
        place_bytes(&folder, name, text.as_bytes())?;
        all.push((name.to_owned(), hex::encode(sha2::Sha256::digest(&text))));
    }
    if !no_audio {
        for version in house.versions_of(&song.song_id) {
            let within = words::version(version).replace(' ', "");
            let files: Vec<&v1::VersionFile> = version.files.iter().filter(|f| f.may_fetch).collect();
            let fetched =
                pull::fetch(c, &client, &house, &song, version, &files, &folder.join(&within)).await?;
            all.extend(fetched.into_iter().map(|(name, sha)| (format!("{within}/{name}"), sha)));
        }
    }
    place_bytes(&folder, "SHA256SUMS", sums(&all).as_bytes())?;
    let done = format!(
        "{} rows, {} entries and {} files in {}.",
        rows.len(),
        past.len(),
        all.len(),
        folder.display()
    );
    c.out.both(
        &done,
        &json!({ "exported": folder.to_string_lossy(), "rows": rows.len(), "entries": past.len(), "files": all.len() }),
    )
}

pub async fn watch(c: &Context, place: &Where) -> Result<(), VerbError> {
    let (client, house) = enter(c, place).await?;
    let song_id =
        place.song.as_deref().map(|s| house.song(Some(s)).map(|s| s.song_id.clone())).transpose()?;
    let out = super::Out { json: true };
    let mut stream = Box::pin(follow(client, house.project.project_id.clone(), 0));
    while let Some(item) = stream.next().await {
        match item {
            Followed::Live => {}
            Followed::Row(update) => {
                if update.snapshot {
                    out.object(&json!({ "row": "snapshot", "seq": update.seq }))?;
                }
                for row in update.upserts.iter().filter(|r| song_id.as_deref().is_none_or(|s| belongs(r, s)))
                {
                    let mut value = row_json::row(row);
                    if let Some(object) = value.as_object_mut() {
                        object.insert("seq".into(), json!(update.seq));
                    }
                    out.object(&value)?;
                }
                for key in &update.removals {
                    out.object(&json!({ "row": "removed", "key": key, "seq": update.seq }))?;
                }
            }
            Followed::Lost { error, wait } => {
                c.out.aside(&format!("{error}; trying again in {:.1} s", wait.as_secs_f64()));
            }
            Followed::Ended(error) => return Err(error.into()),
        }
    }
    Ok(())
}
