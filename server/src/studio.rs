//! What one running studio consists of: handed to every service. Opened once by `serve`, or by a test with other parts. Never here: what a
//! request does (rpc/) and who may (the domain).

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use deadwax_domain::Digest;
use futures::{FutureExt as _, future::BoxFuture};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{People, secret::Secret},
    blob::{Blobs, far},
    config::{self, Config},
    egress::{self, EgressBook},
    evidence::{Chains, StudioKey},
    handoff::Troubles,
    leases::{Leases, Leasing, memory},
    ledger::{Clock, Ledger},
    listening::Listening,
    metrics::{self, Metrics},
    notify::secret::Secrets,
    reload::Current,
    render::{
        self,
        compare::{self, CompareFiles},
        compared::Comparisons,
        hearing::{self, Window, WindowAsked},
        inspect::{self, InspectError, Inspected, Program},
        record::{Making, offered::Offered},
        worker::Running,
    },
    rpc::planner::Planner,
    store::Store,
    traces::Traces,
};

/// Measures a file that came from outside. The real one decodes in a child process.
pub trait Inspect: Send + Sync + 'static {
    /// Measures `audio` and writes its waveform pyramid to `waveform`.
    fn inspect<'a>(
        &'a self,
        audio: &'a Path,
        waveform: &'a Path,
    ) -> BoxFuture<'a, Result<Inspected, InspectError>>;

    /// Draws a stretch of `audio` from its samples.
    fn window<'a>(
        &'a self,
        audio: &'a Path,
        asked: WindowAsked,
    ) -> BoxFuture<'a, Result<Window, InspectError>>;

    /// Writes a copy of `audio` for listening to `out`. `seconds`: how long the sound is.
    fn copy<'a>(
        &'a self,
        audio: &'a Path,
        out: &'a Path,
        seconds: u64,
    ) -> BoxFuture<'a, Result<(), InspectError>>;

    /// Compares two files and writes the answer where it was asked for.
    fn compare<'a>(&'a self, files: &'a CompareFiles) -> BoxFuture<'a, Result<(), InspectError>>;
}

/// Decodes in a child of this program, a few at a time: each may use the memory that [`Limits::INSPECT`] allows.
///
/// [`Limits::INSPECT`]: crate::render::Limits::INSPECT
pub struct InChild {
    program: Program,
    permits: Semaphore,
    /// For what is done in a moment and waited for: it does not stand behind whole songs.
    quick: Semaphore,
}

impl InChild {
    const AT_ONCE: usize = 2;

    pub fn new(program: Program) -> Self {
        Self { program, permits: Semaphore::new(Self::AT_ONCE), quick: Semaphore::new(Self::AT_ONCE) }
    }
}

impl Inspect for InChild {
    fn inspect<'a>(
        &'a self,
        audio: &'a Path,
        waveform: &'a Path,
    ) -> BoxFuture<'a, Result<Inspected, InspectError>> {
        async move {
            let _permit = self.permits.acquire().await.map_err(|_| InspectError::Failed("closed".into()))?;
            inspect::inspect(&self.program, audio, waveform).await
        }
        .boxed()
    }

    fn window<'a>(
        &'a self,
        audio: &'a Path,
        asked: WindowAsked,
    ) -> BoxFuture<'a, Result<Window, InspectError>> {
        async move {
            let _permit = self.quick.acquire().await.map_err(|_| InspectError::Failed("closed".into()))?;
            hearing::window(&self.program, audio, asked).await
        }
        .boxed()
    }

    fn copy<'a>(
        &'a self,
        audio: &'a Path,
        out: &'a Path,
        seconds: u64,
    ) -> BoxFuture<'a, Result<(), InspectError>> {
        async move {
            let _permit = self.permits.acquire().await.map_err(|_| InspectError::Failed("closed".into()))?;
            hearing::copy(&self.program, audio, out, seconds).await
        }
        .boxed()
    }

    fn compare<'a>(&'a self, files: &'a CompareFiles) -> BoxFuture<'a, Result<(), InspectError>> {
        async move {
            let _permit = self.permits.acquire().await.map_err(|_| InspectError::Failed("closed".into()))?;
            compare::compare(&self.program, files).await
        }
        .boxed()
    }
}

