//! Which of the signed files of a song goes into a file of the record: the one of its very rate and word length where nothing touches the song on its way,
//! else the best. The same for who plans and for who makes. Pure. Never here: samples, names, rules.

use std::collections::BTreeSet;

use super::{
    Ask, FormatSheet, Profile,
    lengths::converted,
    record_rules::DISC_RATE,
    sheet::{AudioFile, Figures, RecordSheet, SongSheet},
};
use crate::{math::linear, write::Encoding};

/// Of every file of a record.
pub(super) const CHANNELS: usize = 2;
/// A recipe may ask for an output at a level of its own; the same one in another form is nearer than this.
const LEVEL_LU: f64 = 0.5;
/// Of the sound of a disc.
pub(super) const DISC_WORD: Encoding = Encoding::Wav16;

/// The file of a song that is laid on the record: 0 its best, from 1 its others.
pub(crate) fn pick(sheet: &RecordSheet, song: usize, encoding: Encoding, rate: u32) -> usize {
    let it = &sheet.songs[song];
    if kept(sheet, song) { pick_alone((&it.source, &it.figures), &it.others, encoding, rate) } else { 0 }
}

/// The best of the files of a song or an alternate, and how loud it is.
pub(crate) type Best<'a> = (&'a AudioFile, &'a Figures);

/// The file of a song by itself, or of an alternate, which nothing touches. One of another length or level is no copy of the best: where songs lie, and how
/// they stand to each other, would depend on who asks.
pub(crate) fn pick_alone(best: Best<'_>, others: &[FormatSheet], encoding: Encoding, rate: u32) -> usize {
    if is_form(best.0, encoding, rate) {
        return 0;
    }
    let fits = |it: &FormatSheet| is_form(&it.source, encoding, rate) && like(best, it);
    others.iter().position(fits).map_or(0, |nth| nth + 1)
}

/// Something of the very form was signed, and is not the same sound.
pub(super) fn differs(best: Best<'_>, others: &[FormatSheet], encoding: Encoding, rate: u32) -> bool {
    let of_form = |it: &&FormatSheet| is_form(&it.source, encoding, rate);
    pick_alone(best, others, encoding, rate) == 0
        && !is_form(best.0, encoding, rate)
        && others.iter().filter(of_form).any(|it| !like(best, it))
}

fn like((best, level): Best<'_>, other: &FormatSheet) -> bool {
    let (is, was) = (other.figures.integrated_lufs, level.integrated_lufs);
    let file = &other.source;
    file.channels == best.channels
        && file.frames == converted(best, file.sample_rate)
        && (is == was || (is - was).abs() <= LEVEL_LU)
}

/// Of this rate and of words as long as these.
fn is_form(it: &AudioFile, encoding: Encoding, rate: u32) -> bool {
    !it.lossy()
        && !encoding.lossy()
        && it.sample_rate == rate
        && it.float == encoding.float()
        && it.bits == Some(encoding.bits())
}

/// The samples of the song stand on the record as they are in its file; there may be silence around them.
pub(super) fn kept(sheet: &RecordSheet, song: usize) -> bool {
    let it = &sheet.songs[song].placing;
    let own = [it.trim_in_ms, it.trim_out_ms, it.fade_in_ms, it.fade_out_ms].iter().all(|ms| *ms == 0);
    let level = it.gain_cb == 0 && linear(sheet.album_gain_db) == 1.0;
    let before = song == 0 || it.crossfade_ms == 0;
    let behind = sheet.songs.get(song + 1).is_none_or(|next| next.placing.crossfade_ms == 0);
    own && level && before && behind
}

/// Nothing is done to the song on its way to a track, and nothing is added behind it.
pub(super) fn untouched(sheet: &RecordSheet, song: usize) -> bool {
    // Its gap stands in the file of a first song.
    let before = song > 0 || sheet.songs[song].placing.gap_ms == 0;
    let behind = sheet.songs.get(song + 1).is_none_or(|next| next.placing.gap_ms == 0);
    kept(sheet, song) && before && behind
}

/// Its rate, and a word that holds its own: the samples stand in it as they are. A float of 32 bits tells apart the whole numbers of 24.
pub(super) fn same_form(source: &AudioFile, encoding: Encoding, rate: u32) -> bool {
    let room = match (source.float, encoding.float()) {
        (false, false) => encoding.bits(),
        (false, true) => 24,
        (true, true) => 32,
        (true, false) => return false,
    };
    !source.lossy()
        && !encoding.lossy()
        && source.channels == CHANNELS
        && source.sample_rate == rate
        && source.bits.is_some_and(|bits| bits <= room)
}

/// A disc that holds every song as it was signed, with nothing but silence between them.
pub(super) fn disc_is_exact(sheet: &RecordSheet) -> bool {
    (0..sheet.songs.len()).all(|song| {
        let file = sheet.songs[song].file(pick(sheet, song, DISC_WORD, DISC_RATE));
        kept(sheet, song) && same_form(file, DISC_WORD, DISC_RATE)
    })
}

/// The figures of a song as a profile takes it: of the files that go into what it asks for, the worst peak and the most clipping. Levels are those of the
/// best, which all others were made beside.
pub(super) fn figures(profile: &Profile, sheet: &RecordSheet, song: usize) -> Figures {
    let it = &sheet.songs[song];
    let used: Vec<Figures> = used(profile, sheet, song).into_iter().map(|pick| it.figures_of(pick)).collect();
    Figures {
        true_peak_dbtp: used.iter().map(|it| it.true_peak_dbtp).fold(f64::NEG_INFINITY, f64::max),
        clipped_samples: used.iter().map(|it| it.clipped_samples).max().unwrap_or(0),
        ..it.figures
    }
}

fn used(profile: &Profile, sheet: &RecordSheet, song: usize) -> BTreeSet<usize> {
    let it: &SongSheet = &sheet.songs[song];
    let joint = sheet.songs.iter().map(|it| it.source.sample_rate).max().unwrap_or(DISC_RATE);
    let mut used = BTreeSet::new();
    for ask in &profile.files {
        let rate = |own: u32| ask.sample_rate_hz.map_or(own, |asked| asked.min(own));
        let main = ask.alternate.as_deref().is_none_or(|token| token == "main");
        used.extend(match (ask.kind, ask.encoding) {
            (Ask::Ddp | Ask::CueBin, _) => Some(pick(sheet, song, DISC_WORD, DISC_RATE)),
            (Ask::Track, Some(encoding)) => Some(pick(sheet, song, encoding, rate(it.source.sample_rate))),
            (Ask::Side | Ask::Whole, Some(encoding)) => Some(pick(sheet, song, encoding, rate(joint))),
            (Ask::Song, Some(encoding)) if main => {
                Some(pick_alone((&it.source, &it.figures), &it.others, encoding, rate(it.source.sample_rate)))
            }
            _ => None,
        });
    }
    if used.is_empty() {
        used.insert(0);
    }
    used
}
