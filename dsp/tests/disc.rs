//! A disc's layout: every rule at its limit and beyond, the bytes of its files against records by another program and against a second writer, and what
//! programs of others read in them. `tests/disc` holds the expected files; records stand there a line each, ended by `|`.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

#[path = "disc/readers.rs"]
mod readers;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use deadwax_dsp::DspError;
use deadwax_dsp::disc::{Disc, DiscTrack, Severity, cd_text, check, cue, latin, pq_sheet, toc, write_ddp};
use proptest::prelude::*;

const LONGEST: u32 = (79 * 60 + 57) * 75;

fn track(title: &str, isrc: &str, index0: Option<u32>, index1: u32, end: u32) -> DiscTrack {
    DiscTrack { title: title.into(), isrc: isrc.into(), index0, index1, end, ..DiscTrack::default() }
}

/// A disc without a fault: tracks of `seconds` with two seconds between them.
fn plain(tracks: u32, seconds: u32) -> Disc {
    let mut disc = Disc {
        title: "Album".into(),
        performer: "Artist".into(),
        upc: "4006381333931".into(),
        catalogue: "DW-001".into(),
        ..Disc::default()
    };
    for n in 0..tracks {
        let first = n * (seconds + 2) * 75;
        let index1 = first + 150;
        let isrc = format!("DEA01070{n:04}");
        disc.tracks.push(track(&format!("Song {n}"), &isrc, Some(first), index1, index1 + seconds * 75));
        disc.sectors = index1 + seconds * 75;
    }
    disc
}

/// The disc of the expected files.
fn small() -> Disc {
    let tracks = vec![
        DiscTrack { copy_permitted: true, ..track("Eins", "us-rc1-76-07839", Some(0), 150, 700) },
        DiscTrack { performer: "Gäste".into(), ..track("Say \"No\"", "DEA010700001", Some(700), 800, 1200) },
        DiscTrack { copy_permitted: true, pre_emphasis: true, ..track("東京 Tokyo", "", None, 1200, 1600) },
    ];
    Disc {
        title: "Süd".into(),
        performer: "Die Band".into(),
        upc: "036000291452".into(),
        catalogue: "DW-001".into(),
        tracks,
        sectors: 1600,
    }
}

fn image(path: &Path, sectors: u32) {
    let samples = (0..u64::from(sectors) * 588 * 2).flat_map(|n| ((n * 7919 % 65536) as u16).to_le_bytes());
    fs::write(path, samples.collect::<Vec<u8>>()).unwrap();
}

/// A set in a folder of its own, beside its image.
fn set(disc: &Disc) -> (tempfile::TempDir, PathBuf) {
    let room = tempfile::tempdir().unwrap();
    let (sound, folder) = (room.path().join("disc.bin"), room.path().join("set"));
    image(&sound, disc.sectors);
    write_ddp(disc, &sound, &folder).unwrap();
    (room, folder)
}

fn expected(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/disc").join(name)).unwrap()
}

/// A file of records as the expected ones are kept.
fn records(path: &Path, bytes: usize) -> String {
    let held = fs::read(path).unwrap();
    assert_eq!(held.len() % bytes, 0);
    held.chunks(bytes).map(|record| format!("{}|\n", std::str::from_utf8(record).unwrap())).collect()
}

fn packs(text: &[u8]) -> String {
    text.chunks(18).map(|pack| format!("{}\n", hex::encode(pack))).collect()
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("{program} is not installed: its part of this test was left out");
    }
    found
}

fn blocks(disc: &Disc) -> Vec<&'static str> {
    check(disc).iter().filter(|rule| rule.severity == Severity::Block).map(|rule| rule.code).collect()
}

type Change = fn(&mut Disc);

