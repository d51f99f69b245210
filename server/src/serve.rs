//! One server: listens, offers the services, and stops in order. Never here: what a service does.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::future;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{service::Routes, transport::Server};
use tonic_web::GrpcWebLayer;

use crate::{
    auth::layer::AccessLayer,
    config::Config,
    dates,
    disk::Drive,
    door::{layer::DoorLayer, line::Book, settings::Door},
    egress::TransitLayer,
    handoff, keep, listen,
    metrics::{self, lines::Lines},
    notify::{self, Notifier},
    page::layer::PageLayer,
    rpc,
    studio::Studio,
    telemetry::RequestLog,
    tls::Identity,
    workers,
};

/// Calls that run when the server is asked to stop get this long.
pub const GRACE: Duration = Duration::from_secs(10);
/// Streams that were reset before they were looked at, and streams that the server had to reset itself: as many on one connection, then it is closed. tonic
/// leaves the second without a limit unless it is told one.
const RESETS_PENDING: usize = 20;
const RESETS_BY_FAULT: usize = 128;
/// Connections of one age each, from nine tenths to eleven tenths of the age of the settings: all clients of a server that has just been started came together.
const AGES: u32 = 9;
/// An upload that nobody has written to for this long is forgotten; the client begins again.
const UPLOAD_STALE_AFTER: Duration = Duration::from_secs(48 * 3600);
const SHARE_USES_EVERY: Duration = Duration::from_secs(60);
const SWEEP_UPLOADS_EVERY: Duration = Duration::from_secs(3600);

/// Serves until `stop` is cancelled; then streams end, other calls get [`GRACE`], then every connection is cut. What goes on by itself goes on beside it.
pub async fn run(
    studio: Arc<Studio>,
    listener: TcpListener,
    identity: Option<Identity>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let tasks = background(&studio).await?;
    answer(studio, listener, identity, stop, tasks).await
}

/// As [`run`], on connections from anywhere. `tasks`: what goes on beside it and ends with `studio.closing`.
pub async fn answer<S: listen::Source>(
    studio: Arc<Studio>,
    source: S,
    identity: Option<Identity>,
    stop: CancellationToken,
    tasks: TaskTracker,
) -> anyhow::Result<()> {
    let address = source.address().context("the listener has no address")?;
    anyhow::ensure!(
        identity.is_some() || address.ip().is_loopback(),
        "without TLS a server listens on a loopback address only, not on {address}"
    );
    studio.listens_on(address);
    let tls = identity.map(|identity| identity.server_config()).transpose()?.map(TlsAcceptor::from);
    let cut = CancellationToken::new();
    let config = studio.config();
    let room = room(&config, tls, studio.metrics.lines.clone());
    let (rooms, room) = watch::channel(Arc::new(room));
    let at_the_door = DoorLayer::new(&config.door, studio.metrics.lines.clone());
    let incoming = listen::accept(source, room, cut.clone());
    let settings = tokio::spawn(follow_settings(Arc::clone(&studio), rooms, at_the_door.clone()));
    let probes = studio
        .take_probes()
        .map(|listener| tokio::spawn(metrics::http::serve(listener, Arc::clone(&studio))));

    let (routes, health) = rpc::routes(&studio).await?;
    let sweeper = tokio::spawn(sweep(Arc::clone(&studio)));
    let kept = future::join(write_ends(Arc::clone(&studio)), share_uses(Arc::clone(&studio)));
    let ends = tokio::spawn(kept);
    let upload_sweeper = tokio::spawn(sweep_uploads(Arc::clone(&studio)));
    let health = Arc::new(health);
    let latch = tokio::spawn(tell_latch(studio.store.drive().clone(), Arc::clone(&health)));
    let told = (
        tell_damage(Arc::clone(&studio), Arc::clone(&health)),
        tell_away(Arc::clone(&studio), Arc::clone(&health)),
    );
    let damage = tokio::spawn(future::join(told.0, told.1));
    let stopping = async {
        stop.cancelled().await;
        tracing::info!("stopping");
        health.say(tonic_health::ServingStatus::NotServing).await;
        studio.closing.cancel();
        std::future::pending::<()>().await;
    };
    let serving = serving(&studio, &routes, &at_the_door, incoming);
    let out_of_patience = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let served = tokio::select! {
        served = serving => served.map(drop).context("serving failed"),
        () = stopping => Ok(()),
        () = out_of_patience => {
            tracing::warn!("calls were cut after {} s of grace", GRACE.as_secs());
            Ok(())
        }
    };
    cut.cancel();
    studio.closing.cancel();
    sweeper.abort();
    ends.abort();
    latch.abort();
    damage.abort();
    settings.abort();
    upload_sweeper.abort();
    // They end with `closing`; their children die with them, and what they did is begun again at the next start. What was told is written down at the
    // end, so that the next start does not tell it again.
    let _ended = tokio::time::timeout(GRACE, tasks.wait()).await;
    studio.egress.flush().await;
    studio.traces.close().await;
    // To the last it told that this server does not serve any more.
    if let Some(probes) = probes {
        probes.abort();
    }
    served
}

