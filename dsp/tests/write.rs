//! What is written comes back to the bit, leaves nothing when given up, and is read by other programs; what they write is read here.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use std::path::Path;
use std::process::Command;

use deadwax_dsp::decode::{Bext, Loudness};
use deadwax_dsp::write::{AudioWriter, Cover, Encoding, Tags, digest, tag};
use deadwax_dsp::{Block, DspError, Source, lanes};
use proptest::prelude::*;

fn samples(bits: u32, frames: i64) -> Vec<Vec<f64>> {
    let scale = f64::from(1u32 << (bits - 1));
    let value = |n: i64| (n * 7_919_317 % (scale as i64)) as f64 / scale;
    vec![(0..frames).map(value).collect(), (0..frames).map(|n| -value(n * 3)).collect()]
}

fn write(path: &Path, encoding: Encoding, planes: &[Vec<f64>]) {
    write_in_blocks(path, encoding, planes, 1000);
}

fn write_in_blocks(path: &Path, encoding: Encoding, planes: &[Vec<f64>], frames: usize) {
    let mut writer = AudioWriter::create(path, encoding, 48_000, planes.len(), Default::default()).unwrap();
    for at in (0..planes[0].len()).step_by(frames) {
        let end = (at + frames).min(planes[0].len());
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
        let planes = samples(if encoding.float() { 24 } else { encoding.bits() }, 10_001);
        let (once, twice) = (folder.path().join("once"), folder.path().join("twice"));
        write(&once, encoding, &planes);
        write_in_blocks(&twice, encoding, &planes, 4099);
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

#[test]
fn shapes_that_no_format_holds_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song");
    let refused = |encoding, rate, channels| {
        let done = AudioWriter::create(&path, encoding, rate, channels, None).map(|_| ());
        assert!(matches!(done, Err(DspError::Invalid(_))), "{encoding} {rate} {channels}: {done:?}");
    };
    for encoding in Encoding::LOSSLESS {
        refused(encoding, 48_000, 0);
        refused(encoding, 48_000, 17);
        refused(encoding, 0, 2);
        refused(encoding, u32::MAX, 2);
    }
    refused(Encoding::Flac24, 48_000, 9);
    let mut writer = AudioWriter::create(&path, Encoding::Flac16, 48_000, 2, None).unwrap();
    assert!(matches!(writer.write(&Block::new(1, 5)), Err(DspError::Invalid(_))));
    let crooked = Block { channels: vec![vec![0.0; 5], vec![0.0; 4]] };
    assert!(matches!(writer.write(&crooked), Err(DspError::Invalid(_))));
    let wrong = Block { channels: vec![vec![0.0; 5], vec![f64::NAN; 5]] };
    assert!(matches!(writer.write(&wrong), Err(DspError::Write { .. })));
    drop(writer);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let words = "wav17".parse::<Encoding>().unwrap_err().to_string();
    assert!(Encoding::ALL.iter().all(|encoding| words.contains(encoding.token())), "{words}");
}

#[test]
fn integers_hold_full_scale_and_round_half_to_even() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song");
    let step = 1.0 / 32_768.0;
    let given = vec![1.0, 7.5, -1.0, -7.5, 0.5 * step, 1.5 * step, -0.5 * step, -2.5 * step, 0.75 * step];
    let top = 32_767.0 * step;
    let expected = vec![top, top, -1.0, -1.0, 0.0, 2.0 * step, 0.0, -2.0 * step, step];
    for encoding in [Encoding::Wav16, Encoding::Aiff16, Encoding::Flac16] {
        write(&path, encoding, std::slice::from_ref(&given));
        assert_eq!(read(&path).1, std::slice::from_ref(&expected), "{encoding}");
    }
    write(&path, Encoding::Wav32f, std::slice::from_ref(&given));
    assert_eq!(read(&path).1, [given]);
}

#[test]
fn every_number_of_channels_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song");
    for channels in 1..=16usize {
        let one = samples(16, 500)[0].clone();
        let planes: Vec<Vec<f64>> = (0..channels)
            .map(|c| one.iter().map(|s| s / (1 << (c % 4)) as f64).map(grid).collect())
            .collect();
        for encoding in Encoding::LOSSLESS {
            if encoding.extension() == "flac" && channels > 8 {
                continue;
            }
            write(&path, encoding, &planes);
            let (spec, back) = read(&path);
            assert_eq!(spec.channels, channels);
            assert!(back == planes, "{encoding}, {channels} channels");
        }
    }
}

