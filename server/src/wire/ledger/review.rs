//! The facts of the review protocol, to their stored form and back: examinations, shootouts, spacing, listening, overrides, notices.

use deadwax_domain::{
    ApprovalId, Examined, Fact, FadeShape, FollowLevel, Found, NoteId, NoteOutcome, PersonId, PlaceKind,
    Placed, PreflightSetting, Sameness, Section, Severity, ShootoutId, SpacingItem, Span, Stretch, Time,
    Verdict, VersionId, WebhookId,
};
use deadwax_proto::ledger::v1::{self as stored, fact::What};

use super::{
    read::{self, No, present},
    record,
    write::{self, id},
};

pub fn examined(version: VersionId, it: &Examined) -> stored::VersionExamined {
    let found = |found: &Found| stored::Found {
        block: found.block,
        code: found.code.clone(),
        text: found.text.clone(),
        alternate: found.alternate.to_string(),
    };
    let note = |outcome: &NoteOutcome| stored::NoteOutcome {
        note: id(outcome.note.0),
        verdict: match outcome.verdict {
            Verdict::Unknown => stored::Verdict::Unspecified,
            Verdict::Changed => stored::Verdict::Changed,
            Verdict::Untouched => stored::Verdict::Untouched,
        }
        .into(),
        text: outcome.text.clone(),
        place: outcome.place.map_or(0, |placed| {
            match placed.kind {
                PlaceKind::Same => stored::PlaceKind::Unspecified,
                PlaceKind::Moved => stored::PlaceKind::Moved,
                PlaceKind::Gone => stored::PlaceKind::Gone,
                PlaceKind::ByHand => stored::PlaceKind::ByHand,
            }
            .into()
        }),
        span: outcome.place.map(|placed| write::span(placed.span)),
    };
    stored::VersionExamined {
        version: id(version.0),
        against: it.against.map(|against| id(against.0)).unwrap_or_default(),
        failed: it.failed.clone().unwrap_or_default(),
        found: it.found.iter().map(found).collect(),
        notes: it.notes.iter().map(note).collect(),
        changes: it.changes.clone(),
        same: match it.same {
            Sameness::Other => stored::Sameness::Unspecified,
            Sameness::Residual => stored::Sameness::Residual,
            Sameness::Pcm => stored::Sameness::Pcm,
            Sameness::Metadata => stored::Sameness::Metadata,
        }
        .into(),
        residual_db: it.residual_db,
        stretches: it.stretches.iter().map(stretch).collect(),
    }
}

fn stretch(it: &Stretch) -> stored::Stretch {
    let Stretch { was_ms, was_end_ms, is_ms, is_end_ms } = *it;
    stored::Stretch { was_ms, was_end_ms, is_ms, is_end_ms }
}

fn stretch_of(it: &stored::Stretch) -> Stretch {
    let stored::Stretch { was_ms, was_end_ms, is_ms, is_end_ms } = *it;
    Stretch { was_ms, was_end_ms, is_ms, is_end_ms }
}

pub fn spacing_item(item: &SpacingItem) -> stored::SpacingItem {
    stored::SpacingItem {
        song: id(item.song.0),
        gap_ms: item.gap_ms,
        crossfade_ms: item.crossfade_ms,
        fade_in_ms: item.fade_in_ms,
        fade_out_ms: item.fade_out_ms,
        shape: match item.shape {
            FadeShape::EqualPower => stored::FadeShape::Unspecified,
            FadeShape::Linear => stored::FadeShape::Linear,
            FadeShape::Exponential => stored::FadeShape::Exponential,
        }
        .into(),
        gain_cb: item.gain_cb,
        trim_in_ms: item.trim_in_ms,
        trim_out_ms: item.trim_out_ms,
        hidden: item.hidden,
        begins_side: item.begins_side,
    }
}

