//! Programs of others that read a file of sound: how each is asked, and what its answer says, field by field. Each promises the fields that it tells of each kind
//! of file; a field that is promised and missing is an error. Never here: what was planned.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    super::tools::{ask, bytes_of, must},
    facts::*,
};

/// Command lines have an end.
const AT_ONCE: usize = 40;

pub struct Reader {
    /// As it is told.
    pub name: &'static str,
    pub tool: &'static str,
    /// What it tells of a file by its ending; nothing of files that it does not read.
    pub tells: fn(&str) -> &'static [&'static str],
    read: fn(&[PathBuf], &Path) -> Result<Vec<Facts>>,
}

impl Reader {
    /// Of each file in the order given.
    pub fn read(&self, files: &[PathBuf], folder: &Path) -> Result<Vec<Facts>> {
        let mut all = Vec::new();
        for some in files.chunks(AT_ONCE) {
            let told = (self.read)(some, folder).with_context(|| self.name)?;
            ensure!(told.len() == some.len(), "{} told of {} of {} files", self.name, told.len(), some.len());
            all.extend(told);
        }
        Ok(all)
    }
}

pub const READERS: [Reader; 12] = [
    Reader { name: "flac -t", tool: "flac", tells: |it| of(it, "flac", &[COMPLAINT]), read: by_flac },
    Reader { name: "ffmpeg, to the last sample", tool: "ffmpeg", tells: decoded, read: by_ffmpeg },
    Reader { name: "soxi", tool: "soxi", tells: soxi, read: by_soxi },
    Reader { name: "ffprobe", tool: "ffprobe", tells: ffprobe, read: by_ffprobe },
    Reader { name: "mediainfo", tool: "mediainfo", tells: mediainfo, read: by_mediainfo },
    Reader { name: "sndfile-info", tool: "sndfile-info", tells: sndfile, read: by_sndfile },
    Reader {
        name: "exiftool, RIFF",
        tool: "exiftool",
        tells: exif_riff,
        read: |files, folder| by_exiftool(files, folder, &["RIFF"]),
    },
    Reader {
        name: "exiftool, ID3",
        tool: "exiftool",
        tells: exif_id3,
        read: |files, folder| by_exiftool(files, folder, &["ID3v2_3", "MPEG"]),
    },
    Reader {
        name: "exiftool, FLAC",
        tool: "exiftool",
        tells: exif_flac,
        read: |files, folder| by_exiftool(files, folder, &["FLAC", "Vorbis"]),
    },
    Reader { name: "metaflac", tool: "metaflac", tells: metaflac, read: by_metaflac },
    Reader { name: "ffmpeg, the cover copied out", tool: "ffmpeg", tells: pictures, read: cover_by_ffmpeg },
    Reader {
        name: "exiftool, the cover copied out",
        tool: "exiftool",
        tells: pictures,
        read: cover_by_exiftool,
    },
];

fn of(ending: &str, one: &str, told: &'static [&'static str]) -> &'static [&'static str] {
    if ending == one { told } else { &[] }
}

fn words(text: &str) -> impl Iterator<Item = OsString> {
    text.split_whitespace().map(Into::into)
}

fn names(files: &[PathBuf]) -> impl Iterator<Item = OsString> {
    files.iter().map(|path| path.as_os_str().to_owned())
}

fn ending(path: &Path) -> &str {
    path.extension().and_then(|it| it.to_str()).unwrap_or_default()
}

fn is_raw(path: &Path) -> bool {
    matches!(ending(path), "DAT" | "bin")
}

/// A number or a text, as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// By one program call for each file.
fn each(files: &[PathBuf], read: impl Fn(&Path) -> Result<Facts>) -> Result<Vec<Facts>> {
    files.iter().map(|path| read(path)).collect()
}

