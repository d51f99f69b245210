//! WAV, RF64 and BW64: a walk over the chunks of EBU Tech 3306 and ITU-R BS.2088. The sound is PCM or float; every other
//! coding is refused by its tag. Chunks of metadata are kept, unknown ones stepped over.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::metadata::{Bext, Cue, Loudness, Metadata, clean, filled, text};
use super::pcm::{Coding, Layout, PcmReader};
use super::{Body, Bytes, Opened, check_limits, seconds};
use crate::{DspError, Spec};

/// A chunk of metadata beyond this is stepped over.
const MAX_METADATA_BYTES: u64 = 1 << 20;
const MAX_CHUNKS: usize = 4096;
/// What a writer into a pipe leaves where the size should stand.
const UNKNOWN: u32 = u32::MAX;
/// The same, as sox leaves it.
const UNKNOWN_SOX: u32 = 0x7fff_f000;

#[derive(Clone, Copy)]
struct Format {
    coding: Coding,
    valid_bits: u32,
    channels: usize,
    sample_rate: u32,
}

/// The 64-bit sizes of an RF64 file.
struct Ds64 {
    data_bytes: u64,
    /// Sizes of other chunks that are beyond 4 GiB.
    table: Vec<([u8; 4], u64)>,
}

struct Walk<'a> {
    file: BufReader<Box<dyn Bytes>>,
    file_bytes: u64,
    path: &'a Path,
    riff_bytes: u32,
    rf64: bool,
    ds64: Option<Ds64>,
    format: Option<Format>,
    /// Start and length of the samples.
    data: Option<(u64, u64)>,
    metadata: Metadata,
    labels: Vec<(u32, String)>,
}

