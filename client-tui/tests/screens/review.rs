//! The sample studio in the middle of a review: a note that the edit moved, verdicts, mixes that compete, dates, a handoff, an override.

use deadwax_proto::v1::{row::Row as Of, *};

use crate::{
    sample::{self, HOUR, MINUTE, NOW_MS, Names, then, yes},
    seat::Seat,
};

const DAY: i64 = 24 * HOUR;

/// The row of that key, changed.
pub fn changed(me: usize, names: Names, key: &str, change: impl FnOnce(&mut Of)) -> Row {
    let mut row = sample::rows(me, names).into_iter().find(|row| row.key == key).unwrap();
    change(row.row.as_mut().unwrap());
    row
}

pub fn version(me: usize, names: Names, id: &str, change: impl FnOnce(&mut VersionRow)) -> Row {
    changed(me, names, &format!("version/{id}"), |of| {
        if let Of::Version(it) = of {
            change(it);
        }
    })
}

pub fn song(me: usize, names: Names, id: &str, change: impl FnOnce(&mut SongRow)) -> Row {
    changed(me, names, &format!("song/{id}"), |of| {
        if let Of::Song(it) = of {
            change(it);
        }
    })
}

pub fn note(me: usize, names: Names, id: &str, change: impl FnOnce(&mut NoteRow)) -> Row {
    changed(me, names, &format!("note/{id}"), |of| {
        if let Of::Note(it) = of {
            change(it);
        }
    })
}

pub fn project(me: usize, names: Names, change: impl FnOnce(&mut ProjectRow)) -> Row {
    changed(me, names, "project", |of| {
        if let Of::Project(it) = of {
            change(it);
        }
    })
}

/// Mix 2 was examined: the intro is three seconds shorter, one note was done, one was not, one spoke of what was cut.
pub fn examined(me: usize, names: Names) -> Vec<Row> {
    let place = |kind: PlaceKind, start_ms: Option<u64>, end_ms: Option<u64>| NotePlace {
        version_id: "v2".into(),
        kind: kind.into(),
        start_ms,
        end_ms,
    };
    let verdict = |verdict: Verdict, text: &str| NoteVerdict {
        version_id: "v2".into(),
        verdict: verdict.into(),
        text: text.into(),
    };
    vec![
        version(me, names, "v2", |it| {
            it.examination = Some(ExaminationView {
                state: ExaminationState::Done.into(),
                against_version_id: "v1".into(),
                changes: vec![
                    "3.0 s cut at 0:00.".into(),
                    "+0.8 dB, 1-4 kHz, 1:20-1:34.".into(),
                    names.note.into(),
                ],
                residual_db: Some(-31.4),
                notes_changed: 1,
                notes_untouched: 2,
                ..ExaminationView::default()
            });
            it.preflight = vec![Finding {
                block: true,
                code: "TAIL_CUT".into(),
                text: "The sound stops at -32 dBFS.".into(),
                alternate: "instrumental".into(),
                source: "handoff practice of mastering houses".into(),
                mend: "Export again with the whole reverb tail.".into(),
            }];
        }),
        note(me, names, "n1", |it| {
            it.places = vec![place(PlaceKind::Moved, Some(80_400), Some(94_000))];
            it.verdicts = vec![verdict(Verdict::Changed, "change found: +0.8 dB, 1-4 kHz, 1:20-1:34")];
            it.allowed.push(yes("move_note"));
            it.addressee = names.people[1].into();
        }),
        note(me, names, "n2", |it| {
            it.places = vec![place(PlaceKind::Moved, Some(9_500), None)];
            it.verdicts = vec![verdict(Verdict::Untouched, "no change found")];
        }),
        sample::row("note/n6", Of::Note(cut(names, place(PlaceKind::Gone, Some(0), None)))),
        gate_full(me, names),
        song(me, names, "s0", |it| {
            it.due_ms = NOW_MS + 2 * DAY;
            it.open_notes = 3;
        }),
    ]
}

fn cut(names: Names, place: NotePlace) -> NoteRow {
    NoteRow {
        note_id: "n6".into(),
        song_id: "s0".into(),
        version_id: "v1".into(),
        author: names.people[3].into(),
        author_id: "p3".into(),
        author_role: Role::Label.into(),
        at_ms: NOW_MS - HOUR,
        start_ms: Some(1_500),
        text: "The hiss before the first bar.".into(),
        state: NoteState::Open.into(),
        places: vec![place],
        ..NoteRow::default()
    }
}

