//! Flows: what is sent, what is never sent by accident, and what survives a cut.

use deadwax_client::tui::{
    Effect, Failure, Msg,
    model::{Ask, Link, Notice, Screen},
    update,
};
use deadwax_proto::v1::{
    self as v1, PerformResponse, Row, VersionKind, action::Action as Do, row::Row as Of,
};

use crate::{
    sample::{self, NOW_MS, PLAIN},
    seat::Seat,
};

const SIZE: (u16, u16) = (80, 24);

/// The label in front of Mix 2, as the desk opens it.
fn label() -> Seat {
    let mut seat = Seat::sample(SIZE, 3, PLAIN);
    seat.press("<enter>");
    seat.sent();
    seat
}

/// Mix 3 arrives.
pub fn supersede(seat: &mut Seat) {
    let mut old = sample::version("v2", 0, VersionKind::Mix, 2, PLAIN);
    old.superseded = true;
    let new = sample::version("v3", 0, VersionKind::Mix, 3, PLAIN);
    seat.rows(false, vec![version(old), version(new)]);
}

fn version(row: v1::VersionRow) -> Row {
    sample::row(&format!("version/{}", row.version_id), Of::Version(row))
}

fn action(effect: &Effect) -> Do {
    let Effect::Perform { action, .. } = effect else { panic!("not a command: {effect:?}") };
    action.action.clone().unwrap()
}

#[test]
fn an_approval_sends_what_was_quoted() {
    let mut seat = label();
    seat.press("a");
    assert!(seat.sent().is_empty());
    seat.press("y");
    let sent = seat.sent();
    let [effect] = sent.as_slice() else { panic!("{sent:?}") };
    let Do::Approve(approve) = action(effect) else { panic!("{effect:?}") };
    assert_eq!(approve.version_id, "v2");
    assert_eq!(approve.fingerprint, sample::version("v2", 0, VersionKind::Mix, 2, PLAIN).fingerprint);
    assert_eq!(approve.role(), v1::Role::Label);
    assert_eq!(uuid::Uuid::parse_str(&approve.approval_id).unwrap().get_version_num(), 7);
}

#[test]
fn enter_alone_never_approves() {
    let mut seat = label();
    seat.press("a<enter>");
    assert!(seat.model.prompt.is_none(), "the default is Cancel");
    seat.press("a<esc>");
    seat.press("an");
    assert!(seat.sent().is_empty());
    seat.press("a<tab><enter>");
    assert_eq!(seat.sent().len(), 1, "Enter on [ Approve ] does");
}

#[test]
fn keys_typed_ahead_and_pasted_text_sign_nothing() {
    let mut seat = label();
    seat.press_unseen("ay<tab><enter>");
    assert!(seat.sent().is_empty());
    assert!(matches!(seat.model.prompt.as_ref().unwrap().ask, Ask::Approve(_)));
    seat.tell(Msg::Shown);
    seat.tell(Msg::Paste("y\n".into()));
    assert!(seat.sent().is_empty());
}

#[test]
fn what_does_not_fit_on_the_screen_cannot_be_signed() {
    for size in [(38, 10), (40, 12)] {
        let mut seat = label();
        seat.tell(Msg::Resize(size.0, size.1));
        seat.press("aay<tab>y<enter>");
        assert!(seat.sent().is_empty(), "signed unseen at {size:?}");
    }
    let mut seat = label();
    seat.press("a");
    seat.tell(Msg::Resize(40, 12));
    seat.press_unseen("y");
    assert!(seat.screen().contains("Make the window larger"), "{}", seat.screen());
    seat.press("y");
    assert!(seat.sent().is_empty());
    seat.tell(Msg::Resize(80, 24));
    seat.press_unseen("y");
    assert!(seat.sent().is_empty(), "the larger window was not drawn yet");
    seat.tell(Msg::Shown);
    seat.press("y");
    assert_eq!(seat.sent().len(), 1);
}

#[test]
fn a_narrow_screen_that_holds_the_whole_quote_can_sign() {
    let mut seat = label();
    seat.tell(Msg::Resize(40, 24));
    seat.press("a");
    let screen = seat.screen();
    for part in ["You sign as (label)", "[ Approve ]", "dBTP"] {
        assert!(screen.contains(part), "{part} is missing:\n{screen}");
    }
    seat.press("y");
    assert_eq!(seat.sent().len(), 1);
}

#[test]
fn a_version_superseded_under_the_prompt_cannot_be_signed() {
    let mut seat = label();
    seat.press("a");
    supersede(&mut seat);
    assert!(seat.screen().contains("Mix 3 came while this was open. Mix 2 is superseded."));
    seat.press("y<tab>y");
    assert!(seat.model.prompt.is_some(), "it stays and says why");
    seat.press("<enter>");
    assert!(seat.model.prompt.is_none(), "Enter only closes now");
    assert!(seat.sent().is_empty());
}

