//! Label copy: its rules, its table, its JSON.

use deadwax_dsp::profile::{
    label_copy::{Explicit, Split, SplitKind, csv, json},
    places,
};

use crate::sample::{NONE, but, finding, found, sheet};

#[test]
fn codes_are_there_well_formed_and_stand_once() {
    let isrc = |text: &str| but(|it| it.copy.tracks[1].isrc = text.into());
    assert_eq!(found("streaming", &isrc("")), ["ISRC_MISSING!"]);
    assert_eq!(found("cd", &isrc("")), ["ISRC_MISSING"]);
    assert_eq!(found("vinyl-toss", &isrc("")), NONE);
    assert_eq!(found("vinyl-toss", &isrc("SE-AYE-26-0000")), ["ISRC!"], "wrong is wrong everywhere");
    assert_eq!(found("streaming", &isrc("se-aye-26-00009")), NONE, "another spelling of a right one");
    let it = finding("cd", &isrc("se-aye-26-00001"), "ISRC_TWICE");
    assert!(it.block && it.songs == [0, 1] && it.text.contains("SEAYE2600001"), "{it:?}");
    let upc = |text: &str| but(|it| it.copy.upc = text.into());
    assert_eq!(found("streaming", &upc("")), ["UPC_MISSING!"]);
    assert_eq!(found("vinyl-toss", &upc("036000291453")), ["UPC!"]);
    assert!(finding("cd", &upc("036000291453"), "UPC").text.contains("2 would check"));
}

#[test]
fn titles_names_and_the_explicit_flag() {
    for (change, code) in [
        (but(|it| it.copy.title = " ".into()), "TITLE_MISSING!"),
        (but(|it| it.copy.tracks[0].title.clear()), "TITLE_MISSING!"),
        (but(|it| it.copy.tracks[0].explicit = None), "EXPLICIT_MISSING!"),
        (but(|it| it.copy.tracks[0].title = "Road (Explicit)".into()), "TITLE_CLEAN_EXPLICIT"),
        (but(|it| it.copy.tracks[0].title = "Road - Clean".into()), "TITLE_CLEAN_EXPLICIT"),
        (but(|it| it.copy.tracks[0].version_title = "Clean Version".into()), "TITLE_CLEAN_EXPLICIT"),
        (but(|it| it.copy.tracks[0].title = "Road - Radio Edit".into()), "TITLE_VERSION"),
        (but(|it| it.copy.label.clear()), "LABEL_LINES"),
        (but(|it| it.copy.release_date = "2026-02-29".into()), "RELEASE_DATE!"),
        (but(|it| it.copy.tracks[0].credits.clear()), "CREDITS_MISSING"),
        (but(|it| it.copy.tracks[0].title = "a\u{1b}[2J".into()), "TEXT!"),
        (but(|it| it.copy.label = "x".repeat(1025)), "TEXT!"),
    ] {
        assert_eq!(found("streaming", &change), [code]);
    }
    let nobody = but(|it| it.copy.artist.clear());
    assert_eq!(found("streaming", &nobody), ["ARTIST_MISSING!"; 5], "the record and every song");
    for fine in ["Come Clean", "Clean Slate", "Explicit", "Live", "Mix", "Road (Live)", "Self-Explicit"] {
        assert_eq!(found("streaming", &but(|it| it.copy.tracks[0].title = fine.into())), NONE, "{fine}");
    }
    assert_eq!(found("vinyl-toss", &but(|it| it.copy.catalogue.clear())), ["CATALOGUE_MISSING!"]);
}

#[test]
fn splits_are_a_hundred_percent() {
    let split = |shares: &[u32]| {
        let splits = shares.iter().map(|share| Split {
            name: "Ana".into(),
            share: *share,
            kind: SplitKind::Composition,
        });
        but(|it| {
            it.copy.tracks[0].splits.retain(|it| it.kind == SplitKind::Recording);
            it.copy.tracks[0].splits.extend(splits);
        })
    };
    assert_eq!(found("streaming", &split(&[3333, 3333, 3334])), NONE);
    assert_eq!(found("streaming", &split(&[3333, 3333, 3333])), ["SPLITS_SUM"]);
    assert_eq!(found("streaming", &split(&[u32::MAX, u32::MAX])), ["SPLITS_SUM"]);
    assert_eq!(found("streaming", &split(&[])), ["SPLITS_MISSING"]);
    assert_eq!(found("vinyl-toss", &split(&[])), NONE, "not asked");
    assert_eq!(found("vinyl-toss", &split(&[9999])), ["SPLITS_SUM"], "wrong is told anyway");
    let it = finding("streaming", &split(&[9999]), "SPLITS_SUM");
    assert!(
        it.text.contains("composition are 99.99 %") && it.mend.contains("0.01 % belong to nobody"),
        "{it:?}"
    );
}

