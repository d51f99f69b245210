//! A project as the sheet of a record: songs in the running order with the figures of their masters, how they lie, what stands on their label, and which files
//! they are made of. Pure: the dry run and the job get the same from the same facts. Never here: profiles, paths, who asks for what.

use deadwax_domain::{
    Alternate, AudioFacts, Digest, Explicit, FadeShape, File, PersonId, Project, Record, RecordTexts, SongId,
    Spacing, SpacingItem, Stage, Version, VersionId, audience, record::SongTexts, spacing,
};
use deadwax_dsp::{
    album::loudest_track_gain,
    processors::fade::Shape,
    profile::{
        AlternateSheet, AudioFile, Figures, Finding, FormatSheet, Placing, RecordSheet, SongSheet,
        label_copy::{self, Credit, LabelCopy, Split, SplitKind, TrackCopy},
    },
};

/// A record on paper.
#[derive(Clone, Debug)]
pub struct Laid {
    pub sheet: RecordSheet,
    /// In the running order, as the songs of the sheet.
    pub songs: Vec<LaidSong>,
    /// The number of the spacing.
    pub spacing: u32,
    /// A picture that the server has stored.
    pub cover: Option<Digest>,
    /// What keeps it from being made apart from what profiles find; places are those of the running order.
    pub findings: Vec<Finding>,
}

/// The files that a song is made of.
#[derive(Clone, Debug)]
pub struct LaidSong {
    pub song: SongId,
    pub version: Option<VersionId>,
    /// For a sentence: the title in quotes.
    pub name: String,
    /// `None`: there is no version.
    pub main: Option<Digest>,
    /// Its other forms, in the order of the sheet's.
    pub others: Vec<Digest>,
    /// In the order of the sheet's alternates.
    pub alternates: Vec<(Alternate, Digest)>,
    /// The other forms of each alternate, in the same order.
    pub alternate_others: Vec<Vec<Digest>>,
}

/// What is asked of the whole of a record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wish {
    pub loudest_track_lufs: Option<f64>,
    /// Empty: nobody said.
    pub medium: String,
}

/// The record as it would be made now. A song without a signed master stands in it with what is newest of it and a block; of mixes that compete, only with
/// one that this person may know of. `None`: there is no spacing.
pub fn newest(project: &Project, person: PersonId, wish: &Wish) -> Option<Laid> {
    let spacing = project.spacings.last()?;
    let mut findings = of_spacing(project);
    let mut chosen = Vec::new();
    for (at, item) in spacing.items.iter().enumerate() {
        let signed = project.songs.get(item.song).is_some_and(|song| song.stage == Stage::Delivered);
        let version = if signed { project.candidate(item.song) } else { visible(project, person, item.song) };
        if !signed || version.is_none() {
            findings.push(not_signed(project, item.song, at, version));
        }
        chosen.push((item, version));
    }
    let absent = project.running_order.iter().filter(|song| spacing.items.iter().all(|it| it.song != **song));
    let absent: Vec<String> = absent.map(|song| project.song_name(*song)).collect();
    if !absent.is_empty() {
        let text = format!("Spacing {} does not name {}.", spacing.number, absent.join(", "));
        let mend = "Set a new spacing that names every song of the project.";
        findings.push(block("SPACING_INCOMPLETE", text, "the spacing itself", mend, Vec::new()));
    }
    let number = u32::try_from(project.records.len() + 1).unwrap_or(u32::MAX);
    let texts = RecordTexts::now(project, spacing.items.iter().map(|item| item.song));
    Some(laid(project, &texts, (number, spacing), &chosen, wish, findings))
}

/// What those who answer for the order of the songs have not said yet, or said and wait for. Where the gate of mastering asks them, nothing is made before.
fn of_spacing(project: &Project) -> Vec<Finding> {
    let asked = spacing::is_asked_for(project);
    let source = if asked { "the gate of mastering" } else { "the spacing itself" };
    let weigh = |code, text: String, mend: &str| Finding {
        block: asked,
        ..block(code, text, source, mend, Vec::new())
    };
    let unapproved = spacing::unapproved(project)
        .map(|text| weigh("SPACING_NOT_APPROVED", text, "Let it be heard and approved first."));
    let open = spacing::open_notes(project)
        .map(|text| weigh("SPACING_NOTES_OPEN", text, "Answer each and close it, or set a new spacing."));
    unapproved.into_iter().chain(open).collect()
}