/// A rule's code, a change that keeps it at its limit, a change that breaks it.
const BLOCKS: [(&str, Change, Change); 20] = [
    ("cd-tracks", |d| *d = plain(99, 4), |d| *d = plain(100, 4)),
    ("cd-tracks", |d| *d = plain(1, 4), |d| d.tracks.clear()),
    ("cd-length", |d| stretch(d, LONGEST), |d| stretch(d, LONGEST + 1)),
    ("cd-start", |d| d.tracks[0].index0 = Some(0), |d| d.tracks[0].index0 = Some(1)),
    ("cd-start", |d| d.tracks[0].index0 = Some(0), |d| d.tracks[0].index0 = None),
    ("cd-pause", |d| d.tracks[0].index1 = 150, |d| d.tracks[0].index1 = 149),
    ("cd-index", |d| d.tracks[1].index0 = Some(899), |d| d.tracks[1].index0 = Some(900)),
    ("cd-order", |d| d.tracks[1].index0 = Some(750), |d| d.tracks[1].index0 = Some(749)),
    ("cd-order", |d| d.tracks[0].end = 750, |d| d.tracks[0].end = 751),
    ("cd-end", |d| d.tracks[2].end = d.sectors, |d| d.tracks[2].end = d.sectors + 1),
    ("cd-end", |d| d.tracks[2].end = d.tracks[2].index1 + 300, |d| d.tracks[2].end = d.tracks[2].index1),
    ("cd-track-length", |d| d.tracks[0].index1 = 600, |d| d.tracks[0].index1 = 601),
    ("cd-upc", |d| d.upc = "036000291452".into(), |d| d.upc = "036000291453".into()),
    ("cd-upc", |d| d.upc = "4006381333931".into(), |d| d.upc = "400638133393".into()),
    ("cd-upc", |d| d.upc = String::new(), |d| d.upc = "no code".into()),
    (
        "cd-isrc",
        |d| d.tracks[1].isrc = "us-rc1-76-07839".into(),
        |d| d.tracks[1].isrc = "1SRC17607839".into(),
    ),
    ("cd-isrc", |d| d.tracks[1].isrc = "QZ1232600001".into(), |d| d.tracks[1].isrc = "QZ123260000".into()),
    (
        "cd-isrc-twice",
        |d| d.tracks[1].isrc = "DEA010709999".into(),
        |d| d.tracks[1].isrc = "de-a01-07-00000".into(),
    ),
    ("cd-catalogue", |d| d.catalogue = "x".repeat(48), |d| d.catalogue = "x".repeat(49)),
    ("cd-hidden-long", |d| hide(d, 9_999), |d| hide(d, 10_000)),
];

/// The last track ends later.
fn stretch(disc: &mut Disc, sectors: u32) {
    disc.sectors = sectors;
    disc.tracks[2].end = sectors;
}

/// The first track begins later, and with it all.
fn hide(disc: &mut Disc, pause: u32) {
    let later = pause - disc.tracks[0].index1;
    disc.sectors += later;
    for track in &mut disc.tracks {
        track.index0 = track.index0.filter(|at| *at == 0).or(track.index0.map(|at| at + later));
        track.index1 += later;
        track.end += later;
    }
}

#[test]
fn every_rule_holds_at_its_limit_and_blocks_beyond_it() {
    assert_eq!(check(&plain(3, 8)), [], "a disc without a fault is told none");
    for (at, (code, held, broken)) in BLOCKS.into_iter().enumerate() {
        let mut disc = plain(3, 8);
        held(&mut disc);
        assert_eq!(blocks(&disc), Vec::<&str>::new(), "{at} {code} at its limit");
        let mut disc = plain(3, 8);
        broken(&mut disc);
        assert!(blocks(&disc).contains(&code), "{at} {code} beyond: {:?}", check(&disc));
        let room = tempfile::tempdir().unwrap();
        let folder = room.path().join("set");
        let refused = write_ddp(&disc, &room.path().join("none"), &folder).unwrap_err();
        assert!(matches!(refused, DspError::Invalid(_)) && !folder.exists(), "{refused}");
    }
}

