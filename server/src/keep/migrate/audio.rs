//! Audio from place to place, in rounds: what the target lacks is taken, each file is read back there once, and at the end every file that facts name must lie there.
//! Which were read back stands in a list of the target's folder, so that a move that is gone on with does not read them again. Never here: how bytes travel
//! (`blob::moved`).

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use deadwax_domain::Digest;
use futures::{StreamExt as _, stream};
use tokio::time::{Instant, sleep};

use crate::blob::{
    BlobError,
    moved::{Given, Giver, Taker},
};

/// In the folder of the target while it is filled.
pub const CHECKED: &str = "move.checked";
/// Files on their way at the same time.
const AT_ONCE: usize = 4;
/// An object store that is away is asked again for so long, counted from the last file that came through.
const PATIENCE: Duration = if cfg!(test) { Duration::from_secs(3) } else { Duration::from_secs(60) };
const REST: Duration = if cfg!(test) { Duration::from_millis(5) } else { Duration::from_secs(1) };
const NEXT: &str = "put the source right first (deadwax-server verify names each file, docs/HARDENING.md says how), then run the same again";
/// A file that looks damaged is looked at so often before that is believed.
const LOOKS: u32 = 4;

pub struct Audio {
    /// `None`: source and target keep their audio at the same place.
    giver: Option<Giver>,
    taker: Taker,
    checked: HashSet<Digest>,
    list: PathBuf,
    /// Whose bytes are wrong at the source, or gone there.
    damaged: BTreeSet<Digest>,
}

/// What a round did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Round {
    pub files: u64,
    pub bytes: u64,
}

impl Round {
    fn and(self, more: Self) -> Self {
        Self { files: self.files + more.files, bytes: self.bytes + more.bytes }
    }
}

fn is_away(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(BlobError::Far(far)) if !far.lasting)
}

/// Until an object store that is away answers, or patience is over.
async fn patiently<T, F: Future<Output = anyhow::Result<T>>>(
    mut ask: impl FnMut() -> F,
) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        match ask().await {
            Err(error) if is_away(&error) && begun.elapsed() < PATIENCE => sleep(REST).await,
            answer => return answer,
        }
    }
}

