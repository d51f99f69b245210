//! How a running order is told: as a page for people, as an object that is read back. Never here: figures of its own, asking.

use deadwax_dsp::profile::{BANDS, Consistency};
use deadwax_proto::v1::{Spacing, SpacingItem, SpacingNote};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::beside::{self, Line};
use crate::{
    scrub,
    verbs::{
        dates,
        house::{House, short_id},
        json as row_json, words,
    },
};

const TITLE_COLUMNS: usize = 30;

fn clock(ms: u64) -> String {
    words::clock(ms as f64 / 1000.0)
}

/// The order with who approved it: what is approved, in full.
pub(super) fn order(house: &House, spacing: &Spacing) -> String {
    order_of(&beside::lines(house, &spacing.items), spacing)
}

fn order_of(lines: &[Line<'_>], spacing: &Spacing) -> String {
    let by = scrub::line(&spacing.by);
    let mut text = format!("Spacing {} by {by}, {}", spacing.number, dates::shown(spacing.at_ms));
    for (index, line) in lines.iter().enumerate() {
        let item = line.item;
        if index > 0 && item.begins_side {
            text += "\n  --- a side begins ---";
        }
        let title = scrub::cut(&line.title(), 50);
        let crossfade = item.crossfade_ms > 0;
        let before_ms = if crossfade { item.crossfade_ms } else { item.gap_ms };
        let mark = if crossfade { "x" } else { " " };
        let alone = SpacingItem { gap_ms: 0, crossfade_ms: 0, begins_side: false, ..item.clone() };
        let done = words::joined(&alone, true);
        let done = if done.is_empty() { done } else { format!(" ({done})") };
        text += &format!("\n {mark}{:>7.3} s  {}. {title}{done}", f64::from(before_ms) / 1000.0, index + 1);
    }
    for approval in &spacing.approvals {
        text += &format!(
            "\n  approved by {} as {} ({})",
            scrub::line(&approval.name),
            words::role(approval.role),
            words::approval_state(approval.state)
        );
    }
    text
}

/// All that is known of it.
pub(super) fn page(house: &House, spacing: &Spacing) -> String {
    let lines = beside::lines(house, &spacing.items);
    let mut text = order_of(&lines, spacing);
    let unknown = lines.iter().filter(|it| it.length_ms == 0).count();
    let without = match unknown {
        0 => String::new(),
        some => format!(", {some} of them without a measured file"),
    };
    text += &format!("\n  {} in all, {} songs{without}", clock(beside::run_ms(&lines)), lines.len());
    for (at, (from, to)) in beside::sides(&spacing.items).into_iter().enumerate() {
        let length = clock(beside::run_ms(&lines[from..to]));
        text += &format!("\n  side {}: songs {} to {to}, {length}", letter(at), from + 1);
    }
    for note in &spacing.notes {
        text += &said(note, &lines);
    }
    let table = beside::beside(&lines);
    if table.median_lufs.is_some() {
        text += &compared(&lines, &table);
    }
    text
}

/// A, B, ... Z, then none has a name.
fn letter(side: usize) -> char {
    u8::try_from(side).ok().filter(|it| *it < 26).map_or('?', |it| char::from(b'A' + it))
}

fn said(note: &SpacingNote, lines: &[Line<'_>]) -> String {
    let at = lines.iter().position(|it| it.item.song_id == note.song_id);
    let on = match at {
        Some(at) => format!("before {}. {}", at + 1, scrub::cut(&lines[at].title(), TITLE_COLUMNS)),
        None if note.song_id.is_empty() => "on the order".to_owned(),
        None => "before a song that is not in it".to_owned(),
    };
    let state = if note.closed { "closed" } else { "open" };
    let mut text = format!(
        "\n  note {} ({state}) {on}, {}, {}, of spacing {}:\n    {}",
        short_id(&note.note_id),
        scrub::line(&note.by),
        dates::shown(note.at_ms),
        note.number,
        scrub::block(&note.text).replace('\n', "\n    "),
    );
    if note.closed {
        let answer = scrub::block(&note.answer).replace('\n', "\n    ");
        let by = if note.closed_by.is_empty() { "somebody".to_owned() } else { scrub::line(&note.closed_by) };
        text +=
            &format!("\n    -> {by}: {}", if answer.is_empty() { "(no answer)" } else { answer.as_str() });
    }
    text
}

/// The songs beside each other, in 80 columns, and below it what stands out.
fn compared(lines: &[Line<'_>], table: &Consistency) -> String {
    let number = |it: Option<f64>| it.map_or_else(|| "-".to_owned(), |it| format!("{it:.1}"));
    // Nobody is less than nothing away.
    let told = |it: f64| if it.abs() < 0.05 { "0.0".to_owned() } else { format!("{it:+.1}") };
    let signed = |it: Option<f64>| it.map_or_else(|| "-".to_owned(), told);
    let mut text = format!(
        "\n  {:>3}  {:TITLE_COLUMNS$}{:>7}{:>8}{:>7}{:>7}{:>7}",
        "#", "song", "LUFS", "middle", "LRA", "dBTP", "step"
    );
    for (at, (line, it)) in lines.iter().zip(&table.songs).enumerate() {
        let title = scrub::cut(&line.title(), TITLE_COLUMNS - 1);
        let pad = " ".repeat(TITLE_COLUMNS.saturating_sub(title.width()));
        text += &format!(
            "\n  {:>3}  {title}{pad}{:>7}{:>8}{:>7}{:>7}{:>7}",
            at + 1,
            number(it.integrated_lufs),
            signed(it.from_median_lu),
            number(it.integrated_lufs.map(|_| it.range_lu)),
            number(it.true_peak_dbtp),
            signed(it.step_lu),
        );
        if let Some(bands) = &it.bands_db {
            let told: Vec<String> =
                BANDS.iter().zip(bands).map(|(name, db)| format!("{name} {}", signed(*db))).collect();
            text += &format!("\n       {}", told.join(", "));
        }
    }
    text += &format!(
        "\n  middle {} LUFS, {} LU from softest to loudest, highest {} dBTP",
        number(table.median_lufs),
        number(table.spread_lu),
        number(table.highest_true_peak_dbtp)
    );
    // No row carries a spectrum; the studio has it where it rendered the masters.
    if table.songs.iter().all(|it| it.bands_db.is_none()) && table.median_lufs.is_some() {
        text += "\n  balance in bands: `deadwax record plan` tells it, of masters rendered here";
    }
    for sentence in &table.outliers {
        text += &format!("\n  ! {sentence}");
    }
    text
}

/// What `set --file` reads back, and what follows from it.
pub(super) fn object(house: &House, spacing: &Spacing) -> Value {
    let lines = beside::lines(house, &spacing.items);
    let mut told = row_json::spacing(spacing);
    if let Some(items) = told.get_mut("items").and_then(Value::as_array_mut) {
        for (item, line) in items.iter_mut().zip(&lines) {
            item["song"] = json!(line.song.map(|it| it.title.as_str()));
        }
    }
    let sides = beside::sides(&spacing.items).into_iter().enumerate().map(|(at, (from, to))| {
        let length_ms = beside::run_ms(&lines[from..to]);
        json!({ "side": letter(at).to_string(), "from": from + 1, "to": to, "length_ms": length_ms })
    });
    told["sides"] = sides.collect();
    told["total_ms"] = json!(beside::run_ms(&lines));
    told["placed"] = lines
        .iter()
        .map(|it| {
            let version = it.version.map(|it| it.version_id.as_str());
            json!({ "song_id": it.item.song_id, "version_id": version, "start_ms": it.start_ms, "length_ms": it.length_ms })
        })
        .collect();
    told["consistency"] = serde_json::to_value(beside::beside(&lines)).unwrap_or_default();
    told
}
