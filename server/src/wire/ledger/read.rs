//! Stored form to domain. Three answers: the fact, "a newer server wrote this", or "this is broken".

use deadwax_domain::{
    Alternate, ApprovalId, AudioFacts, Carry, DeliveryId, Digest, Fact, File, GateRule, Line, Need, NoteId,
    PersonId, ReceivedFile, Recipe, Remark, RenderId, RequestId, ReturnItem, RevisionKind, Role, Roles,
    SongId, Span, Stage, Terms, Time, VersionId, VersionKind,
};
use deadwax_proto::ledger::v1::{self as stored, fact::What};

use super::{Unreadable, review};

#[derive(Debug)]
pub enum No {
    Newer,
    Broken(Unreadable),
}

impl From<Unreadable> for No {
    fn from(broken: Unreadable) -> Self {
        No::Broken(broken)
    }
}

pub fn id(field: &'static str, bytes: &[u8]) -> Result<u128, Unreadable> {
    let sized = <[u8; 16]>::try_from(bytes);
    sized.map(u128::from_be_bytes).map_err(|_| Unreadable::Length { field, bytes: bytes.len(), wanted: 16 })
}

pub fn optional_id(field: &'static str, bytes: &[u8]) -> Result<Option<u128>, Unreadable> {
    if bytes.is_empty() { Ok(None) } else { id(field, bytes).map(Some) }
}

pub fn digest(field: &'static str, bytes: &[u8]) -> Result<Digest, Unreadable> {
    let sized = <[u8; 32]>::try_from(bytes);
    sized.map(Digest).map_err(|_| Unreadable::Length { field, bytes: bytes.len(), wanted: 32 })
}

pub fn present<T>(field: &'static str, value: Option<T>) -> Result<T, Unreadable> {
    value.ok_or(Unreadable::Absent(field))
}

pub fn role(stored: i32) -> Result<Role, No> {
    Ok(match stored::Role::try_from(stored) {
        Ok(stored::Role::Artist) => Role::Artist,
        Ok(stored::Role::Producer) => Role::Producer,
        Ok(stored::Role::MixEngineer) => Role::MixEngineer,
        Ok(stored::Role::MasteringEngineer) => Role::MasteringEngineer,
        Ok(stored::Role::Label) => Role::Label,
        Ok(stored::Role::Manager) => Role::Manager,
        Ok(stored::Role::Listener) => Role::Listener,
        Ok(stored::Role::Unspecified) => return Err(Unreadable::Absent("role").into()),
        Err(_) => return Err(No::Newer),
    })
}

pub fn roles(stored: &[i32]) -> Result<Roles, No> {
    stored.iter().map(|one| role(*one)).collect()
}

pub fn stage(stored: i32) -> Result<Stage, No> {
    Ok(match stored::Stage::try_from(stored) {
        Ok(stored::Stage::Recording) => Stage::Recording,
        Ok(stored::Stage::Mixing) => Stage::Mixing,
        Ok(stored::Stage::Mastering) => Stage::Mastering,
        Ok(stored::Stage::Delivered) => Stage::Delivered,
        Ok(stored::Stage::Unspecified) => return Err(Unreadable::Absent("stage").into()),
        Err(_) => return Err(No::Newer),
    })
}

pub fn kind(stored: i32) -> Result<VersionKind, No> {
    Ok(match stored::VersionKind::try_from(stored) {
        Ok(stored::VersionKind::Take) => VersionKind::Take,
        Ok(stored::VersionKind::Mix) => VersionKind::Mix,
        Ok(stored::VersionKind::Master) => VersionKind::Master,
        Ok(stored::VersionKind::Unspecified) => return Err(Unreadable::Absent("kind").into()),
        Err(_) => return Err(No::Newer),
    })
}

/// A token that is not known was written by a server that knows more of them.
pub fn alternate(token: &str) -> Result<Alternate, No> {
    if token.is_empty() {
        return Err(Unreadable::Absent("alternate").into());
    }
    Alternate::parse(token).ok_or(No::Newer)
}

