//! What waits on whom: the desk, as a pure question to the project. Only what that person may see and do is listed.

use std::collections::BTreeSet;

mod gates;
mod records;

use crate::{
    GateLine, GateReport, HandoffState, Note, NoteId, NoteState, PersonId, Project, RenderId, RenderState,
    Role, Roles, Song, SongId, Stage, Time, Verdict, Version, VersionId, VersionKind, audience, gate,
    handoff, revision, shootout, text, version,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    pub person: PersonId,
    pub kind: WaitKind,
    /// `None`: it is of the record as a whole.
    pub song: Option<SongId>,
    pub target: Target,
    /// "Approve Mix 2 as label."
    pub text: String,
    pub since: Time,
    /// Of the stage.
    pub due: Option<Time>,
    /// How many others can do nothing on this song until it is done.
    pub blocks: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaitKind {
    Approve,
    Upload,
    /// One addressed to them, or theirs to accept.
    Note,
    Handoff,
    RenderFailed,
    Deliver,
    /// Mixes compete: vote or pick.
    Pick,
    /// The gate asks that they have heard it.
    Listen,
    Spacing,
}

/// What to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Song(SongId),
    Version(VersionId),
    Note(NoteId),
    Render(RenderId),
    /// By its number, as its row is called.
    Record(u32),
}

/// In the running order of the songs; then what belongs to the record as a whole.
pub fn waits(project: &Project) -> Vec<Wait> {
    let mut all = Vec::new();
    for song in project.songs_in_order() {
        let first = all.len();
        let mut on = OnSong { project, song, all: &mut all };
        on.notes();
        if let Some(report) = gate::report(project, song.id) {
            on.shootout();
            on.approvals(&report);
            on.listening(&report);
            on.spacing(&report);
            on.holds();
            on.closed(&report);
            on.uploads(&report);
            on.open_notes(&report);
        }
        on.handoff();
        on.failed_render();
        on.delivery();
        on.count_blocked(first);
    }
    all.extend(records::of(project));
    all
}

struct OnSong<'a> {
    project: &'a Project,
    song: &'a Song,
    all: &'a mut Vec<Wait>,
}

