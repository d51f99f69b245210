//! How long a record may be on what it is pressed on: limits as dated data with their sources, sides that are as even as the running order
//! allows, and a verdict in words. Never here: songs, screens.

use std::sync::LazyLock;

use serde::Deserialize;

const SHIPPED: &str = include_str!("../../profiles/media.toml");

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Media {
    pub name: String,
    pub dated: String,
    pub sources: Vec<String>,
    #[serde(rename = "medium")]
    pub all: Vec<Medium>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Medium {
    pub name: String,
    pub sides_are: SidesAre,
    #[serde(rename = "limit")]
    pub limits: Vec<Limit>,
    #[serde(default)]
    pub tracks_max: Option<usize>,
    #[serde(default)]
    pub track_min_s: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SidesAre {
    /// It is turned over.
    Sides,
    /// One run from the first song to the last.
    Disc,
}

/// What one plant says. Beyond the best a side must be cut quieter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub of: String,
    #[serde(default)]
    pub best_s: Option<u64>,
    /// Some plants only say what is best, and cut longer sides at the customer's risk.
    #[serde(default)]
    pub max_s: Option<u64>,
}

/// How a length stands against the limits, with the words that say so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    Fits,
    Warns(String),
    Blocks(String),
}

/// The media that come along. Read once: screens ask at every frame.
pub fn shipped() -> &'static Media {
    static MEDIA: LazyLock<Media> =
        LazyLock::new(|| toml::from_str(SHIPPED).expect("the shipped media are read by a test"));
    &MEDIA
}

impl Medium {
    pub fn has_sides(&self) -> bool {
        self.sides_are == SidesAre::Sides
    }

    /// The longest that any plant takes; of plants that only say what is best, that.
    pub fn longest_s(&self) -> Option<u64> {
        self.limits.iter().filter_map(|it| it.max_s.or(it.best_s)).max()
    }

    /// One side, or the whole disc. Over the limit of every plant it blocks; over some plant's limit, or over the best of one, it warns.
    pub fn fit(&self, length_ms: u64) -> Fit {
        let stated = || self.limits.iter().filter_map(|it| Some((it.max_s?, it)));
        let over: Vec<(u64, &Limit)> =
            stated().filter(|(max_s, _)| length_ms > max_s.saturating_mul(1000)).collect();
        if !over.is_empty() {
            let told: Vec<String> =
                over.iter().map(|(max_s, it)| format!("{} ({})", minutes(*max_s), it.of)).collect();
            let text = format!("over the limit of {}", told.join(", "));
            return if over.len() == stated().count() { Fit::Blocks(text) } else { Fit::Warns(text) };
        }
        let best = self.limits.iter().filter_map(|it| Some((it.best_s?, it))).min_by_key(|(best, _)| *best);
        match best {
            Some((best_s, it)) if length_ms > best_s.saturating_mul(1000) => {
                Fit::Warns(format!("over the best of {} ({}): cut quieter", minutes(best_s), it.of))
            }
            _ => Fit::Fits,
        }
    }
}

/// "19:30".
pub(super) fn minutes(seconds: u64) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// As many sides as `medium` needs for these songs, at least two and in pairs, and where each but the first begins. Sides are as even as the
/// order allows. Empty for a disc, and where there is nothing to part.
pub fn parted(medium: &Medium, lengths_ms: &[u64]) -> Vec<usize> {
    if !medium.has_sides() {
        return Vec::new();
    }
    let most_ms = medium.longest_s().map_or(u128::MAX, |it| u128::from(it) * 1000);
    // Eight sides are four records; who presses more parts them by hand.
    for sides in [2, 4, 6] {
        let (longest, starts) = balanced(lengths_ms, sides);
        if longest <= most_ms {
            return starts;
        }
    }
    balanced(lengths_ms, 8).1
}

/// The longest side and the songs that begin one, so that the longest is as short as can be.
fn balanced(lengths_ms: &[u64], sides: usize) -> (u128, Vec<usize>) {
    // Wide enough that no figures can add up to more.
    let total: u128 = lengths_ms.iter().map(|it| u128::from(*it)).sum();
    let (mut low, mut high) = (lengths_ms.iter().copied().max().map_or(0, u128::from), total);
    while low < high {
        let middle = low + (high - low) / 2;
        if starts(lengths_ms, middle).take(sides).count() < sides { high = middle } else { low = middle + 1 }
    }
    (low, starts(lengths_ms, low).collect())
}

/// Fills one side after the other up to `most_ms`.
fn starts(lengths_ms: &[u64], most_ms: u128) -> impl Iterator<Item = usize> {
    let mut filled = 0u128;
    lengths_ms.iter().copied().map(u128::from).enumerate().filter_map(move |(at, length)| {
        let with = filled + length;
        let begins = at > 0 && with > most_ms;
        filled = if begins { length } else { with };
        begins.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_media_name_their_sources() {
        let media = shipped();
        assert_eq!(media.dated.len(), 10);
        for medium in &media.all {
            assert!(!medium.limits.is_empty(), "{}", medium.name);
            for limit in &medium.limits {
                assert!(
                    media.sources.iter().any(|it| it.contains(&limit.of)),
                    "{} of {} has no source",
                    limit.of,
                    medium.name
                );
                assert!(limit.best_s.zip(limit.max_s).is_none_or(|(best, max)| best < max));
            }
        }
        assert!(media.all.iter().any(|it| !it.has_sides()), "there is a disc among them");
    }

    #[test]
    fn plants_differ_and_the_words_say_which() {
        let media = shipped();
        let lp = &media.all[0];
        assert_eq!(lp.fit(1_170_000), Fit::Fits, "the best itself still fits");
        let Fit::Warns(text) = lp.fit(1_170_001) else { panic!() };
        assert!(text.contains("19:30 (Pressing Business)") && text.contains("quieter"), "{text}");
        let Fit::Warns(text) = lp.fit(1_400_000) else { panic!() };
        assert!(text.contains("23:00 (Pressing Business)") && !text.contains("Toss"), "{text}");
        let Fit::Blocks(text) = lp.fit(1_600_000) else { panic!() };
        assert!(text.contains("26:00 (Toss Records)"), "{text}");
        let cd = media.all.iter().find(|it| !it.has_sides()).unwrap();
        assert_eq!(cd.fit(79 * 60_000), Fit::Fits);
        assert!(matches!(cd.fit(80 * 60_000), Fit::Blocks(_)));
    }

    #[test]
    fn sides_are_as_even_as_the_order_allows() {
        let media = shipped();
        let (lp, cd) = (&media.all[0], media.all.last().unwrap());
        assert!(parted(lp, &[]).is_empty());
        assert!(parted(lp, &[5]).is_empty(), "one song has one side");
        assert_eq!(parted(lp, &[5, 5]), [1]);
        assert_eq!(parted(lp, &[10, 1, 1, 1]), [1]);
        assert_eq!(parted(lp, &[1, 1, 1, 10]), [3]);
        assert_eq!(parted(lp, &[4, 4, 4, 4]), [2]);
        assert!(parted(cd, &[5, 5]).is_empty(), "a disc is not turned over");
        let songs = [10 * 60_000; 8];
        assert_eq!(parted(lp, &songs), [2, 4, 6], "80 minutes take two records");
        assert_eq!(
            parted(lp, &[u64::MAX, u64::MAX, 1]),
            [1, 2],
            "no figure of a server is trusted to be small"
        );
    }
}
