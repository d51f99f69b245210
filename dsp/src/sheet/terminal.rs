//! The sheet as lines of a terminal, from 40 columns up: with braille and blocks, or in plain ASCII; with colours or without, which then say nothing
//! that words and shapes do not. Nothing of a song or a file steers the terminal (S-1). Never here: the size of the terminal, output.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{
    Curve, Sheet, Track,
    canvas::{Canvas, Cell, Layer, bar_down, bar_up},
    scale::{self, Axis},
    words,
};

/// How the lines are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Held between 40 and 200.
    pub columns: usize,
    pub colours: bool,
    /// For terminals and files that know nothing else: letters beyond ASCII become question marks.
    pub ascii: bool,
}

impl Look {
    pub const COLUMNS_MIN: usize = 40;
    pub const COLUMNS_MAX: usize = 200;
}

/// For the figures of an axis.
const GUTTER: usize = 6;
/// From here on charts are higher.
const WIDE: usize = 110;
/// From here on the figures stand side by side.
const SIDE_BY_SIDE: usize = 76;

/// The sixteen colours that every terminal has.
#[derive(Clone, Copy)]
enum Tone {
    Plain,
    Strong,
    Quiet,
    After,
    Alarm,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Tone::Plain => "",
            Tone::Strong => "1",
            Tone::Quiet => "90",
            Tone::After => "36",
            Tone::Alarm => "31",
        }
    }
}

/// The whole sheet, every line ended; no line is wider than asked, and none ends in spaces.
pub fn terminal(sheet: &Sheet, look: Look) -> String {
    let columns = look.columns.clamp(Look::COLUMNS_MIN, Look::COLUMNS_MAX);
    let mut lines = Lines { look: Look { columns, ..look }, text: String::new() };
    lines.head(sheet);
    lines.figures(sheet);
    lines.loudness(sheet);
    lines.gains(sheet);
    lines.spectrum(sheet);
    lines.steps(sheet);
    lines.lists(sheet);
    lines.files(sheet);
    let foot = words::foot(sheet);
    if !foot.is_empty() {
        lines.blank();
        lines.wrapped("", &foot.join(" · "), Tone::Quiet);
    }
    lines.text
}

struct Lines {
    look: Look,
    text: String,
}

impl Lines {
    fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line of pieces, each with its tone.
    fn line(&mut self, pieces: &[(Tone, &str)]) {
        let mut line = String::new();
        let mut room = self.look.columns;
        let last = pieces.iter().rposition(|(_, text)| !text.trim_end().is_empty());
        for (i, (tone, text)) in pieces.iter().enumerate().take(last.map_or(0, |last| last + 1)) {
            let text = if Some(i) == last { text.trim_end() } else { text };
            let text = self.plain(&cut(text, room));
            room -= text.width();
            let code = tone.code();
            if self.look.colours && !code.is_empty() && !text.trim().is_empty() {
                line += &format!("\x1b[{code}m{text}\x1b[0m");
            } else {
                line += &text;
            }
        }
        self.text += &line;
        self.text.push('\n');
    }

    /// The hyphen of keyboards for the minus sign, so that figures can be searched; and nothing beyond ASCII where it was asked.
    fn plain(&self, text: &str) -> String {
        let mut plain = String::new();
        for c in text.chars() {
            match c {
                '−' => plain.push('-'),
                c if !self.look.ascii || c.is_ascii() => plain.push(c),
                '·' => plain.push('|'),
                '–' | '┄' | '─' => plain.push('-'),
                '…' => plain.push('.'),
                '“' | '”' => plain.push('"'),
                c if c.width() == Some(0) => {}
                _ => plain.push('?'),
            }
        }
        plain
    }

    /// Words broken at spaces, each line after `indent`.
    fn wrapped(&mut self, indent: &str, text: &str, tone: Tone) {
        let text = self.plain(text);
        let room = self.look.columns - indent.width();
        let mut line = String::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if !line.is_empty() && line.width() + 1 + word.width() > room {
                self.line(&[(Tone::Plain, indent), (tone, &line)]);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line += word;
            // A word that is too long for any line is cut where the line ends.
            while line.width() > room {
                let head = take(&line, room);
                self.line(&[(Tone::Plain, indent), (tone, &head)]);
                line = line[head.len()..].to_owned();
            }
        }
        if !line.is_empty() {
            self.line(&[(Tone::Plain, indent), (tone, &line)]);
        }
    }

