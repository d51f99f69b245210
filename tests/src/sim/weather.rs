//! What goes wrong, drawn by lot from the seed: lines that hold their messages, lose them or are cut, a server whose power goes at any moment and comes back, a
//! disk that is slow or fails at a sync, a clock that is put wrong. Never here: what must hold all the same.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use deadwax_server::disk::{
    Site,
    faulty::{Dice, Fault, FaultyDisk, Loss},
};

/// What is done to the world at one moment.
#[derive(Debug)]
pub enum Blow {
    /// Of one person's line, by their place at the table; for so long.
    Hold(usize, Duration),
    Part(usize, Duration),
    /// Only what goes to the server, or only what comes from it.
    Deaf(usize, bool, Duration),
    /// What is on its way is lost, and the line goes on.
    Drop(usize),
    Far(usize, Duration),
    Kill,
    Power(Loss),
    /// After so many calls of the disk.
    PowerAfter(u64, Loss),
    /// The next such sync fails.
    Eio(Site),
    Slow(Duration),
    Clock(i64),
}

/// How long the simulated disk takes now.
pub struct Pace(AtomicU64);

impl Pace {
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(1)))
    }

    pub fn set(&self, takes: Duration) {
        self.0.store(takes.as_millis() as u64, Ordering::SeqCst);
    }

    pub fn takes(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::SeqCst))
    }
}

const HOUR_MS: i64 = 3_600_000;

pub fn next(dice: &mut Dice, people: usize) -> Blow {
    let who = dice.below(people as u64) as usize;
    let long = Duration::from_millis(50 + dice.below(2_500));
    let short = Duration::from_millis(20 + dice.below(200));
    let loss = loss(dice);
    match dice.below(100) {
        0..14 => Blow::Hold(who, long),
        14..26 => Blow::Part(who, long),
        26..34 => Blow::Deaf(who, dice.below(2) == 0, long),
        34..42 => Blow::Drop(who),
        42..50 => Blow::Far(who, short),
        50..58 => Blow::Kill,
        58..66 => Blow::Power(loss),
        66..80 => Blow::PowerAfter(dice.below(60), loss),
        80..86 => Blow::Eio(site(dice)),
        86..94 => Blow::Slow(short),
        94..97 => Blow::Clock(-HOUR_MS),
        _ => Blow::Clock(24 * HOUR_MS),
    }
}

fn loss(dice: &mut Dice) -> Loss {
    let seed = dice.roll();
    match dice.below(4) {
        0 => Loss::All,
        1 => Loss::None,
        2 => Loss::Torn(seed),
        _ => Loss::Reordered(seed),
    }
}

fn site(dice: &mut Dice) -> Site {
    match dice.below(4) {
        0 => Site::PartSync,
        1 => Site::BlobFolderSync,
        _ => Site::RecordSync,
    }
}

/// The next sync there fails, once.
pub fn fail(disk: &FaultyDisk, site: Site) {
    disk.plan(site, 0, Fault::Eio);
}
