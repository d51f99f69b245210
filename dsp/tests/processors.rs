//! Processors by what they do to sound, and that the size of blocks is never heard.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

mod render_kit;

use std::f64::consts::PI;

use deadwax_dsp::{
    Block, lanes,
    processors::{
        Band, BandKind, Compressor, CompressorSettings, Control, CurveSettings, DcFilter, Equaliser, Gain,
        Limiter, Processor, Sensing, Width,
    },
};
use render_kit::{Noise, RATE, song};

const CURVE: CurveSettings = CurveSettings {
    lookahead_ms: 2.5,
    hold_ms: 10.0,
    fast_release_ms: 30.0,
    slow_release_ms: 100.0,
    link: 1.0,
};

fn squash_settings(sensing: Sensing) -> CompressorSettings {
    CompressorSettings {
        threshold_db: -20.0,
        ratio: 4.0,
        knee_db: 6.0,
        attack_ms: 5.0,
        release_ms: 100.0,
        makeup_db: 0.0,
        sensing,
        key_low_cut_hz: None,
    }
}

fn squash(sensing: Sensing) -> Compressor {
    Compressor::new(squash_settings(sensing))
}

fn every_processor() -> Vec<(&'static str, Box<dyn Processor>)> {
    let bands =
        [BandKind::Bell, BandKind::LowShelf, BandKind::HighShelf, BandKind::LowCut, BandKind::HighCut]
            .map(|kind| Band { kind, hz: 900.0, gain_db: 3.0, q: 0.8 });
    vec![
        ("gain", Box::new(Gain::new(-3.0))),
        ("dc filter", Box::new(DcFilter::new(5.0))),
        ("equaliser", Box::new(Equaliser::new(bands.to_vec()))),
        ("compressor, rms", Box::new(squash(Sensing::Rms))),
        ("compressor, peak", Box::new(squash(Sensing::Peak))),
        (
            "compressor, key cut",
            Box::new(Compressor::new(CompressorSettings {
                key_low_cut_hz: Some(120.0),
                ..squash_settings(Sensing::Rms)
            })),
        ),
        ("width", Box::new(Width::new(1.3, Some(120.0)))),
        ("limiter", Box::new(Limiter::new(CURVE, 0.3))),
    ]
}

fn through(processor: &mut dyn Processor, input: &Block, block: usize) -> Block {
    let mut out = Block::new(input.channels.len(), 0);
    for start in (0..input.frames()).step_by(block) {
        let end = (start + block).min(input.frames());
        let mut part = Block { channels: input.channels.iter().map(|c| c[start..end].to_vec()).collect() };
        processor.process(&mut part, &mut Control::default()).unwrap();
        out.channels.iter_mut().zip(part.channels).for_each(|(all, c)| all.extend(c));
    }
    out
}

fn tone(hz: f64, level: f64, seconds: f64) -> Block {
    let n = (seconds * f64::from(RATE)) as usize;
    let wave: Vec<f64> = (0..n).map(|i| level * (2.0 * PI * hz * i as f64 / f64::from(RATE)).sin()).collect();
    Block { channels: vec![wave.clone(), wave] }
}

fn rms_db(samples: &[f64]) -> f64 {
    10.0 * (samples.iter().map(|s| s * s).sum::<f64>() / samples.len() as f64).log10()
}

fn same_bits(a: &Block, b: &Block) -> bool {
    let same = |(a, b): (&Vec<f64>, &Vec<f64>)| {
        a.len() == b.len() && a.iter().zip(b).all(|(x, y)| x.to_bits() == y.to_bits())
    };
    a.channels.len() == b.channels.len() && a.channels.iter().zip(&b.channels).all(same)
}

#[test]
fn neither_blocks_nor_registers_change_a_bit() {
    let input = song(RATE, 0.6, 0.9);
    for (name, mut processor) in every_processor() {
        processor.prepare(RATE, 2).unwrap();
        let whole = through(processor.as_mut(), &input, input.frames());
        for path in lanes::paths() {
            lanes::force(Some(path));
            for block in [1, 7, 64, 4096] {
                processor.reset();
                let parts = through(processor.as_mut(), &input, block);
                assert!(same_bits(&whole, &parts), "{name} in blocks of {block}, {path:?}");
            }
            lanes::force(None);
        }
    }
}

