//! Two channels against each other.

use deadwax_dsp::inspect::{POINTS_MAX, Relation};

use crate::signals::*;

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
