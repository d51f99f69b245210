//! Quality of sample-rate conversion: stepped tones through the pass band and beyond, two loud tones, one impulse; all in 64-bit floats.
//! Never here: speed.

use std::path::Path;

use anyhow::Result;

use super::{
    Setting,
    analyse::{decibels, fit_tone},
    material::tone,
    process,
    table::{Bars, Table},
    tools::{self, OURS, Task},
    wav::{self, Sound},
};

const STEP_S: f64 = 0.25;
/// Left out at both ends of a step, where it fades and the filter rings.
const GUARD_S: f64 = 0.07;
const LOUD_S: f64 = 2.0;

/// The steps for one pair of rates, in shares of half the lower rate: 0.907 is 20 kHz at 44.1 kHz.
struct Plan {
    from: u32,
    to: u32,
    steps_hz: Vec<f64>,
}

struct Found {
    ripple_db: f64,
    tenth_hz: f64,
    three_hz: f64,
    alias_db: f64,
    near_alias_db: f64,
    low_db: f64,
    high_db: f64,
    delay: i64,
    pre_ring_ms: f64,
}

impl Plan {
    fn new(from: u32, to: u32, quick: bool) -> Self {
        let half = f64::from(from.min(to)) / 2.0;
        let top = f64::from(from) / 2.0;
        let fine = if quick { 5.0 } else { 1.0 };
        let mut steps_hz: Vec<f64> = Vec::new();
        let pass = 30.0 / fine;
        steps_hz
            .extend((0..pass as usize).map(|k| 20.0 * (0.816 * half / 20.0).powf(k as f64 / (pass - 1.0))));
        let mut even = |from: f64, to: f64, step: f64| {
            let count = ((to.min(0.9985) - from) / step / fine).floor().max(0.0) as usize;
            steps_hz.extend((0..count).map(|k| half * (from + k as f64 * step * fine)));
        };
        even(0.825, 1.0, 0.0045);
        if top > half * 1.01 {
            let beyond = top / half;
            let mut even = |from: f64, to: f64, step: f64| {
                let count = ((to - from) / step / fine).floor().max(0.0) as usize;
                steps_hz.extend((0..count).map(|k| half * (from + k as f64 * step * fine)));
            };
            even(1.0023, beyond.min(1.093), 0.0023);
            even(1.0975, beyond * 0.999, 0.0113);
        }
        let steps_hz = steps_hz.into_iter().map(|hz| (hz * 8.0).round() / 8.0).collect();
        Plan { from, to, steps_hz }
    }

    fn signal(&self) -> Sound {
        let mut wave: Vec<f64> = Vec::new();
        for hz in &self.steps_hz {
            wave.extend(faded(tone(self.from, *hz, 0.5, STEP_S, 0.0), self.from));
        }
        let loud = 10f64.powf(-1.0 / 20.0);
        for hz in self.loud_hz() {
            wave.extend(faded(tone(self.from, hz, loud, LOUD_S, 0.0), self.from));
        }
        wave.resize(wave.len() + self.from as usize, 0.0);
        Sound::stereo(self.from, wave)
    }

    fn loud_hz(&self) -> [f64; 2] {
        let half = f64::from(self.from.min(self.to)) / 2.0;
        [(half * 0.0452).round(), (half * 0.4535).round()]
    }

    fn impulse(&self) -> Sound {
        let mut wave = vec![0.0; self.from as usize];
        wave[self.from as usize / 2] = 0.5;
        Sound::stereo(self.from, wave)
    }

    fn read(&self, steps: &Sound, impulse: &Sound) -> Found {
        let rate = f64::from(self.to);
        let half = f64::from(self.from.min(self.to)) / 2.0;
        let plane = &steps.channels[0];
        let part = |start: f64, seconds: f64| {
            let at = |t: f64| ((t * rate) as usize).min(plane.len());
            &plane[at(start + GUARD_S)..at(start + seconds - GUARD_S)]
        };
        let mut response = Vec::new();
        let (mut near, mut far) = (0.0f64, 0.0f64);
        for (k, hz) in self.steps_hz.iter().enumerate() {
            let part = part(k as f64 * STEP_S, STEP_S);
            let fit = fit_tone(part, rate, if *hz < half { *hz } else { 1.0 }, 20.0);
            if *hz < half {
                response.push((*hz, decibels(fit.amplitude / 0.5)));
                if self.to > self.from {
                    far = far.max(fit.rest * 2f64.sqrt() / 0.5);
                }
            } else if *hz > 1.0931 * half {
                far = far.max(fit.total * 2f64.sqrt() / 0.5);
            } else {
                near = near.max(fit.total * 2f64.sqrt() / 0.5);
            }
        }
        let pass = response.iter().filter(|(hz, _)| *hz <= 0.9071 * half).map(|(_, db)| *db);
        let middle = response.iter().find(|(hz, _)| *hz > 0.04 * half).map_or(0.0, |(_, db)| *db);
        let falls = |by: f64| {
            let found = response.iter().find(|(hz, db)| *hz > 0.1 * half && db - middle < -by);
            found.map_or(half, |(hz, _)| *hz)
        };
        let from = self.steps_hz.len() as f64 * STEP_S;
        let [low_hz, high_hz] = self.loud_hz();
        let loud = |hz: f64, start: f64| fit_tone(part(start, LOUD_S), rate, hz, 20.0).thd_n_db();
        let (delay, pre_ring_ms) = impulse_figures(&impulse.channels[0], rate);
        Found {
            ripple_db: pass.clone().fold(f64::MIN, f64::max) - pass.fold(f64::MAX, f64::min),
            tenth_hz: falls(0.1),
            three_hz: falls(3.0),
            alias_db: decibels(far),
            near_alias_db: decibels(near),
            low_db: loud(low_hz, from),
            high_db: loud(high_hz, from + LOUD_S),
            delay,
            pre_ring_ms,
        }
    }
}

