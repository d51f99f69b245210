//! Domain to stored form. Total: whatever the domain decided can be written.

use deadwax_domain::{
    AudioFacts, Digest, Fact, File, GateRule, NoteId, Recipe, Remark, Role, Span, Stage, VersionKind,
};
use deadwax_proto::ledger::v1::{self as stored, fact::What};

pub fn id(id: u128) -> Vec<u8> {
    id.to_be_bytes().to_vec()
}

fn digest(digest: &Digest) -> Vec<u8> {
    digest.0.to_vec()
}

fn role(role: Role) -> i32 {
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

fn roles<'r>(roles: impl IntoIterator<Item = &'r Role>) -> Vec<i32> {
    roles.into_iter().map(|one| role(*one)).collect()
}

fn stage(stage: Stage) -> i32 {
    let stored = match stage {
        Stage::Recording => stored::Stage::Recording,
        Stage::Mixing => stored::Stage::Mixing,
        Stage::Mastering => stored::Stage::Mastering,
        Stage::Delivered => stored::Stage::Delivered,
    };
    stored.into()
}

fn kind(kind: VersionKind) -> i32 {
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
    }
}

fn span(span: Span) -> stored::Span {
    stored::Span { start_ms: span.start_ms, end_ms: span.end_ms }
}

fn notes(notes: &[NoteId]) -> Vec<Vec<u8>> {
    notes.iter().map(|note| id(note.0)).collect()
}

/// One arm a fact, in the order of `facts.proto`: a table, and long for that reason alone.
pub fn what(fact: &Fact) -> What {
    match fact {
        Fact::ProjectCreated { title, artist } => {
            What::ProjectCreated(stored::ProjectCreated { title: title.clone(), artist: artist.clone() })
        }
        Fact::TermsChanged { rounds_included, self_approval } => What::TermsChanged(stored::TermsChanged {
            rounds_included: *rounds_included,
            self_approval: *self_approval,
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
        Fact::RevisionRequested { request, song, version, role: spoken, message, notes: bundle, round } => {
            What::RevisionRequested(stored::RevisionRequested {
                request: id(request.0),
                song: id(song.0),
                version: id(version.0),
                role: role(*spoken),
                message: message.clone(),
                notes: notes(bundle),
                round: *round,
            })
        }
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
        Fact::HandoffReturned { song, reason } => {
            What::HandoffReturned(stored::HandoffReturned { song: id(song.0), reason: reason.clone() })
        }
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
    }
}
