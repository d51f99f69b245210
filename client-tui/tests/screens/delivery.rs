//! The room of deliveries: which songs are ready and why not, what the profiles say, who signed which bytes, the files.

use deadwax_client::tui::{Effect, model::Screen};
use deadwax_proto::v1::{row::Row as Of, *};

use crate::{
    review,
    sample::{self, HOSTILE, HOUR, LONG, NOW_MS, Names, PLAIN, no, yes},
    seat::Seat,
    shots::{cut, shoot},
};

const SIZE: (u16, u16) = (80, 24);
const PRINT: &str = "3c9e07aa51d2f480";

fn signature(at: usize, names: Names) -> ApprovalView {
    ApprovalView {
        approval_id: format!("a{at}"),
        person_id: format!("p{at}"),
        name: names.people[at].into(),
        role: sample::ROLES[at].into(),
        version_id: "v6".into(),
        fingerprint: PRINT.repeat(4),
        at_ms: NOW_MS - 2 * HOUR,
        state: ApprovalState::Counts.into(),
        heard_percent: 98,
        ..ApprovalView::default()
    }
}

/// One song delivered, one ready, the others not.
fn rows(names: Names) -> Vec<Row> {
    let mut delivered = sample::version("v6", 3, VersionKind::Master, 1, names);
    for file in &mut delivered.files {
        let facts = file.facts.as_mut().unwrap();
        facts.integrated_lufs = -10.4;
        facts.true_peak_dbtp = -0.4;
        facts.correlation = 0.7;
    }
    let delivery = DeliveryRow {
        delivery_id: "d1".into(),
        song_id: "s3".into(),
        version_id: "v6".into(),
        by: names.people[2].into(),
        at_ms: NOW_MS - HOUR,
        fingerprint: PRINT.repeat(4),
        files: delivered.files.clone(),
        signed_by: vec![signature(0, names), signature(3, names)],
        manifest_json: r#"{"song":"Night Bus","files":[{"sha256":"aa"}]}"#.into(),
    };
    vec![
        sample::row("version/v6", Of::Version(delivered)),
        sample::row("delivery/d1", Of::Delivery(delivery)),
        review::song(2, names, "s2", |it| it.allowed = vec![yes("make_delivery")]),
    ]
}

fn seat(size: (u16, u16), names: Names) -> Seat {
    let mut seat = Seat::sample(size, 2, names);
    seat.press("2<enter>");
    seat.rows(false, rows(names));
    seat.tell(deadwax_client::tui::Msg::Tick(NOW_MS + 5_000));
    seat.press("5");
    seat
}

#[test]
fn delivery() {
    shoot("delivery_normal", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("<end>");
        seat
    });
    shoot("delivery_not_yet", |size| seat(size, PLAIN));
    shoot("delivery_ready_files", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("<down><down><tab><down>");
        seat
    });
    shoot("delivery_confirm", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("<down><down>D");
        seat
    });
    shoot("delivery_manifest", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("<end>e");
        seat
    });
    shoot("delivery_checks", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("<end>c");
        seat
    });
    shoot("delivery_refused", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("D");
        seat
    });
    shoot("delivery_long", |size| {
        let mut seat = seat(size, LONG);
        seat.press("<end>");
        seat
    });
    shoot("delivery_offline", |size| {
        let mut seat = seat(size, PLAIN);
        cut(&mut seat);
        seat.press("<end>");
        seat
    });
    shoot("delivery_empty", |size| {
        let mut seat = Seat::new(size);
        seat.connect(2, PLAIN);
        seat.press("2<enter>");
        seat.rows(true, sample::rows(2, PLAIN).into_iter().take(1).collect());
        seat.press("5");
        seat
    });
}

#[test]
fn a_song_is_ready_or_the_studio_says_why_not() {
    let mut seat = seat(SIZE, PLAIN);
    let screen = seat.screen();
    assert!(screen.contains("Glass Hour is still in mixing. Approve the master first."), "{screen}");
    assert!(screen.contains("Label: 0 of 1 approvals"), "the line of the gate that is not met:\n{screen}");
    seat.press("D");
    assert!(seat.model.prompt.is_none() && seat.sent().is_empty(), "nothing is asked that would be refused");
    seat.press("<esc><down><down>");
    assert!(seat.screen().contains("Ready: D makes the delivery"), "{}", seat.screen());
    seat.press("D");
    assert!(seat.screen().contains("exactly the files that were signed"), "{}", seat.screen());
    seat.press("y");
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    let Some(action::Action::MakeDelivery(it)) = &action.action else { panic!() };
    assert_eq!(it.song_id, "s2");
}

