//! Who may do what, as data: a row for every call and for every action of Perform, a column for every role. The words of the rows are those of the manual
//! (the comments in the .proto files). Never here: how it is asked.

use crate::{
    actions, calls,
    world::{Asker, Place, State},
};

/// What stands in a call, apart from who calls.
pub struct Asking<'a> {
    /// The project that is named.
    pub project: Place,
    /// Whose objects are named beside what the row is about.
    pub own: Place,
    /// Whose object the row is about.
    pub it: Place,
    pub asker: Asker,
    /// Where notes or versions are named that the asker may not know of.
    pub hidden: Hidden,
    /// Of what is made: new in each call.
    pub fresh: u128,
    pub cast: &'a crate::world::Cast,
    /// An upload, a session or a code that was made for this call.
    pub made: &'a str,
    /// What the machine of the asker has signed beside it.
    pub proof: Option<deadwax_proto::v1::Proof>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    No,
    /// An internal note, to who is not of the workshop.
    Note,
    /// The mix of another line, to who has a line.
    Version,
}

/// Made for each call, so that it has something to work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    Nothing,
    Upload,
    Session,
    Code,
    Invite,
    /// By the manager.
    Link,
    /// What opens such a link.
    Secret,
}

/// The columns are the seven roles in the order of `Asker`: `+` done, `-` NOT_YOUR_ROLE, `o` ORIGINALS_CLOSED, `?` the answer for what is absent, `r` the rule of
/// the row. Then the studio's owner, the manager of the other project, who was removed, and who is not signed in (`u`). The guest of a link has a column of their
/// own: `g` NOT_FOR_GUESTS, and that is so wherever a row says nothing.
pub struct Row {
    pub name: &'static str,
    pub may: &'static str,
    /// What the others hear.
    pub others: &'static str,
    /// What the guest of a link to one song hears.
    pub guest: char,
    pub state: State,
    pub made: Made,
    /// The answer to an object that is not there, or is somebody else's; empty: the call names the project alone, or nothing.
    pub absent: &'static str,
    /// What `r` stands for.
    pub rule: &'static str,
    pub hidden: Hidden,
    pub call: Call,
}

