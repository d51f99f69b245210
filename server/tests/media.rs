//! Audio in and out through the wire: limits, resuming, digests, who may have what.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
mod media_kit;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use common::{FakeInspect, House, id_text, refused, within};
use deadwax_domain::{Command, ProjectId, Role, SongId};
use deadwax_proto::v1;
use deadwax_server::{
    render::{
        Program,
        compare::CompareFiles,
        hearing::{Window, WindowAsked},
        inspect::{InspectError, Inspected},
    },
    studio::{InChild, Inspect},
};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use media_kit::*;
use tokio::sync::Semaphore;
use tonic::Code;

#[tokio::test]
async fn a_file_arrives_is_measured_and_known() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let bytes = tone(3 * CHUNK + 17);
    let state = upload(&mut ana, project, &bytes).await.unwrap();
    assert!(state.done && state.offset == bytes.len() as u64);
    assert_eq!(state.facts.unwrap().integrated_lufs, -14.0);
    assert_eq!(received(&house, project).await, 1);
    // Here it is known already; in another project it is not, and nothing tells that it is somewhere.
    let again = start(&mut ana, project, &bytes).await.unwrap();
    assert!(again.done && again.facts.is_some());
    let other = house.project(&ana).await;
    let elsewhere = start(&mut ana, other, &bytes).await.unwrap();
    assert!(!elsewhere.done && elsewhere.offset == 0);
}

#[tokio::test]
async fn a_file_that_cannot_get_its_name_is_told_to_no_ledger() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let bytes = tone(CHUNK + 3);
    // Where its folder should be, something lies in the way.
    let folder = house.folder.path().join("blobs").join(&sha256(&bytes).to_string()[..2]);
    std::fs::write(&folder, "in the way").unwrap();
    upload(&mut ana, project, &bytes).await.unwrap_err();
    assert_eq!(received(&house, project).await, 0, "a fact names a file that is not there");
    std::fs::remove_file(&folder).unwrap();
    assert!(upload(&mut ana, project, &bytes).await.unwrap().done);
    assert_eq!(received(&house, project).await, 1);
}

#[tokio::test]
async fn a_cut_upload_goes_on_where_it_stopped() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let bytes = tone(40 * CHUNK + 5);
    let state = start(&mut ana, project, &bytes).await.unwrap();
    // The connection is cut in the middle: the stream never ends, the call is dropped.
    let mut part = chunks(&state.upload_id, &bytes, 0);
    part.truncate(38);
    let asked = ana.with(stream::iter(part).chain(stream::pending()));
    let mut line = ana.clone();
    let cut = tokio::time::timeout(Duration::from_millis(700), line.media.upload(asked)).await;
    assert!(cut.is_err(), "the call was still running");

    let asked = ana.with(v1::GetUploadRequest { upload_id: state.upload_id.clone() });
    let there = ana.media.get_upload(asked).await.unwrap().into_inner();
    assert!(there.offset >= 8 << 20 && there.offset < bytes.len() as u64, "{}", there.offset);
    let again = start(&mut ana, project, &bytes).await.unwrap();
    assert_eq!((again.upload_id.as_str(), again.offset), (state.upload_id.as_str(), there.offset));
    // From another place it is refused, and the right one is told.
    let wrong = send(&mut ana, chunks(&state.upload_id, &bytes, 100)).await;
    let no = refused(wrong, "OFFSET_DIFFERS");
    use tonic_types::StatusExt as _;
    let details = no.get_error_details();
    assert_eq!(details.error_info().unwrap().metadata["offset"], there.offset.to_string());

    let done = send(&mut ana, chunks(&state.upload_id, &bytes, there.offset as usize)).await.unwrap();
    assert!(done.done);
    assert_eq!(house.studio.blobs.verify(sha256(&bytes)).await.unwrap(), bytes.len() as u64);
}

#[tokio::test]
async fn a_stream_that_ends_early_tells_how_far_it_came() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let bytes = tone(2 * CHUNK);
    let state = start(&mut ana, project, &bytes).await.unwrap();
    let mut part = chunks(&state.upload_id, &bytes, 0);
    part.truncate(2);
    let half = send(&mut ana, part).await.unwrap();
    assert!(!half.done && half.offset == CHUNK as u64);
    assert_eq!(received(&house, project).await, 0);
}

