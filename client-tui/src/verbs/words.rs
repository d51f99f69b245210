//! Words of the contract as people and scripts write them: tokens for enums, levels, times.

use deadwax_proto::v1::{self, AudioFacts, Role, VersionRow};

use super::error::VerbError;

const ROLES: [(Role, &str); 7] = [
    (Role::Artist, "artist"),
    (Role::Producer, "producer"),
    (Role::MixEngineer, "mix-engineer"),
    (Role::MasteringEngineer, "mastering-engineer"),
    (Role::Label, "label"),
    (Role::Manager, "manager"),
    (Role::Listener, "listener"),
];

pub fn role(role: i32) -> &'static str {
    ROLES.iter().find(|(known, _)| *known as i32 == role).map_or("unknown", |(_, token)| token)
}

pub fn roles(roles: &[i32]) -> Vec<&'static str> {
    roles.iter().map(|r| role(*r)).collect()
}

/// The token, or an unmistakable beginning of it ("mix", "master").
pub fn parse_role(text: &str) -> Result<Role, VerbError> {
    let wanted = text.trim().to_ascii_lowercase().replace([' ', '_'], "-");
    let mut found = ROLES.iter().filter(|(_, token)| !wanted.is_empty() && token.starts_with(&wanted));
    match (found.next(), found.next()) {
        (Some((role, token)), rest) if *token == wanted || rest.is_none() => Ok(*role),
        _ => {
            let list: Vec<_> = ROLES.iter().map(|(_, token)| *token).collect();
            Err(VerbError::Usage(format!("{text:?} is not a role; the roles are {}", list.join(", "))))
        }
    }
}

/// The prost name of an enum value without its prefix, lower case: STAGE_MIXING -> "mixing".
fn token(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_ascii_lowercase().replace('_', "-")
}

pub fn stage(value: i32) -> String {
    v1::Stage::try_from(value).map_or("unknown".into(), |v| token(v.as_str_name(), "STAGE_"))
}

pub fn kind(value: i32) -> String {
    v1::VersionKind::try_from(value).map_or("unknown".into(), |v| token(v.as_str_name(), "VERSION_KIND_"))
}

pub fn note_state(value: i32) -> String {
    v1::NoteState::try_from(value).map_or("unknown".into(), |v| token(v.as_str_name(), "NOTE_STATE_"))
}

pub fn render_state(value: i32) -> String {
    v1::RenderState::try_from(value).map_or("unknown".into(), |v| token(v.as_str_name(), "RENDER_STATE_"))
}

pub fn approval_state(value: i32) -> String {
    v1::ApprovalState::try_from(value).map_or("unknown".into(), |v| token(v.as_str_name(), "APPROVAL_STATE_"))
}

pub fn handoff_state(value: i32) -> String {
    v1::HandoffState::try_from(value).map_or("unknown".into(), |v| token(v.as_str_name(), "HANDOFF_STATE_"))
}

pub fn desk_kind(value: i32) -> String {
    v1::DeskKind::try_from(value).map_or("unknown".into(), |v| token(v.as_str_name(), "DESK_KIND_"))
}

pub fn severity(value: i32) -> String {
    v1::Severity::try_from(value).map_or("unknown".into(), |v| token(v.as_str_name(), "SEVERITY_"))
}

pub fn examination_state(value: i32) -> String {
    v1::ExaminationState::try_from(value)
        .map_or("unknown".into(), |v| token(v.as_str_name(), "EXAMINATION_STATE_"))
}

pub fn place_kind(value: i32) -> String {
    v1::PlaceKind::try_from(value).map_or("unknown".into(), |v| token(v.as_str_name(), "PLACE_KIND_"))
}

pub fn verdict(value: i32) -> String {
    v1::Verdict::try_from(value).map_or("unknown".into(), |v| token(v.as_str_name(), "VERDICT_"))
}

/// What is not said is a change.
pub fn revision_kind(value: i32) -> &'static str {
    if value == v1::RevisionKind::Correction as i32 { "correction" } else { "change" }
}

