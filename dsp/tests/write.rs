//! What is written comes back to the bit, leaves nothing when given up, and is read by other programs; what they write is read here.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use std::path::Path;
use std::process::Command;

use deadwax_dsp::write::{AudioWriter, Encoding};
use deadwax_dsp::{Block, Source};

fn samples(bits: u32, frames: i64) -> Vec<Vec<f64>> {
    let scale = f64::from(1u32 << (bits - 1));
    let value = |n: i64| (n * 7_919_317 % (scale as i64)) as f64 / scale;
    vec![(0..frames).map(value).collect(), (0..frames).map(|n| -value(n * 3)).collect()]
}

fn write(path: &Path, encoding: Encoding, planes: &[Vec<f64>]) {
    let mut writer = AudioWriter::create(path, encoding, 48_000, planes.len(), Default::default()).unwrap();
    for at in (0..planes[0].len()).step_by(1000) {
        let end = (at + 1000).min(planes[0].len());
        writer
            .write(&Block { channels: planes.iter().map(|plane| plane[at..end].to_vec()).collect() })
            .unwrap();
    }
    assert_eq!(writer.finish().unwrap(), std::fs::metadata(path).unwrap().len());
}

fn read(path: &Path) -> (deadwax_dsp::Spec, Vec<Vec<f64>>) {
    let mut source = Source::open(path).unwrap_or_else(|e| panic!("{e}"));
    let mut planes = vec![Vec::new(); source.spec().channels];
    let mut block = Block::default();
    while source.read(&mut block, 777).unwrap_or_else(|e| panic!("{e}")) > 0 {
        planes.iter_mut().zip(&block.channels).for_each(|(sum, plane)| sum.extend(plane));
    }
    (source.spec().clone(), planes)
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        println!("{program} is not installed: its part of this test was left out");
    }
    found
}

/// Two channels, as ffmpeg decodes them.
fn ffmpeg_reads(path: &Path) -> Vec<Vec<f64>> {
    let command = ["-v", "error", "-i"];
    let done = Command::new("ffmpeg").args(command).arg(path).args(["-f", "f64le", "-"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let samples: Vec<f64> =
        done.stdout.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
    vec![samples.iter().step_by(2).copied().collect(), samples.iter().skip(1).step_by(2).copied().collect()]
}

#[test]
fn every_encoding_comes_back_to_the_bit_and_twice_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for encoding in Encoding::LOSSLESS {
        let planes = samples(encoding.bits().min(24), 10_001);
        let (once, twice) = (folder.path().join("once"), folder.path().join("twice"));
        write(&once, encoding, &planes);
        write(&twice, encoding, &planes);
        assert!(std::fs::read(&once).unwrap() == std::fs::read(&twice).unwrap(), "{encoding}");
        let (spec, back) = read(&once);
        assert_eq!(
            (spec.bits, spec.float, spec.frames),
            (Some(encoding.bits()), encoding.float(), Some(10_001))
        );
        assert!(back == planes, "{encoding}");
    }
}

#[test]
fn a_writer_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for encoding in Encoding::LOSSLESS {
        let mut writer =
            AudioWriter::create(&folder.path().join("song"), encoding, 48_000, 2, Default::default())
                .unwrap();
        writer.write(&Block::new(2, 9000)).unwrap();
        drop(writer);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{encoding}");
    }
}

#[test]
fn other_programs_read_the_same_samples() {
    if !has("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for encoding in Encoding::LOSSLESS {
        let planes = samples(encoding.bits().min(24), 20_000);
        let path = folder.path().join("song");
        write(&path, encoding, &planes);
        assert!(ffmpeg_reads(&path) == planes, "{encoding}");
    }
}

/// What ffmpeg writes, and how far a sample may be from what it reads. ADTS has no word on its padding: only its kind is looked at.
#[test]
fn what_ffmpeg_writes_is_read() {
    if !has("ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    let tone = |n: u32, hz: f64| (f64::from(n) * hz / 48_000.0 * std::f64::consts::TAU).sin() * 0.25;
    let planes: Vec<Vec<f64>> = [440.0, 1000.0].map(|hz| (0..96_123).map(|n| tone(n, hz)).collect()).into();
    write(&song, Encoding::Wav16, &planes);
    let (_, original) = read(&song);
    let kinds: [(&str, &[&str], &str, &str, f64); 15] = [
        ("a.wav", &["-c:a", "pcm_s32le"], "wav", "pcm", 0.0),
        ("b.wav", &["-c:a", "pcm_f32le"], "wav", "pcm", 0.0),
        ("c.wav", &["-c:a", "pcm_f64le"], "wav", "pcm", 0.0),
        ("d.wav", &["-c:a", "pcm_s24le", "-rf64", "always"], "rf64", "pcm", 0.0),
        ("e.aiff", &["-c:a", "pcm_s24be"], "aiff", "pcm", 0.0),
        ("f.aiff", &["-c:a", "pcm_s16le"], "aiff", "pcm", 0.0),
        ("g.aiff", &["-c:a", "pcm_f32be"], "aiff", "pcm", 0.0),
        ("h.flac", &["-c:a", "flac", "-sample_fmt", "s32"], "flac", "flac", 0.0),
        ("i.flac", &["-c:a", "flac"], "flac", "flac", 0.0),
        ("j.m4a", &["-c:a", "alac"], "mp4", "alac", 0.0),
        ("k.m4a", &["-c:a", "alac", "-sample_fmt", "s32p"], "mp4", "alac", 0.0),
        ("l.mp3", &["-c:a", "libmp3lame", "-b:a", "320k"], "mp3", "mp3", 1e-5),
        ("m.m4a", &["-c:a", "aac", "-b:a", "256k"], "mp4", "aac", 1e-5),
        ("n.ogg", &["-c:a", "libvorbis", "-q:a", "8"], "ogg", "vorbis", 1e-5),
        ("o.aac", &["-c:a", "aac", "-b:a", "256k"], "adts", "aac", f64::INFINITY),
    ];
    for (name, arguments, container, codec, within) in kinds {
        // The name says nothing: the content decides.
        let named = folder.path().join(name);
        let mut run = Command::new("ffmpeg");
        run.args(["-v", "error", "-y", "-i"]).arg(&song).args(arguments).arg(&named);
        if !run.status().unwrap().success() {
            println!("this ffmpeg cannot write {name}");
            continue;
        }
        let path = folder.path().join("renamed.txt");
        std::fs::rename(&named, &path).unwrap();
        let (spec, back) = read(&path);
        assert_eq!((spec.container, spec.codec, spec.sample_rate), (container, codec, 48_000), "{name}");
        if within.is_infinite() {
            continue;
        }
        assert_eq!(back[0].len(), 96_123, "{name}");
        // Lossy sound is held against ffmpeg's own decoding of the same file, the rest against the original.
        let reference = if within > 0.0 { ffmpeg_reads(&path) } else { original.clone() };
        for (ours, theirs) in back.iter().zip(&reference) {
            let worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(worst <= within, "{name} differs by {worst}");
        }
    }
}
