//! `cargo bench -p deadwax-dsp`: every kernel of the core by itself, in nanoseconds a stereo frame, beside what the machine could do at best: its
//! arithmetic or its memory, measured in the same run. Arguments pick kernels by parts of their names. Never here: peers (see `cargo peers`), asserts.

#![allow(clippy::disallowed_methods)] // signals and figures of a benchmark, not sound

use std::{hint::black_box, io::Write as _, time::Instant};

use deadwax_dsp::{
    Block, Source, Spec,
    dither::Quantiser,
    lanes, math,
    measure::Meter,
    processors::{
        Band, BandKind, BandStep, Compressor, CompressorStep, Control, Crossover, Equaliser, Limiter,
        Multiband, MultibandStep, Processor,
        compressor::{Acts, KeyHz, LookaheadMs, MakeupDb, Ratio, SlowReleaseMs, ThresholdDb},
        linear,
        multiband::EdgeHz,
    },
    recipe::LimiterRecipe,
    resample::Resampler,
    true_peak::TruePeak,
    waveform::PyramidBuilder,
    write::{AudioWriter, Encoding},
};

const RATE: u32 = 44_100;
const SECONDS: usize = 20;
/// Of a block, as a render works on it.
const FRAMES: usize = 8192;
/// Each kernel runs so often; the fastest run counts, because everything else is somebody else's work.
const RUNS: usize = 7;

/// What the machine can do at best.
struct Machine {
    /// Products and sums of f64 a nanosecond, without fused ones, in the registers that the loops use.
    flops: f64,
    /// Bytes a nanosecond out of main memory and out of the second cache.
    memory: f64,
    cache: f64,
}

/// The least that a kernel has to do for one stereo frame.
#[derive(Clone, Copy)]
enum Least {
    Flops(f64),
    /// Bytes through main memory: files.
    Memory(f64),
    /// Bytes through the cache: blocks.
    Cache(f64),
}

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let machine = Machine::measure();
    println!(
        "f64 arithmetic {:.1} GFLOP/s, cache {:.1} GB/s, memory {:.1} GB/s, one thread, {:?}\n",
        machine.flops,
        machine.cache,
        machine.memory,
        lanes::paths()
    );
    println!("| kernel | ns a frame | x real time | at best ns | by | share of the best |");
    println!("| --- | --- | --- | --- | --- | --- |");
    let bench = Bench { machine, wanted, music: music() };
    files(&bench);
    meters(&bench);
    processors(&bench);
    conversion(&bench);
    arithmetic(&bench);
}

struct Bench {
    machine: Machine,
    wanted: Vec<String>,
    music: Block,
}

impl Bench {
    /// `work` is made anew for each run by `make` and goes through the whole signal; `frames` is its length.
    fn kernel<S>(
        &self,
        name: &str,
        least: Least,
        frames: usize,
        mut make: impl FnMut() -> S,
        mut work: impl FnMut(&mut S),
    ) {
        if !self.wanted.is_empty() && !self.wanted.iter().any(|word| name.contains(word.as_str())) {
            return;
        }
        let mut best = f64::INFINITY;
        for _ in 0..RUNS {
            let mut state = make();
            let start = Instant::now();
            work(&mut state);
            best = best.min(start.elapsed().as_nanos() as f64);
            black_box(&mut state);
        }
        let (at_best, by) = match least {
            Least::Flops(count) => (count / self.machine.flops, "arithmetic"),
            Least::Memory(bytes) => (bytes / self.machine.memory, "memory"),
            Least::Cache(bytes) => (bytes / self.machine.cache, "cache"),
        };
        let each = best / frames as f64;
        let times = 1e9 / each / f64::from(RATE);
        println!(
            "| {name} | {each:.2} | {times:.0} | {at_best:.2} | {by} | {:.0} % |",
            100.0 * at_best / each
        );
        // Whoever watches sees each line when it is there.
        drop(std::io::stdout().flush());
    }

