//! Domain to stored form. Total: whatever the domain decided can be written.

use deadwax_domain::{
    AudioFacts, Carry, Digest, Fact, File, FollowLevel, GateRule, NoteId, Recipe, Remark, ReturnItem,
    RevisionKind, Role, Span, Stage, Time, VersionKind,
};
use deadwax_proto::ledger::v1::{self as stored, fact::What};

use super::{link, record, review};

pub fn id(id: u128) -> Vec<u8> {
    id.to_be_bytes().to_vec()
}

pub(super) fn digest(digest: &Digest) -> Vec<u8> {
    digest.0.to_vec()
}

pub(super) fn role(role: Role) -> i32 {
    let stored = match role {
        Role::Artist => stored::Role::Artist,
        Role::Producer => stored::Role::Producer,
        Role::MixEngineer => stored::Role::MixEngineer,
        Role::MasteringEngineer => stored::Role::MasteringEngineer,
        Role::Label => stored::Role::Label,
        Role::Manager => stored::Role::Manager,
        Role::Listener => stored::Role::Listener,
    };
    stored.into()
}

pub(super) fn roles<'r>(roles: impl IntoIterator<Item = &'r Role>) -> Vec<i32> {
    roles.into_iter().map(|one| role(*one)).collect()
}

pub(super) fn stage(stage: Stage) -> i32 {
    let stored = match stage {
        Stage::Recording => stored::Stage::Recording,
        Stage::Mixing => stored::Stage::Mixing,
        Stage::Mastering => stored::Stage::Mastering,
        Stage::Delivered => stored::Stage::Delivered,
    };
    stored.into()
}

pub(super) fn kind(kind: VersionKind) -> i32 {
    let stored = match kind {
        VersionKind::Take => stored::VersionKind::Take,
        VersionKind::Mix => stored::VersionKind::Mix,
        VersionKind::Master => stored::VersionKind::Master,
    };
    stored.into()
}

