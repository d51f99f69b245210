//! The settings of a studio: `studio.toml` in its folder, then `DEADWAX_*` from the environment. Unknown keys and bad values are errors that name
//! the key and where it stands. Never here: IO beyond reading that one file, and showing the one secret (`store.url`).

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use deadwax_dsp::processors::insert::Allowed;
use figment::{
    Figment, Metadata, Profile, Provider,
    error::Kind,
    providers::{Format as _, Toml},
    value::{Dict, Map, Value},
};
use serde::{Deserialize, Serialize};

pub use crate::{
    blob::settings::Audio,
    door::settings::Door,
    keep::settings::Keep,
    metrics::settings::{Metrics, Telemetry},
    notify::settings::{Mail, Security, Webhooks},
    store::settings::{Engine, Store},
};

pub const FILE: &str = "studio.toml";
/// Profiles of the studio's own, a TOML file each, in its folder; read at the start.
pub const PROFILES: &str = "profiles";
pub const ENV_PREFIX: &str = "DEADWAX_";
pub const PORT: u16 = 4747;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The studio's name, as people see it.
    pub name: String,
    /// Address and port to listen on. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// `host:port` as it stands in invite links; empty: the address listened on.
    pub public_address: String,
    /// Off only where `listen` is a loopback address.
    pub tls: bool,
    pub certificate: Certificate,
    pub access: Access,
    pub limits: Limits,
    pub door: Door,
    pub render: Render,
    pub mail: Mail,
    pub webhooks: Webhooks,
    pub examine: Examine,
    pub keep: Keep,
    pub store: Store,
    pub audio: Audio,
    pub log: Log,
    pub metrics: Metrics,
    pub telemetry: Telemetry,
}

/// Files in PEM; relative paths begin at the studio folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Certificate {
    /// A certificate that the studio brings along, with its chain, and its key. Both empty: the pair that `init` made.
    pub file: PathBuf,
    pub key: PathBuf,
    /// Only machines with a certificate of this authority may connect. Empty: every machine may.
    pub client_authority: PathBuf,
}

/// As a new `studio.toml` has it.
const CERTIFICATE_TEXT: &str = "\
[certificate]
# A certificate of your own with its chain, and its key (PEM); empty: the pair that init made.
file = \"\"
key = \"\"
# Only machines that show a certificate of this authority (PEM) may connect; empty: every machine may.
client_authority = \"\"

";

