//! A few short lines to fill in, and what Enter makes of them. What a name or a number may look like is the server's to say.

use crossterm::event::{KeyCode, KeyEvent};
use deadwax_proto::v1::{self as v1, action::Action as Do};

use super::{CUT, Next};
use crate::tui::{
    form::{Field, FormAsk, Input, LinkAsk, LinkFor, Purpose, ROLES, SearchAsk},
    keys::Verb,
    model::{Ask, Model, Pending},
    msg::Effect,
    people::Order,
    rows::PROJECT_KEY,
    update::{
        act::{self, Subject},
        history, label_copy, record, share, transfers,
    },
};

pub(in crate::tui::update) fn add_song(model: &Model, subject: &Subject) -> Ask {
    let fields = vec![
        Field::line("Title", "", ""),
        Field::line("ISRC", "", "Twelve letters and digits; it may be added later"),
    ];
    let purpose = Purpose::AddSong { project: subject.project.clone() };
    let mut ask = FormAsk::new(purpose, "Add a song".into(), fields);
    ask.told.push(act::consequence(model, subject, Verb::AddSong));
    Ask::Form(Box::new(ask))
}

pub(in crate::tui::update) fn edit_song(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let rows = model.projects.get(&subject.project);
    let song =
        rows.and_then(|rows| rows.song(&subject.song)).ok_or("There is no song here yet. n adds one.")?;
    // As the lines show it: what was not touched is not sent.
    let shown = |text: &str| crate::scrub::line(text).trim().to_owned();
    let (title, isrc) = (shown(&song.title), shown(&song.isrc));
    let fields = vec![
        Field::line("Title", &title, ""),
        Field::line("ISRC", &isrc, "Twelve letters and digits; empty takes it away"),
    ];
    let heading = format!("Title and ISRC of {title}");
    let (project, song) = (subject.project.clone(), song.song_id.clone());
    let purpose = Purpose::EditSong { project, song, title, isrc };
    Ok(Ask::Form(Box::new(FormAsk::new(purpose, heading, fields))))
}

pub(in crate::tui::update) fn new_project() -> Ask {
    let fields = vec![
        Field::line("Title", "", ""),
        Field::line("Artist", "", "As it stands on the record; it becomes part of file names"),
    ];
    let mut ask = FormAsk::new(Purpose::NewProject, "A new project".into(), fields);
    ask.told.push("You become its manager. Songs and people are added in it.".into());
    Ask::Form(Box::new(ask))
}

pub(super) fn key(model: &mut Model, mut ask: Box<FormAsk>, event: KeyEvent, shown: bool) -> Next {
    let last = ask.fields.len().saturating_sub(1);
    match event.code {
        KeyCode::Esc => return Next::Close,
        KeyCode::Enter => {
            if shown && let Some(next) = sent(model, &mut ask) {
                return next;
            }
            return Next::Keep(Ask::Form(ask));
        }
        KeyCode::Tab | KeyCode::Down => ask.at = if ask.at >= last { 0 } else { ask.at + 1 },
        KeyCode::BackTab | KeyCode::Up => ask.at = if ask.at == 0 { last } else { ask.at - 1 },
        _ => {
            ask.problem = None;
            let at = ask.at;
            if let Some(field) = ask.fields.get_mut(at) {
                typed(&mut field.input, event);
            }
        }
    }
    Next::Keep(Ask::Form(ask))
}

fn typed(input: &mut Input, event: KeyEvent) {
    match input {
        Input::Line(area) => {
            super::type_line(area, event);
        }
        Input::Choice { options, at } => match event.code {
            KeyCode::Left => *at = at.checked_sub(1).unwrap_or(options.len().saturating_sub(1)),
            KeyCode::Right | KeyCode::Char(' ') => *at = (*at + 1) % options.len().max(1),
            _ => {}
        },
        Input::Roles { chosen, at } => match event.code {
            KeyCode::Left => *at = at.checked_sub(1).unwrap_or(ROLES.len() - 1),
            KeyCode::Right => *at = (*at + 1) % ROLES.len(),
            KeyCode::Char(' ') => {
                let role = ROLES[*at % ROLES.len()];
                match chosen.iter().position(|it| *it == role) {
                    Some(place) => drop(chosen.remove(place)),
                    None => chosen.push(role),
                }
            }
            _ => {}
        },
    }
}

