//! The cover: a picture that the server has looked at. Here stands who may set it and what it must be. Never here: its bytes, reading a picture.

use crate::{Digest, Fact, Project, Reason, Refusal, decide::Ruling, limits::COVER_BYTES_MAX, refusal::no};

/// A JPEG or PNG that is stored under its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    pub digest: Digest,
    pub bytes: u64,
    /// "image/jpeg" or "image/png".
    pub mime: String,
    /// In pixels. Stores ask for a square; a record can do without.
    pub width: u32,
    pub height: u32,
}

impl Cover {
    /// "JPEG", for a sentence.
    pub fn form(&self) -> &'static str {
        if self.mime == PNG { "PNG" } else { "JPEG" }
    }
}

const JPEG: &str = "image/jpeg";
const PNG: &str = "image/png";

/// `None` takes it away.
pub(super) fn set(project: &Project, cover: Option<&Cover>) -> Result<Ruling, Refusal> {
    if let Some(cover) = cover {
        sound(cover)?;
    }
    if cover == project.cover.as_ref() {
        let text = if cover.is_some() { "This is the cover already." } else { "There is no cover." };
        return no(Reason::NothingToChange, text, "There is nothing to do.");
    }
    Ok(Ruling::fact(Fact::CoverSet { cover: cover.cloned() }))
}

fn sound(cover: &Cover) -> Result<(), Refusal> {
    if !matches!(cover.mime.as_str(), JPEG | PNG) {
        let text = "The cover is neither JPEG nor PNG.";
        return no(Reason::CoverInvalid, text, "Save it as one of these.");
    }
    if cover.bytes == 0 || cover.bytes > COVER_BYTES_MAX {
        let text = format!(
            "The cover has {} bytes; up to {COVER_BYTES_MAX} fit into the tag of a file.",
            cover.bytes
        );
        return no(Reason::CoverInvalid, text, "Save it smaller: 3000 by 3000 pixels as JPEG fit easily.");
    }
    if cover.width == 0 || cover.height == 0 {
        return no(Reason::CoverInvalid, "The cover has no pixels.", "Export the picture again.");
    }
    Ok(())
}