#[tokio::test]
async fn other_bytes_than_announced_are_refused_and_forgotten() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let bytes = tone(CHUNK);
    let state = start(&mut ana, project, &bytes).await.unwrap();
    let mut other = bytes.clone();
    other[1000] ^= 1;
    refused(send(&mut ana, chunks(&state.upload_id, &other, 0)).await, "DIGEST_DIFFERS");
    let gone = send(&mut ana, chunks(&state.upload_id, &bytes, 0)).await;
    refused(gone, "UPLOAD_UNKNOWN");
    assert_eq!(received(&house, project).await, 0);
    assert!(!house.studio.blobs.has(sha256(&other)).await.unwrap());
    assert!(upload(&mut ana, project, &bytes).await.unwrap().done, "the right bytes still get in");
    // More than announced.
    let longer = tone(CHUNK + 50);
    let state = start(&mut ana, project, &tone(CHUNK - 1)).await.unwrap();
    refused(send(&mut ana, chunks(&state.upload_id, &longer, 0)).await, "TOO_MANY_BYTES");
}

#[tokio::test]
async fn what_is_not_audio_changes_nothing() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    refused(upload(&mut ana, project, b"a text").await, "NOT_AUDIO");
    refused(upload(&mut ana, project, b"bomb in a header").await, "AUDIO_HOSTILE");
    assert_eq!(received(&house, project).await, 0);
    // Nothing of the bytes stays: no blob, no upload, no waveform.
    for bytes in [&b"a text"[..], b"bomb in a header"] {
        assert!(!house.studio.blobs.has(sha256(bytes)).await.unwrap());
    }
    for folder in ["uploads", "blobs", "derived"] {
        assert_eq!(std::fs::read_dir(house.folder.path().join(folder)).unwrap().count(), 0, "{folder}");
    }
}

#[tokio::test]
async fn uploads_that_are_begun_and_never_finished_have_a_limit() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let mut bob = house.person("Bob", true).await;
    let project = house.project(&ana).await;
    let (mut last, mut begun) = (None, 0);
    for n in 0..501 {
        match start(&mut ana, project, &tone(10 + n)).await {
            Ok(_) => begun += 1,
            Err(no) => last = Some(no),
        }
    }
    assert_eq!(begun, 500);
    refused::<()>(Err(last.unwrap()), "TOO_MANY_UPLOADS");
    let theirs = house.project(&bob).await;
    assert!(upload(&mut bob, theirs, &tone(10)).await.unwrap().done, "others are not held up");
}

