//! The dry run: profiles read, each planned, and what the studio can keep of a record held against it. The same for who asks before and for the worker who
//! makes it. Pure but for time: who calls this from a server leaves the async threads first. Never here: who may ask, what is on disk.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use deadwax_domain::{Reason, RecordProfile, Refusal, limits, record};
use deadwax_dsp::{
    profile::{self, Ask, Catalogue, Finding, Plan, PlannedFile, Profile, RecordSheet},
    record::ProfileText,
    write::Cover,
};

/// Of the report in the fact of a record; the names of its files get the rest.
const REPORT_BYTES: usize = 100 * 1024;
/// Of a file in a manifest, beside its place: digest, size, and the words between.
const MANIFEST_FILE_BYTES: usize = 144;
/// Of a master in a manifest, beside its title.
const MANIFEST_MASTER_BYTES: usize = 240;
/// Of approvals, profiles and what differs.
const MANIFEST_REST_BYTES: usize = 24 * 1024;
/// Asks of hostile profiles times songs: nobody's memory is spent on planning more.
const ASKED_FILES_MAX: usize = 8 * limits::RECORD_FILES_MAX;
/// A set of a disc, and whatever else an ask makes that is not a file a song.
const FILES_OF_AN_ASK: usize = 8;

/// Profiles with their texts, those that come along filled in.
#[derive(Clone, Debug)]
pub struct Profiles {
    /// As a record keeps them.
    pub texts: Vec<RecordProfile>,
    pub read: Vec<Profile>,
}

impl Profiles {
    /// Errors: `PROFILE_INVALID` with the line and the nearest word.
    pub fn read(given: Vec<RecordProfile>) -> Result<Profiles, Refusal> {
        if given.len() > limits::PROFILES_PER_RECORD_MAX {
            record::sound_profiles(&given)?;
        }
        let mut texts = Vec::with_capacity(given.len());
        for profile in given {
            texts.push(filled(profile)?);
        }
        let texts = record::sound_profiles(&texts)?;
        let read = texts.iter().map(parsed).collect::<Result<_, _>>()?;
        must_be_makeable(&texts)?;
        Ok(Profiles { texts, read })
    }
}

fn invalid(text: String, hint: &str) -> Refusal {
    Refusal::new(Reason::ProfileInvalid, text, hint)
}

/// A shipped one by its name alone; a text without a name has the one that it gives itself.
fn filled(given: RecordProfile) -> Result<RecordProfile, Refusal> {
    let RecordProfile { name, toml } = given;
    if !toml.trim().is_empty() {
        // What is too long is refused as such by the rules; it is not read for its name.
        let unnamed = name.trim().is_empty() && toml.len() <= limits::PROFILE_BYTES_MAX;
        let name = if unnamed { parsed_text("", &toml)?.name } else { name };
        return Ok(RecordProfile { name, toml });
    }
    let name = name.trim().to_owned();
    if let Some(text) = profile::text(&name) {
        return Ok(RecordProfile { name, toml: text.to_owned() });
    }
    let nearest = Catalogue::new([]).and_then(|all| all.get(&name).map(drop)).err().unwrap_or_default();
    let text = format!("T{}.", nearest.strip_prefix('t').unwrap_or("here is no such profile"));
    Err(invalid(text, "See the list: deadwax record profiles. Or give the text of your own."))
}

fn parsed(given: &RecordProfile) -> Result<Profile, Refusal> {
    let read = parsed_text(&given.name, &given.toml)?;
    let name = &given.name;
    if read.name != *name {
        let text = format!("The profile {name} calls itself {:?} in its text.", read.name);
        return Err(invalid(text, "Name it as it names itself: its files lie in a folder of that name."));
    }
    if !record::is_file_name(name) || name.starts_with(['.', '_']) || name.contains(':') {
        let text = format!("The name of the profile {name} cannot be that of a folder everywhere.");
        return Err(invalid(text, "Name it with letters, digits and -."));
    }
    Ok(read)
}

/// Whoever makes the files looks at the profiles too, and at their names as folders; what it would refuse is refused before anything is queued.
fn must_be_makeable(texts: &[RecordProfile]) -> Result<(), Refusal> {
    let text = |it: &RecordProfile| ProfileText { name: it.name.clone(), toml: it.toml.clone() };
    let texts: Vec<ProfileText> = texts.iter().map(text).collect();
    match deadwax_dsp::record::plans(&RecordSheet::default(), &texts) {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(invalid(format!("The profiles cannot be used: {error}."), "Mend it, then try again."))
        }
    }
}

