//! Gain, fades, stereo image and saturation against their formulas; what is neutral is exact, and alternates follow.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot prepare its processors may panic

mod render_kit;

use std::f64::consts::PI;

use deadwax_dsp::{
    Block,
    fft::Fft,
    lanes,
    processors::{
        Control, Fade, FadeSettings, Gain, GainSettings, Oversampling, Processor, Saturate, SaturateSettings,
        Stereo, StereoSettings,
        fade::Shape,
        saturate::{Curve, DriveDb},
    },
};
use render_kit::{Noise, RATE, song};

fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn saturation(text: &str) -> Saturate {
    Saturate::new(read(text))
}

fn every_step() -> Vec<(&'static str, Box<dyn Processor>)> {
    let stereo = "swap = true\ninvert_left = true\nmid_gain_db = -1\nside_gain_db = 2\nedges_hz = [150, 3000]\n\
        widths = [0.2, 1, 1.5]\nmono_below_hz = 90\nbalance_db = 1.5";
    vec![
        ("trim", Box::new(Gain::trim(&read("gain_db = 1\nleft_db = -0.5\nright_db = 0.7")))),
        ("fade in", Box::new(Fade::new(read("direction = \"in\"\nfrom_s = 0.01\nto_s = 0.2")))),
        (
            "fade out",
            Box::new(Fade::new(read(
                "direction = \"out\"\nfrom_s = 0.1\nto_s = 0.5\nshape = \"equal-power\"",
            ))),
        ),
        ("stereo", Box::new(Stereo::new(read(stereo)))),
        ("soft", Box::new(saturation("curve = \"soft\"\ndrive_db = 9\noversampling = \"4x\""))),
        ("tape", Box::new(saturation("curve = \"tape\"\ndrive_db = 6"))),
        ("tube", Box::new(saturation("curve = \"tube\"\ndrive_db = 12\nasymmetry = 0.5"))),
        ("cubic", Box::new(saturation("curve = \"cubic\"\ndrive_db = 3"))),
        ("exciter", Box::new(saturation("curve = \"tube\"\ndrive_db = 20\nabove_hz = 3000"))),
    ]
}

fn part(input: &Block, from: usize, to: usize) -> Block {
    Block { channels: input.channels.iter().map(|c| c[from..to].to_vec()).collect() }
}

fn append(all: &mut Block, block: Block) {
    all.channels.resize(block.channels.len(), Vec::new());
    all.channels.iter_mut().zip(block.channels).for_each(|(all, c)| all.extend(c));
}

/// The main, and alternates beside it.
fn beside(step: &mut dyn Processor, main: &Block, others: &[&Block], block: usize) -> (Block, Vec<Block>) {
    let mut clones: Vec<Box<dyn Processor>> = others.iter().map(|_| step.clone_box()).collect();
    let (mut out, mut outs) = (Block::default(), vec![Block::default(); others.len()]);
    let mut control = Control::default();
    for from in (0..main.frames()).step_by(block) {
        let to = (from + block).min(main.frames());
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
    (out, outs)
}

fn through(step: &mut dyn Processor, main: &Block, block: usize) -> Block {
    beside(step, main, &[], block).0
}

fn same_bits(a: &Block, b: &Block) -> bool {
    let bits = |block: &Block| {
        block.channels.iter().map(|c| c.iter().map(|s| s.to_bits()).collect()).collect::<Vec<Vec<u64>>>()
    };
    bits(a) == bits(b)
}

fn db(power: f64) -> f64 {
    10.0 * power.log10()
}

fn power(block: &Block) -> f64 {
    block.channels.iter().flatten().map(|s| s * s).sum()
}

#[test]
fn neither_blocks_nor_registers_change_a_bit_nor_a_word() {
    let input = song(RATE, 0.6, 0.9);
    for (name, mut step) in every_step() {
        step.prepare(RATE, 2).unwrap();
        let whole = through(step.as_mut(), &input, input.frames());
        let told = step.told();
        assert!(!told.is_empty(), "{name} says nothing");
        for path in lanes::paths() {
            lanes::force(Some(path));
            for block in [1, 7, 64, 4096] {
                step.reset();
                let parts = through(step.as_mut(), &input, block);
                assert!(same_bits(&whole, &parts), "{name} in blocks of {block}, {path:?}");
                assert_eq!(told, step.told());
            }
            lanes::force(None);
        }
    }
}

#[test]
fn alternates_get_what_the_main_got_and_add_up_to_it() {
    let main = song(RATE, 0.6, 0.9);
    // A voice of noise and the rest, and something that has nothing to do with the main.
    let mut noise = Noise(7);
    let voice = Block {
        channels: main.channels.iter().map(|c| c.iter().map(|_| 0.2 * noise.next()).collect()).collect(),
    };
    let minus = |a: &Block, b: &Block| Block {
        channels: a
            .channels
            .iter()
            .zip(&b.channels)
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect())
            .collect(),
    };
    let rest = minus(&main, &voice);
    for (name, mut step) in every_step() {
        step.prepare(RATE, 2).unwrap();
        let (out, others) = beside(step.as_mut(), &main, &[&main, &voice, &rest], 1000);
        assert!(same_bits(&out, &others[0]), "{name}: the main does not follow itself");
        let residual = db(power(&minus(&minus(&out, &others[1]), &others[2])) / power(&out));
        // What is left is the rounding of the recursive filters.
        assert!(residual < -250.0, "{name}: {residual:.1} dB");
    }
}

