//! The files of a record: exact tracks, the image of a disc, the hidden song, what a stop leaves, what is refused.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

mod album_kit;

use std::fs;

use album_kit::*;
use deadwax_dsp::{
    Block, DspError, Flow,
    album::{self, Cut, Job, Joint, Output, Source, TrackMark, loudest_track_gain, together},
    decode::Bext,
    measure::Loudness,
    render::Way,
    write::{Encoding, digest},
};

const SECTOR: u64 = 588;

fn mark(song: usize, index0: u64, index1: u64, end: u64) -> TrackMark {
    TrackMark { song, index0, index1, end }
}

#[test]
fn an_untouched_track_is_the_source_bit_for_bit() {
    let dir = tempfile::tempdir().unwrap();
    let sources = [Encoding::Wav16, Encoding::Wav24, Encoding::Wav32f, Encoding::Flac24, Encoding::Aiff16];
    // A file of one encoding, and those that hold it as it is.
    for (from, rate) in sources.into_iter().zip([44_100, 48_000, 96_000, 88_200, 192_000]) {
        let mut sound = noise(9, 2, 6000, 1.0);
        // A float keeps the sign of nothing and what is beyond full scale.
        if from == Encoding::Wav32f {
            sound.channels[0][..3].copy_from_slice(&[-0.0, 1.5, -7.0]);
        } else {
            sound.channels[0][0] = -1.0;
        }
        let first = Source::new(save(&dir.path().join(format!("{from}")), &sound, rate, from));
        let second = Source::new(first.path.clone());
        let outputs = Encoding::LOSSLESS.map(|to| tracks(&format!("{from}-{to}"), to, 0, 2)).to_vec();
        let job = job(dir.path(), vec![first.clone(), second], outputs);
        let original = load(&first.path);
        let bits = |planes: &[Vec<f64>]| planes.iter().flatten().map(|s| s.to_bits()).collect::<Vec<_>>();
        for file in made(&job) {
            let holds = if from == Encoding::Wav32f {
                file.encoding == from
            } else {
                let room = if file.encoding == Encoding::Wav32f { 24 } else { file.encoding.bits() };
                from.bits() <= room
            };
            assert_eq!(file.exact, holds, "{}", file.name);
            let same = bits(&load(&job.out_dir.join(&file.name))) == bits(&original);
            assert_eq!(same, holds, "{}", file.name);
            assert_eq!(file.over_full_scale > 0, from == Encoding::Wav32f && !file.encoding.float());
        }
    }
}

#[test]
fn what_touches_a_song_takes_the_word_exact_from_its_track() {
    let dir = tempfile::tempdir().unwrap();
    let plain = || song(dir.path(), "a.wav", 44_100, 9000, Encoding::Wav16);
    let beside = |change: &dyn Fn(&mut Source, &mut Source), album_gain_db| {
        let (mut first, mut second) = (plain(), plain());
        change(&mut first, &mut second);
        let out_dir = tempfile::tempdir().unwrap();
        let job = Job {
            album_gain_db,
            out_dir: out_dir.path().to_owned(),
            ..job(dir.path(), vec![first, second], vec![tracks("t", Encoding::Wav16, 0, 2)])
        };
        let done = made(&job);
        [done[0].exact, done[1].exact]
    };
    assert_eq!(beside(&|_, _| {}, 0.0), [true, true]);
    assert_eq!(beside(&|_, _| {}, -0.01), [false, false]);
    assert_eq!(beside(&|first, _| first.gain_cb = 1, 0.0), [false, true]);
    assert_eq!(beside(&|first, _| first.fade_out_ms = 1, 0.0), [false, true]);
    assert_eq!(beside(&|_, second| second.trim_in_ms = 1, 0.0), [true, false]);
    assert_eq!(beside(&|_, second| second.trim_out_ms = 1, 0.0), [true, false]);
    assert_eq!(beside(&|_, second| second.gap_ms = 1, 0.0), [false, true]);
    assert_eq!(beside(&|_, second| second.crossfade_ms = 1, 0.0), [false, false]);
    assert_eq!(
        beside(&|first, _| first.gap_ms = 1, 0.0),
        [false, true],
        "silence before the first is in its file"
    );
}

