//! FLAC, ALAC, MP3, AAC and Vorbis by symphonia, Opus by ropus. Each file is handed only to the reader of the container it was
//! recognised as. A packet that cannot be decoded is damage, told with its time: it is never stepped over, sound would be lost unseen.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use symphonia::core::codecs::audio::{
    AudioCodecId, AudioCodecParameters, AudioDecoder, AudioDecoderOptions, well_known as id,
};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::{Hint, Probe};
use symphonia::core::formats::{FormatOptions, FormatReader, SeekMode, SeekTo, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::{MetadataOptions, StandardTag};
use symphonia::core::units::Timestamp;
use symphonia::default::{formats, get_codecs, meta};

use super::metadata::{Metadata, clean, filled};
use super::storage::Tail;
use super::{Body, Bytes, Opened, Storage, check_limits, mp4, mpeg, opus, seconds};
use crate::{Block, DspError, Spec};

/// A packet beyond this is refused before a decoder is made: decoders allocate by it.
const MAX_PACKET_FRAMES: u64 = 1 << 18;
/// So many packets may give no sound before the first that does.
const MAX_SILENT_PACKETS: usize = 256;
/// Some headers count in packets or in ticks of a clock; a stream that ends within one packet of such a promise is whole.
const PACKET_SLACK_FRAMES: u64 = 1152;
/// Packets of an MP3 that are decoded before the one that is sought: the bits of a packet may lie up to 511 bytes in front of it, and the filters
/// remember two more.
const MP3_LEAD_PACKETS: u64 = 14;
/// The others, in frames: the overlap of AAC, and 80 ms of Opus (RFC 7845 4.6) rounded up.
const AAC_LEAD_FRAMES: u64 = 6 * 1024;
const OPUS_LEAD_FRAMES: u64 = 4 * 5_760;

pub(super) struct CodedReader {
    format: Box<dyn FormatReader>,
    decoder: Decoder,
    track: u32,
    /// Decoded and not yet asked for.
    pending: Vec<Vec<f64>>,
    taken: usize,
    /// Frames still to leave out.
    skip: u64,
    /// Frames still to give, where the container says where the sound ends.
    keep: Option<u64>,
    /// How far the sound may stay behind what the header promises.
    slack: u64,
    /// Packets still to come, where the header counts them.
    packets_left: Option<u64>,
    /// When the first packet is to be heard, in frames; a stream cut out of another starts late.
    first_at: Option<i64>,
    ended: bool,
    storage: Arc<dyn Storage>,
    container: &'static str,
    codec: &'static str,
    /// The stream's clock counts frames.
    counts_frames: bool,
    /// What an opening leaves out in front, and keeps after that.
    edges: (u64, Option<u64>),
    steady: Option<mpeg::Steady>,
    opus_head: Vec<u8>,
    /// Where the newest packet with sound stands in the coded stream.
    packet_at: Option<i64>,
    /// What `packet.pts` says of the stream's first packet.
    origin: i64,
    /// Read elsewhere than from front to back: the digest of the whole cannot agree any more.
    sought: bool,
    /// A seek broke off half way.
    lost: bool,
}

enum Decoder {
    Symphonia(Box<dyn AudioDecoder>),
    Opus(Box<opus::OpusDecoder>),
}

pub(super) fn open(
    file: Box<dyn Bytes>,
    container: &'static str,
    storage: Arc<dyn Storage>,
    path: &Path,
) -> Result<Opened, DspError> {
    let file = Tail::new(file, 0, storage.byte_len()).map_err(|e| DspError::open(path, e))?;
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
    let (clock, stated_frames) = (track.time_base, track.num_frames);
    let track = track.id;
    let codec = codec_name(parameters.codec)
        .ok_or_else(|| DspError::unsupported(path, format!("{container} with an unknown sound coding")))?;
    check_parameters(&parameters, path)?;
    let decoder = decoder_for(&parameters, codec, path)?;
    let mut reader = CodedReader {
        format,
        decoder,
        track,
        pending: Vec::new(),
        taken: 0,
        skip: 0,
        keep: None,
        slack: 0,
        packets_left: None,
        first_at: None,
        ended: false,
        storage,
        container,
        codec,
        counts_frames: false,
        edges: (0, None),
        steady: None,
        opus_head: parameters.extra_data.as_deref().filter(|_| codec == "opus").unwrap_or_default().to_vec(),
        packet_at: None,
        origin: 0,
        sought: false,
        lost: false,
    };
    // The first sound tells rate and channels; headers of AAC are known to lie.
    let (sample_rate, channels) = reader.first_sound(path)?;
    let bits = match (codec, &reader.decoder) {
        // The decoder does not tell; its cookie does: u32 frame length, u8 version, u8 bit depth.
        ("alac", _) => {
            parameters.extra_data.as_deref().and_then(|cookie| cookie.get(5)).map(|bits| u32::from(*bits))
        }
        ("flac", Decoder::Symphonia(decoder)) => decoder.codec_params().bits_per_sample,
        _ => None,
    };
    let frames = reader.find_edges(container, sample_rate, stated_frames, path)?;
    reader.edges = (reader.skip, reader.keep);
    reader.origin = reader.first_at.unwrap_or(0);
    reader.counts_frames = clock.is_some_and(|it| it.numer.get() == 1 && it.denom.get() == sample_rate);
    let spec = Spec { sample_rate, channels, bits, float: false, frames, container, codec };
    Ok(Opened { spec, metadata, body: Body::Coded(Box::new(reader)) })
}

/// Limits before a decoder is made.
fn check_parameters(parameters: &AudioCodecParameters, path: &Path) -> Result<(), DspError> {
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
    Ok(())
}

fn decoder_for(parameters: &AudioCodecParameters, codec: &str, path: &Path) -> Result<Decoder, DspError> {
    if codec == "opus" {
        let head = parameters.extra_data.as_deref().unwrap_or_default();
        let decoder = guarded(path, 0.0, || opus::OpusDecoder::new(head))?;
        let decoder = decoder.map_err(|what| DspError::hostile(path, what))?;
        return Ok(Decoder::Opus(Box::new(decoder)));
    }
    // FLAC carries a digest of its sound: it is checked at the end. The edges of an MP3 are found here, see `find_edges`: its reader
    // takes a guess at the length, from the size of the file, for a promise.
    let options = AudioDecoderOptions::default().verify(true).gapless(codec != "mp3");
    let decoder = guarded(path, 0.0, || get_codecs().make_audio_decoder(parameters, &options))?
        .map_err(|e| refused(path, &e))?;
    Ok(Decoder::Symphonia(decoder))
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

    /// Goes to a frame of the sound. `false`: there is no short way, the caller reads up to it.
    pub(super) fn seek(&mut self, frame: u64, path: &Path, spec: &Spec) -> Result<bool, DspError> {
        // The clock of a Vorbis stream that is entered late is a short block off: it is read up to instead.
        if self.codec == "vorbis" {
            return Ok(false);
        }
        let target = frame + self.edges.0;
        let lead = match self.codec {
            "mp3" => MP3_LEAD_PACKETS * self.steady.map_or(1152, |it| it.packet_frames),
            "aac" => AAC_LEAD_FRAMES,
            "opus" => OPUS_LEAD_FRAMES,
            _ => 0,
        };
        // The first packets are best read as they are at the start.
        let Some(from) = target.checked_sub(lead).filter(|from| *from > lead && *from > 0) else {
            self.lost = true;
            return Ok(false);
        };
        // Until all of it is done, what is read next would stand in the wrong place.
        self.lost = true;
        self.sought = true;
        self.packets_left = None;
        self.pending.iter_mut().for_each(Vec::clear);
        self.taken = 0;
        self.ended = false;
        self.keep = None;
        if !self.go_to(from, path)? || !self.restart(path)? {
            return Ok(false);
        }
        let Some(at) = self.first_after_seek(path, spec)? else { return Ok(false) };
        let Some(skip) = target.checked_sub(at) else { return Ok(false) };
        self.skip = skip;
        self.keep = self.edges.1.map(|keep| keep.saturating_sub(frame));
        self.lost = false;
        Ok(true)
    }

    /// The reader is nowhere: it must be opened anew.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// The packet that holds this frame of the coded stream comes next, or one before it.
    fn go_to(&mut self, from: u64, path: &Path) -> Result<bool, DspError> {
        if let Some(steady) = self.steady {
            return self.go_to_steady(steady, from, path);
        }
        let Some(at) = i64::try_from(from).ok().and_then(|from| self.origin.checked_add(from)) else {
            return Ok(false);
        };
        if !self.counts_frames {
            return Ok(false);
        }
        let to = SeekTo::Timestamp { ts: Timestamp::new(at), track_id: self.track };
        // A seek that is refused costs time, not the sound: it is read up to instead.
        Ok(guarded(path, 0.0, || self.format.seek(SeekMode::Accurate, to))?.is_ok())
    }

    /// By arithmetic, without reading what lies between: the stream is opened as if it began there.
    fn go_to_steady(&mut self, steady: mpeg::Steady, from: u64, path: &Path) -> Result<bool, DspError> {
        let whole = self.storage.byte_len();
        let opened = |e| DspError::open(path, e);
        let mut file = self.storage.open().map_err(opened)?;
        let Some((place, packet)) = steady.find(&mut file, from / steady.packet_frames) else {
            return Ok(false);
        };
        let tail = Tail::new(file, place, whole).map_err(opened)?;
        let stream = MediaSourceStream::new(Box::new(tail), Default::default());
        let probe = probe_of(self.container);
        let format = guarded(path, 0.0, || {
            probe.probe(&Hint::new(), stream, FormatOptions::default(), MetadataOptions::default())
        })?;
        let Ok(format) = format else { return Ok(false) };
        let Some(track) = format.default_track(TrackType::Audio) else { return Ok(false) };
        self.track = track.id;
        self.format = format;
        // A stream without a header frame counts from zero.
        self.origin = -i64::try_from(packet * steady.packet_frames).unwrap_or(0);
        Ok(true)
    }

    /// A decoder that remembers nothing.
    fn restart(&mut self, path: &Path) -> Result<bool, DspError> {
        match &mut self.decoder {
            Decoder::Symphonia(decoder) => guarded(path, 0.0, || decoder.reset())?,
            Decoder::Opus(decoder) => match opus::OpusDecoder::new(&self.opus_head) {
                Ok(fresh) => **decoder = fresh,
                Err(_) => return Ok(false),
            },
        }
        Ok(true)
    }

    /// Reads on to the first packet that gives sound, and tells where it stands. What the first packets lack is no damage.
    fn first_after_seek(&mut self, path: &Path, spec: &Spec) -> Result<Option<u64>, DspError> {
        self.skip = 0;
        for _ in 0..MAX_SILENT_PACKETS {
            if self.ended {
                break;
            }
            self.packet_at = None;
            match self.next_packet(path, 0.0, Some(spec)) {
                Ok(Some(_)) => return Ok(self.packet_at.and_then(|at| u64::try_from(at).ok())),
                Ok(None) | Err(DspError::Damaged { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(None)
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

    /// What is left out at both ends, by the rules of each container. Gives the frames of sound where the file states them.
    fn find_edges(
        &mut self,
        container: &str,
        sample_rate: u32,
        stated_frames: Option<u64>,
        path: &Path,
    ) -> Result<Option<u64>, DspError> {
        // Opened anew: a cloned handle would share its place with the reader.
        let mut file = self.storage.open().map_err(|e| DspError::open(path, e))?;
        let stated = stated_frames.filter(|frames| *frames > 0);
        match container {
            "mp3" => {
                let Some(info) = mpeg::info(&mut file) else { return Ok(None) };
                self.steady = info.steady;
                // The first packet was read to learn the rate.
                self.packets_left = Some(info.packets.saturating_sub(1));
                let Some((delay, padding)) = info.edges else {
                    self.slack = PACKET_SLACK_FRAMES;
                    return Ok(Some(info.coded_frames));
                };
                self.skip = delay + mpeg::DECODER_DELAY_FRAMES;
                self.keep = Some(info.coded_frames - delay - padding);
                Ok(self.keep)
            }
            "mp4" => {
                if let Some(edit) = mp4::edit(&mut file, sample_rate) {
                    (self.skip, self.keep) = (edit.skip, Some(edit.keep));
                }
                if !self.lossless() {
                    self.slack = PACKET_SLACK_FRAMES;
                }
                Ok(self.keep.or(stated))
            }
            "ogg" => {
                if let Decoder::Opus(decoder) = &self.decoder {
                    self.skip = decoder.pre_skip;
                }
                // Ogg tells when the last frame is heard, counted from zero even where the stream begins later.
                let start = self.first_at.map_or(0, |at| u64::try_from(at).unwrap_or(0));
                Ok(stated.map(|end| end.saturating_sub(start).saturating_sub(self.skip)))
            }
            // A guess from the sizes of a few packets is no statement.
            "adts" => Ok(None),
            _ => Ok(stated),
        }
    }

    fn lossless(&self) -> bool {
        match &self.decoder {
            Decoder::Symphonia(decoder) => {
                matches!(decoder.codec_params().codec, id::CODEC_ID_FLAC | id::CODEC_ID_ALAC)
            }
            Decoder::Opus(_) => false,
        }
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
            Ok(Some(packet)) if packet.track_id == self.track => {
                self.first_at.get_or_insert(packet.pts.get());
                self.packets_left = self.packets_left.map(|left| left.saturating_sub(1));
                packet
            }
            Ok(Some(_)) => return Ok(None),
            Ok(None) => {
                self.ended = true;
                return Ok(None);
            }
            Err(error) => return Err(broken(path, at_s, &error)),
        };
        let at = packet.pts.get();
        let (decoder, pending) = (&mut self.decoder, &mut self.pending);
        let decoded = guarded(path, at_s, || match decoder {
            Decoder::Symphonia(decoder) => {
                let sound = decoder.decode(&packet)?;
                let (rate, channels) = (sound.spec().rate(), sound.spec().channels().count());
                // Limits before memory: planes are allocated by this copy.
                if sound.frames() > 0 && channels <= super::MAX_CHANNELS {
                    sound.copy_to_vecs_planar::<f64>(pending);
                }
                Ok((rate, channels, sound.frames()))
            }
            Decoder::Opus(decoder) => {
                let frames = decoder
                    .decode(&packet.data, packet.trim_end.get(), pending)
                    .map_err(Error::DecodeError)?;
                Ok((opus::RATE_HZ, decoder.channels(), frames))
            }
        })?;
        let (rate, channels, frames) = decoded.map_err(|error| broken(path, at_s, &error))?;
        if frames == 0 {
            return Ok(None);
        }
        self.packet_at = Some(at.saturating_sub(self.origin));
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

    /// At the end: all that was promised is here and no more, and the digest of a FLAC file agrees.
    fn check_end(&mut self, path: &Path, position: u64, spec: &Spec) -> Result<(), DspError> {
        let at_s = seconds(position, spec.sample_rate);
        if let Some(frames) = spec.frames
            && position + self.slack < frames
        {
            let what =
                format!("its header promises {frames} frames of sound, it holds {position}. It was cut off");
            return Err(DspError::damaged(path, at_s, what));
        }
        if spec.container == "ogg" && spec.frames.is_none() {
            return Err(DspError::damaged(path, at_s, "its last page is missing. It was cut off"));
        }
        if self.goes_on(path, at_s)? {
            let what = "its header promises less sound than it holds. Two files may have been joined: export it again";
            return Err(DspError::damaged(path, at_s, what));
        }
        if !self.sought
            && let Decoder::Symphonia(decoder) = &mut self.decoder
            && guarded(path, at_s, || decoder.finalize())?.verify_ok == Some(false)
        {
            return Err(DspError::damaged(
                path,
                at_s,
                "its sound does not agree with the digest in its header",
            ));
        }
        Ok(())
    }

    /// Whether packets follow after the last one that the header counts. One does no harm: some coders count the header too.
    fn goes_on(&mut self, path: &Path, at_s: f64) -> Result<bool, DspError> {
        let Some(left) = self.packets_left.take() else { return Ok(false) };
        for _ in 0..left + 2 {
            match guarded(path, at_s, || self.format.next_packet())? {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(false),
                Err(error) => return Err(broken(path, at_s, &error)),
            }
        }
        Ok(true)
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
        id::CODEC_ID_OPUS => Some("opus"),
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
