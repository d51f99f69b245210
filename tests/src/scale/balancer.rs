//! Somebody else's program in front of the servers, as an operator would set it up: haproxy or nginx, which spread connections and know nothing of what is in
//! them. The settings here are those of docs/OPERATIONS.md. Never here: TLS, which goes through to the servers.

use std::{
    env, fs,
    io::Read as _,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::free_port;

const PATIENCE: Duration = Duration::from_secs(20);
/// Where Debian puts it; elsewhere it is built in.
const NGINX_STREAM: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Haproxy,
    Nginx,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Haproxy, Kind::Nginx];

    pub fn word(self) -> &'static str {
        match self {
            Kind::Haproxy => "haproxy",
            Kind::Nginx => "nginx",
        }
    }

    /// `None`: it is not installed here.
    pub fn program(self) -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
        let found = env::split_paths(&path)
            .chain(system)
            .map(|folder| folder.join(self.word()))
            .find(|it| it.exists())?;
        let whole = self != Kind::Nginx || Path::new(NGINX_STREAM).exists() || built_in(&found);
        whole.then_some(found)
    }

    fn settings(self, listen: SocketAddr, behind: &[Behind]) -> String {
        match self {
            Kind::Haproxy => haproxy(listen, behind),
            Kind::Nginx => nginx(listen, behind),
        }
    }
}

fn built_in(nginx: &Path) -> bool {
    let said = Command::new(nginx).arg("-V").output();
    said.is_ok_and(|it| String::from_utf8_lossy(&it.stderr).contains("--with-stream "))
}

/// A server: where it is called, and where it tells whether it serves.
#[derive(Clone, Debug)]
pub struct Behind {
    pub calls: String,
    pub probes: String,
}

/// One that runs.
pub struct Balancer {
    pub kind: Kind,
    pub address: SocketAddr,
    process: Child,
    log: PathBuf,
}

impl Drop for Balancer {
    fn drop(&mut self) {
        // Its workers go with it when it is asked.
        let _may_be_gone = kill_process(Pid::from_child(&self.process), Signal::TERM);
        let begun = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && begun.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Balancer {
    /// Listens on a free port of the loopback address; what it needs lies in `folder`.
    ///
    /// # Errors
    /// Where it is not installed, or does not start; what it said is told.
    pub fn start(kind: Kind, folder: &Path, behind: &[Behind]) -> Result<Self> {
        let program = kind.program().with_context(|| {
            format!("{} is not installed (apt-get install haproxy nginx libnginx-mod-stream)", kind.word())
        })?;
        let folder = folder.join(kind.word());
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let (settings, log) = (folder.join("settings"), folder.join("log"));
        fs::write(&settings, kind.settings(address, behind))
            .with_context(|| format!("writing {}", settings.display()))?;
        let mut command = Command::new(&program);
        match kind {
            Kind::Haproxy => command.arg("-db").arg("-f").arg(&settings),
            Kind::Nginx => command.arg("-e").arg(&log).arg("-p").arg(&folder).arg("-c").arg(&settings),
        };
        let words = fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let process = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(words)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let mut balancer = Self { kind, address, process, log };
        balancer.listens()?;
        Ok(balancer)
    }

    fn listens(&mut self) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            if let Some(ended) = self.process.try_wait()? {
                bail!("{} ended at once ({ended}): {}", self.kind.word(), self.said());
            }
            ensure!(begun.elapsed() < PATIENCE, "{} does not listen: {}", self.kind.word(), self.said());
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Until a connection reaches a server: one that was away a moment ago may be taken for dead still.
    ///
    /// # Errors
    /// Where none is reached for long.
    pub fn found_again(&self) -> Result<()> {
        let begun = Instant::now();
        while !self.carries() {
            ensure!(begun.elapsed() < PATIENCE, "{} reaches no server: {}", self.kind.word(), self.said());
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Does a connection reach a server? Those wait for the first word of a client; without one the balancer hangs up.
    fn carries(&self) -> bool {
        let reached = || -> std::io::Result<bool> {
            let mut line = TcpStream::connect(self.address)?;
            line.set_read_timeout(Some(Duration::from_millis(300)))?;
            Ok(line.read(&mut [0])? > 0)
        };
        let silent = |error: &std::io::Error| {
            matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
        };
        reached().unwrap_or_else(|error| silent(&error))
    }

    pub fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// So many as this machine lets a process have files open for: each takes two, and some are for the program itself.
fn connections() -> u64 {
    const OWN: u64 = 500;
    const ENOUGH: u64 = 20_000;
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    files.map_or(ENOUGH, |files| (files.saturating_sub(OWN) / 2).clamp(1, ENOUGH))
}

/// Asks each server whether it serves, and cuts what leads to one that is gone. A quiet stream is quiet for as long as it likes: the servers ask for signs of life
/// themselves.
fn haproxy(listen: SocketAddr, behind: &[Behind]) -> String {
    let most = connections();
    let mut text = format!(
        "global\n  maxconn {most}\ndefaults\n  mode tcp\n  timeout connect 2s\n  timeout client 2h\n  timeout server 2h\n  \
         retries 3\n  option redispatch 1\nfrontend studio\n  bind {listen}\n  default_backend servers\nbackend servers\n  \
         balance roundrobin\n  option httpchk GET /readyz\n  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions\n"
    );
    for (number, Behind { calls, probes }) in behind.iter().enumerate() {
        let port = probes.rsplit(':').next().unwrap_or_default();
        text += &format!("  server s{number} {calls} check port {port}\n");
    }
    text
}

/// It asks nobody: a server that does not take a connection is left alone for a moment, and the connection goes to the next.
fn nginx(listen: SocketAddr, behind: &[Behind]) -> String {
    let load = match Path::new(NGINX_STREAM).exists() {
        true => format!("load_module {NGINX_STREAM};\n"),
        false => String::new(),
    };
    let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
    let servers: String =
        behind.iter().map(|it| format!("    server {} max_fails=1 fail_timeout=2s;\n", it.calls)).collect();
    // It counts both sides.
    let both = 2 * connections();
    format!(
        "{load}{user}daemon off;\npid nginx.pid;\nerror_log stderr warn;\nworker_processes 1;\nevents {{ worker_connections {both}; }}\n\
         stream {{\n  upstream studio {{\n{servers}  }}\n  server {{\n    listen {listen};\n    proxy_pass studio;\n    \
         proxy_connect_timeout 2s;\n    proxy_timeout 2h;\n    tcp_nodelay on;\n  }}\n}}\n"
    )
}
