//! Children that a worker starts: the real program, a script in its place, and how one watches it die.

use std::{f64::consts::TAU, time::Duration};

use deadwax_server::render::Program;
use rustix::process::{Pid, Signal, kill_process};

use super::within;

pub fn server() -> Program {
    Program { exe: env!("CARGO_BIN_EXE_deadwax-server").into(), prefix: Vec::new() }
}

/// A child that is a shell script: it finds `$home` (its own folder) and the real arguments.
pub fn script(home: &tempfile::TempDir, body: &str) -> Program {
    let path = home.path().join("child.sh");
    std::fs::write(&path, format!("home={}\n{body}\n", home.path().display())).unwrap();
    Program { exe: "/bin/sh".into(), prefix: vec![path.into_os_string()] }
}

/// Who the child is, told once.
pub async fn pid_in(home: &tempfile::TempDir) -> u32 {
    let path = home.path().join("pid");
    within(Duration::from_secs(120), "the child's pid", async {
        loop {
            if let Ok(text) = std::fs::read_to_string(&path) {
                std::fs::remove_file(&path).unwrap();
                return text.trim().parse().unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

/// Gone, or a zombie that waits for its parent.
pub fn is_dead(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with(['Z', 'X']))
}

pub async fn dies(pid: u32) {
    within(Duration::from_secs(10), "the child's death", async {
        while !is_dead(pid) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

pub fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Stereo: a tone that breathes, so that it has a loudness.
pub fn wav(rate: u32, bits: u16, seconds: u32, hz: f64) -> Vec<u8> {
    let (frames, sample_bytes) = (rate * seconds, usize::from(bits / 8));
    let frame_bytes = 2 * bits / 8;
    let data = frames * u32::from(frame_bytes);
    let mut bytes = Vec::with_capacity(data as usize + 44);
    bytes.extend(b"RIFF");
    bytes.extend((36 + data).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend([1, 0, 2, 0]);
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(frame_bytes)).to_le_bytes());
    bytes.extend(frame_bytes.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(data.to_le_bytes());
    let full = f64::from((1i32 << (bits - 1)) - 1);
    for frame in 0..frames {
        let t = f64::from(frame) / f64::from(rate);
        let level = 0.15 + 0.1 * (t * TAU).sin();
        let sample = (((t * hz * TAU).sin() * level * full) as i32).to_le_bytes();
        bytes.extend(&sample[..sample_bytes]);
        bytes.extend(&sample[..sample_bytes]);
    }
    bytes
}
