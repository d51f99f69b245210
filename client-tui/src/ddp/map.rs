//! DDPMS, the map: one packet of 128 bytes for each stream, with its kind, its length and the name of its file. Never here: what stands in those files.

use super::{
    field::{Number, is_blank, is_printable, number, text},
    folder::Folder,
    rules::{
        FIELD_NOT_ASCII, FILE_EMPTY, FILE_MISSING, Findings, MAP_CDTEXTS, MAP_FIELD, MAP_FILE_LENGTH,
        MAP_IMAGES, MAP_LENGTH, MAP_MODE, MAP_NAME, MAP_NAME_CHARS, MAP_NAME_SIZE, MAP_NAME_TWICE,
        MAP_NO_IMAGE, MAP_NO_PQ, MAP_NUMBER, MAP_PACKET, MAP_PADDING, MAP_PQS, MAP_SCRAMBLED, MAP_START,
        MAP_STORAGE, MAP_STORAGE_ODD, MAP_STREAM, MAP_SUBCODE,
    },
};

pub const NAME: &str = "DDPMS";
const PACKET: usize = 128;
/// Room for two thousand packets; a disc has three.
const BYTES_MAX: u64 = 1 << 18;
pub const SECTOR_BYTES: u64 = 2352;
const NAME_COLUMNS: u64 = 17;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// `D0`: the sound.
    Image,
    /// `S0` with `PQ DESCR`.
    Pq,
    /// `S0` with `CDTEXT`.
    CdText,
    /// Text beside it, and what an audio disc has not.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub stream: Stream,
    /// Sectors for the image, bytes for all else. None: blank or no number.
    pub length: Option<u64>,
    pub name: String,
    /// The pause of track 1 that the image begins with, in sectors.
    pub pause: Option<u64>,
}

/// Blank for every stream of an audio disc.
const UNUSED: [(&str, std::ops::Range<usize>); 9] = [
    ("DSP", 6..14),
    ("PRE1", 42..46),
    ("PST", 50..54),
    ("MED", 54..55),
    ("IDX", 57..59),
    ("ISRC", 59..71),
    ("NEW", 91..92),
    ("PRE1NXT and PAUSEADD", 92..104),
    ("OFS", 104..113),
];

/// The map, with what it says wrongly told. Empty: there is none.
pub fn read(folder: &Folder, findings: &mut Findings) -> Vec<Entry> {
    let Some((file, content)) = folder.small(NAME, BYTES_MAX, findings) else { return Vec::new() };
    if !content.len().is_multiple_of(PACKET) {
        let text = format!("It has {} bytes: no whole number of packets of {PACKET}.", content.len());
        findings.tell(MAP_LENGTH, &file, text);
    }
    let mut entries: Vec<Entry> = Vec::new();
    for (at, packet) in content.chunks_exact(PACKET).enumerate() {
        if is_blank(packet) {
            findings.tell(MAP_PADDING, &file, format!("Packet {at} is empty."));
            continue;
        }
        if &packet[..4] != b"VVVM" {
            findings.tell(MAP_PACKET, &file, format!("Packet {at} does not begin with VVVM."));
            continue;
        }
        if !is_printable(packet) {
            findings.tell(FIELD_NOT_ASCII, &file, format!("A byte in packet {at} is no printable ASCII."));
        }
        if let Some(entry) = entry(&file, at, packet, findings) {
            if entries.iter().any(|it| it.name.eq_ignore_ascii_case(&entry.name)) {
                findings.tell(MAP_NAME_TWICE, &file, format!("Two packets name {:?}.", entry.name));
            }
            entries.push(entry);
        }
    }
    tell_counts(&file, &entries, findings);
    entries
}

fn entry(file: &str, at: usize, packet: &[u8], findings: &mut Findings) -> Option<Entry> {
    let stream = stream(file, at, packet, findings);
    let name = text(&packet[74..91]);
    let length = match number(&packet[14..22]) {
        Number::Is(length) => Some(length),
        Number::Blank | Number::Not => {
            findings.tell(
                MAP_NUMBER,
                file,
                format!("Packet {at} has no length: {:?}.", text(&packet[14..22])),
            );
            None
        }
    };
    for (field, at_bytes) in UNUSED {
        if !is_blank(&packet[at_bytes.clone()]) {
            let value = text(&packet[at_bytes]);
            findings.tell(
                MAP_FIELD,
                file,
                format!("{field} of packet {at} is {value:?}; it is blank for an audio disc."),
            );
        }
    }
    if number(&packet[71..74]) != Number::Is(NAME_COLUMNS) {
        let value = text(&packet[71..74]);
        findings.tell(
            MAP_NAME_SIZE,
            file,
            format!("Packet {at} says that its name has {value:?} columns, not 17."),
        );
    }
    let pause = match stream {
        Stream::Image => image(file, at, packet, findings),
        _ => {
            others(file, at, packet, findings);
            None
        }
    };
    if !is_name(&name) {
        findings.tell(
            MAP_NAME,
            file,
            format!("Packet {at} names {name:?}, which can be no file of this folder."),
        );
        return None;
    }
    if !name.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_')) {
        findings.tell(
            MAP_NAME_CHARS,
            file,
            format!("Packet {at} names {name:?}: a plant's system may not take it."),
        );
    }
    Some(Entry { stream, length, name, pause })
}

/// A foreign name never leaves the folder, and never stands for one of the two records.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| {
            matches!(b, b' '..=b'~')
                && !matches!(b, b'/' | b'\\' | b':' | b'*' | b'?' | b'"' | b'<' | b'>' | b'|')
        })
        && name != "."
        && name != ".."
        && !name.eq_ignore_ascii_case(NAME)
        && !name.eq_ignore_ascii_case(super::id::NAME)
}

