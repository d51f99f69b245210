//! How songs lie on the record: what is told of each, the running order as the studio has it and as a draft has it, both in one shape. Never here: keys,
//! what follows from an order.

use deadwax_proto::v1::{FadeShape, SpacingItem};

use crate::{play::Shape, tui::rows::Project};

/// How one song lies, without its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Placing {
    pub gap_ms: u32,
    pub crossfade_ms: u32,
    pub fade_in_ms: u32,
    pub fade_out_ms: u32,
    pub trim_in_ms: u32,
    pub trim_out_ms: u32,
    pub gain_cb: i32,
    /// One that is not said is the first one.
    pub shape: Shape,
    pub hidden: bool,
    pub begins_side: bool,
}

impl Placing {
    pub fn of(item: &SpacingItem) -> Placing {
        Placing {
            gap_ms: item.gap_ms,
            crossfade_ms: item.crossfade_ms,
            fade_in_ms: item.fade_in_ms,
            fade_out_ms: item.fade_out_ms,
            trim_in_ms: item.trim_in_ms,
            trim_out_ms: item.trim_out_ms,
            gain_cb: item.gain_cb,
            shape: shape(item),
            hidden: item.hidden,
            begins_side: item.begins_side,
        }
    }

    pub fn item(&self, song_id: String) -> SpacingItem {
        let shape = match self.shape {
            Shape::EqualPower => FadeShape::EqualPower,
            Shape::Linear => FadeShape::Linear,
            Shape::Exponential => FadeShape::Exponential,
        };
        SpacingItem {
            song_id,
            gap_ms: self.gap_ms,
            crossfade_ms: self.crossfade_ms,
            fade_in_ms: self.fade_in_ms,
            fade_out_ms: self.fade_out_ms,
            shape: shape.into(),
            gain_cb: self.gain_cb,
            trim_in_ms: self.trim_in_ms,
            trim_out_ms: self.trim_out_ms,
            hidden: self.hidden,
            begins_side: self.begins_side,
        }
    }

    pub fn gain_db(&self) -> f64 {
        f64::from(self.gain_cb) / 100.0
    }

    /// Whether something is cut from it.
    pub fn is_trimmed(&self) -> bool {
        self.trim_in_ms > 0 || self.trim_out_ms > 0
    }
}

pub fn shape(item: &SpacingItem) -> Shape {
    match item.shape() {
        FadeShape::Unspecified | FadeShape::EqualPower => Shape::EqualPower,
        FadeShape::Linear => Shape::Linear,
        FadeShape::Exponential => Shape::Exponential,
    }
}

/// A song by its number in the rows. It holds as long as those rows do: a draft, which outlives them, keeps ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    pub song: u32,
    pub placing: Placing,
}

/// The running order as the studio has it: every song once. Where no spacing is set, the songs by position, with nothing between them.
pub fn told(rows: &Project) -> Vec<Piece> {
    let set = rows.head().and_then(|it| it.spacing.as_ref()).map_or(&[][..], |it| it.items.as_slice());
    whole(rows, set)
}

/// Songs that are no more fall out, songs that came since stand at the end. Nothing comes before the first, which begins the first side anyway, and only it
/// can be hidden.
pub fn whole(rows: &Project, items: &[SpacingItem]) -> Vec<Piece> {
    let songs = rows.song_numbers();
    let mut seen = vec![false; songs.iter().max().map_or(0, |it| *it as usize + 1)];
    let mut all = Vec::with_capacity(songs.len());
    let mut take = |song: u32, placing: Placing| {
        if let Some(seen) = seen.get_mut(song as usize).filter(|seen| !**seen) {
            *seen = true;
            all.push(Piece { song, placing });
        }
    };
    for item in items {
        if let Some(song) = rows.song_number(&item.song_id) {
            take(song, Placing::of(item));
        }
    }
    for song in songs {
        take(*song, Placing::default());
    }
    for (at, piece) in all.iter_mut().enumerate() {
        let placing = &mut piece.placing;
        if at == 0 {
            (placing.gap_ms, placing.crossfade_ms, placing.begins_side) = (0, 0, false);
        } else {
            placing.hidden = false;
        }
    }
    all
}

/// As they are sent.
pub fn items(rows: &Project, pieces: &[Piece]) -> Vec<SpacingItem> {
    pieces.iter().map(|it| it.placing.item(rows.song_id_numbered(it.song))).collect()
}
