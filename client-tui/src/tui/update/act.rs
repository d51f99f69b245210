//! Verbs that ask the server for something: which row they are about, whether the server allows it, and the prompt that comes before
//! the command. Nothing here decides what is allowed; it repeats the row's own answer.

mod questions;

use deadwax_proto::v1::{self as v1, VersionRow, action::Action as Do};

use self::questions::{approve, confirm, follow, tick};
pub(super) use self::questions::{gate_roles, order_line};
use super::prompt;
use crate::tui::{
    draw,
    keys::Verb,
    model::{Ask, Model, Notice, Pending, Prompt, Screen},
    msg::Effect,
    rows::{May, PROJECT_KEY, Project},
    words,
};

/// What a verb is about on the present screen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub project: String,
    pub song: String,
    pub version: Option<String>,
    pub note: Option<String>,
    pub render: Option<String>,
    /// Of a person of the project.
    pub member: Option<String>,
    /// The key of its row.
    pub record: Option<String>,
    /// The screen of the whole project: a verb that suits both is about the project there.
    pub whole: bool,
}

impl Subject {
    /// Rows in the order in which they are asked, the closest first.
    pub fn keys(&self, verb: Verb) -> Vec<String> {
        let note = self.note.as_ref().map(|id| format!("note/{id}"));
        let version = self.version.as_ref().map(|id| format!("version/{id}"));
        let render = self.render.as_ref().map(|id| format!("render/{id}"));
        let song = Some(format!("song/{}", self.song));
        let keys = match verb {
            Verb::Address | Verb::Accept | Verb::Reopen | Verb::Decline | Verb::Tick | Verb::MoveNote => {
                vec![note]
            }
            Verb::ApproveRecord | Verb::DeliverRecord | Verb::CancelRecord => vec![self.record.clone()],
            Verb::ApproveSpacing
            | Verb::Save
            | Verb::StartRecord
            | Verb::JointNote
            | Verb::OrderNote
            | Verb::CloseJointNote
            | Verb::EditCopy
            | Verb::EditOutside
            | Verb::Cover
            | Verb::RemoveCover => Vec::new(),
            Verb::Follow if self.whole => Vec::new(),
            Verb::AddSong | Verb::Invite | Verb::NewProject => Vec::new(),
            Verb::Roles | Verb::Remove | Verb::RevokeKey => {
                vec![self.member.as_ref().map(|id| format!("member/{id}"))]
            }
            Verb::Reply => vec![note, version, song],
            Verb::CancelRender => vec![render, song],
            Verb::AddNote
            | Verb::AddSongNote
            | Verb::RequestRevision
            | Verb::Approve
            | Verb::Withdraw
            | Verb::PutForward
            | Verb::Heard
            | Verb::Pick => vec![version, song],
            _ => vec![song, version],
        };
        keys.into_iter().flatten().collect()
    }
}

pub(crate) fn subject(model: &Model) -> Option<Subject> {
    match model.top() {
        Screen::Project { project, song } => {
            let rows = model.projects.get(project)?;
            // Without a song there is still the project.
            let song =
                draw::selected_song(rows, song.as_deref()).map_or_else(String::new, |it| it.song_id.clone());
            Some(Subject { project: project.clone(), song, whole: true, ..Subject::default() })
        }
        Screen::Song(view) => {
            let rows = model.projects.get(&view.project)?;
            rows.song(&view.song)?;
            Some(Subject {
                project: view.project.clone(),
                song: view.song.clone(),
                version: view.version(rows).map(|it| it.version_id.clone()),
                note: draw::selected_note(rows, view).map(|it| it.note_id.clone()),
                ..Subject::default()
            })
        }
        Screen::Master { project, song, render } => {
            let rows = model.projects.get(project)?;
            rows.song(song)?;
            let render = draw::selected_render(rows, song, render.as_deref()).map(|it| it.render_id.clone());
            Some(Subject { project: project.clone(), song: song.clone(), render, ..Subject::default() })
        }
        Screen::People { project, .. } => Some(Subject {
            project: project.clone(),
            member: super::people::member(model),
            whole: true,
            ..Subject::default()
        }),
        Screen::LabelCopy { project, .. } => {
            Some(Subject { project: project.clone(), whole: true, ..Subject::default() })
        }
        Screen::Album { project, at } => {
            let rows = model.projects.get(project)?;
            let song = rows.song_id_numbered(model.album.order(project, rows).song(*at)?);
            Some(Subject { project: project.clone(), song, whole: true, ..Subject::default() })
        }
        Screen::Delivery { project, at } => {
            let rows = model.projects.get(project)?;
            let songs = rows.songs();
            let song = songs.get((*at).min(songs.len().saturating_sub(1)))?;
            let version = crate::tui::delivery::version(rows, song).map(|it| it.version_id.clone());
            let song = song.song_id.clone();
            Some(Subject { project: project.clone(), song, version, ..Subject::default() })
        }
        Screen::Record { project, .. } => Some(Subject {
            project: project.clone(),
            record: super::record::shown(model).map(|it| format!("record/{}", it.number)),
            whole: true,
            ..Subject::default()
        }),
        _ => None,
    }
}

