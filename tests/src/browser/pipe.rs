//! The line to a browser: commands and answers as JSON, each ended by a zero byte, over two named pipes that a shell puts where the browser looks for them. Never here: what
//! is asked.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

const ANSWER_WITHIN: Duration = Duration::from_secs(60);
const FLAGS: [&str; 15] = [
    "--headless=new",
    "--remote-debugging-pipe",
    // Certificates of a studio are its own; what is trusted is tested elsewhere.
    "--ignore-certificate-errors",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    // Sound goes to a clock instead of a loudspeaker, which test machines lack.
    "--disable-audio-output",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--password-store=basic",
];

#[derive(Default)]
struct Heard {
    answers: HashMap<u64, Value>,
    complaints: HashMap<String, Vec<String>>,
    over: bool,
}

pub struct Pipe {
    child: Mutex<Child>,
    into: Mutex<File>,
    next: AtomicU64,
    heard: Arc<(Mutex<Heard>, Condvar)>,
}

impl Pipe {
    pub fn open(program: &Path, folder: &Path) -> Result<Pipe> {
        std::fs::create_dir_all(folder)?;
        let (to, from) = (folder.join("to"), folder.join("from"));
        let made = Command::new("mkfifo").args([&to, &from]).status().context("starting mkfifo")?;
        ensure!(made.success(), "two pipes could not be made");
        let log = File::create(folder.join("log"))?;
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 3<\"$TO\" 4>\"$FROM\""]).arg(program).args(FLAGS);
        // Its own sandbox needs a user who is not root; what it opens here are pages of this house.
        if rustix::process::geteuid().is_root() {
            command.arg("--no-sandbox");
        }
        command.arg(format!("--user-data-dir={}", folder.join("profile").display())).arg("about:blank");
        command.env("TO", &to).env("FROM", &from);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let child = child.with_context(|| format!("starting {}", program.display()))?;
        // In the order in which the shell opens them.
        let into = File::options().write(true).open(&to).context("the pipe to the browser")?;
        let from = File::open(&from).context("the pipe from the browser")?;
        let heard: Arc<(Mutex<Heard>, Condvar)> = Arc::default();
        let told = Arc::clone(&heard);
        thread::spawn(move || listen(from, &told));
        Ok(Pipe { child: Mutex::new(child), into: Mutex::new(into), next: AtomicU64::new(1), heard })
    }

    pub fn ask(&self, session: Option<&str>, method: &str, asked: Value) -> Result<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({ "id": id, "method": method, "params": asked });
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        let mut bytes = serde_json::to_vec(&message)?;
        bytes.push(0);
        self.into
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&bytes)
            .context("the browser is gone")?;
        let (heard, bell) = &*self.heard;
        let guard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |heard: &mut Heard| !heard.over && !heard.answers.contains_key(&id);
        let (mut guard, late) =
            bell.wait_timeout_while(guard, ANSWER_WITHIN, waiting).unwrap_or_else(PoisonError::into_inner);
        ensure!(!late.timed_out(), "{method}: the browser did not answer");
        let answer = guard.answers.remove(&id).context("the browser ended")?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer["result"].clone())
    }

    pub fn complaints(&self, session: &str) -> Vec<String> {
        let heard = self.heard.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.complaints.get(session).cloned().unwrap_or_default()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let _asked = self.ask(None, "Browser.close", json!({}));
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..50 {
            if matches!(child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn listen(from: File, told: &(Mutex<Heard>, Condvar)) {
    let mut read = BufReader::new(from);
    let (heard, bell) = told;
    loop {
        let mut bytes = Vec::new();
        let is_over = !matches!(read.read_until(0, &mut bytes), Ok(1..));
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        if is_over {
            heard.over = true;
            bell.notify_all();
            return;
        }
        bytes.pop();
        let Ok(message) = serde_json::from_slice::<Value>(&bytes) else { continue };
        if let Some(id) = message["id"].as_u64() {
            heard.answers.insert(id, message);
            bell.notify_all();
        } else if let (Some(session), Some(complaint)) = (message["sessionId"].as_str(), complaint(&message))
        {
            heard.complaints.entry(session.to_owned()).or_default().push(complaint);
        }
    }
}

/// An error that nobody caught, or what the browser itself says of the page as an error.
fn complaint(message: &Value) -> Option<String> {
    let told = &message["params"];
    match message["method"].as_str()? {
        "Runtime.exceptionThrown" => Some(told["exceptionDetails"].to_string()),
        "Log.entryAdded" if told["entry"]["level"] == "error" && told["entry"]["source"] != "network" => {
            Some(told["entry"]["text"].as_str().unwrap_or_default().to_owned())
        }
        "Runtime.consoleAPICalled" if told["type"] == "error" => Some(told["args"].to_string()),
        _ => None,
    }
}
