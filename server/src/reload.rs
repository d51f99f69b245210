//! Settings read again while the server runs, on SIGHUP: which keys can change under it, and what becomes of the others. All or nothing: where the file, the
//! certificate or what the settings name cannot be used, everything stays as it was. Never here: what a setting does; who uses one asks for it anew, or
//! watches.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use deadwax_domain::Digest;
use serde_json::Value;
use tokio::sync::watch;

use crate::{
    config::{Certificate, Config, ConfigError},
    notify::Notifier,
    studio::Studio,
    telemetry,
    tls::Identity,
};

/// Whether a key counts when the settings are read again, or at the next start only. Every key stands here and in docs/OPERATIONS.md; a test holds both.
pub const KEYS: [(&str, Counts); 77] = {
    use Counts::{AfterRestart as Later, AtOnce as Now};
    [
        ("name", Later),
        ("listen", Later),
        ("public_address", Now),
        ("tls", Later),
        ("certificate.file", Now),
        ("certificate.key", Now),
        ("certificate.client_authority", Now),
        ("access.passphrase", Now),
        ("access.forget_after_session", Now),
        ("limits.max_upload_bytes", Now),
        ("limits.reserve_bytes", Later),
        ("limits.uploads_per_person", Now),
        ("limits.message_bytes", Later),
        ("limits.upload_stall_s", Now),
        ("limits.connections", Now),
        ("limits.connections_per_address", Now),
        ("door.streams_per_connection", Later),
        ("door.connections_per_person", Now),
        ("door.handshake_s", Now),
        ("door.first_call_s", Now),
        ("door.keepalive_s", Later),
        ("door.keepalive_timeout_s", Later),
        ("door.connection_age_s", Later),
        ("door.connection_age_grace_s", Later),
        ("door.header_bytes", Later),
        ("door.calls_per_s", Now),
        ("door.calls_burst", Now),
        ("door.changes_at_once", Now),
        ("door.upload_bytes_per_day", Now),
        ("door.upload_files_per_day", Now),
        ("render.here", Later),
        ("render.workers", Later),
        ("render.lease_seconds", Later),
        ("render.memory_bytes", Later),
        ("render.cpu_seconds", Later),
        ("render.wall_seconds", Later),
        ("render.confine", Later),
        ("render.recipe", Later),
        ("render.inserts", Later),
        ("mail.host", Now),
        ("mail.port", Now),
        ("mail.security", Now),
        ("mail.user", Now),
        ("mail.password_file", Now),
        ("mail.from", Now),
        ("mail.digest_hour", Now),
        ("mail.allow_plain", Now),
        ("mail.roots", Now),
        ("webhooks.enabled", Now),
        ("webhooks.allow_private", Now),
        ("webhooks.hosts", Now),
        ("webhooks.roots", Now),
        ("examine.workers", Later),
        ("keep.collect", Now),
        ("keep.scrub_bytes_per_s", Now),
        ("keep.repair_from", Now),
        ("store.engine", Later),
        ("store.url", Later),
        ("store.url_file", Later),
        ("store.pool", Later),
        ("store.trust_seconds", Later),
        ("store.ca", Later),
        ("audio.store", Later),
        ("audio.endpoint", Later),
        ("audio.bucket", Later),
        ("audio.region", Later),
        ("audio.prefix", Later),
        ("audio.credentials_file", Later),
        ("audio.access_key", Later),
        ("audio.secret_key", Later),
        ("audio.ca", Later),
        ("audio.local_bytes", Later),
        ("log.format", Later),
        ("log.level", Now),
        ("metrics.listen", Later),
        ("telemetry.otlp", Later),
        ("telemetry.share", Later),
    ]
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// When the settings are read again.
    AtOnce,
    AfterRestart,
}

