//! The room of records by its keys: from profiles over the dry run to a start, the signature, and that nothing of a studio leads a fetch or a terminal astray.

use deadwax_client::{
    receipt::approve::What,
    tui::{
        Effect, Msg,
        model::{Ask, Notice, Screen},
        record::{News, Order},
        signing,
        transfers::{self, What as Moves},
    },
};
use deadwax_proto::v1::*;

use crate::{
    record::{
        SIZE, approval, choosing, file, files, label, orders, planned, planning, print, project, record, row,
        running, seat, sha, two,
    },
    sample::{HOSTILE, NOW_MS, PLAIN, then, yes},
    seat::Seat,
    shots::cut,
};

#[test]
fn from_profiles_over_the_dry_run_to_a_start() {
    let mut seat = label(SIZE, PLAIN);
    choosing(&mut seat, PLAIN);
    // Those of the newest record are chosen; one is taken away, one's own is added, the level is set.
    seat.press("<down> ");
    seat.press("<tab>");
    seat.tell(Msg::Paste("'/plants/my plant.toml'\n".into()));
    seat.press("<tab>-14,5");
    let asked = planning(&mut seat, planned(PLAIN, true));
    let Order::Plan { project_id, names, own, loudest, .. } = asked else { panic!() };
    assert_eq!((project_id.as_str(), names), ("P", vec!["hi-res".to_owned()]));
    assert_eq!((own, loudest), (vec!["/plants/my plant.toml".to_owned()], Some(-14.5)));
    let screen = seat.screen();
    assert!(screen.contains("wrong check digit") && screen.contains("Mend: Give the song"), "{screen}");
    assert!(screen.contains("From: ReaClassical"), "{screen}");
    seat.press("s");
    assert!(matches!(seat.model.prompt.as_ref().unwrap().ask, Ask::Plan(_)), "what blocks is not started");
    // Back to what was chosen, and again without a block.
    seat.press("<esc>");
    assert!(seat.screen().contains("/plants/my plant.toml"), "{}", seat.screen());
    planning(&mut seat, planned(PLAIN, false));
    seat.press("s");
    assert!(seat.screen().contains("Make this record?") && seat.sent().is_empty());
    seat.press("n");
    assert!(matches!(seat.model.prompt.as_ref().unwrap().ask, Ask::Plan(_)), "a no leads back");
    seat.press("sy");
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    let Some(action::Action::StartRecord(it)) = &action.action else { panic!() };
    assert_eq!((it.spacing, it.loudest_track_lufs), (3, Some(-14.5)));
    assert_eq!(it.profiles.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["hi-res"]);
}

#[test]
fn a_late_or_foreign_answer_is_nobodys() {
    let mut seat = label(SIZE, PLAIN);
    choosing(&mut seat, PLAIN);
    seat.press("<enter><esc><esc>");
    let Some(Order::Plan { ticket, .. }) = orders(&mut seat).pop() else { panic!() };
    let outcome = Ok((Vec::new(), Box::new(planned(PLAIN, false))));
    seat.tell(Msg::Record(News::Planned { ticket, outcome }));
    assert!(seat.model.prompt.is_none());
    // The list is asked for once.
    seat.press("s");
    assert!(orders(&mut seat).is_empty() && seat.screen().contains("[x] cd"), "{}", seat.screen());
}

#[test]
fn a_level_that_is_none_is_said_and_nothing_is_asked() {
    let mut seat = label(SIZE, PLAIN);
    choosing(&mut seat, PLAIN);
    seat.press("<tab><tab>loud<enter>");
    assert!(orders(&mut seat).is_empty() && seat.screen().contains("a number of LUFS"), "{}", seat.screen());
}

#[test]
fn y_signs_exactly_what_was_quoted_and_nothing_else_does() {
    let mut seat = label(SIZE, PLAIN);
    seat.tell(Msg::Signing(signing::News::Key(signing::Key::Ready { label: "1a2b3c4d5e6f".into() })));
    seat.press("a");
    let fingerprint = print(&files(PLAIN));
    let screen = seat.screen();
    for part in ["Record 2: 8 files", "Low Sun, Master 1", "Lena Ruiz signs as (label)", &fingerprint] {
        assert!(screen.contains(part), "{part}\n{screen}");
    }
    seat.effects.clear();
    seat.press("<enter> Y<tab><enter>s");
    assert!(seat.effects.is_empty() && seat.model.prompt.is_some(), "{:?}", seat.effects);
    seat.press("y");
    let Some(Effect::Signing(signing::Order::Sign { ticket, wish, passphrase: None })) = seat.effects.pop()
    else {
        panic!()
    };
    assert_eq!(wish.what, What::Record { record_id: "r-2".into(), fingerprint: fingerprint.clone() });
    assert_eq!((wish.project_id.as_str(), wish.role), ("P", Role::Label));
    seat.press("yy");
    assert!(seat.effects.is_empty(), "a second yes changes nothing");
    seat.tell(Msg::Signing(signing::News::Ended { ticket, outcome: Ok((6, false)) }));
    assert!(seat.model.prompt.is_none());
    assert!(matches!(&seat.model.notice, Some(Notice::Done(text)) if text.contains("Record 2, receipt #6")));
}