fn seconds(count: u32) -> Duration {
    Duration::from_secs(count.into())
}

/// When connections are asked to leave.
fn ages(door: &Door) -> impl Iterator<Item = Duration> {
    let age = seconds(door.connection_age_s);
    (0..AGES).map(move |step| age.mul_f64(0.9 + 0.2 * f64::from(step) / f64::from(AGES - 1)))
}

fn room(config: &Config, tls: Option<TlsAcceptor>, figures: Lines) -> listen::Room {
    let (limits, door) = (&config.limits, &config.door);
    listen::Room {
        tls,
        figures,
        told: Arc::default(),
        total: limits.connections,
        per_address: limits.connections_per_address,
        book: Book::new(door.connections_per_person),
        handshake: seconds(door.handshake_s),
        first_call: seconds(door.first_call_s),
        ages: ages(door).map(|age| age + seconds(door.connection_age_grace_s)).collect(),
    }
}

/// Lets what is asked at the door follow the settings and the certificate. What is open already stays.
async fn follow_settings(studio: Arc<Studio>, rooms: watch::Sender<Arc<listen::Room>>, door: DoorLayer) {
    let (mut settings, mut identities) = (studio.current.watch(), studio.current.watch_identity());
    loop {
        tokio::select! {
            changed = settings.changed() => if changed.is_err() { return },
            changed = identities.changed() => if changed.is_err() { return },
        }
        let config = Arc::clone(&settings.borrow_and_update());
        let identity = identities.borrow_and_update().clone();
        let before = Arc::clone(&rooms.borrow());
        let tls = match identity.map(|identity| identity.server_config()) {
            Some(Ok(fresh)) => Some(TlsAcceptor::from(fresh)),
            // One that could not be used was refused when it was read.
            Some(Err(_)) | None => before.tls.clone(),
        };
        door.set(&config.door);
        before.book.set(config.door.connections_per_person);
        let fresh = room(&config, tls, before.figures.clone());
        let (book, told, ages) = (Arc::clone(&before.book), Arc::clone(&before.told), before.ages.clone());
        rooms.send_replace(Arc::new(listen::Room { book, told, ages, ..fresh }));
    }
}

/// tonic knows one age for all connections of a server: one server for each age, behind the same door, with the same services.
fn serving<L: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    studio: &Studio,
    routes: &Routes,
    at_the_door: &DoorLayer,
    incoming: Vec<listen::Incoming<L>>,
) -> impl Future<Output = Result<Vec<()>, tonic::transport::Error>> + use<L> {
    let config = studio.config();
    let door = &config.door;
    let servers = ages(door).zip(incoming).map(|(age, incoming)| {
        Server::builder()
            // A browser's call becomes one like any other before anything looks at it. No other site may make one: there are no answers to its questions (CORS).
            .layer(GrpcWebLayer::new())
            .layer(RequestLog { calls: studio.metrics.calls.clone(), traces: studio.traces.clone() })
            .layer(AccessLayer::new(Arc::clone(&studio.people), seconds(config.store.trust_seconds)))
            .layer(at_the_door.clone())
            .layer(PageLayer)
            .layer(TransitLayer)
            .max_concurrent_streams(door.streams_per_connection)
            .http2_max_header_list_size(door.header_bytes)
            .http2_max_pending_accept_reset_streams(Some(RESETS_PENDING))
            .http2_max_local_error_reset_streams(Some(RESETS_BY_FAULT))
            .http2_keepalive_interval(Some(seconds(door.keepalive_s)))
            .http2_keepalive_timeout(Some(seconds(door.keepalive_timeout_s)))
            .max_connection_age(age)
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .add_routes(routes.clone())
            .serve_with_incoming_shutdown(
                ReceiverStream::new(incoming),
                studio.closing.clone().cancelled_owned(),
            )
    });
    future::try_join_all(servers.collect::<Vec<_>>())
}

