//! The whole server core in one thread, with network, disk and time simulated: people at work on a project while lines, power, disk and clock fail by lot. The
//! same seed and the same commit do the same. What was seen is handed to `history`, which judges it. Never here: rules of the studio.

mod disk;
mod house;
pub mod people;
pub mod real;
pub mod several;
mod weather;
mod wishes;

use std::{
    cell::RefCell,
    fmt,
    sync::{Arc, Mutex, Once, PoisonError, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context as _, Result};
use deadwax_server::{
    blob::Blobs,
    disk::{
        Drive,
        faulty::{Dice, FaultyDisk, Loss},
        work,
    },
    store::EmbeddedStore,
};
use hyper_util::rt::TokioIo;
use sha2::{Digest as _, Sha256};
use tonic::transport::{Endpoint, Uri};

use self::{
    disk::Plug,
    house::{Failure, House, PORT, PROJECT, Wall},
    people::{Dial, Person, Phase, Place},
    weather::{Blow, Pace},
};
use crate::history::{Book, History, Wrong, check, facts_of};

/// The network moves on in such steps; timers are exact.
const STEP: Duration = Duration::from_millis(20);
/// So long things go wrong, and so long after that all must be at rest.
const STORMY: Duration = Duration::from_secs(9);
const PATIENCE: Duration = Duration::from_secs(120);
const SERVER: &str = "studio";

/// Who watched, and the last fact that each has seen.
type Ends = Vec<(&'static str, u64)>;

/// Simulates one seed after the other.
pub struct Simulator {
    house: House,
}

/// What came of one seed.
#[derive(Debug)]
pub struct Outcome {
    pub wrong: Vec<String>,
    /// Of everything that anybody did and heard, with the simulated time.
    pub trace: [u8; 32],
    /// Those that were made meanwhile.
    pub facts: usize,
    pub calls: usize,
    pub starts: usize,
    pub blows: usize,
    pub simulated: Duration,
}

/// One simulation as it runs.
struct Run<'a> {
    sim: turmoil::Sim<'a>,
    dice: Dice,
    names: Vec<&'static str>,
    disk: FaultyDisk,
    plug: Arc<Mutex<Plug>>,
    pace: Arc<Pace>,
    clock: Arc<Wall>,
    place: Arc<Place>,
    trace: Arc<Mutex<Sha256>>,
    /// When the server comes back.
    back_at: Option<Duration>,
    /// When a line is mended, the disk quick again.
    mended: Vec<(Duration, Option<usize>)>,
    /// A disk whose sync failed is of no use until a restart.
    restart_at: Option<Duration>,
    blows: usize,
}

impl Simulator {
    /// # Errors
    /// Where the studio cannot be set up.
    pub fn new() -> Result<Self> {
        Ok(Self { house: House::build()? })
    }

    /// # Errors
    /// Where the simulation itself fails; what the server does wrong stands in the outcome.
    pub fn run(&self, seed: u64) -> Result<Outcome> {
        heed_panics();
        PANIC.take();
        let pace = Pace::new();
        let beat = Arc::clone(&pace);
        let _here = work::simulate(Arc::new(move || beat.takes()));
        let trace = Arc::new(Mutex::new(Sha256::new()));
        let failure = Arc::new(Failure::default());
        let ends = Arc::new(Mutex::new(Vec::new()));
        let mut run = self.begin(seed, (pace, Arc::clone(&trace)), (&failure, &ends))?;
        let came_to_rest = run.storm();
        let (blows, starts_at, simulated) = (run.blows, Arc::clone(&run.place), run.sim.elapsed());
        let disk = run.disk.clone();
        lock(&run.plug).kill();
        drop(run);
        let (history, mut wrong) = self.look(&disk, &starts_at.book)?;
        let (head, calls, starts) = (history.facts.len(), history.calls.len(), history.lives.len());
        let facts = head - history.given as usize;
        wrong.extend(check(PROJECT, &self.house.names, &history).iter().map(Wrong::to_string));
        wrong.extend(came_to_rest.err().map(|error| format!("{error:#}")));
        wrong.extend(failure.take());
        wrong.extend(PANIC.take());
        for (name, seq) in lock(&ends).iter().filter(|(_, seq)| *seq != head as u64) {
            wrong.push(format!("{name} saw {seq} of {head} facts in the end"));
        }
        let trace = lock(&trace).clone().finalize().into();
        Ok(Outcome { wrong, trace, facts, calls, starts, blows, simulated })
    }

    fn begin<'a>(
        &'a self,
        seed: u64,
        (pace, trace): (Arc<Pace>, Arc<Mutex<Sha256>>),
        (failure, ends): (&Arc<Failure>, &Arc<Mutex<Ends>>),
    ) -> Result<Run<'a>> {
        let mut sim = turmoil::Builder::new()
            .rng_seed(seed)
            .tick_duration(STEP)
            .simulation_duration(PATIENCE * 2)
            .tcp_capacity(4096)
            .build();
        let disk = self.house.disk.twin();
        let plug = Arc::new(Mutex::new(Plug::of(disk.clone(), &self.house.path())));
        let clock = Arc::new(Wall::default());
        let told = Arc::clone(&trace);
        let place = Arc::new(Place {
            project: PROJECT,
            dial: dial(),
            book: Book::default(),
            phase: Phase::default(),
            tell: Box::new(move |words| tell(&told, words)),
            bounce: tone,
            patience: Duration::from_secs(3),
            pause: Duration::from_millis(450),
        });
        {
            let (folder, disk, plug) = (self.house.path(), disk.clone(), Arc::clone(&plug));
            let (clock, place, failure) = (Arc::clone(&clock), Arc::clone(&place), Arc::clone(failure));
            sim.host(SERVER, move || {
                let mine = Plug::of(disk.clone(), &folder);
                *lock(&plug) = mine.clone();
                let served =
                    house::serve(folder.clone(), mine.clone(), Arc::clone(&clock), Arc::clone(&place));
                let failure = Arc::clone(&failure);
                async move {
                    let ended = served.await;
                    if mine.is_in() {
                        failure.tell(format!("the server ended by itself: {ended:?}"));
                    }
                    // Dead until somebody starts it again.
                    std::future::pending().await
                }
            });
        }
        let names: Vec<&str> = self.house.seats.iter().map(|seat| seat.name).collect();
        for seat in &self.house.seats {
            let person = Person::new(seat.clone(), Arc::clone(&place), seed);
            let (name, ends) = (seat.name, Arc::clone(ends));
            sim.client(name, async move {
                let seq = person.live().await;
                lock(&ends).push((name, seq));
                Ok(())
            });
            sim.set_link_latency(name, SERVER, Duration::from_millis(10));
        }
        let dice = Dice::from_seed(seed);
        let (back_at, restart_at, mended) = (None, None, Vec::new());
        let run = Run {
            sim,
            dice,
            names,
            disk,
            plug,
            pace,
            clock,
            place,
            trace,
            back_at,
            mended,
            restart_at,
            blows: 0,
        };
        Ok(run)
    }

    /// What the disk has kept in the end, its power gone once more.
    fn look(&self, disk: &FaultyDisk, book: &Book) -> Result<(History, Vec<String>)> {
        disk.repair();
        disk.cut_power(Loss::All);
        let folder = self.house.path();
        let drive = Drive::on(Arc::new(Plug::of(disk.clone(), &folder)));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let store = EmbeddedStore::open_on_disk(&house::options(&folder), drive.clone())
                .context("the last start failed")?;
            let history = book.close(facts_of(&store, PROJECT).await?);
            let blobs = Blobs::open_on(drive, folder, 0).await?;
            let mut wrong = Vec::new();
            for received in &history.received {
                if let Err(error) = blobs.verify(received.digest).await {
                    wrong.push(format!("audio {} was acknowledged: {error}", received.digest));
                }
            }
            Ok((history, wrong))
        })
    }
}

