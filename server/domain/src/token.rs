//! Tokens: the words of [`Alternate`], [`Role`], [`Stage`] and [`VersionKind`] as they stand in stored facts, file names and on the command
//! line. Stable for ever: add, never rename. Guessing an alternate from a file name is the client's work, not this file's.

use std::fmt;

use crate::{Alternate, Element, Role, Stage, TenthsDb, TvDefinition, VersionKind};

/// Tokens without a number, in the order of a list for people. Beside them: `vocal-up+0.5`, `vocal-down-1.0` (likewise `bgv`, `bass`, `solo`;
/// 0.1 to 24.0 dB), `cut-60`, `cut-30`, `cut-15` (any whole second from 1 to 255) and `stem-1` to `stem-255`.
const PLAIN: [(Alternate, &str); 18] = [
    (Alternate::Main, "main"),
    (Alternate::Instrumental, "instrumental"),
    (Alternate::Tv(TvDefinition::NoLead), "tv"),
    (Alternate::Tv(TvDefinition::VocalsLowered), "tv-lowered"),
    (Alternate::ACappella, "a-cappella"),
    (Alternate::LeadVocalOnly, "lead-vocal-only"),
    (Alternate::BackgroundVocalsOnly, "bgv-only"),
    (Alternate::Clean, "clean"),
    (Alternate::RadioEdit, "radio-edit"),
    (Alternate::Extended, "extended"),
    (Alternate::Sting, "sting"),
    (Alternate::Underscore, "underscore"),
    (Alternate::Bumper, "bumper"),
    (Alternate::NoDrums, "no-drums"),
    (Alternate::Limited, "limited"),
    (Alternate::Unlimited, "unlimited"),
    (Alternate::FlatMaster, "flat-master"),
    (Alternate::ProductionMaster, "production-master"),
];

const ELEMENTS: [(Element, &str); 4] = [
    (Element::Vocal, "vocal"),
    (Element::BackgroundVocals, "bgv"),
    (Element::Bass, "bass"),
    (Element::Solo, "solo"),
];

/// The largest step that still means "the same mix".
const STEP_MAX: i16 = 240;

impl fmt::Display for Alternate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Alternate::Step(element, TenthsDb(tenths)) => {
                let word =
                    ELEMENTS.iter().find(|(known, _)| known == element).map_or("vocal", |(_, word)| word);
                let (way, sign) = if *tenths < 0 { ("down", '-') } else { ("up", '+') };
                let size = tenths.unsigned_abs();
                write!(f, "{word}-{way}{sign}{}.{}", size / 10, size % 10)
            }
            Alternate::Cut(seconds) => write!(f, "cut-{seconds}"),
            Alternate::Stem(number) => write!(f, "stem-{number}"),
            plain => {
                f.write_str(PLAIN.iter().find(|(known, _)| known == plain).map_or("main", |(_, token)| token))
            }
        }
    }
}

impl Alternate {
    /// The exact token and nothing else; `None` for anything that `Display` would not have written.
    pub fn parse(token: &str) -> Option<Alternate> {
        if let Some((alternate, _)) = PLAIN.iter().find(|(_, plain)| *plain == token) {
            return Some(*alternate);
        }
        let found = if let Some(seconds) = token.strip_prefix("cut-") {
            Alternate::Cut(seconds.parse().ok()?)
        } else if let Some(number) = token.strip_prefix("stem-") {
            Alternate::Stem(number.parse().ok()?)
        } else {
            parse_step(token)?
        };
        (found.is_sound() && found.to_string() == token).then_some(found)
    }

    /// False for numbers that no token can say: a step of nothing or beyond 24 dB, a cut of no seconds, stem 0.
    pub fn is_sound(self) -> bool {
        match self {
            Alternate::Step(_, TenthsDb(tenths)) => tenths != 0 && (-STEP_MAX..=STEP_MAX).contains(&tenths),
            Alternate::Cut(seconds) => seconds > 0,
            Alternate::Stem(number) => number > 0,
            _ => true,
        }
    }

