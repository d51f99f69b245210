//! The work of one transfer from its first byte to its last: what is fetched, what is sent, what is put beside it. Never here: which transfer runs, the figures
//! of it.

use std::{path::Path, sync::Arc};

use deadwax_proto::v1::{self, action::Action};

use super::{Stop, at_home, shown, teller::Teller};
use crate::{
    net::{Client, Local},
    tui::transfers::{OfRecord, Sent, Wanted, What},
    verbs::{
        VerbError, handoff,
        place::{self, Fetched, place_bytes, place_download, place_sums},
        push::check_twins,
        record::files,
    },
};

pub(super) async fn move_all(client: &Client, what: What, teller: &Arc<Teller>) -> Result<String, Stop> {
    match what {
        What::Fetch { project_id, version_id, files, papers, folder } => {
            let folder = at_home(&folder);
            fetch(client, (&project_id, &version_id), &files, papers, &folder, teller).await
        }
        What::Package { project_id, song_id, folder, .. } => {
            package(client, &project_id, &song_id, &at_home(&folder), teller).await
        }
        What::Record(it) => fetch_record(client, *it, teller).await,
        What::Send { project_id, files, add, command_id, twins } => {
            send(client, (&project_id, &command_id), (&files, twins), *add, teller).await
        }
    }
}

async fn fetch(
    client: &Client,
    (project_id, version_id): (&str, &str),
    files: &[Wanted],
    papers: Vec<(String, Vec<u8>)>,
    folder: &Path,
    teller: &Arc<Teller>,
) -> Result<String, Stop> {
    place::make_folder(folder)?;
    let mut before = 0;
    let mut fetched = Vec::new();
    for file in files {
        teller.step(&file.name).await;
        let wanted = place::Wanted {
            project_id,
            version_id,
            sha256: &file.sha256,
            bytes: file.bytes,
            name: file.name.clone(),
        };
        place_download(client, folder, &wanted, &|done, _| teller.moved(before + done)).await?;
        before += file.bytes;
        teller.reached(before);
        fetched.push((file.name.clone(), file.sha256.clone()));
    }
    let count = files.len();
    for (name, bytes) in papers {
        place_bytes(folder, &name, &bytes)?;
        let sha256 =
            crate::net::digest_of(bytes.as_slice(), |_| {}).map_err(place::failed(folder, "read"))?;
        fetched.push((name, sha256.1));
    }
    place_sums(folder, &fetched)?;
    Ok(format!("{count} of {count} here, every digest checked"))
}

/// What lies there is looked at first: nothing is fetched where something else is in the way.
async fn fetch_record(client: &Client, of: OfRecord, teller: &Arc<Teller>) -> Result<String, Stop> {
    let dir = at_home(&of.folder);
    let count = of.asked.files.len();
    teller.step("looking at the folder").await;
    let work = files::look(&dir, &of.asked, false, |_| {}).await.map_err(without_force)?;
    let mut before = work.right.iter().fold(0u64, |sum, it| sum.saturating_add(it.bytes));
    teller.reached(before);
    let (project_id, record_id) = (of.project_id.as_str(), of.record_id.as_str());
    let place = files::Place { project_id, record_id, dir: &dir, over: false };
    for file in &work.missing {
        teller.step(&crate::scrub::line(&file.path().to_string_lossy())).await;
        files::fetch(client, place, file, &|done, _| teller.moved(before.saturating_add(done))).await?;
        before = before.saturating_add(file.bytes);
        teller.reached(before);
    }
    if let Some(manifest) = &of.asked.manifest {
        files::put_manifest(&dir, manifest, false)?;
    }
    Ok(format!("{count} of {count} here, every digest checked"))
}

/// Here nothing is written over and nothing taken away: the next step is another folder.
fn without_force(error: VerbError) -> Stop {
    let mut stop = Stop::from(error);
    if stop.hint.contains("--force") {
        stop.hint = "Name another folder, or move away what lies there.".into();
    }
    stop
}

async fn package(
    client: &Client,
    project_id: &str,
    song_id: &str,
    folder: &Path,
    teller: &Arc<Teller>,
) -> Result<String, Stop> {
    let told = client.ask_handoff(project_id, song_id).await?;
    let name = handoff::file_name(&told);
    place::make_folder(folder)?;
    teller.step(&name).await;
    teller.measured(told.bytes);
    let wanted = Fetched { sha256: &told.sha256, bytes: told.bytes, name: &name };
    place::place_from(folder, &wanted, async |offset: u64, out: &mut place::Hashing| {
        let tell = |done, _| teller.moved(done);
        client.handoff(project_id, song_id, &told.sha256, offset, out, &tell).await
    })
    .await?;
    teller.reached(told.bytes);
    Ok(format!("{name} is here, its digest is right"))
}

async fn send(
    client: &Client,
    (project_id, command_id): (&str, &str),
    (files, twins): (&[Sent], bool),
    mut add: v1::AddVersion,
    teller: &Arc<Teller>,
) -> Result<String, Stop> {
    let mut locals = Vec::new();
    for file in files {
        teller.step(&format!("reading {}", shown(&file.path))).await;
        let path = at_home(&file.path);
        let read = tokio::task::spawn_blocking(move || Local::open(&path, |_| {})).await;
        let local = read.map_err(|_| VerbError::Input("reading the file was cut short".into()))??;
        if local.bytes == 0 {
            return Err(VerbError::Input(format!("{} is empty", shown(&file.path))).into());
        }
        locals.push(local);
    }
    let alternates: Vec<String> = files.iter().map(|it| it.alternate.clone()).collect();
    if !twins {
        check_twins(&alternates, &locals)?;
    }
    teller.measured(locals.iter().map(|it| it.bytes).sum());
    let mut before = 0;
    for (local, alternate) in locals.iter().zip(&alternates) {
        teller.step(&format!("sending {alternate}: {}", crate::scrub::line(&local.name))).await;
        let progress = teller.clone();
        client.upload(project_id, local, move |done| progress.moved(before + done)).await?;
        before += local.bytes;
        teller.reached(before);
    }
    teller.step("adding the version").await;
    let new_file = |(local, alternate): (&Local, String)| v1::NewFile {
        alternate,
        sha256: local.sha256.clone(),
        name: local.name.clone(),
    };
    add.files = locals.iter().zip(alternates).map(new_file).collect();
    let done = client.perform_as(command_id, project_id, None, Action::AddVersion(add)).await?;
    Ok(done.effects.join(" "))
}
