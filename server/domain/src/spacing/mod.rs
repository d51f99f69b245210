//! Spacing: the running order of the record with its gaps, crossfades, fades and levels, as numbered data that can be approved. A new number makes the
//! approvals of the one before outdated. Never here: sound.

mod notes;
mod rules;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::{ApprovalId, NoteId, PersonId, Project, Role, SongId, Stage, Time, text};

pub(crate) use notes::rule as note_rule;
pub(crate) use rules::{approval, must_be_playable, newest, set};

/// Who sets a running order and its gaps.
pub const SETTERS: [Role; 4] = [Role::Manager, Role::Producer, Role::Artist, Role::MasteringEngineer];
/// Who may be asked to approve one.
pub const APPROVERS: [Role; 4] = [Role::Artist, Role::Producer, Role::Label, Role::Manager];
/// A minute: longer is a hidden track, which is a song of its own.
pub const GAP_MAX_MS: u32 = 60_000;
/// Longer than this two songs are one piece, which is a mix of its own.
pub const CROSSFADE_MAX_MS: u32 = 30_000;
/// Hundredths of a decibel: more is another master.
pub const GAIN_MAX_CB: i32 = 600;

#[derive(Clone, Debug, PartialEq)]
pub struct Spacing {
    /// From 1.
    pub number: u32,
    pub items: Vec<SpacingItem>,
    pub by: Option<PersonId>,
    pub at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpacingItem {
    pub song: SongId,
    /// Silence before the song begins; 0 for the first.
    pub gap_ms: u32,
    /// How long it and the song before sound together; 0 for the first. Then there is no gap.
    pub crossfade_ms: u32,
    pub fade_in_ms: u32,
    pub fade_out_ms: u32,
    /// Of its fades, and of the crossfade into it.
    pub shape: FadeShape,
    /// Against the other songs, in hundredths of a decibel. What was signed is not touched by it.
    pub gain_cb: i32,
    /// Cut from its head before anything else.
    pub trim_in_ms: u32,
    pub trim_out_ms: u32,
    /// Only the first: it lies in the pre-gap of the first track and is no track of its own.
    pub hidden: bool,
    /// Of vinyl; the first does so anyway.
    pub begins_side: bool,
}

impl SpacingItem {
    /// After a gap, as it is.
    pub fn after(song: SongId, gap_ms: u32) -> Self {
        SpacingItem {
            song,
            gap_ms,
            crossfade_ms: 0,
            fade_in_ms: 0,
            fade_out_ms: 0,
            shape: FadeShape::default(),
            gain_cb: 0,
            trim_in_ms: 0,
            trim_out_ms: 0,
            hidden: false,
            begins_side: false,
        }
    }

    /// How it comes after the song before: "2.00 s gap", "1.50 s crossfade".
    pub fn joint(&self) -> String {
        match self.crossfade_ms {
            0 => format!("{} gap", seconds(self.gap_ms)),
            crossfade => format!("{} crossfade", seconds(crossfade)),
        }
    }

    /// What is done to its own sound, and where it lies: "1.00 s cut from its head, fade out 8.00 s, exponential, -1.50 dB, hidden before track 1"; empty:
    /// nothing.
    pub fn treatment(&self) -> String {
        let cut = |ms: u32, end: &str| (ms > 0).then(|| format!("{} cut from its {end}", seconds(ms)));
        let fade = |name: &str, ms: u32| (ms > 0).then(|| format!("fade {name} {}", seconds(ms)));
        let fades = self.crossfade_ms > 0 || self.fade_in_ms > 0 || self.fade_out_ms > 0;
        let shape = (fades && self.shape != FadeShape::EqualPower).then(|| self.shape.to_string());
        let gain = (self.gain_cb != 0).then(|| format!("{:+.2} dB", f64::from(self.gain_cb) / 100.0));
        let hidden = self.hidden.then(|| "hidden before track 1".to_owned());
        let side = self.begins_side.then(|| "begins a side".to_owned());
        let parts = [
            cut(self.trim_in_ms, "head"),
            cut(self.trim_out_ms, "tail"),
            fade("in", self.fade_in_ms),
            fade("out", self.fade_out_ms),
            shape,
            gain,
            hidden,
            side,
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

fn seconds(ms: u32) -> String {
    format!("{:.2} s", f64::from(ms) / 1000.0)
}

/// How a fade runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FadeShape {
    /// A quarter of a sine.
    #[default]
    EqualPower,
    Linear,
    /// Straight in decibels.
    Exponential,
}

impl std::fmt::Display for FadeShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            FadeShape::EqualPower => "equal power",
            FadeShape::Linear => "linear",
            FadeShape::Exponential => "exponential",
        })
    }
}