#[test]
fn after_a_long_silence_nothing_of_the_sound_before_is_left() {
    // What is kept has settled to zero: the next sound comes out with the bits of a fresh start.
    for (name, mut processor) in every_processor() {
        if matches!(name, "limiter" | "chain") {
            continue;
        }
        processor.prepare(RATE, 2).unwrap();
        let input = song(RATE, 0.3, 0.9);
        let fresh = through(processor.as_mut(), &input, 500);
        // The settling points of every step lie 256 frames apart or less.
        let rest = 256 - input.frames() % 256;
        through(processor.as_mut(), &Block::new(2, rest + 256 * 1500), 4096);
        let again = through(processor.as_mut(), &input, 500);
        assert!(same_bits(&fresh, &again), "{name} remembers");
    }
}

/// The cookbook's difference equation as it is written, one section after the other.
fn plain_sections(bands: &[Band], samples: &mut [f64]) {
    for band in bands {
        let c = band.coefficients(RATE);
        let (mut x, mut y) = ([0.0; 2], [0.0; 2]);
        for s in samples.iter_mut() {
            let out = c.b[0] * *s + c.b[1] * x[0] + c.b[2] * x[1] - c.a[0] * y[0] - c.a[1] * y[1];
            (x, y) = ([*s, x[0]], [out, y[0]]);
            *s = out;
        }
    }
}

#[test]
fn any_number_of_bands_and_channels_does_what_the_difference_equation_says() {
    let mut noise = Noise(5);
    let kinds =
        [BandKind::LowCut, BandKind::Bell, BandKind::HighShelf, BandKind::LowShelf, BandKind::HighCut];
    for count in [0usize, 1, 2, 3, 4, 5, 6, 7, 12, 14] {
        let band =
            |n: usize| Band { kind: kinds[n % 5], hz: 40.0 * 1.5f64.powi(n as i32), gain_db: 4.0, q: 0.9 };
        let bands: Vec<Band> = (0..count).map(band).collect();
        for channels in [1, 2, 3, 5, 12] {
            let mut input = Block::new(channels, 3000);
            input.channels.iter_mut().flatten().for_each(|s| *s = 0.4 * noise.next());
            let mut eq = Equaliser::new(bands.clone());
            eq.prepare(RATE, channels).unwrap();
            let out = through(&mut eq, &input, 701);
            for (c, (got, plain)) in out.channels.iter().zip(&mut input.channels).enumerate() {
                plain_sections(&bands, plain);
                let worst = got.iter().zip(plain.iter()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(worst < 1e-10, "{count} bands, channel {c} of {channels}: {worst}");
            }
        }
    }
}

/// The compressor frame by frame, with the system's logarithm and power and a branch for the pace.
fn plain_compressor(settings: &CompressorSettings, input: &Block, key: &Block) -> Block {
    let pace = |ms: f64| if ms <= 0.0 { 1.0 } else { 1.0 - (-1000.0 / (ms * f64::from(RATE))).exp() };
    let mut key = key.clone();
    if let Some(hz) = settings.key_low_cut_hz {
        let cut = [Band { kind: BandKind::LowCut, hz, gain_db: 0.0, q: std::f64::consts::FRAC_1_SQRT_2 }];
        key.channels.iter_mut().for_each(|c| plain_sections(&cut, c));
    }
    let (mut out, mut mean, mut gain) = (input.clone(), 0.0, 0.0);
    for i in 0..input.frames() {
        let heard: Vec<f64> = key.channels.iter().map(|c| c[i]).collect();
        let square = heard.iter().map(|x| x * x).sum::<f64>() / heard.len() as f64;
        mean += (square - mean) * pace(10.0);
        let level = match settings.sensing {
            Sensing::Rms => 10.0 * mean.log10(),
            Sensing::Peak => 20.0 * heard.iter().fold(0.0f64, |p, x| p.max(x.abs())).log10(),
        };
        let wanted = settings.static_gain_db(level.max(-120.0));
        gain += (wanted - gain) * pace(if wanted < gain { settings.attack_ms } else { settings.release_ms });
        out.channels.iter_mut().for_each(|c| c[i] *= 10f64.powf((gain + settings.makeup_db) / 20.0));
    }
    out
}

#[test]
fn the_compressor_is_the_plain_one() {
    let music = song(RATE, 1.5, 0.9);
    let mut other = song(RATE, 1.5, 0.5);
    other.channels.iter_mut().for_each(|c| c.reverse());
    let base = CompressorSettings {
        threshold_db: -20.0,
        ratio: 4.0,
        knee_db: 6.0,
        attack_ms: 5.0,
        release_ms: 100.0,
        makeup_db: 2.0,
        sensing: Sensing::Rms,
        key_low_cut_hz: None,
    };
    for settings in [
        base,
        CompressorSettings { sensing: Sensing::Peak, ..base },
        CompressorSettings { knee_db: 0.0, key_low_cut_hz: Some(90.0), ..base },
        CompressorSettings { attack_ms: 0.0, release_ms: 0.0, sensing: Sensing::Peak, ..base },
        // The pace of the release may be the faster one.
        CompressorSettings { attack_ms: 80.0, release_ms: 10.0, threshold_db: -6.0, ..base },
        CompressorSettings { threshold_db: 0.0, ratio: 1.0, ..base },
    ] {
        for key in [&music, &other] {
            let mut c = Compressor::new(settings);
            c.prepare(RATE, 2).unwrap();
            let (mut out, mut control) = (music.clone(), Control::default());
            c.process(&mut key.clone(), &mut control).unwrap();
            c.follow(&mut out, &control).unwrap();
            let plain = plain_compressor(&settings, &music, key);
            let pairs = out.channels.iter().flatten().zip(plain.channels.iter().flatten());
            let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-9, "{settings:?}: {worst}");
        }
    }
}