pub(super) fn open(file: Box<dyn Bytes>, file_bytes: u64, path: &Path) -> Result<Opened, DspError> {
    let mut walk = Walk {
        file: BufReader::new(file),
        file_bytes,
        path,
        riff_bytes: 0,
        rf64: false,
        ds64: None,
        format: None,
        data: None,
        metadata: Metadata::default(),
        labels: Vec::new(),
    };
    walk.run()?;
    let format = walk.format.ok_or_else(|| DspError::not_audio(path, "it has no format chunk"))?;
    let (start, bytes) = walk.data.ok_or_else(|| DspError::not_audio(path, "it has no data chunk"))?;
    let step = (format.coding.bytes() * format.channels) as u64;
    let held = file_bytes.saturating_sub(start);
    if bytes > held {
        return Err(DspError::damaged(
            path,
            seconds(held / step, format.sample_rate),
            format!("its header promises {bytes} bytes of sound, it holds {held}. It was cut off"),
        ));
    }
    let frames = bytes / step;
    let spec = Spec {
        sample_rate: format.sample_rate,
        channels: format.channels,
        bits: Some(format.valid_bits),
        float: format.coding.is_float(),
        frames: Some(frames),
        container: if walk.rf64 { "rf64" } else { "wav" },
        codec: "pcm",
    };
    for cue in &mut walk.metadata.cues {
        cue.label = walk.labels.iter().find(|(id, _)| *id == cue.id).map(|(_, words)| words.clone());
    }
    let layout = Layout { coding: format.coding, big_endian: false, start, frames };
    let reader = PcmReader::new(walk.file.into_inner(), layout, path)?;
    Ok(Opened { spec, metadata: walk.metadata, body: Body::Pcm(reader) })
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), DspError> {
        let head: [u8; 12] = self.bytes_at(0)?;
        self.rf64 = &head[..4] != b"RIFF";
        self.riff_bytes = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let mut at = 12u64;
        for _ in 0..MAX_CHUNKS {
            if at + 8 > self.file_bytes {
                return Ok(());
            }
            let head: [u8; 8] = self.bytes_at(at)?;
            let [a, b, c, d, size @ ..] = head;
            let id = [a, b, c, d];
            let start = at + 8;
            let size = self.size_of(id, u32::from_le_bytes(size), start);
            if &id == b"data" {
                // A second data chunk is not sound of this file.
                self.data.get_or_insert((start, size));
            } else if size <= self.file_bytes - start {
                self.take(id, start, size)?;
            }
            let Some(end) = start.checked_add(size).filter(|end| *end < self.file_bytes) else {
                return Ok(());
            };
            at = end + self.padding(end, size)?;
        }
        Err(DspError::hostile(self.path, format!("it has more than {MAX_CHUNKS} chunks")))
    }

    /// The size of a chunk: of the ds64 table where it says so, the rest of the file where its writer did not know.
    fn size_of(&self, id: [u8; 4], stated: u32, start: u64) -> u64 {
        let rest = self.file_bytes - start;
        if let Some(ds64) = &self.ds64
            && stated == UNKNOWN
        {
            let listed = ds64.table.iter().find(|(name, _)| *name == id).map(|(_, bytes)| *bytes);
            let bytes = if &id == b"data" { Some(ds64.data_bytes) } else { listed };
            return match bytes {
                Some(0 | u64::MAX) | None => rest,
                Some(bytes) => bytes,
            };
        }
        let header_only = u64::from(self.riff_bytes) + 8 <= start;
        let unknown = match stated {
            UNKNOWN => true,
            UNKNOWN_SOX => u64::from(stated) > rest,
            0 => self.riff_bytes == UNKNOWN || header_only,
            _ => false,
        };
        if &id == b"data" && unknown { rest } else { u64::from(stated) }
    }

    /// Chunks stand on even bytes, but some writers forget the pad byte behind an odd one: then a letter stands there.
    fn padding(&mut self, end: u64, size: u64) -> Result<u64, DspError> {
        if size.is_multiple_of(2) {
            return Ok(0);
        }
        let [next] = self.bytes_at(end)?;
        Ok(if next.is_ascii_alphabetic() { 0 } else { 1 })
    }

    fn bytes_at<const N: usize>(&mut self, at: u64) -> Result<[u8; N], DspError> {
        let mut bytes = [0; N];
        self.file
            .seek(SeekFrom::Start(at))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|_| DspError::not_audio(self.path, "its header is cut off"))?;
        Ok(bytes)
    }

    fn body(&mut self, start: u64, size: u64) -> Result<Vec<u8>, DspError> {
        let mut bytes = vec![0; size.min(MAX_METADATA_BYTES) as usize];
        self.file
            .seek(SeekFrom::Start(start))
            .and_then(|_| self.file.read_exact(&mut bytes))
            .map_err(|e| DspError::open(self.path, e))?;
        Ok(bytes)
    }

    fn take(&mut self, id: [u8; 4], start: u64, size: u64) -> Result<(), DspError> {
        let wanted = matches!(&id, b"fmt " | b"ds64" | b"bext" | b"iXML" | b"LIST" | b"cue ");
        if !wanted || (size > MAX_METADATA_BYTES && &id != b"fmt ") {
            return Ok(());
        }
        let body = self.body(start, size)?;
        match &id {
            b"fmt " if self.format.is_none() => self.format = Some(format(&body, self.path)?),
            b"ds64" if self.rf64 => self.ds64 = ds64(&body),
            b"bext" => self.metadata.bext = bext(&body),
            b"iXML" => self.metadata.ixml = filled(clean(&String::from_utf8_lossy(&body))),
            b"LIST" => self.list(&body),
            b"cue " => self.metadata.cues = cues(&body),
            _ => {}
        }
        Ok(())
    }

    fn list(&mut self, body: &[u8]) {
        let (kind, chunks) = body.split_at(body.len().min(4));
        for (id, value) in sub_chunks(chunks) {
            let words = || filled(text(value));
            match (kind, &id) {
                (b"INFO", b"INAM") => self.metadata.title = words(),
                (b"INFO", b"IART") => self.metadata.artist = words(),
                (b"INFO", b"IPRD") => self.metadata.album = words(),
                (b"INFO", b"ICMT") => self.metadata.comment = words(),
                (b"INFO", b"ISRC") => self.metadata.isrc = words(),
                (b"adtl", b"labl") if value.len() > 4 => {
                    let id = u32::from_le_bytes([value[0], value[1], value[2], value[3]]);
                    self.labels.push((id, text(&value[4..])));
                }
                _ => {}
            }
        }
    }
}

fn sub_chunks(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let ([a, b, c, d, size @ ..], rest) = bytes.split_first_chunk::<8>()?;
        let size = (u32::from_le_bytes(*size) as usize).min(rest.len());
        bytes = rest.get(size + size % 2..).unwrap_or_default();
        Some(([*a, *b, *c, *d], &rest[..size]))
    })
}

