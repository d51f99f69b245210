//! The recipe of a song in an editor: checked by the server, asked for its reason, then saved.

use crossterm::event::{KeyCode, KeyEvent};
use deadwax_proto::v1::{self as v1, CheckRecipeResponse, action::Action as Do};
use ratatui_textarea::TextArea;

use super::{CUT, DISCARD, EMPTY, Next, is_ctrl, text};
use crate::tui::{
    keys::Verb,
    model::{Ask, Model, Prompt, RecipeAsk, RecipeCheck, text_area},
    msg::{Effect, Failure},
    update::{
        act::{self, Subject},
        awaits,
    },
};

pub(in crate::tui::update) fn prepare(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let rows = model.projects.get(&subject.project).ok_or("The project is not here yet.")?;
    let song = rows.song(&subject.song).ok_or("The song is not here yet.")?;
    // A song without a recipe of its own starts from the one that its newest render used.
    let used = || rows.renders(&subject.song).first().map_or("", |it| it.recipe_toml.as_str());
    let own = song.recipe_toml.as_str();
    let start = crate::scrub::block(if own.trim().is_empty() { used() } else { own });
    let mut area = text_area(&start);
    area.set_line_number_style(ratatui::style::Style::default());
    Ok(Ask::Recipe(Box::new(RecipeAsk {
        project: subject.project.clone(),
        song: subject.song.clone(),
        area,
        start,
        check: RecipeCheck::Unknown,
        save: false,
        why: None,
    })))
}

pub(super) fn key(model: &mut Model, mut ask: Box<RecipeAsk>, event: KeyEvent) -> Next {
    if let Some(area) = ask.why.take() {
        return recipe_why(model, ask, area, event);
    }
    if event.code == KeyCode::Esc {
        let discard = RecipeCheck::Failed(DISCARD.into());
        if whole(&ask.area).trim() == ask.start.trim() || ask.check == discard {
            return Next::Close;
        }
        ask.check = discard;
        ask.save = false;
        return Next::Keep(Ask::Recipe(ask));
    }
    if is_ctrl(event, 'e') {
        let text = ask.area.lines().join("\n");
        return Next::Run(Ask::Recipe(ask), Box::new(Effect::Edit { text, suffix: ".toml" }));
    }
    if is_ctrl(event, 's') {
        if !model.online() {
            ask.check = RecipeCheck::Failed(CUT.into());
            return Next::Keep(Ask::Recipe(ask));
        }
        let ticket = model.next_ticket();
        ask.check = RecipeCheck::Asked(ticket);
        ask.save = true;
        let toml = whole(&ask.area);
        return Next::Run(Ask::Recipe(ask), Box::new(Effect::CheckRecipe { ticket, toml }));
    }
    if ask.area.input(event) {
        // The answer on the way is about an older text.
        ask.check = RecipeCheck::Unknown;
        ask.save = false;
    }
    Next::Keep(Ask::Recipe(ask))
}

/// The last question before a recipe is saved. Esc goes back to the text.
fn recipe_why(
    model: &mut Model,
    mut ask: Box<RecipeAsk>,
    mut area: TextArea<'static>,
    event: KeyEvent,
) -> Next {
    if event.code == KeyCode::Esc {
        return Next::Keep(Ask::Recipe(ask));
    }
    if event.code != KeyCode::Enter {
        // One line: it stands in a list.
        if !is_ctrl(event, 'j') && !is_ctrl(event, 'm') {
            area.input(event);
        }
        ask.why = Some(area);
        return Next::Keep(Ask::Recipe(ask));
    }
    let why = text(&area);
    if why.is_empty() || !model.online() {
        ask.check = RecipeCheck::Failed(if why.is_empty() { EMPTY } else { CUT }.into());
        ask.why = Some(area);
        return Next::Keep(Ask::Recipe(ask));
    }
    let about = format!("song/{}", ask.song);
    let action = Do::SetRecipe(v1::SetRecipe { song_id: ask.song, recipe_toml: whole(&ask.area), why });
    let say = "the recipe".into();
    Next::Send(Box::new(act::pending(model, ask.project, Verb::EditRecipe, about, action, say)))
}

fn whole(area: &TextArea<'_>) -> String {
    let mut toml = area.lines().join("\n");
    toml.push('\n');
    toml
}

/// A sound recipe is asked for its reason where saving waited for it; else the line of the error gets the cursor.
pub(in crate::tui::update) fn checked(
    model: &mut Model,
    ticket: u64,
    outcome: Result<CheckRecipeResponse, Failure>,
) -> Vec<Effect> {
    let Some(Prompt { ask: Ask::Recipe(ask), .. }) = &mut model.prompt else { return Vec::new() };
    if !awaits(&ask.check, ticket) {
        return Vec::new();
    }
    match outcome {
        Ok(answer) if answer.valid && ask.save => {
            ask.check = RecipeCheck::Answer(answer);
            ask.save = false;
            ask.why = Some(text_area(""));
        }
        Ok(answer) => {
            let line = u16::try_from(answer.line.saturating_sub(1)).unwrap_or(u16::MAX);
            if !answer.valid {
                ask.area.move_cursor(ratatui_textarea::CursorMove::Jump(line, 0));
            }
            ask.check = RecipeCheck::Answer(answer);
        }
        Err(Failure::Refused { text, .. } | Failure::Offline(text)) => ask.check = RecipeCheck::Failed(text),
    }
    Vec::new()
}
