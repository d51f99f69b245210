//! The settings `[audio]`: where audio is kept. Never here: connecting, and showing the secret key.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, Serializer};
use url::{Host, Url};

/// Copies may not take less than this: one long file has to fit.
const LOCAL_BYTES_MIN: u64 = 64 << 20;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audio {
    pub store: Kind,
    /// `https://host` or `https://host:port` of the object store; empty: Amazon's, of the region.
    pub endpoint: String,
    pub bucket: String,
    pub region: String,
    /// What every key begins with, so that a bucket may hold something else as well.
    pub prefix: String,
    /// A TOML file with `access_key` and `secret_key`, readable by this user only; relative paths begin at the studio folder.
    pub credentials_file: PathBuf,
    /// Better in `credentials_file` or in the environment.
    pub access_key: String,
    pub secret_key: Hidden,
    /// A PEM file with the authorities of the store's certificate. Empty: the public ones.
    pub ca: PathBuf,
    /// How much the copies in the studio folder may take.
    pub local_bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The studio folder.
    #[default]
    Folder,
    /// An object store that speaks S3; needs a server built with the feature `s3`.
    S3,
}

impl Default for Audio {
    fn default() -> Self {
        Self {
            store: Kind::Folder,
            endpoint: String::new(),
            bucket: String::new(),
            region: "us-east-1".into(),
            prefix: String::new(),
            credentials_file: PathBuf::new(),
            access_key: String::new(),
            secret_key: Hidden::default(),
            ca: PathBuf::new(),
            local_bytes: 64 << 30,
        }
    }
}

/// Never shown, logged or written out.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "\"\"" } else { "(secret)" })
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("")
    }
}

/// Who asks the object store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    pub access_key: String,
    pub secret_key: Hidden,
}

impl Audio {
    /// The key that is wrong, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.store == Kind::Folder {
            return Ok(());
        }
        let no = |key, what: &str| Err((key, what.to_owned()));
        if cfg!(not(feature = "s3")) {
            return no(
                "audio.store",
                "this deadwax-server was built without the feature `s3`; build it with --features s3, or use \"folder\".",
            );
        }
        let plain = |text: &str, more: &str| {
            text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c))
        };
        if !(3..=63).contains(&self.bucket.len()) || !plain(&self.bucket, ".-") {
            return no(
                "audio.bucket",
                "with \"s3\" it names a bucket: 3 to 63 small letters, digits, `-` and `.`.",
            );
        }
        if self.region.is_empty() || !plain(&self.region, "-") {
            return no(
                "audio.region",
                "it must be a region such as eu-central-1; many stores take us-east-1.",
            );
        }
        let parts = || self.prefix.split('/');
        if !self.prefix.is_empty() && (!plain(&self.prefix, "-_/") || parts().any(str::is_empty)) {
            return no(
                "audio.prefix",
                "it must be words of small letters, digits, `-` and `_` with `/` between them.",
            );
        }
        check_endpoint(&self.endpoint)?;
        let in_file = !self.credentials_file.as_os_str().is_empty();
        let here = (!self.access_key.is_empty(), !self.secret_key.reveal().is_empty());
        if here.0 != here.1 || in_file == here.0 {
            return no(
                "audio.credentials_file",
                "with \"s3\" either it or both of `audio.access_key` and `audio.secret_key` tell who asks the object store.",
            );
        }
        if self.local_bytes < LOCAL_BYTES_MIN {
            return no("audio.local_bytes", "it must be at least 67108864 (64 MiB).");
        }
        Ok(())
    }

    /// From wherever they stand.
    ///
    /// # Errors
    /// A sentence where the file cannot be read, says something else, or can be read by others.
    pub fn credentials(&self, folder: &Path) -> Result<Credentials, String> {
        use std::os::unix::fs::PermissionsExt as _;
        if !self.access_key.is_empty() {
            let (access_key, secret_key) = (self.access_key.clone(), self.secret_key.clone());
            return Ok(Credentials { access_key, secret_key });
        }
        let path = folder.join(&self.credentials_file);
        let unread =
            |error| format!("reading {} failed: {error}; see `audio.credentials_file`", path.display());
        let mode = fs::metadata(&path).map_err(unread)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(format!(
                "{} can be read by others; `chmod 600` it: it holds the key of the object store",
                path.display()
            ));
        }
        let text = fs::read_to_string(&path).map_err(unread)?;
        // What the parser says would show a part of the file.
        let read: Option<Credentials> = toml::from_str(&text).ok();
        read.filter(|it| !it.access_key.is_empty() && !it.secret_key.reveal().is_empty()).ok_or_else(|| {
            format!("{} must hold two lines: access_key = \"…\" and secret_key = \"…\"", path.display())
        })
    }
}

