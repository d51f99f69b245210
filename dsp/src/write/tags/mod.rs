//! Words and a picture in a finished file: title, artist, ISRC, cover. The file is written anew beside the old one, piece by piece, and takes its
//! place whole; the sound and every chunk that is no tag are copied as they stand. No date, no random number goes in (D-1).

mod chunks;
mod flac;
mod id3;
mod ogg;
mod picture;

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
};

pub use picture::{COVER_BYTES_MAX, Cover};

use crate::{DspError, codes};

const MAX_TEXT_LETTERS: usize = 1024;
const MAX_COMMENT_LETTERS: usize = 8192;
const MAX_TRACK: u32 = 9_999;
/// Copied at a time.
const COPY_BYTES: u64 = 1 << 20;
/// An ID3v2 tag states its size in 28 bits.
const MAX_ID3_TAGS: usize = 8;

/// What a listener's program shows. A field that is `None` is not written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tags {
    pub title: Option<String>,
    pub artist: Option<String>,
    pub album: Option<String>,
    /// 1 to 9999.
    pub track: Option<u32>,
    /// International Standard Recording Code (ISO 3901): two letters, three letters or digits, seven digits. Hyphens and small letters are put right.
    pub isrc: Option<String>,
    /// The product's bar code: 12 or 13 digits, the last of which checks the others (GS1).
    pub upc: Option<String>,
    pub year: Option<u16>,
    /// May have more than one line.
    pub comment: Option<String>,
    pub cover: Option<Cover>,
}

/// Puts `tags` into the file at `path`, in the place of those it had: WAV and RF64 (INFO, ID3, the ISRC after EBU Tech 3352), AIFF (ID3), FLAC
/// (Vorbis comment, picture), MP3 (ID3), Opus and Vorbis in Ogg. ID3 is of version 2.3, which the most programs read.
///
/// Errors: `Invalid` for a field that says nothing true, `Open`, `Unsupported` for another kind of file, `NotAudio` or `Damaged` where its structure
/// cannot be followed, `Write`. After an error the file is as it was.
pub fn tag(path: &Path, tags: &Tags) -> Result<(), DspError> {
    tag_in(path, tags, &mut |_| Ok(()))
}

/// [`tag`], which tells after each piece how much of the file was copied, 0 to 1, and ends where that is answered with an error.
pub(crate) fn tag_in(path: &Path, tags: &Tags, still: Still<'_>) -> Result<(), DspError> {
    let tags = checked(tags)?;
    let file = File::open(path).map_err(|e| DspError::open(path, e))?;
    let about = file.metadata().map_err(|e| DspError::open(path, e))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = BufReader::with_capacity(1 << 16, file);
    let mut from = Old { file, bytes: about.len(), copied: 0, still, stopped: None };
    let mut head = [0; 12];
    let held = from.read_up_to(0, &mut head).map_err(|e| DspError::open(path, e))?;
    let kind = kind(&head[..held]).ok_or_else(|| {
        DspError::unsupported(path, "tags go into WAV, AIFF, FLAC, MP3, Opus and Ogg Vorbis only")
    })?;
    let at_write = |source| DspError::write(path, source);
    let part = tempfile::Builder::new().prefix(".deadwax-").suffix(".part").tempfile_in(folder);
    let mut out = BufWriter::with_capacity(1 << 18, part.map_err(at_write)?);
    let done = match kind {
        Kind::Wav => chunks::wav(&mut from, &tags, &mut out),
        Kind::Aiff => chunks::aiff(&mut from, &tags, &mut out),
        Kind::Flac => flac::rewrite(&mut from, &tags, &mut out),
        Kind::Mp3 => mp3(&mut from, &tags, &mut out),
        Kind::Ogg => ogg::rewrite(&mut from, &tags, &mut out),
    };
    if let Some(stopped) = from.stopped.take() {
        return Err(stopped);
    }
    done.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            DspError::not_audio(path, error.to_string())
        }
        _ => at_write(error),
    })?;
    let part = out.into_inner().map_err(|error| at_write(error.into_error()))?;
    part.as_file().set_permissions(about.permissions()).map_err(at_write)?;
    part.as_file().sync_data().map_err(at_write)?;
    part.persist(path).map_err(|error| at_write(error.error))?;
    Ok(())
}

