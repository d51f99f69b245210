//! Makes the files of a plan, ask by ask: which songs, at which rate, under which name, how long and how large. Never here: rules of the record.

use std::collections::BTreeMap;

use super::{
    Ask, FileAsk, Finding, Kind, Plan, PlannedFile, Profile, label_copy, lengths, level_rules,
    names::{self, Given, Words, fold, rate_word, role_word},
    on_disc, penalties_text, places, record_rules,
    record_rules::{DISC_RATE, SECTOR},
    sheet::{AudioFile, RecordSheet},
    side_sheet, sides,
    sizes::{self, Sound},
};
use crate::{
    album::Timeline,
    decode::Bext,
    disc::{self, Disc},
    math::linear,
    write::{Encoding, Tags, refusal},
};

/// Letters of an artist or a title in a name.
const LETTERS_MAX: usize = 40;
/// Bytes of raw sound in a sector.
const SECTOR_BYTES: u64 = 2352;
/// Of a text in a tag.
const TAG_LETTERS_MAX: usize = 1024;
/// Of every file of a record.
const CHANNELS: usize = 2;
const ORIGINATOR: &str = "Deadwax";

pub(super) struct Maker<'a> {
    profile: &'a Profile,
    sheet: &'a RecordSheet,
    plan: Plan,
    given: Given,
    /// The record at every rate that was asked for.
    lines: BTreeMap<u32, Timeline>,
    /// Songs that stay at their rate though a higher one is asked, by asked and own rate.
    kept: BTreeMap<(u32, u32), Vec<usize>>,
    /// Songs whose rate the destination does not take, by rate.
    refused: BTreeMap<u32, Vec<usize>>,
    /// Songs of several rates are joined into one sound.
    mixed: bool,
    /// Where one is asked for.
    disc: Disc,
}