fn spacing_item_of(item: &stored::SpacingItem) -> Result<SpacingItem, No> {
    Ok(SpacingItem {
        song: read::song(&item.song)?,
        gap_ms: item.gap_ms,
        crossfade_ms: item.crossfade_ms,
        fade_in_ms: item.fade_in_ms,
        fade_out_ms: item.fade_out_ms,
        shape: match stored::FadeShape::try_from(item.shape).map_err(|_| No::Newer)? {
            stored::FadeShape::Unspecified => FadeShape::EqualPower,
            stored::FadeShape::Linear => FadeShape::Linear,
            stored::FadeShape::Exponential => FadeShape::Exponential,
        },
        gain_cb: item.gain_cb,
        trim_in_ms: item.trim_in_ms,
        trim_out_ms: item.trim_out_ms,
        hidden: item.hidden,
        begins_side: item.begins_side,
    })
}

pub fn preflight_setting(setting: &PreflightSetting) -> stored::PreflightSetting {
    stored::PreflightSetting {
        code: setting.code.clone(),
        kind: write::kind(setting.kind),
        severity: match setting.severity {
            None => stored::Severity::Unspecified,
            Some(Severity::Off) => stored::Severity::Off,
            Some(Severity::Warn) => stored::Severity::Warn,
            Some(Severity::Block) => stored::Severity::Block,
        }
        .into(),
    }
}

/// The other way, one arm a fact.
pub fn fact(what: What) -> Result<Fact, No> {
    Ok(match what {
        What::VersionExamined(it) => Fact::VersionExamined {
            version: read::version(&it.version)?,
            examined: Examined {
                against: read::optional_id("against", &it.against)?.map(VersionId),
                failed: Some(it.failed).filter(|why| !why.is_empty()),
                found: it.found.into_iter().map(found_of).collect::<Result<_, _>>()?,
                notes: it.notes.into_iter().map(outcome_of).collect::<Result<_, _>>()?,
                changes: it.changes,
                same: match stored::Sameness::try_from(it.same).map_err(|_| No::Newer)? {
                    stored::Sameness::Unspecified => Sameness::Other,
                    stored::Sameness::Residual => Sameness::Residual,
                    stored::Sameness::Pcm => Sameness::Pcm,
                    stored::Sameness::Metadata => Sameness::Metadata,
                },
                residual_db: it.residual_db,
                stretches: it.stretches.iter().map(stretch_of).collect(),
            },
        },
        What::MixSwapped(it) => Fact::MixSwapped { song: read::song(&it.song)?, reason: it.reason },
        What::PutForward(it) => Fact::PutForward { version: read::version(&it.version)?, reason: it.reason },
        What::GateOverridden(it) => Fact::GateOverridden {
            song: read::song(&it.song)?,
            stage: read::stage(it.stage)?,
            version: read::version(&it.version)?,
            reason: it.reason,
            unmet: it.unmet,
        },
        What::ShootoutOpened(it) => Fact::ShootoutOpened {
            shootout: read::id("shootout", &it.shootout).map(ShootoutId)?,
            song: read::song(&it.song)?,
            entrants: it
                .entrants
                .iter()
                .map(|one| read::person(one))
                .collect::<Result<Vec<PersonId>, _>>()?,
            blind: it.blind,
        },
        What::VoteCast(it) => Fact::VoteCast {
            song: read::song(&it.song)?,
            role: read::role(it.role)?,
            ranking: it.ranking.iter().map(|one| read::version(one)).collect::<Result<_, _>>()?,
            blind: it.blind,
            matched_lufs: it.matched_lufs,
            reason: it.reason,
        },
        What::MixPicked(it) => Fact::MixPicked {
            song: read::song(&it.song)?,
            version: read::version(&it.version)?,
            role: read::role(it.role)?,
            reason: it.reason,
        },
        What::PreflightSet(it) => Fact::PreflightSet {
            settings: it.settings.into_iter().map(setting_of).collect::<Result<_, _>>()?,
        },
        What::SpacingSet(it) => Fact::SpacingSet {
            number: it.number,
            items: it.items.iter().map(spacing_item_of).collect::<Result<_, _>>()?,
        },
        What::SectionsSet(it) => Fact::SectionsSet {
            version: read::version(&it.version)?,
            sections: it
                .sections
                .into_iter()
                .map(|section| Section { start_ms: section.start_ms, name: section.name })
                .collect(),
        },
        What::SpacingApproved(it) => Fact::SpacingApproved {
            approval: read::approval(&it.approval)?,
            number: it.number,
            role: read::role(it.role)?,
        },
        What::NoteMoved(it) => Fact::NoteMoved {
            note: read::note(&it.note)?,
            version: read::version(&it.version)?,
            span: span_of(present("span", it.span)?),
        },
        What::ApprovalsCarried(it) => Fact::ApprovalsCarried {
            from: read::version(&it.from)?,
            to: read::version(&it.to)?,
            approvals: it
                .approvals
                .iter()
                .map(|one| read::approval(one))
                .collect::<Result<Vec<ApprovalId>, _>>()?,
            why: it.why,
        },
        What::DeadlinePassed(it) => {
            Fact::DeadlinePassed { stage: read::stage(it.stage)?, due: Time(it.due_ms) }
        }
        What::PackageMade(it) => Fact::PackageMade {
            song: read::song(&it.song)?,
            version: read::version(&it.version)?,
            digest: read::digest("digest", &it.digest)?,
            name: it.name,
            bytes: it.bytes,
        },
        What::VersionHeard(it) => {
            Fact::VersionHeard { version: read::version(&it.version)?, percent: it.percent }
        }
        What::Followed(it) => Fact::Followed {
            song: read::optional_id("song", &it.song)?.map(deadwax_domain::SongId),
            level: match stored::FollowLevel::try_from(it.level).map_err(|_| No::Newer)? {
                stored::FollowLevel::Unspecified => FollowLevel::Waiting,
                stored::FollowLevel::All => FollowLevel::All,
                stored::FollowLevel::Muted => FollowLevel::Muted,
            },
        },
        What::WebhookSet(it) => Fact::WebhookSet {
            webhook: read::id("webhook", &it.webhook).map(WebhookId)?,
            url: it.url,
            codes: it.codes,
        },
        What::WebhookRemoved(it) => {
            Fact::WebhookRemoved { webhook: read::id("webhook", &it.webhook).map(WebhookId)? }
        }
        of_the_record => return record::fact(of_the_record),
    })
}

