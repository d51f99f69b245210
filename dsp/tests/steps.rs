//! What every kind of step of a recipe keeps, whatever it does: blocks of any size, mix and bypass, alternates that sum, a text that reads back.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its recipes may panic

mod render_kit;

use deadwax_dsp::{
    Block,
    processors::{Chain, Control, matching::Listener},
    recipe::{Recipe, Stage, Work},
};
use proptest::prelude::*;
use render_kit::song;

const RATE: u32 = 44_100;

/// One step of each kind that is a processor, set so that it works on the sound.
const STEPS: &[&str] = &[
    "kind = \"gain\"\ngain_db = -3.0\nright_db = 1.0\n",
    "kind = \"loudness\"\ntarget_lufs = -20.0\n",
    "kind = \"fade\"\ndirection = \"in\"\nto_s = 0.7\n",
    "kind = \"fade\"\ndirection = \"out\"\nfrom_s = -1.0\n",
    "kind = \"dc\"\n",
    "kind = \"eq\"\n[[step.band]]\nkind = \"bell\"\nhz = 900.0\ngain_db = 3.0\n[[step.band]]\nkind = \"high-shelf\"\nhz = 8000.0\ngain_db = -2.0\non = \"side\"\n",
    "kind = \"eq\"\nphase = \"linear\"\n[[step.band]]\nkind = \"bell\"\nhz = 900.0\ngain_db = 3.0\n",
    "kind = \"dynamic-eq\"\n[[step.band]]\nhz = 400.0\nthreshold_db = -30.0\nrange_db = -4.0\n",
    "kind = \"de-esser\"\nthreshold_db = -20.0\n",
    "kind = \"compressor\"\nthreshold_db = -24.0\nratio = 3.0\nlookahead_ms = 2.0\nslow_release_ms = 400.0\n",
    "kind = \"multiband\"\nedges_hz = [150.0, 2000.0]\n[[step.band]]\nthreshold_db = -24.0\n[[step.band]]\nthreshold_db = -26.0\nratio = 3.0\n[[step.band]]\n",
    "kind = \"multiband\"\nedges_hz = [500.0]\ncrossover = \"linear-phase\"\n[[step.band]]\nthreshold_db = -24.0\n[[step.band]]\nthreshold_db = -26.0\n",
    "kind = \"declick\"\nat_s = [0.5, 1.25]\nsensitivity = 0.5\n",
    "kind = \"saturate\"\ndrive_db = 4.0\n",
    "kind = \"stereo\"\nedges_hz = [300.0]\nwidths = [0.7, 1.2]\nmono_below_hz = 100.0\n",
    "MATCH",
];

/// The text of a recipe with that step; a match gets a profile.
fn text(step: &str, more: &str) -> String {
    if step != "MATCH" {
        return format!("target_lufs = -14.0\n[[step]]\n{more}{step}");
    }
    let mut listener = Listener::new(RATE, 2).unwrap();
    let mut other = song(RATE, 2.0, 0.2);
    other.channels[0].iter_mut().for_each(|s| *s *= 0.8);
    listener.push(&other);
    let profile = toml::to_string(&listener.finish().unwrap()).unwrap();
    format!(
        "target_lufs = -14.0\n[[step]]\n{more}kind = \"match\"\ntone = 1.0\nloudness = 0.5\n[[step.reference]]\nfile = \"a.wav\"\n[step.reference.profile]\n{profile}"
    )
}

/// The chain of a recipe that has heard `main`.
fn chain(text: &str, main: &Block) -> Chain {
    let recipe = Recipe::parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let mut chain = recipe.chain().unwrap();
    chain.prepare(RATE, 2).unwrap();
    while let Some(mut study) = chain.begin_study() {
        for piece in pieces(main, 4_096) {
            chain.study(&mut study, &mut piece.clone()).unwrap();
        }
        chain.studied(study, 2).unwrap();
    }
    chain
}

fn pieces(block: &Block, frames: usize) -> Vec<Block> {
    let piece = |at: usize| {
        let to = (at + frames).min(block.frames());
        Block { channels: block.channels.iter().map(|c| c[at..to].to_vec()).collect() }
    };
    (0..block.frames()).step_by(frames).map(piece).collect()
}

