//! "May I?" for the rows of a view: for each thing, the actions that could be meant, tried dry by the very rules that decide. Never a
//! second opinion: each answer is [`check`] of a plausible command. Names are the fields of `Action` in `project.proto`.

use crate::{
    Actor, Approval, ApprovalId, Command, DeliveryId, Digest, Fact, File, FollowLevel, Need, Note, NoteId,
    PersonId, Project, Reason, Recipe, Refusal, Render, RenderId, RequestId, RevisionKind, Role, Roles,
    ShootoutId, Song, SongId, Span, Stage, Version, VersionId, VersionKind, WebhookId, audience, check,
    decide, gate, handoff, revision,
};

/// Where yes: what follows from it, if that is worth knowing before; else empty.
pub type Answer = (&'static str, Result<String, Refusal>);

/// Nothing that would have to be known before.
fn plain(answers: Vec<(&'static str, Result<(), Refusal>)>) -> Vec<Answer> {
    answers.into_iter().map(|(action, answer)| (action, answer.map(|()| String::new()))).collect()
}

/// Ids for commands that are never done. Random ids of real things do not meet them.
const NEW: u128 = u128::MAX;
/// Stands for a text that is still to be written.
const SOME: &str = "...";

pub fn project_actions(project: &Project, actor: &Actor) -> Vec<Answer> {
    let ask = |command| check(project, actor, &command);
    let newcomer = PersonId(NEW);
    plain(vec![
        (
            "change_terms",
            ask(Command::ChangeTerms {
                rounds_included: None,
                self_approval: Some(!project.terms.self_approval),
                corrections_free: None,
                cut_off: None,
            }),
        ),
        ("add_member", ask(Command::AddMember { person: newcomer, roles: Roles::from([Role::Artist]) })),
        (
            "add_song",
            ask(Command::AddSong { song: SongId(NEW), title: SOME.to_owned(), isrc: String::new() }),
        ),
        ("set_gate", set_gate(project, actor)),
        ("follow", follow(project, actor, None)),
        (
            "set_webhook",
            ask(Command::SetWebhook {
                webhook: WebhookId(NEW),
                url: "https://example.org/".to_owned(),
                codes: Vec::new(),
            }),
        ),
        ("remove_webhook", remove_webhook(project, actor)),
        ("set_preflight", set_preflight(project, actor)),
        ("set_spacing", set_spacing(project, actor)),
        ("approve_spacing", approve_spacing(project, actor)),
    ])
}

/// Another level than the one that is.
fn follow(project: &Project, actor: &Actor, song: Option<SongId>) -> Result<(), Refusal> {
    let now = match actor {
        Actor::Person { id, .. } => project.follow_level(*id, song),
        Actor::Worker => FollowLevel::Waiting,
    };
    let level = if now == FollowLevel::Muted { FollowLevel::All } else { FollowLevel::Muted };
    check(project, actor, &Command::Follow { song, level })
}

/// Any that is there.
fn remove_webhook(project: &Project, actor: &Actor) -> Result<(), Refusal> {
    let webhook = project.webhooks.keys().next().unwrap_or(WebhookId(NEW));
    check(project, actor, &Command::RemoveWebhook { webhook })
}

/// One check that is set otherwise than it is now.
fn set_preflight(project: &Project, actor: &Actor) -> Result<(), Refusal> {
    let (code, kind) = ("UNCHANGED".to_owned(), VersionKind::Mix);
    let now = project.preflight.get(&(code.clone(), kind));
    let severity = if now.is_some() { None } else { Some(crate::Severity::Off) };
    let settings = vec![crate::PreflightSetting { code, kind, severity }];
    check(project, actor, &Command::SetPreflight { settings })
}

/// The songs as they stand now, with gaps that differ from those that are set.
fn set_spacing(project: &Project, actor: &Actor) -> Result<(), Refusal> {
    let newest = project.spacings.last();
    let item = |(at, song): (usize, &SongId)| {
        let known = newest.and_then(|newest| newest.items.iter().find(|item| item.song == *song));
        let gap_ms = known.map_or(0, |item| item.gap_ms);
        crate::SpacingItem::after(*song, if at == 0 { 0 } else { u32::from(gap_ms == 0) })
    };
    let items = project.running_order.iter().enumerate().map(item).collect();
    match check(project, actor, &Command::SetSpacing { items }) {
        // The gap of one song cannot differ; that there is nothing to change is no lack of leave.
        Err(refusal) if refusal.reason == Reason::NothingToChange => Ok(()),
        other => other,
    }
}

fn approve_spacing(project: &Project, actor: &Actor) -> Result<(), Refusal> {
    let number = project.spacings.last().map_or(0, |newest| newest.number);
    let approval = ApprovalId(NEW);
    in_some_role(project, actor, |role| Command::ApproveSpacing { approval, number, role })
}

/// A gate that differs in one thing from the one that is.
fn set_gate(project: &Project, actor: &Actor) -> Result<(), Refusal> {
    let Some(mut rule) = gate::default_rule(crate::Stage::Mixing) else { return Ok(()) };
    if project.gate(rule.stage).as_ref() == Some(&rule) {
        rule.needs = vec![Need { any_of: Roles::from([Role::Artist]), count: 1 }];
    }
    check(project, actor, &Command::SetGate { rule })
}

pub fn member_actions(project: &Project, actor: &Actor, person: PersonId) -> Vec<Answer> {
    let ask = |command| check(project, actor, &command);
    // One role more, or one role less than all: never what it is now, and a manager stays one.
    let held = project.roles_of(person).cloned().unwrap_or_default();
    let mut roles = held.clone();
    if !roles.insert(Role::Producer) {
        roles.insert(Role::Artist);
    }
    if roles == held {
        roles.remove(&Role::Artist);
    }
    plain(vec![
        ("change_roles", ask(Command::ChangeRoles { person, roles })),
        ("remove_member", ask(Command::RemoveMember { person })),
    ])
}

pub fn song_actions(project: &Project, actor: &Actor, song: SongId) -> Vec<Answer> {
    let Some(of) = project.songs.get(song) else { return Vec::new() };
    let ask = |command| check(project, actor, &command);
    let retitled = format!("{SOME}{}", of.title.chars().take(16).collect::<String>());
    let recipe = Recipe { toml: String::new(), hash: Digest([0; 32]) };
    let reason = || SOME.to_owned();
    let mut answers = vec![
        ("edit_song", ask(Command::EditSong { song, title: Some(retitled), isrc: None })),
        ("add_version", add_version(project, actor, of)),
        (
            "hold",
            in_some_role(project, actor, |role| Command::Hold {
                approval: ApprovalId(NEW),
                song,
                role,
                reason: reason(),
            }),
        ),
    ];
    if let Some(hold) = own_hold(project, actor, song) {
        answers.push(("lift_hold", ask(Command::LiftHold { approval: hold.id })));
    }
    answers.extend([
        ("open_shootout", open_shootout(project, actor, song)),
        ("cast_vote", cast_vote(project, actor, song)),
        ("follow", follow(project, actor, Some(song))),
        ("accept_handoff", ask(Command::AcceptHandoff { song })),
        ("return_handoff", ask(Command::ReturnHandoff { song, reason: reason(), items: Vec::new() })),
        ("set_recipe", ask(Command::SetRecipe { song: Some(song), recipe: Some(recipe), why: reason() })),
        ("start_render", ask(Command::StartRender { render: RenderId(NEW), song, recipe: None })),
        (
            "make_delivery",
            ask(Command::MakeDelivery { delivery: DeliveryId(NEW), song, manifest_json: String::new() }),
        ),
        ("override_gate", ask(Command::OverrideGate { song, version: None, reason: reason() })),
    ]);
    let mut answers = plain(answers);
    told(&mut answers, "return_handoff", || handoff::return_cost(project, song));
    let swap = ask(Command::SwapMix { song, reason: reason() });
    answers.push(("swap_mix", swap.map(|()| handoff::swap_cost(project, song))));
    answers
}

/// Where the answer is yes: what follows.
fn told(answers: &mut [Answer], action: &str, what: impl Fn() -> String) {
    for (_, answer) in answers.iter_mut().filter(|(named, _)| *named == action) {
        if let Ok(then) = answer {
            *then = what();
        }
    }
}

/// Between the mix engineers that are there.
fn open_shootout(project: &Project, actor: &Actor, song: SongId) -> Result<(), Refusal> {
    let entrants = project.holders(Role::MixEngineer).take(crate::limits::SHOOTOUT_ENTRANTS_MAX).collect();
    check(project, actor, &Command::OpenShootout { shootout: ShootoutId(NEW), song, entrants, blind: true })
}

/// For the mixes that the asker may compare.
fn cast_vote(project: &Project, actor: &Actor, song: SongId) -> Result<(), Refusal> {
    let newest = project.shootout(song).map(|open| project.newest_of_lines(open)).unwrap_or_default();
    let ranking: Vec<VersionId> =
        newest.into_iter().filter(|mix| sees(project, actor, mix)).map(|mix| mix.id).collect();
    in_some_role(project, actor, |role| Command::CastVote {
        song,
        role,
        ranking: ranking.clone(),
        blind: true,
        matched_lufs: 0.0,
        reason: String::new(),
    })
}

fn sees(project: &Project, actor: &Actor, version: &Version) -> bool {
    match actor {
        Actor::Person { id, .. } => audience::sees_version(project, *id, version),
        Actor::Worker => true,
    }
}

/// Files are chosen later, so the answer stops at the question for files: whoever gets there may add a version.
fn add_version(project: &Project, actor: &Actor, song: &Song) -> Result<(), Refusal> {
    let command = Command::AddVersion {
        version: VersionId(NEW),
        song: song.id,
        kind: song.stage.kind().unwrap_or(VersionKind::Master),
        title: String::new(),
        changelog: String::new(),
        files: Vec::new(),
    };
    match check(project, actor, &command) {
        Err(refusal) if refusal.reason == Reason::MainMissing => Ok(()),
        other => other,
    }
}

fn own_hold<'a>(project: &'a Project, actor: &Actor, song: SongId) -> Option<&'a Approval> {
    let Actor::Person { id, .. } = actor else { return None };
    let ids = &project.songs.get(song)?.approvals;
    let mut all = ids.iter().rev().filter_map(|id| project.approvals.get(*id));
    all.find(|approval| approval.is_hold() && approval.ended.is_none() && approval.person == *id)
}

