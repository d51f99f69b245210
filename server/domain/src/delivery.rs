//! Deliveries: the frozen list of exactly the bytes signed (P-5).

use crate::{DeliveryId, Digest, File, PersonId, SongId, Time, VersionId};

#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub id: DeliveryId,
    pub song: SongId,
    pub version: VersionId,
    pub fingerprint: Digest,
    pub files: Vec<File>,
    pub by: Option<PersonId>,
    pub at: Time,
    pub manifest_json: String,
}
