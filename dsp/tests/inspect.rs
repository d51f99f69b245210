//! Every detector of the inspection with signals in which the thing is and signals in which it is not but might seem to be; and the promises that
//! hold for all figures: the same for every size of block, never NaN.

#![allow(clippy::disallowed_methods)]

use std::f64::consts::{PI, TAU};

use deadwax_dsp::fft::Fft;
use deadwax_dsp::inspect::{
    Inspection, Inspector, LISTED_MAX, OVERS_LIMIT, Origin, POINTS_MAX, Relation, Severity,
};
use deadwax_dsp::measure::Meter;
use deadwax_dsp::{Block, Spec};
use proptest::prelude::*;

const RATE: u32 = 44_100;

fn spec(rate: u32, channels: usize, bits: u32) -> Spec {
    Spec {
        sample_rate: rate,
        channels,
        bits: Some(bits),
        float: false,
        frames: None,
        container: "wav",
        codec: "pcm",
    }
}

fn inspect_in(spec: &Spec, planes: &[Vec<f64>], sizes: &[usize]) -> Inspection {
    let (mut meter, mut inspector) = (Meter::new(spec).with_overs(OVERS_LIMIT), Inspector::new(spec));
    let frames = planes.first().map_or(0, Vec::len);
    let (mut at, mut sizes) = (0, sizes.iter().cycle());
    while at < frames {
        let end = (at + sizes.next().unwrap()).min(frames);
        let block = Block { channels: planes.iter().map(|plane| plane[at..end].to_vec()).collect() };
        meter.push(&block);
        inspector.push(&block);
        inspector.add_overs(&meter.take_overs());
        at = end;
    }
    inspector.add_overs(&meter.last_overs());
    inspector.finish(&meter.finish())
}

fn inspect(rate: u32, bits: u32, planes: &[Vec<f64>]) -> Inspection {
    inspect_in(&spec(rate, planes.len(), bits), planes, &[7919])
}

fn mono(samples: Vec<f64>) -> Inspection {
    inspect(RATE, 24, &[samples])
}

struct Noise(u64);

impl Noise {
    /// Even, from -1 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

fn white(seed: u64, frames: usize, peak: f64) -> Vec<f64> {
    let mut noise = Noise(seed);
    (0..frames).map(|_| peak * noise.next()).collect()
}

fn sine(rate: u32, hz: f64, peak: f64, seconds: f64) -> Vec<f64> {
    (0..(seconds * f64::from(rate)) as usize)
        .map(|n| peak * (TAU * hz * n as f64 / f64::from(rate)).sin())
        .collect()
}

fn quantised(samples: &[f64], bits: u32) -> Vec<f64> {
    let scale = 2f64.powi(bits as i32 - 1);
    samples.iter().map(|s| (s * scale).round().clamp(-scale, scale - 1.0) / scale).collect()
}

/// Noise with a spectrum of its own, about 6 seconds of it, swelling and fading as music does.
fn shaped(seed: u64, rate: u32, gain: impl Fn(f64) -> f64) -> Vec<f64> {
    let len = if rate > 50_000 { 1 << 19 } else { 1 << 18 };
    let mut fft = Fft::new(len).unwrap();
    let (mut re, mut im) = (white(seed, len, 0.5), vec![0.0; len]);
    fft.forward(&mut re, &mut im);
    for bin in 0..len {
        let hz = bin.min(len - bin) as f64 * f64::from(rate) / len as f64;
        let gain = gain(hz) / len as f64;
        re[bin] *= gain;
        im[bin] *= gain;
    }
    fft.inverse(&mut re, &mut im);
    let peak = re.iter().fold(0.0f64, |peak, s| peak.max(s.abs()));
    let swell = |n: usize| 0.55 + 0.45 * (TAU * n as f64 / f64::from(rate) / 1.7).sin();
    re.iter().enumerate().map(|(n, s)| 0.8 * swell(n) * s / peak).collect()
}

/// 3 dB an octave down, as the long-term spectrum of music roughly is.
fn tilt(hz: f64) -> f64 {
    1.0 / (1.0 + hz / 100.0).sqrt()
}

/// Drum hits: noise that starts at once and decays, over a bass.
fn drums(seed: u64, seconds: f64) -> Vec<f64> {
    let mut noise = Noise(seed);
    let beat = RATE as usize / 3;
    (0..(seconds * f64::from(RATE)) as usize)
        .map(|n| {
            let t = (n % beat) as f64 / f64::from(RATE);
            let hit = 0.6 * noise.next() * (-t / 0.04).exp();
            hit + 0.3 * (TAU * 55.0 * n as f64 / f64::from(RATE)).sin()
        })
        .collect()
}

fn square(hz: f64, peak: f64, seconds: f64) -> Vec<f64> {
    (0..(seconds * f64::from(RATE)) as usize)
        .map(|n| if (hz * n as f64 / f64::from(RATE)).fract() < 0.5 { peak } else { -peak })
        .collect()
}

#[track_caller]
fn close(value: f64, wanted: f64, within: f64) {
    assert!((value - wanted).abs() <= within, "{value} is not {wanted} within {within}");
}

fn names(inspection: &Inspection) -> Vec<&'static str> {
    inspection.findings().iter().map(|finding| finding.what).collect()
}

