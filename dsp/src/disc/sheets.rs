//! The same disc as text: a cue sheet, a TOC file for cdrdao, a PQ sheet for people. Never here: anything that the records of the set do not say too.

use std::fmt::Write as _;

use super::{Disc, DiscTrack, PAUSE_SECTORS, clock, latin};
use crate::codes;

/// A cue sheet for an image beside it. Times are those of the file, as cue2ddp's own `IMAGE.cue` has them ((RE) 9): the file begins with the pause of track 1,
/// which is index 0. A program that puts a pause of two seconds before the file makes that pause longer by them; a DDP-compatible set or [`toc`] does not.
///
/// UTF-8 without a byte-order mark. A sheet knows no quote within a quoted text: `"` becomes `'`. Some readers take a backslash for an escape, so that it
/// would swallow the end of a title: it becomes `/`. Control characters become spaces, empty texts have no line.
pub fn cue(disc: &Disc, bin_name: &str) -> String {
    let mut sheet = String::new();
    if let Some(code) = codes::ean_13(&disc.upc) {
        line(&mut sheet, format_args!("CATALOG {code}"));
    }
    titles(&mut sheet, "", &disc.title, &disc.performer);
    // Raw sound of a BINARY file is little-endian; MOTOROLA would be the other order.
    let kind = if is_wave(bin_name) { "WAVE" } else { "BINARY" };
    line(&mut sheet, format_args!("FILE \"{}\" {kind}", quoted(bin_name)));
    for (number, track) in (1..).zip(&disc.tracks) {
        line(&mut sheet, format_args!("  TRACK {number:02} AUDIO"));
        titles(&mut sheet, "    ", &track.title, &disc.performer_of(track));
        if let Some(code) = codes::isrc(&track.isrc) {
            line(&mut sheet, format_args!("    ISRC {code}"));
        }
        let flags = flags(track, "DCP", "PRE");
        if !flags.is_empty() {
            line(&mut sheet, format_args!("    FLAGS {flags}"));
        }
        if let Some(index0) = track.index0 {
            line(&mut sheet, format_args!("    INDEX 00 {}", clock(index0)));
        }
        line(&mut sheet, format_args!("    INDEX 01 {}", clock(track.index1)));
    }
    sheet
}

/// A TOC file for cdrdao, which writes a disc with the same times as the set: cdrdao makes the first two seconds itself, so the sound is taken from the
/// image's 00:02:00 on. cdrdao takes raw sound for big-endian; `SWAP` says that this is not. Texts are ISO 8859-1, other bytes than ASCII as octal numbers.
pub fn toc(disc: &Disc, image_name: &str) -> String {
    let mut sheet = String::from("CD_DA\n");
    if let Some(code) = codes::ean_13(&disc.upc) {
        line(&mut sheet, format_args!("CATALOG \"{code}\""));
    }
    let has_titles = !disc.title.is_empty() || disc.tracks.iter().any(|track| !track.title.is_empty());
    let has_performers =
        !disc.performer.is_empty() || disc.tracks.iter().any(|track| !track.performer.is_empty());
    let text = |title: &str, performer: &str| {
        // What one track has, the disc and all tracks have to have, if only empty.
        let title = has_titles.then(|| format!("    TITLE \"{}\"\n", escaped(title)));
        let performer = has_performers.then(|| format!("    PERFORMER \"{}\"\n", escaped(performer)));
        format!("  LANGUAGE 0 {{\n{}{}  }}\n}}\n", title.unwrap_or_default(), performer.unwrap_or_default())
    };
    if has_titles || has_performers {
        sheet += "CD_TEXT {\n  LANGUAGE_MAP { 0 : EN }\n";
        sheet += &text(&disc.title, &disc.performer);
    }
    let order = if is_wave(image_name) { "" } else { "SWAP " };
    for (at, track) in disc.tracks.iter().enumerate() {
        sheet += "\nTRACK AUDIO\n";
        sheet += if track.copy_permitted { "COPY\n" } else { "NO COPY\n" };
        sheet += if track.pre_emphasis { "PRE_EMPHASIS\n" } else { "NO PRE_EMPHASIS\n" };
        sheet += "TWO_CHANNEL_AUDIO\n";
        if let Some(code) = codes::isrc(&track.isrc) {
            line(&mut sheet, format_args!("ISRC \"{code}\""));
        }
        if has_titles || has_performers {
            sheet += "CD_TEXT {\n";
            sheet += &text(&track.title, &disc.performer_of(track));
        }
        let start = track.first().max(PAUSE_SECTORS);
        let length = disc.next_first(at).saturating_sub(start);
        let name = octal(image_name.as_bytes());
        line(&mut sheet, format_args!("AUDIOFILE \"{name}\" {order}{} {}", clock(start), clock(length)));
        let pause = track.index1.saturating_sub(start);
        if pause > 0 {
            line(&mut sheet, format_args!("START {}", clock(pause)));
        }
    }
    sheet
}

