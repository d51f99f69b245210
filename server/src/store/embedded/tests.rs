//! The embedded store on a real folder: the conformance suite, open and reopened before every step, and what a folder may suffer.

use std::os::unix::fs::{FileExt, PermissionsExt};

use super::*;
use super::{rows::Rows as _, verify::IndexState};
use crate::store::{
    DeskChange,
    conformance::{Engine, append},
};

fn options(root: &Path) -> Options {
    Options { reserve_bytes: 0, segment_bytes: 64 << 10, ..Options::new(root) }
}

mod open {
    use super::*;

    struct Embedded(#[expect(dead_code, reason = "keeps the folder")] tempfile::TempDir, Arc<EmbeddedStore>);

    impl Engine for Embedded {
        fn fresh() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let store = EmbeddedStore::open(options(folder.path())).unwrap();
            Self(folder, Arc::new(store))
        }
        fn store(&mut self) -> Arc<dyn Store> {
            self.1.clone()
        }
    }

    crate::store::conformance::suite!(Embedded);
}

mod reopened {
    use super::*;

    struct Reopened(tempfile::TempDir, Option<Arc<EmbeddedStore>>, u64);

    impl Engine for Reopened {
        fn fresh() -> Self {
            Self(tempfile::tempdir().unwrap(), None, 0)
        }
        fn store(&mut self) -> Arc<dyn Store> {
            drop(self.1.take());
            // Now and then the index is lost between two steps as well.
            self.2 += 1;
            if self.2.is_multiple_of(3) {
                fs::remove_dir_all(self.0.path().join("index")).unwrap();
            }
            let store = Arc::new(EmbeddedStore::open(options(self.0.path())).unwrap());
            self.1 = Some(store.clone());
            store
        }
    }

    crate::store::conformance::suite!(Reopened);
}

/// A folder with five entries in three records, closed.
async fn small(folder: &Path) {
    let store = EmbeddedStore::open(options(folder)).unwrap();
    store.append(append(1, 0, 1, &["one", "two"])).await.unwrap();
    store.append(append(2, 0, 2, &["other"])).await.unwrap();
    store.append(append(1, 2, 3, &["three", "four"])).await.unwrap();
}

fn segment(folder: &Path, number: u32) -> File {
    let path = folder.join("journal").join(segment_name(number));
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

#[tokio::test]
async fn verify_counts_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path()).await;
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    store.redact(StreamId(1), 2).await.unwrap();
    drop(store);
    let report = verify(folder.path()).unwrap();
    assert_eq!((report.segments, report.records, report.entries, report.streams), (1, 4, 5, 2));
    assert_eq!((report.redactions, report.unfinished_redactions, report.torn_bytes), (1, 0, 0));
    assert_eq!(rebuild_index(folder.path()).unwrap(), 4);
    assert_eq!(verify(folder.path()).unwrap(), report);
}

#[tokio::test]
async fn redacted_bytes_are_gone_from_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    let mut secret = append(1, 0, 1, &["before", "ann@example.org"]);
    secret.claims = vec![Bytes::from_static(b"ann@example.org")];
    store.append(secret).await.unwrap();
    let contains = || {
        let bytes = fs::read(folder.path().join("journal").join(segment_name(1))).unwrap();
        bytes.windows(15).any(|window| window == b"ann@example.org")
    };
    assert!(contains());
    store.redact(StreamId(1), 2).await.unwrap();
    assert!(!contains());
}

#[tokio::test]
async fn a_redaction_cut_short_is_finished_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path()).await;
    let before = fs::read(folder.path().join("journal").join(segment_name(1))).unwrap();
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    store.redact(StreamId(1), 2).await.unwrap();
    drop(store);
    // As if the process had died between the record and the overwriting, half way through it.
    let at = before.windows(3).position(|window| window == b"two").unwrap() as u64;
    segment(folder.path(), 1).write_all_at(b"tw", at).unwrap();
    fs::remove_dir_all(folder.path().join("index")).unwrap();
    assert_eq!(verify(folder.path()).unwrap().unfinished_redactions, 1);
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    assert_eq!(store.read(StreamId(1), 1, 1).await.unwrap(), [Entry { seq: 2, payload: None }]);
    drop(store);
    assert_eq!(verify(folder.path()).unwrap().unfinished_redactions, 0);
}

