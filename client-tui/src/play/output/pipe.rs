//! Sound through a program that plays what it reads: pw-cat, paplay, aplay. Its pipe is the only clock, so the position is known within its buffers. It gets no terminal:
//! whatever it has to say goes nowhere. Never here: PulseAudio's own protocol.

use std::{
    io::Write as _,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use futures::future::BoxFuture;

use super::{FRAME_BYTES, Frame, Lost, Output, Pull, find, write_frames};

/// A program without a device ends at once.
const TRIAL: Duration = Duration::from_millis(250);
/// How long a program may go on when it gets no more.
const LAST_WORDS: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(50);
/// Written at once.
const BLOCK_FRAMES: usize = 512;
/// What a pipe of the system holds, and what the program is asked to hold behind it.
const PIPE_BYTES: u64 = 1 << 16;
const DEVICE_MS: u64 = 80;

pub(super) struct Pipe {
    program: &'static str,
    rate: u32,
    pull: Pull,
    run: Mutex<Option<Run>>,
}

/// The program while it plays.
struct Run {
    child: Child,
    state: Arc<State>,
    begun: Instant,
}

impl Run {
    fn see_out(mut self) {
        let begun = Instant::now();
        while begun.elapsed() < LAST_WORDS && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // Which also frees the thread where it waits for the pipe.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[derive(Default)]
struct State {
    written: AtomicU64,
    ended: AtomicBool,
    broken: AtomicBool,
}

impl Pipe {
    pub(super) async fn open(program: &'static str, rate: u32, pull: Pull) -> Result<Pipe, String> {
        let pipe = Pipe { program, rate, pull, run: Mutex::new(None) };
        let mut child = pipe.spawn().map_err(|e| e.to_string())?;
        let mut stdin = child.stdin.take();
        if let Some(stdin) = &mut stdin {
            // A little silence, so that it opens its device.
            drop(stdin.write_all(&[0; BLOCK_FRAMES * FRAME_BYTES]));
        }
        tokio::time::sleep(TRIAL).await;
        let lives = matches!(child.try_wait(), Ok(None));
        drop(stdin);
        drop(child.kill());
        drop(child.wait());
        if lives { Ok(pipe) } else { Err("it found no device".into()) }
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let rate = self.rate.to_string();
        let path = find(self.program)
            .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::NotFound, "it is not installed"))?;
        let latency = format!("--latency-msec={DEVICE_MS}");
        let buffer = format!("--buffer-time={}", DEVICE_MS * 1000);
        let pw_latency = format!("--latency={DEVICE_MS}ms");
        let paplay_rate = format!("--rate={rate}");
        let arguments: Vec<&str> = match self.program {
            "pw-cat" => {
                vec!["--playback", "--raw", "--format=f32", "--rate", &rate, "--channels=2", &pw_latency, "-"]
            }
            "paplay" => vec!["--raw", "--format=float32le", &paplay_rate, "--channels=2", &latency],
            _ => vec!["-q", "-t", "raw", "-f", "FLOAT_LE", "-r", &rate, "-c", "2", &buffer, "-"],
        };
        let mut command = Command::new(path);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C belongs to the client.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.spawn()
    }

    fn begin(&self) -> Result<(), Lost> {
        let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        if run.is_some() {
            return Ok(());
        }
        let child = self.spawn().map_err(|_| Lost)?;
        let mut begun = Run { child, state: Arc::default(), begun: Instant::now() };
        let stdin = begun.child.stdin.take().ok_or(Lost)?;
        let (own, pull) = (begun.state.clone(), self.pull.clone());
        let made = thread::Builder::new().name("deadwax-pipe".into()).spawn(move || feed(stdin, &own, &pull));
        made.map_err(|_| Lost)?;
        *run = Some(begun);
        Ok(())
    }

    fn take_run(&self) -> Option<Run> {
        let run = self.run.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        run.state.ended.store(true, Ordering::Relaxed);
        Some(run)
    }

    fn behind(&self) -> Result<u64, Lost> {
        let mut run = self.run.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(run) = run.as_mut() else { return Ok(0) };
        if run.state.broken.load(Ordering::Relaxed) || !matches!(run.child.try_wait(), Ok(None)) {
            return Err(Lost);
        }
        let written = run.state.written.load(Ordering::Relaxed);
        let heard = (run.begun.elapsed().as_secs_f64() * f64::from(self.rate)) as u64;
        let room = PIPE_BYTES / FRAME_BYTES as u64 + u64::from(self.rate) * DEVICE_MS / 1000;
        Ok(written.saturating_sub(heard).min(room))
    }
}

fn feed(mut stdin: ChildStdin, state: &State, pull: &Pull) {
    let mut frames: [Frame; BLOCK_FRAMES] = [[0.0; 2]; BLOCK_FRAMES];
    let mut bytes = [0; BLOCK_FRAMES * FRAME_BYTES];
    while !state.ended.load(Ordering::Relaxed) {
        pull(&mut frames);
        write_frames(&frames, &mut bytes);
        if stdin.write_all(&bytes).is_err() {
            state.broken.store(true, Ordering::Relaxed);
            return;
        }
        state.written.fetch_add(BLOCK_FRAMES as u64, Ordering::Relaxed);
    }
}

impl Output for Pipe {
    fn name(&self) -> &'static str {
        self.program
    }

    fn is_audible(&self) -> bool {
        true
    }

    fn play(&self) -> BoxFuture<'_, Result<(), Lost>> {
        let begun = self.begin();
        Box::pin(async move { begun })
    }

    fn rest(&self) -> BoxFuture<'_, Result<(), Lost>> {
        if let Some(run) = self.take_run() {
            // Its pipe closes and it plays what it holds. Where no thread is to be had it ends at once.
            let waiter = thread::Builder::new().name("deadwax-pipe".into());
            drop(waiter.spawn(move || run.see_out()));
        }
        Box::pin(async { Ok(()) })
    }

    fn waiting(&self) -> BoxFuture<'_, Result<u64, Lost>> {
        let behind = self.behind();
        Box::pin(async move { behind })
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        drop(self.take_run());
    }
}
