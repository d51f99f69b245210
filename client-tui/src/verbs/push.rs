//! Upload a new version: hash, read the names, show the guess, upload what the server has not, then add the version in one command.

use std::{collections::BTreeMap, path::PathBuf};

use deadwax_proto::v1::{self, VersionKind, action::Action};
use serde_json::json;

use super::{
    Context, VerbError,
    house::{House, ask_allowed, kind_of_stage},
    json as row_json,
    out::Bar,
    words,
};
use crate::{
    cli::{Push, StageArg},
    name::{self, Guess, Kind},
    net::{Client, Local, new_id},
};

/// What will be sent as what.
struct Plan {
    song_id: String,
    song_title: String,
    kind: VersionKind,
    alternates: Vec<String>,
    /// Something was read from names and not said outright.
    guessed: bool,
    remarks: Vec<String>,
}

pub async fn push(c: &Context, push: Push) -> Result<(), VerbError> {
    let guesses: Vec<Guess> = push.files.iter().map(|f| name::parse(&f.to_string_lossy())).collect();
    if !push.alternate.is_empty() && push.alternate.len() != push.files.len() {
        return Err(VerbError::Usage(format!(
            "there are {} files and {} --alternate; give one for each file, in their order, or none",
            push.files.len(),
            push.alternate.len()
        )));
    }
    let client = c.client(&push.place.who).await?;
    let house = House::find(&client, push.place.project.as_deref()).await?;
    let mut plan = plan(&house, &push, &guesses)?;
    may_add(&house, &plan)?;
    let locals = hash_all(push.files.clone()).await?;
    match check_twins(&plan.alternates, &locals) {
        Err(_) if !twins_block(&house.project.preflight, plan.kind) => {
            plan.remarks
                .push("Two of the files are the same, byte for byte; this project only warns of it.".into());
        }
        outcome => outcome?,
    }
    show(c, &house, &plan, &locals, &guesses);
    if plan.guessed {
        c.out.confirm("Upload this?", push.yes).await?;
    }
    send(c, &client, &house, &plan, &locals, push).await
}

fn plan(house: &House, push: &Push, guesses: &[Guess]) -> Result<Plan, VerbError> {
    let mut guessed = false;
    let song = match &push.place.song {
        Some(wanted) => house.song(Some(wanted))?,
        None if house.songs.len() == 1 => &house.songs[0],
        None => {
            guessed = true;
            song_by_name(house, guesses)?
        }
    };
    let kind = match push.stage {
        Some(StageArg::Take) => VersionKind::Take,
        Some(StageArg::Mix) => VersionKind::Mix,
        Some(StageArg::Master) => VersionKind::Master,
        None => kind_of_stage(song.stage),
    };
    let mut remarks = contradictions(&song.title, kind, guesses);
    guessed |= !remarks.is_empty();
    let alternates = if push.alternate.is_empty() {
        guessed |= guesses.iter().any(|g| g.alternate != "main");
        remarks.extend(guesses.iter().flat_map(|g| g.doubts.iter().cloned()));
        guesses.iter().map(|g| g.alternate.clone()).collect()
    } else {
        push.alternate.clone()
    };
    check_alternates(&alternates)?;
    Ok(Plan {
        song_id: song.song_id.clone(),
        song_title: song.title.clone(),
        kind,
        alternates,
        guessed,
        remarks,
    })
}

/// Where the names of the files speak of another song or another kind of version than they are meant for. Sentences for a person.
pub fn contradictions(title: &str, kind: VersionKind, guesses: &[Guess]) -> Vec<String> {
    let mut remarks = Vec::new();
    let own = name::key(title);
    for guess in guesses {
        let keys = guess.title_keys();
        let fits = keys.iter().any(|k| k.contains(&own) || (k.len() >= 4 && own.starts_with(k.as_str())));
        if !keys.is_empty() && !own.is_empty() && !fits {
            remarks.push(format!("A name says {:?}, the song is {title:?}.", guess.title));
        }
    }
    for guess in guesses {
        let said = match guess.kind {
            Some(Kind::Take) => VersionKind::Take,
            Some(Kind::Mix) => VersionKind::Mix,
            Some(Kind::Master) => VersionKind::Master,
            None => continue,
        };
        if said != kind {
            remarks.push(format!(
                "A name says {}, this will be a {}.",
                words::kind(said as i32),
                words::kind(kind as i32)
            ));
        }
    }
    remarks
}

