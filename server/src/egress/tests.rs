//! The book over a file in memory that fails, forgets and is damaged.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, AtomicI64, Ordering},
    time::Instant,
};

use deadwax_domain::PersonId;
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::{page::PAGE_BYTES, *};
use crate::auth::Person;

#[derive(Default)]
struct Memory {
    bytes: Mutex<Vec<u8>>,
    no_write: AtomicBool,
    no_sync: AtomicBool,
}

impl Paper for Memory {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut kept = self.bytes.lock().unwrap();
        let part = if self.no_write.load(Ordering::SeqCst) { bytes.len() / 2 } else { bytes.len() };
        kept.truncate(offset as usize);
        kept.extend_from_slice(&bytes[..part]);
        if part < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let kept = self.bytes.lock().unwrap();
        let rest = kept.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.no_sync.load(Ordering::SeqCst) { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().truncate(bytes as usize);
        Ok(())
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().unwrap().len() as u64)
    }
}

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

fn open(paper: &Arc<Memory>) -> Result<Arc<EgressBook>, BookError> {
    EgressBook::on(paper.clone(), Arc::new(Hand(AtomicI64::new(1_795_000_000_000))))
}

fn caller(person: u128) -> Caller {
    let person = Person {
        id: PersonId(person),
        name: "Ana".into(),
        email: "ana@example.org".into(),
        studio_owner: false,
    };
    let address = Some(IpAddr::from([192, 0, 2, 7]));
    Caller { person, session_id: 4, address, ended: CancellationToken::new() }
}

fn gift(digest: u8) -> Gift {
    Gift {
        way: Way::Download,
        project: ProjectId(1),
        object: 2,
        work: 3,
        digest: Digest([digest; 32]),
        offset: 0,
        file_bytes: 1000,
    }
}

async fn give(book: &EgressBook, person: u128, digest: u8, bytes: usize) {
    let mut giving = book.begin(&caller(person), gift(digest)).await.unwrap();
    giving.sent(bytes);
}

/// Person and bytes, the newest first; `None`: not ended.
async fn told(book: &EgressBook, of: Of) -> Vec<(u128, Option<u64>)> {
    book.flush().await;
    let (all, next) = book.received(of, u64::MAX, (1000, 1000), |_| true).await.unwrap();
    assert_eq!(next, 0);
    all.iter().map(|it| (it.begun.person.0, it.ended.map(|ended| ended.sent))).collect()
}

#[tokio::test]
async fn who_received_which_bytes_is_told_also_after_a_restart() {
    let paper = Arc::<Memory>::default();
    let book = open(&paper).unwrap();
    give(&book, 1, 7, 10).await;
    give(&book, 2, 7, 20).await;
    give(&book, 1, 8, 30).await;
    let open_end = book.begin(&caller(3), gift(7)).await.unwrap();
    let expected = [(3, None), (2, Some(20)), (1, Some(10))];
    assert_eq!(told(&book, Of::Digest(Digest([7; 32]))).await, expected);
    std::mem::forget(open_end);
    let again = open(&paper).unwrap();
    assert_eq!(told(&again, Of::Digest(Digest([7; 32]))).await, expected);
    assert_eq!(told(&again, Of::Person(PersonId(1))).await, [(1, Some(30)), (1, Some(10))]);
    assert_eq!(told(&again, Of::Digest(Digest([9; 32]))).await, []);
    give(&again, 4, 9, 1).await;
    assert_eq!(told(&again, Of::Digest(Digest([9; 32]))).await, [(4, Some(1))]);
    assert_eq!(again.count(), 5);
}

#[tokio::test]
async fn an_answer_that_is_broken_off_tells_what_went_and_no_more() {
    let book = open(&Arc::default()).unwrap();
    let giving = book.begin(&caller(1), gift(7)).await.unwrap();
    let chunk = |n: usize| deadwax_proto::v1::DownloadChunk { total_bytes: 0, data: vec![0; n].into() };
    let chunks = futures::stream::iter([Ok(chunk(100)), Ok(chunk(10)), Ok(chunk(1))]);
    let mut answer = counted(giving, Box::pin(chunks));
    assert_eq!(answer.next().await.unwrap().unwrap().data.len(), 100);
    assert_eq!(told(&book, Of::All).await, [(1, None)]);
    assert_eq!(answer.next().await.unwrap().unwrap().data.len(), 10);
    drop(answer);
    assert_eq!(told(&book, Of::All).await, [(1, Some(110))]);
}

