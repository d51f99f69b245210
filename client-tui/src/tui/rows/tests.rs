//! The packed rows answer what a plain map of rows answers, whatever updates come.

use std::collections::BTreeMap;

use deadwax_proto::v1::{self, Row, Stage};
use proptest::{collection::vec, prelude::*};

use super::{store::SLOT_BYTES, *};

type Plain = BTreeMap<String, Of>;

const FEW: u8 = 6;

/// Every other id is a UUID, as a server makes them; the rest are as tests and other servers may make them.
fn id(number: u8) -> String {
    if number.is_multiple_of(2) {
        format!("01940000-0000-7000-8000-0000000000{number:02x}")
    } else {
        format!("x{number}")
    }
}

fn may(number: u8) -> Vec<Allowed> {
    let one = |at: u8| Allowed {
        action: ["add_note", "approve", "hold"][usize::from(at) % 3].into(),
        yes: number & (1 << at) != 0,
        reason: if at == 1 { BEYOND_TERMS.into() } else { String::new() },
        text: format!("Because of {}.", number % 3),
        hint: String::new(),
    };
    (0..number % 4).map(one).collect()
}

/// One row from some bytes: its kind, its id, its song and the rest.
fn row(drawn: [u8; 5]) -> Row {
    let [kind, own, song, x, y] = drawn;
    let (own, song_id) = (id(own % FEW), id(song % FEW));
    let at_ms = i64::from(y % 3) - 1;
    let (name, of) = match kind % 10 {
        0 => {
            ("project", Of::Project(ProjectRow { title: own.clone(), allowed: may(x), ..Default::default() }))
        }
        1 => (
            "member",
            Of::Member(MemberRow { person_id: own.clone(), allowed: may(x), ..Default::default() }),
        ),
        2 => ("song", Of::Song(song_row(&own, song_id, x, y))),
        3 => ("gate", Of::Gate(gate_row(&own, x, y))),
        4 => ("version", Of::Version(version_row(&own, song_id, x, y))),
        5 => ("note", Of::Note(note_row(&own, song_id, x, y))),
        6 => {
            let round = u32::from(x % 3);
            let request_id = own.clone();
            ("request", Of::Request(RequestRow { request_id, song_id, at_ms, round, ..Default::default() }))
        }
        7 => {
            let (render_id, allowed) = (own.clone(), may(x));
            ("render", Of::Render(RenderRow { render_id, song_id, at_ms, allowed, ..Default::default() }))
        }
        8 => {
            let delivery_id = own.clone();
            ("delivery", Of::Delivery(DeliveryRow { delivery_id, song_id, at_ms, ..Default::default() }))
        }
        _ => {
            let (song_id, number) = (if x % 2 == 0 { song_id } else { String::new() }, u32::from(y % 4));
            let key = format!("recipe/{song_id}/{number}");
            let of = RecipeRow { song_id, number, toml: format!("# {x}"), ..Default::default() };
            return Row { key, row: Some(Of::Recipe(of)) };
        }
    };
    // A project has one head, whatever it is called.
    let key = if name == "project" { name.to_owned() } else { format!("{name}/{own}") };
    Row { key, row: Some(of) }
}

fn song_row(own: &str, candidate: String, x: u8, y: u8) -> SongRow {
    SongRow {
        song_id: own.to_owned(),
        title: id(x % FEW),
        position: u32::from(x % 4),
        stage: i32::from(y % 7),
        waits_for: format!("waits {}", x % 2),
        recipe_toml: "[target]\nlufs = -14".into(),
        candidate_version_id: candidate,
        allowed: may(y),
        ..Default::default()
    }
}

fn gate_row(own: &str, x: u8, y: u8) -> GateRow {
    GateRow {
        song_id: own.to_owned(),
        met: x > 9,
        lines: vec![v1::GateLine { met: y > 9, code: "HEARD".into(), text: "heard".into() }; 2],
        ..Default::default()
    }
}

fn version_row(own: &str, song_id: String, x: u8, y: u8) -> VersionRow {
    let facts = AudioFacts { integrated_lufs: f64::NEG_INFINITY, frames: 7, ..Default::default() };
    VersionRow {
        version_id: own.to_owned(),
        song_id,
        kind: i32::from(x % 5) - 1,
        number: u32::from(y % 3),
        at_ms: i64::from(y % 3) - 1,
        allowed: may(x),
        files: vec![VersionFile { facts: Some(facts), ..Default::default() }],
        ..Default::default()
    }
}

