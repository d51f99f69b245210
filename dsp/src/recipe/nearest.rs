//! The word somebody meant: the nearest of those that exist. Never here: where words come from.

/// The nearest of `known`, if one is near enough to be meant: a part of it that ends at an underscore ("threshold" for "threshold_db"), the other
/// dash, other capitals, or at most a third of the letters wrong.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |w: &str| w.to_lowercase().replace('-', "_");
    let word = plain(word);
    let with_unit = |k: &&&str| plain(k).strip_prefix(&word).is_some_and(|rest| rest.starts_with('_'));
    if !word.is_empty()
        && let Some(key) = known.iter().find(with_unit)
    {
        return Some(key);
    }
    let stem = |w: &str| w.rsplit_once('_').map_or(w.to_owned(), |(stem, _)| stem.to_owned());
    known
        .iter()
        .map(|key| {
            let whole = distance(&word, &plain(key));
            // "treshold" is near "threshold_db" too: the unit left out, and a slip.
            let bare = distance(&word, &stem(&plain(key)));
            (whole.min(bare.saturating_add(usize::from(bare < whole && bare > 0))), *key)
        })
        .filter(|(steps, key)| *steps <= (word.chars().count().min(key.chars().count()) / 3).max(1))
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, key)| key)
}

/// Letters to change, drop, add or exchange with their neighbour ("optimal string alignment").
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[&str] = &["threshold_db", "ratio", "attack_ms", "release_ms", "makeup_db", "mix", "name"];

    #[test]
    fn slips_are_understood_and_other_words_are_not() {
        for (word, meant) in [
            ("thresold_db", Some("threshold_db")),
            ("threshold", Some("threshold_db")),
            ("treshold", Some("threshold_db")),
            ("Threshold-dB", Some("threshold_db")),
            ("ratoi", Some("ratio")),
            ("relaese_ms", Some("release_ms")),
            ("attack_s", Some("attack_ms")),
            ("mxi", Some("mix")),
            ("loudness", None),
            ("", None),
            ("q", None),
        ] {
            assert_eq!(nearest(word, KEYS), meant, "{word}");
        }
        assert_eq!(nearest("anything", &[]), None);
    }

    #[test]
    fn an_exchange_of_neighbours_is_one_step() {
        assert_eq!(distance("ratio", "raito"), 1);
        assert_eq!(distance("ratio", ""), 5);
        assert_eq!(distance("gain", "gains"), 1);
    }
}
