//! The record as a person arranges it on this machine: a draft of the running order with its gaps, trims, fades, gains and sides, and what follows from
//! them: times, joints, the deck that plays it. Nothing here is sent; `update::album` does that. Never here: keys, drawing, rules of the studio.

mod beside;
mod change;
mod draft;
mod notes;
mod order;
mod placing;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use deadwax_proto::v1::{SongRow, SpacingItem, VersionRow};

use super::rows::Project;
use crate::checks::media::{self, Medium};

pub use beside::Beside;
pub use change::{Change, GAIN_CB_MAX};
pub use draft::Draft;
pub use notes::{joint_open, notes, open_here, order_open};
pub use order::{Figures, Laid, Line, Lines, Order, deck, joints, lines};
pub use placing::{Piece, Placing, shape, told};

/// What a joint is heard from, before the next song begins.
pub const BEFORE_JOINT_MS: u64 = 5_000;

const NO_SONG: &str = "There is no song yet.";
const OVER_THE_EDGE: &str =
    "It begins over the song before, and a side would be cut there. C or l takes the crossfade away first.";
const EVEN_OVER_THE_EDGE: &str =
    "An even side would begin inside of a crossfade. B sets sides one by one; C on that song shortens it.";

#[derive(Clone, Debug, Default)]
pub struct Album {
    /// By project. Kept while the client runs: going to another room loses nothing.
    pub drafts: BTreeMap<String, Draft>,
    /// Which of the shipped media the sides are for.
    pub medium: usize,
    /// Which part of the room is shown.
    pub view: View,
    /// Which note is marked, where they are shown.
    pub note: usize,
    /// Leaving was asked about once.
    pub leaving: bool,
    revisions: u64,
}

/// The parts of the room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    #[default]
    Order,
    /// The songs beside each other.
    Beside,
    Notes,
}

impl View {
    pub fn next(self) -> View {
        match self {
            View::Order => View::Beside,
            View::Beside => View::Notes,
            View::Notes => View::Order,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            View::Order => "running order",
            View::Beside => "songs beside each other",
            View::Notes => "notes",
        }
    }
}

impl Album {
    /// What the screen shows, as it would be sent: the draft, else what the studio has.
    pub fn items(&self, project: &str, rows: &Project) -> Vec<SpacingItem> {
        placing::items(rows, self.order(project, rows).pieces())
    }

    /// The same with what is measured of it. Laid once, as long as the rows that it follows from and the draft stay.
    pub fn order(&self, project: &str, rows: &Project) -> Arc<Order> {
        self.laid(project, rows).order
    }

    fn laid(&self, project: &str, rows: &Project) -> Laid {
        let draft = self.drafts.get(project).filter(|it| !it.settled);
        let revision = draft.map(|it| it.revision);
        let mut laid = rows.laid.borrow_mut();
        if let Some(laid) = laid.as_ref().filter(|it| it.draft == revision) {
            return laid.clone();
        }
        let told = placing::told(rows);
        let (pieces, unsaved) = match draft {
            None => (told, false),
            Some(draft) => {
                let pieces = placing::whole(rows, &draft.items);
                let unsaved = pieces != told;
                (pieces, unsaved)
            }
        };
        let now = Laid { draft: revision, order: Arc::new(Order::of(rows, pieces)), unsaved };
        *laid = Some(now.clone());
        now
    }

