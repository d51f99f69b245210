//! Plans: the files of the good record in every profile, sizes beside what the writer writes, names of titles from all over the world.

use std::collections::BTreeSet;

use deadwax_dsp::{
    Block,
    profile::{Kind, Plan, RecordSheet, plan, side_sheet},
    write::{AudioWriter, Cover, Encoding, tag},
};
use proptest::prelude::*;

use crate::sample::{profile, sheet, table};

fn planned(name: &str) -> Plan {
    plan(&profile(name), &sheet())
}

/// The plan as it was read and found right. A table of another profile or date is written by hand from what the test prints.
fn held(name: &str, wanted: &str) {
    let found = table(&planned(name));
    assert!(found == wanted, "{name} is now:\n{found}");
}

#[test]
fn streaming() {
    held("streaming", include_str!("streaming.txt"));
}

#[test]
fn hi_res() {
    held("hi-res", include_str!("hi-res.txt"));
}

#[test]
fn cd() {
    held("cd", include_str!("cd.txt"));
}

#[test]
fn vinyl() {
    held("vinyl-toss", include_str!("vinyl-toss.txt"));
}

#[test]
fn sync() {
    held("sync", include_str!("sync.txt"));
}

#[test]
fn archive() {
    held("archive", include_str!("archive.txt"));
}

#[test]
fn reference() {
    held("reference", include_str!("reference.txt"));
}

#[test]
fn tracks_and_sides_are_cut_so_that_nothing_is_lost() {
    let frames = |name: &str, kind: Kind| -> u64 {
        planned(name).files.iter().filter(|it| it.kind == kind).map(|it| it.frames).sum()
    };
    // Four songs and 5.5 s of gaps, 96 kHz.
    assert_eq!(frames("streaming", Kind::Track), (770_000 + 5_500) * 96);
    assert_eq!(frames("vinyl-toss", Kind::Side), (770_000 + 5_500) * 96);
    assert_eq!(frames("archive", Kind::Whole), (770_000 + 5_500) * 96);
    let disc = frames("cd", Kind::DdpImage);
    let sound = 777_500 * 441 / 10;
    assert!(disc.is_multiple_of(588) && (sound..sound + 588).contains(&disc), "{disc}");
}

#[test]
fn a_hidden_song_is_no_track_and_lies_before_the_first() {
    let mut sheet = sheet();
    sheet.songs[0].placing.hidden = true;
    let plan = plan(&profile("streaming"), &sheet);
    let tracks: Vec<_> = plan.files.iter().filter(|it| it.kind == Kind::Track).collect();
    assert_eq!(tracks.len(), 3);
    assert_eq!((tracks[0].songs.as_slice(), tracks[0].frames), ([1].as_slice(), 181_500 * 96));
    assert_eq!(tracks[0].tags.as_ref().unwrap().track, Some(1));
}

#[test]
fn exact_is_what_nothing_was_done_to() {
    let exact = |change: &dyn Fn(&mut RecordSheet)| {
        let mut sheet = sheet();
        sheet.songs.iter_mut().for_each(|it| it.placing.gap_ms = 0);
        change(&mut sheet);
        let plan = plan(&profile("streaming"), &sheet);
        plan.files.iter().filter(|it| it.exact).flat_map(|it| it.songs.clone()).collect::<Vec<usize>>()
    };
    assert_eq!(exact(&|_| {}), [0, 1, 2, 3]);
    assert_eq!(exact(&|it| it.songs[2].placing.gap_ms = 1), [0, 2, 3], "a gap belongs to the track before");
    assert_eq!(exact(&|it| it.songs[2].placing.crossfade_ms = 1), [0, 3]);
    assert_eq!(exact(&|it| it.songs[0].placing.gap_ms = 1), [1, 2, 3]);
    assert_eq!(exact(&|it| it.songs[1].placing.gain_cb = 1), [0, 2, 3]);
    assert_eq!(exact(&|it| it.songs[1].placing.trim_out_ms = 1), [0, 2, 3]);
    assert_eq!(exact(&|it| it.songs[1].placing.fade_out_ms = 1), [0, 2, 3]);
    assert_eq!(exact(&|it| it.songs[1].source.bits = Some(16)), [0, 1, 2, 3], "a longer word holds it");
    assert_eq!(exact(&|it| it.songs[1].source.bits = Some(32)), [0, 2, 3]);
    assert_eq!(exact(&|it| it.songs[1].source.float = true), [0, 2, 3]);
    assert_eq!(exact(&|it| it.songs[1].source.channels = 1), [0, 2, 3], "a record is stereo");
    assert_eq!(exact(&|it| it.songs[1].source.sample_rate = 48_000), [0, 1, 2, 3], "at its own rate");
    assert_eq!(exact(&|it| it.songs[1].source.codec = "aac".into()), [0, 2, 3]);
    assert_eq!(exact(&|it| it.album_gain_db = -0.1), Vec::<usize>::new());
}

