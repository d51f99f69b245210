//! Each option of a rule, by somebody who tries to get past it.

use super::*;
use crate::{
    Actor, ApprovalId, Command, Examined, Fact, NoteId, NoteOutcome, Reason, Refusal, SpacingItem, Verdict,
    VersionKind, decide, testing::*,
};

const OPENED: [&str; 3] = ["STAGE_LEFT", "HANDOFF_MADE", "RENDER_QUEUED"];
const MAIN: Alternate = Alternate::Main;

/// The label's approval is all that the gate of mixing asks for, and what `change` adds.
fn rule(change: impl FnOnce(&mut GateRule)) -> GateRule {
    let mut rule = GateRule::new(Stage::Mixing, vec![Need { any_of: Roles::from([Role::Label]), count: 1 }]);
    change(&mut rule);
    rule
}

fn set(change: impl FnOnce(&mut GateRule)) -> Command {
    Command::SetGate { rule: rule(change) }
}

fn asked(change: impl FnOnce(&mut GateRule)) -> Given {
    Given::mixed().and(person(OWNER), set(change))
}

fn of(given: &Given, code: &str) -> GateLine {
    let report = report(&given.project, SONG).expect("the song has a gate ahead");
    report.lines.into_iter().find(|line| line.code == code).unwrap_or_else(|| panic!("no line {code}"))
}

fn has(given: &Given, code: &str) -> bool {
    report(&given.project, SONG).expect("a gate").lines.iter().any(|line| line.code == code)
}

fn opened(first: &str) -> Vec<&str> {
    [first].into_iter().chain(OPENED).collect()
}

fn heard(percent: u32) -> Command {
    Command::RecordHeard { version: VersionId(10), percent }
}

fn mix_2() -> Command {
    add_version(11, VersionKind::Mix, &[(MAIN, 3), (Alternate::Instrumental, 4)])
}

fn examine(version: u128, examined: Examined) -> Command {
    Command::RecordExamination { version: VersionId(version), examined }
}

#[test]
fn a_gate_says_other_than_the_terms_who_approves_their_own() {
    let both = Command::ChangeRoles { person: MIXER, roles: Roles::from([Role::MixEngineer, Role::Label]) };
    let strict = asked(|rule| rule.self_approval = Some(false)).and(person(OWNER), both.clone());
    let terms = strict.and(person(OWNER), set_terms(true));
    terms.when(person(MIXER), terms.approve(10, Role::Label)).refused(Reason::SelfApproval);
    let loose = asked(|rule| rule.self_approval = Some(true)).and(person(OWNER), both.clone());
    loose.when(person(MIXER), loose.approve(10, Role::Label)).facts(&opened("APPROVED"));
    // Said for mixing alone: the terms hold elsewhere.
    assert!(!loose.project.self_approval(Stage::Mastering));
    // Taken back before the gate is met: what only it allowed counts no more.
    let two = |own| {
        set(move |rule| {
            rule.self_approval = Some(own);
            rule.needs[0].count = 2;
        })
    };
    let given = loose.and(person(OWNER), two(true)).approved(MIXER, 10, Role::Label);
    assert_eq!(of(&given, "APPROVALS").text, "Label: 1 of 2 approvals.");
    let back = given.and(person(OWNER), two(false));
    assert_eq!(of(&back, "APPROVALS").text, "Label: 0 of 2 approvals.");
    assert_eq!(of(&back, "APPROVALS").waits_for, [LABEL]);
}

#[test]
fn one_person_fills_two_places_only_where_the_gate_lets_them() {
    let roles = Roles::from([Role::Artist, Role::Label]);
    let both = Command::ChangeRoles { person: ARTIST, roles };
    let two = |own| {
        set(move |rule| {
            rule.needs.push(Need { any_of: Roles::from([Role::Artist]), count: 1 });
            rule.self_approval = own;
        })
    };
    for (own, code) in [(None, "APPROVALS"), (Some(false), "APPROVALS")] {
        let given = Given::mixed().and(person(OWNER), both.clone()).and(person(OWNER), two(own));
        let given = given.approved(ARTIST, 10, Role::Artist).approved(ARTIST, 10, Role::Label);
        assert_eq!((given.stage(), of(&given, code).met), (Stage::Mixing, true));
    }
    let given = Given::mixed().and(person(OWNER), both).and(person(OWNER), two(Some(true)));
    let given = given.approved(ARTIST, 10, Role::Artist);
    given.when(person(ARTIST), given.approve(10, Role::Label)).facts(&opened("APPROVED"));
}