#[test]
fn typed_ahead_nothing_is_signed_and_what_changed_is_not() {
    let mut seat = label(SIZE, PLAIN);
    seat.press_unseen("ay");
    assert!(seat.sent().is_empty() && seat.model.prompt.is_some());
    // Another fingerprint under the open question.
    let mut other = record(2, RecordState::Made, PLAIN);
    other.files.pop();
    other.fingerprint = print(&other.files);
    seat.rows(false, vec![row(other)]);
    seat.press("y");
    assert!(seat.sent().is_empty() && seat.screen().contains("The files changed"), "{}", seat.screen());
    let mut outdated = record(2, RecordState::Made, PLAIN);
    outdated.outdated = true;
    seat.rows(false, vec![row(outdated)]);
    seat.press("y");
    assert!(seat.sent().is_empty() && seat.screen().contains("is outdated"), "{}", seat.screen());
    seat.rows(false, two(PLAIN));
    cut(&mut seat);
    seat.press("y");
    assert!(seat.sent().is_empty() && seat.screen().contains("Not connected"), "{}", seat.screen());
}

#[test]
fn a_record_is_not_signed_before_the_key_is_known_or_where_its_files_do_not_fit() {
    let mut seat = label(SIZE, PLAIN);
    seat.press("a");
    seat.effects.clear();
    seat.yes_at_once();
    assert!(seat.sent().is_empty() && seat.screen().contains("Looking for your key"), "{}", seat.screen());
    seat.tell(Msg::Signing(signing::News::Key(signing::Key::Ready { label: "1a2b".into() })));
    // Another file under the same fingerprint, while the question is open.
    let mut other = record(2, RecordState::Made, PLAIN);
    other.files[0].sha256 = sha("other bytes");
    seat.rows(false, vec![row(other)]);
    seat.effects.clear();
    seat.press("y");
    assert!(seat.effects.is_empty() && seat.screen().contains("another fingerprint"), "{}", seat.screen());
    // And where it did not fit from the start.
    seat.press("<esc>a");
    assert!(seat.screen().contains("another fingerprint"), "{}", seat.screen());
    seat.effects.clear();
    seat.press("y");
    assert!(seat.effects.is_empty() && seat.model.prompt.is_some());
}

#[test]
fn without_a_key_the_approval_is_sent_and_a_broken_key_signs_nothing() {
    let mut seat = label(SIZE, PLAIN);
    seat.tell(Msg::Signing(signing::News::Key(signing::Key::None)));
    seat.press("ay");
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    let Some(action::Action::ApproveRecord(it)) = &action.action else { panic!() };
    assert_eq!((it.record_id.as_str(), it.role(), it.receipt.clone()), ("r-2", Role::Label, None));
    assert_eq!(it.fingerprint, print(&files(PLAIN)));
    let mut seat = label(SIZE, PLAIN);
    let broken =
        signing::Key::Broken { text: "It can be read by others.".into(), hint: "Say chmod 600.".into() };
    seat.tell(Msg::Signing(signing::News::Key(broken)));
    seat.press("ay");
    assert!(seat.sent().is_empty() && seat.model.prompt.is_some());
    let mut seat = label(SIZE, PLAIN);
    seat.tell(Msg::Signing(signing::News::Key(signing::Key::Locked { label: "1a".into() })));
    seat.press("ay");
    let before = seat.screen();
    seat.press("sesyme");
    assert_eq!(seat.screen(), before, "nothing is shown, not even how long it is");
    seat.effects.clear();
    seat.press("<enter>");
    assert!(matches!(seat.effects[..], [Effect::Signing(signing::Order::Sign { passphrase: Some(_), .. })]));
}