#[tokio::test]
async fn a_second_process_on_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    let refused = EmbeddedStore::open(options(folder.path())).map(drop).unwrap_err();
    assert!(refused.to_string().contains("another deadwax-server holds"), "{refused}");
    assert!(matches!(verify(folder.path()), Err(OpenError::Locked(_))));
    drop(store);
    EmbeddedStore::open(options(folder.path())).unwrap();
}

#[tokio::test]
async fn nobody_else_may_read_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("studio");
    small(&root).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for folder in ["", "journal", "index"] {
        assert_eq!(mode(&root.join(folder)), 0o700, "{folder}");
    }
    assert_eq!(mode(&root.join("journal").join(segment_name(1))), 0o600);
    assert_eq!(mode(&root.join("lock")), 0o600);
}

#[tokio::test]
async fn a_torn_tail_is_cut_and_everything_before_it_stays() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path()).await;
    let file = segment(folder.path(), 1);
    let whole = file.metadata().unwrap().len();
    for garbage in
        [&b"x"[..], &[0; 5000], b"DWXr", b"DWXr\x00\x00\x00\x00\xff\xff\x00\x00\xff\xff\x00\x00and more"]
    {
        file.write_all_at(garbage, whole).unwrap();
        assert_eq!(verify(folder.path()).unwrap().torn_bytes, garbage.len() as u64);
        let store = EmbeddedStore::open(options(folder.path())).unwrap();
        assert_eq!(store.read(StreamId(1), 0, 9).await.unwrap().len(), 4);
        drop(store);
        assert_eq!(file.metadata().unwrap().len(), whole);
    }
}

/// An entry that holds a copy of a frame must not be taken for a record when its own record is torn.
#[tokio::test]
async fn an_entry_cannot_pass_for_a_record() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = EmbeddedStore::open(options(other.path())).unwrap();
    store.append(append(1, 0, 1, &[&"x".repeat(3000)])).await.unwrap();
    store.append(append(1, 1, 2, &["forged: all before me was synced"])).await.unwrap();
    drop(store);
    let foreign = fs::read(other.path().join("journal").join(segment_name(1))).unwrap();
    small(folder.path()).await;
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    let mut trap = append(3, 0, 9, &[]);
    trap.entries = vec![Bytes::from(foreign)];
    store.append(trap).await.unwrap();
    drop(store);
    fs::remove_dir_all(folder.path().join("index")).unwrap();
    let at = {
        let bytes = fs::read(folder.path().join("journal").join(segment_name(1))).unwrap();
        let magic = record::MAGIC.to_le_bytes();
        bytes.windows(4).enumerate().filter(|(_, window)| *window == magic).nth(3).unwrap().0 as u64
    };
    segment(folder.path(), 1).write_all_at(&[0xFF], at + 30).unwrap();
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    assert_eq!(store.heads().await.unwrap(), [(StreamId(1), 4), (StreamId(2), 1)]);
}

/// Every byte of the journal, one flipped bit at a time: never a wrong byte served, and never a silent loss.
#[tokio::test]
async fn every_flipped_bit_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path()).await;
    let path = folder.path().join("journal").join(segment_name(1));
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        fs::write(&path, &bad).unwrap();
        match verify(folder.path()) {
            Err(OpenError::Damaged { .. } | OpenError::Newer { .. }) => {}
            // The last group has no witness after it in the journal; the index is one (see below).
            Ok(report) => assert!(report.torn_bytes > 0 && report.entries == 3, "byte {at}: {report:?}"),
            Err(error) => panic!("byte {at}: {error}"),
        }
    }
    // The index saw the last record synced, so its loss is damage too, and the files stay as they are.
    let mut bad = good.clone();
    let last = bad.len() - 1;
    bad[last] ^= 1;
    fs::write(&path, &bad).unwrap();
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    let read = store.read(StreamId(1), 0, 9).await;
    assert!(matches!(read, Err(ReadError::Corrupt { .. })));
    assert_eq!(store.read(StreamId(2), 0, 9).await.unwrap().len(), 1);
    drop(store);
    fs::write(&path, &good[..good.len() - 1]).unwrap();
    let refused = EmbeddedStore::open(options(folder.path())).map(drop);
    assert!(matches!(refused, Err(OpenError::Short { .. })));
}