fn join(pieces: Vec<Block>) -> Block {
    let mut all = Block::new(2, 0);
    for piece in pieces {
        all.channels.iter_mut().zip(&piece.channels).for_each(|(to, from)| to.extend_from_slice(from));
    }
    all
}

/// Main and alternates side by side.
fn render(ready: &Chain, main: &Block, alternates: &[&Block], frames: usize) -> (Block, Vec<Block>) {
    let mut first = ready.clone();
    let mut others: Vec<Chain> = alternates.iter().map(|_| ready.clone()).collect();
    let mut controls: Vec<Control> = Vec::new();
    let mut done = (Vec::new(), vec![Vec::new(); alternates.len()]);
    let cut: Vec<Vec<Block>> = alternates.iter().map(|a| pieces(a, frames)).collect();
    for (i, mut piece) in pieces(main, frames).into_iter().enumerate() {
        first.process(&mut piece, &mut controls).unwrap();
        done.0.push(piece);
        for ((other, cut), out) in others.iter_mut().zip(&cut).zip(&mut done.1) {
            let mut piece = cut[i].clone();
            other.follow(&mut piece, &controls).unwrap();
            out.push(piece);
        }
    }
    (join(done.0), done.1.into_iter().map(join).collect())
}

fn worst(a: &Block, b: impl Fn(usize, usize) -> f64) -> f64 {
    let each = a.channels.iter().enumerate();
    each.flat_map(|(c, p)| p.iter().enumerate().map(move |(i, s)| (c, i, *s)))
        .map(|(c, i, s)| (s - b(c, i)).abs())
        .fold(0.0, f64::max)
}

/// A main and its two parts.
fn parts() -> (Block, Block, Block) {
    let main = song(RATE, 3.0, 0.5);
    let mut part = main.clone();
    for plane in &mut part.channels {
        let mut last = 0.0;
        plane.iter_mut().for_each(|s| {
            last += 0.05 * (*s - last);
            *s = last;
        });
    }
    let mut rest = main.clone();
    for (plane, p) in rest.channels.iter_mut().zip(&part.channels) {
        plane.iter_mut().zip(p).for_each(|(s, p)| *s -= p);
    }
    (main, part, rest)
}

#[test]
fn the_size_of_blocks_changes_no_bit_of_any_step_alone_or_mixed() {
    let (main, part, _) = parts();
    for step in STEPS {
        for more in ["", "mix = 0.35\n"] {
            let ready = chain(&text(step, more), &main);
            let whole = render(&ready, &main, &[&part], 16_384);
            assert_eq!(render(&ready, &main, &[&part], 613), whole, "{step}{more}");
        }
    }
}

#[test]
fn alternates_of_any_step_sum_to_the_main_alone_or_mixed() {
    let (main, part, rest) = parts();
    for step in STEPS {
        for more in ["", "mix = 0.35\n"] {
            let ready = chain(&text(step, more), &main);
            let (out, others) = render(&ready, &main, &[&part, &rest, &main], 4_096);
            let sum = worst(&out, |c, i| others[0].channels[c][i] + others[1].channels[c][i]);
            let same = worst(&out, |c, i| others[2].channels[c][i]);
            assert!(sum < 1e-9 && same < 1e-9, "{step}{more}: sum {sum:e}, main {same:e}");
            assert!(out.channels.iter().flatten().any(|s| s.abs() > 0.05), "{step}: there is sound");
        }
    }
}

#[test]
fn mix_goes_from_the_delayed_input_to_the_step_itself_to_the_bit() {
    let (main, part, _) = parts();
    for step in STEPS {
        let wet_chain = chain(&text(step, ""), &main);
        let late = wet_chain.latency_frames();
        let (wet, _) = render(&wet_chain, &main, &[], 1_000);
        let one = chain(&text(step, "mix = 1\n"), &main);
        assert_eq!(render(&one, &main, &[], 1_000).0, wet, "{step}");
        let none = chain(&text(step, "mix = 0\n"), &main);
        assert_eq!(none.latency_frames(), late, "{step}");
        let (dry, followed) = render(&none, &main, &[&part], 1_000);
        let delayed =
            |from: &Block, c: usize, i: usize| if i < late { 0.0 } else { from.channels[c][i - late] };
        assert_eq!(worst(&dry, |c, i| delayed(&main, c, i)), 0.0, "{step}");
        assert_eq!(worst(&followed[0], |c, i| delayed(&part, c, i)), 0.0, "{step}");
        let (mixed, _) = render(&chain(&text(step, "mix = 0.25\n"), &main), &main, &[], 1_000);
        let between = |c: usize, i: usize| 0.75 * dry.channels[c][i] + 0.25 * wet.channels[c][i];
        assert!(worst(&mixed, between) < 1e-12, "{step}");
    }
}

