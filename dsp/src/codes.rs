//! The codes that name a recording and a product: ISRC and the product's bar code. Their forms and check digits in one place, for tags and for discs.
//! Never here: who may give a code to what; nothing is assigned or guessed.

/// An ISRC (ISO 3901) in its one spelling: two letters, three letters or digits, seven digits. Hyphens and small letters are put right.
pub fn isrc(text: &str) -> Option<String> {
    let code: String = text.chars().filter(|c| *c != '-').map(|c| c.to_ascii_uppercase()).collect();
    let bytes = code.as_bytes();
    let right = bytes.len() == 12
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..5].iter().all(u8::is_ascii_alphanumeric)
        && bytes[5..].iter().all(u8::is_ascii_digit);
    right.then_some(code)
}

/// A UPC-A (12 digits) or an EAN-13, the last digit of which checks the others. GS1 General Specifications, 7.9: from the right, weights 1 and 3; the
/// sum is a multiple of ten.
pub fn checks_out(code: &str) -> bool {
    let Some(sum) = weighted(code, 1) else { return false };
    (code.len() == 12 || code.len() == 13) && sum.is_multiple_of(10)
}

/// What the last digit would have to be, by the digits before it. `None` where these are not 11 or 12 digits.
pub fn check_digit(digits: &str) -> Option<u32> {
    let sum = weighted(digits, 3).filter(|_| digits.len() == 11 || digits.len() == 12)?;
    Some((10 - sum % 10) % 10)
}

/// The sum of the digits with weights 1 and 3 in turn from the right, `first` for the last of them. `None` where something is no digit.
fn weighted(digits: &str, first: u32) -> Option<u32> {
    let digits = digits.bytes().rev().map(|byte| (byte as char).to_digit(10));
    digits
        .enumerate()
        .map(|(at, digit)| Some(if at % 2 == 0 { digit? * first } else { digit? * (4 - first) }))
        .sum()
}

/// The code as the 13 digits that a disc's catalogue number has: a UPC-A is an EAN-13 whose first digit is 0.
pub fn ean_13(code: &str) -> Option<String> {
    checks_out(code).then(|| format!("{code:0>13}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_put_right_or_refused() {
        assert_eq!(isrc("us-rc1-76-07839").as_deref(), Some("USRC17607839"));
        for wrong in ["", "USRC1760783", "USRC176078399", "1SRC17607839", "USRC1760783X", "ÜSRC17607839"] {
            assert_eq!(isrc(wrong), None, "{wrong}");
        }
        assert!(checks_out("036000291452") && checks_out("4006381333931"));
        for wrong in ["036000291453", "4006381333930", "", "03600029145", "03600029145a", "٠٣٦٠٠٠"] {
            assert!(!checks_out(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_right_digit_is_told() {
        assert_eq!(check_digit("03600029145"), Some(2));
        assert_eq!(check_digit("400638133393"), Some(1));
        assert_eq!(check_digit("40063813339"), Some(0));
        for wrong in ["", "0360002914", "4006381333931", "0360002914x"] {
            assert_eq!(check_digit(wrong), None, "{wrong}");
        }
        assert_eq!(ean_13("036000291452").as_deref(), Some("0036000291452"));
        assert_eq!(ean_13("4006381333931").as_deref(), Some("4006381333931"));
        assert_eq!(ean_13("036000291453"), None);
    }
}
