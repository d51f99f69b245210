//! The two ends of a move as their settings tell them: what goes and what stays, and whether the target may be filled. Never here: what engines keep of a move
//! (`ends`), what is sent, and the order in which marks change.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use uuid::Uuid;

#[cfg(feature = "postgres")]
use crate::store::postgres::moved::Source as Database;
use crate::{
    blob::{
        far,
        moved::{Giver, Taker},
        settings::{self, Kind},
    },
    config::{self, Config},
    evidence::StudioKey,
    keep::migrate::{
        audio::Audio,
        ends::{self, Ends},
        facts::{self, Facts, Source, Target},
        mark::{Mark, State},
        papers,
    },
    store::{embedded::carry::Filling, settings::Engine},
};

/// Two folders and what their settings say.
pub struct Plan {
    pub from: PathBuf,
    pub to: PathBuf,
    pub here: Config,
    pub there: Config,
    /// Facts stay in the database where they are.
    pub same_facts: bool,
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

    /// Whether the servers that were kept out left the studio where this move takes it from: another move may have come to its end first.
    pub fn still_here(&self, mark: &Mark) -> anyhow::Result<()> {
        match Mark::of(&self.from)? {
            Some(left) if left.id != mark.id && left.state != State::Complete => {
                bail!(
                    "another move was quicker: of {}, {}. {} can be removed",
                    self.from.display(),
                    mark_words(&left),
                    self.to.display()
                )
            }
            _ => Ok(()),
        }
    }

    /// Killed after the target's database was opened and before its folder was: nothing is missing but the last mark, and the target may have gone on since. Answers
    /// that mark.
    pub async fn only_the_last_mark(&self, mark: &Mark) -> anyhow::Result<Option<Mark>> {
        let left = Mark::of(&self.from)?.filter(|left| left.state == State::Moved && left.id == mark.id);
        let Some(left) = left else { return Ok(None) };
        let arrived = ends::has_arrived(self, mark).await?;
        Ok(arrived.then(|| Mark { state: State::Complete, root: left.root, ..mark.clone() }))
    }

    /// Both ends, as far as they are to be moved.
    pub async fn open(&self, mark: &Mark) -> anyhow::Result<(Option<Facts>, Audio, Ends)> {
        let ends = Ends::open(self, mark).await?;
        let facts = match self.same_facts {
            true => None,
            false => Some(self.facts(mark, &ends).await?),
        };
        // What is brought to where it stays is no copy that may leave again.
        let stays = self.there.audio.store == Kind::Folder;
        let local_bytes = if stays { u64::MAX } else { self.here.audio.local_bytes };
        let giving = settings::Audio { local_bytes, ..self.here.audio.clone() };
        let here = far::of_settings(&giving, &self.from)?;
        let there = far::of_settings(&self.there.audio, &self.to)?;
        if let Some(far) = &there {
            let checked = far.check(&self.studio).await;
            checked.map_err(anyhow::Error::msg).context("the object store of the target cannot be used")?;
        }
        let giver = match self.same_audio {
            true => None,
            false => Some(
                Giver::open(&self.from, here, &self.to, self.there.limits.reserve_bytes)
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
                let opened =
                    tokio::task::spawn_blocking(move || Filling::open(&to, seed).map(Box::new)).await?;
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
