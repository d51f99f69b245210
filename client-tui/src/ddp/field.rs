//! Fields of fixed width in the records DDPID, DDPMS and PQ descriptor: text at the left, numbers at the right, filled with spaces or zeros; and the forms
//! of the codes that stand in them. Never here: which field stands where.

/// Nothing but spaces, or zero bytes as some writers fill unused room.
pub fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, b' ' | 0))
}

pub fn is_printable(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| matches!(b, b' '..=b'~'))
}

/// Without what fills it up.
pub fn text(bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|b| char::from(*b)).collect();
    text.trim_matches([' ', '\0']).to_owned()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    Blank,
    Is(u64),
    /// No decimal number.
    Not,
}

/// Right-aligned, filled with spaces or zeros: tools write both.
pub fn number(bytes: &[u8]) -> Number {
    if is_blank(bytes) {
        return Number::Blank;
    }
    let digits = bytes.iter().position(|b| *b != b' ').map_or(bytes, |first| &bytes[first..]);
    if !digits.iter().all(u8::is_ascii_digit) {
        return Number::Not;
    }
    digits
        .iter()
        .try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
        .map_or(Number::Not, Number::Is)
}

/// Exactly two digits.
pub fn pair(bytes: &[u8]) -> Option<u8> {
    match bytes {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some((tens - b'0') * 10 + (ones - b'0')),
        _ => None,
    }
}

/// CCXXXYYNNNNN, as it stands on a disc: no hyphens, large letters.
pub fn is_isrc(code: &str) -> bool {
    let b = code.as_bytes();
    b.len() == 12
        && b[..2].iter().all(u8::is_ascii_uppercase)
        && b[2..5].iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        && b[5..].iter().all(u8::is_ascii_digit)
}

/// As EAN-13: a UPC-A is one whose first digit, 0, is left out. None: neither.
pub fn ean13(code: &str) -> Option<String> {
    if !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match code.len() {
        12 => Some(format!("0{code}")),
        13 => Some(code.to_owned()),
        _ => None,
    }
}

/// The digit that the first twelve ask for. `ean` is 13 digits.
pub fn check_digit(ean: &str) -> u8 {
    let sum: u32 =
        ean.bytes().take(12).zip([1, 3].into_iter().cycle()).map(|(b, w)| u32::from(b - b'0') * w).sum();
    ((10 - sum % 10) % 10) as u8
}

/// A sector as minutes, seconds and frames.
pub fn msf(sector: u32) -> String {
    format!("{:02}:{:02}:{:02}", sector / 75 / 60, sector / 75 % 60, sector % 75)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_spaces_and_with_zeros_and_never_overflow() {
        assert_eq!(number(b"     900"), Number::Is(900));
        assert_eq!(number(b"00000900"), Number::Is(900));
        assert_eq!(number(b"        "), Number::Blank);
        for wrong in [&b"900     "[..], b"   9 00 ", b"-0000900", b"0x000900", b"999999999999999999999999"] {
            assert_eq!(number(wrong), Number::Not, "{wrong:?}");
        }
    }

    #[test]
    fn codes_have_their_form() {
        assert!(is_isrc("USABC1234567") && is_isrc("DEA121700001"));
        for wrong in [
            "",
            "us-abc-12-34567",
            "usabc1234567",
            "USABC123456",
            "USABC12345678",
            "1SABC1234567",
            "USAB\u{e9}123456",
        ] {
            assert!(!is_isrc(wrong), "{wrong}");
        }
        // The example of the GS1 General Specifications, and one that a reader of public discs shows.
        assert_eq!(check_digit("4006381333931"), 1);
        assert_eq!(check_digit("0123456789012"), 2);
        assert_eq!(ean13("036000291452").as_deref(), Some("0036000291452"));
        assert_eq!(ean13("12345"), None);
        assert_eq!(msf(359_775), "79:57:00");
    }
}
