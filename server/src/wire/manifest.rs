//! The frozen list of what went out (P-5): a pure function of the project, so that anybody who holds the facts can make it again. It lists exactly the
//! files of the signed master, who signed them, and the names under which they are delivered.
//!
//! Names: `Artist_Title_Role_vNN_RRkDDb.ext`, ASCII where the words allow, without spaces; the field's agreed-upon parts (Producers & Engineers Wing
//! delivery recommendations 2018, p. 13) in one order. JSON has no infinity: a level of silence is `null`.

use std::collections::BTreeSet;

use deadwax_domain::{
    Alternate, ApprovalState, File, PersonId, Project, ProjectId, Says, Song, SongId, Version,
};
use serde::Serialize;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use super::{
    about::{AboutProject, AboutSong, AboutVersion},
    id,
};

/// Changes when a reader of manifests would have to know.
const FORMAT: u32 = 1;
/// Of an artist or a title within a file name.
const NAME_PART_CHARS: usize = 40;

#[derive(Serialize)]
struct Manifest<'a> {
    deadwax_manifest: u32,
    project: AboutProject<'a>,
    song: AboutSong<'a>,
    version: AboutVersion,
    files: Vec<FilePart<'a>>,
    approvals: Vec<ApprovalPart>,
    /// Where a manager opened the gate of mastering although it was not met: what the approvals above do not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    gate_overridden: Option<OverriddenPart>,
}

#[derive(Serialize)]
struct FilePart<'a> {
    /// As delivered.
    name: String,
    /// As uploaded or rendered.
    source_name: &'a str,
    alternate: String,
    sha256: String,
    bytes: u64,
    container: &'a str,
    codec: &'a str,
    sample_rate: u32,
    channels: u32,
    bits: u32,
    float: bool,
    frames: u64,
    duration_s: f64,
    integrated_lufs: f64,
    loudness_range_lu: f64,
    max_momentary_lufs: f64,
    max_short_term_lufs: f64,
    true_peak_dbtp: f64,
    sample_peak_dbfs: f64,
}

#[derive(Serialize)]
struct ApprovalPart {
    id: String,
    person_id: String,
    name: String,
    role: &'static str,
    at_ms: i64,
    fingerprint: String,
}

#[derive(Serialize)]
struct OverriddenPart {
    person_id: String,
    name: String,
    at_ms: i64,
    reason: String,
    /// What was missing, as it stood.
    unmet: Vec<String>,
}

/// `None` where the song has no candidate: then nothing can be delivered, and the rules say so.
pub fn manifest(
    project_id: ProjectId,
    project: &Project,
    song: SongId,
    names: &dyn Fn(PersonId) -> String,
) -> Option<String> {
    let song = project.songs.get(song)?;
    let version = project.candidate(song.id)?;
    let manifest = Manifest {
        deadwax_manifest: FORMAT,
        project: AboutProject::of(project_id, project),
        song: AboutSong::of(project, song),
        version: AboutVersion::of(version),
        files: files(project, song, version),
        approvals: approvals(project, version, names),
        gate_overridden: project.override_of(song.id, version.id).map(|opened| OverriddenPart {
            person_id: opened.by.map(|person| id(person.0)).unwrap_or_default(),
            name: opened.by.map(names).unwrap_or_default(),
            at_ms: opened.at.0,
            reason: opened.reason.clone(),
            unmet: opened.unmet.clone(),
        }),
    };
    serde_json::to_string_pretty(&manifest).ok()
}

fn files<'a>(project: &Project, song: &Song, version: &'a Version) -> Vec<FilePart<'a>> {
    let mut taken = BTreeSet::new();
    let part = |file: &'a File| FilePart {
        name: free_name(&file_name(&project.artist, &song.title, version, file), &mut taken),
        source_name: &file.name,
        alternate: file.alternate.to_string(),
        sha256: file.digest.to_string(),
        bytes: file.facts.bytes,
        container: &file.facts.container,
        codec: &file.facts.codec,
        sample_rate: file.facts.sample_rate_hz,
        channels: file.facts.channels,
        bits: file.facts.bits,
        float: file.facts.float,
        frames: file.facts.frames,
        duration_s: file.facts.frames as f64 / f64::from(file.facts.sample_rate_hz.max(1)),
        integrated_lufs: file.facts.integrated_lufs,
        loudness_range_lu: file.facts.loudness_range_lu,
        max_momentary_lufs: file.facts.max_momentary_lufs,
        max_short_term_lufs: file.facts.max_short_term_lufs,
        true_peak_dbtp: file.facts.true_peak_dbtp,
        sample_peak_dbfs: file.facts.sample_peak_dbfs,
    };
    version.files.iter().map(part).collect()
}

/// Oldest first; those that count for exactly these bytes.
fn approvals(project: &Project, version: &Version, names: &dyn Fn(PersonId) -> String) -> Vec<ApprovalPart> {
    let mut signed: Vec<ApprovalPart> = project
        .approvals_of(version.song)
        .filter(|(_, state)| *state == ApprovalState::Counts)
        .filter_map(|(approval, _)| match &approval.says {
            Says::Yes { fingerprint, .. } if *fingerprint == version.fingerprint => Some(ApprovalPart {
                id: id(approval.id.0),
                person_id: id(approval.person.0),
                name: names(approval.person),
                role: approval.role.token(),
                at_ms: approval.at.0,
                fingerprint: fingerprint.to_string(),
            }),
            Says::Yes { .. } | Says::Hold { .. } => None,
        })
        .collect();
    signed.reverse();
    signed
}

