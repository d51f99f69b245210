//! Vocal up and vocal down: is it the voice that was moved, by how much really, and was anything else touched? Never here: who changed places.

use super::{
    Examination,
    Severity::{Block, Info, Warn},
    VocalDb,
    estimate::{fit, weighted_median},
    labels::share_of,
    ledger::{Blend, Cell},
    song::{Member, Song},
    words::{finding, worst_band},
};
use crate::math;

/// A ride further from its name than this is told loudly.
const MISNAMED_DB: f64 = 0.2;
/// The same where the figure is only about right.
const ABOUT_MISNAMED_DB: f64 = 0.3;
/// Cells count as explained where all but this share of what was moved is the voice.
const EXPLAINED: f64 = 0.02;
/// Explained cells must hold this share of the voice to speak for the whole.
const ENOUGH: f64 = 0.05;
/// A smaller share of what was moved is not the voice.
const VOICE_SHARE_MIN: f64 = 0.5;
/// Under it, what else was touched is no more than a lossy coder or a converter leaves.
const ELSE_DB: f64 = -40.0;
/// Fine cells in which all but this share (power) of the voice is explained tell a ride through a compressor; fewer cells tell nothing.
const CLEAR: f64 = 2e-3;
const CELLS_MIN: usize = 40;

pub struct Ride {
    pub real_db: f64,
    pub exact: bool,
    pub voice_share: Option<f64>,
    /// Level of the ride's own main against the main, linear.
    pub own: f64,
    /// Factor of the voice that was added.
    pub gain: f64,
    pub voice: Option<Blend>,
}

/// `reacted`: tokens of the files whose gain wanders; what is read through them is not exact.
pub fn rides(song: &Song<'_>, reacted: &[String], out: &mut Examination) {
    for member in song.members.iter().filter(|m| m.belongs) {
        let Some(named_db) = member.part.ride_db() else { continue };
        let spoiled = song.members.iter().any(|m| reacted.contains(&m.token));
        let ride = if spoiled { through_the_bus(song, member) } else { None }.or_else(|| ride(song, member));
        let Some(mut ride) = ride else { continue };
        ride.exact &= !spoiled;
        tell(song, member, named_db, &ride, out);
    }
}

fn tell(song: &Song<'_>, member: &Member, named_db: f64, ride: &Ride, out: &mut Examination) {
    let token = &member.token;
    out.vocal_db.push(VocalDb {
        token: token.clone(),
        named_db,
        real_db: ride.real_db,
        voice_share: ride.voice_share,
        exact: ride.exact,
    });
    if let Some(share) = ride.voice_share.filter(|s| *s < VOICE_SHARE_MIN) {
        let words = format!(
            "What {token} moved is not the voice: {:.0} % of it is in the a cappella.",
            100.0 * share
        );
        out.findings.push(finding("ALT_NOT_THE_VOICE", Block, &[token], (100.0 * share, "%"), words));
        return;
    }
    let about = if ride.exact { "" } else { "about " };
    let off = (ride.real_db - named_db).abs();
    let (severity, words) = if off > MISNAMED_DB {
        (
            Warn,
            format!(
                "{token} is really {about}{:+.2} dB: the voice was moved by that, not by {named_db:+.1} dB.",
                ride.real_db
            ),
        )
    } else {
        (Info, format!("{token} is really {about}{:+.2} dB.", ride.real_db))
    };
    let severity = if ride.exact || off > ABOUT_MISNAMED_DB { severity } else { Info };
    out.findings.push(finding("VOCAL_DB", severity, &[token], (ride.real_db, "dB"), words));
    touched(song, member, ride, out);
}

/// What a ride changed beside the voice.
fn touched(song: &Song<'_>, member: &Member, ride: &Ride, out: &mut Examination) {
    let Some(voice) = &ride.voice else { return };
    let main = &song.main().blend;
    // Explained by nothing: neither by the main, nor by any voice that is known.
    let rest = member.blend.and(-ride.own, main).and(-ride.gain, voice);
    let null = song.null(&rest, main);
    // Where only the lead was moved and the a cappella holds backing voices too, the rest is a voice still: under the voice it is no surprise.
    let moved = song.null(&song.apart(member, song.main()), main);
    if null.db > ELSE_DB && null.rest > 0.25 * moved.rest && share_of(song, &rest, voice) < VOICE_SHARE_MIN {
        let severity = if null.db > -12.0 { Block } else { Warn };
        let words = format!(
            "In {} something beside the voice changed: {:.1} dB under the main ({}).",
            member.token,
            -null.db,
            worst_band(song.ledger, &null)
        );
        out.findings.push(finding("ALT_RIDE_OTHER", severity, &[&member.token], (null.db, "dB"), words));
    }
}

