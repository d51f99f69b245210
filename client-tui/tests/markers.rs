//! Notes as markers: what goes out comes back, what workstations write is read, and what is no file of markers hurts nobody. The files
//! here have the shapes of real exports; each says whose.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

use deadwax_client::{
    markers::{self, Counts, Dialect, Fps, Marker, MarkerError, Read, Reading, Writing},
    scrub,
};
use proptest::prelude::*;

fn how(fps: &str) -> Reading {
    Reading { fps: (!fps.is_empty()).then(|| fps.parse().unwrap()), rate_hz: 48_000, ..Reading::default() }
}

fn read(text: &str, how: &Reading) -> Read {
    markers::read(text.as_bytes(), how).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// (line, start, end, words) of what was taken.
fn taken(read: &Read) -> Vec<(usize, u64, Option<u64>, String)> {
    let words = |m: &Marker| markers::spoken(&m.name, &m.comment);
    read.markers
        .iter()
        .map(|f| (f.line, f.marker.start_ms.unwrap(), f.marker.end_ms, words(&f.marker)))
        .collect()
}

fn row(line: usize, start: u64, end: Option<u64>, words: &str) -> (usize, u64, Option<u64>, String) {
    (line, start, end, words.to_owned())
}

fn note(start: u64, end: Option<u64>, name: &str, id: &str) -> Marker {
    Marker {
        start_ms: Some(start),
        end_ms: end,
        name: name.into(),
        id: Some(format!("0190f3c2-7b1e-7a31-9d55-1c2f{id}")),
        ..Marker::default()
    }
}

#[test]
fn reaper_is_read_in_every_form_that_its_ruler_has() {
    // The head and the rows as the Region/Marker Manager writes them; a column of colours comes since version 6.
    let minutes = "#,Name,Start,End,Length,Color\r\nM1,Opening Jam,0:00.000,,,\r\nR1,\"Slow, \"\"heavy\"\" Blues\",5:23.500,9:00.000,3:36.500,FF0000\r\nM2,Closer,1:02:11.000,,,\r\n";
    let got = read(minutes, &how(""));
    assert_eq!(got.dialect, Dialect::Reaper);
    assert_eq!(
        taken(&got),
        [
            row(2, 0, None, "Opening Jam"),
            row(3, 323_500, Some(540_000), "Slow, \"heavy\" Blues"),
            row(4, 3_731_000, None, "Closer"),
        ]
    );
    assert!(got.faults.is_empty() && got.assumed.is_empty());

    let frames = "#,Name,Start,End,Length\nM1,a,00:00:10:12,,\nR2,b,00:01:00:00,,00:00:02:00\n";
    assert_eq!(
        taken(&read(frames, &how("25"))),
        [row(2, 10_480, None, "a"), row(3, 60_000, Some(62_000), "b")]
    );
    let error = markers::read(frames.as_bytes(), &how("")).unwrap_err();
    assert!(error.hint().contains("--fps"), "{error}");

    let samples = "#,Name,Start,End,Length\nR1,train,48000,96000,48000\nM1,b,72000,,\n";
    let got = read(samples, &how(""));
    assert_eq!(taken(&got), [row(2, 1000, Some(2000), "train"), row(3, 1500, None, "b")]);
    assert!(got.assumed[0].contains("samples at 48000 Hz"), "what was guessed is said");
    let unknown = Reading::default();
    assert!(markers::read(samples.as_bytes(), &unknown).unwrap_err().hint().contains("--rate"));
    let seconds = Reading { counts: Counts::Seconds, ..how("") };
    assert_eq!(taken(&read("#,Name,Start\nM1,a,10\n", &seconds)), [row(2, 10_000, None, "a")]);
    let absolute = Reading { counts: Counts::Frames, ..how("25") };
    assert_eq!(taken(&read("#,Name,Start\nM1,a,250\n", &absolute)), [row(2, 10_000, None, "a")]);

    let mixed = "#,Name,Start,End,Length\nM1,a,0,,\nM2,b,83.456,,\n";
    assert_eq!(taken(&read(mixed, &how(""))), [row(2, 0, None, "a"), row(3, 83_456, None, "b")]);
}

#[test]
fn bars_are_refused_with_the_next_step_and_the_rest_goes_on() {
    let bars = "#,Name,Start,End,Length\nR1,marker 1,144.2.00,144.3.00,0.1.00\nM1,b,1:00.000,,\nM2,c,soon,,\nM3,d,,,\nM4,e,-0:01.000,,\nR5,f,0:02.000,0:01.000,\n";
    let got = read(bars, &how(""));
    assert_eq!(taken(&got), [row(3, 60_000, None, "b")]);
    let told: Vec<(usize, &str)> = got.faults.iter().map(|f| (f.line, f.text.as_str())).collect();
    assert_eq!(told.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4, 5, 6, 7]);
    assert!(told[0].1.contains("Minutes:Seconds"), "{told:?}");
    assert!(told[3].1.contains("before the song") && told[4].1.contains("ends before"), "{told:?}");
}

