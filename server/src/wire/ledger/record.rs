//! The stored form of the record and its proofs: label copy, notes on the spacing, records, keys, receipts; there and back, one arm a fact.

use deadwax_domain::{
    Cover, Credit, Explicit, Fact, LabelCopy, Receipt, RecordFile, RecordId, RecordProfile, RecordSource,
    SongCopy, SongId, Split,
};
use deadwax_proto::ledger::v1::{self as stored, fact::What};

use super::{
    link,
    read::{self, No, present},
    write::{digest, id, role},
};

/// Of a fact of this file's nouns; whoever sends another here has a wrong table, and stores a fact that says nothing rather than a false one.
pub fn what(fact: &Fact) -> Option<What> {
    Some(match fact {
        Fact::LabelCopySet { copy } => {
            What::LabelCopySet(stored::LabelCopySet { copy: Some(label_copy(copy)) })
        }
        Fact::SongCopySet { song, copy } => {
            What::SongCopySet(stored::SongCopySet { song: id(song.0), copy: Some(song_copy(copy)) })
        }
        Fact::CoverSet { cover: it } => What::CoverSet(stored::CoverSet { cover: it.as_ref().map(cover) }),
        Fact::SpacingNoted { note, number, song, text } => What::SpacingNoted(stored::SpacingNoted {
            note: id(note.0),
            number: *number,
            song: song.map(|song| id(song.0)).unwrap_or_default(),
            text: text.clone(),
        }),
        Fact::SpacingNoteClosed { note, answer } => {
            What::SpacingNoteClosed(stored::SpacingNoteClosed { note: id(note.0), answer: answer.clone() })
        }
        Fact::KeyEnrolled { key, person, public_key, proof, vouched_by, vouch } => {
            What::KeyEnrolled(stored::KeyEnrolled {
                key: digest(key),
                person: id(person.0),
                public_key: public_key.clone(),
                vouched_by: vouched_by.as_ref().map(digest).unwrap_or_default(),
                proof: proof.clone(),
                vouch: vouch.clone(),
            })
        }
        Fact::KeyRevoked { key, reason } => {
            What::KeyRevoked(stored::KeyRevoked { key: digest(key), reason: reason.clone() })
        }
        Fact::ReceiptKept { approval, sequence, receipt } => What::ReceiptKept(stored::ReceiptKept {
            approval: id(approval.0),
            sequence: *sequence,
            key: digest(&receipt.key),
            statement: receipt.statement.clone(),
            signature: receipt.signature.clone(),
        }),
        of_a_record => return made(of_a_record),
    })
}

fn made(fact: &Fact) -> Option<What> {
    Some(match fact {
        Fact::RecordQueued { record, number, spacing, sources, profiles, loudest_track_lufs, medium } => {
            What::RecordQueued(stored::RecordQueued {
                record: id(record.0),
                number: *number,
                spacing: *spacing,
                sources: sources.iter().map(source).collect(),
                profiles: profiles
                    .iter()
                    .map(|it| stored::RecordProfile { name: it.name.clone(), toml: it.toml.clone() })
                    .collect(),
                loudest_track_lufs: *loudest_track_lufs,
                medium: medium.clone(),
            })
        }
        Fact::RecordLeased { record, attempt, engine } => What::RecordLeased(stored::RecordLeased {
            record: id(record.0),
            attempt: *attempt,
            engine: engine.clone(),
        }),
        Fact::RecordMade { record, files, fingerprint, report_json } => {
            What::RecordMade(stored::RecordMade {
                record: id(record.0),
                files: files.iter().map(file).collect(),
                fingerprint: digest(fingerprint),
                report_json: report_json.clone(),
            })
        }
        Fact::RecordFailed { record, attempt, reason, parked } => What::RecordFailed(stored::RecordFailed {
            record: id(record.0),
            attempt: *attempt,
            reason: reason.clone(),
            parked: *parked,
        }),
        Fact::RecordCancelled { record } => {
            What::RecordCancelled(stored::RecordCancelled { record: id(record.0) })
        }
        Fact::RecordGivenBack { record, attempt } => {
            What::RecordGivenBack(stored::RecordGivenBack { record: id(record.0), attempt: *attempt })
        }
        Fact::RecordApproved { approval, record, role: spoken, fingerprint } => {
            What::RecordApproved(stored::RecordApproved {
                approval: id(approval.0),
                record: id(record.0),
                role: role(*spoken),
                fingerprint: digest(fingerprint),
            })
        }
        Fact::RecordDelivered { record, manifest_json } => What::RecordDelivered(stored::RecordDelivered {
            record: id(record.0),
            manifest_json: manifest_json.clone(),
        }),
        _ => return None,
    })
}

