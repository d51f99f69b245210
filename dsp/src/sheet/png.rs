//! A drawing as PNG: the marks of the SVG, put down by a rasteriser that counts in plain floats, with the letters of the crate's own fonts. The
//! same sheet is the same bytes on every machine, with or without fonts (D-1). Never here: what is drawn.

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, PremultipliedColorU8, Stroke, StrokeDash,
    Transform,
};
use ttf_parser::OutlineBuilder;

use super::{
    Sheet,
    drawing::{Anchor, Drawing, Ink, Mark, Point, Type},
    font, page,
};
use crate::DspError;

/// A4 across at about 36 and at 435 dots an inch.
pub const WIDTH_MIN_PX: u32 = 300;
pub const WIDTH_MAX_PX: u32 = 3600;
/// A sheet of hundreds of files is drawn less wide rather than refused.
const PIXELS_MAX: f32 = 24_000_000.0;

/// The whole sheet, `width_px` across. Errors: `Invalid` for a width outside 300 to 3600.
pub fn png(sheet: &Sheet, width_px: u32) -> Result<Vec<u8>, DspError> {
    if !(WIDTH_MIN_PX..=WIDTH_MAX_PX).contains(&width_px) {
        return Err(DspError::Invalid(format!(
            "a sheet of {width_px} pixels across was asked for; there are {WIDTH_MIN_PX} to {WIDTH_MAX_PX}"
        )));
    }
    let drawing = page::page(sheet);
    let most = (PIXELS_MAX * drawing.width / drawing.height).sqrt();
    let width = (width_px as f32).min(most.floor());
    let scale = width / drawing.width;
    let size = (width as u32, (drawing.height * scale).round() as u32);
    let failed = |what: &str| DspError::Invalid(format!("the sheet could not be drawn: {what}"));
    let mut canvas = Pixmap::new(size.0, size.1).ok_or_else(|| failed("too large"))?;
    canvas.fill(Color::WHITE);
    draw(&mut canvas, &drawing, Transform::from_scale(scale, scale));
    encode(&canvas, width_px).map_err(|e| failed(&e.to_string()))
}

/// Three bytes a pixel: nothing is left transparent on white paper.
fn encode(canvas: &Pixmap, width_px: u32) -> Result<Vec<u8>, png::EncodingError> {
    let rgb: Vec<u8> =
        canvas.pixels().iter().flat_map(|p: &PremultipliedColorU8| [p.red(), p.green(), p.blue()]).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, canvas.width(), canvas.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    // So that it prints 210 mm across.
    let per_metre = (f64::from(width_px) / 0.21).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(bytes)
}

fn draw(canvas: &mut Pixmap, drawing: &Drawing, scale: Transform) {
    for mark in &drawing.marks {
        match mark {
            Mark::Area { points, ink } => {
                if let Some(path) = path(points, true) {
                    canvas.fill_path(&path, &paint(*ink), FillRule::Winding, scale, None);
                }
            }
            Mark::Line { points, ink, width, dash } => {
                let dash = dash.and_then(|dash| StrokeDash::new(dash.to_vec(), 0.0));
                let stroke = Stroke {
                    width: *width,
                    line_cap: LineCap::Butt,
                    line_join: LineJoin::Round,
                    dash,
                    ..Stroke::default()
                };
                if let Some(path) = path(points, false) {
                    canvas.stroke_path(&path, &paint(*ink), &stroke, scale, None);
                }
            }
            Mark::Words { at, kind, anchor, text } => words(canvas, *at, *kind, *anchor, text, scale),
        }
    }
}

fn words(canvas: &mut Pixmap, at: Point, kind: Type, anchor: Anchor, text: &str, scale: Transform) {
    let back = match anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => kind.width(text) / 2.0,
        Anchor::End => kind.width(text),
    };
    let font = font::font(kind.weight);
    let mut pen =
        Pen { builder: PathBuilder::new(), x: 0.0, y: at[1], size: kind.size / font.units_per_em() };
    for letter in font.letters(text) {
        pen.x = at[0] - back + letter.x * kind.size;
        match letter.glyph {
            Some(glyph) => font.outline(glyph, &mut pen),
            None => pen.empty_box(letter.advance * font.units_per_em()),
        }
    }
    if let Some(path) = pen.builder.finish() {
        canvas.fill_path(&path, &paint(kind.ink), FillRule::Winding, scale, None);
    }
}

/// Puts outlines of a font (y upwards, its own units) on the page.
struct Pen {
    builder: PathBuilder,
    x: f32,
    y: f32,
    size: f32,
}

impl Pen {
    fn on(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.size, self.y - y * self.size)
    }

    /// A letter that the font does not have: a frame, inner edge against outer.
    fn empty_box(&mut self, advance: f32) {
        if advance <= 0.0 {
            return;
        }
        let (inset, top, pen) = (advance * 0.1, 1456.0, 120.0);
        let (left, right) = (inset, advance - inset);
        let outer = [(left, 0.0), (right, 0.0), (right, top), (left, top)];
        let inner =
            [(left + pen, pen), (left + pen, top - pen), (right - pen, top - pen), (right - pen, pen)];
        for ring in [outer, inner] {
            for (i, (x, y)) in ring.into_iter().enumerate() {
                if i == 0 { self.move_to(x, y) } else { self.line_to(x, y) }
            }
            self.close();
        }
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.on(x, y);
        self.builder.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.on(x, y);
        self.builder.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.on(x1, y1), self.on(x, y));
        self.builder.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.on(x1, y1), self.on(x2, y2), self.on(x, y));
        self.builder.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.builder.close();
    }
}

fn path(points: &[Point], closed: bool) -> Option<tiny_skia::Path> {
    let mut builder = PathBuilder::new();
    for (i, [x, y]) in points.iter().enumerate() {
        if i == 0 { builder.move_to(*x, *y) } else { builder.line_to(*x, *y) }
    }
    if closed {
        builder.close();
    }
    builder.finish()
}

fn paint(Ink(r, g, b): Ink) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(r, g, b, 255);
    paint
}
