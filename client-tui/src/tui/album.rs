//! The record as a person arranges it on this machine: a draft of the running order with its gaps, fades and gains, where its sides begin, and what
//! follows from them: times, joints, the deck that plays it. Nothing here is sent; `update::album` does that. Never here: keys, drawing, rules of the studio.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use deadwax_dsp::album::{Song, Timeline};
use deadwax_proto::v1::{FadeShape, SongRow, SpacingItem, VersionFile, VersionRow};

use super::{
    player,
    rows::{self, Project},
};
use crate::{
    checks::media::{self, Medium},
    play::{AlbumItem, Deck, Shape},
    scrub,
};

/// How far back one can go.
const UNDO_MAX: usize = 200;
/// Of `SpacingItem.gain_cb`.
pub const GAIN_CB_MAX: i32 = 600;
/// Ten minutes: no key is held for longer. What the studio takes it says itself.
const GAP_MS_MAX: i64 = 600_000;
/// What a joint is heard from, before the next song begins.
pub const BEFORE_JOINT_MS: u64 = 5_000;
/// The steps of a fade.
const FADES_MS: [u32; 12] = [0, 50, 250, 500, 1_000, 2_000, 3_000, 5_000, 8_000, 12_000, 20_000, 30_000];

#[derive(Clone, Debug, Default)]
pub struct Album {
    /// By project. Kept while the client runs: going to another room loses nothing.
    pub drafts: BTreeMap<String, Draft>,
    /// Which of the shipped media the sides are for.
    pub medium: usize,
    /// By project: the songs that begin a side, where a person set them.
    pub sides: BTreeMap<String, BTreeSet<String>>,
    /// Leaving was asked about once.
    pub leaving: bool,
}

/// What a person made of the running order and did not save yet, or saved last.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The number of the spacing that it began with; 0: none.
    pub base: u32,
    pub items: Vec<SpacingItem>,
    /// It is what the studio has: whatever comes from there is followed.
    pub settled: bool,
    undo: Vec<Vec<SpacingItem>>,
    redo: Vec<Vec<SpacingItem>>,
}

impl Draft {
    fn begin(rows: &Project) -> Draft {
        let base = rows.head().and_then(|it| it.spacing.as_ref()).map_or(0, |it| it.number);
        Draft { base, items: told(rows), settled: true, ..Draft::default() }
    }

    fn change(&mut self, items: Vec<SpacingItem>) {
        if self.undo.len() == UNDO_MAX {
            self.undo.remove(0);
        }
        self.undo.push(std::mem::replace(&mut self.items, items));
        self.redo.clear();
        self.settled = false;
    }
}

/// The running order as the studio has it: every song once. Where no spacing is set, the songs by position, with nothing between them.
pub fn told(rows: &Project) -> Vec<SpacingItem> {
    let set = rows.head().and_then(|it| it.spacing.as_ref()).map_or(&[][..], |it| it.items.as_slice());
    whole(rows, set)
}

/// Songs that are no more fall out, songs that came since stand at the end; nothing comes before the first.
fn whole(rows: &Project, items: &[SpacingItem]) -> Vec<SpacingItem> {
    let mut seen = BTreeSet::new();
    let here = items.iter().filter(|it| rows.has_song(&it.song_id) && seen.insert(it.song_id.clone()));
    let mut all: Vec<SpacingItem> = here.cloned().collect();
    for song_id in rows.songs().ids() {
        if !seen.contains(&song_id) {
            all.push(SpacingItem { song_id, ..SpacingItem::default() });
        }
    }
    if let Some(first) = all.first_mut() {
        first.gap_ms = 0;
        first.crossfade_ms = 0;
    }
    all
}

/// The same order, gaps, fades and gains; a shape that is not said is the first one.
pub fn same(a: &[SpacingItem], b: &[SpacingItem]) -> bool {
    let plain = |it: &SpacingItem| {
        (it.song_id.clone(), it.gap_ms, it.crossfade_ms, it.fade_in_ms, it.fade_out_ms, shape(it), it.gain_cb)
    };
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| plain(a) == plain(b))
}

pub fn shape(item: &SpacingItem) -> Shape {
    match item.shape() {
        FadeShape::Unspecified | FadeShape::EqualPower => Shape::EqualPower,
        FadeShape::Linear => Shape::Linear,
        FadeShape::Exponential => Shape::Exponential,
    }
}

