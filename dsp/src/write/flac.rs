//! FLAC, through the crate flac-codec. Its writer wants a seekable file, to set the length and the MD5 of the sound at the end.

use std::io::{self, BufWriter};

use flac_codec::encode::{FlacSampleWriter, Options};
use tempfile::NamedTempFile;

use super::quantise;
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
        self.interleaved.clear();
        for frame in 0..block.frames() {
            self.interleaved.extend(block.channels.iter().map(|channel| quantise(channel[frame], self.bits)));
        }
        self.writer.write(&self.interleaved).map_err(io::Error::other)
    }

    pub(super) fn finish(self) -> io::Result<NamedTempFile> {
        self.writer.finalize().map_err(io::Error::other)?;
        Ok(self.file)
    }
}
