//! Alternate forensics on a small song made here of band, lead and backing voices: every fault that an alternate can have, and beside each the case that
//! looks like it and must not alarm.

#![allow(clippy::disallowed_methods)]

#[path = "forensics_kit/mod.rs"]
mod kit;

use deadwax_dsp::{
    Block, DspError, Flow,
    forensics::{Examination, Part, Severity, examine},
    resample::Resampler,
    write::Encoding,
};
use kit::{Folder, RATE, db, keyed_gain, song, sum, times};
use proptest::prelude::*;

/// Codes that are more than information.
fn alarms(e: &Examination) -> Vec<&'static str> {
    e.findings.iter().filter(|f| f.severity > Severity::Info).map(|f| f.code).collect()
}

fn has(e: &Examination, code: &str, severity: Severity, token: &str) -> bool {
    e.findings.iter().any(|f| f.code == code && f.severity == severity && f.tokens.iter().any(|t| t == token))
}

fn figure(e: &Examination, code: &str) -> f64 {
    e.findings
        .iter()
        .find(|f| f.code == code)
        .unwrap_or_else(|| panic!("{code}: {:#?}", e.findings))
        .figure
        .value
}

/// All alternates, true.
fn whole_set(folder: &mut Folder) {
    let s = song();
    folder.add("inst", Part::Instrumental, &s.band);
    folder.add("acap", Part::Acappella, &sum(&[&s.lead, &s.backing]));
    folder.add("tv", Part::Tv, &sum(&[&s.band, &s.backing]));
    folder.add("up", Part::VocalUp(1.0), &sum(&[&s.band, &s.backing, &times(&s.lead, db(1.0))]));
    folder.add("down", Part::VocalDown(1.0), &sum(&[&s.band, &s.backing, &times(&s.lead, db(-1.0))]));
}

fn with_main() -> Folder {
    Folder::new(&song().main())
}

#[test]
fn true_alternates_raise_no_alarm_together_or_alone() {
    let mut folder = with_main();
    whole_set(&mut folder);
    let all = folder.examine();
    assert_eq!(alarms(&all), Vec::<&str>::new(), "{:#?}", all.findings);
    // 24 bits leave -140 dB or so of each file.
    assert!(all.sums[0].null_db < -90.0, "{:?}", all.sums);
    assert!(all.sums[0].bands.iter().all(|b| b.null_db < -60.0));
    for ride in &all.vocal_db {
        assert!((ride.real_db - ride.named_db).abs() < 0.01 && ride.exact, "{ride:?}");
    }
    assert!(all.laid.iter().all(|l| l.offset_frames == 0.0 && !l.inverted && l.of_this_song));
    for token in ["inst", "acap", "tv", "up", "down"] {
        let alone = folder.only(&[token]);
        assert_eq!(alarms(&alone), Vec::<&str>::new(), "{token}: {:#?}", alone.findings);
    }
    assert_eq!(alarms(&folder.only(&["inst", "tv"])), Vec::<&str>::new());
    assert_eq!(alarms(&folder.only(&["up", "down"])), Vec::<&str>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5))]

    #[test]
    fn start_polarity_and_level_are_found_and_taken_into_account(
        late in -3000i64..3000,
        inverted in any::<bool>(),
        level_db in prop_oneof![-4.0f64..-0.5, 0.5f64..4.0],
        which in 0usize..3,
    ) {
        let s = song();
        let sign = if inverted { -1.0 } else { 1.0 };
        let (token, part, sound) = [
            ("inst", Part::Instrumental, s.band.clone()),
            ("acap", Part::Acappella, sum(&[&s.lead, &s.backing])),
            ("tv", Part::Tv, sum(&[&s.band, &s.backing])),
        ][which].clone();
        let mut folder = with_main();
        whole_set(&mut folder);
        folder.replace(token, part, &kit::shifted(&times(&sound, sign * db(level_db)), late));
        let e = folder.examine();
        let laid = e.laid.iter().find(|l| l.token == token).unwrap();
        prop_assert_eq!(laid.offset_frames, late as f64, "{:#?}", e.findings);
        prop_assert_eq!(laid.inverted, inverted);
        prop_assert!((laid.level_db.unwrap() - level_db).abs() < 0.05, "{laid:?}");
        prop_assert_eq!(has(&e, "ALT_OFFSET", Severity::Block, token), late != 0);
        prop_assert_eq!(has(&e, "ALT_POLARITY", Severity::Block, token), inverted);
        prop_assert!(has(&e, "ALT_LEVEL", Severity::Warn, token));
        // Everything else is still seen to be right.
        let known = ["ALT_OFFSET", "ALT_POLARITY", "ALT_LEVEL"];
        prop_assert!(alarms(&e).iter().all(|c| known.contains(c)), "{:#?}", e.findings);
        prop_assert!(e.sums[0].null_db < -60.0, "{:?}", e.sums);
    }

    #[test]
    fn a_ride_is_told_within_a_tenth(real_db in 0.2f64..3.0, down in any::<bool>(), beside in 0usize..5) {
        let s = song();
        let real_db = if down { -real_db } else { real_db };
        let part = if down { Part::VocalDown(1.0) } else { Part::VocalUp(1.0) };
        let mut folder = with_main();
        whole_set(&mut folder);
        folder.remove("up");
        folder.remove("down");
        folder.add("ride", part, &sum(&[&s.band, &s.backing, &times(&s.lead, db(real_db))]));
        let others: &[&str] = [&["inst", "acap", "tv"][..], &["inst"], &["acap"], &["tv"], &[]][beside];
        let tokens: Vec<&str> = others.iter().copied().chain(["ride"]).collect();
        let e = folder.only(&tokens);
        let told = &e.vocal_db[0];
        prop_assert!((told.real_db - real_db).abs() < 0.1, "{real_db}: {told:?}");
        let misnamed = (real_db.abs() - 1.0).abs() > 0.35;
        let fine = (real_db.abs() - 1.0).abs() < 0.15;
        let warned = has(&e, "VOCAL_DB", Severity::Warn, "ride");
        prop_assert!((!misnamed || warned) && (!fine || !warned), "{real_db}: {:#?}", e.findings);
        prop_assert!(alarms(&e).iter().all(|c| *c == "VOCAL_DB"), "{:#?}", e.findings);
    }
}