fn parsed_text(name: &str, toml: &str) -> Result<Profile, Refusal> {
    Profile::parse(toml).map_err(|(line, what)| {
        let who = if name.is_empty() { "The profile".to_owned() } else { format!("The profile {name}") };
        let what = what.trim_end_matches('.');
        invalid(format!("{who} is wrong in line {line}: {what}."), "Mend the line, then try again.")
    })
}

/// The picture, for the sizes of the files that it stands in. One that cannot be read is refused when the files are made.
pub fn cover(path: Option<&Path>) -> Option<Cover> {
    Cover::new(std::fs::read(path?).ok()?).ok()
}

/// A finding and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub finding: Finding,
    /// Empty: of the record as a whole.
    pub profile: String,
}

/// What would be made.
#[derive(Clone, Debug, Default)]
pub struct Dry {
    /// In the order of the profiles. None where there would be far too many files.
    pub plans: Vec<Plan>,
    /// Blocks first.
    pub findings: Vec<Told>,
}

impl Dry {
    /// `findings`: of the sheet itself.
    pub fn of(profiles: &[Profile], sheet: &RecordSheet, findings: Vec<Finding>) -> Dry {
        let whole = |finding| Told { finding, profile: String::new() };
        let mut told: Vec<Told> = findings.into_iter().map(whole).collect();
        let asked = profiles.iter().map(|it| asked_files(it, sheet)).fold(0, usize::saturating_add);
        let mut plans = Vec::new();
        if asked <= ASKED_FILES_MAX {
            plans = profiles.iter().map(|it| profile::plan(it, sheet)).collect();
            told.extend(merged(&plans));
            told.extend(too_large(&plans, sheet).into_iter().map(whole));
        } else {
            told.push(whole(too_many(asked)));
        }
        told.sort_by_key(|it| !it.finding.block);
        Dry { plans, findings: told }
    }

    /// What keeps it from being made, the first of it, and how many there are.
    pub fn blocked(&self) -> Option<(&Told, usize)> {
        let count = self.findings.iter().filter(|it| it.finding.block).count();
        self.findings.first().filter(|it| it.finding.block).map(|first| (first, count))
    }

    pub fn bytes(&self) -> u64 {
        self.plans.iter().map(Plan::bytes).fold(0, u64::saturating_add)
    }

    /// Of all sound in all files.
    pub fn seconds(&self) -> u64 {
        let seconds = |it: &PlannedFile| it.frames.div_ceil(u64::from(it.sample_rate).max(1));
        let sound = self.files().filter(|(_, it)| it.sample_rate > 0);
        sound.map(|(_, it)| seconds(it)).fold(0, u64::saturating_add)
    }

    pub fn files(&self) -> impl Iterator<Item = (&Plan, &PlannedFile)> {
        self.plans.iter().flat_map(|plan| plan.files.iter().map(move |file| (plan, file)))
    }
}

/// Where a planned file lies in the delivery.
pub fn folder(profile: &str, folder: &str) -> String {
    if folder.is_empty() { profile.to_owned() } else { format!("{profile}/{folder}") }
}

/// At most so many files follow from it.
fn asked_files(profile: &Profile, sheet: &RecordSheet) -> usize {
    let each = |ask: Ask| match ask {
        Ask::Track | Ask::Song => sheet.songs.len(),
        Ask::Side => sheet.sides.len() + 1,
        _ => FILES_OF_AN_ASK,
    };
    profile.files.iter().map(|ask| each(ask.kind)).fold(0, usize::saturating_add)
}

/// What all profiles find alike is said once, of the record.
fn merged(plans: &[Plan]) -> Vec<Told> {
    let key = |it: &Finding| {
        format!("{}\n{}\n{}\n{}\n{:?}{:?}", it.code, it.text, it.source, it.mend, it.songs, it.side)
    };
    let mut found_by: HashMap<String, BTreeSet<usize>> = HashMap::new();
    for (nth, plan) in plans.iter().enumerate() {
        for finding in &plan.findings {
            found_by.entry(key(finding)).or_default().insert(nth);
        }
    }
    let mut told = Vec::new();
    for (nth, plan) in plans.iter().enumerate() {
        for finding in &plan.findings {
            let common =
                plans.len() > 1 && found_by.get(&key(finding)).is_some_and(|by| by.len() == plans.len());
            if common && nth > 0 {
                continue;
            }
            let profile = if common { String::new() } else { plan.profile.clone() };
            told.push(Told { finding: finding.clone(), profile });
        }
    }
    told
}

