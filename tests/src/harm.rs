//! Names that mean harm: to terminals, paths, shells, tables, pages, logs, and to whoever reads them. The same seed gives the same names. Tests of several crates
//! share this file by its path, so it knows nothing of any of them. Never here: what may become of a name, and any word of `scrub`, which is what is tried.
#![allow(dead_code, reason = "each test uses its part")]

/// Numbers in control sequences that no honest program sends: whoever finds them in its output knows whose they were.
pub const MARK: &str = "7331";
/// What a command in a name would leave behind where something ran it.
pub const OWNED: &str = "owned7331";

const TERMINAL: [&str; 20] = [
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]0;pwned7331\x07",
    "\x1b]2;pwned7331\x1b\\",
    "\x1b[2J\x1b[7331;7331H",
    "\x1b[?1049l",
    "\x1b[31m",
    "\x1b[7331m",
    "\x1bP+q7331\x1b\\",
    "\x1b_G7331\x1b\\",
    "\x1b]8;;http://evil.example/7331\x1b\\",
    "\x1b]11;?\x07",
    "\x1bc",
    "\x1b(0",
    "\x1b",
    "\u{9b}7331m",
    "\u{9d}0;pwned7331\u{9c}",
    "\u{90}q7331\u{9c}",
    "\x07",
    "\x08\x08\x08",
    "\x7f\x05\x0e",
];
const DIRECTION: [&str; 6] =
    ["\u{202e}gnp.exe", "\u{202a}..\u{202c}", "\u{2066}x\u{2069}", "\u{200f}", "\u{61c}", "\u{200e}"];
const UNSEEN: [&str; 12] = [
    "\u{200b}",
    "\u{feff}",
    "\u{2060}",
    "\u{ad}",
    "\u{180e}",
    "\u{e0041}\u{e007f}",
    "\u{fff9}x\u{fffb}",
    "\u{200d}",
    "\u{200c}",
    "\u{fe0f}",
    "\u{34f}",
    "\u{3164}",
];
const LINES: [&str; 10] =
    ["\n", "\r\n{\"level\":\"INFO\"}", "\r", "\u{2028}", "\u{2029}", "\u{85}", "\x0b", "\x0c", "\t", "\0"];
const PATHS: [&str; 15] = [
    "../../../../tmp/owned7331",
    "..\\..\\owned7331",
    "/tmp/owned7331",
    "C:\\owned7331",
    "\\\\evil.example\\share",
    "....//....//owned7331",
    "~/owned7331",
    "%2e%2e%2fowned7331",
    "file:///etc/passwd",
    ".bashrc",
    "..",
    ".",
    "...",
    "a/../../b",
    "//",
];
const KEPT: [&str; 14] = [
    "CON",
    "con.wav",
    "NUL",
    "COM1",
    "LPT9.txt",
    "AUX.",
    "PRN",
    "x. ",
    "x...",
    " x",
    "a:b",
    "x::$DATA",
    "|<>?*\"",
    "desktop.ini",
];
const SHELL: [&str; 16] = [
    "-i",
    "--help",
    "-rf /",
    "--profile=evil",
    "--",
    ";$(touch owned7331)",
    "`touch owned7331`",
    "| touch owned7331",
    "&& touch owned7331",
    "$IFS",
    "${HOME}",
    "%s%n%x",
    "{}{0}",
    "'; touch owned7331 #",
    "!!",
    "*",
];
const TABLE: [&str; 10] = [
    "=cmd|'/C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\u{ff1d}1+1",
    "\"=1\"",
    "a,b;c\"d",
    "'=1",
    "=HYPERLINK(\"http://evil.example\")",
];
const PAGE: [&str; 8] = [
    "<script>alert(7331)</script>",
    "\"><img src=x onerror=alert(7331)>",
    "</pre>",
    "&lt;b&gt;",
    "[x](javascript:alert(7331))",
    "{{7*7}}",
    "<!--",
    "]]>",
];
const ALIKE: [&str; 9] =
    ["Zoë", "Zoe\u{308}", "ﬁne", "An\u{430}", "Å", "A\u{30a}", "\u{212b}", "\u{131}I", "\u{1e9e}ß"];
