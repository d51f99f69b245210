//! A mover that dies between any two of its marks, and while a move is taken back, at every place one after the other. Goal: never may both ends be served, what
//! was acknowledged meanwhile is not lost, and the same call again comes to the end. Method: it unwinds there without giving anything back, as a kill does, and its
//! locks go with it. Never here: people and processes, which `server/tests/moves` has.

use std::{
    cell::Cell,
    fs,
    os::unix::fs::PermissionsExt as _,
    panic::{AssertUnwindSafe, resume_unwind},
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures::FutureExt as _;

use super::{Moved, migrate, take_back};
use crate::{
    admin,
    config::Config,
    store::{STUDIO, conformance::append},
};

tokio::task_local! {
    /// How many places are still passed alive.
    static LEFT: Cell<u32>;
}

/// Where a mover may die.
pub fn here() {
    let _lives_on = LEFT.try_with(|left| match left.get().checked_sub(1) {
        Some(fewer) => left.set(fewer),
        // In silence: it is no failure.
        None => resume_unwind(Box::new("killed here")),
    });
}

/// `None`: it died after so many places.
async fn until<T>(places: u32, at_work: impl Future<Output = anyhow::Result<T>>) -> Option<T> {
    let at_work = AssertUnwindSafe(LEFT.scope(Cell::new(places), at_work));
    at_work.catch_unwind().await.ok().map(Result::unwrap)
}

struct End {
    folder: PathBuf,
}

impl End {
    fn new(root: &Path, name: &str, store: &str) -> Self {
        let folder = root.join(name);
        fs::create_dir(&folder).unwrap();
        let settings = format!("name = \"Gold Room\"\n[limits]\nreserve_bytes = 0\n{store}");
        fs::write(folder.join("studio.toml"), settings).unwrap();
        fs::set_permissions(folder.join("studio.toml"), fs::Permissions::from_mode(0o600)).unwrap();
        Self { folder }
    }

    async fn store(&self) -> anyhow::Result<std::sync::Arc<dyn crate::store::Store>> {
        admin::store(&self.folder, &Config::load(&self.folder, Vec::new())?).await
    }

    /// Somebody serves it where that is allowed, and acknowledges one fact.
    async fn acknowledges(&self, known: &mut Vec<Bytes>) -> bool {
        let Ok(store) = self.store().await else { return false };
        let head = store.head(STUDIO).await.unwrap();
        assert_eq!(head, known.len() as u64, "something was lost or doubled");
        let text = format!("fact {head} of {}", self.folder.display());
        store.append(append(STUDIO.0, head, rand(), &[&text])).await.unwrap();
        known.push(text.into());
        true
    }

    async fn is_served(&self) -> bool {
        self.store().await.is_ok()
    }

    async fn must_hold(&self, known: &[Bytes]) {
        let entries = self.store().await.unwrap().read(STUDIO, 0, known.len() + 1).await.unwrap();
        let there: Vec<Bytes> = entries.into_iter().filter_map(|it| it.payload).collect();
        assert_eq!(there, known);
    }
}

fn rand() -> u128 {
    uuid::Uuid::now_v7().as_u128()
}

/// Dies after so many places, then comes to its end. Answers whether it died.
async fn goes(from: &End, to: &End, places: u32, known: &mut Vec<Bytes>) -> bool {
    let done: Option<Moved> = until(places, Box::pin(migrate(&from.folder, &to.folder))).await;
    let died = done.is_none();
    if died {
        let (left, arrived) = (from.acknowledges(known).await, to.acknowledges(known).await);
        assert!(!(left && arrived), "both ends are served after {places} places");
        println!("after {places} places: source served {left}, target served {arrived}");
        Box::pin(migrate(&from.folder, &to.folder)).await.unwrap();
    }
    assert!(!from.acknowledges(known).await, "the source is served after the move");
    to.must_hold(known).await;
    died
}

/// The same for the way back by decree. What was done at `other` since the move stays there.
async fn comes_back(from: &End, other: &End, places: u32, known: &mut Vec<Bytes>) -> bool {
    let died = until(places, Box::pin(take_back(&from.folder))).await.is_none();
    if died {
        let (left, arrived) = (from.is_served().await, other.is_served().await);
        assert!(!(left && arrived), "both ends are served after {places} places");
        Box::pin(take_back(&from.folder)).await.unwrap();
    }
    assert!(!other.is_served().await, "what was given up is served");
    from.must_hold(known).await;
    from.acknowledges(known).await;
    died
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mover_killed_between_any_two_marks_leaves_at_most_one_studio() {
    let mut deaths = 0;
    for places in 0..20 {
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (End::new(root.path(), "from", ""), End::new(root.path(), "to", ""));
        let mut known = Vec::new();
        assert!(from.acknowledges(&mut known).await);
        let died = goes(&from, &to, places, &mut known).await;
        let back = comes_back(&from, &to, places, &mut known).await;
        deaths += u32::from(died) + u32::from(back);
        if !died && !back {
            // 0 to 4 in a move, 0 to 2 on the way back.
            assert_eq!((places, deaths), (5, 8));
            return;
        }
    }
    panic!("a move has no end");
}

#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_from_a_journal_over_two_databases_into_a_journal() {
    use crate::store::postgres::tests::place;
    let database =
        || place().map(|it| format!("[store]\nengine = \"postgres\"\nurl = \"{}\"\n", it.url.reveal()));
    for places in 0..20 {
        let (Some(first), Some(second)) = (database(), database()) else { return };
        let root = tempfile::tempdir().unwrap();
        let ends = [("a", String::new()), ("b", first), ("c", second), ("d", String::new())];
        let ends = ends.map(|(name, store)| End::new(root.path(), name, &store));
        let (mut known, mut died) = (Vec::new(), false);
        assert!(ends[0].acknowledges(&mut known).await);
        for pair in ends.windows(2) {
            died |= goes(&pair[0], &pair[1], places, &mut known).await;
            assert!(pair[1].acknowledges(&mut known).await, "the target is not served");
        }
        // And each step by decree, the last one first; what was done since is not there.
        for pair in ends.windows(2).rev() {
            known.truncate(known.iter().position(|it| served_by(it, &pair[1])).unwrap_or(known.len()));
            died |= comes_back(&pair[0], &pair[1], places, &mut known).await;
        }
        if !died {
            assert_eq!(places, 5);
            return;
        }
    }
    panic!("a move has no end");
}

/// Whether this folder acknowledged it.
fn served_by(fact: &Bytes, end: &End) -> bool {
    String::from_utf8_lossy(fact).ends_with(&end.folder.display().to_string())
}
