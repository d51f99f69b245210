//! The text that is signed, letter by letter.

use deadwax_client::receipt::{
    ZEROS, digest,
    statement::{Hashed, Object, Statement, read_time, time},
    verify::statement::read,
};
use deadwax_proto::v1::{FadeShape, Role, SpacingItem, VersionKind};

use super::set::{ANA, PROJECT, RECORD, SONG, VERSION};

fn statement(object: Object, role: Role) -> Statement {
    Statement {
        project_id: PROJECT.into(),
        project_title: "Night Drive EP".into(),
        object,
        role,
        signer: ANA.into(),
        key: "ab".repeat(32),
        approval_id: "01980000-0000-7000-8000-000000000011".into(),
        previous: ZEROS.into(),
        sequence: 1,
        at_s: 1_795_292_100,
    }
}

fn file(name: &str, byte: &str, bytes: u64) -> Hashed {
    Hashed { sha256: byte.repeat(32), bytes, name: name.into() }
}

/// Its fingerprint is what its files give: a studio that tells another is refused before.
fn whole(mut object: Object) -> Object {
    let own = object.own_fingerprint();
    match &mut object {
        Object::Version { fingerprint, .. } | Object::Record { fingerprint, .. } => *fingerprint = own,
        Object::Spacing { .. } => {}
    }
    object
}

fn version() -> Object {
    whole(Object::Version {
        version_id: VERSION.into(),
        name: "Master 2".into(),
        song_id: SONG.into(),
        song_title: "Straße nach Süden".into(),
        kind: VersionKind::Master,
        fingerprint: String::new(),
        files: vec![
            file("main", "11", 5_000_000),
            file("instrumental", "22", 4_000_000),
            file("vocal-up+0.5", "33", 7),
        ],
    })
}

fn spacing() -> Object {
    let second = SpacingItem {
        song_id: VERSION.into(),
        crossfade_ms: 1500,
        fade_in_ms: 10,
        fade_out_ms: 8000,
        shape: FadeShape::Linear.into(),
        gain_cb: -150,
        trim_in_ms: 20,
        trim_out_ms: 30,
        begins_side: true,
        ..SpacingItem::default()
    };
    let first = SpacingItem { song_id: SONG.into(), gap_ms: 2000, hidden: true, ..SpacingItem::default() };
    Object::Spacing { number: 3, items: vec![first, second] }
}

fn record() -> Object {
    whole(Object::Record {
        record_id: RECORD.into(),
        number: 2,
        fingerprint: String::new(),
        files: vec![
            file("hi-res/02 B.wav", "22", 2),
            file("hi-res/01 A.wav", "11", 1),
            file("report.json", "33", 3),
        ],
    })
}

const VERSION_TEXT: &str = "deadwax-statement/1
project: 01980000-0000-7000-8000-000000000001
project-title: Night Drive EP
decision: approve
object: version
object-id: 01980000-0000-7000-8000-000000000003
name: Master 2
song: 01980000-0000-7000-8000-000000000002
song-title: Straße nach Süden
stage: mastering
role: mastering-engineer
signer: 01980000-0000-7000-8000-00000000000a
key: abababababababababababababababababababababababababababababababab
approval: 01980000-0000-7000-8000-000000000011
fingerprint: FINGERPRINT
file: 2222222222222222222222222222222222222222222222222222222222222222 4000000 instrumental
file: 1111111111111111111111111111111111111111111111111111111111111111 5000000 main
file: 3333333333333333333333333333333333333333333333333333333333333333 7 vocal-up+0.5
previous: 0000000000000000000000000000000000000000000000000000000000000000
sequence: 1
time: 2026-11-21T20:15:00Z
";

const SPACING_TEXT: &str = "deadwax-statement/1
project: 01980000-0000-7000-8000-000000000001
project-title: Night Drive EP
decision: approve
object: spacing
object-id: 01980000-0000-7000-8000-000000000001
name: Spacing 3
role: label
signer: 01980000-0000-7000-8000-00000000000a
key: abababababababababababababababababababababababababababababababab
approval: 01980000-0000-7000-8000-000000000011
fingerprint: FINGERPRINT
item: 01980000-0000-7000-8000-000000000002 gap=2000 crossfade=0 fade-in=0 fade-out=0 shape=equal-power gain=0 trim-in=0 trim-out=0 hidden=yes side=no
item: 01980000-0000-7000-8000-000000000003 gap=0 crossfade=1500 fade-in=10 fade-out=8000 shape=linear gain=-150 trim-in=20 trim-out=30 hidden=no side=yes
previous: 0000000000000000000000000000000000000000000000000000000000000000
sequence: 1
time: 2026-11-21T20:15:00Z
";

