//! All that is known of one project: the fold of its facts, and the questions that every rule and every view asks of it.
//! Fields are public to read; only `apply` (apply.rs) changes them. No rule stands here.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Approval, ApprovalId, ApprovalState, Delivery, DeliveryId, Digest, Examined, FollowLevel, GateRule, Link,
    LinkId, Member, Note, NoteId, NoteState, PersonId, ProjectId, ReceivedFile, RecipeVersion, Render,
    RenderId, RequestId, RevisionKind, RevisionRequest, Role, Roles, Severity, Song, SongId, Spacing,
    SpacingApproval, Stage, Table, Time, Version, VersionId, VersionKind, Webhook, WebhookId,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {
    /// What statements name it by; no fact tells it, whoever folds the stream knows it. Without it no statement can be true.
    pub id: Option<ProjectId>,
    /// False until `ProjectCreated`; then every other fact counts.
    pub exists: bool,
    pub title: String,
    pub artist: String,
    pub created_at: Time,
    pub created_by: Option<PersonId>,
    pub terms: Terms,
    pub members: Table<PersonId, Member>,
    /// Gates that were set; [`Project::gate`] fills in the defaults.
    pub gates: BTreeMap<Stage, GateRule>,
    /// Of the whole project, oldest first.
    pub recipes: Vec<RecipeVersion>,
    pub running_order: Vec<SongId>,
    pub songs: Table<SongId, Song>,
    pub versions: Table<VersionId, Version>,
    pub notes: Table<NoteId, Note>,
    pub requests: Table<RequestId, RevisionRequest>,
    /// Approvals and holds.
    pub approvals: Table<ApprovalId, Approval>,
    pub renders: Table<RenderId, Render>,
    pub deliveries: Table<DeliveryId, Delivery>,
    pub received: Table<Digest, ReceivedFile>,
    pub examinations: Table<VersionId, Examined>,
    /// Set for the version itself; [`Project::sections_in`] says what it shows.
    pub sections: Table<VersionId, Vec<crate::Section>>,
    /// Of the Main, in percent.
    pub heard: BTreeMap<(VersionId, PersonId), u32>,
    /// Set for this project; [`preflight::rules`](crate::preflight) fills in the house's own.
    pub preflight: BTreeMap<(String, VersionKind), Severity>,
    /// Oldest first.
    pub spacings: Vec<Spacing>,
    /// Oldest first.
    pub spacing_approvals: Vec<SpacingApproval>,
    /// Oldest first.
    pub spacing_notes: Vec<crate::SpacingNote>,
    pub label_copy: crate::LabelCopy,
    pub song_copies: BTreeMap<SongId, crate::SongCopy>,
    pub cover: Option<crate::Cover>,
    /// Oldest first.
    pub records: Vec<crate::Record>,
    pub keys: Table<Digest, crate::Key>,
    /// The chain of statements, oldest first.
    pub receipts: Vec<crate::Kept>,
    pub deadlines_passed: BTreeSet<(Stage, Time)>,
    pub follows: BTreeMap<(PersonId, Option<SongId>), FollowLevel>,
    pub webhooks: Table<WebhookId, Webhook>,
    /// Ended ones too.
    pub links: Table<LinkId, Link>,
    /// Whose link it is that somebody comes by, of ended ones too.
    pub guests: Table<PersonId, LinkId>,
    /// When the newest fact was made: what a date is held against.
    pub as_of: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Rounds of revision that the price includes; more are allowed, and shown.
    pub rounds_included: u32,
    /// Whoever uploaded a version may approve it too, and one person may fill several needs of a gate (solo artists).
    pub self_approval: bool,
    /// Requests of corrections, per song, that count as no round.
    pub corrections_free: u32,
    /// After it every revision lies beyond the terms.
    pub cut_off: Option<Time>,
}

impl Default for Terms {
    /// Two rounds: of the typical one, two or four, the middle. One correction: they are free once.
    fn default() -> Self {
        Terms { rounds_included: 2, self_approval: false, corrections_free: 1, cut_off: None }
    }
}

impl Project {
    /// Before its first fact.
    pub fn named(id: ProjectId) -> Project {
        Project { id: Some(id), ..Project::default() }
    }

    pub fn record(&self, id: crate::RecordId) -> Option<&crate::Record> {
        self.records.iter().find(|record| record.id == id)
    }

