//! What a record has otherwise than the one before, for whoever has to sign it again: spacing, masters, profiles, level, files.

use std::collections::BTreeMap;

use super::{Record, RecordFile};
use crate::{Project, spacing::changes, text::plural};

/// More names than these make nobody wiser.
const NAMES: usize = 6;

/// What is otherwise than in the newest record that was made before it, in words; empty where there is none.
pub fn differs(project: &Project, record: &Record) -> Vec<String> {
    let earlier = |it: &&Record| it.number < record.number && it.is_made();
    let Some(before) = project.records.iter().rev().find(earlier) else { return Vec::new() };
    let mut told = Vec::new();
    told.extend(spacing(project, before, record));
    masters(project, before, record, &mut told);
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
    if record.is_made() {
        files(before, record, &mut told);
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
