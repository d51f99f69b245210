//! Every rule of an audio disc that can be seen from its layout, as plain findings. Never here: whether the sound is right; the image is not opened.

use super::{Disc, DiscTrack, PAUSE_SECTORS, SECTORS_PER_SECOND, cdtext, clock, latin};
use crate::codes;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// No disc is written.
    Block,
    /// A person should know.
    Warn,
}

/// A rule that a disc breaks, or something to know about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable; scripts may depend on it.
    pub code: &'static str,
    pub severity: Severity,
    /// 1 to 99; nothing where it concerns the disc.
    pub track: Option<usize>,
    /// What is so. It bears words of the disc as they are: whoever shows it scrubs them.
    pub text: String,
    /// Who says that it must not be.
    pub source: &'static str,
    /// What to do.
    pub mend: &'static str,
}

const RED: &str = "Red Book (IEC 60908), as told at about-audio-mastering-software.com/red-book.html";
const TOOLS: &str = "cue2ddp 1.1 refuses it: ddp-reverse-eng, spec/ddp2.md, section 8 and N2";
const MAP: &str = "ddp-reverse-eng, spec/ddp2.md, section 4";
const TEXT: &str = "gnu.org/software/libcdio/cd-text-format";
const ISO_3901: &str = "ISO 3901; isrc.ifpi.org";
const GS1: &str = "GS1 General Specifications, 7.9";

pub(super) const MOST_TRACKS: usize = 99;
const SHORTEST_TRACK: u32 = 4 * SECTORS_PER_SECOND;
/// 79:57, the pause of the first track included.
const LONGEST: u32 = (79 * 60 + 57) * SECTORS_PER_SECOND;
/// 74:44, beyond which not every plant presses.
const LONG: u32 = (74 * 60 + 44) * SECTORS_PER_SECOND;
/// Four digits.
pub(super) const LONGEST_STATED_PAUSE: u32 = 9_999;
const MASTER_ID_LETTERS: usize = 48;
/// Of a title in a cue sheet.
const CUE_LETTERS: usize = 80;

/// Everything to say about a disc: its extent, its tracks in their order, its codes, its words, its customs.
pub fn check(disc: &Disc) -> Vec<Rule> {
    let mut found = Found::default();
    found.extent(disc);
    for (at, track) in disc.tracks.iter().enumerate() {
        found.place(disc, at, track);
    }
    found.product(disc);
    found.recordings(disc);
    found.master_id(disc);
    found.words(disc);
    found.customs(disc);
    found.rules
}

#[derive(Default)]
struct Found {
    rules: Vec<Rule>,
}

impl Found {
    fn block(
        &mut self,
        code: &'static str,
        track: Option<usize>,
        text: String,
        source: &'static str,
        mend: &'static str,
    ) {
        self.rules.push(Rule { code, severity: Severity::Block, track, text, source, mend });
    }

    fn warn(
        &mut self,
        code: &'static str,
        track: Option<usize>,
        text: String,
        source: &'static str,
        mend: &'static str,
    ) {
        self.rules.push(Rule { code, severity: Severity::Warn, track, text, source, mend });
    }

