//! Alternates keyed to their main: instrumental and a cappella, mastered, add up to the mastered main (D-4), whatever the dynamics did; every file
//! keeps the ceiling (D-2) and has the main's length; and alternates never change what they must not.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

mod render_kit;

use std::path::Path;

use deadwax_dsp::{
    Block, DspError, Flow,
    processors::{insert::AllowedCommand, matching::Profile},
    recipe::Recipe,
    render::{self, Job, Report, Role, Way},
    write::Encoding,
};
use render_kit::*;

const SECONDS: f64 = 6.0;

/// A band and a voice: the voice comes and goes, and where it sings its fundamental lies against the bass, so that the band alone is higher there
/// than both together.
fn stems(rate: u32, seconds: f64) -> (Block, Block) {
    let mut band = song(rate, seconds, 0.3);
    let mut voice = Block::new(2, band.frames());
    for i in 0..band.frames() {
        let t = i as f64 / f64::from(rate);
        let sings = (2.0 * std::f64::consts::PI * 0.4 * t).sin().max(0.0);
        let tone = |hz: f64, phase: f64| (2.0 * std::f64::consts::PI * hz * t + phase).sin();
        let v = 0.16 * sings * (tone(220.0, 0.4) + 0.5 * tone(1_760.0, 1.0)) - 0.05 * sings * tone(55.0, 0.0);
        let beat = t % 0.5;
        let snap = 0.6 * (-beat / 0.004).exp() * (2.0 * std::f64::consts::PI * 1_800.0 * beat).sin();
        band.channels.iter_mut().for_each(|c| c[i] += snap);
        voice.channels[0][i] = v;
        voice.channels[1][i] = 0.9 * v;
    }
    (band, voice)
}

fn sum(a: &Block, b: &Block, gain: f64) -> Block {
    let plane = |(x, y): (&Vec<f64>, &Vec<f64>)| x.iter().zip(y).map(|(x, y)| x + gain * y).collect();
    Block { channels: a.channels.iter().zip(&b.channels).map(plane).collect() }
}

/// Writes band, voice and both together, and makes a job of them.
fn two_stems(dir: &Path, rate: u32, recipe: Recipe) -> Job {
    let (band, voice) = stems(rate, SECONDS);
    let main = save(&dir.join("main.wav"), &sum(&band, &voice, 1.0), rate, Encoding::Wav32f);
    let mut job = job(dir, main, recipe);
    job.alternates = vec![
        alternate("instrumental", save(&dir.join("band.wav"), &band, rate, Encoding::Wav32f), Role::Part),
        alternate("a-cappella", save(&dir.join("voice.wav"), &voice, rate, Encoding::Wav32f), Role::Part),
    ];
    job.sums = vec![vec!["instrumental".into(), "a-cappella".into()]];
    job
}

fn text(chain: &str, target: f64, outputs: &[&str]) -> Recipe {
    let outputs: String = outputs.iter().map(|o| format!("[[output]]\nencoding = \"{o}\"\n")).collect();
    Recipe::parse(&format!("target_lufs = {target:.1}\n{chain}\n[limiter]\n{outputs}")).unwrap()
}

/// Energy of what is left of the main file when those of the parts are taken from it, against the main, in decibels: read from the files.
fn residual_db(job: &Job, report: &Report, encoding: &str) -> f64 {
    let file = |token: &str| {
        let o = report.outputs.iter().find(|o| o.alternate == token && o.encoding == encoding).unwrap();
        load(&job.out_dir.join(&o.file))
    };
    let (main, a, b) = (file("main"), file("instrumental"), file("a-cappella"));
    let left = sum(&main, &sum(&a, &b, 1.0), -1.0);
    let energy = |block: &Block| block.channels.iter().flatten().map(|s| s * s).sum::<f64>();
    10.0 * (energy(&left) / energy(&main)).log10()
}

fn keeps_the_ceiling(job: &Job, report: &Report) {
    for output in &report.outputs {
        let peak = true_peak_16x(&load(&job.out_dir.join(&output.file)));
        assert!(peak <= output.ceiling_dbtp, "{}: {peak} dBTP", output.file);
    }
}