/// Every sample against the sum of all of them.
fn by_flac(files: &[PathBuf], folder: &Path) -> Result<Vec<Facts>> {
    each(files, |path| {
        let line = words("--silent --warnings-as-errors -t").chain([path.as_os_str().to_owned()]);
        let said = ask("flac", line, folder)?;
        let mut facts = Facts::default();
        if !said.ok || !said.err.trim().is_empty() {
            facts.put(COMPLAINT, format!("flac: {}", said.err.trim()));
        }
        Ok(facts)
    })
}

fn decoded(ending: &str) -> &'static [&'static str] {
    match ending {
        "wav" | "flac" | "mp3" | "DAT" | "bin" => &[FRAMES, COMPLAINT],
        _ => &[],
    }
}

/// What it always says of such files, which is no fault: it takes one of two lists of tags that say the same, and stereo is what two channels are.
const NO_FAULT: [&str; 2] = [
    "Discarding ID3 tags because more suitable tags were found.",
    "Guessed Channel Layout for Input Stream #0.0 : stereo",
];

/// Of sound without a head, which is told no length.
const NO_HEAD: &str = "Estimating duration from bitrate, this may be inaccurate";

fn by_ffmpeg(files: &[PathBuf], folder: &Path) -> Result<Vec<Facts>> {
    each(files, |path| {
        let mut line: Vec<OsString> = words("-hide_banner -nostats -v warning -xerror").collect();
        if is_raw(path) {
            line.extend(words("-f s16le -ar 44100 -ac 2"));
        }
        line.extend(["-i".into(), path.as_os_str().to_owned()]);
        line.extend(words("-map 0:a -ac 2 -c:a pcm_s24le -f s24le -"));
        let (sound, said) = bytes_of("ffmpeg", line, folder)?;
        let mut facts = Facts::default();
        facts.put(FRAMES, sound.len() / 6);
        let known = |line: &&str| {
            let guessed = is_raw(path) && line.ends_with(NO_HEAD);
            !guessed && !NO_FAULT.iter().any(|known| line.ends_with(known))
        };
        let said = said.lines().filter(known);
        facts.put(COMPLAINT, said.collect::<Vec<_>>().join(" "));
        Ok(facts)
    })
}

fn soxi(ending: &str) -> &'static [&'static str] {
    match ending {
        "wav" | "flac" => &[RATE, CHANNELS, BITS, FRAMES],
        _ => &[],
    }
}

fn by_soxi(files: &[PathBuf], folder: &Path) -> Result<Vec<Facts>> {
    let mut all = vec![Facts::default(); files.len()];
    for (option, field) in [("-r", RATE), ("-c", CHANNELS), ("-b", BITS), ("-s", FRAMES)] {
        let said = must("soxi", words(option).chain(names(files)), folder)?;
        ensure!(said.out.lines().count() == files.len(), "soxi {option} answered {:?}", said.out);
        for (facts, line) in all.iter_mut().zip(said.out.lines()) {
            facts.put(field, line.trim());
        }
    }
    Ok(all)
}

fn ffprobe(ending: &str) -> &'static [&'static str] {
    match ending {
        // Its reader of RIFF takes INFO before ID3, and INFO knows no bar code.
        "wav" => &[RATE, CHANNELS, BITS, FRAMES, TITLE, ARTIST, ALBUM, TRACK, YEAR, ISRC, COVER, PIXELS],
        // Rate and channels of FLAC it takes from the frames; five others hold the head to them.
        "flac" => &[BITS, FRAMES, TITLE, ARTIST, ALBUM, TRACK, YEAR, ISRC, UPC, COVER, PIXELS],
        "mp3" => &[RATE, CHANNELS, TITLE, ARTIST, ALBUM, TRACK, YEAR, ISRC, UPC, COVER, PIXELS],
        _ => &[],
    }
}

