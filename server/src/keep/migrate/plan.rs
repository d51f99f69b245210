//! The two ends of a move as their settings tell them: what goes and what stays, whether the target may be filled, and the marks at engines that keep theirs
//! themselves. Never here: what is sent, and the order in which marks change.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use uuid::Uuid;

#[cfg(feature = "postgres")]
use crate::store::postgres::{
    self,
    moved::{Alone, Mark as DatabaseMark, Place, Source as Database},
};
use crate::{
    blob::{
        far,
        moved::{Giver, Taker},
        settings::Kind,
    },
    config::{self, Config},
    evidence::StudioKey,
    keep::migrate::{
        audio::Audio,
        facts::{self, Facts, Source, Target},
        mark::{Mark, State},
        papers,
    },
    store::{
        embedded::{OpenError, carry::Filling},
        settings::Engine,
    },
};

/// Two folders and what their settings say.
pub struct Plan {
    pub from: PathBuf,
    pub to: PathBuf,
    pub here: Config,
    pub there: Config,
    /// Facts stay in the database where they are.
    same_facts: bool,
    same_audio: bool,
    studio: String,
}

impl Plan {
    /// Settings are read from the two files alone: a variable of the environment would count for both.
    pub fn look(from: &Path, to: &Path) -> anyhow::Result<Self> {
        let folder = |dir: &Path, which: &str| {
            let found = fs::canonicalize(dir)
                .with_context(|| format!("looking for {which} {} failed", dir.display()))?;
            ensure!(
                found.join(config::FILE).exists(),
                "{} has no {}: {which} is a folder with the settings of the studio there. For a new place copy the file and change [store] and [audio]",
                found.display(),
                config::FILE
            );
            Ok(found)
        };
        let (from, to) = (folder(from, "the source")?, folder(to, "the target")?);
        ensure!(
            from != to,
            "source and target are the same folder: make a new one with the settings of the new place"
        );
        let load =
            |dir: &Path| Config::load(dir, Vec::new()).with_context(|| format!("in {}", dir.display()));
        let (here, there) = (load(&from)?, load(&to)?);
        let same_facts = same_database((&from, &here), (&to, &there))?;
        let same_audio = same_audio((&from, &here), (&to, &there));
        ensure!(
            !(same_facts && same_audio),
            "both settings name the same database and the same audio: there is nothing to move. A further server of a studio is a copy of its folder"
        );
        let studio = StudioKey::of(&from).public_key()?;
        Ok(Self { from, to, here, there, same_facts, same_audio, studio })
    }

    /// The mark of the target: the one that was begun, or a new one.
    pub fn begin(&self) -> anyhow::Result<Mark> {
        let (from, to) = (self.from.display(), self.to.display());
        let (source, target) = (Mark::of(&self.from)?, Mark::of(&self.to)?);
        let left = source.as_ref().filter(|mark| mark.state == State::Moved);
        if let Some(source) = &source
            && matches!(source.state, State::Filling | State::GivenUp)
        {
            bail!("{from} is no studio that is served: {}", mark_words(source));
        }
        if let Some(left) = left {
            let ours = target.as_ref().is_some_and(|target| target.id == left.id);
            ensure!(
                ours,
                "the studio of {from} was moved to {} already: move that, or take this one back with --take-back",
                left.other.display()
            );
        }
        match target {
            None => {
                papers::must_be_new(&self.to, self.same_audio)?;
                let mark = Mark::new(State::Filling, Uuid::now_v7(), &self.studio, &self.from);
                mark.put(&self.to)?;
                Ok(mark)
            }
            Some(mark) if mark.studio != self.studio => {
                bail!(
                    "{to} belongs to a move of another studio, from {}: choose a new folder",
                    mark.other.display()
                )
            }
            Some(mark) if mark.state == State::Filling => {
                ensure!(
                    mark.other == self.from,
                    "a move to {to} was begun from {}: go on with that, or choose a new folder",
                    mark.other.display()
                );
                Ok(mark)
            }
            Some(mark) if mark.state == State::Complete && left.is_some() => Ok(mark),
            Some(mark) => bail!("{to} holds a studio already: {}", mark_words(&mark)),
        }
    }

