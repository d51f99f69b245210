//! A small DDP-compatible set made by hand, byte by byte, from what is publicly described; nothing of it comes from our writer or our reader. Two tracks of
//! four and five seconds: long enough for every rule, short enough to be made a hundred times.

#![allow(clippy::unwrap_used, dead_code)] // helpers of tests may panic; each of several tests uses a part

use std::{collections::BTreeMap, path::Path};

pub type Files = BTreeMap<String, Vec<u8>>;

pub const SUMS: &str = "CHECKSUM.MD5";
pub const UPC: &str = "4006381333931";
pub const ISRCS: [&str; 2] = ["DEA121700001", "DEA121700002"];
pub const TITLES: [&str; 3] = ["Night Drive", "Rear Mirror Of Glass", "Caf\u{e9} Lights"];
pub const PERFORMERS: [&str; 3] = ["The Testers", "The Testers", "Ana"];
/// INDEX 1 of track 1, INDEX 0 and 1 of track 2, lead-out.
pub const AT: [u32; 4] = [150, 455, 470, 850];

/// Spaces, and texts at their places.
pub fn record(bytes: usize, fields: &[(usize, &str)]) -> Vec<u8> {
    let mut record = vec![b' '; bytes];
    for (at, text) in fields {
        record[*at..*at + text.len()].copy_from_slice(text.as_bytes());
    }
    record
}

pub fn time(sector: u32) -> String {
    format!("{:02}{:02}{:02}", sector / 4500, sector / 75 % 60, sector % 75)
}

pub fn pq(track: &str, index: &str, sector: u32, isrc: &str, upc: &str) -> Vec<u8> {
    let time = time(sector);
    record(64, &[(0, "VVVS"), (4, track), (6, index), (10, &time), (16, "01"), (20, isrc), (32, upc)])
}

pub fn stream(kind: &str, length: usize, subcode: &str, name: &str) -> Vec<u8> {
    let length = format!("{length:>8}");
    record(128, &[(0, "VVVM"), (4, kind), (14, &length), (30, subcode), (71, " 17"), (74, name)])
}

/// The remainder of a division by x16 + x12 + x5 + 1, bit after bit, as a sum is done on paper.
fn remainder(bytes: &[u8]) -> u16 {
    let mut rest = 0u32;
    let bits =
        bytes.iter().chain(&[0, 0]).flat_map(|byte| (0..8).rev().map(move |bit| u32::from(byte >> bit & 1)));
    for bit in bits {
        rest = rest << 1 | bit;
        if rest & 0x1_0000 != 0 {
            rest ^= 0x1_1021;
        }
    }
    rest as u16
}

/// Checksums of all packs anew.
pub fn repack(packs: &mut [u8]) {
    for pack in packs.chunks_exact_mut(18) {
        let sum = !remainder(&pack[..16]);
        pack[16..].copy_from_slice(&sum.to_be_bytes());
    }
}

pub fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

/// Types with their texts, disc first; size information is added.
pub fn cd_text(types: &[(u8, Vec<Vec<u8>>)]) -> Vec<u8> {
    let mut packs: Vec<[u8; 18]> = Vec::new();
    let mut counts = [0u8; 16];
    for (kind, texts) in types {
        // Every letter with its track and its place in its text.
        let mut letters: Vec<(u8, u8, usize)> = Vec::new();
        for (track, text) in texts.iter().enumerate() {
            letters.extend(
                text.iter().chain(&[0]).enumerate().map(|(place, letter)| (*letter, track as u8, place)),
            );
        }
        for part in letters.chunks(12) {
            let mut pack = [0; 18];
            let (_, track, place) = part[0];
            pack[..4].copy_from_slice(&[*kind, track, packs.len() as u8, place.min(15) as u8]);
            for (at, (letter, ..)) in part.iter().enumerate() {
                pack[4 + at] = *letter;
            }
            counts[usize::from(kind - 0x80)] += 1;
            packs.push(pack);
        }
    }
    counts[15] = 3;
    let mut sizes = [0u8; 36];
    sizes[1..3].copy_from_slice(&[1, 2]);
    sizes[4..20].copy_from_slice(&counts);
    sizes[20] = packs.len() as u8 + 2;
    sizes[28] = 9;
    for part in 0..3 {
        let mut pack = [0; 18];
        pack[..4].copy_from_slice(&[0x8F, part as u8, packs.len() as u8, 0]);
        pack[4..16].copy_from_slice(&sizes[part * 12..part * 12 + 12]);
        packs.push(pack);
    }
    let mut bytes = packs.concat();
    repack(&mut bytes);
    bytes
}

