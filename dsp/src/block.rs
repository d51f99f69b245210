//! A stretch of sound in memory: planar, `channels` x `frames`, f64 where 1.0 is full scale. f64 because it holds every 32-bit sample exactly (D-3).

/// What a stream of sound is.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    pub sample_rate: u32,
    pub channels: usize,
    /// Of the source's samples; `None` where the codec has none (MP3, AAC, Vorbis).
    pub bits: Option<u32>,
    pub float: bool,
    /// Stated by the container; the decoder may find fewer.
    pub frames: Option<u64>,
    /// "wav", "rf64" (BW64 too), "aiff", "flac", "mp3", "mp4", "ogg", "adts"
    pub container: &'static str,
    /// "pcm", "flac", "alac", "mp3", "aac", "vorbis", "opus"
    pub codec: &'static str,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// One vector for each channel, all of the same length.
    pub channels: Vec<Vec<f64>>,
}

impl Block {
    pub fn new(channels: usize, frames: usize) -> Self {
        Block { channels: vec![vec![0.0; frames]; channels] }
    }

    pub fn frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    pub fn clear(&mut self) {
        self.channels.iter_mut().for_each(Vec::clear);
    }

    /// Makes it `channels` x `frames`, keeping the memory it has. What stood in it is not cleared.
    pub fn resize(&mut self, channels: usize, frames: usize) {
        self.channels.resize_with(channels, Vec::new);
        self.channels.iter_mut().for_each(|plane| plane.resize(frames, 0.0));
    }
}
