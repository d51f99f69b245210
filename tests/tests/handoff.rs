//! A handoff as its receiver meets it: fetched over a line that breaks again and again, checked offline, unpacked. Goal: what comes out is what was signed,
//! under names that server and client agree on.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use deadwax_client::{name::Name, profile::Home};
use deadwax_domain::{Alternate, AudioFacts};
use deadwax_server::handoff::names;
use deadwax_tests::{
    demo::{Log, Material, Studio, cast, mixing},
    harness::Seat,
    song,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

fn sha256(path: &Path) -> String {
    hex::encode(Sha256::digest(fs::read(path).unwrap()))
}

/// A line whose every connection breaks once so many bytes came from the server.
fn breaking_line(server: String, after_bytes: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::<AtomicUsize>::default());
    let broken = Arc::clone(&count);
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = TcpStream::connect(&server).unwrap();
            let (mut up_from, mut up_into) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            thread::spawn(move || {
                drop(std::io::copy(&mut up_from, &mut up_into));
            });
            let broken = Arc::clone(&broken);
            thread::spawn(move || {
                let (mut far, mut near, mut left) = (far, near, after_bytes);
                let mut buffer = [0; 16 << 10];
                while left > 0 {
                    let Ok(count @ 1..) = far.read(&mut buffer) else { return };
                    if near.write_all(&buffer[..count]).is_err() {
                        return;
                    }
                    left = left.saturating_sub(count);
                }
                broken.fetch_add(1, Ordering::SeqCst);
                drop((near.shutdown(Shutdown::Both), far.shutdown(Shutdown::Both)));
            });
        }
    });
    (address, count)
}

/// Answers the address that the person spoke to before.
fn speak_through(seat: &Seat, url: String) -> String {
    let home = Home::at(&seat.home);
    let mut profile = home.load(None).unwrap();
    let before = std::mem::replace(&mut profile.url, url);
    home.save(&profile).unwrap();
    before
}

#[test]
fn a_package_comes_through_a_breaking_line_and_holds_what_was_signed() {
    let root = tempfile::tempdir().unwrap();
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    let material = Material::Song(Box::new(song::arrange().begun_at_the_bridge()));
    let on = Studio::found(exe, root.path(), material, Log::new(true)).unwrap();
    let (into, direct) = (root.path().join("package"), root.path().join("direct.zip"));
    on.cast.masterer.refused("NO_HANDOFF", ["handoff", "-o", into.to_str().unwrap()]).unwrap();
    mixing::take(&on).unwrap();
    mixing::first_mix(&on).unwrap();
    mixing::notes(&on).unwrap();
    mixing::revision(&on).unwrap();
    mixing::second_mix(&on).unwrap();
    mixing::sign(&on, "mix", 2).unwrap();

    // The gate opens with the last signature, or with the examination where that comes later.
    let fetched = (0..240).find_map(|_| {
        let said = on.cast.masterer.try_verb(["handoff", "-o", direct.to_str().unwrap()]).unwrap();
        if said.code == 0 {
            return Some(said);
        }
        assert!(said.stderr.contains("NO_HANDOFF"), "{}", said.stderr);
        thread::sleep(Duration::from_millis(250));
        None
    });
    let said = fetched.unwrap();
    assert_eq!(said.first()["sha256"].as_str().unwrap(), sha256(&direct));
    let bytes = usize::try_from(fs::metadata(&direct).unwrap().len()).unwrap();

    let (line, broken) = breaking_line(on.house.address.clone(), bytes / 4);
    let straight = speak_through(&on.cast.masterer, format!("deadwax://{line}"));
    let said = on.cast.masterer.verb(["handoff", "-o", into.to_str().unwrap(), "--unpack"]).unwrap();
    speak_through(&on.cast.masterer, straight);
    assert!(broken.load(Ordering::SeqCst) >= 3, "the line broke {} times", broken.load(Ordering::SeqCst));
    let zip = Path::new(said.first()["file"].as_str().unwrap()).to_owned();
    assert_eq!(sha256(&zip), sha256(&direct));
    assert!(!into.join(".deadwax-part").exists(), "nothing half fetched stays");

    let folder = Path::new(said.lines[1]["folder"].as_str().unwrap()).to_owned();
    let mix = cast::version(&on.cast.masterer, "mix", 2).unwrap();
    for file in mix["files"].as_array().unwrap() {
        let digest = file["sha256"].as_str().unwrap();
        let held = fs::read_dir(&folder).unwrap().any(|entry| sha256(&entry.unwrap().path()) == digest);
        assert!(held, "{file}");
    }
    let checked = on.cast.masterer.verb(["handoff", "check", zip.to_str().unwrap()]).unwrap();
    assert_eq!(checked.first()["fingerprint"], mix["fingerprint"]);

    let again = on.cast.masterer.verb(["handoff", "-o", into.to_str().unwrap(), "--unpack"]).unwrap();
    assert_eq!(again.first()["fetched"], Value::Bool(false));
    let mut bytes = fs::read(&zip).unwrap();
    bytes[5000] ^= 1;
    fs::write(&direct, bytes).unwrap();
    let damaged = on.cast.masterer.try_verb(["handoff", "check", direct.to_str().unwrap()]).unwrap();
    assert_eq!(damaged.code, 3, "{}", damaged.stderr);
    assert!(damaged.stderr.contains("damaged"), "{}", damaged.stderr);
}

