//! Formats by their content, and headers that claim more than a file can hold: refused in a sentence, by a child that lives.

use std::path::Path;

use deadwax_server::render::inspect::{InspectError, inspect};

use crate::common::child::server;

/// It makes symphonia 0.6.1 ask for gigabytes at once, which ends the process.
const ABORTS: &[u8] = include_bytes!("seeds/abort.caf");

async fn refused(name: &str, bytes: &[u8]) -> InspectError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let answer = inspect(&server(), &path, &folder.path().join("waveform")).await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{name}: something was left behind");
    answer.expect_err(name)
}

#[tokio::test]
async fn the_file_that_ends_its_decoder_is_refused_by_its_name() {
    for name in ["mix.caf", "mix.wav", "mix"] {
        let error = refused(name, ABORTS).await;
        let InspectError::Unsupported(text) = &error else { panic!("{error:?}") };
        assert!(text.contains("CAF") && text.contains("Export it as WAV"), "{text}");
        assert!(!text.contains('/'), "a path of this machine: {text}");
    }
}

#[tokio::test]
async fn a_header_that_claims_gigabytes_of_a_kilobyte_is_refused_by_a_child_that_lives() {
    for (name, bytes) in claims() {
        assert!(bytes.len() < 2_000, "{name}");
        let error = refused(name, &bytes).await;
        // `Hostile` would do too, but not by the death of the child, and a claim is no trouble of ours.
        assert!(!matches!(error, InspectError::Failed(_)), "{name}: {error:?}");
        assert!(!error.to_string().contains("fail hard"), "{name}: {error}");
    }
}

/// One for each container, all of a size that a machine has: the limit of memory must not be what stops them.
fn claims() -> Vec<(&'static str, Vec<u8>)> {
    const CLAIM: u32 = 0xfff0_0000;
    let sound = |n: usize| (0..n).map(|it| (it * 37) as u8).collect::<Vec<u8>>();
    let mut wav = b"RIFF".to_vec();
    wav.extend(CLAIM.to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0\x44\xac\0\0\x10\xb1\x02\0\x04\0\x10\0data");
    wav.extend(CLAIM.to_le_bytes());
    wav.extend(sound(900));

    let mut rf64 = b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0".to_vec();
    for claim in [u64::from(CLAIM) + 72, u64::from(CLAIM), u64::from(CLAIM) / 4] {
        rf64.extend(claim.to_le_bytes());
    }
    rf64.extend([0; 4]);
    rf64.extend(b"fmt \x10\0\0\0\x01\0\x02\0\x44\xac\0\0\x10\xb1\x02\0\x04\0\x10\0data\xff\xff\xff\xff");
    rf64.extend(sound(900));

    let mut aiff = b"FORM".to_vec();
    aiff.extend(CLAIM.to_be_bytes());
    aiff.extend(b"AIFFCOMM\0\0\0\x12\0\x02");
    aiff.extend((CLAIM / 4).to_be_bytes());
    aiff.extend(b"\0\x10\x40\x0e\xac\x44\0\0\0\0\0\0SSND");
    aiff.extend((CLAIM - 100).to_be_bytes());
    aiff.extend(sound(900));

    // STREAMINFO: blocks of 4096, 44,100 Hz, 2 channels, 16 bits, 2^36 - 1 samples; then no frame.
    let mut flac = b"fLaC\x80\0\0\x22\x10\0\x10\0\0\0\0\0\0\0\x0a\xc4\x42\xff\xff\xff\xff\xff".to_vec();
    flac.extend([0; 16]);
    flac.extend(sound(900));
    // A picture of 16 MB in a file of a kilobyte.
    let mut tagged = b"fLaC\x06\xff\xff\xff".to_vec();
    tagged.extend(sound(900));
    // A tag of 256 MB before an MP3.
    let mut mp3 = b"ID3\x04\0\0\x7f\x7f\x7f\x7f".to_vec();
    mp3.extend(sound(900));

    let claim = CLAIM.to_be_bytes();
    let mut mp4 = include_bytes!("seeds/aac.m4a").to_vec();
    mp4.truncate(1_900);
    for word in [b"stsz".as_slice(), b"stts", b"stsc", b"stco", b"mdat"] {
        if let Some(at) = mp4.windows(4).position(|four| four == word) {
            // Counts stand behind a version; that of `stsz` behind a size too.
            let behind = if word == b"stsz" { 12 } else { 8 };
            let at = if word == b"mdat" { at - 4 } else { at + behind };
            let fits = mp4.len().saturating_sub(at).min(4);
            mp4[at..at + fits].copy_from_slice(&claim[..fits]);
        }
    }

    let mut ogg = include_bytes!("seeds/vorbis.ogg").to_vec();
    ogg.truncate(1_900);
    // Blocks of 2^15 samples, which the coding allows to none.
    ogg[28 + 28] = 0xff;
    vec![
        ("four-gigabytes.wav", wav),
        ("four-gigabytes.rf64", rf64),
        ("four-gigabytes.aiff", aiff),
        ("long.flac", flac),
        ("picture.flac", tagged),
        ("tag.mp3", mp3),
        ("four-gigabytes.m4a", mp4),
        ("blocks.ogg", ogg),
    ]
}

#[tokio::test]
async fn seeds_are_sound_before_they_are_changed() {
    // Otherwise every broken file would only prove that broken seeds are refused.
    let folder = tempfile::tempdir().unwrap();
    for format in crate::files::FORMATS {
        let path: &Path = &folder.path().join(format);
        std::fs::write(path, crate::files::seed_file(format)).unwrap();
        let measured = inspect(&server(), path, &folder.path().join("waveform")).await;
        assert!(measured.is_ok(), "{format}: {measured:?}");
    }
}
