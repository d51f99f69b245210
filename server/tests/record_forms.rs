//! Masters that were signed in several forms, as the usual recipe renders them, through a whole server: what asks for the form of one gets its very samples.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
mod record_kit;

use common::facts;
use deadwax_domain::{
    Alternate, Digest, Fact, File, RecordState, SongId, VersionId, VersionKind, fingerprint,
};
use deadwax_dsp::{
    Block, Source,
    recipe::{Recipe, shipped},
    write::{AudioWriter, Encoding},
};
use record_kit::*;
use sha2::{Digest as _, Sha256};

const RECORD: u128 = 7;
/// Of the mixes, and so of what the recipe renders at their own rate.
const RATE: u32 = 48_000;

fn forms() -> Vec<(Encoding, u32)> {
    let text = shipped().iter().find(|(name, _)| *name == "default").unwrap().1;
    let outputs = Recipe::parse(text).unwrap().outputs;
    outputs.into_iter().map(|it| (it.encoding, it.rate.unwrap_or(RATE))).collect()
}

/// A tone of another pitch for every song and form, so that it shows which was taken.
fn tone(encoding: Encoding, rate: u32, hz: f64) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("tone.{}", encoding.extension()));
    let sample = |n: u32| (f64::from(n) * hz / f64::from(rate) * std::f64::consts::TAU).sin() * 0.25;
    let plane: Vec<f64> = (0..rate * SECONDS).map(|n| (sample(n) * 32_768.0).round() / 32_768.0).collect();
    let mut writer = AudioWriter::create(&path, encoding, rate, 2, None).unwrap();
    writer.write(&Block { channels: vec![plane.clone(), plane] }).unwrap();
    writer.finish().unwrap();
    std::fs::read(path).unwrap()
}

/// The left samples of a file.
fn left(bytes: &[u8], extension: &str) -> Vec<f64> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(format!("tone.{extension}"));
    std::fs::write(&path, bytes).unwrap();
    let (mut source, mut all, mut block) = (Source::open(&path).unwrap(), Vec::new(), Block::default());
    while source.read(&mut block, 4096).unwrap() > 0 {
        all.extend_from_slice(&block.channels[0]);
    }
    all
}

fn version(nth: usize) -> VersionId {
    VersionId(300 + nth as u128)
}

/// Every song with a newer signed master in all forms of the usual recipe; `of[song]` are their bytes in its order.
async fn signed_in_forms() -> (Press, Vec<Vec<Vec<u8>>>) {
    let press = Press::open(server(), 3).await;
    let (mut all, mut of) = (Vec::new(), Vec::new());
    for nth in 0..TITLES.len() {
        let (mut files, mut forms_of) = (Vec::new(), Vec::new());
        for (at, (encoding, rate)) in forms().into_iter().enumerate() {
            let bytes = tone(encoding, rate, 300.0 + 40.0 * nth as f64 + 7.0 * at as f64);
            let digest = Digest(Sha256::digest(&bytes).into());
            let mut facts = facts(bytes.len() as u64);
            (facts.sample_rate_hz, facts.bits) = (rate, encoding.bits());
            facts.frames = u64::from(rate * SECONDS);
            if encoding.extension() == "flac" {
                (facts.container, facts.codec) = ("flac".into(), "flac".into());
            }
            press.house.studio.blobs.put(bytes.clone().into()).await.unwrap();
            let name = format!("{nth}-{at}.{}", encoding.extension());
            files.push(File { alternate: Alternate::Main, digest, name, facts });
            forms_of.push(bytes);
        }
        let added = Fact::VersionAdded {
            version: version(nth),
            song: SongId(100 + nth as u128),
            kind: VersionKind::Master,
            number: 2,
            title: String::new(),
            changelog: String::new(),
            fingerprint: fingerprint(&files),
            files,
            render: None,
            line: None,
        };
        all.push((Some(press.manager.id), added));
        of.push(forms_of);
    }
    append(&press.house, press.project, all).await;
    (press.restart(server()).await, of)
}

