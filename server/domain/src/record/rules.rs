//! What may be asked of a record: start, cancel, make, approve, deliver. A worker's attempt is its fence, as of a render.

use std::collections::BTreeSet;

use super::{
    DELIVERERS, Record, RecordFile, RecordProfile, RecordSource, RecordState, STARTERS, WITHOUT_LABEL,
    approvers, basis, counts, is_approved, is_outdated, outdated_text, record_fingerprint,
};
use crate::{
    Actor, Command, Fact, Project, Reason, RecordId, Refusal, Role, Song, Stage,
    asker::{Asker, either, free_id},
    decide::{Ruling, misrouted},
    limits,
    refusal::no,
    spacing,
    text::{self, plural},
};

/// `12" 33 rpm` and what a plant may call it.
const MEDIUM_CHARS_MAX: usize = 64;
/// Louder is a square wave, softer is another idea of a record.
const LOUDEST_LUFS: std::ops::RangeInclusive<f64> = -30.0..=-6.0;

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    match command {
        Command::StartRecord { .. } => start(project, actor, command),
        Command::CancelRecord { record } => {
            let asker = Asker::of(project, actor)?;
            asker.must_hold(&STARTERS, "cancel a record")?;
            alive(project, *record)?;
            Ok(Ruling::fact(Fact::RecordCancelled { record: *record }))
        }
        Command::LeaseRecord { record, engine } => lease(project, actor, *record, engine),
        Command::CompleteRecord { record, attempt, files, report_json } => {
            let record = running(project, actor, *record, *attempt)?;
            complete(project, record, files, report_json)
        }
        Command::FailRecord { record, attempt, reason, retry } => {
            let record = running(project, actor, *record, *attempt)?;
            let parked = !retry || record.failures + 1 >= limits::RENDER_FAILURES_MAX;
            // From our own worker, so cut and not refused: a failure that cannot be recorded would run for ever.
            let reason = reason.chars().filter(|c| !c.is_control()).take(1000).collect();
            Ok(Ruling::fact(Fact::RecordFailed { record: record.id, attempt: *attempt, reason, parked }))
        }
        Command::GiveBackRecord { record, attempt } => {
            let record = running(project, actor, *record, *attempt)?;
            Ok(Ruling::fact(Fact::RecordGivenBack { record: record.id, attempt: *attempt }))
        }
        Command::DeliverRecord { record, manifest_json } => deliver(project, actor, *record, manifest_json),
        _ => misrouted(),
    }
}

fn start(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let Command::StartRecord { record, spacing, profiles, loudest_track_lufs, medium, basis: seen } = command
    else {
        return misrouted();
    };
    let asker = Asker::of(project, actor)?;
    asker.must_hold(&STARTERS, "make a record")?;
    let sources = sources(&asker, *spacing)?;
    if let Some(running) = project.records.iter().find(|record| record.is_alive()) {
        let text = format!("{} is queued or being made.", running.name());
        return no(Reason::RecordRunning, text, "Wait for it, or cancel it.");
    }
    if seen.is_some() && *seen != basis(project) {
        let text =
            "What the record would be made of changed since its dry run: a master, a text or the cover.";
        return no(Reason::PlanChanged, text, "Look at the dry run again, then start it.");
    }
    let profiles = sound_profiles(profiles)?;
    sound_level(*loudest_track_lufs)?;
    let medium = sound_medium(medium)?;
    free_id(project.record(*record).is_some())?;
    limits::room(project.records.len(), limits::RECORDS_MAX, "records")?;
    Ok(Ruling::fact(Fact::RecordQueued {
        record: *record,
        number: u32::try_from(project.records.len() + 1).unwrap_or(u32::MAX),
        spacing: *spacing,
        sources,
        profiles,
        loudest_track_lufs: *loudest_track_lufs,
        medium,
    }))
}

