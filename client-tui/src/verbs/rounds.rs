//! Rounds: a revision asked for, a mix swapped, an earlier version put forward. What follows from it, the server says before it is done.

use deadwax_proto::v1::{self, Allowed, NoteState, RevisionKind, Role, SongRow, action::Action};
use serde_json::json;

use super::{
    Context, VerbError,
    house::{House, ask_allowed},
    review::{enter, signing_role},
    words,
};
use crate::{
    cli::{Reasoned, Revision, Where},
    net::{NetError, new_id},
};

const BEYOND_TERMS: &str = "BEYOND_TERMS";
const BEYOND_HINT: &str =
    "Say --beyond-terms if it may be billed, or --correction where it mends what should have been right.";

/// The server's own dry answer: a no ends the verb; what follows from a yes is told, and agreed to.
pub async fn agree(
    c: &Context,
    allowed: &[Allowed],
    action: &str,
    question: &str,
    yes: bool,
) -> Result<(), VerbError> {
    ask_allowed(allowed, action)?;
    if let Some(told) = consequence(allowed, action) {
        c.out.aside(told);
    }
    c.out.confirm(question, yes).await
}

/// What follows from an action that is allowed, where the server says so.
pub fn consequence<'a>(allowed: &'a [Allowed], action: &str) -> Option<&'a str> {
    allowed.iter().find(|a| a.action == action && !a.text.is_empty()).map(|a| a.text.as_str())
}

/// The role to act in: the one said, else the only one of one's own among those that may.
pub fn own_role(house: &House, said: Option<&str>, among: &[Role]) -> Result<Role, VerbError> {
    if let Some(said) = said {
        return words::parse_role(said);
    }
    let own: Vec<Role> =
        among.iter().copied().filter(|r| house.project.your_roles.contains(&(*r as i32))).collect();
    match own.as_slice() {
        [one] => Ok(*one),
        [] => {
            let list: Vec<&str> = among.iter().map(|r| words::role(*r as i32)).collect();
            Err(VerbError::no(
                "NOT_YOUR_ROLE",
                format!("You are none of these here: {}.", list.join(", ")),
                "Ask a manager for the role.",
            ))
        }
        several => {
            let list: Vec<&str> = several.iter().map(|r| words::role(*r as i32)).collect();
            Err(VerbError::Usage(format!("in which role? Say --role; yours are {}", list.join(", "))))
        }
    }
}

pub async fn request_revision(c: &Context, asked: Revision) -> Result<(), VerbError> {
    let (client, house) = enter(c, &asked.which.place).await?;
    let song = house.song(asked.which.place.song.as_deref())?;
    let version = house.version(song, asked.which.version.as_deref())?;
    let note_ids = note_ids(&house, song, &asked)?;
    let role = signing_role(&house, song, asked.role.as_deref())?;
    before_sending(c, &house, song, &version.allowed, &asked).await?;
    let request_id = new_id();
    let kind = if asked.correction { RevisionKind::Correction } else { RevisionKind::Change };
    let action = Action::RequestRevision(v1::RequestRevision {
        request_id: request_id.clone(),
        version_id: version.version_id.clone(),
        role: role as i32,
        message: asked.message,
        note_ids: note_ids.clone(),
        kind: kind as i32,
        beyond_terms: asked.beyond_terms,
    });
    let done = client.perform(&house.project.project_id, action).await.map_err(with_the_flag)?;
    c.tell(
        &done,
        json!({ "request_id": request_id, "note_ids": note_ids, "kind": words::revision_kind(kind as i32) }),
    )
}

fn note_ids(house: &House, song: &SongRow, asked: &Revision) -> Result<Vec<String>, VerbError> {
    let ids: Vec<String> = if asked.all_open {
        let open = |n: &&v1::NoteRow| {
            n.song_id == song.song_id && n.state == NoteState::Open as i32 && n.parent_note_id.is_empty()
        };
        house.notes.iter().filter(open).map(|n| n.note_id.clone()).collect()
    } else {
        asked.notes.iter().map(|n| house.note(n).map(|n| n.note_id.clone())).collect::<Result<_, _>>()?
    };
    match (ids.is_empty(), asked.all_open) {
        (false, _) => Ok(ids),
        (true, true) => Err(VerbError::no(
            "NO_NOTES",
            format!("{} has no open note; a revision is asked for with notes.", song.title),
            "Leave one with `deadwax note TEXT --at TIME`.",
        )),
        (true, false) => Err(VerbError::Usage("say which notes: --note ID, or --all-open".into())),
    }
}

/// "This is round 3 of 2 included": told before it is sent, and asked about.
async fn before_sending(
    c: &Context,
    house: &House,
    song: &SongRow,
    allowed: &[Allowed],
    asked: &Revision,
) -> Result<(), VerbError> {
    let beyond =
        allowed.iter().find(|a| a.action == "request_revision" && !a.yes && a.reason == BEYOND_TERMS);
    match beyond {
        // Said to a change without the word for it. A correction may be free still: the server counts.
        Some(told) if !asked.beyond_terms && !asked.correction => {
            return Err(VerbError::no(BEYOND_TERMS, told.text.clone(), BEYOND_HINT));
        }
        Some(_) => {}
        None => ask_allowed(allowed, "request_revision")?,
    }
    let told = if asked.correction {
        Some(format!(
            "Asked for as a correction: {} of {} free one(s) used so far.",
            song.corrections_used, house.project.corrections_free
        ))
    } else {
        consequence(allowed, "request_revision").map(str::to_owned)
    };
    let Some(told) = told else { return Ok(()) };
    c.out.aside(&told);
    c.out.confirm("Send it back?", asked.yes).await
}

/// The refusal says the count; the way on is a word of this program.
fn with_the_flag(error: NetError) -> VerbError {
    match error {
        NetError::Refused { reason, text, .. } if reason == BEYOND_TERMS => {
            VerbError::no(BEYOND_TERMS, text, BEYOND_HINT)
        }
        other => other.into(),
    }
}

pub async fn swap(c: &Context, asked: Reasoned) -> Result<(), VerbError> {
    let place = asked.of.place();
    let (client, house) = enter(c, &place).await?;
    let song = house.song(place.song.as_deref())?;
    let question = format!("Take {} back to mixing?", song.title);
    agree(c, &song.allowed, "swap_mix", &question, asked.yes).await?;
    let action = Action::SwapMix(v1::SwapMix { song_id: song.song_id.clone(), reason: asked.reason });
    c.perform(&client, &house.project.project_id, action).await.map(|_| ())
}

pub async fn put_forward(
    c: &Context,
    version: &str,
    reason: String,
    yes: bool,
    place: &Where,
) -> Result<(), VerbError> {
    let (client, house) = enter(c, place).await?;
    let song = house.song(place.song.as_deref())?;
    let version = house.version(song, Some(version))?;
    let question = format!("Put {} of {} forward again?", words::version(version), song.title);
    agree(c, &version.allowed, "put_forward", &question, yes).await?;
    let action = Action::PutForward(v1::PutForward { version_id: version.version_id.clone(), reason });
    c.perform(&client, &house.project.project_id, action).await.map(|_| ())
}
