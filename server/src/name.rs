//! Names that people give: of themselves, of their machines, of files. Refused where they could mislead a reader or a terminal (S-1); never
//! repaired in silence. Never here: paths. A file's name is a label and is never used as a path on the server.

pub use deadwax_domain::text::misleading;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};
use unicode_segmentation::UnicodeSegmentation as _;

pub const PERSON_MAX: usize = 64;
pub const FILE_MAX: usize = 200;

/// A name in NFC without outer spaces; `what` names it in the refusal ("name", "device"). At most `max` characters as people count them.
pub fn clean(what: &str, given: &str, max: usize) -> Result<String, String> {
    // Checked in bytes first, so that an enormous name costs nothing: no sound character is longer than 32 bytes.
    if given.len() > max * 32 {
        return Err(format!("The {what} is too long: at most {max} characters."));
    }
    if given.chars().any(misleading) {
        return Err(format!("The {what} holds control or direction characters."));
    }
    let clean: String = given.trim().nfc().collect();
    if clean.is_empty() {
        return Err(format!("The {what} is empty."));
    }
    if clean.graphemes(true).count() > max {
        return Err(format!("The {what} is too long: at most {max} characters."));
    }
    Ok(clean)
}

/// A name in its one form (NFC): what looks equal is equal, in searches, in files and in what is signed. Whether it is a name is the domain's to say.
pub fn composed(given: String) -> String {
    if is_nfc(&given) { given } else { given.nfc().collect() }
}

/// The name of a file as its uploader calls it: one component, no path.
pub fn file(given: &str) -> Result<String, String> {
    if given.contains(['/', '\\']) || matches!(given.trim(), "." | "..") {
        return Err("The file name holds a path; send the last part alone.".into());
    }
    clean("file name", given, FILE_MAX)
}

/// An e-mail, lower case. Only the shape that every address has: one `@` with something on both sides, no spaces.
pub fn email(given: &str) -> Result<String, String> {
    let email = clean("e-mail", given, 254)?.to_lowercase();
    let sound = email
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'));
    if !sound || email.contains(char::is_whitespace) || email.contains(['<', '>', ',', ';', '"']) {
        return Err("The e-mail is not of the form name@host.".into());
    }
    Ok(email)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_mislead_are_refused() {
        for bad in
            ["a\u{1b}[2Jb", "a\nb", "a\u{202e}b", "a\u{2066}b", "a\0b", "a\u{9b}b", "a\u{e0041}b", "", "  "]
        {
            assert!(clean("name", bad, 64).is_err(), "{bad:?}");
        }
        assert!(clean("name", &"x".repeat(10_000), 64).is_err());
        assert_eq!(clean("name", "  Zoe\u{308} ", 64).unwrap(), "Zo\u{eb}");
        assert!(clean("name", &"👩‍🎤".repeat(64), 64).is_ok(), "characters are counted as people count them");
    }

    #[test]
    fn a_file_name_is_one_component() {
        for bad in ["../mix.wav", "a/b.wav", "a\\b.wav", "..", ".", "/etc/passwd"] {
            assert!(file(bad).is_err(), "{bad:?}");
        }
        assert_eq!(file("Nachtlied (Mix 2).wav").unwrap(), "Nachtlied (Mix 2).wav");
    }

    #[test]
    fn an_email_has_two_sides() {
        for bad in ["", "@", "a@", "@b", "a b@c", "a@b@c", "<a@b>"] {
            assert!(email(bad).is_err(), "{bad:?}");
        }
        assert_eq!(email(" Ana@Example.ORG ").unwrap(), "ana@example.org");
    }

    proptest! {
        #[test]
        fn a_clean_name_is_clean_again(name in "\\PC{0,80}") {
            if let Ok(once) = clean("name", &name, 64) {
                prop_assert!(!once.chars().any(misleading));
                prop_assert_eq!(clean("name", &once, 64), Ok(once.clone()));
            }
        }
    }
}
