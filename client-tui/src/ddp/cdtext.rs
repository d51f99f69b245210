//! CD-Text as packs of 18 bytes: type, track, number, block and place, twelve bytes of text, checksum. Texts of one type follow each other, each with a zero
//! byte behind it, and are cut at every twelfth byte: what a pack says of its track and place is held against that. Never here: what the PQ descriptor says.

use std::collections::BTreeMap;

use super::rules::{
    CDTEXT_BLOCK, CDTEXT_CHARS, CDTEXT_CRC, CDTEXT_ENCODING, CDTEXT_HEADER, CDTEXT_LENGTH, CDTEXT_LONG,
    CDTEXT_ORDER, CDTEXT_POSITION, CDTEXT_SEQUENCE, CDTEXT_SIZES, CDTEXT_TAIL, CDTEXT_TRACKS, CDTEXT_TYPE,
    Findings,
};

const PACK: usize = 18;
/// Eight languages of 256 packs.
pub const BYTES_MAX: u64 = 8 * 256 * PACK as u64 + 64;
pub const TITLE: u8 = 0x80;
pub const PERFORMER: u8 = 0x81;
pub const CODES: u8 = 0x8E;
const SIZES: u8 = 0x8F;
const TEXT_MAX: usize = 160;

/// By type, then by track; 0 is the disc. Of the first language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CdText {
    pub texts: BTreeMap<u8, BTreeMap<u8, String>>,
    /// First and last track, as its size information says.
    pub tracks: Option<(u8, u8)>,
}

impl CdText {
    pub fn get(&self, kind: u8, track: u8) -> &str {
        self.texts.get(&kind).and_then(|texts| texts.get(&track)).map_or("", String::as_str)
    }
}

struct Pack {
    at: usize,
    kind: u8,
    track: u8,
    number: u8,
    block: u8,
    double: bool,
    place: u8,
    data: [u8; 12],
}

/// CRC-16 with the polynomial x16 + x12 + x5 + 1 from 0, stored inverted.
pub fn crc(bytes: &[u8]) -> u16 {
    !bytes.iter().fold(0u16, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(*byte) << 8), |sum, _| {
            if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 }
        })
    })
}

pub fn read(file: &str, content: &[u8], findings: &mut Findings) -> CdText {
    let content = match content.len() % PACK {
        0 => content,
        1 if content.last() == Some(&0) => {
            findings.tell(CDTEXT_TAIL, file, "A zero byte stands behind the packs.".into());
            content
        }
        4 if content[0] < 0x80 => {
            findings.tell(CDTEXT_HEADER, file, "A header of 4 bytes stands before the packs.".into());
            &content[4..]
        }
        _ => {
            let text = format!("It has {} bytes: no whole number of packs of {PACK}.", content.len());
            findings.tell(CDTEXT_LENGTH, file, text);
            content
        }
    };
    let packs = packs(file, content, findings);
    let mut text = CdText::default();
    for block in 0..8 {
        let of_block: Vec<&Pack> = packs.iter().filter(|pack| pack.block == block).collect();
        if of_block.is_empty() {
            continue;
        }
        let sizes = sizes(file, block, &of_block, &packs, findings);
        let read = texts(file, &of_block, sizes.as_ref(), findings);
        if block == 0 {
            text = CdText { texts: read, tracks: sizes.map(|it| (it.first, it.last)) };
        }
    }
    text
}

fn packs(file: &str, content: &[u8], findings: &mut Findings) -> Vec<Pack> {
    let mut packs: Vec<Pack> = Vec::new();
    for (at, bytes) in content.chunks_exact(PACK).enumerate() {
        if crc(&bytes[..16]).to_be_bytes() != bytes[16..] {
            findings.tell(CDTEXT_CRC, file, format!("The checksum of pack {at} is wrong."));
        }
        let mut data = [0; 12];
        data.copy_from_slice(&bytes[4..16]);
        let pack = Pack {
            at,
            kind: bytes[0],
            track: bytes[1],
            number: bytes[2],
            block: bytes[3] >> 4 & 7,
            double: bytes[3] & 0x80 != 0,
            place: bytes[3] & 15,
            data,
        };
        let before = packs.last();
        if !matches!(pack.kind, 0x80..=0x89 | 0x8D..=0x8F) {
            findings.tell(CDTEXT_TYPE, file, format!("Pack {at} is of the type {:#04x}.", pack.kind));
        }
        if before.map_or(0, |it| it.block).abs_diff(pack.block) > 1
            || before.is_some_and(|it| it.block > pack.block)
        {
            findings.tell(CDTEXT_BLOCK, file, format!("Pack {at} is of block {}.", pack.block));
        }
        let same_block = before.is_none_or(|it| it.block == pack.block);
        if same_block && before.is_some_and(|it| it.kind > pack.kind) {
            findings.tell(
                CDTEXT_ORDER,
                file,
                format!("Pack {at} is of a lower type than the one before it."),
            );
        }
        let follows = before.map_or(0, |it| it.number.wrapping_add(1));
        // A further language counts from 0 again, or goes on: descriptions differ.
        if pack.number != follows && (same_block || pack.number != 0) {
            findings.tell(
                CDTEXT_SEQUENCE,
                file,
                format!("Pack {at} has the number {}; {follows} is due.", pack.number),
            );
        }
        packs.push(pack);
    }
    packs
}

