//! Snapshots of listening: the player's line, the picture in its moods, two versions beside each other, blind boxes. Read them before accepting.

use deadwax_client::tui::{Failure, Msg, settings::Dots};
use deadwax_proto::v1::{Section, WaveformResponse};

use crate::{
    comparing::{self, answer, comparison},
    listening::{self, tells},
    review,
    sample::{LONG, NOW_MS, Names, PLAIN},
    seat::Seat,
};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

fn shoot(name: &str, steps: impl Fn((u16, u16)) -> Seat) {
    for size in SIZES {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), steps(size).screen());
    }
}

fn with_sections(seat: &mut Seat, names: Names, parts: &[(u64, &str)]) {
    let sections =
        parts.iter().map(|(start_ms, name)| Section { start_ms: *start_ms, name: (*name).into() }).collect();
    seat.rows(false, vec![review::version(3, names, "v2", |it| it.sections = sections)]);
}

const PARTS: [(u64, &str); 5] =
    [(0, "Intro"), (12_500, "Verse 1"), (61_000, "Chorus"), (97_000, "Verse 2"), (150_000, "Outro")];

#[test]
fn song_while_it_plays() {
    shoot("listen_song", |size| {
        let mut seat = listening::song(size, PLAIN);
        with_sections(&mut seat, PLAIN, &PARTS);
        seat.press(" ");
        tells(&mut seat, 83_400, |it| it.looped = Some((61 * 48_000, 97 * 48_000)));
        seat
    });
    shoot("listen_song_long", |size| {
        let mut seat = listening::song(size, LONG);
        with_sections(
            &mut seat,
            LONG,
            &[(0, "イントロ"), (30_000, "第一バースの前半（まだ歌なし）"), (100_000, "👩‍👩‍👧‍👦 Refrão")],
        );
        seat.press(" .");
        tells(&mut seat, 83_400, |it| it.tracks[1].here = 0.62);
        seat
    });
    shoot("listen_song_offline", |size| {
        let mut seat = listening::song(size, PLAIN);
        seat.press(" ");
        tells(&mut seat, 10_000, |it| {
            it.tracks[0].here = 0.1;
            it.waiting = true;
        });
        seat.tell(Msg::Lost { why: "Connection refused.".into() });
        seat.tell(Msg::Tick(NOW_MS + 42_000));
        seat
    });
    shoot("listen_range", |size| {
        let mut seat = listening::song(size, PLAIN);
        seat.press("<right><right>v<right><right><right>");
        seat
    });
}

#[test]
fn the_picture_in_its_moods() {
    shoot("wave_samples", |size| {
        let mut seat = listening::song(size, PLAIN);
        seat.press("]]++++++++++++++++++++");
        let ask = seat.model.wave.as_ref().unwrap().ask.clone();
        let at = |column: u32| {
            let frame = u64::from(column) * (ask.end_frame - ask.start_frame) / u64::from(ask.columns);
            ((frame as f64 / 48.0 * 6.0 * std::f64::consts::PI).sin() * 26_000.0) as i32
        };
        let values: Vec<i32> = (0..ask.columns).map(at).collect();
        let answer = WaveformResponse {
            sample_rate: 48_000,
            channels: 1,
            frames: 48_000 * 204,
            min: values.clone(),
            max: values,
            short_term_lufs: vec![-14.2; ask.columns as usize],
            ..WaveformResponse::default()
        };
        seat.tell(Msg::Waveform { ticket: ask.ticket, outcome: Ok(answer) });
        seat
    });
    shoot("wave_loud_in_blocks", |size| {
        let mut seat = listening::song(size, PLAIN);
        seat.model.settings.dots = Dots::Blocks;
        let ask = seat.model.wave.as_ref().unwrap().ask.clone();
        let mut answer = crate::sample::wave(ask.columns);
        answer.clipped_columns = vec![20, 21, 60];
        answer.over_columns = vec![20, 21, 22, 60, 61, 100, 101, 102];
        seat.tell(Msg::Waveform { ticket: ask.ticket, outcome: Ok(answer) });
        seat
    });
    shoot("wave_refused", |size| {
        let mut seat = Seat::sample(size, 3, PLAIN);
        seat.press("<enter>");
        let ticket = seat.model.wave.as_ref().unwrap().ask.ticket;
        let refused = Failure::Refused {
            reason: "X".into(),
            text: "This file is not here any more.".into(),
            hint: String::new(),
        };
        seat.tell(Msg::Waveform { ticket, outcome: Err(refused) });
        seat
    });
}

#[test]
fn compare() {
    shoot("compare_normal", |size| comparing::compare(size, PLAIN, "<down><down>"));
    shoot("compare_long", |size| comparing::compare(size, LONG, "<end>"));
    shoot("compare_playing", |size| {
        let mut seat = comparing::compare(size, PLAIN, "<down><down> ");
        tells(&mut seat, 77_000, |it| it.tracks[0].gain_db = 0.0);
        seat
    });
    shoot("compare_asked", |size| {
        let mut seat = listening::song(size, PLAIN);
        seat.press("C");
        seat
    });
    shoot("compare_refused", |size| {
        let mut seat = listening::song(size, PLAIN);
        seat.press("C");
        let outcome = Err(Failure::Refused {
            reason: "COMPARE_FAILED".into(),
            text: "The two files have nothing in common.".into(),
            hint: "Choose another version: [ and ].".into(),
        });
        answer(&mut seat, outcome);
        seat
    });
    shoot("compare_offline", |size| {
        let mut seat = listening::song(size, PLAIN);
        seat.tell(Msg::Lost { why: "Connection refused.".into() });
        seat.tell(Msg::Tick(NOW_MS + 42_000));
        seat.press("C");
        seat
    });
    shoot("compare_same", |size| {
        let mut seat = listening::song(size, PLAIN);
        seat.press("C");
        let mut found = comparison("The same sound, sample for sample.");
        (found.edits, found.changes, found.untold) = (Vec::new(), Vec::new(), 0);
        (found.gain_db, found.residual_db) = (Some(0.0), None);
        found.residual = None;
        answer(&mut seat, Ok(serde_json::to_string(&found).unwrap()));
        seat
    });
}

#[test]
fn blind_and_sections() {
    shoot("blind_abx", |size| {
        let mut seat = listening::song(size, PLAIN);
        seat.press(" <tab><down>");
        tells(&mut seat, 31_000, |_| {});
        seat.press("bx1x");
        tells(&mut seat, 31_000, |_| {});
        seat
    });
    shoot("blind_abx_long", |size| {
        let mut seat = comparing::compare(size, LONG, "b");
        tells(&mut seat, 31_000, |_| {});
        seat
    });
    shoot("blind_rank", |size| {
        let mut seat = review::seat(size, PLAIN, review::shootout(3, PLAIN, false));
        seat.press("b");
        tells(&mut seat, 31_000, |_| {});
        seat
    });
    shoot("blind_vote", |size| {
        let mut seat = review::seat(size, PLAIN, review::shootout(3, PLAIN, false));
        seat.press("b2<enter>");
        seat
    });
    shoot("sections", |size| {
        let mut seat = listening::song(size, PLAIN);
        with_sections(&mut seat, PLAIN, &PARTS);
        seat.press("]]TBridge");
        seat
    });
    shoot("sections_long", |size| {
        let mut seat = listening::song(size, LONG);
        with_sections(
            &mut seat,
            LONG,
            &[(0, "イントロ"), (83_400, "第一バースの前半（まだ歌なし）第一バースの前半（まだ歌なし）")],
        );
        seat.press("]]T");
        seat
    });
}
