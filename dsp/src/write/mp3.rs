//! MP3 by LAME, fed with floating point. The frame in front (Xing/Info with LAME's extension) is written last: it tells decoders how
//! many frames of delay and padding to leave out, so what comes back has exactly the length that went in. Never here: tags, dither.

use std::io::{self, Seek, SeekFrom, Write};

use mp3lame_encoder::{
    Bitrate, Builder, DualPcm, Encoder, FlushGap, MonoPcm, Quality, VbrMode, max_required_buffer_size,
};
use tempfile::NamedTempFile;

use super::Encoding;
use crate::Block;

/// So many frames go to LAME at once; its result does not depend on it.
const CHUNK_FRAMES: usize = 4096;
/// What is beyond full scale is coded as it is. Further out (+192 dBFS, as for reading) LAME has no defined result.
const MAX_SAMPLE: f64 = 4_294_967_296.0;

/// LAME takes 1.0 for 32767, decoders give 1.0 for 32768: without this every MP3 would be 0.0003 dB too soft.
const LAME_SCALE: f64 = 32_768.0 / 32_767.0;

pub(super) struct Mp3Writer {
    file: NamedTempFile,
    encoder: Encoder,
    channels: usize,
    planes: [Vec<f64>; 2],
    coded: Vec<u8>,
    bytes: u64,
}

impl Mp3Writer {
    /// One or two channels at a rate that `refusal` lets pass.
    pub(super) fn new(
        file: NamedTempFile,
        encoding: Encoding,
        sample_rate: u32,
        channels: usize,
    ) -> io::Result<Mp3Writer> {
        let refused = |error: mp3lame_encoder::BuildError| io::Error::other(format!("LAME: {error}"));
        let mut builder = Builder::new().ok_or_else(|| io::Error::other("LAME: no memory"))?;
        builder.set_num_channels(channels as u8).map_err(refused)?;
        builder.set_sample_rate(sample_rate).map_err(refused)?;
        builder.set_output_sample_rate(std::num::NonZeroU32::new(sample_rate)).map_err(refused)?;
        builder.set_to_write_vbr_tag(true).map_err(refused)?;
        if encoding == Encoding::Mp3V0 {
            builder.set_vbr_mode(VbrMode::Mtrh).map_err(refused)?;
            builder.set_vbr_quality(Quality::Best).map_err(refused)?;
        } else {
            // Half of it is the most that MPEG-2 has (rates to 24 kHz), and LAME takes that by itself.
            builder.set_brate(Bitrate::Kbps320).map_err(refused)?;
        }
        let encoder = builder.build().map_err(refused)?;
        let (planes, coded) = (Default::default(), Vec::new());
        Ok(Mp3Writer { file, encoder, channels, planes, coded, bytes: 0 })
    }

    pub(super) fn write(&mut self, block: &Block) -> io::Result<()> {
        for start in (0..block.frames()).step_by(CHUNK_FRAMES) {
            let end = (start + CHUNK_FRAMES).min(block.frames());
            for (plane, samples) in self.planes.iter_mut().zip(&block.channels) {
                let samples = &samples[start..end];
                if !samples.iter().all(|sample| sample.abs() <= MAX_SAMPLE) {
                    let what = "a sample is not a number or is beyond any level";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, what));
                }
                plane.clear();
                plane.extend(samples.iter().map(|sample| sample * LAME_SCALE));
            }
            self.coded.clear();
            self.coded.reserve(max_required_buffer_size(CHUNK_FRAMES));
            let [left, right] = &self.planes;
            let encoded = match self.channels {
                1 => self.encoder.encode_to_vec(MonoPcm(left.as_slice()), &mut self.coded),
                _ => self.encoder.encode_to_vec(DualPcm { left, right }, &mut self.coded),
            };
            encoded.map_err(|error| io::Error::other(format!("LAME: {error}")))?;
            self.put()?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<NamedTempFile> {
        self.coded.clear();
        self.coded.reserve(max_required_buffer_size(CHUNK_FRAMES));
        self.encoder
            .flush_to_vec::<FlushGap>(&mut self.coded)
            .map_err(|error| io::Error::other(format!("LAME: {error}")))?;
        self.put()?;
        self.coded.clear();
        self.coded.reserve(self.encoder.lame_tag_size());
        // LAME has kept the place of this frame at the start of what it gave.
        if self.encoder.lame_tag_encode_to_vec(&mut self.coded).is_none()
            || self.bytes < self.coded.len() as u64
        {
            return Err(io::Error::other("LAME gave no header with the length of the sound"));
        }
        let file = self.file.as_file_mut();
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&self.coded)?;
        file.seek(SeekFrom::End(0))?;
        Ok(self.file)
    }

    fn put(&mut self) -> io::Result<()> {
        self.bytes += self.coded.len() as u64;
        self.file.as_file_mut().write_all(&self.coded)
    }
}

/// Why this sound cannot be MP3, if it cannot (ISO 11172-3 2.4.2.3, 13818-3 2.4.2.3: rates and channels).
pub(super) fn refusal(sample_rate: u32, channels: usize) -> Option<String> {
    const RATES_HZ: [u32; 6] = [48_000, 44_100, 32_000, 24_000, 22_050, 16_000];
    if channels > 2 {
        return Some(format!("MP3 holds at most 2 channels, not {channels}: choose FLAC or WAV"));
    }
    (!RATES_HZ.contains(&sample_rate)).then(|| {
        format!("MP3 cannot hold {sample_rate} Hz: choose an output rate of 44100 or 48000 Hz (16000, 22050, 24000 and 32000 Hz go too)")
    })
}