    fn section(&mut self, title: &str, what: &str) {
        self.blank();
        if title.width() + 2 + what.width() <= self.look.columns {
            self.line(&[(Tone::Strong, title), (Tone::Quiet, "  "), (Tone::Quiet, what)]);
        } else {
            self.line(&[(Tone::Strong, title)]);
            self.wrapped("  ", what, Tone::Quiet);
        }
    }

    fn head(&mut self, sheet: &Sheet) {
        self.wrapped("", &words::title(sheet), Tone::Strong);
        let under = words::under_title(sheet);
        if !under.is_empty() {
            self.wrapped("", &under.join(" · "), Tone::Quiet);
        }
        self.blank();
        let verdict = words::verdict(sheet);
        let missed = verdict.reached == Some(false);
        let tone = if missed { Tone::Alarm } else { Tone::Strong };
        let mark = if missed { "! " } else { "" };
        self.wrapped("", &format!("{mark}{}", verdict.head), tone);
        if let Some(more) = &verdict.more {
            self.wrapped("  ", more, Tone::Plain);
        }
        if let Some(gain) = words::gain(sheet) {
            self.wrapped("", &gain, Tone::Plain);
        }
    }

    fn figures(&mut self, sheet: &Sheet) {
        self.blank();
        self.figure_rows(&words::figures(sheet));
        for side in words::sides(sheet) {
            self.wrapped("", &side, Tone::Quiet);
        }
    }

    fn figure_rows(&mut self, figures: &[words::Figure]) {
        if self.look.columns < SIDE_BY_SIDE {
            self.line(&[(Tone::Quiet, &format!("{:<18}{:>7}{:>7}{:>7}", "", "before", "after", "change"))]);
            for f in figures {
                let name = format!("{:<18}", f.short());
                let cells = [&f.before, &f.after, &f.change].map(|text| right(text, 7));
                self.line(&[
                    (Tone::Quiet, &name),
                    (Tone::Quiet, &cells[0]),
                    (Tone::Strong, &cells[1]),
                    (Tone::Quiet, &cells[2]),
                ]);
            }
            return;
        }
        let each = ((self.look.columns - 8) / figures.len()).min(13);
        let row = |name: &str, of: &dyn Fn(&words::Figure) -> String| {
            let cells: String = figures.iter().map(|f| right(&of(f), each)).collect();
            (format!("{name:<8}"), cells)
        };
        let rows = [
            (Tone::Quiet, row("", &|f| f.brief.to_owned())),
            (Tone::Quiet, row("", &|f| f.unit.to_owned())),
            (Tone::Plain, row("before", &|f| f.before.clone())),
            (Tone::Strong, row("after", &|f| f.after.clone())),
            (Tone::Plain, row("change", &|f| f.change.clone())),
        ];
        for (tone, (name, cells)) in &rows {
            self.line(&[(Tone::Quiet, name), (*tone, cells)]);
        }
    }

    fn field(&self) -> usize {
        self.look.columns - GUTTER - 1
    }

    fn loudness(&mut self, sheet: &Sheet) {
        let ascii = self.look.ascii;
        let key = if ascii {
            "short-term, LUFS:  * after  . before"
        } else {
            "short-term, LUFS:  ⠒⠒ after  ⠂⠂ before"
        };
        let Some(axis) = scale::loudness(sheet) else {
            self.section("Loudness over time", "");
            let short = sheet.after.lufs.is_some() || sheet.before.lufs.is_some();
            self.line(&[(
                Tone::Quiet,
                if short { "  shorter than 3 s: no short-term loudness" } else { "  silence" },
            )]);
            return;
        };
        let target = sheet.target_lufs.map(|t| (axis.at(t), words::fixed(Some(t), 1)));
        let line = if ascii { "-" } else { "┄" };
        let with_target = target.as_ref().map(|(_, said)| format!("{key}  {line}{line} target {said}"));
        self.section("Loudness over time", with_target.as_deref().unwrap_or(key));
        let rows = if self.look.columns >= WIDE { 10 } else { 6 };
        let mut canvas = Canvas::new(self.field(), rows);
        let seconds = scale::seconds(sheet);
        for (layer, side) in [(Layer::Under, &sheet.before), (Layer::Over, &sheet.after)] {
            canvas.curve(layer, &over_time(&side.short_term, seconds, axis, self.field() * 2));
        }
        let target_row = target.map(|(height, _)| canvas.line_at(height));
        self.canvas(&canvas, rows, axis, target_row);
        self.time_axis(seconds);
    }

