//! Writes a DDP-compatible set: the image in its place, the records that describe it, and a checksum of each. The layout and its sources stand in the
//! module head. Never here: a claim of conformance; a byte that depends on the day.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read as _, Write as _},
    path::{Path, PathBuf},
};

use super::{Disc, PAUSE_SECTORS, SECTOR_BYTES, Severity, cd_text, check, latin, time};
use crate::{DspError, codes};

pub const IMAGE_NAME: &str = "IMAGE.DAT";
pub const CHECKSUM_NAME: &str = "CHECKSUM.MD5";
const ID_NAME: &str = "DDPID";
const MAP_NAME: &str = "DDPMS";
const TEXT_NAME: &str = "CDTEXT.BIN";
const PQ_NAME: &str = "PQDESCR";

const MAP_BYTES: usize = 128;
const PQ_BYTES: usize = 64;
/// Of a file's name in the map.
const NAME_BYTES: usize = 17;
const READ_BYTES: usize = 1 << 18;
/// What a file of sound in a container begins with. In an image it would be a crack and a shift of every track.
const CONTAINERS: [&[u8]; 7] = [b"RIFF", b"RF64", b"BW64", b"FORM", b"fLaC", b"OggS", b"ID3"];

/// Hears how much is done, 0 to 1.
type Still<'a> = &'a mut dyn FnMut(f64) -> Result<(), DspError>;

/// Writes the DDP-compatible set of `disc` into `folder`, which is made, or is empty, or holds only the image as `IMAGE.DAT`. The image is linked where the
/// file system can do that, else copied; it is raw sound as the module head says. Gives the files in the order of the checksum file, that one last.
///
/// Errors: `Invalid` where a rule blocks the disc, the image does not fit it, or the folder holds something else; `Open`, `Write`. After an error nothing
/// that was written here is left.
pub fn write_ddp(disc: &Disc, image: &Path, folder: &Path) -> Result<Vec<PathBuf>, DspError> {
    write_ddp_in(disc, image, folder, &mut |_| Ok(()))
}

/// [`write_ddp`], which tells after each piece how much of the image was summed, 0 to 1, and ends where that is answered with an error.
pub(crate) fn write_ddp_in(
    disc: &Disc,
    image: &Path,
    folder: &Path,
    still: Still<'_>,
) -> Result<Vec<PathBuf>, DspError> {
    let blocks: Vec<String> = check(disc)
        .into_iter()
        .filter(|rule| rule.severity == Severity::Block)
        .map(|rule| rule.text)
        .collect();
    if !blocks.is_empty() {
        return Err(DspError::Invalid(format!("no disc is written: {}", blocks.join("; "))));
    }
    let image = fs::canonicalize(image).map_err(|e| DspError::open(image, e))?;
    fits(disc, &image)?;
    fs::create_dir_all(folder).map_err(|e| DspError::write(folder, e))?;
    let in_place = holds_only(folder, &image)?;
    let mut written = Vec::new();
    let done = set(disc, &image, folder, in_place, &mut written, still);
    if done.is_err() {
        for path in &written {
            // What cannot be taken back is told by the error that is returned; without a checksum file it is no set.
            let _ = fs::remove_file(path);
        }
    }
    done
}

/// The image is as long as the disc says, and no container.
fn fits(disc: &Disc, image: &Path) -> Result<(), DspError> {
    let mut file = File::open(image).map_err(|e| DspError::open(image, e))?;
    let bytes = file.metadata().map_err(|e| DspError::open(image, e))?.len();
    let expected = u64::from(disc.sectors) * SECTOR_BYTES;
    if bytes != expected {
        return Err(DspError::Invalid(format!(
            "the image {} has {bytes} bytes; {} sectors are {expected}",
            image.display(),
            disc.sectors
        )));
    }
    let mut head = [0; 4];
    file.read_exact(&mut head).map_err(|e| DspError::open(image, e))?;
    if CONTAINERS.iter().any(|name| head.starts_with(name)) {
        return Err(DspError::Invalid(format!(
            "the image {} begins with the head of a file; a disc takes the sound alone",
            image.display()
        )));
    }
    Ok(())
}

