//! An insert: a stretch of the chain that a command of the operator's list does, so that other people's plug-ins can be used. The sound goes out as
//! interleaved floats and comes back the same way. No processor: a command may hold any amount of sound before it gives one frame.
//!
//! In a render it splits the chain: the steps before it are one stream, those after it another. `Insert::start`; then `push` each block and hand on
//! what comes back in `out`, which may be nothing; then `end`; then `take` until it says `false`. As many frames come back as were pushed, or there is
//! an error. Each alternate gets a command of its own: what it does is not keyed to the main, sums are not promised, and a report must say "not
//! reproducible". Memory is bounded by the queue; who needs the sound twice keeps it. Never here: which commands are allowed.

mod allowed;
mod pipe;

use std::{
    process::ExitStatus,
    sync::mpsc::RecvTimeoutError,
    time::{Duration, Instant},
};

pub use allowed::{Allowed, AllowedCommand, InsertSettings, NoProgress, Parameter, Sample, Value};
use pipe::{Event, Pipe};

use crate::{block::Block, error::DspError};

/// Frames handed to the command at once.
const PIECE_FRAMES: usize = 4096;
/// Pieces that wait for the command at most.
const QUEUED_MAX: usize = 8;
/// So often the caller is asked whether to go on while a command is waited for.
const ASK: Duration = Duration::from_millis(50);
/// Beyond +120 dBFS it is no sound: bytes were taken for what they are not.
const SAMPLE_MAX: f64 = 1e6;

/// A running command.
pub struct Insert {
    name: String,
    pipe: Pipe,
    sample: Sample,
    sample_rate: u32,
    channels: usize,
    latency: u64,
    no_progress: Duration,
    /// Pieces on their way into the command.
    queued: usize,
    /// Frames pushed by the caller, frames that came back, latency included, and frames handed on.
    pushed: u64,
    came: u64,
    handed: u64,
    /// Silence still to be given to push the last frames out; `None` before [`Insert::end`].
    silence_left: Option<u64>,
    /// What came back and has not been handed on.
    ready: Block,
    /// Bytes of a frame that is not whole yet.
    torn: Vec<u8>,
    over: Option<Result<(), String>>,
}

impl Insert {
    /// Starts the command. An error names what is wrong with the settings or the list, or why the program does not start.
    pub fn start(
        settings: &InsertSettings,
        allowed: &Allowed,
        sample_rate: u32,
        channels: usize,
    ) -> Result<Self, DspError> {
        settings.check()?;
        let command = allowed.command(&settings.command)?;
        let args = command.arguments(settings, sample_rate, channels)?;
        if channels == 0 || sample_rate == 0 {
            return Err(DspError::Invalid("an insert needs a rate and channels".into()));
        }
        let pipe = Pipe::open(&command.program, &args, &command.env).map_err(|e| {
            let program = command.program.display();
            DspError::Invalid(format!(
                "the insert {:?} could not be started: {program}: {e}; the operator's list names the program",
                settings.command
            ))
        })?;
        Ok(Insert {
            name: settings.command.clone(),
            pipe,
            sample: command.sample,
            sample_rate,
            channels,
            latency: u64::from(settings.latency_frames),
            no_progress: Duration::from_secs_f64(command.no_progress_s.get()),
            queued: 0,
            pushed: 0,
            came: 0,
            handed: 0,
            silence_left: None,
            ready: Block::new(channels, 0),
            torn: Vec::new(),
            over: None,
        })
    }

