//! Collection against everything that can happen at the same time. Goal: audio that a fact names is there after every step, whatever the order. Method: random
//! orders of uploads, facts, questions, the steps of the collector, restarts between them and time that passes; and things that happen in the middle of a step.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use deadwax_domain::Digest;
use deadwax_server::{
    blob::Blobs,
    keep::gc::{CollectError, Collector, Facts, GRACE_MS, Mentions, TRASH_MS},
    store::{EmbeddedStore, embedded::Options},
};
use futures::{FutureExt as _, future::BoxFuture};
use sha2::{Digest as _, Sha256};

use crate::{Dice, append, blob_file, cover, folder, is_long, now_ms, seed};

const FILES: usize = 3;
const HOUR_MS: u64 = 3600 * 1000;

fn content(number: usize) -> Bytes {
    Bytes::from(format!("take {number}"))
}

fn digest(number: usize) -> Digest {
    Digest(Sha256::digest(content(number)).into())
}

/// The facts of a case, and what happens right after they were asked.
struct Told {
    facts: Mutex<HashSet<Digest>>,
    then: Mutex<Option<usize>>,
    blobs: Mutex<Arc<Blobs>>,
    /// The control: an upload that the collector cannot see.
    unseen: bool,
    root: PathBuf,
}

impl Mentions for Told {
    fn among<'a>(
        &'a self,
        asked: &'a HashSet<Digest>,
    ) -> BoxFuture<'a, Result<HashSet<Digest>, CollectError>> {
        async move {
            let answer = asked.intersection(&self.facts.lock().unwrap()).copied().collect();
            let then = self.then.lock().unwrap().take();
            if let Some(number) = then {
                // An upload and its fact, both between the question and what the collector does about the answer.
                if self.unseen {
                    let file = blob_file(&self.root, digest(number));
                    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
                    std::fs::write(file, content(number)).unwrap();
                } else {
                    let blobs = self.blobs.lock().unwrap().clone();
                    blobs.put(content(number)).await.unwrap();
                }
                self.facts.lock().unwrap().insert(digest(number));
            }
            Ok(answer)
        }
        .boxed()
    }
}

struct Case {
    root: PathBuf,
    told: Arc<Told>,
    blobs: Arc<Blobs>,
    collector: Collector,
    due: HashSet<Digest>,
    /// Named or asked for, and since when: a fact may follow within the grace time, as long as the process lives.
    pending: BTreeMap<usize, u64>,
    now: u64,
    steps: Vec<String>,
}

impl Case {
    async fn new(root: &Path, unseen: bool) -> Self {
        let blobs = Blobs::open_with(root.to_owned(), 0).await.unwrap();
        let told = Told {
            facts: Mutex::default(),
            then: Mutex::default(),
            blobs: Mutex::new(blobs.clone()),
            unseen,
            root: root.to_owned(),
        };
        let told = Arc::new(told);
        let marks = root.join("keep/marks.json");
        let collector = Collector::open(blobs.clone(), told.clone(), marks);
        let (due, pending, steps) = (HashSet::new(), BTreeMap::new(), Vec::new());
        Self { root: root.to_owned(), told, blobs, collector, due, pending, now: now_ms(), steps }
    }

    async fn restart(&mut self) {
        self.blobs = Blobs::open_with(self.root.clone(), 0).await.unwrap();
        *self.told.blobs.lock().unwrap() = self.blobs.clone();
        let marks = self.root.join("keep/marks.json");
        self.collector = Collector::open(self.blobs.clone(), self.told.clone(), marks);
        self.pending.clear();
        self.due.clear();
    }

    async fn step(&mut self, dice: &mut Dice) {
        let number = dice.below(FILES as u64) as usize;
        let step = dice.below(12);
        self.steps.push(format!("{step}:{number}"));
        match step {
            0 | 1 => {
                self.blobs.put(content(number)).await.unwrap();
                self.pending.insert(number, self.now);
            }
            2 if self.pending.get(&number).is_some_and(|since| self.now - since < GRACE_MS) => {
                self.told.facts.lock().unwrap().insert(digest(number));
            }
            3 if self.blobs.has(digest(number)).await.unwrap() => {
                self.pending.insert(number, self.now);
            }
            3 => {}
            4 | 5 => self.due = self.collector.mark(self.now).await.unwrap(),
            6 => {
                *self.told.then.lock().unwrap() = Some(number).filter(|_| dice.below(2) == 0);
                let due = std::mem::take(&mut self.due);
                self.collector.discard(due, self.now).await.unwrap();
            }
            7 => {
                *self.told.then.lock().unwrap() = Some(number).filter(|_| dice.below(3) == 0);
                self.collector.erase(self.now).await.unwrap();
            }
            8 => drop(self.collector.rescue().await.unwrap()),
            9 => self.restart().await,
            10 => self.now += HOUR_MS * (1 + dice.below(30)),
            11 => self.now += TRASH_MS / 2,
            _ => {}
        }
        *self.told.then.lock().unwrap() = None;
    }

