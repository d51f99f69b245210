//! Questions with a few short lines to fill in: a song, a project, an invite, roles, where files go. And two that are only typed into or read: a search, a
//! link that is shown once. Data only; keys are read in `update::prompt::form`.

use deadwax_proto::v1::Role;
use ratatui_textarea::TextArea;

use super::ask::text_area;

#[derive(Clone, Debug)]
pub struct FormAsk {
    pub purpose: Purpose,
    pub title: String,
    /// What is to be known before: stands above the lines.
    pub told: Vec<String>,
    pub fields: Vec<Field>,
    pub at: usize,
    pub problem: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub label: &'static str,
    pub input: Input,
    /// Stands below while the field has the keys.
    pub hint: &'static str,
}

#[derive(Clone, Debug)]
pub enum Input {
    Line(Box<TextArea<'static>>),
    Choice { options: Vec<String>, at: usize },
    Roles { chosen: Vec<Role>, at: usize },
}

/// What Enter does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    AddSong {
        project: String,
    },
    /// With what stood there before.
    EditSong {
        project: String,
        song: String,
        title: String,
        isrc: String,
    },
    NewProject,
    Invite {
        project: String,
    },
    Roles {
        project: String,
        person: String,
        name: String,
        before: Vec<Role>,
    },
    /// Fingerprints of the keys that hold, as they can be chosen.
    RevokeKey {
        project: String,
        person: String,
        name: String,
        keys: Vec<String>,
    },
    /// `version` where one is looked at; else what the gate of each song looks at. `kinds` are those that can be chosen.
    Fetch {
        project: String,
        songs: Vec<String>,
        version: Option<String>,
        kinds: Vec<Lot>,
    },
    /// Files of a record; the first choice is all of them, then each profile.
    FetchRecord {
        project: String,
        number: u32,
        profiles: Vec<String>,
    },
    /// With what stood in each line before.
    Release {
        project: String,
        before: Vec<String>,
    },
    SongCopy {
        project: String,
        song: String,
        before: Vec<String>,
        /// It was told that shares are missing.
        draft: bool,
    },
    /// A link to listen: what can be chosen to hear.
    Share {
        project: String,
        hears: Vec<Hears>,
    },
    /// A picture is set, or fetched `to` a file.
    Cover {
        project: String,
        to: bool,
    },
}

/// What a link names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hears {
    Version(String),
    Song(String),
    Album,
    Record(String),
}

/// What can be fetched of a song.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lot {
    Version,
    Delivery,
    Package,
}

pub const ROLES: [Role; 7] = [
    Role::Artist,
    Role::Producer,
    Role::MixEngineer,
    Role::MasteringEngineer,
    Role::Label,
    Role::Manager,
    Role::Listener,
];

impl Field {
    /// What stands there already may be from others: it is scrubbed, and stays one line.
    pub fn line(label: &'static str, text: &str, hint: &'static str) -> Field {
        let mut area = text_area(&crate::scrub::line(text));
        area.move_cursor(ratatui_textarea::CursorMove::End);
        Field { label, input: Input::Line(Box::new(area)), hint }
    }

    pub fn roles(chosen: Vec<Role>) -> Field {
        let hint = "Left and right move, Space gives the role or takes it";
        Field { label: "Roles", input: Input::Roles { chosen, at: 0 }, hint }
    }
}

impl FormAsk {
    pub fn new(purpose: Purpose, title: String, fields: Vec<Field>) -> FormAsk {
        FormAsk { purpose, title, told: Vec::new(), fields, at: 0, problem: None }
    }

    /// What stands in a line, without the spaces around it; empty for another kind of field.
    pub fn text(&self, field: usize) -> String {
        match self.fields.get(field).map(|it| &it.input) {
            Some(Input::Line(area)) => area.lines().join(" ").trim().to_owned(),
            _ => String::new(),
        }
    }

    pub fn roles(&self) -> Vec<Role> {
        let chosen = self.fields.iter().find_map(|it| match &it.input {
            Input::Roles { chosen, .. } => Some(chosen),
            _ => None,
        });
        // In the order of the list, whatever the order of choosing.
        ROLES.into_iter().filter(|role| chosen.is_some_and(|it| it.contains(role))).collect()
    }

    /// Whether leaving would lose something: what a person wrote or chose, not what stood there before.
    pub fn holds_text(&self) -> bool {
        match &self.purpose {
            Purpose::EditSong { title, isrc, .. } => self.text(0) != *title || self.text(1) != *isrc,
            Purpose::AddSong { .. } | Purpose::NewProject | Purpose::Invite { .. } => {
                (0..self.fields.len()).any(|at| !self.text(at).is_empty())
            }
            Purpose::Roles { before, .. } => self.roles() != *before,
            Purpose::RevokeKey { .. } => !self.text(1).is_empty(),
            Purpose::Share { .. } => !self.text(0).is_empty(),
            // A place that the client offered itself.
            Purpose::Fetch { .. } | Purpose::FetchRecord { .. } | Purpose::Cover { .. } => false,
            Purpose::Release { before, .. } | Purpose::SongCopy { before, .. } => self.values() != *before,
        }
    }

    /// What every line says: what is typed, or the word that is chosen.
    pub fn values(&self) -> Vec<String> {
        let value = |(at, field): (usize, &Field)| match &field.input {
            Input::Choice { options, at } => options.get(*at).cloned().unwrap_or_default(),
            Input::Line(_) | Input::Roles { .. } => self.text(at),
        };
        self.fields.iter().enumerate().map(value).collect()
    }

    /// Which word is chosen in this field; 0 for another kind of field.
    pub fn choice_of(&self, field: usize) -> usize {
        match self.fields.get(field).map(|it| &it.input) {
            Some(Input::Choice { at, .. }) => *at,
            _ => 0,
        }
    }

    /// Of the first field that is chosen and not typed.
    pub fn choice(&self) -> usize {
        let at = self.fields.iter().find_map(|it| match &it.input {
            Input::Choice { at, .. } => Some(*at),
            _ => None,
        });
        at.unwrap_or(0)
    }
}

/// Typed into a list that shows at once what it finds.
#[derive(Clone, Debug)]
pub struct SearchAsk {
    pub area: TextArea<'static>,
}

/// A link that lets somebody in: shown once and kept nowhere.
#[derive(Clone, Debug)]
pub struct LinkAsk {
    pub name: String,
    pub link: String,
    pub expires_ms: i64,
    pub of: LinkFor,
    /// What was copied last, in a word.
    pub copied: Option<&'static str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFor {
    Member,
    /// This person's own further device.
    Device,
    /// Somebody who is no member: what they hear, how often it opens, its password where it has one, and what a browser shows of the studio's own certificate.
    Guest {
        what: String,
        times: u32,
        password: Option<String>,
        fingerprint: String,
    },
}

impl LinkAsk {
    /// An invite as a browser opens it.
    pub fn for_browser(&self) -> Option<String> {
        let link: crate::net::Link = self.link.parse().ok()?;
        link.for_browser()
    }
}
