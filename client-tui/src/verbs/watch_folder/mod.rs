//! `watch-folder`: waits for whole bounces, says what it takes them for, pushes them. A change in the folder wakes it, a look now and then stands behind that;
//! what is on the server already is known by its digest. Never here: what a push is.

mod calm;

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use deadwax_dsp::{Block, DspError, Source};
use notify::Watcher as _;
use serde_json::json;
use tokio::sync::mpsc;

use self::calm::{Folder, Group, Seen};
use super::{Context, VerbError, house::House, push};
use crate::{
    cli::{Push, WatchFolder},
    net::{Backoff, Local},
    scrub,
};

/// Folders on a share tell nothing of changes made elsewhere: so they are looked at too.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A listing in the midst of many changes is enough once in a while.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_millis(300);

/// How it came out with a group.
enum Ended {
    Done,
    /// The answer was no; it goes on with the others.
    Refused,
    /// The line is down.
    Later,
}

pub async fn watch_folder(c: &Context, asked: WatchFolder) -> Result<(), VerbError> {
    let folder = open(&asked.folder)?;
    if !asked.yes && !c.out.can_ask() {
        return Err(VerbError::Usage(
            "there is nobody to ask here; say --yes if it may push by itself".into(),
        ));
    }
    // Signed out is told now and not at the first bounce. The server need not be there.
    c.profile(&asked.place.who)?;
    let (wake, mut woken) = mpsc::channel(1);
    let watcher = watch(&folder, wake);
    if watcher.is_none() {
        c.out.aside("This folder does not tell of its changes; it is looked at every five seconds.");
    }
    c.out.aside(&format!("Watching {}. Stop it with Ctrl-C.", folder.display()));
    let started = Instant::now();
    let mut state = Folder::new(Duration::from_secs_f64(asked.calm));
    let (mut backoff, mut refused) = (Backoff::default(), false);
    loop {
        let listing = list(folder.clone()).await?;
        let found = state.look(listing, started.elapsed());
        for group in &found.without_main {
            tell(
                c,
                "without_main",
                group,
                "waits for its main; a version holds its main and the alternates together",
            )?;
            refused = true;
        }
        let mut wait = found.again_in.unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
        for group in &found.ready {
            match Box::pin(deal_with(c, &asked, &mut state, group)).await? {
                Ended::Done => backoff.reset(),
                Ended::Refused => refused = true,
                Ended::Later => {
                    if backoff.tries() == 0 {
                        tell(c, "later", group, "the server cannot be reached; it is sent when it can")?;
                    }
                    wait = backoff.next_wait();
                    break;
                }
            }
        }
        if asked.once && found.again_in.is_none() && found.ready.iter().all(|g| state.is_done(&g.paths())) {
            return if refused { Err(VerbError::Said(1)) } else { Ok(()) };
        }
        tokio::select! {
            _ = woken.recv(), if watcher.is_some() => tokio::time::sleep(LOOK_AT_MOST_EVERY).await,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

fn open(folder: &Path) -> Result<PathBuf, VerbError> {
    let shown = scrub::line(&folder.to_string_lossy());
    match folder.canonicalize() {
        Ok(path) if path.is_dir() => Ok(path),
        Ok(_) => Err(VerbError::Input(format!("{shown} is no folder; name the folder of your bounces"))),
        Err(e) => Err(VerbError::Input(format!("the folder {shown} could not be opened: {e}"))),
    }
}

/// `None` where the system cannot tell of changes there.
fn watch(folder: &Path, wake: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    // One waking that waits is enough: all of the folder is looked at.
    let on_change = move |event: notify::Result<notify::Event>| {
        // Our own reading is no change.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            wake.try_send(()).ok();
        }
    };
    let mut watcher = notify::recommended_watcher(on_change).ok()?;
    watcher.watch(folder, notify::RecursiveMode::NonRecursive).ok()?;
    Some(watcher)
}

async fn list(folder: PathBuf) -> Result<Vec<Seen>, VerbError> {
    let read = move || -> io::Result<Vec<Seen>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&folder)? {
            // A file may go between its name and its facts.
            let Ok(entry) = entry else { continue };
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_file() {
                let changed = meta.modified().unwrap_or(std::time::UNIX_EPOCH);
                all.push(Seen { path: entry.path(), bytes: meta.len(), changed });
            }
        }
        Ok(all)
    };
    let listed = tokio::task::spawn_blocking(read).await.map_err(|e| VerbError::Out(io::Error::other(e)))?;
    listed.map_err(|e| VerbError::Input(format!("the folder could not be read: {e}; is it still there?")))
}

