//! How the songs of a record stand to each other: loudness, range, peaks, balance of the spectrum, the step from song to song; what stands out, in words.
//! Data for a table and a chart. Never here: a verdict, a target, drawing.

use serde::Serialize;

use super::sheet::Figures;
use crate::{
    inspect::Spectrum,
    math::{decibels_of_power, linear},
};

/// What the bands are called, from low to high.
pub const BANDS: [&str; 8] =
    ["sub", "bass", "low mids", "mids", "upper mids", "presence", "brilliance", "air"];
/// Edges of the bands, in hertz.
pub const BAND_EDGES_HZ: [f64; 9] = [20.0, 60.0, 120.0, 250.0, 500.0, 2_000.0, 4_000.0, 8_000.0, 20_000.0];
/// A band this far under the whole sound is not heard, and says nothing of the balance.
const UNHEARD_DB: f64 = -60.0;

/// The levels of [`BANDS`] in a spectrum: sums of the third octaves whose middle lies in them.
pub fn bands_of(spectrum: &Spectrum) -> [f64; 8] {
    let mut power = [0.0; 8];
    for third in &spectrum.third_octaves {
        // The lowest is called 20 Hz and lies a little under it.
        let above = BAND_EDGES_HZ.iter().rposition(|edge| third.hz * 1.01 >= *edge);
        // So does the highest, which belongs to the last band; what lies above it is not heard.
        let heard = third.dbfs.is_finite() && third.hz <= BAND_EDGES_HZ[power.len()];
        if let Some(band) = above.filter(|_| heard) {
            power[band.min(power.len() - 1)] += linear(third.dbfs).powi(2);
        }
    }
    power.map(decibels_of_power)
}

/// A song as it sounds on the record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrackFigures {
    pub title: String,
    pub figures: Figures,
}

/// From which difference on a song stands out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerances {
    pub loudness_lu: f64,
    pub range_lu: f64,
    pub step_lu: f64,
    pub band_db: f64,
    /// True peaks above it are told.
    pub true_peak_dbtp: f64,
}