/// `None`: it stays, with the problem written into it.
fn sent(model: &mut Model, ask: &mut FormAsk) -> Option<Next> {
    ask.problem = lacks(model, ask);
    if ask.problem.is_some() {
        return None;
    }
    let (first, second) = (ask.text(0), ask.text(1));
    if let Some(next) = sent_as_no_command(model, ask) {
        return next;
    }
    let id = model.new_id();
    let pending = match ask.purpose.clone() {
        Purpose::AddSong { project } => {
            let say = format!("the song {first}");
            let action = v1::AddSong { song_id: id, title: first, isrc: second };
            act::pending(model, project, Verb::AddSong, PROJECT_KEY.into(), Do::AddSong(action), say)
        }
        Purpose::EditSong { project, song, title, isrc } => {
            let action = v1::EditSong {
                song_id: song.clone(),
                title: (first != title).then_some(first),
                isrc: (second != isrc).then_some(second),
            };
            let about = format!("song/{song}");
            let say = format!("title and ISRC of {title}");
            act::pending(model, project, Verb::EditSong, about, Do::EditSong(action), say)
        }
        Purpose::NewProject => {
            let say = format!("the project {first}");
            let action = Do::CreateProject(v1::CreateProject { title: first, artist: second });
            act::pending(model, id, Verb::NewProject, PROJECT_KEY.into(), action, say)
        }
        Purpose::Invite { project } => {
            let request = v1::CreateInviteRequest {
                name: first,
                email: second,
                project_id: project,
                roles: ask.roles().into_iter().map(i32::from).collect(),
                proof: None,
            };
            return Some(Next::Do(Box::new(Effect::People(Order::Invite(request)))));
        }
        Purpose::Roles { project, person, name, .. } => {
            let roles = ask.roles().into_iter().map(i32::from).collect();
            let about = format!("member/{person}");
            let action = Do::ChangeRoles(v1::ChangeRoles { person_id: person, roles });
            act::pending(model, project, Verb::Roles, about, action, format!("the roles of {name}"))
        }
        Purpose::RevokeKey { project, person, name, keys } => {
            revocation(model, project, (&person, &name), keys.get(ask.choice())?, second)
        }
        Purpose::Release { .. }
        | Purpose::SongCopy { .. }
        | Purpose::Cover { .. }
        | Purpose::Share { .. } => return None,
        Purpose::Fetch { project, songs, version, kinds } => {
            let kind = *kinds.get(ask.choice())?;
            return match transfers::fetch(model, &project, &songs, version.as_deref(), kind, &ask.text(1)) {
                Ok(effects) => Some(Next::All(None, effects)),
                Err(problem) => {
                    ask.problem = Some(problem);
                    None
                }
            };
        }
        Purpose::FetchRecord { project, number, profiles } => {
            let only = ask.choice().checked_sub(1).and_then(|at| profiles.get(at).cloned());
            return match record::fetch(model, &project, number, only, &ask.text(1)) {
                Ok(effects) => Some(Next::All(None, effects)),
                Err(problem) => {
                    ask.problem = Some(problem);
                    None
                }
            };
        }
    };
    Some(send(pending))
}

/// What is no single command to the project. The inner `None`: it stays.
fn sent_as_no_command(model: &mut Model, ask: &mut FormAsk) -> Option<Option<Next>> {
    match ask.purpose.clone() {
        Purpose::Release { .. } | Purpose::SongCopy { .. } => Some(label_copy_sent(model, ask)),
        Purpose::Cover { project, to } => {
            let effect = label_copy::cover_filled(model, &project, to, &ask.text(0));
            ask.problem = effect.is_none().then(|| "Name a file, as ~/Pictures/front.jpg.".into());
            Some(effect.map(|it| Next::All(None, vec![it])))
        }
        Purpose::Share { .. } => {
            let order = share::filled(model, ask);
            Some(order.map(|it| Next::Do(Box::new(Effect::People(it)))))
        }
        _ => None,
    }
}

/// Of exactly that key, for the reason that was typed.
fn revocation(
    model: &mut Model,
    project: String,
    (person, name): (&str, &str),
    fingerprint: &str,
    reason: String,
) -> Pending {
    let start = crate::receipt::short(&crate::scrub::line(fingerprint));
    let action = Do::RevokeKey(v1::RevokeKey { fingerprint: fingerprint.to_owned(), reason });
    let say = format!("the revocation of {start}, a key of {name}");
    act::pending(model, project, Verb::RevokeKey, format!("member/{person}"), action, say)
}

/// Only what was changed is sent, one command for the release and one or two for a song.
fn label_copy_sent(model: &mut Model, ask: &mut FormAsk) -> Option<Next> {
    let changes = match label_copy::filled(model, ask) {
        Ok(changes) => changes,
        Err((problem, at)) => {
            (ask.problem, ask.at) = (Some(problem), at.min(ask.fields.len().saturating_sub(1)));
            // Shares may stay unfinished: said once, done when Enter comes again.
            if let Purpose::SongCopy { draft, .. } = &mut ask.purpose {
                *draft = true;
            }
            return None;
        }
    };
    let (Purpose::Release { project, .. } | Purpose::SongCopy { project, .. }) = &ask.purpose else {
        return None;
    };
    let project = project.clone();
    if changes.is_empty() {
        ask.problem = Some("Nothing is changed yet.".into());
        return None;
    }
    let all = label_copy::asked(changes);
    let one = |(verb, about, action, say)| act::pending(model, project.clone(), verb, about, action, say);
    Some(Next::SendAll(all.into_iter().map(one).collect()))
}

