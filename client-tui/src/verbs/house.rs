//! One project's rows in a shape to ask, and finding in it what a person named: by id, number, or the beginning of a title. What is not
//! clear is an error that lists the candidates.

use deadwax_proto::v1::{
    self, DeliveryRow, GateRow, MemberRow, NoteRow, ProjectRow, RecipeRow, RecordRow, RenderRow, RequestRow,
    SongRow, VersionKind, VersionRow, row::Row,
};

use super::{error::VerbError, words};
use crate::{name, net::Client};

#[derive(Clone, Debug, Default)]
pub struct House {
    pub seq: u64,
    pub project: ProjectRow,
    pub members: Vec<MemberRow>,
    /// In the running order.
    pub songs: Vec<SongRow>,
    pub gates: Vec<GateRow>,
    /// Oldest first.
    pub versions: Vec<VersionRow>,
    pub notes: Vec<NoteRow>,
    pub requests: Vec<RequestRow>,
    pub renders: Vec<RenderRow>,
    /// Oldest first, the project's and the songs'.
    pub recipes: Vec<RecipeRow>,
    pub deliveries: Vec<DeliveryRow>,
    /// Oldest first.
    pub records: Vec<RecordRow>,
}

impl House {
    /// What a reader of this person's name has to know, beside their keys and what they sign.
    pub fn looks_like(&self, person_id: &str, name: &str) -> Option<String> {
        let others = self.members.iter().filter(|it| it.person_id != person_id);
        crate::alike::warning(name, others.map(|it| it.name.as_str()))
    }

    pub fn from_update(update: v1::Update) -> House {
        let mut house = House { seq: update.seq, ..House::default() };
        for row in update.upserts.into_iter().filter_map(|r| r.row) {
            match row {
                Row::Project(row) => house.project = row,
                Row::Member(row) => house.members.push(row),
                Row::Song(row) => house.songs.push(row),
                Row::Gate(row) => house.gates.push(row),
                Row::Version(row) => house.versions.push(row),
                Row::Note(row) => house.notes.push(row),
                Row::Request(row) => house.requests.push(row),
                Row::Render(row) => house.renders.push(row),
                Row::Recipe(row) => house.recipes.push(row),
                Row::Delivery(row) => house.deliveries.push(row),
                Row::Record(row) => house.records.push(row),
            }
        }
        house.songs.sort_by_key(|s| s.position);
        house.versions.sort_by_key(|v| (v.at_ms, v.number));
        house.notes.sort_by_key(|n| (n.start_ms.unwrap_or(0), n.at_ms));
        house.requests.sort_by_key(|r| r.at_ms);
        house.renders.sort_by_key(|r| r.at_ms);
        house.recipes.sort_by_key(|r| r.number);
        house.deliveries.sort_by_key(|d| d.at_ms);
        house.records.sort_by_key(|r| r.number);
        house
    }

    pub async fn fetch(client: &Client, project_id: &str) -> Result<House, VerbError> {
        Ok(House::from_update(client.get(project_id).await?))
    }

    /// The project named; without a name the only one.
    pub async fn find(client: &Client, wanted: Option<&str>) -> Result<House, VerbError> {
        let projects = client.list().await?;
        let names: Vec<(&str, &str)> =
            projects.iter().map(|p| (p.project_id.as_str(), p.title.as_str())).collect();
        let chosen = &projects[choose("project", &names, wanted)?];
        House::fetch(client, &chosen.project_id).await
    }

    /// The song named: by id, its number in the running order, or the beginning of its title.
    pub fn song(&self, wanted: Option<&str>) -> Result<&SongRow, VerbError> {
        let names: Vec<(&str, &str)> =
            self.songs.iter().map(|s| (s.song_id.as_str(), s.title.as_str())).collect();
        if let Some(number) = wanted.and_then(|w| w.trim().parse::<u32>().ok())
            && !self.songs.iter().any(|s| name::key(&s.title).starts_with(&number.to_string()))
            && let Some(song) = self.songs.iter().find(|s| s.position == number)
        {
            return Ok(song);
        }
        Ok(&self.songs[choose("song", &names, wanted)?])
    }

    pub fn versions_of<'a>(&'a self, song_id: &'a str) -> impl Iterator<Item = &'a VersionRow> {
        self.versions.iter().filter(move |v| v.song_id == song_id)
    }

    pub fn version_by_id(&self, id: &str) -> Option<&VersionRow> {
        self.versions.iter().find(|v| !id.is_empty() && v.version_id == id)
    }

