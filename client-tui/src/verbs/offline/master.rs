//! `master`: the same render that the server runs, on files of one's own. Everything is made in a folder beside the output and gets its
//! name at the end: a stop or an error leaves nothing behind.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::Ordering,
};

use deadwax_dsp::{
    DspError, Flow,
    recipe::Recipe,
    render::{Alternate, Job, Report, Role, run},
    sheet::Sheet,
    write::Encoding,
};
use serde_json::{Value, json};

use super::{code, desk, stop_flag};
use crate::{
    cli::Master,
    name,
    verbs::{Context, VerbError, out::Bar, paper, words},
};

/// Without a recipe: gain, limiter and target only.
const PLAIN: &str = "name = \"command-line\"\ntarget_lufs = -14.0\nceiling_dbtp = -1.0\n\n[limiter]\n";

/// Every format that can be asked for.
fn all_formats() -> String {
    Encoding::ALL.map(Encoding::token).join(", ")
}

/// The format that the ending of an output stands for, where none was asked.
fn format_of_ending(ending: &str) -> Option<Encoding> {
    match ending {
        "wav" | "wave" | "bwf" | "" => Some(Encoding::Wav24),
        "aif" | "aiff" => Some(Encoding::Aiff24),
        "flac" => Some(Encoding::Flac24),
        "mp3" => Some(Encoding::Mp3_320),
        "opus" => Some(Encoding::Opus160),
        _ => None,
    }
}

pub fn master(c: &Context, asked: &Master) -> Result<(), VerbError> {
    let recipe = desk::prepared(asked, recipe_of(asked)?)?;
    let (folder, stem) = target_of(asked)?;
    let alternates = alternates_of(asked)?;
    check_ending(asked, &recipe)?;
    asked.report.as_deref().map(paper::must_be_drawable).transpose()?;
    check_targets(asked, &recipe, &alternates, &folder, &stem)?;
    let room = tempfile::Builder::new()
        .prefix(".deadwax-")
        .tempdir_in(&folder)
        .map_err(|e| VerbError::Input(format!("{} cannot be written to: {e}", folder.display())))?;
    let job = Job {
        sums: name::sums(alternates.iter().map(|a| a.token.as_str())),
        alternates,
        explain: asked.explain || asked.report.is_some(),
        write_steps: asked.write_steps.clone(),
        allowed: desk::allowed(&asked.allow_insert)?,
        ..Job::new(asked.input.clone(), recipe, room.path().to_owned(), stem.clone())
    };
    let stop = stop_flag()?;
    let bar = Bar::share("master");
    let mut report = run(&job, &mut |progress| {
        bar.step(&progress.step, progress.fraction);
        if stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Go }
    })
    .map_err(fault)?;
    drop(bar);
    let placed = place(asked, &report, room.path(), &folder)?;
    called_as_placed(&mut report, &placed);
    if let Some((path, sheet)) = asked.report.as_ref().zip(report.sheet.as_deref()) {
        let song = asked.input.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        paper::write(&Sheet { title: song, ..sheet.clone() }, path)?;
    }
    tell(c, asked, &report, &placed)
}

fn fault(error: DspError) -> VerbError {
    match error {
        DspError::Stopped => VerbError::no("STOPPED", "Stopped; nothing was written.", ""),
        DspError::Invalid(what) => VerbError::Usage(what),
        other => VerbError::Input(format!("{other} ({})", code(&other))),
    }
}

/// The recipe of the file or the plain one, with what the flags say put over it.
fn recipe_of(asked: &Master) -> Result<Recipe, VerbError> {
    let text = match &asked.recipe {
        Some(path) => fs::read_to_string(path)
            .map_err(|e| VerbError::Input(format!("the recipe {} could not be read: {e}", path.display())))?,
        None => PLAIN.to_owned(),
    };
    // Read as it stands first: an error names the line of the person's own file.
    let own = Recipe::parse(&text).map_err(|e| VerbError::Input(e.to_string()))?;
    let mut table: toml::Table = toml::from_str(&own.canonical_toml())
        .map_err(|e| VerbError::Input(format!("the recipe could not be read again: {}", e.message())))?;
    if let Some(target) = asked.target_lufs {
        table.insert("target_lufs".into(), target.into());
    }
    if let Some(ceiling) = asked.ceiling_dbtp {
        table.insert("ceiling_dbtp".into(), ceiling.into());
    }
    if let Some(outputs) = outputs_of(asked, &table)? {
        table.insert("output".into(), outputs.into());
    }
    let text = toml::to_string(&table).map_err(|e| VerbError::Usage(e.to_string()))?;
    Recipe::parse(&text).map_err(|e| match e {
        DspError::Recipe { what, .. } => VerbError::Usage(what),
        other => VerbError::Usage(other.to_string()),
    })
}