    /// The disc as a whole.
    fn extent(&mut self, disc: &Disc) {
        let count = disc.tracks.len();
        if !(1..=MOST_TRACKS).contains(&count) {
            let text = format!("the disc has {count} tracks; 1 to {MOST_TRACKS} are possible");
            self.block("cd-tracks", None, text, RED, "divide the record among several discs");
        }
        if disc.sectors > LONGEST {
            let text =
                format!("the disc is {} long; at most {} are possible", clock(disc.sectors), clock(LONGEST));
            self.block("cd-length", None, text, RED, "take a song out, or divide the record among two discs");
        } else if disc.sectors > LONG {
            let text = format!(
                "the disc is {} long; some plants press {} at most",
                clock(disc.sectors),
                clock(LONG)
            );
            let source = "blog.maxduplication.co.uk, Audio Mastering to Red Book Specifications";
            self.warn("cd-long", None, text, source, "ask the plant before the disc is sent");
        }
        let Some(first) = disc.tracks.first() else { return };
        if first.index0 != Some(0) {
            let text = "index 0 of track 1 is not at 00:00:00, where the disc begins".to_owned();
            self.block("cd-start", Some(1), text, TOOLS, "let the image begin with the pause of track 1");
        }
        if first.index1 < PAUSE_SECTORS {
            let text = format!(
                "index 1 of track 1 is at {}; at least two seconds ({}) lie before it",
                clock(first.index1),
                clock(PAUSE_SECTORS)
            );
            self.block("cd-pause", Some(1), text, TOOLS, "put 150 sectors of silence before the first track");
        }
    }

    /// One track among the others.
    fn place(&mut self, disc: &Disc, at: usize, track: &DiscTrack) {
        let number = Some(at + 1);
        if track.index0.is_some_and(|index0| index0 >= track.index1) {
            let text = format!(
                "index 1 of track {} is at {}, not behind its index 0 at {}",
                at + 1,
                clock(track.index1),
                clock(track.first())
            );
            let mend = "leave at least one sector (1/75 s) between them, or give the track no index 0";
            self.block("cd-index", number, text, TOOLS, mend);
        }
        if let Some(before) = at.checked_sub(1).map(|before| &disc.tracks[before])
            && (track.first() <= before.index1 || track.first() < before.end)
        {
            let text = format!(
                "track {} begins at {}, before track {at} ends at {}",
                at + 1,
                clock(track.first()),
                clock(before.end)
            );
            self.block(
                "cd-order",
                number,
                text,
                TOOLS,
                "give every track its own place, one behind the other",
            );
        }
        self.length(disc, at, track);
    }

    /// From its index 1 on.
    fn length(&mut self, disc: &Disc, at: usize, track: &DiscTrack) {
        let number = Some(at + 1);
        let (next, limit) = (disc.next_music(at), disc.next_first(at));
        if track.index1 >= disc.sectors || track.end > disc.sectors || track.end <= track.index1 {
            let text = format!(
                "track {} plays from {} to {}, and the image ends at {}",
                at + 1,
                clock(track.index1),
                clock(track.end),
                clock(disc.sectors)
            );
            self.block("cd-end", number, text, TOOLS, "make the image and its layout from the same record");
        } else if next.saturating_sub(track.index1) < SHORTEST_TRACK {
            let text = format!(
                "track {} lasts {} from its index 1 to the next; at least 00:04:00 is needed",
                at + 1,
                clock(next.saturating_sub(track.index1))
            );
            self.block(
                "cd-track-length",
                number,
                text,
                RED,
                "join it to a neighbour, or make the gap behind it longer",
            );
        } else if limit.saturating_sub(track.index1) < SHORTEST_TRACK {
            let text = format!(
                "track {} lasts {} up to the pause behind it; it is four seconds only with that pause",
                at + 1,
                clock(limit.saturating_sub(track.index1))
            );
            self.warn(
                "cd-track-short",
                number,
                text,
                RED,
                "ask the plant; sources differ on whether the pause counts",
            );
        }
        if track.end > track.index1 && track.end < limit {
            let text = format!(
                "{} lie between the end of track {} and what follows; they play as its end",
                clock(limit - track.end),
                at + 1
            );
            self.warn("cd-hole", number, text, TOOLS, "let each track end where the next begins");
        }
    }