fn facts(stored: Option<stored::AudioFacts>) -> Result<AudioFacts, Unreadable> {
    let stored = present("facts", stored)?;
    Ok(AudioFacts {
        container: stored.container,
        codec: stored.codec,
        sample_rate_hz: stored.sample_rate_hz,
        channels: stored.channels,
        bits: stored.bits,
        float: stored.float,
        frames: stored.frames,
        bytes: stored.bytes,
        integrated_lufs: stored.integrated_lufs,
        loudness_range_lu: stored.loudness_range_lu,
        max_momentary_lufs: stored.max_momentary_lufs,
        max_short_term_lufs: stored.max_short_term_lufs,
        true_peak_dbtp: stored.true_peak_dbtp,
        sample_peak_dbfs: stored.sample_peak_dbfs,
        dc_offset: stored.dc_offset,
        correlation: stored.correlation,
        head_silence_s: stored.head_silence_s,
        tail_silence_s: stored.tail_silence_s,
        clipped_samples: stored.clipped_samples,
        remarks: stored.remarks.into_iter().map(remark).collect(),
    })
}

fn remark(stored: stored::Remark) -> Remark {
    Remark { code: stored.code, text: stored.text, at_ms: stored.at_ms }
}

fn files(stored: Vec<stored::File>) -> Result<Vec<File>, No> {
    let one = |file: stored::File| {
        Ok(File {
            alternate: alternate(&file.alternate)?,
            digest: digest("file.digest", &file.digest)?,
            name: file.name,
            facts: facts(file.facts)?,
        })
    };
    stored.into_iter().map(one).collect()
}

fn rule(stored: Option<stored::GateRule>) -> Result<GateRule, No> {
    let stored = present("rule", stored)?;
    let need = |need: stored::Need| Ok::<_, No>(Need { any_of: roles(&need.any_of)?, count: need.count });
    Ok(GateRule {
        stage: stage(stored.stage)?,
        needs: stored.needs.into_iter().map(need).collect::<Result<_, _>>()?,
        required_alternates: stored
            .required_alternates
            .iter()
            .map(|token| alternate(token))
            .collect::<Result<_, _>>()?,
        open_notes_allowed: stored.open_notes_allowed,
        self_approval: stored.self_approval,
        preflight_ignored: stored.preflight_ignored,
        heard_percent: stored.heard_percent,
        spacing_roles: roles(&stored.spacing_roles)?,
        due: date(stored.due_ms),
        closes_when_due: stored.closes_when_due,
        carry: match stored::Carry::try_from(stored.carry).map_err(|_| No::Newer)? {
            stored::Carry::Unspecified => Carry::Never,
            stored::Carry::Metadata => Carry::Metadata,
            stored::Carry::SamePcm => Carry::SamePcm,
            stored::Carry::Residual => Carry::Residual { below_db: stored.carry_residual_db },
        },
        signed: stored.signed,
    })
}

/// 0: no date.
fn date(ms: i64) -> Option<Time> {
    Some(ms).filter(|ms| *ms != 0).map(Time)
}

fn return_item(stored: stored::ReturnItem) -> Result<ReturnItem, No> {
    let token = Some(stored.alternate).filter(|token| !token.is_empty());
    Ok(ReturnItem { alternate: token.map(|token| alternate(&token)).transpose()?, reason: stored.reason })
}

fn recipe(stored: stored::Recipe) -> Result<Recipe, Unreadable> {
    Ok(Recipe { toml: stored.toml, hash: digest("recipe.hash", &stored.hash)? })
}

