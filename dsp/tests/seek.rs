//! A seek gives what a reading from the start gives at that place, in every format and from any storage; and it asks only for the bytes it needs.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use deadwax_dsp::decode::{Bytes, Storage};
use deadwax_dsp::write::{AudioWriter, Encoding};
use deadwax_dsp::{Block, Source};

const FRAMES: usize = 400_000;

fn sound(rate: u32) -> Block {
    let mut seed = 11u64;
    let mut plane = |shift: f64| -> Vec<f64> {
        (0..FRAMES)
            .map(|n| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let noise = (seed >> 33) as f64 / (1u64 << 30) as f64 - 1.0;
                let t = n as f64 / f64::from(rate);
                0.4 * (std::f64::consts::TAU * (220.0 + 90.0 * t) * t * shift).sin() + 0.05 * noise
            })
            .collect()
    };
    Block { channels: vec![plane(1.0), plane(1.25)] }
}

fn written(folder: &Path, encoding: Encoding, rate: u32) -> PathBuf {
    let path = folder.join(format!("{}-{rate}.{}", encoding.token(), encoding.extension()));
    let mut writer = AudioWriter::create(&path, encoding, rate, 2, None).unwrap();
    writer.write(&sound(rate)).unwrap();
    writer.finish().unwrap();
    path
}

/// The bytes of a file, counting which were asked for.
#[derive(Clone)]
struct Watched {
    bytes: Arc<Vec<u8>>,
    read: Arc<AtomicU64>,
    furthest: Arc<Mutex<u64>>,
}

struct Place {
    of: Watched,
    at: u64,
}

impl Storage for Watched {
    fn open(&self) -> io::Result<Box<dyn Bytes>> {
        Ok(Box::new(Place { of: self.clone(), at: 0 }))
    }
    fn byte_len(&self) -> u64 {
        self.bytes.len() as u64
    }
}

impl Read for Place {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let rest = self.of.bytes.get(self.at as usize..).unwrap_or_default();
        // In small pieces, as a line gives them.
        let n = rest.len().min(out.len()).min(5_000);
        out[..n].copy_from_slice(&rest[..n]);
        self.at += n as u64;
        self.of.read.fetch_add(n as u64, Ordering::Relaxed);
        let mut furthest = self.of.furthest.lock().unwrap();
        *furthest = (*furthest).max(self.at);
        Ok(n)
    }
}

impl Seek for Place {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.of.bytes.len() as u64 + by as u64,
            SeekFrom::Current(by) => self.at.checked_add_signed(by).unwrap(),
        };
        Ok(self.at)
    }
}

fn watched(path: &Path) -> Watched {
    Watched { bytes: Arc::new(std::fs::read(path).unwrap()), read: Arc::default(), furthest: Arc::default() }
}

fn read(source: &mut Source, frames: usize) -> Vec<Vec<f64>> {
    let mut all = vec![Vec::new(); source.spec().channels];
    let mut block = Block::default();
    while all[0].len() < frames {
        if source.read(&mut block, (frames - all[0].len()).min(3_000)).unwrap() == 0 {
            break;
        }
        for (sum, plane) in all.iter_mut().zip(&block.channels) {
            sum.extend(plane);
        }
    }
    all
}

fn check(path: &Path, tolerance: f64) {
    let whole = read(&mut Source::open(path).unwrap(), usize::MAX);
    let total = whole[0].len();
    let mut source = Source::open_in(Arc::new(watched(path)), path).unwrap();
    let places =
        [total - 5, 200_000, 0, 199_999, 1, 123_457, 300_001, 4_000, 65_536, total / 2, total - 60_000];
    for at in places {
        source.seek(at as u64).unwrap();
        assert_eq!(source.position(), at as u64, "{}", path.display());
        let heard = read(&mut source, 7_000);
        let end = (at + 7_000).min(total);
        for (plane, from) in heard.iter().zip(&whole) {
            assert_eq!(plane.len(), end - at, "{} at {at}", path.display());
            let worst = plane.iter().zip(&from[at..end]).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst <= tolerance, "{} at {at}: {worst} off", path.display());
        }
    }
    source.seek(total as u64 + 1_000).unwrap();
    assert!(read(&mut source, 10)[0].is_empty(), "{}: behind the end is the end", path.display());
    source.seek(0).unwrap();
    let again = read(&mut source, usize::MAX);
    assert!(again == whole, "{}: from the start again", path.display());
}

#[test]
fn our_own_formats_seek_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    for encoding in [
        Encoding::Wav16,
        Encoding::Wav24,
        Encoding::Wav32f,
        Encoding::Aiff24,
        Encoding::Flac16,
        Encoding::Flac24,
        Encoding::Mp3_320,
        Encoding::Mp3V0,
    ] {
        check(&written(folder.path(), encoding, 44_100), 0.0);
    }
    check(&written(folder.path(), Encoding::Mp3_320, 48_000), 0.0);
    check(&written(folder.path(), Encoding::Mp3_320, 22_050), 0.0);
    // The coder's memory fades; what remains of it lies far under what the format keeps.
    check(&written(folder.path(), Encoding::Opus160, 48_000), 0.02);
}

#[test]
fn what_other_coders_write_seeks_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let wav = written(folder.path(), Encoding::Wav16, 44_100);
    for (name, options) in [
        ("a.aiff", &["-c:a", "pcm_s24be"][..]),
        ("a.m4a", &["-c:a", "alac"]),
        // Without noise in place of noise, which a decoder draws as it likes.
        ("b.m4a", &["-c:a", "aac", "-aac_pns", "0", "-b:a", "192k"]),
        ("a.aac", &["-c:a", "aac", "-aac_pns", "0", "-b:a", "192k"]),
        ("a.ogg", &["-c:a", "libvorbis", "-q:a", "6"]),
        ("a.mp3", &["-b:a", "128k"]),
        ("rf.wav", &["-rf64", "always", "-c:a", "pcm_s16le"]),
    ] {
        let to = folder.path().join(name);
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-i"])
            .arg(&wav)
            .args(options)
            .arg(&to)
            .status();
        if !made.is_ok_and(|status| status.success()) {
            println!("skipped {name}: no ffmpeg that writes it");
            continue;
        }
        check(&to, 0.0);
    }
}

#[test]
fn a_seek_in_a_copy_for_listening_reads_what_it_needs_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    for (encoding, most) in [(Encoding::Mp3_320, 200_000), (Encoding::Wav24, 200_000)] {
        let storage = watched(&written(folder.path(), encoding, 44_100));
        let mut source = Source::open_in(Arc::new(storage.clone()), Path::new("a")).unwrap();
        let (opened, at) = (storage.read.load(Ordering::Relaxed), *storage.furthest.lock().unwrap());
        source.seek(FRAMES as u64 - 20_000).unwrap();
        read(&mut source, 500);
        let read = storage.read.load(Ordering::Relaxed) - opened;
        assert!(read < most, "{}: {read} bytes for one seek, {at} opened", encoding.token());
    }
}
