//! Connections to the database: its address, TLS, limits of time, a bounded pool, and the look at each new connection whether the engine keeps what it
//! acknowledges. Never here: statements about facts.

use std::{
    future::pending,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadpool_postgres::{
    Connect, Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts,
};
use futures::{FutureExt as _, future::BoxFuture};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio::{task::JoinHandle, time::timeout};
use tokio_postgres::{
    Client, Config, Connection, Error, Socket,
    config::{Host, SslMode},
    tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{OpenError, fault::Fault};
use crate::store::settings::Url;

/// A new connection; a free one of the pool; one whole append. The engine ends a statement, or the wait for a lock, before we do, so that it says why.
pub(super) const CONNECT: Duration = Duration::from_secs(5);
pub(super) const WAIT: Duration = Duration::from_secs(5);
pub(super) const ATTEMPT: Duration = Duration::from_secs(15);
const LIMITS: &str =
    "SET statement_timeout = 10000; SET lock_timeout = 5000; SET idle_in_transaction_session_timeout = 10000";

#[derive(Clone, Debug)]
pub struct Options {
    pub url: Url,
    /// Connections at most; one more listens.
    pub pool: usize,
    pub ca: Option<PathBuf>,
    /// How long a read or a write is tried again where the database is away or others are in the way.
    pub patience: Duration,
    /// Other servers are heard by NOTIFY. Without it, or where the engine has none, by asking alone.
    pub listen: bool,
}

impl Options {
    pub fn new(url: Url) -> Self {
        Self { url, pool: 16, ca: None, patience: Duration::from_secs(6), listen: true }
    }
}

#[derive(Clone)]
pub(super) struct Link {
    pub pool: Pool,
    hosts: Hosts,
}

/// The hosts of the URL, one after the other. Each gets its share of the time: one that takes a connection and says nothing keeps nobody from the next. Begun with
/// the one that answered last.
#[derive(Clone)]
struct Hosts {
    each: Arc<Vec<Config>>,
    last: Arc<AtomicUsize>,
    tls: MakeRustlsConnect,
}

type Line = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// A connection of the pool for a transaction. Dropped before its end was heard, it is closed, and the engine takes back what was not committed.
pub(super) struct Lease {
    object: Option<Object>,
    whole: bool,
}

impl Link {
    pub(super) fn new(options: &Options) -> Result<Self, OpenError> {
        let config = config(&options.url)?;
        let tls = MakeRustlsConnect::new(tls(options.ca.as_deref())?);
        let each = (0..config.get_hosts().len()).map(|at| one_host(&config, at)).collect();
        let hosts = Hosts { each: Arc::new(each), last: Arc::default(), tls };
        let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(config, hosts.clone(), how);
        let pool = Pool::builder(manager)
            .max_size(options.pool)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait: Some(WAIT), create: Some(CONNECT), recycle: Some(CONNECT) })
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move {
                    prepare(client).await.map_err(|fault| HookError::message(fault.sentence()))
                })
            }))
            .build()
            .map_err(|error| OpenError::Settings(error.to_string()))?;
        Ok(Self { pool, hosts })
    }

    /// A connection beside the pool.
    pub(super) async fn connect(&self) -> Result<(Client, Line), Fault> {
        let none = || Fault::Lost("the database does not answer".into());
        match timeout(CONNECT, self.hosts.connect()).await {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(error)) => Err(error.map_or_else(none, Fault::from)),
            Err(_) => Err(none()),
        }
    }

    /// A line that is silent for longer than this is lost, and with it those that lie in the pool: they lead to the same engine, which may hang or be gone. The
    /// engine's own limits are shorter.
    pub(super) async fn in_time<T>(
        &self,
        limit: Duration,
        attempt: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        match timeout(limit, attempt).await {
            Ok(done) => done,
            Err(_) => {
                drop(self.pool.retain(|_, _| false));
                Err(Fault::Lost("the database has not answered in time".into()))
            }
        }
    }

    pub(super) async fn lease(&self) -> Result<Lease, Fault> {
        Ok(Lease { object: Some(self.pool.get().await?), whole: false })
    }

    /// For single statements, which are whole by themselves.
    pub(super) async fn client(&self) -> Result<Object, Fault> {
        Ok(self.pool.get().await?)
    }
}

