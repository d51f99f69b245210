//! The meter on sounds that are hard to measure, against a filter written the slow way, and against a second meter that shares no code with it.
//! The signals of the EBU stand in `conformance`.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use std::f64::consts::TAU;

use deadwax_dsp::lanes;
use deadwax_dsp::measure::{Loudness, Measurement, Meter, WeightedEnergy, channel_weights};
use deadwax_dsp::{Block, Spec};
use proptest::prelude::*;

const RATE: u32 = 48_000;

fn spec(rate: u32, channels: usize) -> Spec {
    Spec {
        sample_rate: rate,
        channels,
        bits: Some(24),
        float: false,
        frames: None,
        container: "wav",
        codec: "pcm",
    }
}

fn measure(rate: u32, planes: Vec<Vec<f64>>) -> Measurement {
    let mut meter = Meter::new(&spec(rate, planes.len()));
    let frames = planes[0].len();
    // An odd block, so that no step ends with a block.
    for at in (0..frames).step_by(7919) {
        let end = (at + 7919).min(frames);
        meter.push(&Block { channels: planes.iter().map(|plane| plane[at..end].to_vec()).collect() });
    }
    meter.finish()
}

/// 1 kHz in phase, in stretches of (seconds, dBFS).
fn tones(rate: u32, stretches: &[(f64, f64)]) -> Vec<f64> {
    let mut tone = Vec::new();
    for (seconds, level_dbfs) in stretches {
        let peak = 10f64.powf(level_dbfs / 20.0);
        for _ in 0..(seconds * f64::from(rate)).round() as usize {
            tone.push(peak * (TAU * 1000.0 * tone.len() as f64 / f64::from(rate)).sin());
        }
    }
    tone
}

fn stereo(rate: u32, stretches: &[(f64, f64)]) -> Measurement {
    let tone = tones(rate, stretches);
    measure(rate, vec![tone.clone(), tone])
}

#[track_caller]
fn close(value: f64, wanted: f64, within: f64) {
    assert!((value - wanted).abs() <= within, "{value} is not {wanted} within {within}");
}

#[test]
fn silence_and_short_files_have_levels_that_are_defined() {
    let silent = measure(RATE, vec![vec![0.0; 48_000 * 4]; 2]);
    for level in
        [silent.integrated_lufs, silent.max_momentary_lufs, silent.true_peak_dbtp, silent.sample_peak_dbfs]
    {
        assert_eq!(level, f64::NEG_INFINITY);
    }
    assert_eq!((silent.loudness_range_lu, silent.correlation, silent.dual_mono), (0.0, 0.0, false));
    assert_eq!((silent.head_silence_s, silent.tail_silence_s), (4.0, 4.0));
    let short = stereo(RATE, &[(0.399, -20.0)]);
    assert_eq!(short.integrated_lufs, f64::NEG_INFINITY);
    let two_seconds = stereo(RATE, &[(2.0, -20.0)]);
    close(two_seconds.integrated_lufs, -20.0, 0.1);
    assert_eq!((two_seconds.max_short_term_lufs, two_seconds.loudness_range_lu), (f64::NEG_INFINITY, 0.0));
}