impl Run<'_> {
    /// Until everybody has gone home.
    fn storm(&mut self) -> Result<()> {
        let mut next = Duration::from_millis(800);
        while self.sim.elapsed() < STORMY {
            if self.sim.elapsed() >= next {
                let blow = weather::next(&mut self.dice, self.names.len());
                self.strike(blow);
                next += Duration::from_millis(100 + self.dice.below(900));
            }
            self.step()?;
        }
        self.calm();
        let all = self.names.len();
        self.until(|run| run.place.phase.at_rest.load(Ordering::SeqCst) == all)?;
        // What was done last has still to come to every screen.
        let last = self.sim.elapsed() + Duration::from_secs(4);
        self.until(|run| run.sim.elapsed() >= last)?;
        self.place.phase.next();
        while !self.step()? {
            anyhow::ensure!(self.sim.elapsed() < PATIENCE, "not everybody has gone home");
        }
        Ok(())
    }

    fn until(&mut self, done: impl Fn(&Self) -> bool) -> Result<()> {
        while !done(self) {
            self.step()?;
            anyhow::ensure!(self.sim.elapsed() < PATIENCE, "the studio did not come to rest");
        }
        Ok(())
    }

    fn step(&mut self) -> Result<bool> {
        let now = self.sim.elapsed();
        self.clock.since_start_ms.store(now.as_millis() as i64, Ordering::SeqCst);
        let due: Vec<_> = self.mended.extract_if(.., |(at, _)| *at <= now).map(|(_, what)| what).collect();
        for what in due {
            match what.and_then(|who| self.names.get(who).copied()) {
                Some(name) => self.mend(name),
                None => self.pace.set(Duration::from_millis(1)),
            }
        }
        if self.restart_at.is_some_and(|at| at <= now) {
            lock(&self.plug).kill();
        }
        if self.back_at.is_none() && !lock(&self.plug).is_in() {
            tell(&self.trace, format_args!("{now:?} the server is gone"));
            self.sim.crash(SERVER);
            self.restart_at = None;
            self.disk.repair();
            self.back_at = Some(now + Duration::from_millis(20 + self.dice.below(1_500)));
        }
        if self.back_at.is_some_and(|at| at <= now) {
            self.back_at = None;
            tell(&self.trace, format_args!("{now:?} the server is back"));
            self.sim.bounce(SERVER);
        }
        self.sim.step().map_err(|error| anyhow::anyhow!("the simulation failed: {error}"))
    }

    fn mend(&self, name: &str) {
        self.sim.release(name, SERVER);
        self.sim.repair(name, SERVER);
        self.sim.set_link_latency(name, SERVER, Duration::from_millis(10));
    }

    fn strike(&mut self, blow: Blow) {
        self.blows += 1;
        let now = self.sim.elapsed();
        let names = self.names.clone();
        let name = |who: usize| names.get(who).copied().unwrap_or(SERVER);
        tell(&self.trace, format_args!("{now:?} {blow:?}"));
        let up = self.back_at.is_none();
        match blow {
            Blow::Hold(who, long) => {
                self.sim.hold(name(who), SERVER);
                self.mended.push((now + long, Some(who)));
            }
            Blow::Part(who, long) => {
                self.sim.partition(name(who), SERVER);
                self.mended.push((now + long, Some(who)));
            }
            Blow::Deaf(who, to_server, long) => {
                match to_server {
                    true => self.sim.partition_oneway(name(who), SERVER),
                    false => self.sim.partition_oneway(SERVER, name(who)),
                }
                self.mended.push((now + long, Some(who)));
            }
            Blow::Drop(who) => {
                self.sim.partition(name(who), SERVER);
                self.mended.push((now, Some(who)));
            }
            Blow::Far(who, latency) => {
                self.sim.set_link_latency(name(who), SERVER, latency);
                self.mended.push((now + latency * 20, Some(who)));
            }
            Blow::Kill if up => lock(&self.plug).kill(),
            Blow::Power(loss) if up => lock(&self.plug).pull(loss),
            Blow::PowerAfter(calls, loss) if up => lock(&self.plug).pull_after(calls, loss),
            Blow::Eio(site) if up => {
                weather::fail(&self.disk, site);
                self.restart_at.get_or_insert(now + Duration::from_millis(700));
            }
            Blow::Slow(takes) => {
                self.pace.set(takes / 4);
                self.mended.push((now + takes * 10, None));
            }
            Blow::Clock(by_ms) => drop(self.clock.wrong_by_ms.fetch_add(by_ms, Ordering::SeqCst)),
            Blow::Kill | Blow::Power(_) | Blow::PowerAfter(..) | Blow::Eio(_) => {}
        }
    }

    /// Everything works again, for good.
    fn calm(&mut self) {
        self.mended.clear();
        self.names.iter().for_each(|name| self.mend(name));
        self.pace.set(Duration::from_millis(1));
        // A failure that waits in the disk would meet somebody later.
        lock(&self.plug).kill();
        self.place.phase.next();
    }
}

