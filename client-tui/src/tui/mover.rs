//! The task behind the transfers: moves at most two jobs at a time, pauses one by dropping its work, and goes on from the byte where it stood. What may be
//! moved is decided elsewhere; where files are put and how they are checked is `verbs::place`'s. Never here: screens.

mod moves;
mod teller;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::mpsc::{self, Sender, UnboundedReceiver, UnboundedSender};
use tokio_util::task::AbortOnDropHandle;

use self::{moves::move_all, teller::Teller};
use super::{
    msg::Msg,
    transfers::{Found, Job, News, Order, State, What, is_audio},
};
use crate::{
    net::{Client, NetError},
    verbs::{VerbError, place},
};

/// More would only share the same line.
const AT_ONCE: usize = 2;
/// Of a folder that was named as a whole.
const FOLDER_FILES_MAX: usize = 100;

/// Takes orders as long as it lives; dropping it stops all work where it stands. It has a thread of its own, so that no disk and no digest ever keeps the
/// screens waiting.
pub struct Mover {
    orders: UnboundedSender<Order>,
    out: Sender<Msg>,
}

impl Mover {
    pub fn new(client: Client, out: Sender<Msg>) -> Mover {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (done, ended) = mpsc::unbounded_channel();
        let works = Works { client, out: out.clone(), done, jobs: Vec::new(), runs: 0 };
        let thread = std::thread::Builder::new().name("mover".into());
        // Where there is no thread the inbox is gone, and the first order says so.
        drop(thread.spawn(move || {
            let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
                return;
            };
            tokio::task::LocalSet::new().block_on(&runtime, works.serve(inbox, ended));
            // A file that is being read or hashed is not waited for.
            runtime.shutdown_background();
        }));
        Mover { orders, out }
    }

    pub fn order(&self, order: Order) {
        let id = match &order {
            Order::Start(job) => job.id,
            Order::Pause { id } | Order::Resume { id } | Order::Cancel { id } => *id,
            Order::Look { .. } => 0,
        };
        if self.orders.send(order).is_err() {
            let text = "This machine gave no thread for transfers.".to_owned();
            let state = State::Failed { text, hint: "Close something else and start anew.".into() };
            drop(self.out.try_send(Msg::Transfer(News::Changed { id, state })));
        }
    }
}

/// What a run came to.
struct Ended {
    id: u64,
    run: u64,
    outcome: Result<String, Stop>,
}

/// Why a run stopped.
struct Stop {
    text: String,
    hint: String,
    /// The line went: nothing is wrong with the job.
    passing: bool,
}

impl From<VerbError> for Stop {
    fn from(error: VerbError) -> Stop {
        let passing = matches!(&error, VerbError::Net(net) if net.is_passing());
        let text = crate::scrub::line(&error.to_string());
        let hint = match (error.hint(), &error) {
            ("", VerbError::Input(_)) => "Look at the folder and the disk, then press Space to try again.",
            ("", _) => "Press Space to try again.",
            (hint, _) => hint,
        };
        Stop { text, hint: hint.to_owned(), passing }
    }
}

impl From<NetError> for Stop {
    fn from(error: NetError) -> Stop {
        VerbError::from(error).into()
    }
}

enum Standing {
    Waiting,
    Running(AbortOnDropHandle<()>),
    /// Paused, cut or failed: it goes on when it is told to.
    Held,
}

struct Entry {
    job: Job,
    standing: Standing,
    /// Of its newest run: the end of an older one is no news.
    run: u64,
}

struct Works {
    client: Client,
    out: Sender<Msg>,
    done: UnboundedSender<Ended>,
    jobs: Vec<Entry>,
    runs: u64,
}

impl Works {
    async fn serve(mut self, mut inbox: UnboundedReceiver<Order>, mut ended: UnboundedReceiver<Ended>) {
        loop {
            tokio::select! {
                order = inbox.recv() => match order {
                    Some(order) => self.order(order).await,
                    None => return,
                },
                Some(end) = ended.recv() => self.ended(end).await,
            }
            self.fill().await;
        }
    }