    /// A field of curves with the figures of its axis at top, bottom and in the middle.
    fn canvas(&mut self, canvas: &Canvas, rows: usize, axis: Axis, target_row: Option<usize>) {
        for row in 0..rows {
            let value = axis.high - (axis.high - axis.low) * (row as f64 / (rows - 1) as f64);
            let told = row == 0 || row == rows - 1 || row == rows / 2;
            let figure = if told { words::fixed(Some(value), 0) } else { String::new() };
            let label = right(&figure, GUTTER - 1) + " ";
            let mut pieces: Vec<(Tone, String)> = vec![(Tone::Quiet, label)];
            for cell in canvas.line(row, self.look.ascii) {
                let (tone, c) = match cell {
                    Cell::Over(c) => (Tone::After, c),
                    Cell::Under(c) => (Tone::Quiet, c),
                    Cell::Empty if target_row == Some(row) => (Tone::Alarm, '┄'),
                    Cell::Empty => (Tone::Plain, ' '),
                };
                match pieces.last_mut() {
                    Some((last, text)) if last.code() == tone.code() => text.push(c),
                    _ => pieces.push((tone, c.to_string())),
                }
            }
            let pieces: Vec<(Tone, &str)> =
                pieces.iter().map(|(tone, text)| (*tone, text.as_str())).collect();
            self.line(&pieces);
        }
    }

    fn time_axis(&mut self, seconds: f64) {
        let times = scale::times(seconds, (self.field() / 10).max(2));
        let whole = times.iter().all(|time| time.fract() == 0.0);
        let ticks = times.iter().map(|time| (time / seconds, scale::time(*time, whole)));
        self.ticks(ticks.collect());
    }

    /// Words under a field at shares of its width, those that have room.
    fn ticks(&mut self, ticks: Vec<(f64, String)>) {
        let mut line = " ".repeat(GUTTER);
        for (share, text) in ticks {
            let middle = GUTTER as f64 + share * (self.field() - 1) as f64;
            let at = (middle - text.width() as f64 / 2.0 + 0.5).max(0.0) as usize;
            let at = at.min(self.look.columns - text.width());
            if at < GUTTER && share > 0.0 || (!line.trim().is_empty() && line.width() + 1 > at) {
                continue;
            }
            let at = at.max(GUTTER - 1);
            line = format!("{:<at$}{text}", line.trim_end());
        }
        self.line(&[(Tone::Quiet, &line)]);
    }

    fn gains(&mut self, sheet: &Sheet) {
        let (tracks, more) = words::tracks(sheet);
        if tracks.is_empty() {
            return;
        }
        let axis = scale::gains(&sheet.reduction);
        let most = axis.high.max(-axis.low);
        let range = format!("full bar: {} dB", words::fixed(Some(most), 0));
        self.section(words::tracks_title(sheet), &range);
        let seconds = scale::seconds(sheet);
        for track in tracks {
            let name = words::capital(&words::name(&track.name));
            let said = words::track(track);
            if name.width() + said.width() + 4 > self.look.columns {
                self.line(&[(Tone::Plain, &cut(&name, self.look.columns))]);
                self.wrapped("  ", &said, Tone::Quiet);
            } else {
                self.line(&[(Tone::Plain, &name), (Tone::Quiet, "  "), (Tone::Quiet, &said)]);
            }
            let bars = self.bars(track, seconds, most);
            self.line(&[(Tone::Plain, &" ".repeat(GUTTER)), (Tone::After, &bars)]);
        }
        if let Some(more) = more {
            self.line(&[(Tone::Quiet, &more)]);
        }
        self.time_axis(seconds);
    }