const BOUNDS: &str = "what this studio keeps of a record";

fn too_many(files: usize) -> Finding {
    let most = limits::RECORD_FILES_MAX;
    Finding {
        block: true,
        code: "TOO_MANY_FILES",
        text: format!("The record would have {files} files; {most} are the limit."),
        source: BOUNDS.to_owned(),
        mend: "Make two records with fewer profiles each.".to_owned(),
        songs: Vec::new(),
        side: None,
    }
}

/// What would be refused when all is made already: the fact of a record and its manifest have bounds.
fn too_large(plans: &[Plan], sheet: &RecordSheet) -> Option<Finding> {
    let files: usize = plans.iter().map(|plan| plan.files.len()).sum();
    if files > limits::RECORD_FILES_MAX {
        return Some(too_many(files));
    }
    let all = plans.iter().flat_map(|plan| plan.files.iter().map(move |file| (plan, file)));
    let place =
        |plan: &Plan, file: &PlannedFile| folder(&plan.profile, &file.folder).len() + 1 + file.name.len();
    let (mut names, mut manifest) = (0, MANIFEST_REST_BYTES);
    for (plan, file) in all {
        names += place(plan, file) + plan.profile.len() + file.kind.token().len();
        manifest += place(plan, file) + MANIFEST_FILE_BYTES;
    }
    manifest += sheet.copy.tracks.iter().map(|it| it.title.len() + MANIFEST_MASTER_BYTES).sum::<usize>();
    let fits = names + REPORT_BYTES <= limits::RECORD_BYTES_MAX && manifest <= limits::MANIFEST_BYTES_MAX;
    let text = format!("The names of the {files} files are too long together to be kept with their digests.");
    (!fits).then(|| Finding { code: "RECORD_TOO_LARGE", text, ..too_many(files) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(given: RecordProfile) -> Refusal {
        Profiles::read(vec![given]).map(|it| it.texts).expect_err("it was taken")
    }

    fn own(name: &str, toml: &str) -> RecordProfile {
        RecordProfile { name: name.into(), toml: toml.into() }
    }

    const TEXT: &str = "name = \"house\"\ndated = \"2026-11-21\"\nsources = [\"the house\"]\n";

    #[test]
    fn shipped_profiles_get_their_text_and_own_ones_their_name() {
        let it = Profiles::read(vec![own("cd", ""), own("", TEXT)]).expect("sound profiles");
        assert_eq!(it.texts[0].toml, profile::text("cd").expect("shipped"));
        assert_eq!(it.texts[1].name, "house");
        assert_eq!(it.read.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_the_nearest_word() {
        let no = refused(own("hires", ""));
        assert_eq!(no.reason, Reason::ProfileInvalid);
        assert!(no.text.contains("did you mean hi-res?"), "{}", no.text);
        let no = refused(own("house", &format!("{TEXT}[limits]\nbits_mim = 24\n")));
        assert!(no.text.contains("line 5") && no.text.contains("bits_min"), "{}", no.text);
        let no = refused(own("home", TEXT));
        assert!(no.text.contains("calls itself \"house\""), "{}", no.text);
    }

    #[test]
    fn a_profile_is_no_path() {
        for name in ["..", "a/b", ".hidden", "a:b", "x.", "_x", "CON/x"] {
            let no = refused(own(name, &TEXT.replace("house", name)));
            assert!(matches!(no.reason, Reason::ProfileInvalid | Reason::NameInvalid), "{name}: {no:?}");
        }
    }

    #[test]
    fn a_hostile_profile_is_not_planned() {
        let ask = "[[file]]\nkind = \"track\"\nencoding = \"wav24\"\nname = \"{title}\"\n";
        let toml = format!("{TEXT}{}", ask.repeat(900));
        let profiles = Profiles::read(vec![own("house", &toml)]).expect("sound");
        let song = profile::SongSheet::default();
        let sheet = RecordSheet { songs: vec![song; 200], ..RecordSheet::default() };
        let dry = Dry::of(&profiles.read, &sheet, Vec::new());
        assert!(dry.plans.is_empty());
        assert_eq!(dry.blocked().map(|(it, _)| it.finding.code), Some("TOO_MANY_FILES"));
    }
}
