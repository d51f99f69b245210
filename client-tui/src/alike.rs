//! Names that look like others: a letter of another alphabet, a one for an l, the same name again. By the tables of Unicode (UTS 39); told beside keys and
//! signatures, where it matters who somebody is, and never refused: many honest names look alike. Never here: screens, and which name is the right one.

use unicode_security::{RestrictionLevel, RestrictionLevelDetection as _, skeleton};

/// What a reader of this name has to know, where there is something. `others`: the names of the other people it stands among.
pub fn warning<'a>(name: &str, others: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let seen = look(name);
    let mut alike = None;
    for other in others {
        if other == name {
            return Some("Another person here has the same name: look at the key, not at the name.".into());
        }
        if alike.is_none() && look(other) == seen {
            alike = Some(other);
        }
    }
    if let Some(other) = alike {
        let other = crate::scrub::line(other);
        return Some(format!(
            "The name looks like \u{201c}{other}\u{201d} and is another one: look at the key, not at the name."
        ));
    }
    mixes(name)
        .then(|| "The name mixes letters of several alphabets: it may be made to look like another.".into())
}

/// What stays when letters that look alike are one letter; upper and lower case are one too.
fn look(name: &str) -> String {
    let once: String = skeleton(name).collect();
    let again: String = skeleton(&once.to_lowercase()).collect();
    again.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Alphabets that do not stand together in the names of one language. Signs and figures say nothing of it.
fn mixes(name: &str) -> bool {
    let letters: String = name.chars().filter(|c| c.is_alphabetic()).collect();
    !letters.is_empty() && !letters.as_str().check_restriction_level(RestrictionLevel::HighlyRestrictive)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_looks_like_another_is_told_with_that_other() {
        let here = ["Ana Ruiz", "Bill Ito", "Zoë"];
        for (given, like) in [
            // A Cyrillic a and a Cyrillic A.
            ("An\u{430} Ruiz", "Ana Ruiz"),
            ("\u{410}na Ruiz", "Ana Ruiz"),
            ("ana ruiz", "Ana Ruiz"),
            ("Ana  Ruiz", "Ana Ruiz"),
            ("BiIl Ito", "Bill Ito"),
            ("Bi1l Ito", "Bill Ito"),
            ("\u{1d400}na Ruiz", "Ana Ruiz"),
            ("Zoe\u{308}", "Zoë"),
        ] {
            let said = warning(given, here).unwrap_or_default();
            assert!(said.contains(like), "{given:?}: {said:?}");
        }
        assert!(warning("Ana Ruiz", here).is_some_and(|it| it.contains("same name")));
    }

    #[test]
    fn alphabets_that_do_not_belong_together_are_told() {
        for mixed in ["P\u{430}ul", "Paul \u{3a9}mega\u{430}", "\u{1d4d0}nna\u{5d0}"] {
            assert!(warning(mixed, []).is_some(), "{mixed:?}");
        }
    }

    #[test]
    fn honest_names_of_every_place_are_left_alone() {
        for honest in [
            "Ana Ruiz",
            "Łukasz Żółć",
            "Þórður Ægisson",
            "Nguyễn Thị Hạnh",
            "Ольга Іваненко",
            "Νίκος Παπάς",
            "山田太郎",
            "さくら ちゃん",
            "김민준",
            "DJ 山田",
            "محمد علي",
            "דוד לוי",
            "Ana (mix) 2",
            "O'Neill-Müller",
            "🎤",
        ] {
            assert_eq!(warning(honest, ["Somebody Else"]), None, "{honest:?}");
        }
    }
}
