//! The whole render on files: targets, ceilings, formats, alternates, repeatability, and what happens with odd input.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

mod render_kit;

use deadwax_dsp::{
    Block, DspError, Flow,
    recipe::{LimiterRecipe, Recipe, shipped},
    render::{self, ENGINE, Role, Way},
    write::Encoding,
};
use render_kit::*;

#[test]
fn minus_14_and_minus_9_are_met_and_the_ceiling_holds_on_every_file() {
    let dir = tempfile::tempdir().unwrap();
    for (level, target) in [(0.5, -14.0), (0.1, -14.0), (0.9, -14.0), (0.5, -9.0)] {
        let main = save(&dir.path().join("in.wav"), &song(48_000, 12.0, level), 48_000, Encoding::Wav24);
        let outputs = [(Encoding::Wav24, None), (Encoding::Wav16, Some(44_100)), (Encoding::Flac24, None)];
        let job = job(dir.path(), main, recipe(Some(target), &outputs));
        let report = run(&job).unwrap();
        assert!(report.reached, "{level} to {target}: {:?}", report.reason);
        assert_eq!((report.engine, report.outputs.len()), (ENGINE, 3));
        for output in &report.outputs {
            let lufs = output.measurement.integrated_lufs;
            assert!((lufs - target).abs() <= 0.02, "{}: {lufs}", output.file);
            assert!((output.second_meter_lufs.unwrap() - lufs).abs() < 0.05);
            let peak = true_peak_16x(&load(&job.out_dir.join(&output.file)));
            assert!(peak <= -1.0, "{level} to {target}, {}: {peak} dBTP", output.file);
        }
        if report.max_gain_reduction_db > 0.5 {
            let peak = report.outputs[0].measurement.true_peak_dbtp;
            assert!(peak > -1.15, "no more is given away than needed: {peak}");
        }
    }
}

/// Signals that are hard on a limiter or on a meter, with what they are called.
fn hard_signals() -> Vec<(&'static str, Block)> {
    let n = 3 * RATE as usize;
    let mut noise = Noise(77);
    let turn = |hz: f64, i: usize| 2.0 * std::f64::consts::PI * hz * i as f64 / f64::from(RATE);
    let of = |f: &mut dyn FnMut(usize) -> f64| Block { channels: vec![(0..n).map(f).collect(); 2] };
    vec![
        ("11 kHz at 45 degrees", of(&mut |i| 0.5 * (turn(11_025.0, i) + 0.785).sin())),
        ("11 kHz beside a bass", of(&mut |i| 0.4 * (turn(11_000.0, i)).sin() + 0.5 * turn(50.0, i).sin())),
        ("square", of(&mut |i| if (i / 100) % 2 == 0 { 0.9 } else { -0.9 })),
        ("clipped", of(&mut |i| (3.0 * turn(220.0, i).sin() + turn(3_001.0, i).sin()).clamp(-1.0, 1.0))),
        ("sparse clicks", of(&mut |i| if i % 9_973 == 500 { 0.99 } else { 0.05 * turn(500.0, i).sin() })),
        ("full-scale noise", of(&mut |_| 0.99 * noise.next())),
        ("a tone cut hard at both ends", of(&mut |i| 0.9 * turn(997.0, i).cos())),
    ]
}

#[test]
fn hard_signals_meet_the_target_under_the_ceiling_or_say_why_not() {
    let dir = tempfile::tempdir().unwrap();
    for (name, signal) in hard_signals() {
        let main = save(&dir.path().join("in.wav"), &signal, RATE, Encoding::Wav24);
        for target in [-14.0, -9.0] {
            let job = job(
                dir.path(),
                main.clone(),
                recipe(Some(target), &[(Encoding::Wav24, None), (Encoding::Wav16, None)]),
            );
            let report = run(&job).unwrap();
            for output in &report.outputs {
                let peak = true_peak_16x(&load(&job.out_dir.join(&output.file)));
                assert!(peak <= -0.995, "{name} at {target}: {peak} dBTP");
                let error = output.measurement.integrated_lufs - target;
                assert!(error.abs() <= 0.02 || report.reason.is_some(), "{name} at {target}: {error} LU");
            }
        }
    }
}

