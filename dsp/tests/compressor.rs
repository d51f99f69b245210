//! The compressor against its laws: curve, times, look-ahead, hold, range, two-speed release, key filter, middle and side, link, make-up; what
//! alternates get; and that the size of blocks and the width of registers change nothing.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test may panic

mod render_kit;

use deadwax_dsp::{
    Block, DspError, lanes,
    processors::{
        Compressor, CompressorStep, Control, Processor, Sensing,
        compressor::{
            Acts, AttackMs, HoldMs, KeyBell, KeyGainDb, KeyHz, KeyQ, KeyTiltDb, KneeDb, Link, LookaheadMs,
            MakeupDb, RangeDb, Ratio, ReleaseMs, RmsMs, SlowReleaseMs, ThresholdDb,
        },
    },
};
use proptest::prelude::*;
use render_kit::{Noise, RATE, song};

fn step(threshold_db: f64, ratio: f64) -> CompressorStep {
    CompressorStep::new(ThresholdDb::new(threshold_db).unwrap(), Ratio::new(ratio).unwrap())
}

/// Peak sensing without a knee: the plainest law there is.
fn plain(threshold_db: f64, ratio: f64) -> CompressorStep {
    CompressorStep { knee_db: KneeDb::at(0.0), sensing: Sensing::Peak, ..step(threshold_db, ratio) }
}

fn ready(step: &CompressorStep, channels: usize) -> Compressor {
    let mut compressor = Compressor::new(step.clone());
    compressor.prepare(RATE, channels).unwrap();
    compressor
}

/// A wave whose every sample has the size `level`: its peak and its mean are known at every frame.
fn square(level_db: f64, frames: usize) -> Vec<f64> {
    let level = 10f64.powf(level_db / 20.0);
    (0..frames).map(|i| if i / 50 % 2 == 0 { level } else { -level }).collect()
}

fn stereo(plane: &[f64]) -> Block {
    Block { channels: vec![plane.to_vec(), plane.to_vec()] }
}

/// The gains of the first plane in decibels.
fn course_db(step: &CompressorStep, input: &Block) -> Vec<f64> {
    let mut control = Control::default();
    ready(step, input.channels.len()).process(&mut input.clone(), &mut control).unwrap();
    control.planes[0].iter().map(|g| 20.0 * g.log10()).collect()
}

fn run(step: &CompressorStep, input: &Block) -> Block {
    let mut out = input.clone();
    ready(step, input.channels.len()).process(&mut out, &mut Control::default()).unwrap();
    out
}

