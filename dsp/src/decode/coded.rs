//! AIFF, FLAC, ALAC, MP3, AAC, Ogg Vorbis: through symphonia, behind guards. symphonia 0.6.1 believes some header fields and allocates what
//! they ask for, so claims are bounded before a decoder is made; the server adds a child process with a memory limit around all of this.

use std::{fs::File, path::Path};

use symphonia::core::{
    codecs::audio::{AudioDecoder, AudioDecoderOptions, well_known},
    errors::Error,
    formats::{FormatOptions, FormatReader, TrackType, probe::Hint, well_known as containers},
    io::{MediaSourceStream, MediaSourceStreamOptions},
    meta::MetadataOptions,
};

use super::check_claims;
use crate::{Block, DspError, Spec};

/// The largest packet of any codec read here is a FLAC block of 65,535 frames; PCM readers cut their own.
const PACKET_FRAMES_MAX: u64 = 1 << 18;
/// A stream may lose packets; one that loses this many in a row is not sound.
const BAD_PACKETS_MAX: usize = 64;

pub(super) struct CodedReader {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    spec: Spec,
    /// Decoded and not yet asked for.
    waiting: Vec<Vec<f64>>,
    taken: usize,
    ended: bool,
}

impl CodedReader {
    pub(super) fn open(path: &Path, file: File, file_bytes: u64) -> Result<CodedReader, DspError> {
        let not_audio = |what: String| DspError::NotAudio { path: path.to_owned(), what };
        let stream = MediaSourceStream::new(Box::new(file), MediaSourceStreamOptions::default());
        let format = symphonia::default::get_probe()
            .probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(|error| not_audio(in_words(&error)))?;
        let track =
            format.default_track(TrackType::Audio).ok_or_else(|| not_audio("it holds no sound".into()))?;
        let params = track
            .codec_params
            .as_ref()
            .and_then(|params| params.audio())
            .ok_or_else(|| not_audio("its sound is not described".into()))?;
        let channels = params.channels.as_ref().map_or(0, |channels| channels.count());
        // A few containers leave rate or channels to the first packet; AAC in MP4 tells both.
        let sample_rate = params.sample_rate.unwrap_or(0);
        check_claims(path, sample_rate, channels)?;
        let packet = params.max_frames_per_packet.unwrap_or(0).max(params.frames_per_block.unwrap_or(0));
        if packet > PACKET_FRAMES_MAX {
            return Err(DspError::Hostile {
                path: path.to_owned(),
                what: format!("packets of {packet} frames"),
            });
        }
        let codec = codec_name(params.codec).ok_or_else(|| DspError::Unsupported {
            path: path.to_owned(),
            what: format!("codec {}", params.codec),
        })?;
        let container = container_name(format.format_info().format);
        let bits = params.bits_per_sample.filter(|_| ["pcm", "flac", "alac"].contains(&codec));
        if let Some(frames) = track.num_frames
            && codec == "pcm"
            && frames / 2 > file_bytes
        {
            return Err(DspError::Hostile {
                path: path.to_owned(),
                what: format!("{frames} frames in {file_bytes} bytes"),
            });
        }
        let float = matches!(
            params.codec,
            well_known::CODEC_ID_PCM_F32BE
                | well_known::CODEC_ID_PCM_F32LE
                | well_known::CODEC_ID_PCM_F64BE
                | well_known::CODEC_ID_PCM_F64LE
        );
        let spec = Spec { sample_rate, channels, bits, float, frames: track.num_frames, container, codec };
        let id = track.id;
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(params, &AudioDecoderOptions::default().gapless(true))
            .map_err(|error| DspError::Unsupported { path: path.to_owned(), what: in_words(&error) })?;
        Ok(CodedReader {
            format,
            decoder,
            track: id,
            spec,
            waiting: vec![Vec::new(); channels],
            taken: 0,
            ended: false,
        })
    }

    pub(super) fn spec(&self) -> &Spec {
        &self.spec
    }

