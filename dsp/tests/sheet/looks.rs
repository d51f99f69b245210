//! What a sheet takes up: columns of a terminal, pages, bytes.

use super::*;

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
