//! The same people at two real servers over one Postgres: servers are killed or told to stop, every line is cut after a while and the next one leads to the other
//! server, the database is killed and started again. What was seen goes to the same judge. Never here: the people, and what is right (`history`).

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use deadwax_server::{
    auth::Directory,
    config::Config,
    disk::faulty::Dice,
    render::inspect::Program,
    store::{Store, postgres::PostgresStore},
    studio::{Parts, Studio, SystemClock},
};

use super::{
    house::{Ears, PROJECT, furnish},
    people::{Person, Phase, Place, Seat},
    real::{Line, PEOPLE, dial, settle, wav},
};
use crate::{
    harness::{Does, House},
    history::{Book, Fact, Wrong, check, facts_of},
    scale::cluster::Cluster,
};

/// What came of one studio.
#[derive(Debug, Default)]
pub struct Fought {
    pub wrong: Vec<String>,
    pub facts: usize,
    pub calls: usize,
    pub kills: usize,
    pub stops: usize,
    pub cuts: u64,
    /// Times that the database was killed, and how long it was away in all.
    pub blackouts: usize,
    pub dark: Duration,
    /// Of the judgement alone.
    pub judged_s: f64,
}

/// The database, the servers over it, and somebody who looks into the database beside them.
struct Ground {
    cluster: Arc<Cluster>,
    servers: Vec<House>,
    store: Arc<PostgresStore>,
    lines: Vec<Line>,
}

/// For so long, in a fresh studio below `root`. `exe`: a program that is the server too. `None`: no Postgres is installed here, which was said.
///
/// # Errors
/// Where the studio cannot be set up or a start fails.
pub async fn fight(exe: &Path, root: &Path, seed: u64, long: Duration) -> Result<Option<Fought>> {
    let Some(cluster) = tokio::task::spawn_blocking(|| Cluster::start(&[])).await? else { return Ok(None) };
    let cluster = Arc::new(cluster);
    let options = cluster.place();
    let settings = vec![
        ("STORE__ENGINE", "postgres".to_owned()),
        ("STORE__URL", options.url.reveal().to_owned()),
        // Both ask more often than anybody else here.
        ("STORE__POOL", "8".to_owned()),
    ];
    let first = House::found_with(exe, root, settings)?;
    settle(&first)?;
    let store = Arc::new(PostgresStore::open(options).await.context("a look into the database")?);
    let (seats, names) = people(&first.studio, &store).await?;
    let second = first.beside("second", Does::Serve)?;
    second.share_audio_of(&first)?;
    let mut ground = Ground { cluster, servers: vec![first, second], store, lines: Vec::new() };
    for (number, server) in (0..).zip(&ground.servers) {
        ground.lines.push(Line::cutting(server.address.parse()?, seed ^ number).await?);
    }
    let place = Arc::new(Place {
        project: PROJECT,
        dial: dial(ground.lines.iter().map(|line| line.front).collect()),
        book: Book::default(),
        phase: Phase::default(),
        tell: Box::new(|_| {}),
        bounce: wav,
        patience: Duration::from_secs(10),
        pause: Duration::from_millis(600),
    });
    ground.read(&place.book).await?;
    ground.servers.iter_mut().try_for_each(House::open)?;
    let mut fought = Fought::default();
    let ends = ground.storm((seats, &place), (seed, long), &mut fought).await?;
    ground.servers.iter_mut().try_for_each(House::close)?;

    let facts = ground.read(&place.book).await?;
    let history = place.book.close(facts);
    let judging = Instant::now();
    fought.wrong = check(PROJECT, &names, &history).iter().map(Wrong::to_string).collect();
    let head = history.facts.len() as u64;
    for (name, seq) in ends.into_iter().filter(|(_, seq)| *seq != head) {
        fought.wrong.push(format!("{name} saw {seq} of {head} facts in the end"));
    }
    (fought.facts, fought.calls) = (history.facts.len(), history.calls.len());
    fought.judged_s = judging.elapsed().as_secs_f64();
    fought.cuts = ground.lines.iter().map(Line::cuts).sum();
    Ok(Some(fought))
}

impl Ground {
    /// Everybody at work while things fail, then at rest; what each of them saw last.
    async fn storm(
        &mut self,
        (seats, place): (Vec<Seat>, &Arc<Place>),
        (seed, long): (u64, Duration),
        fought: &mut Fought,
    ) -> Result<Vec<(&'static str, u64)>> {
        let all = seats.len();
        let lives: Vec<_> = seats
            .into_iter()
            .map(|seat| (seat.name, tokio::spawn(Person::new(seat, Arc::clone(place), seed).live())))
            .collect();
        let (begun, mut dice) = (Instant::now(), Dice::from_seed(seed));
        while begun.elapsed() < long {
            tokio::time::sleep(Duration::from_millis(500 + dice.below(2_500))).await;
            if fought.blackouts == 0 && begun.elapsed() > long / 3 {
                self.black_out(fought).await?;
            } else {
                let server = dice.below(self.servers.len() as u64) as usize;
                self.strike(server, dice.below(3) == 0, fought)?;
            }
            self.read(&place.book).await?;
        }
        place.phase.next();
        let rest = Instant::now();
        while place.phase.at_rest.load(Ordering::SeqCst) < all {
            ensure!(rest.elapsed() < Duration::from_secs(120), "the studio did not come to rest");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // What was done last comes to every screen within a heartbeat and a new line.
        self.lines.iter().for_each(Line::calm);
        tokio::time::sleep(Duration::from_secs(5)).await;
        place.phase.next();
        let mut ends = Vec::new();
        for (name, life) in lives {
            ends.push((name, life.await.context("a person panicked")?));
        }
        Ok(ends)
    }

    /// One server goes, and comes back: without a word, or told to stop.
    fn strike(&mut self, server: usize, told: bool, fought: &mut Fought) -> Result<()> {
        let house = self.servers.get_mut(server).context("there is no such server")?;
        if told {
            house.close()?;
            fought.stops += 1;
        } else {
            house.kill()?;
            fought.kills += 1;
        }
        house.open().context("the start after that")
    }

    /// The database dies and is started again.
    async fn black_out(&self, fought: &mut Fought) -> Result<()> {
        let (cluster, begun) = (Arc::clone(&self.cluster), Instant::now());
        let back = tokio::task::spawn_blocking(move || {
            cluster.kill();
            std::thread::sleep(Duration::from_millis(500));
            cluster.go();
        });
        back.await.context("the database could not be started again")?;
        fought.blackouts += 1;
        fought.dark += begun.elapsed();
        Ok(())
    }

    /// What the database holds, while others write to it.
    async fn read(&self, book: &Book) -> Result<Vec<Fact>> {
        let at = book.tick();
        let facts = facts_of(&*self.store, PROJECT).await?;
        book.looked(at, &facts);
        Ok(facts)
    }
}

/// Before the servers start: as their own parts would do it.
async fn people(folder: &Path, store: &Arc<PostgresStore>) -> Result<(Vec<Seat>, Arc<Directory>)> {
    let program = Program { exe: "/nowhere".into(), prefix: Vec::new() };
    let parts = Parts {
        store: Arc::clone(store) as Arc<dyn Store>,
        clock: Arc::new(SystemClock),
        inspect: Arc::new(Ears),
        program,
        fingerprint: None,
    };
    let studio = Studio::assemble(folder, Config::default(), parts).await?;
    furnish(&studio, &PEOPLE).await
}