impl Hosts {
    /// `None`: none of them said anything.
    async fn connect(&self) -> Result<(Client, Line), Option<Error>> {
        let (count, first) = (self.each.len(), self.last.load(Ordering::Relaxed));
        let mut failed = None;
        for at in (0..count).map(|step| (first + step) % count) {
            let Some(host) = self.each.get(at) else { continue };
            match timeout(share(count), host.connect(self.tls.clone())).await {
                Ok(Ok(line)) => {
                    self.last.store(at, Ordering::Relaxed);
                    return Ok(line);
                }
                Ok(Err(error)) => failed = Some(error),
                Err(_silent) => {}
            }
        }
        Err(failed)
    }
}

impl Connect for Hosts {
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        async {
            match Hosts::connect(self).await {
                Ok((client, line)) => {
                    let ended = line.map(|ended| {
                        if let Err(error) = ended {
                            tracing::debug!(%error, "a line to the database ended");
                        }
                    });
                    Ok((client, tokio::spawn(ended)))
                }
                Err(Some(error)) => Err(error),
                // The pool's own limit of time ends it.
                Err(None) => pending().await,
            }
        }
        .boxed()
    }
}

/// Of the time that a connection may take, for one of so many hosts.
fn share(hosts: usize) -> Duration {
    CONNECT.mul_f64(0.8) / u32::try_from(hosts.max(1)).unwrap_or(u32::MAX)
}

/// The same settings, for one of the hosts alone.
fn one_host(all: &Config, at: usize) -> Config {
    let mut one = Config::new();
    if let Some(user) = all.get_user() {
        one.user(user);
    }
    if let Some(password) = all.get_password() {
        one.password(password);
    }
    if let Some(database) = all.get_dbname() {
        one.dbname(database);
    }
    if let Some(options) = all.get_options() {
        one.options(options);
    }
    match all.get_hosts().get(at) {
        Some(Host::Tcp(name)) => one.host(name),
        Some(Host::Unix(path)) => one.host_path(path),
        None => &mut one,
    };
    if let Some(address) = all.get_hostaddrs().get(at) {
        one.hostaddr(*address);
    }
    if let Some(port) = all.get_ports().get(at).or(all.get_ports().first()) {
        one.port(*port);
    }
    one.ssl_mode(all.get_ssl_mode()).ssl_negotiation(all.get_ssl_negotiation());
    one.channel_binding(all.get_channel_binding()).target_session_attrs(all.get_target_session_attrs());
    one.keepalives(all.get_keepalives()).keepalives_idle(Duration::from_secs(30));
    one.application_name("deadwax-server").connect_timeout(share(all.get_hosts().len()));
    one.tcp_user_timeout(ATTEMPT);
    one
}

impl Lease {
    pub(super) fn client(&self) -> Result<&Object, Fault> {
        self.object.as_ref().ok_or_else(|| Fault::Lost("the connection was given back".into()))
    }

    /// The transaction has ended, either way: the connection may serve others.
    pub(super) fn end(mut self) {
        self.whole = true;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(object) = self.object.take().filter(|_| !self.whole) {
            drop(Object::take(object));
        }
    }
}

fn config(url: &Url) -> Result<Config, OpenError> {
    // The parser's words name options, never values.
    let mut config: Config = url.reveal().parse().map_err(|error: tokio_postgres::Error| {
        OpenError::Settings(format!("its URL cannot be read ({error})"))
    })?;
    if config.get_hosts().is_empty() {
        return Err(OpenError::Settings("its URL names no host".into()));
    }
    let near = |host: &Host| match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
        }
        Host::Unix(_) => true,
    };
    // "prefer" would fall back to plain text wherever somebody in between says that TLS is not spoken here.
    if config.get_ssl_mode() == SslMode::Prefer {
        let mode = if config.get_hosts().iter().all(near) { SslMode::Disable } else { SslMode::Require };
        config.ssl_mode(mode);
    }
    Ok(config)
}

