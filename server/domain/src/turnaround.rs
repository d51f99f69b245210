//! Turnaround: how long each song stood in each stage, how many rounds it took, and on whom it waited, from the facts alone. Never here: a clock; `now` is given.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Event, Fact, Line, Project, SongId, Stage, Time, VersionKind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SongTurnaround {
    pub song: SongId,
    pub title: String,
    /// In the order in which the song came to them; a stage that it came back to stands there again.
    pub stages: Vec<StageTime>,
    /// Of revision that counted, each once however many asked.
    pub rounds: u32,
    pub rounds_beyond_terms: u32,
    pub versions: u32,
    /// From mastering, swaps of the mix included.
    pub returns: u32,
    /// A first version, a revision or a mending was awaited.
    pub waited_for_engineers_ms: i64,
    /// The rest, until the song was delivered.
    pub waited_for_reviewers_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StageTime {
    pub stage: Stage,
    pub from: Time,
    /// `None`: it stands there.
    pub until: Option<Time>,
}

/// In the running order. While mixes compete nothing is told of them, to nobody: no count of versions, and the time since then is the engineers'.
///
/// On whom a song waits: on the engineers from its beginning, from each stage that it enters, from each revision request, return and swap; on the reviewers
/// from each version of its stage (in a shootout, when every line has one, or one is picked) and from what is put forward. Delivered, on nobody.
pub fn turnaround<'e>(
    events: impl IntoIterator<Item = &'e Event>,
    project: &Project,
    now: Time,
) -> Vec<SongTurnaround> {
    let mut walks: BTreeMap<SongId, Walk> = BTreeMap::new();
    // What is put forward names its version alone.
    let mut songs = BTreeMap::new();
    for event in events {
        if let Fact::SongAdded { song, .. } = &event.fact {
            walks.entry(*song).or_insert_with(|| Walk::begin(event.at));
        }
        if let Fact::VersionAdded { version, song, .. } = &event.fact {
            songs.entry(*version).or_insert(*song);
        }
        let song = match &event.fact {
            Fact::PutForward { version, .. } => songs.get(version).copied(),
            fact => song_of(fact),
        };
        if let Some(walk) = song.and_then(|song| walks.get_mut(&song)) {
            walk.take(event);
        }
    }
    let told = |song: &crate::Song| Some(walks.get(&song.id)?.told(song.id, &song.title, now));
    project.songs_in_order().filter_map(told).collect()
}