/// The server's own answer, before a byte is read or sent. What it does not say is left to it.
fn may_add(house: &House, plan: &Plan) -> Result<(), VerbError> {
    let song = house.songs.iter().find(|song| song.song_id == plan.song_id);
    let Some(song) = song else { return Ok(()) };
    ask_allowed(&song.allowed, "add_version")?;
    let due = kind_of_stage(song.stage);
    if due == plan.kind {
        return Ok(());
    }
    let (stage, due, asked) =
        (words::stage(song.stage), words::kind(due as i32), words::kind(plan.kind as i32));
    Err(VerbError::no(
        "WRONG_STAGE",
        format!("{} is in {stage}: it takes a {due}, not a {asked}. Nothing was sent.", plan.song_title),
        format!("Leave --stage away to add a {due}, or bring the song to the other stage first."),
    ))
}

/// What is wrong with what the files of a version are taken for.
#[derive(Debug, PartialEq, Eq)]
pub enum Unfit {
    NoWord(String),
    Twice(String),
    NoMain,
}

/// A version is a main with alternates, each once.
pub fn check_alternates(alternates: &[String]) -> Result<(), Unfit> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for token in alternates {
        if !name::is_token(token) {
            return Err(Unfit::NoWord(token.clone()));
        }
        *count.entry(token).or_default() += 1;
    }
    if let Some((token, _)) = count.iter().find(|(_, n)| **n > 1) {
        return Err(Unfit::Twice((*token).to_owned()));
    }
    if count.contains_key("main") { Ok(()) } else { Err(Unfit::NoMain) }
}

impl From<Unfit> for VerbError {
    fn from(unfit: Unfit) -> VerbError {
        VerbError::Usage(match unfit {
            Unfit::NoWord(token) => format!(
                "{token:?} is not an alternate; examples: main, vocal-up+0.5, vocal-down-1.0, instrumental, tv, a-cappella, clean, cut-30, stem-1"
            ),
            Unfit::Twice(token) => format!(
                "two files would be {token:?}; say which is which with --alternate, once for each file in their order"
            ),
            Unfit::NoMain => {
                "no file is the main mix; a version holds its main and the alternates together".into()
            }
        })
    }
}

fn song_by_name<'a>(house: &'a House, guesses: &[Guess]) -> Result<&'a v1::SongRow, VerbError> {
    let keys: Vec<String> = guesses.iter().flat_map(Guess::title_keys).collect();
    let fits = |s: &&v1::SongRow| {
        let own = name::key(&s.title);
        !own.is_empty() && keys.iter().any(|k| *k == own || k.ends_with(&own))
    };
    let mut found: Vec<&v1::SongRow> = house.songs.iter().filter(fits).collect();
    // "Night Drive" and "Drive": the longer title says more.
    found.sort_by_key(|s| std::cmp::Reverse(name::key(&s.title).len()));
    match found.as_slice() {
        [one] => Ok(one),
        [first, second, ..] if name::key(&first.title) != name::key(&second.title) => Ok(first),
        // Nothing fits: the same error, with the list, as for a song not named.
        _ => house.song(None),
    }
}

/// Hashing is the disk's and the processor's work: kept off the threads that talk to the server.
async fn hash_all(files: Vec<PathBuf>) -> Result<Vec<Local>, VerbError> {
    let hashing = tokio::task::spawn_blocking(move || {
        files
            .iter()
            .map(|path| {
                let total = std::fs::metadata(path).map_or(0, |m| m.len());
                let bar = Bar::bytes(&format!("hash {}", path.display()), total);
                let local = Local::open(path, |done| bar.set(done))?;
                if local.bytes == 0 {
                    let shown = crate::scrub::line(&path.to_string_lossy());
                    return Err(VerbError::Input(format!("{shown} is empty")));
                }
                Ok(local)
            })
            .collect::<Result<Vec<_>, VerbError>>()
    });
    hashing.await.map_err(|_| VerbError::Input("hashing was cut short".into()))?
}

/// Whether the project's preflight keeps a gate shut over it. Where the project says nothing of it nothing is sent either: an upload is long.
pub fn twins_block(rules: &[v1::PreflightRule], kind: VersionKind) -> bool {
    let rule = rules.iter().find(|it| it.code == "SAME_AS_MAIN" && it.kind() == kind);
    rule.is_none_or(|it| !matches!(it.severity(), v1::Severity::Warn | v1::Severity::Off))
}

/// The same bytes under two names are a bounce that went wrong.
pub fn check_twins(alternates: &[String], locals: &[Local]) -> Result<(), VerbError> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for (local, alternate) in locals.iter().zip(alternates) {
        if let Some(other) = seen.insert(&local.sha256, alternate) {
            return Err(VerbError::Input(format!(
                "{other} and {alternate} are the same file byte for byte; one of them is the wrong bounce"
            )));
        }
    }
    Ok(())
}