/// Onto the grid of 16 bits.
fn grid(sample: f64) -> f64 {
    (sample * 32_768.0).round() / 32_768.0
}

#[test]
fn levels_known_at_the_end_stand_in_the_bext_chunk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song.wav");
    let levels = Loudness {
        integrated_lufs: Some(-14.03),
        range_lu: Some(6.5),
        max_true_peak_dbtp: Some(-1.0),
        max_momentary_lufs: Some(-9.99),
        max_short_term_lufs: None,
    };
    let bext = Bext {
        description: "Main".into(),
        originator: "Deadwax".into(),
        originator_reference: "DW0001".into(),
        time_reference: 48_000 * 3600,
        coding_history: "A=PCM,F=48000,W=24,M=stereo,T=deadwax-dsp".into(),
        ..Bext::default()
    };
    let mut writer = AudioWriter::create(&path, Encoding::Wav24, 48_000, 2, Some(bext.clone())).unwrap();
    writer.write(&Block::new(2, 100)).unwrap();
    writer.set_levels(&levels);
    writer.write(&Block::new(2, 100)).unwrap();
    writer.finish().unwrap();
    let source = Source::open(&path).unwrap();
    assert_eq!(source.spec().frames, Some(200));
    assert_eq!(source.metadata().bext, Some(Bext { loudness: Some(levels), ..bext }));
}

#[test]
fn a_digest_is_that_of_the_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("abc");
    std::fs::write(&path, b"abc").unwrap();
    let found = digest(&path).unwrap();
    assert_eq!(found.bytes, 3);
    assert_eq!(found.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert!(matches!(digest(&folder.path().join("no")), Err(DspError::Open { .. })));
}

fn noise(state: &mut u64) -> i32 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 32) as i32
}

/// Whole numbers of `bits` that try a coder: each kind of sound that it has a special way for.
fn hard(kind: u8, bits: u32, frames: usize, seed: u64) -> Vec<i32> {
    let most = (1i64 << (bits - 1)) - 1;
    let mut state = seed;
    let tone = |n: usize, level: f64| (((n as f64) * 0.031 + seed as f64).sin() * level * most as f64) as i32;
    (0..frames)
        .map(|n| match kind {
            0 => 0,
            1 => most as i32,
            2 => noise(&mut state) >> (32 - bits),
            3 => (if noise(&mut state) > 0 { most } else { -most - 1 }) as i32,
            4 => (if n % 2 == 0 { most } else { -most - 1 }) as i32,
            5 => tone(n, 0.9),
            6 => tone(n, 0.9) & -16,
            7 if n == frames / 2 => -(most as i32),
            7 => 0,
            8 => tone(n, 0.4) + (noise(&mut state) >> (40 - bits)),
            9 => {
                if n < frames / 2 {
                    noise(&mut state) >> 30
                } else {
                    noise(&mut state) >> (32 - bits)
                }
            }
            _ => noise(&mut state) >> 31,
        })
        .collect()
}

