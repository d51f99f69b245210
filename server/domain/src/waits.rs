//! What waits on whom: the desk, as a pure question to the project. Only what that person may see and do is listed.

use crate::{
    GateLine, GateReport, HandoffState, Note, NoteId, NoteState, PersonId, Project, RenderId, RenderState,
    Role, Roles, Song, SongId, Stage, Time, Version, VersionId, VersionKind, audience, gate, version,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    pub person: PersonId,
    pub kind: WaitKind,
    pub song: SongId,
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
}

/// In the running order of the songs.
pub fn waits(project: &Project) -> Vec<Wait> {
    let mut all = Vec::new();
    for song in project.songs_in_order() {
        let mut on = OnSong { project, song, all: &mut all };
        on.notes();
        if let Some(report) = gate::report(project, song.id) {
            on.approvals(&report);
            on.listening(&report);
            on.spacing(&report);
            on.uploads(&report);
            on.open_notes(&report);
        }
        on.handoff();
        on.failed_render();
        on.delivery();
    }
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
        self.all.push(Wait { person, kind, song: self.song.id, target, text, since, due, blocks: 0 });
    }

    fn members(&self, any_of: &[Role]) -> Vec<PersonId> {
        let holds = |roles: &Roles| any_of.iter().any(|role| roles.contains(role));
        self.project.members.iter().filter(|(_, member)| holds(&member.roles)).map(|(id, _)| id).collect()
    }

    /// Whoever could give a missing approval, once, in the first role that is missing; not while a revision is asked for: then the next
    /// step is the engineer's.
    fn approvals(&mut self, report: &GateReport) {
        let Some(candidate) = self.project.candidate(self.song.id) else { return };
        if report.lines.iter().any(|line| line.code == "REVISION_REQUESTED") {
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

    /// What the person has to do before the gate takes an approval of theirs.
    fn unheard(&self, person: PersonId, candidate: &Version, stage: Stage) -> Option<String> {
        let asked = self.project.gate(stage).map_or(0, |rule| rule.heard_percent);
        let heard = self.project.heard_percent(candidate.id, person);
        let text =
            format!("Listen to {}: you heard {heard} %, the gate asks for {asked} %.", candidate.name());
        (heard < asked).then_some(text)
    }

    /// Approved already, and heard less than the gate asks since.
    fn listening(&mut self, report: &GateReport) {
        let Some(candidate) = self.project.candidate(self.song.id) else { return };
        for line in report.lines.iter().filter(|line| line.code == "HEARD" && !line.met) {
            for person in &line.waits_for {
                if let Some(text) = self.unheard(*person, candidate, report.stage) {
                    let target = Target::Version(candidate.id);
                    self.add(*person, WaitKind::Listen, target, text, candidate.at);
                }
            }
        }
    }

    fn spacing(&mut self, report: &GateReport) {
        let lines = report.lines.iter().filter(|line| line.code == "SPACING" && !line.met);
        for line in lines {
            let newest = self.project.spacings.last();
            let whole = newest.filter(|one| crate::spacing::names_every_song(self.project, &one.items));
            let target = Target::Song(self.song.id);
            if let Some(newest) = whole {
                for person in &line.waits_for {
                    let text = format!("Approve spacing {}.", newest.number);
                    self.add(*person, WaitKind::Spacing, target, text, newest.at);
                }
            } else {
                for person in self.members(&crate::spacing::SETTERS) {
                    let text = "Set the running order and its gaps.".to_owned();
                    self.add(person, WaitKind::Spacing, target, text, self.song.stage_since);
                }
            }
        }
    }

    /// A first version of the stage, an answer to a revision request, or what the gate finds amiss in the files. A master only where no render
    /// will bring it.
    fn uploads(&mut self, report: &GateReport) {
        let Some(kind) = report.stage.kind() else { return };
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
                let number = candidate.number.saturating_add(1);
                (format!("Upload {kind} {number}: {why}"), since, Target::Version(candidate.id))
            }
        };
        for person in self.trade(kind) {
            self.add(person, WaitKind::Upload, target, text.clone(), since);
        }
    }

    /// Why only another version can bring the song on.
    fn amiss(&self, candidate: &Version, report: &GateReport) -> Option<(String, Time)> {
        let asked = |request: &&crate::RevisionRequest| {
            request.version == candidate.id && request.answered_by.is_none()
        };
        if let Some(request) = self.project.requests_of(self.song.id).rev().find(asked) {
            return Some((format!("the {} asked for a revision.", request.role), request.at));
        }
        let of_files = |line: &&GateLine| !line.met && matches!(line.code, "ALTERNATES" | "PREFLIGHT");
        report.lines.iter().find(of_files).map(|line| (line.text.clone(), candidate.at))
    }

    /// Everybody said yes and only notes hold the song back: then the next step is the engineer's.
    fn open_notes(&mut self, report: &GateReport) {
        let (Some(candidate), Some(kind)) = (self.project.candidate(self.song.id), report.stage.kind())
        else {
            return;
        };
        let mut unmet = report.lines.iter().filter(|line| !line.met);
        if unmet.next().is_none_or(|line| line.code != "OPEN_NOTES") || unmet.next().is_some() {
            return;
        }
        let open = self.project.open_notes(self.song.id).filter(|note| !note.internal);
        let since = open.map(|note| note.state_since).max().unwrap_or(candidate.at);
        let text = format!("Answer the open notes: only they hold {} back.", candidate.name());
        let target = Target::Version(candidate.id);
        for person in self.trade(kind) {
            self.add(person, WaitKind::Note, target, text.clone(), since);
        }
    }

    /// The makers of a kind, by trade: a producer or artist may help out, but nobody waits for them where an engineer is there.
    fn trade(&self, kind: VersionKind) -> Vec<PersonId> {
        let trade = match kind {
            VersionKind::Take => self.members(version::makers(kind)),
            VersionKind::Mix => self.members(&[Role::MixEngineer]),
            VersionKind::Master => self.members(&[Role::MasteringEngineer]),
        };
        if trade.is_empty() { self.members(version::makers(kind)) } else { trade }
    }

    fn notes(&mut self) {
        let notes: Vec<&Note> =
            self.project.notes_of(self.song.id).filter(|note| note.parent.is_none()).collect();
        for note in notes {
            match (note.state, note.addressee) {
                (NoteState::Open, Some(person)) if self.sees(person, note) => {
                    let text = format!("Answer a note of the {}.", note.role);
                    self.add(person, WaitKind::Note, Target::Note(note.id), text, note.state_since);
                }
                (NoteState::Addressed(version), _) if self.sees(note.author, note) => {
                    let name = self.project.version_name(version);
                    let text = format!("Check your note: it is said to be done in {name}.");
                    self.add(note.author, WaitKind::Note, Target::Note(note.id), text, note.state_since);
                }
                _ => {}
            }
        }
    }

    fn sees(&self, person: PersonId, note: &Note) -> bool {
        self.project.roles_of(person).is_some_and(|roles| audience::sees_note(roles, note))
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
mod tests {
    use super::*;
    use crate::{Alternate, Command, testing::*};

    fn of(given: &Given) -> Vec<(PersonId, WaitKind, String)> {
        waits(&given.project).into_iter().map(|wait| (wait.person, wait.kind, wait.text)).collect()
    }

    #[test]
    fn the_desk_follows_the_main_job() {
        let approve = |who, text: &str| (who, WaitKind::Approve, text.to_owned());
        let mixed = Given::mixed();
        assert_eq!(
            of(&mixed),
            [approve(ARTIST, "Approve Mix 1 as artist."), approve(LABEL, "Approve Mix 1 as label.")]
        );
        let mastering = Given::mastering();
        assert_eq!(
            of(&mastering),
            [(MASTERER, WaitKind::Handoff, "Accept the handoff of Mix 1.".to_owned())]
        );
        let delivered = of(&Given::delivered());
        let people: Vec<_> = delivered.iter().map(|(who, kind, _)| (*who, *kind)).collect();
        let deliver = WaitKind::Deliver;
        assert_eq!(people, [(OWNER, deliver), (MASTERER, deliver), (LABEL, deliver)]);
    }

    #[test]
    fn notes_that_alone_hold_a_mix_back_wait_on_the_engineer() {
        let noted = Given::mixed().and(person(ARTIST), add_note(7, 10, false));
        assert!(of(&noted).iter().all(|(_, kind, _)| *kind == WaitKind::Approve), "reviewers first");
        let agreed = noted.approved(ARTIST, 10, Role::Artist).approved(LABEL, 10, Role::Label);
        let text = "Answer the open notes: only they hold Mix 1 back.".to_owned();
        assert_eq!(of(&agreed), [(MIXER, WaitKind::Note, text)]);
    }

    #[test]
    fn what_the_files_lack_waits_on_the_engineer() {
        let rule = crate::GateRule {
            required_alternates: vec![Alternate::Instrumental, Alternate::ACappella],
            ..gate::default_rule(Stage::Mixing).expect("mixing has a gate")
        };
        let lacking = Given::mixed().and(person(OWNER), Command::SetGate { rule });
        let found = of(&lacking).into_iter().find(|(who, ..)| *who == MIXER).expect("the mixer is asked");
        assert_eq!((found.1, found.2.starts_with("Upload Mix 2: Mix 1 lacks: ")), (WaitKind::Upload, true));
    }

    #[test]
    fn an_asked_revision_waits_on_the_engineer_and_not_on_approvals() {
        let request = Command::RequestRevision {
            request: crate::RequestId(1),
            version: VersionId(10),
            role: Role::Artist,
            message: String::new(),
            notes: vec![NoteId(7)],
            kind: crate::RevisionKind::Change,
            beyond_terms: false,
        };
        let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false)).and(person(ARTIST), request);
        let text = "Upload Mix 2: the artist asked for a revision.".to_owned();
        assert_eq!(of(&given), [(MIXER, WaitKind::Upload, text)]);
        let given = given
            .and(person(MIXER), add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)]))
            .and(person(MIXER), Command::AddressNote { note: NoteId(7), version: VersionId(11) });
        let text = "Check your note: it is said to be done in Mix 2.".to_owned();
        assert_eq!(of(&given)[0], (ARTIST, WaitKind::Note, text));
    }
}
