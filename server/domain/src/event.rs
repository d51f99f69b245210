//! Facts. Each is one entry of the project's stream and is never changed. `wire/ledger` in the server stores them; a new field there
//! needs a default that old facts can live with.

use crate::{
    Alternate, ApprovalId, DeliveryId, Digest, File, GateRule, NoteId, PersonId, ReceivedFile, Recipe,
    RenderId, RequestId, Role, Roles, SongId, Span, Stage, Time, VersionId, VersionKind,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub at: Time,
    /// `None`: the house itself (the render worker, or a consequence of the rule).
    pub by: Option<PersonId>,
    pub fact: Fact,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    ProjectCreated {
        title: String,
        artist: String,
    },
    TermsChanged {
        rounds_included: u32,
        self_approval: bool,
    },
    MemberAdded {
        person: PersonId,
        roles: Roles,
    },
    RolesChanged {
        person: PersonId,
        roles: Roles,
    },
    MemberRemoved {
        person: PersonId,
    },
    SongAdded {
        song: SongId,
        title: String,
        isrc: String,
    },
    SongEdited {
        song: SongId,
        title: String,
        isrc: String,
    },
    GateSet {
        rule: GateRule,
    },
    FileReceived {
        file: ReceivedFile,
    },
    VersionAdded {
        version: VersionId,
        song: SongId,
        kind: VersionKind,
        number: u32,
        title: String,
        changelog: String,
        files: Vec<File>,
        fingerprint: Digest,
        render: Option<RenderId>,
    },
    NoteAdded {
        note: NoteId,
        song: SongId,
        version: VersionId,
        alternate: Option<Alternate>,
        parent: Option<NoteId>,
        span: Option<Span>,
        role: Role,
        text: String,
        internal: bool,
        addressee: Option<PersonId>,
        checklist: Vec<String>,
    },
    NoteAddressed {
        note: NoteId,
        version: VersionId,
    },
    NoteAccepted {
        note: NoteId,
    },
    NoteReopened {
        note: NoteId,
        reason: String,
    },
    NoteDeclined {
        note: NoteId,
        reason: String,
    },
    ChecklistTicked {
        note: NoteId,
        item: u32,
        done: bool,
    },
    RevisionRequested {
        request: RequestId,
        song: SongId,
        version: VersionId,
        role: Role,
        message: String,
        notes: Vec<NoteId>,
        round: u32,
    },
    RevisionAnswered {
        request: RequestId,
        version: VersionId,
    },
    Approved {
        approval: ApprovalId,
        song: SongId,
        version: VersionId,
        role: Role,
        fingerprint: Digest,
    },
    ApprovalWithdrawn {
        approval: ApprovalId,
    },
    HoldPlaced {
        approval: ApprovalId,
        song: SongId,
        role: Role,
        reason: String,
    },
    HoldLifted {
        approval: ApprovalId,
    },
    /// The gate was met: `version` is what it let through.
    StageLeft {
        song: SongId,
        from: Stage,
        to: Stage,
        version: VersionId,
    },
    HandoffMade {
        song: SongId,
        version: VersionId,
    },
    HandoffAccepted {
        song: SongId,
    },
    HandoffReturned {
        song: SongId,
        reason: String,
    },
    /// `song` `None`: of the whole project. `recipe` `None`: it has none of its own any more.
    RecipeSet {
        song: Option<SongId>,
        recipe: Option<Recipe>,
        why: String,
    },
    /// `recipe` `None`: the studio's default, which the first lease fills in.
    RenderQueued {
        render: RenderId,
        song: SongId,
        version: VersionId,
        recipe: Option<Recipe>,
    },
    /// `recipe` is the one that is really used: source, recipe and engine tell the bytes (D-1). `None` in facts that were written before
    /// it stood here.
    RenderLeased {
        render: RenderId,
        attempt: u32,
        engine: String,
        recipe: Option<Recipe>,
    },
    /// `sheet`: the page that tells before and after, as bytes of its own. `None` in facts of servers that drew none.
    RenderCompleted {
        render: RenderId,
        version: VersionId,
        report_json: String,
        sheet: Option<Digest>,
    },
    RenderFailed {
        render: RenderId,
        attempt: u32,
        reason: String,
        parked: bool,
    },
    RenderCancelled {
        render: RenderId,
    },
    DeliveryMade {
        delivery: DeliveryId,
        song: SongId,
        version: VersionId,
        fingerprint: Digest,
        files: Vec<File>,
        manifest_json: String,
    },
}
