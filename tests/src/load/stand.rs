//! The server under load: a process of its own with the door wide open to this one machine, and what the system says of it. Never here: load.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use deadwax_client::{
    net::{Client, new_id},
    profile::{Home, Profile},
};
use deadwax_proto::v1::{self, action::Action};

use crate::harness::House;

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
        open_the_door(&house.studio.join("studio.toml"))?;
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

    /// kill -9, and the start again; how long the start took until it answered.
    pub fn restart(&mut self) -> Result<Duration> {
        self.house.kill()?;
        let begun = Instant::now();
        self.house.open()?;
        Ok(begun.elapsed())
    }

    pub fn kill(&mut self) -> Result<()> {
        self.house.kill()
    }

    pub fn start(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        self.house.open()?;
        Ok(begun.elapsed())
    }

    pub fn usage(&self) -> Result<Usage> {
        let pid = self.house.pid().context("no server runs")?;
        let read = |name: &str| {
            fs::read_to_string(format!("/proc/{pid}/{name}"))
                .with_context(|| format!("what the system says of process {pid}: {name}"))
        };
        let status = read("status")?;
        let kib = |key: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
        };
        let stat = read("stat")?;
        // After the name in brackets, which may hold anything: user and system time are the 12th and 13th field, in hundredths (proc(5)).
        let after = stat.rsplit_once(')').map_or("", |it| it.1);
        let ticks: u64 =
            after.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<u64>().ok()).sum();
        Ok(Usage {
            cpu: Duration::from_millis(ticks * 10),
            memory: kib("VmRSS:") * 1024,
            memory_most: kib("VmHWM:") * 1024,
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

/// All load comes from one address and one person here; what holds a stranger back would only measure itself.
fn open_the_door(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let mut settings: toml::Table = text.parse().context("the settings that `init` wrote")?;
    let wide: [(&str, &[(&str, i64)]); 2] = [
        (
            "door",
            &[
                ("connections_per_person", 100_000),
                ("calls_per_s", 1_000_000),
                ("calls_burst", 1_000_000),
                ("first_call_s", 120),
                ("handshake_s", 60),
            ],
        ),
        (
            "limits",
            &[("connections", 100_000), ("connections_per_address", 100_000), ("uploads_per_person", 64)],
        ),
    ];
    for (section, values) in wide {
        let table = settings.entry(section).or_insert_with(|| toml::Table::new().into());
        let table = table.as_table_mut().with_context(|| format!("[{section}] is no section"))?;
        for (key, value) in values {
            table.insert((*key).to_owned(), (*value).into());
        }
    }
    ensure!(settings.contains_key("door"), "no [door]");
    fs::write(file, settings.to_string()).with_context(|| format!("write {}", file.display()))
}
