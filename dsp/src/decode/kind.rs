//! Which container a file is, from its bytes alone. Kinds that are known but not read are refused by name.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::DspError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Riff,
    Aiff,
    /// By the container's name as in `Spec`.
    Coded(&'static str),
}

/// ID3v2 tags may stand before any stream, one after another. More than this is no music file.
const MAX_TAGS: usize = 8;
/// How far behind its start (or its tag) an MPEG stream may begin.
const MPEG_SEARCH_BYTES: usize = 8192;

pub(super) fn recognise<R: Read + Seek>(file: &mut R, path: &Path) -> Result<Kind, DspError> {
    let mut start = 0u64;
    for _ in 0..MAX_TAGS {
        let head = read_at(file, start, MPEG_SEARCH_BYTES, path)?;
        if let Some(tag_bytes) = id3v2_bytes(&head) {
            start += tag_bytes;
            continue;
        }
        file.seek(SeekFrom::Start(0)).map_err(|e| DspError::open(path, e))?;
        let kind = by_signature(&head, path)?;
        // A tag before RIFF or FORM belongs to no such file: our chunk walkers start at byte 0.
        return match kind {
            Some(Kind::Riff | Kind::Aiff) if start > 0 => {
                Err(DspError::not_audio(path, "a tag stands before the header"))
            }
            Some(kind) => Ok(kind),
            None => mpeg(&head).map(Kind::Coded).ok_or_else(|| {
                DspError::not_audio(path, "its first bytes are those of no sound format that is known here")
            }),
        };
    }
    Err(DspError::hostile(path, "it has tag after tag and no sound"))
}

fn read_at<R: Read + Seek>(file: &mut R, at: u64, len: usize, path: &Path) -> Result<Vec<u8>, DspError> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(at)).map_err(|e| DspError::open(path, e))?;
    file.by_ref().take(len as u64).read_to_end(&mut head).map_err(|e| DspError::open(path, e))?;
    Ok(head)
}

fn id3v2_bytes(head: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', major, _, flags, a, b, c, d] = *head.first_chunk::<10>()? else { return None };
    if major == 0xff || [a, b, c, d].iter().any(|byte| byte & 0x80 != 0) {
        return None;
    }
    let body = [a, b, c, d].iter().fold(0u64, |sum, byte| sum << 7 | u64::from(*byte));
    let footer = if flags & 0x10 != 0 { 10 } else { 0 };
    Some(10 + body + footer)
}

fn by_signature(head: &[u8], path: &Path) -> Result<Option<Kind>, DspError> {
    let at = |from: usize, len: usize| head.get(from..from + len).unwrap_or_default();
    let refuse = |name: &str| Err(DspError::unsupported(path, name));
    match at(0, 4) {
        b"RIFF" | b"RF64" | b"BW64" if at(8, 4) == b"WAVE" => return Ok(Some(Kind::Riff)),
        b"RIFF" if head.len() >= 12 => return refuse("a RIFF file that is not WAVE"),
        b"RIFX" => return refuse("RIFX, WAVE with its bytes swapped"),
        b"FORM" if matches!(at(8, 4), b"AIFF" | b"AIFC") => return Ok(Some(Kind::Aiff)),
        b"fLaC" => return Ok(Some(Kind::Coded("flac"))),
        b"OggS" => return Ok(Some(Kind::Coded("ogg"))),
        b"caff" => return refuse("CAF. Export it as WAV, AIFF or FLAC"),
        b"riff" => return refuse("Wave64. Export it as RF64 or WAV"),
        b"wvpk" => return refuse("WavPack. Export it as WAV or FLAC"),
        b"MAC " => return refuse("Monkey's Audio. Export it as WAV or FLAC"),
        b"\x1a\x45\xdf\xa3" => return refuse("Matroska or WebM. Export its sound as WAV or FLAC"),
        b".snd" => return refuse("AU. Export it as WAV or AIFF"),
        b"\x30\x26\xb2\x75" => return refuse("Windows Media. Export it as WAV or FLAC"),
        b"DSD " | b"FRM8" => return refuse("DSD. Export it as PCM"),
        _ => {}
    }
    Ok((at(4, 4) == b"ftyp").then_some(Kind::Coded("mp4")))
}

/// An MPEG stream has no signature, only frame headers: two in a row, at the distance that the first one says.
fn mpeg(head: &[u8]) -> Option<&'static str> {
    (0..head.len().saturating_sub(4)).find_map(|at| {
        let (name, bytes) = mpeg_frame(&head[at..])?;
        match head.get(at + bytes..) {
            // The whole file may be one frame.
            Some([]) => Some(name),
            Some(next) if mpeg_frame(next).is_some_and(|(other, _)| other == name) => Some(name),
            _ => None,
        }
    })
}

/// The length of a frame from its header (ISO 11172-3 2.4.1.3, 13818-3, 13818-7 6.2).
fn mpeg_frame(head: &[u8]) -> Option<(&'static str, usize)> {
    let [a, b, c, d, ..] = *head else { return None };
    if a != 0xff || b & 0xe0 != 0xe0 {
        return None;
    }
    if b & 0xf6 == 0xf0 {
        let e = *head.get(4)?;
        let f = *head.get(5)?;
        let bytes = usize::from(d & 0x03) << 11 | usize::from(e) << 3 | usize::from(f) >> 5;
        return (bytes > 7 && (c >> 2) & 0x0f < 13).then_some(("adts", bytes));
    }
    let (slots, rate) = packet_slots(b, c)?;
    Some(("mp3", slots / rate + usize::from((c >> 1) & 1)))
}

/// Bytes of a Layer III packet without padding, as a fraction, from the second and third byte of its header.
pub(super) fn packet_slots(b: u8, c: u8) -> Option<(usize, usize)> {
    const RATES_HZ: [usize; 3] = [44_100, 48_000, 32_000];
    const V1_KBPS: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const V2_KBPS: [usize; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let version = (b >> 3) & 0x03;
    let layer_3 = (b >> 1) & 0x03 == 1;
    let rate = *RATES_HZ.get(usize::from((c >> 2) & 0x03))?;
    let kbps_at = usize::from(c >> 4);
    if version == 1 || !layer_3 || kbps_at == 0 || kbps_at == 15 {
        return None;
    }
    let (kbps, rate, slots) = match version {
        3 => (V1_KBPS[kbps_at], rate, 144),
        2 => (V2_KBPS[kbps_at], rate / 2, 72),
        _ => (V2_KBPS[kbps_at], rate / 4, 72),
    };
    Some((slots * kbps * 1000, rate))
}