#[test]
fn a_disc_begins_with_its_pause_and_stands_on_sectors() {
    let dir = tempfile::tempdir().unwrap();
    let songs = vec![
        song(dir.path(), "a.wav", 44_100, 100_001, Encoding::Wav16),
        Source { gap_ms: 1500, ..song(dir.path(), "b.wav", 44_100, 90_000, Encoding::Wav16) },
        song(dir.path(), "c.wav", 44_100, 88_888, Encoding::Wav16),
        Source { crossfade_ms: 500, ..song(dir.path(), "d.wav", 48_000, 96_000, Encoding::Wav24) },
    ];
    let job = job(
        dir.path(),
        songs,
        vec![
            Output::new(Cut::Disc, Encoding::Wav16, 44_100, vec!["cd/IMAGE.DAT".into()]),
            whole("whole.wav", Encoding::Wav16, 44_100),
        ],
    );
    let done = made(&job);
    let (disc, pressed) = (image(&job.out_dir.join("cd/IMAGE.DAT")), load(&job.out_dir.join("whole.wav")));
    let frames = disc[0].len() as u64;
    assert_eq!((done[0].frames, done[0].bytes), (frames, frames * 4));
    assert_eq!(frames % SECTOR, 0);
    assert!(!done[0].exact);
    let lead = 150 * SECTOR as usize;
    for (disc, pressed) in disc.iter().zip(&pressed) {
        assert!(disc[..lead].iter().all(|s| *s == 0.0));
        assert!(&disc[lead..lead + pressed.len()] == pressed.as_slice());
        assert!(disc.len() - lead - pressed.len() < SECTOR as usize);
        assert!(disc[lead + pressed.len()..].iter().all(|s| *s == 0.0));
    }
    // Every index stands on the sector in which its song begins, and a pause begins behind the last that sounds.
    let on_disc = |frame: u64| (88_200 + frame) / SECTOR * SECTOR;
    let starts: Vec<u64> = done[1].tracks.iter().map(|it| it.index1).collect();
    assert_eq!(starts, [0, 100_001 + 66_150, 256_151, 256_151 + 88_888 - 22_050]);
    let pause = (88_200u64 + 100_001).next_multiple_of(SECTOR);
    assert_eq!(
        done[0].tracks,
        [
            mark(0, 0, 88_200, pause),
            mark(1, pause, on_disc(starts[1]), on_disc(starts[2])),
            mark(2, on_disc(starts[2]), on_disc(starts[2]), on_disc(starts[3])),
            mark(3, on_disc(starts[3]), on_disc(starts[3]), frames),
        ]
    );
}