#[test]
fn a_bypassed_step_leaves_no_trace_in_the_sound_and_stays_in_the_text() {
    for step in STEPS {
        let recipe = Recipe::parse(&text(step, "bypass = true\n")).unwrap();
        assert!(recipe.stages().is_empty(), "{step}");
        assert!(recipe.canonical_toml().contains("bypass = true"));
        assert!(recipe.explain().iter().any(|e| e.bypassed));
        let working = Recipe::parse(&text(step, "")).unwrap();
        assert_ne!(working.hash(), recipe.hash());
    }
}

#[test]
fn every_kind_reads_back_from_its_canonical_text_and_is_told_in_words() {
    for step in STEPS {
        for more in ["", "name = \"mine\"\nmix = 0.5\n"] {
            let recipe = Recipe::parse(&text(step, more)).unwrap();
            let canonical = recipe.canonical_toml();
            let again = Recipe::parse(&canonical).unwrap_or_else(|e| panic!("{e}\n{canonical}"));
            assert_eq!(again, recipe, "{canonical}");
            assert_eq!(again.canonical_toml(), canonical);
            let told = recipe.explain();
            let kind = recipe.steps[0].work.kind();
            assert!(told[0].text.starts_with(kind), "{told:?}");
            assert_eq!(told[0].title, if more.is_empty() { kind } else { "mine" });
            assert_eq!(told[0].text.contains("mixed in at 50 %"), !more.is_empty());
        }
    }
    let told = |text: &str| Recipe::parse(text).unwrap().explain();
    let compressor = &told(
        "[[step]]\nkind = \"compressor\"\nthreshold_db = -20.0\nratio = 2.5\nattack_ms = 30.0\nkey_low_cut_hz = 1200.0\n",
    )[0];
    for part in ["threshold -20 dB", "ratio 2.5 : 1", "attack 30 ms", "key low cut 1.2 kHz"] {
        assert!(compressor.text.contains(part), "{}", compressor.text);
    }
    let eq =
        &told("[[step]]\nkind = \"eq\"\n[[step.band]]\nkind = \"bell\"\nhz = 3200.0\ngain_db = 1.5\n")[0];
    assert!(eq.text.contains("bell, 3.2 kHz, gain +1.5 dB"), "{}", eq.text);
}

#[test]
fn an_insert_breaks_the_chain_where_it_stands() {
    let text = "input_gain_db = -1.0\n[[step]]\nkind = \"gain\"\ngain_db = 1.0\n[[step]]\nname = \"tape\"\nkind = \"insert\"\ncommand = \"sox-tape\"\n[[step]]\nkind = \"dc\"\n";
    let recipe = Recipe::parse(text).unwrap();
    assert!(recipe.inserts() && recipe.chain().is_err());
    let stages = recipe.stages();
    let [Stage::Chain(before), Stage::Insert { title, settings }, Stage::Chain(after)] = stages.as_slice()
    else {
        panic!("{} stages", stages.len())
    };
    let titles = |chain: &Chain| chain.told().iter().map(|(title, _)| title.to_string()).collect::<Vec<_>>();
    assert_eq!(
        (titles(before), titles(after)),
        (vec!["input gain".into(), "gain".into()], vec!["dc".to_string()])
    );
    assert_eq!((title.as_str(), settings.command.as_str()), ("tape", "sox-tape"));
    assert_eq!(Recipe::parse(&recipe.canonical_toml()).unwrap(), recipe);
    let error = Recipe::parse(&text.replace("name = \"tape\"", "mix = 0.5")).unwrap_err().to_string();
    assert!(error.contains("line 5") && error.contains("leave mix out"), "{error}");
}

