//! What a statement must say, line by line, held against the project as it stands and the command that it comes with. The text is anybody's: it is compared,
//! never trusted and never told back. Never here: the mathematics of signatures.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::{Receipt, head};
use crate::{
    Command, Digest, FadeShape, Project, Reason, Record, Refusal, SpacingItem, Time, Version, asker::Asker,
    ids::uuid, limits, refusal::no, text::shown,
};

/// One line of a statement that would be true now.
enum Line {
    Exactly(String),
    /// Of the statement before this one.
    Previous,
    Sequence,
    /// The signer's clock.
    Time,
}

/// All lines, in their order.
#[derive(Default)]
struct Statement {
    lines: Vec<Line>,
    /// Lines that may stand in any order among themselves: files of one alternate.
    loose: Vec<Range<usize>>,
}

impl Statement {
    fn say(&mut self, name: &str, value: impl std::fmt::Display) {
        self.lines.push(Line::Exactly(format!("{name}: {value}")));
    }
}

pub(super) fn must_say(
    asker: &Asker<'_>,
    approve: &Command,
    receipt: &Receipt,
    now: Time,
) -> Result<(), Refusal> {
    let text = &receipt.statement;
    let most = limits::STATEMENT_BYTES_MAX;
    if text.len() > most {
        return invalid(format!("The statement has {} bytes; {most} are the limit.", text.len()));
    }
    let Some(body) = text.strip_suffix('\n') else {
        return invalid("The statement does not end with a line end.".to_owned());
    };
    let expected = expected(asker, approve, receipt.key)?;
    let mut said: Vec<&str> = body.split('\n').collect();
    for range in &expected.loose {
        if let Some(lines) = said.get_mut(range.clone()) {
            lines.sort_unstable();
        }
    }
    for (at, line) in expected.lines.iter().enumerate() {
        must_be(asker.project, (at + 1, line), said.get(at).copied(), now)?;
    }
    if said.len() > expected.lines.len() {
        return invalid(format!("The statement goes on after line {}, its last.", expected.lines.len()));
    }
    Ok(())
}

fn must_be(
    project: &Project,
    (number, line): (usize, &Line),
    said: Option<&str>,
    now: Time,
) -> Result<(), Refusal> {
    let wrong = |asked: &str| match said {
        Some(_) => invalid(format!("Line {number} of the statement has to say {asked}, and it does not.")),
        None => invalid(format!("The statement ends before line {number}, which has to say {asked}.")),
    };
    let value = |name: &str| said.and_then(|said| said.strip_prefix(name)?.strip_prefix(": "));
    let (sequence, previous) = head(project);
    match line {
        Line::Exactly(asked) if said == Some(asked) => Ok(()),
        Line::Exactly(asked) => wrong(&format!("\"{}\"", cut(asked))),
        Line::Previous => match value("previous").filter(|it| is_digest(it)) {
            Some(it) if it == previous.to_string() => Ok(()),
            Some(_) => stale(project),
            None => wrong(&format!("\"previous: {previous}\"")),
        },
        Line::Sequence => {
            let next = sequence.saturating_add(1);
            match value("sequence").filter(|it| is_number(it)) {
                Some(it) if it == next.to_string() => Ok(()),
                Some(_) => stale(project),
                None => wrong(&format!("\"sequence: {next}\"")),
            }
        }
        Line::Time => {
            let apart = |time: Time| time.0.abs_diff(now.0) <= limits::STATEMENT_TIME_MS.unsigned_abs();
            match value("time").and_then(Time::of_utc) {
                Some(time) if apart(time) => Ok(()),
                Some(_) => {
                    let ours = now.words();
                    let text = format!(
                        "Line {number} of the statement tells a time that is not ours: here it is {ours}."
                    );
                    no(Reason::StatementInvalid, text, "Set the clock of this machine, and sign anew.")
                }
                None => wrong("the time of now, as in \"time: 2026-11-21T20:15:00Z\""),
            }
        }
    }
}

fn invalid<T>(text: String) -> Result<T, Refusal> {
    let hint = "Look at what you sign once more; where it is right, update the client and sign anew.";
    no(Reason::StatementInvalid, text, hint)
}

fn stale<T>(project: &Project) -> Result<T, Refusal> {
    let (sequence, previous) = head(project);
    let text = match sequence {
        0 => "No statement was signed in this project yet, and this one names one before it.".to_owned(),
        _ => format!("Statement {sequence} ({previous}) is the newest by now; this one does not follow it."),
    };
    no(Reason::StatementStale, text, "Read the project again, and sign anew.")
}