#[test]
fn dc_correlation_silence_and_clips() {
    let wave: Vec<f64> = (0..48_000).map(|n| (TAU * 100.0 * f64::from(n) / 48_000.0).sin() * 0.5).collect();
    let shifted: Vec<f64> = wave.iter().map(|s| 0.1 - s).collect();
    let read = measure(RATE, vec![wave.clone(), shifted]);
    close(read.dc_offset, 0.1, 1e-9);
    assert!(read.correlation < -0.9 && !read.dual_mono);
    assert!(measure(RATE, vec![wave.clone(), wave.clone()]).dual_mono);
    let mut padded = vec![0.0; 24_000];
    padded.extend(vec![0.5; 10]);
    padded.extend(vec![0.0; 12_000]);
    let read = measure(RATE, vec![padded]);
    assert_eq!((read.head_silence_s, read.tail_silence_s), (0.5, 0.25));
    let clipped = [1.0, 1.0, 0.0, -1.0, -1.0, -1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    assert_eq!(measure(RATE, vec![clipped.to_vec()]).clipped_samples, 7);
}

#[test]
fn float_over_full_scale_is_clipped_only_where_it_is_flat() {
    let of = Spec { float: true, bits: Some(32), ..spec(RATE, 1) };
    let clipped = |wave: &[f64]| {
        let mut meter = Meter::new(&of);
        meter.push(&Block { channels: vec![wave.to_vec()] });
        meter.finish().clipped_samples
    };
    let round: Vec<f64> = (0..480).map(|n| (TAU * f64::from(n) / 480.0).sin() * 2.0).collect();
    assert_eq!(clipped(&round), 0);
    let flat: Vec<f64> = round.iter().map(|s| s.clamp(-1.0, 1.0)).collect();
    let over = flat.iter().filter(|s| s.abs() == 1.0).count() as u64;
    assert_eq!(clipped(&flat), over);
    let louder: Vec<f64> = flat.iter().map(|s| s * 1.5).collect();
    assert_eq!(clipped(&louder), over);
}

/// Noise whose loudness moves like that of music.
fn music(seed: u64, seconds: usize) -> Vec<f64> {
    let mut state = seed | 1;
    let mut held = 0.0;
    (0..seconds * 48_000)
        .map(|n| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let white = (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
            held += 0.1 * (white - held);
            let swell = 0.55 + 0.45 * (TAU * n as f64 / 48_000.0 / 7.3).sin();
            held * swell
        })
        .collect()
}

/// The filters of BS.1770-5 Annex 1 at 48 kHz, from the standard's tables, one sample after the other.
fn weighted_slowly(samples: &[f64]) -> Vec<f64> {
    let tables = [
        (
            [1.535_124_859_586_97, -2.691_696_189_406_38, 1.198_392_810_852_85],
            [-1.690_659_293_182_41, 0.732_480_774_215_85],
        ),
        ([1.0, -2.0, 1.0], [-1.990_047_454_833_98, 0.990_072_250_366_21]),
    ];
    tables.iter().fold(samples.to_vec(), |x, (b, a)| {
        let mut y = vec![0.0; x.len()];
        for n in 0..x.len() {
            let back = |v: &[f64], k: usize| if n >= k { v[n - k] } else { 0.0 };
            y[n] = b[0] * x[n] + b[1] * back(&x, 1) + b[2] * back(&x, 2)
                - a[0] * back(&y, 1)
                - a[1] * back(&y, 2);
        }
        y
    })
}

#[test]
fn energies_of_groups_are_those_of_the_plain_filter() {
    let planes = [music(1, 2), music(2, 2)];
    let weighted = planes.clone().map(|plane| weighted_slowly(&plane));
    for group in [1, 16, 100, 480, 5000] {
        let mut track = Vec::new();
        let mut meter = WeightedEnergy::new(RATE, 2, group);
        for at in (0..planes[0].len()).step_by(777) {
            let end = (at + 777).min(planes[0].len());
            let block = Block { channels: planes.iter().map(|plane| plane[at..end].to_vec()).collect() };
            meter.push(&block, &mut track);
        }
        let left = meter.rest(&mut track);
        assert_eq!(track.len(), planes[0].len().div_ceil(group));
        assert_eq!(left, planes[0].len() % group);
        for (index, energy) in track.iter().enumerate().take(planes[0].len() / group) {
            let square = |plane: &Vec<f64>| -> f64 {
                plane[index * group..(index + 1) * group].iter().map(|y| y * y).sum()
            };
            let slow: f64 = weighted.iter().map(square).sum();
            assert!(
                (energy - slow).abs() <= 1e-9 * slow + 1e-13,
                "group {index} of {group}: {energy} {slow}"
            );
        }
    }
}

/// In blocks whose sizes go round through `sizes`.
fn in_blocks(spec: &Spec, planes: &[Vec<f64>], sizes: &[usize]) -> (Measurement, Vec<u64>) {
    let (mut meter, mut energy, mut track) =
        (Meter::new(spec), WeightedEnergy::new(44_100, 2, 16), Vec::new());
    let mut at = 0;
    for size in sizes.iter().cycle() {
        let end = (at + size).min(planes[0].len());
        let block = Block { channels: planes.iter().map(|plane| plane[at..end].to_vec()).collect() };
        meter.push(&block);
        energy.push(&block, &mut track);
        at = end;
        if at == planes[0].len() {
            break;
        }
    }
    energy.rest(&mut track);
    (meter.finish(), track.iter().map(|e| e.to_bits()).collect())
}

#[test]
fn neither_blocks_nor_registers_change_a_bit() {
    let mut planes = vec![music(3, 5), music(4, 5)];
    // Full scale for clips, then a tail that fades into denormal numbers.
    planes[0][1000..1010].fill(1.0);
    for plane in &mut planes {
        for (n, sample) in plane[150_000..].iter_mut().enumerate() {
            *sample *= 0.5f64.powi((n / 40) as i32);
        }
    }
    for rate in [44_100, 11_025] {
        let spec = spec(rate, 2);
        let whole = in_blocks(&spec, &planes, &[planes[0].len()]);
        for sizes in [&[1, 2, 3, 5000][..], &[441], &[4096], &[7, 16_384, 511]] {
            assert_eq!(in_blocks(&spec, &planes, sizes), whole, "{sizes:?} at {rate} Hz");
        }
        for path in lanes::paths() {
            lanes::force(Some(path));
            assert_eq!(in_blocks(&spec, &planes, &[4096]), whole, "{path:?}");
        }
        lanes::force(None);
    }
}

#[test]
fn every_count_of_channels_is_measured_and_the_lfe_does_not_count() {
    for channels in 1..=16 {
        let tone = tones(RATE, &[(1.0, -20.0)]);
        let read = measure(RATE, vec![tone; channels]);
        let weight: f64 = channel_weights(channels).iter().sum();
        close(read.integrated_lufs, -23.0 + 10.0 * weight.log10(), 0.1);
    }
    let (mut lfe, tone) = (vec![vec![0.0; 48_000]; 12], tones(RATE, &[(1.0, -20.0)]));
    lfe[3] = tone.clone();
    assert_eq!(measure(RATE, lfe).integrated_lufs, f64::NEG_INFINITY);
    // 7.1.4: the sides count 1.41, backs and heights 1.
    let weights = [1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.41, 1.41, 1.0, 1.0, 1.0, 1.0];
    assert_eq!(channel_weights(12), weights);
}

#[test]
fn samples_that_are_no_numbers_leave_every_figure_defined() {
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 1e200, f64::MIN_POSITIVE / 8.0] {
        let mut plane = tones(RATE, &[(4.0, -20.0)]);
        plane[50_000] = wrong;
        let read = measure(RATE, vec![plane.clone(), plane]);
        close(read.integrated_lufs, -20.0, 0.1);
        assert!(!read.true_peak_dbtp.is_nan() && !read.correlation.is_nan() && !read.dc_offset.is_nan());
        assert!(!read.loudness_range_lu.is_nan() && !read.max_momentary_lufs.is_nan());
    }
}

