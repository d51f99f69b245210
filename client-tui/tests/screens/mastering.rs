//! The mastering room: what a render did as curves and words, renders beside each other, and the recipe that is read while it is typed.

use std::sync::Arc;

use deadwax_client::play::{Deck, Order};
use deadwax_client::tui::{Effect, Failure, Msg, msg::Page};
use deadwax_dsp::sheet::{Band, Curve, OutputTold, Sheet, Side, StepTold, SumTold, Track};
use deadwax_proto::v1::{
    CheckRecipeResponse, RecipeInfo, RenderProgress, RenderRow, RenderState, Row, VersionKind, row::Row as Of,
};

use crate::{
    sample::{self, HOSTILE, LONG, NOW_MS, Names, PLAIN},
    seat::Seat,
    shots::{cut, shoot},
};

const SIZE: (u16, u16) = (80, 24);
const TO_MASTER: &str = "<down><down><enter>";

/// A song that swells twice; the master is louder and the limiter works where it is loudest.
fn sheet(steps: &str) -> Sheet {
    let swell = |at: usize| (at as f64 / 200.0 * std::f64::consts::PI * 2.0).sin().abs();
    let curve = |level: f64, depth: f64| Curve {
        first_s: 1.5,
        step_s: 1.0,
        values: (0..200).map(|at| (level - depth + depth * swell(at)) as f32).collect(),
    };
    let spectrum = |lift: f64| {
        (0..60).map(move |at| Band {
            hz: (20.0 * 2f64.powf(f64::from(at) / 6.0)) as f32,
            dbfs: (-24.0 + lift - f64::from(at) * 0.7 - f64::from(at % 7)) as f32,
        })
    };
    let side = |lufs: f64, level: f64, depth: f64, lift: f64| Side {
        seconds: 204.0,
        sample_rate: 48_000,
        channels: 2,
        lufs: Some(lufs),
        true_peak_dbtp: Some(lufs + 13.0),
        short_term: curve(level, depth),
        spectrum: spectrum(lift).collect(),
        ..Side::default()
    };
    let down = Curve {
        first_s: 0.5,
        step_s: 1.0,
        values: (0..204).map(|at| -(2.4 * (swell(at) - 0.4).max(0.0)) as f32).collect(),
    };
    Sheet {
        target_lufs: Some(-14.0),
        ceiling_dbtp: Some(-1.0),
        reached: Some(true),
        before: side(-16.2, -14.0, 12.0, 0.0),
        after: side(-14.0, -11.8, 9.0, 2.0),
        reduction: vec![Track {
            name: "limiter".into(),
            gain_db: down,
            lowest_db: -1.4,
            lowest_at_s: 51.0,
            mean_db: -0.3,
            active: 0.41,
            ..Track::default()
        }],
        steps: vec![
            StepTold {
                name: steps.into(),
                bypassed: false,
                lines: vec!["turned 2-5 kHz down by 1.2 dB at most".into()],
            },
            StepTold { name: "air".into(), bypassed: true, lines: Vec::new() },
            StepTold { name: "limiter".into(), bypassed: false, lines: vec!["1.4 dB at most".into()] },
        ],
        outputs: vec![OutputTold {
            alternate: "main".into(),
            encoding: "wav24".into(),
            sample_rate: 48_000,
            lufs: Some(-14.02),
            true_peak_dbtp: Some(-1.01),
            ..OutputTold::default()
        }],
        sums: vec![SumTold {
            what: "instrumental + a cappella = main".into(),
            residual_db: Some(-81.0),
            holds: true,
            words: None,
        }],
        ..Sheet::default()
    }
}

/// Tickets and renders of the sheets that were asked for.
fn asked(seat: &mut Seat) -> Vec<(u64, Page)> {
    let all = std::mem::take(&mut seat.effects);
    all.into_iter()
        .filter_map(|it| match it {
            Effect::Read { ticket, page: page @ Page::Sheet { .. } } => Some((ticket, page)),
            _ => None,
        })
        .collect()
}

fn answer(seat: &mut Seat, steps: &str) {
    let json = serde_json::to_string(&sheet(steps)).unwrap();
    for (ticket, page) in asked(seat) {
        seat.tell(Msg::Page { ticket, page, outcome: Ok(json.clone()) });
    }
}

fn seat(size: (u16, u16), names: Names) -> Seat {
    let mut seat = Seat::sample(size, 2, names);
    seat.press(TO_MASTER);
    answer(&mut seat, "presence");
    seat
}

