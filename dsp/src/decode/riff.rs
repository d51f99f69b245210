//! WAV, BWF and RF64/BW64: a walk over the chunks, then exact PCM. Sources: Microsoft RIFF/WAVE (1991, 1994), EBU Tech 3285 (BWF), EBU Tech 3306 (RF64).
//! Never here: anything that trusts a size before the file was found to hold it.

use std::{
    fs::File,
    io::{BufReader, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use super::{check_claims, read_up_to};
use crate::{Block, DspError, Spec};

const FORMAT_PCM: u16 = 1;
const FORMAT_FLOAT: u16 = 3;
const FORMAT_EXTENSIBLE: u16 = 0xFFFE;
/// Chunks before the sound; a real file has a dozen.
const CHUNKS_MAX: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Sample {
    U8,
    I16,
    I24,
    I32,
    F32,
    F64,
}

impl Sample {
    fn bytes(self) -> usize {
        match self {
            Sample::U8 => 1,
            Sample::I16 => 2,
            Sample::I24 => 3,
            Sample::I32 | Sample::F32 => 4,
            Sample::F64 => 8,
        }
    }

    /// Integers become x / 2^(bits-1), exactly.
    fn value(self, bytes: &[u8]) -> f64 {
        match (self, bytes) {
            (Sample::U8, [a, ..]) => (f64::from(*a) - 128.0) / 128.0,
            (Sample::I16, [a, b, ..]) => f64::from(i16::from_le_bytes([*a, *b])) / 32_768.0,
            (Sample::I24, [a, b, c, ..]) => f64::from(i32::from_le_bytes([0, *a, *b, *c]) >> 8) / 8_388_608.0,
            (Sample::I32, [a, b, c, d, ..]) => {
                f64::from(i32::from_le_bytes([*a, *b, *c, *d])) / 2_147_483_648.0
            }
            (Sample::F32, [a, b, c, d, ..]) => f64::from(f32::from_le_bytes([*a, *b, *c, *d])),
            (Sample::F64, [a, b, c, d, e, f, g, h]) => f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
            _ => 0.0,
        }
    }
}

pub(super) struct RiffReader {
    file: BufReader<File>,
    spec: Spec,
    sample: Sample,
    bytes_left: u64,
    /// The header promised more than the file holds.
    truncated: bool,
    raw: Vec<u8>,
}

/// What the `fmt ` chunk says.
struct Format {
    tag: u16,
    channels: usize,
    sample_rate: u32,
    block_align: usize,
    bits: u16,
}

impl RiffReader {
    pub(super) fn open(path: &Path, file: File, file_bytes: u64) -> Result<RiffReader, DspError> {
        let mut file = BufReader::with_capacity(1 << 16, file);
        let walk = Walk { path, file: &mut file, file_bytes };
        let found = walk.run()?;
        let (format, container) = (found.format, found.container);
        check_claims(path, format.sample_rate, format.channels)?;
        let sample = sample_of(path, &format)?;
        let frame_bytes = (sample.bytes() * format.channels) as u64;
        if format.block_align as u64 != frame_bytes {
            let what = format!("frames of {} bytes, where {frame_bytes} are needed", format.block_align);
            return Err(DspError::Hostile { path: path.to_owned(), what });
        }
        // A program that streams writes 0 or the largest size and never comes back to correct it: read to the end of the file.
        let here = file_bytes.saturating_sub(found.data_start);
        let open_ended =
            found.data_bytes == 0 || (found.data_bytes >= u64::from(u32::MAX) - 0xFFFF && container == "wav");
        let stated = if open_ended { here } else { found.data_bytes };
        if stated > here && stated - here > file_bytes.max(1 << 20) {
            let what = format!("{stated} bytes of sound in a file of {file_bytes} bytes");
            return Err(DspError::Hostile { path: path.to_owned(), what });
        }
        let bytes = stated.min(here) / frame_bytes * frame_bytes;
        file.seek(SeekFrom::Start(found.data_start))
            .map_err(|source| DspError::Open { path: path.to_owned(), source })?;
        let float = matches!(sample, Sample::F32 | Sample::F64);
        let spec = Spec {
            sample_rate: format.sample_rate,
            channels: format.channels,
            bits: Some(u32::from(format.bits)),
            float,
            frames: Some(bytes / frame_bytes),
            container,
            codec: "pcm",
        };
        Ok(RiffReader { file, spec, sample, bytes_left: bytes, truncated: stated > here, raw: Vec::new() })
    }

    pub(super) fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(super) fn read(&mut self, block: &mut Block, frames_max: usize) -> Result<usize, String> {
        let frame_bytes = self.sample.bytes() * self.spec.channels;
        let want = (self.bytes_left.min((frames_max * frame_bytes) as u64)) as usize;
        if want == 0 {
            if self.truncated {
                return Err("the file ends before its header says so: it was cut off".into());
            }
            return Ok(0);
        }
        self.raw.resize(want, 0);
        self.file.read_exact(&mut self.raw).map_err(|error| error.to_string())?;
        self.bytes_left -= want as u64;
        let frames = want / frame_bytes;
        let width = self.sample.bytes();
        for (index, channel) in block.channels.iter_mut().enumerate() {
            let samples =
                self.raw.chunks_exact(frame_bytes).map(|frame| &frame[index * width..(index + 1) * width]);
            channel.extend(samples.map(|bytes| self.sample.value(bytes)));
        }
        Ok(frames)
    }
}

fn sample_of(path: &Path, format: &Format) -> Result<Sample, DspError> {
    Ok(match (format.tag, format.bits) {
        (FORMAT_PCM, 8) => Sample::U8,
        (FORMAT_PCM, 16) => Sample::I16,
        (FORMAT_PCM, 24) => Sample::I24,
        (FORMAT_PCM, 32) => Sample::I32,
        (FORMAT_FLOAT, 32) => Sample::F32,
        (FORMAT_FLOAT, 64) => Sample::F64,
        (FORMAT_PCM, bits) => {
            let what = format!("PCM of {bits} bits; 8, 16, 24 and 32 are read");
            return Err(DspError::Unsupported { path: path.to_owned(), what });
        }
        (tag, _) => {
            let what = format!("a WAV file with codec {tag:#06x}; PCM and float are read");
            return Err(DspError::Unsupported { path: path.to_owned(), what });
        }
    })
}

struct Found {
    format: Format,
    container: &'static str,
    data_start: u64,
    data_bytes: u64,
}

/// From the first chunk to `data`, leaping over what is not needed.
struct Walk<'a> {
    path: &'a Path,
    file: &'a mut BufReader<File>,
    file_bytes: u64,
}

impl Walk<'_> {
    fn run(mut self) -> Result<Found, DspError> {
        let head: [u8; 12] = self.bytes(0)?;
        if &head[8..] != b"WAVE" {
            return Err(self.not_audio("a RIFF file that is not WAVE"));
        }
        let large = &head[..4] != b"RIFF";
        let (mut at, mut format, mut data64) = (12u64, None, None);
        for _ in 0..CHUNKS_MAX {
            if at + 8 > self.file_bytes {
                let what = if format.is_none() {
                    "it has no fmt chunk"
                } else {
                    "it has no data chunk: the file was cut off"
                };
                return Err(self.not_audio(what));
            }
            let head: [u8; 8] = self.bytes(at)?;
            let size = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
            let body = at + 8;
            match &head[..4] {
                b"ds64" if large => data64 = Some(u64::from_le_bytes(self.bytes(body + 8)?)),
                b"fmt " => format = Some(self.format(body, size)?),
                b"data" => {
                    let Some(format) = format else {
                        return Err(self.not_audio("its sound comes before its format"));
                    };
                    let data_bytes = match data64 {
                        Some(bytes) if size == u64::from(u32::MAX) => bytes,
                        _ => size,
                    };
                    return Ok(Found {
                        format,
                        container: if large { "rf64" } else { "wav" },
                        data_start: body,
                        data_bytes,
                    });
                }
                _ => {}
            }
            // Chunks are padded to even sizes.
            at = body + size + size % 2;
        }
        Err(self.not_audio("more chunks than any real file has"))
    }

    fn format(&mut self, at: u64, size: u64) -> Result<Format, DspError> {
        if size < 16 {
            return Err(self.not_audio("its fmt chunk is too short"));
        }
        let raw: [u8; 16] = self.bytes(at)?;
        let word = |n: usize| u16::from_le_bytes([raw[n], raw[n + 1]]);
        let mut format = Format {
            tag: word(0),
            channels: usize::from(word(2)),
            sample_rate: u32::from_le_bytes([raw[4], raw[5], raw[6], raw[7]]),
            block_align: usize::from(word(12)),
            bits: word(14),
        };
        if format.tag == FORMAT_EXTENSIBLE {
            if size < 40 {
                return Err(self.not_audio("its extensible format is too short"));
            }
            let guid: [u8; 2] = self.bytes(at + 24)?;
            format.tag = u16::from_le_bytes(guid);
        }
        Ok(format)
    }

    fn bytes<const N: usize>(&mut self, at: u64) -> Result<[u8; N], DspError> {
        let mut raw = [0u8; N];
        let got = self.file.seek(SeekFrom::Start(at)).and_then(|_| read_up_to(self.file, &mut raw));
        match got {
            Ok(n) if n == N => Ok(raw),
            Ok(_) => Err(self.not_audio("it ends inside its header")),
            Err(source) => Err(DspError::Open { path: self.path.to_owned(), source }),
        }
    }

    fn not_audio(&self, what: &str) -> DspError {
        DspError::NotAudio { path: self.path.to_owned(), what: what.to_owned() }
    }
}
