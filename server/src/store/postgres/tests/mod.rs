//! The Postgres store against the suite of every engine, alone, reopened at each step and as two over one database; then what only it can meet: kills, cut lines, a standby that
//! takes over, unsafe engines, newer tables, lost answers. Each test says `not-run` where no Postgres is installed (`cluster`).

pub(crate) mod cluster;
mod failover;
mod faults;
mod guard;

use std::{sync::Arc, time::Duration};

use tokio::runtime::Handle;

use super::*;
use crate::store::{MemoryStore, conformance::Engine};

/// A store on a place of its own; `None` where there is no Postgres.
pub(crate) fn place() -> Option<Options> {
    cluster::shared().map(cluster::Cluster::place)
}

pub(crate) async fn opened(options: &Options) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::open(options.clone()).await.unwrap())
}

fn at_once(options: &Options) -> Arc<dyn Store> {
    tokio::task::block_in_place(|| Handle::current().block_on(opened(options)))
}

/// Where there is no Postgres the suite runs on the memory store, which changes nothing, and `not-run` was said.
enum Kept {
    Open(Arc<dyn Store>),
    Absent(Arc<dyn Store>),
}

fn kept(options: Option<&Options>) -> Kept {
    match options {
        Some(options) => Kept::Open(at_once(options)),
        None => Kept::Absent(Arc::new(MemoryStore::new())),
    }
}

mod alone {
    use super::*;

    struct Alone(Kept);

    impl Engine for Alone {
        fn fresh() -> Self {
            Self(kept(place().as_ref()))
        }
        fn store(&mut self) -> Arc<dyn Store> {
            let (Kept::Open(store) | Kept::Absent(store)) = &self.0;
            Arc::clone(store)
        }
    }

    crate::store::conformance::suite!(Alone);
}

mod reopened {
    use super::*;

    struct Reopened(Option<Options>, Kept);

    impl Engine for Reopened {
        fn fresh() -> Self {
            let options = place();
            let kept = kept(options.as_ref());
            Self(options, kept)
        }
        fn store(&mut self) -> Arc<dyn Store> {
            if let Some(options) = &self.0 {
                self.1 = Kept::Open(at_once(options));
            }
            let (Kept::Open(store) | Kept::Absent(store)) = &self.1;
            Arc::clone(store)
        }
    }

    crate::store::conformance::suite!(Reopened);
}

mod in_turn {
    use super::*;

    /// Two servers over one database.
    struct InTurn([Kept; 2]);

    impl Engine for InTurn {
        fn fresh() -> Self {
            match place() {
                Some(options) => Self([kept(Some(&options)), kept(Some(&options))]),
                None => {
                    let one: Arc<dyn Store> = Arc::new(MemoryStore::new());
                    Self([Kept::Absent(Arc::clone(&one)), Kept::Absent(one)])
                }
            }
        }
        fn store(&mut self) -> Arc<dyn Store> {
            self.0.swap(0, 1);
            let (Kept::Open(store) | Kept::Absent(store)) = &self.0[0];
            Arc::clone(store)
        }
    }

    crate::store::conformance::suite!(InTurn);
}

/// What servers tell each other beside the facts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neighbours_share_a_seal_and_uses_and_see_who_is_where() {
    use crate::store::neighbours::Here;
    let Some(options) = place() else { return };
    let (one, two) = (opened(&options).await, opened(&options).await);
    let (one, two) = (one.neighbours().unwrap(), two.neighbours().unwrap());
    assert_eq!(one.seal().await.unwrap(), two.seal().await.unwrap());
    assert_eq!(one.used(vec![(1, 10), (2, 20)]).await.unwrap().len(), 2);
    let mut used = two.used(vec![(1, 30), (2, 5)]).await.unwrap();
    used.sort_unstable();
    assert_eq!(used, [(1, 30), (2, 20)], "the newest counts");
    let here = |server, version, seats: &'static str| Here { server, version, seats: seats.into() };
    assert!(one.meet(here(1, 1, "ana"), vec![]).await.unwrap().is_empty());
    let there = two.meet(here(2, 7, "ben"), vec![]).await.unwrap();
    assert_eq!((there.len(), there[0].server, there[0].version), (1, 1, 1));
    assert_eq!(there[0].seats.as_deref(), Some(b"ana".as_slice()));
    let there = two.meet(here(2, 7, "other bytes"), vec![(1, 1)]).await.unwrap();
    assert_eq!(there[0].seats, None, "seen before");
    let there = one.meet(here(1, 2, "ana"), vec![(2, 6)]).await.unwrap();
    assert_eq!(there[0].seats.as_deref(), Some(b"ben".as_slice()), "a version says the same for ever");
    two.leave(2).await.unwrap();
    assert!(one.meet(here(1, 2, "ana"), vec![(2, 7)]).await.unwrap().is_empty());
}

/// Heads that another store appended arrive, with the engine's word and without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appends_of_another_store_are_heard() {
    use futures::StreamExt as _;
    let Some(options) = place() else { return };
    for listen in [true, false] {
        let (here, there) = (opened(&Options { listen, ..options.clone() }).await, opened(&options).await);
        let mut changes = here.changes().unwrap();
        let stream = u128::from(listen) + 70;
        for seq in 0..20 {
            let id = stream << 32 | u128::from(seq);
            there.append(crate::store::conformance::append(stream, seq, id, &["x"])).await.unwrap();
        }
        let heard = async { while changes.next().await != Some((StreamId(stream), 20)) {} };
        tokio::time::timeout(Duration::from_secs(20), heard).await.expect("the head is heard of");
    }
}
