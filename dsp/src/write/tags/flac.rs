//! Tags in FLAC (RFC 9639, 8.6 and 8.8): a Vorbis comment and a picture among the blocks of metadata. The other blocks and all frames stay to the
//! byte. Also the comment itself, which Ogg carries too.

use std::io::{self, Write};

use super::{Cover, Old, Tags, broken};

const PADDING: u8 = 1;
const COMMENT: u8 = 4;
const PICTURE: u8 = 6;
/// Room left for other programs' tags.
const PADDING_BYTES: u32 = 4096;
const MAX_BLOCKS: usize = 1024;
const VENDOR: &[u8] = b"deadwax-dsp";

pub(super) fn rewrite(from: &mut Old<'_>, tags: &Tags, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"fLaC")?;
    let mut at = 4;
    let mut vendor = VENDOR.to_vec();
    for number in 0.. {
        let [first, size @ ..] = from.exactly::<4>(at)?;
        let bytes = u64::from(u32::from_be_bytes([0, size[0], size[1], size[2]]));
        let (kind, start) = (first & 0x7F, at + 4);
        match kind {
            _ if number == 0 && (kind != 0 || bytes != 34) => {
                return Err(broken("it does not begin with its facts"));
            }
            _ if number > MAX_BLOCKS || kind == 0x7F => {
                return Err(broken("its blocks of metadata do not end"));
            }
            PADDING | PICTURE => {}
            COMMENT => vendor = vendor_of(&from.some(start, bytes)?).unwrap_or(vendor),
            _ => block(out, kind, &from.some(start, bytes)?)?,
        }
        at = start + bytes;
        if first & 0x80 != 0 {
            break;
        }
    }
    block(out, COMMENT, &comment(&vendor, tags, false))?;
    if let Some(cover) = &tags.cover {
        block(out, PICTURE, &picture(cover))?;
    }
    out.write_all(&[0x80 | PADDING])?;
    out.write_all(&PADDING_BYTES.to_be_bytes()[1..])?;
    out.write_all(&[0; PADDING_BYTES as usize])?;
    let left = from.bytes.checked_sub(at).ok_or_else(super::cut_off)?;
    from.copy(at, left, out)
}

/// None of them is the last: padding follows.
fn block(out: &mut impl Write, kind: u8, body: &[u8]) -> io::Result<()> {
    out.write_all(&[kind])?;
    out.write_all(&(body.len() as u32).to_be_bytes()[1..])?;
    out.write_all(body)
}

/// The program that made the stream, as its comment names it.
pub(super) fn vendor_of(comment: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = comment.split_first_chunk::<4>()?;
    rest.get(..u32::from_le_bytes(*length) as usize).map(<[u8]>::to_vec)
}

/// A Vorbis comment (Xiph.Org, "Ogg Vorbis I format specification: comment field and header specification"). `with_cover`: as Ogg carries pictures,
/// the block of FLAC in base 64.
pub(super) fn comment(vendor: &[u8], tags: &Tags, with_cover: bool) -> Vec<u8> {
    let track = tags.track.map(|track| track.to_string());
    let year = tags.year.map(|year| year.to_string());
    let cover = tags.cover.as_ref().filter(|_| with_cover).map(|cover| base64(&picture(cover)));
    let fields = [
        ("TITLE", &tags.title),
        ("ARTIST", &tags.artist),
        ("ALBUM", &tags.album),
        ("TRACKNUMBER", &track),
        ("DATE", &year),
        ("ISRC", &tags.isrc),
        ("BARCODE", &tags.upc),
        ("COMMENT", &tags.comment),
        ("METADATA_BLOCK_PICTURE", &cover),
    ];
    let mut out = (vendor.len() as u32).to_le_bytes().to_vec();
    out.extend_from_slice(vendor);
    let count = fields.iter().filter(|(_, text)| text.is_some()).count();
    out.extend_from_slice(&(count as u32).to_le_bytes());
    for (name, text) in fields {
        if let Some(text) = text {
            out.extend_from_slice(&((name.len() + 1 + text.len()) as u32).to_le_bytes());
            out.extend_from_slice(name.as_bytes());
            out.push(b'=');
            out.extend_from_slice(text.as_bytes());
        }
    }
    out
}

fn picture(cover: &Cover) -> Vec<u8> {
    // Kind 3: the front.
    let mut out = 3u32.to_be_bytes().to_vec();
    out.extend_from_slice(&(cover.mime.len() as u32).to_be_bytes());
    out.extend_from_slice(cover.mime.as_bytes());
    // No description; no palette is stated.
    for number in [0, cover.width, cover.height, cover.depth, 0, cover.bytes().len() as u32] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(cover.bytes());
    out
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let all = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS[(all >> (18 - 6 * at) & 0x3F) as usize];
            out.push(if at > three.len() { '=' } else { char::from(letter) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_is_that_of_the_rfc() {
        let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, coded) in pairs {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
