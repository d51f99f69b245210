//! The plan of a record: every file that a profile asks for, with its name, format, length and size, and everything that is wrong, before a sample is
//! rendered. The same sheet and profile give the same plan. Never here: rendering; the rules themselves.

use super::{
    Finding, Held, Penalty, Profile, maker::Maker, penalties, record_rules, sheet::Figures,
    sheet::RecordSheet,
};
use crate::{
    decode::Bext,
    write::{Encoding, Tags},
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Name, date and digest of the profile it was made by.
    pub profile: String,
    pub dated: String,
    pub sha256: String,
    /// In the order of the profile; checksums last. None where the record cannot be reckoned.
    pub files: Vec<PlannedFile>,
    /// Blocks first.
    pub findings: Vec<Finding>,
    pub penalties: Vec<Penalty>,
    /// What the profile says of files that are made.
    pub held: Held,
}

impl Plan {
    /// Nothing keeps it from being made.
    pub fn ready(&self) -> bool {
        !self.findings.iter().any(|it| it.block)
    }

    /// Where a file of it lies in the delivery: the folder of a profile is its name.
    pub fn folder_of(&self, file: &PlannedFile) -> String {
        match file.folder.as_str() {
            "" => self.profile.clone(),
            folder => format!("{}/{folder}", self.profile),
        }
    }

    /// Of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, it| sum.saturating_add(it.bytes))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct PlannedFile {
    /// Inside of the profile's own folder; empty: directly in it.
    pub folder: String,
    pub name: String,
    pub kind: Kind,
    /// "main"; of kind `song` its alternate; empty for what is no sound of a song.
    pub alternate: String,
    /// `None` for what is no sound.
    pub encoding: Option<Encoding>,
    /// 0 for what is no sound.
    pub sample_rate: u32,
    pub channels: usize,
    pub frames: u64,
    pub bytes: u64,
    /// Else `bytes` is an estimate.
    pub bytes_exact: bool,
    /// What it is made from, by place in the running order.
    pub songs: Vec<usize>,
    /// Of kind `side`, from 0.
    pub side: Option<usize>,
    /// Its samples are those of the signed master, bit for bit; of a disc those of all masters, with silence between them.
    pub exact: bool,
    /// What goes into it; without the cover.
    pub tags: Option<Tags>,
    pub cover: bool,
    /// Without levels, which are measured while it is made.
    pub bext: Option<Bext>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Track,
    Song,
    Side,
    Whole,
    /// The sound of the disc in a DDP-compatible set.
    DdpImage,
    /// What stands beside it there.
    DdpFile,
    DiscImage,
    Cue,
    Toc,
    PqSheet,
    SideSheet,
    LabelCopyCsv,
    LabelCopyJson,
    Penalties,
    Sha256,
    Md5,
}

impl Kind {
    pub fn token(self) -> &'static str {
        match self {
            Kind::Track => "track",
            Kind::Song => "song",
            Kind::Side => "side",
            Kind::Whole => "whole",
            Kind::DdpImage => "ddp-image",
            Kind::DdpFile => "ddp-file",
            Kind::DiscImage => "disc-image",
            Kind::Cue => "cue",
            Kind::Toc => "toc",
            Kind::PqSheet => "pq-sheet",
            Kind::SideSheet => "side-sheet",
            Kind::LabelCopyCsv => "label-copy-csv",
            Kind::LabelCopyJson => "label-copy-json",
            Kind::Penalties => "penalties",
            Kind::Sha256 => "sha256",
            Kind::Md5 => "md5",
        }
    }
}

/// Plans a record. What it finds wrong stands in `findings`; a record that cannot be reckoned at all has no files.
pub fn plan(profile: &Profile, sheet: &RecordSheet) -> Plan {
    let mut plan = Plan {
        profile: profile.name.clone(),
        dated: profile.dated.clone(),
        sha256: profile.sha256.clone(),
        findings: record_rules::shape(sheet),
        held: Held::of(profile),
        ..Plan::default()
    };
    if !plan.ready() {
        return plan;
    }
    let heard: Vec<Figures> = (0..sheet.songs.len()).map(|song| sheet.heard(song)).collect();
    let seconds: Vec<f64> =
        sheet.songs.iter().map(|it| it.source.frames as f64 / f64::from(it.source.sample_rate)).collect();
    let album = sheet.album.map(|it| it.louder(sheet.album_gain_db));
    plan.penalties = penalties(&profile.platforms, &heard, &seconds, album.as_ref());
    let mut plan = Maker::new(profile, sheet, plan).make();
    plan.findings.sort_by_key(|it| !it.block);
    plan
}
