//! A drawing: areas, lines and words at their places, in points (1/72 inch), y downwards. SVG and PNG are two ways to put the same marks down.
//! Never here: what a mark means.

use super::font::{self, Weight};

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ink(pub u8, pub u8, pub u8);

/// Chosen by their lightness too, so that a grey copy keeps them apart: text 11 %, after 23 %, alarm 36 %, quiet words 38 %, work 56 %, before 60 %, rules 87 %.
pub const TEXT: Ink = Ink(0x1b, 0x1d, 0x20);
pub const QUIET: Ink = Ink(0x5c, 0x61, 0x68);
pub const BEFORE: Ink = Ink(0x94, 0x9a, 0xa2);
pub const AFTER: Ink = Ink(0x0d, 0x3f, 0x7a);
/// How much a step works, an area.
pub const WORK: Ink = Ink(0x6f, 0x93, 0xbf);
pub const TARGET: Ink = Ink(0xa8, 0x32, 0x20);
pub const RULE: Ink = Ink(0xdb, 0xde, 0xe2);
pub const AXIS: Ink = Ink(0xa9, 0xae, 0xb5);
pub const PAPER: Ink = Ink(0xff, 0xff, 0xff);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// How words look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Type {
    pub size: f32,
    pub weight: Weight,
    pub ink: Ink,
}

impl Type {
    pub const fn regular(size: f32, ink: Ink) -> Self {
        Type { size, weight: Weight::Regular, ink }
    }

    pub const fn medium(size: f32, ink: Ink) -> Self {
        Type { size, weight: Weight::Medium, ink }
    }

    pub fn width(self, text: &str) -> f32 {
        font::width(text, self.size, self.weight)
    }

    pub fn fit(self, text: &str, room: f32) -> String {
        font::fit(text, self.size, self.weight, room)
    }

    pub fn wrap(self, text: &str, room: f32, lines: usize) -> Vec<String> {
        font::wrap(text, self.size, self.weight, room, lines)
    }
}

pub type Point = [f32; 2];

#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// Filled.
    Area { points: Vec<Point>, ink: Ink },
    /// `dash`: drawn and left out, in turn.
    Line { points: Vec<Point>, ink: Ink, width: f32, dash: Option<[f32; 2]> },
    /// `at`: on the base line.
    Words { at: Point, kind: Type, anchor: Anchor, text: String },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    pub width: f32,
    pub height: f32,
    pub marks: Vec<Mark>,
}

impl Drawing {
    pub fn new(width: f32, height: f32) -> Self {
        Drawing { width, height, marks: Vec::new() }
    }

    pub fn area(&mut self, points: Vec<Point>, ink: Ink) {
        if points.len() > 2 {
            self.marks.push(Mark::Area { points, ink });
        }
    }

    pub fn rect(&mut self, x: f32, y: f32, width: f32, height: f32, ink: Ink) {
        if width > 0.0 && height > 0.0 {
            self.area(vec![[x, y], [x + width, y], [x + width, y + height], [x, y + height]], ink);
        }
    }

    pub fn line(&mut self, points: Vec<Point>, ink: Ink, width: f32) {
        if points.len() > 1 {
            self.marks.push(Mark::Line { points, ink, width, dash: None });
        }
    }

    pub fn dashed(&mut self, points: Vec<Point>, ink: Ink, width: f32, dash: [f32; 2]) {
        self.marks.push(Mark::Line { points, ink, width, dash: Some(dash) });
    }

    /// Words that are clean: see `words::clean`.
    pub fn words(&mut self, x: f32, y: f32, kind: Type, text: &str) {
        self.anchored([x, y], kind, Anchor::Start, text);
    }

    pub fn anchored(&mut self, at: Point, kind: Type, anchor: Anchor, text: &str) {
        if !text.is_empty() {
            self.marks.push(Mark::Words { at, kind, anchor, text: text.to_owned() });
        }
    }

    /// Puts another drawing down at a place.
    pub fn place(&mut self, other: Drawing, x: f32, y: f32) {
        let moved = |points: Vec<Point>| points.into_iter().map(|[px, py]| [px + x, py + y]).collect();
        self.marks.extend(other.marks.into_iter().map(|mark| match mark {
            Mark::Area { points, ink } => Mark::Area { points: moved(points), ink },
            Mark::Line { points, ink, width, dash } => Mark::Line { points: moved(points), ink, width, dash },
            Mark::Words { at: [px, py], kind, anchor, text } => {
                Mark::Words { at: [px + x, py + y], kind, anchor, text }
            }
        }));
    }
}
