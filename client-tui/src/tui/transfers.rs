//! Files on their way to the studio and from it, as the screens see them; orders to the mover and what it tells. Never here: IO.

#[derive(Clone, Debug, Default)]
pub struct Transfers {
    /// The newest first.
    pub list: Vec<Transfer>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    pub id: u64,
    /// "Mix 2, 4 files to ~/Music"
    pub title: String,
    pub way: Way,
    pub state: State,
    pub bytes: u64,
    pub bytes_done: u64,
    /// Over the last seconds.
    pub bytes_per_s: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    Running,
    Paused,
    Done,
    Failed { text: String, hint: String },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    Start(Job),
    Pause {
        id: u64,
    },
    Resume {
        id: u64,
    },
    /// Forgets it; what came so far is removed.
    Cancel {
        id: u64,
    },
}

/// What is to be moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub id: u64,
    pub title: String,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Files of a version or of a delivery, under their canonical names, into a folder.
    Fetch { project_id: String, version_id: String, files: Vec<Wanted>, folder: std::path::PathBuf },
    /// The package of a song's handoff.
    Package { project_id: String, song_id: String, folder: std::path::PathBuf },
    /// Files from this machine; when all are there the version is added with them.
    Send { project_id: String, files: Vec<Sent>, add: Box<deadwax_proto::v1::AddVersion>, command_id: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub sha256: String,
    pub name: String,
    pub bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub path: std::path::PathBuf,
    pub alternate: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Moved { id: u64, bytes: u64, bytes_done: u64, bytes_per_s: u64 },
    Changed { id: u64, state: State },
}
