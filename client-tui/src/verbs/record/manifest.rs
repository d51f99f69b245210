//! The frozen list of a delivered record, read before it is put beside the files: it tells of exactly the files that were signed, or it is put nowhere. Never here:
//! where it is put.

use std::collections::BTreeSet;

use deadwax_proto::v1::RecordRow;
use serde::Deserialize;

use super::files::odd;
use crate::verbs::VerbError;

/// As much of it as is compared. What a later studio says beside it is its own.
#[derive(Debug, Deserialize)]
pub struct Manifest {
    pub record: Of,
    pub files: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
pub struct Of {
    pub id: String,
    pub number: u32,
    pub fingerprint: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    #[serde(default)]
    pub folder: String,
    pub name: String,
    pub sha256: String,
    pub bytes: u64,
}

/// The manifest of a record; `None`: it is not delivered.
///
/// # Errors
/// `RECORD_ODD` where it is none, or of another record, or lists other files than those that are signed.
pub fn checked(row: &RecordRow) -> Result<Option<&str>, VerbError> {
    if row.manifest_json.is_empty() {
        return Ok(None);
    }
    let Ok(said) = serde_json::from_str::<Manifest>(&row.manifest_json) else {
        return Err(odd(row, "its manifest cannot be read"));
    };
    if said.record.fingerprint != row.fingerprint {
        return Err(odd(row, "its manifest has another fingerprint than the one that is signed"));
    }
    if (said.record.id.as_str(), said.record.number) != (row.record_id.as_str(), row.number) {
        return Err(odd(row, "its manifest is that of another record"));
    }
    let count = said.files.len();
    let listed: BTreeSet<Entry> = said.files.into_iter().collect();
    let entry = |it: &deadwax_proto::v1::RecordFile| Entry {
        folder: it.folder.clone(),
        name: it.name.clone(),
        sha256: it.sha256.clone(),
        bytes: it.bytes,
    };
    let signed: BTreeSet<Entry> = row.files.iter().map(entry).collect();
    if let Some(one) = listed.symmetric_difference(&signed).next() {
        let path = crate::scrub::cut(&crate::scrub::line(&format!("{}/{}", one.folder, one.name)), 80);
        return Err(odd(row, &format!("its manifest and what is signed differ in {path:?}")));
    }
    if count != listed.len() {
        return Err(odd(row, "its manifest lists a file twice"));
    }
    Ok(Some(row.manifest_json.as_str()))
}

#[cfg(test)]
mod tests {
    use deadwax_proto::v1::RecordFile;
    use serde_json::{Value, json};

    use super::*;

    fn delivered(change: impl Fn(&mut Value)) -> RecordRow {
        let sha256 = "ab".repeat(32);
        let mut manifest = json!({
            "deadwax_record_manifest": 1,
            "record": { "id": "r-2", "number": 2, "fingerprint": "f0", "engine": "later" },
            "files": [
                { "folder": "cd", "name": "夜.wav", "sha256": sha256, "bytes": 3, "exact": true },
                { "name": "notes.txt", "sha256": sha256, "bytes": 4 },
            ],
        });
        change(&mut manifest);
        let file = |folder: &str, name: &str, bytes| RecordFile {
            folder: folder.into(),
            name: name.into(),
            sha256: sha256.clone(),
            bytes,
            ..RecordFile::default()
        };
        RecordRow {
            record_id: "r-2".into(),
            number: 2,
            fingerprint: "f0".into(),
            files: vec![file("cd", "夜.wav", 3), file("", "notes.txt", 4)],
            manifest_json: manifest.to_string(),
            ..RecordRow::default()
        }
    }

    #[test]
    fn a_manifest_tells_of_the_files_that_were_signed_and_of_no_others() {
        assert!(checked(&RecordRow::default()).unwrap().is_none());
        let right = delivered(|_| {});
        assert_eq!(checked(&right).unwrap(), Some(right.manifest_json.as_str()));
        for (what, change) in [
            ("fingerprint", json!(["/record/fingerprint", "f1"])),
            ("another record", json!(["/record/number", 3])),
            ("another record", json!(["/record/id", "r-3"])),
            ("differ in", json!(["/files/0/sha256", "cd".repeat(32)])),
            ("differ in", json!(["/files/0/name", "other.wav"])),
            ("differ in", json!(["/files/0/folder", "hi-res"])),
            ("differ in", json!(["/files/1/bytes", 5])),
            ("differ in", json!(["/files", []])),
            ("cannot be read", json!(["/record", "Record 2"])),
        ] {
            let (place, value) = (change[0].as_str().unwrap(), change[1].clone());
            let row = delivered(|it| *it.pointer_mut(place).unwrap() = value.clone());
            let error = checked(&row).unwrap_err();
            assert_eq!(error.reason(), "RECORD_ODD", "{place}");
            assert!(error.to_string().contains(what), "{place}: {error}");
        }
        let twice = delivered(|it| {
            let files = it["files"].as_array_mut().unwrap();
            files.push(files[0].clone());
        });
        assert!(checked(&twice).unwrap_err().to_string().contains("twice"));
        let cut = RecordRow { manifest_json: "{".into(), ..delivered(|_| {}) };
        assert!(checked(&cut).unwrap_err().to_string().contains("cannot be read"));
    }
}
