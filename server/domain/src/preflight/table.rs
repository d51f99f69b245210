//! The checks as data: how grave this house takes each for takes, mixes and masters, where its limit comes from, and how it is mended. A project may
//! set other severities. Never here: how a check is made.
//!
//! Takes are raw material and are only warned about, except silence. Mixes are what mastering has to live with: they block hardest. Masters are loud on
//! purpose: clipping warns, inter-sample peaks over full scale block where the file is lossless. What the examination says of alternates is as grave as it was
//! found to be, and never more than stands here: a limiter treats each master for itself and a master comes in several rates, so there only what is plainly the
//! wrong file blocks.

use super::{Rule, Severity};
use crate::{Project, VersionKind};

/// "Producers & Engineers Wing delivery recommendations 2018": 48/24 at least; alternates with the bus keyed by the full mix.
const WING: &str = "Producers & Engineers Wing 2018";
/// What nine mastering engineers ask on their intake sheets: peaks of -6 to -3 dBFS, no limiter, 1 to 2 s before and the full tail after, never converted
/// upwards, WAV or AIFF.
const INTAKE: &str = "mastering engineers' intake sheets";
/// What masters are listened through for.
const QC: &str = "mastering QC lists";
/// What an instrumental, a TV mix, an a cappella, a clean version and stems are.
const ARCHIVE: &str = "archive vendors' definitions";
/// Cutdowns, exact to the second.
const SYNC: &str = "sync libraries' delivery lists";
/// Vocal up and down, and nothing else.
const RIDES: &str = "Bobby Owsinski on alternate mixes";
const HOUSE: &str = "this house";

const WARN: Option<Severity> = Some(Severity::Warn);
const BLOCK: Option<Severity> = Some(Severity::Block);
pub(super) const KINDS: [VersionKind; 3] = [VersionKind::Take, VersionKind::Mix, VersionKind::Master];

pub(super) struct Check {
    pub code: &'static str,
    /// Of [`KINDS`]; `None`: such a version is not asked.
    house: [Option<Severity>; 3],
    source: &'static str,
    mend: &'static str,
}

const fn check(
    code: &'static str,
    house: [Option<Severity>; 3],
    source: &'static str,
    mend: &'static str,
) -> Check {
    Check { code, house, source, mend }
}

/// What an inspection may remark. A mix with nothing on one side, or with one side upside down, was bounced wrong; the rest can be meant.
pub(super) const REMARKS: [&str; 12] = [
    "SILENT_CHANNEL",
    "INVERTED",
    "FLAT_TOPS",
    "HEAD_CUT",
    "LOW_CORRELATION",
    "BALANCE",
    "BITS",
    "UPSAMPLED",
    "LOSSY_SPECTRUM",
    "CUT_SPECTRUM",
    "CLICKS",
    "DROPOUTS",
];

