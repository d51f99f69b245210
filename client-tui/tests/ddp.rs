//! A DDP-compatible folder is read and checked: a sound set has no fault, every rule is broken once, and no bytes that somebody sends do harm. The sets are
//! made by hand in `ddp_set`.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod ddp_hostile;
mod ddp_set;

use std::{path::Path, process::Command};

use ddp_set::{AT, Files, ISRCS, PERFORMERS, SUMS, TITLES, UPC, lay, put, sound_set};
use deadwax_client::ddp::{self, Report, Severity, rules};
use serde_json::Value;

/// What `FIELD` names is at its place in the two records of the map and the descriptor.
const TEXT: usize = 0;
const PQ: usize = 128;
const IMAGE: usize = 256;

fn codes(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|it| it.code).collect()
}

/// A folder with a sound set, and what lies in it.
fn room() -> (tempfile::TempDir, Files) {
    let folder = tempfile::tempdir().unwrap();
    let mut there = Files::new();
    lay(folder.path(), &sound_set(), &mut there);
    (folder, there)
}

#[test]
fn a_sound_set_is_read_as_it_was_meant_and_has_no_fault() {
    let (folder, _) = room();
    let report = ddp::check(folder.path());
    assert_eq!(report.findings, []);
    assert!(report.passed());
    assert_eq!(report.files, 5);
    let set = ddp::read(folder.path()).unwrap();
    assert_eq!(set, report.set);
    assert_eq!((set.level.as_str(), set.upc.as_str(), set.master_id.as_str()), ("DDP 2.00", UPC, "CAT-001"));
    assert_eq!((set.title.as_str(), set.performer.as_str(), set.cd_text), (TITLES[0], PERFORMERS[0], true));
    assert_eq!(
        (set.sectors, set.image.name.as_str(), set.image.bytes),
        (AT[3], "IMAGE.DAT", u64::from(AT[3]) * 2352)
    );
    assert_eq!(set.checksums.len(), 5);
    let [one, two] = set.tracks.as_slice() else { panic!("{} tracks", set.tracks.len()) };
    assert_eq!(
        (one.number, one.index0, one.index1, one.end, one.next_start),
        (1, Some(0), AT[0], AT[1], AT[2])
    );
    assert_eq!(
        (two.number, two.index0, two.index1, two.end, two.next_start),
        (2, Some(AT[1]), AT[2], AT[3], AT[3])
    );
    assert_eq!([one.isrc.as_str(), two.isrc.as_str()], ISRCS);
    assert_eq!([one.title.as_str(), two.title.as_str()], [TITLES[1], TITLES[2]]);
    assert_eq!([one.performer.as_str(), two.performer.as_str()], [PERFORMERS[1], PERFORMERS[2]]);
}

/// The records that stand in the public description, as the tool cue2ddp 1.1 wrote them: numbers with spaces, the PQ descriptor called SD, SCR 1.
#[test]
fn what_another_tool_wrote_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let pad = |text: &str, bytes: usize| format!("{text:bytes$}");
    let id = pad("DDP 2.000123456789012", 87) + &pad("CD", 41);
    let map = [
        pad("VVVMS0             448        PQ DESCR                                  17SD", 128),
        pad("VVVMD0            1650                DA71     150                      17IMAGE.DAT", 128),
    ];
    let pq = [
        "VVVS0000  00000001              0123456789012",
        "VVVS0100  00000001  USABC1234567",
        "VVVS0101  00020001",
        "VVVS0200  00100001",
        "VVVS0201  00120001",
        "VVVSAA01  00220001",
        "VVVSAA01  00220001",
    ];
    std::fs::write(folder.path().join("DDPID"), id).unwrap();
    std::fs::write(folder.path().join("DDPMS"), map.concat()).unwrap();
    std::fs::write(folder.path().join("SD"), pq.map(|line| pad(line, 64)).concat()).unwrap();
    std::fs::File::create(folder.path().join("IMAGE.DAT")).unwrap().set_len(1650 * 2352).unwrap();
    let report = ddp::check(folder.path());
    assert_eq!(codes(&report), ["SUM_NONE", "ISRC_NONE", "IMAGE_SILENT", "IMAGE_SILENT"]);
    let starts: Vec<_> = report.set.tracks.iter().map(|it| (it.index0, it.index1, it.end)).collect();
    assert_eq!(starts, [(Some(0), 150, 750), (Some(750), 900, 1650)]);
    assert_eq!(report.set.tracks[0].isrc, "USABC1234567");
    assert!(!report.set.cd_text);
}

