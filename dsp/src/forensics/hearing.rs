//! The files are laid beside the main and heard together, once, into the books. What headers and the first look tell (length, rate, start, polarity) is
//! said here. Never here: what the sounds mean to one another.

use std::path::{Path, PathBuf};

use super::{
    Examination, Laid, Part,
    Severity::{Block, Info, Warn},
    ledger::Ledger,
    strand::{Lie, Strand},
    words::finding,
};
use crate::{DspError, Flow, Source, Spec};

/// A file that was heard: its strand in the books is its place in the list.
#[derive(Clone, Debug)]
pub struct Heard {
    pub token: String,
    pub part: Part,
    pub lossy: bool,
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
    for index in 1..guests.len() {
        guests[index].lie = lay(&guests[0], &guests[index])?;
        still(progress, 0.05 + 0.45 * index as f64 / guests.len() as f64)?;
    }
    for guest in &guests[1..] {
        tell(&guests[0], guest, out);
    }
    if guests.len() < 2 {
        return Ok(None);
    }
    let ledger = listen(&guests, &mut |share| still(progress, 0.5 + 0.5 * share))?;
    let heard = guests
        .iter()
        .map(|g| Heard {
            token: g.token.to_owned(),
            part: g.part.clone(),
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
    Ok(Guest { token, part, path, spec, frames, lie: Lie::default() })
}

fn lay(_main: &Guest<'_>, _guest: &Guest<'_>) -> Result<Lie, DspError> {
    Ok(Lie::default())
}

/// At the main's rate.
fn frames_at(guest: &Guest<'_>, rate: u32) -> u64 {
    let (from, to) = (u128::from(guest.spec.sample_rate), u128::from(rate));
    ((u128::from(guest.frames) * to + from / 2) / from) as u64
}

/// What lengths, rates, starts and polarity say.
fn tell(main: &Guest<'_>, guest: &Guest<'_>, out: &mut Examination) {
    let rate = main.spec.sample_rate;
    let token = guest.token;
    let seconds = |frames: f64| frames / f64::from(rate);
    if guest.spec.sample_rate != rate {
        out.findings.push(finding(
            "ALT_RATE",
            Block,
            &[token],
            (f64::from(guest.spec.sample_rate), "Hz"),
            format!("{token} is at {} Hz, its main at {rate} Hz: they cannot be cut together.", guest.spec.sample_rate),
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
    let apart = frames_at(guest, rate) as i64 - main_frames(main) as i64;
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
            format!("{token} lies {:.2} of a frame beside its main, as after a trip through another clock.", late.abs()),
        ));
    }
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

fn main_frames(main: &Guest<'_>) -> u64 {
    main.frames
}

/// Every file in step with the main, window by window.
fn listen(guests: &[Guest<'_>], progress: &mut dyn FnMut(f64) -> Result<(), DspError>) -> Result<Ledger, DspError> {
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