#[test]
fn a_meter_can_be_asked_at_any_time() {
    let tone = tones(RATE, &[(1.0, -20.0)]);
    let mut meter = Loudness::new(RATE, 1);
    assert_eq!((meter.integrated_lufs(), meter.now_lufs()), (None, (None, None)));
    for part in tone.chunks(4_800) {
        meter.push(&Block { channels: vec![part.to_vec()] });
        meter.levels();
    }
    let mut whole = Loudness::new(RATE, 1);
    whole.push(&Block { channels: vec![tone] });
    assert_eq!(meter.levels(), whole.levels());
    // The gate is asked ten times a second, from 0.4 s on.
    assert_eq!(meter.momentary_lufs().len(), 7);
    assert!(meter.short_term_lufs().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]
    #[test]
    fn a_second_meter_agrees(seed: u64) {
        let planes = vec![music(seed, 12), music(seed.rotate_left(17), 12)];
        let mut other = ebur128::EbuR128::new(2, RATE, ebur128::Mode::I | ebur128::Mode::TRUE_PEAK).unwrap();
        other.add_frames_planar_f64(&[planes[0].as_slice(), &planes[1]]).unwrap();
        let read = measure(RATE, planes);
        prop_assert!((read.integrated_lufs - other.loudness_global().unwrap()).abs() < 0.05);
        let peak = other.true_peak(0).unwrap().max(other.true_peak(1).unwrap());
        prop_assert!((read.true_peak_dbtp - 20.0 * peak.log10()).abs() < 0.3);
    }
}

#[test]
fn an_empty_block_changes_nothing() {
    let clipped = |parts: &[&[f64]]| {
        let mut meter = Meter::new(&spec(RATE, 1));
        parts.iter().for_each(|part| meter.push(&Block { channels: vec![part.to_vec()] }));
        meter.finish()
    };
    let whole = clipped(&[&[0.5, 1.0, 1.0, 1.0, 0.5]]);
    assert_eq!(whole.clipped_samples, 3);
    assert_eq!(whole, clipped(&[&[], &[0.5, 1.0], &[], &[1.0], &[], &[1.0, 0.5], &[]]));
}