fn note_row(own: &str, song_id: String, x: u8, y: u8) -> NoteRow {
    NoteRow {
        note_id: own.to_owned(),
        song_id,
        parent_note_id: if x.is_multiple_of(3) { id(y % FEW) } else { String::new() },
        start_ms: (x % 4 > 1).then(|| u64::from(x % 4)),
        state: i32::from(y % 5),
        author: "Mara Voss".into(),
        at_ms: i64::from(y % 3) - 1,
        text: format!("{x} {y}"),
        allowed: may(y),
        ..Default::default()
    }
}

fn all<T: Pick>(plain: &Plain) -> Vec<&T> {
    plain.values().filter_map(T::pick).collect()
}

fn sorted<T: Pick, K: Ord>(plain: &Plain, is: impl Fn(&T) -> bool, by: impl Fn(&T) -> K) -> Vec<&T> {
    let mut all: Vec<&T> = all(plain).into_iter().filter(|it| is(it)).collect();
    all.sort_by_key(|it| by(it));
    all
}

/// Every question, asked of both.
fn agree(packed: &Project, plain: &Plain) {
    use std::cmp::Reverse;
    assert_eq!(packed.len(), plain.len());
    for (key, row) in plain {
        assert_eq!(packed.get(key), Some(row), "{key}");
    }
    assert_eq!(packed.head(), plain.get(PROJECT_KEY).and_then(ProjectRow::pick));
    assert_eq!(packed.members(), all::<MemberRow>(plain));
    let order = |it: &SongRow| (it.position, it.song_id.clone());
    assert_eq!(packed.songs().iter().collect::<Vec<_>>(), sorted(plain, |_| true, order));
    for stage in [Stage::Unspecified, Stage::Recording, Stage::Mixing, Stage::Mastering, Stage::Delivered] {
        let songs = sorted(plain, |it: &SongRow| it.stage() == stage, order);
        let list = packed.songs_in(stage);
        assert_eq!(list.iter().collect::<Vec<_>>(), songs);
        for (at, song) in songs.iter().enumerate() {
            assert_eq!((list.place_of(&song.song_id), list.iter().nth(at)), (Some(at), Some(*song)));
        }
    }
    agree_unpacked(packed, plain);
    for song in (0..FEW).map(id).chain([String::new()]) {
        let of = |it: &VersionRow| it.song_id == song;
        let versions = sorted(plain, of, |it| Reverse((it.kind, it.number, it.at_ms)));
        assert_eq!(packed.newest_version(&song), versions.first().copied());
        assert_eq!(packed.versions(&song), versions);
        for settled in [false, true] {
            let is = |it: &NoteRow| {
                it.song_id == song && it.parent_note_id.is_empty() && (settled || !is_settled(it))
            };
            let notes = sorted(plain, is, |it| (it.start_ms, it.at_ms, it.note_id.clone()));
            assert_eq!(packed.notes(&song, settled).into_iter().collect::<Vec<_>>(), notes);
        }
        for note in all::<NoteRow>(plain) {
            let is = |it: &NoteRow| it.song_id == note.song_id && it.parent_note_id == note.note_id;
            assert_eq!(packed.replies(note), sorted(plain, is, |it| (it.at_ms, it.note_id.clone())));
        }
        let requests =
            sorted(plain, |it: &RequestRow| it.song_id == song, |it| Reverse((it.at_ms, it.round)));
        assert_eq!(packed.requests(&song), requests);
        let renders = sorted(
            plain,
            |it: &RenderRow| it.song_id == song,
            |it| Reverse((it.at_ms, it.render_id.clone())),
        );
        assert_eq!(packed.renders(&song), renders);
        let recipes = sorted(plain, |it: &RecipeRow| it.song_id == song, |it| Reverse(it.number));
        assert_eq!(packed.recipes(&song), recipes);
        let deliveries = sorted(plain, |it: &DeliveryRow| it.song_id == song, |it| Reverse(it.at_ms));
        assert_eq!(packed.deliveries(&song), deliveries);
    }
}

