//! Planted clicks go, and nothing else is touched; what is clean is left alone; alternates follow.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot prepare its processors may panic

mod render_kit;

use std::f64::consts::PI;

use deadwax_dsp::{
    Block, lanes,
    processors::{Control, Declick, DeclickSettings, Processor},
};
use render_kit::{Noise, RATE, song};

fn read(text: &str) -> DeclickSettings {
    toml::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// Chords of many harmonics that swell and die away, a beat, and a floor of noise.
fn music(rate: u32, seconds: f64) -> Block {
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    let mut block = song(rate, seconds, 0.3);
    for (c, plane) in block.channels.iter_mut().enumerate() {
        for (i, s) in plane.iter_mut().enumerate() {
            let t = i as f64 / f64::from(rate);
            for (n, root) in [110.0, 164.8, 220.0, 277.2].into_iter().enumerate() {
                for k in 1..12 {
                    let hz = root * f64::from(k) * (1.0 + 0.0004 * c as f64);
                    let swell = 0.5 + 0.5 * (2.0 * PI * (0.3 + 0.1 * n as f64) * t).sin();
                    *s += 0.05 * swell / f64::from(k) * (2.0 * PI * hz * t + f64::from(k * k)).sin();
                }
            }
            *s += 0.0005 * noise.next();
        }
    }
    block
}

/// A scratch of this many frames: a step, a swing back and noise.
fn scratch(plane: &mut [f64], from: usize, frames: usize, height: f64, noise: &mut Noise) {
    for (i, s) in plane[from..from + frames].iter_mut().enumerate() {
        let u = (i as f64 + 0.5) / frames as f64;
        *s += height * ((PI * u).sin() * (0.6 + 0.4 * (3.0 * PI * u).cos()) + 0.3 * noise.next());
    }
}

/// The whole song, its step made ready as a render does it: heard first where it studies; the delay is cut.
fn mend(step: &mut Declick, main: &Block, others: &[&Block], block: usize) -> (Block, Vec<Block>) {
    let channels = main.channels.len();
    step.prepare(RATE, channels).unwrap();
    let part = |b: &Block, from: usize, to: usize| Block {
        channels: b
            .channels
            .iter()
            .map(|c| (from..to).map(|i| c.get(i).copied().unwrap_or(0.0)).collect())
            .collect(),
    };
    if step.studies() {
        for from in (0..main.frames()).step_by(block) {
            step.study(&part(main, from, (from + block).min(main.frames())));
        }
        step.studied().unwrap();
        step.prepare(RATE, channels).unwrap();
    }
    let late = step.latency_frames();
    let mut clones: Vec<Declick> = others.iter().map(|_| step.clone()).collect();
    let (mut out, mut outs) = (Block::new(channels, 0), vec![Block::new(channels, 0); others.len()]);
    let append =
        |all: &mut Block, b: Block| all.channels.iter_mut().zip(b.channels).for_each(|(a, c)| a.extend(c));
    let mut control = Control::default();
    for from in (0..main.frames() + late).step_by(block) {
        let to = (from + block).min(main.frames() + late);
        let mut now = part(main, from, to);
        control.clear();
        step.process(&mut now, &mut control).unwrap();
        append(&mut out, now);
        for ((clone, other), out) in clones.iter_mut().zip(others).zip(&mut outs) {
            let mut now = part(other, from, to);
            clone.follow(&mut now, &control).unwrap();
            append(out, now);
        }
    }
    for block in outs.iter_mut().chain([&mut out]) {
        block.channels.iter_mut().for_each(|c| drop(c.drain(..late)));
    }
    (out, outs)
}

fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

/// What is left of an error in a stretch, under the music around it.
fn error_db(clean: &[f64], mended: &[f64], from: usize, frames: usize) -> f64 {
    let error: f64 =
        (from..from + frames).map(|i| (clean[i] - mended[i]).powi(2)).sum::<f64>() / frames as f64;
    let around = from - 2000..from + frames + 2000;
    let sound: f64 = clean[around.clone()].iter().map(|s| s * s).sum::<f64>() / around.len() as f64;
    db(error / sound)
}

#[test]
fn clicks_at_given_times_go_and_nothing_else_is_touched() {
    let clean = music(RATE, 4.0);
    let mut noise = Noise(3);
    for (length_ms, most) in [(0.2, -30.0), (1.0, -14.0), (5.0, -4.0), (20.0, -1.0)] {
        let frames = (length_ms * f64::from(RATE) / 1000.0).round() as usize;
        let times = [0.65, 1.237, 2.9001, 3.4];
        let mut hurt = clean.clone();
        for at in times {
            let from = (at * f64::from(RATE)).round() as usize - frames / 2;
            scratch(&mut hurt.channels[1], from, frames, 0.5, &mut noise);
        }
        let mut step =
            Declick::new(read(&format!("at_s = {times:?}\nlength_ms = {length_ms}\nside = \"right\"")));
        let (out, _) = mend(&mut step, &hurt, &[], 1000);
        assert_eq!(out.channels[0], clean.channels[0]);
        let mut touched = 0;
        for (i, (a, b)) in out.channels[1].iter().zip(&hurt.channels[1]).enumerate() {
            let inside = times.iter().any(|at| {
                let from = (at * f64::from(RATE)).round() as usize - frames / 2;
                (from..from + frames).contains(&i)
            });
            assert!(inside || a.to_bits() == b.to_bits(), "{length_ms} ms: frame {i} was touched");
            touched += usize::from(inside);
        }
        assert_eq!(touched, 4 * frames);
        for at in times {
            let from = (at * f64::from(RATE)).round() as usize - frames / 2;
            let left = error_db(&clean.channels[1], &out.channels[1], from, frames);
            let before = error_db(&clean.channels[1], &hurt.channels[1], from, frames);
            println!("{length_ms} ms at {at}: {before:.1} -> {left:.1} dB");
            assert!(left < most, "{length_ms} ms at {at} s: {left:.1} dB, it was {before:.1}");
        }
        assert_eq!(step.told()[0], "4 clicks were drawn anew");
        assert_eq!(
            step.told()[2],
            format!("at 0:01.24, right: {frames} frames, {:.2} ms", frames as f64 / 44.1)
        );
    }
}

#[test]
fn planted_clicks_are_found_and_mended_and_clean_music_is_left() {
    let clean = music(RATE, 6.0);
    let found = |b: &Block, sensitivity: f64| {
        let mut step = Declick::new(read(&format!("sensitivity = {sensitivity}")));
        (mend(&mut step, b, &[], 3000).0, step.told())
    };
    for sensitivity in [0.0, 0.5, 1.0] {
        let (out, told) = found(&clean, sensitivity);
        assert!(out == clean, "{sensitivity}: {told:?}");
    }
    let mut hurt = clean.clone();
    let planted = [(0, 40_000, 0.08), (1, 84_000, -0.1), (0, 120_123, 0.3), (1, 204_000, 0.2)];
    for (channel, at, height) in planted {
        for (i, share) in [0.6, 1.0, -0.7, 0.3].into_iter().enumerate() {
            hurt.channels[channel][at + i] += height * share;
        }
    }
    let (out, told) = found(&hurt, 0.5);
    assert_eq!(told[0], "4 clicks were drawn anew", "{told:?}");
    for (channel, at, _) in planted {
        let left = error_db(&clean.channels[channel], &out.channels[channel], at - 10, 24);
        println!("found at {at}: {left:.1} dB");
        assert!(left < -35.0, "{at}: {left:.1} dB");
    }
    let changed =
        out.channels.iter().flatten().zip(hurt.channels.iter().flatten()).filter(|(a, b)| a != b).count();
    assert!(changed <= 4 * 40, "{changed}");
}

#[test]
fn alternates_are_drawn_with_the_mains_predictor_and_add_up() {
    let main = music(RATE, 2.0);
    let voice = song(RATE, 2.0, 0.2);
    let minus = |a: &Block, b: &Block| Block {
        channels: a
            .channels
            .iter()
            .zip(&b.channels)
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect())
            .collect(),
    };
    let rest = minus(&main, &voice);
    let mut step = Declick::new(read("at_s = [0.4, 0.402, 1.1, 1.5]\nlength_ms = 3"));
    let (out, others) = mend(&mut step, &main, &[&main, &voice, &rest], 700);
    assert!(out == others[0], "the main does not follow itself");
    assert!(out != main);
    let residual = minus(&minus(&out, &others[1]), &others[2]);
    let power = |b: &Block| b.channels.iter().flatten().map(|s| s * s).sum::<f64>();
    let left = db(power(&residual) / power(&out));
    println!("residual {left:.1} dB");
    assert!(left < -200.0, "{left:.1} dB");
}

