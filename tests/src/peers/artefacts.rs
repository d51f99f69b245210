//! What limiters do to sounds that show it: tones 6 dB into the ceiling, two tones near the top, a soft tone under kicks, clicks. Never here: music.

use std::path::Path;

use anyhow::Result;
use deadwax_dsp::recipe::Recipe;

use super::{
    Setting,
    analyse::{decibels, dip_db, fit_tone, line},
    material::{kicks, tone},
    meter,
    table::{Bars, Table},
    tools::{self, OURS, Task},
    wav::{self, Sound},
    work,
};

const RATE: u32 = 44_100;
const SECONDS: f64 = 6.0;
const GAIN_DB: f64 = 12.0;
const CEILING_DBTP: f64 = -1.0;

/// What one limiter made of it.
struct Found {
    low_db: f64,
    middle_db: f64,
    difference_db: f64,
    twin_dbtp: f64,
    dip_db: f64,
    clicks_dbtp: f64,
}

/// Sits the tone's peak 6 dB over the ceiling after the gain.
fn size() -> f64 {
    10f64.powf((CEILING_DBTP + 6.0 - GAIN_DB) / 20.0)
}

fn steady(sound: &Sound) -> &[f64] {
    let rate = sound.rate as usize;
    let plane = &sound.channels[0];
    &plane[rate.min(plane.len())..(5 * rate).min(plane.len())]
}

fn look(limit: &mut dyn FnMut(&Sound) -> Result<Sound>) -> Result<Found> {
    let rate = f64::from(RATE);
    let mut made = |wave: Vec<f64>| limit(&Sound::stereo(RATE, wave));
    let mut thd_n = |hz: f64| -> Result<f64> {
        let out = made(tone(RATE, hz, size(), SECONDS, 0.0))?;
        Ok(fit_tone(steady(&out), rate, hz, 24.0).thd_n_db())
    };
    let (low_db, middle_db) = (thd_n(60.0)?, thd_n(997.0)?);
    let second = tone(RATE, 20_000.0, size() / 2.0, SECONDS, 0.0);
    let twin =
        tone(RATE, 19_000.0, size() / 2.0, SECONDS, 0.0).iter().zip(second).map(|(a, b)| a + b).collect();
    let twin = made(twin)?;
    let part = steady(&twin);
    let difference_db = decibels(line(part, rate, 1000.0) / line(part, rate, 19_000.0));
    let twin_dbtp = meter::measure(&twin).true_peak_dbtp;
    let soft = tone(RATE, 3000.0, 10f64.powf(-26.0 / 20.0), SECONDS, 0.0);
    let pumped = made(kicks(RATE, size(), SECONDS).iter().zip(soft).map(|(a, b)| a + b).collect())?;
    let mut clicks = vec![0.0; (SECONDS * rate) as usize];
    clicks.iter_mut().skip(RATE as usize / 2).step_by(RATE as usize / 2).for_each(|s| *s = size());
    let clicks_dbtp = meter::measure(&made(clicks)?).true_peak_dbtp;
    let dip_db = dip_db(steady(&pumped), rate, 3000.0);
    Ok(Found { low_db, middle_db, difference_db, twin_dbtp, dip_db, clicks_dbtp })
}

fn through(folder: &Path, sound: &Sound, act: impl FnOnce(&Path, &Path) -> Result<()>) -> Result<Sound> {
    let (input, output) = (folder.join("signal.wav"), folder.join("limited.wav"));
    wav::write_24(&input, sound)?;
    act(&input, &output)?;
    wav::read(&output)
}

pub fn tables(setting: &Setting, bars: &mut Bars) -> Result<Vec<Table>> {
    let head = [
        "",
        "60 Hz THD+N dB",
        "997 Hz THD+N dB",
        "19+20 kHz: 1 kHz dB",
        "its peak dBTP",
        "tone dip dB",
        "clicks dBTP",
    ];
    let about = "24-bit signals whose peak is 6 dB over a ceiling of -1 dBTP after 12 dB of gain. The dip is of a 3 kHz tone 20 dB under kicks.";
    let mut table = Table::new("What limiting does to the sound", about, &head);
    let text = format!("input_gain_db = {GAIN_DB:.1}\nceiling_dbtp = {CEILING_DBTP:.1}\n[limiter]\n");
    let folder = &setting.folder;
    let own = look(&mut |sound| {
        through(folder, sound, |input, output| work::master(input, output, Recipe::parse(&text)?).map(drop))
    })?;
    table.row(cells(&format!("{OURS}, the product's render"), &own));
    bars.at_most("60 Hz THD+N", own.low_db, -110.0, "dB");
    bars.at_most("997 Hz THD+N", own.middle_db, -130.0, "dB");
    bars.at_most("twin tone over the ceiling", own.twin_dbtp - CEILING_DBTP, 0.005, "dB");
    bars.at_least("twin tone under the ceiling", own.twin_dbtp - CEILING_DBTP, -0.15, "dB");
    bars.at_least("dip of a soft tone under kicks", own.dip_db, -5.0, "dB");
    bars.at_most("clicks over the ceiling", own.clicks_dbtp - CEILING_DBTP, 0.005, "dB");
    let streamed = look(&mut |sound| {
        through(folder, sound, |input, output| {
            let words = format!("limit {} {} {GAIN_DB} {CEILING_DBTP}", input.display(), output.display());
            super::process::run(&tools::own(&words)?).map(drop)
        })
    })?;
    table.row(cells(&format!("{OURS}, the limiter in one pass"), &streamed));
    let (present, absent) = setting.present(tools::LIMITING)?;
    for peer in &present {
        let found = look(&mut |sound| {
            through(folder, sound, |input, output| {
                let task = Task {
                    input,
                    output: output.to_owned(),
                    rate: RATE,
                    gain_db: GAIN_DB,
                    target_lufs: 0.0,
                    ceiling_dbtp: CEILING_DBTP,
                };
                (peer.act)(&task).map(drop)
            })
        })?;
        table.row(cells(peer.name, &found));
    }
    table.skipped(&absent);
    Ok(vec![table])
}

fn cells(name: &str, found: &Found) -> Vec<String> {
    vec![
        name.into(),
        format!("{:.1}", found.low_db),
        format!("{:.1}", found.middle_db),
        format!("{:.1}", found.difference_db),
        format!("{:+.3}", found.twin_dbtp),
        format!("{:.1}", found.dip_db),
        format!("{:+.3}", found.clicks_dbtp),
    ]
}