/// What is not said is the middle: what waits on one.
pub fn follow(value: i32) -> &'static str {
    match v1::FollowLevel::try_from(value) {
        Ok(v1::FollowLevel::All) => "all",
        Ok(v1::FollowLevel::Muted) => "muted",
        Ok(v1::FollowLevel::Unspecified) => "waiting",
        Err(_) => "unknown",
    }
}

/// One word out of a few; what is none of them is refused with the list.
pub fn one_of<T: Copy>(what: &str, text: &str, words: &[(&str, T)]) -> Result<T, VerbError> {
    let wanted = text.trim().to_ascii_lowercase();
    words.iter().find(|(word, _)| *word == wanted).map(|(_, value)| *value).ok_or_else(|| {
        let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        VerbError::Usage(format!("{text:?} is not {what}; say {}", list.join(", ")))
    })
}

pub fn parse_stage(text: &str) -> Result<v1::Stage, VerbError> {
    let all = [v1::Stage::Recording, v1::Stage::Mixing, v1::Stage::Mastering];
    let words = all.map(|it| (it, stage(it as i32)));
    let words: Vec<(&str, v1::Stage)> = words.iter().map(|(it, word)| (word.as_str(), *it)).collect();
    one_of("a stage that is left through a gate", text, &words)
}

pub fn parse_kind(text: &str) -> Result<v1::VersionKind, VerbError> {
    let all =
        [("take", v1::VersionKind::Take), ("mix", v1::VersionKind::Mix), ("master", v1::VersionKind::Master)];
    one_of("a kind of version", text, &all)
}

pub fn parse_yes(what: &str, text: &str) -> Result<bool, VerbError> {
    one_of(what, text, &[("yes", true), ("no", false)])
}

/// "Mix 2", and where mixes compete "Mix A 1".
pub fn version(row: &VersionRow) -> String {
    // The server knows the name that everybody says; an older one did not tell it.
    if !row.name.is_empty() {
        return row.name.clone();
    }
    let mut word = kind(row.kind);
    if let Some(first) = word.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{word} {}", row.number)
}

/// "-14.2", or "silence".
pub fn level(value: f64) -> String {
    match value {
        it if it.is_finite() => format!("{it:.1}"),
        it if it.is_nan() => "unmeasured".into(),
        _ => "silence".into(),
    }
}

pub fn length_s(facts: &AudioFacts) -> f64 {
    if facts.sample_rate == 0 { 0.0 } else { facts.frames as f64 / f64::from(facts.sample_rate) }
}

/// "3:07.2"
pub fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// What is not said is equal power.
pub fn record_state(state: i32) -> String {
    v1::RecordState::try_from(state).map_or("unknown".into(), |v| token(v.as_str_name(), "RECORD_STATE_"))
}

pub fn explicit(said: i32) -> String {
    v1::Explicit::try_from(said).map_or("unknown".into(), |v| token(v.as_str_name(), "EXPLICIT_"))
}

pub fn split_of(of: i32) -> String {
    v1::SplitOf::try_from(of).map_or("unknown".into(), |v| token(v.as_str_name(), "SPLIT_OF_"))
}

pub fn fade_shape(value: i32) -> &'static str {
    match v1::FadeShape::try_from(value) {
        Ok(v1::FadeShape::Unspecified | v1::FadeShape::EqualPower) => "equal-power",
        Ok(v1::FadeShape::Linear) => "linear",
        Ok(v1::FadeShape::Exponential) => "exponential",
        Err(_) => "unknown",
    }
}

pub fn parse_fade_shape(text: &str) -> Result<v1::FadeShape, VerbError> {
    let all = [
        ("equal-power", v1::FadeShape::EqualPower),
        ("linear", v1::FadeShape::Linear),
        ("exponential", v1::FadeShape::Exponential),
    ];
    one_of("a shape of a fade", text, &all)
}

