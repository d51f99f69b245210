//! The command line of the server. Exit codes: 0 fine, 1 the answer is no, 2 wrong usage, 3 bad input. JSON goes to standard output as one
//! object a line, everything else to standard error. Never here: what a verb does (`admin`, `serve`).

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use tokio::{net::TcpListener, signal::unix::SignalKind};
use tokio_util::sync::CancellationToken;

use crate::{
    admin,
    config::{self, Config, ConfigError, Confine},
    keep::{restore::At, verify::Sample},
    metrics, received,
    reload::Reloader,
    render::{
        Program,
        child::{self, ChildVerb},
        confine,
    },
    serve, service,
    store::{embedded, settings::Engine},
    studio::{InChild, Parts, Studio, SystemClock},
    telemetry, tls, workers,
};

#[derive(Parser)]
#[command(name = "deadwax-server", version, about = "The studio server of Deadwax", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Make a studio folder: settings, certificate, first owner; prints the owner's invite link
    Init(Init),
    /// Run the server on a studio folder
    Serve(Serve),
    /// Do the studio's work on sound on this machine, beside servers that share its database; without a door for clients
    Worker(Work),
    /// Ask a running server whether it serves, at `metrics.listen` of its settings; exit code 1: it does not
    Ready { dir: PathBuf },
    /// People of the studio (while the server is stopped)
    User {
        dir: PathBuf,
        #[command(subcommand)]
        verb: UserVerb,
    },
    /// Make an invite link (while the server is stopped)
    Invite(Invite),
    /// Read every stored byte and check it (while the server is stopped); exit code 1 where something is damaged
    Verify(Verify),
    /// Make the index again from the journal (while the server is stopped)
    RebuildIndex { dir: PathBuf },
    /// Copy journal, audio, settings and certificate to a folder, or bring an earlier copy up to date; the server may run
    Backup { dir: PathBuf, dest: PathBuf },
    /// Make a studio folder from a backup, as it stood at its end, after a record or at a time
    Restore(Restore),
    /// Write projects as files that anybody can read: sound, history, notes, receipts (while the server is stopped)
    Export(Export),
    /// Make a new studio from an export, with the same root hash
    Import(Import),
    /// Move a studio to another place for its facts, its audio or both; its servers run on until the end
    Migrate(Migrate),
    /// Who received which bytes (while the server is stopped); exit code 1 where nobody did
    Received(Received),
    /// One piece of work on sound, in a process of its own
    #[command(hide = true, disable_help_flag = true)]
    Child {
        #[command(subcommand)]
        verb: ChildVerb,
    },
}

#[derive(clap::Args)]
pub struct Init {
    pub dir: PathBuf,
    /// The studio's name
    #[arg(long, default_value = "Studio")]
    pub name: String,
    /// The first owner's name
    #[arg(long)]
    pub owner: String,
    /// The first owner's e-mail
    #[arg(long)]
    pub email: String,
    /// Where the server will listen
    #[arg(long, default_value_t = SocketAddr::from(([127, 0, 0, 1], config::PORT)))]
    pub listen: SocketAddr,
    /// host:port for invite links, where it differs
    #[arg(long, default_value = "")]
    pub public_address: String,
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args)]
struct Serve {
    dir: PathBuf,
    /// Instead of `listen` in studio.toml
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// Written with the address once the server answers
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Work {
    /// A folder of this worker's own: a copy of the settings, and the studio's audio at blobs
    dir: PathBuf,
    /// Written with the word "ready" once it works
    #[arg(long)]
    ready_file: Option<PathBuf>,
}

#[derive(Subcommand)]
pub enum UserVerb {
    /// Everybody, with the number of open sessions
    List {
        #[arg(long)]
        json: bool,
    },
    /// Remove a person's name, e-mail and device names for good, and end their sessions
    Redact {
        /// Their e-mail; of somebody who came by a link the id of the guest, as `deadwax link list --json` tells it
        #[arg(value_name = "EMAIL or ID")]
        who: String,
    },
}

#[derive(clap::Args)]
pub struct Verify {
    pub dir: PathBuf,
    /// The bytes of all audio (also without a word)
    #[arg(long)]
    pub data: bool,
    /// The bytes of a share of the audio only, drawn anew each time: 5%
    #[arg(long, conflicts_with = "data", value_name = "PERCENT")]
    pub sample: Option<Sample>,
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args)]
pub struct Restore {
    /// What `backup` wrote
    pub source: PathBuf,
    /// A new folder
    #[arg(long, required_unless_present = "dry_run")]
    pub to: Option<PathBuf>,
    /// Only the first so many records (as `verify` counts them), or everything until a time (2026-11-21T18:00:00Z)
    #[arg(long, value_name = "RECORDS|TIME")]
    pub at: Option<At>,
    /// Read every byte of the backup and write nothing
    #[arg(long)]
    pub dry_run: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args)]
