//! The song whose files were heard: who belongs to it, at what level each was printed, and the order in which the questions are asked.
//! Never here: how a figure is reckoned.

use super::{
    Examination, Finding, Part,
    Severity::{Block, Warn},
    bus,
    estimate::{Books, Null, Trace, weighted_median},
    hearing::Hearing,
    labels,
    ledger::{Blend, Ledger},
    rides, sums, voices,
    words::finding,
};
use crate::math;

/// What is left of two files' difference where they are one sound: dither and word length leave less.
pub const SAME_DB: f64 = -70.0;
/// What is left where a voice was to be taken out and was not: a voice under it would not be missed.
pub const UNTOUCHED_DB: f64 = -35.0;
/// The same, through a lossy coder.
pub const UNTOUCHED_LOSSY_DB: f64 = -18.0;
/// Less of a file than this in its main, and it is of another song.
const STRANGER: f64 = 0.1;
/// Cells in which all but this share (power) of a file is the main show its level.
const ONE_SOUND: f64 = 1e-3;
/// A level that differs by less is not worth a word.
const LEVEL_TOLD_DB: f64 = 0.1;
/// Nor one that is only guessed from how far two sounds overlap.
const LEVEL_GUESSED_DB: f64 = 1.0;

pub struct Member {
    pub token: String,
    pub part: Part,
    pub lossy: bool,
    /// At the main's level and the right way up.
    pub blend: Blend,
    pub belongs: bool,
}

pub struct Song<'a> {
    pub ledger: &'a Ledger,
    pub members: Vec<Member>,
}

impl Song<'_> {
    pub fn books(&self) -> Books<'_> {
        Books { ledger: self.ledger }
    }

    pub fn main(&self) -> &Member {
        &self.members[0]
    }

    /// The first that is said to be such a part and belongs to the song.
    pub fn the(&self, is: fn(&Part) -> bool) -> Option<&Member> {
        self.all(is).next()
    }

    pub fn all(&self, is: fn(&Part) -> bool) -> impl Iterator<Item = &Member> {
        self.members[1..].iter().filter(move |m| m.belongs && is(&m.part))
    }

    pub fn instrumental(&self) -> Option<&Member> {
        self.the(|p| matches!(p, Part::Instrumental))
    }

    pub fn acappella(&self) -> Option<&Member> {
        self.the(|p| matches!(p, Part::Acappella))
    }

    pub fn tv(&self) -> Option<&Member> {
        self.the(|p| matches!(p, Part::Tv))
    }

    /// X minus Y.
    pub fn apart(&self, x: &Member, y: &Member) -> Blend {
        x.blend.and(-1.0, &y.blend)
    }

    pub fn null(&self, rest: &Blend, whole: &Blend) -> Null {
        self.books().null(rest, whole)
    }

    /// Whether one of them came out of a lossy coder, whose noise no sum can null.
    pub fn lossy(&self, members: &[&Member]) -> bool {
        members.iter().any(|m| m.lossy)
    }
}

pub fn judge(hearing: Hearing, out: &mut Examination) {
    let strands = hearing.heard.len();
    let members = hearing
        .heard
        .into_iter()
        .enumerate()
        .map(|(strand, h)| Member {
            token: h.token,
            part: h.part,
            lossy: h.lossy,
            blend: Blend::of(strand, strands),
            belongs: h.in_step,
        })
        .collect();
    let mut song = Song { ledger: &hearing.ledger, members };
    if labels::main_in_a_part(&song, out) {
        return;
    }
    belonging(&mut song, out);
    let mut told = levels(&mut song, out, false);
    labels::same_files(&mut song, out);
    if labels::exchanged(&song, out) {
        // Every further figure would speak of the wrong file.
        return;
    }
    // Only now: beside a false a cappella a ride would seem to be another level.
    told.extend(levels(&mut song, out, true));
    let reacted = bus::reacted(&song, out);
    if !reacted.is_empty() {
        told.retain(|f| song.members.iter().all(|m| m.token != f.tokens[0] || m.part.ride_db().is_none()));
    }
    // A compressor that hears less is louder: one reason is enough.
    out.findings.extend(told.into_iter().filter(|f| !reacted.contains(&f.tokens[0])));
    let left_in = voices::voices(&song, &reacted, out);
    sums::sums(&song, &reacted, left_in, out);
    rides::rides(&song, &reacted, out);
}

