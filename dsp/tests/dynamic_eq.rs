//! The dynamic equaliser and the de-esser: held gains against the formula, the law of the gain, alternates, and that neither blocks nor registers
//! are heard.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test may panic

mod render_kit;

use std::f64::consts::PI;

use deadwax_dsp::{
    Block, lanes,
    processors::{
        Control, DeEsser, DeEsserSettings, DynamicBandSettings, DynamicEq, DynamicEqSettings, DynamicKind,
        Listen, Placement, Processor, SibilantBand, When,
        de_esser::{RelativeThreshold, SibilantHz, SibilantRange},
        dynamic_eq::{BandAttack, BandKnee, BandRatio, BandRelease, BandThreshold, DynamicHz},
        eq::{BandGain, BandQ},
    },
};
use render_kit::{Noise, RATE, song};

fn band(hz: f64, threshold_db: f64, range_db: f64) -> DynamicBandSettings {
    DynamicBandSettings::new(
        DynamicHz::new(hz).unwrap(),
        BandThreshold::new(threshold_db).unwrap(),
        BandGain::new(range_db).unwrap(),
    )
}

fn dynamic(bands: Vec<DynamicBandSettings>) -> DynamicEq {
    DynamicEq::new(DynamicEqSettings { bands })
}

fn ready(mut step: impl Processor, channels: usize) -> impl Processor {
    step.prepare(RATE, channels).unwrap();
    step
}

/// What comes out of the main, and the course of it, in blocks of one size.
fn process(step: &mut dyn Processor, input: &Block, block: usize) -> (Block, Vec<Vec<f64>>) {
    let (mut out, mut course) = (Block::new(input.channels.len(), 0), Vec::new());
    for start in (0..input.frames()).step_by(block) {
        let end = (start + block).min(input.frames());
        let mut part = Block { channels: input.channels.iter().map(|c| c[start..end].to_vec()).collect() };
        let mut control = Control::default();
        step.process(&mut part, &mut control).unwrap();
        assert!(control.planes.iter().all(|p| p.len() == end - start));
        course.resize(control.planes.len(), Vec::new());
        course.iter_mut().zip(control.planes).for_each(|(all, p)| all.extend(p));
        out.channels.iter_mut().zip(part.channels).for_each(|(all, c)| all.extend(c));
    }
    (out, course)
}

fn bits(planes: &[Vec<f64>]) -> Vec<u64> {
    planes.iter().flatten().map(|s| s.to_bits()).collect()
}

fn tone(hz: f64, peak_db: f64, seconds: f64) -> Block {
    let n = (seconds * f64::from(RATE)) as usize;
    let peak = 10f64.powf(peak_db / 20.0);
    let wave: Vec<f64> = (0..n).map(|i| peak * (2.0 * PI * hz * i as f64 / f64::from(RATE)).sin()).collect();
    Block { channels: vec![wave.clone(), wave] }
}

fn noise(frames: usize, level: f64) -> Block {
    let mut noise = Noise(4242);
    let mut block = Block::new(2, frames);
    block.channels.iter_mut().flatten().for_each(|s| *s = level * noise.next());
    block
}

fn scaled(block: &Block, by: f64) -> Block {
    Block { channels: block.channels.iter().map(|c| c.iter().map(|s| s * by).collect()).collect() }
}

fn db(gain: f64) -> f64 {
    20.0 * gain.log10()
}

/// Gain of a response in time at one frequency.
fn at_db(response: &[f64], hz: f64) -> f64 {
    let w = 2.0 * PI * hz / f64::from(RATE);
    let (re, im) = response
        .iter()
        .enumerate()
        .fold((0.0, 0.0), |(re, im), (n, x)| (re + x * (w * n as f64).cos(), im - x * (w * n as f64).sin()));
    10.0 * (re * re + im * im).log10()
}

/// The cookbook's analogue curve, by hand.
fn formula_db(kind: DynamicKind, centre: f64, q: f64, gain_db: f64, hz: f64) -> f64 {
    let w = hz / centre;
    let a = 10f64.powf(gain_db / 40.0);
    let size = |re: f64, im: f64| 10.0 * (re * re + im * im).log10();
    match kind {
        DynamicKind::Bell => size(1.0 - w * w, w * a / q) - size(1.0 - w * w, w / (a * q)),
        DynamicKind::LowShelf => {
            20.0 * a.log10() + size(a - w * w, w * a.sqrt() / q) - size(1.0 - a * w * w, w * a.sqrt() / q)
        }
        DynamicKind::HighShelf => {
            20.0 * a.log10() + size(1.0 - a * w * w, w * a.sqrt() / q) - size(a - w * w, w * a.sqrt() / q)
        }
    }
}

