//! Against the definition, at every length there is up to a few thousand points; and the same bits at every register width.

use std::f64::consts::TAU;

use super::*;

fn noise(n: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..n)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect()
}

fn naive(re: &[f64], im: &[f64], k: usize) -> (f64, f64) {
    let n = re.len();
    (0..n).fold((0.0, 0.0), |(sr, si), i| {
        let angle = -TAU * ((i * k % n) as f64) / n as f64;
        let (s, c) = angle.sin_cos();
        (sr + re[i] * c - im[i] * s, si + re[i] * s + im[i] * c)
    })
}

/// Largest difference from the definition over `bins` bins, relative to the root of the energy.
fn error(len: usize, bins: usize) -> f64 {
    let (re, im) = (noise(len, 1 + len as u64), noise(len, 7 + len as u64));
    let (mut fr, mut fi) = (re.clone(), im.clone());
    Fft::new(len).unwrap().forward(&mut fr, &mut fi);
    let size = (re.iter().chain(&im).map(|v| v * v).sum::<f64>()).sqrt();
    (0..bins.min(len))
        .map(|b| b * len / bins.min(len))
        .map(|k| {
            let (er, ei) = naive(&re, &im, k);
            (er - fr[k]).hypot(ei - fi[k]) / size
        })
        .fold(0.0, f64::max)
}

#[test]
fn it_is_the_transform_of_the_definition_at_every_length() {
    for len in (1..=400).chain([512, 2352, 4704, 5120, 7056, 9408, 10_240]).filter(|&n| smooth(n)) {
        // The definition summed in f64 is itself only so exact: its error grows with the root of the length.
        let bound = 2e-15 * (len as f64).sqrt().max(1.0);
        let worst = error(len, 200);
        assert!(worst < bound, "{len} points: {worst}");
    }
}

#[test]
fn other_lengths_are_refused() {
    for len in [0usize, 11, 13, 22, 121, 44_101, usize::MAX] {
        assert!(Fft::new(len).is_none(), "{len}");
    }
}

#[test]
fn back_and_forth_gives_the_same_and_keeps_the_energy() {
    for len in [1usize, 2, 7, 8, 60, 147, 320, 2352, 5120, 65_536, 3 * 44_100] {
        let (re, im) = (noise(len, 3), noise(len, 4));
        let (mut fr, mut fi) = (re.clone(), im.clone());
        let mut fft = Fft::new(len).unwrap();
        fft.forward(&mut fr, &mut fi);
        let energy = |a: &[f64], b: &[f64]| a.iter().chain(b).map(|v| v * v).sum::<f64>();
        let ratio = energy(&fr, &fi) / energy(&re, &im) / len as f64;
        assert!((ratio - 1.0).abs() < 1e-13, "{len}: {ratio}");
        fft.inverse(&mut fr, &mut fi);
        for i in 0..len {
            let scale = len as f64;
            let error = (fr[i] / scale - re[i]).abs().max((fi[i] / scale - im[i]).abs());
            assert!(error < 4e-15, "{len}: {error}");
        }
    }
}

#[test]
fn every_path_gives_the_same_bits() {
    for len in (1..200).chain([2352, 5120, 9408, 20_480]).filter(|&n| smooth(n)) {
        let mut results = Vec::new();
        for path in lanes::paths() {
            lanes::force(Some(path));
            let (mut re, mut im) = (noise(len, 5), noise(len, 6));
            Fft::new(len).unwrap().forward(&mut re, &mut im);
            results.push(re.iter().chain(&im).map(|v| v.to_bits()).collect::<Vec<_>>());
        }
        lanes::force(None);
        assert!(results.windows(2).all(|w| w[0] == w[1]), "{len} points");
    }
}

#[test]
fn the_roots_are_exact() {
    for n in [1usize, 2, 3, 8, 12, 20_480, 1 << 20] {
        for k in (0..n).step_by(n / 97 + 1) {
            let (re, im) = root(k, n);
            // The angle of the check is itself rounded: by up to half an ulp of a whole turn.
            let angle = TAU * k as f64 / n as f64;
            assert!((re - angle.cos()).abs() < 1e-15 && (im + angle.sin()).abs() < 1e-15, "{k} of {n}");
            assert!((re * re + im * im - 1.0).abs() < 4e-16);
        }
    }
    assert_eq!(root(5, 20), (0.0, -1.0));
    assert_eq!(root(10, 20), (-1.0, 0.0));
}