fn label_copy(copy: &LabelCopy) -> stored::LabelCopy {
    stored::LabelCopy {
        upc: copy.upc.clone(),
        catalogue: copy.catalogue.clone(),
        label: copy.label.clone(),
        p_line: copy.p_line.clone(),
        c_line: copy.c_line.clone(),
        release_date: copy.release_date.clone(),
        genre: copy.genre.clone(),
        language: copy.language.clone(),
    }
}

fn cover(cover: &Cover) -> stored::Cover {
    stored::Cover {
        digest: digest(&cover.digest),
        bytes: cover.bytes,
        mime: cover.mime.clone(),
        width: cover.width,
        height: cover.height,
    }
}

fn cover_of(it: stored::Cover) -> Result<Cover, No> {
    let digest = read::digest("cover", &it.digest)?;
    Ok(Cover { digest, bytes: it.bytes, mime: it.mime, width: it.width, height: it.height })
}

fn song_copy(copy: &SongCopy) -> stored::SongCopy {
    stored::SongCopy {
        version_title: copy.version_title.clone(),
        explicit: match copy.explicit {
            None => stored::Explicit::Unspecified,
            Some(Explicit::No) => stored::Explicit::No,
            Some(Explicit::Yes) => stored::Explicit::Yes,
            Some(Explicit::Cleaned) => stored::Explicit::Cleaned,
        }
        .into(),
        credits: copy
            .credits
            .iter()
            .map(|it| stored::Credit { role: it.role.clone(), name: it.name.clone() })
            .collect(),
        splits: copy
            .splits
            .iter()
            .map(|it| stored::Split { name: it.name.clone(), recording: it.recording, share: it.share })
            .collect(),
    }
}

fn source(it: &RecordSource) -> stored::RecordSource {
    stored::RecordSource {
        song: id(it.song.0),
        version: id(it.version.0),
        fingerprint: digest(&it.fingerprint),
    }
}

fn file(it: &RecordFile) -> stored::RecordFile {
    stored::RecordFile {
        profile: it.profile.clone(),
        folder: it.folder.clone(),
        name: it.name.clone(),
        digest: digest(&it.digest),
        bytes: it.bytes,
        kind: it.kind.clone(),
        sample_rate_hz: it.sample_rate_hz,
        bits: it.bits,
        frames: it.frames,
        exact: it.exact,
        integrated_lufs: it.integrated_lufs,
        true_peak_dbtp: it.true_peak_dbtp,
        over_full_scale: it.over_full_scale,
    }
}

fn record(bytes: &[u8]) -> Result<RecordId, No> {
    Ok(RecordId(read::id("record", bytes)?))
}

