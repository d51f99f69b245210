//! Uploads on their way, as any server of the studio finds them: what an upload shall become under `uploads/ID/about`, its bytes in pieces beside it, each
//! named by its offset and its checksum, and under `begun/` which upload was begun for whom and what. Never here: the files of an upload in the folder of the
//! server that receives it (`blob::staging`).

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use deadwax_domain::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Far, FarError, Lying, SMALL_BYTES};

/// The most that a piece has: what an upload acknowledges between two looks at the store.
pub(in crate::blob) const PIECE_BYTES: u64 = 8 << 20;

/// What an upload shall become, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::blob) struct About {
    digest: String,
    pub bytes: u64,
    pub owner: String,
}

/// Bytes of an upload from `at` on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::blob) struct Piece {
    pub at: u64,
    pub bytes: u64,
    crc: u32,
    key: String,
}

impl About {
    pub(in crate::blob) fn new(digest: Digest, bytes: u64, owner: &str) -> Self {
        Self { digest: digest.to_string(), bytes, owner: owner.to_owned() }
    }

    pub(in crate::blob) fn digest(&self) -> Option<Digest> {
        Some(Digest(hex::decode(&self.digest).ok()?.try_into().ok()?))
    }

    /// Where it is found by those who begin the same upload again.
    fn key(&self) -> String {
        let whole = format!("{}\n{}\n{}", self.digest, self.bytes, self.owner);
        format!("begun/{}", hex::encode(Sha256::digest(whole)))
    }
}

impl Piece {
    fn key(id: u128, at: u64, bytes: &[u8]) -> String {
        format!("uploads/{id:032x}/{at:020}-{:08x}", crc32c::crc32c(bytes))
    }

    fn of(id: u128, lying: Lying) -> Option<Self> {
        let (at, crc) = lying.key.strip_prefix(&format!("uploads/{id:032x}/"))?.split_once('-')?;
        let (at, crc) = (at.parse().ok()?, u32::from_str_radix(crc, 16).ok()?);
        Some(Self { at, bytes: lying.bytes, crc, key: lying.key })
    }

    pub(in crate::blob) fn end(&self) -> u64 {
        self.at.saturating_add(self.bytes)
    }
}

/// Those that make bytes without a gap from `from` on, in order. Two servers may have taken the same bytes, cut otherwise.
pub(in crate::blob) fn chain(mut pieces: Vec<Piece>, from: u64) -> Vec<Piece> {
    pieces.sort_unstable();
    let (mut end, mut chain) = (from, Vec::new());
    for piece in pieces {
        if piece.at > end {
            break;
        }
        if piece.end() > end {
            end = piece.end();
            chain.push(piece);
        }
    }
    chain
}

impl Far {
    /// The upload that was begun for the same owner and the same bytes, at whatever server.
    pub(in crate::blob) async fn begun(&self, about: &About) -> Result<Option<u128>, FarError> {
        let Some(found) = self.open(&about.key()).await? else { return Ok(None) };
        let id = found.whole(SMALL_BYTES).await?;
        Ok(std::str::from_utf8(&id).ok().and_then(|id| u128::from_str_radix(id, 16).ok()))
    }

    pub(in crate::blob) async fn about(&self, id: u128) -> Result<Option<About>, FarError> {
        let Some(found) = self.open(&about_key(id)).await? else { return Ok(None) };
        Ok(serde_json::from_slice(&found.whole(SMALL_BYTES).await?).ok())
    }

    /// From now on every server knows of it.
    pub(in crate::blob) async fn announce(&self, id: u128, about: &About) -> Result<(), FarError> {
        let text =
            serde_json::to_vec(about).map_err(|error| FarError::away("describe", &about_key(id), error))?;
        self.put(&about_key(id), text.into(), false).await?;
        self.put(&about.key(), format!("{id:032x}").into(), false).await?;
        Ok(())
    }

    /// `None`: nobody knows of the upload any more.
    pub(in crate::blob) async fn pieces(&self, id: u128) -> Result<Option<Vec<Piece>>, FarError> {
        let listed = self.list(&format!("uploads/{id:032x}")).await?;
        let known = listed.iter().any(|it| it.key == about_key(id));
        Ok(known.then(|| listed.into_iter().filter_map(|it| Piece::of(id, it)).collect()))
    }

    /// Durable on return.
    pub(in crate::blob) async fn put_piece(&self, id: u128, at: u64, bytes: Bytes) -> Result<(), FarError> {
        self.put(&Piece::key(id, at, &bytes), bytes, false).await.map(drop)
    }

    /// `None`: it is damaged, or gone.
    pub(in crate::blob) async fn piece(&self, piece: &Piece) -> Result<Option<Bytes>, FarError> {
        // The second time in case it was torn on its way.
        for _ in 0..2 {
            let Some(found) = self.open(&piece.key).await? else { return Ok(None) };
            let bytes = found.whole(piece.bytes).await?;
            if crc32c::crc32c(&bytes) == piece.crc && bytes.len() as u64 == piece.bytes {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// Everything of an upload. What cannot be removed now goes with the sweep.
    pub(in crate::blob) async fn forget(&self, id: u128, about: &About) {
        if let Err(error) = self.try_forget(id, Some(about)).await {
            tracing::warn!(%error, "what is left of an upload could not be removed from the object store; the sweep does it later");
        }
    }

    async fn try_forget(&self, id: u128, about: Option<&About>) -> Result<(), FarError> {
        if let Some(about) = about
            && self.begun(about).await? == Some(id)
        {
            self.remove(&about.key()).await?;
        }
        // First of all it is not known any more: pieces without it belong to nobody.
        self.remove(&about_key(id)).await?;
        for it in self.list(&format!("uploads/{id:032x}")).await? {
            self.remove(&it.key).await?;
        }
        Ok(())
    }

    /// Removes what belongs to uploads that no server has written to for `older_than`, and probes that were left; returns how many uploads.
    pub(in crate::blob) async fn sweep(&self, older_than: Duration) -> Result<usize, FarError> {
        let age = |it: &Lying| SystemTime::now().duration_since(it.changed).unwrap_or_default();
        let mut youngest: BTreeMap<u128, Duration> = BTreeMap::new();
        for it in self.list("uploads").await? {
            let id = it.key.split('/').nth(1).and_then(|id| u128::from_str_radix(id, 16).ok());
            let Some(id) = id else { continue };
            let known = youngest.entry(id).or_insert_with(|| age(&it));
            *known = age(&it).min(*known);
        }
        let (mut swept, mut kept) = (0, HashSet::new());
        for (id, age) in youngest {
            if age < older_than {
                kept.insert(id);
                continue;
            }
            let about = self.about(id).await?;
            self.try_forget(id, about.as_ref()).await?;
            swept += 1;
        }
        let begun: HashMap<String, Duration> =
            self.list("begun").await?.into_iter().map(|it| (it.key.clone(), age(&it))).collect();
        for key in begun.into_iter().filter(|(_, age)| *age >= older_than).map(|(key, _)| key) {
            let Some(found) = self.open(&key).await? else { continue };
            let id = found.whole(SMALL_BYTES).await?;
            let id = std::str::from_utf8(&id).ok().and_then(|id| u128::from_str_radix(id, 16).ok());
            if id.is_none_or(|id| !kept.contains(&id)) {
                self.remove(&key).await?;
            }
        }
        for it in self.list("probe").await?.into_iter().filter(|it| age(it) >= older_than) {
            self.remove(&it.key).await?;
        }
        Ok(swept)
    }
}

fn about_key(id: u128) -> String {
    format!("uploads/{id:032x}/about")
}