const WARNS: [(&str, Change, Change); 13] = [
    ("cd-long", |d| stretch(d, (74 * 60 + 44) * 75), |d| stretch(d, (74 * 60 + 44) * 75 + 1)),
    ("cd-track-short", |d| d.tracks[0].index1 = 450, |d| d.tracks[0].index1 = 451),
    ("cd-hole", |d| d.tracks[0].end = 750, |d| d.tracks[0].end = 749),
    ("cd-upc-none", |_| {}, |d| d.upc.clear()),
    ("cd-upc-none", |_| {}, |d| d.upc = "0000000000000".into()),
    ("cd-isrc-none", |_| {}, |d| d.tracks[2].isrc.clear()),
    ("cd-catalogue-letters", |_| {}, |d| d.catalogue = "DÜ-1".into()),
    ("cd-text-letters", |d| d.tracks[1].title = "Größe ½".into(), |d| d.tracks[1].title = "Łódź".into()),
    ("cd-title-none", |_| {}, |d| d.tracks[1].title = " ".into()),
    ("cd-title-long", |d| d.title = "x".repeat(80), |d| d.title = "x".repeat(81)),
    ("cd-gap-none", |d| d.tracks[1].index0 = Some(899), |d| d.tracks[1].index0 = None),
    ("cd-hidden", |_| {}, |d| hide(d, 151)),
    ("cd-emphasis", |_| {}, |d| d.tracks[0].pre_emphasis = true),
];

#[test]
fn every_warning_comes_beyond_its_limit_alone() {
    for (at, (code, held, broken)) in WARNS.into_iter().enumerate() {
        let told = |change: Change| {
            let mut disc = plain(3, 8);
            change(&mut disc);
            check(&disc)
        };
        assert!(!told(held).iter().any(|rule| rule.code == code), "{at} {code} at its limit");
        let found = told(broken);
        let rule =
            found.iter().find(|rule| rule.code == code).unwrap_or_else(|| panic!("{at} {code}: {found:?}"));
        assert_eq!(rule.severity, Severity::Warn, "{code}");
        assert!(!rule.text.is_empty() && !rule.source.is_empty() && !rule.mend.is_empty(), "{code}");
    }
}

#[test]
fn a_letter_beyond_latin_1_is_named_with_its_title() {
    let mut disc = plain(3, 8);
    disc.tracks[1].title = "東京 – Čas".into();
    let rule = check(&disc).into_iter().find(|rule| rule.code == "cd-text-letters").unwrap();
    assert_eq!(rule.track, Some(2));
    for said in
        ["title of track 2", "東京 – Čas", "東 (U+6771)", "京 (U+4EAC)", "– (U+2013) as \"-\"", "\"- Cas\""]
    {
        assert!(rule.text.contains(said), "{said}: {}", rule.text);
    }
}

#[test]
fn cd_text_is_refused_when_it_is_longer_than_a_block() {
    // 253 packs with the three of sizes: 250 * 12 bytes of titles, a NUL behind each of the four.
    let mut disc = plain(3, 8);
    disc.performer.clear();
    disc.tracks[2].title.clear();
    let used: usize = disc.tracks.iter().map(|track| track.title.len() + 1).sum();
    disc.title = "x".repeat(250 * 12 - used - 1);
    assert_eq!(cd_text(&disc).len(), 253 * 18);
    assert_eq!(blocks(&disc), Vec::<&str>::new());
    disc.title.push('x');
    assert_eq!(blocks(&disc), ["cd-text-size"]);
}

#[test]
fn the_small_disc_is_what_a_second_writer_made_of_it() {
    let (_room, folder) = set(&small());
    assert_eq!(records(&folder.join("DDPID"), 128), expected("small-DDPID.txt"));
    assert_eq!(records(&folder.join("DDPMS"), 128), expected("small-DDPMS.txt"));
    assert_eq!(records(&folder.join("PQDESCR"), 64), expected("small-PQDESCR.txt"));
    assert_eq!(packs(&fs::read(folder.join("CDTEXT.BIN")).unwrap()), expected("small-CDTEXT.hex"));
    assert_eq!(fs::read_to_string(folder.join("CHECKSUM.MD5")).unwrap(), expected("small-CHECKSUM.MD5"));
    assert_eq!(cue(&small(), "disc.bin"), expected("small.cue"));
    assert_eq!(toc(&small(), "disc.bin"), expected("small.toc"));
    assert_eq!(pq_sheet(&small()), expected("small-pq.txt"));
}

