//! Everybody who makes the record, each at a machine of their own, and what they ask by the verbs of the command line. Never here: steps, checks.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{
    demo::{Log, studio::text},
    harness::{House, Said, Seat},
};

pub const PROJECT: &str = "Night Drive EP";

const PEOPLE: [(&str, &str); 7] = [
    ("Mara Lind", "artist"),
    ("Teo Brandt", "mix-engineer"),
    ("Juno Park", "mix-engineer"),
    ("Ines Okafor", "mastering-engineer"),
    ("Lena Ruiz", "label"),
    ("Paul Roth", "label"),
    ("Ada Stone", "listener"),
];

pub struct Ep {
    pub house: House,
    pub log: Log,
    pub root: PathBuf,
    /// Owner of the studio and manager of the project.
    pub owner: Seat,
    pub artist: Seat,
    pub teo: Seat,
    pub juno: Seat,
    pub ines: Seat,
    pub lena: Seat,
    pub paul: Seat,
    pub listener: Seat,
}

impl Ep {
    pub fn found(exe: &Path, root: &Path, log: Log, titles: &[&str]) -> Result<Ep> {
        let songs: Vec<(&str, String)> = titles.iter().map(|title| (*title, String::new())).collect();
        Ep::gather(exe, root, log, PROJECT, &songs)
    }

    /// A project of any title; songs with their ISRC, or none.
    pub fn gather(exe: &Path, root: &Path, log: Log, project: &str, songs: &[(&str, String)]) -> Result<Ep> {
        let mut house = House::found(exe, root)?;
        house.open()?;
        let seat = |name: &str| house.seat(root, &name.split(' ').next().unwrap_or(name).to_lowercase());
        let owner = seat("Noor Haddad")?;
        let link = house.owner_link.clone();
        owner.verb(["login", &link, "--device", "office"])?;
        owner.verb(["project", "create", project, "--artist", "Mara Lind"])?;
        for (title, isrc) in songs {
            owner.verb(["song", "add", title, "--isrc", isrc])?;
        }
        let guest = |(name, role): (&str, &str)| {
            let mail = format!("{}@night.example", name.to_lowercase().replace(' ', "."));
            let said = owner.verb(["invite", "--name", name, "--email", &mail, "--roles", role])?;
            let link = said.first()["link"].as_str().context("the invite holds no link")?;
            let seat = seat(name)?;
            seat.verb(["login", link, "--device", "laptop"])?;
            anyhow::Ok(seat)
        };
        let [artist, teo, juno, ines, lena, paul, listener] = PEOPLE.map(guest);
        Ok(Ep {
            log,
            root: root.to_owned(),
            artist: artist?,
            teo: teo?,
            juno: juno?,
            ines: ines?,
            lena: lena?,
            paul: paul?,
            listener: listener?,
            owner,
            house,
        })
    }
}

/// A song of the project, as one person's verbs name it.
#[derive(Clone, Copy)]
pub struct On<'a> {
    pub ep: &'a Ep,
    pub song: &'static str,
}

