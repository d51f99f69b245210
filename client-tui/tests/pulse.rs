//! A real PulseAudio: what its sink gets is what the file holds, sample by sample. Skipped, with a line that says so, where none is installed.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod net_fake;

use std::{
    io::Read as _,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use deadwax_client::{
    cache::audio::AudioCache,
    net::Client,
    play::{Deck, News, Order, Player, Setup, Track, output::Choice},
    profile::Profile,
};
use deadwax_dsp::{
    Block,
    write::{AudioWriter, Encoding},
};
use net_fake::Fake;
use sha2::{Digest as _, Sha256};

const RATE: u32 = 44_100;
const FRAMES: usize = 66_150;
const PATIENCE: Duration = Duration::from_secs(30);

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Samples of 24 bits: a float holds them exactly.
fn sample(n: usize, channel: usize) -> f64 {
    let wave = (n as f64 * (0.02 + 0.01 * channel as f64)).sin() * 0.7 + 0.1;
    (wave * 8_388_608.0).round() / 8_388_608.0
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn daemon(folder: &Path) -> Option<Ended> {
    let socket = folder.join("native");
    let sink = format!("module-null-sink sink_name=null rate={RATE} format=float32le channels=2");
    let line = format!("module-native-protocol-unix socket={} auth-anonymous=1", socket.display());
    let started = Command::new("pulseaudio")
        .args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"])
        .args(["-L", &sink, "-L", &line])
        .env("HOME", folder)
        .env("XDG_RUNTIME_DIR", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let daemon = Ended(started.ok()?);
    until("the daemon listens", || std::os::unix::net::UnixStream::connect(&socket).is_ok());
    Some(daemon)
}

#[test]
fn a_real_sink_gets_every_sample_as_it_is() {
    hears("pulse", "PulseAudio");
}

#[test]
fn a_program_that_plays_what_it_reads_gets_every_sample_too() {
    hears("paplay", "paplay");
}

fn hears(choice: &str, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let Some(_daemon) = daemon(folder.path()) else {
        println!("skipped: no pulseaudio on this machine");
        return;
    };
    let server = format!("unix:{}", folder.path().join("native").display());
    let capture = Command::new("parec")
        .args(["-d", "null.monitor", "--raw", "--format=float32le", "--channels=2", "--latency-msec=50"])
        .arg(format!("--rate={RATE}"))
        .env("PULSE_SERVER", &server)
        .env("HOME", folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut capture) = capture else {
        println!("skipped: no parec on this machine");
        return;
    };
    let mut stdout = capture.stdout.take().unwrap();
    let capture = Ended(capture);
    let came = Arc::new(AtomicUsize::new(0));
    let counted = came.clone();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let mut chunk = [0; 1 << 14];
        while let Ok(count) = stdout.read(&mut chunk) {
            if count == 0 {
                break;
            }
            bytes.extend_from_slice(&chunk[..count]);
            counted.store(bytes.len(), Ordering::Relaxed);
        }
        bytes
    });
    // An idle sink gives silence: once that comes, nothing of what follows is missed.
    until("the sink is heard", || came.load(Ordering::Relaxed) > 0);
    // The environment is that of a process, so the player runs in one of its own.
    let player = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "plays_in_its_own_process", "--ignored", "--nocapture"])
        .env("PULSE_SERVER", &server)
        .env("HOME", folder.path())
        .env("DEADWAX_SOUND", choice)
        .env("OUTPUT_NAME", name)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut player = Ended(player);
    let status = player.0.wait().unwrap();
    assert!(status.success(), "the player ended with {status}");
    std::thread::sleep(Duration::from_millis(300));
    drop(capture);
    let bytes = reader.join().unwrap();
    let frames: Vec<[f32; 2]> = bytes
        .chunks_exact(8)
        .map(|b| [f32::from_le_bytes([b[0], b[1], b[2], b[3]]), f32::from_le_bytes([b[4], b[5], b[6], b[7]])])
        .collect();
    let wanted: Vec<[f32; 2]> = (0..FRAMES).map(|n| [sample(n, 0) as f32, sample(n, 1) as f32]).collect();
    // A busy machine may make the server miss its time, and a monitor loses what a sink takes back; but what was heard is the file, in its order.
    let (mut next, mut heard) = (0, 0);
    for frame in frames.iter().filter(|it| **it != [0.0; 2]) {
        let at = wanted[next..].iter().position(|it| it == frame);
        let at = at.unwrap_or_else(|| panic!("{frame:?} is no frame of the file behind frame {next}"));
        next += at + 1;
        heard += 1;
    }
    assert_eq!(next, FRAMES, "heard to its last frame");
    assert!(heard * 10 >= FRAMES * 9, "{heard} of {FRAMES} frames were heard");
}

#[test]
#[ignore = "run by the test above, with the environment that it needs"]
fn plays_in_its_own_process() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let mut writer = AudioWriter::create(&path, Encoding::Wav24, RATE, 2, None).unwrap();
        let plane = |channel| (0..FRAMES).map(|n| sample(n, channel)).collect();
        writer.write(&Block { channels: vec![plane(0), plane(1)] }).unwrap();
        writer.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let fake = Fake::default();
        let address = fake.serve(None).await;
        let profile =
            Profile { name: "test".into(), url: format!("deadwax+http://{address}"), ..Profile::default() };
        let track = Track {
            project_id: "p".into(),
            version_id: "v".into(),
            alternate: "main".into(),
            sha256: hex::encode(Sha256::digest(&bytes)),
            label: "Mix".into(),
            sample_rate: RATE,
            channels: 2,
            frames: FRAMES as u64,
            bytes: bytes.len() as u64,
            lufs: -14.0,
            true_peak_dbtp: -1.0,
            original: true,
        };
        fake.seen().files.insert(track.sha256.clone(), bytes);
        let setup = Setup {
            client: Client::connect(&profile).await.unwrap(),
            cache: AudioCache::open(&folder.path().join("audio"), 0).unwrap(),
            sound: Choice::from_env(Choice::Any),
            heard: None,
        };
        let (player, mut news) = Player::start(setup);
        let deck = Deck::Side { tracks: vec![track], heard: 0 };
        player.order(Order::Load { deck, at: 0, play: true });
        let name = std::env::var("OUTPUT_NAME").unwrap();
        let mut places = Vec::new();
        let ended = async {
            while let Some(told) = news.recv().await {
                match told {
                    News::Status(status) if status.playing => {
                        assert_eq!((&status.output, status.audible), (&name, true));
                        places.push(status.at);
                    }
                    News::Status(status) if status.at == FRAMES as u64 => return status.underruns,
                    News::Trouble { text, .. } => panic!("{text}"),
                    _ => {}
                }
            }
            panic!("the player ended");
        };
        let underruns = tokio::time::timeout(PATIENCE, ended).await.unwrap();
        assert_eq!(underruns, 0);
        assert!(places.len() > 5 && places.is_sorted(), "the position goes on: {places:?}");
        // What waits in the server is still to be heard.
        tokio::time::sleep(Duration::from_millis(600)).await;
    });
}
