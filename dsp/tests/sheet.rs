//! The sheet of a master: that its figures are those of independent meters, that every drawing tells them, that no word from outside gets out of its
//! place, and that pictures are the same everywhere.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)]

use std::f64::consts::TAU;

use deadwax_dsp::{
    Block, Flow, Spec,
    measure::Meter,
    recipe::Recipe,
    render::{Job, run},
    sheet::{
        Band, Curve, Look, OutputTold, POINTS_MAX, Sheet, Side, SideMeter, StepTold, SumTold, Track,
        TrackMeter, html, of_files, side_of_file, svg, terminal,
    },
    write::{AudioWriter, Encoding},
};
use proptest::prelude::*;

#[path = "sheet/collected.rs"]
mod collected;
#[cfg(feature = "png")]
#[path = "sheet/pictures.rs"]
mod pictures;
mod render_kit;
use render_kit::{Noise, RATE, save, song};

const PLAIN: Look = Look { columns: 80, colours: false, ascii: false };

fn spec(sample_rate: u32, channels: usize) -> Spec {
    Spec { sample_rate, channels, bits: Some(24), float: false, frames: None, container: "wav", codec: "pcm" }
}

/// Pushed in pieces of the sizes given, over and over.
fn side_of(block: &Block, rate: u32, sizes: &[usize]) -> Side {
    let spec = spec(rate, block.channels.len());
    let (mut meter, mut side) = (Meter::new(&spec), SideMeter::new(&spec));
    let (mut at, mut turn) = (0, 0);
    while at < block.frames() {
        let take = sizes[turn % sizes.len()].min(block.frames() - at);
        let part = Block { channels: block.channels.iter().map(|c| c[at..at + take].to_vec()).collect() };
        meter.push(&part);
        side.push(&part);
        (at, turn) = (at + take, turn + 1);
    }
    side.finish(meter).1
}

fn side_like(lufs: f64, peak: f64) -> Side {
    Side {
        file: "song_mix4.wav".into(),
        seconds: 200.0,
        sample_rate: 44_100,
        channels: 2,
        lufs: Some(lufs),
        range_lu: Some(6.5),
        max_momentary_lufs: Some(lufs + 4.0),
        max_short_term_lufs: Some(lufs + 2.0),
        true_peak_dbtp: Some(peak),
        sample_peak_dbfs: Some(peak - 0.2),
        plr_db: Some(peak - lufs),
        correlation: Some(0.71),
        short_term: Curve {
            first_s: 1.7,
            step_s: 0.4,
            values: (0..490).map(|i| lufs as f32 + 2.0 * (i as f32 / 31.0).sin()).collect(),
        },
        spectrum: (0..61)
            .map(|i| Band { hz: 10f32.powf(1.3 + i as f32 / 20.0), dbfs: lufs as f32 - i as f32 / 2.0 })
            .collect(),
    }
}

fn track_of(name: &str, depth: f32) -> Track {
    Track {
        name: name.into(),
        gain_db: Curve {
            first_s: 0.16,
            step_s: 0.32,
            values: (0..600).map(|i| -depth * ((i % 7) as f32) / 6.0).collect(),
        },
        lowest_db: -depth,
        highest_db: 0.0,
        lowest_at_s: 92.0,
        mean_db: -depth / 8.0,
        active: 0.34,
    }
}

fn output_of(alternate: &str, encoding: &str) -> OutputTold {
    OutputTold {
        alternate: alternate.into(),
        file: format!("song_{alternate}_{encoding}_44100.wav"),
        encoding: encoding.into(),
        sample_rate: 44_100,
        channels: 2,
        frames: 8_820_000,
        lufs: Some(-13.98),
        true_peak_dbtp: Some(-1.04),
        sha256: "0123456789abcdef".repeat(4),
    }
}

