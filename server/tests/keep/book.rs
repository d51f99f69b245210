//! The egress book is kept like the rest: a backup holds it, a restore brings it back, `verify` and the running server find a changed byte and name page and
//! line, and the operator asks it.

use std::{fs, path::Path, sync::Arc};

use deadwax_domain::{Digest, PersonId, ProjectId};
use deadwax_server::{
    auth::{Caller, Person},
    disk::Drive,
    egress::{self, EgressBook, Gift, Transit, Way},
    keep::{
        backup,
        restore::{self, At},
    },
    studio::SystemClock,
};
use tokio_util::sync::CancellationToken;

use crate::{
    checked::{json, run, studio},
    copy_folder, flip, folder,
};

const PAGE: u64 = 224;

/// So many more times that somebody was given bytes.
async fn give(root: &Path, times: u8) {
    let book = EgressBook::open(&Drive::real(), &root.join("egress"), Arc::new(SystemClock)).await.unwrap();
    let (name, email) = (String::from("Ann"), String::from("ann@example.org"));
    let person = Person { id: PersonId(7), name, email, studio_owner: false };
    for number in 0..times {
        let (way, project, digest) = (Way::Download, ProjectId(1), Digest([number; 32]));
        let gift = Gift { way, project, object: 2, work: 3, digest, offset: 0, file_bytes: 1000 };
        let (ended, transit) = (CancellationToken::new(), Transit::default());
        let caller = Caller { person: person.clone(), session_id: 8, address: None, ended, transit };
        book.begin(&caller, gift).await.unwrap().sent(1000);
        book.flush().await;
    }
}

#[tokio::test]
async fn a_backup_holds_the_book_and_a_restore_brings_it_back() {
    let home = folder();
    let (root, dest, to) =
        (home.path().join("studio"), home.path().join("backup"), home.path().join("restored"));
    studio(&root);
    give(&root, 3).await;
    let first = backup::backup(&root, &dest).unwrap();
    assert_eq!((first.receptions, first.page.book_pages, first.missing.len()), (3, 7, 0));
    give(&root, 2).await;
    // A page that is being written while the backup is made.
    let mut half = fs::read(root.join("egress/book")).unwrap();
    half.extend([1; 100]);
    fs::write(root.join("egress/book"), half).unwrap();
    assert_eq!(backup::backup(&root, &dest).unwrap().receptions, 5);
    let whole = egress::whole(&dest).unwrap().unwrap();
    assert_eq!((whole.pages, whole.torn_bytes), (11, 0));
    assert!(restore::dry_run(&dest, At::End).unwrap().damage.is_empty());
    // Whole, however far the facts go back.
    assert!(restore::restore(&dest, &to, At::Records(1)).unwrap().damage.is_empty());
    assert_eq!(egress::every(&to).unwrap(), egress::every(&dest).unwrap());
    give(&to, 1).await;
    assert_eq!(egress::every(&to).unwrap().len(), 6);
}

#[tokio::test]
async fn every_flipped_byte_is_named_by_page_and_line() {
    let home = folder();
    let (root, dest) = (home.path().join("studio"), home.path().join("backup"));
    let dir = studio(&root);
    give(&root, 4).await;
    backup::backup(&root, &dest).unwrap();
    let book = root.join("egress/book");
    let whole = fs::read(&book).unwrap();
    assert_eq!(whole.len() as u64, 9 * PAGE);
    let (code, fine) = json(&dir, &[]);
    assert_eq!((code, &fine["receptions"], &fine["book_pages"]), (0, &4.into(), &9.into()), "{fine}");
    for at in (0..whole.len() as u64).step_by(13) {
        flip(&book, at, at);
        let found = deadwax_server::keep::book::look(&root).unwrap().1;
        assert_eq!(found.len(), 1, "byte {at}");
        let named = format!("page {} of the egress book", at / PAGE);
        assert!(found[0].what.starts_with(&named), "byte {at}: {}", found[0].what);
        fs::write(&book, &whole).unwrap();
    }
    // In a page of the second line.
    flip(&book, 3 * PAGE + 50, 1);
    let (code, found) = json(&dir, &[]);
    let said = found["damaged"][0].to_string();
    assert!(code == 1 && said.contains("page 3 of the egress book (byte 672, line 2)"), "{said}");
    // It is not taken into the backup, which keeps the whole one.
    let again = backup::backup(&root, &dest).unwrap();
    assert!(again.missing[0].what.contains("it was not copied"), "{again:?}");
    assert_eq!(fs::read(dest.join("egress/book")).unwrap(), whole);
    assert!(restore::dry_run(&dest, At::End).unwrap().damage.is_empty());
    flip(&dest.join("egress/book"), 3 * PAGE + 50, 1);
    assert!(!restore::dry_run(&dest, At::End).unwrap().damage.is_empty());
}

#[tokio::test]
async fn a_book_that_was_cut_or_is_another_one_does_not_take_the_place_of_the_copy() {
    let home = folder();
    let (root, dest, other) =
        (home.path().join("studio"), home.path().join("backup"), home.path().join("other"));
    studio(&root);
    give(&root, 2).await;
    backup::backup(&root, &dest).unwrap();
    let copy = fs::read(dest.join("egress/book")).unwrap();
    // The newest line is cut off: what is left holds together.
    fs::write(root.join("egress/book"), &copy[..3 * PAGE as usize]).unwrap();
    let cut = backup::backup(&root, &dest).unwrap();
    assert!(cut.missing[0].what.contains("does not begin with the 5 pages"), "{cut:?}");
    copy_folder(&dest, &other);
    fs::write(other.join("egress/book"), &copy[..3 * PAGE as usize]).unwrap();
    let told = restore::dry_run(&other, At::End).unwrap().damage;
    assert!(told[0].what.contains("lost or changed pages"), "{told:?}");
    fs::remove_file(root.join("egress/book")).unwrap();
    give(&root, 9).await;
    assert!(!backup::backup(&root, &dest).unwrap().missing.is_empty());
    assert_eq!(fs::read(dest.join("egress/book")).unwrap(), copy);
}

#[tokio::test]
async fn the_operator_asks_who_received_a_digest() {
    let home = folder();
    let root = home.path().join("studio");
    let dir = studio(&root);
    give(&root, 3).await;
    let digest = "01".repeat(32);
    let told = run(&["received", &dir, &digest]);
    assert!(told.code == 0 && told.out.contains("download  1000 bytes of 1000"), "{} {}", told.out, told.err);
    let csv = run(&["received", &dir, &digest, "--csv"]);
    let lines: Vec<&str> = csv.out.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("\"line\",\"begun\""), "{}", lines[0]);
    assert!(lines[1].starts_with("\"2\",") && lines[1].ends_with(",\"0\",\"1000\",\"1000\""), "{}", lines[1]);
    assert_eq!(run(&["received", &dir, &"ee".repeat(32)]).code, 1);
    let unknown = run(&["received", &dir, "Nachtlied Mix 2"]);
    assert!(unknown.code == 3 && unknown.err.contains("no version bears that name"), "{}", unknown.err);
}
