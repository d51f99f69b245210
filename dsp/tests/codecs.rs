//! Lossy files keep the length and the place of the sound: what comes back is as long as what went in and not one frame early or late.
//! Our own writers are tested always; files of other coders where ffmpeg, lame, oggenc or opusenc are on the machine.

#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

use std::path::Path;
use std::process::Command;

use deadwax_dsp::write::{AudioWriter, Encoding};
use deadwax_dsp::{Block, DspError, Source};

type Planes = Vec<Vec<f64>>;

/// Something that no shift leaves alike: a sweep, a beat every tenth of a second, a little noise; the right channel another one.
fn music(channels: usize, frames: usize, rate: u32) -> Planes {
    let mut seed = 7u64;
    (0..channels)
        .map(|channel| {
            let sample = |n: usize| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let noise = (seed >> 33) as f64 / (1u64 << 30) as f64 - 1.0;
                let t = n as f64 / f64::from(rate);
                let sweep =
                    (std::f64::consts::TAU * (110.0 + 400.0 * t) * t * (1.0 + channel as f64 * 0.25)).sin();
                let beat = (-60.0 * (t % 0.1)).exp() * (std::f64::consts::TAU * 1_900.0 * (t % 0.1)).sin();
                0.3 * sweep + 0.3 * beat + 0.01 * noise
            };
            (0..frames).map(sample).collect()
        })
        .collect()
}

fn write(
    path: &Path,
    encoding: Encoding,
    rate: u32,
    sound: &Planes,
    block_frames: usize,
) -> Result<u64, DspError> {
    let mut writer = AudioWriter::create(path, encoding, rate, sound.len(), None)?;
    for start in (0..sound[0].len()).step_by(block_frames) {
        let end = (start + block_frames).min(sound[0].len());
        let channels = sound.iter().map(|plane| plane[start..end].to_vec()).collect();
        writer.write(&Block { channels })?;
    }
    writer.finish()
}

fn read(path: &Path) -> Result<(Planes, Option<u64>), DspError> {
    let mut source = Source::open(path)?;
    let mut all = vec![Vec::new(); source.spec().channels];
    let mut block = Block::default();
    while source.read(&mut block, 3000)? > 0 {
        for (sum, plane) in all.iter_mut().zip(&block.channels) {
            sum.extend(plane);
        }
    }
    let stated = source.spec().frames;
    Ok((all, stated))
}

/// How many frames late `heard` is, by the largest correlation within 1500 frames either way.
fn late_by(source: &[f64], heard: &[f64]) -> i64 {
    let stretch = &source[2_000..source.len().min(heard.len()).min(14_000) - 2_000];
    (-1_500..=1_500i64)
        .max_by(|a, b| {
            let alike = |shift: i64| {
                let from = (2_000 + shift) as usize;
                stretch.iter().zip(&heard[from..]).map(|(x, y)| x * y).sum::<f64>()
            };
            alike(*a).total_cmp(&alike(*b))
        })
        .unwrap()
}

fn snr_db(source: &Planes, heard: &Planes) -> f64 {
    let pairs = || source.iter().zip(heard).flat_map(|(a, b)| a.iter().zip(b));
    let error: f64 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
    10.0 * (pairs().map(|(a, _)| a * a).sum::<f64>() / error).log10()
}

#[test]
fn what_is_written_lossy_comes_back_with_its_length_and_place() {
    let folder = tempfile::tempdir().unwrap();
    for (encoding, rates, floor_db) in [
        (Encoding::Mp3_320, &[44_100, 48_000, 32_000, 22_050][..], 24.0),
        (Encoding::Mp3V0, &[44_100, 16_000], 18.0),
        (Encoding::Opus160, &[48_000], 15.0),
    ] {
        for (rate, channels) in rates.iter().flat_map(|rate| [(*rate, 1), (*rate, 2)]) {
            let path = folder.path().join(format!("a.{}", encoding.extension()));
            let sound = music(channels, 30_011, rate);
            write(&path, encoding, rate, &sound, 4096).unwrap();
            let (heard, stated) = read(&path).unwrap();
            let what = format!("{encoding} {rate} Hz, {channels} channels");
            assert_eq!((heard[0].len(), stated), (30_011, Some(30_011)), "{what}");
            for (sound, heard) in sound.iter().zip(&heard) {
                assert_eq!(late_by(sound, heard), 0, "{what}");
            }
            let snr_db = snr_db(&sound, &heard);
            assert!(snr_db > floor_db, "{what}: {snr_db:.1} dB");
        }
    }
}

