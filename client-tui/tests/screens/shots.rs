//! Snapshots. What is in the .snap files is what people see: read them before accepting.

use deadwax_client::tui::{Failure, Msg};
use deadwax_proto::v1::{HistoryEntry, HistoryResponse, RenderProgress, RenderState, row::Row as Of};

use crate::{
    sample::{self, LONG, MINUTE, NOW_MS, Names, PLAIN},
    seat::Seat,
};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

/// Takes the same steps at both sizes.
pub fn shoot(name: &str, steps: impl Fn((u16, u16)) -> Seat) {
    for size in SIZES {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), steps(size).screen());
    }
}

/// A label manager at the sample studio who pressed these keys.
fn label(size: (u16, u16), names: Names, keys: &str) -> Seat {
    let mut seat = Seat::sample(size, 3, names);
    seat.press(keys);
    seat
}

pub fn cut(seat: &mut Seat) {
    seat.tell(Msg::Lost { why: "Connection refused.".into() });
    seat.tell(Msg::Tick(NOW_MS + 42_000));
}

const TO_PROJECT: &str = "2<enter>";
const TO_SONG: &str = "2<enter><enter>";

/// At wide screens the first song in order stands in another column than at narrow ones.
fn song(size: (u16, u16), names: Names) -> Seat {
    let mut seat = Seat::sample(size, 3, names);
    seat.press("<enter>");
    seat.answer_wave();
    seat
}

#[test]
fn desk() {
    shoot("desk_normal", |size| label(size, PLAIN, ""));
    shoot("desk_long", |size| label(size, LONG, "<down>"));
    shoot("desk_connecting", Seat::new);
    shoot("desk_empty", |size| {
        let mut seat = Seat::new(size);
        seat.connect(3, PLAIN);
        seat.tell(Msg::Desk(Vec::new()));
        seat
    });
    shoot("desk_offline", |size| {
        let mut seat = label(size, PLAIN, "");
        cut(&mut seat);
        seat
    });
    shoot("desk_refused", |size| {
        let mut seat = label(size, PLAIN, "");
        seat.tell(Msg::SessionEnded {
            text: "This session was revoked.".into(),
            hint: "Sign in again with deadwax login LINK.".into(),
        });
        seat
    });
}

#[test]
fn projects() {
    shoot("projects_normal", |size| label(size, PLAIN, "2"));
    shoot("projects_long", |size| label(size, LONG, "2"));
    shoot("projects_empty", |size| {
        let mut seat = Seat::new(size);
        seat.connect(3, PLAIN);
        seat.tell(Msg::Projects(Vec::new()));
        seat.press("2");
        seat
    });
}

#[test]
fn project() {
    shoot("project_normal", |size| label(size, PLAIN, TO_PROJECT));
    shoot("project_long", |size| label(size, LONG, TO_PROJECT));
    shoot("project_empty", |size| {
        let mut seat = Seat::new(size);
        seat.connect(3, PLAIN);
        seat.press(TO_PROJECT);
        let head = sample::rows(3, PLAIN).into_iter().take(1).collect();
        seat.rows(true, head);
        seat
    });
    shoot("project_offline", |size| {
        let mut seat = label(size, PLAIN, TO_PROJECT);
        cut(&mut seat);
        seat
    });
    shoot("project_upload", |size| label(size, PLAIN, "2<enter>u"));
}

#[test]
fn song_screens() {
    shoot("song_normal", |size| song(size, PLAIN));
    shoot("song_long", |size| song(size, LONG));
    shoot("song_empty", |size| label(size, PLAIN, TO_SONG));
    shoot("song_offline", |size| {
        let mut seat = song(size, PLAIN);
        cut(&mut seat);
        seat
    });
    shoot("song_refused", |size| {
        let mut seat = song(size, PLAIN);
        seat.press("<tab><down>a");
        seat
    });
    shoot("song_note_open", |size| {
        let mut seat = song(size, PLAIN);
        seat.press("]]<enter>");
        seat
    });
    shoot("song_zoomed_range", |size| {
        let mut seat = song(size, PLAIN);
        seat.press("]]++v<right><right><right><right><right><right>");
        seat.answer_wave();
        seat
    });
    shoot("song_live", |size| {
        let mut seat = song(size, PLAIN);
        let mut rows = sample::rows(3, PLAIN);
        rows.retain(|row| row.key == "note/n5");
        if let Some(Of::Note(note)) = &mut rows[0].row {
            note.text = "Changed by somebody else a moment ago.".into();
        }
        seat.rows(false, rows);
        seat
    });
    shoot("song_pending", |size| {
        let mut seat = song(size, PLAIN);
        seat.press("rthanks<enter>");
        seat
    });
}