/// A sheet with something in every place.
fn full() -> Sheet {
    Sheet {
        title: "Half-Light".into(),
        artist: Some("The Rooftop Assembly".into()),
        version: Some("Master 2 of Mix 4".into()),
        studio: Some("Groove Street".into()),
        made: Some("21 November 2026".into()),
        recipe_name: "gentle".into(),
        recipe_sha256: "feedc0de".repeat(8),
        engine: "deadwax-dsp/2".into(),
        target_lufs: Some(-14.0),
        ceiling_dbtp: Some(-1.0),
        reached: Some(true),
        reason: None,
        gain_db: Some(4.24),
        limiter_max_db: Some(3.1),
        before: side_like(-18.2, -3.4),
        after: side_like(-14.0, -1.0),
        reduction: vec![track_of("compressor", 2.0), track_of("limiter", 3.1)],
        steps: vec![
            StepTold {
                name: "compressor".into(),
                bypassed: false,
                lines: vec!["gain reduction -0.8 dB on average".into()],
            },
            StepTold { name: "de-esser".into(), bypassed: true, lines: Vec::new() },
        ],
        outputs: vec![
            output_of("main", "wav24"),
            output_of("instrumental", "flac16"),
            output_of("main", "mp3-320"),
        ],
        sums: vec![
            SumTold {
                what: "instrumental + a cappella = main".into(),
                residual_db: Some(-132.4),
                holds: true,
                words: None,
            },
            SumTold {
                what: "tv + lead = main".into(),
                residual_db: Some(-28.0),
                holds: false,
                words: Some("the lead is 0.6 dB louder".into()),
            },
        ],
        warnings: vec!["the mix has 12 clipped samples".into()],
    }
}

/// Everything written as words in an SVG, one line.
fn words_of(svg: &str) -> String {
    let document = roxmltree::Document::parse(svg).unwrap();
    let words = document.descendants().filter(|n| n.has_tag_name("text")).filter_map(|n| n.text());
    words.collect::<Vec<_>>().join(" | ")
}

#[test]
fn every_drawing_tells_the_same_figures() {
    let sheet = full();
    let html = html(&sheet);
    let drawn = words_of(&svg(&sheet));
    let typed = terminal(&sheet, PLAIN).replace('\n', " ");
    let told = [
        "Half-Light",
        "The Rooftop Assembly",
        "Master 2 of Mix 4",
        "Groove Street",
        "21 November 2026",
        "Target reached: −14.0 LUFS under −1.0 dBTP",
        "Gain +4.2 dB; limiter −3.1 dB at most, at 1:32",
        "−18.2",
        "−3.4",
        "+4.2",
        "+2.4",
        "14.8",
        "0.71",
        "−3.1 dB at most at 1:32, −0.4 dB on average, active 34 %",
        "gain reduction −0.8 dB on average",
        "bypassed",
        "instrumental + a cappella = main: holds, residual −132.4 dB",
        "tv + lead = main: does not hold, residual −28.0 dB; the lead is 0.6 dB louder",
        "The mix has 12 clipped samples",
        "WAV 24 bit",
        "MP3 320 kbit/s",
        "44.1 kHz",
        "3:20.000",
        "0123456789ab",
        "feedc0defeed",
        "deadwax-dsp/2",
        "Before: song_mix4.wav, 44.1 kHz stereo, 3:20",
    ];
    for word in told {
        assert!(html.contains(word), "HTML: {word}");
        assert!(drawn.contains(word), "SVG: {word}\n{drawn}");
        let hyphen = word.replace('−', "-");
        assert!(typed.replace("  ", " ").contains(&hyphen), "terminal: {hyphen}\n{typed}");
    }
    assert!(
        drawn.contains("target −14.0") && html.contains("target −14.0") && typed.contains("target -14.0")
    );
}

#[test]
fn a_missed_target_says_why_and_a_master_without_one_says_so() {
    let reason = "the limiter would have to take off 14.2 dB; the recipe allows 6 dB";
    let missed = Sheet { reached: Some(false), reason: Some(reason.into()), ..full() };
    let said = "Target not reached: −14.0 LUFS under −1.0 dBTP";
    for text in [html(&missed), words_of(&svg(&missed)), terminal(&missed, PLAIN).replace('-', "−")] {
        assert!(text.contains(said), "{text}");
        assert!(
            text.contains("The limiter would have to take off 14.2 dB; the recipe allows 6 dB"),
            "{text}"
        );
    }
    let none = Sheet {
        target_lufs: None,
        ceiling_dbtp: None,
        reached: None,
        gain_db: None,
        limiter_max_db: None,
        ..full()
    };
    let text = terminal(&none, PLAIN);
    assert!(text.contains("No target was set") && !text.contains("target -"), "{text}");
}

/// What a hostile or clumsy uploader may call a song.
const EVIL: &str = "</text></svg><script>alert(1)</script>\"'onload=x &amp;&lt; \u{1b}[2J\u{9b}31m\u{202e}gpj\u{0}\u{fffe}\u{7}]]>\r\nend";

