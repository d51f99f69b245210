//! A large project as a server would send it, row by row: songs in every stage with their gates and versions, notes with threads and
//! settled ones among them, each row with what its viewer may do. The same for the same numbers.

use deadwax_proto::v1::{
    Allowed, ApprovalState, ApprovalView, AudioFacts, Finding, GateLine, GateRow, GateRule, MemberRow, Need,
    NoteRow, NoteState, NoteVerdict, ProjectRow, Role, Row, SongRow, Stage, Verdict, VersionFile,
    VersionKind, VersionRow, row::Row as Of,
};

const PEOPLE: [(&str, Role); 5] = [
    ("Mara Voss", Role::Artist),
    ("Ben Okafor", Role::Producer),
    ("Iris Lund", Role::MixEngineer),
    ("Juno Park", Role::MasteringEngineer),
    ("Lena Ruiz", Role::Label),
];
const WORDS: [&str; 16] = [
    "vocal",
    "a little low",
    "in the second chorus",
    "half a dB up",
    "snare",
    "too bright",
    "before the bridge",
    "breath",
    "between the words",
    "bass",
    "softer",
    "from here on",
    "reverb tail",
    "cut",
    "delay",
    "wider",
];
pub const NOW_MS: i64 = 1_795_000_000_000;

#[derive(Clone, Copy, Debug)]
pub struct Big {
    pub songs: u32,
    pub notes: u32,
}