#[tokio::test]
async fn limits_and_bad_names_are_refused_before_a_byte_is_sent() {
    let house = House::open_with(|config| config.limits.max_upload_bytes = 1000).await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let cases: &[(u64, &str, &str)] = &[
        (1001, "mix.wav", "UPLOAD_TOO_LARGE"),
        (u64::MAX, "mix.wav", "UPLOAD_TOO_LARGE"),
        (0, "mix.wav", "UPLOAD_EMPTY"),
        (10, "", "NAME_INVALID"),
        (10, "../../etc/passwd", "NAME_INVALID"),
        (10, "a\\b.wav", "NAME_INVALID"),
        (10, "mix\u{1b}]0;x\u{7}.wav", "NAME_INVALID"),
        (10, "mix\u{202e}vaw.exe", "NAME_INVALID"),
        (10, &"x".repeat(10_000), "NAME_INVALID"),
    ];
    for (bytes, name, reason) in cases {
        let asked = v1::BeginUploadRequest { bytes: *bytes, ..begin(project, b"x", name) };
        let asked = ana.with(asked);
        refused(ana.media.begin_upload(asked).await, reason);
    }
    let malformed = [
        v1::BeginUploadRequest { sha256: "AB".repeat(32), ..begin(project, b"x", "a") },
        v1::BeginUploadRequest { sha256: "ab".into(), ..begin(project, b"x", "a") },
        v1::BeginUploadRequest { project_id: "x".into(), ..begin(project, b"x", "a") },
    ];
    for asked in malformed {
        let asked = ana.with(asked);
        let no = refused(ana.media.begin_upload(asked).await, "MALFORMED");
        assert_eq!(no.code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn a_silent_uploader_is_given_up_and_may_resume() {
    let house = House::open_with(|config| config.limits.upload_stall_s = 1).await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let bytes = tone(3 * CHUNK);
    let state = start(&mut ana, project, &bytes).await.unwrap();
    let mut part = chunks(&state.upload_id, &bytes, 0);
    part.truncate(2);
    let asked = ana.with(stream::iter(part).chain(stream::pending()));
    let stalled = within(Duration::from_secs(5), "giving up", ana.media.upload(asked)).await;
    refused(stalled, "UPLOAD_STALLED");
    let again = start(&mut ana, project, &bytes).await.unwrap();
    assert_eq!(again.offset, CHUNK as u64, "what arrived is durable");
    assert!(send(&mut ana, chunks(&again.upload_id, &bytes, CHUNK)).await.unwrap().done);
}

#[tokio::test]
async fn one_person_has_a_number_of_uploads() {
    let house = House::open_with(|config| config.limits.uploads_per_person = 1).await;
    let mut ana = house.person("Ana", true).await;
    let mut bob = house.person("Bob", true).await;
    let project = house.project(&ana).await;
    let state = start(&mut ana, project, &tone(100)).await.unwrap();
    let first = chunks(&state.upload_id, &tone(100), 0)[..1].to_vec();
    let asked = ana.with(stream::iter(first).chain(stream::pending()));
    let mut line = ana.clone();
    let running = tokio::spawn(async move { line.media.upload(asked).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    refused(start(&mut ana, project, &tone(200)).await, "TOO_MANY_UPLOADS");
    let theirs = house.project(&bob).await;
    assert!(upload(&mut bob, theirs, &tone(200)).await.unwrap().done, "others are free");
    running.abort();
    let _cut = running.await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(upload(&mut ana, project, &tone(200)).await.unwrap().done, "the place is free again");
}

#[tokio::test]
async fn ending_a_session_ends_its_streams_within_a_second() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let bytes = tone(64 << 20);
    let (project, version) = take(&house, &mut ana, &bytes).await;
    // An upload that waits, and a download that is being read.
    let state = start(&mut ana, project, &tone(100)).await.unwrap();
    let first = chunks(&state.upload_id, &tone(100), 0)[..1].to_vec();
    let asked = ana.with(stream::iter(first).chain(stream::pending()));
    let mut line = ana.clone();
    let waiting = tokio::spawn(async move { line.media.upload(asked).await });
    let asked = ana.with(fetch(project, version, sha256(&bytes)));
    let mut reading = ana.media.download(asked).await.unwrap().into_inner();
    let mut got = 0;
    for _ in 0..3 {
        got += reading.message().await.unwrap().unwrap().data.len();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;

    let session = house.studio.people.sessions_of(ana.id)[0].id;
    house.studio.people.end_session(session, deadwax_server::auth::Shown::default()).await.unwrap();
    let upload = within(Duration::from_secs(1), "ending the upload", waiting).await.unwrap();
    refused(upload, "SESSION_ENDED");
    let end = within(Duration::from_secs(1), "ending the download", async {
        loop {
            match reading.message().await {
                Ok(Some(chunk)) => got += chunk.data.len(),
                Ok(None) => panic!("the whole file came through"),
                Err(status) => return status,
            }
        }
    })
    .await;
    refused::<()>(Err(end), "SESSION_ENDED");
    assert!(got < bytes.len() / 2, "{got} bytes came through");
}

#[tokio::test]
async fn a_download_ends_when_its_reader_may_not_fetch_any_more() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let bytes = tone(32 << 20);
    let (project, version) = take(&house, &mut ana, &bytes).await;
    for (name, removed) in [("Bob", true), ("Lou", false)] {
        let mut reader = house.person(name, false).await;
        let person = reader.id;
        let roles = [Role::MixEngineer].into();
        house.perform(&ana, project, Command::AddMember { person, roles }).await;
        let asked = reader.with(fetch(project, version, sha256(&bytes)));
        let mut reading = reader.media.download(asked).await.unwrap().into_inner();
        // A change that is not about the reader ends nothing.
        let song = SongId(uuid::Uuid::now_v7().as_u128());
        let add = Command::AddSong { song, title: name.into(), isrc: String::new() };
        house.perform(&ana, project, add).await;
        for _ in 0..3 {
            reading.message().await.unwrap().unwrap();
        }
        let roles = [Role::Listener].into();
        let end =
            if removed { Command::RemoveMember { person } } else { Command::ChangeRoles { person, roles } };
        house.perform(&ana, project, end).await;
        let end = within(Duration::from_secs(5), "ending the download", async {
            loop {
                match reading.message().await {
                    Ok(chunk) => assert!(chunk.is_some(), "the whole file came through"),
                    Err(status) => return status,
                }
            }
        })
        .await;
        let stranger = refused(
            download(&mut reader, fetch(ProjectId(9), version, sha256(&bytes))).await,
            "NO_SUCH_PROJECT",
        );
        let end = refused::<()>(Err(end), "NO_SUCH_PROJECT");
        assert_eq!((end.code(), end.message()), (stranger.code(), stranger.message()));
    }
}

/// Measures when it is let, and counts how often it was asked.
struct Held {
    asked: Arc<AtomicUsize>,
    let_go: Arc<Semaphore>,
}

impl Inspect for Held {
    fn inspect<'a>(
        &'a self,
        audio: &'a Path,
        waveform: &'a Path,
    ) -> BoxFuture<'a, Result<Inspected, InspectError>> {
        async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.let_go.acquire().await.unwrap().forget();
            FakeInspect.inspect(audio, waveform).await
        }
        .boxed()
    }

    fn window<'a>(
        &'a self,
        audio: &'a Path,
        asked: WindowAsked,
    ) -> BoxFuture<'a, Result<Window, InspectError>> {
        FakeInspect.window(audio, asked)
    }

    fn copy<'a>(
        &'a self,
        audio: &'a Path,
        out: &'a Path,
        seconds: u64,
    ) -> BoxFuture<'a, Result<(), InspectError>> {
        FakeInspect.copy(audio, out, seconds)
    }

    fn compare<'a>(&'a self, files: &'a CompareFiles) -> BoxFuture<'a, Result<(), InspectError>> {
        FakeInspect.compare(files)
    }
}