#[tokio::test]
async fn damage_in_the_middle_stops_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path()).await;
    fs::remove_dir_all(folder.path().join("index")).unwrap();
    segment(folder.path(), 1).write_all_at(b"\xff", journal::HEADER_BYTES + 20).unwrap();
    let refused = EmbeddedStore::open(options(folder.path())).map(drop).unwrap_err().to_string();
    assert!(refused.contains("00000001.journal at byte 92"), "{refused}");
}

/// Whoever knows the journal's id can write a record with a right checksum; what follows it tells that it was another.
#[tokio::test]
async fn a_record_that_was_written_anew_breaks_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path()).await;
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    store.append(append(2, 1, 4, &["last"])).await.unwrap();
    let journal = Journal::open(Drive::real(), &folder.path().join("journal")).unwrap();
    let first = journal.record(journal.start()).unwrap().unwrap();
    let second = journal.record(first.next).unwrap().unwrap();
    drop(store);
    let entry = b"OTHER";
    let area = [&[9; record::SALT_BYTES][..], entry].concat();
    let mut head = second.head.clone();
    let What::Append { payloads, .. } = &mut head.what else { panic!("no append") };
    assert_eq!(payloads[0].bytes as usize, entry.len());
    payloads[0] = record::PayloadMark::of(&[9; record::SALT_BYTES], entry);
    let (frame, _) = head.frame(&journal.id, &area);
    assert_eq!(frame.len() as u64, second.next.at.offset - second.at.offset);
    segment(folder.path(), 1).write_all_at(&frame, second.at.offset).unwrap();
    fs::remove_dir_all(folder.path().join("index")).unwrap();
    let refused = EmbeddedStore::open(options(folder.path())).map(drop);
    let refused = refused.expect_err("a record that was written anew was taken for the old one").to_string();
    assert!(refused.contains("(record 2)"), "{refused}");
}

#[tokio::test]
async fn a_missing_or_swapped_segment_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(Options { segment_bytes: 1, ..options(folder.path()) }).unwrap();
    for step in 0..4 {
        store.append(append(1, step, 1 + u128::from(step), &["x"])).await.unwrap();
    }
    drop(store);
    assert_eq!(verify(folder.path()).unwrap().segments, 4);
    let path = |number| folder.path().join("journal").join(segment_name(number));
    fs::rename(path(2), folder.path().join("away")).unwrap();
    let refused = verify(folder.path()).unwrap_err().to_string();
    assert!(refused.contains("00000002.journal is missing"), "{refused}");
    fs::rename(path(3), path(2)).unwrap();
    fs::rename(folder.path().join("away"), path(3)).unwrap();
    assert!(matches!(verify(folder.path()), Err(OpenError::Damaged { .. })));
}

#[tokio::test]
async fn a_broken_index_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path()).await;
    let index = folder.path().join("index");
    let breakages: [&dyn Fn(); 4] = [
        &|| fs::remove_dir_all(&index).unwrap(),
        &|| fs::write(index.join("sled/db"), vec![0xA5; 200_000]).unwrap(),
        &|| fs::write(index.join("sled/conf"), "nonsense").unwrap(),
        &|| fs::write(index.join("trust"), "another boot").unwrap(),
    ];
    for (number, breakage) in breakages.iter().enumerate() {
        breakage();
        let store = EmbeddedStore::open(options(folder.path())).unwrap();
        assert_eq!(store.read(StreamId(1), 0, 9).await.unwrap().len(), 4, "breakage {number}");
        assert!(store.append(append(1, 2, 3, &["three", "four"])).await.unwrap().repeated);
        drop(store);
    }
}