/// Every kind of step whose gain follows the sound.
const DYNAMICS: &[(&str, &str)] = &[
    ("limiter alone", ""),
    ("compressor", "[compressor]\nthreshold_db = -26.0\nratio = 4.0\nattack_ms = 5.0\n"),
    (
        "equaliser, compressor with a key, width",
        "dc_filter_hz = 5.0\n[[eq]]\nkind = \"bell\"\nhz = 300.0\ngain_db = 5.0\n[compressor]\nthreshold_db = -30.0\nratio = 8.0\nsensing = \"peak\"\nkey_low_cut_hz = 120.0\n[width]\nwidth = 1.3\nmono_below_hz = 120.0\n",
    ),
    (
        "compressor with look-ahead, in the middle, half mixed in",
        "[[step]]\nkind = \"compressor\"\nmix = 0.5\nthreshold_db = -30.0\nratio = 6.0\nlookahead_ms = 4.0\nslow_release_ms = 600.0\n",
    ),
    (
        "multiband",
        "[[step]]\nkind = \"multiband\"\nedges_hz = [150.0, 2000.0]\n[[step.band]]\nthreshold_db = -30.0\nratio = 4.0\n[[step.band]]\nthreshold_db = -34.0\n[[step.band]]\nthreshold_db = -40.0\nratio = 3.0\n",
    ),
    (
        "dynamic equaliser and de-esser",
        "[[step]]\nkind = \"dynamic-eq\"\n[[step.band]]\nhz = 1760.0\nthreshold_db = -40.0\nrange_db = -9.0\n[[step]]\nkind = \"de-esser\"\nthreshold_db = -20.0\n",
    ),
];

#[test]
fn instrumental_and_a_cappella_add_up_to_the_main_through_every_dynamic_step() {
    for (name, chain) in DYNAMICS {
        for target in [-14.0, -8.0] {
            let dir = tempfile::tempdir().unwrap();
            let job = two_stems(dir.path(), 48_000, text(chain, target, &["wav32f", "wav24"]));
            let report = run(&job).unwrap();
            assert!(report.reached, "{name} at {target}: {:?}", report.reason);
            let limited = report.max_gain_reduction_db;
            assert!(target < -10.0 || limited > 4.0, "{name}: the limiter works, {limited} dB");
            let said = &report.sums[0];
            assert!(said.sources_residual_db < -140.0, "{}", said.sources_residual_db);
            for files in &said.files {
                let found = residual_db(&job, &report, &files.encoding);
                assert!((found - files.residual_db).abs() < 0.01, "{name}: {found} {}", files.residual_db);
                if files.encoding == "wav32f" {
                    // Each file is rounded to 24 bits of mantissa twice, in the scratch file and at the end.
                    assert!(found < -140.0, "{name} at {target}: {found} dB");
                } else {
                    assert!((found - files.quantising_db).abs() < 3.5, "{found} {}", files.quantising_db);
                    assert!(found < -120.0, "{name} at {target}: {found} dB");
                }
            }
            keeps_the_ceiling(&job, &report);
            for o in &report.outputs {
                assert_eq!(o.measurement.frames, report.input.frames, "{}", o.file);
                assert!(o.guarded.is_none(), "{name} at {target}: {:?}", o.guarded);
            }
        }
    }
}

#[test]
fn they_add_up_at_another_rate_and_at_16_bits_too() {
    let dir = tempfile::tempdir().unwrap();
    let outputs =
        [(Encoding::Wav32f, Some(44_100)), (Encoding::Wav16, Some(44_100)), (Encoding::Wav24, None)];
    let job = two_stems(dir.path(), 48_000, recipe(Some(-9.0), &outputs));
    let report = run(&job).unwrap();
    assert!(report.reached, "{:?}", report.reason);
    let residual = |encoding: &str| {
        report.sums[0]
            .files
            .iter()
            .find(|f| f.encoding == encoding)
            .map(|f| (f.residual_db, f.quantising_db))
            .unwrap()
    };
    assert!(residual("wav32f").0 < -140.0);
    let (found, expected) = residual("wav16");
    assert!((found - expected).abs() < 3.5, "{found} {expected}");
    keeps_the_ceiling(&job, &report);
}

