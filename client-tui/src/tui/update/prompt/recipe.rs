//! The recipe of a song in an editor: read here at every key, checked by the studio when the hands rest, asked for its reason, then saved. What this
//! client reads is only told; the studio's check alone lets it be saved.

use crossterm::event::{KeyCode, KeyEvent};
use deadwax_dsp::{
    DspError,
    recipe::{self, Explained, Recipe},
};
use deadwax_proto::v1::{self as v1, CheckRecipeResponse, action::Action as Do};
use ratatui_textarea::TextArea;

use super::{CUT, DISCARD, EMPTY, Next, is_ctrl, text};
use crate::tui::{
    keys::Verb,
    model::{Ask, Model, Notice, Offers, Prompt, RecipeAsk, RecipeCheck, RecipeTold, text_area},
    msg::{Effect, Failure},
    update::{
        act::{self, Subject},
        awaits,
    },
};

/// How long nothing is typed before the studio is asked.
const REST_MS: i64 = 400;

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
        check: RecipeCheck::Unknown,
        save: false,
        why: None,
        told: told(&start),
        edited_ms: None,
        words: false,
        offers: Offers::Unasked,
        choosing: None,
        start,
    })))
}

pub(super) fn key(model: &mut Model, mut ask: Box<RecipeAsk>, event: KeyEvent) -> Next {
    if let Some(area) = ask.why.take() {
        return recipe_why(model, ask, area, event);
    }
    if let Some(at) = ask.choosing {
        return choose(model, ask, at, event);
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
    if is_ctrl(event, 'o') {
        ask.words = !ask.words;
        return Next::Keep(Ask::Recipe(ask));
    }
    if is_ctrl(event, 't') {
        return templates(model, ask);
    }
    if is_ctrl(event, 's') {
        if !model.online() {
            ask.check = RecipeCheck::Failed(CUT.into());
            return Next::Keep(Ask::Recipe(ask));
        }
        let ticket = model.next_ticket();
        ask.check = RecipeCheck::Asked(ticket);
        ask.edited_ms = None;
        ask.save = true;
        let toml = whole(&ask.area);
        return Next::Run(Ask::Recipe(ask), Box::new(Effect::CheckRecipe { ticket, toml }));
    }
    let changes = match event {
        it if is_ctrl(it, 'u') => ask.area.delete_line_by_head(),
        it if is_ctrl(it, 'z') => ask.area.undo(),
        it => ask.area.input(it),
    };
    if changes {
        changed(&mut ask, model.now_ms);
    }
    Next::Keep(Ask::Recipe(ask))
}

/// The text is another: the answer on the way is about an older one.
pub(super) fn changed(ask: &mut RecipeAsk, now_ms: i64) {
    ask.check = RecipeCheck::Unknown;
    ask.save = false;
    ask.edited_ms = Some(now_ms);
    let now = told(&whole(&ask.area));
    // Half a word is no recipe: what the steps do stays until it can be read again.
    let steps = if now.fault.is_some() { std::mem::take(&mut ask.told.steps) } else { now.steps };
    ask.told = RecipeTold { steps, fault: now.fault };
}

/// How this client reads it: the steps in words, or the line of the first error with the nearest right word.
fn told(toml: &str) -> RecipeTold {
    if toml.trim().is_empty() {
        return RecipeTold::default();
    }
    match Recipe::parse(toml) {
        Ok(recipe) => {
            let off = |it: &Explained| if it.bypassed { ", bypassed" } else { "" };
            let step = |it: Explained| (format!("{}{}", it.title, off(&it)), it.text);
            RecipeTold { steps: recipe.explain().into_iter().map(step).collect(), fault: None }
        }
        Err(DspError::Recipe { line, what }) => RecipeTold { steps: Vec::new(), fault: Some((line, what)) },
        Err(error) => RecipeTold { steps: Vec::new(), fault: Some((0, error.to_string())) },
    }
}

/// The hands rest: the studio is asked what it says of the text.
pub(in crate::tui::update) fn tick(model: &mut Model) -> Vec<Effect> {
    let now_ms = model.now_ms;
    let Some(Prompt { ask: Ask::Recipe(ask), .. }) = &model.prompt else { return Vec::new() };
    let rests = ask.edited_ms.is_some_and(|at_ms| now_ms.saturating_sub(at_ms) >= REST_MS);
    if !rests || ask.check != RecipeCheck::Unknown || !model.online() {
        return Vec::new();
    }
    let ticket = model.next_ticket();
    let Some(Prompt { ask: Ask::Recipe(ask), .. }) = &mut model.prompt else { return Vec::new() };
    ask.edited_ms = None;
    let toml = whole(&ask.area);
    if toml.trim().is_empty() {
        return Vec::new();
    }
    ask.check = RecipeCheck::Asked(ticket);
    model.dirty = true;
    vec![Effect::CheckRecipe { ticket, toml }]
}

/// Recipes to begin with: the studio's, or where it cannot be asked those that this client knows.
fn templates(model: &mut Model, mut ask: Box<RecipeAsk>) -> Next {
    ask.choosing = Some(0);
    if matches!(ask.offers, Offers::Here(_, None) | Offers::Asked(_)) {
        return Next::Keep(Ask::Recipe(ask));
    }
    if !model.online() {
        ask.offers = own("Not connected: these come with this client.");
        return Next::Keep(Ask::Recipe(ask));
    }
    let ticket = model.next_ticket();
    ask.offers = Offers::Asked(ticket);
    Next::Run(Ask::Recipe(ask), Box::new(Effect::Recipes { ticket }))
}

fn own(why: &str) -> Offers {
    let all = recipe::shipped().iter().map(|(name, toml)| v1::RecipeInfo {
        name: (*name).to_owned(),
        toml: (*toml).to_owned(),
        hash: String::new(),
    });
    Offers::Here(all.collect(), Some(why.to_owned()))
}

pub(in crate::tui::update) fn offered(
    model: &mut Model,
    ticket: u64,
    outcome: Result<Vec<v1::RecipeInfo>, Failure>,
) {
    let Some(Prompt { ask: Ask::Recipe(ask), .. }) = &mut model.prompt else { return };
    if ask.offers != Offers::Asked(ticket) {
        return;
    }
    ask.offers = match outcome {
        Ok(all) => Offers::Here(all, None),
        Err(Failure::Refused { text, .. } | Failure::Offline(text)) => {
            own(&format!("{text} These come with this client."))
        }
    };
}

/// The text of the chosen one takes the place of what is there; the editor's own undo brings that back.
fn choose(model: &Model, mut ask: Box<RecipeAsk>, at: usize, event: KeyEvent) -> Next {
    let all = if let Offers::Here(all, _) = &ask.offers { all.as_slice() } else { &[] };
    match event.code {
        KeyCode::Esc | KeyCode::Char('q') => ask.choosing = None,
        KeyCode::Up | KeyCode::Char('k') => ask.choosing = Some(at.saturating_sub(1)),
        KeyCode::Down | KeyCode::Char('j') => {
            ask.choosing = Some((at + 1).min(all.len().saturating_sub(1)));
        }
        KeyCode::Enter => {
            if let Some(toml) = all.get(at).map(|it| crate::scrub::block(&it.toml)) {
                ask.area.select_all();
                ask.area.insert_str(toml);
                ask.area.move_cursor(ratatui_textarea::CursorMove::Top);
                changed(&mut ask, model.now_ms);
                ask.choosing = None;
            }
        }
        _ => {}
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
        super::type_line(&mut area, event);
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
            // Only saving moves the cursor: nobody's typing is taken elsewhere by an answer.
            if !answer.valid && ask.save {
                let at = if answer.line > 0 { format!("line {}: ", answer.line) } else { String::new() };
                model.notice = Some(Notice::Refused {
                    text: format!("The recipe was not saved. {at}{}", crate::scrub::line(&answer.text)),
                    hint: "Mend it and press Ctrl-S again.".into(),
                });
                ask.area.move_cursor(ratatui_textarea::CursorMove::Jump(line, 0));
            }
            ask.save = false;
            ask.check = RecipeCheck::Answer(answer);
        }
        Err(Failure::Refused { text, .. } | Failure::Offline(text)) => ask.check = RecipeCheck::Failed(text),
    }
    Vec::new()
}