impl Certificate {
    /// The key that cannot be used, and why.
    fn check(&self, tls: bool) -> Result<(), (&'static str, String)> {
        let is_set = |path: &Path| !path.as_os_str().is_empty();
        if is_set(&self.file) != is_set(&self.key) {
            return Err(("certificate.file", "it and `certificate.key` are set both or not at all.".into()));
        }
        if !tls && (is_set(&self.file) || is_set(&self.client_authority)) {
            return Err(("certificate", "without `tls` no certificate is shown or asked for.".into()));
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    /// Whether whoever signs in has to choose a passphrase. Who has one always needs it.
    pub passphrase: Passphrases,
    /// Whether clients remove what they kept of this studio when their session was ended or ran out.
    pub forget_after_session: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Passphrases {
    #[default]
    Optional,
    Required,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub max_upload_bytes: u64,
    /// Free disk space below which no audio is accepted any more; below a quarter of it nothing is.
    pub reserve_bytes: u64,
    /// Uploads of one person that run at the same time.
    pub uploads_per_person: u32,
    /// The largest message that is read; an upload chunk of 256 KiB must fit.
    pub message_bytes: u32,
    /// Silence after which a running upload is given up; it can be resumed.
    pub upload_stall_s: u32,
    pub connections: u32,
    pub connections_per_address: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Render {
    /// Whether `serve` does work on sound in the background, or leaves all of it to `worker` processes.
    pub here: bool,
    pub workers: u32,
    /// A worker that is silent for longer has lost its work to others; a third of it lies between two heartbeats.
    pub lease_seconds: u32,
    /// Address space of one child. Rendering streams: ten minutes of 48 kHz stereo took 40 MB; the rest is for odd files and recipes.
    pub memory_bytes: u64,
    /// CPU time of one child.
    pub cpu_seconds: u64,
    /// Time by the clock after which a render is stopped; records and measuring have theirs by the length of the sound.
    pub wall_seconds: u64,
    /// What holds children to their own files, without a network.
    pub confine: Confine,
    /// The studio's default recipe, a TOML file; relative paths begin at the studio folder. Empty: the built-in one.
    pub recipe: PathBuf,
    /// Programs that recipes may send the sound through, by name; none unless the operator lists them. See docs/RECIPES.md.
    pub inserts: Allowed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confine {
    /// As far as the kernel can; what it lacks is told at the start.
    Try,
    /// Without Landlock and seccomp the server does not start.
    Require,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Examine {
    /// Versions that are examined at the same time: alternates heard together, the version before compared, notes found again.
    pub workers: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub format: LogFormat,
    pub level: LogLevel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    pub fn word(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

const GIB: u64 = 1 << 30;

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "Studio".into(),
            listen: SocketAddr::from(([127, 0, 0, 1], PORT)),
            public_address: String::new(),
            tls: true,
            certificate: Certificate::default(),
            access: Access::default(),
            limits: Limits::default(),
            door: Door::default(),
            render: Render::default(),
            mail: Mail::default(),
            webhooks: Webhooks::default(),
            examine: Examine::default(),
            keep: Keep::default(),
            store: Store::default(),
            audio: Audio::default(),
            log: Log::default(),
            metrics: Metrics::default(),
            telemetry: Telemetry::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_upload_bytes: 8 * GIB,
            reserve_bytes: GIB / 4,
            uploads_per_person: 8,
            message_bytes: 1 << 20,
            upload_stall_s: 30,
            connections: 4096,
            connections_per_address: 64,
        }
    }
}

impl Default for Render {
    fn default() -> Self {
        Self {
            here: true,
            workers: 1,
            lease_seconds: 30,
            memory_bytes: 512 << 20,
            cpu_seconds: 3600,
            wall_seconds: 4 * 3600,
            confine: Confine::Try,
            recipe: PathBuf::new(),
            inserts: Allowed::default(),
        }
    }
}

impl Default for Examine {
    fn default() -> Self {
        Self { workers: 1 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: LogLevel::Info }
    }
}

/// A setting that cannot be used. Names the key, and the file with its line or the variable.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for ConfigError {}

/// `DEADWAX_LIMITS__MAX_UPLOAD_BYTES=1000` is `limits.max_upload_bytes`. Taken as an argument, so that tests need no global state.
struct Variables(Vec<(String, String)>);

impl Provider for Variables {
    fn metadata(&self) -> Metadata {
        Metadata::named("the environment").interpolater(|_, keys| {
            format!("{ENV_PREFIX}{}", keys.iter().map(|k| k.to_uppercase()).collect::<Vec<_>>().join("__"))
        })
    }
    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut dict = Dict::new();
        for (key, text) in &self.0 {
            let path = key.to_lowercase().replace("__", ".");
            // Text that is meant as text must not become a number on the way: a studio may be called "1984".
            let value = match path.as_str() {
                "name"
                | "listen"
                | "public_address"
                | "render.recipe"
                | "mail.host"
                | "mail.user"
                | "mail.from"
                | "mail.password_file"
                | "mail.roots"
                | "webhooks.roots"
                | "keep.repair_from"
                | "store.url"
                | "store.url_file"
                | "store.ca"
                | "audio.endpoint"
                | "audio.bucket"
                | "audio.region"
                | "audio.prefix"
                | "audio.credentials_file"
                | "audio.access_key"
                | "audio.secret_key"
                | "audio.ca"
                | "metrics.listen"
                | "telemetry.otlp"
                | "certificate.file"
                | "certificate.key"
                | "certificate.client_authority" => Value::from(text.as_str()),
                _ => text.parse().unwrap_or_else(|never| match never {}),
            };
            if let Value::Dict(_, nested) = figment::util::nest(&path, value) {
                dict = merge(dict, nested);
            }
        }
        Ok(Profile::Default.collect(dict))
    }
}

fn merge(mut into: Dict, from: Dict) -> Dict {
    for (key, value) in from {
        let value = match (into.remove(&key), value) {
            (Some(Value::Dict(tag, old)), Value::Dict(_, new)) => Value::Dict(tag, merge(old, new)),
            (_, value) => value,
        };
        into.insert(key, value);
    }
    into
}

/// The variables of this process that are settings of a server.
pub fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(key, value)| {
            Some((key.to_str()?.strip_prefix(ENV_PREFIX)?.to_owned(), value.to_str()?.to_owned()))
        })
        // The terminal client has variables of its own, which may be set in the same shell.
        .filter(|(key, _)| !CLIENT_VARIABLES.iter().any(|name| key.starts_with(name)))
        .collect()
}

const CLIENT_VARIABLES: &[&str] = &["CLIENT_", "HOME", "CONFIG_DIR", "TEST_", "TOKEN"];

impl Config {
    /// Reads `folder/studio.toml` and lays `variables` (without their prefix) over it.
    pub fn load(folder: &Path, variables: Vec<(String, String)>) -> Result<Self, ConfigError> {
        let file = folder.join(FILE);
        let text = std::fs::read_to_string(&file)
            .map_err(|error| ConfigError(format!("Reading {} failed: {error}.", file.display())))?;
        // Alone first: this parser tells line and column of whatever is wrong.
        let _alone: Config = toml::from_str(&text)
            .map_err(|error| ConfigError(format!("{}: {}", file.display(), error.to_string().trim_end())))?;
        let config: Config = Figment::new()
            .merge(Toml::string(&text))
            .merge(Variables(variables))
            .extract()
            .map_err(|error| ConfigError(explain(error)))?;
        config.check()?;
        Ok(config)
    }

    /// The settings of the store alone, as the variables have them: for a folder that is being made.
    pub fn store_of(variables: Vec<(String, String)>) -> Result<Store, ConfigError> {
        let mine = variables.into_iter().filter(|(key, _)| key.starts_with("STORE__")).collect();
        let config: Config =
            Figment::new().merge(Variables(mine)).extract().map_err(|error| ConfigError(explain(error)))?;
        Ok(config.store)
    }

    pub fn check(&self) -> Result<(), ConfigError> {
        let no = |key: &str, what: &str| Err(ConfigError(format!("`{key}` in {FILE}: {what}")));
        if let Err(what) = crate::name::clean("studio's name", &self.name, crate::name::PERSON_MAX) {
            return no("name", &what);
        }
        if !self.tls && !self.listen.ip().is_loopback() {
            return no("tls", "it may be false only where `listen` is a loopback address such as 127.0.0.1.");
        }
        if !self.public_address.is_empty() && split_address(&self.public_address).is_none() {
            return no("public_address", "it must be host:port, for example studio.example:4747.");
        }
        let limits = &self.limits;
        let small = 64;
        if limits.max_upload_bytes < small {
            return no("limits.max_upload_bytes", "no audio file is smaller than 64 bytes.");
        }
        if !(300 << 10..=64 << 20).contains(&limits.message_bytes) {
            return no("limits.message_bytes", "it must be 307200 (an upload chunk fits) to 67108864.");
        }
        for (key, value) in [
            ("limits.uploads_per_person", limits.uploads_per_person),
            ("limits.upload_stall_s", limits.upload_stall_s),
            ("limits.connections", limits.connections),
            ("limits.connections_per_address", limits.connections_per_address),
        ] {
            if value == 0 {
                return no(key, "it must be at least 1.");
            }
        }
        let render = &self.render;
        if render.workers > 64 {
            return no("render.workers", "it must be at most 64 (0: this server renders nothing).");
        }
        if self.examine.workers > 64 {
            return no("examine.workers", "it must be at most 64 (0: this server examines no versions).");
        }
        if !render.here && self.store.engine == Engine::Embedded {
            return no(
                "render.here",
                "with an embedded store this server is the only worker; leave it true, or set render.workers and examine.workers to 0.",
            );
        }
        if !(3..=600).contains(&render.lease_seconds) {
            return no("render.lease_seconds", "it must be 3 to 600.");
        }
        if render.memory_bytes < 256 << 20 {
            return no("render.memory_bytes", "a render needs at least 268435456 (256 MiB).");
        }
        if render.cpu_seconds < 10 {
            return no("render.cpu_seconds", "it must be at least 10.");
        }
        if render.wall_seconds < 10 {
            return no("render.wall_seconds", "it must be at least 10.");
        }
        self.certificate.check(self.tls).or_else(|(key, what)| no(key, &what))?;
        self.door.check().or_else(|(key, what)| no(key, &what))?;
        self.store.check().or_else(|(key, what)| no(key, &what))?;
        self.audio.check().or_else(|(key, what)| no(key, &what))?;
        self.metrics.check().or_else(|(key, what)| no(key, &what))?;
        self.telemetry.check().or_else(|(key, what)| no(key, &what))?;
        self.webhooks.check().or_else(|(key, what)| no(key, &what))?;
        self.mail.check().or_else(|(key, what)| no(key, &what))
    }

    /// `host:port` for invite links.
    pub fn address_for_links(&self, bound: SocketAddr) -> String {
        if !self.public_address.is_empty() {
            return self.public_address.clone();
        }
        if bound.ip().is_unspecified() {
            // Listening everywhere names no machine; the host name is the best guess.
            return format!("{}:{}", host_name(), bound.port());
        }
        bound.to_string()
    }

    /// The text of a new `studio.toml`, every key with its meaning.
    pub fn template(&self) -> String {
        // JSON's escapes are TOML's: control characters cannot be in a checked name.
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let Limits { max_upload_bytes, reserve_bytes, uploads_per_person, .. } = &self.limits;
        let Door { calls_per_s, calls_burst, connections_per_person, .. } = &self.door;
        let Door { upload_bytes_per_day, upload_files_per_day, .. } = &self.door;
        format!(
            "# The settings of this studio. Every key can also be set in the environment:\n\
             # DEADWAX_LISTEN, DEADWAX_LIMITS__MAX_UPLOAD_BYTES and so on. SIGHUP reads them again: docs/OPERATIONS.md.\n\n\
             name = {name}\n\
             # Where to listen. 0.0.0.0:{PORT} serves the whole network.\n\
             listen = \"{listen}\"\n\
             # host:port as it stands in invite links; empty: the address listened on.\n\
             public_address = {public}\n\
             # May be false only on a loopback address.\n\
             tls = {tls}\n\n{CERTIFICATE_TEXT}\
             [limits]\n\
             max_upload_bytes = {max_upload_bytes}\n\
             # Free disk space below which nothing is accepted any more.\n\
             reserve_bytes = {reserve_bytes}\n\
             uploads_per_person = {uploads_per_person}\n\n\
             [door]\n\
             # Calls of one person: so many at once, then so many a second.\n\
             calls_per_s = {calls_per_s}\n\
             calls_burst = {calls_burst}\n\
             connections_per_person = {connections_per_person}\n\
             # Audio of one person within 24 hours, and the files that it comes in.\n\
             upload_bytes_per_day = {upload_bytes_per_day}\nupload_files_per_day = {upload_files_per_day}\n\n\
             [render]\nworkers = {workers}\n\
             # Limits of one child process.\n\
             memory_bytes = {memory}\ncpu_seconds = {cpu}\nwall_seconds = {wall}\n\
             # \"require\": no start where the kernel cannot hold children to their own files (Landlock, seccomp).\n\
             confine = \"try\"\n\
             # A recipe of your own (TOML); empty: the built-in one.\n\
             recipe = \"\"\n\
             # Profiles of your own for records are TOML files in the folder profiles beside this file.\n\n\
             [mail]\n\
             # The server that sends mail; empty: none is sent. Encrypted by \"starttls\" (port 587) or \"tls\" (465).\n\
             host = \"\"\n\
             security = \"starttls\"\n\
             # A file with the password alone, readable by this user only.\n\
             user = \"\"\n\
             password_file = \"\"\n\
             from = \"\"\n\
             # The hour of the daily digest, in UTC.\n\
             digest_hour = {digest_hour}\n\n\
             [webhooks]\nenabled = true\n\
             # May webhooks go to private networks, and over http?\n\
             allow_private = false\n\
             # The only hosts that they may go to (\"hooks.example.org\", \"*.example.org\" for all below it); empty: any.\n\
             hosts = []\n\n\
             [examine]\n\
             # New versions that are looked into at the same time, in the background.\n\
             workers = {examiners}\n\n\
             [keep]\n\
             # Does audio that nothing refers to go: to the trash after a day, for good after another week?\n\
             collect = {collect}\n\
             # Stored audio is read again in the background, so fast at most; 0: not at all.\n\
             scrub_bytes_per_s = {scrub}\n\
             # A folder that `deadwax-server backup` writes to: damaged audio is put right from there. Empty: told only.\n\
             repair_from = \"\"\n\n\
             {store}[log]\n# text or json; error, warn, info, debug or trace.\n\
             format = \"text\"\nlevel = \"info\"\n\n\
             [metrics]\n\
             # Figures for Prometheus and probes over plain HTTP, without a login: 127.0.0.1:9464. Empty: none.\nlisten = \"\"\n",
            name = quoted(&self.name),
            listen = self.listen,
            public = quoted(&self.public_address),
            tls = self.tls,
            workers = self.render.workers,
            examiners = self.examine.workers,
            collect = self.keep.collect,
            scrub = self.keep.scrub_bytes_per_s,
            store = self.store.template(),
            memory = self.render.memory_bytes,
            cpu = self.render.cpu_seconds,
            wall = self.render.wall_seconds,
            digest_hour = self.mail.digest_hour,
        )
    }
}

/// Host and port of `host:port` or `[v6]:port`.
pub fn split_address(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let sound = !bare.is_empty()
        && bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':'))
        && (bare == host) != bare.contains(':');
    sound.then_some((bare, port.parse().ok().filter(|port| *port != 0)?))
}

pub fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let sound = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    if sound { name } else { "localhost".into() }
}

/// One sentence for figment's error: which key, from where, what is wrong.
fn explain(error: figment::Error) -> String {
    let place = error.metadata.as_ref().map_or_else(
        || FILE.to_owned(),
        |metadata| if metadata.name.contains("TOML") { FILE.to_owned() } else { metadata.name.to_string() },
    );
    let mut path = error.path.clone();
    let what = match &error.kind {
        Kind::UnknownField(field, known) => {
            if path.last() != Some(field) {
                path.push(field.clone());
            }
            format!("no such setting; there are: {}.", known.join(", "))
        }
        kind => format!("{kind}."),
    };
    let key = path.join(".");
    if place == FILE {
        return format!("`{key}` in {FILE}: {what}");
    }
    format!("`{ENV_PREFIX}{}` (`{key}`) in {place}: {what}", key.to_uppercase().replace('.', "__"))
}