    async fn order(&mut self, order: Order) {
        match order {
            Order::Start(job) => {
                let id = job.id;
                self.jobs.push(Entry { job, standing: Standing::Waiting, run: 0 });
                self.tell(News::Changed { id, state: State::Waiting }).await;
            }
            Order::Pause { id } => {
                if self.stop(id).await {
                    self.tell(News::Changed { id, state: State::Paused }).await;
                }
            }
            Order::Resume { id } => {
                let held = |it: &&mut Entry| it.job.id == id && matches!(it.standing, Standing::Held);
                if let Some(entry) = self.jobs.iter_mut().find(held) {
                    entry.standing = Standing::Waiting;
                    self.tell(News::Changed { id, state: State::Waiting }).await;
                }
            }
            Order::Cancel { id } => {
                self.stop(id).await;
                if let Some(at) = self.jobs.iter().position(|it| it.job.id == id) {
                    let job = self.jobs.remove(at).job;
                    // Nothing waits for it; a part that stays is picked up by the next fetch.
                    drop(tokio::task::spawn_blocking(move || forget(&job)).await);
                }
                self.tell(News::Gone { id }).await;
            }
            Order::Look { ticket, paths } => {
                let out = self.out.clone();
                tokio::task::spawn_blocking(move || {
                    let found = look(&paths);
                    drop(out.blocking_send(Msg::Transfer(News::Looked { ticket, found })));
                });
            }
        }
    }

    /// Holds a job that waits or runs; its work has ended when this answers. False: there was nothing to hold.
    async fn stop(&mut self, id: u64) -> bool {
        let Some(entry) = self.jobs.iter_mut().find(|it| it.job.id == id) else { return false };
        match std::mem::replace(&mut entry.standing, Standing::Held) {
            Standing::Held => false,
            Standing::Waiting => true,
            Standing::Running(work) => {
                work.abort();
                // It ended by itself a moment ago: that news is on its way and counts.
                work.await.is_err()
            }
        }
    }

    async fn ended(&mut self, end: Ended) {
        let Some(at) = self.jobs.iter().position(|it| it.job.id == end.id && it.run == end.run) else {
            return;
        };
        let state = match end.outcome {
            Ok(text) => {
                self.jobs.remove(at);
                self.tell(News::Step { id: end.id, text }).await;
                State::Done
            }
            Err(stop) => {
                self.jobs[at].standing = Standing::Held;
                match stop.passing {
                    true => State::Cut { text: stop.text },
                    false => State::Failed { text: stop.text, hint: stop.hint },
                }
            }
        };
        self.tell(News::Changed { id: end.id, state }).await;
    }

    /// Starts what waits, as long as there is room. Two jobs never write into one folder at the same time.
    async fn fill(&mut self) {
        loop {
            let running = || self.jobs.iter().filter(|it| matches!(it.standing, Standing::Running(_)));
            if running().count() >= AT_ONCE {
                return;
            }
            let is_free = |job: &Job| {
                let folder = folder(job);
                folder.is_none() || running().all(|it| self::folder(&it.job) != folder)
            };
            let next =
                self.jobs.iter().position(|it| matches!(it.standing, Standing::Waiting) && is_free(&it.job));
            let Some(next) = next else { return };
            self.runs += 1;
            let run = self.runs;
            let entry = &mut self.jobs[next];
            let (id, job) = (entry.job.id, entry.job.clone());
            let (client, out, done) = (self.client.clone(), self.out.clone(), self.done.clone());
            entry.run = run;
            let work = async move {
                let teller = Arc::new(Teller::new(out, id, job.what.bytes()));
                let outcome = move_all(&client, job.what, &teller).await;
                teller.settle().await;
                drop(done.send(Ended { id, run, outcome }));
            };
            // The state first, so that no figure of the work comes before it.
            self.tell(News::Changed { id, state: State::Running }).await;
            self.jobs[next].standing =
                Standing::Running(AbortOnDropHandle::new(tokio::task::spawn_local(work)));
        }
    }

    async fn tell(&self, news: News) {
        drop(self.out.send(Msg::Transfer(news)).await);
    }
}

fn folder(job: &Job) -> Option<PathBuf> {
    match &job.what {
        What::Fetch { folder, .. } | What::Package { folder, .. } => Some(at_home(folder)),
        What::Record(it) => Some(at_home(&it.folder)),
        What::Send { .. } => None,
    }
}

fn forget(job: &Job) {
    match &job.what {
        What::Fetch { files, folder, .. } => {
            place::forget_parts(&at_home(folder), files.iter().map(|it| it.sha256.as_str()));
        }
        What::Package { sha256, folder, .. } => {
            place::forget_parts(&at_home(folder), std::iter::once(sha256.as_str()));
        }
        What::Record(it) => {
            let folder = at_home(&it.folder);
            for file in &it.asked.files {
                place::forget_parts(&folder.join(&file.folder), std::iter::once(file.sha256.as_str()));
            }
        }
        What::Send { .. } => {}
    }
}

