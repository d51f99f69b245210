//! Given facts, when a command, then facts or a refusal: the shape of every test beside a rule, and a small studio to stand in.
//! Compiled for tests only; it makes facts through the rules themselves, so that no test starts from what cannot happen.

use crate::*;

pub const OWNER: PersonId = PersonId(1);
pub const ARTIST: PersonId = PersonId(2);
pub const MIXER: PersonId = PersonId(3);
pub const MASTERER: PersonId = PersonId(4);
pub const LABEL: PersonId = PersonId(5);
pub const LISTENER: PersonId = PersonId(6);
pub const STRANGER: PersonId = PersonId(7);
pub const SONG: SongId = SongId(100);
pub const PROJECT: ProjectId = ProjectId(0x77);

pub fn person(id: PersonId) -> Actor {
    Actor::Person { id, studio_owner: id == OWNER }
}

/// 100 s of clean 48k/24.
pub fn clean_facts() -> AudioFacts {
    AudioFacts {
        container: "wav".to_owned(),
        codec: "pcm".to_owned(),
        sample_rate_hz: 48_000,
        channels: 2,
        bits: 24,
        float: false,
        frames: 4_800_000,
        bytes: 28_800_044,
        integrated_lufs: -18.0,
        loudness_range_lu: 6.0,
        max_momentary_lufs: -12.0,
        max_short_term_lufs: -14.0,
        true_peak_dbtp: -4.0,
        sample_peak_dbfs: -4.2,
        dc_offset: 0.0,
        correlation: 0.7,
        head_silence_s: 1.0,
        tail_silence_s: 2.0,
        clipped_samples: 0,
        remarks: Vec::new(),
    }
}

pub fn digest(number: u8) -> Digest {
    Digest([number; 32])
}

pub fn received(number: u8, facts: AudioFacts) -> ReceivedFile {
    ReceivedFile { digest: digest(number), name: format!("file-{number}.wav"), facts }
}

pub fn file(alternate: Alternate, number: u8) -> File {
    File { alternate, digest: digest(number), name: format!("file-{number}.wav"), facts: clean_facts() }
}

pub fn add_version(id: u128, kind: VersionKind, files: &[(Alternate, u8)]) -> Command {
    let file = |(alternate, number): &(Alternate, u8)| NewFile {
        alternate: *alternate,
        digest: digest(*number),
        name: format!("file-{number}.wav"),
    };
    Command::AddVersion {
        version: VersionId(id),
        song: SONG,
        kind,
        title: String::new(),
        changelog: String::new(),
        files: files.iter().map(file).collect(),
    }
}

pub fn add_note(id: u128, version: u128, internal: bool) -> Command {
    Command::AddNote {
        note: NoteId(id),
        version: VersionId(version),
        alternate: None,
        parent: None,
        span: Some(Span { start_ms: 1000, end_ms: None }),
        text: "The bridge is too loud.".to_owned(),
        internal,
        addressee: None,
        checklist: vec!["level".to_owned()],
    }
}

pub fn set_terms(self_approval: bool) -> Command {
    Command::ChangeTerms {
        rounds_included: None,
        self_approval: Some(self_approval),
        corrections_free: None,
        cut_off: None,
    }
}

pub fn lease(render: RenderId) -> Command {
    let recipe = Recipe { toml: "name = \"default\"\n".to_owned(), hash: digest(9) };
    Command::LeaseRender { render, engine: "dsp 1".to_owned(), recipe }
}

pub fn complete(render: RenderId, attempt: u32, version: u128, number: u8) -> Command {
    Command::CompleteRender {
        render,
        attempt,
        version: VersionId(version),
        files: vec![file(Alternate::Main, number)],
        report_json: "{}".to_owned(),
        sheet: None,
    }
}

/// A project on its way.
#[derive(Clone)]
pub struct Given {
    pub project: Project,
}

pub fn nothing() -> Given {
    Given { project: Project::named(PROJECT) }
}

