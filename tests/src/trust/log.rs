//! What a whole run of the tests told: `cargo test` with `--show-output` and `DEADWAX_TEST_TRUST=quick`, so that nothing is run twice in the gate. Only of
//! programs that ended well: what is told by one that failed proves nothing. Never here: what a gate makes of it.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

/// Empty where nothing was run.
#[derive(Default)]
pub struct Log {
    programs: Vec<Program>,
}

/// One program of tests.
struct Program {
    /// A file of `tests/`, or `None`: the tests within a library.
    file: Option<String>,
    /// The tests by their paths, with what each said.
    tests: Vec<(String, String)>,
}

impl Log {
    /// # Errors
    /// Where there is no such file.
    pub fn read(path: &Path) -> Result<Log> {
        let bytes =
            fs::read(path).with_context(|| format!("read the log of the tests, {}", path.display()))?;
        Ok(Log::of_text(&String::from_utf8_lossy(&bytes)))
    }

    fn of_text(text: &str) -> Log {
        let mut programs = Vec::new();
        let (mut open, mut within): (Option<Program>, Option<(String, String)>) = (None, None);
        for line in text.lines() {
            if let Some(program) = begins(line) {
                (open, within) = (program, None);
            } else if let Some(name) =
                line.strip_prefix("---- ").and_then(|it| it.strip_suffix(" stdout ----"))
            {
                let before = within.replace((name.to_owned(), String::new()));
                open.iter_mut().for_each(|it| it.tests.extend(before.clone()));
            } else if line.starts_with("test result: ") {
                if let Some(mut program) = open.take()
                    && line.starts_with("test result: ok. ")
                {
                    program.tests.extend(within.take());
                    programs.push(program);
                }
            } else if let Some((_, said)) = &mut within {
                *said += line;
                said.push('\n');
            }
        }
        Log { programs }
    }

    /// What those tests of `file` said whose paths hold `name`; `None` where none was run to a good end.
    pub fn of(&self, file: Option<&str>, name: &str) -> Option<String> {
        let programs = self.programs.iter().filter(|it| it.file.as_deref() == file);
        let tests = programs.flat_map(|it| &it.tests).filter(|(path, _)| path.contains(name));
        let said: Vec<&str> = tests.map(|(_, said)| said.as_str()).collect();
        (!said.is_empty()).then(|| said.concat())
    }
}

/// Cargo's word before a program of tests: `     Running tests/keep/main.rs (target/debug/deps/keep-0a1b)`; inner `None`: a program whose tests nobody asks for.
fn begins(line: &str) -> Option<Option<Program>> {
    let what = line.trim_start();
    if what.starts_with("Doc-tests ") {
        return Some(None);
    }
    let (path, _) = what.strip_prefix("Running ")?.rsplit_once(" (")?;
    let file = match path.strip_prefix("unittests ") {
        Some(within) if within.ends_with("lib.rs") => None,
        Some(_) => return Some(None),
        None => path.strip_prefix("tests/")?.split(['/', '.']).next().map(str::to_owned),
    };
    Some(Some(Program { file, tests: Vec::new() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "   Compiling x\n     Running unittests src/lib.rs (target/debug/deps/x-1)\n\nrunning 1 test\ntest disk::trial::tail::cuts ... ok\n\n\
        successes:\n\n---- disk::trial::tail::cuts stdout ----\n#gate TAIL held 4 bits\n\n\nsuccesses:\n    disk::trial::tail::cuts\n\n\
        test result: ok. 1 passed; 0 failed\n\n     Running unittests src/main.rs (target/debug/deps/y-2)\ntest result: ok. 0 passed\n\n     \
        Running tests/keep/main.rs (target/debug/deps/keep-3)\n\nsuccesses:\n\n---- flips::one stdout ----\n#gate G4 held 300 flips\n\n\
        ---- drills::two stdout ----\n#gate G11 held 5 drills\n#gate G4 held never\n\nsuccesses:\n    flips::one\n\ntest result: ok. 2 passed\n\n     \
        Running tests/door.rs (target/debug/deps/door-4)\n\n---- grown stdout ----\n#gate AGE held 3 cuts\nfailures:\n    other\n\ntest result: FAILED. 1 passed; 1 failed\n";

    #[test]
    fn a_test_is_found_by_its_program_and_its_path() {
        let log = Log::of_text(TEXT);
        assert!(log.of(None, "disk::trial::tail").unwrap().contains("#gate TAIL held 4 bits"));
        let flips = log.of(Some("keep"), "flips::").unwrap();
        assert!(flips.contains("#gate G4 held 300 flips") && !flips.contains("never"), "{flips}");
        assert!(log.of(Some("keep"), "").unwrap().contains("#gate G11"));
        assert_eq!(log.of(None, "flips::"), None);
        assert_eq!(log.of(Some("keep"), "travel::"), None);
    }

    #[test]
    fn a_program_that_failed_has_told_nothing() {
        let log = Log::of_text(TEXT);
        assert_eq!(log.of(Some("door"), "grown"), None);
        let cut = TEXT.split("test result: ok. 2").next().unwrap();
        assert_eq!(Log::of_text(cut).of(Some("keep"), "flips::"), None, "it never came to its end");
    }
}
