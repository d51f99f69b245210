//! The peers: how each is called for a task, and the Debian package that has it. What is not installed is skipped by name. Never here: figures.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{
    process::{self, Cost, Line},
    wav::{self, Sound},
};

/// The chain of the speed table in words of ffmpeg; [`OUR_CHAIN`] is the same in ours.
const FFMPEG_CHAIN: &str = "highpass=f=28,equalizer=f=90:t=q:w=0.9:g=1.5,equalizer=f=300:t=q:w=1.1:g=-1.5,\
    equalizer=f=3200:t=q:w=1.2:g=1.2,equalizer=f=12000:t=q:w=0.7:g=1.8,\
    acompressor=threshold=-18dB:ratio=2:attack=20:release=200:makeup=1.5";
const FFMPEG_DESK: &str = "highpass=f=28,lowshelf=f=80:g=1,equalizer=f=300:t=q:w=1.1:g=-1.5,equalizer=f=900:t=q:w=1.4:g=-0.8,\
    equalizer=f=3200:t=q:w=1.2:g=1.2,equalizer=f=7000:t=q:w=2:g=-1,highshelf=f=12000:g=1.8,\
    mcompand=0.03\\,0.15 6 -60/-60\\,-24/-24\\,0/-12 120 | 0.02\\,0.2 6 -60/-60\\,-26/-26\\,0/-13 900 | \
    0.01\\,0.2 6 -60/-60\\,-30/-30\\,0/-15 5000 | 0.005\\,0.08 6 -60/-60\\,-34/-34\\,0/-17 20000,\
    deesser,extrastereo=m=1.1";
const ALIMITER: &str = "alimiter=limit=-1dB:level=false:attack=5:release=50";
pub const OUR_CHAIN: &str = r#"
[[eq]]
kind = "low-cut"
hz = 28.0
[[eq]]
kind = "bell"
hz = 90.0
q = 0.9
gain_db = 1.5
[[eq]]
kind = "bell"
hz = 300.0
q = 1.1
gain_db = -1.5
[[eq]]
kind = "bell"
hz = 3200.0
q = 1.2
gain_db = 1.2
[[eq]]
kind = "bell"
hz = 12000.0
q = 0.7
gain_db = 1.8
[compressor]
threshold_db = -18.0
ratio = 2.0
attack_ms = 20.0
release_ms = 200.0
makeup_db = 1.5
"#;
const SOXR: &str = "resampler=soxr:precision=28";

/// What a peer is asked to do.
#[derive(Clone, Debug)]
pub struct Task<'a> {
    pub input: &'a Path,
    pub output: PathBuf,
    pub rate: u32,
    /// Make-up before the limiter.
    pub gain_db: f64,
    pub target_lufs: f64,
    pub ceiling_dbtp: f64,
}

