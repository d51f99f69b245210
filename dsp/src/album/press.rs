//! One output on its way to its files: cut at its places, rounded and dithered, measured, counted where it is beyond full scale, written. A finished file
//! is read back and held against what was written before it counts. Never here: where songs lie, what a sidecar says.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write as _},
    ops::Range,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::{
    CHANNELS, Made,
    ear::{Ear, Ears},
    layout::{FilePlan, OutputPlan},
};
use crate::{
    Block, DspError, Spec,
    decode::{Loudness, Source},
    digest::{Digest, digest_of},
    dither::Quantiser,
    measure::{Measurement, Meter},
    write::{AudioWriter, Encoding},
};

const READ_FRAMES: usize = 1 << 14;
/// Of silence, written at a time.
const SILENCE_FRAMES: u64 = 4096;

pub(super) struct Press<'a> {
    plan: &'a OutputPlan,
    out_dir: &'a Path,
    /// By file; the others stand there already.
    wanted: Vec<bool>,
    /// Frames of the record that were fed.
    at: u64,
    piece: usize,
    quantiser: Option<Quantiser>,
    open: Option<Pressing>,
    /// All that goes into them was written.
    pub full: Vec<Pressing>,
    work: Block,
}

impl<'a> Press<'a> {
    pub fn new(plan: &'a OutputPlan, out_dir: &'a Path, wanted: Vec<bool>) -> Self {
        let work = Block::new(CHANNELS, 0);
        Press { plan, out_dir, wanted, at: 0, piece: 0, quantiser: None, open: None, full: Vec::new(), work }
    }

    /// The next frames of the record.
    pub fn feed(&mut self, block: &Block) -> Result<(), DspError> {
        let plan = self.plan;
        let mut done = 0;
        while done < block.frames() {
            let Some(piece) = plan.pieces.get(self.piece) else { return Ok(()) };
            let left = usize::try_from(piece.to - self.at).unwrap_or(usize::MAX);
            let frames = left.min(block.frames() - done);
            if self.at == piece.from {
                let rounds = !piece.kept && !plan.encoding.float();
                self.quantiser = rounds.then(|| plan.quantiser()).transpose()?;
            }
            if self.wanted[piece.file] {
                self.work.resize(CHANNELS, 0);
                for (work, plane) in self.work.channels.iter_mut().zip(&block.channels) {
                    work.clear();
                    work.extend_from_slice(&plane[done..done + frames]);
                }
                let mut open = match self.open.take() {
                    Some(open) => open,
                    None => Pressing::begin(piece.file, plan, self.out_dir)?,
                };
                if let Some(quantiser) = &mut self.quantiser {
                    open.count_overs(piece.song, &self.work, plan.encoding);
                    quantiser.process(&mut self.work);
                }
                if plan.raw && !plan.files[piece.file].exact.is_empty() {
                    let place =
                        |frame: u64| (frame.clamp(self.at, self.at + frames as u64) - self.at) as usize;
                    open.hear(piece.song, &self.work, place(piece.song_from)..place(piece.song_to));
                }
                open.write(&self.work)?;
                self.open = Some(open);
            }
            done += frames;
            self.at += frames as u64;
            if self.at == piece.to {
                self.piece += 1;
                if plan.pieces.get(self.piece).is_none_or(|next| next.file != piece.file)
                    && let Some(mut open) = self.open.take()
                {
                    open.silence(plan.files[piece.file].pad)?;
                    self.full.push(open);
                }
            }
        }
        Ok(())
    }
}

/// A file that is being written. Dropped, it leaves nothing behind.
pub(super) struct Pressing {
    pub file: usize,
    path: PathBuf,
    sink: Sink,
    encoding: Encoding,
    meter: Meter,
    ear: Ear,
    /// Of an image that holds songs as they are: each of them by itself.
    songs: BTreeMap<usize, Ear>,
    /// Samples beyond full scale, by the song in whose stretch they are.
    overs: BTreeMap<usize, u64>,
    bext: bool,
}

enum Sink {
    Audio(Box<AudioWriter>),
    Raw { out: BufWriter<NamedTempFile>, bytes: Vec<u8>, sum: Sha256 },
}