#[test]
fn nothing_is_up_sampled() {
    let mut sheet = sheet();
    sheet.songs[1].source.sample_rate = 44_100;
    sheet.songs[1].source.frames = 180 * 44_100;
    sheet.songs[2].source.sample_rate = 192_000;
    sheet.songs[2].source.frames = 240 * 192_000;
    let rates = |name: &str, kind: Kind| -> Vec<u32> {
        let plan = plan(&profile(name), &sheet);
        plan.files.iter().filter(|it| it.kind == kind).map(|it| it.sample_rate).collect()
    };
    assert_eq!(rates("streaming", Kind::Track), [96_000, 44_100, 192_000, 96_000], "each at its master's");
    assert_eq!(rates("hi-res", Kind::Track)[..4], [96_000, 44_100, 96_000, 96_000]);
    assert_eq!(rates("sync", Kind::Song)[..4], [48_000, 44_100, 48_000, 48_000]);
    assert_eq!(rates("reference", Kind::Track), [48_000, 44_100, 48_000, 48_000], "what MP3 can hold");
    assert_eq!(rates("archive", Kind::Whole), [192_000]);
    let hi_res = plan(&profile("hi-res"), &sheet);
    assert!(hi_res.files.iter().any(|it| it.folder.ends_with("WAV24b441k")), "folders say what is in them");
}

#[test]
fn sizes_are_those_that_the_writer_makes() {
    let folder = tempfile::tempdir().unwrap();
    let mut sheet = sheet();
    // One pixel.
    let png = b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0".to_vec();
    sheet.cover = Some(Cover::new(png).unwrap());
    sheet.copy.tracks[1].title = "夜明け".into();
    for song in &mut sheet.songs {
        song.source.frames = 1001;
        song.placing.gap_ms = 0;
    }
    let mut seen = 0;
    for name in ["streaming", "archive"] {
        let plan = plan(&profile(name), &sheet);
        for file in plan.files.iter().filter(|it| it.bytes_exact && it.encoding.is_some()) {
            let path = folder.path().join(&file.name);
            let encoding = file.encoding.unwrap();
            let bext = file.bext.clone();
            let mut writer =
                AudioWriter::create(&path, encoding, file.sample_rate, file.channels, bext).unwrap();
            writer.write(&Block::new(file.channels, file.frames as usize)).unwrap();
            writer.finish().unwrap();
            if let Some(tags) = &file.tags {
                let mut tags = tags.clone();
                tags.cover = sheet.cover.clone().filter(|_| file.cover);
                tag(&path, &tags).unwrap();
            }
            assert_eq!(std::fs::metadata(&path).unwrap().len(), file.bytes, "{}", file.name);
            seen += 1;
        }
    }
    assert_eq!(seen, 9, "four tracks, and four tracks and the whole");
    for encoding in Encoding::ALL {
        let bytes = deadwax_dsp::write::pcm_bytes(encoding, 1, 333, None, None);
        let Some(bytes) = bytes else { continue };
        let path = folder.path().join(format!("x.{}", encoding.extension()));
        let mut writer = AudioWriter::create(&path, encoding, 44_100, 1, None).unwrap();
        writer.write(&Block::new(1, 333)).unwrap();
        assert_eq!(writer.finish().unwrap(), bytes, "{encoding}");
    }
}

#[test]
fn sums_and_texts_have_the_size_that_is_told() {
    let (plan, sheet) = (planned("vinyl-toss"), sheet());
    let mut sums = String::new();
    for it in plan.files.iter().filter(|it| it.kind != Kind::Sha256) {
        let path = if it.folder.is_empty() { it.name.clone() } else { format!("{}/{}", it.folder, it.name) };
        sums += &format!("{}  {path}\n", "0".repeat(64));
    }
    let size = |kind: Kind| plan.files.iter().find(|it| it.kind == kind).unwrap().bytes;
    assert_eq!(size(Kind::Sha256), sums.len() as u64);
    let names: Vec<String> =
        plan.files.iter().filter(|it| it.kind == Kind::Side).map(|it| it.name.clone()).collect();
    assert_eq!(size(Kind::SideSheet), side_sheet(&sheet, 96_000, &names).len() as u64);
}

#[test]
fn the_cue_sheet_of_the_sides() {
    let mut sheet = sheet();
    sheet.copy.tracks[2].title = "Low\nBeam".into();
    let text = side_sheet(&sheet, 96_000, &["MOTH-001_A.wav".into(), "MOTH-001_B.wav".into()]);
    assert_eq!(
        text,
        "Artist: Moth Parade\nTitle: Night Drive\nCatalogue number: MOTH-001\nLabel: Moth Records\n\
         Format: 12\" 33 rpm\nContact: mastering@example.org\n\
         Times are minutes:seconds.hundredths of the side's file; the pause after a song belongs to it.\n\
         \nSide A, 06:23.50, MOTH-001_A.wav\nA1: 00:00.00 - 03:22.00  Headlights\nA2: 03:22.00 - 06:23.50  Ça va\n\
         \nSide B, 06:32.00, MOTH-001_B.wav\nB1: 00:00.00 - 04:02.00  Low Beam\nB2: 04:02.00 - 06:32.00  Garage\n"
    );
}

