//! A cover: JPEG or PNG, told by its bytes, with its size in pixels as the picture itself states it. Never here: decoding a picture.

use crate::DspError;

/// A block of FLAC metadata has 24 bits of length, of which the picture's description takes some.
pub const COVER_BYTES_MAX: usize = 16_000_000;

/// A picture that has been looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    bytes: Vec<u8>,
    pub(super) mime: &'static str,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bits of a pixel.
    pub(super) depth: u32,
}

impl Cover {
    /// The bytes of a JPEG or PNG file of at most 16 MB. Errors: `Invalid` for anything else, also where its head is cut off.
    pub fn new(bytes: Vec<u8>) -> Result<Cover, DspError> {
        if bytes.len() > COVER_BYTES_MAX {
            return Err(DspError::Invalid(format!(
                "the cover has {} bytes, at most {COVER_BYTES_MAX} fit into a tag; save it smaller",
                bytes.len()
            )));
        }
        let (mime, found) = if bytes.starts_with(b"\x89PNG\r\n\x1A\n") {
            ("image/png", png(&bytes))
        } else if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
            ("image/jpeg", jpeg(&bytes))
        } else {
            return Err(DspError::Invalid(
                "the cover is neither JPEG nor PNG; save it as one of these".into(),
            ));
        };
        match found {
            Some((width, height, depth)) if width > 0 && height > 0 => {
                Ok(Cover { bytes, mime, width, height, depth })
            }
            _ => Err(DspError::Invalid(format!("the cover begins like {mime} but does not state its size"))),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Whether its end mark is there too. A picture that was cut off on its way has a good head all the same.
    pub fn is_whole(&self) -> bool {
        match self.mime {
            "image/png" => png_ends(&self.bytes),
            _ => jpeg_ends(&self.bytes),
        }
        .is_some()
    }

    /// "image/jpeg" or "image/png".
    pub fn mime(&self) -> &'static str {
        self.mime
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }
}

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn be_u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// IHDR is the first chunk (W3C PNG, 11.2.1).
fn png(bytes: &[u8]) -> Option<(u32, u32, u32)> {
    if bytes.get(12..16)? != b"IHDR" {
        return None;
    }
    let samples = match bytes.get(25)? {
        0 | 3 => 1,
        2 => 3,
        4 => 2,
        6 => 4,
        _ => return None,
    };
    Some((be_u32(bytes, 16)?, be_u32(bytes, 20)?, u32::from(*bytes.get(24)?) * samples))
}

/// The first frame header among the segments (ITU-T T.81, B.2.2).
fn jpeg(bytes: &[u8]) -> Option<(u32, u32, u32)> {
    let mut at = 2;
    loop {
        while *bytes.get(at)? == 0xFF && *bytes.get(at + 1)? == 0xFF {
            at += 1;
        }
        if *bytes.get(at)? != 0xFF {
            return None;
        }
        let marker = *bytes.get(at + 1)?;
        match marker {
            0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                let depth = u32::from(*bytes.get(at + 4)?) * u32::from(*bytes.get(at + 9)?);
                return Some((u32::from(be_u16(bytes, at + 7)?), u32::from(be_u16(bytes, at + 5)?), depth));
            }
            // The picture's data, or its end, without a frame header before.
            0xD9 | 0xDA => return None,
            _ => {}
        }
        let length = usize::from(be_u16(bytes, at + 2)?);
        if length < 2 {
            return None;
        }
        at += 2 + length;
    }
}

/// Chunk by chunk to IEND (W3C PNG, 5.3).
fn png_ends(bytes: &[u8]) -> Option<()> {
    let mut at = 8;
    loop {
        let length = be_u32(bytes, at)? as usize;
        let kind = bytes.get(at + 4..at + 8)?;
        at = at.checked_add(length)?.checked_add(12)?;
        if at > bytes.len() {
            return None;
        }
        if kind == b"IEND" {
            return Some(());
        }
    }
}

/// Segment by segment to EOI. Within a scan 0xFF is followed by 0 or a restart mark (ITU-T T.81, B.1.1); a thumbnail with an end of its own lies inside of a
/// segment.
fn jpeg_ends(bytes: &[u8]) -> Option<()> {
    let mut at = 2;
    loop {
        if *bytes.get(at)? != 0xFF {
            at += 1;
            continue;
        }
        match *bytes.get(at + 1)? {
            0xD9 => return Some(()),
            0xFF => at += 1,
            0x00 | 0x01 | 0xD0..=0xD8 => at += 2,
            _ => at += 2 + usize::from(be_u16(bytes, at + 2)?).max(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_everything_else_is_refused() {
        let jpeg = b"\xFF\xD8\xFF\xE0\0\x04ab\xFF\xC0\0\x11\x08\x02\x58\x03\x20\x03".to_vec();
        let cover = Cover::new(jpeg.clone()).unwrap();
        assert_eq!((cover.mime, cover.width, cover.height, cover.depth), ("image/jpeg", 800, 600, 24));
        let png = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x10\0\0\0\x20\x08\x06\0\0\0".to_vec();
        let cover = Cover::new(png.clone()).unwrap();
        assert_eq!((cover.mime, cover.width, cover.height, cover.depth), ("image/png", 16, 32, 32));
        for whole in [&jpeg, &png] {
            for end in 0..whole.len() - 4 {
                assert!(Cover::new(whole[..end].to_vec()).is_err(), "{end}");
            }
        }
        assert!(Cover::new(b"GIF89a".to_vec()).is_err());
        let whole = |bytes: &[u8], more: &[u8]| Cover::new([bytes, more].concat()).unwrap().is_whole();
        // The segment goes on for nine bytes; then a scan with a stuffed 0xFF and a restart, and the end.
        let rest = b"\x01\x11\0\x02\x11\x01\x03\x11\x01";
        let scan = b"\xFF\xDA\0\x02ab\xFF\0c\xFF\xD0d";
        assert!(whole(&jpeg, &[&rest[..], scan, b"\xFF\xD9"].concat()));
        assert!(!whole(&jpeg, &[&rest[..], scan, b"\xFF"].concat()));
        let thumbnail = b"\xFF\xE1\0\x06\xFF\xD8\xFF\xD9";
        assert!(
            !whole(&jpeg, &[&rest[..], thumbnail, scan].concat()),
            "the end of a thumbnail is not its own"
        );
        assert!(whole(&png, b"crc4\0\0\0\0IENDcrc4"));
        assert!(!whole(&png, b"crc4\0\0\0\0IENDcr"));
        assert!(!whole(&png, b"crc4\xFF\xFF\xFF\xFFIDAT"));
        let mut huge = png;
        huge.resize(COVER_BYTES_MAX + 1, 0);
        assert!(Cover::new(huge).unwrap_err().to_string().contains("smaller"));
    }
}
