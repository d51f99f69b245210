//! What is told of the record and its proofs: label copy, notes on the spacing, records, keys, receipts. Texts of notes and answers stay where they are.

use super::{Said, Say};
use crate::{
    ApprovalId, Digest, Fact, RecordId, handoff,
    text::{self, list as and, plural},
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
            Fact::CoverSet { cover: Some(it) } => {
                let square = if it.width == it.height { "" } else { ", not square" };
                (
                    None,
                    format!(
                        "{who} set the cover: {}, {} by {} pixels{square}.",
                        it.form(),
                        it.width,
                        it.height
                    ),
                )
            }
            Fact::CoverSet { cover: None } => (None, format!("{who} took the cover away.")),
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
            Fact::RecordQueued { number, spacing, sources, profiles, loudest_track_lufs, medium, .. } => {
                let songs = plural(sources.len(), "song");
                let named: Vec<String> = profiles.iter().map(|profile| profile.name.clone()).collect();
                let level = loudest_track_lufs
                    .map_or_else(String::new, |lufs| format!(", the loudest at {lufs:.1} LUFS"));
                let on =
                    if medium.is_empty() { String::new() } else { format!(" on {}", text::shown(medium)) };
                format!(
                    "{who} started Record {number} of {songs} with spacing {spacing}{level}, for {}{on}.",
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
            Fact::RecordGivenBack { record, attempt } => {
                let what = format!("Attempt {attempt} to make {}", name(record));
                format!("{what} was given back: its worker was told to stop.")
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

#[cfg(test)]
mod tests {
    use crate::{
        ApprovalId, Command, Cover, Credit, Event, Fact, LabelCopy, NoteId, PersonId, Project, Receipt,
        RecordFile, RecordId, RecordProfile, Role, SongCopy, SpacingItem, Time, audience, record_fingerprint,
        sentence, sentence_for, testing::*,
    };

    const RECORD: RecordId = RecordId(300);

    fn name(person: PersonId) -> String {
        match person {
            OWNER => "Olive".to_owned(),
            LABEL => "Lena Ruiz".to_owned(),
            other => format!("Person {}", other.0),
        }
    }

    /// The project after it, and what is said of it.
    fn told(project: &mut Project, by: Option<PersonId>, fact: Fact) -> String {
        let event = Event { at: Time(3000), by, fact };
        project.apply(&event);
        sentence(project, &event, &name).text
    }

    fn enrolled(key: u8, person: PersonId, vouched_by: Option<u8>) -> Fact {
        Fact::KeyEnrolled {
            key: digest(key),
            person,
            public_key: "ssh-ed25519 AAAA".to_owned(),
            proof: String::new(),
            vouched_by: vouched_by.map(digest),
            vouch: String::new(),
        }
    }

    #[test]
    fn keys_and_receipts_are_told_with_what_they_are_of() {
        let mut project = Given::mixed().approved(LABEL, 10, Role::Label).project;
        let mut say = |by, fact| told(&mut project, Some(by), fact);
        assert_eq!(
            say(LABEL, enrolled(1, LABEL, None)),
            "Lena Ruiz enrolled the key 010101010101: the first one."
        );
        assert_eq!(
            say(LABEL, enrolled(2, LABEL, Some(1))),
            "Lena Ruiz enrolled the key 020202020202: vouched for by 010101010101."
        );
        let revoked =
            |key| Fact::KeyRevoked { key: digest(key), reason: "The laptop was\nstolen".to_owned() };
        assert_eq!(
            say(OWNER, revoked(1)),
            "Olive revoked the key 010101010101 of Lena Ruiz: The laptop was stolen."
        );
        assert_eq!(say(LABEL, revoked(2)), "Lena Ruiz revoked the key 020202020202: The laptop was stolen.");
        assert_eq!(
            say(LABEL, enrolled(3, LABEL, None)),
            "Lena Ruiz enrolled the key 030303030303: the older ones were revoked, so none vouched for it."
        );
        let approval =
            Given::mixed().approved(LABEL, 10, Role::Label).project.approvals.keys().last().unwrap();
        let receipt = |approval| Fact::ReceiptKept {
            approval,
            sequence: 1,
            receipt: Receipt { statement: String::new(), signature: String::new(), key: digest(3) },
        };
        assert_eq!(
            say(LABEL, receipt(approval)),
            "Lena Ruiz signed the approval of Mix 1 with the key 030303030303: statement 1."
        );
    }

    #[test]
    fn a_record_is_told_from_its_start_to_its_delivery() {
        let items = vec![SpacingItem::after(SONG, 0)];
        let mut project = Given::delivered().and(person(ARTIST), Command::SetSpacing { items }).project;
        let files = vec![RecordFile {
            profile: "cd".to_owned(),
            folder: String::new(),
            name: "a.wav".to_owned(),
            digest: digest(1),
            bytes: 1,
            kind: "track".to_owned(),
            sample_rate_hz: 44_100,
            bits: 16,
            frames: 1,
            exact: false,
            integrated_lufs: None,
            true_peak_dbtp: None,
            over_full_scale: None,
        }];
        let fingerprint = record_fingerprint(&files);
        let short: String = fingerprint.to_string().chars().take(12).collect();
        let profile = |name: &str| RecordProfile { name: name.to_owned(), toml: String::new() };
        let queued = Fact::RecordQueued {
            record: RECORD,
            number: 1,
            spacing: 1,
            sources: Vec::new(),
            profiles: vec![profile("cd"), profile("hi-res")],
            loudest_track_lufs: Some(-14.0),
            medium: "12\" 33 rpm".to_owned(),
        };
        let mut say = |by: Option<PersonId>, fact| told(&mut project, by, fact);
        assert_eq!(
            say(Some(OWNER), queued),
            "Olive started Record 1 of 0 songs with spacing 1, the loudest at -14.0 LUFS, for cd and hi-res on 12\" 33 rpm."
        );
        let leased = Fact::RecordLeased { record: RECORD, attempt: 1, engine: String::new() };
        assert_eq!(say(None, leased), "Attempt 1 to make Record 1 began.");
        let failed =
            |parked| Fact::RecordFailed { record: RECORD, attempt: 1, reason: String::new(), parked };
        assert_eq!(say(None, failed(false)), "Attempt 1 to make Record 1 failed; it is tried again.");
        let made = Fact::RecordMade { record: RECORD, files, fingerprint, report_json: String::new() };
        assert_eq!(say(None, made), format!("Record 1 is made: 1 file, fingerprint {short}."));
        let approved =
            Fact::RecordApproved { approval: ApprovalId(9), record: RECORD, role: Role::Label, fingerprint };
        assert_eq!(
            say(Some(LABEL), approved),
            format!("Lena Ruiz approved Record 1 as label, fingerprint {short}.")
        );
        let delivered = Fact::RecordDelivered { record: RECORD, manifest_json: String::new() };
        assert_eq!(
            say(Some(OWNER), delivered),
            "Olive delivered Record 1: 1 file, frozen as they were signed."
        );
        let unknown = Fact::RecordCancelled { record: RecordId(9) };
        assert_eq!(say(Some(OWNER), unknown), "Olive cancelled a record.");
    }

    #[test]
    fn label_copy_and_notes_are_told_without_their_words() {
        let items = vec![SpacingItem::after(SONG, 0)];
        let mut project = Given::mixed().and(person(ARTIST), Command::SetSpacing { items }).project;
        let mut say = |fact| told(&mut project, Some(OWNER), fact);
        let copy = LabelCopy { upc: "036000291452".to_owned(), ..LabelCopy::default() };
        assert_eq!(
            say(Fact::LabelCopySet { copy }),
            "Olive set the label copy of the record: UPC 036000291452."
        );
        let credits = vec![Credit { role: "mixer".to_owned(), name: "Jo".to_owned() }];
        let copy = SongCopy { credits, ..SongCopy::default() };
        let text = "Olive set the label copy of \"Ember\": 1 credit and 0 shares.";
        assert_eq!(say(Fact::SongCopySet { song: SONG, copy }), text);
        let (mime, digest) = ("image/png".to_owned(), digest(1));
        let cover = Cover { digest, bytes: 9, mime, width: 3000, height: 2000 };
        let text = "Olive set the cover: PNG, 3000 by 2000 pixels, not square.";
        assert_eq!(say(Fact::CoverSet { cover: Some(cover) }), text);
        assert_eq!(say(Fact::CoverSet { cover: None }), "Olive took the cover away.");
        let note = |song| Fact::SpacingNoted { note: NoteId(5), number: 1, song, text: "SECRET".to_owned() };
        assert_eq!(say(note(Some(SONG))), "Olive wrote a note on spacing 1, before \"Ember\".");
        let closed = Fact::SpacingNoteClosed { note: NoteId(5), answer: "SECRET".to_owned() };
        assert_eq!(say(closed), "Olive closed a note on spacing 1.");
    }

    #[test]
    fn v1_keys_are_for_all_and_the_record_for_who_sees_the_work() {
        let given = Given::mixed();
        let sees = |who, fact: Fact| {
            let event = Event { at: Time(1), by: Some(LABEL), fact };
            let seen = audience::visible_fact(&given.project, who, &event);
            assert_eq!(sentence_for(&given.project, who, &event, &name).is_some(), seen);
            seen
        };
        for fact in [enrolled(1, LABEL, None), Fact::KeyRevoked { key: digest(1), reason: "r".to_owned() }] {
            assert!(sees(LISTENER, fact.clone()) && sees(MIXER, fact.clone()) && !sees(STRANGER, fact));
        }
        let copy = LabelCopy::default();
        for fact in [
            Fact::LabelCopySet { copy },
            Fact::CoverSet { cover: None },
            Fact::RecordCancelled { record: RECORD },
            Fact::SpacingNoted { note: NoteId(1), number: 1, song: None, text: String::new() },
            Fact::ReceiptKept {
                approval: ApprovalId(1),
                sequence: 1,
                receipt: Receipt { statement: String::new(), signature: String::new(), key: digest(1) },
            },
        ] {
            assert!(!sees(LISTENER, fact.clone()) && sees(MIXER, fact));
        }
    }
}
