//! One page of the egress book: a fixed number of bytes, chained to the page before by SHA-256, so that a page that was changed, left out or put in is found by
//! reading. Fixed in size, so that a damaged page never hides the ones behind it. Never here: files, people's names, who may read.

use std::net::{IpAddr, Ipv6Addr};

use bytes::{Buf, BufMut};
use deadwax_domain::{Digest, PersonId, ProjectId};
use sha2::{Digest as _, Sha256};

pub const PAGE_BYTES: usize = 224;
pub const LINK_BYTES: usize = 32;
const BODY_BYTES: usize = PAGE_BYTES - LINK_BYTES;
const MAGIC: &[u8; 8] = b"DEADWAXE";
const FORMAT: u32 = 1;
/// Where a page says how many before it were synced; 0 in books of servers that did not write it down.
const DURABLE: usize = 4;

/// The hash of a page and of everything before it.
pub type Link = [u8; LINK_BYTES];
/// Before the first page.
pub const NOTHING: Link = [0; LINK_BYTES];

/// By which door bytes leave. The numbers stand in books for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// An original file of a version or a delivery.
    Download = 1,
    /// A copy for listening.
    Listen = 2,
    Handoff = 3,
    /// A file of a record.
    Record = 4,
    Cover = 5,
    Evidence = 6,
}

impl Way {
    pub const ALL: [Way; 6] =
        [Way::Download, Way::Listen, Way::Handoff, Way::Record, Way::Cover, Way::Evidence];

    /// Stable: scripts match on it.
    pub fn word(self) -> &'static str {
        match self {
            Way::Download => "download",
            Way::Listen => "listen",
            Way::Handoff => "handoff",
            Way::Record => "record",
            Way::Cover => "cover",
            Way::Evidence => "evidence",
        }
    }

    /// Whether somebody who takes it has the music itself as it was made.
    pub fn is_original(self) -> bool {
        matches!(self, Way::Download | Way::Handoff | Way::Record)
    }

    fn of(number: u8) -> Option<Way> {
        Way::ALL.into_iter().find(|way| *way as u8 == number)
    }
}

/// Somebody is about to be given bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// From 1, without gaps.
    pub number: u64,
    pub at_ms: i64,
    pub person: PersonId,
    pub session: u128,
    pub address: Option<IpAddr>,
    pub way: Way,
    pub project: ProjectId,
    /// The version, the song of a handoff, or the record; 0: the project as a whole.
    pub object: u128,
    /// What counts as one piece of music: the song, or the record where a file holds several.
    pub work: u128,
    pub digest: Digest,
    pub offset: u64,
    pub file_bytes: u64,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    pub number: u64,
    pub at_ms: i64,
    /// Handed to the connection; never less than what left.
    pub sent: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// The first of a book: no page of another one fits behind it.
    Head([u8; 32]),
    Begun(Begun),
    Ended(Ended),
}

impl Page {
    /// Its bytes behind a page with that link, and its own link. `durable`: so many pages were synced before this one was written.
    pub fn write(&self, previous: &Link, durable: u32) -> ([u8; PAGE_BYTES], Link) {
        let mut bytes = [0; PAGE_BYTES];
        let (body, own) = bytes.split_at_mut(BODY_BYTES);
        match self {
            Page::Head(id) => head(body, id),
            Page::Begun(begun) => begun.put(body),
            Page::Ended(ended) => ended.put(body),
        }
        body[DURABLE..DURABLE + 4].copy_from_slice(&durable.to_be_bytes());
        let link = chained(previous, body);
        own.copy_from_slice(&link);
        (bytes, link)
    }

    /// `None`: these bytes are no page behind one with that link.
    pub fn read(bytes: &[u8; PAGE_BYTES], previous: &Link) -> Option<(Page, Link)> {
        let (body, own) = bytes.split_at(BODY_BYTES);
        let link = chained(previous, body);
        if own != link {
            return None;
        }
        let page = match body.first()? {
            0 => Page::Head(head_of(body)?),
            1 => Page::Begun(Begun::get(body)?),
            2 => Page::Ended(Ended::get(body)),
            _ => return None,
        };
        Some((page, link))
    }
}

/// What a page says its link is, whatever it holds: where it is damaged, the next one is held against this.
pub fn stated_link(bytes: &[u8; PAGE_BYTES]) -> Link {
    let mut link = NOTHING;
    link.copy_from_slice(&bytes[BODY_BYTES..]);
    link
}

/// How many pages were synced before this one was written, as it says; 0: it does not.
pub fn stated_durable(bytes: &[u8; PAGE_BYTES]) -> u32 {
    let mut durable = [0; 4];
    durable.copy_from_slice(&bytes[DURABLE..DURABLE + 4]);
    u32::from_be_bytes(durable)
}

/// Which time that bytes were given a page says it speaks of, whatever it holds; 0: of none.
pub fn stated_number(bytes: &[u8; PAGE_BYTES]) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[8..16]);
    if matches!(bytes[0], 1 | 2) { u64::from_be_bytes(number) } else { 0 }
}

