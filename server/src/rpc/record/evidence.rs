//! The evidence of a project on its way out, as one zip. Statements name versions: whoever may not know of one of them gets no evidence until the mixes do not
//! compete any more, since a chain with a hole proves nothing. Never here: what stands in it (`evidence`).

use std::io::{self, SeekFrom};

use deadwax_domain::{Digest, Project, SongId};
use deadwax_proto::v1;
use futures::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncSeekExt as _},
};
use tokio_util::io::ReaderStream;
use tonic::{Code, Status};

use super::{Service, project_id, sees_work};
use crate::{
    auth::Caller,
    blob::BlobError,
    egress::Way,
    evidence::{self, Chain, Facts, Folder},
    ledger::Snapshot,
    rpc::{
        id_text,
        media::CHUNK_BYTES,
        outgoing::{self, Stored},
        parse_id,
        until::{Answers, until_ended},
    },
    status,
};

impl Service {
    pub(super) async fn evidence(
        &self,
        caller: &Caller,
        asked: v1::GetEvidenceRequest,
    ) -> Result<Answers<v1::EvidenceChunk>, Status> {
        let id = project_id(&asked.project_id)?;
        let song = match asked.song_id.as_str() {
            "" => None,
            text => Some(SongId(parse_id("song_id", text)?)),
        };
        let person = caller.person.id;
        may_have(&self.project(caller, id).await?.project, caller, song)?;
        // Few at once: each holds the whole list in memory until the file is written.
        let permit = self.exporting.acquire().await.map_err(|_| status::closing())?;
        let (snapshot, chain) = self.chain_for(caller, id).await?;
        may_have(&snapshot.project, caller, song)?;
        let text = self.studio.chains.text(id, &chain, 0, chain.entries).await.map_err(status::ledger)?;
        let folder = self.folder(&snapshot, (&chain, &text))?;
        let io = |error| status::blob(BlobError::Io(error));
        // Without a name: it is gone with the answer, however that ends.
        let file = tempfile::tempfile_in(&self.studio.folder).map_err(io)?;
        let mut file = folder.write(File::from_std(file), snapshot.project.as_of).await.map_err(io)?;
        drop(permit);
        let total_bytes = file.seek(SeekFrom::End(0)).await.map_err(io)?;
        let digest = digest_of(&mut file).await.map_err(io)?;
        tracing::info!(person = %id_text(person.0), project = %id_text(id.0), bytes = total_bytes, "evidence was given");
        let name = format!("{}.zip", folder.name);
        let head = v1::EvidenceChunk { name, total_bytes, data: bytes::Bytes::new() };
        let body = ReaderStream::with_capacity(file, CHUNK_BYTES).map(move |data| {
            let data = data.map_err(|error| status::blob(BlobError::Io(error)))?;
            Ok(v1::EvidenceChunk { name: String::new(), total_bytes: 0, data })
        });
        let all = stream::once(async move { Ok(head) }).chain(body);
        let sees_work = sees_work(person);
        let may =
            move |project: &Project| sees_work(project) && evidence::hidden_song(project, person).is_none();
        let chunks = until_ended(&self.studio, caller, id, may, all);
        let object = song.map_or(0, |song| song.0);
        let of = Stored { way: Way::Evidence, project: id, object, work: id.0, digest };
        outgoing::given(&self.studio, caller, of.gift(0, total_bytes), chunks).await
    }

    fn folder(&self, snapshot: &Snapshot, (chain, text): (&Chain, &str)) -> Result<Folder, Status> {
        let checkpoint = self.checkpoint(snapshot, chain)?;
        let (directory, config) = (self.studio.people.directory(), self.studio.config());
        let facts = Facts {
            studio: &config.name,
            project: &snapshot.project,
            names: &|person| directory.name(person).to_owned(),
            chain: text,
            checkpoint: &checkpoint,
            key: &self.studio.key,
        };
        Folder::of(&facts).map_err(|error| status::internal(&format!("{error:#}")))
    }
}

/// Stands at the beginning again afterwards.
async fn digest_of(file: &mut File) -> io::Result<Digest> {
    file.seek(SeekFrom::Start(0)).await?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; CHUNK_BYTES]);
    loop {
        match file.read(&mut buffer).await? {
            0 => break,
            read => hash.update(&buffer[..read]),
        }
    }
    file.seek(SeekFrom::Start(0)).await?;
    Ok(Digest(hash.finalize().into()))
}

fn may_have(project: &Project, caller: &Caller, song: Option<SongId>) -> Result<(), Status> {
    if song.is_some_and(|song| !project.songs.contains(song)) {
        return Err(status::not_found("NO_SUCH_SONG", "song"));
    }
    if let Some(hidden) = evidence::hidden_song(project, caller.person.id) {
        let text = format!(
            "While mixes of {} compete, what was signed about them is not for everybody to know.",
            project.song_name(hidden)
        );
        let hint = "Ask again when a mix was picked; a manager of the project can have it now.";
        return Err(status::refuse(Code::FailedPrecondition, "SHOOTOUT_OPEN", text, hint));
    }
    let told = match song {
        None => !project.receipts.is_empty(),
        Some(song) => project.receipts.iter().any(|kept| evidence::is_about(project, kept, song)),
    };
    if told {
        return Ok(());
    }
    let text = match song {
        None => "Nobody has signed anything in this project.".to_owned(),
        Some(song) => format!("Nobody has signed anything about {}.", project.song_name(song)),
    };
    let hint = "A receipt comes with an approval that is signed: deadwax key new, then approve.";
    Err(status::refuse(Code::FailedPrecondition, "NO_RECEIPTS", text, hint))
}
