//! The work itself: rendering what is missing, giving files their tags and their names, holding each against its plan, digests last. Never here: what is
//! asked for, how a text reads.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::{
    Job, Made, MadeFile, Progress, SourceFile,
    check::{as_planned, fault, md5_of, shape, still_sound, with_next_step},
    orders::{Orders, Take, plans, ready},
    report::report,
    room::{self, Finished, Levels, Room},
    teller::Teller,
    texts,
};
use crate::{
    DspError, Flow, Source, album,
    digest::{Digest, digest_of},
    disc::{self, Disc},
    profile::{self, AudioFile, Finding, Kind, disc_of, planned_disc},
    write::{COVER_BYTES_MAX, Cover, tag_in},
};

/// Raised where the same job makes other bytes than before, or notes say other things.
const ENGINE: u32 = 2;
/// A second time of the work of rendering a frame: giving it a name with tags, a digest.
const TAGS_WEIGHT: f64 = 0.3;
const DIGEST_WEIGHT: f64 = 0.1;

/// Makes every file of a record: those of [`plans`], each under `out_dir/<profile>/`. A file that an earlier run of the same job has finished is left as it
/// is. `progress` is asked at every block; after [`Flow::Stop`] finished files are left under their names, and the next run goes on from there.
///
/// Errors: `Invalid` for a plan that blocks, with its source and mend, a job that does not fit its sheet, a source that is not the one that was signed, a file
/// that came out otherwise than planned or with peaks that its profile does not take, a job of another engine, another run in the same folder; `Open`,
/// `Write` and those of [`crate::decode`] with the file; `Stopped`.
pub fn make(job: &Job, progress: &mut dyn FnMut(&Progress) -> Flow) -> Result<Made, DspError> {
    made(job, progress).map_err(with_next_step)
}

/// What makes a record: the same word, the same bytes. Whoever keeps the job of a record that was begun notes it with the job; under another word nothing of
/// what lies in its folder may stay.
pub fn engine() -> String {
    format!("record {ENGINE} {}", env!("CARGO_PKG_VERSION"))
}

/// Takes the room of a record away, where sound and notes of a run lie for a later one. Files under their names stay. Errors: `Write`; `Invalid` while the
/// record is being made.
pub fn clear_marks(job: &Job) -> Result<(), DspError> {
    room::clear(&job.out_dir)
}

fn made(job: &Job, progress: &mut dyn FnMut(&Progress) -> Flow) -> Result<Made, DspError> {
    if !job.engine.is_empty() && job.engine != engine() {
        return Err(DspError::Invalid(format!(
            "the record was begun by another version of Deadwax ({}, this is {}): empty its folder and start it again",
            job.engine,
            engine()
        )));
    }
    let mut sheet = job.sheet.clone();
    if let Some(path) = &job.cover {
        sheet.cover = Some(cover(path)?);
    }
    let plans = plans(&sheet, &job.profiles)?;
    ready(&plans)?;
    fits(job)?;
    let orders = Orders::new(sheet, plans)?;
    for plan in &orders.plans {
        let known = |path: &str| orders.list.iter().any(|it| it.path == path);
        if let Some(path) = room::stranger(&job.out_dir, &plan.profile, &known)? {
            return Err(DspError::Invalid(format!(
                "{} is no file of this record: move it away, or make the record in an empty folder",
                path.display()
            )));
        }
    }
    let room = Room::open(&job.out_dir, &key(job, &orders))?;
    let mut teller = Teller::new(orders.list.len(), weight(&orders), progress);
    let finished = vec![None; orders.list.len()];
    let sounds = (0..orders.raws.len()).map(|_| None).collect();
    let mut work = Work { job, orders: &orders, room, finished, sounds };
    work.look(&mut teller)?;
    work.sound(&mut teller)?;
    work.texts(&mut teller)?;
    work.sums(&mut teller)?;
    teller.end()?;
    let finished: Vec<Finished> = work.finished.into_iter().flatten().collect();
    let report_json = report(&orders, &finished);
    Ok(Made { files: finished.into_iter().map(|it| it.file).collect(), report_json })
}

