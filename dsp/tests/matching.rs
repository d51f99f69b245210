//! The reference match against what is known of its sounds: noise whose equalisation, width and level were set by this test.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

mod render_kit;

use deadwax_dsp::{
    Block, DspError,
    processors::{
        Chain, Control, Match, MatchSettings, Processor,
        biquad::Coefficients,
        cascade::Cascade,
        linear,
        matching::{Amount, BANDS, Curve, Listener, Profile, Reference, Weight, band_hz},
    },
    resample::Phase,
    write::Encoding,
};
use render_kit::{Noise, save};

const RATE: u32 = 44_100;

/// Pink noise (six octave-spaced one-poles), the side 8 dB under the mid.
fn pink(seed: u64, rate: u32, seconds: f64) -> Block {
    let frames = (seconds * f64::from(rate)) as usize;
    let plane = |seed: u64| -> Vec<f64> {
        let mut noise = Noise(seed);
        let mut poles = [0.0f64; 10];
        let next = |_| {
            let white = noise.next();
            let mut sum = 0.0;
            for (i, pole) in poles.iter_mut().enumerate() {
                let hz = 12.0 * 2f64.powi(i as i32);
                let share = 1.0 - (-2.0 * std::f64::consts::PI * hz / f64::from(rate)).exp();
                *pole += share * (white - *pole);
                sum += *pole / (share.sqrt());
            }
            0.01 * sum
        };
        (0..frames).map(next).collect()
    };
    let (mid, side) = (plane(seed), plane(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1));
    let mut block = Block::new(2, frames);
    for i in 0..frames {
        block.channels[0][i] = mid[i] + 0.4 * side[i];
        block.channels[1][i] = mid[i] - 0.4 * side[i];
    }
    block
}

fn filtered(mut block: Block, sections: &[Coefficients]) -> Block {
    Cascade::new(sections, block.channels.len()).run(&mut block.channels);
    block
}

fn scaled(mut block: Block, db: f64) -> Block {
    block.channels.iter_mut().flatten().for_each(|s| *s *= linear(db));
    block
}

/// Mid and side in gains of their own.
fn widened(mut block: Block, side_db: f64) -> Block {
    let [left, right] = block.channels.as_mut_slice() else { panic!("two channels") };
    for (l, r) in left.iter_mut().zip(right) {
        let (mid, side) = (0.5 * (*l + *r), 0.5 * (*l - *r) * linear(side_db));
        (*l, *r) = (mid + side, mid - side);
    }
    block
}

fn profile(block: &Block, rate: u32) -> Profile {
    let mut listener = Listener::new(rate, block.channels.len()).unwrap();
    listener.push(block);
    listener.finish().unwrap()
}

fn settings(aspects: [f64; 3], references: &[(f64, &Profile)]) -> MatchSettings {
    let reference = |(weight, profile): &(f64, &Profile)| Reference {
        weight: Weight::at(*weight),
        profile: Some((*profile).clone()),
        ..Reference::file("reference.wav")
    };
    let [tone, width, loudness] = aspects.map(Amount::at);
    MatchSettings {
        tone,
        width,
        loudness,
        ..MatchSettings::after(references.iter().map(reference).collect())
    }
}

/// A match that has heard the main.
fn heard(settings: &MatchSettings, main: &Block, rate: u32) -> Match {
    let mut step = Match::new(settings.clone());
    step.prepare(rate, main.channels.len()).unwrap();
    step.study(main);
    step.studied().unwrap();
    step
}

fn curve(settings: &MatchSettings, main: &Block) -> Curve {
    heard(settings, main, RATE).curve().unwrap().clone()
}

/// The whole sound through a chain with that step, in blocks of a size, its delay taken off.
fn through(settings: &MatchSettings, main: &Block, rate: u32, block_frames: usize) -> Block {
    let mut chain = Chain::new(vec![Box::new(Match::new(settings.clone()))]);
    chain.prepare(rate, main.channels.len()).unwrap();
    while let Some(mut study) = chain.begin_study() {
        for piece in pieces(main, block_frames) {
            chain.study(&mut study, &mut piece.clone()).unwrap();
        }
        chain.studied(study, main.channels.len()).unwrap();
    }
    let late = chain.latency_frames();
    let mut padded = main.clone();
    padded.channels.iter_mut().for_each(|c| c.resize(c.len() + late, 0.0));
    let mut all = Block::new(main.channels.len(), 0);
    let mut controls: Vec<Control> = Vec::new();
    for mut piece in pieces(&padded, block_frames) {
        chain.process(&mut piece, &mut controls).unwrap();
        all.channels.iter_mut().zip(&piece.channels).for_each(|(to, from)| to.extend_from_slice(from));
    }
    all.channels.iter_mut().for_each(|c| drop(c.drain(..late)));
    all
}

