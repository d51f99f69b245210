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

#[path = "sheet/collected.rs"]
mod collected;
#[path = "sheet/files.rs"]
mod files;
#[path = "sheet/hostile.rs"]
mod hostile;
#[path = "sheet/looks.rs"]
mod looks;
#[cfg(feature = "png")]
#[path = "sheet/pictures.rs"]
mod pictures;
mod render_kit;
use hostile::{everywhere, harmless};
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
