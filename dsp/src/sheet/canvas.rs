//! Curves in characters: braille with two columns and four rows of dots in each, or plain ASCII; strips of blocks. Never here: what a curve means.

/// Dots of a braille cell by (column, row), as Unicode numbers them.
const DOTS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// One of two curves in the same field; the second lies over the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    Under,
    Over,
}

/// What a character of the field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Empty,
    Under(char),
    Over(char),
}

pub(super) struct Canvas {
    columns: usize,
    rows: usize,
    under: Vec<u8>,
    over: Vec<u8>,
}

impl Canvas {
    pub(super) fn new(columns: usize, rows: usize) -> Self {
        Canvas { columns, rows, under: vec![0; columns * rows], over: vec![0; columns * rows] }
    }

    /// A curve of one height (0 bottom to 1 top) for each column of dots, two to a character; `None` leaves a gap. The one above is whole, the one
    /// under it has every other column, so that they are told apart without colours.
    pub(super) fn curve(&mut self, layer: Layer, heights: &[Option<f64>]) {
        let mut last: Option<usize> = None;
        for (x, height) in heights.iter().enumerate().take(self.columns * 2) {
            let row = height.map(|h| self.row(h));
            match (layer, row) {
                (Layer::Over, Some(row)) => {
                    // Joined to the one before, half way.
                    let from = last
                        .map_or(row, |was| if was < row { was + 1 } else { was.saturating_sub(1).max(row) });
                    (from.min(row)..=from.max(row)).for_each(|y| self.dot(layer, x, y));
                }
                (Layer::Under, Some(row)) if x.is_multiple_of(2) => self.dot(layer, x, row),
                _ => {}
            }
            last = row;
        }
    }

    fn row(&self, height: f64) -> usize {
        let dots = self.rows * 4;
        (((1.0 - height.clamp(0.0, 1.0)) * (dots - 1) as f64).round() as usize).min(dots - 1)
    }

    /// The row of characters at a height.
    pub(super) fn line_at(&self, height: f64) -> usize {
        self.row(height) / 4
    }

    fn dot(&mut self, layer: Layer, x: usize, y: usize) {
        let cell = y / 4 * self.columns + x / 2;
        let bits = if layer == Layer::Over { &mut self.over } else { &mut self.under };
        bits[cell] |= DOTS[x % 2][y % 4];
    }

    pub(super) fn line(&self, row: usize, ascii: bool) -> Vec<Cell> {
        let at = row * self.columns..(row + 1) * self.columns;
        let braille = |bits: u8| char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' ');
        self.under[at.clone()]
            .iter()
            .zip(&self.over[at])
            .map(|(under, over)| match (under, over, ascii) {
                (0, 0, _) => Cell::Empty,
                (_, 0, true) => Cell::Under('.'),
                (_, _, true) => Cell::Over('*'),
                (under, 0, false) => Cell::Under(braille(*under)),
                (under, over, false) => Cell::Over(braille(under | over)),
            })
            .collect()
    }
}

/// A bar that grows from below, in eighths; less than a sixteenth is nothing.
pub(super) fn bar_up(share: f64, ascii: bool) -> char {
    let bars: &[char] = if ascii {
        &[' ', '.', ':', '|', '#']
    } else {
        &[' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
    };
    bars[step(share, bars.len() - 1)]
}

/// A bar that hangs from above: there are fewer signs for it.
pub(super) fn bar_down(share: f64, ascii: bool) -> char {
    let bars = if ascii { [' ', '\'', ':', '|', '#'] } else { [' ', '▔', '▀', '▀', '█'] };
    bars[step(share, 4)]
}

fn step(share: f64, most: usize) -> usize {
    if share.is_finite() { (share.clamp(0.0, 1.0) * most as f64).round() as usize } else { 0 }
}
