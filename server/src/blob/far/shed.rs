//! An object store in memory for tests: slow, refusing, losing its answers, tearing and bending what it sends, by lot. Never here: what has to hold over it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture, stream};

use super::{Arriving, Bucket, Far, FarError, Lying, PART_BYTES, Parts, Put};
use crate::store::conformance::Dice;

pub(super) fn of(folder: &Path) -> Arc<Shed> {
    static SHEDS: LazyLock<Mutex<BTreeMap<PathBuf, Arc<Shed>>>> = LazyLock::new(Mutex::default);
    SHEDS.lock().unwrap().entry(folder.to_owned()).or_default().clone()
}

pub(crate) fn far(shed: &Arc<Shed>, local_bytes: u64) -> Arc<Far> {
    Far::patient(shed.clone(), local_bytes, Duration::from_millis(1), Duration::from_millis(60))
}

/// An object store in memory.
#[derive(Default)]
pub(crate) struct Shed {
    pub(super) objects: Mutex<BTreeMap<String, (Bytes, SystemTime)>>,
    pub(super) faults: Mutex<Option<(Dice, u64)>>,
    pub(super) ignores_conditions: bool,
    pub(super) gets: AtomicU64,
    pub(crate) met: AtomicU64,
}

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// 503: nothing was done.
    Refused,
    /// Done, and nobody heard of it.
    LostAnswer,
    Slow,
    Torn,
    TornInSilence,
    WrongByte,
}

impl Shed {
    /// One call in `one_in` meets a fault from now on; 0: none. 1: the store is away.
    pub(crate) fn fail(&self, seed: u64, one_in: u64) {
        *self.faults.lock().unwrap() = (one_in > 0).then_some((Dice(seed), one_in));
    }

    fn fault(&self) -> Fault {
        let mut faults = self.faults.lock().unwrap();
        let Some((dice, one_in)) = &mut *faults else { return Fault::None };
        if dice.below(*one_in) != 0 {
            return Fault::None;
        }
        self.met.fetch_add(1, Ordering::Relaxed);
        if *one_in == 1 {
            return Fault::Refused;
        }
        let all = [Fault::Refused, Fault::LostAnswer, Fault::Torn, Fault::TornInSilence, Fault::WrongByte];
        // Each costs as long as we are patient.
        if dice.below(40) == 0 { Fault::Slow } else { all[dice.below(5) as usize] }
    }

    async fn doing<T>(
        &self,
        what: &'static str,
        key: &str,
        act: impl FnOnce(&mut BTreeMap<String, (Bytes, SystemTime)>) -> T,
    ) -> Result<T, FarError> {
        let fault = self.fault();
        if fault == Fault::Refused {
            return Err(FarError::away(what, key, "503"));
        }
        let done = act(&mut self.objects.lock().unwrap());
        match fault {
            Fault::LostAnswer => Err(FarError::away(what, key, "the answer was lost")),
            Fault::Slow => {
                tokio::time::sleep(Duration::from_secs(5)).await;
                Ok(done)
            }
            _ => Ok(done),
        }
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.objects.lock().unwrap().keys().cloned().collect()
    }

    pub(super) fn age(&self, prefix: &str, by: Duration) {
        let mut objects = self.objects.lock().unwrap();
        objects.iter_mut().filter(|(key, _)| key.starts_with(prefix)).for_each(|(_, it)| it.1 -= by);
    }

    pub(super) fn lay(&self, key: &str, bytes: &[u8]) {
        let lying = (Bytes::copy_from_slice(bytes), SystemTime::now());
        self.objects.lock().unwrap().insert(key.to_owned(), lying);
    }
}

impl Bucket for Shed {
    fn place(&self) -> &str {
        "the shed"
    }

    fn put<'a>(&'a self, key: &'a str, bytes: Bytes, only_new: bool) -> BoxFuture<'a, Result<Put, FarError>> {
        let only_new = only_new && !self.ignores_conditions;
        self.doing("write", key, move |objects| {
            if only_new && objects.contains_key(key) {
                return Put::Exists;
            }
            objects.insert(key.to_owned(), (bytes, SystemTime::now()));
            Put::Made
        })
        .boxed()
    }

    fn put_parts<'a>(&'a self, key: &'a str, parts: Parts<'a>) -> BoxFuture<'a, Result<(), FarError>> {
        async move {
            let parts: Vec<Bytes> =
                parts.try_collect().await.map_err(|error| FarError::away("write", key, error))?;
            assert!(parts.iter().rev().skip(1).all(|part| part.len() as u64 == PART_BYTES));
            self.doing("write", key, |objects| {
                objects.insert(key.to_owned(), (parts.concat().into(), SystemTime::now()));
            })
            .await
        }
        .boxed()
    }

    fn length<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<u64>, FarError>> {
        self.doing("look for", key, move |objects| objects.get(key).map(|it| it.0.len() as u64)).boxed()
    }

    fn get<'a>(
        &'a self,
        key: &'a str,
        from: u64,
    ) -> BoxFuture<'a, Result<Option<(u64, Arriving)>, FarError>> {
        async move {
            self.gets.fetch_add(1, Ordering::Relaxed);
            let found = self.doing("read", key, |objects| objects.get(key).map(|it| it.0.clone())).await?;
            let Some(whole) = found else { return Ok(None) };
            let (total, mut rest) = (whole.len() as u64, whole.slice(from as usize..).to_vec());
            let half = rest.len() / 2;
            let fault = self.fault();
            let torn = matches!(fault, Fault::Torn | Fault::TornInSilence);
            if torn {
                rest.truncate(half);
            }
            if fault == Fault::WrongByte && !rest.is_empty() {
                rest[half] ^= 1;
            }
            let mut chunks: Vec<Result<Bytes, FarError>> =
                rest.chunks(50_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
            if fault == Fault::Torn {
                chunks.push(Err(FarError::away("read", key, "the line broke")));
            }
            Ok(Some((total, stream::iter(chunks).boxed())))
        }
        .boxed()
    }

    fn list<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<Lying>, FarError>> {
        self.doing("list", folder, move |objects| {
            let begins = format!("{folder}/");
            let found = objects.iter().filter(|(key, _)| key.starts_with(&begins));
            found
                .map(|(key, it)| Lying { key: key.clone(), bytes: it.0.len() as u64, changed: it.1 })
                .collect()
        })
        .boxed()
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), FarError>> {
        self.doing("remove", key, move |objects| drop(objects.remove(key))).boxed()
    }

    fn copy<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<bool, FarError>> {
        self.doing("copy", from, move |objects| {
            let found = objects.get(from).map(|it| it.0.clone());
            found.map(|bytes| objects.insert(to.to_owned(), (bytes, SystemTime::now()))).is_some()
        })
        .boxed()
    }
}
