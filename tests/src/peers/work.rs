//! Our side of every table as a process of its own: `peers work TASK ...`, one song, one thread. Through the public face of deadwax-dsp alone, as any
//! program would call it. Never here: judging.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use deadwax_dsp::{
    Block, Flow, Source,
    dither::Quantiser,
    measure::Meter,
    processors::{Control, Gain, Limiter, Processor, linear},
    recipe::{LimiterRecipe, Recipe},
    render::{self, Alternate, Job, Report, Role},
    report::measure_file,
    resample::Resampler,
    write::{AudioWriter, Encoding},
};

use super::wav::{self, Sound};

const READ_FRAMES: usize = 1 << 14;

/// Does one task, named by the first word.
pub fn run(arguments: &[OsString]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    match words.as_slice() {
        ["measure", input] => measure(Path::new(input)),
        ["report", input] => report(Path::new(input)),
        ["waveform", input, output] => waveform(Path::new(input), Path::new(output)),
        ["ebur128", input] => crate_ebur128(Path::new(input)),
        ["limit", input, output, gain, ceiling] => {
            limit(Path::new(input), Path::new(output), gain.parse()?, ceiling.parse()?)
        }
        ["master", input, output, recipe, alternates @ ..] => {
            let recipe = Recipe::parse(&std::fs::read_to_string(recipe)?)?;
            masters(Path::new(input), Path::new(output), recipe, alternates).map(drop)
        }
        ["resample", input, output, rate] => resample(Path::new(input), Path::new(output), rate.parse()?),
        ["quantise", input, output, bits] => quantise(Path::new(input), Path::new(output), bits.parse()?),
        ["encode", input, output, encoding] => copy(Path::new(input), Path::new(output), encoding.parse()?),
        _ => bail!("no such task: {words:?}"),
    }
}

/// All sound of a file, block by block.
fn each_block(input: &Path, mut take: impl FnMut(&mut Block) -> Result<()>) -> Result<()> {
    let mut source = Source::open(input)?;
    let mut block = Block::default();
    while source.read(&mut block, READ_FRAMES)? > 0 {
        take(&mut block)?;
    }
    Ok(())
}

fn measure(input: &Path) -> Result<()> {
    let spec = Source::open(input)?.spec().clone();
    let mut meter = Meter::new(&spec);
    each_block(input, |block| {
        meter.push(block);
        Ok(())
    })?;
    println!("{}", serde_json::to_string(&meter.finish())?);
    Ok(())
}

/// As the product does it: the digest, all figures, the overview.
fn report(input: &Path) -> Result<()> {
    let (report, _) = measure_file(input, true, &mut |_| Flow::Go)?;
    println!("{}", report.to_json());
    Ok(())
}

fn waveform(input: &Path, output: &Path) -> Result<()> {
    let spec = Source::open(input)?.spec().clone();
    let mut pyramid = deadwax_dsp::waveform::PyramidBuilder::new(&spec);
    each_block(input, |block| {
        pyramid.push(block);
        Ok(())
    })?;
    Ok(pyramid.finish().write_to(output)?)
}

/// The crate of that name behind our decoder, with every figure it has.
fn crate_ebur128(input: &Path) -> Result<()> {
    let spec = Source::open(input)?.spec().clone();
    let mut meter = ebur128::EbuR128::new(spec.channels as u32, spec.sample_rate, ebur128::Mode::all())?;
    let (mut momentary, mut short_term) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    let mut source = Source::open(input)?;
    let mut block = Block::default();
    // Every tenth of a second the window is asked: the crate keeps no greatest value.
    while source.read(&mut block, spec.sample_rate as usize / 10)? > 0 {
        let planes: Vec<&[f64]> = block.channels.iter().map(Vec::as_slice).collect();
        meter.add_frames_planar_f64(&planes)?;
        momentary = momentary.max(meter.loudness_momentary()?);
        short_term = short_term.max(meter.loudness_shortterm()?);
    }
    println!("{} {} {momentary} {short_term}", meter.loudness_global()?, meter.loudness_range()?);
    Ok(())
}

/// Decode, gain, limit, dither, write: no measuring and no search.
fn limit(input: &Path, output: &Path, gain_db: f64, ceiling_dbtp: f64) -> Result<()> {
    let spec = Source::open(input)?.spec().clone();
    let mut gain = Gain::new(gain_db);
    let mut limiter = Limiter::new(LimiterRecipe::default().curve(), linear(ceiling_dbtp));
    gain.prepare(spec.sample_rate, spec.channels)?;
    limiter.prepare(spec.sample_rate, spec.channels)?;
    let mut control = Control::default();
    let mut quantiser = Quantiser::new(spec.channels, 24);
    let mut writer = AudioWriter::create(output, Encoding::Wav24, spec.sample_rate, spec.channels, None)?;
    let mut late = limiter.latency_frames();
    let mut rest = Block::new(spec.channels, late);
    let mut put = |block: &mut Block| -> Result<()> {
        gain.process(block, &mut control)?;
        control.clear();
        limiter.process(block, &mut control)?;
        let cut = late.min(block.frames());
        late -= cut;
        if cut > 0 {
            block.channels.iter_mut().for_each(|plane| drop(plane.drain(..cut)));
        }
        quantiser.process(block);
        Ok(writer.write(block)?)
    };
    each_block(input, &mut put)?;
    put(&mut rest)?;
    writer.finish()?;
    Ok(())
}

