//! What rendering does to peaks: it is refused or told as the profile says, with the song and the mend.

use std::path::Path;

use deadwax_dsp::{
    Block,
    processors::fade::Shape,
    profile::{Placing, plan},
    record::{Job, ProfileText, plans},
    write::Encoding,
};

use crate::kit::{made, own, plain, run, sound, write};

const ASK: &str = "[[file]]\nkind = \"whole\"\nencoding = \"wav16\"\nname = \"whole\"\n";

/// Two songs that are loud and the same, and sound together for a second, in phase: a whole number of cycles after the first.
fn joined(dir: &Path, level: f64, profile: ProfileText) -> Job {
    let like = || sound(Encoding::Wav16, 44_100, 2, 4_000);
    let mut job = plain(dir, &[("One", like()), ("Two", like())], vec![profile]);
    // A triangle of 147 frames.
    let triangle = |n: u32| 1.0 - 4.0 * (f64::from(n % 147) / 147.0 - 0.5).abs();
    let plane: Vec<f64> = (0..4 * 44_100).map(|n| triangle(n) * level).collect();
    for song in 0..2 {
        let block = Block { channels: vec![plane.clone(), plane.clone()] };
        let (file, source, figures) = write(dir, &format!("loud{song}"), &like(), &block);
        job.songs[song].main = file;
        (job.sheet.songs[song].source, job.sheet.songs[song].figures) = (source, figures);
    }
    // Powers add up to 1, and levels to more.
    let placing = Placing { crossfade_ms: 1_000, shape: Shape::EqualPower, ..Placing::default() };
    job.sheet.songs[1].placing = placing;
    job
}

fn refused(job: &Job) -> String {
    assert!(
        plans(&job.sheet, &job.profiles).unwrap().iter().all(|it| it.ready()),
        "the plan knows nothing of it"
    );
    run(job).map(drop).unwrap_err().to_string()
}

#[test]
fn a_crossfade_that_clips_is_refused_where_clipping_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let strict = own("mine", &format!("[limits]\nclipping_blocks = true\n{ASK}"));
    let job = joined(dir.path(), 0.9, strict.clone());
    let said = refused(&job);
    for words in [
        "mine cannot be made",
        "whole.wav",
        "\"Two\" went beyond full scale",
        "CLIPPED_MADE",
        "crossfade shorter",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!job.out_dir.join("mine/whole.wav").exists(), "it has no name");
    // Quieter there is nothing to refuse.
    let quiet = tempfile::tempdir().unwrap();
    let made = made(&joined(quiet.path(), 0.4, strict));
    assert_eq!(made.files[0].over_full_scale, 0);
}

#[test]
fn where_it_does_not_block_it_is_counted_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let job = joined(dir.path(), 0.9, own("mine", ASK));
    let once = made(&job);
    assert!(once.files[0].over_full_scale > 0);
    let report: serde_json::Value = serde_json::from_str(&once.report_json).unwrap();
    let told = &report["made"][0];
    assert_eq!(
        (&told["code"], &told["file"], &told["songs"]),
        (&"CLIPPED_MADE".into(), &0.into(), &[1].as_slice().into())
    );
    let count = once.files[0].over_full_scale.to_string();
    assert!(told["text"].as_str().unwrap().contains(&count), "{told}");
    assert_eq!(made(&job), once, "what was finished before is told again");
}

#[test]
fn a_true_peak_over_the_limit_is_refused_and_a_hair_of_it_told() {
    let limit = |most: f64| own("mine", &format!("[limits]\ntrue_peak_max_dbtp = {most:?}\n{ASK}"));
    let dir = tempfile::tempdir().unwrap();
    // Each song peaks at -8 dBTP, both together at about -5.
    let said = refused(&joined(dir.path(), 0.4, limit(-6.0)));
    assert!(
        said.contains("TRUE_PEAK_MADE") && said.contains("over -6.0 dBTP") && said.contains("Lower"),
        "{said}"
    );
    let fine = made(&joined(tempfile::tempdir().unwrap().path(), 0.4, limit(0.0)));
    let peak = fine.files[0].true_peak_dbtp.unwrap();
    let report = |made: &deadwax_dsp::record::Made| -> serde_json::Value {
        serde_json::from_str::<serde_json::Value>(&made.report_json).unwrap()["made"].clone()
    };
    assert_eq!(report(&fine), serde_json::json!([]));
    let hair = made(&joined(tempfile::tempdir().unwrap().path(), 0.4, limit(peak - 0.1)));
    assert_eq!(report(&hair)[0]["code"], "TRUE_PEAK_MADE");
}

#[test]
fn a_file_that_holds_its_master_as_it_is_was_judged_by_the_plan() {
    let dir = tempfile::tempdir().unwrap();
    let asks = "[[file]]\nkind = \"track\"\nencoding = \"wav16\"\nname = \"{title}\"\n";
    let mut job =
        joined(dir.path(), 0.9, own("mine", &format!("[limits]\ntrue_peak_advised_dbtp = -3.0\n{asks}")));
    job.sheet.songs[1].placing.crossfade_ms = 0;
    let made = made(&job);
    assert!(made.files.iter().all(|it| it.exact));
    let report: serde_json::Value = serde_json::from_str(&made.report_json).unwrap();
    assert_eq!(report["made"], serde_json::json!([]));
    let profile = deadwax_dsp::profile::Profile::parse(&job.profiles[0].toml).unwrap();
    let codes: Vec<&str> = plan(&profile, &job.sheet).findings.iter().map(|it| it.code).collect();
    assert_eq!(codes, ["TRUE_PEAK_ADVISED"; 2]);
}
