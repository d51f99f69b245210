//! What an examination looks at: which files are heard together, which is laid over which of the version before, which alternates are compared. Never
//! here: sound.

use std::collections::BTreeMap;

use deadwax_domain::{Alternate, AudioFacts, File, Project, Version};

/// Files of a version and of the one before, side by side.
#[derive(Debug)]
pub struct Plan<'a> {
    pub version: &'a Version,
    pub against: Option<&'a Version>,
    /// Whether the alternates are heard with their main: those that a render made are what the render made them.
    pub together: bool,
    pub pairs: Vec<FilePair<'a>>,
    /// Both versions have the same alternates, as many files of each.
    pub same_set: bool,
    /// Alternates that notes speak of, beside the main; both versions have them.
    pub noted: Vec<Alternate>,
}

#[derive(Clone, Copy, Debug)]
pub struct FilePair<'a> {
    pub was: &'a File,
    pub is: &'a File,
}

impl FilePair<'_> {
    /// Whether decoding them could tell anything: the same bytes need no ears, and other lengths are other files.
    pub fn is_worth_hearing(&self) -> bool {
        let shape = |facts: &AudioFacts| (facts.sample_rate_hz, facts.channels, facts.frames);
        self.was.digest != self.is.digest && shape(&self.was.facts) == shape(&self.is.facts)
    }
}

impl<'a> Plan<'a> {
    pub fn of(project: &'a Project, version: &'a Version) -> Plan<'a> {
        let against = project.predecessor(version);
        let has_alternates = version.files.iter().any(|file| file.alternate != Alternate::Main);
        let (pairs, same_set) = against.map_or((Vec::new(), false), |against| paired(against, version));
        let mut noted: Vec<Alternate> = match against {
            None => Vec::new(),
            Some(against) => project
                .notes_to_examine(version)
                .iter()
                .filter_map(|note| note.alternate)
                .filter(|alternate| *alternate != Alternate::Main)
                .filter(|alternate| [against, version].iter().all(|side| first(side, *alternate).is_some()))
                .collect(),
        };
        noted.sort_unstable();
        noted.dedup();
        Plan { version, against, together: version.by.is_some() && has_alternates, pairs, same_set, noted }
    }

    /// One file of each alternate: a master has several, and they hold the same sound.
    pub fn heard_together(&self) -> Vec<&'a File> {
        let mut files: BTreeMap<Alternate, &File> = BTreeMap::new();
        for file in self.version.files.iter().filter(|_| self.together) {
            files.entry(file.alternate).or_insert(file);
        }
        files.into_values().collect()
    }
}

/// The file that stands for an alternate.
pub fn first(version: &Version, alternate: Alternate) -> Option<&File> {
    version.files.iter().find(|file| file.alternate == alternate)
}

/// Every file with the one that it replaces: the same bytes if they are there, else the same form, else whichever is left of that alternate. False
/// where one side has a file too many.
fn paired<'a>(was: &'a Version, is: &'a Version) -> (Vec<FilePair<'a>>, bool) {
    let mut left: Vec<&File> = was.files.iter().collect();
    let mut alone: Vec<&File> = is.files.iter().collect();
    let mut pairs = Vec::new();
    let form = |file: &File| {
        let facts = &file.facts;
        (facts.container.clone(), facts.codec.clone(), facts.bits, facts.float, facts.sample_rate_hz)
    };
    for round in 0..3 {
        let alike = |old: &File, new: &File| match round {
            0 => old.digest == new.digest,
            1 => form(old) == form(new),
            _ => true,
        };
        alone.retain(|file| {
            let found = left.iter().position(|old| old.alternate == file.alternate && alike(old, file));
            if let Some(found) = found {
                pairs.push(FilePair { was: left.remove(found), is: file });
            }
            found.is_none()
        });
    }
    pairs.sort_by_key(|pair| pair.is.alternate);
    (pairs, left.is_empty() && alone.is_empty())
}

#[cfg(test)]
mod tests {
    use deadwax_domain::{Digest, SongId, Time, VersionId, VersionKind, fingerprint};

    use super::*;

    fn file(alternate: Alternate, digest: u8, container: &str) -> File {
        let facts = AudioFacts {
            container: container.into(),
            codec: container.into(),
            sample_rate_hz: 48_000,
            channels: 2,
            bits: 24,
            float: false,
            frames: 48_000,
            bytes: 1,
            integrated_lufs: -14.0,
            loudness_range_lu: 3.0,
            max_momentary_lufs: -12.0,
            max_short_term_lufs: -13.0,
            true_peak_dbtp: -1.0,
            sample_peak_dbfs: -1.0,
            dc_offset: 0.0,
            correlation: 1.0,
            head_silence_s: 0.0,
            tail_silence_s: 0.0,
            clipped_samples: 0,
            remarks: Vec::new(),
        };
        File { alternate, digest: Digest([digest; 32]), name: String::new(), facts }
    }

    fn version(files: Vec<File>) -> Version {
        Version {
            id: VersionId(1),
            song: SongId(1),
            kind: VersionKind::Master,
            number: 1,
            title: String::new(),
            changelog: String::new(),
            fingerprint: fingerprint(&files),
            files,
            by: None,
            at: Time(0),
            render: None,
            line: None,
        }
    }

    #[test]
    fn files_are_paired_by_bytes_then_by_form_then_by_name_alone() {
        use Alternate::{Instrumental, Main};
        let was = version(vec![
            file(Main, 1, "wav"),
            file(Main, 2, "flac"),
            file(Main, 3, "mp3"),
            file(Instrumental, 4, "wav"),
        ]);
        let is = version(vec![
            file(Main, 9, "ogg"),
            file(Main, 8, "flac"),
            file(Main, 1, "wav"),
            file(Instrumental, 7, "flac"),
        ]);
        let (pairs, same_set) = paired(&was, &is);
        let mut found: Vec<(u8, u8)> =
            pairs.iter().map(|pair| (pair.was.digest.0[0], pair.is.digest.0[0])).collect();
        found.sort_unstable();
        assert_eq!(found, [(1, 1), (2, 8), (3, 9), (4, 7)]);
        assert!(same_set);
    }

    #[test]
    fn a_file_more_or_less_is_another_set() {
        use Alternate::{Instrumental, Main};
        let one = version(vec![file(Main, 1, "wav")]);
        let more = version(vec![file(Main, 1, "wav"), file(Instrumental, 2, "wav")]);
        let twice = version(vec![file(Main, 1, "wav"), file(Main, 2, "flac")]);
        for (was, is) in [(&one, &more), (&more, &one), (&one, &twice), (&twice, &one)] {
            assert!(!paired(was, is).1);
        }
        assert!(paired(&more, &more).1);
    }
}
