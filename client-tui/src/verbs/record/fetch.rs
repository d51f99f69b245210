//! `record fetch`: the files of a record into a folder of this machine. What lies there is looked at before anything is fetched. Never here: where a file is
//! put and how it is checked.

use serde_json::json;

use super::{
    enter,
    files::{self, Asked, Listed, Place},
};
use crate::{
    cli::RecordFetch,
    verbs::{Context, VerbError, out::Bar},
};

pub async fn fetch(c: &Context, asked: RecordFetch) -> Result<(), VerbError> {
    let (client, house, at) = enter(c, &asked.which).await?;
    let row = &house.records[at];
    let project_id = house.project.project_id.as_str();
    for wanted in &asked.only {
        if !row.files.iter().any(|it| it.profile == *wanted) && !row.files.is_empty() {
            let mut known: Vec<&str> = row.files.iter().map(|it| it.profile.as_str()).collect();
            known.sort_unstable();
            known.dedup();
            return Err(VerbError::Usage(format!(
                "Record {} has no files for {wanted:?}; it has {}",
                row.number,
                known.join(", ")
            )));
        }
    }
    let dir = asked.to.as_path();
    let wanted = Asked::of(row, &asked.only)?;
    let all: u64 = wanted.files.iter().fold(0, |sum, it| sum.saturating_add(it.bytes));
    let (count, bar) = (wanted.files.len(), Bar::bytes("looking at the folder", all));
    let work = files::look(dir, &wanted, asked.force, move |done| bar.set(done)).await?;
    let gone = files::clear(dir, work.old).await?;
    if gone > 0 {
        c.out.aside(&format!("Taken away: {gone} file(s) of the record that lay there before."));
    }
    for file in &work.right {
        tell(c, &asked, file, false)?;
    }
    let total: u64 = work.missing.iter().fold(0, |sum, it| sum.saturating_add(it.bytes));
    let place = Place { project_id, record_id: &row.record_id, dir, over: asked.force };
    let bar = Bar::bytes(&format!("Record {}", row.number), total);
    let mut before = 0u64;
    for file in &work.missing {
        files::fetch(&client, place, file, &|done, _| bar.set(before.saturating_add(done))).await?;
        before = before.saturating_add(file.bytes);
        bar.set(before);
        tell(c, &asked, file, true)?;
    }
    drop(bar);
    let manifest = wanted.manifest.as_deref();
    let paper = manifest.map(|it| files::put_manifest(dir, it, asked.force)).transpose()?;
    let paper_shown = paper.as_ref().map(|it| it.to_string_lossy().into_owned());
    if manifest.is_none() {
        c.out.aside("It is not delivered yet, so there is no manifest.");
    }
    let fetched = work.missing.len();
    c.out.both(
        &format!(
            "Record {}: {count} file(s) in {}, {fetched} fetched now, every digest checked.",
            row.number,
            dir.display()
        ),
        &json!({
            "row": "fetched", "number": row.number, "folder": dir.to_string_lossy(), "files": count, "fetched": fetched,
            "fingerprint": row.fingerprint, "manifest": paper_shown,
        }),
    )
}

fn tell(c: &Context, asked: &RecordFetch, file: &Listed, new: bool) -> Result<(), VerbError> {
    let path = asked.to.join(file.path());
    let state = if new { "fetched" } else { "already here" };
    c.out.both(
        &format!("{}  {state}", path.display()),
        &json!({
            "file": path.to_string_lossy(), "profile": file.profile, "sha256": file.sha256, "bytes": file.bytes, "fetched": new,
        }),
    )
}
