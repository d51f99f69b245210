//! A master that was signed in several forms: what asks for the very form of one gets it, as long as nothing touches the song.

use deadwax_dsp::profile::{AudioFile, FormatSheet, Kind, Plan, Profile, RecordSheet, plan};

use crate::sample::{codes, figures, finding, found, profile, sheet, wav};

const NONE: [&str; 0] = [];

/// 44.1 kHz and 16 bits of a song.
fn disc_form(seconds: u64) -> FormatSheet {
    let source = AudioFile { sample_rate: 44_100, bits: Some(16), frames: seconds * 44_100, ..wav(seconds) };
    FormatSheet { source, figures: figures() }
}

/// The good record, every song of which was signed for a disc too; `change` is done to it.
fn signed(change: impl FnOnce(&mut RecordSheet)) -> RecordSheet {
    let mut sheet = sheet();
    for song in &mut sheet.songs {
        let seconds = song.source.frames / 96_000;
        song.others = vec![disc_form(seconds)];
        song.alternates[0].others = vec![disc_form(seconds)];
    }
    change(&mut sheet);
    sheet
}

fn exact(plan: &Plan, kind: Kind) -> Vec<bool> {
    plan.files.iter().filter(|it| it.kind == kind).map(|it| it.exact).collect()
}

#[test]
fn a_disc_of_signed_files_that_nothing_touches_is_exact() {
    let disc = |change: &dyn Fn(&mut RecordSheet)| {
        let plan = plan(&profile("cd"), &signed(change));
        assert_eq!(exact(&plan, Kind::DdpImage), exact(&plan, Kind::DiscImage));
        (plan.files.iter().find(|it| it.kind == Kind::DdpImage).unwrap().exact, codes(&plan))
    };
    assert_eq!(disc(&|_| {}), (true, vec![]), "silence between songs is nobody's sample");
    let whole = disc(&|_| {});
    for change in [
        (&|it: &mut RecordSheet| it.album_gain_db = -0.1) as &dyn Fn(&mut RecordSheet),
        &|it| it.songs[1].placing.gain_cb = 1,
        &|it| it.songs[1].placing.trim_in_ms = 1,
        &|it| it.songs[1].placing.trim_out_ms = 1,
        &|it| it.songs[1].placing.fade_in_ms = 1,
        &|it| it.songs[1].placing.fade_out_ms = 1,
        &|it| it.songs[1].placing.crossfade_ms = 10,
        &|it| it.songs[1].others.clear(),
        &|it| it.songs[1].others[0].source.bits = Some(24),
        &|it| it.songs[1].others[0].source.codec = "mp3".into(),
        &|it| (it.songs[1].source.channels, it.songs[1].others[0].source.channels) = (1, 1),
    ] {
        assert!(!disc(change).0, "{:?}", codes(&plan(&profile("cd"), &signed(change))));
    }
    assert!(whole.0);
    // Nothing moves: the places of the disc are those of the same record from its best files.
    let places = |sheet: &RecordSheet| {
        plan(&profile("cd"), sheet)
            .files
            .into_iter()
            .map(|it| (it.name, it.frames, it.bytes))
            .collect::<Vec<_>>()
    };
    assert_eq!(places(&signed(|_| {})), places(&sheet()));
}

#[test]
fn a_signed_file_of_another_length_or_level_is_not_used_and_people_are_told() {
    let longer = signed(|it| it.songs[2].others[0].source.frames += 1);
    let plan = plan(&profile("cd"), &longer);
    assert_eq!(exact(&plan, Kind::DdpImage), [false]);
    assert_eq!(found("cd", &longer), ["FORMAT_DIFFERS"]);
    let it = finding("cd", &longer, "FORMAT_DIFFERS");
    assert!(it.text.contains("\"Low Beam\"") && it.text.contains("44.1 kHz and 16 bits"), "{it:?}");
    assert_eq!(it.songs, [2]);
    let level = |lufs: f64| signed(|it| it.songs[2].others[0].figures.integrated_lufs = lufs);
    assert_eq!(found("cd", &level(-17.5)), NONE);
    assert_eq!(
        found("cd", &level(-9.0)),
        ["FORMAT_DIFFERS"],
        "an output of the recipe with a level of its own"
    );
    assert_eq!(found("hi-res", &longer), NONE, "nobody asks for that form there");
}

#[test]
fn tracks_songs_and_alternates_take_the_file_of_their_form_and_else_the_best() {
    let asks = |kind: &str, encoding: &str, rest: &str| {
        let head = "name = \"x\"\ndated = \"2026-11-21\"\nsources = [\"s\"]\n";
        let ask = format!("[[file]]\nkind = {kind:?}\nencoding = {encoding:?}\nname = \"{{title}}\"\n{rest}");
        Profile::parse(&(head.to_owned() + &ask)).unwrap()
    };
    let low = "sample_rate_hz = 44100\n";
    let mut sheet = signed(|it| it.songs.iter_mut().for_each(|it| it.placing.gap_ms = 0));
    let planned = |sheet: &RecordSheet, profile: Profile, kind: Kind| exact(&plan(&profile, sheet), kind);
    assert_eq!(planned(&sheet, asks("track", "wav16", low), Kind::Track), [true; 4]);
    assert_eq!(
        planned(&sheet, asks("track", "flac16", low), Kind::Track),
        [true; 4],
        "words, not containers"
    );
    assert_eq!(planned(&sheet, asks("track", "wav24", low), Kind::Track), [false; 4], "from the longer word");
    assert_eq!(
        planned(&sheet, asks("track", "wav24", ""), Kind::Track),
        [true; 4],
        "the best is its own form"
    );
    assert_eq!(planned(&sheet, asks("track", "wav16", ""), Kind::Track), [false; 4]);
    sheet.songs[1].placing.gain_cb = 10;
    assert_eq!(planned(&sheet, asks("track", "wav16", low), Kind::Track), [true, false, true, true]);
    assert_eq!(planned(&sheet, asks("song", "wav16", low), Kind::Song), [true; 4], "apart from the record");
    let instrumental = format!("{low}alternate = \"instrumental\"\n");
    assert_eq!(planned(&sheet, asks("song", "wav16", &instrumental), Kind::Song), [true; 4]);
    let tv = format!("{low}alternate = \"tv\"\n");
    assert_eq!(
        planned(&sheet, asks("song", "wav16", &tv), Kind::Song),
        [false; 4],
        "it was signed in one form"
    );
}

#[test]
fn peaks_are_those_of_the_file_that_is_taken() {
    let hot = signed(|it| {
        it.songs[0].others[0].figures.true_peak_dbtp = 0.3;
        it.songs[1].others[0].figures.clipped_samples = 2;
    });
    assert_eq!(found("cd", &hot), ["TRUE_PEAK!", "CLIPPED!"]);
    assert_eq!(found("hi-res", &hot), NONE, "which takes the best");
    let best = signed(|it| it.songs[0].figures.true_peak_dbtp = 0.3);
    assert_eq!(found("cd", &best), NONE);
    assert_eq!(found("hi-res", &best), ["TRUE_PEAK!"]);
}
