//! Every rule broken once, and held at its limit.

use deadwax_dsp::profile::{Profile, RecordSheet, plan, text};

use crate::sample::{ASKED_FOR, NONE, but, codes, cover, finding, found, profile, sheet, wav};

#[test]
fn nothing_is_wrong_with_the_good_record() {
    for name in ASKED_FOR {
        let plan = plan(&profile(name), &but(|it| it.cover = Some(cover(3000, 3000))));
        let told = codes(&plan);
        assert!(plan.ready() && told.is_empty(), "{name}: {told:?}");
        assert!(!plan.files.is_empty());
    }
}

#[test]
fn every_finding_says_who_says_so_and_what_to_do() {
    let broken = but(|it| {
        it.copy = Default::default();
        it.copy.tracks = vec![Default::default(); 4];
        it.copy.tracks[0].title = "夜 (Explicit)".into();
        it.copy.upc = "1".into();
        it.copy.release_date = "soon".into();
        it.medium = String::new();
        it.sides = Vec::new();
        for song in &mut it.songs {
            song.alternates.clear();
            song.figures.true_peak_dbtp = 1.0;
            song.figures.integrated_lufs = -6.0;
            song.figures.clipped_samples = 9;
            song.source.bits = Some(16);
            song.source.frames *= 10;
            song.placing.gap_ms = 0;
        }
    });
    for (name, _) in deadwax_dsp::profile::shipped() {
        let plan = plan(&profile(name), &broken);
        assert!(!plan.ready(), "{name}");
        for it in &plan.findings {
            assert!(!it.source.is_empty() && !it.mend.is_empty() && it.text.ends_with('.'), "{name}: {it:?}");
        }
        let blocks = plan.findings.iter().position(|it| !it.block).unwrap_or(plan.findings.len());
        assert!(plan.findings[blocks..].iter().all(|it| !it.block), "{name}: blocks stand first");
    }
}

#[test]
fn true_peak_as_it_will_be_on_the_record() {
    let peak = |db: f64, gain_cb: i32| {
        but(|it| {
            it.songs[1].figures.true_peak_dbtp = db;
            it.songs[1].placing.gain_cb = gain_cb;
        })
    };
    assert_eq!(found("cd", &peak(0.0, 0)), NONE, "0 dBTP is not over it");
    assert_eq!(found("cd", &peak(0.01, 0)), ["TRUE_PEAK!"]);
    assert_eq!(found("cd", &peak(-0.5, 100)), ["TRUE_PEAK!"], "the level of the spacing counts");
    let it = finding("cd", &peak(-0.5, 100), "TRUE_PEAK");
    assert!(it.text.contains("0.50 dBTP") && it.source.contains("Neptune") && it.songs == [1], "{it:?}");
    let whole = but(|it| it.album_gain_db = 3.01);
    assert_eq!(found("cd", &whole), ["TRUE_PEAK!"; 4], "and that of all songs");
    assert_eq!(found("reference", &peak(-1.0, 0)), NONE);
    assert_eq!(found("reference", &peak(-0.9, 0)), ["TRUE_PEAK_ADVISED"]);
}

#[test]
fn loudness_clipping_and_silence() {
    let loud = |lufs: f64| but(|it| it.songs.iter_mut().for_each(|it| it.figures.integrated_lufs = lufs));
    assert_eq!(found("vinyl-toss", &loud(-18.0)), NONE);
    assert_eq!(found("vinyl-toss", &loud(-17.9)), ["LOUDNESS_ADVISED"; 4]);
    let own = text("cd").unwrap().replace("bits_min = 16", "bits_min = 16\nloudness_max_lufs = -18.0");
    let own = Profile::parse(&own).unwrap();
    assert_eq!(codes(&plan(&own, &loud(-18.0))), NONE);
    assert_eq!(codes(&plan(&own, &loud(-17.9))), ["LOUDNESS!"; 4]);
    assert_eq!(found("cd", &but(|it| it.songs[0].figures.clipped_samples = 1)), ["CLIPPED!"]);
    assert_eq!(found("cd", &but(|it| it.songs[0].figures = Default::default())), ["SILENT!"]);
}

