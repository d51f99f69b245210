//! The whole sheet as one drawing: A4 upright for a usual song, and as long as it must be where the list of files is long.
//! Never here: markup, pixels.

use super::{
    Sheet, charts,
    drawing::{AXIS, Anchor, Drawing, Ink, PAPER, QUIET, RULE, TARGET, TEXT, Type},
    words,
};

/// A4 in points.
pub(super) const WIDTH: f32 = 595.0;
pub(super) const HEIGHT: f32 = 842.0;
const MARGIN: f32 = 36.0;
pub(super) const CONTENT: f32 = WIDTH - 2.0 * MARGIN;
const FOOT: f32 = 28.0;
/// Where the second column of a section begins.
const COLUMN: f32 = 92.0;
const GAP: f32 = 9.5;

const TITLE: Type = Type::medium(19.0, TEXT);
const UNDER: Type = Type::regular(9.5, QUIET);
const SECTION: Type = Type::medium(9.0, TEXT);
const BODY: Type = Type::regular(8.0, TEXT);
const STRONG: Type = Type::medium(8.0, TEXT);
const SMALL: Type = Type::regular(7.0, QUIET);
const LEADING: f32 = 9.9;

/// How high the fields of the charts are.
#[derive(Clone, Copy)]
pub(super) struct Heights {
    pub loudness: f32,
    pub strip: f32,
    pub spectrum: f32,
    pub change: f32,
}

impl Heights {
    /// These leave a usual song on one page.
    pub(super) const LEAST: Heights = Heights { loudness: 74.0, strip: 12.0, spectrum: 64.0, change: 28.0 };
    /// What is left of a page goes to the charts, up to this.
    const GROWTH_MAX: f32 = 1.85;

    pub(super) fn grown(self, by: f32) -> Heights {
        Heights {
            loudness: self.loudness * by,
            strip: self.strip * by,
            spectrum: self.spectrum * by,
            change: self.change * by,
        }
    }

    fn all(self, strips: usize) -> f32 {
        self.loudness + self.strip * strips as f32 + self.spectrum + self.change
    }
}

struct Page {
    d: Drawing,
    y: f32,
}

pub(super) fn page(sheet: &Sheet) -> Drawing {
    let least = filled(sheet, Heights::LEAST);
    let left = HEIGHT - FOOT - least.y;
    let strips = words::tracks(sheet).0.len();
    let growth = (1.0 + left / Heights::LEAST.all(strips)).clamp(1.0, Heights::GROWTH_MAX);
    let Page { d, .. } = if left > 0.0 { filled(sheet, Heights::LEAST.grown(growth)) } else { least };
    let mut paper = Drawing::new(d.width, d.height);
    paper.rect(0.0, 0.0, d.width, d.height, PAPER);
    paper.place(d, 0.0, 0.0);
    paper
}

/// The page, and how far down it is filled.
fn filled(sheet: &Sheet, heights: Heights) -> Page {
    let mut page = Page { d: Drawing::new(WIDTH, HEIGHT), y: MARGIN };
    page.head(sheet);
    page.verdict(sheet);
    page.figures(sheet);
    page.chart(charts::loudness(sheet, CONTENT, heights.loudness));
    if let Some(chart) = charts::reduction(sheet, CONTENT, heights.strip) {
        page.chart(chart);
    }
    page.chart(charts::spectrum(sheet, CONTENT, heights.spectrum, heights.change));
    page.steps(sheet);
    page.sums(sheet);
    page.warnings(sheet);
    page.files(sheet);
    page.foot(sheet);
    page
}

impl Page {
    fn head(&mut self, sheet: &Sheet) {
        const LABEL: &str = "Mastering report";
        let label = Type::regular(8.0, QUIET);
        self.d.anchored([WIDTH - MARGIN, self.y + 8.0], label, Anchor::End, LABEL);
        let room = CONTENT - label.width(LABEL) - 24.0;
        for line in TITLE.wrap(&words::title(sheet), room, 2) {
            self.d.words(MARGIN, self.y + 15.0, TITLE, &line);
            self.y += 22.0;
        }
        let under = words::under_title(sheet).join(" · ");
        if !under.is_empty() {
            for line in UNDER.wrap(&under, CONTENT, 2) {
                self.d.words(MARGIN, self.y + 8.0, UNDER, &line);
                self.y += 13.0;
            }
        }
        self.y += 6.0;
        self.rule(AXIS, 0.8);
        self.y += 9.0;
    }