/// What cue2ddp 1.1 writes: the outputs of ddp-reverse-eng's experiments 003 and 005, and the CD-Text that it makes of three titles.
#[test]
fn records_are_those_of_another_writer() {
    let entry = |head: &str, isrc: &str, upc: &str| format!("{head:<20}{isrc:<12}{upc:<32}|\n");
    let one = Disc {
        upc: "0123456789012".into(),
        tracks: vec![track("", "USABC1234567", Some(0), 150, 900)],
        sectors: 900,
        ..Disc::default()
    };
    let (_room, folder) = set(&one);
    let pq = [
        entry("VVVS0000  00000001", "", "0123456789012"),
        entry("VVVS0100  00000001", "USABC1234567", ""),
        entry("VVVS0101  00020001", "", ""),
        entry("VVVSAA01  00120001", "", ""),
        entry("VVVSAA01  00120001", "", ""),
    ];
    assert_eq!(records(&folder.join("PQDESCR"), 64), pq.concat());
    let id = format!("{:<87}{:<41}|\n", "DDP 2.000123456789012", "CD");
    assert_eq!(records(&folder.join("DDPID"), 128), id);
    assert!(!folder.join("CDTEXT.BIN").exists(), "nothing is to be said");

    let two = Disc {
        tracks: vec![track("", "", Some(0), 150, 750), track("", "", Some(750), 900, 1650)],
        sectors: 1650,
        ..Disc::default()
    };
    let (_room, folder) = set(&two);
    let heads = [
        "0000  000000",
        "0100  000000",
        "0101  000200",
        "0200  001000",
        "0201  001200",
        "AA01  002200",
        "AA01  002200",
    ];
    let pq: String = heads.iter().map(|head| entry(&format!("VVVS{head}01"), "", "")).collect();
    assert_eq!(records(&folder.join("PQDESCR"), 64), pq);

    let titles = ["Track One", "Track Two", "Track Three"];
    let tracks = titles.map(|title| track(title, "", None, 0, 0)).to_vec();
    let disc = Disc { title: "Disc".into(), performer: "Artist".into(), tracks, ..Disc::default() };
    assert_eq!(packs(&cd_text(&disc)), expected("cdtext-cue2ddp.hex"));
}