pub struct Export {
    pub dir: PathBuf,
    /// A new folder
    #[arg(long)]
    pub to: PathBuf,
    /// One project, by id or title; otherwise all
    #[arg(long)]
    pub project: Option<String>,
}

#[derive(clap::Args)]
pub struct Import {
    /// What `export` wrote
    pub folder: PathBuf,
    /// A new folder
    #[arg(long)]
    pub to: PathBuf,
    /// The first owner's name, where the record does not know them
    #[arg(long, default_value = "")]
    pub owner: String,
    /// The first owner's e-mail: somebody of the record, or a new person
    #[arg(long)]
    pub email: String,
}

#[derive(clap::Args)]
pub struct Migrate {
    /// The studio as it is
    pub from: PathBuf,
    /// A new folder with the settings of the studio as it shall be: what `[store]` and `[audio]` say there
    #[arg(long, required_unless_present = "take_back")]
    pub to: Option<PathBuf>,
    /// Serve the studio here again after all; what was done at its new place since is not here
    #[arg(long, conflicts_with = "to")]
    pub take_back: bool,
    #[arg(long)]
    pub json: bool,
}

#[derive(clap::Args)]
pub struct Received {
    pub dir: PathBuf,
    /// A SHA-256 of 64 digits, or a song and its version: "Nachtlied Mix 2"; of a song alone all its versions
    pub what: String,
    /// Lines for a spreadsheet, every cell quoted
    #[arg(long)]
    pub csv: bool,
}

#[derive(clap::Args)]
pub struct Invite {
    pub dir: PathBuf,
    #[arg(long)]
    pub email: String,
    /// Needed where the person is new
    #[arg(long, default_value = "")]
    pub name: String,
    /// Make the new person an owner of the studio
    #[arg(long)]
    pub owner: bool,
    #[arg(long)]
    pub json: bool,
}

/// Why a verb did not do what was asked.
pub enum Failure {
    /// Exit code 1.
    No(anyhow::Error),
    /// Exit code 3: settings or names that cannot be used.
    BadInput(String),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::No(error)
    }
}
impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::BadInput(error.0)
    }
}

/// The whole program. `args` as the operating system gives them, the program's own name first; `program` is how to start it again as a child.
pub fn main_with(args: Vec<OsString>, program: Program) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _nobody_reads = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    if let Verb::Child { verb } = cli.verb {
        return child::run(verb);
    }
    // Whatever a verb makes belongs to this user alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("starting the runtime failed")
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(dispatch(cli.verb, program)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::No(error)) => {
            eprintln!("deadwax-server: {error:#}");
            ExitCode::from(1)
        }
        Err(Failure::BadInput(what)) => {
            eprintln!("deadwax-server: {what}");
            ExitCode::from(3)
        }
    }
}

