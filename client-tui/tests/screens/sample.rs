//! A small studio as its server would show it: one project, songs in every stage, four people.

use deadwax_proto::v1::{row::Row as Of, *};

pub const NOW_MS: i64 = 1_795_000_000_000;
pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;

/// Words of one studio: in English, or long and in Chinese and Japanese.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    pub project: &'static str,
    pub artist: &'static str,
    pub songs: [&'static str; 4],
    pub people: [&'static str; 4],
    pub title: &'static str,
    pub note: &'static str,
}

pub const PLAIN: Names = Names {
    project: "Kleine Nacht",
    artist: "Mara Voss",
    songs: ["Glass Hour", "Paper Boats", "Low Sun", "Night Bus"],
    people: ["Mara Voss", "Ben Okafor", "Iris Lund", "Lena Ruiz"],
    title: "Warmer vocal",
    note: "The vocal is a little low in the second chorus, half a dB up should do.",
};

pub const LONG: Names = Names {
    project: "夜行列車とその他の物語（完全版・リマスター・ボーナストラック付き）",
    artist: "東京深夜合唱団と仲間たちのオーケストラ",
    songs: [
        "終電のあとで誰もいないホームに立っていた僕たちの長い長い夜の歌",
        "A title that was clearly written by somebody who has never had to fit one on a record label",
        "햇빛이 낮게 드리운 오후의 긴 그림자",
        "👩‍👩‍👧‍👦 Família: canção de ninar para todas as noites sem dormir",
    ],
    people: [
        "高橋真理子アレクサンドラ",
        "Bartholomew Featherstonehaugh-Cholmondeley III",
        "이하늘별빛",
        "Lena María de los Ángeles Ruiz",
    ],
    title: "ボーカルを少し上げて、低音をきれいにした第二版（仮）",
    note: "二番のサビでボーカルが少し小さいです。半デシベル上げてください。あと、最後のリバーブが長すぎると思います。",
};

/// Names that attack a terminal, and what must never come out of one.
pub const HOSTILE: Names = Names {
    project: "Evil\x1b]52;c;ZXZpbA==\x07 Twin",
    artist: "\u{202e}toR dlO\u{2066}",
    songs: ["Clear\x1b[2J\x1b[H", "Bell\x07\x08\x08", "C1\u{9b}31m", "Zero\u{200b}\u{feff}Width"],
    people: ["Ana\x1b[31m", "B\u{202e}en", "I\x00ris", "L\u{e0041}ena"],
    title: "\x1bP+q\x1b\\title",
    note: "one\r\ntwo\x1b[1;1H\u{2029}three",
};

pub fn person(at: usize, names: Names) -> Person {
    Person {
        person_id: format!("p{at}"),
        name: names.people[at].into(),
        email: "someone@example.org".into(),
        studio_owner: false,
        ..Person::default()
    }
}

pub const ROLES: [Role; 4] = [Role::Artist, Role::MixEngineer, Role::MasteringEngineer, Role::Label];

pub fn yes(action: &str) -> Allowed {
    Allowed { action: action.into(), yes: true, ..Allowed::default() }
}

/// Allowed, and this follows from it.
pub fn then(action: &str, text: &str) -> Allowed {
    Allowed { text: text.into(), ..yes(action) }
}

pub fn no(action: &str, reason: &str, text: &str, hint: &str) -> Allowed {
    Allowed { action: action.into(), yes: false, reason: reason.into(), text: text.into(), hint: hint.into() }
}

pub fn facts(lufs: f64, dbtp: f64) -> AudioFacts {
    AudioFacts {
        container: "wav".into(),
        codec: "pcm".into(),
        sample_rate: 48_000,
        channels: 2,
        bits: 24,
        frames: 48_000 * 204,
        bytes: 58_752_044,
        integrated_lufs: lufs,
        loudness_range_lu: 6.1,
        max_momentary_lufs: lufs + 4.0,
        max_short_term_lufs: lufs + 2.2,
        true_peak_dbtp: dbtp,
        ..AudioFacts::default()
    }
}

fn file(alternate: &str, song: &str, digit: char, lufs: f64) -> VersionFile {
    VersionFile {
        alternate: alternate.into(),
        sha256: digit.to_string().repeat(64),
        name: format!("{song} {alternate}.wav"),
        facts: Some(facts(lufs, -1.3)),
        may_fetch: true,
    }
}

fn mixes(song: &str) -> Vec<VersionFile> {
    vec![
        file("main", song, 'a', -16.2),
        file("vocal-up+0.5", song, 'b', -16.0),
        file("instrumental", song, 'c', -17.4),
    ]
}

/// A master: each alternate in every format asked.
fn formats(song: &str) -> Vec<VersionFile> {
    let mut files = Vec::new();
    for (at, (alternate, lufs)) in [("main", -14.0), ("instrumental", -15.2)].into_iter().enumerate() {
        for (form, (container, sample_rate, bits)) in
            [("wav", 48_000, 24), ("flac", 48_000, 24), ("wav", 44_100, 16)].into_iter().enumerate()
        {
            let digit = char::from_digit(u32::try_from(at * 3 + form + 10).unwrap(), 16).unwrap();
            let mut file = file(alternate, song, digit, lufs);
            let facts = file.facts.as_mut().unwrap();
            facts.container = container.into();
            facts.sample_rate = sample_rate;
            facts.frames = u64::from(sample_rate) * 204;
            facts.bits = bits;
            files.push(file);
        }
    }
    files
}

pub fn version(id: &str, song: usize, kind: VersionKind, number: u32, names: Names) -> VersionRow {
    let title = names.songs[song];
    VersionRow {
        version_id: id.into(),
        song_id: format!("s{song}"),
        kind: kind.into(),
        number,
        title: if number > 1 { names.title.into() } else { "First pass".into() },
        changelog: String::new(),
        uploaded_by: names.people[1].into(),
        uploaded_by_id: "p1".into(),
        at_ms: NOW_MS - (10 - i64::from(number)) * HOUR,
        fingerprint: format!("{number:x}9c4e1d7a0b35f68").repeat(4),
        superseded: false,
        files: if kind == VersionKind::Master { formats(title) } else { mixes(title) },
        preflight: Vec::new(),
        render_id: String::new(),
        allowed: vec![
            yes("add_note"),
            then("request_revision", "This is round 2 of 2 included."),
            yes("approve"),
        ],
        ..VersionRow::default()
    }
}

fn song(at: usize, stage: Stage, candidate: &str, waits: &str, names: Names) -> SongRow {
    SongRow {
        song_id: format!("s{at}"),
        title: names.songs[at].into(),
        position: u32::try_from(at).unwrap() + 1,
        stage: stage.into(),
        candidate_version_id: candidate.into(),
        rounds_used: 1,
        open_notes: if at == 0 { 2 } else { 0 },
        waits_for: waits.into(),
        allowed: vec![
            yes("add_version"),
            yes("hold"),
            yes("set_recipe"),
            yes("start_render"),
            no(
                "make_delivery",
                "NOT_DELIVERED_YET",
                "Glass Hour is still in mixing.",
                "Approve the master first.",
            ),
        ],
        ..SongRow::default()
    }
}

/// Notes `m0`, `m1`, ... a tenth of a second apart, every fourth a reply to the one before.
pub fn many_notes(count: u64) -> Vec<Row> {
    let row_of = |at: u64| {
        let mut note = note(&format!("m{at}"), 0, Some(at * 100), PLAIN.note, PLAIN);
        if at % 4 == 3 {
            note.parent_note_id = format!("m{}", at - 1);
        }
        row(&format!("note/m{at}"), Of::Note(note))
    };
    (0..count).map(row_of).collect()
}

fn note(id: &str, author: usize, start_ms: Option<u64>, text: &str, names: Names) -> NoteRow {
    NoteRow {
        note_id: id.into(),
        song_id: "s0".into(),
        version_id: "v1".into(),
        author: names.people[author].into(),
        author_id: format!("p{author}"),
        author_role: ROLES[author].into(),
        at_ms: NOW_MS - 3 * HOUR,
        start_ms,
        text: text.into(),
        state: NoteState::Open.into(),
        allowed: vec![
            yes("add_note"),
            yes("address_note"),
            no(
                "accept_note",
                "NOT_ADDRESSED",
                "This note is not marked as done yet.",
                "Wait until an engineer marks it.",
            ),
        ],
        ..NoteRow::default()
    }
}

fn notes(names: Names) -> Vec<NoteRow> {
    let mut ranged = note("n1", 0, Some(83_400), names.note, names);
    ranged.end_ms = Some(97_000);
    ranged.checklist = vec![
        ChecklistItem { text: "vocal +0.5 dB".into(), done: true },
        ChecklistItem { text: "check the last chorus too".into(), done: false },
    ];
    let mut addressed = note("n2", 3, Some(12_500), "Click before the first word.", names);
    addressed.state = NoteState::Addressed.into();
    addressed.addressed_in_version_id = "v2".into();
    let mut accepted = note("n3", 0, Some(190_000), "Fade is too short.", names);
    accepted.state = NoteState::Accepted.into();
    let mut reply = note("n4", 1, None, "Half a dB it is, in the next one.", names);
    reply.parent_note_id = "n1".into();
    vec![
        ranged,
        addressed,
        accepted,
        reply,
        note("n5", 3, None, "Overall brighter than the demo, good.", names),
    ]
}

fn gate(names: Names) -> GateRow {
    GateRow {
        song_id: "s0".into(),
        stage: Stage::Mixing.into(),
        met: false,
        lines: vec![
            GateLine {
                met: true,
                code: "ROLE".into(),
                text: format!("Artist: 1 of 1 approvals, by {}.", names.people[0]),
            },
            GateLine {
                met: false,
                code: "ROLE".into(),
                text: format!("Label: 0 of 1 approvals; waits for {}.", names.people[3]),
            },
            GateLine {
                met: true,
                code: "ALTERNATES".into(),
                text: "All required alternates are here.".into(),
            },
        ],
        approvals: vec![ApprovalView {
            approval_id: "a1".into(),
            person_id: "p0".into(),
            name: names.people[0].into(),
            role: Role::Artist.into(),
            version_id: "v2".into(),
            fingerprint: "29".repeat(32),
            at_ms: NOW_MS - HOUR,
            state: ApprovalState::Counts.into(),
            reason: String::new(),
            ..ApprovalView::default()
        }],
    }
}

pub const RECIPE: &str = "# Loud enough, not louder.\ntarget_lufs = -14.0\nceiling_dbtp = -1.0\n\n[limiter]\nlookahead_ms = 3.0\nslow_release_ms = 300.0\n";

pub fn render(state: RenderState) -> RenderRow {
    let done = state == RenderState::Done;
    RenderRow {
        render_id: "r1".into(),
        song_id: "s2".into(),
        source_version_id: "v4".into(),
        recipe_toml: RECIPE.into(),
        recipe_hash: "5d41402abc4b2a76".repeat(4),
        engine: "deadwax-dsp 0.1.0".into(),
        state: state.into(),
        attempt: 1,
        reason: if state == RenderState::Failed {
            "The source could not be decoded past 1:03.".into()
        } else {
            String::new()
        },
        master_version_id: if done { "v5".into() } else { String::new() },
        report_json: if done {
            r#"{"target_lufs":-14.0,"ceiling_dbtp":-1.0,"reached":true,"reason":null,"gain_db":2.2,"max_gain_reduction_db":1.4,"input":{"integrated_lufs":-16.2},"outputs":[{"alternate":"main","encoding":"wav24","sample_rate":48000,"bits":24,"integrated_lufs":-14.02,"true_peak_dbtp":-1.01,"loudness_range_lu":5.2,"max_short_term_lufs":-11.8}]}"#.into()
        } else {
            String::new()
        },
        at_ms: NOW_MS - 20 * MINUTE,
        requested_by: "the mix gate".into(),
        has_sheet: done,
        allowed: vec![no("cancel_render", "RENDER_ENDED", "This render has ended.", "")],
    }
}

pub fn recipe(number: u32, why: &str, names: Names) -> RecipeRow {
    RecipeRow {
        song_id: "s2".into(),
        number,
        toml: RECIPE.into(),
        hash: "5d41402abc4b2a76".repeat(4),
        by: names.people[2].into(),
        at_ms: NOW_MS - HOUR,
        why: why.into(),
    }
}

pub fn row(key: &str, of: Of) -> Row {
    Row { key: key.into(), row: Some(of) }
}

/// Everything that the person at this place sees.
pub fn rows(me: usize, names: Names) -> Vec<Row> {
    let mut old = version("v1", 0, VersionKind::Mix, 1, names);
    old.superseded = true;
    old.allowed = vec![no(
        "approve",
        "VERSION_SUPERSEDED",
        "Mix 1 was superseded by Mix 2.",
        "Look at Mix 2 and approve that one.",
    )];
    let mut mastering =
        song(2, Stage::Mastering, "v5", "Master 1 waits for the approval of the label.", names);
    mastering.recipe_toml = RECIPE.into();
    let mut all = vec![
        row(
            "project",
            Of::Project(ProjectRow {
                project_id: "P".into(),
                title: names.project.into(),
                artist: names.artist.into(),
                your_roles: vec![ROLES[me].into()],
                rounds_included: 2,
                self_approval: false,
                allowed: Vec::new(),
                gates: vec![GateRule {
                    stage: Stage::Mixing.into(),
                    needs: vec![
                        Need { any_of: vec![Role::Artist.into()], count: 1 },
                        Need { any_of: vec![Role::Label.into()], count: 1 },
                    ],
                    required_alternates: vec!["instrumental".into()],
                    open_notes_allowed: true,
                    ..GateRule::default()
                }],
                ..ProjectRow::default()
            }),
        ),
        row(
            "song/s0",
            Of::Song(song(0, Stage::Mixing, "v2", "Mix 2 waits for the approval of the label.", names)),
        ),
        row("song/s1", Of::Song(song(1, Stage::Recording, "", "The first take is not uploaded yet.", names))),
        row("song/s2", Of::Song(mastering)),
        row("song/s3", Of::Song(song(3, Stage::Delivered, "v6", "Nothing: it was delivered.", names))),
        row("gate/s0", Of::Gate(gate(names))),
        row("version/v1", Of::Version(old)),
        row("version/v2", Of::Version(version("v2", 0, VersionKind::Mix, 2, names))),
        row("version/v4", Of::Version(version("v4", 2, VersionKind::Mix, 3, names))),
        row("version/v5", Of::Version(version("v5", 2, VersionKind::Master, 1, names))),
        row("version/v6", Of::Version(version("v6", 3, VersionKind::Master, 1, names))),
        row("render/r1", Of::Render(render(RenderState::Done))),
        row("recipe/s2/1", Of::Recipe(recipe(1, "A start.", names))),
        row("recipe/s2/2", Of::Recipe(recipe(2, names.note, names))),
    ];
    all.extend((0..4).map(|at| {
        row(
            &format!("member/p{at}"),
            Of::Member(MemberRow {
                keys: Vec::new(),
                person_id: format!("p{at}"),
                name: names.people[at].into(),
                roles: vec![ROLES[at].into()],
                allowed: Vec::new(),
            }),
        )
    }));
    all.extend(notes(names).into_iter().map(|it| row(&format!("note/{}", it.note_id), Of::Note(it))));
    all
}

pub fn summary(me: usize, names: Names) -> ProjectSummary {
    ProjectSummary {
        project_id: "P".into(),
        title: names.project.into(),
        artist: names.artist.into(),
        seq: 40,
        songs: 4,
        songs_delivered: 1,
        your_roles: vec![ROLES[me].into()],
        songs_recording: 1,
        songs_mixing: 1,
        songs_mastering: 1,
        changed_ms: NOW_MS - 40 * MINUTE,
    }
}

pub fn desk(names: Names) -> Vec<DeskRow> {
    let of = |key: &str, song: usize, kind: DeskKind, text: &str, target: &str, ago: i64| DeskRow {
        key: key.into(),
        project_id: "P".into(),
        project_title: names.project.into(),
        song_id: format!("s{song}"),
        song_title: names.songs[song].into(),
        kind: kind.into(),
        text: text.into(),
        since_ms: NOW_MS - ago,
        target_key: target.into(),
        ..DeskRow::default()
    };
    vec![
        of("d1", 0, DeskKind::Approve, "Approve Mix 2 as label.", "version/v2", 40 * MINUTE),
        of("d2", 0, DeskKind::Note, "Your note at 0:12 was marked as done in Mix 2.", "note/n2", 5 * HOUR),
        of("d3", 2, DeskKind::RenderFailed, "The render of Low Sun failed.", "render/r1", 30 * HOUR),
    ]
}

/// A picture that swells and falls, so that its shape can be judged by eye.
pub fn wave(columns: u32) -> WaveformResponse {
    let peak = |at: u32| {
        let x = f64::from(at) / f64::from(columns);
        let swell = 0.25 + 0.6 * (x * std::f64::consts::PI * 3.0).sin().abs();
        (swell * 30_000.0) as i32
    };
    WaveformResponse {
        sample_rate: 48_000,
        channels: 1,
        frames: 48_000 * 204,
        min: (0..columns).map(|at| -peak(at)).collect(),
        max: (0..columns).map(peak).collect(),
        short_term_lufs: (0..columns)
            .map(|at| (20.0 * (f64::from(peak(at)) / 30_000.0).log10() - 11.0) as f32)
            .collect(),
        ..WaveformResponse::default()
    }
}
