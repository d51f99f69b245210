//! The stored form of every fact, for ever: one entry of each kind as it was first written stands in `golden/facts-1.txt` and must be read as the same fact
//! by every later server. `DEADWAX_BLESS=1` writes the file anew; it must only ever grow.
#![allow(clippy::unwrap_used)]

mod ledger_rig;

use std::{collections::BTreeSet, fmt::Write as _, path::PathBuf};

use deadwax_domain::*;
use deadwax_server::wire::ledger::{Read, decode, encode};
use proptest::prelude::*;

const COMMAND: u128 = 0x0189_0a5d_ac96_774b_bcce_b302_099a_8057;

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/facts-1.txt")
}

/// One of each kind, made of the given parts.
fn every(text: &str, n: u128, flag: bool, level: f64, alternate: Alternate, roles: &Roles) -> Vec<Fact> {
    let s = || text.to_owned();
    let small = (n % 1_000_000) as u32;
    let digest = Digest([(n % 251) as u8; 32]);
    let facts = AudioFacts { integrated_lufs: level, float: flag, ..ledger_rig::facts() };
    let file = File { alternate, digest, name: s(), facts: facts.clone() };
    let (song, version, note) = (SongId(n), VersionId(n.wrapping_add(1)), NoteId(n.wrapping_add(2)));
    let (render, approval, request) = (RenderId(n), ApprovalId(n), RequestId(n));
    let person = PersonId(n.wrapping_add(3));
    let role = roles.iter().next().copied().unwrap_or(Role::Label);
    let recipe = Recipe { toml: s(), hash: digest };
    let need = Need { any_of: roles.clone(), count: small };
    // As it was written before there were more options.
    let rule = GateRule {
        required_alternates: vec![alternate],
        open_notes_allowed: flag,
        ..GateRule::new(Stage::Mastering, vec![need])
    };
    let full = GateRule {
        self_approval: Some(flag),
        preflight_ignored: flag,
        heard_percent: small,
        spacing_roles: roles.clone(),
        due: flag.then_some(Time(1_800_000_000_000)),
        closes_when_due: flag,
        carry: if flag { Carry::Residual { below_db: -90.5 } } else { Carry::SamePcm },
        ..rule.clone()
    };
    let terms = Terms { rounds_included: small, self_approval: flag, corrections_free: 1, cut_off: None };
    let later = Terms { corrections_free: small, cut_off: Some(Time(1_800_000_000_000)), ..terms };
    let span = Span { start_ms: u64::from(small), end_ms: flag.then_some(u64::MAX) };
    vec![
        Fact::ProjectCreated { title: s(), artist: s() },
        Fact::TermsChanged { terms },
        Fact::MemberAdded { person, roles: roles.clone() },
        Fact::RolesChanged { person, roles: roles.clone() },
        Fact::MemberRemoved { person },
        Fact::SongAdded { song, title: s(), isrc: s() },
        Fact::SongEdited { song, title: s(), isrc: s() },
        Fact::GateSet { rule },
        Fact::FileReceived { file: ReceivedFile { digest, name: s(), facts } },
        Fact::VersionAdded {
            version,
            song,
            kind: VersionKind::Mix,
            number: small,
            title: s(),
            changelog: s(),
            files: vec![file.clone(), file.clone()],
            fingerprint: digest,
            render: flag.then_some(render),
            line: None,
        },
        Fact::NoteAdded {
            note,
            song,
            version,
            alternate: flag.then_some(alternate),
            parent: flag.then_some(note),
            span: Some(span),
            role,
            text: s(),
            internal: flag,
            addressee: flag.then_some(person),
            checklist: vec![s(), s()],
        },
        Fact::NoteAddressed { note, version },
        Fact::NoteAccepted { note },
        Fact::NoteReopened { note, reason: s() },
        Fact::NoteDeclined { note, reason: s() },
        Fact::ChecklistTicked { note, item: small, done: flag },
        Fact::RevisionRequested {
            request,
            song,
            version,
            role,
            message: s(),
            notes: vec![note],
            round: small,
            kind: RevisionKind::Change,
            free: false,
            beyond_terms: false,
        },
        Fact::RevisionAnswered { request, version },
        Fact::Approved { approval, song, version, role, fingerprint: digest },
        Fact::ApprovalWithdrawn { approval },
        Fact::HoldPlaced { approval, song, role, reason: s() },
        Fact::HoldLifted { approval },
        Fact::StageLeft { song, from: Stage::Recording, to: Stage::Delivered, version },
        Fact::HandoffMade { song, version },
        Fact::HandoffAccepted { song },
        Fact::HandoffReturned { song, reason: s(), items: Vec::new() },
        // As it was written before the reason stood there.
        Fact::RecipeSet { song: Some(song), recipe: Some(recipe.clone()), why: String::new() },
        Fact::RenderQueued { render, song, version, recipe: flag.then(|| recipe.clone()) },
        // As it was written before the recipe stood there; the new form is the last of this list.
        Fact::RenderLeased { render, attempt: small, engine: s(), recipe: None },
        // As it was written before there was a sheet.
        Fact::RenderCompleted { render, version, report_json: s(), sheet: None },
        Fact::RenderFailed { render, attempt: small, reason: s(), parked: flag },
        Fact::RenderCancelled { render },
        Fact::DeliveryMade {
            delivery: DeliveryId(n),
            song,
            version,
            fingerprint: digest,
            files: vec![file.clone()],
            manifest_json: s(),
        },
        Fact::RenderLeased { render, attempt: small, engine: s(), recipe: Some(recipe.clone()) },
        Fact::RecipeSet { song: flag.then_some(song), recipe: Some(recipe), why: s() },
        Fact::RecipeSet { song: None, recipe: None, why: s() },
        Fact::RenderCompleted { render, version, report_json: s(), sheet: Some(digest) },
        Fact::TermsChanged { terms: later },
        Fact::GateSet { rule: full },
        Fact::VersionAdded {
            version,
            song,
            kind: VersionKind::Mix,
            number: small,
            title: s(),
            changelog: s(),
            files: vec![file],
            fingerprint: digest,
            render: None,
            line: Some(Line(2)),
        },
        Fact::RevisionRequested {
            request,
            song,
            version,
            role,
            message: s(),
            notes: vec![note],
            round: small,
            kind: RevisionKind::Correction,
            free: flag,
            beyond_terms: flag,
        },
        Fact::HandoffReturned {
            song,
            reason: s(),
            items: vec![ReturnItem { alternate: flag.then_some(alternate), reason: s() }],
        },
    ]
    .into_iter()
    .chain(review(text, n, flag, level, alternate, role))
    .chain(since_then(text, n, flag))
    .chain(records(text, n, flag, level, role))
    .chain(receipts(text, n, flag))
    .chain(covers(text, n))
    .chain(media(text, n))
    .chain(counted(text, n, flag))
    .chain(given_back(n))
    .chain(links(n, flag))
    .collect()
}

