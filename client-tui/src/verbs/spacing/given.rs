//! A running order as a person gives it: words such as `Title:2.5,out=8`, or a file. Every song once is the server's rule; here each word becomes a song and
//! how it lies. What is not said stays as it is. Never here: printing, sending.

use std::{io::Read as _, path::Path};

use deadwax_proto::v1::SpacingItem;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    name,
    verbs::{VerbError, house::House, words},
};

/// A running order of the longest project is far smaller.
const FILE_BYTES_MAX: u64 = 16 << 20;
/// Further settings are no error of a file: they only tell what follows from the order.
const ITEM_KEYS: [&str; 12] = [
    "song_id",
    "song",
    "gap_ms",
    "crossfade_ms",
    "fade_in_ms",
    "fade_out_ms",
    "shape",
    "gain_db",
    "trim_in_ms",
    "trim_out_ms",
    "hidden",
    "begins_side",
];

/// As it is now, for the song named.
fn now(house: &House, song_id: &str) -> SpacingItem {
    let present = house.project.spacing.as_ref().map_or(&[][..], |it| it.items.as_slice());
    let known = present.iter().find(|it| it.song_id == song_id).cloned();
    SpacingItem { song_id: song_id.to_owned(), ..known.unwrap_or_default() }
}

/// `Title:2.5`, `Title:x1.5,out=8,shape=linear,gain=-1.5,trim-in=0.3,side`.
pub(super) fn items(house: &House, said: &[String]) -> Result<Vec<SpacingItem>, VerbError> {
    let mut items: Vec<SpacingItem> = Vec::new();
    for text in said {
        let (wanted, asked) = match text.rsplit_once(':') {
            Some((wanted, asked)) if is_asked(house, text, asked) => (wanted, Some(asked)),
            _ => (text.as_str(), None),
        };
        let song = house.song(Some(wanted))?;
        if items.iter().any(|it| it.song_id == song.song_id) {
            return Err(twice(&song.title));
        }
        let mut item = now(house, &song.song_id);
        for part in asked.into_iter().flat_map(|asked| asked.split(',')) {
            change(&mut item, text, part.trim())?;
        }
        items.push(item);
    }
    Ok(items)
}

fn twice(title: &str) -> VerbError {
    VerbError::Usage(format!("{title} stands there twice; name every song once"))
}

const SETTINGS: [&str; 6] = ["in", "out", "trim-in", "trim-out", "shape", "gain"];
const FLAGS: [&str; 2] = ["hidden", "side"];

/// What stands behind the last colon: a number, a crossfade or a setting; else it is part of the title.
fn is_asked(house: &House, text: &str, asked: &str) -> bool {
    let numeric = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.');
    let setting = |text: &str| {
        let mut names = SETTINGS.iter().chain(&FLAGS);
        names.any(|name| text.strip_prefix(name).is_some_and(|it| it.starts_with('=')))
    };
    let first = asked.split(',').next().unwrap_or_default().trim();
    if FLAGS.contains(&first) {
        // A title may end so.
        return house.songs.iter().all(|it| name::key(&it.title) != name::key(text));
    }
    numeric(first) || first.strip_prefix('x').is_some_and(numeric) || setting(first)
}

