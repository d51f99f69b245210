//! The rules of the disc as a whole: lengths, codes, and whether map, PQ descriptor, identifier and CD-Text say the same. Never here: bytes.

use std::collections::BTreeMap;

use super::{
    Set,
    cdtext::{CODES, CdText, TITLE},
    field::{check_digit, ean13, is_isrc, msf},
    id,
    pq::FRAMES_A_SECOND,
    rules::{
        CDTEXT_DISC, CDTEXT_ISRC, CDTEXT_TITLE, CDTEXT_TRACKS, CDTEXT_UPC, DISC_LONG, FIRST_INDEX0,
        FIRST_PAUSE, FOUR_CHANNEL, Findings, IMAGE_SECTORS, ISRC_FORM, ISRC_NONE, ISRC_TWICE, LEAD_OUT,
        PRE_EMPHASIS, PREGAP_CLAIM, TRACK_SHORT, TRACK_SHORT_SOUND, UPC_CHECK, UPC_DIFFERS, UPC_FORM,
        UPC_NONE, UPC_ONE_PLACE,
    },
};

const PAUSE_MIN: u32 = 2 * FRAMES_A_SECOND;
const TRACK_MIN: u32 = 4 * FRAMES_A_SECOND;
/// 79:57.
const DISC_MAX: u32 = (79 * 60 + 57) * FRAMES_A_SECOND;

/// What the rules need beside the set.
pub struct Said<'a> {
    pub pq_file: &'a str,
    pub pq_upc: &'a str,
    pub id_upc: &'a str,
    pub lead_out: Option<u32>,
    /// The map's pause before track 1.
    pub pause: Option<u64>,
    pub cd_text: Option<(&'a str, &'a CdText)>,
}

pub fn tell(set: &Set, said: &Said<'_>, findings: &mut Findings) {
    tell_layout(set, said, findings);
    tell_lengths(set, said, findings);
    tell_upc(said, findings);
    tell_isrcs(set, said, findings);
    if let Some((file, text)) = said.cd_text {
        tell_cd_text(set, said, file, text, findings);
    }
}

fn tell_layout(set: &Set, said: &Said<'_>, findings: &mut Findings) {
    let Some(first) = set.tracks.first() else { return };
    match first.index0 {
        Some(0) => {}
        Some(at) => {
            let text = format!("INDEX 0 of the first track is at {}.", msf(at));
            findings.of_track(FIRST_INDEX0, said.pq_file, first.number, text);
        }
        None => {
            let text = "The first track has no INDEX 0.".into();
            findings.of_track(FIRST_INDEX0, said.pq_file, first.number, text);
        }
    }
    if first.index1 < PAUSE_MIN {
        let text = format!("INDEX 1 of the first track is at {}.", msf(first.index1));
        findings.of_track(FIRST_PAUSE, said.pq_file, first.number, text);
    }
    if said.pause != Some(u64::from(first.index1)) {
        let says = said.pause.map_or("nothing".into(), |pause| format!("{pause} sectors"));
        let text = format!("PRE2 says {says}; INDEX 1 of the first track is at sector {}.", first.index1);
        findings.tell(PREGAP_CLAIM, super::map::NAME, text);
    }
    for track in &set.tracks {
        if track.flags.pre_emphasis {
            findings.of_track(
                PRE_EMPHASIS,
                said.pq_file,
                track.number,
                "It is flagged as pre-emphasised.".into(),
            );
        }
        if track.flags.four_channel {
            findings.of_track(
                FOUR_CHANNEL,
                said.pq_file,
                track.number,
                "It is flagged as of four channels.".into(),
            );
        }
    }
}

fn tell_lengths(set: &Set, said: &Said<'_>, findings: &mut Findings) {
    for track in &set.tracks {
        let whole = track.next_start.saturating_sub(track.index1);
        let sound = track.end.saturating_sub(track.index1);
        if whole < TRACK_MIN {
            let text = format!("It is {} long.", msf(whole));
            findings.of_track(TRACK_SHORT, said.pq_file, track.number, text);
        } else if sound < TRACK_MIN {
            let text = format!("Without the pause behind it, it is {} long.", msf(sound));
            findings.of_track(TRACK_SHORT_SOUND, said.pq_file, track.number, text);
        }
    }
    if let Some(lead_out) = said.lead_out {
        if lead_out > DISC_MAX {
            let text = format!("It is {} long; {} is the most.", msf(lead_out), msf(DISC_MAX));
            findings.tell(DISC_LONG, said.pq_file, text);
        }
        if set.image.bytes > 0 && u64::from(lead_out) * super::map::SECTOR_BYTES != set.image.bytes {
            let ends = set.image.bytes as f64 / super::map::SECTOR_BYTES as f64;
            let text = format!(
                "The lead-out is at sector {lead_out} ({}); the image ends at {ends}.",
                msf(lead_out)
            );
            findings.tell(LEAD_OUT, said.pq_file, text);
        }
    }
    if !set.image.bytes.is_multiple_of(super::map::SECTOR_BYTES) {
        let text = format!("It has {} bytes: no whole number of sectors of 2352.", set.image.bytes);
        findings.tell(IMAGE_SECTORS, &set.image.name, text);
    }
}