    /// Gives `block` to the command and puts what came back meanwhile into `out`, `channels` x any number of frames. While the command is waited for,
    /// `still` is asked whether to go on.
    pub fn push(
        &mut self,
        block: &Block,
        out: &mut Block,
        still: &mut dyn FnMut() -> Result<(), DspError>,
    ) -> Result<(), DspError> {
        if block.channels.len() != self.channels || self.silence_left.is_some() {
            return Err(DspError::Invalid(format!(
                "the insert {:?} was given {} channels instead of {}, or sound after the end",
                self.name,
                block.channels.len(),
                self.channels
            )));
        }
        for from in (0..block.frames()).step_by(PIECE_FRAMES) {
            while self.queued >= QUEUED_MAX {
                self.wait(still)?;
            }
            let to = (from + PIECE_FRAMES).min(block.frames());
            self.pushed += (to - from) as u64;
            self.give(interleave(block, from, to, self.sample));
        }
        while let Ok(event) = self.pipe.events.try_recv() {
            self.note(event)?;
        }
        self.hand_on(out);
        Ok(())
    }

    /// There is no more sound. [`Insert::take`] gives what is still to come.
    pub fn end(&mut self) {
        self.silence_left.get_or_insert(self.latency);
    }

    /// After [`Insert::end`]: waits for the next stretch and puts it into `out`. `false` when all has come back and the command has ended well.
    pub fn take(
        &mut self,
        out: &mut Block,
        still: &mut dyn FnMut() -> Result<(), DspError>,
    ) -> Result<bool, DspError> {
        self.end();
        loop {
            while let Some(left) = self.silence_left.filter(|left| *left > 0 && self.queued < QUEUED_MAX) {
                let n = left.min(PIECE_FRAMES as u64);
                self.silence_left = Some(left - n);
                self.give(vec![0; n as usize * self.channels * self.sample.bytes()]);
            }
            if self.silence_left == Some(0) {
                self.pipe.close();
            }
            self.hand_on(out);
            match &self.over {
                Some(Err(what)) => return Err(DspError::Invalid(what.clone())),
                _ if out.frames() > 0 => return Ok(true),
                Some(Ok(())) => return Ok(false),
                None => self.wait(still)?,
            }
        }
    }

    fn give(&mut self, bytes: Vec<u8>) {
        self.queued += 1;
        self.pipe.give(bytes);
    }

    /// Waits for the command to take or to give something.
    fn wait(&mut self, still: &mut dyn FnMut() -> Result<(), DspError>) -> Result<(), DspError> {
        if let Some(Err(what)) = &self.over {
            return Err(DspError::Invalid(what.clone()));
        }
        let since = Instant::now();
        loop {
            match self.pipe.events.recv_timeout(ASK) {
                Ok(event) => return self.note(event),
                Err(RecvTimeoutError::Disconnected) => return self.note(Event::Ended),
                Err(RecvTimeoutError::Timeout) => still()?,
            }
            if since.elapsed() >= self.no_progress {
                let (s, pushed, came) = (self.no_progress.as_secs_f64(), self.pushed, self.came);
                return self.fail(format!(
                    "hangs: for {s} s it has taken and given nothing. It was given {pushed} frames and gave back {came}"));
            }
        }
    }

    fn note(&mut self, event: Event) -> Result<(), DspError> {
        match event {
            Event::Took => {
                self.queued -= 1;
                Ok(())
            }
            Event::Gave(bytes) => self.receive(&bytes),
            Event::Ended => self.judge(),
        }
    }

