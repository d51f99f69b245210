//! The papers of security are held against the tree: every test that they name exists, the sheet of ASVS is whole and counted rightly, settings and alarms are called as the code calls
//! them. Goal: a paper that stopped being true fails. Method: read papers and tree as text; each reader is tried with bad lines first.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use deadwax_tests::planted;

const SHEET: &str = "docs/ASVS.md";
const RUNBOOK: &str = "docs/RUNBOOK.md";
/// Every test that these name must exist.
const NAMING: [&str; 7] = [
    SHEET,
    "SECURITY.md",
    "docs/HARDENING.md",
    "docs/OPERATIONS.md",
    RUNBOOK,
    "CHANGELOG.md",
    planted::PAPER,
];
/// What these call a setting must be one.
const SETTING: [&str; 4] = [SHEET, "docs/HARDENING.md", "docs/OPERATIONS.md", RUNBOOK];
const VERDICTS: [&str; 4] = ["met", "by construction", "n/a", "NOT MET"];
const LEVELS: [&str; 3] = ["1", "2", "3, chosen"];

/// ASVS 5.0.0, the 14 chapters that apply: of each section the levels of its requirements in their order. Counted in the standard's own list: 61 of level 1, 149 of level 2.
#[rustfmt::skip]
const STANDARD: [(&str, &str); 68] = [
    ("1.1", "22"), ("1.2", "1111122223"), ("1.3", "112222222223"), ("1.4", "222"), ("1.5", "123"),
    ("2.1", "122"), ("2.2", "112"), ("2.3", "12223"), ("2.4", "23"),
    ("3.1", "3"), ("3.2", "113"), ("3.3", "12223"), ("3.4", "11222233"), ("3.5", "11122333"), ("3.6", "3"), ("3.7", "22333"),
    ("4.1", "12233"), ("4.2", "23333"), ("4.3", "22"), ("4.4", "1222"),
    ("5.1", "2"), ("5.2", "112333"), ("5.3", "113"), ("5.4", "222"),
    ("6.1", "122"), ("6.2", "111111112222"), ("6.3", "11223333"), ("6.4", "112233"), ("6.5", "22222333"), ("6.6", "2223"), ("6.7", "33"), ("6.8", "2222"),
    ("7.1", "222"), ("7.2", "1111"), ("7.3", "22"), ("7.4", "11222"), ("7.5", "223"), ("7.6", "22"),
    ("8.1", "1233"), ("8.2", "1123"), ("8.3", "133"), ("8.4", "23"),
    ("11.1", "2233"), ("11.2", "22233"), ("11.3", "11233"), ("11.4", "1222"), ("11.5", "23"), ("11.6", "23"), ("11.7", "33"),
    ("12.1", "12233"), ("12.2", "11"), ("12.3", "22223"),
    ("13.1", "2333"), ("13.2", "222223"), ("13.3", "2233"), ("13.4", "1222233"),
    ("14.1", "22"), ("14.2", "12223333"), ("14.3", "122"),
    ("15.1", "12233"), ("15.2", "12233"), ("15.3", "1222222"), ("15.4", "3333"),
    ("16.1", "2"), ("16.2", "22222"), ("16.3", "2222"), ("16.4", "222"), ("16.5", "2223"),
];
/// Of level 3, what the house chose to hold to.
const CHOSEN: [&str; 9] =
    ["1.2.10", "2.3.5", "4.1.5", "5.2.4", "5.3.3", "6.3.8", "8.3.2", "15.2.5", "15.4.2"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The cells of every table with this head.
fn table(text: &str, head: &[&str]) -> Vec<Vec<String>> {
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|')).unwrap_or("");
        inner.split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let (mut found, mut within) = (Vec::new(), false);
    for line in text.lines() {
        if !line.starts_with('|') {
            within = false;
        } else if cells(line) == head {
            within = true;
        } else if within && !line.starts_with("| ---") {
            found.push(cells(line));
        }
    }
    found
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// `path/of/file.rs::name`, wherever it stands between backticks.
fn tests_named(text: &str) -> Vec<(&str, &str)> {
    quoted(text)
        .filter_map(|word| word.split_once("::"))
        .filter(|(file, name)| {
            file.ends_with(".rs") && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
        .collect()
}

/// A function of this name that the harness runs, and does not pass over.
fn is_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let at = lines.iter().position(|line| line.contains(&format!("fn {name}(")));
    let Some(at) = at else { return false };
    let above = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
    let marks: Vec<&str> = above.copied().filter(|line| line.starts_with("#[")).collect();
    let runs = |mark: &&str| mark.starts_with("#[test]") || mark.starts_with("#[tokio::test");
    marks.iter().any(runs) && !marks.iter().any(|mark| mark.starts_with("#[ignore"))
}

struct Row {
    number: String,
    level: String,
    asks: String,
    verdict: String,
    proof: String,
}

/// The rows of a sheet, and what is wrong with their form.
fn rows(sheet: &str) -> (Vec<Row>, Vec<String>) {
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for cells in table(sheet, &["row", "level", "asks", "verdict", "proof"]) {
        match <[String; 5]>::try_from(cells) {
            Ok([number, level, asks, verdict, proof]) => {
                rows.push(Row { number, level, asks, verdict, proof });
            }
            Err(cells) => faults.push(format!("{}: {} cells instead of 5", cells.join(" "), cells.len())),
        }
    }
    (rows, faults)
}

fn required() -> BTreeMap<String, char> {
    let each = |(section, levels): &(&str, &str)| -> Vec<(String, char)> {
        levels.chars().enumerate().map(|(at, level)| (format!("{section}.{}", at + 1), level)).collect()
    };
    STANDARD.iter().flat_map(each).collect()
}

/// Everything that is wrong with the rows of a sheet, whatever its tests are.
fn faults(sheet: &str) -> Vec<String> {
    let (rows, mut faults) = rows(sheet);
    let required = required();
    let asked = |number: &str, level: char| level != '3' || CHOSEN.contains(&number);
    let mut seen = BTreeSet::new();
    for row in &rows {
        let Row { number, level, asks, verdict, proof } = row;
        let mut fault = |what: &str| faults.push(format!("{number}: {what}"));
        if !seen.insert(number.as_str()) {
            fault("stands twice");
        }
        match required.get(number) {
            None => fault("no requirement of the chapters that apply"),
            Some(is) if level != &is.to_string() => fault(&format!("is of level {is}")),
            Some(is) if !asked(number, *is) => fault("of level 3 and not chosen"),
            Some(_) => {}
        }
        if asks.is_empty() {
            fault("does not say what it asks");
        }
        if !VERDICTS.contains(&verdict.as_str()) {
            fault(&format!("`{verdict}` is no verdict"));
        }
        if verdict == "met" && tests_named(proof).is_empty() {
            fault("is met without a test");
        }
        if verdict != "met" && proof.split_whitespace().count() < 2 {
            fault("has no reason");
        }
        if verdict == "NOT MET" && proof.split_whitespace().count() < 6 {
            fault("does not say what is missing");
        }
    }
    let absent =
        required.iter().filter(|(number, level)| asked(number, **level) && !seen.contains(number.as_str()));
    faults.extend(absent.map(|(number, _)| format!("{number}: is missing")));
    faults.extend(miscounted(sheet, &rows));
    faults
}

/// Where the count at the head is not the count of the rows.
fn miscounted(sheet: &str, rows: &[Row]) -> Vec<String> {
    let head = ["level", "rows", "met", "by construction", "n/a", "NOT MET"];
    let told = table(sheet, &head);
    let count = |levels: &[&str]| -> Vec<String> {
        let here: Vec<&Row> = rows
            .iter()
            .filter(|row| levels.iter().any(|level| level.starts_with(row.level.as_str())))
            .collect();
        let of = |verdict: &&str| here.iter().filter(|row| row.verdict == **verdict).count();
        std::iter::once(here.len()).chain(VERDICTS.iter().map(of)).map(|n| n.to_string()).collect()
    };
    let lines = LEVELS.iter().map(|level| (*level, count(&[*level]))).chain([("all", count(&LEVELS))]);
    let expected: Vec<Vec<String>> =
        lines.map(|(name, counts)| std::iter::once(name.to_owned()).chain(counts).collect()).collect();
    if told == expected {
        return Vec::new();
    }
    vec![format!("the count says {told:?}; the rows say {expected:?}")]
}

/// Names of settings among quoted words: dotted, and not the name of a file or of a host.
fn settings_named(text: &str) -> Vec<&str> {
    const NO_SETTING: [&str; 12] =
        ["md", "rs", "toml", "pem", "sh", "service", "key", "json", "txt", "zip", "lock", "example"];
    quoted(text)
        .filter_map(|word| word.split([' ', '=']).next())
        .filter(|word| word.contains('.') && word.chars().all(|c| c.is_ascii_lowercase() || "._".contains(c)))
        .filter(|word| {
            !word.starts_with('.') && !word.rsplit('.').next().is_some_and(|end| NO_SETTING.contains(&end))
        })
        .collect()
}

/// The value that a setting has where nobody sets it.
fn setting(name: &str) -> Option<serde_json::Value> {
    let defaults = serde_json::to_value(deadwax_server::config::Config::default()).unwrap();
    name.split('.').try_fold(&defaults, |value, key| value.get(key)).cloned()
}

struct Page {
    title: String,
    says: String,
    faults: Vec<String>,
}

/// A page a section: what is said, what it means, what to do, how it is over.
fn pages(runbook: &str) -> Vec<Page> {
    let sections = runbook.split("\n## ").skip(1);
    let page = |section: &str| {
        let title = section.lines().next().unwrap_or("").to_owned();
        let part = |label: &str| {
            let found = section.lines().find_map(|line| line.strip_prefix(&format!("- **{label}**: ")));
            found.filter(|text| !text.trim().is_empty()).map(str::to_owned)
        };
        let faults = ["Says", "Means", "Do", "Over when"].into_iter().filter(|label| part(label).is_none());
        let faults = faults.map(|label| format!("{title}: `{label}` is missing")).collect();
        Page { says: part("Says").unwrap_or_default(), title, faults }
    };
    sections.map(page).collect()
}

/// The words of each alarm of one level in a source: the last literal of each call of the macro. Tests are left out.
fn alarms(source: &str, level: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap_or("");
    let call = format!("tracing::{level}!(");
    let calls = code.split(call.as_str()).skip(1);
    calls.filter_map(|call| literals(call).pop()).collect()
}

/// Literals up to the bracket that closes the call.
fn literals(call: &str) -> Vec<String> {
    let (mut found, mut depth, mut chars) = (Vec::new(), 1, call.chars());
    while depth > 0 {
        match chars.next() {
            None => break,
            Some('(') => depth += 1,
            Some(')') => depth -= 1,
            Some('"') => {
                let mut literal = String::new();
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    literal.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
                }
                found.push(literal);
            }
            Some(_) => {}
        }
    }
    found
}

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

fn server() -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(&root().join("server/src"), &mut found);
    found
}

/// `name`, `name@1.2.3` or `name:<1.2.3`, as cargo-deny reads them: does it ban this version?
fn bans(spec: &str, name: &str, version: &str) -> Result<bool, String> {
    let number = |text: &str| -> Result<Vec<u64>, String> {
        let plain = text.split(['-', '+']).next().unwrap_or("");
        let parts: Result<Vec<u64>, _> = plain.split('.').map(str::parse).collect();
        parts
            .ok()
            .filter(|it| it.len() == 3)
            .ok_or_else(|| format!("{spec}: {text} is no version of three numbers"))
    };
    let version = number(version)?;
    if let Some((of, exact)) = spec.split_once('@') {
        return Ok(number(exact)? == version && of == name);
    }
    let Some((of, range)) = spec.split_once(':') else { return Ok(spec == name) };
    let below = range.strip_prefix('<').ok_or_else(|| format!("{spec}: only `<` is read here"))?;
    Ok(version < number(below)? && of == name)
}

/// Every crate of the lock file: its name, its version, where it comes from, whether its bytes are pinned.
fn locked() -> Vec<(String, String, Option<String>, bool)> {
    let lock: toml::Table = text("Cargo.lock").parse().unwrap();
    let word =
        |package: &toml::Value, key: &str| package.get(key).and_then(|it| it.as_str()).map(str::to_owned);
    let packages = lock["package"].as_array().unwrap().iter().map(|it| {
        let (name, version) = (word(it, "name").unwrap(), word(it, "version").unwrap());
        (name, version, word(it, "source"), word(it, "checksum").is_some_and(|sum| sum.len() == 64))
    });
    packages.collect()
}

#[test]
fn every_test_that_a_paper_names_is_run() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for paper in NAMING {
        let text = text(paper);
        for (file, name) in tests_named(&text) {
            count += 1;
            let source = fs::read_to_string(root().join(file));
            if !source.is_ok_and(|source| is_test(&source, name)) {
                wrong.push(format!("{paper}: {file} has no test {name} that is run"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 100, "only {count} tests were found in the papers");
}

#[test]
fn the_sheet_is_whole_and_counted() {
    let faults = faults(&text(SHEET));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn figures_told_are_those_of_the_code() {
    let figures = table(&text(SHEET), &["what", "figure", "where", "as it stands there"]);
    assert!(figures.len() >= 20, "{} figures", figures.len());
    for figure in figures {
        let [what, _, place, stands] = figure.as_slice() else { panic!("{figure:?}") };
        let (place, stands) = (place.trim_matches('`'), stands.trim_matches('`'));
        let true_there = match setting(place) {
            Some(value) => stands.parse::<serde_json::Value>().is_ok_and(|told| told == value),
            None => text(place).contains(stands),
        };
        assert!(true_there, "{what}: {place} does not say {stands}");
    }
}

#[test]
fn the_list_of_cryptography_is_whole() {
    const HINTS: [&str; 22] = [
        "tls",
        "rcgen",
        "webpki",
        "ring",
        "sha1",
        "sha2",
        "sha3",
        "blake",
        "ssh-",
        "getrandom",
        "rand",
        "zeroize",
        "subtle",
        "md5",
        "crc",
        "hmac",
        "ed25519",
        "argon",
        "aes",
        "chacha",
        "x509",
        "openssl",
    ];
    let manifest: toml::Table = text("Cargo.toml").parse().unwrap();
    let used: BTreeSet<&str> =
        manifest["workspace"]["dependencies"].as_table().unwrap().keys().map(String::as_str).collect();
    let sheet = text(SHEET);
    let told = table(&sheet, &["crate", "for"]);
    let told: BTreeSet<&str> = told.iter().flat_map(|row| quoted(&row[0])).collect();
    let secret =
        used.iter().filter(|name| HINTS.iter().any(|hint| name.starts_with(hint) || name.ends_with(hint)));
    let secret: BTreeSet<&str> = secret.copied().collect();
    assert!(secret.len() > 8, "{secret:?}");
    assert_eq!(told, secret);
}

#[test]
fn settings_in_the_papers_are_settings() {
    for paper in SETTING {
        let text = text(paper);
        let wrong: Vec<&str> =
            settings_named(&text).into_iter().filter(|name| setting(name).is_none()).collect();
        assert!(wrong.is_empty(), "{paper} names settings that there are not: {wrong:?}");
    }
    assert!(settings_named(&text("docs/HARDENING.md")).len() >= 3, "the reader finds what is there");
}

#[test]
fn the_runbook_has_a_page_for_each_alarm_and_no_other() {
    let runbook = text(RUNBOOK);
    let pages = pages(&runbook);
    assert!(pages.len() > 10, "{} pages", pages.len());
    let mut wrong: Vec<String> = pages.iter().flat_map(|page| page.faults.clone()).collect();
    let server = server();
    let code = |text: &str| -> String {
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
    };
    let whole: String = server.iter().map(|(_, text)| code(text)).collect();
    for page in &pages {
        // One word is the name of a field or of a setting, which others hold.
        for alarm in quoted(&page.says).filter(|alarm| alarm.contains(' ')) {
            if !whole.contains(alarm) {
                wrong.push(format!("{}: nothing in server/src says `{alarm}`", page.title));
            }
        }
    }
    let told: BTreeSet<&str> = pages.iter().flat_map(|page| quoted(&page.says)).collect();
    for (file, source) in &server {
        let untold = alarms(source, "error").into_iter().filter(|alarm| !told.contains(alarm.as_str()));
        wrong.extend(untold.map(|alarm| format!("{file}: `{alarm}` has no page in {RUNBOOK}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_planted_bug_is_in_the_table_and_in_the_code() {
    let mut sources_of_all = Vec::new();
    for folder in ["server/src", "server/domain/src", "client-tui/src"] {
        sources(&root().join(folder), &mut sources_of_all);
    }
    let mut built_in = BTreeMap::new();
    for (file, source) in &sources_of_all {
        let file = Path::new(file).strip_prefix(root()).unwrap().display().to_string();
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        for call in code.flat_map(|line| line.split("planted!(\"").skip(1)) {
            let bug = call.split('"').next().unwrap_or("").to_owned();
            assert_eq!(built_in.insert(bug.clone(), file.clone()), None, "{bug} is planted twice");
        }
    }
    let rows = planted::table().unwrap();
    assert_eq!(rows.len(), planted::BUGS);
    let told: BTreeMap<String, String> = rows.iter().map(|it| (it.bug.clone(), it.site.clone())).collect();
    assert_eq!(told, built_in);
}

#[test]
fn every_crate_comes_from_the_one_registry() {
    for (name, version, source, pinned) in locked() {
        match source.as_deref() {
            None => assert!(name.starts_with("deadwax"), "{name} {version} comes from nowhere"),
            Some(from) => {
                assert_eq!(from, "registry+https://github.com/rust-lang/crates.io-index", "{name} {version}");
                assert!(pinned, "{name} {version} has no checksum");
            }
        }
    }
}

#[test]
fn what_deny_bans_is_not_in_the_lock() {
    let deny: toml::Table = text("deny.toml").parse().unwrap();
    let banned = deny["bans"]["deny"].as_array().unwrap();
    assert!(banned.len() >= 5, "{banned:?}");
    for ban in banned {
        let spec = ban["crate"].as_str().unwrap();
        for (name, version, ..) in locked() {
            assert!(!bans(spec, &name, &version).unwrap(), "{name} {version} is banned by {spec}");
        }
    }
}

#[test]
fn bans_are_read_as_cargo_deny_reads_them() {
    assert_eq!(bans("openssl", "openssl", "0.10.1"), Ok(true));
    assert_eq!(bans("openssl", "openssl-sys", "0.10.1"), Ok(false));
    assert_eq!(bans("h2:<0.4.20", "h2", "0.4.19"), Ok(true));
    assert_eq!(bans("h2:<0.4.20", "h2", "0.3.99"), Ok(true));
    assert_eq!(bans("h2:<0.4.20", "h2", "0.4.20"), Ok(false));
    assert_eq!(bans("h2@0.4.1", "h2", "0.4.1"), Ok(true));
    assert!(bans("h2@<0.4.20", "h2", "0.4.1").is_err(), "`@` takes one version and no range");
    assert!(bans("h2:>=0.4", "h2", "0.4.1").is_err());
}

/// A sheet that is whole: every row that is asked for, each with a good proof.
fn sound() -> String {
    let row = |(number, level): (String, char)| {
        let asked = level != '3' || CHOSEN.contains(&number.as_str());
        asked.then(|| format!("| {number} | {level} | something | met | `a/b.rs::c` |\n"))
    };
    let rows: String = required().into_iter().filter_map(row).collect();
    let count = "| level | rows | met | by construction | n/a | NOT MET |\n| --- | --- | --- | --- | --- | --- |\n\
                 | 1 | 61 | 61 | 0 | 0 | 0 |\n| 2 | 149 | 149 | 0 | 0 | 0 |\n| 3, chosen | 9 | 9 | 0 | 0 | 0 |\n| all | 219 | 219 | 0 | 0 | 0 |\n";
    format!("{count}\n| row | level | asks | verdict | proof |\n| --- | --- | --- | --- | --- |\n{rows}")
}

#[test]
fn a_sheet_with_a_bad_row_is_told() {
    assert_eq!(faults(&sound()), Vec::<String>::new());
    let good = "| 1.2.4 | 1 | something | met | `a/b.rs::c` |\n";
    let cases: [(&str, &str); 12] = [
        ("", "1.2.4: is missing"),
        ("| 1.2.4 | 2 | something | met | `a/b.rs::c` |\n", "1.2.4: is of level 1"),
        ("| 1.2.4 | 1 | | met | `a/b.rs::c` |\n", "1.2.4: does not say what it asks"),
        ("| 1.2.4 | 1 | something | done | `a/b.rs::c` |\n", "1.2.4: `done` is no verdict"),
        ("| 1.2.4 | 1 | something | met | we are careful with that |\n", "1.2.4: is met without a test"),
        ("| 1.2.4 | 1 | something | n/a | |\n", "1.2.4: has no reason"),
        ("| 1.2.4 | 1 | something | NOT MET | not yet done |\n", "1.2.4: does not say what is missing"),
        ("| 1.2.4 | 1 | something | met |\n", "4 cells instead of 5"),
        ("| 1.2.4 | 1 | something | by construction | it cannot be otherwise |\n", "the count says"),
        (
            "| 1.2.4 | 1 | a | met | `a/b.rs::c` |\n| 1.2.4 | 1 | a | met | `a/b.rs::c` |\n",
            "1.2.4: stands twice",
        ),
        (
            "| 1.2.4 | 1 | a | met | `a/b.rs::c` |\n| 1.9.9 | 1 | a | met | `a/b.rs::c` |\n",
            "1.9.9: no requirement",
        ),
        (
            "| 1.2.4 | 1 | a | met | `a/b.rs::c` |\n| 1.3.12 | 3 | a | met | `a/b.rs::c` |\n",
            "1.3.12: of level 3",
        ),
    ];
    for (bad, fault) in cases {
        assert!(sound().contains(good));
        let told = faults(&sound().replace(good, bad));
        assert!(told.iter().any(|it| it.contains(fault)), "{bad}: {told:?}");
    }
    let miscounted = sound().replace("| 2 | 149 |", "| 2 | 148 |");
    assert!(faults(&miscounted).iter().any(|it| it.contains("the count says")));
    assert_eq!(required().len(), 290);
}

#[test]
fn a_test_is_one_that_runs() {
    let source = "#[test]\nfn one() {}\n\n#[tokio::test(flavor = \"x\")]\n// Why.\n#[cfg(unix)]\nasync fn two() {}\n\nfn three() {}\n\n#[test]\n#[ignore = \"long\"]\nfn four() {}\n";
    let names = ["one", "two", "three", "four", "five", "on"];
    assert_eq!(names.map(|name| is_test(source, name)), [true, true, false, false, false, false]);
    let found = tests_named("see `a/b.rs::c_d`, `x::y` and `a.rs::b c`; `e.rs::f`");
    assert_eq!(found, [("a/b.rs", "c_d"), ("e.rs", "f")]);
}

#[test]
fn alarms_pages_and_settings_are_found_where_they_stand() {
    let source = "tracing::error!(%reason, \"it (is) \\\"so\\\"\");\n tracing::error!(\n what = f(\"x\"),\n \"the end\"\n);\n#[cfg(test)]\ntracing::error!(\"no\");";
    assert_eq!(alarms(source, "error"), ["it (is) \"so\"", "the end"]);
    assert_eq!(alarms(source, "warn"), Vec::<String>::new());
    let page = "# x\n\n## A\n\n- **Says**: `a b`\n- **Means**: m\n- **Do**: d\n- **Over when**: o\n\n## B\n\n- **Says**: `c d`\n- **Do**: \n";
    let found = pages(page);
    assert_eq!(found.iter().map(|it| it.faults.len()).collect::<Vec<_>>(), [0, 3]);
    let named = settings_named(
        "`limits.nothing`, `log.format = \"json\"`, `studio.toml`, `listen`, `a.b c`, `Media.X`",
    );
    assert_eq!(named, ["limits.nothing", "log.format", "a.b"]);
    assert!(setting("limits.nothing").is_none() && setting("log.format").is_some());
}
