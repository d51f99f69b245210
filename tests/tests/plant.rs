//! What our writer of DDP-compatible sets writes, read by our reader, which shares nothing with it: every set is accepted as it was meant, and a set of which
//! one byte was touched, or which lost a file, is not. Only here may the two meet. Goal: 200 discs, every file of each.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{fs, path::Path};

use deadwax_client::ddp::{self, Severity};
use deadwax_dsp::disc::{Disc, DiscTrack, SECTOR_BYTES, write_ddp};
use proptest::prelude::*;

const SUMS: &str = "CHECKSUM.MD5";
const FILES: [&str; 6] = ["DDPID", "DDPMS", "PQDESCR", "CDTEXT.BIN", "IMAGE.DAT", SUMS];
const CODES: [&str; 4] = ["", "4006381333931", "036000291452", "5901234123457"];

/// A track as it is drawn: sectors of pause (0: it begins at once) and of music, what is printed for it.
type Drawn = (u32, u32, String, String, bool);

fn track() -> impl Strategy<Value = Drawn> {
    // Letters that CD-Text carries, quotes and all.
    let words = "[A-Za-z][A-Za-zÀ-ÖØ-öø-ÿ0-9 '\"!?&./-]{0,40}[A-Za-z0-9]";
    (prop_oneof![Just(0u32), 1..90u32], 300..330u32, words, "[A-Z][A-Za-zÀ-Ö ]{0,20}[a-z]", any::<bool>())
}

fn disc() -> impl Strategy<Value = Disc> {
    let tracks = prop::collection::vec(track(), 1..3);
    (tracks, "[A-Z][A-Za-z0-9 ]{0,30}[a-z]", 0..CODES.len(), "[A-Z]{2,4}-[0-9]{3}", 150..250u32).prop_map(
        |(tracks, title, code, catalogue, first)| {
            let mut disc = Disc {
                title,
                performer: "Mara Lind".into(),
                upc: CODES[code].into(),
                catalogue,
                ..Disc::default()
            };
            for (at, (pause, music, title, performer, copy_permitted)) in tracks.into_iter().enumerate() {
                let from = disc.sectors;
                let index1 = if at == 0 { first } else { from + pause };
                disc.sectors = index1 + music;
                disc.tracks.push(DiscTrack {
                    title,
                    performer,
                    isrc: if copy_permitted { format!("QZDWX26{at:05}") } else { String::new() },
                    index0: (index1 != from).then_some(from),
                    index1,
                    end: disc.sectors,
                    copy_permitted,
                    pre_emphasis: false,
                });
            }
            disc
        },
    )
}

/// Sound of some kind: a tone whose pitch and noise hang on where it is.
fn image(path: &Path, sectors: u32) {
    let frames = u64::from(sectors) * SECTOR_BYTES / 4;
    let mut bytes = Vec::with_capacity((frames * 4) as usize);
    let mut state = 1u32;
    for frame in 0..frames {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let wave = ((frame % 100) as i32 - 50) * 150 + (state >> 24) as i32;
        for sample in [wave as i16, (wave / 2) as i16] {
            bytes.extend_from_slice(&sample.to_le_bytes());
        }
    }
    fs::write(path, bytes).unwrap();
}

fn blocks(folder: &Path) -> Vec<String> {
    let report = ddp::check(folder);
    assert!(report.readable && !report.stopped);
    let blocks = report.findings.iter().filter(|it| it.severity == Severity::Block);
    blocks.map(|it| format!("{} {} {}", it.code, it.file, it.text)).collect()
}

/// What a checksum file says, apart from how it is written: large or small letters of a digest, a tab for the space, the asterisk that means "as bytes".
fn meaning(sums: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(sums).into_owned();
    let lines = text.lines().filter_map(|line| line.split_once([' ', '\t']));
    lines
        .map(|(digest, name)| {
            (digest.to_lowercase(), name.trim_start_matches([' ', '\t', '*']).trim_end().to_owned())
        })
        .collect()
}