#[test]
fn length_and_rate_are_told() {
    let s = song();
    let mut folder = with_main();
    let mut short = s.band.clone();
    short.resize(2, s.band.frames() - 4410);
    folder.add("inst", Part::Instrumental, &short);
    let e = folder.examine();
    assert_eq!(alarms(&e), ["ALT_LENGTH"], "{:#?}", e.findings);
    assert_eq!(figure(&e, "ALT_LENGTH"), -4410.0);

    let mut folder = with_main();
    let mut converted = Block::default();
    let mut resampler = Resampler::new(2, RATE, 44_100).unwrap();
    resampler.push(&s.band, &mut converted).unwrap();
    resampler.finish(&mut converted).unwrap();
    folder.add_at("inst", Part::Instrumental, &converted, 44_100);
    let e = folder.examine();
    assert_eq!(alarms(&e), ["ALT_RATE"], "{:#?}", e.findings);

    // The same samples under a header that says another rate: slower, deeper, longer.
    let mut folder = with_main();
    folder.add_at("inst", Part::Instrumental, &s.band, 44_100);
    let e = folder.examine();
    let rates =
        e.findings.iter().filter(|f| f.code == "ALT_RATE" && f.words.contains("48000 Hz file")).count();
    assert_eq!(rates, 1, "{:#?}", e.findings);
}

#[test]
fn labels_that_changed_places_are_found() {
    for (x, y, tokens) in [
        ("inst", "acap", &["inst", "acap", "tv", "up", "down"][..]),
        ("inst", "acap", &["inst", "acap", "up"]),
        ("inst", "acap", &["inst", "acap", "tv"]),
        ("inst", "acap", &["inst", "acap"]),
        ("inst", "tv", &["inst", "acap", "tv", "up", "down"]),
        ("inst", "tv", &["inst", "tv"]),
        ("up", "down", &["inst", "acap", "tv", "up", "down"]),
        ("up", "down", &["up", "down"]),
        ("main", "inst", &["inst", "acap", "tv", "up", "down"]),
        ("main", "inst", &["inst", "acap"]),
        ("main", "inst", &["inst"]),
        ("main", "acap", &["inst", "acap"]),
        ("main", "acap", &["acap"]),
        ("main", "tv", &["tv"]),
    ] {
        let mut folder = with_main();
        whole_set(&mut folder);
        folder.exchange(x, y);
        let e = folder.only(tokens);
        let found = e.findings.iter().find(|f| f.code == "ALT_SWAPPED").map(|f| f.tokens.clone());
        let mut found = found.unwrap_or_else(|| panic!("{x} and {y} among {tokens:?}: {:#?}", e.findings));
        found.sort();
        let mut wanted = [x.to_owned(), y.to_owned()];
        wanted.sort();
        assert_eq!(found, wanted, "among {tokens:?}: {:#?}", e.findings);
        assert!(e.blocked());
    }
}

