//! What hands do on every list: filter, several at once, undo, palette, help, mouse, copy, keys of one's own.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use deadwax_client::tui::{
    Effect, Failure, Msg, draw,
    draw::Hit,
    keys::{Key, Kind, Verb},
    model::{Ask, Notice, Screen},
    settings::{Ground, read},
};
use deadwax_proto::v1::{NoteState, PerformResponse, action::Action as Do, row::Row as Of};
use proptest::prelude::*;

use crate::{
    review,
    sample::{self, LONG, NOW_MS, PLAIN},
    seat::Seat,
};

const SIZE: (u16, u16) = (80, 24);

fn desk() -> Seat {
    Seat::sample(SIZE, 0, PLAIN)
}

fn song() -> Seat {
    let mut seat = Seat::sample(SIZE, 3, PLAIN);
    seat.press("<enter>");
    seat.sent();
    seat
}

fn mouse(seat: &mut Seat, kind: MouseEventKind, (column, row): (u16, u16), modifiers: KeyModifiers) {
    seat.tell(Msg::Mouse(MouseEvent { kind, column, row, modifiers }));
    seat.tell(Msg::Shown);
}

fn click(seat: &mut Seat, place: (u16, u16)) {
    mouse(seat, MouseEventKind::Down(MouseButton::Left), place, KeyModifiers::NONE);
}

/// Where something lies: its first place.
fn place(seat: &Seat, is: impl Fn(&Hit) -> bool) -> (u16, u16) {
    let areas = draw::areas_of(&seat.model);
    let found = areas.iter().find(|(area, hit)| is(hit) && area.width > 0 && area.height > 0);
    let (area, _) = found.unwrap_or_else(|| panic!("not to be pressed: {areas:?}\n{}", seat.screen()));
    (area.x, area.y)
}

fn notice(seat: &Seat) -> String {
    match &seat.model.notice {
        Some(Notice::Done(text) | Notice::Tell(text)) => text.clone(),
        Some(Notice::Refused { text, hint }) => format!("{text} {hint}"),
        None => String::new(),
    }
}

fn answer(seat: &mut Seat, at: usize, outcome: Result<PerformResponse, Failure>) {
    let command_id = seat.model.pending[at].command_id.clone();
    seat.tell(Msg::Performed { command_id, outcome });
}

#[test]
fn a_filter_hides_lines_as_it_is_typed_says_how_many_and_esc_brings_them_back() {
    let mut seat = desk();
    let all = seat.screen();
    let whole = seat.model.desk.as_ref().unwrap().len();
    seat.press("/glass");
    let shown = seat.screen();
    assert!(shown.contains("/ glass▏"), "{shown}");
    assert!(shown.contains("hidden"), "{shown}");
    assert!(!shown.contains("Low Sun"), "{shown}");
    seat.press("<enter>");
    assert!(seat.screen().contains("/ changes it"), "it stays: {}", seat.screen());
    // The desk's own keys work on what is left.
    seat.press("<down><down><down><up><esc>");
    assert_eq!(seat.screen().lines().count(), all.lines().count());
    assert!(seat.screen().contains("Low Sun"));
    assert_eq!(seat.model.desk.as_ref().unwrap().len(), whole);
}

#[test]
fn the_mark_never_stands_on_a_line_that_is_not_shown() {
    let mut seat = desk();
    seat.press("/low<enter>");
    let lines = deadwax_client::tui::lists::lines(&seat.model);
    let at = deadwax_client::tui::lists::place(&seat.model, &lines);
    assert!(lines[at].text.contains("Low"), "{:?}", lines[at]);
    seat.press("<enter>");
    let Screen::Master { song, .. } = seat.model.top() else { panic!("{:?}", seat.model.top()) };
    assert_eq!(song, "s2");
    seat.press("<esc><esc><esc>");
    assert!(seat.screen().contains("/ low"), "the filter waits where it was left: {}", seat.screen());
}

#[test]
fn words_that_no_line_holds_say_so_and_a_wide_script_is_found() {
    let mut seat = desk();
    seat.press("/zzzz");
    assert!(seat.screen().contains("No line holds these words."), "{}", seat.screen());
    let mut seat = Seat::sample(SIZE, 0, LONG);
    seat.press("2/");
    seat.tell(Msg::Paste("夜行".into()));
    assert!(seat.screen().contains("夜行列車"), "{}", seat.screen());
}