fn send(pending: Pending) -> Next {
    Next::Send(Box::new(pending))
}

/// What is missing before it is worth asking the server.
fn lacks(model: &Model, ask: &FormAsk) -> Option<String> {
    if !model.online() {
        return Some(CUT.into());
    }
    let (first, second) = (ask.text(0), ask.text(1));
    let empty = |what: &str| Some(format!("{what} is still empty."));
    match &ask.purpose {
        Purpose::AddSong { .. } | Purpose::EditSong { .. } | Purpose::NewProject if first.is_empty() => {
            empty("The title")
        }
        Purpose::EditSong { title, isrc, .. } if first == *title && second == *isrc => {
            Some("Nothing is changed yet.".into())
        }
        Purpose::NewProject if second.is_empty() => empty("The artist"),
        Purpose::Invite { .. } | Purpose::Share { .. } if first.is_empty() => empty("The name"),
        Purpose::Invite { .. } if second.is_empty() => empty("The e-mail"),
        Purpose::Invite { .. } if !is_address(&second) => {
            Some("The e-mail is not one yet: it looks like lena@example.org.".into())
        }
        Purpose::Invite { .. } | Purpose::Roles { .. } if ask.roles().is_empty() => {
            Some("Give at least one role: Space on a role.".into())
        }
        Purpose::Roles { before, .. } if ask.roles() == *before => Some("Nothing is changed yet.".into()),
        Purpose::RevokeKey { .. } if second.is_empty() => {
            Some("Say why: whoever checks a receipt later reads it.".into())
        }
        Purpose::Fetch { .. } | Purpose::FetchRecord { .. } if second.is_empty() => empty("The folder"),
        _ => None,
    }
}

/// Something on both sides of one @, and no space: the studio looks closer.
fn is_address(text: &str) -> bool {
    let parts = text.split_once('@');
    let whole = parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'));
    whole && !text.contains(char::is_whitespace)
}

/// A paste goes into the line that has the keys, as one line.
pub(super) fn paste(ask: &mut FormAsk, text: &str) {
    if let Some(Field { input: Input::Line(area), .. }) = ask.fields.get_mut(ask.at) {
        area.insert_str(crate::scrub::line(text.trim()));
    }
}

/// The list below answers at every key. Enter keeps what it shows, Esc shows all again.
pub(super) fn search_key(model: &mut Model, mut ask: Box<SearchAsk>, event: KeyEvent) -> Next {
    match event.code {
        KeyCode::Enter => return Next::Close,
        KeyCode::Esc => {
            history::search(model, "");
            return Next::Close;
        }
        KeyCode::Up | KeyCode::Down | KeyCode::PageUp | KeyCode::PageDown => {
            let verb = match event.code {
                KeyCode::Up => Verb::Up,
                KeyCode::Down => Verb::Down,
                KeyCode::PageUp => Verb::PageUp,
                _ => Verb::PageDown,
            };
            let effects = history::press(model, verb).unwrap_or_default();
            return Next::All(Some(Ask::Search(ask)), effects);
        }
        _ if super::is_ctrl(event, 'j') || super::is_ctrl(event, 'm') => {}
        _ => {
            super::type_line(&mut ask.area, event);
            history::search(model, &ask.area.lines().join(" "));
        }
    }
    Next::Keep(Ask::Search(ask))
}

pub(super) fn link_key(mut ask: Box<LinkAsk>, event: KeyEvent, shown: bool) -> Next {
    match event.code {
        KeyCode::Char('y') if shown => {
            ask.copied = Some("the link");
            let copy = Effect::Copy(ask.link.clone());
            Next::Run(Ask::Link(ask), Box::new(copy))
        }
        KeyCode::Char('b') if shown => {
            let Some(link) = ask.for_browser() else { return Next::Keep(Ask::Link(ask)) };
            ask.copied = Some("the link for a browser");
            Next::Run(Ask::Link(ask), Box::new(Effect::Copy(link)))
        }
        KeyCode::Char('p') if shown => {
            let LinkFor::Guest { password: Some(password), .. } = &ask.of else {
                return Next::Keep(Ask::Link(ask));
            };
            let copy = Effect::Copy(password.clone());
            ask.copied = Some("the password");
            Next::Run(Ask::Link(ask), Box::new(copy))
        }
        // Nothing that was typed ahead takes it off the screen unread.
        KeyCode::Esc if shown => Next::Close,
        _ => Next::Keep(Ask::Link(ask)),
    }
}