    /// There is something that only this machine has.
    pub fn is_unsaved(&self, project: &str, rows: &Project) -> bool {
        self.drafts.get(project).is_some_and(|it| !it.settled) && self.laid(project, rows).unsaved
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
            return Err(NO_SONG);
        }
        let to = change::apply(rows, &mut items, at, change)?;
        self.take_up(project, rows, items);
        Ok(to)
    }

    /// The marked song begins a side, or does not any more. What was even by itself is set from then on.
    pub fn toggle_side(&mut self, project: &str, rows: &Project, at: usize) -> Result<(), &'static str> {
        if !self.medium().has_sides() {
            return Err("This medium has no sides. M chooses another.");
        }
        if at == 0 {
            return Err("The first song begins the first side.");
        }
        let order = self.order(project, rows);
        if at >= order.len() {
            return Err(NO_SONG);
        }
        let mut starts = self.side_starts(&order);
        if order.set_sides().is_empty() {
            // Those that nobody set only stay where they can.
            starts.retain(|at| order.pieces().get(*at).is_some_and(|it| it.placing.crossfade_ms == 0));
        }
        match starts.iter().position(|it| *it == at) {
            Some(set) => drop(starts.remove(set)),
            None => starts.push(at),
        }
        self.begin_sides(project, rows, &starts).ok_or(OVER_THE_EDGE)
    }

    /// Sides as even as the order allows, set so; where they are set so, set by nobody.
    pub fn even_sides(&mut self, project: &str, rows: &Project) -> Result<(), &'static str> {
        if !self.medium().has_sides() {
            return Err("This medium has no sides. M chooses another.");
        }
        let order = self.order(project, rows);
        let even = order.even_sides(self.medium);
        let starts = if order.set_sides() == even { &[] } else { even };
        self.begin_sides(project, rows, starts).ok_or(EVEN_OVER_THE_EDGE)
    }

    /// `None`: one of them would begin in a crossfade.
    fn begin_sides(&mut self, project: &str, rows: &Project, starts: &[usize]) -> Option<()> {
        let mut items = self.items(project, rows);
        change::begin_sides(&mut items, starts).then(|| self.take_up(project, rows, items))
    }

    /// A changed order becomes the draft.
    fn take_up(&mut self, project: &str, rows: &Project, items: Vec<SpacingItem>) {
        let revision = self.revise();
        let draft = self.drafts.entry(project.to_owned()).or_insert_with(|| Draft::begin(rows));
        if draft.settled {
            // What the studio sent since the draft was made is what it goes on from.
            draft.follow(rows);
        }
        draft.change(items);
        draft.revision = revision;
    }

    fn revise(&mut self) -> u64 {
        self.revisions += 1;
        self.revisions
    }

    /// Back by one change, or forth again.
    pub fn step(&mut self, project: &str, rows: &Project, forth: bool) -> Result<(), &'static str> {
        let revision = self.revise();
        let none = if forth { "There is nothing to do again." } else { "There is nothing to undo." };
        let draft = self.drafts.get_mut(project).ok_or(none)?;
        draft.revision = revision;
        if draft.step(rows, forth) { Ok(()) } else { Err(none) }
    }

    /// Their order instead of mine. Mine can be had back by undo.
    pub fn take_theirs(&mut self, project: &str, rows: &Project) {
        let revision = self.revise();
        if let Some(draft) = self.drafts.get_mut(project) {
            draft.take(rows);
            draft.revision = revision;
        }
    }

    /// After rows came: what was saved is settled, and somebody's newer order is followed where nothing unsaved lies here.
    pub fn rows_came(&mut self, project: &str, rows: &Project) {
        let revision = self.revise();
        let Some(draft) = self.drafts.get_mut(project) else { return };
        if draft.settled || draft.is_told(rows) {
            draft.follow(rows);
            draft.revision = revision;
        }
    }

    pub fn medium(&self) -> &'static Medium {
        let all = &media::shipped().all;
        &all[self.medium % all.len()]
    }

    /// The songs that begin a side after the first, by place: as they are set, else as even as can be. None on a disc.
    pub fn side_starts(&self, order: &Order) -> Vec<usize> {
        if !self.medium().has_sides() {
            return Vec::new();
        }
        let set = order.set_sides();
        if set.is_empty() { order.even_sides(self.medium).to_vec() } else { set }
    }
}

/// What would go on the record today: what the gate of its stage looks at, else what was handed to mastering.
pub fn on_record<'a>(rows: &'a Project, song: &SongRow) -> Option<&'a VersionRow> {
    rows.version(&song.candidate_version_id).or_else(|| rows.version(&song.handoff.as_ref()?.version_id))
}

/// The middle of what is there.
fn median(mut all: Vec<f64>) -> Option<f64> {
    all.retain(|it| it.is_finite());
    all.sort_unstable_by(f64::total_cmp);
    match all.len() {
        0 => None,
        len if len % 2 == 1 => all.get(len / 2).copied(),
        len => Some((all[len / 2 - 1] + all[len / 2]) / 2.0),
    }
}