#[test]
fn a_quote_that_is_never_closed_is_told_with_the_lines_that_it_hides() {
    let text = "#,Name,Start,End,Length\nM1,a,0:01.000,,\nM2,\"b,0:02.000,,\nM3,c,0:03.000,,\n";
    let got = read(text, &how(""));
    assert_eq!(taken(&got), [row(2, 1000, None, "a")]);
    assert_eq!((got.faults.len(), got.faults[0].line), (1, 3));
    let whole = read("note_id,start,text,reason\n,0:01.000,\"two\nlines\"\n", &how(""));
    assert_eq!(taken(&whole), [row(2, 1000, None, "two\nlines")], "a short row is no open quote");
    assert!(got.faults[0].text.contains("lines 3 to 4"), "{}", got.faults[0].text);
}

const HEAD: &str = "SESSION NAME:\tTest\nSAMPLE RATE:\t48000.000000\nBIT DEPTH:\t24-bit\n";
const COUNTS: &str = "# OF AUDIO TRACKS:\t2\n# OF AUDIO CLIPS:\t0\n# OF AUDIO FILES:\t0\n\n\n";
const MARKS: &str = "M A R K E R S  L I S T I N G\n";

fn session(start: &str, format: &str, head: &str, rows: &str) -> String {
    format!(
        "{HEAD}SESSION START TIMECODE:\t{start}\nTIMECODE FORMAT:\t{format}\n{COUNTS}{MARKS}{head}\n{rows}"
    )
}

const OLD: &str =
    "#   \tLOCATION     \tTIME REFERENCE    \tUNITS    \tNAME                             \tCOMMENTS";
const NEW: &str = "#   \tLOCATION     \tTIME REFERENCE    \tUNITS    \tNAME                             \tTRACK NAME                       \tTRACK TYPE   \tCOMMENTS";

#[test]
fn pro_tools_is_read_in_each_time_format() {
    // One absolute marker and one on a bar, as Pro Tools 2022.9 exports them in each of its time formats.
    let cases = [
        ("23:57:56:02", "23:58:55:18", Some(115_866), "Timecode"),
        ("23:57:56:02.24", "23:58:55:18.41", Some(115_883), "Timecode with subframes"),
        ("0:56.149     ", "1:55.882     ", Some(115_882), "Min:Secs"),
        ("2695168      ", "5562368      ", Some(115_883), "Samples"),
        ("84+03        ", "173+13       ", None, "Feet+Frames"),
        ("29|1| 287    ", "58|4| 735    ", None, "Bars|Beats"),
    ];
    for (absolute, on_a_bar, second, format) in cases {
        let rows = format!(
            "1   \t{absolute}\t2695168           \tSamples  \tMarker Absolute                  \tComment\n2   \t{on_a_bar}\t58|4| 735         \tTicks    \tMarker Bars-Beats                \tComment\n"
        );
        let got = read(&session("23:57:00:00.00", "23.976 Frame", OLD, &rows), &how(""));
        assert_eq!(got.dialect, Dialect::Protools);
        let mut wanted = vec![row(13, 56_149, None, "Marker Absolute\nComment")];
        match second {
            Some(at) => wanted.push(row(14, at, None, "Marker Bars-Beats\nComment")),
            None => {
                assert_eq!(got.faults.len(), 1, "{format}");
                assert!(got.faults[0].line == 14 && got.faults[0].text.contains("Min:Secs"), "{format}");
            }
        }
        assert_eq!(taken(&got), wanted, "{format}");
    }
}

