//! What every platform does to the level of a record: how far it turns it down, or up, song by song and with one gain for all, and whether its peaks are
//! under what it asks. A report, never a target. Never here: the figures of platforms, which are data.

use serde::Serialize;

use super::{AlbumGain, Platform, TurnsUp, sheet::Figures};
use crate::math::{decibels_of_power, linear};

/// A platform and what it does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Penalty {
    pub platform: String,
    /// Listeners choose it.
    pub by_choice: bool,
    pub source: String,
    /// `None`: it plays as it is.
    pub plays_at_lufs: Option<f64>,
    /// Each song by itself, as in a playlist.
    pub songs: Vec<Heard>,
    /// The record in a row, where it keeps one gain for it; the loudness is that of what the gain is made from.
    pub album: Option<Heard>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Heard {
    pub integrated_lufs: f64,
    /// What it adds: negative where it turns down.
    pub gain_db: f64,
    /// How far under its level a quiet master stays, where no source says whether it is turned up.
    pub unsaid_db: f64,
    /// By how much the true peak is over what it asks; 0 or less: it is not.
    pub over_peak_db: f64,
}

/// `album`: of the record as one sound; without it, it is reckoned from the songs and their `seconds`, which leaves out the gaps.
pub fn penalties(
    platforms: &[Platform],
    songs: &[Figures],
    seconds: &[f64],
    album: Option<&Figures>,
) -> Vec<Penalty> {
    let together = album.copied().unwrap_or_else(|| joined(songs, seconds));
    let loudest = songs.iter().copied().max_by(|a, b| a.integrated_lufs.total_cmp(&b.integrated_lufs));
    let highest = songs.iter().map(|it| it.true_peak_dbtp).fold(f64::NEG_INFINITY, f64::max);
    platforms
        .iter()
        .map(|platform| Penalty {
            platform: platform.name.clone(),
            by_choice: platform.by_choice,
            source: platform.source.clone(),
            plays_at_lufs: platform.plays_at_lufs,
            songs: songs.iter().map(|it| heard(platform, it.integrated_lufs, it.true_peak_dbtp)).collect(),
            album: platform.album.and_then(|how| {
                let of = match how {
                    AlbumGain::Together => Some(together),
                    AlbumGain::Loudest => loudest,
                }?;
                Some(heard(platform, of.integrated_lufs, highest.max(of.true_peak_dbtp)))
            }),
        })
        .collect()
}

/// Mean power by length.
fn joined(songs: &[Figures], seconds: &[f64]) -> Figures {
    let parts = songs.iter().zip(seconds).filter(|(it, s)| it.integrated_lufs.is_finite() && **s > 0.0);
    let (power, length) = parts.fold((0.0, 0.0), |(power, length), (it, s)| {
        (power + s * linear(it.integrated_lufs).powi(2), length + s)
    });
    let integrated_lufs = if length > 0.0 { decibels_of_power(power / length) } else { f64::NEG_INFINITY };
    Figures { integrated_lufs, ..Figures::default() }
}

fn heard(platform: &Platform, lufs: f64, peak_dbtp: f64) -> Heard {
    let asked = platform.plays_at_lufs.filter(|_| lufs.is_finite()).map_or(0.0, |at| at - lufs);
    let (mut gain_db, mut unsaid_db) = (asked.min(0.0), 0.0);
    if asked > 0.0 {
        match platform.turns_up {
            Some(TurnsUp::Never) => {}
            Some(TurnsUp::ToPeak) => gain_db = asked.min(platform.true_peak_dbtp - peak_dbtp).max(0.0),
            None => unsaid_db = asked,
        }
    }
    let ceiling = match platform.true_peak_if_louder_dbtp {
        Some(stricter) if asked < 0.0 => stricter,
        _ => platform.true_peak_dbtp,
    };
    let over_peak_db = if peak_dbtp.is_finite() { peak_dbtp - ceiling } else { f64::NEG_INFINITY };
    Heard { integrated_lufs: lufs, gain_db, unsaid_db, over_peak_db }
}

impl Heard {
    /// "turned down 4.2 dB, peak 0.5 dB over".
    pub fn words(&self) -> String {
        let mut told = if self.gain_db <= -0.05 {
            format!("turned down {:.1} dB", -self.gain_db)
        } else if self.gain_db >= 0.05 {
            format!("turned up {:.1} dB", self.gain_db)
        } else if self.unsaid_db >= 0.05 {
            format!("{:.1} dB under its level; no source says whether it is turned up", self.unsaid_db)
        } else {
            "as it is".to_owned()
        };
        if self.over_peak_db > 0.005 {
            told += &format!(", peak {:.2} dB over", self.over_peak_db);
        }
        told
    }
}

