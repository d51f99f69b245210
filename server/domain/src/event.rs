//! Facts. Each is one entry of the project's stream and is never changed. `wire/ledger` in the server stores them; a new field there
//! needs a default that old facts can live with.

use crate::{
    Alternate, ApprovalId, Cover, DeliveryId, Digest, Examined, File, FollowLevel, GateRule, LabelCopy, Line,
    LinkId, LinkScope, NoteId, PersonId, PreflightSetting, Receipt, ReceivedFile, Recipe, RecordFile,
    RecordId, RecordProfile, RecordSource, RenderId, RequestId, ReturnItem, RevisionKind, Role, Roles,
    Section, ShootoutId, SongCopy, SongId, SpacingItem, Span, Stage, Terms, Time, VersionId, VersionKind,
    WebhookId,
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
        terms: Terms,
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
        /// Where mixes compete or competed: whose. `number` counts within it.
        line: Option<Line>,
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
        /// Which this is; where it is free, the last one.
        round: u32,
        kind: RevisionKind,
        /// A correction that the terms include: it counts as no round.
        free: bool,
        beyond_terms: bool,
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
        items: Vec<ReturnItem>,
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
    /// Its worker was told to stop: this attempt counts for nothing.
    RenderGivenBack {
        render: RenderId,
        attempt: u32,
    },
    DeliveryMade {
        delivery: DeliveryId,
        song: SongId,
        version: VersionId,
        fingerprint: Digest,
        files: Vec<File>,
        manifest_json: String,
    },
    /// What the house found out about a version by itself.
    VersionExamined {
        version: VersionId,
        examined: Examined,
    },
    /// The mix is to be another although mastering had it: back to mixing.
    MixSwapped {
        song: SongId,
        reason: String,
    },
    /// An earlier version is the candidate of its stage again, until a newer one is added.
    PutForward {
        version: VersionId,
        reason: String,
    },
    /// A manager opened a gate that was not met. `unmet`: its lines, as they stood.
    GateOverridden {
        song: SongId,
        stage: Stage,
        version: VersionId,
        reason: String,
        unmet: Vec<String>,
    },
    ShootoutOpened {
        shootout: ShootoutId,
        song: SongId,
        entrants: Vec<PersonId>,
        blind: bool,
    },
    VoteCast {
        song: SongId,
        role: Role,
        /// The best first.
        ranking: Vec<VersionId>,
        blind: bool,
        /// 0: not matched.
        matched_lufs: f64,
        reason: String,
    },
    MixPicked {
        song: SongId,
        version: VersionId,
        role: Role,
        reason: String,
    },
    PreflightSet {
        settings: Vec<PreflightSetting>,
    },
    SpacingSet {
        number: u32,
        items: Vec<SpacingItem>,
    },
    SpacingApproved {
        approval: ApprovalId,
        number: u32,
        role: Role,
    },
    /// Somebody put a note where it belongs in a later version.
    NoteMoved {
        note: NoteId,
        version: VersionId,
        span: Span,
    },
    /// The carry rule: these approvals count for `to` as they did for `from`.
    ApprovalsCarried {
        from: VersionId,
        to: VersionId,
        approvals: Vec<ApprovalId>,
        why: String,
    },
    DeadlinePassed {
        stage: Stage,
        due: Time,
    },
    /// The newest handoff of the song as one file.
    PackageMade {
        song: SongId,
        version: VersionId,
        digest: Digest,
        name: String,
        bytes: u64,
    },
    /// How much of its Main this person has heard by now.
    VersionHeard {
        version: VersionId,
        percent: u32,
    },
    /// `song` `None`: the whole project.
    Followed {
        song: Option<SongId>,
        level: FollowLevel,
    },
    WebhookSet {
        webhook: WebhookId,
        url: String,
        codes: Vec<String>,
    },
    WebhookRemoved {
        webhook: WebhookId,
    },
    /// In the order of the song; none: it has none of its own any more.
    SectionsSet {
        version: VersionId,
        sections: Vec<Section>,
    },
    LabelCopySet {
        copy: LabelCopy,
    },
    SongCopySet {
        song: SongId,
        copy: SongCopy,
    },
    CoverSet {
        cover: Option<Cover>,
    },
    SpacingNoted {
        note: NoteId,
        number: u32,
        song: Option<SongId>,
        text: String,
    },
    SpacingNoteClosed {
        note: NoteId,
        answer: String,
    },
    RecordQueued {
        record: RecordId,
        number: u32,
        spacing: u32,
        sources: Vec<RecordSource>,
        profiles: Vec<RecordProfile>,
        loudest_track_lufs: Option<f64>,
        /// Empty: nobody said.
        medium: String,
    },
    RecordLeased {
        record: RecordId,
        attempt: u32,
        engine: String,
    },
    RecordMade {
        record: RecordId,
        files: Vec<RecordFile>,
        fingerprint: Digest,
        report_json: String,
    },
    RecordFailed {
        record: RecordId,
        attempt: u32,
        reason: String,
        parked: bool,
    },
    RecordCancelled {
        record: RecordId,
    },
    /// As `RenderGivenBack`.
    RecordGivenBack {
        record: RecordId,
        attempt: u32,
    },
    RecordApproved {
        approval: ApprovalId,
        record: RecordId,
        role: Role,
        fingerprint: Digest,
    },
    RecordDelivered {
        record: RecordId,
        manifest_json: String,
    },
    KeyEnrolled {
        key: Digest,
        person: PersonId,
        public_key: String,
        proof: String,
        vouched_by: Option<Digest>,
        vouch: String,
    },
    KeyRevoked {
        key: Digest,
        reason: String,
    },
    /// `guest` is who hears by it; their name is the studio's affair, and so is the secret.
    LinkMade {
        link: LinkId,
        guest: PersonId,
        scope: LinkScope,
        expires: Time,
        sessions_max: u32,
        download: bool,
        notes: bool,
        has_password: bool,
    },
    LinkRevoked {
        link: LinkId,
    },
    /// Belongs to an approval of the same command.
    ReceiptKept {
        approval: ApprovalId,
        sequence: u32,
        receipt: Receipt,
    },
}
