//! FLAC, ALAC, MP3, AAC and Vorbis by symphonia. Each file is handed only to the reader of the container it was recognised as.
//! A packet that cannot be decoded is damage, told with its time: it is never stepped over, sound would be lost unseen.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use symphonia::core::codecs::audio::{AudioCodecId, AudioDecoder, AudioDecoderOptions, well_known as id};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe};
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::{MetadataOptions, StandardTag};
use symphonia::default::{formats, get_codecs, meta};

use super::metadata::{Metadata, clean, filled};
use super::{Body, Opened, check_limits, mp4, seconds};
use crate::{Block, DspError, Spec};

/// A packet beyond this is refused before a decoder is made: decoders allocate by it.
const MAX_PACKET_FRAMES: u64 = 1 << 18;
/// So many packets may give no sound before the first that does.
const MAX_SILENT_PACKETS: usize = 256;
/// Headers of lossy streams count in packets; a stream that ends within one packet of its promise is whole.
const LOSSY_SLACK_FRAMES: u64 = 4096;

pub(super) struct CodedReader {
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    /// Decoded and not yet asked for.
    pending: Vec<Vec<f64>>,
    taken: usize,
    /// Frames still to leave out.
    skip: u64,
    /// Frames still to give, where the container says where the sound ends.
    keep: Option<u64>,
    ended: bool,
}

pub(super) fn open(file: File, container: &'static str, path: &Path) -> Result<Opened, DspError> {
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let probe = probe_of(container);
    let mut format = guarded(path, 0.0, || {
        probe.probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
    })?
    .map_err(|e| refused(path, &e))?;
    let metadata = tags(format.as_mut());
    let track = format
        .default_track(TrackType::Audio)
        .ok_or_else(|| DspError::unsupported(path, format!("{container} without a sound track")))?;
    let parameters = track
        .codec_params
        .as_ref()
        .and_then(|parameters| parameters.audio())
        .ok_or_else(|| DspError::unsupported(path, format!("{container} with an unknown sound coding")))?
        .clone();
    let (track, stated_frames) = (track.id, track.num_frames);
    let codec = codec_name(parameters.codec)
        .ok_or_else(|| DspError::unsupported(path, format!("{container} with an unknown sound coding")))?;
    if let Some(count) = parameters.channels.as_ref().map(|channels| channels.count()) {
        check_limits(path, f64::from(super::MIN_SAMPLE_RATE_HZ), count)?;
    }
    if let Some(rate) = parameters.sample_rate {
        check_limits(path, f64::from(rate), 1)?;
    }
    if parameters.max_frames_per_packet.is_some_and(|frames| frames > MAX_PACKET_FRAMES) {
        return Err(DspError::hostile(
            path,
            "it says that one packet holds more sound than any coder writes",
        ));
    }
    // FLAC carries a digest of its sound: it is checked at the end.
    let options = AudioDecoderOptions::default().verify(true);
    let decoder = guarded(path, 0.0, || get_codecs().make_audio_decoder(&parameters, &options))?
        .map_err(|e| refused(path, &e))?;
    let mut reader = CodedReader {
        format,
        decoder,
        track,
        pending: Vec::new(),
        taken: 0,
        skip: 0,
        keep: None,
        ended: false,
    };
    // The first sound tells rate and channels; headers of AAC are known to lie.
    let (sample_rate, channels) = reader.first_sound(path)?;
    let mut spec = Spec {
        sample_rate,
        channels,
        bits: match codec {
            // The decoder does not tell; its cookie does: u32 frame length, u8 version, u8 bit depth.
            "alac" => {
                parameters.extra_data.as_deref().and_then(|cookie| cookie.get(5)).map(|bits| u32::from(*bits))
            }
            "flac" => reader.decoder.codec_params().bits_per_sample,
            _ => None,
        },
        float: false,
        frames: stated_frames.filter(|frames| *frames > 0),
        container,
        codec,
    };
    if container == "mp4"
        // Opened anew: a cloned handle would share its place with the reader.
        && let Some(edit) = File::open(path).ok().and_then(|mut file| mp4::edit(&mut file, sample_rate))
    {
        reader.skip = edit.skip;
        reader.keep = Some(edit.keep);
        spec.frames = Some(edit.keep);
    }
    Ok(Opened { spec, metadata, body: Body::Coded(Box::new(reader)) })
}

