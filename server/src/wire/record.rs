//! Actions of the record and its proofs as commands. Signatures are checked here by their mathematics; what a statement must say is the domain's.
//! `StartRecord` and `DeliverRecord` come without what only the server knows: the text of shipped profiles, the manifest.

use deadwax_domain::{
    ApprovalId, Command, Credit, Explicit, LabelCopy, NoteId, Receipt, RecordId, RecordProfile, SongCopy,
    SongId, Split,
};
use deadwax_proto::v1::{self, action::Action};

use super::action::{ActionError, Result, digest, id, malformed, optional_id, role};
use crate::name::composed;
use crate::signature;

/// The same approval with the receipt that came with it.
pub fn signed(approve: Command, receipt: Option<v1::Receipt>) -> Result<Command> {
    let Some(v1::Receipt { statement, signature }) = receipt else { return Ok(approve) };
    let key = signature::verify(signature::STATEMENT, &statement, &signature)?;
    let receipt = Receipt { statement, signature, key };
    Ok(Command::Signed { approve: Box::new(approve), receipt })
}

pub fn command(action: Action) -> Result<Command> {
    Ok(match action {
        Action::SetLabelCopy(it) => Command::SetLabelCopy { copy: label_copy(it.copy.unwrap_or_default()) },
        Action::SetSongCopy(it) => Command::SetSongCopy {
            song: id("set_song_copy.song_id", &it.song_id).map(SongId)?,
            copy: song_copy(it.copy.unwrap_or_default())?,
        },
        Action::RemoveCover(v1::RemoveCover {}) => Command::SetCover { cover: None },
        Action::AddSpacingNote(it) => Command::AddSpacingNote {
            note: id("add_spacing_note.note_id", &it.note_id).map(NoteId)?,
            number: it.number,
            song: optional_id("add_spacing_note.song_id", &it.song_id)?.map(SongId),
            text: it.text,
        },
        Action::CloseSpacingNote(it) => Command::CloseSpacingNote {
            note: id("close_spacing_note.note_id", &it.note_id).map(NoteId)?,
            answer: it.answer,
        },
        Action::StartRecord(it) => Command::StartRecord {
            record: id("start_record.record_id", &it.record_id).map(RecordId)?,
            spacing: it.spacing,
            profiles: it
                .profiles
                .into_iter()
                .map(|it| RecordProfile { name: it.name, toml: it.toml })
                .collect(),
            loudest_track_lufs: it.loudest_track_lufs,
            medium: it.medium,
            basis: match it.basis.is_empty() {
                true => None,
                false => Some(digest("start_record.basis", &it.basis)?),
            },
        },
        Action::CancelRecord(it) => {
            Command::CancelRecord { record: id("cancel_record.record_id", &it.record_id).map(RecordId)? }
        }
        Action::ApproveRecord(it) => {
            let approve = Command::ApproveRecord {
                approval: id("approve_record.approval_id", &it.approval_id).map(ApprovalId)?,
                record: id("approve_record.record_id", &it.record_id).map(RecordId)?,
                role: role("approve_record.role", it.role)?,
                fingerprint: digest("approve_record.fingerprint", &it.fingerprint)?,
            };
            signed(approve, it.receipt)?
        }
        Action::DeliverRecord(it) => Command::DeliverRecord {
            record: id("deliver_record.record_id", &it.record_id).map(RecordId)?,
            manifest_json: String::new(),
        },
        Action::EnrolKey(it) => enrol(it)?,
        Action::RevokeKey(it) => {
            Command::RevokeKey { key: digest("revoke_key.fingerprint", &it.fingerprint)?, reason: it.reason }
        }
        _ => return Err(ActionError::Unknown),
    })
}

/// Both signatures are over the public key's own line: whoever has the key shows it, and an older key takes it in.
fn enrol(it: v1::EnrolKey) -> Result<Command> {
    let (key, public_key) = signature::public_key(&it.public_key)?;
    signature::by(key, signature::KEY, &public_key, &it.proof)?;
    let vouched_by = match it.vouch.is_empty() {
        true => None,
        false => Some(signature::verify(signature::KEY, &public_key, &it.vouch)?),
    };
    Ok(Command::EnrolKey { key, public_key, proof: it.proof, vouched_by, vouch: it.vouch })
}

fn label_copy(it: v1::LabelCopy) -> LabelCopy {
    LabelCopy {
        upc: it.upc,
        catalogue: composed(it.catalogue),
        label: composed(it.label),
        p_line: composed(it.p_line),
        c_line: composed(it.c_line),
        release_date: it.release_date,
        genre: composed(it.genre),
        language: it.language,
    }
}

fn song_copy(it: v1::SongCopy) -> Result<SongCopy> {
    let newer = |field| malformed(field, "is newer than this server");
    let explicit = v1::Explicit::try_from(it.explicit).map_err(|_| newer("set_song_copy.copy.explicit"))?;
    let split = |it: v1::Split| -> Result<Split> {
        let of = v1::SplitOf::try_from(it.of).map_err(|_| newer("set_song_copy.copy.splits.of"))?;
        let recording = match of {
            v1::SplitOf::Recording => true,
            v1::SplitOf::Composition => false,
            v1::SplitOf::Unspecified => {
                return Err(malformed("set_song_copy.copy.splits.of", "is absent"));
            }
        };
        Ok(Split { name: composed(it.name), recording, share: it.share })
    };
    let credit = |it: v1::Credit| Credit { role: composed(it.role), name: composed(it.name) };
    Ok(SongCopy {
        version_title: composed(it.version_title),
        explicit: match explicit {
            v1::Explicit::Unspecified => None,
            v1::Explicit::No => Some(Explicit::No),
            v1::Explicit::Yes => Some(Explicit::Yes),
            v1::Explicit::Cleaned => Some(Explicit::Cleaned),
        },
        credits: it.credits.into_iter().map(credit).collect(),
        splits: it.splits.into_iter().map(split).collect::<Result<_>>()?,
    })
}