#[test]
fn a_held_gain_gives_the_analogue_curve_and_does_not_cramp() {
    for (range_db, stated_db) in [(-6.0, 0.08), (-24.0, 0.3)] {
        let mut worst = 0.0f64;
        for kind in [DynamicKind::Bell, DynamicKind::LowShelf, DynamicKind::HighShelf] {
            for (centre, q) in [(120.0, 0.5), (2500.0, 3.0), (6000.0, 0.8), (9000.0, 1.0), (14_000.0, 4.0)] {
                let q = if kind == DynamicKind::Bell { q } else { 0.7 };
                for share in [-1.0, -0.6, -0.05, 0.3, 1.0] {
                    let gain_db: f64 = share * range_db;
                    let settings =
                        DynamicBandSettings { kind, q: BandQ::at(q), ..band(centre, -20.0, range_db) };
                    let mut step = ready(dynamic(vec![settings]), 1);
                    let mut click = Block::new(1, 1 << 15);
                    click.channels[0][0] = 1.0;
                    let held = Control {
                        planes: vec![vec![10f64.powf(gain_db / 20.0); 1 << 15]],
                        ..Control::default()
                    };
                    step.follow(&mut click, &held).unwrap();
                    for hz in [30.0, 100.0, 500.0, 2500.0, 4000.0, 9000.0, 12_000.0, 15_000.0, 20_000.0] {
                        let (got, wanted) =
                            (at_db(&click.channels[0], hz), formula_db(kind, centre, q, gain_db, hz));
                        let off = (got - wanted).abs();
                        assert!(off < stated_db, "{kind:?} {centre} {q} {gain_db} at {hz}: {got} {wanted}");
                        worst = worst.max(off);
                    }
                }
            }
        }
        println!("range {range_db} dB: {worst:.4} dB off the analogue curve");
    }
}

#[test]
fn a_steady_tone_gets_what_the_law_says() {
    for (range_db, when) in
        [(-12.0, When::Above), (9.0, When::Above), (8.0, When::Below), (-10.0, When::Below)]
    {
        for (ratio, knee_db) in [(2.0, 6.0), (4.0, 0.0), (20.0, 12.0)] {
            let settings = DynamicBandSettings {
                when,
                ratio: BandRatio::at(ratio),
                knee_db: BandKnee::at(knee_db),
                ..band(1000.0, -24.0, range_db)
            };
            for level_db in [-60.0, -30.0, -25.0, -21.0, -16.0, -4.0] {
                // The law, by hand: a full-scale sine is at -3 dB.
                let over = (level_db - 3.0103 + 24.0) * if when == When::Above { 1.0 } else { -1.0 };
                let past = match over {
                    o if 2.0 * o <= -knee_db => 0.0,
                    o if 2.0 * o < knee_db => (o + knee_db / 2.0).powi(2) / (2.0 * knee_db),
                    o => o,
                };
                let wanted = (past * (1.0 - 1.0 / ratio)).min(f64::abs(range_db)) * f64::signum(range_db);
                assert!((settings.static_gain_db(level_db - 3.0103) - wanted).abs() < 1e-9);
                let mut step = ready(dynamic(vec![settings.clone()]), 2);
                let input = tone(1000.0, level_db, 2.0);
                let (out, course) = process(&mut step, &input, 4096);
                let last = db(*course[0].last().unwrap());
                assert!(
                    (last - wanted).abs() < 0.15,
                    "{when:?} {ratio}:1 at {level_db}: {last}, not {wanted}"
                );
                // At the centre of a bell the sound gets what the course says.
                let rms = |b: &Block| b.channels[1][RATE as usize..].iter().map(|s| s * s).sum::<f64>();
                let gain = 10.0 * (rms(&out) / rms(&input)).log10();
                assert!((gain - wanted).abs() < 0.15, "{gain} instead of {wanted}");
            }
        }
    }
}

