//! The dry run of a record. Never here: rules, what a plan finds.

use std::collections::BTreeSet;

use deadwax_domain::{Reason, RecordProfile, Refusal, record};
use deadwax_dsp::{
    profile::{Plan, PlannedFile, consistency},
    write::Encoding,
};
use deadwax_proto::v1;
use serde_json::{Value, json};
use tonic::Status;

use super::{Service, project_id};
use crate::{
    auth::Caller,
    render::record::plans::{Dry, Told},
    status,
    wire::{
        id,
        sheet::{Laid, Wish},
        text::scrub,
    },
};

/// No plan that is sound has more files or findings; of one that is not, these tell enough.
const FILES_TOLD: usize = deadwax_domain::limits::RECORD_FILES_MAX;
const FINDINGS_TOLD: usize = 500;
const SERVICES_TOLD: usize = 64;

impl Service {
    pub(super) async fn planned(
        &self,
        caller: &Caller,
        asked: v1::PlanRequest,
    ) -> Result<v1::PlanResponse, Status> {
        let snapshot = self.project(caller, project_id(&asked.project_id)?).await?;
        record::sound_level(asked.loudest_track_lufs).map_err(status::refusal)?;
        let medium = record::sound_medium(&asked.medium).map_err(status::refusal)?;
        let wish = Wish { loudest_track_lufs: asked.loudest_track_lufs, medium };
        let project = &snapshot.project;
        let profiles = asked.profiles.into_iter().map(|it| RecordProfile { name: it.name, toml: it.toml });
        let whom = (caller.person.id, wish);
        let planned = self.studio.planner.laid_and_planned(project, whom, profiles.collect(), answer).await?;
        let told = planned.ok_or_else(|| {
            let hint = "Somebody sets the running order and its gaps first.";
            status::refusal(Refusal::new(Reason::NoSpacing, "There is no spacing yet.", hint))
        })?;
        let basis = record::basis(project).map(|it| it.to_string()).unwrap_or_default();
        Ok(v1::PlanResponse { basis, ..told })
    }
}

fn answer(laid: &Laid, dry: &Dry) -> v1::PlanResponse {
    v1::PlanResponse {
        files: dry.files().take(FILES_TOLD).map(|(plan, file)| planned_file(laid, plan, file)).collect(),
        findings: findings(laid, dry),
        spacing: laid.spacing,
        bytes: dry.bytes(),
        penalties_json: penalties(laid, dry).to_string(),
        consistency_json: consistency_of(laid).to_string(),
        basis: String::new(),
    }
}

fn song_id(laid: &Laid, at: usize) -> String {
    laid.songs.get(at).map(|it| id(it.song.0)).unwrap_or_default()
}

fn planned_file(laid: &Laid, plan: &Plan, file: &PlannedFile) -> v1::PlannedFile {
    v1::PlannedFile {
        profile: scrub(&plan.profile),
        folder: scrub(&plan.folder_of(file)),
        name: file.name.clone(),
        kind: file.kind.token().to_owned(),
        format: format_of(file),
        sample_rate: file.sample_rate,
        frames: file.frames,
        bytes: file.bytes,
        estimated: !file.bytes_exact,
        exact: file.exact,
        song_ids: file.songs.iter().map(|at| song_id(laid, *at)).collect(),
    }
}

/// "WAV 24 bit 96 kHz"; of what is no sound its ending: "CSV".
fn format_of(file: &PlannedFile) -> String {
    let khz = f64::from(file.sample_rate) / 1000.0;
    let Some(encoding) = file.encoding else {
        let ending = file.name.rsplit_once('.').map_or("", |(_, ending)| ending).to_uppercase();
        return if file.sample_rate > 0 { format!("{ending} 16 bit {khz} kHz") } else { ending };
    };
    let name = match encoding {
        Encoding::Mp3_320 => return format!("MP3 320 kbit/s {khz} kHz"),
        Encoding::Mp3V0 => return format!("MP3 V0 {khz} kHz"),
        Encoding::Opus160 => return format!("Opus 160 kbit/s {khz} kHz"),
        Encoding::Wav16 | Encoding::Wav24 | Encoding::Wav32 | Encoding::Wav32f => "WAV",
        Encoding::Aiff16 | Encoding::Aiff24 => "AIFF",
        Encoding::Flac16 | Encoding::Flac24 => "FLAC",
    };
    let float = if encoding.float() { " float" } else { "" };
    format!("{name} {} bit{float} {khz} kHz", encoding.bits())
}