/// A gap takes the crossfade away, and the other way round: a song has one of them.
fn change(item: &mut SpacingItem, text: &str, part: &str) -> Result<(), VerbError> {
    match part.split_once('=') {
        Some(("in", seconds)) => item.fade_in_ms = seconds_of(text, seconds)?,
        Some(("out", seconds)) => item.fade_out_ms = seconds_of(text, seconds)?,
        Some(("trim-in", seconds)) => item.trim_in_ms = seconds_of(text, seconds)?,
        Some(("trim-out", seconds)) => item.trim_out_ms = seconds_of(text, seconds)?,
        Some(("shape", word)) => item.shape = words::parse_fade_shape(word)?.into(),
        Some(("hidden", word)) => item.hidden = yes(text, word)?,
        Some(("side", word)) => item.begins_side = yes(text, word)?,
        Some(("gain", db)) => {
            let db: Option<f64> = db.trim_end_matches("dB").trim().parse().ok();
            let wrong = || {
                VerbError::Usage(format!("{text:?} has no gain that can be had; write dB, as \"gain=-1.5\""))
            };
            item.gain_cb = centibels(db).ok_or_else(wrong)?;
        }
        Some((other, _)) => {
            return Err(VerbError::Usage(format!(
                "{text:?}: there is no {other:?}; write in, out, trim-in, trim-out, shape, gain, hidden or side, as \"Night Drive:x2,out=8\""
            )));
        }
        None if part == "hidden" => item.hidden = true,
        None if part == "side" => item.begins_side = true,
        None => match part.strip_prefix('x') {
            Some(seconds) => (item.gap_ms, item.crossfade_ms) = (0, seconds_of(text, seconds)?),
            None => (item.gap_ms, item.crossfade_ms) = (seconds_of(text, part)?, 0),
        },
    }
    Ok(())
}

fn yes(text: &str, word: &str) -> Result<bool, VerbError> {
    match word.trim() {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(VerbError::Usage(format!("{text:?}: say yes or no, as \"Last Bus:side=no\""))),
    }
}

fn seconds_of(text: &str, said: &str) -> Result<u32, VerbError> {
    let seconds: Option<f64> =
        said.parse().ok().filter(|s: &f64| (0.0..=f64::from(u32::MAX) / 1000.0).contains(s));
    seconds.map(|s| (s * 1000.0).round() as u32).ok_or_else(|| {
        VerbError::Usage(format!(
            "{text:?} has no gap that can be had; write seconds, as \"Night Drive:2.5\""
        ))
    })
}

fn centibels(db: Option<f64>) -> Option<i32> {
    db.filter(|db| db.abs() <= 1000.0).map(|db| (db * 100.0).round() as i32)
}

/// A file that was read: the number that it was written of, and its items.
#[derive(Debug)]
pub(super) struct Given {
    /// 0: it does not say.
    pub number: u32,
    items: Vec<Value>,
    /// For messages.
    from: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Shape {
    Whole {
        #[serde(default)]
        number: u32,
        items: Vec<Value>,
    },
    Items(Vec<Value>),
}

pub(super) fn read(path: &Path) -> Result<Given, VerbError> {
    let from = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
    let mut text = String::new();
    let opened = if path == Path::new("-") {
        std::io::stdin().lock().take(FILE_BYTES_MAX + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|it| it.take(FILE_BYTES_MAX + 1).read_to_string(&mut text))
    };
    opened.map_err(|e| VerbError::Input(format!("{from} could not be read: {e}")))?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(VerbError::Input(format!("{from} is too long for a running order")));
    }
    parse(&text, from)
}

fn parse(text: &str, from: String) -> Result<Given, VerbError> {
    let hint = "write what `deadwax spacing show --json` prints";
    let value: Value =
        serde_json::from_str(text).map_err(|e| VerbError::Input(format!("{from}: {e}; {hint}")))?;
    let shape = serde_json::from_value(value)
        .map_err(|_| VerbError::Input(format!("{from} holds no running order; {hint}")))?;
    Ok(match shape {
        Shape::Whole { number, items } => Given { number, items, from },
        Shape::Items(items) => Given { number: 0, items, from },
    })
}

impl Given {
    pub(super) fn items(&self, house: &House) -> Result<Vec<SpacingItem>, VerbError> {
        let mut items: Vec<SpacingItem> = Vec::new();
        for (at, value) in self.items.iter().enumerate() {
            let wrong = |what: String| VerbError::Input(format!("{}: song {}: {what}", self.from, at + 1));
            let item = item(house, value).map_err(wrong)?;
            if items.iter().any(|it| it.song_id == item.song_id) {
                return Err(wrong("it stands there twice; name every song once".into()));
            }
            items.push(item);
        }
        Ok(items)
    }
}