impl<'a> Maker<'a> {
    pub(super) fn new(profile: &'a Profile, sheet: &'a RecordSheet, plan: Plan) -> Maker<'a> {
        Maker {
            profile,
            sheet,
            plan,
            given: Given::default(),
            lines: BTreeMap::new(),
            kept: BTreeMap::new(),
            refused: BTreeMap::new(),
            mixed: false,
            disc: Disc::default(),
        }
    }

    /// With what is wrong, and every file.
    pub(super) fn make(mut self) -> Plan {
        let profile = self.profile;
        self.rules();
        profile.files.iter().for_each(|ask| self.add(ask));
        // Sums are made of everything else.
        profile.files.iter().for_each(|ask| self.add_sums(ask));
        self.rate_findings();
        self.set_alone();
        self.plan
    }

    fn asks(&self, kinds: &[Ask]) -> bool {
        self.profile.files.iter().any(|it| kinds.contains(&it.kind))
    }

    fn rules(&mut self) {
        let (profile, sheet) = (self.profile, self.sheet);
        let mut found = label_copy::check(&sheet.copy, profile);
        level_rules::songs(profile, sheet, &mut found);
        level_rules::platforms(profile, sheet, &self.plan.penalties, &mut found);
        record_rules::spacing(profile, sheet, &mut found);
        record_rules::alternates(profile, sheet, &mut found);
        if self.asks(&[Ask::Side, Ask::SideSheet]) {
            let rate = self.joint_rate(None);
            record_rules::sides(profile, sheet, self.line(rate), rate, &mut found);
            level_rules::last_of_sides(profile, sheet, &mut found);
        }
        if self.asks(&[Ask::Ddp, Ask::CueBin]) {
            record_rules::disc(profile, sheet, self.line(DISC_RATE), &mut found);
            record_rules::cd_text(profile, sheet, &mut found);
        }
        if self.asks(&[Ask::Ddp, Ask::CueBin, Ask::PqSheet]) {
            self.disc = on_disc::planned_disc(sheet).unwrap_or_default();
            on_disc::blocks(sheet, &self.disc, self.asks(&[Ask::Ddp]), &mut found);
        }
        self.plan.findings = found;
    }

    fn line(&mut self, rate: u32) -> &Timeline {
        let sheet = self.sheet;
        self.lines.entry(rate).or_insert_with(|| lengths::timeline(sheet, rate))
    }

    /// Of all songs as one sound: that of the highest, so that none loses anything.
    fn joint_rate(&self, asked: Option<u32>) -> u32 {
        let highest = self.sheet.songs.iter().map(|it| it.source.sample_rate).max().unwrap_or(DISC_RATE);
        asked.map_or(highest, |asked| asked.min(highest))
    }

    fn add(&mut self, ask: &FileAsk) {
        match ask.kind {
            Ask::Track => self.tracks(ask),
            Ask::Song => self.songs(ask),
            Ask::Side => self.sides(ask),
            Ask::Whole => self.whole(ask),
            Ask::Ddp => self.ddp(ask),
            Ask::CueBin => self.cue_bin(ask),
            Ask::PqSheet => {
                let text = disc::pq_sheet(&self.disc);
                self.text(ask, Kind::PqSheet, "txt", text.len());
            }
            Ask::SideSheet => self.side_sheet(ask),
            Ask::LabelCopyCsv => {
                let text = label_copy::csv(&self.sheet.copy, &places(self.sheet));
                self.text(ask, Kind::LabelCopyCsv, "csv", text.len());
            }
            Ask::LabelCopyJson => {
                let text = label_copy::json(&self.sheet.copy, &places(self.sheet));
                let bytes = serde_json::to_string_pretty(&text).map_or(0, |it| it.len() + 1);
                self.text(ask, Kind::LabelCopyJson, "json", bytes);
            }
            Ask::Penalties => {
                let titles: Vec<String> = self.sheet.copy.tracks.iter().map(|it| it.full_title()).collect();
                let text = penalties_text(&self.plan.penalties, &titles);
                self.text(ask, Kind::Penalties, "txt", text.len());
            }
            Ask::Sha256 | Ask::Md5 => {}
        }
    }

    /// Words that are the same for every file.
    fn words(&self) -> Words {
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
    fn song_words(&self, song: usize, alternate: &str) -> Words {
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
    fn number(&self, song: usize) -> usize {
        if self.sheet.songs[song].placing.hidden {
            return 0;
        }
        self.sheet.tracks().take_while(|it| *it <= song).count()
    }

    fn tracks(&mut self, ask: &FileAsk) {
        let Some(encoding) = ask.encoding else { return };
        let tracks: Vec<usize> = self.sheet.tracks().collect();
        for (nth, song) in tracks.into_iter().enumerate() {
            let source = &self.sheet.songs[song].source;
            let rate = self.rate(ask, encoding, source.sample_rate, song);
            let sheet = self.sheet;
            let Some((_, span)) = lengths::tracks(sheet, self.line(rate)).into_iter().nth(nth) else {
                return;
            };
            let exact = untouched(sheet, song) && same_form(source, encoding, rate);
            let it = Made { song: Some(song), alternate: "main", songs: vec![song], side: None, exact };
            self.sound(ask, Kind::Track, it, encoding, rate, span.end - span.start);
        }
    }

    fn songs(&mut self, ask: &FileAsk) {
        let Some(encoding) = ask.encoding else { return };
        let token = ask.alternate.as_deref().unwrap_or("main");
        let sheet = self.sheet;
        for song in sheet.tracks() {
            let source = match token {
                "main" => &sheet.songs[song].source,
                _ => match record_rules::alternate(sheet, song, token) {
                    Some(it) => &it.source,
                    None => continue,
                },
            };
            if source.sample_rate == 0 {
                continue;
            }
            let rate = self.rate(ask, encoding, source.sample_rate, song);
            let frames = lengths::converted(source, rate);
            let exact = same_form(source, encoding, rate);
            let it = Made { song: Some(song), alternate: token, songs: vec![song], side: None, exact };
            self.sound(ask, Kind::Song, it, encoding, rate, frames);
        }
    }

    fn sides(&mut self, ask: &FileAsk) {
        let Some(encoding) = ask.encoding else { return };
        let rate = self.joint(ask, encoding);
        let sheet = self.sheet;
        let spans = lengths::sides(sheet, self.line(rate));
        for (side, (songs, span)) in sheet.sides().into_iter().zip(spans).enumerate() {
            let songs: Vec<usize> = songs.collect();
            let exact = self.one_untouched(&songs, encoding, rate);
            let it = Made { song: None, alternate: "main", songs, side: Some(side), exact };
            self.sound(ask, Kind::Side, it, encoding, rate, span.end - span.start);
        }
    }

    fn whole(&mut self, ask: &FileAsk) {
        let Some(encoding) = ask.encoding else { return };
        let rate = self.joint(ask, encoding);
        let frames = self.line(rate).frames();
        let songs: Vec<usize> = (0..self.sheet.songs.len()).collect();
        let exact = self.one_untouched(&songs, encoding, rate);
        let it = Made { song: None, alternate: "main", songs, side: None, exact };
        self.sound(ask, Kind::Whole, it, encoding, rate, frames);
    }

    fn one_untouched(&self, songs: &[usize], encoding: Encoding, rate: u32) -> bool {
        let [song] = songs else { return false };
        untouched(self.sheet, *song) && same_form(&self.sheet.songs[*song].source, encoding, rate)
    }

    fn joint(&mut self, ask: &FileAsk, encoding: Encoding) -> u32 {
        let own = self.joint_rate(None);
        let rate = self.rate(ask, encoding, own, 0);
        self.mixed |= self.sheet.songs.iter().any(|it| it.source.sample_rate < rate);
        rate
    }

    /// Never more than the source has; what a lossy coder cannot hold is brought to what it can.
    fn rate(&mut self, ask: &FileAsk, encoding: Encoding, own: u32, song: usize) -> u32 {
        if let Some(asked) = ask.sample_rate_hz.filter(|asked| *asked > own) {
            let songs = self.kept.entry((asked, own)).or_default();
            if !songs.contains(&song) {
                songs.push(song);
            }
        }
        let rate = ask.sample_rate_hz.map_or(own, |asked| asked.min(own));
        let rate = match encoding.lossy() && rate > 48_000 {
            true if rate.is_multiple_of(DISC_RATE) => DISC_RATE,
            true => 48_000,
            false => rate,
        };
        let taken = &self.profile.limits.sample_rates_hz;
        if !taken.is_empty() && !taken.contains(&rate) {
            let songs = self.refused.entry(rate).or_default();
            if !songs.contains(&song) {
                songs.push(song);
            }
        }
        rate
    }

    fn sound(
        &mut self,
        ask: &FileAsk,
        kind: Kind,
        made: Made<'_>,
        encoding: Encoding,
        rate: u32,
        frames: u64,
    ) {
        let channels = CHANNELS;
        self.can_hold(encoding, rate, &made.songs);
        let mut words = match made.song {
            Some(song) => self.song_words(song, made.alternate),
            None => Words { role: "Whole".into(), ..self.words() },
        };
        if let Some(side) = made.side {
            words.side = sides::letter(side);
            words.role = format!("Side{}", words.side);
        }
        if words.title.is_empty() {
            words.title = words.album.clone();
        }
        words.rate = rate_word(rate);
        words.hz = rate.to_string();
        if !encoding.lossy() {
            words.bits = encoding.bits().to_string();
            words.depth = format!("{}{}", words.bits, if encoding.float() { "f" } else { "b" });
        }
        let folder = folder_of(ask, &words);
        let name = names::expand(&ask.name, &words);
        let name = self.given.unique(&folder, &name, encoding.extension());
        let tags = ask.tags.then(|| self.tags(&made));
        let bext = ask.bext.then(|| self.bext(&made, encoding, rate));
        let cover = ask.tags && self.sheet.cover.is_some();
        let with_cover = tags.clone().map(|it| Tags { cover: self.sheet.cover.clone(), ..it });
        let (bytes, bytes_exact) = sizes::of_sound(&Sound {
            encoding,
            sample_rate: rate,
            channels,
            frames,
            bext: bext.as_ref(),
            tags: with_cover.as_ref(),
        });
        self.plan.files.push(PlannedFile {
            folder,
            name,
            kind,
            alternate: made.alternate.to_owned(),
            encoding: Some(encoding),
            sample_rate: rate,
            channels,
            frames,
            bytes,
            bytes_exact,
            songs: made.songs,
            side: made.side,
            exact: made.exact,
            tags,
            cover,
            bext,
        });
    }

    /// An encoder that does not take the rate is told before an hour of work.
    fn can_hold(&mut self, encoding: Encoding, rate: u32, songs: &[usize]) {
        let Some(what) = refusal(encoding, rate, CHANNELS) else { return };
        let findings = &mut self.plan.findings;
        if !findings.iter().any(|it| it.code == "ENCODING" && it.text.starts_with(&what)) {
            let mend = "Ask for another encoding in the profile, or master at a rate that it takes.";
            let it = Finding::block("ENCODING", format!("{what}."), self.profile.source(""));
            findings.push(it.mend(mend).songs(songs.iter().copied()));
        }
    }

    /// Codes that are ill-formed are left out: a finding says so already.
    fn tags(&self, made: &Made<'_>) -> Tags {
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

    fn bext(&self, made: &Made<'_>, encoding: Encoding, rate: u32) -> Bext {
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

    /// A file that is no sound.
    fn plain(&mut self, folder: String, name: String, kind: Kind, bytes: u64) {
        self.plan.files.push(PlannedFile {
            folder,
            name,
            kind,
            alternate: String::new(),
            encoding: None,
            sample_rate: 0,
            channels: 0,
            frames: 0,
            bytes,
            bytes_exact: true,
            songs: Vec::new(),
            side: None,
            exact: false,
            tags: None,
            cover: false,
            bext: None,
        });
    }

    fn text(&mut self, ask: &FileAsk, kind: Kind, extension: &str, bytes: usize) {
        let words = self.words();
        let folder = folder_of(ask, &words);
        let name = self.given.unique(&folder, &names::expand(&ask.name, &words), extension);
        self.plain(folder, name, kind, bytes as u64);
    }

    /// Names the files of the sides that are planned before it.
    fn side_sheet(&mut self, ask: &FileAsk) {
        let sides = self.plan.files.iter().filter(|it| it.kind == Kind::Side);
        let (names, rates): (Vec<String>, Vec<u32>) =
            sides.map(|it| (it.name.clone(), it.sample_rate)).unzip();
        let rate = rates.first().copied().unwrap_or_else(|| self.joint_rate(None));
        let text = side_sheet(self.sheet, rate, &names);
        self.text(ask, Kind::SideSheet, "txt", text.len());
    }

    /// Sound of the disc: its frames and bytes without a header.
    fn disc_sound(&mut self, folder: String, name: String, kind: Kind) {
        let sheet = self.sheet;
        let sectors = record_rules::disc_sectors(sheet, self.line(DISC_RATE));
        self.plain(folder, name, kind, sectors * SECTOR_BYTES);
        if let Some(file) = self.plan.files.last_mut() {
            file.alternate = "main".into();
            file.songs = (0..sheet.songs.len()).collect();
            (file.sample_rate, file.channels, file.frames) = (DISC_RATE, CHANNELS, sectors * SECTOR);
        }
    }

    fn ddp(&mut self, ask: &FileAsk) {
        let folder = folder_of(ask, &self.words());
        for (whole, bytes) in disc::ddp_files(&self.disc) {
            let (name, extension) = whole.split_once('.').unwrap_or((whole, ""));
            let name = self.given.unique(&folder, name, extension);
            match whole {
                disc::IMAGE_NAME => self.disc_sound(folder.clone(), name, Kind::DdpImage),
                _ => self.plain(folder.clone(), name, Kind::DdpFile, bytes),
            }
        }
    }

    fn cue_bin(&mut self, ask: &FileAsk) {
        let words = self.words();
        let folder = folder_of(ask, &words);
        let stem = names::expand(&ask.name, &words);
        let bin = self.given.unique(&folder, &stem, "bin");
        self.disc_sound(folder.clone(), bin.clone(), Kind::DiscImage);
        let (cue, toc) = (disc::cue(&self.disc, &bin).len(), disc::toc(&self.disc, &bin).len());
        for (kind, extension, bytes) in [(Kind::Cue, "cue", cue), (Kind::Toc, "toc", toc)] {
            let name = self.given.unique(&folder, &stem, extension);
            self.plain(folder.clone(), name, kind, bytes as u64);
        }
    }

    /// A line of digest, two spaces and path for every other file; of a folder only, where it stands in one.
    fn add_sums(&mut self, ask: &FileAsk) {
        let (kind, extension, digits) = match ask.kind {
            Ask::Sha256 => (Kind::Sha256, "txt", 64),
            Ask::Md5 => (Kind::Md5, "md5", 32),
            _ => return,
        };
        let inside = folder_of(ask, &self.words());
        let summed = |it: &&PlannedFile| {
            !matches!(it.kind, Kind::Sha256 | Kind::Md5) && (inside.is_empty() || it.folder == inside)
        };
        let bytes: usize = self
            .plan
            .files
            .iter()
            .filter(summed)
            .map(|it| {
                let path = if inside.is_empty() && !it.folder.is_empty() { it.folder.len() + 1 } else { 0 };
                digits + 2 + path + it.name.len() + 1
            })
            .sum();
        self.text(ask, kind, extension, bytes);
    }

    /// A plant takes every file in the folder of a set for a part of it.
    fn set_alone(&mut self) {
        let files = &self.plan.files;
        let sets: Vec<&PlannedFile> = files.iter().filter(|it| it.kind == Kind::DdpImage).collect();
        let other = |set: &PlannedFile, it: &PlannedFile| match it.kind {
            Kind::DdpFile => false,
            // A second image, which had to be named otherwise.
            Kind::DdpImage => it.name != disc::IMAGE_NAME,
            _ => it.folder.eq_ignore_ascii_case(&set.folder),
        };
        let beside = sets.iter().find_map(|set| files.iter().find(|it| other(set, it)));
        if let Some(it) = beside {
            let text = format!("{} would lie in the folder of the DDP-compatible set.", it.name);
            let mend = "Give the set a folder of its own in the profile, and every other file another.";
            self.plan.findings.push(Finding::block("DDP_FOLDER", text, self.profile.source("")).mend(mend));
        }
    }

    fn rate_findings(&mut self) {
        let (sheet, profile) = (self.sheet, self.profile);
        let khz = |hz: u32| format!("{} kHz", f64::from(hz) / 1000.0);
        for ((asked, own), songs) in &self.kept {
            let who = sheet.all_called(songs);
            let text = format!("{} is asked; {who} has {} and stays there.", khz(*asked), khz(*own));
            let mend = "Nothing is up-sampled. Render from a mix with the higher rate, where there is one.";
            let source = profile.source("sample_rate_hz");
            let it = Finding::warn("RATE_KEPT", text, source).mend(mend).songs(songs.iter().copied());
            self.plan.findings.push(it);
        }
        for (rate, songs) in &self.refused {
            let who = sheet.all_called(songs);
            let text = format!("{who} would be delivered at {}, which is not taken.", khz(*rate));
            let mend = "Master at a rate that is taken, or deliver by another profile.";
            let source = profile.source("sample_rates_hz");
            let it = Finding::block("SAMPLE_RATE", text, source).mend(mend).songs(songs.iter().copied());
            self.plan.findings.push(it);
        }
        if self.mixed {
            let rate = self.joint_rate(None);
            let lower: Vec<usize> =
                (0..sheet.songs.len()).filter(|at| sheet.songs[*at].source.sample_rate < rate).collect();
            let text = format!(
                "The songs have several rates: as one sound {} must be converted up to the others.",
                sheet.all_called(&lower)
            );
            let mend =
                "Master all songs of the record at one rate, or leave it: single files keep their own.";
            let it = Finding::warn("RATES_DIFFER", text, profile.source("")).mend(mend).songs(lower);
            self.plan.findings.push(it);
        }
    }
}

/// What a file is made from.
struct Made<'a> {
    song: Option<usize>,
    alternate: &'a str,
    songs: Vec<usize>,
    side: Option<usize>,
    exact: bool,
}

fn folder_of(ask: &FileAsk, words: &Words) -> String {
    if ask.folder.is_empty() { String::new() } else { names::expand(&ask.folder, words) }
}

/// A code as a part of a name: capitals and hyphens stay as they are.
fn code(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(LETTERS_MAX).collect()
}

/// Nothing is done to the song on its way to a track, and nothing is added behind it.
fn untouched(sheet: &RecordSheet, song: usize) -> bool {
    let it = &sheet.songs[song].placing;
    let own = [it.trim_in_ms, it.trim_out_ms, it.fade_in_ms, it.fade_out_ms].iter().all(|ms| *ms == 0);
    let level = it.gain_cb == 0 && linear(sheet.album_gain_db) == 1.0;
    // A first song has no crossfade, and its gap stands in its own file.
    let before = if song == 0 { it.gap_ms == 0 } else { it.crossfade_ms == 0 };
    let behind = sheet
        .songs
        .get(song + 1)
        .is_none_or(|next| next.placing.gap_ms == 0 && next.placing.crossfade_ms == 0);
    own && level && before && behind
}

/// Its rate, and a word that holds its own: the samples stand in it as they are. A float of 32 bits tells apart the whole numbers of 24.
fn same_form(source: &AudioFile, encoding: Encoding, rate: u32) -> bool {
    let room = match (source.float, encoding.float()) {
        (false, false) => encoding.bits(),
        (false, true) => 24,
        (true, true) => 32,
        (true, false) => return false,
    };
    !source.lossy()
        && !encoding.lossy()
        && source.channels == CHANNELS
        && source.sample_rate == rate
        && source.bits.is_some_and(|bits| bits <= room)
}
