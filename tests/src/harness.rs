//! A real server as a process of its own, and people who use the real command line against it. One binary (`demo`) is server and client by its
//! first word, so that a test never meets a stale build. Never here: shortcuts into the server's memory; what a test sees, a user could see.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// A studio folder and the process that runs on it.
pub struct House {
    exe: PathBuf,
    pub studio: PathBuf,
    pub address: String,
    /// The first owner's one-time link, as `init` printed it.
    pub owner_link: String,
    /// Settings of the environment, by their names without `DEADWAX_`.
    settings: Settings,
    does: Does,
    server: Option<Child>,
    log: Arc<Mutex<Vec<String>>>,
}

pub type Settings = Vec<(&'static str, String)>;

/// What the process is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    Serve,
    /// Renders, records and examinations alone: nobody calls it.
    Work,
}

const READY_TIMEOUT: Duration = Duration::from_secs(30);

impl House {
    /// `deadwax-server init` in a fresh folder below `root`, on a free port of the loopback address.
    ///
    /// # Errors
    /// Where the program does not start, or refuses; what it said is told.
    pub fn found(exe: &Path, root: &Path) -> Result<House> {
        House::found_with(exe, root, Settings::new())
    }

    /// As [`House::found`]; its processes are told these settings by the environment.
    ///
    /// # Errors
    /// Where the program does not start, or refuses; what it said is told.
    pub fn found_with(exe: &Path, root: &Path, settings: Settings) -> Result<House> {
        let studio = root.join("studio");
        let port = free_port()?;
        let address = format!("127.0.0.1:{port}");
        let output = verb(exe, "init", &studio, &settings)
            .args([
                "--name",
                "Gold Room",
                "--owner",
                "Noor Haddad",
                "--email",
                "noor@goldroom.example",
                "--listen",
                &address,
                "--json",
            ])
            .output()
            .context("starting `deadwax-server init`")?;
        ensure!(output.status.success(), "init failed: {}", String::from_utf8_lossy(&output.stderr));
        let said: Value =
            serde_json::from_slice(&output.stdout).context("reading what `init --json` said")?;
        let owner_link = said["link"].as_str().context("init gave no link")?.to_owned();
        let exe = exe.to_owned();
        let (does, server, log) = (Does::Serve, None, Arc::default());
        Ok(House { exe, studio, address, owner_link, settings, does, server, log })
    }

    /// A further process of the same studio, with a folder beside the first one that has its settings, certificate and keys, and a port of its own.
    ///
    /// # Errors
    /// Where the folder cannot be made.
    pub fn beside(&self, name: &str, does: Does) -> Result<House> {
        let studio = self.studio.with_file_name(name);
        let what = || format!("making {}, a folder like {}", studio.display(), self.studio.display());
        fs::create_dir(&studio).with_context(what)?;
        fs::create_dir(studio.join("keys")).with_context(what)?;
        for part in ["", "keys"] {
            for entry in fs::read_dir(self.studio.join(part)).with_context(what)? {
                let entry = entry?;
                if entry.file_type()?.is_file() {
                    let to = studio.join(part).join(entry.file_name());
                    fs::copy(entry.path(), to).with_context(what)?;
                }
            }
        }
        let address = format!("127.0.0.1:{}", free_port()?);
        let (exe, settings) = (self.exe.clone(), self.settings.clone());
        let (owner_link, server, log) = (self.owner_link.clone(), None, Arc::default());
        let house = House { exe, studio, address, owner_link, settings, does, server, log };
        house.set([("", "listen", house.address.as_str())])?;
        Ok(house)
    }

    /// Its audio where that of `other` lies, in one folder for both.
    ///
    /// # Errors
    /// Where the link cannot be made.
    pub fn share_audio_of(&self, other: &House) -> Result<()> {
        let there = other.studio.join("blobs");
        fs::create_dir_all(&there)?;
        std::os::unix::fs::symlink(&there, self.studio.join("blobs"))
            .with_context(|| format!("linking to {}", there.display()))
    }

    /// Before it starts: `(section, key, value)` of its settings; a key of no section has an empty one.
    ///
    /// # Errors
    /// Where the settings cannot be read or written.
    pub fn set<V: Into<toml::Value>>(
        &self,
        settings: impl IntoIterator<Item = (&'static str, &'static str, V)>,
    ) -> Result<()> {
        let file = self.studio.join("studio.toml");
        let text = fs::read_to_string(&file).with_context(|| format!("read {}", file.display()))?;
        let mut whole: toml::Table = text.parse().context("the settings that `init` wrote")?;
        for (section, key, value) in settings {
            let table = match section {
                "" => &mut whole,
                _ => {
                    let table = whole.entry(section).or_insert_with(|| toml::Table::new().into());
                    table.as_table_mut().with_context(|| format!("[{section}] is no section"))?
                }
            };
            table.insert(key.to_owned(), value.into());
        }
        fs::write(&file, whole.to_string()).with_context(|| format!("write {}", file.display()))
    }