#[test]
fn after_a_long_silence_nothing_of_the_sound_before_is_left() {
    for (name, mut step) in every_step().into_iter().filter(|(name, _)| !name.starts_with("fade")) {
        step.prepare(RATE, 2).unwrap();
        let input = song(RATE, 0.3, 0.9);
        let fresh = through(step.as_mut(), &input, 500);
        let rest = 256 - input.frames() % 256;
        through(step.as_mut(), &Block::new(2, rest + 256 * 1500), 4096);
        let again = through(step.as_mut(), &input, 500);
        assert!(same_bits(&fresh, &again), "{name} remembers");
    }
}

#[test]
fn what_is_neutral_leaves_every_bit() {
    let input = song(RATE, 0.3, 0.9);
    let neutral: Vec<Box<dyn Processor>> = vec![
        Box::new(Gain::trim(&GainSettings::default())),
        Box::new(Stereo::new(StereoSettings::default())),
        Box::new(Stereo::new(read("edges_hz = [200, 2000]\nwidths = [1, 1, 1]"))),
        Box::new(Fade::new(read("direction = \"out\"\nfrom_s = 10\nto_s = 20"))),
    ];
    for mut step in neutral {
        step.prepare(RATE, 2).unwrap();
        assert!(same_bits(&through(step.as_mut(), &input, 100), &input), "{:?}", step.told());
    }
}

#[test]
fn a_trim_is_its_decibels_on_its_side() {
    let mut trim = Gain::trim(&read("gain_db = -3\nleft_db = 1\nright_db = -2"));
    trim.prepare(RATE, 2).unwrap();
    let out = through(&mut trim, &Block { channels: vec![vec![1.0], vec![1.0]] }, 1);
    assert!((out.channels[0][0] - 10f64.powf(-0.1)).abs() < 1e-15);
    assert!((out.channels[1][0] - 10f64.powf(-0.25)).abs() < 1e-15);
    assert!(trim.prepare(RATE, 1).unwrap_err().to_string().contains("two channels"));
    assert_eq!(trim.told(), ["gain -2.00 dB left, -5.00 dB right"]);
}

#[test]
fn fades_are_their_formulas() {
    let ones = Block { channels: vec![vec![1.0; 1200]; 2] };
    type Formula = fn(f64) -> f64;
    let formulas: [(Shape, Formula); 4] = [
        (Shape::Linear, |u| u),
        (Shape::EqualPower, |u| (u * PI / 2.0).sin()),
        (Shape::Exponential, |u| (1000f64.powf(u) - 1.0) / 999.0),
        (Shape::SCurve, |u| (1.0 - (PI * u).cos()) / 2.0),
    ];
    for (shape, formula) in formulas {
        let fade = |direction: &str| {
            let token = shape.token();
            let mut fade = Fade::new(read(&format!(
                "direction = \"{direction}\"\nfrom_s = 0.1\nto_s = 0.9\nshape = \"{token}\""
            )));
            fade.prepare(1000, 2).unwrap();
            through(&mut fade, &ones, 77).channels[1].clone()
        };
        let (rise, fall) = (fade("in"), fade("out"));
        for i in 0..1200 {
            let u = ((i as f64 - 100.0) / 800.0).clamp(0.0, 1.0);
            assert!((rise[i] - formula(u)).abs() < 1e-12, "{shape:?} {i} {}", rise[i]);
            assert!((fall[i] - formula(1.0 - u)).abs() < 1e-12, "{shape:?} {i} {}", fall[i]);
        }
        assert!(
            rise[..=100].iter().chain(&fall[900..]).all(|g| *g == 0.0)
                && rise[900] == 1.0
                && fall[100] == 1.0
        );
    }
}