fn show(c: &Context, house: &House, plan: &Plan, locals: &[Local], guesses: &[Guess]) {
    let mut text =
        format!("{} / {}: a new {}", house.project.title, plan.song_title, words::kind(plan.kind as i32));
    for ((local, alternate), guess) in locals.iter().zip(&plan.alternates).zip(guesses) {
        let sure = (guess.confidence * 100.0).round();
        text += &format!(
            "\n  {alternate:<18} {}  {} bytes, name read with {sure} % confidence",
            local.name, local.bytes
        );
    }
    for remark in &plan.remarks {
        text += &format!("\n  note: {remark}");
    }
    c.out.aside(&text);
}

async fn send(
    c: &Context,
    client: &Client,
    house: &House,
    plan: &Plan,
    locals: &[Local],
    push: Push,
) -> Result<(), VerbError> {
    let project_id = &house.project.project_id;
    for local in locals {
        let bar = Bar::bytes(&local.name, local.bytes);
        let facts = client.upload(project_id, local, move |done| bar.set(done)).await?;
        c.out.aside(&format!(
            "{}: {} LUFS, {} dBTP, {}",
            local.name,
            words::level(facts.integrated_lufs),
            words::level(facts.true_peak_dbtp),
            words::clock(words::length_s(&facts))
        ));
    }
    let version_id = new_id();
    let files = locals.iter().zip(&plan.alternates).map(|(local, alternate)| v1::NewFile {
        alternate: alternate.clone(),
        sha256: local.sha256.clone(),
        name: local.name.clone(),
    });
    let action = Action::AddVersion(v1::AddVersion {
        version_id: version_id.clone(),
        song_id: plan.song_id.clone(),
        kind: plan.kind as i32,
        title: push.title,
        changelog: push.note,
        files: files.collect(),
    });
    let done = client.perform(project_id, action).await?;
    let after = House::fetch(client, project_id).await?;
    let row = after.version_by_id(&version_id);
    let more = json!({ "version_id": version_id, "version": row.map(row_json::version) });
    c.tell(&done, more)?;
    if let Some(row) = row {
        c.out.text(&format!(
            "{} of {}, fingerprint {}",
            words::version(row),
            plan.song_title,
            words::short(&row.fingerprint)
        ))?;
        for finding in &row.preflight {
            let weight = if finding.block { "blocks" } else { "warning" };
            c.out.text(&format!("  {weight}: {} ({})", finding.text, finding.alternate))?;
            if !finding.mend.is_empty() {
                c.out.text(&format!("    {}", finding.mend))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn house() -> House {
        let song = |id: &str, title: &str| v1::SongRow {
            song_id: id.into(),
            title: title.into(),
            stage: v1::Stage::Mixing as i32,
            ..v1::SongRow::default()
        };
        House { songs: vec![song("s1", "Night Drive"), song("s2", "Lamps")], ..House::default() }
    }

    fn planned(args: &[&str]) -> Result<Plan, VerbError> {
        let cli = crate::cli::Cli::try_parse_from([&["deadwax", "push"], args].concat()).unwrap();
        let Some(crate::cli::Verb::Push(push)) = cli.verb else { panic!() };
        let guesses: Vec<Guess> = push.files.iter().map(|f| name::parse(&f.to_string_lossy())).collect();
        plan(&house(), &push, &guesses)
    }

    #[test]
    fn song_and_alternates_are_read_from_names() {
        let plan = planned(&[
            "Ana_NightDrive_Main_v02.wav",
            "Ana_NightDrive_VocUp05_v02.wav",
            "x/NightDrive_Inst.wav",
        ])
        .unwrap();
        assert_eq!(plan.song_id, "s1");
        assert_eq!(plan.alternates, ["main", "vocal-up+0.5", "instrumental"]);
        assert!(plan.guessed && plan.kind == VersionKind::Mix);
    }

    #[test]
    fn what_is_said_outright_is_not_asked_again() {
        let plan = planned(&["Lamps.wav", "--song", "lamps"]).unwrap();
        assert!(!plan.guessed && plan.song_id == "s2");
        let plan = planned(&["take.wav", "--song", "s2", "--alternate", "main", "--stage", "take"]).unwrap();
        assert_eq!(plan.kind, VersionKind::Take);
    }

    #[test]
    fn a_name_that_speaks_of_another_song_is_remarked() {
        let plan = planned(&["NightDrive_mix2.wav", "--song", "lamps"]).unwrap();
        assert!(plan.guessed && plan.remarks.iter().any(|r| r.contains("Night Drive")), "{:?}", plan.remarks);
    }

    #[test]
    fn sets_that_cannot_be_a_version_are_refused_before_any_byte_is_sent() {
        for args in [
            &["NightDrive_Inst.wav"][..],
            &["NightDrive.wav", "NightDrive_v2.wav"],
            &["NightDrive.wav", "--alternate", "loudest"],
            &["Nobody.wav"],
        ] {
            assert_eq!(planned(args).map(|p| p.alternates).unwrap_err().exit_code(), 2, "{args:?}");
        }
    }
}