/// One song of a file. The error says what is wrong with it.
fn item(house: &House, value: &Value) -> Result<SpacingItem, String> {
    let Some(object) = value.as_object() else { return Err("it is no object with a song_id".into()) };
    if let Some(other) = object.keys().find(|key| !ITEM_KEYS.contains(&key.as_str())) {
        return Err(format!("there is no {other:?}; write {}", ITEM_KEYS.join(", ")));
    }
    let text = |key: &str| object.get(key).and_then(Value::as_str).filter(|it| !it.is_empty());
    let song_id = match (text("song_id"), text("song")) {
        (Some(id), _) => {
            let found = house.songs.iter().find(|it| it.song_id == id);
            found.ok_or_else(|| format!("there is no song with the id {id:?}"))?.song_id.clone()
        }
        (None, Some(named)) => house.song(Some(named)).map_err(|e| e.to_string())?.song_id.clone(),
        (None, None) => return Err("it names no song; write song_id, or its title as song".into()),
    };
    let mut item = now(house, &song_id);
    let ms = |key: &str, now: u32| match object.get(key) {
        None => Ok(now),
        Some(value) => value
            .as_u64()
            .and_then(|it| u32::try_from(it).ok())
            .ok_or_else(|| format!("{key} is {value}; write whole milliseconds from 0 on")),
    };
    let flag = |key: &str, now: bool| match object.get(key) {
        None => Ok(now),
        Some(value) => value.as_bool().ok_or_else(|| format!("{key} is {value}; write true or false")),
    };
    item.gap_ms = ms("gap_ms", item.gap_ms)?;
    item.crossfade_ms = ms("crossfade_ms", item.crossfade_ms)?;
    item.fade_in_ms = ms("fade_in_ms", item.fade_in_ms)?;
    item.fade_out_ms = ms("fade_out_ms", item.fade_out_ms)?;
    item.trim_in_ms = ms("trim_in_ms", item.trim_in_ms)?;
    item.trim_out_ms = ms("trim_out_ms", item.trim_out_ms)?;
    item.hidden = flag("hidden", item.hidden)?;
    item.begins_side = flag("begins_side", item.begins_side)?;
    if let Some(value) = object.get("shape") {
        let word = value
            .as_str()
            .ok_or_else(|| format!("shape is {value}; write equal-power, linear or exponential"))?;
        item.shape = words::parse_fade_shape(word).map_err(|e| e.to_string())?.into();
    }
    if let Some(value) = object.get("gain_db") {
        item.gain_cb =
            centibels(value.as_f64()).ok_or_else(|| format!("gain_db is {value}; write dB, as -1.5"))?;
    }
    Ok(item)
}

#[cfg(test)]
mod tests {
    use deadwax_proto::v1::{self, Spacing};

    use super::*;

    fn house() -> House {
        let song = |id: &str, title: &str, position| v1::SongRow {
            song_id: id.into(),
            title: title.into(),
            position,
            ..v1::SongRow::default()
        };
        let songs = vec![song("s1", "Lamps", 1), song("s2", "Part 2: Rain", 2), song("s3", "Far: side", 3)];
        let mut house = House { songs, ..House::default() };
        let items = vec![SpacingItem { song_id: "s1".into(), gap_ms: 1500, ..SpacingItem::default() }];
        house.project.spacing = Some(Spacing { number: 4, items, ..Spacing::default() });
        house
    }

    fn gaps(said: &[&str]) -> Result<Vec<(String, u32)>, VerbError> {
        let said: Vec<String> = said.iter().map(|s| (*s).to_owned()).collect();
        Ok(items(&house(), &said)?.into_iter().map(|it| (it.song_id, it.gap_ms)).collect())
    }

    fn one(said: &str) -> Result<SpacingItem, VerbError> {
        items(&house(), &[said.to_owned()]).map(|items| items[0].clone())
    }