#[test]
fn a_hidden_song_lies_in_the_pre_gap_and_is_no_track() {
    let dir = tempfile::tempdir().unwrap();
    let songs = vec![
        Source { hidden: true, ..song(dir.path(), "hidden.wav", 44_100, 120_000, Encoding::Wav16) },
        Source { gap_ms: 1000, ..song(dir.path(), "a.wav", 44_100, 50_000, Encoding::Wav16) },
        song(dir.path(), "b.wav", 44_100, 40_000, Encoding::Wav16),
    ];
    let job = job(
        dir.path(),
        songs.clone(),
        vec![
            Output::new(Cut::Disc, Encoding::Wav16, 0, vec!["image.bin".into()]),
            tracks("t", Encoding::Wav16, 0, 2),
            tracks("apart", Encoding::Wav16, 0, 3),
            whole("whole.wav", Encoding::Wav16, 0),
        ],
    );
    let done = made(&job);
    let first = 120_000 + 44_100;
    let on_disc = |frame: u64| (88_200 + frame) / SECTOR * SECTOR;
    assert_eq!(
        done[0].tracks,
        [
            mark(1, 0, on_disc(first), on_disc(first + 50_000)),
            mark(2, on_disc(first + 50_000), on_disc(first + 50_000), done[0].frames),
        ]
    );
    let (disc, hidden) = (image(&job.out_dir.join("image.bin")), load(&songs[0].path));
    let (silent, sound) = disc[0].split_at(88_200);
    assert!(silent.iter().all(|it| *it == 0.0), "drives cannot read the first two seconds: they are silent");
    assert!(sound[..120_000] == hidden[0], "and nothing of the hidden song is lost");
    // Left out, or a file of its own.
    assert_eq!(done[1].tracks, [mark(1, 0, 0, 50_000)]);
    assert_eq!((done[1].frames, done[1].exact, done[2].exact), (50_000, true, true));
    assert_eq!(done[3].tracks, [mark(0, 0, 0, 120_000)]);
    assert_eq!(done[4].tracks, [mark(1, 0, 0, 50_000)]);
    assert_eq!((done[3].frames, done[4].exact), (first, true));
    let whole = load(&job.out_dir.join("whole.wav"));
    assert!(joined(&job.out_dir, &job.outputs[2].names) == whole);
    assert!(joined(&job.out_dir, &job.outputs[1].names)[0] == whole[0][first as usize..]);
    // However short it is; with two seconds of its own before it, it needs no more.
    for (n, (gap_ms, trim_out_ms, index1)) in [
        (0, 2000, on_disc(120_000 - 88_200)),
        (2000, 0, on_disc(120_000)),
        (1999, 0, on_disc(120_000 + 88_156)),
    ]
    .into_iter()
    .enumerate()
    {
        let songs = vec![Source { gap_ms, trim_out_ms, ..songs[0].clone() }, songs[2].clone()];
        let out_dir = dir.path().join(format!("led{n}"));
        let led = Job { out_dir, songs, outputs: vec![job.outputs[0].clone()], ..job.clone() };
        let done = made(&led);
        assert_eq!(done[0].tracks[0], mark(1, 0, index1, done[0].frames), "gap of {gap_ms} ms");
        let left = &image(&led.out_dir.join("image.bin"))[0];
        assert!(left[..88_200].iter().all(|it| *it == 0.0));
    }
}

fn album(dir: &std::path::Path) -> Job {
    let songs = vec![
        song(dir, "a.wav", 48_000, 60_000, Encoding::Wav24),
        Source { gap_ms: 200, ..song(dir, "b.wav", 44_100, 50_000, Encoding::Wav16) },
        Source { crossfade_ms: 300, ..song(dir, "c.wav", 96_000, 90_000, Encoding::Wav24) },
    ];
    job(
        dir,
        songs,
        vec![
            tracks("cd", Encoding::Flac16, 44_100, 3),
            Output::new(Cut::Sides(vec![1]), Encoding::Wav24, 96_000, names("side", Encoding::Wav24, 2)),
            tracks("coded", Encoding::Mp3_320, 44_100, 3),
            Output::new(Cut::Disc, Encoding::Wav16, 0, vec!["image.bin".into()]),
            whole("whole.wav", Encoding::Wav24, 0),
        ],
    )
}

#[test]
fn a_stop_leaves_whole_files_and_the_next_run_ends_with_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let job = album(dir.path());
    let expected = made(&job);
    let all = files(&job.out_dir);
    let way = Way { block_frames: 4096, threads: 2 };
    let mut most = 0;
    for every in [7usize, 40, 90] {
        let job = Job { out_dir: dir.path().join(format!("stopped-{every}")), ..job.clone() };
        let mut runs = 0;
        let mut told: f64;
        let done = loop {
            runs += 1;
            assert!(runs < 4000, "it never ends");
            let (mut calls, mut stopped) = (0, false);
            told = 0.0;
            let done = album::run_in(&job, way, &mut |progress| {
                assert!((0.0..=1.0).contains(&progress.fraction) && progress.fraction >= told);
                told = progress.fraction;
                calls += 1;
                // Each run is patient for a little longer than the one before.
                stopped |= calls > every * runs;
                if stopped { Flow::Stop } else { Flow::Go }
            });
            match done {
                Ok(done) => break done,
                Err(DspError::Stopped) => {}
                Err(error) => panic!("{error}"),
            }
            let left = if job.out_dir.exists() { files(&job.out_dir) } else { Vec::new() };
            for name in &left {
                assert!(all.contains(name), "{name} is half a file");
                let whole = expected.iter().find(|file| file.name == *name);
                if let Some(whole) = whole {
                    assert_eq!(digest(&job.out_dir.join(name)).unwrap().sha256, whole.sha256, "{name}");
                }
            }
        };
        most = most.max(done.iter().filter(|file| file.resumed).count());
        let told: Vec<_> = done.into_iter().map(|file| album::Made { resumed: false, ..file }).collect();
        assert_eq!(told, expected, "stopped after {every} calls");
        assert_eq!(files(&job.out_dir), all);
    }
    assert!(most > 3, "files that stood there were taken up: {most}");
}

