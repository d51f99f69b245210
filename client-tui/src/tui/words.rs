//! Numbers and enums as people read them: times, levels, sizes, roles, states. No layout, no foreign text.

use deadwax_proto::v1::{
    AudioFacts, FollowLevel, NoteState, PlaceKind, RenderState, RevisionKind, Role, Severity, Stage, Verdict,
    VersionKind, VersionRow,
};

use super::rows::Place;

pub fn role(role: Role) -> &'static str {
    match role {
        Role::Unspecified => "nobody",
        Role::Artist => "artist",
        Role::Producer => "producer",
        Role::MixEngineer => "mix engineer",
        Role::MasteringEngineer => "mastering engineer",
        Role::Label => "label",
        Role::Manager => "manager",
        Role::Listener => "listener",
    }
}

/// What a role is for, in a few words. The server decides each case; its answer stands beside each row.
pub fn role_may(role: Role) -> &'static str {
    match role {
        Role::Unspecified => "nothing yet",
        Role::Artist => "adds songs and notes, asks for revisions, approves, sets the running order",
        Role::Producer => "adds songs and notes, asks for revisions, approves, marks notes as done",
        Role::MixEngineer => "uploads mixes, works through notes, competes in shootouts",
        Role::MasteringEngineer => {
            "takes the handoff or returns it, recipes, renders and masters, deliveries"
        }
        Role::Label => "asks for revisions, picks mixes, approves masters, delivers",
        Role::Manager => "people, terms and gates; may override a gate with a reason",
        Role::Listener => "hears and reads",
    }
}

pub fn roles(all: impl Iterator<Item = Role>) -> String {
    all.map(role).collect::<Vec<_>>().join(", ")
}

pub fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Unspecified => "Nowhere",
        Stage::Recording => "Recording",
        Stage::Mixing => "Mixing",
        Stage::Mastering => "Mastering",
        Stage::Delivered => "Delivered",
    }
}

pub const STAGES: [Stage; 4] = [Stage::Recording, Stage::Mixing, Stage::Mastering, Stage::Delivered];

pub fn kind(kind: VersionKind) -> &'static str {
    match kind {
        VersionKind::Unspecified => "Version",
        VersionKind::Take => "Take",
        VersionKind::Mix => "Mix",
        VersionKind::Master => "Master",
    }
}

/// "Mix 2", or as the server calls it: "Mix A 1".
pub fn version(row: &VersionRow) -> String {
    if row.name.is_empty() { format!("{} {}", kind(row.kind()), row.number) } else { row.name.clone() }
}

/// A sign and a word of what became of a note.
pub fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Changed => ("✓", "change found"),
        Verdict::Untouched => ("!", "no change found"),
        Verdict::Unknown | Verdict::Unspecified => ("?", "nobody can tell by measuring"),
    }
}

/// Where a note stands now, with where it was written: "1:29.0 (was 1:32.0 in Mix 1)". `origin` names the version it was written on.
pub fn placed(now: &Place, was: (Option<u64>, Option<u64>), origin: &str) -> String {
    let written = span(was.0, was.1);
    let origin = if origin.is_empty() { String::new() } else { format!(" in {origin}") };
    match (now.kind, now.start_ms) {
        (PlaceKind::Gone, None) => format!("cut out; was {written}{origin}"),
        (PlaceKind::Gone, Some(_)) => {
            format!("cut out; was {written}{origin}, nearest {}", span(now.start_ms, now.end_ms))
        }
        (PlaceKind::Moved, _) => format!("{} (was {written}{origin})", span(now.start_ms, now.end_ms)),
        (PlaceKind::ByHand, _) => {
            format!("{}, set by hand (was {written}{origin})", span(now.start_ms, now.end_ms))
        }
        (PlaceKind::Same | PlaceKind::Unspecified, _) => span(now.start_ms, now.end_ms),
    }
}

pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Unspecified => "as the house has it",
        Severity::Off => "off",
        Severity::Warn => "warns",
        Severity::Block => "blocks",
    }
}

pub fn revision_kind(kind: RevisionKind) -> &'static str {
    match kind {
        RevisionKind::Change | RevisionKind::Unspecified => "change",
        RevisionKind::Correction => "correction",
    }
}

pub const FOLLOW: [FollowLevel; 3] = [FollowLevel::Unspecified, FollowLevel::All, FollowLevel::Muted];

