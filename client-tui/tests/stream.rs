//! From the server to what leaves: the samples that come out are those of the file, whatever the line does on the way.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod net_fake;

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use deadwax_client::{
    cache::audio::AudioCache,
    net::Client,
    play::{
        Deck, Engine, EngineOrder, Frame, Loaded, News, Order, Player, Setup, Stand, Status, Track,
        output::{Choice, Lost, Output, Pull},
    },
    profile::Profile,
};
use deadwax_dsp::{
    Block, Source,
    resample::Resampler,
    write::{AudioWriter, Encoding},
};
use futures::future::BoxFuture;
use net_fake::Fake;
use sha2::{Digest as _, Sha256};

/// Far longer than anything here takes; only a test that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(60);

struct Stage {
    fake: Fake,
    client: Client,
    cache: AudioCache,
    folder: tempfile::TempDir,
}

/// A file of the studio, and what it sounds like.
struct Made {
    track: Track,
    frames: Vec<Frame>,
}

async fn stage() -> Stage {
    let fake = Fake::default();
    let address = fake.serve(None).await;
    let profile = Profile {
        name: "test".into(),
        url: format!("deadwax+http://{address}"),
        token: Some("tok-1".into()),
        ..Profile::default()
    };
    let client = Client::connect(&profile).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cache = AudioCache::open(&folder.path().join("audio"), 0).unwrap();
    Stage { fake, client, cache, folder }
}

fn sound(seed: u64, channels: usize, frames: usize) -> Block {
    let mut state = seed;
    let mut sample = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let noise = (state >> 33) as f64 / (1u64 << 30) as f64 - 1.0;
        0.5 * (n as f64 * 0.031 * seed as f64).sin() + 0.1 * noise
    };
    Block { channels: (0..channels).map(|_| (0..frames).map(&mut sample).collect()).collect() }
}

/// What a file sounds like at a rate, read from front to back.
fn decoded(path: &Path, rate: u32) -> Vec<Frame> {
    let mut source = Source::open(path).unwrap();
    let channels = source.spec().channels;
    let mut resampler = Resampler::new(channels, source.spec().sample_rate, rate).unwrap();
    let (mut block, mut all) = (Block::default(), Block::default());
    while source.read(&mut block, 4096).unwrap() > 0 {
        resampler.push(&block, &mut all).unwrap();
    }
    resampler.finish(&mut all).unwrap();
    let right = all.channels.get(1).unwrap_or(&all.channels[0]);
    all.channels[0].iter().zip(right).map(|(l, r)| [*l as f32, *r as f32]).collect()
}

impl Stage {
    fn make(&self, seed: u64, encoding: Encoding, rate: u32, channels: usize, frames: usize) -> Made {
        let path = self.folder.path().join(format!("{seed}.{}", encoding.extension()));
        let mut writer = AudioWriter::create(&path, encoding, rate, channels, None).unwrap();
        writer.write(&sound(seed, channels, frames)).unwrap();
        writer.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let sha256 = hex::encode(Sha256::digest(&bytes));
        let track = Track {
            project_id: "p".into(),
            version_id: format!("v{seed}"),
            alternate: "main".into(),
            sha256: sha256.clone(),
            label: format!("Mix {seed}"),
            sample_rate: rate,
            channels: channels as u32,
            frames: frames as u64,
            bytes: bytes.len() as u64,
            lufs: -14.0,
            true_peak_dbtp: -1.0,
            original: true,
        };
        self.fake.seen().files.insert(sha256, bytes);
        Made { track, frames: decoded(&path, rate) }
    }

    fn play(&self, tracks: &[&Made], at: u64) -> Playing {
        let list: Vec<Track> = tracks.iter().map(|it| it.track.clone()).collect();
        let stand = Stand::lay(&self.client, &self.cache, list.clone(), 0).unwrap();
        let loaded =
            Loaded::new(Deck::Side { tracks: list, heard: 0 }, stand.sounds(), stand.rate()).unwrap();
        let mut engine = Engine::for_files();
        drop(engine.order(EngineOrder::Load { loaded: Box::new(loaded), at, play: true }));
        Playing { engine, _stand: stand }
    }
}

struct Playing {
    engine: Engine,
    _stand: Stand,
}