/// Those that came with the review protocol.
fn review(text: &str, n: u128, flag: bool, level: f64, alternate: Alternate, role: Role) -> Vec<Fact> {
    let s = || text.to_owned();
    let small = (n % 1_000_000) as u32;
    let digest = Digest([(n % 251) as u8; 32]);
    let (song, version, note) = (SongId(n), VersionId(n.wrapping_add(1)), NoteId(n.wrapping_add(2)));
    let (approval, person, webhook) = (ApprovalId(n), PersonId(n.wrapping_add(3)), WebhookId(n));
    let span = Span { start_ms: u64::from(small), end_ms: flag.then_some(u64::MAX) };
    let kind = if flag { PlaceKind::Moved } else { PlaceKind::Gone };
    let outcome = NoteOutcome {
        note,
        verdict: if flag { Verdict::Changed } else { Verdict::Untouched },
        text: s(),
        place: flag.then_some(Placed { kind, span }),
    };
    let examined = Examined {
        against: flag.then_some(version),
        failed: Some(s()).filter(|why| !flag && !why.is_empty()),
        found: vec![Found { block: flag, code: s(), text: s(), alternate }],
        notes: vec![outcome],
        changes: vec![s()],
        same: if flag { Sameness::Residual } else { Sameness::Pcm },
        residual_db: flag.then_some(level),
        stretches: Vec::new(),
    };
    let setting =
        PreflightSetting { code: s(), kind: VersionKind::Master, severity: flag.then_some(Severity::Warn) };
    vec![
        Fact::VersionExamined { version, examined },
        Fact::MixSwapped { song, reason: s() },
        Fact::PutForward { version, reason: s() },
        Fact::GateOverridden { song, stage: Stage::Mixing, version, reason: s(), unmet: vec![s()] },
        Fact::ShootoutOpened {
            shootout: ShootoutId(n),
            song,
            entrants: vec![person, PersonId(n)],
            blind: flag,
        },
        Fact::VoteCast { song, role, ranking: vec![version], blind: flag, matched_lufs: -18.25, reason: s() },
        Fact::MixPicked { song, version, role, reason: s() },
        Fact::PreflightSet { settings: vec![setting] },
        Fact::SpacingSet { number: small, items: vec![SpacingItem::after(song, small)] },
        Fact::SpacingApproved { approval, number: small, role },
        Fact::NoteMoved { note, version, span },
        Fact::ApprovalsCarried { from: version, to: VersionId(n), approvals: vec![approval], why: s() },
        Fact::DeadlinePassed { stage: Stage::Mixing, due: Time(1_800_000_000_000) },
        Fact::PackageMade { song, version, digest, name: s(), bytes: u64::from(small) },
        Fact::VersionHeard { version, percent: small },
        Fact::Followed { song: flag.then_some(song), level: FollowLevel::Muted },
        Fact::WebhookSet { webhook, url: s(), codes: vec![s()] },
        Fact::WebhookRemoved { webhook },
    ]
}