#[tokio::test]
async fn who_reconnects_while_a_file_is_measured_gets_the_same_answer() {
    let (asked, let_go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let held = Held { asked: Arc::clone(&asked), let_go: Arc::clone(&let_go) };
    let house = House::open_on(Arc::new(held), |config| config.limits.uploads_per_person = 2).await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let bytes = tone(2 * CHUNK);
    let state = start(&mut ana, project, &bytes).await.unwrap();
    let (mut line, all) = (ana.clone(), chunks(&state.upload_id, &bytes, 0));
    let first = tokio::spawn(async move { send(&mut line, all).await });
    within(Duration::from_secs(10), "the first measuring", async {
        while asked.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    first.abort();
    let _cut = first.await;

    let again = start(&mut ana, project, &bytes).await.unwrap();
    assert_eq!((again.upload_id.as_str(), again.offset), (state.upload_id.as_str(), bytes.len() as u64));
    let (mut line, rest) = (ana.clone(), chunks(&again.upload_id, &bytes, bytes.len()));
    let second = tokio::spawn(async move { send(&mut line, rest).await });
    // The first one's place is taken until its file is measured, though its connection is gone.
    within(Duration::from_secs(10), "two places taken", async {
        while start(&mut ana, project, &tone(100)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    refused(start(&mut ana, project, &tone(100)).await, "TOO_MANY_UPLOADS");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let_go.add_permits(5);
    let done = within(Duration::from_secs(10), "the second answer", second).await.unwrap().unwrap();
    assert!(done.done && done.offset == bytes.len() as u64 && done.facts.is_some());
    assert_eq!(asked.load(Ordering::SeqCst), 1, "measured once");
    assert_eq!(received(&house, project).await, 1);
    assert!(start(&mut ana, project, &tone(100)).await.is_ok(), "the places are free again");
}

#[tokio::test]
async fn an_upload_outlives_the_measuring_that_was_interrupted() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("child.sh");
    let (once, real) = (home.path().join("once"), env!("CARGO_BIN_EXE_deadwax-server"));
    let once = once.display();
    // The first child is told to stop, as all processes of a service are; later ones are the real thing.
    let body = format!("if [ ! -e {once} ]; then : > {once}; kill -TERM $$; fi\nexec {real} \"$@\"\n");
    std::fs::write(&path, body).unwrap();
    let program = Program { exe: "/bin/sh".into(), prefix: vec![path.into_os_string()] };
    let house = House::open_on(Arc::new(InChild::new(program)), |_| {}).await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let bytes = wav();
    let no = upload(&mut ana, project, &bytes).await.unwrap_err();
    assert_eq!(no.code(), Code::Internal, "{no:?}");
    let again = start(&mut ana, project, &bytes).await.unwrap();
    assert_eq!((again.done, again.offset), (false, bytes.len() as u64), "not a byte is sent twice");
    assert!(send(&mut ana, chunks(&again.upload_id, &bytes, bytes.len())).await.unwrap().done);
}

#[tokio::test]
async fn files_come_back_whole_and_in_ranges() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let bytes = tone(3 * CHUNK + 11);
    let (project, version) = take(&house, &mut ana, &bytes).await;
    let digest = sha256(&bytes);
    let total = bytes.len() as u64;
    assert_eq!(download(&mut ana, fetch(project, version, digest)).await.unwrap(), (total, bytes.clone()));
    for (offset, limit) in [(0, 10), (5, 0), (CHUNK as u64 - 1, 2), (total, 0), (total - 1, 100)] {
        let asked = v1::DownloadRequest { offset, limit, ..fetch(project, version, digest) };
        let end = if limit == 0 { total } else { (offset + limit).min(total) };
        let part = bytes[offset as usize..end as usize].to_vec();
        assert_eq!(download(&mut ana, asked).await.unwrap(), (total, part), "{offset} {limit}");
    }
    let beyond = v1::DownloadRequest { offset: total + 1, ..fetch(project, version, digest) };
    refused(download(&mut ana, beyond).await, "MALFORMED");
}

#[tokio::test]
async fn a_digest_is_no_permission() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let mut bob = house.person("Bob", true).await;
    let (mine, other) = (tone(1000), tone(2000));
    let (project, version) = take(&house, &mut ana, &mine).await;
    let (theirs, their_version) = take(&house, &mut bob, &other).await;

    let foreign =
        refused(download(&mut bob, fetch(project, version, sha256(&mine))).await, "NO_SUCH_PROJECT");
    let absent =
        refused(download(&mut bob, fetch(ProjectId(9), version, sha256(&mine))).await, "NO_SUCH_PROJECT");
    assert_eq!((foreign.code(), foreign.message()), (absent.code(), absent.message()));
    // In one's own project, with somebody else's digest or version: as absent as a made-up one.
    let foreign =
        refused(download(&mut bob, fetch(theirs, their_version, sha256(&mine))).await, "NO_SUCH_FILE");
    let absent =
        refused(download(&mut bob, fetch(theirs, their_version, sha256(b"none"))).await, "NO_SUCH_FILE");
    assert_eq!((foreign.code(), foreign.message()), (absent.code(), absent.message()));
    refused(download(&mut bob, fetch(theirs, version, sha256(&mine))).await, "NO_SUCH_FILE");
    // Uploads are their owner's alone.
    let state = start(&mut ana, project, &tone(300)).await.unwrap();
    let asked = bob.with(v1::GetUploadRequest { upload_id: state.upload_id.clone() });
    let foreign = refused(bob.media.get_upload(asked).await, "UPLOAD_UNKNOWN");
    let asked = bob.with(v1::GetUploadRequest { upload_id: id_text(5) });
    let absent = refused(bob.media.get_upload(asked).await, "UPLOAD_UNKNOWN");
    assert_eq!(foreign.message(), absent.message());
    refused(send(&mut bob, chunks(&state.upload_id, &tone(300), 0)).await, "UPLOAD_UNKNOWN");
    refused(start(&mut bob, project, &tone(300)).await, "NO_SUCH_PROJECT");
}

#[tokio::test]
async fn listeners_hear_and_neither_fetch_nor_upload() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let mut lou = house.person("Lou", false).await;
    let bytes = tone(1000);
    let (project, version) = take(&house, &mut ana, &bytes).await;
    house.perform(&ana, project, Command::AddMember { person: lou.id, roles: [Role::Listener].into() }).await;
    refused(download(&mut lou, fetch(project, version, sha256(&bytes))).await, "ORIGINALS_CLOSED");
    refused(start(&mut lou, project, &tone(10)).await, "NOT_YOUR_ROLE");
}

#[tokio::test]
async fn damaged_bytes_are_told_not_sent_as_good() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let bytes = tone(1000);
    let (project, version) = take(&house, &mut ana, &bytes).await;
    let path = house.studio.blobs.local_path(sha256(&bytes)).await.unwrap();
    let mut damaged = bytes.clone();
    damaged[500] ^= 1;
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&path, &damaged).unwrap();
    let no =
        refused(download(&mut ana, fetch(project, version, sha256(&bytes))).await, "STORED_BYTES_DAMAGED");
    assert_eq!(no.code(), Code::DataLoss);
}