fn facts(facts: &AudioFacts) -> stored::AudioFacts {
    stored::AudioFacts {
        container: facts.container.clone(),
        codec: facts.codec.clone(),
        sample_rate_hz: facts.sample_rate_hz,
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

fn remark(remark: &Remark) -> stored::Remark {
    stored::Remark { code: remark.code.clone(), text: remark.text.clone(), at_ms: remark.at_ms }
}

fn files(files: &[File]) -> Vec<stored::File> {
    let one = |file: &File| stored::File {
        alternate: file.alternate.to_string(),
        digest: digest(&file.digest),
        name: file.name.clone(),
        facts: Some(facts(&file.facts)),
    };
    files.iter().map(one).collect()
}

fn recipe(recipe: &Recipe) -> stored::Recipe {
    stored::Recipe { toml: recipe.toml.clone(), hash: digest(&recipe.hash) }
}

fn rule(rule: &GateRule) -> stored::GateRule {
    let need = |need: &deadwax_domain::Need| stored::Need { any_of: roles(&need.any_of), count: need.count };
    stored::GateRule {
        stage: stage(rule.stage),
        needs: rule.needs.iter().map(need).collect(),
        required_alternates: rule.required_alternates.iter().map(ToString::to_string).collect(),
        open_notes_allowed: rule.open_notes_allowed,
        self_approval: rule.self_approval,
        preflight_ignored: rule.preflight_ignored,
        heard_percent: rule.heard_percent,
        spacing_roles: roles(&rule.spacing_roles),
        due_ms: date(rule.due),
        closes_when_due: rule.closes_when_due,
        carry: match rule.carry {
            Carry::Never => stored::Carry::Unspecified,
            Carry::Metadata => stored::Carry::Metadata,
            Carry::SamePcm => stored::Carry::SamePcm,
            Carry::Residual { .. } => stored::Carry::Residual,
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

fn return_item(item: &ReturnItem) -> stored::ReturnItem {
    stored::ReturnItem {
        alternate: item.alternate.map(|one| one.to_string()).unwrap_or_default(),
        reason: item.reason.clone(),
    }
}

pub(super) fn span(span: Span) -> stored::Span {
    stored::Span { start_ms: span.start_ms, end_ms: span.end_ms }
}

fn notes(notes: &[NoteId]) -> Vec<Vec<u8>> {
    notes.iter().map(|note| id(note.0)).collect()
}

/// One arm a fact, in the order of `facts.proto`: a table, and long for that reason alone.
pub fn what(fact: &Fact) -> Option<What> {
    Some(match fact {
        Fact::ProjectCreated { title, artist } => {
            What::ProjectCreated(stored::ProjectCreated { title: title.clone(), artist: artist.clone() })
        }
        Fact::TermsChanged { terms } => What::TermsChanged(stored::TermsChanged {
            rounds_included: terms.rounds_included,
            self_approval: terms.self_approval,
            // Absent is the number that older facts meant.
            corrections_free: Some(terms.corrections_free).filter(|free| *free != 1),
            cut_off_ms: date(terms.cut_off),
        }),
        Fact::MemberAdded { person, roles: held } => {
            What::MemberAdded(stored::MemberAdded { person: id(person.0), roles: roles(held) })
        }
        Fact::RolesChanged { person, roles: held } => {
            What::RolesChanged(stored::RolesChanged { person: id(person.0), roles: roles(held) })
        }
        Fact::MemberRemoved { person } => What::MemberRemoved(stored::MemberRemoved { person: id(person.0) }),
        Fact::SongAdded { song, title, isrc } => {
            What::SongAdded(stored::SongAdded { song: id(song.0), title: title.clone(), isrc: isrc.clone() })
        }
        Fact::SongEdited { song, title, isrc } => What::SongEdited(stored::SongEdited {
            song: id(song.0),
            title: title.clone(),
            isrc: isrc.clone(),
        }),
        Fact::GateSet { rule: set } => What::GateSet(stored::GateSet { rule: Some(rule(set)) }),
        Fact::FileReceived { file } => What::FileReceived(stored::FileReceived {
            digest: digest(&file.digest),
            name: file.name.clone(),
            facts: Some(facts(&file.facts)),
        }),
        Fact::VersionAdded {
            version,
            song,
            kind: of,
            number,
            title,
            changelog,
            files: given,
            fingerprint,
            render,
            line,
        } => What::VersionAdded(stored::VersionAdded {
            version: id(version.0),
            song: id(song.0),
            kind: kind(*of),
            number: *number,
            title: title.clone(),
            changelog: changelog.clone(),
            files: files(given),
            fingerprint: digest(fingerprint),
            render: render.map(|render| id(render.0)).unwrap_or_default(),
            line: line.map_or(0, |line| line.0.into()),
        }),
        Fact::NoteAdded {
            note,
            song,
            version,
            alternate,
            parent,
            span: place,
            role: spoken,
            text,
            internal,
            addressee,
            checklist,
        } => What::NoteAdded(stored::NoteAdded {
            note: id(note.0),
            song: id(song.0),
            version: id(version.0),
            alternate: alternate.map(|one| one.to_string()).unwrap_or_default(),
            parent: parent.map(|parent| id(parent.0)).unwrap_or_default(),
            span: place.map(span),
            role: role(*spoken),
            text: text.clone(),
            internal: *internal,
            addressee: addressee.map(|person| id(person.0)).unwrap_or_default(),
            checklist: checklist.clone(),
        }),
        Fact::NoteAddressed { note, version } => {
            What::NoteAddressed(stored::NoteAddressed { note: id(note.0), version: id(version.0) })
        }
        Fact::NoteAccepted { note } => What::NoteAccepted(stored::NoteAccepted { note: id(note.0) }),
        Fact::NoteReopened { note, reason } => {
            What::NoteReopened(stored::NoteReopened { note: id(note.0), reason: reason.clone() })
        }
        Fact::NoteDeclined { note, reason } => {
            What::NoteDeclined(stored::NoteDeclined { note: id(note.0), reason: reason.clone() })
        }
        Fact::ChecklistTicked { note, item, done } => {
            What::ChecklistTicked(stored::ChecklistTicked { note: id(note.0), item: *item, done: *done })
        }
        Fact::RevisionRequested {
            request,
            song,
            version,
            role: spoken,
            message,
            notes: bundle,
            round,
            kind,
            free,
            beyond_terms,
        } => What::RevisionRequested(stored::RevisionRequested {
            request: id(request.0),
            song: id(song.0),
            version: id(version.0),
            role: role(*spoken),
            message: message.clone(),
            notes: notes(bundle),
            round: *round,
            correction: *kind == RevisionKind::Correction,
            free: *free,
            beyond_terms: *beyond_terms,
        }),
        Fact::RevisionAnswered { request, version } => What::RevisionAnswered(stored::RevisionAnswered {
            request: id(request.0),
            version: id(version.0),
        }),
        Fact::Approved { approval, song, version, role: spoken, fingerprint } => {
            What::Approved(stored::Approved {
                approval: id(approval.0),
                song: id(song.0),
                version: id(version.0),
                role: role(*spoken),
                fingerprint: digest(fingerprint),
            })
        }
        Fact::ApprovalWithdrawn { approval } => {
            What::ApprovalWithdrawn(stored::ApprovalWithdrawn { approval: id(approval.0) })
        }
        Fact::HoldPlaced { approval, song, role: spoken, reason } => What::HoldPlaced(stored::HoldPlaced {
            approval: id(approval.0),
            song: id(song.0),
            role: role(*spoken),
            reason: reason.clone(),
        }),
        Fact::HoldLifted { approval } => What::HoldLifted(stored::HoldLifted { approval: id(approval.0) }),
        Fact::StageLeft { song, from, to, version } => What::StageLeft(stored::StageLeft {
            song: id(song.0),
            from: stage(*from),
            to: stage(*to),
            version: id(version.0),
        }),
        Fact::HandoffMade { song, version } => {
            What::HandoffMade(stored::HandoffMade { song: id(song.0), version: id(version.0) })
        }
        Fact::HandoffAccepted { song } => What::HandoffAccepted(stored::HandoffAccepted { song: id(song.0) }),
        Fact::HandoffReturned { song, reason, items } => What::HandoffReturned(stored::HandoffReturned {
            song: id(song.0),
            reason: reason.clone(),
            items: items.iter().map(return_item).collect(),
        }),
        Fact::RecipeSet { song, recipe: set, why } => What::RecipeSet(stored::RecipeSet {
            song: song.map(|song| id(song.0)).unwrap_or_default(),
            recipe: set.as_ref().map(recipe),
            why: why.clone(),
        }),
        Fact::RenderQueued { render, song, version, recipe: with } => {
            What::RenderQueued(stored::RenderQueued {
                render: id(render.0),
                song: id(song.0),
                version: id(version.0),
                recipe: with.as_ref().map(recipe),
            })
        }
        Fact::RenderLeased { render, attempt, engine, recipe: with } => {
            What::RenderLeased(stored::RenderLeased {
                render: id(render.0),
                attempt: *attempt,
                engine: engine.clone(),
                recipe: with.as_ref().map(recipe),
            })
        }
        Fact::RenderCompleted { render, version, report_json, sheet } => {
            What::RenderCompleted(stored::RenderCompleted {
                render: id(render.0),
                version: id(version.0),
                report_json: report_json.clone(),
                sheet: sheet.as_ref().map(digest).unwrap_or_default(),
            })
        }
        Fact::RenderFailed { render, attempt, reason, parked } => What::RenderFailed(stored::RenderFailed {
            render: id(render.0),
            attempt: *attempt,
            reason: reason.clone(),
            parked: *parked,
        }),
        Fact::RenderCancelled { render } => {
            What::RenderCancelled(stored::RenderCancelled { render: id(render.0) })
        }
        Fact::RenderGivenBack { render, attempt } => {
            What::RenderGivenBack(stored::RenderGivenBack { render: id(render.0), attempt: *attempt })
        }
        Fact::DeliveryMade { delivery, song, version, fingerprint, files: given, manifest_json } => {
            What::DeliveryMade(stored::DeliveryMade {
                delivery: id(delivery.0),
                song: id(song.0),
                version: id(version.0),
                fingerprint: digest(fingerprint),
                files: files(given),
                manifest_json: manifest_json.clone(),
            })
        }
        Fact::VersionExamined { version, examined: it } => {
            What::VersionExamined(review::examined(*version, it))
        }
        Fact::PutForward { version, reason } => {
            What::PutForward(stored::PutForward { version: id(version.0), reason: reason.clone() })
        }
        Fact::GateOverridden { song, stage: of, version, reason, unmet } => {
            What::GateOverridden(stored::GateOverridden {
                song: id(song.0),
                stage: stage(*of),
                version: id(version.0),
                reason: reason.clone(),
                unmet: unmet.clone(),
            })
        }
        Fact::ShootoutOpened { shootout, song, entrants, blind } => {
            What::ShootoutOpened(stored::ShootoutOpened {
                shootout: id(shootout.0),
                song: id(song.0),
                entrants: entrants.iter().map(|person| id(person.0)).collect(),
                blind: *blind,
            })
        }
        Fact::VoteCast { song, role: spoken, ranking, blind, matched_lufs, reason } => {
            What::VoteCast(stored::VoteCast {
                song: id(song.0),
                role: role(*spoken),
                ranking: ranking.iter().map(|version| id(version.0)).collect(),
                blind: *blind,
                matched_lufs: *matched_lufs,
                reason: reason.clone(),
            })
        }
        Fact::MixPicked { song, version, role: spoken, reason } => What::MixPicked(stored::MixPicked {
            song: id(song.0),
            version: id(version.0),
            role: role(*spoken),
            reason: reason.clone(),
        }),
        Fact::PreflightSet { settings } => What::PreflightSet(stored::PreflightSet {
            settings: settings.iter().map(review::preflight_setting).collect(),
        }),
        Fact::SpacingSet { number, items } => What::SpacingSet(stored::SpacingSet {
            number: *number,
            items: items.iter().map(review::spacing_item).collect(),
        }),
        Fact::SectionsSet { version, sections } => What::SectionsSet(stored::SectionsSet {
            version: id(version.0),
            sections: sections
                .iter()
                .map(|it| stored::Section { start_ms: it.start_ms, name: it.name.clone() })
                .collect(),
        }),
        Fact::SpacingApproved { approval, number, role: spoken } => {
            What::SpacingApproved(stored::SpacingApproved {
                approval: id(approval.0),
                number: *number,
                role: role(*spoken),
            })
        }
        Fact::NoteMoved { note, version, span: place } => What::NoteMoved(stored::NoteMoved {
            note: id(note.0),
            version: id(version.0),
            span: Some(span(*place)),
        }),
        Fact::ApprovalsCarried { from, to, approvals, why } => {
            What::ApprovalsCarried(stored::ApprovalsCarried {
                from: id(from.0),
                to: id(to.0),
                approvals: approvals.iter().map(|approval| id(approval.0)).collect(),
                why: why.clone(),
            })
        }
        Fact::DeadlinePassed { stage: of, due } => {
            What::DeadlinePassed(stored::DeadlinePassed { stage: stage(*of), due_ms: due.0 })
        }
        Fact::PackageMade { song, version, digest: named, name, bytes } => {
            What::PackageMade(stored::PackageMade {
                song: id(song.0),
                version: id(version.0),
                digest: digest(named),
                name: name.clone(),
                bytes: *bytes,
            })
        }
        Fact::VersionHeard { version, percent } => {
            What::VersionHeard(stored::VersionHeard { version: id(version.0), percent: *percent })
        }
        Fact::Followed { song, level } => What::Followed(stored::Followed {
            song: song.map(|song| id(song.0)).unwrap_or_default(),
            level: match level {
                FollowLevel::Waiting => stored::FollowLevel::Unspecified,
                FollowLevel::All => stored::FollowLevel::All,
                FollowLevel::Muted => stored::FollowLevel::Muted,
            }
            .into(),
        }),
        Fact::WebhookSet { webhook, url, codes } => What::WebhookSet(stored::WebhookSet {
            webhook: id(webhook.0),
            url: url.clone(),
            codes: codes.clone(),
        }),
        Fact::WebhookRemoved { webhook } => {
            What::WebhookRemoved(stored::WebhookRemoved { webhook: id(webhook.0) })
        }
        Fact::MixSwapped { song, reason } => {
            What::MixSwapped(stored::MixSwapped { song: id(song.0), reason: reason.clone() })
        }
        Fact::LabelCopySet { .. }
        | Fact::SongCopySet { .. }
        | Fact::CoverSet { .. }
        | Fact::SpacingNoted { .. }
        | Fact::SpacingNoteClosed { .. }
        | Fact::RecordQueued { .. }
        | Fact::RecordLeased { .. }
        | Fact::RecordMade { .. }
        | Fact::RecordFailed { .. }
        | Fact::RecordCancelled { .. }
        | Fact::RecordGivenBack { .. }
        | Fact::RecordApproved { .. }
        | Fact::RecordDelivered { .. }
        | Fact::KeyEnrolled { .. }
        | Fact::KeyRevoked { .. }
        | Fact::ReceiptKept { .. } => return record::what(fact),
        Fact::LinkMade { .. } | Fact::LinkRevoked { .. } => return link::what(fact),
    })
}