pub fn texts() -> Vec<(u8, Vec<Vec<u8>>)> {
    let all = |texts: [&str; 3]| texts.iter().map(|text| latin1(text)).collect();
    vec![(0x80, all(TITLES)), (0x81, all(PERFORMERS)), (0x8E, all([UPC, ISRCS[0], ISRCS[1]]))]
}

/// A triangle on the left, a slower one on the right; the first two seconds are silent.
pub fn sound() -> Vec<u8> {
    let triangle = |n: u32, period: u32| {
        (((n % period) as i32 - period as i32 / 2).abs() * 16_000 / period as i32) as i16
    };
    let mut bytes = Vec::with_capacity(AT[3] as usize * 2352);
    bytes.resize(AT[0] as usize * 2352, 0);
    for n in 0..(AT[3] - AT[0]) * 588 {
        bytes.extend(triangle(n, 200).to_le_bytes());
        bytes.extend(triangle(n, 318).to_le_bytes());
    }
    bytes
}

pub fn map(text_bytes: usize, pq_bytes: usize) -> Vec<u8> {
    let mut image = stream("D0", AT[3] as usize, "", "IMAGE.DAT");
    image[38..42].copy_from_slice(b"DA70");
    image[46..50].copy_from_slice(b" 150");
    [stream("S0", text_bytes, "CDTEXT", "CDTEXT.BIN"), stream("S0", pq_bytes, "PQ DESCR", "PQDESCR"), image]
        .concat()
}

pub fn descriptor() -> Vec<u8> {
    let out = pq("AA", "01", AT[3], "", "");
    [
        pq("00", "00", 0, "", UPC),
        pq("01", "00", 0, ISRCS[0], ""),
        pq("01", "01", AT[0], "", ""),
        pq("02", "00", AT[1], ISRCS[1], ""),
        pq("02", "01", AT[2], ISRCS[1], ""),
        out.clone(),
        out,
    ]
    .concat()
}

/// A set without a fault.
pub fn sound_set() -> Files {
    let (text, pq) = (cd_text(&texts()), descriptor());
    let mut files = Files::from([
        ("DDPID".to_owned(), record(128, &[(0, "DDP 2.00"), (8, UPC), (38, "CAT-001"), (87, "CD")])),
        ("DDPMS".to_owned(), map(text.len(), pq.len())),
        ("PQDESCR".to_owned(), pq),
        ("CDTEXT.BIN".to_owned(), text),
        ("IMAGE.DAT".to_owned(), sound()),
    ]);
    resum(&mut files);
    files
}

/// The checksums of all files anew.
pub fn resum(files: &mut Files) {
    files.remove(SUMS);
    let lines = files.iter().map(|(name, bytes)| format!("{:x} *{name}\n", md5::compute(bytes)));
    let text: String = lines.collect();
    files.insert(SUMS.into(), text.into_bytes());
}

/// Writes what differs from `there`, and takes away what is not wanted.
pub fn lay(folder: &Path, files: &Files, there: &mut Files) {
    for name in there.keys().filter(|name| !files.contains_key(*name)) {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    for (name, bytes) in files.iter().filter(|(name, bytes)| there.get(*name) != Some(bytes)) {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    there.clone_from(files);
}

/// Bytes of a file, at their place.
pub fn put(files: &mut Files, name: &str, at: usize, bytes: &[u8]) {
    files.get_mut(name).unwrap()[at..at + bytes.len()].copy_from_slice(bytes);
}
