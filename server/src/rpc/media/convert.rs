//! Measured facts on the wire. Never here: IO.

use deadwax_domain::AudioFacts;
use deadwax_proto::v1;

/// The word under which a waveform is kept beside its blob.
pub(super) const WAVEFORM: &str = "waveform";

pub(super) fn facts(facts: &AudioFacts) -> v1::AudioFacts {
    v1::AudioFacts {
        container: facts.container.clone(),
        codec: facts.codec.clone(),
        sample_rate: facts.sample_rate_hz,
        channels: facts.channels,
        bits: facts.bits,
        float: facts.float,
        frames: facts.frames,
        bytes: facts.bytes,
        integrated_lufs: facts.integrated_lufs,
        loudness_range_lu: facts.loudness_range_lu,
        max_momentary_lufs: facts.max_momentary_lufs,
        max_short_term_lufs: facts.max_short_term_lufs,
        true_peak_dbtp: facts.true_peak_dbtp,
        sample_peak_dbfs: facts.sample_peak_dbfs,
        dc_offset: facts.dc_offset,
        correlation: facts.correlation,
        head_silence_s: facts.head_silence_s,
        tail_silence_s: facts.tail_silence_s,
        clipped_samples: facts.clipped_samples,
    }
}
