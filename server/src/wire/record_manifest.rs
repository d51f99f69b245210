//! The frozen list of what a delivered record is (P-5): a pure function of the project. Every file with its digest, the masters that it was made of with their
//! fingerprints, the spacing, the profiles by date and digest, who signed with which receipt, what differs from the record before. JSON has no infinity: a
//! level of silence is `null`. Never here: whether it may be delivered.

use deadwax_domain::{
    ApprovalId, PersonId, Project, ProjectId, Record, RecordApproval, RecordFile, RecordId, SpacingItem,
    Time, limits::MANIFEST_BYTES_MAX, record,
};
use deadwax_dsp::profile::Profile;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{about::AboutProject, id};

/// Changes when a reader of manifests would have to know.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Manifest<'a> {
    deadwax_record_manifest: u32,
    project: AboutProject<'a>,
    record: RecordPart<'a>,
    profiles: Vec<ProfilePart<'a>>,
    spacing: SpacingPart,
    masters: Vec<MasterPart<'a>>,
    files: Vec<FilePart<'a>>,
    approvals: Vec<ApprovalPart>,
    /// Than the record that was delivered before it, else than the one that was made before it.
    differs: Vec<String>,
}

#[derive(Serialize)]
struct RecordPart<'a> {
    id: String,
    number: u32,
    name: String,
    /// SHA-256 over the sorted lines of file and digest: what the approvals sign.
    fingerprint: String,
    engine: &'a str,
    /// The loudest track was brought to it, and all others with it; `null`: levels are those that were signed.
    loudest_track_lufs: Option<f64>,
    /// What its sides are cut on.
    #[serde(skip_serializing_if = "str::is_empty")]
    medium: &'a str,
    started_by: Option<PersonPart>,
    started_ms: i64,
    made_ms: i64,
}

#[derive(Serialize)]
struct PersonPart {
    person_id: String,
    name: String,
}

#[derive(Serialize)]
struct ProfilePart<'a> {
    name: &'a str,
    /// When its figures were collected.
    dated: String,
    /// Of its text.
    sha256: String,
}

#[derive(Serialize)]
struct SpacingPart {
    number: u32,
    approvals: Vec<ApprovalPart>,
    items: Vec<ItemPart>,
}

#[derive(Serialize)]
struct ItemPart {
    song_id: String,
    /// As the statement of its approval has it.
    gap_ms: u32,
    crossfade_ms: u32,
    fade_in_ms: u32,
    fade_out_ms: u32,
    shape: String,
    gain_cb: i32,
    trim_in_ms: u32,
    trim_out_ms: u32,
    hidden: bool,
    begins_side: bool,
}

#[derive(Serialize)]
struct MasterPart<'a> {
    song_id: String,
    title: &'a str,
    isrc: &'a str,
    version_id: String,
    name: String,
    fingerprint: String,
}

#[derive(Serialize)]
struct FilePart<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    folder: &'a str,
    name: &'a str,
    sha256: String,
    bytes: u64,
    #[serde(flatten)]
    more: Option<Figures<'a>>,
}

#[derive(Serialize)]
struct Figures<'a> {
    profile: &'a str,
    kind: &'a str,
    #[serde(flatten)]
    sound: Option<Sound>,
}

#[derive(Serialize)]
struct Sound {
    sample_rate: u32,
    bits: u32,
    frames: u64,
    /// Bit for bit the sound that was signed.
    exact: bool,
    integrated_lufs: Option<f64>,
    true_peak_dbtp: Option<f64>,
    /// Samples that were cut off at full scale while it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    over_full_scale: Option<u64>,
}

#[derive(Serialize)]
struct ApprovalPart {
    id: String,
    #[serde(flatten)]
    by: PersonPart,
    role: &'static str,
    at_ms: i64,
    /// The statement that was signed for it with a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptPart>,
}

#[derive(Serialize)]
struct ReceiptPart {
    sequence: u32,
    statement_sha256: String,
    key: String,
}

/// `None` where there is no such record, or it is not made: then nothing can be delivered, and the rules say so.
pub fn manifest(
    project_id: ProjectId,
    project: &Project,
    record: RecordId,
    names: &dyn Fn(PersonId) -> String,
) -> Option<String> {
    let record = project.record(record).filter(|record| record.is_made())?;
    let whole = whole((project_id, project), record, names, true);
    // A record of many files is told without line breaks, and then without what its row tells as well.
    let most = MANIFEST_BYTES_MAX;
    let pretty = serde_json::to_string_pretty(&whole).ok()?;
    if pretty.len() <= most {
        return Some(pretty);
    }
    let compact = serde_json::to_string(&whole).ok()?;
    if compact.len() <= most {
        return Some(compact);
    }
    serde_json::to_string(&self::whole((project_id, project), record, names, false)).ok()
}

