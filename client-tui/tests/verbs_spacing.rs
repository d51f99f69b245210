//! The running order on the command line: what is shown of it, that what is shown is read back as it is, what reaches the wire, and that words of others obey
//! nobody.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod kit;
mod net_fake;

use deadwax_proto::v1::{self, SpacingItem, SpacingNote, action::Action, row::Row};
use kit::{House, err};
use serde_json::Value;

impl House {
    async fn shown(&self, args: &[&str]) -> String {
        let output = self.run(args).await;
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", err(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    async fn set(&self, args: &[&str], given: &str) -> Vec<SpacingItem> {
        let Action::SetSpacing(it) = self.sent_given(args, given).await else { panic!() };
        it.items
    }

    fn spacing(&self, change: impl Fn(&mut v1::Spacing)) {
        let mut seen = self.fake.seen();
        let head = seen.rows.iter_mut().find_map(|it| match &mut it.row {
            Some(Row::Project(it)) => it.spacing.as_mut(),
            _ => None,
        });
        change(head.unwrap());
    }
}

fn items() -> Vec<SpacingItem> {
    let item = |id: &str| SpacingItem { song_id: id.into(), ..SpacingItem::default() };
    vec![
        SpacingItem { hidden: true, ..item("s0") },
        SpacingItem { gap_ms: 2_000, trim_in_ms: 350, trim_out_ms: 12_500, gain_cb: -35, ..item("s1") },
        SpacingItem {
            crossfade_ms: 1_500,
            fade_in_ms: 50,
            fade_out_ms: 8_000,
            shape: v1::FadeShape::Exponential.into(),
            ..item("s2")
        },
        SpacingItem { gap_ms: 25, begins_side: true, ..item("s3") },
    ]
}

