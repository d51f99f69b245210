//! What is played when: intro, verse, chorus, bridge, last chorus, ending; 92 beats a minute, four to the bar. Only notes here, no synthesis.

use std::ops::Range;

use super::{
    RATE_HZ, Stem, Stems,
    instruments::{self as play, Noise, Sung},
};

const BEAT_S: f64 = 60.0 / 92.0;
const BAR_S: f64 = BEAT_S * 4.0;
/// Silence before the first note: a mastering engineer asks for a second or two.
const LEAD_IN_S: f64 = 1.2;
const BARS: usize = 24;
const TAIL_S: f64 = 3.0;
const BRIDGE_BAR: usize = 14;
const LAST_CHORUS_BARS: Range<usize> = 16..23;

/// Roots of the chords, two for each bar would hurry: one a bar. A minor, F, C, G; the bridge on D minor.
const ROOTS: [f64; 4] = [45.0, 41.0, 48.0, 43.0];
const BRIDGE_ROOTS: [f64; 4] = [50.0, 45.0, 41.0, 43.0];

/// The melody of the verse and of the chorus: (beat, length in beats, midi, vowel) over four bars.
const VERSE: [(f64, f64, f64, usize); 14] = [
    (0.5, 0.5, 64.0, 0),
    (1.0, 1.0, 67.0, 1),
    (2.0, 0.5, 69.0, 2),
    (2.5, 1.3, 67.0, 0),
    (4.5, 0.5, 65.0, 3),
    (5.0, 1.0, 69.0, 0),
    (6.0, 1.7, 67.0, 4),
    (8.5, 0.5, 64.0, 2),
    (9.0, 1.0, 67.0, 1),
    (10.0, 0.5, 72.0, 0),
    (10.5, 1.3, 71.0, 3),
    (12.5, 0.5, 67.0, 2),
    (13.0, 1.0, 69.0, 0),
    (14.0, 1.8, 62.0, 4),
];
const CHORUS: [(f64, f64, f64, usize); 12] = [
    (0.0, 1.5, 72.0, 0),
    (1.5, 0.5, 71.0, 1),
    (2.0, 1.8, 69.0, 0),
    (4.0, 1.5, 72.0, 3),
    (5.5, 0.5, 74.0, 2),
    (6.0, 1.8, 69.0, 0),
    (8.0, 1.5, 76.0, 0),
    (9.5, 0.5, 74.0, 1),
    (10.0, 1.8, 72.0, 3),
    (12.0, 1.0, 71.0, 2),
    (13.0, 1.0, 74.0, 0),
    (14.0, 1.9, 71.0, 0),
];

#[derive(Clone, Copy, PartialEq)]
enum Section {
    Intro,
    Verse,
    Chorus,
    Bridge,
    Ending,
}

fn section(bar: usize) -> Section {
    match bar {
        0..=1 => Section::Intro,
        2..=5 => Section::Verse,
        6..=13 if bar < 10 => Section::Chorus,
        10..=13 => Section::Verse,
        14..=15 => Section::Bridge,
        16..=22 => Section::Chorus,
        _ => Section::Ending,
    }
}

fn bar_start_s(bar: usize) -> f64 {
    LEAD_IN_S + bar as f64 * BAR_S
}

fn bar_frame(bar: usize) -> usize {
    (bar_start_s(bar) * f64::from(RATE_HZ)) as usize
}

pub fn bridge_frame() -> usize {
    bar_frame(BRIDGE_BAR)
}

/// Plays the whole song. Takes a second or two.
pub fn arrange() -> Stems {
    let frames = ((bar_start_s(BARS) + TAIL_S) * f64::from(RATE_HZ)) as usize;
    let silence = || vec![[0.0f32; 2]; frames];
    let mut stems = Stems {
        drums: silence(),
        bass: silence(),
        chords: silence(),
        guitar: silence(),
        lead: silence(),
        backing: silence(),
        last_chorus: bar_frame(LAST_CHORUS_BARS.start)..bar_frame(LAST_CHORUS_BARS.end),
    };
    let mut noise = Noise(0x00DE_AD3A_5EED_0001);
    for bar in 0..BARS {
        drums(&mut stems.drums, bar, &mut noise);
        harmony(&mut stems, bar, &mut noise);
    }
    voices(&mut stems, &mut noise);
    play::room(&mut stems.drums, 0.05, 0.72);
    play::room(&mut stems.guitar, 0.10, 0.80);
    play::room(&mut stems.lead, 0.12, 0.84);
    play::room(&mut stems.backing, 0.18, 0.86);
    for stem in [
        &mut stems.drums,
        &mut stems.bass,
        &mut stems.chords,
        &mut stems.guitar,
        &mut stems.lead,
        &mut stems.backing,
    ] {
        take_out_offset(stem);
        fade_tail(stem);
    }
    stems
}