#[test]
fn nothing_passes_before_it_was_examined() {
    let given = asked(|_| {}).and_unexamined(person(MIXER), &mix_2());
    let given = given.clone().and_unexamined(person(LABEL), &given.approve(11, Role::Label));
    let line = of(&given, "EXAMINATION");
    assert_eq!((line.met, line.text.as_str()), (false, "Mix 2 is still being examined."));
    let failed = Examined { failed: Some("no memory".to_owned()), ..Examined::default() };
    let facts: Vec<_> = opened("VERSION_EXAMINED");
    given.when(Actor::Worker, examine(11, Examined::default())).facts(&facts);
    // One that fails holds nobody up; it is told as a warning.
    let events = given.when(Actor::Worker, examine(11, failed.clone())).facts(&facts);
    let mut after = given.project.clone();
    after.apply_all(&events);
    let found = crate::preflight::findings(&after, after.versions.get(VersionId(11)).unwrap());
    let told: Vec<_> = found.iter().map(|one| (one.block, one.code, one.text.as_str())).collect();
    assert!(told.contains(&(false, "NOT_EXAMINED", "Mix 2 could not be examined: no memory.")), "{told:?}");
    // A gate that passes over preflight does not wait.
    let given = asked(|rule| rule.preflight_ignored = true).and_unexamined(person(MIXER), &mix_2());
    assert!(of(&given, "EXAMINATION").met);
    given.when(person(LABEL), given.approve(11, Role::Label)).facts(&opened("APPROVED"));
}

#[test]
fn preflight_blocks_unless_the_gate_passes_over_it() {
    let clipped = crate::AudioFacts { clipped_samples: 40, ..clean_facts() };
    let receive = Command::ReceiveFile { file: received(90, clipped) };
    let clip = add_version(11, VersionKind::Mix, &[(MAIN, 90)]);
    let with = |ignored| {
        let given = asked(|rule| rule.preflight_ignored = ignored).and(person(MIXER), receive.clone());
        given.and(person(MIXER), clip.clone())
    };
    let strict = with(false);
    let line = of(&strict, "PREFLIGHT");
    assert!(!line.met && line.text.contains("it clips. Turn the mix bus down"), "{}", line.text);
    strict.when(person(LABEL), strict.approve(11, Role::Label)).facts(&["APPROVED"]);
    let loose = with(true);
    assert_eq!(of(&loose, "PREFLIGHT").text, "Preflight blocks: 1; this gate passes over that.");
    loose.when(person(LABEL), loose.approve(11, Role::Label)).facts(&opened("APPROVED"));
    // Eased for the project while the label's approval waits: the gate opens by it.
    let waits = strict.approved(LABEL, 11, Role::Label);
    let eased = crate::PreflightSetting {
        code: "CLIPPED".to_owned(),
        kind: VersionKind::Mix,
        severity: Some(crate::Severity::Warn),
    };
    let ease = Command::SetPreflight { settings: vec![eased] };
    waits.when(person(MASTERER), ease).facts(&opened("PREFLIGHT_SET"));
}

#[test]
fn what_the_examination_blocks_blocks_the_gate() {
    let given = asked(|_| {}).and_unexamined(person(MIXER), &mix_2());
    let given = given.clone().and_unexamined(person(LABEL), &given.approve(11, Role::Label));
    let swapped = crate::Found {
        block: true,
        code: "ALT_SWAPPED".to_owned(),
        text: "instrumental and main have changed places.".to_owned(),
        alternate: Alternate::Instrumental,
    };
    let found = Examined { found: vec![swapped.clone()], ..Examined::default() };
    given.when(Actor::Worker, examine(11, found)).facts(&["VERSION_EXAMINED"]);
    let found = Examined { found: vec![crate::Found { block: false, ..swapped }], ..Examined::default() };
    given.when(Actor::Worker, examine(11, found)).facts(&opened("VERSION_EXAMINED"));
}

