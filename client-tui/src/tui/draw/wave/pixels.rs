//! The picture in real pixels, where the terminal shows them: a bitmap made from the columns that came, and what draws it. The bitmap is a pure function.
//! Never here: which terminal it is, when a new one is made. Nothing of it may ask the terminal anything.

use std::{fmt, sync::Arc};

use deadwax_proto::v1::WaveformResponse;
use image::{DynamicImage, Rgba, RgbaImage};
use ratatui::{Frame, layout::Rect, widgets::Widget as _};
use ratatui_image::{
    FontSize, Image, Resize,
    picker::{Picker, ProtocolType},
    protocol::Protocol,
};

use super::tint;
use crate::tui::settings::{Ground, Pixels, Way};

/// What is asked for: which columns, how large, in which light.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Of the answer that it is made from: tells pictures apart.
    pub ticket: u64,
    pub cells: (u16, u16),
    pub ground: Ground,
    pub pixels: Pixels,
}

/// A picture as the terminal takes it.
#[derive(Clone)]
pub struct Shown {
    pub ask: Ask,
    protocol: Arc<Protocol>,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("ask", &self.ask).finish_non_exhaustive()
    }
}

/// Two pictures are the same where the same was asked.
impl PartialEq for Shown {
    fn eq(&self, other: &Shown) -> bool {
        self.ask == other.ask
    }
}

impl Shown {
    /// Costs milliseconds: made beside the loop that draws. `None` where the terminal's way of showing pictures does not take it.
    pub fn make(ask: Ask, answer: &WaveformResponse) -> Option<Shown> {
        let (width, height) = (ask.pixels.cell.0.max(1), ask.pixels.cell.1.max(1));
        #[expect(
            deprecated,
            reason = "the other way asks the terminal and waits for it; what is needed was told already"
        )]
        let mut picker = Picker::from_fontsize(FontSize::new(width, height));
        picker.set_protocol_type(match ask.pixels.way {
            Way::Kitty => ProtocolType::Kitty,
            Way::Iterm2 => ProtocolType::Iterm2,
            Way::Sixel => ProtocolType::Sixel,
        });
        let size = (u32::from(ask.cells.0) * u32::from(width), u32::from(ask.cells.1) * u32::from(height));
        let bitmap = bitmap(answer, size, ask.ground);
        let area = ratatui::layout::Size { width: ask.cells.0, height: ask.cells.1 };
        let protocol = picker.new_protocol(DynamicImage::ImageRgba8(bitmap), area, Resize::Fit(None)).ok()?;
        Some(Shown { ask, protocol: Arc::new(protocol) })
    }

    /// Whether characters may stand on it.
    pub fn overlays(&self) -> bool {
        self.ask.pixels.way == Way::Kitty
    }

    pub(super) fn draw(&self, frame: &mut Frame<'_>, area: Rect) {
        Image::new(&self.protocol).render(area, frame.buffer_mut());
    }
}

/// Larger than any window: what a terminal tells of its cells is not trusted to be small.
const PIXELS_MAX: u32 = 8192;

/// Each column of pixels from its least to its greatest, brighter where it is louder; red where it clips.
pub fn bitmap(answer: &WaveformResponse, size: (u32, u32), ground: Ground) -> RgbaImage {
    let (width, height) = (size.0.clamp(1, PIXELS_MAX), size.1.clamp(1, PIXELS_MAX));
    let mut picture = RgbaImage::from_pixel(width, height, Rgba([0, 0, 0, 0]));
    let Some(channels) = usize::try_from(answer.channels).ok().filter(|it| *it > 0) else { return picture };
    let have = answer.min.len().min(answer.max.len()) / channels;
    if have == 0 {
        return picture;
    }
    let row_of = |value: i32| {
        let share = (1.0 - f64::from(value.clamp(-32_768, 32_767)) / 32_768.0) / 2.0;
        ((share * f64::from(height)) as u32).min(height - 1)
    };
    for x in 0..width {
        let column = (x as usize * have) / width as usize;
        // Where a pixel is wider than a column of the data, all that it covers.
        let last = (((x as usize + 1) * have).div_ceil(width as usize)).clamp(column + 1, have);
        let here = column * channels..last * channels;
        let low = answer.min[here.clone()].iter().copied().min().unwrap_or(0);
        let high = answer.max[here].iter().copied().max().unwrap_or(0);
        let clips = |list: &[u32]| {
            let first = list.partition_point(|it| (*it as usize) < column);
            list.get(first).is_some_and(|it| (*it as usize) < last)
        };
        let clipped = clips(&answer.clipped_columns);
        for y in row_of(high)..=row_of(low.min(high)) {
            let level = ((f64::from(y) + 0.5) / f64::from(height) * 2.0 - 1.0).abs() as f32;
            let [red, green, blue] = if clipped { [220, 60, 60] } else { tint::rgb(level, ground) };
            picture.put_pixel(x, y, Rgba([red, green, blue, 255]));
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> WaveformResponse {
        WaveformResponse {
            channels: 1,
            min: vec![0, -32_768, 0, 0],
            max: vec![0, 32_767, 32_767, 0],
            clipped_columns: vec![2],
            ..WaveformResponse::default()
        }
    }

    #[test]
    fn a_bitmap_is_filled_from_least_to_greatest() {
        let picture = bitmap(&answer(), (4, 8), Ground::Dark);
        let filled = |x: u32| (0..8).filter(|y| picture.get_pixel(x, *y).0[3] > 0).collect::<Vec<_>>();
        assert_eq!(filled(0), [4], "silence is a line");
        assert_eq!(filled(1), (0..8).collect::<Vec<_>>());
        assert_eq!(filled(2), [0, 1, 2, 3, 4], "the upper half");
        assert_eq!(picture.get_pixel(2, 0).0, [220, 60, 60, 255], "it clips");
    }

    #[test]
    fn broken_data_and_sizes_make_an_empty_picture() {
        let broken = WaveformResponse { channels: 9, ..answer() };
        assert!(bitmap(&broken, (4, 8), Ground::Dark).pixels().all(|it| it.0[3] == 0));
        assert_eq!(bitmap(&answer(), (0, 0), Ground::Dark).dimensions(), (1, 1));
        assert_eq!(bitmap(&answer(), (u32::MAX, 1), Ground::Dark).dimensions().0, PIXELS_MAX);
    }

    #[test]
    fn a_picture_is_as_large_as_its_cells_and_is_told_by_what_was_asked() {
        let pixels = Pixels { way: Way::Kitty, cell: (8, 16) };
        let ask = Ask { ticket: 1, cells: (10, 2), ground: Ground::Dark, pixels };
        let shown = Shown::make(ask.clone(), &answer()).unwrap();
        assert_eq!(shown.protocol.size(), ratatui::layout::Size { width: 10, height: 2 });
        assert_eq!(Shown::make(Ask { ticket: 2, ..ask }, &answer()).map(|it| it == shown), Some(false));
    }
}
