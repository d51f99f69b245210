//! `play`: files of this machine or of the studio, through the engine, to the loudspeaker or into a file. Never here: how sound is made or changed.

mod device;
mod script;
mod studio;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadwax_dsp::{DspError, Flow, write::Encoding};
use serde_json::{Value, json};

use self::script::Script;
use super::{Context, VerbError, offline, out::Bar, words};
use crate::{
    cli::{Play, WavArg},
    play::{
        AlbumItem, Channels, Deck, Engine, EngineOrder, FileSound, Level, Loaded, Monitor, Shape, Sound,
        Status, Track, TrackStatus, WavSink, tracks,
    },
    scrub,
};

/// How a file of the list lies on a record: silence before it and so on.
#[derive(Clone, Copy, Default)]
pub(super) struct Joint {
    gap_ms: u32,
    crossfade_ms: u32,
    fade_in_ms: u32,
    fade_out_ms: u32,
    trim_in_ms: u32,
    trim_out_ms: u32,
    shape: Shape,
    gain_db: f64,
}

/// A file to play, on this machine by now.
pub(super) struct Part {
    path: PathBuf,
    /// What the studio tells of it, instead of what the file says.
    track: Option<Track>,
    joint: Joint,
}

/// What is asked of the engine, in frames of the deck.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    from: u64,
    to: u64,
    times: u64,
    /// In their order.
    switches: Vec<u64>,
}

pub fn play(c: &Context, asked: &Play) -> Result<(), VerbError> {
    let level = Level::from_word(&asked.level).ok_or_else(|| {
        let names: Vec<&str> = crate::play::platform_facts().iter().map(|facts| facts.name).collect();
        VerbError::Usage(format!(
            "{:?} is no level; there are matched, as-is, {}",
            asked.level,
            names.join(", ")
        ))
    })?;
    let runtime = tokio::runtime::Runtime::new().map_err(VerbError::Out)?;
    if asked.files.is_empty() && asked.to.is_none() {
        let laid = in_time(&runtime, asked, studio::lay(c, asked))?;
        let plan = plan(asked, &laid.loaded)?;
        let (loaded, told) = laid.take_apart();
        let stop = offline::stop_flag()?;
        let ended = to_device(c, asked, level, Box::new(loaded), &plan, &stop, &runtime, Some(&told));
        drop(told);
        runtime.shutdown_background();
        return ended;
    }
    // What is fetched is gone again at the end.
    let folder = tempfile::tempdir().map_err(VerbError::Out)?;
    let parts = match asked.files.is_empty() {
        true => in_time(&runtime, asked, studio::parts(c, asked, folder.path()))?,
        false => asked.files.iter().map(Part::file).collect(),
    };
    let stop = offline::stop_flag()?;
    let loaded = load(asked, &parts, &stop)?;
    let plan = plan(asked, &loaded)?;
    let Some(target) = &asked.to else {
        return to_device(c, asked, level, Box::new(loaded), &plan, &stop, &runtime, None);
    };
    if parts.iter().any(|part| same_file(&part.path, target)) {
        let shown = scrub::line(&target.to_string_lossy());
        return Err(VerbError::Usage(format!("{shown} would be written over itself; name another file")));
    }
    to_file(c, asked, target, level, Box::new(loaded), &plan, &stop)
}

/// One sound that is there already, at its own level; nothing is asked of the studio.
pub(super) fn one(
    c: &Context,
    asked: &Play,
    rate: u32,
    sound: Arc<dyn Sound>,
    track: Track,
) -> Result<(), VerbError> {
    let deck = Deck::Side { tracks: vec![track], heard: 0 };
    let loaded = Loaded::new(deck, vec![sound], rate).map_err(|e| VerbError::Usage(e.to_string()))?;
    let plan = plan(asked, &loaded)?;
    let stop = offline::stop_flag()?;
    if let Some(target) = &asked.to {
        return to_file(c, asked, target, Level::AsIs, Box::new(loaded), &plan, &stop);
    }
    let runtime = tokio::runtime::Runtime::new().map_err(VerbError::Out)?;
    to_device(c, asked, Level::AsIs, Box::new(loaded), &plan, &stop, &runtime, None)
}

impl Part {
    fn file(path: impl Into<PathBuf>) -> Part {
        Part { path: path.into(), track: None, joint: Joint::default() }
    }
}

/// What is asked of the studio, unless it is stopped.
fn in_time<T>(
    runtime: &tokio::runtime::Runtime,
    asked: &Play,
    work: impl Future<Output = Result<T, VerbError>>,
) -> Result<T, VerbError> {
    let place = &asked.place;
    if asked.version.is_empty() && !asked.album && place.song.is_none() && place.project.is_none() {
        return Err(VerbError::Usage(
            "what is to be played? Name files, or --version, --song or --album".into(),
        ));
    }
    runtime.block_on(async {
        tokio::select! {
            done = Box::pin(work) => done,
            _ = tokio::signal::ctrl_c() => Err(VerbError::no("STOPPED", "Stopped; nothing was written.", "")),
        }
    })
}

