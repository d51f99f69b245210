//! Every sample that leaves: position, loop, seek, switch, levels, monitor, and what happens where sound is missing. It allocates nothing, waits for nothing and
//! knows no thread: one calls `order`, one `pull`, under a lock that neither holds long. Never here: devices, files, the line.
//!
//! What a fade does to the position: nothing. A frame of the deck is at one place in what leaves, and fades lie over that.
//!
//! - Pause, stop and load: what sounded goes on for [`FADE_MS`], dying away; the position stays where it was when the order came. Play goes on exactly
//!   there, rising over as long.
//! - Seek and switch: what sounded dies away while the new sound rises from its first frame on. The two gains add up to 1 at every frame, so two tracks
//!   that are the same are heard unchanged, and nothing ever gets louder than its source.
//! - At frame 0, out of silence, nothing rises: the file begins as it begins. A loop goes from its last frame to its first, the end of the deck is the end.
//! - Where sound is missing the last frame dies away, the position waits at the first that is missing, and sound rises there once [`AHEAD_MS`] are there.

use super::{
    Frame, HeardRange, Level, Loaded, Monitor, Order, Status, course::Course, monitor::Matrixed, tail::Tail,
};

/// How long a sound that is left dies away and a new one rises.
pub const FADE_MS: u64 = 5;
/// Sound that was missing goes on when so much of it is there.
pub const AHEAD_MS: u64 = 50;
/// Frames that are read at once.
const BLOCK: usize = 1024;
/// 50 ms at 384 kHz: the most that is looked at before sound begins.
const ROOM: usize = 19_200;
/// How long before a joint, or the end of a loop, what comes is asked for.
const WANT_S: u64 = 10;

/// An order of `Order` with its sounds.
pub enum EngineOrder {
    Load {
        loaded: Box<Loaded>,
        at: u64,
        play: bool,
    },
    Play,
    Pause,
    Stop,
    Seek {
        at: u64,
    },
    /// Where the position lies outside, it goes to the beginning of the loop. A loop without a frame is none.
    Loop(Option<(u64, u64)>),
    /// On an album: to the beginning of that song.
    Switch(usize),
    Level(Level),
    Monitor(Monitor),
}

impl EngineOrder {
    /// `None` for `Order::Load`, which needs its sounds.
    pub fn without_sound(order: &Order) -> Option<EngineOrder> {
        Some(match order {
            Order::Load { .. } => return None,
            Order::Play => EngineOrder::Play,
            Order::Pause => EngineOrder::Pause,
            Order::Stop => EngineOrder::Stop,
            Order::Seek { at } => EngineOrder::Seek { at: *at },
            Order::Loop(range) => EngineOrder::Loop(*range),
            Order::Switch(track) => EngineOrder::Switch(*track),
            Order::Level(level) => EngineOrder::Level(*level),
            Order::Monitor(monitor) => EngineOrder::Monitor(*monitor),
        })
    }
}

/// What changes while it plays, cheap to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Now {
    /// Of the next frame that is pulled; see `Engine::at_before` for what leaves the loudspeaker.
    pub at: u64,
    pub heard: usize,
    pub playing: bool,
    pub waiting: bool,
    pub underruns: u64,
    /// Frames pulled since the engine was made.
    pub pulled: u64,
}

pub struct Engine {
    loaded: Option<Box<Loaded>>,
    chosen: usize,
    at: u64,
    playing: bool,
    /// Frames of the deck leave; false: something must be there first.
    flowing: bool,
    /// It was looked and not enough was there.
    missing: bool,
    /// Gain of what plays, in parts of `fade`.
    risen: usize,
    fade: usize,
    /// What left last, without its fade.
    last: Frame,
    tail: Tail,
    looped: Option<(u64, u64)>,
    level: Level,
    monitor: Matrixed,
    underruns: u64,
    course: Course,
    /// Frame of the deck up to which what comes was asked for.
    wanted_to: u64,
    mixed: Box<[Frame]>,
    one: Box<[Frame]>,
    hard: bool,
}

impl Default for Engine {
    fn default() -> Engine {
        Engine::new()
    }
}

