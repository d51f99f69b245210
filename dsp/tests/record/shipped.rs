//! Every shipped profile over one small record, file by file as it was planned.

use std::{collections::BTreeSet, fs, path::Path};

use deadwax_dsp::{
    Source,
    profile::{Kind, Plan, shipped},
    record::{Job, Made, MadeFile, plans},
    write::Cover,
};

use crate::kit::{cover, files, load, made, named, own, said, small};

/// With the cover, as the dry run has it.
fn planned(job: &Job) -> Vec<Plan> {
    let mut sheet = job.sheet.clone();
    sheet.cover = job.cover.as_ref().map(|path| Cover::new(fs::read(path).unwrap()).unwrap());
    plans(&sheet, &job.profiles).unwrap()
}

fn path(file: &MadeFile) -> String {
    format!("{}/{}", file.folder, file.name)
}

/// The lines of a list of digests, each name beneath the folder of the list.
fn listed(out: &Path, list: &str) -> Vec<(String, String)> {
    let folder = list.rsplit_once('/').unwrap().0;
    let text = fs::read_to_string(out.join(list)).unwrap();
    let line = |line: &str| {
        let (sum, name) = line.split_once("  ").unwrap();
        (sum.to_owned(), format!("{folder}/{name}"))
    };
    text.lines().map(line).collect()
}

fn all_as_planned(job: &Job, made: &Made) {
    let planned = planned(job);
    let all: Vec<_> = planned.iter().flat_map(|plan| plan.files.iter().map(move |it| (plan, it))).collect();
    assert_eq!(all.len(), made.files.len());
    for ((plan, it), file) in all.into_iter().zip(&made.files) {
        let folder = if it.folder.is_empty() { String::new() } else { format!("/{}", it.folder) };
        let at = path(file);
        assert_eq!(at, format!("{}{folder}/{}", plan.profile, it.name));
        assert_eq!(
            (file.kind.as_str(), file.exact, file.frames),
            (it.kind.token(), it.exact, it.frames),
            "{at}"
        );
        let bytes = fs::metadata(job.out_dir.join(&at)).unwrap().len();
        assert_eq!(file.bytes, bytes, "{at}");
        assert!(!it.bytes_exact || it.bytes == bytes, "{at}: {} planned, {bytes} made", it.bytes);
        let Some(encoding) = it.encoding else { continue };
        let source = Source::open(&job.out_dir.join(&at)).unwrap();
        let spec = source.spec();
        assert_eq!((spec.sample_rate, spec.channels), (it.sample_rate, it.channels), "{at}");
        assert!(encoding.lossy() || spec.frames == Some(it.frames), "{at}: {:?}", spec.frames);
        assert_eq!(file.bits, if encoding.lossy() { 0 } else { encoding.bits() }, "{at}");
        assert!(file.integrated_lufs.is_some() && file.true_peak_dbtp.is_some(), "{at}");
    }
}

#[test]
fn every_shipped_profile_is_made_as_planned() {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<&str> = shipped().iter().map(|(name, _)| *name).collect();
    let mut job = small(dir.path(), named(&names));
    job.cover = Some(cover(dir.path()));
    let made = made(&job);
    all_as_planned(&job, &made);
    let there = files(&job.out_dir);
    assert_eq!(there, said(&made), "these files, these digests, no others");
    assert!(made.files.len() > 80, "{}", made.files.len());

    // The lists speak of every other file, and say what is so.
    for list in made.files.iter().filter(|it| it.kind == "sha256") {
        let lines = listed(&job.out_dir, &path(list));
        for (sum, name) in &lines {
            assert_eq!(there.get(name), Some(sum), "{name}");
        }
        let told: BTreeSet<&str> = lines.iter().map(|(_, name)| name.as_str()).collect();
        let others = made
            .files
            .iter()
            .filter(|it| it.profile == list.profile && it.kind != "sha256" && it.kind != "md5");
        let others: Vec<String> = others.map(path).collect();
        assert_eq!(told, others.iter().map(String::as_str).collect(), "{}", list.profile);
    }
    let list = made.files.iter().find(|it| it.kind == "md5").unwrap();
    for (sum, name) in listed(&job.out_dir, &path(list)) {
        assert_eq!(sum, format!("{:x}", md5_of(&job.out_dir.join(name))));
    }
    report_is_true(&job, &made);
    disc_is_one(&job, &made);
    what_is_the_same_lies_once(&job, &made);
}