impl Given {
    /// One of each role, a song, and files 1 to 19 received.
    pub fn studio() -> Given {
        let create = Command::CreateProject { title: "Dust".to_owned(), artist: "Lena".to_owned() };
        let mut given = nothing().and(person(OWNER), create);
        for (id, role) in [
            (ARTIST, Role::Artist),
            (MIXER, Role::MixEngineer),
            (MASTERER, Role::MasteringEngineer),
            (LABEL, Role::Label),
            (LISTENER, Role::Listener),
        ] {
            given = given.and(person(OWNER), Command::AddMember { person: id, roles: Roles::from([role]) });
        }
        let add = Command::AddSong { song: SONG, title: "Ember".to_owned(), isrc: String::new() };
        given = given.and(person(OWNER), add);
        for number in 1..20 {
            let file = received(number, clean_facts());
            given = given.and(person(MIXER), Command::ReceiveFile { file });
        }
        given
    }

    /// Mix 1 (version 10, files 1 and 2) by the mix engineer waits for its approvals.
    pub fn mixed() -> Given {
        Given::studio()
            .and(person(ARTIST), add_version(1, VersionKind::Take, &[(Alternate::Main, 19)]))
            .approved(LABEL, 1, Role::Label)
            .and(
                person(MIXER),
                add_version(10, VersionKind::Mix, &[(Alternate::Main, 1), (Alternate::Instrumental, 2)]),
            )
    }

    /// Mix 1 is signed and handed over; its render is queued.
    pub fn mastering() -> Given {
        Given::mixed().approved(ARTIST, 10, Role::Artist).approved(LABEL, 10, Role::Label)
    }

    /// Master 1 (version 20) was rendered.
    pub fn mastered() -> Given {
        let given = Given::mastering();
        let render = given.project.queued_renders()[0].id;
        given.and(Actor::Worker, lease(render)).and(Actor::Worker, complete(render, 1, 20, 50))
    }

    pub fn delivered() -> Given {
        Given::mastered().approved(ARTIST, 20, Role::Artist).approved(LABEL, 20, Role::Label)
    }

    /// One more command that must succeed.
    pub fn and(mut self, actor: Actor, command: Command) -> Given {
        let events = decide(&self.project, &actor, &command, Time(1000)).expect("the story must be possible");
        self.project.apply_all(&events);
        self.examined()
    }

    /// The same before the house has looked at anything new.
    pub fn and_unexamined(mut self, actor: Actor, command: &Command) -> Given {
        let events = decide(&self.project, &actor, command, Time(1000)).expect("the story must be possible");
        self.project.apply_all(&events);
        self
    }

    /// The house has looked at every version and found nothing.
    fn examined(mut self) -> Given {
        let due: Vec<VersionId> = self.project.unexamined().iter().map(|version| version.id).collect();
        for version in due {
            let command = Command::RecordExamination { version, examined: Examined::default() };
            let events = decide(&self.project, &Actor::Worker, &command, Time(1000)).expect("it is due");
            self.project.apply_all(&events);
        }
        self
    }

    pub fn approved(self, who: PersonId, version: u128, role: Role) -> Given {
        let command = self.approve(version, role);
        self.and(person(who), command)
    }

    pub fn approve(&self, version: u128, role: Role) -> Command {
        let fingerprint = self.project.versions.get(VersionId(version)).map(|version| version.fingerprint);
        Command::Approve {
            // Unique for the story, and the same at each run of it.
            approval: ApprovalId(1000 + self.project.approvals.len() as u128),
            version: VersionId(version),
            role,
            fingerprint: fingerprint.unwrap_or(digest(0)),
        }
    }

    pub fn when(&self, actor: Actor, command: Command) -> Then {
        Then(decide(&self.project, &actor, &command, Time(2000)))
    }

    pub fn stage(&self) -> Stage {
        self.project.songs.get(SONG).map(|song| song.stage).expect("the song is there")
    }
}

#[derive(Debug)]
pub struct Then(pub Result<Vec<Event>, Refusal>);

impl Then {
    #[track_caller]
    pub fn facts(self, codes: &[&str]) -> Vec<Event> {
        let events = self.0.expect("it must be allowed");
        let made: Vec<_> = events.iter().map(|event| sentence::code(&event.fact)).collect();
        assert_eq!(made, codes);
        events
    }

    #[track_caller]
    pub fn refused(self, reason: Reason) {
        let refusal = self.0.expect_err("it must be refused");
        assert_eq!(refusal.reason, reason, "{refusal}");
        assert!(refusal.text.ends_with('.'), "a sentence: {refusal}");
    }
}
