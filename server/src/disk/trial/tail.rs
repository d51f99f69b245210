//! A torn tail told apart from damage: a journal that was cut anywhere in its last segment opens with every record that is whole; a bit that flipped in a record
//! which others prove to have been synced stops the start and names file, byte and record. Never here: what a blob or an index may suffer.

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;

use super::{is_long, seed};
use crate::{
    disk::{
        Drive,
        faulty::{Dice, FaultyDisk},
    },
    store::{
        EmbeddedStore, Store as _, StreamId,
        conformance::append,
        embedded::{OpenError, Options},
    },
};

const HEADER_BYTES: usize = 92;
const RECORDS: u64 = 40;

/// The segments of a journal of many records, each its own group, and where its records begin.
struct Journal {
    segments: Vec<Vec<u8>>,
    /// Segment from 0, first byte, byte behind it.
    records: Vec<(usize, usize, usize)>,
}

fn path(segment: usize) -> PathBuf {
    PathBuf::from(format!("studio/journal/{:08}.journal", segment + 1))
}

fn start(segments: &[Vec<u8>]) -> Result<EmbeddedStore, OpenError> {
    let disk = FaultyDisk::default();
    for (number, bytes) in segments.iter().enumerate() {
        disk.plant(&path(number), bytes);
    }
    open(&disk)
}

fn open(disk: &FaultyDisk) -> Result<EmbeddedStore, OpenError> {
    let options = Options { root: "studio".into(), reserve_bytes: 0, segment_bytes: 2500 };
    EmbeddedStore::open_on_disk(&options, Drive::on(Arc::new(disk.clone())))
}

async fn journal() -> Journal {
    let disk = FaultyDisk::default();
    let store = open(&disk).unwrap();
    for record in 0..RECORDS {
        let mut next = append(1, record, 1 + u128::from(record), &[]);
        next.entries = vec![Bytes::from(format!("entry {record} ").repeat(1 + record as usize % 7))];
        store.append(next).await.unwrap();
    }
    drop(store);
    let segments: Vec<_> = (0..).map_while(|number| disk.bytes(&path(number))).collect();
    let mut records = Vec::new();
    for (number, bytes) in segments.iter().enumerate() {
        let mut at = HEADER_BYTES;
        while at < bytes.len() {
            let field = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            let end = at + 16 + field(at + 8) + field(at + 12);
            records.push((number, at, end));
            at = end;
        }
    }
    assert_eq!(records.len(), RECORDS as usize);
    assert!(segments.len() > 2);
    Journal { segments, records }
}

async fn entries(store: &EmbeddedStore) -> usize {
    let read = store.read(StreamId(1), 0, usize::MAX).await.unwrap();
    assert!(read.iter().map(|entry| entry.seq).eq(1..=read.len() as u64));
    for (record, entry) in read.iter().enumerate() {
        let wanted = format!("entry {record} ").repeat(1 + record % 7);
        assert_eq!(entry.payload.as_deref(), Some(wanted.as_bytes()));
    }
    read.len()
}

/// Gate TAIL, its first half.
#[tokio::test]
async fn a_journal_cut_anywhere_in_its_last_segment_opens_with_what_is_whole() {
    let Journal { mut segments, records } = journal().await;
    let last = segments.len() - 1;
    let whole = segments[last].clone();
    for cut in 0..=whole.len() {
        segments[last] = whole[..cut].to_vec();
        let store = start(&segments).unwrap_or_else(|error| panic!("cut at {cut}: {error}"));
        let wanted = records.iter().filter(|(segment, _, end)| *segment < last || *end <= cut).count();
        assert_eq!(entries(&store).await, wanted, "cut at {cut}");
    }
    println!("#gate TAIL held {} cuts, each opens with every whole record", whole.len() + 1);
}

/// Gate TAIL, its second half.
#[tokio::test]
async fn a_flipped_bit_in_the_middle_stops_the_start_and_names_the_record() {
    let Journal { mut segments, records } = journal().await;
    let mut dice = Dice::from_seed(seed());
    let flips = if is_long() { 200_000 } else { 4_000 };
    let (mut named, mut torn) = (0, 0);
    for _ in 0..flips {
        let segment = dice.below(segments.len() as u64) as usize;
        let at = dice.below(segments[segment].len() as u64) as usize;
        let bit = 1 << dice.below(8);
        segments[segment][at] ^= bit;
        let started = start(&segments);
        segments[segment][at] ^= bit;
        let hit = records.iter().position(|(of, from, end)| *of == segment && (*from..*end).contains(&at));
        match (started, hit) {
            // Nothing after it tells that it was synced: the last record goes, as a torn tail does.
            (Ok(store), Some(number)) if number + 1 == records.len() => {
                assert_eq!(entries(&store).await, number);
                torn += 1;
            }
            (Err(OpenError::Damaged { segment: name, offset, record, .. }), hit) => {
                assert_eq!(PathBuf::from("studio/journal").join(name), path(segment), "byte {at}");
                let place = hit
                    .map_or((0, String::new()), |number| (records[number].1, format!(" (record {number})")));
                assert_eq!((offset as usize, record), place, "{} byte {at}", path(segment).display());
                named += 1;
            }
            (Err(OpenError::Newer { .. }), None) => named += 1,
            (Ok(_), _) => panic!("{} byte {at}: the damage was passed over", path(segment).display()),
            (Err(error), _) => panic!("{} byte {at}: {error}", path(segment).display()),
        }
    }
    println!(
        "#gate TAIL held {flips} flipped bits: {named} stopped the start and named the record, {torn} in the last record, 0 passed over"
    );
    assert!(named > 0 && torn > 0);
}
