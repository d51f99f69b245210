//! What runs inside the child for an examination: alternates heard together with their main, and files laid over those of the version before, sample
//! by sample. Never here: notes, versions, what follows from it.

use std::path::{Path, PathBuf};

use deadwax_domain::{Alternate, Element, TenthsDb, TvDefinition};
use deadwax_dsp::{
    Block, DspError, Flow, Spec,
    decode::Source,
    forensics::{self, Finding, Part, Severity},
};
use serde::{Deserialize, Serialize};

use crate::render::child::FailureKind;

/// What the parent writes for `child examine`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ExamineJob {
    pub together: Option<Together>,
    pub pairs: Vec<Pair>,
}

impl ExamineJob {
    /// All that is heard.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        let together = self.together.iter();
        let together = together
            .flat_map(|it| std::iter::once(&it.main).chain(it.alternates.iter().map(|(_, path)| path)));
        together.chain(self.pairs.iter().flat_map(|pair| [&pair.was, &pair.is]))
    }
}

/// A main and what was printed beside it, by token; one file each.
#[derive(Debug, Serialize, Deserialize)]
pub struct Together {
    pub main: PathBuf,
    pub alternates: Vec<(String, PathBuf)>,
}

/// The same file of two versions, as far as its name tells.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pair {
    pub token: String,
    pub was: PathBuf,
    pub is: PathBuf,
}

/// One line of `child examine`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExamineLine {
    Examined(Heard),
    Failed { kind: FailureKind, text: String },
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    pub findings: Vec<Said>,
    /// What could not be heard, and why.
    pub unheard: Vec<String>,
    /// One for each pair.
    pub likeness: Vec<Likeness>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub block: bool,
    pub code: String,
    /// The alternate to mend first.
    pub token: String,
    pub text: String,
}

/// What one file is to another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Likeness {
    /// The same samples in the same form.
    Metadata,
    /// The same samples in another container or word length.
    Pcm,
    /// As long and at the same rate; this much is left of one without the other where most is left, against the music, dB.
    Residual {
        db: f64,
    },
    Other,
}

pub fn hear(job: &ExamineJob) -> ExamineLine {
    let mut heard = Heard::default();
    if let Some(together) = &job.together {
        let alternates: Vec<_> = together
            .alternates
            .iter()
            .filter_map(|(token, path)| Some((token.clone(), part(Alternate::parse(token)?), path.clone())))
            .collect();
        match forensics::examine(&together.main, &alternates, &mut |_| Flow::Go) {
            Ok(examination) => heard.findings = examination.findings.into_iter().filter_map(said).collect(),
            Err(error) => {
                let mut names = vec![(together.main.as_path(), "the main".to_owned())];
                names.extend(alternates.iter().map(|(token, _, path)| (path.as_path(), the(token))));
                match unheard(&error, &names) {
                    Ok(text) => heard.unheard.push(text),
                    Err(failed) => return failed,
                }
            }
        }
    }
    for pair in &job.pairs {
        let likeness = match likeness(&pair.was, &pair.is) {
            Ok(likeness) => likeness,
            Err(error) => {
                let before = format!("{} of the version before", the(&pair.token));
                let names = [(pair.is.as_path(), the(&pair.token)), (pair.was.as_path(), before)];
                match unheard(&error, &names) {
                    Ok(text) => heard.unheard.push(text),
                    Err(failed) => return failed,
                }
                Likeness::Other
            }
        };
        heard.likeness.push(likeness);
    }
    ExamineLine::Examined(heard)
}

fn the(token: &str) -> String {
    format!("the {}", Alternate::parse(token).map_or_else(|| token.to_owned(), Alternate::words))
}

/// A file that cannot be heard says something of the file; a disk that cannot be read says nothing of it.
fn unheard(error: &DspError, names: &[(&Path, String)]) -> Result<String, ExamineLine> {
    let text = names
        .iter()
        .fold(error.to_string(), |text, (path, name)| text.replace(&path.display().to_string(), name));
    match error {
        DspError::Open { .. } | DspError::Write { .. } | DspError::Stopped => {
            Err(ExamineLine::Failed { kind: FailureKind::Other, text })
        }
        _ => Ok(text),
    }
}

/// What is only good to know stands in nobody's way and is left out; so is the level of what is printed at another level on purpose.
fn said(finding: Finding) -> Option<Said> {
    let first = finding.tokens.first().and_then(|token| Alternate::parse(token));
    let own_level = matches!(
        first,
        Some(Alternate::Limited | Alternate::Unlimited | Alternate::FlatMaster | Alternate::ProductionMaster)
    );
    let told = finding.severity != Severity::Info && !(own_level && finding.code == "ALT_LEVEL");
    told.then(|| Said {
        block: finding.severity == Severity::Block,
        code: finding.code.to_owned(),
        token: finding.tokens.into_iter().next().unwrap_or_else(|| Alternate::Main.to_string()),
        text: finding.words,
    })
}

