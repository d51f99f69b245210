//! What a person can do next, in one line where there is no news: keys with words, by what stands on the screen. The keys come from the one table, so that
//! a hint is never wrong. Never here: what the keys do.

use deadwax_proto::v1::{VersionKind, VersionRow};
use ratatui::text::{Line, Span};

use super::{
    text::{clip, width},
    theme::Theme,
};
use crate::tui::{
    album::View,
    keys::{Kind, Verb},
    model::{Focus, Model, Screen},
    presence,
    rows::May,
    update, words,
};

/// Each: the keys, and what they do; as many as there is room for. Empty where a screen says it all by itself.
pub(super) fn line(model: &Model, theme: &Theme, columns: u16) -> Option<Line<'static>> {
    if model.prompt.is_some() {
        return None;
    }
    let said = match model.top() {
        Screen::Song(view) => song(model, view)?,
        Screen::Project { .. } => board(model)?,
        Screen::Compare(_) => compare(model),
        Screen::Album { project, .. } => album(model, project)?,
        Screen::Delivery { .. } => delivery(model),
        Screen::Record { .. } => record(model),
        Screen::Master { project, song, .. } => master(model, project, song)?,
        _ => return None,
    };
    let mut spans = Vec::new();
    let mut used = 0;
    for (keys, does) in said {
        let len = width(&keys) + width(&does) + 3 + usize::from(used > 0);
        if used + len > usize::from(columns) {
            continue;
        }
        spans.push(Span::styled(if used == 0 { " " } else { "· " }, theme.dim()));
        spans.push(Span::styled(keys, theme.key()));
        spans.push(Span::styled(format!(" {does} "), theme.dim()));
        used += len;
    }
    (!spans.is_empty()).then(|| Line::from(spans))
}

/// The first key of a verb on a screen, as this person has it.
fn key(model: &Model, kind: Kind, verb: Verb) -> String {
    model.settings.keys.name(kind, verb)
}

fn song(model: &Model, view: &crate::tui::model::SongView) -> Option<Vec<(String, String)>> {
    let rows = model.projects.get(&view.project)?;
    let version = view.version(rows)?;
    let of = |verb: Verb| key(model, Kind::Song, verb);
    let both = |a: Verb, b: Verb| format!("{} {}", of(a), of(b));
    let say = |keys: String, does: &str| (keys, does.to_owned());
    if let Some((start, end)) = view.range() {
        let range = words::span(Some(start), Some(end));
        if start == end {
            return Some(vec![
                say(both(Verb::Left, Verb::Right), "move its end"),
                say(of(Verb::NoteAfter), "to the next note"),
                say(of(Verb::MarkRange), "drops the range"),
            ]);
        }
        return Some(vec![
            (of(Verb::AddNote), format!("note on {range}")),
            say(of(Verb::PlayPause), if model.player.playing { "pause" } else { "play it" }),
            say(of(Verb::LoopRange), "loop it"),
            say(of(Verb::MarkRange), "drop it"),
        ]);
    }
    let playing = model.player.playing && model.player.is_on(&view.project, &view.song);
    let mut said = Vec::new();
    let leads = presence::on_song(model).into_iter().find(|it| it.leading);
    if let Some(it) = leads.filter(|_| model.presence.follows.is_none()) {
        said.push((of(Verb::FollowLead), format!("follow {}", clip(&it.name, 16))));
    }
    if playing && model.player.aimed {
        said.push(say("Enter".into(), "play on from the cursor"));
    }
    said.push(say(of(Verb::PlayPause), if playing { "pause" } else { "play" }));
    if playing {
        said.push(say(both(Verb::PreviousAlternate, Verb::NextAlternate), "other alternate"));
        said.push(say(of(Verb::Switch), "what you heard before"));
    }
    said.push(say(both(Verb::Left, Verb::Right), "cursor"));
    said.push(say(format!("{}, then {}", of(Verb::MarkRange), of(Verb::AddNote)), "note on a range"));
    let main = version.files.first().map(|it| it.alternate.as_str());
    let alternate = view.file(version).map(|it| it.alternate.as_str());
    if alternate != main || update::version_before(rows, version).is_some() {
        said.push(say(of(Verb::Compare), "compare"));
    }
    let subject = update::subject(model);
    if update::may(model, subject.as_ref(), Verb::Approve) == May::Yes {
        said.push(say(of(Verb::Approve), "approve"));
    }
    if view.focus == Focus::Notes && !playing {
        said.push(say(of(Verb::NextPane), "versions"));
    }
    Some(said)
}

/// The rooms beside the board; keys of a song stand in the line below.
fn board(model: &Model) -> Option<Vec<(String, String)>> {
    let of = |verb: Verb| key(model, Kind::Project, verb);
    let subject = update::subject(model);
    let mut said = Vec::new();
    if model.online() && !matches!(update::may(model, subject.as_ref(), Verb::AddSong), May::No(_)) {
        said.push((of(Verb::AddSong), "new song"));
    }
    said.push((of(Verb::Album), "running order"));
    said.push((of(Verb::Delivery), "delivery"));
    said.push((of(Verb::People), "people, invites"));
    said.push((of(Verb::History), "history"));
    said.push((of(Verb::Filter), "search"));
    Some(said.into_iter().map(|(keys, does)| (keys, does.to_owned())).collect())
}