#[test]
fn a_band_hears_only_itself() {
    let settings = DynamicBandSettings { q: BandQ::at(4.0), ..band(4000.0, -40.0, -12.0) };
    let loud_elsewhere = tone(200.0, -1.0, 1.0);
    let (out, course) = process(&mut ready(dynamic(vec![settings]), 2), &loud_elsewhere, 512);
    // 4.3 octaves below a bell of Q 4 a tone is 38 dB down: at -42 dB, under the knee.
    assert!(course[0].iter().all(|g| *g > 0.8));
    assert!(out.channels[0].iter().zip(&loud_elsewhere.channels[0]).all(|(a, b)| (a - b).abs() < 0.01));
    // On the side, a sound of equal channels is not heard at all.
    let side = DynamicBandSettings { on: Placement::Side, ..band(200.0, -40.0, -12.0) };
    let (out, course) = process(&mut ready(dynamic(vec![side]), 2), &loud_elsewhere, 512);
    assert!(course[0].iter().all(|g| *g == 1.0));
    assert_eq!(bits(&out.channels), bits(&loud_elsewhere.channels));
}

#[test]
fn the_gain_moves_at_the_pace_of_attack_and_release() {
    let settings = DynamicBandSettings {
        attack_ms: BandAttack::at(40.0),
        release_ms: BandRelease::at(200.0),
        ratio: BandRatio::at(20.0),
        ..band(3000.0, -60.0, -10.0)
    };
    let mut input = tone(3000.0, -6.0, 2.0);
    input.channels.iter_mut().for_each(|c| c[RATE as usize..].fill(0.0));
    let (_, course) = process(&mut ready(dynamic(vec![settings]), 2), &input, 777);
    let after = |ms: f64| db(course[0][(ms / 1000.0 * f64::from(RATE)) as usize]);
    // One time constant: all but 1/e of the way; half a millisecond of the mean of squares on top.
    assert!((after(41.0) + 10.0 * (1.0 - (-1f64).exp())).abs() < 0.4, "{}", after(41.0));
    assert!((after(999.0) + 10.0).abs() < 0.01);
    // The mean of squares takes some milliseconds to fall under the threshold.
    assert!((after(1206.0) + 10.0 * (-1f64).exp()).abs() < 0.4, "{}", after(1206.0));
}

#[test]
fn what_is_neutral_or_at_rest_leaves_every_bit() {
    let input = song(RATE, 0.5, 0.9);
    let none = DynamicBandSettings { ratio: BandRatio::at(1.0), ..band(900.0, -40.0, -6.0) };
    let mut steps: Vec<Box<dyn Processor>> = vec![
        Box::new(dynamic(vec![])),
        Box::new(dynamic(vec![band(900.0, -60.0, 0.0), none])),
        // Nothing in the song is so loud.
        Box::new(dynamic(
            [DynamicKind::Bell, DynamicKind::LowShelf, DynamicKind::HighShelf]
                .map(|kind| DynamicBandSettings {
                    kind,
                    knee_db: BandKnee::at(0.0),
                    ..band(5000.0, 0.0, -6.0)
                })
                .to_vec(),
        )),
        Box::new(DeEsser::new(DeEsserSettings { range_db: SibilantRange::at(0.0), ..Default::default() })),
    ];
    for (number, step) in steps.iter_mut().enumerate() {
        step.prepare(RATE, 2).unwrap();
        let (out, _) = process(step.as_mut(), &input, 1000);
        assert_eq!(bits(&out.channels), bits(&input.channels), "step {number}");
    }
    // A voice without sibilants: nothing of it comes near the threshold of the de-esser.
    let vowel = tone(300.0, -12.0, 1.0);
    let (out, _) = process(&mut ready(DeEsser::new(DeEsserSettings::default()), 2), &vowel, 1000);
    assert_eq!(bits(&out.channels), bits(&vowel.channels));
}

fn everything() -> Vec<(&'static str, Box<dyn Processor>)> {
    let moving = |kind, hz, range_db, on| DynamicBandSettings { kind, on, ..band(hz, -36.0, range_db) };
    vec![
        (
            "four bands",
            Box::new(dynamic(vec![
                moving(DynamicKind::LowShelf, 110.0, -6.0, Placement::Stereo),
                moving(DynamicKind::Bell, 440.0, 5.0, Placement::Mid),
                DynamicBandSettings {
                    when: When::Below,
                    ..moving(DynamicKind::Bell, 2500.0, 4.0, Placement::Side)
                },
                moving(DynamicKind::HighShelf, 7000.0, -8.0, Placement::Left),
            ])),
        ),
        ("de-esser", Box::new(DeEsser::new(DeEsserSettings::default()))),
        (
            "de-esser, bell, mid",
            Box::new(DeEsser::new(DeEsserSettings {
                band: SibilantBand::Bell,
                q: Some(BandQ::at(2.0)),
                threshold_db: RelativeThreshold::at(-25.0),
                listen: Listen::Mid,
                on: Placement::Mid,
                ..Default::default()
            })),
        ),
    ]
}

