//! FLAC, through the crate flac-codec. Its writer wants a seekable file, to set the length and the MD5 of the sound at the end.

use std::io::{self, BufWriter};

use flac_codec::encode::{FlacSampleWriter, Options};
use tempfile::NamedTempFile;

use super::pack;
use crate::Block;

pub(super) struct FlacWriter {
    /// The writer takes its file with it; this handle keeps the name.
    file: NamedTempFile,
    writer: FlacSampleWriter<BufWriter<std::fs::File>>,
    bits: u32,
    interleaved: Vec<i32>,
}

impl FlacWriter {
    pub(super) fn new(
        file: NamedTempFile,
        sample_rate: u32,
        bits: u32,
        channels: usize,
    ) -> io::Result<FlacWriter> {
        let out = BufWriter::new(file.reopen()?);
        let writer = FlacSampleWriter::new(out, Options::default(), sample_rate, bits, channels as u8, None)
            .map_err(io::Error::other)?;
        Ok(FlacWriter { file, writer, bits, interleaved: Vec::new() })
    }

    pub(super) fn write(&mut self, block: &Block) -> io::Result<()> {
        let channels = block.channels.len();
        self.interleaved.resize(block.frames() * channels, 0);
        let mut plane = vec![0; block.frames()];
        for (channel, samples) in block.channels.iter().enumerate() {
            pack::whole(samples, self.bits, &mut plane)?;
            let frames = self.interleaved.chunks_exact_mut(channels);
            frames.zip(&plane).for_each(|(frame, sample)| frame[channel] = *sample);
        }
        self.writer.write(&self.interleaved).map_err(io::Error::other)
    }

    pub(super) fn finish(self) -> io::Result<NamedTempFile> {
        self.writer.finalize().map_err(io::Error::other)?;
        Ok(self.file)
    }
}