#[test]
fn letters_that_cd_text_cannot_carry() {
    assert_eq!(found("cd", &but(|it| it.copy.tracks[0].title = "Señor Ÿ".into())), ["CD_TEXT"]);
    assert_eq!(
        found("cd", &but(|it| it.copy.tracks[0].title = "Señor ÿ".into())),
        NONE,
        "the last of Latin-1"
    );
    assert_eq!(found("streaming", &but(|it| it.copy.title = "夜".into())), NONE);
}

#[test]
fn the_table_has_a_row_for_every_song_and_no_formula() {
    let mut sheet = sheet();
    sheet.copy.tracks[0].title = "=HYPERLINK(\"http://x\")".into();
    sheet.copy.tracks[1].title = " +1".into();
    sheet.copy.tracks[2].title = "a \"b\", c\nd".into();
    sheet.copy.tracks[3].splits[0].name = "@sum".into();
    let text = csv(&sheet.copy, &places(&sheet));
    assert!(text.starts_with("\"record_artist\",\"record_title\",\"upc\","), "{text}");
    assert!(text.ends_with("\r\n") && text.matches("\r\n").count() == 5);
    for cell in [
        "\"'=HYPERLINK(\"\"http://x\"\")\"",
        "\"' +1\"",
        "\"a \"\"b\"\", c\nd\"",
        "\"'@sum 100.00 %\"",
        "\"A1\"",
        "\"B2\"",
        "\"3:20\",\"200000\"",
        "\"Producer: Bo Lind\"",
        "\"SEAYE2600001\",\"no\"",
    ] {
        assert!(text.contains(cell), "{cell} is not in {text}");
    }
    // What a reader of tables makes of it: no cell begins as a formula does.
    for cell in text.split("\",\"").map(|it| it.trim_matches(['"', '\r', '\n'])) {
        assert!(!cell.trim_start().starts_with(['=', '+', '-', '@', '\t']), "{cell}");
    }
}

/// A store that is told "no" of a cleaned song shows it without its mark.
#[test]
fn cleaned_is_told_apart_from_not_explicit_in_the_table_in_the_json_and_in_the_rules() {
    for (said, word) in [(Explicit::No, "no"), (Explicit::Yes, "yes"), (Explicit::Cleaned, "cleaned")] {
        let sheet = but(|it| it.copy.tracks[0].explicit = Some(said));
        let table = csv(&sheet.copy, &places(&sheet));
        assert!(table.contains(&format!("\"SEAYE2600001\",\"{word}\"")), "{table}");
        assert_eq!(json(&sheet.copy, &places(&sheet))["tracks"][0]["explicit"], word);
        assert_eq!(found("streaming", &sheet), NONE, "{word} is an answer");
    }
    let nobody = but(|it| it.copy.tracks[0].explicit = None);
    assert!(json(&nobody.copy, &places(&nobody))["tracks"][0]["explicit"].is_null());
    assert!(csv(&nobody.copy, &places(&nobody)).contains("\"SEAYE2600001\",\"\""));
    assert!(finding("streaming", &nobody, "EXPLICIT_MISSING").mend.contains("cleaned"));
}

#[test]
fn the_json_has_numbers_as_numbers() {
    let sheet = sheet();
    let value = json(&sheet.copy, &places(&sheet));
    assert_eq!(value["upc"], "036000291452");
    let track = &value["tracks"][3];
    assert_eq!((&track["position"], &track["length_ms"]), (&"B2".into(), &150_000.into()));
    assert_eq!(track["explicit"], "no");
    assert_eq!(track["splits"][0]["share_percent"], 100.0);
    assert_eq!(track["artist"], "Moth Parade");
}