fn everywhere(words: &str) -> Sheet {
    let mut sheet = full();
    for place in
        [&mut sheet.artist, &mut sheet.version, &mut sheet.studio, &mut sheet.made, &mut sheet.reason]
    {
        *place = Some(words.into());
    }
    for place in [&mut sheet.title, &mut sheet.recipe_name, &mut sheet.recipe_sha256, &mut sheet.engine] {
        *place = words.into();
    }
    sheet.before.file = words.into();
    sheet.after.file = words.into();
    sheet.reduction.iter_mut().for_each(|track| track.name = words.into());
    for step in &mut sheet.steps {
        *step = StepTold { name: words.into(), bypassed: false, lines: vec![words.into()] };
    }
    for output in &mut sheet.outputs {
        for place in [&mut output.alternate, &mut output.file, &mut output.encoding, &mut output.sha256] {
            *place = words.into();
        }
    }
    for sum in &mut sheet.sums {
        sum.what = words.into();
        sum.words = Some(words.into());
    }
    sheet.warnings = vec![words.into()];
    sheet
}

/// Every `<` of the page opens or closes one of the elements that we write.
fn only_our_elements(html: &str) {
    const OURS: [&str; 31] = [
        "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "header", "small", "h1", "p", "div",
        "b", "span", "table", "thead", "tbody", "tr", "th", "td", "br", "svg", "path", "text", "h2", "dl",
        "dt", "dd", "ul", "li", "footer",
    ];
    for (at, _) in html.match_indices('<') {
        let rest = html[at + 1..].trim_start_matches('/');
        let name: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '!').collect();
        assert!(!name.is_empty() && OURS.contains(&name.as_str()), "<{}", &rest[..rest.len().min(40)]);
    }
}

fn harmless(sheet: &Sheet) {
    let page = html(sheet);
    only_our_elements(&page);
    let drawing = svg(sheet);
    roxmltree::Document::parse(&drawing).unwrap_or_else(|e| panic!("{e}\n{drawing}"));
    for part in page.split("<svg").skip(1) {
        let part = format!("<svg{}</svg>", part.split("</svg>").next().unwrap());
        roxmltree::Document::parse(&part).unwrap_or_else(|e| panic!("{e}\n{part}"));
    }
    for text in [&page, &drawing] {
        let steers = |c: char| {
            (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!text.contains(steers), "{text:?}");
    }
    for look in [PLAIN, Look { columns: 40, ..PLAIN }, Look { columns: 120, ascii: true, ..PLAIN }] {
        let typed = terminal(sheet, look);
        assert!(!typed.contains(|c: char| c.is_control() && c != '\n'), "{typed:?}");
        assert!(!look.ascii || typed.is_ascii());
    }
    // With colours nothing but our own: ESC [ digits m.
    for part in terminal(sheet, Look { colours: true, ..PLAIN }).split('\u{1b}').skip(1) {
        let end = part.find('m').unwrap();
        assert!(part.starts_with('[') && part[1..end].bytes().all(|b| b.is_ascii_digit()), "{part:?}");
    }
}

#[test]
fn words_from_outside_stay_words() {
    let sheet = everywhere(EVIL);
    harmless(&sheet);
    let page = html(&sheet);
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)"));
    let seen = words_of(&svg(&sheet));
    assert!(seen.contains("</text></svg><script>"), "the reader gets back what was written: {seen}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_words_stay_words(words in ".{0,40}", long in "[ -~\u{e9}\u{6771}\u{0301}]{0,700}") {
        harmless(&everywhere(&words));
        harmless(&everywhere(&long));
    }
}

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    let sheet = full();
    for text in [html(&sheet), svg(&sheet)] {
        let text = text.replace("http://www.w3.org/2000/svg", "").to_lowercase();
        for word in [
            "http:",
            "https:",
            "://",
            "<script",
            "javascript",
            "url(",
            "@import",
            "href",
            "src=",
            "<link",
            "<img",
            "onload",
            "data:",
        ] {
            assert!(!text.contains(word), "{word}");
        }
    }
    assert!(html(&sheet).contains("default-src 'none'"));
}