pub fn version_actions(project: &Project, actor: &Actor, version: VersionId) -> Vec<Answer> {
    let Some(of) = project.versions.get(version) else { return Vec::new() };
    let mut answers = vec![
        ("add_note", add_note(project, actor, of).map(|()| String::new())),
        ("request_revision", request_revision(project, actor, of)),
        ("approve", approve(project, actor, of)),
        ("put_forward", put_forward(project, actor, of)),
        ("pick_mix", pick_mix(project, actor, of).map(|()| String::new())),
        ("set_sections", set_sections(project, actor, of).map(|()| String::new())),
    ];
    if let Some(approval) = own_approval(project, actor, of) {
        let command = Command::WithdrawApproval { approval: approval.id };
        answers.push(("withdraw_approval", check(project, actor, &command).map(|()| String::new())));
    }
    answers
}

/// A first section with another name than it has.
fn set_sections(project: &Project, actor: &Actor, version: &Version) -> Result<(), Refusal> {
    let named = |name: &str| vec![crate::Section { start_ms: 0, name: name.to_owned() }];
    let now = project.sections.get(version.id);
    let sections = named(if now.is_some_and(|own| *own == named(SOME)) { "-" } else { SOME });
    check(project, actor, &Command::SetSections { version: version.id, sections })
}