    /// Both ends, as far as they are to be moved.
    pub async fn open(&self, mark: &Mark) -> anyhow::Result<(Option<Facts>, Audio, Ends)> {
        let ends = Ends::open(self, mark).await?;
        let facts = match self.same_facts {
            true => None,
            false => Some(self.facts(mark, &ends).await?),
        };
        let here = far::of_settings(&self.here.audio, &self.from)?;
        let there = far::of_settings(&self.there.audio, &self.to)?;
        if let Some(far) = &there {
            let checked = far.check(&self.studio).await;
            checked.map_err(anyhow::Error::msg).context("the object store of the target cannot be used")?;
        }
        let giver = match self.same_audio {
            true => None,
            false => Some(
                Giver::open(&self.from, here, &self.to)
                    .await
                    .context("opening the audio of the source failed")?,
            ),
        };
        let taker = Taker::open(&self.to, there, self.there.limits.reserve_bytes).await;
        let audio = Audio::new(giver, taker.context("opening the audio of the target failed")?, &self.to)?;
        Ok((facts, audio, ends))
    }

    async fn facts(&self, mark: &Mark, ends: &Ends) -> anyhow::Result<Facts> {
        #[cfg(feature = "postgres")]
        let mut taken = 0;
        #[cfg(not(feature = "postgres"))]
        let taken = 0;
        let (journal, seed) = match self.here.store.engine {
            Engine::Embedded => {
                let journal = facts::journal(&self.from).await?;
                let seed = journal.seed();
                (Some(journal), Some(seed))
            }
            Engine::Postgres => (None, ends.seed().await?),
        };
        let target = match self.there.store.engine {
            Engine::Embedded => {
                let to = self.to.clone();
                let opened = tokio::task::spawn_blocking(move || Filling::open(&to, seed)).await?;
                Target::Journal(Some(opened.context("opening the journal of the target failed")?))
            }
            #[cfg(feature = "postgres")]
            Engine::Postgres => {
                let place = ends.there.clone().context("the database of the target is not open")?;
                if let Some(seed) = &seed {
                    place.put_seed(seed).await?;
                }
                taken = place.mark().await?.map_or(0, |mark| mark.appends);
                Target::Database(place)
            }
            #[cfg(not(feature = "postgres"))]
            Engine::Postgres => bail!("this deadwax-server was built without the feature `postgres`"),
        };
        let source = match journal {
            Some(journal) => Source::Journal(Some(journal)),
            #[cfg(feature = "postgres")]
            None => {
                let place = ends.here.clone().context("the database of the source is not open")?;
                let heads = target.heads().await?;
                Source::Database(Box::new(Database::open(place, heads).await?))
            }
            #[cfg(not(feature = "postgres"))]
            None => bail!("this deadwax-server was built without the feature `postgres`"),
        };
        Facts::open(source, target, mark.id, taken).await
    }
}

fn mark_words(mark: &Mark) -> String {
    let other = mark.other.display();
    match mark.state {
        State::Filling => format!("it is being filled from {other}"),
        State::Complete => format!("it came from {other}"),
        State::Moved => format!("it was moved to {other}"),
        State::GivenUp => format!("it was taken back to {other}"),
    }
}

fn same_database((from, here): (&Path, &Config), (to, there): (&Path, &Config)) -> anyhow::Result<bool> {
    if here.store.engine != Engine::Postgres || there.store.engine != Engine::Postgres {
        return Ok(false);
    }
    let url = |dir: &Path, config: &Config| config.store.secret_url(dir).map_err(anyhow::Error::msg);
    Ok(url(from, here)? == url(to, there)?)
}

fn same_audio((from, here): (&Path, &Config), (to, there): (&Path, &Config)) -> bool {
    let (one, two) = (&here.audio, &there.audio);
    match (one.store, two.store) {
        (Kind::Folder, Kind::Folder) => {
            let place = |dir: &Path| fs::canonicalize(dir.join("blobs")).ok();
            place(from).is_some_and(|here| place(to) == Some(here))
        }
        (Kind::S3, Kind::S3) => {
            (&one.endpoint, &one.bucket, &one.prefix) == (&two.endpoint, &two.bucket, &two.prefix)
        }
        _ => false,
    }
}

