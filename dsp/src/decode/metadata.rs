//! What a file says of itself beside its sound. Text comes from strangers: control characters are taken out here, once.

/// Words and numbers out of tags and chunks. Empty where the file says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metadata {
    pub title: Option<String>,
    pub artist: Option<String>,
    pub album: Option<String>,
    pub isrc: Option<String>,
    pub comment: Option<String>,
    pub bext: Option<Bext>,
    /// The iXML chunk as it stands.
    pub ixml: Option<String>,
    pub cues: Vec<Cue>,
}

/// A marker of a WAV file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cue {
    pub id: u32,
    pub frame: u64,
    pub label: Option<String>,
}

/// The Broadcast Wave chunk, EBU Tech 3285 (2011). Texts are cut to the chunk's widths when written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bext {
    pub description: String,
    pub originator: String,
    pub originator_reference: String,
    /// `yyyy-mm-dd`; empty where not given. Never filled in from the clock: the same input makes the same bytes.
    pub origination_date: String,
    /// `hh:mm:ss`
    pub origination_time: String,
    /// Frames since midnight.
    pub time_reference: u64,
    /// From version 2 on.
    pub loudness: Option<Loudness>,
    pub coding_history: String,
}

/// Levels of a `bext` chunk; each is kept in hundredths. `None` is written as 0x7FFF, which says "not stated".
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loudness {
    pub integrated_lufs: Option<f64>,
    pub range_lu: Option<f64>,
    pub max_true_peak_dbtp: Option<f64>,
    pub max_momentary_lufs: Option<f64>,
    pub max_short_term_lufs: Option<f64>,
}

/// A text field out of a file: up to its first NUL, UTF-8 or else Latin-1, without control characters, trimmed.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let bytes = &bytes[..end];
    match std::str::from_utf8(bytes) {
        Ok(words) => clean(words),
        Err(_) => clean(&bytes.iter().map(|byte| char::from(*byte)).collect::<String>()),
    }
}

/// Keeps line ends, drops every other control character: a title must not move a cursor.
pub(super) fn clean(words: &str) -> String {
    let kept: String = words.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    kept.trim().to_owned()
}

pub(super) fn filled(words: String) -> Option<String> {
    (!words.is_empty()).then_some(words)
}
