//! The engines at both ends of a move: the marks of those that keep their own, who is kept out of them, and what servers over one database share that lies in
//! files elsewhere. Never here: facts, audio, and the order in which marks change.

use std::path::{Path, PathBuf};
#[cfg(feature = "postgres")]
use std::{collections::BTreeMap, time::Duration};

#[cfg(feature = "postgres")]
use anyhow::ensure;
use anyhow::{Context as _, bail};
#[cfg(feature = "postgres")]
use tokio::time::sleep;

#[cfg(feature = "postgres")]
use crate::{
    config::Config,
    keep::migrate::facts::Target,
    notify::secret,
    store::{
        StreamId,
        postgres::{
            self,
            moved::{Alone, Mark as DatabaseMark, Place},
        },
        settings::Engine,
    },
};
use crate::{
    keep::migrate::{
        facts::{Facts, Source},
        mark::{Mark, State},
        papers,
        plan::Plan,
    },
    store::embedded::OpenError,
};

/// How often a database is asked whether a server that was just stopped is gone.
#[cfg(feature = "postgres")]
const STOPPING: u32 = 10;
/// A server that lost its line to the database asks for another one within this.
#[cfg(all(feature = "postgres", not(test)))]
const COMES_BACK: Duration = Duration::from_secs(6);
/// Tests of marks have no servers.
#[cfg(all(feature = "postgres", test))]
const COMES_BACK: Duration = Duration::from_millis(20);

/// The engines that keep marks of their own, and who was kept out.
#[derive(Default)]
pub struct Ends {
    #[cfg(feature = "postgres")]
    pub here: Option<Place>,
    #[cfg(feature = "postgres")]
    pub there: Option<Place>,
    #[cfg(feature = "postgres")]
    alone: Option<Alone>,
    /// The lock that servers and workers of the source's folder have.
    #[cfg(feature = "postgres")]
    folder: Option<std::fs::File>,
}

#[cfg(not(feature = "postgres"))]
impl Ends {
    pub async fn open(_: &Plan, _: &Mark) -> anyhow::Result<Self> {
        Ok(Self::default())
    }

    pub async fn seed(&self) -> anyhow::Result<Option<[u8; 32]>> {
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

    pub async fn open_again(&self, _: &Mark) -> anyhow::Result<()> {
        Ok(())
    }

    /// What servers over one database share beside their facts.
    pub async fn carry_shared(&self, plan: &Plan) -> anyhow::Result<()> {
        papers::put_told(&plan.to, &papers::told_in(&plan.from)?)
    }
}

#[cfg(feature = "postgres")]
fn options(dir: &Path, config: &Config) -> anyhow::Result<postgres::Options> {
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
    pub async fn open(plan: &Plan, mark: &Mark) -> anyhow::Result<Self> {
        let mut ends = Self::default();
        if plan.here.store.engine == Engine::Postgres {
            let here = Place::open(&options(&plan.from, &plan.here)?, false)
                .await
                .context("the database of the source cannot be used")?;
            not_another(here.mark().await?.as_ref(), mark)?;
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

    pub async fn seed(&self) -> anyhow::Result<Option<[u8; 32]>> {
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
        if self.folder.is_none() {
            match crate::store::embedded::lock(&plan.from) {
                Ok(held) => self.folder = Some(held),
                Err(OpenError::Locked(_)) => return Ok(false),
                Err(error) => return Err(error).context("the folder of the source cannot be held"),
            }
        }
        if self.alone.is_none() {
            self.alone = match here.alone().await? {
                // A server whose line broke for a moment is back by then, and waits for its share.
                Some(alone) => {
                    sleep(COMES_BACK).await;
                    if here.somebody_waits().await? { None } else { Some(alone) }
                }
                None => None,
            };
        }
        if self.alone.is_none() {
            self.folder = None;
            return Ok(false);
        }
        let known = here.mark().await?;
        not_another(known.as_ref(), mark)?;
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

    pub async fn open_again(&self, mark: &Mark) -> anyhow::Result<()> {
        let Some(here) = &self.here else { return Ok(()) };
        match here.mark().await? {
            Some(known) if known.id == mark.id && known.state == "closed" => Ok(here.open_again().await?),
            _ => Ok(()),
        }
    }

    /// What servers over one database share beside their facts: what was told by mail and webhook, which lies in files elsewhere, and what the key of webhooks is made of
    /// where no file has it yet.
    pub async fn carry_shared(&self, plan: &Plan) -> anyhow::Result<()> {
        let mut told = papers::told_in(&plan.from)?;
        let mut seal = None;
        if let Some(here) = self.here.as_ref().filter(|_| !plan.same_facts) {
            // A file is what a server kept that told alone before.
            told.extend(here.told().await?);
            seal = here.seal().await?;
        }
        match (&self.there, seal) {
            (None, None) => {}
            (None, Some(seal)) => {
                secret::Secrets::among(&plan.to, Some(seal)).secret(0)?;
            }
            (Some(there), seal) => return Ok(there.put_shared(&told, seal.as_ref()).await?),
        }
        papers::put_told(&plan.to, &told)
    }
}

/// A database that another move left or closed is not what this one may take from.
#[cfg(feature = "postgres")]
fn not_another(known: Option<&DatabaseMark>, mark: &Mark) -> anyhow::Result<()> {
    let Some(known) = known.filter(|known| known.id != mark.id && known.state != "complete") else {
        return Ok(());
    };
    bail!("the database of the source belongs to another move ({}, {})", known.state, known.other)
}

#[cfg(feature = "postgres")]
impl Target {
    /// How far each stream came.
    pub async fn heads(&self) -> anyhow::Result<BTreeMap<StreamId, u64>> {
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
        // One that both ends share is opened with the source.
        let known = place.mark().await?;
        let is_open = |state: &str| matches!(state, "filling" | "complete");
        if known.is_none_or(|known| known.id == mark.id && is_open(&known.state)) {
            let mut alone = place.alone().await?;
            for _ in 0..STOPPING {
                if alone.is_none() {
                    sleep(Duration::from_millis(300)).await;
                    alone = place.alone().await?;
                }
            }
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

/// Whether the database of the target was opened by this move. The folder alone tells where there is none.
pub async fn has_arrived(plan: &Plan, mark: &Mark) -> anyhow::Result<bool> {
    #[cfg(feature = "postgres")]
    if plan.there.store.engine == Engine::Postgres && !plan.same_facts {
        let there = Place::open(&options(&plan.to, &plan.there)?, true)
            .await
            .context("the database of the target cannot be used")?;
        return Ok(there.mark().await?.is_some_and(|known| known.id == mark.id && known.state == "complete"));
    }
    let _read_by_databases = (plan, mark);
    Ok(false)
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
