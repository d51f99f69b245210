//! Bands, and walls at the top of the spectrum.

use std::f64::consts::{PI, TAU};

use deadwax_dsp::inspect::{Inspection, Origin};

use crate::signals::*;

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