fn digests(report: &Report, of: &str) -> Vec<String> {
    let mut all: Vec<String> =
        report.outputs.iter().filter(|o| o.alternate == of).map(|o| o.sha256.clone()).collect();
    all.sort();
    all
}

#[test]
fn order_and_company_change_nothing_and_a_vocal_up_leaves_the_main_alone() {
    let dir = tempfile::tempdir().unwrap();
    let job = two_stems(dir.path(), 44_100, text(DYNAMICS[1].1, -8.0, &["wav24"]));
    let first = run(&job).unwrap();
    let (band, voice) = stems(44_100, SECONDS);
    let loud = save(&dir.path().join("up.wav"), &sum(&band, &voice, 4.0), 44_100, Encoding::Wav32f);
    let mut more = job.clone();
    more.alternates.reverse();
    more.alternates.insert(1, alternate("vocal-up+12.0", loud, Role::Whole));
    let second = run(&more).unwrap();
    for token in ["main", "instrumental", "a-cappella"] {
        assert_eq!(digests(&first, token), digests(&second, token), "{token}");
    }
    keeps_the_ceiling(&more, &second);
    let up = second.outputs.iter().find(|o| o.alternate == "vocal-up+12.0").unwrap();
    let guard = up.guarded.as_ref().expect("so loud a voice is over the ceiling under the main's gains");
    assert!(guard.reduction_db > 0.5 && !guard.places.is_empty() && guard.residual_db.is_finite());
    assert!(guard.places.windows(2).all(|p| p[0].reduction_db >= p[1].reduction_db));
    assert!(second.warnings.iter().any(|w| w.contains("vocal-up+12.0") && w.contains("of its own")));
    // A part whose voice alone fits under the main's gains leaves the main as it is without alternates.
    let mut quiet = job.clone();
    quiet.alternates.retain(|a| a.token == "a-cappella");
    quiet.sums.clear();
    save(
        &quiet.alternates[0].path,
        &sum(&Block::new(2, voice.frames()), &voice, 0.1),
        44_100,
        Encoding::Wav32f,
    );
    let alone = run(&Job { alternates: Vec::new(), sums: Vec::new(), ..job.clone() }).unwrap();
    assert_eq!(digests(&run(&quiet).unwrap(), "main"), digests(&alone, "main"));
}

#[test]
fn size_of_blocks_and_number_of_threads_change_no_byte_of_any_file() {
    let dir = tempfile::tempdir().unwrap();
    let outputs = [(Encoding::Wav24, None), (Encoding::Flac16, Some(44_100))];
    let mut job = two_stems(dir.path(), 48_000, recipe(Some(-9.0), &outputs));
    job.recipe = Recipe { compressor: text(DYNAMICS[1].1, -9.0, &["wav24"]).compressor, ..job.recipe };
    let mut first: Option<Vec<String>> = None;
    for (block_frames, threads) in [(16_384, 1), (1, 2), (4_999, 1)] {
        let report = render::run_in(&job, Way { block_frames, threads }, &mut |_| Flow::Go).unwrap();
        let all: Vec<String> = report.outputs.iter().map(|o| o.sha256.clone()).collect();
        assert_eq!(first.get_or_insert(all.clone()), &all, "blocks of {block_frames}");
    }
}

/// A tone and the same tone turned over and softer: the part is higher than the main wherever both sound.
fn opposed(by: f64) -> (Block, Block) {
    let band = song(RATE, 4.0, 0.6);
    let against =
        Block { channels: band.channels.iter().map(|c| c.iter().map(|s| -by * s).collect()).collect() };
    (band, against)
}

