//! The words for alternates: the wire's tokens, the short words of a canonical file name, and the many aliases seen in the field.

/// Token, canonical word, aliases (letters and digits, lower case).
const PLAIN: &[(&str, &str, &[&str])] = &[
    (
        "main",
        "Main",
        &["main", "master", "final", "full", "fullmix", "mainmix", "finalmix", "mastermix", "approved"],
    ),
    ("instrumental", "Inst", &["inst", "instrumental", "instr", "instmix", "instrumentalmix"]),
    ("tv-lowered", "TVLow", &["tvlow", "tvlowered"]),
    ("tv", "TV", &["tv", "tvtrack", "tvmix", "tvtrax"]),
    ("a-cappella", "Acap", &["acap", "acappella", "acapella", "accapella", "pella", "acapp"]),
    (
        "lead-vocal-only",
        "LVOnly",
        &["lvonly", "leadvocalonly", "leadonly", "leadvoxonly", "vocalonly", "voxonly"],
    ),
    ("bgv-only", "BGVOnly", &["bgvonly", "bgvsonly", "bvonly", "backgroundvocalsonly", "backingvocalsonly"]),
    ("clean", "Clean", &["clean", "radio", "edited", "cleanversion"]),
    ("radio-edit", "RadioEdit", &["radioedit", "radiomix", "radioversion"]),
    ("extended", "Extended", &["extended", "extendedmix", "ext", "12inch"]),
    ("sting", "Sting", &["sting", "stinger"]),
    ("underscore", "Underscore", &["underscore", "bed"]),
    ("bumper", "Bumper", &["bumper"]),
    ("no-drums", "NoDrums", &["nodrums", "drumless", "minusdrums"]),
    ("limited", "Limited", &["limited", "lim", "ref", "loudref", "reference", "loud", "buscomp"]),
    ("unlimited", "Unlim", &["unlim", "unlimited", "nolim", "nolimiter", "cleanmix"]),
    ("flat-master", "FlatMaster", &["flatmaster", "flat"]),
    ("production-master", "ProdMaster", &["prodmaster", "productionmaster", "eqmaster", "eqdmaster"]),
];

const ELEMENTS: &[(&str, &str, &[&str])] = &[
    ("vocal", "Voc", &["leadvocals", "leadvocal", "leadvox", "vocals", "vocal", "voc", "vox", "lv", "v"]),
    ("bgv", "BGV", &["backgroundvocals", "backingvocals", "bgvs", "bgv", "bvs", "bv"]),
    ("bass", "Bass", &["bass"]),
    ("solo", "Solo", &["solo"]),
];

const STEP_MAX_TENTHS: u32 = 240;

/// Is it one of the wire's tokens, written exactly so?
pub fn is_token(token: &str) -> bool {
    PLAIN.iter().any(|(plain, ..)| *plain == token)
        || counted(token, "cut-").is_some()
        || counted(token, "stem-").is_some()
        || step(token).is_some()
}

/// What an alternate is to its main.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kin {
    /// Something that the main is made of; whatever is not known is taken for that.
    Part,
    /// The whole song with another balance or other words.
    Whole,
    /// Cut to another length.
    Edit,
}

pub fn kin(token: &str) -> Kin {
    match token {
        "radio-edit" | "extended" | "sting" | "bumper" => Kin::Edit,
        "clean" | "limited" | "unlimited" | "flat-master" | "production-master" => Kin::Whole,
        _ if counted(token, "cut-").is_some() => Kin::Edit,
        _ if step(token).is_some() => Kin::Whole,
        _ => Kin::Part,
    }
}

/// Sets of alternates that add up to the main, each only where all of it is there.
pub fn sums<'a>(tokens: impl Iterator<Item = &'a str>) -> Vec<Vec<String>> {
    const SUMS: [&[&str]; 2] = [&["instrumental", "a-cappella"], &["tv", "lead-vocal-only"]];
    let there: Vec<&str> = tokens.collect();
    let whole = SUMS.into_iter().filter(|sum| sum.iter().all(|token| there.contains(token)));
    let mut all: Vec<Vec<String>> = whole.map(|sum| sum.iter().map(ToString::to_string).collect()).collect();
    let stems: Vec<String> =
        there.iter().filter(|token| counted(token, "stem-").is_some()).map(ToString::to_string).collect();
    if stems.len() > 1 {
        all.push(stems);
    }
    all
}

fn counted(token: &str, before: &str) -> Option<u8> {
    let digits = token.strip_prefix(before)?;
    let number: u8 = digits.parse().ok().filter(|n| *n > 0)?;
    (number.to_string() == digits).then_some(number)
}

/// Element's canonical word, up or down, tenths of a decibel.
fn step(token: &str) -> Option<(&'static str, bool, u32)> {
    let (rest, word) = ELEMENTS
        .iter()
        .find_map(|(element, word, _)| Some((token.strip_prefix(element)?.strip_prefix('-')?, *word)))?;
    let (up, size) = match rest.strip_prefix("up+") {
        Some(size) => (true, size),
        None => (false, rest.strip_prefix("down-")?),
    };
    let (whole, tenth) = size.split_once('.')?;
    if tenth.len() != 1 || whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(tenth) || whole.len() > 2 {
        return None;
    }
    let tenths = whole.parse::<u32>().ok()? * 10 + tenth.parse::<u32>().ok()?;
    (1..=STEP_MAX_TENTHS).contains(&tenths).then_some((word, up, tenths))
}