#[test]
fn prompts() {
    shoot("prompt_approve", |size| {
        let mut seat = song(size, PLAIN);
        seat.press("a");
        seat
    });
    shoot("prompt_approve_long", |size| {
        let mut seat = song(size, LONG);
        seat.press("a");
        seat
    });
    shoot("prompt_approve_superseded", |size| {
        let mut seat = song(size, PLAIN);
        seat.press("a");
        crate::flows::supersede(&mut seat);
        seat
    });
    shoot("prompt_note", |size| {
        let mut seat = song(size, PLAIN);
        seat.press("]]nThe s of \"glass\" is sharp.");
        seat
    });
    shoot("prompt_revision", |size| {
        let mut seat = song(size, PLAIN);
        seat.press("R<down> ");
        seat
    });
    shoot("prompt_checklist", |size| {
        let mut seat = song(size, PLAIN);
        seat.press("]]t");
        seat
    });
    shoot("prompt_confirm", |size| label(size, PLAIN, "<down><down><enter>s"));
    shoot("prompt_recipe_why", |size| {
        let mut seat = label(size, PLAIN, "<down><down><enter>e<c-s>");
        let ticket = seat.model.ticket;
        let outcome = Ok(deadwax_proto::v1::CheckRecipeResponse { valid: true, ..Default::default() });
        seat.tell(Msg::RecipeChecked { ticket, outcome });
        seat.press("A little louder, the label asked");
        seat
    });
    shoot("prompt_recipes", |size| label(size, PLAIN, "<down><down><enter>I"));
    shoot("prompt_recipe_wrong", |size| {
        let mut seat = label(size, PLAIN, "<down><down><enter>e<c-s>");
        let ticket = seat.model.ticket;
        seat.tell(Msg::RecipeChecked {
            ticket,
            outcome: Ok(deadwax_proto::v1::CheckRecipeResponse {
                valid: false,
                line: 3,
                text: "ceiling_dbtp must be below 0.".into(),
                hash: String::new(),
            }),
        });
        seat
    });
}

#[test]
fn master() {
    let to_master = "<down><down><enter>";
    shoot("master_normal", |size| label(size, PLAIN, to_master));
    shoot("master_long", |size| label(size, LONG, to_master));
    shoot("master_empty", |size| label(size, PLAIN, "2<enter><enter>m"));
    shoot("master_running", |size| {
        let mut seat = label(size, PLAIN, to_master);
        seat.rows(false, vec![sample::row("render/r1", Of::Render(sample::render(RenderState::Running)))]);
        let progress = RenderProgress { step: "limit 2".into(), fraction: 0.64, ended: false };
        seat.tell(Msg::Render { render_id: "r1".into(), progress });
        seat
    });
    shoot("master_refused", |size| label(size, PLAIN, "<down><down><enter>D"));
    shoot("master_failed_offline", |size| {
        let mut seat = label(size, PLAIN, to_master);
        seat.rows(false, vec![sample::row("render/r1", Of::Render(sample::render(RenderState::Failed)))]);
        cut(&mut seat);
        seat
    });
}

fn history(seat: &mut Seat, names: Names) {
    let entry = |seq: u64, who: usize, code: &str, text: &str| HistoryEntry {
        seq,
        at_ms: NOW_MS - i64::try_from(100 - seq).unwrap() * 17 * MINUTE,
        who: names.people[who].into(),
        code: code.into(),
        text: text.into(),
        song_id: "s0".into(),
    };
    let entries = vec![
        entry(40, 0, "APPROVED", "approved Mix 2 of Glass Hour as artist."),
        entry(39, 1, "VERSION_ADDED", "uploaded Mix 2 of Glass Hour with 2 alternates."),
        entry(37, 0, "REVISION_REQUESTED", "asked for a revision of Mix 1: round 1 of 2."),
        entry(36, 0, "NOTE_ADDED", names.note),
    ];
    let answer = HistoryResponse { entries, next_before_seq: 36 };
    let ticket = seat.model.ticket;
    seat.tell(Msg::History { ticket, outcome: Ok(answer) });
}

#[test]
fn history_screens() {
    shoot("history_normal", |size| {
        let mut seat = label(size, PLAIN, "2<enter>i");
        history(&mut seat, PLAIN);
        seat
    });
    shoot("history_long", |size| {
        let mut seat = label(size, LONG, "2<enter>i");
        history(&mut seat, LONG);
        seat
    });
    shoot("history_empty", |size| {
        let mut seat = label(size, PLAIN, "2<enter>i");
        let ticket = seat.model.ticket;
        seat.tell(Msg::History { ticket, outcome: Ok(HistoryResponse::default()) });
        seat
    });
    shoot("history_refused", |size| {
        let mut seat = label(size, PLAIN, "2<enter>i");
        let ticket = seat.model.ticket;
        let why = Failure::Offline("the server did not answer within 30 s".into());
        seat.tell(Msg::History { ticket, outcome: Err(why) });
        seat
    });
}

#[test]
fn help() {
    shoot("help_song", |size| {
        let mut seat = song(size, PLAIN);
        seat.press("?");
        seat
    });
    shoot("help_desk", |size| label(size, PLAIN, "?"));
}

#[test]
fn a_screen_too_small_says_so() {
    insta::assert_snapshot!("too_small_30x8", label((30, 8), PLAIN, "").screen());
}
