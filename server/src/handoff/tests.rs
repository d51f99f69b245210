//! What lies in a package, from stories that the rules themselves allow.

use deadwax_domain::*;

use super::{
    contents::Contents,
    story::{Found, Story},
};
use crate::handoff::names;

const SONG: SongId = SongId(100);
const MIX: VersionId = VersionId(20);
const OWNER: PersonId = PersonId(1);
const ARTIST: PersonId = PersonId(2);
const MIXER: PersonId = PersonId(3);
const MASTERER: PersonId = PersonId(4);
const LABEL: PersonId = PersonId(5);
const CANARY: &str = "CANARY";

/// A project on its way, with every event as the ledger would keep it.
struct Tale {
    project: Project,
    events: Vec<Event>,
    ids: u128,
}

impl Tale {
    /// Everybody is there, the take is signed, a mix with these alternates waits for its approvals.
    fn mixed(title: &str, alternates: &[Alternate]) -> Self {
        let mut tale = Self { project: Project::default(), events: Vec::new(), ids: 1000 };
        tale.does(OWNER, Command::CreateProject { title: "Night".into(), artist: "Ana Ruiz".into() });
        let roles = [
            (ARTIST, Role::Artist),
            (MIXER, Role::MixEngineer),
            (MASTERER, Role::MasteringEngineer),
            (LABEL, Role::Label),
        ];
        for (person, role) in roles {
            tale.does(OWNER, Command::AddMember { person, roles: [role].into() });
        }
        tale.does(
            ARTIST,
            Command::AddSong { song: SONG, title: title.into(), isrc: "GB-A1B-26-00001".into() },
        );
        let second = Command::AddSong { song: SongId(101), title: "Other".into(), isrc: String::new() };
        tale.does(ARTIST, second);
        let rule = GateRule::new(
            Stage::Mixing,
            vec![
                Need { any_of: [Role::Artist].into(), count: 1 },
                Need { any_of: [Role::Label].into(), count: 1 },
            ],
        );
        let rule = GateRule { preflight_ignored: true, ..rule };
        tale.does(OWNER, Command::SetGate { rule });
        tale.version(VersionId(10), VersionKind::Take, &[Alternate::Main]);
        tale.signs(ARTIST, Role::Artist, VersionId(10));
        tale.version(MIX, VersionKind::Mix, alternates);
        tale
    }

    fn does(&mut self, by: PersonId, command: Command) {
        let actor = Actor::Person { id: by, studio_owner: by == OWNER };
        let at = Time(1_795_000_000_000 + self.events.len() as i64 * 60_000);
        let events = decide(&self.project, &actor, &command, at).unwrap();
        self.project.apply_all(&events);
        self.events.extend(events);
    }

    fn version(&mut self, version: VersionId, kind: VersionKind, alternates: &[Alternate]) {
        let mut files = Vec::new();
        for (at, alternate) in alternates.iter().enumerate() {
            let mut digest = [0; 32];
            digest[..16].copy_from_slice(&(version.0 * 1000 + at as u128).to_be_bytes());
            let digest = Digest(digest);
            let file = ReceivedFile { digest, name: format!("{at}.wav"), facts: facts(*alternate) };
            self.does(MIXER, Command::ReceiveFile { file });
            files.push(NewFile { alternate: *alternate, digest, name: format!("bounce {at}.wav") });
        }
        let (title, changelog) = (String::new(), format!("What changed in {kind}."));
        self.does(MIXER, Command::AddVersion { version, song: SONG, kind, title, changelog, files });
    }

    fn signs(&mut self, by: PersonId, role: Role, version: VersionId) {
        self.ids += 1;
        let fingerprint = self.project.versions.get(version).unwrap().fingerprint;
        self.does(by, Command::Approve { approval: ApprovalId(self.ids), version, role, fingerprint });
    }

    fn note(
        &mut self,
        by: PersonId,
        text: &str,
        (start_ms, parent): (u64, Option<NoteId>),
        internal: bool,
    ) -> NoteId {
        self.ids += 1;
        let note = NoteId(self.ids);
        let span = parent.is_none().then_some(Span { start_ms, end_ms: Some(start_ms + 500) });
        let checklist = if parent.is_none() { vec![format!("{text}, an item")] } else { Vec::new() };
        let add = Command::AddNote {
            note,
            version: MIX,
            alternate: None,
            parent,
            span,
            text: text.into(),
            internal,
            addressee: None,
            checklist,
        };
        self.does(by, add);
        note
    }