/// One byte more or less in the packets of the PQ descriptor.
fn pq(files: &mut Files, packet: usize, at: usize, bytes: &[u8]) {
    put(files, "PQDESCR", packet * 64 + at, bytes);
}

fn pq_at(files: &mut Files, packet: usize, sector: u32) {
    pq(files, packet, 10, ddp_set::time(sector).as_bytes());
}

/// The packets that are left when these are taken out; the map is told.
fn pq_without(files: &mut Files, packets: &[usize]) {
    let old = files["PQDESCR"].clone();
    let left =
        old.chunks(64).enumerate().filter(|(at, _)| !packets.contains(at)).flat_map(|(_, it)| it.to_vec());
    pq_becomes(files, left.collect());
}

fn pq_becomes(files: &mut Files, bytes: Vec<u8>) {
    put(files, "DDPMS", PQ + 14, format!("{:>8}", bytes.len()).as_bytes());
    files.insert("PQDESCR".into(), bytes);
}

fn text_becomes(files: &mut Files, bytes: Vec<u8>) {
    put(files, "DDPMS", TEXT + 14, format!("{:>8}", bytes.len()).as_bytes());
    files.insert("CDTEXT.BIN".into(), bytes);
}

/// A byte of a pack, with a true checksum.
fn pack(files: &mut Files, at: usize, byte: u8) {
    put(files, "CDTEXT.BIN", at, &[byte]);
    ddp_set::repack(files.get_mut("CDTEXT.BIN").unwrap());
}

fn retext(files: &mut Files, kind: usize, track: usize, text: &[u8]) {
    let mut texts = ddp_set::texts();
    texts[kind].1[track] = text.to_vec();
    text_becomes(files, ddp_set::cd_text(&texts));
}

fn twice(files: &mut Files, packet: usize, name: &str) {
    let mut copy = files["DDPMS"][packet..packet + 128].to_vec();
    copy[74..91].copy_from_slice(format!("{name:17}").as_bytes());
    files.get_mut("DDPMS").unwrap().extend(copy);
    let there = if packet == IMAGE { "IMAGE.DAT" } else { "PQDESCR" };
    files.insert(name.into(), files[there].clone());
}

fn rename(files: &mut Files, from: &str, to: &str) {
    let bytes = files.remove(from).unwrap();
    files.insert(to.into(), bytes);
}