fn pieces(block: &Block, frames: usize) -> impl Iterator<Item = Block> + '_ {
    (0..block.frames()).step_by(frames).map(move |at| {
        let to = (at + frames).min(block.frames());
        Block { channels: block.channels.iter().map(|c| c[at..to].to_vec()).collect() }
    })
}

fn bands(from_hz: f64, to_hz: f64) -> impl Iterator<Item = usize> {
    (0..BANDS).filter(move |b| (from_hz..=to_hz).contains(&band_hz(*b)))
}

#[test]
fn a_sound_matched_to_itself_stays_as_it_is() {
    let main = pink(7, RATE, 8.0);
    let own = profile(&main, RATE);
    for phase in [Phase::Linear, Phase::Minimum] {
        let mut settings = settings([1.0; 3], &[(1.0, &own)]);
        settings.phase = phase;
        let found = curve(&settings, &main);
        for db in found.mid_db.iter().chain(&found.side_db) {
            assert!(db.abs() < 1e-6, "{db}");
        }
        let out = through(&settings, &main, RATE, 4096);
        let worst = main.channels.iter().flatten().zip(out.channels.iter().flatten());
        let worst = worst.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 1e-9, "{phase:?}: {worst}");
    }
}

#[test]
fn a_known_equalisation_is_recovered_from_another_noise() {
    let eq = [
        Coefficients::bell(RATE, 300.0, 4.0, 0.8),
        Coefficients::bell(RATE, 4_000.0, -4.0, 0.8),
        Coefficients::high_shelf(RATE, 9_000.0, 3.0, 0.7),
    ];
    let main = pink(11, RATE, 30.0);
    let reference = filtered(pink(12, RATE, 30.0), &eq);
    let target = profile(&reference, RATE);
    let settings = settings([1.0, 0.0, 0.0], &[(1.0, &target)]);
    let found = curve(&settings, &main);
    let wanted = |band: usize| eq.iter().map(|c| c.response_db(RATE, band_hz(band))).sum::<f64>();
    // Tone is known up to the level, which is an aspect of its own.
    let apart: Vec<f64> = bands(80.0, 12_000.0).map(|b| found.tone_db[b] - wanted(b)).collect();
    let mean = apart.iter().sum::<f64>() / apart.len() as f64;
    let worst = apart.iter().map(|d| (d - mean).abs()).fold(0.0, f64::max);
    assert!(worst < 0.6, "{worst} dB");
    // What comes out has the reference's spectrum, by the same noise through the true equaliser.
    let out = profile(&through(&settings, &main, RATE, 16_384), RATE);
    let ideal = profile(&filtered(main.clone(), &eq), RATE);
    let apart: Vec<f64> = bands(80.0, 12_000.0).map(|b| out.mid_db[b] - ideal.mid_db[b]).collect();
    let mean = apart.iter().sum::<f64>() / apart.len() as f64;
    let worst = apart.iter().map(|d| (d - mean).abs()).fold(0.0, f64::max);
    assert!(worst < 0.6, "{worst} dB in what comes out");
    // And it is as loud as before.
    let before = profile(&main, RATE).loudness_lufs;
    assert!((out.loudness_lufs - before).abs() < 0.15, "{before} {}", out.loudness_lufs);
}

#[test]
fn half_the_amount_is_half_the_way_and_none_is_none() {
    let main = pink(21, RATE, 6.0);
    let other = scaled(
        widened(filtered(pink(22, RATE, 6.0), &[Coefficients::bell(RATE, 800.0, 5.0, 0.7)]), 2.0),
        -4.0,
    );
    let target = profile(&other, RATE);
    let whole = curve(&settings([1.0; 3], &[(1.0, &target)]), &main);
    let half = curve(&settings([0.5; 3], &[(1.0, &target)]), &main);
    assert!((whole.loudness_db - 2.0 * half.loudness_db).abs() < 1e-9);
    let louder = target.loudness_lufs - profile(&main, RATE).loudness_lufs;
    assert!((whole.loudness_db - louder).abs() < 1e-9 && louder < -1.0, "{} {louder}", whole.loudness_db);
    for b in 0..BANDS {
        assert!((whole.tone_db[b] - 2.0 * half.tone_db[b]).abs() < 1e-9);
        assert!((whole.width_db[b] - 2.0 * half.width_db[b]).abs() < 1e-9);
    }
    // Nothing asked for is nothing done: no delay, the same bits.
    let idle = settings([0.0; 3], &[(1.0, &target)]);
    assert_eq!(through(&idle, &main, RATE, 5000), main);
}