#[test]
fn changed_files_under_the_prompt_cannot_be_signed() {
    let mut seat = label();
    seat.press("a");
    let mut changed = sample::version("v2", 0, VersionKind::Mix, 2, PLAIN);
    changed.fingerprint = "0".repeat(64);
    seat.rows(false, vec![version(changed)]);
    seat.press("y");
    assert!(seat.sent().is_empty());
}

#[test]
fn a_cut_under_the_prompt_signs_nothing() {
    let mut seat = label();
    seat.press("a");
    seat.tell(Msg::Lost { why: "cut".into() });
    seat.press("y");
    assert!(seat.sent().is_empty());
}

#[test]
fn a_second_press_while_pending_does_nothing() {
    let mut seat = label();
    seat.press("ay");
    assert_eq!(seat.sent().len(), 1);
    seat.press("a");
    assert!(seat.model.prompt.is_none());
    assert!(seat.sent().is_empty());
}

#[test]
fn a_cut_command_goes_out_again_with_the_same_id() {
    let mut seat = label();
    seat.press("ay");
    let first = seat.sent();
    let Effect::Perform { command_id, .. } = &first[0] else { panic!() };
    let outcome = Err(Failure::Offline("cut".into()));
    seat.tell(Msg::Performed { command_id: command_id.clone(), outcome });
    seat.tell(Msg::Lost { why: "cut".into() });
    assert_eq!(seat.model.pending.len(), 1);
    seat.connect(3, PLAIN);
    assert_eq!(seat.sent(), first);
    let answer = PerformResponse { first_seq: 41, seq: 41, effects: vec!["Label approved Mix 2.".into()] };
    seat.tell(Msg::Performed { command_id: command_id.clone(), outcome: Ok(answer) });
    assert!(seat.model.pending.is_empty());
    assert!(seat.screen().contains("✓ Label approved Mix 2."));
}

#[test]
fn a_refusal_is_told_with_its_hint_until_esc() {
    let mut seat = label();
    seat.press("ay");
    let sent = seat.sent();
    let Effect::Perform { command_id, .. } = &sent[0] else { panic!() };
    seat.tell(Msg::Performed {
        command_id: command_id.clone(),
        outcome: Err(Failure::Refused {
            reason: "ON_HOLD".into(),
            text: "Glass Hour is on hold.".into(),
            hint: "Ask Mara Voss to lift it.".into(),
        }),
    });
    assert!(seat.screen().contains("× Glass Hour is on hold. Ask Mara Voss to lift it. (Esc)"));
    seat.press("<esc>");
    assert!(!seat.screen().contains("on hold"));
    assert!(matches!(seat.model.top(), Screen::Song(_)), "the first Esc only closed the message");
}

#[test]
fn what_the_server_refuses_is_not_sent() {
    let mut seat = label();
    seat.press("<tab><down>a");
    let Some(Notice::Refused { text, hint }) = &seat.model.notice else { panic!() };
    assert_eq!(text, "Mix 1 was superseded by Mix 2.");
    assert_eq!(hint, "Look at Mix 2 and approve that one.");
    assert!(seat.sent().is_empty());
}

#[test]
fn offline_nothing_is_sent_and_reading_goes_on() {
    let mut seat = label();
    seat.tell(Msg::Lost { why: "cut".into() });
    seat.press("a");
    assert!(seat.model.prompt.is_none());
    assert!(seat.screen().contains("Not connected: nothing was sent."));
    seat.press("<esc><esc><esc>");
    assert!(seat.screen().contains("Approve Mix 2 as label."));
    assert!(seat.sent().is_empty());
}

#[test]
fn a_note_carries_the_marked_range() {
    let mut seat = label();
    seat.press("<right><right>v<right><right>nTwo words.<enter>");
    let sent = seat.sent();
    let Do::AddNote(note) = action(&sent[0]) else { panic!() };
    let column_us: u64 = 204_000_000 / 72;
    assert_eq!((note.start_ms, note.end_ms), (Some(2 * column_us / 1000), Some(4 * column_us / 1000)));
    assert_eq!((note.text.as_str(), note.version_id.as_str()), ("Two words.", "v2"));
    assert!(!note.internal);
}

#[test]
fn an_engineer_can_write_an_internal_note() {
    let mut seat = Seat::sample(SIZE, 1, PLAIN);
    seat.press("<enter>N<c-t>De-esser was off.<enter>");
    let sent = seat.sent();
    let Do::AddNote(note) = action(&sent[0]) else { panic!() };
    assert!(note.internal);
    assert_eq!(note.start_ms, None);
}