fn album(model: &Model, project: &str) -> Option<Vec<(String, String)>> {
    let rows = model.projects.get(project).filter(|it| !it.songs().is_empty())?;
    let of = |verb: Verb| key(model, Kind::Album, verb);
    let both = |a: Verb, b: Verb| format!("{} {}", of(a), of(b));
    let mut said = Vec::new();
    if model.album.is_unsaved(project, rows) {
        said.push((of(Verb::Save), "save".to_owned()));
        said.push((of(Verb::Undo), "undo".to_owned()));
    }
    let next = (of(Verb::NextPane), model.album.view.next().name().to_owned());
    if model.album.view == View::Notes {
        said.push((of(Verb::CloseJointNote), "close it".to_owned()));
        said.push((of(Verb::JointNote), "on the joint".to_owned()));
        said.push((of(Verb::OrderNote), "on the order".to_owned()));
        said.push(next);
        return Some(said);
    }
    if model.album.view == View::Beside {
        said.push((of(Verb::PlayPause), if model.player.playing { "pause" } else { "hear it" }.to_owned()));
        said.push((both(Verb::GainLess, Verb::GainMore), "gain".to_owned()));
        said.push(next);
        return Some(said);
    }
    said.push((both(Verb::MoveUp, Verb::MoveDown), "move".to_owned()));
    said.push((both(Verb::GapLess, Verb::GapMore), "gap".to_owned()));
    said.push((of(Verb::PlayPause), if model.player.playing { "pause" } else { "hear it" }.to_owned()));
    said.push((of(Verb::NextJoint), "next joint".to_owned()));
    said.push((of(Verb::LoopRange), "loop the joint".to_owned()));
    said.push((both(Verb::FadeIn, Verb::FadeOut), "fades".to_owned()));
    said.push((of(Verb::CrossfadeMore), "crossfade".to_owned()));
    said.push((both(Verb::TrimIn, Verb::TrimOut), "trims".to_owned()));
    said.push(next);
    Some(said)
}

fn delivery(model: &Model) -> Vec<(String, String)> {
    let of = |verb: Verb| key(model, Kind::Delivery, verb);
    let mut said = Vec::new();
    let subject = update::subject(model);
    if update::may(model, subject.as_ref(), Verb::MakeDelivery) == May::Yes {
        said.push((of(Verb::MakeDelivery), "make the delivery".to_owned()));
    }
    said.push((of(Verb::NextPane), if model.delivery.in_files { "songs" } else { "files" }.to_owned()));
    said.push((of(Verb::Fetch), "fetch".to_owned()));
    said.push((of(Verb::Record), "the record".to_owned()));
    said.push((of(Verb::Checks), "checks".to_owned()));
    said.push((of(Verb::Manifest), "manifest, who signed".to_owned()));
    said.push((
        of(Verb::Copy),
        if model.delivery.in_files { "copy SHA-256" } else { "copy fingerprint" }.to_owned(),
    ));
    said
}

fn record(model: &Model) -> Vec<(String, String)> {
    let of = |verb: Verb| key(model, Kind::Record, verb);
    let subject = update::subject(model);
    let yes = |verb: Verb| model.online() && update::may(model, subject.as_ref(), verb) == May::Yes;
    let row = update::record_shown(model);
    let mut said = Vec::new();
    for (verb, does) in [
        (Verb::ApproveRecord, "approve the record"),
        (Verb::DeliverRecord, "deliver it"),
        (Verb::CancelRecord, "stop it"),
        (Verb::StartRecord, "make a record"),
    ] {
        if yes(verb) {
            said.push((of(verb), does.to_owned()));
        }
    }
    if row.is_some_and(|it| !it.files.is_empty()) {
        let in_files = model.record.in_files;
        said.push((of(Verb::NextPane), if in_files { "records" } else { "files" }.to_owned()));
        said.push((of(Verb::Fetch), "fetch".to_owned()));
        said.push((of(Verb::About), "masters, signatures".to_owned()));
        said.push((of(Verb::Copy), if in_files { "copy SHA-256" } else { "copy fingerprint" }.to_owned()));
    }
    said.push((of(Verb::Songs), "single songs".to_owned()));
    said
}

fn master(model: &Model, project: &str, song: &str) -> Option<Vec<(String, String)>> {
    let rows = model.projects.get(project)?;
    let of = |verb: Verb| key(model, Kind::Master, verb);
    let mut said = Vec::new();
    let subject = update::subject(model);
    // What is signed is a version: that is done on its own screen.
    let candidate = rows.song(song).and_then(|it| rows.version(&it.candidate_version_id));
    let signs = |it: &VersionRow| it.allowed.iter().any(|it| it.action == "approve" && it.yes);
    if candidate.is_some_and(|it| it.kind() == VersionKind::Master && signs(it)) {
        said.push((of(Verb::Open), "open it, then approve".to_owned()));
    }
    if !matches!(update::may(model, subject.as_ref(), Verb::EditRecipe), May::No(_)) {
        said.push((of(Verb::EditRecipe), "recipe".to_owned()));
    }
    if !rows.renders(song).is_empty() {
        said.push((of(Verb::PlayPause), if update::pauses(model) { "pause" } else { "hear it" }.to_owned()));
        said.push((of(Verb::Switch), "against its mix".to_owned()));
        said.push((of(Verb::Select), "beside another".to_owned()));
        said.push((of(Verb::NextPane), model.master.pane.next().name().to_lowercase()));
    }
    Some(said)
}

fn compare(model: &Model) -> Vec<(String, String)> {
    let of = |verb: Verb| key(model, Kind::Compare, verb);
    let play = if update::pauses(model) { "pause" } else { "play" };
    vec![
        (of(Verb::PlayPause), play.to_owned()),
        (of(Verb::Switch), "hear the other".to_owned()),
        ("↑ ↓ Enter".to_owned(), "hear a change".to_owned()),
        (of(Verb::LoopRange), "loop it".to_owned()),
        (format!("{} {}", of(Verb::NoteBefore), of(Verb::NoteAfter)), "other version".to_owned()),
    ]
}
