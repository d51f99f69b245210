//! The multiband: bands that sum flat, slopes and edges against their formula, each band's gain against its law, alternates, and that blocks and
//! registers change nothing. Spectra are read by a plain discrete Fourier sum of single frequencies.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test may panic

mod render_kit;

use std::f64::consts::TAU;

use deadwax_dsp::{
    Block, DspError, lanes,
    processors::{
        BandStep, Control, Crossover, Multiband, MultibandStep, Processor, Sensing,
        compressor::{
            AttackMs, HoldMs, KneeDb, Link, LookaheadMs, MakeupDb, RangeDb, Ratio, ReleaseMs, SlowReleaseMs,
            ThresholdDb,
        },
        multiband::EdgeHz,
    },
};
use proptest::prelude::*;
use render_kit::{Noise, RATE, song};

const CROSSOVERS: [Crossover; 2] = [Crossover::LinkwitzRiley, Crossover::LinearPhase];

fn step(edges: &[f64], crossover: Crossover, band: impl Fn(usize) -> BandStep) -> MultibandStep {
    MultibandStep {
        edges_hz: edges.iter().map(|hz| EdgeHz::new(*hz).unwrap()).collect(),
        crossover,
        lookahead_ms: LookaheadMs::at(0.0),
        band: (0..=edges.len()).map(band).collect(),
    }
}

fn working(threshold_db: f64, ratio: f64) -> BandStep {
    BandStep {
        threshold_db: Some(ThresholdDb::new(threshold_db).unwrap()),
        ratio: Ratio::new(ratio).unwrap(),
        attack_ms: AttackMs::at(2.0),
        release_ms: ReleaseMs::at(60.0),
        ..BandStep::default()
    }
}

fn ready(step: &MultibandStep, rate: u32, channels: usize) -> Multiband {
    let mut multiband = Multiband::new(step.clone());
    multiband.prepare(rate, channels).unwrap();
    multiband
}

/// Through the step, without what comes before the first frame; the end is filled with silence.
fn run(step: &MultibandStep, rate: u32, input: &Block) -> Block {
    let mut multiband = ready(step, rate, input.channels.len());
    let late = multiband.latency_frames();
    let mut all = input.clone();
    all.channels.iter_mut().for_each(|c| c.extend(vec![0.0; late]));
    multiband.process(&mut all, &mut Control::default()).unwrap();
    all.channels.iter_mut().for_each(|c| drop(c.drain(..late)));
    all
}

fn impulse(frames: usize, at: usize) -> Block {
    let mut block = Block::new(1, frames);
    block.channels[0][at] = 1.0;
    block
}

/// Real and imaginary part of the spectrum at `hz`.
fn spectrum(samples: &[f64], rate: u32, hz: f64) -> (f64, f64) {
    let w = TAU * hz / f64::from(rate);
    samples.iter().enumerate().fold((0.0, 0.0), |(re, im), (i, x)| {
        let angle = w * i as f64;
        (re + x * angle.cos(), im - x * angle.sin())
    })
}

fn level_db(samples: &[f64], rate: u32, hz: f64) -> f64 {
    let (re, im) = spectrum(samples, rate, hz);
    20.0 * re.hypot(im).log10()
}

