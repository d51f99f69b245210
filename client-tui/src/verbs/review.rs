//! Listening and judging: notes, approvals, holds. Before a signature the exact bytes are named to the person.

use deadwax_proto::v1::{
    self, ApprovalState, NoteState, PlaceKind, Role, SongRow, VersionRow, action::Action,
};
use serde_json::json;

use super::{
    Context, VerbError,
    house::{House, ask_allowed, short_id},
    json as row_json,
    key::{self, Pen},
    words,
};
use crate::{
    cli::{NotesVerb, Verb, Where, WhichVersion},
    net::{Client, new_id},
    receipt::approve::{What, Wish},
};

/// A client and the project named.
pub async fn enter(c: &Context, place: &Where) -> Result<(Client, House), VerbError> {
    let client = c.client(&place.who).await?;
    let house = House::find(&client, place.project.as_deref()).await?;
    Ok((client, house))
}

pub async fn note(c: &Context, verb: Verb) -> Result<(), VerbError> {
    let Verb::Note { text, at, to, alternate, internal, addressee, reply, checklist, which } = verb else {
        return Ok(());
    };
    let start_ms = at.as_deref().map(words::parse_time).transpose()?;
    let end_ms = to.as_deref().map(words::parse_time).transpose()?;
    let (client, house) = enter(c, &which.place).await?;
    let answered = reply.as_deref().map(|wanted| house.note(wanted)).transpose()?;
    let version_id = match (answered, &which.version) {
        // A reply stands where its thread does: a guest who began it may know of no other version.
        (Some(note), None) => note.version_id.clone(),
        (_, wanted) => {
            let song = house.song(which.place.song.as_deref())?;
            house.version(song, wanted.as_deref())?.version_id.clone()
        }
    };
    let note_id = new_id();
    let action = Action::AddNote(v1::AddNote {
        note_id: note_id.clone(),
        version_id,
        alternate: alternate.unwrap_or_default(),
        parent_note_id: answered.map(|note| note.note_id.clone()).unwrap_or_default(),
        start_ms,
        end_ms,
        text,
        internal,
        addressee_id: match &addressee {
            Some(wanted) => house.member(wanted)?.person_id.clone(),
            None => String::new(),
        },
        checklist,
    });
    let done = client.perform(&house.project.project_id, action).await?;
    c.tell(&done, json!({ "note_id": note_id }))
}

pub async fn notes(c: &Context, verb: NotesVerb) -> Result<(), VerbError> {
    match verb {
        NotesVerb::List { open, place } => list(c, open, &place).await,
        NotesVerb::Export(asked) => super::markers::export(c, &asked).await,
        NotesVerb::Import(asked) => super::markers::import(c, &asked).await,
        NotesVerb::Address { note, which } => {
            let (client, house) = enter(c, &which.place).await?;
            let note = house.note(&note)?;
            let song = house.song(Some(&note.song_id))?;
            let version = house.version(song, which.version.as_deref())?;
            let action = Action::AddressNote(v1::AddressNote {
                note_id: note.note_id.clone(),
                version_id: version.version_id.clone(),
            });
            c.perform(&client, &house.project.project_id, action).await.map(|_| ())
        }
        NotesVerb::Move { note, at, to, which } => {
            let start_ms = words::parse_time(&at)?;
            let end_ms = to.as_deref().map(words::parse_time).transpose()?;
            let (client, house) = enter(c, &which.place).await?;
            let note = house.note(&note)?;
            let version = house.version(house.song(Some(&note.song_id))?, which.version.as_deref())?;
            ask_allowed(&note.allowed, "move_note")?;
            let (note_id, version_id) = (note.note_id.clone(), version.version_id.clone());
            let action = Action::MoveNote(v1::MoveNote { note_id, version_id, start_ms, end_ms });
            c.perform(&client, &house.project.project_id, action).await.map(|_| ())
        }
        NotesVerb::Accept { note, place } => {
            answer(c, &place, &note, |note_id| Action::AcceptNote(v1::AcceptNote { note_id })).await
        }
        NotesVerb::Reopen { note, reason, place } => {
            answer(c, &place, &note, |note_id| Action::ReopenNote(v1::ReopenNote { note_id, reason })).await
        }
        NotesVerb::Decline { note, reason, place } => {
            answer(c, &place, &note, |note_id| Action::DeclineNote(v1::DeclineNote { note_id, reason })).await
        }
    }
}

