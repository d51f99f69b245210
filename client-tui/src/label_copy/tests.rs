//! What is typed into JSON and into lines, what is made of it, and what is said where it cannot be.

use deadwax_proto::v1::action::Action;

use super::*;

fn song(id: &str, title: &str, isrc: &str) -> Song {
    Song { id: id.into(), title: title.into(), isrc: isrc.into(), copy: v1::SongCopy::default() }
}

fn split(name: &str, of: SplitOf, share: u32) -> v1::Split {
    v1::Split { name: name.into(), of: of.into(), share }
}

fn sheet() -> Sheet {
    let mut sheet = Sheet {
        title: "Night Drive EP".into(),
        artist: "Mara Lind".into(),
        release: v1::LabelCopy { label: "Night Records".into(), ..v1::LabelCopy::default() },
        songs: vec![song("s1", "Night Drive", "GBA1B2600001"), song("s2", "Ash", ""), song("s3", "灯", "")],
    };
    sheet.songs[0].copy.splits = vec![
        split("Mara Lind", SplitOf::Composition, 6667),
        split("Jo Bell", SplitOf::Composition, 3333),
        split("Night Records", SplitOf::Recording, 10_000),
    ];
    sheet
}

fn told(text: &str) -> Vec<String> {
    match read(text, &sheet()) {
        Ok(then) => panic!("it was read: {then:?}"),
        Err(faults) => faults.iter().map(Fault::to_string).collect(),
    }
}

#[test]
fn what_show_prints_is_read_back_as_the_same() {
    let now = sheet();
    assert_eq!(read(&now.json().to_string(), &now), Ok(now.clone()));
    let nothing = Sheet { release: v1::LabelCopy::default(), ..now.clone() };
    let whole = read(&now.json().to_string(), &nothing).unwrap();
    assert_eq!(whole.release, now.release, "what is there is said in full");
    assert!(changes(&now, &whole).is_empty());
}

#[test]
fn titles_that_could_be_another_song_are_told_by_id() {
    let mut now = sheet();
    now.songs.extend([song("s4", "ash!", ""), song("s5", "1999", ""), song("s6", "🎷", "")]);
    let names: Vec<_> =
        now.songs.iter().map(|it| now.song_json(it)["song"].as_str().unwrap().to_owned()).collect();
    assert_eq!(names, ["Night Drive", "s2", "灯", "s4", "s5", "s6"]);
    assert_eq!(read(&now.json().to_string(), &now), Ok(now));
}

#[test]
fn what_is_left_out_stays_and_what_is_empty_goes() {
    let then = read(
        r#"{"upc": " 036000291452 ", "label": "", "songs": [{"song": "ash", "explicit": "yes"}]}"#,
        &sheet(),
    );
    let then = then.unwrap();
    assert_eq!((then.release.upc.as_str(), then.release.label.as_str()), ("036000291452", ""));
    assert_eq!(then.songs[1].copy.explicit(), Explicit::Yes);
    assert_eq!(then.songs[0], sheet().songs[0]);
    let said: Vec<_> =
        changes(&sheet(), &then).into_iter().map(|it| format!("{}: {}", it.whose, it.say)).collect();
    assert_eq!(said, ["the release: UPC 036000291452, no label", "Ash: explicit yes"]);
}