fn whole<'a>(
    (project_id, project): (ProjectId, &'a Project),
    record: &'a Record,
    names: &dyn Fn(PersonId) -> String,
    figures: bool,
) -> Manifest<'a> {
    let person = |by: PersonId| PersonPart { person_id: id(by.0), name: names(by) };
    let counts = |it: &&RecordApproval| record::counts(project, record, it);
    let approvals = record.approvals.iter().filter(counts);
    Manifest {
        deadwax_record_manifest: FORMAT,
        project: AboutProject::of(project_id, project),
        record: RecordPart {
            id: id(record.id.0),
            number: record.number,
            name: record.name(),
            fingerprint: record.fingerprint.map(|it| it.to_string()).unwrap_or_default(),
            engine: &record.engine,
            loudest_track_lufs: record.loudest_track_lufs,
            medium: &record.medium,
            started_by: record.by.map(person),
            started_ms: record.at.0,
            made_ms: record.state_since.0,
        },
        profiles: record.profiles.iter().map(profile).collect(),
        spacing: spacing(project, record, &person),
        masters: record.sources.iter().map(|source| master(project, source)).collect(),
        files: record.files.iter().map(|it| file(it, figures)).collect(),
        approvals: approvals
            .map(|it| approval(project, it.id, person(it.person), it.role.token(), it.at))
            .collect(),
        differs: record::differs(project, record),
    }
}

fn profile(it: &deadwax_domain::RecordProfile) -> ProfilePart<'_> {
    let dated = Profile::parse(&it.toml).map(|read| read.dated).unwrap_or_default();
    ProfilePart { name: &it.name, dated, sha256: hex::encode(Sha256::digest(it.toml.as_bytes())) }
}

fn spacing(project: &Project, record: &Record, person: &dyn Fn(PersonId) -> PersonPart) -> SpacingPart {
    let number = record.spacing;
    let of = project.spacings.iter().find(|it| it.number == number);
    let approvals = project.spacing_approvals.iter().filter(|it| it.number == number);
    SpacingPart {
        number,
        approvals: approvals
            .map(|it| approval(project, it.id, person(it.person), it.role.token(), it.at))
            .collect(),
        items: of.map(|it| it.items.iter().map(item).collect()).unwrap_or_default(),
    }
}

fn item(it: &SpacingItem) -> ItemPart {
    ItemPart {
        song_id: id(it.song.0),
        gap_ms: it.gap_ms,
        crossfade_ms: it.crossfade_ms,
        fade_in_ms: it.fade_in_ms,
        fade_out_ms: it.fade_out_ms,
        shape: it.shape.to_string(),
        gain_cb: it.gain_cb,
        trim_in_ms: it.trim_in_ms,
        trim_out_ms: it.trim_out_ms,
        hidden: it.hidden,
        begins_side: it.begins_side,
    }
}

fn master<'a>(project: &'a Project, source: &deadwax_domain::RecordSource) -> MasterPart<'a> {
    let song = project.songs.get(source.song);
    MasterPart {
        song_id: id(source.song.0),
        title: song.map_or("", |it| &it.title),
        isrc: song.map_or("", |it| &it.isrc),
        version_id: id(source.version.0),
        name: project.version_name(source.version),
        fingerprint: source.fingerprint.to_string(),
    }
}

fn file(it: &RecordFile, figures: bool) -> FilePart<'_> {
    let sound = (it.sample_rate_hz > 0).then(|| Sound {
        sample_rate: it.sample_rate_hz,
        bits: it.bits,
        frames: it.frames,
        exact: it.exact,
        integrated_lufs: it.integrated_lufs.filter(|level| level.is_finite()),
        true_peak_dbtp: it.true_peak_dbtp.filter(|level| level.is_finite()),
        over_full_scale: it.over_full_scale,
    });
    FilePart {
        folder: &it.folder,
        name: &it.name,
        sha256: it.digest.to_string(),
        bytes: it.bytes,
        more: figures.then_some(Figures { profile: &it.profile, kind: &it.kind, sound }),
    }
}