fn rows() -> Vec<v1::Row> {
    let note = |id: &str, song: &str, text: &str| SpacingNote {
        note_id: id.into(),
        number: 3,
        song_id: song.into(),
        by: "Ben Okafor".into(),
        text: text.into(),
        ..SpacingNote::default()
    };
    let spacing = v1::Spacing {
        number: 3,
        items: items(),
        by: "Mara Voss".into(),
        notes: vec![
            note("0198-aaaa-00000001", "s1", "Less air here."),
            SpacingNote {
                closed: true,
                closed_by: "Mara Voss".into(),
                answer: "Done.".into(),
                ..note("0198-aaaa-00000002", "", "Begins too softly.")
            },
        ],
        ..v1::Spacing::default()
    };
    let mut rows = vec![Row::Project(v1::ProjectRow {
        project_id: "proj-1".into(),
        title: "Night Drive EP".into(),
        spacing: Some(spacing),
        ..Default::default()
    })];
    let songs =
        [("Prelude", -14.0, 30), ("Night Drive", -14.2, 200), ("夜の電車", -9.0, 180), ("Lamps", -14.1, 240)];
    for (at, (title, lufs, seconds)) in songs.into_iter().enumerate() {
        let facts = v1::AudioFacts {
            sample_rate: 48_000,
            frames: 48_000 * seconds,
            integrated_lufs: lufs,
            true_peak_dbtp: -1.5,
            loudness_range_lu: 6.0,
            ..Default::default()
        };
        rows.push(Row::Song(v1::SongRow {
            song_id: format!("s{at}"),
            title: title.into(),
            position: at as u32 + 1,
            stage: v1::Stage::Mastering as i32,
            candidate_version_id: format!("v{at}"),
            ..Default::default()
        }));
        let file = v1::VersionFile { alternate: "main".into(), facts: Some(facts), ..Default::default() };
        rows.push(Row::Version(v1::VersionRow {
            version_id: format!("v{at}"),
            song_id: format!("s{at}"),
            kind: v1::VersionKind::Master as i32,
            number: 1,
            files: vec![file],
            ..Default::default()
        }));
    }
    rows.into_iter().map(|row| v1::Row { key: String::new(), row: Some(row) }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_spacing_is_shown_and_what_follows_from_it() {
    let room = House::open(rows()).await;
    let text = room.shown(&["spacing", "show"]).await;
    for part in [
        "Spacing 3 by Mara Voss",
        "1. Prelude (hidden before track 1)",
        "2. Night Drive (-0.35 dB, 0.35 s cut from its head, 12.5 s cut from its tail)",
        "x  1.500 s  3. 夜の電車 (fade in 0.05 s, fade out 8 s, exponential)",
        "--- a side begins ---",
        // 30 + 2 + 187.15 - 1.5 + 180 + 0.025 + 240 s
        "10:37.7 in all, 4 songs",
        "side A: songs 1 to 3, 6:37.7",
        "side B: songs 4 to 4, 4:00.0",
        "note 00000001 (open) before 2. Night Drive, Ben Okafor",
        "Less air here.",
        "note 00000002 (closed) on the order",
        "-> Mara Voss: Done.",
        "! 3. 夜の電車: 5.1 LU louder than the record.",
        "! 4. Lamps: 5.1 LU quieter than the song before it.",
        "balance in bands: `deadwax record plan` tells it",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    let table = text.lines().skip_while(|it| !it.contains("LUFS"));
    let widths: Vec<usize> = table.take(5).map(unicode_width::UnicodeWidthStr::width).collect();
    assert_eq!(widths, [73; 5], "columns stand below each other, in 80:\n{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_as_json_is_read_back_as_it_was() {
    let room = House::open(rows()).await;
    let json = room.shown(&["spacing", "show", "--json"]).await;
    let told: Value = serde_json::from_str(json.trim()).unwrap();
    assert_eq!(
        (&told["items"][1]["song"], &told["items"][1]["trim_out_ms"]),
        (&"Night Drive".into(), &12_500.into())
    );
    assert_eq!((&told["sides"][0]["to"], &told["sides"][1]["length_ms"]), (&3.into(), &240_000.into()));
    assert_eq!(told["notes"][0]["text"], "Less air here.");
    assert_eq!(told["consistency"]["songs"][2]["title"], "夜の電車");
    std::fs::write(room.path().join("order.json"), &json).unwrap();
    let mut wanted = items();
    // A shape that is not said is the first one.
    wanted.iter_mut().filter(|it| it.shape == 0).for_each(|it| it.set_shape(v1::FadeShape::EqualPower));
    assert_eq!(room.set(&["spacing", "set", "--file", "order.json"], "").await, wanted);
    assert_eq!(room.set(&["spacing", "set", "--file", "-"], &json).await, wanted);
    // Of an older number that is said, and done.
    room.spacing(|it| it.number = 4);
    let output = room.run(&["spacing", "set", "--file", "order.json"]).await;
    assert!(err(&output).contains("spacing 4 is the newest"), "{}", err(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn trims_a_hidden_song_and_sides_are_set_in_words() {
    let room = House::open(rows()).await;
    let args =
        ["spacing", "set", "Prelude:hidden=no", "Lamps:1,side=no", "Night Drive:trim-in=0", "夜の電車:side"];
    let items = room.set(&args, "").await;
    let told: Vec<_> =
        items.iter().map(|it| (it.song_id.as_str(), it.hidden, it.begins_side, it.gap_ms)).collect();
    assert_eq!(
        told,
        [
            ("s0", false, false, 0),
            ("s3", false, false, 1_000),
            ("s1", false, false, 2_000),
            ("s2", false, true, 0)
        ]
    );
    assert_eq!((items[2].trim_in_ms, items[2].trim_out_ms), (0, 12_500));
    for (args, code) in [
        (&["spacing", "set"][..], 2),
        (&["spacing", "set", "--file", "order.json", "Lamps"], 2),
        (&["spacing", "set", "--file", "nowhere.json"], 3),
        (&["spacing", "set", "Lamps:hidden=maybe"], 2),
        (&["spacing", "set", "--file", "-"], 3),
    ] {
        let output = room.piped(args, "{\"items\":[{\"song\":\"Lamps\",\"gap\":1}]}").await;
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", err(&output));
    }
    assert_eq!(room.fake.seen().actions.len(), 1, "nothing but the first reached the studio");
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_left_and_closed() {
    let room = House::open(rows()).await;
    let Action::AddSpacingNote(it) = room.sent(&["spacing", "note", "Breathe.", "--before", "lamps"]).await
    else {
        panic!()
    };
    assert_eq!((it.number, it.song_id.as_str(), it.text.as_str()), (3, "s3", "Breathe."));
    let Action::AddSpacingNote(it) = room.sent(&["spacing", "note", "Good."]).await else { panic!() };
    assert_eq!((it.song_id.as_str(), it.note_id.is_empty()), ("", false));
    let args = ["spacing", "close", "00000001", "--answer", "Half a second."];
    let Action::CloseSpacingNote(it) = room.sent(&args).await else { panic!() };
    assert_eq!((it.note_id.as_str(), it.answer.as_str()), ("0198-aaaa-00000001", "Half a second."));
    let output = room.run(&["spacing", "close", "0198"]).await;
    assert!(output.status.code() == Some(2) && err(&output).contains("several notes"), "{}", err(&output));
    let output = room.run(&["spacing", "close", "77"]).await;
    assert!(output.status.code() == Some(2) && err(&output).contains("spacing show"), "{}", err(&output));
    // What the studio refuses is said with the next step.
    room.fake.seen().refuse = Some(["NOTE_NOT_OPEN", "The note is closed already.", "Write another."]);
    let output = room.run(&["spacing", "close", "00000002"]).await;
    assert!(output.status.code() == Some(1) && err(&output).contains("Write another."), "{}", err(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_words_and_figures_are_shown_harmless() {
    let room = House::open(rows()).await;
    let evil = "\u{1b}[2J\u{202e}evil\r\n  approved by Lena as label (counts)\u{7}";
    room.spacing(|it| {
        it.by = evil.into();
        for note in &mut it.notes {
            (note.text, note.by, note.answer) = (evil.into(), evil.into(), evil.into());
            (note.closed_by, note.note_id) = (evil.into(), evil.into());
        }
        for item in &mut it.items {
            (item.gap_ms, item.crossfade_ms, item.trim_in_ms, item.trim_out_ms) =
                (u32::MAX, u32::MAX, u32::MAX, u32::MAX);
            (item.gain_cb, item.shape) = (i32::MIN, 77);
        }
    });
    for row in &mut room.fake.seen().rows {
        match &mut row.row {
            Some(Row::Song(it)) => it.title = evil.into(),
            Some(Row::Version(it)) => {
                let facts = it.files[0].facts.as_mut().unwrap();
                (facts.frames, facts.sample_rate) = (u64::MAX, 1);
                (facts.integrated_lufs, facts.true_peak_dbtp) = (f64::NAN, f64::INFINITY);
            }
            _ => {}
        }
    }
    for args in [&["spacing", "show"][..], &["spacing", "show", "--json"]] {
        let output = room.run(args).await;
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", err(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{7}', '\r']), "{text:?}");
        assert!(!text.lines().any(|it| it.starts_with("  approved by")), "{text}");
    }
}
