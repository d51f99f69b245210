//! A compact disc as it goes to a plant: where every track begins, to the sector, and the files that say so. A DDP-compatible set, a cue sheet, a TOC file
//! for cdrdao, CD-Text, a PQ sheet for people. Never here: samples. The image is made elsewhere and is not changed by one bit.
//!
//! # What this is, and what it is not
//!
//! "DDP" is a trademark of Doug Carson & Associates, whose specification is given under a licence only. Nothing here comes from it. The sets are
//! **DDP-compatible**: written from public descriptions and compared with public examples. No conformance is claimed. Cue sheet and TOC file stand beside
//! the set for those who will not take it.
//!
//! # Sources
//!
//! - `[RE]` github.com/ddp-reverse-eng/ddp-reverse-eng (MIT), `spec/ddp2.md` (sections 1 to 9, notes N1 to N12), `docs/research.md` and the outputs below
//!   `exp/`: what cue2ddp 1.1 of the DDP Mastering Tools writes, and what is known of sets by Sonoris and HOFA.
//! - `[LIB]` github.com/suntriprecords/ddpLib (GPL; read for facts, no line of it is here): order and width of the fields as its loaders read them.
//! - `[CDT]` gnu.org/software/libcdio/cd-text-format (Schmitt, Bernstein): the packs of CD-Text, after MMC-3.
//! - `[CUE]` the CDRWIN user's guide, appendix A, as its readers keep it (cuetools, flac's `bad.*.cue` tests, the cue-sheet package of Hackage).
//! - `[TOC]` the manual page and the grammar of cdrdao 1.2.4.
//! - `[RED]` IEC 60908 ("Red Book") as told by about-audio-mastering-software.com/red-book.html and by the tools of `[RE]` N2, since the text is sold.
//!
//! # Files of the set
//!
//! `DDPID`, `DDPMS`, `CDTEXT.BIN` (only where there is text), `PQDESCR`, `IMAGE.DAT`, `CHECKSUM.MD5`. Only the first two names are fixed; the map names the
//! others (RE 1). Text fields are ASCII from the left, padded with spaces; a field that says nothing is all spaces; records have no line ends (RE 2).
//! No byte depends on the day or the machine.
//!
//! `DDPID`, one record of 128 bytes (RE 3, LIB):
//!
//! | at | bytes | what | value here |
//! |---|---|---|---|
//! | 0 | 8 | level | `DDP 2.00` |
//! | 8 | 13 | UPC/EAN | 13 digits, a UPC-A with a 0 before it (RE N10); spaces where there is none |
//! | 21 | 17 | map stream start, map stream length, medium | spaces (RE N11: the length's meaning is disputed; cue2ddp and Sonoris leave it) |
//! | 38 | 48 | master ID | the catalogue number, in ASCII |
//! | 86 | 1 | book | space (RE N6: Sonoris writes `O`; cue2ddp and HOFA leave it) |
//! | 87 | 2 | type of disc | `CD` |
//! | 89 | 39 | sides and layers (DVD), length and words of a comment | spaces (RE N4: where the comment begins is disputed) |
//!
//! `DDPMS`, a record of 128 bytes for each of `CDTEXT.BIN`, `PQDESCR`, `IMAGE.DAT`, in this order (RE 4):
//!
//! | at | bytes | what | CD-Text | PQ | image |
//! |---|---|---|---|---|---|
//! | 0 | 4 | marker | `VVVM` | `VVVM` | `VVVM` |
//! | 4 | 2 | type of stream | `S0` | `S0` | `D0` |
//! | 6 | 8 | pointer | | | |
//! | 14 | 8 | length, with zeros | bytes | bytes | sectors |
//! | 22 | 8 | first sector | | | `00000000` |
//! | 30 | 8 | subcode | `CDTEXT` | `PQ DESCR` | |
//! | 38 | 2 | mode | | | `DA` |
//! | 40 | 1 | storage | | | `7`: whole sectors of 2352 bytes |
//! | 41 | 1 | scrambled | | | `0` |
//! | 42 | 4 | pre-gap, part 1 | | | |
//! | 46 | 4 | pause of track 1 in the stream, to the right | | | ` 150` to `9999`; more is refused by [`check`] |
//! | 50 | 5 | post-gap, medium | | | |
//! | 55 | 2 | track | `00` | | |
//! | 57 | 14 | index, ISRC | | | |
//! | 71 | 3 | width of the name | `017` | `017` | `017` |
//! | 74 | 17 | name | `CDTEXT.BIN` | `PQDESCR` | `IMAGE.DAT` |
//! | 91 | 37 | new session, next pre-gap, pause to add, offset, rest | | | |
//!
//! Zeros before numbers, first sector 0 and "not scrambled" are as Sonoris and HOFA write them; cue2ddp writes spaces, nothing, and `1` (RE N6). Sound is
//! never scrambled as data sectors are, so `0` says what is there.
//!
//! `PQDESCR`, records of 64 bytes (RE 5, LIB):
//!
//! | at | bytes | what | value here |
//! |---|---|---|---|
//! | 0 | 4 | marker | `VVVS` |
//! | 4 | 2 | track | `00` lead-in, `01` to `99`, `AA` lead-out |
//! | 6 | 2 | index | `00` or `01`; `00` for the lead-in, `01` for the lead-out |
//! | 8 | 2 | hours | spaces |
//! | 10 | 6 | minutes, seconds, frames | sectors of the image: it begins at 00:00:00 |
//! | 16 | 2 | control, address | bit 0 pre-emphasis, bit 1 copying permitted, then `1`; `01` for lead-in and lead-out |
//! | 18 | 2 | second control byte | spaces |
//! | 20 | 12 | ISRC | on the first record of its track (RE 5; others write it on both, research.md 4) |
//! | 32 | 13 | UPC/EAN | on the lead-in only (RE N6; HOFA writes it on all) |
//! | 45 | 19 | comment | spaces |
//!
//! In order: lead-in, each track's index 0 where it has one and index 1, the lead-out twice as cue2ddp, Sonoris and HOFA have it (RE N9).
//!
//! `IMAGE.DAT`: 16 bits, little-endian, left before right, 44,100 Hz, whole sectors of 588 frames, no header; sector n is the time n (RE 6).
//!
//! `CDTEXT.BIN`: packs of 18 bytes, no header (RE 7, CDT); see `cdtext.rs`. One block, English, ISO 8859-1, titles (0x80), performers (0x81) and sizes
//! (0x8F). Codes are not repeated as 0x8E: they stand in the subcode, and no writer that was looked at does it.
//!
//! `CHECKSUM.MD5`: no part of DDP (RE 9). A line for each file, `<32 hex> *<name>`, as `md5sum -c` reads it.

