//! The image as its bytes pass by: does it begin as a file with a header does, do its samples look like sound in this byte order, is a track silent. No
//! measurement of levels; nothing is kept but sums. Never here: files.

use super::{
    Track,
    field::msf,
    map::SECTOR_BYTES,
    rules::{Findings, IMAGE_BYTE_ORDER, IMAGE_HEADER, IMAGE_SILENT},
};

/// How much rougher the sound must be as it is read than with its bytes exchanged: music is smoother by far in its own order.
const ROUGHER: u64 = 4;
/// Of every piece, in bytes.
const COMPARED: usize = 1 << 14;
const HEADERS: [(&[u8], &str); 6] = [
    (b"RIFF", "WAV"),
    (b"RF64", "WAV"),
    (b"FORM", "AIFF"),
    (b"fLaC", "FLAC"),
    (b"ID3", "MP3"),
    (b"caff", "CAF"),
];

/// A disc has no more; a hostile descriptor may.
const TRACKS_MAX: usize = 99;

pub struct Image {
    /// From, until, and whether something was heard; in bytes of the image.
    tracks: Vec<(u8, u64, u64, bool)>,
    /// The first track that does not lie behind.
    open: usize,
    at: u64,
    head: Vec<u8>,
    rough: [u64; 2],
}

impl Image {
    pub fn new(tracks: &[Track]) -> Image {
        let mut tracks: Vec<(u8, u64, u64, bool)> = tracks
            .iter()
            .take(TRACKS_MAX)
            .map(|it| {
                (it.number, u64::from(it.index1) * SECTOR_BYTES, u64::from(it.end) * SECTOR_BYTES, false)
            })
            .collect();
        tracks.sort_unstable_by_key(|(_, from, ..)| *from);
        Image { tracks, open: 0, at: 0, head: Vec::new(), rough: [0; 2] }
    }

    pub fn take(&mut self, piece: &[u8]) {
        if self.head.len() < 4 {
            self.head.extend(piece.iter().take(4 - self.head.len()));
        }
        self.hear(piece);
        self.compare(piece);
        self.at += piece.len() as u64;
    }

    fn hear(&mut self, piece: &[u8]) {
        let (from, until) = (self.at, self.at + piece.len() as u64);
        while self.tracks.get(self.open).is_some_and(|(_, _, end, _)| *end <= from) {
            self.open += 1;
        }
        for track in self.tracks.iter_mut().skip(self.open).take_while(|(_, begin, ..)| *begin < until) {
            if !track.3 && track.2 > from {
                let first = track.1.saturating_sub(from).min(piece.len() as u64) as usize;
                let last = (track.2 - from).min(piece.len() as u64) as usize;
                track.3 = first < last && piece[first..last].iter().any(|byte| *byte != 0);
            }
        }
    }

    /// Left alone, and a part of every piece: what music is like does not change within it.
    fn compare(&mut self, piece: &[u8]) {
        let to_frame = (4 - self.at % 4) % 4;
        let part = piece.get(to_frame as usize..).unwrap_or_default();
        let part = &part[..part.len().min(COMPARED)];
        let mut before: Option<[i32; 2]> = None;
        for frame in part.chunks_exact(4) {
            let bytes = [frame[0], frame[1]];
            let ways = [i32::from(i16::from_le_bytes(bytes)), i32::from(i16::from_be_bytes(bytes))];
            for (way, last) in before.into_iter().flatten().enumerate() {
                let step = u64::from((ways[way] - last).unsigned_abs());
                self.rough[way] = self.rough[way].saturating_add(step);
            }
            before = Some(ways);
        }
    }

    pub fn tell(&self, file: &str, findings: &mut Findings) {
        if let Some((_, what)) = HEADERS.iter().find(|(head, _)| self.head.starts_with(head)) {
            findings.tell(IMAGE_HEADER, file, format!("It begins as a {what} file does."));
        }
        if self.rough[0] / ROUGHER > self.rough[1] {
            let times = self.rough[0] / self.rough[1].max(1);
            let text = format!("Little-endian it is {times} times as rough as big-endian.");
            findings.tell(IMAGE_BYTE_ORDER, file, text);
        }
        for (track, from, until, _) in
            self.tracks.iter().filter(|(_, from, until, heard)| !heard && from < until)
        {
            let length = u32::try_from((until - from) / SECTOR_BYTES).unwrap_or(u32::MAX);
            findings.of_track(
                IMAGE_SILENT,
                file,
                *track,
                format!("All of its {} is digital silence.", msf(length)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8], piece: usize) -> Vec<&'static str> {
        let track = Track { number: 1, index1: 1, end: 3, ..Track::default() };
        let mut image = Image::new(&[track]);
        bytes.chunks(piece).for_each(|piece| image.take(piece));
        let mut findings = Findings::default();
        image.tell("IMAGE.DAT", &mut findings);
        findings.list.iter().map(|it| it.code).collect()
    }

    #[test]
    fn the_wrong_byte_order_and_silence_are_noticed_however_the_pieces_fall() {
        let wave = |n: usize| (8000.0 * (n as f64 / 40.0).sin()) as i16;
        let little: Vec<u8> = (0..3 * 1176).flat_map(|n| wave(n / 2).to_le_bytes()).collect();
        let big: Vec<u8> = (0..3 * 1176).flat_map(|n| wave(n / 2).to_be_bytes()).collect();
        let mut pause = little.clone();
        pause[2352..].fill(0);
        for piece in [999, 1000, 5003, 1 << 20] {
            assert_eq!(told(&little, piece), [""; 0], "{piece}");
            assert_eq!(told(&big, piece), ["IMAGE_BYTE_ORDER"], "{piece}");
            assert_eq!(told(&pause, piece), ["IMAGE_SILENT"], "{piece}");
        }
        let mut wav = little;
        wav[..4].copy_from_slice(b"RIFF");
        assert_eq!(told(&wav, 3), ["IMAGE_HEADER"]);
    }
}
