//! The door of the rules: one command in, facts or a refusal out. Each rule stands beside its noun; here is only who is sent where,
//! and what follows of itself when a gate is met.

use crate::{
    Actor, Command, Digest, Event, Fact, PersonId, Project, Reason, Receipt, Refusal, SongId, Time, approval,
    delivery, examination, gate, handoff, heard, label_copy, link, member, note, notice, preflight, receipt,
    recipe, record, refusal::no, render, revision, section, shootout, song, spacing, version,
};

/// What follows from a command: facts, or a refusal. Pure; never panics (P-6). Facts that nobody in person made
/// (`by: None`) are the rule's consequences: a met gate, a cancelled render, an answered request.
pub fn decide(project: &Project, actor: &Actor, command: &Command, now: Time) -> Result<Vec<Event>, Refusal> {
    Ok(follow(project, actor, rule(project, actor, command, now)?, now))
}

fn follow(project: &Project, actor: &Actor, ruling: Ruling, now: Time) -> Vec<Event> {
    let Ruling { facts, consequences, touched } = ruling;
    let by = match actor {
        Actor::Person { id, .. } => Some(*id),
        Actor::Worker => None,
    };
    let event = |by: Option<PersonId>| move |fact| Event { at: now, by, fact };
    let mut events: Vec<Event> = facts.into_iter().map(event(by)).collect();
    events.extend(consequences.into_iter().map(event(None)));
    gate::open_what_is_met(project, &mut events, touched, now);
    events
}

/// May the actor do this? The rule itself, without what would follow; cheap enough to ask for every row of a view.
pub fn check(project: &Project, actor: &Actor, command: &Command) -> Result<(), Refusal> {
    rule(project, actor, command, project.as_of).map(|_| ())
}

/// The same, where an approval would come with whatever receipt is asked.
pub(crate) fn check_signed(project: &Project, actor: &Actor, command: &Command) -> Result<(), Refusal> {
    match command {
        Command::Approve { .. } | Command::ApproveSpacing { .. } | Command::ApproveRecord { .. } => {
            of_approval(project, actor, command).map(|_| ())
        }
        _ => check(project, actor, command),
    }
}

/// What would follow from an approval with a receipt, before there is one. For questions only: what it answers is never kept.
pub(crate) fn as_if_signed(
    project: &Project,
    actor: &Actor,
    approve: &Command,
) -> Result<Vec<Event>, Refusal> {
    let mut ruling = of_approval(project, actor, approve)?;
    let none = Receipt { statement: String::new(), signature: String::new(), key: Digest([0; 32]) };
    ruling.facts.extend(receipt::kept(project, approve, none));
    Ok(follow(project, actor, ruling, project.as_of))
}

/// An approval of whatever, apart from the question for a key.
pub(crate) fn of_approval(project: &Project, actor: &Actor, approve: &Command) -> Result<Ruling, Refusal> {
    match approve {
        Command::Approve { .. } => approval::rule(project, actor, approve),
        Command::ApproveSpacing { .. } => spacing::approval(project, actor, approve),
        Command::ApproveRecord { .. } => record::approval(project, actor, approve),
        _ => no(
            Reason::StatementInvalid,
            "Only an approval is signed with a key.",
            "Send the command without a receipt.",
        ),
    }
}

/// What a rule answers.
#[derive(Default)]
pub(crate) struct Ruling {
    /// Made by the actor.
    pub facts: Vec<Fact>,
    /// Made by the rule, after them.
    pub consequences: Vec<Fact>,
    /// Whose gates may be met by it.
    pub touched: Touched,
}

#[derive(Clone, Copy, Default)]
pub(crate) enum Touched {
    #[default]
    None,
    Song(SongId),
    All,
}

impl Ruling {
    pub fn fact(fact: Fact) -> Ruling {
        Ruling { facts: vec![fact], ..Ruling::default() }
    }

    pub fn touching(mut self, touched: Touched) -> Ruling {
        self.touched = touched;
        self
    }
}

