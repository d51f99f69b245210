//! Flows of the review protocol: what follows is on the screen before anything is sent, and nothing signs or bills but a yes.

use deadwax_client::tui::{
    Effect, Failure, Msg,
    model::{Ask, Notice},
    update,
};
use deadwax_proto::v1::{self as v1, action::Action as Do};
use ratatui::style::Modifier;

use crate::{
    review,
    sample::{self, PLAIN, then},
    seat::Seat,
};

const SIZE: (u16, u16) = (80, 24);

fn action(effect: &Effect) -> Do {
    let Effect::Perform { action, .. } = effect else { panic!("not a command: {effect:?}") };
    action.action.clone().unwrap()
}

/// The one command that went out.
fn sent(seat: &mut Seat) -> Do {
    let sent = seat.sent();
    let [effect] = sent.as_slice() else { panic!("{sent:?}\n{}", seat.screen()) };
    action(effect)
}

fn refuse(seat: &mut Seat, reason: &str, text: &str) {
    let command_id = seat.model.pending[0].command_id.clone();
    let refused = Failure::Refused { reason: reason.into(), text: text.into(), hint: "Think.".into() };
    seat.tell(Msg::Performed { command_id, outcome: Err(refused) });
}

const BILLED: &str = "This is round 3 of 2 included: it is billed.";

#[test]
fn a_round_beyond_the_terms_goes_out_only_after_a_yes_to_that_sentence() {
    let mut seat = review::seat(SIZE, PLAIN, Vec::new());
    seat.press("R<tab><enter>Once more.<enter>");
    let Do::RequestRevision(first) = sent(&mut seat) else { panic!() };
    assert!(!first.beyond_terms);
    assert_eq!(first.kind(), v1::RevisionKind::Correction);
    refuse(&mut seat, "BEYOND_TERMS", BILLED);
    seat.press_unseen("y");
    assert!(seat.sent().is_empty(), "typed ahead is no yes");
    seat.tell(Msg::Shown);
    assert!(seat.screen().contains(BILLED));
    seat.press("<enter>");
    assert!(matches!(seat.model.prompt.as_ref().unwrap().ask, Ask::Revision(_)), "no leads back to the text");
    assert!(seat.screen().contains("Once more.") && seat.sent().is_empty());
    seat.press("<enter>");
    let Do::RequestRevision(again) = sent(&mut seat) else { panic!() };
    assert!(!again.beyond_terms, "a no is not remembered as a yes");
    refuse(&mut seat, "BEYOND_TERMS", BILLED);
    seat.tell(Msg::Shown);
    seat.press("y");
    let Do::RequestRevision(known) = sent(&mut seat) else { panic!() };
    assert!(known.beyond_terms);
    let same = v1::RequestRevision { beyond_terms: false, ..known };
    assert_eq!(same.note_ids, first.note_ids);
    assert_eq!((same.message, same.kind, same.role), (first.message, first.kind, first.role));
}

#[test]
fn the_sentence_of_the_server_stands_above_the_notes_and_a_billed_round_can_be_written() {
    let rows = vec![review::version(3, PLAIN, "v2", |it| {
        it.allowed[1] = sample::no("request_revision", "BEYOND_TERMS", BILLED, "Say that you know.");
    })];
    let mut seat = review::seat(SIZE, PLAIN, rows);
    seat.press("R");
    assert!(seat.screen().contains(BILLED), "{}", seat.screen());
    assert!(matches!(seat.model.prompt.as_ref().unwrap().ask, Ask::Revision(_)));
}

#[test]
fn a_prompt_opened_since_is_not_taken_away() {
    let mut seat = review::seat(SIZE, PLAIN, Vec::new());
    seat.press("R<enter>Once more.<enter>");
    seat.press("na thought");
    refuse(&mut seat, "BEYOND_TERMS", BILLED);
    assert!(seat.screen().contains("a thought"));
    let Some(Notice::Refused { text, .. }) = &seat.model.notice else { panic!() };
    assert_eq!(text, BILLED);
}

