//! The bare disk in the same run: what one sync costs, what the simplest group commit makes of it, what a plain copy of a file takes. Figures of the server
//! are told as ratios to these, because machines are noisy. Never here: the server.

use std::{
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use deadwax_client::net::digest_of;
use tokio::sync::{mpsc, oneshot};

use super::figures::Spread;

/// `fdatasync` after appending so many bytes, one after the other.
pub fn syncs(folder: &Path, bytes: usize, times: usize) -> Result<Spread> {
    let path = folder.join("probe-syncs");
    let mut file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
    let (block, mut spread) = (vec![0x5A; bytes], Spread::default());
    for _ in 0..times {
        file.write_all(&block)?;
        let begun = Instant::now();
        file.sync_data()?;
        spread.add(begun.elapsed());
    }
    fs::remove_file(&path)?;
    Ok(spread)
}

/// Writers that wait for each other's sync, and nothing else: each hands its entry to one thread, which appends what has come together and syncs once.
/// Entries a second.
pub async fn group_commit(folder: &Path, bytes: usize, writers: usize, time: Duration) -> Result<f64> {
    let path = folder.join("probe-commit");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let (queue, mut asked) = mpsc::channel::<(Vec<u8>, oneshot::Sender<()>)>(1024);
    let committer = thread::spawn(move || -> std::io::Result<()> {
        let mut batch = Vec::new();
        while asked.blocking_recv_many(&mut batch, 1024) > 0 {
            let whole: Vec<u8> = batch.iter().flat_map(|(entry, _)| entry.iter().copied()).collect();
            file.write_all(&whole)?;
            file.sync_data()?;
            for (_, done) in batch.drain(..) {
                let _ = done.send(());
            }
        }
        Ok(())
    });
    let (done, begun) = (Arc::new(AtomicU64::new(0)), Instant::now());
    let hands = (0..writers).map(|_| {
        let (queue, done) = (queue.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            while begun.elapsed() < time {
                let (answer, answered) = oneshot::channel();
                if queue.send((vec![0x5A; bytes], answer)).await.is_err() || answered.await.is_err() {
                    break;
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    for hand in hands.collect::<Vec<_>>() {
        hand.await?;
    }
    let rate = done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64();
    drop(queue);
    tokio::task::spawn_blocking(move || committer.join())
        .await?
        .map_err(|_| anyhow::anyhow!("the committer of the probe panicked"))??;
    fs::remove_file(&path)?;
    Ok(rate)
}

/// `cp`, sync and SHA-256 of a file, one after the other.
pub fn copied(file: &Path, folder: &Path) -> Result<Duration> {
    let begun = Instant::now();
    let copy = folder.join("probe-copy");
    fs::copy(file, &copy).with_context(|| format!("copy {}", file.display()))?;
    let reader = File::open(&copy)?;
    reader.sync_all()?;
    digest_of(reader, |_| {})?;
    let took = begun.elapsed();
    fs::remove_file(&copy)?;
    Ok(took)
}