// --- promises for all figures ---

#[test]
fn nothing_is_nan_and_nothing_panics_at_the_ends_of_what_exists() {
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, 1e-310, -0.0, 2.0, -1.0];
    let planes: [Vec<f64>; 8] = [
        vec![],
        vec![0.3],
        vec![0.0; 30_000],
        vec![0.25; 30_000],
        odd.iter().copied().cycle().take(20_000).collect(),
        white(3, 9000, 1.0),
        vec![1e-200; 5000],
        vec![1e300; 5000],
    ];
    for rate in [8_000, 11_025, 44_100, 96_000, 192_000, 384_000] {
        for plane in &planes {
            for channels in [1, 2, 3, 12] {
                let read = inspect(rate, 24, &vec![plane.clone(); channels]);
                // A value that is NaN is not equal to itself.
                assert_eq!(read, read.clone(), "{rate} Hz, {channels} channels, {} frames", plane.len());
                assert_eq!((read.channels.len(), read.stereo.is_some()), (channels, channels > 1));
                assert!(read.findings().iter().all(|f| !f.words.contains("NaN") && !f.words.contains("inf")));
            }
        }
    }
    assert!(inspect(RATE, 24, &[]).channels.is_empty());
}

#[test]
fn keys_of_the_json_are_these() {
    let read = inspect(RATE, 24, &[sine(RATE, 440.0, 0.5, 4.0), sine(RATE, 441.0, 0.5, 4.0)]);
    let json = serde_json::to_value(&read).unwrap();
    let mut keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    keys.sort();
    let wanted = [
        "channels",
        "clicks",
        "clips",
        "coded_with_loss",
        "container_bits",
        "cutoff",
        "dropouts",
        "edges",
        "flat_tops",
        "noise",
        "overs",
        "plr_db",
        "psr_db",
        "seconds",
        "spectrum",
        "stereo",
    ];
    assert_eq!(keys, wanted);
    assert!(json["channels"][0]["bits"]["exact"].is_null() && json["noise"]["floor_dbfs"].is_number());
    assert_eq!(json["stereo"]["relation"], "stereo");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]
    #[test]
    fn the_size_of_blocks_changes_no_bit(
        seed: u64,
        sizes in proptest::collection::vec(1usize..9000, 1..6),
        rate in prop::sample::select(vec![8_000u32, 44_100, 96_000]),
        frames in 1usize..60_000,
    ) {
        let mut left = white(seed, frames, 0.4);
        let mut right = sine(rate, 300.0, 1.1, 1.0);
        right.resize(frames, 0.0);
        right.iter_mut().for_each(|s| *s = s.clamp(-0.9, 0.9));
        for at in (0..frames).step_by(7001) {
            left[at] = 3.0;
            right[at..(at + 90).min(frames)].fill(0.0);
        }
        let planes = [left, right];
        let spec = spec(rate, 2, 24);
        let whole = inspect_in(&spec, &planes, &[frames]);
        prop_assert_eq!(&whole, &inspect_in(&spec, &planes, &sizes));
        prop_assert_eq!(&whole, &inspect_in(&spec, &planes, &[4096]));
    }
}

// --- levels, noise, ends ---