#[tokio::test]
async fn where_it_cannot_be_written_nothing_begins_and_what_began_is_ended_later() {
    let paper = Arc::<Memory>::default();
    let book = open(&paper).unwrap();
    let mut giving = book.begin(&caller(1), gift(7)).await.unwrap();
    giving.sent(5);
    paper.no_write.store(true, Ordering::SeqCst);
    assert!(book.begin(&caller(2), gift(7)).await.is_err());
    drop(giving);
    assert!(book.begin(&caller(2), gift(7)).await.is_err());
    assert_eq!(told(&book, Of::All).await, [(1, None)]);
    paper.no_write.store(false, Ordering::SeqCst);
    // Room came back: without a restart, and with the end that was owed.
    give(&book, 3, 7, 9).await;
    assert_eq!(told(&book, Of::All).await, [(3, Some(9)), (1, Some(5))]);
    assert_eq!(told(&open(&paper).unwrap(), Of::All).await, [(3, Some(9)), (1, Some(5))]);
}

#[tokio::test]
async fn after_a_failed_sync_nothing_begins_until_a_restart() {
    let paper = Arc::<Memory>::default();
    let book = open(&paper).unwrap();
    paper.no_sync.store(true, Ordering::SeqCst);
    assert!(book.begin(&caller(1), gift(7)).await.is_err());
    paper.no_sync.store(false, Ordering::SeqCst);
    assert!(book.begin(&caller(1), gift(7)).await.is_err());
    give(&open(&paper).unwrap(), 1, 7, 1).await;
}

#[tokio::test]
async fn every_flipped_byte_is_found_and_a_torn_end_is_cut() {
    let paper = Arc::<Memory>::default();
    let book = open(&paper).unwrap();
    for person in 1..=4 {
        give(&book, person, 7, 1).await;
    }
    book.flush().await;
    let whole = paper.bytes.lock().unwrap().clone();
    assert_eq!(whole.len(), 9 * PAGE_BYTES);
    let with = |bytes: Vec<u8>| {
        let paper = Arc::<Memory>::default();
        *paper.bytes.lock().unwrap() = bytes;
        paper
    };
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x40;
        let page = (at / PAGE_BYTES) as u32;
        // Of a flip within the link, the next page is the first that does not follow.
        match open(&with(flipped)) {
            Err(BookError::Damaged { page: named, .. }) => assert_eq!(named, page, "byte {at}"),
            Ok(_) => assert!(page >= 7, "byte {at} was not found"),
            Err(other) => panic!("byte {at}: {other}"),
        }
    }
    for length in 0..whole.len() {
        let cut = open(&with(whole[..length].to_vec())).unwrap();
        let begun = (length / PAGE_BYTES).saturating_sub(1).div_ceil(2);
        assert_eq!(cut.count() as usize, begun, "{length} bytes");
    }
}

#[tokio::test]
async fn damage_after_the_start_is_told_and_not_read() {
    let paper = Arc::<Memory>::default();
    let book = open(&paper).unwrap();
    give(&book, 1, 7, 1).await;
    book.flush().await;
    paper.bytes.lock().unwrap()[PAGE_BYTES + 40] ^= 1;
    let told = book.received(Of::All, u64::MAX, (9, 9), |_| true).await;
    assert!(matches!(told, Err(BookError::Damaged { page: 1, .. })), "{told:?}");
}

/// A million times bytes were given: the start and the question. Told, not judged: how fast a machine is decides nothing here but the order of growth.
#[tokio::test]
#[ignore = "a million pages take their time; the gate runs it in its full form"]
async fn a_million_receptions() {
    let times: u64 =
        if std::env::var("DEADWAX_TEST_TRUST").is_ok_and(|it| it == "full") { 1_000_000 } else { 50_000 };
    let folder = tempfile::tempdir().unwrap();
    let file = paper::open(folder.path(), FILE).unwrap();
    let mut end = begin(&file).unwrap();
    let mut bytes = Vec::new();
    for number in 1..=times {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&(number % 10_000).to_be_bytes());
        let person = PersonId(u128::from(number % 200));
        let begun = Begun { number, person, digest: Digest(digest), ..page::tests::begun(number) };
        for page in [Page::Begun(begun), Page::Ended(Ended { number, at_ms: 0, sent: 5 })] {
            let (page, link) = page.write(&end.link);
            bytes.extend_from_slice(&page);
            end.link = link;
        }
    }
    file.write_at(end.offset(), &bytes).unwrap();
    drop(bytes);
    let clock = Arc::new(Hand(AtomicI64::new(0)));
    let began = Instant::now();
    let book = EgressBook::open(folder.path(), clock).await.unwrap();
    let start = began.elapsed();
    let mut asked = [0; 32];
    asked[..8].copy_from_slice(&77_u64.to_be_bytes());
    let began = Instant::now();
    let (told, _) =
        book.received(Of::Digest(Digest(asked)), u64::MAX, (16_384, 1000), |_| true).await.unwrap();
    let answer = began.elapsed();
    assert_eq!((book.count(), told.len() as u64), (times, times / 10_000));
    let held = answer.as_millis() <= 100;
    let word = if held { "held" } else { "missed" };
    println!(
        "#gate G14 {word} who received a digest, of {times}: {:.1} ms, after a start of {:.0} ms",
        answer.as_secs_f64() * 1000.0,
        start.as_secs_f64() * 1000.0
    );
}
