//! The field's words on the wire and back. Total to the wire; from the wire a word may be absent or newer than this server.

use deadwax_domain::{
    ApprovalState, AudioFacts, Carry, FadeShape, File, FollowLevel, GateRule, HandoffState, NoteState,
    PlaceKind, Remark, RenderState, RevisionKind, Role, Roles, Severity, Stage, Time, Verdict, VersionKind,
};
use deadwax_proto::v1;

use super::text::scrub;

macro_rules! both_ways {
    ($to:ident, $from:ident, $name:ident, $($variant:ident),+) => {
        pub fn $to(word: $name) -> v1::$name {
            match word {
                $($name::$variant => v1::$name::$variant),+
            }
        }
        /// `None`: unspecified, or newer than this server.
        pub fn $from(word: i32) -> Option<$name> {
            match v1::$name::try_from(word).ok()? {
                $(v1::$name::$variant => Some($name::$variant),)+
                v1::$name::Unspecified => None,
            }
        }
    };
}

both_ways!(role, role_of, Role, Artist, Producer, MixEngineer, MasteringEngineer, Label, Manager, Listener);
both_ways!(stage, stage_of, Stage, Recording, Mixing, Mastering, Delivered);
both_ways!(kind, kind_of, VersionKind, Take, Mix, Master);
both_ways!(severity, severity_of, Severity, Off, Warn, Block);

pub fn roles(roles: &Roles) -> Vec<i32> {
    roles.iter().map(|one| role(*one).into()).collect()
}

pub fn gate_rule(rule: &GateRule) -> v1::GateRule {
    let needs = rule.needs.iter();
    v1::GateRule {
        stage: stage(rule.stage).into(),
        needs: needs.map(|need| v1::Need { any_of: roles(&need.any_of), count: need.count }).collect(),
        required_alternates: rule.required_alternates.iter().map(ToString::to_string).collect(),
        open_notes_allowed: rule.open_notes_allowed,
        self_approval: rule.self_approval,
        preflight_ignored: rule.preflight_ignored,
        heard_percent: rule.heard_percent,
        spacing_roles: roles(&rule.spacing_roles),
        due_ms: date(rule.due),
        closes_when_due: rule.closes_when_due,
        carry: match rule.carry {
            Carry::Never => v1::Carry::Unspecified,
            Carry::Metadata => v1::Carry::Metadata,
            Carry::SamePcm => v1::Carry::SamePcm,
            Carry::Residual { .. } => v1::Carry::Residual,
        }
        .into(),
        carry_residual_db: match rule.carry {
            Carry::Residual { below_db } => below_db,
            Carry::Never | Carry::Metadata | Carry::SamePcm => 0.0,
        },
        signed: rule.signed,
    }
}

/// 0: no date.
pub fn date(time: Option<Time>) -> i64 {
    time.map_or(0, |time| time.0)
}

pub fn date_of(ms: i64) -> Option<Time> {
    Some(ms).filter(|ms| *ms != 0).map(Time)
}

/// `None`: newer than this server.
pub fn carry_of(carry: i32, below_db: f64) -> Option<Carry> {
    Some(match v1::Carry::try_from(carry).ok()? {
        v1::Carry::Unspecified => Carry::Never,
        v1::Carry::Metadata => Carry::Metadata,
        v1::Carry::SamePcm => Carry::SamePcm,
        v1::Carry::Residual => Carry::Residual { below_db },
    })
}

pub fn follow_level(level: FollowLevel) -> v1::FollowLevel {
    match level {
        FollowLevel::Waiting => v1::FollowLevel::Unspecified,
        FollowLevel::All => v1::FollowLevel::All,
        FollowLevel::Muted => v1::FollowLevel::Muted,
    }
}

/// `None`: newer than this server.
pub fn fade_shape(shape: FadeShape) -> v1::FadeShape {
    match shape {
        FadeShape::EqualPower => v1::FadeShape::EqualPower,
        FadeShape::Linear => v1::FadeShape::Linear,
        FadeShape::Exponential => v1::FadeShape::Exponential,
    }
}

pub fn fade_shape_of(shape: i32) -> Option<FadeShape> {
    Some(match v1::FadeShape::try_from(shape).ok()? {
        v1::FadeShape::Unspecified | v1::FadeShape::EqualPower => FadeShape::EqualPower,
        v1::FadeShape::Linear => FadeShape::Linear,
        v1::FadeShape::Exponential => FadeShape::Exponential,
    })
}

