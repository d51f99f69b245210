//! Keys of the screen "People". Never here: what they do.

use crossterm::event::KeyCode;

use super::{
    Binding,
    Key::{Char, Code},
    Verb,
};

pub(super) const KEYS: &[Binding] = bind! {
    Invite, [Char('n')], "invite", "Invite somebody: name, e-mail, roles; a link is shown once";
    Roles, [Char('r'), Code(KeyCode::Enter)], "roles", "Change the roles of the member";
    Remove, [Char('x')], "remove", "Remove the member; revoke the invite, the share link or the device";
    RevokeKey, [Char('K')], "", "Revoke a key of the member: it signs nothing any more";
    AddDevice, [Char('d')], "device", "A link for a further device of yours";
    History, [Char('i')], "", "Who did what";
};
