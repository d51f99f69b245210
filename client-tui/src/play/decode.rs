//! Decodes one track of a deck on a thread of its own: reads what is in the cache, waits for what is not, turns it to the deck's rate, exact to the frame, and puts
//! pages into their places. A decoder that breaks costs its track, never the client. Never here: what to fetch, who listens.

use std::{
    io::{self, Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use deadwax_dsp::{
    Block, DspError, Source,
    decode::{Bytes, Storage},
    resample::Resampler,
};

use super::{
    Frame,
    pages::{PAGE_FRAMES, Paged},
};

/// A panic in a thread of this name is one track's problem; the terminal stays as it is.
pub const DECODER: &str = "deadwax-decode";
const READ_FRAMES: usize = 4096;
/// The filter of the resampler reaches this far back, in frames of the lower rate, with room to spare.
const LEAD_FRAMES: u64 = 4096;
/// Without news the worker looks by itself: a wake-up may come before it sleeps, never get lost for longer.
const LOOK: Duration = Duration::from_secs(2);
const NO_PAGE: usize = usize::MAX;

/// Starts the worker of a track.
///
/// # Errors
/// Where the system gives no thread.
pub(super) fn begin(sound: &Arc<Paged>, rate: u32) -> io::Result<()> {
    let worker = sound.clone();
    let thread = thread::Builder::new().name(DECODER.into()).spawn(move || {
        if catch_unwind(AssertUnwindSafe(|| work(&worker, rate))).is_err() {
            worker.set_problem(Some("its decoder gave up on it".into()));
        }
    })?;
    sound.set_worker(thread.thread().clone());
    Ok(())
}

fn work(sound: &Arc<Paged>, rate: u32) {
    let bytes = Arc::new(Coming {
        sound: sound.clone(),
        page: AtomicUsize::new(NO_PAGE),
        turned: AtomicBool::new(false),
    });
    let mut reading: Option<Reading> = None;
    let mut kept = Vec::new();
    while !sound.is_stopped() {
        let Some(page) = sound.next_missing() else {
            thread::park_timeout(LOOK * 30);
            continue;
        };
        bytes.page.store(page, Ordering::Relaxed);
        let made = match &mut reading {
            Some(reading) => reading.page(page, sound.page_frames(page)),
            None => Reading::open(&bytes, rate).and_then(|opened| {
                sound.set_problem(opened.note());
                reading.insert(opened).page(page, sound.page_frames(page))
            }),
        };
        match made {
            Ok(frames) => sound.put(page, frames, &mut kept),
            Err(_) if sound.is_stopped() => return,
            // Something else is wanted first: the source stands in the middle of nowhere.
            Err(_) if bytes.turned.swap(false, Ordering::Relaxed) => reading = None,
            Err(error) => {
                // A disk that cannot be read, or bytes that are thrown away: once more when something changes.
                reading = None;
                sound.set_problem(Some(without_name(&error)));
                thread::park_timeout(LOOK);
            }
        }
    }
}

/// The sentence without the name of the file: the track has its own.
fn without_name(error: &DspError) -> String {
    let text = error.to_string();
    text.strip_prefix(NAME).map_or_else(|| text.clone(), |rest| format!("it{rest}"))
}

const NAME: &str = "the audio";

/// The bytes of an entry as they come.
struct Coming {
    sound: Arc<Paged>,
    /// What they are read for.
    page: AtomicUsize,
    /// A reading was broken off for another page.
    turned: AtomicBool,
}

impl Coming {
    /// Another page is wanted before the one that is being decoded: then what waits breaks off.
    fn turns(&self) -> bool {
        let page = self.page.load(Ordering::Relaxed);
        let turns = self.sound.is_stopped() || self.sound.next_missing() != Some(page);
        if turns {
            self.turned.store(true, Ordering::Relaxed);
        }
        turns
    }
}

struct Place {
    of: Arc<Coming>,
    at: u64,
}

/// A handle on `Coming` that can be opened again.
struct Opening(Arc<Coming>);

impl Storage for Opening {
    fn open(&self) -> io::Result<Box<dyn Bytes>> {
        Ok(Box::new(Place { of: self.0.clone(), at: 0 }))
    }

    fn byte_len(&self) -> u64 {
        self.0.sound.lane.entry.total().unwrap_or(0)
    }
}

impl Read for Place {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let sound = &self.of.sound;
        let total = sound.lane.entry.total().unwrap_or(0);
        if self.at >= total || out.is_empty() {
            return Ok(0);
        }
        loop {
            let count = sound.lane.entry.read_at(self.at, out)?;
            sound.remote.reads(&sound.lane, self.at + count as u64, count == 0);
            if count > 0 {
                self.at += count as u64;
                return Ok(count);
            }
            if self.of.turns() {
                return Err(io::Error::other("something else is heard first"));
            }
            if sound.lane.failure().is_some() {
                return Err(io::Error::other("it did not come"));
            }
            thread::park_timeout(LOOK);
        }
    }
}

impl Seek for Place {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = self.of.sound.lane.entry.total().unwrap_or(0);
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at =
            at.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a place before the start"))?;
        Ok(self.at)
    }
}

