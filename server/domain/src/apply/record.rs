//! The fold of the record and its proofs: label copy, notes on the spacing, records, keys, receipts. Total like the rest of it (P-6).

use std::sync::Arc;

use crate::{
    Digest, Event, Fact, Kept, Key, PersonId, Project, Record, RecordApproval, RecordDelivered, RecordId,
    RecordState, RecordTexts, Revoked, Roles, SpacingNote, Time, receipt, record, spacing::Closed,
};

impl Project {
    pub(super) fn fold_copy(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::LabelCopySet { copy } => self.label_copy = copy.clone(),
            Fact::SongCopySet { song, copy } => {
                self.song_copies.insert(*song, copy.clone());
            }
            Fact::CoverSet { cover } => self.cover.clone_from(cover),
            Fact::SpacingNoted { note, number, song, text } => {
                let Some(by) = event.by else { return };
                if self.spacing_notes.iter().all(|known| known.id != *note) {
                    let (id, number, song, text) = (*note, *number, *song, text.clone());
                    self.spacing_notes.push(SpacingNote { id, number, song, by, at, text, closed: None });
                }
            }
            Fact::SpacingNoteClosed { note, answer } => {
                if let Some(note) = self.spacing_notes.iter_mut().find(|known| known.id == *note) {
                    note.closed.get_or_insert(Closed { by: event.by, at, answer: answer.clone() });
                }
            }
            _ => {}
        }
    }

    pub(super) fn fold_record(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::RecordQueued { .. } => self.queue_record(event),
            Fact::RecordLeased { record, attempt, engine } => self.change_alive(*record, |record| {
                record.attempt = *attempt;
                record.engine.clone_from(engine);
                record.stand(RecordState::Running, at);
            }),
            // P-1: from here on it is what it is.
            Fact::RecordMade { record, files, fingerprint, report_json } => {
                self.change_alive(*record, |record| {
                    record.files.clone_from(files);
                    record.fingerprint = Some(*fingerprint);
                    record.report_json.clone_from(report_json);
                    record.stand(RecordState::Made, at);
                });
            }
            Fact::RecordFailed { record, attempt, reason, parked } => self.change_alive(*record, |record| {
                if record.attempt == *attempt {
                    record.failures = record.failures.saturating_add(1);
                    record.reason.clone_from(reason);
                    record.stand(if *parked { RecordState::Failed } else { RecordState::Queued }, at);
                }
            }),
            Fact::RecordGivenBack { record, attempt } => self.change_alive(*record, |record| {
                if record.state == RecordState::Running && record.attempt == *attempt {
                    record.given_back = record.given_back.saturating_add(1);
                    record.stand(RecordState::Queued, at);
                }
            }),
            Fact::RecordCancelled { record } => {
                // The house cancels only what came out the same.
                let twin = self.record(*record).and_then(|it| record::twin(self, it)).map(|it| it.number);
                let twin = twin.filter(|_| event.by.is_none());
                self.change_alive(*record, |record| {
                    if let Some(twin) = twin {
                        record.same_as = Some(twin);
                        record.reason =
                            format!("Its files are those of Record {twin}, byte for byte: that one stands.");
                    }
                    record.stand(RecordState::Cancelled, at);
                });
            }
            Fact::RecordApproved { approval, record, role, fingerprint } => {
                let Some(person) = event.by else { return };
                let new = RecordApproval { id: *approval, person, role: *role, at, ended: None };
                self.change_record(*record, |record| {
                    // P-2: these files and no others.
                    let signs = record.is_made() && record.fingerprint == Some(*fingerprint);
                    if signs && record.approvals.iter().all(|known| known.id != new.id) {
                        record.approvals.push(new);
                    }
                });
            }
            Fact::RecordDelivered { record, manifest_json } => self.change_record(*record, |record| {
                if record.state == RecordState::Made {
                    let manifest_json = manifest_json.clone();
                    record.delivered = Some(RecordDelivered { by: event.by, at, manifest_json });
                    record.stand(RecordState::Delivered, at);
                }
            }),
            _ => {}
        }
    }

    /// P-1: the next number or nothing, and never twice.
    fn queue_record(&mut self, event: &Event) {
        let Fact::RecordQueued { record, number, spacing, sources, profiles, loudest_track_lufs, medium } =
            &event.fact
        else {
            return;
        };
        let fits = usize::try_from(*number).ok() == Some(self.records.len() + 1);
        if !fits || self.record(*record).is_some() {
            return;
        }
        // As they are at this very fact: no later one reaches into a record. Records of the same texts hold them once.
        let before = self.records.last().map(|it| Arc::clone(&it.texts));
        let texts = before.filter(|it| it.is_of(sources) && it.is_now(self));
        let texts =
            texts.unwrap_or_else(|| Arc::new(RecordTexts::now(self, sources.iter().map(|it| it.song))));
        self.records.push(Record {
            id: *record,
            number: *number,
            spacing: *spacing,
            sources: sources.clone(),
            profiles: profiles.clone(),
            loudest_track_lufs: *loudest_track_lufs,
            medium: medium.clone(),
            texts,
            by: event.by,
            at: event.at,
            state: RecordState::Queued,
            state_since: event.at,
            attempt: 0,
            given_back: 0,
            engine: String::new(),
            failures: 0,
            reason: String::new(),
            files: Vec::new(),
            fingerprint: None,
            same_as: None,
            report_json: String::new(),
            approvals: Vec::new(),
            delivered: None,
        });
    }

    fn change_record(&mut self, id: RecordId, change: impl FnOnce(&mut Record)) {
        if let Some(record) = self.records.iter_mut().find(|record| record.id == id) {
            change(record);
        }
    }

    fn change_alive(&mut self, id: RecordId, change: impl FnOnce(&mut Record)) {
        self.change_record(id, |record| {
            if record.is_alive() {
                change(record);
            }
        });
    }

    /// Of records that are not delivered yet, in a role that the person no longer has.
    pub(super) fn end_record_approvals_of(&mut self, person: PersonId, roles: &Roles, at: Time) {
        for record in self.records.iter_mut().filter(|record| record.delivered.is_none()) {
            for approval in &mut record.approvals {
                if approval.person == person && !roles.contains(&approval.role) {
                    approval.ended.get_or_insert(at);
                }
            }
        }
    }

    pub(super) fn fold_receipt(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::KeyEnrolled { key, person, public_key, proof, vouched_by, vouch } => {
                let new = Key {
                    id: *key,
                    person: *person,
                    public_key: public_key.clone(),
                    enrolled_at: at,
                    vouched_by: *vouched_by,
                    proof: proof.clone(),
                    vouch: vouch.clone(),
                    revoked: None,
                };
                self.keys.insert_new(*key, new);
            }
            Fact::KeyRevoked { key, reason } => self.keys.change(*key, |key| {
                key.revoked.get_or_insert(Revoked { at, by: event.by, reason: reason.clone() });
            }),
            // In the order of the chain. A place that was erased stays empty: what follows it is in the chain still.
            Fact::ReceiptKept { approval, sequence, receipt } => {
                let Some(person) = event.by else { return };
                if *sequence <= receipt::head(self).0 {
                    return;
                }
                let digest: Digest = receipt::digest_of(&receipt.statement);
                let (approval, sequence, receipt) = (*approval, *sequence, receipt.clone());
                self.receipts.push(Kept { approval, sequence, person, at, digest, receipt });
            }
            _ => {}
        }
    }
}