#[test]
fn lengths_around_a_packet_come_back() {
    let folder = tempfile::tempdir().unwrap();
    for encoding in [Encoding::Mp3_320, Encoding::Mp3V0, Encoding::Opus160] {
        for frames in
            [1, 2, 100, 575, 576, 577, 647, 648, 649, 959, 960, 961, 1_151, 1_152, 1_153, 2_304, 48_000]
        {
            let path = folder.path().join("short");
            write(&path, encoding, 48_000, &music(2, frames, 48_000), 4096).unwrap();
            let (heard, stated) = read(&path).unwrap();
            assert_eq!((heard[0].len(), stated), (frames, Some(frames as u64)), "{encoding}");
        }
    }
}

#[test]
fn the_same_sound_makes_the_same_bytes_whatever_the_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let sound = music(2, 20_000, 48_000);
    for encoding in [Encoding::Mp3_320, Encoding::Mp3V0, Encoding::Opus160] {
        let bytes = |block_frames: usize| {
            let path = folder.path().join("b");
            write(&path, encoding, 48_000, &sound, block_frames).unwrap();
            std::fs::read(&path).unwrap()
        };
        let whole = bytes(20_000);
        assert!(whole == bytes(777) && whole == bytes(1) && whole == bytes(20_000), "{encoding}");
    }
}

#[test]
fn what_an_encoder_cannot_hold_is_refused_with_what_to_choose() {
    let folder = tempfile::tempdir().unwrap();
    for (encoding, rate, channels, advice) in [
        (Encoding::Mp3_320, 96_000, 2, "44100 or 48000"),
        (Encoding::Mp3V0, 11_025, 2, "44100 or 48000"),
        (Encoding::Mp3_320, 48_000, 6, "FLAC"),
        (Encoding::Opus160, 44_100, 2, "48000"),
        (Encoding::Opus160, 48_000, 6, "FLAC"),
    ] {
        let error =
            AudioWriter::create(&folder.path().join("x"), encoding, rate, channels, None).err().unwrap();
        assert!(matches!(&error, DspError::Invalid(what) if what.contains(advice)), "{error}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn no_number_and_no_level_are_no_sound_for_a_lossy_encoder() {
    let folder = tempfile::tempdir().unwrap();
    for encoding in [Encoding::Mp3_320, Encoding::Opus160] {
        for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut sound = music(2, 5_000, 48_000);
            sound[1][3_000] = wrong;
            let error = write(&folder.path().join("x"), encoding, 48_000, &sound, 512).unwrap_err();
            assert!(matches!(error, DspError::Write { .. }), "{encoding} {wrong}: {error}");
        }
    }
}

/// The first frame of our MP3: its header with the length, of constant or variable bit rate.
fn first_frame_bytes(mp3: &[u8]) -> usize {
    const KBPS: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    144 * KBPS[usize::from(mp3[2] >> 4)] * 1000 / 48_000 + usize::from(mp3[2] >> 1 & 1)
}

#[test]
fn an_mp3_without_a_header_is_read_to_its_last_packet() {
    // Loud in front and silent behind: whoever guesses the length from the first packets cuts the rest off.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stream.mp3");
    let mut sound = music(2, 240_000, 48_000);
    sound.iter_mut().for_each(|plane| plane[60_000..].fill(0.0));
    write(&path, Encoding::Mp3V0, 48_000, &sound, 4096).unwrap();
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[first_frame_bytes(&whole)..]).unwrap();
    let (heard, stated) = read(&path).unwrap();
    assert_eq!(stated, None);
    // All packets, with the coder's delay in front and its padding behind.
    let packets = (240_000 + 576usize).div_ceil(1152) + 1;
    assert!((packets - 1..=packets).contains(&(heard[0].len() / 1152)), "{}", heard[0].len());
    assert_eq!(heard[0].len() % 1152, 0);
    assert_eq!(late_by(&sound[0], &heard[0]), 576 + 529);
}

#[test]
fn a_lossy_file_that_is_cut_or_joined_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    for encoding in [Encoding::Mp3_320, Encoding::Mp3V0, Encoding::Opus160] {
        write(&path, encoding, 48_000, &music(2, 96_000, 48_000), 4096).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for kept in [0.3, 0.6, 0.95] {
            std::fs::write(&path, &whole[..(whole.len() as f64 * kept) as usize]).unwrap();
            let error = read(&path).unwrap_err();
            // Opus of less than its first second of pages has no sound to begin with.
            let named = matches!(error, DspError::Damaged { .. } | DspError::NotAudio { .. });
            assert!(named, "{encoding} cut to {kept}: {error}");
        }
        std::fs::write(&path, [&whole[..], &whole[..]].concat()).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, DspError::Damaged { .. }), "{encoding} joined: {error}");
    }
}

