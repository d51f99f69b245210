//! What a child may reach: the files of its job and no others, no network, no other program. Landlock holds the paths, seccomp the calls; both are set by the
//! child on itself before it opens what came from outside, and hold for whatever it starts. Where the kernel has neither, the limits of memory and time are
//! what is left, and the server says so at its start. Never here: those limits (`child`), what a child does.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod paths;

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::process::{self, ChildError, Limits, Program};

/// What a job needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Files that are read. One that is not there is the job's to tell.
    pub reads: Vec<PathBuf>,
    /// Folders in which everything may be made, changed and removed.
    pub writes: Vec<PathBuf>,
    /// The operator's programs that the job starts; with any, the child reads the system's folders and theirs, writes in the temporary folder too, and may
    /// talk to programs of the same machine.
    pub programs: Vec<PathBuf>,
}

/// What the kernel holds a child to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Landlock: paths.
    pub paths: bool,
    /// seccomp: network, other processes, other programs.
    pub calls: bool,
}

impl Held {
    pub fn is_whole(self) -> bool {
        self.paths && self.calls
    }

    /// What is missing, for the operator.
    pub fn lacks(self) -> &'static str {
        match (self.paths, self.calls) {
            (true, true) => "nothing",
            (false, true) => "Landlock (Linux 5.19 or newer, `landlock` among `lsm=`)",
            (true, false) => "seccomp filters",
            (false, false) => "Landlock and seccomp filters",
        }
    }
}

/// Holds this process to `reach`, for ever. What the kernel lacks is told, what fails otherwise is an error: nothing from outside may be opened then.
#[cfg(target_os = "linux")]
pub fn confine(reach: &Reach) -> io::Result<Held> {
    // The paths first: the filter of calls would refuse them.
    let paths = paths::hold(reach)?;
    let calls = calls::hold(!reach.programs.is_empty())?;
    Ok(Held { paths, calls })
}

#[cfg(not(target_os = "linux"))]
pub fn confine(_reach: &Reach) -> io::Result<Held> {
    Ok(Held { paths: false, calls: false })
}

/// Asks a child what this machine can hold it to, by doing it.
pub async fn known(program: &Program) -> Result<Held, ChildError> {
    process::run(program, "confined", Limits::INSPECT, &[], Some::<Held>).await
}