type Act = fn(&Task<'_>) -> Result<Cost>;

/// A program at one task.
#[derive(Clone)]
pub struct Peer {
    pub name: &'static str,
    /// Where to get it.
    pub package: &'static str,
    pub act: Act,
}

const fn peer(name: &'static str, package: &'static str, act: Act) -> Peer {
    Peer { name, package, act }
}

pub const OURS: &str = "**Deadwax**";

/// This program again, at a task of our own: see the module `work`.
pub fn own(words: &str) -> Result<Line> {
    Ok(Line::new(std::env::current_exe().context("finding this program")?).arg("work").words(words))
}

fn ffmpeg(task: &Task<'_>, filters: &str, codec: &str) -> Line {
    let line = Line::new("ffmpeg").words("-hide_banner -nostats -y -v error -i").arg(task.input);
    let line = line.arg("-af").arg(filters);
    if codec == "null" {
        return line.words("-f null -");
    }
    line.words(&format!("-ar {} -c:a {codec}", task.rate)).arg(&task.output)
}

fn cost(line: &Line) -> Result<Cost> {
    Ok(process::run(line)?.0)
}

fn filtered(task: &Task<'_>, filters: &str) -> Result<Cost> {
    cost(&ffmpeg(task, filters, "pcm_s24le"))
}

pub const MEASURING: &[Peer] = &[
    peer("ffmpeg ebur128=peak=true", "ffmpeg", |t| cost(&ffmpeg(t, "ebur128=peak=true", "null"))),
    peer("loudgain (libebur128)", "loudgain", |t| cost(&Line::new("loudgain").words("-q").arg(t.input))),
    peer("ebur128 (no true peak)", "ebumeter", |t| cost(&Line::new("ebur128").arg(t.input))),
    peer("crate ebur128, all modes", "", |t| cost(&own("ebur128")?.arg(t.input))),
];

pub const LIMITING: &[Peer] = &[
    peer("ffmpeg alimiter", "ffmpeg", |t| {
        let filters = format!("{},{}", volume(t.gain_db), alimiter(t.ceiling_dbtp));
        filtered(t, &filters)
    }),
    peer("ffmpeg alimiter in 4x soxr", "ffmpeg", |t| {
        let filters = format!("{},{}", volume(t.gain_db), fourfold(t.rate, t.ceiling_dbtp));
        filtered(t, &filters)
    }),
    peer("x42 dpl, true peak", "x42-plugins (LV2 in ffmpeg)", |t| {
        let dpl = "lv2=p=http\\\\://gareus.org/oss/lv2/dpl#stereo";
        filtered(
            t,
            &format!("{},{dpl}:c=threshold={}|truepeak=1|release=0.05", volume(t.gain_db), t.ceiling_dbtp),
        )
    }),
    peer("Calf limiter 4x", "calf-plugins (LV2 in ffmpeg)", |t| {
        let calf = "lv2=p=http\\\\://calf.sourceforge.net/plugins/Limiter";
        let limit = 10f64.powf(t.ceiling_dbtp / 20.0);
        let controls = format!("c=limit={limit:.6}|release=50|auto_level=0|oversampling=4");
        filtered(t, &format!("{},{calf}:{controls}", volume(t.gain_db)))
    }),
    peer("LSP limiter 8x", "lsp-plugins-lv2 (LV2 in ffmpeg)", |t| {
        let lsp = "lv2=p=http\\\\://lsp-plug.in/plugins/lv2/limiter_stereo";
        let limit = 10f64.powf(t.ceiling_dbtp / 20.0);
        let controls = format!("c=th={limit:.6}|ovs=20|boost=0|alr=0|lk=5|at=5|rt=20");
        filtered(t, &format!("{},{lsp}:{controls}", volume(t.gain_db)))
    }),
    peer("SWH 1913", "swh-plugins (LADSPA in ffmpeg)", |t| {
        let swh = "ladspa=f=fast_lookahead_limiter_1913:p=fastLookaheadLimiter";
        filtered(t, &format!("{},{swh}:c=c0=0|c1={}|c2=0.1", volume(t.gain_db), t.ceiling_dbtp))
    }),
    peer("sox gain -l", "sox", |t| {
        let gains = format!("gain -l {:.4} gain {}", t.gain_db - t.ceiling_dbtp, t.ceiling_dbtp);
        cost(&Line::new("sox").arg("-D").arg(t.input).words("-b 24").arg(&t.output).words(&gains))
    }),
];

/// These take the target itself.
pub const TARGETING: &[Peer] = &[
    peer("ffmpeg loudnorm, two passes", "ffmpeg", |t| two_passes(t, "")),
    peer("ffmpeg chain, loudnorm in two passes", "ffmpeg", |t| {
        two_passes(t, &format!("{FFMPEG_CHAIN},{ALIMITER},"))
    }),
];

pub const MASTERING: &[Peer] = &[
    peer("ffmpeg chain + loudnorm, two passes", "ffmpeg", |t| {
        two_passes(t, &format!("{FFMPEG_CHAIN},{ALIMITER},"))
    }),
    peer("ffmpeg chain + alimiter in 4x soxr (no target)", "ffmpeg", |t| {
        filtered(t, &format!("{FFMPEG_CHAIN},{}", fourfold(t.rate, t.ceiling_dbtp)))
    }),
    peer("ffmpeg chain + alimiter (no target, no true peak)", "ffmpeg", |t| {
        filtered(t, &format!("{FFMPEG_CHAIN},{ALIMITER}"))
    }),
    peer("sox chain (no target, no true peak)", "sox", |t| {
        let chain = "highpass 28 equalizer 90 0.9q 1.5 equalizer 300 1.1q -1.5 equalizer 3200 1.2q 1.2 \
            equalizer 12000 0.7q 1.8 compand 0.02,0.2 6:-70,-70,-18,-18,0,-9 1.5 -90 0.02 gain -l 1 gain -1";
        cost(&Line::new("sox").arg("-D").arg(t.input).words("-b 24").arg(&t.output).words(chain))
    }),
];

/// ffmpeg's chain, which is shorter than the desk, and the filters of ffmpeg that come nearest to the whole of it.
pub const DESKS: &[Peer] = &[
    peer("ffmpeg chain + alimiter (no target, no true peak)", "ffmpeg", |t| {
        filtered(t, &format!("{FFMPEG_CHAIN},{ALIMITER}"))
    }),
    peer("ffmpeg 7 bands, mcompand of 4, deesser, extrastereo, alimiter", "ffmpeg", |t| {
        filtered(t, &format!("{FFMPEG_DESK},{ALIMITER}"))
    }),
];

pub const RESAMPLING: &[Peer] = &[
    peer("ffmpeg soxr, precision 28", "ffmpeg (with libsoxr)", |t| {
        cost(&ffmpeg(t, &format!("aresample={}:{SOXR}", t.rate), "pcm_s24le"))
    }),
    peer("sox rate -v", "sox", |t| sox_rate(t, "-b 24", "-v")),
    peer("ffmpeg swr, its default", "ffmpeg", |t| {
        cost(&ffmpeg(t, &format!("aresample={}:resampler=swr", t.rate), "pcm_s24le"))
    }),
    peer("libsamplerate best", "samplerate-programs", |t| {
        let line = Line::new("sndfile-resample").words(&format!("-to {} -c 0 --no-normalize", t.rate));
        cost(&line.arg(t.input).arg(&t.output))
    }),
];

/// The same to 64-bit floats, to look below what 24 bits can show.
pub const RESAMPLING_EXACTLY: &[Peer] = &[
    peer("ffmpeg soxr, precision 28", "ffmpeg (with libsoxr)", |t| {
        cost(&ffmpeg(t, &format!("aresample={}:{SOXR}", t.rate), "pcm_f64le"))
    }),
    peer("sox rate -v", "sox", |t| sox_rate(t, "-e float -b 64", "-v")),
    peer("sox rate -v -M, minimum phase", "sox", |t| sox_rate(t, "-e float -b 64", "-v -M")),
    peer("ffmpeg swr, its default", "ffmpeg", |t| {
        cost(&ffmpeg(t, &format!("aresample={}:resampler=swr", t.rate), "pcm_f64le"))
    }),
];

pub const QUANTISING: &[Peer] = &[
    peer("ffmpeg, its default (none)", "ffmpeg", |t| cost(&ffmpeg(t, "anull", "pcm_s16le"))),
    peer("ffmpeg triangular", "ffmpeg", |t| {
        cost(&ffmpeg(t, "aresample=osf=s16:dither_method=triangular", "pcm_s16le"))
    }),
    peer("ffmpeg shibata", "ffmpeg", |t| {
        cost(&ffmpeg(t, "aresample=osf=s16:dither_method=shibata", "pcm_s16le"))
    }),
    peer("sox, its default", "sox", |t| cost(&Line::new("sox").arg(t.input).words("-b 16").arg(&t.output))),
    peer("sox dither -s", "sox", |t| {
        cost(&Line::new("sox").arg(t.input).words("-b 16").arg(&t.output).words("dither -s"))
    }),
];

pub const ENCODING: &[Peer] = &[
    peer("flac -8", "flac", |t| flac(t, "-8")),
    peer("flac -5", "flac", |t| flac(t, "-5")),
    peer("ffmpeg flac, level 8", "ffmpeg", |t| {
        let line = Line::new("ffmpeg").words("-hide_banner -nostats -y -v error -i").arg(t.input);
        cost(&line.words("-c:a flac -compression_level 8").arg(&t.output))
    }),
];

pub const DRAWING: &[Peer] = &[peer("ffmpeg showwavespic", "ffmpeg", |t| {
    let line = Line::new("ffmpeg").words("-hide_banner -nostats -y -v error -i").arg(t.input);
    cost(
        &line
            .words("-filter_complex showwavespic=s=1600x200 -frames:v 1")
            .arg(t.output.with_extension("png")),
    )
})];

/// Named so that nobody thinks they were forgotten.
pub const NEVER_RUN: &[(&str, &str)] = &[
    ("pedalboard", "a Python package; its figures, taken by hand, stand in docs/DSP.md"),
    ("matchering", "a Python package that matches a reference, not a target"),
    ("pyloudnorm", "a Python package"),
];

fn volume(gain_db: f64) -> String {
    format!("volume={gain_db}dB:precision=double")
}

fn alimiter(ceiling_dbtp: f64) -> String {
    format!("alimiter=limit={ceiling_dbtp}dB:level=false:attack=5:release=50")
}

fn fourfold(rate: u32, ceiling_dbtp: f64) -> String {
    format!("aresample={}:{SOXR},{},aresample={rate}:{SOXR}", 4 * rate, alimiter(ceiling_dbtp))
}

fn sox_rate(task: &Task<'_>, format: &str, quality: &str) -> Result<Cost> {
    let line = Line::new("sox").arg("-D").arg(task.input).words(format).arg(&task.output);
    cost(&line.words(&format!("rate {quality} {}", task.rate)))
}

fn flac(task: &Task<'_>, level: &str) -> Result<Cost> {
    cost(&Line::new("flac").words("-s -f").arg(level).arg(task.input).arg("-o").arg(&task.output))
}

/// loudnorm measures, then is told what it measured.
fn two_passes(task: &Task<'_>, before: &str) -> Result<Cost> {
    let Task { target_lufs, ceiling_dbtp, .. } = task;
    let wanted = format!("{before}loudnorm=I={target_lufs}:TP={ceiling_dbtp}:LRA=11");
    let line = Line::new("ffmpeg").words("-hide_banner -nostats -i").arg(task.input).arg("-af");
    let (first, said) = process::run(&line.arg(format!("{wanted}:print_format=json")).words("-f null -"))?;
    let json = said.rfind('{').zip(said.rfind('}')).map(|(from, to)| &said[from..=to]);
    let found: serde_json::Value = serde_json::from_str(json.context("loudnorm gave no figures")?)?;
    let figure = |name: &str| found[name].as_str().unwrap_or("0").to_owned();
    let told = format!(
        "{wanted}:measured_I={}:measured_TP={}:measured_LRA={}:measured_thresh={}:offset={}:linear=true",
        figure("input_i"),
        figure("input_tp"),
        figure("input_lra"),
        figure("input_thresh"),
        figure("target_offset")
    );
    Ok(first.and(filtered(task, &told)?))
}

/// Those of `peers` that can do their task here on a tenth of a second of sound, and the others.
pub fn present(peers: &[Peer], folder: &Path) -> Result<(Vec<Peer>, Vec<Peer>)> {
    let probe = folder.join("probe.wav");
    let wave = (0..22_050).map(|i| 0.25 * (f64::from(i) * 0.07).sin()).collect();
    wav::write_24(&probe, &Sound::stereo(44_100, wave))?;
    let task = |name: &str| Task {
        input: &probe,
        output: folder.join(format!("probe-out.{}", if name.contains("flac") { "flac" } else { "wav" })),
        rate: 44_100,
        gain_db: 1.0,
        target_lufs: -14.0,
        ceiling_dbtp: -1.0,
    };
    Ok(peers.iter().cloned().partition(|peer| (peer.act)(&task(peer.name)).is_ok()))
}