fn facts((container, codec): (&str, &str), sample_rate_hz: u32, (bits, float): (u32, bool)) -> AudioFacts {
    AudioFacts {
        container: container.into(),
        codec: codec.into(),
        sample_rate_hz,
        channels: 2,
        bits,
        float,
        frames: 1,
        bytes: 1,
        integrated_lufs: -18.0,
        loudness_range_lu: 0.0,
        max_momentary_lufs: 0.0,
        max_short_term_lufs: 0.0,
        true_peak_dbtp: 0.0,
        sample_peak_dbfs: 0.0,
        dc_offset: 0.0,
        correlation: 0.0,
        head_silence_s: 0.0,
        tail_silence_s: 0.0,
        clipped_samples: 0,
        remarks: Vec::new(),
    }
}

/// The client is no dependency of the server, so each writes the convention itself.
#[test]
fn server_and_client_call_a_file_the_same() {
    let tokens = [
        "main",
        "instrumental",
        "tv",
        "tv-lowered",
        "a-cappella",
        "lead-vocal-only",
        "bgv-only",
        "clean",
        "radio-edit",
        "extended",
        "sting",
        "underscore",
        "bumper",
        "no-drums",
        "limited",
        "unlimited",
        "flat-master",
        "production-master",
        "vocal-up+0.5",
        "vocal-down-1.0",
        "bgv-up+12.0",
        "bass-down-0.1",
        "solo-up+24.0",
        "cut-15",
        "cut-255",
        "stem-1",
        "stem-28",
        "stem-255",
    ];
    let kinds = [
        (("wav", "pcm"), "wav"),
        (("rf64", "pcm"), "wav"),
        (("aiff", "pcm"), "aiff"),
        (("flac", "flac"), "flac"),
        (("mp4", "alac"), "m4a"),
        (("mp3", "mp3"), "mp3"),
        (("ogg", "opus"), "opus"),
        (("ogg", "vorbis"), "ogg"),
        (("caf", "pcm"), "bin"),
        (("", ""), "wav"),
    ];
    let shapes = [
        (48_000, (24, false)),
        (44_100, (16, false)),
        (88_200, (32, true)),
        (176_400, (24, false)),
        (11_025, (8, false)),
        (0, (0, false)),
    ];
    let titles = [
        "Nachtlied",
        "Nacht lied (für Zoë)",
        "don\u{2019}t stop",
        "夜の歌",
        "../../etc",
        "CON",
        "",
        "\u{202e}gnp",
        "ﬁne № 5",
        "x\u{301}y",
        &"long word ".repeat(40),
        "ǅungla ẞ İ",
        "½ a ²",
    ];
    for token in tokens {
        let alternate = Alternate::parse(token).unwrap();
        for (at, title) in titles.iter().enumerate() {
            let (kind, extension) = kinds[at % kinds.len()];
            for (number, (rate_hz, (bits, float))) in (1..).zip(shapes) {
                let ours =
                    names::of_file(title, title, number, alternate, &facts(kind, rate_hz, (bits, float)));
                let theirs = Name {
                    artist: title,
                    title,
                    alternate: token,
                    number,
                    master: false,
                    rate_hz,
                    bits,
                    float,
                    engineer: "",
                    extension,
                };
                assert_eq!(ours, theirs.build(), "{token} {title:?}");
            }
        }
    }
}