/// Keys with their values: a table is taken apart once, so that what an operator sets is one key.
pub fn leaves(config: &Config) -> BTreeMap<String, Value> {
    let mut leaves = BTreeMap::new();
    let Ok(Value::Object(top)) = serde_json::to_value(config) else { return leaves };
    for (key, value) in top {
        match value {
            Value::Object(table) => {
                leaves.extend(table.into_iter().map(|(inner, value)| (format!("{key}.{inner}"), value)));
            }
            value => drop(leaves.insert(key, value)),
        }
    }
    leaves
}

/// What a fresh reading brings.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// What holds from now on.
    pub config: Config,
    /// Keys that changed.
    pub changed: Vec<String>,
    /// Keys that stand otherwise in the file and hold on until a restart.
    pub waiting: Vec<String>,
}

/// The fresh values of keys that count at once over those that hold now.
///
/// # Errors
/// The two do not go together; names the key.
pub fn merge(holds: &Config, fresh: &Config) -> Result<Merged, ConfigError> {
    let whole = |config: &Config| {
        serde_json::to_value(config)
            .map_err(|error| ConfigError(format!("The settings cannot be compared: {error}.")))
    };
    let mut merged = whole(holds)?;
    let (before, after) = (leaves(holds), leaves(fresh));
    let (mut changed, mut waiting) = (Vec::new(), Vec::new());
    for (key, value) in after {
        if before.get(&key) == Some(&value) {
            continue;
        }
        if !KEYS.iter().any(|(known, counts)| *known == key && *counts == Counts::AtOnce) {
            waiting.push(key);
            continue;
        }
        let place = match key.split_once('.') {
            Some((table, inner)) => merged.get_mut(table).and_then(|table| table.get_mut(inner)),
            None => merged.get_mut(&key),
        };
        if let Some(place) = place {
            *place = value;
            changed.push(key);
        }
    }
    let config: Config = serde_json::from_value(merged)
        .map_err(|error| ConfigError(format!("The settings cannot be put together: {error}.")))?;
    config.check()?;
    Ok(Merged { config, changed, waiting })
}

/// The settings that hold now, and the certificate shown to whoever comes.
pub struct Current {
    config: watch::Sender<Arc<Config>>,
    identity: watch::Sender<Option<Arc<Identity>>>,
    fingerprint: RwLock<Option<Digest>>,
}

impl Current {
    pub fn new(config: Config, fingerprint: Option<Digest>) -> Self {
        Self {
            config: watch::Sender::new(Arc::new(config)),
            identity: watch::Sender::new(None),
            fingerprint: RwLock::new(fingerprint),
        }
    }

    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    pub fn watch(&self) -> watch::Receiver<Arc<Config>> {
        self.config.subscribe()
    }

    /// A certificate that takes the place of the one that the server started with.
    pub fn watch_identity(&self) -> watch::Receiver<Option<Arc<Identity>>> {
        self.identity.subscribe()
    }

    pub fn fingerprint(&self) -> Option<Digest> {
        *self.fingerprint.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    #[error("{0}")]
    Settings(#[from] ConfigError),
    #[error("{0:#}")]
    Named(anyhow::Error),
}

/// What a reading changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub changed: Vec<String>,
    pub waiting: Vec<String>,
    /// The new one, where it is another.
    pub fingerprint: Option<Digest>,
}

/// Where the settings of a running studio come from.
pub struct Reloader {
    pub studio: Arc<Studio>,
    pub folder: PathBuf,
    /// Given at the start instead of `listen`.
    pub listen: Option<SocketAddr>,
    pub variables: Vec<(String, String)>,
}

impl Reloader {
    /// Reads everything again and tells what came of it.
    pub async fn read_again(&self) {
        let read = self.take().await;
        self.studio.metrics.reloads.told(read.is_ok());
        match read {
            Ok(Taken { changed, waiting, fingerprint }) => {
                let changed = changed.join(", ");
                tracing::info!(changed, "the settings were read again");
                if let Some(fingerprint) = fingerprint {
                    tracing::warn!(%fingerprint, "another certificate is shown from now on: clients that know the one before stop and ask");
                }
                if !waiting.is_empty() {
                    let keys = waiting.join(", ");
                    tracing::warn!(keys, "settings that changed count after a restart only");
                }
            }
            Err(error) => {
                tracing::error!(%error, "the settings cannot be used as they lie there; those from before hold on");
            }
        }
    }

