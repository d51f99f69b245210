//! From what a render tells to what a sheet shows. Never here: drawing.

use super::{OutputTold, Sheet, Side, StepTold, Track, known};
use crate::{
    recipe::Recipe,
    render::{OutputReport, Report},
};

impl Sheet {
    /// All that a report knows; title, version, studio and day are the caller's, and so are the sums.
    ///
    /// `before` and `after`: of the main as it came and of its first output. `tracks`: of the dynamic steps, the limiter last. `steps`: in the
    /// order of the chain.
    pub fn of_report(
        report: &Report,
        recipe: &Recipe,
        before: Side,
        after: Side,
        tracks: Vec<Track>,
        steps: Vec<StepTold>,
    ) -> Sheet {
        let limited = recipe.limiter.is_some();
        Sheet {
            recipe_name: recipe.name.clone(),
            recipe_sha256: report.recipe_sha256.clone(),
            engine: report.engine.to_owned(),
            target_lufs: report.target_lufs,
            ceiling_dbtp: Some(report.ceiling_dbtp),
            reached: Some(report.reached),
            reason: report.reason.clone(),
            gain_db: known(report.gain_db),
            limiter_max_db: limited.then_some(report.max_gain_reduction_db).and_then(known),
            before,
            after,
            reduction: tracks,
            steps,
            outputs: report.outputs.iter().map(OutputTold::of).collect(),
            warnings: report.warnings.clone(),
            ..Sheet::default()
        }
    }
}

impl OutputTold {
    pub fn of(output: &OutputReport) -> OutputTold {
        OutputTold {
            alternate: output.alternate.clone(),
            file: output.file.clone(),
            encoding: output.encoding.clone(),
            sample_rate: output.sample_rate,
            channels: output.channels,
            frames: output.measurement.frames,
            lufs: known(output.measurement.integrated_lufs),
            true_peak_dbtp: known(output.measurement.true_peak_dbtp),
            sha256: output.sha256.clone(),
        }
    }
}
