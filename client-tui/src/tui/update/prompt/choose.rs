//! Short lists to choose from: how much one hears of a project or a song, and the keys of the screen by their words.

use crossterm::event::{KeyCode, KeyEvent};
use deadwax_proto::v1::{self as v1, action::Action as Do};

use super::Next;
use crate::tui::{
    keys::{self, Binding, Kind, Verb},
    model::{Ask, FollowAsk, Model, PaletteAsk},
    rows::PROJECT_KEY,
    update::act,
    words,
};

pub(super) fn follow_key(model: &mut Model, mut ask: FollowAsk, event: KeyEvent) -> Next {
    match event.code {
        KeyCode::Esc | KeyCode::Char('q') => return Next::Close,
        KeyCode::Up | KeyCode::Char('k') => ask.at = ask.at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => ask.at = (ask.at + 1).min(words::FOLLOW.len() - 1),
        KeyCode::Enter => {
            if let Some(refused) = act::unsendable(model, Verb::Follow) {
                model.notice = Some(refused);
                return Next::Close;
            }
            let level = words::FOLLOW[ask.at.min(words::FOLLOW.len() - 1)];
            let about =
                if ask.song.is_empty() { PROJECT_KEY.to_owned() } else { format!("song/{}", ask.song) };
            let action = Do::Follow(v1::Follow { song_id: ask.song, level: level.into() });
            let say = format!("you hear {}", words::follow(level));
            return Next::Send(Box::new(act::pending(model, ask.project, Verb::Follow, about, action, say)));
        }
        _ => {}
    }
    Next::Keep(Ask::Follow(ask))
}

/// The keys of a screen whose words hold all that was typed.
pub fn matches(of: Kind, typed: &str) -> Vec<&'static Binding> {
    let typed = typed.to_lowercase();
    let holds = |it: &&Binding| {
        let says = format!("{} {}", it.short, it.does).to_lowercase();
        typed.split_whitespace().all(|word| says.contains(word))
    };
    keys::bindings(of).filter(|it| it.verb != Verb::Palette).filter(holds).collect()
}

pub(super) fn palette_key(mut ask: PaletteAsk, event: KeyEvent) -> Next {
    let found = matches(ask.of, &ask.typed);
    match event.code {
        KeyCode::Esc => return Next::Close,
        KeyCode::Up => ask.at = ask.at.saturating_sub(1),
        KeyCode::Down => ask.at = (ask.at + 1).min(found.len().saturating_sub(1)),
        KeyCode::Enter => return found.get(ask.at).map_or(Next::Close, |it| Next::Press(it.verb)),
        KeyCode::Backspace => {
            ask.typed.pop();
            ask.at = 0;
        }
        KeyCode::Char(c) if event.modifiers.difference(crossterm::event::KeyModifiers::SHIFT).is_empty() => {
            ask.typed.push(c);
            ask.at = 0;
        }
        _ => {}
    }
    Next::Keep(Ask::Palette(ask))
}