fn worst(a: &Block, b: &Block) -> f64 {
    let pairs = a.channels.iter().flatten().zip(b.channels.iter().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn sweep() -> impl Iterator<Item = f64> {
    (0..40).map(|i| 20.0 * (20_000.0f64 / 20.0).powf(f64::from(i) / 39.0))
}

const EDGES: [&[f64]; 6] = [
    &[1000.0],
    &[120.0, 5000.0],
    &[100.0, 800.0, 6000.0],
    &[60.0, 300.0, 1200.0, 7000.0],
    &[40.0, 150.0, 600.0, 2400.0, 9600.0],
    &[500.0, 630.0, 794.0],
];

#[test]
fn linkwitz_riley_bands_sum_flat() {
    for rate in [44_100, 96_000] {
        for edges in EDGES {
            let out = run(
                &step(edges, Crossover::LinkwitzRiley, |_| BandStep::default()),
                rate,
                &impulse(32_768, 100),
            );
            let off = sweep().map(|hz| level_db(&out.channels[0], rate, hz).abs()).fold(0.0, f64::max);
            // The figure asked for is 0.01 dB; rounding and the end of the response leave less than a ten-thousandth of that.
            assert!(off < 1e-6, "{edges:?} at {rate} Hz: {off} dB");
        }
    }
}

#[test]
fn linear_phase_bands_sum_to_the_input_itself() {
    for rate in [44_100, 96_000] {
        let input = song(rate, 0.7, 0.9);
        for edges in EDGES {
            let neutral = step(edges, Crossover::LinearPhase, |b| match b {
                0 => BandStep { bypass: true, makeup_db: MakeupDb::at(5.0), ..BandStep::default() },
                1 => working(-60.0, 1.0),
                _ => BandStep::default(),
            });
            assert_eq!(run(&neutral, rate, &input), input, "{edges:?} at {rate} Hz: null to the bit");
            // One gain for all is that gain.
            let louder = step(edges, Crossover::LinearPhase, |_| BandStep {
                makeup_db: MakeupDb::at(6.0),
                ..BandStep::default()
            });
            let out = run(&louder, rate, &input);
            let twice = Block {
                channels: input
                    .channels
                    .iter()
                    .map(|c| c.iter().map(|x| x * 10f64.powf(0.3)).collect())
                    .collect(),
            };
            assert!(worst(&out, &twice) < 1e-12, "{}", worst(&out, &twice));
        }
    }
}

/// A band is heard alone when its level is moved: the difference is the band times what the gain changed.
fn alone(edges: &[f64], crossover: Crossover, rate: u32, band: usize) -> Vec<f64> {
    let input = impulse(32_768, 4000);
    let moved = step(edges, crossover, |b| BandStep {
        makeup_db: MakeupDb::at(if b == band { 20.0 } else { 0.0 }),
        ..BandStep::default()
    });
    let flat = run(&step(edges, crossover, |_| BandStep::default()), rate, &input);
    let out = run(&moved, rate, &input);
    out.channels[0].iter().zip(&flat.channels[0]).map(|(a, b)| (a - b) / 9.0).collect()
}

#[test]
fn edges_and_slopes_are_those_of_the_formula() {
    let edges = [200.0, 3000.0];
    // Butterworth of second order, squared, with the bilinear transform's bend of the frequencies.
    let bent = |hz: f64, rate: f64| (std::f64::consts::PI * hz / rate).tan();
    let low = |way: f64| 1.0 / (1.0 + way.powi(4));
    for rate in [44_100u32, 96_000] {
        for crossover in CROSSOVERS {
            for band in 0..3 {
                let response = alone(&edges, crossover, rate, band);
                for hz in [50.0, 100.0, 200.0, 400.0, 800.0, 1500.0, 3000.0, 6000.0, 12_000.0] {
                    let [a, b] = edges.map(|edge| match crossover {
                        Crossover::LinkwitzRiley => low(bent(hz, rate.into()) / bent(edge, rate.into())),
                        Crossover::LinearPhase => low(hz / edge),
                    });
                    let law = match (crossover, band) {
                        (_, 0) => a,
                        (Crossover::LinkwitzRiley, 1) => (1.0 - a) * b,
                        (Crossover::LinearPhase, 1) => b - a,
                        (Crossover::LinkwitzRiley, _) => (1.0 - a) * (1.0 - b),
                        (Crossover::LinearPhase, _) => 1.0 - b,
                    };
                    let law_db = 20.0 * law.log10();
                    let found_db = level_db(&response, rate, hz);
                    assert!(
                        (found_db - law_db).abs() < 0.02,
                        "{crossover:?} band {band}, {hz} Hz: {found_db}, law {law_db}"
                    );
                }
            }
            // 6 dB down where they meet, 24 dB an octave behind.
            let first = alone(&edges, crossover, rate, 0);
            assert!((level_db(&first, rate, 200.0) + 6.02).abs() < 0.02);
            let octave = level_db(&first, rate, 800.0) - level_db(&first, rate, 1600.0);
            assert!((octave - 24.0).abs() < 0.3, "{octave} dB");
        }
    }
}

#[test]
fn linear_phase_is_symmetric_and_its_lateness_exact() {
    for lookahead in [0.0, 12.0] {
        for crossover in CROSSOVERS {
            let settings = MultibandStep {
                lookahead_ms: LookaheadMs::at(lookahead),
                ..step(&[150.0, 2000.0], crossover, |b| BandStep {
                    makeup_db: MakeupDb::at(if b == 1 { 6.0 } else { 0.0 }),
                    ..BandStep::default()
                })
            };
            let out = run(&settings, RATE, &impulse(20_000, 10_000));
            let c = &out.channels[0];
            let top = (0..20_000).max_by(|a, b| c[*a].abs().total_cmp(&c[*b].abs())).unwrap();
            match crossover {
                Crossover::LinearPhase => {
                    assert_eq!(top, 10_000);
                    assert!((1..9000).all(|i| (c[10_000 - i] - c[10_000 + i]).abs() < 1e-13));
                }
                Crossover::LinkwitzRiley => {
                    assert!(
                        c[..10_000].iter().all(|x| *x == 0.0) && c[10_000] != 0.0,
                        "nothing before the impulse"
                    );
                }
            }
        }
    }
}

#[test]
fn each_band_gets_the_gain_of_its_law() {
    // A tone in each of three bands, far from the edges: what the other bands have of it is under -58 dB.
    let (edges, tones) = ([200.0, 6000.0], [30.0, 1100.0, 19_000.0]);
    let levels = [-12.0, -9.0, -15.0f64];
    let mut input = Block::new(2, 3 * RATE as usize);
    for (hz, level) in tones.iter().zip(levels) {
        for (i, x) in input.channels[0].iter_mut().enumerate() {
            *x += 10f64.powf(level / 20.0) * (TAU * hz * i as f64 / f64::from(RATE)).sin();
        }
    }
    input.channels[1] = input.channels[0].clone();
    let (thresholds, ratios) = ([-25.0, -24.0, -20.0], [2.0, 4.0, 100.0]);
    for crossover in CROSSOVERS {
        let settings = step(&edges, crossover, |b| BandStep {
            knee_db: KneeDb::at(0.0),
            attack_ms: AttackMs::at(30.0),
            release_ms: ReleaseMs::at(30.0),
            ..working(thresholds[b], ratios[b])
        });
        let out = run(&settings, RATE, &input);
        let second =
            |block: &Block, hz: f64| level_db(&block.channels[1][RATE as usize..2 * RATE as usize], RATE, hz);
        for (b, hz) in tones.iter().enumerate() {
            let slope = if ratios[b] == 100.0 { -1.0 } else { 1.0 / ratios[b] - 1.0 };
            // The mean of a sine is 3.01 dB under its peak.
            let law = slope * (levels[b] - 3.0103 - thresholds[b]);
            let gain = second(&out, *hz) - second(&input, *hz);
            assert!((gain - law).abs() < 0.1, "{crossover:?} {hz} Hz: {gain} dB, law {law}");
        }
    }
}

#[test]
fn the_lines_between_gains_leave_no_sidebands_to_be_heard() {
    // A tone in a band that a bass beat pumps. What the tone has beside the movement's own sidebands comes from the steps of the gain's grid of
    // 5.5 kHz. The same compressor with a gain for every frame is the measure.
    use deadwax_dsp::processors::{Compressor, CompressorStep};
    let n = 2 * RATE as usize;
    let wave: Vec<f64> = (0..n)
        .map(|i| {
            let t = i as f64 / f64::from(RATE);
            0.25 * (TAU * 7000.0 * t).sin() + 0.5 * (TAU * 60.0 * t).sin()
        })
        .collect();
    let input = Block { channels: vec![wave] };
    // One band takes all: the edge is far over the sound, so both hear the same.
    let band = BandStep { sensing: Sensing::Peak, ..working(-20.0, 4.0) };
    let settings =
        step(
            &[20_000.0],
            Crossover::LinearPhase,
            |b| if b == 0 { band.clone() } else { BandStep::default() },
        );
    let out = run(&settings, RATE, &input);
    let every_frame = CompressorStep {
        sensing: Sensing::Peak,
        attack_ms: AttackMs::at(2.0),
        release_ms: ReleaseMs::at(60.0),
        ..CompressorStep::new(ThresholdDb::at(-20.0), Ratio::at(4.0))
    };
    let mut fine = input.clone();
    let mut compressor = Compressor::new(every_frame);
    compressor.prepare(RATE, 1).unwrap();
    compressor.process(&mut fine, &mut Control::default()).unwrap();
    // One second, whole periods of everything that is in it.
    let tone = |block: &Block, hz: f64| {
        level_db(&block.channels[0][RATE as usize - 1000..2 * RATE as usize - 1000], RATE, hz)
    };
    let own = tone(&fine, 7000.0 + 120.0);
    assert!(own > tone(&fine, 7000.0) - 60.0, "the gain moves: {own}");
    let grid = f64::from(RATE) / 8.0;
    for place in [7000.0 + grid, 7000.0 - grid, 2.0 * grid + 7000.0, 2.0 * grid - 7000.0] {
        let near =
            (-3..=3).map(|k| tone(&out, (place + 120.0 * f64::from(k)).round())).fold(f64::MIN, f64::max);
        let under = tone(&out, 7000.0) - near;
        assert!(under > 85.0, "an image at {place} Hz only {under} dB under the tone");
        assert!(own - near > 48.0, "an image at {place} Hz only {} dB under the pumping", own - near);
    }
}

fn settings() -> Vec<MultibandStep> {
    let mut all = Vec::new();
    for crossover in CROSSOVERS {
        all.push(step(&[700.0], crossover, |_| working(-35.0, 3.0)));
        let rich = step(&[120.0, 900.0, 5000.0], crossover, |b| match b {
            0 => BandStep {
                slow_release_ms: Some(SlowReleaseMs::at(400.0)),
                link: Link::at(0.0),
                ..working(-30.0, 4.0)
            },
            1 => BandStep { bypass: true, ..working(-50.0, 9.0) },
            2 => BandStep {
                sensing: Sensing::Peak,
                hold_ms: HoldMs::at(8.0),
                link: Link::at(0.6),
                auto_makeup: true,
                ..working(-40.0, 100.0)
            },
            _ => BandStep {
                makeup_db: MakeupDb::at(-2.0),
                range_db: Some(RangeDb::at(3.0)),
                ..working(-45.0, 2.0)
            },
        });
        all.push(MultibandStep { lookahead_ms: LookaheadMs::at(3.0), ..rich.clone() });
        all.push(rich);
        all.push(step(&[60.0, 200.0, 700.0, 2200.0, 8000.0], crossover, |b| {
            working(-30.0 - 3.0 * b as f64, 2.5)
        }));
    }
    all
}

/// In blocks of `size`: the main through `process`, the others through `follow`, and what was told.
fn in_blocks(settings: &MultibandStep, inputs: &[Block], size: usize) -> (Vec<Block>, Vec<String>) {
    let channels = inputs[0].channels.len();
    let mut steps: Vec<Multiband> = inputs.iter().map(|_| ready(settings, RATE, channels)).collect();
    let mut outs = vec![Block::new(channels, 0); inputs.len()];
    let mut control = Control::default();
    for start in (0..inputs[0].frames()).step_by(size) {
        control.clear();
        for (i, (input, out)) in inputs.iter().zip(&mut outs).enumerate() {
            let end = (start + size).min(input.frames());
            let mut part =
                Block { channels: input.channels.iter().map(|c| c[start..end].to_vec()).collect() };
            if i == 0 {
                steps[i].process(&mut part, &mut control).unwrap();
            } else {
                steps[i].follow(&mut part, &control).unwrap();
            }
            out.channels.iter_mut().zip(part.channels).for_each(|(all, c)| all.extend(c));
        }
    }
    (outs, steps[0].told())
}

#[test]
fn neither_blocks_nor_registers_change_a_bit_and_alternates_are_linear() {
    let main = song(RATE, 0.5, 0.9);
    let mut noise = Noise(77);
    let mut voice = Block::new(2, main.frames());
    voice.channels.iter_mut().flatten().for_each(|s| *s = 0.4 * noise.next());
    let mix = |a: &Block, b: &Block, sign: f64| Block {
        channels: a
            .channels
            .iter()
            .zip(&b.channels)
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + sign * b).collect())
            .collect(),
    };
    let rest = mix(&main, &voice, -1.0);
    let inputs = [main.clone(), main, voice, rest];
    for settings in settings() {
        let (whole, told) = in_blocks(&settings, &inputs, inputs[0].frames());
        assert_eq!(whole[0], whole[1], "follow of the main is the main: {settings:?}");
        assert!(whole[0] != inputs[0]);
        let off = worst(&whole[0], &mix(&whole[2], &whole[3], 1.0));
        assert!(off < 1e-11, "{off} for {settings:?}");
        for path in lanes::paths() {
            lanes::force(Some(path));
            for size in [1, 37, 256, 5000] {
                let again = in_blocks(&settings, &inputs, size);
                assert!(again == (whole.clone(), told.clone()), "blocks of {size}, {path:?}, {settings:?}");
            }
            lanes::force(None);
        }
    }
}