#[test]
fn a_target_may_be_a_range_a_table_of_penalties_or_cleanliness() {
    let dir = tempfile::tempdir().unwrap();
    let main = save(&dir.path().join("in.wav"), &song(RATE, 6.0, 0.4), RATE, Encoding::Wav24);
    let render = |target: &str| {
        let text = format!("[target]\n{target}\n[limiter]\n[[output]]\nencoding = \"wav24\"\n");
        let report = run(&job(dir.path(), main.clone(), Recipe::parse(&text).unwrap())).unwrap();
        assert!(report.reached, "{target}: {:?}", report.reason);
        let out = &report.outputs[0];
        assert!(out.measurement.true_peak_dbtp <= -1.0);
        (out.measurement.integrated_lufs, out.max_gain_reduction_db)
    };
    let (clean, reduction) = render("clean_reduction_db = 3.0");
    assert!((reduction - 3.0).abs() < 0.15, "{reduction}");
    let (louder, _) = render("clean_reduction_db = 6.0");
    assert!(louder > clean + 1.0);
    // Inside the range the clean level stays; outside, its nearer end is met.
    let near = |a: f64, b: f64| (a - b).abs() <= 0.02;
    let wide = format!("range_lufs = [{:.1}, {:.1}]\nclean_reduction_db = 3.0", clean - 3.0, clean + 3.0);
    assert!(near(render(&wide).0, clean));
    assert!(near(render("range_lufs = [-26.0, -25.0]").0, -25.0));
    assert!(near(render("range_lufs = [-8.5, -8.0]\nclean_reduction_db = 0.0").0, -8.5));
    // Limiting that costs nothing goes to the table's best point; costly limiting stops before it.
    let table = "penalty = [[-24.0, 10.0], [-11.0, 0.0], [-8.0, 5.0]]";
    let (free, _) = render(&format!("{table}\nlimiting_cost_per_db = 0.0"));
    assert!((free + 11.0).abs() < 0.05, "{free}");
    let (dear, reduction) = render(&format!("{table}\nlimiting_cost_per_db = 50.0"));
    assert!(dear < free - 1.0 && reduction < 0.5, "{dear} {reduction}");
}

#[test]
fn what_needs_no_limiting_gets_gain_alone() {
    let dir = tempfile::tempdir().unwrap();
    let sound = song(RATE, 6.0, 0.7);
    let main = save(&dir.path().join("in.wav"), &sound, RATE, Encoding::Wav24);
    let job = job(dir.path(), main, recipe(Some(-24.0), &[(Encoding::Wav32f, None)]));
    let report = run(&job).unwrap();
    assert!(report.reached && report.max_gain_reduction_db == 0.0);
    let out = load(&job.out_dir.join(&report.outputs[0].file));
    let factor = 10f64.powf(report.gain_db / 20.0);
    for (a, b) in load(&job.main).channels.iter().flatten().zip(out.channels.iter().flatten()) {
        assert!((a * factor - b).abs() < 1e-6);
    }
}

#[test]
fn an_empty_chain_nulls_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = Recipe::parse(shipped().iter().find(|(n, _)| *n == "convert-only").unwrap().1).unwrap();
    for (source, outputs) in [
        (Encoding::Wav16, vec![Encoding::Wav16, Encoding::Wav24, Encoding::Flac16, Encoding::Wav32f]),
        (Encoding::Wav24, vec![Encoding::Wav24, Encoding::Flac24, Encoding::Wav32f]),
        (Encoding::Wav32f, vec![Encoding::Wav32f]),
        (Encoding::Flac24, vec![Encoding::Wav24, Encoding::Flac24]),
    ] {
        let path = dir.path().join(format!("in.{}", source.extension()));
        let main = save(&path, &song(RATE, 2.0, 0.9), RATE, source);
        let outputs: Vec<_> = outputs.into_iter().map(|e| (e, None)).collect();
        let job = job(
            dir.path(),
            main,
            Recipe { outputs: render_kit::recipe(None, &outputs).outputs, ..recipe.clone() },
        );
        let report = run(&job).unwrap();
        let over =
            report.outputs.iter().any(|output| output.measurement.true_peak_dbtp > report.ceiling_dbtp);
        assert_eq!(report.reached, !over, "{:?}", report.reason);
        let input = load(&job.main);
        for output in &report.outputs {
            assert_eq!(input, load(&job.out_dir.join(&output.file)), "{source} to {}", output.encoding);
        }
    }
    // Fewer bits than the source: dithered, so no longer equal, and never further off than one and a half steps.
    let main = save(&dir.path().join("in.wav"), &song(RATE, 2.0, 0.9), RATE, Encoding::Wav24);
    let job = job(
        dir.path(),
        main,
        Recipe { outputs: render_kit::recipe(None, &[(Encoding::Wav16, None)]).outputs, ..recipe },
    );
    let report = run(&job).unwrap();
    let (a, b) = (load(&job.main), load(&job.out_dir.join(&report.outputs[0].file)));
    let worst = a
        .channels
        .iter()
        .flatten()
        .zip(b.channels.iter().flatten())
        .map(|(x, y)| (x - y).abs())
        .fold(0.0, f64::max);
    assert!(worst > 0.0 && worst <= 1.5 / 32768.0);
}

