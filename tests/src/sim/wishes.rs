//! What somebody wants to do next, by their role and by what stands on their screen; drawn by lot. Some of it is refused, and should be. Never here: lines.

use std::collections::BTreeMap;

use deadwax_proto::v1::{self, Role, Stage, VersionKind, action::Action, row::Row as Kind};
use deadwax_server::disk::faulty::Dice;

use super::people::{Seat, new_id};
use crate::history::Screen;

pub enum Wish {
    Ask {
        action: Box<Action>,
        /// Only where the project stands at what was seen.
        expected: Option<u64>,
    },
    Upload {
        song_id: String,
        kind: VersionKind,
    },
}

const SONGS_MAX: usize = 4;

pub fn wish(seat: &Seat, screen: &Screen, dice: &mut Dice) -> Option<Wish> {
    let (mut songs, mut versions) = (Vec::new(), BTreeMap::new());
    for row in screen.rows.values() {
        match &row.row {
            Some(Kind::Song(song)) => songs.push(song),
            Some(Kind::Version(version)) => drop(versions.insert(version.version_id.as_str(), version)),
            _ => {}
        }
    }
    if songs.is_empty() {
        return None;
    }
    let song = *songs.get(dice.below(songs.len() as u64) as usize)?;
    let candidate = versions.get(song.candidate_version_id.as_str()).copied();
    let lot = dice.below(100);
    let ask = |action: Action| Some(Wish::Ask { action: Box::new(action), expected: None });
    let song_id = song.song_id.clone();
    match (seat.role, song.stage()) {
        (Role::Artist, Stage::Recording) if candidate.is_none() => upload(song_id, VersionKind::Take),
        (Role::MixEngineer, Stage::Mixing) if lot < 45 || candidate.is_none() => {
            upload(song_id, VersionKind::Mix)
        }
        (Role::MixEngineer, Stage::Mastering) if lot < 10 => {
            ask(Action::SwapMix(v1::SwapMix { song_id, reason: "another one".into() }))
        }
        (Role::MasteringEngineer, Stage::Mastering) if lot < 30 => upload(song_id, VersionKind::Master),
        (Role::MasteringEngineer, Stage::Mastering) if lot < 45 => {
            ask(Action::AcceptHandoff(v1::AcceptHandoff { song_id }))
        }
        (Role::MasteringEngineer | Role::Label, Stage::Mastering) if (45..75).contains(&lot) => {
            let reason = "too hot".into();
            ask(Action::ReturnHandoff(v1::ReturnHandoff { song_id, reason, items: Vec::new() }))
        }
        (Role::Manager, _) if lot < 15 => {
            let version_id = song.candidate_version_id.clone();
            ask(Action::OverrideGate(v1::OverrideGate { song_id, reason: "late".into(), version_id }))
        }
        (Role::Manager, _) if lot < 30 && songs.len() < SONGS_MAX => {
            let song_id = new_id(dice);
            ask(Action::AddSong(v1::AddSong { song_id, title: "Nachtlied".into(), isrc: String::new() }))
        }
        (Role::Artist | Role::Label | Role::Producer | Role::MixEngineer, stage)
            if lot < 75 && stage != Stage::Delivered && candidate.is_some() =>
        {
            let candidate = candidate?;
            ask(Action::Approve(v1::Approve {
                approval_id: new_id(dice),
                version_id: candidate.version_id.clone(),
                role: seat.role.into(),
                fingerprint: candidate.fingerprint.clone(),
                receipt: None,
            }))
        }
        (Role::Manager | Role::Artist | Role::Label, _) if lot.is_multiple_of(2) => {
            let title = Some(format!("Take {}", dice.below(50)));
            let edit = Action::EditSong(v1::EditSong { song_id, title, isrc: None });
            Some(Wish::Ask { action: Box::new(edit), expected: Some(screen.seq) })
        }
        _ => ask(note(candidate?, dice)),
    }
}

fn upload(song_id: String, kind: VersionKind) -> Option<Wish> {
    Some(Wish::Upload { song_id, kind })
}

fn note(version: &v1::VersionRow, dice: &mut Dice) -> Action {
    Action::AddNote(v1::AddNote {
        note_id: new_id(dice),
        version_id: version.version_id.clone(),
        start_ms: Some(dice.below(900)),
        text: format!("note {}", dice.below(1_000)),
        ..Default::default()
    })
}
