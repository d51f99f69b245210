//! The files are laid beside the main and heard together, once, into the books. What headers and the first look tell (length, rate, start, polarity) is
//! said here. Never here: what the sounds mean to one another.

use std::path::{Path, PathBuf};

use super::{
    Examination, Laid, Part,
    Severity::{Block, Info, Warn},
    ledger::Ledger,
    sharpen::{Sharp, sharpen},
    strand::{Lie, Strand},
    words::{finding, moment},
};
use crate::{
    DspError, Flow, Source, Spec,
    compare::{TimeMap, align},
};

/// Less sure than this, and two files do not stand in one another.
const CONFIDENT: f64 = 0.2;
/// So sure, and the cross-spectra need not say the same.
const SURE: f64 = 0.6;
/// A place that was not found by search must stand out so far.
const BEYOND_DOUBT: f64 = 15.0;
/// A rest of a frame that is smaller is a matter of measuring.
const REST_MIN_FRAMES: f64 = 0.02;
/// Clocks that differ by more run apart by a frame in every few seconds.
const DRIFT_MAX_PPM: f64 = 3.0;
const JUMP_MIN_S: f64 = 0.0005;
/// Rates that are taken for one another, and how near a length must be to their ratio.
const RATES_HZ: [f64; 6] = [44_100.0, 48_000.0, 88_200.0, 96_000.0, 176_400.0, 192_000.0];
const RATIO_WITHIN: f64 = 1e-4;

/// A file that was heard: its strand in the books is its place in the list.
#[derive(Clone, Debug)]
pub struct Heard {
    pub token: String,
    pub part: Part,
    pub lossy: bool,
    /// It runs beside the main from beginning to end: what does not is told so, and not judged further.
    pub in_step: bool,
}

/// All that was heard; the main is the first.
pub struct Hearing {
    pub ledger: Ledger,
    pub heard: Vec<Heard>,
}

/// A file before it is heard.
struct Guest<'a> {
    token: &'a str,
    part: &'a Part,
    path: &'a Path,
    spec: Spec,
    /// Counted, at the file's own rate.
    frames: u64,
    lie: Lie,
    /// Its place was found beyond doubt.
    sure: bool,
    drift_ppm: f64,
    jumps: Vec<(f64, f64)>,
}

impl Guest<'_> {
    fn in_step(&self) -> bool {
        self.drift_ppm.abs() <= DRIFT_MAX_PPM && self.jumps.is_empty()
    }
}

/// `None` where there is nothing to hear together: no alternates, or only edits.
pub fn hear(
    main: &Path,
    alternates: &[(String, Part, PathBuf)],
    out: &mut Examination,
    progress: &mut dyn FnMut(f64) -> Flow,
) -> Result<Option<Hearing>, DspError> {
    let host = guest("main", &Part::Main, main)?;
    let asked: Vec<&(String, Part, PathBuf)> =
        alternates.iter().filter(|(_, part, _)| !matches!(part, Part::Edit)).collect();
    let mut guests = vec![host];
    for (token, part, path) in asked {
        guests.push(guest(token, part, path)?);
    }
    still(progress, 0.05)?;
    let Some((host, others)) = guests.split_first_mut() else { return Ok(None) };
    if others.is_empty() {
        return Ok(None);
    }
    let count = others.len() as f64;
    for (index, guest) in others.iter_mut().enumerate() {
        lay(host, guest, &mut |share| progress(0.05 + 0.5 * (index as f64 + share) / count))?;
    }
    sharpened(&mut guests)?;
    for index in 1..guests.len() {
        let (host, guest) = (&guests[0], &guests[index]);
        tell(host, guest, out);
    }
    let ledger = listen(&guests, &mut |share| still(progress, 0.7 + 0.3 * share))?;
    let heard = guests
        .iter()
        .map(|g| Heard {
            token: g.token.to_owned(),
            part: g.part.clone(),
            in_step: g.in_step(),
            lossy: matches!(g.spec.codec, "mp3" | "aac" | "vorbis" | "opus"),
        })
        .collect();
    Ok(Some(Hearing { ledger, heard }))
}