#[test]
fn pro_tools_counts_from_the_start_of_its_session_and_drops_labels() {
    let rows = "1   \t01:01:00;02  \t58|4              \tTicks    \ta                                \t\n";
    let text = session("01:00:00;00", "29.97 Drop Frame", OLD, rows);
    assert_eq!(taken(&read(&text, &how(""))), [row(13, 60_060, None, "a")]);
    let later = Reading { begins: Some("01:00:30;00".into()), ..how("") };
    assert_eq!(taken(&read(&text, &later)), [row(13, 30_030, None, "a")]);
    let unknown = session("01:00:00:00", "29.96 Frame", OLD, rows);
    assert!(read(&unknown, &how("")).faults[0].text.contains("--fps"));
    assert_eq!(taken(&read(&unknown, &how("29.97df"))), [row(13, 60_060, None, "a")]);
}

#[test]
fn pro_tools_lets_names_break_and_have_tabs() {
    // As Pro Tools 2023.6 writes what was typed with breaks and tabs.
    let rows = "1   \t01:00:00:00  \t240240            \tSamples  \tMarker Name\nWith New Line        \t\n2   \t01:00:01:00  \t288288            \tSamples  \tNormal Marker Name               \tComment Here\n    \t             \t                  \t           \t                                 \tWith New Line\n3   \t01:00:04:00  \t432432            \tSamples  \tMarker Name\tWith Tab             \t\n4   \t01:00:09:00  \t672672            \tSamples  \tMarker Name\tWith Tab\tAnd Another Tab\tComment Here\tWith Tab\n";
    let got = read(&session("00:59:55:00", "23.976 Frame", OLD, rows), &how(""));
    assert_eq!(
        taken(&got),
        [
            row(13, 5005, None, "Marker Name\nWith New Line"),
            row(15, 6006, None, "Normal Marker Name\nComment Here\nWith New Line"),
            row(17, 9009, None, "Marker Name With Tab"),
            row(18, 14_014, None, "Marker Name With Tab And Another Tab\nComment Here With Tab"),
        ]
    );
    assert_eq!(got.faults, []);
}

#[test]
fn pro_tools_has_rulers_and_tracks_since_2023_12() {
    let rows = "1   \t01:00:00:00  \t480000            \tSamples  \tMarker 1                         \tMarkers                          \tRuler                            \t\n6   \t01:00:05:00  \t720000            \tSamples  \tMarker 6                         \tAudio 1                          \tTrack                            \tMore comments\n";
    let got = read(&session("00:59:50:00", "24 Frame", NEW, rows), &how(""));
    assert_eq!(
        taken(&got),
        [row(13, 10_000, None, "Marker 1"), row(14, 15_000, None, "Marker 6\nMore comments")]
    );
    let without = format!("{HEAD}{COUNTS}T R A C K  L I S T I N G\n");
    let error = markers::read(without.as_bytes(), &how("")).unwrap_err();
    assert!(error.hint().contains("Include Markers"), "{error}");
}

#[test]
fn an_edl_says_its_rate_or_is_refused() {
    // As DaVinci Resolve exports timeline markers.
    let edl = "TITLE: a36\nFCM: NON-DROP FRAME\n\n001  001      V     C        01:00:09:16 01:00:09:17 01:00:09:16 01:00:09:17  \n |C:ResolveColorBlue |M:Hey |D:1\n\n002  001      V     C        01:00:53:13 01:00:53:14 01:00:53:13 01:00:53:14  \nlonger words|C:ResolveColorBlue |M:Keyboard |D:25\n\n";
    assert!(markers::read(edl.as_bytes(), &how("")).unwrap_err().hint().contains("--fps"));
    let got = read(edl, &how("25"));
    assert_eq!(got.dialect, Dialect::Edl);
    assert_eq!(
        taken(&got),
        [row(5, 9640, None, "Hey"), row(8, 53_520, Some(54_520), "Keyboard\nlonger words")]
    );
    assert!(got.assumed[0].contains("01:00:00:00"), "the hour at its beginning is said");
    let zero = Reading { begins: Some("0".into()), ..how("25") };
    assert_eq!(taken(&read(edl, &zero))[0].1, 3_609_640);
    let late = Reading { begins: Some("01:00:09:00".into()), ..how("25") };
    assert_eq!(taken(&read(edl, &late))[0].1, 640);
    // As Avid and Nucoda have it.
    let loc = "TITLE: GT3001\nFCM: NON-DROP FRAME\n* LOC: 00:01:07:21 red   VFX - Fade In\n* LOC: 00:01:27:09 green\n";
    assert_eq!(
        taken(&read(loc, &how("24"))),
        [row(3, 67_875, None, "VFX - Fade In"), row(4, 87_375, None, "")]
    );
    let odd = "FCM: NON-DROP FRAME\n |C:ResolveColorBlue |M:lost |D:1\n* LOC: 00:00:01:30 red b\n* LOC:\n* LOC: 00:00:02:00 red c\n";
    let got = read(odd, &how("25"));
    assert_eq!(taken(&got), [row(5, 2000, None, "c")]);
    assert_eq!(got.faults.iter().map(|it| it.line).collect::<Vec<_>>(), [2, 3, 4]);
    let drop = "TITLE: x\nFCM: DROP FRAME\n\n001  001 V C 00:01:00;02 00:01:00;03 00:01:00;02 00:01:00;03\n |C:ResolveColorBlue |M:a |D:1\n";
    assert!(markers::read(drop.as_bytes(), &how("25")).unwrap_err().hint().contains("29.97df"));
    assert_eq!(taken(&read(drop, &how("29.97df"))), [row(5, 60_060, None, "a")]);
}

