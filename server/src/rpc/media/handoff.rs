//! The package of a song's newest handoff on its way out, from any byte on. Never here: how it is made (`handoff`), and rules beyond who may fetch.

use bytes::Bytes;
use deadwax_domain::{Handoff, HandoffState, ProjectId, SongId, audience};
use deadwax_proto::v1;
use futures::{StreamExt as _, stream};
use tonic::{Code, Status};

use super::{Chunks, Service, may_fetch};
use crate::{
    auth::Caller,
    egress::Way,
    rpc::{
        id_text,
        outgoing::{self, Stored},
        parse_id,
    },
    status,
    wire::view::review::package as package_row,
};

impl Service {
    pub(super) async fn handoff(
        &self,
        caller: &Caller,
        asked: v1::GetHandoffRequest,
    ) -> Result<Chunks<v1::HandoffChunk>, Status> {
        let snapshot = self.project(caller, &asked.project_id).await?;
        let roles = snapshot.project.roles_of(caller.person.id).cloned().unwrap_or_default();
        if !audience::may_fetch(&roles) {
            let text = "Listeners hear this and may not fetch the originals.";
            let hint = "Ask a manager of the project.";
            return Err(status::refuse(Code::PermissionDenied, "ORIGINALS_CLOSED", text, hint));
        }
        let song = SongId(parse_id("song_id", &asked.song_id)?);
        let song =
            snapshot.project.songs.get(song).ok_or_else(|| status::not_found("NO_SUCH_SONG", "song"))?;
        let Some(handoff) = &song.handoff else {
            let text = format!("\"{}\" was not handed to mastering yet.", song.title);
            let hint = "The gate of mixing comes first.";
            return Err(status::refuse(Code::FailedPrecondition, "NO_HANDOFF", text, hint));
        };
        let Some(package) = &handoff.package else {
            return Err(self.not_made(snapshot.id, song.id, handoff));
        };
        let read = self.studio.blobs.read(package.digest, asked.offset, None).await;
        let (total_bytes, chunks) = read.map_err(status::blob)?;
        if asked.offset > total_bytes {
            let text = format!("`offset` is past the end: the package has {total_bytes} bytes.");
            return Err(status::malformed(text));
        }
        tracing::info!(
            person = %id_text(caller.person.id.0), project = %id_text(snapshot.id.0), digest = %package.digest,
            "download of a package"
        );
        let head = v1::HandoffChunk { package: Some(package_row(package)), data: Bytes::new() };
        let body = outgoing::body(chunks, |data| v1::HandoffChunk { package: None, data });
        let all = stream::once(async move { Ok(head) }).chain(body);
        let chunks = self.until_ended(caller, snapshot.id, may_fetch(caller.person.id), all);
        let (way, object, digest) = (Way::Handoff, song.id.0, package.digest);
        let of = Stored { way, project: snapshot.id, object, work: object, digest };
        outgoing::given(&self.studio, caller, of.gift(asked.offset, total_bytes), chunks).await
    }

    /// Passing where it is at work: whoever asked may simply ask again.
    fn not_made(&self, project: ProjectId, song: SongId, handoff: &Handoff) -> Status {
        const REASON: &str = "PACKAGE_NOT_MADE";
        if handoff.state == HandoffState::Returned {
            let text = "The handoff went back to mixing before it was packed.";
            let hint = "The next one comes with the gate of mixing.";
            return status::refuse(Code::FailedPrecondition, REASON, text, hint);
        }
        match self.studio.packages.of(project, song) {
            Some(trouble) => {
                let hint = "Ask the studio's owner to mend it (a damaged file comes back from the backup); the package is then made by itself.";
                status::refuse(Code::FailedPrecondition, REASON, trouble, hint)
            }
            None => {
                let text = "The package is being made.";
                status::refuse(Code::Unavailable, REASON, text, "Try again in a moment.")
            }
        }
    }
}
