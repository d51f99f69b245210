//! docs/OPERATIONS.md and packaging/alerts.yml are held against the code: every figure, every setting and when it counts, every alarm with its page. Goal: an operator
//! who reads them reads what is so. Method: both ways, papers as text; each reader is tried with bad lines first.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use deadwax_server::{
    config::Config,
    disk::Figures,
    metrics::{Known, Metrics},
    reload::{Counts, KEYS, leaves},
};

const PAPER: &str = "docs/OPERATIONS.md";
const RULES: &str = "packaging/alerts.yml";

fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the table with this head.
fn table(paper: &str, head: &str) -> Vec<Vec<String>> {
    let rows =
        paper.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

struct Rule {
    name: String,
    asks: String,
    page: String,
}

/// What stands in the rules, line by line: a name begins one.
fn rules(yaml: &str) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for line in yaml.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("- alert: ") {
            rules.push(Rule { name: name.to_owned(), asks: String::new(), page: String::new() });
        } else if let Some(rule) = rules.last_mut() {
            if let Some(asks) = line.strip_prefix("expr: ") {
                asks.clone_into(&mut rule.asks);
            } else if let Some(page) = line.strip_prefix("annotations: { runbook: \"") {
                page.trim_end_matches("\" }").clone_into(&mut rule.page);
            }
        }
    }
    rules
}

/// Words of an expression that may be figures.
fn figures(asks: &str) -> BTreeSet<&str> {
    let words = asks.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("deadwax_") || word.starts_with("process_")).collect()
}

fn known() -> BTreeMap<String, Known> {
    let known = Metrics::new(&Figures::default()).known();
    known.into_iter().map(|it| (it.name.clone(), it)).collect()
}

/// The family that a figure is of: a histogram has three.
fn family<'a>(figure: &'a str, known: &BTreeMap<String, Known>) -> Option<&'a str> {
    let ends = ["", "_bucket", "_sum", "_count"];
    ends.iter().filter_map(|end| figure.strip_suffix(end)).find(|name| {
        let is_whole = *name == figure;
        known.get(*name).is_some_and(|it| is_whole != (it.kind == "histogram"))
    })
}

#[test]
fn every_figure_stands_in_the_paper_and_no_other() {
    let paper = text(PAPER);
    let told = table(&paper, "| family | labels | meaning | alarm |");
    let told: Vec<String> = told.into_iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    let names: BTreeSet<String> = told.iter().cloned().collect();
    assert_eq!(told.len(), names.len(), "a family stands twice");
    assert_eq!(names, known().into_keys().collect());
}