#[test]
fn neither_blocks_nor_registers_change_a_bit() {
    let input = song(RATE, 0.8, 0.9);
    for (name, mut step) in everything() {
        step.prepare(RATE, 2).unwrap();
        let (whole, course) = process(step.as_mut(), &input, input.frames());
        assert!(course.iter().any(|plane| plane.iter().any(|g| *g != 1.0)), "{name} does nothing");
        for path in lanes::paths() {
            lanes::force(Some(path));
            for block in [1, 17, 64, 1000, 4096] {
                step.reset();
                let (parts, part_course) = process(step.as_mut(), &input, block);
                assert_eq!(bits(&parts.channels), bits(&whole.channels), "{name} in {block}, {path:?}");
                assert_eq!(bits(&part_course), bits(&course));
            }
            lanes::force(None);
        }
    }
}

#[test]
fn alternates_get_what_the_main_got_and_sum_to_it() {
    let voice = noise(RATE as usize, 0.3);
    let band = song(RATE, 1.0, 0.6);
    let mut main = band.clone();
    main.channels.iter_mut().flatten().zip(voice.channels.iter().flatten()).for_each(|(m, v)| *m += v);
    for (name, mut step) in everything() {
        step.prepare(RATE, 2).unwrap();
        let mut control = Control::default();
        let mut mastered = main.clone();
        let mut followers = [step.clone_box(), step.clone_box(), step.clone_box()];
        step.process(&mut mastered, &mut control).unwrap();
        let mut alternates = [main.clone(), voice.clone(), band.clone()];
        for (follower, alternate) in followers.iter_mut().zip(&mut alternates) {
            // In blocks of its own.
            let frames = alternate.frames();
            let mut out = Block::new(2, 0);
            for start in (0..frames).step_by(3001) {
                let end = (start + 3001).min(frames);
                let mut part =
                    Block { channels: alternate.channels.iter().map(|c| c[start..end].to_vec()).collect() };
                let held = Control {
                    planes: control.planes.iter().map(|p| p[start..end].to_vec()).collect(),
                    ..Control::default()
                };
                follower.follow(&mut part, &held).unwrap();
                out.channels.iter_mut().zip(part.channels).for_each(|(all, c)| all.extend(c));
            }
            *alternate = out;
        }
        let [same, voice, band] = &alternates;
        assert_eq!(bits(&same.channels), bits(&mastered.channels), "{name}");
        let parts = voice.channels.iter().flatten().zip(band.channels.iter().flatten()).map(|(v, b)| v + b);
        let off =
            parts.zip(mastered.channels.iter().flatten()).map(|(p, m)| (p - m).abs()).fold(0.0, f64::max);
        assert!(off < 1e-13, "{name}: {off}");
    }
}

#[test]
fn the_fastest_and_widest_moves_stay_bounded_and_tails_die_out() {
    let wild = |hz: f64, range_db: f64, kind| DynamicBandSettings {
        kind,
        attack_ms: BandAttack::at(0.5),
        release_ms: BandRelease::at(5.0),
        ratio: BandRatio::at(20.0),
        q: BandQ::at(if kind == DynamicKind::Bell { 8.0 } else { 1.0 }),
        ..band(hz, -30.0, range_db)
    };
    let mut input = noise(RATE as usize, 1.0);
    for c in &mut input.channels {
        c.iter_mut().enumerate().filter(|(i, _)| (i / 700) % 2 == 0).for_each(|(_, s)| *s *= 0.001);
    }
    for kind in [DynamicKind::Bell, DynamicKind::LowShelf, DynamicKind::HighShelf] {
        for (hz, range_db) in [(60.0, 24.0), (60.0, -24.0), (5000.0, 24.0), (15_000.0, -24.0)] {
            let mut step = ready(dynamic(vec![wild(hz, range_db, kind)]), 2);
            let (out, _) = process(&mut step, &input, 512);
            let peak = out.channels.iter().flatten().fold(0.0f64, |m, s| m.max(s.abs()));
            assert!(peak < 40.0, "{kind:?} {hz} {range_db}: {peak}");
            let (tail, course) = process(&mut step, &Block::new(2, RATE as usize * 10), 4096);
            assert!(tail.channels.iter().all(|c| *c.last().unwrap() == 0.0), "{kind:?} {hz} rings for ever");
            assert_eq!(*course[0].last().unwrap(), 1.0);
        }
    }
}