    /// # Errors
    /// What cannot be used, with the file and its line, or the key. Nothing was changed then.
    pub async fn take(&self) -> Result<Taken, ReloadError> {
        let mut fresh = Config::load(&self.folder, self.variables.clone())?;
        if let Some(listen) = self.listen {
            fresh.listen = listen;
            fresh.check()?;
        }
        let current = &self.studio.current;
        let Merged { config, changed, waiting } = merge(&current.config(), &fresh)?;
        let identity = match config.tls {
            true => Some(self.identity(&config.certificate).map_err(ReloadError::Named)?),
            false => None,
        };
        // What webhooks and mail need is read here once, so that a mistake leaves those that run alone.
        let _usable =
            Notifier::of(&self.studio, &config, &self.studio.closing).map_err(ReloadError::Named)?;
        telemetry::set_level(config.log.level);
        let fingerprint = identity.and_then(|identity| self.show(identity));
        current.config.send_replace(Arc::new(config));
        Ok(Taken { changed, waiting, fingerprint })
    }

    /// The certificate that the settings name, or that lies in the folder, with a key that is its own.
    fn identity(&self, settings: &Certificate) -> anyhow::Result<Identity> {
        let identity = Identity::of(&self.folder, settings)?;
        identity.server_config()?;
        Ok(identity)
    }

    /// Its fingerprint where it is another than before.
    fn show(&self, identity: Identity) -> Option<Digest> {
        let current = &self.studio.current;
        let fresh = identity.fingerprint();
        let before = current.fingerprint.write().unwrap_or_else(PoisonError::into_inner).replace(fresh);
        current.identity.send_replace(Some(Arc::new(identity)));
        (before != Some(fresh)).then_some(fresh)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_key_is_told_and_no_other() {
        let told: BTreeSet<&str> = KEYS.iter().map(|(key, _)| *key).collect();
        assert_eq!(told.len(), KEYS.len(), "a key stands twice");
        let known = leaves(&Config::default());
        let known: BTreeSet<&str> = known.keys().map(String::as_str).collect();
        assert_eq!(told, known, "a key of the settings has no row in KEYS, or a row has no key");
    }

    #[test]
    fn what_counts_at_once_is_taken_and_the_rest_is_named() {
        let holds = Config::default();
        let mut fresh = holds.clone();
        fresh.door.calls_burst = 7;
        fresh.log.level = crate::config::LogLevel::Debug;
        fresh.listen = "127.0.0.1:9".parse().unwrap();
        fresh.render.workers = 9;
        fresh.public_address = "studio.example:4747".into();
        let merged = merge(&holds, &fresh).unwrap();
        assert_eq!(merged.changed, ["door.calls_burst", "log.level", "public_address"]);
        assert_eq!(merged.waiting, ["listen", "render.workers"]);
        let mut wanted = fresh;
        (wanted.listen, wanted.render.workers) = (holds.listen, holds.render.workers);
        assert_eq!(merged.config, wanted);
        assert_eq!(
            merge(&holds, &holds).unwrap(),
            Merged { config: holds, changed: vec![], waiting: vec![] }
        );
    }

    #[test]
    fn every_key_that_counts_at_once_can_be_carried_over() {
        let (holds, mut fresh) = (Config::default(), Config::default());
        fresh.mail.host = "mail.example".into();
        fresh.mail.from = "a@b.example".into();
        fresh.keep.repair_from = "/backup".into();
        fresh.access.passphrase = crate::config::Passphrases::Required;
        let merged = merge(&holds, &fresh).unwrap();
        assert_eq!(merged.changed, ["access.passphrase", "keep.repair_from", "mail.from", "mail.host"]);
        assert_eq!(merged.config, fresh);
    }
}
