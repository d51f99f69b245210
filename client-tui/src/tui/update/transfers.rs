//! Keys of the screen "Transfers", what the mover tells, and how a fetch or an upload begins. `None`: the key means the same here as elsewhere.

use std::path::PathBuf;

use super::{
    act::{self, Subject},
    nav,
    prompt::upload,
};
use crate::{
    tui::{
        form::{Field, FormAsk, Input, Lot, Purpose},
        keys::Verb,
        model::{Ask, Model, Notice, Prompt, Screen, Sends, SongView, YesOrNo},
        msg::Effect,
        rows::Project,
        transfers::{Job, News, Order, State, Transfer, Wanted, Way, What, folder_name, paths_of},
        words,
    },
    verbs::pull,
};
use deadwax_proto::v1::{SongRow, Stage, VersionFile, VersionRow};

/// What leaving asks while something runs.
pub(super) const UNDER_WAY: &str = "Files are on their way: they stop where they are, and go on when you fetch or send them again. Once more leaves.";

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let Screen::Transfers { at } = model.top() else { return None };
    let len = model.transfers.list.len();
    let at = (*at).min(len.saturating_sub(1));
    let chosen = model.transfers.list.get(at);
    let effects = match verb {
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last => {
            if let Screen::Transfers { at } = model.top_mut() {
                *at = nav::moved(*at, len, verb);
            }
            Vec::new()
        }
        Verb::Pause => match chosen.map(|it| (it.id, &it.state)) {
            Some((id, State::Running | State::Waiting)) => vec![Effect::Transfer(Order::Pause { id })],
            Some((id, State::Paused | State::Cut { .. } | State::Failed { .. })) => {
                vec![Effect::Transfer(Order::Resume { id })]
            }
            Some((_, State::Done)) => say(model, "This one is done."),
            None => say(model, NOTHING),
        },
        Verb::Cancel => match chosen.cloned() {
            Some(it) if it.state.has_ended() => {
                model.transfers.list.remove(at);
                vec![Effect::Transfer(Order::Cancel { id: it.id })]
            }
            Some(it) => {
                model.prompt = Some(Prompt { ask: cancel(&it), shown: false });
                Vec::new()
            }
            None => say(model, NOTHING),
        },
        Verb::Clear => {
            let ended: Vec<u64> =
                model.transfers.list.iter().filter(|it| it.state.has_ended()).map(|it| it.id).collect();
            if ended.is_empty() {
                return Some(say(model, "Nothing here has ended yet."));
            }
            model.transfers.list.retain(|it| !ended.contains(&it.id));
            // One that failed is still held by the mover, with its unfinished file.
            ended.into_iter().map(|id| Effect::Transfer(Order::Cancel { id })).collect()
        }
        Verb::Copy => match chosen.map(|it| it.place.clone()) {
            Some(place) => {
                model.notice = Some(Notice::Done(format!("Copied: {place}")));
                vec![Effect::Copy(place)]
            }
            None => say(model, NOTHING),
        },
        _ => return None,
    };
    Some(effects)
}

const NOTHING: &str = "Nothing is on its way. On a song, u sends files and Ctrl-F fetches them.";

fn say(model: &mut Model, text: &str) -> Vec<Effect> {
    model.notice = Some(Notice::Tell(text.into()));
    Vec::new()
}

fn cancel(transfer: &Transfer) -> Ask {
    let line = match transfer.way {
        crate::tui::transfers::Way::Down => "The unfinished file is removed; whole ones stay where they are.",
        crate::tui::transfers::Way::Up => {
            "No version is added. What the studio has already need not be sent again."
        }
    };
    Ask::Confirm(Box::new(
        YesOrNo {
            project: String::new(),
            verb: Verb::Cancel,
            about: String::new(),
            title: format!("Stop {}?", transfer.title),
            lines: vec![line.into()],
            yes: "Stop it",
            sends: Sends::Order(Box::new(Effect::Transfer(Order::Cancel { id: transfer.id }))),
            say: String::new(),
        }
        .asked(),
    ))
}

/// Whether leaving now would stop something.
pub(super) fn under_way(model: &Model) -> bool {
    model.transfers.list.iter().any(|it| it.state.is_under_way())
}

