//! `sheet`: before and after of a master that was made elsewhere, from its two files. Never here: how it is drawn.

use std::path::Path;

use deadwax_dsp::{Flow, sheet};

use super::told;
use crate::verbs::{Context, VerbError, out::Bar, paper};

pub fn sheet(c: &Context, before: &Path, after: &Path, to: Option<&Path>) -> Result<(), VerbError> {
    to.map_or(Ok(()), paper::must_be_drawable)?;
    let bar = Bar::share("sheet");
    let heard = sheet::of_files(before, after, &mut |fraction| {
        bar.step("", fraction);
        Flow::Go
    });
    drop(bar);
    match heard {
        Ok(mut page) => {
            page.title = after.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            paper::show(c, &page, to)
        }
        Err(error) => {
            told(c, after, &error)?;
            Err(VerbError::Said(3))
        }
    }
}