/// Who has anything of the main in it.
fn belonging(song: &mut Song<'_>, out: &mut Examination) {
    let main = song.main().blend.clone();
    for index in 1..song.members.len() {
        let member = &song.members[index];
        if !member.belongs {
            continue;
        }
        let token = member.token.clone();
        let energy = song.null(&member.blend, &main);
        if energy.rest <= 0.0 {
            song.members[index].belongs = false;
            out.laid[index - 1].of_this_song = false;
            let words = format!("{token} is silent from beginning to end.");
            out.findings.push(finding("ALT_SILENT", Block, &[&token], (f64::NEG_INFINITY, "dB"), words));
            continue;
        }
        // A part stands in the main; where labels changed places, the main stands in what is called a part.
        let books = song.books();
        let found = [books.trace(&main, &member.blend), books.trace(&member.blend, &main)];
        let shares = found.into_iter().flatten().filter(Trace::sure).map(|t| t.share);
        let share = shares.fold(0.0, f64::max);
        if share <= STRANGER {
            song.members[index].belongs = false;
            out.laid[index - 1].of_this_song = false;
            let words = format!(
                "{token} has nothing in common with the main ({:.1} % of it is found there): another song, another take or another speed.",
                100.0 * share.clamp(0.0, 1.0)
            );
            out.findings.push(finding("ALT_OTHER_SONG", Block, &[&token], (100.0 * share, "%"), words));
        }
    }
}

/// Brings every member (the rides, or all but them) to the main's level, where it was printed at another.
fn levels(song: &mut Song<'_>, out: &mut Examination, of_rides: bool) -> Vec<Finding> {
    let mut told = Vec::new();
    for index in 1..song.members.len() {
        if song.members[index].part.ride_db().is_some() != of_rides {
            continue;
        }
        if !song.members[index].belongs {
            continue;
        }
        let Some((factor, exact)) = level(song, index) else { continue };
        let level_db = -math::decibels(factor);
        if exact {
            out.laid[index - 1].level_db = Some(level_db);
        }
        if level_db.abs() > if exact { LEVEL_TOLD_DB } else { LEVEL_GUESSED_DB } {
            let member = &mut song.members[index];
            member.blend = member.blend.times(factor);
            let way = if level_db < 0.0 { "quieter" } else { "louder" };
            let words = format!(
                "{} was printed {:.2} dB {way} than it is in the main: beside it, it sounds out of place.",
                member.token,
                level_db.abs()
            );
            told.push(finding("ALT_LEVEL", Warn, &[&member.token], (level_db, "dB"), words));
        }
    }
    told
}

/// A voice left in the instrumental takes from the a cappella's place in the main just as a level would: where it is there, it is the reason.
fn explained_by_bleed(song: &Song<'_>, member: &Member, partner: &Member, factor: f64) -> f64 {
    let Some(left_in) = song.books().trace(&partner.blend, &member.blend).filter(Trace::sure) else {
        return factor;
    };
    let missing = 1.0 - factor;
    let alike = (missing - left_in.share).abs() < 0.3 * missing.abs().max(0.01);
    if alike { 1.0 } else { factor }
}

/// The factor that brings a member to the main's level: where the two are one sound but for it (no voice there) it is plain to see; an a cappella is
/// looked for in the main together with the instrumental. And whether it is exact.
fn level(song: &Song<'_>, index: usize) -> Option<(f64, bool)> {
    let (main, member) = (song.main(), &song.members[index]);
    if member.part.ride_db().is_some() {
        // Where the voice is alone, a ride looks like a level.
        return rides::ride(song, member).filter(|r| r.exact).map(|r| (1.0 / r.own, true));
    }
    let grid = &song.ledger.coarse;
    let floors = song.books().floors(grid);
    let cells = grid.view([&main.blend, &member.blend]);
    let mut alike: Vec<(f64, f64)> = Vec::new();
    let mut whole = 0.0;
    for c in cells.iter().filter(|c| c.inner[1][1].min(c.inner[0][0]) > 100.0 * floors[c.band]) {
        let [[mm, mx], [_, xx]] = c.inner;
        // By the fourth root, so that a loud bass does not speak for all.
        let weight = xx.sqrt().sqrt();
        whole += weight;
        if mm * xx - mx * mx < ONE_SOUND * mm * xx {
            alike.push((mx / xx, weight));
        }
    }
    let sure = alike.len() >= 20 && alike.iter().map(|a| a.1).sum::<f64>() > 0.02 * whole;
    if sure && let Some(factor) = weighted_median(&mut alike) {
        return (factor > 0.0).then_some((factor, true));
    }
    let partner = match member.part {
        Part::Acappella => song.instrumental(),
        Part::Instrumental => song.acappella(),
        _ => None,
    };
    if let Some(partner) = partner {
        let cells = grid.view([&main.blend, &partner.blend, &member.blend]);
        let mut rides: Vec<(f64, f64)> = cells
            .iter()
            .filter(|c| c.inner[2][2] > 100.0 * floors[c.band])
            .filter_map(super::estimate::fit)
            .map(|f| (f.ride, f.weight.sqrt().sqrt()))
            .collect();
        let factor = weighted_median(&mut rides).filter(|f| *f > 0.0)?;
        return Some((explained_by_bleed(song, member, partner, factor), true));
    }
    // A part stands in the main, or the main in what is called a part.
    let books = song.books();
    let part = books.trace(&main.blend, &member.blend).map_or(0.0, |t| t.share);
    let whole = books.trace(&member.blend, &main.blend).map_or(0.0, |t| t.share);
    let factor = if part >= whole { part } else { 1.0 / whole };
    (factor > 0.0).then_some((factor, false))
}
