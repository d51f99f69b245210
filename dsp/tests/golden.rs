//! The same bytes on every run, machine, path of the processor, size of block and number of threads (D-1): digests of renders of a synthesised song.
//! A change of them changes the sound that a recipe gives: it needs another number of the engine and a line in the changelog.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

mod render_kit;

use deadwax_dsp::{
    Block, Flow, lanes, math,
    recipe::Recipe,
    render::{self, Way},
    write::Encoding,
};
use render_kit::{Noise, job, save};

/// File name and SHA-256. To pin anew, put in what the failing test prints.
const PINNED: &[(&str, &str)] = &[
    ("loud_wav24_48000.wav", "c6b1a73729c6df6727d0b2c587d45cea59fe1966fe1b1644f363f28a601c80aa"),
    ("loud_wav16_48000.wav", "2173bc31b8adf9158896729d2b9664cec7b988f227d251e306336230267dfd76"),
    ("chain_wav24_48000.wav", "9511b33117a15a5144dc47dc7b9c25de6306bb39f50dc6081f876cc608507b47"),
    ("chain_flac16_44100.flac", "be0f9d0a2cd381173ea2f5cf24ea8158303496b04153d36bff6f713459dd993e"),
    ("copy_wav32f_48000.wav", "a0ddba57b9e51b2cecc98c5313ee425f96ec25c1620329ad8b3255290be2569d"),
    ("copy_wav16_32000.wav", "f44bdd38618cdced63abb751e69ec995adfb463c0ca271cf132e7bbf872b9fb1"),
];

/// What the recipes ask for.
const RECIPES: &[(&str, &str)] = &[
    (
        "loud",
        "target_lufs = -9.0\n[limiter]\n[[output]]\nencoding = \"wav24\"\n[[output]]\nencoding = \"wav16\"\n",
    ),
    (
        "chain",
        "target_lufs = -14.0\ndc_filter_hz = 3.0\n[[eq]]\nkind = \"bell\"\nhz = 900.0\ngain_db = 4.0\n[compressor]\nthreshold_db = -24.0\nratio = 3.0\n[limiter]\nlink = 0.5\n[[output]]\nencoding = \"wav24\"\n[[output]]\nencoding = \"flac16\"\nrate = 44100\ndither = \"shaped\"\n",
    ),
    ("copy", "[[output]]\nencoding = \"wav32f\"\n[[output]]\nencoding = \"wav16\"\nrate = 32000\n"),
];

/// Kicks, two tones and noise, from functions that give the same bits everywhere.
fn song(rate: u32, seconds: f64) -> Block {
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    let mut block = Block::new(2, (seconds * f64::from(rate)) as usize);
    for i in 0..block.frames() {
        let t = i as f64 / f64::from(rate);
        let beat = t % 0.5;
        let kick = math::exp(-beat / 0.06) * math::sin(2.0 * std::f64::consts::PI * 55.0 * beat);
        let tone = |hz: f64| 0.2 * math::sin(2.0 * std::f64::consts::PI * hz * t);
        let hat = 0.25 * math::exp(-(t % 0.25) / 0.03);
        block.channels[0][i] = 0.5 * (kick + tone(440.0) + hat * noise.next());
        block.channels[1][i] = 0.5 * (kick + tone(554.37) + hat * noise.next());
    }
    block
}

fn digests(way: Way) -> Vec<(String, String)> {
    let dir = tempfile::tempdir().unwrap();
    let main = save(&dir.path().join("in.wav"), &song(48_000, 3.0), 48_000, Encoding::Wav24);
    let mut all = Vec::new();
    for (name, text) in RECIPES {
        let mut job = job(dir.path(), main.clone(), Recipe::parse(text).unwrap());
        job.stem = (*name).into();
        let report = render::run_in(&job, way, &mut |_| Flow::Go).unwrap();
        all.extend(report.outputs.into_iter().map(|o| (o.file, o.sha256)));
    }
    all
}

#[test]
fn the_bytes_are_the_pinned_ones_on_every_path_block_size_and_thread_count() {
    let mut wrong = Vec::new();
    for (path, way) in [
        (None, Way { block_frames: 16_384, threads: 1 }),
        (None, Way { block_frames: 1_000, threads: 2 }),
        (Some(lanes::Path::Plain), Way { block_frames: 16_384, threads: 2 }),
    ] {
        lanes::force(path);
        let found = digests(way);
        lanes::force(None);
        let pinned = found.len() == PINNED.len()
            && found.iter().zip(PINNED).all(|(f, p)| (f.0.as_str(), f.1.as_str()) == *p);
        if !pinned {
            let lines: Vec<String> =
                found.iter().map(|(file, sha)| format!("    ({file:?}, {sha:?}),")).collect();
            wrong.push(format!("{path:?} {way:?} gave\n{}", lines.join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
