//! Every rule that a DDP-compatible folder is held against, in one table: its code, how grave it is, where it comes from, what to do. Findings are made
//! from it alone, so that no finding can be without a source. Never here: how a rule is tried.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// No plant should get it.
    Block,
    /// It can be pressed; somebody should know.
    Warn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable: scripts read it.
    pub code: &'static str,
    pub severity: Severity,
    pub source: &'static str,
    pub mend: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub code: &'static str,
    /// The file it is about; empty: the folder.
    pub file: String,
    pub track: Option<u8>,
    pub text: String,
    pub source: &'static str,
    pub mend: &'static str,
}

/// Of one code; a file full of faults must not fill the memory.
const OF_ONE_CODE_MAX: usize = 25;

/// What was found so far.
#[derive(Debug, Default)]
pub struct Findings {
    pub list: Vec<Finding>,
    /// Beyond `OF_ONE_CODE_MAX`.
    pub left_out: usize,
}

impl Findings {
    pub fn tell(&mut self, rule: Rule, file: &str, text: String) {
        self.put(rule, file, None, text);
    }

    pub fn of_track(&mut self, rule: Rule, file: &str, track: u8, text: String) {
        self.put(rule, file, Some(track), text);
    }

    fn put(&mut self, rule: Rule, file: &str, track: Option<u8>, text: String) {
        if self.list.iter().filter(|it| it.code == rule.code).count() >= OF_ONE_CODE_MAX {
            self.left_out += 1;
            return;
        }
        let Rule { code, severity, source, mend } = rule;
        self.list.push(Finding { severity, code, file: file.to_owned(), track, text, source, mend });
    }

    pub fn has(&self, rule: Rule) -> bool {
        self.list.iter().any(|it| it.code == rule.code)
    }
}

const DDP: &str = "DDP 2.00 as publicly described (ddp-reverse-eng, spec/ddp2.md, September 2026)";
const RED: &str = "Red Book (IEC 60908)";
const WRITERS: &str = "what mastering tools write alike (ddp-reverse-eng, notes N6 and N9)";
const TEXT: &str = "CD-Text packs as publicly described (MMC-3 annex J; libcdio, libburn)";
const PLANTS: &str = "plants' guides (airplay.dk/ddp-master, anthemmastering.com/ddp)";
const REAPER: &str = "the notes on DDP of a workstation (ReaClassical, ddp_info.txt)";
const LENGTH: &str = "plants' common limit of 79:57 (ARSCLIST, September 2014; bluepromastering.com)";
const ISRC: &str = "ISO 3901";
const GS1: &str = "GS1 General Specifications";
const HOUSE: &str = "this house: a wrong byte must not be pressed";

macro_rules! rules {
    ($($code:ident $severity:ident $source:ident $mend:literal)*) => {
        $(pub const $code: Rule =
            Rule { code: stringify!($code), severity: Severity::$severity, source: $source, mend: $mend };)*
        /// All of them, in the order in which a folder is gone through.
        pub const ALL: &[Rule] = &[$($code),*];
    };
}

