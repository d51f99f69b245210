//! A small record in files, the job that makes it, and looks at what was made. Never here: what is right.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use deadwax_dsp::{
    Block, DspError, Flow, Source,
    digest::digest,
    measure::Meter,
    profile::{AlternateSheet, AudioFile, Figures, FormatSheet, Placing, SongSheet, text},
    record::{AlternateFile, Job, Made, ProfileText, SongFiles, SourceFile, make},
    write::{AudioWriter, Encoding},
};

use crate::label_kit::{label_copy, track};

/// A song in a file: noise that is another for every name.
pub struct Sound {
    pub encoding: Encoding,
    pub rate: u32,
    pub channels: usize,
    pub ms: u64,
}

pub const fn sound(encoding: Encoding, rate: u32, channels: usize, ms: u64) -> Sound {
    Sound { encoding, rate, channels, ms }
}

pub fn save(dir: &Path, name: &str, sound: &Sound) -> (SourceFile, AudioFile, Figures) {
    let mut state = name.bytes().fold(7, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte)) | 1;
    let mut block = Block::new(sound.channels, (sound.ms * u64::from(sound.rate) / 1000) as usize);
    for sample in block.channels.iter_mut().flatten() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // On the grid of 16 bits, so that every encoding holds it.
        *sample = ((state >> 40) % 8192) as f64 / 32_768.0 - 0.125;
    }
    write(dir, name, sound, &block)
}

/// A song of these samples.
pub fn write(dir: &Path, name: &str, sound: &Sound, block: &Block) -> (SourceFile, AudioFile, Figures) {
    let path = dir.join(format!("{name}.{}", sound.encoding.extension()));
    let mut writer = AudioWriter::create(&path, sound.encoding, sound.rate, sound.channels, None).unwrap();
    writer.write(block).unwrap();
    writer.finish().unwrap();
    let source = Source::open(&path).unwrap();
    let mut meter = Meter::new(source.spec());
    meter.push(block);
    let file = AudioFile::of(source.spec(), block.frames() as u64);
    let sha256 = digest(&path).unwrap().sha256;
    (SourceFile { path, sha256 }, file, Figures::of(&meter.finish(), None))
}

/// Songs as they are, one behind the other, for profiles of these texts.
pub fn plain(dir: &Path, songs: &[(&str, Sound)], profiles: Vec<ProfileText>) -> Job {
    let mut job = Job { profiles, out_dir: dir.join("out"), ..Job::default() };
    job.sheet.number = 2;
    job.sheet.medium = "12\" 33 rpm".into();
    let isrc = |n: usize| format!("SEAYE26{:05}", n + 1);
    let tracks = songs.iter().enumerate().map(|(n, (title, _))| track(title, &isrc(n)));
    job.sheet.copy = label_copy(tracks.collect());
    for (n, (_, sound)) in songs.iter().enumerate() {
        let (main, source, figures) = save(dir, &format!("song{n}"), sound);
        job.songs.push(SongFiles { main, ..SongFiles::default() });
        job.sheet.songs.push(SongSheet { version: 3, source, figures, ..SongSheet::default() });
    }
    job
}

/// A song beside its main.
pub fn alternate(dir: &Path, job: &mut Job, song: usize, token: &str, sound: &Sound) {
    let (file, source, figures) = save(dir, &format!("song{song}-{token}"), sound);
    job.songs[song].alternates.push(AlternateFile { token: token.into(), file, others: Vec::new() });
    job.sheet.songs[song].alternates.push(AlternateSheet {
        token: token.into(),
        source,
        figures,
        others: Vec::new(),
    });
}

/// The master of a song in another form, signed beside the best.
pub fn other(dir: &Path, job: &mut Job, song: usize, sound: &Sound) {
    let name = format!("song{song}-{}", sound.encoding);
    let (file, source, figures) = save(dir, &name, sound);
    job.songs[song].others.push(file);
    job.sheet.songs[song].others.push(FormatSheet { source, figures });
}

/// A song of every kind that a record has: hidden, trimmed, turned, crossfaded, mono, behind an odd gap; four rates.
pub fn small(dir: &Path, profiles: Vec<ProfileText>) -> Job {
    let songs = [
        ("Before", sound(Encoding::Wav16, 44_100, 2, 2_500)),
        ("Headlights", sound(Encoding::Wav24, 48_000, 2, 4_611)),
        ("Ça va", sound(Encoding::Flac24, 96_000, 2, 5_003)),
        ("Low Beam", sound(Encoding::Wav16, 44_100, 1, 4_507)),
        ("Garage", sound(Encoding::Wav24, 88_200, 2, 4_201)),
    ];
    let mut job = plain(dir, &songs, profiles);
    for (n, (_, like)) in songs.into_iter().enumerate().skip(1) {
        alternate(dir, &mut job, n, "instrumental", &like);
    }
    alternate(dir, &mut job, 1, "cut-15", &sound(Encoding::Wav24, 48_000, 2, 15_000));
    let placing = [
        Placing { hidden: true, ..Placing::default() },
        Placing { gap_ms: 700, trim_in_ms: 11, fade_out_ms: 40, ..Placing::default() },
        Placing { crossfade_ms: 250, gain_cb: -37, ..Placing::default() },
        Placing { gap_ms: 333, ..Placing::default() },
        Placing { gap_ms: 1_999, ..Placing::default() },
    ];
    job.sheet.songs.iter_mut().zip(placing).for_each(|(song, placing)| song.placing = placing);
    job.sheet.sides = vec![3];
    job
}

/// A picture of one colour.
pub fn cover(dir: &Path) -> PathBuf {
    let path = dir.join("cover.png");
    let mut encoder = png::Encoder::new(fs::File::create(&path).unwrap(), 16, 16);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&[120; 16 * 16 * 3]).unwrap();
    path
}

pub fn named(names: &[&str]) -> Vec<ProfileText> {
    names.iter().map(|name| ProfileText { name: (*name).into(), toml: text(name).unwrap().into() }).collect()
}

/// A profile of one's own that asks for these files.
pub fn own(name: &str, files: &str) -> ProfileText {
    let toml = format!("name = {name:?}\ndated = \"2026-11-21\"\nsources = [\"this test\"]\n{files}");
    ProfileText { name: name.into(), toml }
}

pub fn run(job: &Job) -> Result<Made, DspError> {
    make(job, &mut |_| Flow::Go)
}

pub fn made(job: &Job) -> Made {
    run(job).unwrap_or_else(|error| panic!("{error}"))
}

/// Every file beneath a folder with its digest, by path; the room of the work is left out.
pub fn files(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name == ".making") {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_string_lossy().into_owned();
                found.insert(name, digest(&path).unwrap().sha256);
            }
        }
    }
    found
}

/// The same, as the made record says it.
pub fn said(made: &Made) -> BTreeMap<String, String> {
    made.files.iter().map(|it| (format!("{}/{}", it.folder, it.name), it.sha256.clone())).collect()
}

/// All samples of a file.
pub fn load(path: &Path) -> Vec<Vec<f64>> {
    let mut source = Source::open(path).unwrap_or_else(|error| panic!("{error}"));
    let mut all = vec![Vec::new(); source.spec().channels];
    let mut block = Block::default();
    while source.read(&mut block, 4096).unwrap() > 0 {
        all.iter_mut().zip(&block.channels).for_each(|(all, plane)| all.extend_from_slice(plane));
    }
    all
}
