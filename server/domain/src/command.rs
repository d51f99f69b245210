//! Everything that can be asked of a project, and by whom. `decide` answers with facts or a refusal.

use crate::{
    Alternate, ApprovalId, DeliveryId, Digest, File, GateRule, NoteId, PersonId, Recipe, RenderId, RequestId,
    Role, Roles, SongId, VersionId, VersionKind,
};

/// Who asks. The server has proved the person; the roles are the project's own knowledge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Person {
        id: PersonId,
        studio_owner: bool,
    },
    /// The render worker of this server. May only lease, complete and fail renders.
    Worker,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    CreateProject {
        title: String,
        artist: String,
    },
    ChangeTerms {
        rounds_included: Option<u32>,
        self_approval: Option<bool>,
    },
    AddMember {
        person: PersonId,
        roles: Roles,
    },
    ChangeRoles {
        person: PersonId,
        roles: Roles,
    },
    RemoveMember {
        person: PersonId,
    },
    AddSong {
        song: SongId,
        title: String,
        isrc: String,
    },
    EditSong {
        song: SongId,
        title: Option<String>,
        isrc: Option<String>,
    },
    SetGate {
        rule: GateRule,
    },
    /// The server has these bytes, whole and measured; `facts` come from its own measurement. Recorded so that a later `AddVersion` may name them.
    ReceiveFile {
        file: ReceivedFile,
    },
    AddVersion {
        version: VersionId,
        song: SongId,
        kind: VersionKind,
        title: String,
        changelog: String,
        files: Vec<NewFile>,
    },
    AddNote {
        note: NoteId,
        version: VersionId,
        alternate: Option<Alternate>,
        parent: Option<NoteId>,
        span: Option<Span>,
        text: String,
        internal: bool,
        addressee: Option<PersonId>,
        checklist: Vec<String>,
    },
    AddressNote {
        note: NoteId,
        version: VersionId,
    },
    AcceptNote {
        note: NoteId,
    },
    ReopenNote {
        note: NoteId,
        reason: String,
    },
    DeclineNote {
        note: NoteId,
        reason: String,
    },
    TickChecklist {
        note: NoteId,
        item: u32,
        done: bool,
    },
    RequestRevision {
        request: RequestId,
        version: VersionId,
        role: Role,
        message: String,
        notes: Vec<NoteId>,
    },
    Approve {
        approval: ApprovalId,
        version: VersionId,
        role: Role,
        fingerprint: Digest,
    },
    WithdrawApproval {
        approval: ApprovalId,
    },
    Hold {
        approval: ApprovalId,
        song: SongId,
        role: Role,
        reason: String,
    },
    LiftHold {
        approval: ApprovalId,
    },
    AcceptHandoff {
        song: SongId,
    },
    ReturnHandoff {
        song: SongId,
        reason: String,
    },
    /// `song` `None`: the recipe of the whole project. `recipe` was parsed by the server (dsp) before it came here; `hash` is of its canonical
    /// text. `None`: no recipe of its own any more.
    SetRecipe {
        song: Option<SongId>,
        recipe: Option<Recipe>,
        why: String,
    },
    StartRender {
        render: RenderId,
        song: SongId,
        recipe: Option<Recipe>,
    },
    CancelRender {
        render: RenderId,
    },
    /// Worker: begins attempt n; the attempt number is the fence that a stale worker fails at. `recipe` is the studio's default as canonical
    /// text; it counts where the render has none.
    LeaseRender {
        render: RenderId,
        engine: String,
        recipe: Recipe,
    },
    CompleteRender {
        render: RenderId,
        attempt: u32,
        version: VersionId,
        files: Vec<ReceivedFileAs>,
        report_json: String,
        /// Stored under this digest before the command came.
        sheet: Option<Digest>,
    },
    /// `retry` false parks it at once (bad recipe); true queues it again until three attempts were used.
    FailRender {
        render: RenderId,
        attempt: u32,
        reason: String,
        retry: bool,
    },
    MakeDelivery {
        delivery: DeliveryId,
        song: SongId,
        manifest_json: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct NewFile {
    pub alternate: Alternate,
    pub digest: Digest,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedFile {
    pub digest: Digest,
    pub name: String,
    pub facts: crate::AudioFacts,
}

/// A rendered file, measured, with the alternate it is.
pub type ReceivedFileAs = File;

/// A place in the song, in milliseconds from its first sample. `end_ms` absent: a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start_ms: u64,
    pub end_ms: Option<u64>,
}
