//! Given a record, when somebody says what stands on its label.

use super::*;
use crate::testing::*;

fn release(change: impl Fn(&mut LabelCopy)) -> Command {
    let mut copy = LabelCopy { label: "Night Records".to_owned(), ..LabelCopy::default() };
    change(&mut copy);
    Command::SetLabelCopy { copy }
}

/// 036000291452 is the GS1 example of a UPC-A, 4006381333931 an EAN-13 of a pencil.
#[test]
fn a_upc_checks_itself_and_the_refusal_names_the_digit() {
    for good in ["036000291452", "4006381333931", "0 36000 29145 2", "400-6381-33393-1", "0000000000000"] {
        let plain: String = good.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(upc(good), Ok(plain), "{good}");
    }
    assert_eq!(upc(""), Ok(String::new()));
    let wrong = upc("036000291453").unwrap_err();
    assert_eq!(wrong.reason, Reason::UpcInvalid);
    assert_eq!(wrong.text, "The UPC 036000291453 ends in 3; its last digit would have to be 2.");
    assert!(upc("4006381333932").unwrap_err().text.ends_with("would have to be 1."));
    for bad in ["03600029145", "40063813339310", "03600029145X", "٠٣٦٠٠٠٢٩١٤٥٢", "UPC"] {
        assert_eq!(upc(bad).unwrap_err().reason, Reason::UpcInvalid, "{bad}");
    }
}

#[test]
fn every_wrong_digit_of_a_upc_is_found() {
    let right = "036000291452";
    for at in 0..right.len() {
        for digit in '0'..='9' {
            let mut other: Vec<char> = right.chars().collect();
            other[at] = digit;
            let other: String = other.into_iter().collect();
            assert_eq!(upc(&other).is_ok(), other == right, "{other}");
        }
    }
}

#[test]
fn the_label_copy_is_set_as_a_whole_by_who_answers_for_it() {
    let given = Given::mixed();
    for who in [ARTIST, MIXER, MASTERER, LISTENER] {
        given.when(person(who), release(|_| {})).refused(Reason::NotYourRole);
    }
    given
        .when(person(LABEL), Command::SetLabelCopy { copy: LabelCopy::default() })
        .refused(Reason::NothingToChange);
    for date in ["2026-02-29", "2026-13-01", "27.11.2026", "2026-11-27T00:00:00Z", "soon"] {
        let set = release(|copy| date.clone_into(&mut copy.release_date));
        given.when(person(LABEL), set).refused(Reason::RuleInvalid);
    }
    for language in ["english", "e", "e1"] {
        let set = release(|copy| language.clone_into(&mut copy.language));
        given.when(person(LABEL), set).refused(Reason::RuleInvalid);
    }
    let long = release(|copy| copy.p_line = "x".repeat(LINE_CHARS_MAX + 1));
    given.when(person(LABEL), long).refused(Reason::TextTooLong);
    for bad in ["a\nb", "a\u{202e}b", "a\u{1b}[2J"] {
        let set = release(|copy| bad.clone_into(&mut copy.catalogue));
        given.when(person(LABEL), set).refused(Reason::NameInvalid);
    }
    let whole = release(|copy| {
        copy.upc = "0 36000 29145 2".to_owned();
        copy.p_line = " ℗ 2026 Night Records / Day Ltd ".to_owned();
        copy.release_date = "2028-02-29".to_owned();
        copy.language = "EN".to_owned();
    });
    let set = given.and(person(LABEL), whole.clone());
    let copy = &set.project.label_copy;
    assert_eq!((copy.upc.as_str(), copy.p_line.as_str()), ("036000291452", "℗ 2026 Night Records / Day Ltd"));
    assert_eq!((copy.release_date.as_str(), copy.language.as_str()), ("2028-02-29", "en"));
    set.when(person(OWNER), whole).refused(Reason::NothingToChange);
    let less = set.and(person(OWNER), release(|_| {}));
    assert_eq!(less.project.label_copy.upc, "", "what is left out is taken away");
}

fn song(splits: &[(&str, bool, u32)], credits: &[(&str, &str)]) -> Command {
    let split = |(name, recording, share): &(&str, bool, u32)| Split {
        name: (*name).to_owned(),
        recording: *recording,
        share: *share,
    };
    let credit = |(role, name): &(&str, &str)| Credit { role: (*role).to_owned(), name: (*name).to_owned() };
    Command::SetSongCopy {
        song: SONG,
        copy: SongCopy {
            version_title: String::new(),
            explicit: Some(Explicit::No),
            credits: credits.iter().map(credit).collect(),
            splits: splits.iter().map(split).collect(),
        },
    }
}

