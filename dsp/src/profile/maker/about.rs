//! What is said of a file: the words of its name, its tags, its chunk of a Broadcast Wave. Never here: which files there are.

use super::{Made, Maker};
use crate::{
    decode::Bext,
    profile::{
        label_copy,
        names::{Words, fold, role_word},
    },
    write::{Encoding, Tags},
};

/// Letters of an artist or a title in a name.
const LETTERS_MAX: usize = 40;
/// Of a text in a tag.
const TAG_LETTERS_MAX: usize = 1024;
const ORIGINATOR: &str = "Deadwax";

impl Maker<'_> {
    /// Words that are the same for every file.
    pub(super) fn words(&self) -> Words {
        let copy = &self.sheet.copy;
        let album = fold(&copy.title, "Record", LETTERS_MAX);
        Words {
            artist: fold(&copy.artist, "Artist", LETTERS_MAX),
            catalogue: Some(code(&copy.catalogue))
                .filter(|it| !it.is_empty())
                .unwrap_or_else(|| album.clone()),
            album,
            version: format!("v{:02}", self.sheet.number),
            record: self.sheet.number.to_string(),
            upc: code(&copy.upc),
            ..Words::default()
        }
    }

    /// With those of a song.
    pub(super) fn song_words(&self, song: usize, alternate: &str) -> Words {
        let (words, copy) = (self.words(), &self.sheet.copy.tracks[song]);
        let number = self.number(song);
        Words {
            artist: fold(&copy.artist, &words.artist, LETTERS_MAX),
            title: fold(&copy.full_title(), &format!("Track{number:02}"), LETTERS_MAX),
            role: role_word(alternate),
            version: format!("v{:02}", self.sheet.songs[song].version),
            track: format!("{number:02}"),
            ..words
        }
    }

    /// Of a track, from 1; 0 for a hidden song.
    pub(super) fn number(&self, song: usize) -> usize {
        if self.sheet.songs[song].placing.hidden {
            return 0;
        }
        self.sheet.tracks().take_while(|it| *it <= song).count()
    }

    /// Codes that are ill-formed are left out: a finding says so already.
    pub(super) fn tags(&self, made: &Made<'_>) -> Tags {
        let (copy, filled) = (&self.sheet.copy, |text: &str| {
            let text: String = text.trim().chars().take(TAG_LETTERS_MAX).collect();
            Some(text.trim_end().to_owned()).filter(|it| !it.is_empty())
        });
        let main = made.alternate == "main";
        let year = copy.release_date.get(..4).and_then(|it| it.parse().ok()).filter(|it| *it >= 1000);
        let mut tags = Tags {
            title: filled(&copy.title),
            artist: filled(&copy.artist),
            album: filled(&copy.title),
            year,
            upc: label_copy::upc(&copy.upc).ok(),
            ..Tags::default()
        };
        if let Some(song) = made.song {
            let track = &copy.tracks[song];
            let title = track.full_title();
            tags.title =
                filled(&if main { title } else { format!("{title} [{}]", role_word(made.alternate)) });
            tags.artist = filled(&track.artist).or(tags.artist);
            tags.track = u32::try_from(self.number(song)).ok().filter(|it| main && *it > 0);
            // Another mix is another recording, with a code of its own.
            tags.isrc = label_copy::isrc(&track.isrc).ok().filter(|_| main);
            tags.upc = tags.upc.filter(|_| main);
        }
        tags
    }

    pub(super) fn bext(&self, made: &Made<'_>, encoding: Encoding, rate: u32) -> Bext {
        let tags = self.tags(made);
        let words = |text: &Option<String>| text.clone().unwrap_or_default();
        Bext {
            description: format!("{} - {}", words(&tags.artist), words(&tags.title)),
            originator: ORIGINATOR.into(),
            originator_reference: words(&tags.isrc),
            coding_history: format!("A=PCM,F={rate},W={},M=stereo,T={ORIGINATOR}\r\n", encoding.bits()),
            ..Bext::default()
        }
    }
}

/// A code as a part of a name: capitals and hyphens stay as they are.
fn code(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(LETTERS_MAX).collect()
}
