//! FLAC (RFC 9639), written by our own encoder: dense as the reference encoder's best level, fast on every core. Blocks are encoded side by side by
//! worker threads and written in their order, so the bytes are the same for any number of threads and any size of block handed in.

mod bits;
mod frame;
mod lpc;
mod rice;
mod subframe;
mod workers;

use std::{
    fs::File,
    io::{self, BufWriter, Seek, SeekFrom, Write},
};

use tempfile::NamedTempFile;

use super::pack::{self, Form, Packer};
use crate::Block;
use frame::Format;
use workers::Workers;

/// Frames of a FLAC frame: what the reference encoder takes, and what every reader expects.
const BLOCK_FRAMES: usize = 4096;
const STREAM_INFO_BYTES: u32 = 34;
/// Room behind the stream's facts: seek points, who wrote it, and what is left over for tags that come later.
const RESERVE_BYTES: usize = 12 << 10;
const MAX_SEEK_POINTS: u64 = 200;
const SEEK_POINT_BYTES: usize = 18;
const VENDOR: &str = "deadwax-dsp";

pub(super) struct FlacWriter {
    /// The handle keeps the name.
    file: NamedTempFile,
    stream: Stream<BufWriter<File>>,
}

impl FlacWriter {
    /// `bits`: 16 or 24. `channels`: 1 to 8. `threads`: encoders beside the caller.
    pub(super) fn new(
        file: NamedTempFile,
        sample_rate: u32,
        bits: u32,
        channels: usize,
        threads: usize,
    ) -> io::Result<FlacWriter> {
        let out = BufWriter::with_capacity(1 << 18, file.reopen()?);
        let stream = Stream::new(out, sample_rate, bits, channels, threads)?;
        Ok(FlacWriter { file, stream })
    }

    pub(super) fn write(&mut self, block: &Block) -> io::Result<()> {
        self.stream.write(block)
    }

    pub(super) fn finish(self) -> io::Result<NamedTempFile> {
        self.stream.finish()?;
        Ok(self.file)
    }
}

struct Stream<W> {
    out: W,
    format: Format,
    channels: usize,
    workers: Workers,
    /// Samples that do not fill a block yet: channels x fewer than `BLOCK_FRAMES`.
    pending: Vec<Vec<i32>>,
    packer: Packer,
    md5: md5::Context,
    frames: u64,
    /// Where each FLAC frame begins, counted from the first.
    starts: Vec<u64>,
    bytes: u64,
    smallest: usize,
    largest: usize,
}

impl<W: Write + Seek> Stream<W> {
    fn new(mut out: W, sample_rate: u32, bits: u32, channels: usize, threads: usize) -> io::Result<Self> {
        out.write_all(&[0; 4 + 4 + STREAM_INFO_BYTES as usize + RESERVE_BYTES])?;
        let format = Format { sample_rate, bits, block_frames: BLOCK_FRAMES };
        Ok(Stream {
            out,
            format,
            channels,
            workers: Workers::new(format, threads)?,
            pending: vec![Vec::with_capacity(BLOCK_FRAMES); channels],
            packer: Packer::default(),
            md5: md5::Context::new(),
            frames: 0,
            starts: Vec::new(),
            bytes: 0,
            smallest: usize::MAX,
            largest: 0,
        })
    }

    fn write(&mut self, block: &Block) -> io::Result<()> {
        let md5 = &mut self.md5;
        let form = Form::Whole { bits: self.format.bits, big_endian: false };
        self.packer.pack(block, form, |bytes| {
            md5.consume(bytes);
            Ok(())
        })?;
        let mut at = 0;
        while at < block.frames() {
            let held = self.pending[0].len();
            let n = (BLOCK_FRAMES - held).min(block.frames() - at);
            for (pending, samples) in self.pending.iter_mut().zip(&block.channels) {
                pending.resize(held + n, 0);
                pack::whole(&samples[at..at + n], self.format.bits, &mut pending[held..])?;
            }
            at += n;
            if held + n == BLOCK_FRAMES {
                self.send()?;
            }
        }
        self.frames += block.frames() as u64;
        Ok(())
    }

