//! The people of a project with their invites and sessions, as the screen sees them. Never here: IO.

use deadwax_proto::v1::{CreateInviteRequest, CreateInviteResponse, InviteInfo, SessionInfo};

use super::msg::Failure;

#[derive(Clone, Debug, Default)]
pub struct People {
    /// `None` until they were asked for, or where the viewer is no manager.
    pub invites: Option<Vec<InviteInfo>>,
    pub sessions: Option<Vec<SessionInfo>>,
    /// Shown once: the link of the newest invite, with the name of whom it is for.
    pub link: Option<(String, String)>,
    pub problem: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    Invites { project_id: String },
    Sessions,
    Invite(CreateInviteRequest),
    RevokeInvite { project_id: String, invite_id: String },
    RevokeSession { session_id: String },
}

#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Invites(Result<Vec<InviteInfo>, Failure>),
    Sessions(Result<Vec<SessionInfo>, Failure>),
    Invited { name: String, outcome: Result<CreateInviteResponse, Failure> },
    InviteRevoked(Result<(), Failure>),
    SessionRevoked(Result<(), Failure>),
}