    fn rule(&mut self, ink: Ink, width: f32) {
        self.d.line(vec![[MARGIN, self.y], [WIDTH - MARGIN, self.y]], ink, width);
    }

    /// A missed target has a bar at its side, and its reason in full.
    fn verdict(&mut self, sheet: &Sheet) {
        let verdict = words::verdict(sheet);
        let missed = verdict.reached == Some(false);
        let head = Type::medium(10.5, if missed { TARGET } else { TEXT });
        let top = self.y;
        let x = if missed { MARGIN + 9.0 } else { MARGIN };
        let said = words::gain(sheet).unwrap_or_default();
        let said_width = BODY.width(&said);
        self.d.words(x, self.y + 9.0, head, &head.fit(&verdict.head, CONTENT - said_width - 20.0));
        self.d.anchored([WIDTH - MARGIN, self.y + 9.0], BODY, Anchor::End, &said);
        self.y += 14.0;
        if let Some(more) = &verdict.more {
            for line in BODY.wrap(more, CONTENT - 9.0, 6) {
                self.d.words(x, self.y + 7.5, BODY, &line);
                self.y += LEADING;
            }
        }
        if missed {
            self.d.rect(MARGIN, top, 2.5, self.y - top, TARGET);
        }
        self.y += 8.0;
    }

    fn figures(&mut self, sheet: &Sheet) {
        let figures = words::figures(sheet);
        let label = 46.0;
        let each = (CONTENT - label) / figures.len() as f32;
        let rows = [
            ("Before", Type::regular(9.5, QUIET)),
            ("After", Type::medium(11.5, TEXT)),
            ("Change", Type::regular(9.5, QUIET)),
        ];
        for (row, (name, _)) in rows.iter().enumerate() {
            self.d.words(MARGIN, self.y + 29.0 + 14.5 * row as f32, Type::regular(8.0, QUIET), name);
        }
        for (i, figure) in figures.iter().enumerate() {
            let right = MARGIN + label + each * (i + 1) as f32;
            self.d.anchored([right, self.y + 6.0], Type::regular(7.0, TEXT), Anchor::End, figure.what);
            self.d.anchored([right, self.y + 14.5], SMALL, Anchor::End, figure.unit);
            for (row, text) in [&figure.before, &figure.after, &figure.change].into_iter().enumerate() {
                let at = [right, self.y + 29.0 + 14.5 * row as f32];
                self.d.anchored(at, rows[row].1, Anchor::End, text);
            }
        }
        self.y += 29.0 + 29.0 + 8.0;
        let sides = words::sides(sheet);
        let together = sides.join(" · ");
        // On one line where it has room.
        let lines = if SMALL.width(&together) <= CONTENT { vec![together] } else { sides };
        for line in lines.iter().filter(|line| !line.is_empty()) {
            self.d.words(MARGIN, self.y + 6.5, SMALL, &SMALL.fit(line, CONTENT));
            self.y += 9.0;
        }
        self.y += 6.0;
    }

    fn chart(&mut self, chart: Drawing) {
        let height = chart.height;
        self.d.place(chart, MARGIN, self.y);
        self.y += height + GAP;
    }

    fn section(&mut self, title: &str) {
        self.d.words(MARGIN, self.y + 8.0, SECTION, title);
        self.y += 12.0;
    }

    /// A name on the left, sentences on the right.
    fn entry(&mut self, name: &str, lines: &[String]) {
        let mut left = STRONG.wrap(name, COLUMN - 8.0, 2);
        let mut right: Vec<String> = Vec::new();
        for line in lines {
            right.extend(BODY.wrap(line, CONTENT - COLUMN, 4));
        }
        let rows = left.len().max(right.len()).max(1);
        left.resize(rows, String::new());
        right.resize(rows, String::new());
        for (name, line) in left.iter().zip(&right) {
            self.d.words(MARGIN, self.y + 7.0, STRONG, name);
            self.d.words(MARGIN + COLUMN, self.y + 7.0, BODY, line);
            self.y += LEADING;
        }
    }