/// A long line as far as it tells which one it is.
fn cut(line: &str) -> String {
    const CHARS_MAX: usize = 200;
    if line.chars().count() <= CHARS_MAX {
        return line.to_owned();
    }
    line.chars().take(CHARS_MAX).chain(['…']).collect()
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_number(text: &str) -> bool {
    (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is true of the command now.
fn expected(asker: &Asker<'_>, approve: &Command, key: Digest) -> Result<Statement, Refusal> {
    let project = asker.project;
    let mut all = Statement::default();
    all.lines.push(Line::Exactly("deadwax-statement/1".to_owned()));
    all.say("project", project_id(project));
    all.say("project-title", shown(&project.title));
    all.say("decision", "approve");
    match approve {
        Command::Approve { approval, version, role, .. } => {
            let version = asker.version(*version)?;
            of_version(&mut all, project, version);
            by(&mut all, asker, (role.token(), key, approval.0));
            all.say("fingerprint", version.fingerprint);
            files(&mut all, version);
        }
        Command::ApproveSpacing { approval, number, role } => {
            let Some(spacing) = project.spacings.iter().find(|it| it.number == *number) else {
                return stale(project);
            };
            object(&mut all, "spacing", project_id(project), format!("Spacing {number}"));
            by(&mut all, asker, (role.token(), key, approval.0));
            all.say("fingerprint", spacing_fingerprint(&spacing.items));
            all.lines.extend(spacing.items.iter().map(item).map(Line::Exactly));
        }
        Command::ApproveRecord { approval, record, role, fingerprint } => {
            let Some(record) = project.record(*record) else { return stale(project) };
            object(&mut all, "record", uuid(record.id.0), format!("Record {}", record.number));
            by(&mut all, asker, (role.token(), key, approval.0));
            all.say("fingerprint", fingerprint);
            places(&mut all, record);
        }
        // The rule let nothing else through.
        _ => return stale(project),
    }
    all.lines.extend([Line::Previous, Line::Sequence, Line::Time]);
    Ok(all)
}

/// A project whose id nobody told here has none that a statement could name.
fn project_id(project: &Project) -> String {
    project.id.map_or_else(|| "unknown".to_owned(), |id| uuid(id.0))
}

fn object(all: &mut Statement, kind: &str, id: String, name: String) {
    all.say("object", kind);
    all.say("object-id", id);
    all.say("name", name);
}

fn of_version(all: &mut Statement, project: &Project, version: &Version) {
    object(all, "version", uuid(version.id.0), version.name());
    let title = project.songs.get(version.song).map(|song| shown(&song.title)).unwrap_or_default();
    all.say("song", uuid(version.song.0));
    all.say("song-title", title);
    all.say("stage", version.kind.stage().token());
}

fn by(all: &mut Statement, asker: &Asker<'_>, (role, key, approval): (&str, Digest, u128)) {
    all.say("role", role);
    all.say("signer", uuid(asker.id.0));
    all.say("key", key);
    all.say("approval", uuid(approval));
}

/// By the token of the alternate. A master holds one alternate in several encodings; those stand in any order.
fn files(all: &mut Statement, version: &Version) {
    let mut files: Vec<(String, String)> = version
        .files
        .iter()
        .map(|file| {
            let token = file.alternate.to_string();
            (token.clone(), format!("file: {} {} {token}", file.digest, file.facts.bytes))
        })
        .collect();
    files.sort();
    let first = all.lines.len();
    let mut from = 0;
    for alike in files.chunk_by(|(one, _), (other, _)| one == other) {
        all.loose.push(first + from..first + from + alike.len());
        from += alike.len();
    }
    all.lines.extend(files.into_iter().map(|(_, line)| Line::Exactly(line)));
}

fn places(all: &mut Statement, record: &Record) {
    let mut files: Vec<(String, String)> = record
        .files
        .iter()
        .map(|file| {
            let place = file.place();
            (place.clone(), format!("file: {} {} {place}", file.digest, file.bytes))
        })
        .collect();
    files.sort();
    all.lines.extend(files.into_iter().map(|(_, line)| Line::Exactly(line)));
}

fn item(item: &SpacingItem) -> String {
    let shape = match item.shape {
        FadeShape::EqualPower => "equal-power",
        FadeShape::Linear => "linear",
        FadeShape::Exponential => "exponential",
    };
    let yes = |it: bool| if it { "yes" } else { "no" };
    format!(
        "item: {} gap={} crossfade={} fade-in={} fade-out={} shape={shape} gain={} trim-in={} trim-out={} hidden={} side={}",
        uuid(item.song.0),
        item.gap_ms,
        item.crossfade_ms,
        item.fade_in_ms,
        item.fade_out_ms,
        item.gain_cb,
        item.trim_in_ms,
        item.trim_out_ms,
        yes(item.hidden),
        yes(item.begins_side),
    )
}

/// What an approval of a spacing signs: SHA-256 over its lines as a statement has them, each with its line end.
pub fn spacing_fingerprint(items: &[SpacingItem]) -> Digest {
    let mut hash = Sha256::new();
    for line in items.iter().map(item) {
        hash.update(line.as_bytes());
        hash.update(b"\n");
    }
    Digest(hash.finalize().into())
}
