//! What the mastering room keeps beside the rows: the sheets of renders that were read, which part of the room is shown, which render stands beside the
//! chosen one, and since when a render runs. Never here: keys, drawing, sound.

use std::{collections::BTreeMap, sync::Arc};

use deadwax_dsp::sheet::Sheet;
use deadwax_proto::v1::RenderProgress;

/// So many sheets are kept: each is some ten kilobytes.
const SHEETS_MAX: usize = 8;

#[derive(Clone, Debug, Default)]
pub struct Room {
    pub pane: Pane,
    /// A render to hold against the chosen one.
    pub other: Option<String>,
    /// By render.
    pub sheets: BTreeMap<String, Paper>,
    /// The render that runs, when its first step was told and how far it was then.
    since: Option<(String, i64, f64)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    #[default]
    Curves,
    Steps,
    Recipe,
}

impl Pane {
    pub const ALL: [Pane; 3] = [Pane::Curves, Pane::Steps, Pane::Recipe];

    pub fn name(self) -> &'static str {
        match self {
            Pane::Curves => "Curves",
            Pane::Steps => "Steps",
            Pane::Recipe => "Recipe",
        }
    }

    pub fn next(self) -> Pane {
        match self {
            Pane::Curves => Pane::Steps,
            Pane::Steps => Pane::Recipe,
            Pane::Recipe => Pane::Curves,
        }
    }
}

/// A sheet, as far as it was fetched.
#[derive(Clone, Debug)]
pub enum Paper {
    Asked(u64),
    Here(Arc<Sheet>),
    Failed(String),
}

impl Room {
    pub fn sheet(&self, render: &str) -> Option<&Sheet> {
        match self.sheets.get(render)? {
            Paper::Here(sheet) => Some(sheet),
            Paper::Asked(_) | Paper::Failed(_) => None,
        }
    }

    /// One is on its way; the next is asked for when it is here.
    pub fn is_busy(&self) -> bool {
        self.sheets.values().any(|it| matches!(it, Paper::Asked(_)))
    }

    /// The line was cut: what was on its way is asked for again, and what failed may go better now.
    pub fn cut(&mut self) {
        self.sheets.retain(|_, it| matches!(it, Paper::Here(_)));
    }

    /// Keeps it; of too many, one goes that is neither this nor one of `shown`.
    pub fn keep(&mut self, render: &str, paper: Paper, shown: &[String]) {
        if self.sheets.len() >= SHEETS_MAX && !self.sheets.contains_key(render) {
            let old = self.sheets.keys().find(|it| *it != render && !shown.contains(it)).cloned();
            old.and_then(|it| self.sheets.remove(&it));
        }
        self.sheets.insert(render.to_owned(), paper);
    }

    pub fn progressed(&mut self, render: &str, now: &RenderProgress, now_ms: i64) {
        let fraction = clean(now.fraction);
        match &self.since {
            Some((id, _, first)) if id == render && fraction >= *first => {}
            _ => self.since = Some((render.to_owned(), now_ms, fraction)),
        }
    }

    /// How long the render will still take, by what it took so far. `None` while nobody can know.
    pub fn left_ms(&self, render: &str, now: &RenderProgress, now_ms: i64) -> Option<i64> {
        let (id, since_ms, first) = self.since.as_ref()?;
        let (done, spent_ms) = (clean(now.fraction) - first, now_ms.saturating_sub(*since_ms));
        // The first steps are not of the speed of the others.
        if id != render || done < 0.03 || spent_ms < 1_500 {
            return None;
        }
        let left = spent_ms as f64 * (1.0 - clean(now.fraction)) / done;
        Some(left.min(86_400_000.0) as i64)
    }
}

fn clean(fraction: f64) -> f64 {
    if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(fraction: f64) -> RenderProgress {
        RenderProgress { step: "limit".into(), fraction, ended: false }
    }

    #[test]
    fn time_left_is_told_once_it_can_be_known() {
        let mut room = Room::default();
        assert_eq!(room.left_ms("r", &at(0.5), 9_000), None, "nothing was told yet");
        room.progressed("r", &at(0.1), 1_000);
        room.progressed("r", &at(0.11), 1_200);
        assert_eq!(room.left_ms("r", &at(0.11), 1_200), None, "too little to go by");
        room.progressed("r", &at(0.5), 5_000);
        assert_eq!(room.left_ms("r", &at(0.5), 5_000), Some(5_000));
        assert_eq!(room.left_ms("other", &at(0.5), 5_000), None);
        room.progressed("r", &at(0.05), 6_000);
        assert_eq!(room.left_ms("r", &at(0.05), 6_000), None, "it began again");
        room.progressed("r", &at(f64::NAN), 7_000);
        assert_eq!(room.left_ms("r", &at(f64::NAN), 90_000), None);
    }

    #[test]
    fn old_sheets_go_and_those_on_the_screen_stay() {
        let mut room = Room::default();
        let shown = ["a".to_owned(), "b".to_owned()];
        for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
            room.keep(name, Paper::Here(Arc::default()), &shown);
        }
        assert_eq!(room.sheets.len(), SHEETS_MAX);
        assert!(room.sheet("a").is_some() && room.sheet("b").is_some() && room.sheet("j").is_some());
    }
}