    /// The words of a person: "vocal up 0.5 dB", "instrumental".
    pub fn words(self) -> String {
        match self {
            Alternate::Step(element, TenthsDb(tenths)) => {
                let word = match element {
                    Element::Vocal => "vocal",
                    Element::BackgroundVocals => "background vocals",
                    Element::Bass => "bass",
                    Element::Solo => "solo",
                };
                let way = if tenths < 0 { "down" } else { "up" };
                let size = tenths.unsigned_abs();
                format!("{word} {way} {}.{} dB", size / 10, size % 10)
            }
            Alternate::Tv(TvDefinition::NoLead) => "TV (no lead vocal)".to_owned(),
            Alternate::Tv(TvDefinition::VocalsLowered) => "TV (vocals lowered)".to_owned(),
            Alternate::ACappella => "a cappella".to_owned(),
            Alternate::BackgroundVocalsOnly => "background vocals only".to_owned(),
            Alternate::Cut(seconds) => format!("{seconds} second cut"),
            Alternate::Stem(number) => format!("stem {number}"),
            plain => plain.to_string().replace('-', " "),
        }
    }
}

fn parse_step(token: &str) -> Option<Alternate> {
    let (element, rest) = ELEMENTS
        .iter()
        .find_map(|(element, word)| Some((*element, token.strip_prefix(word)?.strip_prefix('-')?)))?;
    let (sign, size) = match (rest.strip_prefix("up+"), rest.strip_prefix("down-")) {
        (Some(size), _) => (1, size),
        (_, Some(size)) => (-1, size),
        _ => return None,
    };
    let (whole, tenth) = size.split_once('.')?;
    let whole: i16 = whole.parse().ok()?;
    let tenth: i16 = tenth.parse().ok()?;
    let tenths = whole.checked_mul(10)?.checked_add(tenth)?;
    Some(Alternate::Step(element, TenthsDb(sign * tenths)))
}

macro_rules! tokens {
    ($name:ident, $($variant:ident = $token:literal),+ $(,)?) => {
        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            pub fn token(self) -> &'static str {
                match self {
                    $($name::$variant => $token),+
                }
            }

            pub fn parse(token: &str) -> Option<$name> {
                $name::ALL.iter().copied().find(|known| known.token() == token)
            }
        }
    };
}

tokens!(
    Role,
    Artist = "artist",
    Producer = "producer",
    MixEngineer = "mix-engineer",
    MasteringEngineer = "mastering-engineer",
    Label = "label",
    Manager = "manager",
    Listener = "listener",
);
tokens!(Stage, Recording = "recording", Mixing = "mixing", Mastering = "mastering", Delivered = "delivered");
tokens!(VersionKind, Take = "take", Mix = "mix", Master = "master");

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_plain_alternate_has_its_own_token() {
        for (alternate, token) in PLAIN {
            assert_eq!(Alternate::parse(token), Some(alternate));
            assert_eq!(alternate.to_string(), token);
        }
    }

    #[test]
    fn only_the_exact_token_is_read() {
        for bad in [
            "Main",
            "main ",
            "vocal-up-0.5",
            "vocal-up+0.50",
            "vocal-up+00.5",
            "vocal-up+0.0",
            "vocal-up+1",
            "cut-030",
            "cut-0",
            "stem-0",
            "stem-256",
            "vocal-up+99.0",
            "vocal-up+1.-5",
            "",
        ] {
            assert_eq!(Alternate::parse(bad), None, "{bad}");
        }
        assert_eq!(Alternate::parse("vocal-up+0.5"), Some(Alternate::Step(Element::Vocal, TenthsDb(5))));
        assert_eq!(
            Alternate::parse("bgv-down-1.0"),
            Some(Alternate::Step(Element::BackgroundVocals, TenthsDb(-10)))
        );
    }

    #[test]
    fn role_tokens_are_read_back() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.token()), Some(*role));
        }
        assert_eq!(Role::parse("admin"), None);
    }

    proptest! {
        #[test]
        fn steps_cuts_and_stems_survive_their_token(which in 0..4usize, tenths in -240..=240i16, number: u8) {
            for alternate in [Alternate::Step(ELEMENTS[which].0, TenthsDb(tenths)), Alternate::Cut(number), Alternate::Stem(number)] {
                let back = Alternate::parse(&alternate.to_string());
                prop_assert_eq!(back, alternate.is_sound().then_some(alternate));
            }
        }

        #[test]
        fn any_text_parses_or_not_without_a_panic(text in ".{0,20}") {
            if let Some(alternate) = Alternate::parse(&text) {
                prop_assert_eq!(alternate.to_string(), text);
            }
        }
    }
}