#[test]
fn the_stream_lives_while_somebody_looks_at_a_record_that_is_being_made() {
    let mut seat = seat(SIZE, 2, PLAIN, vec![row(record(2, RecordState::Running, PLAIN))]);
    let watch = Order::Watch { project_id: "P".into(), record_id: "r-2".into() };
    assert_eq!(orders(&mut seat), std::slice::from_ref(&watch));
    seat.press("<down>?");
    assert_eq!(orders(&mut seat), [Order::Unwatch]);
    seat.press("<esc>");
    assert_eq!(orders(&mut seat), std::slice::from_ref(&watch));
    // A cut, and the line again.
    cut(&mut seat);
    assert!(orders(&mut seat).is_empty() && seat.model.record.progress.is_none());
    seat.connect(2, PLAIN);
    assert_eq!(orders(&mut seat), [watch]);
    seat.rows(false, vec![row(record(2, RecordState::Made, PLAIN))]);
    assert_eq!(orders(&mut seat), [Order::Unwatch]);
    let screen = seat.screen();
    assert!(screen.contains("8 files") && screen.contains("waits for the approval of Lena Ruiz"), "{screen}");
    seat.press("<tab>");
    assert!(orders(&mut seat).is_empty());
}

#[test]
fn it_is_stopped_and_delivered_where_the_studio_allows_it() {
    let mut seat = running(SIZE, PLAIN);
    seat.press("x");
    assert!(seat.screen().contains("Stop Record 2?"), "{}", seat.screen());
    seat.press("y");
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    assert!(matches!(&action.action, Some(action::Action::CancelRecord(it)) if it.record_id == "r-2"));

    let mut seat = label(SIZE, PLAIN);
    seat.press("D");
    let screen = seat.screen();
    assert!(
        seat.model.prompt.is_none() && screen.contains("not approved yet. The label signs it first."),
        "{screen}"
    );
    let mut approved = record(2, RecordState::Made, PLAIN);
    approved.allowed = vec![yes("deliver_record")];
    seat.rows(false, vec![row(approved)]);
    seat.press("<esc>Dy");
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    assert!(matches!(&action.action, Some(action::Action::DeliverRecord(it)) if it.record_id == "r-2"));
}

#[test]
fn files_are_fetched_by_profile_and_a_hostile_list_is_refused() {
    let mut seat = label(SIZE, PLAIN);
    // On the line of the profile "hi-res".
    seat.press("<tab><down>f");
    assert!(seat.screen().contains("hi-res, 5 files"), "{}", seat.screen());
    seat.effects.clear();
    seat.press("<enter>");
    let Some(Effect::Transfer(transfers::Order::Start(job))) = seat.effects.pop() else { panic!() };
    let Moves::Record(it) = &job.what else { panic!() };
    assert_eq!((it.record_id.as_str(), it.asked.files.len(), it.asked.manifest.clone()), ("r-2", 5, None));
    assert!(it.folder.ends_with("Kleine Nacht/Record 2") && it.asked.files[0].folder.ends_with("hi-res"));
    seat.press("f<enter>");
    assert!(seat.screen().contains("on its way there already"), "{}", seat.screen());
    seat.press("<esc>");

    let mut evil = record(2, RecordState::Made, PLAIN);
    evil.files[0].folder = "../..".into();
    evil.fingerprint = print(&evil.files);
    seat.rows(false, vec![row(evil)]);
    seat.effects.clear();
    seat.press("f<enter>");
    assert!(seat.effects.is_empty() && seat.screen().contains("Nothing was fetched"), "{}", seat.screen());
    seat.press("<esc>");

    // A manifest that tells of other files is put beside none.
    let mut other = record(2, RecordState::Delivered, PLAIN);
    other.manifest_json = r#"{"record":{"id":"r-2","number":2,"fingerprint":"00"},"files":[]}"#.into();
    seat.rows(false, vec![row(other)]);
    seat.effects.clear();
    seat.press("f<enter>");
    assert!(
        seat.effects.is_empty() && seat.screen().contains("its manifest has another"),
        "{}",
        seat.screen()
    );
}

#[test]
fn digests_are_copied_whole_and_a_file_says_all_of_itself() {
    let mut seat = label(SIZE, PLAIN);
    let copied = |seat: &mut Seat| {
        std::mem::take(&mut seat.effects)
            .into_iter()
            .find_map(|it| if let Effect::Copy(text) = it { Some(text) } else { None })
    };
    seat.press("y");
    assert_eq!(copied(&mut seat), Some(print(&files(PLAIN))));
    seat.press("<tab><enter><down><down>y");
    assert_eq!(copied(&mut seat), Some(sha("cd/KleineNacht-DDP/IMAGE.DAT")));
    seat.press("<enter>");
    let screen = seat.screen();
    assert!(
        screen.contains("cd/KleineNacht-DDP/IMAGE.DAT") && screen.contains("16/44.1, 3:24.0"),
        "{screen}"
    );
}