    /// Gives the pending block away, and writes down what has become ready.
    fn send(&mut self) -> io::Result<()> {
        let mut planes = self.workers.spare().unwrap_or_default();
        planes.resize_with(self.channels, Vec::new);
        planes.iter_mut().for_each(Vec::clear);
        std::mem::swap(&mut planes, &mut self.pending);
        self.workers.send(planes)?;
        while let Some(bytes) = self.workers.ready()? {
            self.take(&bytes)?;
        }
        Ok(())
    }

    fn take(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.starts.push(self.bytes);
        self.bytes += bytes.len() as u64;
        self.smallest = self.smallest.min(bytes.len());
        self.largest = self.largest.max(bytes.len());
        self.out.write_all(bytes)
    }

    fn finish(mut self) -> io::Result<W> {
        if !self.pending[0].is_empty() {
            self.send()?;
        }
        while let Some(bytes) = self.workers.last()? {
            self.take(&bytes)?;
        }
        let head = self.head();
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&head)?;
        self.out.flush()?;
        Ok(self.out)
    }

    /// Everything before the first frame, as long as what was reserved.
    fn head(&self) -> Vec<u8> {
        let mut head = b"fLaC".to_vec();
        block_head(&mut head, false, 0, STREAM_INFO_BYTES);
        let block = self.format.block_frames as u16;
        head.extend_from_slice(&block.to_be_bytes());
        head.extend_from_slice(&block.to_be_bytes());
        let smallest = if self.largest == 0 { 0 } else { self.smallest };
        head.extend_from_slice(&(smallest as u32).to_be_bytes()[1..]);
        head.extend_from_slice(&(self.largest as u32).to_be_bytes()[1..]);
        // A length beyond 36 bits is left unsaid.
        let frames = if self.frames < 1 << 36 { self.frames } else { 0 };
        let packed = u64::from(self.format.sample_rate) << 44
            | (self.channels as u64 - 1) << 41
            | u64::from(self.format.bits - 1) << 36
            | frames;
        head.extend_from_slice(&packed.to_be_bytes());
        head.extend_from_slice(&self.md5.clone().finalize().0);
        let reserve_from = head.len();
        self.seek_points(&mut head);
        let vendor = VENDOR.as_bytes();
        block_head(&mut head, false, 4, vendor.len() as u32 + 8);
        head.extend_from_slice(&(vendor.len() as u32).to_le_bytes());
        head.extend_from_slice(vendor);
        head.extend_from_slice(&0u32.to_le_bytes());
        let left = RESERVE_BYTES - (head.len() - reserve_from) - 4;
        block_head(&mut head, true, 1, left as u32);
        head.resize(head.len() + left, 0);
        head
    }

    /// A point every ten seconds, or as many as there is room for, at even distances (RFC 9639, 8.5).
    fn seek_points(&self, head: &mut Vec<u8>) {
        let block = self.format.block_frames as u64;
        let ten_seconds = (u64::from(self.format.sample_rate) * 10).div_ceil(block);
        let step = ten_seconds.max((self.starts.len() as u64).div_ceil(MAX_SEEK_POINTS)) as usize;
        let points = self.starts.len().div_ceil(step);
        if points == 0 {
            return;
        }
        block_head(head, false, 3, (points * SEEK_POINT_BYTES) as u32);
        for (at, start) in self.starts.iter().enumerate().step_by(step) {
            let first = at as u64 * block;
            head.extend_from_slice(&first.to_be_bytes());
            head.extend_from_slice(&start.to_be_bytes());
            head.extend_from_slice(&((self.frames - first).min(block) as u16).to_be_bytes());
        }
    }
}

/// The head of a block of metadata: last one or not, kind, length.
fn block_head(out: &mut Vec<u8>, last: bool, kind: u8, bytes: u32) {
    out.push(u8::from(last) << 7 | kind);
    out.extend_from_slice(&bytes.to_be_bytes()[1..]);
}