#[test]
fn a_fade_to_the_end_ends_with_the_song_however_late_it_comes() {
    let settings: FadeSettings = read("direction = \"out\"\nfrom_s = -0.25\nshape = \"linear\"");
    let song = Block { channels: vec![vec![1.0; 1000]] };
    let mut fade = Fade::new(settings);
    fade.prepare(1000, 1).unwrap();
    assert!(fade.studies());
    assert!(fade.process(&mut Block::new(1, 1), &mut Control::default()).is_err());
    for from in (0..1000).step_by(300) {
        fade.study(&part(&song, from, (from + 300).min(1000)));
    }
    fade.studied().unwrap();
    // What was heard stays when the real pass is made ready; the steps before hold back 40 frames.
    fade.prepare(1000, 1).unwrap();
    fade.comes_late(40);
    let out = through(&mut fade, &Block { channels: vec![vec![1.0; 1040]] }, 333);
    let due = |i: usize| (1.0 - (i as f64 - 790.0) / 250.0).clamp(0.0, 1.0);
    assert!(out.channels[0].iter().enumerate().all(|(i, s)| (s - due(i)).abs() < 1e-12));
    assert_eq!(fade.told(), ["fade out from 0:00.75 to 0:01.00, linear"]);
    // Too short a song says so.
    let mut long = Fade::new(read("direction = \"out\"\nfrom_s = -2"));
    long.prepare(1000, 1).unwrap();
    long.study(&song);
    assert!(long.studied().unwrap_err().to_string().contains("does not fit into a song of 1.00 s"));
    for (wrong, about) in [
        ("direction = \"in\"", "needs to_s"),
        ("direction = \"out\"\nto_s = 3", "needs from_s"),
        ("direction = \"in\"\nfrom_s = 3\nto_s = 3", "ends before it begins"),
        ("direction = \"out\"\nfrom_s = -3\nto_s = -4", "ends before it begins"),
    ] {
        let settings: FadeSettings = read(wrong);
        assert!(settings.check().unwrap_err().to_string().contains(about), "{wrong}");
        assert!(Fade::new(settings).prepare(1000, 1).is_err());
    }
}

/// Gain of the side and what of it comes out as middle, in the steady state, for a tone that is all side.
fn side_gain(settings: &str, hz: f64) -> f64 {
    let n = RATE as usize;
    let wave: Vec<f64> = (0..2 * n).map(|i| (2.0 * PI * hz * i as f64 / n as f64).sin()).collect();
    let input = Block { channels: vec![wave.clone(), wave.iter().map(|s| -s).collect()] };
    let mut step = Stereo::new(read(settings));
    step.prepare(RATE, 2).unwrap();
    let out = through(&mut step, &input, 5000);
    let side =
        |b: &Block| (n..2 * n).map(|i| (0.5 * (b.channels[0][i] - b.channels[1][i])).powi(2)).sum::<f64>();
    let middle: f64 = (n..2 * n).map(|i| (out.channels[0][i] + out.channels[1][i]).powi(2)).sum();
    assert!(middle < 1e-20 * n as f64, "{settings} at {hz}: the side comes out in the middle");
    (side(&out) / side(&input)).sqrt()
}