/// Decodes all of them, to the rate of the first.
fn load(asked: &Play, parts: &[Part], stop: &Arc<AtomicBool>) -> Result<Loaded, VerbError> {
    let mut rate = None;
    let mut sounds: Vec<Arc<dyn Sound>> = Vec::new();
    let mut found: Vec<(Track, Joint)> = Vec::new();
    for part in parts {
        let bar = Bar::share(&part.path.file_name().unwrap_or_default().to_string_lossy());
        let opened = FileSound::open(&part.path, rate, &mut |share| {
            bar.step("reading", share);
            if stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Go }
        })
        .map_err(fault)?;
        rate = Some(opened.rate);
        sounds.push(opened.sound);
        found.push((part.track.clone().unwrap_or(opened.track), part.joint));
    }
    Loaded::new(deck(asked, found), sounds, rate.unwrap_or(0)).map_err(|e| VerbError::Usage(e.to_string()))
}

/// Side by side, or with their joints.
fn deck(asked: &Play, found: Vec<(Track, Joint)>) -> Deck {
    if !asked.album {
        return Deck::Side { tracks: found.into_iter().map(|(track, _)| track).collect(), heard: 0 };
    }
    let item = |(track, joint): (Track, Joint)| AlbumItem {
        track,
        gap_ms: joint.gap_ms,
        crossfade_ms: joint.crossfade_ms,
        fade_in_ms: joint.fade_in_ms,
        fade_out_ms: joint.fade_out_ms,
        trim_in_ms: joint.trim_in_ms,
        trim_out_ms: joint.trim_out_ms,
        shape: joint.shape,
        gain_db: joint.gain_db,
    };
    Deck::Album { items: found.into_iter().map(item).collect() }
}

fn plan(asked: &Play, loaded: &Loaded) -> Result<Plan, VerbError> {
    let frame = |text: &str| {
        let ms = words::parse_time(text)?;
        Ok::<u64, VerbError>((ms.saturating_mul(u64::from(loaded.rate())) + 500) / 1000)
    };
    let seconds = |frames: u64| words::clock(frames as f64 / f64::from(loaded.rate().max(1)));
    let length = seconds(loaded.frames());
    let from = asked.from.as_deref().map_or(Ok(0), frame)?;
    let to = asked.to_time.as_deref().map_or(Ok(loaded.frames()), frame)?.min(loaded.frames());
    if from >= to {
        let (from, to) = (seconds(from), seconds(to));
        return Err(VerbError::Usage(format!(
            "from {from} to {to} is nothing; what is to be played is {length} long"
        )));
    }
    let mut switches = asked.switch_at.iter().map(|text| frame(text)).collect::<Result<Vec<u64>, _>>()?;
    switches.sort_unstable();
    if !switches.is_empty() && tracks(loaded.deck()).count() < 2 {
        return Err(VerbError::Usage("--switch-at needs two files; name another".into()));
    }
    if let Some(out) = switches.iter().find(|at| !(from..to).contains(*at)) {
        let (at, from, to) = (seconds(*out), seconds(from), seconds(to));
        return Err(VerbError::Usage(format!(
            "--switch-at {at} lies outside of what is played; it goes from {from} to {to}"
        )));
    }
    Ok(Plan { from, to, times: u64::from(asked.times), switches })
}

/// The engine with all that was asked, at the first frame.
fn engine(mut engine: Engine, asked: &Play, level: Level, loaded: Box<Loaded>, plan: &Plan) -> Engine {
    let channels = match (asked.mono, asked.side) {
        (true, _) => Channels::Mono,
        (_, true) => Channels::Side,
        _ => Channels::Stereo,
    };
    let monitor = Monitor { channels, swap: asked.swap, dim: asked.dim };
    let looped = (plan.times > 1).then_some((plan.from, plan.to));
    for order in [
        EngineOrder::Level(level),
        EngineOrder::Monitor(monitor),
        EngineOrder::Load { loaded, at: plan.from, play: true },
        EngineOrder::Loop(looped),
    ] {
        drop(engine.order(order));
    }
    engine
}