async fn answer(
    c: &Context,
    place: &Where,
    note: &str,
    action: impl FnOnce(String) -> Action,
) -> Result<(), VerbError> {
    let (client, house) = enter(c, place).await?;
    let note_id = house.note(note)?.note_id.clone();
    c.perform(&client, &house.project.project_id, action(note_id)).await.map(|_| ())
}

async fn list(c: &Context, open: bool, place: &Where) -> Result<(), VerbError> {
    let (_, house) = enter(c, place).await?;
    let only = place.song.as_deref().map(|s| house.song(Some(s))).transpose()?;
    let mut shown = 0;
    for note in &house.notes {
        let fits = only.is_none_or(|s| s.song_id == note.song_id);
        if !fits || (open && note.state != NoteState::Open as i32) {
            continue;
        }
        shown += 1;
        c.out.both(&told(&house, note), &row_json::note(note))?;
    }
    if shown == 0 {
        c.out.text(if open { "No open notes." } else { "No notes." })?;
    }
    Ok(())
}

/// "1:32.0 (was 1:35.0 in Mix 1)", state, words, and whether something changed there.
fn told(house: &House, note: &v1::NoteRow) -> String {
    let name = |id: &str| house.version_by_id(id).map(words::version);
    let written = span(note.start_ms, note.end_ms);
    let was = || {
        format!("was {written} in {}", name(&note.version_id).unwrap_or_else(|| "an earlier version".into()))
    };
    let place = note.places.last();
    let (at, version_id) = match place.map(|p| (p, PlaceKind::try_from(p.kind))) {
        None => (written.clone(), &note.version_id),
        Some((p, Ok(PlaceKind::Gone))) => {
            let near = p
                .start_ms
                .map_or_else(|| "cut out".into(), |_| format!("cut out near {}", span(p.start_ms, p.end_ms)));
            (format!("{near} ({})", was()), &p.version_id)
        }
        Some((p, kind)) if (p.start_ms, p.end_ms) != (note.start_ms, note.end_ms) => {
            let hand = if kind == Ok(PlaceKind::ByHand) { ", moved by hand" } else { "" };
            (format!("{} ({}{hand})", span(p.start_ms, p.end_ms), was()), &p.version_id)
        }
        Some((p, _)) => (written.clone(), &p.version_id),
    };
    let mut state = words::note_state(note.state);
    if let Some(done) = name(&note.addressed_in_version_id) {
        state += &format!(" in {done}");
    }
    let mut text = format!(
        "{}  {at} | {} | {state} | {}: {}",
        short_id(&note.note_id),
        name(version_id).unwrap_or_default(),
        who(note),
        crate::scrub::line(&note.text)
    );
    for item in &note.checklist {
        text += &format!("\n            [{}] {}", if item.done { 'x' } else { ' ' }, item.text);
    }
    if let Some(verdict) = note.verdicts.last() {
        let (version, said) = (name(&verdict.version_id).unwrap_or_default(), verdict.text.as_str());
        let said = if said.is_empty() { words::verdict(verdict.verdict) } else { said.to_owned() };
        text += &format!("\n            {version}: {said}");
    }
    if !note.reason.is_empty() {
        text += &format!("\n            because: {}", crate::scrub::line(&note.reason));
    }
    text
}

/// "Ben to Mara on instrumental"
fn who(note: &v1::NoteRow) -> String {
    let to = if note.addressee.is_empty() { String::new() } else { format!(" to {}", note.addressee) };
    let on = if note.alternate.is_empty() { String::new() } else { format!(" on {}", note.alternate) };
    format!("{}{to}{on}", note.author)
}

