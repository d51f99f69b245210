//! Listening and judging: notes, revision requests, approvals, holds. Before a signature the exact bytes are named to the person.

use deadwax_proto::v1::{self, ApprovalState, NoteState, Role, SongRow, VersionRow, action::Action};
use serde_json::json;

use super::{
    Context, VerbError,
    house::{House, ask_allowed, short_id},
    json as row_json, words,
};
use crate::{
    cli::{NotesVerb, Verb, Where, WhichVersion},
    net::{Client, new_id},
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
    let song = house.song(which.place.song.as_deref())?;
    let version = house.version(song, which.version.as_deref())?;
    let note_id = new_id();
    let action = Action::AddNote(v1::AddNote {
        note_id: note_id.clone(),
        version_id: version.version_id.clone(),
        alternate: alternate.unwrap_or_default(),
        parent_note_id: match &reply {
            Some(wanted) => house.note(wanted)?.note_id.clone(),
            None => String::new(),
        },
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
        let at = match (note.start_ms, note.end_ms) {
            (None, _) => "whole song".to_owned(),
            (Some(start), None) => words::clock(start as f64 / 1000.0),
            (Some(start), Some(end)) => {
                format!("{}-{}", words::clock(start as f64 / 1000.0), words::clock(end as f64 / 1000.0))
            }
        };
        let version = house.version_by_id(&note.version_id).map(words::version).unwrap_or_default();
        c.out.both(
            &format!(
                "{}  {at} | {version} | {} | {}: {}",
                short_id(&note.note_id),
                words::note_state(note.state),
                note.author,
                crate::scrub::line(&note.text)
            ),
            &row_json::note(note),
        )?;
    }
    if shown == 0 {
        c.out.text(if open { "No open notes." } else { "No notes." })?;
    }
    Ok(())
}

/// The role to sign in: the one said, else the one of one's own roles that this stage's gate asks for.
fn signing_role(house: &House, song: &SongRow, said: Option<&str>) -> Result<Role, VerbError> {
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
    for finding in &version.preflight {
        text += &format!("\n  {}: {}", if finding.block { "BLOCK" } else { "warning" }, finding.text);
    }
    text
}

pub async fn approve(
    c: &Context,
    role: Option<String>,
    fingerprint: Option<String>,
    yes: bool,
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
    c.out.confirm("You sign exactly these bytes.", yes).await?;
    let approval_id = new_id();
    let action = Action::Approve(v1::Approve {
        approval_id: approval_id.clone(),
        version_id: version.version_id.clone(),
        role: role as i32,
        fingerprint: version.fingerprint.clone(),
    });
    let done = client.perform(&house.project.project_id, action).await?;
    c.tell(
        &done,
        json!({
            "approval_id": approval_id, "version_id": version.version_id, "version": words::version(version),
            "role": words::role(role as i32), "fingerprint": version.fingerprint,
        }),
    )
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

pub async fn request_revision(
    c: &Context,
    notes: &[String],
    all_open: bool,
    message: String,
    role: Option<String>,
    which: &WhichVersion,
) -> Result<(), VerbError> {
    let (client, house) = enter(c, &which.place).await?;
    let song = house.song(which.place.song.as_deref())?;
    let version = house.version(song, which.version.as_deref())?;
    let note_ids: Vec<String> = if all_open {
        let open = |n: &&v1::NoteRow| {
            n.song_id == song.song_id && n.state == NoteState::Open as i32 && n.parent_note_id.is_empty()
        };
        house.notes.iter().filter(open).map(|n| n.note_id.clone()).collect()
    } else {
        notes.iter().map(|n| house.note(n).map(|n| n.note_id.clone())).collect::<Result<_, _>>()?
    };
    if note_ids.is_empty() {
        return Err(VerbError::Usage("say which notes: --note ID, or --all-open".into()));
    }
    let role = signing_role(&house, song, role.as_deref())?;
    let request_id = new_id();
    let action = Action::RequestRevision(v1::RequestRevision {
        request_id: request_id.clone(),
        version_id: version.version_id.clone(),
        role: role as i32,
        message,
        note_ids: note_ids.clone(),
        ..v1::RequestRevision::default()
    });
    let done = client.perform(&house.project.project_id, action).await?;
    c.tell(&done, json!({ "request_id": request_id, "note_ids": note_ids }))
}