#[test]
fn a_record_has_a_cover_that_stores_take() {
    let told = |name: &str, sheet: &RecordSheet| codes(&plan(&profile(name), sheet));
    for store in ["streaming", "spotify", "apple-music", "youtube", "tidal", "amazon", "deezer", "hi-res"] {
        assert_eq!(told(store, &sheet()), ["COVER_MISSING"], "{store}");
    }
    assert_eq!(told("cd", &sheet()), NONE, "the plant gets its artwork otherwise");
    let of = |width: u32, height: u32| but(|it| it.cover = Some(cover(width, height)));
    assert_eq!(told("spotify", &of(3000, 3000)), NONE);
    assert_eq!(told("spotify", &of(2999, 2999)), ["COVER_SMALL"]);
    assert_eq!(told("spotify", &of(3001, 3000)), ["COVER_SHAPE"]);
    assert_eq!(told("spotify", &of(4000, 2000)), ["COVER_SMALL", "COVER_SHAPE"]);
    let it = finding("spotify", &sheet(), "COVER_MISSING");
    assert!(it.source.contains("3000 x 3000") && it.mend.contains("label-copy cover FILE"), "{it:?}");
    let it = finding("spotify", &of(640, 640), "COVER_SMALL");
    assert!(it.text.contains("640 x 640") && it.text.contains("3000 x 3000"), "{it:?}");
    // Each is weighed as the profile says; a size that is asked for is told at least.
    let own = |rules: &str| {
        let text = format!("name = \"x\"\ndated = \"2026-11-21\"\nsources = [\"s\"]\n[record]\n{rules}\n");
        Profile::parse(&text).unwrap()
    };
    let found = |rules: &str, sheet: &RecordSheet| codes(&plan(&own(rules), sheet));
    assert_eq!(found("cover = \"block\"", &sheet()), ["COVER_MISSING!"]);
    assert_eq!(found("cover_square = \"block\"", &of(2, 1)), ["COVER_SHAPE!"]);
    assert_eq!(found("cover_min_px = 3", &of(2, 2)), ["COVER_SMALL"]);
    assert_eq!(found("cover = \"block\"\ncover_min_px = 3", &of(2, 2)), ["COVER_SMALL!"]);
    assert_eq!(found("cover_min_px = 3", &sheet()), NONE, "nobody asks for one");
}

#[test]
fn formats_of_the_masters() {
    assert_eq!(found("cd", &but(|it| it.songs[0].source.codec = "mp3".into())), ["LOSSY_SOURCE!"]);
    assert_eq!(found("cd", &but(|it| it.songs[0].source.channels = 6)), ["CHANNELS!"]);
    assert_eq!(found("mix-handoff", &but(|it| it.songs[0].source.channels = 1)), NONE);
    assert_eq!(found("hi-res", &but(|it| it.songs[0].source.bits = Some(16))), ["BITS_LOW"]);
    let odd = but(|it| it.songs[0].source.sample_rate = 50_000);
    assert_eq!(found("spotify", &odd), ["SAMPLE_RATE!"]);
    let low = but(|it| it.songs[0].source.sample_rate = 48_000);
    let it = finding("hi-res", &low, "RATE_KEPT");
    assert!(it.text.contains("96 kHz is asked; \"Headlights\" has 48 kHz and stays"), "{}", it.text);
    assert_eq!(found("archive", &low), ["RATES_DIFFER"], "one sound of all needs one rate");
}

#[test]
fn sides_are_held_to_the_plant() {
    // Side A: both songs and the gaps before its second and before side B, 3.5 s.
    let side_a = |ms: u64| but(|it| it.songs[0].source.frames = (ms - 183_500) * 96);
    assert_eq!(found("vinyl-toss", &side_a(1_380_000)), NONE);
    assert_eq!(found("vinyl-toss", &side_a(1_380_001)), ["SIDE_BEST"]);
    assert_eq!(found("vinyl-toss", &side_a(1_560_000)), ["SIDE_BEST"]);
    assert_eq!(found("vinyl-toss", &side_a(1_560_001)), ["SIDE_LONG!"]);
    let it = finding("vinyl-toss", &side_a(1_560_001), "SIDE_LONG");
    assert!(it.text.starts_with("Side A has 26:01 on 12\" 33 rpm") && it.source.contains("Toss"), "{it:?}");
    assert_eq!(found("vinyl-wolfpack", &side_a(1_400_000)), ["SIDE_BEST"], "over the limit of one of two");
    assert_eq!(found("vinyl-wolfpack", &side_a(1_560_001)), ["SIDE_LONG!"]);
    let ten = but(|it| it.medium = "10\" 33 rpm".into());
    assert_eq!(found("vinyl-pressing-business", &ten), NONE);
    assert_eq!(found("vinyl-toss", &ten), ["MEDIUM!"]);
    assert_eq!(found("vinyl-toss", &but(|it| it.medium.clear())), ["MEDIUM"]);
    assert_eq!(found("vinyl-toss", &but(|it| it.sides.clear())), ["SIDES"]);
    assert_eq!(found("vinyl-toss", &but(|it| it.songs[2].placing.crossfade_ms = 500)), ["SIDE_CROSSFADE!"]);
    let alone = but(|it| (it.sides, it.songs[0].placing.hidden) = (vec![1], true));
    assert_eq!(found("vinyl-toss", &alone), ["SIDES_ORDER!"], "a side of a hidden song alone");
    for sides in [vec![0], vec![4], vec![3, 2], vec![2, 2]] {
        assert_eq!(found("vinyl-toss", &but(|it| it.sides = sides)), ["SIDES_ORDER!"]);
    }
}

