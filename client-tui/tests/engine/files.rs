//! Files in and out: a decoded file is its samples, and the file that the engine writes holds what it would have sent to the loudspeaker.

use std::{path::Path, sync::Arc};

use deadwax_client::play::{Deck, Engine, EngineOrder, FileSound, Frame, Level, Loaded, Sound, WavSink};
use deadwax_dsp::{
    Block, Flow, Source,
    write::{AudioWriter, Encoding},
};

use crate::kit::{FADE, Patchy, RATE, ask, noise, side};

fn save(path: &Path, frames: &[Frame], rate: u32) {
    let mut writer = AudioWriter::create(path, Encoding::Wav32f, rate, 2, None).unwrap();
    let plane = |side: usize| frames.iter().map(|frame| f64::from(frame[side])).collect();
    writer.write(&Block { channels: vec![plane(0), plane(1)] }).unwrap();
    writer.finish().unwrap();
}

fn load(path: &Path) -> Vec<Frame> {
    let mut source = Source::open(path).unwrap();
    let (mut block, mut frames) = (Block::default(), Vec::new());
    while source.read(&mut block, 4_096).unwrap() > 0 {
        frames
            .extend((0..block.frames()).map(|i| [block.channels[0][i] as f32, block.channels[1][i] as f32]));
    }
    frames
}

#[test]
fn a_file_is_its_samples_wherever_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Ana_Lamps_Inst_v02.wav");
    let source = noise(50_000, 1);
    save(&path, &source, RATE);
    let opened = FileSound::open(&path, None, &mut |_| Flow::Go).unwrap();
    assert_eq!((opened.rate, opened.sound.frames(), opened.track.frames), (RATE, 50_000, 50_000));
    assert_eq!((opened.track.alternate.as_str(), opened.track.channels), ("instrumental", 2));
    assert!(opened.track.lufs.is_finite());
    let mut out = vec![[9.0; 2]; 3_000];
    for at in [0, 1, 511, 512, 46_999, 47_000] {
        assert_eq!(opened.sound.read(at, &mut out), 3_000);
        assert_eq!(out[..], source[at as usize..at as usize + 3_000]);
    }
    assert_eq!(opened.sound.read(49_990, &mut out), 10);
    assert_eq!(opened.sound.read(70_000, &mut out), 0);
}

#[test]
fn a_file_of_another_rate_comes_at_the_rate_of_the_deck() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    save(&path, &noise(44_100, 1), 44_100);
    let opened = FileSound::open(&path, Some(RATE), &mut |_| Flow::Go).unwrap();
    assert_eq!((opened.sound.frames(), opened.track.sample_rate, opened.rate), (48_000, 44_100, RATE));
    assert!(FileSound::open(&path, Some(RATE), &mut |_| Flow::Stop).is_err());
    std::fs::write(folder.path().join("b.wav"), "no sound").unwrap();
    assert!(FileSound::open(&folder.path().join("b.wav"), None, &mut |_| Flow::Go).is_err());
}

#[test]
fn the_written_file_is_the_range_to_the_bit_with_its_switch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.wav");
    let (a, b) = (noise(20_000, 1), noise(20_000, 2));
    let sounds: Vec<Arc<dyn Sound>> = vec![Arc::new(a.clone()), Arc::new(b.clone())];
    let mut engine = Engine::for_files();
    ask(&mut engine, EngineOrder::Level(Level::AsIs));
    ask(&mut engine, EngineOrder::Load { loaded: side(sounds), at: 1_000, play: true });
    let mut sink = WavSink::create(&path, Encoding::Wav32f, RATE).unwrap();
    let go = &mut |_: &mut Engine, _| Flow::Go;
    assert_eq!(sink.write(&mut engine, 5_000, go).unwrap(), 5_000);
    ask(&mut engine, EngineOrder::Switch(1));
    assert_eq!(sink.write(&mut engine, u64::MAX, go).unwrap(), 14_000, "to the end");
    assert_eq!(sink.written(), 19_000);
    sink.finish().unwrap();
    let out = load(&path);
    assert_eq!(out[..5_000], a[1_000..6_000]);
    assert_eq!(out[5_000 + FADE..], b[6_000 + FADE..]);
}

#[test]
fn a_file_waits_for_sound_instead_of_holding_silence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.wav");
    let sound = Patchy::new(noise(30_000, 3), 1_000);
    (0..30).for_each(|page| sound.set(page, false));
    let mut engine = Engine::for_files();
    let deck = Deck::Side { tracks: vec![crate::kit::track(-14.0)], heard: 0 };
    let loaded = Box::new(Loaded::new(deck, vec![sound.clone()], RATE).unwrap());
    ask(&mut engine, EngineOrder::Load { loaded, at: 0, play: true });
    let mut sink = WavSink::create(&path, Encoding::Wav32f, RATE).unwrap();
    let mut arrived = 0;
    let turn = &mut |_: &mut Engine, ready| {
        // Pages come one by one, each when it is missed.
        if ready == 0 && arrived < 30 {
            sound.set(arrived, true);
            arrived += 1;
        }
        Flow::Go
    };
    sink.write(&mut engine, u64::MAX, turn).unwrap();
    sink.finish().unwrap();
    assert_eq!(load(&path), sound.frames);
    assert_eq!(engine.now().underruns, 0);
    // Stopped, nothing is left behind.
    ask(&mut engine, EngineOrder::Play);
    let stopped = folder.path().join("stopped.wav");
    let mut sink = WavSink::create(&stopped, Encoding::Wav24, RATE).unwrap();
    assert!(sink.write(&mut engine, 100, &mut |_, _| Flow::Stop).is_err());
    drop(sink);
    assert!(!stopped.exists());
}