/// `Artist_Title_Main_v02_48k24b.wav`.
fn file_name(artist: &str, title: &str, version: &Version, file: &File) -> String {
    let facts = &file.facts;
    let depth = match (facts.bits, facts.float) {
        (0, _) => String::new(),
        (bits, true) => format!("{bits}f"),
        (bits, false) => format!("{bits}b"),
    };
    format!(
        "{}_{}_{}_v{:02}_{}k{depth}.{}",
        camel(artist),
        camel(title),
        alternate_part(file.alternate),
        version.number,
        facts.sample_rate_hz / 1000,
        extension(&facts.container, &facts.codec),
    )
}

/// Main, Instrumental, VocalUp05, Cut30: the words of the token without their signs.
fn alternate_part(alternate: Alternate) -> String {
    let token = alternate.to_string().replace('.', "");
    let words = token.split(['-', '+']).filter(|word| !word.is_empty());
    words.map(capital).collect()
}

fn extension(container: &str, codec: &str) -> &'static str {
    match (container, codec) {
        ("wav" | "rf64", _) => "wav",
        ("aiff", _) => "aiff",
        ("flac", _) => "flac",
        ("mp3", _) | (_, "mp3") => "mp3",
        ("mp4", _) => "m4a",
        ("ogg", "opus") => "opus",
        ("ogg", _) => "ogg",
        _ => "audio",
    }
}

/// "Nacht lied (für Zoë)" becomes "NachtLiedFurZoe". Letters of other scripts stay: a name of nothing would help nobody.
fn camel(words: &str) -> String {
    let plain: String = words.nfd().filter(|c| !is_combining_mark(*c)).collect();
    let words = plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let joined: String = words.map(capital).collect();
    let short: String = joined.nfc().take(NAME_PART_CHARS).collect();
    if short.is_empty() { "Untitled".to_owned() } else { short }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Two files of one alternate can agree in all that the name says; then the second is numbered.
fn free_name(name: &str, taken: &mut BTreeSet<String>) -> String {
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "audio"));
    let numbered = (2..).map(|number| format!("{stem}_{number}.{extension}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    let free = names.find(|name| !taken.contains(&name.to_lowercase())).unwrap_or_default();
    taken.insert(free.to_lowercase());
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_no_spaces_accents_or_signs() {
        assert_eq!(camel("Nacht lied (für Zoë)"), "NachtLiedFurZoe");
        assert_eq!(camel("../../etc/passwd"), "EtcPasswd");
        assert_eq!(camel("夜の歌"), "夜の歌");
        assert_eq!(camel(" !? "), "Untitled");
        assert_eq!(alternate_part(Alternate::parse("vocal-up+0.5").unwrap()), "VocalUp05");
        assert_eq!(alternate_part(Alternate::ACappella), "ACappella");
        assert_eq!(alternate_part(Alternate::Main), "Main");
    }

    #[test]
    fn no_two_files_share_a_name_even_without_case() {
        let mut taken = BTreeSet::new();
        let names: Vec<_> =
            ["A.wav", "a.wav", "A.wav", "A.flac"].iter().map(|n| free_name(n, &mut taken)).collect();
        assert_eq!(names, ["A.wav", "a_2.wav", "A_3.wav", "A.flac"]);
    }

    #[test]
    fn an_override_stands_beside_what_was_signed() {
        use deadwax_domain::{Digest, Event, Fact, Stage, Time, VersionId, VersionKind};
        let (song, version) = (SongId(1), VersionId(2));
        let opened = Fact::GateOverridden {
            song,
            stage: Stage::Mastering,
            version,
            reason: "Agreed by phone.".into(),
            unmet: vec!["Label: 0 of 1 approval.".into()],
        };
        let left = |from, to| Fact::StageLeft { song, from, to, version };
        let told = |opened: Option<Fact>| {
            let facts = [
                Fact::ProjectCreated { title: "Dust".into(), artist: "Lena".into() },
                Fact::SongAdded { song, title: "Ember".into(), isrc: String::new() },
                Fact::VersionAdded {
                    version,
                    song,
                    kind: VersionKind::Master,
                    number: 1,
                    title: String::new(),
                    changelog: String::new(),
                    files: Vec::new(),
                    fingerprint: Digest([1; 32]),
                    render: None,
                    line: None,
                },
                left(Stage::Recording, Stage::Mixing),
                left(Stage::Mixing, Stage::Mastering),
            ];
            let last = left(Stage::Mastering, Stage::Delivered);
            let event = |fact| Event { at: Time(5), by: Some(PersonId(9)), fact };
            let events: Vec<_> = facts.into_iter().chain(opened).chain([last]).map(event).collect();
            manifest(ProjectId(3), &Project::of(&events), song, &|_| "Noor".into()).unwrap()
        };
        let overridden = told(Some(opened));
        for word in ["gate_overridden", "Noor", "Agreed by phone.", "Label: 0 of 1 approval."] {
            assert!(overridden.contains(word), "{word}: {overridden}");
        }
        assert!(!told(None).contains("gate_overridden"));
    }
}