#[test]
fn what_is_wrong_in_a_step_is_told_with_its_line() {
    for (text, line, part) in [
        (
            "[[step]]\nkind = \"compressor\"\nratio = 2.0\nthresold_db = -20.0",
            4,
            "thresold_db is no key of a compressor step; did you mean threshold_db?",
        ),
        (
            "[[step]]\nkind = \"compressor\"\nratio = 2.0\nthreshold_db = 20.0",
            4,
            "threshold_db: 20 is outside",
        ),
        ("\n[[step]]\nkind = \"compressor\"\nratio = 2.0\n", 2, "a compressor step needs threshold_db"),
        ("[[step]]\nkind = \"compresor\"", 2, "did you mean compressor?"),
        (
            "[[step]]\nkind = \"eq\"\n[[step.band]]\nkind = \"bell\"\nhz = 100.0\ngain = 2.0",
            6,
            "gain is no key of [[step.band]]; did you mean gain_db?",
        ),
        ("[[step]]\nkind = \"eq\"\n[[step.band]]\nkind = \"bel\"\nhz = 100.0", 4, "did you mean bell?"),
        (
            "[[step]]\nkind = \"multiband\"\nedges_hz = [2000.0, 200.0]\n[[step.band]]\n[[step.band]]\n[[step.band]]",
            1,
            "Hz",
        ),
        (
            "[[step]]\nkind = \"gain\"\n\n[[step]]\nkind = \"stereo\"\nedges_hz = [100.0]\nwidths = [1.0]",
            4,
            "2 bands",
        ),
        ("[[step]]\nkind = \"de-esser\"\nq = 2.0", 1, "no q"),
        ("[[step]]\nkind = \"stereo\"\nwidths = [9.0]", 3, "0 to 4"),
        (
            "[[step]]\nkind = \"compressor\"\nratio = 2.0\nthreshold_db = -20.0\nkey_bell = { hz = 4000.0, gian_db = 4.0 }",
            5,
            "[step.key_bell]; did you mean gain_db?",
        ),
    ] {
        let error = Recipe::parse(text).unwrap_err().to_string();
        assert!(error.contains(&format!("line {line}:")) && error.contains(part), "{text}\n{error}");
    }
}

#[test]
fn a_named_step_of_a_base_is_changed_key_by_key_and_others_come_after() {
    let base = Recipe::parse("base = \"streaming\"").unwrap();
    let named = base.steps.iter().find(|s| s.work.kind() == "compressor").unwrap().clone();
    let name = named.name.clone().unwrap();
    let changed = Recipe::parse(&format!(
        "base = \"streaming\"\n[[step]]\nname = \"{name}\"\nbypass = true\n[[step]]\nkind = \"gain\"\ngain_db = -1.0\n"
    ))
    .unwrap();
    assert_eq!(changed.steps.len(), base.steps.len() + 1);
    for (before, after) in base.steps.iter().zip(&changed.steps) {
        let same = before.name.as_ref() != Some(&name);
        assert_eq!(before == after, same);
        assert_eq!(before.work, after.work);
    }
    assert!(changed.steps.iter().any(|s| s.name.as_ref() == Some(&name) && s.bypass));
    assert!(matches!(changed.steps.last().unwrap().work, Work::Gain(_)));
    // Another kind under the same name takes its place.
    let replaced = Recipe::parse(&format!(
        "base = \"streaming\"\n[[step]]\nname = \"{name}\"\nkind = \"gain\"\ngain_db = -1.0\n"
    ))
    .unwrap();
    let place = base.steps.iter().position(|s| s.name.as_ref() == Some(&name)).unwrap();
    assert_eq!(replaced.steps.len(), base.steps.len());
    assert!(matches!(replaced.steps[place].work, Work::Gain(_)));
    // A slip in the name is met with the name that was meant; a value outside its limits with its own line.
    let error = Recipe::parse(&format!("base = \"streaming\"\n[[step]]\nname = \"{name}x\"\nbypass = true"));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("line 3") && error.contains(&format!("did you mean {name}?")), "{error}");
    let error = Recipe::parse(&format!("base = \"streaming\"\n[[step]]\nname = \"{name}\"\nratio = 900.0"));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("line 4") && error.contains("ratio: 900 is outside"), "{error}");
}

