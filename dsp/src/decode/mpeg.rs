//! What the first frame of an MP3 says about the rest: how many frames follow (Xing/Info), and how much of the sound is the coder's
//! delay and padding (LAME's extension of it). Only the start of the file is read.

use std::io::{Read, Seek, SeekFrom};

/// What the header frame states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Info {
    /// Packets after the header frame.
    pub(super) packets: u64,
    /// Frames of sound in all packets, delay and padding among them.
    pub(super) coded_frames: u64,
    /// Frames at the front that were not in the source, and frames at the end; `None` where no coder told.
    pub(super) edges: Option<(u64, u64)>,
    /// Where its packets stand; `None` where their sizes vary.
    pub(super) steady: Option<Steady>,
}

/// Packets of one bit rate: each is as long as the average or a byte off, and the average is kept, so that the place of a packet is known
/// within a byte or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Steady {
    /// Of the first packet after the header frame.
    start: u64,
    /// The average packet is `slots / rate` bytes long.
    slots: u64,
    rate: u64,
    /// The two bytes of a header that stay the same: sync, version, layer; bit rate and sample rate.
    header: [u8; 2],
    pub(super) packet_frames: u64,
}

impl Steady {
    /// The place of a packet's header, and which packet it is: `packet`, or one close to it. `None` where there is none.
    pub(super) fn find<R: Read + Seek>(&self, file: &mut R, packet: u64) -> Option<(u64, u64)> {
        let longest = self.slots / self.rate + 1;
        let about = self.start + (u128::from(packet) * u128::from(self.slots) / u128::from(self.rate)) as u64;
        let from = about.saturating_sub(2).max(self.start);
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from)).ok()?;
        file.by_ref().take(3 * longest + 4).read_to_end(&mut bytes).ok()?;
        let length = |at: usize| {
            let head = bytes.get(at..at + 4)?;
            let same = head[0] == 0xff && head[1] == self.header[0] && head[2] & !2 == self.header[1];
            same.then(|| (self.slots / self.rate) as usize + usize::from(head[2] >> 1 & 1))
        };
        let at =
            (0..=longest as usize).find(|at| length(*at).and_then(|bytes| length(at + bytes)).is_some())?;
        let place = from + at as u64;
        let behind = u128::from(place - self.start) * u128::from(self.rate);
        Some((place, ((behind + u128::from(self.slots) / 2) / u128::from(self.slots)) as u64))
    }
}

/// Every Layer III decoder comes this much later than its coder counts (528 of the filters and 1).
pub(super) const DECODER_DELAY_FRAMES: u64 = 529;
/// A tag with a large picture stands before the first frame; it is stepped over, not read.
const MAX_TAGS: usize = 8;
const SEARCH_BYTES: u64 = 8192;

/// `None` where the file has no such frame, or it does not count its packets.
pub(super) fn info<R: Read + Seek>(file: &mut R) -> Option<Info> {
    let mut start = 0;
    for _ in 0..MAX_TAGS {
        let mut head = Vec::new();
        file.seek(SeekFrom::Start(start)).ok()?;
        file.by_ref().take(SEARCH_BYTES).read_to_end(&mut head).ok()?;
        match head.first_chunk::<10>() {
            Some([b'I', b'D', b'3', _, _, flags, size @ ..]) => {
                let body = size.iter().fold(0, |sum, byte| sum << 7 | u64::from(byte & 0x7f));
                start += 10 + body + if flags & 0x10 != 0 { 10 } else { 0 };
            }
            // The name stands at a fixed place of the first frame.
            _ => return (0..head.len()).find_map(|at| frame(&head[at..], start + at as u64)),
        }
    }
    None
}

fn frame(bytes: &[u8], place: u64) -> Option<Info> {
    let [0xff, b, c, d, ..] = *bytes else { return None };
    // Layer III alone: 11 bits of sync, two of version, layer 01.
    if b & 0xe6 != 0xe2 || b & 0x18 == 0x08 {
        return None;
    }
    let (mpeg_1, mono) = (b & 0x18 == 0x18, d >> 6 == 3);
    let side_bytes = match (mpeg_1, mono) {
        (true, false) => 32,
        (true, true) | (false, false) => 17,
        (false, true) => 9,
    };
    let tag = bytes.get(4 + side_bytes..)?;
    if !matches!(tag.get(..4)?, b"Xing" | b"Info") {
        return None;
    }
    let flags = number(tag.get(4..8)?);
    if flags & 1 == 0 {
        return None;
    }
    let packets = number(tag.get(8..12)?);
    let packet_frames = if mpeg_1 { 1152 } else { 576 };
    // Frames and bytes take 4 bytes each, the table of places 100, the quality 4, where their flags are set.
    let lame = 8
        + 4
        + [(2, 4), (4, 100), (8, 4)]
            .iter()
            .map(|(flag, len)| if flags & flag != 0 { *len } else { 0 })
            .sum::<usize>();
    let coded_frames = packets * packet_frames;
    let edges = tag
        .get(lame..lame + 24)
        .filter(|lame| lame[..4].iter().all(u8::is_ascii_alphanumeric))
        .and_then(|lame| {
            let both = number(&lame[21..24]);
            let (delay, padding) = (both >> 12, both & 0xfff);
            (both != 0 && delay + padding <= coded_frames).then_some((delay, padding))
        });
    // LAME's word for one bit rate; other rates say "Xing".
    let steady = (tag[..4] == *b"Info").then(|| steady(b, c, place, packet_frames)).flatten();
    Some(Info { packets, coded_frames, edges, steady })
}

fn steady(b: u8, c: u8, place: u64, packet_frames: u64) -> Option<Steady> {
    let (slots, rate) = super::kind::packet_slots(b, c)?;
    let (slots, rate) = (slots as u64, rate as u64);
    let own = slots / rate + u64::from(c >> 1 & 1);
    Some(Steady { start: place + own, slots, rate, header: [b, c & !2], packet_frames })
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