#[tokio::test]
async fn the_overview_is_drawn_and_made_again_where_it_is_gone() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let mut lou = house.person("Lou", false).await;
    let bytes = tone(1000);
    let (project, version) = take(&house, &mut ana, &bytes).await;
    house.perform(&ana, project, Command::AddMember { person: lou.id, roles: [Role::Listener].into() }).await;
    let asked = |columns, start_frame, end_frame| v1::WaveformRequest {
        project_id: id_text(project.0),
        version_id: id_text(version.0),
        sha256: sha256(&bytes).to_string(),
        start_frame,
        end_frame,
        columns,
    };
    let ask = lou.with(asked(10, 0, 0));
    let drawn = lou.media.waveform(ask).await.unwrap().into_inner();
    assert_eq!((drawn.sample_rate, drawn.channels, drawn.frames), (48_000, 2, 48_000));
    assert_eq!((drawn.min.len(), drawn.max.len()), (20, 20));
    let left: Vec<i32> = drawn.max.iter().step_by(2).copied().collect();
    assert!(left.is_sorted() && left[9] > 32_000 && left[0] < 6_000, "{left:?}");
    assert!(drawn.max.iter().skip(1).step_by(2).all(|right| *right <= 0), "channels are interleaved");

    let kept = house.studio.blobs.path_of_derived(sha256(&bytes), "waveform");
    std::fs::write(&kept, "broken").unwrap();
    let ask = lou.with(asked(10, 0, 0));
    assert_eq!(lou.media.waveform(ask).await.unwrap().into_inner(), drawn);
    for (columns, start, end) in [(0, 0, 0), (8193, 0, 0), (10, 48_000, 0), (10, 20, 10)] {
        let ask = lou.with(asked(columns, start, end));
        refused(lou.media.waveform(ask).await, "MALFORMED");
    }
    let mut stranger = house.person("Bob", true).await;
    let ask = stranger.with(asked(10, 0, 0));
    refused(stranger.media.waveform(ask).await, "NO_SUCH_PROJECT");
}