fn worst(a: &Block, b: &Block) -> f64 {
    let pairs = a.channels.iter().flatten().zip(b.channels.iter().flatten());
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// Every setting away from its default, one after the other and all together.
fn settings() -> Vec<CompressorStep> {
    let base =
        CompressorStep { attack_ms: AttackMs::at(3.0), release_ms: ReleaseMs::at(80.0), ..step(-24.0, 4.0) };
    let two_speed = CompressorStep { slow_release_ms: Some(SlowReleaseMs::at(300.0)), ..base.clone() };
    let ahead =
        CompressorStep { lookahead_ms: LookaheadMs::at(4.3), hold_ms: HoldMs::at(7.0), ..two_speed.clone() };
    let key = CompressorStep {
        key_low_cut_hz: Some(KeyHz::at(90.0)),
        key_high_cut_hz: Some(KeyHz::at(9000.0)),
        key_bell: Some(KeyBell { hz: KeyHz::at(2500.0), gain_db: KeyGainDb::at(6.0), q: KeyQ::at(2.0) }),
        key_tilt_db: Some(KeyTiltDb::at(5.0)),
        ..base.clone()
    };
    let peak = CompressorStep { sensing: Sensing::Peak, ratio: Ratio::at(100.0), ..base.clone() };
    let apart = |acts, link| CompressorStep { acts, link: Link::at(link), ..ahead.clone() };
    let all = CompressorStep {
        acts: Acts::MidSide,
        link: Link::at(0.4),
        range_db: Some(RangeDb::at(5.0)),
        auto_makeup: true,
        rms_ms: RmsMs::at(40.0),
        ..key.clone()
    };
    let mut settings = vec![base, two_speed.clone(), ahead.clone(), key, peak, all];
    for acts in [Acts::Channels, Acts::Mid, Acts::Side, Acts::MidSide] {
        settings.extend([0.0, 0.5, 1.0].map(|link| apart(acts, link)));
    }
    settings
}

#[test]
fn steady_levels_get_the_gain_of_the_curve() {
    for sensing in [Sensing::Peak, Sensing::Rms] {
        for (ratio, knee, range) in
            [(2.0, 0.0, None), (4.0, 6.0, None), (100.0, 3.0, None), (8.0, 12.0, Some(5.0))]
        {
            let settings = CompressorStep {
                sensing,
                knee_db: KneeDb::at(knee),
                range_db: range.map(RangeDb::at),
                attack_ms: AttackMs::at(1.0),
                ..step(-20.0, ratio)
            };
            for level_db in (-50..=0).step_by(2).map(f64::from) {
                let gain_db = *course_db(&settings, &stereo(&square(level_db, 22_050))).last().unwrap();
                // The law as it is written, by hand.
                let over = level_db + 20.0;
                let slope = if ratio == 100.0 { -1.0 } else { 1.0 / ratio - 1.0 };
                let law = if over <= -knee / 2.0 {
                    0.0
                } else if over < knee / 2.0 {
                    slope * (over + knee / 2.0).powi(2) / (2.0 * knee)
                } else {
                    slope * over
                };
                let law = law.max(-range.unwrap_or(f64::INFINITY));
                assert!((gain_db - law).abs() < 1e-6, "{sensing:?} {ratio} {level_db}: {gain_db}, law {law}");
                assert!((settings.static_gain_db(level_db) - law).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn attack_and_release_are_time_constants_in_decibels() {
    for (attack_ms, release_ms) in [(5.0, 50.0), (30.0, 200.0), (80.0, 20.0)] {
        let settings = CompressorStep {
            attack_ms: AttackMs::at(attack_ms),
            release_ms: ReleaseMs::at(release_ms),
            ..plain(-20.0, 4.0)
        };
        let mut wave = square(-40.0, 1000);
        wave.extend(square(-4.0, 2 * RATE as usize));
        let loud_ends = wave.len();
        wave.extend(square(-40.0, 2 * RATE as usize));
        let gains = course_db(&settings, &stereo(&wave));
        let frames = |ms: f64| (ms * f64::from(RATE) / 1000.0).round() as usize;
        // 16 dB over the threshold at 4 to 1: down by 12 dB.
        let after_attack = gains[1000 + frames(attack_ms) - 1];
        let share = 1.0 - (-1.0f64).exp();
        assert!((after_attack + 12.0 * share).abs() < 0.02, "{attack_ms} ms: {after_attack}");
        let after_release = gains[loud_ends + frames(release_ms) - 1];
        assert!((after_release + 12.0 * (1.0 - share)).abs() < 0.02, "{release_ms} ms: {after_release}");
        assert!((gains[loud_ends - 1] + 12.0).abs() < 1e-6 && gains.last().unwrap().abs() < 1e-3);
    }
    // No time at all: the very frame.
    let at_once = CompressorStep {
        attack_ms: AttackMs::at(0.0),
        release_ms: ReleaseMs::at(0.0),
        ..plain(-20.0, 100.0)
    };
    let mut wave = square(-30.0, 100);
    wave[40] = 1.0;
    let gains = course_db(&at_once, &stereo(&wave));
    let moved: Vec<usize> = (0..100).filter(|i| gains[*i].abs() > 1e-9).collect();
    assert_eq!(moved, [40]);
    assert!((gains[40] + 20.0).abs() < 1e-9);
}

#[test]
fn the_mean_of_squares_has_its_time() {
    for rms_ms in [1.0, 10.0, 300.0] {
        // Without attack and release the gain shows the mean itself.
        let settings = CompressorStep {
            attack_ms: AttackMs::at(0.0),
            release_ms: ReleaseMs::at(0.0),
            rms_ms: RmsMs::at(rms_ms),
            knee_db: KneeDb::at(0.0),
            ..step(-60.0, 100.0)
        };
        let frames = (rms_ms * f64::from(RATE) / 1000.0).round() as usize;
        let gain_db = course_db(&settings, &stereo(&square(-6.0, frames)))[frames - 1];
        let mean_db = -60.0 - gain_db;
        let law = -6.0 + 10.0 * (1.0 - (-1.0f64).exp()).log10();
        assert!((mean_db - law).abs() < 0.02, "{rms_ms} ms: {mean_db}, law {law}");
    }
}

/// The release law frame by frame, as it is told at the setting.
fn two_speed_by_hand(wanted: &[f64], attack_ms: f64, fast_ms: f64, slow_ms: f64) -> Vec<f64> {
    let pace = |ms: f64| 1.0 - (-1000.0 / (ms * f64::from(RATE))).exp();
    let (mut gain, mut average) = (0.0, 0.0);
    wanted
        .iter()
        .map(|wanted| {
            let release = pace(if gain < average { fast_ms } else { slow_ms });
            gain += (wanted - gain) * if *wanted < gain { pace(attack_ms) } else { release };
            average += (gain - average) * pace(if gain < average { 0.3 * slow_ms } else { 3.0 * slow_ms });
            gain
        })
        .collect()
}

#[test]
fn the_release_follows_the_program() {
    let settings = CompressorStep {
        attack_ms: AttackMs::at(2.0),
        release_ms: ReleaseMs::at(40.0),
        slow_release_ms: Some(SlowReleaseMs::at(800.0)),
        ..plain(-20.0, 4.0)
    };
    let second = RATE as usize;
    let loud_for = |frames: usize| {
        let mut wave = square(-40.0, 1000);
        wave.extend(square(-4.0, frames));
        wave.extend(square(-40.0, 2 * second));
        let gains = course_db(&settings, &stereo(&wave));
        let wanted: Vec<f64> =
            (0..wave.len()).map(|i| if (1000..1000 + frames).contains(&i) { -12.0 } else { 0.0 }).collect();
        let law = two_speed_by_hand(&wanted, 2.0, 40.0, 800.0);
        let off = gains.iter().zip(&law).map(|(g, l)| (g - l).abs()).fold(0.0, f64::max);
        assert!(off < 1e-6, "{off} dB from the law");
        // How long the way to half of the reduction took.
        gains[1000 + frames..].iter().position(|g| *g > -6.0).unwrap() as f64 / f64::from(RATE)
    };
    let (peak_s, long_s) = (loud_for(second / 50), loud_for(4 * second));
    assert!((peak_s - 0.028).abs() < 0.004, "a peak is let go with 40 ms: {peak_s} s");
    assert!(long_s > 0.4, "long reduction is let go slowly: {long_s} s");
}

#[test]
fn the_look_ahead_is_exact_and_the_gain_waits_for_the_peak() {
    for (rate, ms, frames) in [(44_100, 5.0, 221), (48_000, 5.0, 240), (96_000, 50.0, 4800), (44_100, 0.0, 0)]
    {
        let settings = CompressorStep { lookahead_ms: LookaheadMs::at(ms), ..plain(-20.0, 4.0) };
        let mut c = Compressor::new(settings);
        c.prepare(rate, 2).unwrap();
        assert_eq!(c.latency_frames(), frames);
        let mut block = Block::new(2, 6000);
        block.channels[0][7] = 0.01;
        c.process(&mut block, &mut Control::default()).unwrap();
        let heard: Vec<usize> = (0..6000).filter(|i| block.channels[0][*i] != 0.0).collect();
        assert_eq!(heard, [7 + frames]);
    }
    // One loud sample: with an attack much shorter than the look-ahead the gain is down when it comes, and not before the look-ahead begins.
    let settings = CompressorStep {
        lookahead_ms: LookaheadMs::at(10.0),
        attack_ms: AttackMs::at(1.0),
        release_ms: ReleaseMs::at(50.0),
        ..plain(-20.0, 100.0)
    };
    let mut wave = vec![0.0; 4000];
    wave[1000] = 1.0;
    let gains = course_db(&settings, &stereo(&wave));
    assert!(gains[..1000].iter().all(|g| *g == 0.0));
    assert!((gains[1441] + 20.0).abs() < 0.01, "{} dB at the peak", gains[1441]);
    assert!(gains[1442] > gains[1441], "let go right behind it");
    let out = run(&settings, &stereo(&wave));
    assert!((20.0 * out.channels[0][1441].log10() + 20.0).abs() < 0.01);
}

#[test]
fn the_hold_keeps_the_lowest_gain() {
    let settings = CompressorStep {
        hold_ms: HoldMs::at(30.0),
        attack_ms: AttackMs::at(0.0),
        release_ms: ReleaseMs::at(0.0),
        ..plain(-20.0, 2.0)
    };
    let mut wave = vec![0.0; 5000];
    wave[100] = 1.0;
    let gains = course_db(&settings, &stereo(&wave));
    let held: Vec<usize> = (0..5000).filter(|i| gains[*i] < -1e-9).collect();
    assert_eq!((held[0], held.len()), (100, 1 + 1323));
    assert!(held.iter().all(|i| (gains[*i] + 10.0).abs() < 1e-9));
}

#[test]
fn the_range_bounds_every_reduction_and_make_up_adds_what_it_says() {
    let ranged = CompressorStep {
        range_db: Some(RangeDb::at(3.0)),
        makeup_db: MakeupDb::at(1.5),
        ..step(-50.0, 20.0)
    };
    let gains = course_db(&ranged, &song(RATE, 2.0, 0.9));
    let (low, high) = gains.iter().fold((0.0f64, -99.0f64), |(l, h), g| (l.min(*g), h.max(*g)));
    assert!((-1.5 - 1e-9..-1.4).contains(&low) && high <= 1.5 + 1e-9, "{low} to {high}");
    // 20 dB over the threshold at 4 to 1 is 15 dB of reduction at full scale; half of it comes back, and the decibel on top.
    let automatic = CompressorStep { auto_makeup: true, makeup_db: MakeupDb::at(1.0), ..plain(-20.0, 4.0) };
    assert!((automatic.makeup_db() - 8.5).abs() < 1e-12);
    let quiet = course_db(&automatic, &stereo(&square(-30.0, 2000)));
    assert!(quiet.iter().all(|g| (g - 8.5).abs() < 1e-9));
}

#[test]
fn the_key_is_what_its_filter_leaves() {
    let tone = |hz: f64| -> Block {
        stereo(
            &(0..RATE as usize)
                .map(|i| 0.5 * (std::f64::consts::TAU * hz * i as f64 / f64::from(RATE)).sin())
                .collect::<Vec<_>>(),
        )
    };
    let reduction = |settings: &CompressorStep, hz: f64| -course_db(settings, &tone(hz)).last().unwrap();
    let base = CompressorStep { rms_ms: RmsMs::at(100.0), knee_db: KneeDb::at(0.0), ..step(-30.0, 2.0) };
    // At 2 to 1 a decibel of the key is half a decibel of gain.
    let key_db = |settings: &CompressorStep, hz: f64| 2.0 * (reduction(settings, hz) - reduction(&base, hz));
    let low = CompressorStep { key_low_cut_hz: Some(KeyHz::at(200.0)), ..base.clone() };
    assert!((key_db(&low, 200.0) + 3.01).abs() < 0.1 && key_db(&low, 5000.0).abs() < 0.05);
    assert!((key_db(&low, 100.0) + 12.3).abs() < 0.2);
    let high = CompressorStep { key_high_cut_hz: Some(KeyHz::at(2000.0)), ..base.clone() };
    assert!((key_db(&high, 2000.0) + 3.01).abs() < 0.1 && key_db(&high, 100.0).abs() < 0.05);
    let bell = KeyBell { hz: KeyHz::at(3000.0), gain_db: KeyGainDb::at(9.0), q: KeyQ::at(1.0) };
    let bell = CompressorStep { key_bell: Some(bell), ..base.clone() };
    assert!((key_db(&bell, 3000.0) - 9.0).abs() < 0.1 && key_db(&bell, 60.0).abs() < 0.1);
    let tilt = CompressorStep { key_tilt_db: Some(KeyTiltDb::at(8.0)), ..base.clone() };
    assert!(key_db(&tilt, 650.0).abs() < 0.1);
    assert!((key_db(&tilt, 15_000.0) - 4.0).abs() < 0.3 && (key_db(&tilt, 30.0) + 4.0).abs() < 0.3);
    // The sound itself is not filtered: one gain for every frequency.
    let both = run(&low, &tone(50.0));
    assert_eq!(worst(&both, &tone(50.0)), 0.0, "a bass under the cut is left alone to the bit");
}

#[test]
fn middle_and_side_are_worked_on_alone() {
    let mut noise = Noise(3);
    let mut input = Block::new(2, 30_000);
    input.channels.iter_mut().flatten().for_each(|s| *s = 0.7 * noise.next());
    let ms = |b: &Block, sign: f64| -> Vec<f64> {
        b.channels[0].iter().zip(&b.channels[1]).map(|(l, r)| 0.5 * (l + sign * r)).collect()
    };
    let off = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let base = CompressorStep { acts: Acts::Mid, attack_ms: AttackMs::at(2.0), ..step(-30.0, 4.0) };
    for (acts, untouched, worked) in [(Acts::Mid, -1.0, 1.0), (Acts::Side, 1.0, -1.0)] {
        let settings = CompressorStep { acts, ..base.clone() };
        let out = run(&settings, &input);
        assert!(off(&ms(&out, untouched), &ms(&input, untouched)) < 1e-15, "{acts:?}");
        // The part that is worked on is what a mono compressor makes of it.
        let alone = Block { channels: vec![ms(&input, worked)] };
        let mono = run(&CompressorStep { acts: Acts::Channels, ..settings }, &alone);
        assert!(off(&ms(&out, worked), &mono.channels[0]) < 1e-14, "{acts:?}");
    }
    // Both, unlinked, is one after the other.
    let both = CompressorStep { acts: Acts::MidSide, link: Link::at(0.0), ..base.clone() };
    let in_turn = run(&CompressorStep { acts: Acts::Side, ..base.clone() }, &run(&base, &input));
    assert!(worst(&run(&both, &input), &in_turn) < 1e-14);
    // Nothing to make a side of is an error that says so.
    for channels in [1, 3] {
        let told = Compressor::new(base.clone()).prepare(RATE, channels).unwrap_err().to_string();
        assert!(told.contains("needs two channels"), "{told}");
    }
}

#[test]
fn the_link_mixes_each_channels_own_gain_with_the_common_one() {
    let mut input = stereo(&square(-4.0, 30_000));
    input.channels[1].iter_mut().for_each(|s| *s *= 0.1);
    let at = |link: f64| -> Vec<f64> {
        let settings = CompressorStep { link: Link::at(link), ..plain(-20.0, 4.0) };
        let mut control = Control::default();
        ready(&settings, 2).process(&mut input.clone(), &mut control).unwrap();
        control.planes.iter().map(|p| 20.0 * p.last().unwrap().log10()).collect()
    };
    let close = |found: Vec<f64>, law: &[f64]| {
        assert!(
            found.iter().zip(law).all(|(f, l)| (f - l).abs() < 1e-3) && found.len() == law.len(),
            "{found:?}"
        );
    };
    close(at(0.0), &[-12.0, 0.0]);
    close(at(0.25), &[-12.0, -3.0]);
    close(at(1.0), &[-12.0]);
}

#[test]
fn neutral_settings_and_quiet_sound_leave_every_bit() {
    let input = song(RATE, 1.0, 0.9);
    for acts in [Acts::Channels, Acts::Mid, Acts::Side, Acts::MidSide] {
        for link in [0.0, 0.5, 1.0] {
            let one = CompressorStep { acts, link: Link::at(link), ..step(-60.0, 1.0) };
            assert_eq!(run(&one, &input), input, "1 to 1, {acts:?}");
            let deep =
                CompressorStep { range_db: Some(RangeDb::at(0.0)), ratio: Ratio::at(9.0), ..one.clone() };
            assert_eq!(run(&deep, &input), input, "no range, {acts:?}");
            let high = CompressorStep { threshold_db: ThresholdDb::at(0.0), ratio: Ratio::at(9.0), ..one };
            assert_eq!(run(&high, &input), input, "under the threshold, {acts:?}");
        }
    }
}

/// In blocks of `size`: the main through `process`, the others through `follow`, and what was told.
fn in_blocks(settings: &CompressorStep, inputs: &[Block], size: usize) -> (Vec<Block>, Vec<String>) {
    let channels = inputs[0].channels.len();
    let mut steps: Vec<Compressor> = inputs.iter().map(|_| ready(settings, channels)).collect();
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
                assert!(control.planes.iter().all(|p| p.len() == part.frames()), "the frames that go out");
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
    let rest = Block {
        channels: main
            .channels
            .iter()
            .zip(&voice.channels)
            .map(|(m, v)| m.iter().zip(v).map(|(m, v)| m - v).collect())
            .collect(),
    };
    let inputs = [main.clone(), main, voice, rest];
    for settings in settings() {
        let (whole, told) = in_blocks(&settings, &inputs, inputs[0].frames());
        assert_eq!(whole[0], whole[1], "follow of the main is the main: {settings:?}");
        let sum = Block {
            channels: (0..2)
                .map(|c| whole[2].channels[c].iter().zip(&whole[3].channels[c]).map(|(v, r)| v + r).collect())
                .collect(),
        };
        assert!(worst(&whole[0], &sum) < 1e-14, "{} for {settings:?}", worst(&whole[0], &sum));
        for path in lanes::paths() {
            lanes::force(Some(path));
            for size in [1, 37, 256, 4096] {
                assert_eq!(
                    in_blocks(&settings, &inputs, size),
                    (whole.clone(), told.clone()),
                    "{size} {path:?}"
                );
            }
            lanes::force(None);
        }
    }
}

#[test]
fn silence_stays_silence_and_what_was_heard_is_forgotten() {
    for settings in settings() {
        let mut c = ready(&settings, 2);
        let mut silent = Block::new(2, 20_000);
        c.process(&mut silent, &mut Control::default()).unwrap();
        assert!(silent.channels.iter().flatten().all(|s| *s == 0.0));
        let sound = song(RATE, 0.3, 0.9);
        c.reset();
        let (mut fresh, mut again) = (sound.clone(), sound.clone());
        c.process(&mut fresh, &mut Control::default()).unwrap();
        // A whole number of periods of silence, then the same again: the bits of a fresh start.
        let rest = 256 - sound.frames() % 256;
        c.process(&mut Block::new(2, rest + 256 * 6000), &mut Control::default()).unwrap();
        c.process(&mut again, &mut Control::default()).unwrap();
        assert_eq!(fresh, again, "{settings:?}");
    }
}

#[test]
fn what_was_done_is_told_in_figures() {
    let settings =
        CompressorStep { attack_ms: AttackMs::at(1.0), release_ms: ReleaseMs::at(5.0), ..plain(-20.0, 2.0) };
    let mut wave = square(-30.0, 65 * RATE as usize);
    wave.extend(square(-10.0, 65 * RATE as usize));
    let mut c = ready(&settings, 1);
    c.process(&mut Block { channels: vec![wave] }, &mut Control::default()).unwrap();
    assert_eq!(c.told(), ["gain reduction 2.5 dB on average, 5.0 dB at most, at 1:05"]);
    c.reset();
    assert_eq!(c.told(), ["no gain reduction"]);
}

#[test]
fn settings_are_read_in_engineers_units_and_wrong_ones_say_why() {
    let read = |text: &str| toml::from_str::<CompressorStep>(text);
    let short = read("threshold_db = -20\nratio = 3").unwrap();
    assert_eq!(short, step(-20.0, 3.0));
    for settings in settings() {
        assert_eq!(read(&toml::to_string(&settings).unwrap()).unwrap(), settings);
    }
    for (text, why) in [
        ("threshold_db = 3\nratio = 2", "3 is outside -80 to 0 dBFS"),
        ("threshold_db = -20\nratio = 0.5", "0.5 is outside 1 to 100 to 1"),
        ("threshold_db = -20\nratio = 2\nattak_ms = 3", "unknown field `attak_ms`"),
        ("threshold_db = -20\nratio = 2\nacts = \"middle\"", "unknown variant `middle`"),
    ] {
        let told = read(text).unwrap_err().to_string();
        assert!(told.contains(why), "{told}");
    }
    let wrong = |settings: CompressorStep, rate: u32| -> String {
        match Compressor::new(settings).prepare(rate, 2) {
            Err(DspError::Invalid(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    let swapped = CompressorStep { slow_release_ms: Some(SlowReleaseMs::at(100.0)), ..step(-20.0, 2.0) };
    assert!(wrong(swapped, RATE).contains("exchange them"));
    let (low, high) = (Some(KeyHz::at(900.0)), Some(KeyHz::at(300.0)));
    let nothing = CompressorStep { key_low_cut_hz: low, key_high_cut_hz: high, ..step(-20.0, 2.0) };
    assert!(wrong(nothing, RATE).contains("nothing is left of it"));
    let above = CompressorStep { key_high_cut_hz: Some(KeyHz::at(9000.0)), ..step(-20.0, 2.0) };
    assert!(wrong(above, 16_000).contains("not below half the sample rate of 16000 Hz"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_gain_is_never_above_make_up_nor_under_the_range_whatever_comes_in(
        seed in 1u64..u64::MAX,
        threshold in -80.0f64..0.0,
        ratio in 1.0f64..100.0,
        (attack, release, hold, ahead) in (0.0f64..100.0, 0.0f64..500.0, 0.0f64..40.0, 0.0f64..20.0),
        (range, link, size) in (0.0f64..40.0, 0.0f64..=1.0, 1usize..900),
    ) {
        let settings = CompressorStep {
            attack_ms: AttackMs::at(attack),
            release_ms: ReleaseMs::at(release),
            hold_ms: HoldMs::at(hold),
            lookahead_ms: LookaheadMs::at(ahead),
            range_db: Some(RangeDb::at(range)),
            link: Link::at(link),
            ..step(threshold, ratio)
        };
        let mut noise = Noise(seed);
        let mut input = Block::new(2, 3000);
        input.channels.iter_mut().flatten().enumerate().for_each(|(i, s)| *s = noise.next() * if i / 500 % 2 == 0 { 4.0 } else { 1e-4 });
        let mut control = Control::default();
        let mut c = ready(&settings, 2);
        c.process(&mut input.clone(), &mut control).unwrap();
        let least = 10f64.powf(-range / 20.0) * (1.0 - 1e-12);
        prop_assert!(control.planes.iter().flatten().all(|g| *g <= 1.0 && *g >= least));
        let (whole, _) = in_blocks(&settings, &[input.clone()], 3000);
        prop_assert_eq!(in_blocks(&settings, &[input], size).0, whole);
    }
}
