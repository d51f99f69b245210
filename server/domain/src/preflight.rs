//! Preflight: what can be said of a version from its files' measures alone. A block keeps the gate shut; a warning is for people.
//! The limits are those of the field's checklists (Producers & Engineers Wing delivery recommendations 2018; mastering engineers' intake sheets);
//! which of them block is this house's choice.
//!
//! Takes are raw material and are only warned about, except silence. Mixes are what mastering has to live with: they block hardest. Masters are loud on
//! purpose: clipping warns, inter-sample peaks over full scale block where the file is lossless.

use crate::{Alternate, AudioFacts, Element, File, Project, TenthsDb, Version, VersionKind};

/// How grave a check is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Off,
    Warn,
    Block,
}

/// A change to one check of a project. `None`: as the house has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreflightSetting {
    pub code: String,
    pub kind: VersionKind,
    pub severity: Option<Severity>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Else a warning.
    pub block: bool,
    /// Stable.
    pub code: &'static str,
    pub text: String,
    pub alternate: Alternate,
    /// Where the limit comes from.
    pub source: &'static str,
    /// What to do about it.
    pub mend: &'static str,
}

/// One check as it stands in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub code: &'static str,
    pub kind: VersionKind,
    pub severity: Severity,
    /// As shipped; else set for this project.
    pub of_the_house: bool,
    pub source: &'static str,
    pub mend: &'static str,
}

/// Every check of every kind of version.
pub fn rules(project: &Project) -> Vec<Rule> {
    let _ = project;
    Vec::new()
}

const LOSSY_CODECS: [&str; 6] = ["mp3", "aac", "vorbis", "opus", "mp2", "wma"];
/// -60 dBFS.
const DC_OFFSET_MAX: f64 = 0.001;
/// 0.01 dB of meter error is not a fault of the music.
const OVER_FULL_SCALE_DBTP: f64 = 0.01;
/// Quieter than anything that was meant to be heard.
const SILENCE_DBFS: f64 = -90.0;

/// What an inspection may remark, and whether it keeps a mix from mastering. A mix with nothing on one side, or with one side upside down, was
/// bounced wrong; the rest can be meant.
const REMARKS: [(&str, bool); 12] = [
    ("SILENT_CHANNEL", true),
    ("INVERTED", true),
    ("FLAT_TOPS", false),
    ("HEAD_CUT", false),
    ("LOW_CORRELATION", false),
    ("BALANCE", false),
    ("BITS", false),
    ("UPSAMPLED", false),
    ("LOSSY_SPECTRUM", false),
    ("CUT_SPECTRUM", false),
    ("CLICKS", false),
    ("DROPOUTS", false),
];

pub(crate) fn rule(
    project: &Project,
    actor: &crate::Actor,
    command: &crate::Command,
) -> Result<crate::decide::Ruling, crate::Refusal> {
    let _ = (project, actor, command);
    crate::decide::misrouted()
}

pub fn blocks(project: &Project, version: &Version) -> bool {
    findings(project, version).iter().any(|finding| finding.block)
}

/// In the order of the files, the Main first.
pub fn findings(project: &Project, version: &Version) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in &version.files {
        let mut on = Findings { found: &mut found, file, kind: version.kind };
        on.level();
        on.format();
        on.heads_and_tails();
        on.remarks();
        if let Some(main) = version.main() {
            on.beside_main(main);
        }
        on.older(project, version);
    }
    found
}

struct Findings<'a> {
    found: &'a mut Vec<Finding>,
    file: &'a File,
    kind: VersionKind,
}