#[test]
fn one_file_under_two_labels_is_found() {
    let s = song();
    for (token, part) in [
        ("inst", Part::Instrumental),
        ("tv", Part::Tv),
        ("up", Part::VocalUp(1.0)),
        ("acap", Part::Acappella),
    ] {
        let mut folder = with_main();
        folder.add(token, part, &s.main());
        let e = folder.examine();
        assert!(has(&e, "ALT_SAME_FILE", Severity::Block, token), "{token}: {:#?}", e.findings);
    }
    let mut folder = with_main();
    whole_set(&mut folder);
    folder.replace("down", Part::VocalDown(1.0), &sum(&[&s.band, &s.backing, &times(&s.lead, db(1.0))]));
    assert!(has(&folder.examine(), "ALT_SAME_FILE", Severity::Block, "down"));
    // A song without backing voices has one sound for both.
    let mut folder = Folder::new(&sum(&[&s.band, &s.lead]));
    folder.add("inst", Part::Instrumental, &s.band);
    folder.add("tv", Part::Tv, &s.band);
    assert!(!folder.examine().blocked());
}

#[test]
fn a_lead_left_in_the_tv_mix_is_found_and_sized() {
    let s = song();
    for left_db in [-12.0, -18.0, -25.0] {
        let mut folder = with_main();
        whole_set(&mut folder);
        folder.replace("tv", Part::Tv, &sum(&[&s.band, &s.backing, &times(&s.lead, db(left_db))]));
        for tokens in [&["inst", "acap", "tv", "up"][..], &["inst", "tv"]] {
            let e = folder.only(tokens);
            let told = figure(&e, "ALT_LEAD_LEFT_IN");
            assert!((told - left_db).abs() < 1.0, "{told} for {left_db}, {tokens:?}");
            assert!(alarms(&e).iter().all(|c| *c == "ALT_LEAD_LEFT_IN"), "{:#?}", e.findings);
        }
    }
}

#[test]
fn a_lead_left_in_at_one_place_is_found_by_a_ride() {
    let s = song();
    let mut tv = sum(&[&s.band, &s.backing]);
    let main = s.main();
    let place = 11 * RATE as usize..14 * RATE as usize;
    for (to, from) in tv.channels.iter_mut().zip(&main.channels) {
        to[place.clone()].copy_from_slice(&from[place.clone()]);
    }
    let mut folder = with_main();
    whole_set(&mut folder);
    folder.replace("tv", Part::Tv, &tv);
    let e = folder.examine();
    assert!(has(&e, "ALT_LEAD_LEFT_IN", Severity::Block, "tv"), "{:#?}", e.findings);
    // A ride that moved all voices knows no lead: the true TV mix must not be blamed by it.
    let mut folder = with_main();
    whole_set(&mut folder);
    let voices = sum(&[&s.lead, &s.backing]);
    folder.replace("up", Part::VocalUp(1.0), &sum(&[&s.band, &times(&voices, db(1.0))]));
    folder.remove("down");
    let e = folder.examine();
    assert_eq!(alarms(&e), Vec::<&str>::new(), "{:#?}", e.findings);
}

#[test]
fn a_voice_left_in_the_instrumental_is_found_and_sized() {
    let s = song();
    let voices = sum(&[&s.lead, &s.backing]);
    for left_db in [-10.0, -18.0, -27.0] {
        let mut folder = with_main();
        whole_set(&mut folder);
        folder.remove("tv");
        folder.replace("inst", Part::Instrumental, &sum(&[&s.band, &times(&voices, db(left_db))]));
        for tokens in [&["inst", "acap", "up"][..], &["inst"]] {
            let e = folder.only(tokens);
            let told = figure(&e, "ALT_VOICE_LEFT_IN");
            assert!((told - left_db).abs() < 1.5, "{told} for {left_db}, {tokens:?}: {:#?}", e.findings);
            assert!(!alarms(&e).contains(&"ALT_BUS_REACTED"), "{:#?}", e.findings);
        }
    }
}