    /// The bar code.
    fn product(&mut self, disc: &Disc) {
        if disc.upc.is_empty() {
            let text = "the disc has no UPC or EAN".to_owned();
            self.warn("cd-upc-none", None, text, GS1, "add the product's bar code to the label copy");
        } else if !codes::checks_out(&disc.upc) {
            let right = disc.upc.get(..disc.upc.len().saturating_sub(1)).and_then(codes::check_digit);
            let text = match right {
                Some(digit) => format!("{:?} is no UPC or EAN: its last digit would be {digit}", disc.upc),
                None => format!("{:?} is no UPC or EAN: 12 or 13 digits are one", disc.upc),
            };
            self.block(
                "cd-upc",
                None,
                text,
                GS1,
                "read the bar code anew from the label copy; none is guessed",
            );
        } else if disc.upc.bytes().all(|digit| digit == b'0') {
            let text = "a UPC of zeros alone means that there is none".to_owned();
            self.warn(
                "cd-upc-none",
                None,
                text,
                GS1,
                "add the product's bar code to the label copy, or leave it empty",
            );
        }
    }

    fn recordings(&mut self, disc: &Disc) {
        let codes: Vec<Option<String>> = disc.tracks.iter().map(|track| codes::isrc(&track.isrc)).collect();
        for (at, (track, code)) in disc.tracks.iter().zip(&codes).enumerate() {
            let number = Some(at + 1);
            match code {
                None if track.isrc.is_empty() => {
                    let text = format!("track {} has no ISRC", at + 1);
                    self.warn(
                        "cd-isrc-none",
                        number,
                        text,
                        ISO_3901,
                        "ask the owner of the recording for its ISRC",
                    );
                }
                None => {
                    let text = format!(
                        "{:?} of track {} is no ISRC: two letters, three letters or digits, seven digits",
                        track.isrc,
                        at + 1
                    );
                    self.block(
                        "cd-isrc",
                        number,
                        text,
                        ISO_3901,
                        "read the ISRC anew from the label copy; none is guessed",
                    );
                }
                Some(code) => {
                    if let Some(twin) = codes[..at].iter().position(|other| other.as_ref() == Some(code)) {
                        let text = format!("tracks {} and {} have the same ISRC {code}", twin + 1, at + 1);
                        self.block(
                            "cd-isrc-twice",
                            number,
                            text,
                            ISO_3901,
                            "every recording has an ISRC of its own",
                        );
                    }
                }
            }
        }
    }

    fn master_id(&mut self, disc: &Disc) {
        let id = latin(&disc.catalogue);
        if id.bytes.len() > MASTER_ID_LETTERS {
            let text = format!("the catalogue number has {} letters; the master ID holds 48", id.bytes.len());
            self.block("cd-catalogue", None, text, TOOLS, "shorten the catalogue number");
        } else if !disc.catalogue.is_ascii() || !id.is_faithful() {
            let text = format!(
                "the master ID is ASCII: {:?} becomes {:?}",
                disc.catalogue,
                super::ddp::ascii(&disc.catalogue)
            );
            self.warn(
                "cd-catalogue-letters",
                None,
                text,
                TOOLS,
                "write the catalogue number in plain letters and digits",
            );
        }
    }

    /// What CD-Text and cue sheet can say of the titles.
    fn words(&mut self, disc: &Disc) {
        self.word(disc.title.as_str(), None, "title of the disc");
        self.word(disc.performer.as_str(), None, "performer of the disc");
        for (at, track) in disc.tracks.iter().enumerate() {
            self.word(&track.title, Some(at + 1), &format!("title of track {}", at + 1));
            self.word(&track.performer, Some(at + 1), &format!("performer of track {}", at + 1));
        }
        let missing: Vec<usize> =
            (1..).zip(&disc.tracks).filter(|(_, t)| t.title.trim().is_empty()).map(|(n, _)| n).collect();
        if !missing.is_empty() {
            let text = format!("no title is given for {}", listed(&missing));
            self.warn("cd-title-none", None, text, TEXT, "add the titles, or a player shows empty lines");
        }
        let packs = cdtext::pack_count(disc);
        if packs > cdtext::MOST_PACKS {
            let text =
                format!("CD-Text would take {packs} packs; a disc has room for {}", cdtext::MOST_PACKS);
            self.block("cd-text-size", None, text, TEXT, "shorten titles, or leave out the performers");
        }
    }