/// A second render of the same mix, louder.
fn second(names: Names) -> Vec<Row> {
    let row = RenderRow {
        render_id: "r2".into(),
        master_version_id: "v7".into(),
        at_ms: NOW_MS,
        report_json: r#"{"target_lufs":-11.0,"ceiling_dbtp":-1.0,"reached":false,"reason":"the limiter may take 3 dB at most","outputs":[{"alternate":"main","integrated_lufs":-11.6,"true_peak_dbtp":-0.98}]}"#.into(),
        ..sample::render(RenderState::Done)
    };
    vec![
        sample::row("render/r2", Of::Render(row)),
        sample::row("version/v7", Of::Version(sample::version("v7", 2, VersionKind::Master, 2, names))),
    ]
}

#[test]
fn room() {
    shoot("mastering_curves", |size| seat(size, PLAIN));
    shoot("mastering_steps", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("v");
        seat
    });
    shoot("mastering_recipe", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("vv");
        seat
    });
    shoot("mastering_beside", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("*");
        seat.rows(false, second(PLAIN));
        seat.press("<home>");
        answer(&mut seat, "presence");
        seat
    });
    shoot("mastering_long", |size| {
        let mut seat = seat(size, LONG);
        seat.press("v");
        seat
    });
    shoot("mastering_sheet_refused", |size| {
        let mut seat = Seat::sample(size, 2, PLAIN);
        seat.press(TO_MASTER);
        for (ticket, page) in asked(&mut seat) {
            let outcome = Err(Failure::Offline("The server did not answer.".into()));
            seat.tell(Msg::Page { ticket, page, outcome });
        }
        seat
    });
    shoot("mastering_offline", |size| {
        let mut seat = seat(size, PLAIN);
        cut(&mut seat);
        seat
    });
}

#[test]
fn editor() {
    shoot("recipe_words", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("e<c-o>");
        seat
    });
    shoot("recipe_wrong_line", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("e<down><down><end>0<down><down><enter>loud = 3");
        seat
    });
    shoot("recipe_templates", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("e<c-t>");
        let ticket = seat.model.ticket;
        let offer =
            |name: &str, toml: &str| RecipeInfo { name: name.into(), toml: toml.into(), hash: String::new() };
        let all = vec![
            offer("streaming", "# For the services.\ntarget_lufs = -14.0\n"),
            offer("loud", "# As loud as it stays clean.\ntarget_lufs = -9.0\n"),
        ];
        seat.tell(Msg::Recipes { ticket, outcome: Ok(all) });
        seat.press("<down>");
        seat
    });
}

#[test]
fn the_sheet_is_asked_for_once_and_kept() {
    let mut seat = Seat::sample(SIZE, 2, PLAIN);
    seat.press(TO_MASTER);
    let first = asked(&mut seat);
    assert_eq!(first.len(), 1);
    seat.press("<down><up>v");
    assert!(asked(&mut seat).is_empty(), "it is on its way");
    let (ticket, page) = first.into_iter().next().unwrap();
    let json = serde_json::to_string(&sheet("presence")).unwrap();
    seat.tell(Msg::Page { ticket: ticket + 40, page: page.clone(), outcome: Ok(json.clone()) });
    assert!(
        seat.screen().contains("What the recipe says"),
        "not the answer that was asked for:\n{}",
        seat.screen()
    );
    seat.tell(Msg::Page { ticket, page, outcome: Ok(json) });
    assert!(seat.screen().contains("turned 2-5 kHz down"), "{}", seat.screen());
    seat.press("b");
    assert!(asked(&mut seat).is_empty(), "the page is made from what is here");
    assert!(seat.model.prompt.is_some());
    seat.press("<esc><esc>2<enter>1<down><down><enter>");
    assert!(asked(&mut seat).is_empty(), "still here after other rooms");
}

#[test]
fn a_cut_on_the_way_asks_again() {
    let mut seat = Seat::sample(SIZE, 2, PLAIN);
    seat.press(TO_MASTER);
    asked(&mut seat);
    cut(&mut seat);
    seat.connect(2, PLAIN);
    assert_eq!(asked(&mut seat).len(), 1);
}

#[test]
fn two_renders_stand_beside_each_other() {
    let mut seat = seat((120, 40), PLAIN);
    seat.press("*");
    seat.rows(false, second(PLAIN));
    seat.press("<home>");
    let screen = seat.screen();
    assert!(screen.contains("before") && screen.contains("Master 1"), "{screen}");
    let line = screen.lines().find(|it| it.contains("Loudness") && it.contains("LUFS")).unwrap();
    assert!(line.contains("-16.2") && line.contains("-11.6") && line.contains("-14.0"), "{line}");
    assert!(screen.contains("× Target   -11.0 LUFS  missed: -11.60"), "{screen}");
    assert!(
        screen.contains("× Ceiling   -1.0 dBTP  exceeded: -0.98"),
        "two hundredths over are over:\n{screen}"
    );
    seat.press("<down>*");
    assert!(seat.model.master.other.is_none(), "the same key lets it go");
    seat.rows(
        false,
        vec![sample::row(
            "render/r2",
            Of::Render(RenderRow {
                render_id: "r2".into(),
                at_ms: NOW_MS,
                ..sample::render(RenderState::Running)
            }),
        )],
    );
    seat.press("<home>*");
    assert!(seat.screen().contains("Only a render that is done"), "{}", seat.screen());
}

