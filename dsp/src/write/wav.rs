//! WAV with room for more: a JUNK chunk is reserved at the start and becomes `ds64` where the file passes 4 GiB (EBU Tech 3306, RF64); a `bext` chunk
//! of version 2 carries loudness (EBU Tech 3285). Sizes and levels are set at the end, so neither the length nor the loudness need be known before.

use std::io::{self, Seek, SeekFrom, Write};

use super::{
    Encoding,
    pack::{Form, Packer},
};
use crate::{
    Block,
    decode::{Bext, Loudness},
};

const DS64_BYTES: u32 = 28;
const RIFF_BYTES_MAX: u64 = u32::MAX as u64;
/// Where the five levels stand in a `bext` chunk.
const LEVELS_AT: u64 = 412;

pub(super) struct WavWriter<W> {
    out: W,
    form: Form,
    channels: usize,
    data_bytes: u64,
    data_size_at: u64,
    /// Where the levels of the `bext` chunk stand.
    levels_at: Option<u64>,
    levels: Option<Loudness>,
    /// Where the frame count of the `fact` chunk stands; only float has one.
    fact_at: Option<u64>,
    /// Past this the file becomes RF64; lowered in tests.
    riff_bytes_max: u64,
    packer: Packer,
}

impl<W: Write + Seek> WavWriter<W> {
    pub(super) fn new(
        mut out: W,
        encoding: Encoding,
        sample_rate: u32,
        channels: usize,
        bext: Option<Bext>,
    ) -> io::Result<Self> {
        out.write_all(b"RIFF\0\0\0\0WAVE")?;
        chunk(&mut out, b"JUNK", &[0; DS64_BYTES as usize])?;
        let mut levels_at = None;
        if let Some(bext) = &bext {
            levels_at = Some(out.stream_position()? + 8 + LEVELS_AT);
            chunk(&mut out, b"bext", &bext_chunk(bext))?;
        }
        chunk(&mut out, b"fmt ", &fmt_chunk(encoding, sample_rate, channels))?;
        let mut fact_at = None;
        if encoding.float() {
            chunk(&mut out, b"fact", &[0; 4])?;
            fact_at = Some(out.stream_position()? - 4);
        }
        out.write_all(b"data\0\0\0\0")?;
        let data_size_at = out.stream_position()? - 4;
        let form = match encoding.float() {
            true => Form::Float,
            false => Form::Whole { bits: encoding.bits(), big_endian: false },
        };
        Ok(WavWriter {
            out,
            form,
            channels,
            data_bytes: 0,
            data_size_at,
            levels_at,
            levels: None,
            fact_at,
            riff_bytes_max: RIFF_BYTES_MAX,
            packer: Packer::default(),
        })
    }

    pub(super) fn write(&mut self, block: &Block) -> io::Result<()> {
        let (out, data_bytes) = (&mut self.out, &mut self.data_bytes);
        self.packer.pack(block, self.form, |bytes| {
            *data_bytes += bytes.len() as u64;
            out.write_all(bytes)
        })
    }

    /// Kept for the end; without a `bext` chunk there is no place for them.
    pub(super) fn set_levels(&mut self, levels: &Loudness) {
        self.levels = Some(*levels);
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        if self.data_bytes % 2 == 1 {
            self.out.write_all(&[0])?;
        }
        let riff_bytes = self.out.stream_position()? - 8;
        let frames = self.data_bytes / (self.channels * self.form.bytes()) as u64;
        if let Some(at) = self.fact_at {
            self.patch(at, u32::try_from(frames).unwrap_or(u32::MAX))?;
        }
        if let (Some(at), Some(levels)) = (self.levels_at, self.levels) {
            self.out.seek(SeekFrom::Start(at))?;
            self.out.write_all(&hundredths(&levels))?;
        }
        if riff_bytes > self.riff_bytes_max {
            self.out.seek(SeekFrom::Start(0))?;
            self.out.write_all(b"RF64\xFF\xFF\xFF\xFFWAVEds64")?;
            self.out.write_all(&DS64_BYTES.to_le_bytes())?;
            for value in [riff_bytes, self.data_bytes, frames] {
                self.out.write_all(&value.to_le_bytes())?;
            }
            self.out.write_all(&0u32.to_le_bytes())?;
            self.patch(self.data_size_at, u32::MAX)?;
        } else {
            self.patch(4, riff_bytes as u32)?;
            self.patch(self.data_size_at, self.data_bytes as u32)?;
        }
        self.out.flush()?;
        Ok(self.out)
    }

