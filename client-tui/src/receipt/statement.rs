//! The text that a person signs: who approves which bytes of what, as the rows show it and as this machine hashed it. Written line by line in the one form
//! that docs/RECEIPTS.md gives. Never here: reading one, signing it.

use deadwax_proto::v1::{self, FadeShape, Role, VersionKind};

/// A file whose bytes came and were hashed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashed {
    pub sha256: String,
    pub bytes: u64,
    /// The alternate of a version, or folder and name of a record's file.
    pub name: String,
}

/// What is approved.
#[derive(Clone, Debug, PartialEq)]
pub enum Object {
    Version {
        version_id: String,
        /// "Mix 2"
        name: String,
        song_id: String,
        song_title: String,
        kind: VersionKind,
        fingerprint: String,
        files: Vec<Hashed>,
    },
    Spacing {
        number: u32,
        items: Vec<v1::SpacingItem>,
    },
    Record {
        record_id: String,
        number: u32,
        fingerprint: String,
        files: Vec<Hashed>,
    },
}

/// Everything that stands in a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub project_id: String,
    pub project_title: String,
    pub object: Object,
    pub role: Role,
    pub signer: String,
    /// Fingerprint of the key.
    pub key: String,
    pub approval_id: String,
    pub previous: String,
    pub sequence: u32,
    /// Seconds since 1970.
    pub at_s: i64,
}

impl Object {
    /// As people call it.
    pub fn name(&self) -> String {
        match self {
            Object::Version { name, .. } => name.clone(),
            Object::Spacing { number, .. } => format!("Spacing {number}"),
            Object::Record { number, .. } => format!("Record {number}"),
        }
    }

    /// Of a version and of a record as the studio tells it, of a spacing over its lines.
    pub fn fingerprint(&self) -> String {
        match self {
            Object::Version { fingerprint, .. } | Object::Record { fingerprint, .. } => fingerprint.clone(),
            Object::Spacing { .. } => super::digest(self.lines().concat()),
        }
    }

    /// The same from the files themselves: what a studio must have told.
    pub fn own_fingerprint(&self) -> String {
        let listed = |files: &[Hashed], line: fn(&Hashed) -> String| -> String {
            let mut lines: Vec<String> = files.iter().map(line).collect();
            lines.sort_unstable();
            lines.concat()
        };
        match self {
            Object::Version { files, .. } => {
                let lines = listed(files, |it| format!("{} {}\n", it.name, it.sha256));
                super::digest(format!("deadwax-fingerprint-1\n{lines}"))
            }
            // The place in the delivery always has its stroke, also where there is no folder.
            Object::Record { files, .. } => super::digest(listed(files, |it| {
                let stroke = if it.name.contains('/') { "" } else { "/" };
                format!("{stroke}{} {}\n", it.name, it.sha256)
            })),
            Object::Spacing { .. } => self.fingerprint(),
        }
    }

    /// One a file or a song, each with its line end.
    fn lines(&self) -> Vec<String> {
        match self {
            Object::Version { files, .. } | Object::Record { files, .. } => {
                let mut files: Vec<&Hashed> = files.iter().collect();
                files.sort_by(|a, b| (&a.name, &a.sha256).cmp(&(&b.name, &b.sha256)));
                files.iter().map(|it| format!("file: {} {} {}\n", it.sha256, it.bytes, it.name)).collect()
            }
            Object::Spacing { items, .. } => items.iter().map(item).collect(),
        }
    }
}

fn item(it: &v1::SpacingItem) -> String {
    let shape = match it.shape() {
        FadeShape::Unspecified | FadeShape::EqualPower => "equal-power",
        FadeShape::Linear => "linear",
        FadeShape::Exponential => "exponential",
    };
    let word = |yes: bool| if yes { "yes" } else { "no" };
    format!(
        "item: {} gap={} crossfade={} fade-in={} fade-out={} shape={shape} gain={} trim-in={} trim-out={} hidden={} side={}\n",
        it.song_id,
        it.gap_ms,
        it.crossfade_ms,
        it.fade_in_ms,
        it.fade_out_ms,
        it.gain_cb,
        it.trim_in_ms,
        it.trim_out_ms,
        word(it.hidden),
        word(it.begins_side),
    )
}

fn stage(kind: VersionKind) -> &'static str {
    match kind {
        VersionKind::Take => "recording",
        VersionKind::Master => "mastering",
        VersionKind::Mix | VersionKind::Unspecified => "mixing",
    }
}

impl Statement {
    pub fn text(&self) -> String {
        let mut text = String::from("deadwax-statement/1\n");
        let mut put = |name: &str, value: &str| {
            // A title cannot hold a line end; should one ever come, it must not become a line of its own.
            text += &format!("{name}: {}\n", value.replace(['\n', '\r'], " "));
        };
        put("project", &self.project_id);
        put("project-title", &self.project_title);
        put("decision", "approve");
        let (object, id) = match &self.object {
            Object::Version { version_id, .. } => ("version", version_id),
            Object::Spacing { .. } => ("spacing", &self.project_id),
            Object::Record { record_id, .. } => ("record", record_id),
        };
        put("object", object);
        put("object-id", id);
        put("name", &self.object.name());
        if let Object::Version { song_id, song_title, kind, .. } = &self.object {
            put("song", song_id);
            put("song-title", song_title);
            put("stage", stage(*kind));
        }
        put("role", crate::verbs::words::role(self.role as i32));
        put("signer", &self.signer);
        put("key", &self.key);
        put("approval", &self.approval_id);
        put("fingerprint", &self.object.fingerprint());
        text += &self.object.lines().concat();
        text +=
            &format!("previous: {}\nsequence: {}\ntime: {}\n", self.previous, self.sequence, time(self.at_s));
        text
    }
}

/// 2026-11-21T20:15:00Z
pub fn time(at_s: i64) -> String {
    let at = jiff::Timestamp::from_second(at_s).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Seconds since 1970, of exactly the form above.
pub fn read_time(text: &str) -> Option<i64> {
    let at: jiff::Timestamp = text.parse().ok()?;
    (time(at.as_second()) == text).then(|| at.as_second())
}