    /// Starts the server and waits until it answers.
    pub fn open(&mut self) -> Result<()> {
        ensure!(self.server.is_none(), "the server runs already");
        let ready = self.studio.with_extension("ready");
        let _ = fs::remove_file(&ready);
        let does = match self.does {
            Does::Serve => "serve",
            Does::Work => "worker",
        };
        let mut child = verb(&self.exe, does, &self.studio, &self.settings)
            .arg("--ready-file")
            .arg(&ready)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting `deadwax-server {does}`"))?;
        let stderr = child.stderr.take().context("the server's log")?;
        let log = Arc::clone(&self.log);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                log.lock().expect("no reader panics with the log in hand").push(line);
            }
        });
        let since = Instant::now();
        while !ready.exists() {
            if let Some(status) = child.try_wait()? {
                thread::sleep(Duration::from_millis(100));
                bail!("the server ended at once ({status}): {}", self.log_tail());
            }
            ensure!(since.elapsed() < READY_TIMEOUT, "the server did not get ready: {}", self.log_tail());
            thread::sleep(Duration::from_millis(20));
        }
        self.server = Some(child);
        Ok(())
    }

    /// Of the server, while one runs.
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    /// Like a power switch for the process: no handler runs.
    pub fn kill(&mut self) -> Result<()> {
        let mut child = self.server.take().context("no server runs")?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// SIGTERM, and waits for a clean end.
    pub fn close(&mut self) -> Result<()> {
        let mut child = self.server.take().context("no server runs")?;
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let status = child.wait()?;
        ensure!(status.success(), "the server ended with {status} on SIGTERM: {}", self.log_tail());
        Ok(())
    }

    pub fn log(&self) -> Vec<String> {
        self.log.lock().expect("no reader panics with the log in hand").clone()
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        log[log.len().saturating_sub(20)..].join("\n")
    }

    /// Runs a further `deadwax-server` verb on the studio folder.
    pub fn server_verb(&self, verb: &str, args: &[&str]) -> Result<Output> {
        self::verb(&self.exe, verb, &self.studio, &self.settings)
            .args(args)
            .output()
            .context("starting a server verb")
    }

    /// A person at their own machine: a config folder of their own.
    pub fn seat(&self, root: &Path, name: &str) -> Result<Seat> {
        let home = root.join("people").join(name);
        fs::create_dir_all(&home)?;
        Ok(Seat { exe: self.exe.clone(), home, name: name.to_owned() })
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some(mut child) = self.server.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn verb(exe: &Path, verb: &str, studio: &Path, settings: &Settings) -> Command {
    let mut command = Command::new(exe);
    command.args(["server", verb]).arg(studio);
    for (key, value) in settings {
        command.env(format!("DEADWAX_{key}"), value);
    }
    command
}

/// Free a moment ago, and none of those that the system gives to whoever connects (32768 and above): it is free a moment later too.
pub(crate) fn free_port() -> Result<u16> {
    const FIRST: u32 = 20_000;
    const PORTS: u32 = 12_000;
    static TRIED: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(7_919);
    for _ in 0..PORTS {
        let at = begin.wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed)) % PORTS;
        let port = u16::try_from(FIRST + at)?;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port from {FIRST} on is free")
}

/// One person's `deadwax`.
#[derive(Clone)]
pub struct Seat {
    exe: PathBuf,
    pub home: PathBuf,
    pub name: String,
}

/// What a verb said.
pub struct Said {
    pub code: i32,
    /// One JSON object a line.
    pub lines: Vec<Value>,
    pub stderr: String,
}

impl Said {
    pub fn first(&self) -> &Value {
        self.lines.first().unwrap_or(&Value::Null)
    }
}

impl Seat {
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.exe);
        command.arg("client").env("DEADWAX_HOME", &self.home).env("NO_COLOR", "1").stdin(Stdio::null());
        command
    }

    /// Runs a verb with `--json`; any exit code.
    pub fn try_verb<Arg: Into<OsString>>(&self, args: impl IntoIterator<Item = Arg>) -> Result<Said> {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let output = self
            .command()
            .args(&args)
            .arg("--json")
            .output()
            .with_context(|| format!("starting deadwax {args:?}"))?;
        let stdout = String::from_utf8(output.stdout).context("a verb printed bytes that are not UTF-8")?;
        let lines = stdout
            .lines()
            .map(|line| {
                serde_json::from_str(line)
                    .with_context(|| format!("deadwax {args:?} --json printed {line:?}"))
            })
            .collect::<Result<Vec<Value>>>()?;
        Ok(Said {
            code: output.status.code().unwrap_or(-1),
            lines,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs a verb that must succeed.
    pub fn verb<Arg: Into<OsString>>(&self, args: impl IntoIterator<Item = Arg>) -> Result<Said> {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let said = self.try_verb(args.clone())?;
        ensure!(said.code == 0, "{}: deadwax {args:?} ended with {}: {}", self.name, said.code, said.stderr);
        Ok(said)
    }

    /// Runs a verb that must succeed, and tells each object as it comes.
    pub fn follow_verb(&self, args: &[&str], mut tell: impl FnMut(&Value)) -> Result<Said> {
        let mut command = self.command();
        command.args(args).arg("--json").stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("starting deadwax {args:?}"))?;
        let out = child.stdout.take().context("the verb's output")?;
        let mut lines = Vec::new();
        for line in BufReader::new(out).lines() {
            let value =
                serde_json::from_str(&line?).with_context(|| format!("what deadwax {args:?} printed"))?;
            tell(&value);
            lines.push(value);
        }
        let ended = child.wait_with_output()?;
        let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
        ensure!(
            ended.status.success(),
            "{}: deadwax {args:?} ended with {}: {stderr}",
            self.name,
            ended.status
        );
        Ok(Said { code: 0, lines, stderr })
    }

    /// Runs a verb that must be refused with this reason.
    pub fn refused<Arg: Into<OsString>>(
        &self,
        reason: &str,
        args: impl IntoIterator<Item = Arg>,
    ) -> Result<Said> {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let said = self.try_verb(args.clone())?;
        ensure!(
            said.code == 1,
            "{}: deadwax {args:?} should have been refused, ended with {}: {}",
            self.name,
            said.code,
            said.stderr
        );
        let told = said.lines.iter().any(|line| line["reason"] == reason) || said.stderr.contains(reason);
        ensure!(
            told,
            "{}: deadwax {args:?} was refused otherwise than {reason}: {} {:?}",
            self.name,
            said.stderr,
            said.lines
        );
        Ok(said)
    }
}
