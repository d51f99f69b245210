//! The letters: their widths, their outlines and the kerning between them, from the two fonts that come with the crate. The machine's own fonts
//! are never asked, so that a line breaks at the same word everywhere. Never here: places on a page, pixels.

use std::sync::OnceLock;

use ttf_parser::{Face, GlyphId, OutlineBuilder, gpos};
use unicode_width::UnicodeWidthChar as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    Regular,
    Medium,
}

/// One letter on its line, in ems.
pub(super) struct Letter {
    /// `None`: the font has no such letter.
    pub glyph: Option<GlyphId>,
    pub x: f32,
    pub advance: f32,
}

pub(super) struct Font {
    face: Face<'static>,
    em: f32,
}

pub(super) fn font(weight: Weight) -> &'static Font {
    static FONTS: OnceLock<[Font; 2]> = OnceLock::new();
    let open = |data: &'static [u8]| {
        let face = Face::parse(data, 0).expect("the fonts in the crate are whole");
        let em = f32::from(face.units_per_em());
        Font { face, em }
    };
    let fonts = FONTS.get_or_init(|| {
        [
            open(include_bytes!("../../fonts/roboto-regular.ttf")),
            open(include_bytes!("../../fonts/roboto-medium.ttf")),
        ]
    });
    &fonts[usize::from(weight == Weight::Medium)]
}

impl Font {
    pub(super) fn letters(&self, text: &str) -> Vec<Letter> {
        let mut letters: Vec<Letter> = Vec::new();
        let (mut x, mut last) = (0.0, None);
        for c in text.chars() {
            let glyph = self.face.glyph_index(c);
            if let (Some(left), Some(right)) = (last, glyph) {
                x += f32::from(self.kerning(left, right)) / self.em;
            }
            let advance = match glyph {
                Some(glyph) => f32::from(self.face.glyph_hor_advance(glyph).unwrap_or(0)) / self.em,
                // About what the script's own font takes: an em for ideographs, nothing for a sign that stands over another.
                None => [0.0, 0.6, 1.0][c.width().unwrap_or(0).min(2)],
            };
            letters.push(Letter { glyph, x, advance });
            x += advance;
            last = glyph;
        }
        letters
    }

    /// Whether every letter is known, and so the width exact.
    pub(super) fn knows(&self, text: &str) -> bool {
        text.chars().all(|c| self.face.glyph_index(c).is_some())
    }

    /// In ems, y upwards.
    pub(super) fn outline(&self, glyph: GlyphId, builder: &mut dyn OutlineBuilder) {
        self.face.outline_glyph(glyph, builder);
    }

    pub(super) fn units_per_em(&self) -> f32 {
        self.em
    }

    /// Of the first pair table that has something to say, as OpenType asks.
    fn kerning(&self, left: GlyphId, right: GlyphId) -> i16 {
        let Some(table) = self.face.tables().gpos else { return 0 };
        for lookup in table.lookups {
            for subtable in lookup.subtables.into_iter::<gpos::PositioningSubtable<'_>>() {
                let gpos::PositioningSubtable::Pair(pair) = subtable else { continue };
                let Some(index) = pair.coverage().get(left) else { continue };
                let value = match pair {
                    gpos::PairAdjustment::Format1 { sets, .. } => {
                        sets.get(index).and_then(|set| set.get(right))
                    }
                    gpos::PairAdjustment::Format2 { classes, matrix, .. } => {
                        matrix.get((classes.0.get(left), classes.1.get(right)))
                    }
                };
                if let Some((value, _)) = value {
                    return value.x_advance;
                }
            }
        }
        0
    }
}

/// Of a line at `size`, in the units of `size`.
pub(super) fn width(text: &str, size: f32, weight: Weight) -> f32 {
    font(weight).letters(text).last().map_or(0.0, |letter| (letter.x + letter.advance) * size)
}

/// The line, or as much of its beginning as fits, with an ellipsis.
pub(super) fn fit(text: &str, size: f32, weight: Weight, room: f32) -> String {
    if width(text, size, weight) <= room {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let cut = |n: usize| chars[..n].iter().collect::<String>().trim_end().to_owned() + "…";
    let n = most(chars.len(), |n| width(&cut(n), size, weight) <= room);
    cut(n)
}

/// The like for a file: its ending tells most, so the middle goes.
pub(super) fn fit_file(text: &str, size: f32, weight: Weight, room: f32) -> String {
    if width(text, size, weight) <= room {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let cut = |n: usize| {
        let head = n.div_ceil(2);
        let tail = chars.len() - (n - head);
        chars[..head].iter().collect::<String>() + "…" + &chars[tail..].iter().collect::<String>()
    };
    let n = most(chars.len().saturating_sub(1), |n| width(&cut(n), size, weight) <= room);
    cut(n)
}

/// Lines no wider than `room`, at most `lines` of them; words longer than a line are cut anywhere.
pub(super) fn wrap(text: &str, size: f32, weight: Weight, room: f32, lines: usize) -> Vec<String> {
    let mut wrapped: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&longer, size, weight) <= room {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            wrapped.push(std::mem::take(&mut line));
        }
        line = word.to_owned();
        while width(&line, size, weight) > room {
            let chars: Vec<char> = line.chars().collect();
            let n =
                most(chars.len(), |n| width(&chars[..n].iter().collect::<String>(), size, weight) <= room)
                    .max(1);
            if n == chars.len() {
                break;
            }
            wrapped.push(chars[..n].iter().collect());
            line = chars[n..].iter().collect();
        }
    }
    if !line.is_empty() {
        wrapped.push(line);
    }
    if wrapped.len() > lines {
        let rest = wrapped.split_off(lines.max(1) - 1).join(" ");
        wrapped.push(fit(&rest, size, weight, room));
    }
    wrapped
}

/// The largest n up to `top` that still holds; what holds for n holds for less.
fn most(top: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, top);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if holds(middle) { low = middle } else { high = middle - 1 }
    }
    low
}
