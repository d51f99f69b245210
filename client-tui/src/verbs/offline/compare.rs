//! `compare`: lays one file on another and tells what changed, in sentences or as one JSON object. Exit 0 where they could be compared, 1 where they have
//! nothing in common, 3 where a file cannot be used. Never here: how it is found out.

use std::path::{Path, PathBuf};

use deadwax_dsp::{
    Flow,
    compare::{self as sound, Comparison, Sameness},
};
use serde_json::json;

use super::told;
use crate::verbs::{Context, VerbError, out::Bar};

pub fn compare(c: &Context, a: &Path, b: &Path, stems: &[PathBuf]) -> Result<(), VerbError> {
    let bar = Bar::share("compare");
    let named: Vec<(String, PathBuf)> = stems.iter().map(|path| (name(path), path.clone())).collect();
    let compared = sound::compare(a, b, &named, &mut |fraction| {
        bar.step("", fraction);
        Flow::Go
    });
    let comparison = match compared {
        Ok(comparison) => comparison,
        Err(error) => {
            told(c, a, &error)?;
            return Err(VerbError::Said(3));
        }
    };
    c.out.both(&comparison.words.join("\n"), &object(a, b, &comparison))?;
    if comparison.same == Sameness::Unrelated { Err(VerbError::Said(1)) } else { Ok(()) }
}

/// A stem is called by its file's name.
fn name(path: &Path) -> String {
    path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The comparison's own keys, and the two files. Scripts depend on them: they are added to and never renamed.
fn object(a: &Path, b: &Path, comparison: &Comparison) -> serde_json::Value {
    let mut object = json!(comparison);
    if let Some(map) = object.as_object_mut() {
        map.insert("file_a".into(), json!(a.to_string_lossy()));
        map.insert("file_b".into(), json!(b.to_string_lossy()));
    }
    object
}
