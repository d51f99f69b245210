//! Bits flipped at random over journal, index, audio and its checksums. Goal: each flip is noticed when the bytes are read, when the store is opened or by
//! `verify`; nothing wrong is ever given out; nothing but the damaged record or file is lost to its readers. Method: one flip, every question asked, the
//! answers compared with what was written, the folder put back.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use deadwax_domain::Digest;
use deadwax_server::{
    blob::{BlobError, Blobs},
    keep::verify::{self, Sample},
    store::{
        EmbeddedStore, ReadError, Store, StreamId,
        embedded::{IndexState, Options},
    },
};
use futures::TryStreamExt as _;

use crate::{Dice, append, blob_file, copy_folder, cover, files_below, flip, folder, is_long, seed, titled};

/// What was written, to hold every answer against.
struct Truth {
    entries: BTreeMap<(u128, u64), Option<Bytes>>,
    /// Which entries were written as one record.
    records: BTreeMap<(u128, u64), u128>,
    blobs: BTreeMap<Digest, Bytes>,
}

#[derive(Default, Debug)]
struct Tally {
    flips: u64,
    noticed: u64,
    /// By `verify`, by a start that was refused, by a question that was refused: the first of them that did.
    by: [u64; 3],
    /// In bytes of the index that nobody reads: every answer was right, and verify found nothing.
    dead: u64,
    wrong: u64,
    unbounded: u64,
    missed: Vec<String>,
}

fn options(root: &Path) -> Options {
    Options { reserve_bytes: 0, segment_bytes: 16_000, ..Options::new(root) }
}

async fn write(root: &Path) -> Truth {
    let mut dice = Dice(7);
    let store = EmbeddedStore::open(options(root)).unwrap();
    let blobs = Blobs::open_with(root.to_owned(), 0).await.unwrap();
    let mut truth = Truth { entries: BTreeMap::new(), records: BTreeMap::new(), blobs: BTreeMap::new() };
    let mut heads = [0u64; 4];
    for length in [900, 262_144, 300_001, 1_100_000] {
        let bytes = dice.bytes(length);
        truth.blobs.insert(blobs.put(bytes.clone()).await.unwrap(), bytes);
    }
    let named: Vec<(Digest, u64)> =
        truth.blobs.iter().map(|(digest, it)| (*digest, it.len() as u64)).collect();
    for command in 1..=80u128 {
        let stream = dice.below(4) as usize;
        let count = 1 + dice.below(3);
        let entries: Vec<Bytes> = (0..count)
            .map(|_| match dice.below(3) {
                0 => {
                    let (digest, bytes) = named[dice.below(4) as usize];
                    cover(digest, bytes, 5)
                }
                _ => titled(&"na".repeat(dice.below(400) as usize), 5),
            })
            .collect();
        let id = stream as u128 + 1;
        for (entry, seq) in entries.iter().zip(heads[stream] + 1..) {
            truth.entries.insert((id, seq), Some(entry.clone()));
            truth.records.insert((id, seq), command);
        }
        store.append(append(id, heads[stream], command, entries)).await.unwrap();
        heads[stream] += count;
        if command % 20 == 0 {
            store.redact(StreamId(id), heads[stream]).await.unwrap();
            truth.entries.insert((id, heads[stream]), None);
        }
    }
    truth
}

/// Asks for every entry by itself. Wrong answers, and the entries that were refused.
async fn ask(store: &EmbeddedStore, truth: &Truth) -> (u64, Vec<(u128, u64)>) {
    let (mut wrong, mut refused) = (0, Vec::new());
    for ((stream, seq), payload) in &truth.entries {
        match store.read(StreamId(*stream), seq - 1, 1).await {
            Ok(entries) => match entries.as_slice() {
                [entry] if entry.seq == *seq => wrong += u64::from(entry.payload != *payload),
                _ => refused.push((*stream, *seq)),
            },
            Err(ReadError::Corrupt { .. } | ReadError::Io(_)) => refused.push((*stream, *seq)),
            Err(ReadError::Unavailable(why)) => panic!("a journal is never away: {why}"),
        }
    }
    (wrong, refused)
}

async fn journal_or_index(root: &Path, pristine: &Path, place: &Path, truth: &Truth, tally: &mut Tally) {
    let is_index = place.starts_with(root.join("index"));
    let seen = verify::verify(root, Sample::Share(0.0));
    let verified = match &seen {
        Ok(report) => {
            !report.damage.is_empty()
                || report.journal.as_ref().is_some_and(|it| it.unfinished_redactions > 0)
                || report.index.as_ref().is_some_and(|it| *it != IndexState::Same)
        }
        Err(_) => true,
    };
    // Looking through sled writes to its files: the server shall meet the flip as it was.
    let flipped = fs::read(place).unwrap_or_default();
    fs::remove_dir_all(root.join("index")).unwrap();
    copy_folder(&pristine.join("index"), &root.join("index"));
    if is_index && !flipped.is_empty() {
        fs::write(place, flipped).unwrap();
    }
    let (mut refused_start, mut refused_read) = (false, false);
    match EmbeddedStore::open(options(root)) {
        Err(_) => refused_start = true,
        Ok(store) => {
            let (wrong, refused) = ask(&store, truth).await;
            tally.wrong += wrong;
            refused_read = !refused.is_empty();
            // A store that starts has lost one record at most. What an index cannot find lies unharmed in the journal.
            let mut records: Vec<_> = refused.iter().map(|entry| truth.records[entry]).collect();
            records.dedup();
            tally.unbounded += u64::from(!is_index && records.len() > 1);
        }
    }
    if let Some(first) = [verified, refused_start, refused_read].iter().position(|noticed| *noticed) {
        tally.noticed += 1;
        tally.by[first] += 1;
    } else if is_index {
        tally.dead += 1;
    } else {
        tally.missed.push(format!("{} was not noticed", place.display()));
    }
}