#[test]
fn the_last_song_of_a_side() {
    let last = |lufs: f64| but(|it| it.songs[3].figures.integrated_lufs = lufs);
    let quiet = text("vinyl-toss").unwrap().replace("loudness_advised_lufs = -18.0\n", "");
    let quiet = quiet.replace("loudness_advised_lufs = \"Universal Music\"\n", "");
    let quiet =
        quiet.replace("last_song_louder_lu = 1.0", "last_song_louder_lu = 1.0\nlast_song_quieter_lu = 4.0");
    let own = Profile::parse(&quiet).unwrap();
    for (lufs, codes_found) in
        [(-17.0, vec![]), (-16.9, vec!["LAST_LOUD"]), (-22.0, vec![]), (-22.1, vec!["LAST_QUIET"])]
    {
        assert_eq!(codes(&plan(&own, &last(lufs))), codes_found, "{lufs}");
    }
    let it = plan(&own, &last(-15.0)).findings[0].clone();
    assert_eq!((it.side, it.songs), (Some(1), vec![3]));
}

#[test]
fn a_disc_is_held_to_its_length_its_tracks_and_the_shortest_of_them() {
    // The pause of 2 s before the first track and gaps of 5.5 s count.
    let long = |ms: u64| but(|it| it.songs[0].source.frames = (ms - 2_000 - 5_500 - 570_000) * 96);
    assert_eq!(found("cd", &long(4_797_000)), NONE);
    assert_eq!(found("cd", &long(4_797_014)), ["DISC_LONG!"], "a sector more");
    let short = |ms: u64| but(|it| it.songs[3].source.frames = ms * 96);
    assert_eq!(found("cd", &short(4_000)), NONE);
    assert_eq!(found("cd", &short(3_999)), ["DISC_TRACK_SHORT!"]);
    let many = |tracks: usize| {
        but(|it| {
            it.sides.clear();
            let (song, copy) = (it.songs[1].clone(), it.copy.tracks[1].clone());
            for nth in 4..tracks {
                let mut copy = copy.clone();
                copy.isrc = format!("SEAYE26{nth:05}");
                it.copy.tracks.push(copy);
                it.songs.push(song.clone());
            }
            it.songs.iter_mut().for_each(|it| it.source = wav(5));
            it.copy.tracks.iter_mut().enumerate().for_each(|(nth, it)| it.isrc = format!("SEAYE26{nth:05}"));
        })
    };
    assert_eq!(found("cd", &many(99)), NONE);
    assert_eq!(found("cd", &many(100)), ["DISC_TRACKS!"]);
}

#[test]
fn how_songs_meet() {
    assert_eq!(found("cd", &but(|it| it.songs[1].placing.gap_ms = 0)), ["GAP_ZERO"]);
    assert_eq!(found("cd", &but(|it| it.songs[1].placing.gap_ms = 1)), NONE);
    let meant = but(|it| (it.songs[1].placing.gap_ms, it.songs[1].placing.crossfade_ms) = (0, 10));
    assert_eq!(found("cd", &meant), NONE, "a crossfade says that it is meant");
    let crossed = |first: u32, second: u32| {
        but(|it| {
            it.songs[1].placing.crossfade_ms = first;
            it.songs[2].placing.crossfade_ms = second;
        })
    };
    assert_eq!(found("cd", &crossed(90_000, 90_000)), NONE, "the song has 180 s");
    assert_eq!(found("cd", &crossed(90_000, 90_001)), ["CROSSFADE!"]);
    assert_eq!(found("cd", &but(|it| it.songs[3].placing.crossfade_ms = 150_001)), ["CROSSFADE!"]);
    assert_eq!(
        found("cd", &crossed(0, 180_000)),
        ["CROSSFADE!"],
        "nothing would be left of the track before"
    );
    assert_eq!(found("cd", &crossed(0, 175_000)), NONE);
    let trims =
        |ms: u32| but(|it| (it.songs[3].placing.trim_in_ms, it.songs[3].placing.trim_out_ms) = (ms, 75_000));
    assert_eq!(found("streaming", &trims(74_999)), NONE);
    assert_eq!(found("streaming", &trims(75_000)), ["TRIM!"]);
    let fades =
        |ms: u32| but(|it| (it.songs[3].placing.fade_in_ms, it.songs[3].placing.fade_out_ms) = (ms, 75_000));
    assert_eq!(found("streaming", &fades(75_000)), NONE);
    assert_eq!(found("streaming", &fades(75_001)), ["FADES_OVERLAP!"]);
    assert_eq!(found("sync", &fades(1)), ["FADES"]);
    assert_eq!(found("streaming", &but(|it| it.songs[1].placing.hidden = true)), ["HIDDEN!"]);
    assert_eq!(found("streaming", &but(|it| it.songs[0].placing.hidden = true)), ["HIDDEN_LEFT_OUT"]);
    let hidden = |seconds: u64| {
        but(|it| (it.songs[0].placing.hidden, it.songs[0].source) = (true, crate::sample::wav(seconds)))
    };
    assert_eq!(found("cd", &hidden(120)), NONE, "a disc has a pre-gap");
    assert_eq!(found("cd", &hidden(200)), ["cd-hidden-long!"], "the map of a set has four digits for it");
    let cue = "name = \"x\"\ndated = \"2026-11-21\"\nsources = [\"s\"]\n[[file]]\nkind = \"cue-bin\"\nname = \"x\"\n";
    let plan = plan(&Profile::parse(cue).unwrap(), &hidden(200));
    assert_eq!(codes(&plan), NONE, "a cue sheet says any length");
}

