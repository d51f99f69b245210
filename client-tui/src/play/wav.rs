//! The output that writes a file: pulls the engine as fast as it goes, and waits where sound is missing instead of writing silence. What stands in the file is
//! what would have left for the loudspeaker, sample by sample.

use std::path::Path;

use deadwax_dsp::{
    Block, DspError, Flow,
    write::{AudioWriter, Encoding},
};

use super::{Engine, Frame};

const BLOCK: usize = 4096;

pub struct WavSink {
    writer: AudioWriter,
    frames: Box<[Frame]>,
    block: Block,
    written: u64,
}

impl WavSink {
    /// Errors: those of `AudioWriter::create`.
    pub fn create(path: &Path, encoding: Encoding, rate: u32) -> Result<WavSink, DspError> {
        let writer = AudioWriter::create(path, encoding, rate, 2, None)?;
        Ok(WavSink {
            writer,
            frames: vec![[0.0; 2]; BLOCK].into_boxed_slice(),
            block: Block::new(2, BLOCK),
            written: 0,
        })
    }

    /// Writes so many frames, fewer where the engine ends before; answers how many. `turn` is asked before every block with how many are ready, 0 where
    /// sound is missing: it may wait, or stop it.
    ///
    /// Errors: those of `AudioWriter::write`, `Stopped`.
    pub fn write(
        &mut self,
        engine: &mut Engine,
        frames: u64,
        turn: &mut dyn FnMut(&mut Engine, usize) -> Flow,
    ) -> Result<u64, DspError> {
        let mut done = 0;
        while done < frames && engine.now().playing {
            let most = usize::try_from(frames - done).map_or(BLOCK, |left| left.min(BLOCK));
            let ready = engine.ready(most);
            if turn(engine, ready) == Flow::Stop {
                return Err(DspError::Stopped);
            }
            let out = &mut self.frames[..ready];
            engine.pull(out);
            self.block.resize(2, ready);
            for (side, plane) in self.block.channels.iter_mut().enumerate() {
                for (sample, frame) in plane.iter_mut().zip(out.iter()) {
                    *sample = f64::from(frame[side]);
                }
            }
            self.writer.write(&self.block)?;
            done += ready as u64;
        }
        self.written += done;
        Ok(done)
    }

    /// Frames written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Gives the file its name. Dropped before, it leaves nothing behind.
    pub fn finish(self) -> Result<u64, DspError> {
        self.writer.finish()
    }
}
