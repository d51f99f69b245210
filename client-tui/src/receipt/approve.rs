//! An approval that is signed: every file fetched and hashed, the studio's record held against what this machine saw of it, the key enrolled where it is new, the
//! statement written and signed, and afterwards looked up in the record. The one way for verbs and screens. Never here: questions to a person, printing.

use std::path::PathBuf;

use deadwax_proto::v1::{self, KeyView, PerformResponse, Role, action::Action};

use super::{
    KEY, STATEMENT, Trouble, ZEROS, bytes,
    chain::{self, Chain},
    digest,
    keys::{self, Found, Signer},
    short, sign,
    statement::{Hashed, Object, Statement},
};
use crate::{
    cache::audio::AudioCache,
    net::{Client, NetError},
    profile::{Home, Profile},
    verbs::{house::House, record::told::is_whole, words},
};

/// Another statement may come in between once; twice in a row is no chance.
const STALE: &str = "STATEMENT_STALE";

/// Who signs, where, with what.
pub struct Desk {
    pub client: Client,
    pub home: Home,
    pub profile: Profile,
    pub cache: AudioCache,
    pub signer: Signer,
    /// A file of an older key of the same person, should the new one need it.
    pub voucher: Option<PathBuf>,
}

/// What a person said yes to: exactly what stood before them.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    pub project_id: String,
    pub what: What,
    pub role: Role,
    pub approval_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Version { version_id: String, fingerprint: String },
    Spacing { number: u32 },
    Record { record_id: String, fingerprint: String },
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bytes of all files together.
    Fetching {
        name: String,
        done: u64,
        total: u64,
    },
    /// The studio's record.
    Record,
    Enrolling,
    Signing,
}

#[derive(Clone, Debug)]
pub struct Signed {
    pub answer: PerformResponse,
    pub sequence: u32,
    pub statement: String,
    pub signature: String,
    /// The key was not known in this project before.
    pub enrolled: bool,
    /// The studio shows no list of its record, so that nothing can be held against it later.
    pub unlisted: bool,
}

fn changed(what: &str) -> Trouble {
    Trouble::no(
        "FINGERPRINT_DIFFERS",
        format!("{what} is not what you saw any more. Nothing was signed."),
        "Look at what stands there now, then decide.",
    )
}

/// The whole of it. Dropped on the way it leaves nothing behind but files in the cache, until the statement is on the wire.
pub async fn approve(desk: &Desk, wish: &Wish, progress: &(dyn Fn(Step) + Sync)) -> Result<Signed, Trouble> {
    let house = house(desk, wish).await?;
    let object = object(&house, wish)?;
    fetch(desk, wish, &object, progress).await?;
    if object.own_fingerprint() != object.fingerprint() {
        return Err(Trouble::no(
            "FINGERPRINT_DIFFERS",
            format!("{} has another fingerprint than its files have. Nothing was signed.", object.name()),
            "Tell the studio: what it lists does not fit together.",
        ));
    }
    progress(Step::Record);
    let before = chain::follow(&desk.client, &desk.home, &wish.project_id).await?;
    let enrolled = must_be_enrolled(desk, &house, progress).await?;
    let mut again = true;
    loop {
        progress(Step::Signing);
        let now = self::house(desk, wish).await?;
        if self::object(&now, wish)? != object {
            return Err(changed(&object.name()));
        }
        let statement = statement(desk, wish, &now, &object);
        let (text, sequence) = (statement.text(), statement.sequence);
        let signature = signed(&desk.signer, STATEMENT, &text).await?;
        let receipt = v1::Receipt { statement: text.clone(), signature: signature.clone() };
        match desk.client.perform(&wish.project_id, action(wish, receipt)).await {
            Ok(answer) => {
                let unlisted = before.is_none();
                if !unlisted {
                    must_be_listed(desk, wish, &statement, &text).await?;
                }
                return Ok(Signed { answer, sequence, statement: text, signature, enrolled, unlisted });
            }
            Err(error) if error.reason() == STALE && again => again = false,
            Err(error) => return Err(error.into()),
        }
    }
}

async fn house(desk: &Desk, wish: &Wish) -> Result<House, Trouble> {
    let mut house = House::from_update(desk.client.get(&wish.project_id).await?);
    if house.project.project_id != wish.project_id {
        return Err(NetError::Odd("another project came than was asked for".into()).into());
    }
    // Rows carry the files of the newest records alone; what is signed are the files.
    if let What::Record { record_id, .. } = &wish.what
        && let Some(row) = house.records.iter_mut().find(|it| it.record_id == *record_id && !is_whole(it))
    {
        *row = desk.client.get_record(&wish.project_id, record_id).await?;
    }
    Ok(house)
}

