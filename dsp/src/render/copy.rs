//! A recipe that leaves the sound alone: every source is handed on as it is, at the rates and in the encodings asked for, as long as the main.
//! Never here: gain, limiting.

use super::{
    MAIN, Role,
    batch::Batch,
    hear::Voice,
    print::{Format, Plate, print},
    reel::{Origin, Reel},
    refuse_insane,
    run::{Done, Run},
    sums::Residual,
    take::Sound,
};
use crate::{block::Block, error::DspError};

impl Run<'_> {
    /// An empty chain: the sound is handed on as it is, and nulls against its source (D-3), so it cannot be turned down.
    pub fn copy(&mut self, batches: &[Batch]) -> Result<(), DspError> {
        let voices: Vec<Voice> = [self.main.clone()].into_iter().chain(self.others.clone()).collect();
        for batch in batches {
            let mut main_frames = 0;
            for voice in &voices {
                let frames = self.copy_voice(voice, batch, main_frames)?;
                if voice.token == MAIN {
                    main_frames = frames;
                }
            }
        }
        self.copied_sums()
    }

    fn copy_voice(&mut self, voice: &Voice, batch: &Batch, main_frames: u64) -> Result<u64, DspError> {
        let at = format!("{} at {} Hz", voice.token, batch.hz);
        let mut plates = self.plates(&voice.token, batch);
        self.steps.begin(format!("write {at}"))?;
        let (leads, edit) = (voice.token == MAIN, voice.role == Role::Edit);
        let origin = Origin { rate: batch.hz, ..voice.origin.clone() };
        let sound = if leads || edit {
            let mut reel = Reel::open(&origin)?;
            if leads && self.input.is_none() {
                reel.meter(self.job.explain);
            }
            Sound::Whole(Box::new(reel))
        } else {
            Sound::again(&origin, main_frames)?
        };
        let spec = self.specs.of(&voice.token, self.job);
        let grid_bits = (spec.sample_rate == batch.hz && !spec.float).then_some(spec.bits).flatten();
        let frames = if leads || edit { spec.frames } else { Some(main_frames) };
        let format = Format { rate: batch.hz, channels: origin.channels, frames, grid_bits };
        let all: Vec<&Plate> = plates.all.iter().collect();
        let (printed, sound) = print(sound, None, &all, &format, &mut self.steps)?;
        match sound {
            Sound::Whole(mut reel) if leads => {
                if let Some((input, side)) = reel.measured() {
                    refuse_insane(&voice.origin.path, &input)?;
                    self.input = Some(input);
                    self.seen.before(side);
                }
            }
            Sound::Again { mut reel, .. } => {
                let tail = reel.tail(main_frames)?;
                let at_main = Voice { origin: origin.clone(), ..voice.clone() };
                self.judge_length(&at_main, tail, main_frames);
            }
            _ => {}
        }
        self.steps.begin(format!("check {at}"))?;
        let checked = self.check(&plates, &(0..plates.all.len()).collect::<Vec<_>>())?;
        let ceiling = batch.ceiling_dbtp;
        for (done, checked) in plates.done.iter_mut().zip(checked) {
            let peak = checked.measurement.true_peak_dbtp;
            if peak > ceiling {
                self.note_reason(Some(format!(
                    "{at} stands at {peak:+.2} dBTP, over {ceiling:.1}; the recipe leaves the sound alone, so it stays"
                )));
            }
            *done = Some(Done { checked, gain_db: 0.0, max_reduction_db: 0.0, energy: 0.0, guarded: None });
        }
        self.book(&voice.token, batch, plates, printed.frames, &[])?;
        Ok(printed.frames)
    }

    /// Where the sound was handed on as it is, the sources are read for their sums alone.
    fn copied_sums(&mut self) -> Result<(), DspError> {
        let mut residuals = Vec::new();
        for sum in &self.job.sums {
            let mut main = Reel::open(&self.main.origin)?;
            let parts = self.others.iter().filter(|v| sum.contains(&v.token));
            let mut parts = parts.map(|v| Reel::open(&v.origin)).collect::<Result<Vec<_>, _>>()?;
            let mut blocks = vec![Block::default(); parts.len()];
            let (mut residual, mut block) = (Residual::default(), Block::default());
            while main.next(&mut block)? {
                for (part, out) in parts.iter_mut().zip(&mut blocks) {
                    part.take(block.frames(), out)?;
                }
                residual.push(&block, blocks.iter());
                self.steps.still()?;
            }
            residuals.push(residual);
        }
        self.residuals = residuals;
        Ok(())
    }
}
