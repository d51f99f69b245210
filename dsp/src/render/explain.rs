//! What a render saw on its way, put together for people: each step with its settings and what it did, and the sheet of before and after.
//! Never here: sound on its way, the drawing of a sheet.

use super::{
    MAIN, Report, StepReport,
    hear::Heard,
    level::{Control, Level},
    report::SumReport,
    run::Run,
    take::Take,
    watch::Seen,
};
use crate::{
    error::{DspError, Flow},
    recipe::{Explained, Recipe},
    sheet::{Sheet, Side, StepTold, SumTold, Track, TrackMeter, side_of_file},
};

/// What is gathered while a render runs.
#[derive(Default)]
pub struct Explaining {
    seen: Vec<Seen>,
    told: Vec<Vec<String>>,
    before: Option<Side>,
    after: Option<Side>,
    limiter: Option<Track>,
}

impl Explaining {
    pub fn chain(&mut self, heard: &mut Heard) {
        self.seen = std::mem::take(&mut heard.seen);
        self.told = std::mem::take(&mut heard.told);
        self.before = heard.side.take();
    }

    pub fn before(&mut self, side: Option<Side>) {
        self.before = side;
    }

    /// The course of the limiter at the first level that is printed.
    pub fn limiter(&mut self, level: &Level, take: &Take) -> Result<(), DspError> {
        let Some(mut control) = Control::new(level, take)?.filter(|_| self.limiter.is_none()) else {
            return Ok(());
        };
        let mut meter = TrackMeter::new("limiter", take.sample_rate);
        let mut gains = vec![Vec::new(); take.lanes()];
        let mut left = take.frames.div_ceil(take.group as u64);
        while left > 0 && control.more(&mut gains)? {
            let n = (gains[0].len() as u64).min(left) as usize;
            left -= n as u64;
            let lowest = |i: usize| gains.iter().fold(1.0f64, |m, lane| m.min(lane[i]));
            let held: Vec<f64> = (0..n).map(lowest).collect();
            meter.push_held(&held, take.group);
            gains.iter_mut().for_each(Vec::clear);
        }
        self.limiter = Some(meter.track());
        Ok(())
    }

    /// Each step of the recipe with what was seen of it; nothing where nothing was asked.
    pub fn steps(&self, recipe: &Recipe, gain_db: Option<f64>) -> Vec<StepReport> {
        if self.before.is_none() {
            return Vec::new();
        }
        let explained = recipe.explain();
        // The chain's steps come first; what is bypassed stands among them and was not seen.
        let bypassed = recipe.steps.iter().filter(|step| step.bypass).count();
        let of_chain = self.seen.len() + bypassed;
        let mut seen = self.seen.iter().zip(&self.told);
        let step = |(i, Explained { title, text, bypassed }): (usize, Explained)| {
            let seen = if i < of_chain && !bypassed { seen.next() } else { None };
            let mut did: Vec<String> = seen.map(|(_, told)| told.clone()).unwrap_or_default();
            match title.as_str() {
                "level" if i >= of_chain => did.extend(gain_db.map(|db| format!("gain {db:+.2} dB"))),
                "limiter" if i >= of_chain => did.extend(self.limiter.as_ref().map(limited)),
                _ => {}
            }
            StepReport {
                title,
                settings: text,
                bypassed,
                lufs: seen.map(|(seen, _)| seen.lufs),
                peak_dbfs: seen.map(|(seen, _)| seen.peak_dbfs),
                did,
            }
        };
        explained.into_iter().enumerate().map(step).collect()
    }

    /// The page of before and after; title and names are the caller's to put in.
    pub fn sheet(self, report: &Report, recipe: &Recipe) -> Sheet {
        let mut tracks: Vec<Track> = self.seen.into_iter().filter_map(|seen| seen.track).collect();
        tracks.extend(self.limiter);
        let steps = report.steps.iter().map(|step| StepTold {
            name: step.title.clone(),
            bypassed: step.bypassed,
            lines: step.lines(),
        });
        let (before, after) = (self.before.unwrap_or_default(), self.after.unwrap_or_default());
        let mut sheet = Sheet::of_report(report, recipe, before, after, tracks, steps.collect());
        sheet.sums = report.sums.iter().map(sum_told).collect();
        sheet
    }
}

impl StepReport {
    /// In words: settings, levels, and what it did.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.settings.clone()];
        if let (Some([Some(a), Some(b)]), Some([p, q])) = (self.lufs, self.peak_dbfs) {
            lines.push(format!(
                "in {a:.1} LUFS, {p:.1} dBFS; out {b:.1} LUFS ({:+.1}), {q:.1} dBFS ({:+.1})",
                b - a,
                q - p
            ));
        }
        lines.extend(self.did.iter().cloned());
        lines
    }
}

fn limited(track: &Track) -> String {
    if track.lowest_db > -0.05 {
        return "no peak needed it".to_owned();
    }
    let whole = track.lowest_at_s as u64;
    format!(
        "at work {:.0} % of the time, {:.1} dB on average, {:.1} dB at most, at {}:{:02}",
        100.0 * track.active,
        -track.mean_db,
        -track.lowest_db,
        whole / 60,
        whole % 60
    )
}

/// The worst of the files of a sum.
fn sum_told(sum: &SumReport) -> SumTold {
    let worst = sum.files.iter().fold(f64::NEG_INFINITY, |m, f| m.max(f.residual_db));
    let sources_hold = sum.sources_hold;
    let words = if sources_hold {
        let best = sum.files.iter().fold(f64::INFINITY, |m, f| m.min(f.residual_db));
        (best < worst && best.is_finite()).then(|| format!("{best:.0} dB in the best file"))
    } else {
        Some(format!("the sources leave {:.1} dB themselves", sum.sources_residual_db))
    };
    SumTold {
        what: format!("{} = main", sum.alternates.join(" + ")),
        residual_db: worst.is_finite().then_some(worst),
        holds: sources_hold && sum.files.iter().all(|file| file.holds),
        words,
    }
}

impl Run<'_> {
    /// Reads the first file of the main once more, for the sheet.
    pub fn hear_after(&mut self) -> Result<(), DspError> {
        let Some(main) = self.outputs.iter().find(|o| o.alternate == MAIN) else { return Ok(()) };
        let path = self.workshop.path().join(&main.file);
        let steps = &mut self.steps;
        let (_, side) = side_of_file(&path, &mut |_| match steps.still() {
            Ok(()) => Flow::Go,
            Err(_) => Flow::Stop,
        })?;
        self.seen.after = Some(side);
        Ok(())
    }
}