    /// An approval or a hold of this id was given once, of whatever: receipts name approvals by id alone.
    pub(crate) fn knows_signature(&self, id: ApprovalId) -> bool {
        let mut on_records = self.records.iter().flat_map(|record| &record.approvals);
        self.approvals.contains(id)
            || self.spacing_approvals.iter().any(|known| known.id == id)
            || on_records.any(|known| known.id == id)
            || self.receipts.iter().any(|kept| kept.approval == id)
    }

    /// Of a member; a guest is a listener while their link lasts, and `audience` says of what.
    pub fn roles_of(&self, person: PersonId) -> Option<&Roles> {
        let member = self.members.get(person).map(|member| &member.roles);
        member.or_else(|| self.guest(person).map(|link| &link.roles))
    }

    /// The link that somebody comes by, while it lasts. The clock is asked elsewhere: sessions end with their link.
    pub fn guest(&self, person: PersonId) -> Option<&Link> {
        let link = self.links.get(self.guests.get(person).copied()?)?;
        (link.ended.is_none() && !self.members.contains(person)).then_some(link)
    }

    /// Everybody for whom the project is there: members, and guests while their links last.
    pub fn insiders(&self) -> impl Iterator<Item = PersonId> {
        let guests = self.guests.keys().filter(|person| self.guest(*person).is_some());
        self.members.keys().chain(guests)
    }

    pub fn holds_role(&self, person: PersonId, role: Role) -> bool {
        self.roles_of(person).is_some_and(|roles| roles.contains(&role))
    }

    pub fn holders(&self, role: Role) -> impl Iterator<Item = PersonId> {
        self.members.iter().filter(move |(_, member)| member.roles.contains(&role)).map(|(id, _)| id)
    }

    /// From 1, in the running order.
    pub fn position(&self, song: SongId) -> Option<u32> {
        let place = self.running_order.iter().position(|id| *id == song)?;
        u32::try_from(place + 1).ok()
    }

    /// Songs in the running order.
    pub fn songs_in_order(&self) -> impl Iterator<Item = &Song> {
        self.running_order.iter().filter_map(|id| self.songs.get(*id))
    }

    /// The rule of a stage, the default where none was set. `Delivered` has none: nothing comes after it.
    pub fn gate(&self, stage: Stage) -> Option<GateRule> {
        self.gates.get(&stage).cloned().or_else(|| crate::gate::default_rule(stage))
    }

    /// Oldest first.
    pub fn versions_of(&self, song: SongId) -> impl DoubleEndedIterator<Item = &Version> {
        let ids = self.songs.get(song).map_or(&[][..], |song| &song.versions);
        ids.iter().filter_map(|id| self.versions.get(*id))
    }

    /// What the gate of the song's stage looks at: the newest version of the stage's kind. In mastering only masters of the
    /// present mix: those made before a handoff was returned are history. In `Delivered`, the master that was signed.
    pub fn candidate(&self, song: SongId) -> Option<&Version> {
        let stage = self.songs.get(song)?.stage;
        self.newest(song, stage.kind().unwrap_or(VersionKind::Master))
    }

    /// What counts of a kind now: the one that was put forward, else the newest that later work has not made history; of mixes only those of the line
    /// that was picked, and none while mixes compete.
    pub fn newest(&self, song: SongId, kind: VersionKind) -> Option<&Version> {
        let of = self.songs.get(song)?;
        let line = if kind == VersionKind::Mix { of.line } else { None };
        if kind == VersionKind::Mix && self.open_shootout(song).is_some() {
            return None;
        }
        let skip = if kind == VersionKind::Master { of.versions_before_return } else { 0 };
        let ids = of.versions.get(skip..).unwrap_or_default();
        let counts = |version: &&Version| version.kind == kind && version.line == line;
        let forward = of.forward.filter(|id| ids.contains(id)).and_then(|id| self.versions.get(id));
        forward
            .filter(counts)
            .or_else(|| ids.iter().rev().filter_map(|id| self.versions.get(*id)).find(counts))
    }

    /// The newest mix of a line.
    pub fn newest_of_line(&self, song: SongId, line: crate::Line) -> Option<&Version> {
        self.versions_of(song).rev().find(|version| version.line == Some(line))
    }

