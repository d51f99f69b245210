//! The player: does orders, tells news. Brings the files of a deck, gives them to the engine, opens a way out and closes it, tells several times a second what leaves
//! the loudspeaker, and tells the studio what was heard. Paused, it does nothing at all. Never here: samples, screens.

mod report;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::mpsc::{self, Receiver, Sender, UnboundedReceiver, UnboundedSender},
    time::{Instant, sleep_until},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Deck, Engine, EngineOrder, Frame, HeardRange, Loaded, News, Order, Stand, Status, Track,
    output::{self, Choice, Output, Pull, Trouble},
    tracks,
};
use crate::{
    cache::{self, audio::AudioCache},
    net::Client,
    scrub,
};
use report::Reports;

/// Fifteen times a second.
const TOLD_EVERY: Duration = Duration::from_millis(66);
/// While only bytes come.
const COMES_EVERY: Duration = Duration::from_millis(500);
/// After a pause the output is pulled so much longer than it holds back: for the fade, and for what a fade must not be cut off by.
const DRAIN: Duration = Duration::from_millis(60);
const NEWS_MAX: usize = 64;

/// What a player needs.
#[derive(Clone)]
pub struct Setup {
    pub client: Client,
    pub cache: AudioCache,
    pub sound: Choice,
    /// Where what was heard waits for the line; `None`: it is told now or never.
    pub heard: Option<PathBuf>,
}

impl Setup {
    /// For the profile that a client speaks for. `bytes_max` of the audio cache; 0: the default. `sound` where the environment says nothing.
    ///
    /// # Errors
    /// Where there is no place to keep audio.
    pub fn for_client(client: &Client, bytes_max: u64, sound: Choice) -> Result<Setup, Trouble> {
        let failed = |what: String| Trouble {
            text: format!("There is no place to keep audio: {what}."),
            hint: "Set DEADWAX_HOME to a folder that you may write to.".to_owned(),
        };
        let folder = cache::folder(client.profile()).ok_or_else(|| failed("no folder is known".into()))?;
        let cache = AudioCache::open(&folder.join("audio"), bytes_max);
        let cache = cache.map_err(|e| failed(format!("{}: {e}", scrub::line(&folder.to_string_lossy()))))?;
        cache.trim();
        let heard = Some(folder.join("heard.json"));
        Ok(Setup { client: client.clone(), cache, sound: Choice::from_env(sound), heard })
    }
}

/// A player at work. Dropped, it falls silent.
pub struct Player {
    orders: UnboundedSender<Order>,
    _task: AbortOnDropHandle<()>,
}

impl Player {
    /// Starts it; nothing is opened before something is played. Must run inside a tokio runtime.
    pub fn start(setup: Setup) -> (Player, Receiver<News>) {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (news, told) = mpsc::channel(NEWS_MAX);
        let task = tokio::spawn(Room::new(setup, news).run(inbox));
        (Player { orders, _task: AbortOnDropHandle::new(task) }, told)
    }

    pub fn order(&self, order: Order) {
        // Where the task is gone nobody listens either.
        drop(self.orders.send(order));
    }
}

/// What was heard last is kept for the next run.
impl Drop for Room {
    fn drop(&mut self) {
        self.collect();
    }
}

struct Room {
    setup: Setup,
    news: Sender<News>,
    engine: Arc<Mutex<Engine>>,
    lying: Option<Stand>,
    output: Option<(Box<dyn Output>, u32)>,
    /// The output pulls.
    runs: bool,
    /// Until when it pulls after a pause.
    drains: Option<Instant>,
    told: Option<Status>,
    told_full: bool,
    /// What was told of the sound device; not again until it changes.
    told_device: Option<String>,
    reports: Reports,
    ranges: Vec<HeardRange>,
}

impl Room {
    fn new(setup: Setup, news: Sender<News>) -> Room {
        let reports = Reports::new(setup.client.clone(), setup.heard.clone(), news.clone());
        Room {
            setup,
            news,
            engine: Arc::new(Mutex::new(Engine::new())),
            lying: None,
            output: None,
            runs: false,
            drains: None,
            told: None,
            told_full: false,
            told_device: None,
            reports,
            ranges: Vec::new(),
        }
    }