#[test]
fn levels_offset_and_balance_of_channels() {
    let loud: Vec<f64> = sine(RATE, 100.0, 0.5, 5.0).iter().map(|s| s + 0.01).collect();
    let read = inspect(RATE, 24, &[loud, sine(RATE, 100.0, 0.25, 5.0)]);
    close(read.channels[0].dc_offset, 0.01, 1e-6);
    close(read.channels[1].rms_dbfs, -12.04 - 3.01, 0.01);
    close(read.channels[1].crest_db, 3.01, 0.01);
    close(read.stereo.as_ref().unwrap().balance_db.unwrap(), 6.02, 0.01);
    assert_eq!(names(&read), ["HEAD_CUT", "TAIL_CUT", "DC_OFFSET", "BALANCE"]);
    // A sine over its loudness: BS.1770 reads a stereo 1 kHz tone at its peak level.
    let tone = sine(48_000, 1000.0, 0.5, 5.0);
    let read = inspect(48_000, 24, &[tone.clone(), tone]);
    close(read.plr_db.unwrap(), 0.0, 0.1);
    close(read.psr_db.unwrap(), 0.0, 0.1);
    assert_eq!(mono(vec![0.0; 200_000]).plr_db, None);
}

#[test]
fn noise_floor_and_digital_black_are_told_apart() {
    let mut song = vec![0.0; RATE as usize];
    song.extend(sine(RATE, 440.0, 0.5, 3.0));
    song.extend(white(1, 2 * RATE as usize, 0.001));
    song.extend(vec![0.0; RATE as usize / 2]);
    song.extend(sine(RATE, 440.0, 0.5, 1.0));
    song.extend(vec![0.0; 2 * RATE as usize]);
    let noise = mono(song).noise;
    // Even noise has a third of its peak's square.
    close(noise.floor_dbfs.unwrap(), -60.0 - 4.77, 0.2);
    assert!((4.0..=5.0).contains(&noise.floor_at_s.unwrap()));
    close(noise.low_dbfs.unwrap(), -64.8, 0.5);
    close(noise.black_s, 3.5, 1e-9);
    close(noise.longest_gap_s, 0.5, 1e-9);
    // An offset is no noise.
    let floor = mono(vec![0.1; 3 * RATE as usize]).noise.floor_dbfs.unwrap();
    assert!(floor < -200.0, "{floor}");
    let black = mono(vec![0.0; 3 * RATE as usize]).noise;
    assert_eq!((black.floor_dbfs, black.low_dbfs, black.black_s), (None, None, 3.0));
}

#[test]
fn cut_heads_and_tails() {
    let cut: Vec<f64> = sine(RATE, 440.0, 0.5, 1.0)[25..40_000].to_vec();
    let read = mono(cut.clone());
    close(read.edges.first_sample_dbfs, 20.0 * cut[0].abs().log10(), 1e-9);
    close(read.edges.tail_dbfs, -9.03, 0.5);
    assert_eq!(names(&read), ["HEAD_CUT", "TAIL_CUT"]);
    let faded: Vec<f64> = sine(RATE, 440.0, 0.5, 1.0)
        .iter()
        .enumerate()
        .map(|(n, s)| s * (1.0 - n as f64 / f64::from(RATE)).powi(4))
        .collect();
    assert!(names(&mono(faded)).is_empty());
    // A tail that ends on a zero crossing but at full level is cut all the same.
    assert_eq!(names(&mono(sine(RATE, 441.0, 0.5, 1.1)[..44_101].to_vec())), ["TAIL_CUT"]);
}

#[test]
fn live_bits_exact_and_usual() {
    let music = shaped(5, RATE, tilt);
    let depth = |samples: &[f64]| mono(samples.to_vec()).channels[0].bits;
    for bits in [8, 16, 20, 24] {
        let bits_of = depth(&quantised(&music, bits));
        assert_eq!((bits_of.exact, bits_of.usual), (Some(bits), Some(bits)));
    }
    assert_eq!(depth(&music).exact, None);
    // 16 bits with a fade of 24 at the end.
    let mut faded = quantised(&music, 16);
    let from = faded.len() - 6000;
    let fade = |(n, s): (usize, &f64)| s * (1.0 - n as f64 / 6000.0);
    let tail: Vec<f64> = faded[from..].iter().enumerate().map(fade).collect();
    faded.splice(from.., quantised(&tail, 24));
    let read = mono(faded);
    assert_eq!((read.channels[0].bits.exact, read.channels[0].bits.usual), (Some(24), Some(16)));
    assert!(names(&read).contains(&"BITS"));
    assert!(!names(&mono(quantised(&music, 24))).contains(&"BITS"));
    let silence = depth(&[0.0; 5000]);
    assert_eq!((silence.exact, silence.usual), (Some(0), Some(0)));
    let beyond = depth(&[2.0, -4.0, 0.0, 2.0]);
    assert_eq!(beyond.exact, Some(1));
}