    /// A kernel that works on the music block by block.
    fn stream<S>(
        &self,
        name: &str,
        least: Least,
        make: impl FnMut() -> S,
        mut work: impl FnMut(&mut S, &mut Block),
    ) {
        let frames = self.music.frames();
        let mut block = Block::new(2, FRAMES);
        self.kernel(name, least, frames, make, |state| {
            for start in (0..frames - FRAMES + 1).step_by(FRAMES) {
                for (to, from) in block.channels.iter_mut().zip(&self.music.channels) {
                    to.copy_from_slice(&from[start..start + FRAMES]);
                }
                work(state, &mut block);
            }
        });
    }
}

/// Sound with beats, chords and noise, and peaks near full scale: what screening and limiting see in music.
fn music() -> Block {
    let mut noise = 0x9E37_79B9_7F4A_7C15u64;
    let mut random = move || {
        noise ^= noise << 13;
        noise ^= noise >> 7;
        noise ^= noise << 17;
        (noise >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    let mut side = |width: f64| -> Vec<f64> {
        (0..SECONDS * RATE as usize / FRAMES * FRAMES)
            .map(|i| {
                let t = i as f64 / f64::from(RATE);
                let beat = (t * 2.0).fract() / 2.0;
                let kick = 0.6 * (-beat / 0.05).exp() * (345.0 * beat).sin();
                let voices: f64 = (1..7)
                    .map(|k| 0.05 * (1382.0 * f64::from(k) * 0.25 * t + width * f64::from(k)).sin())
                    .sum();
                let hat = 0.15 * random() * (-(t * 8.0).fract() * 10.0).exp();
                let whole = ((kick + voices + hat) * 8_388_608.0).round();
                whole / 8_388_608.0
            })
            .collect()
    };
    Block { channels: vec![side(0.0), side(0.4)] }
}

fn spec() -> Spec {
    Spec {
        sample_rate: RATE,
        channels: 2,
        bits: Some(24),
        float: false,
        frames: None,
        container: "wav",
        codec: "pcm",
    }
}

/// Reading and writing files, which lie in the system's cache.
fn files(bench: &Bench) {
    let folder = tempfile::tempdir().expect("a folder for the benchmark's files");
    let frames = bench.music.frames();
    let write = |encoding: Encoding| {
        let path = folder.path().join(format!("bench.{}", encoding.extension()));
        let mut writer = AudioWriter::create(&path, encoding, RATE, 2, None).expect("a new file");
        writer.write(&bench.music).expect("space for a minute of sound");
        writer.finish().expect("space for a minute of sound");
        path
    };
    let read = |path: &std::path::Path| {
        let mut source = Source::open(path).expect("the file just written");
        let mut block = Block::default();
        while source.read(&mut block, FRAMES).expect("the file just written") > 0 {
            black_box(&block);
        }
    };
    let wav = write(Encoding::Wav24);
    bench.kernel("read WAV 24", Least::Memory(6.0 + 6.0), frames, || (), |()| read(&wav));
    let flac = write(Encoding::Flac24);
    bench.kernel("read FLAC 24", Least::Memory(4.0), frames, || (), |()| read(&flac));
    bench.kernel("write WAV 24", Least::Memory(6.0 + 6.0), frames, || (), |()| drop(write(Encoding::Wav24)));
    bench.kernel("write FLAC 24", Least::Memory(4.0), frames, || (), |()| drop(write(Encoding::Flac24)));
}

fn meters(bench: &Bench) {
    // Two filters of nine operations, a square and a sum, two channels.
    bench.stream(
        "meter, all figures",
        Least::Flops(40.0),
        || Meter::new(&spec()),
        |meter, block| meter.push(block),
    );
    // What cannot be left out is one look at each sample.
    let true_peak = || TruePeak::new(2, RATE);
    bench.stream("true peak", Least::Cache(16.0), true_peak, |meter, block| meter.push(block));
    let pyramid = || PyramidBuilder::new(&spec());
    bench.stream("overview", Least::Cache(16.0), pyramid, |pyramid, block| pyramid.push(block));
}

fn processors(bench: &Bench) {
    let step = |name: &str, least: Least, make: &dyn Fn() -> Box<dyn Processor>| {
        let ready = || {
            let mut step = make();
            step.prepare(RATE, 2).expect("a chain for two channels");
            (step, Control::default())
        };
        bench.stream(name, least, ready, |(step, control), block| {
            control.clear();
            step.process(block, control).expect("sound");
        });
    };
    let band = |kind, hz, gain_db| Band { kind, hz, gain_db, q: 0.8 };
    let five = || -> Box<dyn Processor> {
        Box::new(Equaliser::new(vec![
            band(BandKind::LowCut, 28.0, 0.0),
            band(BandKind::Bell, 90.0, 1.5),
            band(BandKind::Bell, 300.0, -1.5),
            band(BandKind::Bell, 3200.0, 1.2),
            band(BandKind::Bell, 12_000.0, 1.8),
        ]))
    };
    step("equaliser, 5 bands", Least::Flops(90.0), &five);
    dynamics(&step);
    let limiter = |ceiling_db: f64| {
        move || -> Box<dyn Processor> {
            Box::new(Limiter::new(LimiterRecipe::default().curve(), linear(ceiling_db)))
        }
    };
    // Sound in, delayed, out.
    step("limiter, idle", Least::Cache(48.0), &limiter(0.0));
    step("limiter, 8 dB into it", Least::Cache(48.0), &limiter(-8.0));
    for bits in [16, 24] {
        let quantiser = || Quantiser::new(2, bits);
        let name = format!("dither to {bits} bits");
        // Two random words of ten operations, a product, two sums, rounding and two limits.
        bench.stream(&name, Least::Flops(32.0), quantiser, |quantiser, block| quantiser.process(block));
    }
}

type Make<'a> = &'a dyn Fn() -> Box<dyn Processor>;

fn dynamics(step: &dyn Fn(&str, Least, Make<'_>)) {
    let plain = CompressorStep {
        makeup_db: MakeupDb::at(1.5),
        key_low_cut_hz: Some(KeyHz::at(90.0)),
        ..CompressorStep::new(ThresholdDb::at(-18.0), Ratio::at(2.0))
    };
    let full = CompressorStep {
        slow_release_ms: Some(SlowReleaseMs::at(800.0)),
        lookahead_ms: LookaheadMs::at(5.0),
        acts: Acts::MidSide,
        ..plain.clone()
    };
    // A key filter, a square, two smoothers, a logarithm and a power of 25 operations each, the gain.
    let each = 18.0 + 4.0 + 6.0 + 50.0 + 2.0;
    step("compressor", Least::Flops(each), &|| Box::new(Compressor::new(plain.clone())));
    step("compressor, all of it", Least::Flops(each + 20.0), &|| Box::new(Compressor::new(full.clone())));
    for bands in [2, 4, 6] {
        for crossover in [Crossover::LinkwitzRiley, Crossover::LinearPhase] {
            let edges = [90.0, 250.0, 800.0, 2500.0, 7000.0];
            let edges = match bands {
                2 => &edges[2..3],
                4 => &edges[1..4],
                _ => &edges[..],
            };
            let band = BandStep { threshold_db: Some(ThresholdDb::at(-30.0)), ..BandStep::default() };
            let multiband = MultibandStep {
                edges_hz: edges.iter().map(|hz| EdgeHz::at(*hz)).collect(),
                crossover,
                lookahead_ms: LookaheadMs::at(0.0),
                band: vec![band; bands],
            };
            // An edge is 20 operations on each channel, an all-pass behind it 8, a band's square and gain 4, its level a share of 80.
            let sections = 40.0 * edges.len() as f64 + 16.0 * (edges.len() as f64 - 1.0);
            let least = Least::Flops(sections + 18.0 * bands as f64);
            let name = format!("multiband, {bands} bands, {crossover:?}");
            step(&name, least, &|| Box::new(Multiband::new(multiband.clone())));
        }
    }
}

fn conversion(bench: &Bench) {
    for (from, to) in [(96_000, 44_100), (44_100, 48_000)] {
        let make = || (Resampler::new(2, from, to).expect("rates of studios"), Block::new(2, 0));
        // Two transforms of 5 N log2 N operations on about twice the frames, both channels at once.
        let flops = 2.0 * 5.0 * 12.0 * (1.0 + f64::from(to) / f64::from(from)) + 12.0;
        bench.stream(
            &format!("resample {from} to {to}"),
            Least::Flops(flops),
            make,
            |(resampler, out), block| {
                out.clear();
                resampler.push(block, out).expect("a block of two channels");
            },
        );
    }
}

fn arithmetic(bench: &Bench) {
    let each = |name: &str, flops: f64, f: fn(&mut [f64])| {
        bench.stream(
            name,
            Least::Flops(2.0 * flops),
            || (),
            |(), block| block.channels.iter_mut().for_each(|c| f(c)),
        );
    };
    each("log2 of each sample", 26.0, |plane| {
        lanes::wide(
            #[inline(always)]
            || plane.iter_mut().for_each(|s| *s = math::log2(s.abs() + 1e-9)),
        );
    });
    each("exp2 of each sample", 32.0, |plane| {
        lanes::wide(
            #[inline(always)]
            || plane.iter_mut().for_each(|s| *s = math::exp2(*s)),
        );
    });
}

impl Machine {
    fn measure() -> Self {
        let big = vec![1.0f64; 32 << 20];
        let small = vec![1.0f64; 32 << 10];
        let memory = bandwidth(&big, 1);
        let cache = bandwidth(&small, 1000);
        Machine { flops: flops(), memory, cache }
    }
}

/// Bytes a nanosecond that can be read and summed.
fn bandwidth(data: &[f64], times: usize) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        for _ in 0..times {
            black_box(lanes::wide(
                #[inline(always)]
                || sum(black_box(data)),
            ));
        }
        best = best.min(start.elapsed().as_nanos() as f64);
    }
    (data.len() * 8 * times) as f64 / best
}

#[inline(always)]
fn sum(data: &[f64]) -> [f64; 16] {
    let mut sums = [0.0; 16];
    for part in data.chunks_exact(16) {
        for (sum, value) in sums.iter_mut().zip(part) {
            *sum += value;
        }
    }
    sums
}

/// Products and sums a nanosecond: sixteen filters of eight taps over a block that stays in the first cache.
fn flops() -> f64 {
    const N: usize = 256;
    let rows: Vec<Vec<f64>> = (0..8).map(|k| vec![f64::from(k) * 1e-9; N]).collect();
    let mut out = vec![0.0f64; N];
    let mut best = f64::INFINITY;
    const TIMES: usize = 20_000;
    for _ in 0..RUNS {
        let start = Instant::now();
        for _ in 0..TIMES {
            lanes::wide(
                #[inline(always)]
                || multiply(&mut out, &rows),
            );
            black_box(&mut out);
        }
        best = best.min(start.elapsed().as_nanos() as f64);
    }
    (16 * N * TIMES) as f64 / best
}

#[inline(always)]
fn multiply(out: &mut [f64], rows: &[Vec<f64>]) {
    let n = out.len();
    let [a, b, c, d, e, f, g, h] = [0, 1, 2, 3, 4, 5, 6, 7].map(|k: usize| &rows[k][..n]);
    for i in 0..n {
        out[i] += 0.5 * a[i]
            + 0.25 * b[i]
            + 0.125 * c[i]
            + 0.3 * d[i]
            + 0.2 * e[i]
            + 0.7 * f[i]
            + 0.9 * g[i]
            + 0.6 * h[i];
    }
}
