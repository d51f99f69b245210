//! What has to hold of a studio after a trial, told as the first thing that does not. Never here: how the trial went.

use std::collections::BTreeSet;

use bytes::Bytes;
use deadwax_domain::Digest;

use super::script::{History, Moment, Rooms, STREAMS, open, receptions};
use crate::{
    blob::BlobError,
    disk::faulty::FaultyDisk,
    store::{Entry, Store as _, StreamId},
};

/// `Err`: what is wrong.
pub(super) type Checked = Result<(), String>;

macro_rules! must {
    ($holds:expr, $($what:tt)*) => {
        if !$holds {
            return Err(format!($($what)*));
        }
    };
}

/// Starts on the disk and looks.
pub(super) async fn after_restart(disk: &FaultyDisk, history: &History, upto: Moment) -> Checked {
    let rooms = open(disk).await.map_err(|why| format!("the start was refused: {why}"))?;
    history.check(&rooms, disk, upto).await
}

impl History {
    /// All that was acknowledged up to a moment is there, and what is there is whole. `disk` is the one that `rooms` stand on.
    pub(super) async fn check(&self, rooms: &Rooms, disk: &FaultyDisk, upto: Moment) -> Checked {
        self.check_facts(rooms, upto).await?;
        self.check_sounds(rooms, upto).await?;
        self.check_uploads(rooms, disk, upto).await?;
        self.check_book(rooms, upto).await
    }

    /// What somebody could have seen.
    pub(super) async fn seen(&self, rooms: &Rooms) -> Result<BTreeSet<String>, String> {
        let mut seen = BTreeSet::new();
        for id in self.appends.keys() {
            let known = rooms.store.command(*id).await.map_err(|it| it.to_string())?;
            seen.extend(known.map(|_| format!("command {id}")));
        }
        for digest in self.sounds.keys().map(|digest| Digest(*digest)) {
            let has = rooms.blobs.has(digest).await.map_err(|it| it.to_string())?;
            seen.extend(has.then(|| format!("audio {digest}")));
        }
        for digest in self.given.keys() {
            let told = receptions(rooms, *digest).await?;
            seen.extend(told.first().map(|it| format!("given {}, {:?}", Digest(*digest), it.ended)));
        }
        Ok(seen)
    }

    /// Reading works, whatever became of writing.
    pub(super) async fn look(&self, rooms: &Rooms) -> Checked {
        for stream in 0..STREAMS {
            let read =
                rooms.store.read(StreamId(stream), 0, usize::MAX).await.map_err(|it| it.to_string())?;
            must!(read.len() as u64 >= self.head(StreamId(stream)), "stream {stream} is short");
        }
        for (digest, sound) in &self.sounds {
            if sound.acked.is_some() {
                rooms.blobs.verify(Digest(*digest)).await.map_err(|it| it.to_string())?;
            }
        }
        for (digest, _) in self.given.iter().filter(|(_, given)| given.begun.is_some()) {
            must!(!receptions(rooms, *digest).await?.is_empty(), "the book forgot {}", Digest(*digest));
        }
        Ok(())
    }

    async fn check_facts(&self, rooms: &Rooms, upto: Moment) -> Checked {
        let mut streams = Vec::new();
        for stream in 0..STREAMS {
            let read =
                rooms.store.read(StreamId(stream), 0, usize::MAX).await.map_err(|it| it.to_string())?;
            must!(read.iter().map(|entry| entry.seq).eq(1..=read.len() as u64), "stream {stream} has gaps");
            streams.push((read, 0));
        }
        for (id, (append, acked)) in &self.appends {
            let known = rooms.store.command(*id).await.map_err(|it| it.to_string())?;
            if let Some((done, _)) = acked.as_ref().filter(|(_, at)| *at <= upto) {
                must!(
                    known == Some((*done, append.command.request_sha256)),
                    "command {id} was acknowledged and is {known:?}"
                );
            }
            let desk = rooms.store.desk(append.stream.0).await.map_err(|it| it.to_string())?;
            let has_row = desk.iter().any(|(key, _)| *key == format!("{id}"));
            must!(
                has_row == known.is_some(),
                "the desk row of command {id}: {has_row}, the command: {known:?}"
            );
            let Some((done, _)) = known else { continue };
            let (read, counted) = &mut streams[append.stream.0 as usize];
            *counted += append.entries.len();
            let first = done.first_seq as usize - 1;
            let there = read.get(first..first + append.entries.len()).unwrap_or_default();
            must!(there.len() == append.entries.len(), "command {id} is there by half");
            for (entry, wanted) in there.iter().zip(&append.entries) {
                self.check_entry(rooms, append.stream, entry, wanted, upto).await?;
            }
        }
        for (stream, (read, counted)) in streams.iter().enumerate() {
            must!(read.len() == *counted, "stream {stream} has entries that nobody wrote");
        }
        Ok(())
    }