#[test]
fn the_width_of_each_band_is_its_first_order_formula() {
    // H = w2 + (w0 - w1) L(f0) + (w1 - w2) L(f1), L(f) = 1 / (1 + i tan(pi f / fs) / tan(pi fe / fs)).
    let settings = "edges_hz = [200, 4000]\nwidths = [0.25, 1, 1.6]";
    let warp = |hz: f64| (PI * hz / f64::from(RATE)).tan();
    for hz in [10.0, 50.0, 200.0, 1000.0, 4000.0, 9000.0, 20_000.0] {
        let low = |edge: f64| {
            let r = warp(hz) / warp(edge);
            (1.0 / (1.0 + r * r), -r / (1.0 + r * r))
        };
        let (a, b) = (low(200.0), low(4000.0));
        let (re, im) = (1.6 - 0.75 * a.0 - 0.6 * b.0, -0.75 * a.1 - 0.6 * b.1);
        let (found, due) = (side_gain(settings, hz), re.hypot(im));
        assert!((found - due).abs() < 1e-6, "{hz} Hz: {found} for {due}");
    }
    // Mono below: two Butterworth low cuts, -6 dB at the corner, 24 dB an octave.
    let mono = "mono_below_hz = 120";
    assert!((20.0 * side_gain(mono, 120.0).log10() + 6.02).abs() < 0.01);
    assert!((20.0 * (side_gain(mono, 30.0) / side_gain(mono, 15.0)).log10() - 24.0).abs() < 0.3);
    assert!((20.0 * side_gain("side_gain_db = -4.5", 700.0).log10() + 4.5).abs() < 1e-9);
    assert!(side_gain("widths = [0]", 500.0) < 1e-15);
}

#[test]
fn sides_change_places_turn_and_balance_as_stated() {
    let input = Block { channels: vec![vec![0.5, -0.25], vec![0.125, 1.0]] };
    let out = |settings: &str| {
        let mut step = Stereo::new(read(settings));
        step.prepare(RATE, 2).unwrap();
        (through(&mut step, &input, 2).channels, step.told().join("; "))
    };
    assert_eq!(out("swap = true").0, [input.channels[1].clone(), input.channels[0].clone()]);
    assert_eq!(out("invert_left = true").0, [vec![-0.5, 0.25], vec![0.125, 1.0]]);
    assert_eq!(out("swap = true\ninvert_right = true").0, [vec![0.125, 1.0], vec![-0.5, 0.25]]);
    let (balanced, told) = out("balance_db = 3");
    assert!((balanced[0][0] - 0.5 * 10f64.powf(-1.5 / 20.0)).abs() < 1e-15);
    assert!((balanced[1][1] - 10f64.powf(1.5 / 20.0)).abs() < 1e-15);
    assert_eq!(told, "balance: left -1.50 dB, right +1.50 dB");
    let (mono, _) = out("widths = [0]");
    assert_eq!(mono[0], mono[1]);
    assert_eq!(mono[0], [0.3125, 0.375]);
    let (middle, _) = out("mid_gain_db = -60\nside_gain_db = 0");
    assert!((middle[0][0] - (0.1875 + 0.3125e-3)).abs() < 1e-12);
    // One channel, or six, pass.
    let mut step = Stereo::new(read("widths = [0]"));
    step.prepare(RATE, 1).unwrap();
    let one = Block { channels: vec![vec![0.5, 0.25]] };
    assert_eq!(through(&mut step, &one, 2), one);
    assert!(step.told()[0].contains("1 channels"));
}

#[test]
fn wrong_bands_are_named() {
    for (wrong, about) in [
        ("edges_hz = [200, 100]\nwidths = [1, 1, 1]", "100 Hz comes after 200 Hz"),
        ("edges_hz = [200]\nwidths = [1]", "has 2 bands; it has 1 widths"),
        ("widths = [1, 1]", "has 1 bands; it has 2 widths"),
        ("edges_hz = [200]", "has 2 bands; it has 0 widths"),
        ("edges_hz = [30, 40, 50, 60, 70, 80, 90, 100]\nwidths = [1]", "7 are the most"),
    ] {
        let settings: StereoSettings = read(wrong);
        assert!(settings.check().unwrap_err().to_string().contains(about), "{wrong}");
    }
    let settings: StereoSettings = read("edges_hz = [23000]\nwidths = [1, 2]");
    settings.check().unwrap();
    assert!(Stereo::new(settings).prepare(44_100, 2).unwrap_err().to_string().contains("half the rate"));
    assert!(toml::from_str::<StereoSettings>("widths = [5]").unwrap_err().to_string().contains("0 to 4"));
    assert!(
        toml::from_str::<SaturateSettings>("drive_db = 99").unwrap_err().to_string().contains("-24 to 40 dB")
    );
    let settings: SaturateSettings = read("drive_db = 3\nasymmetry = 0.5");
    assert!(settings.check().unwrap_err().to_string().contains("no asymmetry"));
    let mut exciter = saturation("drive_db = 3\nabove_hz = 8000");
    assert!(exciter.prepare(16_000, 2).unwrap_err().to_string().contains("half the rate"));
}