    fn engine(&self) -> MutexGuard<'_, Engine> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(mut self, mut orders: UnboundedReceiver<Order>) {
        let mut next = Instant::now();
        loop {
            let came = self.lying.as_ref().map(|lying| lying.remote().clone());
            let came = async {
                match &came {
                    Some(remote) => remote.came.notified().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                order = orders.recv() => {
                    let Some(order) = order else { break };
                    self.take(order).await;
                    self.look().await;
                    next = Instant::now() + TOLD_EVERY;
                }
                () = sleep_until(next), if self.runs => {
                    self.look().await;
                    next = Instant::now() + TOLD_EVERY;
                }
                () = came, if !self.runs => {
                    // Bytes come in bursts: a screen needs two pictures a second of it.
                    self.look().await;
                    tokio::select! {
                        order = orders.recv() => {
                            let Some(order) = order else { break };
                            self.take(order).await;
                            self.look().await;
                        }
                        () = tokio::time::sleep(COMES_EVERY) => {}
                    }
                    next = Instant::now();
                }
            }
        }
    }

    async fn take(&mut self, order: Order) {
        match order {
            Order::Load { deck, at, play } => self.load(deck, at, play).await,
            Order::Stop => {
                self.collect();
                drop(self.engine().order(EngineOrder::Stop));
                self.lying = None;
                self.reports.tell();
            }
            other => {
                let plays = matches!(other, Order::Play);
                let pauses = matches!(other, Order::Pause);
                if let Some(order) = EngineOrder::without_sound(&other) {
                    drop(self.engine().order(order));
                }
                if plays {
                    self.begin().await;
                }
                if pauses {
                    self.collect();
                    self.reports.tell();
                }
            }
        }
    }

    async fn load(&mut self, deck: Deck, at: u64, play: bool) {
        self.collect();
        self.reports.tell();
        let list: Vec<Track> = tracks(&deck).cloned().collect();
        let heard = match &deck {
            Deck::Side { heard, .. } => (*heard).min(list.len().saturating_sub(1)),
            Deck::Album { .. } => 0,
        };
        let lying = match Stand::lay(&self.setup.client, &self.setup.cache, list, heard) {
            Ok(lying) => lying,
            Err(what) => {
                return self.trouble(what, "Pull the version to listen to it with another player.").await;
            }
        };
        match Loaded::new(deck, lying.sounds(), lying.rate()) {
            Ok(loaded) => {
                let order = EngineOrder::Load { loaded: Box::new(loaded), at, play };
                drop(self.engine().order(order));
                self.lying = Some(lying);
            }
            Err(fault) => {
                let text = format!("This cannot be played: {fault}.");
                return self.trouble(text, "Choose another version.").await;
            }
        }
        if play {
            self.begin().await;
        }
    }

    /// A way out is open at the deck's rate and pulls.
    async fn begin(&mut self) {
        let Some(lying) = &self.lying else { return };
        let rate = lying.rate();
        // What was lost or never there is tried again when somebody asks for sound.
        let fits = self.output.as_ref().is_some_and(|(output, own)| {
            *own == rate
                && (output.is_audible()
                    || !matches!(self.setup.sound, Choice::Any | Choice::Pulse | Choice::Program(_)))
        });
        if !fits {
            self.output = None;
            self.runs = false;
            self.open(rate).await;
        }
        self.run_output().await;
    }

    async fn open(&mut self, rate: u32) {
        let engine = self.engine.clone();
        let pull: Pull = Arc::new(move |frames: &mut [Frame]| {
            engine.lock().unwrap_or_else(PoisonError::into_inner).pull(frames);
        });
        let (output, trouble) = output::open(&self.setup.sound, rate, &pull).await;
        self.output = Some((output, rate));
        match trouble {
            Some(trouble) if self.told_device.as_ref() != Some(&trouble.text) => {
                self.told_device = Some(trouble.text.clone());
                self.trouble(trouble.text, &trouble.hint).await;
            }
            Some(_) => {}
            None => self.told_device = None,
        }
    }