impl Findings<'_> {
    fn add(&mut self, block: bool, code: &'static str, text: impl Into<String>) {
        let alternate = self.file.alternate;
        let finding = Finding { block, code, text: text.into(), alternate, source: "", mend: "" };
        // A master has each alternate in several formats: what is true of all of them is said once.
        if !self.found.contains(&finding) {
            self.found.push(finding);
        }
    }

    fn level(&mut self) {
        let facts = &self.file.facts;
        if facts.sample_peak_dbfs < SILENCE_DBFS {
            self.add(true, "SILENT", "The file is silent.");
            return;
        }
        // The mixer's loud reference is loud on purpose; it is sent along, never mastered.
        let mix = self.kind == VersionKind::Mix && self.file.alternate != Alternate::Limited;
        if facts.clipped_samples > 0 {
            let text = format!("{} samples stand in runs at full scale: it clips.", facts.clipped_samples);
            self.add(mix, "CLIPPED", text);
        }
        if facts.true_peak_dbtp > OVER_FULL_SCALE_DBTP {
            let master = self.kind == VersionKind::Master && !is_lossy(facts);
            let text = format!("The true peak is {:+.2} dBTP, above full scale.", facts.true_peak_dbtp);
            self.add(mix || master, "TRUE_PEAK_OVER", text);
        } else if mix && facts.sample_peak_dbfs > -3.0 {
            let text = format!("The peak is {:.2} dBFS; mastering likes -3 or less.", facts.sample_peak_dbfs);
            self.add(false, "LITTLE_HEADROOM", text);
        }
        if facts.dc_offset.abs() > DC_OFFSET_MAX {
            let text = format!("It has a DC offset of {:.2} % of full scale.", facts.dc_offset.abs() * 100.0);
            self.add(false, "DC_OFFSET", text);
        }
        if facts.channels == 2 && facts.correlation < 0.0 {
            let text =
                format!("Left and right correlate at {:.2}: it will thin out in mono.", facts.correlation);
            self.add(false, "OUT_OF_PHASE", text);
        }
        if facts.channels == 2 && facts.correlation > 0.999_999 {
            self.add(false, "DUAL_MONO", "Left and right are the same: a mono mix in a stereo file.");
        }
    }

    fn format(&mut self) {
        let facts = &self.file.facts;
        let mix = self.kind == VersionKind::Mix;
        if is_lossy(facts) && self.kind != VersionKind::Master {
            let text = format!(
                "{} has thrown sound away; a WAV or FLAC of it is needed.",
                facts.codec.to_uppercase()
            );
            self.add(mix, "LOSSY", text);
        } else if mix && !facts.float && facts.bits > 0 && facts.bits < 24 {
            self.add(false, "FEW_BITS", format!("It has {} bits; 24 or 32 float are asked.", facts.bits));
        }
        if mix && facts.sample_rate_hz < 44_100 {
            self.add(true, "LOW_RATE", format!("{} Hz is below the rate of a CD.", facts.sample_rate_hz));
        } else if mix && facts.sample_rate_hz < 48_000 {
            let text = format!("It has {} Hz; 48000 and more are preferred.", facts.sample_rate_hz);
            self.add(false, "RATE_UNDER_48K", text);
        }
        if mix && facts.channels > 2 {
            self.add(
                true,
                "CHANNELS",
                format!("It has {} channels; a mix is mono or stereo.", facts.channels),
            );
        }
    }

    fn heads_and_tails(&mut self) {
        let facts = &self.file.facts;
        if self.kind != VersionKind::Mix {
            return;
        }
        if facts.head_silence_s > 5.0 {
            let text = format!("{:.1} s of silence before the music.", facts.head_silence_s);
            self.add(false, "LONG_HEAD", text);
        }
        if facts.tail_silence_s > 5.0 {
            self.add(
                false,
                "LONG_TAIL",
                format!("{:.1} s of silence after the music.", facts.tail_silence_s),
            );
        }
        if facts.frames > 0 && facts.tail_silence_s <= 0.0 {
            self.add(false, "TAIL_CUT", "The end may be cut: the last sound does not fall below -60 dBFS.");
        }
    }

    /// What the inspection heard. A code that this house does not know comes from a newer inspector: it is shown, and it blocks nothing.
    fn remarks(&mut self) {
        for remark in &self.file.facts.remarks {
            let known = REMARKS.iter().find(|(code, _)| *code == remark.code);
            let (code, blocks_a_mix) = known.copied().unwrap_or(("REMARK", false));
            self.add(blocks_a_mix && self.kind == VersionKind::Mix, code, remark.text.clone());
        }
    }

    fn beside_main(&mut self, main: &File) {
        let (file, facts) = (self.file, &self.file.facts);
        if file.alternate == Alternate::Main || self.kind == VersionKind::Master {
            return;
        }
        let block = self.kind == VersionKind::Mix;
        let words = file.alternate.words();
        if facts.sample_rate_hz != main.facts.sample_rate_hz {
            let text = format!("It has {} Hz, the Main {}.", facts.sample_rate_hz, main.facts.sample_rate_hz);
            self.add(block, "RATE_DIFFERS", text);
        } else if same_length_as_main(file.alternate) && facts.frames != main.facts.frames {
            let text = format!(
                "It has {} frames, the Main {}: they would not line up.",
                facts.frames, main.facts.frames
            );
            self.add(block, "LENGTH_DIFFERS", text);
        }
        if (facts.bits, facts.float) != (main.facts.bits, main.facts.float) {
            self.add(false, "DEPTH_DIFFERS", "Its bit depth is not that of the Main.");
        }
        if file.digest == main.digest {
            let text = format!("The {words} is the Main, byte for byte.");
            self.add(block && must_differ(file.alternate), "SAME_AS_MAIN", text);
        }
        if let Alternate::Cut(seconds) = file.alternate
            && u64::from(seconds) * u64::from(facts.sample_rate_hz) != facts.frames
        {
            self.add(false, "CUT_LENGTH", format!("It is not exactly {seconds} seconds long."));
        }
        if let Alternate::Step(Element::Vocal, TenthsDb(step)) = file.alternate {
            let louder_lu = facts.integrated_lufs - main.facts.integrated_lufs;
            // A step of one element moves the whole by less, never the other way. 0.05 LU is the meter's grain.
            if louder_lu.is_finite() && louder_lu * f64::from(step) < 0.0 && louder_lu.abs() > 0.05 {
                let text = format!("The {words} is {louder_lu:+.1} LU against the Main: the wrong way.");
                self.add(false, "STEP_WRONG_WAY", text);
            }
        }
    }

    fn older(&mut self, project: &Project, version: &Version) {
        let of_older = |older: &&Version| {
            older.kind == version.kind
                && older.number < version.number
                && older.files.iter().any(|file| file.digest == self.file.digest)
        };
        let twin = project.versions_of(version.song).find(of_older).map(Version::name);
        if let Some(twin) = twin {
            self.add(false, "UNCHANGED", format!("It is unchanged since {twin}."));
        }
    }
}