    fn bars(&self, track: &Track, seconds: f64, most: f64) -> String {
        let mut furthest = vec![0.0f64; self.field()];
        let half = f64::from(track.gain_db.step_s) / 2.0;
        for (time, value) in scale::points(&track.gain_db) {
            let at = |time: f64| ((time / seconds).clamp(0.0, 1.0) * self.field() as f64) as usize;
            let (from, to) = (at(time - half), at(time + half).max(at(time - half) + 1));
            for share in furthest.iter_mut().take(to).skip(from) {
                *share = share.max(value.abs() / most);
            }
        }
        // Bars are drawn in place: `plain` must not take them for letters of a name.
        furthest.into_iter().map(|share| bar_up(share, self.look.ascii)).collect()
    }

    fn spectrum(&mut self, sheet: &Sheet) {
        let Some(spectra) = scale::spectra(sheet) else {
            self.section("Spectrum", "");
            self.line(&[(Tone::Quiet, "  silence")]);
            return;
        };
        let raised = words::match_db(sheet);
        let what = format!(
            "dBFS, about a third of an octave; before {} dB to match",
            words::signed(Some(raised), 1)
        );
        self.section("Spectrum", &what);
        let rows = if self.look.columns >= WIDE { 8 } else { 5 };
        let dots = self.field() * 2;
        let mut canvas = Canvas::new(self.field(), rows);
        let levels = |of: fn(&scale::Pair) -> f64| -> Vec<Option<f64>> {
            let at = |share: f64| between(&spectra.pairs, share, of).map(|level| spectra.level.at(level));
            (0..dots).map(|x| at(x as f64 / (dots - 1) as f64)).collect()
        };
        canvas.curve(Layer::Under, &levels(|p| p.before));
        canvas.curve(Layer::Over, &levels(|p| p.after));
        self.canvas(&canvas, rows, spectra.level, None);
        self.changes(&spectra);
        let marked = [(20.0, "20 Hz"), (50.0, "50"), (100.0, "100"), (200.0, "200"), (500.0, "500")];
        let high = [(1000.0, "1k"), (2000.0, "2k"), (5000.0, "5k"), (10_000.0, "10k"), (20_000.0, "20k")];
        let ticks = marked.into_iter().chain(high).map(|(hz, text)| (scale::pitch(hz), text.to_owned()));
        self.ticks(ticks.collect());
    }

    /// Up in one line, down in the next.
    fn changes(&mut self, spectra: &scale::Spectra) {
        let most = spectra.change.high;
        let at = |column: usize| {
            let share = column as f64 / (self.field() - 1) as f64;
            let nearest = |p: &&scale::Pair| (scale::pitch(p.hz) - share).abs();
            let pair = spectra.pairs.iter().min_by(|a, b| nearest(a).total_cmp(&nearest(b)));
            pair.filter(|pair| spectra.tells(**pair)).map_or(0.0, |pair| pair.change() / most)
        };
        let shares: Vec<f64> = (0..self.field()).map(at).collect();
        let ascii = self.look.ascii;
        let up: String = shares.iter().map(|share| bar_up(*share, ascii)).collect();
        let down: String = shares.iter().map(|share| bar_down(-share, ascii)).collect();
        for (tick, bars) in [(most, up), (-most, down)] {
            let label = right(&words::signed(Some(tick), 0), GUTTER - 1) + " ";
            self.line(&[(Tone::Quiet, &label), (Tone::After, &bars)]);
        }
    }

    fn steps(&mut self, sheet: &Sheet) {
        if sheet.steps.is_empty() {
            return;
        }
        self.section("What was done", "");
        for (name, lines) in words::steps(sheet) {
            self.line(&[(Tone::Plain, &cut(&name, self.look.columns))]);
            for line in lines {
                self.wrapped("  ", &line, Tone::Plain);
            }
        }
    }

    fn lists(&mut self, sheet: &Sheet) {
        let (sums, more) = words::first_of(&sheet.sums, words::SUMS_MAX);
        if !sums.is_empty() {
            self.section("Do the versions sum?", "");
            for sum in sums {
                let (mark, tone) = if sum.holds { ("  ", Tone::Plain) } else { ("! ", Tone::Alarm) };
                self.wrapped("", &format!("{mark}{}", words::sum(sum)), tone);
            }
            more.iter().for_each(|more| self.wrapped("  ", more, Tone::Quiet));
        }
        let (warnings, more) = words::first_of(&sheet.warnings, words::WARNINGS_MAX);
        if !warnings.is_empty() {
            self.section("To be looked at", "");
            for warning in warnings {
                self.wrapped("", &format!("! {}", words::capital(&words::sentence(warning))), Tone::Plain);
            }
            more.iter().for_each(|more| self.wrapped("  ", more, Tone::Quiet));
        }
    }

