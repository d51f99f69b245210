//! An approval on its way: which bytes are signed, and what stops it. The studio here does wrong what a test tells it to.

use std::sync::Mutex;

use deadwax_client::{
    cache::audio::{AudioCache, Key},
    net::Client,
    profile::{Home, Profile},
    receipt::{
        Trouble,
        approve::{Desk, Signed, Step, What, Wish, approve},
        chain,
        keys::{self, Found, Signer},
        sign,
        verify::statement::read,
    },
};
use deadwax_proto::v1::{self, Role, action::Action, row::Row};

use super::{
    net_fake::{Fake, records::Book},
    set::{ANA, MAIN, PROJECT, RECORD, SONG, TRACK, VERSION, sha},
};

const OTHER: &[u8] = b"the main of the mastes";

struct Room {
    fake: Fake,
    desk: Desk,
    folder: tempfile::TempDir,
}

fn row(row: Row) -> v1::Row {
    v1::Row { key: String::new(), row: Some(row) }
}

fn file(alternate: &str, bytes: &[u8]) -> v1::VersionFile {
    let facts = v1::AudioFacts { bytes: bytes.len() as u64, ..v1::AudioFacts::default() };
    v1::VersionFile {
        alternate: alternate.into(),
        sha256: sha(bytes),
        facts: Some(facts),
        may_fetch: true,
        ..v1::VersionFile::default()
    }
}

pub fn of_version() -> String {
    sha(format!("deadwax-fingerprint-1\ninstrumental {}\nmain {}\n", sha(TRACK), sha(MAIN)))
}

pub fn of_record() -> String {
    sha(format!("/report.json {}\nhi-res/01.wav {}\n", sha(MAIN), sha(TRACK)))
}

pub fn rows() -> Vec<v1::Row> {
    let project = v1::ProjectRow {
        project_id: PROJECT.into(),
        title: "Night Drive EP".into(),
        your_roles: vec![Role::Label as i32],
        spacing: Some(v1::Spacing {
            number: 3,
            items: vec![v1::SpacingItem { song_id: SONG.into(), gap_ms: 2000, ..v1::SpacingItem::default() }],
            ..v1::Spacing::default()
        }),
        ..v1::ProjectRow::default()
    };
    let song = v1::SongRow {
        song_id: SONG.into(),
        title: "Night Drive".into(),
        position: 1,
        stage: v1::Stage::Mastering as i32,
        candidate_version_id: VERSION.into(),
        ..v1::SongRow::default()
    };
    let version = v1::VersionRow {
        version_id: VERSION.into(),
        song_id: SONG.into(),
        kind: v1::VersionKind::Master as i32,
        number: 2,
        name: "Master 2".into(),
        fingerprint: of_version(),
        files: vec![file("main", MAIN), file("instrumental", TRACK)],
        ..v1::VersionRow::default()
    };
    let of_record_file = |folder: &str, name: &str, bytes: &[u8]| v1::RecordFile {
        folder: folder.into(),
        name: name.into(),
        sha256: sha(bytes),
        bytes: bytes.len() as u64,
        ..v1::RecordFile::default()
    };
    let record = v1::RecordRow {
        record_id: RECORD.into(),
        number: 2,
        fingerprint: of_record(),
        files: vec![of_record_file("hi-res", "01.wav", TRACK), of_record_file("", "report.json", MAIN)],
        ..v1::RecordRow::default()
    };
    let member = v1::MemberRow {
        person_id: ANA.into(),
        name: "Ana".into(),
        roles: vec![Role::Label as i32],
        ..v1::MemberRow::default()
    };
    [Row::Project(project), Row::Song(song), Row::Version(version), Row::Record(record), Row::Member(member)]
        .into_iter()
        .map(row)
        .collect()
}

fn ready(found: Found) -> Signer {
    match found {
        Found::Ready(signer) => *signer,
        Found::Locked(_) => panic!("it is locked"),
    }
}