impl Pressing {
    /// Errors: `Write`, `Invalid` where the encoding cannot hold this rate.
    pub fn begin(file: usize, plan: &OutputPlan, out_dir: &Path) -> Result<Pressing, DspError> {
        let FilePlan { name, lead, bext, .. } = &plan.files[file];
        let path = out_dir.join(name);
        let at_write = |source| DspError::write(&path, source);
        let folder = path.parent().unwrap_or(out_dir);
        std::fs::create_dir_all(folder).map_err(at_write)?;
        let sink = if plan.raw {
            let mut part = tempfile::Builder::new();
            part.prefix(".deadwax-").suffix(".part");
            #[cfg(unix)]
            part.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
            let part = part.tempfile_in(folder).map_err(at_write)?;
            Sink::Raw { out: BufWriter::with_capacity(1 << 18, part), bytes: Vec::new(), sum: Sha256::new() }
        } else {
            let rate = plan.sample_rate;
            Sink::Audio(Box::new(AudioWriter::create(&path, plan.encoding, rate, CHANNELS, bext.clone())?))
        };
        let encoding = plan.encoding;
        let spec = Spec {
            sample_rate: plan.sample_rate,
            channels: CHANNELS,
            bits: (!encoding.lossy()).then(|| encoding.bits()),
            float: encoding.float(),
            frames: None,
            container: encoding.extension(),
            codec: "pcm",
        };
        let (meter, ear) = (Meter::new(&spec), Ear::new(encoding.float()));
        let bext = bext.is_some();
        let (songs, overs) = (BTreeMap::new(), BTreeMap::new());
        let mut open = Pressing { file, path, sink, encoding, meter, ear, songs, overs, bext };
        open.silence(*lead)?;
        Ok(open)
    }

    /// Samples that no whole number of this length is near to.
    fn count_overs(&mut self, song: usize, block: &Block, encoding: Encoding) {
        let half_step = 0.5 / (1u64 << (encoding.bits() - 1)) as f64;
        let (low, high) = (-1.0 - half_step, 1.0 - half_step);
        let over = |s: &&f64| **s >= high || **s < low;
        let samples = block.channels.iter().flatten();
        let count = samples.filter(over).count() as u64;
        if count > 0 {
            *self.overs.entry(song).or_default() += count;
        }
    }

    /// What goes into the image of a song, by itself.
    fn hear(&mut self, song: usize, block: &Block, part: Range<usize>) {
        self.songs.entry(song).or_insert_with(|| Ear::new(false)).hear_part(block, part);
    }

    fn silence(&mut self, frames: u64) -> Result<(), DspError> {
        let mut left = frames;
        while left > 0 {
            let n = left.min(SILENCE_FRAMES);
            self.write(&Block::new(CHANNELS, n as usize))?;
            left -= n;
        }
        Ok(())
    }

    fn write(&mut self, block: &Block) -> Result<(), DspError> {
        match &mut self.sink {
            Sink::Audio(writer) => writer.write(block)?,
            Sink::Raw { out, bytes, sum } => {
                bytes.clear();
                let [left, right] = block.channels.as_slice() else {
                    return Err(DspError::Invalid("a disc is stereo".into()));
                };
                for (l, r) in left.iter().zip(right) {
                    bytes.extend_from_slice(&whole16(*l).to_le_bytes());
                    bytes.extend_from_slice(&whole16(*r).to_le_bytes());
                }
                sum.update(&*bytes);
                out.write_all(bytes).map_err(|source| DspError::write(&self.path, source))?;
            }
        }
        if !self.encoding.lossy() {
            self.meter.push(block);
            if matches!(self.sink, Sink::Audio(_)) {
                self.ear.hear(block);
            }
        }
        Ok(())
    }