/// A UUID as the studio makes them, of a kind and a number.
fn id(kind: u8, number: u32) -> String {
    let time = u128::from(NOW_MS.unsigned_abs() + u64::from(number)) << 80;
    // Ids of a server are not each other's neighbours in their later half.
    let mixed = (u64::from(number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 8;
    uuid::Uuid::from_u128(time | 0x7 << 76 | 0x8 << 60 | u128::from(kind) << 56 | u128::from(mixed))
        .to_string()
}

fn yes(action: &str) -> Allowed {
    Allowed { action: action.into(), yes: true, ..Allowed::default() }
}

fn no(action: &str, reason: &str, text: &str, hint: &str) -> Allowed {
    Allowed { action: action.into(), yes: false, reason: reason.into(), text: text.into(), hint: hint.into() }
}

fn not_yours(action: &str, who: &str) -> Allowed {
    let text = format!("Only {who} may do this.");
    no(action, "NOT_YOUR_ROLE", &text, "Ask one of them, or ask the manager to change your roles.")
}

fn stage(song: u32) -> Stage {
    [Stage::Recording, Stage::Mixing, Stage::Mixing, Stage::Mastering, Stage::Delivered][song as usize % 5]
}

fn text(number: u32) -> String {
    let word = |at: u32| WORDS[(number.wrapping_mul(2_654_435_761).rotate_left(at * 7) >> 28) as usize];
    format!("{} {} {}, {} ({number})", word(0), word(1), word(2), word(3))
}

impl Big {
    /// Those who come first are what a screen needs first.
    pub fn rows(self) -> impl Iterator<Item = Row> {
        std::iter::once(self.project())
            .chain((0..PEOPLE.len()).map(member))
            .chain((0..self.songs).flat_map(move |at| [self.song(at, 0), gate(at), version(at)]))
            .chain((0..self.notes).map(move |at| self.note(at, 0)))
    }

    pub fn title(song: u32) -> String {
        format!("Song {:05} of the catalogue", song + 1)
    }

    fn project(self) -> Row {
        let need = |roles: &[Role]| Need { any_of: roles.iter().map(|it| (*it).into()).collect(), count: 1 };
        let gate = |stage: Stage, roles: &[Role]| GateRule {
            stage: stage.into(),
            needs: vec![need(roles)],
            required_alternates: vec!["instrumental".into()],
            ..GateRule::default()
        };
        let row = ProjectRow {
            project_id: id(1, 0),
            title: "The whole catalogue".into(),
            artist: "Many".into(),
            your_roles: vec![Role::Producer.into(), Role::Label.into()],
            rounds_included: 3,
            gates: vec![gate(Stage::Mixing, &[Role::Label]), gate(Stage::Mastering, &[Role::Label])],
            allowed: vec![not_yours("change_terms", "the manager"), yes("add_song"), yes("follow")],
            ..ProjectRow::default()
        };
        Row { key: "project".into(), row: Some(Of::Project(row)) }
    }

    /// `round` changes what changes while people work.
    pub fn song(self, at: u32, round: u32) -> Row {
        let row = SongRow {
            song_id: id(2, at),
            title: Big::title(at),
            isrc: format!("DEA12{:07}", at % 10_000_000),
            position: at + 1,
            stage: stage(at).into(),
            candidate_version_id: id(3, at),
            rounds_used: at % 4,
            open_notes: self.notes / self.songs.max(1) + round % 7,
            waits_for: format!("Mix {} waits for the approval of the label.", at % 3 + 1),
            recipe_toml: "[target]\nlufs = -14.0\nceiling_dbtp = -1.0\n\n[[step]]\nkind = \"eq\"\n".into(),
            allowed: vec![
                yes("add_version"),
                yes("add_note"),
                not_yours("set_recipe", "mastering engineers"),
                not_yours("start_render", "mastering engineers"),
                no("hold", "ON_HOLD", "A label holds it already.", "Lift the hold first."),
                no("make_delivery", "NOT_DELIVERED_YET", "The master is not signed yet.", "Sign it first."),
                yes("follow"),
            ],
            ..SongRow::default()
        };
        Row { key: format!("song/{}", row.song_id), row: Some(Of::Song(row)) }
    }

    pub fn note(self, at: u32, round: u32) -> Row {
        let song = at % self.songs.max(1);
        let nth = at / self.songs.max(1);
        let (author, role) = PEOPLE[at as usize % PEOPLE.len()];
        let answers = nth % 5 == 4;
        let settled = nth % 4 == 3;
        let state = if settled { NoteState::Accepted } else { NoteState::Open };
        let words = if round == 0 { text(at) } else { format!("{}, {round}", text(at)) };
        let own = at as usize % PEOPLE.len() == 1;
        let row = NoteRow {
            note_id: id(4, at),
            song_id: id(2, song),
            version_id: id(3, song),
            parent_note_id: if answers { id(4, at - self.songs) } else { String::new() },
            author: author.into(),
            author_id: id(5, at % 5),
            author_role: role.into(),
            at_ms: NOW_MS - i64::from(at) * 1000,
            start_ms: (nth % 7 != 6).then(|| u64::from(at.wrapping_mul(7919) % 215_000)),
            end_ms: (nth % 3 == 1).then(|| u64::from(at.wrapping_mul(7919) % 215_000 + 4_000)),
            text: words,
            state: state.into(),
            allowed: vec![
                yes("add_note"),
                not_yours("address_note", "mix and mastering engineers and the producer"),
                if own { yes("accept_note") } else { not_yours("accept_note", "its author") },
                no("reopen_note", "NOTE_NOT_OPEN", "The note is open.", "There is nothing to open again."),
                yes("decline_note"),
                yes("move_note"),
                no("tick_checklist", "NO_SUCH_ITEM", "The note has no checklist.", ""),
            ],
            verdicts: if nth.is_multiple_of(6) {
                vec![NoteVerdict {
                    version_id: id(3, song),
                    verdict: Verdict::Changed.into(),
                    text: "change found: +0.8 dB, 1-4 kHz".into(),
                }]
            } else {
                Vec::new()
            },
            ..NoteRow::default()
        };
        Row { key: format!("note/{}", row.note_id), row: Some(Of::Note(row)) }
    }
}

fn member(at: usize) -> Row {
    let (name, role) = PEOPLE[at];
    let person_id = id(5, u32::try_from(at).unwrap_or(0));
    let row = MemberRow {
        keys: Vec::new(),
        person_id,
        name: name.into(),
        roles: vec![role.into()],
        allowed: vec![not_yours("change_roles", "the manager"), not_yours("remove_member", "the manager")],
    };
    Row { key: format!("member/{}", row.person_id), row: Some(Of::Member(row)) }
}

fn gate(at: u32) -> Row {
    let line = |met: bool, code: &str, text: &str| GateLine { met, code: code.into(), text: text.into() };
    let approvals = if at.is_multiple_of(3) {
        vec![ApprovalView {
            approval_id: id(6, at),
            person_id: id(5, 1),
            name: "Ben Okafor".into(),
            role: Role::Producer.into(),
            version_id: id(3, at),
            fingerprint: digest(at),
            at_ms: NOW_MS,
            state: ApprovalState::Counts.into(),
            ..ApprovalView::default()
        }]
    } else {
        Vec::new()
    };
    let row = GateRow {
        song_id: id(2, at),
        stage: stage(at).into(),
        met: false,
        lines: vec![
            line(true, "CANDIDATE", "Mix 1 is looked at."),
            line(false, "APPROVALS", "Label: 0 of 1 approvals; waits for Lena Ruiz."),
            line(true, "ALTERNATES", "The instrumental is there."),
            line(false, "OPEN_NOTES", "Notes are open."),
        ],
        approvals,
    };
    Row { key: format!("gate/{}", row.song_id), row: Some(Of::Gate(row)) }
}

fn digest(number: u32) -> String {
    let mut text = String::with_capacity(64);
    for at in 0..8u32 {
        let part = number.wrapping_mul(2_654_435_761).wrapping_add(at).wrapping_mul(0x85eb_ca6b);
        text.push_str(&format!("{part:08x}"));
    }
    text
}

fn file(at: u32, alternate: &str) -> VersionFile {
    VersionFile {
        alternate: alternate.into(),
        sha256: digest(at * 2 + u32::from(alternate != "main")),
        name: format!("{}_Mix1_{alternate}_24-48.wav", Big::title(at).replace(' ', "-")),
        facts: Some(AudioFacts {
            container: "wav".into(),
            codec: "pcm".into(),
            sample_rate: 48_000,
            channels: 2,
            bits: 24,
            frames: 48_000 * 215,
            bytes: 48_000 * 215 * 6,
            integrated_lufs: -15.0 - f64::from(at % 40) / 10.0,
            loudness_range_lu: 6.1,
            max_momentary_lufs: -10.2,
            max_short_term_lufs: -12.4,
            true_peak_dbtp: -1.3,
            sample_peak_dbfs: -1.5,
            correlation: 0.7,
            head_silence_s: 0.2,
            tail_silence_s: 1.1,
            ..AudioFacts::default()
        }),
        may_fetch: true,
    }
}

fn version(at: u32) -> Row {
    let row = VersionRow {
        version_id: id(3, at),
        song_id: id(2, at),
        kind: VersionKind::Mix.into(),
        number: 1,
        title: "Warmer vocal".into(),
        changelog: "Vocal up by half a dB, less of the room.".into(),
        uploaded_by: "Iris Lund".into(),
        uploaded_by_id: id(5, 2),
        at_ms: NOW_MS - i64::from(at) * 60_000,
        fingerprint: digest(at ^ 0x5555),
        files: vec![file(at, "main"), file(at, "instrumental")],
        preflight: vec![Finding {
            code: "LONG_TAIL".into(),
            text: "The tail is longer than a second.".into(),
            alternate: "main".into(),
            source: "the house".into(),
            mend: "Cut it, or leave it where it is meant.".into(),
            ..Finding::default()
        }],
        name: "Mix 1".into(),
        allowed: vec![
            no(
                "approve",
                "NOT_HEARD",
                "You have heard 40 % of it, and the gate asks for 90 %.",
                "Listen to the rest.",
            ),
            yes("request_revision"),
            yes("add_note"),
            no("put_forward", "NOTHING_TO_CHANGE", "It is the candidate.", ""),
        ],
        ..VersionRow::default()
    };
    Row { key: format!("version/{}", row.version_id), row: Some(Of::Version(row)) }
}