/// An open source, and what was decoded and not yet taken.
struct Reading {
    source: Source,
    rate: u32,
    /// `None` where the rates are the same.
    resampler: Option<Resampler>,
    ready: Block,
    taken: usize,
    /// The frame, at the deck's rate, that `ready[taken]` is.
    at: u64,
    ended: bool,
    block: Block,
}

impl Reading {
    fn open(bytes: &Arc<Coming>, rate: u32) -> Result<Reading, DspError> {
        let lane = &bytes.sound.lane;
        while lane.entry.total().is_none() {
            let failed = lane.failure().is_some();
            if failed || bytes.turns() {
                return Err(DspError::Stopped);
            }
            thread::park_timeout(LOOK);
        }
        let source = Source::open_in(Arc::new(Opening(bytes.clone())), &PathBuf::from(NAME))?;
        let mut reading = Reading {
            source,
            rate,
            resampler: None,
            ready: Block::default(),
            taken: 0,
            at: 0,
            ended: false,
            block: Block::default(),
        };
        reading.fresh()?;
        Ok(reading)
    }

    fn note(&self) -> Option<String> {
        let channels = self.source.spec().channels;
        (channels > 2).then(|| format!("{channels} channels; the first two are heard"))
    }

    fn fresh(&mut self) -> Result<(), DspError> {
        let spec = self.source.spec();
        self.resampler = if spec.sample_rate == self.rate {
            None
        } else {
            Some(Resampler::new(spec.channels, spec.sample_rate, self.rate)?)
        };
        self.ready.clear();
        (self.taken, self.ended) = (0, false);
        Ok(())
    }

    /// The next frame that is given is this one.
    fn go_to(&mut self, frame: u64) -> Result<(), DspError> {
        self.fresh()?;
        let own = self.source.spec().sample_rate;
        if own == self.rate {
            self.source.seek(frame)?;
            self.at = frame;
            return Ok(());
        }
        // The resampler begins where a frame of one rate falls on a frame of the other, and early enough to know what its filter reaches back to.
        let shared = gcd(own, self.rate);
        let (from, to) = (u64::from(own / shared), u64::from(self.rate / shared));
        let lead = LEAD_FRAMES * (from / to + 1);
        let steps = (frame * from / to).saturating_sub(lead) / from;
        self.source.seek(steps * from)?;
        self.at = steps * to;
        while self.at < frame {
            if !self.fill()? {
                break;
            }
            let here = (self.ready.frames() - self.taken) as u64;
            let skipped = here.min(frame - self.at);
            self.taken += skipped as usize;
            self.at += skipped;
        }
        Ok(())
    }

    /// Decodes on until something is ready; false at the end.
    fn fill(&mut self) -> Result<bool, DspError> {
        while self.taken >= self.ready.frames() {
            if self.ended {
                return Ok(false);
            }
            self.ready.clear();
            self.taken = 0;
            let read = self.source.read(&mut self.block, READ_FRAMES)?;
            self.ended = read == 0;
            match &mut self.resampler {
                None => std::mem::swap(&mut self.ready, &mut self.block),
                Some(resampler) if read == 0 => resampler.finish(&mut self.ready)?,
                Some(resampler) => resampler.push(&self.block, &mut self.ready)?,
            }
            if self.ended && self.resampler.is_none() {
                self.ready.clear();
            }
        }
        Ok(true)
    }

    fn page(&mut self, page: usize, frames: usize) -> Result<Box<[Frame]>, DspError> {
        let start = (page * PAGE_FRAMES) as u64;
        if self.at != start {
            self.at = u64::MAX;
            self.go_to(start)?;
        }
        // Where the file ends earlier than its row says there is silence.
        let mut out = vec![[0.0; 2]; frames].into_boxed_slice();
        let mut done = 0;
        while done < frames && self.fill()? {
            let count = (self.ready.frames() - self.taken).min(frames - done);
            let range = self.taken..self.taken + count;
            let Some(left) = self.ready.channels.first() else { break };
            let right = self.ready.channels.get(1).unwrap_or(left);
            let both = left[range.clone()].iter().zip(&right[range]);
            for (frame, (l, r)) in out[done..].iter_mut().zip(both) {
                *frame = [*l as f32, *r as f32];
            }
            self.taken += count;
            self.at += count as u64;
            done += count;
        }
        if done < frames {
            // The end was reached: whatever comes next is sought.
            self.at = u64::MAX;
        }
        Ok(out)
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