/// What an alternate means for the ears.
fn part(alternate: Alternate) -> Part {
    match alternate {
        Alternate::Main => Part::Main,
        Alternate::Instrumental => Part::Instrumental,
        Alternate::ACappella => Part::Acappella,
        Alternate::Tv(TvDefinition::NoLead) => Part::Tv,
        Alternate::Clean => Part::Clean,
        Alternate::Step(Element::Vocal, TenthsDb(tenths)) => {
            let db = f64::from(tenths.unsigned_abs()) / 10.0;
            if tenths < 0 { Part::VocalDown(db) } else { Part::VocalUp(db) }
        }
        Alternate::Stem(_) => Part::Stem(alternate.to_string()),
        Alternate::RadioEdit
        | Alternate::Extended
        | Alternate::Cut(_)
        | Alternate::Sting
        | Alternate::Underscore
        | Alternate::Bumper => Part::Edit,
        Alternate::Tv(TvDefinition::VocalsLowered)
        | Alternate::Step(..)
        | Alternate::LeadVocalOnly
        | Alternate::BackgroundVocalsOnly
        | Alternate::NoDrums
        | Alternate::Limited
        | Alternate::Unlimited
        | Alternate::FlatMaster
        | Alternate::ProductionMaster => Part::Other,
    }
}

/// Frames decoded at once.
const BLOCK_FRAMES: usize = 1 << 14;

/// Both are decoded side by side. No gain and no place is matched: a version that is a decibel louder is not the one that was approved.
fn likeness(was: &Path, is: &Path) -> Result<Likeness, DspError> {
    let (mut was, mut is) = (Reader::open(was)?, Reader::open(is)?);
    let (a, b) = (was.source.spec().clone(), is.source.spec().clone());
    if a.sample_rate != b.sample_rate || a.channels != b.channels {
        return Ok(Likeness::Other);
    }
    let mut left = Left::new(a.sample_rate);
    loop {
        match (was.fill()?, is.fill()?) {
            (0, 0) => break,
            (0, _) | (_, 0) => return Ok(Likeness::Other),
            (one, other) => {
                let frames = one.min(other);
                left.add(&was, &is, frames);
                was.at += frames;
                is.at += frames;
            }
        }
    }
    Ok(match left.db() {
        Some(db) if db == f64::NEG_INFINITY && same_form(&a, &b) => Likeness::Metadata,
        Some(db) if db == f64::NEG_INFINITY => Likeness::Pcm,
        Some(db) => Likeness::Residual { db },
        None => Likeness::Other,
    })
}

fn same_form(a: &Spec, b: &Spec) -> bool {
    (a.container, a.codec, a.bits, a.float) == (b.container, b.codec, b.bits, b.float)
}

struct Reader {
    source: Source,
    block: Block,
    at: usize,
}

impl Reader {
    fn open(path: &Path) -> Result<Reader, DspError> {
        Ok(Reader { source: Source::open(path)?, block: Block::default(), at: 0 })
    }

    /// Frames that are there; 0 is the end.
    fn fill(&mut self) -> Result<usize, DspError> {
        if self.at == self.block.frames() {
            self.source.read(&mut self.block, BLOCK_FRAMES)?;
            self.at = 0;
        }
        Ok(self.block.frames() - self.at)
    }
}

/// What is left of one without the other, by the second: a word that was muted must not be lost in the mean of four minutes.
struct Left {
    second: usize,
    in_second: usize,
    energy: f64,
    most: f64,
    music: f64,
    frames: u64,
}

impl Left {
    fn new(rate: u32) -> Left {
        Left { second: rate.max(1) as usize, in_second: 0, energy: 0.0, most: 0.0, music: 0.0, frames: 0 }
    }

    fn add(&mut self, was: &Reader, is: &Reader, frames: usize) {
        let mut done = 0;
        while done < frames {
            let now = (frames - done).min(self.second - self.in_second);
            for (a, b) in was.block.channels.iter().zip(&is.block.channels) {
                let (a, b) = (&a[was.at + done..][..now], &b[is.at + done..][..now]);
                for (a, b) in a.iter().zip(b) {
                    self.energy += (b - a) * (b - a);
                    self.music += a * a;
                }
            }
            done += now;
            self.frames += now as u64;
            self.in_second += now;
            self.most = self.most.max(self.energy);
            if self.in_second == self.second {
                (self.in_second, self.energy) = (0, 0.0);
            }
        }
    }

    /// Minus infinity: nothing. `None`: there was no music to hold it against.
    fn db(&self) -> Option<f64> {
        if self.most == 0.0 {
            return Some(f64::NEG_INFINITY);
        }
        // The music's energy in as many frames as a second has, or in all of a shorter file.
        let share = (self.second as f64 / self.frames as f64).min(1.0);
        let db = 10.0 * (self.most / (self.music * share)).log10();
        db.is_finite().then_some(db)
    }
}

#[cfg(test)]
mod tests {
    use deadwax_dsp::{
        forensics::Figure,
        write::{AudioWriter, Encoding},
    };

    use super::*;

