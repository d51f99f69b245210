//! Scrubs every text of an answer as it comes in (S-1), so that no screen and no verb can forget it. `manifest_json` of a delivery and of a
//! record alone stays as it is: it is written to a file byte for byte and has a digest of its own; whoever prints it scrubs it then.

use deadwax_proto::v1;

use crate::{planted::planted, scrub};

pub trait Clean {
    fn clean(&mut self);
}

impl<T: Clean> Clean for Vec<T> {
    fn clean(&mut self) {
        self.iter_mut().for_each(Clean::clean);
    }
}

impl<T: Clean> Clean for Option<T> {
    fn clean(&mut self) {
        if let Some(inner) = self {
            inner.clean();
        }
    }
}

impl Clean for String {
    fn clean(&mut self) {
        *self = scrub::line(self);
    }
}

/// Which fields are one line (`line`, also lists of strings and messages) and which keep their line breaks (`block`).
macro_rules! clean {
    ($($type:ident { $($line:ident)* ; $($block:ident)* })*) => {
        $(impl Clean for v1::$type {
            fn clean(&mut self) {
                $(self.$line.clean();)*
                $(self.$block = scrub::block(&self.$block);)*
            }
        })*
    };
}

clean! {
    ServerInfo { studio version ; }
    LoginResponse { token person ; }
    Person { person_id name email ; }
    ChallengeResponse { challenge ; }
    EndAccessResponse { still_in ; }
    CreateInviteResponse { person_id link ; }
    MakeLinkResponse { link_id link fingerprint guest_id ; }
    ListLinksResponse { links ; }
    LinkInfo { link_id scope scope_words recipient guest_id made_by made_by_id revoked_by opened heard ; }
    LinkOpening { device received ; }
    LinkReceived { what way ; }
    LinkHeard { version_id what ; }
    LinkScope { of ; }
    OpenLinkResponse { token project_id guest scope studio ; }
    InviteInfo { invite_id person_id name ; }
    ListInvitesResponse { invites ; }
    SessionInfo { session_id device ; }
    ReceivedResponse { receptions ; }
    Reception { person_id name session_id device address way project_id object_id what sha256 ; }
    Attendance { attendees ; }
    Attendee { attendee_id person_id name song_id version_id alternate ; }
    ListSessionsResponse { sessions ; }
    Allowed { action reason text hint ; }
    ProjectRow { project_id title artist allowed gates preflight spacing webhooks label_copy receipts ; }
    LabelCopy { upc catalogue label p_line c_line release_date genre language cover ; }
    Cover { sha256 mime ; }
    PutCoverResponse { cover effects ; }
    SongCopy { version_title credits splits ; }
    Credit { role name ; }
    Split { name ; }
    ReceiptHead { statement_sha256 ; }
    KeyView { fingerprint public_key revoked_by reason vouched_by ; }
    SpacingNote { note_id song_id by closed_by ; text answer }
    RecordRow { record_id profiles by files fingerprint approvals differs sources allowed delivered_by waits_for
                medium outdated_by cautions ; reason }
    GetRecordResponse { record ; }
    GetReportResponse { ; report_json }
    RecordSource { song_id version_id fingerprint ; }
    RecordFile { profile folder name sha256 kind ; }
    ListProfilesResponse { profiles ; }
    ProfileInfo { name dated ; about toml }
    PlanResponse { files findings basis ; penalties_json consistency_json }
    PlannedFile { profile folder name kind format song_ids ; }
    PlanFinding { code text source mend profile song_id ; }
    RecordProgress { step ; }
    PreflightRule { code source mend ; }
    Spacing { items by approvals notes ; }
    SpacingItem { song_id ; }
    Webhook { webhook_id url codes by ; }
    MemberRow { person_id name allowed keys ; }
    SongRow { song_id title isrc candidate_version_id waits_for handoff allowed shootout copy ; recipe_toml }
    Handoff { version_id by items package ; reason }
    ReturnItem { alternate ; reason }
    Package { name sha256 ; }
    Shootout { shootout_id opened_by lines votes picked_version_id picked_by ; reason }
    Line { letter engineer engineer_id newest_version_id ; }
    Vote { by ranking ; reason }
    GateRule { required_alternates ; }
    GateRow { song_id lines approvals ; }
    GateLine { code text ; }
    ApprovalView { approval_id person_id name version_id fingerprint carried_to_version_id carried_why
                   key_fingerprint ; reason }
    VersionRow { version_id song_id title uploaded_by uploaded_by_id fingerprint files preflight render_id allowed line name
                 examination sections ; changelog }
    Section { name ; }
    ExaminationView { against_version_id changes ; reason }
    VersionFile { alternate sha256 name facts ; }
    AudioFacts { container codec remarks ; }
    Remark { code text ; }
    Finding { code text alternate source mend ; }
    NoteRow { note_id song_id version_id alternate parent_note_id author author_id addressee_id addressee
              addressed_in_version_id checklist allowed places verdicts ; text reason }
    NotePlace { version_id ; }
    NoteVerdict { version_id text ; }
    ChecklistItem { text ; }
    RequestRow { request_id song_id version_id by note_ids answered_by_version_id ; message }
    RenderRow { render_id song_id source_version_id recipe_hash engine master_version_id requested_by allowed ;
                recipe_toml reason report_json }
    DeliveryRow { delivery_id song_id version_id by fingerprint files signed_by ; }
    DeskRow { key project_id project_title song_id song_title text target_key ; }
    DeskResponse { rows ; }
    Row { key row ; }
    Update { upserts removals ; }
    PerformResponse { effects ; }
    ListResponse { projects ; }
    ProjectSummary { project_id title artist ; }
    TryGateResponse { gates warnings ; }
    TurnaroundResponse { songs ; }
    SongTurnaround { song_id title ; }
    WebhookSecretResponse { secret ; }
    HistoryResponse { entries ; }
    HistoryEntry { who code song_id ; text }
    UploadState { upload_id facts ; }
    RenderProgress { step ; }
    GetSheetResponse { ; sheet_json }
    CompareResponse { ; comparison_json }
    ListRecipesResponse { recipes ; }
    RecipeRow { song_id hash by ; toml why }
    RecipeInfo { name hash ; toml }
    CheckRecipeResponse { hash ; text }
}