#[test]
fn receipts_say_who_signed_in_which_role_which_bytes() {
    let mut seat = seat((120, 40), PLAIN);
    seat.press("<end>");
    let screen = seat.screen();
    for part in
        ["Mara Voss (artist) signed Master 1, heard 98 % on 3c9e 07aa", "Lena Ruiz (label) signed", "frozen"]
    {
        assert!(screen.contains(part), "{part} is missing:\n{screen}");
    }
    seat.press("e");
    let screen = seat.screen();
    assert!(screen.contains("\"song\": \"Night Bus\"") && screen.contains(&PRINT.repeat(4)), "{screen}");
}

#[test]
fn a_profile_says_the_same_here_as_of_a_file_on_this_machine() {
    use deadwax_client::checks::{of_facts, one, shipped};
    let mut seat = seat((120, 40), PLAIN);
    seat.press("<end>");
    let version = rows(PLAIN).remove(0);
    let Some(Of::Version(version)) = version.row else { panic!() };
    let file = &version.files[0];
    let profile = shipped("streaming").unwrap();
    let found = one(&profile, &of_facts(&file.name, file.facts.as_ref().unwrap()));
    assert!(found.iter().any(|it| it.code == "TRUE_PEAK_ADVISED"), "{found:?}");
    assert!(found.iter().any(|it| it.text.contains("Spotify: turned down by 3.6 dB")), "{found:?}");
    seat.press("c");
    let screen = seat.screen();
    for it in &found {
        let start: String = it.text.chars().take(30).collect();
        assert!(screen.contains(&start), "{start} is missing:\n{screen}");
    }
    assert!(screen.contains("6 files: main, instrumental"), "said once of all files:\n{screen}");
}

#[test]
fn digests_are_copied_whole() {
    let mut seat = seat(SIZE, PLAIN);
    let copied = |seat: &mut Seat| {
        std::mem::take(&mut seat.effects)
            .into_iter()
            .find_map(|it| if let Effect::Copy(text) = it { Some(text) } else { None })
    };
    seat.press("y");
    assert_eq!(copied(&mut seat), None, "a song in mixing has no master to copy from");
    seat.press("<esc><end>y");
    assert_eq!(copied(&mut seat).map(|it| it.len()), Some(64));
    seat.press("<tab><down>y");
    assert_eq!(copied(&mut seat), Some("b".repeat(64)), "of the second file");
    seat.press("<enter>");
    let Screen::Song(view) = seat.model.top() else { panic!() };
    assert_eq!((view.song.as_str(), view.version.as_deref()), ("s3", Some("v6")));
}

#[test]
fn the_files_are_fetched_from_here() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("<end>f");
    let screen = seat.screen();
    assert!(screen.contains("Fetch from Night Bus") && screen.contains("Folder"), "{screen}");
    seat.press("<esc><end>");
    assert!(seat.model.prompt.is_none() && seat.sent().is_empty());
}

#[test]
fn no_word_of_others_and_no_figure_breaks_the_room() {
    for size in [(80, 24), (120, 40), (41, 13)] {
        let mut seat = seat(size, HOSTILE);
        let mut wild = rows(HOSTILE);
        if let Some(Of::Version(it)) = &mut wild[0].row {
            for file in &mut it.files {
                file.alternate = HOSTILE.title.into();
                file.name = HOSTILE.note.into();
                let facts = file.facts.as_mut().unwrap();
                facts.container = HOSTILE.artist.into();
                facts.bytes = u64::MAX;
                facts.integrated_lufs = f64::NAN;
                facts.remarks =
                    vec![Remark { code: HOSTILE.title.into(), text: HOSTILE.note.into(), at_ms: None }];
            }
        }
        if let (Some(Of::Version(version)), [_, delivery, ..]) = (wild[0].row.clone(), &mut wild[..])
            && let Some(Of::Delivery(it)) = &mut delivery.row
        {
            it.files = version.files;
            it.manifest_json = format!("{{\"a\": \"{}\"", HOSTILE.note);
            it.by = HOSTILE.people[1].into();
        }
        wild.push(review::song(2, HOSTILE, "s1", |it| {
            it.allowed = vec![no("make_delivery", "X", HOSTILE.note, HOSTILE.title)];
        }));
        seat.rows(false, wild);
        for keys in ["", "<down>", "<down>D", "<esc><end>", "e", "<esc>c", "<esc><tab><down>", "y", "g"] {
            seat.press(keys);
            crate::hostile::assert_clean(&seat, keys);
        }
    }
}