#[test]
fn silence_stays_silence_and_tails_die_out() {
    for (name, mut processor) in every_processor() {
        processor.prepare(RATE, 2).unwrap();
        let quiet = through(processor.as_mut(), &Block::new(2, 5000), 512);
        assert!(quiet.channels.iter().flatten().all(|s| *s == 0.0), "{name}");
        through(processor.as_mut(), &tone(100.0, 0.9, 0.2), 512);
        let tail = through(processor.as_mut(), &Block::new(2, RATE as usize * 8), 512);
        assert!(tail.channels.iter().all(|c| *c.last().unwrap() == 0.0), "{name} rings for ever");
    }
}

#[test]
fn the_equaliser_does_to_a_tone_what_its_curve_says() {
    let bands = vec![
        Band { kind: BandKind::Bell, hz: 1000.0, gain_db: 6.0, q: 1.0 },
        Band { kind: BandKind::HighShelf, hz: 8000.0, gain_db: -3.0, q: std::f64::consts::FRAC_1_SQRT_2 },
    ];
    for hz in [100.0, 700.0, 1000.0, 3000.0, 12_000.0] {
        let expected: f64 = bands.iter().map(|b| b.coefficients(RATE).response_db(RATE, hz)).sum();
        let mut eq = Equaliser::new(bands.clone());
        eq.prepare(RATE, 2).unwrap();
        let input = tone(hz, 0.3, 1.0);
        let out = through(&mut eq, &input, 333);
        let half = RATE as usize / 2;
        let gain = rms_db(&out.channels[0][half..]) - rms_db(&input.channels[0][half..]);
        assert!((gain - expected).abs() < 0.01, "{hz} Hz: {gain} instead of {expected}");
    }
}

#[test]
fn the_compressor_follows_its_curve_in_the_long_run() {
    for (sensing, offset) in [(Sensing::Rms, -3.0103), (Sensing::Peak, 0.0)] {
        for level_db in [-40.0, -23.0, -20.0, -17.0, -6.0] {
            let mut c = squash(sensing);
            c.prepare(RATE, 2).unwrap();
            let input = tone(1000.0, 10f64.powf(level_db / 20.0), 2.0);
            let out = through(&mut c, &input, 512);
            let gain =
                rms_db(&out.channels[0][RATE as usize..]) - rms_db(&input.channels[0][RATE as usize..]);
            let settings = squash_settings(sensing);
            let expected = settings.static_gain_db(level_db + offset);
            // Peak sensing sees the zero crossings too and rides a little above the curve between them.
            let room = if sensing == Sensing::Peak { 1.5 } else { 0.1 };
            assert!((gain - expected).abs() < room, "{sensing:?} {level_db}: {gain} instead of {expected}");
        }
    }
}

