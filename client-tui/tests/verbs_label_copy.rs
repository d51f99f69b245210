//! `label-copy` as a person or a script runs it: the real program, a home of its own, and the small server. What is read and what of it is sent, what is told
//! where it cannot be, and the cover up and down.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod kit;
mod net_fake;

use std::process::Output;

use deadwax_proto::v1::{self, SplitOf, action::Action, row::Row};
use kit::{House, code, err, out, sha};

fn rows() -> Vec<v1::Row> {
    let song = |id: &str, title: &str, position| v1::SongRow {
        song_id: id.into(),
        title: title.into(),
        position,
        ..v1::SongRow::default()
    };
    let project = v1::ProjectRow {
        project_id: "proj-1".into(),
        title: "Night Drive EP".into(),
        artist: "Mara Lind".into(),
        label_copy: Some(v1::LabelCopy { label: "Night Records".into(), ..v1::LabelCopy::default() }),
        ..v1::ProjectRow::default()
    };
    let split = |name: &str, share| v1::Split { name: name.into(), of: SplitOf::Composition.into(), share };
    let done = v1::SongRow {
        isrc: "GBA1B2600001".into(),
        copy: Some(v1::SongCopy {
            version_title: "Radio\u{1b}[2J Edit".into(),
            explicit: v1::Explicit::No.into(),
            credits: vec![v1::Credit { role: "producer".into(), name: "Jo Bell".into() }],
            splits: vec![split("Mara Lind", 6667), split("Jo Bell", 3333)],
        }),
        ..song("s1", "Night Drive", 1)
    };
    let row = |key: &str, row| v1::Row { key: key.into(), row: Some(row) };
    vec![
        row("project", Row::Project(project)),
        row("song/s1", Row::Song(done)),
        row("song/s2", Row::Song(song("s2", "Ash", 2))),
        row("song/s3", Row::Song(song("s3", "灯", 3))),
    ]
}

impl House {
    async fn copy(&self, args: &[&str]) -> Output {
        self.copy_given(args, "").await
    }

    async fn copy_given(&self, args: &[&str], given: &str) -> Output {
        let args: Vec<&str> = ["label-copy"].iter().chain(args).copied().collect();
        self.piped(&args, given).await
    }

    /// Sets what stands in this JSON and answers what reached the server.
    async fn set(&self, json: &str) -> (Output, Vec<Action>) {
        self.fake.seen().actions.clear();
        let output = self.copy_given(&["set", "-"], json).await;
        let actions = self.fake.seen().actions.clone();
        (output, actions)
    }
}

#[tokio::test]
async fn show_marks_what_is_missing_and_its_json_is_what_set_takes() {
    let house = House::open(rows()).await;
    let shown = house.copy(&["show"]).await;
    let text = out(&shown);
    for wanted in [
        "Night Drive EP by Mara Lind",
        "catalogue number  !! none",
        "UPC               ! none",
        "cover             none yet",
        "  2 Ash                !! none         !! none  ! none  ! none      ! none",
        "!! The record has no catalogue number.",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert_eq!((code(&shown), err(&shown).as_str()), (0, ""));
    for line in text.lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
    }
    let one = out(&house.copy(&["show", "night"]).await);
    assert!(!one.contains('\u{1b}') && one.contains("Night Drive (Radio[2J Edit)"), "{one}");
    assert!(one.contains("producer") && one.contains("66.67 %  Mara Lind") && !one.contains("Ash"), "{one}");

    let json = out(&house.copy(&["show", "--json"]).await);
    let (same, actions) = house.set(&json).await;
    assert_eq!((code(&same), actions.len()), (0, 0), "{}", err(&same));
    assert!(out(&same).contains("says exactly this already"));
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["songs"][0]["splits"][1]["percent"], "33.33");
    let one = out(&house.copy(&["show", "2", "--json"]).await);
    let value: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!(
        (value["songs"][0]["song"].as_str(), value["songs"].as_array().unwrap().len()),
        (Some("Ash"), 1)
    );
}