/// Struck strings and rooms leave a constant behind: a first-order high-pass at 12 Hz takes it out.
fn take_out_offset(stem: &mut Stem) {
    let keep = (-std::f64::consts::TAU * 12.0 / f64::from(RATE_HZ)).exp() as f32;
    let (mut before, mut out) = ([0.0f32; 2], [0.0f32; 2]);
    for frame in stem.iter_mut() {
        for side in 0..2 {
            out[side] = keep * (out[side] + frame[side] - before[side]);
            before[side] = frame[side];
            frame[side] = out[side];
        }
    }
}

/// The room rings on past the last frame; half a second of fade ends the file in silence instead of a step.
fn fade_tail(stem: &mut Stem) {
    let fade = RATE_HZ as usize / 2;
    let start = stem.len() - fade;
    for (index, frame) in stem[start..].iter_mut().enumerate() {
        let gain = (1.0 - index as f32 / (fade - 1) as f32).powi(2);
        *frame = frame.map(|sample| sample * gain);
    }
}

fn drums(stem: &mut Stem, bar: usize, noise: &mut Noise) {
    let start = bar_start_s(bar);
    let part = section(bar);
    if part == Section::Ending {
        play::kick(stem, start, 0.55);
        return;
    }
    let beat = |beats: f64| start + beats * BEAT_S;
    for eighth in 0..8 {
        let level = if eighth % 2 == 0 { 0.05 } else { 0.032 };
        let open = part == Section::Chorus && eighth == 7;
        play::hat(stem, beat(f64::from(eighth) / 2.0), level, if open { 12.0 } else { 55.0 }, noise);
    }
    if part == Section::Intro {
        return;
    }
    let kicks: &[f64] = if part == Section::Chorus { &[0.0, 1.5, 2.0, 3.5] } else { &[0.0, 2.5] };
    kicks.iter().for_each(|at| play::kick(stem, beat(*at), 0.5));
    if part != Section::Bridge {
        play::snare(stem, beat(1.0), 0.3, noise);
        play::snare(stem, beat(3.0), 0.32, noise);
    }
    if bar % 4 == 1 && part == Section::Chorus {
        play::snare(stem, beat(3.75), 0.16, noise);
    }
}

fn harmony(stems: &mut Stems, bar: usize, noise: &mut Noise) {
    let start = bar_start_s(bar);
    let part = section(bar);
    let roots = if part == Section::Bridge { BRIDGE_ROOTS } else { ROOTS };
    let root = if part == Section::Ending { ROOTS[0] } else { roots[bar % 4] };
    let minor = [45.0, 50.0].contains(&root);
    let third = if minor { 3.0 } else { 4.0 };
    let length = if part == Section::Ending { BAR_S + TAIL_S - 0.6 } else { BAR_S + 0.3 };
    let lift = if part == Section::Chorus { 1.25 } else { 1.0 };
    for (tone, pan) in [(12.0, -0.3), (12.0 + third, 0.3), (19.0, 0.0)] {
        play::pad(&mut stems.chords, start, length, root + tone, pan, 0.085 * lift);
    }
    if part == Section::Intro {
        return;
    }
    if part == Section::Ending {
        play::bass(&mut stems.bass, start, BAR_S, root - 12.0, 0.22);
        return;
    }
    for (beat, beats) in [(0.0, 1.4), (1.5, 0.9), (2.5, 1.4)] {
        play::bass(&mut stems.bass, start + beat * BEAT_S, beats * BEAT_S, root - 12.0, 0.22);
    }
    for step in 0..8u32 {
        let tone = [0.0, 7.0, 12.0, 12.0 + third, 19.0, 12.0 + third, 12.0, 7.0][step as usize];
        let at = start + f64::from(step) * BEAT_S / 2.0;
        play::pluck(&mut stems.guitar, at, BEAT_S * 1.5, root + 12.0 + tone, 0.45, 0.26 * lift, noise);
    }
}

fn voices(stems: &mut Stems, noise: &mut Noise) {
    let mut sung_before = (64.0, 0);
    for phrase_bar in [2, 6, 10, 16, 20] {
        let part = section(phrase_bar);
        let melody: &[(f64, f64, f64, usize)] = if part == Section::Chorus { &CHORUS } else { &VERSE };
        for &(beat, beats, midi, vowel) in melody {
            let at_s = bar_start_s(phrase_bar) + beat * BEAT_S;
            if at_s + beats * BEAT_S > bar_start_s(23) {
                continue;
            }
            let note = Sung { at_s, seconds: beats * BEAT_S, midi, vowel };
            play::voice(&mut stems.lead, &note, sung_before, 0.0, 0.10, noise);
            sung_before = (midi, vowel);
            if part == Section::Chorus {
                for (interval, pan) in [(-3.0, -0.65), (-8.0, 0.65)] {
                    let harmony = Sung { midi: midi + interval, ..note };
                    play::voice(&mut stems.backing, &harmony, (midi + interval, vowel), pan, 0.042, noise);
                }
            }
        }
    }
}