type Break = (&'static str, fn(&mut Files));

/// The identifier and the map.
const RECORDS: &[Break] = &[
    ("FILE_MISSING", |f| drop(f.remove("PQDESCR"))),
    ("FILE_EMPTY", |f| drop(f.insert("PQDESCR".into(), Vec::new()))),
    ("FILE_TOO_LARGE", |f| drop(f.insert("DDPID".into(), vec![b' '; 5000]))),
    ("FILE_FOREIGN", |f| drop(f.insert("old.wav".into(), vec![1; 50]))),
    ("NAME_CASE", |f| rename(f, "PQDESCR", "pqdescr")),
    ("ID_LENGTH", |f| f.get_mut("DDPID").unwrap().truncate(100)),
    ("ID_LEVEL", |f| put(f, "DDPID", 0, b"DDP 9.99")),
    ("ID_LEVEL_OTHER", |f| put(f, "DDPID", 0, b"DDP 1.01")),
    ("ID_TYPE", |f| put(f, "DDPID", 87, b"DV")),
    ("ID_FIELD", |f| put(f, "DDPID", 89, b"1")),
    ("FIELD_NOT_ASCII", |f| put(f, "DDPID", 45, &[0xE9])),
    ("MAP_LENGTH", |f| f.get_mut("DDPMS").unwrap().extend([b' '; 5])),
    ("MAP_PACKET", |f| put(f, "DDPMS", TEXT, b"VVVX")),
    ("MAP_PADDING", |f| f.get_mut("DDPMS").unwrap().extend([0; 128])),
    ("MAP_STREAM", |f| put(f, "DDPMS", TEXT + 4, b"D2")),
    ("MAP_SUBCODE", |f| put(f, "DDPMS", TEXT + 30, b"RW24XX")),
    ("MAP_NUMBER", |f| put(f, "DDPMS", PQ + 14, b"    44x8")),
    ("MAP_NAME", |f| put(f, "DDPMS", IMAGE + 74, b"../IMAGE.DAT")),
    ("MAP_NAME_CHARS", |f| {
        put(f, "DDPMS", PQ + 74, b"Pq descr");
        rename(f, "PQDESCR", "Pq descr");
    }),
    ("MAP_NAME_SIZE", |f| put(f, "DDPMS", PQ + 71, b"012")),
    ("MAP_NAME_TWICE", |f| put(f, "DDPMS", TEXT + 74, b"PQDESCR   ")),
    ("MAP_FIELD", |f| put(f, "DDPMS", IMAGE + 6, b"00000001")),
    ("MAP_NO_IMAGE", |f| put(f, "DDPMS", IMAGE + 4, b"T2")),
    ("MAP_IMAGES", |f| twice(f, IMAGE, "IMAGE2.DAT")),
    ("MAP_NO_PQ", |f| put(f, "DDPMS", PQ + 30, b"CDTEXT  ")),
    ("MAP_PQS", |f| twice(f, PQ, "PQ2")),
    ("MAP_CDTEXTS", |f| twice(f, TEXT, "CDTEXT2.BIN")),
    ("MAP_MODE", |f| put(f, "DDPMS", IMAGE + 38, b"10")),
    ("MAP_STORAGE", |f| put(f, "DDPMS", IMAGE + 40, b"8")),
    ("MAP_STORAGE_ODD", |f| put(f, "DDPMS", IMAGE + 40, b"0")),
    ("MAP_SCRAMBLED", |f| put(f, "DDPMS", IMAGE + 41, b"x")),
    ("MAP_START", |f| put(f, "DDPMS", IMAGE + 22, b"00000150")),
    ("MAP_FILE_LENGTH", |f| put(f, "DDPMS", PQ + 14, b"     449")),
    ("PREGAP_CLAIM", |f| put(f, "DDPMS", IMAGE + 46, b" 151")),
    ("IMAGE_SECTORS", |f| f.get_mut("IMAGE.DAT").unwrap().truncate(AT[3] as usize * 2352 - 4)),
    ("IMAGE_HEADER", |f| put(f, "IMAGE.DAT", 0, b"RIFF")),
    ("IMAGE_BYTE_ORDER", |f| {
        f.get_mut("IMAGE.DAT").unwrap().chunks_exact_mut(2).for_each(|it| it.swap(0, 1))
    }),
    ("IMAGE_SILENT", |f| f.get_mut("IMAGE.DAT").unwrap()[AT[2] as usize * 2352..].fill(0)),
];

/// The PQ descriptor and the disc.
const DISC: &[Break] = &[
    ("PQ_LENGTH", |f| f.get_mut("PQDESCR").unwrap().extend([b' '; 3])),
    ("PQ_PACKET", |f| pq(f, 2, 0, b"VVVM")),
    ("PQ_PADDING", |f| f.get_mut("PQDESCR").unwrap().extend([b' '; 64])),
    ("PQ_TRACK", |f| pq(f, 4, 4, b"1A")),
    ("PQ_INDEX", |f| pq(f, 4, 6, b"1 ")),
    ("PQ_TIME", |f| pq(f, 4, 10, b"000675")),
    ("PQ_CONTROL", |f| pq(f, 4, 16, b"02")),
    ("PQ_DATA", |f| pq(f, 4, 16, b"41")),
    ("PQ_CONTROL_DIFFERS", |f| pq(f, 2, 16, b"21")),
    ("PQ_CONTROL_DISPUTED", |f| pq(f, 2, 16, b"A1")),
    ("PQ_COPY", |f| pq(f, 2, 16, b"2S")),
    ("PRE_EMPHASIS", |f| pq(f, 1, 16, b"11")),
    ("FOUR_CHANNEL", |f| pq(f, 1, 16, b"81")),
    ("PQ_LEAD_IN", |f| pq_without(f, &[0])),
    ("PQ_LEAD_OUT", |f| pq_without(f, &[5, 6])),
    ("PQ_LEAD_OUT_ONCE", |f| pq_without(f, &[6])),
    ("PQ_AFTER", |f| {
        let more = [f["PQDESCR"].clone(), ddp_set::pq("03", "01", AT[3] + 400, "", "")].concat();
        pq_becomes(f, more);
    }),
    ("PQ_FIELD", |f| pq(f, 2, 18, b"01")),
    ("TRACKS_NONE", |f| pq_without(f, &[1, 2, 3, 4])),
    ("TRACK_ORDER", |f| (3..5).for_each(|at| pq(f, at, 4, b"03"))),
    ("TRACK_NO_START", |f| pq_without(f, &[4])),
    ("INDEX_ORDER", |f| pq(f, 4, 6, b"02")),
    ("TIMES_RISE", |f| pq_at(f, 3, 149)),
    ("INDEX1_SOON", |f| pq_at(f, 4, AT[1])),
    ("FIRST_INDEX0", |f| pq_at(f, 1, 1)),
    ("FIRST_PAUSE", |f| pq_at(f, 2, 149)),
    ("TRACK_SHORT", |f| [(3, 440), (4, 449)].into_iter().for_each(|(packet, at)| pq_at(f, packet, at))),
    ("TRACK_SHORT_SOUND", |f| pq_at(f, 3, 449)),
    ("DISC_LONG", |f| (5..7).for_each(|at| pq_at(f, at, (79 * 60 + 57) * 75 + 1))),
    ("LEAD_OUT", |f| (5..7).for_each(|at| pq_at(f, at, AT[3] + 1))),
    ("ISRC_FORM", |f| (3..5).for_each(|at| pq(f, at, 20, b"dea121700002"))),
    ("ISRC_TWICE", |f| (3..5).for_each(|at| pq(f, at, 20, ISRCS[0].as_bytes()))),
    ("ISRC_NONE", |f| pq(f, 1, 20, &[b' '; 12])),
    ("ISRC_DIFFERS", |f| pq(f, 4, 20, b"DEA121700003")),
    ("ISRC_PLACE", |f| pq(f, 0, 20, ISRCS[0].as_bytes())),
    ("UPC_FORM", |f| put(f, "DDPID", 8, b"40063813339  ")),
    ("UPC_CHECK", |f| put(f, "DDPID", 8, b"4006381333932")),
    ("UPC_NONE", |f| {
        put(f, "DDPID", 8, &[b' '; 13]);
        pq(f, 0, 32, &[b' '; 13]);
    }),
    ("UPC_DIFFERS", |f| put(f, "DDPID", 8, b"0036000291452")),
    ("UPC_ONE_PLACE", |f| pq(f, 0, 32, &[b' '; 13])),
];

const CD_TEXT: &[Break] = &[
    ("CDTEXT_LENGTH", |f| f.get_mut("CDTEXT.BIN").unwrap().truncate(100)),
    ("CDTEXT_TAIL", |f| f.get_mut("CDTEXT.BIN").unwrap().push(0)),
    ("CDTEXT_HEADER", |f| {
        let packs = [vec![0, 200, 0, 0], f["CDTEXT.BIN"].clone()].concat();
        text_becomes(f, packs);
    }),
    ("CDTEXT_TYPE", |f| pack(f, 0, 0x8B)),
    ("CDTEXT_CRC", |f| put(f, "CDTEXT.BIN", 17, &[0])),
    ("CDTEXT_SEQUENCE", |f| pack(f, 18 + 2, 7)),
    ("CDTEXT_BLOCK", |f| pack(f, 3, 0x20)),
    ("CDTEXT_ORDER", |f| pack(f, 0, 0x81)),
    ("CDTEXT_POSITION", |f| pack(f, 18 + 3, 14)),
    ("CDTEXT_SIZES", |f| {
        let at = f["CDTEXT.BIN"].len() - 54 + 8;
        pack(f, at, 9);
    }),
    ("CDTEXT_TRACKS", |f| {
        let at = f["CDTEXT.BIN"].len() - 54 + 6;
        pack(f, at, 3);
    }),
    ("CDTEXT_ENCODING", |f| {
        let at = f["CDTEXT.BIN"].len() - 54 + 4;
        pack(f, at, 0x80);
    }),
    // A quotation mark of another character set, and UTF-8.
    ("CDTEXT_CHARS", |f| retext(f, 0, 1, b"Don\x92t")),
    ("CDTEXT_CHARS", |f| retext(f, 0, 1, "Café".as_bytes())),
    ("CDTEXT_LONG", |f| retext(f, 0, 1, &[b'a'; 161])),
    ("CDTEXT_TITLE", |f| retext(f, 0, 2, b"")),
    ("CDTEXT_DISC", |f| retext(f, 1, 0, b"")),
    ("CDTEXT_ISRC", |f| retext(f, 2, 2, b"DEA121700009")),
    ("CDTEXT_UPC", |f| retext(f, 2, 0, b"0036000291452")),
];

/// These break the checksums themselves.
const CHECKSUMS: &[Break] = &[
    ("SUM_NONE", |f| drop(f.remove(SUMS))),
    ("SUM_NONE", |f| drop(f.insert(SUMS.into(), b"; nothing yet\n".to_vec()))),
    ("SUM_LINE", |f| f.get_mut(SUMS).unwrap().extend(b"hello\n")),
    ("SUM_MISSING", |f| {
        drop(f.get_mut(SUMS).unwrap().drain(.."187970110683c92c25bdb82256354780 *CDTEXT.BIN\n".len()))
    }),
    ("SUM_COMPANION", |f| drop(f.insert("SHEET.TXT".into(), b"for people".to_vec()))),
    ("SUM_ABSENT", |f| f.get_mut(SUMS).unwrap().extend(b"187970110683c92c25bdb82256354780 *GONE\n")),
    ("SUM_FALSE", |f| put(f, SUMS, 0, b"00000000")),
    ("NAME_CASE", |f| put(f, SUMS, 34, b"c")),
    ("SUM_FALSE", |f| put(f, "IMAGE.DAT", 1_000_001, b"x")),
    ("SUM_WEAK", |f| {
        let all = f.iter().filter(|(name, _)| *name != SUMS);
        let lines: String =
            all.map(|(name, bytes)| format!("{name}={:08X}\r\n", crc32fast::hash(bytes))).collect();
        f.insert(SUMS.into(), format!("[CRC32 Checksum]\r\n{lines}").into_bytes());
    }),
];

/// What the operating system must help with, each in a test of its own. A file that may not be read cannot be made where tests run as root.
const ELSEWHERE: [&str; 6] =
    ["FOLDER_UNREADABLE", "FOLDER_CROWDED", "FOLDER_INSIDE", "FILE_LINK", "FILE_SPECIAL", "FILE_UNREADABLE"];

fn each_is_told(cases: &[Break], sums_too: bool) {
    let (folder, mut there) = room();
    let sound = there.clone();
    for (code, break_it) in cases {
        let mut files = sound.clone();
        break_it(&mut files);
        if !sums_too {
            ddp_set::resum(&mut files);
        }
        lay(folder.path(), &files, &mut there);
        let report = ddp::check(folder.path());
        let found = report.findings.iter().find(|it| it.code == *code);
        let found = found.unwrap_or_else(|| panic!("{code} is not told, but {:?}", codes(&report)));
        assert_eq!(
            report.passed(),
            !report.findings.iter().any(|it| it.severity == Severity::Block),
            "{code}"
        );
        assert!(!(found.severity == Severity::Block && report.passed()), "{code}");
    }
    lay(folder.path(), &sound, &mut there);
    assert_eq!(ddp::check(folder.path()).findings, []);
}

#[test]
fn every_rule_of_the_records_is_told() {
    each_is_told(RECORDS, false);
}

#[test]
fn every_rule_of_the_disc_is_told() {
    each_is_told(DISC, false);
}

#[test]
fn every_rule_of_the_text_is_told() {
    each_is_told(CD_TEXT, false);
}

#[test]
fn every_rule_of_the_checksums_is_told() {
    each_is_told(CHECKSUMS, true);
}

#[test]
fn no_rule_is_left_untried() {
    let tried: Vec<&str> =
        [RECORDS, DISC, CD_TEXT, CHECKSUMS].concat().iter().map(|(code, _)| *code).collect();
    for rule in rules::ALL {
        assert!(
            tried.contains(&rule.code) || ELSEWHERE.contains(&rule.code),
            "{} is broken by no case",
            rule.code
        );
    }
}

/// Differences between writers that are no fault.
#[test]
fn what_writers_do_differently_is_no_fault() {
    let (folder, mut there) = room();
    let sound = there.clone();
    let cases: &[fn(&mut Files)] = &[
        // Zeros before numbers, and the start of the image written out.
        |f| {
            put(f, "DDPMS", IMAGE + 14, b"00000850");
            put(f, "DDPMS", IMAGE + 22, b"00000000");
            put(f, "DDPMS", IMAGE + 71, b"017");
        },
        |f| put(f, "DDPMS", IMAGE + 41, b"1"),
        |f| put(f, "DDPMS", TEXT + 55, b"00"),
        |f| put(f, "DDPID", 86, b"O"),
        // The code at every packet, the ISRC at every index, hours as zeros.
        |f| (1..7).for_each(|packet| pq(f, packet, 32, UPC.as_bytes())),
        |f| pq(f, 2, 20, ISRCS[0].as_bytes()),
        |f| (0..7).for_each(|packet| pq(f, packet, 8, b"00")),
        // Without CD-Text.
        |f| {
            f.remove("CDTEXT.BIN");
            f.get_mut("DDPMS").unwrap().drain(..128);
        },
        // Copies permitted, on all of a track.
        |f| (1..3).for_each(|packet| pq(f, packet, 16, b"21")),
        // The second track without a pause.
        |f| pq_without(f, &[3]),
    ];
    for (at, change) in cases.iter().enumerate() {
        let mut files = sound.clone();
        change(&mut files);
        ddp_set::resum(&mut files);
        lay(folder.path(), &files, &mut there);
        assert_eq!(codes(&ddp::check(folder.path())), [""; 0], "case {at}");
    }
    let mut files = sound.clone();
    let text = String::from_utf8(files[SUMS].clone()).unwrap().replace('\n', "\r\n").replace(" *", "  ");
    files.remove(SUMS);
    files.insert("MD5_CHECKSUM.MD5".into(), text.into_bytes());
    lay(folder.path(), &files, &mut there);
    assert_eq!(codes(&ddp::check(folder.path())), [""; 0]);
}

#[test]
fn a_upc_of_twelve_digits_is_that_of_thirteen() {
    let (folder, mut there) = room();
    let mut files = there.clone();
    put(&mut files, "DDPID", 8, b"036000291452 ");
    pq(&mut files, 0, 32, b"0036000291452");
    retext(&mut files, 2, 0, b"036000291452");
    ddp_set::resum(&mut files);
    lay(folder.path(), &files, &mut there);
    assert_eq!(codes(&ddp::check(folder.path())), [""; 0]);
}

fn deadwax(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deadwax"));
    let output = command
        .args(args)
        .current_dir(folder)
        .env("DEADWAX_HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_verbs_tell_it_to_people_and_to_programs() {
    let (folder, mut there) = room();
    let (code, text, _) = deadwax(folder.path(), &["ddp", "check", "."]);
    assert_eq!((code, text.contains("DDP-compatible): fine")), (0, true), "{text}");
    let (code, text, _) = deadwax(folder.path(), &["ddp", "show", "."]);
    assert_eq!(code, 0);
    let wanted = [
        "Night Drive, The Testers  (DDP 2.00, UPC 4006381333931)",
        "tr  INDEX 0   INDEX 1   length    ISRC          title                 performer",
        "01  00:00:00  00:02:00  00:04:05  DEA121700001  Rear Mirror Of Glass  The Testers",
        "02  00:06:05  00:06:20  00:05:05  DEA121700002  Caf\u{e9} Lights           Ana",
        "2 track(s), 00:11:25 in all: 850 sectors in IMAGE.DAT.",
    ];
    assert_eq!(text.trim_end().lines().collect::<Vec<_>>(), wanted);
    let (_, text, _) = deadwax(folder.path(), &["--json", "ddp", "show", "."]);
    let told: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (told.len(), &told[0]["disc"]["upc"], &told[2]["track"]["index1"]),
        (3, &UPC.into(), &AT[2].into())
    );

    let mut files = there.clone();
    pq(&mut files, 4, 20, ISRCS[0].as_bytes());
    lay(folder.path(), &files, &mut there);
    let (code, text, _) = deadwax(folder.path(), &["ddp", "check", ".", "--json"]);
    assert_eq!(code, 1);
    let told: Value = serde_json::from_str(text.trim_end()).unwrap();
    let codes: Vec<&str> =
        told["findings"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
    assert_eq!((codes, &told["passed"]), (vec!["ISRC_DIFFERS", "SUM_FALSE"], &false.into()));
    for key in ["severity", "code", "file", "track", "text", "source", "mend"] {
        assert!(told["findings"][0].get(key).is_some(), "{key}");
    }

    for args in [["ddp", "check", "nowhere"], ["ddp", "show", "nowhere"], ["ddp", "show", "home"]] {
        std::fs::create_dir_all(folder.path().join("home")).unwrap();
        let (code, out, err) = deadwax(folder.path(), &args);
        assert_eq!((code, out.as_str(), err.is_empty()), (3, "", false), "{args:?}");
    }
    assert_eq!(deadwax(folder.path(), &["ddp", "check"]).0, 2);
    assert_eq!(deadwax(folder.path(), &["ddp", "check", "home"]).0, 1, "an empty folder is no set");
}

/// A WAV of 32-bit floats: what stands behind its header.
fn floats(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let data = bytes.windows(4).position(|it| it == b"data").unwrap() + 8;
    bytes[data..].chunks_exact(4).map(|it| f32::from_le_bytes([it[0], it[1], it[2], it[3]])).collect()
}

#[test]
fn what_is_played_is_the_image_sample_by_sample() {
    let (folder, there) = room();
    let out = folder.path().join("out.wav");
    let wanted = |sectors: std::ops::Range<u32>| -> Vec<f32> {
        let bytes = &there["IMAGE.DAT"][sectors.start as usize * 2352..sectors.end as usize * 2352];
        bytes.chunks_exact(2).map(|it| f32::from(i16::from_le_bytes([it[0], it[1]])) / 32_768.0).collect()
    };
    let (code, _, err) = deadwax(folder.path(), &["ddp", "play", ".", "--to", "out.wav"]);
    assert_eq!(code, 0, "{err}");
    assert!(floats(&out) == wanted(0..AT[3]), "the whole image, pauses too");
    let (code, _, err) = deadwax(folder.path(), &["ddp", "play", ".", "--track", "2", "--to", "out.wav"]);
    assert_eq!(code, 0, "{err}");
    assert!(floats(&out) == wanted(AT[2]..AT[3]), "the second track");
    let (code, _, err) = deadwax(folder.path(), &["ddp", "play", ".", "--track", "3", "--to", "out.wav"]);
    assert_eq!((code, err.contains("the disc has 2")), (2, true), "{err}");
}