async fn dispatch(verb: Verb, program: Program) -> Result<(), Failure> {
    match verb {
        Verb::Init(init) => admin::init(init).await,
        Verb::Serve(serve) => serve_folder(serve, program).await,
        Verb::Worker(asked) => work(asked, program).await,
        Verb::Ready { dir } => ready(&dir).await,
        Verb::User { dir, verb } => admin::user(&dir, verb).await,
        Verb::Invite(invite) => admin::invite(invite).await,
        Verb::Verify(asked) => admin::verify(&asked).await,
        Verb::RebuildIndex { dir } => admin::rebuild_index(&dir).await,
        Verb::Backup { dir, dest } => admin::backup(&dir, &dest).await,
        Verb::Restore(asked) => admin::restore(&asked),
        Verb::Export(asked) => admin::export(&asked).await,
        Verb::Import(asked) => admin::import(&asked).await,
        Verb::Migrate(asked) => admin::migrate(&asked).await,
        Verb::Received(asked) => received::received(&asked).await,
        // Handled before the runtime starts: a child limits its own memory first.
        Verb::Child { .. } => Ok(()),
    }
}

async fn serve_folder(asked: Serve, program: Program) -> Result<(), Failure> {
    let variables = config::environment();
    let mut config = Config::load(&asked.dir, variables.clone())?;
    if let Some(listen) = asked.listen {
        config.listen = listen;
        config.check()?;
    }
    telemetry::install(&config.log);
    look_at_confinement(config.render.confine, &program).await?;
    let _alone = match config.store.engine {
        // The store holds it.
        Engine::Embedded => None,
        Engine::Postgres => Some(hold_folder(&asked.dir)?),
    };
    let (listener, identity, studio) = open(&asked.dir, config, program).await?;
    let address = listener.local_addr().context("the listener has no address")?;
    let stop = CancellationToken::new();
    let ready = {
        let (name, fingerprint, ready_file) =
            (studio.config().name.clone(), studio.fingerprint(), asked.ready_file.clone());
        // The socket listens already: whoever connects from now on is served.
        move || say_ready(&name, address, fingerprint, ready_file.as_deref())
    };
    stop_on_signal(stop.clone())?;
    let reloader =
        Reloader { studio: Arc::clone(&studio), folder: asked.dir.clone(), listen: asked.listen, variables };
    read_again_on_signal(reloader)?;
    ready()?;
    service::say(service::READY);
    let served = serve::run(studio, listener, identity, stop).await;
    tracing::info!("stopped");
    Ok(served?)
}

/// The same facts and the same audio, no listener, and a folder that no other process uses.
async fn work(asked: Work, program: Program) -> Result<(), Failure> {
    let dir = &asked.dir;
    let config = Config::load(dir, config::environment())?;
    if config.store.engine == Engine::Embedded {
        return Err(Failure::BadInput(format!(
            "a worker needs facts that several processes share: `store.engine = \"postgres\"` in {}. The journal of an embedded store belongs to its one server, which does this work itself (render.workers)",
            config::FILE
        )));
    }
    telemetry::install(&config.log);
    look_at_confinement(config.render.confine, &program).await?;
    let _alone = hold_folder(dir)?;
    let parts = Parts {
        store: admin::store(dir, &config).await?,
        clock: Arc::new(SystemClock),
        inspect: Arc::new(InChild::new(program.clone())),
        program,
        fingerprint: None,
    };
    let name = config.name.clone();
    let studio = Studio::assemble(dir, config, parts).await?;
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone())?;
    nothing_is_read_again()?;
    if let Some(path) = asked.ready_file {
        write_whole(&path, "ready\n")?;
    }
    println!("This machine works for {name}.");
    service::say(service::READY);
    let worked = workers::run(studio, stop).await;
    tracing::info!("stopped");
    Ok(worked?)
}

/// With facts in a database nothing else keeps two processes out of a folder, and what they leave there is their own.
fn hold_folder(dir: &Path) -> anyhow::Result<std::fs::File> {
    embedded::lock(dir).with_context(|| {
        format!("{} is for one process: give each server and each worker a folder of its own, with a copy of the settings and the studio's audio at blobs", dir.display())
    })
}