#[test]
fn the_words_of_a_filter_are_marked_where_they_stand() {
    use ratatui::style::Modifier;
    let mut seat = desk();
    seat.press("/glass");
    let terminal = seat.terminal();
    let marked: String = terminal
        .backend()
        .buffer()
        .content()
        .iter()
        .filter(|cell| cell.modifier.contains(Modifier::UNDERLINED))
        .map(ratatui::buffer::Cell::symbol)
        .collect();
    assert!(marked.starts_with("Glass"), "{marked}");
    assert_eq!(marked.len() % "Glass".len(), 0, "{marked}");
}

#[test]
fn a_text_left_with_esc_comes_back_with_undo() {
    let mut seat = song();
    seat.press("n the s is sharp<esc><esc>");
    assert!(seat.model.prompt.is_none());
    assert!(notice(&seat).contains("U brings it back"), "{}", notice(&seat));
    seat.press("U");
    let Some(Ask::Write(ask)) = seat.model.prompt.as_ref().map(|it| &it.ask) else { panic!() };
    assert_eq!(ask.area.lines().join("").trim(), "the s is sharp");
    assert!(ask.title.starts_with("Glass Hour: Note on Mix 2"), "each name once: {}", ask.title);
    seat.press("<esc>");
    assert!(seat.model.prompt.is_some(), "brought back, the first Esc asks again");
    seat.press("<enter>");
    assert_eq!(seat.sent().len(), 1);
}

#[test]
fn a_form_left_with_esc_comes_back_with_undo() {
    let mut seat = desk();
    seat.press("2<enter>n");
    seat.press("<esc>");
    assert!(!notice(&seat).contains("put aside"), "nothing was written: {}", notice(&seat));
    seat.press("nNight Train<tab>QZ1<esc>");
    assert!(seat.model.prompt.is_none());
    assert!(notice(&seat).contains("U brings it back"), "{}", notice(&seat));
    // From wherever one is by then.
    seat.press("1U");
    let Some(Ask::Form(ask)) = seat.model.prompt.as_ref().map(|it| &it.ask) else { panic!() };
    assert_eq!((ask.text(0).as_str(), ask.text(1).as_str()), ("Night Train", "QZ1"));
    seat.press("<enter>");
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    assert!(matches!(&action.action, Some(Do::AddSong(it)) if it.title == "Night Train"), "{action:?}");
    // What stood there before is no text of one's own.
    seat.press("2<enter>e<esc>");
    assert!(!notice(&seat).contains("put aside"), "{}", notice(&seat));
    seat.press("e!<esc>");
    assert!(notice(&seat).contains("put aside"), "{}", notice(&seat));
}

#[test]
fn a_text_being_written_is_kept_and_outlives_the_client() {
    let mut seat = song();
    seat.press("nbreathe before the chorus");
    seat.tell(Msg::Tick(NOW_MS + 500));
    let kept = seat.effects.iter().rev().find_map(|it| match it {
        Effect::Keep(draft) => draft.clone(),
        _ => None,
    });
    let draft = kept.expect("it was given to the disk");
    assert_eq!(draft.text, "breathe before the chorus");
    seat.effects.clear();
    seat.tell(Msg::Tick(NOW_MS + 1_000));
    assert!(
        !seat.effects.iter().any(|it| matches!(it, Effect::Keep(_))),
        "nothing changed, nothing is written"
    );
    // Another client, later: read back from what a file holds.
    let file = toml::to_string(&draft).unwrap();
    let mut later = song();
    later.tell(Msg::Draft(Box::new(toml::from_str(&file).unwrap())));
    assert!(notice(&later).contains("U brings it back"));
    later.press("U<enter>");
    let sent = later.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    let Some(Do::AddNote(note)) = &action.action else { panic!("{action:?}") };
    assert_eq!(note.text, "breathe before the chorus");
    later.tell(Msg::Tick(NOW_MS + 2_000));
    assert!(
        !later.effects.iter().any(|it| matches!(it, Effect::Keep(Some(_)))),
        "what was sent is forgotten"
    );
}

#[test]
fn several_notes_are_done_at_once_and_the_verdicts_are_summed_up() {
    let mut seat = notes();
    seat.press("**");
    assert!(seat.screen().contains("2 chosen"), "{}", seat.screen());
    seat.press("d");
    let sent = seat.sent();
    assert_eq!(sent.len(), 2, "{sent:?}");
    answer(&mut seat, 0, Ok(PerformResponse::default()));
    assert_eq!(notice(&seat), "", "the second is still on its way");
    let text = "The note was settled meanwhile.".to_owned();
    answer(&mut seat, 0, Err(Failure::Refused { reason: "X".into(), text, hint: String::new() }));
    let told = notice(&seat);
    assert!(told.contains("1 of 2 done, 1 refused") && told.contains("settled meanwhile"), "{told}");
}

