//! The way to a record, and signatures with keys: without them random walks would never get there. Statements are written here anew, apart from who reads
//! them. Never here: what must hold.

use std::fmt::Write as _;

use deadwax_domain::*;

use crate::commands::facts;

fn person(who: u128) -> Actor {
    Actor::Person { id: PersonId(who), studio_owner: false }
}

/// Whatever the project lacks next.
pub fn press(
    project: &Project,
    (who, role): (u128, Role),
    pick: usize,
    count: u128,
) -> Option<(Actor, Command)> {
    if let Some(song) = project.songs_in_order().find(|song| song.stage != Stage::Delivered) {
        return Some((person(who), on_the_way(project, song, pick, count)));
    }
    if let Some(remark) = remark(project, pick, count) {
        return Some((person(who), remark));
    }
    let number = project.spacings.last().map_or(0, |newest| newest.number);
    let set = project.spacings.last().map_or(&[][..], |newest| &newest.items);
    if !spacing::names_every_song(project, set) || pick.is_multiple_of(13) {
        let item = |(at, song): (usize, &SongId)| {
            let gap = if at == 0 { 0 } else { u32::try_from(pick % 5000).unwrap_or_default() };
            SpacingItem { trim_in_ms: 1, ..SpacingItem::after(*song, gap) }
        };
        let items = project.running_order.iter().enumerate().map(item).collect();
        return Some((person(who), Command::SetSpacing { items }));
    }
    let start = Command::StartRecord {
        record: RecordId(count),
        spacing: number,
        profiles: vec![RecordProfile { name: "cd".to_owned(), toml: format!("a = {}", pick % 2) }],
        loudest_track_lufs: None,
        medium: String::new(),
        basis: record::basis(project),
    };
    let Some(newest) = project.records.last() else { return Some((person(who), start)) };
    let next = match newest.state {
        RecordState::Queued => lease(newest),
        RecordState::Running => running(newest, pick),
        RecordState::Made if !record::is_outdated(project, newest) => {
            if record::is_approved(project, newest) {
                Command::DeliverRecord { record: newest.id, manifest_json: "{}".to_owned() }
            } else {
                let fingerprint = newest.fingerprint?;
                let approval = ApprovalId(3000 + count);
                Command::ApproveRecord { approval, record: newest.id, role, fingerprint }
            }
        }
        _ => start,
    };
    let house = newest.is_alive();
    Some((if house { Actor::Worker } else { person(who) }, next))
}

/// Now and then a note on the spacing, the end of one, and another label copy, which outdates what is made.
fn remark(project: &Project, pick: usize, count: u128) -> Option<Command> {
    let newest = project.spacings.last()?;
    if pick % 31 == 3 {
        let copy = LabelCopy { catalogue: format!("DW-{}", count % 3), ..LabelCopy::default() };
        return Some(Command::SetLabelCopy { copy });
    }
    match pick % 11 {
        0 => Some(Command::AddSpacingNote {
            note: NoteId(200 + count),
            number: newest.number,
            song: newest.items.first().map(|item| item.song),
            text: "Too long a gap.".to_owned(),
        }),
        1 => {
            let open = project.spacing_notes.iter().find(|note| note.closed.is_none())?;
            Some(Command::CloseSpacingNote { note: open.id, answer: String::new() })
        }
        _ => None,
    }
}

/// Through the gates by a manager's word: there are other steps for the long way.
fn on_the_way(project: &Project, song: &Song, pick: usize, count: u128) -> Command {
    let reason = "To the record.".to_owned();
    match (project.candidate(song.id), song.stage.kind()) {
        (None, Some(kind)) => Command::AddVersion {
            version: VersionId(900 + count),
            song: song.id,
            kind,
            title: String::new(),
            changelog: String::new(),
            files: vec![NewFile {
                alternate: Alternate::Main,
                digest: Digest([u8::try_from(pick % 6).unwrap_or_default(); 32]),
                name: "u.wav".to_owned(),
            }],
        },
        _ => Command::OverrideGate { song: song.id, version: None, reason },
    }
}

fn lease(record: &Record) -> Command {
    Command::LeaseRecord { record: record.id, engine: "e".to_owned() }
}

fn running(record: &Record, pick: usize) -> Command {
    let (id, attempt) = (record.id, record.attempt);
    if pick.is_multiple_of(5) {
        return lease(record);
    }
    if pick.is_multiple_of(7) {
        return Command::GiveBackRecord { record: id, attempt };
    }
    if pick.is_multiple_of(3) {
        return Command::FailRecord { record: id, attempt, reason: "r".to_owned(), retry: true };
    }
    let file = |at: u8| RecordFile {
        profile: "cd".to_owned(),
        folder: String::new(),
        name: format!("{at}.wav"),
        digest: Digest([at + u8::try_from(pick % 2).unwrap_or_default(); 32]),
        bytes: 1,
        kind: "track".to_owned(),
        sample_rate_hz: 44_100,
        bits: 16,
        frames: 1,
        exact: false,
        integrated_lufs: None,
        true_peak_dbtp: None,
        over_full_scale: None,
    };
    // Attempts that are not the running one are fenced off.
    let attempt = if pick.is_multiple_of(7) { attempt + 1 } else { attempt };
    let files = vec![file(1), file(2)];
    Command::CompleteRecord { record: id, attempt, files, report_json: String::new() }
}

