//! The modules of `server/page` as one script: each in a function of its own, in the order in which they need each other, comments and indents left out. Small on purpose:
//! imports and exports stand on one line each, and a test holds them to it. Never here: what a module does.

use super::schema::Schema;

/// A module after those that it takes from.
macro_rules! modules {
    ($($name:literal)*) => {
        const MODULES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../page/", $name, ".js")))),*];
    };
}

modules! {
    "codec" "sha" "net" "words" "rows" "keep" "ssh" "statement" "record" "fetch" "signer" "live" "mp3" "deck" "player" "dom" "wave" "outbox" "gateway" "home" "notes" "decide"
    "blind" "song" "album" "room" "main"
}

/// What services do to loudness: the one table of the house, which the terminal reads too.
const PLATFORMS: &str = include_str!("../../../client-tui/platforms/platforms.toml");

pub fn sources() -> Vec<(&'static str, &'static str)> {
    MODULES.to_vec()
}

/// All of it, begun with what the contract says.
pub fn script(schema: &Schema) -> String {
    let mut text = String::from("\"use strict\";\n(() => {\n");
    for (name, source) in MODULES {
        text += &module(name, source);
    }
    let schema = inline(&serde_json::to_string(schema).unwrap_or_default());
    text + &format!("m_main.start({schema}, {});\n}})();\n", inline(&platforms()))
}

/// JSON within a script within HTML: no sign in it may end either.
fn inline(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn platforms() -> String {
    let table: Option<toml::Table> = PLATFORMS.parse().ok();
    let list = table.and_then(|mut table| table.remove("platform"));
    list.and_then(|list| serde_json::to_string(&list).ok()).unwrap_or_else(|| "[]".to_owned())
}

fn module(name: &str, source: &str) -> String {
    let mut body = String::new();
    let mut exports = Vec::new();
    for line in source.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        if let Some(import) = line.strip_prefix("import ") {
            body += &taken(import).unwrap_or_else(|| line.to_owned());
        } else if let Some(rest) = line.strip_prefix("export ") {
            exports.extend(named(rest));
            body += rest;
        } else {
            body += line;
        }
        body.push('\n');
    }
    format!("const m_{name} = (() => {{\n{body}return {{ {} }};\n}})();\n", exports.join(", "))
}

/// `{ a, b } from './net.js';`
fn taken(import: &str) -> Option<String> {
    let (names, from) = import.split_once(" from ")?;
    let from = from.strip_prefix("'./")?.strip_suffix(".js';")?;
    Some(format!("const {names} = m_{from};"))
}

/// What `function name(`, `async function* name(`, `const name =` or `class Name` declares.
fn named(declaration: &str) -> Option<&str> {
    let words = ["async function* ", "async function ", "function* ", "function ", "const ", "class "];
    let rest = words.iter().find_map(|word| declaration.strip_prefix(word))?;
    rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next()
}

/// Without comments and indents.
pub fn style(source: &str) -> String {
    source.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_module_keeps_to_the_form_that_is_read_here() {
        let mut before = BTreeSet::new();
        for (name, source) in MODULES {
            assert!(source.starts_with("// "), "{name}.js does not say what it is");
            assert!(source.lines().count() <= 600, "{name}.js: two things live in one room");
            for line in source.lines() {
                let even = |sign| line.matches(sign).count() % 2 == 0;
                assert!(even('`'), "{name}.js: a text over several lines: {line}");
                let line = line.trim();
                if let Some(import) = line.strip_prefix("import ") {
                    assert!(taken(import).is_some(), "{name}.js: {line}");
                    let from = import.rsplit("'./").next().unwrap().trim_end_matches(".js';");
                    assert!(before.contains(from), "{name}.js takes from {from}.js, which comes later");
                    assert!(!import.contains(" as "), "{name}.js: {line}");
                }
                if let Some(rest) = line.strip_prefix("export ") {
                    assert!(named(rest).is_some_and(|name| !name.is_empty()), "{name}.js: {line}");
                }
                assert!(!line.contains("</script"), "{name}.js ends the script: {line}");
            }
            before.insert(*name);
        }
    }

    #[test]
    fn a_module_becomes_a_function_that_gives_what_it_exports() {
        let source = "// What it is.\nimport { a, b } from './net.js';\n\nexport async function* go(x) {\n  return x; // why\n}\nexport const N = 1;\nexport class Two {}\n";
        let made = module("one", source);
        let wanted = "const m_one = (() => {\nconst { a, b } = m_net;\nasync function* go(x) {\nreturn x; // why\n}\nconst N = 1;\nclass Two {}\nreturn { go, N, Two };\n})();\n";
        assert_eq!(made, wanted);
        assert_eq!(inline("\"</script>\""), "\"\\u003c/script>\"");
        assert!(platforms().contains("Spotify") && platforms().contains("target_lufs"));
    }
}
