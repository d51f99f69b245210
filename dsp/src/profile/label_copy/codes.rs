//! ISRC and UPC: their one spelling, and what is wrong with another. Never here: whose code it is.

use crate::codes;

/// In its one spelling, "USRC17607839"; the error says what is wrong and how it is written.
pub fn isrc(text: &str) -> Result<String, String> {
    if let Some(code) = codes::isrc(text.trim()) {
        return Ok(code);
    }
    let code: Vec<char> = text.trim().chars().filter(|c| *c != '-' && !c.is_whitespace()).collect();
    let wrong = if code.len() > 4 && code[..4].iter().collect::<String>().eq_ignore_ascii_case("isrc") {
        "leave out the word ISRC".to_owned()
    } else if code.iter().any(|c| !c.is_ascii_alphanumeric()) {
        "only letters A to Z, digits and hyphens stand in one".to_owned()
    } else if code.len() != 12 {
        format!("it has {} letters and digits, not 12", code.len())
    } else if code[..2].iter().any(|c| !c.is_ascii_alphabetic()) {
        "it begins with two letters of the registrant".to_owned()
    } else {
        "its last seven places are digits: two of the year, five of the recording".to_owned()
    };
    Err(format!("{wrong}; an ISRC is two letters, three letters or digits, seven digits, as in USRC17607839"))
}

/// Its digits alone; the error says what is wrong, and of a wrong check digit which one would be right.
pub fn upc(text: &str) -> Result<String, String> {
    let code: String = text.trim().chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    if !code.bytes().all(|it| it.is_ascii_digit()) || !matches!(code.len(), 12 | 13) {
        return Err("a UPC has 12 digits, an EAN 13".to_owned());
    }
    if codes::checks_out(&code) {
        return Ok(code);
    }
    let (body, last) = code.split_at(code.len() - 1);
    let right = codes::check_digit(body).map_or_else(|| "?".to_owned(), |it| it.to_string());
    Err(format!("its last digit is {last}, and {right} would check the others; one of the digits is wrong"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_wrong_form_say_what_is_wrong() {
        assert_eq!(isrc(" us-rc1-76-07839 ").unwrap(), "USRC17607839");
        assert_eq!(isrc("GBAYE0000351").unwrap(), "GBAYE0000351");
        for (wrong, said) in [
            ("ISRC US-RC1-76-07839", "leave out the word"),
            ("US-RC1-76-0783", "11 letters and digits"),
            ("1SRC17607839", "two letters of the registrant"),
            ("USRC1760783X", "seven places"),
            ("ÜSRC17607839", "only letters A to Z"),
            ("", "0 letters"),
        ] {
            assert!(isrc(wrong).unwrap_err().contains(said), "{wrong}: {:?}", isrc(wrong));
        }
    }

    #[test]
    fn the_right_check_digit_is_told() {
        assert_eq!(upc("0 36000 29145 2").unwrap(), "036000291452");
        assert_eq!(upc("4006381333931").unwrap(), "4006381333931");
        let wrong = upc("036000291453").unwrap_err();
        assert!(wrong.contains("is 3, and 2 would"), "{wrong}");
        for wrong in ["", "12345678", "03600029145a", "٠٣٦٠٠٠٢٩١٤٥٢"] {
            assert!(upc(wrong).unwrap_err().contains("12 digits"), "{wrong}");
        }
    }
}