    /// Another stands in its place. While mixes compete, each line has its newest.
    pub fn is_superseded(&self, version: &Version) -> bool {
        let now = match (version.line, self.open_shootout(version.song)) {
            (Some(line), Some(open)) if open.lines.iter().any(|(of, _)| *of == line) => {
                self.newest_of_line(version.song, line)
            }
            _ => self.newest(version.song, version.kind),
        };
        now.is_none_or(|newest| newest.id != version.id)
    }

    /// Newest first, outdated ones and holds included.
    pub fn approvals_of(&self, song: SongId) -> impl Iterator<Item = (&Approval, ApprovalState)> {
        let ids = self.songs.get(song).map_or(&[][..], |song| &song.approvals);
        ids.iter()
            .rev()
            .filter_map(|id| self.approvals.get(*id))
            .map(|approval| (approval, crate::approval::state(self, approval)))
    }

    /// Oldest first, replies included.
    pub fn notes_of(&self, song: SongId) -> impl DoubleEndedIterator<Item = &Note> {
        let ids = self.songs.get(song).map_or(&[][..], |song| &song.notes);
        ids.iter().filter_map(|id| self.notes.get(*id))
    }

    /// Notes (not replies) in state open that ask something of the song: not those on mixes that compete or were not picked, and not those of guests, who are
    /// heard and hold nothing up. Internal ones are in it: filter with `audience::reads_note` before it is shown.
    pub fn open_notes(&self, song: SongId) -> impl Iterator<Item = &Note> {
        let open = |note: &&Note| {
            note.parent.is_none() && note.state == NoteState::Open && note.role != Role::Listener
        };
        let in_play =
            |note: &&Note| self.versions.get(note.version).is_none_or(|version| self.is_in_play(version));
        self.notes_of(song).filter(open).filter(in_play)
    }

    /// Oldest first.
    pub fn requests_of(&self, song: SongId) -> impl DoubleEndedIterator<Item = &RevisionRequest> {
        let ids = self.songs.get(song).map_or(&[][..], |song| &song.requests);
        ids.iter().filter_map(|id| self.requests.get(*id))
    }

    /// Rounds that counted, each once however many requests are part of it.
    pub fn rounds_used(&self, song: SongId) -> u32 {
        let counted = self.requests_of(song).filter(|request| !request.free);
        let rounds: BTreeSet<u32> = counted.map(|request| request.round).collect();
        u32::try_from(rounds.len()).unwrap_or(u32::MAX)
    }

    pub fn corrections_used(&self, song: SongId) -> u32 {
        let corrections = self.requests_of(song).filter(|request| request.kind == RevisionKind::Correction);
        u32::try_from(corrections.count()).unwrap_or(u32::MAX)
    }

    /// Oldest first.
    pub fn renders_of(&self, song: SongId) -> impl DoubleEndedIterator<Item = &Render> {
        let ids = self.songs.get(song).map_or(&[][..], |song| &song.renders);
        ids.iter().filter_map(|id| self.renders.get(*id))
    }

    /// Oldest first.
    pub fn deliveries_of(&self, song: SongId) -> impl DoubleEndedIterator<Item = &Delivery> {
        let ids = self.songs.get(song).map_or(&[][..], |song| &song.deliveries);
        ids.iter().filter_map(|id| self.deliveries.get(*id))
    }

    /// Whose work a version is, where self-approval is asked: who uploaded it, or who started the render that made it. Nobody's, where the gate
    /// started the render.
    pub fn maker(&self, version: &Version) -> Option<PersonId> {
        version.by.or_else(|| {
            version.render.and_then(|render| self.renders.get(render)).and_then(|render| render.by)
        })
    }

    /// Work for the render worker: queued renders, oldest first.
    pub fn queued_renders(&self) -> Vec<&Render> {
        let mut queued: Vec<_> =
            self.renders.values().filter(|render| render.state == crate::RenderState::Queued).collect();
        queued.sort_by_key(|render| (render.queued_at, render.id));
        queued
    }

    /// The song's title in quotes for a sentence.
    pub fn song_name(&self, song: SongId) -> String {
        self.songs.get(song).map_or_else(|| "a song".to_owned(), |song| format!("\"{}\"", song.title))
    }

    /// "Mix 2", or "a version" where it is not known.
    pub fn version_name(&self, version: VersionId) -> String {
        self.versions.get(version).map_or_else(|| "a version".to_owned(), Version::name)
    }
}