rules! {
    FOLDER_UNREADABLE Block HOUSE "Name a folder that you may read."
    FOLDER_CROWDED Block HOUSE "Give the set a folder of its own."
    FOLDER_INSIDE Warn PLANTS "One set stands in one folder, at its root: move the folder inside elsewhere."
    FILE_MISSING Block DDP "Write the set again, or fetch the file from whoever wrote it."
    FILE_EMPTY Block DDP "Fetch the set again: the copy broke off, or was never written."
    FILE_UNREADABLE Block HOUSE "Make the file readable, or fetch the set again."
    FILE_TOO_LARGE Block HOUSE "Fetch the set again: no disc needs that much here."
    FILE_LINK Block HOUSE "Put the file itself into the folder: a link does not travel."
    FILE_SPECIAL Block HOUSE "Put a plain file in its place."
    FILE_FOREIGN Warn PLANTS "Take out what does not belong to the set, or ask the plant whether it may stay."
    NAME_CASE Warn DDP "Write names as the map has them: a plant's system may tell large letters from small."

    ID_LENGTH Block DDP "Write the set again: the identifier is one record of 128 bytes."
    ID_LEVEL Block DDP "Write the set as DDP 2.00."
    ID_LEVEL_OTHER Warn PLANTS "Ask the plant whether it takes this level; 2.00 is what most ask for."
    ID_TYPE Block DDP "Write the set as a CD."
    ID_FIELD Warn DDP "Leave fields of other media blank."
    FIELD_NOT_ASCII Block DDP "Write the set again: these records hold printable ASCII and nothing else."

    MAP_LENGTH Block DDP "Write the set again: the map is whole packets of 128 bytes."
    MAP_PACKET Block DDP "Write the set again: a packet of the map begins with VVVM."
    MAP_PADDING Warn DDP "Write the map without unused packets."
    MAP_STREAM Warn DDP "Write an audio disc with D0, S0 and text streams only."
    MAP_SUBCODE Warn DDP "Write PQ DESCR and CDTEXT only, unless the disc is to carry more."
    MAP_NUMBER Block DDP "Write the set again: lengths are decimal digits, right-aligned."
    MAP_NAME Block DDP "Name a file of this folder, in 1 to 17 letters, without folders."
    MAP_NAME_CHARS Warn PLANTS "Use A-Z, 0-9, point, hyphen and underscore."
    MAP_NAME_SIZE Warn WRITERS "Write 17: the width of the name's field."
    MAP_NAME_TWICE Block DDP "Give every stream a file of its own."
    MAP_FIELD Warn DDP "Leave blank what an audio disc does not use."
    MAP_NO_IMAGE Block DDP "Write the set again: the map names one D0 stream, the sound."
    MAP_IMAGES Block PLANTS "Write all tracks into one image."
    MAP_NO_PQ Block DDP "Write the set again: the map names one S0 stream with PQ DESCR."
    MAP_PQS Block DDP "Write one PQ descriptor."
    MAP_CDTEXTS Block DDP "Write one CD-Text stream."
    MAP_MODE Block RED "Write the image as CD audio: mode DA."
    MAP_STORAGE Block DDP "Write whole sectors of 2352 bytes: storage mode 7."
    MAP_STORAGE_ODD Warn WRITERS "Write storage mode 7, as most tools do."
    MAP_SCRAMBLED Warn WRITERS "Write 0 or 1."
    MAP_START Block DDP "Let the image begin at sector 0."
    MAP_FILE_LENGTH Block DDP "Write the set again: the map and the file disagree on its length."
    PREGAP_CLAIM Warn DDP "Write the first track's pause into the map as it is in the PQ descriptor."

    IMAGE_SECTORS Block RED "Pad the image with silence to a whole sector: 588 frames at 44.1 kHz, 16 bit, stereo; 2352 bytes."
    IMAGE_HEADER Block DDP "Write raw sound: an image has no header."
    IMAGE_BYTE_ORDER Warn DDP "Listen to it: the bytes of every sample seem to stand the wrong way round; little-endian is right."
    IMAGE_SILENT Warn HOUSE "Listen to it: is it meant to be silent?"

    PQ_LENGTH Block DDP "Write the set again: the PQ descriptor is whole packets of 64 bytes."
    PQ_PACKET Block DDP "Write the set again: a packet begins with VVVS."
    PQ_PADDING Warn DDP "Write the PQ descriptor without unused packets."
    PQ_TRACK Block RED "Number the tracks 01 to 99; AA is the lead-out. There can be no more than 99."
    PQ_INDEX Block RED "Number a track's indexes 00 to 99."
    PQ_TIME Block RED "Write times as minutes, seconds below 60 and frames below 75, two digits each."
    PQ_CONTROL Block DDP "Write the control field as a hexadecimal digit and 1, or S under SCMS."
    PQ_DATA Block RED "Write audio tracks only."
    PQ_CONTROL_DIFFERS Block RED "Give all indexes of a track the same flags."
    PQ_CONTROL_DISPUTED Warn DDP "Do not flag four channels: tools read this value differently."
    PQ_COPY Block DDP "Decide: copy permitted, or SCMS."
    PRE_EMPHASIS Warn HOUSE "Ask the mastering engineer: the flag is right only where the sound itself has pre-emphasis."
    FOUR_CHANNEL Warn RED "Take the flag out: no player has four channels."
    PQ_LEAD_IN Block DDP "Begin with one packet 00 00 at 00:00:00."
    PQ_LEAD_OUT Block DDP "End with AA 01 at the end of the sound."
    PQ_LEAD_OUT_ONCE Warn WRITERS "Write the lead-out twice, as mastering tools do."
    PQ_AFTER Block DDP "Write one session; nothing comes after the lead-out."
    PQ_FIELD Warn DDP "Leave the field blank."
    TRACKS_NONE Block RED "Write the set again: there is no track in it."
    TRACK_ORDER Block RED "Number the tracks from 1, one after the other."
    TRACK_NO_START Block RED "Give every track an INDEX 1."
    INDEX_ORDER Block RED "Number a track's indexes from 0 or 1, one after the other."
    TIMES_RISE Block RED "Order the indexes by time."
    INDEX1_SOON Block RED "Put INDEX 1 at least a frame behind INDEX 0, or leave INDEX 0 out."
    FIRST_INDEX0 Block RED "Let track 1 begin with INDEX 0 at 00:00:00."
    FIRST_PAUSE Block RED "Give the first track a pause of 2 seconds or more before INDEX 1."
    TRACK_SHORT Block RED "Make the track 4 seconds long, or join it to its neighbour."
    TRACK_SHORT_SOUND Warn REAPER "Shorten the pause behind it: some count a track without the next one's pause, others with it."
    DISC_LONG Block LENGTH "Shorten the record, or ask the plant in writing."
    LEAD_OUT Block DDP "Write the set again: the lead-out stands where the image ends."

    ISRC_FORM Block ISRC "Write it as CCXXXYYNNNNN: two letters, three letters or digits, seven digits; no hyphens, large letters."
    ISRC_TWICE Block ISRC "Ask the label: every recording has a code of its own."
    ISRC_NONE Warn ISRC "Ask the label for the code; without it plays are not counted."
    ISRC_DIFFERS Block DDP "Write one code a track."
    ISRC_PLACE Warn DDP "Write ISRCs at tracks only."
    UPC_FORM Block GS1 "Write 13 digits (EAN-13), or 12 (UPC-A)."
    UPC_CHECK Block GS1 "Compare with the label copy: the check digit does not fit, so a digit is wrong."
    UPC_NONE Warn GS1 "Ask the label for the code."
    UPC_DIFFERS Block DDP "Write the same code everywhere; ask the label which is right."
    UPC_ONE_PLACE Warn WRITERS "Write the code into DDPID and at the lead-in: from one of them alone it may not reach the disc."

    CDTEXT_LENGTH Block TEXT "Write whole packs of 18 bytes."
    CDTEXT_TAIL Warn TEXT "Write the packs without the zero byte behind them."
    CDTEXT_HEADER Block DDP "Take the header of 4 bytes off: the file holds packs only."
    CDTEXT_TYPE Warn TEXT "Leave out packs of unknown type."
    CDTEXT_CRC Block TEXT "Write the CD-Text again: a pack is damaged."
    CDTEXT_SEQUENCE Block TEXT "Write the CD-Text again: a pack is missing or stands in the wrong place."
    CDTEXT_BLOCK Block TEXT "Write the languages as blocks 0 to 7, one after the other."
    CDTEXT_ORDER Warn TEXT "Write the pack types in rising order."
    CDTEXT_POSITION Block TEXT "Write the CD-Text again: a pack says another track or place than its text has."
    CDTEXT_SIZES Block TEXT "Write the CD-Text again: its size information does not fit its packs."
    CDTEXT_TRACKS Block TEXT "Write the CD-Text again, for the tracks of the PQ descriptor."
    CDTEXT_ENCODING Warn TEXT "Write ISO 8859-1: players show little else."
    CDTEXT_CHARS Warn TEXT "Write the text in ISO 8859-1; replace what it does not have."
    CDTEXT_LONG Warn TEXT "Keep a text to 160 letters."
    CDTEXT_TITLE Warn TEXT "Give the disc and every track a title."
    CDTEXT_DISC Warn REAPER "Give the disc such a text too; \"Various\" will do."
    CDTEXT_ISRC Block TEXT "Write the same ISRC in CD-Text and PQ descriptor."
    CDTEXT_UPC Block TEXT "Write the same UPC in CD-Text and PQ descriptor."

    SUM_NONE Block PLANTS "Put an MD5 file of all files into the folder."
    SUM_LINE Block PLANTS "Write lines as md5sum does: digest, space, asterisk, name."
    SUM_MISSING Block PLANTS "Put every file of the set into the MD5 file."
    SUM_COMPANION Warn PLANTS "Put the files beside the set into the MD5 file too."
    SUM_ABSENT Block PLANTS "Fetch the file that the checksums name, or write them again."
    SUM_FALSE Block PLANTS "Fetch the set again: a file is not what it was when the checksums were written."
    SUM_WEAK Warn PLANTS "Add an MD5 file: CRC-32 alone misses what happens on purpose."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_what_to_do_and_one_code_cannot_fill_the_memory() {
        let mut codes: Vec<&str> = ALL.iter().map(|rule| rule.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
        assert!(ALL.iter().all(|rule| rule.mend.ends_with(['.', '?']) && !rule.source.is_empty()));
        let mut findings = Findings::default();
        for _ in 0..1000 {
            findings.tell(PQ_PACKET, "PQDESCR", String::new());
        }
        findings.tell(SUM_NONE, "", String::new());
        assert_eq!((findings.list.len(), findings.left_out), (OF_ONE_CODE_MAX + 1, 1000 - OF_ONE_CODE_MAX));
        assert!(findings.has(SUM_NONE));
    }
}
