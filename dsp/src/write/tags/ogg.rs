//! Tags in Ogg (RFC 3533): Opus (RFC 7845) and Vorbis keep a comment in their second packet. The pages that hold it are made anew; where their
//! number changes, all later pages are counted anew. No packet of sound is touched.

use std::io::{self, Write};

use super::{Old, Tags, broken, flac};

const HEAD_BYTES: usize = 27;
const MAX_SEGMENTS: usize = 255;
/// A comment with its cover in base 64 is smaller.
const MAX_COMMENT_BYTES: usize = 32 << 20;
const CONTINUED: u8 = 1;

struct Page {
    head: [u8; HEAD_BYTES],
    lacing: Vec<u8>,
    body: Vec<u8>,
    next: u64,
}

impl Page {
    fn read(from: &mut Old<'_>, at: u64) -> io::Result<Page> {
        let head: [u8; HEAD_BYTES] = from.exactly(at)?;
        if &head[..5] != b"OggS\0" {
            return Err(broken("a page of Ogg does not begin where the last one ends"));
        }
        let lacing = from.some(at + HEAD_BYTES as u64, u64::from(head[26]))?;
        let start = at + (HEAD_BYTES + lacing.len()) as u64;
        let bytes: u64 = lacing.iter().map(|byte| u64::from(*byte)).sum();
        let body = from.some(start, bytes)?;
        Ok(Page { head, lacing, body, next: start + bytes })
    }

    fn serial(&self) -> [u8; 4] {
        [self.head[14], self.head[15], self.head[16], self.head[17]]
    }

    /// Writes it as page `number`, with a new checksum.
    fn write(&mut self, number: u32, out: &mut impl Write) -> io::Result<()> {
        self.head[18..22].copy_from_slice(&number.to_le_bytes());
        self.head[22..26].fill(0);
        self.head[26] = self.lacing.len() as u8;
        let crc = [&self.head[..], &self.lacing, &self.body].into_iter().fold(0, crc);
        self.head[22..26].copy_from_slice(&crc.to_le_bytes());
        out.write_all(&self.head)?;
        out.write_all(&self.lacing)?;
        out.write_all(&self.body)
    }
}

pub(super) fn rewrite(from: &mut Old<'_>, tags: &Tags, out: &mut impl Write) -> io::Result<()> {
    let mut first = Page::read(from, 0)?;
    let serial = first.serial();
    let opus = first.body.starts_with(b"OpusHead");
    if !opus && !first.body.starts_with(b"\x01vorbis") {
        return Err(broken("its Ogg holds neither Opus nor Vorbis"));
    }
    first.write(0, out)?;
    let (packets, mut at) = header_packets(from, first.next, serial, if opus { 1 } else { 2 })?;
    let magic: &[u8] = if opus { b"OpusTags" } else { b"\x03vorbis" };
    let old = packets[0].strip_prefix(magic).ok_or_else(|| broken("its second packet is no comment"))?;
    let mut comment = magic.to_vec();
    comment.extend(flac::comment(&flac::vendor_of(old).unwrap_or_default(), tags, true));
    if !opus {
        // The framing bit of Vorbis.
        comment.push(1);
    }
    let mut number = 1;
    let rest = packets.get(1).map(Vec::as_slice);
    for mut page in pages(&comment, rest, &serial) {
        page.write(number, out)?;
        number += 1;
    }
    while at < from.bytes {
        let mut page = Page::read(from, at)?;
        at = page.next;
        if page.serial() != serial {
            return Err(broken("it holds more than one stream"));
        }
        page.write(number, out)?;
        number += 1;
    }
    Ok(())
}

/// The `count` packets from the page at `at` on, which must end with a page as both standards ask; and where the next page begins.
fn header_packets(
    from: &mut Old<'_>,
    mut at: u64,
    serial: [u8; 4],
    count: usize,
) -> io::Result<(Vec<Vec<u8>>, u64)> {
    let mut packets = vec![Vec::new()];
    let mut held = 0;
    loop {
        let page = Page::read(from, at)?;
        held += page.body.len();
        if page.serial() != serial || held > MAX_COMMENT_BYTES {
            return Err(broken("its comment does not end"));
        }
        at = page.next;
        let mut body = page.body.as_slice();
        for lace in &page.lacing {
            let (part, rest) = body.split_at(usize::from(*lace));
            body = rest;
            if let Some(packet) = packets.last_mut() {
                packet.extend_from_slice(part);
            }
            if *lace < 255 {
                packets.push(Vec::new());
            }
        }
        if packets.len() > count {
            let open = packets.pop();
            if packets.len() == count && open.is_some_and(|open| open.is_empty()) {
                return Ok((packets, at));
            }
            return Err(broken("sound begins on the page of its comment"));
        }
    }
}

/// The comment, and behind it what else belongs to the head of a Vorbis stream, as pages.
fn pages(comment: &[u8], rest: Option<&[u8]>, serial: &[u8; 4]) -> Vec<Page> {
    // Each lace, and whether a packet ends with it.
    let mut laces = Vec::new();
    for packet in std::iter::once(comment).chain(rest) {
        laces.extend(std::iter::repeat_n((255u8, false), packet.len() / 255));
        laces.push(((packet.len() % 255) as u8, true));
    }
    let bytes = [comment, rest.unwrap_or_default()].concat();
    let (mut body, mut inside) = (bytes.as_slice(), false);
    let mut pages = Vec::new();
    for laces in laces.chunks(MAX_SEGMENTS) {
        let length = laces.iter().map(|(lace, _)| usize::from(*lace)).sum();
        let (part, behind) = body.split_at(length);
        body = behind;
        let mut head = [0; HEAD_BYTES];
        head[..4].copy_from_slice(b"OggS");
        head[5] = if inside { CONTINUED } else { 0 };
        // The position is zero where a packet of the head ends, and "none ends here" elsewhere.
        let ends = laces.iter().any(|(_, end)| *end);
        head[6..14].fill(if ends { 0 } else { 0xFF });
        head[14..18].copy_from_slice(serial);
        inside = laces.last().is_some_and(|(_, end)| !end);
        let lacing = laces.iter().map(|(lace, _)| *lace).collect();
        pages.push(Page { head, lacing, body: part.to_vec(), next: 0 });
    }
    pages
}

const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000_0000 != 0 { crc << 1 ^ 0x04C1_1DB7 } else { crc << 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

static CRC: [u32; 256] = crc_table();

/// RFC 3533, section 6: the polynomial of Ethernet, not turned round, from zero.
fn crc(start: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |crc, byte| crc << 8 ^ CRC[usize::from((crc >> 24) as u8 ^ byte)])
}
