//! Large files: an upload until it is durable and measured, beside a plain copy of the same file in the same minute; eight at once and what they cost in memory;
//! the first byte of a download; players that must not stop while somebody uploads. Never here: what the sound is good for.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use deadwax_client::net::{Client, Local, Stretch, new_id};
use deadwax_dsp::{
    Block,
    write::{AudioWriter, Encoding},
};
use deadwax_proto::v1::{self, action::Action};
use tokio::task::JoinSet;

use super::{
    Size,
    figures::{Line, Spread},
    probe,
    stand::{Place, Stand},
};

/// Stereo, 24 bit, 48 kHz.
const BYTES_A_SECOND: u64 = 288_000;
const MIB: u64 = 1 << 20;
const AT_ONCE: [usize; 3] = [1, 4, 8];
const MEMORY_EACH: u64 = 16 * MIB;
const FIRST_BYTE_MS: f64 = 20.0;
/// A lossless stream, and what a player has in hand.
const PLAYER_BYTES_A_SECOND: u64 = 1_400_000 / 8;
const IN_HAND: Duration = Duration::from_secs(2);

pub async fn measure(stand: &Stand, size: &Size) -> Result<Vec<Line>> {
    let place = stand.places(1).await?.pop().context("a project")?;
    let client = stand.client().await?;
    let large = noise(&stand.folder, size.file_mib << 20, 1)?;
    let mut lines = one(stand, &client, &place, &large, size).await?;
    lines.extend(several(stand, &place, size).await?);
    let stretch = version(&client, &place, &large).await?;
    lines.extend(downloads(&client, &stretch).await?);
    lines.push(players(stand, &place, &stretch, size).await?);
    Ok(lines)
}