#[test]
fn the_desk_and_history_lead_here() {
    let mut seat = label(SIZE, PLAIN);
    let desk = DeskRow {
        key: "d9".into(),
        project_id: "P".into(),
        project_title: PLAIN.project.into(),
        kind: DeskKind::Approve.into(),
        text: "Approve Record 1 as label.".into(),
        target_key: "record/1".into(),
        ..DeskRow::default()
    };
    seat.tell(Msg::Desk(vec![desk]));
    seat.press("1<enter>");
    assert!(matches!(seat.model.top(), Screen::Record { number: Some(1), .. }));
    assert!(seat.screen().contains("▸ Record 1"), "{}", seat.screen());
    seat.press("i");
    let entries = ["Iris Lund started Record 21 for cd.", "Iris Lund started Record 2 for cd."].map(|text| {
        HistoryEntry { who: "Iris Lund".into(), text: text.into(), at_ms: NOW_MS, ..HistoryEntry::default() }
    });
    let answer = HistoryResponse { entries: entries.to_vec(), next_before_seq: 0 };
    seat.tell(Msg::History { ticket: seat.model.ticket, outcome: Ok(answer) });
    seat.press("<home><enter>");
    assert!(matches!(seat.model.top(), Screen::History { .. }), "there is no Record 21");
    seat.press("<esc><down><enter>");
    assert!(matches!(seat.model.top(), Screen::Record { number: Some(2), .. }), "{}", seat.screen());
}

#[test]
fn the_newest_is_followed_and_a_chosen_one_stays() {
    let mut seat = label(SIZE, PLAIN);
    seat.rows(false, vec![row(record(3, RecordState::Queued, PLAIN))]);
    assert!(seat.screen().contains("▸ Record 3"), "{}", seat.screen());
    seat.press("<down>");
    seat.rows(false, vec![row(record(4, RecordState::Queued, PLAIN))]);
    assert!(seat.screen().contains("▸ Record 2"), "{}", seat.screen());
    seat.press("<home>");
    assert!(matches!(seat.model.top(), Screen::Record { number: None, .. }));
    // The two halves of the room.
    seat.press("5");
    assert!(seat.screen().contains("v: Record 4, queued"), "{}", seat.screen());
    seat.press("v");
    assert!(seat.screen().contains("v: single songs"), "{}", seat.screen());
}

#[test]
fn a_long_record_costs_what_is_on_the_screen() {
    let mut long = record(2, RecordState::Made, PLAIN);
    long.files =
        (0..3_000).map(|at| file(&format!("p{}", at % 20), "p", &format!("{at}.wav"), "track")).collect();
    long.fingerprint = print(&long.files);
    let mut seat = seat(SIZE, 3, PLAIN, vec![row(long)]);
    seat.press("<tab><enter><end>");
    assert!(seat.screen().contains("▸▸ p19: 150 files"), "{}", seat.screen());
    seat.press("<enter><end>");
    assert!(seat.screen().contains("2999.wav"), "{}", seat.screen());
}

/// Every text of it is somebody's who means harm, and every figure is none.
fn wild() -> RecordRow {
    let mut wild = record(2, RecordState::Made, HOSTILE);
    wild.profiles = vec![HOSTILE.note.into()];
    wild.reason = HOSTILE.note.into();
    wild.waits_for = HOSTILE.title.into();
    wild.differs = vec![HOSTILE.note.into()];
    wild.medium = HOSTILE.project.into();
    wild.outdated_by = vec![HOSTILE.note.into(), HOSTILE.title.into()];
    wild.cautions = vec![HOSTILE.note.into(), HOSTILE.project.into()];
    wild.manifest_json = format!("{{\"a\": \"{}\\u001b[2J\"}}", HOSTILE.artist);
    wild.approvals = vec![approval(HOSTILE)];
    wild.loudest_track_lufs = Some(f64::NAN);
    wild.delivered_by = HOSTILE.people[0].into();
    wild.delivered_ms = i64::MAX;
    wild.allowed = vec![then("approve_record", HOSTILE.note), yes("deliver_record"), yes("cancel_record")];
    for it in &mut wild.files {
        it.profile = HOSTILE.title.into();
        it.folder = HOSTILE.artist.into();
        it.name = HOSTILE.note.into();
        it.kind = HOSTILE.project.into();
        (it.bytes, it.frames) = (u64::MAX, u64::MAX);
        it.integrated_lufs = Some(f64::INFINITY);
    }
    wild
}

