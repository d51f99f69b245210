//! Handoffs: the approved mix on its way to mastering, accepted there or sent back with a reason.

use crate::{
    Actor, Command, Fact, PersonId, Project, Reason, Refusal, Role, Song, Stage, Time, VersionId,
    asker::Asker,
    decide::{Ruling, misrouted},
    refusal::no,
    render, text,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Handoff {
    pub version: VersionId,
    pub made_at: Time,
    pub state: HandoffState,
    /// Since when it is in this state.
    pub state_since: Time,
    /// Who accepted or returned it.
    pub by: Option<PersonId>,
    /// Where it was returned.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandoffState {
    Offered,
    Accepted,
    Returned,
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::AcceptHandoff { song } => {
            asker.must_hold(&[Role::MasteringEngineer], "accept a handoff")?;
            if running(asker.song(*song)?)?.state == HandoffState::Accepted {
                return no(Reason::HandoffEnded, "The handoff was accepted already.", "");
            }
            Ok(Ruling::fact(Fact::HandoffAccepted { song: *song }))
        }
        Command::ReturnHandoff { song, reason } => {
            asker.must_hold(&[Role::MasteringEngineer, Role::Label, Role::Manager], "return a handoff")?;
            running(asker.song(*song)?)?;
            let reason = text::required("The reason", reason)?;
            Ok(Ruling {
                facts: vec![Fact::HandoffReturned { song: *song, reason }],
                consequences: render::cancel_all(project, *song),
                ..Ruling::default()
            })
        }
        _ => misrouted(),
    }
}

/// The handoff that mastering works from now.
fn running(song: &Song) -> Result<&Handoff, Refusal> {
    match &song.handoff {
        None => no(
            Reason::NoHandoff,
            format!("\"{}\" was not handed to mastering yet.", song.title),
            "The gate of mixing comes first.",
        ),
        Some(handoff) if handoff.state == HandoffState::Returned => no(
            Reason::HandoffEnded,
            format!("The handoff of \"{}\" was returned.", song.title),
            "The next one comes with the gate of mixing.",
        ),
        Some(_) if song.stage != Stage::Mastering => {
            no(Reason::HandoffEnded, format!("\"{}\" has left mastering.", song.title), "")
        }
        Some(handoff) => Ok(handoff),
    }
}