#[tokio::test]
async fn an_index_of_another_journal_is_not_believed() {
    let (ours, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    small(ours.path()).await;
    let store = EmbeddedStore::open(options(other.path())).unwrap();
    store.append(append(7, 0, 70, &["foreign"])).await.unwrap();
    drop(store);
    fs::remove_dir_all(ours.path().join("index")).unwrap();
    fs::rename(other.path().join("index"), ours.path().join("index")).unwrap();
    let store = EmbeddedStore::open(options(ours.path())).unwrap();
    assert_eq!(store.heads().await.unwrap(), [(StreamId(1), 4), (StreamId(2), 1)]);
    assert_eq!(store.command(70).await.unwrap(), None);
}

#[tokio::test]
async fn a_nearly_full_disk_refuses_appends_but_not_reads_or_redactions() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path()).await;
    let store =
        EmbeddedStore::open(Options { reserve_bytes: u64::MAX / 2, ..options(folder.path()) }).unwrap();
    let refused = store.append(append(1, 4, 9, &["x"])).await;
    assert!(matches!(refused, Err(AppendError::DiskNearlyFull { .. })));
    assert_eq!(store.read_only(), None);
    assert_eq!(store.read(StreamId(1), 0, 9).await.unwrap().len(), 4);
    store.redact(StreamId(1), 1).await.unwrap();
}

#[tokio::test]
async fn values_stay_out_of_sleds_blob_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    for step in 0..40u64 {
        let mut large = append(1, step, u128::from(step) + 1, &[&"x".repeat(200_000)]);
        let row = Some(Bytes::from(vec![7; crate::store::MAX_ROW_BYTES]));
        large.desk = vec![crate::store::DeskChange { owner: 1, key: Bytes::from(format!("{step}")), row }];
        store.append(large).await.unwrap();
    }
    drop(store);
    let blobs = folder.path().join("index/sled/blobs");
    assert_eq!(fs::read_dir(blobs).map(Iterator::count).unwrap_or(0), 0);
}

#[tokio::test]
async fn an_index_whose_rows_are_ahead_of_what_it_says_is_behind_and_not_broken() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(options(folder.path())).unwrap();
    for number in 0..6_u64 {
        let mut asked = append(7, number, u128::from(number) + 1, &["x"]);
        let row = (number != 4).then(|| Bytes::from(format!("row {number}")));
        asked.desk.push(DeskChange { owner: 3, key: Bytes::from("k"), row });
        store.append(asked).await.unwrap();
    }
    drop(store);
    let state = || verify::survey(folder.path(), &mut |_| ()).unwrap().1;
    assert_eq!(state(), IndexState::Same);
    let mut found = Vec::new();
    let journal = Journal::open(Drive::real(), &folder.path().join("journal")).unwrap();
    let start = Position { segment: 0, offset: 0 };
    let each = &mut |record| {
        found.push(record);
        Ok(())
    };
    journal.scan(journal.start(), start, each).unwrap();
    let rows = || SledRows::open(&folder.path().join("index")).unwrap();
    // As a death between two rows leaves it: it says two records, and of the later ones some rows are there.
    let first = |kind: &[u8]| rows().range(kind, kind, 1).unwrap();
    let (head, desk) = (first(b"h"), first(b"d"));
    Index::new(Box::new(rows())).apply(journal.id, found[..2].iter()).unwrap();
    assert_eq!(state(), IndexState::Behind(4));
    let put = |row: &rows::Row, word: Option<Vec<u8>>| rows().apply(vec![(row.0.clone(), word)]).unwrap();
    put(&head[0], Some(head[0].1.clone()));
    assert_eq!(state(), IndexState::Behind(4), "the head of the last record");
    put(&desk[0], Some(desk[0].1.clone()));
    assert_eq!(state(), IndexState::Behind(4), "the desk of the last record");
    put(&desk[0], None);
    assert_eq!(state(), IndexState::Behind(4), "the fifth took the row away");
    for wrong in [b"row 0".to_vec(), b"row 7".to_vec()] {
        put(&desk[0], Some(wrong));
        assert!(matches!(state(), IndexState::Broken(_)), "what no record says, or one that is past");
    }
    put(&desk[0], Some(desk[0].1.clone()));
    for wrong in [Some(1_u64), Some(7), None] {
        put(&head[0], wrong.map(|head| head.to_le_bytes().to_vec()));
        assert!(matches!(state(), IndexState::Broken(_)), "a head of {wrong:?}");
    }
}