#[test]
fn esc_throws_no_text_away_at_the_first_press() {
    let mut seat = label();
    seat.press("nlong thought<esc>");
    assert!(seat.screen().contains("Esc again puts the text aside; U brings it back."));
    seat.press("s");
    assert!(seat.screen().contains("long thoughts"));
    seat.press("<esc><esc>");
    assert!(seat.model.prompt.is_none());
    assert!(seat.sent().is_empty());
}

#[test]
fn a_revision_names_the_chosen_notes_and_the_round() {
    let mut seat = label();
    seat.press("R");
    assert!(seat.screen().contains("round 2 of 2 included"));
    seat.press(" <enter>Please.<enter>");
    let sent = seat.sent();
    let Do::RequestRevision(request) = action(&sent[0]) else { panic!() };
    assert_eq!(request.note_ids, ["n5"], "n1 was taken out, n2 is already addressed");
    assert_eq!(request.message, "Please.");
}

#[test]
fn a_recipe_is_saved_only_after_the_server_found_it_sound() {
    let mut seat = Seat::sample(SIZE, 2, PLAIN);
    seat.press("<down><down><enter>e<c-s>");
    assert!(seat.sent().is_empty());
    let ticket = seat.model.ticket;
    let wrong = v1::CheckRecipeResponse { valid: false, line: 2, text: "no".into(), hash: String::new() };
    seat.tell(Msg::RecipeChecked { ticket, outcome: Ok(wrong) });
    assert!(seat.sent().is_empty() && seat.model.prompt.is_some());
    seat.press("<c-s>");
    let ticket = seat.model.ticket;
    let sound = v1::CheckRecipeResponse { valid: true, ..Default::default() };
    seat.tell(Msg::RecipeChecked { ticket: ticket - 1, outcome: Ok(sound.clone()) });
    assert!(seat.sent().is_empty(), "an answer about an older text counts for nothing");
    seat.tell(Msg::RecipeChecked { ticket, outcome: Ok(sound) });
    assert!(seat.sent().is_empty(), "its reason is asked first");
    seat.press("<enter>");
    assert!(seat.sent().is_empty(), "an empty reason is none");
    seat.press("louder<enter>");
    let sent = seat.sent();
    let Do::SetRecipe(set) = action(&sent[0]) else { panic!() };
    assert_eq!((set.recipe_toml.as_str(), set.why.as_str()), (sample::RECIPE, "louder"));
}

#[test]
fn the_marked_row_stays_when_another_arrives() {
    let mut seat = label();
    seat.press("]]");
    let Screen::Song(view) = seat.model.top() else { panic!() };
    let chosen = view.note.clone();
    assert_eq!(chosen.as_deref(), Some("n1"));
    let mut early = sample::rows(3, PLAIN).into_iter().find(|row| row.key == "note/n2").unwrap();
    early.key = "note/n9".into();
    if let Some(Of::Note(note)) = &mut early.row {
        note.note_id = "n9".into();
        note.start_ms = Some(1);
    }
    seat.rows(false, vec![early]);
    let Screen::Song(view) = seat.model.top() else { panic!() };
    assert_eq!(view.note, chosen);
}

#[test]
fn who_came_from_the_desk_sees_the_next_version_and_who_chose_an_old_one_keeps_it() {
    let mut seat = label();
    supersede(&mut seat);
    assert!(seat.screen().contains("▸● Mix 3"));
    let mut seat = label();
    seat.press("<tab><down>");
    supersede(&mut seat);
    let Screen::Song(view) = seat.model.top() else { panic!() };
    assert_eq!(view.version.as_deref(), Some("v1"));
}

#[test]
fn waits_between_tries_grow_and_end_with_the_line() {
    let mut seat = Seat::new(SIZE);
    let mut waits = Vec::new();
    for _ in 0..8 {
        seat.effects.clear();
        seat.tell(Msg::Lost { why: "refused".into() });
        let [Effect::Connect { after_ms }] = seat.effects[..] else { panic!("{:?}", seat.effects) };
        waits.push(after_ms);
    }
    assert!((1000..1250).contains(&waits[0]), "{waits:?}");
    assert!(waits.iter().all(|ms| *ms < 37_500));
    assert!(waits[4] > waits[0] * 8);
    seat.connect(3, PLAIN);
    assert_eq!(seat.model.link, Link::Online);
}

#[test]
fn a_watch_goes_on_from_the_last_seq_after_a_cut() {
    let mut seat = label();
    seat.effects.clear();
    seat.tell(Msg::Lost { why: "cut".into() });
    seat.connect(3, PLAIN);
    let watch = Effect::WatchProject { project_id: "P".into(), from: 40 };
    assert!(seat.effects.contains(&watch), "{:?}", seat.effects);
    assert!(seat.effects.contains(&Effect::WatchDesk));
}

