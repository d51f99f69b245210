//! What a record has otherwise than the one that the world has, for whoever has to sign it again: spacing, masters, texts, profiles, level, files; and what is
//! otherwise by now than a record has it. Never here: what follows from it.

use std::collections::BTreeMap;

use super::{Record, RecordFile, RecordTexts, is_current};
use crate::{Project, Time, VersionKind, spacing::changes, text::plural};

/// More names than these make nobody wiser.
const NAMES: usize = 6;

/// What is otherwise than in the record that was delivered last before it; where none was, than in the newest that was made before it. In words, of which the
/// first say what it is compared with; empty where there is none.
pub fn differs(project: &Project, record: &Record) -> Vec<String> {
    let Some(before) = compared(project, record) else { return Vec::new() };
    let mut told = vec![match before.delivered {
        Some(_) => format!("Compared with {}, which was delivered.", before.name()),
        None => format!("Compared with {}, which was never delivered.", before.name()),
    }];
    told.extend(spacing(project, before, record));
    masters(project, before, record, &mut told);
    told.extend(record.texts.changes(&before.texts, project));
    profiles(before, record, &mut told);
    if before.loudest_track_lufs != record.loudest_track_lufs {
        let level = |lufs: Option<f64>| {
            lufs.map_or_else(
                || "the levels as they were signed".to_owned(),
                |it| format!("the loudest track at {it:.1} LUFS"),
            )
        };
        let (now, was) = (level(record.loudest_track_lufs), level(before.loudest_track_lufs));
        told.push(format!("It has {now} instead of {was}."));
    }
    if before.medium != record.medium {
        let on = |medium: &str| if medium.is_empty() { "no medium".to_owned() } else { medium.to_owned() };
        told.push(format!("It is for {} instead of {}.", on(&record.medium), on(&before.medium)));
    }
    if record.is_made() {
        files(before, record, &mut told);
    }
    if told.len() == 1 {
        told.push("Nothing differs.".to_owned());
    }
    told
}

/// What stays out there counts: a record that was made and never left the house is nobody's.
fn compared<'a>(project: &'a Project, record: &Record) -> Option<&'a Record> {
    fn when(it: &Record) -> Option<(Time, u32)> {
        it.delivered.as_ref().map(|delivered| (delivered.at, it.number))
    }
    let until = when(record);
    let others = || project.records.iter().filter(|it| it.id != record.id);
    let delivered = others()
        .filter(|it| when(it).is_some_and(|at| until.map_or(it.number < record.number, |until| at < until)));
    let made = || others().rev().find(|it| it.number < record.number && it.is_made());
    delivered.max_by_key(|it| when(it)).or_else(made)
}

/// What is another by now than the record has it, in sentences; empty: nothing, and it is not outdated.
pub fn outdated_by(project: &Project, record: &Record) -> Vec<String> {
    let mut told = Vec::new();
    match project.spacings.last().map(|newest| newest.number) {
        Some(newest) if newest == record.spacing => {}
        Some(newest) => told.push(format!("Spacing {newest} is the newest; it has {}.", record.spacing)),
        None => told.push("There is no spacing any more.".to_owned()),
    }
    for source in record.sources.iter().filter(|source| !is_current(project, source)) {
        let title = project.song_name(source.song);
        told.push(match project.candidate(source.song) {
            // Of mixes that compete nobody hears here.
            Some(now) if now.kind == VersionKind::Master && now.id != source.version => {
                let was = project.version_name(source.version);
                format!("{title} is {} by now; it has {was}.", now.name())
            }
            _ => format!("{title} stands no more by the master that it has."),
        });
    }
    if !record.texts.is_now(project) {
        let now = RecordTexts::now(project, record.texts.songs.iter().map(|it| it.song));
        told.extend(now.changes(&record.texts, project));
    }
    told
}

/// "Spacing 3 instead of 2: 2.00 s gap before "Ash" instead of 1.00 s gap."
fn spacing(project: &Project, before: &Record, now: &Record) -> Option<String> {
    if before.spacing == now.spacing {
        return None;
    }
    let of = |number: u32| project.spacings.iter().find(|it| it.number == number).map(|it| &it.items[..]);
    let changes =
        changes(project, of(before.spacing).unwrap_or_default(), of(now.spacing).unwrap_or_default());
    let what = if changes.is_empty() { String::new() } else { format!(": {}", changes.join("; ")) };
    Some(format!("Spacing {} instead of {}{what}.", now.spacing, before.spacing))
}

fn masters(project: &Project, before: &Record, now: &Record, told: &mut Vec<String>) {
    for source in &now.sources {
        let title = project.song_name(source.song);
        match before.sources.iter().find(|old| old.song == source.song) {
            None => told.push(format!("{title} is new.")),
            Some(old) if old.version != source.version => {
                let (was, is) = (project.version_name(old.version), project.version_name(source.version));
                told.push(format!("{title} is {is} instead of {was}."));
            }
            Some(_) => {}
        }
    }
    for old in &before.sources {
        if now.sources.iter().all(|source| source.song != old.song) {
            told.push(format!("{} is not on it any more.", project.song_name(old.song)));
        }
    }
}

fn profiles(before: &Record, now: &Record, told: &mut Vec<String>) {
    for profile in &now.profiles {
        match before.profiles.iter().find(|old| old.name == profile.name) {
            None => told.push(format!("The profile {} is new.", profile.name)),
            Some(old) if old.toml != profile.toml => {
                told.push(format!("The profile {} has another text.", profile.name));
            }
            Some(_) => {}
        }
    }
    for old in &before.profiles {
        if now.profiles.iter().all(|profile| profile.name != old.name) {
            told.push(format!("The profile {} is left out.", old.name));
        }
    }
}

fn files(before: &Record, now: &Record, told: &mut Vec<String>) {
    let by_place = |record: &Record| -> BTreeMap<String, crate::Digest> {
        record.files.iter().map(|file: &RecordFile| (file.place(), file.digest)).collect()
    };
    let (was, is) = (by_place(before), by_place(now));
    let differ: Vec<&String> = is
        .iter()
        .filter(|(place, digest)| was.get(*place).is_some_and(|old| old != *digest))
        .map(|it| it.0)
        .collect();
    let new: Vec<&String> = is.keys().filter(|place| !was.contains_key(*place)).collect();
    let gone: Vec<&String> = was.keys().filter(|place| !is.contains_key(*place)).collect();
    let count = |some: &[&String], one: &str, many: &str| {
        let verb = if some.len() == 1 { one } else { many };
        (!some.is_empty()).then(|| format!("{} {verb}: {}.", plural(some.len(), "file"), names(some)))
    };
    told.extend(count(&differ, "differs", "differ"));
    told.extend(count(&new, "is new", "are new"));
    told.extend(count(&gone, "is gone", "are gone"));
}

fn names(places: &[&String]) -> String {
    let mut names: Vec<String> = places.iter().take(NAMES).map(|place| (*place).clone()).collect();
    if places.len() > NAMES {
        names.push(format!("and {} more", places.len() - NAMES));
    }
    names.join(", ")
}