/// What goes on without anybody asking, until the studio closes.
async fn background(studio: &Arc<Studio>) -> anyhow::Result<TaskTracker> {
    let tasks = TaskTracker::new();
    if studio.config().render.here {
        workers::begin(studio, &tasks).await?;
    }
    tasks.spawn(maker(studio).run());
    let stop = studio.closing.child_token();
    let notifier = Notifier::of(studio, &studio.config(), &stop)?;
    tasks.spawn(notify::run(Arc::clone(studio), notifier, stop));
    tasks.spawn(keep::work::run(Arc::clone(studio)));
    tasks.spawn(dates::watch(Arc::clone(&studio.ledger), studio.closing.clone()));
    tasks.close();
    Ok(tasks)
}

fn maker(studio: &Studio) -> handoff::Maker {
    let people = Arc::clone(&studio.people);
    handoff::Maker {
        ledger: Arc::clone(&studio.ledger),
        leasing: studio.leasing.clone(),
        blobs: Arc::clone(&studio.blobs),
        names: Arc::new(move || people.directory()),
        troubles: Arc::clone(&studio.packages),
        work_dir: studio.folder.join("handoffs"),
        pause: handoff::PAUSE,
        shutdown: studio.closing.clone(),
    }
}

/// Sessions end by the clock too, open streams included.
async fn sweep(studio: Arc<Studio>) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        every.tick().await;
        studio.people.sweep();
    }
}

/// What was ended while the disk took nothing is written down when it does. Apart from the sweep, which waits for no disk.
async fn write_ends(studio: Arc<Studio>) {
    let mut every = tokio::time::interval(Duration::from_secs(1));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        studio.people.write_held().await;
    }
}

/// Where there are other servers they are told when sessions were used here.
async fn share_uses(studio: Arc<Studio>) {
    let mut every = tokio::time::interval(SHARE_USES_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        studio.people.share_uses().await;
    }
}

/// Once the disk has failed, for good.
async fn tell_latch(drive: Drive, health: Arc<rpc::Health>) {
    drive.latch().fallen().await;
    health.say_read_only().await;
}

/// Reads go on beside damaged bytes; who watches the server's health is told that there are some.
async fn tell_damage(studio: Arc<Studio>, health: Arc<rpc::Health>) {
    let mut damaged = studio.blobs.damage().watch();
    loop {
        let sound = *damaged.borrow_and_update() == 0;
        health.say_stored_bytes(sound).await;
        if damaged.changed().await.is_err() {
            return;
        }
    }
}

/// Whoever spreads calls over several servers is told of one that cannot reach the store.
async fn tell_away(studio: Arc<Studio>, health: Arc<rpc::Health>) {
    let Some(mut away) = studio.store.away() else { return };
    while away.changed().await.is_ok() {
        let is_away = *away.borrow_and_update();
        let well = studio.store.read_only().is_none() && !studio.closing.is_cancelled();
        match is_away {
            true => health.say_read_only().await,
            false if well => health.say(tonic_health::ServingStatus::Serving).await,
            false => {}
        }
    }
}

/// Bytes of uploads that nobody came back for.
async fn sweep_uploads(studio: Arc<Studio>) {
    let mut every = tokio::time::interval(SWEEP_UPLOADS_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        match studio.blobs.sweep(UPLOAD_STALE_AFTER).await {
            Ok(0) => {}
            Ok(forgotten) => tracing::info!(forgotten, "stale uploads were forgotten"),
            Err(error) => tracing::warn!(%error, "stale uploads could not be forgotten"),
        }
    }
}
