//! A DDP-compatible folder read and checked, as a plant would: by somebody who did not write it. Made from public descriptions alone, and apart from our
//! writer, so that a fault of the one is no fault of the other. Everything in such a folder is foreign. Never here: writing, decoding, printing.

mod cdtext;
mod disc;
mod field;
mod folder;
mod id;
mod image;
mod map;
mod pq;
pub mod rules;
mod sums;

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use deadwax_dsp::Flow;
use serde::Serialize;

use self::{
    cdtext::CdText,
    folder::{Entry, Folder},
    map::Stream,
    rules::{FILE_FOREIGN, FOLDER_UNREADABLE},
};
pub use self::{
    field::msf,
    rules::{Finding, Findings, Rule, Severity},
    sums::{Kind as SumKind, Sum},
};

/// What a plant reads out of the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Set {
    /// `DDP 2.00`, as the identifier says.
    pub level: String,
    pub master_id: String,
    /// As it stands in the identifier, else in the PQ descriptor.
    pub upc: String,
    /// Of the CD-Text; empty where it has none.
    pub title: String,
    pub performer: String,
    pub cd_text: bool,
    pub tracks: Vec<Track>,
    /// The lead-out.
    pub sectors: u32,
    pub image: ImageFile,
    pub checksums: Vec<Sum>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImageFile {
    pub name: String,
    pub bytes: u64,
}

/// Times are sectors of the image, 75 a second, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Track {
    pub number: u8,
    pub index0: Option<u32>,
    pub index1: u32,
    /// Where the next track's pause begins, or the next track, or the lead-out.
    pub end: u32,
    /// INDEX 1 of the next track, or the lead-out.
    pub next_start: u32,
    /// INDEX 2 and on.
    pub further: Vec<(u8, u32)>,
    pub isrc: String,
    pub flags: Flags,
    pub title: String,
    pub performer: String,
    /// INDEX 1, where it has one.
    #[serde(skip)]
    start: Option<u32>,
    #[serde(skip)]
    last_index: Option<u8>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Flags {
    pub pre_emphasis: bool,
    pub copy_permitted: bool,
    pub four_channel: bool,
    pub scms: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum DdpError {
    #[error("the folder {} cannot be read: {source}", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    /// With the faults that made it so.
    #[error("{} cannot be read as a DDP-compatible set: {what}", folder.display())]
    NotASet { folder: PathBuf, what: String },
}

#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Blocks first; within them in the order in which the folder is gone through.
    pub findings: Vec<Finding>,
    /// Further ones of codes that are told often enough.
    pub left_out: usize,
    /// What could be read, however faulty.
    pub set: Set,
    /// Files whose bytes were read.
    pub files: usize,
    /// False: it is no folder that can be read.
    pub readable: bool,
    /// It was stopped on the way: nothing is known of the rest.
    pub stopped: bool,
}

impl Report {
    pub fn blocks(&self) -> usize {
        self.findings.iter().filter(|it| it.severity == Severity::Block).count()
    }

    pub fn warnings(&self) -> usize {
        self.findings.len() - self.blocks()
    }

    /// A plant may have it.
    pub fn passed(&self) -> bool {
        self.readable && !self.stopped && self.blocks() == 0
    }
}

/// Reads what the folder says, as far as it can be understood. The image is not opened.
///
/// Errors: `Folder`; `NotASet` where identifier, map or tracks are not there.
pub fn read(folder: &Path) -> Result<Set, DdpError> {
    let mut findings = Findings::default();
    let at = |source| DdpError::Folder { folder: folder.to_owned(), source };
    let seen = Folder::open(folder, &mut findings).map_err(at)?;
    let read = load(&seen, &mut findings);
    if read.is_id && !read.set.tracks.is_empty() && !read.set.image.name.is_empty() {
        return Ok(read.set);
    }
    let first = findings.list.iter().find(|it| it.severity == Severity::Block);
    let what =
        first.map_or("it names no track and no image".into(), |it| format!("{}: {}", it.file, it.text));
    Err(DdpError::NotASet { folder: folder.to_owned(), what })
}

/// The same, and its image, to listen to.
///
/// Errors: those of `read`; `NotASet` where the image is no file that can be read.
pub fn open(folder: &Path) -> Result<(Set, File), DdpError> {
    let set = read(folder)?;
    let fault = |e: io::Error| DdpError::NotASet {
        folder: folder.to_owned(),
        what: format!("{}: it cannot be read: {e}", set.image.name),
    };
    let seen = Folder::open(folder, &mut Findings::default()).map_err(fault)?;
    let image = seen.find(&set.image.name, &mut Findings::default());
    let image = image.ok_or_else(|| fault(io::ErrorKind::NotFound.into()))?;
    let (file, _) = image.open().map_err(fault)?;
    Ok((set, file))
}

/// Holds the folder against every rule of [`rules::ALL`] and reads every byte of it.
pub fn check(folder: &Path) -> Report {
    check_with(folder, &mut |_, _| Flow::Go)
}