#[test]
fn no_word_of_others_and_no_figure_breaks_the_room() {
    for size in [(80, 24), (120, 40), (41, 13)] {
        let wild = wild();
        let mut busy = record(3, RecordState::Running, HOSTILE);
        busy.allowed = vec![yes("cancel_record")];
        let mut seat =
            seat(size, 3, HOSTILE, vec![row(wild), row(busy), project(HOSTILE, 3, yes("start_record"))]);
        let progress = RecordProgress {
            step: HOSTILE.note.into(),
            fraction: f64::NAN,
            files_done: u32::MAX,
            files: 1,
            ended: false,
        };
        seat.tell(Msg::Record(News::Progress { record_id: "r-3".into(), progress }));
        crate::hostile::assert_clean(&seat, "running");
        for keys in [
            "x",
            "<esc><down>",
            "<tab>",
            "<enter><down>",
            "<enter>",
            "<esc>I",
            "<esc>e",
            "<esc>a",
            "<esc>D",
            "<esc>f",
            "<esc>y",
        ] {
            seat.press(keys);
            crate::hostile::assert_clean(&seat, keys);
        }
        seat.press("<esc><esc>2<enter>5v");
        seat.effects.clear();
        choosing(&mut seat, HOSTILE);
        crate::hostile::assert_clean(&seat, "profiles");
        seat.press(" <down> <tab>");
        seat.tell(Msg::Paste("\x1b[2J/a\u{202e}b.toml".into()));
        crate::hostile::assert_clean(&seat, "one's own");
        let mut plan = planned(HOSTILE, true);
        for it in &mut plan.findings {
            it.text = HOSTILE.note.into();
            it.mend = HOSTILE.title.into();
            it.source = HOSTILE.artist.into();
            it.profile = HOSTILE.project.into();
        }
        for it in &mut plan.files {
            it.format = HOSTILE.note.into();
            it.profile = HOSTILE.title.into();
            (it.bytes, it.frames) = (u64::MAX, u64::MAX);
        }
        plan.penalties_json =
            r#"[{"service":"a\u001b[2J\u202e","album":true,"tracks":[{"change_db":1e300}]}]"#.into();
        plan.consistency_json = r#"{"outliers":["b\u001b[2J\u202e"]}"#.into();
        planning(&mut seat, plan);
        for keys in ["", "<down>", "<tab>", "<tab>", "<tab>"] {
            seat.press(keys);
            crate::hostile::assert_clean(&seat, keys);
        }
    }
}

/// The sides are looked at against one medium in the Album room, and a record with sides is made for that one.
#[test]
fn the_medium_of_the_album_room_goes_with_the_plan_and_the_start() {
    let mut seat = label(SIZE, PLAIN);
    choosing(&mut seat, PLAIN);
    let mut plan = planned(PLAIN, false);
    plan.basis = "b5".repeat(32);
    plan.files[0].kind = "side".into();
    let Order::Plan { medium, .. } = planning(&mut seat, plan) else { panic!() };
    assert_eq!(medium, seat.model.album.medium().name);
    assert!(medium.contains("12\""), "{medium}");
    assert!(
        seat.screen().contains(&format!("Dry run on {medium}: nothing is made yet")),
        "{}",
        seat.screen()
    );
    seat.press("s");
    assert!(seat.screen().contains(&format!("Its sides are for {medium}")), "{}", seat.screen());
    seat.press("y");
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    let Some(action::Action::StartRecord(it)) = &action.action else { panic!() };
    assert_eq!((it.medium.as_str(), it.basis.as_str()), (medium.as_str(), "b5".repeat(32).as_str()));
}

/// A disc is cut on nothing, whatever the Album room shows.
#[test]
fn a_record_without_sides_is_for_no_medium() {
    let mut seat = label(SIZE, PLAIN);
    while seat.model.album.medium().has_sides() {
        seat.model.album.medium += 1;
    }
    choosing(&mut seat, PLAIN);
    let Order::Plan { medium, .. } = planning(&mut seat, planned(PLAIN, false)) else { panic!() };
    assert_eq!(medium, "");
    seat.press("<esc><esc>");
    seat.model.album.medium = 0;
    choosing_again(&mut seat);
    planning(&mut seat, planned(PLAIN, false));
    seat.press("s");
    assert!(!seat.screen().contains("Its sides"), "{}", seat.screen());
    seat.press("y");
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    let Some(action::Action::StartRecord(it)) = &action.action else { panic!() };
    assert_eq!(it.medium, "");
}