#[test]
fn width_is_matched_alone_and_the_bass_is_not_widened() {
    let main = pink(31, RATE, 20.0);
    let wide = profile(&widened(pink(32, RATE, 20.0), 2.5), RATE);
    let found = curve(&settings([0.0, 1.0, 0.0], &[(1.0, &wide)]), &main);
    for b in bands(400.0, 15_000.0) {
        assert!((found.width_db[b] - 2.5).abs() < 0.5, "{} Hz: {}", band_hz(b), found.width_db[b]);
        assert_eq!(found.tone_db[b], 0.0);
        // Mid and side together keep their power.
        let (m, s) = (linear(found.mid_db[b]).powi(2), linear(found.side_db[b]).powi(2));
        let side = 0.16;
        assert!(((m + side * s) / (1.0 + side) - 1.0).abs() < 0.06, "{} Hz", band_hz(b));
    }
    for b in bands(20.0, 150.0) {
        assert!(found.width_db[b] <= 0.0, "{} Hz: {}", band_hz(b), found.width_db[b]);
    }
    let narrow = profile(&widened(pink(32, RATE, 20.0), -12.0), RATE);
    let found = curve(&settings([0.0, 1.0, 0.0], &[(1.0, &narrow)]), &main);
    let bound = bands(200.0, 15_000.0).map(|b| found.width_db[b]).fold(0.0, f64::min);
    assert!((bound + 3.0).abs() < 1e-9, "bounded at 3 dB: {bound}");
}

#[test]
fn gains_stay_within_their_bounds_whatever_the_reference() {
    let main = pink(41, RATE, 6.0);
    let wild = [
        Coefficients::low_shelf(RATE, 60.0, 24.0, 0.7),
        Coefficients::bell(RATE, 1_000.0, -24.0, 0.5),
        Coefficients::high_shelf(RATE, 10_000.0, 24.0, 0.7),
    ];
    let target = profile(&filtered(pink(42, RATE, 6.0), &wild), RATE);
    let mut settings = settings([1.0, 0.0, 0.0], &[(1.0, &target)]);
    settings.max_boost_db = deadwax_dsp::processors::matching::MaxGain::at(4.0);
    let found = curve(&settings, &main);
    for (b, db) in found.tone_db.iter().enumerate() {
        assert!((-6.0..=4.0).contains(db), "{} Hz: {db}", band_hz(b));
        if band_hz(b) < 40.0 || band_hz(b) > 16_000.0 {
            assert!(*db <= 1e-12, "{} Hz: {db}", band_hz(b));
        }
    }
    assert!(found.tone_db.contains(&4.0) && found.tone_db.iter().any(|db| *db == -6.0));
}

#[test]
fn several_references_count_by_their_weights() {
    let main = pink(51, RATE, 6.0);
    let bright =
        profile(&filtered(pink(52, RATE, 6.0), &[Coefficients::high_shelf(RATE, 3_000.0, 4.0, 0.7)]), RATE);
    let dark =
        profile(&filtered(pink(52, RATE, 6.0), &[Coefficients::high_shelf(RATE, 3_000.0, -4.0, 0.7)]), RATE);
    let tilt = |references: &[(f64, &Profile)]| {
        let found = curve(&settings([1.0, 0.0, 0.0], references), &main);
        found.tone_db[bands(9_500.0, 11_000.0).next().unwrap()]
            - found.tone_db[bands(390.0, 500.0).next().unwrap()]
    };
    let (up, down) = (tilt(&[(1.0, &bright)]), tilt(&[(1.0, &dark)]));
    let mixed = tilt(&[(3.0, &bright), (1.0, &dark)]);
    assert!((mixed - (0.75 * up + 0.25 * down)).abs() < 0.1, "{up} {down} {mixed}");
    assert!(up - down > 6.0);
}