// --- two channels ---

#[test]
fn relations_of_two_channels() {
    let relation = |left: &[f64], right: &[f64]| {
        inspect(RATE, 24, &[left.to_vec(), right.to_vec()]).stereo.unwrap().relation
    };
    let scaled = |samples: &[f64], gain: f64| -> Vec<f64> { samples.iter().map(|s| s * gain).collect() };
    let (one, other) = (white(1, 90_000, 0.3), white(2, 90_000, 0.3));
    let near =
        |gain: f64| -> Vec<f64> { one.iter().zip(&other).map(|(a, b)| gain * a + 0.0005 * b).collect() };
    assert_eq!(relation(&one, &other), Relation::Stereo);
    assert_eq!(relation(&one, &one), Relation::DualMono);
    assert_eq!(relation(&one, &near(1.0)), Relation::NearDualMono);
    assert_eq!(relation(&one, &near(-1.0)), Relation::InvertedDualMono);
    assert_eq!(relation(&one, &scaled(&one, -1.0)), Relation::InvertedDualMono);
    assert_eq!(relation(&one, &scaled(&one, 0.5)), Relation::PannedMono);
    assert_eq!(relation(&one, &[0.0; 90_000]), Relation::OneSided);
    assert_eq!(relation(&[0.0; 90_000], &[0.0; 90_000]), Relation::Silent);
    let wide: Vec<f64> = one.iter().zip(&other).map(|(a, b)| a + 0.01 * b).collect();
    assert_eq!(relation(&one, &wide), Relation::Stereo);
    assert!(names(&inspect(RATE, 24, &[one.clone(), vec![0.0; 90_000]])).contains(&"SILENT_CHANNEL"));
    assert!(names(&inspect(RATE, 24, &[one.clone(), scaled(&one, -1.0)])).contains(&"INVERTED"));
}

#[test]
fn correlation_over_time_has_its_minimum_where_the_phase_turns() {
    let left = white(7, 12 * RATE as usize, 0.3);
    let mut right = left.clone();
    // A second and a half upside down, and three seconds too quiet to have a correlation.
    right[5 * RATE as usize..6 * RATE as usize + RATE as usize / 2].iter_mut().for_each(|s| *s = -*s);
    right[9 * RATE as usize..].iter_mut().for_each(|s| *s *= -1e-4);
    let read = inspect(RATE, 24, &[left, right]).stereo.unwrap().correlation;
    assert_eq!((read.minimum_at_s, read.step_s, read.points.len()), (Some(5.0), 1.0, 12));
    close(read.minimum.unwrap(), -1.0, 1e-6);
    close(read.points[0].unwrap(), 1.0, 1e-6);
    assert!(read.points[9..].iter().all(Option::is_none));
    close(read.negative_share, 1.0 / 9.0, 0.12);
}

#[test]
fn correlation_below_300_hz_hears_the_bass_alone() {
    let mix = |bass: f64| -> Vec<f64> {
        let (low, high) = (sine(RATE, 80.0, 0.2, 6.0), sine(RATE, 1500.0, 0.5, 6.0));
        low.iter().zip(&high).map(|(l, h)| bass * l + h).collect()
    };
    let read = inspect(RATE, 24, &[mix(1.0), mix(-1.0)]);
    let stereo = read.stereo.as_ref().unwrap();
    assert!(stereo.correlation.whole > 0.6 && stereo.low_correlation.whole < -0.99, "{stereo:?}");
    assert!(names(&read).contains(&"LOW_CORRELATION"));
    let read = inspect(RATE, 24, &[mix(1.0), mix(0.8)]);
    assert!(read.stereo.as_ref().unwrap().low_correlation.whole > 0.99);
    assert!(!names(&read).contains(&"LOW_CORRELATION"));
    for rate in [8_000, 48_000, 384_000] {
        let (left, right) = (sine(rate, 80.0, 0.2, 2.0), sine(rate, 80.0, -0.2, 2.0));
        assert!(inspect(rate, 24, &[left, right]).stereo.unwrap().low_correlation.whole < -0.999);
    }
}