/// The product's render of one song to one file, which is moved to `output`.
pub fn master(input: &Path, output: &Path, recipe: Recipe) -> Result<Report> {
    masters(input, output, recipe, &[])
}

/// The same, with parts of the song beside it, whose files are thrown away.
fn masters(input: &Path, output: &Path, recipe: Recipe, parts: &[&str]) -> Result<Report> {
    let out_dir = output.with_extension("render");
    let part = |(i, path): (usize, &&str)| Alternate {
        token: format!("part{i}"),
        path: path.into(),
        role: Role::Part,
    };
    let job = Job {
        alternates: parts.iter().enumerate().map(part).collect(),
        ..Job::new(input.to_owned(), recipe, out_dir, "master".into())
    };
    let report = render::run(&job, &mut |_| Flow::Go)?;
    let main = || report.outputs.iter().filter(|made| made.alternate == "main");
    for made in main() {
        let name = if main().count() == 1 {
            output.to_owned()
        } else {
            PathBuf::from(format!("{}.{}", output.display(), made.encoding))
        };
        std::fs::rename(job.out_dir.join(&made.file), name)?;
    }
    std::fs::remove_dir_all(&job.out_dir).with_context(|| format!("clearing {}", job.out_dir.display()))?;
    Ok(report)
}

/// 24-bit files go through our decoder, dither and writer; 64-bit floats in and out show the filter itself.
fn resample(input: &Path, output: &Path, rate: u32) -> Result<()> {
    let spec = Source::open(input).map(|source| source.spec().clone());
    let exact = spec.as_ref().map_or(true, |spec| spec.bits == Some(64));
    if exact {
        let sound = wav::read(input)?;
        let mut resampler = Resampler::new(sound.channels.len(), sound.rate, rate)?;
        let mut out = Block::new(sound.channels.len(), 0);
        resampler.push(&Block { channels: sound.channels }, &mut out)?;
        resampler.finish(&mut out)?;
        return wav::write_f64(output, &Sound { rate, channels: out.channels });
    }
    let spec = spec?;
    let mut resampler = Resampler::new(spec.channels, spec.sample_rate, rate)?;
    let mut quantiser = Quantiser::new(spec.channels, 24);
    let mut writer = AudioWriter::create(output, Encoding::Wav24, rate, spec.channels, None)?;
    let mut out = Block::new(spec.channels, 0);
    each_block(input, |block| {
        out.clear();
        resampler.push(block, &mut out)?;
        quantiser.process(&mut out);
        Ok(writer.write(&out)?)
    })?;
    out.clear();
    resampler.finish(&mut out)?;
    quantiser.process(&mut out);
    writer.write(&out)?;
    writer.finish()?;
    Ok(())
}

/// From 64-bit floats to whole numbers, with the house's dither.
fn quantise(input: &Path, output: &Path, bits: u32) -> Result<()> {
    let sound = wav::read(input)?;
    let mut block = Block { channels: sound.channels };
    let channels = block.channels.len();
    Quantiser::new(channels, bits).process(&mut block);
    let encoding = if bits == 16 { Encoding::Wav16 } else { Encoding::Wav24 };
    let mut writer = AudioWriter::create(output, encoding, sound.rate, channels, None)?;
    writer.write(&block)?;
    writer.finish()?;
    Ok(())
}

fn copy(input: &Path, output: &Path, encoding: Encoding) -> Result<()> {
    let spec = Source::open(input)?.spec().clone();
    let mut writer = AudioWriter::create(output, encoding, spec.sample_rate, spec.channels, None)?;
    each_block(input, |block| Ok(writer.write(block)?))?;
    writer.finish()?;
    Ok(())
}

/// A file of any kind that we read, as sound in memory.
pub fn decode(input: &Path) -> Result<Sound> {
    let spec = Source::open(input)?.spec().clone();
    let mut channels = vec![Vec::new(); spec.channels];
    each_block(input, |block| {
        channels.iter_mut().zip(&block.channels).for_each(|(all, plane)| all.extend_from_slice(plane));
        Ok(())
    })?;
    Ok(Sound { rate: spec.sample_rate, channels })
}