    async fn run_output(&mut self) {
        self.drains = None;
        let Some((output, rate)) = &self.output else { return };
        let rate = *rate;
        if self.runs {
            return;
        }
        if output.play().await.is_ok() {
            self.runs = true;
            return;
        }
        // It went away while nobody listened.
        self.output = None;
        self.open(rate).await;
        if let Some((output, _)) = &self.output {
            self.runs = output.play().await.is_ok();
        }
    }

    /// Sees what plays, tells it, and lets the output rest where nothing does.
    async fn look(&mut self) {
        let behind = match &self.output {
            Some((output, _)) if self.runs => output.waiting().await,
            _ => Ok(0),
        };
        let Ok(behind) = behind else { return self.lost().await };
        let status = self.status(behind);
        self.collect();
        if let Some(lying) = &self.lying {
            lying.remote().set_heard(status.heard);
        }
        if status.playing {
            self.drains = None;
            self.reports.tell_sometimes();
        } else if self.runs {
            self.drain(behind, status.rate).await;
        }
        self.tell_full().await;
        self.tell(status).await;
    }

    fn status(&self, behind: u64) -> Status {
        let engine = self.engine();
        let mut status = engine.status();
        status.at = engine.at_before(behind);
        if let Some((output, _)) = &self.output {
            status.output = output.name().to_owned();
            status.audible = output.is_audible();
        }
        status
    }

    async fn tell(&mut self, status: Status) {
        if self.told.as_ref() == Some(&status) {
            return;
        }
        self.told = Some(status.clone());
        let moves = status.playing;
        let news = News::Status(Box::new(status));
        if moves {
            // A screen that is behind gets the next one.
            drop(self.news.try_send(news));
        } else {
            drop(self.news.send(news).await);
        }
    }

    /// Nothing plays: what waits in the output is let out, then it rests.
    async fn drain(&mut self, behind: u64, rate: u32) {
        let now = Instant::now();
        let held = Duration::from_secs_f64(behind as f64 / f64::from(rate.max(1)));
        let until = *self.drains.get_or_insert(now + held + DRAIN);
        if now < until {
            return;
        }
        self.drains = None;
        self.runs = false;
        self.reports.tell();
        if let Some((output, _)) = &self.output
            && output.rest().await.is_err()
        {
            self.output = None;
        }
    }

    /// The device went away while it played: it goes on unheard, and is tried again when somebody asks to play.
    async fn lost(&mut self) {
        self.output = None;
        self.runs = false;
        let rate = self.lying.as_ref().map_or(48_000, |lying| lying.rate());
        drop(self.engine().order(EngineOrder::Pause));
        self.open(rate).await;
        let text = "The sound device went away; playing is paused.".to_owned();
        self.trouble(text, "Press play to try it again.").await;
        self.reports.tell();
        let status = self.status(0);
        self.tell(status).await;
    }

    async fn tell_full(&mut self) {
        let full = self.lying.as_ref().is_some_and(|lying| lying.remote().take_full());
        if full && !self.told_full {
            self.told_full = true;
            let text = "The disk takes no more audio; it is played without being kept.".to_owned();
            self.trouble(text, "Make room, or set a smaller cache in the settings.").await;
        }
    }

    /// What the engine played since the last look; counted where somebody could hear it.
    fn collect(&mut self) {
        let mut ranges = std::mem::take(&mut self.ranges);
        self.engine().take_heard(&mut ranges);
        let audible = self.output.as_ref().is_some_and(|(output, _)| output.is_audible());
        if let Some(lying) = self.lying.as_ref().filter(|_| audible) {
            for range in &ranges {
                if let Some(track) = lying.tracks().get(range.track) {
                    self.reports.heard(track, lying.rate(), range.from, range.to);
                }
            }
        }
        ranges.clear();
        self.ranges = ranges;
    }

    async fn trouble(&self, text: String, hint: &str) {
        drop(self.news.send(News::Trouble { text, hint: hint.to_owned() }).await);
    }
}