/// Noise does not compress and never repeats, so that no digest is known already.
pub fn noise(folder: &Path, bytes: u64, seed: u64) -> Result<PathBuf> {
    const FRAMES: usize = 48_000;
    let path = folder.join(format!("noise-{seed}.wav"));
    let mut writer = AudioWriter::create(&path, Encoding::Wav24, 48_000, 2, None)?;
    let (mut block, mut state) = (Block::new(2, FRAMES), seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for _ in 0..(bytes / BYTES_A_SECOND).max(1) {
        for sample in block.channels.iter_mut().flatten() {
            // Xorshift (Marsaglia 2003); its upper 24 bits as a sample below half of full scale.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *sample = ((state >> 40) as f64 / f64::from(1 << 24)) - 0.5;
        }
        writer.write(&block)?;
    }
    writer.finish()?;
    Ok(path)
}

async fn local(path: &Path) -> Result<Local> {
    let path = path.to_owned();
    Ok(tokio::task::spawn_blocking(move || Local::open(&path, |_| {})).await??)
}

/// Until the server has said that it holds and has measured it; and when the last byte had left.
pub async fn uploaded(client: &Client, place: &Place, path: &Path) -> Result<(Duration, Duration)> {
    let file = local(path).await?;
    let begun = Instant::now();
    let (left, whole) = (Arc::new(AtomicU64::new(0)), file.bytes);
    let seen = Arc::clone(&left);
    let facts = client.upload(&place.project, &file, move |sent| {
        if sent >= whole {
            let _ = seen.compare_exchange(
                0,
                begun.elapsed().as_micros() as u64,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    });
    facts.await?;
    Ok((begun.elapsed(), Duration::from_micros(left.load(Ordering::Relaxed))))
}

async fn one(stand: &Stand, client: &Client, place: &Place, large: &Path, size: &Size) -> Result<Vec<Line>> {
    let (took, left) = uploaded(client, place, large).await?;
    let (folder, file) = (stand.folder.clone(), large.to_owned());
    let copied = tokio::task::spawn_blocking(move || probe::copied(&file, &folder)).await??;
    let rate = |time: Duration| size.file_mib as f64 / time.as_secs_f64();
    Ok(vec![
        Line::judged(
            format!("upload of {} MiB, its last byte taken", size.file_mib),
            format!(
                "{:.0} MiB/s; cp + sync + SHA-256 {:.0} MiB/s: {:.2} of it",
                rate(left),
                rate(copied),
                copied.as_secs_f64() / left.as_secs_f64()
            ),
            ">= 0.5 of cp + sync + SHA-256",
            copied.as_secs_f64() >= 0.5 * left.as_secs_f64(),
        ),
        Line::told(
            "the same until it is durable and measured",
            format!(
                "{:.1} s, {:.0} MiB/s; loudness and peaks of the whole file are found in it",
                took.as_secs_f64(),
                rate(took)
            ),
        ),
    ])
}

/// As many whole files at once: together not slower than one alone, and none of them lies in memory.
async fn several(stand: &Stand, place: &Place, size: &Size) -> Result<Vec<Line>> {
    let (mut lines, mut alone) = (Vec::new(), 0.0);
    for count in AT_ONCE {
        let mut files = Vec::new();
        for number in 0..count as u64 {
            files.push(noise(&stand.folder, size.file_mib << 20, 1000 * count as u64 + number)?);
        }
        let before = stand.usage()?;
        stand.forget_the_most()?;
        let mut hands = JoinSet::new();
        for file in files {
            let (client, place) = (stand.client().await?, place.clone());
            hands.spawn(async move {
                let took = uploaded(&client, &place, &file).await;
                std::fs::remove_file(&file)?;
                took
            });
        }
        let mut last = Duration::ZERO;
        while let Some(hand) = hands.join_next().await {
            last = last.max(hand.context("an upload")??.1);
        }
        let grown = stand.usage()?.memory_most.saturating_sub(before.memory) / count as u64;
        let rate = (count as u64 * size.file_mib) as f64 / last.as_secs_f64();
        let measured =
            format!("{rate:.0} MiB/s together; {:.1} MiB of memory each", grown as f64 / MIB as f64);
        let what = format!("{count} uploads of {} MiB at once", size.file_mib);
        if count == 1 {
            alone = rate;
            lines.push(Line::judged(what, measured, "< 16 MiB each", grown < MEMORY_EACH));
        } else {
            let goal = "not below one alone; < 16 MiB each";
            let measured = format!("{measured}; {:.2} of one alone", rate / alone);
            lines.push(Line::judged(what, measured, goal, rate >= alone && grown < MEMORY_EACH));
        }
    }
    Ok(lines)
}

/// The file becomes a take, so that it may be fetched.
pub async fn version(client: &Client, place: &Place, path: &Path) -> Result<Stretch> {
    let file = local(path).await?;
    // Whoever makes a project leads it; a take is for those who play.
    let roles = vec![v1::Role::Manager.into(), v1::Role::Artist.into()];
    let mine = v1::ChangeRoles { person_id: client.who_am_i().await?.person_id, roles };
    client.perform(&place.project, Action::ChangeRoles(mine)).await?;
    let version_id = new_id();
    let add = v1::AddVersion {
        version_id: version_id.clone(),
        song_id: place.song.clone(),
        kind: v1::VersionKind::Take.into(),
        title: "Take 1".into(),
        changelog: String::new(),
        files: vec![v1::NewFile { alternate: "main".into(), sha256: file.sha256.clone(), name: file.name }],
    };
    client.perform(&place.project, Action::AddVersion(add)).await?;
    let (project_id, sha256) = (place.project.clone(), file.sha256);
    Ok(Stretch { project_id, version_id, sha256, listening: false, offset: 0, limit: 0 })
}

async fn downloads(client: &Client, whole: &Stretch) -> Result<Vec<Line>> {
    let mut first = Spread::default();
    let (begun, mut incoming, mut bytes) = (Instant::now(), client.stretch(whole).await?, 0u64);
    let total = incoming.total();
    while let Some(chunk) = incoming.next().await? {
        bytes += chunk.len() as u64;
    }
    let rate = bytes as f64 / f64::from(1 << 20) / begun.elapsed().as_secs_f64();
    anyhow::ensure!(bytes == total, "{bytes} of {total} bytes came");
    for turn in 0..200u64 {
        let offset = turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) % total.saturating_sub(300_000).max(1);
        let begun = Instant::now();
        let mut some = client.stretch(&Stretch { offset, limit: 256 << 10, ..whole.clone() }).await?;
        some.next().await?.context("a stretch without bytes")?;
        first.add(begun.elapsed());
    }
    Ok(vec![
        Line::told("download over TLS", format!("{rate:.0} MiB/s")),
        Line::judged(
            "first byte of a range",
            first.to_string(),
            format!("p99 < {FIRST_BYTE_MS} ms"),
            first.ms(0.99) < FIRST_BYTE_MS,
        ),
    ])
}

/// Seconds of sound that came when the two in hand had run out, over all players.
#[derive(Default)]
pub struct Heard {
    pub late: AtomicU64,
    pub failed: AtomicU64,
}

/// Each takes a second of sound a second, in ranges as the player does, and stops where its two seconds in hand run out.
pub fn play(stand: &Stand, whole: &Stretch, count: usize, seconds: u64) -> Result<(JoinSet<()>, Arc<Heard>)> {
    let (heard, owner, mut hands) = (Arc::new(Heard::default()), stand.owner(), JoinSet::new());
    for at in 0..count {
        let (client, whole, heard) = (stand.client_of(&owner)?, whole.clone(), Arc::clone(&heard));
        hands.spawn(async move {
            tokio::time::sleep(Duration::from_millis(at as u64 * 10)).await;
            if let Err(error) = listen(&client, &whole, seconds, &heard).await {
                heard.failed.fetch_add(1, Ordering::Relaxed);
                eprintln!("load: a player stopped: {error:#}");
            }
        });
    }
    Ok((hands, heard))
}

async fn listen(client: &Client, whole: &Stretch, seconds: u64, heard: &Heard) -> Result<()> {
    let begun = Instant::now();
    for second in 0..seconds {
        tokio::time::sleep_until((begun + Duration::from_secs(second)).into()).await;
        let offset = second * PLAYER_BYTES_A_SECOND;
        let stretch = Stretch { offset, limit: PLAYER_BYTES_A_SECOND, ..whole.clone() };
        let mut some = client.stretch(&stretch).await?;
        while some.next().await?.is_some() {}
        if begun.elapsed() > Duration::from_secs(second) + IN_HAND {
            heard.late.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// As long as the file gives sound.
pub fn seconds_of(size: &Size) -> u64 {
    size.seconds.min((size.file_mib << 20) / PLAYER_BYTES_A_SECOND)
}

async fn players(stand: &Stand, place: &Place, whole: &Stretch, size: &Size) -> Result<Line> {
    let upload = noise(&stand.folder, (size.file_mib << 20) / 2, 7)?;
    let seconds = seconds_of(size);
    let (mut hands, heard) = play(stand, whole, size.players, seconds)?;
    let (took, _) = uploaded(&stand.client().await?, place, &upload).await?;
    while let Some(hand) = hands.join_next().await {
        hand.context("a player")?;
    }
    let (late, failed) = (heard.late.load(Ordering::Relaxed), heard.failed.load(Ordering::Relaxed));
    Ok(Line::judged(
        format!("{} players for {seconds} s, 1.4 Mbit/s each, during an upload", size.players),
        format!(
            "{late} seconds came too late, {failed} players failed; the upload took {:.1} s",
            took.as_secs_f64()
        ),
        "0 with 2 s in hand",
        late + failed == 0,
    ))
}
