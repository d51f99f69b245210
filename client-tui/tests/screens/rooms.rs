//! The rooms beside the song: board, people, transfers, history. Snapshots, what is sent, what is never sent by accident, and hostile words.

use deadwax_client::{
    scrub,
    tui::{
        Effect, Failure, Msg,
        model::{Ask, Screen},
        people::{News as PeopleNews, Order as PeopleOrder},
        transfers::{Found, News, Order, State, What},
    },
};
use deadwax_proto::v1::{
    self as v1, ApprovalState, InviteInfo, Role, SessionInfo, action::Action as Do, row::Row as Of,
};

use crate::{
    sample::{self, HOSTILE, HOUR, LONG, NOW_MS, Names, PLAIN},
    seat::Seat,
};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

pub fn shoot(name: &str, steps: impl Fn((u16, u16)) -> Seat) {
    for size in SIZES {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), steps(size).screen());
    }
}

fn cut(seat: &mut Seat) {
    seat.tell(Msg::Lost { why: "Connection refused.".into() });
    seat.tell(Msg::Tick(NOW_MS + 42_000));
}

/// The project's rows with a manager in front of them, who may do what managers may.
pub fn manager(size: (u16, u16), names: Names) -> Seat {
    let mut seat = Seat::sample(size, 0, names);
    let mut rows = sample::rows(0, names);
    for row in &mut rows {
        match &mut row.row {
            Some(Of::Project(it)) => {
                it.your_roles = vec![Role::Manager.into()];
                it.allowed = vec![sample::yes("add_member"), sample::yes("add_song")];
            }
            Some(Of::Member(it)) => {
                it.allowed = vec![sample::yes("change_roles"), sample::yes("remove_member")];
                if it.person_id == "p0" {
                    it.roles.push(Role::Manager.into());
                    it.allowed[1] = sample::no(
                        "remove_member",
                        "LAST_MANAGER",
                        "The project needs a manager.",
                        "Make somebody else manager first.",
                    );
                }
            }
            Some(Of::Gate(it)) => {
                let mut hold = it.approvals[0].clone();
                hold.person_id = "p3".into();
                hold.name = names.people[3].into();
                hold.state = ApprovalState::Hold.into();
                hold.role = Role::Label.into();
                it.approvals.push(hold);
            }
            Some(Of::Song(it)) => {
                it.allowed.push(sample::yes("edit_song"));
                match it.song_id.as_str() {
                    "s0" => (it.due_ms, it.isrc) = (NOW_MS + 50 * HOUR, "DEAB12600001".into()),
                    "s2" => (it.due_ms, it.overdue) = (NOW_MS - 3 * HOUR, true),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    seat.press("2<enter>");
    seat.rows(true, rows);
    seat.effects.clear();
    seat
}

pub fn people(size: (u16, u16), names: Names) -> Seat {
    let mut seat = manager(size, names);
    seat.press("6");
    let invite = |at: usize, expires_ms: i64| InviteInfo {
        invite_id: format!("i{at}"),
        person_id: format!("p{at}"),
        name: names.people[at].into(),
        made_ms: NOW_MS - 20 * HOUR,
        expires_ms,
    };
    let invites = vec![invite(1, NOW_MS + 52 * HOUR), invite(2, NOW_MS - HOUR)];
    seat.tell(Msg::People(PeopleNews::Invites { project_id: "P".into(), outcome: Ok(invites) }));
    let session = |id: &str, device: &str, current| SessionInfo {
        session_id: id.into(),
        device: device.into(),
        opened_ms: NOW_MS - 100 * HOUR,
        expires_ms: NOW_MS + 500 * HOUR,
        current,
        signs_in_again: false,
    };
    let sessions = vec![session("x1", names.people[0], true), session("x2", names.project, false)];
    seat.tell(Msg::People(PeopleNews::Sessions(Ok(sessions))));
    seat
}

fn orders(seat: &mut Seat) -> Vec<Order> {
    let all = std::mem::take(&mut seat.effects);
    all.into_iter()
        .filter_map(|it| if let Effect::Transfer(order) = it { Some(order) } else { None })
        .collect()
}

fn asked(seat: &mut Seat) -> Vec<PeopleOrder> {
    let all = std::mem::take(&mut seat.effects);
    all.into_iter().filter_map(|it| if let Effect::People(order) = it { Some(order) } else { None }).collect()
}

pub fn actions(seat: &mut Seat) -> Vec<Do> {
    let of = |it| match it {
        Effect::Perform { action, .. } => action.action,
        _ => None,
    };
    seat.sent().into_iter().filter_map(of).collect()
}

const LINK: &str = "deadwax://studio.example:8899/ABCD-EFGH-IJKL-MNOP#sha256=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn invited(seat: &mut Seat) {
    seat.press("nJon Doe<tab>jon@example.org<tab><right> <enter>");
    let outcome = Ok(v1::CreateInviteResponse {
        person_id: "p9".into(),
        link: LINK.into(),
        expires_ms: NOW_MS + 72 * HOUR,
    });
    seat.tell(Msg::People(PeopleNews::Invited { name: "Jon Doe".into(), outcome }));
}

/// One of each state.
fn moving(seat: &mut Seat) {
    seat.press("2<enter>lf<tab>x<enter>f<tab>y<enter>lf<tab>z<enter>");
    let ids: Vec<u64> = seat.model.transfers.list.iter().map(|it| it.id).collect();
    seat.tell(Msg::Transfer(News::Changed { id: ids[0], state: State::Running }));
    seat.tell(Msg::Transfer(News::Step {
        id: ids[0],
        text: "MaraVoss_GlassHour_Main_v02_48k24b.wav".into(),
    }));
    seat.tell(Msg::Transfer(News::Moved {
        id: ids[0],
        bytes: 176_256_132,
        bytes_done: 61_000_000,
        bytes_per_s: 2_400_000,
    }));
    let (text, hint) =
        ("The folder could not be made: Permission denied".into(), "Look at the folder and the disk.".into());
    if let Some(id) = ids.get(1) {
        seat.tell(Msg::Transfer(News::Changed { id: *id, state: State::Failed { text, hint } }));
    }
    seat.model.notice = None;
    seat.effects.clear();
    seat.press("8");
}

#[test]
fn boards() {
    shoot("board_manager", |size| manager(size, PLAIN));
    shoot("board_manager_long", |size| manager(size, LONG));
    shoot("board_chosen", |size| {
        let mut seat = manager(size, PLAIN);
        seat.press(" l ");
        seat
    });
    shoot("board_add_song", |size| {
        let mut seat = manager(size, PLAIN);
        seat.press("nHarbour Lights");
        seat
    });
    shoot("board_fetch", |size| {
        let mut seat = manager(size, PLAIN);
        seat.press("l");
        seat.press("f");
        seat
    });
}

#[test]
fn people_screens() {
    shoot("people_normal", |size| people(size, PLAIN));
    shoot("people_long", |size| people(size, LONG));
    shoot("people_member", |size| {
        let mut seat = Seat::sample(size, 3, PLAIN);
        seat.press("2<enter>6");
        seat.tell(Msg::People(PeopleNews::Sessions(Ok(Vec::new()))));
        seat
    });
    shoot("people_refused", |size| {
        let mut seat = people(size, PLAIN);
        seat.press("x");
        seat
    });
    shoot("people_remove", |size| {
        let mut seat = people(size, PLAIN);
        seat.press("<end><up><up><up><up>x");
        seat
    });
    shoot("people_offline", |size| {
        let mut seat = manager(size, PLAIN);
        cut(&mut seat);
        seat.press("6");
        seat
    });
    shoot("people_invite", |size| {
        let mut seat = people(size, PLAIN);
        seat.press("nJon Doe<tab>jon@example.org<tab><right> ");
        seat
    });
    shoot("people_link", |size| {
        let mut seat = people(size, PLAIN);
        invited(&mut seat);
        seat
    });
}

#[test]
fn transfers_screens() {
    shoot("transfers_empty", |size| {
        let mut seat = manager(size, PLAIN);
        seat.press("8");
        seat
    });
    shoot("transfers_normal", |size| {
        let mut seat = manager(size, PLAIN);
        moving(&mut seat);
        seat
    });
    shoot("transfers_long_failed", |size| {
        let mut seat = manager(size, LONG);
        moving(&mut seat);
        seat.press("<down>");
        seat
    });
    shoot("upload_files", |size| {
        let mut seat = manager(size, PLAIN);
        seat.press("l");
        upload(&mut seat);
        seat
    });
}

/// Three files dropped on the terminal, of which one is not there.
fn upload(seat: &mut Seat) {
    seat.tell(Msg::Paste(
        "'/bounces/Glass Hour Main v3.wav' /bounces/GlassHour_TV_v3.wav /bounces/gone.wav".into(),
    ));
    let Some(Order::Look { ticket, paths }) = orders(seat).pop() else { panic!("nothing was looked at") };
    assert_eq!(paths.len(), 3);
    let found = paths.iter().map(|path| Found {
        path: path.into(),
        bytes: if path.contains("gone") { Err("No such file".into()) } else { Ok(58_752_044) },
    });
    let found = found.collect();
    seat.tell(Msg::Transfer(News::Looked { ticket, found }));
    seat.tell(Msg::Shown);
}

/// In front of Glass Hour, wherever it stands at this size.
fn on_glass_hour() -> Seat {
    let mut seat = manager((120, 40), PLAIN);
    if let Screen::Project { song, .. } = seat.model.top_mut() {
        *song = Some("s0".into());
    }
    seat
}

#[test]
fn dropped_files_are_sent_as_what_the_screen_said() {
    let mut seat = on_glass_hour();
    upload(&mut seat);
    seat.press("<enter>");
    assert!(orders(&mut seat).is_empty(), "a file that is not there is not sent");
    assert!(seat.screen().contains("No such file"));
    seat.press("<tab><down><down><delete>");
    seat.press("<tab>Tighter<tab>Bass down");
    seat.press("<enter>");
    let all = orders(&mut seat);
    let [Order::Start(job)] = all.as_slice() else { panic!("{all:?}") };
    let What::Send { files, add, project_id, .. } = &job.what else { panic!("{job:?}") };
    let sent: Vec<_> = files.iter().map(|it| (it.alternate.as_str(), it.path.to_str().unwrap())).collect();
    assert_eq!(sent, [("main", "/bounces/Glass Hour Main v3.wav"), ("tv", "/bounces/GlassHour_TV_v3.wav")]);
    assert_eq!(
        (add.title.as_str(), add.changelog.as_str(), add.song_id.as_str()),
        ("Tighter", "Bass down", "s0")
    );
    assert_eq!(project_id, "P");
    assert!(seat.model.prompt.is_none());
}

#[test]
fn files_that_came_a_moment_ago_are_not_sent_by_a_key_typed_before_they_were_seen() {
    let mut seat = on_glass_hour();
    upload(&mut seat);
    seat.press("<tab><down><down><delete>");
    seat.tell(Msg::Paste("/bounces/other_Inst.wav".into()));
    let Some(Order::Look { ticket, paths }) = orders(&mut seat).pop() else {
        panic!("nothing was looked at")
    };
    let found = paths.iter().map(|it| Found { path: it.into(), bytes: Ok(9) }).collect();
    seat.tell(Msg::Transfer(News::Looked { ticket, found }));
    seat.press_unseen("<enter>");
    assert!(orders(&mut seat).is_empty());
}

#[test]
fn two_files_of_one_kind_are_refused_and_can_be_told_apart_by_hand() {
    let mut seat = on_glass_hour();
    seat.press("u");
    seat.tell(Msg::Paste("/a/GlassHour_v1.wav\n/a/GlassHour_v2.wav".into()));
    let Some(Order::Look { ticket, .. }) = orders(&mut seat).pop() else { panic!("nothing was looked at") };
    let found = ["/a/GlassHour_v1.wav", "/a/GlassHour_v2.wav"];
    let found = found.map(|it| Found { path: it.into(), bytes: Ok(9) }).to_vec();
    seat.tell(Msg::Transfer(News::Looked { ticket, found }));
    seat.tell(Msg::Shown);
    seat.press("<enter>");
    assert!(orders(&mut seat).is_empty());
    let said = "Two files are \"main\". Tab, then ← → change what one is, Delete drops it.";
    assert!(seat.screen().contains(said), "{}", seat.screen());
    seat.press("<tab><down><right><enter>");
    let all = orders(&mut seat);
    let [Order::Start(job)] = all.as_slice() else { panic!("{all:?}") };
    let What::Send { files, .. } = &job.what else { panic!("{job:?}") };
    assert_eq!(files[1].alternate, "instrumental");
}

#[test]
fn chosen_songs_are_fetched_each_into_a_folder_of_its_own_under_our_names() {
    let mut seat = on_glass_hour();
    seat.press(" ");
    if let Screen::Project { song, .. } = seat.model.top_mut() {
        *song = Some("s2".into());
    }
    seat.press(" f<enter>");
    let all = orders(&mut seat);
    assert_eq!(all.len(), 2, "{all:?}");
    for (order, folder) in
        all.iter().zip(["~/Deadwax/Kleine Nacht/Glass Hour", "~/Deadwax/Kleine Nacht/Low Sun"])
    {
        let Order::Start(job) = order else { panic!("{order:?}") };
        let What::Fetch { files, folder: into, .. } = &job.what else { panic!("{job:?}") };
        assert_eq!(into.to_str(), Some(folder));
        assert!(files.iter().all(|it| it.name.starts_with("MaraVoss_")), "{files:?}");
    }
    assert!(seat.model.chosen.is_empty());
    assert_eq!(seat.model.transfers.list.len(), 2);
}

#[test]
fn several_chosen_songs_are_followed_at_once() {
    let mut seat = on_glass_hour();
    seat.press(" ");
    if let Screen::Project { song, .. } = seat.model.top_mut() {
        *song = Some("s2".into());
    }
    seat.press(" z<down><enter>");
    let songs: Vec<_> = actions(&mut seat)
        .into_iter()
        .map(|it| if let Do::Follow(it) = it { it.song_id } else { panic!("{it:?}") })
        .collect();
    assert_eq!(songs, ["s0", "s2"]);
}

#[test]
fn a_cut_transfer_goes_on_when_the_line_is_back() {
    let mut seat = on_glass_hour();
    seat.press("f<enter>");
    let Some(Order::Start(job)) = orders(&mut seat).pop() else { panic!("nothing began") };
    cut(&mut seat);
    seat.tell(Msg::Transfer(News::Changed { id: job.id, state: State::Cut { text: "cut".into() } }));
    assert!(orders(&mut seat).is_empty());
    seat.connect(0, PLAIN);
    assert_eq!(orders(&mut seat), [Order::Resume { id: job.id }]);
}

#[test]
fn leaving_asks_while_something_is_on_its_way() {
    for key in ["<c-c>", "q"] {
        let mut seat = on_glass_hour();
        seat.press("f<enter>1<esc>");
        seat.press(key);
        assert!(!seat.model.quit, "{key}");
        assert!(seat.screen().contains("Files are on their way"), "{}", seat.screen());
        seat.press(key);
        assert!(seat.model.quit, "{key}");
    }
    let mut seat = on_glass_hour();
    seat.press("<c-c>");
    assert!(seat.model.quit, "nothing runs");
}

#[test]
fn stopping_asks_and_what_ended_is_cleared() {
    let mut seat = on_glass_hour();
    seat.press("f<enter>8");
    let id = seat.model.transfers.list[0].id;
    orders(&mut seat);
    seat.press(" ");
    assert_eq!(orders(&mut seat), [Order::Pause { id }]);
    seat.tell(Msg::Transfer(News::Changed { id, state: State::Paused }));
    seat.press(" ");
    assert_eq!(orders(&mut seat), [Order::Resume { id }]);
    seat.press("x<enter>");
    assert!(orders(&mut seat).is_empty(), "the yes is never the default");
    seat.press("xy");
    assert_eq!(orders(&mut seat), [Order::Cancel { id }]);
    seat.tell(Msg::Transfer(News::Changed { id, state: State::Done }));
    seat.press("c");
    assert!(seat.model.transfers.list.is_empty());
}

#[test]
fn an_invite_names_a_role_and_its_link_is_shown_once() {
    let mut seat = people((80, 24), PLAIN);
    asked(&mut seat);
    seat.press("nJon Doe<tab>jon@example.org<enter>");
    assert!(asked(&mut seat).is_empty(), "nobody is invited as nothing");
    seat.press("<tab> <enter>");
    let wanted = PeopleOrder::Invite(v1::CreateInviteRequest {
        name: "Jon Doe".into(),
        email: "jon@example.org".into(),
        project_id: "P".into(),
        roles: vec![Role::Artist.into()],
        proof: None,
    });
    assert_eq!(asked(&mut seat), [wanted]);
    let outcome = Ok(v1::CreateInviteResponse { link: LINK.into(), ..v1::CreateInviteResponse::default() });
    seat.tell(Msg::People(PeopleNews::Invited { name: "Jon Doe".into(), outcome }));
    seat.press_unseen("<esc>");
    assert!(
        matches!(&seat.model.prompt, Some(open) if matches!(open.ask, Ask::Link(_))),
        "not before it was seen"
    );
    seat.tell(Msg::Shown);
    assert!(seat.screen().contains("can sign in as Jon Doe"));
    seat.effects.clear();
    seat.press("y");
    assert_eq!(std::mem::take(&mut seat.effects), [Effect::Copy(LINK.into())]);
    seat.press("b");
    let in_browser = "https://studio.example:8899/i#ABCD-EFGH-IJKL-MNOP";
    assert_eq!(std::mem::take(&mut seat.effects), [Effect::Copy(in_browser.into())]);
    seat.press("<esc>");
    assert!(!seat.screen().contains("ABCD-EFGH"), "{}", seat.screen());
}

#[test]
fn removing_somebody_says_what_it_touches_and_asks() {
    let mut seat = people((120, 40), PLAIN);
    while !seat.screen().contains("▸ Lena Ruiz") {
        seat.press("<down>");
    }
    seat.press("x");
    assert!(seat.screen().contains("Glass Hour is on hold by them as label"), "{}", seat.screen());
    seat.press("<enter>");
    assert!(actions(&mut seat).is_empty());
    seat.press("xy");
    assert_eq!(actions(&mut seat), [Do::RemoveMember(v1::RemoveMember { person_id: "p3".into() })]);
}

#[test]
fn the_lists_of_people_are_asked_for_once_and_again_after_a_cut() {
    let mut seat = manager((80, 24), PLAIN);
    seat.press("6");
    let project_id = || "P".to_owned();
    let lists = [
        PeopleOrder::Invites { project_id: project_id() },
        PeopleOrder::Shared { project_id: project_id() },
        PeopleOrder::Sessions,
    ];
    assert_eq!(asked(&mut seat), lists);
    seat.press("<down><down>");
    assert!(asked(&mut seat).is_empty());
    cut(&mut seat);
    seat.connect(0, PLAIN);
    assert_eq!(asked(&mut seat).len(), 3);
}

#[test]
fn a_song_is_added_and_edited_from_the_board() {
    let mut seat = on_glass_hour();
    seat.press("n<enter>");
    assert!(actions(&mut seat).is_empty(), "a song has a title");
    seat.press("Harbour<enter>");
    let all = actions(&mut seat);
    assert!(matches!(all.as_slice(), [Do::AddSong(it)] if it.title == "Harbour"), "{all:?}");
    seat.press("e<enter>");
    assert!(actions(&mut seat).is_empty(), "nothing was changed");
    seat.press("<end> II<enter>");
    let all = actions(&mut seat);
    let [Do::EditSong(it)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((it.title.as_deref(), it.isrc.as_deref()), (Some("Glass Hour II"), None));
}

#[test]
fn a_project_is_made_by_owners_alone() {
    let mut seat = manager((80, 24), PLAIN);
    seat.press("<esc>n");
    assert!(seat.screen().contains("Only an owner"), "{}", seat.screen());
    seat.model.me.as_mut().unwrap().studio_owner = true;
    seat.press("<esc>nTides<tab>Mara<enter>");
    let all = seat.sent();
    let [Effect::Perform { action, command_id, project_id }] = all.as_slice() else { panic!("{all:?}") };
    assert!(
        matches!(&action.action, Some(Do::CreateProject(it)) if it.title == "Tides" && it.artist == "Mara")
    );
    assert_ne!(project_id, "P");
    let project_id = project_id.clone();
    seat.tell(Msg::Performed { command_id: command_id.clone(), outcome: Ok(v1::PerformResponse::default()) });
    assert!(seat.effects.contains(&Effect::ListProjects));
    assert!(matches!(seat.model.top(), Screen::Project { project, .. } if *project == project_id));
}

#[test]
fn hostile_words_in_these_rooms_are_scrubbed() {
    let clean = |seat: &Seat, at: &str| {
        let terminal = seat.terminal();
        for cell in terminal.backend().buffer().content() {
            assert!(!cell.symbol().chars().any(scrub::is_hostile), "{:?} on {at}", cell.symbol());
        }
    };
    for size in [(80, 24), (120, 40), (41, 13)] {
        for keys in ["", "x", "r", "n", "d", "<down><down>x", "<end>x", "<end><up><up>x"] {
            let mut seat = people(size, HOSTILE);
            seat.press(keys);
            clean(&seat, keys);
        }
        let mut seat = people(size, HOSTILE);
        let outcome =
            Ok(v1::CreateInviteResponse { link: HOSTILE.note.into(), ..v1::CreateInviteResponse::default() });
        seat.tell(Msg::People(PeopleNews::Invited { name: HOSTILE.people[0].into(), outcome }));
        clean(&seat, "a link");
        let refused =
            Failure::Refused { reason: "X".into(), text: HOSTILE.note.into(), hint: HOSTILE.title.into() };
        seat.tell(Msg::People(PeopleNews::Sessions(Err(refused))));
        seat.press("<esc>");
        clean(&seat, "a refusal");
        let mut seat = manager(size, HOSTILE);
        for keys in [" ", "e", "<esc>f", "<esc>n"] {
            seat.press(keys);
            clean(&seat, keys);
        }
        let mut seat = manager(size, HOSTILE);
        seat.tell(Msg::Paste(format!("/{}\u{9b}31m.wav", HOSTILE.title)));
        let looks = orders(&mut seat);
        if let Some(Order::Look { ticket, .. }) = looks.last() {
            let found =
                vec![Found { path: format!("/{}", HOSTILE.note).into(), bytes: Err(HOSTILE.title.into()) }];
            seat.tell(Msg::Transfer(News::Looked { ticket: *ticket, found }));
        }
        clean(&seat, "an upload");
        seat.press("<enter>");
        clean(&seat, "an upload that is refused");
        let mut seat = manager(size, HOSTILE);
        seat.press("f<enter>8");
        for it in &mut seat.model.transfers.list {
            it.step = HOSTILE.note.into();
            it.state = State::Failed { text: HOSTILE.note.into(), hint: HOSTILE.title.into() };
        }
        clean(&seat, "transfers");
    }
}