#[test]
fn untouched_notes_are_told_without_counting_internal_ones() {
    let given = asked(|_| {})
        .and(person(ARTIST), add_note(7, 10, false))
        .and(person(LABEL), add_note(8, 10, false))
        .and(person(MIXER), add_note(9, 10, true));
    let given = given.and_unexamined(person(MIXER), &mix_2());
    let outcome =
        |note, verdict| NoteOutcome { note: NoteId(note), verdict, text: String::new(), place: None };
    let notes =
        vec![outcome(7, Verdict::Untouched), outcome(8, Verdict::Changed), outcome(9, Verdict::Untouched)];
    let given = given.and(Actor::Worker, examine(11, Examined { notes, ..Examined::default() }));
    let line = of(&given, "UNTOUCHED_NOTES");
    assert_eq!((line.met, line.text.as_str()), (true, "1 of 2 open notes shows no change in Mix 2."));
    let accepted = given.clone().and(person(ARTIST), Command::AcceptNote { note: NoteId(7) });
    assert!(!has(&accepted, "UNTOUCHED_NOTES"));
    let done = Command::AddressNote { note: NoteId(7), version: VersionId(11) };
    let done = given.and(person(MIXER), done);
    assert_eq!(of(&done, "UNTOUCHED_NOTES").text, "1 of 1 note said to be done shows no change in Mix 2.");
}

#[test]
fn who_has_not_heard_it_cannot_approve_it() {
    let given = asked(|rule| rule.heard_percent = 95).and(person(LABEL), heard(60));
    let refusal = given.when(person(LABEL), given.approve(10, Role::Label)).0.unwrap_err();
    assert_eq!(refusal.reason, Reason::NotHeard);
    assert_eq!(refusal.text, "You have heard 60 % of Mix 1; the gate asks for 95 %.");
    // Somebody else's listening is not theirs, and a share is no share of another version.
    let others = given.clone().and(person(ARTIST), heard(100)).and(person(MIXER), mix_2());
    let of_2 = others.and(person(LABEL), heard(100));
    of_2.when(person(LABEL), of_2.approve(11, Role::Label)).refused(Reason::NotHeard);
    let given = given.and(person(LABEL), heard(95));
    given.when(person(LABEL), given.approve(10, Role::Label)).facts(&opened("APPROVED"));
    given.when(person(LABEL), heard(95)).refused(Reason::NothingToChange);
}

#[test]
fn no_tick_says_that_somebody_heard_what_they_have_not() {
    let both = |count| {
        set(move |rule| {
            rule.needs[0] = Need { any_of: Roles::from([Role::Artist, Role::Label]), count };
            rule.heard_percent = 95;
        })
    };
    let given = Given::mixed().and(person(OWNER), both(2));
    let line = of(&given, "HEARD");
    assert_eq!((line.met, line.waits_for), (false, vec![ARTIST, LABEL]));
    assert_eq!(line.text, "Nobody who would approve has heard 95 % of Mix 1 yet.");
    let given = given.and(person(LABEL), heard(95));
    let line = of(&given, "HEARD");
    assert_eq!((line.met, line.waits_for), (false, vec![ARTIST]));
    assert_eq!(line.text, "Not everybody who could approve has heard 95 % of Mix 1 yet.");
    // Who has signed is not who is missing.
    let given = given.approved(LABEL, 10, Role::Label);
    let line = of(&given, "HEARD");
    assert_eq!((line.met, line.text.starts_with("Nobody who would approve")), (false, true));
    let given = given.and(person(ARTIST), heard(100));
    let line = of(&given, "HEARD");
    assert_eq!((line.met, line.text.starts_with("Everybody who could still approve")), (true, true));
    given.when(person(ARTIST), given.approve(10, Role::Artist)).facts(&opened("APPROVED"));
    // All places are filled by people who have heard it.
    let open = given.approved(ARTIST, 10, Role::Artist);
    assert_eq!(open.stage(), Stage::Mastering);
}

#[test]
fn a_share_that_is_asked_later_holds_for_approvals_that_were_given() {
    let two = |percent| {
        set(move |rule| {
            rule.needs.push(Need { any_of: Roles::from([Role::Artist]), count: 1 });
            rule.heard_percent = percent;
        })
    };
    let given = Given::mixed().and(person(OWNER), two(0)).approved(LABEL, 10, Role::Label);
    let given = given.and(person(OWNER), two(80)).and(person(ARTIST), heard(100));
    let given = given.approved(ARTIST, 10, Role::Artist);
    let line = of(&given, "HEARD");
    assert_eq!((line.met, line.waits_for), (false, vec![LABEL]));
    given.when(person(LABEL), heard(79)).facts(&["VERSION_HEARD"]);
    given.when(person(LABEL), heard(80)).facts(&opened("VERSION_HEARD"));
}