/// The engines that keep marks of their own, and who was kept out.
#[derive(Default)]
pub struct Ends {
    #[cfg(feature = "postgres")]
    here: Option<Place>,
    #[cfg(feature = "postgres")]
    there: Option<Place>,
    #[cfg(feature = "postgres")]
    alone: Option<Alone>,
}

#[cfg(not(feature = "postgres"))]
impl Ends {
    async fn open(_: &Plan, _: &Mark) -> anyhow::Result<Self> {
        Ok(Self::default())
    }

    async fn seed(&self) -> anyhow::Result<Option<[u8; 32]>> {
        Ok(None)
    }

    /// Whether the servers of the source are out from now on.
    pub async fn hold(&mut self, _: &Plan, _: &Mark, facts: Option<&mut Facts>) -> anyhow::Result<bool> {
        hold_journal(facts).await
    }

    pub async fn leave(&self, _: &Plan, _: &Mark) -> anyhow::Result<()> {
        Ok(())
    }

    pub async fn arrive(&self, _: &Plan, _: &Mark) -> anyhow::Result<()> {
        Ok(())
    }

    pub async fn open_again(&self, _: &Plan, _: &Mark) -> anyhow::Result<()> {
        Ok(())
    }
}

#[cfg(feature = "postgres")]
pub fn options(dir: &Path, config: &Config) -> anyhow::Result<postgres::Options> {
    let url = config.store.secret_url(dir).map_err(anyhow::Error::msg)?;
    let ca = (!config.store.ca.as_os_str().is_empty()).then(|| dir.join(&config.store.ca));
    Ok(postgres::Options { pool: config.store.pool as usize, ca, ..postgres::Options::new(url) })
}

#[cfg(feature = "postgres")]
fn database_mark(mark: &Mark, state: &str, other: &Path, appends: u64) -> DatabaseMark {
    let (studio, other) = (mark.studio.clone(), other.display().to_string());
    DatabaseMark { state: state.to_owned(), id: mark.id, studio, other, appends }
}

#[cfg(feature = "postgres")]
impl Ends {
    async fn open(plan: &Plan, mark: &Mark) -> anyhow::Result<Self> {
        let mut ends = Self::default();
        if plan.here.store.engine == Engine::Postgres {
            let here = Place::open(&options(&plan.from, &plan.here)?, false)
                .await
                .context("the database of the source cannot be used")?;
            if let Some(known) = here.mark().await? {
                let busy = known.id != mark.id && known.state != "complete";
                ensure!(
                    !busy,
                    "the database of the source belongs to another move ({}, {})",
                    known.state,
                    known.other
                );
            }
            ends.here = Some(here);
        }
        if plan.there.store.engine == Engine::Postgres && !plan.same_facts {
            let there = Place::open(&options(&plan.to, &plan.there)?, true)
                .await
                .context("the database of the target cannot be used")?;
            match there.mark().await? {
                Some(known) if known.id == mark.id => {}
                Some(known) => bail!(
                    "the database of the target belongs to another move or studio ({}, {}): choose another one",
                    known.state,
                    known.other
                ),
                None => {
                    ensure!(
                        !there.is_full().await?,
                        "the database of the target holds a studio already, and no move to it was begun: choose an empty one"
                    );
                    there.put_mark(&database_mark(mark, "filling", &plan.from, 0)).await?;
                }
            }
            ends.there = Some(there);
        }
        Ok(ends)
    }

    async fn seed(&self) -> anyhow::Result<Option<[u8; 32]>> {
        match &self.here {
            Some(here) => Ok(here.seed().await?),
            None => Ok(None),
        }
    }

    /// Whether the servers of the source are out from now on. A database is closed by it.
    pub async fn hold(
        &mut self,
        plan: &Plan,
        mark: &Mark,
        facts: Option<&mut Facts>,
    ) -> anyhow::Result<bool> {
        let Some(here) = &self.here else { return hold_journal(facts).await };
        if self.alone.is_none() {
            self.alone = here.alone().await?;
        }
        if self.alone.is_none() {
            return Ok(false);
        }
        let known = here.mark().await?;
        if known.is_none_or(|known| known.state != "moved") {
            here.close(&database_mark(mark, "closed", &plan.to, 0)).await?;
        }
        Ok(true)
    }

