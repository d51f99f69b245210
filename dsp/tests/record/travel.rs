//! A job goes through JSON to a child and back, and a made record comes home the same way.

use std::path::PathBuf;

use deadwax_dsp::{
    processors::fade::Shape,
    profile::{
        AlternateSheet, AudioFile, Figures, FormatSheet, Placing, RecordSheet, SongSheet,
        label_copy::{Credit, Explicit, LabelCopy, Split, SplitKind, TrackCopy},
    },
    record::{AlternateFile, Job, Made, MadeFile, ProfileText, Progress, SongFiles, SourceFile},
};
use proptest::{collection::vec, prelude::*};

fn level() -> impl Strategy<Value = f64> {
    let any = proptest::num::f64::NORMAL | proptest::num::f64::ZERO | proptest::num::f64::SUBNORMAL;
    prop_oneof![any, Just(f64::NEG_INFINITY), -60.0..0.0]
}

fn figures() -> impl Strategy<Value = Figures> {
    (level(), 0.0..40.0, level(), level(), level(), any::<u64>(), proptest::option::of(vec(level(), 8)))
        .prop_map(|(integrated, range, momentary, short_term, peak, clipped, bands)| Figures {
            integrated_lufs: integrated,
            range_lu: range,
            max_momentary_lufs: momentary,
            max_short_term_lufs: short_term,
            true_peak_dbtp: peak,
            clipped_samples: clipped,
            bands_dbfs: bands.map(|it| it.try_into().unwrap()),
        })
}

fn audio() -> impl Strategy<Value = AudioFile> {
    (".*", any::<u32>(), any::<Option<u32>>(), any::<bool>(), 0..8usize, any::<u64>()).prop_map(
        |(word, sample_rate, bits, float, channels, frames)| AudioFile {
            container: word.clone(),
            codec: word,
            sample_rate,
            bits,
            float,
            channels,
            frames,
        },
    )
}

fn placing() -> impl Strategy<Value = Placing> {
    (any::<[u32; 6]>(), 0..4usize, any::<i32>(), any::<bool>()).prop_map(|(ms, shape, gain_cb, hidden)| {
        Placing {
            trim_in_ms: ms[0],
            trim_out_ms: ms[1],
            gap_ms: ms[2],
            crossfade_ms: ms[3],
            fade_in_ms: ms[4],
            fade_out_ms: ms[5],
            shape: Shape::ALL[shape],
            gain_cb,
            hidden,
        }
    })
}

fn song() -> impl Strategy<Value = SongSheet> {
    let others =
        || vec((audio(), figures()).prop_map(|(source, figures)| FormatSheet { source, figures }), 0..2);
    let alternate = (".*", audio(), figures(), others())
        .prop_map(|(token, source, figures, others)| AlternateSheet { token, source, figures, others });
    (any::<u32>(), audio(), figures(), others(), vec(alternate, 0..3), placing()).prop_map(
        |(version, source, figures, others, alternates, placing)| SongSheet {
            version,
            source,
            figures,
            others,
            alternates,
            placing,
        },
    )
}

fn track() -> impl Strategy<Value = TrackCopy> {
    let split = (".*", any::<u32>(), 0..2usize).prop_map(|(name, share, kind)| Split {
        name,
        share,
        kind: SplitKind::ALL[kind],
    });
    let credit = (".*", ".*").prop_map(|(role, name)| Credit { role, name });
    (
        vec(".*", 4),
        proptest::option::of(proptest::sample::select(&Explicit::ALL[..])),
        vec(credit, 0..3),
        vec(split, 0..3),
    )
        .prop_map(|(words, explicit, credits, splits)| TrackCopy {
            title: words[0].clone(),
            version_title: words[1].clone(),
            artist: words[2].clone(),
            isrc: words[3].clone(),
            explicit,
            credits,
            splits,
        })
}

fn sheet() -> impl Strategy<Value = RecordSheet> {
    let copy = (vec(".*", 10), vec(track(), 0..3)).prop_map(|(words, tracks)| LabelCopy {
        artist: words[0].clone(),
        title: words[1].clone(),
        upc: words[2].clone(),
        catalogue: words[3].clone(),
        label: words[4].clone(),
        p_line: words[5].clone(),
        c_line: words[6].clone(),
        release_date: words[7].clone(),
        genre: words[8].clone(),
        language: words[9].clone(),
        tracks,
    });
    let album = proptest::option::of(figures());
    (any::<u32>(), copy, vec(song(), 0..3), vec(0..9usize, 0..3), ".*", -60.0..60.0, album).prop_map(
        |(number, copy, songs, sides, medium, album_gain_db, album)| RecordSheet {
            number,
            copy,
            songs,
            sides,
            contact: medium.clone(),
            medium,
            album_gain_db,
            album,
            cover: None,
        },
    )
}

fn source() -> impl Strategy<Value = SourceFile> {
    (".*", ".*").prop_map(|(path, sha256)| SourceFile { path: PathBuf::from(path), sha256 })
}

fn job() -> impl Strategy<Value = Job> {
    let others = || vec(source(), 0..2);
    let alternate =
        (".*", source(), others()).prop_map(|(token, file, others)| AlternateFile { token, file, others });
    let files = (source(), others(), vec(alternate, 0..3)).prop_map(|(main, others, alternates)| SongFiles {
        main,
        others,
        alternates,
    });
    let profile = (".*", ".*").prop_map(|(name, toml)| ProfileText { name, toml });
    (sheet(), vec(profile, 0..3), vec(files, 0..3), proptest::option::of(".*"), ".*").prop_map(
        |(sheet, profiles, songs, cover, out_dir)| Job {
            sheet,
            profiles,
            songs,
            cover: cover.map(PathBuf::from),
            engine: out_dir.clone(),
            out_dir: out_dir.into(),
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_job_is_the_same_behind_its_json(job in job()) {
        let text = serde_json::to_string(&job).unwrap();
        let back: Job = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&back, &job);
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }

    #[test]
    fn a_made_file_is_the_same_behind_its_json(lufs in level(), frames: u64, exact: bool, fraction in 0.0..1.0) {
        let file = MadeFile {
            name: "a".into(),
            frames,
            exact,
            integrated_lufs: Some(lufs).filter(|it| it.is_finite()),
            ..MadeFile::default()
        };
        let made = Made { files: vec![file], report_json: "{}".into() };
        let back: Made = serde_json::from_str(&serde_json::to_string(&made).unwrap()).unwrap();
        prop_assert_eq!(back, made);
        let told = Progress { step: "cd: image".into(), fraction, files_done: 1, files: 2 };
        let back: Progress = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
        prop_assert_eq!(back, told);
    }
}

#[test]
fn the_level_of_silence_is_null_and_an_unknown_key_is_refused() {
    let job = Job {
        sheet: RecordSheet { songs: vec![SongSheet::default()], ..RecordSheet::default() },
        ..Job::default()
    };
    let mut text = serde_json::to_value(&job).unwrap();
    assert!(text["sheet"]["songs"][0]["figures"]["integrated_lufs"].is_null());
    assert!(text["sheet"].get("cover").is_none(), "a picture does not travel in the sheet");
    text["prfiles"] = serde_json::json!([]);
    assert!(serde_json::from_value::<Job>(text).unwrap_err().to_string().contains("prfiles"));
}
