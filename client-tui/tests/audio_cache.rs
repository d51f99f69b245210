//! The audio cache: what is here is what came, whatever happens to the process, the disk and the files.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, time::SystemTime};

use deadwax_client::cache::audio::{AudioCache, Check, Kept, Key};
use sha2::{Digest as _, Sha256};

fn bytes(seed: u8, len: usize) -> (Vec<u8>, Key) {
    let data: Vec<u8> = (0..len).map(|n| (n * 31 + n / 251) as u8 ^ seed).collect();
    let key = Key::new(&hex::encode(Sha256::digest(&data)), false).unwrap();
    (data, key)
}

fn map_of(folder: &Path) -> std::path::PathBuf {
    let mut found = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    found.find(|path| path.extension().is_some_and(|it| it == "map")).unwrap()
}

#[test]
fn what_was_put_out_of_order_is_read_and_survives_a_new_start() {
    let dir = tempfile::tempdir().unwrap();
    let (data, key) = bytes(1, 300_000);
    {
        let cache = AudioCache::open(&dir.path().join("c"), 0).unwrap();
        let entry = cache.entry(&key).unwrap();
        entry.set_total(300_000);
        assert_eq!(entry.put(200_000, &data[200_000..250_000]), Kept::Disk);
        entry.put(0, &data[..100_000]);
        let mut out = vec![0; 300_000];
        assert_eq!(entry.read_at(50_000, &mut out).unwrap(), 50_000);
        assert_eq!(out[..50_000], data[50_000..100_000]);
        assert_eq!(entry.read_at(100_000, &mut out).unwrap(), 0, "not here");
        assert_eq!(entry.gap(0), Some((100_000, 200_000)));
        assert_eq!(entry.check().unwrap(), Check::Open);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join("c")), 0o700);
        for file in fs::read_dir(dir.path().join("c")).unwrap() {
            assert_eq!(mode(&file.unwrap().path()), 0o600);
        }
    }
    let cache = AudioCache::open(&dir.path().join("c"), 0).unwrap();
    let entry = cache.entry(&key).unwrap();
    assert_eq!((entry.total(), entry.bytes()), (Some(300_000), 150_000));
    entry.put(100_000, &data[100_000..200_000]);
    entry.put(250_000, &data[250_000..]);
    assert_eq!(entry.check().unwrap(), Check::Right);
    assert_eq!(entry.gap(0), None);
}

#[test]
fn other_bytes_than_those_asked_for_are_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    let (mut data, key) = bytes(2, 10_000);
    data[7_777] ^= 1;
    let cache = AudioCache::open(dir.path(), 0).unwrap();
    let entry = cache.entry(&key).unwrap();
    entry.set_total(10_000);
    entry.put(0, &data);
    assert_eq!(entry.check().unwrap(), Check::Wrong);
    assert_eq!((entry.bytes(), entry.total()), (0, Some(10_000)));
    drop(entry);
    assert_eq!(cache.entry(&key).unwrap().bytes(), 0, "and stay so");
}