fn planes_of(channels: &[Vec<i32>], bits: u32) -> Vec<Vec<f64>> {
    let scale = f64::from(1u32 << (bits - 1));
    channels.iter().map(|channel| channel.iter().map(|s| f64::from(*s) / scale).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flac_gives_back_any_sound_to_the_bit(
        kinds in prop::collection::vec(0u8..11, 1..=8),
        frames in prop_oneof![1usize..40, 60usize..300, 4090usize..4100, 8000usize..13_000],
        wide: bool,
        block in 1usize..5000,
        seed: u64,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("song.flac");
        let (bits, encoding) = if wide { (24, Encoding::Flac24) } else { (16, Encoding::Flac16) };
        let channels: Vec<Vec<i32>> =
            kinds.iter().enumerate().map(|(c, kind)| hard(*kind, bits, frames, seed ^ c as u64)).collect();
        let planes = planes_of(&channels, bits);
        write_in_blocks(&path, encoding, &planes, block);
        let (spec, back) = read(&path);
        prop_assert_eq!((spec.bits, spec.frames), (Some(bits), Some(frames as u64)));
        prop_assert!(back == planes);
    }
}

/// The reference decoder also holds the sound against the digest in the file, and follows each seek point.
#[test]
fn the_reference_decoder_takes_every_kind_of_frame() {
    if !has("flac") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song.flac");
    for kind in 0..11u8 {
        for (bits, encoding) in [(16, Encoding::Flac16), (24, Encoding::Flac24)] {
            let frames = [1, 100, 4097, 50_000][usize::from(kind) % 4];
            let other = (kind + 5) % 11;
            let channels = [hard(kind, bits, frames, 3), hard(other, bits, frames, 3 + u64::from(kind % 2))];
            write(&path, encoding, &planes_of(&channels, bits));
            let done = Command::new("flac").args(["-t", "-s", "-w"]).arg(&path).output().unwrap();
            assert!(done.status.success(), "{kind} {bits}: {}", String::from_utf8_lossy(&done.stderr));
        }
    }
}

#[test]
fn flac_is_the_same_on_every_path_of_the_loops() {
    let folder = tempfile::tempdir().unwrap();
    let planes = planes_of(&[hard(8, 24, 30_000, 1), hard(5, 24, 30_000, 2)], 24);
    let made = lanes::paths().into_iter().map(|path| {
        let file = folder.path().join("song.flac");
        lanes::force(Some(path));
        write(&file, Encoding::Flac24, &planes);
        lanes::force(None);
        std::fs::read(&file).unwrap()
    });
    let made: Vec<Vec<u8>> = made.collect();
    assert!(made.windows(2).all(|pair| pair[0] == pair[1]));
}

fn png() -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0".to_vec();
    bytes.resize(70_001, 7);
    bytes
}

fn every_tag() -> Tags {
    Tags {
        title: Some("Lamps – Łódź".into()),
        artist: Some("Ana".into()),
        album: Some("Night Shift".into()),
        track: Some(7),
        isrc: Some("us-rc1-76-07839".into()),
        upc: Some("036000291452".into()),
        year: Some(2026),
        comment: Some("first line\nsecond".into()),
        cover: Some(Cover::new(png()).unwrap()),
    }
}