/// The report as a page of text. `titles`: of the songs, in order.
pub fn penalties_text(penalties: &[Penalty], titles: &[String]) -> String {
    let mut out = String::from(
        "What every platform does to the level of this record. A report, not a target: louder masters are turned down, not worse.\n",
    );
    for it in penalties {
        out += &match it.plays_at_lufs {
            Some(lufs) => format!("\n{}, plays at {lufs:.0} LUFS\n", it.platform),
            None => format!("\n{}, plays as it is\n", it.platform),
        };
        if !it.source.is_empty() {
            out += &format!("  Source: {}\n", it.source);
        }
        if let Some(album) = &it.album {
            out += &format!("  The record in a row: {:.1} LUFS, {}\n", album.integrated_lufs, album.words());
        }
        for (at, song) in it.songs.iter().enumerate() {
            let title = titles.get(at).map_or("", String::as_str);
            let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            out += &format!("  {:2}. {title}: {:.1} LUFS, {}\n", at + 1, song.integrated_lufs, song.words());
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(album: Option<AlbumGain>, turns_up: Option<TurnsUp>) -> Platform {
        Platform {
            name: "P".into(),
            plays_at_lufs: Some(-14.0),
            true_peak_dbtp: -1.0,
            true_peak_if_louder_dbtp: Some(-2.0),
            album,
            turns_up,
            by_choice: false,
            source: String::new(),
        }
    }

    fn song(integrated_lufs: f64, true_peak_dbtp: f64) -> Figures {
        Figures { integrated_lufs, true_peak_dbtp, ..Figures::default() }
    }

    #[test]
    fn loud_masters_are_turned_down_and_held_to_the_stricter_peak() {
        let it = heard(&platform(None, None), -9.0, -1.5);
        assert_eq!(it.gain_db, -5.0);
        assert_eq!(it.over_peak_db, 0.5);
        assert_eq!(it.words(), "turned down 5.0 dB, peak 0.50 dB over");
        assert_eq!(heard(&platform(None, None), -14.0, -1.0).words(), "as it is");
    }

    #[test]
    fn quiet_masters_are_turned_up_as_far_as_the_platform_says() {
        // The example of Spotify's own page: -20 LUFS with a peak of -5 comes to -16.
        let lifted = heard(&platform(None, Some(TurnsUp::ToPeak)), -20.0, -5.0);
        assert_eq!(lifted.gain_db, 4.0);
        assert_eq!(heard(&platform(None, Some(TurnsUp::ToPeak)), -20.0, -0.5).gain_db, 0.0);
        assert_eq!(heard(&platform(None, Some(TurnsUp::Never)), -20.0, -5.0).words(), "as it is");
        let unsaid = heard(&platform(None, None), -20.0, -5.0);
        assert_eq!((unsaid.gain_db, unsaid.unsaid_db), (0.0, 6.0));
    }

    #[test]
    fn a_record_keeps_one_gain_from_the_whole_or_from_its_loudest_song() {
        let songs = [song(-8.0, -1.0), song(-18.0, -3.0)];
        let platforms = [platform(Some(AlbumGain::Together), None), platform(Some(AlbumGain::Loudest), None)];
        let all = penalties(&platforms, &songs, &[100.0, 100.0], None);
        let gains: Vec<f64> = all.iter().map(|it| it.album.unwrap().gain_db).collect();
        // Half of the power of -8 and a twentieth of it on top: -10.6.
        assert!((gains[0] - -3.4).abs() < 0.05, "{gains:?}");
        assert_eq!(gains[1], -6.0);
        let measured = penalties(&platforms, &songs, &[1.0, 1.0], Some(&song(-12.0, -1.0)));
        assert_eq!(measured[0].album.unwrap().gain_db, -2.0);
    }

    #[test]
    fn silence_and_services_without_a_level_change_nothing() {
        let silent = heard(&platform(None, Some(TurnsUp::ToPeak)), f64::NEG_INFINITY, f64::NEG_INFINITY);
        assert_eq!((silent.gain_db, silent.words()), (0.0, "as it is".to_owned()));
        let none = Platform { plays_at_lufs: None, ..platform(None, None) };
        assert_eq!(heard(&none, -6.0, -1.0).gain_db, 0.0);
    }
}