pub fn follow(level: FollowLevel) -> &'static str {
    match level {
        FollowLevel::Unspecified => "what waits on me",
        FollowLevel::All => "everything that happens",
        FollowLevel::Muted => "nothing: muted",
    }
}

/// "due in 2 d", "overdue 3 h".
pub fn due(now_ms: i64, due_ms: i64, overdue: bool) -> String {
    if overdue || due_ms < now_ms {
        format!("overdue {}", length(now_ms.saturating_sub(due_ms)))
    } else {
        format!("due in {}", length(due_ms.saturating_sub(now_ms)))
    }
}

/// A stretch of time in its largest unit: "12 min", "5 h", "3 d".
pub fn length(ms: i64) -> String {
    let minutes = ms.max(0) / 60_000;
    match minutes {
        0..60 => format!("{minutes} min"),
        60..2880 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1440),
    }
}

/// "2026-11-21 04:20", in that zone.
pub fn date(zone: &jiff::tz::TimeZone, at_ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(at_ms) {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => "?".into(),
    }
}

/// A symbol and a word: colour never speaks alone.
pub fn note_state(state: NoteState) -> (&'static str, &'static str) {
    match state {
        NoteState::Unspecified | NoteState::Open => ("○", "open"),
        NoteState::Addressed => ("◐", "addressed"),
        NoteState::Accepted => ("●", "accepted"),
        NoteState::Declined => ("×", "declined"),
    }
}

pub fn render_state(state: RenderState) -> (&'static str, &'static str) {
    match state {
        RenderState::Unspecified | RenderState::Queued => ("○", "queued"),
        RenderState::Running => ("▶", "running"),
        RenderState::Done => ("●", "done"),
        RenderState::Failed => ("×", "failed"),
        RenderState::Cancelled => ("–", "cancelled"),
    }
}

/// "3:07" or with tenths "3:07.4".
pub fn clock(ms: u64, tenths: bool) -> String {
    let (minutes, seconds) = (ms / 60_000, ms / 1000 % 60);
    if tenths {
        format!("{minutes}:{seconds:02}.{}", ms % 1000 / 100)
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// "1:02.5" or "1:02.5-1:10.0"; "whole song" where there is no time.
pub fn span(start_ms: Option<u64>, end_ms: Option<u64>) -> String {
    match (start_ms, end_ms) {
        (None, _) => "whole song".into(),
        (Some(start), None) => clock(start, true),
        (Some(start), Some(end)) => {
            let (from, to) = (clock(start, true), clock(end, true));
            // Both within a tenth of a second: one time says it.
            if from == to { from } else { format!("{from}-{to}") }
        }
    }
}

pub fn age(now_ms: i64, at_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(at_ms).max(0) / 1000;
    match seconds {
        0..60 => "now".into(),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

pub fn lufs(value: f64) -> String {
    level(value, "LUFS")
}

pub fn dbtp(value: f64) -> String {
    level(value, "dBTP")
}

fn level(value: f64, unit: &str) -> String {
    if value.is_finite() { format!("{value:.1} {unit}") } else { "silence".into() }
}

pub fn bytes(count: u64) -> String {
    let value = count as f64;
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.1} GB", value / 1e9),
    }
}

/// "48 kHz", "44.1 kHz".
pub fn rate(hz: u32) -> String {
    if hz.is_multiple_of(1000) {
        format!("{} kHz", hz / 1000)
    } else {
        format!("{:.1} kHz", f64::from(hz) / 1000.0)
    }
}

/// "wav 24/48", "flac 24/44.1", "wav 32f/96", "mp3 44.1": what tells files of one alternate apart.
pub fn format(facts: &AudioFacts) -> String {
    let khz = f64::from(facts.sample_rate) / 1000.0;
    let float = if facts.float { "f" } else { "" };
    let kind = if facts.container.is_empty() { &facts.codec } else { &facts.container };
    if facts.bits == 0 { format!("{kind} {khz}") } else { format!("{kind} {}{float}/{khz}", facts.bits) }
}

/// The first digits of a fingerprint, in groups of four: enough for two people to compare aloud.
pub fn fingerprint(hex: &str) -> String {
    let head: Vec<char> = hex.chars().take(16).collect();
    head.chunks(4).map(|chunk| chunk.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}