#[test]
fn nothing_is_redrawn_where_nothing_changed() {
    let mut seat = label();
    seat.model.dirty = false;
    seat.tell(Msg::Tick(NOW_MS + 1000));
    assert!(!seat.model.dirty);
    seat.tell(Msg::Tick(NOW_MS + 61_000));
    assert!(seat.model.dirty, "ages count minutes");
}

#[test]
fn a_closed_project_leads_back_to_the_desk() {
    let mut seat = label();
    seat.press("a");
    seat.tell(Msg::ProjectGone { project_id: "P".into() });
    assert!(seat.model.prompt.is_none());
    assert!(matches!(seat.model.top(), Screen::Desk { .. }));
    assert!(seat.screen().contains("Kleine Nacht is closed to you."));
}

#[test]
fn a_name_from_somebody_else_cannot_become_a_command() {
    assert_eq!(
        update::song_verb("push FILE...", "Kleine Nacht", "a'; rm -rf ~ #"),
        r"deadwax push FILE... --project 'Kleine Nacht' --song 'a'\''; rm -rf ~ #'"
    );
}

#[test]
fn a_song_with_thousands_of_notes_shows_the_chosen_one_and_asks_nothing_for_it() {
    let mut seat = Seat::sample((200, 60), 3, PLAIN);
    seat.press("<enter>");
    seat.answer_wave();
    seat.rows(false, sample::many_notes(2_000));
    seat.effects.clear();
    seat.press("<end>");
    let screen = seat.screen();
    assert!(screen.contains("on Mix 1 · 3:19.8"), "the last of them: {screen}");
    assert!(screen.lines().count() == 60 && !screen.contains("on Mix 1 · 0:00.0"), "{screen}");
    assert!(seat.effects.is_empty(), "moving among notes costs no request: {:?}", seat.effects);
}

#[test]
fn leaving_a_changed_recipe_asks_once() {
    let mut seat = label();
    seat.press("<esc>m");
    seat.press("e<esc>");
    assert!(seat.model.prompt.is_none(), "nothing was changed");
    seat.press("ex<esc>");
    assert!(seat.screen().contains("Esc again puts the text aside; U brings it back."), "{}", seat.screen());
    seat.press("y<esc>");
    assert!(seat.model.prompt.is_some(), "typing on takes the first Esc back");
    seat.press("<esc>");
    assert!(seat.model.prompt.is_none() && seat.sent().is_empty());
}

#[test]
fn about_a_version_tells_what_the_song_screen_has_no_room_for() {
    let mut seat = label();
    let mut row = sample::rows(3, PLAIN).into_iter().find(|row| row.key == "version/v2").unwrap();
    if let Some(Of::Version(version)) = &mut row.row {
        version.changelog = "Vocal up by half a dB.".into();
        version.preflight = vec![deadwax_proto::v1::Finding {
            code: "TAIL".into(),
            text: "The end may be cut.".into(),
            block: false,
            alternate: "main".into(),
            ..Default::default()
        }];
    }
    seat.rows(false, vec![row]);
    seat.press("I");
    let screen = seat.screen();
    assert!(screen.contains("About Mix 2") && screen.contains("Vocal up by half a dB."), "{screen}");
    assert!(screen.contains("! warns, main: The end may be cut."), "{screen}");
    seat.press("y");
    assert!(seat.model.prompt.is_some() && seat.sent().is_empty(), "it asks nothing");
    seat.press("<esc>");
    assert!(seat.model.prompt.is_none());
}

#[test]
fn good_news_takes_no_key_of_its_own_and_a_refusal_does() {
    let mut seat = label();
    let depth = seat.model.stack.len();
    seat.model.notice = Some(Notice::Done("done".into()));
    seat.press("<esc>");
    assert_eq!((seat.model.stack.len(), seat.model.notice.clone()), (depth - 1, None));
    seat.model.notice = Some(Notice::Refused { text: "no".into(), hint: String::new() });
    seat.press("<esc>");
    assert_eq!((seat.model.stack.len(), seat.model.notice.clone()), (depth - 1, None));
}

#[test]
fn good_news_fades_and_a_refusal_stays() {
    let mut seat = label();
    let tick = |seat: &mut Seat, s: i64| seat.tell(Msg::Tick(NOW_MS + s * 1000));
    seat.model.notice = Some(Notice::Done("done".into()));
    tick(&mut seat, 1);
    tick(&mut seat, 10);
    assert!(seat.model.notice.is_some());
    tick(&mut seat, 12);
    assert_eq!(seat.model.notice, None);
    seat.model.notice = Some(Notice::Refused { text: "no".into(), hint: String::new() });
    tick(&mut seat, 13);
    tick(&mut seat, 90);
    assert!(seat.model.notice.is_some());
}