#[test]
fn a_bus_compressor_that_heard_less_is_found_and_one_keyed_by_the_main_is_not() {
    let s = song();
    let (main, voices) = (s.main(), sum(&[&s.lead, &s.backing]));
    let by_main = keyed_gain(&main, -22.0, 3.0);
    let by_band = keyed_gain(&s.band, -22.0, 3.0);
    let by_voices = keyed_gain(&voices, -22.0, 3.0);
    let mut apart: Vec<f64> = by_band.iter().zip(&by_main).map(|(b, m)| 20.0 * (b / m).log10()).collect();
    apart.sort_by(f64::total_cmp);
    let most_db = apart[apart.len() * 97 / 100];
    assert!(most_db > 0.8, "the case is a case: {most_db}");
    let mut folder = Folder::new(&kit::shaped(&main, &by_main));
    folder.add("inst", Part::Instrumental, &kit::shaped(&s.band, &by_band));
    folder.add("acap", Part::Acappella, &kit::shaped(&voices, &by_voices));
    for tokens in [&["inst", "acap"][..], &["inst"]] {
        let e = folder.only(tokens);
        assert!(has(&e, "ALT_BUS_REACTED", Severity::Warn, "inst"), "{tokens:?}: {:#?}", e.findings);
        let told = e.findings.iter().find(|f| f.tokens == ["inst"] && f.code == "ALT_BUS_REACTED").unwrap();
        assert!((0.4 * most_db..1.6 * most_db).contains(&told.figure.value), "{told:?} for {most_db}");
    }
    let mut folder = Folder::new(&kit::shaped(&main, &by_main));
    folder.add("inst", Part::Instrumental, &kit::shaped(&s.band, &by_main));
    folder.add("acap", Part::Acappella, &kit::shaped(&voices, &by_main));
    for tokens in [&["inst", "acap"][..], &["inst"], &["acap"]] {
        let e = folder.only(tokens);
        assert_eq!(alarms(&e), Vec::<&str>::new(), "{tokens:?}: {:#?}", e.findings);
    }
}

#[test]
fn a_clean_version_may_lose_words_and_nothing_else() {
    let s = song();
    let voices = sum(&[&s.lead, &s.backing]);
    let word = 5 * RATE as usize..5 * RATE as usize + RATE as usize / 2;
    let mut muted = s.main();
    let mut reversed = s.main();
    for side in 0..2 {
        let words: Vec<f64> = voices.channels[side][word.clone()].to_vec();
        for (n, at) in word.clone().enumerate() {
            muted.channels[side][at] -= words[n];
            reversed.channels[side][at] += words[words.len() - 1 - n] - words[n];
        }
    }
    let mut softer = muted.clone();
    for plane in &mut softer.channels {
        plane[9 * RATE as usize..12 * RATE as usize].iter_mut().for_each(|x| *x *= db(-0.5));
    }
    for (sound, fine) in [(&muted, true), (&reversed, true), (&softer, false)] {
        let mut folder = with_main();
        whole_set(&mut folder);
        folder.add("clean", Part::Clean, sound);
        let e = folder.examine();
        assert_eq!(alarms(&e).is_empty(), fine, "{:#?}", e.findings);
        assert_eq!(has(&e, "ALT_CLEAN_CHANGED", Severity::Warn, "clean"), !fine);
        assert!(has(&e, "CLEAN_EDITS", Severity::Info, "clean"));
    }
}

