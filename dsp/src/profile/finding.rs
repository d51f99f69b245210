//! What was found wrong with a record before it is made: what, who says so, and how to mend it. Never here: the rules.

use serde::Serialize;

use super::Weight;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// It keeps the record from being made; else it is told.
    pub block: bool,
    pub code: &'static str,
    pub text: String,
    /// Who says so.
    pub source: String,
    /// The next step.
    pub mend: String,
    /// The songs it is said of, from 0, in the order of the record; none: of the record.
    pub songs: Vec<usize>,
    /// The side it is said of, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<usize>,
}

impl Finding {
    pub(crate) fn block(code: &'static str, text: String, source: impl Into<String>) -> Finding {
        Finding {
            block: true,
            code,
            text,
            source: source.into(),
            mend: String::new(),
            songs: Vec::new(),
            side: None,
        }
    }

    pub(crate) fn warn(code: &'static str, text: String, source: impl Into<String>) -> Finding {
        Finding { block: false, ..Finding::block(code, text, source) }
    }

    /// `None` where it is not asked.
    pub(crate) fn weighed(
        weight: Weight,
        code: &'static str,
        text: String,
        source: impl Into<String>,
    ) -> Option<Finding> {
        match weight {
            Weight::No => None,
            Weight::Warn => Some(Finding::warn(code, text, source)),
            Weight::Block => Some(Finding::block(code, text, source)),
        }
    }

    pub(crate) fn mend(self, mend: impl Into<String>) -> Finding {
        Finding { mend: mend.into(), ..self }
    }

    pub(crate) fn song(self, song: usize) -> Finding {
        self.songs([song])
    }

    pub(crate) fn songs(self, songs: impl IntoIterator<Item = usize>) -> Finding {
        Finding { songs: songs.into_iter().collect(), ..self }
    }

    pub(crate) fn side(self, side: usize) -> Finding {
        Finding { side: Some(side), ..self }
    }
}