/// The record from exactly its own masters and spacing, with the texts of its start. `None`: they are not there as it names them.
pub fn of_record(project: &Project, record: &Record) -> Option<Laid> {
    let spacing = project.spacings.iter().find(|it| it.number == record.spacing)?;
    let mut chosen = Vec::new();
    for item in &spacing.items {
        let source = record.sources.iter().find(|source| source.song == item.song)?;
        let version = project.versions.get(source.version)?;
        if version.fingerprint != source.fingerprint || version.song != item.song {
            return None;
        }
        chosen.push((item, Some(version)));
    }
    let whole = chosen.len() == record.sources.len();
    let wish = Wish { loudest_track_lufs: record.loudest_track_lufs, medium: record.medium.clone() };
    whole.then(|| laid(project, &record.texts, (record.number, spacing), &chosen, &wish, Vec::new()))
}

/// What would be heard of a song now by this person.
fn visible(project: &Project, person: PersonId, song: SongId) -> Option<&Version> {
    let sees = |version: &&Version| audience::sees_version(project, person, version);
    let candidate = project.candidate(song).filter(sees);
    candidate.or_else(|| project.versions_of(song).rev().find(sees))
}

fn not_signed(project: &Project, song: SongId, at: usize, version: Option<&Version>) -> Finding {
    let title = project.song_name(song);
    let text = match version {
        Some(version) => {
            format!("{title} has no master that is signed; this is planned with {}.", version.name())
        }
        None => format!("{title} has no master that is signed, and no version to plan with."),
    };
    let mend = "The gate of mastering comes first: let its master be approved.";
    block("MASTER_NOT_SIGNED", text, "the gate of mastering", mend, vec![at])
}

fn block(code: &'static str, text: String, source: &str, mend: &str, songs: Vec<usize>) -> Finding {
    Finding { block: true, code, text, source: source.to_owned(), mend: mend.to_owned(), songs, side: None }
}

fn laid(
    project: &Project,
    texts: &RecordTexts,
    (number, spacing): (u32, &Spacing),
    chosen: &[(&SpacingItem, Option<&Version>)],
    wish: &Wish,
    findings: Vec<Finding>,
) -> Laid {
    let mut sheet = RecordSheet {
        number,
        copy: label_copy(texts),
        medium: wish.medium.clone(),
        ..RecordSheet::default()
    };
    let mut songs = Vec::new();
    for (at, (item, version)) in chosen.iter().enumerate() {
        if item.begins_side && at > 0 {
            sheet.sides.push(at);
        }
        sheet.copy.tracks.push(texts.of(item.song).map(track).unwrap_or_default());
        let (song, files) = song(item, *version);
        sheet.songs.push(song);
        let mut forms = files.iter().map(|it| it.others.iter().map(|file| file.digest).collect());
        songs.push(LaidSong {
            song: item.song,
            name: project.song_name(item.song),
            version: version.map(|it| it.id),
            main: files.first().map(|it| it.best.digest),
            others: forms.next().unwrap_or_default(),
            alternates: files.iter().skip(1).map(|it| (it.best.alternate, it.best.digest)).collect(),
            alternate_others: forms.collect(),
        });
    }
    if let Some(target) = wish.loudest_track_lufs {
        // As they play beside each other: what the spacing does to a song comes first.
        let level = |it: &SongSheet| it.figures.integrated_lufs + f64::from(it.placing.gain_cb) / 100.0;
        let levels: Vec<f64> = sheet.songs.iter().map(level).collect();
        sheet.album_gain_db = loudest_track_gain(&levels, target);
    }
    Laid { sheet, songs, spacing: spacing.number, cover: texts.cover, findings }
}

/// An alternate in every form that a record may take it from.
struct Forms<'a> {
    best: &'a File,
    others: Vec<&'a File>,
}

impl Forms<'_> {
    fn sheets(&self) -> Vec<FormatSheet> {
        let sheet = |it: &&File| FormatSheet { source: source(&it.facts), figures: figures(&it.facts) };
        self.others.iter().map(sheet).collect()
    }
}

/// With its files: the main first, then its alternates as they stand in the sheet.
fn song<'a>(item: &SpacingItem, version: Option<&'a Version>) -> (SongSheet, Vec<Forms<'a>>) {
    let mut sheet = SongSheet { placing: placing(item), ..SongSheet::default() };
    let Some((version, main)) = version.and_then(|it| Some((it, forms(it, Alternate::Main)?))) else {
        return (sheet, Vec::new());
    };
    sheet.version = version.number;
    (sheet.source, sheet.figures) = (source(&main.best.facts), figures(&main.best.facts));
    sheet.others = main.sheets();
    let mut files = vec![main];
    for alternate in version.files.iter().map(|file| file.alternate) {
        if files.iter().any(|known| known.best.alternate == alternate) {
            continue;
        }
        let Some(it) = forms(version, alternate) else { continue };
        let token = alternate.to_string();
        let (source, figures) = (source(&it.best.facts), figures(&it.best.facts));
        sheet.alternates.push(AlternateSheet { token, source, figures, others: it.sheets() });
        files.push(it);
    }
    (sheet, files)
}

