//! Who is here, listening together, and what this client tells of itself. Following moves this client's song, version and playhead by the same orders that
//! its own keys make. Never here: drawing, IO.

use deadwax_proto::v1::Attendee;

use super::listen;
use crate::{
    play::{Deck, Order as Play},
    tui::{
        keys::{Kind, Verb},
        model::{Focus, Model, Notice, Screen, SongView},
        msg::Effect,
        player::{self, frame_of},
        presence::{self, Order},
    },
};

/// Nearer than this the sound is left where it is: a jump is heard, a tenth of a second between two rooms is not.
const TOGETHER_US: u64 = 150_000;

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    if model.top().kind() != Kind::Song {
        return None;
    }
    match verb {
        Verb::SharePlayhead => share(model),
        Verb::Lead => lead(model),
        Verb::FollowLead => return Some(follow(model)),
        _ => return None,
    }
    Some(Vec::new())
}

/// Whoever takes the player into their own hands follows nobody any more. The key does what it does all the same.
pub(super) fn interrupt(model: &mut Model, verb: Verb) {
    // Another version or another place in it, chosen by hand, is heard too.
    let chooses = match model.top() {
        Screen::Song(view) if view.focus == Focus::Versions => {
            matches!(verb, Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last)
        }
        Screen::Song(_) => verb == Verb::Open && model.player.playing,
        _ => false,
    };
    let is_player = matches!(
        verb,
        Verb::PlayPause
            | Verb::Stop
            | Verb::Rewind
            | Verb::Forward
            | Verb::LoopRange
            | Verb::Switch
            | Verb::NextAlternate
            | Verb::PreviousAlternate
            | Verb::Blind
    );
    if is_player || chooses {
        let name = followed(model).map(|it| it.name.clone());
        if model.presence.follows.take().is_some() {
            let who = name.unwrap_or_else(|| "Somebody".into());
            model.notice = Some(Notice::Done(format!("{who} is not followed any more.")));
        }
    }
}

fn share(model: &mut Model) {
    let now = !model.presence.shares_playhead;
    model.presence.shares_playhead = now;
    let text = if now {
        "The project sees what you play and where."
    } else {
        model.presence.leads = false;
        "Your playhead is your own again."
    };
    model.notice = Some(Notice::Done(text.into()));
}

fn lead(model: &mut Model) {
    if model.presence.leads {
        stop_leading(model);
        let shares = if model.presence.shares_playhead { " You still share your playhead." } else { "" };
        let text = format!("You lead no more; whoever followed stays where they are.{shares}");
        model.notice = Some(Notice::Done(text));
        return;
    }
    model.presence.leads = true;
    model.presence.shared_before = model.presence.shares_playhead;
    model.presence.shares_playhead = true;
    model.presence.follows = None;
    let other = leader(model).map(|it| it.name.clone());
    model.notice = Some(match other {
        Some(name) => Notice::Tell(format!("{name} leads this song; you do when they stop.")),
        None => Notice::Done("You lead: the others follow you with \" on this song.".into()),
    });
}

/// What was shared only to lead is one's own again.
fn stop_leading(model: &mut Model) {
    if std::mem::take(&mut model.presence.leads) {
        model.presence.shares_playhead = model.presence.shared_before;
    }
}

/// Whoever leads the song on the screen.
fn leader(model: &Model) -> Option<&Attendee> {
    let song = presence::song_of(model)?;
    model.presence.attendees.iter().find(|it| it.leading && !it.you && it.song_id == song)
}

fn followed(model: &Model) -> Option<&Attendee> {
    let id = model.presence.follows.as_deref()?;
    model.presence.attendees.iter().find(|it| it.attendee_id == id)
}

fn follow(model: &mut Model) -> Vec<Effect> {
    if let Some(of) = followed(model).map(|it| it.name.clone()) {
        model.presence.follows = None;
        model.notice = Some(Notice::Done(format!("{of} is not followed any more.")));
        return Vec::new();
    }
    let Some((id, name)) = leader(model).map(|it| (it.attendee_id.clone(), it.name.clone())) else {
        let text = if model.online() {
            "Nobody leads on this song. ' leads, and the others can follow you."
        } else {
            "Offline: whoever leads cannot be heard of now."
        };
        model.notice = Some(Notice::Tell(text.into()));
        return Vec::new();
    };
    stop_leading(model);
    model.presence.follows = Some(id);
    model.notice = Some(Notice::Tell(format!("Following {name}: any key of the player stops following.")));
    keep_up(model)
}