/// Half a raised cosine of 50 ms at both ends.
fn faded(mut wave: Vec<f64>, rate: u32) -> Vec<f64> {
    let fade = (0.05 * f64::from(rate)) as usize;
    let n = wave.len();
    for i in 0..fade.min(n / 2) {
        let w = 0.5 - 0.5 * (std::f64::consts::PI * i as f64 / fade as f64).cos();
        wave[i] *= w;
        wave[n - 1 - i] *= w;
    }
    wave
}

/// Frames by which the impulse comes late, and how long it rings before within 60 dB.
fn impulse_figures(plane: &[f64], rate: f64) -> (i64, f64) {
    let size = |i: usize| plane[i].abs();
    let top = (0..plane.len()).max_by(|a, b| size(*a).total_cmp(&size(*b))).unwrap_or(0);
    let first = (0..top).find(|i| size(*i) > 1e-3 * size(top)).unwrap_or(top);
    (top as i64 - (rate / 2.0).round() as i64, (top - first) as f64 / rate * 1e3)
}

fn cells(name: &str, f: &Found) -> Vec<String> {
    vec![
        name.into(),
        format!("{:.5}", f.ripple_db),
        format!("{:.0}", f.tenth_hz),
        format!("{:.0}", f.three_hz),
        format!("{:.0}", f.alias_db),
        if f.near_alias_db < -290.0 { "-".into() } else { format!("{:.0}", f.near_alias_db) },
        format!("{:.0}", f.low_db),
        format!("{:.0}", f.high_db),
        f.delay.to_string(),
        format!("{:.2}", f.pre_ring_ms),
    ]
}

fn through(plan: &Plan, folder: &Path, act: &dyn Fn(&Path, &Path) -> Result<()>) -> Result<Found> {
    let output = folder.join("converted.wav");
    let convert = |name: &str, sound: &Sound| {
        let input = folder.join(name);
        wav::write_f64(&input, sound)?;
        act(&input, &output)?;
        wav::read(&output)
    };
    let steps = convert("steps.wav", &plan.signal())?;
    let impulse = convert("impulse.wav", &plan.impulse())?;
    Ok(plan.read(&steps, &impulse))
}

const PAIRS: [(u32, u32); 6] = [
    (96_000, 44_100),
    (48_000, 44_100),
    (192_000, 44_100),
    (96_000, 48_000),
    (44_100, 48_000),
    (44_100, 96_000),
];

pub fn tables(setting: &Setting, bars: &mut Bars) -> Result<Vec<Table>> {
    let head = [
        "",
        "ripple to 0.907 dB",
        "-0.1 dB Hz",
        "-3 dB Hz",
        "alias from 1.093 dB",
        "worst from 1 dB",
        "THD+N low dB",
        "high dB",
        "late, frames",
        "pre-ring ms",
    ];
    let about = "Tones at -6 dBFS, loud ones at -1; 64-bit floats in and out. Shares are of half the lower rate (20 kHz and 24.1 kHz for 44.1 kHz). \
        Where the rate goes up, the alias column is the worst image of any tone.";
    let mut table = Table::new("Sample-rate conversion", about, &head);
    let (present, absent) = setting.present(tools::RESAMPLING_EXACTLY)?;
    for (from, to) in if setting.quick { &PAIRS[..1] } else { &PAIRS[..] } {
        let plan = Plan::new(*from, *to, setting.quick);
        let own = through(&plan, &setting.folder, &|input, output| {
            let words = format!("resample {} {} {to}", input.display(), output.display());
            process::run(&tools::own(&words)?).map(drop)
        })?;
        table.row(cells(&format!("{OURS} {from} to {to}"), &own));
        bars.at_most(&format!("{from} to {to}, ripple"), own.ripple_db, 0.001, "dB");
        bars.at_most(&format!("{from} to {to}, alias"), own.alias_db, -180.0, "dB");
        let judged = (*from, *to) == PAIRS[0];
        for peer in present.iter().filter(|peer| judged || peer.name.contains("ffmpeg soxr")) {
            let found = through(&plan, &setting.folder, &|input, output| {
                let output = output.to_owned();
                let (gain_db, target_lufs, ceiling_dbtp) = (0.0, 0.0, 0.0);
                (peer.act)(&Task { input, output, rate: *to, gain_db, target_lufs, ceiling_dbtp }).map(drop)
            })?;
            table.row(cells(&format!("{} {from} to {to}", peer.name), &found));
        }
    }
    table.skipped(&absent);
    Ok(vec![table])
}
