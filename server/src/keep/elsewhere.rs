//! Audio that lies in an object store and not in the folder that is looked at: what the store has, and the page of a backup that tells of it. Never here: the
//! bytes, and asking the store more than what lies there and whether it is right.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use anyhow::{Context as _, ensure};
use deadwax_domain::Digest;
use serde::{Deserialize, Serialize};

use super::{
    Finding,
    verify::{Report, Sample, chosen},
    write_whole,
};
use crate::blob::far::Far;

/// In a backup.
pub const PAGE: &str = "far.json";
const FORMAT: u32 = 1;

/// Files that lie elsewhere, with their length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Where: no secret.
    pub place: String,
    pub files: BTreeMap<Digest, u64>,
}

#[derive(Serialize, Deserialize)]
struct Page {
    format: u32,
    place: String,
    files: BTreeMap<String, u64>,
}

impl Elsewhere {
    /// What the store of a studio has now; nothing where the audio lies in the folder.
    pub async fn of(far: Option<&Far>) -> anyhow::Result<Self> {
        let Some(far) = far else { return Ok(Self::default()) };
        let place = far.place().to_owned();
        let files = far.names().await.with_context(|| format!("listing {place} failed"))?;
        Ok(Self { place, files })
    }

    /// What a backup says of it; nothing where it says nothing.
    pub fn told_in(backup: &Path) -> anyhow::Result<Self> {
        let text = match fs::read(backup.join(PAGE)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error).with_context(|| format!("reading {PAGE} failed")),
        };
        let page: Page = serde_json::from_slice(&text)
            .with_context(|| format!("{PAGE} cannot be read; make the backup again"))?;
        ensure!(page.format <= FORMAT, "{PAGE} was written by a newer server; use that one");
        let digest = |hex: &String| Some(Digest(hex::decode(hex).ok()?.try_into().ok()?));
        let files = page.files.iter().filter_map(|(hex, bytes)| Some((digest(hex)?, *bytes)));
        Ok(Self { place: page.place, files: files.collect() })
    }

    /// Into a backup. Nothing is written of a studio that keeps its audio in its folder.
    pub fn tell_in(&self, backup: &Path) -> anyhow::Result<()> {
        if self.place.is_empty() {
            return Ok(());
        }
        let files = self.files.iter().map(|(digest, bytes)| (digest.to_string(), *bytes)).collect();
        let page = Page { format: FORMAT, place: self.place.clone(), files };
        let text = serde_json::to_vec_pretty(&page).with_context(|| format!("making {PAGE} failed"))?;
        write_whole(&backup.join(PAGE), &text).with_context(|| format!("writing {PAGE} failed"))
    }
}

impl Report {
    /// Reads what lies far, or a sample of it, to its end.
    pub async fn read_far(&mut self, far: &Far, there: &Elsewhere, sample: Sample) -> anyhow::Result<()> {
        let mut lot = [0; 8];
        getrandom::fill(&mut lot).map_err(|error| anyhow::anyhow!("drawing the sample failed: {error}"))?;
        let mut wrong = BTreeSet::new();
        for digest in there.files.keys() {
            if !chosen(*digest, sample, u64::from_le_bytes(lot)) {
                continue;
            }
            self.far_read += 1;
            if !far.is_right(*digest).await.with_context(|| format!("reading {digest} failed"))? {
                wrong.insert(*digest);
            }
        }
        self.damage.extend(wrong.into_iter().map(|digest| {
            Finding::new(
                format!("the bytes of {digest} in {} do not match their name", there.place),
                "a running server puts it right from a copy or from `keep.repair_from`; else bring back its last version in the bucket",
            )
        }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_elsewhere_is_told_by_the_backup() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Elsewhere::told_in(folder.path()).unwrap(), Elsewhere::default());
        Elsewhere::default().tell_in(folder.path()).unwrap();
        assert!(!folder.path().join(PAGE).exists(), "a folder has no such page");
        let files = [(Digest([1; 32]), 5), (Digest([2; 32]), 0)].into();
        let there = Elsewhere { place: "the bucket music".into(), files };
        there.tell_in(folder.path()).unwrap();
        assert_eq!(Elsewhere::told_in(folder.path()).unwrap(), there);
        fs::write(folder.path().join(PAGE), "{").unwrap();
        assert!(Elsewhere::told_in(folder.path()).unwrap_err().to_string().contains("make the backup again"));
    }
}