fn approval(
    project: &Project,
    approval: ApprovalId,
    by: PersonPart,
    role: &'static str,
    at: Time,
) -> ApprovalPart {
    let receipt = project.receipt_of(approval).map(|kept| ReceiptPart {
        sequence: kept.sequence,
        statement_sha256: kept.digest.to_string(),
        key: kept.receipt.key.to_string(),
    });
    ApprovalPart { id: id(approval.0), by, role, at_ms: at.0, receipt }
}

#[cfg(test)]
mod tests {
    use deadwax_domain::{Digest, Event, Fact, RecordProfile, RecordSource, SongId, VersionId};

    use super::*;

    const RECORD: RecordId = RecordId(7);

    fn of(files: usize, name: &str) -> Project {
        let song = |n: u128| SongId(100 + n);
        let source =
            |n: u128| RecordSource { song: song(n), version: VersionId(n), fingerprint: Digest([3; 32]) };
        let file = |n: usize| RecordFile {
            profile: "hi-res".into(),
            folder: "hi-res/Ana-Dust-BWF24b96k".into(),
            name: format!("{n:03}_{name}.wav"),
            digest: Digest([9; 32]),
            bytes: 123_456_789,
            kind: "track".into(),
            sample_rate_hz: 96_000,
            bits: 24,
            frames: 123_456_789,
            exact: true,
            integrated_lufs: Some(-14.123_456_789),
            true_peak_dbtp: Some(f64::NEG_INFINITY),
            over_full_scale: (n > 0).then_some(12),
        };
        let songs = (0..99).map(|n| Fact::SongAdded {
            song: song(n),
            title: format!("A song with a name {n}"),
            isrc: "SEAYE2600001".into(),
        });
        let files: Vec<_> = (0..files).map(file).collect();
        let made = [
            Fact::RecordQueued {
                record: RECORD,
                number: 1,
                spacing: 1,
                sources: (0..99).map(source).collect(),
                profiles: vec![RecordProfile {
                    name: "hi-res".into(),
                    toml: deadwax_dsp::profile::text("hi-res").expect("shipped").to_owned(),
                }],
                loudest_track_lufs: None,
                medium: String::new(),
            },
            Fact::RecordLeased { record: RECORD, attempt: 1, engine: "deadwax-dsp/3".into() },
            Fact::RecordMade {
                record: RECORD,
                fingerprint: record::record_fingerprint(&files),
                files,
                report_json: "{}".into(),
            },
        ];
        let created = Fact::ProjectCreated { title: "Dust".into(), artist: "Ana".into() };
        let facts = std::iter::once(created).chain(songs).chain(made);
        let events: Vec<_> = facts.map(|fact| Event { at: Time(5), by: Some(PersonId(9)), fact }).collect();
        Project::of(&events)
    }

    fn told(project: &Project) -> (usize, serde_json::Value) {
        let text = manifest(ProjectId(3), project, RECORD, &|_| "Noor".into()).expect("a made record");
        (text.len(), serde_json::from_str(&text).expect("JSON"))
    }

    #[test]
    fn it_lists_what_was_made_from_what() {
        let (_, it) = told(&of(2, "Dust"));
        let [file, digest, three] = ["sha256", "fingerprint", "name"];
        assert_eq!(it["files"][1][file], "09".repeat(32));
        assert_eq!(it["files"][1]["exact"], true);
        assert!(it["files"][1]["true_peak_dbtp"].is_null(), "silence");
        assert_eq!(it["files"][1]["over_full_scale"], 12);
        assert!(it["files"][0].get("over_full_scale").is_none(), "nobody counted");
        assert_eq!(it["masters"][98][digest], "03".repeat(32));
        assert_eq!(it["profiles"][0]["dated"], "2026-11-21");
        assert_eq!(
            (&it["record"][three], &it["record"]["started_by"]["name"]),
            (&"Record 1".into(), &"Noor".into())
        );
    }

    /// What the plan lets through can be delivered.
    #[test]
    fn the_largest_record_has_a_manifest_that_can_be_kept() {
        // 600 files whose names fill what the fact of a record keeps beside its report.
        let (bytes, it) = told(&of(600, &"n".repeat(50)));
        assert!(bytes <= MANIFEST_BYTES_MAX, "{bytes}");
        assert_eq!(it["files"].as_array().map(Vec::len), Some(600));
        assert_eq!(it["files"][599]["sha256"], "09".repeat(32));
        let (small, it) = told(&of(40, "n"));
        assert!(small <= MANIFEST_BYTES_MAX && it["files"][3]["kind"] == "track");
    }
}
