//! From a record on paper to its files: the plans of all profiles, one reading of the masters, and a folder for each profile that holds what was planned and
//! nothing else. Never here: the words of the studio, how sound is rendered, what a destination asks for.

mod job;

pub use job::{AlternateFile, Job, Made, MadeFile, ProfileText, Progress, SongFiles, SourceFile};

use crate::{DspError, Flow};

/// Makes every file of a record. Errors: `Invalid` for a plan that blocks, with what blocks it and its mend.
pub fn make(job: &Job, progress: &mut dyn FnMut(&Progress) -> Flow) -> Result<Made, DspError> {
    let _ = (job, progress);
    Err(DspError::Invalid("records are not made yet".into()))
}

/// Takes away what a run that was stopped has left for a later one. What a finished one made stays.
pub fn clear_marks(job: &Job) -> Result<(), DspError> {
    let _ = job;
    Ok(())
}