    /// Four seconds of two tones; `change` may touch every sample.
    fn file(
        dir: &Path,
        name: &str,
        encoding: Encoding,
        frames: usize,
        change: impl Fn(usize, f64) -> f64,
    ) -> PathBuf {
        let mut block = Block::new(2, frames);
        for (side, plane) in block.channels.iter_mut().enumerate() {
            for (at, sample) in plane.iter_mut().enumerate() {
                let t = at as f64 / 48_000.0;
                let hz = [220.0, 331.0][side];
                // What sixteen bits can hold, so that every container can.
                let exact = ((t * hz * std::f64::consts::TAU).sin() * 8192.0).round() / 32_768.0;
                *sample = change(at, exact);
            }
        }
        let path = dir.join(name);
        let mut writer = AudioWriter::create(&path, encoding, 48_000, 2, None).unwrap();
        writer.write(&block).unwrap();
        writer.finish().unwrap();
        path
    }

    const LENGTH: usize = 4 * 48_000;

    #[test]
    fn what_is_told_of_alternates_is_what_somebody_has_to_mend() {
        let finding = |severity, token: &str| Finding {
            code: "ALT_LEVEL",
            severity,
            tokens: vec![token.to_owned()],
            words: "It is louder.".into(),
            figure: Figure { value: 1.0, unit: "dB" },
        };
        assert!(said(finding(Severity::Block, "tv")).is_some_and(|said| said.block && said.token == "tv"));
        assert!(said(finding(Severity::Warn, "tv")).is_some_and(|said| !said.block));
        assert_eq!(said(finding(Severity::Info, "tv")), None);
        assert_eq!(said(finding(Severity::Warn, "limited")), None, "a loud reference is loud");
    }

    #[test]
    fn the_same_samples_in_another_form_are_told_apart_from_the_same_form() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, encoding| file(dir.path(), name, encoding, LENGTH, |_, s| s);
        let first = write("a.wav", Encoding::Wav16);
        let again = write("b.wav", Encoding::Wav16);
        assert_eq!(likeness(&first, &again).unwrap(), Likeness::Metadata);
        let others = [("c.wav", Encoding::Wav24), ("d.wav", Encoding::Wav32f), ("e.flac", Encoding::Flac16)];
        for (name, encoding) in others {
            assert_eq!(likeness(&first, &write(name, encoding)).unwrap(), Likeness::Pcm, "{name}");
        }
    }

    #[test]
    fn what_is_left_is_told_where_most_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let first = file(dir.path(), "a.wav", Encoding::Wav32f, LENGTH, |_, s| s);
        let residual = |name: &str, change: &dyn Fn(usize, f64) -> f64| {
            let other = file(dir.path(), name, Encoding::Wav32f, LENGTH, change);
            match likeness(&first, &other).unwrap() {
                Likeness::Residual { db } => db,
                other => panic!("{other:?}"),
            }
        };
        let louder = residual("b.wav", &|_, s| s * 1.001);
        assert!((louder + 60.0).abs() < 0.1, "{louder}");
        // A quarter of the song is gone: nothing is matched, and nothing is spread over the rest of it.
        let muted = residual("c.wav", &|at, s| if (48_000..2 * 48_000).contains(&at) { 0.0 } else { s });
        assert!(muted.abs() < 0.1, "{muted}");
        let turned = residual("d.wav", &|_, s| -s);
        assert!((turned - 6.0).abs() < 0.1, "{turned}");
    }

    #[test]
    fn another_length_is_another_file_and_sound_over_silence_too() {
        let dir = tempfile::tempdir().unwrap();
        let first = file(dir.path(), "a.wav", Encoding::Wav16, LENGTH, |_, s| s);
        let shorter = file(dir.path(), "b.wav", Encoding::Wav16, LENGTH - 1, |_, s| s);
        assert_eq!(likeness(&first, &shorter).unwrap(), Likeness::Other);
        let silent = file(dir.path(), "c.wav", Encoding::Wav16, LENGTH, |_, _| 0.0);
        assert_eq!(likeness(&silent, &first).unwrap(), Likeness::Other);
        assert_eq!(likeness(&silent, &silent).unwrap(), Likeness::Metadata);
    }

    #[test]
    fn a_file_that_is_no_sound_is_told_by_its_name_for_people() {
        let dir = tempfile::tempdir().unwrap();
        let first = file(dir.path(), "a.wav", Encoding::Wav16, LENGTH, |_, s| s);
        let text = dir.path().join("b.wav");
        std::fs::write(&text, "no sound at all, and long enough to be looked at").unwrap();
        let pairs = vec![Pair { token: "a-cappella".into(), was: first.clone(), is: text }];
        let ExamineLine::Examined(heard) = hear(&ExamineJob { together: None, pairs }) else {
            panic!("it is the file's fault")
        };
        assert_eq!(heard.likeness, [Likeness::Other]);
        assert!(heard.unheard[0].contains("the a cappella") && !heard.unheard[0].contains(".wav"));
        let gone = vec![Pair { token: "main".into(), was: first, is: dir.path().join("gone.wav") }];
        let line = hear(&ExamineJob { together: None, pairs: gone });
        assert!(matches!(line, ExamineLine::Failed { kind: FailureKind::Other, .. }), "{line:?}");
    }
}