const SIGNS: [&str; 13] = [
    "👩‍👩‍👧‍👦",
    "🏳️‍🌈",
    "🇩🇪🇩",
    "👍🏽",
    "夜の歌",
    "ｱ",
    "שלום",
    "\u{fffd}\u{fffd}",
    "\\ud800",
    "&#xD800;",
    "\u{10ffff}",
    "\u{e000}",
    "\u{1d173}",
];

const ALL: [&[&str]; 11] =
    [&TERMINAL, &DIRECTION, &UNSEEN, &LINES, &PATHS, &KEPT, &SHELL, &TABLE, &PAGE, &ALIKE, &SIGNS];

/// `count` names, each once: every piece by itself, what is very long, then pieces among honest words.
pub fn names(seed: u64, count: usize) -> Vec<String> {
    let mut all: Vec<String> = ALL.iter().flat_map(|it| it.iter()).map(|it| (*it).to_owned()).collect();
    let zalgo = format!("e{}", "\u{301}".repeat(300));
    all.extend(["x".repeat(127), "x".repeat(10_000), "\u{e9}".repeat(2_000), "👩‍👩‍👧‍👦".repeat(40), zalgo]);
    let mut lot = seed;
    let mut next = |end: usize| {
        // splitmix64
        lot = lot.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = lot;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((it ^ (it >> 31)) % end as u64).unwrap_or(0)
    };
    let mut seen: std::collections::BTreeSet<String> = all.iter().cloned().collect();
    while all.len() < count {
        let mut name = String::new();
        for _ in 0..=next(3) {
            let kind = ALL[next(ALL.len())];
            name += ["", "Night ", "Drive", "a.b "][next(4)];
            name += kind[next(kind.len())];
        }
        name += ["", "Drive", ".wav", " (live)"][next(4)];
        if seen.insert(name.clone()) {
            all.push(name);
        }
    }
    all.truncate(count);
    all
}

/// What no reader of ours may be shown raw: whatever a terminal obeys, what breaks a line, what turns or hides text. Written from Unicode's own lists, apart from
/// `scrub`.
pub fn is_obeyed(c: char) -> bool {
    let at = u32::from(c);
    at < 0x20
        || (0x7f..0xa0).contains(&at)
        || matches!(at, 0x061c | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069)
        || (0xe0000..=0xe007f).contains(&at)
}

/// A name of a file that every system keeps as it is, and that is no path, no option and no device.
pub fn is_plain_file(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || ["COM", "LPT"].iter().any(|it| stem.strip_prefix(it).is_some_and(|nth| nth.len() == 1));
    let sound = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    !name.is_empty()
        && name.len() <= 200
        && name.chars().all(sound)
        && !name.starts_with(['.', '-'])
        && !name.ends_with('.')
        && !name.contains("..")
        && !device
}

/// The cells of a table as RFC 4180 has them, line by line. Errors: what is no table.
pub fn cells(csv: &str) -> Result<Vec<Vec<String>>, String> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut rest = csv.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                cell.push('"');
            }
            '"' if quoted => {
                quoted = false;
                if !matches!(rest.peek(), None | Some(',' | '\r' | '\n')) {
                    return Err(format!("text behind a closed cell: {cell:?}"));
                }
            }
            '"' if cell.is_empty() => quoted = true,
            '"' => return Err(format!("a quote inside an open cell: {cell:?}")),
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && rest.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    if quoted || !cell.is_empty() || !row.is_empty() {
        return Err(format!("the table has no end: {cell:?}"));
    }
    Ok(rows)
}

/// A spreadsheet would compute it. Numbers of our own are none.
pub fn is_formula(cell: &str) -> bool {
    let begins = cell.trim_start_matches(|c: char| c.is_whitespace() || c.is_control());
    begins.starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'])
        && cell.parse::<f64>().is_err()
}