/// The time of the operating system: a label for people, never an order.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

pub struct Studio {
    /// The settings, which may change; asked for anew by whoever uses one.
    pub current: Current,
    pub metrics: Metrics,
    pub traces: Traces,
    pub folder: PathBuf,
    pub store: Arc<dyn Store>,
    pub people: Arc<People>,
    pub ledger: Arc<Ledger>,
    /// Who does which work, among all processes over the store.
    pub leasing: Leasing,
    pub clock: Arc<dyn Clock>,
    pub blobs: Arc<Blobs>,
    pub inspect: Arc<dyn Inspect>,
    pub comparisons: Arc<Comparisons>,
    /// Who was given which bytes.
    pub egress: Arc<EgressBook>,
    /// What each person has heard.
    pub listening: Listening,
    /// The renders that run in this process.
    pub renders: Arc<Running>,
    /// The records that are made in this process.
    pub making: Arc<Making>,
    /// What records can be made for, and their dry runs.
    pub planner: Arc<Planner>,
    /// Why handoffs are not packed yet.
    pub packages: Arc<Troubles>,
    /// How the render worker starts its children.
    pub program: Program,
    /// What webhooks are signed with.
    pub webhook_secrets: Arc<Secrets>,
    /// What checkpoints are signed with.
    pub key: Arc<StudioKey>,
    /// The chain lists that checkpoints are over.
    pub chains: Chains,
    /// Cancelled when the server begins to stop: every stream ends, and every session's token is a child of it.
    pub closing: CancellationToken,
    bound: OnceLock<SocketAddr>,
    /// For probes, until `serve` takes it.
    probes: Mutex<Option<TcpListener>>,
    probes_at: Option<SocketAddr>,
}

/// The parts of a studio that a test may choose.
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub inspect: Arc<dyn Inspect>,
    pub program: Program,
    /// Of the certificate; absent where TLS is off.
    pub fingerprint: Option<Digest>,
}

impl Studio {
    /// Opens people, ledger and audio over the parts given.
    pub async fn assemble(folder: &Path, config: Config, parts: Parts) -> anyhow::Result<Arc<Self>> {
        let Parts { store, clock, inspect, program, fingerprint } = parts;
        let closing = CancellationToken::new();
        let people = People::open(Arc::clone(&store), Arc::clone(&clock), closing.clone())
            .await
            .context("reading the people of the studio failed")?;
        let ledger = Ledger::open(Arc::clone(&store), Arc::clone(&clock))
            .await
            .context("reading the ledger failed")?;
        let root = std::path::absolute(folder).context("finding the studio folder failed")?;
        let far = far::of_settings(&config.audio, &root)?;
        let key = StudioKey::of(folder);
        if let Some(far) = &far {
            let checked = far.check(&key.public_key()?).await;
            checked.map_err(anyhow::Error::msg).context("the object store of `[audio]` cannot be used")?;
        }
        let (drive, reserve_bytes) = (store.drive().clone(), config.limits.reserve_bytes);
        let blobs = Blobs::open_beside(far, drive, root.clone(), reserve_bytes)
            .await
            .context("opening the audio failed")?;
        // Nobody needs what lies there; a disk that refuses will say so where it matters.
        if let Err(error) = render::tidy(&folder.join("derived")).await {
            tracing::warn!(%error, "unfinished work of an earlier start could not be removed from derived/");
        }
        let egress = EgressBook::open(store.drive(), &root.join(egress::FOLDER), Arc::clone(&clock))
            .await
            .context("opening the egress book failed")?;
        let comparisons =
            Comparisons::open(Arc::clone(&blobs), Arc::clone(&inspect), folder.join("comparing"))
                .await
                .context("emptying the folder of comparisons failed")?;
        let profiles = folder.join(config::PROFILES);
        let offered = Offered::of_folder(&profiles).await.with_context(|| {
            format!("the profiles of the studio in {} cannot be used", profiles.display())
        })?;
        let planner = Planner::new(Arc::clone(&blobs), config.name.clone(), offered);
        let leases: Option<Arc<dyn Leases>> = store.leases();
        let leasing = Leasing {
            leases: leases.unwrap_or_else(|| Arc::new(memory::Table::default())),
            span: Duration::from_secs(config.render.lease_seconds.into()),
        };
        let chains = Chains::new(Arc::clone(&ledger), Arc::clone(&store));
        let webhook_secrets = Arc::new(secrets(folder, &*store).await?);
        let probes = metrics::http::listen(&config.metrics).await?;
        Ok(Arc::new(Self {
            metrics: Metrics::new(store.drive().figures()),
            traces: Traces::open(&config.telemetry)?,
            probes_at: probes.as_ref().and_then(|it| it.local_addr().ok()),
            probes: Mutex::new(probes),
            current: Current::new(config, fingerprint),
            folder: folder.to_owned(),
            store,
            people,
            ledger,
            leasing,
            clock,
            blobs,
            inspect,
            comparisons,
            egress,
            listening: Listening::new(folder.join("heard")),
            renders: Arc::default(),
            making: Arc::default(),
            planner: Arc::new(planner),
            packages: Arc::default(),
            program,
            webhook_secrets,
            key: Arc::new(key),
            chains,
            closing,
            bound: OnceLock::new(),
        }))
    }