#[test]
fn a_series_of_hours_is_bounded() {
    let rate = 8_000;
    let frames = rate as usize * (POINTS_MAX + 7);
    let tone: Vec<f64> = (0..frames).map(|n| if n % 2 == 0 { 0.5 } else { -0.5 }).collect();
    let read = inspect_in(&spec(rate, 2, 24), &[tone.clone(), tone], &[65_536]);
    let points = read.stereo.unwrap().correlation;
    assert_eq!((points.step_s, points.points.len()), (2.0, (POINTS_MAX + 7).div_ceil(2)));
}

// --- spectrum ---

#[test]
fn third_octaves_of_a_tone_and_of_noise() {
    for rate in [44_100, 48_000, 96_000, 192_000] {
        let read = mono_at(rate, sine(rate, 1000.0, 0.1, 4.0));
        let bands = read.spectrum.third_octaves;
        let kilo = bands.iter().position(|band| (band.hz - 1000.0).abs() < 1e-6).unwrap();
        close(bands[kilo].dbfs, -23.01, 0.05);
        assert!(bands.iter().enumerate().all(|(n, band)| n.abs_diff(kilo) < 2 || band.dbfs < -100.0));
        close(bands[0].hz, 19.95, 0.01);
        assert!(bands.last().unwrap().hz * 1.26 > f64::from(rate) / 2.0);
    }
    // White: every third octave has a tenth of a decade's width more than the last: 1 dB. All of it sums to the RMS.
    let read = mono_at(48_000, white(9, 48_000 * 8, 0.5));
    let level =
        |hz: f64| read.spectrum.third_octaves.iter().find(|b| (b.hz / hz - 1.0).abs() < 0.02).unwrap().dbfs;
    close(level(10_000.0) - level(1000.0), 10.0, 0.5);
    let total: f64 = read.spectrum.long_term.iter().map(|band| 10f64.powf(band.dbfs / 10.0)).sum();
    close(10.0 * total.log10(), read.channels[0].rms_dbfs, 0.1);
}

fn mono_at(rate: u32, samples: Vec<f64>) -> Inspection {
    inspect(rate, 24, &[samples])
}

fn wall(from_hz: f64, to_hz: f64) -> impl Fn(f64) -> f64 {
    move |hz| match hz {
        hz if hz < from_hz => tilt(hz),
        hz if hz > to_hz => 0.0,
        hz => tilt(hz) * (0.5 + 0.5 * (PI * (hz - from_hz) / (to_hz - from_hz)).cos()),
    }
}

#[test]
fn walls_in_the_spectrum_are_found_with_their_place() {
    for (rate, bits, from, to, origin) in [
        (44_100, 16, 16_000.0, 16_400.0, Origin::Lossy),
        (44_100, 24, 16_500.0, 17_000.0, Origin::Lossy),
        (44_100, 24, 19_000.0, 19_400.0, Origin::Lossy),
        (44_100, 16, 20_100.0, 20_600.0, Origin::Lossy),
        (48_000, 24, 20_000.0, 20_300.0, Origin::Lossy),
        (48_000, 24, 20_800.0, 22_000.0, Origin::Upsampled),
        (96_000, 24, 20_700.0, 22_000.0, Origin::Upsampled),
        (96_000, 24, 22_000.0, 24_000.0, Origin::Upsampled),
        (96_000, 24, 16_000.0, 16_600.0, Origin::Lossy),
        (192_000, 24, 22_500.0, 24_000.0, Origin::Upsampled),
        (192_000, 24, 44_000.0, 48_000.0, Origin::Upsampled),
    ] {
        let mut noise = Noise(11);
        let lsb = 2f64.powi(1 - bits);
        let music: Vec<f64> = shaped(17, rate, wall(from, to))
            .iter()
            .map(|s| s + lsb * (noise.next() + noise.next()) / 2.0)
            .collect();
        let read = mono_at(rate, quantised(&music, bits as u32));
        let cut = read.cutoff.unwrap_or_else(|| panic!("{rate} Hz, {from} to {to} Hz: no cut is seen"));
        assert!(cut.confidence > 0.9 && cut.origin == origin, "{rate} Hz, {from} to {to} Hz: {cut:?}");
        close(cut.hz, 0.5 * (from + to), 0.5 * (to - from) + f64::from(rate) / 256.0);
        assert!(names(&read).iter().any(|n| ["UPSAMPLED", "LOSSY_SPECTRUM"].contains(n)));
    }
    let from = |rate, wall| mono_at(rate, shaped(3, rate, wall)).cutoff.unwrap().from_rate_hz;
    assert_eq!(from(96_000, wall(20_700.0, 22_000.0)), Some(44_100));
    assert_eq!(from(96_000, wall(22_000.0, 24_000.0)), Some(48_000));
}