#[test]
fn a_part_over_the_ceiling_is_shared_or_guarded_as_the_amount_says() {
    for (by, shared) in [(0.15, true), (0.5, false)] {
        let dir = tempfile::tempdir().unwrap();
        let (band, against) = opposed(by);
        let mut job = two_stems(dir.path(), RATE, text("", -11.0, &["wav32f"]));
        save(&job.main, &sum(&band, &against, 1.0), RATE, Encoding::Wav32f);
        save(&job.alternates[0].path, &band, RATE, Encoding::Wav32f);
        save(&job.alternates[1].path, &against, RATE, Encoding::Wav32f);
        let report = run(&job).unwrap();
        keeps_the_ceiling(&job, &report);
        let band_report = &report.alternates[0];
        // The band is 1/(1-by) times the main.
        let over = -20.0 * (1.0 - by).log10();
        assert!((band_report.over_db - over).abs() < 0.2, "{} {over}", band_report.over_db);
        assert_eq!(band_report.shared, shared);
        let found = residual_db(&job, &report, "wav32f");
        let guard = report.outputs.iter().find_map(|o| o.guarded.as_ref());
        if shared {
            assert!(found < -140.0 && guard.is_none(), "{found} {guard:?}");
            assert!(
                report.warnings.iter().any(|w| w.contains("deeper so that instrumental")),
                "{:?}",
                report.warnings
            );
        } else {
            let guard = guard.unwrap();
            assert!((guard.residual_db - found).abs() < 0.1, "said {}, found {found}", guard.residual_db);
            assert!(guard.reduction_db > 5.5 && guard.reduction_db < 6.5);
        }
        job.alternates.pop();
        job.sums.clear();
        assert!(run(&job).unwrap().sums.is_empty());
    }
}

#[test]
fn a_part_never_costs_the_main_its_target() {
    let dir = tempfile::tempdir().unwrap();
    let (band, against) = opposed(0.25);
    let mut job = two_stems(dir.path(), RATE, text("", -8.3, &["wav24"]));
    save(&job.main, &sum(&band, &against, 1.0), RATE, Encoding::Wav32f);
    save(&job.alternates[0].path, &band, RATE, Encoding::Wav32f);
    save(&job.alternates[1].path, &against, RATE, Encoding::Wav32f);
    let report = run(&job).unwrap();
    let over = report.alternates[0].over_db;
    assert!(over > 2.0 && over < 3.0, "near enough to be shared: {over}");
    assert!(report.reached && !report.alternates[0].shared, "{:?}", report.reason);
    assert!(report.warnings.iter().any(|w| w.contains("it would cost the main")), "{:?}", report.warnings);
    keeps_the_ceiling(&job, &report);
    let guarded = report.outputs.iter().find_map(|o| o.guarded.as_ref()).unwrap();
    assert!(guarded.reduction_db > 1.5 && guarded.residual_db < 0.0);
    job.alternates.clear();
    job.sums.clear();
    assert_eq!(digests(&report, "main"), digests(&run(&job).unwrap(), "main"));
}

#[test]
fn without_a_limiter_parts_are_turned_down_with_their_main() {
    let dir = tempfile::tempdir().unwrap();
    let mut recipe = text("", -9.0, &["wav32f"]);
    recipe.limiter = None;
    let job = two_stems(dir.path(), 48_000, recipe);
    let report = run(&job).unwrap();
    assert!(!report.reached && report.reason.as_ref().unwrap().contains("no limiter"));
    keeps_the_ceiling(&job, &report);
    assert!(residual_db(&job, &report, "wav32f") < -140.0);
}