    /// The source knows that its studio is elsewhere.
    pub async fn leave(&self, plan: &Plan, mark: &Mark) -> anyhow::Result<()> {
        if let Some(here) = self.here.as_ref().filter(|_| !plan.same_facts) {
            here.put_mark(&database_mark(mark, "moved", &plan.to, 0)).await?;
        }
        Ok(())
    }

    /// The target may be served.
    pub async fn arrive(&self, plan: &Plan, mark: &Mark) -> anyhow::Result<()> {
        if let Some(there) = &self.there {
            let appends = there.mark().await?.map_or(0, |known| known.appends);
            there.put_mark(&database_mark(mark, "complete", &plan.from, appends)).await?;
        }
        match &self.here {
            Some(here) if plan.same_facts => Ok(here.open_again().await?),
            _ => Ok(()),
        }
    }

    pub async fn open_again(&self, _: &Plan, mark: &Mark) -> anyhow::Result<()> {
        let Some(here) = &self.here else { return Ok(()) };
        match here.mark().await? {
            Some(known) if known.id == mark.id && known.state == "closed" => Ok(here.open_again().await?),
            _ => Ok(()),
        }
    }
}

#[cfg(feature = "postgres")]
impl Target {
    async fn heads(&self) -> anyhow::Result<std::collections::BTreeMap<crate::store::StreamId, u64>> {
        match self {
            Self::Database(place) => Ok(place.heads().await?),
            Self::Journal(Some(filling)) => Ok(filling.heads()?.roots.heads().collect()),
            Self::Journal(None) => bail!("the journal of the target is not open"),
        }
    }
}

/// The lock of the folder, which a server has as long as it lives.
async fn hold_journal(facts: Option<&mut Facts>) -> anyhow::Result<bool> {
    let slot = match facts.map(|facts| &mut facts.source) {
        Some(Source::Journal(slot)) => slot,
        _ => return Ok(true),
    };
    let Some(mut taking) = slot.take() else { bail!("the journal of the source is not open") };
    let held = tokio::task::spawn_blocking(move || {
        let held = taking.hold();
        (taking, held)
    });
    let (taking, held) = held.await?;
    *slot = Some(taking);
    match held {
        Ok(()) => Ok(true),
        Err(OpenError::Locked(_)) => Ok(false),
        Err(error) => Err(error).context("the journal of the source cannot be held"),
    }
}

/// What stands at a source that was left, or was about to be: the mark of its folder, and where to its database was closed.
pub async fn left(from: &Path) -> anyhow::Result<(Option<Mark>, Option<PathBuf>)> {
    let mark = Mark::of(from)?.filter(|mark| mark.state == State::Moved);
    #[cfg(feature = "postgres")]
    if let Some(place) = database_of(from).await? {
        let known = place.mark().await?.filter(|known| matches!(known.state.as_str(), "closed" | "moved"));
        return Ok((mark, known.map(|known| known.other.into())));
    }
    Ok((mark, None))
}

#[cfg(feature = "postgres")]
async fn database_of(dir: &Path) -> anyhow::Result<Option<Place>> {
    let config = Config::load(dir, Vec::new())?;
    if config.store.engine != Engine::Postgres {
        return Ok(None);
    }
    Ok(Some(Place::open(&options(dir, &config)?, false).await.context("the database cannot be used")?))
}

/// The target of a move that is taken back: no server opens its facts any more.
pub async fn shut(other: &Path, mark: &Mark) -> anyhow::Result<()> {
    #[cfg(feature = "postgres")]
    if let Some(place) = database_of(other).await? {
        // A database that both ends share is opened with the source.
        let known = place.mark().await?;
        if known.is_some_and(|known| {
            known.id == mark.id && matches!(known.state.as_str(), "filling" | "complete")
        }) {
            let alone = place.alone().await?;
            ensure!(
                alone.is_some(),
                "a server over the database of {} still runs: stop it first",
                other.display()
            );
            place.close(&database_mark(mark, "moved", &mark.other, 0)).await?;
        }
    }
    let _read_by_databases = (other, mark);
    Ok(())
}

/// The source is open to servers again, but for the mark of its folder.
pub async fn open_again(from: &Path) -> anyhow::Result<()> {
    #[cfg(feature = "postgres")]
    if let Some(place) = database_of(from).await? {
        place.open_again().await?;
    }
    let _read_by_databases = from;
    Ok(())
}
