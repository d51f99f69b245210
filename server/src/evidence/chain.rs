//! The chain list: one line an entry of a project's stream, so that whoever kept an earlier list sees that nothing behind them was changed. A line tells the
//! hash of what is stored, never the bytes. Never here: the studio's signature, who may ask.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use deadwax_domain::{Digest, Fact, ProjectId};
use sha2::{Digest as _, Sha256};

use crate::{
    ledger::{Kept, Ledger, LedgerError, Snapshot},
    store::{ReadError, Store, StreamId},
};

/// Lines of one piece.
pub const LINES_AT_ONCE: u64 = 4096;

/// `SEQ HASH`, and where the entry keeps a receipt the digest of its statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    pub seq: u64,
    pub entry: Digest,
    pub statement: Option<Digest>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seq, self.entry)?;
        if let Some(statement) = self.statement {
            write!(f, " {statement}")?;
        }
        f.write_str("\n")
    }
}

/// What is known of a list without having it in hand.
#[derive(Clone, Debug)]
pub struct Chain {
    pub entries: u64,
    /// Of the whole text.
    pub digest: Digest,
    /// Where statements stand.
    statements: Arc<Vec<(u64, Digest)>>,
}

/// The chain lists of a studio. Each entry is read once; what is kept of it is the state of the hash.
pub struct Chains {
    ledger: Arc<Ledger>,
    store: Arc<dyn Store>,
    known: Mutex<HashMap<ProjectId, Arc<tokio::sync::Mutex<Known>>>>,
}

#[derive(Default)]
struct Known {
    seq: u64,
    hash: Sha256,
    statements: Arc<Vec<(u64, Digest)>>,
}

impl Chains {
    pub fn new(ledger: Arc<Ledger>, store: Arc<dyn Store>) -> Self {
        Self { ledger, store, known: Mutex::default() }
    }

    /// A project and the list of the same seq; `None` where there is no such project.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn now(&self, id: ProjectId) -> Result<Option<(Arc<Snapshot>, Chain)>, LedgerError> {
        if self.ledger.project(id).await?.is_none() {
            return Ok(None);
        }
        let known = {
            let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(id).or_default())
        };
        // Asked for under the lock: a project never goes back, so that what is known is never beyond what is asked.
        let mut known = known.lock().await;
        let Some(snapshot) = self.ledger.project(id).await? else { return Ok(None) };
        while known.seq < snapshot.seq {
            let to = snapshot.seq.min(known.seq + LINES_AT_ONCE);
            self.learn(id, &mut known, to).await?;
        }
        let digest = Digest(known.hash.clone().finalize().into());
        let chain = Chain { entries: known.seq, digest, statements: Arc::clone(&known.statements) };
        Ok(Some((snapshot, chain)))
    }

    /// The text of the lines behind `after`, up to `to`.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn text(
        &self,
        id: ProjectId,
        chain: &Chain,
        after: u64,
        to: u64,
    ) -> Result<String, LedgerError> {
        let mut text = String::new();
        let (mut after, to) = (after, to.min(chain.entries));
        while after < to {
            let piece = to.min(after + LINES_AT_ONCE);
            for (seq, entry) in self.entries(id, after, piece).await? {
                let at = chain.statements.binary_search_by_key(&seq, |(seq, _)| *seq);
                let statement = at.ok().and_then(|at| chain.statements.get(at)).map(|(_, digest)| *digest);
                text.push_str(&Line { seq, entry, statement }.to_string());
            }
            after = piece;
        }
        Ok(text)
    }

    async fn learn(&self, id: ProjectId, known: &mut Known, to: u64) -> Result<(), LedgerError> {
        let entries = self.entries(id, known.seq, to).await?;
        let facts = self.ledger.events(id, known.seq, entries.len()).await?;
        if facts.len() != entries.len() {
            return Err(cut(id, to).into());
        }
        for ((seq, entry), fact) in entries.into_iter().zip(facts) {
            let statement = match &fact.kept {
                Kept::Event(event) => match &event.fact {
                    Fact::ReceiptKept { receipt, .. } => {
                        Some(Digest(Sha256::digest(receipt.statement.as_bytes()).into()))
                    }
                    _ => None,
                },
                Kept::Newer { .. } | Kept::Redacted => None,
            };
            if let Some(digest) = statement {
                Arc::make_mut(&mut known.statements).push((seq, digest));
            }
            known.hash.update(Line { seq, entry, statement }.to_string());
            known.seq = seq;
        }
        Ok(())
    }

    /// All of them, or an error.
    async fn entries(&self, id: ProjectId, after: u64, to: u64) -> Result<Vec<(u64, Digest)>, ReadError> {
        let count = usize::try_from(to.saturating_sub(after)).unwrap_or(usize::MAX);
        let marks = self.store.marks(StreamId(id.0), after, count).await?;
        if marks.len() != count {
            return Err(cut(id, to));
        }
        Ok(marks.into_iter().map(|mark| (mark.seq, Digest(mark.sha256))).collect())
    }
}

fn cut(id: ProjectId, to: u64) -> ReadError {
    ReadError::Corrupt { at: format!("stream {:032x}", id.0), what: format!("it ends before entry {to}") }
}