/// One change by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Up,
    Down,
    /// More silence before the song; below none it is a crossfade, and the other way round.
    Gap(i32),
    /// Longer or shorter together with the song before.
    Crossfade(i32),
    /// One step longer, or shorter.
    FadeIn(bool),
    FadeOut(bool),
    Shape,
    /// In hundredths of a decibel.
    Gain(i32),
}

impl Album {
    /// What the screen shows: the draft, else what the studio has.
    pub fn items(&self, project: &str, rows: &Project) -> Vec<SpacingItem> {
        self.order(project, rows).items.clone()
    }

    /// The same with what is measured of it. Laid once, as long as the rows that it follows from and the draft stay.
    pub fn order(&self, project: &str, rows: &Project) -> Arc<Order> {
        let draft = self.drafts.get(project).filter(|it| !it.settled).map(|it| &it.items);
        let mut laid = rows.laid.borrow_mut();
        if let Some(laid) = laid.as_ref().filter(|it| it.draft.as_ref() == draft) {
            return Arc::clone(&laid.order);
        }
        let items = draft.map_or_else(|| told(rows), |items| whole(rows, items));
        let order = Arc::new(Order::of(rows, items));
        *laid = Some(Laid { draft: draft.cloned(), order: Arc::clone(&order) });
        order
    }

    /// There is something that only this machine has.
    pub fn is_unsaved(&self, project: &str, rows: &Project) -> bool {
        let draft = self.drafts.get(project).filter(|it| !it.settled);
        draft.is_some_and(|it| !same(&whole(rows, &it.items), &told(rows)))
    }

    /// The number that came from somebody else while something unsaved lies here.
    pub fn overtaken(&self, project: &str, rows: &Project) -> Option<u32> {
        let now = rows.head()?.spacing.as_ref()?.number;
        let draft = self.drafts.get(project)?;
        (draft.base != now && self.is_unsaved(project, rows)).then_some(now)
    }

    /// Applies it to the song at this place; answers where the song is then, or a sentence.
    pub fn change(
        &mut self,
        project: &str,
        rows: &Project,
        at: usize,
        change: Change,
    ) -> Result<usize, &'static str> {
        let mut items = self.items(project, rows);
        if at >= items.len() {
            return Err("There is no song yet.");
        }
        let to = changed(rows, &mut items, at, change)?;
        let draft = self.drafts.entry(project.to_owned()).or_insert_with(|| Draft::begin(rows));
        if draft.settled {
            // What the studio sent since the draft was made is what it goes on from.
            draft.base = rows.head().and_then(|it| it.spacing.as_ref()).map_or(0, |it| it.number);
            draft.items = told(rows);
        }
        draft.change(items);
        Ok(to)
    }

    /// Back by one change, or forth again.
    pub fn step(&mut self, project: &str, rows: &Project, forth: bool) -> Result<(), &'static str> {
        let none = if forth { "There is nothing to do again." } else { "There is nothing to undo." };
        let draft = self.drafts.get_mut(project).ok_or(none)?;
        let (from, to) =
            if forth { (&mut draft.redo, &mut draft.undo) } else { (&mut draft.undo, &mut draft.redo) };
        let items = from.pop().ok_or(none)?;
        to.push(std::mem::replace(&mut draft.items, items));
        draft.settled = same(&whole(rows, &draft.items), &told(rows));
        Ok(())
    }

    /// Their order instead of mine. Mine can be had back by undo.
    pub fn take_theirs(&mut self, project: &str, rows: &Project) {
        if let Some(draft) = self.drafts.get_mut(project) {
            draft.change(told(rows));
            draft.base = rows.head().and_then(|it| it.spacing.as_ref()).map_or(0, |it| it.number);
            draft.settled = true;
        }
    }

    /// After rows came: what was saved is settled, and somebody's newer order is followed where nothing unsaved lies here.
    pub fn rows_came(&mut self, project: &str, rows: &Project) {
        let Some(draft) = self.drafts.get_mut(project) else { return };
        let now = rows.head().and_then(|it| it.spacing.as_ref()).map_or(0, |it| it.number);
        if draft.settled || same(&whole(rows, &draft.items), &told(rows)) {
            draft.items = told(rows);
            draft.base = now;
            draft.settled = true;
        }
    }

    pub fn medium(&self) -> &'static Medium {
        let all = &media::shipped().all;
        &all[self.medium % all.len()]
    }

    /// The songs that begin a side after the first, by place; set by a person, else as even as can be.
    pub fn side_starts(&self, project: &str, lines: &[Line<'_>]) -> Vec<usize> {
        match self.sides.get(project) {
            Some(set) if self.medium().has_sides() => lines
                .iter()
                .enumerate()
                .filter(|(at, line)| *at > 0 && set.contains(&line.item.song_id))
                .map(|(at, _)| at)
                .collect(),
            _ => {
                let lengths: Vec<u64> = lines.iter().map(|it| it.length_ms).collect();
                media::parted(self.medium(), &lengths)
            }
        }
    }
}

