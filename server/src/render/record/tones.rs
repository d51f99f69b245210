//! The balance of masters that were rendered here: the page of a render holds its spectrum, from which the bands of a song come. An uploaded master has none, and
//! nothing is decoded for it. Never here: what follows from a balance.

use bytes::Bytes;
use deadwax_domain::{Project, VersionId};
use deadwax_dsp::{
    inspect::{Band, Spectrum},
    profile::bands_of,
    sheet::Sheet,
};
use futures::TryStreamExt as _;

use crate::{blob::Blobs, wire::sheet::Laid};

/// Curves of a few hundred points and a list of files.
const PAGE_BYTES_MAX: u64 = 1 << 20;

/// Fills in the bands of every song where they are known.
pub async fn add(blobs: &Blobs, project: &Project, laid: &mut Laid) {
    for (known, song) in laid.songs.iter().zip(&mut laid.sheet.songs) {
        let Some(version) = known.version else { continue };
        song.figures.bands_dbfs = bands(blobs, project, version).await;
    }
}

/// What cannot be read is not known: it is a report and no reason to make no record.
async fn bands(blobs: &Blobs, project: &Project, version: VersionId) -> Option<[f64; 8]> {
    let render = project.versions.get(version)?.render?;
    let page = project.renders.get(render)?.sheet?;
    let (bytes, chunks) = blobs.read(page, 0, None).await.ok()?;
    if bytes > PAGE_BYTES_MAX {
        return None;
    }
    let parts: Vec<Bytes> = chunks.try_collect().await.ok()?;
    let page: Sheet = serde_json::from_slice(&parts.concat()).ok()?;
    let band = |it: &deadwax_dsp::sheet::Band| Band { hz: it.hz.into(), dbfs: it.dbfs.into() };
    let third_octaves: Vec<Band> = page.after.spectrum.iter().map(band).collect();
    // Finer than thirds, which is as good: each counts for the band that its middle lies in.
    let spectrum = Spectrum { third_octaves, long_term: Vec::new(), windows: 0, window_s: 0.0 };
    (!spectrum.third_octaves.is_empty()).then(|| bands_of(&spectrum))
}
