//! Rows in memory before those on the disk: an append waits for the journal's sync and for nothing of sled's. A thread of its own writes out what has come
//! together, so that rows that change with every append (heads, how far the index has come) are written once for many. What is lost with the process is made
//! again from the journal, as always. Never here: what a row means.

use std::{
    collections::BTreeMap,
    io, mem,
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::rows::{Change, Row, Rows};
use crate::disk::Latch;

/// Between two rounds of the writer, for what comes to come together.
const PAUSE: Duration = Duration::from_millis(50);
/// With so many rows in memory an append waits for the writer: some tens of megabytes.
const ROWS_MAX: usize = 1 << 16;

type Layer = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

pub(super) struct Front {
    behind: Arc<Behind>,
    writer: Option<thread::JoinHandle<()>>,
}

struct Behind {
    rows: Box<dyn Rows>,
    /// The key of the row that says how far the others go.
    last: &'static [u8],
    layers: Mutex<Layers>,
    /// Something came, or it is being closed.
    came: Condvar,
    /// A round is over.
    went: Condvar,
    latch: Latch,
}

/// The newest word on a row stands in `fresh`, else in `leaving`, else on the disk.
#[derive(Default)]
struct Layers {
    fresh: Layer,
    /// What the writer is at.
    leaving: Arc<Layer>,
    failed: Option<String>,
    closing: bool,
}

impl Front {
    /// `last` is the key of the row that says how far the others go: it is written behind them, so that what a death leaves is never less than it says. What is
    /// more is put again from the journal, in the same words. `latch` falls where the disk does not take the rows.
    pub(super) fn before(rows: Box<dyn Rows>, last: &'static [u8], latch: Latch) -> io::Result<Self> {
        let (came, went) = (Condvar::new(), Condvar::new());
        let behind = Arc::new(Behind { rows, last, layers: Mutex::default(), came, went, latch });
        let shared = Arc::clone(&behind);
        let writer = thread::Builder::new().name("index".into()).spawn(move || shared.write_out())?;
        Ok(Self { behind, writer: Some(writer) })
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.behind.layers().closing = true;
        self.behind.came.notify_all();
        if let Some(writer) = self.writer.take() {
            // What it could not write is made again from the journal.
            let _ = writer.join();
        }
    }
}

impl Behind {
    fn layers(&self) -> MutexGuard<'_, Layers> {
        // Each change under this lock is whole: a map taken, put back or extended.
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_out(&self) {
        loop {
            let Some(leaving) = self.next_round() else { return };
            // sled 0.34 may notice a broken file late, and by a panic.
            let written = catch_unwind(AssertUnwindSafe(|| {
                let mut changes: Vec<Change> =
                    leaving.iter().map(|(key, row)| (key.clone(), row.clone())).collect();
                changes.sort_by_key(|(key, _)| key == self.last);
                self.rows.put(changes)
            }));
            let failed = match written {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("sled panicked".to_owned()),
            };
            let mut layers = self.layers();
            let Some(reason) = failed else {
                layers.leaving = Arc::default();
                drop(layers);
                self.went.notify_all();
                continue;
            };
            // What did not reach the disk stays to be found here; nothing more is taken.
            layers.failed = Some(reason.clone());
            drop(layers);
            self.latch.fall(format!("writing the index failed: {reason}"));
            self.went.notify_all();
            return;
        }
    }

    /// What is to be written now; `None` where all is written and it is being closed.
    fn next_round(&self) -> Option<Arc<Layer>> {
        let mut layers = self.layers();
        while layers.fresh.is_empty() && !layers.closing {
            layers = self.came.wait(layers).unwrap_or_else(PoisonError::into_inner);
        }
        let in_no_haste = |layers: &mut Layers| !layers.closing && layers.fresh.len() < ROWS_MAX / 2;
        let waited = self.came.wait_timeout_while(layers, PAUSE, in_no_haste);
        let mut layers = waited.unwrap_or_else(PoisonError::into_inner).0;
        if layers.fresh.is_empty() {
            return None;
        }
        layers.leaving = Arc::new(mem::take(&mut layers.fresh));
        Some(Arc::clone(&layers.leaving))
    }
}

impl Rows for Front {
    fn get(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let layers = self.behind.layers();
        if let Some(row) = layers.fresh.get(key).or_else(|| layers.leaving.get(key)) {
            return Ok(row.clone());
        }
        drop(layers);
        // A row that left meanwhile is there by now.
        self.behind.rows.get(key)
    }

    fn range(&self, from: &[u8], prefix: &[u8], limit: usize) -> io::Result<Vec<Row>> {
        let layers = self.behind.layers();
        let mut newer = within(&layers.leaving, from, prefix);
        newer.extend(within(&layers.fresh, from, prefix));
        drop(layers);
        // As many more as may be taken away or stand there twice.
        let mut rows = self.behind.rows.range(from, prefix, limit.saturating_add(newer.len()))?;
        if newer.is_empty() {
            return Ok(rows);
        }
        rows.retain(|(key, _)| !newer.contains_key(key));
        rows.extend(newer.into_iter().filter_map(|(key, row)| Some((key, row?))));
        rows.sort_unstable();
        rows.truncate(limit);
        Ok(rows)
    }

    fn apply(&self, changes: Vec<Change>) -> io::Result<()> {
        let crowded = |layers: &mut Layers| layers.fresh.len() >= ROWS_MAX && layers.failed.is_none();
        let layers = self.behind.went.wait_while(self.behind.layers(), crowded);
        let mut layers = layers.unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = &layers.failed {
            return Err(io::Error::other(reason.clone()));
        }
        let wakes = layers.fresh.is_empty() || layers.fresh.len() + changes.len() >= ROWS_MAX / 2;
        layers.fresh.extend(changes);
        drop(layers);
        if wakes {
            self.behind.came.notify_one();
        }
        Ok(())
    }
}

/// The rows of a layer with `key >= from` that start with `prefix`.
fn within(layer: &Layer, from: &[u8], prefix: &[u8]) -> Layer {
    let there = layer.range::<[u8], _>((Bound::Included(from), Bound::Unbounded));
    let there = there.take_while(|(key, _)| key.starts_with(prefix));
    there.map(|(key, row)| (key.clone(), row.clone())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::rows::MapRows, *};

    const LAST: &[u8] = b"applied";

    /// Takes no rows until it is told to; then each round is counted.
    #[derive(Default)]
    struct Slow {
        rows: MapRows,
        gate: Mutex<(bool, usize)>,
        opened: Condvar,
        fails: bool,
    }

    impl Rows for Arc<Slow> {
        fn get(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
            self.rows.get(key)
        }
        fn range(&self, from: &[u8], prefix: &[u8], limit: usize) -> io::Result<Vec<Row>> {
            self.rows.range(from, prefix, limit)
        }
        fn apply(&self, changes: Vec<Change>) -> io::Result<()> {
            let mut gate = self.opened.wait_while(self.gate.lock().unwrap(), |gate| !gate.0).unwrap();
            gate.1 += 1;
            drop(gate);
            if self.fails {
                return Err(io::Error::other("no room"));
            }
            let says = changes.iter().position(|(key, _)| key == LAST);
            assert!(says.is_none_or(|at| at + 1 == changes.len()), "{changes:?}");
            self.rows.apply(changes)
        }
    }

    impl Slow {
        fn open(&self) {
            self.gate.lock().unwrap().0 = true;
            self.opened.notify_all();
        }
    }

    fn put(key: &str, row: &str) -> Change {
        (key.into(), Some(row.into()))
    }

    fn all(rows: &dyn Rows) -> Vec<Row> {
        rows.range(b"", b"", usize::MAX).unwrap()
    }

    #[test]
    fn what_the_disk_does_not_have_yet_is_found_and_nothing_waits_for_it() {
        let slow = Arc::new(Slow::default());
        let front = Front::before(Box::new(Arc::clone(&slow)), LAST, Latch::default()).unwrap();
        front.apply(vec![put("h1", "1"), put("p1", "a")]).unwrap();
        thread::sleep(PAUSE * 3);
        front.apply(vec![put("h1", "2"), (b"p1".to_vec(), None), put("p2", "b")]).unwrap();
        assert!(all(&slow).is_empty(), "the disk has taken nothing");
        assert_eq!(front.get(b"h1").unwrap().as_deref(), Some(&b"2"[..]));
        assert_eq!(front.get(b"p1").unwrap(), None);
        assert_eq!(front.range(b"p", b"p", 9).unwrap(), [(b"p2".to_vec(), b"b".to_vec())]);
        slow.open();
        drop(front);
        assert_eq!(all(&slow).len(), 2, "closing writes out the rest");
    }

    #[test]
    fn a_row_that_changes_with_every_append_is_written_once_for_many() {
        let slow = Arc::new(Slow::default());
        slow.open();
        let front = Front::before(Box::new(Arc::clone(&slow)), LAST, Latch::default()).unwrap();
        for count in 0..10_000 {
            front.apply(vec![put("applied", &count.to_string()), put("h1", "x")]).unwrap();
        }
        drop(front);
        assert_eq!(slow.get(b"applied").unwrap().unwrap(), b"9999");
        assert!(slow.gate.lock().unwrap().1 < 500, "{} rounds", slow.gate.lock().unwrap().1);
    }

    #[test]
    fn rows_that_the_disk_refuses_stop_the_studio_and_stay_to_be_found() {
        let slow = Arc::new(Slow { fails: true, ..Slow::default() });
        slow.open();
        let latch = Latch::default();
        let front = Front::before(Box::new(Arc::clone(&slow)), LAST, latch.clone()).unwrap();
        front.apply(vec![put("p1", "a")]).unwrap();
        let begun = std::time::Instant::now();
        while latch.reason().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(10), "nobody was told");
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(front.get(b"p1").unwrap().as_deref(), Some(&b"a"[..]));
        assert!(front.apply(vec![put("p2", "b")]).is_err());
    }

    proptest! {
        /// Whatever is put and removed, in whatever rounds it is written: the front tells what one map would tell.
        #[test]
        fn it_is_one_map(
            steps in prop::collection::vec((prop::collection::vec((0u8..12, prop::option::of(0u8..9)), 1..6), any::<bool>()), 1..12),
            from in 0u8..12,
            limit in 0usize..14,
        ) {
            let (model, slow) = (MapRows::default(), Arc::new(Slow::default()));
            let mut front = Front::before(Box::new(Arc::clone(&slow)), LAST, Latch::default()).unwrap();
            slow.open();
            for (changes, closes) in steps {
                let changes: Vec<Change> =
                    changes.into_iter().map(|(key, row)| (vec![b'k', key], row.map(|row| vec![row]))).collect();
                front.apply(changes.clone()).unwrap();
                model.apply(changes).unwrap();
                if closes {
                    drop(front);
                    front = Front::before(Box::new(Arc::clone(&slow)), LAST, Latch::default()).unwrap();
                }
                let asked = [b'k', from];
                prop_assert_eq!(front.range(&asked, b"k", limit).unwrap(), model.range(&asked, b"k", limit).unwrap());
                prop_assert_eq!(front.get(&asked).unwrap(), model.get(&asked).unwrap());
            }
        }
    }
}
