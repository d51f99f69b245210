//! Any command, sensible or not. Ids come from a small pool, so that commands meet each other's objects, and so that nonsense ids are as frequent
//! as good ones. Never here: what must hold.

use deadwax_domain::*;
use proptest::{collection::vec, prelude::*, sample::select};

pub const PEOPLE: u128 = 6;

pub fn facts(rate: u32, frames: u64) -> AudioFacts {
    AudioFacts {
        container: "wav".to_owned(),
        codec: "pcm".to_owned(),
        sample_rate_hz: rate,
        channels: 2,
        bits: 24,
        float: false,
        frames,
        bytes: 1,
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

fn id() -> impl Strategy<Value = u128> {
    0..4u128
}
pub fn role() -> impl Strategy<Value = Role> {
    select(Role::ALL)
}
fn text() -> impl Strategy<Value = String> {
    prop_oneof![9 => Just("fine".to_owned()), 1 => Just(String::new()), 1 => Just("\u{202e}x".to_owned()), 1 => ".{0,12}"]
}
pub fn digest() -> impl Strategy<Value = Digest> {
    (0..6u8).prop_map(|n| Digest([n; 32]))
}
fn alternate() -> impl Strategy<Value = Alternate> {
    prop_oneof![
        4 => Just(Alternate::Main),
        1 => Just(Alternate::Instrumental),
        1 => any::<i16>().prop_map(|n| Alternate::Step(Element::Vocal, TenthsDb(n))),
        1 => any::<u8>().prop_map(Alternate::Cut),
    ]
}
fn span() -> impl Strategy<Value = Option<Span>> {
    proptest::option::of(
        (any::<u16>(), proptest::option::of(any::<u64>()))
            .prop_map(|(start, end)| Span { start_ms: u64::from(start), end_ms: end }),
    )
}
fn files() -> impl Strategy<Value = Vec<(Alternate, Digest)>> {
    prop_oneof![
        3 => digest().prop_map(|digest| vec![(Alternate::Main, digest)]),
        1 => vec((alternate(), digest()), 0..4),
    ]
}
fn rule() -> impl Strategy<Value = GateRule> {
    let need = (vec(role(), 0..3), 0..3u32)
        .prop_map(|(any_of, count)| Need { any_of: any_of.into_iter().collect(), count });
    let carry = select(vec![
        Carry::Never,
        Carry::Never,
        Carry::Metadata,
        Carry::SamePcm,
        Carry::Residual { below_db: -60.0 },
        Carry::Residual { below_db: 3.0 },
    ]);
    let asked = (
        vec(alternate(), 0..2),
        any::<bool>(),
        proptest::option::of(any::<bool>()),
        (any::<bool>(), prop::bool::weighted(0.1)),
    );
    let more = (
        prop_oneof![20 => Just(0u32), 1 => 1..=100u32, 1 => any::<u32>()],
        prop_oneof![20 => Just(Vec::new()), 1 => vec(role(), 0..2)],
        proptest::option::weighted(0.05, prop_oneof![Just(Time(0)), Just(Time(i64::MAX))]),
        any::<bool>(),
    );
    (select(Stage::ALL), vec(need, 0..3), asked, more, carry).prop_map(
        |(
            stage,
            needs,
            (required_alternates, open_notes_allowed, self_approval, (preflight_ignored, signed)),
            more,
            carry,
        )| {
            let (heard_percent, spacing_roles, due, closes_when_due) = more;
            GateRule {
                required_alternates,
                open_notes_allowed,
                self_approval,
                preflight_ignored,
                heard_percent,
                spacing_roles: spacing_roles.into_iter().collect(),
                due,
                closes_when_due,
                carry,
                signed,
                ..GateRule::new(stage, needs)
            }
        },
    )
}
fn recipe() -> impl Strategy<Value = Recipe> {
    digest().prop_map(|hash| Recipe { toml: "a = 1".to_owned(), hash })
}

fn house() -> impl Strategy<Value = Command> {
    let roles = || vec(role(), 0..4).prop_map(|roles| roles.into_iter().collect::<Roles>());
    let who = || (0..PEOPLE).prop_map(PersonId);
    prop_oneof![
        (text(), text()).prop_map(|(title, artist)| Command::CreateProject { title, artist }),
        (proptest::option::of(any::<u32>()), proptest::option::of(any::<bool>())).prop_map(
            |(rounds_included, self_approval)| Command::ChangeTerms {
                rounds_included,
                self_approval,
                corrections_free: None,
                cut_off: None
            }
        ),
        (who(), roles()).prop_map(|(person, roles)| Command::AddMember { person, roles }),
        (who(), roles()).prop_map(|(person, roles)| Command::ChangeRoles { person, roles }),
        who().prop_map(|person| Command::RemoveMember { person }),
        (id(), text()).prop_map(|(id, title)| Command::AddSong {
            song: SongId(id),
            title,
            isrc: String::new()
        }),
        (id(), text()).prop_map(|(id, isrc)| Command::EditSong {
            song: SongId(id),
            title: None,
            isrc: Some(isrc)
        }),
        rule().prop_map(|rule| Command::SetGate { rule }),
    ]
}

fn audio() -> impl Strategy<Value = Command> {
    let file = |(alternate, digest)| NewFile { alternate, digest, name: "a.wav".to_owned() };
    prop_oneof![
        1 => (digest(), any::<u32>(), any::<u64>()).prop_map(|(digest, rate, frames)| Command::ReceiveFile {
            file: ReceivedFile { digest, name: "a.wav".to_owned(), facts: facts(rate, frames) }
        }),
        3 => digest().prop_map(|digest| Command::ReceiveFile {
            file: ReceivedFile { digest, name: "a.wav".to_owned(), facts: facts(48_000, 4_800_000) }
        }),
        4 => (id(), id(), select(VersionKind::ALL), files()).prop_map(move |(version, song, kind, files)| {
            Command::AddVersion {
                version: VersionId(version + 10 * (kind as u128)),
                song: SongId(song % 2),
                kind,
                title: String::new(),
                changelog: String::new(),
                files: files.into_iter().map(file).collect(),
            }
        }),
    ]
}

fn version() -> impl Strategy<Value = VersionId> {
    (0..3u128, 0..4u128).prop_map(|(kind, id)| VersionId(kind * 10 + id))
}

fn talk() -> impl Strategy<Value = Command> {
    let note = || id().prop_map(NoteId);
    prop_oneof![
        (note(), version(), proptest::option::of(note()), span(), text(), any::<bool>(), vec(text(), 0..2))
            .prop_map(|(note, version, parent, span, text, internal, checklist)| Command::AddNote {
                note,
                version,
                alternate: None,
                parent,
                span,
                text,
                internal,
                addressee: None,
                checklist,
            }),
        (note(), version()).prop_map(|(note, version)| Command::AddressNote { note, version }),
        note().prop_map(|note| Command::AcceptNote { note }),
        (note(), text()).prop_map(|(note, reason)| Command::ReopenNote { note, reason }),
        (note(), text()).prop_map(|(note, reason)| Command::DeclineNote { note, reason }),
        (note(), any::<u32>(), any::<bool>()).prop_map(|(note, item, done)| Command::TickChecklist {
            note,
            item: item % 3,
            done
        }),
        (id(), version(), role(), vec(note(), 0..3), any::<bool>(), any::<bool>()).prop_map(
            |(id, version, role, notes, correction, beyond_terms)| Command::RequestRevision {
                request: RequestId(id),
                version,
                role,
                message: String::new(),
                notes,
                kind: if correction { RevisionKind::Correction } else { RevisionKind::Change },
                beyond_terms,
            }
        ),
    ]
}

fn work() -> impl Strategy<Value = Command> {
    let song = || id().prop_map(|id| SongId(id % 2));
    let render = || id().prop_map(RenderId);
    prop_oneof![
        1 => (song(), role(), text()).prop_map(|(song, role, reason)| Command::Hold {
            approval: ApprovalId(song.0 + 90), song, role, reason
        }),
        4 => (0..2u128).prop_map(|id| Command::LiftHold { approval: ApprovalId(id + 90) }),
        2 => any::<u8>().prop_map(|id| Command::WithdrawApproval { approval: ApprovalId(u128::from(id)) }),
        1 => song().prop_map(|song| Command::AcceptHandoff { song }),
        2 => (song(), text()).prop_map(|(song, reason)| Command::ReturnHandoff { song, reason, items: Vec::new() }),
        1 => (proptest::option::of(song()), proptest::option::of(recipe()))
            .prop_map(|(song, recipe)| Command::SetRecipe { song, recipe, why: "w".to_owned() }),
        1 => (render(), song()).prop_map(|(render, song)| Command::StartRender { render, song, recipe: None }),
        1 => render().prop_map(|render| Command::CancelRender { render }),
        4 => (id(), song()).prop_map(|(id, song)| Command::MakeDelivery {
            delivery: DeliveryId(id), song, manifest_json: String::new()
        }),
    ]
}

fn review() -> impl Strategy<Value = Command> {
    let song = || id().prop_map(|id| SongId(id % 2));
    let note = || id().prop_map(NoteId);
    prop_oneof![
        6 => (note(), version(), any::<u32>(), proptest::option::weighted(0.3, any::<u64>())).prop_map(
            |(note, version, start, end_ms)| Command::MoveNote {
                note, version, span: Span { start_ms: u64::from(start % 200_000), end_ms }
            }
        ),
        2 => (song(), text()).prop_map(|(song, reason)| Command::SwapMix { song, reason }),
        2 => (version(), text()).prop_map(|(version, reason)| Command::PutForward { version, reason }),
        1 => (song(), text()).prop_map(|(song, reason)| Command::OverrideGate { song, version: None, reason }),
        1 => (id(), song(), vec((0..PEOPLE).prop_map(PersonId), 0..4), any::<bool>()).prop_map(
            |(id, song, entrants, blind)| Command::OpenShootout { shootout: ShootoutId(id), song, entrants, blind }
        ),
        2 => (song(), role(), vec(version(), 0..3), any::<bool>(), text()).prop_map(
            |(song, role, ranking, blind, reason)| Command::CastVote {
                song, role, ranking, blind, matched_lufs: -18.0, reason
            }
        ),
        1 => (code(), select(VersionKind::ALL), proptest::option::of(severity())).prop_map(
            |(code, kind, severity)| Command::SetPreflight {
                settings: vec![PreflightSetting { code, kind, severity }]
            }
        ),
        1 => (0..90_000u32, any::<bool>()).prop_map(|(gap_ms, turned)| {
            let (first, second) = (SongId(turned.into()), SongId((!turned).into()));
            let crossfade_ms = if gap_ms % 3 == 0 { gap_ms / 2 } else { 0 };
            let joined = SpacingItem {
                gap_ms: if crossfade_ms > 0 { 0 } else { gap_ms },
                crossfade_ms,
                fade_out_ms: gap_ms % 7 * 20_000,
                gain_cb: i32::try_from(gap_ms % 1300).unwrap_or_default() - 650,
                ..SpacingItem::after(second, 0)
            };
            Command::SetSpacing { items: vec![SpacingItem::after(first, 0), joined] }
        }),
        1 => vec((song(), 0..90_000u32), 0..3).prop_map(|items| Command::SetSpacing {
            items: items.into_iter().map(|(song, gap_ms)| SpacingItem::after(song, gap_ms)).collect()
        }),
        1 => (any::<u8>(), 0..4u32, role()).prop_map(|(id, number, role)| Command::ApproveSpacing {
            approval: ApprovalId(2000 + u128::from(id)), number, role
        }),
        1 => (proptest::option::of(song()), select(vec![FollowLevel::Waiting, FollowLevel::All, FollowLevel::Muted]))
            .prop_map(|(song, level)| Command::Follow { song, level }),
        1 => (id(), text()).prop_map(|(id, url)| Command::SetWebhook {
            webhook: WebhookId(id), url, codes: Vec::new()
        }),
        1 => id().prop_map(|id| Command::RemoveWebhook { webhook: WebhookId(id) }),
        2 => (version(), any::<u32>()).prop_map(|(version, percent)| Command::RecordHeard { version, percent }),
        3 => (version(), vec((0..110_000u64, text()), 0..4)).prop_map(|(version, sections)| Command::SetSections {
            version, sections: sections.into_iter().map(|(start_ms, name)| Section { start_ms, name }).collect()
        }),
    ]
}

fn code() -> impl Strategy<Value = String> {
    prop_oneof![4 => select(vec!["CLIPPED", "LITTLE_HEADROOM", "SILENT", "NOT_EXAMINED"]).prop_map(str::to_owned), 1 => text()]
}

fn severity() -> impl Strategy<Value = Severity> {
    select(vec![Severity::Off, Severity::Warn, Severity::Block])
}

/// Of the record and its proofs, blindly; [`records`](crate::records) does what the state asks for.
fn record() -> impl Strategy<Value = Command> {
    let song = || id().prop_map(|id| SongId(id % 2));
    let record = || id().prop_map(RecordId);
    let split = (text(), any::<bool>(), 0..6000u32).prop_map(|(name, recording, share)| Split {
        name,
        recording,
        share,
    });
    prop_oneof![
        (text(), select(vec!["", "036000291452", "036000291453", "x"])).prop_map(|(label, upc)| {
            Command::SetLabelCopy { copy: LabelCopy { upc: upc.to_owned(), label, ..LabelCopy::default() } }
        }),
        (song(), vec(split, 0..3), text()).prop_map(|(song, splits, version_title)| Command::SetSongCopy {
            song,
            copy: SongCopy { version_title, splits, ..SongCopy::default() }
        }),
        proptest::option::of((digest(), select(vec!["image/png", "image/jpeg", "image/gif"]), 0..3u32))
            .prop_map(|cover| {
                let cover = cover.map(|(digest, mime, side)| {
                    let (mime, width, height) = (mime.to_owned(), side, side);
                    Cover { digest, bytes: u64::from(side), mime, width, height }
                });
                Command::SetCover { cover }
            }),
        (id(), 0..3u32, proptest::option::of(song()), text()).prop_map(|(note, number, song, text)| {
            Command::AddSpacingNote { note: NoteId(100 + note), number, song, text }
        }),
        (id(), text())
            .prop_map(|(note, answer)| Command::CloseSpacingNote { note: NoteId(100 + note), answer }),
        record().prop_map(|record| Command::CancelRecord { record }),
        (record(), 0..3u32).prop_map(|(record, attempt)| Command::FailRecord {
            record,
            attempt,
            reason: "r".to_owned(),
            retry: true
        }),
        (record(), 0..3u32).prop_map(|(record, attempt)| Command::GiveBackRecord { record, attempt }),
        (id(), record(), role(), digest()).prop_map(|(id, record, role, fingerprint)| {
            Command::ApproveRecord { approval: ApprovalId(4000 + id), record, role, fingerprint }
        }),
        record().prop_map(|record| Command::DeliverRecord { record, manifest_json: String::new() }),
        (digest(), proptest::option::of(digest())).prop_map(|(key, vouched_by)| Command::EnrolKey {
            key,
            public_key: "ssh-ed25519 A".to_owned(),
            proof: String::new(),
            vouched_by,
            vouch: String::new()
        }),
        (digest(), text()).prop_map(|(key, reason)| Command::RevokeKey { key, reason }),
    ]
}

/// Guests come from the pool of people: some are members, some come as the actors of other commands.
fn given_away() -> impl Strategy<Value = Command> {
    let scope = prop_oneof![
        id().prop_map(|version| LinkScope::Version(VersionId(version))),
        id().prop_map(|song| LinkScope::Song(SongId(song))),
        Just(LinkScope::Album),
        id().prop_map(|record| LinkScope::Record(RecordId(record))),
    ];
    let made = (id(), 0..PEOPLE + 2, scope, any::<bool>(), 0..4u32);
    prop_oneof![
        3 => made.prop_map(|(link, guest, scope, notes, sessions_max)| Command::MakeLink {
            link: LinkId(5000 + link),
            guest: PersonId(guest),
            scope,
            expires: Time(7 * 86_400_000),
            sessions_max,
            download: !notes,
            notes,
            has_password: false,
        }),
        1 => id().prop_map(|link| Command::RevokeLink { link: LinkId(5000 + link) }),
    ]
}

pub fn command() -> impl Strategy<Value = Command> {
    // Boxed: the types of all of it together are larger than the stack of a test.
    prop_oneof![
        1 => house().boxed(),
        2 => audio().boxed(),
        4 => talk().boxed(),
        5 => work().boxed(),
        4 => review().boxed(),
        3 => record().boxed(),
        1 => given_away().boxed(),
    ]
}
