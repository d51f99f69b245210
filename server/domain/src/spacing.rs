//! Spacing: the running order of the record with its gaps, crossfades, fades and levels, as numbered data that can be approved. A new number makes the
//! approvals of the one before outdated. Never here: sound.

use std::collections::BTreeSet;

use crate::{
    Actor, ApprovalId, Command, Fact, NoteId, PersonId, Project, Reason, Refusal, Role, SongId, Stage, Time,
    Version,
    asker::{Asker, free_id},
    audience,
    decide::{Ruling, Touched, misrouted},
    limits,
    note::{self, clock},
    refusal::no,
};

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

    /// What is done to its own sound: "fade in 0.50 s, fade out 8.00 s, exponential, -1.50 dB"; empty: nothing.
    pub fn treatment(&self) -> String {
        let fade = |name: &str, ms: u32| (ms > 0).then(|| format!("fade {name} {}", seconds(ms)));
        let fades = self.crossfade_ms > 0 || self.fade_in_ms > 0 || self.fade_out_ms > 0;
        let shape = (fades && self.shape != FadeShape::EqualPower).then(|| self.shape.to_string());
        let gain = (self.gain_cb != 0).then(|| format!("{:+.2} dB", f64::from(self.gain_cb) / 100.0));
        let parts = [fade("in", self.fade_in_ms), fade("out", self.fade_out_ms), shape, gain];
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
            told.push(format!("{title}: {}", now.unwrap_or_else(|| "no fades, as loud as it is".to_owned())));
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

/// By somebody who holds the role now, of the newest number; who set it counts only where one may approve one's own.
pub fn is_approved(project: &Project, stage: Stage, role: Role) -> bool {
    let Some(newest) = project.spacings.last() else { return false };
    let own = project.self_approval(stage);
    project.spacing_approvals.iter().any(|approval| {
        approval.number == newest.number
            && approval.role == role
            && project.holds_role(approval.person, role)
            && (own || newest.by != Some(approval.person))
    })
}

/// Who could give an approval of the newest spacing that a gate waits for.
pub fn could_approve(project: &Project, stage: Stage, role: Role) -> impl Iterator<Item = PersonId> {
    let own = project.self_approval(stage);
    let by = project.spacings.last().and_then(|newest| newest.by);
    project.holders(role).filter(move |person| own || by != Some(*person))
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::SetSpacing { items } => set(&asker, items),
        Command::ApproveSpacing { approval, number, role } => approve(&asker, *approval, *number, *role),
        _ => misrouted(),
    }
}

fn set(asker: &Asker<'_>, items: &[SpacingItem]) -> Result<Ruling, Refusal> {
    let project = asker.project;
    asker.must_hold(&SETTERS, "set the running order and its gaps")?;
    let wrong = |text: &str, hint: &str| no(Reason::RuleInvalid, text, hint);
    if items.is_empty() {
        return wrong("A spacing of no songs says nothing.", "Add a song first.");
    }
    if !names_every_song(project, items) {
        let text = "A spacing names every song of the project once, and no other.";
        return wrong(text, "List all songs in the running order, each with the gap before it.");
    }
    if items.first().is_some_and(|first| first.gap_ms != 0) {
        return wrong("No gap comes before the first song.", "Give the first song a gap of 0.");
    }
    if items.iter().any(|item| item.gap_ms > GAP_MAX_MS) {
        let text = format!("A gap is at most {} s long.", GAP_MAX_MS / 1000);
        return wrong(&text, "Shorten it.");
    }
    if items.first().is_some_and(|first| first.crossfade_ms != 0) {
        let hint = "Give the first song a fade in instead.";
        return wrong("Nothing stands before the first song that it could be crossfaded with.", hint);
    }
    must_be_playable(asker, items)?;
    if project.spacings.last().is_some_and(|newest| newest.items == items) {
        let text = "The spacing is this already.";
        return no(Reason::NothingToChange, text, "There is nothing to do.");
    }
    limits::room(project.spacings.len(), limits::SPACINGS_MAX, "spacings")?;
    let number = u32::try_from(project.spacings.len() + 1).unwrap_or(u32::MAX);
    Ok(Ruling::fact(Fact::SpacingSet { number, items: items.to_vec() }).touching(Touched::All))
}