/// What [`tag`] adds to a WAV or AIFF file that had no tags; `None` where it would refuse them.
pub(super) fn chunk_bytes(given: &Tags, aiff: bool) -> Option<u64> {
    let tags = checked(given).ok()?;
    let mut out = Vec::new();
    let done =
        if aiff { chunks::aiff_tags(&tags, &mut out) } else { chunks::wav_tags(&tags, false, &mut out) };
    done.ok().map(|()| out.len() as u64)
}

#[derive(Clone, Copy)]
enum Kind {
    Wav,
    Aiff,
    Flac,
    Mp3,
    Ogg,
}

fn kind(head: &[u8]) -> Option<Kind> {
    match (head.get(..4)?, head.get(8..12)) {
        (b"RIFF" | b"RF64" | b"BW64", Some(b"WAVE")) => Some(Kind::Wav),
        (b"FORM", Some(b"AIFF" | b"AIFC")) => Some(Kind::Aiff),
        (b"fLaC", _) => Some(Kind::Flac),
        (b"OggS", _) => Some(Kind::Ogg),
        ([b'I', b'D', b'3', ..], _) => Some(Kind::Mp3),
        // Eleven bits of synchronisation, layer III.
        ([0xFF, second, ..], _) if second & 0xE6 == 0xE2 => Some(Kind::Mp3),
        _ => None,
    }
}

/// Hears how much is done, 0 to 1.
type Still<'a> = &'a mut dyn FnMut(f64) -> Result<(), DspError>;

/// The file as it is, read from any place.
struct Old<'a> {
    file: BufReader<File>,
    bytes: u64,
    copied: u64,
    still: Still<'a>,
    /// What it was answered with, where that was an error.
    stopped: Option<DspError>,
}

impl Old<'_> {
    /// Fills as much of `out` as the file has from `at` on.
    fn read_up_to(&mut self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        self.file.seek(SeekFrom::Start(at))?;
        let mut held = 0;
        while held < out.len() {
            match self.file.read(&mut out[held..])? {
                0 => break,
                n => held += n,
            }
        }
        Ok(held)
    }

    fn exactly<const N: usize>(&mut self, at: u64) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        if self.read_up_to(at, &mut bytes)? < N {
            return Err(cut_off());
        }
        Ok(bytes)
    }

    /// A piece of metadata; `len` has been held against the file's size or a limit.
    fn some(&mut self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        if at + len > self.bytes {
            return Err(cut_off());
        }
        let mut bytes = vec![0; len as usize];
        if (self.read_up_to(at, &mut bytes)? as u64) < len {
            return Err(cut_off());
        }
        Ok(bytes)
    }

    fn copy(&mut self, at: u64, len: u64, out: &mut impl Write) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(at))?;
        let mut left = len;
        while left > 0 {
            let piece = left.min(COPY_BYTES);
            if io::copy(&mut self.file.by_ref().take(piece), out)? < piece {
                return Err(cut_off());
            }
            left -= piece;
            self.copied += piece;
            if let Err(error) = (self.still)((self.copied as f64 / self.bytes.max(1) as f64).min(1.0)) {
                self.stopped = Some(error);
                return Err(io::Error::other("it was stopped"));
            }
        }
        Ok(())
    }
}

fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it ends in the middle of a chunk; it was cut off")
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Tags before the sound go, ours comes; an old ID3v1 tag behind it is left out.
fn mp3(from: &mut Old<'_>, tags: &Tags, out: &mut impl Write) -> io::Result<()> {
    let mut at = 0;
    for _ in 0..MAX_ID3_TAGS {
        let mut head = [0; 10];
        let held = from.read_up_to(at, &mut head)?;
        match id3::tag_bytes(&head[..held]) {
            Some(bytes) => at += bytes,
            None => break,
        }
    }
    let frame: [u8; 2] = from.exactly(at)?;
    if frame[0] != 0xFF || frame[1] & 0xE6 != 0xE2 {
        return Err(broken("no MP3 frame follows its tags"));
    }
    let mut end = from.bytes;
    if end >= at + 128 && &from.exactly::<3>(end - 128)? == b"TAG" {
        end -= 128;
    }
    out.write_all(&id3::tag(tags))?;
    from.copy(at, end - at, out)
}

/// The same tags with codes in their one spelling. Errors: `Invalid`.
fn checked(tags: &Tags) -> Result<Tags, DspError> {
    let refuse = |what: String| Err(DspError::Invalid(what));
    let texts = [("title", &tags.title), ("artist", &tags.artist), ("album", &tags.album)];
    for (name, text) in texts {
        let Some(text) = text else { continue };
        if text.trim().is_empty()
            || text.chars().count() > MAX_TEXT_LETTERS
            || text.chars().any(char::is_control)
        {
            return refuse(format!(
                "the {name} of a tag has 1 to {MAX_TEXT_LETTERS} letters, none of them a control character"
            ));
        }
    }
    if let Some(text) = &tags.comment
        && (text.trim().is_empty()
            || text.chars().count() > MAX_COMMENT_LETTERS
            || text.chars().any(|c| c.is_control() && c != '\n'))
    {
        return refuse(format!(
            "the comment of a tag has 1 to {MAX_COMMENT_LETTERS} letters, and of control characters only line ends"
        ));
    }
    if let Some(track) = tags.track
        && !(1..=MAX_TRACK).contains(&track)
    {
        return refuse(format!("{track} is no track number; they go from 1 to {MAX_TRACK}"));
    }
    if let Some(year) = tags.year
        && !(1000..=9999).contains(&year)
    {
        return refuse(format!("{year} is no year; four digits are written"));
    }
    let isrc = tags.isrc.as_deref().map(isrc).transpose()?;
    if let Some(upc) = &tags.upc
        && !codes::checks_out(upc)
    {
        return refuse(format!(
            "{upc:?} is no UPC or EAN: 12 or 13 digits, the last of which must check the others"
        ));
    }
    Ok(Tags { isrc, ..tags.clone() })
}

/// In its one spelling: capitals, without hyphens. Errors: `Invalid`.
fn isrc(text: &str) -> Result<String, DspError> {
    codes::isrc(text).ok_or_else(|| {
        DspError::Invalid(format!(
            "{text:?} is no ISRC: two letters, three letters or digits, then seven digits, as in USRC17607839"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_put_right_or_refused() {
        let with = |isrc: &str, upc: &str| {
            checked(&Tags { isrc: Some(isrc.into()), upc: Some(upc.into()), ..Tags::default() })
        };
        assert_eq!(with("us-rc1-76-07839", "036000291452").unwrap().isrc.as_deref(), Some("USRC17607839"));
        assert!(with("USRC1760783X", "036000291452").unwrap_err().to_string().contains("ISRC"));
        assert!(with("USRC17607839", "036000291453").unwrap_err().to_string().contains("UPC"));
    }

    #[test]
    fn words_that_are_none_are_refused() {
        let wrong = [
            Tags { title: Some(" ".into()), ..Tags::default() },
            Tags { artist: Some("a\u{1B}[2J".into()), ..Tags::default() },
            Tags { album: Some("a".repeat(1025)), ..Tags::default() },
            Tags { comment: Some("a\0".into()), ..Tags::default() },
            Tags { track: Some(0), ..Tags::default() },
            Tags { year: Some(99), ..Tags::default() },
        ];
        for tags in wrong {
            assert!(matches!(checked(&tags), Err(DspError::Invalid(_))), "{tags:?}");
        }
    }
}