#[test]
fn an_override_says_what_follows_first_and_wants_a_reason() {
    let mut seat = review::seat(SIZE, PLAIN, review::manager(PLAIN));
    seat.press_unseen("Otyped ahead<enter>");
    assert!(seat.sent().is_empty(), "what follows was not on the screen yet");
    seat.press("<esc><esc>");
    seat.press("O");
    assert!(seat.screen().contains("2 lines of the gate are not met."));
    seat.press("<enter>");
    assert!(seat.sent().is_empty() && seat.screen().contains("Nothing is written yet."));
    seat.press("The date is fixed.<enter>");
    let screen = seat.screen();
    for part in ["Override the gate of", "2 lines of the gate are not met.", "×", "The date is fixed."] {
        assert!(screen.contains(part), "{part} is missing:\n{screen}");
    }
    seat.press("<enter>");
    assert!(seat.sent().is_empty(), "the yes is never the default");
    assert!(
        seat.screen().contains("why?") && seat.screen().contains("The date is fixed."),
        "{}",
        seat.screen()
    );
    seat.press("<enter>y");
    let Do::OverrideGate(it) = sent(&mut seat) else { panic!() };
    assert_eq!((it.song_id.as_str(), it.reason.as_str()), ("s0", "The date is fixed."));
}

#[test]
fn a_window_too_small_for_what_follows_sends_nothing() {
    let mut seat = review::seat(SIZE, PLAIN, review::manager(PLAIN));
    seat.tell(Msg::Resize(40, 12));
    seat.press("OThe date is fixed.<enter>");
    assert!(seat.screen().contains("Make the window larger"), "{}", seat.screen());
    assert!(seat.sent().is_empty());
}

#[test]
fn a_pick_quotes_the_files_and_nothing_signs_but_y() {
    let mut seat = review::seat(SIZE, PLAIN, review::shootout(3, PLAIN, false));
    seat.press("PThe wider one.<enter>");
    assert!(seat.sent().is_empty());
    let screen = seat.screen();
    for part in ["Pick this mix", "Mix B 2", "Fingerprint", "closed with thanks", "The wider one."] {
        assert!(screen.contains(part), "{part} is missing:\n{screen}");
    }
    seat.press("<enter>");
    assert!(seat.model.prompt.is_none() && seat.sent().is_empty(), "the default is Cancel");
    seat.press("PThe wider one.<enter>");
    seat.press("y");
    let Do::PickMix(it) = sent(&mut seat) else { panic!() };
    assert_eq!((it.version_id.as_str(), it.reason.as_str()), ("v2", "The wider one."));
    assert_eq!(it.role(), v1::Role::Label);
    assert_eq!(it.fingerprint.len(), 64);
}

#[test]
fn a_vote_ranks_the_lines_and_claims_no_blindness() {
    let mut seat = review::seat(SIZE, PLAIN, review::shootout(3, PLAIN, false));
    seat.press("V");
    assert!(seat.screen().contains("Your vote is shown to everybody after the pick."));
    seat.press("-<enter>Wider.<enter>");
    let Do::CastVote(it) = sent(&mut seat) else { panic!() };
    assert_eq!(it.ranking, ["v2", "v1"]);
    assert!(!it.blind, "the lines are named here");
    let mut seat = review::seat(SIZE, PLAIN, review::shootout(3, PLAIN, true));
    seat.press("V<enter><enter>");
    assert!(
        seat.sent().is_empty() && seat.screen().contains("Replace your blind vote?"),
        "{}",
        seat.screen()
    );
    seat.press("y");
    let Do::CastVote(it) = sent(&mut seat) else { panic!() };
    assert_eq!(it.ranking, ["v2", "v1"], "as I ranked them before");
}

#[test]
fn a_shootout_names_its_entrants_in_the_order_of_choosing() {
    let mut seat = review::seat(SIZE, PLAIN, review::manager(PLAIN));
    let second = v1::MemberRow {
        keys: Vec::new(),
        person_id: "p9".into(),
        name: "Ada".into(),
        roles: vec![v1::Role::MixEngineer.into()],
        allowed: Vec::new(),
    };
    seat.rows(false, vec![sample::row("member/p9", v1::row::Row::Member(second))]);
    seat.press("B<enter>");
    assert!(seat.sent().is_empty() && seat.screen().contains("Choose who competes"));
    seat.press("<down> <up> <tab><enter>");
    let Do::OpenShootout(it) = sent(&mut seat) else { panic!() };
    assert_eq!(it.entrant_ids, ["p1", "p9"], "Ben was chosen first");
    assert!(!it.blind);
}

