//! What this machine remembers of a project's record: the list of its entries as it was shown here last, with the studio's signature on it. A later list must
//! begin with it; else somebody changed what had happened, and that is said loudly. Never here: what the entries mean.

use serde::{Deserialize, Serialize};

use super::{
    CHECKPOINT, Trouble, digest, sign,
    verify::lists::{self, Checkpoint, Link},
};
use crate::{net::Client, profile::Home};

/// A list of this size has some four hundred thousand entries.
const LIST_BYTES_MAX: usize = 64 << 20;
const FOLDER: &str = "chains";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    studio_key: String,
    checkpoint: String,
    signature: String,
    lines: String,
}

/// The list of now, which begins with everything that was shown here before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    pub links: Vec<Link>,
    pub lines: String,
    pub checkpoint: Checkpoint,
    /// It was never asked for on this machine before.
    pub first: bool,
}

impl Chain {
    /// Digests of the statements, in their order.
    pub fn statements(&self) -> impl Iterator<Item = &str> {
        self.links.iter().filter_map(|it| it.statement.as_deref())
    }
}

fn rewritten(what: &str, file: &str) -> Trouble {
    Trouble::no(
        "RECORD_REWRITTEN",
        format!("The studio's record was rewritten: {what}. Nothing was signed."),
        format!(
            "Do not sign. Keep {file} as it is: it proves what the record was. Tell the others in the project."
        ),
    )
}

fn odd(what: &str) -> Trouble {
    Trouble::no(
        "CHAIN_INVALID",
        format!("The studio's list of its record is not sound: {what}. Nothing was signed."),
        "Tell the studio; sign when it is mended.",
    )
}

/// Asks for the list from where this machine knows it, and keeps it. `None`: a studio without such lists, and none was ever seen here.
///
/// # Errors
/// `RECORD_REWRITTEN` where it does not begin with what was shown here before; `CHAIN_INVALID` where it is not sound.
pub async fn follow(client: &Client, home: &Home, project_id: &str) -> Result<Option<Chain>, Trouble> {
    // Whoever else uses this home has the same studio; an id of a project is no path.
    let name = digest(format!("{} {project_id}", client.url()))[..40].to_owned();
    let file = crate::scrub::line(&home.folder().join(FOLDER).join(format!("{name}.toml")).to_string_lossy());
    let kept = match home.kept(FOLDER, &name)? {
        Some(text) => Some(toml::from_str::<Kept>(&text).map_err(|_| {
            let text = format!("{file}, where this machine keeps the studio's record, is damaged.");
            Trouble::no(
                "CHAIN_DAMAGED",
                text,
                "Move it away if you know why; the record is then remembered anew.",
            )
        })?),
        None => None,
    };
    let old = kept.clone().unwrap_or_default();
    let known = old.lines.lines().count() as u64;
    let (told, more) = match client.chain(project_id, known, LIST_BYTES_MAX).await {
        Ok(answer) => answer,
        Err(error) if kept.is_none() && error.reason() == "Unimplemented" => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let now = Kept {
        studio_key: sign::Public::read(&told.public_key).ok_or_else(|| odd("its key is none"))?.line,
        checkpoint: told.text,
        signature: told.signature,
        lines: format!("{}{more}", old.lines),
    };
    let checkpoint = signed(&now, project_id)?;
    if kept.is_some() && now.studio_key != old.studio_key {
        return Err(rewritten("another key signs for the studio than before", &file));
    }
    if checkpoint.entries < known {
        let text = format!("it had {known} entries here and has {} now", checkpoint.entries);
        return Err(rewritten(&text, &file));
    }
    if digest(&now.lines) != checkpoint.chain_sha256 {
        return Err(match kept.is_some() {
            true => rewritten(&differing(client, project_id, &old.lines).await?, &file),
            false => odd("its digest is another"),
        });
    }
    let links = lists::chain(&now.lines).map_err(|(line, what)| odd(&format!("line {line} {what}")))?;
    lists::fits(&checkpoint, &links, &now.lines).map_err(odd)?;
    if kept.as_ref() != Some(&now) {
        let text = toml::to_string(&now)
            .map_err(|e| Trouble::Input(format!("the record could not be kept: {e}")))?;
        home.keep(FOLDER, &name, &text)?;
    }
    Ok(Some(Chain { links, lines: now.lines, checkpoint, first: kept.is_none() }))
}

/// The checkpoint, signed by the key that came with it, of this project.
fn signed(now: &Kept, project_id: &str) -> Result<Checkpoint, Trouble> {
    let by = sign::verify(CHECKPOINT, &now.checkpoint, &now.signature)
        .map_err(|what| odd(&format!("its signature: {what}")))?;
    if by.line != now.studio_key {
        return Err(odd("its signature is by another key than it says"));
    }
    let checkpoint = lists::checkpoint(&now.checkpoint).map_err(odd)?;
    if checkpoint.project != project_id {
        return Err(odd("it is of another project"));
    }
    Ok(checkpoint)
}

/// Which line is another than it was: for people, from the whole list of now.
async fn differing(client: &Client, project_id: &str, old: &str) -> Result<String, Trouble> {
    let (_, all) = client.chain(project_id, 0, LIST_BYTES_MAX).await?;
    let at = old.lines().zip(all.lines()).position(|(was, is)| was != is);
    Ok(match at {
        Some(at) => format!("entry {} is another than this machine was shown before", at + 1),
        None => "its entries are not those that it signs for".to_owned(),
    })
}
