//! From the handoff to the delivery: accept or return, render, deliver.

use deadwax_proto::v1::{self, RenderRow, RenderState, SongRow, action::Action};
use serde_json::json;

use super::{
    Context, VerbError,
    house::House,
    json as row_json,
    out::Bar,
    recipe::{checked, read_recipe},
    review::enter,
    words,
};
use crate::{
    cli::{HandoffVerb, RenderVerb, Where},
    name,
    net::{Client, new_id},
};

pub async fn handoff(c: &Context, verb: HandoffVerb) -> Result<(), VerbError> {
    let (place, returned) = match verb {
        HandoffVerb::Accept { place } => (place, None),
        HandoffVerb::Return { reason, why, items, place } => {
            let items = items.iter().map(|item| return_item(item)).collect::<Result<Vec<_>, _>>()?;
            (place, Some((reason.or(why).unwrap_or_default(), items)))
        }
    };
    let (client, house) = enter(c, &place).await?;
    let song = house.song(place.song.as_deref())?;
    if let Some((_, items)) = &returned {
        only_files_of_the_handoff(&house, song, items)?;
    }
    let song_id = song.song_id.clone();
    let action = match returned {
        None => Action::AcceptHandoff(v1::AcceptHandoff { song_id }),
        Some((reason, items)) => Action::ReturnHandoff(v1::ReturnHandoff { song_id, reason, items }),
    };
    c.perform(&client, &house.project.project_id, action).await.map(|_| ())
}

/// Whoever names a file that was not handed over is told those that were. Where the handoff is not seen, the server answers.
fn only_files_of_the_handoff(
    house: &House,
    song: &SongRow,
    items: &[v1::ReturnItem],
) -> Result<(), VerbError> {
    let handed = song.handoff.as_ref().and_then(|it| house.version_by_id(&it.version_id));
    let Some(version) = handed else { return Ok(()) };
    match items.iter().find(|item| !version.files.iter().any(|file| file.alternate == item.alternate)) {
        None => Ok(()),
        Some(wrong) => {
            let list: Vec<&str> = version.files.iter().map(|file| file.alternate.as_str()).collect();
            let (name, list) = (words::version(version), list.join(", "));
            Err(VerbError::Usage(format!(
                "{name} was handed over without {:?}; it has {list}",
                wrong.alternate
            )))
        }
    }
}

/// instrumental="ends early"
fn return_item(text: &str) -> Result<v1::ReturnItem, VerbError> {
    match text.split_once('=').map(|(token, reason)| (token.trim(), reason.trim())) {
        Some((token, reason)) if name::is_token(token) && !reason.is_empty() => {
            Ok(v1::ReturnItem { alternate: token.to_owned(), reason: reason.to_owned() })
        }
        _ => Err(VerbError::Usage(format!(
            "{text:?} is not an item; write which file and what is wrong, as instrumental=\"ends early\""
        ))),
    }
}

fn newest_render<'a>(house: &'a House, song: &SongRow) -> Result<&'a RenderRow, VerbError> {
    house.renders.iter().rev().find(|r| r.song_id == song.song_id).ok_or_else(|| {
        VerbError::no(
            "NO_SUCH_RENDER",
            format!("{} has no render.", song.title),
            "Start one with `deadwax render start`.",
        )
    })
}

pub async fn render(c: &Context, verb: RenderVerb) -> Result<(), VerbError> {
    match verb {
        RenderVerb::Start { recipe, wait, place } => {
            let recipe_toml = recipe.as_deref().map(read_recipe).transpose()?.unwrap_or_default();
            let (client, house) = enter(c, &place).await?;
            let song = house.song(place.song.as_deref())?;
            if !recipe_toml.is_empty() {
                checked(&client, &recipe_toml).await?;
            }
            let render_id = new_id();
            let action = Action::StartRender(v1::StartRender {
                render_id: render_id.clone(),
                song_id: song.song_id.clone(),
                recipe_toml,
            });
            let project_id = &house.project.project_id;
            let done = client.perform(project_id, action).await?;
            c.tell(&done, json!({ "render_id": render_id }))?;
            if wait { watch(c, &client, project_id, &render_id).await } else { Ok(()) }
        }
        RenderVerb::Sheet(asked) => super::pages::sheet(c, &asked).await,
        RenderVerb::Cancel { place } => {
            let (client, house) = enter(c, &place).await?;
            let render_id = newest_render(&house, house.song(place.song.as_deref())?)?.render_id.clone();
            let action = Action::CancelRender(v1::CancelRender { render_id });
            c.perform(&client, &house.project.project_id, action).await.map(|_| ())
        }
        RenderVerb::Watch { place } => {
            let (client, house) = enter(c, &place).await?;
            let render_id = newest_render(&house, house.song(place.song.as_deref())?)?.render_id.clone();
            watch(c, &client, &house.project.project_id, &render_id).await
        }
    }
}

/// Until it ended; a failed or cancelled render is a no.
async fn watch(c: &Context, client: &Client, project_id: &str, render_id: &str) -> Result<(), VerbError> {
    let bar = Bar::share("render");
    let mut said: Result<(), VerbError> = Ok(());
    client
        .watch_render(project_id, render_id, |progress| {
            bar.step(&progress.step, progress.fraction);
            let object = json!({
                "row": "render_progress", "render_id": render_id, "step": progress.step, "fraction": progress.fraction,
                "ended": progress.ended,
            });
            if said.is_ok() {
                said = c.out.object(&object);
            }
        })
        .await?;
    drop(bar);
    said?;
    let house = House::fetch(client, project_id).await?;
    let Some(row) = house.renders.iter().find(|r| r.render_id == render_id) else {
        return Err(VerbError::no("NO_SUCH_RENDER", "The render is gone.", ""));
    };
    let master = house.version_by_id(&row.master_version_id);
    let mut text = format!("Render {}.", words::render_state(row.state));
    if let Some(master) = master {
        text = format!("{} was rendered ({}).", words::version(master), words::short(&master.fingerprint));
        for file in &master.files {
            let f = file.facts.clone().unwrap_or_default();
            text += &format!(
                "\n  {:<20} {} LUFS, {} dBTP",
                file.alternate,
                words::level(f.integrated_lufs),
                words::level(f.true_peak_dbtp)
            );
        }
    }
    if !row.reason.is_empty() {
        text += &format!("\n{}", row.reason);
    }
    c.out.both(&text, &row_json::render(row))?;
    if row.state == RenderState::Done as i32 { Ok(()) } else { Err(VerbError::Said(1)) }
}

pub async fn deliver(c: &Context, place: &Where) -> Result<(), VerbError> {
    let (client, house) = enter(c, place).await?;
    let song = house.song(place.song.as_deref())?;
    let delivery_id = new_id();
    let action = Action::MakeDelivery(v1::MakeDelivery {
        delivery_id: delivery_id.clone(),
        song_id: song.song_id.clone(),
    });
    let done = client.perform(&house.project.project_id, action).await?;
    let after = House::fetch(&client, &house.project.project_id).await?;
    let row = after.deliveries.iter().find(|d| d.delivery_id == delivery_id);
    c.tell(&done, json!({ "delivery_id": delivery_id, "delivery": row.map(row_json::delivery) }))?;
    c.out.text("Fetch it with `deadwax pull --delivery`.")
}