    /// "mix 2", "2" (of the stage's kind), an id; without: what the gate looks at, else the newest.
    pub fn version<'a>(
        &'a self,
        song: &'a SongRow,
        wanted: Option<&str>,
    ) -> Result<&'a VersionRow, VerbError> {
        let mut all: Vec<&VersionRow> = self.versions_of(&song.song_id).collect();
        let found = match wanted {
            None => self.version_by_id(&song.candidate_version_id).or_else(|| all.pop()),
            Some(wanted) => named_version(&all, song, wanted),
        };
        found.ok_or_else(|| {
            let list: Vec<String> = self.versions_of(&song.song_id).map(words::version).collect();
            match (wanted, list.is_empty()) {
                (_, true) => VerbError::no(
                    "NO_VERSION",
                    format!("{} has no version yet.", song.title),
                    "Upload one with `deadwax push`.",
                ),
                (wanted, false) => VerbError::Usage(format!(
                    "{} has no version {:?}; it has {}",
                    song.title,
                    wanted.unwrap_or(""),
                    list.join(", ")
                )),
            }
        })
    }

    /// A note by id or the beginning of its id.
    pub fn note(&self, wanted: &str) -> Result<&NoteRow, VerbError> {
        let wanted = wanted.trim().trim_start_matches("note/").to_ascii_lowercase();
        let fits = |n: &&NoteRow| {
            n.note_id.to_ascii_lowercase().starts_with(&wanted) || short_id(&n.note_id) == wanted
        };
        let mut found = self.notes.iter().filter(|n| !wanted.is_empty() && fits(n));
        match (found.next(), found.next()) {
            (Some(note), None) => Ok(note),
            (Some(_), Some(_)) => {
                Err(VerbError::Usage(format!("{wanted:?} begins several notes; write more of the id")))
            }
            (None, _) => {
                Err(VerbError::Usage(format!("there is no note {wanted:?}; see `deadwax notes list`")))
            }
        }
    }

    pub fn member(&self, wanted: &str) -> Result<&MemberRow, VerbError> {
        let names: Vec<(&str, &str)> =
            self.members.iter().map(|m| (m.person_id.as_str(), m.name.as_str())).collect();
        Ok(&self.members[choose("person", &names, Some(wanted))?])
    }

    pub fn gate(&self, song_id: &str) -> Option<&GateRow> {
        self.gates.iter().find(|g| g.song_id == song_id)
    }
}

/// The last eight digits: the first ones of ids ordered by time are alike.
pub fn short_id(id: &str) -> String {
    let digits: Vec<char> = id.chars().filter(char::is_ascii_hexdigit).collect();
    digits[digits.len().saturating_sub(8)..].iter().collect::<String>().to_ascii_lowercase()
}

fn named_version<'a>(all: &[&'a VersionRow], song: &SongRow, wanted: &str) -> Option<&'a VersionRow> {
    if let Some(version) = all.iter().find(|v| v.version_id == wanted.trim()) {
        return Some(version);
    }
    let key = name::key(wanted);
    // Where mixes compete the line stands in the name: "mix a 1".
    if let Some(version) = all.iter().find(|v| !v.name.is_empty() && name::key(&v.name) == key) {
        return Some(version);
    }
    let letters = key.trim_end_matches(|c: char| c.is_ascii_digit());
    let kind = match letters {
        "take" => VersionKind::Take,
        "mix" => VersionKind::Mix,
        "master" => VersionKind::Master,
        "" | "v" => kind_of_stage(song.stage),
        _ => return None,
    };
    let of_kind = || all.iter().filter(|v| v.kind == kind as i32);
    match key[letters.len()..].parse::<u32>() {
        Ok(number) => of_kind().find(|v| v.number == number).copied(),
        Err(_) if letters.len() > 1 && key.len() == letters.len() => {
            of_kind().max_by_key(|v| v.number).copied()
        }
        Err(_) => None,
    }
}

/// What a song in this stage is given next. A delivered song looks at its masters.
pub fn kind_of_stage(stage: i32) -> VersionKind {
    match v1::Stage::try_from(stage) {
        Ok(v1::Stage::Recording) => VersionKind::Take,
        Ok(v1::Stage::Mastering | v1::Stage::Delivered) => VersionKind::Master,
        _ => VersionKind::Mix,
    }
}

