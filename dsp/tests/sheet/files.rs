//! Sheets of real files: what changed between two of them, and what a recipe did.

use super::*;

#[test]
fn two_files_make_a_sheet_of_what_changed() {
    let dir = tempfile::tempdir().unwrap();
    let mix = song(RATE, 12.0, 0.25);
    let mut master = mix.clone();
    master.channels.iter_mut().flatten().for_each(|s| *s *= 2.0);
    let before = save(&dir.path().join("mix.wav"), &mix, RATE, Encoding::Wav24);
    let after = save(&dir.path().join("own master.wav"), &master, RATE, Encoding::Flac24);
    let mut shares = Vec::new();
    let sheet = of_files(&before, &after, &mut |share| {
        shares.push(share);
        Flow::Go
    })
    .unwrap();
    assert!(
        shares.windows(2).all(|s| s[0] <= s[1]) && (0.99..=1.0).contains(shares.last().unwrap()),
        "{shares:?}"
    );
    assert!((sheet.gain_db.unwrap() - 6.0206).abs() < 0.01, "{:?}", sheet.gain_db);
    assert_eq!(sheet.title, "own master");
    let digest = std::fs::read(&after).unwrap();
    assert_eq!(sheet.outputs[0].sha256, hex::encode(<sha2::Sha256 as sha2::Digest>::digest(digest)));
    assert_eq!(sheet.outputs[0].frames, 12 * u64::from(RATE));
    // Twice as loud and nothing else: the balance has not changed.
    let text = terminal(&sheet, PLAIN);
    for bare in ["+3", "-3"] {
        assert!(text.lines().any(|line| line.trim() == bare), "no change above or below: {text}");
    }
    assert!(of_files(&before, &dir.path().join("none.wav"), &mut |_| Flow::Go).is_err());
    assert!(matches!(of_files(&before, &after, &mut |_| Flow::Stop), Err(deadwax_dsp::DspError::Stopped)));
}

#[test]
fn a_change_of_the_balance_is_seen_where_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut noise = Noise(99);
    let mut mix = Block::new(2, RATE as usize * 20);
    mix.channels.iter_mut().flatten().for_each(|s| *s = 0.1 * noise.next());
    let main = save(&dir.path().join("mix.wav"), &mix, RATE, Encoding::Wav24);
    let recipe = "name = \"bell\"\n[[eq]]\nkind = \"bell\"\nhz = 1000.0\ngain_db = 6.0\nq = 2.0\n[[output]]\nencoding = \"wav24\"\n";
    let recipe = Recipe::parse(recipe).unwrap();
    let job = Job::new(main.clone(), recipe.clone(), dir.path().join("out"), "song".into());
    let report = run(&job, &mut |_| Flow::Go).unwrap();
    let (_, before) = side_of_file(&main, &mut |_| Flow::Go).unwrap();
    let (_, after) = side_of_file(&job.out_dir.join(&report.outputs[0].file), &mut |_| Flow::Go).unwrap();
    let change = |hz: f32| {
        let nearest = |side: &Side| {
            side.spectrum.iter().min_by(|a, b| (a.hz - hz).abs().total_cmp(&(b.hz - hz).abs())).unwrap().dbfs
        };
        nearest(&after) - nearest(&before)
    };
    assert!((change(1000.0) - 6.0).abs() < 0.3, "{}", change(1000.0));
    assert!(change(63.0).abs() < 0.3 && change(12_600.0).abs() < 0.3);
    let sheet = Sheet::of_report(&report, &recipe, before, after, Vec::new(), Vec::new());
    assert_eq!((sheet.recipe_name.as_str(), &sheet.recipe_sha256), ("bell", &report.recipe_sha256));
    assert_eq!((sheet.engine.as_str(), sheet.limiter_max_db), (report.engine, None));
    assert_eq!(sheet.outputs[0].sha256, report.outputs[0].sha256);
    harmless(&sheet);
}

#[test]
fn a_mono_file_at_another_rate_is_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("mono.wav");
    let mut writer = AudioWriter::create(&path, Encoding::Wav16, 96_000, 1, None).unwrap();
    let block = Block { channels: vec![song(96_000, 4.0, 0.5).channels.remove(0)] };
    writer.write(&block).unwrap();
    writer.finish().unwrap();
    let (measured, side) = side_of_file(&path, &mut |_| Flow::Go).unwrap();
    assert_eq!(side.correlation, None);
    assert_eq!(side.lufs, Some(measured.integrated_lufs));
    let sheet = Sheet { before: side.clone(), after: side, ..full() };
    assert!(html(&sheet).contains("Before: mono.wav, 96 kHz mono, 0:04"));
}
