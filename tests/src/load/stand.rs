//! What is under load: one server over its journal, several over one database, or servers that somebody else has started. Processes of their own, with the door
//! wide open to this one machine; and what the system says of them. Never here: load.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use deadwax_client::{
    net::{Client, new_id},
    profile::{Home, Profile},
};
use deadwax_proto::v1::{self, action::Action};

use crate::{
    harness::{Does, House, Settings},
    scale::{cluster::Cluster, moto::Moto},
    usage,
};

/// All load comes from one address and few people here; what holds a stranger back would only measure itself.
const WIDE: [(&str, &str, i64); 9] = [
    ("door", "connections_per_person", 100_000),
    ("door", "calls_per_s", 1_000_000),
    ("door", "calls_burst", 1_000_000),
    ("door", "first_call_s", 120),
    ("door", "handshake_s", 60),
    ("door", "upload_bytes_per_day", 1 << 50),
    ("limits", "connections", 100_000),
    ("limits", "connections_per_address", 100_000),
    ("limits", "uploads_per_person", 64),
];

/// Where the load goes.
#[derive(Clone, Debug, Default)]
pub enum Under {
    /// One server over its journal: what is installed by default.
    #[default]
    Embedded,
    /// Two servers over a Postgres of their own; audio in a folder that they share, or in an S3 server where that is asked.
    ScaleOut { s3: bool },
    /// Servers that run already, by their addresses, as whoever is signed in to the first of them in this home. Their doors must be as wide as `WIDE`.
    At { addresses: Vec<String>, home: PathBuf },
}

/// Servers over one database.
const SERVERS: usize = 2;

pub struct Stand {
    houses: Vec<House>,
    profiles: Vec<Profile>,
    turn: AtomicUsize,
    /// On the same disk as the studio, for the probes.
    pub folder: PathBuf,
    root: PathBuf,
    // Behind the servers, so that they go first.
    _database: Option<Cluster>,
    _store: Option<Moto>,
}

/// What the servers have used so far, all together.
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

/// Somebody who can come from anywhere, as often as wanted.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    profiles: Vec<Profile>,
}

impl Stand {
    /// # Errors
    /// Where a server does not start; its last lines are told.
    pub fn open(under: &Under, exe: &Path, root: &Path) -> Result<Stand> {
        match under {
            Under::Embedded => Stand::of(vec![House::found(exe, root)?], root, None, None),
            Under::ScaleOut { s3 } => {
                let database = Cluster::start(&["max_wal_size = 4GB"])
                    .context("no Postgres is installed here: apt-get install postgresql")?;
                let store = match s3 {
                    true => Some(
                        Moto::start(&[])
                            .context("no S3 server is installed here: pip install 'moto[server]'")?,
                    ),
                    false => None,
                };
                let first = House::found_with(exe, root, settings(root, &database, store.as_ref())?)?;
                let mut houses = vec![first];
                for number in 1..SERVERS {
                    let further = houses[0].beside(&format!("studio-{number}"), Does::Serve)?;
                    if store.is_none() {
                        further.share_audio_of(&houses[0])?;
                    }
                    houses.push(further);
                }
                Stand::of(houses, root, Some(database), store)
            }
            Under::At { addresses, home } => {
                let profile = Home::at(home).load(None)?;
                let at =
                    |address: &String| Profile { url: format!("deadwax://{address}"), ..profile.clone() };
                let (profiles, houses) = (addresses.iter().map(at).collect(), Vec::new());
                Stand::with(houses, profiles, root, None, None)
            }
        }
    }

    fn of(
        mut houses: Vec<House>,
        root: &Path,
        database: Option<Cluster>,
        store: Option<Moto>,
    ) -> Result<Stand> {
        for house in &mut houses {
            house.set(WIDE)?;
            house.open()?;
        }
        let owner = houses[0].seat(root, "owner")?;
        owner.verb(["login", houses[0].owner_link.as_str()])?;
        let profile = Home::at(&owner.home).load(None)?;
        let profiles = everywhere(&profile, &houses);
        Stand::with(houses, profiles, root, database, store)
    }

    fn with(
        houses: Vec<House>,
        profiles: Vec<Profile>,
        root: &Path,
        database: Option<Cluster>,
        store: Option<Moto>,
    ) -> Result<Stand> {
        ensure!(!profiles.is_empty(), "No server was named: --at 127.0.0.1:4747,127.0.0.1:4748.");
        let folder = root.join("probes");
        fs::create_dir_all(&folder)?;
        let (turn, root) = (AtomicUsize::new(0), root.to_owned());
        Ok(Stand { houses, profiles, turn, folder, root, _database: database, _store: store })
    }

    pub fn servers(&self) -> usize {
        self.profiles.len()
    }

    /// They are processes of this stand: they can be killed, and the system can be asked about them.
    pub fn is_ours(&self) -> bool {
        !self.houses.is_empty()
    }