#[test]
fn one_channel_and_five_are_what_two_are() {
    let pair = song(RATE, 0.4, 0.9);
    for settings in settings().into_iter().filter(|s| s.band.iter().all(|b| b.link.get() == 1.0)) {
        let two = run(&settings, RATE, &Block { channels: vec![pair.channels[0].clone(); 2] });
        let one = run(&settings, RATE, &Block { channels: vec![pair.channels[0].clone()] });
        let five = run(&settings, RATE, &Block { channels: vec![pair.channels[0].clone(); 5] });
        for c in &five.channels {
            let off = c.iter().zip(&two.channels[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < 1e-12);
        }
        assert!(worst(&one, &Block { channels: vec![two.channels[0].clone()] }) < 1e-12);
        // A silent channel beside a loud one stays silent.
        let lone = run(
            &settings,
            RATE,
            &Block { channels: vec![pair.channels[0].clone(), vec![0.0; pair.frames()]] },
        );
        assert!(lone.channels[1].iter().all(|x| *x == 0.0), "{settings:?}");
    }
}

#[test]
fn silence_stays_silence_and_a_reset_forgets() {
    for settings in settings() {
        let mut m = ready(&settings, RATE, 2);
        let mut silent = Block::new(2, 30_000);
        m.process(&mut silent, &mut Control::default()).unwrap();
        assert!(silent.channels.iter().flatten().all(|s| *s == 0.0));
        let sound = song(RATE, 0.5, 0.9);
        let (mut fresh, mut again) = (sound.clone(), sound.clone());
        m.reset();
        m.process(&mut fresh, &mut Control::default()).unwrap();
        m.process(&mut sound.clone(), &mut Control::default()).unwrap();
        m.reset();
        m.process(&mut again, &mut Control::default()).unwrap();
        assert_eq!(fresh, again);
        // Tails die away to nothing.
        let mut tail = Block::new(2, 10 * RATE as usize);
        m.process(&mut tail, &mut Control::default()).unwrap();
        assert!(tail.channels.iter().all(|c| *c.last().unwrap() == 0.0), "{settings:?}");
    }
}

#[test]
fn what_was_done_is_told_band_by_band() {
    let mut wave: Vec<f64> = vec![0.0; 3 * RATE as usize];
    wave.extend((0..3 * RATE as usize).map(|i| 0.5 * (TAU * 50.0 * i as f64 / f64::from(RATE)).sin()));
    let settings = step(&[250.0, 2500.0], Crossover::LinkwitzRiley, |b| {
        if b < 2 { working(-20.0, 100.0) } else { BandStep::default() }
    });
    let mut m = ready(&settings, RATE, 1);
    m.process(&mut Block { channels: vec![wave] }, &mut Control::default()).unwrap();
    let told = m.told();
    assert!(
        told[0].starts_with("band 1, up to 250 Hz: gain reduction 5.") && told[0].contains("at most, at 0:0"),
        "{told:?}"
    );
    assert_eq!(told[1..], ["band 2, 250-2500 Hz: no gain reduction", "band 3, from 2500 Hz: not compressed"]);
}

#[test]
fn edges_that_cannot_be_are_refused_in_words() {
    let refused = |edges: &[f64], rate: u32| -> String {
        let settings = step(edges, Crossover::LinkwitzRiley, |_| BandStep::default());
        match Multiband::new(settings).prepare(rate, 2) {
            Err(DspError::Invalid(why)) => why,
            other => panic!("{edges:?}: {other:?}"),
        }
    };
    assert!(refused(&[800.0, 200.0], RATE).contains("the band edges cross: 200 Hz stands after 800 Hz"));
    assert!(refused(&[800.0, 800.0], RATE).contains("cross"));
    assert!(
        refused(&[800.0, 1000.0], RATE).contains("nearer than a third of an octave; move one to 1008 Hz")
    );
    assert!(refused(&[800.0, 5000.0], 8000).contains("5000 Hz is not below half the sample rate of 8000 Hz"));
    assert!(refused(&[4000.0], 8000).contains("not below half"));
    assert!(refused(&[], RATE).contains("2 to 6 bands"));
    assert!(refused(&[50.0, 100.0, 200.0, 400.0, 800.0, 1600.0], RATE).contains("here are 6"));
    let mut short = step(&[500.0], Crossover::LinearPhase, |_| BandStep::default());
    short.band.pop();
    assert!(
        short.check().unwrap_err().to_string().contains("1 band edges make 2 bands, but 1 are described")
    );
    let slow = step(&[500.0], Crossover::LinearPhase, |_| BandStep {
        slow_release_ms: Some(SlowReleaseMs::at(20.0)),
        ..working(-20.0, 2.0)
    });
    assert!(slow.check().unwrap_err().to_string().contains("band 1: the slow release"));
}

#[test]
fn settings_are_read_and_written() {
    let text = "edges_hz = [120, 5000]\ncrossover = \"linear-phase\"\n[[band]]\nthreshold_db = -30\nratio = 3\n[[band]]\nbypass = true\n[[band]]\nmakeup_db = 1.5\n";
    let read: MultibandStep = toml::from_str(text).unwrap();
    assert_eq!(read.crossover, Crossover::LinearPhase);
    assert_eq!(read.band[0].threshold_db.map(ThresholdDb::get), Some(-30.0));
    assert!(read.band[1].compressor().is_none() && read.band[2].compressor().is_none());
    for settings in settings() {
        let text = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<MultibandStep>(&text).unwrap(), settings);
    }
    let told = toml::from_str::<MultibandStep>("edges_hz = [5]\nband = []").unwrap_err().to_string();
    assert!(told.contains("5 is outside 20 to 20000 Hz"), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_edges_sum_flat_or_are_refused(
        edges in prop::collection::vec(20.0f64..20_000.0, 0..7),
        rate in prop::sample::select(vec![22_050u32, 44_100, 192_000]),
        seed in 1u64..u64::MAX,
    ) {
        let mut edges = edges;
        edges.sort_by(f64::total_cmp);
        let settings = step(&edges, Crossover::LinkwitzRiley, |_| BandStep::default());
        let sane = (1..6).contains(&edges.len())
            && edges.windows(2).all(|p| p[1] / p[0] >= 2f64.powf(1.0 / 3.0))
            && edges.iter().all(|hz| *hz < 0.5 * f64::from(rate));
        let mut multiband = Multiband::new(settings.clone());
        prop_assert_eq!(multiband.prepare(rate, 1).is_ok(), sane);
        if sane {
            // An all-pass keeps the energy: of noise followed by enough silence.
            let mut noise = Noise(seed);
            let frames = rate as usize;
            let input = Block { channels: vec![(0..frames).map(|i| if i < 500 { noise.next() } else { 0.0 }).collect()] };
            let energy = |b: &Block| b.channels[0].iter().map(|x| x * x).sum::<f64>();
            let change_db = 10.0 * (energy(&run(&settings, rate, &input)) / energy(&input)).log10();
            prop_assert!(change_db.abs() < 1e-9, "{} dB", change_db);
        }
    }
}