/// The same; `progress` gets the bytes read and those of all files, and may stop it.
pub fn check_with(folder: &Path, progress: &mut dyn FnMut(u64, u64) -> Flow) -> Report {
    let mut findings = Findings::default();
    let seen = match Folder::open(folder, &mut findings) {
        Ok(seen) => seen,
        Err(e) => {
            findings.tell(FOLDER_UNREADABLE, "", format!("It cannot be read: {e}."));
            return report(findings, Set::default());
        }
    };
    let read = load(&seen, &mut findings);
    map::tell_lengths(&seen, &read.map, &mut findings);
    disc::tell(&read.set, &read.said(), &mut findings);
    let parts = parts(&seen, &read, &mut findings);
    let all: u64 = parts.set.iter().chain(&parts.companions).map(|it| it.bytes).sum();
    let (mut done, mut image) = (0, image::Image::new(&read.set.tracks));
    let whole = sums::tell(
        &seen,
        &parts,
        &read.set.checksums,
        &mut |piece| image.take(piece),
        &mut |bytes| {
            done += bytes;
            progress(done, all)
        },
        &mut findings,
    );
    let files = parts.set.len() + parts.companions.len();
    if whole && !parts.image.is_empty() {
        image.tell(parts.image, &mut findings);
    }
    Report { readable: true, stopped: !whole, files, ..report(findings, read.set) }
}

fn report(findings: Findings, set: Set) -> Report {
    let Findings { mut list, left_out } = findings;
    list.sort_by_key(|it| it.severity);
    Report { findings: list, left_out, set, ..Report::default() }
}

/// Everything but the image's bytes.
struct Read {
    set: Set,
    map: Vec<map::Entry>,
    is_id: bool,
    id_upc: String,
    pq_upc: String,
    pq_file: String,
    lead_out: Option<u32>,
    cd_text: Option<(String, CdText)>,
}

impl Read {
    fn said(&self) -> disc::Said<'_> {
        disc::Said {
            pq_file: &self.pq_file,
            pq_upc: &self.pq_upc,
            id_upc: &self.id_upc,
            lead_out: self.lead_out,
            pause: self.map.iter().find(|it| it.stream == Stream::Image).and_then(|it| it.pause),
            cd_text: self.cd_text.as_ref().map(|(file, text)| (file.as_str(), text)),
        }
    }
}

fn load(folder: &Folder, findings: &mut Findings) -> Read {
    let id = id::read(folder, findings);
    let map = map::read(folder, findings);
    let named = |stream| map.iter().find(|it| it.stream == stream);
    let pq_bytes = named(Stream::Pq).and_then(|it| folder.small(&it.name, pq::BYTES_MAX, findings));
    let pq = pq_bytes.as_ref().map(|(file, bytes)| pq::read(file, bytes, findings)).unwrap_or_default();
    let cd_text = named(Stream::CdText).and_then(|it| folder.small(&it.name, cdtext::BYTES_MAX, findings));
    let cd_text = cd_text.map(|(file, bytes)| {
        let text = cdtext::read(&file, &bytes, findings);
        (file, text)
    });
    let image = named(Stream::Image).map(|it| {
        let file = folder.find(&it.name, findings);
        ImageFile {
            name: file.map_or(it.name.clone(), |it| it.name.clone()),
            bytes: file.map_or(0, |it| it.bytes),
        }
    });
    let image = image.unwrap_or_default();
    let checksums =
        sums::read(folder, &|name| map.iter().any(|it| it.name.eq_ignore_ascii_case(name)), findings);
    let is_id = id.is_some();
    let id = id.unwrap_or_default();
    let text = |kind, track| cd_text.as_ref().map_or("", |(_, text)| text.get(kind, track)).to_owned();
    let mut tracks = pq.tracks;
    for track in &mut tracks {
        track.title = text(cdtext::TITLE, track.number);
        track.performer = text(cdtext::PERFORMER, track.number);
    }
    let in_image = u32::try_from(image.bytes / map::SECTOR_BYTES).unwrap_or(u32::MAX);
    let set = Set {
        level: id.level,
        master_id: id.master_id,
        upc: if id.upc.is_empty() { pq.upc.clone() } else { id.upc.clone() },
        title: text(cdtext::TITLE, 0),
        performer: text(cdtext::PERFORMER, 0),
        cd_text: cd_text.is_some(),
        tracks,
        sectors: pq.lead_out.unwrap_or(in_image),
        image,
        checksums,
    };
    Read {
        set,
        is_id,
        id_upc: id.upc,
        pq_upc: pq.upc,
        pq_file: pq_bytes.map(|(file, _)| file).unwrap_or_default(),
        lead_out: pq.lead_out,
        cd_text,
        map,
    }
}

/// What stands in the folder beside the set is sorted: checksums, papers for people, and what does not belong there.
fn parts<'a>(folder: &'a Folder, read: &'a Read, findings: &mut Findings) -> sums::Parts<'a> {
    let (mut set, mut companions): (Vec<&Entry>, Vec<&Entry>) = (Vec::new(), Vec::new());
    for file in folder.files() {
        let is = |name: &str| file.name.eq_ignore_ascii_case(name);
        let is_mapped = read.map.iter().any(|it| is(&it.name));
        if is(id::NAME) || is(map::NAME) || is_mapped {
            set.push(file);
        } else if sums::is_sums(&file.name) {
            continue;
        } else {
            if is("CDTEXT.BIN") {
                findings.tell(
                    FILE_FOREIGN,
                    &file.name,
                    "The map does not name it: it would not reach the disc.".into(),
                );
            } else if !is_paper(&file.name) {
                findings.tell(FILE_FOREIGN, &file.name, "It does not belong to the set.".into());
            }
            companions.push(file);
        }
    }
    sums::Parts { set, companions, image: &read.set.image.name }
}

/// Sheets for people, which plants know beside a set.
fn is_paper(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    !name.starts_with('.')
        && [".TXT", ".CUE", ".TOC", ".PDF", ".HTML", ".HTM", ".CSV", ".JSON"]
            .iter()
            .any(|end| name.ends_with(end))
}