    async fn check_entry(
        &self,
        rooms: &Rooms,
        stream: StreamId,
        entry: &Entry,
        wanted: &Bytes,
        upto: Moment,
    ) -> Checked {
        let redactions = || self.redactions.iter().filter(|(of, seq, _)| (*of, *seq) == (stream, entry.seq));
        match &entry.payload {
            Some(payload) => {
                must!(payload == wanted, "entry {} of {stream:?} has other bytes", entry.seq);
                let erased = redactions().any(|(.., acked)| acked.is_some_and(|at| at <= upto));
                must!(!erased, "entry {} of {stream:?} was erased", entry.seq);
            }
            None => must!(redactions().next().is_some(), "entry {} of {stream:?} is gone", entry.seq),
        }
        if let Some(digest) = wanted.strip_prefix(b"blob:") {
            let digest = hex::decode(digest).ok().and_then(|it| it.try_into().ok()).map(Digest);
            let digest = digest.ok_or("a digest of the script is no digest")?;
            must!(
                rooms.blobs.has(digest).await.map_err(|it| it.to_string())?,
                "a fact names {digest}, which is not there"
            );
        }
        Ok(())
    }

    async fn check_sounds(&self, rooms: &Rooms, upto: Moment) -> Checked {
        for (digest, sound) in &self.sounds {
            let digest = Digest(*digest);
            match rooms.blobs.verify(digest).await {
                Ok(bytes) => must!(bytes == sound.bytes.len() as u64, "{digest} has another length"),
                Err(BlobError::Missing(_)) => {
                    let acked = sound.acked.is_some_and(|at| at <= upto);
                    must!(!acked, "{digest} was acknowledged and is not there");
                }
                Err(error) => return Err(format!("{digest} is there by half: {error}")),
            }
        }
        Ok(())
    }

    async fn check_uploads(&self, rooms: &Rooms, disk: &FaultyDisk, upto: Moment) -> Checked {
        for (id, upload) in &self.uploads {
            let told = upload.told.iter().filter(|(_, at)| *at <= upto).map(|(offset, _)| *offset).max();
            let Some(told) = told else { continue };
            match rooms.blobs.staged(*id).await {
                Ok(staged) => {
                    let offset = staged.offset as usize;
                    must!(staged.offset >= told, "upload {id:x} was told to be at {told} and is at {offset}");
                    let bytes = disk.bytes(&staged.path).unwrap_or_default();
                    must!(bytes.get(..offset) == upload.bytes.get(..offset), "upload {id:x} has other bytes");
                }
                Err(BlobError::NoSuchUpload(_)) => {
                    let named = rooms.blobs.has(upload.digest).await.map_err(|it| it.to_string())?;
                    must!(upload.finishing && named, "upload {id:x} is gone");
                }
                Err(error) => return Err(format!("upload {id:x}: {error}")),
            }
        }
        Ok(())
    }

    async fn check_book(&self, rooms: &Rooms, upto: Moment) -> Checked {
        let mut known = 0;
        for (digest, given) in &self.given {
            let told = receptions(rooms, *digest).await?;
            let digest = Digest(*digest);
            known += told.len() as u64;
            let is_acked = |at: Option<Moment>| at.is_some_and(|at| at <= upto);
            must!(told.len() <= 1, "{digest} was given once and stands there {} times", told.len());
            must!(
                told.len() == 1 || !is_acked(given.begun),
                "{digest} was given and the book does not say so"
            );
            let sent = told.first().and_then(|it| it.ended).map(|ended| ended.sent);
            // Whoever asked may be gone before the answer; then nothing was sent.
            let is_right = |sent: u64| sent == given.sent || (sent == 0 && given.begun.is_none());
            must!(sent.is_none_or(is_right), "of {digest} {} bytes went, not {sent:?}", given.sent);
            must!(sent.is_some() || !is_acked(given.ended), "the book does not know the end of {digest}");
        }
        must!(rooms.book.count() == known, "the book tells of what nobody was given");
        Ok(())
    }
}
