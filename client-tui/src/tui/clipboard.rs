//! A text as the sequence that puts it on the clipboard of the terminal a person sits at, through ssh and tmux (OSC 52). Pure.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Only the encoded text stands between its brackets, so nothing in it can end them. Inside tmux twice: tmux itself takes the first where it may set the
/// clipboard, and hands the second through where it may not.
pub(super) fn sequence(text: &str, in_tmux: bool) -> String {
    let plain = format!("\x1b]52;c;{}\x07", base64(text.as_bytes()));
    if in_tmux { format!("{plain}\x1bPtmux;{}\x1b\\", plain.replace('\x1b', "\x1b\x1b")) } else { plain }
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let part = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = part(0) << 16 | part(1) << 8 | part(2);
        for at in 0..4 {
            let letter = (bits >> (18 - 6 * at)) & 63;
            let used = at <= group.len();
            text.push(if used { char::from(ALPHABET[letter as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        for (text, wanted) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), wanted);
        }
    }

    #[test]
    fn no_text_ends_the_sequence_early() {
        assert_eq!(sequence("f", false), "\x1b]52;c;Zg==\x07");
        let hostile = sequence("\x07\x1b\\\x1b]0;x\x07", false);
        assert_eq!(hostile.matches('\x07').count(), 1);
        assert!(hostile.ends_with('\x07'));
        assert_eq!(sequence("f", true), "\x1b]52;c;Zg==\x07\x1bPtmux;\x1b\x1b]52;c;Zg==\x07\x1b\\");
    }
}