mod cdtext;
mod ddp;
mod latin;
mod rules;
mod sheets;

pub use cdtext::cd_text;
pub(crate) use ddp::write_ddp_in;
pub use ddp::{CHECKSUM_NAME, IMAGE_NAME, ddp_files, write_ddp};
pub use latin::{Latin, latin};
pub use rules::{Rule, Severity, check};
pub use sheets::{cue, pq_sheet, toc};

pub const SECTORS_PER_SECOND: u32 = 75;
pub const SECTOR_BYTES: u64 = 2352;
/// Frames of sound in a sector, at 44,100 Hz.
pub const SECTOR_FRAMES: u64 = 588;
/// The pause before the first track: two seconds.
pub const PAUSE_SECTORS: u32 = 2 * SECTORS_PER_SECOND;

/// What stands on a disc, and where. All places are sectors of the image, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disc {
    pub title: String,
    pub performer: String,
    /// UPC-A or EAN-13; empty where there is none.
    pub upc: String,
    /// The label's number. It is the set's master ID and never reaches the disc.
    pub catalogue: String,
    pub tracks: Vec<DiscTrack>,
    /// Of the whole image: here the lead-out begins.
    pub sectors: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiscTrack {
    pub title: String,
    /// Where it is empty, the disc's.
    pub performer: String,
    pub isrc: String,
    /// Where its pause begins. The first track has one at 0.
    pub index0: Option<u32>,
    /// Where a player jumps to.
    pub index1: u32,
    /// The first sector that is no longer of it.
    pub end: u32,
    pub copy_permitted: bool,
    pub pre_emphasis: bool,
}

impl DiscTrack {
    /// A track by its places in frames of sound. Where its pause begins with itself it has none. Nothing where a place is on no sector.
    pub fn placed(index0: u64, index1: u64, end: u64) -> Option<DiscTrack> {
        let sector = |frames: u64| {
            frames.is_multiple_of(SECTOR_FRAMES).then(|| u32::try_from(frames / SECTOR_FRAMES).ok()).flatten()
        };
        let (index0, index1, end) = (sector(index0)?, sector(index1)?, sector(end)?);
        let index0 = (index0 != index1).then_some(index0);
        Some(DiscTrack { index0, index1, end, ..DiscTrack::default() })
    }

    /// Its first sector, pause included.
    fn first(&self) -> u32 {
        self.index0.unwrap_or(self.index1)
    }
}

impl Disc {
    /// Of a track by its place in the list.
    fn performer_of(&self, track: &DiscTrack) -> String {
        let own = if track.performer.trim().is_empty() { &self.performer } else { &track.performer };
        own.clone()
    }

    /// Where the track behind this one begins, or the lead-out.
    fn next_first(&self, at: usize) -> u32 {
        self.tracks.get(at + 1).map_or(self.sectors, DiscTrack::first)
    }

    /// Where the music behind this track begins, or the lead-out.
    fn next_music(&self, at: usize) -> u32 {
        self.tracks.get(at + 1).map_or(self.sectors, |next| next.index1)
    }
}

/// Minutes, seconds, frames of 1/75 s.
fn time(sectors: u32) -> (u32, u32, u32) {
    let seconds = sectors / SECTORS_PER_SECOND;
    (seconds / 60, seconds % 60, sectors % SECTORS_PER_SECOND)
}

/// `mm:ss:ff`.
fn clock(sectors: u32) -> String {
    let (minutes, seconds, frames) = time(sectors);
    format!("{minutes:02}:{seconds:02}:{frames:02}")
}
