//! The profiles that this studio offers: those that come along, and its own from a folder of TOML files, which take the place of a shipped one of the same name.
//! Read once, at the start: what is wrong is told with its file and line before anybody plans with it. Never here: profiles that come with a request.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, bail};
use deadwax_domain::{RecordProfile, limits::PROFILE_BYTES_MAX};
use deadwax_dsp::profile::{self, Catalogue, Profile};

use super::plans::Profiles;

/// Of all texts of the studio together: they stand in one answer.
const OWN_BYTES_MAX: usize = 1 << 20;

pub struct Offered {
    catalogue: Catalogue,
    /// Of the studio, by the name that each gives itself.
    own: BTreeMap<String, String>,
}

impl Offered {
    /// `own`: the name of each file, and its text. Errors name the file and the line.
    pub fn new(own: &[(String, String)]) -> anyhow::Result<Offered> {
        let bytes: usize = own.iter().map(|(_, text)| text.len()).sum();
        if bytes > OWN_BYTES_MAX {
            bail!("the profiles of the studio have {bytes} bytes together; {OWN_BYTES_MAX} are the limit");
        }
        let given = own.iter().map(|(file, text)| (file.as_str(), text.as_str()));
        let catalogue = Catalogue::new(given).map_err(anyhow::Error::msg)?;
        let mut by_name = BTreeMap::new();
        for (file, text) in own {
            // The catalogue has read it: this is for its name alone.
            let Ok(read) = Profile::parse(text) else { continue };
            let whole = RecordProfile { name: read.name.clone(), toml: text.clone() };
            Profiles::whole(vec![whole]).map_err(|no| anyhow::anyhow!("{file}: {} {}", no.text, no.hint))?;
            by_name.insert(read.name, text.clone());
        }
        Ok(Offered { catalogue, own: by_name })
    }

    /// Every `*.toml` in the folder, in the order of their names. A studio without the folder has none of its own.
    pub async fn of_folder(folder: &Path) -> anyhow::Result<Offered> {
        let mut own = Vec::new();
        let mut entries = match tokio::fs::read_dir(folder).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Offered::new(&own),
            Err(error) => return Err(error).with_context(|| format!("reading {} failed", folder.display())),
        };
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || !name.to_ascii_lowercase().ends_with(".toml") {
                continue;
            }
            let path = entry.path();
            let failed = || format!("reading the profile {} failed", path.display());
            let bytes = tokio::fs::metadata(&path).await.with_context(failed)?.len();
            if bytes > PROFILE_BYTES_MAX as u64 {
                bail!("the profile {name} has {bytes} bytes; {PROFILE_BYTES_MAX} are the limit");
            }
            own.push((name, tokio::fs::read_to_string(&path).await.with_context(failed)?));
        }
        own.sort();
        Offered::new(&own)
    }

    /// Each with its text, and whether it is the studio's.
    pub fn all(&self) -> impl Iterator<Item = (&Profile, &str, bool)> {
        self.catalogue.all().map(|it| {
            let own = self.own.get(&it.name).map(String::as_str);
            (it, own.or_else(|| profile::text(&it.name)).unwrap_or_default(), own.is_some())
        })
    }

    /// The error is a sentence without its capital and names the nearest.
    pub fn text(&self, name: &str) -> Result<&str, String> {
        self.catalogue.get(name)?;
        let own = self.own.get(name).map(String::as_str);
        own.or_else(|| profile::text(name)).ok_or_else(|| format!("there is no profile {name:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUSE: &str = "name = \"house\"\ndated = \"2026-11-21\"\nsources = [\"the house\"]\n";

    fn of(files: &[(&str, &str)]) -> anyhow::Result<Offered> {
        let own: Vec<_> = files.iter().map(|(file, text)| ((*file).into(), (*text).into())).collect();
        Offered::new(&own)
    }

    #[test]
    fn profiles_of_the_studio_stand_beside_those_that_come_along_or_in_their_place() {
        let cd = HOUSE.replace("house\"", "cd\"").replacen("cd\"]", "the house\"]", 1);
        let offered = of(&[("cd.toml", &cd), ("house.toml", HOUSE)]).expect("sound");
        assert_eq!(offered.text("house"), Ok(HOUSE));
        assert_eq!(offered.text("cd"), Ok(cd.as_str()));
        assert_eq!(offered.text("hi-res"), Ok(profile::text("hi-res").expect("shipped")));
        assert!(offered.text("hause").expect_err("unknown").contains("did you mean house?"));
        let own: Vec<&str> = offered.all().filter(|it| it.2).map(|it| it.0.name.as_str()).collect();
        assert_eq!(own, ["cd", "house"]);
        assert_eq!(offered.all().count(), profile::shipped().len() + 1);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_file_and_line() {
        let told = |files: &[(&str, &str)]| format!("{:#}", of(files).map(|_| ()).expect_err("it was taken"));
        let typo = format!("{HOUSE}[limits]\nbits_mim = 24\n");
        let no = told(&[("own.toml", &typo)]);
        assert!(no.contains("own.toml") && no.contains("line 5") && no.contains("bits_min"), "{no}");
        let no = told(&[("a.toml", HOUSE), ("b.toml", HOUSE)]);
        assert!(no.contains("b.toml") && no.contains("house"), "{no}");
        let no = told(&[("up.toml", &HOUSE.replace("\"house\"", "\"a/b\""))]);
        assert!(no.contains("up.toml") && no.contains("holds a slash"), "{no}");
    }

    #[tokio::test]
    async fn a_folder_is_read_for_its_toml_files_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let offered = Offered::of_folder(&folder.path().join("absent")).await.expect("none of its own");
        assert_eq!(offered.all().filter(|it| it.2).count(), 0);
        std::fs::write(folder.path().join("house.toml"), HOUSE).expect("written");
        std::fs::write(folder.path().join(".house.toml"), "not TOML").expect("written");
        std::fs::write(folder.path().join("notes.txt"), "not TOML").expect("written");
        let offered = Offered::of_folder(folder.path()).await.expect("one of its own");
        assert_eq!(offered.text("house"), Ok(HOUSE));
        std::fs::write(folder.path().join("large.toml"), " ".repeat(PROFILE_BYTES_MAX + 1)).expect("written");
        let no = Offered::of_folder(folder.path()).await.map(|_| ()).expect_err("it was read");
        assert!(format!("{no:#}").contains("large.toml"), "{no:#}");
    }
}