/// What the server says about this verb here. For greying keys and for refusing before anything is sent.
pub(crate) fn may<'a>(model: &'a Model, subject: Option<&Subject>, verb: Verb) -> May<'a> {
    let (Some(action), Some(subject)) = (verb.action(), subject) else { return May::Unsaid };
    let Some(rows) = model.projects.get(&subject.project) else { return May::Unsaid };
    rows.may(action, &with_project(subject, verb))
}

fn with_project(subject: &Subject, verb: Verb) -> Vec<String> {
    let mut keys = subject.keys(verb);
    keys.push(PROJECT_KEY.into());
    keys
}

/// What the server says follows from it. Shown before it is done.
pub(super) fn consequence(model: &Model, subject: &Subject, verb: Verb) -> String {
    let Some(rows) = model.projects.get(&subject.project) else { return String::new() };
    let answer = verb.action().and_then(|action| rows.answer(action, &with_project(subject, verb)));
    answer.map_or_else(String::new, |it| it.text.clone())
}

pub(super) fn offline() -> Notice {
    Notice::Refused {
        text: "Not connected: nothing was sent.".into(),
        hint: "Reading works. Try again when the banner is gone.".into(),
    }
}

/// Why a command of this verb can neither be sent nor be kept now.
pub(super) fn unsendable(model: &Model, verb: Verb) -> Option<Notice> {
    super::offline::refusal(model, verb)
}

pub(super) fn act(model: &mut Model, verb: Verb) -> Vec<Effect> {
    let Some(subject) = subject(model) else { return Vec::new() };
    let about = subject.keys(verb).into_iter().next().unwrap_or_else(|| PROJECT_KEY.into());
    if model.is_pending(verb, &about) {
        return Vec::new();
    }
    if let May::No(no) = may(model, Some(&subject), verb) {
        model.notice = Some(Notice::Refused { text: no.text.clone(), hint: no.hint.clone() });
        return Vec::new();
    }
    if let Some(refused) = super::offline::refusal(model, verb) {
        model.notice = Some(refused);
        return Vec::new();
    }
    model.notice = None;
    match prepare(model, verb, &subject, about) {
        Ok(Prepared::Prompt(ask)) => {
            model.prompt = Some(Prompt { ask, shown: false });
            Vec::new()
        }
        Ok(Prepared::Send(pending)) => vec![send(model, *pending)],
        Err(why) => {
            model.notice = Some(Notice::Tell(why.into()));
            Vec::new()
        }
    }
}

enum Prepared {
    Prompt(Ask),
    Send(Box<Pending>),
}

pub(super) fn send(model: &mut Model, pending: Pending) -> Effect {
    super::hands::sent(model, &pending);
    super::offline::send(model, pending)
}

pub(super) const NO_VERSION: &str = "This song has no version yet. Press u to upload one.";
pub(super) const NO_NOTE: &str = "Choose a note first: Tab goes to the notes, up and down move.";

