//! How the songs of a record stand to each other, as a dry run tells it: loudness, range, peaks, steps, and the balance of each against the record in eight
//! bands. A table for verbs and screens alike, in 74 columns. Never here: a figure of our own, a tolerance, a verdict.

use deadwax_dsp::profile::BANDS;
use serde::Deserialize;
use unicode_width::UnicodeWidthStr as _;

use crate::scrub;

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Table {
    pub median_lufs: Option<f64>,
    pub spread_lu: Option<f64>,
    pub highest_true_peak_dbtp: Option<f64>,
    pub songs: Vec<Song>,
    /// Sentences on what stands out.
    pub outliers: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Song {
    pub song_id: String,
    pub title: String,
    pub integrated_lufs: Option<f64>,
    pub from_median_lu: Option<f64>,
    pub step_lu: Option<f64>,
    pub range_lu: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    /// As [`BANDS`], against the middle of the record.
    pub bands_db: Option<Vec<Option<f64>>>,
}

/// A spectrum is known of what was rendered here; nothing is decoded for a dry run.
pub const NO_BANDS: &str = "told of masters that were rendered here, not of uploads";
/// As they head a column of six.
const SHORT: [&str; BANDS.len()] = ["sub", "bass", "lomid", "mids", "himid", "pres", "brill", "air"];
const LEVELS_TITLE: usize = 34;
const BANDS_TITLE: usize = 21;

/// `None`: this client cannot read what the studio wrote.
pub fn table(json: &str) -> Option<Table> {
    if json.trim().is_empty() {
        return Some(Table::default());
    }
    serde_json::from_str(json).ok()
}

/// The songs beside each other, then their balance, or why there is none of it. Empty where there is no song.
pub fn lines(table: &Table) -> Vec<String> {
    if table.songs.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!(
        "Songs beside each other: middle {} LUFS, {} LU apart, highest {} dBTP",
        figure(table.median_lufs),
        figure(table.spread_lu),
        figure(table.highest_true_peak_dbtp)
    )];
    lines.push(format!(
        "{:>3}  {:LEVELS_TITLE$}{:>7}{:>8}{:>6}{:>7}{:>7}",
        "#", "song", "LUFS", "middle", "LRA", "dBTP", "step"
    ));
    for (at, it) in table.songs.iter().enumerate() {
        lines.push(format!(
            "{:>3}  {}{:>7}{:>8}{:>6}{:>7}{:>7}",
            at + 1,
            title(it, LEVELS_TITLE),
            figure(it.integrated_lufs),
            signed(it.from_median_lu),
            figure(it.range_lu.filter(|_| it.integrated_lufs.is_some())),
            figure(it.true_peak_dbtp),
            signed(it.step_lu),
        ));
    }
    lines.extend(balance(table));
    lines
}

fn balance(table: &Table) -> Vec<String> {
    let without = table.songs.iter().filter(|it| it.bands_db.is_none()).count();
    if without == table.songs.len() {
        return vec![format!("Balance in bands: {NO_BANDS}")];
    }
    let heads: String = SHORT.iter().map(|name| format!("{name:>6}")).collect();
    let mut lines = vec!["Balance in bands, dB against the middle of the record".to_owned()];
    lines.push(format!("{:>3}  {:BANDS_TITLE$}{heads}", "#", "song"));
    for (at, it) in table.songs.iter().enumerate() {
        let said =
            |band: usize| signed(it.bands_db.as_ref().and_then(|all| all.get(band).copied().flatten()));
        let bands: String = (0..BANDS.len()).map(|band| format!("{:>6}", said(band))).collect();
        lines.push(format!("{:>3}  {}{bands}", at + 1, title(it, BANDS_TITLE)));
    }
    if without > 0 {
        lines.push(format!("  -  {NO_BANDS}"));
    }
    lines
}

/// "sub +0.4 · bass -1.2 · ...", of one song; `None`: it is not known of this one.
pub fn of_song(table: &Table, song_id: &str) -> Option<String> {
    let song = table.songs.iter().find(|it| !song_id.is_empty() && it.song_id == song_id)?;
    let bands = song.bands_db.as_ref()?;
    let said: Vec<String> =
        BANDS.iter().zip(bands).map(|(name, db)| format!("{name} {}", signed(*db))).collect();
    Some(said.join(" · "))
}

/// Cut and filled to exactly so many columns.
fn title(it: &Song, columns: usize) -> String {
    let cut = scrub::cut(&scrub::line(&it.title), columns - 1);
    let used = cut.width();
    cut + &" ".repeat(columns.saturating_sub(used))
}

/// No figure of a server is trusted to be short.
fn shown(it: Option<f64>) -> Option<f64> {
    it.filter(|it| it.is_finite() && it.abs() < 1_000.0)
}

fn figure(it: Option<f64>) -> String {
    shown(it).map_or_else(|| "-".to_owned(), |it| format!("{it:.1}"))
}

/// Nobody is less than nothing away.
fn signed(it: Option<f64>) -> String {
    match shown(it) {
        None => "-".to_owned(),
        Some(it) if it.abs() < 0.05 => "0.0".to_owned(),
        Some(it) => format!("{it:+.1}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = r#"{"median_lufs":-9.8,"spread_lu":2.1,"highest_true_peak_dbtp":-1.0,"songs":[
        {"song_id":"s1","title":"夜のドライブと名前がとても長い曲のための長い名前","integrated_lufs":-9.8,"from_median_lu":0.01,"range_lu":6.2,
         "true_peak_dbtp":-1.0,"step_lu":null,"bands_db":[0.4,-1.2,0.0,null,0.1,-0.3,2.5,-12.5]},
        {"song_id":"s2","title":"Lamps\u001b[2J","integrated_lufs":null,"range_lu":0.0,"bands_db":null}],"outliers":["Lamps is silent."],"new":1}"#;

    #[test]
    fn the_table_fits_and_says_what_is_not_known() {
        let lines = lines(&table(TOLD).unwrap());
        for line in &lines {
            assert!(line.width() <= 74 && !line.contains('\u{1b}'), "{line:?}");
        }
        assert_eq!(lines[0], "Songs beside each other: middle -9.8 LUFS, 2.1 LU apart, highest -1.0 dBTP");
        assert!(lines[2].ends_with("-9.8     0.0   6.2   -1.0      -"), "{}", lines[2]);
        assert!(lines[3].ends_with("-       -     -      -      -"), "{}", lines[3]);
        assert!(lines[5].ends_with("sub  bass lomid  mids himid  pres brill   air"), "{}", lines[5]);
        assert!(lines[6].ends_with("+0.4  -1.2   0.0     -  +0.1  -0.3  +2.5 -12.5"), "{}", lines[6]);
        assert!(lines[8].contains("not of uploads"), "{}", lines[8]);
    }

    #[test]
    fn without_bands_it_says_why_and_without_songs_nothing() {
        let told = table(r#"{"songs":[{"title":"A","integrated_lufs":1e300}]}"#).unwrap();
        let lines = lines(&told);
        assert!(lines.last().unwrap().contains("not of uploads") && lines.len() == 4, "{lines:?}");
        assert!(super::lines(&table("").unwrap()).is_empty() && table("[").is_none());
        let told = table(TOLD).unwrap();
        assert!(of_song(&told, "s1").unwrap().starts_with("sub +0.4 · bass -1.2 · low mids 0.0"));
        assert_eq!((of_song(&told, "s2"), of_song(&told, "")), (None, None));
    }
}
