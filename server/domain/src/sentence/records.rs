//! What is told of the record and its proofs: label copy, notes on the spacing, records, keys, receipts. Texts of notes and answers stay where they are.

use super::{Said, Say};
use crate::{
    ApprovalId, Digest, Fact, RecordId, handoff,
    text::{list as and, plural},
};

impl Say<'_> {
    pub(super) fn copy_text(&self, fact: &Fact) -> Said {
        let (who, project) = (&self.who, self.project);
        match fact {
            Fact::LabelCopySet { copy } => {
                let upc = if copy.upc.is_empty() { String::new() } else { format!(": UPC {}", copy.upc) };
                (None, format!("{who} set the label copy of the record{upc}."))
            }
            Fact::SongCopySet { song, copy } => {
                let (credits, splits) = (copy.credits.len(), copy.splits.len());
                let what = format!("{} and {}", plural(credits, "credit"), plural(splits, "share"));
                (Some(*song), format!("{who} set the label copy of {}: {what}.", project.song_name(*song)))
            }
            Fact::SpacingNoted { number, song, .. } => {
                let on =
                    song.map_or_else(String::new, |song| format!(", before {}", project.song_name(song)));
                (*song, format!("{who} wrote a note on spacing {number}{on}."))
            }
            Fact::SpacingNoteClosed { note, .. } => {
                let known = project.spacing_notes.iter().find(|known| known.id == *note);
                let on = known.map_or_else(String::new, |note| format!(" {}", note.number));
                (known.and_then(|note| note.song), format!("{who} closed a note on spacing{on}."))
            }
            _ => (None, String::new()),
        }
    }

    fn record_name(&self, id: RecordId) -> String {
        self.project.record(id).map_or_else(|| "a record".to_owned(), crate::Record::name)
    }

    pub(super) fn record_text(&self, fact: &Fact) -> String {
        let who = &self.who;
        let name = |id: &RecordId| self.record_name(*id);
        match fact {
            Fact::RecordQueued { number, spacing, sources, profiles, loudest_track_lufs, .. } => {
                let songs = plural(sources.len(), "song");
                let named: Vec<String> = profiles.iter().map(|profile| profile.name.clone()).collect();
                let level = loudest_track_lufs
                    .map_or_else(String::new, |lufs| format!(", the loudest at {lufs:.1} LUFS"));
                format!(
                    "{who} started Record {number} of {songs} with spacing {spacing}{level}, for {}.",
                    and(&named)
                )
            }
            Fact::RecordLeased { record, attempt, .. } => {
                format!("Attempt {attempt} to make {} began.", name(record))
            }
            Fact::RecordMade { record, files, fingerprint, .. } => {
                format!(
                    "{} is made: {}, fingerprint {}.",
                    name(record),
                    plural(files.len(), "file"),
                    short(fingerprint)
                )
            }
            Fact::RecordFailed { record, attempt, parked, .. } => {
                let then =
                    if *parked { "it waits for somebody to start it again" } else { "it is tried again" };
                format!("Attempt {attempt} to make {} failed; {then}.", name(record))
            }
            Fact::RecordCancelled { record } if self.by.is_none() => {
                let why =
                    self.project.record(*record).map(|it| it.reason.clone()).filter(|why| !why.is_empty());
                let why = why.unwrap_or_else(|| "Its files are those of an earlier one.".to_owned());
                format!("{} was set aside. {why}", name(record))
            }
            Fact::RecordCancelled { record } => format!("{who} cancelled {}.", name(record)),
            Fact::RecordApproved { record, role, fingerprint, .. } => {
                format!("{who} approved {} as {role}, fingerprint {}.", name(record), short(fingerprint))
            }
            Fact::RecordDelivered { record, .. } => {
                let files = self.project.record(*record).map_or(0, |it| it.files.len());
                format!(
                    "{who} delivered {}: {}, frozen as they were signed.",
                    name(record),
                    plural(files, "file")
                )
            }
            _ => String::new(),
        }
    }

    pub(super) fn key_text(&self, fact: &Fact) -> String {
        let who = &self.who;
        match fact {
            Fact::KeyEnrolled { key, person, vouched_by, .. } => {
                let whose = if self.by == Some(*person) {
                    String::new()
                } else {
                    format!(" of {}", (self.names)(*person))
                };
                let how = match vouched_by {
                    Some(by) => format!("vouched for by {}", short(by)),
                    None => self.unvouched(*key).to_owned(),
                };
                format!("{who} enrolled the key {}{whose}: {how}.", short(key))
            }
            Fact::KeyRevoked { key, reason } => {
                let of =
                    self.project.keys.get(*key).map(|known| known.person).filter(|of| self.by != Some(*of));
                let whose = of.map_or_else(String::new, |of| format!(" of {}", (self.names)(of)));
                format!("{who} revoked the key {}{whose}: {}", short(key), handoff::reasons(reason, &[]))
            }
            Fact::ReceiptKept { approval, sequence, receipt } => {
                let what = self.approved(*approval);
                format!(
                    "{who} signed the approval{what} with the key {}: statement {sequence}.",
                    short(&receipt.key)
                )
            }
            _ => String::new(),
        }
    }

    /// Without an older key's word: the first of this person, or the first after all others were revoked.
    fn unvouched(&self, key: Digest) -> &'static str {
        let Some(of) = self.project.keys.get(key) else { return "without an older key's word" };
        let earlier = |known: &crate::Key| {
            known.person == of.person
                && known.id != of.id
                && known.enrolled_at <= of.enrolled_at
                && known.revoked.is_some()
        };
        if self.project.keys.values().any(earlier) {
            "the older ones were revoked, so none vouched for it"
        } else {
            "the first one"
        }
    }

    /// " of Master 2".
    fn approved(&self, id: ApprovalId) -> String {
        let project = self.project;
        if let Some(crate::Says::Yes { version, .. }) = project.approvals.get(id).map(|it| &it.says) {
            return format!(" of {}", project.version_name(*version));
        }
        if let Some(of) = project.spacing_approvals.iter().find(|it| it.id == id) {
            return format!(" of spacing {}", of.number);
        }
        let on = |record: &&crate::Record| record.approvals.iter().any(|it| it.id == id);
        project.records.iter().find(on).map_or_else(String::new, |record| format!(" of {}", record.name()))
    }
}

/// The first digits, as people compare them.
fn short(digest: &Digest) -> String {
    digest.to_string().chars().take(12).collect()
}