#[test]
fn references_are_heard_once_by_their_names_and_then_the_recipe_needs_no_file() {
    let text = "[[step]]\nkind = \"match\"\nreference = [\"a.wav\", { file = \"b.wav\", weight = 2.0 }]\n";
    let recipe = Recipe::parse(text).unwrap();
    assert_eq!(recipe.unheard_references(), ["a.wav", "b.wav"]);
    let mut asked = Vec::new();
    let resolved = recipe
        .clone()
        .with_references(&mut |file| {
            asked.push(file.to_owned());
            let mut listener = Listener::new(RATE, 2).unwrap();
            listener.push(&song(RATE, 1.0, 0.3));
            Ok(listener.finish().unwrap())
        })
        .unwrap();
    assert_eq!(asked, ["a.wav", "b.wav"]);
    assert!(resolved.unheard_references().is_empty());
    assert_ne!(resolved.hash(), recipe.hash());
    assert_eq!(Recipe::parse(&resolved.canonical_toml()).unwrap(), resolved);
    let again = resolved.clone().with_references(&mut |_| panic!("there is nothing left to hear")).unwrap();
    assert_eq!(again, resolved);
    let failed =
        recipe.with_references(&mut |file| Err(deadwax_dsp::DspError::Invalid(format!("no {file}"))));
    assert_eq!(failed.unwrap_err().to_string(), "no a.wav");
}

/// The text of a random step.
fn any_step() -> impl Strategy<Value = String> {
    let settings = prop_oneof![
        (-40.0f64..40.0).prop_map(|db| format!("kind = \"gain\"\ngain_db = {db:?}\n")),
        (-50.0f64..-1.0, 1.0f64..20.0, 0.1f64..200.0).prop_map(|(t, r, a)| format!(
            "kind = \"compressor\"\nthreshold_db = {t:?}\nratio = {r:?}\nattack_ms = {a:?}\n"
        )),
        prop::collection::vec((20.0f64..20_000.0, -12.0f64..12.0, 0.3f64..8.0), 0..4).prop_map(|bands| {
            bands.iter().fold("kind = \"eq\"\n".to_owned(), |text, (hz, db, q)| {
                format!("{text}[[step.band]]\nkind = \"bell\"\nhz = {hz:?}\ngain_db = {db:?}\nq = {q:?}\n")
            })
        }),
        (0.0f64..2.0, 20.0f64..500.0)
            .prop_map(|(w, hz)| format!("kind = \"stereo\"\nwidths = [{w:?}]\nmono_below_hz = {hz:?}\n")),
        prop::sample::select(STEPS.iter().filter(|s| **s != "MATCH").map(|s| s.to_string()).collect::<Vec<_>>()),
        (0.0f64..1.0, 0.0f64..1.0).prop_map(|(tone, width)| format!(
            "kind = \"match\"\ntone = {tone:?}\nwidth = {width:?}\nreference = [\"a \\\"b\\\".wav\", \"c.flac\"]\n"
        )),
    ];
    (settings, 0.0f64..1.0, any::<bool>(), any::<bool>()).prop_map(|(text, mix, mixed, bypass)| {
        let mix = if mixed { format!("mix = {mix:?}\n") } else { String::new() };
        format!("[[step]]\nbypass = {bypass}\n{mix}{text}")
    })
}

proptest! {
    #[test]
    fn any_recipe_reads_back_from_its_canonical_text(
        steps in prop::collection::vec(any_step(), 0..6),
        levels in prop::collection::vec((prop::option::of(-30.0f64..-5.0), prop::option::of(-6.0f64..0.0)), 1..4),
        share in prop::option::of(0.0f64..12.0),
    ) {
        let mut text = steps.concat();
        if let Some(db) = share {
            text += &format!("[alternates]\nshare_max_db = {db:?}\n");
        }
        for (lufs, ceiling) in levels {
            text += "[[output]]\nencoding = \"wav24\"\n";
            text += &lufs.map_or(String::new(), |x| format!("target_lufs = {x:?}\n"));
            text += &ceiling.map_or(String::new(), |x| format!("ceiling_dbtp = {x:?}\n"));
        }
        // Two outputs alike are refused; all else reads.
        let recipe = match Recipe::parse(&text) {
            Ok(recipe) => recipe,
            Err(e) if e.to_string().contains("twice") => return Ok(()),
            Err(e) => return Err(TestCaseError::fail(format!("{e}\n{text}"))),
        };
        let canonical = recipe.canonical_toml();
        let again = Recipe::parse(&canonical).map_err(|e| TestCaseError::fail(format!("{e}\n{canonical}")))?;
        prop_assert_eq!(again.hash(), recipe.hash());
        prop_assert_eq!(again, recipe);
    }
}
