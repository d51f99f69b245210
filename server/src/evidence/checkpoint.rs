//! The checkpoint: the studio's word that the history of a project stood so, at that time by its own clock. Never here: the key, the list itself.

use deadwax_domain::{Digest, Project, ProjectId, Time, receipt};

use super::{Chain, StudioKey};
use crate::{rpc::id_text, wire::text::scrub};

/// What the studio signs.
pub const CHECKPOINT: &str = "checkpoint@deadwax";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub text: String,
    /// Armored SSHSIG.
    pub signature: String,
    /// Of the studio, one line.
    pub public_key: String,
}

impl Checkpoint {
    /// `chain` and `project` stand at the same seq.
    ///
    /// # Errors
    /// Where the studio's key cannot be read or made.
    pub fn of(
        (studio, key): (&str, &StudioKey),
        (id, project): (ProjectId, &Project),
        chain: &Chain,
        now: Time,
    ) -> anyhow::Result<Self> {
        let (_, last) = receipt::head(project);
        let text = text(studio, id, (chain.entries, chain.digest), (project.receipts.len(), last), now);
        let signed = key.sign(CHECKPOINT, &text)?;
        Ok(Self { text, signature: signed.signature, public_key: signed.public_key })
    }
}

fn text(
    studio: &str,
    project: ProjectId,
    (entries, chain): (u64, Digest),
    (receipts, last): (usize, Digest),
    now: Time,
) -> String {
    let (studio, project, time) = (one_line(studio), id_text(project.0), utc(now));
    format!(
        "deadwax-checkpoint/1\nstudio: {studio}\nproject: {project}\nentries: {entries}\nchain-sha256: {chain}\n\
         receipts: {receipts}\nlast-statement: {last}\ntime: {time}\n"
    )
}

/// No text of a person makes a second line.
pub(super) fn one_line(text: &str) -> String {
    scrub(text).replace(['\n', '\t'], " ")
}

/// `2026-11-21T20:15:00Z`.
pub(super) fn utc(time: Time) -> String {
    formatted(time.0.div_euclid(1000), "%Y-%m-%dT%H:%M:%SZ")
}

/// As ssh-keygen reads it: `20261121201500Z`.
pub(super) fn compact(seconds: i64) -> String {
    formatted(seconds, "%Y%m%d%H%M%SZ")
}

fn formatted(seconds: i64, form: &str) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_the_one_that_was_agreed() {
        let (chain, last) = (Digest([0xab; 32]), Digest([0; 32]));
        let text = text("Gold\nRoom", ProjectId(7), (12, chain), (0, last), Time(1_795_000_000_999));
        assert_eq!(
            text,
            format!(
                "deadwax-checkpoint/1\nstudio: Gold Room\nproject: 00000000-0000-0000-0000-000000000007\nentries: 12\n\
                 chain-sha256: {}\nreceipts: 0\nlast-statement: {}\ntime: 2026-11-18T11:06:40Z\n",
                "ab".repeat(32),
                "0".repeat(64)
            )
        );
        assert_eq!(compact(1_795_000_000), "20261118110640Z");
        assert_eq!(utc(Time(-1)), "1969-12-31T23:59:59Z");
    }
}
