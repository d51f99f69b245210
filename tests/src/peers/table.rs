//! Tables in Markdown, and the bars that our own column has to clear. Never here: how a figure came about.

use std::fmt::Write as _;

pub struct Table {
    pub title: String,
    /// What was measured and how, under the title.
    pub about: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    pub fn new(title: &str, about: &str, head: &[&str]) -> Self {
        Table {
            title: title.into(),
            about: about.into(),
            head: head.iter().map(|h| (*h).into()).collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Names those that were left out, with where to get them.
    pub fn skipped(&mut self, absent: &[super::tools::Peer]) {
        for peer in absent {
            self.note(format!("Skipped, not here: {} (package {}).", peer.name, peer.package));
        }
    }

    pub fn markdown(&self) -> String {
        let mut text = format!("\n### {}\n\n{}\n\n", self.title, self.about);
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        text.push_str(&line(&self.head));
        text.push_str(&format!("|{}\n", " --- |".repeat(self.head.len())));
        self.rows.iter().for_each(|row| text.push_str(&line(row)));
        for note in &self.notes {
            let _ = write!(text, "\n{note}\n");
        }
        text
    }
}

/// One promise and what came of it.
pub struct Bar {
    pub what: String,
    pub found: String,
    pub held: bool,
    /// A bar of speed is a goal of this machine in this hour; it is shown and judged only where it was asked for.
    pub of_speed: bool,
}

#[derive(Default)]
pub struct Bars(pub Vec<Bar>);

impl Bars {
    pub fn at_most(&mut self, what: &str, found: f64, bar: f64, unit: &str) {
        self.add(format!("{what}: at most {bar} {unit}"), format!("{found:.3} {unit}"), found <= bar, false);
    }

    pub fn at_least(&mut self, what: &str, found: f64, bar: f64, unit: &str) {
        self.add(format!("{what}: at least {bar} {unit}"), format!("{found:.3} {unit}"), found >= bar, false);
    }

    pub fn times(&mut self, what: &str, found: f64, bar: f64) {
        self.add(format!("{what}: at least {bar} times"), format!("{found:.2} times"), found >= bar, true);
    }

    pub fn add(&mut self, what: String, found: String, held: bool, of_speed: bool) {
        self.0.push(Bar { what, found, held, of_speed });
    }

    pub fn table(&self) -> Table {
        let mut table = Table::new("Bars", "What our column has to clear.", &["bar", "found", "held"]);
        for bar in &self.0 {
            table.row(vec![
                bar.what.clone(),
                bar.found.clone(),
                if bar.held { "yes" } else { "**no**" }.into(),
            ]);
        }
        table
    }

    /// Whether all that is judged was held.
    pub fn held(&self, with_speed: bool) -> bool {
        self.0.iter().all(|bar| bar.held || (bar.of_speed && !with_speed))
    }
}
