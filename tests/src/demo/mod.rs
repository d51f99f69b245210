//! `cargo demo`: the main job by one command, on a real server in a process of its own, by the verbs that people type. `mixing`, `mastering` and
//! `ending` are the steps; tests walk the same ones. Never here: rules of the studio, a way into the server's memory.

pub mod cast;
mod desk;
pub mod ending;
mod guest;
mod interactive;
pub mod mastering;
mod material;
pub mod mixing;
mod print;
mod recording;
mod several;
pub(crate) mod sound;
pub mod studio;
pub mod watcher;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use self::recording::Recording;
pub use self::{cast::Cast, material::Material, print::Log, studio::Studio, watcher::Watcher};
use crate::song;

/// How the main job is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In the terminal client, by whoever sits there.
    Terminal,
    /// By script.
    Headless,
    /// By script, on two servers and a worker over a Postgres and an object store.
    ScaleOut,
}

/// What `cargo demo` does.
///
/// # Errors
/// The first step whose check did not hold; an input that cannot be used; a folder that is not empty; a program that is not installed.
pub fn run(form: Form, input: Option<&Path>, out: Option<&Path>) -> Result<()> {
    let exe = std::env::current_exe().context("this program cannot find itself")?;
    if form == Form::Terminal {
        interactive::must_have_terminal()?;
    }
    // Kept in a variable: a temporary folder goes when it is dropped.
    let room = Room::make(out)?;
    let log = Log::new(false);
    let material = material(input, room.path())?;
    log.line("Deadwax: a song from the first take to the label's signature");
    log.say(&material.say());
    let mut on = match form {
        Form::ScaleOut => Studio::found_on_several(&exe, room.path(), material, log)?,
        Form::Terminal | Form::Headless => Studio::found(&exe, room.path(), material, log)?,
    };
    log_house(&on);
    if form == Form::Terminal {
        interactive::run(&mut on, &exe, out.is_some())?;
        if out.is_some() {
            room.keep();
        }
        return Ok(());
    }
    whole_job(&mut on)?;
    let (steps, checks) = on.log.tally();
    let delivery = room.keep().join("delivery");
    on.log.line(&format!(
        "\n{steps} steps, {checks} checks, all of them held, {:.0} s. The delivery lies in {}",
        on.log.seconds(),
        delivery.display()
    ));
    Ok(())
}

fn log_house(on: &Studio) {
    let (folder, address) = (on.house.studio.display(), &on.house.address);
    let Some(scale) = &on.scale else {
        return on.log.say(&format!("the house: {folder} on {address}, TLS, embedded store"));
    };
    on.log.say(&format!(
        "the house: {folder} and beside it, two servers on {address} and {} that render nothing, a worker, TLS, facts in Postgres, audio in an S3 server",
        scale.second.address
    ));
    on.log.say(&match &scale.balancer {
        Some(it) => format!("in front: {} as a balancer of connections on {}", it.kind.word(), it.address),
        None => "in front: nothing, neither haproxy nor nginx is installed; everybody goes straight to one server and changes to the other between the steps".to_owned(),
    });
}

/// All steps, in their order.
pub fn whole_job(on: &mut Studio) -> Result<()> {
    let watcher = watch_as_label(on)?;
    up_to_mix_approvals(on)?;
    on.swap()?;
    mixing::mix_approvals(on)?;
    on.swap()?;
    mastering::handoff(on)?;
    desk::alternates_are_true(on)?;
    on.swap()?;
    mastering::first_master(on)?;
    desk::alternates_add_up(on, 1)?;
    let offline = mastering::second_master(on)?;
    on.swap()?;
    mastering::same_bytes(on, offline)?;
    desk::alternates_add_up(on, 2)?;
    desk::on_paper(on)?;
    on.swap()?;
    mastering::master_approvals(on)?;
    mastering::delivery(on)?;
    guest::hears(on)?;
    match on.scale.is_some() {
        true => several::servers_die_in_turn(on)?,
        false => ending::power_cut(on)?,
    }
    ending::watched(on, &watcher)?;
    match on.scale.is_some() {
        true => several::stop(on),
        false => ending::stop(on),
    }
}

/// Until Mix 2 waits for its signatures.
pub fn up_to_mix_approvals(on: &Studio) -> Result<()> {
    mixing::take(on)?;
    on.swap()?;
    mixing::first_mix(on)?;
    on.swap()?;
    mixing::notes(on)?;
    mixing::revision(on)?;
    on.swap()?;
    mixing::second_mix(on)?;
    desk::what_changed(on)
}

pub fn watch_as_label(on: &Studio) -> Result<Watcher> {
    let client = on.runtime.block_on(cast::client(&on.cast.label))?;
    Ok(Watcher::start(&on.runtime, client, &on.project_id()?))
}

fn material(input: Option<&Path>, root: &Path) -> Result<Material> {
    let Some(path) = input else { return Ok(Material::Song(Box::new(song::arrange()))) };
    let path =
        path.canonicalize().with_context(|| format!("this recording cannot be used: {}", path.display()))?;
    let folder = root.join("files");
    fs::create_dir_all(&folder)?;
    Ok(Material::Recording(Recording::open(&path, &folder)?))
}

/// Where it all happens: a folder that was named, or a temporary one.
enum Room {
    Named(PathBuf),
    Temporary(tempfile::TempDir),
}

impl Room {
    fn make(out: Option<&Path>) -> Result<Room> {
        let Some(path) = out else {
            return Ok(Room::Temporary(tempfile::Builder::new().prefix("deadwax-demo-").tempdir()?));
        };
        fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
        let path = path.canonicalize()?;
        let empty = fs::read_dir(&path)?.next().is_none();
        ensure!(empty, "{} is not empty; name a new folder with --out", path.display());
        Ok(Room::Named(path))
    }

    fn path(&self) -> &Path {
        match self {
            Room::Named(path) => path,
            Room::Temporary(folder) => folder.path(),
        }
    }

    /// The delivery is what the person ran it for: it stays where it is.
    fn keep(self) -> PathBuf {
        match self {
            Room::Named(path) => path,
            Room::Temporary(folder) => folder.keep(),
        }
    }
}