impl Engine {
    pub fn new() -> Engine {
        Engine {
            loaded: None,
            chosen: 0,
            at: 0,
            playing: false,
            flowing: false,
            missing: false,
            risen: 0,
            fade: 1,
            last: [0.0; 2],
            tail: Tail::new(),
            looped: None,
            level: Level::default(),
            monitor: Matrixed::new(),
            underruns: 0,
            course: Course::new(),
            wanted_to: 0,
            mixed: vec![[0.0; 2]; ROOM].into_boxed_slice(),
            one: vec![[0.0; 2]; ROOM].into_boxed_slice(),
            hard: false,
        }
    }

    /// Out of silence it begins at full level wherever that is: for files, where exactly those frames are wanted.
    pub fn for_files() -> Engine {
        Engine { hard: true, ..Engine::new() }
    }

    /// Does what is asked. What was taken off the player comes back: whoever gave it drops it, which may take time, and asks it for what was heard last.
    #[must_use = "what comes back still knows what was heard"]
    pub fn order(&mut self, order: EngineOrder) -> Option<Box<Loaded>> {
        match order {
            EngineOrder::Load { loaded, at, play } => return self.load(loaded, at, play),
            EngineOrder::Stop => return self.unload(),
            EngineOrder::Play => self.play(),
            EngineOrder::Pause => self.pause(),
            EngineOrder::Seek { at } => self.jump(at),
            EngineOrder::Loop(range) => self.set_loop(range),
            EngineOrder::Switch(track) => self.switch(track),
            EngineOrder::Level(level) => self.set_level(level),
            EngineOrder::Monitor(monitor) => {
                let (rate, silent) = (self.rate(), self.is_silent());
                self.monitor.set(monitor, rate, silent);
            }
        }
        None
    }

    fn load(&mut self, mut loaded: Box<Loaded>, at: u64, play: bool) -> Option<Box<Loaded>> {
        let before = self.unload();
        loaded.set_level(self.level, true);
        self.fade = usize::try_from(u64::from(loaded.rate()) * FADE_MS / 1000).unwrap_or(1).max(1);
        self.chosen = loaded.first_heard();
        self.at = at.min(loaded.frames());
        self.playing = play && self.at < loaded.frames();
        self.loaded = Some(loaded);
        self.want_here();
        before
    }

    fn unload(&mut self) -> Option<Box<Loaded>> {
        self.let_go();
        (self.at, self.chosen, self.playing, self.looped, self.underruns) = (0, 0, false, None, 0);
        self.loaded.take()
    }

    fn play(&mut self) {
        if self.playing || self.loaded.is_none() {
            return;
        }
        if self.at >= self.frames() {
            self.at = self.looped.map_or(0, |(from, _)| from);
        }
        self.playing = self.at < self.frames();
        self.want_here();
    }

    fn pause(&mut self) {
        self.let_go();
        self.playing = false;
    }

    fn jump(&mut self, at: u64) {
        let at = at.min(self.frames());
        if at == self.at {
            return;
        }
        self.let_go();
        self.at = at;
        self.want_here();
    }

    fn set_loop(&mut self, range: Option<(u64, u64)>) {
        let frames = self.frames();
        self.looped = range.map(|(from, to)| (from, to.min(frames))).filter(|(from, to)| from < to);
        self.wanted_to = self.at;
        if let Some((from, to)) = self.looped {
            if !(from..to).contains(&self.at) {
                self.jump(from);
            }
            self.want(from);
        }
    }

    fn switch(&mut self, track: usize) {
        let Some(loaded) = &self.loaded else { return };
        if track >= loaded.tracks() {
            return;
        }
        if let Some(start) = loaded.start_of(track) {
            return self.jump(start);
        }
        if track != self.chosen {
            self.let_go();
            self.chosen = track;
            self.want_here();
        }
    }

    fn set_level(&mut self, level: Level) {
        self.level = level;
        let silent = self.is_silent();
        if let Some(loaded) = &mut self.loaded {
            loaded.set_level(level, silent);
        }
    }

    /// Fills `out` with the next frames, silence where there is nothing to play.
    pub fn pull(&mut self, out: &mut [Frame]) {
        let mut done = 0;
        let mut broke_off = false;
        while done < out.len() {
            let rest = &mut out[done..];
            let flows = !broke_off && self.flows();
            self.course.mark(self.at, flows);
            let count = if flows {
                let count = self.forward(rest);
                broke_off = !self.flowing;
                count
            } else {
                rest.fill([0.0; 2]);
                self.tail.mix(rest);
                rest.len()
            };
            self.course.passed(count);
            done += count;
        }
        self.monitor.apply(out);
    }

