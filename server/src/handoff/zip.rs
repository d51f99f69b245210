//! A zip whose bytes are a function of what goes in: nothing is compressed, the order is the caller's, every entry has the one time that was given,
//! and no word of this machine stands in it. ZIP64 only where a size or a place needs it. Written to the format's public description (APPNOTE 6.3).
//! Never here: what is packed, and reading.

use std::io::{self, SeekFrom};

use deadwax_domain::Time;
use tokio::io::{AsyncSeek, AsyncSeekExt as _, AsyncWrite, AsyncWriteExt as _};

/// From here on a number does not fit into the fields of 32 bits: the value itself means "look into the ZIP64 field".
const WIDE: u64 = u32::MAX as u64;
const ENTRIES_WIDE: u64 = u16::MAX as u64;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
const STORED: u16 = 0;
const VERSION: u16 = 20;
const VERSION_WIDE: u16 = 45;
/// Of an entry's header: where its checksum stands.
const CRC_AT: u64 = 14;

/// One zip on its way.
pub struct Zip<W> {
    out: W,
    at: u64,
    entries: Vec<Entry>,
    stamp: (u16, u16),
    open: Option<Open>,
}

struct Entry {
    name: String,
    crc: u32,
    bytes: u64,
    offset: u64,
}

/// The entry that is being written.
struct Open {
    name: String,
    offset: u64,
    stated: u64,
    written: u64,
    crc: crc32fast::Hasher,
}

impl<W: AsyncWrite + AsyncSeek + Unpin> Zip<W> {
    /// `out` stands at its beginning. `time` is that of every entry.
    pub fn new(out: W, time: Time) -> Self {
        Self { out, at: 0, entries: Vec::new(), stamp: stamp(time), open: None }
    }

    /// Begins an entry of exactly so many bytes. Its checksum is filled in at its end.
    pub async fn begin(&mut self, name: &str, bytes: u64) -> io::Result<()> {
        self.end().await?;
        let offset = self.at;
        let open =
            Open { name: name.to_owned(), offset, stated: bytes, written: 0, crc: crc32fast::Hasher::new() };
        let header = local_header(name, bytes, self.stamp)?;
        self.put(&header).await?;
        self.open = Some(open);
        Ok(())
    }

    pub async fn write(&mut self, data: &[u8]) -> io::Result<()> {
        let open = self.open.as_mut().ok_or_else(|| io::Error::other("no entry of the zip is open"))?;
        open.written += data.len() as u64;
        if open.written > open.stated {
            return Err(io::Error::other("an entry of the zip is longer than was stated"));
        }
        open.crc.update(data);
        self.put(data).await
    }

    /// A small entry at once.
    pub async fn whole(&mut self, name: &str, data: &[u8]) -> io::Result<()> {
        self.begin(name, data.len() as u64).await?;
        self.write(data).await
    }

    async fn put(&mut self, data: &[u8]) -> io::Result<()> {
        self.out.write_all(data).await?;
        self.at += data.len() as u64;
        Ok(())
    }

    async fn end(&mut self) -> io::Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        if open.written != open.stated {
            return Err(io::Error::other("an entry of the zip is shorter than was stated"));
        }
        let crc = open.crc.finalize();
        self.out.seek(SeekFrom::Start(open.offset + CRC_AT)).await?;
        self.out.write_all(&crc.to_le_bytes()).await?;
        self.out.seek(SeekFrom::Start(self.at)).await?;
        self.entries.push(Entry { name: open.name, crc, bytes: open.stated, offset: open.offset });
        Ok(())
    }

    /// Writes the list of entries behind them and answers what was written to.
    pub async fn finish(mut self) -> io::Result<W> {
        self.end().await?;
        let start = self.at;
        let entries = std::mem::take(&mut self.entries);
        for entry in &entries {
            let header = central_header(entry, self.stamp)?;
            self.put(&header).await?;
        }
        let tail = end_of_zip(entries.len() as u64, start, self.at - start);
        self.put(&tail).await?;
        self.out.flush().await?;
        Ok(self.out)
    }
}

