//! What the house is asked on the day a record is planned: its label copy, its running order, its masters, its cover, its profiles. All that is expected of the
//! files comes from here and from the plan. Never here: what the files hold.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Lp, songs, spacing};
use crate::{demo::studio::text, ep::Ep};

/// A song in the running order.
pub struct Song {
    pub id: String,
    /// With its version: "Last Bus (Night Bus Version)".
    pub title: String,
    pub isrc: String,
    /// On the record, from 1; none of a hidden song.
    pub number: Option<usize>,
    pub from_s: f64,
    /// How long nothing is before it.
    pub gap_s: f64,
    pub length_s: f64,
}

pub struct Asked {
    pub album: String,
    pub artist: String,
    pub upc: String,
    pub catalogue: String,
    pub year: String,
    pub songs: Vec<Song>,
    /// As the house gives it back.
    pub cover: Vec<u8>,
    /// The texts of the profiles, by name.
    pub profiles: BTreeMap<String, String>,
}

/// A place of `[[file]]` in a profile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marks {
    pub tags: bool,
    pub bext: bool,
}

impl Asked {
    pub fn of(lp: &Lp, profiles: &[String]) -> Result<Asked> {
        let Ep { lena, owner, ines, root, .. } = &lp.ep;
        let copy = lena.verb(["label-copy", "show"])?.first().clone();
        let rows = lp.on(lp.pieces.first().context("no songs")?).rows(owner)?;
        let project = rows.get("project").context("the project is not there")?;
        let back = root.join("cover-asked");
        if back.exists() {
            std::fs::remove_file(&back)?;
        }
        lena.verb(["label-copy", "cover", "--to", &back.to_string_lossy()])?;
        let mut texts = BTreeMap::new();
        for name in profiles {
            let said = ines.verb(["record", "profiles", name])?;
            let toml = text(said.first(), "toml").to_owned();
            ensure!(toml.contains("[[file]]"), "the profile {name} says nothing");
            texts.insert(name.clone(), toml);
        }
        Ok(Asked {
            album: text(project, "title").to_owned(),
            artist: text(project, "artist").to_owned(),
            upc: text(&copy, "upc").to_owned(),
            catalogue: text(&copy, "catalogue").to_owned(),
            year: text(&copy, "release_date").chars().take(4).collect(),
            songs: running_order(lp, &copy)?,
            cover: std::fs::read(&back)?,
            profiles: texts,
        })
    }

    pub fn song(&self, id: &str) -> Result<&Song> {
        self.songs.iter().find(|song| song.id == id).with_context(|| format!("no song {id}"))
    }

    /// Those that are tracks, in their order.
    pub fn tracks(&self) -> impl Iterator<Item = &Song> {
        self.songs.iter().filter(|song| song.number.is_some())
    }

    pub fn length_s(&self) -> f64 {
        self.songs.iter().map(|song| song.from_s + song.length_s).fold(0.0, f64::max)
    }

    /// What a profile asks of its files of this kind and encoding ("wav24").
    pub fn marks(&self, profile: &str, kind: &str, encoding: &str) -> Result<Marks> {
        let toml = self.profiles.get(profile).with_context(|| format!("no profile {profile}"))?;
        let found = marks(toml, kind, encoding);
        let first = found.first().with_context(|| format!("{profile} asks for no {kind} as {encoding}"))?;
        ensure!(found.iter().all(|it| it == first), "{profile} asks for {kind} in more than one way");
        Ok(*first)
    }
}

fn marks(toml: &str, kind: &str, encoding: &str) -> Vec<Marks> {
    let asks = toml.split("[[file]]").skip(1).map(|ask| {
        let value = |key: &str| {
            let own = ask.lines().take_while(|line| !line.starts_with('['));
            let mut pairs = own.filter_map(|line| line.split_once('='));
            pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().trim_matches('"'))
        };
        let marks = Marks { tags: value("tags") == Some("true"), bext: value("bext") == Some("true") };
        (value("kind") == Some(kind) && value("encoding") == Some(encoding)).then_some(marks)
    });
    asks.flatten().collect()
}

/// Where every song begins, from the lengths of the masters and what the spacing says, in seconds.
fn running_order(lp: &Lp, copy: &Value) -> Result<Vec<Song>> {
    let order = spacing::shown(lp)?;
    let items = order["items"].as_array().context("no running order")?;
    let ids = spacing::ids(lp)?;
    let (mut at_s, mut number) = (0.0, 0);
    let mut all: Vec<Song> = Vec::new();
    for item in items {
        let id = text(item, "song_id").to_owned();
        let at = ids.iter().position(|it| *it == id).context("a song that nobody made")?;
        let piece = &lp.pieces[at];
        let master = songs::candidate(lp.on(piece), "master")?.context("no master")?;
        let facts = &master["files"][0]["facts"];
        let number_of = |value: &Value| value.as_f64().context("no figure");
        let ms = |key: &str| item[key].as_f64().unwrap_or(0.0) / 1000.0;
        let whole_s = number_of(&facts["frames"])? / number_of(&facts["sample_rate"])?;
        let length_s = whole_s - ms("trim_in_ms") - ms("trim_out_ms");
        let from_s = if all.is_empty() { 0.0 } else { at_s + ms("gap_ms") - ms("crossfade_ms") };
        at_s = from_s + length_s;
        let said = copy["songs"].as_array().into_iter().flatten();
        let said = said.clone().find(|it| text(it, "song") == piece.title).context("no label copy")?;
        let version = text(said, "version_title");
        let title = match version {
            "" => piece.title.to_owned(),
            version => format!("{} ({version})", piece.title),
        };
        let hidden = item["hidden"] == true;
        number += usize::from(!hidden);
        all.push(Song {
            id,
            title,
            isrc: text(said, "isrc").to_owned(),
            number: (!hidden).then_some(number),
            from_s,
            gap_s: if all.is_empty() { 0.0 } else { ms("gap_ms") },
            length_s,
        });
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_profile_asks_of_a_file_is_read_from_its_own_lines() {
        let toml = "name = \"a\"\ntags = true\n[[file]]\nkind = \"track\"\nencoding = \"wav24\"\ntags = true\n\n[[file]]\nkind = \"side\"\nencoding = \"wav24\"\n\n[[platform]]\ntags = true\n";
        assert_eq!(marks(toml, "track", "wav24"), [Marks { tags: true, bext: false }]);
        assert_eq!(marks(toml, "side", "wav24"), [Marks { tags: false, bext: false }]);
        assert_eq!(marks(toml, "track", "flac24"), []);
    }
}