/// What came later; earlier lines of the file stay as they are.
fn since_then(text: &str, n: u128, flag: bool) -> Vec<Fact> {
    let s = || text.to_owned();
    let small = (n % 1_000_000) as u32;
    let (song, version) = (SongId(n), VersionId(n.wrapping_add(1)));
    vec![
        Fact::SpacingSet {
            number: small,
            items: vec![SpacingItem {
                crossfade_ms: small,
                fade_in_ms: small,
                fade_out_ms: u32::MAX,
                shape: if flag { FadeShape::Exponential } else { FadeShape::Linear },
                gain_cb: -600,
                ..SpacingItem::after(song, 0)
            }],
        },
        Fact::SectionsSet {
            version,
            sections: vec![
                Section { start_ms: 0, name: s() },
                Section { start_ms: u64::from(small), name: s() },
            ],
        },
        Fact::SectionsSet { version, sections: Vec::new() },
        Fact::VersionExamined {
            version,
            examined: Examined {
                against: Some(version),
                stretches: vec![Stretch {
                    was_ms: 0,
                    was_end_ms: u64::MAX,
                    is_ms: 7,
                    is_end_ms: u64::from(small),
                }],
                ..Examined::default()
            },
        },
    ]
}

/// Those that came with the record.
fn records(text: &str, n: u128, flag: bool, level: f64, role: Role) -> Vec<Fact> {
    let s = || text.to_owned();
    let small = (n % 1_000_000) as u32;
    let digest = Digest([(n % 251) as u8; 32]);
    let (song, version, note) = (SongId(n), VersionId(n.wrapping_add(1)), NoteId(n.wrapping_add(2)));
    let (record, approval) = (RecordId(n.wrapping_add(5)), ApprovalId(n));
    let explicit = if flag { Some(Explicit::Cleaned) } else { None };
    let file = RecordFile {
        profile: s(),
        folder: s(),
        name: s(),
        digest,
        bytes: u64::MAX,
        kind: s(),
        sample_rate_hz: small,
        bits: 24,
        frames: u64::from(small),
        exact: flag,
        integrated_lufs: flag.then_some(level),
        true_peak_dbtp: Some(-1.5),
        // As it was written before it was counted.
        over_full_scale: None,
    };
    let copy = LabelCopy {
        upc: s(),
        catalogue: s(),
        label: s(),
        p_line: s(),
        c_line: s(),
        release_date: s(),
        genre: s(),
        language: s(),
    };
    let of_song = SongCopy {
        version_title: s(),
        explicit,
        credits: vec![Credit { role: s(), name: s() }],
        splits: vec![Split { name: s(), recording: flag, share: small }],
    };
    let trimmed = SpacingItem {
        trim_in_ms: small,
        trim_out_ms: u32::MAX,
        hidden: flag,
        begins_side: !flag,
        ..SpacingItem::after(song, small)
    };
    vec![
        Fact::SpacingSet { number: small, items: vec![trimmed] },
        Fact::LabelCopySet { copy },
        Fact::SongCopySet { song, copy: of_song },
        Fact::SpacingNoted { note, number: small, song: flag.then_some(song), text: s() },
        Fact::SpacingNoteClosed { note, answer: s() },
        Fact::RecordQueued {
            record,
            number: small,
            spacing: small,
            sources: vec![RecordSource { song, version, fingerprint: digest }],
            profiles: vec![RecordProfile { name: s(), toml: s() }],
            loudest_track_lufs: flag.then_some(-14.0),
            medium: String::new(),
        },
        Fact::RecordLeased { record, attempt: small, engine: s() },
        Fact::RecordMade { record, files: vec![file], fingerprint: digest, report_json: s() },
        Fact::RecordFailed { record, attempt: small, reason: s(), parked: flag },
        Fact::RecordCancelled { record },
        Fact::RecordApproved { approval, record, role, fingerprint: digest },
        Fact::RecordDelivered { record, manifest_json: s() },
    ]
}