#[test]
fn the_same_bytes_with_any_block_size_and_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let main = save(&dir.path().join("in.wav"), &song(48_000, 4.0, 0.8), 48_000, Encoding::Wav24);
    let gentle = Recipe::parse(shipped().iter().find(|(n, _)| *n == "gentle").unwrap().1).unwrap();
    let mut first: Option<Vec<String>> = None;
    for (block_frames, threads) in [(16_384, 1), (16_384, 2), (1, 1), (997, 2), (100_000, 1)] {
        let job = job(dir.path(), main.clone(), Recipe { target_lufs: Some(-11.0), ..gentle.clone() });
        let report = render::run_in(&job, Way { block_frames, threads }, &mut |_| Flow::Go).unwrap();
        assert!(report.max_gain_reduction_db > 1.0);
        let digests: Vec<String> = report.outputs.iter().map(|o| o.sha256.clone()).collect();
        match &first {
            Some(f) => assert_eq!(*f, digests, "blocks of {block_frames}, {threads} threads"),
            None => first = Some(digests),
        }
    }
}

#[test]
fn alternates_get_the_gain_of_the_main_and_its_length() {
    let dir = tempfile::tempdir().unwrap();
    let full = song(48_000, 6.0, 0.3);
    let mut soft = full.clone();
    soft.channels.iter_mut().flatten().for_each(|s| *s *= 0.25);
    let mut short = full.clone();
    short.channels.iter_mut().for_each(|c| c.truncate(100_000));
    let main = save(&dir.path().join("in.wav"), &full, 48_000, Encoding::Wav24);
    let mut job = job(
        dir.path(),
        main,
        recipe(Some(-16.0), &[(Encoding::Wav24, None), (Encoding::Wav16, Some(44_100))]),
    );
    job.alternates = vec![
        alternate(
            "instrumental",
            save(&dir.path().join("soft.wav"), &soft, 48_000, Encoding::Wav24),
            Role::Part,
        ),
        alternate(
            "a-cappella",
            save(&dir.path().join("short.wav"), &short, 48_000, Encoding::Wav24),
            Role::Part,
        ),
    ];
    let report = run(&job).unwrap();
    assert_eq!(report.outputs.len(), 6);
    for o in report.outputs.iter().filter(|o| o.alternate != "main") {
        let main = report
            .outputs
            .iter()
            .find(|m| m.alternate == "main" && m.file.ends_with(&o.file[o.file.len() - 15..]))
            .unwrap();
        assert!((o.gain_db - main.gain_db).abs() < 0.01, "{} {} {}", o.file, o.gain_db, main.gain_db);
        assert!(o.measurement.true_peak_dbtp <= -1.0);
        assert_eq!(o.measurement.frames, main.measurement.frames);
        if o.alternate == "instrumental" {
            assert!((main.measurement.integrated_lufs - o.measurement.integrated_lufs - 12.04).abs() < 0.6);
        }
    }
    assert!(
        report.warnings.iter().any(|w| w.starts_with("a-cappella is 3.92 s shorter")),
        "{:?}",
        report.warnings
    );
    assert!(!report.warnings.iter().any(|w| w.starts_with("instrumental")), "{:?}", report.warnings);
}

#[test]
fn a_target_out_of_reach_says_so_and_keeps_the_ceiling() {
    let dir = tempfile::tempdir().unwrap();
    let main = save(&dir.path().join("in.wav"), &song(RATE, 5.0, 0.2), RATE, Encoding::Wav24);
    let mut bounded = recipe(Some(-5.0), &[(Encoding::Wav24, None)]);
    bounded.limiter = Some(LimiterRecipe { max_reduction_db: 12.0, ..LimiterRecipe::default() });
    let job = job(dir.path(), main, bounded);
    let report = run(&job).unwrap();
    assert!(!report.reached);
    let reason = report.reason.as_deref().unwrap();
    assert!(reason.contains("12.0 dB") || reason.contains("no more loudness"), "{reason}");
    assert!(report.outputs[0].measurement.true_peak_dbtp <= -1.0);
    assert!(report.max_gain_reduction_db <= 12.5);

    let unlimited = Recipe { limiter: None, ..job.recipe.clone() };
    let report = run(&render::Job { recipe: unlimited, ..job }).unwrap();
    assert!(!report.reached && report.reason.unwrap().contains("no limiter"));
    let peak = report.outputs[0].measurement.true_peak_dbtp;
    assert!(peak <= -1.0 && peak > -1.15, "{peak}");
}