/// The formats asked; where none was: the recipe's own, or without a recipe the one that the output's ending names.
fn outputs_of(asked: &Master, table: &toml::Table) -> Result<Option<Vec<toml::Value>>, VerbError> {
    let formats: Vec<String> = if !asked.format.is_empty() {
        asked.format.iter().map(|f| f.to_ascii_lowercase()).collect()
    } else if asked.recipe.is_some() {
        let Some(rate) = asked.rate else { return Ok(None) };
        let own = table.get("output").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        let with_rate = own.into_iter().map(|mut output| {
            if let Some(output) = output.as_table_mut() {
                output.insert("rate".into(), i64::from(rate).into());
            }
            output
        });
        return Ok(Some(with_rate.collect()));
    } else {
        let ending = asked.output.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let format = format_of_ending(&ending).ok_or_else(|| {
            VerbError::Usage(format!("{ending:?} cannot be written here; the formats are {}", all_formats()))
        })?;
        vec![format.token().to_owned()]
    };
    let mut outputs = Vec::new();
    for format in formats {
        // Said plainly or by its best kind: mp3 is 320 kbit/s.
        let format = if format == "mp3" { Encoding::Mp3_320.token().to_owned() } else { format };
        if format.parse::<Encoding>().is_err() {
            return Err(VerbError::Usage(format!(
                "there is no format {format:?}; there are {}",
                all_formats()
            )));
        }
        let mut output = toml::Table::new();
        output.insert("encoding".into(), format.into());
        if let Some(rate) = asked.rate {
            output.insert("rate".into(), i64::from(rate).into());
        }
        outputs.push(toml::Value::Table(output));
    }
    Ok(Some(outputs))
}

/// The folder and the stem of the output.
fn target_of(asked: &Master) -> Result<(PathBuf, String), VerbError> {
    let shown = asked.output.display();
    let stem = asked
        .output
        .file_stem()
        .and_then(|s| s.to_str())
        .filter(|s| !s.is_empty() && !s.starts_with('.'))
        .ok_or_else(|| VerbError::Usage(format!("{shown} cannot be the name of an output")))?;
    let folder = match asked.output.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    if !folder.is_dir() {
        return Err(VerbError::Usage(format!("there is no folder {}", folder.display())));
    }
    Ok((folder, stem.to_owned()))
}

/// One format goes under the name asked, and then the name may not tell of another one.
fn check_ending(asked: &Master, recipe: &Recipe) -> Result<(), VerbError> {
    let [only] = recipe.outputs.as_slice() else { return Ok(()) };
    let ending = asked.output.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let token = only.encoding.token();
    let named = format_of_ending(&ending).map(Encoding::extension);
    let fits = named == Some(only.encoding.extension());
    if fits {
        return Ok(());
    }
    let shown = asked.output.display();
    Err(VerbError::Usage(format!("{shown} would hold {token}; name it so, or ask for another --format")))
}

/// Before anything is rendered: no output may land on an input or on a folder. The rate in a name is known only later, so every file there
/// that some rate would name counts.
fn check_targets(
    asked: &Master,
    recipe: &Recipe,
    alternates: &[Alternate],
    folder: &Path,
    stem: &str,
) -> Result<(), VerbError> {
    let mut prefixes = Vec::new();
    for output in &recipe.outputs {
        let token = output.encoding.token();
        if recipe.outputs.len() > 1 {
            prefixes.push(format!("{stem}_{token}_"));
        }
        prefixes.extend(alternates.iter().map(|a| format!("{stem}_{}_{token}_", a.token)));
    }
    let inputs: Vec<PathBuf> =
        asked.alternate.iter().chain([&asked.input]).filter_map(|path| fs::canonicalize(path).ok()).collect();
    let mut targets = Vec::new();
    if recipe.outputs.len() == 1 {
        targets.push(asked.output.clone());
    }
    let unread = |e| VerbError::Input(format!("{} could not be read: {e}", folder.display()));
    for entry in fs::read_dir(folder).map_err(unread)? {
        let name = entry.map_err(unread)?.file_name();
        if name.to_str().is_some_and(|name| prefixes.iter().any(|prefix| is_derived(name, prefix))) {
            targets.push(folder.join(name));
        }
    }
    for target in targets {
        let shown = target.display();
        if target.is_dir() {
            return Err(VerbError::Usage(format!("{shown} is a folder; name another output")));
        }
        if fs::canonicalize(&target).is_ok_and(|real| inputs.contains(&real)) {
            return Err(VerbError::Usage(format!(
                "{shown} is one of the inputs and would be overwritten; name another output"
            )));
        }
    }
    Ok(())
}

