//! Makes the files of a plan, ask by ask: which songs, at which rate, under which name, how long and how large. Never here: rules of the record.

mod about;
mod late;

use std::collections::BTreeMap;

use super::{
    Ask, FileAsk, Finding, Kind, Plan, PlannedFile, Profile,
    choice::{CHANNELS, DISC_WORD, differs, disc_is_exact, kept, pick, pick_alone, same_form, untouched},
    cover_rules, label_copy, lengths, level_rules,
    names::{self, Given, Words, rate_word},
    on_disc, penalties_text, places, record_rules,
    record_rules::{DISC_RATE, SECTOR},
    sheet::{AudioFile, RecordSheet},
    side_sheet, sides,
    sizes::{self, Sound},
};
use crate::{
    album::Timeline,
    disc::{self, Disc},
    write::{Encoding, Tags, refusal},
};

/// Bytes of raw sound in a sector.
const SECTOR_BYTES: u64 = 2352;

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
    /// Songs that have a file of some rate and word length that is another sound than their best.
    unlike: BTreeMap<(u32, u32), Vec<usize>>,
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
            unlike: BTreeMap::new(),
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
        self.form_findings();
        self.set_alone();
        self.plan
    }

    fn asks(&self, kinds: &[Ask]) -> bool {
        self.profile.files.iter().any(|it| kinds.contains(&it.kind))
    }

    fn rules(&mut self) {
        let (profile, sheet) = (self.profile, self.sheet);
        let mut found = label_copy::check(&sheet.copy, profile);
        cover_rules::cover(profile, sheet, &mut found);
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

    fn tracks(&mut self, ask: &FileAsk) {
        let Some(encoding) = ask.encoding else { return };
        let tracks: Vec<usize> = self.sheet.tracks().collect();
        for (nth, song) in tracks.into_iter().enumerate() {
            let sheet = self.sheet;
            let rate = self.rate(ask, encoding, sheet.songs[song].source.sample_rate, song);
            let Some((_, span)) = lengths::tracks(sheet, self.line(rate)).into_iter().nth(nth) else {
                return;
            };
            let exact =
                untouched(sheet, song) && same_form(self.chosen(song, encoding, rate), encoding, rate);
            let it = Made { song: Some(song), alternate: "main", songs: vec![song], side: None, exact };
            self.sound(ask, Kind::Track, it, encoding, rate, span.end - span.start);
        }
    }

    fn songs(&mut self, ask: &FileAsk) {
        let Some(encoding) = ask.encoding else { return };
        let token = ask.alternate.as_deref().unwrap_or("main");
        let sheet = self.sheet;
        for song in sheet.tracks() {
            let it = &sheet.songs[song];
            let (best, others) = match token {
                "main" => ((&it.source, &it.figures), &it.others),
                _ => match record_rules::alternate(sheet, song, token) {
                    Some(it) => ((&it.source, &it.figures), &it.others),
                    None => continue,
                },
            };
            let source = best.0;
            if source.sample_rate == 0 {
                continue;
            }
            let rate = self.rate(ask, encoding, source.sample_rate, song);
            let frames = lengths::converted(source, rate);
            if differs(best, others, encoding, rate) {
                self.not_like(song, encoding, rate);
            }
            let pick = pick_alone(best, others, encoding, rate);
            let file = pick.checked_sub(1).map_or(source, |nth| &others[nth].source);
            let exact = same_form(file, encoding, rate);
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
            let exact = self.joint_exact(&songs, encoding, rate);
            let it = Made { song: None, alternate: "main", songs, side: Some(side), exact };
            self.sound(ask, Kind::Side, it, encoding, rate, span.end - span.start);
        }
    }

    fn whole(&mut self, ask: &FileAsk) {
        let Some(encoding) = ask.encoding else { return };
        let rate = self.joint(ask, encoding);
        let frames = self.line(rate).frames();
        let songs: Vec<usize> = (0..self.sheet.songs.len()).collect();
        let exact = self.joint_exact(&songs, encoding, rate);
        let it = Made { song: None, alternate: "main", songs, side: None, exact };
        self.sound(ask, Kind::Whole, it, encoding, rate, frames);
    }

    /// Of several songs as one sound nothing is said.
    fn joint_exact(&mut self, songs: &[usize], encoding: Encoding, rate: u32) -> bool {
        let forms: Vec<bool> =
            songs.iter().map(|song| same_form(self.chosen(*song, encoding, rate), encoding, rate)).collect();
        matches!(songs, [song] if untouched(self.sheet, *song)) && forms == [true]
    }

    /// The file of a song that goes into sound of this form.
    fn chosen(&mut self, song: usize, encoding: Encoding, rate: u32) -> &'a AudioFile {
        let sheet = self.sheet;
        let it = &sheet.songs[song];
        if kept(sheet, song) && differs((&it.source, &it.figures), &it.others, encoding, rate) {
            self.not_like(song, encoding, rate);
        }
        it.file(pick(sheet, song, encoding, rate))
    }

    fn not_like(&mut self, song: usize, encoding: Encoding, rate: u32) {
        let songs = self.unlike.entry((rate, encoding.bits())).or_default();
        if !songs.contains(&song) {
            songs.push(song);
        }
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
            file.exact = disc_is_exact(sheet);
        }
        for song in 0..sheet.songs.len() {
            self.chosen(song, DISC_WORD, DISC_RATE);
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
