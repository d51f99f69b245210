//! S-1 over many inputs: whatever comes, nothing that a terminal obeys comes out, and a cut fits its columns.

use deadwax_client::scrub;
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr as _;

fn nasty() -> impl Strategy<Value = String> {
    let bits = prop_oneof![
        any::<char>().prop_map(String::from),
        (0u32..0xa0).prop_map(|c| char::from_u32(c).map_or(String::new(), String::from)),
        prop::sample::select(vec![
            "\x1b]52;c;cGF5\x07",
            "\x1b[2J",
            "\u{9b}31m",
            "\u{9d}0;x\u{9c}",
            "\u{202e}",
            "\u{2066}",
            "\u{e0041}",
            "\r\n",
            "\t",
            "夜",
            "e\u{301}",
            "👩‍👩‍👧",
            "Night Drive",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(bits, 0..40).prop_map(|v| v.concat())
}

proptest! {
    #[test]
    fn nothing_a_terminal_obeys_comes_out(text in nasty(), columns in 0usize..60) {
        let line = scrub::line(&text);
        prop_assert!(!line.chars().any(scrub::is_hostile), "{line:?}");
        let obeyed = line.contains(['\u{1b}', '\u{9b}', '\u{7}', '\n', '\t']);
        prop_assert!(!obeyed, "escapes in {line:?}");
        let block = scrub::block(&text);
        prop_assert!(!block.chars().any(|c| c != '\n' && scrub::is_hostile(c)), "{block:?}");
        let cut = scrub::cut(&line, columns);
        prop_assert!(cut.width() <= columns, "{cut:?} is wider than {columns}");
        // Done twice it changes nothing more.
        prop_assert_eq!(scrub::line(&line), line);
    }
}