/// A MIDI file by hand: format, division, and tracks of bytes.
fn midi(format: u8, division: [u8; 2], tracks: &[&[u8]]) -> Vec<u8> {
    let mut file = b"MThd\0\0\0\x06\0".to_vec();
    file.extend([format, 0, u8::try_from(tracks.len()).unwrap(), division[0], division[1]]);
    for track in tracks {
        file.extend(b"MTrk");
        file.extend(u32::try_from(track.len()).unwrap().to_be_bytes());
        file.extend(*track);
    }
    file
}

#[test]
fn midi_is_read_through_every_change_of_tempo() {
    // 480 ticks a quarter; 120 beats a minute, from the second quarter on 60; the markers lie on another track.
    let tempo: &[u8] = b"\0\xff\x51\x03\x07\xa1\x20\x83\x60\xff\x51\x03\x0f\x42\x40\0\xff\x2f\0";
    let marks: &[u8] = b"\x81\x70\xff\x06\x01a\x83\x60\xff\x06\x02\xe9b\x60\xff\x07\x01c\0\xff\x2f\0";
    let file = midi(1, [0x01, 0xe0], &[tempo, marks]);
    let got = markers::read(&file, &how("")).unwrap();
    assert_eq!(got.dialect, Dialect::Midi);
    // 240 ticks: 250 ms. 720: 500 + 500. 816: 200 more.
    assert_eq!(taken(&got), [row(1, 250, None, "a"), row(2, 1000, None, "éb"), row(3, 1200, None, "c")]);
    // 25 frames of 40 ticks: a tick is a millisecond.
    let frames = midi(0, [0xe7, 40], &[b"\x87\x68\xff\x06\x01a\0\xff\x2f\0"]);
    assert_eq!(taken(&markers::read(&frames, &how("")).unwrap()), [row(1, 1000, None, "a")]);
    let cut = &file[..file.len() - 6];
    assert!(markers::read(cut, &how("")).unwrap().faults.iter().any(|f| f.text.contains("breaks off")));
    assert!(
        markers::read(&midi(2, [1, 0xe0], &[marks]), &how("")).unwrap_err().hint().contains("format 0 or 1")
    );
    assert!(markers::read(&midi(0, [0, 0], &[marks]), &how("")).is_err(), "no measure of time");
    assert!(markers::read(b"MThd", &how("")).is_err());
}