impl Clean for v1::row::Row {
    fn clean(&mut self) {
        use v1::row::Row;
        match self {
            Row::Project(row) => row.clean(),
            Row::Member(row) => row.clean(),
            Row::Song(_) if planted!("title-unscrubbed") => {}
            Row::Song(row) => row.clean(),
            Row::Gate(row) => row.clean(),
            Row::Version(row) => row.clean(),
            Row::Note(row) => row.clean(),
            Row::Request(row) => row.clean(),
            Row::Render(row) => row.clean(),
            Row::Delivery(row) => row.clean(),
            Row::Recipe(row) => row.clean(),
            Row::Record(row) => row.clean(),
        }
    }
}

impl Clean for v1::link_scope::Of {
    fn clean(&mut self) {
        use v1::link_scope::Of;
        match self {
            Of::VersionId(id) | Of::SongId(id) | Of::RecordId(id) => id.clean(),
            Of::Album(_) => {}
        }
    }
}

impl Clean for v1::RevokeLinkResponse {
    fn clean(&mut self) {}
}

impl Clean for v1::SetPassphraseResponse {
    fn clean(&mut self) {}
}

impl Clean for v1::LogoutResponse {
    fn clean(&mut self) {}
}

impl Clean for v1::RevokeInviteResponse {
    fn clean(&mut self) {}
}

impl Clean for v1::RevokeSessionResponse {
    fn clean(&mut self) {}
}

impl Clean for v1::ReportHeardResponse {
    fn clean(&mut self) {}
}

impl Clean for v1::WaveformResponse {
    fn clean(&mut self) {}
}