#[test]
fn alternates_do_not_bear_the_code_of_the_main() {
    let plan = planned("sync");
    for it in plan.files.iter().filter(|it| it.kind == Kind::Song) {
        let tags = it.tags.as_ref().unwrap();
        assert_eq!(tags.isrc.is_some(), it.alternate == "main", "{}", it.name);
        assert_eq!(tags.title.as_ref().unwrap().contains('['), it.alternate != "main");
    }
}

#[test]
fn titles_of_the_whole_world_become_names() {
    let mut sheet = sheet();
    sheet.copy.artist = "夜行".into();
    for (track, title) in
        sheet.copy.tracks.iter_mut().zip(["夜明け", "🎸🔥", &"long ".repeat(100), "../../etc/passwd"])
    {
        track.title = title.into();
    }
    let names: Vec<String> =
        plan(&profile("streaming"), &sheet).files.into_iter().take(4).map(|it| it.name).collect();
    assert_eq!(
        names,
        [
            "Artist_Track01_Main_v03_96k24b.wav",
            "Artist_Track02_Main_v03_96k24b.wav",
            "Artist_LongLongLongLongLongLongLongLongLongLong_Main_v03_96k24b.wav",
            "Artist_EtcPasswd_Main_v03_96k24b.wav",
        ]
    );
    sheet.copy.tracks.iter_mut().for_each(|it| it.title = "Same".into());
    let names: Vec<String> =
        plan(&profile("streaming"), &sheet).files.into_iter().take(3).map(|it| it.name).collect();
    assert_eq!(names[1..], ["Artist_Same_Main_v03_96k24b-2.wav", "Artist_Same_Main_v03_96k24b-3.wav"]);
    assert_eq!(names[0], "Artist_Same_Main_v03_96k24b.wav");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Figures come from files of strangers and from rows of old servers.
    #[test]
    fn no_sheet_is_too_odd_to_be_planned(
        songs in proptest::collection::vec((any::<u64>(), any::<u32>(), any::<[u32; 6]>(), any::<[f64; 2]>(), any::<i32>()), 4),
        scale in 0u32..64,
        sides in proptest::collection::vec(0usize..6, 0..3),
        bits in proptest::option::of(any::<u32>()),
        seconds in any::<u64>(),
        which in 0usize..deadwax_dsp::profile::shipped().len(),
    ) {
        let mut sheet = sheet();
        for (song, (frames, rate, ms, figures, gain_cb)) in sheet.songs.iter_mut().zip(songs) {
            (song.source.frames, song.source.sample_rate, song.source.bits) = (frames >> scale, rate >> (scale / 2), bits);
            let it = &mut song.placing;
            [it.trim_in_ms, it.trim_out_ms, it.gap_ms, it.crossfade_ms, it.fade_in_ms, it.fade_out_ms] =
                ms.map(|ms| ms >> scale.min(31));
            it.gain_cb = gain_cb;
            [song.figures.integrated_lufs, song.figures.true_peak_dbtp] = figures;
            song.alternates[3].token = format!("cut-{seconds}");
            song.alternates[3].source.sample_rate = rate;
            song.alternates[3].source.frames = frames;
        }
        sheet.sides = sides;
        let plan = plan(&profile(deadwax_dsp::profile::shipped()[which].0), &sheet);
        prop_assert!(plan.ready() || !plan.findings.is_empty());
        prop_assert!(plan.bytes() >= plan.files.iter().map(|it| it.bytes).max().unwrap_or(0));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn names_are_safe_and_stand_once(
        titles in proptest::collection::vec(any::<String>(), 4),
        artist in any::<String>(),
        album in any::<String>(),
        catalogue in any::<String>(),
        which in 0usize..deadwax_dsp::profile::shipped().len(),
    ) {
        let mut sheet = sheet();
        for (track, title) in sheet.copy.tracks.iter_mut().zip(titles) {
            track.title = title;
        }
        (sheet.copy.artist, sheet.copy.title, sheet.copy.catalogue) = (artist, album, catalogue);
        let plan = plan(&profile(deadwax_dsp::profile::shipped()[which].0), &sheet);
        let mut seen = BTreeSet::new();
        for it in &plan.files {
            for part in [&it.folder, &it.name] {
                prop_assert!(part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "{part}");
                prop_assert!(!part.starts_with(['.', '_', '-']) && part.len() <= 140 && !part.contains(".."), "{part}");
            }
            prop_assert!(!it.name.is_empty() && it.name.matches('.').count() <= 1, "{}", it.name);
            let path = format!("{}/{}", it.folder, it.name).to_lowercase();
            prop_assert!(seen.insert(path), "{} twice", it.name);
        }
    }
}