fn chained(previous: &Link, body: &[u8]) -> Link {
    Sha256::new().chain_update(previous).chain_update(body).finalize().into()
}

fn head(mut body: &mut [u8], id: &[u8; 32]) {
    body.put_bytes(0, 8);
    body.put_slice(MAGIC);
    body.put_u32(FORMAT);
    body.put_slice(id);
}

fn head_of(mut body: &[u8]) -> Option<[u8; 32]> {
    body.advance(8);
    let sound = body.copy_to_bytes(8).as_ref() == MAGIC && body.get_u32() == FORMAT;
    let mut id = [0; 32];
    body.copy_to_slice(&mut id);
    sound.then_some(id)
}

impl Begun {
    fn put(&self, mut body: &mut [u8]) {
        body.put_u8(1);
        body.put_u8(self.way as u8);
        body.put_u8(u8::from(self.address.is_some()));
        body.put_bytes(0, 5);
        body.put_u64(self.number);
        body.put_i64(self.at_ms);
        body.put_u128(self.person.0);
        body.put_u128(self.session);
        body.put_u128(self.project.0);
        body.put_u128(self.object);
        body.put_u128(self.work);
        body.put_slice(&self.digest.0);
        body.put_u128(address_bits(self.address));
        body.put_u64(self.offset);
        body.put_u64(self.file_bytes);
    }

    fn get(mut body: &[u8]) -> Option<Begun> {
        body.advance(1);
        let way = Way::of(body.get_u8())?;
        let has_address = body.get_u8() == 1;
        body.advance(5);
        let (number, at_ms) = (body.get_u64(), body.get_i64());
        let [person, session, project, object, work] = [(); 5].map(|()| body.get_u128());
        let mut digest = [0; 32];
        body.copy_to_slice(&mut digest);
        let address = Ipv6Addr::from_bits(body.get_u128());
        let address = has_address.then(|| IpAddr::V6(address).to_canonical());
        let (offset, file_bytes) = (body.get_u64(), body.get_u64());
        let (person, project, digest) = (PersonId(person), ProjectId(project), Digest(digest));
        Some(Begun {
            number,
            at_ms,
            person,
            session,
            address,
            way,
            project,
            object,
            work,
            digest,
            offset,
            file_bytes,
        })
    }
}

fn address_bits(address: Option<IpAddr>) -> u128 {
    match address {
        None => 0,
        Some(IpAddr::V4(v4)) => v4.to_ipv6_mapped().to_bits(),
        Some(IpAddr::V6(v6)) => v6.to_bits(),
    }
}

impl Ended {
    fn put(self, mut body: &mut [u8]) {
        body.put_u8(2);
        body.put_bytes(0, 7);
        body.put_u64(self.number);
        body.put_i64(self.at_ms);
        body.put_u64(self.sent);
    }

    fn get(mut body: &[u8]) -> Ended {
        body.advance(8);
        Ended { number: body.get_u64(), at_ms: body.get_i64(), sent: body.get_u64() }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn begun(number: u64) -> Begun {
        Begun {
            number,
            at_ms: 1_795_000_000_000 + number as i64,
            person: PersonId(7),
            session: 8,
            address: Some("192.0.2.7".parse().expect("an address")),
            way: Way::Download,
            project: ProjectId(9),
            object: 10,
            work: 11,
            digest: Digest([12; 32]),
            offset: 13,
            file_bytes: 14,
        }
    }

    #[test]
    fn a_page_is_read_as_it_was_written() {
        let six = Begun { address: Some("2001:db8::1".parse().expect("an address")), ..begun(2) };
        let pages = [
            Page::Head([5; 32]),
            Page::Begun(begun(1)),
            Page::Begun(six),
            Page::Begun(Begun { address: None, way: Way::Evidence, ..begun(3) }),
            Page::Ended(Ended { number: 1, at_ms: -1, sent: u64::MAX }),
        ];
        for page in pages {
            let (bytes, link) = page.write(&[3; 32], 9);
            assert_eq!(Page::read(&bytes, &[3; 32]), Some((page, link)));
            assert_eq!((stated_link(&bytes), stated_durable(&bytes)), (link, 9));
        }
    }

    #[test]
    fn a_flipped_bit_or_another_place_is_found() {
        let (bytes, _) = Page::Begun(begun(1)).write(&NOTHING, 0);
        assert_eq!(Page::read(&bytes, &[1; 32]), None);
        for at in 0..PAGE_BYTES {
            let mut flipped = bytes;
            flipped[at] ^= 1;
            assert_eq!(Page::read(&flipped, &NOTHING), None, "byte {at}");
        }
    }

    #[test]
    fn every_way_has_a_number_and_a_word_of_its_own() {
        let words: std::collections::BTreeSet<_> = Way::ALL.iter().map(|way| way.word()).collect();
        assert_eq!(words.len(), Way::ALL.len());
        for way in Way::ALL {
            assert_eq!(Way::of(way as u8), Some(way));
        }
        assert_eq!(Way::of(0), None);
    }
}