#[test]
fn lengths_rates_and_channels_that_differ_have_a_defined_result() {
    let dir = tempfile::tempdir().unwrap();
    let (band, voice) = stems(48_000, 3.0);
    let main = save(&dir.path().join("main.wav"), &sum(&band, &voice, 1.0), 48_000, Encoding::Wav32f);
    let with = |name: &str, block: &Block, rate: u32, role: Role| {
        let mut job = job(dir.path(), main.clone(), text(DYNAMICS[1].1, -12.0, &["wav24"]));
        job.alternates =
            vec![alternate("inst", save(&dir.path().join(name), block, rate, Encoding::Wav32f), role)];
        job
    };
    let frames = 3 * 48_000;
    let (long, _) = stems(48_000, 3.5);
    let report = run(&with("long.wav", &long, 48_000, Role::Part)).unwrap();
    let reason = report.reason.unwrap();
    assert!(
        !report.reached && reason.contains("inst is 0.50 s longer") && reason.contains("dBFS"),
        "{reason}"
    );
    assert!(report.outputs.iter().all(|o| o.measurement.frames == frames));

    let mut padded = band.clone();
    padded.channels.iter_mut().for_each(|c| c.resize(c.len() + 48_000, 0.0004));
    let report = run(&with("padded.wav", &padded, 48_000, Role::Part)).unwrap();
    assert!(
        report.reached && report.warnings.iter().any(|w| w.contains("1.00 s longer")),
        "{:?}",
        report.warnings
    );

    let mut short = band.clone();
    short.channels.iter_mut().for_each(|c| c.truncate(96_000));
    let report = run(&with("short.wav", &short, 48_000, Role::Part)).unwrap();
    assert!(report.reached && report.warnings.iter().any(|w| w.contains("1.00 s shorter")));
    assert!(report.outputs.iter().all(|o| o.measurement.frames == frames));
    let report = run(&with("short.wav", &short, 48_000, Role::Edit)).unwrap();
    assert!(report.reached && !report.alternates[0].keyed);
    assert_eq!(report.outputs[1].measurement.frames, 96_000, "an edit keeps its length");

    let (other, _) = stems(44_100, 3.0);
    let report = run(&with("other.wav", &other, 44_100, Role::Part)).unwrap();
    assert!(report.warnings.iter().any(|w| w.contains("44100 Hz")), "{:?}", report.warnings);
    assert_eq!(report.outputs[1].measurement.frames, frames);

    let mono = Block { channels: vec![band.channels[0].clone()] };
    let job = with("mono.wav", &mono, 48_000, Role::Part);
    let report = run(&job).unwrap();
    let out = load(&job.out_dir.join(&report.outputs[1].file));
    let correlated = report.outputs[1].measurement.correlation;
    assert!(out.channels.len() == 2 && correlated > 0.999_999, "{correlated}");

    let silent = run(&with("silent.wav", &Block::new(2, frames as usize), 48_000, Role::Part)).unwrap();
    assert!(silent.reached && silent.warnings.iter().any(|w| w.contains("silent from beginning to end")));

    let mono_main = save(&dir.path().join("mono-main.wav"), &mono, 48_000, Encoding::Wav32f);
    let job = Job { main: mono_main, ..with("stereo.wav", &band, 48_000, Role::Part) };
    let refused = run(&job);
    assert!(
        matches!(&refused, Err(DspError::Invalid(why)) if why.contains("2 channels beside a main of 1")),
        "{refused:?}"
    );
}

#[test]
fn lossy_files_keep_the_ceiling_and_come_near() {
    let dir = tempfile::tempdir().unwrap();
    let job = two_stems(dir.path(), 48_000, text("", -9.0, &["mp3-320", "wav24"]));
    let report = run(&job).unwrap();
    keeps_the_ceiling(&job, &report);
    let files = &report.sums[0].files;
    let lossy = files.iter().find(|f| f.encoding == "mp3-320").unwrap();
    assert!(lossy.residual_db < -20.0, "{}", lossy.residual_db);
    assert!(files.iter().find(|f| f.encoding == "wav24").unwrap().residual_db < -120.0);
}

#[test]
fn an_empty_chain_hands_alternates_on_at_the_length_of_the_main() {
    let dir = tempfile::tempdir().unwrap();
    let copy = Recipe::parse("[[output]]\nencoding = \"wav32f\"\n").unwrap();
    let mut job = two_stems(dir.path(), 48_000, copy);
    let (long, _) = stems(48_000, SECONDS + 1.0);
    save(&job.alternates[0].path, &long, 48_000, Encoding::Wav32f);
    let report = run(&job).unwrap();
    assert!(
        !report.reached && report.reason.as_ref().unwrap().contains("1.00 s longer"),
        "{:?}",
        report.reason
    );
    assert!(report.outputs.iter().all(|o| o.measurement.frames == report.input.frames));
    assert!(report.sums[0].files[0].residual_db < -140.0);
    job.sums[0].push("nobody".into());
    assert!(matches!(run(&job), Err(DspError::Invalid(why)) if why.contains("nobody")));
}