fn by_ffprobe(files: &[PathBuf], folder: &Path) -> Result<Vec<Facts>> {
    each(files, |path| {
        let line = words("-v error -of json -show_streams -show_format").chain([path.as_os_str().to_owned()]);
        let said: Value = serde_json::from_str(&must("ffprobe", line, folder)?.out)?;
        let streams = said["streams"].as_array().context("no streams")?;
        let kind = |kind: &str| streams.iter().find(|it| it["codec_type"] == kind);
        let audio = kind("audio").context("no sound")?;
        let mut facts = Facts::default();
        let rate = plain(&audio["sample_rate"]).unwrap_or_default();
        facts.put(RATE, &rate).put_some(CHANNELS, plain(&audio["channels"]));
        let bits = ["bits_per_raw_sample", "bits_per_sample"].map(|key| plain(&audio[key]));
        facts.put_some(BITS, bits.into_iter().flatten().find(|bits| bits != "0"));
        let in_frames = audio["time_base"] == format!("1/{rate}");
        facts.put_some(FRAMES, plain(&audio["duration_ts"]).filter(|_| in_frames));
        let tags = said["format"]["tags"].as_object();
        let tag = |names: &[&str]| {
            let mut tags = tags.into_iter().flatten();
            tags.find(|(name, _)| names.contains(&name.to_lowercase().as_str())).and_then(|(_, it)| plain(it))
        };
        for (field, names) in [
            (TITLE, &["title"][..]),
            (ARTIST, &["artist"]),
            (ALBUM, &["album"]),
            (TRACK, &["track"]),
            (YEAR, &["date"]),
            (ISRC, &["isrc", "tsrc"]),
            (UPC, &["barcode"]),
        ] {
            facts.put_some(field, tag(names));
        }
        if let Some(cover) = kind("video").filter(|it| it["disposition"]["attached_pic"] == 1) {
            facts.put_some(COVER, plain(&cover["codec_name"]).map(|it| format!("image/{it}")));
            facts.put(PIXELS, format!("{}x{}", cover["width"], cover["height"]));
        }
        Ok(facts)
    })
}

fn mediainfo(ending: &str) -> &'static [&'static str] {
    match ending {
        "wav" => &[
            RATE,
            CHANNELS,
            BITS,
            FRAMES,
            TITLE,
            ARTIST,
            ALBUM,
            TRACK,
            YEAR,
            ISRC,
            UPC,
            COVER,
            COMPLAINT,
            BEXT_VERSION,
            LOUDNESS,
            RANGE,
            TRUE_PEAK,
            MOMENTARY,
            SHORT_TERM,
            DESCRIPTION,
            ORIGINATOR,
            REFERENCE,
            CODING,
        ],
        // It looks at the heads of a stream alone.
        "flac" => &[RATE, CHANNELS, BITS, FRAMES, TITLE, ARTIST, ALBUM, TRACK, YEAR, ISRC, UPC, COVER],
        "mp3" => &[RATE, CHANNELS, TITLE, ARTIST, ALBUM, TRACK, YEAR, ISRC, UPC, COVER, COMPLAINT],
        _ => &[],
    }
}

/// It takes the texts of RIFF for Latin-1, whatever they are: two letters for one that is beyond it.
fn as_utf8(text: String) -> String {
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or(text)
}

