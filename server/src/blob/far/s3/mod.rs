//! An object store that speaks S3, as a [`Bucket`]: put, parts, get, list, remove and copy, with the checksum of each body told to the store. Never here: what
//! keys mean, and links for outsiders.

mod line;

#[cfg(test)]
mod tests;

use std::{
    path::Path as FilePath,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use object_store::{
    BackoffConfig, CopyOptions, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutMode,
    PutPayload, RetryConfig,
    aws::{AmazonS3Builder, Checksum},
    path::Path,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};

use super::{Arriving, Bucket, Far, FarError, Lying, Parts, Put};
use crate::blob::settings::Audio;
use line::Line;

/// Parts of one object that are sent at the same time.
const AT_ONCE: usize = 3;
/// Of what a store says.
const SAID_MAX: usize = 300;
/// A store copies no more than this in one request (5 GB).
const COPY_BYTES_MAX: u64 = 5_000_000_000;

/// Objects of one bucket below one prefix.
pub struct S3 {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    place: String,
}

/// The far side of a studio's audio, as its settings tell. Nothing is asked yet.
pub fn open(settings: &Audio, folder: &FilePath) -> anyhow::Result<Arc<Far>> {
    Ok(Far::new(Arc::new(S3::open(settings, folder)?), settings.local_bytes))
}

impl S3 {
    pub fn open(settings: &Audio, folder: &FilePath) -> anyhow::Result<Self> {
        let who = settings.credentials(folder).map_err(anyhow::Error::msg)?;
        let ca = (!settings.ca.as_os_str().is_empty()).then(|| folder.join(&settings.ca));
        let tls = tls(ca.as_deref()).context("TLS to the object store cannot be used; see `audio.ca`")?;
        let backoff = BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        };
        let retry = RetryConfig { backoff, max_retries: 4, retry_timeout: Duration::from_secs(10) };
        let mut builder = AmazonS3Builder::new()
            .with_access_key_id(who.access_key)
            .with_secret_access_key(who.secret_key.reveal())
            .with_region(&settings.region)
            .with_bucket_name(&settings.bucket)
            .with_checksum_algorithm(Checksum::SHA256)
            .with_retry(retry)
            .with_http_connector(Line::new(tls));
        if !settings.endpoint.is_empty() {
            // `audio.endpoint` was checked: plain http is for this machine alone.
            builder = builder.with_endpoint(&settings.endpoint).with_allow_http(true);
        }
        let store = builder.build().context("the object store of `[audio]` cannot be used")?;
        let endpoint = if settings.endpoint.is_empty() { "Amazon S3" } else { &settings.endpoint };
        let place = format!("the bucket {} of {endpoint}, below `{}`", settings.bucket, settings.prefix);
        Ok(Self::over(Arc::new(store), &settings.prefix, place))
    }

    pub(super) fn over(store: Arc<dyn ObjectStore>, prefix: &str, place: String) -> Self {
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Self { store, prefix, place }
    }

    fn path(&self, key: &str) -> Path {
        Path::from(format!("{}{key}", self.prefix))
    }

    async fn put_all(&self, key: &str, mut parts: Parts<'_>) -> Result<(), FarError> {
        let no = |error| failed("write", key, error);
        let mut upload =
            self.store.put_multipart_opts(&self.path(key), Default::default()).await.map_err(no)?;
        let sent = async {
            let mut sending = FuturesOrdered::new();
            while let Some(part) = parts.next().await {
                let part = part.map_err(|error| FarError::away("write", key, error))?;
                sending.push_back(upload.put_part(PutPayload::from_bytes(part)));
                if sending.len() >= AT_ONCE {
                    sending.try_next().await.map_err(no)?;
                }
            }
            while sending.try_next().await.map_err(no)?.is_some() {}
            upload.complete().await.map_err(no)
        };
        let sent = sent.await;
        if sent.is_err() {
            // Where this fails too, the rule of the bucket for unfinished uploads removes the parts: see docs/OPERATIONS.md.
            let _ = upload.abort().await;
        }
        sent.map(drop)
    }

    async fn copy_all(&self, from: &str, to: &str) -> Result<bool, FarError> {
        let Some(bytes) = self.length(from).await? else { return Ok(false) };
        if bytes > COPY_BYTES_MAX {
            let Some((_, arriving)) = self.get(from, 0).await? else { return Ok(false) };
            self.put_all(to, whole_parts(arriving).boxed()).await?;
            return Ok(true);
        }
        match self.store.copy_opts(&self.path(from), &self.path(to), CopyOptions::new()).await {
            Ok(()) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(failed("copy", from, error)),
        }
    }
}

impl Bucket for S3 {
    fn place(&self) -> &str {
        &self.place
    }

