//! What an inspection says to people: short sentences with their times, and how grave they are. The limits are of any delivery (a profile may ask
//! more); figures that only a profile can judge, such as loudness, have none here.

use serde::Serialize;

use super::{Events, Inspection, Origin, Relation, Stereo};

/// Quieter than this a first or last sample does not click.
const EDGE_SAMPLE_DBFS: f64 = -50.0;
const TAIL_DBFS: f64 = -60.0;
const DC_OFFSET_MAX: f64 = 0.001;
const BALANCE_MAX_DB: f64 = 1.0;
/// Fewer flat tops may be chance.
const FLAT_TOPS_MIN: u64 = 8;
/// A cut in the spectrum is told from here on.
const CONFIDENCE_MIN: f64 = 0.6;
/// A wall that no coder and no rate explains is told from here on; below it may be a sound's own.
const UNKNOWN_MIN_HZ: f64 = 10_000.0;
/// Bass out of phase for so much of the time is no passing effect.
const LOW_NEGATIVE_SHARE_MAX: f64 = 0.1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Listen to it, or know why.
    Warn,
    /// Not to be delivered so.
    Block,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// A stable name in capitals, such as CLIPPED.
    pub what: &'static str,
    /// Where to listen first, where there is such a place.
    pub at_s: Option<f64>,
    pub words: String,
}

impl Inspection {
    /// What a mastering engineer would be told, the gravest first, each kind once.
    pub fn findings(&self) -> Vec<Finding> {
        let mut told = Vec::new();
        levels(self, &mut told);
        edges(self, &mut told);
        channels(self, &mut told);
        if let Some(stereo) = &self.stereo {
            image(stereo, &mut told);
        }
        origin(self, &mut told);
        damage(self, &mut told);
        told.sort_by_key(|finding| finding.severity == Severity::Warn);
        told
    }
}

fn tell(told: &mut Vec<Finding>, severity: Severity, what: &'static str, at_s: Option<f64>, words: String) {
    told.push(Finding { severity, what, at_s, words });
}

fn levels(of: &Inspection, told: &mut Vec<Finding>) {
    if of.clips.count > 0 {
        // Float can be flat above it.
        let place = if of.clips.level_max_db.is_some_and(|db| db > 0.005) { "at or over" } else { "at" };
        let words = format!(
            "{} flat {place} full scale, {}.",
            times(&of.clips, "peak is", "peaks are"),
            first(&of.clips)
        );
        tell(told, Severity::Block, "CLIPPED", of.clips.first_s(), words);
    }
    if of.flat_tops.count >= FLAT_TOPS_MIN {
        let level = of.flat_tops.listed.first().map_or(0.0, |event| event.level_db);
        let words = format!(
            "{} cut flat at {level:.2} dBFS, {}: it looks clipped and then turned down.",
            times(&of.flat_tops, "peak is", "peaks are"),
            first(&of.flat_tops)
        );
        tell(told, Severity::Warn, "FLAT_TOPS", of.flat_tops.first_s(), words);
    }
    if of.overs.count > 0 {
        let words = format!(
            "{} over 0 dBTP, up to {:+.2} dBTP, {}.",
            times(&of.overs, "wave goes", "waves go"),
            of.overs.level_max_db.unwrap_or(0.0),
            first(&of.overs)
        );
        tell(told, Severity::Block, "OVERS", of.overs.first_s(), words);
    }
    let offset = of
        .channels
        .iter()
        .map(|channel| channel.dc_offset)
        .fold(0.0, |worst: f64, offset| if offset.abs() > worst.abs() { offset } else { worst });
    if offset.abs() > DC_OFFSET_MAX {
        let words =
            format!("A constant offset of {offset:.4} of full scale: a high-pass filter takes it away.");
        tell(told, Severity::Warn, "DC_OFFSET", None, words);
    }
}

fn edges(of: &Inspection, told: &mut Vec<Finding>) {
    let edges = &of.edges;
    if edges.first_sample_dbfs > EDGE_SAMPLE_DBFS {
        let words =
            format!("The first sample stands at {:.1} dBFS: the head is cut.", edges.first_sample_dbfs);
        tell(told, Severity::Block, "HEAD_CUT", Some(0.0), words);
    }
    let end = Some(of.seconds);
    if edges.last_sample_dbfs > EDGE_SAMPLE_DBFS {
        let words = format!("The last sample stands at {:.1} dBFS: the tail is cut.", edges.last_sample_dbfs);
        tell(told, Severity::Block, "TAIL_CUT", end, words);
    } else if edges.tail_dbfs > TAIL_DBFS {
        let words =
            format!("It ends at {:.1} dBFS: the tail is cut before it has died away.", edges.tail_dbfs);
        tell(told, Severity::Block, "TAIL_CUT", end, words);
    }
}

