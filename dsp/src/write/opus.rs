//! Ogg Opus for previews (RFC 7845): 20 ms packets, a page for about a second, positions exact to the frame, so that decoders give
//! back the length that went in. The coder works in 16-bit integers: its bytes are the same on every machine. Never here: resampling.

use std::io::{self, BufWriter, Write};

use ropus::{Application, Bitrate, Channels, Encoder, Signal};
use tempfile::NamedTempFile;

use super::pack;
use crate::Block;

/// Opus counts time at 48 kHz whatever it is fed with (RFC 7845 4).
const CLOCK_HZ: u32 = 48_000;
const PACKETS_PER_SECOND: u32 = 50;
const BITS_PER_SECOND: u32 = 160_000;
/// One below the highest. The highest adds an analysis in floating point with the system's logarithm, and with it other bytes from
/// machine to machine.
const COMPLEXITY: u8 = 9;
/// RFC 6716 3.2: a frame has at most 1275 bytes.
const MAX_PACKET_BYTES: usize = 1275;
/// A page is closed after so many packets, a second of sound.
const PAGE_PACKETS: usize = 50;
/// Who coded it: it changes when the coder does.
const VENDOR: &str = "deadwax-dsp, ropus 0.12";
/// Of the one stream in the file. A constant, so that the same sound makes the same bytes.
const SERIAL: u32 = 0x4457_4158;

pub(super) struct OpusWriter {
    pages: Pages,
    encoder: Encoder,
    sample_rate: u32,
    pre_skip: u64,
    /// One packet's worth of interleaved samples, filled to `filled` frames.
    pcm: Vec<i16>,
    filled: usize,
    whole: Vec<i32>,
    channels: usize,
    frames: u64,
    packets: u64,
}

impl OpusWriter {
    /// One or two channels at a rate that `refusal` lets pass.
    pub(super) fn new(file: NamedTempFile, sample_rate: u32, channels: usize) -> io::Result<OpusWriter> {
        let layout = if channels == 1 { Channels::Mono } else { Channels::Stereo };
        let encoder = Encoder::builder(sample_rate, layout, Application::Audio)
            .bitrate(Bitrate::Bits(BITS_PER_SECOND))
            .vbr(true)
            .complexity(COMPLEXITY)
            .signal(Signal::Music)
            .build()
            .map_err(|error| io::Error::other(format!("the Opus coder: {error}")))?;
        let pre_skip = encoder.lookahead() * (CLOCK_HZ / sample_rate);
        let mut pages = Pages::new(file);
        pages.packet(&head(channels, pre_skip as u16, sample_rate), 0)?;
        pages.close(Place::First)?;
        pages.packet(&tags(), 0)?;
        pages.close(Place::Middle)?;
        let packet_frames = (sample_rate / PACKETS_PER_SECOND) as usize;
        Ok(OpusWriter {
            pages,
            encoder,
            sample_rate,
            pre_skip: u64::from(pre_skip),
            pcm: vec![0; packet_frames * channels],
            filled: 0,
            whole: Vec::new(),
            channels,
            frames: 0,
            packets: 0,
        })
    }