/// A vowel with a sibilant in each second half of a second.
fn speech(seconds: f64) -> Block {
    let mut noise = Noise(31);
    let mut block = Block::new(2, (seconds * f64::from(RATE)) as usize);
    let (mut before, mut bright) = (0.0, 0.0);
    for i in 0..block.frames() {
        let t = i as f64 / f64::from(RATE);
        let white = noise.next();
        // What is high of the noise: differences twice over.
        let edge = white - before;
        (before, bright) = (white, 0.5 * (edge - bright));
        let vowel: f64 =
            (1..20).map(|k| (2.0 * PI * 150.0 * f64::from(k) * t).sin() / f64::from(k * k)).sum();
        let s = if is_sibilant(t) { 0.12 * bright } else { 0.0 };
        let value = 0.25 * vowel * if is_sibilant(t) { 0.1 } else { 1.0 } + s;
        block.channels.iter_mut().for_each(|c| c[i] = value);
    }
    block
}

fn is_sibilant(t: f64) -> bool {
    (0.4..0.5).contains(&(t % 0.5))
}

#[test]
fn the_de_esser_turns_sibilants_down_alike_at_every_level() {
    let spoken = speech(3.0);
    for (listen, band, hz) in
        [(Listen::Both, SibilantBand::Split, 6000.0), (Listen::Mid, SibilantBand::Bell, 11_000.0)]
    {
        let settings = DeEsserSettings {
            listen,
            band,
            hz: SibilantHz::at(hz),
            threshold_db: RelativeThreshold::at(-16.0),
            ..Default::default()
        };
        let mut courses = Vec::new();
        for level_db in [0.0, -20.0, -40.0] {
            let input = scaled(&spoken, 10f64.powf(level_db / 20.0));
            let (_, course) = process(&mut ready(DeEsser::new(settings.clone()), 2), &input, 2048);
            courses.push(course.into_iter().next().unwrap());
        }
        let off = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| db(a / b).abs()).fold(0.0, f64::max);
        let late = RATE as usize / 2;
        assert!(off(&courses[0][late..], &courses[1][late..]) < 0.01);
        assert!(off(&courses[0][late..], &courses[2][late..]) < 0.01);
        // In the middle of a sibilant it works; in the middle of a vowel it rests.
        let at = |s: f64| db(courses[0][(s * f64::from(RATE)) as usize]);
        assert!(at(1.48) < -3.0 && at(2.48) < -3.0, "{listen:?} {band:?}: {} and {}", at(1.48), at(2.48));
        assert!(at(1.3) > -0.05 && at(2.3) > -0.05, "{}", at(1.3));
        assert!(courses[0].iter().all(|g| db(*g) >= -6.0 - 1e-9), "the range is never passed");
    }
}

#[test]
fn the_de_esser_listens_to_the_middle_where_it_is_told_to() {
    // Sibilants on the sides alone: cymbals.
    let mut input = speech(2.0);
    let sides = noise(input.frames(), 0.6);
    for i in 0..input.frames() {
        input.channels[0][i] += sides.channels[0][i];
        input.channels[1][i] -= sides.channels[0][i];
    }
    let lowest = |listen| {
        let settings = DeEsserSettings {
            listen,
            threshold_db: RelativeThreshold::at(-12.0),
            band: SibilantBand::Bell,
            hz: SibilantHz::at(9000.0),
            ..Default::default()
        };
        let (_, course) = process(&mut ready(DeEsser::new(settings), 2), &input, 2048);
        let vowel = (1.3 * f64::from(RATE)) as usize..(1.39 * f64::from(RATE)) as usize;
        course[0][vowel].iter().fold(1.0f64, |m, g| m.min(*g))
    };
    assert!(lowest(Listen::Both) < 0.9);
    assert!(lowest(Listen::Mid) > 0.99, "{}", lowest(Listen::Mid));
}

