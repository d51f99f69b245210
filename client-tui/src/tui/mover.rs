//! The task behind the transfers: moves at most two jobs at a time, pauses one by dropping its work, and goes on from the byte where it stood. What may be
//! moved is decided elsewhere; where files are put and how they are checked is `verbs::place`'s. Never here: screens.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use deadwax_proto::v1::{self, action::Action};
use tokio::sync::mpsc::{self, Sender, UnboundedReceiver, UnboundedSender};
use tokio_util::task::AbortOnDropHandle;

use super::{
    msg::Msg,
    transfers::{Found, Job, News, OfRecord, Order, Sent, State, Wanted, What, is_audio},
};
use crate::{
    net::{Client, Local, NetError},
    verbs::{
        VerbError, handoff,
        place::{self, Fetched, place_bytes, place_download, place_sums},
        push::check_twins,
        record::files,
    },
};

/// More would only share the same line.
const AT_ONCE: usize = 2;
/// The speed is that of this long.
const SPEED_OVER: Duration = Duration::from_secs(4);
/// Between two figures on the screen.
const TOLD_EVERY: Duration = Duration::from_millis(200);
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
            for file in &it.files {
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

async fn move_all(client: &Client, what: What, teller: &Arc<Teller>) -> Result<String, Stop> {
    match what {
        What::Fetch { project_id, version_id, files, papers, folder } => {
            let folder = at_home(&folder);
            fetch(client, (&project_id, &version_id), &files, papers, &folder, teller).await
        }
        What::Package { project_id, song_id, folder, .. } => {
            package(client, &project_id, &song_id, &at_home(&folder), teller).await
        }
        What::Record(it) => fetch_record(client, *it, teller).await,
        What::Send { project_id, files, add, command_id } => {
            send(client, &project_id, &files, *add, &command_id, teller).await
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
    let count = of.files.len();
    teller.step("looking at the folder").await;
    if let Some(manifest) = &of.manifest
        && files::manifest_differs(&dir, manifest)?
    {
        let text = format!("{} is of another record", shown(&dir.join(files::MANIFEST)));
        return Err(VerbError::no("FILE_EXISTS", text, "Name another folder.").into());
    }
    let work = files::look(&dir, of.files, false, |_| {}).await?;
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
    if let Some(manifest) = &of.manifest {
        files::put_manifest(&dir, manifest, false)?;
    }
    Ok(format!("{count} of {count} here, every digest checked"))
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
    project_id: &str,
    files: &[Sent],
    mut add: v1::AddVersion,
    command_id: &str,
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
    check_twins(&alternates, &locals)?;
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
            Err(error) => found.push(Found { path, bytes: Err(error.to_string()) }),
        }
    }
    found
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

/// Figures of one run for the screen: not more often than somebody can read them, and the last of them always.
struct Teller {
    out: Sender<Msg>,
    id: u64,
    begun: Instant,
    now: Mutex<Figures>,
}

struct Figures {
    bytes: u64,
    done: u64,
    meter: Meter,
    told: Option<Duration>,
}

impl Teller {
    fn new(out: Sender<Msg>, id: u64, bytes: u64) -> Teller {
        let now = Figures { bytes, done: 0, meter: Meter::default(), told: None };
        Teller { out, id, begun: Instant::now(), now: Mutex::new(now) }
    }

    fn figures(&self) -> std::sync::MutexGuard<'_, Figures> {
        self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn step(&self, text: &str) {
        let news = News::Step { id: self.id, text: text.to_owned() };
        drop(self.out.send(Msg::Transfer(news)).await);
    }

    fn measured(&self, bytes: u64) {
        self.figures().bytes = bytes;
    }

    /// Bytes that went over the line.
    fn moved(&self, done: u64) {
        let at = self.begun.elapsed();
        let mut now = self.figures();
        now.done = done;
        now.meter.add(at, done);
        if now.told.is_none_or(|told| at >= told + TOLD_EVERY) {
            now.told = Some(at);
            let news = self.news(&now);
            // Where the screens are behind, the next figure will do.
            drop(self.out.try_send(Msg::Transfer(news)));
        }
    }

    /// A file is there, maybe from before: that is no speed.
    fn reached(&self, done: u64) {
        let mut now = self.figures();
        if done != now.done {
            now.meter = Meter::default();
        }
        now.done = done;
    }

    async fn settle(&self) {
        let news = self.news(&self.figures());
        drop(self.out.send(Msg::Transfer(news)).await);
    }

    fn news(&self, now: &Figures) -> News {
        News::Moved {
            id: self.id,
            bytes: now.bytes,
            bytes_done: now.done.min(now.bytes),
            bytes_per_s: now.meter.per_s(),
        }
    }
}

/// Bytes over the last seconds. The first figure is where a run began and no speed.
#[derive(Default)]
struct Meter {
    points: VecDeque<(Duration, u64)>,
}

impl Meter {
    fn add(&mut self, at: Duration, done: u64) {
        // Began anew from an earlier byte.
        if self.points.back().is_some_and(|(_, before)| done < *before) {
            self.points.clear();
        }
        self.points.push_back((at, done));
        while self.points.len() > 2 && self.points.front().is_some_and(|(then, _)| at - *then > SPEED_OVER) {
            self.points.pop_front();
        }
    }

    fn per_s(&self) -> u64 {
        let (Some(first), Some(last)) = (self.points.front(), self.points.back()) else { return 0 };
        let ms = last.0.saturating_sub(first.0).as_millis();
        let rate = u128::from(last.1 - first.1) * 1000;
        rate.checked_div(ms).map_or(0, |it| u64::try_from(it).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_that_of_the_last_seconds_and_knows_no_past() {
        let mut meter = Meter::default();
        let s = Duration::from_secs;
        meter.add(s(0), 1_000_000);
        assert_eq!(meter.per_s(), 0, "what was there before is no speed");
        meter.add(s(1), 1_002_000);
        assert_eq!(meter.per_s(), 2000);
        for at in 2..20 {
            meter.add(s(at), 1_002_000 + (at - 1) * 500);
        }
        assert_eq!(meter.per_s(), 500, "the fast beginning is forgotten");
        meter.add(s(20), 10);
        assert_eq!(meter.per_s(), 0, "begun anew");
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