impl OnSong<'_> {
    fn add(&mut self, person: PersonId, kind: WaitKind, target: Target, text: String, since: Time) {
        let due = self.project.gate(self.song.stage).and_then(|rule| rule.due);
        if !self.project.members.contains(person) {
            return;
        }
        self.all.push(Wait { person, kind, song: Some(self.song.id), target, text, since, due, blocks: 0 });
    }

    fn members(&self, any_of: &[Role]) -> Vec<PersonId> {
        let holds = |roles: &Roles| any_of.iter().any(|role| roles.contains(role));
        self.project.members.iter().filter(|(_, member)| holds(&member.roles)).map(|(id, _)| id).collect()
    }

    /// The engineers who have entered nothing yet; when all are in, those who vote and whoever picks.
    fn shootout(&mut self) {
        let Some(open) = self.project.open_shootout(self.song.id) else { return };
        let target = Target::Song(self.song.id);
        let mut lacking = Vec::new();
        for (line, engineer) in &open.lines {
            let there = self.project.holds_role(*engineer, Role::MixEngineer);
            if there && self.project.newest_of_line(self.song.id, *line).is_none() {
                lacking.push((*engineer, *line));
            }
        }
        for (engineer, line) in &lacking {
            let text = format!("Upload your first mix: Mix {} 1. Mixes compete.", line.letter());
            self.add(*engineer, WaitKind::Upload, target, text, open.opened_at);
        }
        let newest = self.project.newest_of_lines(open);
        let Some(since) = newest.iter().map(|mix| mix.at).max().filter(|_| lacking.is_empty()) else {
            return;
        };
        let names = text::list(&newest.iter().map(|mix| mix.name()).collect::<Vec<_>>());
        let deciders = self.project.deciders(open);
        let mut asked: Vec<PersonId> = Vec::new();
        for (person, role) in deciders {
            if !asked.contains(&person) {
                asked.push(person);
                self.add(
                    person,
                    WaitKind::Pick,
                    target,
                    format!("Compare {names}, and pick one as {role}."),
                    since,
                );
            }
        }
        for person in self.members(&shootout::VOTERS) {
            let voted = open.votes.iter().any(|vote| {
                vote.by == person
                    && vote.ranking.iter().all(|ranked| newest.iter().any(|mix| mix.id == *ranked))
            });
            if !asked.contains(&person) && open.line_of(person).is_none() && !voted {
                self.add(person, WaitKind::Pick, target, format!("Compare {names}, and vote."), since);
            }
        }
    }

    /// Of everybody who has a part in this stage or the next, how many have nothing to do on this song: they wait for what is listed. What would hold nobody
    /// up blocks nobody.
    fn count_blocked(&mut self, first: usize) {
        // A count must not tell of a note that its reader may not see (V-1): what is internal keeps nobody busy here.
        let told = |wait: &&Wait| match wait.target {
            Target::Note(note) => !self.project.notes.get(note).is_some_and(|note| note.internal),
            Target::Song(_) | Target::Version(_) | Target::Render(_) | Target::Record(_) => true,
        };
        let busy: BTreeSet<PersonId> =
            self.all[first..].iter().filter(told).map(|wait| wait.person).collect();
        let idle = self.parts().difference(&busy).count();
        let blocks = u32::try_from(idle).unwrap_or(u32::MAX);
        let project = self.project;
        let holds_up = |wait: &Wait| match wait.target {
            Target::Note(note) => project.notes.get(note).is_some_and(|note| note.state == NoteState::Open),
            Target::Song(_) | Target::Version(_) | Target::Render(_) | Target::Record(_) => true,
        };
        self.all[first..].iter_mut().filter(|wait| holds_up(wait)).for_each(|wait| wait.blocks = blocks);
    }

    /// Whoever the gate asks, and those who make what this stage and the next one are about.
    fn parts(&self) -> BTreeSet<PersonId> {
        let gate = self.project.gate(self.song.stage);
        let asked: Roles =
            gate.iter().flat_map(|gate| &gate.needs).flat_map(|need| need.any_of.clone()).collect();
        let asked: Vec<Role> = asked.into_iter().collect();
        let kinds = [self.song.stage.kind(), self.song.stage.next().and_then(Stage::kind)];
        let makers = kinds.into_iter().flatten().flat_map(|kind| self.trade(kind));
        self.members(&asked).into_iter().chain(makers).collect()
    }

    /// Whoever could give a missing approval, once, in the first role that is missing; not while a revision is asked for: then the next
    /// step is the engineer's; and not before the house has looked at the candidate: whoever listens knows by then what was done.
    fn approvals(&mut self, report: &GateReport) {
        let Some(candidate) = self.project.candidate(self.song.id) else { return };
        let asked_again =
            report.lines.iter().any(|line| matches!(line.code, "REVISION_REQUESTED" | "RETURNED"));
        if asked_again || self.project.awaits_examination(candidate) {
            return;
        }
        for line in report.lines.iter().filter(|line| line.code == "APPROVALS" && !line.met) {
            for person in &line.waits_for {
                let held = self.project.roles_of(*person);
                let role =
                    line.missing_roles.iter().find(|role| held.is_some_and(|held| held.contains(role)));
                let target = Target::Version(candidate.id);
                let listed = |wait: &Wait| {
                    wait.person == *person
                        && matches!(wait.kind, WaitKind::Approve | WaitKind::Listen)
                        && wait.target == target
                };
                if let Some(role) = role.filter(|_| !self.all.iter().any(listed)) {
                    let (kind, text) = match self.unheard(*person, candidate, report.stage) {
                        Some(text) => (WaitKind::Listen, text),
                        None => (WaitKind::Approve, format!("Approve {} as {role}.", candidate.name())),
                    };
                    self.add(*person, kind, target, text, candidate.at);
                }
            }
        }
    }

    /// A first version of the stage, an answer to a revision request, or what the gate finds amiss in the files. A master only where no render
    /// will bring it.
    fn uploads(&mut self, report: &GateReport) {
        let Some(kind) = report.stage.kind() else { return };
        if self.project.open_shootout(self.song.id).is_some() {
            return;
        }
        let waits_for_render = self.project.renders_of(self.song.id).any(crate::Render::is_alive);
        if kind == VersionKind::Master && waits_for_render {
            return;
        }
        let candidate = self.project.candidate(self.song.id);
        let word = kind.to_string().to_lowercase();
        let (text, since, target) = match candidate {
            None => (format!("Upload the first {word}."), self.song.stage_since, Target::Song(self.song.id)),
            Some(candidate) => {
                let Some((why, since)) = self.amiss(candidate, report) else { return };
                let next = self.project.next_name(self.song.id, kind);
                (format!("Upload {next}: {why}"), since, Target::Version(candidate.id))
            }
        };
        for person in self.trade(kind) {
            self.add(person, WaitKind::Upload, target, text.clone(), since);
        }
    }

    /// Why only another version can bring the song on.
    fn amiss(&self, candidate: &Version, report: &GateReport) -> Option<(String, Time)> {
        if let Some((back, swapped)) = self.project.came_back(candidate) {
            let (sender, name) = (handoff::sender(self.project, back, swapped), candidate.name());
            let how = if swapped {
                format!("{sender} swapped {name} out.")
            } else {
                format!("{sender} sent {name} back.")
            };
            return Some((how, back.state_since));
        }
        let asks = |request: &&crate::RevisionRequest| revision::asks_of(self.project, request, candidate);
        if let Some(request) = self.project.requests_of(self.song.id).rev().find(asks) {
            return Some((format!("the {} asked for a revision.", request.role), request.at));
        }
        let of_files = |line: &&GateLine| !line.met && matches!(line.code, "ALTERNATES" | "PREFLIGHT");
        report.lines.iter().find(of_files).map(|line| (line.text.clone(), candidate.at))
    }

    /// Everybody said yes and only notes hold the song back, or the newest version left some untouched: then the next step is the engineer's.
    fn open_notes(&mut self, report: &GateReport) {
        let (Some(candidate), Some(kind)) = (self.project.candidate(self.song.id), report.stage.kind())
        else {
            return;
        };
        let mut unmet = report.lines.iter().filter(|line| !line.met);
        let notes_alone =
            unmet.next().is_some_and(|line| line.code == "OPEN_NOTES") && unmet.next().is_none();
        let untouched = self.untouched(candidate);
        let name = candidate.name();
        let text = match (notes_alone, untouched) {
            (true, 0) => format!("Answer the open notes: only they hold {name} back."),
            (true, some) => {
                let some = text::plural(some, "note");
                format!("Answer the open notes: only they hold {name} back, and it leaves {some} untouched.")
            }
            (false, 0) => return,
            (false, some) => {
                format!(
                    "{name} leaves {} untouched: say why, or add another version.",
                    text::plural(some, "note")
                )
            }
        };
        // Another version is asked for anyway.
        let target = Target::Version(candidate.id);
        if self.all.iter().any(|wait| wait.kind == WaitKind::Upload && wait.target == target) {
            return;
        }
        let open = self.project.open_notes(self.song.id).filter(|note| !note.internal);
        let since = open.map(|note| note.state_since).max().unwrap_or(candidate.at);
        for person in self.trade(kind) {
            self.add(person, WaitKind::Note, target, text.clone(), since);
        }
    }

    /// Open notes for all at whose place the house found no change.
    fn untouched(&self, candidate: &Version) -> usize {
        let Some(examined) = self.project.examinations.get(candidate.id) else { return 0 };
        let untouched = |id: NoteId| {
            let said = |outcome: &&crate::NoteOutcome| outcome.note == id;
            examined.notes.iter().find(said).is_some_and(|outcome| outcome.verdict == Verdict::Untouched)
        };
        let open = self.project.open_notes(self.song.id).filter(|note| !note.internal);
        open.filter(|note| untouched(note.id)).count()
    }

    /// The makers of a kind, by trade: a producer or artist may help out, but nobody waits for them where an engineer is there.
    fn trade(&self, kind: VersionKind) -> Vec<PersonId> {
        let trade = match kind {
            VersionKind::Take => self.members(version::makers(kind)),
            VersionKind::Mix => self.project.mixers_of(self.song.id),
            VersionKind::Master => self.members(&[Role::MasteringEngineer]),
        };
        if trade.is_empty() { self.members(version::makers(kind)) } else { trade }
    }

    /// Not those on mixes that were not picked: nothing is asked of them any more.
    fn notes(&mut self) {
        let closed = |note: &Note| {
            let version = self.project.versions.get(note.version);
            version.is_some_and(|version| self.project.is_closed_with_thanks(version))
        };
        let notes: Vec<&Note> = self
            .project
            .notes_of(self.song.id)
            .filter(|note| note.parent.is_none() && !closed(note))
            .collect();
        for note in notes {
            match (note.state, note.addressee) {
                (NoteState::Open, Some(person)) if self.reads(person, note) => {
                    let text = format!("Answer a note of the {}.", note.role);
                    self.add(person, WaitKind::Note, Target::Note(note.id), text, note.state_since);
                }
                (NoteState::Addressed(version), _) => {
                    let name = self.project.version_name(version);
                    for person in self.judges(note) {
                        let whose = if person == note.author {
                            "your note".to_owned()
                        } else {
                            format!("a note of the {}", note.role)
                        };
                        let text = format!("Check {whose}: it is said to be done in {name}.");
                        self.add(person, WaitKind::Note, Target::Note(note.id), text, note.state_since);
                    }
                }
                _ => {}
            }
        }
    }

    /// Its author; where they left, whoever else holds the role that it was written in; of a guest's note those who answer for the link.
    fn judges(&self, note: &Note) -> Vec<PersonId> {
        if self.project.members.contains(note.author) {
            return Some(note.author).filter(|author| self.reads(*author, note)).into_iter().collect();
        }
        if let Some(link) = self.project.came_by(note.author) {
            let answers = |person: &PersonId| crate::link::answers_for(self.project, *person, link);
            let members = self.project.members.values().map(|member| member.person);
            return members.filter(answers).filter(|person| self.reads(*person, note)).collect();
        }
        self.project.holders(note.role).filter(|person| self.reads(*person, note)).collect()
    }

    fn reads(&self, person: PersonId, note: &Note) -> bool {
        audience::reads_note(self.project, person, note)
    }

    fn handoff(&mut self) {
        let Some(handoff) = &self.song.handoff else { return };
        if self.song.stage != Stage::Mastering || handoff.state != HandoffState::Offered {
            return;
        }
        let text = format!("Accept the handoff of {}.", self.project.version_name(handoff.version));
        for person in self.members(&[Role::MasteringEngineer]) {
            let target = Target::Song(self.song.id);
            self.add(person, WaitKind::Handoff, target, text.clone(), handoff.state_since);
        }
    }

    /// The newest render failed, and no master came after it.
    fn failed_render(&mut self) {
        let newest = self.project.renders_of(self.song.id).next_back();
        let Some(render) = newest.filter(|render| render.state == RenderState::Failed) else { return };
        let later = self.project.newest(self.song.id, VersionKind::Master);
        if self.song.stage != Stage::Mastering || later.is_some_and(|master| master.at >= render.state_since)
        {
            return;
        }
        for person in self.members(&[Role::MasteringEngineer]) {
            let text = "A render failed: change the recipe, or start it again.".to_owned();
            self.add(person, WaitKind::RenderFailed, Target::Render(render.id), text, render.state_since);
        }
    }

    fn delivery(&mut self) {
        let signed = self.project.candidate(self.song.id).filter(|_| self.song.stage == Stage::Delivered);
        let Some(master) = signed else { return };
        if self.project.deliveries_of(self.song.id).any(|made| made.fingerprint == master.fingerprint) {
            return;
        }
        let text = format!("Make the delivery of {}.", master.name());
        for person in self.members(&[Role::Manager, Role::Label, Role::MasteringEngineer]) {
            let target = Target::Song(self.song.id);
            self.add(person, WaitKind::Deliver, target, text.clone(), self.song.stage_since);
        }
    }
}

#[cfg(test)]
mod tests;
