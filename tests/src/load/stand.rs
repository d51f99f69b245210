//! The server under load: a process of its own with the door wide open to this one machine, and what the system says of it. Never here: load.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use deadwax_client::{
    net::{Client, new_id},
    profile::{Home, Profile},
};
use deadwax_proto::v1::{self, action::Action};

use crate::{harness::House, usage};

/// All load comes from one address and one person here; what holds a stranger back would only measure itself.
const WIDE: [(&str, &str, i64); 8] = [
    ("door", "connections_per_person", 100_000),
    ("door", "calls_per_s", 1_000_000),
    ("door", "calls_burst", 1_000_000),
    ("door", "first_call_s", 120),
    ("door", "handshake_s", 60),
    ("limits", "connections", 100_000),
    ("limits", "connections_per_address", 100_000),
    ("limits", "uploads_per_person", 64),
];

pub struct Stand {
    house: House,
    profile: Profile,
    /// On the same disk as the studio, for the probes.
    pub folder: PathBuf,
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub cpu: Duration,
    /// Bytes of memory now, and the most there ever were.
    pub memory: u64,
    pub memory_most: u64,
}

/// A project with one song, whose title is what changes.
#[derive(Clone, Debug)]
pub struct Place {
    pub project: String,
    pub song: String,
    pub seq: u64,
}

impl Stand {
    /// # Errors
    /// Where the server does not start; its last lines are told.
    pub fn open(exe: &Path, root: &Path) -> Result<Stand> {
        let mut house = House::found(exe, root)?;
        house.set(WIDE)?;
        house.open()?;
        let owner = house.seat(root, "owner")?;
        owner.verb(["login", house.owner_link.as_str()])?;
        let profile = Home::at(&owner.home).load(None)?;
        let folder = root.join("probes");
        fs::create_dir_all(&folder)?;
        Ok(Stand { house, profile, folder })
    }

    pub fn studio(&self) -> &Path {
        &self.house.studio
    }

    /// A connection of its own.
    pub async fn client(&self) -> Result<Client> {
        Ok(Client::connect(&self.profile).await?)
    }

    /// A connection of its own, made at the first call; made again after a cut.
    pub fn client_lazy(&self) -> Result<Client> {
        Ok(Client::connect_lazy(&self.profile)?)
    }

    pub fn kill(&mut self) -> Result<()> {
        self.house.kill()
    }

    /// How long it took until it answered.
    pub fn start(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        self.house.open()?;
        Ok(begun.elapsed())
    }

    pub fn usage(&self) -> Result<Usage> {
        let pid = self.house.pid().context("no server runs")?;
        let path = format!("/proc/{pid}/stat");
        let stat = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        // After the name in brackets, which may hold anything: user and system time are the 12th and 13th field, in hundredths (proc(5)).
        let after = stat.rsplit_once(')').map_or("", |it| it.1);
        let ticks: u64 =
            after.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum();
        Ok(Usage {
            cpu: Duration::from_millis(ticks * 10),
            memory: usage::memory(pid, "VmRSS:")?,
            memory_most: usage::memory(pid, "VmHWM:")?,
        })
    }

    /// Bytes that the journal takes on the disk.
    pub fn journal_bytes(&self) -> Result<u64> {
        let mut whole = 0;
        for entry in fs::read_dir(self.studio().join("journal"))? {
            whole += entry?.metadata()?.len();
        }
        Ok(whole)
    }

    /// So many projects with a song each, made side by side.
    pub async fn places(&self, count: usize) -> Result<Vec<Place>> {
        const HANDS: usize = 32;
        let client = self.client().await?;
        let mut made = Vec::with_capacity(count);
        while made.len() < count {
            let hands = (made.len()..count.min(made.len() + HANDS)).map(|at| place(&client, at));
            for place in futures::future::join_all(hands).await {
                made.push(place?);
            }
        }
        Ok(made)
    }
}

async fn place(client: &Client, at: usize) -> Result<Place> {
    let (project, song) = (new_id(), new_id());
    let create = v1::CreateProject { title: format!("Record {at}"), artist: "Mara Lind".into() };
    client.perform(&project, Action::CreateProject(create)).await?;
    let add = v1::AddSong { song_id: song.clone(), title: "0".into(), isrc: String::new() };
    let seq = client.perform(&project, Action::AddSong(add)).await?.seq;
    Ok(Place { project, song, seq })
}

impl Place {
    /// The song gets this title: one small durable fact.
    pub fn title(&self, title: &str) -> Action {
        Action::EditSong(v1::EditSong {
            song_id: self.song.clone(),
            title: Some(title.to_owned()),
            isrc: None,
        })
    }
}
