//! Label copy as a person works on it: everything that stands on the label in one sheet, read from JSON, compared, checked, told. The verbs and the screen
//! share it. Never here: a rule of the studio, the line to it, printing.

mod change;
mod checked;
mod lines;
mod merge;
mod read;
mod table;

use deadwax_proto::v1::{self, Explicit, ProjectRow, SongRow, SplitOf};
use serde_json::{Map, Value, json};

pub use change::{About, Change, changes};
pub use checked::{Field, findings, mark, wrong};
pub use lines::{credits_line, parse_credits, parse_shares, shares_line};
pub use merge::{Merged, merge};
pub use read::{Fault, RELEASE_KEYS, read};
pub use table::{Cells, cells, cover_text, of_one, text};

/// A hundred percent, in hundredths of one.
pub const WHOLE: u64 = 10_000;

/// What stands on the label, or would.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    pub title: String,
    pub artist: String,
    /// With the cover, which only stands here to be seen.
    pub release: v1::LabelCopy,
    /// In the running order.
    pub songs: Vec<Song>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Song {
    pub id: String,
    pub title: String,
    pub isrc: String,
    pub copy: v1::SongCopy,
}

impl Song {
    pub fn of(row: &SongRow) -> Song {
        Song {
            id: row.song_id.clone(),
            title: row.title.clone(),
            isrc: row.isrc.clone(),
            copy: row.copy.clone().unwrap_or_default(),
        }
    }

    pub fn shares(&self, of: SplitOf) -> impl Iterator<Item = &v1::Split> {
        self.copy.splits.iter().filter(move |it| it.of() == of)
    }

    /// In hundredths of a percent; `None` where nobody has a share.
    pub fn sum(&self, of: SplitOf) -> Option<u64> {
        let sum = self.shares(of).map(|it| u64::from(it.share)).sum();
        self.shares(of).next().map(|_| sum)
    }
}

impl Sheet {
    pub fn of<'a>(head: &ProjectRow, songs: impl IntoIterator<Item = &'a SongRow>) -> Sheet {
        Sheet {
            title: head.title.clone(),
            artist: head.artist.clone(),
            release: head.label_copy.clone().unwrap_or_default(),
            songs: songs.into_iter().map(Song::of).collect(),
        }
    }

    /// What `read` takes: all of it.
    pub fn json(&self) -> Value {
        let mut all = Map::new();
        for key in RELEASE_KEYS {
            all.insert(key.to_owned(), json!(release(&self.release, key)));
        }
        all.insert("songs".into(), self.songs.iter().map(|song| self.song_json(song)).collect());
        Value::Object(all)
    }

    pub fn song_json(&self, song: &Song) -> Value {
        let credits = song.copy.credits.iter().map(|it| json!({ "role": it.role, "name": it.name }));
        let splits = song.copy.splits.iter().map(
            |it| json!({ "name": it.name, "of": of_word(it.of()), "percent": percent(it.share.into()) }),
        );
        json!({
            "song": self.name_of(song),
            "isrc": song.isrc,
            "version_title": song.copy.version_title,
            "explicit": explicit_word(song.copy.explicit()),
            "credits": credits.collect::<Vec<_>>(),
            "splits": splits.collect::<Vec<_>>(),
        })
    }

    /// The title, where no other song could be meant by it.
    fn name_of<'a>(&self, song: &'a Song) -> &'a str {
        let key = crate::name::key(&song.title);
        let alone = self.songs.iter().filter(|it| crate::name::key(&it.title) == key).count() == 1;
        let is_number = song.title.trim().parse::<usize>().is_ok();
        if alone && !key.is_empty() && !is_number { &song.title } else { &song.id }
    }
}

/// A field of the release by its key.
pub fn release<'a>(copy: &'a v1::LabelCopy, key: &str) -> &'a str {
    match key {
        "upc" => &copy.upc,
        "catalogue" => &copy.catalogue,
        "label" => &copy.label,
        "p_line" => &copy.p_line,
        "c_line" => &copy.c_line,
        "release_date" => &copy.release_date,
        "genre" => &copy.genre,
        "language" => &copy.language,
        _ => "",
    }
}

pub fn release_mut<'a>(copy: &'a mut v1::LabelCopy, key: &str) -> Option<&'a mut String> {
    Some(match key {
        "upc" => &mut copy.upc,
        "catalogue" => &mut copy.catalogue,
        "label" => &mut copy.label,
        "p_line" => &mut copy.p_line,
        "c_line" => &mut copy.c_line,
        "release_date" => &mut copy.release_date,
        "genre" => &mut copy.genre,
        "language" => &mut copy.language,
        _ => return None,
    })
}

/// As people call it.
pub fn called(key: &str) -> &'static str {
    match key {
        "upc" => "UPC",
        "catalogue" => "catalogue number",
        "label" => "label",
        "p_line" => "P-line",
        "c_line" => "C-line",
        "release_date" => "release date",
        "genre" => "genre",
        _ => "language",
    }
}

/// "33.33".
pub fn percent(share: u64) -> String {
    format!("{}.{:02}", share / 100, share % 100)
}

/// "1 credit", "3 credits".
fn counted(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

pub fn of_word(of: SplitOf) -> &'static str {
    match of {
        SplitOf::Recording => "recording",
        SplitOf::Composition | SplitOf::Unspecified => "composition",
    }
}

pub const EXPLICIT: [Explicit; 4] = [Explicit::Unspecified, Explicit::No, Explicit::Yes, Explicit::Cleaned];

pub fn explicit_word(said: Explicit) -> &'static str {
    match said {
        Explicit::Unspecified => "",
        Explicit::No => "no",
        Explicit::Yes => "yes",
        Explicit::Cleaned => "cleaned",
    }
}

#[cfg(test)]
mod tests;