/// The reader holds what was meant, to the sector and the letter.
fn accepted(disc: &Disc, folder: &Path) {
    assert_eq!(blocks(folder), Vec::<String>::new());
    let set = ddp::read(folder).unwrap();
    let long = |upc: &str| if upc.len() == 12 { format!("0{upc}") } else { upc.to_owned() };
    assert_eq!((set.upc.as_str(), set.sectors), (long(&disc.upc).as_str(), disc.sectors));
    // On the disc a run of spaces is one.
    let neat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!((set.title, set.master_id), (neat(&disc.title), disc.catalogue.clone()));
    assert_eq!(set.tracks.len(), disc.tracks.len());
    for (read, meant) in set.tracks.iter().zip(&disc.tracks) {
        assert_eq!((read.index0, read.index1, read.end), (meant.index0, meant.index1, meant.end));
        assert_eq!(read.isrc, meant.isrc);
        assert_eq!((&read.title, &read.performer), (&neat(&meant.title), &neat(&meant.performer)));
        assert_eq!(read.flags.copy_permitted, meant.copy_permitted);
    }
}

/// One byte of one file is another. Which: a place as a share of the file, so that it shrinks.
fn touched_is_refused(folder: &Path, name: &str, place: f64, other: u8) {
    let path = folder.join(name);
    let whole = fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    let at = ((bytes.len() as f64 * place) as usize).min(bytes.len() - 1);
    bytes[at] ^= other;
    fs::write(&path, &bytes).unwrap();
    let found = blocks(folder);
    // The checksums themselves are held by no further sum: what reads the same, is the same; a name in other letters is found, and told.
    let (now, was) = (meaning(&bytes), meaning(&whole));
    let letters =
        |sums: &[(String, String)]| -> Vec<String> { sums.iter().map(|it| it.1.to_lowercase()).collect() };
    let told = || ddp::check(folder).findings.iter().any(|it| it.code == "NAME_CASE");
    let same = name == SUMS && (now == was || (letters(&now) == letters(&was) && told()));
    assert!(same || !found.is_empty(), "{name}: byte {at} of {} xor {other:#04x} passed", bytes.len());
    fs::write(&path, whole).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_accepted_and_what_was_touched_is_refused(
        disc in disc(),
        places in prop::array::uniform6(0.0..1.0f64),
        others in prop::array::uniform6(1..=255u8),
        lost in 0..FILES.len(),
    ) {
        let room = tempfile::tempdir().unwrap();
        let (sound, folder) = (room.path().join("disc.bin"), room.path().join("set"));
        image(&sound, disc.sectors);
        write_ddp(&disc, &sound, &folder).unwrap();
        accepted(&disc, &folder);
        for ((name, place), other) in FILES.iter().zip(places).zip(others) {
            touched_is_refused(&folder, name, place, other);
        }
        let name = FILES[lost];
        fs::rename(folder.join(name), room.path().join(name)).unwrap();
        prop_assert!(!blocks(&folder).is_empty(), "{name} is absent and nobody says so");
    }
}

/// Two files of a set that changed places, and the image of another disc of the same length.
#[test]
fn a_swapped_file_is_refused() {
    let room = tempfile::tempdir().unwrap();
    let track =
        DiscTrack { title: "One".into(), index0: Some(0), index1: 150, end: 600, ..DiscTrack::default() };
    let disc = Disc { title: "A".into(), tracks: vec![track], sectors: 600, ..Disc::default() };
    let (sound, folder) = (room.path().join("disc.bin"), room.path().join("set"));
    image(&sound, disc.sectors);
    write_ddp(&disc, &sound, &folder).unwrap();
    accepted(&disc, &folder);
    let mut other = fs::read(&sound).unwrap();
    other.rotate_left(4);
    fs::write(folder.join("IMAGE.DAT"), other).unwrap();
    assert!(blocks(&folder).iter().any(|it| it.starts_with("SUM_FALSE")));
    fs::copy(&sound, folder.join("IMAGE.DAT")).unwrap();
    fs::rename(folder.join("DDPMS"), room.path().join("x")).unwrap();
    fs::rename(folder.join("PQDESCR"), folder.join("DDPMS")).unwrap();
    fs::rename(room.path().join("x"), folder.join("PQDESCR")).unwrap();
    assert!(!blocks(&folder).is_empty());
}