    fn steps(&mut self, sheet: &Sheet) {
        if sheet.steps.is_empty() {
            return;
        }
        self.section("What was done");
        for (name, lines) in words::steps(sheet) {
            self.entry(&name, &lines);
        }
        self.y += GAP - 3.0;
    }

    fn sums(&mut self, sheet: &Sheet) {
        if sheet.sums.is_empty() {
            return;
        }
        let (sums, more) = words::first_of(&sheet.sums, words::SUMS_MAX);
        self.section("Do the versions sum?");
        for sum in sums {
            self.item(if sum.holds { "·" } else { "!" }, &words::sum(sum));
        }
        more.iter().for_each(|more| self.item("", more));
        self.y += GAP - 3.0;
    }

    fn warnings(&mut self, sheet: &Sheet) {
        if sheet.warnings.is_empty() {
            return;
        }
        let (warnings, more) = words::first_of(&sheet.warnings, words::WARNINGS_MAX);
        self.section("To be looked at");
        for warning in warnings {
            self.item("!", &words::capital(&words::sentence(warning)));
        }
        more.iter().for_each(|more| self.item("", more));
        self.y += GAP - 3.0;
    }

    /// A sentence behind a mark.
    fn item(&mut self, mark: &str, text: &str) {
        let ink = if mark == "!" { TARGET } else { TEXT };
        self.d.words(MARGIN, self.y + 7.0, Type::medium(8.0, ink), mark);
        for line in BODY.wrap(text, CONTENT - 10.0, 4) {
            self.d.words(MARGIN + 10.0, self.y + 7.0, BODY, &line);
            self.y += LEADING;
        }
    }

    fn files(&mut self, sheet: &Sheet) {
        if sheet.outputs.is_empty() {
            return;
        }
        // Left edges of those that begin there, right edges of the figures.
        let edge = |x: f32| MARGIN + x;
        let columns: [(f32, Anchor, f32); 8] = [
            (edge(0.0), Anchor::Start, 66.0),
            (edge(70.0), Anchor::Start, 150.0),
            (edge(225.0), Anchor::Start, 56.0),
            (edge(322.0), Anchor::End, 40.0),
            (edge(373.0), Anchor::End, 50.0),
            (edge(408.0), Anchor::End, 34.0),
            (edge(442.0), Anchor::End, 34.0),
            (edge(CONTENT - 62.0), Anchor::Start, 62.0),
        ];
        self.section(&format!("Files ({})", sheet.outputs.len()));
        for ((x, anchor, _), head) in columns.iter().zip(words::FILE_HEADS) {
            self.d.anchored([*x, self.y + 6.0], SMALL, *anchor, head);
        }
        self.y += 9.5;
        self.rule(RULE, 0.5);
        self.y += 2.0;
        let (outputs, more) = words::first_of(&sheet.outputs, words::FILES_MAX);
        let kind = Type::regular(7.5, TEXT);
        for output in outputs {
            for (n, ((x, anchor, room), text)) in columns.iter().zip(words::file_row(output)).enumerate() {
                let text = if n == 1 {
                    super::font::fit_file(&text, kind.size, kind.weight, *room)
                } else {
                    kind.fit(&text, *room)
                };
                self.d.anchored([*x, self.y + 7.5], kind, *anchor, &text);
            }
            self.y += LEADING;
        }
        if let Some(more) = more {
            self.d.words(MARGIN, self.y + 7.5, kind, &more);
            self.y += LEADING;
        }
        self.y += GAP;
    }

    fn foot(&mut self, sheet: &Sheet) {
        let filled = self.y;
        self.d.height = HEIGHT.max((self.y + FOOT).ceil());
        self.y = self.d.height - FOOT;
        self.rule(RULE, 0.5);
        let text = words::foot(sheet).join(" · ");
        self.d.words(MARGIN, self.y + 11.0, SMALL, &SMALL.fit(&text, CONTENT - 80.0));
        self.d.anchored([WIDTH - MARGIN, self.y + 11.0], SMALL, Anchor::End, "Made with Deadwax");
        self.y = filled;
    }
}