#[test]
fn what_is_no_file_of_markers_is_refused_with_what_was_seen() {
    for (text, seen) in [
        ("", "empty"),
        ("1.0\t2.0\tAudacity label\n", "1.0 2.0 Audacity label"),
        ("Name;Start;End\n", "Name;Start;End"),
        ("\x1b]52;c;x\x07{\"json\": 1}", "]52;c;x{\\\"json\\\": 1}"),
    ] {
        let error = markers::read(text.as_bytes(), &how("25")).unwrap_err();
        assert!(matches!(error, MarkerError::Unknown(_)), "{text:?}");
        let all = format!("{error} {}", error.hint());
        assert!(all.contains(seen) && all.contains("reaper") && all.contains("midi"), "{all}");
        assert!(!all.chars().any(scrub::is_hostile), "{all:?}");
    }
    let large = vec![b'a'; markers::BYTES_MAX + 1];
    assert!(matches!(markers::read(&large, &how("")), Err(MarkerError::Large(_))));
    let many = "M1,a,0:01.000,,\n".repeat(markers::MARKERS_MAX + 1);
    let many = format!("#,Name,Start,End,Length\n{many}");
    assert_eq!(markers::read(many.as_bytes(), &how("")), Err(MarkerError::Many));
}

#[test]
fn what_is_written_looks_as_the_workstation_has_it() {
    let notes = [
        note(83_400, None, "Ben (artist): voice, \"too\" loud", "aaaaaaa1"),
        note(90_000, Some(95_500), "=bass\nlow", "aaaaaaa2"),
    ];
    let writing = Writing { title: "Night Drive, Mix 2".into(), rate_hz: 44_100, fps: None };
    let text = |dialect, writing: &Writing| {
        String::from_utf8(markers::write(dialect, &notes, writing).unwrap()).unwrap()
    };
    assert_eq!(
        text(Dialect::Reaper, &writing),
        "#,Name,Start,End,Length\nM1,\"Ben (artist): voice, \"\"too\"\" loud [dw:aaaaaaa1]\",1:23.400,,\nR1,'=bass⏎low [dw:aaaaaaa2],1:30.000,1:35.500,0:05.500\n"
    );
    let session = text(Dialect::Protools, &writing);
    assert!(
        session.starts_with(
            "SESSION NAME:\tNight Drive, Mix 2\nSAMPLE RATE:\t44100.000000\nBIT DEPTH:\t24-bit\n"
        )
    );
    assert!(session.contains(
        "1   \t1:23.400     \t3677940           \tSamples  \tBen (artist): voice, \"too\" loud  \t"
    ));
    assert!(matches!(markers::write(Dialect::Edl, &notes, &writing), Err(MarkerError::Say { .. })));
    let edl = text(Dialect::Edl, &Writing { fps: Some("25".parse().unwrap()), ..writing.clone() });
    assert!(
        edl.contains("001  001      V     C        01:01:23:10 01:01:23:11 01:01:23:10 01:01:23:11  \n"),
        "{edl}"
    );
    assert!(edl.contains(" |C:ResolveColorBlue |M:=bass⏎low [dw:aaaaaaa2] |D:138\n"), "{edl}");
    let day = [note(400_000_000, None, "late", "aaaaaaa3")];
    for dialect in [Dialect::Edl, Dialect::Midi] {
        let how = Writing { fps: Some("25".parse().unwrap()), ..writing.clone() };
        assert!(matches!(markers::write(dialect, &day, &how), Err(MarkerError::Late(_))), "{dialect:?}");
    }
}

#[test]
fn two_notes_on_one_frame_are_two_markers() {
    let notes = [note(1000, None, "a", "aaaaaaa1"), note(1001, None, "b", "aaaaaaa2")];
    let writing = Writing { fps: Some("24".parse().unwrap()), ..Writing::default() };
    let file = markers::write(Dialect::Edl, &notes, &writing).unwrap();
    let got = markers::read(&file, &how("24")).unwrap();
    assert_eq!(got.markers.iter().map(|f| f.marker.start_ms).collect::<Vec<_>>(), [Some(1000), Some(1042)]);
}

#[test]
fn an_internal_note_stays_internal_in_every_format() {
    let mut secret = note(1000, Some(2000), "the singer is flat", "aaaaaaa1");
    secret.internal = true;
    secret.comment = "the whole of it".into();
    for dialect in Dialect::ALL {
        let writing = Writing { fps: Some("25".parse().unwrap()), ..Writing::default() };
        let file = markers::write(dialect, std::slice::from_ref(&secret), &writing).unwrap();
        let got = markers::read(&file, &how("25")).unwrap();
        assert!(got.markers[0].marker.internal, "{dialect:?}");
    }
}

