//! From plans to what is to be done: every file that is asked for, and the sound that it is made of. What several profiles ask for alike is rendered once.
//! Never here: files of this machine, sound.

use std::path::Path;

use unicode_normalization::UnicodeNormalization as _;

use super::{Job, ProfileText, SourceFile};
use crate::{
    DspError,
    album::{self, Cut, Output, Source},
    decode::Bext,
    profile::{AudioFile, Kind, Plan, PlannedFile, Profile, RecordSheet, pick, pick_alone, plan},
    write::{Encoding, Tags},
};

/// Of a folder that is called after a profile.
const FOLDER_MAX_BYTES: usize = 100;
const DISC_HZ: u32 = 44_100;

/// The plans of a record, as the dry run shows them; they may block. Errors: `Invalid` for a text that is no profile, with its line; for one whose name
/// is not the one it goes by, or can be no folder, or is there twice.
pub fn plans(sheet: &RecordSheet, profiles: &[ProfileText]) -> Result<Vec<Plan>, DspError> {
    if profiles.is_empty() {
        return Err(DspError::Invalid("no profile is named: name at least one, \"cd\" or \"hi-res\"".into()));
    }
    let mut folders: Vec<String> = Vec::new();
    let mut all = Vec::new();
    for ProfileText { name, toml } in profiles {
        let read = Profile::parse(toml).map_err(|(line, what)| {
            DspError::Invalid(format!("the profile {name:?} is wrong in line {line}: {what}"))
        })?;
        if read.name != *name {
            return Err(DspError::Invalid(format!(
                "the profile {name:?} calls itself {:?}: ask for it under that name",
                read.name
            )));
        }
        folder(name)?;
        // Some desks do not tell capitals from small letters, nor a letter with its accent from both of them apart.
        let folded = name.nfkc().collect::<String>().to_lowercase();
        if folders.contains(&folded) {
            return Err(DspError::Invalid(format!(
                "the profile {name:?} is asked for twice: its files lie in one folder. Name it once"
            )));
        }
        folders.push(folded);
        all.push(plan(&read, sheet));
    }
    Ok(all)
}

/// Errors: `Invalid` where a plan blocks, with the first of what blocks, its source and its mend.
pub fn ready(plans: &[Plan]) -> Result<(), DspError> {
    let blocks: Vec<_> = plans
        .iter()
        .flat_map(|plan| plan.findings.iter().filter(|it| it.block).map(move |it| (plan, it)))
        .collect();
    let Some((plan, first)) = blocks.first() else { return Ok(()) };
    let more = match blocks.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Err(DspError::Invalid(format!(
        "{} cannot be made: {} [{}; {}] {}{more}",
        plan.profile, first.text, first.code, first.source, first.mend
    )))
}

/// The folder of a profile is its name.
fn folder(name: &str) -> Result<(), DspError> {
    let device = ["con", "prn", "aux", "nul"].contains(&name.to_lowercase().as_str());
    let wrong = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|');
    let edges = name.starts_with(['.', ' ']) || name.ends_with(['.', ' ']);
    if name.is_empty() || name.len() > FOLDER_MAX_BYTES || edges || device || name.contains(wrong) {
        return Err(DspError::Invalid(format!(
            "the profile {name:?} has a name that no folder can have everywhere: rename it, with letters, digits, - and _"
        )));
    }
    Ok(())
}

/// A file that is asked for.
pub(super) struct Order {
    /// Its place in the plans, and in that plan's files.
    pub plan: usize,
    pub file: usize,
    /// Beneath the folder of the record, with `/`.
    pub path: String,
    /// The sound that it is made of, by its place in [`Orders::raws`].
    pub raw: Option<usize>,
    /// For people: "cd: image", "hi-res: track 3 of 10".
    pub words: String,
}

/// Sound without tags, as one file.
pub(super) struct Raw {
    /// The same whenever the same job is begun again.
    pub name: String,
    pub bext: Option<Bext>,
    /// Which of [`Orders::renders`] makes it.
    pub render: usize,
    /// Who is made of it.
    pub orders: Vec<usize>,
}