/// The other way.
pub fn fact(what: What) -> Result<Fact, No> {
    Ok(match what {
        What::LabelCopySet(it) => Fact::LabelCopySet { copy: label_copy_of(present("copy", it.copy)?) },
        What::SongCopySet(it) => {
            Fact::SongCopySet { song: read::song(&it.song)?, copy: song_copy_of(present("copy", it.copy)?)? }
        }
        What::CoverSet(it) => Fact::CoverSet { cover: it.cover.map(cover_of).transpose()? },
        What::SpacingNoted(it) => Fact::SpacingNoted {
            note: read::note(&it.note)?,
            number: it.number,
            song: read::optional_id("song", &it.song)?.map(SongId),
            text: it.text,
        },
        What::SpacingNoteClosed(it) => {
            Fact::SpacingNoteClosed { note: read::note(&it.note)?, answer: it.answer }
        }
        What::RecordQueued(it) => Fact::RecordQueued {
            record: record(&it.record)?,
            number: it.number,
            spacing: it.spacing,
            sources: it.sources.iter().map(source_of).collect::<Result<_, _>>()?,
            profiles: it
                .profiles
                .into_iter()
                .map(|it| RecordProfile { name: it.name, toml: it.toml })
                .collect(),
            loudest_track_lufs: it.loudest_track_lufs,
            medium: it.medium,
        },
        What::RecordLeased(it) => {
            Fact::RecordLeased { record: record(&it.record)?, attempt: it.attempt, engine: it.engine }
        }
        What::RecordMade(it) => Fact::RecordMade {
            record: record(&it.record)?,
            files: it.files.into_iter().map(file_of).collect::<Result<_, _>>()?,
            fingerprint: read::digest("fingerprint", &it.fingerprint)?,
            report_json: it.report_json,
        },
        What::RecordFailed(it) => Fact::RecordFailed {
            record: record(&it.record)?,
            attempt: it.attempt,
            reason: it.reason,
            parked: it.parked,
        },
        What::RecordCancelled(it) => Fact::RecordCancelled { record: record(&it.record)? },
        What::RecordGivenBack(it) => {
            Fact::RecordGivenBack { record: record(&it.record)?, attempt: it.attempt }
        }
        What::RecordApproved(it) => Fact::RecordApproved {
            approval: read::approval(&it.approval)?,
            record: record(&it.record)?,
            role: read::role(it.role)?,
            fingerprint: read::digest("fingerprint", &it.fingerprint)?,
        },
        What::RecordDelivered(it) => {
            Fact::RecordDelivered { record: record(&it.record)?, manifest_json: it.manifest_json }
        }
        of_keys => return fact_of_keys(of_keys),
    })
}

/// Whose word counts, and what was signed with it.
fn fact_of_keys(what: What) -> Result<Fact, No> {
    Ok(match what {
        What::KeyEnrolled(it) => Fact::KeyEnrolled {
            key: read::digest("key", &it.key)?,
            person: read::person(&it.person)?,
            public_key: it.public_key,
            proof: it.proof,
            vouched_by: match it.vouched_by.is_empty() {
                true => None,
                false => Some(read::digest("vouched_by", &it.vouched_by)?),
            },
            vouch: it.vouch,
        },
        What::KeyRevoked(it) => Fact::KeyRevoked { key: read::digest("key", &it.key)?, reason: it.reason },
        What::ReceiptKept(it) => Fact::ReceiptKept {
            approval: read::approval(&it.approval)?,
            sequence: it.sequence,
            receipt: Receipt {
                statement: it.statement,
                signature: it.signature,
                key: read::digest("key", &it.key)?,
            },
        },
        of_links => return link::fact(of_links),
    })
}

fn label_copy_of(it: stored::LabelCopy) -> LabelCopy {
    LabelCopy {
        upc: it.upc,
        catalogue: it.catalogue,
        label: it.label,
        p_line: it.p_line,
        c_line: it.c_line,
        release_date: it.release_date,
        genre: it.genre,
        language: it.language,
    }
}

fn song_copy_of(it: stored::SongCopy) -> Result<SongCopy, No> {
    Ok(SongCopy {
        version_title: it.version_title,
        explicit: match stored::Explicit::try_from(it.explicit).map_err(|_| No::Newer)? {
            stored::Explicit::Unspecified => None,
            stored::Explicit::No => Some(Explicit::No),
            stored::Explicit::Yes => Some(Explicit::Yes),
            stored::Explicit::Cleaned => Some(Explicit::Cleaned),
        },
        credits: it.credits.into_iter().map(|it| Credit { role: it.role, name: it.name }).collect(),
        splits: it
            .splits
            .into_iter()
            .map(|it| Split { name: it.name, recording: it.recording, share: it.share })
            .collect(),
    })
}

fn source_of(it: &stored::RecordSource) -> Result<RecordSource, No> {
    Ok(RecordSource {
        song: read::song(&it.song)?,
        version: read::version(&it.version)?,
        fingerprint: read::digest("fingerprint", &it.fingerprint)?,
    })
}

fn file_of(it: stored::RecordFile) -> Result<RecordFile, No> {
    Ok(RecordFile {
        profile: it.profile,
        folder: it.folder,
        name: it.name,
        digest: read::digest("digest", &it.digest)?,
        bytes: it.bytes,
        kind: it.kind,
        sample_rate_hz: it.sample_rate_hz,
        bits: it.bits,
        frames: it.frames,
        exact: it.exact,
        integrated_lufs: it.integrated_lufs,
        true_peak_dbtp: it.true_peak_dbtp,
        over_full_scale: it.over_full_scale,
    })
}
