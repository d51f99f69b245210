//! Planar f64 into the bytes of a file: whole numbers rounded half to even and held at full scale, interleaved, three bytes for 24 bits. Plain
//! loops over short pieces that stay in the cache, compiled for wide registers. Never here: dither, headers.

use std::io;

use crate::{Block, lanes};

/// How one sample lies in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Whole numbers of 16, 24 or 32 bits.
    Whole { bits: u32, big_endian: bool },
    /// Floats of 32 bits, little endian.
    Float,
}

impl Form {
    pub(super) fn bytes(self) -> usize {
        match self {
            Form::Whole { bits, .. } => bits as usize / 8,
            Form::Float => 4,
        }
    }
}

/// Frames that are packed at a time: two channels of them as f64, i32 and bytes fill half of a first-level cache.
const PIECE_FRAMES: usize = 512;
/// As in `decode`: no sample may be further from zero, in units of full scale.
const MAX_SAMPLE: f64 = 4_294_967_296.0;
/// 1.5 * 2^52: added to a number below 2^31, it leaves that number, rounded half to even, in the low 32 bits of the sum.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Memory that is used again for every piece.
#[derive(Default)]
pub(super) struct Packer {
    plane: Vec<i32>,
    interleaved: Vec<i32>,
    bytes: Vec<u8>,
}

impl Packer {
    /// Hands the block's bytes piece by piece to `out`. Errors: those of `out`, and `InvalidData` for a sample that is not a number.
    pub(super) fn pack(
        &mut self,
        block: &Block,
        form: Form,
        mut out: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let channels = block.channels.len();
        let frames = block.frames();
        for at in (0..frames).step_by(PIECE_FRAMES) {
            let n = PIECE_FRAMES.min(frames - at);
            self.plane.resize(n, 0);
            self.interleaved.resize(n * channels, 0);
            self.bytes.resize(n * channels * form.bytes(), 0);
            let (planes, memory) = (block.channels.as_slice(), &mut *self);
            let sound = lanes::wide_with(piece, (planes, at, n, form, memory));
            if !sound {
                return Err(no_sound());
            }
            out(&self.bytes)?;
        }
        Ok(())
    }
}

/// Samples of one channel as whole numbers of `bits`, the inverse of how they are read (D-3). Errors: `InvalidData`, a sample is not a number.
pub(super) fn whole(samples: &[f64], bits: u32, out: &mut [i32]) -> io::Result<()> {
    if lanes::wide_with(round, (samples, bits, out)) { Ok(()) } else { Err(no_sound()) }
}

fn no_sound() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a sample is not a number or is beyond any level")
}

/// Frames `at` to `at + n` of all channels into `bytes`. False where a sample is no number.
#[inline(always)]
fn piece((planes, at, n, form, memory): (&[Vec<f64>], usize, usize, Form, &mut Packer)) -> bool {
    let mut sound = true;
    for (channel, samples) in planes.iter().enumerate() {
        let samples = &samples[at..at + n];
        sound &= match form {
            Form::Whole { bits, .. } => round((samples, bits, &mut memory.plane)),
            Form::Float => narrow(samples, &mut memory.plane),
        };
        interleave(&memory.plane, channel, planes.len(), &mut memory.interleaved);
    }
    lay(&mut memory.interleaved, form, &mut memory.bytes);
    sound
}

/// False where a sample is no number.
#[inline(always)]
fn round((samples, bits, out): (&[f64], u32, &mut [i32])) -> bool {
    let scale = f64::from(1u32 << (bits - 1));
    let (low, high) = (-scale, scale - 1.0);
    let mut wrong = 0u64;
    for (sample, out) in samples.iter().zip(out) {
        let value = sample * scale;
        let value = if value > low { value } else { low };
        let value = if value < high { value } else { high };
        *out = (value + ROUND).to_bits() as i32;
        wrong |= u64::from(!matches!(sample.abs().partial_cmp(&MAX_SAMPLE), Some(o) if o.is_le()));
    }
    wrong == 0
}

#[inline(always)]
fn narrow(samples: &[f64], out: &mut [i32]) -> bool {
    let mut wrong = 0u64;
    for (sample, out) in samples.iter().zip(out) {
        *out = (*sample as f32).to_bits() as i32;
        wrong |= u64::from(!matches!(sample.abs().partial_cmp(&MAX_SAMPLE), Some(o) if o.is_le()));
    }
    wrong == 0
}

#[inline(always)]
fn interleave(plane: &[i32], channel: usize, channels: usize, out: &mut [i32]) {
    match channels {
        1 => out.copy_from_slice(plane),
        2 => out.chunks_exact_mut(2).zip(plane).for_each(|(frame, sample)| frame[channel & 1] = *sample),
        _ => out.chunks_exact_mut(channels).zip(plane).for_each(|(frame, sample)| frame[channel] = *sample),
    }
}

