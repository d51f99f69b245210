//! The songs of a record beside each other: loudness against the middle, range, peaks, balance, the step from song to song, and what stands out in words.
//! Computed by `deadwax_dsp` alone; here rows become its figures. Never here: a tolerance, a verdict, drawing.

use deadwax_dsp::profile::{self, Consistency, TrackFigures};

use super::order::{Line, Lines, Order};
use crate::{checks::order::as_heard, scrub, tui::rows::Project};

/// Up to so many songs it is looked at whenever the record is; of more only where somebody asks.
const AT_ONCE_MAX: usize = 1_000;

#[derive(Debug, Default)]
pub struct Beside {
    pub table: Consistency,
    /// What stands out: the place of the song, and the words behind its name.
    said: Vec<(usize, String)>,
}

impl Beside {
    fn of(lines: Lines<'_>, rows: &Project) -> Beside {
        let songs: Vec<TrackFigures> = lines.iter().map(|line| figures(&line, rows)).collect();
        let table = profile::consistency(&songs);
        let said = table.outliers.iter().filter_map(|it| parted(it, &songs)).collect();
        Beside { table, said }
    }

    /// What stands out at this song.
    pub fn of_song(&self, at: usize) -> impl Iterator<Item = &str> {
        let from = self.said.partition_point(|(place, _)| *place < at);
        self.said[from..].iter().take_while(move |(place, _)| *place == at).map(|(_, text)| text.as_str())
    }

    /// All of it: the place of the song and the words.
    pub fn said(&self) -> &[(usize, String)] {
        &self.said
    }
}

fn figures(line: &Line<'_>, rows: &Project) -> TrackFigures {
    let measured = line.figures().map(|it| profile::Figures {
        integrated_lufs: it.integrated_lufs,
        range_lu: it.loudness_range_lu,
        max_short_term_lufs: it.max_short_term_lufs,
        true_peak_dbtp: it.true_peak_dbtp,
        ..profile::Figures::default()
    });
    as_heard(&scrub::line(&rows.title_numbered(line.song)), measured, line.placing.gain_db())
}

/// "3. Low Sun: 3.5 LU louder than the song before it." becomes the place of the song and the words about it.
fn parted(sentence: &str, songs: &[TrackFigures]) -> Option<(usize, String)> {
    let numbered = sentence.strip_prefix("Song ").unwrap_or(sentence);
    let digits = numbered.find(|c: char| !c.is_ascii_digit())?;
    let number: usize = numbered[..digits].parse().ok()?;
    let at = number.checked_sub(1)?;
    let rest = match songs.get(at)?.title.as_str() {
        "" => numbered[digits..].strip_prefix(": ")?,
        title => numbered[digits..].strip_prefix(". ")?.strip_prefix(title)?.strip_prefix(": ")?,
    };
    Some((at, rest.trim_end_matches('.').to_owned()))
}

impl Order {
    /// Computed once, when somebody looks.
    pub fn beside(&self, rows: &Project) -> &Beside {
        self.beside.get_or_init(|| Box::new(Beside::of(super::lines(rows, self), rows)))
    }

    /// `None` where that would take longer than a frame may, and nobody asked for it yet.
    pub fn beside_at_once(&self, rows: &Project) -> Option<&Beside> {
        if self.len() <= AT_ONCE_MAX { Some(self.beside(rows)) } else { self.beside.get().map(|it| &**it) }
    }
}