/// Every number of an SVG that says where something is.
fn numbers(svg: &str) -> Vec<f64> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let mut all = Vec::new();
    for node in document.descendants() {
        for attribute in node.attributes() {
            if ["d", "x", "y", "width", "height", "font-size", "textLength", "stroke-width"]
                .contains(&attribute.name())
            {
                let spaced: String = attribute
                    .value()
                    .chars()
                    .map(|c| if c.is_ascii_alphabetic() { ' ' } else { c })
                    .collect();
                let read = |n: &str| n.parse::<f64>().unwrap_or_else(|_| panic!("{n:?} in {attribute:?}"));
                all.extend(spaced.split_whitespace().map(read));
            }
        }
    }
    all
}

#[test]
fn nonsense_in_the_data_stays_on_the_page() {
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 0.0] {
        let mut sheet = full();
        let single = wrong as f32;
        (sheet.target_lufs, sheet.gain_db, sheet.limiter_max_db, sheet.ceiling_dbtp) =
            (Some(wrong), Some(wrong), Some(wrong), Some(wrong));
        for side in [&mut sheet.before, &mut sheet.after] {
            (side.lufs, side.range_lu, side.true_peak_dbtp, side.plr_db) =
                (Some(wrong), Some(wrong), Some(wrong), Some(wrong));
            side.seconds = wrong;
            side.short_term.values[7..300].fill(single);
            side.spectrum[3].dbfs = single;
            side.spectrum[4].hz = single;
        }
        sheet.after.short_term.step_s = single;
        for track in &mut sheet.reduction {
            track.gain_db.values[3] = single;
            track.gain_db.step_s = single;
            (track.lowest_db, track.highest_db, track.mean_db, track.active) =
                (single, single, single, single);
            track.lowest_at_s = wrong;
        }
        sheet.outputs[0].sample_rate = 0;
        sheet.outputs[0].frames = u64::MAX;
        sheet.outputs[1].lufs = Some(wrong);
        sheet.sums[0].residual_db = Some(wrong);
        let drawing = svg(&sheet);
        for number in numbers(&drawing) {
            assert!((-1.0..=1200.0).contains(&number), "{wrong}: {number}");
        }
        for text in [drawing, html(&sheet), terminal(&sheet, PLAIN)] {
            let words = text.to_lowercase();
            assert!(
                !words.contains("nan") && !words.contains("inf dB") && !words.contains(">inf"),
                "{wrong}: {text}"
            );
            assert!(text.len() < 200_000);
        }
    }
}

#[test]
fn lines_fit_the_terminal() {
    use unicode_width::UnicodeWidthStr as _;
    let long = everywhere(
        &"東京 An extraordinarily long name without_any_place_to_break_it_but_underscores ".repeat(4),
    );
    let quiet = Sheet::default();
    for sheet in [&full(), &long, &quiet] {
        for columns in [1, 40, 61, 76, 80, 110, 120, 200, 1000] {
            for ascii in [false, true] {
                let text = terminal(sheet, Look { columns, colours: false, ascii });
                for line in text.lines() {
                    assert!(line.width() <= columns.clamp(40, 200), "{columns}: {} {line:?}", line.width());
                    assert_eq!(line, line.trim_end());
                }
            }
        }
    }
}

#[test]
fn colours_change_no_word() {
    let plain = terminal(&full(), PLAIN);
    let mut coloured = String::new();
    for (i, part) in terminal(&full(), Look { colours: true, ..PLAIN }).split('\u{1b}').enumerate() {
        coloured += if i == 0 { part } else { part.split_once('m').unwrap().1 };
    }
    assert_eq!(coloured, plain);
}

/// The height of the page in points.
fn height(sheet: &Sheet) -> f64 {
    let text = svg(sheet);
    let document = roxmltree::Document::parse(&text).unwrap();
    document.root_element().attribute("height").unwrap().trim_end_matches("pt").parse().unwrap()
}

#[test]
fn a_usual_song_is_one_page_and_files_flow_on() {
    let mut sheet = full();
    sheet.outputs = (0..8).map(|_| sheet.outputs[0].clone()).collect();
    sheet.reduction = (0..3).map(|_| sheet.reduction[0].clone()).collect();
    sheet.steps = (0..6).map(|_| sheet.steps[0].clone()).collect();
    assert_eq!(height(&sheet), 842.0);
    sheet.outputs = (0..60)
        .map(|n| OutputTold { sha256: format!("{n:064}x").split_off(1), ..sheet.outputs[0].clone() })
        .collect();
    for (n, output) in sheet.outputs.iter_mut().enumerate() {
        output.sha256 = format!("{n:012}{}", "0".repeat(52));
    }
    assert!(height(&sheet) > 1200.0);
    let (drawn, page) = (words_of(&svg(&sheet)), html(&sheet));
    for n in 0..60 {
        assert!(drawn.contains(&format!("{n:012}")) && page.contains(&format!("{n:012}")), "file {n}");
    }
    // The head of the list comes again on every sheet of paper: a browser repeats `thead`.
    assert!(page.contains("<thead><tr><th scope=\"col\">Version"));
}

