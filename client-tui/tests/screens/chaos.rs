//! Whatever a server sends and whatever a person presses: no panic, and nothing is sent that was not confirmed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use deadwax_client::{
    scrub,
    tui::{Failure, Msg},
};
use deadwax_proto::v1::{
    AudioFacts, DeskRow, ExaminationView, Handoff, Line, NotePlace, NoteRow, NoteVerdict, Row, Shootout,
    SongTurnaround, Spacing, SpacingItem, StageTime, VersionKind, Vote, row::Row as Of,
};
use proptest::prelude::*;

use crate::{
    review,
    sample::{self, HOSTILE, PLAIN},
    seat::Seat,
};

fn key() -> impl Strategy<Value = KeyEvent> {
    let code = prop_oneof![
        4 => prop::char::range(' ', '~').prop_map(KeyCode::Char),
        1 => Just(KeyCode::Char('夜')),
        3 => prop::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::Up, KeyCode::Down, KeyCode::Left,
            KeyCode::Right, KeyCode::Home, KeyCode::End, KeyCode::PageUp, KeyCode::PageDown, KeyCode::Backspace,
        ]),
    ];
    (code, prop::bool::weighted(0.1)).prop_map(|(code, ctrl)| {
        let modifiers = if ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        KeyEvent::new(code, modifiers)
    })
}

fn facts() -> impl Strategy<Value = AudioFacts> {
    (any::<u64>(), prop::sample::select(vec![0, 1, 48_000, u32::MAX]), any::<f64>(), any::<u64>()).prop_map(
        |(frames, sample_rate, level, bytes)| AudioFacts {
            frames,
            sample_rate,
            bytes,
            integrated_lufs: level,
            true_peak_dbtp: level,
            loudness_range_lu: level,
            ..AudioFacts::default()
        },
    )
}

fn note() -> impl Strategy<Value = NoteRow> {
    let ms = || prop::option::of(prop_oneof![any::<u64>(), 0u64..300_000]);
    (ms(), ms(), ".{0,40}", any::<i32>(), any::<i64>()).prop_map(|(start_ms, end_ms, text, state, at_ms)| {
        NoteRow {
            note_id: "x".into(),
            song_id: "s0".into(),
            version_id: "gone".into(),
            start_ms,
            end_ms,
            text,
            state,
            at_ms,
            ..NoteRow::default()
        }
    })
}

/// A version, a song and their parts with numbers and kinds that no server should send.
fn review() -> impl Strategy<Value = Vec<Row>> {
    let ms = || prop::option::of(prop_oneof![any::<u64>(), 0u64..300_000]);
    let place = (ms(), ms(), any::<i32>()).prop_map(|(start_ms, end_ms, kind)| NotePlace {
        version_id: "v2".into(),
        kind,
        start_ms,
        end_ms,
    });
    let count = || prop_oneof![any::<u32>(), 0u32..4];
    let time = || prop_oneof![any::<i64>(), Just(sample::NOW_MS)];
    (
        prop::collection::vec(place, 0..3),
        (any::<i32>(), count(), count(), any::<f64>(), any::<bool>()),
        (time(), any::<bool>(), count(), any::<i32>()),
        ".{0,20}",
        prop::collection::vec(prop::sample::select(vec!["v1", "v2", "gone", ""]), 0..5),
    )
        .prop_map(
            |(places, (state, changed, untouched, db, same_pcm), (ms, overdue, round, kind), text, ids)| {
                let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
                let mut version = sample::version("v2", 0, VersionKind::Mix, 2, HOSTILE);
                version.name = text.clone();
                version.examination = Some(ExaminationView {
                    state,
                    reason: text.clone(),
                    against_version_id: "v1".into(),
                    changes: vec![text.clone(); 3],
                    same_pcm,
                    residual_db: Some(db),
                    notes_changed: changed,
                    notes_untouched: untouched,
                });
                let verdict = NoteVerdict { version_id: "v2".into(), verdict: kind, text: text.clone() };
                let note = NoteRow {
                    note_id: "y".into(),
                    song_id: "s0".into(),
                    version_id: "v1".into(),
                    start_ms: places.first().and_then(|it| it.end_ms),
                    places,
                    verdicts: vec![verdict],
                    ..NoteRow::default()
                };
                let song = review::song(3, HOSTILE, "s0", |it| {
                    it.due_ms = ms;
                    it.overdue = overdue;
                    it.shootout = Some(shootout(&text, &ids, round, db, ms));
                    it.handoff = Some(Handoff { state: kind, made_ms: ms, ..Handoff::default() });
                });
                let spacing = Spacing {
                    number: round,
                    items: ids
                        .into_iter()
                        .map(|song_id| SpacingItem { song_id, gap_ms: round, ..SpacingItem::default() })
                        .collect(),
                    at_ms: ms,
                    ..Spacing::default()
                };
                let project = review::project(3, HOSTILE, |it| {
                    it.cut_off_ms = ms;
                    it.corrections_free = round;
                    it.follow = kind;
                    it.spacing = Some(spacing);
                });
                vec![
                    sample::row("version/v2", Of::Version(version)),
                    sample::row("note/y", Of::Note(note)),
                    song,
                    project,
                ]
            },
        )
}