fn prepare(
    model: &mut Model,
    verb: Verb,
    subject: &Subject,
    about: String,
) -> Result<Prepared, &'static str> {
    let ask = match verb {
        Verb::AddNote
        | Verb::AddSongNote
        | Verb::Reply
        | Verb::Reopen
        | Verb::Decline
        | Verb::Hold
        | Verb::ReturnHandoff
        | Verb::Override
        | Verb::SwapMix
        | Verb::PutForward
        | Verb::JointNote
        | Verb::OrderNote
        | Verb::CloseJointNote
        | Verb::Pick => prompt::write::prepare(model, verb, subject)?,
        Verb::Approve => approve(model, subject)?,
        Verb::RequestRevision => prompt::revision::prepare(model, subject)?,
        Verb::Tick => tick(model, subject)?,
        Verb::EditRecipe => prompt::recipe::prepare(model, subject)?,
        Verb::OpenShootout => prompt::shootout::entrants(model, subject)?,
        Verb::Vote => prompt::shootout::vote(model, subject)?,
        Verb::Follow => follow(model, subject)?,
        Verb::Upload => prompt::upload::prepare(model, subject)?,
        Verb::Fetch => super::transfers::ask_fetch(model, subject)?,
        Verb::AddSong => prompt::form::add_song(model, subject),
        Verb::EditSong => prompt::form::edit_song(model, subject)?,
        Verb::Invite => super::people::invite(model, subject),
        Verb::Share => super::share::prepare(model, subject)?,
        Verb::Roles => super::people::roles(model, subject)?,
        Verb::Remove => super::people::remove(model, subject)?,
        Verb::RevokeKey => super::people::revoke_key(model, subject)?,
        Verb::MoveNote
        | Verb::Heard
        | Verb::ApproveSpacing
        | Verb::Withdraw
        | Verb::LiftHold
        | Verb::AcceptHandoff
        | Verb::MakeDelivery
        | Verb::StartRender
        | Verb::CancelRender => Ask::Confirm(Box::new(confirm(model, verb, subject, about)?)),
        Verb::Address | Verb::Accept => {
            return note_command(model, verb, subject, about).map(|it| Prepared::Send(Box::new(it)));
        }
        _ => return Err("This key does nothing here."),
    };
    Ok(Prepared::Prompt(ask))
}

/// Sent at once: what they do can be taken back by opening the note again.
pub(super) fn note_command(
    model: &mut Model,
    verb: Verb,
    subject: &Subject,
    about: String,
) -> Result<Pending, &'static str> {
    let note_id = subject.note.clone().ok_or(NO_NOTE)?;
    let rows = model.projects.get(&subject.project).ok_or(NO_NOTE)?;
    // What is accepted is what somebody did: an open note has nothing to accept yet.
    if verb == Verb::Accept && rows.note(&note_id).is_some_and(|it| it.state() == v1::NoteState::Open) {
        return Err("Nobody has done it yet.");
    }
    let (action, say) = if verb == Verb::Accept {
        (Do::AcceptNote(v1::AcceptNote { note_id }), "the note is accepted".to_owned())
    } else {
        let newest = newest_of_line(rows, subject).ok_or(NO_VERSION)?;
        let version_id = newest.version_id.clone();
        let say = format!("the note is done in {}", words::version(newest));
        (Do::AddressNote(v1::AddressNote { note_id, version_id }), say)
    };
    Ok(pending(model, subject.project.clone(), verb, about, action, say))
}

pub(super) fn pending(
    model: &mut Model,
    project_id: String,
    verb: Verb,
    about: String,
    action: Do,
    say: String,
) -> Pending {
    let action = v1::Action { action: Some(action) };
    Pending { command_id: model.new_id(), project_id, action, verb, about, say, queued: false, late: false }
}

/// Of the line of the shown version, where mixes compete.
fn newest_of_line<'a>(rows: &'a Project, subject: &Subject) -> Option<&'a VersionRow> {
    let shown = subject.version.as_ref().and_then(|id| rows.version(id));
    let line = shown.map_or("", |it| it.line.as_str());
    let versions = rows.versions(&subject.song);
    versions.iter().find(|it| it.line == line || line.is_empty()).copied()
}

/// What to type for a verb that is about one song, with names quoted for a shell.
pub fn song_verb(verb: &str, project: &str, song: &str) -> String {
    format!("deadwax {verb} --project {} --song {}", quoted(project), quoted(song))
}

/// Single quotes keep everything but themselves: a name from somebody else cannot become a command.
pub(super) fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", crate::scrub::line(name).replace('\'', r"'\''"))
    }
}