fn channels(of: &Inspection, told: &mut Vec<Finding>) {
    let silent: Vec<String> = of
        .channels
        .iter()
        .enumerate()
        .filter(|(_, channel)| channel.silent)
        .map(|(index, _)| (index + 1).to_string())
        .collect();
    if !silent.is_empty() && silent.len() == of.channels.len() {
        tell(told, Severity::Block, "SILENT", None, "There is nothing to hear in it.".into());
    } else if !silent.is_empty() {
        let words = format!("Nothing is on channel {}.", silent.join(", "));
        tell(told, Severity::Block, "SILENT_CHANNEL", None, words);
    }
}

fn image(stereo: &Stereo, told: &mut Vec<Finding>) {
    let warn = Severity::Warn;
    let mono = match stereo.relation {
        Relation::DualMono => Some("Both channels are the same: mono labelled stereo."),
        Relation::NearDualMono => Some("Both channels are all but the same: mono labelled stereo."),
        Relation::PannedMono => Some("Both channels are one signal at two levels: mono, off the middle."),
        _ => None,
    };
    if let Some(words) = mono {
        tell(told, warn, "DUAL_MONO", None, words.into());
    }
    if stereo.relation == Relation::InvertedDualMono {
        let words = "One channel is the other upside down: in mono nothing is left.";
        tell(told, Severity::Block, "INVERTED", None, words.into());
        return;
    }
    let full = &stereo.correlation;
    if full.whole < 0.0 {
        let words = format!(
            "Correlation {:.2}: the channels work against each other; one may be upside down.",
            full.whole
        );
        tell(told, warn, "CORRELATION", full.minimum_at_s, words);
    }
    let low = &stereo.low_correlation;
    if low.negative_share > LOW_NEGATIVE_SHARE_MAX {
        let words = format!(
            "Below 300 Hz the channels are out of phase for {:.0} % of the time: vinyl cannot hold it, mono loses it.",
            100.0 * low.negative_share
        );
        tell(told, warn, "LOW_CORRELATION", low.minimum_at_s, words);
    }
    if let Some(balance) = stereo.balance_db.filter(|balance| balance.abs() > BALANCE_MAX_DB) {
        let side = if balance > 0.0 { "left" } else { "right" };
        let words = format!("The {side} channel is {:.1} dB louder (RMS).", balance.abs());
        tell(told, warn, "BALANCE", None, words);
    }
}

fn origin(of: &Inspection, told: &mut Vec<Finding>) {
    let usual = of.channels.iter().filter(|c| !c.silent).map(|c| c.bits.usual).max().flatten();
    if let (Some(bits), Some(usual)) = (of.container_bits, usual)
        && usual < bits
    {
        let words = format!("{bits} bit by its header, but only {usual} bits live.");
        tell(told, Severity::Warn, "BITS", None, words);
    }
    // What is coded with loss is known to be; its cut says no more.
    let Some(cut) = of.cutoff.filter(|cut| cut.confidence >= CONFIDENCE_MIN && !of.coded_with_loss) else {
        return;
    };
    if cut.origin == Origin::Unknown && cut.hz < UNKNOWN_MIN_HZ {
        return;
    }
    let (khz, sure) = (cut.hz / 1000.0, 100.0 * cut.confidence);
    let (what, words) = match (cut.origin, cut.from_rate_hz) {
        (Origin::Upsampled, Some(rate)) => (
            "UPSAMPLED",
            format!("Nothing above {khz:.1} kHz: it looks converted up from {rate} Hz ({sure:.0} % sure)."),
        ),
        (Origin::Lossy, _) => (
            "LOSSY_SPECTRUM",
            format!(
                "Cut off as by a wall at {khz:.1} kHz: it looks decoded from a lossy file ({sure:.0} % sure)."
            ),
        ),
        _ => ("CUT_SPECTRUM", format!("Cut off as by a wall at {khz:.1} kHz ({sure:.0} % sure).")),
    };
    tell(told, Severity::Warn, what, None, words);
}

fn damage(of: &Inspection, told: &mut Vec<Finding>) {
    if of.clicks.count > 0 {
        let words = format!(
            "{} that may be clicks, {}.",
            times(&of.clicks, "impulse", "impulses"),
            first(&of.clicks)
        );
        tell(told, Severity::Warn, "CLICKS", of.clicks.first_s(), words);
    }
    if of.dropouts.count > 0 {
        let words = format!(
            "The sound breaks off for a moment {}, {}.",
            times(&of.dropouts, "time", "times"),
            first(&of.dropouts)
        );
        tell(told, Severity::Warn, "DROPOUTS", of.dropouts.first_s(), words);
    }
}

fn times(events: &Events, one: &str, many: &str) -> String {
    format!("{} {}", events.count, if events.count == 1 { one } else { many })
}

/// "at 1:02.345" or "the first at 1:02.345".
fn first(events: &Events) -> String {
    let at = clock(events.first_s().unwrap_or(0.0));
    if events.count == 1 { format!("at {at}") } else { format!("the first at {at}") }
}

fn clock(seconds: f64) -> String {
    let ms = (seconds * 1000.0).round() as u64;
    format!("{}:{:02}.{:03}", ms / 60_000, ms / 1000 % 60, ms % 1000)
}
