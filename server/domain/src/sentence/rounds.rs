//! Sentences of rounds and handoffs, of mixes that compete, and of what people hear about. Reasons for what is undone stand in them; messages never.

use super::{Said, Say};
use crate::{
    Approval, Ended, Fact, FollowLevel, Line, PersonId, RevisionKind, SongId, VersionId, handoff,
    text::{list as and, plural},
};

impl Say<'_> {
    pub(super) fn round_text(&self, fact: &Fact) -> Said {
        let (who, project) = (&self.who, self.project);
        match fact {
            Fact::RevisionRequested { song, version, role, notes, .. } => {
                let (count, name) = (plural(notes.len(), "note"), project.version_name(*version));
                let terms = self.in_the_terms(fact);
                let text = format!("{who} requested a revision of {name} as {role}: {count}, {terms}.");
                (Some(*song), text)
            }
            Fact::HandoffReturned { song, reason, items } => {
                let files = match items.len() {
                    0 => String::new(),
                    many => format!(" with {} to mend", plural(many, "thing")),
                };
                let (title, spent) = (project.song_name(*song), self.spent(*song));
                let why = handoff::reasons(reason, items);
                let text =
                    format!("{who} returned the handoff{files}; {title} is back in mixing{spent}: {why}");
                (Some(*song), text)
            }
            Fact::MixSwapped { song, reason } => {
                let (title, spent) = (project.song_name(*song), self.spent(*song));
                let why = handoff::reasons(reason, &[]);
                let text = format!(
                    "{who} swapped the mix after mastering began; {title} is back in mixing{spent}, and mastering starts again: {why}"
                );
                (Some(*song), text)
            }
            Fact::PackageMade { song, version, bytes, .. } => {
                let name = project.version_name(*version);
                let size = bytes.div_ceil(1_000_000);
                (Some(*song), format!("The handoff of {name} was packaged: one file, {size} MB."))
            }
            Fact::PutForward { version, reason } => {
                let song = project.versions.get(*version).map(|version| version.song);
                let name = project.version_name(*version);
                let text = match self.by {
                    None => {
                        format!("{name} stays what the gate looks at; the render's master stands beside it.")
                    }
                    Some(_) => {
                        let why = if reason.is_empty() {
                            ".".to_owned()
                        } else {
                            format!(": {}", handoff::reasons(reason, &[]))
                        };
                        format!(
                            "{who} put {name} forward again; its approvals count where they were not ended{why}"
                        )
                    }
                };
                (song, text)
            }
            _ => (None, String::new()),
        }
    }

    /// "round 2", "correction, free", "round 3 of 2 included: beyond the terms, billed". What was included is told as it is now.
    fn in_the_terms(&self, fact: &Fact) -> String {
        let Fact::RevisionRequested { round, kind, free, beyond_terms, .. } = fact else {
            return String::new();
        };
        if *free {
            return "correction, free".to_owned();
        }
        let of = if *kind == RevisionKind::Correction { "correction, " } else { "" };
        let included = self.project.terms.rounds_included;
        match (*beyond_terms, *round > included) {
            (false, _) => format!("{of}round {round}"),
            (true, true) => format!("{of}round {round} of {included} included: beyond the terms, billed"),
            (true, false) => format!("{of}round {round}: beyond the terms, billed"),
        }
    }

    /// ", 3 approvals are spent": those that ended with this return.
    fn spent(&self, song: SongId) -> String {
        let ended = |approval: &Approval| approval.ended == Some(Ended::Returned(self.at));
        match self.project.approvals_of(song).filter(|(approval, _)| ended(approval)).count() {
            0 => String::new(),
            1 => ", 1 approval is spent".to_owned(),
            many => format!(", {many} approvals are spent"),
        }
    }

    pub(super) fn shootout_text(&self, fact: &Fact) -> Said {
        let (who, project) = (&self.who, self.project);
        match fact {
            Fact::ShootoutOpened { shootout, song, entrants, blind } => {
                let title = project.song_name(*song);
                let count = plural(entrants.len(), "mix engineer");
                let known = project.songs.get(*song).map_or(&[][..], |song| &song.shootouts);
                let known = known.iter().find(|known| known.id == *shootout);
                let named = known.filter(|known| known.picked.is_some() || !blind).map(|known| {
                    let line = |(line, person): &(Line, PersonId)| {
                        format!("{}: {}", line.letter(), (self.names)(*person))
                    };
                    known.lines.iter().map(line).collect::<Vec<_>>().join(", ")
                });
                let how = if *blind { ", blind" } else { "" };
                let lines = named.map_or_else(String::new, |lines| format!(" ({lines})"));
                (Some(*song), format!("{who} opened a shootout for {title}: {count} compete{how}{lines}."))
            }
            Fact::VoteCast { song, role, ranking, blind, matched_lufs, .. } => {
                let names: Vec<String> =
                    ranking.iter().map(|version| project.version_name(*version)).collect();
                let blind = if *blind { ", compared blind" } else { "" };
                let level = match *matched_lufs {
                    0.0 => String::new(),
                    lufs => format!(", matched at {lufs:.1} LUFS"),
                };
                let text = format!("{who} voted as {role}: {}{blind}{level}.", names.join(" before "));
                (Some(*song), text)
            }
            Fact::MixPicked { song, version, role, .. } => {
                let name = project.version_name(*version);
                let thanks = self.thanks(*song, *version);
                (Some(*song), format!("{who} picked {name} as {role}{thanks}."))
            }
            _ => (None, String::new()),
        }
    }

    /// "; Mix A 1 is kept and closed, with thanks to Jo Mixer". After the pick everybody may know whose it was.
    fn thanks(&self, song: SongId, picked: VersionId) -> String {
        let project = self.project;
        let line = project.versions.get(picked).and_then(|version| version.line);
        let Some(shootout) = line.and_then(|line| project.shootout_of(song, line)) else {
            return String::new();
        };
        let others = project.newest_of_lines(shootout).into_iter().filter(|version| version.line != line);
        let (names, engineers): (Vec<String>, Vec<String>) = others
            .filter_map(|version| Some((version, shootout.engineer_of(version.line?)?)))
            .map(|(version, engineer)| (version.name(), (self.names)(engineer)))
            .unzip();
        match names.len() {
            0 => String::new(),
            1 => format!("; {} is kept and closed, with thanks to {}", and(&names), and(&engineers)),
            _ => format!("; {} are kept and closed, with thanks to {}", and(&names), and(&engineers)),
        }
    }

    pub(super) fn notice_text(&self, fact: &Fact) -> Said {
        let who = &self.who;
        match fact {
            Fact::Followed { song, level } => {
                let of = song.map_or_else(|| "the project".to_owned(), |song| self.project.song_name(song));
                let text = match level {
                    FollowLevel::Waiting => format!("{who} hears of {of} what waits on them."),
                    FollowLevel::All => format!("{who} follows {of}: everything that happens."),
                    FollowLevel::Muted => format!("{who} muted {of}."),
                };
                (*song, text)
            }
            Fact::WebhookSet { codes, .. } if codes.is_empty() => {
                (None, format!("{who} set a webhook for everything that happens."))
            }
            Fact::WebhookSet { codes, .. } => {
                (None, format!("{who} set a webhook for some of what happens: {}.", codes.join(", ")))
            }
            Fact::WebhookRemoved { .. } => (None, format!("{who} removed a webhook.")),
            _ => (None, String::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Actor, Alternate, Command, Event, NoteId, PersonId, Project, RequestId, ReturnItem, RevisionKind,
        Role, Roles, ShootoutId, Time, VersionId, VersionKind, decide, sentence, testing::*,
    };

    const SECOND: PersonId = PersonId(8);

    fn name(person: PersonId) -> String {
        match person {
            MIXER => "Jo Mixer".to_owned(),
            SECOND => "Ann Other".to_owned(),
            LABEL => "Lena Ruiz".to_owned(),
            other => format!("Person {}", other.0),
        }
    }

    /// What is said of a command when it is done: each fact by itself.
    fn said(given: &Given, actor: Actor, command: Command) -> (Vec<String>, Project) {
        let events: Vec<Event> = decide(&given.project, &actor, &command, Time(5000)).expect("possible");
        let mut after = given.project.clone();
        after.apply_all(&events);
        (events.iter().map(|event| sentence(&after, event, &name).text).collect(), after)
    }

    fn first(given: &Given, actor: Actor, command: Command) -> String {
        said(given, actor, command).0.remove(0)
    }

    #[test]
    fn a_request_says_where_it_stands_in_the_terms() {
        let terms = Command::ChangeTerms {
            rounds_included: Some(1),
            self_approval: None,
            corrections_free: Some(1),
            cut_off: None,
        };
        let ask = |id, kind| Command::RequestRevision {
            request: RequestId(id),
            version: VersionId(10),
            role: Role::Artist,
            message: String::new(),
            notes: vec![NoteId(7)],
            kind,
            beyond_terms: true,
        };
        let given = Given::mixed().and(person(OWNER), terms).and(person(ARTIST), add_note(7, 10, false));
        let lead = "Person 2 requested a revision of Mix 1 as artist: 1 note";
        let correction = ask(1, RevisionKind::Correction);
        assert_eq!(first(&given, person(ARTIST), correction.clone()), format!("{lead}, correction, free."));
        let given = given.and(person(ARTIST), correction).and(person(ARTIST), add_note(8, 10, false));
        let mut change = ask(2, RevisionKind::Change);
        if let Command::RequestRevision { notes, .. } = &mut change {
            *notes = vec![NoteId(8)];
        }
        assert_eq!(first(&given, person(ARTIST), change.clone()), format!("{lead}, round 1."));
        let given = given.and(person(ARTIST), change);
        let given = given.and(person(MIXER), add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)]));
        let again = |kind| {
            let mut command = ask(3, kind);
            if let Command::RequestRevision { version, .. } = &mut command {
                *version = VersionId(11);
            }
            first(&given, person(ARTIST), command)
        };
        let lead = "Person 2 requested a revision of Mix 2 as artist: 1 note";
        let billed = format!("{lead}, round 2 of 1 included: beyond the terms, billed.");
        assert_eq!(again(RevisionKind::Change), billed);
        let billed = format!("{lead}, correction, round 2 of 1 included: beyond the terms, billed.");
        assert_eq!(again(RevisionKind::Correction), billed);
    }

    #[test]
    fn what_went_back_says_what_it_cost() {
        let given = Given::mastering();
        let items = vec![ReturnItem { alternate: Some(Alternate::Main), reason: "Clips.".to_owned() }];
        let back = Command::ReturnHandoff { song: SONG, reason: "See the files.".to_owned(), items };
        assert_eq!(
            first(&given, person(MASTERER), back),
            "Person 4 returned the handoff with 1 thing to mend; \"Ember\" is back in mixing, 2 approvals are spent: \
             See the files; main: Clips."
        );
        let swap = Command::SwapMix { song: SONG, reason: "Wrong take.".to_owned() };
        assert_eq!(
            first(&given, person(MIXER), swap),
            "Jo Mixer swapped the mix after mastering began; \"Ember\" is back in mixing, 2 approvals are spent, \
             and mastering starts again: Wrong take."
        );
        let hold = Command::Hold {
            approval: crate::ApprovalId(5),
            song: SONG,
            role: Role::Label,
            reason: "Wrong\nlyrics".to_owned(),
        };
        assert_eq!(
            first(&given, person(LABEL), hold),
            "Lena Ruiz put \"Ember\" on hold as label: Wrong lyrics."
        );
        let name = "Ember.zip".to_owned();
        let version = VersionId(10);
        let pack = Command::RecordPackage { song: SONG, version, digest: digest(3), name, bytes: 2_500_000 };
        assert_eq!(first(&given, Actor::Worker, pack), "The handoff of Mix 1 was packaged: one file, 3 MB.");
    }

    #[test]
    fn a_master_that_stays_forward_is_told() {
        let given = Given::mastering();
        let render = given.project.queued_renders()[0].id;
        let own = add_version(21, VersionKind::Master, &[(Alternate::Main, 3)]);
        let given = given.and(Actor::Worker, lease(render)).and(person(MASTERER), own);
        let (texts, after) = said(&given, Actor::Worker, complete(render, 1, 20, 50));
        assert_eq!(texts[2], "Master 1 stays what the gate looks at; the render's master stands beside it.");
        let forward = Command::PutForward { version: VersionId(20), reason: "Better lows.".to_owned() };
        assert_eq!(
            first(&Given { project: after }, person(MASTERER), forward),
            "Person 4 put Master 2 forward again; its approvals count where they were not ended: Better lows."
        );
    }

    #[test]
    fn a_shootout_tells_names_when_they_may_be_known() {
        let roles = Roles::from([Role::MixEngineer]);
        let given = Given::mixed().and(person(OWNER), Command::AddMember { person: SECOND, roles });
        let open = |blind| Command::OpenShootout {
            shootout: ShootoutId(1),
            song: SONG,
            entrants: vec![MIXER, SECOND],
            blind,
        };
        let lead = "Person 1 opened a shootout for \"Ember\": 2 mix engineers compete";
        assert_eq!(first(&given, person(OWNER), open(false)), format!("{lead} (A: Jo Mixer, B: Ann Other)."));
        let (mut texts, after) = said(&given, person(OWNER), open(true));
        assert_eq!(texts.remove(0), format!("{lead}, blind."));
        let mix = |id, file| add_version(id, VersionKind::Mix, &[(Alternate::Main, file)]);
        let given = Given { project: after }.and(person(MIXER), mix(11, 3)).and(person(SECOND), mix(12, 4));
        let vote = Command::CastVote {
            song: SONG,
            role: Role::Artist,
            ranking: vec![VersionId(12), VersionId(11)],
            blind: true,
            matched_lufs: -16.0,
            reason: "Warmth.".to_owned(),
        };
        assert_eq!(
            first(&given, person(ARTIST), vote),
            "Person 2 voted as artist: Mix B 1 before Mix A 1, compared blind, matched at -16.0 LUFS."
        );
        let fingerprint = given.project.versions.get(VersionId(12)).unwrap().fingerprint;
        let (version, role, reason) = (VersionId(12), Role::Label, "It breathes.".to_owned());
        let pick = Command::PickMix { song: SONG, version, role, fingerprint, reason };
        let (texts, after) = said(&given, person(LABEL), pick);
        assert_eq!(
            texts[0],
            "Lena Ruiz picked Mix B 1 as label; Mix A 1 is kept and closed, with thanks to Jo Mixer."
        );
        // Told later, the opening has its names.
        let opened = Event {
            at: Time(1),
            by: Some(OWNER),
            fact: crate::Fact::ShootoutOpened {
                shootout: ShootoutId(1),
                song: SONG,
                entrants: vec![MIXER, SECOND],
                blind: true,
            },
        };
        assert!(sentence(&after, &opened, &name).text.ends_with("blind (A: Jo Mixer, B: Ann Other)."));
    }

    #[test]
    fn moved_notes_and_what_one_follows() {
        let next = add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)]);
        let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false)).and(person(MIXER), next);
        let span = crate::Span { start_ms: 61_500, end_ms: None };
        let moved = Command::MoveNote { note: NoteId(7), version: VersionId(11), span };
        assert_eq!(
            first(&given, person(MIXER), moved),
            "Jo Mixer put a note of the artist at 1:01.5 of Mix 2; where it was written stays."
        );
        let follow = |level| Command::Follow { song: Some(SONG), level };
        assert_eq!(
            first(&given, person(ARTIST), follow(crate::FollowLevel::Muted)),
            "Person 2 muted \"Ember\"."
        );
    }
}