pub fn follow_level_of(level: i32) -> Option<FollowLevel> {
    Some(match v1::FollowLevel::try_from(level).ok()? {
        v1::FollowLevel::Unspecified => FollowLevel::Waiting,
        v1::FollowLevel::All => FollowLevel::All,
        v1::FollowLevel::Muted => FollowLevel::Muted,
    })
}

pub fn revision_kind(kind: RevisionKind) -> v1::RevisionKind {
    match kind {
        RevisionKind::Change => v1::RevisionKind::Change,
        RevisionKind::Correction => v1::RevisionKind::Correction,
    }
}

pub fn verdict(verdict: Verdict) -> v1::Verdict {
    match verdict {
        Verdict::Unknown => v1::Verdict::Unknown,
        Verdict::Changed => v1::Verdict::Changed,
        Verdict::Untouched => v1::Verdict::Untouched,
    }
}

pub fn place_kind(kind: PlaceKind) -> v1::PlaceKind {
    match kind {
        PlaceKind::Same => v1::PlaceKind::Same,
        PlaceKind::Moved => v1::PlaceKind::Moved,
        PlaceKind::Gone => v1::PlaceKind::Gone,
        PlaceKind::ByHand => v1::PlaceKind::ByHand,
    }
}

pub fn approval_state(state: ApprovalState) -> v1::ApprovalState {
    match state {
        ApprovalState::Counts => v1::ApprovalState::Counts,
        ApprovalState::Outdated => v1::ApprovalState::Outdated,
        ApprovalState::Withdrawn => v1::ApprovalState::Withdrawn,
        ApprovalState::Hold => v1::ApprovalState::Hold,
        ApprovalState::HoldLifted => v1::ApprovalState::HoldLifted,
    }
}

pub fn handoff_state(state: HandoffState) -> v1::HandoffState {
    match state {
        HandoffState::Offered => v1::HandoffState::Offered,
        HandoffState::Accepted => v1::HandoffState::Accepted,
        HandoffState::Returned => v1::HandoffState::Returned,
    }
}

pub fn note_state(state: NoteState) -> v1::NoteState {
    match state {
        NoteState::Open => v1::NoteState::Open,
        NoteState::Addressed(_) => v1::NoteState::Addressed,
        NoteState::Accepted => v1::NoteState::Accepted,
        NoteState::Declined => v1::NoteState::Declined,
    }
}

pub fn render_state(state: RenderState) -> v1::RenderState {
    match state {
        RenderState::Queued => v1::RenderState::Queued,
        RenderState::Running => v1::RenderState::Running,
        RenderState::Done => v1::RenderState::Done,
        RenderState::Failed => v1::RenderState::Failed,
        RenderState::Cancelled => v1::RenderState::Cancelled,
    }
}

pub fn version_file(file: &File, may_fetch: bool) -> v1::VersionFile {
    v1::VersionFile {
        alternate: file.alternate.to_string(),
        sha256: file.digest.to_string(),
        name: scrub(&file.name),
        facts: Some(audio_facts(&file.facts)),
        may_fetch,
    }
}

fn remark(remark: &Remark) -> v1::Remark {
    v1::Remark { code: scrub(&remark.code), text: scrub(&remark.text), at_ms: remark.at_ms }
}

pub fn audio_facts(facts: &AudioFacts) -> v1::AudioFacts {
    v1::AudioFacts {
        container: scrub(&facts.container),
        codec: scrub(&facts.codec),
        sample_rate: facts.sample_rate_hz,
        channels: facts.channels,
        bits: facts.bits,
        float: facts.float,
        frames: facts.frames,
        bytes: facts.bytes,
        integrated_lufs: facts.integrated_lufs,
        loudness_range_lu: facts.loudness_range_lu,
        max_momentary_lufs: facts.max_momentary_lufs,
        max_short_term_lufs: facts.max_short_term_lufs,
        true_peak_dbtp: facts.true_peak_dbtp,
        sample_peak_dbfs: facts.sample_peak_dbfs,
        dc_offset: facts.dc_offset,
        correlation: facts.correlation,
        head_silence_s: facts.head_silence_s,
        tail_silence_s: facts.tail_silence_s,
        clipped_samples: facts.clipped_samples,
        remarks: facts.remarks.iter().map(remark).collect(),
    }
}
