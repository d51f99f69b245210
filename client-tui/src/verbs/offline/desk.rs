//! The desk around an offline master: references that are heard, steps left out, commands that inserts may run, and what each step did in
//! words. Never here: the render itself, names of outputs.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use deadwax_dsp::{
    processors::{
        insert::{Allowed, AllowedCommand},
        matching::{MatchSettings, Profile, Reference},
    },
    recipe::{Recipe, Step, Work},
    render::{Report, desk},
};

use crate::{cli::Master, verbs::VerbError};

fn wrong(error: &impl ToString) -> VerbError {
    VerbError::Usage(error.to_string())
}

/// Steps left out, and references heard: of a file that was given, or of one beside the recipe.
pub fn prepared(asked: &Master, mut recipe: Recipe) -> Result<Recipe, VerbError> {
    for title in &asked.bypass {
        desk::bypass(&mut recipe, title).map_err(|e| wrong(&e))?;
    }
    if let Some(title) = &asked.up_to {
        desk::up_to(&mut recipe, title).map_err(|e| wrong(&e))?;
    }
    let matches = recipe.steps.iter().any(|step| matches!(step.work, Work::Match(_)));
    if !matches && !asked.reference.is_empty() {
        let files = asked.reference.iter().map(|path| Reference::file(file_name(path)));
        recipe.steps.push(Step::new(Work::Match(MatchSettings::after(files.collect()))));
    }
    let unheard: Vec<String> = recipe.unheard_references().into_iter().map(ToOwned::to_owned).collect();
    let folder = asked.recipe.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
    for given in &asked.reference {
        if !unheard.iter().any(|name| belongs(given, name, unheard.len(), asked.reference.len())) {
            return Err(VerbError::Usage(format!(
                "the recipe has no reference {}; it asks for {}",
                file_name(given),
                if unheard.is_empty() { "none".to_owned() } else { unheard.join(", ") }
            )));
        }
    }
    let mut failed = None;
    let heard = recipe.with_references(&mut |name| {
        let given = asked
            .reference
            .iter()
            .find(|path| belongs(path, name, unheard.len(), asked.reference.len()))
            .cloned();
        let path = given.unwrap_or_else(|| folder.join(name));
        Profile::of_file(&path).inspect_err(|e| {
            failed = Some(format!("the reference {} could not be heard: {e}", path.display()));
        })
    });
    heard.map_err(|e| VerbError::Input(failed.unwrap_or_else(|| e.to_string())))
}

/// Whether a file that was given is the reference that the recipe calls so: by its name, or because there is but one of each.
fn belongs(given: &Path, name: &str, names: usize, files: usize) -> bool {
    let written = Path::new(name);
    given == written || given.file_name() == written.file_name() || (names == 1 && files == 1)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// `NAME=PROGRAM ARGUMENT ...`, split at spaces; no shell looks at it. A program without a path is looked up where the shell would find it.
pub fn allowed(asked: &[String]) -> Result<Allowed, VerbError> {
    let mut commands = BTreeMap::new();
    for one in asked {
        let (name, line) = one
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| VerbError::Usage(format!("{one:?} is not of the form NAME=COMMAND")))?;
        let mut words = line.split_whitespace();
        let program = words.next().ok_or_else(|| VerbError::Usage(format!("{one:?} names no program")))?;
        let program = found(program)
            .ok_or_else(|| VerbError::Usage(format!("there is no program {program} to be run")))?;
        let args: Vec<String> = words.map(ToOwned::to_owned).collect();
        let mut table = toml::Table::new();
        table.insert("program".into(), program.to_string_lossy().into_owned().into());
        table.insert("args".into(), args.into());
        let command: AllowedCommand = table.try_into().map_err(|e| wrong(&e))?;
        commands.insert(name.to_owned(), command);
    }
    Ok(Allowed { commands })
}

fn found(program: &str) -> Option<PathBuf> {
    let path = Path::new(program);
    if path.components().count() > 1 {
        return fs::canonicalize(path).ok();
    }
    let places = std::env::var_os("PATH")?;
    std::env::split_paths(&places).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Every step with its settings and what it did.
pub fn explained(report: &Report) -> String {
    let mut text = String::new();
    for step in &report.steps {
        let bypassed = if step.bypassed { " (bypassed)" } else { "" };
        text += &format!("\n{}{bypassed}", step.title);
        for line in step.lines() {
            text += &format!("\n    {line}");
        }
    }
    text
}

/// How well alternates add up to their main.
pub fn summed(report: &Report) -> String {
    let mut text = String::new();
    let left = |db: f64| if db == f64::NEG_INFINITY { "nothing".to_owned() } else { format!("{db:.1} dB") };
    for sum in &report.sums {
        text += &format!(
            "\n{} against main: the sources leave {}",
            sum.alternates.join(" + "),
            left(sum.sources_residual_db)
        );
        for file in &sum.files {
            text +=
                &format!(", {} at {} Hz leaves {}", file.encoding, file.sample_rate, left(file.residual_db));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_name_a_program_and_its_arguments() {
        let one = |text: &str| allowed(&[text.to_owned()]);
        let list = one("warm=sh -c {rate}").expect("a shell is everywhere");
        let command = &list.commands["warm"];
        assert!(command.program.is_absolute() && command.args == ["-c", "{rate}"]);
        assert!(one("warm").is_err() && one("=sh").is_err() && one("warm=").is_err());
        assert!(one("warm=no-such-program-anywhere").is_err());
    }

    #[test]
    fn a_reference_is_found_by_its_name_or_because_it_is_the_only_one() {
        assert!(belongs(Path::new("music/a.wav"), "a.wav", 2, 2));
        assert!(!belongs(Path::new("music/a.wav"), "b.wav", 2, 1));
        assert!(belongs(Path::new("music/a.wav"), "b.wav", 1, 1));
    }
}