/// What is to be approved, as the rows show it now; its files as they are listed.
fn object(house: &House, wish: &Wish) -> Result<Object, Trouble> {
    let gone = |what: &str| changed(what);
    match &wish.what {
        What::Version { version_id, fingerprint } => {
            let row = house.version_by_id(version_id).ok_or_else(|| gone("The version"))?;
            if row.fingerprint != *fingerprint {
                return Err(changed(&words::version(row)));
            }
            if let Some(closed) = row.files.iter().find(|it| !it.may_fetch) {
                return Err(Trouble::no(
                    "ORIGINALS_CLOSED",
                    format!(
                        "You may hear {} of {} but not fetch it, so you cannot sign its bytes.",
                        closed.alternate,
                        words::version(row)
                    ),
                    "Ask a manager for another role, or approve without a key (--no-key).",
                ));
            }
            let song =
                house.songs.iter().find(|it| it.song_id == row.song_id).ok_or_else(|| gone("The song"))?;
            let file = |it: &v1::VersionFile| Hashed {
                sha256: it.sha256.clone(),
                bytes: it.facts.as_ref().map_or(0, |facts| facts.bytes),
                name: it.alternate.clone(),
            };
            Ok(Object::Version {
                version_id: version_id.clone(),
                name: words::version(row),
                song_id: song.song_id.clone(),
                song_title: song.title.clone(),
                kind: row.kind(),
                fingerprint: row.fingerprint.clone(),
                files: row.files.iter().map(file).collect(),
            })
        }
        What::Spacing { number } => match &house.project.spacing {
            Some(spacing) if spacing.number == *number => {
                Ok(Object::Spacing { number: *number, items: spacing.items.clone() })
            }
            _ => Err(changed(&format!("Spacing {number}"))),
        },
        What::Record { record_id, fingerprint } => {
            let row = house
                .records
                .iter()
                .find(|it| it.record_id == *record_id)
                .ok_or_else(|| gone("The record"))?;
            if row.fingerprint != *fingerprint {
                return Err(changed(&format!("Record {}", row.number)));
            }
            Ok(of_record(row))
        }
    }
}

/// A record with its files as they are listed.
pub fn of_record(row: &v1::RecordRow) -> Object {
    let file = |it: &v1::RecordFile| Hashed {
        sha256: it.sha256.clone(),
        bytes: it.bytes,
        name: if it.folder.is_empty() { it.name.clone() } else { format!("{}/{}", it.folder, it.name) },
    };
    Object::Record {
        record_id: row.record_id.clone(),
        number: row.number,
        fingerprint: row.fingerprint.clone(),
        files: row.files.iter().map(file).collect(),
    }
}

/// Every byte of it comes here; what is listed and what came are one thing afterwards.
async fn fetch(
    desk: &Desk,
    wish: &Wish,
    object: &Object,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<(), Trouble> {
    let (of, files) = match object {
        Object::Version { version_id, files, .. } => (bytes::Of::Version(version_id), files),
        Object::Record { record_id, files, .. } => (bytes::Of::Record(record_id), files),
        Object::Spacing { .. } => return Ok(()),
    };
    if files.is_empty() {
        return Err(Trouble::no(
            "NO_SUCH_FILE",
            format!("{} lists no file.", object.name()),
            "Tell the studio.",
        ));
    }
    let total = files.iter().map(|it| it.bytes).sum();
    let mut before = 0;
    for file in files {
        let listed = bytes::Listed { of, sha256: &file.sha256, bytes: file.bytes, name: &file.name };
        let told =
            |done: u64| progress(Step::Fetching { name: file.name.clone(), done: before + done, total });
        told(0);
        bytes::fetch(&desk.client, &desk.cache, &wish.project_id, &listed, &told).await?;
        before += file.bytes;
    }
    Ok(())
}

fn statement(desk: &Desk, wish: &Wish, house: &House, object: &Object) -> Statement {
    let head = house.project.receipts.clone().unwrap_or_default();
    let previous = if head.sequence == 0 { ZEROS.to_owned() } else { head.statement_sha256 };
    Statement {
        project_id: wish.project_id.clone(),
        project_title: house.project.title.clone(),
        object: object.clone(),
        role: wish.role,
        signer: desk.profile.person_id.clone(),
        key: desk.signer.fingerprint().to_owned(),
        approval_id: wish.approval_id.clone(),
        previous,
        sequence: head.sequence.saturating_add(1),
        at_s: jiff::Timestamp::now().as_second(),
    }
}

fn action(wish: &Wish, receipt: v1::Receipt) -> Action {
    let (approval_id, role, receipt) = (wish.approval_id.clone(), wish.role as i32, Some(receipt));
    match wish.what.clone() {
        What::Version { version_id, fingerprint } => {
            Action::Approve(v1::Approve { approval_id, version_id, role, fingerprint, receipt })
        }
        What::Spacing { number } => {
            Action::ApproveSpacing(v1::ApproveSpacing { approval_id, number, role, receipt })
        }
        What::Record { record_id, fingerprint } => {
            Action::ApproveRecord(v1::ApproveRecord { approval_id, record_id, role, fingerprint, receipt })
        }
    }
}

/// An agent may ask a person first: that is waited for beside the threads that draw and talk.
/// # Errors
/// As [`sign::sign`].
pub async fn signed(signer: &Signer, namespace: &'static str, text: &str) -> Result<String, Trouble> {
    let (signer, text) = (signer.clone(), text.to_owned());
    let made = tokio::task::spawn_blocking(move || sign::sign(&signer, namespace, &text)).await;
    made.map_err(|_| Trouble::Input("signing was cut short".into()))?
}

/// The statement stands in the record in its place, behind the one that it names.
async fn must_be_listed(desk: &Desk, wish: &Wish, statement: &Statement, text: &str) -> Result<(), Trouble> {
    let missing = |what: &str| {
        Trouble::no(
            "RECEIPT_MISSING",
            format!("You signed, and the studio took it, but {what}."),
            "Tell the others in the project and keep this message: the studio's record does not say what you did.",
        )
    };
    let chain: Chain = chain::follow(&desk.client, &desk.home, &wish.project_id)
        .await?
        .ok_or_else(|| missing("it shows no record any more"))?;
    let at = statement.sequence as usize;
    let mut listed = chain.statements().skip(at.saturating_sub(2));
    let before = if at < 2 { Some(ZEROS) } else { listed.next() };
    if before != Some(statement.previous.as_str()) || listed.next() != Some(digest(text).as_str()) {
        return Err(missing("its record does not hold your statement in its place"));
    }
    Ok(())
}

/// Keys of the person who signs.
pub fn own_keys<'a>(house: &'a House, person_id: &str) -> &'a [KeyView] {
    house.members.iter().find(|it| it.person_id == person_id).map_or(&[], |it| it.keys.as_slice())
}