/// What is read for one rendering. Of every song or alternate a file by its place: 0 its best, from 1 its others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Take {
    /// All songs, spaced.
    Record(Vec<usize>),
    /// A song by itself, as it was signed; its main where no alternate is told.
    Song { song: usize, alternate: Option<usize>, file: usize },
}

pub(super) struct Render {
    pub take: Take,
    pub outputs: Vec<RawOutput>,
}

pub(super) struct RawOutput {
    cut: Cut,
    encoding: Encoding,
    sample_rate: u32,
    bext: bool,
    /// By file of the cut.
    slots: Vec<Option<usize>>,
}

/// Where a file lies in a rendering.
struct Slot {
    take: Take,
    cut: Cut,
    encoding: Encoding,
    sample_rate: u32,
    at: usize,
    of: usize,
}

pub(super) struct Orders {
    pub sheet: RecordSheet,
    pub plans: Vec<Plan>,
    pub list: Vec<Order>,
    pub raws: Vec<Raw>,
    pub renders: Vec<Render>,
}

impl Orders {
    pub fn new(sheet: RecordSheet, plans: Vec<Plan>) -> Result<Orders, DspError> {
        let mut orders = Orders { sheet, plans, list: Vec::new(), raws: Vec::new(), renders: Vec::new() };
        for plan in 0..orders.plans.len() {
            for file in 0..orders.plans[plan].files.len() {
                let planned = &orders.plans[plan].files[file];
                let path = path(&orders.plans[plan], planned)?;
                let words = words(&orders.plans[plan], file);
                let raw = match orders.slot(planned)? {
                    Some(slot) => Some(orders.raw(slot, planned.bext.clone(), orders.list.len())),
                    None => None,
                };
                orders.list.push(Order { plan, file, path, raw, words });
            }
        }
        if orders.list.is_empty() {
            let names: Vec<&str> = orders.plans.iter().map(|plan| plan.profile.as_str()).collect();
            return Err(DspError::Invalid(format!(
                "{} asks for no file, it only checks: name a profile that does",
                names.join(", ")
            )));
        }
        Ok(orders)
    }

    pub fn planned(&self, order: usize) -> &PlannedFile {
        let order = &self.list[order];
        &self.plans[order.plan].files[order.file]
    }

    /// What goes into a file besides its sound.
    pub fn tags(&self, order: usize) -> Option<Tags> {
        let planned = self.planned(order);
        let cover = self.sheet.cover.clone().filter(|_| planned.cover);
        planned.tags.clone().map(|tags| Tags { cover, ..tags })
    }

    /// All songs, as sound of this form takes them.
    fn spaced(&self, encoding: Encoding, rate: u32) -> Take {
        let sheet = &self.sheet;
        Take::Record((0..sheet.songs.len()).map(|song| pick(sheet, song, encoding, rate)).collect())
    }

    fn slot(&self, planned: &PlannedFile) -> Result<Option<Slot>, DspError> {
        let spaced = || match planned.encoding {
            Some(encoding) => self.spaced(encoding, planned.sample_rate),
            None => Take::Record(Vec::new()),
        };
        let (take, cut, at, of) = match planned.kind {
            Kind::Track => {
                let at = self.sheet.tracks().position(|song| planned.songs == [song]);
                (spaced(), Cut::Tracks, at, self.sheet.tracks().count())
            }
            Kind::Side => {
                (spaced(), Cut::Sides(self.sheet.sides.clone()), planned.side, self.sheet.sides.len() + 1)
            }
            Kind::Whole => (spaced(), Cut::Whole, Some(0), 1),
            Kind::Song => (self.alone(planned)?, Cut::Whole, Some(0), 1),
            // Where the tracks lie on the disc is known when its sound is made.
            Kind::DdpImage | Kind::DdpFile | Kind::DiscImage | Kind::Cue | Kind::Toc | Kind::PqSheet => {
                let (cut, encoding) = (Cut::Disc, Encoding::Wav16);
                let take = self.spaced(encoding, DISC_HZ);
                return Ok(Some(Slot { take, cut, encoding, sample_rate: DISC_HZ, at: 0, of: 1 }));
            }
            _ => return Ok(None),
        };
        let (Some(encoding), Some(at)) = (planned.encoding, at.filter(|at| *at < of)) else {
            return Err(DspError::Invalid(format!(
                "the plan of {} does not say which sound it is: report this",
                planned.name
            )));
        };
        Ok(Some(Slot { take, cut, encoding, sample_rate: planned.sample_rate, at, of }))
    }

