//! The running order on the command line: shown, set, talked about, approved. What may be only the server says.

mod beside;
mod given;
mod told;

use std::path::Path;

use deadwax_proto::v1::{self, Role, Spacing, action::Action};
use serde_json::json;

use super::{
    Context, VerbError,
    house::{House, short_id},
    key::{self, Pen},
    rounds::{agree, own_role},
    studio::enter,
    words,
};
use crate::{
    cli::{InProject, SpacingVerb},
    net::new_id,
    receipt::approve::{What, Wish},
};

pub async fn spacing(c: &Context, verb: SpacingVerb) -> Result<(), VerbError> {
    match verb {
        SpacingVerb::Show { at } => {
            let (_, house) = enter(c, &at).await?;
            match &house.project.spacing {
                Some(spacing) => c.out.both(&told::page(&house, spacing), &told::object(&house, spacing)),
                None => c.out.text("No spacing is set. Set one with `deadwax spacing set SONG:GAP ...`."),
            }
        }
        SpacingVerb::Set { songs, file, at } => set(c, &songs, file.as_deref(), &at).await,
        SpacingVerb::Note { text, before, at } => {
            let (client, house) = enter(c, &at).await?;
            let spacing = newest(&house)?;
            let song_id = match before.as_deref() {
                Some(wanted) => house.song(Some(wanted))?.song_id.clone(),
                None => String::new(),
            };
            let note = v1::AddSpacingNote { note_id: new_id(), number: spacing.number, song_id, text };
            let note_id = note.note_id.clone();
            let done = client.perform(&house.project.project_id, Action::AddSpacingNote(note)).await?;
            c.tell(&done, json!({ "note_id": note_id, "number": spacing.number }))
        }
        SpacingVerb::Close { note, answer, at } => {
            let (client, house) = enter(c, &at).await?;
            let note_id = note_of(newest(&house)?, &note)?.note_id.clone();
            let action = Action::CloseSpacingNote(v1::CloseSpacingNote { note_id, answer });
            c.perform(&client, &house.project.project_id, action).await.map(|_| ())
        }
        SpacingVerb::Approve { role, yes, no_key, at } => approve(c, role, (yes, no_key), &at).await,
    }
}

async fn set(c: &Context, songs: &[String], file: Option<&Path>, at: &InProject) -> Result<(), VerbError> {
    // Read before anybody is asked: a file that is broken needs no line.
    let given = file.map(given::read).transpose()?;
    let (client, house) = enter(c, at).await?;
    let items = match &given {
        None => given::items(&house, songs)?,
        Some(given) => {
            let now = house.project.spacing.as_ref().map_or(0, |it| it.number);
            if given.number != 0 && given.number != now {
                c.out.aside(&format!(
                    "The file was written of spacing {}; spacing {now} is the newest, and this takes its place.",
                    given.number
                ));
            }
            given.items(&house)?
        }
    };
    let action = Action::SetSpacing(v1::SetSpacing { items });
    c.perform(&client, &house.project.project_id, action).await.map(|_| ())
}

fn newest(house: &House) -> Result<&Spacing, VerbError> {
    house.project.spacing.as_ref().ok_or_else(|| {
        VerbError::no(
            "NO_SPACING",
            format!("{} has no spacing yet.", house.project.title),
            "Set one with `deadwax spacing set SONG:GAP ...`.",
        )
    })
}

/// By its id, the beginning of it, or the digits that are shown.
fn note_of<'a>(spacing: &'a Spacing, wanted: &str) -> Result<&'a v1::SpacingNote, VerbError> {
    let wanted = wanted.trim().to_ascii_lowercase();
    let fits = |it: &&v1::SpacingNote| {
        it.note_id.to_ascii_lowercase().starts_with(&wanted) || short_id(&it.note_id) == wanted
    };
    let mut found = spacing.notes.iter().filter(|it| !wanted.is_empty() && fits(it));
    match (found.next(), found.next()) {
        (Some(note), None) => Ok(note),
        (Some(_), Some(_)) => {
            Err(VerbError::Usage(format!("{wanted:?} begins several notes; write more of the id")))
        }
        (None, _) => Err(VerbError::Usage(format!(
            "there is no note {wanted:?} on the running order; see `deadwax spacing show`"
        ))),
    }
}

async fn approve(
    c: &Context,
    role: Option<String>,
    (yes, no_key): (bool, bool),
    at: &InProject,
) -> Result<(), VerbError> {
    let (client, house) = enter(c, at).await?;
    let spacing = newest(&house)?;
    let among = [Role::Artist, Role::Producer, Role::Label, Role::Manager];
    let role = own_role(&house, role.as_deref(), &among)?;
    c.out.aside(&told::order(&house, spacing));
    let pen = Pen::find(c, &at.who, no_key)?;
    let question = format!("Approve it as {}?", words::role(role as i32));
    agree(c, &house.project.allowed, "approve_spacing", &question, yes).await?;
    let (approval_id, number) = (new_id(), spacing.number);
    let wish = Wish {
        project_id: house.project.project_id.clone(),
        what: What::Spacing { number },
        role,
        approval_id: approval_id.clone(),
    };
    let signed = pen.sign(c, &at.who, &client, &wish).await?;
    let more = json!({
        "approval_id": approval_id, "number": number, "role": words::role(role as i32), "receipt": key::told(signed.as_ref()),
    });
    if let Some(signed) = signed {
        return c.tell(&signed.answer, more);
    }
    let (role, receipt) = (role as i32, None);
    let action = Action::ApproveSpacing(v1::ApproveSpacing { receipt, approval_id, number, role });
    let done = client.perform(&house.project.project_id, action).await.map_err(key::with_the_key_hint)?;
    c.tell(&done, more)
}