#[test]
fn a_returned_handoff_names_files_by_line() {
    let alternates = ["main".to_owned(), "vocal-up+0.5".to_owned()];
    let (whole, items) =
        update::parted("Two things.\nvocal-up+0.5: ends early\nnote: keep the take\nmain:", &alternates);
    assert_eq!(whole, "Two things.\nnote: keep the take\nmain:");
    assert_eq!(items.len(), 1);
    assert_eq!((items[0].alternate.as_str(), items[0].reason.as_str()), ("vocal-up+0.5", "ends early"));
    let mut seat = review::seat(SIZE, PLAIN, review::manager(PLAIN));
    seat.press("<esc><down>mGinstrumental: ends early<enter>");
    assert!(seat.sent().is_empty(), "the handoff as a whole needs its reason");
    seat.press("<c-j>It goes back.<enter><tab>");
    assert!(seat.sent().is_empty() && seat.screen().contains("instrumental: ends early"));
    seat.press("<enter>");
    let Do::ReturnHandoff(it) = sent(&mut seat) else { panic!() };
    assert_eq!((it.song_id.as_str(), it.reason.as_str(), it.items.len()), ("s2", "It goes back.", 1));
}

#[test]
fn a_note_moves_to_the_cursor_of_the_shown_version_after_a_yes() {
    let mut seat = review::seat(SIZE, PLAIN, review::examined(3, PLAIN));
    seat.press("<end><up><right><right>M");
    assert!(seat.sent().is_empty());
    assert!(seat.screen().contains("Where it was written stays visible."), "{}", seat.screen());
    seat.press("y");
    let Do::MoveNote(it) = sent(&mut seat) else { panic!() };
    // The picture begins behind its scales.
    let column_ms = 204_000 / 72;
    assert_eq!((it.version_id.as_str(), it.start_ms), ("v2", 2 * column_ms));
    if it.note_id == "n1" {
        assert_eq!(it.end_ms, Some(2 * column_ms + 13_600), "as long as it was");
    }
}

#[test]
fn the_cursor_goes_to_where_a_note_stands_now() {
    let mut seat = review::seat(SIZE, PLAIN, review::examined(3, PLAIN));
    seat.press("]]]]");
    let screen = seat.screen();
    assert!(screen.contains("1:20.4-1:34.0 (was 1:23.4"), "{screen}");
    assert!(screen.contains("▲1:20.4"), "{screen}");
}

#[test]
fn a_note_carries_its_addressee_and_its_list() {
    let mut seat = review::seat(SIZE, PLAIN, Vec::new());
    seat.press("n<tab>Two words.<c-j>[ ] vocal up<c-j>[ ] fade longer<enter>");
    let Do::AddNote(it) = sent(&mut seat) else { panic!() };
    assert_eq!(
        (it.text.as_str(), it.addressee_id.as_str()),
        ("Two words.", "p1"),
        "Ben is the first by name"
    );
    assert_eq!(it.checklist, ["vocal up", "fade longer"]);
}

#[test]
fn follow_is_of_the_song_on_its_screen_and_of_the_project_on_its() {
    let mut seat = review::seat(SIZE, PLAIN, review::manager(PLAIN));
    seat.press("z<down><down><enter>");
    let Do::Follow(it) = sent(&mut seat) else { panic!() };
    assert_eq!((it.song_id.as_str(), it.level()), ("s0", v1::FollowLevel::Muted));
    seat.press("<esc>z<down><enter>");
    let Do::Follow(it) = sent(&mut seat) else { panic!() };
    assert_eq!((it.song_id.as_str(), it.level()), ("", v1::FollowLevel::All));
}

