//! Things that happen at a time in a stream: all are counted, the first ones are listed. Never here: how they are found.

use serde::Serialize;

/// So many events of a kind are listed with their times.
pub const LISTED_MAX: usize = 64;

/// Something at a place of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Event {
    /// From 0, in the order of WAVE.
    pub channel: usize,
    /// Of the first frame, in seconds from the start.
    pub at_s: f64,
    pub frames: u64,
    /// How high: of clips, flat tops and clicks in dBFS, of overs in dBTP, of drop-outs the level that broke off.
    pub level_db: f64,
}

/// Events of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Events {
    pub count: u64,
    /// Frames of all of them together, channels added up.
    pub frames: u64,
    /// Of the highest of all, in the unit of [`Event::level_db`]; `null` where there is none.
    pub level_max_db: Option<f64>,
    /// The first [`LISTED_MAX`], in the order of time.
    pub listed: Vec<Event>,
}

impl Events {
    pub(super) fn add(&mut self, event: Event) {
        self.count += 1;
        self.frames += event.frames;
        self.level_max_db = higher(self.level_max_db, Some(event.level_db));
        if self.listed.len() < LISTED_MAX {
            self.listed.push(event);
        }
    }

    /// Of one channel each: together, the earliest listed.
    pub(super) fn together(parts: impl IntoIterator<Item = Events>) -> Events {
        let mut all = Events::default();
        for part in parts {
            all.count += part.count;
            all.frames += part.frames;
            all.level_max_db = higher(all.level_max_db, part.level_max_db);
            all.listed.extend(part.listed);
        }
        all.listed.sort_by(|a, b| a.at_s.total_cmp(&b.at_s).then(a.channel.cmp(&b.channel)));
        all.listed.truncate(LISTED_MAX);
        all
    }

    /// When the first one was.
    pub fn first_s(&self) -> Option<f64> {
        self.listed.first().map(|event| event.at_s)
    }
}

fn higher(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        _ => a.or(b),
    }
}

/// Lets through what stands alone. Music repeats: pulses and stairs come in rows, damage seldom does. Events of one channel that follow each other
/// within a gap are one row; a row of more than [`ROW_MAX`] is thrown away whole.
#[derive(Clone, Debug)]
pub(super) struct Lonely {
    gap_s: f64,
    row: Vec<Event>,
    /// Of the row, those beyond what is kept of it.
    more: u64,
    last_s: f64,
    let_through: Events,
}

/// More than so many within short gaps are a sound, not damage.
const ROW_MAX: usize = 3;

impl Lonely {
    pub(super) fn new(gap_s: f64) -> Self {
        Lonely { gap_s, row: Vec::new(), more: 0, last_s: 0.0, let_through: Events::default() }
    }

    pub(super) fn add(&mut self, event: Event) {
        if event.at_s - self.last_s > self.gap_s {
            self.end_row();
        }
        self.last_s = event.at_s;
        if self.row.len() < ROW_MAX { self.row.push(event) } else { self.more += 1 }
    }

    fn end_row(&mut self) {
        if self.more == 0 {
            self.row.iter().for_each(|event| self.let_through.add(*event));
        }
        self.row.clear();
        self.more = 0;
    }

    /// The events listed so far; the list begins anew.
    pub(super) fn take(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.let_through.listed)
    }

    pub(super) fn finish(mut self) -> Events {
        self.end_row();
        self.let_through
    }
}