/// The line is back: what it had stopped goes on.
pub(super) fn connected(model: &Model) -> Vec<Effect> {
    let cut = model.transfers.list.iter().filter(|it| matches!(it.state, State::Cut { .. }));
    cut.map(|it| Effect::Transfer(Order::Resume { id: it.id })).collect()
}

pub(super) fn told(model: &mut Model, news: News) -> Vec<Effect> {
    let id = match news {
        News::Looked { ticket, found } => {
            upload::looked(model, ticket, found);
            return Vec::new();
        }
        News::Gone { id } => {
            model.transfers.list.retain(|it| it.id != id);
            return Vec::new();
        }
        News::Moved { id, .. } | News::Step { id, .. } | News::Changed { id, .. } => id,
    };
    let on_screen = matches!(model.top(), Screen::Transfers { .. });
    let online = model.online();
    let Some(it) = model.transfers.list.iter_mut().find(|it| it.id == id) else { return Vec::new() };
    match news {
        News::Moved { bytes, bytes_done, bytes_per_s, .. } => {
            it.bytes = bytes;
            it.bytes_done = bytes_done.min(bytes);
            it.bytes_per_s = bytes_per_s;
        }
        News::Step { text, .. } => it.step = text,
        News::Changed { state, .. } => {
            it.state = state;
            if it.state != State::Running {
                it.bytes_per_s = 0;
            }
            match &it.state {
                State::Done => {
                    it.bytes_done = it.bytes;
                    let text = if it.step.is_empty() { "done".into() } else { it.step.clone() };
                    // Where the files lie now: who fetches wants to open them.
                    let lies = it.way == Way::Down && !text.contains(it.place.as_str());
                    let lies = if lies { format!(", in {}", it.place) } else { String::new() };
                    model.notice = Some(Notice::Done(format!("{}: {text}{lies}", it.title)));
                }
                State::Failed { text, hint } if !on_screen => {
                    let text = format!("{}: {text}", it.title);
                    model.notice = Some(Notice::Refused { text, hint: format!("{hint} 8 shows it.") });
                }
                // The line came back before this was told.
                State::Cut { .. } if online => return vec![Effect::Transfer(Order::Resume { id })],
                _ => {}
            }
        }
        News::Gone { .. } | News::Looked { .. } => {}
    }
    Vec::new()
}

/// Puts a job on the list and hands it to the mover.
pub(super) fn begin(model: &mut Model, title: String, place: String, what: What) -> Effect {
    let id = model.next_ticket();
    let transfer = Transfer {
        id,
        title: title.clone(),
        place,
        way: what.way(),
        state: State::Waiting,
        step: String::new(),
        bytes: what.bytes(),
        bytes_done: 0,
        bytes_per_s: 0,
    };
    model.transfers.list.insert(0, transfer);
    Effect::Transfer(Order::Start(Job { id, title, what }))
}

