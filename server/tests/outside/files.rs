//! G8: files of every accepted format, changed by lot, through what a child does with an upload, under the child's own limits: memory, CPU time, paths, calls.
//! Many files a process, so that a million is a matter of hours; a process that dies has its file found and kept. What is found becomes a seed. Never here:
//! whether a broken file is refused or read, which both are fine.

use std::{
    collections::VecDeque,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use deadwax_dsp::{
    Block,
    decode::Bext,
    write::{AudioWriter, Encoding},
};
use deadwax_server::render::{
    Limits,
    child::{self, InspectLine},
    confine::{Reach, confine},
    inspect::{self, InspectError},
};

use crate::{
    common::child::server,
    lot::{Lot, mutated},
    seed, tell, times,
};

/// Every format that is accepted, by the way it is coded.
pub const FORMATS: [&str; 14] = [
    "wav16",
    "wav24",
    "wav32f",
    "bwf",
    "rf64",
    "aiff16",
    "aiff24",
    "flac16",
    "mp3",
    "tagged-mp3",
    "opus",
    "vorbis",
    "aac",
    "alac",
];
const ADTS: &str = "adts";
/// A process takes so many, then a fresh one goes on.
const BATCH: u64 = 2_000;
const ASKED: &str = "DEADWAX_TEST_FUZZ";
const ROOM: &str = "DEADWAX_TEST_FUZZ_ROOM";
/// What one process of a batch may compute: for its start, and for a file.
const CPU_BASE_S: u64 = 60;
const CPU_MS_PER_FILE: u64 = 50;

pub fn seed_file(format: &str) -> Vec<u8> {
    let encoding = match format {
        "wav16" | "rf64" => Encoding::Wav16,
        "wav24" | "bwf" => Encoding::Wav24,
        "wav32f" => Encoding::Wav32f,
        "aiff16" => Encoding::Aiff16,
        "aiff24" => Encoding::Aiff24,
        "flac16" => Encoding::Flac16,
        "mp3" => Encoding::Mp3V0,
        "opus" => Encoding::Opus160,
        "tagged-mp3" => return include_bytes!("seeds/tagged.mp3").to_vec(),
        "vorbis" => return include_bytes!("seeds/vorbis.ogg").to_vec(),
        "aac" => return include_bytes!("seeds/aac.m4a").to_vec(),
        ADTS => return include_bytes!("seeds/adts.aac").to_vec(),
        _ => return include_bytes!("seeds/alac.m4a").to_vec(),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seed");
    let bext = (format == "bwf").then(Bext::default);
    let mut writer = AudioWriter::create(&path, encoding, 48_000, 2, bext).unwrap();
    let tone = |hz: f64| (0..2_500).map(|n| (f64::from(n) * hz / 48_000.0).sin() * 0.4).collect();
    writer.write(&Block { channels: vec![tone(2_764.0), tone(4_159.0)] }).unwrap();
    writer.finish().unwrap();
    let bytes = std::fs::read(path).unwrap();
    if format == "rf64" { as_rf64(&bytes) } else { bytes }
}

/// The same sound behind a header of 64 bit sizes.
fn as_rf64(wav: &[u8]) -> Vec<u8> {
    let data = wav.windows(4).position(|four| four == b"data").unwrap();
    let sound = &wav[data + 8..];
    let mut bytes = b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0".to_vec();
    let sizes = [sound.len() + 72, sound.len(), sound.len() / 4];
    sizes.into_iter().for_each(|size| bytes.extend((size as u64).to_le_bytes()));
    bytes.extend([0; 4]);
    bytes.extend(b"fmt \x10\0\0\0\x01\0\x02\0\x80\xbb\0\0\0\xee\x02\0\x04\0\x10\0data\xff\xff\xff\xff");
    bytes.extend(sound);
    bytes
}

fn all() -> impl Iterator<Item = &'static str> {
    FORMATS.into_iter().chain([ADTS])
}

fn input(format: &str, seed_bytes: &[u8], index: u64) -> Vec<u8> {
    mutated(seed_bytes, seed_bytes, &mut Lot::new(seed(), format, index))
}

/// Not a test of its own: what the process of a batch runs. Returns at once when started by anybody else.
#[test]
fn batch_entry() {
    let Ok(asked) = std::env::var(ASKED) else { return };
    let mut words = asked.split(' ');
    let format = words.next().unwrap();
    let (from, to): (u64, u64) =
        (words.next().unwrap().parse().unwrap(), words.next().unwrap().parse().unwrap());
    let seed_bytes = seed_file(format);
    let room = PathBuf::from(std::env::var_os(ROOM).unwrap());
    let (file, waveform) = (room.join("input"), room.join("waveform"));
    let mut at = std::fs::File::create(room.join("at")).unwrap();

    let panics: &'static AtomicU64 = Box::leak(Box::default());
    std::panic::set_hook(Box::new(|_| {
        panics.fetch_add(1, Ordering::Relaxed);
    }));
    let cpu_s = CPU_BASE_S + (to - from) * CPU_MS_PER_FILE / 1000;
    child::limit(Limits::INSPECT.memory_bytes, cpu_s).unwrap();
    confine(&Reach { writes: vec![room], ..Reach::default() }).unwrap();

    let (mut measured, mut slowest) = (0u64, Duration::ZERO);
    for index in from..to {
        at.write_all(&index.to_le_bytes()).unwrap();
        std::fs::write(&file, input(format, &seed_bytes, index)).unwrap();
        let begun = Instant::now();
        measured += u64::from(matches!(child::measured_file(&file, &waveform), InspectLine::Measured(_)));
        slowest = slowest.max(begun.elapsed());
    }
    println!("\n@done {measured} {} {}", slowest.as_millis(), panics.load(Ordering::Relaxed));
    // The parent looks at this process before it goes.
    let _ = std::io::stdin().read_line(&mut String::new());
    std::process::exit(0);
}

#[derive(Default)]
struct Found {
    files: u64,
    measured: u64,
    /// Of a decoder, caught where it was called.
    panics: u64,
    slowest_ms: u64,
    peak_kib: u64,
    deaths: Vec<String>,
}

/// Runs `from..to` and gives the index to go on with.
fn batch(format: &str, (from, to): (u64, u64), found: &Mutex<Found>) -> u64 {
    let room = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["files::batch_entry", "--exact", "--nocapture", "--test-threads=1"])
        .env(ASKED, format!("{format} {from} {to}"))
        .env("DEADWAX_TEST_SEED", seed().to_string())
        .env(ROOM, room.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let done = lines.into_iter().find_map(|line| Some(line.strip_prefix("@done ")?.to_owned()));
    let peak_kib = done.as_ref().map_or(0, |_| peak_kib(child.id()));
    drop(child.stdin.take());
    let status = child.wait().unwrap();
    let mut found = found.lock().unwrap();
    let Some(done) = done else {
        let at = std::fs::read(room.path().join("at")).unwrap_or_default();
        let index = at.as_chunks::<8>().0.last().map_or(from, |bytes| u64::from_le_bytes(*bytes));
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{format}-{}-{index}", seed()));
        std::fs::write(&kept, input(format, &seed_file(format), index)).unwrap();
        found.deaths.push(format!("{status}: {}", kept.display()));
        found.files += index + 1 - from;
        return index + 1;
    };
    let numbers: Vec<u64> = done.split(' ').map(|word| word.parse().unwrap()).collect();
    found.files += to - from;
    found.measured += numbers[0];
    found.slowest_ms = found.slowest_ms.max(numbers[1]);
    found.panics += numbers[2];
    found.peak_kib = found.peak_kib.max(peak_kib);
    to
}

fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

#[test]
fn broken_files_of_every_format_end_no_child() {
    let each = times(60, 1_400, 1_000_000);
    let work: VecDeque<(&str, u64, u64)> = all()
        .flat_map(|format| (0..each).step_by(BATCH as usize).map(move |from| (format, from)))
        .map(|(format, from)| (format, from, (from + BATCH).min(each)))
        .collect();
    let (work, found) = (Mutex::new(work), Mutex::new(Found::default()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((format, from, to)) = work.lock().unwrap().pop_front() else { break };
                    let next = batch(format, (from, to), &found);
                    // What only dies is not tried for ever: its dead are told.
                    if next < to && found.lock().unwrap().deaths.len() < 50 {
                        work.lock().unwrap().push_front((format, next, to));
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let limit_mib = Limits::INSPECT.memory_bytes >> 20;
    let figures = format!(
        "{} files in {} formats, seed {}: {} deaths, {} panics of decoders (caught), {} still measured, child at most {} MiB of {limit_mib}, slowest {} ms",
        found.files,
        all().count(),
        seed(),
        found.deaths.len(),
        found.panics,
        found.measured,
        found.peak_kib >> 10,
        found.slowest_ms
    );
    let figures = [figures].into_iter().chain(found.deaths.clone()).collect::<Vec<_>>().join("; ");
    tell("G8", found.deaths.is_empty() && found.files >= all().count() as u64 * each, &figures);
}

/// A few of the same through the real program, from its start to its answer.
#[tokio::test]
async fn broken_files_are_answered_by_the_real_child() {
    let folder = tempfile::tempdir().unwrap();
    let (path, waveform) = (folder.path().join("input"), folder.path().join("waveform"));
    for format in all() {
        let seed_bytes = seed_file(format);
        for index in 0..times(2, 6, 100) {
            std::fs::write(&path, input(format, &seed_bytes, index)).unwrap();
            match inspect::inspect(&server(), &path, &waveform).await {
                Ok(_) => {}
                Err(InspectError::Failed(what)) => panic!("{format} {index}: {what}"),
                Err(error) => assert!(!error.to_string().contains("fail hard"), "{format} {index}: {error}"),
            }
        }
    }
}
