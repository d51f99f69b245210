//! Parts of rows that came with the review protocol: shootouts, examinations, spacing, preflight rules, packages, webhooks.

use deadwax_domain::{
    Examined, Package, Project, ReturnItem, Sameness, Shootout, Spacing, Verdict, Version, Vote, Webhook,
    audience, preflight,
};
use deadwax_proto::v1;

use super::{Viewer, record};
use crate::wire::{id, text::scrub, words};

pub fn preflight(project: &Project) -> Vec<v1::PreflightRule> {
    let rule = |rule: preflight::Rule| v1::PreflightRule {
        code: rule.code.to_owned(),
        kind: words::kind(rule.kind).into(),
        severity: words::severity(rule.severity).into(),
        of_the_house: rule.of_the_house,
        source: rule.source.to_owned(),
        mend: rule.mend.to_owned(),
    };
    preflight::rules(project).into_iter().map(rule).collect()
}

pub fn spacing(viewer: &Viewer<'_>, spacing: &Spacing) -> v1::Spacing {
    let of = |approval: &&deadwax_domain::SpacingApproval| approval.number == spacing.number;
    let approval = |approval: &deadwax_domain::SpacingApproval| v1::ApprovalView {
        receipt_sequence: record::receipt_of(viewer.project, approval.id).0,
        key_fingerprint: record::receipt_of(viewer.project, approval.id).1,
        approval_id: id(approval.id.0),
        person_id: id(approval.person.0),
        name: viewer.name(approval.person),
        role: words::role(approval.role).into(),
        at_ms: approval.at.0,
        state: v1::ApprovalState::Counts.into(),
        ..v1::ApprovalView::default()
    };
    let item = |item: &deadwax_domain::SpacingItem| v1::SpacingItem {
        song_id: id(item.song.0),
        gap_ms: item.gap_ms,
        crossfade_ms: item.crossfade_ms,
        fade_in_ms: item.fade_in_ms,
        fade_out_ms: item.fade_out_ms,
        shape: words::fade_shape(item.shape).into(),
        gain_cb: item.gain_cb,
        trim_in_ms: item.trim_in_ms,
        trim_out_ms: item.trim_out_ms,
        hidden: item.hidden,
        begins_side: item.begins_side,
    };
    v1::Spacing {
        number: spacing.number,
        items: spacing.items.iter().map(item).collect(),
        by: viewer.name_or(spacing.by, ""),
        at_ms: spacing.at.0,
        approvals: viewer.project.spacing_approvals.iter().filter(of).map(approval).collect(),
        notes: record::spacing_notes(viewer, spacing.number),
    }
}

pub fn webhooks(viewer: &Viewer<'_>) -> Vec<v1::Webhook> {
    let hook = |hook: &Webhook| v1::Webhook {
        webhook_id: id(hook.id.0),
        url: scrub(&hook.url),
        codes: hook.codes.iter().map(|code| scrub(code)).collect(),
        by: viewer.name(hook.by),
    };
    viewer.project.webhooks.values().map(hook).collect()
}

pub fn return_item(item: &ReturnItem) -> v1::ReturnItem {
    v1::ReturnItem {
        alternate: item.alternate.map(|one| one.to_string()).unwrap_or_default(),
        reason: scrub(&item.reason),
    }
}

pub fn package(package: &Package) -> v1::Package {
    v1::Package {
        name: scrub(&package.name),
        sha256: package.digest.to_string(),
        bytes: package.bytes,
        made_ms: package.made_at.0,
    }
}

/// While it is open each voter sees their own votes, and whose line is whose is told as far as the audience rule goes.
pub fn shootout(viewer: &Viewer<'_>, shootout: &Shootout) -> v1::Shootout {
    let project = viewer.project;
    let open = shootout.picked.is_none();
    let line = |(line, person): &(deadwax_domain::Line, deadwax_domain::PersonId)| {
        let known = audience::knows_line(project, viewer.person, shootout, *line);
        let newest = project.newest_of_line(shootout.song, *line);
        let seen = newest.filter(|version| audience::sees_version(project, viewer.person, version));
        let picked = shootout.picked.as_ref().and_then(|picked| project.versions.get(picked.version));
        v1::Line {
            letter: line.letter(),
            engineer: if known { viewer.name(*person) } else { String::new() },
            engineer_id: if known { id(person.0) } else { String::new() },
            newest_version_id: seen.map(|version| id(version.id.0)).unwrap_or_default(),
            closed_with_thanks: picked.is_some_and(|picked| picked.line != Some(*line)),
        }
    };
    let vote = |vote: &Vote| v1::Vote {
        by: viewer.name(vote.by),
        role: words::role(vote.role).into(),
        ranking: vote.ranking.iter().map(|version| id(version.0)).collect(),
        blind: vote.blind,
        matched_lufs: vote.matched_lufs,
        reason: scrub(&vote.reason),
        at_ms: vote.at.0,
    };
    let votes = shootout.votes.iter().filter(|vote| !open || vote.by == viewer.person);
    let people: std::collections::BTreeSet<_> = shootout.votes.iter().map(|vote| vote.by).collect();
    let picked = shootout.picked.as_ref();
    v1::Shootout {
        shootout_id: id(shootout.id.0),
        opened_ms: shootout.opened_at.0,
        opened_by: viewer.name_or(shootout.opened_by, ""),
        blind: shootout.blind,
        lines: shootout.lines.iter().map(line).collect(),
        votes: votes.map(vote).collect(),
        votes_cast: u32::try_from(people.len()).unwrap_or(u32::MAX),
        picked_version_id: picked.map(|picked| id(picked.version.0)).unwrap_or_default(),
        picked_by: picked.map(|picked| viewer.name(picked.by)).unwrap_or_default(),
        picked_ms: picked.map_or(0, |picked| picked.at.0),
        reason: picked.map(|picked| scrub(&picked.reason)).unwrap_or_default(),
    }
}

/// `None` where none is made.
pub fn examination(viewer: &Viewer<'_>, version: &Version) -> Option<v1::ExaminationView> {
    let project = viewer.project;
    let Some(examined) = project.examinations.get(version.id) else {
        return project.wants_examination(version).then(|| v1::ExaminationView {
            state: v1::ExaminationState::Pending.into(),
            ..v1::ExaminationView::default()
        });
    };
    // Counted over notes that the viewer sees: a count tells of what is hidden.
    let count = |verdict: Verdict| {
        let seen = examined.notes.iter().filter(|outcome| super::note::sees_id(viewer, outcome.note));
        u32::try_from(seen.filter(|outcome| outcome.verdict == verdict).count()).unwrap_or(u32::MAX)
    };
    Some(v1::ExaminationView {
        state: state(examined).into(),
        reason: examined.failed.as_ref().map(|why| scrub(why)).unwrap_or_default(),
        against_version_id: examined.against.map(|against| id(against.0)).unwrap_or_default(),
        changes: examined.changes.iter().map(|text| scrub(text)).collect(),
        same_pcm: examined.same >= Sameness::Pcm,
        residual_db: examined.residual_db,
        notes_changed: count(Verdict::Changed),
        notes_untouched: count(Verdict::Untouched),
    })
}

fn state(examined: &Examined) -> v1::ExaminationState {
    match examined.failed {
        Some(_) => v1::ExaminationState::Failed,
        None => v1::ExaminationState::Done,
    }
}