#[test]
fn two_masters_and_their_mix_are_heard_side_by_side() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("*");
    seat.rows(false, second(PLAIN));
    seat.press("<home>");
    seat.effects.clear();
    seat.press(" ");
    let load = seat.effects.iter().find_map(|it| match it {
        Effect::Play(Order::Load { deck: Deck::Side { tracks, heard }, play: true, .. }) => {
            Some((tracks, *heard))
        }
        _ => None,
    });
    let (tracks, heard) = load.unwrap();
    let names: Vec<&str> = tracks.iter().map(|it| it.label.as_str()).collect();
    assert_eq!((names, heard), (vec!["Master 1", "Master 2", "Mix 3"], 1), "the chosen one is heard first");
    seat.effects.clear();
    seat.press("<tab>");
    assert!(seat.effects.contains(&Effect::Play(Order::Switch(2))), "{:?}", seat.effects);
    seat.effects.clear();
    seat.press(" ");
    assert!(seat.effects.contains(&Effect::Play(Order::Pause)));
}

#[test]
fn space_takes_the_shown_master_where_another_song_plays() {
    let mut seat = Seat::sample(SIZE, 2, PLAIN);
    seat.press("<enter> ");
    assert!(seat.model.player.playing && seat.model.player.track().unwrap().label == "Mix 2");
    seat.press("1");
    seat.press(TO_MASTER);
    answer(&mut seat, "presence");
    assert!(seat.screen().contains("Space hear it"), "{}", seat.screen());
    seat.effects.clear();
    seat.press(" ");
    let loaded = seat.effects.iter().any(|it| {
        matches!(it, Effect::Play(Order::Load { deck: Deck::Side { tracks, heard: 1 }, play: true, .. })
            if tracks[1].label == "Master 1")
    });
    assert!(loaded, "{:?}", seat.effects);
    assert!(seat.screen().contains("Space pause"), "{}", seat.screen());
}

#[test]
fn one_figure_is_rounded_in_one_way_and_the_file_of_the_highest_peak_is_named() {
    let mut seat = seat(SIZE, PLAIN);
    let report = |json: &str| RenderRow { report_json: json.into(), ..sample::render(RenderState::Done) };
    let tell = |seat: &mut Seat, json: &str| {
        seat.rows(false, vec![sample::row("render/r1", Of::Render(report(json)))]);
    };
    tell(
        &mut seat,
        r#"{"target_lufs":-14.0,"ceiling_dbtp":-1.8,"reached":true,"outputs":[
            {"alternate":"main","encoding":"wav24","integrated_lufs":-14.04,"true_peak_dbtp":-1.86},
            {"alternate":"main","encoding":"wav16","integrated_lufs":-14.04,"true_peak_dbtp":-1.804}]}"#,
    );
    let screen = seat.screen();
    assert!(screen.contains("-1.86 dBTP") && screen.contains("held: -1.80"), "{screen}");
    assert!(screen.contains("highest in main wav16"), "{screen}");
    assert!(screen.contains("-14.04 LUFS") && screen.contains("reached: -14.04"), "{screen}");
    tell(
        &mut seat,
        r#"{"target_lufs":-14.0,"ceiling_dbtp":-1.8,"reached":true,"outputs":[
            {"alternate":"main","encoding":"wav24","integrated_lufs":-14.04,"true_peak_dbtp":-1.86}]}"#,
    );
    let screen = seat.screen();
    assert!(screen.contains("held: -1.86") && !screen.contains("highest in"), "{screen}");
}

#[test]
fn time_left_stands_beside_the_bar() {
    let mut seat = Seat::sample(SIZE, 2, PLAIN);
    seat.press(TO_MASTER);
    seat.rows(false, vec![sample::row("render/r1", Of::Render(sample::render(RenderState::Running)))]);
    let step = |seat: &mut Seat, fraction: f64| {
        let progress = RenderProgress { step: "limit 2".into(), fraction, ended: false };
        seat.tell(Msg::Render { render_id: "r1".into(), progress });
    };
    step(&mut seat, 0.2);
    assert!(seat.screen().contains("not known yet"));
    seat.tell(Msg::Tick(NOW_MS + 30_000));
    step(&mut seat, 0.5);
    assert!(seat.screen().contains("limit 2 · about 0:50 left"), "{}", seat.screen());
}

