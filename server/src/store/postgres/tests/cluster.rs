//! A Postgres of the tests' own: a cluster in a temporary folder, which goes with the process however that ends. Where no Postgres is installed there is none,
//! and the tests say `not-run`; `DEADWAX_TEST_POSTGRES=required` makes that a failure. Never here: what is tested.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use rustix::process::{Pid, Signal, kill_process};

use crate::store::{postgres::Options, settings::Url};

pub(crate) struct Cluster {
    bin: PathBuf,
    root: PathBuf,
    port: u16,
    options: String,
    /// Ends Postgres and removes the folder when its standard input closes: at the drop of this, or with the process.
    _reaper: Child,
}

static SCHEMAS: AtomicU32 = AtomicU32::new(0);

/// One for all tests that only want a database.
pub(crate) fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(&[])).as_ref()
}

impl Cluster {
    /// `settings` are lines for `postgresql.conf`.
    pub(crate) fn start(settings: &[&str]) -> Option<Self> {
        Self::start_with(settings, |_| {})
    }

    /// `prepare` may put files into the folder of the cluster, which then belong to its user.
    pub(crate) fn start_with(settings: &[&str], prepare: impl FnOnce(&Path)) -> Option<Self> {
        let cluster = Self::bare()?;
        let data = cluster.data();
        let data = data.to_str().unwrap();
        cluster.run(
            "initdb",
            &["-D", data, "--no-sync", "-A", "trust", "-U", "deadwax", "-E", "UTF8", "--locale=C"],
        );
        cluster.configure(settings);
        prepare(&cluster.data());
        fs::read_dir(cluster.data()).unwrap().for_each(|entry| own(&entry.unwrap().path()));
        cluster.go();
        Some(cluster)
    }

    /// A second instance that follows this one by streaming replication from its start, and may take its place.
    pub(crate) fn standby(&self) -> Option<Self> {
        let standby = Self::bare()?;
        let (data, port) = (standby.data(), self.port.to_string());
        let from = ["-h", self.root.to_str().unwrap(), "-p", &port, "-U", "deadwax"];
        let how = ["-D", data.to_str().unwrap(), "-R", "-X", "stream", "-c", "fast", "--no-sync"];
        standby.run("pg_basebackup", &[from.as_slice(), how.as_slice()].concat());
        Some(standby)
    }

    /// The standby becomes the one that is written to.
    pub(crate) fn promote(&self) {
        self.run("pg_ctl", &["promote", "-w", "-s", "-D", self.data().to_str().unwrap()]);
    }

    /// A folder, a port and a reaper; no data yet.
    fn bare() -> Option<Self> {
        if !is_here() {
            let demanded = std::env::var("DEADWAX_TEST_POSTGRES").is_ok_and(|word| word == "required");
            assert!(!demanded, "DEADWAX_TEST_POSTGRES demands a Postgres, and none is installed");
            println!("not-run: no Postgres is installed (apt-get install postgresql)");
            return None;
        }
        let bin = programs()?;
        let root = tempfile::Builder::new().prefix("deadwax-pg").tempdir().unwrap().keep();
        own(&root);
        let reaper = Command::new("sh")
            .args(["-c", "cat >/dev/null; kill -QUIT $(head -n 1 \"$0/data/postmaster.pid\") 2>/dev/null; sleep 0.2; rm -rf \"$0\""])
            .arg(&root)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let sockets = root.display();
        // Small, so that several of them fit beside a build; safe, because the store looks.
        let options = format!(
            "-p {port} -k {sockets} -c listen_addresses=127.0.0.1 -c shared_buffers=16MB -c max_connections=200"
        );
        Some(Self { bin, root, port, options, _reaper: reaper })
    }

    /// Lines for `postgresql.conf`; the last word on a setting counts.
    fn configure(&self, settings: &[&str]) {
        let path = self.data().join("postgresql.conf");
        let mut conf = fs::OpenOptions::new().append(true).open(path).unwrap();
        settings.iter().for_each(|line| writeln!(conf, "{line}").unwrap());
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Starts Postgres; after a kill as soon as what is left of the old one lets it.
    pub(crate) fn go(&self) {
        let (data, log) = (self.data(), self.root.join("log"));
        let (data, log) = (data.to_str().unwrap(), log.to_str().unwrap());
        for _ in 0..100 {
            if self.tried("pg_ctl", &["start", "-w", "-s", "-D", data, "-l", log, "-o", &self.options]) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("Postgres does not start: {}", fs::read_to_string(log).unwrap_or_default());
    }

    /// Ends the whole engine at once, as a power cut would its processes.
    pub(crate) fn kill(&self) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let pid = Pid::from_raw(pid.lines().next().unwrap().parse().unwrap()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
    }

    /// Stops every process of the engine where it is: connections are taken by the machine, and nothing is ever said. `go_on` undoes it.
    pub(crate) fn hang(&self) {
        self.signal_all(Signal::STOP);
    }

    pub(crate) fn go_on(&self) {
        self.signal_all(Signal::CONT);
    }

    fn signal_all(&self, signal: Signal) {
        let pid = fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        for process in std::iter::once(pid.as_str()).chain(children.split_whitespace()) {
            // One that has ended meanwhile needs no signal.
            let _gone = kill_process(Pid::from_raw(process.parse().unwrap()).unwrap(), signal);
        }
    }

    /// A fresh place in this cluster for one studio: a schema, which is quicker to make than a database.
    pub(crate) fn place(&self) -> Options {
        let schema = format!("s{}", SCHEMAS.fetch_add(1, Ordering::Relaxed));
        self.psql(&format!("CREATE SCHEMA {schema}"));
        Options::new(Url::new(format!(
            "host={} port={} user=deadwax dbname=postgres options='-c search_path={schema}'",
            self.root.display(),
            self.port
        )))
    }

    pub(crate) fn psql(&self, sql: &str) {
        let (sockets, port) = (self.root.to_str().unwrap(), self.port.to_string());
        let asked = [
            "-X",
            "-q",
            "-h",
            sockets,
            "-p",
            &port,
            "-U",
            "deadwax",
            "-d",
            "postgres",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            sql,
        ];
        self.run("psql", &asked);
    }

    fn run(&self, program: &str, args: &[&str]) {
        assert!(self.tried(program, args), "{program} {args:?} failed");
    }

    fn tried(&self, program: &str, args: &[&str]) -> bool {
        let path = self.bin.join(program);
        let mut command = match owner() {
            // Postgres refuses to run as root.
            Some(_) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(path);
                command
            }
            None => Command::new(path),
        };
        let quiet = command.args(args).current_dir(&self.root).stdin(Stdio::null()).stdout(Stdio::null());
        quiet.stderr(Stdio::null()).status().unwrap().success()
    }
}

pub(crate) fn is_here() -> bool {
    programs().is_some()
}

/// The newest Postgres of this machine, where Debian puts it or in the path.
fn programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|versions| versions.flatten().map(|version| version.path().join("bin")).collect())
        .unwrap_or_default();
    found.sort();
    found.reverse();
    found.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    found.into_iter().find(|bin| ["initdb", "pg_ctl", "psql"].iter().all(|tool| bin.join(tool).exists()))
}

/// The user that Postgres runs as where these tests run as root.
fn owner() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.starts_with("postgres:"))?;
    let mut ids = line.split(':').skip(2).map(|id| id.parse().ok());
    Some((ids.next()??, ids.next()??))
}

fn own(path: &Path) {
    if let Some((user, group)) = owner() {
        chown(path, Some(user), Some(group)).unwrap();
        if path.extension().is_some_and(|it| it == "key") {
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}
