//! The checks themselves: what the measures of the files say, each with its code and its figures. How grave that is, where the limit comes from and how it is
//! mended stands in `table`. Never here: a file that is opened.

use super::{Finding, table};
use crate::{
    Alternate, AudioFacts, Element, Examined, File, Project, Severity, Song, TenthsDb, Version, VersionKind,
};

const LOSSY_CODECS: [&str; 6] = ["mp3", "aac", "vorbis", "opus", "mp2", "wma"];
/// -60 dBFS.
const DC_OFFSET_MAX: f64 = 0.001;
/// 0.01 dB of meter error is not a fault of the music.
const OVER_FULL_SCALE_DBTP: f64 = 0.01;
/// Quieter than anything that was meant to be heard.
const SILENCE_DBFS: f64 = -90.0;

/// Words in names of files that mean one part and no other.
const SAID: [(&str, &str); 8] = [
    ("main", "main"),
    ("inst", "instrumental"),
    ("instrumental", "instrumental"),
    ("acap", "a cappella"),
    ("acapella", "a cappella"),
    ("acappella", "a cappella"),
    ("cappella", "a cappella"),
    ("tv", "TV mix"),
];
/// A shorter title stands in many a name by chance.
const TITLE_MIN: usize = 4;

/// In the order of the files, the Main first; then what was said of the files among each other.
pub fn findings(project: &Project, version: &Version) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in &version.files {
        let mut on = Findings { project, found: &mut found, file, kind: version.kind };
        on.level();
        on.format();
        on.heads_and_tails();
        on.remarks();
        if let Some(main) = version.main() {
            on.beside_main(main);
        }
        on.older(project, version);
        on.name(project, version);
    }
    if let Some(examined) = project.examinations.get(version.id) {
        examination(project, version, examined, &mut found);
    }
    found
}

/// What the examination said of the alternates. A code that this house does not know is shown all the same.
fn examination(project: &Project, version: &Version, examined: &Examined, found: &mut Vec<Finding>) {
    if let Some(why) = &examined.failed {
        let text = format!("{} could not be examined: {}", version.name(), sentence(why));
        let said = Found { code: "NOT_EXAMINED", text, alternate: Alternate::Main };
        put(project, version.kind, found, said, Grave::AsTheHouse);
    }
    for one in &examined.found {
        let code = table::known(&one.code).filter(|code| table::is_examined(code)).unwrap_or("REMARK");
        let said = Found { code, text: one.text.clone(), alternate: one.alternate };
        put(project, version.kind, found, said, Grave::Found { block: one.block });
    }
}

fn sentence(text: &str) -> String {
    let text = text.trim();
    if text.ends_with(['.', '!', '?']) { text.to_owned() } else { format!("{text}.") }
}

/// What the check itself knows of how grave a finding is.
#[derive(Clone, Copy)]
enum Grave {
    AsTheHouse,
    /// It can be meant in this file: never more than a warning.
    WarnAtMost,
    /// The examination weighed it.
    Found {
        block: bool,
    },
}

fn put(project: &Project, kind: VersionKind, found: &mut Vec<Finding>, said: Found, grave: Grave) {
    let (rule, set) = table::rule(project, said.code, kind);
    let mut severity = rule.severity;
    match grave {
        Grave::AsTheHouse => {}
        Grave::WarnAtMost => severity = severity.min(Severity::Warn),
        // What the project set counts; else what was found, unless the house never blocks such a version for it.
        Grave::Found { block } if !set => {
            severity = severity.min(if block { Severity::Block } else { Severity::Warn });
        }
        Grave::Found { .. } => {}
    }
    if severity == Severity::Off {
        return;
    }
    let finding = Finding {
        block: severity == Severity::Block,
        code: said.code,
        text: said.text,
        alternate: said.alternate,
        source: rule.source,
        mend: rule.mend,
    };
    // A master has each alternate in several formats: what is true of all of them is said once.
    if !found.contains(&finding) {
        found.push(finding);
    }
}

/// A finding before it is weighed.
struct Found {
    code: &'static str,
    text: String,
    alternate: Alternate,
}

struct Findings<'a> {
    project: &'a Project,
    found: &'a mut Vec<Finding>,
    file: &'a File,
    kind: VersionKind,
}