/// Amplitudes of a tone's spectrum behind a step, at every hertz: the tone is whole hertz, the steady second is looked at.
fn spectrum(settings: &SaturateSettings, hz: usize, amplitude: f64) -> Vec<f64> {
    let n = RATE as usize;
    let wave = |i: usize| amplitude * (2.0 * PI * ((i * hz) % n) as f64 / n as f64).sin();
    let mut step = Saturate::new(settings.clone());
    step.prepare(RATE, 1).unwrap();
    // The filter against an offset takes its time.
    let out = through(&mut step, &Block { channels: vec![(0..3 * n).map(wave).collect()] }, 9999);
    let (mut re, mut im) = (out.channels[0][2 * n..].to_vec(), vec![0.0; n]);
    Fft::new(n).unwrap().forward(&mut re, &mut im);
    re.iter().zip(&im).take(n / 2).map(|(re, im)| 2.0 * re.hypot(*im) / n as f64).collect()
}

fn settings(curve: Curve, drive_db: f64, oversampling: Oversampling) -> SaturateSettings {
    SaturateSettings { oversampling, ..SaturateSettings::new(curve, DriveDb::at(drive_db)) }
}

#[test]
fn aliases_stay_as_far_under_the_tone_as_stated() {
    // Drive, and the most that is no harmonic under a tone of -6 dBFS: eightfold and fourfold, at 10 and at 15 kHz. The cubic curve clips from
    // 9.5 dB on and is stated apart.
    for (drive, most) in [
        (0.0, [[-165.0, -140.0], [-165.0, -135.0]]),
        (6.0, [[-155.0, -140.0], [-135.0, -88.0]]),
        (12.0, [[-145.0, -105.0], [-80.0, -55.0]]),
        (20.0, [[-78.0, -57.0], [-45.0, -32.0]]),
    ] {
        for (factor, most) in [Oversampling::Eight, Oversampling::Four].into_iter().zip(most) {
            for (hz, most) in [10_000, 15_000].into_iter().zip(most) {
                for curve in [Curve::Soft, Curve::Tape, Curve::Tube] {
                    let alias = alias_db(&settings(curve, drive, factor), hz);
                    assert!(
                        alias < most,
                        "{curve:?} at {hz} Hz, drive {drive} dB, {factor:?}: {alias:.1} dB"
                    );
                }
            }
        }
    }
    for (drive, hz, most) in [(6.0, 15_000, -145.0), (12.0, 10_000, -85.0), (12.0, 15_000, -75.0)] {
        let alias = alias_db(&settings(Curve::Cubic, drive, Oversampling::Eight), hz);
        assert!(alias < most, "cubic at {hz} Hz, drive {drive} dB: {alias:.1} dB");
    }
}

fn alias_db(settings: &SaturateSettings, hz: usize) -> f64 {
    let lines = spectrum(settings, hz, 0.5);
    let alias = lines.iter().enumerate().filter(|(i, _)| i % hz != 0).map(|(_, a)| *a).fold(0.0, f64::max);
    20.0 * (alias / lines[hz]).log10()
}

/// The curve as it is written down.
fn bent(curve: Curve, u: f64) -> f64 {
    let s = |x: f64| x / (1.0 + x * x).sqrt();
    match curve {
        Curve::Soft => s(u),
        Curve::Tape => u.tanh(),
        Curve::Tube => (s(u + 0.3) - s(0.3)) * (1.0f64 + 0.09).powf(1.5),
        Curve::Cubic if u.abs() < 1.5 => u - 4.0 / 27.0 * u.powi(3),
        Curve::Cubic => u.signum(),
    }
}

