//! Tags in WAV, RF64 and AIFF: the chunks are copied one by one, old tags are left out, new ones stand at the end. What is no tag (bext, iXML, ADM,
//! cue points) stays to the byte.

use std::io::{self, Seek, SeekFrom, Write};

use super::{Old, Tags, broken, cut_off, id3};

const MAX_CHUNKS: usize = 4096;
/// EBU Tech 3352 (2012): identifiers in a Broadcast Wave stand in `axml` as EBU Core. Also how our own chunk is known again.
const AXML_HEAD: &str = concat!(
    r#"<?xml version="1.0" encoding="UTF-8"?><ebuCoreMain xmlns:dc="http://purl.org/dc/elements/1.1/" "#,
    r#"xmlns="urn:ebu:metadata-schema:ebuCore_2012"><coreMetadata><identifier typeLabel="GUID" "#,
    r#"typeDefinition="Globally Unique Identifier" formatLabel="ISRC" "#,
    r#"formatDefinition="International Standard Recording Code" "#,
    r#"formatLink="http://www.ebu.ch/metadata/cs/ebu_IdentifierTypeCodeCS.xml#3.7"><dc:identifier>ISRC:"#
);
/// The line end makes the chunk even: some readers of RF64 know no pad bytes.
const AXML_TAIL: &str = "</dc:identifier></identifier></coreMetadata></ebuCoreMain>\n";

struct Chunk {
    name: [u8; 4],
    start: u64,
    bytes: u64,
}

pub(super) fn wav(from: &mut Old<'_>, tags: &Tags, out: &mut (impl Write + Seek)) -> io::Result<()> {
    let head: [u8; 12] = from.exactly(0)?;
    let rf64 = &head[..4] != b"RIFF";
    let riff_bytes = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    out.write_all(&head)?;
    let (mut at, mut data_bytes, mut ds64_at) = (12, None, None);
    let mut foreign_axml = false;
    for _ in 0..MAX_CHUNKS {
        if at + 8 > from.bytes {
            break;
        }
        let [a, b, c, d, size @ ..] = from.exactly::<8>(at)?;
        let mut chunk =
            Chunk { name: [a, b, c, d], start: at + 8, bytes: u64::from(u32::from_le_bytes(size)) };
        match &chunk.name {
            b"ds64" if rf64 => {
                let sizes: [u8; 16] = from.exactly(chunk.start)?;
                data_bytes = sizes[8..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
                ds64_at = Some(out.stream_position()? + 8);
            }
            b"data" if rf64 && chunk.bytes == u64::from(u32::MAX) => {
                chunk.bytes =
                    data_bytes.ok_or_else(|| broken("it is RF64 without a ds64 chunk before its sound"))?;
            }
            _ => {}
        }
        // A recorder that did not come to its end leaves zeros: what follows is sound, which a size for the whole file would shut out.
        let unsaid = rf64 || riff_bytes == u32::MAX || u64::from(riff_bytes) + 8 <= chunk.start;
        if &chunk.name == b"data" && chunk.bytes == 0 && unsaid && chunk.start < from.bytes {
            return Err(broken("its header does not say how long its sound is; save it anew first"));
        }
        let old = match &chunk.name {
            b"id3 " | b"ID3 " => true,
            b"LIST" => chunk.bytes >= 4 && &from.exactly::<4>(chunk.start)? == b"INFO",
            b"axml" => {
                let mut begin = vec![0; AXML_HEAD.len()];
                let ours =
                    from.read_up_to(chunk.start, &mut begin)? == begin.len() && begin == AXML_HEAD.as_bytes();
                foreign_axml |= !ours;
                ours
            }
            _ => false,
        };
        at = keep(from, &chunk, old, out)?;
    }
    if at + 8 <= from.bytes {
        return Err(broken("it has too many chunks"));
    }
    wav_tags(tags, foreign_axml, out)?;
    let riff_bytes = out.stream_position()? - 8;
    if rf64 {
        out.seek(SeekFrom::Start(ds64_at.ok_or_else(|| broken("it is RF64 without a ds64 chunk"))?))?;
        return out.write_all(&riff_bytes.to_le_bytes());
    }
    let riff_bytes = u32::try_from(riff_bytes).map_err(|_| past_4_gib())?;
    out.seek(SeekFrom::Start(4))?;
    out.write_all(&riff_bytes.to_le_bytes())
}

fn past_4_gib() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "with its tags it would pass 4 GiB; leave out the cover")
}