    fn word(&mut self, text: &str, track: Option<usize>, what: &str) {
        let said = latin(text);
        if !said.is_faithful() {
            let named = |c: &char| {
                if c.is_control() {
                    format!("U+{:04X}", u32::from(*c))
                } else {
                    format!("{c} (U+{:04X})", u32::from(*c))
                }
            };
            let mut changes: Vec<String> = Vec::new();
            if !said.rewritten.is_empty() {
                let list: Vec<String> =
                    said.rewritten.iter().map(|(c, with)| format!("{} as {with:?}", named(c))).collect();
                changes.push(format!("written: {}", list.join(", ")));
            }
            if !said.left_out.is_empty() {
                let list: Vec<String> = said.left_out.iter().map(named).collect();
                changes.push(format!("left out: {}", list.join(", ")));
            }
            let text = format!(
                "the {what}, {text:?}, is beyond Latin-1; CD-Text will say {:?}; {}",
                said.text(),
                changes.join("; ")
            );
            self.warn(
                "cd-text-letters",
                track,
                text,
                TEXT,
                "give it in Latin letters for the disc, or accept what is said",
            );
        }
        if text.chars().count() > CUE_LETTERS {
            let text = format!(
                "the {what} has {} letters; some readers of cue sheets cut at {CUE_LETTERS}",
                text.chars().count()
            );
            self.warn(
                "cd-title-long",
                track,
                text,
                "CDRWIN user's guide, appendix A",
                "nothing, if no cue sheet goes out",
            );
        }
    }

    /// What is allowed and yet not what most discs have.
    fn customs(&mut self, disc: &Disc) {
        let without: Vec<usize> =
            (1..).zip(&disc.tracks).skip(1).filter(|(_, t)| t.index0.is_none()).map(|(n, _)| n).collect();
        if !without.is_empty() {
            let text = format!("no pause stands before {}", listed(&without));
            self.warn(
                "cd-gap-none",
                None,
                text,
                "silverbirchmastering.com/mast_faq/11",
                "nothing, if the songs run into each other as meant",
            );
        }
        if let Some(first) = disc.tracks.first()
            && first.index1 > PAUSE_SECTORS
        {
            let text = format!(
                "{} lie before track 1; they are heard only by going back from its start, and computers cannot read the first 00:02:00",
                clock(first.index1)
            );
            let mend = "keep the first two seconds silent, tell the plant of the hidden song";
            self.warn("cd-hidden", Some(1), text, MAP, mend);
            if first.index1 > LONGEST_STATED_PAUSE {
                let text = format!(
                    "{} sectors lie before track 1, and the map of a DDP-compatible set has four digits for them; no public source says what stands there then",
                    first.index1
                );
                let mend =
                    "hold the hidden song and its pause to 2:13, or deliver the cue sheet or the TOC file";
                self.block("cd-hidden-long", Some(1), text, MAP, mend);
            }
        }
        let pressed: Vec<usize> =
            (1..).zip(&disc.tracks).filter(|(_, t)| t.pre_emphasis).map(|(n, _)| n).collect();
        if !pressed.is_empty() {
            let text =
                format!("pre-emphasis is flagged for {}; players will darken the sound", listed(&pressed));
            self.warn("cd-emphasis", None, text, RED, "take the flag off, unless the sound was made for it");
        }
    }
}

/// `track 3`, `tracks 3, 4 and 7`.
fn listed(numbers: &[usize]) -> String {
    let words: Vec<String> = numbers.iter().map(usize::to_string).collect();
    match words.split_last() {
        Some((last, before)) if !before.is_empty() => format!("tracks {} and {last}", before.join(", ")),
        _ => format!("track {}", words.join("")),
    }
}
