//! Commands that were given and that the server has not answered: one file each, written the moment the command is made and removed with
//! the server's verdict. Named by the command's id, which is a UUIDv7: sorted by name they stand in the order in which they were made.
//! Whoever starts later sends them with the same ids, so nothing is done twice. Never here: what may be kept, and sending.

use std::{
    fs,
    io::{self, Read as _},
    path::PathBuf,
};

use deadwax_proto::v1::PerformRequest;
use prost::Message as _;

use super::rows::{Kept, read, replace};

/// A request is 256 KiB at most.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// One command, with what a person reads of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsent {
    pub request: PerformRequest,
    /// The key of the row that it is about.
    pub about: String,
    pub say: String,
}

impl Kept {
    /// # Errors
    /// Those of the disk. The command is sent nevertheless; only a restart would forget it.
    pub fn keep_unsent(&self, unsent: &Unsent) -> io::Result<()> {
        let path = self.unsent_path(&unsent.request.command_id)?;
        replace(&path, |to| {
            for part in
                [unsent.request.encode_to_vec().as_slice(), unsent.about.as_bytes(), unsent.say.as_bytes()]
            {
                to.write_all(&(part.len() as u64).to_le_bytes())?;
                to.write_all(part)?;
            }
            Ok(())
        })
    }

    /// The server has spoken of it. Fine where it was not kept.
    pub fn forget_unsent(&self, command_id: &str) {
        if let Ok(path) = self.unsent_path(command_id) {
            drop(fs::remove_file(path));
        }
    }

    /// In the order in which they were made. A file that cannot be read is left where it is.
    pub fn unsent(&self) -> Vec<Unsent> {
        let Ok(entries) = fs::read_dir(self.folder().join("unsent")) else { return Vec::new() };
        let mut names: Vec<_> = entries.filter_map(|it| it.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        names.into_iter().filter_map(|name| self.one(&name)).collect()
    }

    fn one(&self, name: &str) -> Option<Unsent> {
        let unsent = read(&self.unsent_path(name).ok()?, |from| {
            let mut parts = [Vec::new(), Vec::new(), Vec::new()];
            for part in &mut parts {
                let mut len = [0; 8];
                from.read_exact(&mut len)?;
                let len = u64::from_le_bytes(len).min(FILE_BYTES_MAX);
                from.take(len).read_to_end(part)?;
            }
            let odd = |_| io::Error::from(io::ErrorKind::InvalidData);
            let [request, about, say] = parts;
            Ok(Unsent {
                request: PerformRequest::decode(request.as_slice())?,
                about: String::from_utf8(about).map_err(odd)?,
                say: String::from_utf8(say).map_err(odd)?,
            })
        })?;
        (unsent.request.command_id == name).then_some(unsent)
    }

    /// Only a UUID names a file.
    fn unsent_path(&self, command_id: &str) -> io::Result<PathBuf> {
        let id =
            uuid::Uuid::try_parse(command_id).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.folder().join("unsent").join(id.hyphenated().to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{Home, Profile};
    use deadwax_proto::v1::{AcceptNote, Action, action::Action as Do};

    fn unsent(number: u128) -> Unsent {
        let action = Some(Do::AcceptNote(AcceptNote { note_id: "n1".into() }));
        let request = PerformRequest {
            command_id: uuid::Uuid::from_u128(number).to_string(),
            project_id: "P".into(),
            action: Some(Action { action }),
            ..PerformRequest::default()
        };
        Unsent { request, about: "note/n1".into(), say: "the note is accepted".into() }
    }

    #[test]
    fn commands_come_back_in_their_order_until_each_was_answered() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::of(&Home::at(dir.path()), &Profile::default());
        assert_eq!(kept.unsent(), []);
        for number in [3, 1, 2, 2] {
            kept.keep_unsent(&unsent(number)).unwrap();
        }
        assert_eq!(kept.unsent(), [unsent(1), unsent(2), unsent(3)]);
        kept.forget_unsent(&unsent(2).request.command_id);
        kept.forget_unsent(&unsent(2).request.command_id);
        fs::write(kept.folder().join("unsent").join(uuid::Uuid::from_u128(3).to_string()), b"half").unwrap();
        fs::write(kept.folder().join("unsent/strange"), b"x").unwrap();
        assert_eq!(kept.unsent(), [unsent(1)]);
        let mut odd = unsent(4);
        odd.request.command_id = "../../etc/passwd".into();
        assert!(kept.keep_unsent(&odd).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_them() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::of(&Home::at(dir.path()), &Profile::default());
        kept.keep_unsent(&unsent(1)).unwrap();
        let path = kept.folder().join("unsent").join(uuid::Uuid::from_u128(1).to_string());
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
