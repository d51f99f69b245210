//! The label copy at the command line: shown, set from JSON with only what differs sent, and the cover up and down. What may stand there only the server says;
//! what is wrong in a code or a sum is told before anything is sent, so that nothing is set by halves.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use deadwax_proto::v1::{self, action::Action};
use serde_json::json;

use super::{
    Context, VerbError,
    house::{House, ask_allowed},
    json as row_json, place,
    studio::enter,
};
use crate::{
    cli::{CoverArgs, LabelCopySet, LabelCopyVerb},
    label_copy::{self as copy, About, Change, Sheet},
    net::{Client, new_id},
    scrub,
};

/// Beyond every label copy that the studio would take.
const JSON_BYTES_MAX: u64 = 16 << 20;
/// The server's own limit is lower; this one only keeps a wrong file from being read whole.
const PICTURE_BYTES_MAX: u64 = 64 << 20;

pub async fn label_copy(c: &Context, verb: LabelCopyVerb) -> Result<(), VerbError> {
    match verb {
        LabelCopyVerb::Show { song, at } => {
            let (_, house) = enter(c, &at).await?;
            must_see(&house)?;
            show(c, &house, song.as_deref())
        }
        LabelCopyVerb::Set(asked) => set(c, asked).await,
        LabelCopyVerb::Cover(asked) => cover(c, asked).await,
    }
}

fn sheet_of(house: &House) -> Sheet {
    Sheet::of(&house.project, &house.songs)
}

fn show(c: &Context, house: &House, song: Option<&str>) -> Result<(), VerbError> {
    let sheet = sheet_of(house);
    let Some(wanted) = song else { return c.out.both(&copy::text(&sheet), &sheet.json()) };
    let id = &house.song(Some(wanted))?.song_id;
    let at = sheet.songs.iter().position(|it| it.id == *id).unwrap_or_default();
    c.out.both(&copy::of_one(&sheet, at), &json!({ "songs": [sheet.song_json(&sheet.songs[at])] }))
}

async fn set(c: &Context, asked: LabelCopySet) -> Result<(), VerbError> {
    let shown = scrub::line(&asked.file.to_string_lossy());
    let text = text_of(&asked.file, &shown)?;
    let (client, mut house) = enter(c, &asked.at).await?;
    must_see(&house)?;
    let (mut done, mut others) = (0, 0);
    loop {
        let changes = changes_of(&house, &text, &shown, asked.draft)?;
        if changes.is_empty() && done == 0 {
            let object = json!({ "done": false, "changes": [] });
            return c.out.both("The label copy says exactly this already.", &object);
        }
        if asked.dry_run {
            for it in &changes {
                let line = format!("Would be set of {}: {}.", it.whose, it.say);
                c.out.both(&line, &object(it, json!({ "dry_run": true })))?;
            }
            return Ok(());
        }
        may_all(&house, &changes)?;
        match send(c, &client, &house, &changes, &mut done).await? {
            Sent::All => return Ok(()),
            // What somebody else set meanwhile must not be set back: the same text again, on what is there now.
            Sent::Overtaken if others < OVERTAKEN_MAX => {
                others += 1;
                house = House::fetch(&client, &house.project.project_id).await?;
            }
            Sent::Overtaken => {
                let text = "Others change this project all the time.";
                return Err(VerbError::no(
                    "SOMEBODY_WAS_FASTER",
                    text,
                    "Say it again in a moment: what was set stays.",
                ));
            }
        }
    }
}

/// How often others may come between in a row of changes.
const OVERTAKEN_MAX: u32 = 50;

enum Sent {
    All,
    Overtaken,
}

/// What the text would change, or everything that is wrong in it.
fn changes_of(house: &House, text: &str, shown: &str, draft: bool) -> Result<Vec<Change>, VerbError> {
    let wrong = |faults: Vec<copy::Fault>| {
        let lines: Vec<String> = faults.iter().map(|it| format!("  {it}")).collect();
        VerbError::Input(format!("{shown}: nothing was set.\n{}", lines.join("\n")))
    };
    let now = sheet_of(house);
    let then = copy::read(text, &now).map_err(wrong)?;
    let faults = copy::wrong(&now, &then, draft);
    if faults.is_empty() { Ok(copy::changes(&now, &then)) } else { Err(wrong(faults)) }
}

/// Asked of every row before anything is sent: nothing is set by halves.
fn may_all(house: &House, changes: &[Change]) -> Result<(), VerbError> {
    for it in changes {
        let song = match &it.about {
            About::Release => None,
            About::Song(id) => house.songs.iter().find(|song| song.song_id == *id),
        };
        ask_allowed(song.map_or(&house.project.allowed, |song| &song.allowed), it.allowed)?;
    }
    Ok(())
}