type Gain = Box<dyn Fn(f64) -> f64>;

#[test]
fn honest_sound_without_highs_is_not_accused() {
    let slope = |corner: f64, order: i32| -> Gain {
        Box::new(move |hz| tilt(hz) / (1.0 + (hz / corner).powi(2 * order)).sqrt())
    };
    let cases: [(&str, u32, Gain); 9] = [
        ("full band", 44_100, Box::new(tilt)),
        ("full band", 96_000, Box::new(tilt)),
        ("12 dB an octave from 2 kHz", 44_100, slope(2000.0, 2)),
        ("24 dB an octave from 6 kHz", 44_100, slope(6000.0, 4)),
        ("48 dB an octave from 10 kHz", 44_100, slope(10_000.0, 8)),
        ("72 dB an octave from 16 kHz", 44_100, slope(16_000.0, 12)),
        ("24 dB an octave from 18 kHz", 96_000, slope(18_000.0, 4)),
        ("a microphone's end at 20 kHz", 192_000, slope(20_000.0, 3)),
        ("the file's own filter", 44_100, Box::new(wall(20_600.0, 22_000.0))),
    ];
    for (name, rate, gain) in cases {
        for bits in [16, 24] {
            let mut noise = Noise(23);
            let lsb = 2f64.powi(1 - bits);
            let music: Vec<f64> = shaped(29, rate, &gain)
                .iter()
                .map(|s| s + lsb * (noise.next() + noise.next()) / 2.0)
                .collect();
            let read = mono_at(rate, quantised(&music, bits as u32));
            assert_eq!(read.cutoff, None, "{name} at {rate} Hz, {bits} bit");
        }
    }
    // Tones alone have an end too; so has a filter that moves.
    for hz in [440.0, 15_625.0] {
        assert_eq!(mono(sine(RATE, hz, 0.5, 6.0)).cutoff, None);
    }
    let saw: Vec<f64> = (0..6 * RATE)
        .map(|n| {
            (1..34).map(|k| (TAU * 440.0 * f64::from(k * n) / 44_100.0).sin() / f64::from(k)).sum::<f64>()
                * 0.2
        })
        .collect();
    assert_eq!(mono(saw).cutoff, None);
    let moving: Vec<f64> = (0..4u32)
        .flat_map(|n| {
            let from = 9000.0 + 2500.0 * f64::from(n);
            shaped(u64::from(n), RATE, wall(from, from + 400.0))
        })
        .collect();
    assert!(!names(&mono(moving)).contains(&"LOSSY_SPECTRUM"));
}

// --- clips ---

#[test]
fn clips_are_counted_and_the_first_are_listed() {
    let driven: Vec<f64> = sine(RATE, 441.0, 1.3, 1.0);
    let read = mono(quantised(&driven, 24));
    // Two a period, and each lasts as long as the sine is over 1.
    assert_eq!((read.clips.count, read.clips.listed.len()), (882, LISTED_MAX));
    close(read.clips.frames as f64 / 882.0, 100.0 * (1.0 - 2.0 / PI * (1.0f64 / 1.3).asin()) / 2.0, 1.0);
    close(read.clips.first_s().unwrap(), (1.0f64 / 1.3).asin() / TAU / 441.0, 1.0 / f64::from(RATE));
    assert_eq!(read.flat_tops.count, 0);
    assert_eq!(names(&read)[0], "CLIPPED");
    // Two samples at full scale are no run.
    let mut grazed = vec![0.0; 1000];
    grazed[10..12].fill(1.0 - 0.5f64.powi(23));
    assert_eq!(mono(grazed).clips.count, 0);
    // One run over the ends of blocks is one.
    let long = inspect_in(&spec(RATE, 1, 24), &[vec![-1.0; 20_000]], &[1000]);
    assert_eq!((long.clips.count, long.clips.frames), (1, 20_000));
}