#[test]
fn a_kill_in_the_middle_of_anything_leaves_fewer_bytes_never_wrong_ones() {
    let dir = tempfile::tempdir().unwrap();
    let (data, key) = bytes(3, 100_000);
    {
        let cache = AudioCache::open(dir.path(), 0).unwrap();
        let entry = cache.entry(&key).unwrap();
        entry.set_total(100_000);
        for (from, to) in [(0, 10_000), (20_000, 30_000), (60_000, 90_000)] {
            entry.put(from, &data[from as usize..to as usize]);
            entry.flush().unwrap();
        }
    }
    let map = map_of(dir.path());
    let whole = fs::read(&map).unwrap();
    let mut before = u64::MAX;
    // Cut at every byte: as a kill in the middle of writing would.
    for cut in (0..=whole.len()).rev() {
        fs::write(&map, &whole[..cut]).unwrap();
        let cache = AudioCache::open(dir.path(), 0).unwrap();
        let entry = cache.entry(&key).unwrap();
        assert!(entry.bytes() <= before.min(50_000));
        before = entry.bytes();
        for at in (0..100_000u64).step_by(5_000) {
            let mut out = vec![0; 5_000];
            let count = entry.read_at(at, &mut out).unwrap();
            assert_eq!(out[..count], data[at as usize..at as usize + count], "cut at {cut}, byte {at}");
        }
    }
    // A flipped bit in a record is not believed either.
    for at in 0..whole.len() {
        let mut odd = whole.clone();
        odd[at] ^= 0x10;
        fs::write(&map, &odd).unwrap();
        let cache = AudioCache::open(dir.path(), 0).unwrap();
        let entry = cache.entry(&key).unwrap();
        let mut out = vec![0; 100_000];
        for from in [0, 20_000, 60_000, 95_000] {
            let count = entry.read_at(from, &mut out).unwrap();
            assert_eq!(out[..count], data[from as usize..from as usize + count]);
        }
    }
    // A map whose bytes are gone says nothing.
    fs::write(&map, &whole).unwrap();
    fs::remove_file(map.with_extension("audio")).unwrap();
    assert_eq!(AudioCache::open(dir.path(), 0).unwrap().entry(&key).unwrap().bytes(), 0);
}

#[test]
fn the_oldest_go_first_and_what_is_open_stays() {
    let dir = tempfile::tempdir().unwrap();
    let cache = AudioCache::open(dir.path(), 250_000).unwrap();
    let made: Vec<(Vec<u8>, Key)> = (0..4).map(|seed| bytes(seed, 100_000)).collect();
    let mut held = None;
    for (age, (data, key)) in made.iter().enumerate() {
        let entry = cache.entry(key).unwrap();
        entry.set_total(100_000);
        entry.put(0, data);
        entry.flush().unwrap();
        if age == 0 {
            held = Some(entry);
        } else {
            drop(entry);
        }
        let path = dir.path().join(format!("{}.audio", hex::encode(Sha256::digest(data))));
        let wanted = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 + age as u64);
        fs::File::options().write(true).open(path).unwrap().set_modified(wanted).unwrap();
    }
    // Another client of the same machine holds nothing, and still may not take what this one plays.
    let other = AudioCache::open(dir.path(), 250_000).unwrap();
    other.trim();
    assert!(other.bytes() <= 250_000, "{}", other.bytes());
    let left: Vec<u64> = made.iter().map(|(_, key)| other.entry(key).unwrap().bytes()).collect();
    assert_eq!(left, [100_000, 0, 0, 100_000], "the oldest is open, the next two went");
    drop(held);
}

#[test]
fn two_clients_on_one_cache_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let (data, key) = bytes(9, 200_000);
    let (a, b) = (AudioCache::open(dir.path(), 0).unwrap(), AudioCache::open(dir.path(), 0).unwrap());
    let (one, two) = (a.entry(&key).unwrap(), b.entry(&key).unwrap());
    one.set_total(200_000);
    two.set_total(200_000);
    for at in (0..200_000).step_by(20_000) {
        let entry = if at % 40_000 == 0 { &one } else { &two };
        entry.put(at as u64, &data[at..at + 20_000]);
        entry.flush().unwrap();
    }
    drop((one, two));
    let entry = a.entry(&key).unwrap();
    // Each learned only of its own; together it is all here unless one of them began anew, and never anything else.
    let mut out = vec![0; 200_000];
    let mut at = 0;
    while at < 200_000 {
        let count = entry.read_at(at as u64, &mut out).unwrap();
        assert_eq!(out[..count], data[at..at + count]);
        at += count.max(20_000);
    }
}

#[test]
fn a_name_that_is_no_digest_is_no_file_name() {
    for name in ["", "../../x", &"g".repeat(64), &"A".repeat(64)] {
        assert!(Key::new(name, false).is_none(), "{name}");
    }
}