/// All that the bytes follow from, and where they lie.
fn key(job: &Job, orders: &Orders) -> String {
    let mut plain = job.clone();
    plain.out_dir = PathBuf::new();
    (plain.cover, plain.sheet.cover) = (None, None);
    for song in &mut plain.songs {
        song.all_mut().for_each(|it| it.path = PathBuf::new());
    }
    let mut sum = Sha256::new();
    sum.update(engine() + "\n");
    sum.update(format!("{plain:?}"));
    if let Some(cover) = &orders.sheet.cover {
        sum.update(cover.bytes());
    }
    hex::encode(sum.finalize())
}

fn cover(path: &Path) -> Result<Cover, DspError> {
    let open = |e| DspError::open(path, e);
    let bytes = fs::metadata(path).map_err(open)?.len();
    if bytes > COVER_BYTES_MAX as u64 {
        return Err(DspError::Invalid(format!(
            "the cover {} has {bytes} bytes, at most {COVER_BYTES_MAX} fit into a tag: save it smaller",
            path.display()
        )));
    }
    Cover::new(fs::read(path).map_err(open)?)
        .map_err(|error| DspError::Invalid(format!("the cover {}: {error}", path.display())))
}

/// Files and sheet speak of the same songs.
fn fits(job: &Job) -> Result<(), DspError> {
    let wrong = |what: String| Err(DspError::Invalid(format!("{what}: make the job from its sheet anew")));
    let (files, songs) = (&job.songs, &job.sheet.songs);
    if files.len() != songs.len() {
        return wrong(format!("the sheet has {} songs and {} have files", songs.len(), files.len()));
    }
    for (n, (files, song)) in files.iter().zip(songs).enumerate() {
        let tokens = files.alternates.iter().map(|it| &it.token);
        if !tokens.eq(song.alternates.iter().map(|it| &it.token)) {
            return wrong(format!("song {}: its alternates are not those of the sheet", n + 1));
        }
        let alternates = files.alternates.iter().zip(&song.alternates);
        let forms = alternates.map(|(file, said)| (file.others.len(), said.others.len()));
        if forms.chain([(files.others.len(), song.others.len())]).any(|(files, said)| files != said) {
            return wrong(format!(
                "song {}: its files of other rates and word lengths are not those of the sheet",
                n + 1
            ));
        }
        for SourceFile { path, sha256 } in files.all() {
            if sha256.len() != 64 || !sha256.bytes().all(|it| it.is_ascii_hexdigit()) {
                return wrong(format!("song {}: {} has no digest to know it by", n + 1, path.display()));
            }
        }
    }
    Ok(())
}

/// Of all the work, in frames of rendering.
fn weight(orders: &Orders) -> f64 {
    let raw = |raw: usize| orders.planned(orders.raws[raw].orders[0]).frames as f64;
    let sounds: f64 = (0..orders.raws.len()).map(raw).sum();
    let files: f64 = (0..orders.list.len()).map(|order| file_weight(orders, order)).sum();
    sounds + files
}

/// Of one file, when its sound is there.
fn file_weight(orders: &Orders, order: usize) -> f64 {
    let planned = orders.planned(order);
    match planned.kind {
        Kind::Md5 => orders.plans[orders.list[order].plan].bytes() as f64 / 6.0 * DIGEST_WEIGHT,
        _ if planned.tags.is_some() => planned.frames as f64 * TAGS_WEIGHT,
        _ => 1.0,
    }
}

struct Work<'a> {
    job: &'a Job,
    orders: &'a Orders,
    room: Room,
    /// By order.
    finished: Vec<Option<Finished>>,
    /// By raw, as long as it is there.
    sounds: Vec<Option<album::Made>>,
}