/// A few kilobytes that no other upload has.
fn tone(dice: &mut Dice) -> Vec<u8> {
    let numbers = 80 + dice.below(400);
    let body: Vec<u8> = (0..numbers).flat_map(|_| dice.roll().to_le_bytes()).collect();
    [b"tone".as_slice(), &body].concat()
}

fn dial() -> Dial {
    Arc::new(|| {
        let endpoint = Endpoint::from_static("http://studio:4747")
            .http2_keep_alive_interval(Duration::from_secs(1))
            .keep_alive_timeout(Duration::from_secs(1))
            .keep_alive_while_idle(true);
        Box::pin(async move {
            let connect = |_: Uri| async {
                Ok::<_, std::io::Error>(TokioIo::new(turmoil::net::TcpStream::connect((SERVER, PORT)).await?))
            };
            endpoint.connect_with_connector(tower::service_fn(connect)).await
        })
    })
}

thread_local! {
    /// What panicked last on this thread: a task of the server that panics ends alone, and would pass for a line that broke.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn heed_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            PANIC.set(Some(info.to_string()));
            before(info);
        }));
    });
}

fn tell(trace: &Mutex<Sha256>, words: fmt::Arguments<'_>) {
    let line = format!("{:?} {words}\n", turmoil::sim_elapsed());
    if std::env::var_os("DEADWAX_TEST_TELL").is_some() {
        eprint!("{line}");
    }
    lock(trace).update(line);
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
