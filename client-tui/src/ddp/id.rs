//! DDPID: one record of 128 bytes that says what the folder is. Levels differ in where their text stands; the rest is alike.

use super::{
    field::{is_blank, is_printable, text},
    folder::Folder,
    rules::{FIELD_NOT_ASCII, Findings, ID_FIELD, ID_LENGTH, ID_LEVEL, ID_LEVEL_OTHER, ID_TYPE},
};

pub const NAME: &str = "DDPID";
const BYTES: usize = 128;
/// A record with much behind it is still read, and told.
const BYTES_MAX: u64 = 4096;

/// Blank where the disc is a CD on a folder's medium.
const UNUSED: [(&str, std::ops::Range<usize>); 7] = [
    ("MSS, the start of the map", 21..29),
    ("MSL", 29..37),
    ("MED, the medium", 37..38),
    ("NSIDE, the sides", 89..90),
    ("SIDE", 90..91),
    ("NLAYER, the layers", 91..92),
    ("LAYER", 92..93),
];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Id {
    pub level: String,
    pub upc: String,
    pub master_id: String,
}

pub fn read(folder: &Folder, findings: &mut Findings) -> Option<Id> {
    let (name, content) = folder.small(NAME, BYTES_MAX, findings)?;
    if content.len() != BYTES {
        findings.tell(ID_LENGTH, &name, format!("It has {} bytes instead of {BYTES}.", content.len()));
        if content.len() < BYTES {
            return None;
        }
    }
    let record = &content[..BYTES];
    if !is_printable(record) {
        findings.tell(FIELD_NOT_ASCII, &name, "A byte in it is no printable ASCII.".into());
    }
    let level = text(&record[..8]);
    match level.as_str() {
        "DDP 2.00" => {}
        "DDP 1.00" | "DDP 1.01" | "DDP 2.10" => {
            findings.tell(ID_LEVEL_OTHER, &name, format!("It is of level {level:?}, not DDP 2.00."));
        }
        _ => findings.tell(ID_LEVEL, &name, format!("Its level {level:?} is none that is known.")),
    }
    // From 86 on, level 1 has its own text where level 2 has the book, the type and the sides.
    if !level.starts_with("DDP 1.") {
        if &record[87..89] != b"CD" {
            let kind = text(&record[87..89]);
            findings.tell(ID_TYPE, &name, format!("The type of disc is {kind:?}, not \"CD\"."));
        }
        for (field, at) in UNUSED {
            if !is_blank(&record[at.clone()]) {
                let value = text(&record[at]);
                findings.tell(ID_FIELD, &name, format!("{field}, is {value:?}; it is blank for a CD."));
            }
        }
        // One tool writes the letter O here.
        if !matches!(record[86], b' ' | b'O') {
            findings.tell(
                ID_FIELD,
                &name,
                format!("BK, the book, is {:?}; it is blank for a CD.", char::from(record[86])),
            );
        }
    }
    Some(Id { level, upc: text(&record[8..21]), master_id: text(&record[38..86]) })
}