    /// Gives the file its name and reads it back. `sources`: the samples of the songs that the file has exactly. Errors: `Write`; `Damaged` where they are not
    /// those that were written, or what is read is not what was written, and then there is no file.
    pub fn finish(
        self,
        plan: &OutputPlan,
        sources: &[(usize, &Ears)],
        still: &mut dyn FnMut(u64) -> Result<(), DspError>,
    ) -> Result<Made, DspError> {
        let file = &plan.files[self.file];
        let path = self.path;
        let at_write = |source| DspError::write(&path, source);
        let same = |(song, source): &(usize, &Ears)| source.agree(self.songs.get(song).unwrap_or(&self.ear));
        if sources.len() != file.exact.len() || !sources.iter().all(same) {
            let what = "its samples should be those of its source and are not. Render again, and report this";
            return Err(DspError::damaged(&path, 0.0, what));
        }
        let (mut measurement, mut sum) = (self.meter.finish(), None);
        match self.sink {
            Sink::Audio(mut writer) => {
                if self.bext {
                    writer.set_levels(&levels(&measurement));
                }
                writer.finish()?;
            }
            Sink::Raw { out, sum: written, .. } => {
                let part = out.into_inner().map_err(|error| at_write(error.into_error()))?;
                part.as_file().sync_data().map_err(at_write)?;
                part.persist(&path).map_err(|error| at_write(error.error))?;
                sum = Some(hex::encode(written.finalize()));
            }
        }
        let checked = read_back(&path, file, plan, (self.ear, sum), still);
        let (Digest { bytes, sha256 }, heard) = match checked {
            Ok(checked) => checked,
            Err(error) => {
                // It has its name, and nobody vouches for it. Where it cannot be taken away, it has no sidecar still.
                let _ = std::fs::remove_file(&path);
                return Err(error);
            }
        };
        measurement = heard.unwrap_or(measurement);
        Ok(Made {
            name: file.name.clone(),
            encoding: plan.encoding,
            sample_rate: plan.sample_rate,
            frames: file.frames(),
            bytes,
            sha256,
            exact: !file.exact.is_empty(),
            over_full_scale: self.overs.values().sum(),
            overs: self.overs.into_iter().collect(),
            measurement,
            tracks: file.marks.clone(),
            resumed: false,
        })
    }
}

/// The digest of the file, and of a lossy one its figures.
fn read_back(
    path: &Path,
    file: &FilePlan,
    plan: &OutputPlan,
    (written, raw_sum): (Ear, Option<String>),
    still: &mut dyn FnMut(u64) -> Result<(), DspError>,
) -> Result<(Digest, Option<Measurement>), DspError> {
    let other = |at: u64, what: &str| {
        let at_s = at as f64 / f64::from(plan.sample_rate);
        let what = format!("{what}. The disk or the memory of this machine may be failing: render again");
        DspError::damaged(path, at_s, what)
    };
    let mut heard = None;
    if raw_sum.is_none() {
        let mut source = Source::open(path)?;
        let lossy = plan.encoding.lossy();
        let (mut ear, mut meter) = (Ear::new(plan.encoding.float()), Meter::new(source.spec()));
        let mut block = Block::default();
        loop {
            let frames = source.read(&mut block, READ_FRAMES)?;
            if frames == 0 {
                break;
            }
            if lossy {
                meter.push(&block);
            } else {
                ear.hear(&block);
            }
            still(frames as u64)?;
        }
        let frames = source.position();
        if frames != file.frames() {
            return Err(other(
                frames,
                &format!("{} frames were written and {frames} are read", file.frames()),
            ));
        }
        if !lossy && ear.said() != written.said() {
            return Err(other(0, "its samples are not those that were written"));
        }
        heard = lossy.then(|| meter.finish());
    }
    let digest = digest_of(path, &mut |_| still(0))?;
    if raw_sum.is_some_and(|sum| sum != digest.sha256) {
        return Err(other(0, "its bytes are not those that were written"));
    }
    Ok((digest, heard))
}

/// Of a sample that stands on the grid of 16 bits.
fn whole16(sample: f64) -> i16 {
    (sample * 32_768.0) as i16
}

fn levels(measured: &Measurement) -> Loudness {
    Loudness {
        integrated_lufs: Some(measured.integrated_lufs),
        range_lu: Some(measured.loudness_range_lu),
        max_true_peak_dbtp: Some(measured.true_peak_dbtp),
        max_momentary_lufs: Some(measured.max_momentary_lufs),
        max_short_term_lufs: Some(measured.max_short_term_lufs),
    }
}

/// Finds out before any work is done that an encoding cannot hold this rate. Errors: `Invalid`, `Write`.
pub(super) fn try_out(plan: &OutputPlan, out_dir: &Path) -> Result<(), DspError> {
    if !plan.encoding.float() {
        plan.quantiser()?;
    }
    match plan.files.iter().position(FilePlan::asked) {
        Some(file) => Pressing::begin(file, plan, out_dir).map(drop),
        None => Ok(()),
    }
}

/// So that a folder that cannot be written is told as such.
pub(super) fn make_folder(out_dir: &Path) -> Result<(), DspError> {
    std::fs::create_dir_all(out_dir).map_err(|e: io::Error| DspError::write(out_dir, e))
}