fn format(body: &[u8], path: &Path) -> Result<Format, DspError> {
    let word = |at: usize| body.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]]));
    let short = || DspError::not_audio(path, "its format chunk is too short");
    let rate = body.get(4..8).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).ok_or_else(short)?;
    let channels = usize::from(word(2).ok_or_else(short)?);
    let block_bytes = usize::from(word(12).ok_or_else(short)?);
    let bits = u32::from(word(14).ok_or_else(short)?);
    let mut tag = word(0).ok_or_else(short)?;
    let mut valid_bits = bits;
    if tag == 0xfffe {
        // WAVE_FORMAT_EXTENSIBLE: the real tag opens the GUID of the sub-format.
        tag = word(24).ok_or_else(short)?;
        valid_bits = word(18).map(u32::from).filter(|valid| (1..=bits).contains(valid)).unwrap_or(bits);
    }
    let sample_rate = check_limits(path, f64::from(rate), channels)?;
    let coding = match (tag, bits) {
        (1, _) => Coding::integer(bits, Coding::U8),
        (3, 32) => Some(Coding::F32),
        (3, 64) => Some(Coding::F64),
        (3, _) => None,
        _ => return Err(DspError::unsupported(path, format!("WAV coded as {}", coding_name(tag)))),
    };
    let coding =
        coding.ok_or_else(|| DspError::unsupported(path, format!("WAV with samples of {bits} bits")))?;
    if block_bytes != coding.bytes() * channels {
        return Err(DspError::unsupported(
            path,
            format!("WAV with {channels} samples of {bits} bits in frames of {block_bytes} bytes"),
        ));
    }
    Ok(Format { coding, valid_bits, channels, sample_rate })
}

fn coding_name(tag: u16) -> String {
    match tag {
        0x0002 => "Microsoft ADPCM".into(),
        0x0006 => "A-law".into(),
        0x0007 => "mu-law".into(),
        0x0011 => "IMA ADPCM".into(),
        0x0055 => "MP3. Send the MP3 itself".into(),
        0x2000 => "AC-3".into(),
        other => format!("format 0x{other:04x}"),
    }
}

fn ds64(body: &[u8]) -> Option<Ds64> {
    let long = |at: usize| body.get(at..at + 8).map(le_u64);
    let data_bytes = long(8)?;
    let table = body.get(28..).unwrap_or_default();
    let table = table.chunks_exact(12).map(|row| ([row[0], row[1], row[2], row[3]], le_u64(&row[4..])));
    Some(Ds64 { data_bytes, table: table.collect() })
}

fn le_u64(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// EBU Tech 3285, the fixed part of the chunk.
fn bext(body: &[u8]) -> Option<Bext> {
    let field = |at: usize, len: usize| body.get(at..at + len).map(text);
    let version = body.get(346..348).map(|b| u16::from_le_bytes([b[0], b[1]]))?;
    let level = |at: usize| {
        let value = body.get(at..at + 2).map(|b| i16::from_le_bytes([b[0], b[1]]))?;
        (value != i16::MAX).then(|| f64::from(value) / 100.0)
    };
    let loudness = Loudness {
        integrated_lufs: level(412),
        range_lu: level(414),
        max_true_peak_dbtp: level(416),
        max_momentary_lufs: level(418),
        max_short_term_lufs: level(420),
    };
    Some(Bext {
        description: field(0, 256)?,
        originator: field(256, 32)?,
        originator_reference: field(288, 32)?,
        origination_date: field(320, 10)?,
        origination_time: field(330, 8)?,
        time_reference: body.get(338..346).map(le_u64)?,
        loudness: (version >= 2).then_some(loudness),
        coding_history: body.get(602..).map(text).unwrap_or_default(),
    })
}

fn cues(body: &[u8]) -> Vec<Cue> {
    let points = body.get(4..).unwrap_or_default().chunks_exact(24);
    let number = |row: &[u8], at: usize| u32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]]);
    points
        .map(|row| Cue { id: number(row, 0), frame: u64::from(number(row, 20)), label: None })
        .take(MAX_CHUNKS)
        .collect()
}
