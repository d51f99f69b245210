//! The same people at a real server: a process that is killed again and again, behind a line that cuts. What was seen goes to the same judge. Never here:
//! anything simulated.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use deadwax_domain::Role;
use deadwax_proto::v1;
use deadwax_server::{
    auth::Directory,
    config::Config,
    disk::faulty::Dice,
    render::inspect::Program,
    store::{EmbeddedStore, embedded::Options},
    studio::{Parts, Studio, SystemClock},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;

use super::{
    house::{Chair, Ears, PROJECT, furnish},
    people::{Dial, Person, Phase, Place, Seat},
};
use crate::{
    harness::House,
    history::{Book, Wrong, check, facts_of},
};

pub(super) const PEOPLE: [Chair; 16] = [
    ("manager", v1::Role::Manager, Role::Manager),
    ("artist", v1::Role::Artist, Role::Artist),
    ("artist 2", v1::Role::Artist, Role::Artist),
    ("producer", v1::Role::Producer, Role::Producer),
    ("producer 2", v1::Role::Producer, Role::Producer),
    ("mixer", v1::Role::MixEngineer, Role::MixEngineer),
    ("mixer 2", v1::Role::MixEngineer, Role::MixEngineer),
    ("mixer 3", v1::Role::MixEngineer, Role::MixEngineer),
    ("masterer", v1::Role::MasteringEngineer, Role::MasteringEngineer),
    ("masterer 2", v1::Role::MasteringEngineer, Role::MasteringEngineer),
    ("label", v1::Role::Label, Role::Label),
    ("label 2", v1::Role::Label, Role::Label),
    ("label 3", v1::Role::Label, Role::Label),
    ("manager 2", v1::Role::Manager, Role::Manager),
    ("artist 3", v1::Role::Artist, Role::Artist),
    ("listener", v1::Role::Listener, Role::Listener),
];

/// What came of one studio.
#[derive(Debug)]
pub struct Fought {
    pub wrong: Vec<String>,
    pub facts: usize,
    pub calls: usize,
    pub kills: usize,
    pub cuts: u64,
    /// Of the judgement alone.
    pub judged_s: f64,
}

/// For so long, in a fresh studio below `root`. `exe`: a program that is the server too.
///
/// # Errors
/// Where the studio cannot be set up or a start fails.
pub async fn fight(exe: &Path, root: &Path, seed: u64, long: Duration) -> Result<Fought> {
    let mut house = House::found(exe, root)?;
    settle(&house)?;
    let (seats, names) = people(&house.studio).await?;
    let server: SocketAddr = house.address.parse()?;
    let line = Line::cutting(server, seed).await?;
    let place = Arc::new(Place {
        project: PROJECT,
        dial: dial(vec![line.front]),
        book: Book::default(),
        phase: Phase::default(),
        tell: Box::new(|_| {}),
        bounce: wav,
        patience: Duration::from_secs(10),
        pause: Duration::from_millis(600),
    });
    read(&house.studio, &place.book).await?;
    house.open()?;
    let all = seats.len();
    let lives: Vec<_> = seats
        .into_iter()
        .map(|seat| tokio::spawn(Person::new(seat, Arc::clone(&place), seed).live()))
        .collect();

    let (begun, mut dice, mut kills) = (Instant::now(), Dice::from_seed(seed), 0);
    while begun.elapsed() < long {
        tokio::time::sleep(Duration::from_millis(500 + dice.below(3_000))).await;
        house.kill()?;
        kills += 1;
        read(&house.studio, &place.book).await?;
        house.open().context("after a kill")?;
    }
    place.phase.next();
    let rest = Instant::now();
    while place.phase.at_rest.load(Ordering::SeqCst) < all {
        ensure!(rest.elapsed() < Duration::from_secs(120), "the studio did not come to rest");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // What was done last comes to every screen within a heartbeat, over whatever line.
    tokio::time::sleep(Duration::from_secs(3)).await;
    place.phase.next();
    for life in lives {
        life.await.context("a person panicked")?;
    }
    house.close()?;

    let facts = read(&house.studio, &place.book).await?;
    let history = place.book.close(facts);
    let judging = Instant::now();
    let wrong = check(PROJECT, &names, &history).iter().map(Wrong::to_string).collect();
    let (facts, calls) = (history.facts.len(), history.calls.len());
    let (judged_s, cuts) = (judging.elapsed().as_secs_f64(), line.cuts());
    Ok(Fought { wrong, facts, calls, kills, cuts, judged_s })
}

/// No TLS, no renders, no limit of calls: what is asked is asked quickly, and the judge wants facts of people.
pub(super) fn settle(house: &House) -> Result<()> {
    house.set([("", "tls", false)])?;
    house.set([
        ("render", "workers", 0),
        ("door", "calls_per_s", 100_000),
        ("door", "calls_burst", 100_000),
        ("door", "connections_per_person", 1_000),
        ("limits", "connections_per_address", 4_000),
    ])
}

/// Before the server starts: as its own parts would do it.
async fn people(studio: &Path) -> Result<(Vec<Seat>, Arc<Directory>)> {
    let store = Arc::new(EmbeddedStore::open(Options::new(studio))?);
    let program = Program { exe: "/nowhere".into(), prefix: Vec::new() };
    let parts =
        Parts { store, clock: Arc::new(SystemClock), inspect: Arc::new(Ears), program, fingerprint: None };
    let studio = Studio::assemble(studio, Config::default(), parts).await?;
    furnish(&studio, &PEOPLE).await
}

/// What the journal holds while no server runs.
async fn read(studio: &Path, book: &Book) -> Result<Vec<crate::history::Fact>> {
    let store = EmbeddedStore::open(Options::new(studio)).context("opening the journal after a kill")?;
    let facts = facts_of(&store, PROJECT).await?;
    book.started(&facts);
    Ok(facts)
}

/// Each new line leads to the next of these.
pub(super) fn dial(fronts: Vec<SocketAddr>) -> Dial {
    let dialled = AtomicUsize::new(0);
    Arc::new(move || {
        let at = dialled.fetch_add(1, Ordering::SeqCst) % fronts.len().max(1);
        let endpoint = match fronts.get(at) {
            Some(front) => Endpoint::from_shared(format!("http://{front}")),
            None => Endpoint::from_shared("http://127.0.0.1:9".to_owned()),
        };
        Box::pin(async move {
            let endpoint = endpoint?
                .connect_timeout(Duration::from_secs(5))
                .http2_keep_alive_interval(Duration::from_secs(3))
                .keep_alive_timeout(Duration::from_secs(3))
                .keep_alive_while_idle(true);
            endpoint.connect().await
        })
    })
}

/// A line in between that is cut after a while, or holds what it should carry until then.
pub(super) struct Line {
    pub front: SocketAddr,
    cuts: Arc<AtomicU64>,
    calm: CancellationToken,
}

impl Line {
    pub async fn cutting(server: SocketAddr, seed: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let front = listener.local_addr()?;
        let (cuts, calm) = (Arc::new(AtomicU64::new(0)), CancellationToken::new());
        let line = Self { front, cuts: Arc::clone(&cuts), calm: calm.clone() };
        tokio::spawn(async move {
            let mut dice = Dice::from_seed(seed ^ 0x11);
            while let Ok((near, _)) = listener.accept().await {
                let (whole, held) = (Duration::from_millis(300 + dice.below(8_000)), dice.below(4) == 0);
                let (cuts, calm) = (Arc::clone(&cuts), calm.clone());
                tokio::spawn(async move {
                    if calm.is_cancelled() {
                        carry(near, server).await;
                        return;
                    }
                    tokio::select! {
                        () = cut((near, server), (whole, held), &cuts) => {}
                        () = calm.cancelled() => {}
                    }
                });
            }
        });
        Ok(line)
    }

    pub fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::SeqCst)
    }

    /// Whatever is open is cut for the last time; from then on it carries.
    pub fn calm(&self) {
        self.calm.cancel();
    }
}