#[test]
fn neither_silence_nor_a_fade_is_part_of_a_profile() {
    let sound = pink(61, RATE, 10.0);
    let whole = profile(&sound, RATE);
    let mut long = sound.clone();
    for (c, plane) in long.channels.iter_mut().enumerate() {
        let frames = plane.len();
        let tail: Vec<f64> = (0..frames)
            .map(|i| {
                let dulled =
                    if i > 0 { 0.5 * (sound.channels[c][i] + sound.channels[c][i - 1]) } else { 0.0 };
                dulled * linear(-14.0 - 60.0 * i as f64 / frames as f64)
            })
            .collect();
        plane.extend(tail);
        plane.extend(vec![0.0; 3 * frames]);
    }
    let faded = profile(&long, RATE);
    for b in bands(60.0, 16_000.0) {
        assert!((whole.mid_db[b] - faded.mid_db[b]).abs() < 0.25, "{} Hz", band_hz(b));
    }
    assert!((whole.loudness_lufs - faded.loudness_lufs).abs() < 0.1);
}

#[test]
fn silence_as_a_reference_is_an_error_and_as_a_main_it_stays_silent() {
    let dir = tempfile::tempdir().unwrap();
    let silent = Block::new(2, 100_000);
    let path = save(&dir.path().join("silence.wav"), &silent, RATE, Encoding::Wav24);
    let error = Profile::of_file(&path).unwrap_err().to_string();
    assert!(error.contains("silence.wav is silent") && error.contains("cannot be a reference"), "{error}");
    let target = profile(&pink(1, RATE, 3.0), RATE);
    let settings = settings([1.0; 3], &[(1.0, &target)]);
    assert_eq!(
        through(&settings, &silent, RATE, 4096).channels[0].iter().fold(0.0, |m: f64, s| m.max(s.abs())),
        0.0
    );
    assert!(heard(&settings, &silent, RATE).told()[0].contains("silent"));
    // A file whose reference was not heard is refused before any work.
    let unheard = MatchSettings::after(vec![Reference::file("somewhere.wav")]);
    let error = Match::new(unheard).prepare(RATE, 2).unwrap_err();
    assert!(
        matches!(&error, DspError::Invalid(what) if what.contains("somewhere.wav was not heard")),
        "{error}"
    );
}

#[test]
fn a_file_gives_the_profile_of_its_sound_at_any_rate_and_mono_has_no_side() {
    let dir = tempfile::tempdir().unwrap();
    let path = save(&dir.path().join("a.wav"), &pink(3, RATE, 4.0), RATE, Encoding::Wav32f);
    let of_file = Profile::of_file(&path).unwrap();
    let direct = profile(&pink(3, RATE, 4.0), RATE);
    for b in 0..BANDS {
        assert!((of_file.mid_db[b] - direct.mid_db[b]).abs() <= 0.011);
    }
    let mono = Block { channels: vec![pink(4, RATE, 4.0).channels[0].clone()] };
    let flat = profile(&mono, RATE);
    assert!(flat.side_db.iter().all(|db| *db == deadwax_dsp::processors::matching::NOTHING_DB));
    // A mono main takes the tone of a stereo reference and stays mono; a mono reference narrows within its bounds.
    let out = through(&settings([1.0; 3], &[(1.0, &direct)]), &mono, RATE, 4096);
    assert_eq!(out.channels.len(), 1);
    let found = curve(&settings([0.0, 1.0, 0.0], &[(1.0, &flat)]), &pink(5, RATE, 4.0));
    assert!(bands(200.0, 10_000.0).all(|b| (found.width_db[b] + 3.0).abs() < 1e-9));
    // The same noise at another rate measures alike.
    let faster = profile(&pink(3, 96_000, 4.0), 96_000);
    assert!(faster.mid_db.iter().all(|db| db.is_finite()) && faster.mid_db.len() == BANDS);
}

#[test]
fn the_edge_of_a_lossy_file_is_not_taken_for_a_dull_reference() {
    let main = pink(71, RATE, 8.0);
    // Butterworth's of the 24th order at 15 kHz: 10 dB down a sixth of an octave higher, 50 dB at 18.5 kHz.
    let quality = |k: usize| 0.5 / (std::f64::consts::PI * (2 * k + 1) as f64 / 48.0).cos();
    let cut: Vec<Coefficients> =
        (0..12).map(|k| Coefficients::high_cut(RATE, 15_000.0, quality(k))).collect();
    let target = profile(&filtered(pink(72, RATE, 8.0), &cut), RATE);
    let found = curve(&settings([1.0, 0.0, 0.0], &[(1.0, &target)]), &main);
    for b in bands(16_000.0, 20_000.0) {
        assert!(found.tone_db[b] > -2.0, "{} Hz: {}", band_hz(b), found.tone_db[b]);
    }
    // Without that edge the same noise asks for nothing up there either.
    let whole = curve(&settings([1.0, 0.0, 0.0], &[(1.0, &profile(&pink(72, RATE, 8.0), RATE))]), &main);
    for b in bands(14_000.0, 20_000.0) {
        assert!((found.tone_db[b] - whole.tone_db[b]).abs() < 1.5, "{} Hz", band_hz(b));
    }
}

