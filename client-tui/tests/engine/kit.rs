//! Sounds and decks for the tests.

use std::{
    f64::consts::TAU,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use deadwax_client::play::{AlbumItem, Deck, Engine, EngineOrder, Frame, Level, Loaded, Shape, Sound, Track};

pub const RATE: u32 = 48_000;
/// 5 ms
pub const FADE: usize = 240;

pub fn track(lufs: f64) -> Track {
    Track {
        project_id: "p".into(),
        version_id: "v".into(),
        alternate: "main".into(),
        sha256: String::new(),
        label: "Mix 1".into(),
        sample_rate: RATE,
        channels: 2,
        frames: 0,
        bytes: 0,
        lufs,
        true_peak_dbtp: -1.0,
        original: true,
    }
}

pub fn item(gap_ms: u32, crossfade_ms: u32) -> AlbumItem {
    let track = track(-14.0);
    AlbumItem {
        track,
        gap_ms,
        crossfade_ms,
        fade_in_ms: 0,
        fade_out_ms: 0,
        trim_in_ms: 0,
        trim_out_ms: 0,
        shape: Shape::EqualPower,
        gain_db: 0.0,
    }
}

pub fn sine(frames: usize, hz: f64, peak: f64) -> Vec<Frame> {
    let at = |n: usize| (peak * (TAU * hz * n as f64 / f64::from(RATE)).sin()) as f32;
    (0..frames).map(|n| [at(n), at(n + 7)]).collect()
}

/// Every frame is another, so that one in the wrong place is seen.
pub fn noise(frames: usize, seed: u64) -> Vec<Frame> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1u64 << 23) as f32) - 1.0
    };
    (0..frames).map(|_| [next(), next()]).collect()
}

/// A sound of which pages may be missing. Remembers where it was wanted.
pub struct Patchy {
    pub frames: Vec<Frame>,
    pub page: usize,
    pub here: Vec<AtomicBool>,
    pub wanted: Mutex<Vec<u64>>,
}

impl Patchy {
    pub fn new(frames: Vec<Frame>, page: usize) -> Arc<Patchy> {
        let here = (0..frames.len().div_ceil(page)).map(|_| AtomicBool::new(true)).collect();
        Arc::new(Patchy { frames, page, here, wanted: Mutex::default() })
    }

    pub fn set(&self, page: usize, here: bool) {
        self.here[page].store(here, Ordering::Relaxed);
    }

    pub fn has(&self, frame: usize) -> bool {
        self.here[frame / self.page].load(Ordering::Relaxed)
    }
}

impl Sound for Patchy {
    fn frames(&self) -> u64 {
        self.frames.len() as u64
    }

    fn read(&self, at: u64, out: &mut [Frame]) -> usize {
        let from = at as usize;
        let to = self.frames.len().min(from + out.len());
        let end = (from..to).find(|frame| !self.has(*frame)).unwrap_or(to.max(from));
        out[..end - from].copy_from_slice(&self.frames[from..end]);
        end - from
    }

    fn want(&self, at: u64) {
        self.wanted.lock().unwrap().push(at);
    }
}

pub fn side(sounds: Vec<Arc<dyn Sound>>) -> Box<Loaded> {
    let tracks = sounds.iter().map(|_| track(-14.0)).collect();
    Box::new(Loaded::new(Deck::Side { tracks, heard: 0 }, sounds, RATE).unwrap())
}

pub fn in_memory(sounds: Vec<Vec<Frame>>) -> Box<Loaded> {
    side(sounds.into_iter().map(|frames| Arc::new(frames) as Arc<dyn Sound>).collect())
}

pub fn ask(engine: &mut Engine, order: EngineOrder) {
    drop(engine.order(order));
}

/// An engine that plays this from a frame on, as the files are.
pub fn playing(loaded: Box<Loaded>, at: u64) -> Engine {
    let mut engine = Engine::new();
    ask(&mut engine, EngineOrder::Level(Level::AsIs));
    ask(&mut engine, EngineOrder::Load { loaded, at, play: true });
    engine
}

/// Pulls so many frames in pieces of odd sizes: their size must change nothing.
pub fn pull(engine: &mut Engine, frames: usize) -> Vec<Frame> {
    let mut out = vec![[9.0; 2]; frames];
    let (mut done, mut size) = (0, 1);
    while done < frames {
        size = (size * 5 + 3) % 1777 + 1;
        let to = frames.min(done + size);
        engine.pull(&mut out[done..to]);
        done = to;
    }
    out
}

/// The largest step from one sample to the next.
pub fn steepest(out: &[Frame]) -> f32 {
    let steps = out.windows(2).flat_map(|w| [(w[1][0] - w[0][0]).abs(), (w[1][1] - w[0][1]).abs()]);
    steps.fold(0.0, f32::max)
}

pub fn loudest(out: &[Frame]) -> f32 {
    out.iter().flatten().fold(0.0, |most, sample| most.max(sample.abs()))
}
