//! Facts as sentences, for the history and for the answer to a command. `code` is stable. Text of notes and messages never stands in them; the reasons of
//! overrides, holds, returns and swaps do.

mod gates;
mod links;
mod records;
mod rounds;

use std::collections::BTreeSet;

use crate::{
    Alternate, Approval, ApprovalId, Event, Fact, File, Line, Note, NoteId, PersonId, Project, Render,
    RenderId, Roles, SongId, Stage, Time, VersionId, VersionKind, audience,
    text::{list as and, plural},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// The fact's name: VERSION_ADDED.
    pub code: &'static str,
    /// Who did it: a name, or "Deadwax".
    pub who: String,
    /// "Lena Ruiz approved Mix 2 as label."
    pub text: String,
    pub song: Option<SongId>,
}

/// `project` is of any moment at or after the fact (or just before it); `names` gives the name of a person. Everything is told: for one member ask
/// [`sentence_for`].
pub fn sentence(project: &Project, event: &Event, names: &dyn Fn(PersonId) -> String) -> Sentence {
    let who = event.by.map_or_else(|| "Deadwax".to_owned(), names);
    told(Say { project, names, by: event.by, at: event.at, who }, event)
}

/// The sentence as this member may read it; `None` where they may not know of the fact.
pub fn sentence_for(
    project: &Project,
    viewer: PersonId,
    event: &Event,
    names: &dyn Fn(PersonId) -> String,
) -> Option<Sentence> {
    if !audience::visible_fact(project, viewer, event) {
        return None;
    }
    if !audience::hidden_maker(project, viewer, event) {
        return Some(sentence(project, event, names));
    }
    let who = "An engineer".to_owned();
    Some(told(Say { project, names, by: event.by, at: event.at, who }, event))
}

fn told(say: Say<'_>, event: &Event) -> Sentence {
    let (song, text) = say.text(&event.fact);
    Sentence { code: code(&event.fact), who: say.who, text, song }
}

macro_rules! codes {
    ($($fact:ident = $code:literal),+ $(,)?) => {
        /// Every name of a fact.
        pub const CODES: &[&str] = &[$($code),+];

        pub fn code(fact: &Fact) -> &'static str {
            match fact {
                $(Fact::$fact { .. } => $code),+
            }
        }
    };
}

codes!(
    ProjectCreated = "PROJECT_CREATED",
    TermsChanged = "TERMS_CHANGED",
    MemberAdded = "MEMBER_ADDED",
    RolesChanged = "ROLES_CHANGED",
    MemberRemoved = "MEMBER_REMOVED",
    SongAdded = "SONG_ADDED",
    SongEdited = "SONG_EDITED",
    GateSet = "GATE_SET",
    FileReceived = "FILE_RECEIVED",
    VersionAdded = "VERSION_ADDED",
    NoteAdded = "NOTE_ADDED",
    NoteAddressed = "NOTE_ADDRESSED",
    NoteAccepted = "NOTE_ACCEPTED",
    NoteReopened = "NOTE_REOPENED",
    NoteDeclined = "NOTE_DECLINED",
    ChecklistTicked = "CHECKLIST_TICKED",
    RevisionRequested = "REVISION_REQUESTED",
    RevisionAnswered = "REVISION_ANSWERED",
    Approved = "APPROVED",
    ApprovalWithdrawn = "APPROVAL_WITHDRAWN",
    HoldPlaced = "HOLD_PLACED",
    HoldLifted = "HOLD_LIFTED",
    StageLeft = "STAGE_LEFT",
    HandoffMade = "HANDOFF_MADE",
    HandoffAccepted = "HANDOFF_ACCEPTED",
    HandoffReturned = "HANDOFF_RETURNED",
    RecipeSet = "RECIPE_SET",
    RenderQueued = "RENDER_QUEUED",
    RenderLeased = "RENDER_LEASED",
    RenderCompleted = "RENDER_COMPLETED",
    RenderFailed = "RENDER_FAILED",
    RenderCancelled = "RENDER_CANCELLED",
    RenderGivenBack = "RENDER_GIVEN_BACK",
    DeliveryMade = "DELIVERY_MADE",
    VersionExamined = "VERSION_EXAMINED",
    MixSwapped = "MIX_SWAPPED",
    PutForward = "PUT_FORWARD",
    GateOverridden = "GATE_OVERRIDDEN",
    ShootoutOpened = "SHOOTOUT_OPENED",
    VoteCast = "VOTE_CAST",
    MixPicked = "MIX_PICKED",
    PreflightSet = "PREFLIGHT_SET",
    SpacingSet = "SPACING_SET",
    SpacingApproved = "SPACING_APPROVED",
    NoteMoved = "NOTE_MOVED",
    ApprovalsCarried = "APPROVALS_CARRIED",
    DeadlinePassed = "DEADLINE_PASSED",
    PackageMade = "PACKAGE_MADE",
    VersionHeard = "VERSION_HEARD",
    Followed = "FOLLOWED",
    WebhookSet = "WEBHOOK_SET",
    WebhookRemoved = "WEBHOOK_REMOVED",
    SectionsSet = "SECTIONS_SET",
    LabelCopySet = "LABEL_COPY_SET",
    SongCopySet = "SONG_COPY_SET",
    CoverSet = "COVER_SET",
    SpacingNoted = "SPACING_NOTED",
    SpacingNoteClosed = "SPACING_NOTE_CLOSED",
    RecordQueued = "RECORD_QUEUED",
    RecordLeased = "RECORD_LEASED",
    RecordMade = "RECORD_MADE",
    RecordFailed = "RECORD_FAILED",
    RecordCancelled = "RECORD_CANCELLED",
    RecordGivenBack = "RECORD_GIVEN_BACK",
    RecordApproved = "RECORD_APPROVED",
    RecordDelivered = "RECORD_DELIVERED",
    KeyEnrolled = "KEY_ENROLLED",
    KeyRevoked = "KEY_REVOKED",
    ReceiptKept = "RECEIPT_KEPT",
    LinkMade = "LINK_MADE",
    LinkRevoked = "LINK_REVOKED",
);

