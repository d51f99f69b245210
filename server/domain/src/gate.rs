//! Gates: what leaving a stage needs, as data (P-3).

use std::collections::BTreeSet;

use crate::{
    Actor, Alternate, ApprovalState, Event, Fact, PersonId, Project, Reason, Refusal, Role, Roles, SongId,
    Stage, Time, Version, VersionId,
    asker::{Asker, either},
    decide::{Ruling, Touched},
    preflight,
    refusal::no,
    render,
};

const NEEDS_MAX: usize = 16;
const APPROVALS_MAX: u32 = 32;
const ALTERNATES_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub struct GateRule {
    pub stage: Stage,
    pub needs: Vec<Need>,
    pub required_alternates: Vec<Alternate>,
    pub open_notes_allowed: bool,
    /// `None`: as the terms of the project have it.
    pub self_approval: Option<bool>,
    /// Blocks of preflight and a missing examination do not keep it shut.
    pub preflight_ignored: bool,
    /// Of the candidate's Main, by everyone whose approval counts; 0: not asked.
    pub heard_percent: u32,
    /// Each must have approved the newest spacing; empty: not asked.
    pub spacing_roles: Roles,
    pub due: Option<Time>,
    /// After the date nothing goes through until the manager moves it.
    pub closes_when_due: bool,
    pub carry: Carry,
}

/// What lets an approval count for the next version too (P-4).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Carry {
    #[default]
    Never,
    /// The same sound in the same form.
    Metadata,
    /// The same samples.
    SamePcm,
    /// Laid over each other, less than this is left, dB.
    Residual { below_db: f64 },
}

/// A gate that a manager opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overridden {
    pub stage: Stage,
    pub version: VersionId,
    pub by: Option<PersonId>,
    pub at: Time,
    pub reason: String,
    pub unmet: Vec<String>,
}

impl GateRule {
    /// These needs and nothing else asked.
    pub fn new(stage: Stage, needs: Vec<Need>) -> GateRule {
        GateRule {
            stage,
            needs,
            required_alternates: Vec::new(),
            open_notes_allowed: true,
            self_approval: None,
            preflight_ignored: false,
            heard_percent: 0,
            spacing_roles: Roles::new(),
            due: None,
            closes_when_due: false,
            carry: Carry::Never,
        }
    }
}

/// `count` approvals, each in one of these roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub any_of: Roles,
    pub count: u32,
}

/// Recording: one of artist, producer, mix engineer or label says that there is enough to mix. Mixing and mastering: the artist and the
/// label, and every note answered.
pub fn default_rule(stage: Stage) -> Option<GateRule> {
    let need = |roles: &[Role]| Need { any_of: roles.iter().copied().collect(), count: 1 };
    let (needs, open_notes_allowed) = match stage {
        Stage::Recording => {
            (vec![need(&[Role::Artist, Role::Producer, Role::MixEngineer, Role::Label])], true)
        }
        Stage::Mixing | Stage::Mastering => (vec![need(&[Role::Artist]), need(&[Role::Label])], false),
        Stage::Delivered => return None,
    };
    Some(GateRule { open_notes_allowed, ..GateRule::new(stage, needs) })
}

/// The gate of a song's present stage, tried dry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateReport {
    pub song: SongId,
    pub stage: Stage,
    pub candidate: Option<VersionId>,
    pub met: bool,
    /// One for each thing asked, met or not.
    pub lines: Vec<GateLine>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateLine {
    pub met: bool,
    /// Stable: CANDIDATE, APPROVALS, NOBODY_HOLDS_ROLE, ON_HOLD, ALTERNATES, PREFLIGHT, OPEN_NOTES, REVISION_REQUESTED.
    pub code: &'static str,
    /// Without names: whoever shows it adds those of `waits_for`.
    pub text: String,
    /// What is missing could be given in one of these roles ...
    pub missing_roles: Roles,
    /// ... by these people.
    pub waits_for: Vec<PersonId>,
}

/// `None` where nothing lies ahead: an unknown song, or one that is delivered.
///
/// Open notes: a note (not a reply, not an internal one) keeps the gate shut while it is open, on whichever version it was written. One that is
/// addressed does not: the approvals are the judgement of the result, and whoever is not content reopens the note.
pub fn report(project: &Project, song: SongId) -> Option<GateReport> {
    let stage = project.songs.get(song)?.stage;
    let rule = project.gate(stage)?;
    let candidate = project.candidate(song);
    let mut lines = vec![candidate_line(stage, candidate)];
    lines.extend(need_lines(project, song, stage, candidate, &rule.needs));
    lines.extend(hold_line(project, song));
    if let Some(candidate) = candidate {
        lines.extend(alternates_line(candidate, &rule.required_alternates));
        lines.push(preflight_line(project, candidate));
        lines.extend(revision_line(project, song, candidate));
    }
    if !rule.open_notes_allowed {
        lines.push(notes_line(project, song));
    }
    let met = lines.iter().all(|line| line.met);
    Some(GateReport { song, stage, candidate: candidate.map(|version| version.id), met, lines })
}