/// `~` is the person's own folder.
pub(super) fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), directories::BaseDirs::new()) {
        (Ok(rest), Some(dirs)) => dirs.home_dir().join(rest),
        _ => path.to_owned(),
    }
}

fn shown(path: &Path) -> String {
    let name = path.file_name().map_or_else(|| path.to_string_lossy(), |it| it.to_string_lossy());
    crate::scrub::line(&name)
}

/// Sizes of what was named; of a folder the audio in it, by name.
fn look(paths: &[String]) -> Vec<Found> {
    let mut found = Vec::new();
    for path in paths {
        let path = at_home(Path::new(path));
        match std::fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => found.extend(inside(&path)),
            Ok(meta) if meta.is_file() => {
                let bytes = if meta.len() == 0 { Err("it is empty".into()) } else { Ok(meta.len()) };
                found.push(Found { path, bytes });
            }
            Ok(_) => found.push(Found { path, bytes: Err("it is no file".into()) }),
            Err(error) => match beside_each_other(&path) {
                Some(several) => found.extend(look(&several)),
                None => found.push(Found { path, bytes: Err(why_not(&error)) }),
            },
        }
    }
    found
}

/// Names that were typed beside each other, as for a shell: only where each of them is there, because a space may belong to a name.
fn beside_each_other(path: &Path) -> Option<Vec<String>> {
    let words: Vec<String> = path.to_str()?.split_whitespace().map(str::to_owned).collect();
    let there = |word: &String| at_home(Path::new(word)).exists();
    (words.len() > 1 && words.iter().all(there)).then_some(words)
}

/// Short: it stands beside a name in one line.
fn why_not(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".into(),
        std::io::ErrorKind::PermissionDenied => "it may not be read".into(),
        _ => error.to_string(),
    }
}

fn inside(folder: &Path) -> Vec<Found> {
    let none = |why: String| vec![Found { path: folder.to_owned(), bytes: Err(why) }];
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return none(error.to_string()),
    };
    let hidden = |path: &Path| path.file_name().is_some_and(|it| it.to_string_lossy().starts_with('.'));
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|it| it.path()).filter(|it| is_audio(it) && !hidden(it)).collect();
    files.sort();
    files.truncate(FOLDER_FILES_MAX);
    let sized = |path: PathBuf| {
        let meta = std::fs::metadata(&path).ok()?;
        (meta.is_file() && meta.len() > 0).then_some(Found { path, bytes: Ok(meta.len()) })
    };
    let found: Vec<Found> = files.into_iter().filter_map(sized).collect();
    if found.is_empty() { none("there is no audio in this folder".into()) } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beside_each_other_are_several_files_only_where_each_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        for name in ["main.wav", "inst.wav", "Mix 2.wav"] {
            std::fs::write(at(name), "x").unwrap();
        }
        let named = |text: String| -> Vec<(String, Result<u64, String>)> {
            look(&[text]).into_iter().map(|it| (shown(&it.path), it.bytes)).collect()
        };
        let both = named(format!("{} {}", at("main.wav"), at("inst.wav")));
        assert_eq!(both, [("main.wav".into(), Ok(1)), ("inst.wav".into(), Ok(1))]);
        assert_eq!(named(at("Mix 2.wav")), [("Mix 2.wav".into(), Ok(1))], "a space may belong to a name");
        let gone = format!("{} {}", at("main.wav"), at("gone.wav"));
        assert_eq!(named(gone)[0].1, Err("no such file".into()), "half of them is none of them");
        assert_eq!(named(at("a b.wav"))[0].1, Err("no such file".into()));
    }

    #[test]
    fn a_folder_stands_for_the_audio_in_it_and_a_missing_file_says_so() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in
            [("b.wav", "xy"), ("a.FLAC", "x"), (".hidden.wav", "x"), ("notes.txt", "x"), ("c.wav", "")]
        {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let gone = folder.path().join("gone.wav").display().to_string();
        let found = look(&[folder.path().display().to_string(), gone]);
        let names: Vec<_> = found.iter().map(|it| (shown(&it.path), it.bytes.clone().ok())).collect();
        let wanted = [("a.FLAC", Some(1)), ("b.wav", Some(2)), ("gone.wav", None)];
        assert_eq!(names, wanted.map(|(name, bytes)| (name.to_owned(), bytes)));
    }
}
