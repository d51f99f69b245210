//! Names of the files of a package, by the field's convention: `Artist_Title_Role[+dB]_vNN_RRkDDb.ext`. ASCII letters and digits, `_` and one dot, so
//! that they are file names everywhere and never paths. The client writes the same names; a test beside both holds them together. No file is opened.

use std::collections::BTreeSet;

use deadwax_domain::{Alternate, AudioFacts, Element, TenthsDb, TvDefinition, Version};
use unicode_normalization::UnicodeNormalization as _;

/// Of an artist or a title.
const PART_CHARS: usize = 30;
/// Of a digest, where two names would be alike.
const DIGITS: usize = 12;

/// Of every file of a version, in its order, each once.
pub fn of_files(artist: &str, title: &str, version: &Version) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let name = |file: &deadwax_domain::File| {
        let name = of_file(artist, title, version.number, file.alternate, &file.facts);
        if taken.insert(name.to_ascii_lowercase()) {
            return name;
        }
        let digits: String = file.digest.to_string().chars().take(DIGITS).collect();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, "bin"));
        let name = format!("{stem}_{digits}.{extension}");
        taken.insert(name.to_ascii_lowercase());
        name
    };
    version.files.iter().map(name).collect()
}

pub fn of_file(artist: &str, title: &str, number: u32, alternate: Alternate, facts: &AudioFacts) -> String {
    let parts = [camel(artist, "Artist"), camel(title, "Untitled"), role(alternate), format!("v{number:02}")];
    let shape = shape(facts);
    let parts = parts.into_iter().chain((!shape.is_empty()).then_some(shape));
    format!("{}.{}", parts.collect::<Vec<_>>().join("_"), extension(facts))
}

/// Of the package itself and of the one folder in it: `Artist_Title_Mix2_Handoff1`. A title without a Latin letter is told by its place in the record, so
/// that the packages of a record can lie side by side.
pub fn of_package(artist: &str, title: &str, version: &str, (position, handoff): (u32, usize)) -> String {
    let by_place = format!("Song{position:02}");
    let parts = [camel(artist, "Artist"), camel(title, &by_place), camel(version, "Mix")];
    format!("{}_Handoff{handoff}", parts.join("_"))
}

fn role(alternate: Alternate) -> String {
    match alternate {
        Alternate::Step(element, TenthsDb(tenths)) => {
            let element = match element {
                Element::Vocal => "Voc",
                Element::BackgroundVocals => "BGV",
                Element::Bass => "Bass",
                Element::Solo => "Solo",
            };
            let way = if tenths < 0 { "Dn" } else { "Up" };
            return format!("{element}{way}{:02}", tenths.unsigned_abs());
        }
        Alternate::Cut(seconds) => return format!("Cut{seconds}"),
        Alternate::Stem(number) => return format!("Stem{number:02}"),
        Alternate::Main => "Main",
        Alternate::Instrumental => "Inst",
        Alternate::Tv(TvDefinition::NoLead) => "TV",
        Alternate::Tv(TvDefinition::VocalsLowered) => "TVLow",
        Alternate::ACappella => "Acap",
        Alternate::LeadVocalOnly => "LVOnly",
        Alternate::BackgroundVocalsOnly => "BGVOnly",
        Alternate::Clean => "Clean",
        Alternate::RadioEdit => "RadioEdit",
        Alternate::Extended => "Extended",
        Alternate::Sting => "Sting",
        Alternate::Underscore => "Underscore",
        Alternate::Bumper => "Bumper",
        Alternate::NoDrums => "NoDrums",
        Alternate::Limited => "Limited",
        Alternate::Unlimited => "Unlim",
        Alternate::FlatMaster => "FlatMaster",
        Alternate::ProductionMaster => "ProdMaster",
    }
    .to_owned()
}

/// "48k24b", "441k16b", "96k32f", "11025Hz16b".
fn shape(facts: &AudioFacts) -> String {
    let rate = match facts.sample_rate_hz {
        0 => String::new(),
        44_100 => "441k".to_owned(),
        88_200 => "882k".to_owned(),
        176_400 => "1764k".to_owned(),
        hz if hz % 1000 == 0 => format!("{}k", hz / 1000),
        hz => format!("{hz}Hz"),
    };
    match (facts.bits, facts.float) {
        (0, _) => rate,
        (bits, true) => format!("{rate}{bits}f"),
        (bits, false) => format!("{rate}{bits}b"),
    }
}