fn nothing_is_read_again() -> anyhow::Result<()> {
    let mut hangup =
        tokio::signal::unix::signal(SignalKind::hangup()).context("listening for SIGHUP failed")?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::warn!("a worker reads its settings at its start only; restart it");
        }
    });
    Ok(())
}

async fn ready(dir: &Path) -> Result<(), Failure> {
    let config = Config::load(dir, config::environment())?;
    let Some(address) = config.metrics.address() else {
        return Err(Failure::BadInput(format!(
            "asking needs `metrics.listen` in {}: the door for probes is not open",
            config::FILE
        )));
    };
    println!("{}", metrics::http::ask_ready(address).await?);
    Ok(())
}

/// What the kernel cannot hold a child to is known before the first file from outside comes.
async fn look_at_confinement(asked: Confine, program: &Program) -> anyhow::Result<()> {
    let known = confine::known(program).await;
    let lacks = match &known {
        Ok(held) if held.is_whole() => return Ok(()),
        Ok(held) => held.lacks().to_owned(),
        Err(error) => format!("a child that answers ({error})"),
    };
    anyhow::ensure!(
        asked == Confine::Try,
        "children that decode cannot be confined here: this machine lacks {lacks}. Use a kernel that has it, or set render.confine = \"try\" in {}",
        config::FILE
    );
    tracing::warn!(%lacks, "children that decode are held by limits of memory and time, but not to their own files");
    Ok(())
}

async fn open(
    dir: &Path,
    config: Config,
    program: Program,
) -> anyhow::Result<(TcpListener, Option<tls::Identity>, Arc<Studio>)> {
    // The folder first: a second server on it must say so, and not that the port is taken.
    let store = admin::store(dir, &config).await?;
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!("listening on {} failed; set `listen` in {}", config.listen, config::FILE)
    })?;
    let identity = config.tls.then(|| tls::Identity::of(dir, &config.certificate)).transpose()?;
    let parts = Parts {
        store,
        clock: Arc::new(SystemClock),
        inspect: Arc::new(InChild::new(program.clone())),
        program,
        fingerprint: identity.as_ref().map(tls::Identity::fingerprint),
    };
    let studio = Studio::assemble(dir, config, parts).await?;
    Ok((listener, identity, studio))
}

fn say_ready(
    name: &str,
    address: SocketAddr,
    fingerprint: Option<deadwax_domain::Digest>,
    ready_file: Option<&Path>,
) -> anyhow::Result<()> {
    match fingerprint {
        Some(fingerprint) => println!("{name} is open at {address}, certificate sha256={fingerprint}"),
        None => println!("{name} is open at {address}, without TLS"),
    }
    if let Some(path) = ready_file {
        write_whole(path, &format!("{address}\n"))?;
    }
    Ok(())
}

/// Renamed into place, so that nobody reads half of it.
fn write_whole(path: &Path, text: &str) -> anyhow::Result<()> {
    let half = path.with_extension("part");
    std::fs::write(&half, text)
        .and_then(|()| std::fs::rename(&half, path))
        .with_context(|| format!("writing {} failed", path.display()))
}

/// The first SIGTERM or SIGINT stops in order, the second at once.
fn stop_on_signal(stop: CancellationToken) -> anyhow::Result<()> {
    let mut terminate =
        tokio::signal::unix::signal(SignalKind::terminate()).context("listening for SIGTERM failed")?;
    let mut interrupt =
        tokio::signal::unix::signal(SignalKind::interrupt()).context("listening for SIGINT failed")?;
    tokio::spawn(async move {
        for asked in 1.. {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if asked > 1 {
                eprintln!("deadwax-server: stopped at once");
                std::process::exit(1);
            }
            service::say(service::STOPPING);
            stop.cancel();
        }
    });
    Ok(())
}

/// SIGHUP reads the settings again, once for all that came meanwhile.
fn read_again_on_signal(reloader: Reloader) -> anyhow::Result<()> {
    let mut hangup =
        tokio::signal::unix::signal(SignalKind::hangup()).context("listening for SIGHUP failed")?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            reloader.read_again().await;
        }
    });
    Ok(())
}
