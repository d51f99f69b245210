//! A small song, made from nothing: drums, bass, chords, a plucked guitar, a lead voice with formants and two background voices. Every mix is a
//! true sum of the same stems, so instrumental + a cappella = main, and vocal up differs from the main by the lead alone.
//! Deterministic: the same song on every machine. Never here: the studio's rules, files, the network.

mod arrangement;
mod instruments;

use std::ops::Range;

pub use arrangement::arrange;
use deadwax_dsp::Block;

pub const RATE_HZ: u32 = 48_000;

/// Stereo stems of equal length, in f32 (24 bits of mantissa are what a 24-bit file keeps).
#[derive(Default)]
pub struct Stems {
    pub drums: Stem,
    pub bass: Stem,
    pub chords: Stem,
    pub guitar: Stem,
    pub lead: Stem,
    pub backing: Stem,
    /// Frames of the last chorus: the place that the artist's note is about.
    pub last_chorus: Range<usize>,
}

impl Stems {
    pub fn frames(&self) -> usize {
        self.drums.len()
    }

    /// The song from the bridge on: a shorter song with the same last chorus, for tests. A second of silence stays in front.
    pub fn begun_at_the_bridge(mut self) -> Stems {
        let cut = arrangement::bridge_frame() - RATE_HZ as usize;
        let fade = RATE_HZ as usize / 100;
        for stem in [
            &mut self.drums,
            &mut self.bass,
            &mut self.chords,
            &mut self.guitar,
            &mut self.lead,
            &mut self.backing,
        ] {
            stem.drain(..cut);
            stem[..RATE_HZ as usize - fade].fill([0.0; 2]);
            for (index, frame) in stem[RATE_HZ as usize - fade..RATE_HZ as usize].iter_mut().enumerate() {
                *frame = frame.map(|sample| sample * index as f32 / fade as f32);
            }
        }
        self.last_chorus = self.last_chorus.start - cut..self.last_chorus.end - cut;
        self
    }
}

pub type Stem = Vec<[f32; 2]>;

/// What the mix engineer changes between versions.
#[derive(Clone, Copy, Debug)]
pub struct MixSettings {
    /// The lead in the last chorus, dB: what the artist's note asks for.
    pub lead_last_chorus_db: f64,
    pub drums_db: f64,
    pub bass_db: f64,
}

impl MixSettings {
    pub const FIRST: MixSettings = MixSettings { lead_last_chorus_db: -2.0, drums_db: 0.0, bass_db: 0.0 };
    pub const REVISED: MixSettings = MixSettings { lead_last_chorus_db: 0.0, drums_db: 0.0, bass_db: -0.5 };
}

/// The alternates a mix engineer prints, by their tokens on the wire.
pub const ALTERNATES: [&str; 6] =
    ["main", "vocal-up+1.0", "vocal-down-1.0", "instrumental", "tv", "a-cappella"];

/// The main fader: peaks end near -5 dBFS, where a mastering engineer asks for them.
const MAIN_FADER_DB: f64 = -4.5;

/// What is in one alternate: the level of each group, dB, or `None` where it is left out.
struct Groups {
    band: Option<f64>,
    lead: Option<f64>,
    backing: Option<f64>,
}

fn groups(alternate: &str) -> Groups {
    match alternate {
        "vocal-up+1.0" => Groups { band: Some(0.0), lead: Some(1.0), backing: Some(0.0) },
        "vocal-down-1.0" => Groups { band: Some(0.0), lead: Some(-1.0), backing: Some(0.0) },
        "instrumental" => Groups { band: Some(0.0), lead: None, backing: None },
        "tv" => Groups { band: Some(0.0), lead: None, backing: Some(0.0) },
        "a-cappella" => Groups { band: None, lead: Some(0.0), backing: Some(0.0) },
        _ => Groups { band: Some(0.0), lead: Some(0.0), backing: Some(0.0) },
    }
}

fn ratio(db: f64) -> f64 {
    10f64.powf(db / 20.0)
}

/// The stereo sum for one alternate, 2 channels x frames.
pub fn mix(stems: &Stems, settings: MixSettings, alternate: &str) -> Block {
    let groups = groups(alternate);
    let frames = stems.drums.len();
    let level = |group: Option<f64>, db: f64| group.map_or(0.0, |own| ratio(own + db + MAIN_FADER_DB));
    let (drums, bass) = (level(groups.band, settings.drums_db), level(groups.band, settings.bass_db));
    let (chords, guitar) = (level(groups.band, 0.0), level(groups.band, 0.0));
    let backing = level(groups.backing, 0.0);
    let (lead, lead_last) = (level(groups.lead, 0.0), level(groups.lead, settings.lead_last_chorus_db));
    let mut block = Block::new(2, frames);
    for frame in 0..frames {
        let lead = if stems.last_chorus.contains(&frame) { lead_last } else { lead };
        for side in 0..2 {
            let at = |stem: &Stem, gain: f64| f64::from(stem[frame][side]) * gain;
            block.channels[side][frame] = at(&stems.drums, drums)
                + at(&stems.bass, bass)
                + at(&stems.chords, chords)
                + at(&stems.guitar, guitar)
                + at(&stems.lead, lead)
                + at(&stems.backing, backing);
        }
    }
    block
}

/// The take: what the band played, without background voices.
pub fn take(stems: &Stems) -> Block {
    let mut block = mix(stems, MixSettings::FIRST, "main");
    for frame in 0..block.frames() {
        for side in 0..2 {
            block.channels[side][frame] = (block.channels[side][frame]
                - f64::from(stems.backing[frame][side]) * ratio(MAIN_FADER_DB))
                * 0.8;
        }
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instrumental_and_a_cappella_sum_to_the_main() {
        let stems = arrange();
        let [main, inst, acap] =
            ["main", "instrumental", "a-cappella"].map(|name| mix(&stems, MixSettings::REVISED, name));
        let worst = (0..2)
            .flat_map(|side| (0..main.frames()).map(move |frame| (side, frame)))
            .map(|(side, frame)| {
                (main.channels[side][frame] - inst.channels[side][frame] - acap.channels[side][frame]).abs()
            })
            .fold(0.0, f64::max);
        assert!(worst < 1e-12, "residual {worst}");
    }

    #[test]
    fn the_song_is_a_minute_long_and_leaves_headroom() {
        let stems = arrange();
        let main = mix(&stems, MixSettings::FIRST, "main");
        let peak = main.channels.iter().flatten().fold(0.0f64, |peak, sample| peak.max(sample.abs()));
        assert!(main.frames() >= 60 * RATE_HZ as usize);
        assert!(
            (0.3..0.71).contains(&peak),
            "peaks between -10 and -3 dBFS as a mastering engineer asks: {peak}"
        );
        let vocal_up = mix(&stems, MixSettings::FIRST, "vocal-up+1.0");
        assert_ne!(main, vocal_up);
    }
}
