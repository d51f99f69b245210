//! What a spacing may be, and who approves one.

use super::{
    APPROVERS, CROSSFADE_MAX_MS, GAIN_MAX_CB, GAP_MAX_MS, SETTERS, Spacing, SpacingApproval, SpacingItem,
    names_every_song,
};
use crate::{
    Actor, Command, Fact, Project, Reason, Refusal, Role, SongId, Stage, Version,
    asker::{Asker, free_id},
    audience,
    decide::{Ruling, Touched, misrouted},
    limits,
    note::{self, clock},
    receipt,
    refusal::no,
};

pub(crate) fn set(project: &Project, actor: &Actor, items: &[SpacingItem]) -> Result<Ruling, Refusal> {
    let asker = &Asker::of(project, actor)?;
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

/// Trims, fades and levels, against the lengths of the songs as far as the asker may know them. What is trimmed is not there for anything else.
pub(crate) fn must_be_playable(asker: &Asker<'_>, items: &[SpacingItem]) -> Result<(), Refusal> {
    let mut before_ms: Option<u64> = None;
    for (at, item) in items.iter().enumerate() {
        let title = asker.project.song_name(item.song);
        let left_ms = left_ms(asker, item, &title)?;
        joint(item, &title, [before_ms, left_ms])?;
        let after = items.get(at + 1).map_or(0, |next| next.crossfade_ms);
        sound(item, &title, (left_ms, after))?;
        lies(item, &title, (at, items.len()))?;
        before_ms = left_ms;
    }
    Ok(())
}

fn wrong<T>(text: String, hint: &str) -> Result<T, Refusal> {
    no(Reason::RuleInvalid, text, hint)
}

/// What its trims leave of a song.
fn left_ms(asker: &Asker<'_>, item: &SpacingItem, title: &str) -> Result<Option<u64>, Refusal> {
    let trims_ms = u64::from(item.trim_in_ms) + u64::from(item.trim_out_ms);
    match length_ms(asker, item.song) {
        Some(long_ms) if trims_ms > 0 && trims_ms >= long_ms => {
            let text =
                format!("What is cut from {title} leaves nothing of it: it is {} long.", clock(long_ms));
            wrong(text, "Cut less of it.")
        }
        long_ms => Ok(long_ms.map(|long_ms| long_ms - trims_ms)),
    }
}

/// How it comes after the song before, against what is left of the two.
fn joint(item: &SpacingItem, title: &str, left_ms: [Option<u64>; 2]) -> Result<(), Refusal> {
    if item.gap_ms > 0 && item.crossfade_ms > 0 {
        let text = format!("Before {title} stand a gap and a crossfade: only one of them can be.");
        return wrong(text, "Take one of them away.");
    }
    if item.crossfade_ms > CROSSFADE_MAX_MS {
        let text = format!("A crossfade is at most {} s long.", CROSSFADE_MAX_MS / 1000);
        return wrong(text, "Shorten it.");
    }
    let shorter_ms = left_ms.into_iter().flatten().min();
    if let Some(shorter_ms) = shorter_ms.filter(|ms| u64::from(item.crossfade_ms) > *ms) {
        let end = clock(shorter_ms);
        let text = format!("The crossfade into {title} is longer than the shorter of its songs ({end}).");
        return wrong(text, "Shorten it.");
    }
    Ok(())
}

/// Its fades, its level, and whether the crossfades at its two ends leave each other room.
fn sound(
    item: &SpacingItem,
    title: &str,
    (left_ms, crossfade_after_ms): (Option<u64>, u32),
) -> Result<(), Refusal> {
    let longer = |ms: u64| left_ms.filter(|left_ms| ms > *left_ms).map(clock);
    if let Some(end) = longer(u64::from(item.fade_in_ms) + u64::from(item.fade_out_ms)) {
        let text = format!("The fades of {title} are longer than the song ({end}).");
        return wrong(text, "Shorten them.");
    }
    let crossfades_ms = u64::from(item.crossfade_ms) + u64::from(crossfade_after_ms);
    let both = item.crossfade_ms > 0 && crossfade_after_ms > 0;
    if let Some(end) = longer(crossfades_ms).filter(|_| both) {
        let text = format!("The crossfades into {title} and out of it overlap: the song has {end}.");
        return wrong(text, "Shorten one of them: three songs cannot sound at once.");
    }
    if item.gain_cb.unsigned_abs() > GAIN_MAX_CB.unsigned_abs() {
        let text = format!("A song is set louder or softer by at most {} dB here.", GAIN_MAX_CB / 100);
        return wrong(text, "Ask for another master, or choose less.");
    }
    Ok(())
}

/// Where it may lie: a pre-gap comes before the first track, and a side begins with a track.
fn lies(item: &SpacingItem, title: &str, (at, songs): (usize, usize)) -> Result<(), Refusal> {
    if item.hidden && at > 0 {
        let text = format!("{title} cannot be hidden: only the first song can, before track 1.");
        return wrong(text, "Move it to the beginning, or do not hide it.");
    }
    if item.hidden && songs < 2 {
        let text = format!("{title} cannot be hidden: a record of one song would have no track.");
        return wrong(text, "Do not hide it.");
    }
    if item.hidden && item.begins_side {
        let text = format!("{title} is hidden before track 1; it does not begin a side.");
        return wrong(text, "Let another song begin the side.");
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

/// Apart from the question for a key.
pub(crate) fn approval(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let Command::ApproveSpacing { approval: id, number, role } = command else { return misrouted() };
    let (id, number, role) = (*id, *number, *role);
    let asker = Asker::of(project, actor)?;
    asker.must_hold(&APPROVERS, "approve the spacing")?;
    asker.must_speak_as(role)?;
    if !APPROVERS.contains(&role) {
        let text = format!("The {role} does not approve a spacing.");
        return no(Reason::NotYourRole, text, "Choose artist, producer, label or manager.");
    }
    let newest = newest(project, number)?;
    if newest.by == Some(asker.id) && !own_counts(project, role) {
        let text = format!("You set spacing {number}; somebody else has to approve it.");
        return no(Reason::SelfApproval, text, "The manager may allow self-approval in the terms.");
    }
    let mine = |known: &SpacingApproval| (known.number, known.person, known.role) == (number, asker.id, role);
    // One that a gate does not take for want of a receipt can be given again, with one.
    let takes = |known: &SpacingApproval| {
        !receipt::spacing_is_signed(project, role) || project.receipt_of(known.id).is_some()
    };
    if project.spacing_approvals.iter().any(|known| mine(known) && takes(known)) {
        let text = format!("You approved spacing {number} as {role} already.");
        return no(Reason::AlreadyApproved, text, "There is nothing to do.");
    }
    free_id(project.knows_signature(id))?;
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

/// The newest spacing, if that is the one that was seen.
pub(crate) fn newest(project: &Project, seen: u32) -> Result<&Spacing, Refusal> {
    let Some(newest) = project.spacings.last() else {
        let hint = "Somebody sets the running order and its gaps first.";
        return no(Reason::NoSpacing, "There is no spacing yet.", hint);
    };
    if newest.number == seen {
        return Ok(newest);
    }
    let text = format!("Spacing {seen} is not the newest; spacing {} is.", newest.number);
    no(Reason::SpacingChanged, text, "Look at the newest one, then decide again.")
}