/// Every line that a gate can say.
fn gate_full(me: usize, names: Names) -> Row {
    let line = |met: bool, code: &str, text: String| GateLine { met, code: code.into(), text };
    changed(me, names, "gate/s0", |of| {
        let Of::Gate(gate) = of else { return };
        gate.lines = vec![
            line(true, "CANDIDATE", "Mix 2 is the candidate.".into()),
            line(false, "APPROVALS", format!("Label: 0 of 1 approvals; waits for {}.", names.people[3])),
            line(false, "HEARD", format!("{} has heard 61 % of Mix 2; 95 % are asked.", names.people[3])),
            line(false, "NOBODY_HOLDS_ROLE", "Nobody is producer here.".into()),
            line(false, "PREFLIGHT", "Preflight blocks the instrumental.".into()),
            line(true, "EXAMINATION", "Mix 2 was examined.".into()),
            line(true, "ALTERNATES", "All required alternates are here.".into()),
            line(true, "UNTOUCHED_NOTES", "2 of 3 open notes are untouched in Mix 2.".into()),
            line(true, "DEADLINE", "Two days are left.".into()),
        ];
        let approval = &mut gate.approvals[0];
        approval.version_id = "v1".into();
        approval.heard_percent = 97;
        approval.carried_to_version_id = "v2".into();
        approval.carried_why = "the same samples".into();
        gate.approvals.push(ApprovalView {
            approval_id: "a2".into(),
            person_id: "p2".into(),
            name: names.people[2].into(),
            role: Role::Producer.into(),
            state: ApprovalState::Hold.into(),
            reason: names.note.into(),
            ..ApprovalView::default()
        });
    })
}

fn mix(id: &str, line: &str, number: u32, names: Names) -> VersionRow {
    let mut row = sample::version(id, 0, VersionKind::Mix, number, names);
    row.line = line.into();
    row.name = format!("Mix {line} {number}");
    row.title = String::new();
    row.uploaded_by = String::new();
    row.superseded = false;
    row.allowed.push(then("pick_mix", "The others are kept and closed with thanks."));
    row
}

fn lines(names: Names, picked: bool) -> Vec<Line> {
    ["A", "B"]
        .into_iter()
        .zip(["v1", "v2"])
        .enumerate()
        .map(|(at, (letter, newest))| Line {
            letter: letter.into(),
            engineer: if picked { names.people[at + 1].into() } else { String::new() },
            engineer_id: if picked { format!("p{}", at + 1) } else { String::new() },
            newest_version_id: newest.into(),
            closed_with_thanks: picked && at == 0,
        })
        .collect()
}

/// Two mixes of Glass Hour compete; blind until the pick.
pub fn shootout(me: usize, names: Names, picked: bool) -> Vec<Row> {
    let vote = |at: usize, role: Role, ranking: [&str; 2]| Vote {
        by: names.people[at].into(),
        role: role.into(),
        ranking: ranking.map(str::to_owned).into(),
        blind: true,
        matched_lufs: -18.0,
        reason: names.note.into(),
        at_ms: NOW_MS - HOUR,
    };
    let mut rows = vec![song(me, names, "s0", |it| {
        it.candidate_version_id = if picked { "v2".into() } else { String::new() };
        it.waits_for = "The pick of the label among Mix A 1 and Mix B 2.".into();
        it.allowed.extend([
            yes("open_shootout"),
            then("cast_vote", "Your vote is shown to everybody after the pick."),
        ]);
        it.shootout = Some(Shootout {
            shootout_id: "x".into(),
            opened_ms: NOW_MS - 5 * HOUR,
            opened_by: names.people[3].into(),
            blind: true,
            lines: lines(names, picked),
            votes: if picked {
                vec![vote(0, Role::Artist, ["v2", "v1"]), vote(3, Role::Label, ["v2", "v1"])]
            } else {
                Vec::new()
            },
            votes_cast: if picked { 2 } else { 1 },
            picked_version_id: if picked { "v2".into() } else { String::new() },
            picked_by: if picked { names.people[3].into() } else { String::new() },
            picked_ms: if picked { NOW_MS } else { 0 },
            reason: if picked { "The wider one.".into() } else { String::new() },
        });
    })];
    let mut a = mix("v1", "A", 1, names);
    a.closed_with_thanks = picked;
    rows.push(sample::row("version/v1", Of::Version(a)));
    rows.push(sample::row("version/v2", Of::Version(mix("v2", "B", 2, names))));
    rows
}