/// Where the approval is the last thing missing, what it sets going.
fn approve(project: &Project, actor: &Actor, version: &Version) -> Result<String, Refusal> {
    let command = |role| Command::Approve {
        approval: ApprovalId(NEW),
        version: version.id,
        role,
        fingerprint: version.fingerprint,
    };
    let role = best_role(project, actor, command)?;
    Ok(gate_met_by(project, actor, &command(role)))
}

/// "This meets the gate of mixing: the mix is handed over and its render is queued."
fn gate_met_by(project: &Project, actor: &Actor, command: &Command) -> String {
    let events = decide(project, actor, command, project.as_of).unwrap_or_default();
    let left = events.iter().find_map(|event| match event.fact {
        Fact::StageLeft { from, .. } => Some(from),
        _ => None,
    });
    let Some(stage) = left else { return String::new() };
    let then = match stage {
        Stage::Recording => "the song goes to mixing",
        Stage::Mixing => "the mix is handed over and its render is queued",
        Stage::Mastering | Stage::Delivered => "the song is ready for delivery",
    };
    format!("This meets the gate of {stage}: {then}.")
}

/// Approvals that it was given may count again, and meet its gate.
fn put_forward(project: &Project, actor: &Actor, version: &Version) -> Result<String, Refusal> {
    let command = Command::PutForward { version: version.id, reason: SOME.to_owned() };
    check(project, actor, &command).map(|()| gate_met_by(project, actor, &command))
}