#[test]
fn what_stands_there_is_made_anew_only_where_it_must_be() {
    let dir = tempfile::tempdir().unwrap();
    let job = album(dir.path());
    let expected = digests(&made(&job));
    let resumed = |job: &Job| {
        let done = made(job);
        let kept: Vec<bool> = done.iter().map(|file| file.resumed).collect();
        (kept, digests(&done))
    };
    let all_but = |places: &[usize]| (0..expected.len()).map(|n| !places.contains(&n)).collect::<Vec<_>>();
    assert_eq!(resumed(&job), (all_but(&[]), expected.clone()));
    // A changed byte, a file that is gone, a sidecar that is gone, cut short or of another file.
    let out = |name: &str| job.out_dir.join(name);
    let mut bytes = fs::read(out("cd-2.flac")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(out("cd-2.flac"), bytes).unwrap();
    fs::remove_file(out("side-1.wav")).unwrap();
    fs::remove_file(out("coded-3.mp3.done")).unwrap();
    fs::write(out("image.bin.done"), "{\"job\": 1").unwrap();
    fs::copy(out("side-1.wav.done"), out("side-2.wav.done")).unwrap();
    assert_eq!(resumed(&job), (all_but(&[1, 3, 4, 7, 8]), expected.clone()));
    // Another record in the same folder: nothing of the one before is taken for it.
    let mut other = job.clone();
    other.songs[2].gain_cb = -50;
    let (kept, digests) = resumed(&other);
    assert!(kept.iter().all(|kept| !kept));
    assert_eq!(digests[0], expected[0], "the first track is the same all the same");
    assert!(digests[2] != expected[2] && digests[8] != expected[8]);
    // The same name with other samples in it.
    song(dir.path(), "z.wav", 48_000, 60_000, Encoding::Wav24);
    fs::copy(dir.path().join("z.wav"), &job.songs[0].path).unwrap();
    assert!(resumed(&other).0.iter().all(|kept| !kept));
    album::clear_marks(&job).unwrap();
    assert!(files(&job.out_dir).iter().all(|name| !name.ends_with(".done")));
}

#[test]
fn files_without_a_name_are_not_made_and_the_others_are_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let all = album(dir.path());
    let expected = made(&all);
    let mut some = Job { out_dir: dir.path().join("some"), ..all };
    some.outputs.truncate(1);
    some.outputs[0].names[0].clear();
    some.outputs[0].names[2].clear();
    some.songs[1].sha256 = Some(digest(&some.songs[1].path).unwrap().sha256.to_uppercase());
    let mut most = 0;
    let done = album::run(&some, &mut |progress| {
        most = most.max(progress.files);
        Flow::Go
    });
    assert_eq!(done.unwrap(), expected[1..2]);
    assert_eq!((files(&some.out_dir).len(), most), (2, 1));
    assert!(made(&some)[0].resumed);
}

fn refused(job: &Job, words: &[&str]) {
    let said = run(job).expect_err(words[0]).to_string();
    for word in words {
        assert!(said.contains(word), "{word:?} is missing: {said}");
    }
    assert!(!job.out_dir.exists() || files(&job.out_dir).is_empty(), "{:?}", files(&job.out_dir));
}