/// Copies a chunk, or steps over it; returns where the next one begins.
fn keep(from: &mut Old<'_>, chunk: &Chunk, old_tag: bool, out: &mut impl Write) -> io::Result<u64> {
    let end = chunk.start.checked_add(chunk.bytes).filter(|end| *end <= from.bytes).ok_or_else(cut_off)?;
    // Chunks stand on even bytes, but some writers forget the pad byte: then a letter of the next name stands there.
    let mut next = [0];
    let odd = chunk.bytes % 2 == 1;
    let padded = odd && from.read_up_to(end, &mut next)? == 1 && !next[0].is_ascii_alphabetic();
    if !old_tag {
        from.copy(chunk.start - 8, chunk.bytes + 8, out)?;
        if odd {
            out.write_all(&[0])?;
        }
    }
    Ok(end + u64::from(padded))
}

pub(super) fn wav_tags(tags: &Tags, foreign_axml: bool, out: &mut impl Write) -> io::Result<()> {
    let mut info = b"INFO".to_vec();
    let track = tags.track.map(|track| track.to_string());
    let year = tags.year.map(|year| year.to_string());
    let words = [
        (b"INAM", &tags.title),
        (b"IART", &tags.artist),
        (b"IPRD", &tags.album),
        (b"ITRK", &track),
        (b"ICRD", &year),
        (b"ISRC", &tags.isrc),
        (b"ICMT", &tags.comment),
    ];
    for (name, text) in words {
        if let Some(text) = text {
            chunk(&mut info, name, &[text.as_bytes(), &[0]].concat(), u32::to_le_bytes)?;
        }
    }
    if info.len() > 4 {
        chunk(out, b"LIST", &info, u32::to_le_bytes)?;
    }
    if let Some(isrc) = &tags.isrc
        && !foreign_axml
    {
        chunk(out, b"axml", format!("{AXML_HEAD}{isrc}{AXML_TAIL}").as_bytes(), u32::to_le_bytes)?;
    }
    if *tags != Tags::default() {
        chunk(out, b"id3 ", &id3::tag(tags), u32::to_le_bytes)?;
    }
    Ok(())
}

fn chunk(out: &mut impl Write, name: &[u8; 4], body: &[u8], size: fn(u32) -> [u8; 4]) -> io::Result<()> {
    out.write_all(name)?;
    out.write_all(&size(body.len() as u32))?;
    out.write_all(body)?;
    if body.len() % 2 == 1 {
        out.write_all(&[0])?;
    }
    Ok(())
}

pub(super) fn aiff(from: &mut Old<'_>, tags: &Tags, out: &mut (impl Write + Seek)) -> io::Result<()> {
    out.write_all(&from.exactly::<12>(0)?)?;
    let mut at = 12;
    for _ in 0..MAX_CHUNKS {
        if at + 8 > from.bytes {
            break;
        }
        let [a, b, c, d, size @ ..] = from.exactly::<8>(at)?;
        let chunk = Chunk { name: [a, b, c, d], start: at + 8, bytes: u64::from(u32::from_be_bytes(size)) };
        let old = matches!(&chunk.name, b"ID3 " | b"id3 " | b"NAME" | b"AUTH" | b"ANNO");
        at = keep(from, &chunk, old, out)?;
    }
    if at + 8 <= from.bytes {
        return Err(broken("it has too many chunks"));
    }
    aiff_tags(tags, out)?;
    let form_bytes = u32::try_from(out.stream_position()? - 8).map_err(|_| past_4_gib())?;
    out.seek(SeekFrom::Start(4))?;
    out.write_all(&form_bytes.to_be_bytes())
}

pub(super) fn aiff_tags(tags: &Tags, out: &mut impl Write) -> io::Result<()> {
    for (name, text) in [(b"NAME", &tags.title), (b"AUTH", &tags.artist), (b"ANNO", &tags.comment)] {
        if let Some(text) = text {
            chunk(out, name, text.as_bytes(), u32::to_be_bytes)?;
        }
    }
    if *tags != Tags::default() {
        chunk(out, b"ID3 ", &id3::tag(tags), u32::to_be_bytes)?;
    }
    Ok(())
}