fn pick_mix(project: &Project, actor: &Actor, version: &Version) -> Result<(), Refusal> {
    in_some_role(project, actor, |role| Command::PickMix {
        song: version.song,
        version: version.id,
        role,
        fingerprint: version.fingerprint,
        reason: String::new(),
    })
}

fn add_note(project: &Project, actor: &Actor, version: &Version) -> Result<(), Refusal> {
    let command = Command::AddNote {
        note: NoteId(NEW),
        version: version.id,
        alternate: None,
        parent: None,
        span: None,
        text: SOME.to_owned(),
        internal: false,
        addressee: None,
        checklist: Vec::new(),
    };
    check(project, actor, &command)
}

/// With the notes that would go into it: all that are open and for everyone. Where yes, which round a change would be, before it is sent; what a correction
/// counts is in it where that differs.
fn request_revision(project: &Project, actor: &Actor, version: &Version) -> Result<String, Refusal> {
    let open = project.open_notes(version.song).filter(|note| !note.internal);
    let notes: Vec<_> = open.map(|note| note.id).take(crate::limits::NOTES_PER_REQUEST_MAX).collect();
    in_some_role(project, actor, |role| Command::RequestRevision {
        request: RequestId(NEW),
        version: version.id,
        role,
        message: String::new(),
        notes: notes.clone(),
        kind: RevisionKind::Change,
        beyond_terms: true,
    })?;
    let standing = |kind| revision::standing(project, version, kind, project.as_of);
    let change = standing(RevisionKind::Change).sentence;
    let free = standing(RevisionKind::Correction).free;
    Ok(if free { format!("{change} A correction is free.") } else { change })
}

fn own_approval<'a>(project: &'a Project, actor: &Actor, version: &Version) -> Option<&'a Approval> {
    let Actor::Person { id, .. } = actor else { return None };
    let of = |approval: &Approval| match approval.says {
        crate::Says::Yes { version: signed, .. } => {
            let carried = approval.carried.iter().any(|carried| carried.to == version.id);
            (signed == version.id || carried) && approval.ended.is_none()
        }
        crate::Says::Hold { .. } => false,
    };
    let ids = &project.songs.get(version.song)?.approvals;
    let mut all = ids.iter().rev().filter_map(|id| project.approvals.get(*id));
    all.find(|approval| approval.person == *id && of(approval))
}