#[test]
fn what_cannot_be_reckoned_has_no_files() {
    for (sheet, code) in [
        (RecordSheet::default(), "NO_SONGS!"),
        (but(|it| it.songs[0].source.frames = 0), "NO_SOUND!"),
        (but(|it| it.songs[0].source.sample_rate = 0), "NO_SOUND!"),
        (but(|it| it.songs[0].source.frames = 86_400 * 96_000 + 96), "SONG_LONG!"),
        (but(|it| drop(it.copy.tracks.pop())), "LABEL_COPY_ROWS!"),
    ] {
        let plan = plan(&profile("cd"), &sheet);
        assert_eq!(codes(&plan), [code]);
        assert!(plan.files.is_empty());
    }
}

#[test]
fn steps_from_song_to_song() {
    let step = |lufs: f64| but(|it| it.songs[1].figures.integrated_lufs = lufs);
    assert_eq!(found("archive", &step(-30.0)), NONE, "not asked there");
    assert_eq!(found("cd", &step(-24.0)), NONE);
    assert_eq!(found("cd", &step(-24.1)), ["STEP", "STEP"], "into it and out of it");
    assert_eq!(finding("cd", &step(-24.1), "STEP").songs, [0, 1]);
}

#[test]
fn alternates_of_a_sync_set() {
    let without = |token: &str| but(|it| it.songs[2].alternates.retain(|it| it.token != token));
    assert_eq!(found("sync", &without("instrumental")), ["ALTERNATE_MISSING!"]);
    assert_eq!(found("sync", &without("cut-30")), ["ALTERNATE_MISSING"]);
    let it = finding("sync", &without("instrumental"), "ALTERNATE_MISSING");
    assert!(it.text.contains("no instrumental of \"Low Beam\"") && it.songs == [2], "{it:?}");
    let longer = |at: usize, frames: u64| but(|it| it.songs[0].alternates[at].source.frames += frames);
    assert_eq!(found("sync", &longer(0, 1)), NONE);
    assert_eq!(found("sync", &longer(0, 2)), ["ALTERNATE_LENGTH!"]);
    assert_eq!(found("sync", &longer(3, 1)), ["CUT_LENGTH!"], "a cutdown is exact to the frame");
    let format = but(|it| it.songs[0].alternates[0].source.bits = Some(16));
    assert_eq!(found("sync", &format), ["ALTERNATE_FORMAT!"]);
}

#[test]
fn what_platforms_do_is_told_and_never_blocks() {
    let loud = |lufs: f64| but(|it| it.songs.iter_mut().for_each(|it| it.figures.integrated_lufs = lufs));
    assert_eq!(found("tidal", &loud(-12.0)), NONE);
    assert_eq!(found("tidal", &loud(-11.9)), ["PLATFORM_LEVEL"]);
    assert_eq!(found("soundcloud-bandcamp", &loud(-5.0)), NONE, "they play it as it is");
    let peak = |db: f64, lufs: f64| {
        but(|it| {
            it.songs.iter_mut().for_each(|it| {
                (it.figures.true_peak_dbtp, it.figures.integrated_lufs) = (db, lufs);
            });
        })
    };
    assert_eq!(found("amazon", &peak(-2.0, -14.0)), NONE);
    assert_eq!(found("amazon", &peak(-1.9, -14.0)), ["PLATFORM_PEAK"]);
    // A record of songs as loud as each other keeps one gain; Spotify asks more room of what it turns down.
    assert_eq!(
        found("spotify", &peak(-1.5, -13.0)),
        ["PLATFORM_PEAK"],
        "nothing comes of what listeners choose"
    );
    assert_eq!(found("spotify", &peak(-1.5, -14.0)), NONE);
    let it = finding("streaming", &loud(-9.0), "PLATFORM_LEVEL");
    assert!(
        it.text.contains("Spotify turns the record down by 5.0 dB") && it.source.contains("album"),
        "{it:?}"
    );
}
