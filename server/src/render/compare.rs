//! What changed from one file to another: compared in a child process, the answer kept as a file. Never here: which files may be compared, and by whom.

use std::{ffi::OsString, path::PathBuf};

use super::{
    child::CompareLine,
    compared::Haste,
    inspect::{InspectError, of_death, of_failure},
    process::{self, Limits, Program},
};

/// What to compare: `a` is what was, `b` what is. Stems of `a`, by their tokens, tell more exactly what moved.
#[derive(Clone, Debug)]
pub struct CompareFiles {
    pub a: PathBuf,
    pub b: PathBuf,
    pub stems: Vec<Stem>,
    /// A folder for the answer, and for stems that have to be made first: this comparison's alone, on the disk of `out`.
    pub room: PathBuf,
    /// Where the answer goes as JSON; made whole or not at all.
    pub out: PathBuf,
    pub haste: Haste,
}

/// Something that `a` is made of: a file, or what one file has more than another.
#[derive(Clone, Debug)]
pub struct Stem {
    pub name: String,
    pub file: PathBuf,
    pub minus: Option<PathBuf>,
}

pub async fn compare(program: &Program, files: &CompareFiles) -> Result<(), InspectError> {
    let mut all = vec![files.a.clone(), files.b.clone()];
    for stem in &files.stems {
        all.extend([stem.file.clone()].into_iter().chain(stem.minus.clone()));
    }
    let mut bytes = 0;
    for path in all {
        // A file that is not there is the child's to tell.
        bytes += tokio::fs::metadata(path).await.map_or(0, |metadata| metadata.len());
    }
    let mut args: Vec<OsString> = Vec::new();
    for stem in &files.stems {
        let mut word = |flag: &str, path: &PathBuf| {
            let mut word = OsString::from(format!("{flag}={}=", stem.name));
            word.push(path);
            args.push(word);
        };
        word("--stem", &stem.file);
        if let Some(minus) = &stem.minus {
            word("--minus", minus);
        }
    }
    if files.haste == Haste::Background {
        args.push("--background".into());
    }
    let mut room = OsString::from("--room=");
    room.push(&files.room);
    args.push(room);
    // The folder of the answers is not the child's: it writes in its own.
    let answer = files.room.join("answer.json");
    args.extend([&files.a, &files.b, &answer].map(|path| path.as_os_str().to_owned()));
    // Every file is decoded several times.
    let limits = Limits::to_inspect(bytes.saturating_mul(8));
    match process::run(program, "compare", limits, &args, Some::<CompareLine>).await {
        Ok(CompareLine::Compared) => tokio::fs::rename(&answer, &files.out)
            .await
            .map_err(|error| InspectError::Failed(format!("the comparison could not be kept: {error}"))),
        Ok(CompareLine::Failed { kind, text }) => Err(of_failure(kind, text)),
        Err(error) => Err(of_death(&error, "compared two files")),
    }
}