#[test]
fn the_law_of_the_de_esser() {
    let settings = DeEsserSettings { ratio: BandRatio::at(2.0), ..Default::default() };
    for (relative_db, wanted) in
        [(-30.0, 0.0), (-12.0, 0.0), (-10.0, -0.25), (-4.0, -3.0), (0.0, -5.0), (20.0, -6.0)]
    {
        assert!((settings.static_gain_db(relative_db) - wanted).abs() < 1e-9, "{relative_db}");
    }
    // Noise in the band alone stands as high as the programme: 10 dB over the threshold, 7.5 dB asked for, 6 allowed.
    let mut step = ready(DeEsser::new(DeEsserSettings::default()), 2);
    let (_, course) = process(&mut step, &tone(10_000.0, -30.0, 1.0), 512);
    assert!((db(*course[0].last().unwrap()) + 6.0).abs() < 0.01);
    // Silence, and what is nearly silence, is no programme.
    for level_db in [-400.0, -90.0] {
        let (_, course) = process(
            &mut ready(DeEsser::new(DeEsserSettings::default()), 2),
            &tone(10_000.0, level_db, 0.3),
            512,
        );
        assert!(course[0].iter().all(|g| *g == 1.0));
    }
}

#[test]
fn it_tells_what_it_did_and_where() {
    let mut input = tone(1000.0, -60.0, 70.0);
    let (from, to) = (65 * RATE as usize, 66 * RATE as usize);
    let loud = tone(1000.0, -4.0, 70.0);
    for (c, l) in input.channels.iter_mut().zip(&loud.channels) {
        c[from..to].copy_from_slice(&l[from..to]);
    }
    let bands = vec![
        DynamicBandSettings { ratio: BandRatio::at(20.0), ..band(1000.0, -24.0, -5.0) },
        DynamicBandSettings { on: Placement::Mid, ..band(8000.0, -10.0, -5.0) },
    ];
    let mut step = ready(dynamic(bands), 2);
    process(&mut step, &input, 8192);
    let told = step.told();
    assert!(told[0].starts_with("bell at 1000 Hz: -3."), "{told:?}");
    assert!(told[0].ends_with("% of the time; -5.0 dB at most, at 1:05"), "{told:?}");
    assert_eq!(told[1], "bell at 8000 Hz on the mid: never at work");
    assert_eq!(
        ready(DeEsser::new(DeEsserSettings::default()), 2).told(),
        ["sibilants above 6000 Hz: never at work"]
    );
}

#[test]
fn what_cannot_be_is_said_with_its_limits() {
    let over = dynamic(vec![band(100.0, -20.0, -3.0), band(15_000.0, -20.0, -3.0)]).prepare(32_000, 2);
    let said = over.unwrap_err().to_string();
    assert!(said.contains("band 2 of the dynamic equaliser") && said.contains("14400 Hz at most"), "{said}");
    let mono = DynamicBandSettings { on: Placement::Right, ..band(100.0, -20.0, -3.0) };
    assert!(dynamic(vec![mono]).prepare(RATE, 1).unwrap_err().to_string().contains("1 channel"));
    let split = DeEsserSettings { q: Some(BandQ::at(2.0)), ..Default::default() };
    assert!(split.check().unwrap_err().to_string().contains("no q"));
    assert!(
        DeEsser::new(DeEsserSettings::default())
            .prepare(8000, 1)
            .unwrap_err()
            .to_string()
            .contains("3600 Hz")
    );
    let read = |text: &str| toml::from_str::<DynamicEqSettings>(text).map_err(|e| e.message().to_owned());
    let text = "[[band]]\nhz = 250\nthreshold_db = -30\nrange_db = -4\nwhen = \"below\"\n";
    let settings = read(text).unwrap();
    assert_eq!(settings.bands[0], DynamicBandSettings { when: When::Below, ..band(250.0, -30.0, -4.0) });
    assert_eq!(read(&toml::to_string(&settings).unwrap()).unwrap(), settings);
    assert!(read(&format!("{text}ratio = 0.5")).unwrap_err().contains("0.5 is outside 1 to 20"));
    assert!(read(&format!("{text}q = 0")).unwrap_err().contains("0 is outside 0.1 to 30"));
    let esser: DeEsserSettings = toml::from_str("range_db = 4\nlisten = \"mid\"").unwrap();
    assert_eq!(
        esser,
        DeEsserSettings { range_db: SibilantRange::at(4.0), listen: Listen::Mid, ..Default::default() }
    );
    assert!((esser.static_gain_db(20.0) + 4.0).abs() < 1e-12);
}
