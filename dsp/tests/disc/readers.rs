//! What programs of others read in our sheets: cdrdao, cuetools, flac. Where one of them is not installed, a line says so and its part is left out.

use std::fs;
use std::path::Path;
use std::process::Command;

use deadwax_dsp::disc::{Disc, cue, toc};

use super::{has, hide, image, plain};

/// Three short tracks, the first behind something hidden.
fn readable() -> Disc {
    let mut disc = plain(3, 4);
    hide(&mut disc, 200);
    disc.tracks[1].index0 = None;
    disc.tracks[0].end = disc.tracks[1].index1;
    disc.tracks[2].copy_permitted = true;
    disc.title = "Süd \"Live\" \\".into();
    disc.tracks[1].title = "Čas".into();
    disc
}

fn run(folder: &Path, command: &[&str]) -> String {
    let done = Command::new(command[0]).args(&command[1..]).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{command:?}: {done:?}");
    done.stdout.iter().map(|byte| char::from(*byte)).collect()
}

#[test]
fn cdrdao_reads_the_same_disc_from_the_toc_file() {
    if !has("cdrdao") || !has("toc2cddb") {
        return;
    }
    let disc = readable();
    let room = tempfile::tempdir().unwrap();
    image(&room.path().join("disc.bin"), disc.sectors);
    let sound = fs::read(room.path().join("disc.bin")).unwrap();
    let head = wav_head(sound.len() as u32);
    fs::write(room.path().join("disc.wav"), [head, sound.clone()].concat()).unwrap();
    for name in ["disc.bin", "disc.wav"] {
        fs::write(room.path().join("disc.toc"), toc(&disc, name)).unwrap();
        let shown = run(room.path(), &["cdrdao", "show-toc", "disc.toc"]);
        for said in
            ["TOC TYPE: CD_DA", "CATALOG NUMBER: 4006381333931", "ISRC DE A01 07 00002", "COPY PERMITTED"]
        {
            assert!(shown.contains(said), "{said}: {shown}");
        }
        // cdrdao counts from the end of the pause of two seconds.
        for (track, said) in disc.tracks.iter().zip(shown.split("TRACK ").skip(1)) {
            let start = format!("({:>6})", track.index1 - 150);
            assert!(
                said.lines().any(|line| line.contains("START") && line.contains(&start)),
                "{start}: {said}"
            );
        }
        run(room.path(), &["cdrdao", "read-test", "disc.toc"]);
        // Every sample from 00:02:00 on, in its order and byte order.
        let data = run(room.path(), &["cdrdao", "show-data", "disc.toc"]);
        let samples: Vec<i16> = data
            .lines()
            .flat_map(|line| {
                line.split_once(':')
                    .unwrap()
                    .1
                    .split_whitespace()
                    .map(|n| n.parse().unwrap())
                    .collect::<Vec<i16>>()
            })
            .collect();
        let from = 150 * 2352;
        let image: Vec<i16> = sound[from..].chunks(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
        assert!(samples == image, "{name}: {} and {} samples", samples.len(), image.len());
        let words = run(room.path(), &["toc2cddb", "disc.toc"]);
        for said in ["DTITLE=Artist / Süd \"Live\" \\\n", "TTITLE1=Cas\n"] {
            assert!(words.contains(said), "{said}: {words}");
        }
    }
}

fn wav_head(bytes: u32) -> Vec<u8> {
    let mut head = b"RIFF".to_vec();
    head.extend((bytes + 36).to_le_bytes());
    head.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    head.extend(44_100u32.to_le_bytes());
    head.extend(176_400u32.to_le_bytes());
    head.extend(b"\x04\0\x10\0data");
    head.extend(bytes.to_le_bytes());
    head
}

#[test]
fn cuetools_read_the_same_disc_from_the_cue_sheet() {
    if !has("cueprint") || !has("cueconvert") || !has("cuebreakpoints") {
        return;
    }
    let disc = readable();
    let room = tempfile::tempdir().unwrap();
    for name in ["disc.bin", "disc.wav"] {
        fs::write(room.path().join("disc.cue"), cue(&disc, name)).unwrap();
        let said = run(room.path(), &["cueprint", "-d", "%T|%P|%N\n", "-t", "%n|%t|%p|%i\n", "disc.cue"]);
        let said: Vec<u8> = said.chars().map(|c| c as u8).collect();
        let lines = [
            "Süd 'Live' /|Artist|3",
            "1|Song 0|Artist|DEA010700000",
            "2|Čas|Artist|DEA010700001",
            "3|Song 2|Artist|DEA010700002",
        ];
        assert_eq!(String::from_utf8(said).unwrap().trim_end(), lines.join("\n"));
        let other = run(room.path(), &["cueconvert", "-i", "cue", "-o", "toc", "disc.cue"]);
        assert!(other.contains("CATALOG \"4006381333931\"") && other.contains("COPY"), "{other}");
        let points = run(room.path(), &["cuebreakpoints", "--append-gaps", "disc.cue"]);
        let starts: Vec<String> = disc.tracks[1..].iter().map(|track| breakpoint(track.index1)).collect();
        assert_eq!(points.lines().collect::<Vec<_>>(), starts);
    }
}

#[test]
fn flac_reads_the_same_disc_from_the_cue_sheet() {
    if !has("flac") || !has("metaflac") {
        return;
    }
    let disc = readable();
    let room = tempfile::tempdir().unwrap();
    image(&room.path().join("disc.bin"), disc.sectors);
    let sound = fs::read(room.path().join("disc.bin")).unwrap();
    fs::write(room.path().join("disc.wav"), [wav_head(sound.len() as u32), sound].concat()).unwrap();
    fs::write(room.path().join("disc.cue"), cue(&disc, "disc.wav")).unwrap();
    run(room.path(), &["flac", "-s", "--cuesheet=disc.cue", "disc.wav", "-o", "disc.flac"]);
    let back = run(room.path(), &["metaflac", "--export-cuesheet-to=-", "disc.flac"]);
    let kept =
        |line: &&str| ["CATALOG", "TRACK", "ISRC", "INDEX"].iter().any(|word| line.trim().starts_with(word));
    let sheet = cue(&disc, "disc.wav");
    assert_eq!(back.lines().filter(kept).collect::<Vec<_>>(), sheet.lines().filter(kept).collect::<Vec<_>>());
    let end = format!("REM FLAC__lead-out 170 {}", u64::from(disc.sectors) * 588);
    assert!(back.contains(&end), "{end}: {back}");
}

fn breakpoint(sectors: u32) -> String {
    format!("{}:{:02}.{:02}", sectors / 75 / 60, sectors / 75 % 60, sectors % 75)
}