fn local_header(name: &str, bytes: u64, (time, date): (u16, u16)) -> io::Result<Vec<u8>> {
    let wide = bytes >= WIDE;
    let mut out = Fields::signed(0x0403_4b50);
    out.u16(&[if wide { VERSION_WIDE } else { VERSION }]);
    out.u16(&[FLAGS, STORED, time, date]);
    out.u32(&[0]);
    out.u32(&[narrow(bytes); 2]);
    out.u16(&[name_length(name)?]);
    out.u16(&[if wide { 20 } else { 0 }]);
    out.0.extend(name.as_bytes());
    if wide {
        out.u16(&[1]);
        out.u16(&[16]);
        out.u64(&[bytes; 2]);
    }
    Ok(out.0)
}

fn central_header(entry: &Entry, (time, date): (u16, u16)) -> io::Result<Vec<u8>> {
    let mut wide = Fields(Vec::new());
    if entry.bytes >= WIDE {
        wide.u64(&[entry.bytes; 2]);
    }
    if entry.offset >= WIDE {
        wide.u64(&[entry.offset]);
    }
    let version = if wide.0.is_empty() { VERSION } else { VERSION_WIDE };
    let mut out = Fields::signed(0x0201_4b50);
    out.u16(&[version, version, FLAGS, STORED, time, date]);
    out.u32(&[entry.crc]);
    out.u32(&[narrow(entry.bytes); 2]);
    out.u16(&[name_length(&entry.name)?]);
    let extra = if wide.0.is_empty() { 0 } else { wide.0.len() as u16 + 4 };
    // No comment, disk 0, no attributes.
    out.u16(&[extra, 0, 0, 0]);
    out.u32(&[0]);
    out.u32(&[narrow(entry.offset)]);
    out.0.extend(entry.name.as_bytes());
    if extra > 0 {
        out.u16(&[1]);
        out.u16(&[extra - 4]);
        out.0.extend(wide.0);
    }
    Ok(out.0)
}