fn tls(ca: Option<&std::path::Path>) -> Result<ClientConfig, OpenError> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let unread =
                |what: String| OpenError::Settings(format!("`store.ca` names {}: {what}", path.display()));
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| unread(error.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| unread(error.to_string()))?;
                roots.add(certificate).map_err(|error| unread(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unread("there is no certificate in it".into()));
            }
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Settings(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Sets the limits of a new connection, and refuses an engine that would acknowledge what it does not keep.
async fn prepare(client: &Client) -> Result<(), Fault> {
    for limit in LIMITS.split(';') {
        match client.batch_execute(limit).await.map_err(Fault::from) {
            // An engine without one of the limits is held by ours.
            Ok(()) | Err(Fault::Unknown(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    let rows = client
        .query("SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit')", &[])
        .await?;
    for row in rows {
        let (name, setting): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        unsafe_setting(&name, &setting).map_or(Ok(()), |sentence| Err(Fault::Unsafe(sentence)))?;
    }
    Ok(())
}

/// Why an engine with this setting cannot keep a studio (L-1); engines that lack the setting sync by their own rules.
fn unsafe_setting(name: &str, setting: &str) -> Option<String> {
    match (name, setting) {
        ("fsync", "off") => Some(
            "the database does not write to its disk what it acknowledges (fsync = off): set fsync = on in postgresql.conf and restart it".into(),
        ),
        ("synchronous_commit", "on" | "remote_apply") | ("fsync", _) => None,
        ("synchronous_commit", other) => Some(format!(
            "the database acknowledges before everything is kept (synchronous_commit = {other}): ALTER DATABASE ... SET synchronous_commit = on, for this role as well"
        )),
        _ => None,
    }
}

/// One look before anything else, so that the start says what is wrong in a sentence of its own.
pub(super) async fn first_look(link: &Link) -> Result<(), Fault> {
    let (client, connection) = link.connect().await?;
    let line = tokio::spawn(connection);
    let looked = prepare(&client).await;
    line.abort();
    looked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_engines_that_keep_what_they_acknowledge() {
        assert!(unsafe_setting("fsync", "off").unwrap().contains("fsync = on"));
        for bad in ["off", "local", "remote_write"] {
            assert!(
                unsafe_setting("synchronous_commit", bad).unwrap().contains("SET synchronous_commit = on")
            );
        }
        for (name, setting) in
            [("fsync", "on"), ("synchronous_commit", "on"), ("synchronous_commit", "remote_apply")]
        {
            assert_eq!(unsafe_setting(name, setting), None);
        }
    }

    #[test]
    fn plain_text_is_for_this_machine_only_unless_it_is_asked_for() {
        let mode = |url: &str| config(&Url::new(url)).map(|config| config.get_ssl_mode());
        assert_eq!(mode("postgres://a@db.example/x").unwrap(), SslMode::Require);
        assert_eq!(mode("postgres://a@db.example/x?sslmode=prefer").unwrap(), SslMode::Require);
        assert_eq!(mode("postgres://a@localhost,db.example/x").unwrap(), SslMode::Require);
        assert_eq!(mode("postgres://a@db.example/x?sslmode=disable").unwrap(), SslMode::Disable);
        assert_eq!(mode("postgres://a@127.0.0.1/x").unwrap(), SslMode::Disable);
        assert_eq!(mode("host=/run/postgresql dbname=x").unwrap(), SslMode::Disable);
        let bad = config(&Url::new("postgres://ann:secret@db.example/x?nonsense=1")).unwrap_err().to_string();
        assert!(bad.contains("URL") && !bad.contains("secret"), "{bad}");
    }

    #[test]
    fn each_host_of_a_url_is_asked_with_the_same_settings_and_its_own_port() {
        let url = "postgres://ann:secret@one.example:1,two.example:2/x?target_session_attrs=read-write&sslmode=require&options=-c%20a%3Db";
        let all = config(&Url::new(url)).unwrap();
        for at in [0, 1] {
            let one = one_host(&all, at);
            assert_eq!(one.get_hosts(), &all.get_hosts()[at..=at]);
            assert_eq!(one.get_ports(), &all.get_ports()[at..=at]);
            assert_eq!((one.get_user(), one.get_dbname()), (Some("ann"), Some("x")));
            assert_eq!((one.get_password(), one.get_options()), (all.get_password(), Some("-c a=b")));
            assert_eq!(one.get_ssl_mode(), SslMode::Require);
            assert_eq!(one.get_target_session_attrs(), all.get_target_session_attrs());
        }
        let all = config(&Url::new("host=one,two port=7 sslmode=require")).unwrap();
        assert_eq!(one_host(&all, 1).get_ports(), [7], "one port for all");
        assert!(share(2) * 2 < CONNECT && share(1) < CONNECT);
    }
}