/// What a ride really is. The voice is read from what is known best: what a TV mix leaves out is the lead alone; the a cappella; what an instrumental
/// leaves out. With none of them, from the main itself: a voice has little to do with its band, so what was moved stands in the main by 1/k.
pub fn ride(song: &Song<'_>, member: &Member) -> Option<Ride> {
    let main = song.main();
    let lead = song.tv().map(|tv| song.apart(main, tv));
    let voice = song.acappella().map(|a| a.blend.clone());
    let left_out = song.instrumental().map(|i| song.apart(main, i));
    let known: Vec<Blend> = [lead, voice, left_out].into_iter().flatten().collect();
    let mut best: Option<Ride> = None;
    let mut share: Option<f64> = None;
    for voice in &known {
        let Some(ride) = against(song, member, voice) else { continue };
        // Whichever voice it was, lead or all: what any of them explains is the voice.
        share = [share, ride.voice_share].into_iter().flatten().reduce(f64::max);
        if best.as_ref().is_none_or(|b| better(&ride, b)) {
            best = Some(ride);
        }
    }
    let best = best.map(|ride| Ride { voice_share: share, ..ride });
    best.or_else(|| from_the_main(song, member))
}

/// What is left in a part that should be without the voice makes the voice too small and the ride too great: of several exact answers the smallest is
/// right.
fn better(ride: &Ride, than: &Ride) -> bool {
    match (ride.exact, than.exact) {
        (true, true) => ride.real_db.abs() < than.real_db.abs(),
        (false, false) => ride.voice_share > than.voice_share,
        (exact, _) => exact,
    }
}

fn against(song: &Song<'_>, member: &Member, voice: &Blend) -> Option<Ride> {
    let grid = &song.ledger.coarse;
    let floors = song.books().floors(grid);
    let main = &song.main().blend;
    let cells = grid.view([&member.blend, main, voice]);
    let mut exact: Vec<(f64, f64)> = Vec::new();
    let mut owns: Vec<(f64, f64, bool)> = Vec::new();
    let (mut whole, mut explained) = (0.0, 0.0);
    for c in cells.iter().filter(|c| c.inner[2][2] > 100.0 * floors[c.band]) {
        let Some(f) = fit(c) else { continue };
        let weight = f.weight.sqrt();
        whole += weight;
        let moved = f.ride * f.ride * f.weight;
        if f.rest < EXPLAINED * moved {
            explained += weight;
            exact.push((f.ride / f.own, weight));
        }
        owns.push((f.own, weight, f.rest < EXPLAINED * moved));
    }
    let clear = explained > ENOUGH * whole;
    let mut owns: Vec<(f64, f64)> = owns.into_iter().filter(|o| o.2 || !clear).map(|o| (o.0, o.1)).collect();
    let own = weighted_median(&mut owns)?;
    let moved = member.blend.and(-own, main);
    let share = share_of(song, &moved, voice);
    if clear && let Some(k) = weighted_median(&mut exact) {
        return told(k, own, true, Some(share), Some(voice));
    }
    // The voice on what was moved: what the voice has more of (backing voices that stayed) is noise in the voice, and biases nothing.
    let inverse = song.books().trace(voice, &moved)?;
    if !inverse.sure() {
        return None;
    }
    told(1.0 / inverse.share / own, own, false, Some(share), Some(voice))
}

/// Where a compressor treated the files differently: each moment's gain of the a cappella is read from the main, and the ride beside it.
fn through_the_bus(song: &Song<'_>, member: &Member) -> Option<Ride> {
    let (i, a) = (song.instrumental()?, song.acappella()?);
    let main = &song.main().blend;
    let grid = &song.ledger.fine;
    let floors = song.books().floors(grid);
    let mut told_by: Vec<(f64, f64)> = Vec::new();
    let mut owns: Vec<(f64, f64)> = Vec::new();
    for c in grid.view([&member.blend, main, &a.blend, &i.blend]) {
        let [[uu, um, ua, _], [_, mm, ma, mi], [_, _, aa, ai], [.., ii]] = c.inner;
        let cell = |inner| Cell { time: c.time, band: c.band, inner };
        let rode = fit(&cell([[uu, um, ua], [um, mm, ma], [ua, ma, aa]]));
        let stands = fit(&cell([[mm, mi, ma], [mi, ii, ai], [ma, ai, aa]]));
        let (Some(rode), Some(stands)) = (rode, stands) else { continue };
        let clear = rode.rest.max(stands.rest) < CLEAR * aa;
        if clear && aa > 1000.0 * floors[c.band] && rode.own > 0.0 && stands.ride > 0.0 {
            let weight = rode.weight.min(stands.weight).sqrt();
            told_by.push((rode.ride / rode.own / stands.ride, weight));
            owns.push((rode.own, weight));
        }
    }
    if told_by.len() < CELLS_MIN {
        return None;
    }
    let (k, own) = (weighted_median(&mut told_by)?, weighted_median(&mut owns)?);
    let moved = member.blend.and(-own, main);
    told(k, own, false, Some(share_of(song, &moved, &a.blend)), None)
}

fn from_the_main(song: &Song<'_>, member: &Member) -> Option<Ride> {
    let main = &song.main().blend;
    let moved = member.blend.and(-1.0, main);
    let inverse = song.books().left_in(main, &moved)?;
    if !inverse.sure() {
        return None;
    }
    told(1.0 / inverse.share, 1.0, false, None, None)
}

fn told(k: f64, own: f64, exact: bool, voice_share: Option<f64>, voice: Option<&Blend>) -> Option<Ride> {
    let linear = 1.0 + k;
    // Less than nothing of a voice is a voice turned over: told as its size.
    (linear.abs() > 1e-3).then(|| Ride {
        real_db: math::decibels(linear.abs()),
        exact,
        voice_share,
        own,
        gain: k * own,
        voice: voice.cloned(),
    })
}