/// The signed masters in the order of the newest spacing, which is the one that was seen and can be played with them.
fn sources(asker: &Asker<'_>, number: u32) -> Result<Vec<RecordSource>, Refusal> {
    let project = asker.project;
    let newest = spacing::newest(project, number)?;
    if !spacing::names_every_song(project, &newest.items) {
        let text = format!("Spacing {number} does not name every song of the project once.");
        return no(Reason::SpacingChanged, text, "Set a new one: songs came since.");
    }
    let (mut sources, mut lacking) = (Vec::new(), Vec::new());
    for item in &newest.items {
        let signed = |song: &&Song| song.stage == Stage::Delivered;
        let of = project.songs.get(item.song).filter(signed);
        match of.and_then(|song| project.candidate(song.id)) {
            Some(master) => sources.push(RecordSource {
                song: item.song,
                version: master.id,
                fingerprint: master.fingerprint,
            }),
            None => lacking.push(project.song_name(item.song)),
        }
    }
    if !lacking.is_empty() {
        let verb = if lacking.len() == 1 { "has no master that is" } else { "have no masters that are" };
        let text = format!("{} {verb} signed yet.", text::list(&lacking));
        return no(
            Reason::NotDeliveredYet,
            text,
            "The gate of mastering comes first, for every song of the record.",
        );
    }
    spacing::must_be_playable(asker, &newest.items)?;
    Ok(sources)
}

/// Also asked of a dry run. Which media there are only profiles know.
pub fn sound_medium(medium: &str) -> Result<String, Refusal> {
    text::line("The name of the medium", medium, MEDIUM_CHARS_MAX)
}

/// Also asked of a dry run, which nobody has to be allowed to start.
pub fn sound_level(loudest_track_lufs: Option<f64>) -> Result<(), Refusal> {
    if loudest_track_lufs.is_none_or(|lufs| LOUDEST_LUFS.contains(&lufs)) {
        return Ok(());
    }
    let text = "The loudest track of a record plays at -30 to -6 LUFS.";
    no(Reason::RuleInvalid, text, "Give a level such as -14, or none: then all stays as it was signed.")
}

/// Likewise. What a profile says is not read here.
pub fn sound_profiles(given: &[RecordProfile]) -> Result<Vec<RecordProfile>, Refusal> {
    let wrong = |text: String, hint: &str| no(Reason::ProfileInvalid, text, hint);
    if given.is_empty() {
        return wrong("A record for no profile has no files.".to_owned(), "Name at least one profile.");
    }
    let most = limits::PROFILES_PER_RECORD_MAX;
    if given.len() > most {
        return wrong(
            format!("{} profiles were given; {most} are the limit.", given.len()),
            "Make two records.",
        );
    }
    let mut names = BTreeSet::new();
    let mut profiles = Vec::new();
    for profile in given {
        let name = text::name("The name of a profile", &profile.name)?;
        let (bytes, most) = (profile.toml.len(), limits::PROFILE_BYTES_MAX);
        if bytes > most {
            return wrong(
                format!("The profile {name} has {bytes} bytes; {most} are the limit."),
                "Shorten it.",
            );
        }
        if profile.toml.trim().is_empty() {
            return wrong(
                format!("The profile {name} is empty."),
                "Name one that comes along, or give its text.",
            );
        }
        if !names.insert(name.to_lowercase()) {
            return wrong(format!("The profile {name} is named twice."), "Name each once.");
        }
        profiles.push(RecordProfile { name, toml: profile.toml.clone() });
    }
    let bytes: usize = profiles.iter().map(|profile| profile.toml.len()).sum();
    let most = limits::PROFILES_BYTES_MAX;
    if bytes > most {
        return wrong(
            format!("The profiles have {bytes} bytes together; {most} are the limit."),
            "Make two records.",
        );
    }
    Ok(profiles)
}

fn worker_only(actor: &Actor) -> Result<(), Refusal> {
    if *actor == Actor::Worker {
        return Ok(());
    }
    let text = "Only the worker of this server that makes records may do that.";
    no(Reason::NotYourRole, text, "Start a record; the worker does the rest.")
}

fn find(project: &Project, record: RecordId) -> Result<&Record, Refusal> {
    match project.record(record) {
        Some(record) => Ok(record),
        None => {
            let hint = "Look at the list of records again.";
            no(Reason::NoSuchRecord, "There is no such record in this project.", hint)
        }
    }
}

fn alive(project: &Project, record: RecordId) -> Result<&Record, Refusal> {
    let record = find(project, record)?;
    let how = match record.state {
        RecordState::Queued | RecordState::Running => return Ok(record),
        RecordState::Made => "is made",
        RecordState::Failed => "has failed",
        RecordState::Cancelled => "was cancelled",
        RecordState::Delivered => "was delivered",
    };
    no(Reason::RecordEnded, format!("{} {how}.", record.name()), "Start a new one.")
}