/// What one spacing has otherwise than the one before, in words; the order first.
pub fn changes(project: &Project, before: &[SpacingItem], now: &[SpacingItem]) -> Vec<String> {
    let mut told = Vec::new();
    // Of songs that are in both: one that was moved past others is told, not those that made room.
    let kept = |items: &[SpacingItem], of: &[SpacingItem]| -> Vec<SongId> {
        items.iter().map(|item| item.song).filter(|song| of.iter().any(|it| it.song == *song)).collect()
    };
    if kept(before, now) != kept(now, before) {
        let order: Vec<String> = now.iter().map(|item| project.song_name(item.song)).collect();
        told.push(format!("the order is {}", order.join(", ")));
    }
    for (at, item) in now.iter().enumerate() {
        let title = project.song_name(item.song);
        let Some(old) = before.iter().find(|old| old.song == item.song) else {
            told.push(format!("{title} is new"));
            continue;
        };
        if at > 0 && (old.gap_ms, old.crossfade_ms) != (item.gap_ms, item.crossfade_ms) {
            told.push(format!("{} before {title} instead of {}", item.joint(), old.joint()));
        }
        if old.treatment() != item.treatment() {
            let now = Some(item.treatment()).filter(|it| !it.is_empty());
            told.push(format!("{title}: {}", now.unwrap_or_else(|| "as it is".to_owned())));
        }
    }
    told
}

/// A remark on the running order or on one joint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpacingNote {
    pub id: NoteId,
    /// Of the spacing that it was said of.
    pub number: u32,
    /// The joint before this song; `None`: the order as a whole.
    pub song: Option<SongId>,
    pub by: PersonId,
    pub at: Time,
    pub text: String,
    pub closed: Option<Closed>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    pub by: Option<PersonId>,
    pub at: Time,
    pub answer: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpacingApproval {
    pub id: ApprovalId,
    pub number: u32,
    pub person: PersonId,
    pub role: Role,
    pub at: Time,
}

/// Every song of the project once, and nothing else.
pub fn names_every_song(project: &Project, items: &[SpacingItem]) -> bool {
    let named: BTreeSet<SongId> = items.iter().map(|item| item.song).collect();
    named.len() == items.len()
        && named.len() == project.songs.len()
        && named.iter().all(|song| project.songs.contains(*song))
}

/// By somebody who holds the role now, of the newest number; who set it counts only where one may approve one's own, and where the gate asks for receipts, who
/// signed with a key.
pub fn is_approved(project: &Project, stage: Stage, role: Role) -> bool {
    let Some(newest) = project.spacings.last() else { return false };
    let own = project.self_approval(stage);
    let signed = project.gate(stage).is_some_and(|rule| rule.signed);
    project.spacing_approvals.iter().any(|approval| {
        approval.number == newest.number
            && approval.role == role
            && project.holds_role(approval.person, role)
            && (own || newest.by != Some(approval.person))
            && (!signed || project.receipt_of(approval.id).is_some())
    })
}

/// The gate of mastering asks roles for it: without their approvals no record is made.
pub fn is_asked_for(project: &Project) -> bool {
    project.gate(Stage::Mastering).is_some_and(|rule| !rule.spacing_roles.is_empty())
}

/// Who has not approved the newest, in a sentence: those that the gate of mastering names; where it names none, anybody who may. `None`: there is nothing to say.
pub fn unapproved(project: &Project) -> Option<String> {
    let number = project.spacings.last()?.number;
    let lacks = |role: &&Role| !is_approved(project, Stage::Mastering, **role);
    let asked = project.gate(Stage::Mastering).map(|rule| rule.spacing_roles).unwrap_or_default();
    if asked.is_empty() {
        let nobody = APPROVERS.iter().all(|role| lacks(&role));
        return nobody.then(|| format!("Spacing {number} is approved by nobody."));
    }
    let lacking: Vec<String> = asked.iter().filter(lacks).map(|role| format!("the {role}")).collect();
    (!lacking.is_empty()).then(|| format!("Spacing {number} is not approved by {}.", text::list(&lacking)))
}

/// Remarks that nobody closed, of whichever spacing they were said, in a sentence. `None`: there are none.
pub fn open_notes(project: &Project) -> Option<String> {
    let open = project.spacing_notes.iter().filter(|note| note.closed.is_none()).count();
    let verb = if open == 1 { "is" } else { "are" };
    (open > 0).then(|| format!("{} on the spacing {verb} open.", text::plural(open, "note")))
}

/// Who could give an approval of the newest spacing that a gate waits for.
pub fn could_approve(project: &Project, stage: Stage, role: Role) -> impl Iterator<Item = PersonId> {
    let own = project.self_approval(stage);
    let by = project.spacings.last().and_then(|newest| newest.by);
    project.holders(role).filter(move |person| own || by != Some(*person))
}