    /// Bytes into frames.
    fn receive(&mut self, bytes: &[u8]) -> Result<(), DspError> {
        self.torn.extend_from_slice(bytes);
        let width = self.sample.bytes();
        let frames = self.torn.len() / (width * self.channels);
        let mut sane = true;
        for frame in self.torn.chunks_exact(width * self.channels) {
            for (plane, bytes) in self.ready.channels.iter_mut().zip(frame.chunks_exact(width)) {
                let value = match self.sample {
                    Sample::F32 => bytes.try_into().map_or(0.0, |b| f64::from(f32::from_le_bytes(b))),
                    Sample::F64 => bytes.try_into().map_or(0.0, f64::from_le_bytes),
                };
                sane &= value.abs() <= SAMPLE_MAX;
                plane.push(value);
            }
        }
        self.torn.drain(..frames * width * self.channels);
        self.came += frames as u64;
        let before = (self.latency + frames as u64).saturating_sub(self.came).min(frames as u64) as usize;
        // The frames of the latency lead the stream; they are dropped as they come.
        let start = self.ready.frames() - frames;
        self.ready.channels.iter_mut().for_each(|plane| drop(plane.drain(start..start + before)));
        let at_s = self.came as f64 / f64::from(self.sample_rate);
        if !sane {
            return self.fail(format!(
                "gave back what is no sound, before {at_s:.2} s: a value that is no number or beyond +120 dBFS. Does it work in {} bits?",
                8 * width
            ));
        }
        // It may ring on for as long as it is late, no longer.
        if self.came > self.pushed + 2 * self.latency {
            return self.fail(format!(
                "gave back {} frames or more where it had been given {}{}",
                self.came,
                self.pushed,
                if self.latency > 0 { format!(" and is {} late", self.latency) } else { String::new() }
            ));
        }
        Ok(())
    }

    /// Its output is closed: looks at how it ended and at what it gave.
    fn judge(&mut self) -> Result<(), DspError> {
        if let Some(over) = &self.over {
            return over.clone().map_err(DspError::Invalid);
        }
        self.pipe.close();
        let Some(status) = self.pipe.wait(self.no_progress) else {
            return self.fail("has closed its output and does not end".into());
        };
        if let Some(how) = bad_end(status) {
            return self.fail(format!("{how}, after {} of {} frames", self.came, self.pushed));
        }
        if !self.torn.is_empty() {
            return self.fail(format!(
                "gave back {} frames and {} bytes over; does it work in {} bits and {} channels?",
                self.came,
                self.torn.len(),
                8 * self.sample.bytes(),
                self.channels
            ));
        }
        let due = self.pushed + self.latency;
        if self.silence_left.is_none() || self.came < due {
            let late =
                if self.latency > 0 { format!(" and {} of latency", self.latency) } else { String::new() };
            return self.fail(format!(
                "ended with {} frames given back of {}{late}; where it comes late, latency_frames says by how many",
                self.came,
                self.pushed));
        }
        self.over = Some(Ok(()));
        Ok(())
    }

    /// It ends here, with what the command itself said last.
    fn fail(&mut self, what: String) -> Result<(), DspError> {
        self.pipe.kill();
        let last = self.pipe.last_words().map_or(String::new(), |line| format!("; its last words: {line}"));
        let what = format!("the insert {:?} {what}{last}", self.name);
        self.over = Some(Err(what.clone()));
        Err(DspError::Invalid(what))
    }

    /// Never more than was pushed.
    fn hand_on(&mut self, out: &mut Block) {
        let due = usize::try_from(self.pushed - self.handed).unwrap_or(usize::MAX);
        let n = due.min(self.ready.frames());
        out.resize(self.channels, 0);
        for (to, from) in out.channels.iter_mut().zip(&mut self.ready.channels) {
            to.extend(from.drain(..n));
        }
        self.handed += n as u64;
    }
}

/// How it ended, where that was not well.
fn bad_end(status: ExitStatus) -> Option<String> {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return Some(format!("was ended by signal {signal}"));
    }
    match status.code() {
        Some(0) => None,
        Some(code) => Some(format!("ended with code {code}")),
        None => Some("ended badly".into()),
    }
}

fn interleave(block: &Block, from: usize, to: usize, sample: Sample) -> Vec<u8> {
    let mut bytes = Vec::with_capacity((to - from) * block.channels.len() * sample.bytes());
    for i in from..to {
        for plane in &block.channels {
            match sample {
                Sample::F32 => bytes.extend((plane[i] as f32).to_le_bytes()),
                Sample::F64 => bytes.extend(plane[i].to_le_bytes()),
            }
        }
    }
    bytes
}
