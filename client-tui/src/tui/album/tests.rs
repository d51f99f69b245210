//! The draft against whole copies of what it was, and what an order costs.

use deadwax_proto::v1::{self, Row, SpacingItem, SpacingNote, Update, row::Row as Of};
use proptest::prelude::*;

use super::{Album, Change, joint_open, notes, open_here, order::BYTES_A_SONG, order_open};
use crate::tui::rows::{PROJECT_KEY, Project};

const SONGS: usize = 5;

fn row(key: &str, of: Of) -> Row {
    Row { key: key.into(), row: Some(of) }
}

/// A spacing of the songs in this order, the joints of each told by its number.
fn spacing(number: u32, order: &[usize]) -> v1::Spacing {
    let item = |(at, song): (usize, &usize)| SpacingItem {
        song_id: format!("s{song}"),
        gap_ms: if at == 0 { 0 } else { 1_000 * number },
        ..SpacingItem::default()
    };
    v1::Spacing { number, items: order.iter().enumerate().map(item).collect(), ..v1::Spacing::default() }
}

fn head(spacing: v1::Spacing) -> Row {
    row(PROJECT_KEY, Of::Project(v1::ProjectRow { spacing: Some(spacing), ..v1::ProjectRow::default() }))
}

fn rows() -> Project {
    let mut upserts = vec![head(spacing(1, &[0, 1, 2, 3, 4]))];
    for at in 0..SONGS {
        let facts = v1::AudioFacts { sample_rate: 48_000, frames: 48_000 * 60, ..v1::AudioFacts::default() };
        let file = v1::VersionFile { facts: Some(facts), ..v1::VersionFile::default() };
        let version = v1::VersionRow {
            version_id: format!("v{at}"),
            song_id: format!("s{at}"),
            files: vec![file],
            ..v1::VersionRow::default()
        };
        let song = v1::SongRow {
            song_id: format!("s{at}"),
            position: at as u32,
            candidate_version_id: format!("v{at}"),
            ..v1::SongRow::default()
        };
        upserts.push(row(&format!("version/v{at}"), Of::Version(version)));
        upserts.push(row(&format!("song/s{at}"), Of::Song(song)));
    }
    let mut rows = Project::default();
    rows.take(Update { seq: 1, snapshot: true, upserts, removals: Vec::new() }, 0);
    rows
}

fn told(rows: &mut Project, spacing: v1::Spacing) {
    let seq = rows.seq + 1;
    rows.take(Update { seq, snapshot: false, upserts: vec![head(spacing)], removals: Vec::new() }, 0);
}

fn change(kind: u8, by: i32) -> Change {
    match kind % 12 {
        0 => Change::Up,
        1 => Change::Down,
        2 => Change::Gap(by),
        3 => Change::Crossfade(by),
        4 => Change::FadeIn(by > 0),
        5 => Change::FadeOut(by > 0),
        6 => Change::TrimIn(by > 0),
        7 => Change::TrimOut(by > 0),
        8 => Change::Shape,
        9 => Change::Gain(by % 50),
        10 => Change::Hidden,
        _ => Change::Gap(-by),
    }
}

proptest! {
    #[test]
    fn undo_and_redo_walk_the_states_that_were(
        steps in proptest::collection::vec((0u8..14, 0usize..SONGS, -2_000i32..2_000), 1..40)
    ) {
        let rows = rows();
        let mut album = Album::default();
        let mut states = vec![album.items("P", &rows)];
        for (kind, at, by) in steps {
            let done = match kind {
                12 => album.toggle_side("P", &rows, at).is_ok(),
                13 => album.even_sides("P", &rows).is_ok(),
                kind => album.change("P", &rows, at, change(kind, by)).is_ok(),
            };
            let now = album.items("P", &rows);
            prop_assert_eq!(now.len(), SONGS);
            // What a key makes, every song once: nothing before the first, only it hidden, no crossfade over an edge.
            for (at, item) in now.iter().enumerate() {
                prop_assert_eq!(now.iter().filter(|it| it.song_id == item.song_id).count(), 1);
                prop_assert!(at > 0 || (item.gap_ms, item.crossfade_ms, item.begins_side) == (0, 0, false));
                prop_assert!(at == 0 || !item.hidden);
                prop_assert!(item.gap_ms == 0 || item.crossfade_ms == 0);
                prop_assert!(!item.begins_side || item.crossfade_ms == 0);
            }
            if done {
                states.push(now);
            } else {
                prop_assert_eq!(&now, states.last().unwrap());
            }
        }
        for state in states.iter().rev().skip(1) {
            prop_assert!(album.step("P", &rows, false).is_ok());
            prop_assert_eq!(&album.items("P", &rows), state);
        }
        prop_assert!(album.step("P", &rows, false).is_err());
        prop_assert!(!album.is_unsaved("P", &rows));
        for state in &states[1..] {
            prop_assert!(album.step("P", &rows, true).is_ok());
            prop_assert_eq!(&album.items("P", &rows), state);
        }
        prop_assert!(album.step("P", &rows, true).is_err());
    }
}

#[test]
fn a_settled_draft_follows_and_its_way_back_leads_over_the_whole_of_what_was() {
    let mut rows = rows();
    let mut album = Album::default();
    album.change("P", &rows, 1, Change::Gap(500)).unwrap();
    let mine = album.items("P", &rows);
    let saved = v1::Spacing { number: 2, items: mine.clone(), ..v1::Spacing::default() };
    told(&mut rows, saved);
    album.rows_came("P", &rows);
    assert!(!album.is_unsaved("P", &rows));
    for number in 3..6 {
        told(&mut rows, spacing(number, &[4, 3, 2, 1, 0]));
        album.rows_came("P", &rows);
        assert_eq!(album.items("P", &rows)[0].song_id, "s4");
    }
    album.step("P", &rows, false).unwrap();
    assert_eq!(album.items("P", &rows), mine, "however often it followed it is one step");
    album.step("P", &rows, false).unwrap();
    assert_eq!(album.items("P", &rows)[1].gap_ms, 1_000);
}

#[test]
fn notes_lie_where_they_were_said() {
    let mut rows = rows();
    let note = |id: &str, song: &str, at_ms, closed| SpacingNote {
        note_id: id.into(),
        song_id: song.into(),
        at_ms,
        closed,
        ..SpacingNote::default()
    };
    let mut with = spacing(2, &[0, 1, 2, 3, 4]);
    with.notes = vec![
        note("closed", "s1", 1, true),
        note("late", "s1", 9, false),
        note("all", "", 5, false),
        note("early", "s1", 3, false),
    ];
    told(&mut rows, with);
    let notes = notes(&rows);
    let ids = |all: &[&SpacingNote]| all.iter().map(|it| it.note_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&notes), ["early", "all", "late", "closed"]);
    assert_eq!(ids(&joint_open(&notes, "s1")), ["early", "late"]);
    assert_eq!(ids(&order_open(&notes)), ["all"]);
    assert_eq!(open_here(&notes, "s3").map(|it| it.note_id.as_str()), Some("all"));
    assert!(joint_open(&notes, "").is_empty());
}

#[test]
fn ten_thousand_songs_cost_little_more_than_half_a_megabyte() {
    const { assert!(BYTES_A_SONG <= 60) };
}
