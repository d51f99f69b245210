//! What is asked for, what comes back, how far it is: plain data that goes through JSON to a child and back. Never here: work.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::profile::RecordSheet;

/// Everything that is needed to make the files of a record; as JSON the job of a child.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The sheet that the dry run was made of. Its cover is read from `cover`.
    pub sheet: RecordSheet,
    pub profiles: Vec<ProfileText>,
    /// In the order of the sheet's songs.
    pub songs: Vec<SongFiles>,
    /// JPEG or PNG.
    pub cover: Option<PathBuf>,
    /// It is made. Other files that stand in it are left alone, but for those whose names are needed.
    pub out_dir: PathBuf,
    /// [`super::engine`] of the program that began it, noted by whoever keeps jobs: another one would make other bytes beside what is finished. Empty:
    /// nobody noted it.
    #[serde(default)]
    pub engine: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileText {
    /// As its text says it too.
    pub name: String,
    pub toml: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SongFiles {
    pub main: SourceFile,
    /// In the order of the song's other files in the sheet.
    #[serde(default)]
    pub others: Vec<SourceFile>,
    /// In the order of the song's alternates in the sheet.
    pub alternates: Vec<AlternateFile>,
}

impl SongFiles {
    /// Every file, the main and its other forms first, then each alternate with its own.
    pub fn all(&self) -> impl Iterator<Item = &SourceFile> {
        let alternates = self.alternates.iter().flat_map(|it| std::iter::once(&it.file).chain(&it.others));
        std::iter::once(&self.main).chain(&self.others).chain(alternates)
    }

    /// The same, to be changed.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut SourceFile> {
        let alternates =
            self.alternates.iter_mut().flat_map(|it| std::iter::once(&mut it.file).chain(&mut it.others));
        std::iter::once(&mut self.main).chain(&mut self.others).chain(alternates)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlternateFile {
    pub token: String,
    pub file: SourceFile,
    /// In the order of the alternate's other files in the sheet.
    #[serde(default)]
    pub others: Vec<SourceFile>,
}

/// A file that was signed. Another one under its path is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    pub path: PathBuf,
    /// Hexadecimal.
    pub sha256: String,
}

/// A file of the delivery, at `out_dir/<folder>/<name>`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MadeFile {
    pub profile: String,
    /// `<profile>`, or `<profile>/<folder of the plan>`.
    pub folder: String,
    pub name: String,
    /// Token of its kind: [`crate::profile::Kind::token`].
    pub kind: String,
    /// Of its last bytes, tags and all.
    pub sha256: String,
    pub bytes: u64,
    /// This and what follows: 0 for what is no sound.
    pub sample_rate: u32,
    /// Of a sample; 0 for coders, which have none.
    pub bits: u32,
    pub channels: u32,
    pub frames: u64,
    /// Its samples are those of the signed master, bit for bit; of a disc those of all masters, with silence between them.
    pub exact: bool,
    /// Samples that went beyond full scale while it was made and were cut off at it.
    #[serde(default)]
    pub over_full_scale: u64,
    /// `None` for silence, and for what is no sound.
    pub integrated_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
}

/// A record that is made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// In the order of the profiles and of their plans.
    pub files: Vec<MadeFile>,
    /// What people want to know later of how it was made, at most 100 KiB: `made_by`, `record`, `album_gain_db`; `profiles`, each with date, digest and what
    /// its plan warned of; `disc`, what is to be known of it; `levels`, a row for every sound of `files` by its place there, as `level_columns` says;
    /// `consistency` and `penalties` of the plan. `made` is what the profiles say
    /// of the sounds themselves, each with `file`. `left_out` where it had to be shortened. Figures have two places; keys are added to and never renamed.
    pub report_json: String,
}

/// How far it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// For people: "cd: image", "hi-res: track 3 of 10".
    pub step: String,
    /// 0 to 1, never falling.
    pub fraction: f64,
    pub files_done: u32,
    pub files: u32,
}
