//! The sides of the record against what one medium takes, or the whole of it where the medium has no sides.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line as Text, Span},
};

use super::{
    Page,
    cells::{letter, meter},
};
use crate::{
    checks::media::{self, Fit, Medium},
    tui::draw::{
        first_shown, heading, put,
        text::{clip, pad, pad_left, width},
    },
    tui::words,
};

impl Page<'_> {
    /// From the first song of a side up to the first of the next.
    pub(super) fn sides(&self) -> Vec<(usize, usize)> {
        let mut bounds = vec![0];
        bounds.extend(self.starts.iter().copied());
        bounds.push(self.lines.len());
        bounds.windows(2).map(|pair| (pair[0], pair[1])).filter(|(from, to)| from < to).collect()
    }

    pub(super) fn draw_sides(&self, frame: &mut Frame<'_>, area: Rect) {
        let (model, theme) = (self.model, self.theme);
        let medium = model.album.medium();
        let how = match (medium.has_sides(), self.order.set_sides().is_empty()) {
            (false, _) => "one run".to_owned(),
            (_, false) => "sides set, E evens them".into(),
            (_, true) => "even sides, not set; B sets one, E these".into(),
        };
        let rest = format!("{how} · M another · as of {}", media::shipped().dated);
        put(frame, area, 0, heading(theme, &medium.name, &rest, area.width, false));
        let most_ms = medium.longest_s().map_or(1, |it| it.saturating_mul(1000)).max(1);
        let sides = self.sides();
        let rows_left = usize::from(area.height.saturating_sub(1));
        let here = sides.iter().position(|(from, to)| (*from..*to).contains(&self.at)).unwrap_or(0);
        let first = first_shown(here, sides.len(), rows_left);
        for (side, (from, to)) in sides.iter().enumerate().skip(first).take(rows_left) {
            let ms = self.lines.run_ms(*from, *to);
            let name = if medium.has_sides() { format!("Side {}", letter(side)) } else { "Disc".into() };
            let span = if to - from == 1 { format!("{}", from + 1) } else { format!("{}–{to}", from + 1) };
            let (sign, said, style) = match medium.fit(ms) {
                Fit::Fits => ("✓", "fits".to_owned(), theme.good()),
                Fit::Warns(text) => ("!", text, theme.warn()),
                Fit::Blocks(text) => ("×", text, theme.bad()),
            };
            // What cannot be cut at all stands before what is only long.
            let (sign, said, style) = match self.cut(*from, *to, medium) {
                Some(more) if said == "fits" => ("×", more, theme.bad()),
                Some(more) => ("×", format!("{more}; {said}"), theme.bad()),
                None => (sign, said, style),
            };
            let bar = usize::from(area.width / 6).clamp(8, 24);
            let text = format!(
                " {}{}{} {} ",
                pad(&name, 7),
                pad(&span, 8),
                pad_left(&words::clock(ms, true), 8),
                meter(ms as f64 / most_ms as f64, bar)
            );
            let room = usize::from(area.width).saturating_sub(width(&text) + 1);
            let spans = vec![Span::raw(text), Span::styled(clip(&format!("{sign} {said}"), room), style)];
            put(frame, area, u16::try_from(side - first + 1).unwrap_or(u16::MAX), Text::from(spans));
        }
    }

    /// What else does not go onto this medium.
    fn cut(&self, from: usize, to: usize, medium: &Medium) -> Option<String> {
        let first = self.lines.get(from)?;
        if from > 0 && medium.has_sides() && first.placing.crossfade_ms > 0 {
            return Some("a crossfade ends at the edge of the side".into());
        }
        // A hidden song is no track of its own.
        let tracks = (to - from).saturating_sub(usize::from(first.placing.hidden));
        if medium.tracks_max.is_some_and(|most| tracks > most) {
            return Some(format!("more than {} tracks", medium.tracks_max.unwrap_or(0)));
        }
        let least_ms = medium.track_min_s? * 1000;
        let lines = (from..to).filter_map(|at| self.lines.get(at));
        let short = { lines }.any(|it| !it.placing.hidden && it.length_ms > 0 && it.length_ms < least_ms);
        short.then(|| format!("a track is shorter than {} s", least_ms / 1000))
    }
}