#[test]
fn both_phases_have_the_same_gains_and_the_minimum_one_comes_earlier() {
    let main = pink(81, RATE, 6.0);
    let target =
        profile(&filtered(pink(82, RATE, 6.0), &[Coefficients::bell(RATE, 1_200.0, 5.0, 0.7)]), RATE);
    let linear_phase = settings([1.0, 1.0, 0.0], &[(1.0, &target)]);
    let minimum = MatchSettings { phase: Phase::Minimum, ..linear_phase.clone() };
    let (a, b) = (through(&linear_phase, &main, RATE, 4096), through(&minimum, &main, RATE, 4096));
    let (a, b) = (profile(&a, RATE), profile(&b, RATE));
    for band in bands(60.0, 16_000.0) {
        assert!((a.mid_db[band] - b.mid_db[band]).abs() < 0.15, "{} Hz", band_hz(band));
        assert!((a.side_db[band] - b.side_db[band]).abs() < 0.15, "{} Hz", band_hz(band));
    }
    let late = |s: &MatchSettings| heard(s, &main, RATE).latency_frames();
    assert!(late(&minimum) < late(&linear_phase));
}

#[test]
fn alternates_get_the_very_filter_so_that_parts_still_sum_and_blocks_change_no_bit() {
    let main = pink(91, RATE, 4.0);
    let part = filtered(main.clone(), &[Coefficients::high_cut(RATE, 900.0, 0.7)]);
    let rest = Block {
        channels: main
            .channels
            .iter()
            .zip(&part.channels)
            .map(|(m, p)| m.iter().zip(p).map(|(m, p)| m - p).collect())
            .collect(),
    };
    let target = profile(
        &widened(filtered(pink(92, RATE, 4.0), &[Coefficients::low_shelf(RATE, 200.0, 5.0, 0.7)]), 2.0),
        RATE,
    );
    let settings = settings([0.8, 0.8, 0.5], &[(1.0, &target)]);
    let step = heard(&settings, &main, RATE);
    let follow = |sound: &Block| {
        let mut step = step.clone();
        step.prepare(RATE, 2).unwrap();
        let mut out = sound.clone();
        step.follow(&mut out, &Control::default()).unwrap();
        out
    };
    let (a, b, whole) = (follow(&part), follow(&rest), follow(&main));
    for c in 0..2 {
        for i in 0..whole.frames() {
            assert!((a.channels[c][i] + b.channels[c][i] - whole.channels[c][i]).abs() < 1e-11);
        }
    }
    assert_eq!(through(&settings, &main, RATE, 16_384), through(&settings, &main, RATE, 777));
}

#[test]
fn a_profile_has_the_levels_of_sines_that_are_known() {
    let sine: Vec<f64> = (0..3 * RATE as usize)
        .map(|i| 0.5 * (2.0 * std::f64::consts::PI * 1_000.0 * i as f64 / f64::from(RATE)).sin())
        .collect();
    let silent = vec![0.0; sine.len()];
    let at = bands(990.0, 1_010.0).next().unwrap();
    // Amplitude 0.5 is 20 log10(0.5) - 3.01 = -9.03 dB as a mean square.
    let both = profile(&Block { channels: vec![sine.clone(), sine.clone()] }, RATE);
    assert!((both.mid_db[at] + 9.03).abs() < 0.05, "{}", both.mid_db[at]);
    assert!(both.side_db.iter().all(|db| *db < -110.0));
    // On one side alone, half of it is mid and half is side.
    let one = profile(&Block { channels: vec![sine, silent] }, RATE);
    assert!((one.mid_db[at] + 15.05).abs() < 0.05 && (one.side_db[at] + 15.05).abs() < 0.05);
    // Two channels of the same are twice the power of one.
    assert!((both.loudness_lufs - one.loudness_lufs - 3.01).abs() < 0.02);
}