struct Say<'a> {
    project: &'a Project,
    names: &'a dyn Fn(PersonId) -> String,
    by: Option<PersonId>,
    at: Time,
    who: String,
}

type Said = (Option<SongId>, String);

impl Say<'_> {
    fn text(&self, fact: &Fact) -> Said {
        match fact {
            Fact::ProjectCreated { .. }
            | Fact::TermsChanged { .. }
            | Fact::MemberAdded { .. }
            | Fact::RolesChanged { .. }
            | Fact::MemberRemoved { .. }
            | Fact::GateSet { .. }
            | Fact::FileReceived { .. } => (None, self.house(fact)),
            Fact::NoteAdded { .. }
            | Fact::NoteAddressed { .. }
            | Fact::NoteAccepted { .. }
            | Fact::NoteReopened { .. }
            | Fact::NoteDeclined { .. }
            | Fact::NoteMoved { .. }
            | Fact::ChecklistTicked { .. } => self.note_text(fact),
            Fact::RevisionRequested { .. }
            | Fact::HandoffReturned { .. }
            | Fact::MixSwapped { .. }
            | Fact::PackageMade { .. }
            | Fact::PutForward { .. } => self.round_text(fact),
            Fact::ShootoutOpened { .. } | Fact::VoteCast { .. } | Fact::MixPicked { .. } => {
                self.shootout_text(fact)
            }
            Fact::Followed { .. } | Fact::WebhookSet { .. } | Fact::WebhookRemoved { .. } => {
                self.notice_text(fact)
            }
            Fact::RenderQueued { .. }
            | Fact::RenderLeased { .. }
            | Fact::RenderCompleted { .. }
            | Fact::RenderFailed { .. }
            | Fact::RenderCancelled { .. }
            | Fact::RenderGivenBack { .. } => self.render_text(fact),
            Fact::VersionExamined { .. }
            | Fact::GateOverridden { .. }
            | Fact::PreflightSet { .. }
            | Fact::SpacingSet { .. }
            | Fact::SpacingApproved { .. }
            | Fact::ApprovalsCarried { .. }
            | Fact::DeadlinePassed { .. }
            | Fact::SectionsSet { .. }
            | Fact::VersionHeard { .. } => self.gates(fact),
            Fact::LabelCopySet { .. }
            | Fact::SongCopySet { .. }
            | Fact::CoverSet { .. }
            | Fact::SpacingNoted { .. }
            | Fact::SpacingNoteClosed { .. } => self.copy_text(fact),
            Fact::RecordQueued { .. }
            | Fact::RecordLeased { .. }
            | Fact::RecordMade { .. }
            | Fact::RecordFailed { .. }
            | Fact::RecordCancelled { .. }
            | Fact::RecordGivenBack { .. }
            | Fact::RecordApproved { .. }
            | Fact::RecordDelivered { .. } => (None, self.record_text(fact)),
            Fact::KeyEnrolled { .. } | Fact::KeyRevoked { .. } | Fact::ReceiptKept { .. } => {
                (None, self.key_text(fact))
            }
            Fact::LinkMade { .. } | Fact::LinkRevoked { .. } => self.link_text(fact),
            _ => self.work(fact),
        }
    }

    fn house(&self, fact: &Fact) -> String {
        let who = &self.who;
        match fact {
            Fact::ProjectCreated { title, .. } => format!("{who} created the project \"{title}\"."),
            Fact::TermsChanged { terms } => {
                let own = if terms.self_approval { "allowed" } else { "not allowed" };
                let free = plural(terms.corrections_free as usize, "correction");
                let rounds = plural(terms.rounds_included as usize, "round");
                let until = if terms.cut_off.is_some() { ", with a cut-off date" } else { "" };
                format!("{who} set the terms: {rounds} and {free} included{until}, self-approval {own}.")
            }
            Fact::MemberAdded { person, roles } if self.by == Some(*person) => {
                format!("{who} became {}.", list(roles))
            }
            Fact::MemberAdded { person, roles } => {
                format!("{who} added {} as {}.", (self.names)(*person), list(roles))
            }
            Fact::RolesChanged { person, roles } => {
                format!("{who} made {} {}.", (self.names)(*person), list(roles))
            }
            Fact::MemberRemoved { person } => format!("{who} removed {}.", (self.names)(*person)),
            Fact::GateSet { rule } => self.gate_set(rule),
            Fact::FileReceived { file } => format!("{who} uploaded \"{}\".", file.name),
            _ => String::new(),
        }
    }

    fn work(&self, fact: &Fact) -> Said {
        let (who, project) = (&self.who, self.project);
        let version = |id: VersionId| project.version_name(id);
        let title = |song: SongId| project.song_name(song);
        match fact {
            Fact::SongAdded { song, title, .. } => {
                (Some(*song), format!("{who} added the song \"{title}\"."))
            }
            Fact::SongEdited { song, title, isrc } => {
                let isrc = if isrc.is_empty() { String::new() } else { format!(", ISRC {isrc}") };
                (Some(*song), format!("{who} set a song to \"{title}\"{isrc}."))
            }
            Fact::VersionAdded { song, kind, number, files, render, line, .. } => {
                (Some(*song), self.added(*song, (*kind, *number, *line), files, render.is_some()))
            }
            Fact::RevisionAnswered { request, version: by } => {
                let song = project.requests.get(*request).map(|request| request.song);
                (song, format!("{} answers the revision request.", version(*by)))
            }
            Fact::Approved { song, version: of, role, .. } => {
                (Some(*song), format!("{who} approved {} as {role}.", version(*of)))
            }
            Fact::ApprovalWithdrawn { approval } => {
                let text = format!("{who} withdrew an approval{}.", self.as_role(*approval));
                (self.signed(*approval).map(|it| it.song), text)
            }
            Fact::HoldPlaced { song, role, reason, .. } => {
                let why = crate::handoff::reasons(reason, &[]);
                (Some(*song), format!("{who} put {} on hold as {role}: {why}", title(*song)))
            }
            Fact::HoldLifted { approval } => {
                let text = format!("{who} lifted the hold{}.", self.as_role(*approval));
                (self.signed(*approval).map(|it| it.song), text)
            }
            Fact::StageLeft { song, from, to, version: of } => {
                let now = if *to == Stage::Delivered {
                    "is ready for delivery".into()
                } else {
                    format!("is now in {to}")
                };
                let how = if self.was_overridden(*song, *of) { "was overridden for" } else { "is met with" };
                let text = format!("The gate of {from} {how} {}: {} {now}.", version(*of), title(*song));
                (Some(*song), text)
            }
            Fact::HandoffMade { song, version: of } => {
                (Some(*song), format!("{} was handed to mastering.", version(*of)))
            }
            Fact::HandoffAccepted { song } => {
                (Some(*song), format!("{who} accepted the handoff of {}.", title(*song)))
            }
            Fact::RecipeSet { song, recipe, .. } => {
                let of = song.map_or_else(|| "the project".to_owned(), title);
                let did = if recipe.is_some() { "set the recipe of" } else { "took away the recipe of" };
                (*song, format!("{who} {did} {of}."))
            }
            Fact::DeliveryMade { song, version: of, files, .. } => {
                let text = format!(
                    "{who} delivered {} of {}: {}.",
                    version(*of),
                    title(*song),
                    plural(files.len(), "file")
                );
                (Some(*song), text)
            }
            _ => (None, String::new()),
        }
    }

    fn added(
        &self,
        song: SongId,
        (kind, number, line): (VersionKind, u32, Option<Line>),
        files: &[File],
        rendered: bool,
    ) -> String {
        let title = self.project.song_name(song);
        let with = with_files(files);
        let kind = line.map_or_else(|| kind.to_string(), |line| format!("{kind} {}", line.letter()));
        if rendered {
            return format!("A render made {kind} {number} of {title}{with}.");
        }
        format!("{} added {kind} {number} of {title}{with}.", self.who)
    }

    fn signed(&self, approval: ApprovalId) -> Option<&Approval> {
        self.project.approvals.get(approval)
    }

    fn as_role(&self, approval: ApprovalId) -> String {
        self.signed(approval).map_or_else(String::new, |it| format!(" given as {}", it.role))
    }

    fn note_text(&self, fact: &Fact) -> Said {
        let who = &self.who;
        let noted = |id: NoteId| self.project.notes.get(id);
        let song = |id: NoteId| noted(id).map(|note: &Note| note.song);
        let of = |id: NoteId| {
            noted(id).map_or_else(|| "a note".to_owned(), |note| format!("a note of the {}", note.role))
        };
        match fact {
            Fact::NoteAdded { song, version, parent, internal, .. } => {
                let what = match (parent.is_some(), internal) {
                    (true, _) => "replied to a note",
                    (false, true) => "wrote an internal note",
                    (false, false) => "wrote a note",
                };
                (Some(*song), format!("{who} {what} on {}.", self.project.version_name(*version)))
            }
            Fact::NoteAddressed { note, version } => {
                let name = self.project.version_name(*version);
                (song(*note), format!("{who} says that {} is done in {name}.", of(*note)))
            }
            Fact::NoteAccepted { note } => (song(*note), format!("{who} accepted {}.", of(*note))),
            Fact::NoteReopened { note, .. } => (song(*note), format!("{who} reopened {}.", of(*note))),
            Fact::NoteDeclined { note, .. } => (song(*note), format!("{who} declined {}.", of(*note))),
            Fact::NoteMoved { note, version, span } => {
                let (name, at) = (self.project.version_name(*version), crate::note::clock(span.start_ms));
                (
                    song(*note),
                    format!("{who} put {} at {at} of {name}; where it was written stays.", of(*note)),
                )
            }
            Fact::ChecklistTicked { note, item, done } => {
                let how = if *done { "ticked" } else { "cleared" };
                let item = item.saturating_add(1);
                (song(*note), format!("{who} {how} item {item} of {}.", of(*note)))
            }
            _ => (None, String::new()),
        }
    }

    fn render_text(&self, fact: &Fact) -> Said {
        let rendered = |id: RenderId| self.project.renders.get(id);
        let song = |id: RenderId| rendered(id).map(|render: &Render| render.song);
        let of = |id: RenderId| {
            rendered(id)
                .map_or_else(String::new, |it| format!(" of {}", self.project.version_name(it.version)))
        };
        match fact {
            Fact::RenderQueued { song, version, .. } => {
                let name = self.project.version_name(*version);
                (Some(*song), format!("A render of {name} was queued."))
            }
            Fact::RenderLeased { render, attempt, .. } => {
                (song(*render), format!("Attempt {attempt} of the render{} began.", of(*render)))
            }
            Fact::RenderCompleted { render, .. } => {
                (song(*render), format!("The render{} is done.", of(*render)))
            }
            Fact::RenderFailed { render, attempt, parked, .. } => {
                let then = if *parked { "it waits for the mastering engineer" } else { "it is tried again" };
                (song(*render), format!("Attempt {attempt} of the render{} failed; {then}.", of(*render)))
            }
            Fact::RenderCancelled { render } => {
                (song(*render), format!("The render{} was cancelled.", of(*render)))
            }
            Fact::RenderGivenBack { render, attempt } => {
                let what = format!("Attempt {attempt} of the render{}", of(*render));
                (song(*render), format!("{what} was given back: its worker was told to stop."))
            }
            _ => (None, String::new()),
        }
    }
}