/// Whole, and three ranges: nothing wrong, ever. Whether anything was refused.
async fn read_ways(
    blobs: &Arc<Blobs>,
    digest: Digest,
    truth: &Bytes,
    dice: &mut Dice,
    wrong: &mut u64,
) -> bool {
    let length = truth.len() as u64;
    let mut refused = false;
    let mut ways = vec![(0, None)];
    ways.extend((0..3).map(|_| (dice.below(length), Some(1 + dice.below(length)))));
    for (offset, limit) in ways {
        let mut at = offset as usize;
        let read = async {
            let (_, mut chunks) = blobs.read(digest, offset, limit).await?;
            while let Some(chunk) = chunks.try_next().await? {
                *wrong += u64::from(truth.get(at..at + chunk.len()) != Some(&chunk[..]));
                at += chunk.len();
            }
            Ok::<_, BlobError>(())
        };
        match read.await {
            Ok(()) => {
                let end = limit.map_or(length, |limit| (offset + limit).min(length));
                *wrong += u64::from(at as u64 != end);
            }
            Err(BlobError::Corrupt(told)) => refused |= told == digest,
            Err(error) => panic!("{error}"),
        }
    }
    refused
}

async fn audio(root: &Path, hit: Option<Digest>, truth: &Truth, dice: &mut Dice, tally: &mut Tally) {
    let blobs = Blobs::open_with(root.to_owned(), 0).await.unwrap();
    for (digest, bytes) in &truth.blobs {
        let refused = read_ways(&blobs, *digest, bytes, dice, &mut tally.wrong).await;
        if hit == Some(*digest) {
            let told = blobs.damage().list().len() == 1;
            let seen = verify::verify(root, Sample::All).unwrap();
            let only = seen.damage.len() == 1 && seen.damage[0].what.contains(&digest.to_string()[2..]);
            if refused && told && only {
                tally.noticed += 1;
            } else {
                tally.missed.push(format!("{digest}: {refused} {told} {:?}", seen.damage));
            }
        } else {
            tally.unbounded += u64::from(refused);
        }
    }
    if hit.is_none() {
        // The checksums of a file: they are made again, and nobody hears of it.
        let sound = blobs.damage().list().is_empty();
        tally.noticed += u64::from(sound);
        if !sound {
            tally.missed.push("damaged checksums were taken for damaged audio".into());
        }
    }
}

fn copy_again(pristine: &Path, root: &Path) {
    fs::remove_dir_all(root).unwrap();
    copy_folder(pristine, root);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_is_noticed_and_never_given_out() {
    let flips = if is_long() { 10_000 } else { 300 };
    let (kept, at_work) = (folder(), folder());
    let (pristine, root) = (kept.path().join("studio"), at_work.path().join("studio"));
    let truth = write(&pristine).await;
    copy_folder(&pristine, &root);
    let report = verify::verify(&root, Sample::All).unwrap();
    assert!(report.damage.is_empty() && report.strangers.is_empty(), "{}", report.text());
    // Without a flip there is nothing to notice.
    assert_eq!(report.index, Some(IndexState::Same));
    assert_eq!(report.journal.unwrap().unfinished_redactions, 0);
    copy_again(&pristine, &root);
    let sums = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "sums");
    let areas: [Vec<PathBuf>; 4] = [
        files_below(&pristine.join("journal")),
        files_below(&pristine.join("index")),
        files_below(&pristine.join("blobs")),
        files_below(&pristine.join("derived")).into_iter().filter(sums).collect(),
    ];
    assert_eq!((areas[2].len(), areas[3].len()), (4, 2));
    let mut dice = Dice(seed());
    let mut tally = Tally::default();
    for number in 0..flips {
        let area = number as usize % 4;
        let files = &areas[area];
        let from = &files[dice.below(files.len() as u64) as usize];
        let place = root.join(from.strip_prefix(&pristine).unwrap());
        let length = fs::metadata(from).unwrap().len();
        if length == 0 {
            continue;
        }
        flip(&place, dice.below(length), dice.next());
        tally.flips += 1;
        match area {
            0 | 1 => journal_or_index(&root, &pristine, &place, &truth, &mut tally).await,
            2 => {
                let hit = truth.blobs.keys().copied().find(|digest| blob_file(&root, *digest) == place);
                audio(&root, hit, &truth, &mut dice, &mut tally).await;
            }
            _ => {
                audio(&root, None, &truth, &mut dice, &mut tally).await;
                assert_eq!(fs::read(&place).unwrap(), fs::read(from).unwrap(), "the sums are made again");
            }
        }
        copy_again(&pristine, &root);
    }
    let held = tally.noticed + tally.dead == tally.flips && tally.wrong + tally.unbounded == 0;
    let verdict = if held { "held" } else { "missed" };
    println!(
        "#gate G4 {verdict} {} flips, {} noticed (of those in journal and index {} by verify, {} by a refused start alone, {} by a refused answer alone), {} in bytes of the index that nobody reads, {} wrong answers, {} beyond one record or file",
        tally.flips,
        tally.noticed,
        tally.by[0],
        tally.by[1],
        tally.by[2],
        tally.dead,
        tally.wrong,
        tally.unbounded
    );
    assert!(held, "{tally:#?}");
}