/// Those that came with keys, and the gate that asks for them.
fn receipts(text: &str, n: u128, flag: bool) -> Vec<Fact> {
    let s = || text.to_owned();
    let small = (n % 1_000_000) as u32;
    let digest = Digest([(n % 251) as u8; 32]);
    vec![
        Fact::KeyEnrolled {
            key: digest,
            person: PersonId(n.wrapping_add(3)),
            public_key: s(),
            proof: s(),
            vouched_by: flag.then_some(Digest([7; 32])),
            vouch: s(),
        },
        Fact::KeyRevoked { key: digest, reason: s() },
        Fact::ReceiptKept {
            approval: ApprovalId(n),
            sequence: small,
            receipt: Receipt { statement: s(), signature: s(), key: digest },
        },
        Fact::GateSet { rule: GateRule { signed: flag, ..GateRule::new(Stage::Mastering, Vec::new()) } },
    ]
}

/// Those that came with the cover.
fn covers(text: &str, n: u128) -> Vec<Fact> {
    let (small, digest) = ((n % 1_000_000) as u32, Digest([(n % 251) as u8; 32]));
    let cover = Cover { digest, bytes: u64::MAX, mime: text.to_owned(), width: small, height: u32::MAX };
    vec![Fact::CoverSet { cover: Some(cover) }, Fact::CoverSet { cover: None }]
}

/// Those that came with the medium.
fn media(text: &str, n: u128) -> Vec<Fact> {
    let (small, s) = ((n % 1_000_000) as u32, || text.to_owned());
    vec![Fact::RecordQueued {
        record: RecordId(n.wrapping_add(5)),
        number: small,
        spacing: small,
        sources: Vec::new(),
        profiles: vec![RecordProfile { name: s(), toml: s() }],
        loudest_track_lufs: None,
        medium: s(),
    }]
}

/// Those that came with the count of samples over full scale.
fn counted(text: &str, n: u128, flag: bool) -> Vec<Fact> {
    let (digest, s) = (Digest([(n % 251) as u8; 32]), || text.to_owned());
    let file = RecordFile {
        profile: s(),
        folder: s(),
        name: s(),
        digest,
        bytes: 1,
        kind: s(),
        sample_rate_hz: 44_100,
        bits: 16,
        frames: 1,
        exact: false,
        integrated_lufs: None,
        true_peak_dbtp: None,
        over_full_scale: Some(if flag { u64::MAX } else { 0 }),
    };
    let record = RecordId(n.wrapping_add(5));
    vec![Fact::RecordMade { record, files: vec![file], fingerprint: digest, report_json: s() }]
}

/// Those that came with workers that are told to stop.
fn given_back(n: u128) -> [Fact; 2] {
    let attempt = (n % 1_000_000) as u32;
    let record = RecordId(n.wrapping_add(5));
    [Fact::RenderGivenBack { render: RenderId(n), attempt }, Fact::RecordGivenBack { record, attempt }]
}

