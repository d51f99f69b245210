//! The files of a deck on their way from the studio to sound: fetched into the cache, decoded as they come. Whoever plays them, an output or a file, reads
//! `sounds`. Dropped, nothing more comes. Never here: the engine, outputs.

use std::sync::Arc;

use tokio_util::task::AbortOnDropHandle;

use super::{
    Sound, Track, decode,
    pages::Paged,
    remote::{Lane, Remote},
};
use crate::{
    cache::audio::{AudioCache, Key},
    net::Client,
};

/// What was laid on. Its threads and its fetching end with it.
pub struct Stand {
    tracks: Vec<Track>,
    sounds: Vec<Arc<Paged>>,
    remote: Arc<Remote>,
    rate: u32,
    _fetching: AbortOnDropHandle<()>,
}

impl Stand {
    /// Begins to fetch and decode. The rate is that of the first track; `heard` is fetched first. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// With a sentence: a digest that is none, a cache that cannot be written, a system without threads.
    pub fn lay(
        client: &Client,
        cache: &AudioCache,
        tracks: Vec<Track>,
        heard: usize,
    ) -> Result<Stand, String> {
        let rate = tracks.first().map_or(48_000, |track| track.sample_rate).max(1);
        let lane = |track: &Track| {
            let key = Key::new(&track.sha256, !track.original)
                .ok_or_else(|| format!("{} cannot be fetched: its digest is damaged.", track.label))?;
            let entry = cache.entry(&key).map_err(|e| format!("The audio cache cannot be used: {e}."))?;
            Ok(Arc::new(Lane::new(entry, track.clone())))
        };
        let lanes = tracks.iter().map(lane).collect::<Result<Vec<_>, String>>()?;
        let remote = Arc::new(Remote::new(lanes.clone(), heard));
        let count = lanes.len();
        let sound = |lane: Arc<Lane>| {
            let (own, to) = (u128::from(lane.track.sample_rate.max(1)), u128::from(rate));
            let frames = (u128::from(lane.track.frames) * to + own / 2) / own;
            Arc::new(Paged::new(lane, remote.clone(), u64::try_from(frames).unwrap_or(u64::MAX), count))
        };
        let sounds = lanes.into_iter().map(sound).collect();
        let fetching = tokio::spawn(remote.clone().run(client.clone(), cache.clone()));
        let stand = Stand { tracks, sounds, remote, rate, _fetching: AbortOnDropHandle::new(fetching) };
        for sound in &stand.sounds {
            decode::begin(sound, rate).map_err(|e| format!("The decoder could not be started: {e}."))?;
        }
        Ok(stand)
    }

    pub fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    /// In the order of the tracks.
    pub fn sounds(&self) -> Vec<Arc<dyn Sound>> {
        self.sounds.iter().map(|sound| sound.clone() as Arc<dyn Sound>).collect()
    }

    /// Of the deck.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// No answer came to what was asked last.
    pub fn is_offline(&self) -> bool {
        self.remote.is_offline()
    }

    pub(super) fn remote(&self) -> &Arc<Remote> {
        &self.remote
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        self.sounds.iter().for_each(|sound| sound.stop());
    }
}