pub(super) fn told(model: &mut Model, attendees: Vec<Attendee>) -> Vec<Effect> {
    let name = followed(model).map(|it| it.name.clone());
    model.presence.attendees = attendees;
    if model.presence.follows.is_none() {
        return Vec::new();
    }
    if followed(model).is_some_and(|it| it.leading) {
        return keep_up(model);
    }
    model.presence.follows = None;
    let who = name.unwrap_or_else(|| "Whoever led".into());
    model.notice = Some(Notice::Tell(format!("{who} leads no more. The sound is in your hands.")));
    Vec::new()
}

/// Brings song, version and playhead to where the leader's are.
fn keep_up(model: &mut Model) -> Vec<Effect> {
    let Some(project) = model.project_id().map(str::to_owned) else { return Vec::new() };
    let Some(of) = followed(model).cloned() else { return Vec::new() };
    // Somebody who looks into another room follows with the ears alone, and on the song with the eyes too.
    look(model, &project, &of);
    let Some(at_ms) = presence::playhead_ms(&of) else { return Vec::new() };
    let at_us = at_ms.saturating_mul(1000);
    let Some(rows) = model.projects.get(&project) else { return Vec::new() };
    // A version that is hidden from this person, or has not come yet, is not followed to.
    let Some(version) = rows.version(&of.version_id).filter(|it| it.song_id == of.song_id) else {
        return Vec::new();
    };
    let Some(file) = player::file_of(version, &of.alternate) else { return Vec::new() };
    let lies = model.player.is_on(&project, &of.song_id);
    let place = model.player.side().filter(|_| lies).and_then(|(tracks, _)| {
        tracks.iter().position(|it| it.version_id == version.version_id && it.sha256 == file.sha256)
    });
    let Some(place) = place else {
        let before = model.player.track().filter(|_| lies);
        let deck: Option<Deck> = player::deck_for(&project, version, file, before);
        return match deck {
            Some(_) => listen::load(model, deck, (project, of.song_id), at_us, of.playing),
            None => Vec::new(),
        };
    };
    let mut effects: Vec<Effect> = listen::hear(model, place).into_iter().collect();
    // Until the sound has come the player says where it will begin; pulling at it would only make it later.
    let status = model.player.status.as_ref().filter(|it| !it.waiting);
    let away_us = status.and_then(|_| model.player.at_us()).map(|us| us.abs_diff(at_us));
    if away_us.is_some_and(|us| us > TOGETHER_US) {
        effects.extend(listen::seek(model, frame_of(at_us, model.player.rate())));
    }
    if of.playing != model.player.playing {
        model.player.playing = of.playing;
        effects.push(Effect::Play(if of.playing { Play::Play } else { Play::Pause }));
    }
    effects
}

/// The song screen shows what the leader hears. Other screens stay: a question that is open is not taken away.
fn look(model: &mut Model, project: &str, of: &Attendee) {
    if model.prompt.is_some() {
        return;
    }
    let Model { stack, projects, .. } = model;
    let Some(Screen::Song(view)) = stack.last_mut() else { return };
    if view.project != project || of.song_id.is_empty() {
        return;
    }
    let Some(rows) = projects.get(project) else { return };
    if view.song != of.song_id {
        if rows.song(&of.song_id).is_none() {
            return;
        }
        *view = SongView::new(project.to_owned(), of.song_id.clone());
    }
    let Some(version) = rows.version(&of.version_id).filter(|it| it.song_id == of.song_id) else { return };
    let file = player::file_of(version, &of.alternate);
    let at = file.and_then(|file| version.files.iter().position(|it| it.sha256 == file.sha256));
    if view.version.as_deref() != Some(of.version_id.as_str()) {
        view.version = Some(of.version_id.clone());
    }
    view.file = at.unwrap_or(0);
}

/// After every message: what the studio should know of this person's place and does not yet.
pub(super) fn reconcile(model: &mut Model, effects: &mut Vec<Effect>) {
    let place = presence::place(model);
    match (&model.presence.told, &place) {
        (None, None) => {}
        (Some(_), None) => {
            model.presence.attendees.clear();
            model.presence.told = None;
            effects.push(Effect::Present(Order::Leave));
        }
        (Some(told), Some(now)) if !presence::differs(told, now) => {}
        (_, Some(now)) => {
            if model.presence.told.as_ref().is_some_and(|told| told.project_id != now.project_id) {
                model.presence.attendees.clear();
            }
            effects.push(Effect::Present(Order::Tell(now.clone())));
            model.presence.told = place;
        }
    }
    if model.presence.told.is_none() {
        model.presence.follows = None;
    }
}