/// The question what is to be fetched, and where to. Several songs where several were chosen.
pub(super) fn ask_fetch(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let rows = model.projects.get(&subject.project).ok_or("The project is not here yet.")?;
    let songs: Vec<&SongRow> = chosen(model, rows, subject);
    let first = *songs.first().ok_or("There is no song here to fetch from.")?;
    let one = songs.len() == 1;
    let title_of = |it: &SongRow| crate::scrub::line(&it.title);
    let mut kinds = Vec::new();
    let mut options = Vec::new();
    let versions: Vec<&VersionRow> =
        songs.iter().filter_map(|it| version(rows, it, subject.version.as_deref())).collect();
    if let Some(version) = versions.first() {
        kinds.push(Lot::Version);
        options.push(match one {
            true => format!("{}, {}", words::version(version), weight(&version.files)),
            false => format!("the newest version of {}", words::count(versions.len(), "song", "songs")),
        });
    }
    let deliveries: Vec<_> =
        songs.iter().filter_map(|it| rows.deliveries(&it.song_id).first().copied()).collect();
    if let Some(delivery) = deliveries.first() {
        kinds.push(Lot::Delivery);
        options.push(match one {
            true => format!("the delivery, {}", weight(&delivery.files)),
            false => words::count(deliveries.len(), "delivery", "deliveries"),
        });
    }
    let packages: Vec<_> = songs.iter().filter_map(|it| it.handoff.as_ref()?.package.as_ref()).collect();
    if let Some(package) = packages.first() {
        kinds.push(Lot::Package);
        options.push(match one {
            true => format!("the handoff package, {}", words::bytes(package.bytes)),
            false => words::count(packages.len(), "handoff package", "handoff packages"),
        });
    }
    if kinds.is_empty() {
        return Err("There is nothing to fetch yet: no version was uploaded.");
    }
    let project = rows.head().map_or("", |it| it.title.as_str());
    let folder = format!("~/Deadwax/{}", folder_name(project));
    let folder = if one { format!("{folder}/{}", folder_name(&first.title)) } else { folder };
    // Where deliveries are looked at, they are what is meant.
    let delivered = one && subject.version.is_none() && first.stage() == Stage::Delivered;
    let meant = match model.top() {
        Screen::Delivery { .. } => Lot::Delivery,
        _ if delivered || looks_at_delivered(rows, subject, first) => Lot::Delivery,
        _ => Lot::Version,
    };
    let at = kinds.iter().position(|it| *it == meant).unwrap_or(0);
    let what = Input::Choice { options, at };
    let hint = if one { "Made where it is not there" } else { "Each song gets a folder of its own in it" };
    let fields = vec![
        Field { label: "What", input: what, hint: "Left and right change it" },
        Field::line("Folder", &folder, hint),
    ];
    let title = if one {
        format!("Fetch from {}", title_of(first))
    } else {
        format!("Fetch from {} songs", songs.len())
    };
    let purpose = Purpose::Fetch {
        project: subject.project.clone(),
        songs: songs.iter().map(|it| it.song_id.clone()).collect(),
        version: subject.version.clone().filter(|_| one),
        kinds,
    };
    let mut ask = FormAsk::new(purpose, title, fields);
    ask.told.push("Names are made here, digests are checked, nothing that exists is overwritten.".into());
    Ok(Ask::Form(Box::new(ask)))
}

/// A delivered song, with the version on the screen that was delivered.
fn looks_at_delivered(rows: &Project, subject: &Subject, song: &SongRow) -> bool {
    let newest = rows.newest_version(&song.song_id).map(|it| it.version_id.as_str());
    song.stage() == Stage::Delivered && subject.version.as_deref() == newest
}

fn chosen<'a>(model: &Model, rows: &'a Project, subject: &Subject) -> Vec<&'a SongRow> {
    let many: Vec<&SongRow> = super::board::chosen(model).iter().filter_map(|id| rows.song(id)).collect();
    if many.is_empty() { rows.song(&subject.song).into_iter().collect() } else { many }
}

fn version<'a>(rows: &'a Project, song: &SongRow, wanted: Option<&str>) -> Option<&'a VersionRow> {
    let wanted = wanted.and_then(|id| rows.version(id)).filter(|it| it.song_id == song.song_id);
    wanted.or_else(|| SongView::first(rows, &song.song_id))
}

/// "4 files, 235.0 MB"
fn weight(files: &[VersionFile]) -> String {
    let bytes =
        files.iter().filter_map(|it| it.facts.as_ref()).fold(0u64, |sum, it| sum.saturating_add(it.bytes));
    format!("{}, {}", words::count(files.len(), "file", "files"), words::bytes(bytes))
}

/// One job a song. An error is a sentence for the question, which stays open.
pub(super) fn fetch(
    model: &mut Model,
    project: &str,
    songs: &[String],
    version_id: Option<&str>,
    kind: Lot,
    folder: &str,
) -> Result<Vec<Effect>, String> {
    let rows = model.projects.get(project).ok_or("The project is closed to you now.")?;
    let mut jobs = Vec::new();
    for song in songs.iter().filter_map(|id| rows.song(id)) {
        let mut into = PathBuf::from(folder);
        if songs.len() > 1 {
            into.push(folder_name(&song.title));
        }
        jobs.extend(match kind {
            Lot::Version => version(rows, song, version_id)
                .map(|it| fetch_version(rows, project, song, it, into))
                .transpose()?,
            Lot::Delivery => fetch_delivery(rows, project, song, into)?,
            Lot::Package => fetch_package(project, song, into),
        });
    }
    if jobs.is_empty() {
        return Err("Nothing of these songs can be fetched any more.".into());
    }
    let busy = |place: &str, title: &str| {
        let same = |it: &&Transfer| it.place == place && it.title == title && !it.state.has_ended();
        model.transfers.list.iter().find(same).is_some()
    };
    if let Some((title, ..)) = jobs.iter().find(|(title, place, _)| busy(place, title)) {
        return Err(format!("{title} is on its way there already. 8 shows it."));
    }
    model.chosen.clear();
    let count = jobs.len();
    let effects = jobs.into_iter().map(|(title, place, what)| begin(model, title, place, what)).collect();
    let text = format!("{} begun. 8 shows how far.", words::count(count, "transfer", "transfers"));
    model.notice = Some(Notice::Done(text));
    Ok(effects)
}

