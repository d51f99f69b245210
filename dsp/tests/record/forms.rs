//! Masters that were signed in several forms, as the usual recipe renders them: each output holds the samples of the file of its form.

use std::{fs, path::Path};

use deadwax_dsp::{
    record::{Job, Made, MadeFile, ProfileText},
    write::Encoding,
};

use crate::kit::{load, made, named, other, own, plain, run, sound};

const SONGS_MS: [u64; 2] = [4_100, 4_500];

/// Two songs at 48 kHz and 24 bits, each beside 44.1 kHz and 16 bits with other samples, so that it shows which was taken.
fn signed(dir: &Path, profiles: Vec<ProfileText>) -> Job {
    let [one, two] = SONGS_MS.map(|ms| sound(Encoding::Wav24, 48_000, 2, ms));
    let mut job = plain(dir, &[("One", one), ("Two", two)], profiles);
    for (song, ms) in SONGS_MS.into_iter().enumerate() {
        other(dir, &mut job, song, &sound(Encoding::Wav16, 44_100, 2, ms));
    }
    job.sheet.songs[1].placing.gap_ms = 500;
    job
}

fn of<'a>(made: &'a Made, kind: &str) -> &'a MadeFile {
    made.files.iter().find(|it| it.kind == kind).unwrap()
}

fn path(job: &Job, file: &MadeFile) -> std::path::PathBuf {
    job.out_dir.join(&file.folder).join(&file.name)
}

/// The samples of an image from its first song on.
fn image(job: &Job, file: &MadeFile) -> [Vec<f64>; 2] {
    let bytes = fs::read(path(job, file)).unwrap();
    let frames = bytes[150 * 2352..].chunks_exact(4);
    let side = |at: usize| {
        let sample = |it: &[u8]| f64::from(i16::from_le_bytes([it[at], it[at + 1]])) / 32_768.0;
        frames.clone().map(sample).collect()
    };
    [side(0), side(2)]
}

#[test]
fn a_disc_holds_the_very_samples_that_were_signed_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let job = signed(dir.path(), named(&["cd"]));
    let made = made(&job);
    let (disc, bin) = (of(&made, "ddp-image"), of(&made, "disc-image"));
    assert!(disc.exact && bin.exact && disc.sha256 == bin.sha256);
    let sound = image(&job, disc);
    for (side, all) in sound.iter().enumerate() {
        let [one, two] = [0, 1].map(|song| load(&job.songs[song].others[0].path)[side].clone());
        let gap = 22_050;
        assert!(all[..one.len()] == one, "the first song");
        assert!(all[one.len()..one.len() + gap].iter().all(|it| *it == 0.0), "no noise in the silence");
        assert!(all[one.len() + gap..][..two.len()] == two, "the second song");
        assert!(all[one.len() + gap + two.len()..].iter().all(|it| *it == 0.0));
    }
}

#[test]
fn a_song_that_is_touched_comes_from_the_best_and_the_other_stays_as_it_was_signed() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = signed(dir.path(), named(&["cd"]));
    job.sheet.songs[1].placing.gain_cb = -10;
    let made = made(&job);
    let disc = of(&made, "ddp-image");
    assert!(!disc.exact);
    let sound = image(&job, disc);
    let one = load(&job.songs[0].others[0].path);
    assert!(sound[0][..one[0].len()] == one[0], "untouched, it is not rounded anew");
    // The second is the best, turned, resampled and dithered: near to it, and not the file that was signed for the disc.
    let two = load(&job.songs[1].others[0].path);
    let there = &sound[0][one[0].len() + 22_050..];
    assert!(there.iter().zip(&two[0]).filter(|(a, b)| (**a - **b).abs() > 0.01).count() > two[0].len() / 2);
}

#[test]
fn every_output_of_one_record_takes_its_own_form() {
    let dir = tempfile::tempdir().unwrap();
    let ask = |kind: &str, encoding: &str, rest: &str| {
        format!(
            "[[file]]\nkind = {kind:?}\nencoding = {encoding:?}\nname = \"{{title}}_{kind}_{encoding}\"\n{rest}"
        )
    };
    let low = "sample_rate_hz = 44100\n";
    let asks = ask("track", "wav24", "")
        + &ask("track", "flac16", low)
        + &ask("song", "wav16", low)
        + &ask("track", "wav16", "");
    let mut job = signed(dir.path(), vec![own("mine", &asks)]);
    job.sheet.songs[1].placing.gap_ms = 0;
    let made = made(&job);
    let is = |name: &str, from: &Path| {
        let file = made.files.iter().find(|it| it.name.starts_with(name)).unwrap();
        (file.exact, load(&path(&job, file)) == load(from))
    };
    for (song, title) in ["One", "Two"].into_iter().enumerate() {
        let files = &job.songs[song];
        assert_eq!(is(&format!("{title}_track_wav24"), &files.main.path), (true, true));
        assert_eq!(is(&format!("{title}_track_flac16"), &files.others[0].path), (true, true));
        assert_eq!(is(&format!("{title}_song_wav16"), &files.others[0].path), (true, true));
        assert_eq!(is(&format!("{title}_track_wav16"), &files.main.path), (false, false), "48 kHz, rounded");
    }
}

#[test]
fn another_file_than_the_signed_one_is_refused_with_its_form() {
    let dir = tempfile::tempdir().unwrap();
    let job = signed(dir.path(), named(&["cd"]));
    let low = job.songs[1].others[0].path.clone();
    let bytes = fs::read(&low).unwrap();
    let refused = |job: &Job| run(job).map(drop).unwrap_err().to_string();
    fs::remove_file(&low).unwrap();
    let said = refused(&job);
    assert!(said.contains("the master of song 2 at 44100 Hz and 16 bits"), "{said}");
    let mut other = bytes.clone();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    fs::write(&low, other).unwrap();
    let said = refused(&job);
    assert!(said.contains("not the file that was signed"), "{said}");
    fs::write(&low, bytes).unwrap();
    let mut lies = job.clone();
    lies.songs[1].others.clear();
    assert!(refused(&lies).contains("other rates and word lengths"), "{}", refused(&lies));
    made(&job);
}

#[test]
fn a_job_of_another_version_is_refused_before_anything_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = signed(dir.path(), named(&["cd"]));
    job.engine = "record 1 0.0.1".into();
    let said = run(&job).map(drop).unwrap_err().to_string();
    assert!(
        said.contains("another version of Deadwax (record 1 0.0.1") && said.contains("empty its folder"),
        "{said}"
    );
    assert!(!job.out_dir.exists());
    job.engine = deadwax_dsp::record::engine();
    made(&job);
}
