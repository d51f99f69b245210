//! The dry run: profiles read, each planned, and what the studio can keep of a record held against it. The same for who asks before and for the worker who
//! makes it. Pure but for time: who calls this from a server leaves the async threads first. Never here: who may ask, what is on disk.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use deadwax_domain::{Reason, RecordProfile, Refusal, limits, record};
use deadwax_dsp::{
    profile::{self, Ask, Finding, Plan, PlannedFile, Profile, RecordSheet},
    record::ProfileText,
    write::Cover,
};

use super::offered::Offered;

/// Of the report in the fact of a record; the names of its files get the rest.
const REPORT_BYTES: usize = 100 * 1024;
/// Of a file in a manifest, beside its place: digest, size, and the words between.
const MANIFEST_FILE_BYTES: usize = 144;
/// Of a master in a manifest, beside its title.
const MANIFEST_MASTER_BYTES: usize = 240;
/// How a song lies in the spacing.
const MANIFEST_ITEM_BYTES: usize = 280;
/// What differs of a song, beside its title twice: its master, and how it lies.
const MANIFEST_DIFFERS_BYTES: usize = 480;
/// Of a profile: its name, date and digest, and that it is new or has another text.
const MANIFEST_PROFILE_BYTES: usize = 400;
/// Names of the project, approvals with their receipts, and the files that differ.
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
    pub fn read(given: Vec<RecordProfile>, offered: &Offered) -> Result<Profiles, Refusal> {
        if given.len() > limits::PROFILES_PER_RECORD_MAX {
            record::sound_profiles(&given)?;
        }
        let mut texts = Vec::with_capacity(given.len());
        for profile in given {
            texts.push(filled(profile, offered)?);
        }
        Profiles::whole(texts)
    }

    /// Of such as have their texts, those of a record that was queued. Errors as before.
    pub fn whole(texts: Vec<RecordProfile>) -> Result<Profiles, Refusal> {
        let texts = record::sound_profiles(&texts)?;
        let read = texts.iter().map(parsed).collect::<Result<_, _>>()?;
        must_be_makeable(&texts)?;
        Ok(Profiles { texts, read })
    }
}

fn invalid(text: String, hint: &str) -> Refusal {
    Refusal::new(Reason::ProfileInvalid, text, hint)
}

/// One that the studio offers by its name alone; a text without a name has the one that it gives itself.
fn filled(given: RecordProfile, offered: &Offered) -> Result<RecordProfile, Refusal> {
    let RecordProfile { name, toml } = given;
    if !toml.trim().is_empty() {
        // What is too long is refused as such by the rules; it is not read for its name.
        let unnamed = name.trim().is_empty() && toml.len() <= limits::PROFILE_BYTES_MAX;
        let name = if unnamed { parsed_text("", &toml)?.name } else { name };
        return Ok(RecordProfile { name, toml });
    }
    let name = name.trim().to_owned();
    let nearest = match offered.text(&name) {
        Ok(text) => return Ok(RecordProfile { toml: text.to_owned(), name }),
        Err(nearest) => nearest,
    };
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

    /// Whether a file is made of this alternate of the song at that place.
    pub fn takes(&self, song: usize, alternate: &str) -> bool {
        self.files().any(|(_, file)| file.alternate == alternate && file.songs.contains(&song))
    }

    pub fn files(&self) -> impl Iterator<Item = (&Plan, &PlannedFile)> {
        self.plans.iter().flat_map(|plan| plan.files.iter().map(move |file| (plan, file)))
    }
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
    let place = |plan: &Plan, file: &PlannedFile| plan.folder_of(file).len() + 1 + file.name.len();
    let (mut names, mut places) = (0, 0);
    for (plan, file) in all {
        names += place(plan, file) + plan.profile.len() + file.kind.token().len();
        places += place(plan, file);
    }
    let titles = sheet.copy.tracks.iter().map(|it| it.title.as_str());
    let manifest = manifest_bytes((files, places), plans.len(), titles);
    let fits = names + REPORT_BYTES <= limits::RECORD_BYTES_MAX && manifest <= limits::MANIFEST_BYTES_MAX;
    let text = format!("The names of the {files} files are too long together to be kept with their digests.");
    (!fits).then(|| Finding { code: "RECORD_TOO_LARGE", text, ..too_many(files) })
}