type Planned = (String, String, What);

fn wanted(
    rows: &Project,
    song: &SongRow,
    version: &VersionRow,
    files: &[VersionFile],
) -> Result<Vec<Wanted>, String> {
    if let Some(closed) = files.iter().find(|it| !it.may_fetch) {
        let name = words::version(version);
        return Err(format!("You may hear {} of {name} but not fetch it.", closed.alternate));
    }
    let artist = rows.head().map_or("", |it| it.artist.as_str());
    let files: Vec<&VersionFile> = files.iter().collect();
    let names = pull::names_for(artist, song, version, &files);
    let of = |(file, name): (&&VersionFile, String)| Wanted {
        sha256: file.sha256.clone(),
        name,
        bytes: file.facts.as_ref().map_or(0, |it| it.bytes),
    };
    Ok(files.iter().zip(names).map(of).collect())
}

fn fetch_version(
    rows: &Project,
    project: &str,
    song: &SongRow,
    version: &VersionRow,
    folder: PathBuf,
) -> Result<Planned, String> {
    let files = wanted(rows, song, version, &version.files)?;
    let title = format!(
        "{} of {}, {}",
        words::version(version),
        crate::scrub::line(&song.title),
        words::count(files.len(), "file", "files")
    );
    let place = folder.display().to_string();
    let (project_id, version_id) = (project.to_owned(), version.version_id.clone());
    Ok((title, place, What::Fetch { project_id, version_id, files, papers: Vec::new(), folder }))
}

fn fetch_delivery(
    rows: &Project,
    project: &str,
    song: &SongRow,
    folder: PathBuf,
) -> Result<Option<Planned>, String> {
    let deliveries = rows.deliveries(&song.song_id);
    let Some(delivery) = deliveries.first() else { return Ok(None) };
    let Some(version) = rows.version(&delivery.version_id) else {
        return Err("You may not see the version that was delivered.".into());
    };
    let files = wanted(rows, song, version, &delivery.files)?;
    let named: Vec<(String, String)> = files.iter().map(|it| (it.name.clone(), it.sha256.clone())).collect();
    let papers = pull::papers(delivery, version, &named);
    let papers = papers.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    let title = format!(
        "Delivery of {}, {}",
        crate::scrub::line(&song.title),
        words::count(files.len(), "file", "files")
    );
    let place = folder.display().to_string();
    let (project_id, version_id) = (project.to_owned(), version.version_id.clone());
    Ok(Some((title, place, What::Fetch { project_id, version_id, files, papers, folder })))
}

fn fetch_package(project: &str, song: &SongRow, folder: PathBuf) -> Option<Planned> {
    let package = song.handoff.as_ref()?.package.as_ref()?;
    let title = format!("Handoff of {}", crate::scrub::line(&song.title));
    let place = folder.display().to_string();
    let what = What::Package {
        project_id: project.to_owned(),
        song_id: song.song_id.clone(),
        sha256: package.sha256.clone(),
        bytes: package.bytes,
        folder,
    };
    Some((title, place, what))
}

/// Files dropped on the terminal while no question is open: the upload of the song on the screen begins with them.
pub(super) fn dropped(model: &mut Model, text: &str) -> Option<Vec<Effect>> {
    if model.prompt.is_some() || !matches!(model.top(), Screen::Song(_) | Screen::Project { .. }) {
        return None;
    }
    let rooted = |path: &str| path.starts_with('/') || path.starts_with("~/");
    let paths = paths_of(text);
    if paths.is_empty() || !paths.iter().all(|it| rooted(it)) {
        return None;
    }
    let mut effects = act::act(model, Verb::Upload);
    if let Some(Prompt { ask: Ask::Upload(_), .. }) = &model.prompt {
        effects.extend(upload::paste(model, text));
    }
    Some(effects)
}
