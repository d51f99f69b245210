//! What a render says at the end: lengths, what guards did, and how well alternates add up to their main. Never here: sound on its way.

use super::{
    MAIN, OutputReport, SumReport, SummedFiles,
    batch::Batch,
    hear::Voice,
    reel::Tail,
    report::Guarded,
    run::Run,
    sums::{self, Residual},
};
use crate::{
    dither::Dither,
    error::DspError,
    processors::{decibels, minutes},
    write::Encoding,
};

/// Conversion of a rate may round a length; what differs by less is no news.
const SAME_LENGTH_S: f64 = 0.001;
/// Less than this is heard by nobody.
const WORTH_A_WORD_DB: f64 = 0.05;
/// What a sum of files may be left with, against the main; of lossy ones, which have each their own losses.
const HOLDS_DB: f64 = -60.0;
const LOSSY_HOLDS_DB: f64 = -20.0;

impl Run<'_> {
    /// Alternates are made as long as the main. What that did is said, and where something that sounds was cut the render is not what was asked.
    pub fn judge_length(&mut self, voice: &Voice, tail: Tail, main_frames: u64) {
        let rate = f64::from(voice.origin.rate);
        let (token, off_s) = (&voice.token, (tail.frames as f64 - main_frames as f64) / rate);
        if tail.source_rate != voice.origin.rate {
            self.warn(format!(
                "{token} is at {} Hz beside a main at {} Hz: it was converted before the chain",
                tail.source_rate, voice.origin.rate
            ));
        }
        if tail.silent {
            self.warn(format!("{token} is silent from beginning to end"));
        }
        if off_s.abs() < SAME_LENGTH_S && tail.sounding_frames == 0 {
            return;
        }
        if tail.sounding_frames > 0 {
            self.note_reason(Some(format!(
                "{token} is {off_s:.2} s longer than the main and was cut there; {:.2} s of what was cut sound, up to {:.1} dBFS",
                tail.sounding_frames as f64 / rate,
                tail.peak_dbfs
            )));
        } else if off_s > 0.0 {
            self.warn(format!(
                "{token} is {off_s:.2} s longer than the main; the silence behind the main's end was cut"
            ));
        } else {
            self.warn(format!("{token} is {:.2} s shorter than the main; silence was put behind it", -off_s));
        }
    }

    pub fn warn_of_guard(&mut self, token: &str, batch: &Batch, guard: &Guarded) {
        if guard.reduction_db > WORTH_A_WORD_DB {
            let first = guard.places.first();
            let place = first.map_or(String::new(), |p| format!(", deepest at {}", minutes(p.start_s)));
            let more = guard.places.len().saturating_sub(1);
            let more = match more {
                0 => String::new(),
                1 => " and at one other place".to_owned(),
                more => format!(" and at {more} other places"),
            };
            self.warn(format!(
                "{token} at {} Hz has a limiter of its own behind the main's gains: up to {:.2} dB{place}{more}; in a sum that leaves {:.0} dB against the main",
                batch.hz, guard.reduction_db, guard.residual_db
            ));
        }
        if guard.trim_db < -WORTH_A_WORD_DB {
            self.warn(format!(
                "{token} at {} Hz was turned down by {:.2} dB to hold the ceiling; in a sum that leaves {:.0} dB against the main",
                batch.hz, -guard.trim_db, guard.residual_db
            ));
        }
    }

    /// Reads the finished files of every sum once more.
    pub fn sums(&mut self) -> Result<Vec<SumReport>, DspError> {
        let mut all = Vec::new();
        for (sum, sources) in self.job.sums.iter().zip(self.residuals.clone()) {
            let mains: Vec<OutputReport> =
                self.outputs.iter().filter(|o| o.alternate == MAIN).cloned().collect();
            let mut files = Vec::new();
            for main in mains {
                let fits = |o: &&OutputReport| sum.contains(&o.alternate) && main.is_beside(o);
                let parts: Vec<_> =
                    self.outputs.iter().filter(fits).map(|o| self.workshop.path().join(&o.file)).collect();
                let path = self.workshop.path().join(&main.file);
                let residual = sums::residual(&path, &parts, &mut self.steps)?;
                let quantising_db = self.quantising_db(&main, 1 + parts.len(), &residual);
                files.push(SummedFiles {
                    holds: residual.relative_db() < held_db(&main, quantising_db),
                    quantising_db,
                    file: main.file,
                    encoding: main.encoding,
                    sample_rate: main.sample_rate,
                    residual_db: residual.relative_db(),
                    residual_peak_dbfs: residual.peak_dbfs(),
                });
            }
            all.push(SumReport {
                alternates: sum.clone(),
                sources_residual_db: sources.relative_db(),
                sources_hold: sources.sources_hold(),
                files,
            });
        }
        self.warn_of_sums(&all);
        Ok(all)
    }

    /// A sum that does not hold is no fault of the files by themselves, and must not be found out in an edit suite.
    fn warn_of_sums(&mut self, all: &[SumReport]) {
        for sum in all {
            let set = sum.alternates.join(" + ");
            if !sum.sources_hold {
                self.warn(format!(
                    "{set} do not add up to the main before mastering: {:.1} dB are left; check their level, place and polarity",
                    sum.sources_residual_db
                ));
            } else if let Some(file) = sum.files.iter().find(|file| !file.holds) {
                self.warn(format!(
                    "{set} do not quite add up to {}: {:.1} dB are left",
                    file.file, file.residual_db
                ));
            }
        }
    }

    /// What quantising leaves by itself: in every file the noise of its dither, each taken for independent of the others'.
    fn quantising_db(&self, main: &OutputReport, files: usize, residual: &Residual) -> f64 {
        let encoding = main.encoding.parse::<Encoding>().ok().filter(|e| !e.float() && !e.lossy());
        let Some(encoding) = encoding else { return f64::NEG_INFINITY };
        let mut asked = self.job.recipe.outputs.iter();
        let dither = asked.find(|o| o.encoding == encoding).map_or(Dither::default(), |o| o.dither);
        let step = 0.5f64.powi(encoding.bits() as i32 - 1);
        let noise = files as f64 * step * step * dither.noise_power();
        if residual.mean_square() > 0.0 {
            0.5 * decibels(noise / residual.mean_square())
        } else {
            f64::NEG_INFINITY
        }
    }
}

/// What a sum of files may be left with: dither of 16 bits under a soft song, more where the noise is shaped, and what lossy encoders differ by.
fn held_db(main: &OutputReport, quantising_db: f64) -> f64 {
    let lossy = main.encoding.parse::<Encoding>().is_ok_and(|e| e.lossy());
    if lossy { LOSSY_HOLDS_DB } else { HOLDS_DB.max(quantising_db + 3.0) }
}