fn song_of(fact: &Fact) -> Option<SongId> {
    match fact {
        Fact::VersionAdded { song, .. }
        | Fact::RevisionRequested { song, .. }
        | Fact::StageLeft { song, .. }
        | Fact::HandoffReturned { song, .. }
        | Fact::MixSwapped { song, .. }
        | Fact::ShootoutOpened { song, .. }
        | Fact::MixPicked { song, .. } => Some(*song),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Engineers,
    Reviewers,
    Nobody,
}

/// What is counted up while time passes.
#[derive(Clone, Copy, Default)]
struct Waited {
    engineers_ms: i64,
    reviewers_ms: i64,
    versions: u32,
}

/// Mixes that compete: since when, what had been counted until then, and the lines that still have none.
struct Competing {
    since: Time,
    before: Waited,
    lacking: usize,
    seen: BTreeSet<Line>,
}

struct Walk {
    stages: Vec<StageTime>,
    /// That counted, each once however many requests are part of it.
    rounds: BTreeSet<u32>,
    beyond: u32,
    returns: u32,
    waited: Waited,
    on: On,
    since: Time,
    competing: Option<Competing>,
}

impl Walk {
    fn begin(at: Time) -> Walk {
        Walk {
            stages: vec![StageTime { stage: Stage::Recording, from: at, until: None }],
            rounds: BTreeSet::new(),
            beyond: 0,
            returns: 0,
            waited: Waited::default(),
            on: On::Engineers,
            since: at,
            competing: None,
        }
    }

    fn stage(&self) -> Option<Stage> {
        self.stages.last().map(|last| last.stage)
    }

    fn take(&mut self, event: &Event) {
        let at = event.at;
        match &event.fact {
            Fact::VersionAdded { kind, line, .. } => {
                self.waited.versions = self.waited.versions.saturating_add(1);
                if self.stage().and_then(Stage::kind) == Some(*kind) && self.all_are_in(*kind, *line) {
                    self.wait_on(On::Reviewers, at);
                }
            }
            Fact::PutForward { .. } => self.wait_on(On::Reviewers, at),
            Fact::RevisionRequested { round, free, beyond_terms, .. } => {
                if !*free {
                    self.rounds.insert(*round);
                }
                self.beyond = self.beyond.saturating_add(u32::from(*beyond_terms));
                self.wait_on(On::Engineers, at);
            }
            Fact::StageLeft { to, .. } => {
                self.enter(*to, at);
                self.wait_on(if *to == Stage::Delivered { On::Nobody } else { On::Engineers }, at);
            }
            Fact::HandoffReturned { .. } | Fact::MixSwapped { .. } => {
                self.returns = self.returns.saturating_add(1);
                self.enter(Stage::Mixing, at);
                self.wait_on(On::Engineers, at);
            }
            Fact::ShootoutOpened { entrants, .. } => {
                self.wait_on(On::Engineers, at);
                let (lacking, seen) = (entrants.len(), BTreeSet::new());
                // A shootout that was deserted is followed by the next; nothing of either is told yet.
                let before = self.competing.as_ref().map_or(self.waited, |open| open.before);
                let since = self.competing.as_ref().map_or(at, |open| open.since);
                self.competing = Some(Competing { since, before, lacking, seen });
            }
            Fact::MixPicked { .. } => {
                self.competing = None;
                self.wait_on(On::Reviewers, at);
            }
            _ => {}
        }
    }

    /// Every line has a mix, where mixes compete.
    fn all_are_in(&mut self, kind: VersionKind, line: Option<Line>) -> bool {
        match (&mut self.competing, line) {
            (Some(open), Some(line)) if kind == VersionKind::Mix => {
                open.seen.insert(line);
                open.seen.len() >= open.lacking
            }
            _ => true,
        }
    }

    fn enter(&mut self, stage: Stage, at: Time) {
        if let Some(last) = self.stages.last_mut() {
            last.until = Some(at);
        }
        self.stages.push(StageTime { stage, from: at, until: None });
    }

    fn wait_on(&mut self, on: On, at: Time) {
        self.waited = self.waited_until(at);
        self.on = on;
        self.since = at;
    }

    fn waited_until(&self, at: Time) -> Waited {
        let passed = at.0.saturating_sub(self.since.0).max(0);
        let mut waited = self.waited;
        match self.on {
            On::Engineers => waited.engineers_ms = waited.engineers_ms.saturating_add(passed),
            On::Reviewers => waited.reviewers_ms = waited.reviewers_ms.saturating_add(passed),
            On::Nobody => {}
        }
        waited
    }

    fn told(&self, song: SongId, title: &str, now: Time) -> SongTurnaround {
        let waited = match &self.competing {
            None => self.waited_until(now),
            Some(open) => {
                let passed = now.0.saturating_sub(open.since.0).max(0);
                Waited { engineers_ms: open.before.engineers_ms.saturating_add(passed), ..open.before }
            }
        };
        SongTurnaround {
            song,
            title: title.to_owned(),
            stages: self.stages.clone(),
            rounds: u32::try_from(self.rounds.len()).unwrap_or(u32::MAX),
            rounds_beyond_terms: self.beyond,
            versions: waited.versions,
            returns: self.returns,
            waited_for_engineers_ms: waited.engineers_ms,
            waited_for_reviewers_ms: waited.reviewers_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actor, Alternate, Command, NoteId, PersonId, Role, VersionId, decide, testing::*};

    const MAIN: Alternate = Alternate::Main;
    const SECOND: PersonId = PersonId(8);

    /// A project whose facts are kept, each told at its own time.
    struct Story {
        project: Project,
        events: Vec<Event>,
    }

    impl Story {
        /// The studio stands, and "Ember" was added at 1000.
        fn begin() -> Story {
            let given = Given::studio();
            let added = Fact::SongAdded { song: SONG, title: "Ember".to_owned(), isrc: String::new() };
            let added = Event { at: Time(1000), by: Some(OWNER), fact: added };
            Story { project: given.project, events: vec![added] }
        }

        fn at(mut self, at: i64, actor: Actor, command: Command) -> Story {
            let mut made = decide(&self.project, &actor, &command, Time(at)).expect("possible");
            self.project.apply_all(&made);
            self.events.append(&mut made);
            let due: Vec<VersionId> = self.project.unexamined().iter().map(|version| version.id).collect();
            for version in due {
                let examined = crate::Examined::default();
                let record = Command::RecordExamination { version, examined };
                let mut made = decide(&self.project, &Actor::Worker, &record, Time(at)).expect("due");
                self.project.apply_all(&made);
                self.events.append(&mut made);
            }
            self
        }

        fn approve(self, at: i64, who: PersonId, version: u128, role: Role) -> Story {
            let approve = Given { project: self.project.clone() }.approve(version, role);
            self.at(at, person(who), approve)
        }

        /// Take 1 at 2000, enough at 3000, Mix 1 at 5000.
        fn mixed() -> Story {
            Story::begin()
                .at(2000, person(ARTIST), add_version(1, VersionKind::Take, &[(MAIN, 19)]))
                .approve(3000, LABEL, 1, Role::Label)
                .at(5000, person(MIXER), add_version(10, VersionKind::Mix, &[(MAIN, 1)]))
        }

        fn told(&self, now: i64) -> SongTurnaround {
            turnaround(&self.events, &self.project, Time(now)).remove(0)
        }
    }

    fn ask(beyond_terms: bool) -> Command {
        Command::RequestRevision {
            request: crate::RequestId(u128::from(beyond_terms)),
            version: VersionId(10),
            role: Role::Artist,
            message: String::new(),
            notes: vec![NoteId(7)],
            kind: crate::RevisionKind::Change,
            beyond_terms,
        }
    }

    #[test]
    fn stages_rounds_and_who_was_waited_for() {
        let terms = Command::ChangeTerms {
            rounds_included: Some(0),
            self_approval: None,
            corrections_free: None,
            cut_off: None,
        };
        let mut joining = ask(false);
        if let Command::RequestRevision { notes, .. } = &mut joining {
            *notes = vec![NoteId(8)];
        }
        let story = Story::mixed()
            .at(5500, person(OWNER), terms)
            .at(6000, person(ARTIST), add_note(7, 10, false))
            .at(6000, person(ARTIST), add_note(8, 10, false))
            .at(7000, person(ARTIST), ask(true))
            .at(7000, person(ARTIST), joining)
            .at(10_000, person(MIXER), add_version(11, VersionKind::Mix, &[(MAIN, 2)]))
            .at(10_500, person(MIXER), Command::AddressNote { note: NoteId(7), version: VersionId(11) })
            .at(10_500, person(MIXER), Command::AddressNote { note: NoteId(8), version: VersionId(11) })
            .approve(11_000, ARTIST, 11, Role::Artist)
            .approve(12_000, LABEL, 11, Role::Label);
        let told = story.told(20_000);
        let stage =
            |stage, from, until: Option<i64>| StageTime { stage, from: Time(from), until: until.map(Time) };
        assert_eq!(
            told.stages,
            [
                stage(Stage::Recording, 1000, Some(3000)),
                stage(Stage::Mixing, 3000, Some(12_000)),
                stage(Stage::Mastering, 12_000, None),
            ]
        );
        assert_eq!((told.rounds, told.rounds_beyond_terms, told.versions, told.returns), (1, 1, 3, 0));
        // Take 1000, first mix 2000, revision 3000, the master so far 8000; the rest lay with the others.
        assert_eq!(told.waited_for_engineers_ms, 1000 + 2000 + 3000 + 8000);
        assert_eq!(told.waited_for_reviewers_ms, 1000 + 2000 + 2000);
        assert_eq!(told.waited_for_engineers_ms + told.waited_for_reviewers_ms, 20_000 - 1000);
        // A return is a stage that stands there again; a swap counts as one.
        let back = Command::ReturnHandoff { song: SONG, reason: "It clips.".to_owned(), items: Vec::new() };
        let swap = Command::SwapMix { song: SONG, reason: "Wrong take.".to_owned() };
        let story = story
            .at(13_000, person(MASTERER), back)
            .at(14_000, person(MIXER), add_version(12, VersionKind::Mix, &[(MAIN, 3)]))
            .approve(15_000, ARTIST, 12, Role::Artist)
            .approve(15_000, LABEL, 12, Role::Label)
            .at(16_000, person(LABEL), swap);
        let told = story.told(16_000);
        let stages: Vec<Stage> = told.stages.iter().map(|one| one.stage).collect();
        assert_eq!(stages[3..], [Stage::Mixing, Stage::Mastering, Stage::Mixing]);
        assert_eq!(told.returns, 2);
    }

    #[test]
    fn a_delivered_song_waits_for_nobody() {
        let story = Story::mixed()
            .approve(6000, ARTIST, 10, Role::Artist)
            .approve(6000, LABEL, 10, Role::Label)
            .at(7000, person(MASTERER), add_version(20, VersionKind::Master, &[(MAIN, 4)]))
            .approve(8000, ARTIST, 20, Role::Artist)
            .approve(9000, LABEL, 20, Role::Label);
        let (soon, late) = (story.told(9000), story.told(900_000));
        assert_eq!(soon, late);
        assert_eq!(late.stages.last().map(|last| (last.stage, last.until)), Some((Stage::Delivered, None)));
        assert_eq!((late.waited_for_engineers_ms, late.waited_for_reviewers_ms), (4000, 4000));
    }

    #[test]
    fn while_mixes_compete_nothing_is_told_of_them() {
        let roles = crate::Roles::from([Role::MixEngineer]);
        let entrants = vec![MIXER, SECOND];
        let shootout = crate::ShootoutId(1);
        let story = Story::mixed().at(5000, person(OWNER), Command::AddMember { person: SECOND, roles }).at(
            6000,
            person(OWNER),
            Command::OpenShootout { shootout, song: SONG, entrants, blind: true },
        );
        let before = story.told(10_000);
        let story = story.at(7000, person(MIXER), add_version(11, VersionKind::Mix, &[(MAIN, 3)])).at(
            8000,
            person(SECOND),
            add_version(12, VersionKind::Mix, &[(MAIN, 4)]),
        );
        assert_eq!(story.told(10_000), before);
        let fingerprint = story.project.versions.get(VersionId(12)).unwrap().fingerprint;
        let (version, role, reason) = (VersionId(12), Role::Label, String::new());
        let pick = Command::PickMix { song: SONG, version, role, fingerprint, reason };
        let told = story.at(9000, person(LABEL), pick).told(10_000);
        assert_eq!(told.versions, 4);
        // Since 6000: until both were in the engineers', then the others'.
        assert_eq!(told.waited_for_engineers_ms, 1000 + 2000 + 2000);
        assert_eq!(told.waited_for_reviewers_ms, 1000 + 1000 + 2000);
    }
}