#[test]
fn waves_over_full_scale_between_the_samples_are_listed() {
    // A quarter of the rate at 45 degrees stands 3 dB over its samples.
    let tone: Vec<f64> = (0..RATE as usize)
        .map(|n| {
            let peak = if (10_000..10_100).contains(&n) { 1.2 } else { 0.9 };
            peak * (PI / 2.0 * n as f64 + PI / 4.0).sin()
        })
        .collect();
    let read = inspect(RATE, 24, &[vec![0.0; RATE as usize], tone]);
    let overs = &read.overs;
    assert!(overs.count >= 49 && read.clips.count == 0, "{overs:?}");
    assert!(overs.listed.iter().all(|over| over.channel == 1));
    close(overs.first_s().unwrap(), 10_000.0 / 44_100.0, 10.0 / 44_100.0);
    close(overs.level_max_db.unwrap(), 1.58, 0.6);
    assert!(names(&read).contains(&"OVERS"));
    assert_eq!(mono(sine(RATE, 997.0, 0.999, 1.0)).overs.count, 0);
}

#[test]
fn flat_tops_of_a_clipped_master_that_was_turned_down() {
    let mut noise = Noise(31);
    let driven: Vec<f64> = shaped(37, RATE, tilt).iter().map(|s| (s * 2.5).clamp(-1.0, 1.0) * 0.83).collect();
    let dithered: Vec<f64> =
        driven.iter().map(|s| s + (noise.next() + noise.next()) / 2.0 / 32_768.0).collect();
    for (bits, samples) in
        [(24, quantised(&driven, 24)), (16, quantised(&driven, 16)), (16, quantised(&dithered, 16))]
    {
        let read = inspect(RATE, bits, &[samples]);
        assert!(read.flat_tops.count > 50 && read.clips.count == 0, "{bits}: {}", read.flat_tops.count);
        close(read.flat_tops.listed[0].level_db, 20.0 * 0.83f64.log10(), 0.01);
        assert!(names(&read).contains(&"FLAT_TOPS"));
    }
}

#[test]
fn round_peaks_are_not_flat_tops() {
    for (hz, bits) in [(20.0, 16), (50.0, 16), (50.0, 8), (440.0, 16), (30.0, 24)] {
        let read = inspect(RATE, bits, &[quantised(&sine(RATE, hz, 0.7, 3.0), bits)]);
        assert!(read.flat_tops.count == 0, "{hz} Hz in {bits} bits: {:?}", read.flat_tops);
    }
    for bits in [16, 24] {
        let read = inspect(RATE, bits, &[quantised(&shaped(41, RATE, tilt), bits)]);
        assert!(!names(&read).contains(&"FLAT_TOPS"));
    }
}

// --- damage ---

#[test]
fn clicks_are_found_where_they_are() {
    let music = shaped(43, RATE, |hz| 1.0 / (1.0 + (hz / 300.0).powi(2)));
    for (width, height) in [(1, 0.3), (1, -0.1), (2, 0.3), (5, 0.4), (9, -0.5)] {
        let mut clicked = music.clone();
        for at in [30_000, 81_919, 122_880, 200_003] {
            for n in 0..width {
                let shape = (PI * (n as f64 + 1.0) / (width as f64 + 1.0)).sin();
                clicked[at + n] += height * shape;
            }
        }
        let found = mono(clicked).clicks;
        let times: Vec<f64> = found.listed.iter().map(|e| (e.at_s * f64::from(RATE)).round()).collect();
        assert_eq!(times.len(), 4, "{width} samples of {height}: {found:?}");
        for (at, time) in [30_000.0, 81_919.0, 122_880.0, 200_003.0].iter().zip(&times) {
            close(*time, *at, width as f64);
        }
    }
    let mut silent = vec![0.0; 50_000];
    silent[20_000] = 0.2;
    let found = mono(silent).clicks;
    assert_eq!((found.count, found.listed[0].at_s), (1, 20_000.0 / 44_100.0));
    close(found.listed[0].level_db, -13.98, 0.01);
}

