//! Profiles as text.

use deadwax_dsp::profile::{Catalogue, Profile, shipped};

use crate::sample::{ASKED_FOR, profile};

#[test]
fn every_shipped_profile_is_dated_and_sourced_to_its_last_figure() {
    for (name, _) in shipped() {
        let it = profile(name);
        assert_eq!(it.name, *name);
        assert!(it.dated.starts_with("2026-") && !it.about.is_empty() && !it.sources.is_empty(), "{name}");
        assert_eq!(it.sha256.len(), 64);
        for platform in &it.platforms {
            assert!(!platform.source.is_empty(), "{name}: {} has no source", platform.name);
        }
        assert!(*name == "mix-handoff" || !it.files.is_empty(), "{name} asks for no file");
        let limits = &it.limits;
        for (key, given) in [
            ("true_peak_advised_dbtp", limits.true_peak_advised_dbtp.is_some() && *name != "mix-handoff"),
            ("loudness_advised_lufs", limits.loudness_advised_lufs.is_some()),
            ("cd_text", it.record.cd_text != Default::default()),
            ("last_song_louder_lu", it.record.last_song_louder_lu.is_some()),
            ("penalty_db", it.record.penalty_db.is_some()),
            ("cover", it.record.cover != Default::default() && *name != "streaming"),
            ("cover_min_px", it.record.cover_min_px.is_some() && *name != "streaming"),
            ("cut_tolerance_ms", it.record.cut_tolerance_ms.is_some()),
            // Its sources stand on a screen, and one for titles is not among them.
            ("title_words", it.record.title_words != Default::default() && *name != "streaming"),
        ] {
            assert!(!given || it.said_by(key).is_some(), "{name}: {key} has no source of its own");
        }
    }
}

#[test]
fn all_that_is_asked_for_comes_along() {
    for name in ASKED_FOR {
        profile(name);
    }
}

#[test]
fn where_plants_disagree_both_stand() {
    let lp = profile("vinyl-wolfpack").medium("12\" 33 rpm").unwrap().clone();
    let limits: Vec<_> = lp.limits.iter().map(|it| (it.of.as_str(), it.best_s, it.max_s)).collect();
    assert_eq!(
        limits,
        [("Pressing Business", Some(1170), Some(1380)), ("Toss Records", Some(1380), Some(1560))]
    );
}

const GOOD: &str = r#"name = "own"
dated = "2026-11-21"
sources = ["Ana's studio, by mail"]
[because]
step_max_lu = "Ana"
[limits]
bits_min = 24
[record]
step_max_lu = 2.0
[[platform]]
name = "P"
true_peak_dbtp = -1
[[medium]]
name = "M"
sides_are = "sides"
[[medium.limit]]
of = "Ana"
max_s = 60
[[file]]
kind = "track"
encoding = "wav24"
folder = "{album}"
name = "{title}"
"#;

#[test]
fn a_typo_is_refused_with_its_line_and_the_nearest_word() {
    assert!(Profile::parse(GOOD).is_ok(), "{:?}", Profile::parse(GOOD));
    for (right, wrong, line, said) in [
        ("bits_min", "bit_min", 7, "bit_min is no key of [limits]; did you mean bits_min?"),
        ("step_max_lu = 2.0", "step_max = 2.0", 9, "did you mean step_max_lu?"),
        ("dated", "date", 2, "did you mean dated?"),
        ("\"2026-11-21\"", "\"2026-02-30\"", 2, "is no date"),
        ("\"2026-11-21\"", "2026-11-21", 2, "no key of a profile is a date"),
        ("[\"Ana's studio, by mail\"]", "[]", 3, "sources: name at least one"),
        ("step_max_lu = \"Ana\"", "step_mx_lu = \"Ana\"", 5, "did you mean step_max_lu?"),
        ("step_max_lu = \"Ana\"", "step_max_lu = \"Bo\"", 5, "no source has the words \"Bo\""),
        ("of = \"Ana\"", "of = \"Bo\"", 17, "no source has the words \"Bo\""),
        ("max_s = 60", "best_s = 61\nmax_s = 60", 16, "the best is not over the most"),
        ("\"wav24\"", "\"wav42\"", 21, "did you mean wav24?"),
        ("\"track\"", "\"trak\"", 20, "did you mean track?"),
        ("{title}", "{titel}", 23, "did you mean {title}?"),
        ("{title}", "../{title}", 23, "'.' cannot stand in a name"),
        ("{title}", "_{title}", 23, "hidden on some systems"),
        ("encoding = \"wav24\"\n", "", 19, "encoding: this kind needs one"),
        ("kind = \"track\"", "kind = \"cue-bin\"", 21, "encoding: this kind has none"),
        ("folder = \"{album}\"", "alternate = \"tv\"", 22, "only kind = \"song\""),
        ("folder = \"{album}\"", "sample_rate_hz = 9", 22, "8000 to 384000"),
        ("kind = \"track\"", "kind = \"track\"\nkind = \"song\"", 21, "duplicate"),
        ("bits_min = 24", "bits_min = \"24\"", 7, "bits_min: found string"),
    ] {
        let text = GOOD.replacen(right, wrong, 1);
        assert_ne!(text, GOOD, "{right} stands in the text");
        let (at, what) = Profile::parse(&text).expect_err(wrong);
        assert!(at == line && what.contains(said), "{wrong}: line {at}: {what}");
    }
    let twice = format!("{GOOD}[[platform]]\nname = \"P\"\ntrue_peak_dbtp = -1.0\n");
    let (at, what) = Profile::parse(&twice).unwrap_err();
    assert!(at == 25 && what.contains("two platforms"), "{at}: {what}");
}

#[test]
fn a_profile_of_ones_own_takes_the_place_of_a_shipped_one() {
    let own = GOOD.replace("\"own\"", "\"spotify\"");
    let all = Catalogue::new([("my/spotify.toml", own.as_str()), ("my/own.toml", GOOD)]).unwrap();
    assert_eq!(all.get("spotify").unwrap().limits.bits_min, Some(24));
    assert!(all.is_own("spotify") && all.is_own("own") && !all.is_own("cd"));
    assert_eq!(all.all().count(), shipped().len() + 1);
    assert_ne!(all.get("spotify").unwrap().sha256, all.get("own").unwrap().sha256);
    assert!(all.get("spotfy").unwrap_err().contains("did you mean spotify?"));
    let twice = Catalogue::new([("a.toml", GOOD), ("b.toml", GOOD)]).unwrap_err();
    assert!(twice.contains("b.toml") && twice.contains("rename it"), "{twice}");
    let wrong = Catalogue::new([("a.toml", "nam = 'x'")]).unwrap_err();
    assert!(wrong.contains("a.toml is wrong in line 1") && wrong.contains("did you mean name?"), "{wrong}");
}