#[test]
fn every_fault_is_told_at_once_with_its_place() {
    let text = r#"{"upc": 36000291452, "catalog": "x", "p_line": null, "songs": [
        {"song": "Night Drive", "credit": [], "explicit": "maybe"},
        {"song": "Nite Drive"}, {}, {"song": "Ash", "splits": [
            {"name": "Jo", "of": "composition", "percent": "33.333"}, {"name": "", "of": "words", "percent": "0"},
            {"name": "Jo", "of": "recording", "percent": 100.5}, "Jo"]},
        {"song": "s2"}, 7]}"#;
    assert_eq!(
        told(text),
        [
            r#"there is no key "catalog"; did you mean "catalogue"?"#,
            "upc: this is a number; write it in quotes, so that no 0 is lost",
            "p_line: null says nothing; write \"\" to take it away, or leave the key out",
            r#"song 1: there is no key "credit"; did you mean "credits"?"#,
            r#"song 1 ("Night Drive"): explicit: "maybe" is none of "no", "yes", "cleaned" and "" for unsaid"#,
            r#"song 2: there is no song "Nite Drive"; did you mean "Night Drive"?"#,
            r#"song 3: it does not say which; write "song": with its title or id"#,
            r#"song 4 ("Ash"), splits 1: percent: "33.333" is finer than shares are kept; two digits stand behind the point"#,
            r#"song 4 ("Ash"), splits 2: name is missing"#,
            r#"song 4 ("Ash"), splits 2: of: "words" is neither "composition" nor "recording""#,
            r#"song 4 ("Ash"), splits 2: percent: 0 % is no share; leave the name out"#,
            r#"song 4 ("Ash"), splits 3: percent: 100.50 % is more than all of it"#,
            r#"song 4 ("Ash"), splits 4: a text stands where { ... } belongs"#,
            r#"song 5 ("Ash"): it stands there twice; say everything of a song at one place"#,
            "song 6: a number stands where { ... } belongs",
        ]
    );
    assert!(told("{\"upc\": }")[0].starts_with("line 1, column 9: this is no JSON: "));
    assert_eq!(told("[]"), ["a list stands where { ... } belongs"]);
    let several = Sheet { songs: vec![song("a", "Rain 1", ""), song("b", "Rain 2", "")], ..sheet() };
    let faults = read(r#"{"songs": [{"song": "rain"}]}"#, &several).unwrap_err();
    assert_eq!(faults[0].text, r#""rain" fits several; say one by its id: a, b"#);
}

#[test]
fn a_share_is_read_to_the_digit() {
    for (text, wanted) in
        [("50", 5000), ("33.33", 3333), ("33,3 %", 3330), ("0.01", 1), ("100.000", 10_000), ("7.10%", 710)]
    {
        assert_eq!(read::share(text), Ok(wanted), "{text}");
    }
    for wrong in
        ["", "%", ".5", "-1", "1e2", "33.333", "100.01", "0", "0.00", "fifty", "٥٠", "99999999999999999999"]
    {
        assert!(read::share(wrong).is_err(), "{wrong}");
    }
    // Numbers of JSON keep what was typed.
    let text =
        r#"{"songs": [{"song": "ash", "splits": [{"name": "Jo", "of": "recording", "percent": 33.33}]}]}"#;
    assert_eq!(read(text, &sheet()).unwrap().songs[1].copy.splits[0].share, 3333);
}

fn faults(change: impl Fn(&mut Sheet), draft: bool) -> Vec<String> {
    let mut then = sheet();
    change(&mut then);
    wrong(&sheet(), &then, draft).iter().map(Fault::to_string).collect()
}

#[test]
fn wrong_codes_and_sums_are_told_before_anything_is_sent() {
    let ninety = |then: &mut Sheet| then.songs[2].copy.splits = vec![split("Jo", SplitOf::Composition, 9000)];
    assert_eq!(
        faults(ninety, false),
        [r#"song 3 ("灯"), splits: 90.00 % of the composition, missing 10.00"#]
    );
    assert!(faults(ninety, true).is_empty());
    let more = |then: &mut Sheet| then.songs[0].copy.splits[0].share = 7000;
    assert_eq!(
        faults(more, true),
        [r#"song 1 ("Night Drive"), splits: 103.33 % of the composition, 3.33 too many"#]
    );
    let upc = faults(|then| then.release.upc = "036000291453".into(), false);
    assert!(
        upc[0].starts_with("the release: ") && upc[0].contains("its last digit is 3, and 2 would"),
        "{upc:?}"
    );
    let twice = faults(|then| then.songs[1].isrc = "GB-A1B-26-00001".into(), false);
    assert!(twice[0].contains("have the same ISRC GBA1B2600001"), "{twice:?}");
    let short = faults(|then| then.songs[1].isrc = "GB-A1B-26-0001".into(), false);
    assert!(
        short[0].starts_with(r#"song 2 ("Ash"): "#) && short[0].contains("11 letters and digits"),
        "{short:?}"
    );
    assert_eq!(faults(|then| then.release.release_date = "2026-02-30".into(), false).len(), 1);
    // What was wrong before and is not touched is no reason to refuse the rest.
    let mut now = sheet();
    now.songs[1].copy.splits = vec![split("Jo", SplitOf::Composition, 9000)];
    now.release.upc = "036000291453".into();
    let mut then = now.clone();
    then.songs[1].copy.version_title = "Live".into();
    assert_eq!(wrong(&now, &then, false), []);
}

#[test]
fn two_songs_can_change_codes() {
    let mut now = sheet();
    now.songs[1].isrc = "GBA1B2600002".into();
    let mut then = now.clone();
    then.songs[0].isrc = "GB-A1B-26-00002".into();
    then.songs[1].isrc = "GBA1B2600001".into();
    assert_eq!(wrong(&now, &then, false), []);
    // The studio as it goes: no two songs share a code at any time.
    let mut codes = vec!["GBA1B2600001".to_owned(), "GBA1B2600002".to_owned()];
    for it in changes(&now, &then) {
        let Action::EditSong(edit) = it.action else { panic!("{it:?}") };
        let (at, isrc) = (usize::from(edit.song_id == "s2"), edit.isrc.unwrap().replace('-', ""));
        assert!(isrc.is_empty() || !codes.contains(&isrc), "{isrc} is another's: {codes:?}");
        codes[at] = isrc;
    }
    assert_eq!(codes, ["GBA1B2600002", "GBA1B2600001"]);
    // Another spelling alone is no change.
    let kept =
        v1::LabelCopy { upc: "036000291452".into(), language: "en".into(), ..v1::LabelCopy::default() };
    let typed = v1::LabelCopy { upc: "0 36000-29145 2".into(), language: " EN".into(), ..kept.clone() };
    let (kept, typed) = (Sheet { release: kept, ..now.clone() }, Sheet { release: typed, ..now.clone() });
    assert!(changes(&kept, &typed).is_empty());
    then = now.clone();
    then.songs[0].isrc = "gb-a1b-26-00001".into();
    assert!(changes(&now, &then).is_empty());
}

#[test]
fn lines_of_a_form_are_read_as_they_are_written() {
    let credit = |role: &str, name: &str| v1::Credit { role: role.into(), name: name.into() };
    let credits = vec![credit("producer", "Jo Bell"), credit("drums", "Ann: the third")];
    let line = credits_line(&credits).unwrap();
    assert_eq!(line, "producer: Jo Bell; drums: Ann: the third");
    assert_eq!(parse_credits(&line), Ok(credits));
    assert_eq!(parse_credits(" ; "), Ok(Vec::new()));
    for bad in ["Jo Bell", ": Jo", "producer:"] {
        assert!(parse_credits(bad).unwrap_err().contains("is no credit"), "{bad}");
    }
    assert_eq!(credits_line(&[credit("a: b", "c")]), None);
    assert_eq!(credits_line(&[credit("a", "b; c: d")]), None);
    let now = sheet();
    let line = shares_line(
        now.songs[0].shares(SplitOf::Composition).collect::<Vec<_>>().into_iter(),
        SplitOf::Composition,
    );
    assert_eq!(line.as_deref(), Some("Mara Lind 66.67; Jo Bell 33.33"));
    assert_eq!(
        parse_shares("Jo Bell 50 %;", SplitOf::Recording),
        Ok(vec![split("Jo Bell", SplitOf::Recording, 5000)])
    );
    for bad in ["Jo", "Jo Bell", "Jo 101", "50"] {
        assert!(parse_shares(bad, SplitOf::Recording).is_err(), "{bad}");
    }
}

#[test]
fn the_table_fits_eighty_columns_and_marks_what_is_missing() {
    let mut now = sheet();
    now.songs[2].title = "夜のドライブと長い題名がここに続いている".into();
    now.songs[2].copy.splits = vec![split("Jo", SplitOf::Composition, 9000)];
    now.release.p_line = "x".repeat(200);
    now.release.cover = Some(v1::Cover {
        mime: "image/jpeg".into(),
        bytes: 1_234_567,
        width: 3000,
        height: 2000,
        ..v1::Cover::default()
    });
    let shown = text(&now);
    for line in shown.lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
    }
    for wanted in [
        "  UPC               ! none",
        "  catalogue number  !! none",
        "  label             Night Records",
        "  C-line            ! none",
        "  genre             -",
        "  cover             JPEG, 3000 x 2000, 1.2 MB; ! not square",
        "  1 Night Drive        GBA1B2600001    !! none  ! none  100.00 %    100.00 %",
        "  2 Ash                !! none         !! none  ! none  ! none      ! none",
        "! 90.00 %",
        "!! \"Ash\" has no ISRC.",
    ] {
        assert!(shown.contains(wanted), "{wanted}\n{shown}");
    }
    let one = of_one(&now, 0);
    assert!(one.contains("       66.67 %  Mara Lind") && !one.contains("Ash"), "{one}");
}