    pub(super) fn write(&mut self, block: &Block) -> io::Result<()> {
        let packet_frames = self.pcm.len() / self.channels;
        let mut done = 0;
        while done < block.frames() {
            let frames = (packet_frames - self.filled).min(block.frames() - done);
            self.whole.resize(frames, 0);
            for (channel, plane) in block.channels.iter().enumerate() {
                pack::whole(&plane[done..done + frames], 16, &mut self.whole)?;
                let to = self.pcm[self.filled * self.channels..].chunks_exact_mut(self.channels);
                to.zip(&self.whole).for_each(|(frame, sample)| frame[channel] = *sample as i16);
            }
            done += frames;
            self.filled += frames;
            if self.filled == packet_frames {
                self.packet(None)?;
            }
        }
        self.frames += block.frames() as u64;
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<NamedTempFile> {
        let end = self.pre_skip + self.frames * u64::from(CLOCK_HZ / self.sample_rate);
        // What the coder still holds back comes out with silence behind it.
        loop {
            let whole = (self.packets + 1) * u64::from(CLOCK_HZ / PACKETS_PER_SECOND);
            self.pcm[self.filled * self.channels..].fill(0);
            self.packet((whole >= end).then_some(end))?;
            if whole >= end {
                break;
            }
        }
        self.pages.close(Place::Last)?;
        self.pages.out.into_inner().map_err(io::IntoInnerError::into_error)
    }

    /// Codes the samples at hand; `end` is the position of the stream's end where this is its last packet.
    fn packet(&mut self, end: Option<u64>) -> io::Result<()> {
        let mut coded = [0; MAX_PACKET_BYTES];
        let bytes = self
            .encoder
            .encode(&self.pcm, &mut coded)
            .map_err(|error| io::Error::other(format!("the Opus coder: {error}")))?;
        self.filled = 0;
        self.packets += 1;
        let position = self.packets * u64::from(CLOCK_HZ / PACKETS_PER_SECOND);
        self.pages.packet(&coded[..bytes], end.unwrap_or(position))
    }
}

/// Why this sound cannot be Opus here, if it cannot (RFC 6716 2.1.3: the rates of the coder).
pub(super) fn refusal(sample_rate: u32, channels: usize) -> Option<String> {
    const RATES_HZ: [u32; 5] = [48_000, 24_000, 16_000, 12_000, 8_000];
    if channels > 2 {
        return Some(format!("an Opus preview holds at most 2 channels, not {channels}: choose FLAC or WAV"));
    }
    (!RATES_HZ.contains(&sample_rate))
        .then(|| format!("Opus cannot hold {sample_rate} Hz: choose an output rate of 48000 Hz"))
}

/// RFC 7845 5.1, mapping family 0.
fn head(channels: usize, pre_skip: u16, sample_rate: u32) -> Vec<u8> {
    let mut head = b"OpusHead\x01".to_vec();
    head.push(channels as u8);
    head.extend(pre_skip.to_le_bytes());
    head.extend(sample_rate.to_le_bytes());
    head.extend([0; 3]);
    head
}

/// RFC 7845 5.2: who coded it, and no comments yet.
fn tags() -> Vec<u8> {
    let mut tags = b"OpusTags".to_vec();
    tags.extend((VENDOR.len() as u32).to_le_bytes());
    tags.extend(VENDOR.as_bytes());
    tags.extend(0u32.to_le_bytes());
    tags
}

/// Where a page stands in the stream (RFC 3533 6: bits of its header type).
#[derive(Clone, Copy)]
enum Place {
    First = 0x02,
    Middle = 0x00,
    Last = 0x04,
}

/// Puts packets into Ogg pages (RFC 3533 6). No packet here is longer than a page, so none goes on in the next.
struct Pages {
    out: BufWriter<NamedTempFile>,
    lacing: Vec<u8>,
    body: Vec<u8>,
    packets: usize,
    position: u64,
    sequence: u32,
}

impl Pages {
    fn new(file: NamedTempFile) -> Pages {
        let out = BufWriter::new(file);
        Pages { out, lacing: Vec::new(), body: Vec::new(), packets: 0, position: 0, sequence: 0 }
    }

    /// `position` is that of the last frame of the packet, in frames of 48 kHz.
    fn packet(&mut self, bytes: &[u8], position: u64) -> io::Result<()> {
        let segments = bytes.len() / 255 + 1;
        if self.packets == PAGE_PACKETS || self.lacing.len() + segments > 255 {
            self.close(Place::Middle)?;
        }
        self.lacing.extend(std::iter::repeat_n(255, segments - 1));
        self.lacing.push((bytes.len() % 255) as u8);
        self.body.extend_from_slice(bytes);
        self.packets += 1;
        self.position = position;
        Ok(())
    }

    fn close(&mut self, place: Place) -> io::Result<()> {
        let mut page = b"OggS\0".to_vec();
        page.push(place as u8);
        page.extend(self.position.to_le_bytes());
        page.extend(SERIAL.to_le_bytes());
        page.extend(self.sequence.to_le_bytes());
        page.extend([0; 4]);
        page.push(self.lacing.len() as u8);
        page.append(&mut self.lacing);
        page.append(&mut self.body);
        let sum = checksum(&page);
        page[22..26].copy_from_slice(&sum.to_le_bytes());
        self.packets = 0;
        self.sequence += 1;
        self.out.write_all(&page)
    }
}

/// RFC 3533 6: CRC-32 of polynomial 0x04c11db7, most significant bit first, from zero, not inverted.
fn checksum(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut at = 0;
        while at < 256 {
            let mut rest = (at as u32) << 24;
            let mut bit = 0;
            while bit < 8 {
                rest = (rest << 1) ^ (if rest >> 31 == 1 { 0x04c1_1db7 } else { 0 });
                bit += 1;
            }
            table[at] = rest;
            at += 1;
        }
        table
    };
    bytes.iter().fold(0, |sum, byte| (sum << 8) ^ TABLE[usize::from((sum >> 24) as u8 ^ byte)])
}