/// What is answered without unpacking a row, and what was remembered of an earlier answer.
fn agree_unpacked(packed: &Project, plain: &Plain) {
    let songs: Vec<&SongRow> = packed.songs().iter().collect();
    let ids = songs.iter().map(|it| it.song_id.clone());
    assert_eq!(packed.songs().ids().collect::<Vec<_>>(), ids.collect::<Vec<_>>());
    let words = |title: &str, stage: Stage, waits_for: &str| format!("{title} {stage:?} {waits_for}");
    let keeps = |text: &str| text.ends_with('1') || text.contains("Mastering") || text.contains("x3");
    let kept = packed.songs().sift("the same", |it| keeps(&words(&it.title, it.stage, &it.waits_for)));
    let plainly = songs.iter().map(|it| keeps(&words(&it.title, it.stage(), &it.waits_for)));
    assert_eq!(kept, plainly.enumerate().filter(|it| it.1).map(|it| it.0).collect::<Vec<_>>());
    let order = crate::tui::album::Album::default().order("p", packed);
    let lines = crate::tui::album::lines(packed, &order);
    assert_eq!(lines.len(), songs.len());
    for (line, song) in lines.iter().zip(songs) {
        assert_eq!(packed.song_id_numbered(line.song), song.song_id);
        assert_eq!((line.song(), packed.title_numbered(line.song)), (Some(song), song.title.clone()));
        let version = plain.get(&format!("version/{}", song.candidate_version_id));
        let version = version.and_then(VersionRow::pick);
        assert_eq!(line.version(), version);
        let facts = version.and_then(main_file).and_then(|it| it.facts.as_ref());
        assert_eq!(line.figures().map(|it| it.integrated_lufs), facts.map(|it| it.integrated_lufs));
        assert_eq!(line.length_ms, facts.map_or(0, duration_ms));
    }
}

fn take_plain(plain: &mut Plain, update: &Update) {
    if update.snapshot {
        plain.clear();
    }
    for row in &update.upserts {
        plain.insert(row.key.clone(), row.row.clone().unwrap());
    }
    for key in &update.removals {
        plain.remove(key);
    }
}

fn update(seq: u64, snapshot: bool, upserts: Vec<Row>, removals: Vec<String>) -> Update {
    Update { seq, snapshot, upserts, removals }
}

proptest! {
    #[test]
    fn packed_rows_answer_as_a_plain_map_does(
        steps in vec((0u8..12, vec(any::<[u8; 5]>(), 0..12), vec(any::<[u8; 5]>(), 0..3), any::<bool>()), 1..14)
    ) {
        let (mut packed, mut plain) = (Project::default(), Plain::new());
        for (at, (kind, rows, gone, many)) in steps.into_iter().enumerate() {
            // Repeated, a few rows are enough to be put in order together.
            let times = if many { 20 } else { 1 };
            let upserts: Vec<Row> =
                (0..times).flat_map(|_| rows.iter().copied().map(row)).collect();
            let removals = gone.into_iter().map(|it| row(it).key).collect();
            let it = update(at as u64 + 1, kind == 0, upserts, removals);
            take_plain(&mut plain, &it);
            packed.take(it, 0);
            if kind % 3 == 0 {
                agree(&packed, &plain);
            }
            packed.rest();
        }
        agree(&packed, &plain);
        let mut file = Vec::new();
        packed.freeze().write(&mut file).unwrap();
        let again = Project::thaw(&mut file.as_slice()).unwrap();
        agree(&again, &plain);
        prop_assert_eq!(again.seq, packed.seq);
        prop_assert_eq!(again.store.words_len(), packed.store.words_len());
        // A file that was cut or changed is refused, or is another project; it is never a panic.
        prop_assert!(Project::thaw(&mut &file[..file.len() - 1]).is_err());
        let at = file.len() * 2 / 3;
        file[at] ^= 0x55;
        if let Ok(odd) = Project::thaw(&mut file.as_slice()) {
            odd.songs().iter().for_each(drop);
        }
    }
}

fn note(number: u32, text: &str) -> Row {
    let note_id = uuid::Uuid::from_u128(u128::from(number)).to_string();
    let key = format!("note/{note_id}");
    let allowed = may(3);
    let row = NoteRow { note_id, song_id: id(0), text: text.into(), allowed, ..Default::default() };
    Row { key, row: Some(Of::Note(row)) }
}

#[test]
fn a_snapshot_of_several_messages_keeps_the_old_rows_until_its_end_and_marks_nothing() {
    let mut rows = Project::default();
    rows.take(update(9, true, vec![note(1, "a"), note(2, "b")], Vec::new()), 0);
    rows.take(update(0, true, vec![note(1, "a")], Vec::new()), 0);
    assert_eq!((rows.len(), rows.seq), (2, 0), "nothing blinks; a cut now asks from the beginning");
    rows.take(update(0, false, vec![note(3, "c")], Vec::new()), 0);
    rows.take(update(12, false, vec![note(4, "d")], Vec::new()), 0);
    assert_eq!((rows.len(), rows.seq), (3, 12));
    assert!(rows.get(&note(2, "").key).is_none() && rows.fresh.is_empty());
    rows.take(update(13, false, vec![note(4, "e"), note(1, "a")], Vec::new()), 0);
    assert!(rows.is_fresh(&note(4, "").key) && !rows.is_fresh(&note(1, "").key), "only what is new");
}