fn span(start_ms: Option<u64>, end_ms: Option<u64>) -> String {
    let clock = |ms: u64| words::clock(ms as f64 / 1000.0);
    match (start_ms, end_ms) {
        (None, _) => "whole song".to_owned(),
        (Some(start), None) => clock(start),
        (Some(start), Some(end)) => format!("{}-{}", clock(start), clock(end)),
    }
}

/// The role to sign in: the one said, else the one of one's own roles that this stage's gate asks for.
pub fn signing_role(house: &House, song: &SongRow, said: Option<&str>) -> Result<Role, VerbError> {
    if let Some(said) = said {
        return words::parse_role(said);
    }
    let own = &house.project.your_roles;
    let asked: Vec<i32> = house
        .project
        .gates
        .iter()
        .filter(|g| g.stage == song.stage)
        .flat_map(|g| g.needs.iter().flat_map(|n| n.any_of.iter().copied()))
        .collect();
    let mut fitting: Vec<i32> = own.iter().copied().filter(|r| asked.contains(r)).collect();
    fitting.dedup();
    let candidates = if fitting.is_empty() { own.clone() } else { fitting };
    match candidates.as_slice() {
        [one] => Role::try_from(*one)
            .map_err(|_| VerbError::Usage("your role is newer than this client; say --role".into())),
        [] => Err(VerbError::no("NOT_YOUR_ROLE", "You have no role in this project.", "Ask a manager.")),
        several => Err(VerbError::Usage(format!(
            "in which role? Say --role; yours are {}",
            words::roles(several).join(", ")
        ))),
    }
}

/// What a person is about to sign: title, version, length, loudness, fingerprint, and each file's digest.
fn quote(house: &House, song: &SongRow, version: &VersionRow, role: Role) -> String {
    let main = version.files.iter().find(|f| f.alternate == "main").or(version.files.first());
    let facts = main.and_then(|f| f.facts.clone()).unwrap_or_default();
    let mut text = format!(
        "{} by {}: {}{}\n  length       {}\n  loudness     {} LUFS, true peak {} dBTP\n  fingerprint  {}\n  as           {}",
        song.title,
        house.project.artist,
        words::version(version),
        if version.title.is_empty() { String::new() } else { format!(" ({})", version.title) },
        words::clock(words::length_s(&facts)),
        words::level(facts.integrated_lufs),
        words::level(facts.true_peak_dbtp),
        version.fingerprint,
        words::role(role as i32),
    );
    for file in &version.files {
        let (bits, rate) = file.facts.as_ref().map_or((0, 0), |f| (f.bits, f.sample_rate));
        text += &format!("\n  {:<20} {} {rate} Hz {bits} bit", file.alternate, words::short(&file.sha256));
    }
    if let Some(alike) = house.looks_like(&version.uploaded_by_id, &version.uploaded_by) {
        text += &format!("\n  ! By {}. {alike}", version.uploaded_by);
    }
    for finding in &version.preflight {
        text += &format!("\n  {}: {}", if finding.block { "BLOCK" } else { "warning" }, finding.text);
        if !finding.mend.is_empty() {
            text += &format!("\n    {}", finding.mend);
        }
    }
    text
}

pub async fn approve(
    c: &Context,
    role: Option<String>,
    fingerprint: Option<String>,
    (yes, no_key): (bool, bool),
    which: &WhichVersion,
) -> Result<(), VerbError> {
    let (client, house) = enter(c, &which.place).await?;
    let song = house.song(which.place.song.as_deref())?;
    let version = house.version(song, which.version.as_deref())?;
    let role = signing_role(&house, song, role.as_deref())?;
    if let Some(wanted) = &fingerprint {
        check_fingerprint(version, wanted)?;
    }
    // The server's reason is told before a person is asked to read figures in vain.
    ask_allowed(&version.allowed, "approve")?;
    c.out.aside(&quote(&house, song, version, role));
    let pen = Pen::find(c, &which.place.who, no_key)?;
    c.out.confirm("You sign exactly these bytes.", yes).await?;
    let approval_id = new_id();
    let (version_id, fingerprint) = (version.version_id.clone(), version.fingerprint.clone());
    let wish = Wish {
        project_id: house.project.project_id.clone(),
        what: What::Version { version_id: version_id.clone(), fingerprint: fingerprint.clone() },
        role,
        approval_id: approval_id.clone(),
    };
    let signed = pen.sign(c, &which.place.who, &client, &wish).await?;
    let more = json!({
        "approval_id": approval_id, "version_id": version_id, "version": words::version(version),
        "role": words::role(role as i32), "fingerprint": fingerprint, "receipt": key::told(signed.as_ref()),
    });
    if let Some(signed) = signed {
        return c.tell(&signed.answer, more);
    }
    let (role, receipt) = (role as i32, None);
    let action = Action::Approve(v1::Approve { approval_id, version_id, role, fingerprint, receipt });
    let done = client.perform(&house.project.project_id, action).await.map_err(key::with_the_key_hint)?;
    c.tell(&done, more)
}