/// The short word of a canonical name.
pub(super) fn word(token: &str) -> Option<String> {
    if let Some((_, word, _)) = PLAIN.iter().find(|(plain, ..)| *plain == token) {
        return Some((*word).to_owned());
    }
    if let Some(seconds) = counted(token, "cut-") {
        return Some(format!("Cut{seconds}"));
    }
    if let Some(number) = counted(token, "stem-") {
        return Some(format!("Stem{number:02}"));
    }
    let (word, up, tenths) = step(token)?;
    Some(format!("{word}{}{tenths:02}", if up { "Up" } else { "Dn" }))
}

/// The token for an alias (letters, digits, `.`, `+`; lower case), and a doubt where the field does not agree on its meaning.
pub(super) fn read(alias: &str) -> Option<(String, Option<&'static str>)> {
    let alias =
        alias.strip_suffix("mix").filter(|rest| rest.len() > 3 && !rest.ends_with("clean")).unwrap_or(alias);
    if let Some((token, ..)) = PLAIN.iter().find(|row| row.2.contains(&alias)) {
        let doubt = match (*token, alias) {
            ("tv", _) => Some(
                "TV is taken as: no lead vocal, background vocals stay. Some shops mean vocals lowered: tv-lowered.",
            ),
            ("clean", "radio" | "edited") => Some("taken as the clean version; radio-edit is another."),
            ("unlimited", "cleanmix") => {
                Some("taken as the mix without a limiter; clean (no profanity) is another.")
            }
            ("limited", "ref" | "reference" | "loud") => Some("taken as the mixer's loud reference."),
            _ => None,
        };
        return Some(((*token).to_owned(), doubt));
    }
    read_counted(alias).or_else(|| read_step(alias))
}

fn read_counted(alias: &str) -> Option<(String, Option<&'static str>)> {
    let cut = ["cut", "cutdown", "com", "commercial"]
        .iter()
        .find_map(|before| alias.strip_prefix(before))
        .or_else(|| ["seconds", "secs", "sec", "s"].iter().find_map(|after| alias.strip_suffix(after)));
    if let Some(seconds) = cut.and_then(|digits| digits.parse::<u8>().ok()).filter(|s| *s > 0) {
        return Some((format!("cut-{seconds}"), None));
    }
    let rest = alias.strip_prefix("stems").or_else(|| alias.strip_prefix("stem"))?;
    if rest.is_empty() {
        return Some(("stem-1".into(), Some("a stem without a number is taken as stem 1.")));
    }
    let number: u8 = rest.parse().ok().filter(|n| *n > 0)?;
    Some((format!("stem-{number}"), None))
}

fn read_step(alias: &str) -> Option<(String, Option<&'static str>)> {
    for (element, _, names) in ELEMENTS {
        for name in *names {
            let Some(rest) = alias.strip_prefix(name) else { continue };
            let Some((up, size)) = way(rest, *name == "v") else { continue };
            let size = size.strip_suffix("db").unwrap_or(size).trim_start_matches('+');
            let sign = if up { "up+" } else { "down-" };
            if size.is_empty() {
                return Some((
                    format!("{element}-{sign}0.5"),
                    Some("no step stands in the name; 0.5 dB is assumed."),
                ));
            }
            let Some(tenths) = tenths_of(size) else { continue };
            return Some((format!("{element}-{sign}{}.{}", tenths / 10, tenths % 10), None));
        }
    }
    None
}

/// `short`: after a single "v" only "u", "d" and "+" count, or every word with a v would be a vocal.
fn way(rest: &str, short: bool) -> Option<(bool, &str)> {
    let ways: &[(&str, bool)] = if short {
        &[("up", true), ("dn", false), ("u", true), ("d", false), ("+", true)]
    } else {
        &[("raised", true), ("lowered", false), ("down", false), ("up", true), ("dn", false), ("+", true)]
    };
    ways.iter().find_map(|(word, up)| Some((*up, rest.strip_prefix(word)?)))
}

/// "0.5", ".5" and "05" are five tenths, "1" and "1.0" and "10" are ten: two digits without a point are tenths, as canonical names write.
fn tenths_of(size: &str) -> Option<u32> {
    let tenths = match size.split_once('.') {
        Some((whole, tenth)) => {
            let whole = if whole.is_empty() { 0 } else { whole.parse::<u32>().ok()? };
            // "1.50" is one and a half; hundredths are not kept.
            let first = tenth.get(..1)?.parse::<u32>().ok()?;
            if !tenth[1..].bytes().all(|b| b == b'0') {
                return None;
            }
            whole.checked_mul(10)?.checked_add(first)?
        }
        None if size.len() == 1 => size.parse::<u32>().ok()? * 10,
        None => size.parse::<u32>().ok()?,
    };
    (1..=STEP_MAX_TENTHS).contains(&tenths).then_some(tenths)
}