/// Blocks first; the last one says how many more there are.
fn findings(laid: &Laid, dry: &Dry) -> Vec<v1::PlanFinding> {
    let told = |it: &Told| v1::PlanFinding {
        block: it.finding.block,
        code: it.finding.code.to_owned(),
        text: scrub(&it.finding.text),
        source: scrub(&it.finding.source),
        mend: scrub(&it.finding.mend),
        profile: scrub(&it.profile),
        song_id: match it.finding.songs[..] {
            [at] => song_id(laid, at),
            _ => String::new(),
        },
    };
    let mut all: Vec<_> = dry.findings.iter().take(FINDINGS_TOLD).map(told).collect();
    let more = dry.findings.len().saturating_sub(FINDINGS_TOLD);
    if more > 0 {
        all.push(v1::PlanFinding {
            code: "MORE_FINDINGS".to_owned(),
            text: format!("There are {more} more findings."),
            mend: "Mend the first ones, then plan again; or plan fewer profiles.".to_owned(),
            ..v1::PlanFinding::default()
        });
    }
    all
}

/// Each service once, however many profiles know it.
fn penalties(laid: &Laid, dry: &Dry) -> Value {
    let mut known = BTreeSet::new();
    let all = dry.plans.iter().flat_map(|plan| &plan.penalties);
    let services = all.filter(|it| known.insert(it.platform.as_str())).take(SERVICES_TOLD);
    let tracks = |it: &deadwax_dsp::profile::Penalty| -> Vec<Value> {
        let track = |(at, heard): (usize, &deadwax_dsp::profile::Heard)| {
            json!({
                "song_id": song_id(laid, at), "change_db": heard.gain_db, "over_peak_db": level(heard.over_peak_db),
                "words": heard.words(),
            })
        };
        it.songs.iter().enumerate().map(track).collect()
    };
    let told = |it: &deadwax_dsp::profile::Penalty| {
        json!({
            "service": scrub(&it.platform), "source": scrub(&it.source), "by_choice": it.by_choice, "plays_at_lufs": it.plays_at_lufs,
            "album": it.album.is_some(), "album_change_db": it.album.map(|heard| heard.gain_db), "album_words": it.album.map(|heard| heard.words()),
            "tracks": tracks(it),
        })
    };
    Value::Array(services.map(told).collect())
}

/// JSON has no infinity: silence is `null`.
fn level(db: f64) -> Option<f64> {
    Some(db).filter(|db| db.is_finite())
}

/// As the songs sound on the record.
fn consistency_of(laid: &Laid) -> Value {
    let mut songs = laid.sheet.beside();
    songs.iter_mut().for_each(|it| it.title = scrub(&it.title));
    let all = consistency(&songs);
    let mut told = serde_json::to_value(&all).unwrap_or_default();
    if let Some(rows) = told.get_mut("songs").and_then(Value::as_array_mut) {
        for (at, row) in rows.iter_mut().enumerate() {
            row["song_id"] = song_id(laid, at).into();
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use deadwax_dsp::profile::Kind;

    use super::*;

    #[test]
    fn formats_are_said_in_words() {
        let said = |encoding, sample_rate, name: &str| {
            format_of(&PlannedFile {
                folder: String::new(),
                name: name.into(),
                kind: Kind::Track,
                alternate: String::new(),
                encoding,
                sample_rate,
                channels: 2,
                frames: 1,
                bytes: 1,
                bytes_exact: true,
                songs: Vec::new(),
                side: None,
                exact: false,
                tags: None,
                cover: false,
                bext: None,
            })
        };
        assert_eq!(said(Some(Encoding::Wav24), 96_000, "a.wav"), "WAV 24 bit 96 kHz");
        assert_eq!(said(Some(Encoding::Wav32f), 48_000, "a.wav"), "WAV 32 bit float 48 kHz");
        assert_eq!(said(Some(Encoding::Flac16), 44_100, "a.flac"), "FLAC 16 bit 44.1 kHz");
        assert_eq!(said(Some(Encoding::Mp3_320), 44_100, "a.mp3"), "MP3 320 kbit/s 44.1 kHz");
        assert_eq!(said(Some(Encoding::Mp3V0), 48_000, "a.mp3"), "MP3 V0 48 kHz");
        assert_eq!(said(None, 0, "LabelCopy.csv"), "CSV");
    }
}