fn check_fingerprint(version: &VersionRow, wanted: &str) -> Result<(), VerbError> {
    let wanted = wanted.trim().to_ascii_lowercase();
    if wanted.len() < 8 || wanted.len() > 64 || !wanted.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(VerbError::Usage("--fingerprint takes 8 to 64 hex digits".into()));
    }
    if version.fingerprint.to_ascii_lowercase().starts_with(&wanted) {
        return Ok(());
    }
    Err(VerbError::no(
        "FINGERPRINT_DIFFERS",
        format!(
            "{} has the fingerprint {}, not {wanted}. Nothing was signed.",
            words::version(version),
            version.fingerprint
        ),
        "Listen to the version that stands there now, then decide.",
    ))
}

/// One's own approvals on a song's present gate in one of these states, newest first.
fn own_approvals<'a>(
    house: &'a House,
    song: &'a SongRow,
    person_id: &'a str,
    state: ApprovalState,
) -> impl Iterator<Item = &'a v1::ApprovalView> {
    house
        .gates
        .iter()
        .filter(|g| g.song_id == song.song_id)
        .flat_map(|g| &g.approvals)
        .filter(move |a| a.person_id == person_id && a.state == state as i32)
}

pub async fn withdraw(c: &Context, place: &Where) -> Result<(), VerbError> {
    let me = c.profile(&place.who)?.person_id;
    let (client, house) = enter(c, place).await?;
    let song = house.song(place.song.as_deref())?;
    let approval = own_approvals(&house, song, &me, ApprovalState::Counts).next().ok_or_else(|| {
        VerbError::no("NO_SUCH_APPROVAL", format!("You have no approval that counts on {}.", song.title), "")
    })?;
    let action = Action::WithdrawApproval(v1::WithdrawApproval { approval_id: approval.approval_id.clone() });
    c.perform(&client, &house.project.project_id, action).await.map(|_| ())
}

pub async fn hold(c: &Context, reason: String, role: Option<String>, place: &Where) -> Result<(), VerbError> {
    let (client, house) = enter(c, place).await?;
    let song = house.song(place.song.as_deref())?;
    let role = signing_role(&house, song, role.as_deref())?;
    let approval_id = new_id();
    let action = Action::Hold(v1::Hold {
        approval_id: approval_id.clone(),
        song_id: song.song_id.clone(),
        role: role as i32,
        reason,
    });
    let done = client.perform(&house.project.project_id, action).await?;
    c.tell(&done, json!({ "approval_id": approval_id }))
}

pub async fn lift(c: &Context, place: &Where) -> Result<(), VerbError> {
    let me = c.profile(&place.who)?.person_id;
    let (client, house) = enter(c, place).await?;
    let song = house.song(place.song.as_deref())?;
    let hold = own_approvals(&house, song, &me, ApprovalState::Hold).next().ok_or_else(|| {
        VerbError::no(
            "NO_SUCH_APPROVAL",
            format!("You have no hold on {}.", song.title),
            "Only its giver can lift a hold.",
        )
    })?;
    let action = Action::LiftHold(v1::LiftHold { approval_id: hold.approval_id.clone() });
    c.perform(&client, &house.project.project_id, action).await.map(|_| ())
}