#[test]
fn what_cannot_be_laid_out_is_refused_with_the_next_step() {
    let dir = tempfile::tempdir().unwrap();
    let plain = song(dir.path(), "a.wav", 44_100, 44_100, Encoding::Wav16);
    let wav = || vec![whole("w.wav", Encoding::Wav16, 0)];
    let with = |songs: Vec<Source>, outputs: Vec<Output>| job(dir.path(), songs, outputs);
    let three = |change: &dyn Fn(&mut [Source])| {
        let mut songs = vec![plain.clone(), plain.clone(), plain.clone()];
        change(&mut songs);
        with(songs, wav())
    };
    refused(&with(vec![], wav()), &["no songs", "at least one"]);
    refused(&with(vec![plain.clone()], vec![]), &["nothing is asked for"]);
    let overlapping = |songs: &mut [Source]| (songs[1].crossfade_ms, songs[2].crossfade_ms) = (600, 500);
    refused(
        &three(&overlapping),
        &["crossfades of song 2 overlap", "0:00.60", "0:00.50", "0:01.00", "Shorten"],
    );
    refused(&three(&|songs| songs[2].crossfade_ms = 1200), &["song 2", "0:01.20"]);
    refused(&three(&|songs| songs[0].crossfade_ms = 10), &["the first song has a crossfade"]);
    refused(
        &three(&|songs| (songs[1].trim_in_ms, songs[1].trim_out_ms) = (700, 300)),
        &["song 2", "nothing is left"],
    );
    refused(&three(&|songs| songs[1].trim_in_ms = u32::MAX), &["song 2", "Cut less"]);
    refused(&three(&|songs| songs[1].hidden = true), &["song 2 is hidden", "Put it first"]);
    refused(&with(vec![Source { hidden: true, ..plain.clone() }], wav()), &["a track behind it"]);
    let gain = Job { album_gain_db: f64::NAN, ..three(&|_| {}) };
    refused(&gain, &["album gain"]);
    let asks = |output: Output| with(vec![plain.clone(), plain.clone(), plain.clone()], vec![output]);
    let sides = |firsts: Vec<usize>, count| {
        Output::new(Cut::Sides(firsts), Encoding::Wav24, 0, names("s", Encoding::Wav24, count))
    };
    refused(&asks(tracks("t", Encoding::Wav16, 0, 2)), &["3 files", "2 names"]);
    refused(&asks(sides(vec![0], 2)), &["side cannot begin with song 1"]);
    refused(&asks(sides(vec![2, 1], 3)), &["song 2"]);
    refused(&asks(sides(vec![3], 2)), &["song 4"]);
    let crossed = vec![plain.clone(), Source { crossfade_ms: 10, ..plain.clone() }];
    refused(&with(crossed, vec![sides(vec![1], 2)]), &["on the other side"]);
    let disc = |encoding, rate| Output::new(Cut::Disc, encoding, rate, vec!["i.bin".into()]);
    refused(&asks(disc(Encoding::Wav24, 0)), &["16 bits at 44100 Hz"]);
    refused(&asks(disc(Encoding::Wav16, 48_000)), &["ask for wav16 at 44100"]);
    refused(&with(vec![plain.clone(); 100], vec![disc(Encoding::Wav16, 0)]), &["at most 99 tracks, not 100"]);
    refused(&asks(whole("w.mp3", Encoding::Mp3_320, 96_000)), &["96000 Hz", "44100 or 48000"]);
    let shaped =
        Output { dither: Some(deadwax_dsp::dither::Dither::Shaped), ..whole("w.wav", Encoding::Wav24, 0) };
    refused(&asks(shaped), &["shaped dither is made for 16 bits"]);
    for name in ["../w.wav", "/w.wav", "a//w.wav", ".w.wav", "w.wav.done", "a\\w.wav", "w\n.wav"] {
        refused(&asks(whole(name, Encoding::Wav16, 0)), &["cannot be the name of a file"]);
    }
    let twice = vec![whole("W.wav", Encoding::Wav16, 0), whole("w.wav", Encoding::Wav24, 0)];
    refused(&with(vec![plain.clone()], twice), &["a name of its own"]);
    refused(&asks(whole("", Encoding::Wav16, 0)), &["none of its files has a name"]);
    let bext = Output { bext: vec![Bext::default(); 2], ..whole("w.wav", Encoding::Wav16, 0) };
    refused(&asks(bext), &["2 bext"]);
    // All of one song under the next: there is nothing left for a track.
    let mut short = vec![plain.clone(), plain.clone(), plain.clone()];
    (short[2].crossfade_ms, short[1].gap_ms) = (1000, 5);
    refused(&with(short, vec![tracks("t", Encoding::Wav16, 0, 3)]), &["t-2.wav", "would be empty"]);
}