fn spacing(items: &[(u128, u32)]) -> Command {
    let item = |(song, gap_ms): &(u128, u32)| SpacingItem::after(SongId(*song), *gap_ms);
    Command::SetSpacing { items: items.iter().map(item).collect() }
}

fn approve_spacing(id: u128, number: u32, role: Role) -> Command {
    Command::ApproveSpacing { approval: ApprovalId(id), number, role }
}

#[test]
fn the_newest_spacing_of_every_song_is_approved_by_who_holds_the_role_now() {
    let given =
        asked(|rule| rule.spacing_roles = Roles::from([Role::Artist])).approved(LABEL, 10, Role::Label);
    assert!(of(&given, "SPACING").text.starts_with("There is no spacing yet"));
    let given = given.and(person(MASTERER), spacing(&[(100, 0)]));
    assert_eq!(of(&given, "SPACING").waits_for, [ARTIST]);
    // Another role's approval, and one of a number that is gone, are none.
    given.when(person(LABEL), approve_spacing(1, 1, Role::Label)).facts(&["SPACING_APPROVED"]);
    given.when(person(ARTIST), approve_spacing(1, 1, Role::Artist)).facts(&opened("SPACING_APPROVED"));
    let add = Command::AddSong { song: SongId(101), title: "Ash".to_owned(), isrc: String::new() };
    let more = given.and(person(OWNER), add);
    more.when(person(ARTIST), approve_spacing(1, 1, Role::Artist)).facts(&["SPACING_APPROVED"]);
    assert_eq!(of(&more, "SPACING").text, "Spacing 1 does not name every song once: set a new one.");
    let more = more.and(person(MASTERER), spacing(&[(101, 0), (100, 2000)]));
    more.when(person(ARTIST), approve_spacing(2, 2, Role::Artist)).facts(&opened("SPACING_APPROVED"));
    assert_eq!(more.project.running_order, [SongId(101), SONG]);
}

#[test]
fn a_role_that_is_removed_while_its_spacing_approval_is_awaited_is_said() {
    let given = asked(|rule| {
        rule.spacing_roles = Roles::from([Role::Artist, Role::Label]);
    });
    let given = given.and(person(MASTERER), spacing(&[(100, 0)]));
    let given = given.and(person(ARTIST), approve_spacing(1, 1, Role::Artist));
    assert_eq!(of(&given, "SPACING").text, "Spacing 1 is not approved by the label.");
    // The artist's approval goes with the role, and does not come back with it.
    let roles = Roles::from([Role::Producer]);
    let gone = given.clone().and(person(OWNER), Command::ChangeRoles { person: ARTIST, roles });
    let text = of(&gone, "SPACING").text;
    assert!(text.contains("by the artist and the label") && text.contains("Nobody holds the role artist"));
    let roles = Roles::from([Role::Artist]);
    let back = gone.and(person(OWNER), Command::ChangeRoles { person: ARTIST, roles });
    assert!(of(&back, "SPACING").text.contains("by the artist and the label"));
    back.when(person(ARTIST), approve_spacing(2, 1, Role::Artist)).facts(&["SPACING_APPROVED"]);
    let gone = given.and(person(OWNER), Command::RemoveMember { person: ARTIST });
    assert!(of(&gone, "SPACING").text.contains("Nobody holds the role artist: add somebody"));
}

#[test]
fn who_set_the_spacing_counts_only_where_one_may_approve_ones_own() {
    let with = |own| {
        let given = asked(|rule| {
            rule.spacing_roles = Roles::from([Role::Artist]);
            rule.self_approval = own;
        });
        given.and(person(ARTIST), spacing(&[(100, 0)]))
    };
    let strict = with(None);
    strict.when(person(ARTIST), approve_spacing(1, 1, Role::Artist)).refused(Reason::SelfApproval);
    assert!(of(&strict, "SPACING").text.contains("The only artist set it"));
    let loose = with(Some(true)).and(person(ARTIST), approve_spacing(1, 1, Role::Artist));
    assert!(of(&loose, "SPACING").met);
    let back = loose.and(person(OWNER), set(|rule| rule.spacing_roles = Roles::from([Role::Artist])));
    assert!(!of(&back, "SPACING").met, "what only the gate allowed counts no more");
}

