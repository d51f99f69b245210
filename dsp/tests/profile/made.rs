//! What is planned is what is made: a small record of several rates, rendered, beside its plan.

use std::path::Path;

use deadwax_dsp::{
    Block, Flow,
    album::{Cut, Job, Output, Source, run},
    profile::{AudioFile, Kind, Profile, RecordSheet, plan},
    write::{AudioWriter, Encoding},
};

use crate::sample::sheet;

const PROFILE: &str = r#"
name = "all"
dated = "2026-11-21"
sources = ["this test"]
[[file]]
kind = "track"
encoding = "wav24"
name = "{title}_{rate}{depth}"
[[file]]
kind = "whole"
encoding = "wav24"
sample_rate_hz = 48000
name = "whole"
[[file]]
kind = "side"
encoding = "wav24"
name = "side_{side}"
[[file]]
kind = "cue-bin"
name = "disc"
"#;

fn tone(path: &Path, rate: u32, bits: u32, frames: u64) -> AudioFile {
    let encoding = if bits == 16 { Encoding::Wav16 } else { Encoding::Wav24 };
    let mut writer = AudioWriter::create(path, encoding, rate, 2, None).unwrap();
    let plane: Vec<f64> = (0..frames).map(|n| ((n * 37 % 101) as f64 - 50.0) / 256.0).collect();
    writer.write(&Block { channels: vec![plane.clone(), plane] }).unwrap();
    writer.finish().unwrap();
    AudioFile {
        container: "wav".into(),
        codec: "pcm".into(),
        sample_rate: rate,
        bits: Some(bits),
        float: false,
        channels: 2,
        frames,
    }
}

/// Four short songs: three rates, a trim, a crossfade, gaps of odd lengths.
fn record(folder: &Path) -> (RecordSheet, Vec<Source>) {
    let mut sheet = sheet();
    let sound = [(48_000, 24, 30_011), (44_100, 16, 25_001), (96_000, 24, 50_021), (48_000, 24, 20_000)];
    let mut sources = Vec::new();
    for (nth, (rate, bits, frames)) in sound.into_iter().enumerate() {
        let path = folder.join(format!("song{nth}.wav"));
        sheet.songs[nth].source = tone(&path, rate, bits, frames);
        let it = &mut sheet.songs[nth].placing;
        it.gap_ms = [0, 333, 0, 77][nth];
        it.trim_in_ms = [0, 0, 11, 0][nth];
        it.crossfade_ms = [0, 0, 50, 0][nth];
        sources.push(Source {
            gap_ms: it.gap_ms,
            trim_in_ms: it.trim_in_ms,
            crossfade_ms: it.crossfade_ms,
            ..Source::new(path)
        });
    }
    sheet.sides = vec![3];
    (sheet, sources)
}

#[test]
fn frames_bytes_and_what_is_exact_come_out_as_planned() {
    let folder = tempfile::tempdir().unwrap();
    let (sheet, songs) = record(folder.path());
    let plan = plan(&Profile::parse(PROFILE).unwrap(), &sheet);
    assert!(plan.files.len() == 10, "{:?}", plan.findings);
    // Tracks of different rates go to an output each, where the others have no name.
    let tracks: Vec<_> = plan.files.iter().filter(|it| it.kind == Kind::Track).collect();
    let mut rates: Vec<u32> = tracks.iter().map(|it| it.sample_rate).collect();
    rates.sort_unstable();
    rates.dedup();
    let mut outputs: Vec<Output> = rates
        .into_iter()
        .map(|rate| {
            let name = |it: &&deadwax_dsp::profile::PlannedFile| {
                if it.sample_rate == rate { it.name.clone() } else { String::new() }
            };
            Output::new(Cut::Tracks, Encoding::Wav24, rate, tracks.iter().map(name).collect())
        })
        .collect();
    for (kind, cut) in
        [(Kind::Whole, Cut::Whole), (Kind::Side, Cut::Sides(vec![3])), (Kind::DiscImage, Cut::Disc)]
    {
        let files: Vec<_> = plan.files.iter().filter(|it| it.kind == kind).collect();
        let encoding = files[0].encoding.unwrap_or(Encoding::Wav16);
        let names = files.iter().map(|it| it.name.clone()).collect();
        outputs.push(Output::new(cut, encoding, files[0].sample_rate, names));
    }
    let out_dir = folder.path().join("out");
    std::fs::create_dir(&out_dir).unwrap();
    let job = Job { songs, outputs, album_gain_db: 0.0, out_dir: out_dir.clone() };
    let made = run(&job, &mut |_| Flow::Go).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(made.len(), 8);
    for it in &made {
        let planned = plan.files.iter().find(|file| file.name == it.name).unwrap();
        assert_eq!((planned.frames, planned.exact), (it.frames, it.exact), "{}", it.name);
        assert!(planned.bytes_exact);
        assert_eq!(planned.bytes, std::fs::metadata(out_dir.join(&it.name)).unwrap().len(), "{}", it.name);
    }
    let exact: Vec<&str> = made.iter().filter(|it| it.exact).map(|it| it.name.as_str()).collect();
    assert_eq!(exact, ["Garage_48k24b.wav"], "nothing stands behind the last");
}