/// Told at the end, or when it was stopped: stopping is how most listening ends.
#[expect(clippy::too_many_arguments, reason = "it is the last step, and each of them was made by another")]
fn to_device(
    c: &Context,
    asked: &Play,
    level: Level,
    loaded: Box<Loaded>,
    plan: &Plan,
    stop: &AtomicBool,
    runtime: &tokio::runtime::Runtime,
    studio: Option<&studio::Told>,
) -> Result<(), VerbError> {
    let told: Vec<Track> = tracks(loaded.deck()).cloned().collect();
    let script = Script::new(plan, told.len());
    let engine = engine(Engine::new(), asked, level, loaded, plan);
    for (track, now) in told.iter().zip(&engine.status().tracks) {
        let lufs = words::level(track.lufs);
        c.out.aside(&format!("{:+.1} dB  {lufs} LUFS  {}", now.gain_db, track.label));
    }
    let bar = Bar::share("playing");
    let mut played = runtime.block_on(device::play(engine, script, stop, &bar))?;
    drop(bar);
    if let Some(studio) = studio.filter(|_| played.audible) {
        let mut heard = Vec::new();
        played.engine.take_heard(&mut heard);
        runtime.block_on(studio.heard(&heard, played.engine.rate()))?;
    }
    let status = played.engine.status();
    let at_s = status.at as f64 / f64::from(status.rate.max(1));
    let unheard = if played.audible { "" } else { "; nobody could hear it" };
    let text = format!("{} through {}{unheard}", words::clock(at_s), played.output);
    let stopped = stop.load(Ordering::Relaxed);
    c.out.both(
        &text,
        &json!({
            "at_s": at_s, "stopped": stopped, "sample_rate": status.rate, "level": level.word(), "underruns": status.underruns,
            "output": played.output, "audible": played.audible, "tracks": rows(&told, &status),
        }),
    )
}

fn to_file(
    c: &Context,
    asked: &Play,
    target: &Path,
    level: Level,
    loaded: Box<Loaded>,
    plan: &Plan,
    stop: &AtomicBool,
) -> Result<(), VerbError> {
    let encoding = match asked.format {
        WavArg::Wav32f => Encoding::Wav32f,
        WavArg::Wav24 => Encoding::Wav24,
    };
    let rate = loaded.rate();
    let told: Vec<Track> = tracks(loaded.deck()).cloned().collect();
    let mut engine = engine(Engine::for_files(), asked, level, loaded, plan);
    let mut sink = WavSink::create(target, encoding, rate).map_err(fault)?;
    let total = (plan.to - plan.from).saturating_mul(plan.times);
    let bar = Bar::share(&target.file_name().unwrap_or_default().to_string_lossy());
    let before = engine.now().pulled;
    let mut turn = |engine: &mut Engine, ready: usize| {
        bar.step("writing", (engine.now().pulled - before) as f64 / total.max(1) as f64);
        if ready == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        if stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Go }
    };
    let count = told.len();
    for (n, at) in plan.switches.iter().enumerate() {
        let ahead = (at - plan.from).saturating_sub(sink.written());
        sink.write(&mut engine, ahead, &mut turn).map_err(fault)?;
        drop(engine.order(EngineOrder::Switch((n + 1) % count)));
    }
    let rest = total.saturating_sub(sink.written());
    sink.write(&mut engine, rest, &mut turn).map_err(fault)?;
    let frames = sink.written();
    let bytes = sink.finish().map_err(fault)?;
    drop(bar);
    tell(c, target, &engine, level, &told, frames, bytes)
}

fn tell(
    c: &Context,
    target: &Path,
    engine: &Engine,
    level: Level,
    told: &[Track],
    frames: u64,
    bytes: u64,
) -> Result<(), VerbError> {
    let status = engine.status();
    let seconds = frames as f64 / f64::from(status.rate.max(1));
    let mut text =
        format!("{}: {} at {} Hz, {}", target.display(), words::clock(seconds), status.rate, level.word());
    for (track, now) in told.iter().zip(&status.tracks) {
        let lufs = words::level(track.lufs);
        text += &format!("\n  {:+.1} dB  {lufs} LUFS  {}", now.gain_db, track.label);
    }
    c.out.both(
        &text,
        &json!({
            "file": target.to_string_lossy(), "sample_rate": status.rate, "frames": frames, "seconds": seconds, "bytes": bytes,
            "level": level.word(), "underruns": status.underruns, "tracks": rows(told, &status),
        }),
    )
}

fn rows(told: &[Track], status: &Status) -> Vec<Value> {
    let row = |(track, now): (&Track, &TrackStatus)| {
        json!({
            "label": track.label, "gain_db": now.gain_db, "lufs": track.lufs, "true_peak_dbtp": track.true_peak_dbtp,
            "sample_rate": track.sample_rate, "frames": track.frames,
        })
    };
    told.iter().zip(&status.tracks).map(row).collect()
}

fn fault(error: DspError) -> VerbError {
    match error {
        DspError::Stopped => VerbError::no("STOPPED", "Stopped; nothing was written.", ""),
        DspError::Invalid(what) => VerbError::Usage(what),
        other => VerbError::Input(other.to_string()),
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