#[inline(always)]
fn lay(samples: &mut [i32], form: Form, out: &mut [u8]) {
    match form {
        Form::Float | Form::Whole { bits: 32, big_endian: false } => {
            let (out, _) = out.as_chunks_mut::<4>();
            out.iter_mut().zip(samples).for_each(|(out, sample)| *out = sample.to_le_bytes());
        }
        Form::Whole { bits: 32, big_endian: true } => {
            let (out, _) = out.as_chunks_mut::<4>();
            out.iter_mut().zip(samples).for_each(|(out, sample)| *out = sample.to_be_bytes());
        }
        Form::Whole { bits: 16, big_endian } => {
            let (out, _) = out.as_chunks_mut::<2>();
            if big_endian {
                out.iter_mut().zip(samples).for_each(|(out, sample)| *out = (*sample as i16).to_be_bytes());
            } else {
                out.iter_mut().zip(samples).for_each(|(out, sample)| *out = (*sample as i16).to_le_bytes());
            }
        }
        Form::Whole { big_endian, .. } => {
            if big_endian {
                // The upper byte is only the sign: turned round and moved down, the three others stand in their order.
                samples.iter_mut().for_each(|sample| *sample = (sample.swap_bytes() as u32 >> 8) as i32);
            }
            lay_24(samples, out);
        }
    }
}

/// Eight samples become three words of eight bytes: no store of single bytes, no store over the end.
#[inline(always)]
fn lay_24(samples: &[i32], out: &mut [u8]) {
    let (eights, rest) = samples.as_chunks::<8>();
    let (words, tail) = out.split_at_mut(eights.len() * 24);
    let (words, _) = words.as_chunks_mut::<24>();
    for (eight, out) in eights.iter().zip(words) {
        let pair = |n: usize| (eight[n] as u64 & 0xFF_FFFF) | (eight[n + 1] as u64 & 0xFF_FFFF) << 24;
        let (a, b, c, d) = (pair(0), pair(2), pair(4), pair(6));
        out[..8].copy_from_slice(&(a | b << 48).to_le_bytes());
        out[8..16].copy_from_slice(&(b >> 16 | c << 32).to_le_bytes());
        out[16..].copy_from_slice(&(c >> 32 | d << 16).to_le_bytes());
    }
    for (sample, out) in rest.iter().zip(tail.chunks_exact_mut(3)) {
        out.copy_from_slice(&sample.to_le_bytes()[..3]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plain way: one sample at a time, by the language's own rounding.
    fn slowly(block: &Block, form: Form) -> Vec<u8> {
        let mut bytes = Vec::new();
        for frame in 0..block.frames() {
            for plane in &block.channels {
                let Form::Whole { bits, big_endian } = form else {
                    bytes.extend((plane[frame] as f32).to_le_bytes());
                    continue;
                };
                let scale = f64::from(1u32 << (bits - 1));
                let value = (plane[frame] * scale).round_ties_even().clamp(-scale, scale - 1.0) as i32;
                let wide = (value << (32 - bits)).to_be_bytes();
                let mut sample = wide[..bits as usize / 8].to_vec();
                if !big_endian {
                    sample.reverse();
                }
                bytes.extend(sample);
            }
        }
        bytes
    }

    #[test]
    fn bytes_are_those_of_the_plain_way_for_every_form_width_and_path() {
        let forms = [16, 24, 32]
            .into_iter()
            .flat_map(|bits| [false, true].map(|big_endian| Form::Whole { bits, big_endian }))
            .chain([Form::Float]);
        for form in forms {
            for channels in 1..=5usize {
                let mut block = Block::new(channels, 1031);
                let mut state = 7u64;
                for sample in block.channels.iter_mut().flatten() {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    *sample = (state >> 11) as f64 / (1u64 << 52) as f64 * 1.1 - 1.1;
                    // Halves of a step, to meet the rule for ties.
                    if state & 0x100 == 0 {
                        *sample = (*sample * 65_536.0).round() / 65_536.0;
                    }
                }
                block.channels[0][..4].copy_from_slice(&[1.0, -1.0, 4.0, -4.0]);
                let expected = slowly(&block, form);
                for path in lanes::paths() {
                    lanes::force(Some(path));
                    let mut bytes = Vec::new();
                    let mut packer = Packer::default();
                    packer
                        .pack(&block, form, |piece| {
                            bytes.extend_from_slice(piece);
                            Ok(())
                        })
                        .unwrap();
                    assert!(bytes == expected, "{form:?}, {channels} channels, {path:?}");
                }
                lanes::force(None);
            }
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e12] {
            for form in [Form::Float, Form::Whole { bits: 24, big_endian: false }] {
                let mut block = Block::new(2, 700);
                block.channels[1][699] = wrong;
                let done = Packer::default().pack(&block, form, |_| Ok(()));
                assert_eq!(done.expect_err("it is no sound").kind(), io::ErrorKind::InvalidData);
            }
        }
    }
}
