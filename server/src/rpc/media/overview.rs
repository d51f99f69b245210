//! The overview of a file for drawing: read from the waveform that was kept when the file was measured, or made again where that is gone. Never here:
//! how a waveform is made (the dsp room, in a child).

use std::{ops::Range, path::PathBuf};

use deadwax_domain::Digest;
use deadwax_dsp::waveform::{Overview, Window};
use deadwax_proto::v1;
use tonic::Status;

use super::Service;
use crate::{
    render::{WAVEFORM, hearing::WindowAsked},
    status,
};

impl Service {
    pub(super) async fn overview(
        &self,
        digest: Digest,
        frames: Range<u64>,
        columns: u32,
    ) -> Result<v1::WaveformResponse, Status> {
        let path = self.studio.blobs.path_of_derived(digest, WAVEFORM);
        let mut drawn = draw(path.clone(), frames.clone(), columns).await?;
        if drawn.is_none() {
            let _one_at_a_time = self.remaking.lock().await;
            // Somebody else may have made it meanwhile.
            drawn = draw(path.clone(), frames.clone(), columns).await?;
            if drawn.is_none() {
                // What is drawn from damaged bytes would be kept.
                self.studio.blobs.verify(digest).await.map_err(status::blob)?;
                let audio = self.studio.blobs.local_path(digest).await.map_err(status::blob)?;
                self.studio.inspect.inspect(&audio, &path).await.map_err(status::inspect)?;
                drawn = draw(path, frames.clone(), columns).await?;
            }
        }
        let mut drawn =
            drawn.ok_or_else(|| status::internal(&format!("no waveform could be made of {digest}")))?;
        if Window::is_worth_it(frames.start, frames.end, columns as usize) {
            self.sharpen(digest, frames, columns, &mut drawn).await;
        }
        Ok(drawn)
    }

    /// Down to single samples. Where they cannot be read the overview stands: a picture that is coarse is better than none.
    async fn sharpen(
        &self,
        digest: Digest,
        frames: Range<u64>,
        columns: u32,
        drawn: &mut v1::WaveformResponse,
    ) {
        let Ok(audio) = self.studio.blobs.local_path(digest).await else { return };
        let asked = WindowAsked { start: frames.start, end: frames.end, columns };
        match self.studio.inspect.window(&audio, asked).await {
            Ok(window) if window.peaks.len() == drawn.channels as usize => {
                drawn.min = interleaved(&window.peaks, columns, |peak| peak.0);
                drawn.max = interleaved(&window.peaks, columns, |peak| peak.1);
                drawn.clipped_columns = window.clipped;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%digest, %error, "a window of samples could not be drawn"),
        }
    }
}

/// Column by column, in each of them channel by channel.
fn interleaved(peaks: &[Vec<(i16, i16)>], columns: u32, side: fn(&(i16, i16)) -> i16) -> Vec<i32> {
    (0..columns as usize)
        .flat_map(|column| peaks.iter().map(move |channel| channel.get(column).map_or(0, side).into()))
        .collect()
}

/// `None` where there is no readable waveform at `path`.
async fn draw(
    path: PathBuf,
    frames: Range<u64>,
    columns: u32,
) -> Result<Option<v1::WaveformResponse>, Status> {
    let drawing = tokio::task::spawn_blocking(move || {
        // One of an older form, or a damaged one, is made again.
        let overview = Overview::open(&path).ok()?;
        let view = overview.view(frames.start, frames.end, columns as usize).ok()?;
        Some(v1::WaveformResponse {
            sample_rate: overview.sample_rate(),
            channels: u32::try_from(overview.channels()).unwrap_or(u32::MAX),
            frames: overview.frames(),
            min: interleaved(&view.peaks, columns, |peak| peak.0),
            max: interleaved(&view.peaks, columns, |peak| peak.1),
            short_term_lufs: view.short_term_lufs,
            clipped_columns: view.clipped,
            over_columns: view.over,
        })
    });
    drawing.await.map_err(|error| status::internal(&error))
}