/// Those that came with links: one for each scope.
fn links(n: u128, flag: bool) -> Vec<Fact> {
    let link = LinkId(n.wrapping_add(6));
    let made = |scope| Fact::LinkMade {
        link,
        guest: PersonId(n.wrapping_add(7)),
        scope,
        expires: Time(1_800_000_000_000),
        sessions_max: (n % 1_000_000) as u32,
        download: flag,
        notes: !flag,
        has_password: flag,
    };
    let version = LinkScope::Version(VersionId(n.wrapping_add(1)));
    let (song, record) = (LinkScope::Song(SongId(n)), LinkScope::Record(RecordId(n.wrapping_add(5))));
    [version, song, LinkScope::Album, record]
        .into_iter()
        .map(made)
        .chain([Fact::LinkRevoked { link }])
        .collect()
}

fn golden() -> Vec<Event> {
    let up = Alternate::parse("vocal-up+0.5").unwrap();
    let facts =
        every("Nachtlied", 0x0102_0304, true, f64::NEG_INFINITY, up, &Role::ALL.iter().copied().collect());
    let by = |at: usize| at.is_multiple_of(2).then_some(PersonId(0x77));
    facts
        .into_iter()
        .enumerate()
        .map(|(at, fact)| Event { at: Time(1_700_000_000_000), by: by(at), fact })
        .collect()
}

#[test]
fn every_kind_ever_stored_is_read_as_the_same_fact_and_written_as_the_same_bytes() {
    let mut now = String::new();
    for event in golden() {
        writeln!(now, "{} {}", sentence::code(&event.fact), hex::encode(encode(&event, COMMAND))).unwrap();
    }
    if std::env::var_os("DEADWAX_BLESS").is_some() {
        std::fs::write(file(), &now).unwrap();
    }
    let stored = std::fs::read_to_string(file()).unwrap();
    let kinds: BTreeSet<_> = stored.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let every: BTreeSet<_> = golden().iter().map(|event| sentence::code(&event.fact)).collect();
    assert_eq!(kinds, every, "one line for each kind, and one more for each later form of it");
    assert_eq!(stored.lines().count(), golden().len());
    for (line, event) in stored.lines().zip(golden()) {
        let (code, bytes) = line.split_once(' ').unwrap();
        let read = decode(&hex::decode(bytes).unwrap()).unwrap();
        assert_eq!(read, Read::Event(event), "{code}");
    }
    assert_eq!(stored, now);
}

#[test]
fn a_fact_with_a_word_of_a_newer_server_is_newer_and_broken_bytes_are_broken() {
    use deadwax_proto::ledger::v1::{self as stored, fact::What};
    use prost::Message as _;
    let with =
        |what| stored::Fact { at_ms: 5, by: vec![], command: vec![], what: Some(what) }.encode_to_vec();
    let person = 7u128.to_be_bytes().to_vec();
    let member = |person: Vec<u8>, role: i32| {
        with(What::MemberAdded(stored::MemberAdded { person, roles: vec![role] }))
    };
    assert!(matches!(decode(&member(person.clone(), 1)), Ok(Read::Event(_))));
    assert_eq!(decode(&member(person, 99)), Ok(Read::Newer { at: Time(5), by: None }));
    assert!(decode(&member(vec![1, 2, 3], 1)).is_err());
    assert!(decode(b"\xff\xff\xff").is_err());
}

proptest! {
    #[test]
    fn every_fact_survives_the_round_trip(
        text in ".{0,40}", n in any::<u128>(), flag in any::<bool>(), at in any::<i64>(),
        level in prop_oneof![Just(f64::NEG_INFINITY), any::<f64>().prop_filter("never NaN", |x| !x.is_nan())],
        step in 1..240i16, roles in proptest::sample::subsequence(Role::ALL.to_vec(), 0..=7),
    ) {
        let alternate = Alternate::Step(Element::Bass, TenthsDb(if flag { step } else { -step }));
        for fact in every(&text, n, flag, level, alternate, &roles.into_iter().collect()) {
            let event = Event { at: Time(at), by: flag.then_some(PersonId(n)), fact };
            prop_assert_eq!(decode(&encode(&event, n)), Ok(Read::Event(event)));
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _any_answer = decode(&bytes);
    }
}
