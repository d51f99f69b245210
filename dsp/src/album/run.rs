//! One reading of all songs into all files: slices of time go through every rate in step, so that no song waits for another rate, and nothing longer than
//! a slice stands in memory. Never here: how a slice is mixed or a file written.

use std::{collections::BTreeMap, path::Path, thread};

use super::{
    Job, Made, Progress, done,
    ear::Ears,
    layout::{self, Known, Layout, OutputPlan},
    mix::Mix,
    press::{self, Press},
    voice::Voice,
};
use crate::{DspError, Flow, math::linear, render::Way};

/// A slice is never longer, whatever is asked: it is the unit of memory.
const SLICE_FRAMES_MAX: usize = 1 << 16;

/// Makes the files of a record. Every file appears under its name when it is whole and was read back, with a sidecar `NAME.done`; a file that stands there
/// with the sidecar of the same job, and whose bytes still are those of the sidecar, is not made again. `progress` is asked at every slice; after
/// [`Flow::Stop`] only whole files are left, and the next run goes on from there. What stood under a name before, without its sidecar, is replaced.
///
/// Errors: `Invalid` for what cannot be laid out or cut so, with what to do; those of [`crate::decode`] for a song that cannot be read; `Write`; `Damaged`
/// where a file that is read back is not what was written; `Stopped`.
pub fn run(job: &Job, progress: &mut dyn FnMut(Progress) -> Flow) -> Result<Vec<Made>, DspError> {
    run_in(job, Way::default(), progress)
}

/// [`run`] in a given way: of blocks and threads nothing depends in what is made.
pub fn run_in(
    job: &Job,
    way: Way,
    progress: &mut dyn FnMut(Progress) -> Flow,
) -> Result<Vec<Made>, DspError> {
    job.check()?;
    let mut teller = Teller::new(job, progress);
    let mut known: Vec<Known> = Vec::with_capacity(job.songs.len());
    for (n, song) in job.songs.iter().enumerate() {
        // A song may lie on a record twice.
        let again = job.songs[..n].iter().position(|other| other.path == song.path);
        teller.step(format!("look at song {} of {}", n + 1, job.songs.len()))?;
        let it = match again {
            Some(other) => known[other].clone(),
            None => Known::read(&song.path, &mut || teller.still(0))?,
        };
        if let Some(signed) = song.sha256.as_ref().filter(|signed| !signed.eq_ignore_ascii_case(&it.sha256)) {
            return Err(DspError::Invalid(format!(
                "song {}: {} is not the file that was signed: its SHA-256 is {}, and {signed} was signed. Get the file anew",
                n + 1,
                song.path.display(),
                it.sha256
            )));
        }
        known.push(it);
    }
    let layout = Layout::new(job, &known)?;
    press::make_folder(&job.out_dir)?;
    let mut books = Books::open(job, &known, &layout, &mut teller)?;
    for (plan, book) in layout.outputs.iter().zip(&books.made) {
        if missing(plan, book).contains(&true) {
            press::try_out(plan, &job.out_dir)?;
        }
    }
    let work = Work::new(job, &known, &layout, &books, way)?;
    teller.total = work.frames() + books.missing_frames(&layout);
    work.run(&mut books, &mut teller)?;
    Ok(books.made.into_iter().flatten().flatten().collect())
}

/// The files of an output that are to be made and are not there yet.
fn missing(plan: &OutputPlan, made: &[Option<Made>]) -> Vec<bool> {
    plan.files.iter().zip(made).map(|(file, made)| file.asked() && made.is_none()).collect()
}

/// What is made already, by output and file.
struct Books {
    keys: Vec<Vec<String>>,
    made: Vec<Vec<Option<Made>>>,
}

impl Books {
    fn open(job: &Job, known: &[Known], layout: &Layout, teller: &mut Teller<'_>) -> Result<Books, DspError> {
        let mut books = Books { keys: Vec::new(), made: Vec::new() };
        for (n, plan) in layout.outputs.iter().enumerate() {
            let keys: Vec<String> =
                (0..plan.files.len()).map(|file| done::key(job, known, n, plan, file)).collect();
            let mut made = Vec::new();
            for (file, key) in keys.iter().enumerate() {
                if !plan.files[file].asked() {
                    made.push(None);
                    continue;
                }
                let there = done::standing(&job.out_dir, plan, file, key, &mut || teller.still(0))?;
                teller.done += usize::from(there.is_some());
                made.push(there);
            }
            books.keys.push(keys);
            books.made.push(made);
        }
        Ok(books)
    }

