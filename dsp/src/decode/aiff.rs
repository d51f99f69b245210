//! AIFF and AIFF-C with uncompressed samples (Apple, AIFF 1.3 and AIFF-C draft 1991). Big-endian chunks; compressed ones are refused by name.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::metadata::{Metadata, filled, text};
use super::pcm::{Coding, Layout, PcmReader};
use super::{Body, Bytes, Opened, check_limits, seconds};
use crate::{DspError, Spec};

const MAX_METADATA_BYTES: u64 = 1 << 20;
const MAX_CHUNKS: usize = 4096;

struct Common {
    channels: usize,
    frames: u64,
    bits: u32,
    sample_rate: u32,
    coding: Coding,
    big_endian: bool,
}

pub(super) fn open(file: Box<dyn Bytes>, file_bytes: u64, path: &Path) -> Result<Opened, DspError> {
    let mut file = BufReader::new(file);
    let mut common = None;
    let mut sound = None;
    let mut metadata = Metadata::default();
    let mut at = 12u64;
    let mut chunks = 0;
    while at + 8 <= file_bytes {
        chunks += 1;
        if chunks > MAX_CHUNKS {
            return Err(DspError::hostile(path, format!("it has more than {MAX_CHUNKS} chunks")));
        }
        let head = bytes_at(&mut file, at, 8, path)?;
        let size = u64::from(be_u32(&head, 4));
        let start = at + 8;
        let held = size.min(file_bytes - start).min(MAX_METADATA_BYTES);
        match &head[..4] {
            b"COMM" => common = Some(read_common(&bytes_at(&mut file, start, held, path)?, path)?),
            b"SSND" if held >= 8 => {
                let offset = u64::from(be_u32(&bytes_at(&mut file, start, 8, path)?, 0));
                sound = Some((start + 8 + offset, (file_bytes - start).min(size).saturating_sub(8 + offset)));
            }
            b"NAME" => metadata.title = filled(text(&bytes_at(&mut file, start, held, path)?)),
            b"AUTH" => metadata.artist = filled(text(&bytes_at(&mut file, start, held, path)?)),
            b"ANNO" => metadata.comment = filled(text(&bytes_at(&mut file, start, held, path)?)),
            _ => {}
        }
        at = start + size + size % 2;
    }
    let common: Common = common.ok_or_else(|| DspError::not_audio(path, "it has no COMM chunk"))?;
    let (start, held) = match sound {
        Some(sound) => sound,
        None if common.frames == 0 => (file_bytes, 0),
        None => return Err(DspError::not_audio(path, "it has no SSND chunk")),
    };
    let step = (common.coding.bytes() * common.channels) as u64;
    if common.frames * step > held {
        return Err(DspError::damaged(
            path,
            seconds(held / step, common.sample_rate),
            format!(
                "its header promises {} frames of sound, it holds {}. It was cut off",
                common.frames,
                held / step
            ),
        ));
    }
    let spec = Spec {
        sample_rate: common.sample_rate,
        channels: common.channels,
        bits: Some(common.bits),
        float: common.coding.is_float(),
        frames: Some(common.frames),
        container: "aiff",
        codec: "pcm",
    };
    let layout =
        Layout { coding: common.coding, big_endian: common.big_endian, start, frames: common.frames };
    let reader = PcmReader::new(file.into_inner(), layout, path)?;
    Ok(Opened { spec, metadata, body: Body::Pcm(reader) })
}

fn bytes_at(
    file: &mut BufReader<Box<dyn Bytes>>,
    at: u64,
    len: u64,
    path: &Path,
) -> Result<Vec<u8>, DspError> {
    let mut bytes = vec![0; len as usize];
    file.seek(SeekFrom::Start(at))
        .and_then(|_| file.read_exact(&mut bytes))
        .map_err(|_| DspError::not_audio(path, "its header is cut off"))?;
    Ok(bytes)
}

fn be_u32(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

fn read_common(body: &[u8], path: &Path) -> Result<Common, DspError> {
    if body.len() < 18 {
        return Err(DspError::not_audio(path, "its COMM chunk is too short"));
    }
    let channels = usize::from(u16::from_be_bytes([body[0], body[1]]));
    let bits = u32::from(u16::from_be_bytes([body[6], body[7]]));
    let sample_rate = check_limits(path, extended(&body[8..18]), channels)?;
    let integer = Coding::integer(bits, Coding::S8);
    let (coding, big_endian) = match body.get(18..22) {
        None | Some(b"NONE" | b"twos") => (integer, true),
        Some(b"sowt") => (integer, false),
        Some(b"in24") => (Some(Coding::S24), true),
        Some(b"in32") => (Some(Coding::S32), true),
        Some(b"fl32" | b"FL32") => (Some(Coding::F32), true),
        Some(b"fl64" | b"FL64") => (Some(Coding::F64), true),
        Some(other) => {
            return Err(DspError::unsupported(path, format!("AIFF-C coded as {}", text(other))));
        }
    };
    let coding =
        coding.ok_or_else(|| DspError::unsupported(path, format!("AIFF with samples of {bits} bits")))?;
    // Some writers of float AIFF-C state other bits than the samples have.
    let bits = match coding {
        Coding::F32 | Coding::F64 => coding.bytes() as u32 * 8,
        _ => bits,
    };
    Ok(Common { channels, frames: u64::from(be_u32(body, 2)), bits, sample_rate, coding, big_endian })
}

/// An 80-bit IEEE 754 extended number: sign and 15 bits of exponent, then a mantissa with its leading 1 written out.
fn extended(bytes: &[u8]) -> f64 {
    let exponent = i32::from(u16::from_be_bytes([bytes[0], bytes[1]]) & 0x7fff) - 16_383 - 63;
    let mantissa = bytes[2..10].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    let size = mantissa as f64 * 2f64.powi(exponent);
    if bytes[0] & 0x80 != 0 { -size } else { size }
}