#[test]
fn outputs_with_levels_of_their_own_are_met_in_one_job_and_do_not_move_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let text = "target_lufs = -14.0\n[limiter]\n[[output]]\nencoding = \"wav24\"\n";
    let more = "[[output]]\nencoding = \"wav24\"\ntarget_lufs = -9.0\nceiling_dbtp = -2.0\n[[output]]\nencoding = \"wav24\"\nrate = 44100\ntarget_lufs = -9.0\nceiling_dbtp = -2.0\n";
    let plain = two_stems(dir.path(), 48_000, Recipe::parse(text).unwrap());
    let both = Job { recipe: Recipe::parse(&format!("{text}{more}")).unwrap(), ..plain.clone() };
    let (plain, report) = (run(&plain).unwrap(), run(&both).unwrap());
    assert!(report.reached, "{:?}", report.reason);
    assert_eq!(report.outputs.len(), 9);
    for o in &report.outputs {
        let peak = true_peak_16x(&load(&both.out_dir.join(&o.file)));
        assert!(peak <= o.ceiling_dbtp, "{}: {peak} over {}", o.file, o.ceiling_dbtp);
        if o.alternate == "main" {
            assert!((o.measurement.integrated_lufs - o.target_lufs.unwrap()).abs() <= 0.02, "{}", o.file);
        }
    }
    for file in ["song_wav24_48000.wav", "song_instrumental_wav24_48000.wav"] {
        let sha = |r: &Report| r.outputs.iter().find(|o| o.file == file).unwrap().sha256.clone();
        assert_eq!(sha(&plain), sha(&report), "{file}");
    }
    assert!(report.outputs.iter().any(|o| o.file == "song_a-cappella_wav24_44100_-9LUFS_-2dBTP.wav"));
    assert_eq!(report.sums[0].files.len(), 3);
    assert!(report.sums[0].files.iter().all(|f| f.residual_db < -120.0));
}

#[test]
fn each_step_is_told_and_written_out() {
    let dir = tempfile::tempdir().unwrap();
    let chain = "input_gain_db = 6.0\n[[eq]]\nkind = \"bell\"\nhz = 300.0\ngain_db = 5.0\n[compressor]\nthreshold_db = -30.0\nratio = 8.0\n";
    let mut job = two_stems(dir.path(), 48_000, text(chain, -12.0, &["wav24"]));
    let silent = run(&job).unwrap();
    assert!(silent.steps.is_empty() && silent.sheet.is_none());
    (job.explain, job.write_steps) = (true, Some(dir.path().join("steps")));
    let report = run(&job).unwrap();
    assert_eq!(digests(&silent, "main"), digests(&report, "main"), "looking on changes nothing");
    let step = |title: &str| report.steps.iter().find(|s| s.title == title).unwrap();
    let change = |title: &str| {
        let [a, b] = step(title).lufs.unwrap();
        b.unwrap() - a.unwrap()
    };
    assert!((change("input gain") - 6.0).abs() < 1e-9);
    assert!(change("compressor") < -3.0);
    assert_eq!(step("input gain").lufs.unwrap()[0], Some(report.input.integrated_lufs));
    assert!(step("level").did[0].starts_with("gain ") && step("limiter").did[0].contains("dB"));
    assert!(step("limiter").lufs.is_none());
    let main = load(&job.main);
    let gained = load(&dir.path().join("steps/01_input-gain.wav"));
    let factor = 10f64.powf(6.0 / 20.0);
    let worst = main.channels[0].iter().zip(&gained.channels[0]).map(|(a, b)| (a * factor - b).abs());
    assert!(worst.fold(0.0, f64::max) < 1e-6);
    for file in ["02_eq.wav", "03_compressor.wav"] {
        assert_eq!(load(&dir.path().join("steps").join(file)).frames(), main.frames(), "{file}");
    }
    assert_eq!(std::fs::read_dir(dir.path().join("steps")).unwrap().count(), 3);
    let sheet = report.sheet.as_ref().unwrap();
    let names: Vec<&str> = sheet.reduction.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["compressor", "limiter"]);
    let limiter = sheet.reduction[1].lowest_db;
    assert!((f64::from(-limiter) - report.max_gain_reduction_db).abs() < 0.02, "{limiter}");
    assert!(sheet.before.lufs.is_some() && !sheet.before.spectrum.is_empty());
    assert!((sheet.after.lufs.unwrap() + 12.0).abs() < 0.02);
    assert!(sheet.sums[0].holds, "{:?}", sheet.sums);
}