/// Looks whether they are sound, says what they are taken for, and pushes what the server has not.
async fn deal_with(
    c: &Context,
    asked: &WatchFolder,
    state: &mut Folder,
    group: &Group,
) -> Result<Ended, VerbError> {
    let paths = group.paths();
    let looked = tokio::task::spawn_blocking({
        let paths = paths.clone();
        move || paths.iter().map(|path| look_into(path)).collect::<Vec<_>>()
    });
    let looked = looked.await.map_err(|e| VerbError::Out(io::Error::other(e)))?;
    let broken: Vec<(PathBuf, VerbError)> =
        paths.iter().cloned().zip(looked).filter_map(|(path, looked)| Some((path, looked.err()?))).collect();
    if !broken.is_empty() {
        for (_, error) in &broken {
            super::report(c.out, error);
        }
        // The rest waits for it: a version without one of its files is another version.
        state.done(&paths);
        return Ok(Ended::Refused);
    }
    match Box::pin(push_new(c, asked, group)).await {
        Ok(()) => {
            state.done(&paths);
            Ok(Ended::Done)
        }
        Err(VerbError::Net(error)) if error.is_passing() => Ok(Ended::Later),
        Err(error @ (VerbError::Pipe | VerbError::Out(_))) => Err(error),
        Err(error) => {
            super::report(c.out, &error);
            state.done(&paths);
            Ok(Ended::Refused)
        }
    }
}

/// Its header can be read and some sound behind it.
fn look_into(path: &Path) -> Result<(), VerbError> {
    let mut source = Source::open(path).map_err(|e| unfit(&e))?;
    let mut block = Block::default();
    match source.read(&mut block, 1024).map_err(|e| unfit(&e))? {
        0 => Err(VerbError::Input(format!(
            "{} holds no sound; bounce it again",
            scrub::line(&path.to_string_lossy())
        ))),
        _ => Ok(()),
    }
}

fn unfit(error: &DspError) -> VerbError {
    VerbError::Input(format!("{error}; it is looked at again when it changes"))
}

async fn push_new(c: &Context, asked: &WatchFolder, group: &Group) -> Result<(), VerbError> {
    let paths = group.paths();
    let client = c.client(&asked.place.who).await?;
    let house = House::find(&client, asked.place.project.as_deref()).await?;
    let there: BTreeSet<&str> =
        house.versions.iter().flat_map(|v| &v.files).map(|f| f.sha256.as_str()).collect();
    let digests = tokio::task::spawn_blocking({
        let paths = paths.clone();
        move || {
            paths
                .iter()
                .map(|path| Ok(Local::open(path, |_| {})?.sha256))
                .collect::<Result<Vec<_>, VerbError>>()
        }
    });
    let digests = digests.await.map_err(|e| VerbError::Out(io::Error::other(e)))??;
    let new: Vec<PathBuf> = paths
        .iter()
        .zip(&digests)
        .filter(|(_, digest)| !there.contains(digest.as_str()))
        .map(|(path, _)| path.clone())
        .collect();
    let is_main = |(at, _): &(usize, &String)| group.files[*at].1.alternate == "main";
    let main_is_there =
        digests.iter().enumerate().filter(is_main).any(|(_, digest)| there.contains(digest.as_str()));
    if main_is_there && !new.is_empty() {
        let names: Vec<String> = new.iter().map(|path| shown(path)).collect();
        return Err(VerbError::no(
            "MAIN_IS_THERE",
            format!("{} came late: their main is on the server already.", names.join(", ")),
            "A version is never changed. Push main and alternates together as a new one with `deadwax push`.",
        ));
    }
    if new.is_empty() {
        return tell(c, "ignored", group, "is on the server already");
    }
    tell(c, "found", group, if asked.yes { "is pushed" } else { "is whole" })?;
    let push = Push {
        files: paths,
        stage: asked.stage,
        alternate: Vec::new(),
        note: asked.note.clone(),
        title: String::new(),
        yes: asked.yes,
        place: asked.place.clone(),
    };
    push::push(c, push).await
}

fn shown(path: &Path) -> String {
    scrub::line(&path.file_name().unwrap_or_default().to_string_lossy())
}

/// One event: a line for people beside the results, an object for programs.
fn tell(c: &Context, event: &str, group: &Group, words: &str) -> Result<(), VerbError> {
    let mut text = format!("{} {words}", group.title);
    let mut files = Vec::new();
    for (path, guess) in &group.files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let sure = (guess.confidence * 100.0).round();
        text += &format!("\n  {:<18} {name}  read with {sure} % confidence", guess.alternate);
        files.push(json!({
            "file": path.to_string_lossy(), "alternate": guess.alternate, "confidence": guess.confidence, "doubts": guess.doubts,
        }));
    }
    if !c.out.json {
        c.out.aside(&text);
    }
    c.out.object(&json!({ "event": event, "title": group.title, "text": words, "files": files }))
}