/// Whether the image is already where it belongs. Errors: `Invalid` where the folder holds anything else: a plant would take it for part of the set.
fn holds_only(folder: &Path, image: &Path) -> Result<bool, DspError> {
    let mut in_place = false;
    for entry in fs::read_dir(folder).map_err(|e| DspError::open(folder, e))? {
        let path = entry.map_err(|e| DspError::open(folder, e))?.path();
        if path.file_name().is_some_and(|name| name == IMAGE_NAME)
            && !path.is_symlink()
            && fs::canonicalize(&path).is_ok_and(|path| path == image)
        {
            in_place = true;
        } else {
            return Err(DspError::Invalid(format!(
                "{} holds {} already; a set is written into an empty folder",
                folder.display(),
                path.file_name().unwrap_or_default().display()
            )));
        }
    }
    Ok(in_place)
}

fn set(
    disc: &Disc,
    image: &Path,
    folder: &Path,
    in_place: bool,
    written: &mut Vec<PathBuf>,
    still: Still<'_>,
) -> Result<Vec<PathBuf>, DspError> {
    let sound = folder.join(IMAGE_NAME);
    if !in_place {
        place(image, &sound, written)?;
    }
    let mut files = Vec::new();
    let mut sums = String::new();
    for (name, bytes) in records(disc) {
        let path = folder.join(name);
        put(&path, &bytes, written)?;
        sums += &format!("{:x} *{name}\n", md5::compute(&bytes));
        files.push(path);
    }
    sums += &format!("{} *{IMAGE_NAME}\n", md5_of(&sound, u64::from(disc.sectors) * SECTOR_BYTES, still)?);
    files.push(sound);
    // Last, so that a set that was not finished has none.
    let path = folder.join(CHECKSUM_NAME);
    put(&path, sums.as_bytes(), written)?;
    files.push(path);
    Ok(files)
}

/// What describes the image, in the order of the checksum file.
fn records(disc: &Disc) -> Vec<(&'static str, Vec<u8>)> {
    let text = cd_text(disc);
    let pq = pq(disc);
    let mut records = vec![(ID_NAME, id(disc)), (MAP_NAME, map(disc, text.len(), pq.len()))];
    if !text.is_empty() {
        records.push((TEXT_NAME, text));
    }
    records.push((PQ_NAME, pq));
    records
}

/// The files that [`write_ddp`] will write, in its order, each with its bytes.
pub fn ddp_files(disc: &Disc) -> Vec<(&'static str, u64)> {
    let records = records(disc).into_iter().map(|(name, bytes)| (name, bytes.len() as u64));
    let mut files: Vec<(&str, u64)> = records.collect();
    files.push((IMAGE_NAME, u64::from(disc.sectors) * SECTOR_BYTES));
    // A sum of 32 digits, a space and an asterisk, the name, the end of the line.
    let sums = files.iter().map(|(name, _)| 32 + 2 + name.len() as u64 + 1).sum();
    files.push((CHECKSUM_NAME, sums));
    files
}

/// Links the image, or copies it where it lies on another file system.
fn place(image: &Path, path: &Path, written: &mut Vec<PathBuf>) -> Result<(), DspError> {
    written.push(path.to_owned());
    if fs::hard_link(image, path).is_ok() {
        return Ok(());
    }
    let from = File::open(image).map_err(|e| DspError::open(image, e))?;
    let mut to = File::create_new(path).map_err(|e| DspError::write(path, e))?;
    let copied = io::copy(&mut BufReader::with_capacity(READ_BYTES, from), &mut to);
    copied.and_then(|_| to.sync_data()).map_err(|e| DspError::write(path, e))
}

fn put(path: &Path, bytes: &[u8], written: &mut Vec<PathBuf>) -> Result<(), DspError> {
    written.push(path.to_owned());
    let mut file = File::create_new(path).map_err(|e| DspError::write(path, e))?;
    file.write_all(bytes).and_then(|()| file.sync_data()).map_err(|e| DspError::write(path, e))
}