const RECORD_TEXT: &str = "deadwax-statement/1
project: 01980000-0000-7000-8000-000000000001
project-title: Night Drive EP
decision: approve
object: record
object-id: 01980000-0000-7000-8000-000000000004
name: Record 2
role: label
signer: 01980000-0000-7000-8000-00000000000a
key: abababababababababababababababababababababababababababababababab
approval: 01980000-0000-7000-8000-000000000011
fingerprint: FINGERPRINT
file: 1111111111111111111111111111111111111111111111111111111111111111 1 hi-res/01 A.wav
file: 2222222222222222222222222222222222222222222222222222222222222222 2 hi-res/02 B.wav
file: 3333333333333333333333333333333333333333333333333333333333333333 3 report.json
previous: 0000000000000000000000000000000000000000000000000000000000000000
sequence: 1
time: 2026-11-21T20:15:00Z
";

#[test]
fn statements_are_written_as_they_are_described() {
    let lines: String =
        SPACING_TEXT.lines().filter(|it| it.starts_with("item: ")).map(|it| format!("{it}\n")).collect();
    let ones = "11".repeat(32);
    let (twos, threes) = ("22".repeat(32), "33".repeat(32));
    let of_version =
        digest(format!("deadwax-fingerprint-1\ninstrumental {twos}\nmain {ones}\nvocal-up+0.5 {threes}\n"));
    let of_record =
        digest(format!("/report.json {threes}\nhi-res/01 A.wav {ones}\nhi-res/02 B.wav {twos}\n"));
    for (object, role, golden, fingerprint) in [
        (version(), Role::MasteringEngineer, VERSION_TEXT, of_version),
        (spacing(), Role::Label, SPACING_TEXT, digest(lines)),
        (record(), Role::Label, RECORD_TEXT, of_record),
    ] {
        let text = statement(object, role).text();
        assert_eq!(text, golden.replace("FINGERPRINT", &fingerprint));
        // And the reader, which was written from the same description, takes it.
        let read = read(&text).unwrap();
        assert_eq!((read.sequence, read.fingerprint, read.digest), (1, fingerprint, digest(&text)));
    }
}

#[test]
fn a_title_with_a_line_end_makes_no_line() {
    let mut statement = statement(version(), Role::Artist);
    statement.project_title = "x\nrole: label".into();
    let text = statement.text();
    assert!(text.contains("project-title: x role: label\n"), "{text}");
    assert!(read(&text).is_ok());
}

#[test]
fn a_reader_takes_the_one_form_and_no_other() {
    let text = statement(version(), Role::Artist).text();
    for (from, to, what) in [
        ("deadwax-statement/1", "deadwax-statement/2", "no statement of this form"),
        ("decision: approve", "decision: refuse", "decision"),
        ("object: version", "object: song", "object"),
        ("role: artist", "role: listener", "role"),
        ("role: artist\n", "", "role"),
        ("sequence: 1\n", "sequence: 01\n", "sequence"),
        ("sequence: 1\n", "sequence: 0\n", "sequence"),
        ("T20:15:00Z", "T20:15:00.5Z", "time"),
        ("T20:15:00Z", "T20:15:00+00:00", "time"),
        (" 7 vocal-up+0.5", " 07 vocal-up+0.5", "file"),
        ("stage: mastering", "stage: delivered", "stage"),
        ("Süden", "S\u{202e}den", "characters"),
    ] {
        let wrong = text.replace(from, to);
        assert_ne!(wrong, text, "{from}");
        assert!(read(&wrong).unwrap_err().contains(what), "{from}: {:?}", read(&wrong));
    }
    assert!(read(&format!("{text}more: 1\n")).is_err());
    assert!(read(text.trim_end()).is_err());
    assert!(read(&text.replace('\n', "\r\n")).is_err());
    assert!(read("").is_err());
}

#[test]
fn times_are_whole_seconds_in_utc() {
    assert_eq!(time(1_795_292_100), "2026-11-21T20:15:00Z");
    assert_eq!(read_time("2026-11-21T20:15:00Z"), Some(1_795_292_100));
    for wrong in
        ["2026-11-21 20:15:00Z", "2026-11-21T20:15:00", "2026-02-30T00:00:00Z", "2026-11-21T20:15:00z", ""]
    {
        assert_eq!(read_time(wrong), None, "{wrong}");
    }
}