#[test]
fn both_sides_get_the_same_gain_and_an_alternate_gets_that_of_its_main() {
    let mut input = tone(1000.0, 0.9, 1.0);
    input.channels[1].iter_mut().for_each(|s| *s *= 0.01);
    let mut c = squash(Sensing::Rms);
    c.prepare(RATE, 2).unwrap();
    let out = through(&mut c, &input, 100);
    for i in (20_000..40_000).filter(|i| input.channels[0][*i].abs() > 0.1) {
        let (l, r) = (out.channels[0][i] / input.channels[0][i], out.channels[1][i] / input.channels[1][i]);
        assert!((l - r).abs() < 1e-9);
    }
    // Beside silence nothing is turned down; beside a loud main a soft alternate is.
    let beside = |main: &Block, alternate: &Block| {
        let (mut c, mut control, mut out) = (squash(Sensing::Rms), Control::default(), alternate.clone());
        c.prepare(RATE, 2).unwrap();
        c.process(&mut main.clone(), &mut control).unwrap();
        c.follow(&mut out, &control).unwrap();
        out
    };
    assert_eq!(beside(&Block::new(2, input.frames()), &input), input);
    let soft = beside(&tone(1000.0, 0.9, 1.0), &tone(500.0, 0.001, 1.0));
    assert!(rms_db(&soft.channels[0][30_000..]) < -63.0 - 8.0);
}

#[test]
fn width_leaves_the_middle_and_the_mono_sum() {
    let mut noise = Noise(99);
    let mut input = Block::new(2, 20_000);
    input.channels.iter_mut().flatten().for_each(|s| *s = 0.3 * noise.next());
    for (width, mono) in [(0.0, None), (0.5, None), (2.0, Some(150.0)), (1.0, None)] {
        let mut w = Width::new(width, mono);
        w.prepare(RATE, 2).unwrap();
        let out = through(&mut w, &input, 77);
        for i in 0..input.frames() {
            let (a, b) =
                (input.channels[0][i] + input.channels[1][i], out.channels[0][i] + out.channels[1][i]);
            assert!((a - b).abs() < 1e-12);
            let (s, t) =
                (input.channels[0][i] - input.channels[1][i], out.channels[0][i] - out.channels[1][i]);
            assert!(mono.is_some() || (s * width - t).abs() < 1e-12);
        }
    }
    let mut bass = Width::new(1.0, Some(150.0));
    bass.prepare(RATE, 2).unwrap();
    let mut sides = tone(40.0, 0.5, 1.0);
    sides.channels[1].iter_mut().for_each(|s| *s = -*s);
    let out = through(&mut bass, &sides, 1000);
    assert!(rms_db(&out.channels[0][22_050..]) < rms_db(&sides.channels[0]) - 40.0, "no side under 150 Hz");
    let mut mono = Width::new(0.0, None);
    mono.prepare(RATE, 1).unwrap();
    let one = Block { channels: vec![vec![0.5; 100]] };
    assert_eq!(through(&mut mono, &one, 10), one, "mono passes untouched");
}

#[test]
fn the_dc_filter_takes_the_offset_and_leaves_the_bass() {
    let mut input = tone(30.0, 0.4, 3.0);
    input.channels.iter_mut().flatten().for_each(|s| *s += 0.1);
    let mut dc = DcFilter::new(3.0);
    dc.prepare(RATE, 2).unwrap();
    let out = through(&mut dc, &input, 512);
    let end = &out.channels[0][RATE as usize * 2..];
    assert!((end.iter().sum::<f64>() / end.len() as f64).abs() < 1e-4);
    assert!((rms_db(end) - rms_db(&tone(30.0, 0.4, 1.0).channels[0])).abs() < 0.06);
}
