//! ID3v2.3 (M. Nilsson, 1999), the version that the most programs read: Latin letters as one byte, all others as UTF-16. Never here: files.

use super::Tags;

/// The whole of a tag that begins with `head`, if one does.
pub(super) fn tag_bytes(head: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', major, _, flags, a, b, c, d] = *head.first_chunk::<10>()? else { return None };
    if major == 0xFF || [a, b, c, d].iter().any(|byte| byte & 0x80 != 0) {
        return None;
    }
    let body = [a, b, c, d].iter().fold(0u64, |sum, byte| sum << 7 | u64::from(*byte));
    Some(10 + body + if flags & 0x10 != 0 { 10 } else { 0 })
}

/// A complete tag.
pub(super) fn tag(tags: &Tags) -> Vec<u8> {
    let mut body = Vec::new();
    let track = tags.track.map(|track| track.to_string());
    let year = tags.year.map(|year| year.to_string());
    let words = [
        (b"TIT2", &tags.title),
        (b"TPE1", &tags.artist),
        (b"TALB", &tags.album),
        (b"TRCK", &track),
        (b"TYER", &year),
        (b"TSRC", &tags.isrc),
    ];
    for (name, text) in words {
        if let Some(text) = text {
            let (coding, bytes) = coded(text, Width::of(&[text]));
            frame(&mut body, name, &[&[coding], &bytes]);
        }
    }
    if let Some(upc) = &tags.upc {
        frame(&mut body, b"TXXX", &[&[0], b"BARCODE\0", upc.as_bytes()]);
    }
    if let Some(comment) = &tags.comment {
        let width = Width::of(&[comment]);
        let (coding, bytes) = coded(comment, width);
        let no_description: &[u8] = if width == Width::Two { &[0xFF, 0xFE, 0, 0] } else { &[0] };
        frame(&mut body, b"COMM", &[&[coding], b"XXX", no_description, &bytes]);
    }
    if let Some(cover) = &tags.cover {
        // Kind 3: the front.
        frame(&mut body, b"APIC", &[&[0], cover.mime.as_bytes(), &[0, 3, 0], cover.bytes()]);
    }
    let mut whole = b"ID3\x03\0\0".to_vec();
    let size = body.len() as u32;
    whole.extend([21, 14, 7, 0].map(|shift| (size >> shift & 0x7F) as u8));
    whole.extend(body);
    whole
}

fn frame(out: &mut Vec<u8>, name: &[u8; 4], parts: &[&[u8]]) {
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    out.extend_from_slice(name);
    out.extend_from_slice(&(bytes as u32).to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

/// Bytes of a letter.
#[derive(Clone, Copy, PartialEq)]
enum Width {
    One,
    Two,
}

impl Width {
    fn of(texts: &[&str]) -> Width {
        let latin = texts.iter().all(|text| text.chars().all(|letter| letter as u32 <= 0xFF));
        if latin { Width::One } else { Width::Two }
    }
}

/// The number of the coding, and the bytes.
fn coded(text: &str, width: Width) -> (u8, Vec<u8>) {
    match width {
        Width::One => (0, text.chars().map(|letter| letter as u8).collect()),
        Width::Two => {
            let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
            (1, units.flat_map(u16::to_le_bytes).collect())
        }
    }
}