fn by_mediainfo(files: &[PathBuf], folder: &Path) -> Result<Vec<Facts>> {
    let said = must("mediainfo", words("--Output=JSON").chain(names(files)), folder)?;
    let said: Value = serde_json::from_str(&said.out).context("what mediainfo said")?;
    let list = said.as_array().cloned().unwrap_or_else(|| vec![said]);
    list.iter()
        .map(|said| {
            let tracks = said["media"]["track"].as_array().context("no tracks")?;
            let kind = |kind: &str| tracks.iter().find(|it| it["@type"] == kind);
            let (general, audio) =
                (kind("General").context("nothing of it")?, kind("Audio").context("no sound")?);
            let (more, levels) = (&general["extra"], &audio["extra"]);
            let mut facts = Facts::default();
            for (field, value) in [
                (RATE, &audio["SamplingRate"]),
                (CHANNELS, &audio["Channels"]),
                (BITS, &audio["BitDepth"]),
                (FRAMES, &audio["SamplingCount"]),
                (TITLE, &general["Title"]),
                (ARTIST, &general["Performer"]),
                (ALBUM, &general["Album"]),
                (TRACK, &general["Track_Position"]),
                (YEAR, &general["Recorded_Date"]),
                (ISRC, &general["ISRC"]),
                (UPC, &more["BARCODE"]),
                (COVER, &general["Cover_Mime"]),
                (BEXT_VERSION, &more["bext_Version"]),
                (DESCRIPTION, &general["Description"]),
                (ORIGINATOR, &general["Producer"]),
                (REFERENCE, &more["Producer_Reference"]),
                (CODING, &general["Encoded_Library_Settings"]),
                (LOUDNESS, &levels["LoudnessValue"]),
                (RANGE, &levels["LoudnessRange"]),
                (TRUE_PEAK, &levels["MaxTruePeakLevel"]),
                (MOMENTARY, &levels["MaxMomentaryLoudness"]),
                (SHORT_TERM, &levels["MaxShortTermLoudness"]),
            ] {
                facts.put_some(field, plain(value).map(as_utf8));
            }
            let whole = said.to_string();
            let bad = ["Conformance", "IsTruncated"].into_iter().find(|word| whole.contains(word));
            facts.put_some(COMPLAINT, bad.map(|word| format!("mediainfo says {word}")));
            Ok(facts)
        })
        .collect()
}

fn sndfile(ending: &str) -> &'static [&'static str] {
    match ending {
        "wav" => &[
            RATE,
            CHANNELS,
            FRAMES,
            BEXT_VERSION,
            DESCRIPTION,
            ORIGINATOR,
            REFERENCE,
            TIME_REFERENCE,
            CODING,
            LOUDNESS,
            RANGE,
            TRUE_PEAK,
            MOMENTARY,
            SHORT_TERM,
        ],
        "flac" => &[RATE, CHANNELS, FRAMES],
        _ => &[],
    }
}

fn by_sndfile(files: &[PathBuf], folder: &Path) -> Result<Vec<Facts>> {
    each(files, |path| {
        // "Loudness value           : -14.06 LUFS"
        let field = |said: &str, name: &str| {
            let mut lines = said.lines().rev();
            lines.find_map(|line| {
                Some(line.strip_prefix(name)?.trim_start().strip_prefix(':')?.trim().to_owned())
            })
        };
        let mut facts = Facts::default();
        let said = must("sndfile-info", [path], folder)?.out;
        for (name, key) in [(RATE, "Sample Rate"), (CHANNELS, "Channels"), (FRAMES, "Frames")] {
            facts.put_some(name, field(&said, key));
        }
        if ending(path) != "wav" {
            return Ok(facts);
        }
        // It is not content with a file that has no such chunk, and says so.
        let said = ask("sndfile-info", ["--broadcast".as_ref(), path.as_os_str()], folder)?.out;
        let level =
            |key: &str| field(&said, key).and_then(|text| Some(text.split_whitespace().next()?.to_owned()));
        facts
            .put_some(BEXT_VERSION, field(&said, "BWF version"))
            .put_some(DESCRIPTION, field(&said, "Description"))
            .put_some(ORIGINATOR, field(&said, "Originator"))
            .put_some(REFERENCE, field(&said, "Origination ref"))
            .put_some(TIME_REFERENCE, field(&said, "Time ref"))
            .put_some(CODING, field(&said, "Coding history"))
            .put_some(LOUDNESS, level("Loudness value"))
            .put_some(RANGE, level("Loudness range"))
            .put_some(TRUE_PEAK, level("Max. true peak level"))
            .put_some(MOMENTARY, level("Max. momentary loudness"))
            .put_some(SHORT_TERM, level("Max. short term loudness"));
        Ok(facts)
    })
}

