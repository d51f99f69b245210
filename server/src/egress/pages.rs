//! A book that lies in a folder and that nobody is given for writing: read whole, for backups, for `verify` and for the operator. Never here: the book of a
//! running server.

use std::{io, path::Path};

use super::{
    BookError, Reception,
    file::{BookFile, FOLDER, NAME},
    index::{Index, Place},
    page::{Link, NOTHING, PAGE_BYTES, Page, stated_number},
    scan::scan,
};

/// What a whole book comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    pub pages: u32,
    pub receptions: u64,
    /// The hash of the last page and of all before it: equal in two books means equal in every page.
    pub link: Link,
    /// What lies behind the last page and is none: never acknowledged, or damaged where the server had stopped in order.
    pub torn_bytes: u64,
}

impl Whole {
    pub fn bytes(&self) -> u64 {
        u64::from(self.pages) * PAGE_BYTES as u64
    }

    /// Bytes behind the end that would be whole pages: a write that was cut short leaves them, and so does a change of the last pages.
    pub fn torn_pages(&self) -> u64 {
        self.torn_bytes / PAGE_BYTES as u64
    }
}

/// The book of a studio folder, each page held against the one before; `None` where there is none. A server may be writing it.
pub fn whole(root: &Path) -> Result<Option<Whole>, BookError> {
    book_in(&root.join(FOLDER).join(NAME))
}

/// As [`whole`], and every reception, the oldest first.
pub fn every(root: &Path) -> Result<Vec<Reception>, BookError> {
    let mut all: Vec<Reception> = Vec::new();
    read(&root.join(FOLDER).join(NAME), |page| match page {
        Page::Head(_) => {}
        Page::Begun(begun) => all.push(Reception { begun: begun.clone(), ended: None }),
        Page::Ended(ended) => {
            let at = usize::try_from(ended.number).ok().and_then(|number| number.checked_sub(1));
            if let Some(reception) = at.and_then(|at| all.get_mut(at)) {
                reception.ended = Some(*ended);
            }
        }
    })?;
    Ok(all)
}

/// The link of one page of a book, by its place.
pub fn link_at(path: &Path, pages: u32) -> Result<Option<Link>, BookError> {
    let Some(file) = BookFile::look(path)? else { return Ok(None) };
    let mut link = NOTHING;
    let Some(last) = pages.checked_sub(1) else { return Ok(Some(link)) };
    let at = (u64::from(last) + 1) * PAGE_BYTES as u64 - link.len() as u64;
    Ok((file.read_at(at, &mut link)? == link.len()).then_some(link))
}

/// The book in a file.
pub fn book_in(path: &Path) -> Result<Option<Whole>, BookError> {
    read(path, |_| ())
}

fn read(path: &Path, mut each: impl FnMut(&Page)) -> Result<Option<Whole>, BookError> {
    let Some(file) = BookFile::look(path)? else { return Ok(None) };
    let mut index = Index::default();
    let end = scan(&file, |place, page| {
        let fits = match page {
            Page::Head(_) => true,
            Page::Begun(begun) => index.begun(begun, Place(place)),
            Page::Ended(ended) => index.ended(*ended, Place(place)),
        };
        if fits {
            each(page);
        }
        fits
    })?;
    let (pages, link, torn_bytes) = (end.pages, end.link, end.torn_bytes);
    Ok(Some(Whole { pages, receptions: index.count(), link, torn_bytes }))
}

/// The first `pages` pages of a book that is being written.
pub(super) fn chained(file: &BookFile, pages: u32) -> Result<(), BookError> {
    let (mut link, mut bytes) = (NOTHING, [0; PAGE_BYTES]);
    for place in 0..pages {
        if file.read_at(u64::from(place) * PAGE_BYTES as u64, &mut bytes)? != bytes.len() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let Some((_, next)) = Page::read(&bytes, &link) else {
            let what = "what it holds was changed after it was written";
            return Err(BookError::damaged(place, stated_number(&bytes), what));
        };
        link = next;
    }
    Ok(())
}
