//! What a render makes, sorted: outputs by rate and level, sources as they go to the chain. Never here: sound.

use std::path::Path;

use super::{Job, MAIN, Role, Specs, Way, hear::Voice, print::Plate, reel::Origin, tolerance_lu};
use crate::{
    block::Spec,
    error::DspError,
    recipe::{Output, Recipe, Target},
};

/// All outputs of one rate and level.
pub struct Batch {
    pub hz: u32,
    pub target: Option<Target>,
    pub ceiling_dbtp: f64,
    pub outputs: Vec<Output>,
}

impl Batch {
    pub fn level(&self) -> (&Option<Target>, f64) {
        (&self.target, self.ceiling_dbtp)
    }

    pub fn target_lufs(&self) -> Option<f64> {
        match self.target {
            Some(Target::Lufs(lufs)) => Some(lufs),
            _ => None,
        }
    }
}

/// The main and its alternates as they go to the chain: keyed ones at the rate and with the channels of the main, edits as they are.
pub fn voices(job: &Job, specs: &Specs, way: Way) -> (Voice, Vec<Voice>) {
    let voice = |token: &str, path: &Path, role, spec: &Spec| Voice {
        token: token.to_owned(),
        role,
        origin: Origin {
            path: path.to_owned(),
            rate: spec.sample_rate,
            channels: spec.channels,
            phase: job.recipe.resample_phase,
            block_frames: way.block_frames,
        },
    };
    let others = job.alternates.iter().zip(&specs.alternates).map(|(a, spec)| {
        voice(&a.token, &a.path, a.role, if a.role == Role::Edit { spec } else { &specs.main })
    });
    (voice(MAIN, &job.main, Role::Part, &specs.main), others.collect())
}

/// Two outputs may come to the same file at the rate of this main; where they ask for another dither, one of them would be left out unsaid.
pub fn must_differ(recipe: &Recipe, main_hz: u32) -> Result<(), DspError> {
    let file = |o: &Output| (o.encoding, o.rate.unwrap_or(main_hz), o.label());
    for (i, output) in recipe.outputs.iter().enumerate() {
        let twin = recipe.outputs[..i].iter().find(|o| file(o) == file(output) && o.dither != output.dither);
        if twin.is_some() {
            return Err(DspError::Invalid(format!(
                "two outputs would be the same {} at {} Hz with another dither; leave one of them out",
                output.encoding,
                output.rate.unwrap_or(main_hz)
            )));
        }
    }
    Ok(())
}

/// Outputs by rate and level; the recipe's own level at the rate of the main comes first.
pub fn batches(job: &Job, main_hz: u32) -> Vec<Batch> {
    let recipe = &job.recipe;
    let mut all: Vec<Batch> = Vec::new();
    for output in &recipe.outputs {
        let batch = Batch {
            hz: output.rate.unwrap_or(main_hz),
            target: output.target_lufs.map(Target::Lufs).or_else(|| recipe.target()),
            ceiling_dbtp: output.ceiling_dbtp.unwrap_or(recipe.ceiling_dbtp),
            outputs: vec![output.clone()],
        };
        match all.iter_mut().find(|b| b.hz == batch.hz && b.level() == batch.level()) {
            Some(there) if there.outputs.iter().any(|o| o.encoding == output.encoding) => {}
            Some(there) => there.outputs.extend(batch.outputs),
            None => all.push(batch),
        }
    }
    let own = (recipe.target(), recipe.ceiling_dbtp);
    all.sort_by_key(|b| (b.hz != main_hz, b.level() != (&own.0, own.1)));
    all
}

/// A file of the main that is not where its target is, in words.
pub fn off_target(batch: &Batch, plate: &Plate, lufs: f64) -> Option<String> {
    let (low, high) = match batch.target {
        Some(Target::Lufs(target)) => (target, target),
        Some(Target::Range { low_lufs, high_lufs, .. }) => (low_lufs, high_lufs),
        _ => return None,
    };
    let tolerance = tolerance_lu(plate.encoding());
    if (low - tolerance..=high + tolerance).contains(&lufs) {
        return None;
    }
    let wanted = if low < high { format!("{low:.1} to {high:.1}") } else { format!("{low:.1}") };
    Some(format!("{} is at {lufs:.2} LUFS instead of {wanted}", plate.file))
}
