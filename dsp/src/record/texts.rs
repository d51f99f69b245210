//! The files of a record that are no sound: label copy, penalties, the sheet of the sides, cue, TOC, PQ sheet, lists of digests. Never here: sound, files.

use crate::{
    disc::{self, Disc},
    profile::{Kind, Plan, PlannedFile, RecordSheet, label_copy, penalties_text, places, side_sheet},
};

/// A text that needs nothing but sheet and plan; nothing for other kinds.
pub(super) fn of_sheet(sheet: &RecordSheet, plan: &Plan, file: usize) -> Option<String> {
    Some(match plan.files[file].kind {
        Kind::LabelCopyCsv => label_copy::csv(&sheet.copy, &places(sheet)),
        Kind::LabelCopyJson => {
            let value = label_copy::json(&sheet.copy, &places(sheet));
            serde_json::to_string_pretty(&value).expect("keys are texts and numbers finite") + "\n"
        }
        Kind::Penalties => {
            let titles: Vec<String> = sheet.copy.tracks.iter().map(|it| it.full_title()).collect();
            penalties_text(&plan.penalties, &titles)
        }
        Kind::SideSheet => {
            // As it was planned: with the sides that are planned before it.
            let sides = plan.files[..file].iter().filter(|it| it.kind == Kind::Side);
            let (names, rates): (Vec<String>, Vec<u32>) =
                sides.map(|it| (it.name.clone(), it.sample_rate)).unzip();
            let highest = sheet.songs.iter().map(|it| it.source.sample_rate).max().unwrap_or(44_100);
            side_sheet(sheet, rates.first().copied().unwrap_or(highest), &names)
        }
        _ => return None,
    })
}

/// A text about the disc; nothing for other kinds.
pub(super) fn of_disc(disc: &Disc, plan: &Plan, file: usize) -> Option<String> {
    let planned = &plan.files[file];
    // The sound lies beside its cue, under a name that no other image of the profile has.
    let beside = |it: &&PlannedFile| it.kind == Kind::DiscImage && it.folder == planned.folder;
    let image = plan.files[..file].iter().rfind(beside).map_or("", |it| it.name.as_str());
    Some(match planned.kind {
        Kind::Cue => disc::cue(disc, image),
        Kind::Toc => disc::toc(disc, image),
        Kind::PqSheet => disc::pq_sheet(disc),
        _ => return None,
    })
}

/// The files that a list of digests speaks of, in order, each as the list calls it: all of the plan, or those of its folder.
pub(super) fn summed(plan: &Plan, file: usize) -> Vec<(usize, String)> {
    let inside = &plan.files[file].folder;
    let called = |it: &PlannedFile| match inside.is_empty() && !it.folder.is_empty() {
        true => format!("{}/{}", it.folder, it.name),
        false => it.name.clone(),
    };
    let listed = |it: &PlannedFile| !is_sums(it.kind) && (inside.is_empty() || it.folder == *inside);
    plan.files.iter().enumerate().filter(|(_, it)| listed(it)).map(|(at, it)| (at, called(it))).collect()
}

pub(super) fn is_sums(kind: Kind) -> bool {
    matches!(kind, Kind::Sha256 | Kind::Md5)
}