/// A label that is the manager too, with every decision open to it, each with what follows.
pub fn manager(names: Names) -> Vec<Row> {
    let decisions = |it: &mut SongRow| {
        it.allowed.extend([
            then(
                "override_gate",
                "2 lines of the gate are not met. History tells everybody, with your reason.",
            ),
            then("swap_mix", "Master 1 and its approvals count no more; the song goes back to mixing."),
            then("return_handoff", "The song goes back to mixing; the mix engineer is asked for a new mix."),
            yes("open_shootout"),
            yes("follow"),
        ]);
    };
    vec![
        project(3, names, |it| {
            it.your_roles = vec![Role::Label.into(), Role::Manager.into()];
            it.corrections_free = 1;
            it.cut_off_ms = NOW_MS + 20 * DAY;
            it.allowed = vec![yes("follow"), then("approve_spacing", "The gate of mastering asks for it.")];
            it.preflight = vec![PreflightRule {
                code: "FEW_BITS".into(),
                kind: VersionKind::Mix.into(),
                severity: Severity::Warn.into(),
                ..PreflightRule::default()
            }];
            it.gates[0].heard_percent = 95;
            it.gates[0].due_ms = NOW_MS + 2 * DAY;
            it.spacing = Some(Spacing {
                notes: Vec::new(),
                number: 3,
                items: (0..4)
                    .map(|at| SpacingItem {
                        song_id: format!("s{at}"),
                        gap_ms: at * 1_250,
                        ..SpacingItem::default()
                    })
                    .collect(),
                by: names.people[0].into(),
                at_ms: NOW_MS - HOUR,
                approvals: vec![ApprovalView {
                    name: names.people[0].into(),
                    role: Role::Artist.into(),
                    at_ms: NOW_MS - HOUR,
                    ..ApprovalView::default()
                }],
            });
        }),
        song(3, names, "s0", decisions),
        song(3, names, "s2", |it| {
            decisions(it);
            it.overdue = true;
            it.due_ms = NOW_MS - 3 * HOUR;
            it.handoff = Some(Handoff {
                version_id: "v4".into(),
                made_ms: NOW_MS - 4 * HOUR,
                state: HandoffState::Returned.into(),
                reason: names.note.into(),
                by: names.people[2].into(),
                items: vec![ReturnItem { alternate: "instrumental".into(), reason: "ends early".into() }],
                package: Some(Package {
                    name: "Kleine Nacht - Low Sun - Mix 3.zip".into(),
                    sha256: "7f".repeat(32),
                    bytes: 176_256_132,
                    made_ms: NOW_MS - 4 * HOUR,
                }),
            });
        }),
    ]
}

/// With dates, with others who wait, and with neither.
pub fn desk(names: Names) -> Vec<DeskRow> {
    let mut rows = sample::desk(names);
    rows[0].blocks = 3;
    rows[0].due_ms = NOW_MS - 3 * HOUR;
    rows[1].due_ms = NOW_MS + 2 * DAY;
    let listen = DeskRow {
        key: "d0".into(),
        kind: DeskKind::Listen.into(),
        text: names.note.into(),
        blocks: 1,
        due_ms: 0,
        ..rows[1].clone()
    };
    rows.insert(1, listen);
    rows
}

pub fn turnaround(names: Names) -> Vec<SongTurnaround> {
    let stay = |stage: Stage, from: i64, until: i64| StageTime {
        stage: stage.into(),
        from_ms: NOW_MS - from * HOUR,
        until_ms: if until == 0 { 0 } else { NOW_MS - until * HOUR },
    };
    let song = |at: usize, stages: Vec<StageTime>| SongTurnaround {
        song_id: format!("s{at}"),
        title: names.songs[at].into(),
        stages,
        rounds: 3,
        rounds_beyond_terms: u32::from(at == 2),
        versions: 5,
        returns: u32::from(at == 2),
        waited_for_engineers_ms: 30 * HOUR,
        waited_for_reviewers_ms: 70 * HOUR,
    };
    vec![
        song(0, vec![stay(Stage::Recording, 400, 200), stay(Stage::Mixing, 200, 0)]),
        song(1, vec![stay(Stage::Recording, 12, 0)]),
        song(
            2,
            vec![
                stay(Stage::Recording, 300, 250),
                stay(Stage::Mixing, 250, 120),
                stay(Stage::Mastering, 120, 100),
                stay(Stage::Mixing, 100, 50),
                stay(Stage::Mastering, 50, 0),
            ],
        ),
    ]
}

/// The label in front of Glass Hour, with these rows on top of the sample.
pub fn seat(size: (u16, u16), names: Names, rows: Vec<Row>) -> Seat {
    let mut seat = Seat::sample(size, 3, names);
    seat.rows(false, rows);
    seat.tell(deadwax_client::tui::Msg::Tick(NOW_MS + MINUTE / 2));
    seat.press("<enter>");
    seat
}