#[test]
fn silence_and_sounds_of_a_few_frames_end_well() {
    let dir = tempfile::tempdir().unwrap();
    for (name, block) in [
        ("silence", Block::new(2, 100_000)),
        ("nothing", Block::new(2, 0)),
        ("one", Block { channels: vec![vec![0.9]; 2] }),
        ("few", Block { channels: vec![vec![1.0, -1.0, 1.0]; 1] }),
        ("tiny", Block { channels: vec![vec![1e-38; 50_000]; 1] }),
        ("a constant", Block { channels: vec![vec![0.25; 60_000]; 2] }),
    ] {
        let main = save(&dir.path().join("in.wav"), &block, RATE, Encoding::Wav32f);
        let job = job(
            dir.path(),
            main,
            recipe(Some(-14.0), &[(Encoding::Wav24, None), (Encoding::Wav16, Some(48_000))]),
        );
        match run(&job) {
            Ok(report) => {
                assert!(!report.reached && report.reason.is_some(), "{name}");
                let json = report.to_json();
                assert!(!json.contains("NaN") && !json.contains("inf"), "{name}: {json}");
                assert_eq!(report.outputs[0].measurement.frames, block.frames() as u64);
            }
            Err(e) => assert!(name == "nothing", "{name}: {e}"),
        }
    }
}

#[test]
fn a_hot_source_without_target_is_held_under_the_ceiling_unless_the_chain_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let mut hot = song(RATE, 3.0, 0.9);
    hot.channels.iter_mut().flatten().for_each(|s| *s *= 2.0);
    let main = save(&dir.path().join("in.wav"), &hot, RATE, Encoding::Wav32f);
    let job = job(dir.path(), main, recipe(None, &[(Encoding::Wav24, None)]));
    let report = run(&job).unwrap();
    assert!(report.reached && report.gain_db.abs() < 0.01 && report.max_gain_reduction_db > 3.0);
    assert!(report.outputs[0].measurement.true_peak_dbtp <= -1.0);
    let job = render::Job { recipe: Recipe { limiter: None, ..job.recipe.clone() }, ..job };
    let report = run(&job).unwrap();
    assert!(
        !report.reached && report.reason.as_ref().is_some_and(|why| why.contains("it stays")),
        "{:?}",
        report.reason
    );
    let job = render::Job { recipe: Recipe { input_gain_db: Some(12.0), ..job.recipe.clone() }, ..job };
    let report = run(&job).unwrap();
    assert!(report.reached, "{:?}", report.reason);
    assert!(report.outputs[0].measurement.true_peak_dbtp <= -1.0, "turned down, for there is no limiter");
    assert_eq!(report.outputs[0].measurement.clipped_samples, 0);
}

#[test]
fn stopping_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let main = save(&dir.path().join("in.wav"), &song(RATE, 4.0, 0.8), RATE, Encoding::Wav24);
    let job = job(dir.path(), main, Recipe { target_lufs: Some(-10.0), ..Recipe::default() });
    for stop_at in [0.0, 0.05, 0.3, 0.55, 0.8] {
        let ended = render::run(&job, &mut |p| if p.fraction >= stop_at { Flow::Stop } else { Flow::Go });
        assert!(matches!(ended, Err(DspError::Stopped)), "asked to stop at {stop_at}");
        let left = std::fs::read_dir(&job.out_dir).map_or(0, Iterator::count);
        assert_eq!(left, 0, "stopped at {stop_at}");
    }
}

#[test]
fn progress_runs_from_0_to_1_and_never_back() {
    let dir = tempfile::tempdir().unwrap();
    let main = save(&dir.path().join("in.wav"), &song(RATE, 3.0, 0.8), RATE, Encoding::Wav24);
    let job = job(dir.path(), main, Recipe::default());
    let mut fractions = Vec::new();
    render::run(&job, &mut |p| {
        fractions.push(p.fraction);
        Flow::Go
    })
    .unwrap();
    assert!(fractions.windows(2).all(|w| w[0] <= w[1]));
    assert!(fractions[0] == 0.0 && *fractions.last().unwrap() > 0.8 && *fractions.last().unwrap() <= 1.0);
}

#[test]
fn what_cannot_be_mastered_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let surround = save(&dir.path().join("six.wav"), &Block::new(6, 1000), RATE, Encoding::Wav24);
    let refused = run(&job(dir.path(), surround.clone(), Recipe::default()));
    assert!(matches!(refused, Err(DspError::Unsupported { .. })), "{refused:?}");
    let main = save(&dir.path().join("in.wav"), &song(RATE, 1.0, 0.5), RATE, Encoding::Wav24);
    for (stem, token) in [("../up", "tv"), ("", "tv"), ("song", "main"), ("song", "a/b"), (".hidden", "tv")] {
        let mut j = job(dir.path(), main.clone(), Recipe::default());
        j.stem = stem.into();
        j.alternates = vec![alternate(token, main.clone(), Role::Part)];
        assert!(matches!(run(&j), Err(DspError::Invalid(_))), "{stem:?} {token:?}");
    }
    assert!(!dir.path().join("out").exists(), "refused before anything is made");
}
