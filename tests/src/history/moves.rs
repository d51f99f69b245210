//! One winner at each gate: a song leaves a stage once, until it is sent back into it. Told by the facts alone, without the fold that made them. Never here:
//! what a gate asks for.

use std::collections::BTreeMap;

use deadwax_domain::{Event, Fact, SongId, Stage};

use super::Wrong;

#[derive(Default)]
pub(super) struct Moves {
    stands: BTreeMap<SongId, Stage>,
}

impl Moves {
    pub(super) fn see(&mut self, seq: u64, event: &Event) -> Option<Wrong> {
        let (song, to) = match &event.fact {
            Fact::SongAdded { song, .. } => (song, Stage::Recording),
            Fact::HandoffReturned { song, .. } | Fact::MixSwapped { song, .. } => (song, Stage::Mixing),
            Fact::StageLeft { song, to, .. } => (song, *to),
            _ => return None,
        };
        let stood = self.stands.insert(*song, to);
        match event.fact {
            Fact::StageLeft { from, version, .. } if stood != Some(from) => {
                Some(Wrong::TwoWinners { stage: from, version, seq })
            }
            _ => None,
        }
    }
}