/// " with 2 alternates in 3 formats": a master holds each alternate in several encodings, a mix in one.
fn with_files(files: &[File]) -> String {
    let alternates: BTreeSet<Alternate> = files.iter().map(|file| file.alternate).collect();
    let others = alternates.iter().filter(|one| **one != Alternate::Main).count();
    let formats = alternates
        .iter()
        .map(|one| files.iter().filter(|file| file.alternate == *one).count())
        .max()
        .unwrap_or(0);
    match (others, formats) {
        (0, 0 | 1) => String::new(),
        (0, _) => format!(" in {}", plural(formats, "format")),
        (_, 0 | 1) => format!(" with {}", plural(others, "alternate")),
        (..) => format!(" with {} in {}", plural(others, "alternate"), plural(formats, "format")),
    }
}

fn list(roles: &Roles) -> String {
    and(&roles.iter().map(ToString::to_string).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::file;

    #[test]
    fn alternates_are_counted_once_however_many_encodings_they_have() {
        use Alternate::{ACappella as AC, Instrumental as I, Main as M};
        let with = |alternates: &[Alternate]| {
            with_files(&alternates.iter().map(|one| file(*one, 1)).collect::<Vec<_>>())
        };
        assert_eq!(with(&[M]), "");
        assert_eq!(with(&[M, I]), " with 1 alternate");
        assert_eq!(with(&[M, M, M]), " in 3 formats");
        assert_eq!(with(&[M, M, M, I, I, I, AC, AC, AC]), " with 2 alternates in 3 formats");
    }
}