    fn alone(&self, planned: &PlannedFile) -> Result<Take, DspError> {
        let song = planned.songs.first().copied().filter(|song| *song < self.sheet.songs.len());
        let found = song.zip(planned.encoding).and_then(|(song, encoding)| {
            let it = &self.sheet.songs[song];
            let alternate = it.alternates.iter().position(|it| it.token == planned.alternate);
            let (best, others) = match alternate.map(|at| &it.alternates[at]) {
                Some(it) => ((&it.source, &it.figures), &it.others),
                None if planned.alternate == "main" => ((&it.source, &it.figures), &it.others),
                None => return None,
            };
            let file = pick_alone(best, others, encoding, planned.sample_rate);
            Some(Take::Song { song, alternate, file })
        });
        found.ok_or_else(|| {
            DspError::Invalid(format!("there is no {} for {}: report this", planned.alternate, planned.name))
        })
    }

    /// The sound of a slot; one that is there already is taken.
    fn raw(&mut self, slot: Slot, bext: Option<Bext>, order: usize) -> usize {
        let Slot { take, cut, encoding, sample_rate, at, of } = slot;
        let render = match self.renders.iter().position(|it| it.take == take) {
            Some(render) => render,
            None => {
                self.renders.push(Render { take, outputs: Vec::new() });
                self.renders.len() - 1
            }
        };
        let raws = &mut self.raws;
        let outputs = &mut self.renders[render].outputs;
        let like = (cut, encoding, sample_rate, bext.is_some());
        for output in outputs.iter_mut() {
            if (&output.cut, output.encoding, output.sample_rate, output.bext)
                != (&like.0, like.1, like.2, like.3)
            {
                continue;
            }
            match output.slots[at] {
                Some(raw) if raws[raw].bext == bext => {
                    raws[raw].orders.push(order);
                    return raw;
                }
                // The same sound with other words in it.
                Some(_) => {}
                None => {
                    output.slots[at] = Some(raws.len());
                    raws.push(Raw::new(raws.len(), encoding, bext, render, order));
                    return raws.len() - 1;
                }
            }
        }
        let (cut, encoding, sample_rate, with) = like;
        let mut slots = vec![None; of];
        slots[at] = Some(raws.len());
        outputs.push(RawOutput { cut, encoding, sample_rate, bext: with, slots });
        raws.push(Raw::new(raws.len(), encoding, bext, render, order));
        raws.len() - 1
    }