/// The disc for people: what a mastering engineer sends along and a plant compares.
pub fn pq_sheet(disc: &Disc) -> String {
    let mut sheet = String::from("PQ sheet\n\n");
    let count = disc.tracks.len().to_string();
    let length = format!("{} ({} sectors, the pause of track 1 included)", clock(disc.sectors), disc.sectors);
    let heads = [
        ("Title", disc.title.as_str()),
        ("Performer", &disc.performer),
        ("UPC/EAN", &disc.upc),
        ("Catalogue", &disc.catalogue),
        ("Tracks", &count),
        ("Length", &length),
    ];
    for (name, text) in heads {
        let text = plain(text);
        line(&mut sheet, format_args!("{name:<10} {}", if text.is_empty() { "-" } else { &text }));
    }
    sheet += "\nTimes are minutes:seconds:frames of 1/75 second from the beginning of the pause of track 1, as the disc counts them.\n\n";
    line(&mut sheet, format_args!("Track Index Start    Length   ISRC            Flags    Title"));
    for (at, track) in disc.tracks.iter().enumerate() {
        let number = at + 1;
        if let Some(index0) = track.index0 {
            let length = clock(track.index1.saturating_sub(index0));
            line(&mut sheet, format_args!("   {number:02}    00 {} {length}", clock(index0)));
        }
        let length = clock(disc.next_first(at).saturating_sub(track.index1));
        let performer = plain(&disc.performer_of(track));
        let title = if performer.is_empty() {
            plain(&track.title)
        } else {
            format!("{} / {performer}", plain(&track.title))
        };
        let row = format!(
            "   {number:02}    01 {} {length} {:<15} {:<8} {title}",
            clock(track.index1),
            spelled(&track.isrc),
            flags(track, "COPY", "PRE")
        );
        line(&mut sheet, format_args!("{}", row.trim_end()));
    }
    line(&mut sheet, format_args!("   AA    01 {} lead-out", clock(disc.sectors)));
    sheet
}

fn line(sheet: &mut String, text: std::fmt::Arguments<'_>) {
    // A String takes everything.
    let _ = writeln!(sheet, "{text}");
}

fn titles(sheet: &mut String, indent: &str, title: &str, performer: &str) {
    for (name, text) in [("TITLE", title), ("PERFORMER", performer)] {
        let text = quoted(text);
        if !text.is_empty() {
            line(sheet, format_args!("{indent}{name} \"{text}\""));
        }
    }
}

fn flags(track: &DiscTrack, copy: &str, emphasis: &str) -> String {
    let flags = [(track.copy_permitted, copy), (track.pre_emphasis, emphasis)];
    let set: Vec<&str> = flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect();
    set.join(" ")
}

fn is_wave(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, kind)| kind.eq_ignore_ascii_case("wav"))
}

/// On one line, without control characters.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

fn quoted(text: &str) -> String {
    plain(text).replace('"', "'").replace('\\', "/")
}

/// In the letters that CD-Text has.
fn escaped(text: &str) -> String {
    octal(&latin(text).bytes)
}

/// A string of a TOC file. Its grammar has `\"` and three octal digits, and no other escape: a backslash itself is written as a number.
fn octal(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes {
        match byte {
            b'"' => out += "\\\"",
            b' '..=b'~' if *byte != b'\\' => out.push(char::from(*byte)),
            _ => {
                let _ = write!(out, "\\{byte:03o}");
            }
        }
    }
    out
}

/// With its hyphens, as people read it; a wrong one as it is.
fn spelled(isrc: &str) -> String {
    match codes::isrc(isrc) {
        Some(code) => format!("{}-{}-{}-{}", &code[..2], &code[2..5], &code[5..7], &code[7..]),
        None => plain(isrc),
    }
}