#[test]
fn another_song_and_an_older_mix_are_told_apart() {
    let s = song();
    let mut folder = with_main();
    whole_set(&mut folder);
    folder.replace("inst", Part::Instrumental, &kit::other_song());
    let e = folder.examine();
    assert!(has(&e, "ALT_OTHER_SONG", Severity::Block, "inst"), "{:#?}", e.findings);
    assert_eq!(alarms(&e), ["ALT_OTHER_SONG"], "nobody else is blamed: {:#?}", e.findings);
    // The bass was a decibel louder in the mix before.
    let mut folder = with_main();
    whole_set(&mut folder);
    let older = sum(&[&s.band, &times(&s.bass, db(1.5) - 1.0)]);
    folder.replace("inst", Part::Instrumental, &older);
    let e = folder.only(&["inst", "acap"]);
    let told = ["ALT_OLDER_MIX", "ALT_SUM"];
    assert!(
        e.findings.iter().any(|f| f.severity > Severity::Info && told.contains(&f.code)),
        "{:#?}",
        e.findings
    );
    // Whatever is said of the reason, the true a cappella is not blamed alone.
    assert!(e.findings.iter().all(|f| f.tokens != ["acap"]), "{:#?}", e.findings);
}

#[test]
fn a_ride_that_moved_the_band_is_not_a_vocal_ride() {
    let s = song();
    let mut folder = with_main();
    whole_set(&mut folder);
    folder.replace("up", Part::VocalUp(1.0), &sum(&[&times(&s.band, db(1.0)), &s.backing, &s.lead]));
    let e = folder.examine();
    assert!(
        e.findings.iter().any(|f| f.tokens == ["up"] && f.severity > Severity::Info),
        "{:#?}",
        e.findings
    );
}

#[test]
fn stems_must_sum() {
    let s = song();
    let mut folder = with_main();
    let rest = sum(&[&s.band, &times(&s.bass, -1.0)]);
    for (token, sound) in [("bass", &s.bass), ("rest", &rest), ("lead", &s.lead), ("backing", &s.backing)] {
        folder.add(token, Part::Stem(token.into()), sound);
    }
    let e = folder.examine();
    assert_eq!(alarms(&e), Vec::<&str>::new(), "{:#?}", e.findings);
    assert!(e.sums[0].null_db < -90.0);
    let e = folder.only(&["bass", "rest", "backing"]);
    assert!(alarms(&e).contains(&"ALT_SUM"), "{:#?}", e.findings);
}

#[test]
fn odd_files_have_a_defined_answer() {
    let s = song();
    let silence = Block::new(2, s.band.frames());
    let mut folder = with_main();
    folder.add("inst", Part::Instrumental, &silence);
    assert!(has(&folder.examine(), "ALT_SILENT", Severity::Block, "inst"));
    let mut folder = Folder::new(&silence);
    folder.add("inst", Part::Instrumental, &s.band);
    assert!(folder.examine().blocked());
    // One channel beside two.
    let mut folder = with_main();
    let mono = Block { channels: vec![s.lead.channels[0].clone()] };
    folder.add("acap", Part::Acappella, &mono);
    assert!(has(&folder.examine(), "ALT_CHANNELS", Severity::Warn, "acap"));
    // A tenth of a second, and a single frame.
    for frames in [1, 100, 4800] {
        let cut = |b: &Block| Block { channels: b.channels.iter().map(|c| c[..frames].to_vec()).collect() };
        let mut folder = Folder::new(&cut(&s.main()));
        folder.add("inst", Part::Instrumental, &cut(&s.band));
        folder.examine();
    }
    let folder = with_main();
    assert_eq!(folder.examine(), Examination::default());
    let mut folder = with_main();
    folder.add("cut-30", Part::Edit, &s.band);
    assert_eq!(folder.examine(), Examination::default());
}

#[test]
fn it_stops_when_asked_and_says_which_file_is_missing() {
    let mut folder = with_main();
    whole_set(&mut folder);
    let (main, alternates) = folder.files();
    let stopped = examine(&main, &alternates, &mut |f| if f > 0.4 { Flow::Stop } else { Flow::Go });
    assert!(matches!(stopped, Err(DspError::Stopped)));
    let mut last = 0.0;
    examine(&main, &alternates, &mut |f| {
        assert!((last..=1.0).contains(&f), "{last} then {f}");
        last = f;
        Flow::Go
    })
    .unwrap();
    let missing = [("inst".to_owned(), Part::Instrumental, main.with_file_name("none.wav"))];
    let error = examine(&main, &missing, &mut |_| Flow::Go).unwrap_err();
    assert!(error.to_string().contains("none.wav"));
    let _ = Encoding::Wav24;
}
