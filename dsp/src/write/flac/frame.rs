//! One frame of FLAC: its header, its channels, and for stereo which pair of left, right, their mean and their difference is the shortest
//! (RFC 9639, 9.1 and 4.2). Knows nothing of the stream around it, so that frames can be made side by side.

use super::{
    bits::{self, Bits},
    subframe::{Subframe, Tools},
};

/// What holds for all frames of a stream.
#[derive(Clone, Copy)]
pub(super) struct Format {
    pub(super) sample_rate: u32,
    /// 16 or 24.
    pub(super) bits: u32,
    /// The length of all frames but the last.
    pub(super) block_frames: usize,
}

/// Left, right, mean, difference.
const PAIRS: [([usize; 2], u64); 4] = [([0, 1], 1), ([0, 3], 8), ([3, 1], 9), ([2, 3], 10)];

/// Makes frames one after another, with memory that is used again.
pub(super) struct Encoder {
    format: Format,
    tools: Tools,
    subframes: Vec<Subframe>,
    bits: Bits,
}

impl Encoder {
    pub(super) fn new(format: Format) -> Self {
        Encoder { format, tools: Tools::default(), subframes: Vec::new(), bits: Bits::default() }
    }

    /// `planes`: channels x 1 to 4096 frames. `number`: how many frames of the stream stand before.
    pub(super) fn encode(&mut self, planes: &[Vec<i32>], number: u64) -> &[u8] {
        let frames = planes.first().map_or(0, Vec::len);
        self.tools.fit(frames);
        self.subframes.resize_with(planes.len().max(4), Subframe::default);
        let (chosen, assignment) = if let [left, right] = planes {
            self.pair(left, right)
        } else {
            for (subframe, plane) in self.subframes.iter_mut().zip(planes) {
                subframe.look(plane.iter().copied(), self.format.bits, &mut self.tools);
            }
            ((0..planes.len()).collect(), planes.len() as u64 - 1)
        };
        self.bits.start(planes.len() * (frames * (self.format.bits as usize + 1) / 8 + 64) + 64);
        self.header(frames, assignment, number);
        for at in chosen {
            self.subframes[at].refine(&mut self.tools);
            self.subframes[at].write(&mut self.bits);
        }
        self.bits.align();
        let crc = bits::crc16(self.bits.bytes());
        self.bits.put(u64::from(crc), 16);
        self.bits.bytes()
    }

    /// Which two of the four to write, by a quick look at each, and how the header names them.
    fn pair(&mut self, left: &[i32], right: &[i32]) -> (Vec<usize>, u64) {
        let both = || left.iter().zip(right);
        let (bits, tools) = (self.format.bits, &mut self.tools);
        self.subframes[0].look(left.iter().copied(), bits, tools);
        self.subframes[1].look(right.iter().copied(), bits, tools);
        self.subframes[2].look(both().map(|(l, r)| (l + r) >> 1), bits, tools);
        self.subframes[3].look(both().map(|(l, r)| l - r), bits + 1, tools);
        let cost = |pair: &([usize; 2], u64)| pair.0.iter().map(|at| self.subframes[*at].cost).sum::<u64>();
        let best = PAIRS.into_iter().min_by_key(cost).unwrap_or(PAIRS[0]);
        (best.0.to_vec(), best.1)
    }

    fn header(&mut self, frames: usize, assignment: u64, number: u64) {
        let out = &mut self.bits;
        // Fourteen bits of synchronisation, one reserved, one for blocks of one length.
        out.put(0xFFF8, 16);
        let usual = frames == 4096;
        out.put(if usual { 12 } else { 7 }, 4);
        let (code, value, value_bits) = rate_code(self.format.sample_rate);
        out.put(code, 4);
        out.put(assignment, 4);
        out.put(if self.format.bits == 16 { 4 } else { 6 }, 3);
        out.put(0, 1);
        coded_number(number, out);
        if !usual {
            out.put(frames as u64 - 1, 16);
        }
        if value_bits > 0 {
            out.put(value, value_bits);
        }
        let crc = bits::crc8(out.bytes());
        out.put(u64::from(crc), 8);
    }
}

/// The code of a rate; where it has none of its own, the number that follows and its bits. Code 0: see the stream's head.
fn rate_code(hz: u32) -> (u64, u64, u32) {
    const CODES: [(u32, u64); 11] = [
        (88_200, 1),
        (176_400, 2),
        (192_000, 3),
        (8_000, 4),
        (16_000, 5),
        (22_050, 6),
        (24_000, 7),
        (32_000, 8),
        (44_100, 9),
        (48_000, 10),
        (96_000, 11),
    ];
    if let Some((_, code)) = CODES.into_iter().find(|(rate, _)| *rate == hz) {
        return (code, 0, 0);
    }
    let value = u64::from(hz);
    match hz {
        _ if hz.is_multiple_of(1000) && hz <= 255_000 => (12, value / 1000, 8),
        _ if hz <= 65_535 => (13, value, 16),
        _ if hz.is_multiple_of(10) && hz <= 655_350 => (14, value / 10, 16),
        _ => (0, 0, 0),
    }
}

/// A number of up to 36 bits, in the way of UTF-8 (RFC 9639, 9.1.5).
fn coded_number(number: u64, out: &mut Bits) {
    if number < 0x80 {
        return out.put(number, 8);
    }
    // `more` bytes of six bits follow the first, which has 6 - more left.
    let more = (1..6).find(|more| number < 1 << (6 * more + 6 - more)).unwrap_or(6);
    let head = 0xFFu64 << (7 - more) & 0xFF;
    out.put(head | number >> (6 * more), 8);
    for at in (0..more).rev() {
        out.put(0x80 | number >> (6 * at) & 0x3F, 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_coded_as_utf_8_codes_letters() {
        for letter in
            ['a', '\u{7F}', '\u{80}', 'é', '\u{7FF}', '\u{800}', '€', '\u{FFFF}', '\u{10000}', '\u{10FFFF}']
        {
            let mut out = Bits::default();
            out.start(16);
            coded_number(u64::from(letter as u32), &mut out);
            assert_eq!(out.bytes(), letter.to_string().as_bytes());
        }
        let mut out = Bits::default();
        out.start(16);
        coded_number((1 << 36) - 1, &mut out);
        assert_eq!(out.bytes(), [0xFE, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF, 0xBF]);
    }
}
