//! A running order that a person works on and that is nowhere else yet, with the way back. It keeps ids: rows come and go below it. Never here: what a key
//! changes, what follows from an order.

use deadwax_proto::v1::SpacingItem;

use super::placing;
use crate::tui::rows::Project;

/// How far back one can go.
const UNDO_MAX: usize = 200;

/// What a person made of the running order and did not save yet, or saved last.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The number of the spacing that it began with; 0: none.
    pub base: u32,
    pub items: Vec<SpacingItem>,
    /// It is what the studio has: whatever comes from there is followed.
    pub settled: bool,
    /// Another with every change, so that nobody has to compare thousands of songs.
    pub revision: u64,
    undo: Vec<Step>,
    redo: Vec<Step>,
}

/// What leads from one order to another: of thousands of songs a key changes one or two.
#[derive(Clone, Debug)]
enum Step {
    Places(Vec<(usize, SpacingItem)>),
    All(Vec<SpacingItem>),
}

impl Step {
    /// From `now` back to `before`.
    fn back(before: Vec<SpacingItem>, now: &[SpacingItem]) -> Step {
        if before.len() != now.len() {
            return Step::All(before);
        }
        let changed = before.into_iter().zip(now).enumerate().filter(|(_, (before, now))| before != *now);
        Step::Places(changed.map(|(at, (before, _))| (at, before)).collect())
    }

    /// Does it, and answers what takes it back.
    fn apply(self, items: &mut Vec<SpacingItem>) -> Step {
        match self {
            Step::All(all) => Step::All(std::mem::replace(items, all)),
            Step::Places(mut places) => {
                for (at, item) in &mut places {
                    if let Some(here) = items.get_mut(*at) {
                        std::mem::swap(here, item);
                    }
                }
                Step::Places(places)
            }
        }
    }
}

/// Of the newest spacing; 0: none.
pub fn number(rows: &Project) -> u32 {
    rows.head().and_then(|it| it.spacing.as_ref()).map_or(0, |it| it.number)
}

impl Draft {
    pub fn begin(rows: &Project) -> Draft {
        let items = placing::items(rows, &placing::told(rows));
        Draft { base: number(rows), items, settled: true, ..Draft::default() }
    }

    pub fn change(&mut self, items: Vec<SpacingItem>) {
        let before = std::mem::replace(&mut self.items, items);
        let back = Step::back(before, &self.items);
        self.remember(back);
        self.settled = false;
    }

    fn remember(&mut self, step: Step) {
        if self.undo.len() == UNDO_MAX {
            self.undo.remove(0);
        }
        self.undo.push(step);
        self.redo.clear();
    }

    /// Back by one change, or forth again. False: there is none.
    pub fn step(&mut self, rows: &Project, forth: bool) -> bool {
        let (from, to) =
            if forth { (&mut self.redo, &mut self.undo) } else { (&mut self.undo, &mut self.redo) };
        let Some(step) = from.pop() else { return false };
        to.push(step.apply(&mut self.items));
        self.settled = self.is_told(rows);
        true
    }

    /// It says what the studio has.
    pub fn is_told(&self, rows: &Project) -> bool {
        placing::whole(rows, &self.items) == placing::told(rows)
    }

    /// Becomes what the studio has. What was here before can be had back, where anything could.
    pub fn follow(&mut self, rows: &Project) {
        let items = placing::items(rows, &placing::told(rows));
        let same = placing::whole(rows, &self.items) == placing::whole(rows, &items);
        let before = std::mem::replace(&mut self.items, items);
        // Steps lead from exactly one order to another: where it is another now, the way back begins with the whole of the old one.
        let led = !self.undo.is_empty() || !self.redo.is_empty();
        if led && before != self.items && !(same && before.len() == self.items.len()) {
            if !matches!(self.undo.last(), Some(Step::All(_))) {
                self.remember(Step::All(before));
            }
            self.redo.clear();
        }
        self.base = number(rows);
        self.settled = true;
    }

    /// Their order instead of this one, as a change of its own.
    pub fn take(&mut self, rows: &Project) {
        self.change(placing::items(rows, &placing::told(rows)));
        self.base = number(rows);
        self.settled = true;
    }
}
