//! How much of an MP4 track is sound, from its edit list (ISO 14496-12 8.6.6) or from the note that iTunes leaves: encoders put
//! priming before it and padding behind. Only the few boxes on the way there are read.

use std::io::{Read, Seek, SeekFrom};

/// Frames to leave out at the front, and frames to keep after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) skip: u64,
    pub(super) keep: u64,
}

/// A box of headers beyond this is not worth reading.
const MAX_BOX_BYTES: u64 = 1 << 24;

/// No encoder primes with more.
const MAX_PRIMING_FRAMES: u64 = 1 << 14;

/// The edit of the first sound track, in frames of `sample_rate`. `None` where there is neither a list of one stretch nor a note.
pub(super) fn edit<R: Read + Seek>(file: &mut R, sample_rate: u32) -> Option<Edit> {
    let moov = top_level(file, b"moov")?;
    let movie_scale = scale(child(&moov, b"mvhd")?)?;
    let track = boxes(&moov).filter(|(name, _)| name == b"trak").map(|(_, body)| body).find(|track| {
        let handler = child(track, b"mdia").and_then(|media| child(media, b"hdlr"));
        handler.and_then(|body| body.get(8..12)) == Some(b"soun")
    })?;
    let media = child(child(track, b"mdia")?, b"mdhd")?;
    let media_scale = scale(media)?;
    let frames = |ticks: u64, scale: u32| {
        let exact = u128::from(ticks) * u128::from(sample_rate);
        u64::try_from((exact + u128::from(scale) / 2) / u128::from(scale)).ok()
    };
    // The note counts in frames, the list in ticks: where the note can be true, it is the more exact.
    let coded = frames(length(media)?, media_scale)?;
    if let Some(note) =
        note(&moov).filter(|note| note.skip.saturating_add(note.keep) <= coded + MAX_PRIMING_FRAMES)
    {
        return Some(note);
    }
    let list = child(child(track, b"edts")?, b"elst")?;
    let (duration, media_time) = only_stretch(list)?;
    let (skip, stated) = (frames(media_time, media_scale)?, frames(duration, movie_scale)?);
    // The list counts in ticks of the movie, often milliseconds: where the media says the same within a tick, it says it exactly.
    let exact = coded.saturating_sub(skip);
    let tick = u64::from(sample_rate / movie_scale) + 1;
    Some(Edit { skip, keep: if exact.abs_diff(stated) <= tick { exact } else { stated } })
}

/// `iTunSMPB`, a text of hexadecimal numbers: zero, priming, padding, frames of sound, and more that does not matter here.
fn note(moov: &[u8]) -> Option<Edit> {
    let list = child(child(child(moov, b"udta")?, b"meta")?.get(4..)?, b"ilst")?;
    let item = boxes(list)
        .filter(|(name, _)| name == b"----")
        .map(|(_, body)| body)
        .find(|item| child(item, b"name").and_then(|name| name.get(4..)) == Some(b"iTunSMPB"))?;
    let text = std::str::from_utf8(child(item, b"data")?.get(8..)?).ok()?;
    let mut numbers = text.split_ascii_whitespace().skip(1).map(|word| u64::from_str_radix(word, 16).ok());
    let (skip, _, keep) = (numbers.next()??, numbers.next()??, numbers.next()??);
    (skip <= MAX_PRIMING_FRAMES && keep > 0).then_some(Edit { skip, keep })
}

fn top_level<R: Read + Seek>(file: &mut R, wanted: &[u8; 4]) -> Option<Vec<u8>> {
    let end = file.seek(SeekFrom::End(0)).ok()?;
    let mut at = 0u64;
    while at + 8 <= end {
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut head = [0; 16];
        file.read_exact(&mut head[..8]).ok()?;
        let mut bytes = be(&head[..4])?;
        let mut header = 8;
        if bytes == 1 {
            file.read_exact(&mut head[8..]).ok()?;
            bytes = be(&head[8..])?;
            header = 16;
        }
        if bytes == 0 {
            bytes = end - at;
        }
        let body_bytes = bytes.checked_sub(header)?;
        if &head[4..8] == wanted {
            if body_bytes > MAX_BOX_BYTES.min(end - at) {
                return None;
            }
            let mut body = vec![0; body_bytes as usize];
            file.read_exact(&mut body).ok()?;
            return Some(body);
        }
        at = at.checked_add(bytes)?;
    }
    None
}

fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let head = bytes.first_chunk::<8>()?;
        let size = be(&head[..4])? as usize;
        let whole = bytes.get(..size).filter(|whole| whole.len() >= 8)?;
        bytes = &bytes[size..];
        Some(([head[4], head[5], head[6], head[7]], &whole[8..]))
    })
}

fn child<'a>(bytes: &'a [u8], wanted: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes).find(|(name, _)| name == wanted).map(|(_, body)| body)
}

/// Ticks in a second, of an `mvhd` or `mdhd`.
fn scale(body: &[u8]) -> Option<u32> {
    let at = if *body.first()? == 1 { 20 } else { 12 };
    let ticks = u32::try_from(be(body.get(at..at + 4)?)?).ok()?;
    (ticks > 0).then_some(ticks)
}

/// Ticks in all, of an `mdhd`.
fn length(body: &[u8]) -> Option<u64> {
    let at = if *body.first()? == 1 { 24..32 } else { 16..20 };
    be(body.get(at)?)
}

/// Duration and media time, where the list is one stretch of media after nothing else.
fn only_stretch(list: &[u8]) -> Option<(u64, u64)> {
    let long = *list.first()? == 1;
    if be(list.get(4..8)?)? != 1 {
        return None;
    }
    let (duration, time) = if long { (8..16, 16..24) } else { (8..12, 12..16) };
    let duration = be(list.get(duration)?)?;
    let time = be(list.get(time)?)?;
    let nothing = if long { u64::MAX } else { u64::from(u32::MAX) };
    (time != nothing && duration > 0).then_some((duration, time))
}

fn be(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}