impl On<'_> {
    pub fn args(&self, args: &[&str]) -> Vec<String> {
        let song = ["--song", self.song];
        args.iter().chain(&song).map(|word| (*word).to_owned()).collect()
    }

    pub fn verb(&self, seat: &Seat, args: &[&str]) -> Result<Said> {
        let said = seat.verb(self.args(args))?;
        for effect in effects(&said) {
            self.ep.log.say(&effect);
        }
        Ok(said)
    }

    pub fn refused(&self, seat: &Seat, reason: &str, args: &[&str]) -> Result<()> {
        let said = seat.refused(reason, self.args(args))?;
        let told = said.stderr.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
        let told = told.unwrap_or_default();
        self.ep.log.check(
            !text(&told, "hint").is_empty(),
            format!("{reason}: {} {}", text(&told, "text"), text(&told, "hint")),
        )
    }

    /// The files of a print, main first.
    pub fn push(&self, seat: &Seat, stage: &str, files: &[(String, PathBuf)], note: &str) -> Result<()> {
        let mut args: Vec<String> = vec!["push".into()];
        for (_, path) in files {
            args.push(path.to_string_lossy().into_owned());
        }
        for (token, _) in files {
            args.extend(["--alternate".into(), token.clone()]);
        }
        args.extend(["--stage".into(), stage.into(), "--note".into(), note.into(), "--yes".into()]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.verb(seat, &args).map(drop)
    }

    pub fn rows(&self, seat: &Seat) -> Result<BTreeMap<String, Value>> {
        let lines = seat.verb(self.args(&["export", "--no-audio"]))?.lines;
        Ok(lines.into_iter().filter_map(|row| Some((row["key"].as_str()?.to_owned(), row))).collect())
    }

    pub fn song_row(&self, seat: &Seat) -> Result<Value> {
        let rows = self.rows(seat)?;
        let row = rows.values().find(|row| row["row"] == "song" && row["title"] == self.song);
        row.cloned().with_context(|| format!("no song {}", self.song))
    }

    pub fn gate(&self, seat: &Seat) -> Result<Value> {
        let id = text(&self.song_row(seat)?, "song_id").to_owned();
        self.rows(seat)?.remove(&format!("gate/{id}")).context("the song has no gate")
    }

    /// The letter of an engineer's line, as the engineer reads it: blind lines are drawn by lot.
    pub fn line(&self, engineer: &Seat) -> Result<String> {
        let row = self.song_row(engineer)?;
        let mut lines = row["shootout"]["lines"].as_array().into_iter().flatten();
        // A seat is called by the first name.
        let own = lines.find(|line| text(line, "engineer").to_lowercase().starts_with(&engineer.name));
        own.map(|line| text(line, "letter").to_owned())
            .with_context(|| format!("no line of {}", engineer.name))
    }

    /// "Mix A 1": the nth mix of an engineer's line.
    pub fn mix(&self, engineer: &Seat, number: u32) -> Result<String> {
        Ok(format!("Mix {} {number}", self.line(engineer)?))
    }

    /// "Mix A 1"
    pub fn version(&self, seat: &Seat, name: &str) -> Result<Value> {
        let id = text(&self.song_row(seat)?, "song_id").to_owned();
        let rows = self.rows(seat)?;
        let mut all = rows.values().filter(|row| row["row"] == "version" && row["song_id"] == id.as_str());
        all.find(|row| row["name"] == name).cloned().with_context(|| format!("no {name} of {}", self.song))
    }

    /// Waits until the house has looked at a version.
    pub fn examined(&self, seat: &Seat, name: &str) -> Result<Value> {
        let done = |row: &Value| row["examination"]["state"] == "done" || row["examination"].is_null();
        self.wait(&format!("the examination of {name}"), || {
            Ok(Some(self.version(seat, name)?).filter(|row| done(row)))
        })
    }

    pub fn note(&self, seat: &Seat, id: &str) -> Result<Value> {
        self.rows(seat)?.remove(&format!("note/{id}")).context("the note is not there")
    }

    pub fn wait<T>(&self, what: &str, mut found: impl FnMut() -> Result<Option<T>>) -> Result<T> {
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(240) {
            if let Some(found) = found()? {
                return Ok(found);
            }
            thread::sleep(Duration::from_millis(200));
        }
        bail!("{} never came: {}", what, self.song)
    }

    /// Approves quoting the fingerprint that is there.
    pub fn approve(&self, seat: &Seat, name: &str, role: &str) -> Result<Said> {
        let fingerprint = text(&self.version(seat, name)?, "fingerprint").to_owned();
        let args =
            ["approve", "--version", name, "--role", role, "--fingerprint", &fingerprint[..16], "--yes"];
        self.verb(seat, &args)
    }

    pub fn stands_in(&self, stage: &str) -> Result<()> {
        let row = self.song_row(&self.ep.owner)?;
        self.ep.log.same(&text(&row, "stage"), &stage, &format!("{} stands in {stage}", self.song))
    }
}

pub fn effects(said: &Said) -> Vec<String> {
    let all = said.lines.iter().filter_map(|line| line["effects"].as_array()).flatten();
    all.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}
