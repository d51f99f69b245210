//! CD-Text in packs of 18 bytes, as it is written into the lead-in. Never here: which letters may stand in it; that is `latin.rs`.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 1 | 0x80 titles, 0x81 performers, 0x8F sizes |
//! | 1 | 1 | track of the text that holds the first byte of the payload, 0 for the disc; of a pack of sizes, which of the three |
//! | 2 | 1 | number of the pack, from 0 |
//! | 3 | 1 | bit 7 two bytes a letter (no), bits 6 to 4 block (0), bits 3 to 0 place of the payload's first byte in its text, at most 15 |
//! | 4 | 12 | payload |
//! | 16 | 2 | CRC of the 16 before: x^16 + x^12 + x^5 + 1, from 0, inverted, high byte first |
//!
//! The payloads of a type, one behind the other, are the disc's text and each track's, all of them ended by a NUL; the last is filled with NUL. The 36 bytes
//! of the sizes: letters (0, ISO 8859-1), first track, last track, copyright (0, none claimed), packs of each type 0x80 to 0x8F, last number of each of 8
//! blocks, language of each block (9, English). Sources: module head, (RE) 7 and (CDT).

use super::{Disc, latin};

const PACK_BYTES: usize = 18;
const PAYLOAD_BYTES: usize = 12;
const SIZE_PACKS: usize = 3;
const TITLES: u8 = 0x80;
const PERFORMERS: u8 = 0x81;
const SIZES: u8 = 0x8F;
const ENGLISH: u8 = 9;
/// Of a block. (CDT) says 253; the byte that numbers them would hold 256.
pub(super) const MOST_PACKS: usize = 253;

/// The packs of a disc; nothing where it has neither titles nor performers. At most 253 are right on a disc ([`super::check`]).
pub fn cd_text(disc: &Disc) -> Vec<u8> {
    let titles =
        std::iter::once(disc.title.clone()).chain(disc.tracks.iter().map(|track| track.title.clone()));
    let performers = std::iter::once(disc.performer.clone())
        .chain(disc.tracks.iter().map(|track| disc.performer_of(track)));
    let mut packs = Packs::default();
    packs.texts(TITLES, &titles.map(|text| latin(&text).bytes).collect::<Vec<_>>());
    packs.texts(PERFORMERS, &performers.map(|text| latin(&text).bytes).collect::<Vec<_>>());
    if packs.bytes.is_empty() {
        return Vec::new();
    }
    packs.sizes(disc.tracks.len());
    packs.bytes
}

/// How many packs a disc takes.
pub(super) fn pack_count(disc: &Disc) -> usize {
    cd_text(disc).len() / PACK_BYTES
}

#[derive(Default)]
struct Packs {
    bytes: Vec<u8>,
    /// Of each type, from 0x80 on.
    counts: [usize; 16],
}

impl Packs {
    fn push(&mut self, kind: u8, track: usize, place: usize, payload: &[u8]) {
        let mut pack = [0; PACK_BYTES];
        let number = self.bytes.len() / PACK_BYTES;
        // A disc with more than 99 tracks or 256 packs is refused elsewhere; here it must only not end the program.
        pack[..4].copy_from_slice(&[kind, (track & 0x7F) as u8, (number & 0xFF) as u8, place.min(15) as u8]);
        pack[4..4 + payload.len()].copy_from_slice(payload);
        let crc = crc(&pack[..16]);
        pack[16..].copy_from_slice(&crc.to_be_bytes());
        self.bytes.extend(pack);
        self.counts[usize::from(kind & 0x0F)] += 1;
    }

    /// One type: the disc's text, then each track's. Nothing where all of them are empty.
    fn texts(&mut self, kind: u8, texts: &[Vec<u8>]) {
        if texts.iter().all(Vec::is_empty) {
            return;
        }
        // Every byte with its track and its place in that track's text.
        let letters = texts.iter().enumerate().flat_map(|(track, text)| {
            text.iter().chain(&[0]).enumerate().map(move |(place, byte)| (track, place, *byte))
        });
        let letters: Vec<(usize, usize, u8)> = letters.collect();
        for piece in letters.chunks(PAYLOAD_BYTES) {
            let payload: Vec<u8> = piece.iter().map(|(_, _, byte)| *byte).collect();
            self.push(kind, piece[0].0, piece[0].1, &payload);
        }
    }

    fn sizes(&mut self, tracks: usize) {
        self.counts[usize::from(SIZES & 0x0F)] = SIZE_PACKS;
        let last_number = self.bytes.len() / PACK_BYTES + SIZE_PACKS - 1;
        let mut sizes = [0; SIZE_PACKS * PAYLOAD_BYTES];
        sizes[1] = 1;
        sizes[2] = tracks.min(99) as u8;
        for (size, count) in sizes[4..20].iter_mut().zip(self.counts) {
            *size = (count & 0xFF) as u8;
        }
        sizes[20] = (last_number & 0xFF) as u8;
        sizes[28] = ENGLISH;
        for (at, payload) in sizes.chunks(PAYLOAD_BYTES).enumerate() {
            self.push(SIZES, at, 0, payload);
        }
    }
}

fn crc(bytes: &[u8]) -> u16 {
    let mut sum: u16 = 0;
    for byte in bytes {
        sum ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            sum = if sum & 0x8000 == 0 { sum << 1 } else { (sum << 1) ^ 0x1021 };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packs of a pressed disc, as ddpLib's `LeadInBlockSize.java` prints them.
    #[test]
    fn the_checksum_is_that_of_a_pressed_disc() {
        for pack in [
            "8F002B0001010D030C0C000000000100 7B3D",
            "8F012C0000000000000012032D000000 DAB7",
            "8F022D00000000000900000000000000 6A24",
        ] {
            let (bytes, sum) = pack.split_once(' ').unwrap();
            assert_eq!(format!("{:04X}", crc(&hex::decode(bytes).unwrap())), sum);
        }
    }
}