fn md5_of(path: &Path, expected: u64, still: Still<'_>) -> Result<String, DspError> {
    let mut file = File::open(path).map_err(|e| DspError::open(path, e))?;
    let (mut sum, mut piece, mut bytes) = (md5::Context::new(), vec![0; READ_BYTES], 0);
    loop {
        match file.read(&mut piece).map_err(|e| DspError::open(path, e))? {
            0 => break,
            count => {
                sum.consume(&piece[..count]);
                bytes += count as u64;
                still((bytes as f64 / expected.max(1) as f64).min(1.0))?;
            }
        }
    }
    if bytes != expected {
        return Err(DspError::Invalid(format!("{} changed while the set was written", path.display())));
    }
    Ok(format!("{:x}", sum.finalize()))
}

/// A text for people as a record holds it: printable ASCII, what ISO 8859-1 adds left to the same rule once more.
pub(super) fn ascii(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    latin(text).text().nfkd().filter(|c| (' '..='~').contains(c)).collect()
}

/// A record of a fixed length, all spaces, into which fields are written.
struct Record(Vec<u8>);

impl Record {
    fn new(bytes: usize, marker: &str) -> Record {
        Record(vec![b' '; bytes]).field(0, marker.len(), marker)
    }

    /// From the left. What is too long is cut; [`check`] has seen to it that nothing is.
    fn field(mut self, at: usize, width: usize, text: &str) -> Record {
        let bytes = &text.as_bytes()[..text.len().min(width)];
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }
}

fn id(disc: &Disc) -> Vec<u8> {
    let record = Record::new(MAP_BYTES, "DDP 2.00")
        .field(8, 13, &codes::ean_13(&disc.upc).unwrap_or_default())
        .field(38, 48, &ascii(&disc.catalogue))
        .field(87, 2, "CD");
    record.0
}

fn map(disc: &Disc, text_bytes: usize, pq_bytes: usize) -> Vec<u8> {
    let stream = |kind: &str, length: u64, name: &str| {
        Record::new(MAP_BYTES, "VVVM")
            .field(4, 2, kind)
            .field(14, 8, &format!("{length:08}"))
            .field(71, 3, &format!("{NAME_BYTES:03}"))
            .field(74, NAME_BYTES, name)
    };
    let mut records = Vec::new();
    if text_bytes > 0 {
        records
            .extend(stream("S0", text_bytes as u64, TEXT_NAME).field(30, 8, "CDTEXT").field(55, 2, "00").0);
    }
    records.extend(stream("S0", pq_bytes as u64, PQ_NAME).field(30, 8, "PQ DESCR").0);
    let pause = disc.tracks.first().map_or(PAUSE_SECTORS, |track| track.index1);
    let sound = stream("D0", u64::from(disc.sectors), IMAGE_NAME)
        .field(22, 8, "00000000")
        .field(38, 2, "DA")
        .field(40, 1, "7")
        .field(41, 1, "0")
        .field(46, 4, &format!("{pause:>4}"));
    records.extend(sound.0);
    records
}

fn pq(disc: &Disc) -> Vec<u8> {
    let entry = |track: &str, index: &str, sector: u32, control: &str| {
        let (minutes, seconds, frames) = time(sector);
        Record::new(PQ_BYTES, "VVVS")
            .field(4, 2, track)
            .field(6, 2, index)
            .field(10, 6, &format!("{minutes:02}{seconds:02}{frames:02}"))
            .field(16, 2, control)
    };
    let mut records =
        entry("00", "00", 0, "01").field(32, 13, &codes::ean_13(&disc.upc).unwrap_or_default()).0;
    for (number, track) in (1..).zip(&disc.tracks) {
        let number = format!("{number:02}");
        let control = format!("{}1", u8::from(track.pre_emphasis) | u8::from(track.copy_permitted) << 1);
        let mut code = codes::isrc(&track.isrc).unwrap_or_default();
        for (index, sector) in [("00", track.index0), ("01", Some(track.index1))] {
            let Some(sector) = sector else { continue };
            // The code stands on the first record of its track alone.
            records
                .extend(entry(&number, index, sector, &control).field(20, 12, &std::mem::take(&mut code)).0);
        }
    }
    let lead_out = entry("AA", "01", disc.sectors, "01").0;
    records.extend_from_slice(&lead_out);
    records.extend_from_slice(&lead_out);
    records
}