#[test]
fn bytes_and_words_of_rows_that_changed_or_went_are_given_back() {
    let mut rows = Project::default();
    rows.take(update(1, true, (0..2_000).map(|at| note(at, "first")).collect(), Vec::new()), 0);
    let (bytes, words) = (rows.store.bytes(), rows.store.words_len());
    for round in 0..40 {
        let text = format!("now {round:02}");
        rows.take(update(2 + round, false, (0..2_000).map(|at| note(at, &text)).collect(), Vec::new()), 0);
    }
    assert!(rows.store.bytes() < bytes * 2, "{} after {bytes}", rows.store.bytes());
    assert_eq!(rows.store.words_len(), words);
    rows.take(update(99, false, Vec::new(), (0..2_000).map(|at| note(at, "").key).collect()), 0);
    assert_eq!((rows.len(), rows.store.words_len()), (0, 0));
    assert!(rows.store.bytes() < 600_000, "{}", rows.store.bytes());
}

#[test]
fn a_note_among_many_takes_little_room() {
    let mut rows = Project::default();
    rows.take(update(1, true, (0..10_000).map(|at| note(at, "up by half a dB")).collect(), Vec::new()), 0);
    assert!(rows.store.bytes() < 10_000 * 72, "{} bytes", rows.store.bytes());
    const { assert!(SLOT_BYTES <= 32) };
    assert_eq!(rows.answer("approve", &[note(7, "").key]).map(|it| it.yes), Some(true));
}

/// However rows lie in memory: what another release of the client wrote is read.
#[test]
fn a_file_says_of_each_row_its_kind_its_lengths_in_four_bytes_each_its_key_and_its_body() {
    let mut rows = Project::default();
    let long = "x".repeat(300);
    rows.take(update(7, true, vec![note(1, &long), note(2, "b")], Vec::new()), 0);
    let mut file = Vec::new();
    rows.freeze().write(&mut file).unwrap();
    let (mut at, number) = (8, |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize);
    assert_eq!(file[..at], 7u64.to_le_bytes());
    let words = number(at);
    at += 4;
    for _ in 0..words {
        at += 4 + number(at);
    }
    assert_eq!(number(at), 2, "rows");
    at += 4;
    for (id, text) in [(1u128, long.as_str()), (2, "b")] {
        let (key, body) = (number(at + 1), number(at + 5));
        assert_eq!((file[at], key), (5, 17), "a note, and its key as a byte for the kind and 16 for the id");
        at += 9;
        assert_eq!((file[at], &file[at + 1..at + key]), (6, &id.to_be_bytes()[..]));
        let is_told = |body: &[u8]| body.windows(text.len()).any(|it| it == text.as_bytes());
        assert!(is_told(&file[at + key..at + key + body]));
        at += key + body;
    }
    assert_eq!(at, file.len());
}

#[test]
fn a_row_of_ones_own_gives_way_to_the_servers_and_is_never_kept() {
    let mut rows = Project::default();
    rows.take(update(1, true, vec![note(1, "a")], Vec::new()), 0);
    let ours = note(2, "mine");
    rows.expect(&ours.key, ours.row.as_ref().unwrap());
    rows.expect(&note(1, "").key, note(1, "not this").row.as_ref().unwrap());
    assert_eq!(
        rows.notes(&id(0), false).iter().map(|it| it.text.as_str()).collect::<Vec<_>>(),
        ["a", "mine"]
    );
    let mut file = Vec::new();
    rows.freeze().write(&mut file).unwrap();
    assert_eq!(Project::thaw(&mut file.as_slice()).unwrap().len(), 1);
    rows.take(update(2, true, vec![note(1, "a")], Vec::new()), 0);
    assert_eq!(rows.len(), 2, "a snapshot of before it came leaves it");
    rows.take(update(3, false, vec![note(2, "mine")], Vec::new()), 0);
    rows.expect_no_more(&ours.key);
    assert_eq!(rows.len(), 2, "it is the server's now");
    rows.expect(&note(3, "").key, note(3, "no").row.as_ref().unwrap());
    rows.expect_no_more(&note(3, "").key);
    assert_eq!(rows.len(), 2);
}