    pub(super) fn read(&mut self, block: &mut Block, frames_max: usize) -> Result<usize, String> {
        let mut got = 0;
        while got < frames_max {
            let here = self.waiting[0].len() - self.taken;
            if here == 0 {
                if self.ended || !self.decode()? {
                    self.ended = true;
                    break;
                }
                continue;
            }
            let take = here.min(frames_max - got);
            for (to, from) in block.channels.iter_mut().zip(&self.waiting) {
                to.extend_from_slice(&from[self.taken..self.taken + take]);
            }
            self.taken += take;
            got += take;
        }
        Ok(got)
    }

    /// The next packet that decodes; false at the end. A single bad packet is skipped as players do; a run of them is damage.
    fn decode(&mut self) -> Result<bool, String> {
        self.taken = 0;
        self.waiting.iter_mut().for_each(Vec::clear);
        let mut bad = 0;
        loop {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => return Ok(false),
                Err(Error::IoError(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return self.end();
                }
                Err(error) => return Err(in_words(&error)),
            };
            if packet.track_id != self.track {
                continue;
            }
            match self.decoder.decode(&packet) {
                Ok(sound) => {
                    if sound.spec().channels().count() != self.spec.channels
                        || sound.spec().rate() != self.spec.sample_rate
                    {
                        return Err("the format changes in the middle of the file".into());
                    }
                    if sound.frames() == 0 {
                        continue;
                    }
                    sound.copy_to_vecs_planar::<f64>(&mut self.waiting);
                    return Ok(true);
                }
                Err(Error::DecodeError(what)) => {
                    bad += 1;
                    // Lossless sound with a hole is not the recording any more.
                    if bad > BAD_PACKETS_MAX || ["flac", "alac", "pcm"].contains(&self.spec.codec) {
                        return Err(what.to_owned());
                    }
                }
                Err(error) => return Err(in_words(&error)),
            }
        }
    }

    /// The stream stopped short. Streams without a stated length simply end; others were cut off.
    fn end(&self) -> Result<bool, String> {
        match self.spec.frames {
            Some(_) if self.spec.codec != "mp3" && self.spec.codec != "aac" => {
                Err("the file ends before its header says so: it was cut off".into())
            }
            _ => Ok(false),
        }
    }
}

fn codec_name(codec: symphonia::core::codecs::audio::AudioCodecId) -> Option<&'static str> {
    use well_known as id;
    Some(match codec {
        id::CODEC_ID_FLAC => "flac",
        id::CODEC_ID_ALAC => "alac",
        id::CODEC_ID_MP3 => "mp3",
        id::CODEC_ID_AAC => "aac",
        id::CODEC_ID_VORBIS => "vorbis",
        id::CODEC_ID_PCM_S8
        | id::CODEC_ID_PCM_U8
        | id::CODEC_ID_PCM_S16BE
        | id::CODEC_ID_PCM_S16LE
        | id::CODEC_ID_PCM_S24BE
        | id::CODEC_ID_PCM_S24LE
        | id::CODEC_ID_PCM_S32BE
        | id::CODEC_ID_PCM_S32LE
        | id::CODEC_ID_PCM_F32BE
        | id::CODEC_ID_PCM_F32LE
        | id::CODEC_ID_PCM_F64BE
        | id::CODEC_ID_PCM_F64LE => "pcm",
        _ => return None,
    })
}

fn container_name(format: symphonia::core::formats::FormatId) -> &'static str {
    match format {
        containers::FORMAT_ID_AIFF => "aiff",
        containers::FORMAT_ID_FLAC => "flac",
        containers::FORMAT_ID_MP3 => "mp3",
        containers::FORMAT_ID_ADTS => "adts",
        containers::FORMAT_ID_OGG => "ogg",
        containers::FORMAT_ID_ISOMP4 => "mp4",
        _ => "other",
    }
}

fn in_words(error: &Error) -> String {
    match error {
        Error::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "no known audio format was found in it, or it ends inside its header".into()
        }
        Error::Unsupported(what) => format!("it uses a feature that is not supported: {what}"),
        Error::DecodeError(what) => format!("it is malformed: {what}"),
        Error::LimitError(what) => format!("it exceeds a limit: {what}"),
        other => other.to_string(),
    }
}
