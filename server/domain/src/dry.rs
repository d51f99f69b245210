//! "May I?" for the rows of a view: for each thing, the actions that could be meant, tried dry by the very rules that decide. Never a
//! second opinion: each answer is [`check`] of a plausible command. Names are the fields of `Action` in `project.proto`.

use crate::{
    Actor, Approval, ApprovalId, Command, DeliveryId, Digest, Fact, File, FollowLevel, Need, Note, NoteId,
    PersonId, Project, Reason, Recipe, Refusal, Render, RenderId, RequestId, RevisionKind, Role, Roles,
    ShootoutId, Song, SongId, Span, Stage, Version, VersionId, VersionKind, WebhookId, audience, check,
    decide::{as_if_signed, check_signed},
    gate, handoff, receipt, revision,
};

mod records;

pub use records::record_actions;

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
    let mut answers = plain(vec![
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
    ]);
    answers.push(("approve_spacing", approve_spacing(project, actor)));
    answers.extend(plain(records::project_actions(project, actor)));
    answers
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

fn approve_spacing(project: &Project, actor: &Actor) -> Result<String, Refusal> {
    let number = project.spacings.last().map_or(0, |newest| newest.number);
    let approval = ApprovalId(NEW);
    let command = |role| Command::ApproveSpacing { approval, number, role };
    let role = best_role(project, actor, command)?;
    Ok(how_signed(project, actor, &command(role)))
}

/// Where a gate asks for a receipt: what that takes.
fn how_signed(project: &Project, actor: &Actor, approve: &Command) -> String {
    let Actor::Person { id, .. } = actor else { return String::new() };
    match (receipt::is_asked(project, approve), project.keys_of(*id).is_empty()) {
        (false, _) => String::new(),
        (true, false) => "It is to be signed with your key.".to_owned(),
        (true, true) => {
            "It is to be signed with your key, and you have none here: enrol one first.".to_owned()
        }
    }
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
        ("revoke_key", records::revoke_key(project, actor, person)),
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
        ("set_song_copy", records::set_song_copy(project, actor, song)),
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
    let command = command(best_role(project, actor, command)?);
    let told = [gate_met_by(project, actor, &command), how_signed(project, actor, &command)];
    Ok(told.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" "))
}

/// "This meets the gate of mixing: the mix is handed over and its render is queued."
fn gate_met_by(project: &Project, actor: &Actor, command: &Command) -> String {
    let events = match command {
        Command::Approve { .. } if receipt::is_asked(project, command) => {
            as_if_signed(project, actor, command)
        }
        _ => crate::decide(project, actor, command, project.as_of),
    };
    let events = events.unwrap_or_default();
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

pub fn render_actions(project: &Project, actor: &Actor, render: RenderId) -> Vec<Answer> {
    let Some(Render { id, .. }) = project.renders.get(render) else { return Vec::new() };
    plain(vec![("cancel_render", check(project, actor, &Command::CancelRender { render: *id }))])
}

/// The best answer over the roles that the person holds: a yes, else the refusal that comes nearest to one.
fn in_some_role(project: &Project, actor: &Actor, command: impl Fn(Role) -> Command) -> Result<(), Refusal> {
    best_role(project, actor, command).map(|_| ())
}

/// The first role in which the person may do it, for a prompt that has to name one; with a receipt where that is asked.
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
        match check_signed(project, actor, &command(role)) {
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
        None => check_signed(project, actor, &command(Role::Listener)).map(|()| Role::Listener),
    }
}

/// The roles in which this person's approval of the version would be taken, and would be asked; with a receipt where that is asked.
pub fn roles_to_approve(project: &Project, actor: &Actor, version: &Version) -> Vec<Role> {
    let approve = |role: Role| Command::Approve {
        approval: ApprovalId(NEW),
        version: version.id,
        role,
        fingerprint: version.fingerprint,
    };
    Role::ALL.iter().copied().filter(|role| check_signed(project, actor, &approve(*role)).is_ok()).collect()
}

/// The file of a version that a digest names: what a download asks.
pub fn file_of<'a>(version: &'a Version, digest: &Digest) -> Option<&'a File> {
    version.files.iter().find(|file| file.digest == *digest)
}

#[cfg(test)]
mod tests;