pub enum Call {
    Action(fn(&Asking<'_>) -> deadwax_proto::v1::action::Action),
    Rpc(&'static str, fn(&Asking<'_>) -> Vec<bytes::Bytes>),
}

/// Nobody else learns that the project exists.
const STRANGERS: &str = "???u";
/// The house lets people in and out of any project.
const OWNER_TOO: &str = "+??u";
const EVERYBODY: &str = "++++";
const SIGNED_IN: &str = "+++u";

const fn action(
    name: &'static str,
    may: &'static str,
    call: fn(&Asking<'_>) -> deadwax_proto::v1::action::Action,
) -> Row {
    Row {
        name,
        may,
        others: STRANGERS,
        guest: 'g',
        state: State::Songs,
        made: Made::Nothing,
        absent: "",
        rule: "",
        hidden: Hidden::No,
        call: Call::Action(call),
    }
}

const fn rpc(
    name: &'static str,
    may: &'static str,
    path: &'static str,
    call: fn(&Asking<'_>) -> Vec<bytes::Bytes>,
) -> Row {
    Row { call: Call::Rpc(path, call), ..action(name, may, actions::none) }
}

impl Row {
    const fn absent(self, absent: &'static str) -> Row {
        Row { absent, ..self }
    }
    const fn rule(self, rule: &'static str) -> Row {
        Row { rule, ..self }
    }
    const fn hides(self, hidden: Hidden) -> Row {
        Row { hidden, ..self }
    }
    const fn on(self, state: State) -> Row {
        Row { state, ..self }
    }
    const fn others(self, others: &'static str) -> Row {
        Row { others, ..self }
    }
    const fn with(self, made: Made) -> Row {
        Row { made, ..self }
    }
    const fn guest(self, guest: char) -> Row {
        Row { guest, ..self }
    }

    /// The letter of the table.
    pub fn letter(&self, asker: Asker) -> char {
        if asker == Asker::Guest {
            return self.guest;
        }
        let all = self.may.chars().chain(self.others.chars());
        all.zip(crate::world::ASKERS).find(|(_, of)| *of == asker).map_or(' ', |(letter, _)| letter)
    }
}

const SONG: &str = "NO_SUCH_SONG";
const VERSION: &str = "NO_SUCH_VERSION";
const NOTE: &str = "NO_SUCH_NOTE";
const PERSON: &str = "NO_SUCH_PERSON";
const APPROVAL: &str = "NO_SUCH_APPROVAL";
const RECORD: &str = "NO_SUCH_RECORD";
const RENDER: &str = "NO_SUCH_RENDER";

/// Every arm of `Action`, by the name of its field.
pub const ACTIONS: &[Row] = &[
    //                           artist, producer, mixer, masterer, label, manager, listener
    action("create_project", "-------", actions::create_project).others("+--u").guest('-'),
    action("change_terms", "-----+-", actions::change_terms),
    action("add_member", "-----+-", actions::add_member).others(OWNER_TOO),
    action("change_roles", "-----+-", actions::change_roles).others(OWNER_TOO).absent(PERSON),
    action("remove_member", "-----+-", actions::remove_member).others(OWNER_TOO).absent(PERSON),
    action("add_song", "++---+-", actions::add_song),
    action("edit_song", "++--++-", actions::edit_song).absent(SONG),
    action("set_gate", "-----+-", actions::set_gate),
    action("add_version", "+++----", actions::add_version).absent(SONG),
    action("add_note", "++++++-", actions::add_note).absent(VERSION).hides(Hidden::Version).guest('+'),
    action("address_note", "-+++---", actions::address_note).absent(NOTE).hides(Hidden::Note),
    action("accept_note", "+-----?", actions::accept_note).absent(NOTE).hides(Hidden::Note),
    action("reopen_note", "+-----?", actions::reopen_note).absent(NOTE).hides(Hidden::Note),
    action("decline_note", "-+++---", actions::decline_note).absent(NOTE).hides(Hidden::Note),
    action("tick_checklist", "-+++---", actions::tick_checklist).absent(NOTE).hides(Hidden::Note),
    action("request_revision", "++--++-", actions::request_revision).absent(VERSION),
    action("approve", "++rr++-", actions::approve)
        .absent(VERSION)
        .rule("NOT_ASKED_BY_GATE")
        .hides(Hidden::Version),
    action("withdraw_approval", "-+----?", actions::withdraw_approval).absent(APPROVAL),
    action("hold", "++rr++-", actions::hold).absent(SONG).rule("NOT_ASKED_BY_GATE"),
    action("lift_hold", "----+-?", actions::lift_hold).absent(APPROVAL),
    action("accept_handoff", "---+---", actions::accept_handoff).absent(SONG),
    action("return_handoff", "---+++-", actions::return_handoff).absent(SONG),
    action("set_recipe", "---+---", actions::set_recipe).absent(SONG),
    action("start_render", "---+---", actions::start_render).absent(SONG),
    action("cancel_render", "---+---", actions::cancel_render).absent(RENDER),
    action("make_delivery", "---+++-", actions::make_delivery).absent(SONG),
    action("move_note", "++++--?", actions::move_note).absent(NOTE).hides(Hidden::Note),
    action("swap_mix", "-++-++-", actions::swap_mix).absent(SONG),
    action("put_forward", "-++----", actions::put_forward).absent(VERSION).hides(Hidden::Version),
    action("override_gate", "-----+-", actions::override_gate).absent(SONG),
    action("open_shootout", "-+--++-", actions::open_shootout).absent(SONG),
    action("cast_vote", "++--+--", actions::cast_vote).absent(SONG),
    action("pick_mix", "----+--", actions::pick_mix).absent(SONG),
    action("set_preflight", "---+-+-", actions::set_preflight),
    action("set_spacing", "++-+-+-", actions::set_spacing),
    action("approve_spacing", "++--++-", actions::approve_spacing),
    action("follow", "+++++++", actions::follow).absent(SONG),
    action("set_webhook", "-----+-", actions::set_webhook),
    action("remove_webhook", "-----+-", actions::remove_webhook).absent("NO_SUCH_WEBHOOK"),
    action("set_sections", "++++++-", actions::set_sections).absent(VERSION).hides(Hidden::Version),
    action("set_label_copy", "-+--++-", actions::set_label_copy),
    action("set_song_copy", "-+--++-", actions::set_song_copy).absent(SONG),
    action("add_spacing_note", "++++++-", actions::add_spacing_note).absent(SONG),
    action("close_spacing_note", "++++-+?", actions::close_spacing_note).absent(NOTE),
    action("start_record", "---+++-", actions::start_record).on(State::Signed),
    action("cancel_record", "---+++-", actions::cancel_record).on(State::Making).absent(RECORD),
    action("approve_record", "----+--", actions::approve_record).on(State::Made).absent(RECORD),
    action("deliver_record", "---+++-", actions::deliver_record).on(State::Approved).absent(RECORD),
    action("enrol_key", "r++++++", actions::enrol_key).rule("KEY_NOT_VOUCHED"),
    action("revoke_key", "+----+-", actions::revoke_key).absent("NO_SUCH_KEY"),
    action("remove_cover", "-+--++-", actions::remove_cover),
];

/// Every call, by its path; what is asked in several ways stands there several times, the way behind a `#`.
pub const CALLS: &[Row] = &[
    rpc("grpc.health.v1.Health/Check", "+++++++", "grpc.health.v1.Health/Check", calls::empty)
        .others(EVERYBODY)
        .guest('+'),
    rpc("grpc.health.v1.Health/Watch", "+++++++", "grpc.health.v1.Health/Watch", calls::empty)
        .others(EVERYBODY)
        .guest('+'),
    rpc("deadwax.v1.Sessions/GetServerInfo", "+++++++", "deadwax.v1.Sessions/GetServerInfo", calls::empty)
        .others(EVERYBODY)
        .guest('+'),
    rpc("deadwax.v1.Sessions/Login", "+++++++", "deadwax.v1.Sessions/Login", calls::login)
        .others(EVERYBODY)
        .guest('+')
        .with(Made::Code),
    rpc("deadwax.v1.Sessions/Challenge", "+++++++", "deadwax.v1.Sessions/Challenge", calls::empty)
        .others(EVERYBODY)
        .guest('+'),
    rpc("deadwax.v1.Sessions/SignIn", "rrrrrrr", "deadwax.v1.Sessions/SignIn", calls::sign_in_of_tomorrow)
        .others("rrrr")
        .guest('r')
        .rule("API_VERSION"),
    rpc(
        "deadwax.v1.Sessions/SetPassphrase",
        "rrrrrrr",
        "deadwax.v1.Sessions/SetPassphrase",
        calls::weak_passphrase,
    )
    .others("rrru")
    .rule("PASSPHRASE_WEAK"),
    rpc(
        "deadwax.v1.Sessions/SetPassphrase#token",
        "rrrrrrr",
        "deadwax.v1.Sessions/SetPassphrase",
        calls::weak_passphrase,
    )
    .others("rrru")
    .rule("PROOF_NEEDED"),
    rpc("deadwax.v1.Sessions/EndAccess", "-------", "deadwax.v1.Sessions/EndAccess", calls::end_access)
        .others("+--u"),
    rpc("deadwax.v1.Sessions/EndAccess#token", "-------", "deadwax.v1.Sessions/EndAccess", calls::end_access)
        .others("r--u")
        .rule("PROOF_NEEDED"),
    rpc("deadwax.v1.Sessions/Logout", "+++++++", "deadwax.v1.Sessions/Logout", calls::empty)
        .others(SIGNED_IN)
        .guest('+')
        .with(Made::Session),
    rpc("deadwax.v1.Sessions/WhoAmI", "+++++++", "deadwax.v1.Sessions/WhoAmI", calls::empty)
        .others(SIGNED_IN)
        .guest('+'),
    rpc("deadwax.v1.Sessions/SetMail", "rrrrrrr", "deadwax.v1.Sessions/SetMail", calls::set_mail)
        .others("rrru")
        .rule("MAIL_NOT_SET_UP"),
    rpc(
        "deadwax.v1.Sessions/CreateInvite",
        "-----+-",
        "deadwax.v1.Sessions/CreateInvite",
        calls::create_invite,
    )
    .others(OWNER_TOO),
    rpc(
        "deadwax.v1.Sessions/CreateInvite#device",
        "+++++++",
        "deadwax.v1.Sessions/CreateInvite",
        calls::invite_device,
    )
    .others(SIGNED_IN),
    rpc(
        "deadwax.v1.Sessions/CreateInvite#device#token",
        "rrrrrrr",
        "deadwax.v1.Sessions/CreateInvite",
        calls::invite_device,
    )
    .others("rrru")
    .rule("PROOF_NEEDED"),
    rpc(
        "deadwax.v1.Sessions/CreateInvite#studio",
        "-------",
        "deadwax.v1.Sessions/CreateInvite",
        calls::invite_to_studio,
    )
    .others("+--u"),
    rpc("deadwax.v1.Sessions/ListInvites", "-----+-", "deadwax.v1.Sessions/ListInvites", calls::list_invites),
    rpc(
        "deadwax.v1.Sessions/RevokeInvite",
        "-----+-",
        "deadwax.v1.Sessions/RevokeInvite",
        calls::revoke_invite,
    )
    .with(Made::Invite)
    .absent("INVITE_UNKNOWN"),
    rpc("deadwax.v1.Sessions/ListSessions", "+++++++", "deadwax.v1.Sessions/ListSessions", calls::empty)
        .others(SIGNED_IN),
    rpc(
        "deadwax.v1.Sessions/ListSessions#somebody",
        "-------",
        "deadwax.v1.Sessions/ListSessions",
        calls::sessions_of_somebody,
    )
    .others("+--u"),
    rpc(
        "deadwax.v1.Sessions/RevokeSession",
        "+++++++",
        "deadwax.v1.Sessions/RevokeSession",
        calls::revoke_session,
    )
    .others(SIGNED_IN)
    .with(Made::Session),
    rpc(
        "deadwax.v1.Sessions/RevokeSession#token",
        "rrrrrrr",
        "deadwax.v1.Sessions/RevokeSession",
        calls::revoke_session,
    )
    .others("rrru")
    .rule("PROOF_NEEDED")
    .with(Made::Session),
    rpc(
        "deadwax.v1.Sessions/RevokeSession#somebody",
        "rrrrrrr",
        "deadwax.v1.Sessions/RevokeSession",
        calls::revoke_session_of_somebody,
    )
    .others("+rru")
    .rule("NO_SUCH_SESSION")
    .with(Made::Session),
    rpc("deadwax.v1.Projects/List", "+++++++", "deadwax.v1.Projects/List", calls::empty)
        .others(SIGNED_IN)
        .guest('+'),
    rpc("deadwax.v1.Projects/Get", "+++++++", "deadwax.v1.Projects/Get", calls::get).guest('+'),
    rpc("deadwax.v1.Projects/Watch", "+++++++", "deadwax.v1.Projects/Watch", calls::get).guest('+'),
    rpc("deadwax.v1.Projects/History", "+++++++", "deadwax.v1.Projects/History", calls::get).guest('+'),
    rpc("deadwax.v1.Projects/TryGate", "++++++-", "deadwax.v1.Projects/TryGate", calls::try_gate)
        .absent(SONG),
    rpc("deadwax.v1.Projects/Turnaround", "++++++-", "deadwax.v1.Projects/Turnaround", calls::get),
    rpc(
        "deadwax.v1.Projects/WebhookSecret",
        "-----+-",
        "deadwax.v1.Projects/WebhookSecret",
        calls::webhook_secret,
    )
    .absent("NO_SUCH_WEBHOOK"),
    rpc("deadwax.v1.Projects/Desk", "+++++++", "deadwax.v1.Projects/Desk", calls::empty).others(SIGNED_IN),
    rpc("deadwax.v1.Projects/WatchDesk", "+++++++", "deadwax.v1.Projects/WatchDesk", calls::empty)
        .others(SIGNED_IN),
    rpc("deadwax.v1.Media/BeginUpload", "++++++-", "deadwax.v1.Media/BeginUpload", calls::begin_upload),
    rpc("deadwax.v1.Media/Upload", "++++++?", "deadwax.v1.Media/Upload", calls::upload)
        .with(Made::Upload)
        .absent("UPLOAD_UNKNOWN"),
    rpc("deadwax.v1.Media/GetUpload", "++++++?", "deadwax.v1.Media/GetUpload", calls::get_upload)
        .with(Made::Upload)
        .absent("UPLOAD_UNKNOWN"),
    rpc("deadwax.v1.Media/Download", "++++++o", "deadwax.v1.Media/Download", calls::download)
        .absent("NO_SUCH_FILE")
        .hides(Hidden::Version)
        .guest('+'),
    rpc("deadwax.v1.Media/Listen", "+++++++", "deadwax.v1.Media/Listen", calls::download)
        .absent("NO_SUCH_FILE")
        .hides(Hidden::Version)
        .guest('+'),
    rpc("deadwax.v1.Media/Waveform", "+++++++", "deadwax.v1.Media/Waveform", calls::waveform)
        .absent("NO_SUCH_FILE")
        .hides(Hidden::Version)
        .guest('+'),
    rpc("deadwax.v1.Media/Compare", "+++++++", "deadwax.v1.Media/Compare", calls::compare)
        .absent(VERSION)
        .hides(Hidden::Version),
    rpc("deadwax.v1.Media/GetHandoff", "++++++o", "deadwax.v1.Media/GetHandoff", calls::get_handoff)
        .absent(SONG),
    rpc("deadwax.v1.Media/ReportHeard", "+++++++", "deadwax.v1.Media/ReportHeard", calls::report_heard)
        .absent(VERSION)
        .hides(Hidden::Version)
        .guest('+'),
    rpc("deadwax.v1.Presence/Attend", "+++++++", "deadwax.v1.Presence/Attend", calls::attend).guest('+'),
    rpc("deadwax.v1.Mastering/WatchRender", "++++++?", "deadwax.v1.Mastering/WatchRender", calls::render)
        .absent(RENDER),
    rpc("deadwax.v1.Mastering/GetSheet", "++++++?", "deadwax.v1.Mastering/GetSheet", calls::sheet)
        .absent(RENDER),
    rpc("deadwax.v1.Mastering/ListRecipes", "+++++++", "deadwax.v1.Mastering/ListRecipes", calls::empty)
        .others(SIGNED_IN),
    rpc("deadwax.v1.Mastering/CheckRecipe", "+++++++", "deadwax.v1.Mastering/CheckRecipe", calls::empty)
        .others(SIGNED_IN),
    rpc("deadwax.v1.Records/ListProfiles", "+++++++", "deadwax.v1.Records/ListProfiles", calls::empty)
        .others(SIGNED_IN),
    rpc("deadwax.v1.Records/Plan", "++++++-", "deadwax.v1.Records/Plan", calls::plan),
    rpc("deadwax.v1.Records/GetRecord", "++++++-", "deadwax.v1.Records/GetRecord", calls::record)
        .on(State::Made)
        .absent(RECORD)
        .guest('?'),
    rpc("deadwax.v1.Records/GetReport", "++++++-", "deadwax.v1.Records/GetReport", calls::record)
        .on(State::Made)
        .absent(RECORD),
    rpc("deadwax.v1.Records/WatchRecord", "++++++-", "deadwax.v1.Records/WatchRecord", calls::record)
        .on(State::Made)
        .absent(RECORD),
    rpc("deadwax.v1.Records/Fetch", "++++++o", "deadwax.v1.Records/Fetch", calls::fetch)
        .on(State::Made)
        .absent(RECORD)
        .guest('?'),
    rpc("deadwax.v1.Records/PutCover", "-+--++-", "deadwax.v1.Records/PutCover", calls::put_cover),
    rpc("deadwax.v1.Records/GetCover", "++++++-", "deadwax.v1.Records/GetCover", calls::get),
    rpc("deadwax.v1.Records/GetChain", "++++++-", "deadwax.v1.Records/GetChain", calls::get),
    rpc("deadwax.v1.Records/GetEvidence", "++++++-", "deadwax.v1.Records/GetEvidence", calls::get),
    rpc(
        "deadwax.v1.Records/GetEvidence#song",
        "rrrrrr-",
        "deadwax.v1.Records/GetEvidence",
        calls::evidence_of_song,
    )
    .absent(SONG)
    .rule("NO_RECEIPTS"),
    rpc("deadwax.v1.Links/Make", "+---++-", "deadwax.v1.Links/Make", calls::make_link).absent(SONG),
    rpc("deadwax.v1.Links/List", "+---++-", "deadwax.v1.Links/List", calls::get),
    rpc("deadwax.v1.Links/Revoke", "?????+?", "deadwax.v1.Links/Revoke", calls::revoke_link)
        .with(Made::Link)
        .absent("NO_SUCH_LINK"),
    rpc("deadwax.v1.Links/Open", "+++++++", "deadwax.v1.Links/Open", calls::open_link)
        .with(Made::Secret)
        .others(EVERYBODY)
        .guest('+'),
    rpc("deadwax.v1.Audit/Received", "----++-", "deadwax.v1.Audit/Received", calls::get).others(OWNER_TOO),
    rpc("deadwax.v1.Audit/Received#studio", "-------", "deadwax.v1.Audit/Received", calls::empty)
        .others("+--u"),
];