    fn handed_over(mut self) -> Self {
        self.signs(ARTIST, Role::Artist, MIX);
        self.signs(LABEL, Role::Label, MIX);
        self
    }

    /// As the maker finds it: folded to the newest handoff.
    fn packed(&self) -> Contents {
        let mut found = Found::default();
        for (seq, event) in (1..).zip(&self.events) {
            found.hear(seq, event, SONG);
        }
        let mut then = Project::default();
        then.apply_all(&self.events[..usize::try_from(found.seq).unwrap()]);
        let names = |person: PersonId| format!("Person <{}>", person.0);
        Contents::of(&Story::new(ProjectId(7), &then, SONG, &found, &names).unwrap())
    }
}

fn facts(alternate: Alternate) -> AudioFacts {
    AudioFacts {
        container: "wav".into(),
        codec: "pcm".into(),
        sample_rate_hz: 48_000,
        channels: 2,
        bits: 24,
        float: false,
        frames: 48_000 * 92 + 24_000,
        bytes: 26_640_044,
        integrated_lufs: if alternate == Alternate::Limited { -9.0 } else { -18.2 },
        loudness_range_lu: 6.0,
        max_momentary_lufs: -12.0,
        max_short_term_lufs: -14.0,
        true_peak_dbtp: -4.0,
        sample_peak_dbfs: -2.2,
        dc_offset: 0.0,
        correlation: 0.7,
        head_silence_s: 1.0,
        tail_silence_s: 2.0,
        clipped_samples: 0,
        remarks: Vec::new(),
    }
}

fn paper(contents: &Contents, name: &str) -> String {
    let paper = contents.papers.iter().find(|paper| paper.name == name).unwrap();
    String::from_utf8(paper.bytes.clone()).unwrap()
}

/// Wrapped lines are one again.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_brief_tells_what_mastering_needs() {
    let mut tale = Tale::mixed("Nachtlied", &[Alternate::Main, Alternate::Instrumental, Alternate::Limited]);
    let recipe = deadwax_dsp::recipe::Recipe::default();
    let recipe = Recipe { toml: recipe.canonical_toml(), hash: Digest(recipe.hash()) };
    let set = Command::SetRecipe { song: None, recipe: Some(recipe), why: "as always".into() };
    tale.does(MASTERER, set);
    let late = tale.note(ARTIST, "The end fades too early.", (80_000, None), false);
    tale.note(ARTIST, "The snare is loud.", (1_500, None), false);
    tale.note(MIXER, "It is what you asked for.", (0, Some(late)), false);
    let contents = tale.handed_over().packed();
    assert_eq!(contents.name, "AnaRuiz_Nachtlied_Mix1_Handoff1");
    let text = words(&paper(&contents, "brief.txt"));
    for told in [
        "Nachtlied by Ana Ruiz",
        "GBA1B2600001",
        "1 of 2",
        "Mix 1, mixed by Person <3>",
        "AnaRuiz_Nachtlied_Main_v01_48k24b.wav main 1:32.5 48000 24 -18.2",
        "AnaRuiz_Nachtlied_Limited_v01_48k24b.wav is the loud reference that people listened to (-9.0 LUFS",
        "Person <2> as artist: 2026-11-18",
        "1 of label: Person <5>",
        "-14",
        "-1 dBTP",
        "recipe.toml",
        "warning, LITTLE_HEADROOM, main",
        "0:01.5 to 0:02.0, Person <2> as artist",
        "The snare is loud.",
        "[ ]: The snare is loud., an item",
        "Person <3> as mix engineer, 2026-11-18",
        "What changed in Mix.",
        "Rounds: 0 used, 2 included.",
        "Nachtlied (this song)",
        "no date is set",
    ] {
        assert!(text.contains(told), "{told:?} is not in {text}");
    }
    assert!(
        text.find("The snare").unwrap() < text.find("The end fades").unwrap(),
        "in the order of the song"
    );
    let html = paper(&contents, "brief.html");
    assert!(html.contains("Person &lt;2&gt; as artist") && !html.contains("Person <"));
    assert!(paper(&contents, "recipe.toml").contains("ceiling_dbtp"));
}

