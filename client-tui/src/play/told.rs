//! What was heard and the studio does not know yet: stretches of files in milliseconds, joined, kept in a file of this profile while the line is down. What was
//! told once is forgotten here; told twice it counts once. Never here: what counts as heard.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use deadwax_proto::v1;
use serde::{Deserialize, Serialize};

use super::Track;
use crate::cache::audio::Ranges;

/// The contract's limit for one report.
const RANGES_MAX: usize = 1000;
/// Files that are remembered; nobody hears more without a line.
const FILES_MAX: usize = 2000;
const FILE_BYTES_MAX: u64 = 8 << 20;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Of {
    project_id: String,
    version_id: String,
    alternate: String,
}

#[derive(Debug, Default)]
pub(super) struct Told {
    path: Option<PathBuf>,
    waiting: BTreeMap<Of, Ranges>,
}

/// One file in the file.
#[derive(Serialize, Deserialize)]
struct Line {
    project_id: String,
    version_id: String,
    alternate: String,
    ranges: Vec<(u64, u64)>,
}

impl Told {
    /// With what an earlier run could not tell. A file that cannot be read is as none.
    pub(super) fn open(path: Option<PathBuf>) -> Told {
        let mut told = Told { path, ..Told::default() };
        let text = told.path.as_deref().and_then(read);
        let lines: Vec<Line> = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        for line in lines.into_iter().take(FILES_MAX) {
            let of =
                Of { project_id: line.project_id, version_id: line.version_id, alternate: line.alternate };
            let ranges = told.waiting.entry(of).or_default();
            line.ranges.into_iter().for_each(|(from, to)| ranges.add(from, to));
        }
        told
    }

    /// Frames `from..to` of a track at `rate` were heard.
    pub(super) fn add(&mut self, track: &Track, rate: u32, from: u64, to: u64) {
        let ms = |frames: u64| frames * 1000 / u64::from(rate.max(1));
        let whole = track.frames * 1000 / u64::from(track.sample_rate.max(1));
        let (from, to) = (ms(from), ms(to).min(whole));
        if from >= to || track.version_id.is_empty() {
            return;
        }
        let of = Of {
            project_id: track.project_id.clone(),
            version_id: track.version_id.clone(),
            alternate: track.alternate.clone(),
        };
        if self.waiting.len() < FILES_MAX || self.waiting.contains_key(&of) {
            self.waiting.entry(of).or_default().add(from, to);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What is told next; it waits until `done` says that it arrived.
    pub(super) fn requests(&self) -> Vec<v1::ReportHeardRequest> {
        let request = |(of, ranges): (&Of, &Ranges)| v1::ReportHeardRequest {
            project_id: of.project_id.clone(),
            version_id: of.version_id.clone(),
            alternate: of.alternate.clone(),
            ranges: ranges
                .iter()
                .take(RANGES_MAX)
                .map(|(start_ms, end_ms)| v1::HeardRange { start_ms, end_ms })
                .collect(),
        };
        self.waiting.iter().map(request).collect()
    }

    /// The studio answered: what was asked need not be told again, whether it said yes or no.
    pub(super) fn done(&mut self, request: &v1::ReportHeardRequest) {
        let of = Of {
            project_id: request.project_id.clone(),
            version_id: request.version_id.clone(),
            alternate: request.alternate.clone(),
        };
        let Some(ranges) = self.waiting.get_mut(&of) else { return };
        request.ranges.iter().for_each(|range| ranges.take_out(range.start_ms, range.end_ms));
        if ranges.bytes() == 0 {
            self.waiting.remove(&of);
        }
    }

    /// Keeps what is still to be told, or removes the file where nothing is.
    ///
    /// # Errors
    /// Of the disk: then it is told in this run or not at all.
    pub(super) fn save(&self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if self.waiting.is_empty() {
            return match std::fs::remove_file(path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
                _ => Ok(()),
            };
        }
        let line = |(of, ranges): (&Of, &Ranges)| Line {
            project_id: of.project_id.clone(),
            version_id: of.version_id.clone(),
            alternate: of.alternate.clone(),
            ranges: ranges.iter().collect(),
        };
        let lines: Vec<Line> = self.waiting.iter().map(line).collect();
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        // 0600, and whole or not at all.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(&lines).map_err(io::Error::other)?)?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    }
}

fn read(path: &Path) -> Option<String> {
    let about = std::fs::metadata(path).ok()?;
    if about.len() > FILE_BYTES_MAX {
        return None;
    }
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track() -> Track {
        Track {
            project_id: "p".into(),
            version_id: "v".into(),
            alternate: "main".into(),
            sha256: String::new(),
            label: String::new(),
            sample_rate: 44_100,
            channels: 2,
            frames: 44_100 * 60,
            bytes: 0,
            lufs: 0.0,
            true_peak_dbtp: 0.0,
            original: true,
        }
    }

    #[test]
    fn what_was_not_told_waits_in_a_file_and_what_was_told_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("heard.json");
        let mut told = Told::open(Some(path.clone()));
        // At the deck's rate, which need not be the track's.
        told.add(&track(), 48_000, 0, 96_000);
        told.add(&track(), 48_000, 96_000, 144_000);
        told.add(&track(), 48_000, 480_000, 528_000);
        told.save().unwrap();
        let mut again = Told::open(Some(path.clone()));
        let requests = again.requests();
        let ranges: Vec<_> = requests[0].ranges.iter().map(|it| (it.start_ms, it.end_ms)).collect();
        assert_eq!(ranges, [(0, 3_000), (10_000, 11_000)]);
        // Meanwhile more was heard: that stays.
        again.add(&track(), 48_000, 144_000, 192_000);
        again.done(&requests[0]);
        assert_eq!(again.requests()[0].ranges, [v1::HeardRange { start_ms: 3_000, end_ms: 4_000 }]);
        let last = again.requests();
        again.done(&last[0]);
        again.save().unwrap();
        assert!(again.is_empty() && !path.exists());
    }

    #[test]
    fn nothing_is_told_behind_the_end_or_of_a_file_of_this_machine() {
        let mut told = Told::open(None);
        told.add(&track(), 44_100, 44_100 * 59, 44_100 * 70);
        assert_eq!(told.requests()[0].ranges, [v1::HeardRange { start_ms: 59_000, end_ms: 60_000 }]);
        let mut told = Told::open(None);
        told.add(&Track { version_id: String::new(), ..track() }, 44_100, 0, 44_100);
        assert!(told.is_empty());
    }
}