fn exif_riff(ending: &str) -> &'static [&'static str] {
    let told: &[&str] = &[
        RATE,
        CHANNELS,
        BITS,
        TITLE,
        ARTIST,
        ALBUM,
        TRACK,
        YEAR,
        ISRC,
        COMPLAINT,
        BEXT_VERSION,
        DESCRIPTION,
        ORIGINATOR,
        REFERENCE,
        TIME_REFERENCE,
        CODING,
    ];
    of(ending, "wav", told)
}

fn exif_id3(ending: &str) -> &'static [&'static str] {
    match ending {
        "wav" => &[TITLE, ARTIST, ALBUM, TRACK, YEAR, ISRC, UPC, COVER, COMPLAINT],
        "mp3" => &[RATE, TITLE, ARTIST, ALBUM, TRACK, YEAR, ISRC, UPC, COVER, COMPLAINT],
        _ => &[],
    }
}

fn exif_flac(ending: &str) -> &'static [&'static str] {
    let told: &[&str] = &[
        RATE, CHANNELS, BITS, FRAMES, TITLE, ARTIST, ALBUM, TRACK, YEAR, ISRC, UPC, COVER, PIXELS, COMPLAINT,
    ];
    of(ending, "flac", told)
}

/// What stands in these groups of the file; a warning of any of them is a complaint.
fn by_exiftool(files: &[PathBuf], folder: &Path, groups: &[&str]) -> Result<Vec<Facts>> {
    let line = words("-json -a -G1 -charset RIFF=UTF8 -validate -warning -error -all -x Picture");
    // A fault ends it with 1 and stands in its answer.
    let said = ask("exiftool", line.chain(names(files)), folder)?;
    let said: Vec<Value> =
        serde_json::from_str(&said.out).with_context(|| format!("what exiftool said: {}", said.err))?;
    said.iter().map(|said| exif_facts(said, groups)).collect()
}

fn exif_facts(said: &Value, groups: &[&str]) -> Result<Facts> {
    let fields = said.as_object().context("no fields")?;
    let value = |names: &[&str]| {
        let of = |(group, name): (&&str, &&str)| fields.get(&format!("{group}:{name}")).and_then(plain);
        names.iter().find_map(|name| groups.iter().find_map(|group| of((group, name))))
    };
    let mut facts = Facts::default();
    for (field, names) in [
        (RATE, &["SampleRate"][..]),
        (CHANNELS, &["NumChannels", "Channels"]),
        (BITS, &["BitsPerSample"]),
        (FRAMES, &["TotalSamples"]),
        (TITLE, &["Title"]),
        (ARTIST, &["Artist"]),
        (ALBUM, &["Album", "Product"]),
        (TRACK, &["TrackNumber", "Track"]),
        (YEAR, &["Year", "Date", "DateCreated"]),
        (ISRC, &["ISRC", "ISRCNumber", "Source"]),
        (UPC, &["Barcode"]),
        (COVER, &["PictureMIMEType"]),
        (BEXT_VERSION, &["BWFVersion"]),
        (DESCRIPTION, &["Description"]),
        (ORIGINATOR, &["Originator"]),
        (REFERENCE, &["OriginatorReference"]),
        (TIME_REFERENCE, &["TimeReference"]),
        (CODING, &["CodingHistory"]),
    ] {
        facts.put_some(field, value(names));
    }
    // ID3 has no frame for it: "(BARCODE) 4006381333931".
    let own = value(&["UserDefinedText"]);
    facts.put_some(UPC, own.as_deref().and_then(|text| text.strip_prefix("(BARCODE) ")));
    if let (Some(width), Some(height)) = (value(&["PictureWidth"]), value(&["PictureHeight"])) {
        facts.put(PIXELS, format!("{width}x{height}"));
    }
    let faults = fields.iter().filter(|(key, _)| key.ends_with("Warning") || key.ends_with("Error"));
    let faults: Vec<String> = faults.map(|(key, value)| format!("{key} {value}")).collect();
    let judged = fields.get("ExifTool:Validate").and_then(plain).context("exiftool did not judge it")?;
    if judged != "OK" || !faults.is_empty() {
        facts.put(COMPLAINT, format!("exiftool: {judged} {}", faults.join(", ")));
    }
    Ok(facts)
}