#[test]
fn a_gate_that_closes_lets_nothing_through_after_its_date() {
    let due = |due, closes| {
        set(move |rule| {
            rule.due = Some(Time(due));
            rule.closes_when_due = closes;
        })
    };
    // The story stands at 1000, a command comes at 2000.
    let closed = Given::mixed().and(person(OWNER), due(2000, true));
    assert!(of(&closed, "DEADLINE").met, "it is ahead still");
    let events = closed.when(person(LABEL), closed.approve(10, Role::Label)).facts(&["APPROVED"]);
    let mut late = closed.clone();
    late.project.apply_all(&events);
    let line = of(&late, "DEADLINE");
    assert!(!line.met && line.text.contains("nothing goes through until the manager moves the date"));
    assert_eq!(line.waits_for, [OWNER]);
    late.when(person(OWNER), due(3000, true)).facts(&opened("GATE_SET"));
    let ahead = Given::mixed().and(person(OWNER), due(2001, true));
    ahead.when(person(LABEL), ahead.approve(10, Role::Label)).facts(&opened("APPROVED"));
    let open = Given::mixed().and(person(OWNER), due(1500, false));
    open.when(person(LABEL), open.approve(10, Role::Label)).facts(&opened("APPROVED"));
}

#[test]
fn a_date_that_is_past_may_stay_but_not_be_given() {
    let due = |due, heard_percent| {
        set(move |rule| {
            rule.due = Some(Time(due));
            rule.heard_percent = heard_percent;
        })
    };
    let given = Given::mixed().and(person(OWNER), due(1500, 0));
    given.when(person(OWNER), due(1500, 95)).facts(&["GATE_SET"]);
    given.when(person(OWNER), due(1501, 0)).refused(Reason::RuleInvalid);
    given.when(person(OWNER), due(2001, 0)).facts(&["GATE_SET"]);
    // One that is only tried may have any date.
    let past = rule(|rule| {
        rule.due = Some(Time(1));
        rule.closes_when_due = true;
    });
    assert_eq!(sound(&past), Ok(()));
}

#[test]
fn a_date_that_came_is_recorded_once_and_by_the_house_alone() {
    let given = asked(|rule| rule.due = Some(Time(1500)));
    let pass = Command::PassDeadline { stage: Stage::Mixing };
    assert_eq!(given.project.deadlines_due(Time(1499)), []);
    assert_eq!(given.project.deadlines_due(Time(1500)), [Stage::Mixing]);
    given.when(person(OWNER), pass.clone()).refused(Reason::NotYourRole);
    let other = Command::PassDeadline { stage: Stage::Mastering };
    given.when(Actor::Worker, other).refused(Reason::NothingToChange);
    let early = decide(&given.project, &Actor::Worker, &pass, Time(1499));
    assert_eq!(early.map_err(|no: Refusal| no.reason), Err(Reason::NothingToChange));
    let events = given.when(Actor::Worker, pass.clone()).facts(&["DEADLINE_PASSED"]);
    let mut after = given.clone();
    after.project.apply_all(&events);
    assert_eq!(after.project.deadlines_due(Time(9000)), []);
    after.when(Actor::Worker, pass).refused(Reason::NothingToChange);
}

#[test]
fn rules_of_no_shape_are_refused() {
    let given = Given::mixed();
    let refused = |change: &dyn Fn(&mut GateRule)| {
        let refusal = given.when(person(OWNER), set(change)).0.expect_err("it must be refused");
        assert_eq!(refusal.reason, Reason::RuleInvalid);
        assert!(!refusal.hint.is_empty(), "{refusal}");
    };
    refused(&|rule| rule.heard_percent = 101);
    refused(&|rule| rule.closes_when_due = true);
    refused(&|rule| rule.due = Some(Time(2000)));
    refused(&|rule| rule.due = Some(Time(-1)));
    refused(&|rule| rule.spacing_roles = Roles::from([Role::MixEngineer]));
    refused(&|rule| rule.spacing_roles = Roles::from([Role::Listener, Role::Artist]));
    for below_db in [0.0, 3.0, f64::NAN, f64::NEG_INFINITY, f64::INFINITY] {
        refused(&|rule| rule.carry = Carry::Residual { below_db });
    }
    refused(&|rule| {
        rule.stage = Stage::Mastering;
        rule.carry = Carry::Metadata;
    });
    // 64 alternates and the main are one file more than a version can hold.
    refused(&|rule| rule.required_alternates = (1..=64).map(Alternate::Stem).collect());
    given
        .when(person(OWNER), set(|rule| rule.required_alternates = (1..=63).map(Alternate::Stem).collect()))
        .facts(&["GATE_SET"]);
}