impl Audio {
    /// # Errors
    /// Where the list of files that were read back cannot be read.
    pub fn new(giver: Option<Giver>, taker: Taker, to: &Path) -> anyhow::Result<Self> {
        let list = to.join(CHECKED);
        let text = match fs::read_to_string(&list) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.with_context(|| format!("reading {} failed", list.display()))?,
        };
        // A line that was cut short is none.
        let digest = |line: &str| Some(Digest(hex::decode(line).ok()?.try_into().ok()?));
        let checked = text.lines().filter_map(digest).collect();
        Ok(Self { giver, taker, checked, list, damaged: BTreeSet::new() })
    }

    /// Takes what is missing, and reads it back. Waits for an object store that is away for a moment.
    ///
    /// # Errors
    /// Where an end cannot be used; damage that is there at every look is only remembered.
    pub async fn round(&mut self, tell: impl Fn(Round, u64)) -> anyhow::Result<Round> {
        let (mut all, mut since, mut is_told) = (Round::default(), Instant::now(), false);
        let mut looks = 1;
        loop {
            let before = all.files;
            let told = |round: Round, left: u64| {
                all = all.and(round);
                tell(all, all.files + left);
            };
            let Err(error) = self.try_round(told).await else {
                // Bytes are bent on their way as well, and the source may put a file right.
                if self.damaged.is_empty() || looks == LOOKS {
                    return Ok(all);
                }
                looks += 1;
                sleep(REST).await;
                continue;
            };
            if all.files > before {
                (since, is_told) = (Instant::now(), false);
            }
            if !is_away(&error) || since.elapsed() > PATIENCE {
                return Err(error);
            }
            if !is_told {
                eprintln!("The object store is away ({error:#}); it is asked again.");
                is_told = true;
            }
            sleep(REST).await;
        }
    }

    /// Tells of each file that is there by now, and how many are not.
    async fn try_round(&mut self, mut tell: impl FnMut(Round, u64)) -> anyhow::Result<()> {
        let Some(giver) = &self.giver else { return Ok(()) };
        let there = self.taker.names().await.context("listing the audio of the target failed")?;
        let here = giver.names().await.context("listing the audio of the source failed")?;
        let open: Vec<(Digest, u64)> = here
            .iter()
            .filter(|(digest, bytes)| there.get(*digest) != Some(*bytes) || !self.checked.contains(*digest))
            .map(|(digest, bytes)| (*digest, *bytes))
            .collect();
        let mut left = open.len() as u64;
        let (taker, there) = (&self.taker, &there);
        let moves = open.into_iter().map(|(digest, bytes)| async move {
            let lies = there.get(&digest) == Some(&bytes);
            (digest, bytes, move_one(giver, taker, digest, lies).await)
        });
        let mut moves = stream::iter(moves).buffer_unordered(AT_ONCE);
        let mut list = OpenOptions::new().create(true).append(true).mode(0o600).open(&self.list);
        while let Some((digest, bytes, moved)) = moves.next().await {
            match moved.with_context(|| format!("moving the file {digest} failed; run the same again"))? {
                Given::Done => {
                    self.damaged.remove(&digest);
                    self.checked.insert(digest);
                    let list = list.as_mut().map_err(|error| io::Error::from(error.kind()));
                    list.and_then(|list| writeln!(list, "{digest}"))
                        .context("writing down what was read back failed")?;
                    left -= 1;
                    tell(Round { files: 1, bytes }, left);
                }
                Given::Gone => drop(self.damaged.remove(&digest)),
                Given::Damaged => drop(self.damaged.insert(digest)),
            }
        }
        Ok(())
    }

    /// What no stop of the servers would mend.
    ///
    /// # Errors
    /// The first file whose bytes are wrong at the source, and what to do.
    pub fn must_be_sound(&self) -> anyhow::Result<()> {
        match self.damaged.first() {
            Some(digest) => {
                bail!("the source is damaged: the bytes of {digest} do not match their name; {NEXT}")
            }
            None => Ok(()),
        }
    }

    /// Whether everything that facts name, and everything that the source has, lies in the target.
    ///
    /// # Errors
    /// The first file that does not, by its digest, and what to do.
    pub async fn compare(&self, named: &BTreeMap<Digest, Option<u64>>) -> anyhow::Result<(u64, u64)> {
        let there = patiently(|| async {
            self.taker.names().await.context("listing the audio of the target failed")
        });
        let there = there.await?;
        for (digest, said) in named {
            match (there.get(digest), said) {
                (None, _) if self.damaged.contains(digest) => self.must_be_sound()?,
                (None, _) => bail!("facts name the file {digest}, and the source does not have it; {NEXT}"),
                (Some(bytes), Some(said)) if bytes != said => {
                    bail!("the file {digest} has {bytes} bytes, and facts say {said}; {NEXT}")
                }
                _ => {}
            }
        }
        self.must_be_sound()?;
        if let Some(giver) = &self.giver {
            let here =
                patiently(|| async { giver.names().await.context("listing the audio of the source failed") });
            let here = here.await?;
            let lacks =
                here.keys().find(|digest| !there.contains_key(*digest) || !self.checked.contains(*digest));
            ensure!(
                lacks.is_none(),
                "the file {} is not in the target; run the same again",
                lacks.map(Digest::to_string).unwrap_or_default()
            );
        }
        Ok((there.len() as u64, there.values().sum()))
    }

    /// The list is of no more use.
    pub fn forget_list(&self) {
        // One that stays does no harm: it is read by a move to this folder alone.
        let _stays = fs::remove_file(&self.list);
    }
}

/// Taken where it is missing, read back, and taken once more where what lies there is wrong.
async fn move_one(giver: &Giver, taker: &Taker, digest: Digest, lies: bool) -> anyhow::Result<Given> {
    if !lies {
        match taker.take(giver, digest, false).await? {
            Given::Done => {}
            other => return Ok(other),
        }
    }
    if taker.is_right(digest).await? {
        return Ok(Given::Done);
    }
    taker.drop_wrong(digest).await?;
    match taker.take(giver, digest, true).await? {
        Given::Done if taker.is_right(digest).await? => Ok(Given::Done),
        Given::Done => bail!("what was written of it to the target is not what is read there"),
        other => Ok(other),
    }
}