/// A lease may be taken over from a worker that died: the new attempt number is the fence. After too many tries without an end the answer is `RecordFailed` and no
/// lease: whatever kills its worker so often must not be tried for ever. A worker that was told to stop gave its attempt back, which is no try.
fn lease(project: &Project, actor: &Actor, record: RecordId, engine: &str) -> Result<Ruling, Refusal> {
    worker_only(actor)?;
    let record = alive(project, record)?;
    let (id, attempt) = (record.id, record.attempt);
    if record.tries() >= limits::RENDER_ATTEMPTS_MAX {
        let reason = format!("{} attempts were begun and none came to an end", record.tries());
        return Ok(Ruling::fact(Fact::RecordFailed { record: id, attempt, reason, parked: true }));
    }
    let engine = engine.chars().filter(|c| !c.is_control()).take(200).collect();
    Ok(Ruling::fact(Fact::RecordLeased { record: id, attempt: attempt + 1, engine }))
}

/// The record, if this attempt is the one that runs.
fn running<'a>(
    project: &'a Project,
    actor: &Actor,
    record: RecordId,
    attempt: u32,
) -> Result<&'a Record, Refusal> {
    worker_only(actor)?;
    let record = alive(project, record)?;
    if record.state == RecordState::Running && record.attempt == attempt {
        return Ok(record);
    }
    let text = format!("Attempt {attempt} is stale; {} were begun.", record.attempt);
    no(Reason::StaleAttempt, text, "Throw the result away.")
}

/// The same files as the newest record of the same masters, spacing and texts make no second one to sign: the new number is set aside, and the fold says for which.
fn complete(
    project: &Project,
    record: &Record,
    files: &[RecordFile],
    report_json: &str,
) -> Result<Ruling, Refusal> {
    sound_files(record, files)?;
    let names: usize =
        files.iter().map(|file| file.place().len() + file.profile.len() + file.kind.len()).sum();
    limits::at_most(names + report_json.len(), limits::RECORD_BYTES_MAX, "bytes of names and report")?;
    let fingerprint = record_fingerprint(files);
    if twin(project, record).is_some_and(|twin| twin.fingerprint == Some(fingerprint)) {
        return Ok(Ruling::fact(Fact::RecordCancelled { record: record.id }));
    }
    Ok(Ruling::fact(Fact::RecordMade {
        record: record.id,
        files: files.to_vec(),
        fingerprint,
        report_json: report_json.to_owned(),
    }))
}

/// The newest that is made of the same masters, spacing and texts: one of other texts is outdated by them, and cannot stand for this one.
pub(crate) fn twin<'a>(project: &'a Project, record: &Record) -> Option<&'a Record> {
    let alike = |it: &&Record| {
        let same = it.spacing == record.spacing && it.sources == record.sources && it.texts == record.texts;
        same && it.is_made() && it.id != record.id
    };
    project.records.iter().rev().find(alike)
}

/// Names that every file system takes, each place once, and nothing that a manifest could not tell.
fn sound_files(record: &Record, files: &[RecordFile]) -> Result<(), Refusal> {
    let wrong = |text: String| no(Reason::RuleInvalid, text, "This is a fault of the server: report it.");
    if files.is_empty() {
        return wrong("A record without files is none.".to_owned());
    }
    limits::at_most(files.len(), limits::RECORD_FILES_MAX, "files of a record")?;
    let mut places = BTreeSet::new();
    for (at, file) in (1..).zip(files) {
        let folders = file.folder.split('/').filter(|_| !file.folder.is_empty());
        if !folders.chain([file.name.as_str()]).all(is_file_name) {
            let text = format!("File {at} of the record has a name that no file can have everywhere.");
            return no(Reason::NameInvalid, text, "Change the title or the profile that it is made of.");
        }
        // Some file systems know no difference between capitals and small letters.
        if !places.insert(file.place().to_lowercase()) {
            return wrong(format!("File {at} of the record stands where another does."));
        }
        if !record.profiles.iter().any(|profile| profile.name == file.profile) {
            return wrong(format!("File {at} of the record belongs to none of its profiles."));
        }
        let levels = [file.integrated_lufs, file.true_peak_dbtp];
        if file.bytes == 0 || file.kind.is_empty() || levels.into_iter().flatten().any(f64::is_nan) {
            return wrong(format!("File {at} of the record is empty, or what it holds was not told."));
        }
    }
    Ok(())
}

