//! WAV with room for more: a JUNK chunk is reserved at the start and becomes `ds64` where the file passes 4 GiB (EBU Tech 3306, RF64); a `bext` chunk
//! of version 2 carries loudness (EBU Tech 3285). Sizes are set at the end, so the length need not be known before.

use std::io::{self, Seek, SeekFrom, Write};

use super::{Encoding, quantise};
use crate::Block;

/// The fields of a Broadcast Wave. Loudness in LUFS, LU and dBTP; a value that is not finite is left unset, as the standard asks (0x7FFF).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BextInfo {
    /// At most 256 bytes of ASCII are kept.
    pub description: String,
    pub originator: String,
    /// `yyyy-mm-dd` and `hh:mm:ss`; empty by default, so that the same sound makes the same bytes.
    pub date: String,
    pub time: String,
    pub integrated_lufs: Option<f64>,
    pub loudness_range_lu: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    pub max_momentary_lufs: Option<f64>,
    pub max_short_term_lufs: Option<f64>,
    /// For example `A=PCM,F=48000,W=24,M=stereo,T=deadwax-dsp/1`.
    pub coding_history: String,
}

const DS64_BYTES: u32 = 28;
const RIFF_BYTES_MAX: u64 = u32::MAX as u64;

pub(super) struct WavWriter<W> {
    out: W,
    encoding: Encoding,
    channels: usize,
    data_bytes: u64,
    data_size_at: u64,
    /// Where the frame count of the `fact` chunk stands; only float has one.
    fact_at: Option<u64>,
    /// Past this the file becomes RF64; lowered in tests.
    riff_bytes_max: u64,
    raw: Vec<u8>,
}

impl<W: Write + Seek> WavWriter<W> {
    pub(super) fn new(
        mut out: W,
        encoding: Encoding,
        sample_rate: u32,
        channels: usize,
        bext: Option<BextInfo>,
    ) -> io::Result<Self> {
        out.write_all(b"RIFF\0\0\0\0WAVE")?;
        chunk(&mut out, b"JUNK", &[0; DS64_BYTES as usize])?;
        if let Some(bext) = &bext {
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
        Ok(WavWriter {
            out,
            encoding,
            channels,
            data_bytes: 0,
            data_size_at,
            fact_at,
            riff_bytes_max: RIFF_BYTES_MAX,
            raw: Vec::new(),
        })
    }

    pub(super) fn write(&mut self, block: &Block) -> io::Result<()> {
        self.raw.clear();
        let encoding = self.encoding;
        for frame in 0..block.frames() {
            for sample in block.channels.iter().map(|channel| channel[frame]) {
                match encoding {
                    Encoding::Wav16 => {
                        self.raw.extend_from_slice(&(quantise(sample, 16) as i16).to_le_bytes());
                    }
                    Encoding::Wav32f => self.raw.extend_from_slice(&(sample as f32).to_le_bytes()),
                    _ => self.raw.extend_from_slice(&quantise(sample, 24).to_le_bytes()[..3]),
                }
            }
        }
        self.out.write_all(&self.raw)?;
        self.data_bytes += self.raw.len() as u64;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<W> {
        if self.data_bytes % 2 == 1 {
            self.out.write_all(&[0])?;
        }
        let riff_bytes = self.out.stream_position()? - 8;
        let frames = self.data_bytes / (self.channels as u64 * u64::from(self.encoding.bits()) / 8);
        if let Some(at) = self.fact_at {
            self.patch(at, u32::try_from(frames).unwrap_or(u32::MAX))?;
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

fn chunk(out: &mut impl Write, name: &[u8; 4], body: &[u8]) -> io::Result<()> {
    out.write_all(name)?;
    out.write_all(&(body.len() as u32).to_le_bytes())?;
    out.write_all(body)?;
    if body.len() % 2 == 1 {
        out.write_all(&[0])?;
    }
    Ok(())
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
        body.extend_from_slice(&((1u32 << channels) - 1).to_le_bytes());
        body.extend_from_slice(&tag.to_le_bytes());
        body.extend_from_slice(b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xAA\x00\x38\x9B\x71");
    }
    body
}

/// EBU Tech 3285 version 2: fixed fields, then the coding history.
fn bext_chunk(info: &BextInfo) -> Vec<u8> {
    let mut body = Vec::with_capacity(602 + info.coding_history.len() + 2);
    let mut text = |text: &str, width: usize| {
        let ascii: Vec<u8> = text
            .bytes()
            .map(|byte| if (0x20..0x7F).contains(&byte) { byte } else { b'?' })
            .take(width)
            .collect();
        let padding = width - ascii.len();
        body.extend(ascii);
        body.extend(std::iter::repeat_n(0, padding));
    };
    text(&info.description, 256);
    text(&info.originator, 32);
    text("", 32);
    text(&info.date, 10);
    text(&info.time, 8);
    body.extend_from_slice(&0u64.to_le_bytes());
    body.extend_from_slice(&2u16.to_le_bytes());
    body.extend_from_slice(&[0; 64]);
    let levels = [
        info.integrated_lufs,
        info.loudness_range_lu,
        info.true_peak_dbtp,
        info.max_momentary_lufs,
        info.max_short_term_lufs,
    ];
    for level in levels {
        let hundredths = level
            .filter(|level| level.is_finite())
            .map_or(0x7FFF, |level| (level * 100.0).round().clamp(-9_999.0, 9_999.0) as i16);
        body.extend_from_slice(&hundredths.to_le_bytes());
    }
    body.extend_from_slice(&[0; 180]);
    if !info.coding_history.is_empty() {
        body.extend(info.coding_history.bytes().filter(u8::is_ascii));
        body.extend_from_slice(b"\r\n");
    }
    body
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
        let info = BextInfo {
            integrated_lufs: Some(-14.02),
            true_peak_dbtp: Some(f64::NEG_INFINITY),
            ..BextInfo::default()
        };
        let body = bext_chunk(&info);
        assert_eq!(body.len(), 602);
        assert_eq!(i16::from_le_bytes([body[412], body[413]]), -1_402);
        assert_eq!(i16::from_le_bytes([body[416], body[417]]), 0x7FFF);
    }
}