impl Findings<'_> {
    fn add(&mut self, code: &'static str, text: impl Into<String>) {
        self.say(code, text, Grave::AsTheHouse);
    }

    /// `eased`: it can be meant in this file.
    fn add_eased(&mut self, eased: bool, code: &'static str, text: impl Into<String>) {
        self.say(code, text, if eased { Grave::WarnAtMost } else { Grave::AsTheHouse });
    }

    fn say(&mut self, code: &'static str, text: impl Into<String>, grave: Grave) {
        let said = Found { code, text: text.into(), alternate: self.file.alternate };
        put(self.project, self.kind, self.found, said, grave);
    }

    fn level(&mut self) {
        let facts = &self.file.facts;
        if facts.sample_peak_dbfs < SILENCE_DBFS {
            self.add("SILENT", "The file is silent.");
            return;
        }
        // The mixer's loud reference is loud on purpose; it is sent along, never mastered.
        let reference = self.file.alternate == Alternate::Limited;
        let mix = self.kind == VersionKind::Mix && !reference;
        if facts.clipped_samples > 0 {
            let text = format!("{} samples stand in runs at full scale: it clips.", facts.clipped_samples);
            self.add_eased(reference, "CLIPPED", text);
        }
        if facts.true_peak_dbtp > OVER_FULL_SCALE_DBTP {
            let eased = reference || (self.kind == VersionKind::Master && is_lossy(facts));
            let text = format!("The true peak is {:+.2} dBTP, above full scale.", facts.true_peak_dbtp);
            self.add_eased(eased, "TRUE_PEAK_OVER", text);
        } else if mix && facts.sample_peak_dbfs > -3.0 {
            let text = format!("The peak is {:.2} dBFS; mastering likes -3 or less.", facts.sample_peak_dbfs);
            self.add("LITTLE_HEADROOM", text);
        }
        if facts.dc_offset.abs() > DC_OFFSET_MAX {
            let text = format!("It has a DC offset of {:.2} % of full scale.", facts.dc_offset.abs() * 100.0);
            self.add("DC_OFFSET", text);
        }
        if facts.channels == 2 && facts.correlation < 0.0 {
            let text =
                format!("Left and right correlate at {:.2}: it will thin out in mono.", facts.correlation);
            self.add("OUT_OF_PHASE", text);
        }
        if facts.channels == 2 && facts.correlation > 0.999_999 {
            self.add("DUAL_MONO", "Left and right are the same: a mono mix in a stereo file.");
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
            self.add("LOSSY", text);
        } else if mix && !facts.float && facts.bits > 0 && facts.bits < 24 {
            self.add("FEW_BITS", format!("It has {} bits; 24 or 32 float are asked.", facts.bits));
        }
        if mix && facts.sample_rate_hz < 44_100 {
            self.add("LOW_RATE", format!("{} Hz is below the rate of a CD.", facts.sample_rate_hz));
        } else if mix && facts.sample_rate_hz < 48_000 {
            let text = format!("It has {} Hz; 48000 and more are preferred.", facts.sample_rate_hz);
            self.add("RATE_UNDER_48K", text);
        }
        if mix && facts.channels > 2 {
            self.add("CHANNELS", format!("It has {} channels; a mix is mono or stereo.", facts.channels));
        }
    }

    fn heads_and_tails(&mut self) {
        let facts = &self.file.facts;
        if self.kind != VersionKind::Mix {
            return;
        }
        if facts.head_silence_s > 5.0 {
            let text = format!("{:.1} s of silence before the music.", facts.head_silence_s);
            self.add("LONG_HEAD", text);
        }
        if facts.tail_silence_s > 5.0 {
            let text = format!("{:.1} s of silence after the music.", facts.tail_silence_s);
            self.add("LONG_TAIL", text);
        }
        if facts.frames > 0 && facts.tail_silence_s <= 0.0 {
            self.add("TAIL_CUT", "The end may be cut: the last sound does not fall below -60 dBFS.");
        }
    }

    /// What the inspection heard. A code that this house does not know comes from a newer inspector: it is shown, and it blocks nothing.
    fn remarks(&mut self) {
        for remark in &self.file.facts.remarks {
            let known = table::known(&remark.code).filter(|code| table::REMARKS.contains(code));
            self.add(known.unwrap_or("REMARK"), remark.text.clone());
        }
    }

    fn beside_main(&mut self, main: &File) {
        let (file, facts) = (self.file, &self.file.facts);
        if file.alternate == Alternate::Main || self.kind == VersionKind::Master {
            return;
        }
        let words = file.alternate.words();
        if facts.sample_rate_hz != main.facts.sample_rate_hz {
            let text = format!("It has {} Hz, the Main {}.", facts.sample_rate_hz, main.facts.sample_rate_hz);
            self.add("RATE_DIFFERS", text);
        } else if same_length_as_main(file.alternate) && facts.frames != main.facts.frames {
            let text = format!(
                "It has {} frames, the Main {}: they would not line up.",
                facts.frames, main.facts.frames
            );
            self.add("LENGTH_DIFFERS", text);
        }
        if (facts.bits, facts.float) != (main.facts.bits, main.facts.float) {
            self.add("DEPTH_DIFFERS", "Its bit depth is not that of the Main.");
        }
        if file.digest == main.digest {
            let text = format!("The {words} is the Main, byte for byte.");
            self.add_eased(!must_differ(file.alternate), "SAME_AS_MAIN", text);
        }
        if let Alternate::Cut(seconds) = file.alternate
            && u64::from(seconds) * u64::from(facts.sample_rate_hz) != facts.frames
        {
            self.add("CUT_LENGTH", format!("It is not exactly {seconds} seconds long."));
        }
        if let Alternate::Step(Element::Vocal, TenthsDb(step)) = file.alternate {
            let louder_lu = facts.integrated_lufs - main.facts.integrated_lufs;
            // A step of one element moves the whole by less, never the other way. 0.05 LU is the meter's grain.
            if louder_lu.is_finite() && louder_lu * f64::from(step) < 0.0 && louder_lu.abs() > 0.05 {
                let text = format!("The {words} is {louder_lu:+.1} LU against the Main: the wrong way.");
                self.add("STEP_WRONG_WAY", text);
            }
        }
    }

    /// Beside what came before it. Mixes of other lines are not named: while they compete, not everybody knows of them (V-1).
    fn older(&mut self, project: &Project, version: &Version) {
        let older: Vec<&Version> = project
            .versions_of(version.song)
            .take_while(|older| older.id != version.id)
            .filter(|older| older.line.is_none() || older.line == version.line)
            .collect();
        let same = |older: &&&Version| {
            older.kind == version.kind && older.files.iter().any(|file| file.digest == self.file.digest)
        };
        if let Some(twin) = older.iter().find(same).map(|twin| twin.name()) {
            self.add("UNCHANGED", format!("It is unchanged since {twin}."));
        }
        let facts = &self.file.facts;
        let more = |older: &&&Version| {
            let main = older.main().map(|main| &main.facts);
            older.kind != VersionKind::Master
                && main.is_some_and(|main| main.float || main.bits > facts.bits)
                && !main.is_some_and(is_lossy)
        };
        let few = self.kind == VersionKind::Mix && !facts.float && (1..24).contains(&facts.bits);
        if let Some(richer) = older.iter().rev().find(more).filter(|_| few) {
            let text = format!("It has {} bits; {} has more.", facts.bits, richer.name());
            self.add("FEWER_BITS", text);
        }
    }

    /// The wrong file under the right button. The name itself is not told: it may say who mixed it.
    fn name(&mut self, project: &Project, version: &Version) {
        let title = |song: &Song| plain(&song.title);
        let Some(own) = project.songs.get(version.song).map(title) else { return };
        let name = plain(&self.file.name);
        let says =
            |word: &str| name.split(' ').any(|one| one == word) && !own.split(' ').any(|one| one == word);
        let said: Vec<&str> = SAID.iter().filter(|(word, _)| says(word)).map(|(_, part)| *part).collect();
        let sent = said_part(self.file.alternate);
        if let (Some(part), Some(sent)) = (said.first(), sent)
            && !said.contains(&sent)
        {
            self.add("NAME_SAYS_OTHER", format!("Its name says {part}; it was sent as the {sent}."));
        }
        let holds =
            |title: &str| title.len() >= TITLE_MIN && format!(" {name} ").contains(&format!(" {title} "));
        let other = |song: &&Song| song.id != version.song && title(song) != own && holds(&title(song));
        let named = project.songs_in_order().find(other).filter(|_| !holds(&own));
        if let Some(other) = named {
            let (other, own) = (&other.title, project.song_name(version.song));
            self.add("NAME_SAYS_OTHER", format!("Its name says \"{other}\"; it was added to {own}."));
        }
    }
}

/// Lower case, words apart by one space.
fn plain(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

fn said_part(alternate: Alternate) -> Option<&'static str> {
    match alternate {
        Alternate::Main => Some("main"),
        Alternate::Instrumental => Some("instrumental"),
        Alternate::ACappella => Some("a cappella"),
        Alternate::Tv(_) => Some("TV mix"),
        _ => None,
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
