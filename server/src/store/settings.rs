//! The settings `[store]`: where the facts of a studio are kept. Never here: connecting.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, Serializer};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    pub engine: Engine,
    /// `postgres://user:password@host/database`. Better in `url_file` or in the environment.
    pub url: Url,
    /// A file with the URL alone, readable by this user only; relative paths begin at the studio folder.
    pub url_file: PathBuf,
    /// Connections of this server to the database.
    pub pool: u32,
    /// So long a server that hears nothing from the database lets in whom it knew: another server may have ended their session.
    pub trust_seconds: u32,
    /// A PEM file with the authorities of the database's certificate. Empty: the public ones.
    pub ca: PathBuf,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// The journal in the studio folder.
    #[default]
    Embedded,
    /// A Postgres, or an engine that speaks its language; needs a server built with the feature `postgres`.
    Postgres,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            engine: Engine::Embedded,
            url: Url::default(),
            url_file: PathBuf::new(),
            pool: 16,
            trust_seconds: 1,
            ca: PathBuf::new(),
        }
    }
}

/// With a password in it, so it is never shown, logged or written out.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Url(String);

impl Url {
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "(secret)" })
    }
}

impl Serialize for Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("")
    }
}

impl Store {
    /// The key that is wrong, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.engine == Engine::Embedded {
            return Ok(());
        }
        if cfg!(not(feature = "postgres")) {
            let what = "this deadwax-server was built without the feature `postgres`; build it with --features postgres, or use \"embedded\".";
            return Err(("store.engine", what.into()));
        }
        if self.url.is_empty() == self.url_file.as_os_str().is_empty() {
            let what = "with \"postgres\" exactly one of `store.url` and `store.url_file` tells where the database is.";
            return Err(("store.url", what.into()));
        }
        if !(4..=1024).contains(&self.pool) {
            return Err(("store.pool", "it must be 4 to 1024.".into()));
        }
        if !(1..=86_400).contains(&self.trust_seconds) {
            return Err(("store.trust_seconds", "it must be 1 to 86400.".into()));
        }
        Ok(())
    }

    /// The lines of a new `studio.toml`. A URL that was given otherwise is not written down.
    pub fn template(&self) -> String {
        let engine = match self.engine {
            Engine::Embedded => "embedded",
            Engine::Postgres => "postgres",
        };
        let quoted = |path: &Path| serde_json::Value::from(path.to_string_lossy().into_owned()).to_string();
        format!(
            "[store]\n\
             # \"embedded\": the facts lie in this folder. \"postgres\": in a database, whose URL is in DEADWAX_STORE__URL or in a file of its own.\n\
             engine = \"{engine}\"\n\
             url_file = {url_file}\n\
             # Authorities of the database's certificate (PEM); empty: the public ones.\n\
             ca = {ca}\n\n",
            url_file = quoted(&self.url_file),
            ca = quoted(&self.ca),
        )
    }

    /// The URL, from wherever it stands.
    ///
    /// # Errors
    /// A sentence where the file cannot be read, is empty, or can be read by others.
    pub fn secret_url(&self, folder: &Path) -> Result<Url, String> {
        use std::os::unix::fs::PermissionsExt as _;
        if !self.url.is_empty() {
            return Ok(self.url.clone());
        }
        let path = folder.join(&self.url_file);
        let unread = |error| format!("reading {} failed: {error}; see `store.url_file`", path.display());
        let mode = std::fs::metadata(&path).map_err(unread)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(format!(
                "{} can be read by others; `chmod 600` it: it holds the database's password",
                path.display()
            ));
        }
        let text = std::fs::read_to_string(&path).map_err(unread)?;
        match text.trim() {
            "" => Err(format!("{} is empty; it must hold the URL of the database", path.display())),
            url => Ok(Url::new(url)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "postgres://ann:secret@db.example/studio";

    #[test]
    fn the_url_is_never_shown() {
        let store = Store { engine: Engine::Postgres, url: Url::new(URL), ..Store::default() };
        let shown = [format!("{store:?}"), serde_json::to_string(&store).unwrap(), store.template()].concat();
        assert!(!shown.contains("secret@") && !shown.contains("db.example"), "{shown}");
        assert_eq!(store.url.reveal(), URL);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        let store = Store { url_file: "url".into(), ..Store::default() };
        assert!(store.secret_url(folder.path()).unwrap_err().contains("store.url_file"));
        std::fs::write(&path, format!("{URL}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(store.secret_url(folder.path()).unwrap_err().contains("chmod 600"));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(store.secret_url(folder.path()), Ok(Url::new(URL)));
    }
}