pub fn song(bytes: &[u8]) -> Result<SongId, Unreadable> {
    id("song", bytes).map(SongId)
}
pub fn version(bytes: &[u8]) -> Result<VersionId, Unreadable> {
    id("version", bytes).map(VersionId)
}
pub fn note(bytes: &[u8]) -> Result<NoteId, Unreadable> {
    id("note", bytes).map(NoteId)
}
pub fn person(bytes: &[u8]) -> Result<PersonId, Unreadable> {
    id("person", bytes).map(PersonId)
}
pub fn approval(bytes: &[u8]) -> Result<ApprovalId, Unreadable> {
    id("approval", bytes).map(ApprovalId)
}
fn render(bytes: &[u8]) -> Result<RenderId, Unreadable> {
    id("render", bytes).map(RenderId)
}
fn request(bytes: &[u8]) -> Result<RequestId, Unreadable> {
    id("request", bytes).map(RequestId)
}

fn version_added(it: stored::VersionAdded) -> Result<Fact, No> {
    Ok(Fact::VersionAdded {
        version: version(&it.version)?,
        song: song(&it.song)?,
        kind: kind(it.kind)?,
        number: it.number,
        title: it.title,
        changelog: it.changelog,
        files: files(it.files)?,
        fingerprint: digest("fingerprint", &it.fingerprint)?,
        render: optional_id("render", &it.render)?.map(RenderId),
        line: u8::try_from(it.line)
            .map_err(|_| No::Newer)
            .map(|line| Some(line).filter(|line| *line > 0))?
            .map(Line),
    })
}

fn note_added(it: stored::NoteAdded) -> Result<Fact, No> {
    Ok(Fact::NoteAdded {
        note: note(&it.note)?,
        song: song(&it.song)?,
        version: version(&it.version)?,
        alternate: if it.alternate.is_empty() { None } else { Some(alternate(&it.alternate)?) },
        parent: optional_id("parent", &it.parent)?.map(NoteId),
        span: it.span.map(|span| Span { start_ms: span.start_ms, end_ms: span.end_ms }),
        role: role(it.role)?,
        text: it.text,
        internal: it.internal,
        addressee: optional_id("addressee", &it.addressee)?.map(PersonId),
        checklist: it.checklist,
    })
}

fn revision_requested(it: stored::RevisionRequested) -> Result<Fact, No> {
    Ok(Fact::RevisionRequested {
        request: request(&it.request)?,
        song: song(&it.song)?,
        version: version(&it.version)?,
        role: role(it.role)?,
        message: it.message,
        notes: it.notes.iter().map(|one| note(one)).collect::<Result<_, _>>()?,
        round: it.round,
        kind: if it.correction { RevisionKind::Correction } else { RevisionKind::Change },
        free: it.free,
        beyond_terms: it.beyond_terms,
    })
}