#[test]
fn an_error_stands_at_its_line_before_the_studio_was_asked() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("e<down><end><enter>ceilling_dbtp = -2.0");
    let screen = seat.screen();
    let line = screen.lines().find(|it| it.contains("ceilling_dbtp = -2.0")).unwrap();
    assert!(line.contains("×") && line.contains("‹"), "{screen}");
    let told = screen.lines().find(|it| it.contains("Line 3:")).unwrap();
    assert!(told.contains("did you mean"), "the nearest right word:\n{screen}");
    assert!(asked_checks(&mut seat).is_empty(), "nobody was asked yet");
}

fn asked_checks(seat: &mut Seat) -> Vec<(u64, String)> {
    let all = std::mem::take(&mut seat.effects);
    all.into_iter()
        .filter_map(
            |it| if let Effect::CheckRecipe { ticket, toml } = it { Some((ticket, toml)) } else { None },
        )
        .collect()
}

#[test]
fn the_studio_is_asked_when_the_hands_rest_and_saving_takes_its_word_alone() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("e<down><end>0");
    seat.tell(Msg::Tick(NOW_MS + 100));
    assert!(asked_checks(&mut seat).is_empty(), "still typing");
    seat.tell(Msg::Tick(NOW_MS + 900));
    let checks = asked_checks(&mut seat);
    assert_eq!(checks.len(), 1);
    assert!(checks[0].1.contains("-14.00"));
    seat.tell(Msg::Tick(NOW_MS + 2_000));
    assert!(asked_checks(&mut seat).is_empty(), "asked once");
    let wrong =
        CheckRecipeResponse { valid: false, line: 2, text: "not in this studio".into(), hash: String::new() };
    seat.tell(Msg::RecipeChecked { ticket: checks[0].0, outcome: Ok(wrong) });
    assert!(seat.screen().contains("Line 2: not in this studio"), "{}", seat.screen());
    seat.press("1");
    assert!(!seat.screen().contains("not in this studio"), "that was said of an older text");
    cut(&mut seat);
    seat.tell(Msg::Tick(NOW_MS + 60_000));
    assert!(asked_checks(&mut seat).is_empty(), "there is nobody to ask");
    assert!(seat.sent().is_empty());
}

#[test]
fn a_template_takes_the_place_of_the_text_and_undo_brings_it_back() {
    let mut seat = seat(SIZE, PLAIN);
    cut(&mut seat);
    seat.connect(2, PLAIN);
    seat.press("e<c-t>");
    let ticket = seat.model.ticket;
    let why = Failure::Offline("The server did not answer.".into());
    seat.tell(Msg::Recipes { ticket, outcome: Err(why) });
    let screen = seat.screen();
    assert!(screen.contains("These come with this client") && screen.contains("streaming"), "{screen}");
    seat.press("<enter>");
    assert!(!seat.screen().contains("Loud enough, not louder"), "{}", seat.screen());
    seat.press("<c-z><c-z>");
    assert!(seat.screen().contains("Loud enough, not louder"), "{}", seat.screen());
}

#[test]
fn no_word_of_others_and_no_figure_breaks_the_room() {
    let mut wild = sheet(HOSTILE.note);
    wild.after.short_term.values = vec![f32::NAN, f32::INFINITY, -1e30, 1e30];
    wild.after.short_term.step_s = 0.0;
    wild.before.short_term.step_s = -1.0;
    wild.before.seconds = f64::INFINITY;
    wild.after.spectrum = vec![Band { hz: -1.0, dbfs: 0.0 }, Band { hz: f32::NAN, dbfs: f32::NAN }];
    wild.reduction[0].name = HOSTILE.artist.into();
    wild.reduction[0].lowest_db = f32::NEG_INFINITY;
    wild.reduction[0].gain_db.values = vec![f32::NEG_INFINITY; 9];
    wild.reduction[0].lowest_at_s = f64::NAN;
    wild.steps[0].lines = vec![HOSTILE.note.repeat(200)];
    wild.warnings = vec![HOSTILE.title.into()];
    wild.target_lufs = Some(1e300);
    for size in [(80, 24), (120, 40), (41, 13)] {
        for empty in [false, true] {
            let mut seat = seat(size, HOSTILE);
            let page = if empty { Sheet::default() } else { wild.clone() };
            let paper = deadwax_client::tui::master::Paper::Here(Arc::new(page));
            seat.model.master.sheets.insert("r1".into(), paper);
            for keys in ["", "v", "v", "v*", "b", "<esc>e", "<c-o>", "<c-t>"] {
                seat.press(keys);
                crate::hostile::assert_clean(&seat, keys);
            }
            let ticket = seat.model.ticket;
            let evil =
                RecipeInfo { name: HOSTILE.note.into(), toml: HOSTILE.title.into(), hash: String::new() };
            seat.tell(Msg::Recipes { ticket, outcome: Ok(vec![evil]) });
            crate::hostile::assert_clean(&seat, "templates");
            seat.press("<enter>");
            crate::hostile::assert_clean(&seat, "a template");
        }
    }
}
