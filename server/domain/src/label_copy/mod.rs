//! Label copy: what stands on the label and goes to the stores, of the release and of each song. Never here: how it is written into files.

mod cover;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use cover::Cover;

use crate::{
    Actor, Command, Fact, Project, Reason, Refusal, Role, SongId,
    asker::Asker,
    decide::{Ruling, misrouted},
    ids::day_of,
    limits,
    refusal::no,
    text,
};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelCopy {
    /// Twelve or thirteen digits; the last checks the others (GS1).
    pub upc: String,
    /// The label's own number.
    pub catalogue: String,
    pub label: String,
    /// Who owns the sound recording.
    pub p_line: String,
    /// Who owns the rest.
    pub c_line: String,
    /// YYYY-MM-DD.
    pub release_date: String,
    pub genre: String,
    /// ISO 639.
    pub language: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SongCopy {
    /// "Radio Edit".
    pub version_title: String,
    pub explicit: Option<Explicit>,
    pub credits: Vec<Credit>,
    pub splits: Vec<Split>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explicit {
    No,
    Yes,
    /// A clean version of an explicit song.
    Cleaned,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credit {
    pub role: String,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    pub name: String,
    /// Else of the composition.
    pub recording: bool,
    /// Hundredths of a percent.
    pub share: u32,
}

const SETTERS: [Role; 3] = [Role::Manager, Role::Label, Role::Producer];
const LINE_CHARS_MAX: usize = 200;
const CATALOGUE_CHARS_MAX: usize = 64;
/// A hundred percent.
pub const WHOLE: u32 = 10_000;

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::SetLabelCopy { copy } => {
            asker.must_hold(&SETTERS, "set the label copy")?;
            let copy = sound(copy)?;
            if copy == project.label_copy {
                return nothing();
            }
            Ok(Ruling::fact(Fact::LabelCopySet { copy }))
        }
        Command::SetSongCopy { song, copy } => {
            asker.must_hold(&SETTERS, "set the label copy of a song")?;
            asker.song(*song)?;
            of_song(project, *song, copy)
        }
        Command::SetCover { cover } => {
            asker.must_hold(&SETTERS, "set the cover")?;
            cover::set(project, cover.as_ref())
        }
        _ => misrouted(),
    }
}

fn nothing<T>() -> Result<T, Refusal> {
    no(Reason::NothingToChange, "The label copy says exactly this already.", "There is nothing to do.")
}

fn sound(copy: &LabelCopy) -> Result<LabelCopy, Refusal> {
    let line = |what: &str, text: &str| text::line(what, text, LINE_CHARS_MAX);
    Ok(LabelCopy {
        upc: upc(&copy.upc)?,
        catalogue: text::line("The catalogue number", &copy.catalogue, CATALOGUE_CHARS_MAX)?,
        label: line("The label", &copy.label)?,
        p_line: line("The P-line", &copy.p_line)?,
        c_line: line("The C-line", &copy.c_line)?,
        release_date: date(&copy.release_date)?,
        genre: line("The genre", &copy.genre)?,
        language: language(&copy.language)?,
    })
}

/// Twelve or thirteen digits, the last of which checks the others: from the right, every second digit counts three times, and the sum ends in 0 (GS1 General
/// Specifications 7.9). Spaces and hyphens, as they are printed, are left out; empty stays empty.
pub fn upc(given: &str) -> Result<String, Refusal> {
    let plain: String = given.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    if plain.is_empty() {
        return Ok(plain);
    }
    let digits: Vec<u32> = plain.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != plain.chars().count() || !matches!(digits.len(), 12 | 13) {
        let text = "The UPC is not 12 digits, or 13 of an EAN.";
        return no(Reason::UpcInvalid, text, "Write all digits, the last one too, or leave it empty.");
    }
    let weighted = |(at, digit): (usize, &u32)| if at % 2 == 0 { digit * 3 } else { *digit };
    let sum: u32 = digits.iter().rev().skip(1).enumerate().map(weighted).sum();
    let (right, given) = ((10 - sum % 10) % 10, digits.last().copied().unwrap_or_default());
    if right == given {
        return Ok(plain);
    }
    let text = format!("The UPC {plain} ends in {given}; its last digit would have to be {right}.");
    no(Reason::UpcInvalid, text, "Look at it once more: one of its digits is wrong.")
}

fn date(given: &str) -> Result<String, Refusal> {
    let date = given.trim();
    if date.is_empty() || day_of(date).is_some() {
        return Ok(date.to_owned());
    }
    let text = "The release date is no day of the calendar.";
    no(Reason::RuleInvalid, text, "Write it as YYYY-MM-DD, for example 2026-11-27, or leave it empty.")
}

/// ISO 639: two letters, or three.
fn language(given: &str) -> Result<String, Refusal> {
    let language = given.trim().to_ascii_lowercase();
    let sound = matches!(language.len(), 0 | 2 | 3) && language.bytes().all(|byte| byte.is_ascii_lowercase());
    if sound {
        return Ok(language);
    }
    let text = "The language is not two or three letters of ISO 639.";
    no(Reason::RuleInvalid, text, "Write en, de, zxx (no words at all), or leave it empty.")
}

fn of_song(project: &Project, song: SongId, given: &SongCopy) -> Result<Ruling, Refusal> {
    limits::at_most(given.credits.len(), limits::CREDITS_PER_SONG_MAX, "credits")?;
    limits::at_most(given.splits.len(), limits::SPLITS_PER_SONG_MAX, "shares")?;
    let line = |what: &str, text: &str| text::some_line(what, text, LINE_CHARS_MAX);
    let credit = |it: &Credit| -> Result<Credit, Refusal> {
        Ok(Credit {
            role: line("The role of a credit", &it.role)?,
            name: line("The name of a credit", &it.name)?,
        })
    };
    let split = |it: &Split| -> Result<Split, Refusal> {
        Ok(Split { name: line("The name of a share", &it.name)?, ..*it })
    };
    let copy = SongCopy {
        version_title: text::line("The version title", &given.version_title, LINE_CHARS_MAX)?,
        explicit: given.explicit,
        credits: given.credits.iter().map(credit).collect::<Result<_, _>>()?,
        splits: given.splits.iter().map(split).collect::<Result<_, _>>()?,
    };
    let credits = copy.credits.iter().map(|it| it.role.len() + it.name.len());
    let bytes: usize = credits.chain(copy.splits.iter().map(|it| it.name.len())).sum();
    limits::at_most(bytes, limits::SONG_COPY_BYTES_MAX, "bytes of names")?;
    shares(&copy.splits)?;
    if copy == project.song_copies.get(&song).cloned().unwrap_or_default() {
        return nothing();
    }
    Ok(Ruling::fact(Fact::SongCopySet { song, copy }))
}

/// Of the recording and of the composition, each for itself. That they come to all of it is asked when a record is made.
fn shares(splits: &[Split]) -> Result<(), Refusal> {
    for (recording, of) in [(true, "recording"), (false, "composition")] {
        let (mut sum, mut names) = (0u64, BTreeSet::new());
        for split in splits.iter().filter(|split| split.recording == recording) {
            if split.share == 0 || split.share > WHOLE {
                let text = format!(
                    "A share of the {of} is {}; it lies above 0 and is at most 100 %.",
                    percent(split.share.into())
                );
                return no(
                    Reason::RuleInvalid,
                    text,
                    "Give it in percent, with two digits behind the point.",
                );
            }
            if !names.insert(split.name.to_lowercase()) {
                let text = format!("\"{}\" has two shares of the {of}.", split.name);
                return no(Reason::RuleInvalid, text, "Name everybody once, with the sum.");
            }
            sum += u64::from(split.share);
        }
        if sum > u64::from(WHOLE) {
            let text = format!("The shares of the {of} come to {}.", percent(sum));
            return no(Reason::RuleInvalid, text, "Lower them to 100 % together.");
        }
    }
    Ok(())
}

fn percent(share: u64) -> String {
    format!("{}.{:02} %", share / 100, share % 100)
}
