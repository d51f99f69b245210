//! Quality of 16-bit words: a tone of one step's height and a slow ramp, as 64-bit floats, through each quantiser. Never here: levels of music.

use std::path::Path;

use anyhow::Result;

use super::{
    Setting,
    analyse::{band_power, correlation, decibels, fit_tone, line},
    material::tone,
    process,
    table::{Bars, Table},
    tools::{self, OURS, Task},
    wav::{self, Sound},
};

const RATE: u32 = 44_100;
const TONE_HZ: f64 = 1000.0;

struct Found {
    /// Noise from 20 Hz to 20 kHz and from 200 Hz to 8 kHz against a full-scale sine.
    noise_db: f64,
    middle_db: f64,
    harmonic_db: f64,
    modulation_db: f64,
    correlation: f64,
}

fn look(seconds: f64, quantise: &mut dyn FnMut(&Sound) -> Result<Sound>) -> Result<Found> {
    let rate = f64::from(RATE);
    let wave = tone(RATE, TONE_HZ, 10f64.powf(-90.31 / 20.0), seconds, 0.0);
    let out = quantise(&Sound::stereo(RATE, wave.clone()))?;
    let n = out.frames().min(wave.len());
    let error =
        |c: usize| -> Vec<f64> { out.channels[c][..n].iter().zip(&wave).map(|(y, x)| y - x).collect() };
    let (left, right) = (error(0), error(1));
    let fit = fit_tone(&left, rate, TONE_HZ, 8.0);
    // What is left of the tone itself counts as level, not as noise.
    let without: f64 = fit.amplitude * fit.amplitude / 2.0;
    let noise = |from, to| 10.0 * (2.0 * (band_power(&left, rate, from, to) - without).max(1e-30)).log10();
    let harmonic =
        (2..20).map(|k| decibels(line(&left, rate, TONE_HZ * f64::from(k)))).fold(f64::MIN, f64::max);
    let frames = (seconds * rate) as usize;
    let ramp: Vec<f64> = (0..frames).map(|i| (i as f64 / frames as f64 * 4.0 - 2.0) / 32_768.0).collect();
    let out = quantise(&Sound::stereo(RATE, ramp.clone()))?;
    let rest: Vec<f64> = out.channels[0].iter().zip(&ramp).map(|(y, x)| y - x).collect();
    let spread: Vec<f64> = rest
        .chunks_exact(frames / 240)
        .map(|part| {
            let mean = part.iter().sum::<f64>() / part.len() as f64;
            part.iter().map(|e| (e - mean) * (e - mean)).sum::<f64>() / part.len() as f64
        })
        .collect();
    let (least, most) = spread.iter().fold((f64::MAX, 0.0f64), |(a, b), v| (a.min(*v), b.max(*v)));
    Ok(Found {
        noise_db: noise(20.0, 20_000.0),
        middle_db: noise(200.0, 8000.0),
        harmonic_db: harmonic,
        modulation_db: 10.0 * ((most + 1e-14) / (least + 1e-14)).log10(),
        correlation: correlation(&left, &right),
    })
}

fn through(folder: &Path, sound: &Sound, act: &dyn Fn(&Path, &Path) -> Result<()>) -> Result<Sound> {
    let (input, output) = (folder.join("fine.wav"), folder.join("coarse.wav"));
    wav::write_f64(&input, sound)?;
    act(&input, &output)?;
    wav::read(&output)
}

fn cells(name: &str, found: &Found) -> Vec<String> {
    vec![
        name.into(),
        format!("{:.1}", found.noise_db),
        format!("{:.1}", found.middle_db),
        format!("{:.1}", found.harmonic_db),
        format!("{:.1}", found.modulation_db),
        format!("{:+.2}", found.correlation),
    ]
}

pub fn tables(setting: &Setting, bars: &mut Bars) -> Result<Vec<Table>> {
    let head = [
        "",
        "noise 20-20k dB",
        "200-8k dB",
        "worst harmonic dB",
        "noise modulation dB",
        "left and right correlate",
    ];
    let about = "1 kHz at -90.31 dBFS (one step high) and a ramp over four steps, 64-bit floats to 16 bits; decibels of a full-scale sine.";
    let mut table = Table::new("16-bit words", about, &head);
    let seconds = if setting.quick { 10.0 } else { 30.0 };
    let own = look(seconds, &mut |sound| {
        through(&setting.folder, sound, &|input, output| {
            let words = format!("quantise {} {} 16", input.display(), output.display());
            process::run(&tools::own(&words)?).map(drop)
        })
    })?;
    table.row(cells(&format!("{OURS}, triangular"), &own));
    bars.at_most("16 bits, noise", own.noise_db, -93.7, "dB");
    bars.at_most(
        "16 bits, worst harmonic",
        own.harmonic_db,
        if setting.quick { -132.0 } else { -138.0 },
        "dB",
    );
    bars.at_most("16 bits, noise modulation", own.modulation_db, 1.0, "dB");
    bars.at_most("16 bits, correlation of the channels", own.correlation.abs(), 0.02, "");
    let (present, absent) = setting.present(tools::QUANTISING)?;
    for peer in &present {
        let found = look(seconds, &mut |sound| {
            through(&setting.folder, sound, &|input, output| {
                let output = output.to_owned();
                let (gain_db, target_lufs, ceiling_dbtp) = (0.0, 0.0, 0.0);
                (peer.act)(&Task { input, output, rate: RATE, gain_db, target_lufs, ceiling_dbtp }).map(drop)
            })
        })?;
        table.row(cells(peer.name, &found));
    }
    table.skipped(&absent);
    Ok(vec![table])
}
