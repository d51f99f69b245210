//! Recipes as people write them: what is read, what is refused and in which line, what the hash stands for.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use deadwax_dsp::{
    DspError,
    recipe::{Recipe, shipped},
};
use proptest::prelude::*;

fn refusal(text: &str) -> (usize, String) {
    match Recipe::parse(text) {
        Err(DspError::Recipe { line, what }) => (line, what),
        other => panic!("{text:?} gave {other:?}"),
    }
}

#[test]
fn every_shipped_recipe_reads_and_is_named_as_its_file() {
    for (name, text) in shipped() {
        let recipe = Recipe::parse(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(recipe.name, *name);
        assert!(recipe.check().is_ok());
    }
    let of = |name: &str| {
        shipped().iter().find(|(n, _)| *n == name).map(|(_, t)| Recipe::parse(t).unwrap()).unwrap()
    };
    assert_eq!(of("default"), Recipe::default());
    assert!(of("convert-only").leaves_the_sound_alone());
    assert!(!of("default").leaves_the_sound_alone());
    assert_eq!(of("loud").target_lufs, Some(-9.0));
    assert!(of("vinyl-premaster").limiter.is_none());
}

#[test]
fn unknown_keys_are_refused_with_their_line() {
    let (line, what) = refusal("name = \"a\"\n\ntarget_lufs = -14.0\nloudness = 3\n");
    assert_eq!(line, 4);
    assert!(what.contains("loudness"), "{what}");
    let (line, what) = refusal("[limiter]\nhold_ms = 10.0\nattack = 2.0\n");
    assert_eq!((line, what.contains("attack")), (3, true));
    let (line, _) =
        refusal("[[eq]]\nkind = \"bell\"\nhz = 100.0\n[[eq]]\nkind = \"bell\"\nhz = 100.0\nwidth = 3.0\n");
    assert_eq!(line, 7);
}

#[test]
fn values_outside_their_limits_are_refused_with_their_line_and_the_limits() {
    for (text, line, part) in [
        ("name = \"x\"\nceiling_dbtp = 3.0", 2, "-20 to 0 dBTP"),
        ("ceiling_dbtp = 1.0", 1, "-20 to 0 dBTP"),
        ("target_lufs = -3.0", 1, "-40 to -4 LUFS"),
        ("[limiter]\nfast_release_ms = 0.0", 2, "1 to 1000 ms"),
        ("[limiter]\nlink = 1.5", 2, "0 to 1"),
        ("resample_phase = \"zero\"", 1, "linear and minimum"),
        ("\n[target]\nrange_lufs = [-10.0, -12.0]", 2, "range"),
        ("\n[target]\npenalty = [[-10.0, 0.0], [-12.0, 0.0]]", 2, "rise"),
        ("target_lufs = -14.0\n[target]\nrange_lufs = [-12.0, -10.0]", 1, "not both"),
        ("[[output]]\nencoding = \"wav24\"\ndither = \"shaped\"", 1, "16 bits"),
        ("target_lufs = 14.0", 1, "-40 to -4 LUFS"),
        ("target_lufs = nan", 1, "LUFS"),
        ("target_lufs = inf", 1, "LUFS"),
        ("\n[[eq]]\nkind = \"bell\"\nhz = 90000.0", 4, "5 to 40000 Hz"),
        ("[[eq]]\nkind = \"bell\"\nhz = 100.0\nq = 0.0", 4, "0.1 to 30"),
        ("[[eq]]\nkind = \"notch\"\nhz = 100.0", 2, "notch"),
        ("[compressor]\nthreshold_db = -20.0\nratio = 0.5", 3, "1 to 20"),
        ("[[output]]\nencoding = \"wav17\"", 2, "wav17"),
        ("[[output]]\nencoding = \"wav16\"\nrate = 10000000", 3, "8000 to 384000"),
        ("[[output]]\nencoding = \"wav16\"\nrate = -1", 3, ""),
        ("name = \"a\\u0007b\"", 1, "control"),
        ("target_lufs = \"loud\"", 1, ""),
        ("target_lufs = ", 1, ""),
    ] {
        let (at, what) = refusal(text);
        assert_eq!(at, line, "{text:?}: {what}");
        assert!(what.contains(part), "{text:?}: {what}");
    }
}

#[test]
fn the_same_output_twice_and_none_at_all_are_refused() {
    let (_, what) = refusal("[[output]]\nencoding = \"wav16\"\n[[output]]\nencoding = \"wav16\"\n");
    assert!(what.contains("twice"), "{what}");
    let (_, what) = refusal("output = []");
    assert!(what.contains("1 to 16"), "{what}");
}

#[test]
fn missing_values_are_named() {
    let (line, what) = refusal("[compressor]\nratio = 2.0\n");
    assert!(line >= 1 && what.contains("threshold_db"), "{what}");
}

#[test]
fn the_hash_follows_what_is_meant_and_not_how_it_is_written() {
    let short = Recipe::parse("name=\"a\"\n[limiter]\n[[output]]\nencoding=\"wav24\"").unwrap();
    let long = Recipe::parse(
        "# a remark\nname = 'a'\nceiling_dbtp = -1\n\n[[output]]\nencoding = \"wav24\"\n\n[limiter]\nhold_ms = 10.0\nlookahead_ms = 2.5\n",
    )
    .unwrap();
    assert_eq!(short.hash(), long.hash());
    let mut other = short.clone();
    other.ceiling_dbtp = -1.1;
    assert_ne!(short.hash(), other.hash());
}

#[test]
fn a_recipe_changed_after_reading_can_be_checked_again() {
    let mut recipe = Recipe { target_lufs: Some(f64::NAN), ..Recipe::default() };
    assert!(recipe.check().is_err());
    recipe.target_lufs = Some(-16.0);
    assert!(recipe.check().is_ok());
    recipe.outputs.clear();
    assert!(recipe.check().is_err());
}

#[test]
fn keys_that_came_later_leave_older_hashes_alone_and_survive_the_canonical_text() {
    let recipe = Recipe::default();
    for word in ["link", "dither", "resample_phase", "[target]"] {
        assert!(!recipe.canonical_toml().contains(word), "{word}");
    }
    let text = "resample_phase = \"minimum\"\n[target]\npenalty = [[-16.0, 0.0], [-9.0, 4.0]]\n[limiter]\nlink = 0.5\n[[output]]\nencoding = \"wav16\"\ndither = \"shaped\"\n";
    let recipe = Recipe::parse(text).unwrap();
    assert_eq!(Recipe::parse(&recipe.canonical_toml()).unwrap(), recipe);
}

#[test]
fn a_misspelt_key_is_answered_with_its_line_and_the_nearest_that_exists() {
    for (text, line, part) in [
        (
            "name = \"a\"\ntarget_lusf = -14.0\n",
            2,
            "target_lusf is no key of a recipe; did you mean target_lufs?",
        ),
        ("\nbas = \"default\"\n", 2, "did you mean base?"),
        ("stp = 1", 1, "did you mean step?"),
        ("[limiter]\nhold = 5.0", 2, "hold is no key of [limiter]; did you mean hold_ms?"),
        ("[compressor]\nthreshold_db = -20.0\nratoi = 2.0", 3, "no key of [compressor]; did you mean ratio?"),
        (
            "[[output]]\nencoding = \"wav24\"\ntarget = -9.0",
            3,
            "no key of [[output]]; did you mean target_lufs?",
        ),
        ("[[eq]]\nkind = \"bel\"\nhz = 100.0", 2, "kind: there is no \"bel\"; did you mean bell?"),
        ("[[step]]\nkind = \"mach\"", 2, "kind: there is no \"mach\"; did you mean match?"),
        ("[[step]]\nname = \"a\"", 1, "needs kind"),
        (
            "[[step]]\nreference = \"a.wav\"\nkind = \"match\"\n\ntonne = 0.5",
            5,
            "tonne is no key of a match step; did you mean tone?",
        ),
        ("[[step]]\nkind = \"match\"\nreference = \"a.wav\"\nbypas = true", 4, "did you mean bypass?"),
        ("[[step]]\nkind = \"match\"\nreference = \"a.wav\"\nwhatever = true", 4, "there are tone, width"),
        ("[[step]]\nkind = \"match\"\nreference = \"a.wav\"\ntone = 1.5", 4, "tone: 1.5 is outside 0 to 1"),
        ("[[step]]\nkind = \"match\"\nreference = \"a.wav\"\nmix = -1", 4, "mix: -1 is outside 0 to 1"),
        ("[[step]]\nkind = \"match\"\nreference = \"a.wav\"\nphase = \"linaer\"", 4, "did you mean linear?"),
        (
            "[[step]]\nkind = \"match\"\n\n[[step.reference]]\nfile = \"a.wav\"\nwieght = 2.0",
            6,
            "[[step.reference]]; did you mean weight?",
        ),
        ("name = \"a\"\n[[step]]\nkind = \"match\"\ntone = 0.5", 2, "a match step needs reference"),
        ("\n[[step]]\nkind = \"match\"\nreference = []", 2, "1 to 16 references"),
        (
            "[[step]]\nkind = \"match\"\nreference = \"a.wav\"\ntone = \"much\"",
            4,
            "tone: found string \"much\" where a number is wanted",
        ),
        (
            "[[step]]\nkind = \"match\"\nname = \"a\"\nreference = \"a.wav\"\n[[step]]\nkind = \"match\"\nname = \"a\"\nreference = \"b.wav\"",
            7,
            "two steps are called \"a\"",
        ),
        ("[alternates]\novers = \"shre\"", 2, "did you mean share?"),
        ("[alternates]\nshare_max_db = 40.0", 2, "share_max_db: 40 is outside 0 to 12 dB"),
        ("[[output]]\nencoding = \"wav24\"\ntarget_lufs = -2.0", 3, "-40 to -4 LUFS"),
        ("[[output]]\nencoding = \"wav24\"\nceiling_dbtp = 2.0", 3, "-20 to 0 dBTP"),
        ("name = 2024-01-01", 1, "date"),
        ("[limiter]\nlink = 99999999999999999999", 2, "too large"),
    ] {
        let (at, what) = refusal(text);
        assert!(at == line && what.contains(part), "{text:?} gave line {at}: {what}");
    }
}

#[test]
fn a_base_gives_what_the_text_leaves_out() {
    let of = |text: &str| Recipe::parse(text).unwrap();
    let gentle = of("base = \"gentle\"");
    let shipped_gentle = of(shipped().iter().find(|(n, _)| *n == "gentle").unwrap().1);
    assert_eq!(gentle, Recipe { name: "after gentle".into(), ..shipped_gentle.clone() });
    // Keys replace those of the base whole: no band of the base's equaliser is left.
    let mine =
        of("base = \"gentle\"\nname = \"mine\"\ntarget_lufs = -11.0\n[[eq]]\nkind = \"bell\"\nhz = 300.0\n");
    assert_eq!((mine.target_lufs, mine.eq.len(), mine.eq[0].hz), (Some(-11.0), 1, 300.0));
    assert_eq!((mine.name.as_str(), &mine.compressor), ("mine", &shipped_gentle.compressor));
    // A target said in another way puts away the base's.
    let ranged = of("base = \"gentle\"\n[target]\nrange_lufs = [-12.0, -10.0]");
    assert!(ranged.target_lufs.is_none() && ranged.target.is_some());
    // What the base gave stands in the canonical text.
    assert_eq!(of(&mine.canonical_toml()), mine);
    assert!(!mine.canonical_toml().contains("base"));
    let (line, what) = refusal("name = \"a\"\nbase = \"lowd\"");
    assert_eq!((line, what.contains("did you mean loud?")), (2, true), "{what}");
    assert_eq!(refusal("base = 3").0, 1);
    let (line, what) = refusal("base = \"gentle\"\n[[step]]\nname = \"glu\"\nbypass = true");
    assert_eq!((line, what.contains("no step called \"glu\"")), (3, true), "{what}");
}

#[test]
fn outputs_may_have_levels_of_their_own_and_are_told_apart_by_them() {
    let text = "target_lufs = -14.0\n[[output]]\nencoding = \"wav24\"\n[[output]]\nencoding = \"wav24\"\ntarget_lufs = -9\nceiling_dbtp = -0.5\n[[output]]\nencoding = \"wav24\"\nceiling_dbtp = -2.0\n";
    let recipe = Recipe::parse(text).unwrap();
    let labels: Vec<_> = recipe.outputs.iter().map(|o| o.label()).collect();
    assert_eq!(labels, [None, Some("-9LUFS_-0.5dBTP".into()), Some("-2dBTP".into())]);
    assert_eq!(Recipe::parse(&recipe.canonical_toml()).unwrap(), recipe);
    let (_, what) = refusal(
        "[[output]]\nencoding = \"wav24\"\ntarget_lufs = -9\n[[output]]\nencoding = \"wav24\"\ntarget_lufs = -9.0\n",
    );
    assert!(what.contains("wav24 at -9LUFS stands here twice"), "{what}");
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_a_line_it_has(text in "[a-z_=\\[\\]\"0-9.\\n #-]{0,200}") {
        if let Err(e) = Recipe::parse(&text) {
            let DspError::Recipe { line, .. } = e else { panic!("{e}") };
            prop_assert!(line >= 1 && line <= text.lines().count().max(1) + 1);
        }
    }

    #[test]
    fn the_canonical_text_reads_back_as_the_same_recipe(
        target in prop::option::of(-40.0f64..-4.0),
        ceiling in -20.0f64..0.0,
        bands in prop::collection::vec((5.0f64..40_000.0, -24.0f64..24.0, 0.1f64..30.0), 0..4),
        limited in any::<bool>(),
    ) {
        use deadwax_dsp::{processors::BandKind, recipe::{EqBand, LimiterRecipe}};
        let recipe = Recipe {
            target_lufs: target,
            ceiling_dbtp: ceiling,
            eq: bands.into_iter().map(|(hz, gain_db, q)| EqBand { kind: BandKind::Bell, hz, gain_db, q }).collect(),
            limiter: limited.then(LimiterRecipe::default),
            ..Recipe::default()
        };
        let again = Recipe::parse(&recipe.canonical_toml()).unwrap();
        prop_assert_eq!(again.hash(), recipe.hash());
        prop_assert_eq!(again, recipe);
    }
}