fn changed(
    rows: &Project,
    items: &mut [SpacingItem],
    at: usize,
    change: Change,
) -> Result<usize, &'static str> {
    const FIRST: &str = "Nothing comes before the first song.";
    match change {
        Change::Up | Change::Down => {
            let to = if change == Change::Up { at.checked_sub(1) } else { Some(at + 1) };
            let to = to.filter(|to| *to < items.len()).ok_or("It is at the end already.")?;
            items.swap(at, to);
            // What lies before the first song is the joint's, not the song's.
            if at.min(to) == 0 {
                let (gap_ms, crossfade_ms) = (items[0].gap_ms, items[0].crossfade_ms);
                (items[1].gap_ms, items[1].crossfade_ms) = (gap_ms, crossfade_ms);
                (items[0].gap_ms, items[0].crossfade_ms) = (0, 0);
            }
            return Ok(to);
        }
        Change::Gap(by) | Change::Crossfade(by) => {
            if at == 0 {
                return Err(FIRST);
            }
            // One scale: a crossfade is a gap below none.
            let now = i64::from(items[at].gap_ms) - i64::from(items[at].crossfade_ms);
            let by = if matches!(change, Change::Gap(_)) { i64::from(by) } else { -i64::from(by) };
            let most = i64::try_from(together_ms_max(rows, &items[at - 1], &items[at])).unwrap_or(i64::MAX);
            let next = match change {
                // A crossfade that is asked for begins at once, whatever silence there was.
                Change::Crossfade(_) => (now.min(0) + by).clamp(-most, 0),
                _ => (now + by).clamp(-most, GAP_MS_MAX),
            };
            if next == now {
                return Err(if next < 0 {
                    "The crossfade is as long as the shorter song."
                } else {
                    "There is no crossfade here."
                });
            }
            items[at].gap_ms = u32::try_from(next.max(0)).unwrap_or(0);
            items[at].crossfade_ms = u32::try_from((-next).max(0)).unwrap_or(0);
        }
        Change::FadeIn(longer) => items[at].fade_in_ms = faded(items[at].fade_in_ms, longer),
        Change::FadeOut(longer) => items[at].fade_out_ms = faded(items[at].fade_out_ms, longer),
        Change::Shape => {
            let next = match shape(&items[at]) {
                Shape::EqualPower => FadeShape::Linear,
                Shape::Linear => FadeShape::Exponential,
                Shape::Exponential => FadeShape::EqualPower,
            };
            items[at].set_shape(next);
        }
        Change::Gain(by) => {
            let next = items[at].gain_cb.saturating_add(by).clamp(-GAIN_CB_MAX, GAIN_CB_MAX);
            if next == items[at].gain_cb {
                return Err("A song is moved by 6 dB at most: the master is what it is.");
            }
            items[at].gain_cb = next;
        }
    }
    Ok(at)
}

/// The next step; after the longest none.
fn faded(now: u32, longer: bool) -> u32 {
    if longer {
        FADES_MS.into_iter().find(|it| *it > now).unwrap_or(0)
    } else {
        FADES_MS.into_iter().rev().find(|it| *it < now).unwrap_or(0)
    }
}

/// Two songs cannot sound together for longer than the shorter one is.
fn together_ms_max(rows: &Project, before: &SpacingItem, item: &SpacingItem) -> u64 {
    let length = |it: &SpacingItem| rows.song(&it.song_id).and_then(|song| on_record(rows, song));
    let (a, b) = (length(before).map_or(0, rows::length_ms), length(item).map_or(0, rows::length_ms));
    a.min(b)
}

/// What would go on the record today: what the gate of its stage looks at, else what was handed to mastering.
pub fn on_record<'a>(rows: &'a Project, song: &SongRow) -> Option<&'a VersionRow> {
    rows.version(&song.candidate_version_id).or_else(|| rows.version(&song.handoff.as_ref()?.version_id))
}