fn still(progress: &mut dyn FnMut(f64) -> Flow, fraction: f64) -> Result<(), DspError> {
    match progress(fraction) {
        Flow::Go => Ok(()),
        Flow::Stop => Err(DspError::Stopped),
    }
}

/// Opens a file; where the header does not state its length, counts it.
fn guest<'a>(token: &'a str, part: &'a Part, path: &'a Path) -> Result<Guest<'a>, DspError> {
    let mut source = Source::open(path)?;
    let spec = source.spec().clone();
    let frames = match spec.frames {
        Some(frames) if spec.codec == "pcm" => frames,
        _ => {
            let mut block = crate::Block::default();
            while source.read(&mut block, crate::decode::MAX_READ_FRAMES)? > 0 {}
            source.position()
        }
    };
    if frames == 0 {
        return Err(DspError::not_audio(path, "it holds no sound"));
    }
    Ok(Guest {
        token,
        part,
        path,
        spec,
        frames,
        lie: Lie::default(),
        sure: false,
        drift_ppm: 0.0,
        jumps: Vec::new(),
    })
}

/// Where a guest stands in the main. What cannot be laid beside it is heard from its first frame on: the books tell whether it is a stranger.
fn lay(
    main: &Guest<'_>,
    guest: &mut Guest<'_>,
    progress: &mut dyn FnMut(f64) -> Flow,
) -> Result<(), DspError> {
    let pair = align(main.path, guest.path, progress)?;
    let Some(found) = pair.alignment().filter(|a| a.confidence >= CONFIDENT) else { return Ok(()) };
    guest.sure = found.confidence >= SURE;
    let frames = found.offset_frames * f64::from(main.spec.sample_rate) / f64::from(found.rate);
    let whole = frames.round();
    let rest = frames - whole;
    let rest_frames = if rest.abs() < REST_MIN_FRAMES { 0.0 } else { rest };
    guest.lie = Lie { late_frames: whole as i64, rest_frames, inverted: found.inverted };
    guest.drift_ppm = found.drift_ppm;
    guest.jumps = jumps(&found.map);
    Ok(())
}