    fn patch(&mut self, at: u64, value: u32) -> io::Result<()> {
        self.out.seek(SeekFrom::Start(at))?;
        self.out.write_all(&value.to_le_bytes())
    }
}

/// Everything before the sound.
pub(super) fn head_bytes(encoding: Encoding, channels: usize, bext: Option<&Bext>) -> u64 {
    let even = |bytes: usize| 8 + (bytes + bytes % 2) as u64;
    let riff_junk_data = 12 + even(DS64_BYTES as usize) + 8;
    let fact = if encoding.float() { even(4) } else { 0 };
    let bext = bext.map_or(0, |it| even(bext_chunk(it).len()));
    // The rate changes no length.
    riff_junk_data + bext + even(fmt_chunk(encoding, 48_000, channels).len()) + fact
}

fn chunk(out: &mut impl Write, name: &[u8; 4], body: &[u8]) -> io::Result<()> {
    out.write_all(name)?;
    out.write_all(&(body.len() as u32).to_le_bytes())?;
    out.write_all(body)?;
    if body.len() % 2 == 1 {
        out.write_all(&[0])?;
    }
    Ok(())
}

/// Which loudspeakers the channels are for (Microsoft, `KSAUDIO_SPEAKER`): the usual layout of each count, 7.1.4 for twelve. Zero says "not stated".
fn speakers(channels: usize) -> u32 {
    match channels {
        3 => 0x7,       // L R C
        4 => 0x33,      // quadro
        5 => 0x37,      // 5.0
        6 => 0x3F,      // 5.1
        7 => 0x70F,     // 6.1
        8 => 0x63F,     // 7.1
        9 => 0x2_D037,  // 5.0.4
        10 => 0x2_D03F, // 5.1.4
        11 => 0x2_D637, // 7.0.4
        12 => 0x2_D63F, // 7.1.4
        _ => 0,
    }
}

