//! The fold of what came with the review protocol: examinations, shootouts, spacing, listening, overrides, notices. Total like the rest of it (P-6).

use crate::{
    Event, Examined, Fact, Line, NoteId, NoteVerdict, Overridden, Package, PersonId, Picked, Place,
    PlaceKind, Project, Shootout, SongId, Spacing, SpacingApproval, SpacingItem, Version, VersionId, Vote,
    Webhook, approval::Carried,
};

impl Project {
    pub(super) fn fold_review(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::VersionExamined { version, examined } => self.examine(*version, examined),
            Fact::MixSwapped { song, reason } => self.return_handoff(*song, reason, &[], event),
            Fact::PutForward { version, .. } => {
                if let Some(song) = self.versions.get(*version).map(|version| version.song) {
                    self.songs.change(song, |song| {
                        song.forward = Some(*version);
                        song.forward_since = at;
                        // Somebody answers for it: it is judged anew.
                        song.returned = song.returned.filter(|returned| returned.version != *version);
                    });
                }
            }
            Fact::GateOverridden { .. } => self.override_gate(event),
            Fact::ShootoutOpened { .. } | Fact::VoteCast { .. } | Fact::MixPicked { .. } => {
                self.compete(event);
            }
            Fact::PreflightSet { settings } => {
                for setting in settings {
                    let key = (setting.code.clone(), setting.kind);
                    match setting.severity {
                        Some(severity) => self.preflight.insert(key, severity),
                        None => self.preflight.remove(&key),
                    };
                }
            }
            Fact::SpacingSet { number, items } => self.space(*number, items, event),
            Fact::SpacingApproved { approval, number, role } => {
                let Some(person) = event.by else { return };
                if !self.spacing_approvals.iter().any(|known| known.id == *approval) {
                    let new = SpacingApproval { id: *approval, number: *number, person, role: *role, at };
                    self.spacing_approvals.push(new);
                }
            }
            Fact::NoteMoved { note, version, span } => {
                self.place(*note, Place { version: *version, kind: PlaceKind::ByHand, span: *span });
            }
            Fact::ApprovalsCarried { to, approvals, why, .. } => {
                for approval in approvals {
                    let carried = Carried { to: *to, why: why.clone() };
                    self.approvals.change(*approval, |approval| approval.carried.push(carried));
                }
            }
            Fact::DeadlinePassed { stage, due } => {
                self.deadlines_passed.insert((*stage, *due));
            }
            Fact::PackageMade { song, version, digest, name, bytes } => self.songs.change(*song, |song| {
                if let Some(handoff) = song.handoff.as_mut().filter(|handoff| handoff.version == *version) {
                    let package = Package { digest: *digest, name: name.clone(), bytes: *bytes, made_at: at };
                    handoff.package.get_or_insert(package);
                }
            }),
            Fact::VersionHeard { version, percent } => {
                let Some(person) = event.by else { return };
                let before = self.heard_percent(*version, person);
                self.heard.insert((*version, person), (*percent).clamp(before, 100));
            }
            Fact::SectionsSet { version, sections } => self.set_sections(*version, sections),
            Fact::Followed { song, level } => {
                if let Some(person) = event.by {
                    self.follows.insert((person, *song), *level);
                }
            }
            Fact::WebhookSet { webhook, url, codes } => {
                let Some(by) = event.by else { return };
                let new = Webhook { id: *webhook, url: url.clone(), codes: codes.clone(), by, at };
                self.webhooks.insert_new(*webhook, new);
            }
            Fact::WebhookRemoved { webhook } => {
                self.webhooks.remove(*webhook);
            }
            _ => {}
        }
    }

    fn set_sections(&mut self, version: VersionId, sections: &[crate::Section]) {
        self.sections.remove(version);
        if !sections.is_empty() && self.versions.contains(version) {
            self.sections.insert_new(version, sections.to_vec());
        }
    }

    fn override_gate(&mut self, event: &Event) {
        let Fact::GateOverridden { song, stage, version, reason, unmet } = &event.fact else { return };
        let opened = Overridden {
            stage: *stage,
            version: *version,
            by: event.by,
            at: event.at,
            reason: reason.clone(),
            unmet: unmet.clone(),
        };
        self.songs.change(*song, |song| song.overrides.push(opened));
    }

    fn examine(&mut self, id: VersionId, examined: &Examined) {
        if !self.versions.contains(id) || !self.examinations.insert_new(id, examined.clone()) {
            return;
        }
        for outcome in &examined.notes {
            let verdict = NoteVerdict { version: id, verdict: outcome.verdict, text: outcome.text.clone() };
            self.notes.change(outcome.note, |note| note.verdicts.push(verdict));
            if let Some(placed) = outcome.place {
                self.place(outcome.note, Place { version: id, kind: placed.kind, span: placed.span });
            }
        }
    }

    /// One place for each version. What was said by hand is not overruled by the house.
    fn place(&mut self, note: NoteId, place: Place) {
        self.notes.change(note, |note| {
            match note.places.iter_mut().find(|known| known.version == place.version) {
                Some(known) if known.kind == PlaceKind::ByHand && place.kind != PlaceKind::ByHand => {}
                Some(known) => *known = place,
                None => note.places.push(place),
            }
        });
    }

    /// A master runs as its mix does: where an edit moved a note in the mix, it stands there in the master too.
    pub(super) fn inherit_places(&mut self, song: SongId, master: VersionId) {
        let mix = self.songs.get(song).and_then(|song| song.handoff.as_ref()).map(|handoff| handoff.version);
        let (Some(mix), Some(version)) = (mix, self.versions.get(master).cloned()) else { return };
        let mut inherited = Vec::new();
        for note in self.notes_of(song) {
            let moved = note.places.iter().rev().find(|place| place.version == mix);
            inherited.extend(moved.map(|place| {
                (note.id, Place { version: master, span: Place::within(&version, place.span), ..*place })
            }));
        }
        for (note, place) in inherited {
            self.place(note, place);
        }
    }

    fn compete(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::ShootoutOpened { shootout, song, entrants, blind } => {
                let Some(of) = self.songs.get(*song) else { return };
                let used = of.shootouts.iter().map(|earlier| earlier.lines.len()).sum::<usize>();
                let lines: Vec<(Line, PersonId)> = (used + 1..)
                    .filter_map(|number| u8::try_from(number).ok())
                    .map(Line)
                    .zip(entrants.iter().copied())
                    .collect();
                let new = Shootout {
                    id: *shootout,
                    song: *song,
                    opened_at: at,
                    opened_by: event.by,
                    blind: *blind,
                    lines,
                    votes: Vec::new(),
                    picked: None,
                };
                self.songs.change(*song, |song| song.shootouts.push(new));
            }
            Fact::VoteCast { song, role, ranking, blind, matched_lufs, reason } => {
                let Some(by) = event.by else { return };
                let vote = Vote {
                    by,
                    role: *role,
                    ranking: ranking.clone(),
                    blind: *blind,
                    matched_lufs: *matched_lufs,
                    reason: reason.clone(),
                    at,
                };
                self.change_shootout(*song, |shootout| {
                    shootout.votes.retain(|earlier| (earlier.by, earlier.role) != (vote.by, vote.role));
                    shootout.votes.push(vote);
                });
            }
            Fact::MixPicked { song, version, role, reason } => {
                let Some(by) = event.by else { return };
                let line = self.versions.get(*version).and_then(|version: &Version| version.line);
                let picked = Picked { version: *version, by, role: *role, reason: reason.clone(), at };
                self.change_shootout(*song, |shootout| {
                    shootout.picked.get_or_insert(picked);
                });
                self.songs.change(*song, |song| song.line = line.or(song.line));
            }
            _ => {}
        }
    }

    fn change_shootout(&mut self, song: SongId, change: impl FnOnce(&mut Shootout)) {
        self.songs.change(song, |song| {
            if let Some(open) = song.shootouts.last_mut().filter(|open| open.picked.is_none()) {
                change(open);
            }
        });
    }

    /// The order of the spacing is the running order; songs that it does not name follow it.
    fn space(&mut self, number: u32, items: &[SpacingItem], event: &Event) {
        if usize::try_from(number).ok() != Some(self.spacings.len() + 1) {
            return;
        }
        self.spacings.push(Spacing { number, items: items.to_vec(), by: event.by, at: event.at });
        let named: Vec<SongId> =
            items.iter().map(|item| item.song).filter(|song| self.songs.contains(*song)).collect();
        let rest: Vec<SongId> =
            self.running_order.iter().copied().filter(|song| !named.contains(song)).collect();
        self.running_order = named.into_iter().chain(rest).collect();
    }
}