fn stream(file: &str, at: usize, packet: &[u8], findings: &mut Findings) -> Stream {
    let (kind, subcode) = (text(&packet[4..6]), text(&packet[30..38]));
    match (kind.as_str(), subcode.as_str()) {
        ("D0", _) => Stream::Image,
        ("S0", "PQ DESCR") => Stream::Pq,
        ("S0", "CDTEXT") => Stream::CdText,
        ("S0", _) => {
            findings.tell(
                MAP_SUBCODE,
                file,
                format!("Packet {at} is a subcode {subcode:?}, which is not looked into."),
            );
            Stream::Other
        }
        ("T0" | "T1" | "T2" | "T3", _) => Stream::Other,
        _ => {
            findings.tell(
                MAP_STREAM,
                file,
                format!("Packet {at} is of the kind {kind:?}, which is not looked into."),
            );
            Stream::Other
        }
    }
}

/// What only the image says. Answers the pause.
fn image(file: &str, at: usize, packet: &[u8], findings: &mut Findings) -> Option<u64> {
    if &packet[38..40] != b"DA" {
        let mode = text(&packet[38..40]);
        findings.tell(MAP_MODE, file, format!("Packet {at}, the image, is of mode {mode:?}, not DA."));
    }
    match packet[40] {
        b'7' => {}
        b'0' => {
            findings.tell(MAP_STORAGE_ODD, file, format!("Packet {at}, the image, is of storage mode 0."));
        }
        mode => {
            let text = format!("Packet {at}, the image, is of storage mode {:?}, not 7.", char::from(mode));
            findings.tell(MAP_STORAGE, file, text);
        }
    }
    if !matches!(packet[41], b'0' | b'1' | b' ') {
        findings.tell(MAP_SCRAMBLED, file, format!("Packet {at} has SCR {:?}.", char::from(packet[41])));
    }
    if !matches!(number(&packet[22..30]), Number::Blank | Number::Is(0)) {
        let start = text(&packet[22..30]);
        findings.tell(
            MAP_START,
            file,
            format!("Packet {at}, the image, begins at sector {start:?} of the disc, not at 0."),
        );
    }
    if !is_blank(&packet[30..38]) || !is_blank(&packet[55..57]) {
        findings.tell(
            MAP_FIELD,
            file,
            format!("Packet {at}, the image, has a subcode or a track of its own."),
        );
    }
    match number(&packet[46..50]) {
        Number::Is(pause) => Some(pause),
        Number::Blank => None,
        Number::Not => {
            findings.tell(
                MAP_NUMBER,
                file,
                format!("PRE2 of packet {at} is no number: {:?}.", text(&packet[46..50])),
            );
            None
        }
    }
}

fn others(file: &str, at: usize, packet: &[u8], findings: &mut Findings) {
    let used = [("DSS", 22..30), ("CDM, SSM and SCR", 38..42), ("PRE2", 46..50)];
    for (field, at_bytes) in used {
        if !is_blank(&packet[at_bytes.clone()]) {
            let value = text(&packet[at_bytes]);
            findings.tell(
                MAP_FIELD,
                file,
                format!("{field} of packet {at} is {value:?}; only the image has it."),
            );
        }
    }
    if !is_blank(&packet[55..57]) && &packet[55..57] != b"00" {
        findings.tell(MAP_FIELD, file, format!("TRK of packet {at} is {:?}.", text(&packet[55..57])));
    }
}

fn tell_counts(file: &str, entries: &[Entry], findings: &mut Findings) {
    let count = |stream| entries.iter().filter(|it| it.stream == stream).count();
    match count(Stream::Image) {
        0 => findings.tell(MAP_NO_IMAGE, file, "It names no image.".into()),
        1 => {}
        many => {
            findings.tell(
                MAP_IMAGES,
                file,
                format!("It names {many} images; only the first is looked into."),
            );
        }
    }
    match count(Stream::Pq) {
        0 => findings.tell(MAP_NO_PQ, file, "It names no PQ descriptor.".into()),
        1 => {}
        many => findings.tell(
            MAP_PQS,
            file,
            format!("It names {many} PQ descriptors; only the first is looked into."),
        ),
    }
    if count(Stream::CdText) > 1 {
        findings.tell(
            MAP_CDTEXTS,
            file,
            "It names CD-Text more than once; only the first is looked into.".into(),
        );
    }
}

/// Files that are missing, empty, or not as long as the map says.
pub fn tell_lengths(folder: &Folder, entries: &[Entry], findings: &mut Findings) {
    for entry in entries {
        let Some(file) = folder.find(&entry.name, findings) else {
            if !findings.list.iter().any(|it| it.code == FILE_MISSING.code && it.file == entry.name) {
                findings.tell(
                    FILE_MISSING,
                    &entry.name,
                    "The map names it, and it is not in the folder.".into(),
                );
            }
            continue;
        };
        if file.bytes == 0 {
            if !findings.list.iter().any(|it| it.code == FILE_EMPTY.code && it.file == file.name) {
                findings.tell(FILE_EMPTY, &file.name, "It has no content.".into());
            }
            continue;
        }
        let (unit, word) =
            if entry.stream == Stream::Image { (SECTOR_BYTES, "sectors") } else { (1, "bytes") };
        let Some(length) = entry.length else { continue };
        if length.checked_mul(unit) != Some(file.bytes) {
            let text = format!("The map says {length} {word}; the file has {} bytes.", file.bytes);
            findings.tell(MAP_FILE_LENGTH, &file.name, text);
        }
    }
}