    /// Of the files that must be made: each is read back once.
    fn missing_frames(&self, layout: &Layout) -> u64 {
        let frames = |(plan, made): (&OutputPlan, &Vec<Option<Made>>)| {
            let files = plan.files.iter().zip(missing(plan, made)).filter(|(_, missing)| *missing);
            files.map(|(file, _)| file.frames()).sum::<u64>()
        };
        layout.outputs.iter().zip(&self.made).map(frames).sum()
    }
}

/// All that runs through time.
struct Work<'a> {
    job: &'a Job,
    known: &'a [Known],
    layout: &'a Layout,
    way: Way,
    mixes: Vec<Mix>,
    /// With the place of its rate in `mixes` and its own in the layout.
    presses: Vec<(usize, usize, Press<'a>)>,
    /// By song: some missing file holds some of it.
    wanted: Vec<bool>,
    /// Songs that some missing file has exactly, and what was heard of them in the end.
    exact: BTreeMap<usize, Option<Ears>>,
}

impl<'a> Work<'a> {
    fn new(
        job: &'a Job,
        known: &'a [Known],
        layout: &'a Layout,
        books: &Books,
        way: Way,
    ) -> Result<Work<'a>, DspError> {
        let block_frames = way.block_frames.clamp(1, SLICE_FRAMES_MAX);
        let way = Way { block_frames, ..way };
        let mut work = Work {
            job,
            known,
            layout,
            way,
            mixes: Vec::new(),
            presses: Vec::new(),
            wanted: vec![false; known.len()],
            exact: BTreeMap::new(),
        };
        for rate in layout.rates() {
            let record = layout::timeline(job, known, rate)?;
            let mut used = false;
            for (n, plan) in layout.outputs.iter().enumerate().filter(|(_, plan)| plan.sample_rate == rate) {
                let wanted = missing(plan, &books.made[n]);
                for (file, _) in plan.files.iter().zip(&wanted).filter(|(_, wanted)| **wanted) {
                    work.wanted[record.sounding(file.from, file.to)].fill(true);
                    work.exact.extend(file.exact.iter().map(|song| (*song, None)));
                    used = true;
                }
                if wanted.contains(&true) {
                    work.presses.push((work.mixes.len(), n, Press::new(plan, &job.out_dir, wanted)));
                }
            }
            if used {
                work.mixes.push(Mix::new(rate, record, linear(job.album_gain_db)));
            }
        }
        Ok(work)
    }

    fn frames(&self) -> u64 {
        self.mixes.iter().map(|mix| mix.record.frames()).sum()
    }

    fn run(mut self, books: &mut Books, teller: &mut Teller<'_>) -> Result<(), DspError> {
        let mut voices: BTreeMap<usize, Voice> = BTreeMap::new();
        // In the time of the highest rate; the others keep step with it.
        let clock_hz = self.mixes.iter().map(|mix| mix.rate).max().unwrap_or(1);
        let mut clock = 0u64;
        while self.mixes.iter().any(|mix| mix.at < mix.record.frames()) {
            clock += self.way.block_frames as u64;
            let mut fed = 0;
            for line in 0..self.mixes.len() {
                let mix = &self.mixes[line];
                let to = u128::from(clock) * u128::from(mix.rate) / u128::from(clock_hz);
                let to = u64::try_from(to).unwrap_or(u64::MAX).min(mix.record.frames());
                fed += to - mix.at;
                self.open(line, to, &mut voices, teller)?;
                self.mixes[line].slice(to, line, &mut voices)?;
            }
            self.press()?;
            teller.still(fed)?;
            self.close(&mut voices, teller)?;
            self.finish(books, teller)?;
        }
        Ok(())
    }

    /// Opens the songs that begin before a frame.
    fn open(
        &self,
        line: usize,
        to: u64,
        voices: &mut BTreeMap<usize, Voice>,
        teller: &mut Teller<'_>,
    ) -> Result<(), DspError> {
        let mix = &self.mixes[line];
        for n in mix.record.sounding(mix.at, to) {
            // Only one that begins now: another rate may have come to its end and closed it.
            if !self.wanted[n] || voices.contains_key(&n) || mix.record.songs()[n].start < mix.at {
                continue;
            }
            let rates: Vec<(u32, u64)> =
                self.mixes.iter().map(|mix| (mix.rate, mix.record.songs()[n].trim_in)).collect();
            let path = self.job.songs[n].path.clone();
            let mut voice = Voice::open(path, &self.known[n], &rates, self.way.block_frames)?;
            if self.exact.contains_key(&n) {
                voice.listen();
            }
            voices.insert(n, voice);
            teller.step(format!("song {} of {}", n + 1, self.known.len()))?;
        }
        Ok(())
    }

    /// Lets go of the songs that are over at every rate.
    fn close(
        &mut self,
        voices: &mut BTreeMap<usize, Voice>,
        teller: &mut Teller<'_>,
    ) -> Result<(), DspError> {
        let over = |n: usize| self.mixes.iter().all(|mix| mix.record.songs()[n].end() <= mix.at);
        while let Some(n) = voices.keys().copied().find(|n| over(*n)) {
            if let Some(voice) = voices.remove(&n) {
                let heard = voice.finish(&mut || teller.still(0))?;
                self.exact.entry(n).and_modify(|ears| *ears = heard);
            }
        }
        Ok(())
    }

    /// Every output takes the slice of its rate; they know nothing of each other.
    fn press(&mut self) -> Result<(), DspError> {
        let mixes = &self.mixes;
        let threads = self.way.threads.clamp(1, self.presses.len().max(1));
        let feed = |presses: &mut [(usize, usize, Press<'_>)]| {
            presses.iter_mut().try_for_each(|(line, _, press)| press.feed(&mixes[*line].block))
        };
        if threads == 1 {
            return feed(&mut self.presses);
        }
        let share = self.presses.len().div_ceil(threads);
        thread::scope(|scope| {
            let hands: Vec<_> =
                self.presses.chunks_mut(share).map(|part| scope.spawn(|| feed(part))).collect();
            hands.into_iter().try_for_each(|hand| {
                hand.join().map_err(|_| DspError::Invalid("the making of a file broke off".into()))?
            })
        })
    }

    /// Gives the files that are full their names and enters them.
    fn finish(&mut self, books: &mut Books, teller: &mut Teller<'_>) -> Result<(), DspError> {
        for (_, n, press) in &mut self.presses {
            let plan = &self.layout.outputs[*n];
            for full in std::mem::take(&mut press.full) {
                let file = full.file;
                let heard = |song: &usize| Some((*song, self.exact.get(song)?.as_ref()?));
                let sources: Option<Vec<(usize, &Ears)>> = plan.files[file].exact.iter().map(heard).collect();
                let Some(sources) = sources else {
                    // Another rate may be some frames behind, and the song not at its end.
                    press.full.push(full);
                    continue;
                };
                teller.step(format!("check {}", plan.files[file].name))?;
                let made = full.finish(plan, &sources, &mut |frames| teller.still(frames))?;
                done::write(Path::new(&self.job.out_dir), &books.keys[*n][file], &made)?;
                books.made[*n][file] = Some(made);
                teller.done += 1;
            }
        }
        Ok(())
    }
}

/// Tells how far the work is, and hears whether to go on.
struct Teller<'a> {
    tell: &'a mut dyn FnMut(Progress) -> Flow,
    step: String,
    worked: u64,
    total: u64,
    done: usize,
    files: usize,
}

impl<'a> Teller<'a> {
    fn new(job: &Job, tell: &'a mut dyn FnMut(Progress) -> Flow) -> Self {
        let files = job.names().count();
        Teller { tell, step: String::new(), worked: 0, total: 0, done: 0, files }
    }

    fn step(&mut self, step: String) -> Result<(), DspError> {
        self.step = step;
        self.still(0)
    }

    /// So many more frames are worked through.
    fn still(&mut self, frames: u64) -> Result<(), DspError> {
        self.worked += frames;
        let fraction = if self.total > 0 { (self.worked as f64 / self.total as f64).min(1.0) } else { 0.0 };
        let (done, files) = (self.done, self.files);
        match (self.tell)(Progress { step: self.step.clone(), fraction, done, files }) {
            Flow::Go => Ok(()),
            Flow::Stop => Err(DspError::Stopped),
        }
    }
}