    fn put<'a>(&'a self, key: &'a str, bytes: Bytes, only_new: bool) -> BoxFuture<'a, Result<Put, FarError>> {
        async move {
            let (path, payload) = (self.path(key), PutPayload::from_bytes(bytes));
            if only_new {
                match self.store.put_opts(&path, payload.clone(), PutMode::Create.into()).await {
                    Ok(_) => return Ok(Put::Made),
                    Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => return Ok(Put::Exists),
                    // A store that knows no conditions: keys are chosen so that this does no harm.
                    Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {}
                    Err(error) => return Err(failed("write", key, error)),
                }
            }
            match self.store.put(&path, payload).await {
                Ok(_) => Ok(Put::Made),
                Err(error) => Err(failed("write", key, error)),
            }
        }
        .boxed()
    }

    fn put_parts<'a>(&'a self, key: &'a str, parts: Parts<'a>) -> BoxFuture<'a, Result<(), FarError>> {
        self.put_all(key, parts).boxed()
    }

    fn length<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<u64>, FarError>> {
        async move {
            match self.store.head(&self.path(key)).await {
                Ok(meta) => Ok(Some(meta.size)),
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(failed("look for", key, error)),
            }
        }
        .boxed()
    }

    fn get<'a>(
        &'a self,
        key: &'a str,
        from: u64,
    ) -> BoxFuture<'a, Result<Option<(u64, Arriving)>, FarError>> {
        async move {
            let range = (from > 0).then_some(GetRange::Offset(from));
            let options = GetOptions { range, ..GetOptions::default() };
            match self.store.get_opts(&self.path(key), options).await {
                Ok(found) => {
                    let (total, key) = (found.meta.size, key.to_owned());
                    let arriving = found.into_stream().map_err(move |error| failed("read", &key, error));
                    Ok(Some((total, arriving.boxed())))
                }
                Err(Error::NotFound { .. }) => Ok(None),
                Err(error) => Err(failed("read", key, error)),
            }
        }
        .boxed()
    }

    fn list<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<Vec<Lying>, FarError>> {
        async move {
            let mut found = Vec::new();
            let mut listed = self.store.list(Some(&self.path(folder)));
            while let Some(it) = listed.try_next().await.map_err(|error| failed("list", folder, error))? {
                let Some(key) = it.location.as_ref().strip_prefix(&self.prefix) else { continue };
                let changed = u64::try_from(it.last_modified.timestamp_millis()).unwrap_or_default();
                let changed = SystemTime::UNIX_EPOCH + Duration::from_millis(changed);
                found.push(Lying { key: key.to_owned(), bytes: it.size, changed });
            }
            Ok(found)
        }
        .boxed()
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), FarError>> {
        async move {
            match self.store.delete(&self.path(key)).await {
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(error) => Err(failed("remove", key, error)),
            }
        }
        .boxed()
    }

    fn copy<'a>(&'a self, from: &'a str, to: &'a str) -> BoxFuture<'a, Result<bool, FarError>> {
        self.copy_all(from, to).boxed()
    }
}

/// Cut anew, so that each may be sent as a part.
fn whole_parts(arriving: Arriving) -> impl futures::Stream<Item = std::io::Result<Bytes>> + Send {
    let state = (arriving, bytes::BytesMut::new(), false);
    futures::stream::try_unfold(state, |(mut arriving, mut part, mut ended)| async move {
        while !ended && (part.len() as u64) < super::PART_BYTES {
            match arriving.try_next().await.map_err(std::io::Error::other)? {
                Some(chunk) => part.extend_from_slice(&chunk),
                None => ended = true,
            }
        }
        let length = part.len().min(super::PART_BYTES as usize);
        let now = part.split_to(length).freeze();
        Ok((!now.is_empty()).then_some((now, (arriving, part, ended))))
    })
}

/// Its sentence names the key and what the store said, and holds no credentials: those travel in headers.
fn failed(what: &'static str, key: &str, error: Error) -> FarError {
    let lasting = matches!(
        error,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } | Error::NotFound { .. }
    );
    let why = match &error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            "it says that these credentials may not; look at `audio.credentials_file`, the region and the rules of the bucket".to_owned()
        }
        Error::NotFound { .. } => "there is no such bucket; make it first, and look at `audio.bucket`".to_owned(),
        error => without_places(&error.to_string()),
    };
    FarError { what, key: key.to_owned(), why, lasting }
}

/// It may be told to members: addresses are the operator's to know.
fn without_places(said: &str) -> String {
    let words = said.split_whitespace().map(|word| if word.contains("://") { "(the store)" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(SAID_MAX).collect()
}

fn tls(ca: Option<&FilePath>) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    match ca {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(path) => {
            let reading = || format!("reading {} failed", path.display());
            for found in CertificateDer::pem_file_iter(path).with_context(reading)? {
                roots.add(found.with_context(reading)?).with_context(reading)?;
            }
            ensure!(!roots.is_empty(), "{} holds no certificate", path.display());
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
