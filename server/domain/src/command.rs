//! Everything that can be asked of a project, and by whom. `decide` answers with facts or a refusal.

use crate::{
    Alternate, ApprovalId, Cover, DeliveryId, Digest, Examined, File, FollowLevel, GateRule, LabelCopy,
    LinkId, LinkScope, NoteId, PersonId, PreflightSetting, Receipt, Recipe, RecordFile, RecordId,
    RecordProfile, RenderId, RequestId, ReturnItem, RevisionKind, Role, Roles, Section, ShootoutId, SongCopy,
    SongId, SpacingItem, Stage, Time, VersionId, VersionKind, WebhookId,
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
        corrections_free: Option<u32>,
        /// `Some(None)`: there is none any more.
        cut_off: Option<Option<Time>>,
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
        kind: RevisionKind,
        /// The asker knows that it lies beyond the terms.
        beyond_terms: bool,
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
        items: Vec<ReturnItem>,
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
    /// Worker: it stops, and this attempt of its own is no fault of the render's. Whoever comes next begins another.
    GiveBackRender {
        render: RenderId,
        attempt: u32,
    },
    MakeDelivery {
        delivery: DeliveryId,
        song: SongId,
        manifest_json: String,
    },
    MoveNote {
        note: NoteId,
        version: VersionId,
        span: Span,
    },
    SwapMix {
        song: SongId,
        reason: String,
    },
    PutForward {
        version: VersionId,
        reason: String,
    },
    OverrideGate {
        song: SongId,
        /// What was looked at. `None`: whatever is the candidate.
        version: Option<VersionId>,
        reason: String,
    },
    OpenShootout {
        shootout: ShootoutId,
        song: SongId,
        entrants: Vec<PersonId>,
        blind: bool,
    },
    CastVote {
        song: SongId,
        role: Role,
        ranking: Vec<VersionId>,
        blind: bool,
        matched_lufs: f64,
        reason: String,
    },
    PickMix {
        song: SongId,
        version: VersionId,
        role: Role,
        fingerprint: Digest,
        reason: String,
    },
    SetPreflight {
        settings: Vec<PreflightSetting>,
    },
    SetSpacing {
        items: Vec<SpacingItem>,
    },
    ApproveSpacing {
        approval: ApprovalId,
        number: u32,
        role: Role,
    },
    Follow {
        song: Option<SongId>,
        level: FollowLevel,
    },
    /// The server has looked at the address.
    SetWebhook {
        webhook: WebhookId,
        url: String,
        codes: Vec<String>,
    },
    RemoveWebhook {
        webhook: WebhookId,
    },
    /// Worker: what was found out about a version.
    RecordExamination {
        version: VersionId,
        examined: Examined,
    },
    /// Worker: the package of the newest handoff, stored under this digest.
    RecordPackage {
        song: SongId,
        version: VersionId,
        digest: Digest,
        name: String,
        bytes: u64,
    },
    /// Worker: a date has come.
    PassDeadline {
        stage: Stage,
    },
    /// Where the parts of the song begin in it; none: they are taken away.
    SetSections {
        version: VersionId,
        sections: Vec<Section>,
    },
    SetLabelCopy {
        copy: LabelCopy,
    },
    SetSongCopy {
        song: SongId,
        copy: SongCopy,
    },
    /// The server has read the picture's head and stored it. None: it is taken away.
    SetCover {
        cover: Option<Cover>,
    },
    AddSpacingNote {
        note: NoteId,
        number: u32,
        song: Option<SongId>,
        text: String,
    },
    CloseSpacingNote {
        note: NoteId,
        answer: String,
    },
    /// The server has read the profiles.
    StartRecord {
        record: RecordId,
        spacing: u32,
        profiles: Vec<RecordProfile>,
        loudest_track_lufs: Option<f64>,
        /// What its sides are cut on; empty: nobody said.
        medium: String,
        /// [`record::basis`](crate::record::basis) of what was seen; `None`: nobody says.
        basis: Option<Digest>,
    },
    CancelRecord {
        record: RecordId,
    },
    /// Worker.
    LeaseRecord {
        record: RecordId,
        engine: String,
    },
    /// Worker.
    CompleteRecord {
        record: RecordId,
        attempt: u32,
        files: Vec<RecordFile>,
        report_json: String,
    },
    /// Worker.
    FailRecord {
        record: RecordId,
        attempt: u32,
        reason: String,
        retry: bool,
    },
    /// Worker: as `GiveBackRender`.
    GiveBackRecord {
        record: RecordId,
        attempt: u32,
    },
    ApproveRecord {
        approval: ApprovalId,
        record: RecordId,
        role: Role,
        fingerprint: Digest,
    },
    DeliverRecord {
        record: RecordId,
        manifest_json: String,
    },
    /// The server has checked that `proof` is a signature of this key, and `vouch` one of `vouched_by`, over the text that [`receipt`](crate::receipt) tells.
    EnrolKey {
        key: Digest,
        public_key: String,
        proof: String,
        vouched_by: Option<Digest>,
        vouch: String,
    },
    RevokeKey {
        key: Digest,
        reason: String,
    },
    /// One of the approvals, signed with a key.
    Signed {
        approve: Box<Command>,
        receipt: Receipt,
    },
    /// `guest`: the person that the server makes for it. The secret and the password are the server's own affair.
    MakeLink {
        link: LinkId,
        guest: PersonId,
        scope: LinkScope,
        expires: Time,
        sessions_max: u32,
        download: bool,
        notes: bool,
        has_password: bool,
    },
    RevokeLink {
        link: LinkId,
    },
    /// Sent by the server for a person whose reports of listening came to this share.
    RecordHeard {
        version: VersionId,
        percent: u32,
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