#[test]
fn shares_come_to_the_whole_at_most_each_kind_for_itself() {
    let given = Given::mixed();
    let whole = song(
        &[("Lena", true, 5000), ("Night Records", true, 5000), ("Lena", false, 10_000)],
        &[("mixer", "Jo"), ("mixer", "Ann")],
    );
    given.when(person(MIXER), whole.clone()).refused(Reason::NotYourRole);
    let set = given.clone().and(person(LABEL), whole.clone());
    set.when(person(LABEL), whole).refused(Reason::NothingToChange);
    let refused = |splits: &[(&str, bool, u32)], said: &str| {
        let no = given.when(person(LABEL), song(splits, &[])).0.unwrap_err();
        assert_eq!(no.reason, Reason::RuleInvalid);
        assert!(no.text.contains(said), "{no}");
    };
    refused(&[("Lena", true, 5000), ("Jo", true, 5001)], "The shares of the recording come to 100.01 %.");
    refused(&[("Lena", false, u32::MAX), ("Jo", false, u32::MAX)], "A share of the composition");
    refused(&[("Lena", true, 0)], "above 0");
    refused(&[("Lena", true, 1), ("lena ", true, 1)], "two shares of the recording");
    given.when(person(LABEL), song(&[(" ", true, 1)], &[])).refused(Reason::TextEmpty);
    given.when(person(LABEL), song(&[], &[("mixer", "a\nb")])).refused(Reason::NameInvalid);
    let many: Vec<(&str, &str)> = vec![("a", "b"); limits::CREDITS_PER_SONG_MAX + 1];
    given.when(person(LABEL), song(&[], &many)).refused(Reason::LimitReached);
    let many: Vec<(&str, bool, u32)> = vec![("a", true, 1); limits::SPLITS_PER_SONG_MAX + 1];
    given.when(person(LABEL), song(&many, &[])).refused(Reason::LimitReached);
    let long = "字".repeat(LINE_CHARS_MAX);
    let many: Vec<(&str, &str)> = vec![(&long, &long); limits::CREDITS_PER_SONG_MAX];
    given.when(person(LABEL), song(&[], &many)).refused(Reason::LimitReached);
    let unknown = Command::SetSongCopy { song: SongId(9), copy: SongCopy::default() };
    given.when(person(LABEL), unknown).refused(Reason::NoSuchSong);
    let empty = Command::SetSongCopy { song: SONG, copy: SongCopy::default() };
    given.when(person(LABEL), empty.clone()).refused(Reason::NothingToChange);
    set.when(person(LABEL), empty).facts(&["SONG_COPY_SET"]);
}

fn cover(change: impl Fn(&mut Cover)) -> Command {
    let digest = digest(7);
    let mut cover =
        Cover { digest, bytes: 1_200_000, mime: "image/jpeg".to_owned(), width: 3000, height: 3000 };
    change(&mut cover);
    Command::SetCover { cover: Some(cover) }
}

#[test]
fn a_cover_is_set_and_taken_away_by_who_answers_for_the_label_copy() {
    let given = Given::mixed();
    for who in [ARTIST, MIXER, MASTERER, LISTENER, STRANGER] {
        let reason = if who == STRANGER { Reason::NotAMember } else { Reason::NotYourRole };
        given.when(person(who), cover(|_| {})).refused(reason);
        given.when(person(who), Command::SetCover { cover: None }).refused(reason);
    }
    let none = given.when(person(LABEL), Command::SetCover { cover: None }).0.unwrap_err();
    assert_eq!((none.reason, none.text.as_str()), (Reason::NothingToChange, "There is no cover."));
    let set = given.clone().and(person(LABEL), cover(|_| {}));
    assert_eq!(set.project.cover.as_ref().map(|it| (it.digest, it.width)), Some((digest(7), 3000)));
    set.when(person(OWNER), cover(|_| {})).refused(Reason::NothingToChange);
    let wide = set.and(person(OWNER), cover(|cover| (cover.width, cover.digest) = (4000, digest(8))));
    assert_eq!(
        wide.project.cover.as_ref().map(|it| it.width),
        Some(4000),
        "a square is advised, never asked"
    );
    let gone = wide.and(person(LABEL), Command::SetCover { cover: None });
    assert_eq!(gone.project.cover, None);
}

#[test]
fn what_fits_into_no_tag_is_no_cover() {
    let given = Given::mixed();
    let most = limits::COVER_BYTES_MAX;
    given.when(person(LABEL), cover(|cover| cover.bytes = most)).facts(&["COVER_SET"]);
    type Change = fn(&mut Cover);
    let bad: [Change; 5] = [
        |cover| cover.bytes = limits::COVER_BYTES_MAX + 1,
        |cover| cover.bytes = 0,
        |cover| cover.mime = "image/gif".to_owned(),
        |cover| cover.width = 0,
        |cover| cover.height = 0,
    ];
    for change in bad {
        let no = given.when(person(LABEL), cover(change)).0.unwrap_err();
        assert!(no.reason == Reason::CoverInvalid && !no.hint.is_empty(), "{no}");
    }
}