    /// Facts whose file is not there.
    fn lost(&self) -> usize {
        let facts = self.told.facts.lock().unwrap();
        facts.iter().filter(|digest| !blob_file(&self.root, **digest).exists()).count()
    }
}

/// The first order in which a file was lost, if there is one; how many were discarded and erased in all.
async fn play(cases: u64, unseen: bool) -> (u64, u64, Option<String>) {
    let (mut discarded, mut erased) = (0, 0);
    for number in 0..cases {
        let home = folder();
        let mut dice = Dice(seed().wrapping_mul(1_000_003).wrapping_add(number));
        let mut case = Case::new(home.path(), unseen).await;
        for _ in 0..30 {
            let before = case.blobs.trash().await.unwrap().len();
            case.step(&mut dice).await;
            let after = case.blobs.trash().await.unwrap().len();
            discarded += after.saturating_sub(before) as u64;
            erased += before.saturating_sub(after) as u64;
            if case.lost() > 0 {
                return (discarded, erased, Some(format!("case {number}: {}", case.steps.join(" "))));
            }
        }
    }
    (discarded, erased, None)
}

#[tokio::test]
async fn audio_that_a_fact_names_is_never_collected() {
    let cases = if is_long() { 1_000_000 } else { 1_500 };
    let (discarded, erased, lost) = play(cases, false).await;
    let (_, _, control) = play(3_000, true).await;
    let held = lost.is_none() && control.is_some() && discarded > cases / 100 && erased > 0;
    println!(
        "#gate GC {} {cases} orders, {discarded} files discarded, {erased} erased or put back, {} that a fact names removed; an upload that the collector cannot see {}",
        if held { "held" } else { "missed" },
        usize::from(lost.is_some()),
        if control.is_some() { "is lost (control)" } else { "was not lost: the test is blind" },
    );
    assert!(held, "{lost:?} {control:?}");
}

/// The whole way over a real journal: a file that nobody names goes in its time and not before; one that is named stays.
#[tokio::test]
async fn what_no_fact_names_goes_in_its_time() {
    let home = folder();
    let root = home.path().join("studio");
    let store = Arc::new(EmbeddedStore::open(Options { reserve_bytes: 0, ..Options::new(&root) }).unwrap());
    let blobs = Blobs::open_with(root.clone(), 0).await.unwrap();
    let named = blobs.put(Dice(1).bytes(300_000)).await.unwrap();
    let stranger = blobs.put(Dice(2).bytes(300_000)).await.unwrap();
    let later = blobs.put(Dice(3).bytes(10)).await.unwrap();
    use deadwax_server::store::Store as _;
    store.append(append(1, 0, 1, vec![cover(named, 300_000, 5)])).await.unwrap();
    let facts = Arc::new(Facts(store.clone()));
    let mut collector = Collector::open(blobs.clone(), facts, root.join("keep/marks.json"));
    let now = now_ms();
    let there = |digest| blob_file(&root, digest).exists();
    assert_eq!(collector.pass(now).await.unwrap().marked, 2);
    let done = collector.pass(now + GRACE_MS - 1).await.unwrap();
    assert_eq!((done.discarded, there(stranger)), (0, true));
    store.append(append(1, 1, 2, vec![cover(later, 10, 5)])).await.unwrap();
    let done = collector.pass(now + GRACE_MS).await.unwrap();
    assert_eq!((done.discarded, there(stranger), there(named), there(later)), (1, false, true, true));
    let derived = root.join("derived").join(format!("{stranger}.sums"));
    assert!(derived.exists());
    assert_eq!(collector.pass(now + GRACE_MS + TRASH_MS - 1).await.unwrap().erased, 0);
    assert_eq!(collector.pass(now + GRACE_MS + TRASH_MS).await.unwrap().erased, 1);
    assert!(blobs.trash().await.unwrap().is_empty() && !derived.exists());
    assert_eq!(blobs.verify(named).await.unwrap(), 300_000);
}

/// The inspector: what is in the trash and named after all comes back.
#[tokio::test]
async fn what_is_named_comes_back_from_the_trash() {
    let home = folder();
    let mut case = Case::new(home.path(), false).await;
    case.blobs.put(content(0)).await.unwrap();
    case.collector.mark(case.now).await.unwrap();
    let due = case.collector.mark(case.now + GRACE_MS).await.unwrap();
    assert_eq!(case.collector.discard(due, case.now + GRACE_MS).await.unwrap(), 1);
    case.told.facts.lock().unwrap().insert(digest(0));
    assert_eq!(case.lost(), 1);
    let done = case.collector.pass(case.now + GRACE_MS + 1).await.unwrap();
    assert_eq!((done.put_back, case.lost()), (1, 0));
}