/// Words as the house has them: scrubbed, without blanks around them.
fn words() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "a",
        "é",
        "夜",
        "👩‍👩‍👧",
        ",",
        "\"",
        "\n",
        "\r\n",
        "\t",
        "|",
        ";",
        ":",
        "'",
        "=",
        "-",
        "+",
        "@",
        "[dw:",
        "]",
        " ",
        "\u{202e}",
        "\u{1b}[2J",
        "M1",
        "0:01",
        "01:00:00:00",
        "\u{feff}",
        "\\",
        "# ",
        "[/dw:aaaaaaaa]",
        "[dw:aaaaaaaa internal]",
        "|D:1",
        "|M:",
    ]);
    prop::collection::vec(odd, 1..12)
        .prop_map(|parts| scrub::block(&parts.concat()).trim().to_owned())
        .prop_filter("words", |text| !text.is_empty())
}

fn notes() -> impl Strategy<Value = Vec<Marker>> {
    let one =
        (0..7_200_000_u64, prop::option::of(1..60_000_u64), words(), words(), any::<u32>(), any::<bool>());
    prop::collection::vec(one, 0..12).prop_map(|all| {
        let mut notes: Vec<Marker> = all
            .into_iter()
            .enumerate()
            .map(|(index, (start, length, name, comment, id, internal))| Marker {
                internal,
                comment,
                ..note(
                    start,
                    length.map(|it| start + it),
                    &name,
                    &format!("{:08x}", (id & 0xffff_ff00) | index as u32),
                )
            })
            .collect();
        notes.sort_by_key(|it| it.start_ms);
        notes
    })
}

