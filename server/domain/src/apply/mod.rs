//! The fold: one fact after another makes the project. Total (P-6): a fact that makes no sense here (an unknown song, a number that leaves a gap,
//! a stage that is not left from) changes nothing. No rule is decided here; `decide` never made such a fact in the first place.

mod link;
mod record;
mod review;

use crate::{
    Approval, Delivery, Ended, Event, Fact, Handoff, HandoffState, Item, Line, Member, Note, NoteId,
    NoteState, PersonId, Project, Render, RenderState, ReturnItem, Returned, RevisionRequest, Role, Roles,
    Says, Song, SongId, Stage, Time, Version, VersionKind,
};

impl Project {
    pub fn apply(&mut self, event: &Event) {
        if let Fact::ProjectCreated { title, artist } = &event.fact {
            if !self.exists {
                self.exists = true;
                self.title.clone_from(title);
                self.artist.clone_from(artist);
                self.created_at = event.at;
                self.created_by = event.by;
            }
        } else if self.exists {
            self.fold(event);
        }
        if self.exists {
            self.as_of = self.as_of.max(event.at);
        }
    }

    pub fn apply_all<'a>(&mut self, events: impl IntoIterator<Item = &'a Event>) {
        events.into_iter().for_each(|event| self.apply(event));
    }

    /// The facts of a stream from its start.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Project {
        let mut project = Project::default();
        project.apply_all(events);
        project
    }

    fn fold(&mut self, event: &Event) {
        match &event.fact {
            Fact::ProjectCreated { .. } => {}
            Fact::TermsChanged { terms } => self.terms = *terms,
            Fact::MemberAdded { person, roles } => {
                let member = Member { person: *person, roles: roles.clone(), since: event.at };
                self.members.insert_new(*person, member);
            }
            Fact::RolesChanged { person, roles } => {
                self.members.change(*person, |member| member.roles.clone_from(roles));
                self.end_approvals_of(*person, roles, event.at);
            }
            Fact::MemberRemoved { person } => {
                if self.members.remove(*person) {
                    self.end_approvals_of(*person, &Roles::new(), event.at);
                    self.end_holds_of(*person, event.at);
                    self.follows.retain(|(of, _), _| of != person);
                    self.end_links_by(*person, event);
                }
            }
            Fact::GateSet { rule } => {
                self.gates.insert(rule.stage, rule.clone());
            }
            Fact::FileReceived { file } => {
                self.received.insert_new(file.digest, file.clone());
            }
            Fact::SongAdded { .. }
            | Fact::SongEdited { .. }
            | Fact::StageLeft { .. }
            | Fact::HandoffMade { .. }
            | Fact::HandoffAccepted { .. }
            | Fact::HandoffReturned { .. }
            | Fact::RecipeSet { .. } => self.fold_song(event),
            Fact::VersionAdded { .. }
            | Fact::RevisionRequested { .. }
            | Fact::RevisionAnswered { .. }
            | Fact::DeliveryMade { .. } => self.fold_version(event),
            Fact::NoteAdded { .. }
            | Fact::NoteAddressed { .. }
            | Fact::NoteAccepted { .. }
            | Fact::NoteReopened { .. }
            | Fact::NoteDeclined { .. }
            | Fact::ChecklistTicked { .. } => self.fold_note(event),
            Fact::Approved { .. }
            | Fact::ApprovalWithdrawn { .. }
            | Fact::HoldPlaced { .. }
            | Fact::HoldLifted { .. } => self.fold_approval(event),
            Fact::RenderQueued { .. }
            | Fact::RenderLeased { .. }
            | Fact::RenderCompleted { .. }
            | Fact::RenderFailed { .. }
            | Fact::RenderCancelled { .. }
            | Fact::RenderGivenBack { .. } => self.fold_render(event),
            Fact::LabelCopySet { .. }
            | Fact::SongCopySet { .. }
            | Fact::CoverSet { .. }
            | Fact::SpacingNoted { .. }
            | Fact::SpacingNoteClosed { .. } => self.fold_copy(event),
            Fact::RecordQueued { .. }
            | Fact::RecordLeased { .. }
            | Fact::RecordMade { .. }
            | Fact::RecordFailed { .. }
            | Fact::RecordCancelled { .. }
            | Fact::RecordGivenBack { .. }
            | Fact::RecordApproved { .. }
            | Fact::RecordDelivered { .. } => self.fold_record(event),
            Fact::KeyEnrolled { .. } | Fact::KeyRevoked { .. } | Fact::ReceiptKept { .. } => {
                self.fold_receipt(event);
            }
            Fact::LinkMade { .. } | Fact::LinkRevoked { .. } => self.fold_link(event),
            _ => self.fold_review(event),
        }
    }

    fn fold_song(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::SongAdded { song, title, isrc } => self.add_song(Song::new(*song, title, isrc, at)),
            Fact::SongEdited { song, title, isrc } => self.songs.change(*song, |song| {
                song.title.clone_from(title);
                song.isrc.clone_from(isrc);
            }),
            Fact::StageLeft { song, from, to, .. } => self.leave_stage(*song, (*from, *to), at),
            Fact::HandoffMade { song, version } => self.songs.change(*song, |song| {
                song.handoff = Some(Handoff {
                    version: *version,
                    made_at: at,
                    state: HandoffState::Offered,
                    state_since: at,
                    by: None,
                    reason: String::new(),
                    items: Vec::new(),
                    package: None,
                });
            }),
            Fact::HandoffAccepted { song } => self.songs.change(*song, |song| {
                if let Some(handoff) = song.handoff.as_mut().filter(|it| it.state == HandoffState::Offered) {
                    handoff.state = HandoffState::Accepted;
                    handoff.state_since = at;
                    handoff.by = event.by;
                }
            }),
            Fact::HandoffReturned { song, reason, items } => self.return_handoff(*song, reason, items, event),
            Fact::RecipeSet { song, recipe, why } => {
                let version = self.next_recipe(*song, recipe.clone(), why, (event.by, at));
                match song {
                    Some(song) => self.songs.change(*song, |song| song.recipes.push(version)),
                    None => self.recipes.push(version),
                }
            }
            _ => {}
        }
    }

    fn add_song(&mut self, song: Song) {
        let id = song.id;
        if self.songs.insert_new(id, song) {
            self.running_order.push(id);
        }
    }

    /// One stage forward, and only from where the song stands (P-3).
    fn leave_stage(&mut self, song: SongId, (from, to): (Stage, Stage), at: Time) {
        let stands = self.songs.get(song).is_some_and(|song| song.stage == from);
        if stands && from.next() == Some(to) {
            self.songs.change(song, |song| song.enter(to, at));
        }
    }

    /// Back to mixing: the signatures that led to the handoff are spent, and the masters of that mix are history.
    fn return_handoff(&mut self, id: SongId, reason: &str, items: &[ReturnItem], event: &Event) {
        let Some(song) = self.songs.get(id).filter(|song| song.stage == Stage::Mastering) else { return };
        let approvals = song.approvals.clone();
        self.songs.change(id, |song| {
            song.versions_before_return = song.versions.len();
            song.enter(Stage::Mixing, event.at);
            if let Some(handoff) = &mut song.handoff {
                let swapped = matches!(event.fact, Fact::MixSwapped { .. });
                song.returned = Some(Returned { version: handoff.version, swapped });
                handoff.state = HandoffState::Returned;
                handoff.state_since = event.at;
                handoff.by = event.by;
                reason.clone_into(&mut handoff.reason);
                items.clone_into(&mut handoff.items);
            }
        });
        for approval in approvals {
            self.approvals.change(approval, |approval| {
                let spent = matches!(approval.says, Says::Yes { .. }) && approval.stage >= Stage::Mixing;
                if spent && approval.ended.is_none() {
                    approval.ended = Some(Ended::Returned(event.at));
                }
            });
        }
    }

    fn fold_version(&mut self, event: &Event) {
        match &event.fact {
            Fact::VersionAdded {
                version,
                song,
                kind,
                number,
                title,
                changelog,
                files,
                fingerprint,
                render,
                line,
            } => {
                let version = Version {
                    id: *version,
                    song: *song,
                    kind: *kind,
                    number: *number,
                    title: title.clone(),
                    changelog: changelog.clone(),
                    files: files.clone(),
                    fingerprint: *fingerprint,
                    by: if render.is_some() { None } else { event.by },
                    at: event.at,
                    render: *render,
                    line: *line,
                };
                self.add_version(version);
            }
            Fact::RevisionRequested { .. } => self.request_revision(event),
            Fact::RevisionAnswered { request, version } => self.requests.change(*request, |request| {
                request.answered_by.get_or_insert(*version);
            }),
            Fact::DeliveryMade { delivery, song, version, fingerprint, files, manifest_json } => {
                let new = Delivery {
                    id: *delivery,
                    song: *song,
                    version: *version,
                    fingerprint: *fingerprint,
                    files: files.clone(),
                    by: event.by,
                    at: event.at,
                    manifest_json: manifest_json.clone(),
                };
                if self.songs.contains(*song) && self.deliveries.insert_new(*delivery, new) {
                    self.songs.change(*song, |song| song.deliveries.push(*delivery));
                }
            }
            _ => {}
        }
    }

    fn request_revision(&mut self, event: &Event) {
        let Fact::RevisionRequested {
            request,
            song,
            version,
            role,
            message,
            notes,
            round,
            kind,
            free,
            beyond_terms,
        } = &event.fact
        else {
            return;
        };
        let Some(by) = event.by else { return };
        let new = RevisionRequest {
            id: *request,
            song: *song,
            version: *version,
            by,
            role: *role,
            at: event.at,
            message: message.clone(),
            notes: notes.clone(),
            round: *round,
            kind: *kind,
            free: *free,
            beyond_terms: *beyond_terms,
            answered_by: None,
        };
        if self.songs.contains(*song) && self.requests.insert_new(*request, new) {
            self.songs.change(*song, |song| song.requests.push(*request));
        }
    }

    /// P-1: the next number of its kind or nothing, and never twice.
    fn add_version(&mut self, version: Version) {
        let (id, song, kind, line) = (version.id, version.song, version.kind, version.line);
        let fits = self.songs.contains(song) && version.number == self.next_number(song, kind, line);
        if fits && self.versions.insert_new(id, version) {
            let forward = self.songs.get(song).and_then(|song| song.forward);
            let replaced = forward
                .and_then(|forward| self.versions.get(forward))
                .is_some_and(|forward| forward.kind == kind);
            self.songs.change(song, |song| {
                song.versions.push(id);
                song.forward = song.forward.filter(|_| !replaced);
            });
            if kind == VersionKind::Master {
                self.inherit_places(song, id);
            }
        }
    }

    /// The number that the next version of a kind gets, in its line where mixes compete.
    pub fn next_number(&self, song: SongId, kind: VersionKind, line: Option<Line>) -> u32 {
        let alike = |version: &&Version| version.kind == kind && version.line == line;
        let have = self.versions_of(song).filter(alike).count();
        u32::try_from(have + 1).unwrap_or(u32::MAX)
    }

    fn fold_note(&mut self, event: &Event) {
        let Some(by) = event.by else { return };
        match &event.fact {
            Fact::NoteAdded {
                note,
                song,
                version,
                alternate,
                parent,
                span,
                role,
                text,
                internal,
                addressee,
                checklist,
            } => {
                let new = Note {
                    id: *note,
                    song: *song,
                    version: *version,
                    alternate: *alternate,
                    parent: *parent,
                    author: by,
                    role: *role,
                    at: event.at,
                    span: *span,
                    text: text.clone(),
                    internal: *internal,
                    addressee: *addressee,
                    state: NoteState::Open,
                    state_since: event.at,
                    state_by: by,
                    reason: String::new(),
                    checklist: checklist
                        .iter()
                        .map(|text| Item { text: text.clone(), done: false })
                        .collect(),
                    places: Vec::new(),
                    verdicts: Vec::new(),
                };
                if self.songs.contains(*song) && self.notes.insert_new(*note, new) {
                    self.songs.change(*song, |song| song.notes.push(*note));
                }
            }
            Fact::NoteAddressed { note, version } => {
                self.move_note(*note, NoteState::Addressed(*version), None, by, event.at);
            }
            Fact::NoteAccepted { note } => self.move_note(*note, NoteState::Accepted, None, by, event.at),
            Fact::NoteReopened { note, reason } => {
                self.move_note(*note, NoteState::Open, Some(reason), by, event.at);
            }
            Fact::NoteDeclined { note, reason } => {
                self.move_note(*note, NoteState::Declined, Some(reason), by, event.at);
            }
            Fact::ChecklistTicked { note, item, done } => self.notes.change(*note, |note| {
                let item = usize::try_from(*item).ok().and_then(|item| note.checklist.get_mut(item));
                if let Some(item) = item {
                    item.done = *done;
                }
            }),
            _ => {}
        }
    }

    fn move_note(&mut self, note: NoteId, state: NoteState, reason: Option<&str>, by: PersonId, at: Time) {
        self.notes.change(note, |note| {
            note.state = state;
            note.state_since = at;
            note.state_by = by;
            reason.unwrap_or_default().clone_into(&mut note.reason);
        });
    }

    fn fold_approval(&mut self, event: &Event) {
        match &event.fact {
            Fact::Approved { approval, song, version, role, fingerprint } => {
                let Some(stage) = self.versions.get(*version).map(|version| version.kind.stage()) else {
                    return;
                };
                let says = Says::Yes { version: *version, fingerprint: *fingerprint };
                self.sign(*approval, *song, *role, stage, says, event);
            }
            Fact::HoldPlaced { approval, song, role, reason } => {
                let Some(stage) = self.songs.get(*song).map(|song| song.stage) else { return };
                let says = Says::Hold { reason: reason.clone() };
                self.sign(*approval, *song, *role, stage, says, event);
            }
            Fact::ApprovalWithdrawn { approval } => self.approvals.change(*approval, |approval| {
                if matches!(approval.says, Says::Yes { .. }) {
                    approval.ended.get_or_insert(Ended::Withdrawn(event.at));
                }
            }),
            Fact::HoldLifted { approval } => self.approvals.change(*approval, |approval| {
                if matches!(approval.says, Says::Hold { .. }) {
                    approval.ended.get_or_insert(Ended::Lifted(event.at));
                }
            }),
            _ => {}
        }
    }

    fn sign(
        &mut self,
        id: crate::ApprovalId,
        song: SongId,
        role: Role,
        stage: Stage,
        says: Says,
        event: &Event,
    ) {
        let Some(person) = event.by else { return };
        let new =
            Approval { id, song, person, role, at: event.at, stage, says, ended: None, carried: Vec::new() };
        if self.songs.contains(song) && self.approvals.insert_new(id, new) {
            self.songs.change(song, |song| song.approvals.push(id));
        }
    }

    /// Signatures for a gate that is still shut, in a role that the person no longer has, no longer speak. Those that
    /// already opened their gate stay what they were: history.
    fn end_approvals_of(&mut self, person: PersonId, roles: &Roles, at: Time) {
        let mut ended = Vec::new();
        for approval in self.approvals.values() {
            let pending = self.songs.get(approval.song).is_some_and(|song| song.stage == approval.stage);
            let speaks = approval.person == person && matches!(approval.says, Says::Yes { .. });
            if speaks && pending && approval.ended.is_none() && !roles.contains(&approval.role) {
                ended.push(approval.id);
            }
        }
        for id in ended {
            self.approvals.change(id, |approval| approval.ended = Some(Ended::Left(at)));
        }
        // The same of a spacing: coming back does not bring it again.
        self.spacing_approvals.retain(|approval| approval.person != person || roles.contains(&approval.role));
        self.end_record_approvals_of(person, roles, at);
    }

    /// A hold ends with the membership, not with the role: else whoever manages roles could brush a veto aside unseen.
    fn end_holds_of(&mut self, person: PersonId, at: Time) {
        let holds = |approval: &&Approval| {
            approval.person == person
                && matches!(approval.says, Says::Hold { .. })
                && approval.ended.is_none()
        };
        let ended: Vec<_> = self.approvals.values().filter(holds).map(|approval| approval.id).collect();
        for id in ended {
            self.approvals.change(id, |approval| approval.ended = Some(Ended::Left(at)));
        }
    }

    fn fold_render(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::RenderQueued { render, song, version, recipe } => {
                let new = Render::queued(*render, *song, *version, recipe.clone(), event.by, at);
                if self.songs.contains(*song) && self.renders.insert_new(*render, new) {
                    self.songs.change(*song, |song| song.renders.push(*render));
                }
            }
            Fact::RenderLeased { render, attempt, engine, recipe } => {
                self.renders.change(*render, |render| {
                    if render.is_alive() {
                        render.attempt = *attempt;
                        render.engine.clone_from(engine);
                        if recipe.is_some() {
                            render.recipe.clone_from(recipe);
                        }
                        render.stand(RenderState::Running, at);
                    }
                });
            }
            Fact::RenderCompleted { render, version, report_json, sheet } => {
                self.renders.change(*render, |render| {
                    if render.is_alive() {
                        render.made = Some(*version);
                        render.report_json.clone_from(report_json);
                        render.sheet = *sheet;
                        render.stand(RenderState::Done, at);
                    }
                });
            }
            Fact::RenderFailed { render, attempt, reason, parked } => {
                self.renders.change(*render, |render| {
                    if render.is_alive() && render.attempt == *attempt {
                        render.failures = render.failures.saturating_add(1);
                        render.reason.clone_from(reason);
                        render.stand(if *parked { RenderState::Failed } else { RenderState::Queued }, at);
                    }
                });
            }
            Fact::RenderCancelled { render } => self.renders.change(*render, |render| {
                if render.is_alive() {
                    render.stand(RenderState::Cancelled, at);
                }
            }),
            Fact::RenderGivenBack { render, attempt } => self.renders.change(*render, |render| {
                if render.state == RenderState::Running && render.attempt == *attempt {
                    render.given_back = render.given_back.saturating_add(1);
                    render.stand(RenderState::Queued, at);
                }
            }),
            _ => {}
        }
    }
}

impl Song {
    fn new(id: SongId, title: &str, isrc: &str, at: Time) -> Song {
        Song {
            id,
            title: title.to_owned(),
            isrc: isrc.to_owned(),
            added_at: at,
            stage: Stage::Recording,
            stage_since: at,
            recipes: Vec::new(),
            handoff: None,
            versions_before_return: 0,
            returned: None,
            forward: None,
            forward_since: at,
            shootouts: Vec::new(),
            line: None,
            overrides: Vec::new(),
            versions: Vec::new(),
            notes: Vec::new(),
            requests: Vec::new(),
            approvals: Vec::new(),
            renders: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    fn enter(&mut self, stage: Stage, at: Time) {
        self.stage = stage;
        self.stage_since = at;
    }
}
