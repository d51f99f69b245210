//! Which mix lies behind which name: drawn by chance, kept in the person's own folder and nowhere beside the files, and printed by nobody
//! before a vote.

use deadwax_proto::v1::{Line, Shootout};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    profile::{Home, Profile},
    verbs::VerbError,
};

const FOLDER: &str = "blind";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    pub shootout_id: String,
    /// The level at which they are compared; known once they are made.
    pub matched_lufs: f64,
    /// The person was told which is which: a vote is not blind any more.
    pub revealed: bool,
    /// In the order of their names.
    pub mixes: Vec<Mix>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mix {
    /// "X1"
    pub name: String,
    pub letter: String,
    pub version_id: String,
}

/// A number below `n` from the system's source of chance. The bias of a remainder of 64 bits is below anything that could be counted.
fn below(n: usize) -> Result<usize, VerbError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|e| VerbError::Input(format!("this machine gives no random numbers: {e}")))?;
    Ok((u64::from_le_bytes(bytes) % n.max(1) as u64) as usize)
}

impl Key {
    /// A new order of these lines.
    pub fn draw(shootout_id: &str, lines: &[&Line]) -> Result<Key, VerbError> {
        Key::draw_with(shootout_id, lines, below)
    }

    /// Fisher and Yates, with the chance given.
    fn draw_with(
        shootout_id: &str,
        lines: &[&Line],
        mut below: impl FnMut(usize) -> Result<usize, VerbError>,
    ) -> Result<Key, VerbError> {
        let mut order: Vec<&Line> = lines.to_vec();
        for last in (1..order.len()).rev() {
            order.swap(last, below(last + 1)?);
        }
        let mixes = order.iter().enumerate().map(|(index, line)| Mix {
            name: format!("X{}", index + 1),
            letter: line.letter.clone(),
            version_id: line.newest_version_id.clone(),
        });
        Ok(Key {
            shootout_id: shootout_id.to_owned(),
            matched_lufs: 0.0,
            revealed: false,
            mixes: mixes.collect(),
        })
    }

    /// True where it hides exactly the versions that these lines hold now.
    pub fn is_of(&self, lines: &[&Line]) -> bool {
        let mut own: Vec<&str> = self.mixes.iter().map(|m| m.version_id.as_str()).collect();
        let mut now: Vec<&str> = lines.iter().map(|l| l.newest_version_id.as_str()).collect();
        own.sort_unstable();
        now.sort_unstable();
        own == now
    }

    pub fn mix(&self, name: &str) -> Option<&Mix> {
        self.mixes.iter().find(|m| m.name.eq_ignore_ascii_case(name.trim()))
    }

    /// One of this person's on this server; the id of the server is never a path.
    fn file(profile: &Profile, shootout_id: &str) -> String {
        let whose = format!("{}\n{}\n{shootout_id}", profile.url, profile.person_id);
        hex::encode(&Sha256::digest(whose)[..16])
    }

    pub fn save(&self, home: &Home, profile: &Profile) -> Result<(), VerbError> {
        let text = toml::to_string(self)
            .map_err(|e| VerbError::Input(format!("which mix is which could not be kept: {e}")))?;
        Ok(home.keep(FOLDER, &Key::file(profile, &self.shootout_id), &text)?)
    }

    /// What was kept at the last fetch. A file that cannot be read counts as none: it is drawn anew.
    pub fn load(home: &Home, profile: &Profile, shootout: &Shootout) -> Result<Option<Key>, VerbError> {
        let text = home.kept(FOLDER, &Key::file(profile, &shootout.shootout_id))?;
        let key = text.and_then(|text| toml::from_str::<Key>(&text).ok());
        Ok(key.filter(|key| key.shootout_id == shootout.shootout_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(n: usize) -> Vec<Line> {
        (0..n)
            .map(|i| Line { letter: format!("L{i}"), newest_version_id: format!("v{i}"), ..Line::default() })
            .collect()
    }

    #[test]
    fn every_order_can_come_and_holds_each_line_once() {
        let lines = lines(3);
        let lines: Vec<&Line> = lines.iter().collect();
        let mut seen = std::collections::BTreeSet::new();
        // All chances that three lines ask for: one of three, then one of two.
        for (a, b) in [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)] {
            let mut chance = [a, b].into_iter();
            let key = Key::draw_with("s", &lines, |_| Ok(chance.next().unwrap())).unwrap();
            assert_eq!(key.mixes.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["X1", "X2", "X3"]);
            assert!(key.is_of(&lines));
            seen.insert(key.mixes.iter().map(|m| m.letter.clone()).collect::<Vec<_>>());
        }
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn chance_is_asked_of_the_system() {
        let lines = lines(8);
        let lines: Vec<&Line> = lines.iter().collect();
        let orders: std::collections::BTreeSet<Vec<String>> = (0..20)
            .map(|_| Key::draw("s", &lines).unwrap().mixes.into_iter().map(|m| m.letter).collect())
            .collect();
        // Twenty times one of 40320 orders: that all were alike is as good as impossible.
        assert!(orders.len() > 1);
    }

    #[test]
    fn it_is_kept_for_one_person_and_read_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let ana = Profile { url: "deadwax://a".into(), person_id: "p1".into(), ..Profile::default() };
        let ben = Profile { person_id: "p2".into(), ..ana.clone() };
        let lines = lines(2);
        let shootout = Shootout { shootout_id: "../../x".into(), ..Shootout::default() };
        let key = Key::draw(&shootout.shootout_id, &lines.iter().collect::<Vec<_>>()).unwrap();
        key.save(&home, &ana).unwrap();
        assert_eq!(Key::load(&home, &ana, &shootout).unwrap(), Some(key));
        assert_eq!(Key::load(&home, &ben, &shootout).unwrap(), None);
        let files: Vec<_> =
            std::fs::read_dir(folder.path().join("blind")).unwrap().map(|e| e.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&files[0]), 0o600);
            assert_eq!(mode(&folder.path().join("blind")), 0o700);
        }
        std::fs::write(&files[0], "no toml [").unwrap();
        assert_eq!(Key::load(&home, &ana, &shootout).unwrap(), None);
    }
}