/// Each on what the rows said, so that a fact that came between is never overwritten unseen.
async fn send(
    c: &Context,
    client: &Client,
    house: &House,
    changes: &[Change],
    done: &mut usize,
) -> Result<Sent, VerbError> {
    let mut seq = house.seq;
    for it in changes {
        let sent =
            client.perform_as(&new_id(), &house.project.project_id, Some(seq), it.action.clone()).await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) if error.reason() == "SOMEBODY_WAS_FASTER" => return Ok(Sent::Overtaken),
            // Spelled in another way, it is the same.
            Err(error) if error.reason() == "NOTHING_TO_CHANGE" => continue,
            Err(error) => {
                let before = match *done {
                    0 => "nothing was set".to_owned(),
                    1 => "one change was set before".to_owned(),
                    done => format!("{done} changes were set before"),
                };
                c.out.aside(&format!("{}: {}: not set; {before}.", it.whose, it.say));
                return Err(VerbError::Net(error));
            }
        };
        *done += 1;
        seq = answer.seq;
        let more = json!({ "done": true, "seq": answer.seq, "effects": answer.effects });
        c.out.both(&format!("{}: {}.", it.whose, it.say), &object(it, more))?;
    }
    Ok(Sent::All)
}

/// Whoever only listens gets no label copy: told as that, not as one that is empty.
fn must_see(house: &House) -> Result<(), VerbError> {
    let roles = &house.project.your_roles;
    if roles.is_empty() || roles.iter().any(|it| *it != i32::from(v1::Role::Listener)) {
        return Ok(());
    }
    let text = "Listeners hear the songs and do not see the label copy.";
    Err(VerbError::no("NOT_YOUR_ROLE", text, "Ask a manager of the project."))
}

fn object(it: &Change, more: serde_json::Value) -> serde_json::Value {
    let song_id = match &it.about {
        About::Release => None,
        About::Song(id) => Some(id),
    };
    let mut object =
        json!({ "row": "label_copy_change", "song_id": song_id, "whose": it.whose, "say": it.say });
    if let (Some(object), serde_json::Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

fn text_of(file: &Path, shown: &str) -> Result<String, VerbError> {
    let fault = |e: std::io::Error| VerbError::Input(format!("{shown} could not be read: {e}"));
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(JSON_BYTES_MAX + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).map_err(fault)?.take(JSON_BYTES_MAX + 1).read_to_string(&mut text)
    };
    read.map_err(fault)?;
    if text.len() as u64 > JSON_BYTES_MAX {
        return Err(VerbError::Input(format!("{shown} is too long for a label copy")));
    }
    Ok(text)
}

async fn cover(c: &Context, asked: CoverArgs) -> Result<(), VerbError> {
    let picture = asked.file.as_deref().map(picture_of).transpose()?;
    let (client, house) = enter(c, &asked.at).await?;
    let project_id = &house.project.project_id;
    if let Some(to) = asked.to {
        return fetch(c, &client, project_id, &to).await;
    }
    ask_allowed(&house.project.allowed, "set_cover")?;
    let Some(bytes) = picture else {
        let action = Action::RemoveCover(v1::RemoveCover {});
        return c.perform(&client, project_id, action).await.map(|_| ());
    };
    let done = client.put_cover(project_id, bytes.into()).await?;
    let cover = done.cover.unwrap_or_default();
    if cover.width != cover.height {
        c.out.aside(&format!(
            "It has {} by {} pixels. Stores ask for a square and may turn it down.",
            cover.width, cover.height
        ));
    }
    c.out.both(
        &done.effects.join("\n"),
        &json!({ "done": true, "seq": done.seq, "effects": done.effects, "cover": row_json::cover(&cover) }),
    )
}

/// The cover as it lies on this machine, for verbs and screens. What it may be the studio says.
pub(crate) fn picture_of(file: &Path) -> Result<Vec<u8>, VerbError> {
    let shown = scrub::line(&file.to_string_lossy());
    let fault = |e: std::io::Error| VerbError::Input(format!("{shown} could not be read: {e}"));
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(fault)?;
    opened.take(PICTURE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(fault)?;
    if bytes.len() as u64 > PICTURE_BYTES_MAX {
        return Err(VerbError::Input(format!("{shown} is too large for a cover; save it smaller")));
    }
    Ok(bytes)
}

async fn fetch(c: &Context, client: &Client, project_id: &str, to: &Path) -> Result<(), VerbError> {
    let (cover, bytes) = client.cover(project_id).await?;
    let path = place_cover(to, &bytes)?;
    let path = scrub::line(&path.to_string_lossy());
    c.out.both(
        &format!("{path}: {}", copy::cover_text(Some(&cover))),
        &json!({ "file": path, "cover": row_json::cover(&cover) }),
    )
}

/// Whole or not at all; a file that is there and holds something else is left alone.
pub(crate) fn place_cover(to: &Path, bytes: &[u8]) -> Result<PathBuf, VerbError> {
    let name = to.file_name().and_then(|it| it.to_str());
    let name = name.ok_or_else(|| VerbError::Usage("this names no file; write it as cover.jpg".into()))?;
    let folder = to.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    place::make_folder(folder)?;
    place::place_bytes(folder, name, bytes)
}