struct Sizes {
    encoding: u8,
    first: u8,
    last: u8,
}

fn sizes(file: &str, block: u8, packs: &[&Pack], all: &[Pack], findings: &mut Findings) -> Option<Sizes> {
    let parts: Vec<&&Pack> = packs.iter().filter(|pack| pack.kind == SIZES).collect();
    if parts.len() != 3 || parts.iter().zip(0..).any(|(pack, part)| pack.track != part) {
        let text = format!(
            "Block {block} has {} packs of size information, or in another order; 3 are due.",
            parts.len()
        );
        findings.tell(CDTEXT_SIZES, file, text);
        return None;
    }
    let bytes: Vec<u8> = parts.iter().flat_map(|pack| pack.data).collect();
    for (kind, told) in (0x80u8..=0x8F).zip(&bytes[4..20]) {
        let count = packs.iter().filter(|pack| pack.kind == kind).count();
        if count != usize::from(*told) {
            let text = format!(
                "Block {block} has {count} packs of the type {kind:#04x}; its size information says {told}."
            );
            findings.tell(CDTEXT_SIZES, file, text);
        }
    }
    for (of, told) in (0u8..8).zip(&bytes[20..28]) {
        let last =
            all.iter().filter(|pack| pack.block == of).map(|pack| pack.number).next_back().unwrap_or(0);
        if last != *told {
            let text = format!(
                "The last pack of block {of} has the number {last}; the size information says {told}."
            );
            findings.tell(CDTEXT_SIZES, file, text);
        }
    }
    let (encoding, first, last) = (bytes[0], bytes[1], bytes[2]);
    if !matches!(encoding, 0 | 1) {
        findings.tell(
            CDTEXT_ENCODING,
            file,
            format!("Block {block} is in the character set {encoding:#04x}."),
        );
    }
    Some(Sizes { encoding, first, last })
}

/// The texts of a block, by type and track, with what its packs say wrongly told.
fn texts(
    file: &str,
    packs: &[&Pack],
    sizes: Option<&Sizes>,
    findings: &mut Findings,
) -> BTreeMap<u8, BTreeMap<u8, String>> {
    let mut all = BTreeMap::new();
    for kind in (0x80..=0x85).chain([CODES]) {
        let of_kind: Vec<&Pack> = packs.iter().filter(|pack| pack.kind == kind).copied().collect();
        let Some(first) = of_kind.first() else { continue };
        if of_kind.iter().any(|pack| pack.double) {
            findings.tell(
                CDTEXT_ENCODING,
                file,
                format!("Texts of the type {kind:#04x} have two bytes a letter."),
            );
            continue;
        }
        let bytes: Vec<u8> = of_kind.iter().flat_map(|pack| pack.data).collect();
        let mut parts: Vec<&[u8]> = bytes.split(|byte| *byte == 0).collect();
        // Behind the last zero byte is nothing; without one a text was cut off.
        let tail = parts.pop().unwrap_or_default();
        if !tail.is_empty() {
            findings.tell(
                CDTEXT_POSITION,
                file,
                format!("The last text of the type {kind:#04x} has no end."),
            );
            parts.push(tail);
        }
        places(file, &of_kind, first.track, &bytes, findings);
        let wanted = sizes.map_or(parts.len(), |it| usize::from(it.last.saturating_sub(first.track)) + 1);
        if parts.len() < wanted || parts.iter().skip(wanted).any(|part| !part.is_empty()) || first.track > 1 {
            let text =
                format!("The type {kind:#04x} has texts for other tracks than the size information says.");
            findings.tell(CDTEXT_TRACKS, file, text);
        }
        let mut texts: BTreeMap<u8, String> = BTreeMap::new();
        let mut before = String::new();
        for (part, track) in parts.into_iter().take(wanted).zip(first.track..=99) {
            let text = if part == b"\t" { before } else { decode(file, kind, track, part, sizes, findings) };
            before = text.clone();
            texts.insert(track, text);
        }
        all.insert(kind, texts);
    }
    all
}