impl CodedReader {
    pub(super) fn read(
        &mut self,
        block: &mut Block,
        max_frames: usize,
        path: &Path,
        position: u64,
        spec: &Spec,
    ) -> Result<usize, DspError> {
        let at_s = seconds(position, spec.sample_rate);
        while self.waiting() == 0 && !self.ended {
            self.next_packet(path, at_s, Some(spec))?;
        }
        let frames = self.waiting().min(max_frames);
        if frames == 0 {
            self.check_end(path, position, spec)?;
        }
        block.resize(spec.channels, frames);
        for (plane, from) in block.channels.iter_mut().zip(&self.pending) {
            plane.copy_from_slice(&from[self.taken..self.taken + frames]);
        }
        self.taken += frames;
        if let Some(keep) = &mut self.keep {
            *keep -= frames as u64;
        }
        Ok(frames)
    }

    /// Frames that can be given now: decoded, after what is skipped, before the end.
    fn waiting(&mut self) -> usize {
        let decoded = self.pending.first().map_or(0, Vec::len) - self.taken;
        let skipped = self.skip.min(decoded as u64);
        self.taken += skipped as usize;
        self.skip -= skipped;
        let left = decoded - skipped as usize;
        self.keep.map_or(left, |keep| left.min(usize::try_from(keep).unwrap_or(usize::MAX)))
    }

    fn first_sound(&mut self, path: &Path) -> Result<(u32, usize), DspError> {
        for _ in 0..MAX_SILENT_PACKETS {
            if self.ended {
                break;
            }
            if let Some((rate, channels)) = self.next_packet(path, 0.0, None)? {
                return Ok((check_limits(path, f64::from(rate), channels)?, channels));
            }
        }
        Err(DspError::not_audio(path, "it holds no sound"))
    }

    /// Decodes one packet into `pending`; gives its rate and channels where it held sound.
    fn next_packet(
        &mut self,
        path: &Path,
        at_s: f64,
        spec: Option<&Spec>,
    ) -> Result<Option<(u32, usize)>, DspError> {
        self.pending.iter_mut().for_each(Vec::clear);
        self.taken = 0;
        if self.keep == Some(0) {
            self.ended = true;
            return Ok(None);
        }
        let packet = guarded(path, at_s, || self.format.next_packet())?;
        let packet = match packet {
            Ok(Some(packet)) if packet.track_id == self.track => packet,
            Ok(Some(_)) => return Ok(None),
            Ok(None) => {
                self.ended = true;
                return Ok(None);
            }
            Err(error) => return Err(broken(path, at_s, &error)),
        };
        let (decoder, pending) = (&mut self.decoder, &mut self.pending);
        let decoded = guarded(path, at_s, || {
            let sound = decoder.decode(&packet)?;
            let (rate, channels) = (sound.spec().rate(), sound.spec().channels().count());
            // Limits before memory: planes are allocated by this copy.
            if sound.frames() > 0 && channels <= super::MAX_CHANNELS {
                sound.copy_to_vecs_planar::<f64>(pending);
            }
            Ok((rate, channels, sound.frames()))
        })?;
        let (rate, channels, frames) = decoded.map_err(|error| broken(path, at_s, &error))?;
        if frames == 0 {
            return Ok(None);
        }
        if let Some(spec) = spec
            && (spec.sample_rate != rate || spec.channels != channels)
        {
            let what = format!(
                "its sound changes from {} Hz and {} channels to {rate} Hz and {channels}",
                spec.sample_rate, spec.channels
            );
            return Err(DspError::damaged(path, at_s, what));
        }
        Ok(Some((rate, channels)))
    }

