//! People at work while their studio moves: writers who send again what went unanswered, somebody who watches, uploads, a file that is fetched. What they were told is
//! held against what is there. Never here: servers and moves.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use deadwax_proto::v1::{self, Role, VersionKind, action::Action, media_client::MediaClient};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

use crate::{
    Dice,
    pieces::Piece,
    seats::{Seat, new_id, retitled},
};

/// Where the studio is at this moment.
pub type Where = Arc<Mutex<SocketAddr>>;

pub async fn channel(place: &Where) -> Option<Channel> {
    let address = *place.lock().unwrap();
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect_timeout(Duration::from_secs(2)).timeout(Duration::from_secs(20)).connect().await.ok()
}

/// A command that was acknowledged.
#[derive(Clone)]
pub struct Told {
    pub command: String,
    pub project: String,
    pub action: Action,
    pub seq: u64,
}

/// Retitles a song again and again; each command is sent until it is answered, wherever the studio is then.
pub fn writer(
    seat: Seat,
    place: Where,
    (project, song): (String, String),
    ended: Arc<AtomicBool>,
) -> JoinHandle<Vec<Told>> {
    tokio::spawn(async move {
        let (mut told, mut title) = (Vec::new(), 0);
        while !ended.load(Ordering::Relaxed) {
            title += 1;
            let (command, action) = (new_id(), retitled(&song, title));
            let seq = loop {
                let answer = match channel(&place).await {
                    Some(channel) => seat.over(channel).perform_as(&command, &project, action.clone()).await,
                    None => Err(Status::unavailable("nobody is there")),
                };
                match answer {
                    Ok(seq) => break seq,
                    Err(status) => {
                        assert_ne!(status.code(), Code::Unauthenticated, "a session was lost: {status:?}");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
            };
            told.push(Told { command, project: project.clone(), action, seq });
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
        told
    })
}

/// Follows a project from seq to seq, over every cut, and never meets one that is lower.
pub fn watcher(seat: Seat, place: Where, project: String, ended: Arc<AtomicBool>) -> JoinHandle<u64> {
    tokio::spawn(async move {
        let mut last = 0;
        while !ended.load(Ordering::Relaxed) {
            let Some(channel) = channel(&place).await else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let seat = seat.over(channel);
            let asked = v1::WatchRequest { project_id: project.clone(), from: last };
            let Ok(stream) = seat.projects().watch(seat.with(asked)).await else { continue };
            let mut stream = stream.into_inner();
            while let Ok(Ok(Some(update))) =
                tokio::time::timeout(Duration::from_secs(1), stream.message()).await
            {
                assert!(update.seq >= last, "{} after {last}", update.seq);
                last = update.seq;
            }
        }
        last
    })
}

/// What stands in a studio and must stand in it after every move.
pub struct World {
    pub owner: Seat,
    pub guest: Seat,
    pub songs: Vec<(String, String)>,
    /// A version and its file.
    pub version: (String, String, Piece),
    pub half: Piece,
    pub offset: u64,
    pub files: Vec<String>,
}

impl World {
    pub async fn found(place: &Where, code: &str, dice: &mut Dice) -> Self {
        let owner = Seat::login(channel(place).await.unwrap(), code).await.unwrap();
        let guest = invited(&owner, "ben").await;
        let mut songs = Vec::new();
        for _ in 0..3 {
            let project = owner.new_project().await;
            for _ in 0..2 {
                songs.push((project.clone(), owner.new_song(&project).await));
            }
        }
        let (project, song) = songs[0].clone();
        let me = owner.who_am_i().await.unwrap().person_id;
        let roles = [Role::Manager, Role::Producer].map(i32::from).to_vec();
        owner.perform(&project, Action::ChangeRoles(v1::ChangeRoles { person_id: me, roles })).await.unwrap();
        let mut piece = Piece::new(dice, &project, 300_000);
        assert!(piece.upload(&owner).await.unwrap());
        let main =
            v1::NewFile { alternate: "main".into(), sha256: piece.sha256.clone(), name: "noise.wav".into() };
        let version_id = new_id();
        let add = v1::AddVersion {
            version_id: version_id.clone(),
            song_id: song,
            kind: VersionKind::Take.into(),
            files: vec![main],
            ..Default::default()
        };
        owner.perform(&project, Action::AddVersion(add)).await.unwrap();
        let files = vec![piece.sha256.clone()];
        let half = Piece::new(dice, &project, 12 << 20);
        let mut world =
            Self { owner, guest, songs, version: (project, version_id, piece), half, offset: 0, files };
        world.upload_half(9 << 20).await;
        assert!(world.offset > 0, "something of it is durable");
        world.must_be_whole(place).await;
        world
    }

    /// Sends up to `end` and leaves; then as far as the server has it.
    async fn upload_half(&mut self, end: u64) {
        let state = self.half.begin(&self.owner).await.unwrap();
        let sending = self.half.send(&self.owner, &state, end);
        // The call is left open, as by a machine that lost its line.
        let _cut = tokio::time::timeout(Duration::from_secs(3), sending).await;
        let mut before = 0;
        for _ in 0..100 {
            self.offset = self.half.begin(&self.owner).await.unwrap().offset;
            if self.offset > 0 && self.offset == before {
                return;
            }
            before = self.offset;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn add_file(&mut self, place: &Where, dice: &mut Dice) {
        let seat = self.owner.over(channel(place).await.unwrap());
        let mut piece = Piece::new(dice, &self.songs[0].0, 150_000);
        assert!(piece.upload(&seat).await.unwrap());
        self.files.push(piece.sha256);
    }

    /// The same sessions, the same bytes, the upload where it stood.
    pub async fn must_be_whole(&self, place: &Where) {
        let channel = channel(place).await.unwrap();
        let (owner, guest) = (self.owner.over(channel.clone()), self.guest.over(channel.clone()));
        assert_eq!(owner.who_am_i().await.unwrap().name, "Noor");
        assert_eq!(guest.who_am_i().await.unwrap().name, "ben");
        let (project_id, version_id, piece) = &self.version;
        let asked = v1::DownloadRequest {
            project_id: project_id.clone(),
            version_id: version_id.clone(),
            sha256: piece.sha256.clone(),
            ..Default::default()
        };
        let mut chunks = MediaClient::new(channel).download(owner.with(asked)).await.unwrap().into_inner();
        let mut hash = Sha256::new();
        while let Some(chunk) = chunks.message().await.unwrap() {
            hash.update(&chunk.data);
        }
        assert_eq!(hex::encode(hash.finalize()), piece.sha256);
        let mut half = Piece { bytes: self.half.bytes.clone(), ..Piece::new(&mut Dice(1), project_id, 64) };
        half.sha256.clone_from(&self.half.sha256);
        assert_eq!(
            half.begin(&owner).await.unwrap().offset,
            self.offset,
            "the upload goes on where it stood"
        );
    }

    /// What was acknowledged is answered as it was then, and nothing is done for it.
    pub async fn again(&self, place: &Where, told: &[Told]) {
        let seat = self.owner.over(channel(place).await.unwrap());
        let project = &told[0].project;
        let head = |seat: Seat| async move {
            let action =
                Action::AddSong(v1::AddSong { song_id: new_id(), title: "1".into(), isrc: String::new() });
            seat.perform(project, action).await.unwrap()
        };
        let before = head(seat.clone()).await;
        for told in told {
            let seq = seat.perform_as(&told.command, &told.project, told.action.clone()).await.unwrap();
            assert_eq!(seq, told.seq, "a command was done twice or forgotten");
        }
        assert_eq!(head(seat).await, before + 1, "something was written for it");
    }

    /// The upload is brought to its end.
    pub async fn finish_half(&mut self, place: &Where) {
        let seat = self.owner.over(channel(place).await.unwrap());
        let state = self.half.begin(&seat).await.unwrap();
        assert_eq!(state.offset, self.offset);
        assert!(self.half.send(&seat, &state, u64::MAX).await.unwrap().done);
        self.files.push(self.half.sha256.clone());
    }
}

async fn invited(owner: &Seat, name: &str) -> Seat {
    let asked = v1::CreateInviteRequest {
        name: name.into(),
        email: format!("{name}@x.example"),
        ..Default::default()
    };
    let link = owner.sessions().create_invite(owner.with(asked)).await.unwrap().into_inner().link;
    let code = link.split('/').nth(3).unwrap().split('#').next().unwrap().to_owned();
    Seat::login(owner.channel.clone(), &code).await.unwrap()
}