#[tokio::test]
async fn set_sends_only_what_differs_one_action_a_song_and_says_it() {
    let house = House::open(rows()).await;
    let json = r#"{"upc": "0 36000 29145 2", "label": "Night Records", "songs": [
        {"song": "Night Drive", "explicit": "no"},
        {"song": "s3", "isrc": "GB-A1B-26-00003"},
        {"song": "ash", "explicit": "cleaned", "credits": [{"role": "drums", "name": "Ann"}],
         "splits": [{"name": "Ann", "of": "recording", "percent": "100"}]}]}"#;
    let (done, actions) = house.set(json).await;
    assert_eq!(code(&done), 0, "{}", err(&done));
    let [Action::SetLabelCopy(release), Action::SetSongCopy(ash), Action::EditSong(lamp)] =
        actions.as_slice()
    else {
        panic!("{actions:?}")
    };
    let release = release.copy.as_ref().unwrap();
    assert_eq!((release.upc.as_str(), release.label.as_str()), ("0 36000 29145 2", "Night Records"));
    assert_eq!((ash.song_id.as_str(), ash.copy.as_ref().unwrap().splits[0].share), ("s2", 10_000));
    assert_eq!((lamp.song_id.as_str(), lamp.isrc.as_deref()), ("s3", Some("GB-A1B-26-00003")));
    assert_eq!(
        out(&done).lines().collect::<Vec<_>>(),
        [
            "the release: UPC 0 36000 29145 2.",
            "Ash: explicit cleaned, 1 credit, 1 share of the recording, 100.00 %.",
            "灯: ISRC GB-A1B-26-00003.",
        ]
    );
    let file = house.path().join("copy.json");
    std::fs::write(&file, json).unwrap();
    house.fake.seen().actions.clear();
    let dry = house.copy(&["set", "copy.json", "--dry-run", "--json"]).await;
    assert_eq!((code(&dry), house.fake.seen().actions.len()), (0, 0), "{}", err(&dry));
    let first: serde_json::Value = serde_json::from_str(out(&dry).lines().next().unwrap()).unwrap();
    assert_eq!((first["row"].as_str(), first["dry_run"].as_bool()), (Some("label_copy_change"), Some(true)));
}