/// How a song comes after the one before, and what is done to its own sound: "after 2.5 s, fade out 8 s, -1.5 dB"; empty where nothing is. What a person
/// approves is said in full here.
pub fn joined(item: &v1::SpacingItem, first: bool) -> String {
    let seconds = |ms: u32| format!("{} s", f64::from(ms) / 1000.0);
    let mut parts = Vec::new();
    match item.crossfade_ms {
        0 if first && item.gap_ms == 0 => {}
        // At least a tenth, and all that there is: what is signed is said in full.
        0 if item.gap_ms.is_multiple_of(100) => {
            parts.push(format!("after {:.1} s", f64::from(item.gap_ms) / 1000.0));
        }
        0 => parts.push(format!("after {}", seconds(item.gap_ms))),
        crossfade => parts.push(format!("crossfade {}", seconds(crossfade))),
    }
    let fades = [("in", item.fade_in_ms), ("out", item.fade_out_ms)];
    parts.extend(
        fades.iter().filter(|(_, ms)| *ms > 0).map(|(way, ms)| format!("fade {way} {}", seconds(*ms))),
    );
    let has_fade = item.crossfade_ms > 0 || item.fade_in_ms > 0 || item.fade_out_ms > 0;
    if has_fade && !matches!(item.shape(), v1::FadeShape::Unspecified | v1::FadeShape::EqualPower) {
        parts.push(fade_shape(item.shape).to_owned());
    }
    if item.gain_cb != 0 {
        parts.push(format!("{:+} dB", f64::from(item.gain_cb) / 100.0));
    }
    for (ms, end) in [(item.trim_in_ms, "head"), (item.trim_out_ms, "tail")] {
        if ms > 0 {
            parts.push(format!("{} cut from its {end}", seconds(ms)));
        }
    }
    if item.hidden {
        parts.push("hidden before track 1".to_owned());
    }
    if item.begins_side {
        parts.push("begins a side".to_owned());
    }
    parts.join(", ")
}

/// "1:23.4", "1:02:03" or "83.4" to milliseconds.
pub fn parse_time(text: &str) -> Result<u64, VerbError> {
    let wrong = || VerbError::Usage(format!("{text:?} is not a time; write 1:23.4, or seconds such as 83.4"));
    let parts: Vec<&str> = text.trim().split(':').collect();
    let (seconds, whole) = parts.split_last().ok_or_else(wrong)?;
    let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if whole.len() > 2 || !plain(seconds) {
        return Err(wrong());
    }
    let seconds: f64 = seconds.parse().map_err(|_| wrong())?;
    if !whole.is_empty() && seconds >= 60.0 {
        return Err(wrong());
    }
    let mut minutes: u64 = 0;
    for part in whole {
        let part: u64 = part.parse().map_err(|_| wrong())?;
        minutes = minutes.checked_mul(60).and_then(|m| m.checked_add(part)).ok_or_else(wrong)?;
    }
    let ms = minutes.checked_mul(60_000).ok_or_else(wrong)?;
    ms.checked_add((seconds * 1000.0).round() as u64).ok_or_else(wrong)
}

/// Local time for people.
pub fn moment(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms).map_or_else(
        |_| String::from("?"),
        |t| t.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// The first 12 digits, enough to compare by eye.
pub fn short(fingerprint: &str) -> &str {
    fingerprint.get(..12).unwrap_or(fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        for (text, ms) in
            [("1:23.4", 83_400), ("83.4", 83_400), ("0:00", 0), ("1:02:03", 3_723_000), ("90", 90_000)]
        {
            assert_eq!(parse_time(text).unwrap(), ms, "{text}");
        }
        for text in ["", "x", "1:60", "-1", "1:2:3:4", "1:", "inf", "1e9", "99999999999999999999:00"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
        assert_eq!(clock(83.44), "1:23.4");
    }

    #[test]
    fn roles_are_read_by_their_beginning_where_it_is_clear() {
        assert_eq!(parse_role("Mix Engineer").unwrap(), Role::MixEngineer);
        assert!(parse_role("m").is_err(), "several begin so");
        assert_eq!(parse_role("la").unwrap(), Role::Label);
        assert!(parse_role("").is_err() && parse_role("king").is_err());
        assert_eq!(role(Role::Label as i32), "label");
        assert_eq!(stage(v1::Stage::Mixing as i32), "mixing");
        assert_eq!(kind(99), "unknown");
    }
}