#[test]
fn tags_never_touch_the_sound_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let tags = every_tag();
    for encoding in Encoding::LOSSLESS {
        let path = folder.path().join(format!("song.{}", encoding.extension()));
        let planes = samples(16, 9_001);
        let bext =
            Bext { description: "Main".into(), loudness: Some(Loudness::default()), ..Bext::default() };
        let mut writer = AudioWriter::create(&path, encoding, 44_100, 1, Some(bext.clone())).unwrap();
        writer.write(&Block { channels: vec![planes[0].clone()] }).unwrap();
        writer.finish().unwrap();
        let untagged = std::fs::read(&path).unwrap();
        tag(&path, &tags).unwrap();
        let once = std::fs::read(&path).unwrap();
        assert!(once.windows(png().len()).any(|window| window == png()), "{encoding} has no cover");
        let source = Source::open(&path).unwrap();
        let metadata = source.metadata();
        assert_eq!(metadata.title, tags.title, "{encoding}");
        assert_eq!(metadata.artist, tags.artist, "{encoding}");
        if encoding.extension() == "wav" {
            assert_eq!(metadata.bext, Some(bext));
            assert_eq!(metadata.isrc.as_deref(), Some("USRC17607839"));
        }
        assert!(read(&path).1[0] == planes[0], "{encoding}");
        // Once more changes nothing; other tags take the place of these; none at all leave the file as it was.
        tag(&path, &tags).unwrap();
        assert!(std::fs::read(&path).unwrap() == once, "{encoding}");
        tag(&path, &Tags::default()).unwrap();
        let cleared = std::fs::read(&path).unwrap();
        assert!(read(&path).1[0] == planes[0], "{encoding}");
        if encoding.extension() != "flac" {
            assert!(cleared == untagged, "{encoding}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_file_that_cannot_be_tagged_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song");
    for encoding in [Encoding::Wav24, Encoding::Aiff16, Encoding::Flac16] {
        write(&path, encoding, &samples(16, 700));
        let whole = std::fs::read(&path).unwrap();
        let wrong = Tags { isrc: Some("no".into()), ..Tags::default() };
        assert!(matches!(tag(&path, &wrong), Err(DspError::Invalid(_))));
        assert!(std::fs::read(&path).unwrap() == whole);
        // Cut off anywhere in its head: an error or a file that still says the same, never a panic.
        for end in (0..whole.len().min(12_600)).step_by(if encoding == Encoding::Flac16 { 97 } else { 7 }) {
            std::fs::write(&path, &whole[..end]).unwrap();
            if tag(&path, &every_tag()).is_err() {
                assert!(std::fs::read(&path).unwrap() == whole[..end], "{encoding} cut at {end}");
            }
        }
    }
    std::fs::write(&path, b"hello, this is no sound").unwrap();
    assert!(matches!(tag(&path, &Tags::default()), Err(DspError::Unsupported { .. })));
    assert!(matches!(tag(&folder.path().join("no"), &Tags::default()), Err(DspError::Open { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// What a recorder leaves that never came to its end: sizes of zero, and sound that begins with silence, which looks like empty chunks.
#[test]
fn an_unfinished_recording_is_not_tagged_over_its_sound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("take.wav");
    write(&path, Encoding::Wav16, &[vec![0.0; 1000]]);
    let mut take = std::fs::read(&path).unwrap();
    let size_at = take.len() - 2000 - 4;
    take[4..8].fill(0);
    take[size_at..size_at + 4].fill(0);
    std::fs::write(&path, &take).unwrap();
    assert_eq!(Source::open(&path).unwrap().spec().frames, Some(1000));
    assert!(tag(&path, &every_tag()).unwrap_err().to_string().contains("how long its sound is"));
    assert!(std::fs::read(&path).unwrap() == take);
    // A finished one without any sound is no such thing.
    write(&path, Encoding::Wav16, &[vec![]]);
    tag(&path, &every_tag()).unwrap();
    assert_eq!(Source::open(&path).unwrap().spec().frames, Some(0));
}

/// The reader of libsndfile knows no pad bytes in RF64 and gives up on all chunks behind an odd one.
#[test]
fn the_chunk_with_the_isrc_is_even() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("song.wav");
    write(&path, Encoding::Wav24, &samples(24, 700));
    tag(&path, &every_tag()).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(4).rposition(|name| name == b"axml").unwrap();
    assert_eq!(bytes[at + 4] % 2, 0);
}

/// Lossy files of another program: what is decoded must be the same before and after.
#[test]
fn mp3_opus_and_vorbis_keep_their_sound_too() {
    if !has("ffmpeg") || !has("ffprobe") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("song.wav");
    write(&song, Encoding::Wav16, &planes_of(&[hard(5, 16, 200_000, 1), hard(8, 16, 200_000, 2)], 16));
    // A picture of noise: with it, the comment of an Ogg goes over several pages.
    let picture = folder.path().join("cover.png");
    let source = "nullsrc=s=256x256,geq=random(1)*255:128:128";
    let mut run = Command::new("ffmpeg");
    run.args(["-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1"]).arg(&picture);
    assert!(run.status().unwrap().success());
    let tags = Tags { cover: Some(Cover::new(std::fs::read(&picture).unwrap()).unwrap()), ..every_tag() };
    let kinds = [
        ("a.mp3", ["-c:a", "libmp3lame"], "format_tags"),
        ("a.opus", ["-c:a", "libopus"], "stream_tags"),
        ("a.ogg", ["-c:a", "libvorbis"], "stream_tags"),
    ];
    for (name, arguments, place) in kinds {
        let path = folder.path().join(name);
        let mut run = Command::new("ffmpeg");
        run.args(["-v", "error", "-y", "-i"]).arg(&song).args(arguments).arg(&path);
        if !run.status().unwrap().success() {
            println!("this ffmpeg cannot write {name}");
            continue;
        }
        let before = ffmpeg_reads(&path);
        tag(&path, &tags).unwrap();
        assert!(ffmpeg_reads(&path) == before, "{name}");
        let asked = ["-v", "error", "-show_entries", place, "-of", "default=nw=1"];
        let said = Command::new("ffprobe").args(asked).arg(&path).output().unwrap();
        assert!(said.stderr.is_empty(), "{name}: {}", String::from_utf8_lossy(&said.stderr));
        let said = String::from_utf8_lossy(&said.stdout).to_lowercase();
        for words in ["lamps – łódź", "night shift", "usrc17607839", "=2026"] {
            assert!(said.contains(words), "{name} says {said}");
        }
        let once = std::fs::read(&path).unwrap();
        tag(&path, &tags).unwrap();
        assert!(std::fs::read(&path).unwrap() == once, "{name}");
    }
}
