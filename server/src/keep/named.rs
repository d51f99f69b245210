//! Which audio facts name: exactly, for what must be there; and generously, for what must not go. Never here: a disk.

use deadwax_domain::{Digest, Fact};

/// The files that a fact names, with their length where it says one. What must be stored for the fact to be worth anything.
pub fn files_of(fact: &Fact) -> Vec<(Digest, Option<u64>)> {
    match fact {
        Fact::FileReceived { file } => vec![(file.digest, Some(file.facts.bytes))],
        Fact::VersionAdded { files, .. } | Fact::DeliveryMade { files, .. } => {
            files.iter().map(|file| (file.digest, Some(file.facts.bytes))).collect()
        }
        Fact::RenderCompleted { sheet, .. } => sheet.iter().map(|sheet| (*sheet, None)).collect(),
        Fact::PackageMade { digest, bytes, .. } => vec![(*digest, Some(*bytes))],
        Fact::CoverSet { cover: Some(cover) } => vec![(cover.digest, Some(cover.bytes))],
        Fact::RecordMade { files, .. } => files.iter().map(|file| (file.digest, Some(file.bytes))).collect(),
        _ => Vec::new(),
    }
}

/// How 32 bytes begin in a protobuf message.
const LENGTH_OF_A_DIGEST: u8 = 32;
const HEX_DIGITS: usize = 64;

/// Everything in the bytes of an entry that could be a digest, as a field or as text, whatever kind of fact it is: also of one that a newer server wrote. Far
/// too many are told; what is told of no entry is named by none.
pub fn mentioned(payload: &[u8], mut tell: impl FnMut(Digest)) {
    for (at, _) in payload.iter().enumerate().filter(|(_, byte)| **byte == LENGTH_OF_A_DIGEST) {
        let field = payload.get(at + 1..at + 1 + usize::from(LENGTH_OF_A_DIGEST));
        if let Some(digest) = field.and_then(|field| field.try_into().ok()) {
            tell(Digest(digest));
        }
    }
    for run in payload.split(|byte| !byte.is_ascii_hexdigit()).filter(|run| run.len() >= HEX_DIGITS) {
        for digits in run.windows(HEX_DIGITS) {
            if let Some(digest) = hex::decode(digits).ok().and_then(|digest| digest.try_into().ok()) {
                tell(Digest(digest));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use deadwax_domain::{Event, SongId, Time, VersionId};

    use super::*;
    use crate::wire::ledger;

    fn told(payload: &[u8]) -> HashSet<Digest> {
        let mut told = HashSet::new();
        mentioned(payload, |digest| {
            told.insert(digest);
        });
        told
    }

    #[test]
    fn what_a_fact_names_is_mentioned_in_its_bytes() {
        let digest = Digest([0x20; 32]);
        let package = Fact::PackageMade {
            song: SongId(1),
            version: VersionId(2),
            digest,
            name: "Night.zip".into(),
            bytes: 7,
        };
        assert_eq!(files_of(&package), [(digest, Some(7))]);
        let payload = ledger::encode(&Event { at: Time(1), by: None, fact: package }, 5);
        assert!(told(&payload).contains(&digest));
    }

    #[test]
    fn a_digest_in_text_counts_and_other_text_does_not() {
        let digest = Digest([0xab; 32]);
        assert!(told(format!("{{\"sha256\":\"{digest}\"}}").as_bytes()).contains(&digest));
        assert!(told(format!("0{digest}1").as_bytes()).contains(&digest));
        assert!(told("the quick brown fox jumps over the lazy dog and comes back".as_bytes()).len() < 40);
        assert!(told(&[32; 32]).is_empty() && told(&[]).is_empty());
    }
}