fn line(met: bool, code: &'static str, text: impl Into<String>) -> GateLine {
    GateLine { met, code, text: text.into(), missing_roles: Roles::new(), waits_for: Vec::new() }
}

fn candidate_line(stage: Stage, candidate: Option<&Version>) -> GateLine {
    match candidate {
        Some(version) => line(true, "CANDIDATE", format!("{} is looked at.", version.name())),
        None => {
            let kind = stage.kind().map_or_else(String::new, |kind| kind.to_string().to_lowercase());
            line(false, "CANDIDATE", format!("There is no {kind} yet."))
        }
    }
}

/// A voice is what can fill one place: without self-approval a person, in whichever of the roles they signed; with it each
/// signature by itself, so that a solo artist who holds every role can pass alone.
struct Voice {
    person: PersonId,
    roles: Roles,
}

fn voices(project: &Project, song: SongId, stage: Stage) -> Vec<Voice> {
    let mut voices: Vec<Voice> = Vec::new();
    for (approval, state) in project.approvals_of(song) {
        let holds = project.holds_role(approval.person, approval.role);
        if state != ApprovalState::Counts || approval.stage != stage || !holds {
            continue;
        }
        let same = voices.iter_mut().find(|voice| voice.person == approval.person);
        match same.filter(|_| !project.terms.self_approval) {
            Some(voice) => {
                voice.roles.insert(approval.role);
            }
            None => voices.push(Voice { person: approval.person, roles: Roles::from([approval.role]) }),
        }
    }
    voices
}

/// Which voice fills which place: the largest matching, so that nobody's vote is wasted where two needs could take it. `seats[i]` is the voice of place i.
/// Kuhn's augmenting paths; there are at most [`APPROVALS_MAX`] places.
fn seat(places: &[&Need], voices: &[Voice]) -> Vec<Option<usize>> {
    fn find(
        place: usize,
        places: &[&Need],
        voices: &[Voice],
        seats: &mut [Option<usize>],
        tried: &mut BTreeSet<usize>,
    ) -> bool {
        for (at, voice) in voices.iter().enumerate() {
            if voice.roles.is_disjoint(&places[place].any_of) || !tried.insert(at) {
                continue;
            }
            let taken = seats.iter().position(|seat| *seat == Some(at));
            if taken.is_none_or(|other| find(other, places, voices, seats, tried)) {
                seats[place] = Some(at);
                return true;
            }
        }
        false
    }
    let mut seats = vec![None; places.len()];
    for place in 0..places.len() {
        find(place, places, voices, &mut seats, &mut BTreeSet::new());
    }
    seats
}

fn need_lines(
    project: &Project,
    song: SongId,
    stage: Stage,
    candidate: Option<&Version>,
    needs: &[Need],
) -> Vec<GateLine> {
    let voices = voices(project, song, stage);
    let count = |need: &Need| usize::try_from(need.count.min(APPROVALS_MAX)).unwrap_or(0);
    let places: Vec<&Need> = needs.iter().flat_map(|need| std::iter::repeat_n(need, count(need))).collect();
    let seats = seat(&places, &voices);
    let mut lines = Vec::new();
    let mut first = 0;
    for need in needs {
        let asked = count(need);
        let filled = seats[first..first + asked].iter().flatten().count();
        first += asked;
        lines.push(need_line(project, candidate, need, (filled, asked), &voices));
    }
    lines
}

fn need_line(
    project: &Project,
    candidate: Option<&Version>,
    need: &Need,
    (filled, asked): (usize, usize),
    voices: &[Voice],
) -> GateLine {
    let who = either(&need.any_of);
    let text = format!("{who}: {filled} of {asked} {}.", if asked == 1 { "approval" } else { "approvals" });
    let mut line = line(filled >= asked, "APPROVALS", capital(&text));
    if line.met {
        return line;
    }
    line.missing_roles.clone_from(&need.any_of);
    let uploader =
        candidate.and_then(|version| project.maker(version)).filter(|_| !project.terms.self_approval);
    let spoke = |person: PersonId, role: Role| {
        voices.iter().any(|voice| {
            voice.person == person && (!project.terms.self_approval || voice.roles.contains(&role))
        })
    };
    for (person, member) in project.members.iter() {
        let could = |role: &Role| need.any_of.contains(role) && !spoke(person, *role);
        if Some(person) != uploader && member.roles.iter().any(could) {
            line.waits_for.push(person);
        }
    }
    if line.waits_for.is_empty() {
        line.code = "NOBODY_HOLDS_ROLE";
        line.text.push_str(" Nobody who could give it is a member.");
    }
    line
}