/// True where it had to be enrolled first.
async fn must_be_enrolled(
    desk: &Desk,
    house: &House,
    progress: &(dyn Fn(Step) + Sync),
) -> Result<bool, Trouble> {
    let keys = own_keys(house, &desk.profile.person_id);
    let known = keys.iter().find(|it| it.fingerprint == desk.signer.fingerprint());
    match known {
        Some(key) if key.revoked_ms == 0 => return Ok(false),
        Some(key) => {
            return Err(Trouble::no(
                "KEY_REVOKED",
                format!(
                    "The key {} was revoked by {}: it signs nothing any more.",
                    short(&key.fingerprint),
                    key.revoked_by
                ),
                "Make another with `deadwax key new --again`.",
            ));
        }
        None => {}
    }
    progress(Step::Enrolling);
    let enrol = enrolment(desk, house, None).await?;
    desk.client.perform(&house.project.project_id, Action::EnrolKey(enrol)).await?;
    Ok(true)
}

/// What puts the key into a project. `unlocked`: an older key that vouches, where it needed its passphrase.
///
/// # Errors
/// `KEY_NOT_VOUCHED` where another key of this person holds and is not to be had here.
pub async fn enrolment(
    desk: &Desk,
    house: &House,
    unlocked: Option<&Signer>,
) -> Result<v1::EnrolKey, Trouble> {
    let line = desk.signer.line();
    let proof = signed(&desk.signer, KEY, line).await?;
    let keys = own_keys(house, &desk.profile.person_id);
    let holding: Vec<&str> =
        keys.iter().filter(|it| it.revoked_ms == 0).map(|it| it.fingerprint.as_str()).collect();
    let vouch = match unlocked {
        _ if holding.is_empty() => String::new(),
        Some(signer) => signed(signer, KEY, line).await?,
        None => match keys::voucher(&desk.home, &desk.profile.name, desk.voucher.as_deref(), &holding)? {
            Some(Found::Ready(signer)) => signed(&signer, KEY, line).await?,
            Some(Found::Locked(locked)) => {
                return Err(Trouble::no(
                    "KEY_NOT_VOUCHED",
                    format!(
                        "The key {} has to vouch for the new one, and needs its passphrase.",
                        locked.label()
                    ),
                    "Say `deadwax key enrol`: it asks for the passphrase.",
                ));
            }
            None => return Err(not_vouched(&holding)),
        },
    };
    Ok(v1::EnrolKey { public_key: line.to_owned(), proof, vouch })
}

fn not_vouched(holding: &[&str]) -> Trouble {
    let list: Vec<String> = holding.iter().map(|it| short(it)).collect();
    Trouble::no(
        "KEY_NOT_VOUCHED",
        format!(
            "Another key of yours holds in this project ({}): it has to vouch for a new one.",
            list.join(", ")
        ),
        "Name its file with `deadwax key enrol --vouch FILE`, or put it into an ssh-agent. If it is lost a manager revokes it.",
    )
}