/// A running order with what is measured of its songs.
#[derive(Clone, Debug)]
pub struct Order {
    pub items: Vec<SpacingItem>,
    measured: Vec<Option<Measured>>,
    starts_ms: Vec<u64>,
}

/// An order, and the draft that it was laid from; without one it is the studio's.
#[derive(Clone, Debug)]
pub struct Laid {
    draft: Option<Vec<SpacingItem>>,
    order: Arc<Order>,
}

/// The version of a song that would go on the record, and the figures of its Main.
#[derive(Clone, Debug, Default)]
struct Measured {
    version_id: String,
    length_ms: u64,
    figures: Option<Figures>,
}

#[derive(Clone, Copy, Debug)]
pub struct Figures {
    pub integrated_lufs: f64,
    pub true_peak_dbtp: f64,
    pub loudness_range_lu: f64,
}

impl Measured {
    fn of(version_id: String, main: Option<VersionFile>) -> Measured {
        let Some(facts) = main.and_then(|it| it.facts) else {
            return Measured { version_id, ..Measured::default() };
        };
        let figures = Figures {
            integrated_lufs: facts.integrated_lufs,
            true_peak_dbtp: facts.true_peak_dbtp,
            loudness_range_lu: facts.loudness_range_lu,
        };
        let length_ms = rows::duration_ms(&facts).min(LENGTH_MAX);
        Measured { version_id, length_ms, figures: Some(figures) }
    }
}

impl Order {
    fn of(rows: &Project, items: Vec<SpacingItem>) -> Order {
        let measured: Vec<Option<Measured>> = items
            .iter()
            .map(|it| rows.on_record(&it.song_id).map(|(id, main)| Measured::of(id, main)))
            .collect();
        let placed = items.iter().zip(&measured).map(|(item, it)| {
            let length_ms = it.as_ref().map_or(0, |it| it.length_ms);
            (length_ms, u64::from(item.gap_ms), u64::from(item.crossfade_ms))
        });
        let starts_ms = starts(placed);
        Order { items, measured, starts_ms }
    }
}

/// A song of the record with what follows from its place. The rows behind it are looked up when somebody asks for them.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    pub item: &'a SpacingItem,
    rows: &'a Project,
    measured: Option<&'a Measured>,
    pub start_ms: u64,
    /// 0 where nothing was measured.
    pub length_ms: u64,
}

impl<'a> Line<'a> {
    pub fn song(&self) -> Option<&'a SongRow> {
        self.rows.song(&self.item.song_id)
    }

    pub fn version(&self) -> Option<&'a VersionRow> {
        self.rows.version(self.version_id()?)
    }

    pub fn version_id(&self) -> Option<&'a str> {
        self.measured.map(|it| it.version_id.as_str())
    }

    pub fn figures(&self) -> Option<&'a Figures> {
        self.measured?.figures.as_ref()
    }
}

impl Line<'_> {
    pub fn end_ms(&self) -> u64 {
        self.start_ms.saturating_add(self.length_ms)
    }

    pub fn gain_db(&self) -> f64 {
        f64::from(self.item.gain_cb) / 100.0
    }

    /// As it will be heard on the record.
    pub fn lufs(&self) -> Option<f64> {
        Some(self.figures()?.integrated_lufs).filter(|it| it.is_finite()).map(|it| it + self.gain_db())
    }

    pub fn true_peak_dbtp(&self) -> Option<f64> {
        Some(self.figures()?.true_peak_dbtp).filter(|it| it.is_finite()).map(|it| it + self.gain_db())
    }

    /// Peak to loudness: a gain does not change it.
    pub fn plr_db(&self) -> Option<f64> {
        let facts = self.figures()?;
        Some(facts.true_peak_dbtp - facts.integrated_lufs).filter(|it| it.is_finite())
    }
}

pub fn lines<'a>(rows: &'a Project, order: &'a Order) -> Vec<Line<'a>> {
    let all = order.items.iter().zip(&order.measured).zip(&order.starts_ms);
    all.map(|((item, measured), start_ms)| {
        let measured = measured.as_ref();
        let length_ms = measured.map_or(0, |it| it.length_ms);
        Line { item, rows, measured, start_ms: *start_ms, length_ms }
    })
    .collect()
}