#[rustfmt::skip]
pub(super) const CHECKS: &[Check] = &[
    check("SILENT", [BLOCK, BLOCK, BLOCK], HOUSE, "Export the file again: nothing can be heard in it."),
    check("CLIPPED", [WARN, BLOCK, WARN], INTAKE, "Turn the mix bus down, or take the clipper off it, and print it again."),
    check("TRUE_PEAK_OVER", [WARN, BLOCK, BLOCK], QC, "Leave 1 dB under full scale and print it again."),
    check("LITTLE_HEADROOM", [None, WARN, None], INTAKE, "Print it with peaks between -6 and -3 dBFS, with no limiter on the bus."),
    check("DC_OFFSET", [WARN, WARN, WARN], QC, "Find the plug-in or converter that adds it, or filter below 5 Hz."),
    check("OUT_OF_PHASE", [WARN, WARN, WARN], QC, "Listen in mono; turn the polarity of what disappears."),
    check("DUAL_MONO", [WARN, WARN, WARN], HOUSE, "Print it in stereo, or say that it is mono on purpose."),
    check("LOSSY", [WARN, BLOCK, None], INTAKE, "Send the WAV, AIFF or FLAC that it was made from."),
    check("FEW_BITS", [None, WARN, None], WING, "Print it with 24 bits or 32 float."),
    check("LOW_RATE", [None, BLOCK, None], HOUSE, "Print it at the rate of the session, 44100 Hz or more."),
    check("RATE_UNDER_48K", [None, WARN, None], WING, "Print it at the rate of the session; never convert it upwards."),
    check("CHANNELS", [None, BLOCK, None], HOUSE, "Print one interleaved stereo file."),
    check("LONG_HEAD", [None, WARN, None], INTAKE, "Leave 1 to 2 s before the music."),
    check("LONG_TAIL", [None, WARN, None], INTAKE, "Cut what is silent after the last sound has died away."),
    check("TAIL_CUT", [None, WARN, None], INTAKE, "Print on until the last sound has died away."),
    check("RATE_DIFFERS", [WARN, BLOCK, None], HOUSE, "Print all alternates at the rate of the Main."),
    check("LENGTH_DIFFERS", [WARN, BLOCK, None], ARCHIVE, "Print all alternates from the same start to the same end."),
    check("DEPTH_DIFFERS", [WARN, WARN, None], HOUSE, "Print all alternates with the bit depth of the Main."),
    check("SAME_AS_MAIN", [WARN, BLOCK, None], HOUSE, "Send the right file, or leave this alternate out."),
    check("CUT_LENGTH", [WARN, WARN, None], SYNC, "Cut it to the exact second, without a fade."),
    check("STEP_WRONG_WAY", [WARN, WARN, None], HOUSE, "Look whether up and down changed places."),
    check("UNCHANGED", [WARN, WARN, WARN], HOUSE, "If it was meant to change, export it again."),
    check("FEWER_BITS", [None, WARN, None], HOUSE, "Print it with the bit depth of the session."),
    check("NAME_SAYS_OTHER", [WARN, WARN, WARN], HOUSE, "Look whether the right file was sent; else give it another name."),
    check("SILENT_CHANNEL", [WARN, BLOCK, WARN], QC, "Look at the routing of the bus and print it again."),
    check("INVERTED", [WARN, BLOCK, WARN], HOUSE, "Turn the polarity of one side and print it again."),
    check("FLAT_TOPS", [WARN, WARN, WARN], QC, "Look for a clipper or an overdriven converter before the print."),
    check("HEAD_CUT", [WARN, WARN, WARN], INTAKE, "Print from a second before the first sound."),
    check("LOW_CORRELATION", [WARN, WARN, WARN], QC, "Listen in mono to what is lost."),
    check("BALANCE", [WARN, WARN, WARN], QC, "Look at the pan and the gain of both sides."),
    check("BITS", [WARN, WARN, WARN], HOUSE, "Print with all bits: no 16-bit stage before the export."),
    check("UPSAMPLED", [WARN, WARN, WARN], INTAKE, "Send it at the rate at which it was recorded."),
    check("LOSSY_SPECTRUM", [WARN, WARN, WARN], INTAKE, "Look for an MP3 or AAC among the sources."),
    check("CUT_SPECTRUM", [WARN, WARN, WARN], HOUSE, "Look for a low-pass on the bus, or a conversion."),
    check("CLICKS", [WARN, WARN, WARN], QC, "Listen at the places that are named; fade the edits."),
    check("DROPOUTS", [WARN, WARN, WARN], QC, "Listen at the places that are named; print it again with a larger buffer."),
    check("REMARK", [WARN, WARN, WARN], HOUSE, "Read what was remarked and decide."),
    check("NOT_EXAMINED", [WARN, WARN, WARN], HOUSE, "Listen to the alternates beside the Main yourself, or upload the version again."),
    check("ALT_SILENT", [WARN, BLOCK, BLOCK], HOUSE, "Export the alternate again."),
    check("ALT_OTHER_SONG", [WARN, BLOCK, BLOCK], HOUSE, "Send the alternate of this song and this take."),
    check("ALT_SAME_FILE", [WARN, BLOCK, BLOCK], HOUSE, "Send the right file for each, or leave one out."),
    check("ALT_SWAPPED", [WARN, BLOCK, BLOCK], HOUSE, "Change the names of the two files."),
    check("ALT_RATE", [WARN, BLOCK, WARN], HOUSE, "Print it again at the rate of the Main, in the same session."),
    check("ALT_CHANNELS", [WARN, BLOCK, WARN], HOUSE, "Print it with as many channels as the Main."),
    check("ALT_LENGTH", [WARN, BLOCK, WARN], ARCHIVE, "Print it from the same start to the same end as the Main."),
    check("ALT_OFFSET", [WARN, BLOCK, BLOCK], ARCHIVE, "Print it from the same start as the Main."),
    check("ALT_POLARITY", [WARN, BLOCK, BLOCK], HOUSE, "Turn its polarity."),
    check("ALT_DRIFT", [WARN, BLOCK, BLOCK], HOUSE, "Print it again in the session of the Main, without another clock or speed."),
    check("ALT_CUT", [WARN, BLOCK, BLOCK], HOUSE, "Make the same edit in the alternate as in the Main."),
    check("ALT_LEVEL", [WARN, BLOCK, WARN], HOUSE, "Print it with the fader of the bus where it was for the Main."),
    check("ALT_BUS_REACTED", [WARN, BLOCK, WARN], WING, "Print alternates with the compressor of the bus keyed by the full mix."),
    check("ALT_SUM", [WARN, BLOCK, WARN], HOUSE, "Print all parts from the same state of the session."),
    check("ALT_OLDER_MIX", [WARN, BLOCK, WARN], HOUSE, "Print the alternates again from the session of this Main."),
    check("ALT_VOICE_LEFT_IN", [WARN, BLOCK, WARN], ARCHIVE, "Mute every voice, its effects and its bleed, and print it again."),
    check("ALT_BAND_LEFT_IN", [WARN, BLOCK, WARN], ARCHIVE, "Solo the voices and their effects, and print it again."),
    check("ALT_LEAD_LEFT_IN", [WARN, BLOCK, WARN], ARCHIVE, "Mute the lead and its doubles, and print it again."),
    check("ALT_NOT_THE_VOICE", [WARN, BLOCK, WARN], RIDES, "Move the voice and nothing else, and print it again."),
    check("ALT_RIDE_OTHER", [WARN, BLOCK, WARN], RIDES, "Move the voice and nothing else, and print it again."),
    check("ALT_CLEAN_CHANGED", [WARN, BLOCK, WARN], ARCHIVE, "Take out the words and nothing else, and print it again."),
];