    /// The settings that hold now.
    pub fn config(&self) -> Arc<Config> {
        self.current.config()
    }

    /// Of the certificate that is shown now; absent where TLS is off.
    pub fn fingerprint(&self) -> Option<Digest> {
        self.current.fingerprint()
    }

    /// What the health service says of the server as a whole.
    ///
    /// # Errors
    /// Why it does not serve.
    pub fn ready(&self) -> Result<(), &'static str> {
        if self.closing.is_cancelled() {
            return Err("the server is stopping");
        }
        if self.store.away().is_some_and(|away| *away.borrow()) {
            return Err("the database does not answer");
        }
        match self.store.drive().latch().reason() {
            Some(_) => Err("the disk failed, and nothing is written until the server is restarted"),
            None => Ok(()),
        }
    }

    /// The door for probes, once.
    pub fn take_probes(&self) -> Option<TcpListener> {
        self.probes.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Where the door for probes is.
    pub fn probes_at(&self) -> Option<SocketAddr> {
        self.probes_at
    }

    /// Told by `serve` once it listens: invite links need the port.
    pub fn listens_on(&self, address: SocketAddr) {
        let _first_stays = self.bound.set(address);
    }

    /// `deadwax://host:port/CODE#sha256=FINGERPRINT`, to be shown once.
    pub fn invite_link(&self, code: &Secret) -> String {
        let config = self.config();
        let bound = self.bound.get().copied().unwrap_or(config.listen);
        invite_link(&config.address_for_links(bound), code, self.fingerprint())
    }
}

impl Studio {
    /// `https://host:port/s#SECRET`, to be shown once. Behind the #: no browser sends that to anybody.
    pub fn share_link(&self, secret: &Secret) -> String {
        let config = self.config();
        let bound = self.bound.get().copied().unwrap_or(config.listen);
        let scheme = if self.fingerprint().is_some() { "https" } else { "http" };
        format!("{scheme}://{}/s#{}", config.address_for_links(bound), secret.reveal())
    }
}

/// Without a fingerprint the server speaks without TLS, on loopback only.
pub fn invite_link(address: &str, code: &Secret, fingerprint: Option<Digest>) -> String {
    let code = code.reveal();
    match fingerprint {
        Some(fingerprint) => format!("deadwax://{address}/{code}#sha256={fingerprint}"),
        None => format!("deadwax://{address}/{code}#plain"),
    }
}

/// What webhooks are signed with; the same at all servers over one store.
async fn secrets(folder: &Path, store: &dyn Store) -> anyhow::Result<Secrets> {
    let Some(neighbours) = store.neighbours() else { return Ok(Secrets::of(folder)) };
    let seal = neighbours.seal().await.context("asking the store for the seal of its servers failed")?;
    Ok(Secrets::among(folder, Some(seal)))
}