async fn carry(mut near: TcpStream, server: SocketAddr) {
    let Ok(mut far) = TcpStream::connect(server).await else { return };
    let _ended = tokio::io::copy_bidirectional(&mut near, &mut far).await;
}

async fn cut((mut near, server): (TcpStream, SocketAddr), (whole, held): (Duration, bool), cuts: &AtomicU64) {
    let Ok(mut far) = TcpStream::connect(server).await else { return };
    let carry = tokio::io::copy_bidirectional(&mut near, &mut far);
    if tokio::time::timeout(whole, carry).await.is_err() {
        cuts.fetch_add(1, Ordering::SeqCst);
        if held {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
}

/// A quarter of a second of two sines, 16 bits, stereo, 44.1 kHz; no two alike.
pub(super) fn wav(dice: &mut Dice) -> Vec<u8> {
    const FRAMES: u32 = 11_025;
    let (low, high) = (100.0 + dice.below(1_000) as f64 / 3.0, 500.0 + dice.below(9_000) as f64 / 7.0);
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + FRAMES * 4).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    wav.extend(44_100_u32.to_le_bytes());
    wav.extend((44_100_u32 * 4).to_le_bytes());
    wav.extend(b"\x04\0\x10\0data");
    wav.extend((FRAMES * 4).to_le_bytes());
    for frame in 0..FRAMES {
        let at = f64::from(frame) / 44_100.0 * std::f64::consts::TAU;
        for hertz in [low, high] {
            let sample = ((at * hertz).sin() * 3_000.0) as i16;
            wav.extend(sample.to_le_bytes());
        }
    }
    wav
}
