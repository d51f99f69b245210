//! Who signs in where: one file per profile (a server and a person), readable by its owner only, replaced whole or not at all.
//! Several people can use one machine: `--profile NAME`, or a home of their own through DEADWAX_HOME. Tokens live here and nowhere else;
//! they never reach a log, an error or the screen.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// One server as one person. `fingerprint` is the hex SHA-256 of the certificate; absent only for plain loopback, and where an `authority` takes its place.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    #[serde(skip)]
    pub name: String,
    /// `deadwax://host:port`, or `deadwax+http://127.0.0.1:port`.
    pub url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// A file with the authority, in PEM, whose certificates this server may show under its name; absolute, like the two below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<String>,
    /// What this machine shows where the studio asks for it: a certificate with its chain, and its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    #[serde(default)]
    pub studio: String,
    #[serde(default)]
    pub person_id: String,
    #[serde(default)]
    pub person: String,
    #[serde(default)]
    pub email: String,
    /// Where the key is that this person signs with: see `receipt::keys::Setup`. The key itself is never here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The key of this machine for this server, in the format of OpenSSH: with the passphrase it opens the next session. See `receipt::device`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// When the session ends if nobody ends it before, as it was told at its beginning.
    #[serde(default)]
    pub expires_ms: i64,
    /// The studio wants nothing kept here after it: see `verbs::forget`.
    #[serde(default)]
    pub forget: bool,
}

impl Profile {
    /// This profile as it was, where its token is still there and is not that of `now`.
    pub fn session_of(&self, now: &Profile) -> Option<Profile> {
        (self.token.is_some() && self.token != now.token).then(|| self.clone())
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Profile")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("fingerprint", &self.fingerprint)
            .field("token", &self.token.as_ref().map(|_| "..."))
            .field("person", &self.person)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("there is no home directory to keep profiles in; set DEADWAX_HOME to a folder")]
    NoHome,
    #[error("a profile name has 1 to 40 letters, digits, '-' or '_'; {0:?} does not")]
    Name(String),
    #[error("there is no profile {0:?}; sign in first with `deadwax login LINK --profile {0}`")]
    Absent(String),
    #[error("nobody is signed in on this machine; use `deadwax login LINK` with the link of your invite")]
    Nobody,
    #[error("{path} could not be {what}: {source}")]
    Io { path: PathBuf, what: &'static str, source: io::Error },
    #[error("{path} is not a profile: {what}; remove it and sign in again")]
    Broken { path: PathBuf, what: String },
}

/// The folder that holds the profiles.
#[derive(Clone, Debug)]
pub struct Home {
    folder: PathBuf,
}

impl Home {
    /// DEADWAX_HOME where set, else the user's configuration folder.
    pub fn find() -> Result<Home, ProfileError> {
        if let Some(folder) = std::env::var_os("DEADWAX_HOME").filter(|v| !v.is_empty()) {
            return Ok(Home::at(folder));
        }
        let folders = directories::ProjectDirs::from("", "", "deadwax").ok_or(ProfileError::NoHome)?;
        Ok(Home::at(folders.config_dir()))
    }

    pub fn at(folder: impl Into<PathBuf>) -> Home {
        Home { folder: folder.into() }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn path(&self, name: &str) -> Result<PathBuf, ProfileError> {
        let fine = (1..=40).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !fine {
            return Err(ProfileError::Name(crate::scrub::cut(&crate::scrub::line(name), 60)));
        }
        Ok(self.folder.join("profiles").join(format!("{name}.toml")))
    }

    /// The profile named, else the one used last.
    pub fn load(&self, name: Option<&str>) -> Result<Profile, ProfileError> {
        let name = match name {
            Some(name) => name.to_owned(),
            None => self.current()?.ok_or(ProfileError::Nobody)?,
        };
        let path = self.path(&name)?;
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(ProfileError::Absent(name)),
            Err(source) => return Err(ProfileError::Io { path, what: "read", source }),
            Ok(text) => text,
        };
        // The parser's message quotes the file, and the file holds the token: only the line number is told.
        let mut profile: Profile = toml::from_str(&text).map_err(|e| {
            let line = e.span().map_or(0, |s| text[..s.start.min(text.len())].lines().count().max(1));
            ProfileError::Broken { path, what: format!("line {line} cannot be read") }
        })?;
        profile.name = name;
        Ok(profile)
    }

    /// Writes the profile and makes it the current one.
    pub fn save(&self, profile: &Profile) -> Result<(), ProfileError> {
        let path = self.path(&profile.name)?;
        let text = toml::to_string(profile)
            .map_err(|e| ProfileError::Broken { path: path.clone(), what: e.to_string() })?;
        self.replace(&path, &text)?;
        self.replace(&self.folder.join("current"), &profile.name)
    }

