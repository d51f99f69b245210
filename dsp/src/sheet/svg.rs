//! A drawing as SVG 1.1: no script, no style sheet, nothing from outside; words are words, so that they can be searched and copied.
//! Never here: what is drawn.

use super::{
    Sheet,
    drawing::{Anchor, Drawing, Ink, Mark, Point},
    font::{self, Weight},
    page, words,
};

/// Fonts of about the widths by which the lines were broken.
pub(super) const FAMILY: &str = "Roboto, 'Helvetica Neue', Helvetica, Arial, 'Liberation Sans', sans-serif";
/// Longer words than this are held to their width, so that another font cannot push them into their neighbours.
const HELD_CHARS: usize = 8;

/// The whole sheet, A4 upright or longer.
pub fn svg(sheet: &Sheet) -> String {
    let drawing = page::page(sheet);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Points in the unit of the paper, so that it prints as A4.
    let size = format!("width=\"{}pt\" height=\"{}pt\"", number(drawing.width), number(drawing.height));
    text += &element(&drawing, &size, &words::title(sheet));
    text
}

/// A chart within a page of HTML: as wide as its place.
pub(super) fn inline(drawing: &Drawing, said: &str) -> String {
    element(drawing, "width=\"100%\"", said)
}

fn element(drawing: &Drawing, size: &str, said: &str) -> String {
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" {size} viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\" font-family=\"{FAMILY}\">\n",
        number(drawing.width),
        number(drawing.height),
        escape(said),
    );
    text += &format!("<title>{}</title>\n", escape(said));
    for mark in &drawing.marks {
        put(&mut text, mark);
        text.push('\n');
    }
    text + "</svg>\n"
}

fn put(text: &mut String, mark: &Mark) {
    match mark {
        Mark::Area { points, ink } => {
            text.push_str("<path d=\"");
            path(text, points);
            *text += &format!("Z\" fill=\"{}\"/>", colour(*ink));
        }
        Mark::Line { points, ink, width, dash } => {
            text.push_str("<path d=\"");
            path(text, points);
            let width = number(*width);
            *text += &format!(
                "\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"",
                colour(*ink)
            );
            if let Some([drawn, left_out]) = dash {
                *text += &format!(" stroke-dasharray=\"{} {}\"", number(*drawn), number(*left_out));
            }
            text.push_str("/>");
        }
        Mark::Words { at: [x, y], kind, anchor, text: said } => {
            *text += &format!(
                "<text x=\"{}\" y=\"{}\" font-size=\"{}\"",
                number(*x),
                number(*y),
                number(kind.size)
            );
            if kind.weight == Weight::Medium {
                text.push_str(" font-weight=\"500\"");
            }
            match anchor {
                Anchor::Start => {}
                Anchor::Middle => text.push_str(" text-anchor=\"middle\""),
                Anchor::End => text.push_str(" text-anchor=\"end\""),
            }
            if said.chars().count() > HELD_CHARS && font::font(kind.weight).knows(said) {
                let width = number(kind.width(said));
                *text += &format!(" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\"");
            }
            *text += &format!(" fill=\"{}\">{}</text>", colour(kind.ink), escape(said));
        }
    }
}

/// Level and upright pieces by one figure each: a strip of steps is half as long.
fn path(text: &mut String, points: &[Point]) {
    let mut last: Option<(String, String)> = None;
    let mut bare = false;
    for [x, y] in points {
        let (x, y) = (number(*x), number(*y));
        match &last {
            None => *text += &format!("M{x} {y}"),
            Some((was_x, was_y)) if *was_x == x && *was_y == y => continue,
            Some((was_x, _)) if *was_x == x => *text += &format!("V{y}"),
            Some((_, was_y)) if *was_y == y => *text += &format!("H{x}"),
            // The letter is left out after a pair of the same kind.
            Some(_) => *text += &format!("{}{x} {y}", if bare { " " } else { "L" }),
        }
        bare = matches!(&last, Some((was_x, was_y)) if *was_x != x && *was_y != y);
        last = Some((x, y));
    }
}

/// A tenth of a point is 0.04 mm.
fn number(value: f32) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".into() } else { text.into() }
}

fn colour(Ink(r, g, b): Ink) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// For text and for values in double quotes, of SVG and of HTML.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
