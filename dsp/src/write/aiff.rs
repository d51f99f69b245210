//! AIFF (Apple, Audio Interchange File Format, version 1.3, 1989): whole numbers, big endian, in FORM, COMM and SSND. Sizes have 32 bits: what would
//! pass 4 GiB is refused. Sizes are set at the end, so the length need not be known before.

use std::io::{self, Seek, SeekFrom, Write};

use super::pack::{Form, Packer};
use crate::Block;

/// Room for tags behind the sound.
const DATA_BYTES_MAX: u64 = u32::MAX as u64 - (64 << 20);
const FORM_SIZE_AT: u64 = 4;
/// FORM, COMM, and the head of SSND.
pub(super) const HEAD_BYTES: u64 = 12 + 26 + 16;
/// FORM (12), then COMM: its head (8), the channels (2).
const FRAMES_AT: u64 = 22;
/// Behind COMM (8 + 18): the size of SSND.
const SOUND_SIZE_AT: u64 = 42;

pub(super) struct AiffWriter<W> {
    out: W,
    form: Form,
    channels: usize,
    data_bytes: u64,
    packer: Packer,
}

impl<W: Write + Seek> AiffWriter<W> {
    pub(super) fn new(mut out: W, bits: u32, sample_rate: u32, channels: usize) -> io::Result<Self> {
        out.write_all(b"FORM\0\0\0\0AIFFCOMM\0\0\0\x12")?;
        out.write_all(&(channels as u16).to_be_bytes())?;
        out.write_all(&[0; 4])?;
        out.write_all(&(bits as u16).to_be_bytes())?;
        out.write_all(&extended(sample_rate))?;
        out.write_all(b"SSND\0\0\0\0")?;
        // Offset and block size: the sound follows at once.
        out.write_all(&[0; 8])?;
        let form = Form::Whole { bits, big_endian: true };
        Ok(AiffWriter { out, form, channels, data_bytes: 0, packer: Packer::default() })
    }

    pub(super) fn write(&mut self, block: &Block) -> io::Result<()> {
        let more = (block.frames() * self.channels * self.form.bytes()) as u64;
        if self.data_bytes + more > DATA_BYTES_MAX {
            let what = "AIFF cannot hold more than 4 GiB; write it as WAV, which becomes RF64 there";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
        }
        self.data_bytes += more;
        let out = &mut self.out;
        self.packer.pack(block, self.form, |bytes| out.write_all(bytes))
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        if self.data_bytes % 2 == 1 {
            self.out.write_all(&[0])?;
        }
        let form_bytes = self.out.stream_position()? - 8;
        let frames = self.data_bytes / (self.channels * self.form.bytes()) as u64;
        self.patch(FORM_SIZE_AT, form_bytes as u32)?;
        self.patch(FRAMES_AT, frames as u32)?;
        self.patch(SOUND_SIZE_AT, self.data_bytes as u32 + 8)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn patch(&mut self, at: u64, value: u32) -> io::Result<()> {
        self.out.seek(SeekFrom::Start(at))?;
        self.out.write_all(&value.to_be_bytes())
    }
}

/// A whole number as an 80-bit float of IEEE 754: 15 bits of exponent with a bias of 16383, 64 bits of mantissa with its first one written out.
fn extended(value: u32) -> [u8; 10] {
    let mut bytes = [0; 10];
    if value > 0 {
        let shift = u64::from(value).leading_zeros();
        let exponent = 16_383 + 63 - shift as u16;
        bytes[..2].copy_from_slice(&exponent.to_be_bytes());
        bytes[2..].copy_from_slice(&(u64::from(value) << shift).to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_the_bytes_that_the_standard_prints() {
        assert_eq!(extended(44_100), [0x40, 0x0E, 0xAC, 0x44, 0, 0, 0, 0, 0, 0]);
        assert_eq!(extended(48_000), [0x40, 0x0E, 0xBB, 0x80, 0, 0, 0, 0, 0, 0]);
        assert_eq!(extended(96_000), [0x40, 0x0F, 0xBB, 0x80, 0, 0, 0, 0, 0, 0]);
    }
}