fn is_lossy(facts: &AudioFacts) -> bool {
    let codec = facts.codec.to_ascii_lowercase();
    LOSSY_CODECS.iter().any(|lossy| codec == *lossy || codec.starts_with(&format!("{lossy} ")))
}

fn same_length_as_main(alternate: Alternate) -> bool {
    !matches!(
        alternate,
        Alternate::Cut(_)
            | Alternate::RadioEdit
            | Alternate::Extended
            | Alternate::Clean
            | Alternate::Sting
            | Alternate::Underscore
            | Alternate::Bumper
    )
}

/// An alternate that is named for what is missing or moved cannot be the Main itself; a song without profanity is its own clean version.
fn must_differ(alternate: Alternate) -> bool {
    matches!(
        alternate,
        Alternate::Step(..)
            | Alternate::Instrumental
            | Alternate::Tv(_)
            | Alternate::ACappella
            | Alternate::LeadVocalOnly
            | Alternate::BackgroundVocalsOnly
            | Alternate::NoDrums
            | Alternate::Stem(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    fn found(
        kind: VersionKind,
        alternate: Alternate,
        change: impl Fn(&mut AudioFacts),
    ) -> Vec<(bool, &'static str)> {
        let mut version = Given::mixed().project.versions.get(crate::VersionId(10)).unwrap().clone();
        version.kind = kind;
        version.files = vec![file(Alternate::Main, 1), file(alternate, 2)];
        if alternate == Alternate::Main {
            version.files.pop();
        }
        change(&mut version.files.last_mut().unwrap().facts);
        let found = findings(&Project::default(), &version);
        found.into_iter().map(|finding| (finding.block, finding.code)).collect()
    }

    #[test]
    fn what_the_inspection_remarks_is_told_and_only_a_wrong_bounce_blocks() {
        let remark = |code: &str| {
            let code = code.to_owned();
            move |facts: &mut AudioFacts| {
                let said = crate::Remark { code: code.clone(), text: "Said.".into(), at_ms: Some(1_500) };
                facts.remarks.push(said);
            }
        };
        assert_eq!(found(VersionKind::Mix, Alternate::Main, remark("CLICKS")), [(false, "CLICKS")]);
        assert_eq!(found(VersionKind::Mix, Alternate::Main, remark("INVERTED")), [(true, "INVERTED")]);
        assert_eq!(found(VersionKind::Take, Alternate::Main, remark("INVERTED")), [(false, "INVERTED")]);
        // A code of tomorrow is shown and blocks nothing.
        assert_eq!(found(VersionKind::Mix, Alternate::Main, remark("HUMS")), [(false, "REMARK")]);
    }

    #[test]
    fn a_clean_mix_passes() {
        assert_eq!(found(VersionKind::Mix, Alternate::Instrumental, |_| {}), []);
    }

    #[test]
    fn what_mastering_cannot_repair_blocks_a_mix() {
        let main = |change: fn(&mut AudioFacts)| found(VersionKind::Mix, Alternate::Main, change);
        assert_eq!(main(|facts| facts.clipped_samples = 3), [(true, "CLIPPED")]);
        assert_eq!(main(|facts| facts.true_peak_dbtp = 0.3), [(true, "TRUE_PEAK_OVER")]);
        assert_eq!(main(|facts| facts.codec = "mp3".to_owned()), [(true, "LOSSY")]);
        assert_eq!(main(|facts| facts.sample_peak_dbfs = f64::NEG_INFINITY), [(true, "SILENT")]);
        assert_eq!(main(|facts| facts.bits = 16), [(false, "FEW_BITS")]);
        assert_eq!(main(|facts| facts.dc_offset = -0.01), [(false, "DC_OFFSET")]);
    }

    #[test]
    fn takes_and_loud_references_are_only_warned_about() {
        let clip = |facts: &mut AudioFacts| facts.clipped_samples = 3;
        assert_eq!(found(VersionKind::Take, Alternate::Main, clip), [(false, "CLIPPED")]);
        assert_eq!(found(VersionKind::Mix, Alternate::Limited, clip), [(false, "CLIPPED")]);
        assert_eq!(found(VersionKind::Master, Alternate::Main, clip), [(false, "CLIPPED")]);
    }

    #[test]
    fn alternates_line_up_with_the_main() {
        let shorter = |facts: &mut AudioFacts| facts.frames -= 1;
        assert_eq!(found(VersionKind::Mix, Alternate::Instrumental, shorter), [(true, "LENGTH_DIFFERS")]);
        assert_eq!(found(VersionKind::Mix, Alternate::RadioEdit, shorter), []);
        let quieter = |facts: &mut AudioFacts| facts.integrated_lufs -= 0.5;
        let up = Alternate::Step(Element::Vocal, TenthsDb(10));
        assert_eq!(found(VersionKind::Mix, up, quieter), [(false, "STEP_WRONG_WAY")]);
        assert_eq!(found(VersionKind::Mix, Alternate::Cut(30), |_| {}), [(false, "CUT_LENGTH")]);
    }
}
