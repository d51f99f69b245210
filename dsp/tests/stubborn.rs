//! Renders that are hard to bring to an end: what they must not do is fail, miss a target that can be had, or call reached what is not.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

mod render_kit;

use deadwax_dsp::{
    Block,
    recipe::Recipe,
    render::{Report, Role},
    write::Encoding,
};
use render_kit::*;

fn render(signal: &Block, rate: u32, text: &str) -> (Report, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let main = save(&dir.path().join("in.wav"), signal, rate, Encoding::Wav24);
    let report = run(&job(dir.path(), main, Recipe::parse(text).unwrap())).unwrap();
    (report, dir)
}

#[test]
fn white_noise_is_limited_and_never_a_fault() {
    let mut noise = Noise(3);
    let mono = Block { channels: vec![(0..3 * RATE).map(|_| 0.99 * noise.next()).collect()] };
    for (target, link) in [(-8.0, 1.0), (-7.5, 1.0), (-4.0, 1.0), (-8.0, 0.5)] {
        let text = format!("target_lufs = {target:.1}\n[limiter]\nlink = {link:.1}\n");
        let (report, dir) = render(&mono, RATE, &text);
        assert!(report.reached || report.reason.is_some());
        assert!(report.outputs[0].measurement.true_peak_dbtp <= -1.0, "{target}");
        // Noise reaches up to half the rate, where the kernels of two meters differ by a tenth of a decibel.
        let peak = true_peak_16x(&load(&dir.path().join("out").join(&report.outputs[0].file)));
        assert!(peak <= -0.95, "{target}: {peak} dBTP");
    }
}

#[test]
fn clicks_are_brought_to_a_level_that_needs_no_limiting() {
    // Clicks at the ends of gating steps, where a group of frames belongs to two of them.
    for (first, every) in [(17_632, usize::MAX), (0, 22_050), (8, 22_050)] {
        let mut signal = Block::new(2, 4 * RATE as usize);
        for channel in &mut signal.channels {
            channel.iter_mut().skip(first).step_by(every).for_each(|s| *s = 0.9);
        }
        let (report, _dir) = render(&signal, RATE, "target_lufs = -39.0\n[limiter]\n");
        assert!(report.reached, "{first} {every}: {:?}", report.reason);
    }
}

#[test]
fn a_lossy_file_that_is_limited_again_keeps_its_level() {
    let outputs = "[limiter]\n[[output]]\nencoding = \"mp3-320\"\n[[output]]\nencoding = \"mp3-v0\"\n[[output]]\nencoding = \"opus-160\"\n";
    let signal = song(48_000, 6.0, 0.9);
    for target in [-9.0, -14.0] {
        let (report, _dir) = render(&signal, 48_000, &format!("target_lufs = {target:.1}\n{outputs}"));
        let furthest = report
            .outputs
            .iter()
            .fold(0.0f64, |most, o| most.max((o.measurement.integrated_lufs - target).abs()));
        // What a coder adds to the peaks can ask for more limiting than has any effect; then the report says so.
        assert!(furthest <= if target == -14.0 { 0.1 } else { 0.2 }, "{target}: {furthest}");
        assert_eq!(report.reached, furthest <= 0.1, "{target}: {:?}", report.reason);
    }
    let (report, _dir) = render(
        &signal,
        48_000,
        &format!("[target]\nrange_lufs = [-9.5, -9.0]\nclean_reduction_db = 1.0\n{outputs}"),
    );
    let within = |lufs: f64| (-9.6..=-8.9).contains(&lufs);
    assert_eq!(report.reached, report.outputs.iter().all(|o| within(o.measurement.integrated_lufs)));
}

#[test]
fn an_alternate_is_turned_down_with_its_main() {
    let dir = tempfile::tempdir().unwrap();
    let mut signal = song(RATE, 2.0, 2.4);
    let main = save(&dir.path().join("in.wav"), &signal, RATE, Encoding::Wav32f);
    signal.channels.iter_mut().flatten().for_each(|s| *s *= 0.25);
    let alternate = save(&dir.path().join("alternate.wav"), &signal, RATE, Encoding::Wav32f);
    let mut job = job(dir.path(), main, Recipe::parse("input_gain_db = 0.1\n").unwrap());
    job.alternates.push(render_kit::alternate("inst", alternate, Role::Part));
    let outputs = run(&job).unwrap().outputs;
    let (main, inst) = (outputs[0].measurement.integrated_lufs, outputs[1].measurement.integrated_lufs);
    assert!((main - inst - 12.04).abs() < 0.1, "{main} {inst}");
}

#[test]
fn a_delivery_that_cannot_get_its_names_leaves_none() {
    let dir = tempfile::tempdir().unwrap();
    let main = save(&dir.path().join("in.wav"), &song(RATE, 1.0, 0.5), RATE, Encoding::Wav24);
    let job = job(dir.path(), main, recipe(Some(-14.0), &[(Encoding::Wav24, None), (Encoding::Wav16, None)]));
    std::fs::create_dir_all(job.out_dir.join("song_wav16_44100.wav")).unwrap();
    assert!(run(&job).is_err());
    assert_eq!(std::fs::read_dir(&job.out_dir).unwrap().count(), 1);
}

#[test]
fn just_one_gating_block_at_an_odd_rate_is_no_dispute() {
    for (rate, frames) in [(11_025, 4_410), (44_056, 17_623)] {
        let mut signal = song(rate, 1.0, 0.5);
        signal.channels.iter_mut().for_each(|c| c.truncate(frames));
        render(&signal, rate, "target_lufs = -14.0\n[limiter]\n");
    }
}