#[test]
fn every_alarm_asks_for_figures_that_there_are_and_has_its_page() {
    let (rules, known, runbook, paper) = (rules(&text(RULES)), known(), text("docs/RUNBOOK.md"), text(PAPER));
    assert!(rules.len() >= 15, "{} rules", rules.len());
    let mut wrong = Vec::new();
    let names: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names.len(), rules.len(), "an alarm stands twice");
    let rows = table(&paper, "| family | labels | meaning | alarm |");
    for Rule { name, asks, page } in &rules {
        let asked = figures(asks);
        if asked.is_empty() && !asks.starts_with("up{") {
            wrong.push(format!("{name} asks for nothing: {asks}"));
        }
        for figure in asked {
            if family(figure, &known).is_none() {
                wrong.push(format!("{name} asks for {figure}, which there is not"));
            }
        }
        if !runbook.contains(&format!("\n## {page}\n")) {
            wrong.push(format!("{name}: the runbook has no page `{page}`"));
        }
        let told = rows.iter().any(|row| row[3] == format!("`{name}`"));
        if !told && name != "DeadwaxDown" {
            wrong.push(format!("{name} stands beside no figure in {PAPER}"));
        }
    }
    for row in rows.iter().filter(|row| !row[3].is_empty()) {
        let alarm = row[3].trim_matches('`');
        let rule = rules.iter().find(|rule| rule.name == alarm);
        let asks = |rule: &Rule| {
            figures(&rule.asks).iter().any(|it| family(it, &known) == Some(row[0].trim_matches('`')))
        };
        if !rule.is_some_and(asks) {
            wrong.push(format!("{alarm} stands beside {}, and does not ask for it", row[0]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_setting_stands_in_the_paper_with_its_default_and_when_it_counts() {
    let paper = text(PAPER);
    let rows = table(&paper, "| key | default | counts | what |");
    let told: BTreeMap<&str, (&str, &str)> =
        rows.iter().map(|row| (row[0].trim_matches('`'), (row[1].as_str(), row[2].as_str()))).collect();
    assert_eq!(told.len(), rows.len(), "a key stands twice");
    let defaults = leaves(&Config::default());
    let plain = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Object(_) | serde_json::Value::Array(_) => String::new(),
        value => value.to_string(),
    };
    let words = |counts: Counts| match counts {
        Counts::AtOnce => "at once",
        Counts::AfterRestart => "after a restart",
    };
    let stands: BTreeMap<&str, (String, &str)> =
        KEYS.iter().map(|(key, counts)| (*key, (plain(&defaults[*key]), words(*counts)))).collect();
    let stands: BTreeMap<&str, (&str, &str)> =
        stands.iter().map(|(key, (value, counts))| (*key, (value.as_str(), *counts))).collect();
    assert_eq!(told, stands);
}

#[test]
fn unit_and_container_wait_until_it_answers() {
    let (unit, container) = (text("packaging/deadwax-server.service"), text("packaging/Containerfile"));
    for line in ["Type=notify", "ExecReload=/bin/kill -HUP $MAINPID"] {
        assert!(unit.lines().any(|it| it == line), "{line}");
    }
    assert!(container.contains("HEALTHCHECK ") && container.contains("\"ready\", \"/studio\"]"));
    // What systemd says of the unit, where it is there to say it. Its program and its user are not.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unit");
    fs::create_dir_all(&folder).unwrap();
    let here = unit.replace("/usr/local/bin/deadwax-server", "/bin/true").replace("=deadwax\n", "=root\n");
    let file = folder.join("deadwax-server.service");
    fs::write(&file, here).unwrap();
    match Command::new("systemd-analyze").arg("verify").arg(&file).output() {
        Ok(said) => {
            let said = String::from_utf8_lossy(&said.stderr).into_owned();
            let ours: Vec<&str> =
                said.lines().filter(|line| line.contains("deadwax-server.service")).collect();
            assert!(ours.is_empty(), "{ours:?}");
        }
        Err(error) => println!("systemd-analyze was not asked: {error}"),
    }
}

#[test]
fn the_readers_find_what_is_wrong() {
    let paper = "# x\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | |\n\n| 5 | 6 |\n";
    assert_eq!(table(paper, "| a | b |"), [["1", "2"], ["3", ""]]);
    let read = rules(
        "  - alert: A\n    expr: deadwax_ready == 0\n    annotations: { runbook: \"P q\" }\n  - alert: B\n",
    );
    assert_eq!((read.len(), read[0].page.as_str(), read[1].asks.as_str()), (2, "P q", ""));
    let asks = "rate(deadwax_sync_seconds_bucket{of=\"x\"}[5m]) > process_open_fds";
    assert_eq!(figures(asks), BTreeSet::from(["deadwax_sync_seconds_bucket", "process_open_fds"]));
    let known = known();
    assert_eq!(family("deadwax_sync_seconds_bucket", &known), Some("deadwax_sync_seconds"));
    assert_eq!(family("deadwax_ready", &known), Some("deadwax_ready"));
    for none in ["deadwax_sync_seconds", "deadwax_ready_bucket", "deadwax_calls", "deadwax_nothing"] {
        assert_eq!(family(none, &known), None, "{none}");
    }
}