impl Default for Tolerances {
    fn default() -> Self {
        Tolerances { loudness_lu: 3.0, range_lu: 6.0, step_lu: 3.0, band_db: 4.0, true_peak_dbtp: -1.0 }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Consistency {
    /// Of the songs; `null` where none has a level.
    pub median_lufs: Option<f64>,
    pub median_range_lu: Option<f64>,
    pub highest_true_peak_dbtp: Option<f64>,
    /// From the quietest song to the loudest.
    pub spread_lu: Option<f64>,
    pub songs: Vec<ConsistencyRow>,
    /// What stands out, a sentence each, in the running order.
    pub outliers: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ConsistencyRow {
    pub title: String,
    pub integrated_lufs: Option<f64>,
    /// Against the median of the record.
    pub from_median_lu: Option<f64>,
    /// Against the song before.
    pub step_lu: Option<f64>,
    pub range_lu: f64,
    pub max_short_term_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    /// Each band against the median of the record, all songs brought to one level; `null` where it is not heard.
    pub bands_db: Option<[Option<f64>; 8]>,
}

pub fn consistency(songs: &[TrackFigures]) -> Consistency {
    consistency_within(songs, &Tolerances::default())
}

pub fn consistency_within(songs: &[TrackFigures], tolerances: &Tolerances) -> Consistency {
    let levels: Vec<f64> = songs.iter().filter_map(|it| finite(it.figures.integrated_lufs)).collect();
    let median_lufs = median(levels.clone());
    let peaks = songs.iter().filter_map(|it| finite(it.figures.true_peak_dbtp));
    let heard = songs.iter().filter(|it| it.figures.integrated_lufs.is_finite());
    let mut record = Consistency {
        median_lufs,
        median_range_lu: median(heard.filter_map(|it| finite(it.figures.range_lu)).collect()),
        highest_true_peak_dbtp: peaks.max_by(f64::total_cmp),
        spread_lu: spread(&levels),
        songs: Vec::with_capacity(songs.len()),
        outliers: Vec::new(),
    };
    let shapes: Vec<Option<[Option<f64>; 8]>> = songs.iter().map(|it| shape(&it.figures)).collect();
    let usual: [Option<f64>; 8] =
        std::array::from_fn(|band| median(shapes.iter().flatten().filter_map(|it| it[band]).collect()));
    let mut before: Option<f64> = None;
    for (song, shape) in songs.iter().zip(shapes) {
        let level = finite(song.figures.integrated_lufs);
        let bands = shape.map(|shape| std::array::from_fn(|band| Some(shape[band]? - usual[band]?)));
        record.songs.push(ConsistencyRow {
            title: song.title.clone(),
            integrated_lufs: level,
            from_median_lu: level.zip(median_lufs).map(|(it, median)| it - median),
            step_lu: level.zip(before).map(|(it, before)| it - before),
            range_lu: finite(song.figures.range_lu).unwrap_or(0.0),
            max_short_term_lufs: finite(song.figures.max_short_term_lufs),
            true_peak_dbtp: finite(song.figures.true_peak_dbtp),
            bands_db: bands,
        });
        before = level.or(before);
    }
    record.outliers = outliers(&record, tolerances);
    record
}

fn finite(level: f64) -> Option<f64> {
    Some(level).filter(|it| it.is_finite())
}

/// The middle one; of an even number the mean of the two.
pub(super) fn median(mut levels: Vec<f64>) -> Option<f64> {
    levels.sort_by(f64::total_cmp);
    let half = levels.len() / 2;
    let upper = *levels.get(half)?;
    Some(if levels.len() % 2 == 1 { upper } else { f64::midpoint(levels[half - 1], upper) })
}

fn spread(levels: &[f64]) -> Option<f64> {
    let least = levels.iter().copied().min_by(f64::total_cmp)?;
    Some(levels.iter().copied().max_by(f64::total_cmp)? - least)
}

/// Its bands against the whole of it, so that its level does not count.
fn shape(figures: &Figures) -> Option<[Option<f64>; 8]> {
    let bands = figures.bands_dbfs?;
    let power: f64 = bands.iter().filter(|it| it.is_finite()).map(|it| linear(*it).powi(2)).sum();
    let whole = finite(decibels_of_power(power))?;
    Some(bands.map(|it| finite(it - whole).filter(|it| *it > UNHEARD_DB)))
}

/// One sentence a song and kind, with the number that makes it stand out.
fn outliers(record: &Consistency, within: &Tolerances) -> Vec<String> {
    let mut told = Vec::new();
    for (at, song) in record.songs.iter().enumerate() {
        let who = match song.title.trim() {
            "" => format!("Song {}", at + 1),
            title => format!("{}. {title}", at + 1),
        };
        let mut say = |what: String| told.push(format!("{who}: {what}."));
        if let Some(from) = song.from_median_lu.filter(|it| it.abs() > within.loudness_lu) {
            let way = if from > 0.0 { "louder" } else { "quieter" };
            say(format!("{:.1} LU {way} than the record", from.abs()));
        }
        if let Some(step) = song.step_lu.filter(|it| it.abs() > within.step_lu) {
            let way = if step > 0.0 { "louder" } else { "quieter" };
            say(format!("{:.1} LU {way} than the song before it", step.abs()));
        }
        if let Some(usual) = record.median_range_lu
            && song.integrated_lufs.is_some()
            && (song.range_lu - usual).abs() > within.range_lu
        {
            let way = if song.range_lu > usual { "wider" } else { "narrower" };
            say(format!("a range of {:.1} LU, {way} than the record's {usual:.1}", song.range_lu));
        }
        if let Some(peak) = song.true_peak_dbtp.filter(|it| *it > within.true_peak_dbtp) {
            say(format!("true peak {peak:.2} dBTP"));
        }
        for (band, from) in BANDS.iter().zip(song.bands_db.unwrap_or_default()) {
            if let Some(from) = from.filter(|it| it.abs() > within.band_db) {
                let way = if from > 0.0 { "more" } else { "less" };
                say(format!("{:.1} dB {way} {band} than the record", from.abs()));
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::Band;

    fn song(title: &str, lufs: f64) -> TrackFigures {
        let figures = Figures {
            integrated_lufs: lufs,
            range_lu: 6.0,
            true_peak_dbtp: -1.0,
            bands_dbfs: Some([-30.0, -20.0, -22.0, -24.0, -22.0, -28.0, -32.0, -40.0].map(|it| it + lufs)),
            ..Figures::default()
        };
        TrackFigures { title: title.into(), figures }
    }

    #[test]
    fn an_even_record_has_nothing_that_stands_out() {
        let all = consistency(&[song("A", -10.0), song("B", -11.0), song("C", -9.0)]);
        assert_eq!(all.median_lufs, Some(-10.0));
        assert_eq!(all.spread_lu, Some(2.0));
        assert_eq!(all.songs[2].step_lu, Some(2.0));
        assert!(
            all.songs[1].bands_db.unwrap().iter().all(|it| it.unwrap().abs() < 1e-9),
            "level does not count"
        );
        assert_eq!(all.outliers, Vec::<String>::new());
    }

    #[test]
    fn what_stands_out_is_told_with_its_number() {
        let mut bright = song("Bright", -10.0);
        bright.figures.bands_dbfs.as_mut().unwrap()[7] += 6.0;
        bright.figures.true_peak_dbtp = -0.2;
        let quiet = TrackFigures {
            figures: Figures { range_lu: 15.0, ..song("", -16.5).figures },
            title: String::new(),
        };
        let all = consistency(&[song("A", -10.0), bright, quiet, song("D", -10.0)]);
        assert_eq!(
            all.outliers,
            [
                "2. Bright: true peak -0.20 dBTP.",
                "2. Bright: 6.0 dB more air than the record.",
                "Song 3: 6.5 LU quieter than the record.",
                "Song 3: 6.5 LU quieter than the song before it.",
                "Song 3: a range of 15.0 LU, wider than the record's 6.0.",
                "4. D: 6.5 LU louder than the song before it.",
            ]
        );
    }

    #[test]
    fn a_tolerance_is_held_at_its_limit() {
        let all = consistency(&[song("A", -10.0), song("B", -13.0), song("C", -10.0)]);
        assert_eq!(all.outliers, Vec::<String>::new(), "3 LU are within 3 LU");
    }

    #[test]
    fn silence_and_nothing_are_no_numbers() {
        let all = consistency(&[song("A", -10.0), TrackFigures::default(), song("C", -10.5)]);
        assert_eq!(all.songs[1].integrated_lufs, None);
        assert_eq!(all.songs[2].step_lu, Some(-0.5), "against the last that sounded");
        assert!(serde_json::to_string(&all).unwrap().contains("null"));
        assert_eq!(consistency(&[]), Consistency::default());
    }

    #[test]
    fn bands_are_sums_of_third_octaves() {
        let thirds = |hz: &[f64]| hz.iter().map(|hz| Band { hz: *hz, dbfs: -20.0 }).collect();
        let spectrum = Spectrum {
            third_octaves: thirds(&[19.95, 25.1, 1000.0, 19953.0]),
            long_term: Vec::new(),
            windows: 1,
            window_s: 0.3,
        };
        let bands = bands_of(&spectrum);
        assert!((bands[0] - -16.99).abs() < 0.01, "{bands:?}");
        assert!((bands[4] - -20.0).abs() < 1e-9 && (bands[7] - -20.0).abs() < 1e-9);
        assert_eq!(bands[1], f64::NEG_INFINITY);
    }
}