/// Fades and levels, against the lengths of the songs as far as the asker may know them.
fn must_be_playable(asker: &Asker<'_>, items: &[SpacingItem]) -> Result<(), Refusal> {
    let wrong = |text: String, hint: &str| no(Reason::RuleInvalid, text, hint);
    let mut before_ms: Option<u64> = None;
    for item in items {
        let title = asker.project.song_name(item.song);
        let long_ms = length_ms(asker, item.song);
        if item.gap_ms > 0 && item.crossfade_ms > 0 {
            let text = format!("Before {title} stand a gap and a crossfade: only one of them can be.");
            return wrong(text, "Take one of them away.");
        }
        if item.crossfade_ms > CROSSFADE_MAX_MS {
            let text = format!("A crossfade is at most {} s long.", CROSSFADE_MAX_MS / 1000);
            return wrong(text, "Shorten it.");
        }
        let shorter_ms = [before_ms, long_ms].into_iter().flatten().min();
        if let Some(shorter_ms) = shorter_ms.filter(|ms| u64::from(item.crossfade_ms) > *ms) {
            let end = clock(shorter_ms);
            let text = format!("The crossfade into {title} is longer than the shorter of its songs ({end}).");
            return wrong(text, "Shorten it.");
        }
        let fades_ms = u64::from(item.fade_in_ms) + u64::from(item.fade_out_ms);
        if let Some(long_ms) = long_ms.filter(|ms| fades_ms > *ms) {
            let text = format!("The fades of {title} are longer than the song ({}).", clock(long_ms));
            return wrong(text, "Shorten them.");
        }
        if item.gain_cb.unsigned_abs() > GAIN_MAX_CB.unsigned_abs() {
            let text = format!("A song is set louder or softer by at most {} dB here.", GAIN_MAX_CB / 100);
            return wrong(text, "Ask for another master, or choose less.");
        }
        before_ms = long_ms;
    }
    Ok(())
}

/// Of what would be heard of the song now: what its stage looks at, else the newest that the asker may see.
fn length_ms(asker: &Asker<'_>, song: SongId) -> Option<u64> {
    let project = asker.project;
    let sees = |version: &&Version| audience::sees_version(project, asker.id, version);
    let candidate = project.candidate(song).filter(sees);
    let version = candidate.or_else(|| project.versions_of(song).rev().find(sees))?;
    version.main().map(|main| note::length_ms(&main.facts))
}

fn approve(asker: &Asker<'_>, id: ApprovalId, number: u32, role: Role) -> Result<Ruling, Refusal> {
    let project = asker.project;
    asker.must_hold(&APPROVERS, "approve the spacing")?;
    asker.must_speak_as(role)?;
    if !APPROVERS.contains(&role) {
        let text = format!("The {role} does not approve a spacing.");
        return no(Reason::NotYourRole, text, "Choose artist, producer, label or manager.");
    }
    let Some(newest) = project.spacings.last() else {
        let hint = "Somebody sets the running order and its gaps first.";
        return no(Reason::NoSpacing, "There is no spacing yet.", hint);
    };
    if newest.number != number {
        let text = format!("Spacing {number} is not the newest; spacing {} is.", newest.number);
        return no(Reason::SpacingChanged, text, "Look at the newest one, then approve that.");
    }
    if newest.by == Some(asker.id) && !own_counts(project, role) {
        let text = format!("You set spacing {number}; somebody else has to approve it.");
        return no(Reason::SelfApproval, text, "The manager may allow self-approval in the terms.");
    }
    let mine = |known: &SpacingApproval| (known.number, known.person, known.role) == (number, asker.id, role);
    if project.spacing_approvals.iter().any(mine) {
        let text = format!("You approved spacing {number} as {role} already.");
        return no(Reason::AlreadyApproved, text, "There is nothing to do.");
    }
    free_id(project.spacing_approvals.iter().any(|known| known.id == id))?;
    Ok(Ruling::fact(Fact::SpacingApproved { approval: id, number, role }).touching(Touched::All))
}