#[test]
fn spacing_is_approved_by_its_number_with_the_order_on_the_screen() {
    let mut seat = review::seat(SIZE, PLAIN, review::manager(PLAIN));
    seat.press("<esc>A");
    assert!(seat.screen().contains("2. Paper Boats after 1.25 s"), "{}", seat.screen());
    seat.press("y");
    let Do::ApproveSpacing(it) = sent(&mut seat) else { panic!() };
    assert_eq!((it.number, it.role()), (3, v1::Role::Label));
}

#[test]
fn the_palette_presses_what_its_words_name() {
    let mut seat = review::seat(SIZE, PLAIN, review::manager(PLAIN));
    seat.press(":override<enter>");
    assert!(seat.screen().contains("Override the gate of mixing: why?"), "{}", seat.screen());
    let mut seat = review::seat(SIZE, PLAIN, Vec::new());
    seat.press(":approve version<enter>y");
    assert_eq!(seat.sent().len(), 1, "the question was drawn, then answered");
    let mut seat = review::seat(SIZE, PLAIN, Vec::new());
    seat.press_unseen(":approve version<enter>y<tab><enter>");
    assert!(seat.sent().is_empty(), "typed ahead signs nothing here either");
}

#[test]
fn what_follows_from_a_simple_yes_stands_in_its_question() {
    let rows = vec![review::song(3, PLAIN, "s2", |it| {
        it.allowed = vec![then("accept_handoff", "The mix can be swapped afterwards only by a named event.")];
    })];
    let mut seat = review::seat(SIZE, PLAIN, rows);
    seat.press("<esc><down>mg");
    assert!(seat.screen().contains("The mix can be swapped afterwards"), "{}", seat.screen());
}

#[test]
fn an_override_in_history_is_bold_without_any_colour() {
    let mut seat = review::seat(SIZE, PLAIN, Vec::new());
    seat.model.colour = false;
    seat.press("i");
    let entry = |code: &str, text: &str| v1::HistoryEntry {
        code: code.into(),
        text: text.into(),
        ..v1::HistoryEntry::default()
    };
    let entries =
        vec![entry("NOTE_ADDED", "one"), entry("NOTE_ADDED", "two"), entry("GATE_OVERRIDDEN", "three")];
    let ticket = seat.model.ticket;
    seat.tell(Msg::History { ticket, outcome: Ok(v1::HistoryResponse { entries, next_before_seq: 0 }) });
    let terminal = seat.terminal();
    let buffer = terminal.backend().buffer();
    let bold = |word: &str| {
        let row = (0..24).find(|row| {
            let line: String = (0..80).map(|column| buffer[(column, *row)].symbol()).collect();
            line.contains(word)
        });
        buffer[(3, row.unwrap())].modifier.contains(Modifier::BOLD)
    };
    assert!(bold("three") && !bold("two"));
    assert!(seat.screen().contains(" !"), "a sign as well");
}

#[test]
fn a_desk_with_dates_keeps_the_order_in_which_it_was_sent() {
    let mut seat = Seat::sample(SIZE, 3, PLAIN);
    seat.tell(Msg::Desk(review::desk(PLAIN)));
    let screen = seat.screen();
    let at = |text: &str| screen.find(text).unwrap_or_else(|| panic!("{text} is missing:\n{screen}"));
    assert!(at("Others wait for these") < at("Approve Mix 2"));
    assert!(at("With a date") < at("Your note at 0:12"));
    assert!(at("Your note at 0:12") < at("No date, nobody waits"));
    assert!(screen.contains("Blocks 3 others."), "{screen}");
    seat.press("<down>");
    assert!(seat.screen().contains("Blocks 1 other."), "{}", seat.screen());
}