    /// At the end: all that was promised is here, and the digest of a FLAC file agrees.
    fn check_end(&mut self, path: &Path, position: u64, spec: &Spec) -> Result<(), DspError> {
        let at_s = seconds(position, spec.sample_rate);
        let slack = if matches!(spec.codec, "flac" | "alac") { 0 } else { LOSSY_SLACK_FRAMES };
        if let Some(frames) = spec.frames
            && position + slack < frames
        {
            let what =
                format!("its header promises {frames} frames of sound, it holds {position}. It was cut off");
            return Err(DspError::damaged(path, at_s, what));
        }
        if guarded(path, at_s, || self.decoder.finalize())?.verify_ok == Some(false) {
            return Err(DspError::damaged(
                path,
                at_s,
                "its sound does not agree with the digest in its header",
            ));
        }
        Ok(())
    }
}

fn probe_of(container: &str) -> Probe {
    let mut probe = Probe::new();
    match container {
        "flac" => probe.register_format::<formats::FlacReader<'_>>(),
        "ogg" => probe.register_format::<formats::OggReader<'_>>(),
        "mp4" => probe.register_format::<formats::IsoMp4Reader<'_>>(),
        "adts" => probe.register_format::<formats::AdtsReader<'_>>(),
        _ => probe.register_format::<formats::MpaReader<'_>>(),
    }
    probe.register_metadata::<meta::ApeReader<'_>>();
    probe.register_metadata::<meta::Id3v1Reader<'_>>();
    probe.register_metadata::<meta::Id3v2Reader<'_>>();
    probe
}

fn codec_name(codec: AudioCodecId) -> Option<&'static str> {
    match codec {
        id::CODEC_ID_FLAC => Some("flac"),
        id::CODEC_ID_ALAC => Some("alac"),
        id::CODEC_ID_MP3 => Some("mp3"),
        id::CODEC_ID_AAC => Some("aac"),
        id::CODEC_ID_VORBIS => Some("vorbis"),
        _ => None,
    }
}

fn tags(format: &mut dyn FormatReader) -> Metadata {
    let mut metadata = Metadata::default();
    let mut log = format.metadata();
    let Some(revision) = log.skip_to_latest() else { return metadata };
    let of_tracks = revision.per_track.iter().flat_map(|track| &track.metadata.tags);
    for tag in revision.media.tags.iter().chain(of_tracks) {
        match &tag.std {
            Some(StandardTag::TrackTitle(words)) => metadata.title = filled(clean(words)),
            Some(StandardTag::Artist(words)) => metadata.artist = filled(clean(words)),
            Some(StandardTag::Album(words)) => metadata.album = filled(clean(words)),
            Some(StandardTag::IdentIsrc(words)) => metadata.isrc = filled(clean(words)),
            Some(StandardTag::Comment(words)) => metadata.comment = filled(clean(words)),
            _ => {}
        }
    }
    metadata
}

/// Decoders are other people's code fed with strangers' bytes: where one panics, the file is damaged and the caller goes on.
fn guarded<T>(path: &Path, at_s: f64, call: impl FnOnce() -> T) -> Result<T, DspError> {
    catch_unwind(AssertUnwindSafe(call))
        .map_err(|_| DspError::damaged(path, at_s, "the decoder gave up on it"))
}

fn refused(path: &Path, error: &Error) -> DspError {
    match error {
        Error::Unsupported(what) => DspError::unsupported(path, *what),
        Error::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            DspError::not_audio(path, "its header is cut off")
        }
        other => DspError::not_audio(path, other.to_string()),
    }
}

fn broken(path: &Path, at_s: f64, error: &Error) -> DspError {
    match error {
        Error::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            DspError::damaged(path, at_s, "it ends in the middle of its sound")
        }
        other => DspError::damaged(path, at_s, other.to_string()),
    }
}