#[test]
fn neither_blocks_nor_registers_change_a_bit() {
    let main = music(RATE, 1.0);
    let step = || Declick::new(read("at_s = [0.0, 0.3, 0.31, 0.99]\nlength_ms = 4\nsensitivity = 1"));
    let whole = mend(&mut step(), &main, &[&main], 100_000);
    for path in lanes::paths() {
        lanes::force(Some(path));
        for block in [13, 64, 5000] {
            assert!(mend(&mut step(), &main, &[&main], block) == whole, "{block}, {path:?}");
        }
        lanes::force(None);
    }
}

#[test]
fn a_sound_that_comes_late_is_mended_in_its_own_time() {
    let main = music(RATE, 1.0);
    let mut step = Declick::new(read("at_s = [0.5]"));
    let (due, _) = mend(&mut step, &main, &[], 500);
    let late = 777;
    let shifted = Block {
        channels: main
            .channels
            .iter()
            .map(|c| [vec![0.0; late], c.clone(), vec![0.0; step.latency_frames()]].concat())
            .collect(),
    };
    step.prepare(RATE, 2).unwrap();
    step.comes_late(late);
    let mut out = shifted;
    step.process(&mut out, &mut Control::default()).unwrap();
    for (out, due) in out.channels.iter().zip(&due.channels) {
        assert_eq!(out[late + step.latency_frames()..], due[..]);
    }
}

#[test]
fn what_cannot_be_meant_is_named() {
    let said = |text: &str, channels| {
        let settings = read(text);
        settings
            .check()
            .and_then(|()| Declick::new(settings).prepare(RATE, channels))
            .unwrap_err()
            .to_string()
    };
    assert!(said("", 2).contains("needs times"));
    assert!(said("at_s = [1]\nside = \"left\"", 1).contains("two channels"));
    assert!(
        said("at_s = [1, 1.015]\nlength_ms = 20", 2).contains("at 0:00.99 run into each other to 35.0 ms")
    );
    assert!(toml::from_str::<DeclickSettings>("at_s = [-1]").is_err());
    assert!(
        toml::from_str::<DeclickSettings>("at_s = [1]\nlength_ms = 30")
            .unwrap_err()
            .to_string()
            .contains("20 ms")
    );
    // After the end there is nothing to draw.
    let mut step = Declick::new(read("at_s = [0.1, 5]"));
    let main = music(RATE, 0.5);
    mend(&mut step, &main, &[], 500);
    assert!(step.told().join("; ").contains("2 given times lie after the end"), "{:?}", step.told());
    // Silence stays silence.
    let silence = Block::new(2, 9000);
    assert!(mend(&mut Declick::new(read("at_s = [0.1]")), &silence, &[], 500).0 == silence);
}