fn md5_of(path: &Path) -> md5::Digest {
    md5::compute(fs::read(path).unwrap())
}

fn report_is_true(job: &Job, made: &Made) {
    assert!(made.report_json.len() <= 100 * 1024, "{}", made.report_json.len());
    let report: serde_json::Value = serde_json::from_str(&made.report_json).unwrap();
    for (row, plan) in report["profiles"].as_array().unwrap().iter().zip(planned(job)) {
        assert_eq!(row["sha256"], plan.sha256.as_str());
        assert_eq!(row["dated"], plan.dated.as_str());
        let codes: Vec<&str> =
            row["warned"].as_array().unwrap().iter().map(|it| it["code"].as_str().unwrap()).collect();
        assert_eq!(codes, plan.findings.iter().map(|it| it.code).collect::<Vec<_>>());
    }
    let sounds = made.files.iter().enumerate().filter(|(_, it)| it.frames > 0);
    let rows = report["levels"].as_array().unwrap();
    assert_eq!(rows.len(), sounds.clone().count());
    for ((at, file), row) in sounds.zip(rows) {
        assert_eq!(row[0], at);
        assert!((row[1].as_f64().unwrap() - file.integrated_lufs.unwrap()).abs() < 0.006, "{row}");
    }
    assert_eq!(report["consistency"]["songs"].as_array().unwrap().len(), 5);
    assert!(!report["penalties"].as_array().unwrap().is_empty());
}

/// The set and its fallback hold one image, whose first two seconds are silent and then hold the hidden song.
fn disc_is_one(job: &Job, made: &Made) {
    let of = |kind: &str| made.files.iter().find(|it| it.kind == kind).unwrap();
    let (image, bin) = (of("ddp-image"), of("disc-image"));
    assert_eq!((&image.sha256, image.frames), (&bin.sha256, bin.frames));
    let bytes = fs::read(job.out_dir.join(path(image))).unwrap();
    let lead = 150 * 2352;
    assert!(bytes[..lead].iter().all(|it| *it == 0) && bytes[lead..lead + 64].iter().any(|it| *it != 0));
    let hidden = load(&job.songs[0].main.path);
    let left =
        bytes[lead..].chunks_exact(4).map(|it| f64::from(i16::from_le_bytes([it[0], it[1]])) / 32_768.0);
    assert!(left.take(hidden[0].len()).eq(hidden[0].iter().copied()));
    let set: Vec<&str> =
        made.files.iter().filter(|it| it.folder == image.folder).map(|it| it.name.as_str()).collect();
    assert_eq!(set, ["DDPID", "DDPMS", "CDTEXT.BIN", "PQDESCR", "IMAGE.DAT", "CHECKSUM.MD5"]);
    let cue = fs::read_to_string(job.out_dir.join(path(of("cue")))).unwrap();
    assert!(
        cue.contains(&format!("FILE \"{}\" BINARY", bin.name)) && cue.contains("ISRC SEAYE2600002"),
        "{cue}"
    );
    assert_eq!(cue.matches("TRACK ").count(), 4);
    assert_eq!(of("pq-sheet").folder, "cd", "beside the set, not in it");
}

/// Ten services ask for the same track: it is on the disk once.
#[cfg(unix)]
fn what_is_the_same_lies_once(job: &Job, made: &Made) {
    use std::os::unix::fs::MetadataExt as _;
    let of =
        |profile: &str| made.files.iter().find(|it| it.profile == profile && it.kind == "track").unwrap();
    let inode = |file: &MadeFile| fs::metadata(job.out_dir.join(path(file))).unwrap().ino();
    let (one, other) = (of("streaming"), of("tidal"));
    assert_eq!(one.sha256, other.sha256);
    assert_eq!(inode(one), inode(other));
    assert_ne!(inode(one), inode(of("archive")), "a chunk of levels is in it");
}