impl Room {
    async fn open() -> Room {
        let fake = Fake::default();
        let address = fake.serve(None).await;
        fake.seen().rows = rows();
        fake.seen().book = Some(Book::new(PROJECT, ANA));
        for bytes in [MAIN, TRACK] {
            fake.seen().files.insert(sha(bytes), bytes.to_vec());
        }
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        let profile = Profile {
            name: "ana".into(),
            url: format!("deadwax+http://{address}"),
            token: Some("tok-1".into()),
            person_id: ANA.into(),
            ..Profile::default()
        };
        keys::make(&home, "ana", None, false).unwrap();
        let signer = ready(keys::read(&home.key_path("ana").unwrap(), "made here").unwrap());
        let client = Client::connect(&profile).await.unwrap();
        let cache = AudioCache::open(&folder.path().join("audio"), 0).unwrap();
        Room { fake, desk: Desk { client, home, profile, cache, signer, voucher: None }, folder }
    }

    fn version() -> What {
        What::Version { version_id: VERSION.into(), fingerprint: of_version() }
    }

    async fn sign(&self, what: What) -> Result<Signed, Trouble> {
        let wish = Wish {
            project_id: PROJECT.into(),
            what,
            role: Role::Label,
            approval_id: deadwax_client::net::new_id(),
        };
        approve(&self.desk, &wish, &|_| {}).await
    }

    async fn refused(&self, what: What) -> String {
        let before = self.receipts();
        let error = self.sign(what).await.unwrap_err();
        assert_eq!(self.receipts(), before, "nothing may be signed");
        assert!(!error.hint().is_empty(), "{error}");
        error.reason().to_owned()
    }

    fn receipts(&self) -> usize {
        self.fake.seen().book.as_ref().unwrap().receipts.len()
    }

    fn book(&self, change: impl FnOnce(&mut Book)) {
        change(self.fake.seen().book.as_mut().unwrap());
    }

    fn change(&self, change: impl Fn(&mut Row)) {
        self.fake.seen().rows.iter_mut().filter_map(|it| it.row.as_mut()).for_each(change);
    }
}

#[tokio::test]
async fn what_was_fetched_is_signed_and_the_key_makes_itself_known_once() {
    let room = Room::open().await;
    let steps = Mutex::new(Vec::new());
    let wish = Wish {
        project_id: PROJECT.into(),
        what: Room::version(),
        role: Role::Label,
        approval_id: deadwax_client::net::new_id(),
    };
    let signed = approve(&room.desk, &wish, &|step| steps.lock().unwrap().push(step)).await.unwrap();
    assert!((signed.enrolled, signed.unlisted) == (true, false));
    let statement = read(&signed.statement).unwrap();
    assert_eq!(
        (statement.sequence, statement.role.as_str(), statement.name.as_str()),
        (1, "label", "Master 2")
    );
    assert_eq!(statement.approval, wish.approval_id);
    assert_eq!(
        statement.files.iter().map(|it| it.sha256.clone()).collect::<Vec<_>>(),
        [sha(TRACK), sha(MAIN)]
    );
    let by = sign::verify("statement@deadwax", &signed.statement, &signed.signature).unwrap();
    assert_eq!(
        (by.fingerprint.as_str(), statement.key.as_str()),
        (room.desk.signer.fingerprint(), room.desk.signer.fingerprint())
    );
    let enrolled = room.fake.seen().book.as_ref().unwrap().enrolled.clone();
    assert_eq!(enrolled.len(), 1);
    assert_eq!(sign::verify("key@deadwax", &enrolled[0].public_key, &enrolled[0].proof).unwrap(), by);
    assert_eq!(enrolled[0].vouch, "");
    let steps = steps.into_inner().unwrap();
    assert!(matches!(steps.last(), Some(Step::Signing)), "{steps:?}");
    assert!(
        steps.contains(&Step::Fetching { name: "instrumental".into(), done: 44, total: 44 }),
        "{steps:?}"
    );

    // The next one names it, and fetches nothing twice.
    let fetched = room.fake.seen().stretches.len();
    let next = room.sign(What::Record { record_id: RECORD.into(), fingerprint: of_record() }).await.unwrap();
    assert_eq!(room.fake.seen().stretches.len(), fetched, "the same bytes were here already");
    let next = read(&next.statement).unwrap();
    assert_eq!((next.previous, next.sequence), (statement.digest, 2));
    let spacing = room.sign(What::Spacing { number: 3 }).await.unwrap();
    assert_eq!(read(&spacing.statement).unwrap().object_id, PROJECT);
    assert_eq!(room.fake.seen().book.as_ref().unwrap().enrolled.len(), 1);
}