/// Some gate that asks this role lets one approve one's own; where none asks, the terms say.
fn own_counts(project: &Project, role: Role) -> bool {
    let asks = |stage: &&Stage| project.gate(**stage).is_some_and(|rule| rule.spacing_roles.contains(&role));
    let mut asked = Stage::ALL.iter().filter(asks).peekable();
    if asked.peek().is_none() {
        return project.terms.self_approval;
    }
    asked.any(|stage| project.self_approval(*stage))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    const SECOND: SongId = SongId(101);

    fn given() -> Given {
        let add = Command::AddSong { song: SECOND, title: "Ash".to_owned(), isrc: String::new() };
        Given::mixed().and(person(OWNER), add)
    }

    fn set(items: &[(SongId, u32)]) -> Command {
        let item = |(song, gap_ms): &(SongId, u32)| SpacingItem::after(*song, *gap_ms);
        Command::SetSpacing { items: items.iter().map(item).collect() }
    }

    fn sign(number: u32, role: Role) -> Command {
        Command::ApproveSpacing { approval: ApprovalId(1), number, role }
    }

    #[test]
    fn a_spacing_is_every_song_once_with_a_gap_before_all_but_the_first() {
        let given = given();
        let refused =
            |items: &[(SongId, u32)]| given.when(person(ARTIST), set(items)).refused(Reason::RuleInvalid);
        refused(&[]);
        refused(&[(SONG, 0)]);
        refused(&[(SONG, 0), (SONG, 0)]);
        refused(&[(SONG, 0), (SECOND, 0), (SONG, 0)]);
        refused(&[(SONG, 0), (SongId(9), 0)]);
        refused(&[(SONG, 1), (SECOND, 0)]);
        refused(&[(SONG, 0), (SECOND, GAP_MAX_MS + 1)]);
        let whole = set(&[(SECOND, 0), (SONG, GAP_MAX_MS)]);
        given.when(person(LABEL), whole.clone()).refused(Reason::NotYourRole);
        let set_once = given.and(person(ARTIST), whole.clone());
        set_once.when(person(MASTERER), whole).refused(Reason::NothingToChange);
        assert_eq!(set_once.project.running_order, [SECOND, SONG]);
        let again = set_once.and(person(MASTERER), set(&[(SONG, 0), (SECOND, 0)]));
        assert_eq!(again.project.spacings.last().map(|newest| newest.number), Some(2));
        let without = crate::testing::nothing()
            .and(person(OWNER), Command::CreateProject { title: "P".to_owned(), artist: "A".to_owned() });
        without.when(person(OWNER), set(&[])).refused(Reason::RuleInvalid);
    }

    #[test]
    fn songs_run_into_each_other_and_fade_within_what_they_are() {
        let given = given();
        let with = |change: &dyn Fn(&mut SpacingItem, &mut SpacingItem)| {
            let (mut first, mut second) = (SpacingItem::after(SONG, 0), SpacingItem::after(SECOND, 0));
            change(&mut first, &mut second);
            Command::SetSpacing { items: vec![first, second] }
        };
        let refused = |change: &dyn Fn(&mut SpacingItem, &mut SpacingItem), said: &str| {
            let no = given.when(person(ARTIST), with(change)).0.unwrap_err();
            assert_eq!(no.reason, Reason::RuleInvalid);
            assert!(no.text.contains(said), "{no}");
        };
        refused(&|first, _| first.crossfade_ms = 1, "before the first song");
        refused(&|_, second| (second.gap_ms, second.crossfade_ms) = (1, 1), "a gap and a crossfade");
        refused(&|_, second| second.crossfade_ms = 30_001, "at most 30 s");
        refused(&|first, _| (first.fade_in_ms, first.fade_out_ms) = (60_000, 40_001), "(1:40.0)");
        refused(&|first, _| first.fade_out_ms = u32::MAX, "The fades of \"Ember\"");
        refused(&|first, _| first.gain_cb = 601, "at most 6 dB");
        refused(&|first, _| first.gain_cb = i32::MIN, "at most 6 dB");
        let all = with(&|first, second| {
            (first.fade_in_ms, first.gain_cb) = (60_000, -600);
            (second.crossfade_ms, second.fade_out_ms) = (30_000, 100_000);
            second.shape = FadeShape::Exponential;
        });
        let set = given.clone().and(person(ARTIST), all.clone());
        set.when(person(ARTIST), all).refused(Reason::NothingToChange);
        let items = &set.project.spacings.last().unwrap().items;
        assert_eq!(items[0].treatment(), "fade in 60.00 s, -6.00 dB");
        assert_eq!(items[1].joint(), "30.00 s crossfade");
        assert_eq!(items[1].treatment(), "fade out 100.00 s, exponential");
        let turned = [SpacingItem::after(SECOND, 0), SpacingItem::after(SONG, 2000)];
        assert_eq!(
            changes(&set.project, items, &turned),
            [
                "the order is \"Ash\", \"Ember\"",
                "\"Ash\": no fades, as loud as it is",
                "2.00 s gap before \"Ember\" instead of 0.00 s gap",
                "\"Ember\": no fades, as loud as it is",
            ]
        );
        assert_eq!(changes(&set.project, items, items), [""; 0]);
        let short = crate::ReceivedFile {
            facts: crate::AudioFacts { frames: 240_000, ..clean_facts() },
            ..received(20, clean_facts())
        };
        let short = given
            .clone()
            .and(person(MIXER), Command::ReceiveFile { file: short })
            .and(person(MIXER), add_version(11, crate::VersionKind::Mix, &[(crate::Alternate::Main, 20)]));
        let over = with(&|_, second| second.crossfade_ms = 5001);
        let no = short.when(person(ARTIST), over).0.unwrap_err();
        assert!(
            no.reason == Reason::RuleInvalid && no.text.contains("the shorter of its songs (0:05.0)"),
            "{no}"
        );
        let whole = with(&|_, second| second.crossfade_ms = 5000);
        short.when(person(ARTIST), whole).facts(&["SPACING_SET"]);
    }

    #[test]
    fn what_was_seen_is_signed_once_by_somebody_else() {
        let given = given();
        given.when(person(ARTIST), sign(1, Role::Artist)).refused(Reason::NoSpacing);
        let given = given.and(person(ARTIST), set(&[(SONG, 0), (SECOND, 2000)]));
        given.when(person(LABEL), sign(0, Role::Label)).refused(Reason::SpacingChanged);
        given.when(person(LABEL), sign(2, Role::Label)).refused(Reason::SpacingChanged);
        given.when(person(LABEL), sign(1, Role::Artist)).refused(Reason::NotYourRole);
        given.when(person(MIXER), sign(1, Role::MixEngineer)).refused(Reason::NotYourRole);
        given.when(person(LISTENER), sign(1, Role::Listener)).refused(Reason::NotYourRole);
        given.when(person(ARTIST), sign(1, Role::Artist)).refused(Reason::SelfApproval);
        let solo = given.clone().and(person(OWNER), set_terms(true));
        solo.when(person(ARTIST), sign(1, Role::Artist)).facts(&["SPACING_APPROVED"]);
        let signed = given.and(person(LABEL), sign(1, Role::Label));
        signed.when(person(LABEL), sign(1, Role::Label)).refused(Reason::AlreadyApproved);
        signed.when(person(OWNER), sign(1, Role::Manager)).refused(Reason::IdTaken);
        assert!(is_approved(&signed.project, Stage::Mixing, Role::Label));
        let newer = signed.and(person(MASTERER), set(&[(SECOND, 0), (SONG, 2000)]));
        assert!(!is_approved(&newer.project, Stage::Mixing, Role::Label));
    }
}