/// A WAV of one second: 16 bits, stereo, a quiet ramp.
fn wav() -> Vec<u8> {
    let samples: Vec<u8> =
        (0..44_100_u32).flat_map(|n| [n as u16 / 4; 2]).flat_map(u16::to_le_bytes).collect();
    media_kit::wav(samples)
}

#[tokio::test]
async fn real_audio_is_measured_by_a_real_child_and_junk_is_refused() {
    let house = House::open_with_children().await;
    let mut ana = house.person("Ana", true).await;
    let good = wav();
    let (project, version) = take(&house, &mut ana, &good).await;
    let state = start(&mut ana, project, &good).await.unwrap();
    let facts = state.facts.unwrap();
    assert_eq!((facts.sample_rate, facts.channels, facts.bits, facts.frames), (44_100, 2, 16, 44_100));
    assert_eq!(facts.bytes, good.len() as u64);
    let ask = ana.with(v1::WaveformRequest {
        project_id: id_text(project.0),
        version_id: id_text(version.0),
        sha256: sha256(&good).to_string(),
        start_frame: 0,
        end_frame: 0,
        columns: 4,
    });
    assert_eq!(ana.media.waveform(ask).await.unwrap().into_inner().frames, 44_100);

    let patched = |at: usize, bytes: &[u8]| {
        let mut bad = good.clone();
        bad[at..at + bytes.len()].copy_from_slice(bytes);
        bad
    };
    let hostile = [
        ("a text", b"this is a letter, not a song, and it goes on for a while".to_vec()),
        ("zeroes", vec![0; 4096]),
        ("a header alone", good[..44].to_vec()),
        ("no channels", patched(22, &[0, 0])),
        ("1 Hz", patched(24, &1_u32.to_le_bytes())),
        ("4 GHz", patched(24, &u32::MAX.to_le_bytes())),
    ];
    for (what, bytes) in hostile {
        let no = upload(&mut ana, project, &bytes).await.map(|_| ()).expect_err(what);
        let reason = deadwax_server::status::reason_of(&no).unwrap_or_default();
        assert!(
            matches!(reason.as_str(), "NOT_AUDIO" | "AUDIO_UNSUPPORTED" | "AUDIO_HOSTILE"),
            "{what}: {no:?}"
        );
    }
    assert_eq!(received(&house, project).await, 1, "refused files left no fact");
}