#[test]
fn a_set_is_written_whole_or_not_at_all() {
    let room = tempfile::tempdir().unwrap();
    let (sound, folder) = (room.path().join("sound.raw"), room.path().join("set"));
    let refused = |why: &str| {
        let error = write_ddp(&small(), &sound, &folder).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(!folder.join("DDPID").exists());
    };
    refused("could not be opened");
    image(&sound, 1601);
    refused("1600 sectors are");
    fs::write(&sound, [b"RIFF".to_vec(), vec![0; 1600 * 2352 - 4]].concat()).unwrap();
    refused("head of a file");
    image(&sound, 1600);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("CDTEXT.BIN"), b"of another record").unwrap();
    refused("CDTEXT.BIN already");
    fs::remove_file(folder.join("CDTEXT.BIN")).unwrap();
    image(&folder.join("IMAGE.DAT"), 1600);
    refused("IMAGE.DAT already");
    fs::remove_file(folder.join("IMAGE.DAT")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&sound, folder.join("IMAGE.DAT")).unwrap();
        refused("IMAGE.DAT already");
        fs::remove_file(folder.join("IMAGE.DAT")).unwrap();
    }

    let files = write_ddp(&small(), &sound, &folder).unwrap();
    let names: Vec<String> =
        files.iter().map(|path| path.file_name().unwrap().to_string_lossy().into()).collect();
    assert_eq!(names, ["DDPID", "DDPMS", "CDTEXT.BIN", "PQDESCR", "IMAGE.DAT", "CHECKSUM.MD5"]);
    assert_eq!(fs::read(folder.join("IMAGE.DAT")).unwrap(), fs::read(&sound).unwrap());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), names.len());
    if has("md5sum") {
        let done = Command::new("md5sum")
            .args(["--strict", "-c", "CHECKSUM.MD5"])
            .current_dir(&folder)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

#[test]
fn an_image_in_its_place_stays_there_and_the_bytes_are_the_same() {
    let (_first, one) = set(&small());
    let room = tempfile::tempdir().unwrap();
    let two = room.path().join("set");
    fs::create_dir(&two).unwrap();
    image(&two.join("IMAGE.DAT"), 1600);
    for path in write_ddp(&small(), &two.join("IMAGE.DAT"), &two).unwrap() {
        let name = path.file_name().unwrap();
        assert!(fs::read(&path).unwrap() == fs::read(one.join(name)).unwrap(), "{}", path.display());
    }
}

#[test]
fn titles_of_every_kind_leave_sheets_that_can_be_read() {
    let mut disc = plain(3, 8);
    disc.title = "\"Live\" at \"Ü\" \\".into();
    disc.tracks[0].title = "line\nbreak\tand\0nul".into();
    disc.tracks[1].title = "🎸🎸".into();
    disc.tracks[2].title = String::new();
    let sheet = cue(&disc, "disc.bin");
    assert!(sheet.contains("TITLE \"'Live' at 'Ü' /\"\n"), "{sheet}");
    assert!(sheet.contains("    TITLE \"line break and nul\"\n") && sheet.contains("🎸🎸"), "{sheet}");
    assert_eq!(sheet.matches("TITLE").count(), 3, "an empty title has no line");
    let list = toc(&disc, "Größe.wav");
    assert!(list.is_ascii() && list.contains(r#"TITLE "\"Live\" at \"\334\" \134""#), "{list}");
    assert!(
        list.contains(r#"AUDIOFILE "Gr\303\266\303\237e.wav" 00:02:00"#),
        "a WAV file is not swapped: {list}"
    );
    assert_eq!(list.matches("TITLE \"\"").count(), 2, "what one has all have: {list}");
    assert!(pq_sheet(&disc).contains("\"Live\" at \"Ü\" \\\n"));
}

#[test]
fn places_in_frames_become_sectors_or_are_refused() {
    let track = DiscTrack::placed(0, 150 * 588, 450 * 588).unwrap();
    assert_eq!((track.index0, track.index1, track.end), (Some(0), 150, 450));
    assert_eq!(DiscTrack::placed(588, 588, 1176).unwrap().index0, None, "no pause");
    for (index0, index1, end) in
        [(1, 588, 1176), (0, 589, 1176), (0, 588, 1177), (0, 588, u64::MAX / 588 * 588)]
    {
        assert_eq!(DiscTrack::placed(index0, index1, end), None, "{index0} {index1} {end}");
    }
}

/// A disc that holds every rule: a pause or none before each track, and each at least four seconds long.
fn right_disc() -> impl Strategy<Value = Disc> {
    let tracks = prop::collection::vec(
        (prop::option::of(1u32..1000), 300u32..3600, "[A-Za-z0-9 äé'\"]{0,20}"),
        1..=99,
    );
    (150u32..=9_999, tracks).prop_map(|(pause, parts)| {
        let mut disc = Disc { upc: "036000291452".into(), ..Disc::default() };
        let mut at = 0;
        for (n, (gap, length, title)) in parts.into_iter().enumerate() {
            let gap = if n == 0 { Some(pause) } else { gap };
            let (index0, index1) = (gap.map(|_| at), at + gap.unwrap_or(0));
            if index1 + length > LONGEST {
                break;
            }
            at = index1 + length;
            disc.tracks.push(track(&title, &format!("DEA0107{n:05}"), index0, index1, at));
        }
        disc.sectors = at;
        disc
    })
}

/// The texts of one type, read as a player does: packs in their numbers, each with its checksum, payloads joined and cut at every NUL.
fn texts_of(kind: u8, text: &[u8]) -> Vec<Vec<u8>> {
    let mut joined: Vec<u8> = Vec::new();
    for (number, pack) in text.chunks(18).enumerate() {
        let mut sum = 0u32;
        for byte in &pack[..16] {
            sum ^= u32::from(*byte) << 8;
            (0..8).for_each(|_| sum = (sum << 1) ^ if sum & 0x8000 == 0 { 0 } else { 0x1_1021 });
        }
        assert_eq!(sum ^ 0xFFFF, u32::from(pack[16]) << 8 | u32::from(pack[17]));
        assert_eq!(usize::from(pack[2]), number % 256);
        if pack[0] == kind {
            let ends = joined.iter().filter(|byte| **byte == 0).count();
            assert_eq!(usize::from(pack[1]), ends, "the track of the first byte");
            let place = joined.iter().rev().take_while(|byte| **byte != 0).count();
            assert_eq!(usize::from(pack[3]), place.min(15), "its place in that text");
            joined.extend(&pack[4..16]);
        }
    }
    joined.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
}

fn sectors(time: &str) -> u32 {
    let parts: Vec<u32> = time.trim().split(':').map(|part| part.parse().unwrap()).collect();
    (parts[0] * 60 + parts[1]) * 75 + parts[2]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn discs_that_hold_the_rules_pass(disc in right_disc()) {
        let too_long = ["cd-text-size"];
        prop_assert!(blocks(&disc).iter().all(|code| too_long.contains(code)), "{:?}", check(&disc));
        let sheet = cue(&disc, "disc.bin");
        let times: Vec<u32> = sheet.lines().filter_map(|line| line.trim().strip_prefix("INDEX ")).map(|rest| sectors(&rest[3..])).collect();
        prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{sheet}");
        let places: Vec<u32> = disc.tracks.iter().flat_map(|track| track.index0.into_iter().chain([track.index1])).collect();
        prop_assert_eq!(times, places);
        // The parts of the TOC file, one behind the other, are the whole image but for its first two seconds.
        let list = toc(&disc, "disc.bin");
        let mut at = 150;
        for line in list.lines().filter_map(|line| line.strip_prefix("AUDIOFILE \"disc.bin\" SWAP ")) {
            let (start, length) = line.split_once(' ').unwrap();
            prop_assert_eq!(sectors(start), at);
            at += sectors(length);
        }
        prop_assert_eq!(at, disc.sectors);
    }

    #[test]
    fn cd_text_says_what_the_rule_makes_of_the_titles(
        titles in prop::collection::vec("\\PC{0,40}", 1..30),
        performer in "[ -~éü東’]{0,30}",
    ) {
        let tracks = titles.iter().map(|title| track(title, "", None, 0, 0)).collect();
        let disc = Disc { title: titles[0].clone(), performer: performer.clone(), tracks, ..Disc::default() };
        let text = cd_text(&disc);
        let wanted: Vec<Vec<u8>> = titles[..1].iter().chain(&titles).map(|title| latin(title).bytes).collect();
        if wanted.iter().any(|title| !title.is_empty()) {
            prop_assert_eq!(&texts_of(0x80, &text)[..wanted.len()], &wanted);
        }
        let performer = latin(&performer).bytes;
        if !performer.is_empty() {
            prop_assert_eq!(&texts_of(0x81, &text)[..wanted.len()], &vec![performer; wanted.len()]);
        }
    }

    #[test]
    fn no_disc_ends_the_program(
        words in prop::collection::vec(any::<String>(), 0..130),
        places in prop::collection::vec((any::<Option<u32>>(), any::<u32>(), any::<u32>()), 0..130),
        sectors in any::<u32>(),
    ) {
        let word = |at: usize| words.get(at % words.len().max(1)).cloned().unwrap_or_default();
        let tracks = places.into_iter().enumerate().map(|(at, (index0, index1, end))| DiscTrack {
            title: word(at), performer: word(at + 1), isrc: word(at + 2), index0, index1, end,
            copy_permitted: index1 % 2 == 0, pre_emphasis: end % 2 == 0,
        });
        let disc = Disc { title: word(0), performer: word(1), upc: word(2), catalogue: word(3), tracks: tracks.collect(), sectors };
        check(&disc);
        pq_sheet(&disc);
        prop_assert!(toc(&disc, "disc.bin").is_ascii());
        for line in cue(&disc, "disc.bin").lines() {
            prop_assert!(matches!(line.matches('"').count(), 0 | 2) && !line.contains('\\'), "{line:?}");
        }
        let text = cd_text(&disc);
        prop_assert_eq!(text.len() % 18, 0);
    }
}