#[test]
fn v1_notes_among_engineers_are_not_in_it() {
    let mut tale = Tale::mixed("Nachtlied", &[Alternate::Main]);
    let inner = tale.note(MIXER, &format!("{CANARY} of the workshop"), (1_000, None), true);
    tale.note(MASTERER, &format!("{CANARY} in a thread"), (0, Some(inner)), false);
    tale.does(MIXER, Command::DeclineNote { note: inner, reason: format!("{CANARY} of a decline") });
    tale.note(MIXER, &format!("{CANARY} that is open"), (2_000, None), true);
    tale.note(MIXER, "for everyone", (3_000, None), false);
    let contents = tale.handed_over().packed();
    for paper in &contents.papers {
        assert!(!String::from_utf8_lossy(&paper.bytes).contains(CANARY), "{}", paper.name);
    }
    assert!(paper(&contents, "brief.txt").contains("for everyone"));
    assert!(
        words(&paper(&contents, "brief.txt"))
            .contains("Producers, mix and mastering engineers find them in the studio")
    );
}

#[test]
fn what_happens_after_the_handoff_changes_no_byte_of_it() {
    let mut tale = Tale::mixed("Nachtlied", &[Alternate::Main]).handed_over();
    let papers = |contents: &Contents| contents.papers.iter().map(|it| it.bytes.clone()).collect::<Vec<_>>();
    let before = tale.packed();
    tale.note(ARTIST, "later", (1_000, None), false);
    tale.does(ARTIST, Command::EditSong { song: SONG, title: Some("Renamed".into()), isrc: None });
    tale.does(MASTERER, Command::AcceptHandoff { song: SONG });
    let after = tale.packed();
    assert_eq!((before.name.as_str(), papers(&before)), (after.name.as_str(), papers(&after)));
}

#[test]
fn the_next_handoff_tells_why_the_last_one_came_back() {
    let mut tale = Tale::mixed("Nachtlied", &[Alternate::Main, Alternate::Instrumental]).handed_over();
    let items =
        vec![ReturnItem { alternate: Some(Alternate::Instrumental), reason: "A click at 0:40.".into() }];
    tale.does(MASTERER, Command::ReturnHandoff { song: SONG, reason: "The kick clips.".into(), items });
    // Looked into, and meant as it is.
    tale.does(MIXER, Command::PutForward { version: MIX, reason: "It is meant so.".into() });
    let contents = tale.handed_over().packed();
    assert_eq!(contents.name, "AnaRuiz_Nachtlied_Mix1_Handoff2");
    let text = words(&paper(&contents, "brief.txt"));
    for told in [
        "mastering returned it, Person <4>: The kick clips.",
        "instrumental: A click at 0:40.",
        "handoff 2 of this song",
    ] {
        assert!(text.contains(told), "{told:?} is not in {text}");
    }
}

#[test]
fn a_mix_that_was_swapped_is_told_beside_the_new_one() {
    let mut tale = Tale::mixed("Nachtlied", &[Alternate::Main]).handed_over();
    tale.does(MIXER, Command::SwapMix { song: SONG, reason: "The wrong bounce was sent.".into() });
    // Looked into, and meant as it is.
    tale.does(MIXER, Command::PutForward { version: MIX, reason: "It is meant so.".into() });
    let text = words(&paper(&tale.handed_over().packed(), "brief.txt"));
    assert!(text.contains("the mix was swapped, Person <3>: The wrong bounce was sent."), "{text}");
}

#[test]
fn a_gate_that_was_opened_by_hand_is_shouted_with_what_was_not_met() {
    let mut tale = Tale::mixed("Nachtlied", &[Alternate::Main]);
    tale.signs(ARTIST, Role::Artist, MIX);
    tale.does(
        OWNER,
        Command::OverrideGate { song: SONG, version: None, reason: "The label is on a plane.".into() },
    );
    let text = words(&paper(&tale.packed(), "brief.txt"));
    for told in ["OPENED WITHOUT ITS GATE by Person <1>", "The label is on a plane.", "- Label: 0 of 1"] {
        assert!(text.contains(told), "{told:?} is not in {text}");
    }
    assert!(text.contains("Person <2> as artist: 2026"), "who did sign is told too");
}