/// One arm a fact, in the order of `facts.proto`: a table, and long for that reason alone.
pub fn fact(what: What) -> Result<Fact, No> {
    Ok(match what {
        What::ProjectCreated(it) => Fact::ProjectCreated { title: it.title, artist: it.artist },
        What::TermsChanged(it) => {
            let terms = Terms {
                rounds_included: it.rounds_included,
                self_approval: it.self_approval,
                corrections_free: it.corrections_free.unwrap_or(1),
                cut_off: date(it.cut_off_ms),
            };
            Fact::TermsChanged { terms }
        }
        What::MemberAdded(it) => Fact::MemberAdded { person: person(&it.person)?, roles: roles(&it.roles)? },
        What::RolesChanged(it) => {
            Fact::RolesChanged { person: person(&it.person)?, roles: roles(&it.roles)? }
        }
        What::MemberRemoved(it) => Fact::MemberRemoved { person: person(&it.person)? },
        What::SongAdded(it) => Fact::SongAdded { song: song(&it.song)?, title: it.title, isrc: it.isrc },
        What::SongEdited(it) => Fact::SongEdited { song: song(&it.song)?, title: it.title, isrc: it.isrc },
        What::GateSet(it) => Fact::GateSet { rule: rule(it.rule)? },
        What::FileReceived(it) => Fact::FileReceived {
            file: ReceivedFile {
                digest: digest("digest", &it.digest)?,
                name: it.name,
                facts: facts(it.facts)?,
            },
        },
        What::VersionAdded(it) => version_added(it)?,
        What::NoteAdded(it) => note_added(it)?,
        What::NoteAddressed(it) => {
            Fact::NoteAddressed { note: note(&it.note)?, version: version(&it.version)? }
        }
        What::NoteAccepted(it) => Fact::NoteAccepted { note: note(&it.note)? },
        What::NoteReopened(it) => Fact::NoteReopened { note: note(&it.note)?, reason: it.reason },
        What::NoteDeclined(it) => Fact::NoteDeclined { note: note(&it.note)?, reason: it.reason },
        What::ChecklistTicked(it) => {
            Fact::ChecklistTicked { note: note(&it.note)?, item: it.item, done: it.done }
        }
        What::RevisionRequested(it) => revision_requested(it)?,
        What::RevisionAnswered(it) => {
            Fact::RevisionAnswered { request: request(&it.request)?, version: version(&it.version)? }
        }
        What::Approved(it) => Fact::Approved {
            approval: approval(&it.approval)?,
            song: song(&it.song)?,
            version: version(&it.version)?,
            role: role(it.role)?,
            fingerprint: digest("fingerprint", &it.fingerprint)?,
        },
        What::ApprovalWithdrawn(it) => Fact::ApprovalWithdrawn { approval: approval(&it.approval)? },
        What::HoldPlaced(it) => Fact::HoldPlaced {
            approval: approval(&it.approval)?,
            song: song(&it.song)?,
            role: role(it.role)?,
            reason: it.reason,
        },
        What::HoldLifted(it) => Fact::HoldLifted { approval: approval(&it.approval)? },
        What::StageLeft(it) => Fact::StageLeft {
            song: song(&it.song)?,
            from: stage(it.from)?,
            to: stage(it.to)?,
            version: version(&it.version)?,
        },
        What::HandoffMade(it) => Fact::HandoffMade { song: song(&it.song)?, version: version(&it.version)? },
        What::HandoffAccepted(it) => Fact::HandoffAccepted { song: song(&it.song)? },
        What::HandoffReturned(it) => Fact::HandoffReturned {
            song: song(&it.song)?,
            reason: it.reason,
            items: it.items.into_iter().map(return_item).collect::<Result<_, _>>()?,
        },
        What::RecipeSet(it) => {
            let of = if it.song.is_empty() { None } else { Some(song(&it.song)?) };
            Fact::RecipeSet { song: of, recipe: it.recipe.map(recipe).transpose()?, why: it.why }
        }
        What::RenderQueued(it) => Fact::RenderQueued {
            render: render(&it.render)?,
            song: song(&it.song)?,
            version: version(&it.version)?,
            recipe: it.recipe.map(recipe).transpose()?,
        },
        What::RenderLeased(it) => Fact::RenderLeased {
            render: render(&it.render)?,
            attempt: it.attempt,
            engine: it.engine,
            recipe: it.recipe.map(recipe).transpose()?,
        },
        What::RenderCompleted(it) => Fact::RenderCompleted {
            render: render(&it.render)?,
            version: version(&it.version)?,
            report_json: it.report_json,
            sheet: Some(it.sheet.as_slice())
                .filter(|sheet| !sheet.is_empty())
                .map(|sheet| digest("sheet", sheet))
                .transpose()?,
        },
        What::RenderFailed(it) => Fact::RenderFailed {
            render: render(&it.render)?,
            attempt: it.attempt,
            reason: it.reason,
            parked: it.parked,
        },
        What::RenderCancelled(it) => Fact::RenderCancelled { render: render(&it.render)? },
        What::RenderGivenBack(it) => {
            Fact::RenderGivenBack { render: render(&it.render)?, attempt: it.attempt }
        }
        What::DeliveryMade(it) => Fact::DeliveryMade {
            delivery: id("delivery", &it.delivery).map(DeliveryId)?,
            song: song(&it.song)?,
            version: version(&it.version)?,
            fingerprint: digest("fingerprint", &it.fingerprint)?,
            files: files(it.files)?,
            manifest_json: it.manifest_json,
        },
        later => review::fact(later)?,
    })
}