#[test]
fn drums_square_waves_and_noise_are_no_clicks() {
    let pulses: Vec<f64> = (0..200_000).map(|n| if n % 1470 < 2 { 0.7 } else { 0.0 }).collect();
    let saw: Vec<f64> =
        (0..200_000).map(|n| 0.8 * (1.0 - 2.0 * (f64::from(n) * 55.0 / 44_100.0).fract())).collect();
    let step: Vec<f64> = (0..100_000).map(|n| if n < 50_000 { 0.0 } else { 0.5 }).collect();
    for (name, samples) in [
        ("drums", drums(47, 6.0)),
        ("a square wave", square(40.0, 0.8, 5.0)),
        ("a slow square wave", square(3.0, 0.8, 5.0)),
        ("pulses", pulses),
        ("a saw", saw),
        ("a step", step),
        ("white noise", white(53, 200_000, 1.0)),
        ("music", shaped(59, RATE, tilt)),
        ("16 bits", quantised(&sine(RATE, 60.0, 0.9, 4.0), 16)),
        ("8 bits", quantised(&sine(RATE, 60.0, 0.9, 4.0), 8)),
    ] {
        let found = mono(samples).clicks;
        assert_eq!(found.count, 0, "{name}: {:?}", found.listed.first());
    }
}

#[test]
fn drop_outs_are_found_where_they_are() {
    let music = quantised(&shaped(61, RATE, tilt), 24);
    let places = [22_000, 90_000, 110_000, 240_000];
    for (frames, held) in [(12, false), (200, false), (4000, false), (8000, false), (30, true), (500, true)] {
        let mut broken = music.clone();
        for at in places {
            // Held or dropped where the wave is on its way, as a buffer that fails would.
            let at = (at..).find(|n| music[*n].abs() > 0.04 && music[*n].abs() < 0.06).unwrap();
            let value = if held { broken[at - 1] } else { 0.0 };
            broken[at..at + frames].fill(value);
        }
        let found = mono(broken).dropouts;
        assert_eq!(found.count, 4, "{frames} frames, held {held}: {found:?}");
        for (event, at) in found.listed.iter().zip(places) {
            close(event.at_s * f64::from(RATE), at as f64, 2000.0);
            close(event.frames as f64, frames as f64, 1.0);
        }
    }
}

#[test]
fn gates_square_waves_and_stairs_are_no_drop_outs() {
    let gated: Vec<f64> = sine(RATE, 440.0, 0.5, 4.0)
        .iter()
        .enumerate()
        .map(|(n, s)| {
            let (place, ramp) = ((n % 11_025) as f64, 441.0);
            s * (place / ramp).min((8000.0 - place) / ramp).clamp(0.0, 1.0)
        })
        .collect();
    let stairs: Vec<f64> = sine(RATE, 55.0, 0.8, 4.0).iter().map(|s| (s * 7.5).round() / 7.5).collect();
    let unipolar: Vec<f64> = square(50.0, 0.4, 4.0).iter().map(|s| s + 0.4).collect();
    let mut starts = vec![0.0; 44_100];
    starts.extend(sine(RATE, 100.0, 0.5, 2.0));
    starts.extend(vec![0.0; 44_100]);
    let clipped: Vec<f64> = sine(RATE, 40.0, 2.0, 4.0).iter().map(|s| s.clamp(-0.9, 0.9)).collect();
    for (name, samples) in [
        ("a gate", gated),
        ("a square wave", square(40.0, 0.8, 4.0)),
        ("stairs", stairs),
        ("pulses from zero", unipolar),
        ("silence at both ends", starts),
        ("clips", clipped),
        ("a deep tone in 16 bits", quantised(&sine(RATE, 20.0, 0.5, 4.0), 16)),
        ("a deep tone in 8 bits", quantised(&sine(RATE, 20.0, 0.5, 4.0), 8)),
        ("drums", quantised(&drums(67, 5.0), 16)),
        ("a constant", vec![0.5; 50_000]),
    ] {
        let found = mono(samples).dropouts;
        assert_eq!(found.count, 0, "{name}: {:?}", found.listed.first());
    }
}

// --- words ---

#[test]
fn findings_are_sentences_with_times_the_gravest_first() {
    let mut song = sine(RATE, 441.0, 0.5, 3.0);
    song.push(0.0);
    let at = 2 * RATE as usize;
    song[at..at + 100].fill(-1.0);
    let read = mono(song);
    let found = read.findings();
    assert_eq!(found[0].words, "1 run at full scale, at 0:02.000.");
    assert_eq!((found[0].severity, found[0].what, found[0].at_s), (Severity::Block, "CLIPPED", Some(2.0)));
    assert!(
        found
            .windows(2)
            .all(|pair| pair[0].severity == Severity::Block || pair[1].severity == Severity::Warn)
    );
    assert!(found.iter().all(|finding| finding.words.ends_with('.')));
}