fn shootout(text: &str, ids: &[String], count: u32, db: f64, ms: i64) -> Shootout {
    let line = Line { letter: text.into(), newest_version_id: "v2".into(), ..Line::default() };
    let vote = Vote { by: text.into(), ranking: ids.to_vec(), matched_lufs: db, ..Vote::default() };
    Shootout {
        lines: vec![line; usize::try_from(count % 4).unwrap()],
        votes: vec![vote],
        votes_cast: count,
        picked_version_id: ids.first().cloned().unwrap_or_default(),
        opened_ms: ms,
        ..Shootout::default()
    }
}

fn stay() -> impl Strategy<Value = StageTime> {
    (any::<i32>(), any::<i64>(), any::<i64>()).prop_map(|(stage, from_ms, until_ms)| StageTime {
        stage: stage % 5,
        from_ms,
        until_ms,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_nothing_hostile_is_drawn(
        keys in prop::collection::vec(key(), 0..60),
        facts in facts(),
        note in note(),
        size in (1u16..130, 1u16..45),
        answer in any::<bool>(),
    ) {
        let mut seat = Seat::sample(size, 3, HOSTILE);
        let mut version = sample::version("v2", 0, VersionKind::Mix, 2, HOSTILE);
        version.files[0].facts = Some(facts);
        seat.rows(false, vec![
            sample::row("version/v2", Of::Version(version)),
            sample::row("note/x", Of::Note(note)),
        ]);
        seat.press("<enter>");
        if answer && !seat.effects.is_empty() {
            seat.answer_wave();
        }
        for key in keys {
            seat.tell(Msg::Key(key));
            seat.tell(Msg::Shown);
            let terminal = seat.terminal();
            let mut cells = terminal.backend().buffer().content().iter();
            prop_assert!(!cells.any(|cell| cell.symbol().chars().any(scrub::is_hostile)));
        }
    }

    #[test]
    fn no_review_that_a_server_sends_breaks_a_screen(
        rows in review(),
        stays in prop::collection::vec(stay(), 0..6),
        due_ms in any::<i64>(),
        blocks in any::<u32>(),
        keys in prop::collection::vec(key(), 0..30),
        page in prop::sample::select(vec!["", "e", "s", "V", "Px<enter>", "B", "Z", "M", "I", "a", "<esc>s", "<esc>A", "<esc>t", ":"]),
        size in (1u16..130, 1u16..45),
    ) {
        let mut seat = Seat::sample(size, 3, HOSTILE);
        seat.rows(false, rows);
        let desk = review::desk(HOSTILE).into_iter().map(|row| DeskRow { due_ms, blocks, ..row });
        seat.tell(Msg::Desk(desk.collect()));
        let _ = seat.terminal();
        seat.press("2<enter>T");
        let waited = SongTurnaround { stages: stays, waited_for_engineers_ms: due_ms, ..SongTurnaround::default() };
        let ticket = seat.model.ticket;
        let songs = vec![waited; 3];
        seat.tell(Msg::Turnaround { ticket, outcome: Ok(songs) });
        let _ = seat.terminal();
        seat.press("1<enter>");
        seat.press(page);
        for key in keys {
            seat.tell(Msg::Key(key));
            seat.tell(Msg::Shown);
            let terminal = seat.terminal();
            let mut cells = terminal.backend().buffer().content().iter();
            prop_assert!(!cells.any(|cell| cell.symbol().chars().any(scrub::is_hostile)));
        }
    }

    #[test]
    fn without_a_y_or_a_moved_button_no_key_picks_or_bills(
        keys in prop::collection::vec(key().prop_filter("neither y nor a move", |event| {
            !matches!(
                event.code,
                KeyCode::Char('y') | KeyCode::Tab | KeyCode::Left | KeyCode::Right
            )
        }), 0..60),
        billed in any::<bool>(),
    ) {
        let mut seat = review::seat((80, 24), PLAIN, review::shootout(3, PLAIN, false));
        seat.press(if billed { "R<enter>Once more.<enter>" } else { "Px<enter>" });
        if billed {
            let command_id = seat.model.pending[0].command_id.clone();
            let refused = Failure::Refused {
                reason: "BEYOND_TERMS".into(),
                text: "It is billed.".into(),
                hint: String::new(),
            };
            seat.tell(Msg::Performed { command_id, outcome: Err(refused) });
        }
        for key in keys {
            seat.tell(Msg::Key(key));
            seat.tell(Msg::Shown);
        }
        for effect in seat.sent() {
            let sent = format!("{effect:?}");
            prop_assert!(!sent.contains("PickMix(") && !sent.contains("beyond_terms: true"), "{sent}");
        }
    }

    #[test]
    fn without_a_y_or_a_moved_button_no_key_signs(
        keys in prop::collection::vec(key().prop_filter("neither y nor a move", |event| {
            !matches!(
                event.code,
                KeyCode::Char('y') | KeyCode::Tab | KeyCode::Left | KeyCode::Right
            )
        }), 0..60),
    ) {
        let mut seat = Seat::sample((80, 24), 3, PLAIN);
        seat.press("<enter>a");
        for key in keys {
            seat.tell(Msg::Key(key));
            seat.tell(Msg::Shown);
        }
        let signed = seat.sent().into_iter().any(|effect| format!("{effect:?}").contains("Approve("));
        prop_assert!(!signed);
    }
}
