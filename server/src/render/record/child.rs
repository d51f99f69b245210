//! What runs in the child that makes a record: its job as JSON in, lines of progress and the list of files out. Never here: the ledger, the blob store.

use std::time::{Duration, Instant};

use deadwax_dsp::{
    DspError, Flow,
    record::{self, Job, Made, Progress, SourceFile},
};
use serde::{Deserialize, Serialize};

use crate::render::child::say;

/// Ten lines a second are enough for any screen.
const TELL_EVERY: Duration = Duration::from_millis(100);

/// One line of `child record`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordLine {
    Progress(Progress),
    Done(Box<Made>),
    Failed {
        text: String,
        /// Trouble of the machine, not of the job.
        retry: bool,
    },
}

pub fn make(job: &Job) -> RecordLine {
    let mut told: Option<Instant> = None;
    // A parent that is gone closes the pipe: stop.
    let mut progress = |now: &Progress| {
        if told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return Flow::Go;
        }
        told = Some(Instant::now());
        match say(&RecordLine::Progress(now.clone())) {
            Ok(()) => Flow::Go,
            Err(_) => Flow::Stop,
        }
    };
    match record::make(job, &mut progress) {
        Ok(made) => RecordLine::Done(Box::new(made)),
        Err(error) => RecordLine::Failed { text: told_of(job, &error), retry: retry(&error) },
    }
}

/// The same job ends the same way, but for what the disk did.
fn retry(error: &DspError) -> bool {
    matches!(error, DspError::Open { .. } | DspError::Write { .. } | DspError::Stopped)
}

/// The error with the names of the studio in place of paths of this machine.
fn told_of(job: &Job, error: &DspError) -> String {
    let mut text = error.to_string();
    for (at, song) in job.songs.iter().enumerate() {
        let title = job.sheet.copy.tracks.get(at).map_or("a song", |it| it.title.as_str());
        let mut hide = |file: &SourceFile, what: &str| {
            let path = file.path.display().to_string();
            if !path.is_empty() {
                text = text.replace(&path, &format!("the {what} of \"{title}\""));
            }
        };
        std::iter::once(&song.main).chain(&song.others).for_each(|it| hide(it, "master"));
        for it in &song.alternates {
            std::iter::once(&it.file).chain(&it.others).for_each(|file| hide(file, &it.token));
        }
    }
    if let Some(cover) = &job.cover {
        text = text.replace(&cover.display().to_string(), "the cover");
    }
    text.replace(&format!("{}/", job.out_dir.display()), "")
}