#[cfg(not(unix))]
fn what_is_the_same_lies_once(_: &Job, _: &Made) {}

#[test]
fn tags_levels_and_the_cover_are_in_the_files_and_the_samples_are_as_rendered() {
    let dir = tempfile::tempdir().unwrap();
    let ask = |encoding: &str, rest: &str| {
        format!(
            "[[file]]\nkind = \"track\"\nencoding = \"{encoding}\"\nname = \"{{title}}_{{rate}}_{encoding}\"\n{rest}\n"
        )
    };
    let asks = ask("wav24", "tags = true\nbext = true")
        + &ask("flac24", "tags = true")
        + &ask("mp3-320", "tags = true");
    let bare = own("bare", &(ask("wav24", "") + &ask("flac24", "")));
    let mut job = small(dir.path(), vec![own("all", &asks), bare]);
    job.cover = Some(cover(dir.path()));
    let made = made(&job);
    all_as_planned(&job, &made);
    for (n, file) in made.files.iter().filter(|it| it.profile == "all").enumerate() {
        let source = Source::open(&job.out_dir.join(path(file))).unwrap();
        let about = source.metadata();
        if file.name.ends_with(".wav") {
            let bext = about.bext.as_ref().unwrap();
            let levels = bext.loudness.unwrap();
            assert!((levels.integrated_lufs.unwrap() - file.integrated_lufs.unwrap()).abs() < 0.006);
            assert!((levels.max_true_peak_dbtp.unwrap() - file.true_peak_dbtp.unwrap()).abs() < 0.006);
            assert_eq!(bext.originator_reference, format!("SEAYE26{:05}", n + 2));
        }
        let bytes = fs::read(job.out_dir.join(path(file))).unwrap();
        let has = |word: &[u8]| bytes.windows(word.len()).any(|it| it == word);
        assert!(has(b"\x89PNG\r\n\x1A\n"), "{}: the cover", file.name);
    }
    // Tags stand beside the sound.
    for file in made.files.iter().filter(|it| it.profile == "bare") {
        let tagged = job.out_dir.join("all").join(&file.name);
        assert!(load(&tagged) == load(&job.out_dir.join(path(file))), "{}", file.name);
        assert_ne!(fs::read(tagged).unwrap(), fs::read(job.out_dir.join(path(file))).unwrap());
    }
    let exact: Vec<&str> = made.files.iter().filter(|it| it.exact).map(|it| it.name.as_str()).collect();
    assert_eq!(exact.len(), 4, "the last song as wav and flac, twice: {exact:?}");
    let garage = load(&job.songs[4].main.path);
    assert!(load(&job.out_dir.join("bare").join("Garage_882k_wav24.wav")) == garage);
}

#[test]
fn kinds_of_a_plan_are_all_made() {
    let asked: BTreeSet<&str> = [
        Kind::Track,
        Kind::Song,
        Kind::Side,
        Kind::Whole,
        Kind::DdpImage,
        Kind::DdpFile,
        Kind::DiscImage,
        Kind::Cue,
        Kind::Toc,
        Kind::PqSheet,
        Kind::SideSheet,
        Kind::LabelCopyCsv,
        Kind::LabelCopyJson,
        Kind::Penalties,
        Kind::Sha256,
        Kind::Md5,
    ]
    .map(Kind::token)
    .into();
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<&str> = shipped().iter().map(|(name, _)| *name).collect();
    let job = small(dir.path(), named(&names));
    let planned = planned(&job);
    let kinds: BTreeSet<&str> = planned.iter().flat_map(|it| &it.files).map(|it| it.kind.token()).collect();
    assert_eq!(kinds, asked, "the shipped profiles ask for every kind, and the test above makes them");
}