/// The list of profiles is known by now.
fn choosing_again(seat: &mut Seat) {
    seat.press("s");
    assert!(orders(seat).is_empty());
}

/// What is to be read first stands in the very questions.
#[test]
fn a_spacing_that_nobody_approved_is_said_where_one_signs_and_delivers() {
    let said = "Spacing 3 is approved by nobody.";
    let mut seat = label(SIZE, PLAIN);
    let mut it = record(2, RecordState::Made, PLAIN);
    it.cautions = vec![said.into(), HOSTILE.note.into()];
    it.allowed = vec![yes("approve_record"), yes("deliver_record")];
    seat.rows(false, vec![row(it)]);
    assert!(seat.screen().contains(&format!("! {said}")), "{}", seat.screen());
    seat.press("a");
    let screen = seat.screen();
    assert!(screen.contains("Lena Ruiz signs as") && screen.contains(&format!("! {said}")), "{screen}");
    assert!(!screen.contains('\x1b'), "{screen}");
    seat.press("<esc>");
    seat.press("D");
    let screen = seat.screen();
    assert!(screen.contains("Deliver Record 2?") && screen.contains(&format!("! {said}")), "{screen}");
}

#[test]
fn what_outdated_a_record_is_named() {
    let mut seat = label(SIZE, PLAIN);
    let mut it = record(2, RecordState::Made, PLAIN);
    it.outdated = true;
    it.outdated_by =
        ["Spacing 4 is the newest; it has 3.", "The label copy differs in UPC.", "The cover is new."]
            .map(str::to_owned)
            .to_vec();
    it.differs = vec!["Compared with Record 1, which was delivered.".into(), "Nothing differs.".into()];
    seat.rows(false, vec![row(it)]);
    let screen = seat.screen();
    for part in [
        "! Outdated: Spacing 4 is the newest",
        "! Outdated: The label copy differs in UPC.",
        "! And 1 more;",
        " Compared with Record 1, which was delivered.",
        "≠ Nothing differs.",
    ] {
        assert!(screen.contains(part), "{part}\n{screen}");
    }
    assert!(!screen.contains("≠ Compared"), "{screen}");
    seat.press("I");
    assert!(seat.screen().contains("The cover is new."), "{}", seat.screen());
}

#[test]
fn the_dry_run_tells_the_balance_of_the_songs_and_the_album_room_repeats_it() {
    let mut seat = label(SIZE, PLAIN);
    // Before: the album says where it is told.
    seat.press("4<tab>");
    assert!(seat.screen().contains("a dry run of a record tells it"), "{}", seat.screen());
    seat.press("5v");
    choosing(&mut seat, PLAIN);
    let mut plan = planned(PLAIN, false);
    plan.consistency_json = r#"{"median_lufs":-9.8,"songs":[
        {"song_id":"s0","title":"One\u001b[2J","integrated_lufs":-9.8,"bands_db":[0.4,-1.2,0.0,0.1,0.2,0.3,null,-2.5]},
        {"song_id":"s1","title":"Two","integrated_lufs":-10.8,"bands_db":null}]}"#
        .into();
    planning(&mut seat, plan);
    seat.press("<tab><tab>");
    let screen = seat.screen();
    for part in
        ["Songs beside each other", "Balance in bands", "sub  bass lomid", "+0.4  -1.2", "not of uploads"]
    {
        assert!(screen.contains(part), "{part}\n{screen}");
    }
    assert!(!screen.contains('\u{1b}'));
    seat.press("<esc><esc>4");
    if !seat.screen().contains("Songs beside each other") {
        seat.press("<tab>");
    }
    let known = |screen: &str| screen.contains("dB from the record, spacing 3: sub +0.4");
    let unknown = |screen: &str| screen.contains("told of masters that were rendered here");
    let mut seen = (false, false);
    for _ in 0..4 {
        let screen = seat.screen();
        seen = (seen.0 || known(&screen), seen.1 || unknown(&screen));
        seat.press("<down>");
    }
    assert_eq!(seen, (true, true), "{}", seat.screen());
}