fn extension(facts: &AudioFacts) -> &'static str {
    match (facts.container.as_str(), facts.codec.as_str()) {
        ("wav" | "rf64" | "bwf" | "", _) => "wav",
        ("aiff", _) => "aiff",
        ("flac", _) => "flac",
        ("mp3", _) => "mp3",
        ("mp4", _) => "m4a",
        ("ogg", "opus") => "opus",
        ("ogg", _) => "ogg",
        _ => "bin",
    }
}

/// "night drive (live)" becomes "NightDriveLive". Accents are taken off; other scripts cannot be kept in ASCII and fall away.
pub(crate) fn camel(text: &str, otherwise: &str) -> String {
    let mut out = String::new();
    let mut start = true;
    for c in text.nfkd() {
        match c {
            c if c.is_ascii_alphanumeric() => {
                out.push(if start { c.to_ascii_uppercase() } else { c });
                start = false;
            }
            // A mark that came off its letter does not end the word, nor does an apostrophe.
            '\'' | '\u{2019}' | '\u{300}'..='\u{36f}' => {}
            _ => start = true,
        }
        if out.len() == PART_CHARS {
            break;
        }
    }
    if out.is_empty() { otherwise.to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(change: impl Fn(&mut AudioFacts)) -> AudioFacts {
        let mut facts = AudioFacts {
            container: "wav".into(),
            codec: "pcm".into(),
            sample_rate_hz: 48_000,
            channels: 2,
            bits: 24,
            float: false,
            frames: 48_000,
            bytes: 288_044,
            integrated_lufs: -18.0,
            loudness_range_lu: 6.0,
            max_momentary_lufs: -12.0,
            max_short_term_lufs: -14.0,
            true_peak_dbtp: -4.0,
            sample_peak_dbfs: -4.2,
            dc_offset: 0.0,
            correlation: 0.7,
            head_silence_s: 1.0,
            tail_silence_s: 2.0,
            clipped_samples: 0,
            remarks: Vec::new(),
        };
        change(&mut facts);
        facts
    }

    #[test]
    fn a_name_tells_role_version_rate_and_depth() {
        let name = |token: &str, facts: &AudioFacts| {
            of_file("Ana Ruiz", "Nacht lied (für Zoë)", 2, Alternate::parse(token).unwrap(), facts)
        };
        let plain = facts(|_| {});
        assert_eq!(name("main", &plain), "AnaRuiz_NachtLiedFurZoe_Main_v02_48k24b.wav");
        assert_eq!(name("vocal-up+0.5", &plain), "AnaRuiz_NachtLiedFurZoe_VocUp05_v02_48k24b.wav");
        assert_eq!(name("limited", &plain), "AnaRuiz_NachtLiedFurZoe_Limited_v02_48k24b.wav");
        let float = facts(|it| (it.sample_rate_hz, it.bits, it.float) = (44_100, 32, true));
        assert_eq!(name("bgv-down-1.5", &float), "AnaRuiz_NachtLiedFurZoe_BGVDn15_v02_441k32f.wav");
        let lossy = facts(|it| (it.container, it.codec, it.bits) = ("mp3".into(), "mp3".into(), 0));
        assert_eq!(name("cut-30", &lossy), "AnaRuiz_NachtLiedFurZoe_Cut30_v02_48k.mp3");
    }

    #[test]
    fn no_title_makes_a_path_or_a_name_that_some_system_keeps_for_itself() {
        let plain = facts(|_| {});
        let hostile = [
            "../../etc/passwd",
            "C:\\con",
            "CON",
            "..",
            "",
            "\u{202e}gnp.exe",
            "שלום",
            "-rf *",
            "a\0b\n",
            "%SYSTEMROOT%",
            "LPT1.",
            " leading",
            "~",
            "🎤",
            &"w".repeat(5000),
            ".hidden",
            "a:b|c?d*e<f>\"",
        ];
        for title in hostile {
            for name in
                [of_file(title, title, 1, Alternate::Main, &plain), of_package(title, title, title, (3, 1))]
            {
                assert!(name.len() <= 120 && !name.starts_with(['.', '-', '~', ' ']), "{name}");
                let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
                assert!(name.chars().all(allowed) && !name.contains(".."), "{title:?} {name:?}");
                // Windows keeps CON, LPT1 and others for itself, with any extension.
                assert!(name.split('.').next().unwrap().contains('_'), "{name}");
            }
        }
        assert_eq!(of_package("Ana", "夜の歌", "Mix A 1", (3, 2)), "Ana_Song03_MixA1_Handoff2");
        assert_eq!(of_file("Ana", "夜の歌", 1, Alternate::Main, &plain), "Ana_Untitled_Main_v01_48k24b.wav");
    }
}