impl Playing {
    /// The next frames, as soon as they are there; never silence in their place.
    async fn take(&mut self, frames: usize) -> Vec<Frame> {
        let begun = Instant::now();
        let mut all = Vec::new();
        while all.len() < frames {
            let ready = self.engine.ready((frames - all.len()).min(2_000));
            if ready == 0 {
                assert!(begun.elapsed() < PATIENCE, "nothing came: {:?}", self.engine.status());
                tokio::time::sleep(Duration::from_millis(1)).await;
                continue;
            }
            let mut out = vec![[0.0; 2]; ready];
            self.engine.pull(&mut out);
            all.extend(out);
        }
        all
    }

    async fn problem(&self, track: usize) -> String {
        let begun = Instant::now();
        loop {
            if let Some(problem) = &self.engine.status().tracks[track].problem {
                return problem.clone();
            }
            assert!(begun.elapsed() < PATIENCE, "no problem was told");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

fn same(heard: &[Frame], wanted: &[Frame], what: &str) {
    assert_eq!(heard.len(), wanted.len(), "{what}");
    if let Some(at) = heard.iter().zip(wanted).position(|(a, b)| a != b) {
        panic!("{what}: frame {at} is {:?}, not {:?}", heard[at], wanted[at]);
    }
}

fn close(heard: &[Frame], wanted: &[Frame], by: f32, what: &str) {
    let off = |a: &Frame, b: &Frame| (a[0] - b[0]).abs().max((a[1] - b[1]).abs());
    let worst = heard.iter().zip(wanted).map(|(a, b)| off(a, b)).fold(0.0, f32::max);
    assert!(heard.len() == wanted.len() && worst <= by, "{what}: {worst} off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leaves_is_the_file_while_the_line_is_cut_again_and_again() {
    let stage = stage().await;
    let made = stage.make(1, Encoding::Wav24, 44_100, 2, 150_000);
    stage.fake.seen().cuts.extend([10, 50_000, 0, 1, 200_000, 33_333]);
    let mut playing = stage.play(&[&made], 0);
    let heard = playing.take(150_000).await;
    same(&heard, &made.frames, "through six cuts");
    let offsets: Vec<u64> = stage.fake.seen().stretches.iter().map(|it| it.2).collect();
    assert!(offsets.windows(2).any(|w| w[1] > w[0] && w[1] >= 50_000), "goes on where it was: {offsets:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seek_far_ahead_asks_there_at_once_and_sounds_to_the_sample() {
    let stage = stage().await;
    for encoding in [Encoding::Wav16, Encoding::Mp3_320, Encoding::Flac16] {
        let made = stage.make(2, encoding, 44_100, 2, 600_000);
        stage.fake.seen().stretches.clear();
        let chunks = if encoding == Encoding::Wav16 { Some(12) } else { None };
        stage.fake.seen().chunks_left = chunks;
        let mut playing = stage.play(&[&made], 0);
        same(&playing.take(5_000).await, &made.frames[..5_000], "the start");
        if chunks.is_some() {
            // The line is stuck in the middle of the file: only a new question can help.
            stage.fake.seen().chunks_left = Some(0);
        }
        drop(playing.engine.order(EngineOrder::Seek { at: 500_000 }));
        playing.engine.ready(1_000);
        if encoding == Encoding::Wav16 {
            let begun = Instant::now();
            let asked = loop {
                let last = stage.fake.seen().stretches.last().cloned().unwrap();
                if last.2 > 1_000_000 || begun.elapsed() > PATIENCE {
                    break last.2;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            };
            let there = 44 + 500_000 * 4;
            assert!((there - 40_000..=there + 200).contains(&asked), "asked at {asked}, heard at {there}");
            stage.fake.seen().chunks_left = None;
        }
        let heard = playing.take(20_000).await;
        // What sounded before fades for 5 ms over it.
        let fade = 300;
        same(&heard[fade..], &made.frames[500_000 + fade..520_000], encoding.token());
        drop(playing.engine.order(EngineOrder::Seek { at: 100_000 }));
        let heard = playing.take(20_000).await;
        same(&heard[fade..], &made.frames[100_000 + fade..120_000], encoding.token());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tracks_stand_at_the_same_place_and_another_rate_comes_to_the_frame() {
    let stage = stage().await;
    let one = stage.make(3, Encoding::Wav24, 44_100, 2, 120_000);
    let two = stage.make(4, Encoding::Flac24, 48_000, 1, 130_612);
    let path = stage.folder.path().join("4.flac");
    let other = decoded(&path, 44_100);
    let mut playing = stage.play(&[&one, &two], 0);
    same(&playing.take(30_000).await, &one.frames[..30_000], "the first");
    drop(playing.engine.order(EngineOrder::Switch(1)));
    let heard = playing.take(20_000).await;
    close(&heard[300..], &other[30_300..50_000], 2e-7, "the second, at the first one's rate");
    drop(playing.engine.order(EngineOrder::Seek { at: 100_000 }));
    let heard = playing.take(10_000).await;
    close(&heard[300..], &other[100_300..110_000], 2e-7, "in the middle");
    drop(playing.engine.order(EngineOrder::Switch(0)));
    let heard = playing.take(5_000).await;
    same(&heard[300..], &one.frames[110_300..115_000], "and back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_hears_the_copy_and_never_asks_for_the_original() {
    let stage = stage().await;
    let mut made = stage.make(5, Encoding::Wav24, 44_100, 2, 100_000);
    let copy = stage.make(55, Encoding::Mp3_320, 44_100, 2, 100_000);
    // What a listener's copy sounds like: the same sound through the coder, as long to the frame.
    let bytes = stage.fake.seen().files[&copy.track.sha256].clone();
    stage.fake.seen().copies.insert(made.track.sha256.clone(), bytes);
    made.track.original = false;
    let mut playing = stage.play(&[&made], 0);
    same(&playing.take(100_000).await, &copy.frames, "the copy");
    assert!(stage.fake.seen().stretches.iter().all(|(copy, ..)| *copy));
    // Kept apart from the original of the same digest.
    drop(playing);
    made.track.original = true;
    let mut playing = stage.play(&[&made], 0);
    same(&playing.take(100_000).await, &made.frames, "the original");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_line_what_is_here_is_played_and_the_rest_comes_with_it() {
    let stage = stage().await;
    let made = stage.make(6, Encoding::Wav16, 44_100, 2, 200_000);
    let mut playing = stage.play(&[&made], 0);
    playing.take(200_000).await;
    drop(playing);
    stage.fake.seen().down = true;
    stage.fake.seen().stretches.clear();
    let mut playing = stage.play(&[&made], 0);
    same(&playing.take(200_000).await, &made.frames, "from the cache");
    assert!(stage.fake.seen().stretches.is_empty(), "nothing was asked for again");
    // One that is not here waits, and comes when the line does.
    let other = stage.make(7, Encoding::Wav16, 44_100, 2, 50_000);
    let mut playing = stage.play(&[&other], 0);
    assert_eq!(playing.engine.ready(100), 0);
    stage.fake.seen().down = false;
    same(&playing.take(50_000).await, &other.frames, "after the line came back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_played_is_told_of_its_track_and_harms_no_other() {
    let stage = stage().await;
    let good = stage.make(8, Encoding::Wav16, 44_100, 2, 60_000);
    let wide = stage.make(9, Encoding::Wav16, 44_100, 6, 60_000);
    let mut gone = stage.make(10, Encoding::Wav16, 44_100, 2, 60_000);
    stage.fake.seen().files.remove(&gone.track.sha256);
    let mut noise = stage.make(11, Encoding::Wav16, 44_100, 2, 60_000);
    let junk: Vec<u8> = (0..60_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    noise.track.sha256 = hex::encode(Sha256::digest(&junk));
    noise.track.bytes = junk.len() as u64;
    stage.fake.seen().files.insert(noise.track.sha256.clone(), junk);
    gone.track.label = "Gone".into();
    let mut playing = stage.play(&[&good, &wide, &gone, &noise], 0);
    same(&playing.take(60_000).await, &good.frames, "the good one");
    for track in [1, 2, 3] {
        playing.engine.ready(10);
        drop(playing.engine.order(EngineOrder::Switch(track)));
        drop(playing.engine.order(EngineOrder::Seek { at: 0 }));
        drop(playing.engine.order(EngineOrder::Play));
        playing.engine.ready(1_000);
        let problem = playing.problem(track).await;
        let wanted = ["", "6 channels", "No such file", "not audio"][track];
        assert!(problem.contains(wanted), "{track}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_not_the_files_are_found_out_and_not_kept() {
    let stage = stage().await;
    let made = stage.make(12, Encoding::Wav16, 44_100, 2, 40_000);
    stage.fake.seen().files.get_mut(&made.track.sha256).unwrap()[100_000] ^= 1;
    let mut playing = stage.play(&[&made], 0);
    playing.engine.ready(1_000);
    let problem = playing.problem(0).await;
    assert!(problem.contains("other bytes"), "{problem}");
    let key = deadwax_client::cache::audio::Key::new(&made.track.sha256, false).unwrap();
    assert_eq!(stage.cache.entry(&key).unwrap().bytes(), 0);
}

// -- the player --------------------------------------------------------------------------------------------------------------------------------------------

/// An output that a test turns by hand, or that goes away.
#[derive(Clone, Default)]
struct Hand {
    pull: Arc<Mutex<Option<Pull>>>,
    runs: Arc<AtomicBool>,
    gone: Arc<AtomicBool>,
    opened: Arc<AtomicUsize>,
}

struct HandOutput(Hand);

impl Output for HandOutput {
    fn name(&self) -> &'static str {
        "a test"
    }
    fn is_audible(&self) -> bool {
        true
    }
    fn play(&self) -> BoxFuture<'_, Result<(), Lost>> {
        self.0.runs.store(true, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }
    fn rest(&self) -> BoxFuture<'_, Result<(), Lost>> {
        self.0.runs.store(false, Ordering::Relaxed);
        Box::pin(async { Ok(()) })
    }
    fn waiting(&self) -> BoxFuture<'_, Result<u64, Lost>> {
        let gone = self.0.gone.load(Ordering::Relaxed);
        Box::pin(async move { if gone { Err(Lost) } else { Ok(1_000) } })
    }
}

impl Hand {
    fn choice(&self) -> Choice {
        let hand = self.clone();
        Choice::Given(Arc::new(move |_, pull| {
            hand.opened.fetch_add(1, Ordering::Relaxed);
            hand.gone.store(false, Ordering::Relaxed);
            *hand.pull.lock().unwrap() = Some(pull);
            Box::new(HandOutput(hand.clone()))
        }))
    }

    fn turn(&self, frames: usize) -> Vec<Frame> {
        let pull = self.pull.lock().unwrap().clone().expect("an output was opened");
        let mut out = vec![[0.0; 2]; frames];
        pull(&mut out);
        out
    }
}

async fn until(news: &mut tokio::sync::mpsc::Receiver<News>, mut what: impl FnMut(&News) -> bool) -> News {
    let found = async {
        loop {
            let told = news.recv().await.expect("the player lives");
            if what(&told) {
                return told;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.expect("it was told in time")
}

fn is_status(news: &News, mut fits: impl FnMut(&Status) -> bool) -> bool {
    matches!(news, News::Status(status) if fits(status))
}

fn setup(stage: &Stage, sound: Choice) -> Setup {
    let heard = Some(stage.folder.path().join("heard.json"));
    Setup { client: stage.client.clone(), cache: stage.cache.clone(), sound, heard }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_player_tells_what_leaves_the_loudspeaker_and_the_studio_what_was_heard() {
    let stage = stage().await;
    let made = stage.make(13, Encoding::Wav16, 44_100, 2, 441_000);
    let hand = Hand::default();
    let (player, mut news) = Player::start(setup(&stage, hand.choice()));
    let deck = Deck::Side { tracks: vec![made.track.clone()], heard: 0 };
    player.order(Order::Load { deck, at: 0, play: false });
    until(&mut news, |it| is_status(it, |s| s.frames == 441_000 && s.tracks[0].here >= 1.0)).await;
    assert_eq!(hand.opened.load(Ordering::Relaxed), 0, "nothing is opened before something is played");
    player.order(Order::Play);
    until(&mut news, |it| is_status(it, |s| s.playing && s.audible)).await;
    let begun = Instant::now();
    // The first page may still be on its way: then silence leaves, and the position waits.
    let mut heard = Vec::new();
    while heard.len() < 132_300 && begun.elapsed() < PATIENCE {
        let frames = hand.turn(4_410);
        if heard.is_empty() && frames.iter().all(|it| *it == [0.0; 2]) {
            tokio::time::sleep(Duration::from_millis(2)).await;
            continue;
        }
        heard.extend(frames);
        tokio::task::yield_now().await;
    }
    let start = heard.iter().position(|it| *it == made.frames[0]).unwrap();
    same(&heard[start..], &made.frames[..heard.len() - start], "what left");
    let at = heard.len() as u64 - start as u64;
    until(&mut news, |it| is_status(it, |s| s.at == at - 1_000 && s.playing)).await;
    player.order(Order::Pause);
    let told = until(&mut news, |it| matches!(it, News::Heard { .. })).await;
    assert_eq!(told, News::Heard { version_id: "v13".into(), alternate: "main".into(), percent: 97 });
    let reported = stage.fake.seen().heard.last().unwrap().clone();
    assert_eq!((reported.project_id.as_str(), reported.version_id.as_str()), ("p", "v13"));
    assert_eq!(reported.ranges.len(), 1);
    assert_eq!((reported.ranges[0].start_ms, reported.ranges[0].end_ms), (0, at * 1000 / 44_100));
    let begun = Instant::now();
    while hand.runs.load(Ordering::Relaxed) {
        assert!(begun.elapsed() < PATIENCE, "the output rests after a pause");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_goes_away_pauses_and_comes_back_when_asked() {
    let stage = stage().await;
    let made = stage.make(14, Encoding::Wav16, 44_100, 2, 441_000);
    let hand = Hand::default();
    let (player, mut news) = Player::start(setup(&stage, hand.choice()));
    let deck = Deck::Side { tracks: vec![made.track.clone()], heard: 0 };
    player.order(Order::Load { deck, at: 0, play: true });
    until(&mut news, |it| is_status(it, |s| s.playing)).await;
    hand.gone.store(true, Ordering::Relaxed);
    until(&mut news, |it| matches!(it, News::Trouble { text, .. } if text.contains("went away"))).await;
    until(&mut news, |it| is_status(it, |s| !s.playing)).await;
    player.order(Order::Play);
    until(&mut news, |it| is_status(it, |s| s.playing && s.output == "a test")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_heard_without_a_line_is_told_with_one() {
    let stage = stage().await;
    let made = stage.make(15, Encoding::Wav16, 44_100, 2, 132_300);
    let hand = Hand::default();
    {
        let (player, mut news) = Player::start(setup(&stage, hand.choice()));
        let deck = Deck::Side { tracks: vec![made.track.clone()], heard: 0 };
        player.order(Order::Load { deck: deck.clone(), at: 0, play: true });
        until(&mut news, |it| is_status(it, |s| s.playing && s.tracks[0].here >= 1.0)).await;
        stage.fake.seen().down = true;
        let begun = Instant::now();
        while hand.turn(441).iter().all(|it| *it == [0.0; 2]) && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        hand.turn(44_100);
        player.order(Order::Pause);
        let kept = stage.folder.path().join("heard.json");
        let begun = Instant::now();
        while !kept.exists() {
            assert!(begun.elapsed() < PATIENCE, "it is kept on the disk");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert!(stage.fake.seen().heard.is_empty());
    stage.fake.seen().down = false;
    let (player, mut news) = Player::start(setup(&stage, Choice::Nothing));
    player.order(Order::Stop);
    until(&mut news, |it| matches!(it, News::Heard { .. })).await;
    let seen = stage.fake.seen();
    assert_eq!(seen.heard[0].version_id, "v15");
    assert!((900..1_100).contains(&seen.heard[0].ranges[0].end_ms), "{:?}", seen.heard[0].ranges);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_silent_clock_plays_in_time_and_nobody_heard_it() {
    let stage = stage().await;
    let made = stage.make(16, Encoding::Wav16, 44_100, 2, 22_050);
    let (player, mut news) = Player::start(setup(&stage, Choice::Nothing));
    let deck = Deck::Side { tracks: vec![made.track.clone()], heard: 0 };
    player.order(Order::Load { deck, at: 0, play: true });
    let end = until(&mut news, |it| is_status(it, |s| !s.playing && s.at == 22_050)).await;
    assert!(is_status(&end, |s| !s.audible && s.output == "no sound device"));
    player.order(Order::Stop);
    until(&mut news, |it| is_status(it, |s| s.tracks.is_empty())).await;
    assert!(stage.fake.seen().heard.is_empty());
}