fn metaflac(ending: &str) -> &'static [&'static str] {
    of(ending, "flac", &[RATE, CHANNELS, BITS, FRAMES, TITLE, ARTIST, ALBUM, TRACK, YEAR, ISRC, UPC, PICTURE])
}

fn by_metaflac(files: &[PathBuf], folder: &Path) -> Result<Vec<Facts>> {
    each(files, |path| {
        let run = |options: &str| {
            must("metaflac", words(options).chain([path.as_os_str().to_owned()]), folder).map(|said| said.out)
        };
        let mut facts = Facts::default();
        let said = run("--show-sample-rate --show-channels --show-bps --show-total-samples")?;
        for (field, line) in [RATE, CHANNELS, BITS, FRAMES].into_iter().zip(said.lines()) {
            facts.put(field, line.trim());
        }
        let said = run("--no-utf8-convert --export-tags-to=-")?;
        let tag = |name: &str| {
            let mut pairs = said.lines().filter_map(|line| line.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        for (field, name) in [
            (TITLE, "TITLE"),
            (ARTIST, "ARTIST"),
            (ALBUM, "ALBUM"),
            (TRACK, "TRACKNUMBER"),
            (YEAR, "DATE"),
            (ISRC, "ISRC"),
            (UPC, "BARCODE"),
        ] {
            facts.put_some(field, tag(name));
        }
        let line = words("--export-picture-to=-").chain([path.as_os_str().to_owned()]);
        facts.put_some(PICTURE, picture(&bytes_of("metaflac", line, folder)?.0));
        Ok(facts)
    })
}

fn pictures(ending: &str) -> &'static [&'static str] {
    match ending {
        "wav" | "flac" | "mp3" => &[PICTURE],
        _ => &[],
    }
}

/// The digest of a picture; none of nothing.
pub fn picture(bytes: &[u8]) -> Option<String> {
    (!bytes.is_empty()).then(|| hex::encode(Sha256::digest(bytes)))
}

fn cover_by_ffmpeg(files: &[PathBuf], folder: &Path) -> Result<Vec<Facts>> {
    each(files, |path| {
        let line = words("-v error -i").chain([path.as_os_str().to_owned()]);
        let line = line.chain(words("-map 0:v? -c copy -f image2pipe -"));
        let mut facts = Facts::default();
        Ok(facts.put_some(PICTURE, picture(&bytes_of("ffmpeg", line, folder)?.0)).clone())
    })
}

fn cover_by_exiftool(files: &[PathBuf], folder: &Path) -> Result<Vec<Facts>> {
    each(files, |path| {
        let line = words("-b -Picture").chain([path.as_os_str().to_owned()]);
        let mut facts = Facts::default();
        Ok(facts.put_some(PICTURE, picture(&bytes_of("exiftool", line, folder)?.0)).clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_were_taken_for_latin_1_are_put_right_and_others_stay() {
        assert_eq!(as_utf8("\u{c4}\u{8c}as".into()), "Čas");
        for text in ["Čas", "Salt", "\u{e9}t\u{e9}"] {
            assert_eq!(as_utf8(text.into()), text);
        }
    }

    #[test]
    fn every_reader_promises_something_of_what_is_delivered() {
        for reader in &READERS {
            assert!(
                ["wav", "flac", "mp3"].iter().any(|it| !(reader.tells)(it).is_empty()),
                "{}",
                reader.name
            );
            assert!((reader.tells)("txt").is_empty());
        }
    }
}