/// An engineer in front of open notes.
fn notes() -> Seat {
    let mut seat = Seat::sample(SIZE, 1, PLAIN);
    seat.press("<enter>");
    let rows = seat.model.projects["P"].notes("s0", true);
    let mut notes: Vec<_> = rows.iter().cloned().collect();
    for note in &mut notes {
        note.set_state(NoteState::Open);
        note.allowed.clear();
    }
    let mut more = notes[0].clone();
    more.note_id = "more".into();
    notes.push(more);
    seat.rows(
        false,
        notes.into_iter().map(|it| sample::row(&format!("note/{}", it.note_id), Of::Note(it))).collect(),
    );
    seat.sent();
    seat
}

#[test]
fn what_was_done_to_a_note_is_taken_back_with_the_opposite_command() {
    let mut seat = notes();
    seat.press("d");
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    let Some(Do::AddressNote(done)) = action.action.clone() else { panic!("{action:?}") };
    answer(&mut seat, 0, Ok(PerformResponse::default()));
    seat.press("U");
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    let Some(Do::ReopenNote(back)) = action.action.clone() else { panic!("{action:?}") };
    assert_eq!(back.note_id, done.note_id);
    answer(&mut seat, 0, Ok(PerformResponse::default()));
    seat.press("<c-r>");
    assert_eq!(seat.sent().len(), 1, "and done again");
}

#[test]
fn no_signature_is_taken_back_by_undo() {
    let mut seat = Seat::sample(SIZE, 3, PLAIN);
    seat.press("<enter>ay");
    assert_eq!(seat.sent().len(), 1);
    answer(&mut seat, 0, Ok(PerformResponse::default()));
    seat.press("U");
    assert!(seat.sent().is_empty());
    assert!(notice(&seat).contains("nothing to take back"), "{}", notice(&seat));
}

#[test]
fn the_palette_finds_an_action_by_three_letters_and_presses_it() {
    let mut seat = song();
    seat.press(":aprv");
    let shown = seat.screen();
    assert!(shown.contains("Approve the version"), "{shown}");
    seat.press("<enter>");
    assert!(matches!(seat.model.prompt.as_ref().map(|it| &it.ask), Some(Ask::Approve(_))), "{shown}");
}

#[test]
fn the_palette_takes_the_action_before_the_room_that_speaks_of_it() {
    let mut seat = desk();
    seat.press("2<enter>:invite<enter>");
    assert_eq!(seat.model.top().kind(), Kind::People);
    assert!(notice(&seat).contains("n: Invite somebody"), "the key of it is told: {}", notice(&seat));
}

#[test]
fn the_palette_reaches_the_screens_beside_this_one_and_shows_first_what_was_used_last() {
    let mut seat = song();
    seat.press(":how long each song stood<enter>");
    assert_eq!(seat.model.top().kind(), Kind::Project, "{}", seat.screen());
    assert!(notice(&seat).contains("This is Project. T: How long"), "{}", notice(&seat));
    let mut seat = song();
    seat.press("f:");
    let shown = seat.screen();
    let first = shown.lines().skip_while(|it| !it.contains("Find an action")).nth(2).unwrap_or("").to_owned();
    assert!(first.contains("settled notes"), "{shown}");
}

#[test]
fn the_palette_says_why_the_studio_would_refuse() {
    let mut seat = song();
    let rows = review::song(3, PLAIN, "s0", |it| {
        it.allowed = vec![sample::no("hold", "ROLE", "Only the label may hold this song.", "Ask Lena.")];
    });
    seat.rows(false, vec![rows]);
    seat.press(":hold with a reason");
    assert!(seat.screen().contains("×"), "{}", seat.screen());
}

#[test]
fn the_help_is_made_from_the_keys_that_hold_and_can_be_searched() {
    let mut seat = song();
    seat.model.settings = read("[keys.song]\napprove = 'f2'\n").unwrap();
    seat.press("?");
    seat.press("/sign its exact");
    let shown = seat.screen();
    assert!(shown.contains("F2"), "{shown}");
    assert!(shown.contains("Decide and sign"), "{shown}");
    assert!(!shown.contains("Answer the note"), "{shown}");
}