/// At most so long is the manifest: of so many files with so many bytes of places, of so many profiles, of the songs with these titles.
fn manifest_bytes<'a>(
    (files, places): (usize, usize),
    profiles: usize,
    titles: impl Iterator<Item = &'a str>,
) -> usize {
    // Once for its master, twice in what differs; a mark that JSON escapes is two.
    let title = |it: &str| 3 * (it.len() + it.matches(['"', '\\']).count());
    let song = MANIFEST_MASTER_BYTES + MANIFEST_ITEM_BYTES + MANIFEST_DIFFERS_BYTES;
    let songs: usize = titles.map(|it| title(it) + song).sum();
    MANIFEST_REST_BYTES + places + files * MANIFEST_FILE_BYTES + profiles * MANIFEST_PROFILE_BYTES + songs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(given: Vec<RecordProfile>) -> Result<Profiles, Refusal> {
        Profiles::read(given, &Offered::new(&[]).expect("the shipped ones"))
    }

    fn refused(given: RecordProfile) -> Refusal {
        read(vec![given]).map(|it| it.texts).expect_err("it was taken")
    }

    fn own(name: &str, toml: &str) -> RecordProfile {
        RecordProfile { name: name.into(), toml: toml.into() }
    }

    const TEXT: &str = "name = \"house\"\ndated = \"2026-11-21\"\nsources = [\"the house\"]\n";

    #[test]
    fn shipped_profiles_get_their_text_and_own_ones_their_name() {
        let it = read(vec![own("cd", ""), own("", TEXT)]).expect("sound profiles");
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
        let profiles = read(vec![own("house", &toml)]).expect("sound");
        let song = profile::SongSheet::default();
        let sheet = RecordSheet { songs: vec![song; 200], ..RecordSheet::default() };
        let dry = Dry::of(&profiles.read, &sheet, Vec::new());
        assert!(dry.plans.is_empty());
        assert_eq!(dry.blocked().map(|(it, _)| it.finding.code), Some("TOO_MANY_FILES"));
    }

    use deadwax_domain::{
        ApprovalId, Digest, Event, Fact, FadeShape, PersonId, Project, ProjectId, RecordFile, RecordId,
        RecordSource, Role, SongId, SpacingItem, Time, VersionId, VersionKind,
    };

    const SONGS: usize = 99;
    const FILES: usize = 300;

    fn title(nth: usize) -> String {
        format!("A \"quoted\" song with a \\ and a long name, {nth}")
    }

    fn item(nth: usize, ms: u32) -> SpacingItem {
        SpacingItem {
            song: SongId(100 + nth as u128),
            gap_ms: ms,
            crossfade_ms: ms,
            fade_in_ms: ms,
            fade_out_ms: ms,
            shape: FadeShape::Exponential,
            gain_cb: -1_000,
            trim_in_ms: ms,
            trim_out_ms: ms,
            hidden: true,
            begins_side: true,
        }
    }

    fn master(nth: usize, number: u32) -> Fact {
        Fact::VersionAdded {
            version: VersionId(u128::from(number) * 1_000 + nth as u128),
            song: SongId(100 + nth as u128),
            kind: VersionKind::Master,
            number,
            title: String::new(),
            changelog: String::new(),
            fingerprint: Digest([number as u8; 32]),
            files: Vec::new(),
            render: None,
            line: None,
        }
    }

    fn files(number: u32) -> Vec<RecordFile> {
        let file = |nth: usize| RecordFile {
            profile: "house".into(),
            folder: "house/BWF".into(),
            name: format!("{nth:03}_track.wav"),
            digest: Digest([number as u8; 32]),
            bytes: 123_456_789,
            kind: "track".into(),
            sample_rate_hz: 96_000,
            bits: 24,
            frames: 123_456_789,
            exact: true,
            integrated_lufs: Some(-14.0),
            true_peak_dbtp: Some(-1.0),
            over_full_scale: Some(0),
        };
        (0..FILES).map(file).collect()
    }

    fn made(number: u32) -> [Fact; 3] {
        let (record, files) = (RecordId(u128::from(number)), files(number));
        let source = |nth: usize| RecordSource {
            song: SongId(100 + nth as u128),
            version: VersionId(u128::from(number) * 1_000 + nth as u128),
            fingerprint: Digest([number as u8; 32]),
        };
        let profiles = vec![own("house", TEXT)];
        let sources = (0..SONGS).map(source).collect();
        let fingerprint = record::record_fingerprint(&files);
        [
            Fact::RecordQueued {
                record,
                number,
                spacing: number,
                sources,
                profiles,
                loudest_track_lufs: Some(-14.0),
                medium: "12\" at 33 rpm".into(),
            },
            Fact::RecordLeased { record, attempt: 1, engine: "deadwax-dsp/3".into() },
            Fact::RecordMade { record, fingerprint, files, report_json: "{}".into() },
        ]
    }

    /// Two records whose songs all lie otherwise and have other masters, with approvals of spacing and record.
    fn large() -> Project {
        let mut facts = vec![Fact::ProjectCreated { title: "Dust".into(), artist: "Ana".into() }];
        for nth in 0..SONGS {
            let (song, isrc) = (SongId(100 + nth as u128), "SEAYE2600001".into());
            facts.push(Fact::SongAdded { song, title: title(nth), isrc });
        }
        for number in [1, 2] {
            facts.extend((0..SONGS).map(|nth| master(nth, number)));
            let items = (0..SONGS).map(|nth| item(nth, 90_000 + number)).collect();
            facts.push(Fact::SpacingSet { number, items });
            facts.extend(made(number));
            // Compared is with what was delivered.
            let manifest_json = String::new();
            facts.extend(
                (number == 1).then_some(Fact::RecordDelivered { record: RecordId(1), manifest_json }),
            );
        }
        let record = RecordId(2);
        for nth in 0..20 {
            let (approval, role) = (ApprovalId(nth), Role::Label);
            facts.push(Fact::SpacingApproved { approval, number: 2, role });
            let (approval, fingerprint) = (ApprovalId(50 + nth), record::record_fingerprint(&files(2)));
            facts.push(Fact::RecordApproved { approval, record, role, fingerprint });
        }
        facts.push(Fact::RecordDelivered { record, manifest_json: String::new() });
        let events: Vec<_> =
            facts.into_iter().map(|fact| Event { at: Time(5), by: Some(PersonId(9)), fact }).collect();
        Project::of(&events)
    }

    /// Whatever a plan lets through has a manifest that can be kept: the bound counts everything that stands in one.
    #[test]
    fn the_bound_of_a_manifest_is_over_a_real_one() {
        let project = large();
        let text = crate::wire::record_manifest::manifest(ProjectId(3), &project, RecordId(2), &|_| {
            "Noor van der Meulen".into()
        });
        let mut told: serde_json::Value = serde_json::from_str(&text.expect("made")).expect("JSON");
        let lists =
            ["masters", "files", "differs", "approvals"].map(|it| told[it].as_array().map_or(0, Vec::len));
        assert!(lists[0] == SONGS && lists[1] == FILES && lists[2] > SONGS && lists[3] > 0, "{lists:?}");
        assert_eq!(told["spacing"]["items"].as_array().map(Vec::len), Some(SONGS));
        assert_eq!(told["spacing"]["approvals"].as_array().map(Vec::len), Some(20));
        // As it is written where it would be too long otherwise.
        for file in told["files"].as_array_mut().expect("a list") {
            let figures = file.as_object_mut().expect("an object");
            figures.retain(|key, _| matches!(key.as_str(), "folder" | "name" | "sha256" | "bytes"));
        }
        let places = files(2).iter().map(|it| it.folder.len() + 1 + it.name.len()).sum();
        let titles: Vec<String> = (0..SONGS).map(title).collect();
        let most = manifest_bytes((FILES, places), 1, titles.iter().map(String::as_str));
        let bytes = told.to_string().len();
        assert!(bytes <= most, "{bytes} of {most}");
    }
}