fn check_endpoint(endpoint: &str) -> Result<(), (&'static str, String)> {
    let no = |what: &str| Err(("audio.endpoint", what.to_owned()));
    if endpoint.is_empty() {
        return Ok(());
    }
    let Ok(url) = Url::parse(endpoint) else {
        return no("it must be https://host or https://host:port.");
    };
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() || endpoint.ends_with('/') {
        return no("it must be https://host or https://host:port and nothing more.");
    }
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => return no("it names no host."),
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if local => Ok(()),
        "http" => no("plain http is for this machine alone (localhost, 127.0.0.1); use https."),
        _ => no("it must begin with https://."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3() -> Audio {
        Audio {
            store: Kind::S3,
            endpoint: "https://store.example".into(),
            bucket: "music".into(),
            access_key: "AKID".into(),
            secret_key: Hidden::new("top-secret"),
            ..Audio::default()
        }
    }

    #[test]
    fn the_secret_is_never_shown() {
        let shown = [format!("{:?}", s3()), serde_json::to_string(&s3()).unwrap()].concat();
        assert!(!shown.contains("top-secret"), "{shown}");
    }

    #[cfg(feature = "s3")]
    #[test]
    fn what_cannot_be_used_is_named_with_its_key() {
        assert_eq!(s3().check(), Ok(()));
        let wrong = |change: fn(&mut Audio), key| {
            let mut audio = s3();
            change(&mut audio);
            assert_eq!(audio.check().unwrap_err().0, key, "{audio:?}");
        };
        wrong(|it| it.bucket = "Big".into(), "audio.bucket");
        wrong(|it| it.region = String::new(), "audio.region");
        wrong(|it| it.prefix = "/a".into(), "audio.prefix");
        wrong(|it| it.prefix = "a//b".into(), "audio.prefix");
        wrong(|it| it.local_bytes = 1, "audio.local_bytes");
        wrong(|it| it.access_key = String::new(), "audio.credentials_file");
        wrong(|it| it.credentials_file = "also".into(), "audio.credentials_file");
        for endpoint in [
            "http://store.example",
            "ftp://localhost",
            "https://ann:secret@store.example",
            "https://store.example/x",
            "https://store.example/",
            "store.example",
        ] {
            let audio = Audio { endpoint: endpoint.into(), ..s3() };
            assert_eq!(audio.check().unwrap_err().0, "audio.endpoint", "{endpoint}");
        }
        for endpoint in ["", "http://127.0.0.1:9000", "http://[::1]:9000", "https://store.example:9000"] {
            assert_eq!(Audio { endpoint: endpoint.into(), ..s3() }.check(), Ok(()), "{endpoint}");
        }
    }

    #[cfg(not(feature = "s3"))]
    #[test]
    fn a_server_without_the_feature_says_so() {
        assert!(s3().check().unwrap_err().1.contains("--features s3"));
    }

    #[test]
    fn credentials_that_others_can_read_are_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let audio = Audio {
            credentials_file: "keys.toml".into(),
            access_key: String::new(),
            secret_key: Hidden::default(),
            ..s3()
        };
        assert!(audio.credentials(folder.path()).unwrap_err().contains("audio.credentials_file"));
        fs::write(&path, "access_key = \"AKID\"\nsecret_key = \"top-secret\"\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(audio.credentials(folder.path()).unwrap_err().contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let read = audio.credentials(folder.path()).unwrap();
        assert_eq!((read.access_key.as_str(), read.secret_key.reveal()), ("AKID", "top-secret"));
        fs::write(&path, "secret_key = \"top-secret\"\nrubbish").unwrap();
        let said = audio.credentials(folder.path()).unwrap_err();
        assert!(said.contains("two lines") && !said.contains("top-secret"), "{said}");
    }
}
