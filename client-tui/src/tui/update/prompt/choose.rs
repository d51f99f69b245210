//! Short lists to choose from: how much one hears of a project or a song, and every action by its words.

use crossterm::event::{KeyCode, KeyEvent};
use deadwax_proto::v1::{self as v1, action::Action as Do};

use super::Next;
use crate::tui::{
    filter,
    keys::{self, Bound, Kind, Verb, verb_name},
    model::{Ask, FollowAsk, Model, Notice, PaletteAsk, Screen},
    rows::{May, PROJECT_KEY},
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
            let say = format!("you hear {}", words::follow(level));
            let mut all = Vec::new();
            for (song_id, about) in std::iter::once((ask.song, about))
                .chain(ask.more.into_iter().map(|id| (id.clone(), format!("song/{id}"))))
            {
                let action = Do::Follow(v1::Follow { song_id, level: level.into() });
                all.push(act::pending(model, ask.project.clone(), Verb::Follow, about, action, say.clone()));
            }
            model.chosen.clear();
            return Next::SendAll(all);
        }
        _ => {}
    }
    Next::Keep(Ask::Follow(ask))
}

/// An action that the palette offers.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    pub bound: Bound<'a>,
    /// On which screen it is, and what leads there; `None`: on this one.
    pub there: Option<(Kind, Verb)>,
    /// Why the studio would say no now.
    pub refused: Option<String>,
}

/// Screens that one key away from here are about the same thing.
fn leads_to(verb: Verb) -> Option<Kind> {
    Some(match verb {
        Verb::Desk => Kind::Desk,
        Verb::Projects => Kind::Projects,
        Verb::Board => Kind::Project,
        Verb::Album => Kind::Album,
        Verb::Delivery => Kind::Delivery,
        Verb::Record => Kind::Record,
        Verb::People => Kind::People,
        Verb::LabelCopy => Kind::LabelCopy,
        Verb::Transfers => Kind::Transfers,
        Verb::Master => Kind::Master,
        Verb::History => Kind::History,
        Verb::Turnaround => Kind::Turnaround,
        _ => return None,
    })
}

/// Every action of this screen and of those next to it whose words and name hold the letters that were typed, the best first; where nothing is typed
/// those that were pressed last.
pub fn matches<'a>(model: &'a Model, ask: &PaletteAsk) -> Vec<Found<'a>> {
    let map = &model.settings.keys;
    let subject = act::subject(model);
    let refused = |verb: Verb| match act::may(model, subject.as_ref(), verb) {
        May::No(no) => Some(no.text.clone()),
        _ if verb.action().is_some() && !model.online() => Some("Not connected.".to_owned()),
        _ => None,
    };
    let here: Vec<Bound<'a>> = map.bindings(ask.of).filter(|it| it.verb != Verb::Palette).collect();
    let mut all: Vec<Found<'a>> =
        here.iter().map(|it| Found { bound: *it, there: None, refused: refused(it.verb) }).collect();
    let in_project = model.project_id().is_some();
    for way in &here {
        let Some(kind) = leads_to(way.verb).filter(|kind| *kind != ask.of) else { continue };
        if !in_project && !matches!(kind, Kind::Desk | Kind::Projects | Kind::Transfers) {
            continue;
        }
        let new = |it: &Bound<'a>| {
            keys::group(it.verb) != "Move" && !all.iter().any(|found| found.bound.verb == it.verb)
        };
        let more: Vec<Found<'a>> = map
            .bindings(kind)
            .filter(new)
            .filter(|it| it.verb != Verb::Open)
            .map(|it| Found { bound: it, there: Some((kind, way.verb)), refused: refused(it.verb) })
            .collect();
        all.extend(more);
    }
    if ask.typed.trim().is_empty() {
        let recent = &model.hands.recent;
        // Stable: the others keep the order of the table.
        all.sort_by_key(|it| recent.iter().position(|verb| *verb == it.bound.verb).unwrap_or(usize::MAX));
        return all;
    }
    filter::ranked(&ask.typed, all, |it| {
        format!("{} {} {}", it.bound.short, it.bound.does, verb_name(it.bound.verb))
    })
}

pub(super) fn palette_key(model: &mut Model, mut ask: PaletteAsk, event: KeyEvent) -> Next {
    let last = matches(model, &ask).len().saturating_sub(1);
    match event.code {
        KeyCode::Esc => return Next::Close,
        KeyCode::Up => ask.at = ask.at.min(last).saturating_sub(1),
        KeyCode::Down => ask.at = (ask.at + 1).min(last),
        KeyCode::PageUp => ask.at = ask.at.min(last).saturating_sub(10),
        KeyCode::PageDown => ask.at = (ask.at + 10).min(last),
        KeyCode::Enter => return chosen(model, &ask),
        KeyCode::Backspace => {
            ask.typed.pop();
            ask.at = 0;
        }
        KeyCode::Char('u') if super::is_ctrl(event, 'u') => {
            ask.typed.clear();
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

/// Presses the key. What is about a line that has to be chosen first is only led to.
pub(super) fn chosen(model: &mut Model, ask: &PaletteAsk) -> Next {
    let found = matches(model, ask);
    let Some(it) = found.get(ask.at) else { return Next::Close };
    let verb = it.bound.verb;
    match it.there {
        None => Next::Press(vec![verb]),
        // The song goes along: the master's keys are about the same one.
        Some((Kind::Master, way)) if matches!(model.top(), Screen::Song(_) | Screen::Project { .. }) => {
            Next::Press(vec![way, verb])
        }
        Some((kind, way)) => {
            let told = format!("This is {}. {}: {}.", kind.title(), it.bound.name(), it.bound.does);
            model.notice = Some(Notice::Tell(told));
            Next::Press(vec![way])
        }
    }
}
