//! The people of a project with their invites, and this person's own devices, as the screen sees them. Never here: IO.

use deadwax_proto::v1::{
    CreateInviteRequest, CreateInviteResponse, InviteInfo, LinkInfo, LinkState, MemberRow, SessionInfo,
};

use super::{form::LinkAsk, model::Model, msg::Failure};

#[derive(Clone, Debug, Default)]
pub struct People {
    /// The project whose invites were asked for; `None`: the screen is not open.
    pub of: Option<String>,
    /// `None` until the answer comes. An error is a sentence.
    pub invites: Option<Result<Vec<InviteInfo>, String>>,
    pub sessions: Option<Result<Vec<SessionInfo>, String>>,
    /// Share links that are not revoked; empty where none may be seen.
    pub shared: Vec<LinkInfo>,
    /// Came while another question was open: shown as soon as that is closed.
    pub link: Option<LinkAsk>,
}

/// One line of the screen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line<'a> {
    Member(&'a MemberRow),
    Invite(&'a InviteInfo),
    Shared(&'a LinkInfo),
    Session(&'a SessionInfo),
}

/// Members by role, then open invites, then share links, then this person's devices.
pub fn lines<'a>(model: &'a Model, project: &str) -> Vec<Line<'a>> {
    let mut members = model.projects.get(project).map_or_else(Vec::new, |rows| rows.members());
    members.sort_by_key(|it| (it.roles.iter().min().copied(), it.name.as_str(), it.person_id.as_str()));
    let mut lines: Vec<Line<'a>> = members.into_iter().map(Line::Member).collect();
    if let Some(Ok(invites)) = &model.people.invites {
        lines.extend(invites.iter().map(Line::Invite));
    }
    lines.extend(model.people.shared.iter().map(Line::Shared));
    if let Some(Ok(sessions)) = &model.people.sessions {
        lines.extend(sessions.iter().map(Line::Session));
    }
    lines
}

#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    Invites { project_id: String },
    Shared { project_id: String },
    RevokeShared { project_id: String, link_id: String },
    Sessions,
    Invite(CreateInviteRequest),
    RevokeInvite { project_id: String, invite_id: String },
    RevokeSession { session_id: String },
}

#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Invites {
        project_id: String,
        outcome: Result<Vec<InviteInfo>, Failure>,
    },
    Shared {
        project_id: String,
        outcome: Result<Vec<LinkInfo>, Failure>,
    },
    SharedRevoked(Result<(), Failure>),
    Sessions(Result<Vec<SessionInfo>, Failure>),
    /// The name is empty where it is a further device of one's own.
    Invited {
        name: String,
        outcome: Result<CreateInviteResponse, Failure>,
    },
    InviteRevoked(Result<(), Failure>),
    SessionRevoked(Result<(), Failure>),
}

/// What became of a share link, in a word.
pub fn state(link: &LinkInfo) -> &'static str {
    match link.state() {
        LinkState::Live => "open",
        LinkState::UsedUp => "used up",
        LinkState::Expired => "! expired",
        LinkState::Revoked => "! revoked",
        LinkState::Unspecified => "",
    }
}