fn hold_line(project: &Project, song: SongId) -> Option<GateLine> {
    let holds: Vec<_> =
        project.approvals_of(song).filter(|(_, state)| *state == ApprovalState::Hold).collect();
    if holds.is_empty() {
        return None;
    }
    let roles: Roles = holds.iter().map(|(hold, _)| hold.role).collect();
    let mut line = line(false, "ON_HOLD", format!("Held by the {}.", and(&roles)));
    line.waits_for = holds.iter().map(|(hold, _)| hold.person).collect::<BTreeSet<_>>().into_iter().collect();
    line.missing_roles = roles;
    Some(line)
}

fn alternates_line(candidate: &Version, required: &[Alternate]) -> Option<GateLine> {
    let has = |wanted: &Alternate| candidate.files.iter().any(|file| file.alternate == *wanted);
    let missing: Vec<_> =
        required.iter().filter(|wanted| !has(wanted)).map(|wanted| wanted.words()).collect();
    match (required.is_empty(), missing.is_empty()) {
        (true, _) => None,
        (false, true) => Some(line(true, "ALTERNATES", "Every required alternate is there.")),
        (false, false) => {
            let text = format!("{} lacks: {}.", candidate.name(), missing.join(", "));
            Some(line(false, "ALTERNATES", text))
        }
    }
}

fn preflight_line(project: &Project, candidate: &Version) -> GateLine {
    let findings = preflight::findings(project, candidate);
    let Some(first) = findings.iter().find(|finding| finding.block) else {
        return line(true, "PREFLIGHT", "Preflight found nothing that blocks.");
    };
    let count = findings.iter().filter(|finding| finding.block).count();
    let more = if count > 1 { format!(" ({} more)", count - 1) } else { String::new() };
    line(
        false,
        "PREFLIGHT",
        format!("Preflight blocks the {}: {}{more}", first.alternate.words(), first.text),
    )
}

fn revision_line(project: &Project, song: SongId, candidate: &Version) -> Option<GateLine> {
    let asked =
        |request: &&crate::RevisionRequest| request.version == candidate.id && request.answered_by.is_none();
    let request = project.requests_of(song).find(asked)?;
    let text = format!("The {} asked for a revision of {}.", request.role, candidate.name());
    Some(line(false, "REVISION_REQUESTED", text))
}

fn notes_line(project: &Project, song: SongId) -> GateLine {
    match project.open_notes(song).filter(|note| !note.internal).count() {
        0 => line(true, "OPEN_NOTES", "No note is open."),
        1 => line(false, "OPEN_NOTES", "One note is open."),
        many => line(false, "OPEN_NOTES", format!("{many} notes are open.")),
    }
}