impl Work<'_> {
    /// What an earlier run has finished.
    fn look(&mut self, teller: &mut Teller<'_>) -> Result<(), DspError> {
        teller.begin("look at what is there", 0.0)?;
        for (n, order) in self.orders.list.iter().enumerate() {
            self.finished[n] = self.room.finished(n, &order.path, &mut || teller.at(0.0))?;
            if self.finished[n].is_some() {
                teller.file_done();
            }
        }
        Ok(())
    }

    /// A raw that some file still waits for.
    fn wanted(&self, raw: usize) -> bool {
        self.orders.raws[raw].orders.iter().any(|order| self.finished[*order].is_none())
    }

    fn wanted_of(&self, render: usize) -> Vec<usize> {
        let raws = self.orders.raws.iter().enumerate();
        raws.filter(|(raw, it)| it.render == render && self.wanted(*raw)).map(|(raw, _)| raw).collect()
    }

    /// Renders what is missing, one reading after the other, and makes its files at once.
    fn sound(&mut self, teller: &mut Teller<'_>) -> Result<(), DspError> {
        // A file that is missing is told before an hour of work.
        for (n, render) in self.orders.renders.iter().enumerate() {
            if !self.wanted_of(n).is_empty() {
                self.sources_are_there(&render.take, teller)?;
            }
        }
        for render in 0..self.orders.renders.len() {
            let raws = self.wanted_of(render);
            if raws.is_empty() {
                continue;
            }
            self.render(render, &raws, teller)?;
            let mut files: Vec<usize> =
                raws.iter().flat_map(|raw| self.orders.raws[*raw].orders.iter().copied()).collect();
            files.sort_unstable();
            for order in files {
                if self.finished[order].is_none() {
                    self.file(order, teller)?;
                }
                self.let_go(order)?;
            }
        }
        Ok(())
    }

    fn sources_are_there(&self, take: &Take, teller: &mut Teller<'_>) -> Result<(), DspError> {
        for (file, said, who) in self.orders.sources(self.job, take) {
            teller.at(0.0)?;
            let source = match Source::open(&file.path) {
                Ok(source) => source,
                Err(error) => {
                    return Err(DspError::Invalid(format!("{who}: {error}. Get the file anew, then go on")));
                }
            };
            let spec = source.spec();
            // What a coder says of its length is not always true: the renderer counts it.
            let frames = spec.frames.filter(|_| !said.lossy()).unwrap_or(said.frames);
            let is = AudioFile::of(spec, frames);
            let form = |it: &AudioFile| (it.sample_rate, it.channels, it.bits, it.float, it.frames);
            if form(&is) != form(said) {
                return Err(DspError::Invalid(format!(
                    "{who}: {} is {}, and the sheet says {}: make the plan anew from the file",
                    file.path.display(),
                    shape(&is),
                    shape(said)
                )));
            }
        }
        Ok(())
    }

    fn render(&mut self, render: usize, raws: &[usize], teller: &mut Teller<'_>) -> Result<(), DspError> {
        let orders = self.orders;
        let wanted = |raw: usize| raws.contains(&raw);
        let Some(job) = orders.render(self.job, render, &wanted, &self.room.sound()) else { return Ok(()) };
        let frames = |raw: &usize| orders.planned(orders.raws[*raw].orders[0]).frames as f64;
        let whose = self.whose(raws);
        teller.begin(format!("{whose}: sound"), raws.iter().map(frames).sum())?;
        let named = |name: &str| {
            let raw = orders.raws.iter().find(|it| it.name == name)?;
            Some(orders.list[*raw.orders.first()?].words.clone())
        };
        let mut told = |it: album::Progress| {
            let step = match it.step.strip_prefix("check ") {
                Some(name) => format!("check {}", named(name).unwrap_or_default()),
                None => format!("{whose}: {}", it.step),
            };
            teller.step(step);
            match teller.at(it.fraction) {
                Ok(()) => Flow::Go,
                Err(_) => Flow::Stop,
            }
        };
        for made in album::run(&job, &mut told)? {
            let raw = orders.raws.iter().position(|it| it.name == made.name);
            let raw = raw.ok_or_else(|| fault(&made.name, "nobody asked for it"))?;
            self.sounds[raw] = Some(made);
        }
        Ok(())
    }

    /// The profiles that wait for some sound: "cd", "cd and 3 more".
    fn whose(&self, raws: &[usize]) -> String {
        let orders = raws.iter().flat_map(|raw| &self.orders.raws[*raw].orders);
        let waiting = orders.filter(|order| self.finished[**order].is_none());
        let plans: std::collections::BTreeSet<usize> = waiting.map(|it| self.orders.list[*it].plan).collect();
        let first = plans.first().map_or("", |plan| self.orders.plans[*plan].profile.as_str());
        match plans.len() {
            0 | 1 => first.to_owned(),
            n => format!("{first} and {} more", n - 1),
        }
    }

    /// One file of sound, or about the disc.
    fn file(&mut self, order: usize, teller: &mut Teller<'_>) -> Result<(), DspError> {
        let orders = self.orders;
        let (it, planned) = (&orders.list[order], orders.planned(order));
        teller.begin(it.words.clone(), file_weight(orders, order))?;
        match planned.kind {
            Kind::DdpImage | Kind::DdpFile => self.set(order, teller),
            Kind::Cue | Kind::Toc | Kind::PqSheet => {
                let disc = self.disc(order)?;
                let text = texts::of_disc(&disc, &orders.plans[it.plan], it.file);
                self.text(order, &text.unwrap_or_default(), teller)
            }
            _ => self.sound_file(order, teller),
        }
    }

    fn made_of(&self, order: usize) -> Result<(usize, &album::Made), DspError> {
        let raw = self.orders.list[order].raw;
        let made = raw.and_then(|raw| Some((raw, self.sounds[raw].as_ref()?)));
        made.ok_or_else(|| fault(&self.orders.list[order].path, "its sound was not made"))
    }

    fn sound_file(&mut self, order: usize, teller: &mut Teller<'_>) -> Result<(), DspError> {
        let orders = self.orders;
        let (planned, path) = (orders.planned(order), &orders.list[order].path);
        let (raw, made) = self.made_of(order)?;
        as_planned(path, planned, made)?;
        self.sounds_right(order, made)?;
        let tags = orders.tags(order);
        let like = |other: &&usize| orders.tags(**other) == tags && !about_disc(orders.planned(**other).kind);
        let same = orders.raws[raw].orders.iter().filter(|other| self.finished[**other].is_some()).find(like);
        let bench = self.room.bench(&planned.name)?;
        let digest = match same {
            // Another profile has the very bytes.
            Some(other) => {
                let twin = &self.finished[*other].as_ref().expect("it was looked for among those").file;
                let from = self.room.out(&orders.list[*other].path);
                room::twin(&from, &bench, &mut |part| teller.at(part))?;
                Digest { bytes: twin.bytes, sha256: twin.sha256.clone() }
            }
            None => {
                let from = self.room.sound().join(&made.name);
                room::twin(&from, &bench, &mut |part| teller.at(part))?;
                match &tags {
                    None => Digest { bytes: made.bytes, sha256: made.sha256.clone() },
                    Some(tags) => {
                        tag_in(&bench, tags, &mut |part| teller.at(part / 2.0))?;
                        still_sound(&bench, path, planned)?;
                        digest_of(&bench, &mut |part| teller.at(0.5 + part / 2.0))?
                    }
                }
            }
        };
        let levels = Levels::of(made);
        let level = |db: f64| Some(db).filter(|db| db.is_finite());
        let encoding = planned.encoding.filter(|it| it.lossy());
        let file = MadeFile {
            sample_rate: made.sample_rate,
            bits: if encoding.is_some() { 0 } else { made.encoding.bits() },
            channels: planned.channels as u32,
            frames: made.frames,
            exact: made.exact,
            over_full_scale: made.over_full_scale,
            integrated_lufs: level(made.measurement.integrated_lufs),
            true_peak_dbtp: level(made.measurement.true_peak_dbtp),
            ..self.named(order, digest)
        };
        self.finish(order, &bench, Finished { file, levels: Some(levels) }, teller)
    }

    /// What rendering did to its peaks is no more than its profile takes. Errors: `Invalid` with the song, who says so, and the mend.
    fn sounds_right(&self, order: usize, made: &album::Made) -> Result<(), DspError> {
        let true_peak = Some(made.measurement.true_peak_dbtp).filter(|it| it.is_finite());
        let levels = Levels::of(made);
        let wrong = heard_in(self.orders, order, true_peak, &levels).into_iter().find(|it| it.block);
        let profile = &self.orders.plans[self.orders.list[order].plan].profile;
        wrong.map_or(Ok(()), |it| {
            Err(DspError::Invalid(format!(
                "{profile} cannot be made: {} [{}; {}] {}",
                it.text, it.code, it.source, it.mend
            )))
        })
    }

    /// A DDP-compatible set, whole: its image and what stands beside it, whichever of them is missing.
    fn set(&mut self, order: usize, teller: &mut Teller<'_>) -> Result<(), DspError> {
        let orders = self.orders;
        let (plan, folder) = (orders.list[order].plan, &orders.planned(order).folder);
        let of_set = |order: &usize| {
            let planned = orders.planned(*order);
            let kind = matches!(planned.kind, Kind::DdpImage | Kind::DdpFile);
            orders.list[*order].plan == plan && kind && planned.folder == *folder
        };
        let set: Vec<usize> = (0..orders.list.len()).filter(of_set).collect();
        let image = set.iter().copied().find(|order| orders.planned(*order).kind == Kind::DdpImage);
        let image = image.ok_or_else(|| fault(&orders.list[order].path, "its set has no image"))?;
        let disc = self.disc(image)?;
        let (raw, made) = self.made_of(image)?;
        as_planned(&orders.list[image].path, orders.planned(image), made)?;
        self.sounds_right(image, made)?;
        let (sound, levels) = (made.clone(), Levels::of(made));
        let bench = self.room.bench("set")?;
        let from = self.room.sound().join(&orders.raws[raw].name);
        let written = disc::write_ddp_in(&disc, &from, &bench, &mut |part| teller.at(part / 2.0))?;
        if set.len() != written.len() {
            let what = format!("{} files were planned for the set, and it has {}", set.len(), written.len());
            return Err(fault(&orders.list[image].path, &what));
        }
        // In the order of the writer: the list of digests last, so that a half set has none.
        for path in written {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let order = set.iter().copied().find(|order| orders.planned(*order).name == name);
            let order = order.ok_or_else(|| fault(&name, "it is a file of the set and was not planned"))?;
            let digest = digest_of(&path, &mut |part| teller.at(0.5 + part / 2.0))?;
            let mut file = self.named(order, digest);
            let mut own = None;
            if order == image {
                if file.sha256 != sound.sha256 {
                    return Err(fault(
                        &orders.list[order].path,
                        "the image of the set is not the one that was made",
                    ));
                }
                let level = |db: f64| Some(db).filter(|db| db.is_finite());
                file = MadeFile {
                    sample_rate: sound.sample_rate,
                    bits: sound.encoding.bits(),
                    channels: orders.planned(order).channels as u32,
                    frames: sound.frames,
                    exact: sound.exact,
                    over_full_scale: sound.over_full_scale,
                    integrated_lufs: level(sound.measurement.integrated_lufs),
                    true_peak_dbtp: level(sound.measurement.true_peak_dbtp),
                    ..file
                };
                own = Some(levels.clone());
            }
            self.finish(order, &path, Finished { file, levels: own }, teller)?;
        }
        Ok(())
    }

    /// The disc as it was made; it is the one that was planned, rules and all.
    fn disc(&self, order: usize) -> Result<Disc, DspError> {
        let orders = self.orders;
        let (_, made) = self.made_of(order)?;
        let disc = disc_of(&orders.sheet, &made.tracks, made.frames);
        let disc = disc.ok_or_else(|| fault(&orders.list[order].path, "a track begins on no sector"))?;
        if Some(&disc) != planned_disc(&orders.sheet).as_ref() {
            return Err(fault(&orders.list[order].path, "its tracks do not lie where they were planned"));
        }
        Ok(disc)
    }

    fn texts(&mut self, teller: &mut Teller<'_>) -> Result<(), DspError> {
        for order in 0..self.orders.list.len() {
            let it = &self.orders.list[order];
            if self.finished[order].is_some() || texts::is_sums(self.orders.planned(order).kind) {
                continue;
            }
            teller.begin(it.words.clone(), file_weight(self.orders, order))?;
            let text = texts::of_sheet(&self.orders.sheet, &self.orders.plans[it.plan], it.file);
            let text = text.ok_or_else(|| fault(&it.path, "nobody knows how to make it"))?;
            self.text(order, &text, teller)?;
        }
        Ok(())
    }

    /// Lists of digests, when everything they speak of has its last bytes.
    fn sums(&mut self, teller: &mut Teller<'_>) -> Result<(), DspError> {
        for order in 0..self.orders.list.len() {
            let (it, kind) = (&self.orders.list[order], self.orders.planned(order).kind);
            if self.finished[order].is_some() || !texts::is_sums(kind) {
                continue;
            }
            teller.begin(it.words.clone(), file_weight(self.orders, order))?;
            let first = order - it.file;
            let mut text = String::new();
            let listed = texts::summed(&self.orders.plans[it.plan], it.file);
            let all = listed.len().max(1) as f64;
            for (n, (file, called)) in listed.into_iter().enumerate() {
                let of = self.finished[first + file].as_ref();
                let of = of.ok_or_else(|| fault(&called, "it has no digest yet"))?;
                let sum = match kind {
                    Kind::Sha256 => of.file.sha256.clone(),
                    _ => {
                        let path = self.room.out(&self.orders.list[first + file].path);
                        md5_of(&path, &of.file, &mut |part| teller.at((n as f64 + part) / all))?
                    }
                };
                text += &format!("{sum}  {called}\n");
            }
            self.text(order, &text, teller)?;
        }
        Ok(())
    }

    fn text(&mut self, order: usize, text: &str, teller: &mut Teller<'_>) -> Result<(), DspError> {
        let bench = self.room.bench(&self.orders.planned(order).name)?;
        self.room.put(&bench, text.as_bytes())?;
        let digest =
            Digest { bytes: text.len() as u64, sha256: hex::encode(Sha256::digest(text.as_bytes())) };
        let file = self.named(order, digest);
        self.finish(order, &bench, Finished { file, levels: None }, teller)
    }

    fn named(&self, order: usize, digest: Digest) -> MadeFile {
        let planned = self.orders.planned(order);
        let plan = &self.orders.plans[self.orders.list[order].plan];
        MadeFile {
            profile: plan.profile.clone(),
            folder: plan.folder_of(planned),
            name: planned.name.clone(),
            kind: planned.kind.token().to_owned(),
            sha256: digest.sha256,
            bytes: digest.bytes,
            ..MadeFile::default()
        }
    }

    /// The name comes after the last look, the note after the name.
    fn finish(
        &mut self,
        order: usize,
        bench: &Path,
        finished: Finished,
        teller: &mut Teller<'_>,
    ) -> Result<(), DspError> {
        let (planned, path) = (self.orders.planned(order), &self.orders.list[order].path);
        if planned.bytes_exact && planned.bytes != finished.file.bytes {
            let what = format!("{} bytes were planned, and it has {}", planned.bytes, finished.file.bytes);
            return Err(fault(path, &what));
        }
        self.room.place(bench, path)?;
        self.room.note(order, &finished)?;
        if self.finished[order].replace(finished).is_none() {
            teller.file_done();
        }
        teller.at(1.0)
    }

    /// Rendered sound goes when the last file of it is finished: the disk is short.
    fn let_go(&self, order: usize) -> Result<(), DspError> {
        let Some(raw) = self.orders.list[order].raw.filter(|raw| !self.wanted(*raw)) else { return Ok(()) };
        self.room.let_go(&self.orders.raws[raw].name)
    }
}

/// What a profile finds wrong with a sound that was made.
pub(super) fn heard_in(
    orders: &Orders,
    order: usize,
    true_peak_dbtp: Option<f64>,
    levels: &Levels,
) -> Vec<Finding> {
    let planned = orders.planned(order);
    // Sound of one song alone was made as a record of one: its place there is not that on the record.
    let over_songs = if planned.kind == Kind::Song { &planned.songs } else { &levels.over_songs };
    let sound = profile::Sound { true_peak_dbtp, over_full_scale: levels.over_full_scale, over_songs };
    profile::made(&orders.plans[orders.list[order].plan].held, planned, &orders.sheet, &sound)
}

fn about_disc(kind: Kind) -> bool {
    !matches!(kind, Kind::Track | Kind::Song | Kind::Side | Kind::Whole | Kind::DdpImage | Kind::DiscImage)
}