fn end_of_zip(entries: u64, start: u64, bytes: u64) -> Vec<u8> {
    let mut out = Fields(Vec::new());
    if entries >= ENTRIES_WIDE || start >= WIDE || bytes >= WIDE {
        out.u32(&[0x0606_4b50]);
        out.u64(&[44]);
        out.u16(&[VERSION_WIDE; 2]);
        out.u32(&[0; 2]);
        out.u64(&[entries, entries, bytes, start]);
        out.u32(&[0x0706_4b50]);
        out.u32(&[0]);
        out.u64(&[start + bytes]);
        out.u32(&[1]);
    }
    out.u32(&[0x0605_4b50]);
    out.u16(&[0; 2]);
    let count = u16::try_from(entries).unwrap_or(u16::MAX);
    out.u16(&[count; 2]);
    out.u32(&[narrow(bytes)]);
    out.u32(&[narrow(start)]);
    out.u16(&[0]);
    out.0
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn name_length(name: &str) -> io::Result<u16> {
    u16::try_from(name.len()).map_err(|_| io::Error::other("the name of an entry is too long for a zip"))
}

/// Little-endian fields, one after another.
struct Fields(Vec<u8>);

impl Fields {
    fn signed(signature: u32) -> Self {
        Self(signature.to_le_bytes().into())
    }

    fn u16(&mut self, fields: &[u16]) {
        fields.iter().for_each(|field| self.0.extend(field.to_le_bytes()));
    }

    fn u32(&mut self, fields: &[u32]) {
        fields.iter().for_each(|field| self.0.extend(field.to_le_bytes()));
    }

    fn u64(&mut self, fields: &[u64]) {
        fields.iter().for_each(|field| self.0.extend(field.to_le_bytes()));
    }
}

/// Time and date as the format has them: UTC, in steps of two seconds, from 1980 to 2107.
fn stamp(time: Time) -> (u16, u16) {
    const FIRST: (u16, u16) = (0, (1 << 5) | 1);
    let Ok(at) = jiff::Timestamp::from_millisecond(time.0) else { return FIRST };
    let at = at.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let Some(year) = u16::try_from(at.year()).ok().and_then(|year| year.checked_sub(1980)) else {
        return FIRST;
    };
    let part = |part: i8| part.unsigned_abs().into();
    let (month, day): (u16, u16) = (part(at.month()), part(at.day()));
    let (hour, minute, second): (u16, u16, u16) = (part(at.hour()), part(at.minute()), part(at.second()));
    ((hour << 11) | (minute << 5) | (second / 2), (year.min(127) << 9) | (month << 5) | day)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use super::*;

    const AT: Time = Time(1_795_000_000_000);

    async fn packed(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = Zip::new(Cursor::new(Vec::new()), AT);
        for (name, data) in entries {
            zip.whole(name, data).await.unwrap();
        }
        zip.finish().await.unwrap().into_inner()
    }

    #[tokio::test]
    async fn another_reader_finds_every_byte_under_its_name() {
        let entries: [(&str, &[u8]); 4] =
            [("a/Zoë.wav", b"one"), ("a/empty", b""), ("a/two.txt", &[7; 70_000]), ("a/last", b"x")];
        let bytes = packed(&entries).await;
        let mut read = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
        assert_eq!(read.len(), entries.len());
        for (at, (name, data)) in entries.iter().enumerate() {
            let mut entry = read.by_index(at).unwrap();
            assert_eq!(entry.name().unwrap(), *name);
            assert_eq!(entry.compression(), zip::CompressionMethod::Stored);
            let mut found = Vec::new();
            // The reader checks the CRC at the end.
            entry.read_to_end(&mut found).unwrap();
            assert_eq!(found, *data);
        }
        assert_eq!(bytes, packed(&entries).await, "the same bytes again");
    }

    /// A package that is made again after a crash, by a later server too, is the one that was made before.
    #[tokio::test]
    async fn the_form_never_changes() {
        use sha2::Digest as _;
        let bytes = packed(&[("a/b.wav", b"sound"), ("a/c", b"")]).await;
        assert_eq!(
            hex::encode(sha2::Sha256::digest(&bytes)),
            "186c3913707dbeef00223075fbd5fde2383c7ed935201f07a8866e4bf842177c"
        );
    }

    #[tokio::test]
    async fn an_entry_has_the_length_that_was_stated() {
        let mut short = Zip::new(Cursor::new(Vec::new()), AT);
        short.begin("a", 2).await.unwrap();
        short.write(b"x").await.unwrap();
        assert!(short.finish().await.is_err());
        let mut long = Zip::new(Cursor::new(Vec::new()), AT);
        long.begin("a", 0).await.unwrap();
        assert!(long.write(b"x").await.is_err());
    }

    /// Five gigabytes of nothing in front: a file with a hole, so that places beyond 32 bits are real ones.
    #[tokio::test]
    async fn places_beyond_four_gigabytes_are_found() {
        const FAR: u64 = 5 << 30;
        let file = tempfile::tempfile().unwrap();
        let mut out = tokio::fs::File::from_std(file.try_clone().unwrap());
        out.seek(SeekFrom::Start(FAR)).await.unwrap();
        let mut zip = Zip { at: FAR, ..Zip::new(out, AT) };
        zip.whole("far", b"away").await.unwrap();
        zip.whole("farther", b"still").await.unwrap();
        zip.finish().await.unwrap();
        let mut read = zip::ZipArchive::new(file).unwrap();
        let mut found = String::new();
        read.by_name("farther").unwrap().read_to_string(&mut found).unwrap();
        assert_eq!((read.len(), found.as_str()), (2, "still"));
    }

    #[test]
    fn sizes_beyond_four_gigabytes_stand_in_the_wide_field() {
        let bytes = 6_u64 << 30;
        let local = local_header("a", bytes, (0, 0)).unwrap();
        assert_eq!(local[18..26], [0xff; 8]);
        assert_eq!(local[31..35], [1, 0, 16, 0]);
        assert_eq!(local[35..43], bytes.to_le_bytes());
        let entry = Entry { name: "a".into(), crc: 0, bytes, offset: 7 };
        let central = central_header(&entry, (0, 0)).unwrap();
        assert_eq!((central[47..51].to_vec(), central.len()), (vec![1, 0, 16, 0], 46 + 1 + 20));
        let small = Entry { bytes: 3, ..entry };
        assert_eq!(central_header(&small, (0, 0)).unwrap().len(), 46 + 1);
    }

    #[test]
    fn the_time_is_utc_and_never_before_the_format_began() {
        // 2026-11-18 11:06:40 UTC
        assert_eq!(stamp(AT), ((11 << 11) | (6 << 5) | 20, (46 << 9) | (11 << 5) | 18));
        for early in [Time(0), Time(i64::MIN), Time(-1)] {
            assert_eq!(stamp(early), (0, 33));
        }
        assert_eq!(stamp(Time(i64::MAX)), (0, 33));
    }
}