    /// Writes the profile; who is current stays so.
    pub fn rewrite(&self, profile: &Profile) -> Result<(), ProfileError> {
        let path = self.path(&profile.name)?;
        let text = toml::to_string(profile)
            .map_err(|e| ProfileError::Broken { path: path.clone(), what: e.to_string() })?;
        self.replace(&path, &text)
    }

    /// Where the key is that was made for a profile.
    pub fn key_path(&self, name: &str) -> Result<PathBuf, ProfileError> {
        // The same letters as a profile's: never a part of a path.
        self.path(name)?;
        Ok(self.folder.join("keys").join(name))
    }

    /// Forgets a profile; fine if it is not there.
    pub fn remove(&self, name: &str) -> Result<(), ProfileError> {
        let path = self.path(name)?;
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(ProfileError::Io { path, what: "removed", source: e })
            }
            _ => Ok(()),
        }
    }

    pub fn names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder.join("profiles")) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .filter_map(|e| e.ok()?.file_name().into_string().ok()?.strip_suffix(".toml").map(str::to_owned))
            .filter(|name| self.path(name).is_ok())
            .collect();
        names.sort();
        names
    }

    fn current(&self) -> Result<Option<String>, ProfileError> {
        let named = fs::read_to_string(self.folder.join("current")).unwrap_or_default().trim().to_owned();
        let names = self.names();
        if names.contains(&named) {
            return Ok(Some(named));
        }
        Ok(if names.len() == 1 { names.into_iter().next() } else { None })
    }

    /// Keeps a text that is nobody else's business in a folder of its own. `name`: 1 to 40 letters, digits, '-' or '_'.
    pub fn keep(&self, folder: &str, name: &str, text: &str) -> Result<(), ProfileError> {
        self.replace(&self.private(folder, name)?, text)
    }

    /// What was kept under that name, if anything was.
    pub fn kept(&self, folder: &str, name: &str) -> Result<Option<String>, ProfileError> {
        let path = self.private(folder, name)?;
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ProfileError::Io { path, what: "read", source }),
        }
    }

    fn private(&self, folder: &str, name: &str) -> Result<PathBuf, ProfileError> {
        // The same letters as a profile's: never a part of a path.
        self.path(name)?;
        Ok(self.folder.join(folder).join(format!("{name}.toml")))
    }

    /// A new file beside the old one, synced, then renamed over it: a cut leaves the old or the new, never half. `tempfile` makes it 0600.
    fn replace(&self, path: &Path, text: &str) -> Result<(), ProfileError> {
        let failed =
            |what: &'static str| move |source| ProfileError::Io { path: path.to_owned(), what, source };
        let folder = path.parent().unwrap_or(&self.folder);
        private_folder(folder).map_err(failed("made room for"))?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed("written"))?;
        file.write_all(text.as_bytes()).map_err(failed("written"))?;
        file.as_file().sync_all().map_err(failed("written"))?;
        file.persist(path).map_err(|e| failed("replaced")(e.error))?;
        Ok(())
    }
}

#[cfg(unix)]
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ana() -> Profile {
        Profile {
            name: "ana".into(),
            url: "deadwax://studio.example:4747".into(),
            fingerprint: Some("ab".repeat(32)),
            token: Some("sesame-token".into()),
            person: "Ana".into(),
            ..Profile::default()
        }
    }

    #[test]
    fn what_was_saved_is_loaded_and_the_last_saved_is_current() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("new"));
        assert!(matches!(home.load(None), Err(ProfileError::Nobody)));
        home.save(&ana()).unwrap();
        home.save(&Profile { name: "ben".into(), person: "Ben".into(), ..ana() }).unwrap();
        assert_eq!(home.load(Some("ana")).unwrap(), ana());
        assert_eq!(home.load(None).unwrap().person, "Ben");
        assert_eq!(home.names(), ["ana", "ben"]);
        home.remove("ben").unwrap();
        assert_eq!(home.load(None).unwrap().person, "Ana");
        assert!(matches!(home.load(Some("cy")), Err(ProfileError::Absent(_))));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path().join("h"));
        home.save(&ana()).unwrap();
        home.save(&ana()).unwrap();
        let mode = |p: &str| fs::metadata(dir.path().join(p)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("h/profiles/ana.toml"), 0o600);
        assert_eq!(mode("h/profiles"), 0o700);
    }

    #[test]
    fn names_are_no_paths_and_tokens_are_not_shown() {
        let home = Home::at("/nowhere");
        for name in ["", "../x", "a/b", "a b", "é", &"x".repeat(41)] {
            assert!(matches!(home.load(Some(name)), Err(ProfileError::Name(_))), "{name}");
        }
        assert!(!format!("{:?}", ana()).contains("sesame"));
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        home.save(&ana()).unwrap();
        fs::write(dir.path().join("profiles/ana.toml"), "url = 'x'\ntoken = sesame-token").unwrap();
        let error = home.load(Some("ana")).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("sesame"), "{error}");
    }
}