/// Every pack says the track and the place within its text of the first byte that it holds.
fn places(file: &str, packs: &[&Pack], first: u8, bytes: &[u8], findings: &mut Findings) {
    let (mut track, mut place) = (u16::from(first), 0usize);
    for (at, byte) in bytes.iter().enumerate() {
        if at % 12 == 0 {
            let pack = packs[at / 12];
            if u16::from(pack.track) != track || usize::from(pack.place) != place.min(15) {
                let text = format!(
                    "Pack {} says track {} and place {}; its text has track {track} and place {}.",
                    pack.at,
                    pack.track,
                    pack.place,
                    place.min(15)
                );
                findings.tell(CDTEXT_POSITION, file, text);
            }
        }
        (track, place) = if *byte == 0 { (track.saturating_add(1), 0) } else { (track, place + 1) };
    }
}

fn decode(
    file: &str,
    kind: u8,
    track: u8,
    bytes: &[u8],
    sizes: Option<&Sizes>,
    findings: &mut Findings,
) -> String {
    let of = if track == 0 { "the disc".to_owned() } else { format!("track {track}") };
    let beyond = |byte: &u8| matches!(byte, 0..=0x1F | 0x7F..=0x9F);
    if bytes.iter().any(|byte| *byte >= 0x80) && std::str::from_utf8(bytes).is_ok() {
        let text = format!("Text {kind:#04x} of {of} looks like UTF-8: a player shows other letters.");
        findings.tell(CDTEXT_CHARS, file, text);
    } else if let Some(byte) = bytes.iter().find(|byte| beyond(byte)) {
        let text =
            format!("Text {kind:#04x} of {of} has the byte {byte:#04x}, which ISO 8859-1 does not print.");
        findings.tell(CDTEXT_CHARS, file, text);
    } else if sizes.is_some_and(|it| it.encoding == 1) && !bytes.is_ascii() {
        let text = format!("Text {kind:#04x} of {of} is said to be ASCII, and is not.");
        findings.tell(CDTEXT_CHARS, file, text);
    }
    if bytes.len() > TEXT_MAX {
        findings.tell(CDTEXT_LONG, file, format!("Text {kind:#04x} of {of} has {} letters.", bytes.len()));
    }
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What another tool, cue2ddp 1.1, wrote for the disc "Disc" by "Artist" with three tracks.
    const OUTSIDE: [&str; 10] = [
        "800000004469736300547261636b204f4804",
        "800101076e6500547261636b2054776f55c9",
        "8002020900547261636b205468726565e66f",
        "8003030b0000000000000000000000005df7",
        "81000400417274697374004172746973fd22",
        "810105057400417274697374004172748c25",
        "8103060369737400000000000000000062ac",
        "8f00070000010300040300000000000040fb",
        "8f010800000000000000000309000000d6a6",
        "8f0209000000000009000000000000000a4e",
    ];

    #[test]
    fn what_another_tool_wrote_is_read_and_has_no_fault() {
        let bytes = hex::decode(OUTSIDE.concat()).unwrap();
        let mut findings = Findings::default();
        let text = read("CDTEXT.BIN", &bytes, &mut findings);
        assert_eq!(findings.list, []);
        assert_eq!(text.tracks, Some((1, 3)));
        let titles: Vec<&str> = (0..4).map(|track| text.get(TITLE, track)).collect();
        assert_eq!(titles, ["Disc", "Track One", "Track Two", "Track Three"]);
        assert!((0..4).all(|track| text.get(PERFORMER, track) == "Artist"));
    }

    #[test]
    fn a_tab_repeats_the_text_of_the_track_before() {
        let mut bytes = hex::decode(OUTSIDE.concat()).unwrap();
        // "Track One" and "Track Two" become a tab and what is left of it: only whole texts of one tab stand for another.
        bytes.truncate(18);
        bytes[4..16].copy_from_slice(b"Disc\0One\0\t\0\0");
        let sum = crc(&bytes[..16]).to_be_bytes();
        bytes[16..18].copy_from_slice(&sum);
        let text = read("CDTEXT.BIN", &bytes, &mut Findings::default());
        assert_eq!((text.get(TITLE, 1), text.get(TITLE, 2)), ("One", "One"));
    }
}
