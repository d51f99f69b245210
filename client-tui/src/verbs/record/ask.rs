//! What a record is to be made for, as it was typed: names of shipped profiles, and profiles of one's own, which are read and parsed here first, so that a wrong
//! word is told with its line before anything is asked. Never here: what a profile means.

use std::{fs, io::Read as _, path::Path};

use deadwax_dsp::profile::Profile;
use deadwax_proto::v1::{PlanRequest, RecordProfile};

use crate::{
    cli::RecordAsk,
    scrub,
    verbs::{VerbError, place::failed},
};

/// Longer is no profile.
const PROFILE_BYTES_MAX: u64 = 64 << 10;

pub(super) fn request(asked: &RecordAsk, project_id: &str) -> Result<PlanRequest, VerbError> {
    let named = asked.profiles.iter().map(|it| it.trim()).filter(|it| !it.is_empty());
    let mut profiles: Vec<RecordProfile> =
        named.map(|name| RecordProfile { name: name.to_owned(), toml: String::new() }).collect();
    for path in &asked.files {
        profiles.push(own_profile(path)?);
    }
    if profiles.is_empty() {
        return Err(VerbError::Usage(
            "what is the record for? Say --for NAME, or --file F.toml; `deadwax record profiles` lists the names".into(),
        ));
    }
    let (project_id, medium) = (project_id.to_owned(), asked.medium.trim().to_owned());
    Ok(PlanRequest { project_id, profiles, loudest_track_lufs: asked.loudest, medium })
}

/// A profile in a file of this machine.
///
/// # Errors
/// With the line and what is wrong there.
pub(crate) fn own_profile(path: &Path) -> Result<RecordProfile, VerbError> {
    let mut text = String::new();
    let file = fs::File::open(path).map_err(failed(path, "read"))?;
    file.take(PROFILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed(path, "read"))?;
    let shown = scrub::line(&path.to_string_lossy());
    if text.len() as u64 > PROFILE_BYTES_MAX {
        return Err(VerbError::Input(format!("{shown} is longer than 64 KiB; no profile is")));
    }
    let profile = Profile::parse(&text).map_err(|(line, what)| {
        let next = "`deadwax record profiles NAME` shows one to begin with.";
        VerbError::Input(format!("{shown}, line {line}: {}\n{next}", scrub::line(&what)))
    })?;
    Ok(RecordProfile { name: profile.name, toml: text })
}