#[tokio::test]
async fn the_disc_holds_the_samples_that_the_label_signed_for_it() {
    let (press, of) = signed_in_forms().await;
    press.set_label_copy().await;
    let low = forms().iter().position(|it| *it == (Encoding::Wav16, 44_100)).unwrap();
    let profiles = [("cd", ""), ("hi-res", "")];
    let plan = press.plan(&press.manager, &profiles).await.unwrap();
    let blocks: Vec<_> = plan.findings.iter().filter(|it| it.block).collect();
    assert!(blocks.is_empty(), "{blocks:?}");
    let image = plan.files.iter().find(|it| it.kind == "ddp-image").unwrap();
    assert!(image.exact, "the plan says so");

    press.perform(&press.manager, start(RECORD, &profiles)).await.unwrap();
    let made = press.until("the record", |record| !record.is_alive()).await;
    assert_eq!((made.state, made.reason.as_str()), (RecordState::Made, ""));
    let of_kind = |kind: &str| made.files.iter().find(|it| it.kind == kind).unwrap();
    let image = of_kind("ddp-image");
    assert!(image.exact && of_kind("disc-image").exact);
    let bytes = press.fetch(&press.label, RECORD, &image.digest.to_string(), (0, 0)).await.unwrap();
    // Two seconds of silence lead in, and half a second lies between songs.
    let sound: Vec<f64> = bytes[150 * 2352..]
        .chunks_exact(4)
        .map(|it| f64::from(i16::from_le_bytes([it[0], it[1]])) / 32_768.0)
        .collect();
    let mut at = 0;
    for (nth, forms) in of.iter().enumerate() {
        let signed = left(&forms[low], "wav");
        assert!(sound[at..at + signed.len()] == signed, "song {nth}");
        at += signed.len();
        let silence = &sound[at..(at + 22_050).min(sound.len())];
        assert!(silence.iter().all(|it| *it == 0.0), "no noise behind song {nth}");
        at += 22_050;
    }
    // The last track has no gap behind it: in high resolution it is the best form as it was signed, rate and all.
    let tracks: Vec<_> =
        made.files.iter().filter(|it| it.kind == "track" && it.name.ends_with(".wav")).collect();
    let last = tracks.last().unwrap();
    assert!(last.exact && last.sample_rate_hz == RATE);
    let bytes = press.fetch(&press.label, RECORD, &last.digest.to_string(), (0, 0)).await.unwrap();
    assert!(left(&bytes, "wav") == left(&of[2][0], "wav"));
}

/// The job of an earlier version lies in the folder of a record: this version begins anew with its texts, and nothing of its files stays.
#[tokio::test]
async fn an_update_of_the_server_in_the_middle_of_a_record_begins_it_anew() {
    let home = tempfile::tempdir().unwrap();
    let press = Press::open(
        script(&home, &format!("mkdir -p $out/house; echo old > $out/house/old.wav\n{HANGS}")),
        3,
    )
    .await;
    let copy = deadwax_proto::v1::LabelCopy { catalogue: "MOTH-001".into(), ..Default::default() };
    let set = |copy| {
        let set = deadwax_proto::v1::SetLabelCopy { copy: Some(copy) };
        deadwax_proto::v1::action::Action::SetLabelCopy(set)
    };
    press.perform(&press.manager, set(copy)).await.unwrap();
    press.perform(&press.manager, start(RECORD, &[("house", HOUSE)])).await.unwrap();
    let child = pid_in(&home).await;
    let path = press.its_folder().join("job.json");
    let old = std::fs::read_to_string(&path).unwrap();
    let engine = deadwax_dsp::record::engine();
    assert!(old.contains(&engine), "it is noted with the job");
    let again = script(
        &home,
        &format!("[ ! -e $out/house/old.wav ] && touch $home/empty\ncp $job $home/job.2\n{MAKES}"),
    );
    std::fs::write(&path, old.replace(&engine, "record 1 0.0.1")).unwrap();
    let press = press.restart(again).await;
    dies(child).await;
    let made = press.until("the end", |record| !record.is_alive()).await;
    assert_eq!((made.state, made.attempt, made.reason.as_str()), (RecordState::Made, 2, ""));
    assert!(home.path().join("empty").exists(), "what the other version made is gone");
    let job = std::fs::read_to_string(home.path().join("job.2")).unwrap();
    assert!(job.contains(&engine) && job.contains("MOTH-001"), "the texts of the first attempt");
    press.folder_empties().await;
}
