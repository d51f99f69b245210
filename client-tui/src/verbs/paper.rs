//! Where a sheet goes: onto the terminal, or into a file whose ending says how it is drawn. Never here: what stands on it.

use std::{io::Write as _, path::Path};

use deadwax_dsp::sheet::{self, Look, Sheet};
use serde_json::json;

use super::{
    Context, VerbError,
    place::{failed, readable},
};

/// Of a page on paper or on a screen.
const PNG_WIDTH_PX: u32 = 1600;
/// Where nobody says how wide the terminal is.
const COLUMNS: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Html,
    Svg,
    Png,
}

/// How a sheet is drawn there, by the ending; asked before work begins that would be in vain.
fn kind(path: &Path) -> Result<Kind, VerbError> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match ending.as_str() {
        "html" | "htm" => Ok(Kind::Html),
        "svg" => Ok(Kind::Svg),
        "png" => Ok(Kind::Png),
        _ => Err(VerbError::Usage(format!(
            "{} cannot be drawn: the ending must be .html, .svg or .png",
            path.display()
        ))),
    }
}

/// Whether a sheet can be drawn under this name.
pub fn must_be_drawable(path: &Path) -> Result<(), VerbError> {
    kind(path).map(drop)
}

/// Writes the sheet whole or not at all; what stood there is replaced, as a print replaces the one before.
pub fn write(page: &Sheet, path: &Path) -> Result<(), VerbError> {
    let bytes = match kind(path)? {
        Kind::Html => sheet::html(page).into_bytes(),
        Kind::Svg => sheet::svg(page).into_bytes(),
        Kind::Png => sheet::png(page, PNG_WIDTH_PX).map_err(|e| VerbError::Input(e.to_string()))?,
    };
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let fault = failed(path, "written");
    let mut file =
        tempfile::Builder::new().prefix(".deadwax-").tempfile_in(folder).map_err(failed(path, "written"))?;
    file.write_all(&bytes).and_then(|()| readable(file.as_file())).map_err(&fault)?;
    file.persist(path).map_err(|e| fault(e.error))?;
    Ok(())
}

/// As lines for the terminal that is there.
pub fn lines(page: &Sheet) -> String {
    let columns = crossterm::terminal::size().map_or(COLUMNS, |(columns, _)| usize::from(columns));
    // Colours would be control sequences, which nothing here prints.
    sheet::terminal(page, Look { columns: columns.saturating_sub(1), colours: false, ascii: false })
}

pub fn show(c: &Context, page: &Sheet, to: Option<&Path>) -> Result<(), VerbError> {
    if let Some(path) = to {
        write(page, path)?;
        let shown = path.display().to_string();
        return c.out.both(&format!("The sheet lies in {shown}."), &json!({ "file": shown }));
    }
    c.out.both(&lines(page), &serde_json::to_value(page).unwrap_or_default())
}
