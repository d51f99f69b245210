//! Handoffs: the approved mix on its way to mastering, accepted there or sent back with a reason.

use crate::{
    Actor, Alternate, Command, Digest, Fact, PersonId, Project, Reason, Refusal, Role, Song, Stage, Time,
    VersionId,
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
    /// Where it was returned, or the mix was swapped.
    pub reason: String,
    pub items: Vec<ReturnItem>,
    pub package: Option<Package>,
}

/// What is wrong with one file of a handoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnItem {
    /// `None`: the handoff as a whole.
    pub alternate: Option<Alternate>,
    pub reason: String,
}

/// The handoff as one file, made once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub digest: Digest,
    pub name: String,
    pub bytes: u64,
    pub made_at: Time,
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
        Command::ReturnHandoff { song, reason, items } => {
            asker.must_hold(&[Role::MasteringEngineer, Role::Label, Role::Manager], "return a handoff")?;
            running(asker.song(*song)?)?;
            let reason = text::required("The reason", reason)?;
            let items = items.clone();
            Ok(Ruling {
                facts: vec![Fact::HandoffReturned { song: *song, reason, items }],
                consequences: render::cancel_all(project, *song),
                ..Ruling::default()
            })
        }
        Command::RecordPackage { song, version, digest, name, bytes } => {
            let _ = (song, version, digest, name, bytes);
            misrouted()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ApprovalState, VersionKind, testing::*};

    fn back() -> Command {
        Command::ReturnHandoff {
            song: SONG,
            reason: "The vocal clips at 1:12.".to_owned(),
            items: Vec::new(),
        }
    }

    #[test]
    fn a_returned_mix_needs_new_signatures_and_its_masters_are_history() {
        let given = Given::mastered();
        given.when(person(ARTIST), back()).refused(Reason::NotYourRole);
        let given = given.and(person(MASTERER), back());
        assert_eq!(given.stage(), Stage::Mixing);
        assert_eq!(given.project.candidate(SONG).unwrap().id, VersionId(10));
        assert!(given.project.newest(SONG, VersionKind::Master).is_none());
        let mixing = given.project.approvals_of(SONG).filter(|(approval, _)| approval.stage == Stage::Mixing);
        assert!(mixing.into_iter().all(|(_, state)| state == ApprovalState::Outdated));
        // Signed again, it goes to mastering again, and the old master is not its candidate.
        let again = given.approved(ARTIST, 10, Role::Artist).approved(LABEL, 10, Role::Label);
        assert_eq!(again.stage(), Stage::Mastering);
        assert!(again.project.candidate(SONG).is_none());
        again.when(person(LABEL), again.approve(20, Role::Label)).refused(Reason::VersionSuperseded);
    }

    #[test]
    fn returning_cancels_the_render_and_fences_its_worker() {
        let given = Given::mastering();
        let render = given.project.queued_renders()[0].id;
        let given = given.and(Actor::Worker, lease(render));
        given.when(person(LABEL), back()).facts(&["HANDOFF_RETURNED", "RENDER_CANCELLED"]);
        let given = given.and(person(LABEL), back());
        given.when(Actor::Worker, complete(render, 1, 20, 50)).refused(Reason::RenderEnded);
    }

    #[test]
    fn a_handoff_is_accepted_once_by_a_mastering_engineer() {
        let accept = Command::AcceptHandoff { song: SONG };
        Given::mixed().when(person(MASTERER), accept.clone()).refused(Reason::NoHandoff);
        let given = Given::mastering();
        given.when(person(MIXER), accept.clone()).refused(Reason::NotYourRole);
        let given = given.and(person(MASTERER), accept.clone());
        given.when(person(MASTERER), accept.clone()).refused(Reason::HandoffEnded);
        given.and(person(MASTERER), back()).when(person(MASTERER), accept).refused(Reason::HandoffEnded);
        Given::delivered().when(person(MASTERER), back()).refused(Reason::HandoffEnded);
    }
}