fn rule(project: &Project, actor: &Actor, command: &Command, now: Time) -> Result<Ruling, Refusal> {
    if let Command::CreateProject { title, artist } = command {
        return member::create_project(project, actor, title, artist);
    }
    if !project.exists {
        return no(Reason::NoSuchProject, "There is no such project.", "Look at the list of your projects.");
    }
    link::must_be_open_to_guests(project, actor, command)?;
    match command {
        Command::CreateProject { .. }
        | Command::ChangeTerms { .. }
        | Command::AddMember { .. }
        | Command::ChangeRoles { .. }
        | Command::RemoveMember { .. } => member::rule(project, actor, command),
        Command::AddSong { .. } | Command::EditSong { .. } => song::rule(project, actor, command),
        Command::SetRecipe { .. } => recipe::rule(project, actor, command),
        Command::SetGate { rule } => gate::set(project, actor, rule, now),
        Command::ReceiveFile { .. } | Command::AddVersion { .. } | Command::PutForward { .. } => {
            version::rule(project, actor, command)
        }
        Command::AddNote { .. }
        | Command::AddressNote { .. }
        | Command::AcceptNote { .. }
        | Command::ReopenNote { .. }
        | Command::DeclineNote { .. }
        | Command::MoveNote { .. }
        | Command::TickChecklist { .. } => note::rule(project, actor, command),
        Command::RequestRevision { .. } => revision::rule(project, actor, command, now),
        Command::Approve { .. } | Command::ApproveSpacing { .. } | Command::ApproveRecord { .. } => {
            let ruling = of_approval(project, actor, command)?;
            receipt::must_not_be_asked(project, command)?;
            Ok(ruling)
        }
        Command::WithdrawApproval { .. } | Command::Hold { .. } | Command::LiftHold { .. } => {
            approval::rule(project, actor, command)
        }
        Command::AcceptHandoff { .. }
        | Command::ReturnHandoff { .. }
        | Command::SwapMix { .. }
        | Command::RecordPackage { .. } => handoff::rule(project, actor, command),
        Command::StartRender { .. }
        | Command::CancelRender { .. }
        | Command::LeaseRender { .. }
        | Command::CompleteRender { .. }
        | Command::FailRender { .. }
        | Command::GiveBackRender { .. } => render::rule(project, actor, command),
        Command::MakeDelivery { .. } => delivery::rule(project, actor, command),
        Command::OverrideGate { .. } | Command::PassDeadline { .. } => {
            gate::rule(project, actor, command, now)
        }
        Command::OpenShootout { .. } | Command::CastVote { .. } | Command::PickMix { .. } => {
            shootout::rule(project, actor, command)
        }
        Command::SetPreflight { .. } => preflight::rule(project, actor, command),
        Command::SetSpacing { items } => spacing::set(project, actor, items),
        Command::Follow { .. } | Command::SetWebhook { .. } | Command::RemoveWebhook { .. } => {
            notice::rule(project, actor, command)
        }
        Command::SetSections { version, sections } => section::rule(project, actor, *version, sections),
        Command::RecordExamination { .. } => examination::rule(project, actor, command, now),
        Command::RecordHeard { .. } => heard::rule(project, actor, command),
        Command::SetLabelCopy { .. } | Command::SetSongCopy { .. } | Command::SetCover { .. } => {
            label_copy::rule(project, actor, command)
        }
        Command::AddSpacingNote { .. } | Command::CloseSpacingNote { .. } => {
            spacing::note_rule(project, actor, command)
        }
        Command::StartRecord { .. }
        | Command::CancelRecord { .. }
        | Command::LeaseRecord { .. }
        | Command::CompleteRecord { .. }
        | Command::FailRecord { .. }
        | Command::GiveBackRecord { .. }
        | Command::DeliverRecord { .. } => record::rule(project, actor, command),
        Command::EnrolKey { .. } | Command::RevokeKey { .. } => receipt::rule(project, actor, command),
        Command::MakeLink { .. } | Command::RevokeLink { .. } => link::rule(project, actor, command, now),
        Command::Signed { approve, receipt } => receipt::signed(project, actor, approve, receipt, now),
    }
}

/// A command that was sent to the wrong noun: the table above is wrong, not the asker. Refused, never a panic (P-6).
pub(crate) fn misrouted() -> Result<Ruling, Refusal> {
    no(
        Reason::NothingToChange,
        "Nothing was asked that could be done.",
        "Update the client and the server to the same version.",
    )
}