#[test]
fn whoever_listened_elsewhere_says_so_and_only_a_yes_tells_it() {
    let mut seat = review::seat(SIZE, PLAIN, review::manager(PLAIN));
    assert!(seat.screen().contains("heard 0 of 95 % (E)"), "{}", seat.screen());
    let told = |seat: &Seat| {
        let request = |effect: &Effect| match effect {
            Effect::ReportHeard { request, .. } => Some(request.clone()),
            _ => None,
        };
        seat.effects.iter().filter_map(request).collect::<Vec<_>>()
    };
    seat.press("E<enter>");
    assert!(told(&seat).is_empty(), "the yes is never the default");
    seat.press_unseen("Ey");
    assert!(told(&seat).is_empty(), "typed ahead is no yes");
    seat.press("<esc>Ey");
    let [request] = &told(&seat)[..] else { panic!("{}", seat.screen()) };
    assert_eq!((request.version_id.as_str(), request.alternate.as_str()), ("v2", ""));
    let [range] = request.ranges[..] else { panic!() };
    assert!(range.start_ms == 0 && range.end_ms > 60_000);
    seat.tell(Msg::Heard { say: "Mix 2".into(), outcome: Ok(97) });
    assert!(seat.screen().contains("97 % of Mix 2 heard."));
    seat.press("<down>");
    assert!(!seat.screen().contains("97 % of Mix 2 heard."), "good news goes at the next key");
}

#[test]
fn leaving_with_written_text_warns_once() {
    let mut seat = review::seat(SIZE, PLAIN, review::manager(PLAIN));
    seat.press("na thought<c-c>");
    assert!(!seat.model.quit && seat.screen().contains("Ctrl-C again"), "{}", seat.screen());
    seat.press("!<c-c>");
    assert!(!seat.model.quit && seat.screen().contains("a thought!"), "what was written since counts too");
    seat.press("<c-c>");
    assert!(seat.model.quit);
}

#[test]
fn the_running_order_opens_from_the_desk() {
    let mut seat = review::seat(SIZE, PLAIN, review::manager(PLAIN));
    let row = v1::DeskRow {
        key: "d".into(),
        project_id: "P".into(),
        kind: v1::DeskKind::Spacing.into(),
        text: "Set the running order.".into(),
        ..v1::DeskRow::default()
    };
    seat.tell(Msg::Desk(vec![row]));
    seat.press("1<enter>");
    let screen = seat.screen();
    for part in ["Spacing 3 by Mara Voss", "Glass Hour", "gap 1.25 s", "approved by Mara Voss"] {
        assert!(screen.contains(part), "{part} is missing:\n{screen}");
    }
}

#[test]
fn an_entrant_is_not_told_to_wait_for_what_is_hidden() {
    let mut rows = review::shootout(1, PLAIN, false);
    for row in &mut rows {
        if let Some(v1::row::Row::Song(song)) = &mut row.row {
            song.allowed.retain(|it| it.action != "cast_vote" && it.action != "pick_mix");
            song.allowed.push(sample::no("cast_vote", "NOT_YOUR_ROLE", "Who competes does not vote.", ""));
            let lines = &mut song.shootout.as_mut().unwrap().lines;
            lines[1].newest_version_id.clear();
        }
        if let Some(v1::row::Row::Version(version)) = &mut row.row {
            version.allowed.retain(|it| it.action != "pick_mix");
        }
    }
    let mut seat = review::seat(SIZE, PLAIN, rows);
    seat.press("s");
    let screen = seat.screen();
    assert!(screen.contains("hidden until the pick") && !screen.contains("nothing yet"), "{screen}");
    assert!(!screen.contains("shootout vote"), "{screen}");
}

#[test]
fn a_note_names_the_alternate_that_is_heard_and_the_whole_is_the_whole() {
    let mut seat = review::seat(SIZE, PLAIN, Vec::new());
    seat.press(".n");
    let heading = |seat: &Seat| {
        let Some(Ask::Write(ask)) = seat.model.prompt.as_ref().map(|it| &it.ask) else { panic!() };
        ask.title.clone()
    };
    assert!(heading(&seat).starts_with("Note on Mix 2, ") && heading(&seat).contains(", at "));
    assert_eq!(heading(&seat).matches(", ").count(), 2, "{}", heading(&seat));
    seat.press("<esc>NAll of it.<enter>");
    let Do::AddNote(it) = sent(&mut seat) else { panic!() };
    assert_eq!((it.alternate.as_str(), it.start_ms), ("", None));
}