/// A name that every file system takes.
pub fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= limits::FILE_NAME_BYTES_MAX
        && name.trim() == name
        && !name.ends_with('.')
        && !name.chars().any(|c| text::misleading(c) || matches!(c, '/' | '\\'))
}

/// Apart from the question for a key.
pub(crate) fn approval(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let Command::ApproveRecord { approval, record, role, fingerprint } = command else { return misrouted() };
    let asker = Asker::of(project, actor)?;
    let may: Vec<Role> = std::iter::once(Role::Label).chain(WITHOUT_LABEL).collect();
    asker.must_hold(&may, "approve a record")?;
    asker.must_speak_as(*role)?;
    let record = find(project, *record)?;
    let asked = approvers(project);
    if !asked.contains(role) {
        let text = format!("As {role} you do not approve a record: that is for the {}.", either(asked));
        return no(Reason::NotYourRole, text, "Tell them what you think of it.");
    }
    let name = record.name();
    let Some(made) = record.fingerprint.filter(|_| record.is_made()) else {
        let text = format!("{name} is not made; there is nothing to approve.");
        return no(Reason::RecordNotMade, text, "Wait until it is made, or start a new one.");
    };
    must_be_current(project, record)?;
    if made != *fingerprint {
        let text = format!("{name} does not hold the files that you saw.");
        return no(Reason::FingerprintDiffers, text, "Look at it again, then approve what is there.");
    }
    if record.by == Some(asker.id) && !project.self_approval(Stage::Mastering) {
        let text = format!("You started {name}; somebody else has to approve it.");
        let hint = "The manager may allow self-approval in the terms or at the gate of mastering.";
        return no(Reason::SelfApproval, text, hint);
    }
    let mine = |known: &&super::RecordApproval| (known.person, known.role) == (asker.id, *role);
    if record.approvals.iter().filter(mine).any(|known| counts(project, record, known)) {
        let text = format!("You approved {name} as {role} already.");
        return no(Reason::AlreadyApproved, text, "There is nothing to do.");
    }
    free_id(project.knows_signature(*approval))?;
    limits::room(record.approvals.len(), limits::SIGNATURES_PER_SONG_MAX, "approvals of this record")?;
    let (approval, role, fingerprint) = (*approval, *role, *fingerprint);
    Ok(Ruling::fact(Fact::RecordApproved { approval, record: record.id, role, fingerprint }))
}

fn must_be_current(project: &Project, record: &Record) -> Result<(), Refusal> {
    if !is_outdated(project, record) {
        return Ok(());
    }
    no(Reason::RecordOutdated, outdated_text(project, record), "Start a new record; it tells what differs.")
}

/// Exactly the files that were signed, once.
fn deliver(project: &Project, actor: &Actor, id: RecordId, manifest_json: &str) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    asker.must_hold(&DELIVERERS, "deliver a record")?;
    let record = find(project, id)?;
    let name = record.name();
    if record.delivered.is_some() {
        let text = format!("{name} was delivered already.");
        return no(Reason::DeliveredAlready, text, "Fetch its files; a change makes a new record.");
    }
    if !record.is_made() {
        let text = format!("{name} is not made; there is nothing to deliver.");
        return no(Reason::RecordNotMade, text, "Wait until it is made, or start a new one.");
    }
    must_be_current(project, record)?;
    if !is_approved(project, record) {
        let text = format!("{name} is not approved by the {}.", either(approvers(project)));
        return no(Reason::RecordNotApproved, text, "Let them approve it first.");
    }
    if manifest_json.len() > limits::MANIFEST_BYTES_MAX {
        let text = format!(
            "The manifest of {} has {} bytes.",
            plural(record.files.len(), "file"),
            manifest_json.len()
        );
        return no(Reason::LimitReached, text, "Make two records with fewer profiles each.");
    }
    Ok(Ruling::fact(Fact::RecordDelivered { record: id, manifest_json: manifest_json.to_owned() }))
}