    /// Whether the next frame comes from the deck.
    fn flows(&mut self) -> bool {
        if !self.playing || self.flowing {
            return self.playing;
        }
        let need = self.need();
        let (mixed, one) = (&mut self.mixed[..need], &mut self.one[..need]);
        let there = match &self.loaded {
            Some(loaded) => loaded.read(self.chosen, self.at, mixed, one),
            None => return false,
        };
        self.flowing = there == need;
        self.missing = !self.flowing;
        if self.flowing {
            let full = (self.hard || self.at == 0) && self.tail.is_over();
            self.risen = if full { self.fade } else { 0 };
        }
        self.flowing
    }

    /// So much must be there before sound begins.
    fn need(&self) -> usize {
        let ahead = usize::try_from(u64::from(self.rate()) * AHEAD_MS / 1000).unwrap_or(ROOM);
        let run = self.run_end() - self.at;
        usize::try_from(run).map_or(ahead, |run| run.min(ahead)).clamp(1, ROOM)
    }

    /// Where the deck stops going straight on.
    fn run_end(&self) -> u64 {
        match self.looped {
            Some((_, to)) if self.at < to => to,
            _ => self.frames(),
        }
    }

    /// Plays as many frames as go straight on and are there; at least one, or it stops flowing.
    fn forward(&mut self, out: &mut [Frame]) -> usize {
        let run = usize::try_from(self.run_end() - self.at).unwrap_or(BLOCK);
        let count = run.min(out.len()).min(BLOCK);
        let Some(loaded) = &mut self.loaded else { return 0 };
        let got = loaded.read(self.chosen, self.at, &mut self.mixed[..count], &mut self.one[..count]);
        let mixed = &self.mixed[..got];
        let rising = (self.fade - self.risen).min(got);
        for (out, frame) in out[..rising].iter_mut().zip(mixed) {
            let gain = self.risen as f32 / self.fade as f32;
            *out = frame.map(|sample| sample * gain);
            self.risen += 1;
        }
        out[rising..got].copy_from_slice(&mixed[rising..]);
        self.tail.mix(&mut out[..got]);
        if let Some(last) = mixed.last() {
            self.last = *last;
        }
        loaded.was_heard(self.chosen, self.at, got as u64);
        loaded.passed(got);
        self.at += got as u64;
        if got < count {
            self.break_off();
        }
        let before = self.at - got as u64;
        if self.at >= self.run_end_from(before) {
            self.turn(before);
        }
        self.ask_ahead();
        got
    }

    fn run_end_from(&self, at: u64) -> u64 {
        match self.looped {
            Some((_, to)) if at < to => to,
            _ => self.frames(),
        }
    }

    /// The end of the loop or of the deck was reached. Whoever went behind a loop is not drawn back into it, at the end of the deck neither.
    fn turn(&mut self, before: u64) {
        match self.looped {
            Some((from, to)) if before < to && self.at == to => {
                self.at = from;
                self.wanted_to = from;
            }
            _ => {
                self.playing = false;
                self.flowing = false;
            }
        }
    }

    /// The sound is not there: the last frame dies away in its place.
    fn break_off(&mut self) {
        for i in 0..self.risen {
            let gain = (self.risen - i) as f32 / self.fade as f32;
            self.tail.add(i, self.last.map(|sample| sample * gain));
        }
        self.flowing = false;
        self.missing = true;
        self.risen = 0;
        self.underruns += 1;
        self.want_here();
    }

    /// What sounds goes on dying away by itself, as it would have gone on; the engine is free for something else.
    fn let_go(&mut self) {
        if self.playing && self.flowing && self.risen > 0 {
            let (from, mut done) = (self.at, 0);
            while done < self.risen && self.at < self.frames() {
                let run = usize::try_from(self.run_end() - self.at).unwrap_or(BLOCK);
                let count = run.min(self.risen - done).min(BLOCK);
                let Some(loaded) = &self.loaded else { break };
                let got = loaded.read(self.chosen, self.at, &mut self.mixed[..count], &mut self.one[..count]);
                if let Some(last) = self.mixed[..got].last() {
                    self.last = *last;
                }
                // Where the rest is not here, the last frame stands for it.
                self.mixed[got..count].fill(self.last);
                for i in done..done + count {
                    let gain = (self.risen - i) as f32 / self.fade as f32;
                    self.tail.add(i, self.mixed[i - done].map(|sample| sample * gain));
                }
                done += count;
                self.at += count as u64;
                if let Some((from, to)) = self.looped
                    && self.at == to
                {
                    self.at = from;
                }
            }
            self.at = from;
        }
        self.flowing = false;
        self.missing = false;
        self.risen = 0;
    }