/// `spoil` below the number of lines: that line says something else.
pub fn sign(
    project: &Project,
    (who, role): (u128, Role),
    pick: usize,
    spoil: usize,
    count: u128,
) -> Option<(Actor, Command)> {
    let holding = project.keys_of(PersonId(who));
    let Some(key) = holding.get(pick % holding.len().max(1)) else {
        let mut id = [8; 32];
        id[..16].copy_from_slice(&(count + 1).to_be_bytes());
        let public_key = "ssh-ed25519 B".to_owned();
        let (proof, vouch) = (String::new(), String::new());
        return Some((
            person(who),
            Command::EnrolKey { key: Digest(id), public_key, proof, vouched_by: None, vouch },
        ));
    };
    let approval = ApprovalId(5000 + count);
    let (approve, object) = match pick % 4 {
        0 => spacing_object(project, approval, role)?,
        1 => record_object(project, approval, role)?,
        _ => version_object(project, approval, role, pick)?,
    };
    let said = Said { project, who, role, key: key.id, approval };
    let mut lines: Vec<String> = said.text(&object).lines().map(str::to_owned).collect();
    if let Some(line) = lines.get_mut(spoil) {
        line.push('x');
    }
    let statement = lines.iter().fold(String::new(), |text, line| text + line + "\n");
    let receipt = Receipt { statement, signature: "s".to_owned(), key: key.id };
    Some((person(who), Command::Signed { approve: Box::new(approve), receipt }))
}

/// Lines before the role, and those behind the approval.
struct Object {
    what: Vec<String>,
    bytes: Vec<String>,
}

struct Said<'a> {
    project: &'a Project,
    who: u128,
    role: Role,
    key: Digest,
    approval: ApprovalId,
}

impl Said<'_> {
    fn text(&self, object: &Object) -> String {
        let mut text = "deadwax-statement/1\n".to_owned();
        let (sequence, previous) = receipt::head(self.project);
        let head = [
            format!("project: {}", uuid(self.project.id.map_or(0, |id| id.0))),
            format!("project-title: {}", self.project.title),
            "decision: approve".to_owned(),
        ];
        let by = [
            format!("role: {}", self.role.token()),
            format!("signer: {}", uuid(self.who)),
            format!("key: {}", self.key),
            format!("approval: {}", uuid(self.approval.0)),
        ];
        let tail = [
            format!("previous: {previous}"),
            format!("sequence: {}", sequence + 1),
            "time: 1970-01-01T00:00:00Z".to_owned(),
        ];
        for line in head.iter().chain(&object.what).chain(&by).chain(&object.bytes).chain(&tail) {
            writeln!(text, "{line}").expect("a string takes what is written");
        }
        text
    }
}

fn version_object(
    project: &Project,
    approval: ApprovalId,
    role: Role,
    pick: usize,
) -> Option<(Command, Object)> {
    let version = project.candidate(SongId(pick as u128 / 4 % 2))?;
    let song = project.songs.get(version.song)?;
    let mut files: Vec<(String, String)> =
        version.files.iter().map(|file| (file.alternate.to_string(), file.digest.to_string())).collect();
    files.sort();
    let bytes = facts(1, 1).bytes;
    let what = vec![
        "object: version".to_owned(),
        format!("object-id: {}", uuid(version.id.0)),
        format!("name: {}", version.name()),
        format!("song: {}", uuid(song.id.0)),
        format!("song-title: {}", song.title),
        format!("stage: {}", version.kind.stage()),
    ];
    let files = files.into_iter().map(|(token, digest)| format!("file: {digest} {bytes} {token}"));
    let bytes = std::iter::once(format!("fingerprint: {}", version.fingerprint)).chain(files).collect();
    let (version, fingerprint) = (version.id, version.fingerprint);
    Some((Command::Approve { approval, version, role, fingerprint }, Object { what, bytes }))
}

fn spacing_object(project: &Project, approval: ApprovalId, role: Role) -> Option<(Command, Object)> {
    let newest = project.spacings.last()?;
    let item = |item: &SpacingItem| {
        format!(
            "item: {} gap={} crossfade={} fade-in={} fade-out={} shape=equal-power gain={} trim-in={} trim-out=0 hidden=no side=no",
            uuid(item.song.0),
            item.gap_ms,
            item.crossfade_ms,
            item.fade_in_ms,
            item.fade_out_ms,
            item.gain_cb,
            item.trim_in_ms,
        )
    };
    let what = vec![
        "object: spacing".to_owned(),
        format!("object-id: {}", uuid(project.id?.0)),
        format!("name: Spacing {}", newest.number),
    ];
    let fingerprint = format!("fingerprint: {}", receipt::spacing_fingerprint(&newest.items));
    let bytes = std::iter::once(fingerprint).chain(newest.items.iter().map(item)).collect();
    let number = newest.number;
    Some((Command::ApproveSpacing { approval, number, role }, Object { what, bytes }))
}

fn record_object(project: &Project, approval: ApprovalId, role: Role) -> Option<(Command, Object)> {
    let made = project.records.iter().rev().find(|record| record.is_made())?;
    let fingerprint = made.fingerprint?;
    let mut files: Vec<(&str, String)> = made
        .files
        .iter()
        .map(|file| (file.name.as_str(), format!("{} {}", file.digest, file.bytes)))
        .collect();
    files.sort();
    let what = vec![
        "object: record".to_owned(),
        format!("object-id: {}", uuid(made.id.0)),
        format!("name: Record {}", made.number),
    ];
    let files = files.into_iter().map(|(name, bytes)| format!("file: {bytes} {name}"));
    let bytes = std::iter::once(format!("fingerprint: {fingerprint}")).chain(files).collect();
    Some((Command::ApproveRecord { approval, record: made.id, role, fingerprint }, Object { what, bytes }))
}
