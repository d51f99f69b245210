//! The paths of a child, by Landlock. Never here: calls.

use std::{io, path::Path};

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::Reach;

/// Where programs, their libraries and their settings lie.
const SYSTEM: [&str; 11] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/nix", "/proc", "/sys"];
const DEVICES: &str = "/dev";
/// Without this one files cannot be moved from folder to folder, which every job does.
const LEAST: ABI = ABI::V2;
/// What newer kernels hold besides, they hold.
const MOST: ABI = ABI::V6;

/// `false`: this kernel cannot.
pub(super) fn hold(reach: &Reach) -> io::Result<bool> {
    let asked = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    let Ok(asked) = asked.handle_access(AccessFs::from_all(LEAST)) else { return Ok(false) };
    let asked = asked.set_compatibility(CompatLevel::BestEffort);
    held(asked, reach).map_err(|error| io::Error::other(format!("Landlock: {error}")))
}

fn held(asked: Ruleset, reach: &Reach) -> Result<bool, RulesetError> {
    // Signals and sockets without a file: not beyond this child and what it starts.
    let asked = asked.handle_access(AccessFs::from_all(MOST))?.scope(Scope::from_all(MOST))?;
    let mut rules = asked
        .create()?
        .add_rules(path_beneath_rules(&reach.reads, AccessFs::ReadFile))?
        .add_rules(path_beneath_rules(&reach.writes, in_own_folder()))?;
    if !reach.programs.is_empty() {
        let beside = reach.programs.iter().filter_map(|program| program.parent());
        let read = AccessFs::from_read(MOST);
        rules = rules
            .add_rules(path_beneath_rules(SYSTEM.map(Path::new).into_iter().chain(beside), read))?
            .add_rules(path_beneath_rules([DEVICES], AccessFs::from_file(MOST) | AccessFs::ReadDir))?
            // A command has a folder of its own there, and may run what it makes in it.
            .add_rules(path_beneath_rules([std::env::temp_dir()], in_own_folder() | AccessFs::Execute))?;
    }
    let status = rules.restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

/// Files and folders: no program to run, no device, no socket.
fn in_own_folder() -> landlock::BitFlags<AccessFs> {
    AccessFs::ReadFile
        | AccessFs::WriteFile
        | AccessFs::Truncate
        | AccessFs::ReadDir
        | AccessFs::MakeReg
        | AccessFs::MakeDir
        | AccessFs::RemoveFile
        | AccessFs::RemoveDir
        | AccessFs::Refer
}