#[test]
fn what_cannot_be_read_is_refused_and_named() {
    let dir = tempfile::tempdir().unwrap();
    let plain = song(dir.path(), "a.wav", 44_100, 44_100, Encoding::Wav16);
    let beside = |path: std::path::PathBuf| {
        job(dir.path(), vec![plain.clone(), Source::new(path)], vec![tracks("t", Encoding::Wav16, 0, 2)])
    };
    refused(&beside(dir.path().join("none.wav")), &["none.wav", "could not be opened"]);
    fs::write(dir.path().join("words.wav"), "no sound at all, but words").unwrap();
    refused(&beside(dir.path().join("words.wav")), &["words.wav", "not audio"]);
    let many = save(&dir.path().join("many.wav"), &noise(1, 6, 5000, 0.1), 48_000, Encoding::Wav24);
    refused(&beside(many), &["many.wav", "6 channels", "two channels"]);
    let other = Source { sha256: Some("0".repeat(64)), ..plain.clone() };
    let signed = job(dir.path(), vec![other], vec![whole("w.wav", Encoding::Wav16, 0)]);
    refused(&signed, &["song 1", "a.wav", "not the file that was signed", "Get the file anew"]);
    let nothing = save(&dir.path().join("nothing.wav"), &Block::new(2, 0), 44_100, Encoding::Wav16);
    refused(&beside(nothing), &["nothing.wav"]);
    // Damage in the middle of a song: the track before it is whole, its own is not there.
    let damaged = song(dir.path(), "d.flac", 44_100, 100_000, Encoding::Flac16).path;
    let mut bytes = fs::read(&damaged).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 200].fill(0x55);
    fs::write(&damaged, bytes).unwrap();
    let job = beside(damaged);
    let said = run(&job).expect_err("it is damaged").to_string();
    assert!(said.contains("d.flac"), "{said}");
    assert_eq!(files(&job.out_dir), ["t-1.wav", "t-1.wav.done"]);
}

#[test]
fn damage_in_a_tail_that_is_cut_off_is_damage_still() {
    let dir = tempfile::tempdir().unwrap();
    let path = song(dir.path(), "d.flac", 44_100, 200_000, Encoding::Flac16).path;
    let job = job(
        dir.path(),
        vec![Source { trim_out_ms: 3000, ..Source::new(path.clone()) }],
        vec![whole("w.wav", Encoding::Wav16, 0)],
    );
    made(&job);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 4000;
    bytes[at..at + 200].fill(0x55);
    fs::write(&path, bytes).unwrap();
    run(&job).expect_err("the file that was signed is not whole");
}

#[test]
fn broadcast_waves_carry_their_own_levels() {
    let dir = tempfile::tempdir().unwrap();
    let songs = ["a.wav", "b.wav"].map(|name| song(dir.path(), name, 48_000, 200_000, Encoding::Wav24));
    let bext = |n: usize| Bext { description: format!("side {n}"), ..Bext::default() };
    let output = Output { bext: vec![bext(1), bext(2)], ..tracks("t", Encoding::Wav24, 0, 2) };
    let job = Job { album_gain_db: -3.0, ..job(dir.path(), songs.to_vec(), vec![output]) };
    for (n, file) in made(&job).iter().enumerate() {
        let source = deadwax_dsp::Source::open(&job.out_dir.join(&file.name)).unwrap();
        let said = source.metadata().bext.clone().unwrap();
        assert_eq!(said.description, format!("side {}", n + 1));
        let levels = said.loudness.unwrap();
        let near = |said: Option<f64>, measured: f64| (said.unwrap() - measured).abs() <= 0.005 + 1e-9;
        assert!(near(levels.integrated_lufs, file.measurement.integrated_lufs));
        assert!(near(levels.max_true_peak_dbtp, file.measurement.true_peak_dbtp));
        assert!(near(levels.max_short_term_lufs, file.measurement.max_short_term_lufs));
    }
}