    fn files(&mut self, sheet: &Sheet) {
        if sheet.outputs.is_empty() {
            return;
        }
        self.section(&format!("Files ({})", sheet.outputs.len()), "");
        let (outputs, more) = words::first_of(&sheet.outputs, words::FILES_MAX);
        for output in outputs {
            let [alternate, file, format, rate, length, lufs, peak, digest] = words::file_row(output);
            if self.look.columns < SIDE_BY_SIDE {
                self.wrapped("", &file, Tone::Plain);
                self.wrapped("  ", &format!("{alternate}, {format}, {rate}, {length}"), Tone::Quiet);
                self.wrapped("  ", &format!("{lufs} LUFS, {peak} dBTP, SHA-256 {digest}"), Tone::Quiet);
                continue;
            }
            let figures = format!(" {} LUFS {} dBTP  {digest}", right(&lufs, 6), right(&peak, 5));
            let what = format!(" {} {}", left(&format!("{format}, {rate}"), 26), right(&length, 9));
            let wide = self.look.columns >= WIDE;
            let token = if wide { left(&alternate, 13) + " " } else { String::new() };
            let room =
                self.look.columns - figures.width() - token.width() - if wide { what.width() } else { 0 };
            self.line(&[
                (Tone::Quiet, &token),
                (Tone::Plain, &left(&file, room)),
                (Tone::Quiet, if wide { &what } else { "" }),
                (Tone::Plain, &figures),
            ]);
            if !wide {
                self.line(&[(Tone::Quiet, &format!("  {alternate}, {format}, {rate}, {length}"))]);
            }
        }
        if let Some(more) = more {
            self.line(&[(Tone::Quiet, &more)]);
        }
    }
}

/// The mean of a curve for each column of dots; what lies under the axis is a gap.
fn over_time(curve: &Curve, seconds: f64, axis: Axis, dots: usize) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0u32); dots];
    for (time, value) in scale::points(curve) {
        let at = ((time / seconds).clamp(0.0, 1.0) * (dots - 1) as f64).round() as usize;
        sums[at].0 += value;
        sums[at].1 += 1;
    }
    let mut heights: Vec<Option<f64>> =
        sums.into_iter().map(|(sum, count)| (count > 0).then(|| sum / f64::from(count))).collect();
    // A short song has fewer values than columns: what lies between is the one before.
    let last = heights.iter().rposition(Option::is_some).unwrap_or(0);
    for i in 1..=last {
        if heights[i].is_none() {
            heights[i] = heights[i - 1];
        }
    }
    heights.into_iter().map(|value| value.filter(|v| *v >= axis.low).map(|v| axis.at(v))).collect()
}

/// A level between two bands, at a share of the way from 20 Hz to 20 kHz.
fn between(pairs: &[scale::Pair], share: f64, of: fn(&scale::Pair) -> f64) -> Option<f64> {
    let after = pairs.iter().position(|p| scale::pitch(p.hz) >= share)?;
    let right = &pairs[after];
    let Some(left) = after.checked_sub(1).map(|i| &pairs[i]) else { return Some(of(right)) };
    let (from, to) = (scale::pitch(left.hz), scale::pitch(right.hz));
    let way = (share - from) / (to - from).max(1e-9);
    Some(of(left) + (of(right) - of(left)) * way)
}

/// As much of the beginning as fits into `room` columns.
fn take(text: &str, room: usize) -> String {
    let mut taken = String::new();
    for c in text.chars() {
        let longer = taken.width() + c.width().unwrap_or(0);
        if longer > room {
            break;
        }
        taken.push(c);
    }
    if taken.is_empty() { text.chars().take(1).collect() } else { taken }
}

fn cut(text: &str, room: usize) -> String {
    if text.width() <= room {
        text.to_owned()
    } else if room == 0 {
        String::new()
    } else {
        take(text, room - 1).chars().filter(|_| room > 1).collect::<String>() + "…"
    }
}

fn left(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let gap = columns.saturating_sub(text.width());
    text + &" ".repeat(gap)
}

fn right(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    " ".repeat(columns.saturating_sub(text.width())) + &text
}