fn shell(line: &str) -> AllowedCommand {
    toml::from_str(&format!("program = \"/bin/sh\"\nargs = [\"-c\", {line:?}]\n")).unwrap()
}

#[test]
fn an_insert_is_refused_unless_allowed_and_then_said_to_be_neither_keyed_nor_reproducible() {
    let dir = tempfile::tempdir().unwrap();
    let chain = "input_gain_db = 3.0\n[[step]]\nkind = \"insert\"\nname = \"box\"\ncommand = \"it\"\n[[step]]\nkind = \"compressor\"\nthreshold_db = -30.0\nratio = 4.0\nlookahead_ms = 3.0\n";
    let mut job = two_stems(dir.path(), 48_000, text(chain, -14.0, &["wav32f"]));
    assert!(matches!(run(&job), Err(DspError::Invalid(why)) if why.contains("allows no inserts")));
    assert!(std::fs::read_dir(&job.out_dir).map_or(true, |mut d| d.next().is_none()));
    job.allowed.commands.insert("it".into(), shell("cat"));
    (job.explain, job.write_steps) = (true, Some(dir.path().join("steps")));
    let report = run(&job).unwrap();
    assert!(report.reached && !report.reproducible, "{:?}", report.reason);
    assert!(report.warnings.iter().any(|w| w.contains("command")), "{:?}", report.warnings);
    // A command that changes nothing leaves what the rest of the chain does keyed.
    assert!(residual_db(&job, &report, "wav32f") < -140.0);
    let titles: Vec<&str> = report.steps.iter().map(|s| s.title.as_str()).collect();
    assert_eq!(titles[..3], ["input gain", "box", "compressor"]);
    let [a, b] = report.steps[1].lufs.unwrap();
    assert!((a.unwrap() - b.unwrap()).abs() < 1e-6 && report.steps[2].lufs.unwrap()[0] == b);
    let names = ["01_input-gain.wav", "02_box.wav", "03_compressor.wav"];
    let [one, two, three] = names.map(|name| load(&dir.path().join("steps").join(name)));
    assert!(one == two && one.frames() == three.frames());
    // The bytes are those without the insert: its floats hold what the scratch holds.
    let without = Job {
        recipe: text(
            &chain.replace("kind = \"insert\"", "kind = \"insert\"\nbypass = true"),
            -14.0,
            &["wav32f"],
        ),
        ..job.clone()
    };
    assert!(run(&without).unwrap().reproducible);
    job.allowed.commands.insert("it".into(), shell("head -c 1000; exit 3"));
    assert!(matches!(run(&job), Err(DspError::Invalid(why)) if why.contains("code 3")));
    assert_eq!(
        std::fs::read_dir(&job.out_dir).unwrap().count(),
        3,
        "the files of the render before, no more"
    );
}

#[test]
fn a_step_that_must_hear_the_whole_main_is_the_same_for_its_alternates() {
    let dir = tempfile::tempdir().unwrap();
    let (reference, _) = stems(48_000, 4.0);
    let reference = save(&dir.path().join("reference.wav"), &reference, 48_000, Encoding::Wav24);
    let chain = "[[step]]\nkind = \"match\"\ntone = 1.0\nreference = \"reference.wav\"\n[[step]]\nkind = \"compressor\"\nthreshold_db = -30.0\nratio = 4.0\n";
    let heard =
        text(chain, -12.0, &["wav32f"]).with_references(&mut |_| Profile::of_file(&reference)).unwrap();
    let job = two_stems(dir.path(), 48_000, heard);
    let report = run(&job).unwrap();
    assert!(report.reached, "{:?}", report.reason);
    assert!(residual_db(&job, &report, "wav32f") < -120.0, "{}", residual_db(&job, &report, "wav32f"));
}
