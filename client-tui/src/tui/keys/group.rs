//! What belongs together in the help, for a person who looks for it. Never here: keys.

use super::Verb;

/// In the order in which the help shows them.
pub const GROUPS: [&str; 9] = [
    "This screen",
    "Decide and sign",
    "Notes",
    "Listen",
    "The picture",
    "Listen together",
    "Move",
    "Lists and texts",
    "Go to, help, leave",
];

pub fn group(verb: Verb) -> &'static str {
    let at = match verb {
        Verb::Approve
        | Verb::Withdraw
        | Verb::Hold
        | Verb::LiftHold
        | Verb::Override
        | Verb::AcceptHandoff
        | Verb::ReturnHandoff
        | Verb::SwapMix
        | Verb::PutForward
        | Verb::RequestRevision
        | Verb::OpenShootout
        | Verb::Vote
        | Verb::Pick
        | Verb::MakeDelivery
        | Verb::ApproveSpacing
        | Verb::ApproveRecord
        | Verb::DeliverRecord => 1,
        Verb::AddNote
        | Verb::AddSongNote
        | Verb::Reply
        | Verb::Address
        | Verb::Accept
        | Verb::Reopen
        | Verb::Decline
        | Verb::Tick
        | Verb::MoveNote
        | Verb::JointNote
        | Verb::OrderNote
        | Verb::CloseJointNote
        | Verb::Settled => 2,
        Verb::PlayPause
        | Verb::Stop
        | Verb::Rewind
        | Verb::Forward
        | Verb::LoopRange
        | Verb::Switch
        | Verb::NextAlternate
        | Verb::PreviousAlternate
        | Verb::Level
        | Verb::Mono
        | Verb::Side
        | Verb::Swap
        | Verb::Dim
        | Verb::Blind
        | Verb::Heard => 3,
        Verb::ZoomIn
        | Verb::ZoomOut
        | Verb::ZoomAll
        | Verb::NoteBefore
        | Verb::NoteAfter
        | Verb::MarkRange
        | Verb::Sections => 4,
        Verb::SharePlayhead | Verb::Lead | Verb::FollowLead => 5,
        Verb::Up
        | Verb::Down
        | Verb::Left
        | Verb::Right
        | Verb::PageUp
        | Verb::PageDown
        | Verb::First
        | Verb::Last
        | Verb::NextPane => 6,
        Verb::Filter | Verb::Select | Verb::Copy | Verb::Undo | Verb::Redo | Verb::EditOutside => 7,
        Verb::Desk
        | Verb::Projects
        | Verb::Board
        | Verb::Album
        | Verb::Delivery
        | Verb::Record
        | Verb::Songs
        | Verb::People
        | Verb::LabelCopy
        | Verb::Transfers
        | Verb::Help
        | Verb::Palette
        | Verb::Back
        | Verb::Suspend
        | Verb::Retry
        | Verb::Quit => 8,
        _ => 0,
    };
    GROUPS[at]
}
