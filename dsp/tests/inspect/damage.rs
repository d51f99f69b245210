//! Clips, overs, clicks, drop-outs.

use std::f64::consts::{PI, TAU};

use deadwax_dsp::Spec;
use deadwax_dsp::inspect::LISTED_MAX;

use crate::signals::*;

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
fn a_float_wave_over_full_scale_is_whole_until_it_is_flat() {
    let hot = sine(RATE, 441.0, 1.6, 1.0);
    let lossy = Spec { bits: None, codec: "mp3", ..spec(RATE, 1, 16) };
    for of in [Spec { float: true, ..spec(RATE, 1, 32) }, lossy] {
        let read = inspect_in(&of, std::slice::from_ref(&hot), &[7919]);
        assert!(read.clips.count == 0 && read.overs.count >= 880, "{:?}", read.clips);
        assert!(!names(&read).contains(&"CLIPPED") && names(&read).contains(&"OVERS"));
        // Clipped at full scale, and clipped before it was turned up.
        for top in [1.0, 1.2] {
            let flat: Vec<f64> = hot.iter().map(|s| s.clamp(-top, top)).collect();
            let read = inspect_in(&of, &[flat], &[7919]);
            assert_eq!(read.clips.count, 882);
            close(read.clips.level_max_db.unwrap(), 20.0 * f64::log10(top), 1e-9);
        }
    }
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
