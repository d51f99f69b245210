//! What screens and ears get of a file: copies for listening, overviews with loudness and marks, windows down to the sample. With the fake decoder where
//! the service is meant, with the real child where the sound is.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
#[allow(dead_code)]
mod media_kit;

use common::*;
use deadwax_domain::{Command, ProjectId, Role, VersionId};
use deadwax_dsp::Source;
use deadwax_proto::v1;
use media_kit::*;
use tonic::Status;

fn listen(of: (ProjectId, VersionId), bytes: &[u8], offset: u64, limit: u64) -> v1::ListenRequest {
    let fetch = fetch(of.0, of.1, sha256(bytes));
    v1::ListenRequest {
        project_id: fetch.project_id,
        version_id: fetch.version_id,
        sha256: fetch.sha256,
        offset,
        limit,
    }
}

async fn heard(seat: &mut Seat, asked: v1::ListenRequest) -> Result<(u64, Vec<u8>), Status> {
    let asked = seat.with(asked);
    let mut chunks = seat.media.listen(asked).await?.into_inner();
    let (mut total, mut bytes) = (None, Vec::new());
    while let Some(chunk) = chunks.message().await? {
        total.get_or_insert(chunk.total_bytes);
        bytes.extend_from_slice(&chunk.data);
    }
    Ok((total.unwrap(), bytes))
}

#[tokio::test]
async fn a_listener_hears_a_copy_that_is_made_once() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let mut lou = house.person("Lou", false).await;
    let bytes = tone(1000);
    let of = take(&house, &mut ana, &bytes).await;
    house.perform(&ana, of.0, Command::AddMember { person: lou.id, roles: [Role::Listener].into() }).await;
    let copy = b"copy of 1000 bytes, 2 s";
    let (total, whole) = heard(&mut lou, listen(of, &bytes, 0, 0)).await.unwrap();
    assert_eq!((total, whole.as_slice()), (copy.len() as u64, &copy[..]));
    // It is there now: what is kept is what is sent.
    let kept = house.studio.blobs.path_of_derived(sha256(&bytes), "mp3");
    std::fs::write(&kept, "0123456789").unwrap();
    assert_eq!(heard(&mut ana, listen(of, &bytes, 3, 4)).await.unwrap(), (10, b"3456".to_vec()));
    assert_eq!(heard(&mut ana, listen(of, &bytes, 8, 100)).await.unwrap(), (10, b"89".to_vec()));
    assert_eq!(heard(&mut ana, listen(of, &bytes, 10, 0)).await.unwrap(), (10, vec![]));
    refused(heard(&mut ana, listen(of, &bytes, 11, 0)).await, "MALFORMED");

    refused(heard(&mut ana, listen(of, b"other", 0, 0)).await, "NO_SUCH_FILE");
    let mut bob = house.person("Bob", true).await;
    refused(heard(&mut bob, listen(of, &bytes, 0, 0)).await, "NO_SUCH_PROJECT");
    refused(download(&mut lou, fetch(of.0, of.1, sha256(&bytes))).await, "ORIGINALS_CLOSED");
}

#[tokio::test]
async fn what_cannot_be_copied_is_said_and_damage_is_not_copied() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let odd = b"tone of six channels".to_vec();
    let of = take(&house, &mut ana, &odd).await;
    let no = refused(heard(&mut ana, listen(of, &odd, 0, 0)).await, "PREVIEW_FAILED");
    assert!(no.message().contains("six channels"), "{no:?}");

    let bytes = tone(1000);
    let of = take(&house, &mut ana, &bytes).await;
    let stored = house.studio.blobs.local_path(sha256(&bytes)).await.unwrap();
    std::fs::write(&stored, tone(999)).unwrap();
    refused(heard(&mut ana, listen(of, &bytes, 0, 0)).await, "STORED_BYTES_DAMAGED");
}

/// A WAV of one second at 44.1 kHz: 16 bits, stereo. The left is silent but for four samples at full scale from frame 20,000 on.
fn wav() -> Vec<u8> {
    let left = |at: u32| if (20_000..20_004).contains(&at) { i16::MAX } else { 0 };
    let right = |at: u32| (at % 100) as i16;
    let samples: Vec<u8> =
        (0..44_100).flat_map(|at| [left(at), right(at)]).flat_map(i16::to_le_bytes).collect();
    media_kit::wav(samples)
}

#[tokio::test]
async fn a_real_child_draws_single_samples_and_copies_every_frame() {
    let house = House::open_with_children().await;
    let mut ana = house.person("Ana", true).await;
    let bytes = wav();
    let of = take(&house, &mut ana, &bytes).await;
    let ask = |start_frame, end_frame, columns| {
        let of = listen(of, &bytes, 0, 0);
        v1::WaveformRequest {
            project_id: of.project_id,
            version_id: of.version_id,
            sha256: of.sha256,
            start_frame,
            end_frame,
            columns,
        }
    };
    let asked = ana.with(ask(0, 0, 100));
    let whole = ana.media.waveform(asked).await.unwrap().into_inner();
    assert_eq!(whole.clipped_columns, [45], "20,000 of 44,100 frames");
    assert_eq!(whole.over_columns, [45], "four samples at full scale ring over it");
    assert_eq!(whole.short_term_lufs, [-70.0; 100], "a second has no 3 s");
    // Sixteen frames in as many columns: each shows its sample.
    let asked = ana.with(ask(19_996, 20_012, 16));
    let close = ana.media.waveform(asked).await.unwrap().into_inner();
    let left: Vec<i32> = close.max.iter().step_by(2).copied().collect();
    let is_clip = |at: usize| (4..8).contains(&at);
    assert!(left.iter().enumerate().all(|(at, max)| (*max > 32_000) == is_clip(at)), "{left:?}");
    assert_eq!(close.clipped_columns, [4, 5, 6, 7]);
    assert_eq!(close.min, close.max, "one sample has no extent");
    // The end, and a column narrower than a sample.
    let asked = ana.with(ask(44_098, 44_100, 4));
    let end = ana.media.waveform(asked).await.unwrap().into_inner();
    let right: Vec<i32> = end.max.iter().skip(1).step_by(2).copied().collect();
    assert_eq!(right, [98, 98, 99, 99].map(|value: i32| value));

    // A version 1 file, as older servers kept it, is made again.
    let kept = house.studio.blobs.path_of_derived(sha256(&bytes), "waveform");
    let mut older = std::fs::read(&kept).unwrap();
    older[4] = 1;
    std::fs::write(&kept, older).unwrap();
    let asked = ana.with(ask(0, 0, 100));
    assert_eq!(ana.media.waveform(asked).await.unwrap().into_inner(), whole);

    let (total, copy) = heard(&mut ana, listen(of, &bytes, 0, 0)).await.unwrap();
    assert_eq!(total, copy.len() as u64);
    let path = house.folder.path().join("copy.mp3");
    std::fs::write(&path, &copy).unwrap();
    let mut source = Source::open(&path).unwrap();
    assert_eq!((source.spec().codec, source.spec().frames), ("mp3", Some(44_100)));
    let mut block = deadwax_dsp::Block::default();
    while source.read(&mut block, 10_000).unwrap() > 0 {}
    assert_eq!(source.position(), 44_100, "every frame, and none more");
}