pub fn note_actions(project: &Project, actor: &Actor, note: NoteId) -> Vec<Answer> {
    let Some(of) = project.notes.get(note) else { return Vec::new() };
    if of.parent.is_some() {
        return Vec::new();
    }
    let ask = |command| check(project, actor, &command);
    let reason = || SOME.to_owned();
    let mut answers = vec![
        ("address_note", address(project, actor, of)),
        ("move_note", move_note(project, actor, of)),
        ("accept_note", ask(Command::AcceptNote { note })),
        ("reopen_note", ask(Command::ReopenNote { note, reason: reason() })),
        ("decline_note", ask(Command::DeclineNote { note, reason: reason() })),
    ];
    if let Some(first) = of.checklist.first() {
        answers.push(("tick_checklist", ask(Command::TickChecklist { note, item: 0, done: !first.done })));
    }
    plain(answers)
}

fn address(project: &Project, actor: &Actor, note: &Note) -> Result<(), Refusal> {
    check(project, actor, &Command::AddressNote { note: note.id, version: newest_for(project, actor, note) })
}

/// To the beginning of the newest version, or a little after it where it stands there already.
fn move_note(project: &Project, actor: &Actor, note: &Note) -> Result<(), Refusal> {
    let version = newest_for(project, actor, note);
    let at = |start_ms| Span { start_ms, end_ms: None };
    let span = if note.span_in(version) == Some(at(0)) { at(1) } else { at(0) };
    check(project, actor, &Command::MoveNote { note: note.id, version, span })
}

/// The newest version that the note may be answered in: while mixes compete, of its own line.
fn newest_for(project: &Project, actor: &Actor, note: &Note) -> VersionId {
    let line = project.versions.get(note.version).and_then(|version| version.line);
    let fits = |version: &&Version| {
        sees(project, actor, version) && (version.line == line || project.competes_in(version).is_none())
    };
    project.versions_of(note.song).rev().find(fits).map_or(note.version, |version| version.id)
}

pub fn record_actions(project: &Project, actor: &Actor, record: &crate::Record) -> Vec<Answer> {
    let ask = |command| check(project, actor, &command);
    let fingerprint = record.fingerprint.unwrap_or(crate::Digest([0; 32]));
    let approve =
        |role| Command::ApproveRecord { approval: ApprovalId(NEW), record: record.id, role, fingerprint };
    plain(vec![
        ("cancel_record", ask(Command::CancelRecord { record: record.id })),
        ("approve_record", in_some_role(project, actor, approve)),
        ("deliver_record", ask(Command::DeliverRecord { record: record.id, manifest_json: String::new() })),
    ])
}

pub fn render_actions(project: &Project, actor: &Actor, render: RenderId) -> Vec<Answer> {
    let Some(Render { id, .. }) = project.renders.get(render) else { return Vec::new() };
    plain(vec![("cancel_render", check(project, actor, &Command::CancelRender { render: *id }))])
}

/// The best answer over the roles that the person holds: a yes, else the refusal that comes nearest to one.
fn in_some_role(project: &Project, actor: &Actor, command: impl Fn(Role) -> Command) -> Result<(), Refusal> {
    best_role(project, actor, command).map(|_| ())
}

/// The first role in which the person may do it, for a prompt that has to name one.
pub fn best_role(
    project: &Project,
    actor: &Actor,
    command: impl Fn(Role) -> Command,
) -> Result<Role, Refusal> {
    let held = match actor {
        Actor::Person { id, .. } => project.roles_of(*id).cloned().unwrap_or_default(),
        Actor::Worker => Roles::new(),
    };
    let mut best: Option<Refusal> = None;
    for role in held {
        match check(project, actor, &command(role)) {
            Ok(()) => return Ok(role),
            Err(refusal) => {
                let vague = |refusal: &Refusal| {
                    matches!(refusal.reason, Reason::NotAskedByGate | Reason::NotYourRole)
                };
                if best.as_ref().is_none_or(|best| vague(best) && !vague(&refusal)) {
                    best = Some(refusal);
                }
            }
        }
    }
    match best {
        Some(refusal) => Err(refusal),
        // Nobody's role: the rule itself says why not.
        None => check(project, actor, &command(Role::Listener)).map(|()| Role::Listener),
    }
}

