//! Words and figures from outside in every place of a sheet: none gets out of its place, none runs, none draws beside the page.

use proptest::prelude::*;

use super::*;

/// What a hostile or clumsy uploader may call a song.
pub(super) const EVIL: &str = "</text></svg><script>alert(1)</script>\"'onload=x &amp;&lt; \u{1b}[2J\u{9b}31m\u{202e}gpj\u{0}\u{fffe}\u{7}]]>\r\nend";

pub(super) fn everywhere(words: &str) -> Sheet {
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

pub(super) fn harmless(sheet: &Sheet) {
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