#[test]
fn harmonics_are_those_of_the_curve() {
    const POINTS: usize = 4096;
    let (hz, amplitude) = (1500, 0.5);
    for curve in Curve::ALL {
        for drive_db in [-12.0, 0.0, 6.0, 14.0] {
            let drive = 10f64.powf(drive_db / 20.0);
            let lines = spectrum(&settings(curve, drive_db, Oversampling::Eight), hz, amplitude);
            let reference = 10f64.powf(-12.0 / 20.0);
            let held = (bent(curve, drive * reference) - bent(curve, -drive * reference)) / (2.0 * reference);
            let harmonic = |k: usize| {
                let turn = |i: usize| 2.0 * PI * i as f64 / POINTS as f64;
                let (mut re, mut im) = (0.0, 0.0);
                for i in 0..POINTS {
                    let y = bent(curve, drive * amplitude * turn(i).sin()) / held;
                    re += y * (turn(i) * k as f64).cos() / POINTS as f64;
                    im += y * (turn(i) * k as f64).sin() / POINTS as f64;
                }
                2.0 * re.hypot(im)
            };
            for k in 1..=12 {
                let (found, due) = (lines[k * hz], harmonic(k));
                // The filter against an offset turns what is added by a thousandth of a right angle.
                assert!(
                    (found - due).abs() < if curve == Curve::Tube { 1e-5 } else { 1e-6 },
                    "{curve:?} at {drive_db} dB, harmonic {k}: {found} for {due}"
                );
            }
        }
    }
    // The third harmonic of the cubic curve in closed form: U^3/27 beside U - U^3/9.
    let lines = spectrum(&settings(Curve::Cubic, 6.0, Oversampling::Eight), 1000, 0.5);
    let u = 0.5 * 10f64.powf(0.3);
    assert!((lines[3000] / lines[1000] - u.powi(3) / 27.0 / (u - u.powi(3) / 9.0)).abs() < 1e-7);
    assert!((4..20).all(|k| lines[k * 1000] < 1e-9) && lines[2000] < 1e-12);
}

#[test]
fn the_reference_keeps_its_height_and_what_is_soft_passes_as_it_is() {
    for curve in Curve::ALL {
        let step = |drive_db: f64| {
            let mut step = Saturate::new(settings(curve, drive_db, Oversampling::Eight));
            step.prepare(RATE, 1).unwrap();
            step
        };
        let height = 10f64.powf(-12.0 / 20.0);
        let mut loud = step(18.0);
        let late = loud.latency_frames();
        assert_eq!(late, 109);
        // That an asymmetric curve keeps it in the mean of both signs is in its harmonics; of a steady height it takes the offset.
        if curve != Curve::Tube {
            let out = through(&mut loud, &Block { channels: vec![vec![height; 2000]] }, 999);
            assert!((out.channels[0][1000] / height - 1.0).abs() < 1e-12, "{curve:?}");
        }
        // An impulse of -120 dBFS comes out alone, as late as stated: also its part above the filters.
        let mut soft = step(0.0);
        let mut input = Block::new(1, 400);
        input.channels[0][100] = 1e-6;
        let out = through(&mut soft, &input, 50).channels.remove(0);
        let gain = out[100 + late] / 1e-6;
        assert!(gain > 1.0 && gain < 1.1, "{curve:?}: {gain}");
        let others = out
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != 100 + late)
            .map(|(_, s)| s.abs())
            .fold(0.0, f64::max);
        assert!(others < 1e-12, "{curve:?}: {others}");
    }
}

#[test]
fn an_exciter_adds_above_and_leaves_what_is_below() {
    let settings: SaturateSettings =
        read("curve = \"tube\"\ndrive_db = 18\nabove_hz = 4000\nasymmetry = 0.5");
    let low = spectrum(&settings, 200, 0.5);
    assert!((20.0 * (low[200] / 0.5).log10()).abs() < 0.05, "{}", low[200]);
    let added = |lines: &[f64], hz: usize| 20.0 * (lines[2 * hz] / lines[hz]).log10();
    assert!(added(&low, 200) < -100.0, "{}", added(&low, 200));
    let high = spectrum(&settings, 6000, 0.1);
    assert!((-40.0..-10.0).contains(&added(&high, 6000)), "{}", added(&high, 6000));
    // Two tones above make a difference tone below: it is kept down by the second cut.
    let n = RATE as usize;
    let wave = |i: usize| {
        [5000, 5300].iter().map(|hz| 0.1 * (2.0 * PI * ((i * hz) % n) as f64 / n as f64).sin()).sum()
    };
    let mut step = Saturate::new(settings);
    step.prepare(RATE, 1).unwrap();
    let out = through(&mut step, &Block { channels: vec![(0..2 * n).map(wave).collect()] }, 9999);
    let (mut re, mut im) = (out.channels[0][n..].to_vec(), vec![0.0; n]);
    Fft::new(n).unwrap().forward(&mut re, &mut im);
    let line = |hz: usize| 2.0 * re[hz].hypot(im[hz]) / n as f64;
    assert!(line(10_300) > 1e-2 && line(300) < line(10_300) / 150.0, "{} {}", line(300), line(10_300));
    assert!(step.told()[0].contains("above 4000 Hz"));
}
