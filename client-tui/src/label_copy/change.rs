//! What differs between two sheets, as what the studio is asked for: one action for the release, and for each song what it needs. Never here: sending it.

use deadwax_proto::v1::{self, SplitOf, action::Action};

use super::{RELEASE_KEYS, Sheet, Song, called, counted, explicit_word, percent, release};

/// What an action is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    Release,
    /// Its id.
    Song(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub about: About,
    /// "Night Drive"
    pub whose: String,
    pub action: Action,
    /// The field of `Action` on the wire: what rows say is allowed.
    pub allowed: &'static str,
    /// "UPC 036000291452, no label"
    pub say: String,
}

/// In the order in which they have to be sent.
pub fn changes(now: &Sheet, then: &Sheet) -> Vec<Change> {
    let mut all = Vec::new();
    let mut said = Vec::new();
    for key in RELEASE_KEYS {
        let (before, after) = (release(&now.release, key), release(&then.release, key));
        if spelled(key, before) != spelled(key, after) {
            said.push(if after.is_empty() {
                format!("no {}", called(key))
            } else {
                format!("{} {after}", called(key))
            });
        }
    }
    if !said.is_empty() {
        let copy = v1::LabelCopy { cover: None, ..then.release.clone() };
        all.push(Change {
            about: About::Release,
            whose: "the release".into(),
            action: Action::SetLabelCopy(v1::SetLabelCopy { copy: Some(copy) }),
            allowed: "set_label_copy",
            say: said.join(", "),
        });
    }
    let pairs =
        || then.songs.iter().filter_map(|song| Some((now.songs.iter().find(|it| it.id == song.id)?, song)));
    // Two songs that change codes would each have the other's for a moment: who gives one up does it first.
    for (before, after) in pairs() {
        let same = |a: &str, b: &str| plain(a) == plain(b);
        let wanted = pairs().any(|(was, is)| {
            is.id != after.id
                && !same(&was.isrc, &is.isrc)
                && !is.isrc.is_empty()
                && same(&is.isrc, &before.isrc)
        });
        if wanted && !after.isrc.is_empty() && !same(&before.isrc, &after.isrc) {
            all.push(of_isrc(after, "", "no ISRC for now".into()));
        }
    }
    for (before, after) in pairs() {
        if plain(&before.isrc) != plain(&after.isrc) {
            let say =
                if after.isrc.is_empty() { "no ISRC".to_owned() } else { format!("ISRC {}", after.isrc) };
            all.push(of_isrc(after, &after.isrc, say));
        }
        if before.copy != after.copy {
            let action = v1::SetSongCopy { song_id: after.id.clone(), copy: Some(after.copy.clone()) };
            all.push(Change {
                about: About::Song(after.id.clone()),
                whose: after.title.clone(),
                action: Action::SetSongCopy(action),
                allowed: "set_song_copy",
                say: song_said(before, after),
            });
        }
    }
    all
}

/// As the studio keeps it: another spelling of the same is no change.
fn spelled(key: &str, text: &str) -> String {
    match key {
        "upc" => text.chars().filter(|c| !matches!(c, ' ' | '-')).collect(),
        "language" => text.trim().to_ascii_lowercase(),
        _ => text.trim().to_owned(),
    }
}

/// The studio keeps codes without hyphens.
fn plain(isrc: &str) -> String {
    isrc.chars().filter(|c| *c != '-').collect::<String>().to_ascii_uppercase()
}

fn of_isrc(song: &Song, isrc: &str, say: String) -> Change {
    let action = v1::EditSong { song_id: song.id.clone(), title: None, isrc: Some(isrc.to_owned()) };
    Change {
        about: About::Song(song.id.clone()),
        whose: song.title.clone(),
        action: Action::EditSong(action),
        allowed: "edit_song",
        say,
    }
}

fn song_said(before: &Song, after: &Song) -> String {
    let (was, is) = (&before.copy, &after.copy);
    let mut said = Vec::new();
    if was.version_title != is.version_title {
        said.push(match is.version_title.as_str() {
            "" => "no version title".to_owned(),
            title => format!("version title {title}"),
        });
    }
    if was.explicit != is.explicit {
        let word = explicit_word(is.explicit());
        said.push(if word.is_empty() { "explicit unsaid".to_owned() } else { format!("explicit {word}") });
    }
    if was.credits != is.credits {
        said.push(counted(is.credits.len(), "credit", "credits"));
    }
    for (of, word) in [(SplitOf::Composition, "composition"), (SplitOf::Recording, "recording")] {
        if !before.shares(of).eq(after.shares(of)) {
            said.push(match after.sum(of) {
                Some(sum) => format!(
                    "{} of the {word}, {} %",
                    counted(after.shares(of).count(), "share", "shares"),
                    percent(sum)
                ),
                None => format!("no shares of the {word}"),
            });
        }
    }
    // The same shares in another order.
    if said.is_empty() { "the shares in another order".into() } else { said.join(", ") }
}