    /// The sources of a rendering, each with what the sheet says of it and what it is called.
    pub fn sources<'a>(&'a self, job: &'a Job, take: &Take) -> Vec<(&'a SourceFile, &'a AudioFile, String)> {
        // Which of its files, where it is not the best.
        let form = |file: usize, said: &AudioFile| match file {
            0 => String::new(),
            _ => format!(" at {} Hz and {} bits", said.sample_rate, said.bits.unwrap_or(0)),
        };
        let main = |song: usize, file: usize| {
            let (files, said) = (&job.songs[song], self.sheet.songs[song].file(file));
            let source = file.checked_sub(1).map_or(&files.main, |nth| &files.others[nth]);
            (source, said, format!("the master of song {}{}", song + 1, form(file, said)))
        };
        match take {
            Take::Record(files) => files.iter().enumerate().map(|(song, file)| main(song, *file)).collect(),
            Take::Song { song, alternate: None, file } => vec![main(*song, *file)],
            Take::Song { song, alternate: Some(at), file } => {
                let files = &job.songs[*song].alternates[*at];
                let said = self.sheet.songs[*song].alternates[*at].file(*file);
                let source = file.checked_sub(1).map_or(&files.file, |nth| &files.others[nth]);
                let who = format!("the {} of song {}{}", files.token, song + 1, form(*file, said));
                vec![(source, said, who)]
            }
        }
    }

    /// The rendering of what is wanted; nothing where nothing is.
    pub fn render(
        &self,
        job: &Job,
        render: usize,
        wanted: &dyn Fn(usize) -> bool,
        dir: &Path,
    ) -> Option<album::Job> {
        let Render { take, outputs } = &self.renders[render];
        let outputs: Vec<Output> = outputs
            .iter()
            .filter(|output| output.slots.iter().flatten().any(|raw| wanted(*raw)))
            .map(|it| {
                let name = |raw: &Option<usize>| match raw.filter(|raw| wanted(*raw)) {
                    Some(raw) => self.raws[raw].name.clone(),
                    None => String::new(),
                };
                let bext =
                    |raw: &Option<usize>| raw.and_then(|raw| self.raws[raw].bext.clone()).unwrap_or_default();
                let names = it.slots.iter().map(name).collect();
                let mut output = Output::new(it.cut.clone(), it.encoding, it.sample_rate, names);
                if it.bext {
                    output.bext = it.slots.iter().map(bext).collect();
                }
                output
            })
            .collect();
        let signed =
            |file: &SourceFile| Source { sha256: Some(file.sha256.clone()), ..Source::new(&file.path) };
        let mut songs: Vec<Source> = self.sources(job, take).into_iter().map(|it| signed(it.0)).collect();
        let mut album_gain_db = 0.0;
        if matches!(take, Take::Record(_)) {
            album_gain_db = self.sheet.album_gain_db;
            for (song, sheet) in songs.iter_mut().zip(&self.sheet.songs) {
                let it = sheet.placing;
                *song = Source {
                    trim_in_ms: it.trim_in_ms,
                    trim_out_ms: it.trim_out_ms,
                    gap_ms: it.gap_ms,
                    crossfade_ms: it.crossfade_ms,
                    fade_in_ms: it.fade_in_ms,
                    fade_out_ms: it.fade_out_ms,
                    shape: it.shape,
                    gain_cb: it.gain_cb,
                    hidden: it.hidden,
                    ..song.clone()
                };
            }
        }
        (!outputs.is_empty()).then(|| album::Job { songs, outputs, album_gain_db, out_dir: dir.to_owned() })
    }
}

impl Raw {
    fn new(nth: usize, encoding: Encoding, bext: Option<Bext>, render: usize, order: usize) -> Raw {
        let name = format!("{nth:04}.{}", encoding.extension());
        Raw { name, bext, render, orders: vec![order] }
    }
}

/// Names of a plan are plain by how they are made; nothing that is not is ever put under a folder.
fn path(plan: &Plan, planned: &PlannedFile) -> Result<String, DspError> {
    let parts = [planned.folder.as_str(), planned.name.as_str()];
    let plain = |part: &str| {
        !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    if planned.name.is_empty() || !parts.iter().all(|part| plain(part)) {
        return Err(DspError::Invalid(format!("{parts:?} can be no file of a record: report this")));
    }
    Ok(format!("{}/{}", plan.folder_of(planned), planned.name))
}

fn words(plan: &Plan, file: usize) -> String {
    let planned = &plan.files[file];
    let like = |it: &PlannedFile| {
        (it.kind, it.encoding) == (planned.kind, planned.encoding) && it.alternate == planned.alternate
    };
    let (nth, of) = (
        1 + plan.files[..file].iter().filter(|it| like(it)).count(),
        plan.files.iter().filter(|it| like(it)).count(),
    );
    let what = match planned.kind {
        Kind::Track => format!("track {nth} of {of}"),
        Kind::Song if planned.alternate == "main" => format!("song {nth} of {of}"),
        Kind::Song => format!("{} {nth} of {of}", planned.alternate),
        Kind::Side => format!("side {nth} of {of}"),
        Kind::Whole => "the whole".to_owned(),
        Kind::DdpImage | Kind::DiscImage => "image".to_owned(),
        _ => planned.name.clone(),
    };
    format!("{}: {what}", plan.profile)
}
