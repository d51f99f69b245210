//! A book read from its first page to its last, each held against the one before. A torn end, which was never acknowledged, is told apart from damage by
//! evidence: behind damage there are pages that still follow one another. Never here: what is done with a page.

use std::io;

use super::{
    BookError,
    file::BookFile,
    page::{LINK_BYTES, Link, NOTHING, PAGE_BYTES, Page, stated_durable, stated_link, stated_number},
};

/// Read at once.
const PAGES_AT_ONCE: usize = 4096;

/// Where the next page goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub pages: u32,
    pub link: Link,
    /// What lies behind it and is no page.
    pub torn_bytes: u64,
}

impl End {
    pub fn offset(self) -> u64 {
        u64::from(self.pages) * PAGE_BYTES as u64
    }
}

/// Hands every sound page to `each` with its place; `each` says whether it may stand there.
pub fn scan(file: &BookFile, mut each: impl FnMut(u32, &Page) -> bool) -> Result<End, BookError> {
    let total = file.bytes()?;
    let mut end = End { pages: 0, link: NOTHING, torn_bytes: 0 };
    let mut buffer = vec![0; PAGES_AT_ONCE * PAGE_BYTES];
    loop {
        let read = file.read_at(end.offset(), &mut buffer)?;
        let whole = buffer[..read].chunks_exact(PAGE_BYTES);
        let count = whole.len();
        for bytes in whole {
            let bytes: &[u8; PAGE_BYTES] = bytes.try_into().map_err(io::Error::other)?;
            let Some((page, link)) = Page::read(bytes, &end.link) else {
                return torn_or_damaged(file, end, total);
            };
            if matches!(page, Page::Head(_)) != (end.pages == 0) || !each(end.pages, &page) {
                return Err(BookError::damaged(
                    end.pages,
                    stated_number(bytes),
                    "it does not belong behind the one before",
                ));
            }
            end = End { pages: end.pages.checked_add(1).ok_or(BookError::Full)?, link, ..end };
        }
        if count < PAGES_AT_ONCE {
            return Ok(End { torn_bytes: total.saturating_sub(end.offset()), ..end });
        }
    }
}

/// The page behind `end` is none. If a page further on continues the one before it and was written after this one was synced, this one was whole once.
fn torn_or_damaged(file: &BookFile, end: End, total: u64) -> Result<End, BookError> {
    let mut offset = end.offset();
    let mut previous: Option<Link> = None;
    let mut bytes = [0; PAGE_BYTES];
    let mut states = 0;
    while file.read_at(offset, &mut bytes)? == PAGE_BYTES {
        if previous.is_none() {
            states = stated_number(&bytes);
        }
        let goes_on = previous.is_some_and(|link| Page::read(&bytes, &link).is_some());
        let durable = stated_durable(&bytes);
        if goes_on && (durable > end.pages || durable == 0) {
            return Err(BookError::damaged(
                end.pages,
                states,
                "what it holds was changed after it was written",
            ));
        }
        previous = Some(stated_link(&bytes));
        offset += PAGE_BYTES as u64;
    }
    Ok(End { torn_bytes: total.saturating_sub(end.offset()), ..end })
}

/// One page by its place, held against the link of the page before it.
pub fn page_at(file: &BookFile, place: u32) -> Result<Page, BookError> {
    let start = u64::from(place) * PAGE_BYTES as u64;
    let mut both = [0; LINK_BYTES + PAGE_BYTES];
    let read = file.read_at(start.saturating_sub(LINK_BYTES as u64), &mut both)?;
    let (link, bytes) = both.split_at(LINK_BYTES);
    let link: &Link = link.try_into().map_err(io::Error::other)?;
    let bytes: &[u8; PAGE_BYTES] = bytes.try_into().map_err(io::Error::other)?;
    match Page::read(bytes, link) {
        Some((page, _)) if read == both.len() && place > 0 => Ok(page),
        _ => Err(BookError::damaged(
            place,
            stated_number(bytes),
            "what it holds was changed after it was written",
        )),
    }
}