/// Runs a peer; `None` where it is not on this machine, said aloud.
fn peer(program: &str, arguments: &[&str]) -> Option<()> {
    match Command::new(program).args(arguments).output() {
        Ok(done) => {
            assert!(
                done.status.success(),
                "{program} {arguments:?}: {}",
                String::from_utf8_lossy(&done.stderr)
            );
            Some(())
        }
        Err(_) => {
            println!("SKIPPED: {program} is not on this machine");
            None
        }
    }
}

#[test]
fn files_of_other_coders_come_back_with_the_length_that_went_in() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (wav, wav_48) = (at("a.wav"), at("a48.wav"));
    let (sound, sound_48) = (music(2, 100_003, 44_100), music(2, 100_003, 48_000));
    write(wav.as_ref(), Encoding::Wav16, 44_100, &sound, 4096).unwrap();
    write(wav_48.as_ref(), Encoding::Wav16, 48_000, &sound_48, 4096).unwrap();
    let ffmpeg = |from: &str, to: &str, options: &[&str]| {
        let mut arguments = vec!["-v", "error", "-y", "-i", from];
        arguments.extend(options);
        arguments.push(to);
        peer("ffmpeg", &arguments)
    };
    let (mp3, m4a, ogg, opus) = (at("f.mp3"), at("f.m4a"), at("f.ogg"), at("f.opus"));
    let (alac, lame, lame_v, vorbis, enc) =
        (at("alac.m4a"), at("l.mp3"), at("v.mp3"), at("o.ogg"), at("e.opus"));
    let front = at("front.m4a");
    let cases = [
        (ffmpeg(&wav, &mp3, &["-b:a", "192k"]), &mp3, &sound),
        (ffmpeg(&wav, &m4a, &["-c:a", "aac", "-b:a", "256k"]), &m4a, &sound),
        (ffmpeg(&wav, &front, &["-c:a", "aac", "-b:a", "256k", "-movflags", "faststart"]), &front, &sound),
        (ffmpeg(&wav, &alac, &["-c:a", "alac"]), &alac, &sound),
        (ffmpeg(&wav, &ogg, &["-c:a", "libvorbis", "-q:a", "7"]), &ogg, &sound),
        (ffmpeg(&wav_48, &opus, &["-c:a", "libopus", "-b:a", "160k"]), &opus, &sound_48),
        (peer("lame", &["--quiet", "-b", "320", &wav, &lame]), &lame, &sound),
        (peer("lame", &["--quiet", "-V2", &wav, &lame_v]), &lame_v, &sound),
        (peer("oggenc", &["-Q", "-q7", &wav, "-o", &vorbis]), &vorbis, &sound),
        (peer("opusenc", &["--quiet", "--bitrate", "160", &wav_48, &enc]), &enc, &sound_48),
    ];
    for (made, path, sound) in cases {
        if made.is_none() {
            continue;
        }
        let (heard, stated) = read(path.as_ref()).unwrap();
        assert_eq!((heard[0].len(), stated), (100_003, Some(100_003)), "{path}");
        for (sound, heard) in sound.iter().zip(&heard) {
            assert_eq!(late_by(sound, heard), 0, "{path}");
        }
    }
    // A stream of ADTS tells nothing about its ends: every packet comes back, priming included.
    let adts = at("f.aac");
    if ffmpeg(&wav, &adts, &["-c:a", "aac", "-b:a", "256k"]).is_some() {
        let (heard, stated) = read(adts.as_ref()).unwrap();
        assert_eq!((heard[0].len(), stated), ((100_003usize + 1_024).div_ceil(1_024) * 1_024, None));
        assert_eq!(late_by(&sound[0], &heard[0]), 1_024);
    }
}

#[test]
fn other_decoders_find_the_same_length_in_our_files() {
    let folder = tempfile::tempdir().unwrap();
    for encoding in [Encoding::Mp3_320, Encoding::Mp3V0, Encoding::Opus160] {
        let path = folder.path().join(format!("ours.{}", encoding.extension()));
        let raw = folder.path().join("raw.f32");
        write(&path, encoding, 48_000, &music(2, 70_001, 48_000), 4096).unwrap();
        let (from, to) = (path.to_str().unwrap(), raw.to_str().unwrap());
        if peer("ffmpeg", &["-v", "error", "-y", "-i", from, "-f", "f32le", to]).is_none() {
            return;
        }
        let theirs: Vec<f64> = std::fs::read(&raw)
            .unwrap()
            .chunks_exact(4)
            .map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().unwrap())))
            .collect();
        let theirs = [0, 1].map(|channel| theirs.iter().skip(channel).step_by(2).copied().collect()).to_vec();
        let (ours, _) = read(&path).unwrap();
        assert_eq!((Vec::len(&theirs[0]), ours[0].len()), (70_001, 70_001), "{encoding}");
        let snr_db = snr_db(&theirs, &ours);
        assert!(snr_db > 60.0, "{encoding}: {snr_db:.1} dB between two decoders");
    }
}