#[test]
fn the_limiter_is_drawn_even_where_many_steps_are() {
    let mut sheet = full();
    let limiter = sheet.reduction.pop().unwrap();
    sheet.reduction = (0..30).map(|n| Track { name: format!("band {n}"), ..limiter.clone() }).collect();
    sheet.reduction.push(limiter);
    let drawn = words_of(&svg(&sheet));
    assert!(drawn.contains("Limiter") && drawn.contains("Band 6") && !drawn.contains("Band 7"), "{drawn}");
    assert!(drawn.contains("and 23 more"));
}

#[test]
fn it_is_small() {
    let mut sheet = full();
    for side in [&mut sheet.before, &mut sheet.after] {
        side.short_term.values = (0..600).map(|i| -14.0 + (i as f32).sin()).collect();
    }
    let busy = Track {
        gain_db: Curve {
            first_s: 0.2,
            step_s: 0.3,
            values: (0..600).map(|i| -3.0 * (i as f32).cos().abs()).collect(),
        },
        ..sheet.reduction[1].clone()
    };
    sheet.reduction = vec![busy; 12];
    sheet.outputs = vec![sheet.outputs[0].clone(); 60];
    assert!(html(&sheet).len() < 200_000, "{}", html(&sheet).len());
    assert!(svg(&sheet).len() < 200_000, "{}", svg(&sheet).len());
    let usual = full();
    assert!(html(&usual).len() < 80_000, "{}", html(&usual).len());
    assert!(serde_json::to_string(&usual).unwrap().len() < 40_000);
}

#[test]
fn the_data_can_be_kept_and_read_again() {
    let sheet = full();
    let text = serde_json::to_string(&sheet).unwrap();
    let again: Sheet = serde_json::from_str(&text).unwrap();
    assert_eq!((svg(&again), html(&again)), (svg(&sheet), html(&sheet)));
    assert_eq!(again.reduction, sheet.reduction);
    // A sheet from before a field was there still reads.
    assert_eq!(serde_json::from_str::<Sheet>("{}").unwrap(), Sheet::default());
}

#[test]
fn silence_and_a_second_of_sound_have_a_sheet() {
    let silent = side_of(&Block::new(2, RATE as usize * 5), RATE, &[4096]);
    assert_eq!(
        (silent.lufs, silent.true_peak_dbtp, silent.range_lu, silent.correlation),
        (None, None, None, None)
    );
    let sheet = Sheet { before: silent.clone(), after: silent, reduction: Vec::new(), ..full() };
    harmless(&sheet);
    assert!(terminal(&sheet, PLAIN).contains("silence"));
    let short = side_of(&song(RATE, 1.0, 0.5), RATE, &[4096]);
    assert!(short.short_term.values.is_empty() && short.lufs.is_some());
    let sheet = Sheet { before: short.clone(), after: short, ..full() };
    assert!(words_of(&svg(&sheet)).contains("shorter than 3 s"));
    // Just one window: it is seen, as a dash.
    let three = side_of(&song(RATE, 3.0, 0.5), RATE, &[4096]);
    assert_eq!(three.short_term.values.len(), 1);
    let sheet = Sheet { before: three.clone(), after: three, ..full() };
    harmless(&sheet);
    // No sound at all is no fault of the drawing.
    harmless(&Sheet::default());
}

#[test]
fn a_sound_with_what_is_no_number_in_it_still_has_a_spectrum() {
    let mut block = song(RATE, 4.0, 0.5);
    let whole = side_of(&block, RATE, &[4096]);
    block.channels[0][100] = f64::NAN;
    block.channels[1][9000] = f64::INFINITY;
    let side = side_of(&block, RATE, &[4096]);
    for (a, b) in side.spectrum.iter().zip(&whole.spectrum) {
        assert!((a.dbfs - b.dbfs).abs() < 1.0, "{a:?} {b:?}");
    }
}

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
