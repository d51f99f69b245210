//! A sheet held against the label's archive profile of `deadwax_dsp`: the same findings that a record is planned with. Never here: a rule, a limit.

use std::sync::LazyLock;

use deadwax_dsp::profile::{
    Finding, Profile,
    label_copy::{self, Credit, LabelCopy, Split, SplitKind, TrackCopy},
};
use deadwax_proto::v1::{Explicit, SplitOf};

use super::{Fault, Sheet, Song, WHOLE, of_word, percent};
use crate::checks;

static ARCHIVE: LazyLock<Option<Profile>> = LazyLock::new(|| checks::shipped("archive"));

/// What a mark stands beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Release(&'static str),
    Title,
    Isrc,
    Explicit,
    Credits,
    Shares(SplitOf),
}

fn copy_of(sheet: &Sheet) -> LabelCopy {
    let of = &sheet.release;
    LabelCopy {
        artist: sheet.artist.clone(),
        title: sheet.title.clone(),
        upc: of.upc.clone(),
        catalogue: of.catalogue.clone(),
        label: of.label.clone(),
        p_line: of.p_line.clone(),
        c_line: of.c_line.clone(),
        release_date: of.release_date.clone(),
        genre: of.genre.clone(),
        language: of.language.clone(),
        tracks: sheet.songs.iter().map(track).collect(),
    }
}

fn track(song: &Song) -> TrackCopy {
    let kind = |of| if of == SplitOf::Recording { SplitKind::Recording } else { SplitKind::Composition };
    let copy = &song.copy;
    TrackCopy {
        title: song.title.clone(),
        version_title: copy.version_title.clone(),
        artist: String::new(),
        isrc: song.isrc.clone(),
        explicit: match copy.explicit() {
            Explicit::Unspecified => None,
            Explicit::Yes => Some(label_copy::Explicit::Yes),
            Explicit::No => Some(label_copy::Explicit::No),
            Explicit::Cleaned => Some(label_copy::Explicit::Cleaned),
        },
        credits: copy
            .credits
            .iter()
            .map(|it| Credit { role: it.role.clone(), name: it.name.clone() })
            .collect(),
        splits: copy
            .splits
            .iter()
            .map(|it| Split { name: it.name.clone(), share: it.share, kind: kind(it.of()) })
            .collect(),
    }
}

/// What keeps a record for the label's archive from being made, then what is only told.
pub fn findings(sheet: &Sheet) -> Vec<Finding> {
    let Some(archive) = ARCHIVE.as_ref() else { return Vec::new() };
    let mut all = label_copy::check(&copy_of(sheet), archive);
    all.sort_by_key(|it| !it.block);
    all
}

/// Whether something is said of that field, and whether it blocks.
pub fn mark(findings: &[Finding], song: Option<usize>, field: Field, is_empty: bool) -> Option<bool> {
    let here = |it: &&Finding| match song {
        Some(song) => it.songs.contains(&song),
        None => it.songs.is_empty(),
    };
    let about = |it: &&Finding| match field {
        Field::Release("upc") => it.code.starts_with("UPC"),
        Field::Release("catalogue") => it.code.starts_with("CATALOGUE"),
        Field::Release("release_date") if it.code == "RELEASE_DATE" => true,
        Field::Release("label" | "p_line" | "c_line" | "release_date") => {
            it.code == "LABEL_LINES" && is_empty
        }
        Field::Release(_) => false,
        Field::Title => it.code.starts_with("TITLE"),
        Field::Isrc => it.code.starts_with("ISRC"),
        Field::Explicit => it.code.starts_with("EXPLICIT"),
        Field::Credits => it.code.starts_with("CREDITS"),
        Field::Shares(of) => {
            it.code.starts_with("SPLITS") && it.text.contains(&format!("of the {}", of_word(of)))
        }
    };
    findings.iter().filter(here).filter(about).map(|it| it.block).max()
}

/// What is wrong in what is to be changed, whatever a profile asks: codes of another form, one code for two songs, shares that do not make 100 %. The studio
/// refuses the worst of it song by song; asked here, nothing is sent by halves. `draft`: shares may still be missing.
pub fn wrong(now: &Sheet, then: &Sheet, draft: bool) -> Vec<Fault> {
    const CODES: [&str; 5] = ["UPC", "ISRC", "ISRC_TWICE", "RELEASE_DATE", "TEXT"];
    let touched = |at: &usize| now.songs.get(*at) != then.songs.get(*at);
    let place = |at: usize| format!("song {} ({:?})", at + 1, then.songs[at].title);
    let mut all: Vec<Fault> = Vec::new();
    for it in findings(then).into_iter().filter(|it| CODES.contains(&it.code)) {
        let song = it.songs.iter().copied().find(touched);
        if it.songs.is_empty() && now.release == then.release || !it.songs.is_empty() && song.is_none() {
            continue;
        }
        let mend = if it.mend.is_empty() { String::new() } else { format!(" {}", it.mend) };
        all.push(Fault {
            place: song.map_or_else(|| "the release".into(), place),
            text: format!("{}{mend}", it.text),
        });
    }
    for at in (0..then.songs.len()).filter(touched) {
        for of in [SplitOf::Composition, SplitOf::Recording] {
            let changed =
                now.songs.get(at).is_none_or(|before| !before.shares(of).eq(then.songs[at].shares(of)));
            let Some(sum) = then.songs[at].sum(of).filter(|sum| *sum != WHOLE && changed) else { continue };
            let text = match WHOLE.checked_sub(sum) {
                Some(_) if draft => continue,
                Some(less) => format!("{} % of the {}, missing {}", percent(sum), of_word(of), percent(less)),
                None => {
                    format!("{} % of the {}, {} too many", percent(sum), of_word(of), percent(sum - WHOLE))
                }
            };
            all.push(Fault { place: format!("{}, splits", place(at)), text });
        }
    }
    all
}