#[test]
fn the_record_is_told_with_its_gaps_and_who_approved_them() {
    let mut tale = Tale::mixed("Nachtlied", &[Alternate::Main]);
    let items = [(SongId(101), 0), (SONG, 1_500)];
    let mut items: Vec<SpacingItem> = items.map(|(song, gap_ms)| SpacingItem::after(song, gap_ms)).into();
    (items[1].fade_out_ms, items[1].gain_cb) = (8_000, -150);
    tale.does(OWNER, Command::SetSpacing { items });
    let approve = Command::ApproveSpacing { approval: ApprovalId(9000), number: 1, role: Role::Artist };
    tale.does(ARTIST, approve);
    let text = words(&paper(&tale.handed_over().packed(), "brief.txt"));
    for told in [
        "1. Other 0.00 s",
        "2. Nachtlied (this song) 1.50 s fade out 8.00 s, -1.50 dB",
        "Spacing 1, approved by: Person <2> as artist.",
    ] {
        assert!(text.contains(told), "{told:?} is not in {text}");
    }
}

#[test]
fn a_note_tells_what_became_of_it() {
    let mut tale = Tale::mixed("Nachtlied", &[Alternate::Main]);
    let (wrong, right) = (
        tale.note(ARTIST, "Too slow.", (1_000, None), false),
        tale.note(LABEL, "Too dry.", (2_000, None), false),
    );
    tale.does(MIXER, Command::DeclineNote { note: wrong, reason: "It is the tempo of the demo.".into() });
    tale.does(LABEL, Command::AcceptNote { note: right });
    let text = words(&paper(&tale.handed_over().packed(), "brief.txt"));
    let place = |word: &str| text.find(word).unwrap_or_else(|| panic!("{word:?} is not in {text}"));
    assert!(
        place("Notes that are done") < place("Too dry.")
            && place("Too dry.") < place("Notes that were declined")
    );
    assert!(place("Notes that were declined") < place("Too slow."));
    place("declined: It is the tempo of the demo.");
}

#[test]
fn thirty_alternates_have_thirty_names_and_every_file_is_listed() {
    let stems = (1..=28).map(Alternate::Stem);
    let all: Vec<Alternate> = [Alternate::Main, Alternate::Instrumental].into_iter().chain(stems).collect();
    let contents = Tale::mixed("Nachtlied", &all).handed_over().packed();
    let names: std::collections::BTreeSet<_> = contents.audio.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names.len(), 30);
    assert!(names.contains("AnaRuiz_Nachtlied_Stem07_v01_48k24b.wav"));
    let sums = paper(&contents, "SHA256SUMS");
    assert_eq!(sums.lines().count(), 30 + contents.papers.len() - 1);
    let manifest: serde_json::Value = serde_json::from_str(&paper(&contents, "manifest.json")).unwrap();
    let listed = manifest["files"].as_array().unwrap();
    assert_eq!(listed.len(), 30 + contents.papers.len() - 2);
    for file in &listed[..30] {
        assert!(sums.contains(&format!(
            "{}  {}\n",
            file["sha256"].as_str().unwrap(),
            file["name"].as_str().unwrap()
        )));
        assert_eq!((file["frames"].as_u64(), file["bytes"].as_u64()), (Some(4_440_000), Some(26_640_044)));
    }
    assert_eq!(manifest["version"]["fingerprint"].as_str().unwrap().len(), 64);
}

#[test]
fn a_title_can_be_anything_that_the_rules_allow() {
    for title in [
        "<script>alert('x')</script> & \"co\"".replace('/', ""),
        "CON".into(),
        "שלום".into(),
        "w".repeat(128),
    ] {
        let contents = Tale::mixed(&title, &[Alternate::Main]).handed_over().packed();
        let html = paper(&contents, "brief.html");
        assert!(!html.contains("<script"), "{html}");
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        assert!(
            contents.audio.iter().all(|it| it.name.chars().all(plain)) && contents.name.chars().all(plain)
        );
    }
}

#[test]
fn two_files_of_one_name_are_told_apart_by_their_digests() {
    let tale = Tale::mixed("Nachtlied", &[Alternate::Main]);
    let mut version = tale.project.versions.get(MIX).unwrap().clone();
    let mut twin = version.files[0].clone();
    twin.digest = Digest([0xab; 32]);
    version.files.push(twin);
    let names = names::of_files("A", "B", &version);
    assert_eq!(names, ["A_B_Main_v01_48k24b.wav", "A_B_Main_v01_48k24b_abababababab.wav"]);
}
