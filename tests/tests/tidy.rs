//! The house keeps its own rules: who may import whom, how long a file may grow, which paths the docs may name. Goal: a rule that is
//! written down is a rule that is checked. Method: read the tree as text.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests crate lies in the workspace").to_owned()
}

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with(".git") {
                files(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    files(&root(), ".rs", &mut found);
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).expect("found below the root").display().to_string();
            (name, fs::read_to_string(&path).expect("readable source"))
        })
        .collect()
}

fn dependencies(manifest: &str, table: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(manifest)).expect("a manifest");
    text.split(&format!("[{table}]"))
        .nth(1)
        .unwrap_or("")
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', '=', ' ']).next())
        .filter(|name| !name.is_empty() && !name.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_domain_depends_on_nothing_that_does_io() {
    assert_eq!(
        dependencies("server/domain/Cargo.toml", "dependencies"),
        BTreeSet::from(["sha2", "thiserror"].map(str::to_owned))
    );
}

#[test]
fn rooms_import_only_what_they_may() {
    let forbidden: &[(&str, &[&str])] = &[
        (
            "proto/Cargo.toml",
            &["deadwax-domain", "deadwax-server", "deadwax-client", "deadwax-dsp", "tokio", "sled"],
        ),
        ("dsp/Cargo.toml", &["deadwax-domain", "deadwax-proto", "deadwax-server", "tokio", "tonic", "prost"]),
        ("client-tui/Cargo.toml", &["deadwax-domain", "deadwax-server", "sled"]),
        ("server/Cargo.toml", &["deadwax-client", "ratatui", "crossterm"]),
    ];
    for (manifest, never) in forbidden {
        let has = dependencies(manifest, "dependencies");
        for name in *never {
            assert!(!has.contains(*name), "{manifest} must not depend on {name}");
        }
    }
}

#[test]
fn inside_each_crate_the_modules_keep_to_their_own() {
    let rules: &[(&str, &[&str])] = &[
        (
            "server/src/store/",
            &["deadwax_proto", "deadwax_domain", "crate::wire", "crate::ledger", "crate::rpc"],
        ),
        ("server/src/blob", &["deadwax_proto", "crate::wire", "crate::ledger", "crate::rpc"]),
        ("server/src/wire/", &["tokio::fs", "std::fs", "crate::store::Store"]),
        ("server/src/rpc/", &["sled::", "deadwax_domain::decide"]),
        ("server/domain/src/", &["std::fs", "std::net", "SystemTime", "Instant", "println!", "async fn"]),
        ("dsp/src/", &["async fn", "std::net"]),
        ("client-tui/src/tui/draw", &["tokio::", "std::fs", ".await"]),
        ("client-tui/src/tui/update", &["tokio::", "std::fs", ".await"]),
    ];
    for (name, text) in sources() {
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        let code: String =
            code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for (place, never) in rules.iter().filter(|(place, _)| name.starts_with(place)) {
            for word in *never {
                assert!(!code.contains(word), "{name}: {word} must not appear in {place}");
            }
        }
    }
}

/// One flat list with an entry for each word of the contract: longer with every new word, and never harder to read.
const TABLES: [(&str, &str); 6] = [
    ("server/src/wire/action.rs", "command"),
    ("server/src/wire/ledger/read.rs", "fact"),
    ("server/src/wire/ledger/write.rs", "what"),
    ("server/src/wire/ledger/review.rs", "fact"),
    ("tests/tests/handoff.rs", "server_and_client_call_a_file_the_same"),
    ("server/tests/golden.rs", "every"),
];

#[test]
fn files_and_functions_stay_small() {
    let mut large = Vec::new();
    for (name, text) in sources() {
        let lines = text.lines().count();
        if lines > 640 {
            large.push(format!("{name} has {lines} lines: two things live in one room"));
        }
        let table = |function: &str| TABLES.contains(&(name.as_str(), function));
        let long = functions(&text).into_iter().filter(|(function, length)| *length > 80 && !table(function));
        large.extend(long.map(|(function, length)| format!("{name}: fn {function} has {length} lines")));
    }
    assert!(large.is_empty(), "{}", large.join("\n"));
}

/// Functions by their indentation: rustfmt closes a function at the column where it began.
fn functions(text: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let Some(at) = body.find("fn ").filter(|at| body[..*at].split(' ').all(qualifies_fn)) else {
            continue;
        };
        let close = format!("{}}}", &line[..line.len() - body.len()]);
        let name = body[at + 3..].split(['(', '<']).next().unwrap_or("").to_owned();
        // A macro's `fn $name` is not a function yet.
        if let Some(length) =
            lines[start..].iter().position(|line| **line == close).filter(|_| !name.starts_with('$'))
        {
            found.push((name, length + 1));
        }
    }
    found
}

fn qualifies_fn(word: &str) -> bool {
    word.is_empty() || word.starts_with("pub") || ["async", "const"].contains(&word)
}

#[test]
fn every_source_file_says_what_it_is() {
    for (name, text) in sources() {
        assert!(text.starts_with("//!"), "{name} does not open with a //! line");
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace manifest");
    let table = manifest.split("[workspace.dependencies]").nth(1).expect("one dependency table");
    for line in table.lines().skip(1).take_while(|line| !line.starts_with('[')) {
        if line.contains('=') && !line.contains("path = ") {
            assert!(line.contains(" # "), "no reason beside: {line}");
        }
    }
}

#[test]
fn paths_named_in_the_docs_exist() {
    let review = ["README.md", "ARCHITECTURE.md", "docs/DSP.md", "docs/REVIEW.md"];
    let trust = [
        "SECURITY.md",
        "docs/HARDENING.md",
        "docs/ASVS.md",
        "docs/RUNBOOK.md",
        "docs/OPERATIONS.md",
        "docs/PLANTED.md",
    ];
    for doc in review.into_iter().chain(trust) {
        let text = fs::read_to_string(root().join(doc)).expect("a document");
        let quoted = text.split('`').skip(1).step_by(2);
        for path in quoted.filter(|quoted| is_path(quoted)) {
            // What stands behind `::` is a test, which papers.rs looks for.
            let path = path.split("::").next().unwrap_or(path);
            assert!(root().join(path).exists(), "{doc} names {path}, which does not exist");
        }
    }
}

/// A quoted word that begins with one of our folders.
fn is_path(word: &str) -> bool {
    ["server/", "client-tui/", "dsp/", "proto/", "tests/", "docs/", "packaging/", ".ci/", ".cargo/"]
        .iter()
        .any(|folder| word.starts_with(folder))
        && !word.contains([' ', '*', '<', '{'])
}

#[test]
fn nothing_is_left_open() {
    let words =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("unimplemented", "!(")];
    for (name, text) in sources() {
        for word in words {
            assert!(!text.contains(word), "{name} contains {word}");
        }
    }
}