/// A master holds an alternate in several formats: the best is the one that loses nothing, of the highest rate, then of the longest word; of equals a WAV, then
/// the first. Words of numbers go before floats: they were dithered once, for delivery, and a profile that takes as many bits hands them on bit for bit. Of the
/// others the best of every rate and word length is kept, as long as it loses nothing: it was signed too, and what asks for its very form gets it.
fn forms(version: &Version, alternate: Alternate) -> Option<Forms<'_>> {
    let lossless = |it: &File| !matches!(it.facts.codec.as_str(), "mp3" | "aac" | "vorbis" | "opus");
    let rank = |file: &&File| {
        let facts = &file.facts;
        let wave = matches!(facts.container.as_str(), "wav" | "rf64");
        let word = if facts.float { 0 } else { facts.bits };
        (lossless(file), facts.sample_rate_hz, word, wave)
    };
    let mut files: Vec<&File> = version.files.iter().filter(|file| file.alternate == alternate).collect();
    // Of equals the first stays the first.
    files.sort_by_key(|file| std::cmp::Reverse(rank(file)));
    let mut files = files.into_iter();
    let best = files.next()?;
    let form = |it: &File| (it.facts.sample_rate_hz, it.facts.bits, it.facts.float);
    let mut others: Vec<&File> = Vec::new();
    for file in files.filter(|it| lossless(it) && form(it) != form(best)) {
        if others.iter().all(|known| form(known) != form(file)) {
            others.push(file);
        }
    }
    Some(Forms { best, others })
}

fn source(facts: &AudioFacts) -> AudioFile {
    AudioFile {
        container: facts.container.clone(),
        codec: facts.codec.clone(),
        sample_rate: facts.sample_rate_hz,
        bits: Some(facts.bits).filter(|bits| *bits > 0),
        float: facts.float,
        channels: facts.channels as usize,
        frames: facts.frames,
    }
}

/// The facts of a file hold no spectrum: whoever can read what was rendered adds it.
fn figures(facts: &AudioFacts) -> Figures {
    Figures {
        integrated_lufs: facts.integrated_lufs,
        range_lu: facts.loudness_range_lu,
        max_momentary_lufs: facts.max_momentary_lufs,
        max_short_term_lufs: facts.max_short_term_lufs,
        true_peak_dbtp: facts.true_peak_dbtp,
        clipped_samples: facts.clipped_samples,
        bands_dbfs: None,
    }
}

fn placing(item: &SpacingItem) -> Placing {
    Placing {
        trim_in_ms: item.trim_in_ms,
        trim_out_ms: item.trim_out_ms,
        gap_ms: item.gap_ms,
        crossfade_ms: item.crossfade_ms,
        fade_in_ms: item.fade_in_ms,
        fade_out_ms: item.fade_out_ms,
        shape: match item.shape {
            FadeShape::EqualPower => Shape::EqualPower,
            FadeShape::Linear => Shape::Linear,
            FadeShape::Exponential => Shape::Exponential,
        },
        gain_cb: item.gain_cb,
        hidden: item.hidden,
    }
}

/// Without its songs.
fn label_copy(texts: &RecordTexts) -> LabelCopy {
    let it = &texts.copy;
    LabelCopy {
        artist: texts.artist.clone(),
        title: texts.title.clone(),
        upc: it.upc.clone(),
        catalogue: it.catalogue.clone(),
        label: it.label.clone(),
        p_line: it.p_line.clone(),
        c_line: it.c_line.clone(),
        release_date: it.release_date.clone(),
        genre: it.genre.clone(),
        language: it.language.clone(),
        tracks: Vec::new(),
    }
}

fn track(it: &SongTexts) -> TrackCopy {
    let copy = it.copy.clone();
    let split = |it: deadwax_domain::Split| Split {
        name: it.name,
        share: it.share,
        kind: if it.recording { SplitKind::Recording } else { SplitKind::Composition },
    };
    TrackCopy {
        title: it.title.clone(),
        version_title: copy.version_title,
        artist: String::new(),
        isrc: it.isrc.clone(),
        explicit: copy.explicit.map(|it| match it {
            Explicit::No => label_copy::Explicit::No,
            Explicit::Yes => label_copy::Explicit::Yes,
            Explicit::Cleaned => label_copy::Explicit::Cleaned,
        }),
        credits: copy.credits.into_iter().map(|it| Credit { role: it.role, name: it.name }).collect(),
        splits: copy.splits.into_iter().map(split).collect(),
    }
}