    /// The next server in turn, as a load balancer would have it.
    fn next<'a>(&self, of: &'a [Profile]) -> &'a Profile {
        &of[self.turn.fetch_add(1, Ordering::Relaxed) % of.len()]
    }

    /// A connection of its own, as the owner.
    ///
    /// # Errors
    /// Where no server answers.
    pub async fn client(&self) -> Result<Client> {
        Ok(Client::connect(self.next(&self.profiles)).await?)
    }

    /// A connection of its own, made at the first call; made again after a cut.
    ///
    /// # Errors
    /// Where the profile cannot be used.
    pub fn client_of(&self, person: &Person) -> Result<Client> {
        Ok(Client::connect_lazy(self.next(&person.profiles))?)
    }

    /// The owner as one of the people.
    pub fn owner(&self) -> Person {
        Person { id: String::new(), profiles: self.profiles.clone() }
    }

    /// Where the first server listens, and the token of the owner: for a generator that is not ours.
    pub fn door(&self) -> Option<(&str, &str)> {
        let profile = self.profiles.first()?;
        Some((profile.url.strip_prefix("deadwax://")?, profile.token.as_deref()?))
    }

    /// So many further people, signed in.
    ///
    /// # Errors
    /// Where one cannot be invited or does not come in.
    pub async fn people(&self, count: usize) -> Result<Vec<Person>> {
        let client = self.client().await?;
        let mut people = Vec::new();
        for number in 0..count {
            let email = format!("{}@goldroom.example", new_id());
            let name = format!("Player {number}");
            let request = v1::CreateInviteRequest { name, email, ..Default::default() };
            let invite = client.create_invite(request).await?;
            let home = self.root.join("people").join(new_id());
            fs::create_dir_all(&home)?;
            let seat = match self.houses.first() {
                Some(house) => house.seat(&home, "seat")?,
                None => anyhow::bail!("people are invited on servers of this stand only"),
            };
            seat.verb(["login", invite.link.as_str()])?;
            let profiles = everywhere(&Home::at(&seat.home).load(None)?, &self.houses);
            people.push(Person { id: invite.person_id, profiles });
        }
        Ok(people)
    }

    /// All servers at once.
    ///
    /// # Errors
    /// Where none runs.
    pub fn kill(&mut self) -> Result<()> {
        self.houses.iter_mut().try_for_each(House::kill)
    }

    /// How long it took until all answered.
    ///
    /// # Errors
    /// Where one does not start.
    pub fn start(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        self.houses.iter_mut().try_for_each(House::open)?;
        Ok(begun.elapsed())
    }

    /// Nothing where the servers are not ours.
    ///
    /// # Errors
    /// Where one has ended.
    pub fn usage(&self) -> Result<Usage> {
        let mut whole = Usage::default();
        for house in &self.houses {
            let pid = house.pid().context("no server runs")?;
            whole.cpu += usage::cpu(pid)?;
            whole.memory += usage::memory(pid, "VmRSS:")?;
            whole.memory_most += usage::memory(pid, "VmHWM:")?;
        }
        Ok(whole)
    }

    /// From now on the most there ever was is the most since now.
    ///
    /// # Errors
    /// Where the system does not let this process say so.
    pub fn forget_the_most(&self) -> Result<()> {
        for pid in self.houses.iter().filter_map(House::pid) {
            // "5" resets the high water mark (proc(5)).
            let path = format!("/proc/{pid}/clear_refs");
            fs::write(&path, "5").with_context(|| format!("writing {path}"))?;
        }
        Ok(())
    }

    /// Bytes that the journal takes on the disk; `None` where there is none.
    ///
    /// # Errors
    /// Where it cannot be measured.
    pub fn journal_bytes(&self) -> Result<Option<u64>> {
        let [house] = &self.houses[..] else { return Ok(None) };
        let mut whole = 0;
        for entry in fs::read_dir(house.studio.join("journal"))? {
            whole += entry?.metadata()?.len();
        }
        Ok(Some(whole))
    }

    /// So many projects with a song each, made side by side.
    ///
    /// # Errors
    /// Where one is refused.
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

/// The same person at each server.
fn everywhere(profile: &Profile, houses: &[House]) -> Vec<Profile> {
    let at = |house: &House| Profile { url: format!("deadwax://{}", house.address), ..profile.clone() };
    houses.iter().map(at).collect()
}

fn settings(root: &Path, database: &Cluster, store: Option<&Moto>) -> Result<Settings> {
    let url = root.join("database-url");
    fs::write(&url, database.place().url.reveal())?;
    fs::set_permissions(&url, fs::Permissions::from_mode(0o600))?;
    let url = url.to_str().context("the folder's name is no text")?.to_owned();
    let mut settings = vec![("STORE__ENGINE", "postgres".to_owned()), ("STORE__URL_FILE", url)];
    if let Some(store) = store {
        settings.extend([
            ("AUDIO__STORE", "s3".to_owned()),
            ("AUDIO__ENDPOINT", store.endpoint()),
            ("AUDIO__BUCKET", store.bucket()),
            ("AUDIO__ACCESS_KEY", "AKID".to_owned()),
            ("AUDIO__SECRET_KEY", "any".to_owned()),
        ]);
    }
    Ok(settings)
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

    /// These people become members.
    ///
    /// # Errors
    /// Where one is refused.
    pub async fn admit(&mut self, client: &Client, people: &[Person]) -> Result<()> {
        for person in people {
            let add = v1::AddMember { person_id: person.id.clone(), roles: vec![v1::Role::Artist.into()] };
            self.seq = client.perform(&self.project, Action::AddMember(add)).await?.seq;
        }
        Ok(())
    }
}
