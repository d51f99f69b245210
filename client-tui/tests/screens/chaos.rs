//! Whatever a server sends and whatever a person presses: no panic, and nothing is sent that was not confirmed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use deadwax_client::{scrub, tui::Msg};
use deadwax_proto::v1::{AudioFacts, NoteRow, VersionKind, row::Row as Of};
use proptest::prelude::*;

use crate::{
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
