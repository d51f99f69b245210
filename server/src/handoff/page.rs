//! A page of words and tables, drawn as plain text and as HTML that needs nothing but itself: no script, nothing fetched, everything escaped, made to be
//! printed. Other people's text passes the scrub on the way in (S-1), so that neither a terminal nor a browser obeys it. Never here: what is said.

use crate::wire::text::scrub;

/// Of a line of plain text.
const COLUMNS: usize = 100;

pub struct Page {
    title: String,
    parts: Vec<Part>,
}

struct Part {
    heading: &'static str,
    blocks: Vec<Block>,
}

enum Block {
    Line(String),
    Pairs(Vec<(&'static str, String)>),
    Table { head: Vec<&'static str>, rows: Vec<Vec<String>> },
    Items(Vec<Item>),
}

/// One of a list. The lead says who and when, the text what, and what belongs to it stands below.
pub struct Item {
    lead: String,
    text: String,
    under: Vec<Item>,
}

impl Item {
    pub fn new(lead: impl AsRef<str>, text: impl AsRef<str>) -> Self {
        Self { lead: scrub(lead.as_ref()), text: scrub(text.as_ref()), under: Vec::new() }
    }

    pub fn with(mut self, under: Vec<Item>) -> Self {
        self.under = under;
        self
    }
}

impl Page {
    pub fn new(title: impl AsRef<str>) -> Self {
        Self { title: scrub(title.as_ref()), parts: Vec::new() }
    }

    pub fn part(&mut self, heading: &'static str) {
        self.parts.push(Part { heading, blocks: Vec::new() });
    }

    fn put(&mut self, block: Block) {
        match self.parts.last_mut() {
            Some(part) => part.blocks.push(block),
            None => self.parts.push(Part { heading: "", blocks: vec![block] }),
        }
    }

    pub fn line(&mut self, text: impl AsRef<str>) {
        self.put(Block::Line(scrub(text.as_ref())));
    }

    /// Words and what they stand for; those without a value are left out.
    pub fn pairs(&mut self, pairs: Vec<(&'static str, String)>) {
        let said = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        self.put(Block::Pairs(said.map(|(word, value)| (word, scrub(&value))).collect()));
    }

    pub fn table(&mut self, head: Vec<&'static str>, rows: Vec<Vec<String>>) {
        let clean = |row: Vec<String>| row.iter().map(|cell| scrub(cell)).collect();
        self.put(Block::Table { head, rows: rows.into_iter().map(clean).collect() });
    }

    /// `otherwise`: what is said where there is none.
    pub fn items(&mut self, items: Vec<Item>, otherwise: &str) {
        if items.is_empty() {
            self.line(otherwise);
        } else {
            self.put(Block::Items(items));
        }
    }

    pub fn text(&self) -> String {
        let mut out = format!("{}\n{}\n", self.title, "=".repeat(width(&self.title).clamp(1, COLUMNS)));
        for part in &self.parts {
            if !part.heading.is_empty() {
                out += &format!("\n{}\n{}\n", part.heading, "-".repeat(width(part.heading)));
            }
            for block in &part.blocks {
                out.push('\n');
                block.text(&mut out);
            }
        }
        out
    }

    pub fn html(&self) -> String {
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <h1 dir=\"auto\">{title}</h1>\n",
            title = escaped(&self.title)
        );
        for part in &self.parts {
            out += "<section>\n";
            if !part.heading.is_empty() {
                out += &format!("<h2>{}</h2>\n", escaped(part.heading));
            }
            for block in &part.blocks {
                block.html(&mut out);
            }
            out += "</section>\n";
        }
        out += "</body>\n</html>\n";
        out
    }
}

impl Block {
    fn text(&self, out: &mut String) {
        match self {
            Block::Line(line) => wrap(out, line, 0),
            Block::Pairs(pairs) => {
                let longest = pairs.iter().map(|(word, _)| width(word)).max().unwrap_or(0);
                for (word, value) in pairs {
                    *out += &format!("{word}:{}", " ".repeat(longest - width(word) + 2));
                    hang(out, value, longest + 3);
                }
            }
            Block::Table { head, rows } => {
                let of = |row: usize, column: usize| {
                    if row == 0 { head[column] } else { rows[row - 1].get(column).map_or("", String::as_str) }
                };
                let widest: Vec<usize> = (0..head.len())
                    .map(|column| (0..=rows.len()).map(|row| width(of(row, column))).max().unwrap_or(0))
                    .collect();
                for row in 0..=rows.len() {
                    let cell = |(column, widest): (usize, &usize)| {
                        let (cell, room) = (of(row, column), " ".repeat(widest - width(of(row, column))));
                        if column < WORDS { format!("{cell}{room}") } else { format!("{room}{cell}") }
                    };
                    let cells: Vec<String> = widest.iter().enumerate().map(cell).collect();
                    *out += cells.join("  ").trim_end();
                    out.push('\n');
                }
            }
            Block::Items(items) => items.iter().for_each(|item| item.text(out, 0)),
        }
    }

    fn html(&self, out: &mut String) {
        match self {
            Block::Line(line) => *out += &format!("<p dir=\"auto\">{}</p>\n", escaped(line)),
            Block::Pairs(pairs) => {
                *out += "<table class=\"pairs\">\n";
                for (word, value) in pairs {
                    *out += &format!(
                        "<tr><th scope=\"row\">{}</th><td dir=\"auto\">{}</td></tr>\n",
                        escaped(word),
                        escaped(value)
                    );
                }
                *out += "</table>\n";
            }
            Block::Table { head, rows } => {
                *out += "<table>\n<thead><tr>";
                for word in head {
                    *out += &format!("<th scope=\"col\">{}</th>", escaped(word));
                }
                *out += "</tr></thead>\n<tbody>\n";
                for row in rows {
                    let cells: String =
                        row.iter().map(|cell| format!("<td dir=\"auto\">{}</td>", escaped(cell))).collect();
                    *out += &format!("<tr>{cells}</tr>\n");
                }
                *out += "</tbody>\n</table>\n";
            }
            Block::Items(items) => list(out, items),
        }
    }
}

/// Columns of a table that are words; the others are numbers and stand to the right.
const WORDS: usize = 2;

impl Item {
    fn text(&self, out: &mut String, depth: usize) {
        *out += &format!("{}- ", "  ".repeat(depth));
        let said = match (self.lead.is_empty(), self.text.is_empty()) {
            (true, _) => self.text.clone(),
            (_, true) => self.lead.clone(),
            _ => format!("{}: {}", self.lead, self.text),
        };
        hang(out, &said, 2 * depth + 2);
        self.under.iter().for_each(|item| item.text(out, depth + 1));
    }
}

fn list(out: &mut String, items: &[Item]) {
    if items.is_empty() {
        return;
    }
    *out += "<ul>\n";
    for item in items {
        *out += "<li dir=\"auto\">";
        if !item.lead.is_empty() {
            let after = if item.text.is_empty() { "" } else { ": " };
            *out += &format!("<b>{}</b>{after}", escaped(&item.lead));
        }
        *out += &escaped(&item.text);
        list(out, &item.under);
        *out += "</li>\n";
    }
    *out += "</ul>\n";
}

/// A character counts as one column: near enough for a page of plain text.
fn width(text: &str) -> usize {
    text.chars().count()
}

fn wrap(out: &mut String, text: &str, indent: usize) {
    *out += &" ".repeat(indent);
    hang(out, text, indent);
}

/// Goes on behind what stands on the line; further lines begin below it.
fn hang(out: &mut String, text: &str, indent: usize) {
    for (at, line) in text.lines().enumerate() {
        if at > 0 {
            *out += &format!("\n{}", " ".repeat(indent));
        }
        let mut column = indent;
        for (at, word) in line.split(' ').enumerate() {
            if at > 0 && column + 1 + width(word) > COLUMNS {
                *out += &format!("\n{}", " ".repeat(indent));
                column = indent;
            } else if at > 0 {
                out.push(' ');
                column += 1;
            }
            *out += word;
            column += width(word);
        }
    }
    out.push('\n');
}

/// Text as text, in elements and in attributes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

const STYLE: &str = "\
@page { size: A4; margin: 16mm; }
body { font: 10.5pt/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #111; background: #fff; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; border-bottom: 1px solid #999; break-after: avoid; }
p, li, td { white-space: pre-line; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .15rem .6rem .15rem 0; }
thead th { border-bottom: 1px solid #999; }
thead th:nth-child(n+3), tbody td:nth-child(n+3) { text-align: right; }
.pairs th { width: 11rem; font-weight: normal; color: #555; }
tr, li { break-inside: avoid; }
ul { padding-left: 1.2rem; margin: .3rem 0; }
@media print { body { margin: 0; max-width: none; padding: 0; } }
";

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "</td><script>alert(1)</script>\u{1b}[2J\u{202e}\"'&";

    fn page() -> Page {
        let mut page = Page::new(HOSTILE);
        page.line(HOSTILE);
        page.part("Part");
        page.pairs(vec![("word", HOSTILE.into()), ("unsaid", String::new())]);
        page.table(vec!["a", "b", "c"], vec![vec![HOSTILE.into(), "x".into(), "-1.0".into()]]);
        page.items(vec![Item::new(HOSTILE, HOSTILE).with(vec![Item::new(HOSTILE, "two\nlines")])], "none");
        page
    }

    #[test]
    fn nothing_that_somebody_wrote_is_obeyed() {
        let html = page().html();
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;alert(1)").count(), 8, "the title stands there twice");
        assert!(html.contains("&quot;&#39;&amp;"));
        for drawn in [html, page().text()] {
            assert!(!drawn.contains(['\u{1b}', '\u{202e}']), "{drawn}");
        }
        assert!(!page().text().contains("unsaid"));
    }

    #[test]
    fn a_browser_fetches_nothing_for_it() {
        let html = page().html();
        for word in ["http://", "https://", "src=", "href=", "url(", "@import", "onclick"] {
            assert!(!html.contains(word), "{word}");
        }
        assert!(html.contains("default-src 'none'"));
    }

    #[test]
    fn long_lines_are_broken_and_words_never() {
        let mut page = Page::new("T");
        page.items(vec![Item::new("lead", "word ".repeat(60)), Item::new("", "w".repeat(300))], "");
        let text = page.text();
        let long: Vec<_> = text.lines().filter(|line| width(line) > COLUMNS).collect();
        assert_eq!(long.len(), 1);
        assert!(text.contains("\n  word word"));
    }
}