#[test]
fn what_the_present_members_can_never_meet_is_said_and_saved() {
    let given = Given::mixed();
    let said = |given: &Given, change: &dyn Fn(&mut GateRule)| impossible(&given.project, &rule(change));
    assert_eq!(said(&given, &|_| {}), [""; 0]);
    let no_label = given.clone().and(person(OWNER), Command::RemoveMember { person: LABEL });
    assert!(said(&no_label, &|_| {})[0].starts_with("Nobody holds the role label: add a member"));
    no_label.when(person(OWNER), set(|_| {})).facts(&["GATE_SET"]);
    let two = |rule: &mut GateRule| rule.needs[0].count = 2;
    let text = "It asks for 2 approvals, one of each person, and the members can give 1: add members, ask for fewer, or allow self-approval.";
    assert_eq!(said(&given, &two), [text]);
    // Two roles of one person are two signatures only where that is allowed.
    let roles = Roles::from([Role::Artist, Role::Label]);
    let both = given.clone().and(person(OWNER), Command::RemoveMember { person: LABEL });
    let both = both.and(person(OWNER), Command::ChangeRoles { person: ARTIST, roles });
    let needs = |rule: &mut GateRule| {
        rule.needs.push(Need { any_of: Roles::from([Role::Artist]), count: 1 });
    };
    assert_eq!(said(&both, &needs).len(), 1);
    let own = |rule: &mut GateRule| {
        needs(rule);
        rule.self_approval = Some(true);
    };
    assert_eq!(said(&both, &own), [""; 0]);
    // Whoever mixes is also the only one who could sign.
    let mixer = Command::ChangeRoles { person: LABEL, roles: Roles::from([Role::MixEngineer, Role::Label]) };
    let alone =
        given.clone().and(person(OWNER), mixer).and(person(OWNER), Command::RemoveMember { person: MIXER });
    assert!(said(&alone, &|_| {})[0].starts_with("Whoever adds the mix may not approve it"));
    let nobody = given.clone().and(person(OWNER), Command::RemoveMember { person: MIXER });
    assert!(said(&nobody, &|_| {})[0].starts_with("Nobody here may add a mix"));
    let producer = |rule: &mut GateRule| rule.spacing_roles = Roles::from([Role::Producer]);
    assert!(said(&given, &producer)[0].contains("which has to approve the spacing"));
    let closed = |rule: &mut GateRule| {
        rule.due = Some(Time(500));
        rule.closes_when_due = true;
    };
    assert!(said(&given, &closed)[0].contains("move the date"));
}

#[test]
fn a_rule_is_tried_without_being_set() {
    let given = Given::mixed().approved(LABEL, 10, Role::Label);
    let before = given.project.clone();
    let label_alone = try_rule(&given.project, SONG, Some(&rule(|_| {}))).unwrap();
    assert!(label_alone.met);
    let strict = rule(|rule| {
        rule.heard_percent = 95;
        rule.self_approval = Some(true);
    });
    let report = try_rule(&given.project, SONG, Some(&strict)).unwrap();
    assert_eq!(
        (report.met, report.lines.iter().any(|line| line.code == "HEARD" && !line.met)),
        (false, true)
    );
    // Of another stage than the song's: what that gate would say.
    let mastering = GateRule { stage: Stage::Mastering, ..rule(|_| {}) };
    let report = try_rule(&given.project, SONG, Some(&mastering)).unwrap();
    assert_eq!((report.stage, report.candidate), (Stage::Mastering, None));
    assert_eq!(try_rule(&given.project, SONG, None), super::report(&given.project, SONG));
    assert_eq!(try_rule(&given.project, SongId(9), None), None);
    assert_eq!(given.project, before);
}

fn over(reason: &str) -> Command {
    Command::OverrideGate { song: SONG, version: None, reason: reason.to_owned() }
}