/// `PREFIX48000.wav`, in whatever case: some disks do not tell the difference.
fn is_derived(name: &str, prefix: &str) -> bool {
    let (name, prefix) = (name.to_lowercase(), prefix.to_lowercase());
    let rest = name.strip_prefix(&prefix).and_then(|rest| rest.split_once('.'));
    rest.is_some_and(|(rate, ending)| {
        // Behind the rate an output's own level may stand: 48000_-9LUFS_-1.5dBTP.
        let rate = rate.split('_').next().unwrap_or_default();
        let ending = ending.rsplit('.').next().unwrap_or_default();
        let known = Encoding::ALL.iter().any(|encoding| encoding.extension() == ending);
        !rate.is_empty() && rate.bytes().all(|b| b.is_ascii_digit()) && known
    })
}

/// Which alternate a file is, by its name; one that tells nothing keeps its own name.
fn alternates_of(asked: &Master) -> Result<Vec<Alternate>, VerbError> {
    let mut all: Vec<Alternate> = Vec::new();
    for path in &asked.alternate {
        let guess = name::parse(&path.to_string_lossy());
        let token = if guess.alternate == "main" {
            path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
        } else {
            guess.alternate
        };
        if all.iter().any(|known| known.token == token) {
            return Err(VerbError::Usage(format!("two files would be {token}; rename one of them")));
        }
        all.push(Alternate { role: role_of(&token), token, path: path.clone() });
    }
    Ok(all)
}

/// What an alternate is to its main, by its token.
fn role_of(token: &str) -> Role {
    match name::kin(token) {
        name::Kin::Part => Role::Part,
        name::Kin::Whole => Role::Whole,
        name::Kin::Edit => Role::Edit,
    }
}

/// Gives every file its name: one format goes under the name asked, more keep the render's endings. Answers names in the report's order.
fn place(asked: &Master, report: &Report, room: &Path, folder: &Path) -> Result<Vec<PathBuf>, VerbError> {
    let mains = report.outputs.iter().filter(|o| o.alternate == "main").count();
    let mut placed: Vec<PathBuf> = Vec::new();
    for output in &report.outputs {
        let target = if output.alternate == "main" && mains == 1 {
            asked.output.clone()
        } else {
            folder.join(&output.file)
        };
        if let Err(e) = fs::rename(room.join(&output.file), &target) {
            // A part of the result would look like the whole.
            for done in &placed {
                drop(fs::remove_file(done));
            }
            return Err(VerbError::Input(format!("{} could not be named: {e}", target.display())));
        }
        placed.push(target);
    }
    Ok(placed)
}

/// One format goes under the name that was asked: sums and sheet must not speak of a file that is not there.
fn called_as_placed(report: &mut Report, placed: &[PathBuf]) {
    for (output, path) in report.outputs.iter().zip(placed) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let rename = |file: &mut String| {
            if *file == output.file {
                file.clone_from(&name);
            }
        };
        report.sums.iter_mut().flat_map(|sum| &mut sum.files).for_each(|it| rename(&mut it.file));
        if let Some(sheet) = report.sheet.as_deref_mut() {
            sheet.outputs.iter_mut().for_each(|it| rename(&mut it.file));
            rename(&mut sheet.after.file);
        }
    }
}

fn tell(c: &Context, asked: &Master, report: &Report, placed: &[PathBuf]) -> Result<(), VerbError> {
    let mut value = serde_json::from_str::<Value>(&report.to_json()).unwrap_or(Value::Null);
    if let Some(outputs) = value.get_mut("outputs").and_then(Value::as_array_mut) {
        for (output, path) in outputs.iter_mut().zip(placed) {
            output["file"] = json!(path.to_string_lossy());
        }
        // The result's own figures stand on top, under the keys of `measure`.
        if let Some(Value::Object(mut top)) = outputs.first().cloned() {
            if let Some(rest) = value.as_object() {
                top.extend(rest.clone());
            }
            value = Value::Object(top);
        }
    }
    let target = report.target_lufs.map_or("no target".to_owned(), |t| format!("target {t:.1} LUFS"));
    let mut text = format!(
        "{target}, ceiling {:.1} dBTP, {}; gain {:+.1} dB, limiter at most {:.1} dB",
        report.ceiling_dbtp,
        if report.reached { "reached" } else { "not reached" },
        report.gain_db,
        report.max_gain_reduction_db
    );
    if let Some(reason) = &report.reason {
        text += &format!("\n{reason}");
    }
    for (output, path) in report.outputs.iter().zip(placed) {
        text += &format!(
            "\n{}  {} LUFS, {} dBTP  {}",
            path.display(),
            words::level(output.measurement.integrated_lufs),
            words::level(output.measurement.true_peak_dbtp),
            words::short(&output.sha256)
        );
    }
    text += &desk::summed(report);
    if asked.explain {
        text += &desk::explained(report);
    }
    for warning in &report.warnings {
        c.out.aside(&format!("warning: {warning}"));
    }
    c.out.both(&text, &value)?;
    // The files are there; whether they are what was asked for is the answer.
    if report.reached { Ok(()) } else { Err(VerbError::Said(1)) }
}