fn tell_upc(said: &Said<'_>, findings: &mut Findings) {
    for (file, code) in [(id::NAME, said.id_upc), (said.pq_file, said.pq_upc)] {
        if code.is_empty() {
            continue;
        }
        let Some(ean) = ean13(code) else {
            findings.tell(UPC_FORM, file, format!("{code:?} is neither EAN-13 nor UPC-A."));
            continue;
        };
        let wanted = check_digit(&ean);
        if ean.as_bytes()[12] != b'0' + wanted {
            findings.tell(UPC_CHECK, file, format!("The check digit of {code} is wrong: {wanted} is due."));
        }
    }
    match (said.id_upc, said.pq_upc) {
        ("", "") => findings.tell(UPC_NONE, id::NAME, "It has no UPC.".into()),
        ("", _) => findings.tell(UPC_ONE_PLACE, id::NAME, "The UPC stands in the PQ descriptor only.".into()),
        (_, "") => findings.tell(UPC_ONE_PLACE, said.pq_file, "The UPC stands in DDPID only.".into()),
        (a, b) if same_code(a, b) => {}
        (a, b) => findings.tell(UPC_DIFFERS, id::NAME, format!("It says {a}; the PQ descriptor says {b}.")),
    }
}

/// A UPC-A is the EAN-13 without its first 0.
fn same_code(a: &str, b: &str) -> bool {
    a == b || ean13(a).is_some_and(|a| ean13(b) == Some(a))
}

fn tell_isrcs(set: &Set, said: &Said<'_>, findings: &mut Findings) {
    let mut seen: BTreeMap<&str, u8> = BTreeMap::new();
    for track in &set.tracks {
        let (file, code) = (said.pq_file, track.isrc.as_str());
        if code.is_empty() {
            findings.of_track(ISRC_NONE, file, track.number, "It has no ISRC.".into());
            continue;
        }
        if !is_isrc(code) {
            findings.of_track(ISRC_FORM, file, track.number, format!("{code:?} is no ISRC."));
        }
        if let Some(other) = seen.insert(code, track.number) {
            let text = format!("Its ISRC {code} is that of track {other} too.");
            findings.of_track(ISRC_TWICE, file, track.number, text);
        }
    }
}

fn tell_cd_text(set: &Set, said: &Said<'_>, file: &str, text: &CdText, findings: &mut Findings) {
    let numbers = (set.tracks.first(), set.tracks.last());
    if let (Some(told), (Some(first), Some(last))) = (text.tracks, numbers)
        && told != (first.number, last.number)
    {
        let is = format!("tracks {} to {}", first.number, last.number);
        let text = format!("It is for tracks {} to {}; the PQ descriptor has {is}.", told.0, told.1);
        findings.tell(CDTEXT_TRACKS, file, text);
    }
    if text.get(TITLE, 0).is_empty() {
        findings.tell(CDTEXT_TITLE, file, "The disc has no title.".into());
    }
    for (kind, texts) in text.texts.iter().filter(|(kind, _)| !matches!(**kind, TITLE | CODES)) {
        if text.get(*kind, 0).is_empty() && texts.values().any(|text| !text.is_empty()) {
            findings.tell(
                CDTEXT_DISC,
                file,
                format!("Tracks have a text of the type {kind:#04x}, the disc has none."),
            );
        }
    }
    let upc = text.get(CODES, 0);
    let code = if said.pq_upc.is_empty() { said.id_upc } else { said.pq_upc };
    if !upc.is_empty() && !same_code(upc, code) {
        findings.tell(CDTEXT_UPC, file, format!("It says {upc:?}; the disc has {code:?}."));
    }
    for track in &set.tracks {
        if text.get(TITLE, track.number).is_empty() {
            findings.of_track(CDTEXT_TITLE, file, track.number, "It has no title.".into());
        }
        let isrc = text.get(CODES, track.number);
        if !isrc.is_empty() && isrc != track.isrc {
            let text = format!("It says {isrc:?}; the PQ descriptor says {:?}.", track.isrc);
            findings.of_track(CDTEXT_ISRC, file, track.number, text);
        }
    }
}