#[test]
fn the_loudest_track_sets_the_gain_of_all() {
    assert_eq!(loudest_track_gain(&[-18.0, -9.5, -23.0], -14.0), -4.5);
    assert_eq!(loudest_track_gain(&[-18.0, f64::NEG_INFINITY, f64::NAN], -14.0), 4.0);
    assert_eq!(loudest_track_gain(&[f64::NEG_INFINITY], -14.0), 0.0);
    assert_eq!(loudest_track_gain(&[], -14.0), 0.0);
    // Turned by it, the loudest is there and the others stand as they stood to it.
    let dir = tempfile::tempdir().unwrap();
    let level = |name: &str, level| {
        Source::new(save(&dir.path().join(name), &noise(3, 2, 60_000, level), 44_100, Encoding::Wav24))
    };
    let songs = vec![level("a.wav", 0.1), level("b.wav", 0.4), level("c.wav", 0.02)];
    let before = together(&songs, &mut |_| Flow::Go).unwrap();
    let lufs: Vec<f64> = before.songs.iter().map(|song| song.integrated_lufs).collect();
    let album_gain_db = loudest_track_gain(&lufs, -14.0);
    let job = Job { album_gain_db, ..job(dir.path(), songs, vec![tracks("t", Encoding::Wav24, 0, 3)]) };
    for (file, before) in made(&job).iter().zip(&lufs) {
        assert!((file.measurement.integrated_lufs - before - album_gain_db).abs() < 0.001);
    }
}

#[test]
fn songs_together_are_gated_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let level = |name: &str, frames, level| {
        Source::new(save(&dir.path().join(name), &noise(3, 2, frames, level), 48_000, Encoding::Wav24))
    };
    // The soft one is 30 LU under the loud one: by itself it counts, beside it the gate leaves it out.
    let (loud, soft) = (level("loud.wav", 240_000, 0.5), level("soft.wav", 480_000, 0.5 / 31.6));
    let alone = together(std::slice::from_ref(&loud), &mut |_| Flow::Go).unwrap();
    let both = together(&[soft.clone(), loud.clone()], &mut |_| Flow::Go).unwrap();
    assert_eq!(both.integrated_lufs, alone.integrated_lufs);
    assert!((both.songs[0].integrated_lufs - alone.integrated_lufs + 30.0).abs() < 0.05);
    assert_eq!(both.true_peak_dbtp, alone.true_peak_dbtp);
    // The whole, made and measured, says the same but for the windows over the joint.
    let near = Source { gain_cb: 2600, ..soft.clone() };
    let job = job(dir.path(), vec![near.clone(), loud.clone()], vec![whole("w.wav", Encoding::Wav32f, 0)]);
    let whole = made(&job)[0].measurement.integrated_lufs;
    let joined = together(&[near, loud], &mut |_| Flow::Go).unwrap().integrated_lufs;
    assert!((whole - joined).abs() < 0.05, "{whole} {joined}");
    // One song in two halves of its windows is the song.
    let (mut meter, mut joint) = (Loudness::new(48_000, 2), Joint::default());
    meter.push(&noise(5, 2, 300_000, 0.3));
    joint.push(&meter);
    assert_eq!(joint.integrated_lufs(), meter.integrated_lufs());
    assert!(together(&[Source { trim_in_ms: 999_999, ..soft }], &mut |_| Flow::Go).is_err());
    assert!(
        matches!(together(&[], &mut |_| Flow::Go), Ok(none) if none.integrated_lufs == f64::NEG_INFINITY)
    );
}