/// Which of `names` (id, title) was meant: id, whole title, or the only title that begins so, letters and digits alone compared.
pub fn choose(what: &str, names: &[(&str, &str)], wanted: Option<&str>) -> Result<usize, VerbError> {
    let list = |indices: &[usize]| {
        let mut shown: Vec<String> =
            indices.iter().take(12).map(|i| format!("{:?} ({})", names[*i].1, names[*i].0)).collect();
        if indices.len() > 12 {
            shown.push("...".into());
        }
        shown.join(", ")
    };
    let all: Vec<usize> = (0..names.len()).collect();
    if names.is_empty() {
        return Err(VerbError::no("NOTHING_THERE", format!("There is no {what} that you can see."), ""));
    }
    let Some(wanted) = wanted else {
        return match names.len() {
            1 => Ok(0),
            _ => Err(VerbError::Usage(format!("which {what}? Say --{what}; there are {}", list(&all)))),
        };
    };
    if let Some(index) = names.iter().position(|(id, _)| *id == wanted.trim()) {
        return Ok(index);
    }
    let key = name::key(wanted);
    let fitting = |test: &dyn Fn(&str) -> bool| -> Vec<usize> {
        all.iter().copied().filter(|i| !key.is_empty() && test(&name::key(names[*i].1))).collect()
    };
    for found in [fitting(&|title| title == key), fitting(&|title| title.starts_with(&key))] {
        match found.as_slice() {
            [] => {}
            [one] => return Ok(*one),
            several => {
                return Err(VerbError::Usage(format!("{wanted:?} fits several: {}", list(several))));
            }
        }
    }
    Err(VerbError::Usage(format!("there is no {what} {wanted:?}; there are {}", list(&all))))
}

/// The server's own dry "may I?" for this row; an answer of no ends the verb with its reason.
pub fn ask_allowed(allowed: &[v1::Allowed], action: &str) -> Result<(), VerbError> {
    match allowed.iter().find(|a| a.action == action) {
        Some(no) if !no.yes => Err(VerbError::Net(crate::net::NetError::Refused {
            code: tonic::Code::FailedPrecondition,
            reason: no.reason.clone(),
            text: no.text.clone(),
            hint: no.hint.clone(),
            offset: None,
        })),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house() -> House {
        let version = |id: &str, kind: VersionKind, number| VersionRow {
            version_id: id.into(),
            song_id: "s1".into(),
            kind: kind as i32,
            number,
            at_ms: i64::from(number),
            ..VersionRow::default()
        };
        let song = |id: &str, title: &str, position| SongRow {
            song_id: id.into(),
            title: title.into(),
            position,
            stage: v1::Stage::Mixing as i32,
            ..SongRow::default()
        };
        House {
            songs: vec![
                song("s1", "Night Drive", 1),
                song("s2", "Night Shift", 2),
                song("s3", "99 Lamps", 3),
            ],
            versions: vec![
                version("t1", VersionKind::Take, 1),
                version("m1", VersionKind::Mix, 1),
                version("m2", VersionKind::Mix, 2),
            ],
            ..House::default()
        }
    }

    #[test]
    fn a_song_is_found_by_what_people_type() {
        let house = house();
        for (wanted, id) in [("s2", "s2"), ("night drive", "s1"), ("NightD", "s1"), ("2", "s2"), ("99", "s3")]
        {
            assert_eq!(house.song(Some(wanted)).unwrap().song_id, id, "{wanted}");
        }
        let error = house.song(Some("night")).unwrap_err();
        assert!(error.to_string().contains("Night Drive") && error.to_string().contains("Night Shift"));
        assert_eq!(error.exit_code(), 2);
        assert!(house.song(None).unwrap_err().to_string().contains("99 Lamps"));
        assert!(house.song(Some("")).is_err() && house.song(Some("zz")).is_err());
    }

    #[test]
    fn a_version_is_found_by_kind_and_number() {
        let mut house = house();
        let song = house.songs[0].clone();
        for (wanted, id) in [
            ("mix 2", "m2"),
            ("Mix1", "m1"),
            ("2", "m2"),
            ("v1", "m1"),
            ("take 1", "t1"),
            ("mix", "m2"),
            ("m1", "m1"),
        ] {
            assert_eq!(house.version(&song, Some(wanted)).unwrap().version_id, id, "{wanted}");
        }
        for wanted in ["mix 3", "master 1", "remix 2", ""] {
            assert!(house.version(&song, Some(wanted)).is_err(), "{wanted:?}");
        }
        house.songs[0].candidate_version_id = "m1".into();
        assert_eq!(house.version(&house.songs[0], None).unwrap().version_id, "m1");
        assert_eq!(house.version(&house.songs[1], None).unwrap_err().exit_code(), 1);
    }
}