fn found_of(it: stored::Found) -> Result<Found, No> {
    Ok(Found { block: it.block, code: it.code, text: it.text, alternate: read::alternate(&it.alternate)? })
}

fn outcome_of(it: stored::NoteOutcome) -> Result<NoteOutcome, No> {
    let kind = match stored::PlaceKind::try_from(it.place).map_err(|_| No::Newer)? {
        stored::PlaceKind::Unspecified => PlaceKind::Same,
        stored::PlaceKind::Moved => PlaceKind::Moved,
        stored::PlaceKind::Gone => PlaceKind::Gone,
        stored::PlaceKind::ByHand => PlaceKind::ByHand,
    };
    Ok(NoteOutcome {
        note: read::note(&it.note).map(|note: NoteId| note)?,
        verdict: match stored::Verdict::try_from(it.verdict).map_err(|_| No::Newer)? {
            stored::Verdict::Unspecified => Verdict::Unknown,
            stored::Verdict::Changed => Verdict::Changed,
            stored::Verdict::Untouched => Verdict::Untouched,
        },
        text: it.text,
        place: it.span.map(|span| Placed { kind, span: span_of(span) }),
    })
}

fn span_of(span: stored::Span) -> Span {
    Span { start_ms: span.start_ms, end_ms: span.end_ms }
}

fn setting_of(it: stored::PreflightSetting) -> Result<PreflightSetting, No> {
    Ok(PreflightSetting {
        code: it.code,
        kind: read::kind(it.kind)?,
        severity: match stored::Severity::try_from(it.severity).map_err(|_| No::Newer)? {
            stored::Severity::Unspecified => None,
            stored::Severity::Off => Some(Severity::Off),
            stored::Severity::Warn => Some(Severity::Warn),
            stored::Severity::Block => Some(Severity::Block),
        },
    })
}
