//! The five people of the demo, each at a machine of their own, and what they can ask: only verbs of the command line. Never here: steps, checks.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use deadwax_client::{
    net::Client,
    profile::{Home, Profile},
};
use serde_json::Value;

use crate::harness::{House, Seat};

/// Name in the studio, e-mail, role on the command line; the owner stands apart.
const PEOPLE: [(&str, &str, &str); 4] = [
    ("Mara Lind", "mara@night.example", "artist"),
    ("Teo Brandt", "teo@mixroom.example", "mix-engineer"),
    ("Ines Okafor", "ines@cut.example", "mastering-engineer"),
    ("Lena Ruiz", "lena@lamplight.example", "label"),
];

pub struct Cast {
    /// Owner of the studio and manager of the project.
    pub owner: Seat,
    pub artist: Seat,
    pub mixer: Seat,
    pub masterer: Seat,
    pub label: Seat,
}

impl Cast {
    /// Signs the owner in, makes the project with its song, invites the others, and signs each of them in with their own link.
    pub fn assemble(house: &House, root: &Path, link: &str) -> Result<Cast> {
        let seat = |name: &str| house.seat(root, &name.split(' ').next().unwrap_or(name).to_lowercase());
        let owner = seat("Noor Haddad")?;
        owner.verb(["login", link, "--device", "office"])?;
        owner.verb(["project", "create", "Night Drive", "--artist", "Mara Lind"])?;
        owner.verb(["song", "add", "Night Drive", "--isrc", "QZDWX2600001"])?;
        let guest = |(name, email, role): (&str, &str, &str)| {
            let said = owner.verb(["invite", "--name", name, "--email", email, "--roles", role])?;
            let link = said.first()["link"].as_str().context("the invite holds no link")?;
            let seat = seat(name)?;
            seat.verb(["login", link, "--device", "laptop"])?;
            anyhow::Ok(seat)
        };
        let [artist, mixer, masterer, label] = PEOPLE.map(guest);
        Ok(Cast { artist: artist?, mixer: mixer?, masterer: masterer?, label: label?, owner })
    }
}

/// What a person sees of the project, read by `deadwax export`, by key.
pub fn rows(seat: &Seat) -> Result<BTreeMap<String, Value>> {
    let lines = seat.verb(["export", "--no-audio"])?.lines;
    Ok(lines.into_iter().filter_map(|row| Some((row["key"].as_str()?.to_owned(), row))).collect())
}

/// Everything that `export` says, history included, line by line.
pub fn exported(seat: &Seat) -> Result<Vec<Value>> {
    Ok(seat.verb(["export", "--no-audio"])?.lines)
}

/// The rows of one kind, in the order of their keys, which is the order of time.
pub fn of_kind<'a>(rows: &'a BTreeMap<String, Value>, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    rows.values().filter(move |row| row["row"] == kind)
}

/// The only song.
pub fn song(seat: &Seat) -> Result<Value> {
    of_kind(&rows(seat)?, "song").next().cloned().context("the song is not there")
}

/// "mix", 2
pub fn version(seat: &Seat, kind: &str, number: u64) -> Result<Value> {
    of_kind(&rows(seat)?, "version")
        .find(|row| row["kind"] == kind && row["number"] == number)
        .cloned()
        .with_context(|| format!("{kind} {number} is not there"))
}

/// The file of an alternate; of a master with several encodings the first.
pub fn file<'a>(version: &'a Value, alternate: &str) -> Result<&'a Value> {
    version["files"]
        .as_array()
        .and_then(|files| files.iter().find(|file| file["alternate"] == alternate))
        .with_context(|| format!("no {alternate} in {}", version["version_id"]))
}

/// The same person through the client library.
pub fn profile(seat: &Seat) -> Result<Profile> {
    Ok(Home::at(&seat.home).load(None)?)
}

pub async fn client(seat: &Seat) -> Result<Client> {
    Ok(Client::connect(&profile(seat)?).await?)
}
