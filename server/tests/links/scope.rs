//! What a guest hears, by each scope; what lies outside answers as what is not there, to the letter. Never here: who may make a link.

use deadwax_domain::{Digest, VersionId};
use deadwax_proto::v1::{
    self, link_scope::Of, projects_client::ProjectsClient, records_client::RecordsClient, row::Row as Kind,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::{
    common::{Seat, id_text, refused},
    media_kit,
    room::{Room, bytes_of, new_id, one_more},
};

/// What somebody learns from a refusal.
fn learned(status: &Status) -> (Code, String, Option<(String, Vec<(String, String)>)>) {
    let details = status.get_error_details();
    let info = details.error_info().map(|info| {
        let mut more: Vec<(String, String)> =
            info.metadata.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        more.sort();
        (info.reason.clone(), more)
    });
    (status.code(), status.message().to_owned(), info)
}

/// Every call that names a version and a file, as this guest hears it.
async fn by_every_call(room: &Room, guest: &Seat, asked: &v1::DownloadRequest) -> Vec<Result<(), Status>> {
    let listened = room.listen(guest, asked.clone()).await.map(drop);
    let fetched = media_kit::download(&mut guest.clone(), asked.clone()).await.map(drop);
    let waveform = v1::WaveformRequest {
        project_id: asked.project_id.clone(),
        version_id: asked.version_id.clone(),
        sha256: asked.sha256.clone(),
        start_frame: 0,
        end_frame: 0,
        columns: 8,
    };
    let seen = guest.media.clone().waveform(guest.with(waveform)).await.map(drop);
    let report = v1::ReportHeardRequest {
        project_id: asked.project_id.clone(),
        version_id: asked.version_id.clone(),
        ranges: vec![v1::HeardRange { start_ms: 0, end_ms: 50 }],
        ..v1::ReportHeardRequest::default()
    };
    let heard = guest.media.clone().report_heard(guest.with(report)).await.map(drop);
    let note = v1::AddNote {
        note_id: id_text(new_id()),
        version_id: asked.version_id.clone(),
        text: "Louder.".into(),
        ..v1::AddNote::default()
    };
    let noted = room.note(guest, note).await.map(drop);
    vec![listened, fetched, seen, heard, noted]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_scope_holds_what_it_names_and_the_rest_is_not_there() {
    let mut room = Room::open().await;
    let (record, track) = room.record().await;
    let all = |change: &mut v1::MakeLinkRequest| (change.download, change.notes) = (true, true);
    let absent = v1::DownloadRequest { version_id: id_text(new_id()), ..room.asked(0) };
    let scopes: [(Of, [bool; 3], &[&str]); 4] = [
        (room.scope(0), [true, false, false], &["project", "song/Ember", "version/Ember 1"]),
        (
            Of::SongId(id_text(room.ember.0)),
            [true, true, false],
            &["project", "song/Ember", "version/Ember 1", "version/Ember 2"],
        ),
        (
            Of::Album(true),
            [false, true, true],
            &["project", "song/Ash", "song/Ember", "version/Ash 1", "version/Ember 2"],
        ),
        (
            Of::RecordId(record.clone()),
            [false, true, true],
            &["project", "record/1", "song/Ash", "song/Ember", "version/Ash 1", "version/Ember 2"],
        ),
    ];
    let mut cells = 0;
    for (scope, holds, keys) in scopes {
        let guest = room.guest(scope.clone(), all).await;
        assert_eq!(room.keys(&guest).await, keys, "{scope:?}");
        for (take, inside) in holds.into_iter().enumerate() {
            let answers = by_every_call(&room, &guest, &room.asked(take)).await;
            // The same call of what is nowhere: to the letter.
            let nowhere = by_every_call(&room, &guest, &absent).await;
            for (answer, nowhere) in answers.into_iter().zip(nowhere) {
                cells += 1;
                match (inside, answer) {
                    (true, answer) => answer.unwrap(),
                    (false, answer) => {
                        let no = answer.expect_err("it lies outside of the link");
                        assert_eq!(no.code(), Code::NotFound, "{no:?}");
                        assert_eq!(learned(&no), learned(&nowhere.unwrap_err()), "{scope:?}");
                    }
                }
            }
        }
        let of_record = matches!(scope, Of::RecordId(_));
        let got = get_record(&room, &guest, &record).await;
        let nowhere = get_record(&room, &guest, &id_text(new_id())).await.unwrap_err();
        let fetched = room.fetch(&guest, &record, &track).await;
        if of_record {
            assert_eq!(got.unwrap().files.len(), 1);
            assert_eq!(fetched.unwrap(), track);
        } else {
            assert_eq!(learned(&got.unwrap_err()), learned(&nowhere));
            assert_eq!(learned(&fetched.unwrap_err()), learned(&nowhere));
        }
    }
    println!("#gate LINKS held 4 scopes, {cells} calls of what lies in them and outside");
    // What comes later is in the scope of its song and of the album, and nobody has to be told anew.
    let of_song = room.guest(Of::SongId(id_text(room.ember.0)), |_| {}).await;
    let of_album = room.guest(Of::Album(true), |_| {}).await;
    let newer = one_more(&mut room, &bytes_of(7)).await;
    let key = format!("version/{}", id_text(newer.0));
    for guest in [&of_song, &of_album] {
        assert!(room.keys(guest).await.contains(&key));
    }
    assert!(!room.keys(&of_album).await.contains(&"version/Ember 2".to_owned()), "another counts now");
}

async fn get_record(room: &Room, by: &Seat, record: &str) -> Result<v1::RecordRow, Status> {
    let asked = v1::GetRecordRequest { project_id: id_text(room.project.0), record_id: record.into() };
    let got = RecordsClient::new(by.channel.clone()).get_record(by.with(asked)).await?;
    Ok(got.into_inner().record.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn knowing_a_hash_grants_a_guest_nothing() {
    let room = Room::open().await;
    let guest = room.guest(room.scope(0), |asked| asked.download = true).await;
    let with = |sha256: Digest| media_kit::fetch(room.project, room.takes[0], sha256);
    // By the version that they hear: a file of another version of the project, and one of nobody's.
    let outside = by_every_call(&room, &guest, &with(media_kit::sha256(&bytes_of(1)))).await;
    let nobodys = by_every_call(&room, &guest, &with(Digest([7; 32]))).await;
    // The last two name no file.
    for (outside, nobodys) in outside.into_iter().zip(nobodys).take(3) {
        let (outside, nobodys) = (outside.unwrap_err(), nobodys.unwrap_err());
        refused::<()>(Err(outside.clone()), "NO_SUCH_FILE");
        assert_eq!(learned(&outside), learned(&nobodys));
    }
    let elsewhere = v1::DownloadRequest { project_id: id_text(new_id()), ..room.asked(0) };
    refused(room.listen(&guest, elsewhere).await, "NO_SUCH_PROJECT");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn originals_are_fetched_where_the_link_says_so() {
    let room = Room::open().await;
    let (record, track) = room.record().await;
    let hears = room.guest(room.scope(0), |_| {}).await;
    let fetches = room.guest(room.scope(0), |asked| asked.download = true).await;
    let of_record = room.guest(Of::RecordId(record.clone()), |_| {}).await;
    refused(media_kit::download(&mut hears.clone(), room.asked(0)).await, "ORIGINALS_CLOSED");
    assert!(!room.listen(&hears, room.asked(0)).await.unwrap().is_empty());
    let (_, bytes) = media_kit::download(&mut fetches.clone(), room.asked(0)).await.unwrap();
    assert_eq!(bytes, bytes_of(0));
    refused(room.fetch(&of_record, &record, &track).await, "ORIGINALS_CLOSED");
    let may = |rows: Vec<v1::Row>| {
        rows.into_iter().find_map(|row| match row.row {
            Some(Kind::Version(version)) => Some(version.files[0].may_fetch),
            _ => None,
        })
    };
    assert_eq!(may(room.rows(&hears).await.unwrap()), Some(false));
    assert_eq!(may(room.rows(&fetches).await.unwrap()), Some(true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_tell_a_guest_nothing_of_the_work() {
    let room = Room::open().await;
    let guest = room.guest(room.scope(0), |asked| asked.notes = true).await;
    let words = format!("{:?}", room.rows(&guest).await.unwrap());
    for secret in ["Lena Ruiz", "Max Weil", "Ash", "approve", "override", &id_text(room.takes[1].0)] {
        assert!(!words.contains(secret), "{secret} in {words}");
    }
    let asked = guest
        .with(v1::HistoryRequest { project_id: id_text(room.project.0), ..v1::HistoryRequest::default() });
    let history = ProjectsClient::new(guest.channel.clone()).history(asked).await.unwrap().into_inner();
    let told: Vec<&str> = history.entries.iter().map(|it| it.text.as_str()).collect();
    assert_eq!(told, ["Olga Brandt added Take 1 of \"Ember\"."]);
    let mine = ProjectsClient::new(guest.channel.clone()).list(guest.with(v1::ListRequest {})).await;
    let mine = mine.unwrap().into_inner().projects;
    assert_eq!((mine.len(), mine[0].songs, mine[0].songs_recording), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_and_the_house_talk_under_the_guests_own_notes() {
    let room = Room::open().await;
    let version_id = id_text(room.takes[0].0);
    let note = |text: &str, parent: &str| v1::AddNote {
        note_id: id_text(new_id()),
        version_id: version_id.clone(),
        text: text.into(),
        parent_note_id: parent.into(),
        ..v1::AddNote::default()
    };
    let among_members = note("The bridge is too loud.", "");
    room.note(&room.manager, among_members.clone()).await.unwrap();
    let guest = room.guest(room.scope(0), |asked| asked.notes = true).await;
    let silent = room.guest(room.scope(0), |_| {}).await;
    let own = note("The breath at 0:00.4?", "");
    room.note(&guest, own.clone()).await.unwrap();
    room.note(&room.mixer, note("Gone in the next one.", &own.note_id)).await.unwrap();
    refused(room.note(&guest, note("And here?", &among_members.note_id)).await, "NO_SUCH_NOTE");
    refused(room.note(&silent, note("And I?", "")).await, "NOT_FOR_GUESTS");
    let read = async |seat: &Seat| {
        let mut read: Vec<(String, String)> = Vec::new();
        for row in room.rows(seat).await.unwrap() {
            if let Some(Kind::Note(note)) = row.row {
                read.push((note.author, note.text));
            }
        }
        read.sort();
        read
    };
    let said = |who: &str, text: &str| (who.to_owned(), text.to_owned());
    let thread = [said("Dana Holt", "The breath at 0:00.4?"), said("Max Weil", "Gone in the next one.")];
    assert_eq!(read(&guest).await, thread);
    assert!(read(&silent).await.is_empty());
    let all = [thread[0].clone(), thread[1].clone(), said("Olga Brandt", "The bridge is too loud.")];
    assert_eq!(read(&room.mixer).await, all, "members read what a guest says");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_members_do_is_closed_to_guests() {
    let room = Room::open().await;
    let guest = room.guest(Of::Album(true), |_| {}).await;
    let project_id = id_text(room.project.0);
    let invite = guest.with(v1::CreateInviteRequest::default());
    refused(guest.sessions.clone().create_invite(invite).await, "NOT_FOR_GUESTS");
    let begin = media_kit::start(&mut guest.clone(), room.project, &bytes_of(9)).await;
    refused(begin, "NOT_FOR_GUESTS");
    refused(room.list(&guest).await, "NOT_FOR_GUESTS");
    refused(room.make(&guest, Of::Album(true), |_| {}).await, "NOT_FOR_GUESTS");
    let mut projects = ProjectsClient::new(guest.channel.clone());
    refused(projects.desk(guest.with(v1::DeskRequest {})).await, "NOT_FOR_GUESTS");
    let approve = v1::action::Action::Approve(v1::Approve {
        approval_id: id_text(new_id()),
        version_id: id_text(VersionId(room.takes[1].0).0),
        role: v1::Role::Listener.into(),
        fingerprint: "00".repeat(32),
        ..v1::Approve::default()
    });
    let perform = v1::PerformRequest {
        command_id: id_text(new_id()),
        project_id,
        expected: None,
        action: Some(v1::Action { action: Some(approve) }),
    };
    refused(projects.perform(guest.with(perform)).await, "NOT_FOR_GUESTS");
    // They are nobody whom a project could take in.
    let add = v1::action::Action::AddMember(v1::AddMember {
        person_id: id_text(guest.id.0),
        roles: vec![v1::Role::Artist.into()],
    });
    let other = room.house.project(&room.manager).await;
    let perform = v1::PerformRequest {
        command_id: id_text(new_id()),
        project_id: id_text(other.0),
        expected: None,
        action: Some(v1::Action { action: Some(add) }),
    };
    refused(projects.perform(room.manager.with(perform)).await, "NO_SUCH_PERSON");
    assert!(room.house.studio.people.list().iter().all(|person| person.id != guest.id));
}