/// The places to a fraction of a frame, of all that run beside the main.
fn sharpened(guests: &mut [Guest<'_>]) -> Result<(), DspError> {
    let found = sharp_of(guests, |g| g.lie)?;
    // Where the search and the cross-spectra do not agree, the file may simply begin where the main begins: bare tones and loops look alike everywhere.
    let doubtful =
        |(g, s): (&Guest<'_>, &Sharp)| !s.all_through() && (g.lie != Lie::default() || !g.in_step());
    let plain = if guests[1..].iter().zip(&found).any(doubtful) {
        sharp_of(guests, |_| Lie::default())?
    } else {
        found.clone()
    };
    for ((guest, found), plain) in guests[1..].iter_mut().zip(found).zip(plain) {
        let better = !found.all_through()
            && plain.found()
            && plain.contrary <= found.contrary
            && plain.agreeing.max(1) >= found.agreeing;
        let sharp = if better { plain } else { found };
        // Over the whole song at one place: what looked like cuts or another clock was the band's own repetition.
        if sharp.all_through() || better {
            guest.drift_ppm = 0.0;
            guest.jumps.clear();
        }
        let known = guest.lie != Lie::default() || guest.sure;
        if sharp.found() && guest.in_step() && (known || sharp.stands_out > BEYOND_DOUBT) {
            guest.lie = sharp.lie;
        } else if !guest.sure && !sharp.found() {
            // Neither way of looking agrees with the other: it is left where its file begins, and the books tell whether it is a stranger.
            guest.lie = Lie::default();
            guest.drift_ppm = 0.0;
            guest.jumps.clear();
        }
    }
    Ok(())
}

fn sharp_of(guests: &[Guest<'_>], lie: fn(&Guest<'_>) -> Lie) -> Result<Vec<Sharp>, DspError> {
    let (rate, channels, total) = (guests[0].spec.sample_rate, guests[0].spec.channels, guests[0].frames);
    let window = Ledger::window_frames(rate);
    let mut strands = guests
        .iter()
        .map(|g| Strand::open(g.path, rate, channels, window, lie(g)))
        .collect::<Result<Vec<_>, _>>()?;
    sharpen(&mut strands, total, window)
}

/// Where the guest leaves its place: moments of the main, and by how much it jumps there, s.
fn jumps(map: &TimeMap) -> Vec<(f64, f64)> {
    let pieces = map.pieces.windows(2);
    pieces
        .map(|p| (p[1].a_s, (p[1].b_s - p[1].a_s) - (p[0].b_s - p[0].a_s)))
        .filter(|(_, by_s)| by_s.abs() > JUMP_MIN_S)
        .collect()
}

/// At the main's rate.
fn frames_at(guest: &Guest<'_>, rate: u32) -> u64 {
    let (from, to) = (u128::from(guest.spec.sample_rate), u128::from(rate));
    ((u128::from(guest.frames) * to + from / 2) / from) as u64
}

/// What lengths, rates, starts and polarity say.
fn tell(main: &Guest<'_>, guest: &Guest<'_>, out: &mut Examination) {
    shape(main, guest, out);
    placed(main, guest, out);
}

fn shape(main: &Guest<'_>, guest: &Guest<'_>, out: &mut Examination) {
    let rate = main.spec.sample_rate;
    let token = guest.token;
    let seconds = |frames: f64| frames / f64::from(rate);
    if guest.spec.sample_rate != rate {
        out.findings.push(finding(
            "ALT_RATE",
            Block,
            &[token],
            (f64::from(guest.spec.sample_rate), "Hz"),
            format!(
                "{token} is at {} Hz, its main at {rate} Hz: they cannot be cut together.",
                guest.spec.sample_rate
            ),
        ));
    }
    if guest.spec.channels != main.spec.channels {
        out.findings.push(finding(
            "ALT_CHANNELS",
            Warn,
            &[token],
            (guest.spec.channels as f64, "channels"),
            format!("{token} has {} channel(s), its main has {}.", guest.spec.channels, main.spec.channels),
        ));
    }
    let apart = frames_at(guest, rate) as i64 - main.frames as i64;
    // A resampled length may be rounded either way.
    let allowed = i64::from(guest.spec.sample_rate != rate);
    if apart.abs() > allowed {
        let way = if apart < 0 { "shorter" } else { "longer" };
        let size = apart.unsigned_abs() as f64;
        out.findings.push(finding(
            "ALT_LENGTH",
            Block,
            &[token],
            (apart as f64, "frames"),
            format!("{token} is {size:.0} frames ({:.3} s) {way} than its main.", seconds(size)),
        ));
    }
    if let Some(true_hz) = mislabelled(main, guest) {
        let words = format!(
            "{token} has the length of a {true_hz:.0} Hz file that is played at {} Hz: it was converted in name only, and sounds at another pitch.",
            guest.spec.sample_rate
        );
        out.findings.push(finding("ALT_RATE", Block, &[token], (true_hz, "Hz"), words));
    }
}

/// Where it begins, how it runs, which way up.
fn placed(main: &Guest<'_>, guest: &Guest<'_>, out: &mut Examination) {
    let (rate, token) = (main.spec.sample_rate, guest.token);
    let seconds = |frames: f64| frames / f64::from(rate);
    let late = guest.lie.late_frames as f64 + guest.lie.rest_frames;
    if guest.lie.late_frames != 0 {
        let way = if late < 0.0 { "before" } else { "after" };
        out.findings.push(finding(
            "ALT_OFFSET",
            Block,
            &[token],
            (late, "frames"),
            format!(
                "{token} begins {:.0} frames ({:.1} ms) {way} its main: put beside it, the two run apart.",
                late.abs(),
                1000.0 * seconds(late.abs())
            ),
        ));
    } else if guest.lie.rest_frames != 0.0 {
        out.findings.push(finding(
            "ALT_OFFSET",
            Info,
            &[token],
            (late, "frames"),
            format!(
                "{token} lies {:.2} of a frame beside its main, as after a trip through another clock.",
                late.abs()
            ),
        ));
    }
    runs_apart(rate, guest, out);
    if guest.lie.inverted {
        out.findings.push(finding(
            "ALT_POLARITY",
            Block,
            &[token],
            (180.0, "degrees"),
            format!("{token} has its polarity turned over: added to the other parts it takes away where it should add."),
        ));
    }
    out.laid.push(Laid {
        token: token.to_owned(),
        offset_frames: late,
        inverted: guest.lie.inverted,
        rate_hz: guest.spec.sample_rate,
        channels: guest.spec.channels,
        frames: guest.frames,
        level_db: None,
        of_this_song: true,
    });
}

/// A clock of its own, and cuts.
fn runs_apart(rate: u32, guest: &Guest<'_>, out: &mut Examination) {
    let token = guest.token;
    if guest.drift_ppm.abs() > DRIFT_MAX_PPM {
        let way = if guest.drift_ppm > 0.0 { "slower" } else { "faster" };
        let words = format!(
            "{token} runs {:.0} millionths {way} than its main: it was played through another clock, or its speed was changed.",
            guest.drift_ppm.abs()
        );
        out.findings.push(finding("ALT_DRIFT", Block, &[token], (guest.drift_ppm, "ppm"), words));
    }
    if let Some((at_s, by_s)) = guest.jumps.first() {
        let what = if *by_s > 0.0 { "more" } else { "less" };
        let words = format!(
            "{token} leaves its main at {}: from there it has {:.3} s {what} ({} such place(s)).",
            moment(*at_s),
            by_s.abs(),
            guest.jumps.len()
        );
        out.findings.push(finding("ALT_CUT", Block, &[token], (*by_s * f64::from(rate), "frames"), words));
    }
}

/// Every file in step with the main, window by window.
fn listen(
    guests: &[Guest<'_>],
    progress: &mut dyn FnMut(f64) -> Result<(), DspError>,
) -> Result<Ledger, DspError> {
    let (rate, channels) = (guests[0].spec.sample_rate, guests[0].spec.channels);
    let total = guests[0].frames;
    let present: Vec<std::ops::Range<u64>> = guests
        .iter()
        .map(|g| {
            let frames = frames_at(g, rate) as i64;
            let start = (-g.lie.late_frames).clamp(0, total as i64);
            let end = (frames - g.lie.late_frames).clamp(start, total as i64);
            start as u64..end as u64
        })
        .collect();
    let window = Ledger::window_frames(rate);
    let mut ledger = Ledger::new(rate, channels, &present)?;
    let mut strands = guests
        .iter()
        .map(|g| Strand::open(g.path, rate, channels, window, g.lie))
        .collect::<Result<Vec<_>, _>>()?;
    for strand in &mut strands {
        strand.advance(window)?;
    }
    let mut start = 0;
    loop {
        for (index, strand) in strands.iter().enumerate() {
            for (pair, planes) in strand.window.chunks(2).enumerate() {
                let right = planes.get(1).map(Vec::as_slice);
                ledger.hear(index, pair, &planes[0], right, strand.lie.rest_frames);
            }
        }
        ledger.close_hop();
        start += ledger.hop as u64;
        if start + window as u64 > total {
            break;
        }
        for strand in &mut strands {
            strand.advance(window / 2)?;
        }
        progress(start as f64 / total as f64)?;
    }
    ledger.finish();
    Ok(ledger)
}

/// The rate at which a guest would be as long as the main, where it is another usual one than its header says.
fn mislabelled(main: &Guest<'_>, guest: &Guest<'_>) -> Option<f64> {
    let seconds = |g: &Guest<'_>| g.frames as f64 / f64::from(g.spec.sample_rate);
    let fitting = guest.frames as f64 / seconds(main);
    let near = |hz: &f64| (fitting / hz - 1.0).abs() < RATIO_WITHIN;
    let same = (fitting / f64::from(guest.spec.sample_rate) - 1.0).abs() < 0.01;
    RATES_HZ.into_iter().find(near).filter(|_| !same)
}
