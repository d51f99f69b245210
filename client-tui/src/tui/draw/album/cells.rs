//! What stands in one cell of the record's tables: joints, trims, fades, gains, bars. Bars are read without colour.

use crate::{
    play::Shape,
    tui::{album::Placing, words},
};

/// A, B, ... Z, then none has a name.
pub(super) fn letter(side: usize) -> char {
    u8::try_from(side).ok().filter(|it| *it < 26).map_or('?', |it| char::from(b'A' + it))
}

/// "gap 2.0 s", "over 0.5 s"
pub(super) fn before(at: usize, it: &Placing) -> String {
    let seconds = |ms: u32| {
        let places = if ms.is_multiple_of(100) { 1 } else { 2 };
        format!("{:.places$} s", f64::from(ms) / 1000.0)
    };
    match (at, it.crossfade_ms) {
        (0, _) if it.hidden => "pre-gap".into(),
        (0, _) => "–".into(),
        (_, 0) => format!("gap {}", seconds(it.gap_ms)),
        (_, ms) => format!("over {}", seconds(ms)),
    }
}

/// "–", ".25", "1.5", "12.5": a time in few columns.
fn short(ms: u32) -> String {
    match ms {
        0 => "–".to_owned(),
        1..1_000 => format!("{}", f64::from(ms) / 1000.0).trim_start_matches('0').to_owned(),
        1_000..10_000 => format!("{}", (f64::from(ms) / 10.0).round() / 100.0),
        10_000..100_000 => format!("{}", (f64::from(ms) / 100.0).round() / 10.0),
        _ => format!("{:.0}", f64::from(ms) / 1000.0),
    }
}

/// "0.5›8.0 exp": in, out, shape.
pub(super) fn fades(it: &Placing) -> String {
    if it.fade_in_ms == 0 && it.fade_out_ms == 0 {
        let whole = match it.shape {
            Shape::EqualPower => "equal power",
            Shape::Linear => "linear",
            Shape::Exponential => "exponential",
        };
        return if it.crossfade_ms == 0 { "–".into() } else { whole.into() };
    }
    let shape = match it.shape {
        Shape::EqualPower => "",
        Shape::Linear => " lin",
        Shape::Exponential => " exp",
    };
    format!("{}›{}{shape}", short(it.fade_in_ms), short(it.fade_out_ms))
}

/// ".25|1.5": what is cut from head and tail.
pub(super) fn trims(it: &Placing) -> String {
    if it.is_trimmed() { format!("{}|{}", short(it.trim_in_ms), short(it.trim_out_ms)) } else { "–".into() }
}

/// The length of what is left, with a stroke where something is cut: "|3:22.5|".
pub(super) fn length(ms: u64, it: &Placing) -> String {
    let stroke = |cut: u32| if cut > 0 { "|" } else { "" };
    match ms {
        0 => "–".into(),
        ms => format!("{}{}{}", stroke(it.trim_in_ms), words::clock(ms, true), stroke(it.trim_out_ms)),
    }
}

pub(super) fn gain(it: &Placing) -> String {
    if it.gain_cb == 0 { "–".into() } else { format!("{:+.1} dB", it.gain_db()) }
}

/// "█████░░░": of the whole.
pub(super) fn meter(share: f64, columns: usize) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let full = (share * columns as f64).round() as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(columns.saturating_sub(full)))
}

/// A bar from the middle to the left or to the right, 6 LU at most: "   ██│     ". An arrow where it goes on.
pub(super) fn lean(by_lu: f64, reach: usize) -> String {
    let cells = (by_lu.clamp(-60.0, 60.0) / 6.0 * reach as f64).round();
    let (beyond, cells) = (cells.abs() > reach as f64, (cells.abs() as usize).min(reach));
    let mut bar = "█".repeat(cells);
    if by_lu < 0.0 {
        if beyond {
            bar = format!("◂{}", "█".repeat(cells.saturating_sub(1)));
        }
        format!("{}{bar}│{}", " ".repeat(reach - cells), " ".repeat(reach))
    } else {
        if beyond {
            bar = format!("{}▸", "█".repeat(cells.saturating_sub(1)));
        }
        format!("{}│{bar}{}", " ".repeat(reach), " ".repeat(reach - cells))
    }
}