#[tokio::test]
async fn what_is_wrong_is_told_all_at_once_and_nothing_is_set() {
    let house = House::open(rows()).await;
    for (json, told) in [
        (r#"{"catalog": "x"}"#, r#"there is no key "catalog"; did you mean "catalogue"?"#),
        (r#"{"upc": "036000291453"}"#, "its last digit is 3, and 2 would check the others"),
        (
            r#"{"songs": [{"song": "灯", "splits": [{"name": "Jo", "of": "composition", "percent": "90"}]}]}"#,
            r#"song 3 ("灯"), splits: 90.00 % of the composition, missing 10.00"#,
        ),
        (r#"{"songs": [{"song": "ash", "isrc": "GBA1B2600001"}]}"#, "have the same ISRC GBA1B2600001"),
        (r#"{"release_date": "27.11.2026"}"#, "is no day of the calendar"),
        ("{", "this is no JSON"),
    ] {
        let (no, actions) = house.set(json).await;
        assert_eq!((code(&no), actions.len()), (3, 0), "{json}: {}", err(&no));
        assert!(err(&no).contains("nothing was set") && err(&no).contains(told), "{json}: {}", err(&no));
    }
    let draft =
        r#"{"songs": [{"song": "灯", "splits": [{"name": "Jo", "of": "composition", "percent": "90"}]}]}"#;
    let done = house.copy_given(&["set", "-", "--draft"], draft).await;
    assert_eq!(code(&done), 0, "{}", err(&done));
    assert_eq!(code(&house.copy(&["set", "absent.json"]).await), 3);
    assert_eq!(code(&house.copy(&["show", "nothing"]).await), 2);
}

#[tokio::test]
async fn a_refusal_names_whose_it_is_and_what_stands_already() {
    let house = House::open(rows()).await;
    let json = r#"{"genre": "Electronic"}"#;
    house.fake.seen().refuse = Some(["RULE_INVALID", "The genre is not known.", "Write another."]);
    let (no, _) = house.set(json).await;
    assert_eq!(code(&no), 1);
    assert!(err(&no).contains("the release: genre Electronic: not set; nothing was set."), "{}", err(&no));
    assert!(err(&no).contains("Write another."), "{}", err(&no));
    // Somebody came between: the same is asked again, on what is there then.
    house.fake.seen().refuse =
        Some(["SOMEBODY_WAS_FASTER", "Somebody changed this a moment before you.", "Look again."]);
    let (done, actions) = house.set(json).await;
    assert_eq!((code(&done), actions.len()), (0, 2), "{}", err(&done));
    assert_eq!(out(&done), "the release: genre Electronic.\n");
    // Told by the row: not even asked.
    for row in house.fake.seen().rows.iter_mut() {
        if let Some(Row::Song(song)) = &mut row.row {
            let (reason, text) = ("NOT_YOUR_ROLE".into(), "Only the label may.".into());
            song.allowed =
                vec![v1::Allowed { action: "set_song_copy".into(), reason, text, ..v1::Allowed::default() }];
        }
    }
    let (no, actions) =
        house.set(r#"{"genre": "Electronic", "songs": [{"song": "ash", "explicit": "no"}]}"#).await;
    assert_eq!((code(&no), actions.len()), (1, 0), "{}", err(&no));
}

#[tokio::test]
async fn a_cover_goes_up_once_however_the_line_is_and_comes_down_checked() {
    let house = House::open(rows()).await;
    let picture: Vec<u8> = (0..600_000_u32).map(|n| n as u8).collect();
    std::fs::write(house.path().join("front.png"), &picture).unwrap();
    house.fake.seen().lose_answers = 1;
    let done = house.copy(&["cover", "front.png"]).await;
    assert_eq!(code(&done), 0, "{}", err(&done));
    assert_eq!(out(&done).trim_end(), "Lena set the cover.31m", "what a terminal would obey is gone");
    let put = std::mem::take(&mut house.fake.seen().covers_put);
    assert!(put.len() == 2 && put[0] == put[1] && put[0].1 == picture, "the same command, the same bytes");

    house.fake.seen().refuse =
        Some(["COVER_INVALID", "The cover is neither JPEG nor PNG.", "Save it as one of these."]);
    let no = house.copy(&["cover", "front.png"]).await;
    assert!(code(&no) == 3 && err(&no).contains("Save it as one of these."), "{}", err(&no));
    assert_eq!(code(&house.copy(&["cover", "absent.png"]).await), 3);
    assert_eq!(code(&house.copy(&["cover"]).await), 2);
    assert_eq!(code(&house.copy(&["cover", "front.png", "--remove"]).await), 2);

    let none = house.copy(&["cover", "--to", "got/front.png"]).await;
    assert!(code(&none) == 1 && err(&none).contains("no cover yet"), "{}", err(&none));
    let cover = |bytes: &[u8]| v1::Cover {
        sha256: sha(bytes),
        bytes: bytes.len() as u64,
        mime: "image/png".into(),
        width: 3000,
        height: 3000,
    };
    house.fake.seen().cover = Some((cover(&picture), picture.clone()));
    let got = house.copy(&["cover", "--to", "got/front.png", "--json"]).await;
    assert_eq!(code(&got), 0, "{}", err(&got));
    assert_eq!(std::fs::read(house.path().join("got/front.png")).unwrap(), picture);
    assert_eq!(
        code(&house.copy(&["cover", "--to", "got/front.png"]).await),
        0,
        "what is there already is right"
    );

    std::fs::write(house.path().join("other.png"), "mine").unwrap();
    let no = house.copy(&["cover", "--to", "other.png"]).await;
    assert!(code(&no) == 1 && err(&no).contains("left alone"), "{}", err(&no));
    assert_eq!(std::fs::read(house.path().join("other.png")).unwrap(), b"mine");
    // Other bytes than the digest says, fewer, more.
    for wrong in [[b"x", &picture[1..]].concat(), picture[..9000].to_vec(), [&picture[..], b"x"].concat()] {
        house.fake.seen().cover = Some((cover(&picture), wrong));
        let no = house.copy(&["cover", "--to", "wrong.png"]).await;
        assert_eq!(code(&no), 1, "{}", err(&no));
        assert!(!house.path().join("wrong.png").exists());
    }
    let gone = house.copy(&["cover", "--remove"]).await;
    assert_eq!(code(&gone), 0, "{}", err(&gone));
    assert!(matches!(house.fake.seen().actions.last(), Some(Action::RemoveCover(_))));
}

#[tokio::test]
async fn whoever_only_listens_is_told_so_and_sees_no_empty_label_copy() {
    let house = House::open(rows()).await;
    for row in house.fake.seen().rows.iter_mut() {
        if let Some(Row::Project(project)) = &mut row.row {
            project.your_roles = vec![v1::Role::Listener.into()];
        }
    }
    for args in [&["show"][..], &["set", "-"]] {
        let no = house.copy_given(args, "{}").await;
        assert!(code(&no) == 1 && err(&no).contains("Listeners") && out(&no).is_empty(), "{}", err(&no));
    }
}