    fn want(&self, at: u64) {
        if let Some(loaded) = &self.loaded {
            loaded.want(self.chosen, at, at + u64::from(loaded.rate()));
        }
    }

    fn want_here(&mut self) {
        self.want(self.at);
        self.wanted_to = self.at;
    }

    /// Once a second: the others at the same position, the beginning of the loop, the songs behind the next joint.
    fn ask_ahead(&mut self) {
        if !self.playing || self.at < self.wanted_to {
            return;
        }
        let Some(loaded) = &self.loaded else { return };
        let second = u64::from(loaded.rate());
        loaded.want_others(self.chosen, self.at);
        let ahead = self.at + WANT_S * second;
        match self.looped {
            Some((from, to)) if self.at < to && to <= ahead => loaded.want(self.chosen, from, from + second),
            _ => loaded.want_next(self.at, ahead),
        }
        self.wanted_to = self.at + second;
    }

    /// How many of so many frames can be pulled now without a gap; for whoever would rather wait than write silence. Where it is none, the sounds were
    /// told to hurry.
    pub fn ready(&mut self, frames: usize) -> usize {
        let run = usize::try_from(self.run_end().saturating_sub(self.at)).unwrap_or(ROOM);
        let asked = frames.min(run).min(ROOM);
        let Some(loaded) = &self.loaded else { return frames };
        if !self.playing || asked == 0 {
            return frames;
        }
        let count = if self.flowing { asked } else { asked.max(self.need()) };
        let there = loaded.read(self.chosen, self.at, &mut self.mixed[..count], &mut self.one[..count]);
        if there == count {
            return asked;
        }
        self.want(self.at + there as u64);
        0
    }

    /// Nothing leaves: a change needs no ramp.
    fn is_silent(&self) -> bool {
        !(self.playing && self.flowing) && self.tail.is_over()
    }

    fn frames(&self) -> u64 {
        self.loaded.as_ref().map_or(0, |loaded| loaded.frames())
    }

    /// Of the deck; 48 kHz where there is none.
    pub fn rate(&self) -> u32 {
        self.loaded.as_ref().map_or(48_000, |loaded| loaded.rate())
    }

    pub fn now(&self) -> Now {
        let heard = self.loaded.as_ref().map_or(0, |loaded| loaded.sounding(self.chosen, self.at));
        Now {
            at: self.at,
            heard,
            playing: self.playing,
            waiting: self.playing && self.missing,
            underruns: self.underruns,
            pulled: self.course.pulled(),
        }
    }

    /// Where the deck was so many frames before the next one that is pulled: with the frames that wait in the output, what leaves the loudspeaker now. Exact
    /// over jumps and loops, as far back as the last sixty-four of them.
    pub fn at_before(&self, frames: u64) -> u64 {
        if frames == 0 { self.at } else { self.course.at_before(frames) }
    }

    /// Everything but what the output knows: `output` and `audible` are left as they come.
    pub fn status(&self) -> Status {
        let now = self.now();
        let mut status = Status {
            heard: now.heard,
            rate: self.rate(),
            at: now.at,
            playing: now.playing,
            waiting: now.waiting,
            looped: self.looped,
            level: self.level,
            monitor: self.monitor.asked(),
            underruns: now.underruns,
            ..Status::default()
        };
        if let Some(loaded) = &self.loaded {
            loaded.tell(&mut status);
        }
        status
    }

    /// Moves what was heard since the last call behind `into`: frames that left the engine in their place. Not those of a fade after the position had gone
    /// on, not what was waited for. Whether anybody could hear them, the output knows.
    pub fn take_heard(&mut self, into: &mut Vec<HeardRange>) {
        if let Some(loaded) = &mut self.loaded {
            loaded.take_heard(into);
        }
    }
}
