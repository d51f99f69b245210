//! What stands in the files of a record beside the sound: titles, names, codes, label copy, cover. A record holds what was true at its start, so that a later
//! edit reaches into nothing that is made, and is seen. Never here: how any of it is written into files.

use crate::{Digest, LabelCopy, Project, SongCopy, SongId, Stage, text};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordTexts {
    pub title: String,
    pub artist: String,
    pub copy: LabelCopy,
    /// In the running order.
    pub songs: Vec<SongTexts>,
    pub cover: Option<Digest>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SongTexts {
    pub song: SongId,
    pub title: String,
    /// Twelve characters, or empty.
    pub isrc: String,
    pub copy: SongCopy,
}

impl RecordTexts {
    /// Of these songs, as everything stands now.
    pub fn now(project: &Project, songs: impl IntoIterator<Item = SongId>) -> RecordTexts {
        let of = |song: SongId| {
            let known = project.songs.get(song);
            SongTexts {
                song,
                title: known.map(|it| it.title.clone()).unwrap_or_default(),
                isrc: known.map(|it| it.isrc.clone()).unwrap_or_default(),
                copy: project.song_copies.get(&song).cloned().unwrap_or_default(),
            }
        };
        RecordTexts {
            title: project.title.clone(),
            artist: project.artist.clone(),
            copy: project.label_copy.clone(),
            songs: songs.into_iter().map(of).collect(),
            cover: project.cover.as_ref().map(|it| it.digest),
        }
    }

    pub fn of(&self, song: SongId) -> Option<&SongTexts> {
        self.songs.iter().find(|it| it.song == song)
    }

    /// Of the songs of these masters, in their order.
    pub(crate) fn is_of(&self, sources: &[super::RecordSource]) -> bool {
        self.songs.iter().map(|it| it.song).eq(sources.iter().map(|it| it.song))
    }

    /// Nothing of it was changed since. Asked for every row of every view: nothing is copied for it.
    pub fn is_now(&self, project: &Project) -> bool {
        let none = SongCopy::default();
        let same = |it: &SongTexts| {
            let copy = project.song_copies.get(&it.song).unwrap_or(&none);
            let known = project.songs.get(it.song);
            known.is_some_and(|now| now.title == it.title && now.isrc == it.isrc) && *copy == it.copy
        };
        self.title == project.title
            && self.artist == project.artist
            && self.copy == project.label_copy
            && self.cover == project.cover.as_ref().map(|it| it.digest)
            && self.songs.iter().all(same)
    }

    /// What these have otherwise than those before, in sentences. A song that is only in one of them is none of its business.
    pub(super) fn changes(&self, before: &RecordTexts, project: &Project) -> Vec<String> {
        let (now, was) = (&self.copy, &before.copy);
        let of_record = fields([
            ("title", self.title != before.title),
            ("artist", self.artist != before.artist),
            ("UPC", now.upc != was.upc),
            ("catalogue number", now.catalogue != was.catalogue),
            ("label", now.label != was.label),
            ("P-line", now.p_line != was.p_line),
            ("C-line", now.c_line != was.c_line),
            ("release date", now.release_date != was.release_date),
            ("genre", now.genre != was.genre),
            ("language", now.language != was.language),
        ]);
        let mut told: Vec<String> =
            of_record.map(|what| format!("The label copy differs in {what}.")).into_iter().collect();
        for song in &self.songs {
            let Some(old) = before.of(song.song) else { continue };
            let (now, was) = (&song.copy, &old.copy);
            let of_song = fields([
                ("title", song.title != old.title),
                ("ISRC", song.isrc != old.isrc),
                ("version title", now.version_title != was.version_title),
                ("explicit", now.explicit != was.explicit),
                ("credits", now.credits != was.credits),
                ("shares", now.splits != was.splits),
            ]);
            told.extend(of_song.map(|what| format!("{} differs in {what}.", project.song_name(song.song))));
        }
        let cover = match (before.cover, self.cover) {
            (None, Some(_)) => Some("The cover is new."),
            (Some(_), None) => Some("There is no cover any more."),
            (was, is) => (was != is).then_some("The cover is another."),
        };
        told.extend(cover.map(str::to_owned));
        told
    }
}

/// Those that changed: "title, UPC and label".
fn fields<const N: usize>(all: [(&str, bool); N]) -> Option<String> {
    let changed: Vec<String> =
        all.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name.to_owned()).collect();
    (!changed.is_empty()).then(|| text::list(&changed))
}

/// What a record that is started now would be made of, as one digest: spacing, signed masters, texts. Whoever saw a dry run holds a start to it. Masters that
/// are not signed stand in it as absent, so that it tells nothing of mixes that compete. `None`: there is no spacing.
pub fn basis(project: &Project) -> Option<Digest> {
    let spacing = project.spacings.last()?;
    let mut all = Feed::default();
    all.text("deadwax-basis/1");
    all.number(spacing.number.into());
    for item in &spacing.items {
        let signed = project.songs.get(item.song).is_some_and(|song| song.stage == Stage::Delivered);
        let master = project.candidate(item.song).filter(|_| signed);
        all.bytes(&item.song.0.to_be_bytes());
        all.bytes(&master.map(|it| it.id.0.to_be_bytes().to_vec()).unwrap_or_default());
        all.bytes(&master.map(|it| it.fingerprint.0.to_vec()).unwrap_or_default());
    }
    all.texts(&RecordTexts::now(project, spacing.items.iter().map(|item| item.song)));
    Some(all.digest())
}

/// Every part with its length before it: no two lists of parts are the same bytes.
#[derive(Default)]
struct Feed {
    hash: sha2::Sha256,
}

impl Feed {
    fn bytes(&mut self, bytes: &[u8]) {
        use sha2::Digest as _;
        self.hash.update((bytes.len() as u64).to_be_bytes());
        self.hash.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.bytes(&number.to_be_bytes());
    }

    fn texts(&mut self, it: &RecordTexts) {
        let copy = &it.copy;
        for text in [
            &it.title,
            &it.artist,
            &copy.upc,
            &copy.catalogue,
            &copy.label,
            &copy.p_line,
            &copy.c_line,
            &copy.release_date,
            &copy.genre,
            &copy.language,
        ] {
            self.text(text);
        }
        self.bytes(&it.cover.map(|it| it.0.to_vec()).unwrap_or_default());
        it.songs.iter().for_each(|song| self.song(song));
    }

    fn song(&mut self, it: &SongTexts) {
        for text in [&it.title, &it.isrc, &it.copy.version_title] {
            self.text(text);
        }
        self.number(it.copy.explicit.map_or(0, |said| match said {
            crate::Explicit::No => 1,
            crate::Explicit::Yes => 2,
            crate::Explicit::Cleaned => 3,
        }));
        self.number(it.copy.credits.len() as u64);
        for credit in &it.copy.credits {
            self.text(&credit.role);
            self.text(&credit.name);
        }
        self.number(it.copy.splits.len() as u64);
        for split in &it.copy.splits {
            self.text(&split.name);
            self.number(split.recording.into());
            self.number(split.share.into());
        }
    }

    fn digest(self) -> Digest {
        use sha2::Digest as _;
        Digest(self.hash.finalize().into())
    }
}