/// The code as this house writes it.
pub(super) fn known(code: &str) -> Option<&'static str> {
    CHECKS.iter().find(|check| check.code == code).map(|check| check.code)
}

/// Said by an examination of the alternates among each other.
pub(super) fn is_examined(code: &str) -> bool {
    code.starts_with("ALT_")
}

/// How grave this house takes a check; `None`: there is no such check of such a version.
pub(super) fn of_the_house(code: &str, kind: VersionKind) -> Option<Severity> {
    let column = KINDS.iter().position(|known| *known == kind)?;
    CHECKS.iter().find(|check| check.code == code).and_then(|check| check.house[column])
}

/// The check as it stands in the project, and whether the project set it.
pub(super) fn rule(project: &Project, code: &'static str, kind: VersionKind) -> (Rule, bool) {
    let known = CHECKS.iter().find(|check| check.code == code);
    let set = project.preflight.get(&(code.to_owned(), kind)).copied();
    let house = of_the_house(code, kind).unwrap_or(Severity::Warn);
    let rule = Rule {
        code,
        kind,
        severity: set.unwrap_or(house),
        of_the_house: set.is_none(),
        source: known.map_or(HOUSE, |check| check.source),
        mend: known.map_or("", |check| check.mend),
    };
    (rule, set.is_some())
}