#[tokio::test]
async fn other_bytes_than_are_listed_are_never_signed() {
    let room = Room::open().await;
    for wrong in [OTHER.to_vec(), MAIN[..10].to_vec(), [MAIN, b"more"].concat(), Vec::new()] {
        room.fake.seen().files.insert(sha(MAIN), wrong.clone());
        assert_eq!(room.refused(Room::version()).await, "BYTES_DIFFER", "{wrong:?}");
        let record = What::Record { record_id: RECORD.into(), fingerprint: of_record() };
        assert_eq!(room.refused(record).await, "BYTES_DIFFER", "{wrong:?}");
    }
    // Another size in the list than the file has.
    room.fake.seen().files.insert(sha(MAIN), MAIN.to_vec());
    room.change(|row| {
        if let Row::Version(version) = row {
            version.files[0].facts.as_mut().unwrap().bytes = 5;
        }
    });
    assert_eq!(room.refused(Room::version()).await, "BYTES_DIFFER");
    // Once it is mended nothing of before stands in the way.
    room.fake.seen().rows = rows();
    room.sign(Room::version()).await.unwrap();
}

#[tokio::test]
async fn what_lies_in_the_cache_is_read_again_and_a_bad_disk_is_not_the_studios_fault() {
    let room = Room::open().await;
    let key = Key::new(&sha(MAIN), false).unwrap();
    {
        let entry = room.desk.cache.entry(&key).unwrap();
        entry.set_total(MAIN.len() as u64);
        entry.put(0, MAIN);
        entry.flush().unwrap();
        assert_eq!(entry.check().unwrap(), deadwax_client::cache::audio::Check::Right);
    }
    // The disk turns a bit after it was found right.
    std::fs::write(room.folder.path().join(format!("audio/{}.audio", sha(MAIN))), OTHER).unwrap();
    let signed = room.sign(Room::version()).await.unwrap();
    assert!(signed.statement.contains(&sha(MAIN)));
    let asked = room.fake.seen().stretches.iter().filter(|it| it.1 == sha(MAIN)).count();
    assert_eq!(asked, 1, "it came anew");
}

#[tokio::test]
async fn a_line_that_breaks_goes_on_where_it_was() {
    let room = Room::open().await;
    room.fake.seen().cuts.extend([5, 3]);
    room.sign(Room::version()).await.unwrap();
    let offsets: Vec<u64> =
        room.fake.seen().stretches.iter().filter(|it| it.1 == sha(MAIN)).map(|it| it.2).collect();
    assert_eq!(offsets, [0, 5, 8]);
}

#[tokio::test]
async fn lists_that_do_not_fit_together_are_not_signed() {
    let room = Room::open().await;
    let seen = What::Version { version_id: VERSION.into(), fingerprint: "cd".repeat(32) };
    assert_eq!(room.refused(seen.clone()).await, "FINGERPRINT_DIFFERS", "other files than the person saw");
    room.change(|row| {
        if let Row::Version(version) = row {
            version.fingerprint = "cd".repeat(32);
        }
    });
    assert_eq!(room.refused(seen).await, "FINGERPRINT_DIFFERS", "another fingerprint than the files have");
    assert_eq!(room.refused(What::Spacing { number: 2 }).await, "FINGERPRINT_DIFFERS");
    room.fake.seen().rows = rows();
    room.change(|row| {
        if let Row::Version(version) = row {
            version.files[1].may_fetch = false;
        }
    });
    assert_eq!(room.refused(Room::version()).await, "ORIGINALS_CLOSED");
}