fn fmt_chunk(encoding: Encoding, sample_rate: u32, channels: usize) -> Vec<u8> {
    let tag: u16 = if encoding.float() { 3 } else { 1 };
    let frame_bytes = channels as u32 * encoding.bits() / 8;
    let mut body = Vec::with_capacity(40);
    // The extensible form is asked for beyond two channels or 16 bits, but every reader of 24-bit stereo takes the short one, and some old
    // mastering tools take only that.
    let extensible = channels > 2;
    body.extend_from_slice(&(if extensible { 0xFFFEu16 } else { tag }).to_le_bytes());
    body.extend_from_slice(&(channels as u16).to_le_bytes());
    body.extend_from_slice(&sample_rate.to_le_bytes());
    body.extend_from_slice(&(sample_rate * frame_bytes).to_le_bytes());
    body.extend_from_slice(&(frame_bytes as u16).to_le_bytes());
    body.extend_from_slice(&(encoding.bits() as u16).to_le_bytes());
    if !extensible && encoding.float() {
        // What is not plain PCM states the size of its extension: none (Microsoft, 1994).
        body.extend_from_slice(&0u16.to_le_bytes());
    }
    if extensible {
        body.extend_from_slice(&22u16.to_le_bytes());
        body.extend_from_slice(&(encoding.bits() as u16).to_le_bytes());
        body.extend_from_slice(&speakers(channels).to_le_bytes());
        body.extend_from_slice(&tag.to_le_bytes());
        body.extend_from_slice(b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71");
    }
    body
}

/// EBU Tech 3285 version 2: fixed fields, then the coding history. The UMID is zero: it would be a random number.
fn bext_chunk(info: &Bext) -> Vec<u8> {
    let mut body = Vec::with_capacity(602 + info.coding_history.len() + 2);
    let mut text = |text: &str, width: usize| {
        let ascii: Vec<u8> = text
            .chars()
            .map(|letter| if (' '..='~').contains(&letter) { letter as u8 } else { b'?' })
            .take(width)
            .collect();
        let padding = width - ascii.len();
        body.extend(ascii);
        body.extend(std::iter::repeat_n(0, padding));
    };
    text(&info.description, 256);
    text(&info.originator, 32);
    text(&info.originator_reference, 32);
    text(&info.origination_date, 10);
    text(&info.origination_time, 8);
    body.extend_from_slice(&info.time_reference.to_le_bytes());
    body.extend_from_slice(&2u16.to_le_bytes());
    body.extend_from_slice(&[0; 64]);
    body.extend_from_slice(&hundredths(&info.loudness.unwrap_or_default()));
    body.extend_from_slice(&[0; 180]);
    if !info.coding_history.is_empty() {
        body.extend(info.coding_history.bytes().filter(u8::is_ascii));
        if !info.coding_history.ends_with('\n') {
            body.extend_from_slice(b"\r\n");
        }
    }
    body
}

/// The five levels in hundredths; what is not finite is 0x7FFF, "not stated" (EBU Tech 3285, 2.3).
fn hundredths(levels: &Loudness) -> [u8; 10] {
    let mut bytes = [0; 10];
    let levels = [
        levels.integrated_lufs,
        levels.range_lu,
        levels.max_true_peak_dbtp,
        levels.max_momentary_lufs,
        levels.max_short_term_lufs,
    ];
    for (bytes, level) in bytes.chunks_exact_mut(2).zip(levels) {
        let value = level
            .filter(|level| level.is_finite())
            .map_or(0x7FFF, |level| (level * 100.0).round().clamp(-9_999.0, 9_999.0) as i16);
        bytes.copy_from_slice(&value.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_file_past_the_limit_becomes_rf64_with_its_true_sizes() {
        let mut writer =
            WavWriter::new(Cursor::new(Vec::new()), Encoding::Wav24, 48_000, 2, None).expect("memory");
        writer.riff_bytes_max = 1_000;
        writer.write(&Block::new(2, 500)).expect("memory");
        let bytes = writer.finish().expect("memory").into_inner();
        assert_eq!(&bytes[..4], b"RF64");
        assert_eq!(&bytes[12..16], b"ds64");
        assert_eq!(
            u64::from_le_bytes(bytes[20..28].try_into().expect("eight bytes")),
            bytes.len() as u64 - 8
        );
        assert_eq!(u64::from_le_bytes(bytes[28..36].try_into().expect("eight bytes")), 3_000);
        assert_eq!(u64::from_le_bytes(bytes[36..44].try_into().expect("eight bytes")), 500);
    }

    #[test]
    fn the_bext_chunk_has_the_size_and_places_of_the_standard() {
        let loudness = Loudness {
            integrated_lufs: Some(-14.02),
            max_true_peak_dbtp: Some(f64::NEG_INFINITY),
            ..Loudness::default()
        };
        let body = bext_chunk(&Bext { loudness: Some(loudness), ..Bext::default() });
        assert_eq!(body.len(), 602);
        assert_eq!(i16::from_le_bytes([body[412], body[413]]), -1_402);
        assert_eq!(i16::from_le_bytes([body[416], body[417]]), 0x7FFF);
    }

    #[test]
    fn every_stated_layout_has_a_loudspeaker_for_each_channel() {
        for channels in 3..=12 {
            assert_eq!(speakers(channels).count_ones() as usize, channels);
        }
    }
}