#[test]
fn a_changed_key_acts_and_the_status_bar_names_it() {
    let mut seat = song();
    seat.model.settings = read("[keys.song]\napprove = '&'\nhold = []\n").unwrap();
    seat.press("a");
    assert!(seat.model.prompt.is_none(), "the old key is free");
    seat.press("&");
    assert!(matches!(seat.model.prompt.as_ref().map(|it| &it.ask), Some(Ask::Approve(_))));
    seat.press("<esc>");
    assert!(seat.screen().contains("& approve"), "{}", seat.screen());
    // What lost its key is still an action.
    seat.press("H");
    assert!(seat.model.prompt.is_none());
    seat.press(":put the song on hold<enter>");
    assert!(matches!(seat.model.prompt.as_ref().map(|it| &it.ask), Some(Ask::Write(_))));
}

#[test]
fn y_copies_what_the_line_is_about_without_what_a_terminal_would_obey() {
    let mut seat = song();
    seat.press("y");
    let copied = |seat: &Seat| {
        seat.effects.iter().rev().find_map(|it| match it {
            Effect::Copy(text) => Some(text.clone()),
            _ => None,
        })
    };
    assert!(copied(&seat).is_some_and(|it| !it.is_empty()), "{}", notice(&seat));
    seat.press("<tab>y");
    let fingerprint = sample::version("v2", 0, deadwax_proto::v1::VersionKind::Mix, 2, PLAIN).fingerprint;
    assert_eq!(copied(&seat), Some(fingerprint));
    let mut seat = Seat::sample(SIZE, 0, sample::HOSTILE);
    seat.press("y");
    let text = copied(&seat).unwrap_or_default();
    assert!(!text.chars().any(|c| c != '\n' && deadwax_client::scrub::is_hostile(c)), "{text:?}");
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell() {
    let mut seat = desk();
    seat.press("<c-z>");
    assert!(seat.effects.contains(&Effect::Suspend));
}

#[test]
fn ten_thousand_pasted_characters_with_breaks_arrive_whole_and_send_nothing() {
    let mut seat = song();
    seat.press("n");
    let long: String = "The s of glass is sharp.\n".repeat(400);
    seat.tell(Msg::Paste(long.clone()));
    assert!(seat.sent().is_empty());
    let Some(Ask::Write(ask)) = seat.model.prompt.as_ref().map(|it| &it.ask) else { panic!() };
    assert_eq!(ask.area.lines().join("\n"), long);
    drop(seat.screen());
    seat.press("<enter>");
    assert!(seat.sent().is_empty(), "a note has at most 4,000 characters, and says so before it is sent");
    assert!(seat.screen().contains("4,000 characters at most"), "{}", seat.screen());
    let Some(Ask::Write(ask)) = seat.model.prompt.as_ref().map(|it| &it.ask) else { panic!() };
    assert_eq!(ask.area.lines().join("\n"), long, "nothing of it is lost");
}

#[test]
fn a_click_chooses_and_a_second_one_opens() {
    let mut seat = desk();
    let second = place(&seat, |it| *it == Hit::Row(1));
    click(&mut seat, second);
    assert!(matches!(seat.model.top(), Screen::Desk { at: 1 }));
    click(&mut seat, second);
    assert_ne!(seat.model.top().kind(), Kind::Desk, "the second press opens");
    // Two presses far apart in time are two choices.
    let mut seat = desk();
    click(&mut seat, second);
    seat.tell(Msg::Tick(NOW_MS + 5_000));
    click(&mut seat, second);
    assert!(matches!(seat.model.top(), Screen::Desk { at: 1 }));
}

#[test]
fn a_click_on_a_named_key_presses_it_and_none_signs() {
    let mut seat = desk();
    let help = place(&seat, |it| *it == Hit::Key(Verb::Help));
    click(&mut seat, help);
    assert_eq!(seat.model.top().kind(), Kind::Help);
    let mut seat = Seat::sample(SIZE, 3, PLAIN);
    seat.press("<enter>a");
    for column in 0..SIZE.0 {
        for row in 0..SIZE.1 {
            click(&mut seat, (column, row));
        }
    }
    assert!(seat.sent().is_empty(), "no press signs");
    assert!(seat.model.prompt.is_some(), "and none goes through an open question");
}

#[test]
fn a_wheel_scrolls_the_list_below_it() {
    let mut seat = desk();
    mouse(&mut seat, MouseEventKind::ScrollDown, (10, 5), KeyModifiers::NONE);
    let Screen::Desk { at } = *seat.model.top() else { panic!() };
    assert!(at > 0);
    mouse(&mut seat, MouseEventKind::ScrollUp, (10, 5), KeyModifiers::NONE);
    assert!(matches!(seat.model.top(), Screen::Desk { at: 0 }));
}

#[test]
fn a_mouse_that_only_moves_redraws_nothing() {
    let mut seat = desk();
    seat.model.dirty = false;
    seat.tell(Msg::Mouse(MouseEvent {
        kind: MouseEventKind::Moved,
        column: 3,
        row: 3,
        modifiers: KeyModifiers::NONE,
    }));
    assert!(!seat.model.dirty);
}

#[test]
fn a_terminal_that_tells_its_ground_is_believed_unless_the_file_says_otherwise() {
    let mut seat = desk();
    seat.tell(Msg::Ground(Ground::Light));
    assert_eq!(seat.model.settings.ground, Ground::Light);
    seat.model.settings = read("[theme]\nground = 'dark'").unwrap();
    seat.tell(Msg::Ground(Ground::Light));
    assert_eq!(seat.model.settings.ground, Ground::Dark);
}

#[test]
fn what_can_be_pressed_lies_on_the_screen_and_rows_do_not_overlap() {
    for size in [(80, 24), (120, 40), (41, 13), (10, 3)] {
        for keys in ["", "2", "2<enter>", "<enter>", "?", ":", "2<enter>z"] {
            let mut seat = Seat::sample(size, 0, LONG);
            seat.press(keys);
            let areas = draw::areas_of(&seat.model);
            for (area, hit) in &areas {
                assert!(area.right() <= size.0 && area.bottom() <= size.1, "{hit:?} at {area:?} on {size:?}");
            }
            let rows: Vec<_> = areas.iter().filter(|(_, it)| matches!(it, Hit::Row(_))).collect();
            for (at, (area, _)) in rows.iter().enumerate() {
                assert!(rows[..at].iter().all(|(other, _)| !other.intersects(*area)), "{keys} {size:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A window that is pulled to any size and back shows what it showed, on every screen, with a question open or not.
    #[test]
    fn every_size_is_drawn_and_the_way_back_is_the_same(
        sizes in prop::collection::vec((1u16..180, 1u16..60), 1..6),
        keys in prop::sample::select(vec![
            "", "2", "2<enter>", "<enter>", "2<enter>i", "2<enter>T", "?", ":", "/gl", "<enter>n",
            "<enter>R", "<enter>I", "2<enter>m", "2<enter>4", "2<enter>5", "2<enter>6", "8", "<enter>C",
        ]),
        names in prop::sample::select(vec![PLAIN, LONG]),
    ) {
        let mut seat = Seat::sample(SIZE, 0, names);
        seat.press(keys);
        let before = seat.screen();
        for (columns, rows) in sizes {
            seat.tell(Msg::Resize(columns, rows));
            seat.tell(Msg::Shown);
            drop(seat.screen());
        }
        seat.tell(Msg::Resize(SIZE.0, SIZE.1));
        seat.tell(Msg::Shown);
        prop_assert_eq!(seat.screen(), before);
    }

    /// Whatever is pressed with the mouse, wherever: no panic, and nothing is sent that needs a yes.
    #[test]
    fn no_press_of_the_mouse_breaks_or_signs(
        events in prop::collection::vec((0u16..130, 0u16..45, 0u8..6, any::<bool>()), 0..30),
        keys in prop::sample::select(vec!["", "2<enter>", "<enter>", "<enter>a", "?", ":", "<enter>R"]),
        size in prop::sample::select(vec![(80u16, 24u16), (120, 40), (30, 8)]),
    ) {
        let mut seat = Seat::sample(size, 3, PLAIN);
        seat.press(keys);
        seat.sent();
        for (column, row, kind, ctrl) in events {
            let kind = match kind {
                0 | 1 => MouseEventKind::Down(MouseButton::Left),
                2 => MouseEventKind::Drag(MouseButton::Left),
                3 => MouseEventKind::ScrollUp,
                4 => MouseEventKind::ScrollDown,
                _ => MouseEventKind::Down(MouseButton::Right),
            };
            let modifiers = if ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
            mouse(&mut seat, kind, (column, row), modifiers);
            drop(seat.screen());
        }
        let signed = seat.sent().into_iter().any(|it| matches!(
            it,
            Effect::Perform { action, .. } if matches!(action.action, Some(Do::Approve(_) | Do::Hold(_) | Do::MakeDelivery(_)))
        ));
        prop_assert!(!signed);
    }
}

#[test]
fn every_default_key_has_a_name_a_file_can_say() {
    for kind in Kind::ALL {
        for bound in deadwax_client::tui::keys::bindings(kind) {
            for key in bound.keys {
                assert!(!matches!(key, Key::Char(c) if c.is_whitespace() && *c != ' '));
            }
        }
    }
}