fn and(roles: &Roles) -> String {
    roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and the ")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What a met gate does, in the same breath as the fact that met it (P-3): the song leaves its stage; out of mixing the mix is handed over and its
/// render queued; out of mastering, renders that nobody waits for any more end.
pub(crate) fn open_what_is_met(project: &Project, events: &mut Vec<Event>, touched: Touched, now: Time) {
    let songs: Vec<SongId> = match touched {
        Touched::None => return,
        Touched::Song(song) => vec![song],
        Touched::All => project.running_order.clone(),
    };
    let mut after = project.clone();
    after.apply_all(&*events);
    for song in songs {
        for fact in opened(&after, song) {
            events.push(Event { at: now, by: None, fact });
        }
    }
}

fn opened(project: &Project, song: SongId) -> Vec<Fact> {
    let Some(report) = report(project, song).filter(|report| report.met) else { return Vec::new() };
    let (Some(version), Some(to)) = (report.candidate, report.stage.next()) else { return Vec::new() };
    let mut facts = vec![Fact::StageLeft { song, from: report.stage, to, version }];
    match report.stage {
        Stage::Mixing => {
            facts.push(Fact::HandoffMade { song, version });
            facts.push(Fact::RenderQueued {
                render: render::gate_render_id(project, song, version),
                song,
                version,
                recipe: project.recipe_of(song).cloned(),
            });
        }
        Stage::Mastering => facts.extend(render::cancel_all(project, song)),
        Stage::Recording | Stage::Delivered => {}
    }
    facts
}

/// The manager. A rule that nobody present can meet is allowed: people are added later, and the report says so.
pub(crate) fn set(project: &Project, actor: &Actor, rule: &GateRule, _now: Time) -> Result<Ruling, Refusal> {
    Asker::of(project, actor)?.must_hold(&[Role::Manager], "change a gate")?;
    let wrong = |text: &str| no(Reason::RuleInvalid, text, "Change the rule and try again.");
    if rule.stage == Stage::Delivered {
        return wrong("Nothing comes after delivery; it has no gate.");
    }
    let asked = rule.needs.iter().fold(0u32, |sum, need| sum.saturating_add(need.count));
    if rule.needs.is_empty() || rule.needs.iter().any(|need| need.count == 0 || need.any_of.is_empty()) {
        return wrong("A gate needs at least one approval, and a role for each.");
    }
    if rule.needs.len() > NEEDS_MAX || asked > APPROVALS_MAX {
        return wrong(&format!("A gate asks for at most {APPROVALS_MAX} approvals in {NEEDS_MAX} lines."));
    }
    if rule.needs.iter().any(|need| need.any_of.contains(&Role::Listener)) {
        return wrong("A listener does not approve.");
    }
    let distinct: BTreeSet<_> = rule.required_alternates.iter().collect();
    if distinct.len() != rule.required_alternates.len() || distinct.len() > ALTERNATES_MAX {
        return wrong("An alternate is required twice, or too many are.");
    }
    if rule.required_alternates.iter().any(|alternate| !alternate.is_sound()) {
        return wrong("A required alternate has a number that means nothing.");
    }
    if project.gate(rule.stage).as_ref() == Some(rule) {
        return no(Reason::NothingToChange, "The gate asks exactly this already.", "");
    }
    Ok(Ruling::fact(Fact::GateSet { rule: rule.clone() }).touching(Touched::All))
}

pub(crate) fn rule(
    project: &Project,
    actor: &Actor,
    command: &crate::Command,
    now: Time,
) -> Result<Ruling, Refusal> {
    let _ = (project, actor, command, now);
    crate::decide::misrouted()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, NoteId, VersionKind, testing::*};

    fn mixing(needs: &[(&[Role], u32)]) -> GateRule {
        let need =
            |(roles, count): &(&[Role], u32)| Need { any_of: roles.iter().copied().collect(), count: *count };
        GateRule::new(Stage::Mixing, needs.iter().map(need).collect())
    }

    fn unmet(given: &Given) -> Vec<&'static str> {
        let report = report(&given.project, SONG).unwrap();
        report.lines.iter().filter(|line| !line.met).map(|line| line.code).collect()
    }

    #[test]
    fn p3_the_approval_that_meets_the_gate_hands_the_mix_over() {
        let given = Given::mixed().approved(ARTIST, 10, Role::Artist);
        let events = given.when(person(LABEL), given.approve(10, Role::Label)).facts(&[
            "APPROVED",
            "STAGE_LEFT",
            "HANDOFF_MADE",
            "RENDER_QUEUED",
        ]);
        let by: Vec<_> = events.iter().map(|event| event.by).collect();
        assert_eq!(by, [Some(LABEL), None, None, None]);
    }

    #[test]
    fn p3_the_master_gate_leads_to_delivered() {
        let given = Given::mastered().approved(ARTIST, 20, Role::Artist);
        given.when(person(LABEL), given.approve(20, Role::Label)).facts(&["APPROVED", "STAGE_LEFT"]);
        assert_eq!(Given::delivered().stage(), Stage::Delivered);
    }

    #[test]
    fn the_report_names_who_is_missing() {
        let given = Given::mixed().approved(ARTIST, 10, Role::Artist);
        let report = report(&given.project, SONG).unwrap();
        let line = report.lines.iter().find(|line| !line.met).unwrap();
        assert_eq!((line.code, line.text.as_str()), ("APPROVALS", "Label: 0 of 1 approval."));
        assert_eq!(line.waits_for, [LABEL]);
        assert_eq!(line.missing_roles, Roles::from([Role::Label]));
    }

    #[test]
    fn a_role_that_nobody_holds_is_said() {
        let given = Given::mixed().and(person(OWNER), Command::RemoveMember { person: LABEL });
        assert_eq!(unmet(&given), ["APPROVALS", "NOBODY_HOLDS_ROLE"]);
    }

    #[test]
    fn an_open_note_keeps_the_gate_shut_and_answering_it_opens_it() {
        let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false));
        let given = given.approved(ARTIST, 10, Role::Artist).approved(LABEL, 10, Role::Label);
        assert_eq!(unmet(&given), ["OPEN_NOTES"]);
        let opened = ["STAGE_LEFT", "HANDOFF_MADE", "RENDER_QUEUED"];
        let note = NoteId(7);
        let accepted: Vec<_> = ["NOTE_ACCEPTED"].into_iter().chain(opened).collect();
        given.when(person(ARTIST), Command::AcceptNote { note }).facts(&accepted);
        let declined: Vec<_> = ["NOTE_DECLINED"].into_iter().chain(opened).collect();
        let reason = "It is the arrangement.".to_owned();
        given.when(person(MIXER), Command::DeclineNote { note, reason }).facts(&declined);
    }

    #[test]
    fn internal_notes_are_nobodys_gate() {
        let given = Given::mixed().and(person(MIXER), add_note(7, 10, true));
        assert!(!unmet(&given).contains(&"OPEN_NOTES"));
    }

    #[test]
    fn a_requested_revision_keeps_the_gate_shut_until_the_next_mix() {
        let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false));
        let request = Command::RequestRevision {
            request: crate::RequestId(1),
            version: VersionId(10),
            role: Role::Artist,
            message: String::new(),
            notes: vec![NoteId(7)],
            kind: crate::RevisionKind::Change,
            beyond_terms: false,
        };
        let given = given.and(person(ARTIST), request);
        assert!(unmet(&given).contains(&"REVISION_REQUESTED"));
        let given = given.and(person(MIXER), add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)]));
        assert!(!unmet(&given).contains(&"REVISION_REQUESTED"));
        assert_eq!(given.project.rounds_used(SONG), 1);
    }

    #[test]
    fn required_alternates_and_preflight_keep_the_gate_shut() {
        let mut rule = mixing(&[(&[Role::Label], 1)]);
        rule.required_alternates = vec![Alternate::Instrumental, Alternate::ACappella];
        let given = Given::mixed().and(person(OWNER), Command::SetGate { rule });
        assert_eq!(unmet(&given), ["APPROVALS", "ALTERNATES"]);
        let clipped = crate::AudioFacts { clipped_samples: 40, ..clean_facts() };
        let given = Given::mixed().and(person(MIXER), Command::ReceiveFile { file: received(90, clipped) });
        let given = given.and(person(MIXER), add_version(11, VersionKind::Mix, &[(Alternate::Main, 90)]));
        assert_eq!(unmet(&given), ["APPROVALS", "APPROVALS", "PREFLIGHT"]);
    }

    #[test]
    fn a_changed_gate_opens_every_song_that_meets_it() {
        let given = Given::mixed().approved(LABEL, 10, Role::Label);
        let rule = mixing(&[(&[Role::Label, Role::Producer], 1)]);
        given.when(person(OWNER), Command::SetGate { rule }).facts(&[
            "GATE_SET",
            "STAGE_LEFT",
            "HANDOFF_MADE",
            "RENDER_QUEUED",
        ]);
    }

    #[test]
    fn votes_are_seated_so_that_none_is_wasted() {
        // The artist could fill both; the label only the first. A greedy count would stop at one.
        let roles = Roles::from([Role::Artist, Role::Producer]);
        let rule = mixing(&[(&[Role::Artist, Role::Label], 1), (&[Role::Artist, Role::Producer], 1)]);
        let given = Given::mixed()
            .and(person(OWNER), Command::ChangeRoles { person: ARTIST, roles })
            .and(person(OWNER), Command::SetGate { rule })
            .approved(ARTIST, 10, Role::Artist)
            .approved(LABEL, 10, Role::Label);
        assert_eq!(given.stage(), Stage::Mastering);
    }

    #[test]
    fn rules_without_sense_are_refused() {
        let given = Given::studio();
        let refused = |rule: GateRule| {
            given.when(person(OWNER), Command::SetGate { rule }).refused(Reason::RuleInvalid);
        };
        refused(mixing(&[]));
        refused(mixing(&[(&[Role::Label], 0)]));
        refused(mixing(&[(&[], 1)]));
        refused(mixing(&[(&[Role::Listener], 1)]));
        refused(mixing(&[(&[Role::Label], u32::MAX), (&[Role::Artist], u32::MAX)]));
        refused(GateRule { stage: Stage::Delivered, ..mixing(&[(&[Role::Label], 1)]) });
        let rule = mixing(&[(&[Role::Label], 1)]);
        given.when(person(LABEL), Command::SetGate { rule }).refused(Reason::NotYourRole);
    }
}