/// What a format keeps of a note.
fn kept(dialect: Dialect, note: &Marker) -> Marker {
    let id = note.id.clone().unwrap();
    let whole = matches!(dialect, Dialect::Csv | Dialect::Protools);
    Marker {
        id: Some(if whole { id } else { id[id.len() - 8..].to_owned() }),
        comment: if dialect == Dialect::Protools { note.comment.clone() } else { String::new() },
        name: if dialect == Dialect::Edl { note.name.replace('|', "¦") } else { note.name.clone() },
        ..note.clone()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_goes_out_comes_back(notes in notes(), rate_hz in prop::sample::select(vec![44_100_u32, 48_000, 96_000, 192_000])) {
        let writing = Writing { title: "Night\tDrive\n".into(), rate_hz, fps: None };
        for dialect in [Dialect::Reaper, Dialect::Protools, Dialect::Midi, Dialect::Csv] {
            let file = markers::write(dialect, &notes, &writing).unwrap();
            let got = markers::read(&file, &Reading { dialect: Some(dialect), ..Reading::default() }).unwrap();
            prop_assert_eq!(&got.faults, &[], "{:?}", dialect);
            let back: Vec<Marker> = got.markers.into_iter().map(|it| it.marker).collect();
            let wanted: Vec<Marker> = notes.iter().map(|it| kept(dialect, it)).collect();
            prop_assert_eq!(back, wanted, "{:?}: {}", dialect, String::from_utf8_lossy(&file));
            prop_assert_eq!(markers::read(&file, &Reading::default()).map(|it| it.dialect), Ok(dialect));
        }
    }

    #[test]
    fn an_edl_comes_back_to_the_frame(
        notes in notes(),
        fps in prop::sample::select(markers::RATES.split(", ").collect::<Vec<_>>()),
    ) {
        let rate: Fps = fps.parse().unwrap();
        let file = markers::write(Dialect::Edl, &notes, &Writing { fps: Some(rate), ..Writing::default() }).unwrap();
        let got = markers::read(&file, &Reading { dialect: Some(Dialect::Edl), ..how(fps) }).unwrap();
        prop_assert_eq!(&got.faults, &[]);
        prop_assert_eq!(got.markers.len(), notes.len());
        for (back, note) in got.markers.iter().zip(&notes) {
            let wanted = kept(Dialect::Edl, note);
            prop_assert_eq!((&back.marker.name, &back.marker.id), (&wanted.name, &wanted.id));
            // A frame, and as many more as notes were pushed on from the same one.
            let near = (got.grain_ms * 2) * notes.len() as u64 + 1;
            let apart = back.marker.start_ms.unwrap().abs_diff(note.start_ms.unwrap());
            prop_assert!(apart <= near, "{apart} ms at {fps}");
        }
    }

    #[test]
    fn files_survive_windows_and_sixteen_bits(notes in notes()) {
        for dialect in [Dialect::Reaper, Dialect::Protools, Dialect::Csv] {
            let file = markers::write(dialect, &notes, &Writing::default()).unwrap();
            let plain = String::from_utf8(file).unwrap();
            let windows = plain.replace("\r\n", "\n").replace('\n', "\r\n");
            let wide = |unit: fn(u16) -> [u8; 2]| windows.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
            let how = Reading::default();
            let wanted = markers::read(plain.as_bytes(), &how).unwrap();
            for file in [
                windows.clone().into_bytes(),
                [b"\xef\xbb\xbf", windows.as_bytes()].concat(),
                [vec![0xff, 0xfe], wide(u16::to_le_bytes)].concat(),
                [vec![0xfe, 0xff], wide(u16::to_be_bytes)].concat(),
                wide(u16::to_le_bytes),
            ] {
                prop_assert_eq!(markers::read(&file, &how).unwrap(), wanted.clone());
            }
        }
    }

    #[test]
    fn hostile_bytes_hurt_nobody(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        start in prop::sample::select(vec![
            "", "#,Name,Start,End,Length\n", "note_id,start,text\n", "M A R K E R S  L I S T I N G\n#\tLOCATION\tNAME\n1\t", "FCM: DROP FRAME\n", "MThd\0\0\0\x06\0\x01\0\x01\x01\x60MTrk\0\0\x01\0",
            "001  001  V  C  00:00:00:00 00:00:00:00 99:59:59:23 00:00:00:00\n |M:", "RIFF\0\0\0\0RMIDdata",
        ]),
        offset in prop::sample::select(vec![None, Some("99:59:59:00"), Some("-153722867280:00"), Some("9223372036854775")]),
    ) {
        let file = [start.as_bytes(), &bytes].concat();
        for dialect in [None].into_iter().chain(Dialect::ALL.map(Some)) {
            for counts in [Counts::Auto, Counts::Seconds, Counts::Samples, Counts::Frames] {
                let begins = offset.map(str::to_owned);
                let how = Reading { dialect, rate_hz: 1, fps: Some("29.97df".parse().unwrap()), counts, begins };
                match markers::read(&file, &how) {
                    Ok(read) => {
                        let of = |it: markers::Found| [it.marker.name, it.marker.comment, it.marker.about.to];
                        let mut all: Vec<String> = read.markers.into_iter().flat_map(of).collect();
                        all.extend(read.faults.into_iter().map(|it| it.text));
                        prop_assert!(!all.concat().chars().any(|c| c != '\n' && scrub::is_hostile(c)));
                    }
                    Err(e) => {
                        let all = format!("{e}{}", e.hint());
                        prop_assert!(!all.chars().any(scrub::is_hostile));
                    }
                }
            }
        }
    }

    #[test]
    fn times_that_no_song_has_hurt_nobody(
        times in prop::collection::vec((any::<u64>(), any::<Option<u64>>()), 0..6),
        fps in prop::sample::select(markers::RATES.split(", ").collect::<Vec<_>>()),
    ) {
        let notes: Vec<Marker> =
            times.iter().enumerate().map(|(at, (start, end))| note(*start, *end, "x", &format!("{at:08x}"))).collect();
        let writing = Writing { fps: Some(fps.parse().unwrap()), rate_hz: u32::MAX, ..Writing::default() };
        for dialect in Dialect::ALL {
            if let Ok(file) = markers::write(dialect, &notes, &writing) {
                let _ = markers::read(&file, &Reading { dialect: Some(dialect), ..how(fps) });
            }
        }
    }

    #[test]
    fn odd_rows_hurt_nobody(cells in prop::collection::vec("[-+:;.|0-9a-z\"', \t]{0,14}", 0..24)) {
        let rows: String = cells.chunks(5).map(|row| row.join(",") + "\n").collect();
        let tabs: String = cells.chunks(5).map(|row| format!("1\t{}\n", row.join("\t"))).collect();
        let files = [
            format!("#,Name,Start,End,Length\n{rows}"),
            format!("note_id,start,end,text,internal\n{rows}"),
            session("01:00:00;00", "29.97 Drop Frame", OLD, &tabs),
        ];
        for file in files {
            let _ = markers::read(file.as_bytes(), &how("29.97df"));
        }
    }
}
