//! The overview of a file for drawing: read from the waveform that was kept when the file was measured, or made again where that is gone. Never here:
//! how a waveform is made (the dsp room, in a child).

use std::{ops::Range, path::PathBuf};

use deadwax_domain::Digest;
use deadwax_dsp::waveform::Pyramid;
use deadwax_proto::v1;
use tonic::Status;

use super::Service;
use crate::{render::WAVEFORM, status};

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
                let audio = self.studio.blobs.local_path(digest).await.map_err(status::blob)?;
                self.studio.inspect.inspect(&audio, &path).await.map_err(status::inspect)?;
                drawn = draw(path, frames, columns).await?;
            }
        }
        drawn.ok_or_else(|| status::internal(&format!("no waveform could be made of {digest}")))
    }
}

/// `None` where there is no readable waveform at `path`.
async fn draw(
    path: PathBuf,
    frames: Range<u64>,
    columns: u32,
) -> Result<Option<v1::WaveformResponse>, Status> {
    let drawing = tokio::task::spawn_blocking(move || {
        let pyramid = Pyramid::read_from(&path).ok()?;
        let peaks = pyramid.columns(frames.start, frames.end, columns as usize);
        let interleaved = |side: fn(&(i16, i16)) -> i16| {
            (0..columns as usize)
                .flat_map(|column| {
                    peaks.iter().map(move |channel| channel.get(column).map_or(0, side).into())
                })
                .collect::<Vec<i32>>()
        };
        Some(v1::WaveformResponse {
            sample_rate: pyramid.sample_rate(),
            channels: u32::try_from(pyramid.channels()).unwrap_or(u32::MAX),
            frames: pyramid.frames(),
            min: interleaved(|peak| peak.0),
            max: interleaved(|peak| peak.1),
            ..v1::WaveformResponse::default()
        })
    });
    drawing.await.map_err(|error| status::internal(&error))
}