/// The roles in which this person's approval of the version would be taken, and would be asked.
pub fn roles_to_approve(project: &Project, actor: &Actor, version: &Version) -> Vec<Role> {
    let approve = |role: Role| Command::Approve {
        approval: ApprovalId(NEW),
        version: version.id,
        role,
        fingerprint: version.fingerprint,
    };
    Role::ALL.iter().copied().filter(|role| check(project, actor, &approve(*role)).is_ok()).collect()
}

/// The file of a version that a digest names: what a download asks.
pub fn file_of<'a>(version: &'a Version, digest: &Digest) -> Option<&'a File> {
    version.files.iter().find(|file| file.digest == *digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{add_note, add_version, *};

    fn yes(answers: &[Answer]) -> Vec<&'static str> {
        answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(action, _)| *action).collect()
    }

    #[test]
    fn each_person_may_do_what_their_role_does() {
        let project = Given::mixed().project;
        let on_song = |who| yes(&song_actions(&project, &person(who), SONG));
        assert_eq!(on_song(ARTIST), ["edit_song", "hold", "follow"]);
        assert_eq!(on_song(MIXER), ["add_version", "follow"]);
        assert_eq!(on_song(LISTENER), ["follow"]);
        let on_mix = |who| yes(&version_actions(&project, &person(who), VersionId(10)));
        assert_eq!(on_mix(LABEL), ["add_note", "approve", "set_sections"]);
        assert_eq!(on_mix(MIXER), ["add_note", "set_sections"]);
        assert_eq!(on_mix(LISTENER), [""; 0]);
    }

    #[test]
    fn of_several_roles_the_best_answer_is_told() {
        let roles = Roles::from([Role::MixEngineer, Role::Label]);
        let given = Given::mixed().and(person(OWNER), Command::ChangeRoles { person: MIXER, roles });
        let answers = version_actions(&given.project, &person(MIXER), VersionId(10));
        let approve = answers.iter().find(|(action, _)| *action == "approve").unwrap();
        assert_eq!(approve.1.as_ref().unwrap_err().reason, Reason::SelfApproval);
    }

    #[test]
    fn a_manager_may_change_whatever_a_member_holds_now() {
        for held in [&[Role::Artist][..], &[Role::Producer], &[Role::Artist, Role::Producer], Role::ALL] {
            let roles: Roles = held.iter().copied().collect();
            let add = Command::AddMember { person: STRANGER, roles };
            let given = Given::studio().and(person(OWNER), add);
            let answers = member_actions(&given.project, &person(OWNER), STRANGER);
            assert_eq!(yes(&answers), ["change_roles", "remove_member"], "{held:?}");
        }
    }

    fn text(answers: &[Answer], action: &str) -> Result<String, Reason> {
        let answer = answers.iter().find(|(named, _)| *named == action).expect("it is answered");
        answer.1.clone().map_err(|refusal| refusal.reason)
    }

    #[test]
    fn what_follows_is_told_before_it_is_done() {
        let of_mix = |given: &Given, who, action| {
            text(&version_actions(&given.project, &person(who), VersionId(10)), action)
        };
        let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false));
        let told = "This is round 1 of 2 included. A correction is free.";
        assert_eq!(of_mix(&given, ARTIST, "request_revision"), Ok(told.to_owned()));
        let none = Command::ChangeTerms {
            rounds_included: Some(0),
            self_approval: None,
            corrections_free: Some(0),
            cut_off: None,
        };
        let given = given.and(person(OWNER), none);
        let told = "This is round 1 of 0 included: it is billed.";
        assert_eq!(of_mix(&given, ARTIST, "request_revision"), Ok(told.to_owned()));
        assert_eq!(of_mix(&given, ARTIST, "approve"), Ok(String::new()));
        let given = Given::mixed().approved(ARTIST, 10, Role::Artist);
        let told = "This meets the gate of mixing: the mix is handed over and its render is queued.";
        assert_eq!(of_mix(&given, LABEL, "approve"), Ok(told.to_owned()));
        let mastering = Given::mastering().project;
        let swap = |who| text(&song_actions(&mastering, &person(who), SONG), "swap_mix");
        assert!(swap(LABEL).is_ok_and(|told| told.starts_with("Swapping the mix ends 1 render")));
        assert_eq!(swap(ARTIST), Err(Reason::NotYourRole));
        let back = text(&song_actions(&mastering, &person(MASTERER), SONG), "return_handoff");
        assert!(back.is_ok_and(|told| told.starts_with("Returning the handoff ends 1 render")));
    }

    #[test]
    fn in_a_shootout_everyone_is_offered_their_part() {
        let second = PersonId(8);
        let add = Command::AddMember { person: second, roles: Roles::from([Role::MixEngineer]) };
        let one = Given::mixed();
        let on_song =
            |given: &Given, who, action| text(&song_actions(&given.project, &person(who), SONG), action);
        assert_eq!(on_song(&one, OWNER, "open_shootout"), Err(Reason::RuleInvalid));
        let two = one.and(person(OWNER), add);
        assert!(on_song(&two, OWNER, "open_shootout").is_ok());
        assert_eq!(on_song(&two, LABEL, "cast_vote"), Err(Reason::NoShootout));
        let entrants = vec![MIXER, second];
        let open = Command::OpenShootout { shootout: ShootoutId(1), song: SONG, entrants, blind: true };
        let mix = |id, file| add_version(id, VersionKind::Mix, &[(crate::Alternate::Main, file)]);
        let open =
            two.and(person(OWNER), open).and(person(MIXER), mix(11, 3)).and(person(second), mix(12, 4));
        assert!(on_song(&open, ARTIST, "cast_vote").is_ok());
        assert_eq!(on_song(&open, MIXER, "cast_vote"), Err(Reason::NotYourRole));
        assert!(on_song(&open, second, "add_version").is_ok());
        let pick = |who| text(&version_actions(&open.project, &person(who), VersionId(11)), "pick_mix");
        assert!(pick(LABEL).is_ok());
        assert_eq!(pick(ARTIST), Err(Reason::NotYourRole));
    }

    #[test]
    fn what_belongs_to_the_record_is_offered_to_its_roles() {
        let told = |given: &Given, who| {
            yes(&project_actions(&given.project, &person(who)))
                .into_iter()
                .filter(|action| *action != "follow")
                .collect::<Vec<_>>()
        };
        let given = Given::mixed();
        assert_eq!(told(&given, MASTERER), ["set_preflight", "set_spacing"]);
        assert_eq!(told(&given, LABEL), [""; 0]);
        let items = vec![crate::SpacingItem::after(SONG, 0)];
        let set = given.and(person(MASTERER), Command::SetSpacing { items });
        assert_eq!(told(&set, LABEL), ["approve_spacing"]);
        let setting = crate::PreflightSetting {
            code: "UNCHANGED".to_owned(),
            kind: VersionKind::Mix,
            severity: Some(crate::Severity::Off),
        };
        let off = set.and(person(MASTERER), Command::SetPreflight { settings: vec![setting] });
        assert_eq!(told(&off, MASTERER), ["set_preflight", "set_spacing"]);
        let on_song = |who| yes(&song_actions(&off.project, &person(who), SONG));
        assert!(on_song(OWNER).contains(&"override_gate") && !on_song(LABEL).contains(&"override_gate"));
    }
}