#[test]
fn a_manager_overrides_a_gate_with_a_reason_and_it_is_written_what_was_missing() {
    let given = Given::mixed();
    given.when(person(LABEL), over("The tour.")).refused(Reason::NotYourRole);
    given.when(person(OWNER), over(" \n ")).refused(Reason::TextEmpty);
    let other = Command::OverrideGate { song: SONG, version: Some(VersionId(1)), reason: "Now.".to_owned() };
    given.when(person(OWNER), other).refused(Reason::VersionSuperseded);
    let facts: Vec<_> = opened("GATE_OVERRIDDEN");
    let events = given.when(person(OWNER), over("The tour.")).facts(&facts);
    let Fact::GateOverridden { unmet, version, .. } = &events[0].fact else { panic!("no override") };
    assert_eq!(unmet, &["Artist: 0 of 1 approval.", "Label: 0 of 1 approval."]);
    assert_eq!((events[0].by, events[1].by, *version), (Some(OWNER), None, VersionId(10)));
    let said = crate::sentence(&given.project, &events[0], &|_| "Olive".to_owned());
    assert!(said.text.contains("OVERRODE") && said.text.contains("Label: 0 of 1 approval."), "{}", said.text);
    assert!(said.text.contains("The tour."), "whoever opens a gate answers for it in public");
    let after = given.and(person(OWNER), over("The tour."));
    assert_eq!(after.stage(), Stage::Mastering);
    assert!(after.project.override_of(SONG, VersionId(10)).is_some());
    // There is no master yet: nothing that could go on.
    after.when(person(OWNER), over("Again.")).refused(Reason::WrongStage);
    Given::delivered().when(person(OWNER), over("Again.")).refused(Reason::WrongStage);
}

#[test]
fn a_hold_stays_on_a_song_whose_gate_was_overridden() {
    let hold = Command::Hold {
        approval: ApprovalId(5),
        song: SONG,
        role: Role::Label,
        reason: "Wrong lyrics.".to_owned(),
    };
    let given = Given::mixed().and(person(LABEL), hold).and(person(OWNER), over("The tour."));
    let render = given.project.queued_renders()[0].id;
    let given = given.and(Actor::Worker, lease(render)).and(Actor::Worker, complete(render, 1, 20, 50));
    assert!(!of(&given, "ON_HOLD").met);
    given.when(person(LABEL), given.approve(20, Role::Label)).refused(Reason::OnHold);
    // The manager may pass this one too; a delivery is made of it, and the override says so.
    let given = given.and(person(OWNER), over("The tour."));
    assert_eq!(given.stage(), Stage::Delivered);
    let deliver =
        Command::MakeDelivery { delivery: crate::DeliveryId(1), song: SONG, manifest_json: "{}".to_owned() };
    given.when(person(OWNER), deliver).facts(&["DELIVERY_MADE"]);
    let told = given.project.override_of(SONG, VersionId(20)).expect("the gate of mastering was overridden");
    assert_eq!((told.stage, told.by), (Stage::Mastering, Some(OWNER)));
}

#[test]
fn while_mixes_compete_nothing_is_the_candidate() {
    let second = PersonId(8);
    let add = Command::AddMember { person: second, roles: Roles::from([Role::MixEngineer]) };
    let open = Command::OpenShootout {
        shootout: crate::ShootoutId(1),
        song: SONG,
        entrants: vec![MIXER, second],
        blind: true,
    };
    let given = Given::mixed().approved(LABEL, 10, Role::Label).and(person(OWNER), add);
    let given = given.and(person(OWNER), open);
    let line = of(&given, "SHOOTOUT");
    assert_eq!(line.text, "Mixes of A, B compete; the label has to pick.");
    assert_eq!((line.met, line.waits_for), (false, vec![LABEL]));
    given.when(person(OWNER), over("The tour.")).refused(Reason::ShootoutOpen);
    let alone = given.clone().and(person(OWNER), Command::RemoveMember { person: LABEL });
    let line = of(&alone, "SHOOTOUT");
    assert_eq!(line.text, "Mixes of A, B compete; the artist or manager has to pick.");
    assert_eq!(line.waits_for, [OWNER, ARTIST]);
    // A mix of a line is none either, until it is picked.
    let given = given.and(person(MIXER), mix_2());
    assert!(!has(&given, "CANDIDATE"));
}
