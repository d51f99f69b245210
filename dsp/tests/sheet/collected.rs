//! What is gathered for a sheet: levels against a second meter and formulas, gains against what was given, bounds, blocks of any size.

use proptest::prelude::*;

use super::*;

#[test]
fn the_figures_of_a_side_are_those_of_a_second_meter() {
    let block = song(RATE, 20.0, 0.5);
    let side = side_of(&block, RATE, &[4096]);
    let mode = ebur128::Mode::I | ebur128::Mode::S | ebur128::Mode::TRUE_PEAK;
    let mut second = ebur128::EbuR128::new(2, RATE, mode).unwrap();
    let planes: Vec<&[f64]> = block.channels.iter().map(Vec::as_slice).collect();
    let mut readings = Vec::new();
    let step = RATE as usize / 10;
    for at in (0..block.frames()).step_by(step) {
        let end = (at + step).min(block.frames());
        second.add_frames_planar_f64(&[&planes[0][at..end], &planes[1][at..end]]).unwrap();
        readings.push(second.loudness_shortterm().unwrap());
    }
    assert!((side.lufs.unwrap() - second.loudness_global().unwrap()).abs() < 0.02);
    assert!((side.plr_db.unwrap() - (side.true_peak_dbtp.unwrap() - side.lufs.unwrap())).abs() < 1e-9);
    assert_eq!(side.short_term.step_s, 0.1);
    assert_eq!(side.short_term.first_s, 1.5, "the middle of the first window of 3 s");
    assert_eq!(side.short_term.values.len(), 171);
    for (i, value) in side.short_term.values.iter().enumerate() {
        let reading = readings[29 + i];
        assert!((f64::from(*value) - reading).abs() < 0.05, "window {i}: {value} and {reading}");
    }
}

#[test]
fn a_sine_stands_in_its_band_at_its_level() {
    let mut block = Block::new(2, RATE as usize * 4);
    for channel in &mut block.channels {
        for (i, sample) in channel.iter_mut().enumerate() {
            *sample = 0.5 * (TAU * 1000.0 * i as f64 / f64::from(RATE)).sin();
        }
    }
    let side = side_of(&block, RATE, &[10_000]);
    let band = side.spectrum.iter().find(|band| (band.hz - 1000.0).abs() < 0.1).unwrap();
    // A sine of amplitude 1/2: 20 log10(1/2) - 3.01.
    assert!((band.dbfs + 9.03).abs() < 0.02, "{band:?}");
    let others = side.spectrum.iter().filter(|b| (b.hz / 1000.0).log2().abs() > 0.5);
    others.for_each(|b| assert!(b.dbfs < -60.0, "{b:?}"));
    assert_eq!(side.spectrum.len(), 61, "sixth octaves from 20 Hz to 20 kHz");
    assert_eq!(
        side.lufs.map(|l| (l * 10.0).round() / 10.0),
        Some(-6.0),
        "a sine of 1 kHz in both channels reads its peak"
    );
}

#[test]
fn a_track_tells_the_gains_it_was_given() {
    // 40 s: nothing, but 10 s of a dip to a half, and one frame at a quarter.
    let rate = 48_000;
    let mut gains = vec![1.0; 40 * rate];
    gains[10 * rate..20 * rate].fill(0.5);
    gains[15 * rate + 7] = 0.25;
    let mut meter = TrackMeter::new("limiter", rate as u32);
    meter.push(&gains);
    let track = meter.track();
    assert_eq!(track.lowest_db, -12.04);
    assert_eq!(track.lowest_at_s, 15.0);
    assert_eq!(track.highest_db, 0.0);
    assert_eq!(track.active, 0.25);
    // A quarter of the time at -6.02 dB, and one span of 10 ms at -12.04 instead.
    assert!((track.mean_db + 6.0206 / 4.0).abs() < 0.006, "{}", track.mean_db);
    let at = |s: f32| {
        let i = ((s - track.gain_db.first_s) / track.gain_db.step_s).round() as usize;
        track.gain_db.values[i]
    };
    assert_eq!((at(5.0), at(12.0), at(15.0), at(30.0)), (0.0, -6.02, -12.04, 0.0));
}

#[test]
fn gains_that_hold_for_frames_and_planes_are_the_same_track() {
    let each = 32;
    let mut noise = Noise(77);
    let gains: Vec<f64> = (0..20_000).map(|_| 1.0 - 0.3 * noise.next().abs()).collect();
    let (mut held, mut plain, mut planes) =
        (TrackMeter::new("x", RATE), TrackMeter::new("x", RATE), TrackMeter::new("x", RATE));
    held.push_held(&gains, each);
    let every: Vec<f64> = gains.iter().flat_map(|gain| std::iter::repeat_n(*gain, each)).collect();
    plain.push(&every);
    // The other channel never goes as far.
    planes.push_planes(&[every.iter().map(|gain| gain.sqrt()).collect(), every.clone()]);
    assert_eq!(held.track(), plain.track());
    assert_eq!(planes.track(), plain.track());
}

#[test]
fn curves_stay_short_however_long_the_sound_is() {
    let mut meter = TrackMeter::new("limiter", 44_100);
    // Three hours.
    for minute in 0..180 {
        meter.push_held(&[if minute == 100 { 0.5 } else { 1.0 }], 60 * 44_100);
    }
    let track = meter.track();
    assert!((POINTS_MAX / 2..=POINTS_MAX).contains(&track.gain_db.values.len()));
    let end = track.gain_db.first_s + track.gain_db.step_s * (track.gain_db.values.len() as f32 - 0.5);
    assert!((end - 10_800.0).abs() < track.gain_db.step_s, "{end}");
    let mut noise = Noise(5);
    let block = Block { channels: vec![(0..8000 * 700).map(|_| 0.1 * noise.next()).collect()] };
    let side = side_of(&block, 8000, &[1 << 16]);
    assert!(side.short_term.values.len() <= POINTS_MAX && side.short_term.values.len() > POINTS_MAX / 2);
    let flat = side.lufs.unwrap() as f32;
    assert!(side.short_term.values.iter().all(|v| (v - flat).abs() < 0.5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_size_of_the_blocks_changes_nothing(sizes in prop::collection::vec(1usize..30_000, 1..5)) {
        let block = song(RATE, 4.5, 0.4);
        prop_assert_eq!(side_of(&block, RATE, &sizes), side_of(&block, RATE, &[block.frames()]));
        let gains: Vec<f64> = block.channels[0].iter().map(|s| 1.0 - s.abs()).collect();
        let (mut whole, mut parts) = (TrackMeter::new("x", RATE), TrackMeter::new("x", RATE));
        whole.push(&gains);
        let (mut at, mut turn) = (0, 0);
        while at < gains.len() {
            let end = (at + sizes[turn % sizes.len()]).min(gains.len());
            parts.push(&gains[at..end]);
            (at, turn) = (end, turn + 1);
        }
        prop_assert_eq!(parts.track(), whole.track());
    }
}