    #[test]
    fn songs_and_gaps_are_read_in_their_order() {
        assert_eq!(gaps(&["Part 2: Rain:0", "1:2.25"]).unwrap(), [("s2".into(), 0), ("s1".into(), 2250)]);
        assert_eq!(gaps(&["lamps", "Part 2: Rain"]).unwrap(), [("s1".into(), 1500), ("s2".into(), 0)]);
        for wrong in [&["lamps:-1"][..], &["lamps", "s1:2"], &["lamps:1e99"], &["nothing:2"], &["lamps:2s"]] {
            assert_eq!(gaps(wrong).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn crossfades_fades_and_levels_are_read_after_the_colon() {
        let lamps = one("lamps:x1.5,in=0.25,out=8,shape=linear,gain=-1.5").unwrap();
        assert_eq!(
            (lamps.gap_ms, lamps.crossfade_ms, lamps.fade_in_ms, lamps.fade_out_ms),
            (0, 1500, 250, 8000)
        );
        assert_eq!((lamps.shape(), lamps.gain_cb), (v1::FadeShape::Linear, -150));
        assert_eq!(one("lamps:out=2").unwrap().gap_ms, 1500, "what is not said stays");
        assert_eq!(one("Part 2: Rain").unwrap().song_id, "s2");
        for wrong in
            ["lamps:x-1", "lamps:1,up=3", "lamps:gain=loud", "lamps:shape=round", "lamps:x", "lamps:1,x"]
        {
            assert_eq!(one(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn trims_a_hidden_song_and_sides_are_read_too() {
        let lamps = one("lamps:trim-in=0.3,trim-out=2,hidden").unwrap();
        assert_eq!((lamps.trim_in_ms, lamps.trim_out_ms, lamps.hidden), (300, 2000, true));
        assert_eq!((lamps.gap_ms, lamps.begins_side), (1500, false));
        assert!(one("Part 2: Rain:side").unwrap().begins_side);
        assert!(!one("Part 2: Rain:1,side=no").unwrap().begins_side);
        let far = one("Far: side").unwrap();
        assert_eq!((far.song_id.as_str(), far.begins_side), ("s3", false), "a title may end so");
        assert!(one("Far: side:side").unwrap().begins_side);
        for wrong in ["lamps:trim-in=-1", "lamps:hidden=perhaps", "lamps:1,sides", "lamps:trim-out=x"] {
            assert_eq!(one(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn a_file_is_read_back_and_a_typo_is_named() {
        let house = house();
        let read = |text: &str| parse(text, "F".into()).and_then(|it| it.items(&house));
        let text = r#"{"row":"spacing","number":4,"sides":[],"items":[
            {"song_id":"s2","gap_ms":0,"trim_in_ms":20,"hidden":true,"shape":"linear","gain_db":-0.35},
            {"song":"lamps","begins_side":true}]}"#;
        let items = read(text).unwrap();
        assert_eq!((items[0].trim_in_ms, items[0].hidden, items[0].gain_cb), (20, true, -35));
        assert_eq!(items[0].shape(), v1::FadeShape::Linear);
        assert_eq!((items[1].gap_ms, items[1].begins_side), (1500, true), "what is not said stays");
        assert_eq!(parse(text, "F".into()).unwrap().number, 4);
        assert_eq!(read(r#"[{"song_id":"s1"}]"#).unwrap().len(), 1);
        for (wrong, told) in [
            (r#"[{"song_id":"s1","gap":2}]"#, "\"gap\""),
            (r#"[{"song_id":"s9"}]"#, "s9"),
            (r#"[{"song_id":"s1","gap_ms":-5}]"#, "gap_ms"),
            (r#"[{"song_id":"s1","gap_ms":1.5}]"#, "gap_ms"),
            (r#"[{"song_id":"s1","hidden":"yes"}]"#, "hidden"),
            (r#"[{"song_id":"s1"},{"song":"lamps"}]"#, "twice"),
            (r#"[{"gap_ms":1}]"#, "names no song"),
            ("{", "F:"),
            (r#"{"songs":[]}"#, "no running order"),
        ] {
            let error = read(wrong).unwrap_err();
            assert_eq!(error.exit_code(), 3, "{wrong}");
            assert!(error.to_string().contains(told), "{wrong}: {error}");
        }
    }
}
