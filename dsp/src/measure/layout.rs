//! What each channel weighs in a loudness, by the layout that its count stands for. Never here: signals.

/// The factor of a channel beside the listener, BS.1770-5 Annex 1 table 3.
const BESIDE: f64 = 1.41;

/// The weights of BS.1770-5 for sound of so many channels.
///
/// Annex 3 table 4: a channel whose azimuth is between 60 and 120 degrees and whose elevation is less than 30 degrees counts 1.41, every
/// other counts 1, an LFE 0. A file says how many channels it has and seldom which; they stand in the order of WAVE (the bits of its channel
/// mask), and the count stands for the layout that is made most:
///
/// | channels | layout | order |
/// |---|---|---|
/// | 1, 2, 3 | mono, stereo, 3.0 | L R C |
/// | 4 | quadro | L R Ls Rs |
/// | 5 | 5.0 | L R C Ls Rs |
/// | 6 | 5.1 | L R C LFE Ls Rs |
/// | 7 | 6.1 | L R C LFE Cs Ls Rs |
/// | 8 | 7.1 | L R C LFE Lb Rb Ls Rs |
/// | 10 | 5.1.4 | L R C LFE Ls Rs, Ltf Rtf Ltb Rtb |
/// | 12 | 7.1.4 | L R C LFE Lb Rb Ls Rs, Ltf Rtf Ltb Rtb |
///
/// Surrounds of 5.1 stand at 110 degrees and count 1.41; of 7.1 the sides (90 degrees) do and the backs (135 degrees) do not; channels above the
/// listener count 1. Any other count has no common layout: every channel counts 1.
pub fn channel_weights(channels: usize) -> Vec<f64> {
    let (beside, lfe): (&[usize], &[usize]) = match channels {
        4 => (&[2, 3], &[]),
        5 => (&[3, 4], &[]),
        6 | 10 => (&[4, 5], &[3]),
        7 => (&[5, 6], &[3]),
        8 | 12 => (&[6, 7], &[3]),
        _ => (&[], &[]),
    };
    let weight = |channel| match channel {
        c if lfe.contains(&c) => 0.0,
        c if beside.contains(&c) => BESIDE,
        _ => 1.0,
    };
    (0..channels).map(weight).collect()
}