#[tokio::test]
async fn one_statement_in_between_is_waited_out_and_two_are_not() {
    let room = Room::open().await;
    room.book(|book| book.stale = 1);
    let signed = room.sign(Room::version()).await.unwrap();
    let statement = read(&signed.statement).unwrap();
    assert_eq!((statement.sequence, statement.previous), (2, sha("another 0")));
    let asked: Vec<v1::Receipt> = room
        .fake
        .seen()
        .actions
        .iter()
        .filter_map(|it| if let Action::Approve(it) = it { it.receipt.clone() } else { None })
        .collect();
    let files = |it: &v1::Receipt| read(&it.statement).unwrap().files;
    assert_eq!(asked.len(), 2);
    assert_eq!(files(&asked[0]), files(&asked[1]), "the bytes are the same");
    room.book(|book| book.stale = 2);
    assert_eq!(room.sign(Room::version()).await.unwrap_err().reason(), "STATEMENT_STALE");
}

#[tokio::test]
async fn a_record_that_was_rewritten_is_refused_loudly() {
    let room = Room::open().await;
    room.sign(Room::version()).await.unwrap();
    let whole = room.fake.seen().book.as_ref().unwrap().lines.clone();
    let wrongs: [fn(&mut Book); 3] = [
        |book| book.lines[1] = book.lines[1].replace('a', "b"),
        |book| drop(book.lines.pop()),
        |book| drop(book.lines.remove(0)),
    ];
    for wrong in wrongs {
        room.book(wrong);
        let error = room.sign(Room::version()).await.unwrap_err();
        assert_eq!(error.reason(), "RECORD_REWRITTEN");
        assert!(
            error.to_string().contains("the studio's record was rewritten")
                || error.to_string().contains("The studio's record was rewritten")
        );
        room.book(|book| book.lines.clone_from(&whole));
    }
    // Another key of the studio, too; and no list at all after one was seen.
    let studio = room.fake.seen().book.as_ref().unwrap().studio.clone();
    room.book(|book| book.studio = super::set::key(8));
    assert_eq!(room.refused(Room::version()).await, "RECORD_REWRITTEN");
    room.book(|book| book.studio = studio);
    room.book(|book| book.no_chain = true);
    assert!(room.sign(Room::version()).await.is_err());
    room.book(|book| book.no_chain = false);
    room.book(|book| book.happens(None));
    room.sign(Room::version()).await.unwrap();
    let chain = chain::follow(&room.desk.client, &room.desk.home, PROJECT).await.unwrap().unwrap();
    assert_eq!((chain.statements().count(), chain.first), (2, false));
}

#[tokio::test]
async fn a_studio_that_forgets_what_was_signed_is_found_out() {
    let room = Room::open().await;
    room.book(|book| book.forgets = true);
    assert_eq!(room.sign(Room::version()).await.unwrap_err().reason(), "RECEIPT_MISSING");
}

#[tokio::test]
async fn a_further_key_is_vouched_for_by_an_older_one() {
    let mut room = Room::open().await;
    room.sign(Room::version()).await.unwrap();
    let old = room.desk.signer.line().to_owned();
    keys::make(&room.desk.home, "ana", None, true).unwrap();
    room.desk.signer = ready(keys::read(&room.desk.home.key_path("ana").unwrap(), "made here").unwrap());
    let signed = room.sign(Room::version()).await.unwrap();
    assert!(signed.enrolled);
    let enrolled = room.fake.seen().book.as_ref().unwrap().enrolled[1].clone();
    let vouch = sign::verify("key@deadwax", &enrolled.public_key, &enrolled.vouch).unwrap();
    assert_eq!(vouch.line, old);
    assert_ne!(enrolled.public_key, old);

    // Nobody vouches: the key of another home.
    let other = tempfile::tempdir().unwrap();
    room.desk.home = Home::at(other.path());
    keys::make(&room.desk.home, "ana", None, false).unwrap();
    room.desk.signer = ready(keys::read(&room.desk.home.key_path("ana").unwrap(), "made here").unwrap());
    assert_eq!(room.refused(Room::version()).await, "KEY_NOT_VOUCHED");
    // One that was revoked signs nothing.
    let own = room.desk.signer.fingerprint().to_owned();
    room.book(|book| {
        book.keys.push(v1::KeyView { fingerprint: own, revoked_ms: 1, ..v1::KeyView::default() });
    });
    assert_eq!(room.refused(Room::version()).await, "KEY_REVOKED");
}