/// Of the songs from one place up to another, with what lies between them.
pub fn run_ms(lines: &[Line<'_>]) -> u64 {
    match (lines.first(), lines.last()) {
        (Some(first), Some(last)) => last.end_ms().saturating_sub(first.start_ms),
        _ => 0,
    }
}

/// The record to be heard, and which line each of its items is. Songs without a file are left out.
pub fn deck(project: &str, lines: &[Line<'_>]) -> Option<(Deck, Vec<usize>)> {
    let mut items = Vec::new();
    let mut at_line = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let title = line.song().map_or("", |it| it.title.as_str());
        let main = line.version().and_then(|it| Some((it, rows::main_file(it)?)));
        let Some(mut track) = main.and_then(|(version, file)| player::track(project, version, file)) else {
            continue;
        };
        track.label = scrub::line(&format!("{title}, {}", track.label));
        let first = items.is_empty();
        items.push(AlbumItem {
            track,
            gap_ms: if first { 0 } else { line.item.gap_ms },
            crossfade_ms: if first { 0 } else { line.item.crossfade_ms },
            fade_in_ms: line.item.fade_in_ms,
            fade_out_ms: line.item.fade_out_ms,
            shape: shape(line.item),
            gain_db: line.gain_db(),
        });
        at_line.push(at);
    }
    (!items.is_empty()).then_some((Deck::Album { items }, at_line))
}

/// Where each item of an album begins, in frames of the deck, and its rate.
pub fn joints(items: &[AlbumItem]) -> (u32, Vec<u64>) {
    let (rate, record) = crate::play::joints(items);
    (rate, record.songs().iter().map(|it| it.start).collect())
}

/// Where songs begin that are so long, with so much before them and so much together with the one before. The player asks the same.
fn starts(songs: impl Iterator<Item = (u64, u64, u64)>) -> Vec<u64> {
    let song = |(length, gap, crossfade): (u64, u64, u64)| Song {
        frames: length.min(LENGTH_MAX),
        trim_in: 0,
        trim_out: 0,
        gap,
        crossfade,
        fade_in: 0,
        fade_out: 0,
        shape: deadwax_dsp::processors::fade::Shape::Linear,
        gain_db: 0.0,
    };
    let songs: Vec<Song> = songs.map(song).collect();
    Timeline::new(&songs).songs().iter().map(|it| it.start).collect()
}

/// No figure of a server is trusted to be small.
const LENGTH_MAX: u64 = 1 << 48;

/// A step to the song before from which it is named, in LU; also how far a song may lie from the middle of the record. The services turn a
/// record as a whole, so that a jump stays a jump.
pub const STEP_LU: f64 = 2.0;
/// How far the peak-to-loudness ratio may lie from the middle of the record.
pub const PLR_APART_DB: f64 = 3.0;

/// The middle of what is there.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut all: Vec<f64> = values.filter(|it| it.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    match all.len() {
        0 => None,
        len if len % 2 == 1 => all.get(len / 2).copied(),
        len => Some((all[len / 2 - 1] + all[len / 2]) / 2.0),
    }
}

/// What stands out at this song, in words; empty where nothing does.
pub fn stands_out(lines: &[Line<'_>], at: usize, middle: (Option<f64>, Option<f64>)) -> Vec<String> {
    let mut said = Vec::new();
    let line = &lines[at];
    let Some(lufs) = line.lufs() else { return said };
    let before = at.checked_sub(1).and_then(|before| lines[before].lufs());
    match before.map(|before| lufs - before) {
        Some(step) if step >= STEP_LU => said.push(format!("jumps up {step:.1} LU")),
        Some(step) if step <= -STEP_LU => said.push(format!("drops by {:.1} LU", -step)),
        _ => {}
    }
    if let Some(apart) = middle.0.map(|it| lufs - it).filter(|it| it.abs() >= STEP_LU && said.is_empty()) {
        let word = if apart > 0.0 { "over" } else { "under" };
        said.push(format!("{:.1} LU {word} middle", apart.abs()));
    }
    if let Some(peak) = line.true_peak_dbtp() {
        let gain = line.gain_db();
        if peak > 0.0 {
            said.push(if gain > 0.0 { "its gain puts it over 0 dBTP".into() } else { "over 0 dBTP".into() });
        }
    }
    if let (Some(plr), Some(usual)) = (line.plr_db(), middle.1)
        && (plr - usual).abs() >= PLR_APART_DB
    {
        said.push(if plr < usual { "denser than most" } else { "more open than most" }.into());
    }
    said
}
