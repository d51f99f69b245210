//! What a file must be, as data: the profiles of `deadwax_dsp`, held against what the studio tells of a file. One set of rules for files on this
//! machine and for those. Never here: a rule, a limit, reading audio, printing, what alternates mean.

pub mod order;

pub use deadwax_dsp::profile::{
    Alternates, Found, Limits, Measured, Platform, Profile as Checks, media, one,
};
use deadwax_proto::v1::{AudioFacts, Remark};

/// The profiles that the rooms speak of, by name.
pub const SHIPPED: [&str; 2] = ["mix-handoff", "streaming"];

/// One of those that come along.
pub fn shipped(name: &str) -> Option<Checks> {
    parse(deadwax_dsp::profile::text(name)?).ok()
}

/// A profile's text; the error names the line.
pub fn parse(text: &str) -> Result<Checks, (usize, String)> {
    Checks::parse(text)
}

/// A file of the studio, as its row tells it. Whether both channels are the same is told by the studio's own preflight.
pub fn of_facts<'a>(name: &'a str, facts: &'a AudioFacts) -> Measured<'a> {
    let remark = |it: &Remark| Found {
        block: false,
        code: it.code.clone().into(),
        text: it.text.clone(),
        source: String::new(),
    };
    Measured {
        name: name.into(),
        container: &facts.container,
        codec: &facts.codec,
        sample_rate: facts.sample_rate,
        bits: Some(facts.bits).filter(|bits| *bits > 0),
        channels: facts.channels as usize,
        integrated_lufs: facts.integrated_lufs,
        true_peak_dbtp: facts.true_peak_dbtp,
        sample_peak_dbfs: facts.sample_peak_dbfs,
        clipped_samples: facts.clipped_samples,
        dc_offset: facts.dc_offset,
        correlation: facts.correlation,
        head_silence_s: facts.head_silence_s,
        tail_silence_s: facts.tail_silence_s,
        dual_mono: false,
        heard: facts.remarks.iter().map(remark).collect(),
    }
}
